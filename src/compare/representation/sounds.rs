//! [`SoundScattering`]: scattering features of sounds as rows for a classifier.
//!
//! In come sounds `[n, 1, 1, samples]`; out come features `[n, d]`: averages over T samples, every one of the orders from 1 on
//! as a logarithm,
//!
//! ```text
//! ln(max(S, 0) + ε),        ε = a thousandth of the mean of all S of the same sound
//! ```
//!
//! so that a louder sound differs by one number that is added to all. Order 0 is left out: a sound has no mean that would tell.
//!
//! Orders up to 1 are a mel spectrogram by another name. Joint scattering looks across frequencies too.
//!
//! Sources: Andén & Mallat 2014, "Deep scattering spectrum", sections 3 and 6; Andén, Lostanlen & Mallat 2019, "Joint
//! time-frequency scattering".

use std::fmt;

use ndarray::{Array2, Array4, ArrayD, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::scattering::{JointScatteringParams, Scattering1dParams};
use crate::{Error, JointScattering, Result, Scattering1d, memory};

/// Sounds that are transformed at a time.
const CHUNK: usize = 64;

/// ε as a share of the mean.
const FLOOR: f64 = 1e-3;

/// log2 of the widest span across frequencies of joint scattering, in wavelets.
const J_FR: usize = 3;

/// How sounds become features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SoundScattering {
    /// log2 of the longest duration of a wavelet in samples.
    pub J: usize,
    /// Wavelets per octave of the first layer; later ones have one.
    pub Q: usize,
    /// Samples that averages are over.
    pub T: usize,
    /// Largest number of moduli on a path.
    pub max_order: usize,
    /// log2 of the widest span across frequencies, in wavelets, of joint scattering; `None` for scattering over time alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub J_fr: Option<usize>,
}

impl SoundScattering {
    /// What suits sounds of this many samples: averages over about an eighth of them, and the rest as
    /// [`averaged_over`](Self::averaged_over) says. For 8192 samples that is T = 1024 and J = 8.
    pub fn of(samples: usize) -> Self {
        let log2_T = (samples as f64 / 8.0).log2().round().max(1.0);
        Self::averaged_over(log2_T.exp2() as usize)
    }

    /// What suits averages over T samples: wavelets up to about a quarter as long, eight an octave, two layers.
    pub fn averaged_over(T: usize) -> Self {
        let log2_quarter = (T as f64 / 4.0).log2().round().max(1.0);
        Self {
            J: log2_quarter as usize,
            Q: 8,
            T,
            max_order: 2,
            J_fr: None,
        }
    }

    /// The first order of it alone.
    pub fn first_order(&self) -> Self {
        Self {
            max_order: 1,
            J_fr: None,
            ..self.clone()
        }
    }

    /// Joint scattering with the same averages and wavelets over time, over spans up to 2³ wavelets.
    pub fn joint(&self) -> Self {
        Self {
            max_order: 2,
            J_fr: Some(J_FR),
            ..self.clone()
        }
    }

    fn over_time(&self, samples: usize) -> Scattering1dParams {
        Scattering1d::params(samples, self.J)
            .Q([self.Q])
            .T(self.T as f64)
            .max_order(self.max_order)
    }

    /// Its joint transform, of which order 2 is the last.
    fn across(&self, samples: usize, J_fr: usize) -> JointScatteringParams {
        JointScattering::params(samples, self.J, J_fr)
            .Q([self.Q])
            .T(self.T as f64)
    }

    /// Whether sounds of this many samples can become such features; nothing is computed.
    ///
    /// # Errors
    /// What [`plan`](Scattering1dParams::plan) has against `J`, `Q`, `T` and `max_order`, and
    /// [`plan`](JointScatteringParams::plan) of joint scattering against `J_fr`, but for the memory of filters.
    pub fn check(&self, samples: usize) -> Result<()> {
        match self.J_fr {
            None => self.over_time(samples).outline::<f32>().map(drop),
            Some(J_fr) => self.across(samples, J_fr).check(),
        }
    }

    /// Features of sounds.
    ///
    /// **Shape** `[n, 1, 1, samples]` gives `[n, rows · times]`, rows of order 1 and above.
    ///
    /// # Errors
    /// [`Error::Empty`] without a sound or a sample, [`Error::WrongShape`] for several rows or channels, [`Error::NotFinite`] for
    /// a NaN, [`Error::OutOfMemory`], and those of [`check`](Self::check).
    pub fn features(&self, sounds: &Array4<f32>) -> Result<Array2<f32>> {
        let (n, channels, rows, samples) = sounds.dim();
        if sounds.is_empty() {
            return Err(Error::Empty {
                shape: sounds.shape().to_vec(),
            });
        }
        if [channels, rows] != [1, 1] {
            return Err(Error::WrongShape {
                what: "the array of sounds",
                got: sounds.shape().to_vec(),
                expected: "[n, 1, 1, samples]".to_string(),
            });
        }
        let sounds = sounds.to_shape([n, samples]);
        let sounds = sounds.expect("axes of one element are left out");
        match self.J_fr {
            None => {
                let plan = self.over_time(samples).plan::<f32>()?;
                let mut workspace = plan.workspace();
                logarithms(sounds.view(), &plan.output_shape(&[]), |sounds, out| {
                    plan.transform_into(&sounds, out, &mut workspace)
                })
            }
            Some(J_fr) => {
                let plan = self.across(samples, J_fr).plan::<f32>()?;
                let mut workspace = plan.workspace();
                logarithms(sounds.view(), &plan.output_shape(&[]), |sounds, out| {
                    plan.transform_into(&sounds, out, &mut workspace)
                })
            }
        }
    }
}

impl fmt::Display for SoundScattering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            J, Q, T, max_order, ..
        } = self;
        write!(f, "J = {J}, Q = {Q}, T = {T}, order {max_order}")?;
        match self.J_fr {
            Some(J_fr) => write!(f, ", J_fr = {J_fr}"),
            None => Ok(()),
        }
    }
}

/// The features of sounds `[n, samples]` by a transform whose output has the shape `[rows, times]` for each.
fn logarithms(
    sounds: ArrayView2<f32>,
    shape: &[usize],
    mut transform: impl FnMut(ArrayView2<f32>, &mut ArrayD<f32>) -> Result<()>,
) -> Result<Array2<f32>> {
    // Row 0 is order 0.
    let times = shape[1];
    let d = (shape[0] - 1) * times;
    memory::require(
        "the features of all sounds",
        memory::bytes_of::<f32>(memory::count(&[sounds.nrows(), d])),
        "use a larger T, a lower Q, or fewer sounds",
    )?;
    let mut features = Array2::zeros([sounds.nrows(), d]);
    for (chunk, mut to) in sounds
        .axis_chunks_iter(Axis(0), CHUNK)
        .zip(features.axis_chunks_iter_mut(Axis(0), CHUNK))
    {
        let mut out = ArrayD::zeros([&[chunk.nrows()], shape].concat());
        transform(chunk, &mut out)?;
        for (S, mut to) in out.outer_iter().zip(to.outer_iter_mut()) {
            to.iter_mut()
                .zip(S.iter().skip(times))
                .for_each(|(to, S)| *to = S.max(0.0));
            let mean = to.iter().map(|&S| f64::from(S)).sum::<f64>() / d as f64;
            // Silence has no mean, and its logarithm shall be finite.
            let floor = ((FLOOR * mean) as f32).max(f32::MIN_POSITIVE);
            to.mapv_inplace(|S| (S + floor).ln());
        }
    }
    Ok(features)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scattering() -> SoundScattering {
        SoundScattering {
            J: 4,
            Q: 4,
            T: 64,
            max_order: 2,
            J_fr: None,
        }
    }

    fn sounds(gain: f32) -> Array4<f32> {
        Array4::from_shape_fn([3, 1, 1, 512], |(n, .., t)| {
            gain * (0.1 * (n + 1) as f32 * t as f32 + 1e-4 * (t * t) as f32).sin()
        })
    }

    #[test]
    fn features_are_logarithms_of_every_order_but_the_first() {
        let features = scattering().features(&sounds(0.5)).unwrap();
        let plan = scattering().over_time(512).plan::<f64>().unwrap();
        let rows = plan.paths().len();
        assert_eq!(features.dim(), (3, (rows - 1) * 8));
        let x = sounds(0.5).mapv(f64::from);
        let S = plan.transform(&x).unwrap().into_array();
        for n in 0..3 {
            let S: Vec<f64> = (1..rows)
                .flat_map(|row| (0..8).map(move |t| (row, t)))
                .map(|(row, t)| S[[n, 0, 0, row, t]].max(0.0))
                .collect();
            let floor = 1e-3 * S.iter().sum::<f64>() / S.len() as f64;
            for (feature, S) in features.row(n).iter().zip(S) {
                let expected = (S + floor).ln();
                assert!(
                    (f64::from(*feature) - expected).abs() < 1e-3,
                    "{feature} {expected}"
                );
            }
        }
    }

    #[test]
    fn loudness_is_one_number_added_to_all_and_silence_is_finite() {
        for scattering in [
            scattering(),
            scattering().first_order(),
            scattering().joint(),
        ] {
            let soft = scattering.features(&sounds(0.01)).unwrap();
            let loud = scattering.features(&sounds(0.5)).unwrap();
            for difference in (&loud - &soft).iter() {
                assert!((difference - 50.0_f32.ln()).abs() < 1e-3, "{difference}");
            }
            let silence = scattering.features(&sounds(0.0)).unwrap();
            assert!(silence.iter().all(|value| value.is_finite()));
        }
    }

    #[test]
    fn joint_scattering_tells_what_rises_from_what_falls() {
        let chirp = |n: usize, t: usize| {
            let t = if n == 0 { t } else { 511 - t } as f32;
            (0.05 * t + 1e-3 * t * t).sin()
        };
        let both = Array4::from_shape_fn([2, 1, 1, 512], |(n, .., t)| chirp(n, t));
        let features = scattering().joint().features(&both).unwrap();
        let plan = scattering().across(512, 3).plan::<f32>().unwrap();
        let paths = plan.paths();
        let times = plan.path_shape(0)[0];
        let mean = |n: usize, spin: i8| {
            let of_spin = |row: &usize| {
                paths[*row].order == 2 && paths.across_of(*row).unwrap().spin() == spin
            };
            let rows: Vec<usize> = (1..paths.len()).filter(of_spin).collect();
            let sum = |row: &usize| {
                features
                    .row(n)
                    .iter()
                    .skip((row - 1) * times)
                    .take(times)
                    .sum::<f32>()
            };
            rows.iter().map(sum).sum::<f32>() / (rows.len() * times) as f32
        };
        assert!(mean(0, 1) > mean(0, -1) + 0.1);
        assert!(mean(1, -1) > mean(1, 1) + 0.1);
    }

    #[test]
    fn what_cannot_be_is_refused_before_anything_is_computed() {
        assert_eq!(
            SoundScattering::of(8192).to_string(),
            "J = 8, Q = 8, T = 1024, order 2"
        );
        for samples in [1, 7, 100, 8192, 220_500] {
            SoundScattering::of(samples).check(samples.max(2)).unwrap();
        }
        let refused = |scattering: SoundScattering| scattering.check(512).unwrap_err().to_string();
        assert!(
            refused(SoundScattering {
                T: 1024,
                ..scattering()
            })
            .contains("512 samples")
        );
        assert!(
            refused(SoundScattering {
                Q: 0,
                ..scattering()
            })
            .contains("Q = 0")
        );
        let few = SoundScattering {
            Q: 1,
            ..scattering()
        };
        assert!(few.check(512).is_ok());
        assert!(refused(few.joint()).contains("F = 8"));
        let image = Array4::zeros([1, 1, 2, 512]);
        assert!(matches!(
            scattering().features(&image),
            Err(Error::WrongShape { .. })
        ));
    }
}
