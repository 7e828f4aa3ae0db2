//! [`Standardizer`]: coefficients with mean 0 and standard deviation 1 over a set of inputs.

use super::features::Features;
use super::path::Wavelet;
use crate::num::Real;
use crate::{Error, Result};

/// What shares one mean and one standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum StandardizeBy {
    /// Nothing: every coefficient, at every place, has its own. What classifiers on aligned images expect.
    Coefficient,
    /// All places of a path: what textures, which may be anywhere, call for.
    Path,
}

/// Brings coefficients to mean 0 and standard deviation 1 over a set of images, with numbers fitted on that set only.
///
/// ```
/// use ndarray::Array3;
/// use wavelet_scattering::{Scattering2d, scattering::{StandardizeBy, Standardizer}};
///
/// let plan = Scattering2d::params([16, 16], 2).plan::<f64>()?;
/// let images = |seed| Array3::from_shape_fn([5, 16, 16], |(n, i, k)| ((seed + n + i * k) as f64).sin());
/// let (train, test) = (plan.transform(&images(0))?, plan.transform(&images(7))?);
/// let standardizer = Standardizer::fit(&train, StandardizeBy::Coefficient);
/// let (train, test) = (standardizer.apply(train)?, standardizer.apply(test)?);
/// # assert!(train.array().sum().abs() < 1e-6 && test.array().iter().all(|value| value.is_finite()));
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "Vec<(f64, f64)>", into = "Vec<(f64, f64)>")
)]
pub struct Standardizer {
    /// Mean and standard deviation of every number of an input.
    moments: Vec<(f64, f64)>,
}

#[cfg(feature = "serde")]
impl From<Standardizer> for Vec<(f64, f64)> {
    fn from(standardizer: Standardizer) -> Self {
        standardizer.moments
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Vec<(f64, f64)>> for Standardizer {
    type Error = Error;

    fn try_from(moments: Vec<(f64, f64)>) -> Result<Self> {
        let usable = |&(mean, deviation): &(f64, f64)| {
            mean.is_finite() && deviation.is_finite() && deviation > 0.0
        };
        match moments.iter().find(|&moments| !usable(moments)) {
            None => Ok(Self { moments }),
            Some(wrong) => Err(Error::InvalidParameter {
                name: "moments",
                value: format!("{wrong:?}"),
                limit: "means are finite, standard deviations finite and positive".into(),
            }),
        }
    }
}

impl Standardizer {
    /// Fits means and standard deviations (the population's) over all leading axes. What does not vary keeps its
    /// scale: its deviation counts as 1.
    pub fn fit<T: Real, W: Wavelet>(features: &Features<T, W>, by: StandardizeBy) -> Self {
        let layout = features.layout();
        let group = |index: usize| match by {
            StandardizeBy::Coefficient => index..index + 1,
            StandardizeBy::Path => layout.range(index),
        };
        let groups = match by {
            StandardizeBy::Coefficient => layout.len(),
            StandardizeBy::Path => layout.rows(),
        };
        let inputs = || features.numbers().chunks_exact(layout.len());
        let moments = (0..groups)
            .map(group)
            .flat_map(|group| {
                let values = || {
                    inputs()
                        .flat_map(|input| &input[group.clone()])
                        .map(|value| value.widen())
                };
                let count = (inputs().len() * group.len()) as f64;
                let mean = values().sum::<f64>() / count;
                let deviation =
                    (values().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
                // Rounding makes a constant vary by about the spacing of floats.
                let constant = deviation <= 8.0 * T::epsilon().widen() * mean.abs();
                std::iter::repeat_n((mean, if constant { 1.0 } else { deviation }), group.len())
            })
            .collect();
        Self { moments }
    }

    /// (S − mean) / deviation with the fitted numbers.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if an input has another number of coefficients than those fitted on.
    pub fn apply<T: Real, W: Wavelet>(
        &self,
        mut features: Features<T, W>,
    ) -> Result<Features<T, W>> {
        if features.layout().len() != self.moments.len() {
            return Err(Error::WrongShape {
                what: "the features of an input",
                got: features.layout().trailing().to_vec(),
                expected: format!("{} numbers, as in the fit", self.moments.len()),
            });
        }
        for input in features.inputs_mut() {
            for (value, &(mean, deviation)) in input.iter_mut().zip(&self.moments) {
                *value = T::narrow((value.widen() - mean) / deviation);
            }
        }
        Ok(features)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array4;

    use super::super::features::tests::{features, params};
    use super::*;
    use crate::scattering::Average;

    #[test]
    fn what_does_not_vary_is_not_blown_up() {
        let plan = params(Average::Global).plan::<f32>().unwrap();
        let x = Array4::from_shape_fn([3, 2, 17, 12], |(.., i, k)| 0.1 + (i * k) as f32 / 300.0);
        let features = plan.transform(&x).unwrap();
        let mut shaken = features.clone();
        for (image, numbers) in shaken.inputs_mut().enumerate() {
            // rounding in one image and not in another
            numbers
                .iter_mut()
                .for_each(|value| *value *= 1.0 + (image % 2) as f32 * f32::EPSILON);
        }
        let standard = Standardizer::fit(&shaken, StandardizeBy::Coefficient)
            .apply(shaken)
            .unwrap();
        assert!(standard.array().iter().all(|value| value.abs() < 1e-6));
    }

    #[test]
    fn standardized_training_features_have_mean_zero_and_deviation_one() {
        for by in [StandardizeBy::Coefficient, StandardizeBy::Path] {
            let train = features(Average::Local, 2);
            let standardizer = Standardizer::fit(&train, by);
            let standard = standardizer.apply(train.clone()).unwrap();
            for row in 0..9 {
                let values = standard.path(row);
                assert!(values.mean().unwrap().abs() < 1e-9);
                assert!((values.std(0.0) - 1.0).abs() < 1e-9);
            }
            // another set gets the same numbers
            let other = standardizer.apply(features(Average::Local, 3)).unwrap();
            let affine = (&other.path(4) - &standard.path(4))
                / (&features(Average::Local, 3).path(4) - &train.path(4));
            let (first, spread) = (affine[[0, 0, 0, 0]], affine.std(0.0));
            assert!(first > 0.0 && (by == StandardizeBy::Coefficient || spread < 1e-9 * first));
            assert!(standardizer.apply(features(Average::Global, 3)).is_err());
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn a_standardizer_is_read_as_it_was_written_and_refused_if_it_divides_by_nothing() {
        let fitted = Standardizer::fit(&features(Average::Local, 0), StandardizeBy::Path);
        let text = serde_json::to_string(&fitted).unwrap();
        assert_eq!(serde_json::from_str::<Standardizer>(&text).unwrap(), fitted);
        let error = serde_json::from_str::<Standardizer>("[[0.5, 1.0], [0.5, 0.0]]").unwrap_err();
        assert!(error.to_string().contains("(0.5, 0.0)"), "{error}");
    }
}
