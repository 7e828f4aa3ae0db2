//! [`Layer`]: the filters of a first layer as real kernels, colours taken apart.
//!
//! Comes in: weights `[out, in, rows, columns]` for grey (in = 1) or RGB images (in = 3), or `[out, in, samples]` for
//! mono (in = 1) or stereo signals (in = 2). Goes out: one real kernel per filter and [`Part`]. With r, g and b the
//! kernels of the three channels of an image, l and r those of a stereo signal,
//!
//! ```text
//! luminance = (r + g + b)/√3        red–green = (r − g)/√2        yellow–blue = (r + g − 2b)/√6
//! mid = (l + r)/√2                  side = (l − r)/√2
//! ```
//!
//! which are rotations: the energies of the parts sum to that of the filter, and on a grey image the luminance part
//! alone answers, on one sound in both channels the mid part.
//!
//! Conventions that bite: a network correlates, it does not convolve; a kernel here is the weights as they are, so it
//! looks like what it answers to. A kernel for signals is one column, `[samples, 1]`.
//!
//! Source: van de Sande, Gevers & Snoek, "Evaluating color descriptors for object and scene recognition", 2010, section
//! 3.1, for the opponent colour space.

use ndarray::{Array2, Array4, ArrayView2, ArrayView3, ArrayView4, Axis};

use super::gabor_fit::{MAX_SIDE, MIN_SIDE};
use super::gabor_fit_1d::{MAX_LEN, MIN_LEN};
use crate::grid::check_finite;
use crate::{Error, Result};

/// What of the channels of its input a kernel looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// All channels alike; the only part of filters for grey images.
    Luminance,
    /// Red against green.
    RedGreen,
    /// Red and green against blue.
    YellowBlue,
    /// Both channels of a sound alike; the only part of filters for mono.
    Mid,
    /// Left against right.
    Side,
}

impl Part {
    /// The name for tables.
    pub fn name(self) -> &'static str {
        match self {
            Part::Luminance => "luminance",
            Part::RedGreen => "red-green",
            Part::YellowBlue => "yellow-blue",
            Part::Mid => "mid",
            Part::Side => "side",
        }
    }

    /// What each of up to three channels contributes.
    fn weights(self) -> [f64; 3] {
        let half = 0.5_f64.sqrt();
        match self {
            Part::Luminance => [3_f64.sqrt().recip(); 3],
            Part::RedGreen | Part::Side => [half, -half, 0.0],
            Part::YellowBlue => [1.0, 1.0, -2.0].map(|w: f64| w / 6_f64.sqrt()),
            Part::Mid => [half, half, 0.0],
        }
    }
}

/// The filters of one layer.
///
/// ```
/// use ndarray::Array4;
/// use wavelet_scattering::compare::{Layer, Part};
///
/// // A filter that answers to grey, and one that weighs red against green.
/// let weights = Array4::from_shape_fn([2, 3, 5, 5], |(out, channel, _, _)| match (out, channel) {
///     (0, _) | (1, 0) => 1.0,
///     (1, 1) => -1.0,
///     _ => 0.0,
/// });
/// let layer = Layer::new(weights.view())?;
/// assert_eq!(layer.dominant(0), Part::Luminance);
/// assert_eq!(layer.dominant(1), Part::RedGreen);
/// assert!((layer.shares(1)[1] - 1.0).abs() < 1e-12);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// `[out, part, rows, columns]`.
    kernels: Array4<f64>,
    parts: &'static [Part],
}

impl Layer {
    /// A layer from its weights `[out, in, rows, columns]`.
    ///
    /// # Errors
    /// [`Error::Empty`] without filters; [`Error::WrongShape`] if there are other than 1 or 3 input channels or sides
    /// that [`gabor_fit::fit`](super::gabor_fit::fit) refuses; [`Error::NotFinite`] for a NaN or an infinity.
    pub fn new(weights: ArrayView4<f32>) -> Result<Self> {
        let (_, channels, rows, columns) = weights.dim();
        let sides = MIN_SIDE..=MAX_SIDE;
        let parts: &[Part] = match channels {
            1 => &[Part::Luminance],
            3 => &[Part::Luminance, Part::RedGreen, Part::YellowBlue],
            _ => &[],
        };
        if parts.is_empty() || !sides.contains(&rows) || !sides.contains(&columns) {
            return Err(Error::WrongShape {
                what: "the layer",
                got: weights.shape().to_vec(),
                expected: format!(
                    "[filters, channels, rows, columns] of a first layer, with 1 channel (grey) or 3 (RGB) and sides \
                     from {MIN_SIDE} to {MAX_SIDE}"
                ),
            });
        }
        Self::of_parts(weights, parts)
    }

    /// A layer for signals from its weights `[out, in, samples]`.
    ///
    /// # Errors
    /// [`Error::Empty`] without filters; [`Error::WrongShape`] if there are other than 1 or 2 input channels or as many
    /// samples as [`gabor_fit_1d::fit`](super::gabor_fit_1d::fit) refuses; [`Error::NotFinite`] for a NaN or an
    /// infinity.
    ///
    /// ```
    /// use ndarray::Array3;
    /// use wavelet_scattering::compare::{Layer, Part};
    ///
    /// // A filter that hears the difference between left and right.
    /// let weights = Array3::from_shape_fn([1, 2, 16], |(_, channel, t)| (1.0 - 2.0 * channel as f32) * (t as f32).sin());
    /// let layer = Layer::of_signals(weights.view())?;
    /// assert_eq!(layer.dominant(0), Part::Side);
    /// assert_eq!(layer.shape(), [16, 1]);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn of_signals(weights: ArrayView3<f32>) -> Result<Self> {
        let (_, channels, samples) = weights.dim();
        let parts: &[Part] = match channels {
            1 => &[Part::Mid],
            2 => &[Part::Mid, Part::Side],
            _ => &[],
        };
        if parts.is_empty() || !(MIN_LEN..=MAX_LEN).contains(&samples) {
            return Err(Error::WrongShape {
                what: "the layer",
                got: weights.shape().to_vec(),
                expected: format!(
                    "[filters, channels, samples] of a first layer for signals, with 1 channel (mono) or 2 (stereo) and \
                     {MIN_LEN} to {MAX_LEN} samples"
                ),
            });
        }
        check_finite(&weights)?;
        Self::of_parts(weights.insert_axis(Axis(3)), parts)
    }

    fn of_parts(weights: ArrayView4<f32>, parts: &'static [Part]) -> Result<Self> {
        let (out, channels, rows, columns) = weights.dim();
        if out == 0 {
            return Err(Error::Empty {
                shape: weights.shape().to_vec(),
            });
        }
        check_finite(&weights)?;
        let weights = weights.mapv(f64::from);
        let kernels = if channels == 1 {
            weights
        } else {
            Array4::from_shape_fn([out, parts.len(), rows, columns], |(filter, part, i, k)| {
                let by_channel = parts[part].weights();
                (0..channels)
                    .map(|c| by_channel[c] * weights[[filter, c, i, k]])
                    .sum()
            })
        };
        Ok(Self { kernels, parts })
    }

    /// Number of filters.
    pub fn len(&self) -> usize {
        self.kernels.len_of(Axis(0))
    }

    /// Always false: a layer without filters is refused.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows and columns of every kernel; of signals, samples and 1.
    pub fn shape(&self) -> [usize; 2] {
        [2, 3].map(|axis| self.kernels.len_of(Axis(axis)))
    }

    /// The parts there are: luminance alone for grey images, all three for RGB; mid alone for mono, mid and side for
    /// stereo.
    pub fn parts(&self) -> &'static [Part] {
        self.parts
    }

    /// The kernel of one filter and part; `None` for a part that there is not, as opponent colours in a layer for grey
    /// images.
    ///
    /// Panics if there is no such filter, as indexing does.
    pub fn kernel(&self, filter: usize, part: Part) -> Option<ArrayView2<'_, f64>> {
        let index = self.parts().iter().position(|&p| p == part)?;
        let parts = self.kernels.index_axis(Axis(0), filter);
        Some(parts.index_axis_move(Axis(0), index))
    }

    /// One part of every filter; nothing where there is no such part.
    pub fn kernels(&self, part: Part) -> Vec<Array2<f64>> {
        (0..self.len())
            .filter_map(|filter| self.kernel(filter, part).map(|kernel| kernel.to_owned()))
            .collect()
    }

    /// Share of a filter's energy in each of [`parts`](Self::parts); zeros for a filter of zeros.
    pub fn shares(&self, filter: usize) -> Vec<f64> {
        // Over the largest sample, so that squares of tiny weights do not vanish.
        let parts = self.kernels.index_axis(Axis(0), filter);
        let largest = parts.fold(f64::MIN_POSITIVE, |max, value| max.max(value.abs()));
        let energies: Vec<f64> = parts
            .outer_iter()
            .map(|kernel| kernel.fold(0.0, |sum, value| sum + (value / largest).powi(2)))
            .collect();
        let total: f64 = energies.iter().sum();
        energies
            .into_iter()
            .map(|energy| if total > 0.0 { energy / total } else { 0.0 })
            .collect()
    }

    /// The part with the most energy, the first of equals.
    pub fn dominant(&self, filter: usize) -> Part {
        let mut best = (self.parts[0], f64::NEG_INFINITY);
        for (&part, share) in self.parts().iter().zip(self.shares(filter)) {
            if share > best.1 {
                best = (part, share);
            }
        }
        best.0
    }

    /// The kernel of every filter's dominant part.
    pub fn dominant_kernels(&self) -> Vec<Array2<f64>> {
        (0..self.len())
            .filter_map(|filter| self.kernel(filter, self.dominant(filter)))
            .map(|kernel| kernel.to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    fn weights(channels: usize) -> Array4<f32> {
        Array4::from_shape_fn([4, channels, 5, 7], |(o, c, i, k)| {
            (((o * 31 + c * 17 + i * 5 + k * 3) % 23) as f32 - 11.0) / 7.0
        })
    }

    #[test]
    fn parts_keep_the_energy_and_grey_images_see_luminance_alone() {
        let weights = weights(3);
        let layer = Layer::new(weights.view()).unwrap();
        for filter in 0..4 {
            let whole = weights
                .index_axis(Axis(0), filter)
                .fold(0.0, |sum, &w| sum + f64::from(w).powi(2));
            let parts: f64 = layer
                .parts()
                .iter()
                .map(|&part| {
                    let kernel = layer.kernel(filter, part).unwrap();
                    kernel.fold(0.0, |sum, value| sum + value * value)
                })
                .sum();
            assert!((parts / whole - 1.0).abs() < 1e-12);
            assert!((layer.shares(filter).iter().sum::<f64>() - 1.0).abs() < 1e-12);

            // A grey image y shows y in every channel: the answer is √3 times that of the luminance part.
            let grey = Array2::from_shape_fn([5, 7], |(i, k)| (i * i + 3 * k) as f64);
            let answer: f64 = (0..3)
                .map(|c| {
                    let slice = weights.index_axis(Axis(0), filter);
                    (&slice.index_axis(Axis(0), c).mapv(f64::from) * &grey).sum()
                })
                .sum();
            let luminance = layer.kernel(filter, Part::Luminance).unwrap();
            let expected = 3_f64.sqrt() * (&luminance * &grey).sum();
            assert!((answer - expected).abs() < 1e-9 * answer.abs().max(1.0));
        }
    }

    #[test]
    fn a_layer_for_grey_images_is_its_weights() {
        let weights = weights(1);
        let layer = Layer::new(weights.view()).unwrap();
        assert_eq!(layer.parts(), [Part::Luminance]);
        assert_eq!(layer.kernel(2, Part::RedGreen), None);
        assert_eq!(layer.kernels(Part::Luminance).len(), 4);
        let expected = weights
            .index_axis(Axis(0), 3)
            .index_axis_move(Axis(0), 0)
            .mapv(f64::from);
        assert_eq!(layer.dominant_kernels()[3], expected);
    }

    #[test]
    fn stereo_filters_are_mid_and_side_and_mono_ones_their_weights() {
        let weights =
            Array3::from_shape_fn([2, 2, 7], |(o, c, t)| ((3 * o + 5 * c + t) % 4) as f32);
        let layer = Layer::of_signals(weights.view()).unwrap();
        assert_eq!(layer.parts(), [Part::Mid, Part::Side]);
        for t in 0..7 {
            let [l, r] = [0, 1].map(|c| f64::from(weights[[1, c, t]]));
            for (part, expected) in [(Part::Mid, l + r), (Part::Side, l - r)] {
                let got = layer.kernel(1, part).unwrap()[[t, 0]];
                assert!((got - expected / 2_f64.sqrt()).abs() < 1e-12);
            }
        }
        let mono = weights.slice(ndarray::s![.., ..1, ..]);
        let layer = Layer::of_signals(mono).unwrap();
        assert_eq!(layer.parts(), [Part::Mid]);
        assert_eq!(
            layer.dominant_kernels()[1][[3, 0]],
            f64::from(mono[[1, 0, 3]])
        );
    }

    #[test]
    fn what_is_no_first_layer_is_refused() {
        for shape in [[4, 64, 3, 3], [4, 2, 5, 5], [4, 3, 1, 1], [4, 3, 7, 200]] {
            let message = Layer::new(Array4::ones(shape).view())
                .unwrap_err()
                .to_string();
            assert!(message.contains("1 channel (grey) or 3 (RGB)"), "{message}");
        }
        for shape in [[4, 3, 100], [4, 0, 100], [4, 1, 5], [4, 2, 4097]] {
            let message = Layer::of_signals(Array3::ones(shape).view())
                .unwrap_err()
                .to_string();
            assert!(
                message.contains("1 channel (mono) or 2 (stereo)"),
                "{message}"
            );
        }
        assert!(matches!(
            Layer::new(Array4::ones([0, 3, 5, 5]).view()),
            Err(Error::Empty { .. })
        ));
        assert!(matches!(
            Layer::of_signals(Array3::ones([0, 1, 50]).view()),
            Err(Error::Empty { .. })
        ));
        let mut signals = Array3::zeros([3, 2, 9]);
        signals[[2, 1, 8]] = f32::NAN;
        assert!(matches!(
            Layer::of_signals(signals.view()),
            Err(Error::NotFinite { position, .. }) if position == [2, 1, 8]
        ));
        let mut broken = weights(3);
        broken[[1, 2, 3, 4]] = f32::INFINITY;
        assert!(matches!(
            Layer::new(broken.view()),
            Err(Error::NotFinite { position, .. }) if position == [1, 2, 3, 4]
        ));
        assert_eq!(
            Layer::new(Array4::zeros([1, 3, 3, 3]).view())
                .unwrap()
                .shares(0),
            [0.0; 3]
        );
    }
}
