//! [`ImageScattering`]: scattering features of images as rows for a classifier.
//!
//! In come images `[n, channels, rows, columns]`; out come features `[n, d]`. Images are centred on a grid whose sides are
//! multiples of 2^J and surrounded by zeros (MNIST's 28 x 28 becomes 32 x 32, as in the paper), transformed, and
//! every coefficient S becomes sign(S)·√|S|.
//!
//! The root is there because moduli are skewed: large strokes weigh on Euclidean distances, which all classifiers
//! here look at, more than they should. It was chosen, beside S itself and logarithms, on a validation part of MNIST's
//! training set; `docs/results.md` has the numbers.
//!
//! Source: Bruna & Mallat 2013, "Invariant scattering convolution networks", section 4.1, for the rest.

use std::fmt;

use ndarray::{Array2, Array4, ArrayD, ArrayView4, Axis, s};
use serde::{Deserialize, Serialize};

use crate::filters::FilterBank2d;
use crate::signal::Padding;
use crate::{Error, Result, Scattering2d, memory};

/// Images that are transformed at a time.
const CHUNK: usize = 256;

/// How images become features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImageScattering {
    /// log2 of the averaging width in pixels.
    pub J: usize,
    /// Number of orientations.
    pub L: usize,
    /// Largest number of moduli on a path.
    pub max_order: usize,
}

impl ImageScattering {
    /// What suits images of this many rows and columns: averages over about a quarter of the shorter side, eight
    /// orientations, two layers. For 28 and 32 pixels that is J = 3, the paper's choice for MNIST.
    pub fn of([rows, columns]: [usize; 2]) -> Self {
        let quarter = rows.min(columns) as f64 / 4.0;
        Self {
            J: quarter.log2().round().max(1.0) as usize,
            L: 8,
            max_order: 2,
        }
    }

    /// Rows and columns of the grid in whose middle images of this size stand: multiples of 2^J.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a `J` whose grid is beyond memory.
    pub fn grid(&self, [rows, columns]: [usize; 2]) -> Result<[usize; 2]> {
        let sides = u32::try_from(self.J).ok().and_then(|J| {
            let multiple = 1_usize.checked_shl(J)?;
            let [n0, n1] = [rows, columns].map(|side| side.checked_next_multiple_of(multiple));
            Some([n0?, n1?])
        });
        sides
            .filter(|sides| memory::bytes_of::<[f64; 4]>(memory::count(sides)) <= memory::available())
            .ok_or_else(|| Error::InvalidParameter {
                name: "J",
                value: self.J.to_string(),
                limit: format!(
                    "images stand in the middle of a grid whose sides are multiples of 2^J, and such a grid is beyond \
                     memory; for images of {rows} x {columns} use J <= {}",
                    rows.max(columns).next_power_of_two().ilog2().max(1)
                ),
            })
    }

    /// Whether images of this many rows and columns can become such features; nothing is computed.
    ///
    /// # Errors
    /// Those of [`grid`](Self::grid), and [`Error::InvalidParameter`] or [`Error::OutOfMemory`] for a bank of so many
    /// scales or orientations.
    pub fn check(&self, shape: [usize; 2]) -> Result<()> {
        let bank = FilterBank2d::params(self.grid(shape)?, self.J).L(self.L);
        bank.check()?;
        memory::require(
            "the filter bank",
            bank.expected_bytes::<f32>(),
            "use a lower J or L",
        )
    }

    /// Features of images.
    ///
    /// **Shape** `[n, channels, rows, columns]` gives `[n, channels · paths · rows' · columns']`.
    ///
    /// # Errors
    /// [`Error::Empty`] without an image or a pixel, [`Error::NotFinite`] for a NaN, those of [`grid`](Self::grid), and what
    /// [`plan`](crate::scattering::Scattering2dParams::plan) has against `J` and `L`.
    pub fn features(&self, images: &Array4<f32>) -> Result<Array2<f32>> {
        let (n, channels, rows, columns) = images.dim();
        if images.is_empty() {
            return Err(Error::Empty {
                shape: images.shape().to_vec(),
            });
        }
        let sides = self.grid([rows, columns])?;
        let plan = Scattering2d::params(sides, self.J)
            .L(self.L)
            .max_order(self.max_order)
            .padding(Padding::Zero)
            .plan::<f32>()?;
        let width = channels * plan.features_len();
        let mut features = Array2::zeros([n, width]);
        let mut workspace = plan.workspace();
        for (chunk, mut to) in images
            .axis_chunks_iter(Axis(0), CHUNK)
            .zip(features.axis_chunks_iter_mut(Axis(0), CHUNK))
        {
            let centred = centred(chunk, sides);
            let mut out = ArrayD::zeros(plan.output_shape(&[chunk.len_of(Axis(0)), channels]));
            plan.transform_into(&centred, &mut out, &mut workspace)?;
            to.iter_mut()
                .zip(&out)
                .for_each(|(to, S)| *to = S.abs().sqrt().copysign(*S));
        }
        Ok(features)
    }
}

impl fmt::Display for ImageScattering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { J, L, max_order } = self;
        write!(f, "J = {J}, L = {L}, order {max_order}")
    }
}

/// Images in the middle of larger ones that are zero around them.
fn centred(images: ArrayView4<f32>, [rows, columns]: [usize; 2]) -> Array4<f32> {
    let (n, channels, h, w) = images.dim();
    let mut larger = Array4::zeros([n, channels, rows, columns]);
    let [top, left] = [(rows - h) / 2, (columns - w) / 2];
    larger
        .slice_mut(s![.., .., top..top + h, left..left + w])
        .assign(&images);
    larger
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(seed: usize) -> Array4<f32> {
        Array4::from_shape_fn([3, 2, 12, 20], |(n, c, i, k)| {
            0.5 + 0.5 * ((seed + n + 3 * c + i * k) as f32).sin()
        })
    }

    fn representation() -> ImageScattering {
        ImageScattering {
            J: 2,
            L: 4,
            max_order: 2,
        }
    }

    #[test]
    fn features_are_the_roots_of_coefficients_of_the_centred_image() {
        let features = ImageScattering {
            J: 3,
            ..representation()
        }
        .features(&images(1))
        .unwrap();
        // 12 x 20 becomes 16 x 24, two pixels more on each side
        let larger = Array4::from_shape_fn([3, 2, 16, 24], |(n, c, i, k)| {
            let inside = (2..14).contains(&i) && (2..22).contains(&k);
            if inside {
                images(1)[[n, c, i - 2, k - 2]]
            } else {
                0.0
            }
        });
        let plan = Scattering2d::params([16, 24], 3)
            .L(4)
            .padding(Padding::Zero)
            .plan::<f32>()
            .unwrap();
        let S = plan.transform(&larger).unwrap().into_array();
        assert_eq!(features.dim(), (3, S.len() / 3));
        for (feature, S) in features.iter().zip(&S) {
            assert!((feature * feature.abs() - S).abs() < 1e-6, "{feature} {S}");
        }
    }

    #[test]
    fn scales_whose_grid_does_not_exist_are_refused_with_one_that_does() {
        let at = |J| ImageScattering {
            J,
            ..representation()
        };
        assert_eq!(at(5).grid([28, 40]).unwrap(), [32, 64]);
        assert!(at(5).check([28, 28]).is_ok());
        for J in [40, 63, 64, 70, 1 << 32, usize::MAX] {
            let refused = at(J).check([28, 28]).unwrap_err().to_string();
            assert!(
                refused.starts_with(&format!("J = {J} is")) && refused.ends_with("use J <= 5"),
                "{refused}"
            );
            assert!(at(J).features(&images(1)).is_err());
        }
        assert!(at(0).check([28, 28]).is_err());
    }

    #[test]
    fn the_paper_s_scale_is_chosen_for_digits() {
        let chosen = [16, 28, 32, 64].map(|side| ImageScattering::of([side, side + 1]).J);
        assert_eq!(chosen, [2, 3, 3, 4]);
        assert_eq!(ImageScattering::of([1, 1]).J, 1);
    }
}
