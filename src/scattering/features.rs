//! [`Features`]: scattering coefficients, their shape and their path table together; and what users do with them next.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD, IxDyn, ShapeBuilder};

use super::path::PathTable;
use super::two_d::Average;
use crate::filters::Wavelet2d;
use crate::num::Real;
use crate::{Error, Result};

/// Added to a coefficient before its logarithm, and to a denominator.
const EPSILON: f64 = 1e-6;

/// Where each path's samples stand among the numbers of one image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    average: Average,
    /// Axes behind the leading ones: `[paths, H', W']`, `[paths]` or `[numbers]`.
    trailing: Vec<usize>,
    shapes: Vec<[usize; 2]>,
    /// Where each row begins, and the total.
    offsets: Vec<usize>,
}

impl Layout {
    pub fn new(average: Average, shapes: Vec<[usize; 2]>) -> Self {
        let offsets: Vec<usize> = std::iter::once(0)
            .chain(shapes.iter().scan(0, |total, [height, width]| {
                *total += height * width;
                Some(*total)
            }))
            .collect();
        let trailing = match average {
            Average::Local => vec![shapes.len(), shapes[0][0], shapes[0][1]],
            Average::Global => vec![shapes.len()],
            Average::None => vec![offsets[shapes.len()]],
        };
        Self {
            average,
            trailing,
            shapes,
            offsets,
        }
    }

    pub fn trailing(&self) -> &[usize] {
        &self.trailing
    }

    pub fn shape(&self, row: usize) -> [usize; 2] {
        self.shapes[row]
    }

    /// Numbers of one row.
    pub fn range(&self, row: usize) -> Range<usize> {
        self.offsets[row]..self.offsets[row + 1]
    }

    /// Numbers of one image.
    pub fn len(&self) -> usize {
        self.offsets[self.shapes.len()]
    }
}

/// Scattering coefficients with the table that says which row is which.
#[derive(Debug, Clone, PartialEq)]
pub struct Features<T> {
    array: ArrayD<T>,
    paths: Arc<PathTable<Wavelet2d>>,
    layout: Arc<Layout>,
}

impl<T: Real> Features<T> {
    pub(super) fn new(
        array: ArrayD<T>,
        paths: Arc<PathTable<Wavelet2d>>,
        layout: Arc<Layout>,
    ) -> Self {
        Self {
            array,
            paths,
            layout,
        }
    }

    /// All coefficients.
    ///
    /// **Shape** local averages `[leading.., paths, H', W']`; global means `[leading.., paths]`; without averages
    /// `[leading.., numbers]`, the paths of an image one after another: see [`path`](Self::path).
    pub fn array(&self) -> &ArrayD<T> {
        &self.array
    }

    /// Gives the array away.
    pub fn into_array(self) -> ArrayD<T> {
        self.array
    }

    /// What every row stands for.
    pub fn paths(&self) -> &Arc<PathTable<Wavelet2d>> {
        &self.paths
    }

    /// The leading axes: those of the input before the image.
    pub fn leading(&self) -> &[usize] {
        let shape = self.array.shape();
        &shape[..shape.len() - self.layout.trailing().len()]
    }

    /// The coefficients of one path.
    ///
    /// **Shape** `[leading.., H', W']`, of global means `[leading..]`. Panics if there is no such row, as indexing does.
    pub fn path(&self, row: usize) -> ArrayViewD<'_, T> {
        let [height, width] = self.layout.shape(row);
        let leading = self.leading();
        let own: &[(usize, usize)] = match self.layout.average {
            Average::Global => &[],
            Average::Local | Average::None => &[(height, width), (width, 1)],
        };
        // An image is a block of `len` numbers; outer axes count blocks.
        let outer = (0..leading.len())
            .map(|axis| leading[axis + 1..].iter().product::<usize>() * self.layout.len());
        let (shape, strides): (Vec<_>, Vec<_>) = leading
            .iter()
            .copied()
            .zip(outer)
            .chain(own.iter().copied())
            .unzip();
        let numbers = &self.numbers()[self.layout.range(row).start..];
        ArrayViewD::from_shape(IxDyn(&shape).strides(IxDyn(&strides)), numbers)
            .expect("rows lie inside the array by construction")
    }

    /// The energy of one path: the mean square of its coefficients, over space and all leading axes.
    ///
    /// Panics if there is no such row, as indexing does.
    pub fn energy(&self, row: usize) -> f64 {
        let path = self.path(row);
        path.iter().map(|value| value.widen().powi(2)).sum::<f64>() / path.len() as f64
    }

    /// ln(max(S, 0) + 10⁻⁶) of every coefficient of order 1 and above; order 0 stays, since an image may be negative.
    ///
    /// Averages are real convolutions and may fall below zero by rounding or by the side lobes of a cropped φ.
    pub fn log(mut self) -> Self {
        let first = self.paths.rows_of_order(0).end;
        let start = self.layout.range(first - 1).end;
        for image in self.images_mut() {
            for value in &mut image[start..] {
                *value = (value.max(T::zero()) + T::narrow(EPSILON)).ln();
            }
        }
        self
    }

    /// The mean of every path over space. The path table of the result says how many pixels that is.
    ///
    /// **Shape** `[leading.., paths]`.
    pub fn mean_over_space(&self) -> Self {
        let rows = self.paths.len();
        let layout = Arc::new(Layout::new(Average::Global, vec![[1, 1]; rows]));
        let mut array = ArrayD::zeros([self.leading(), &[rows]].concat());
        let images = self.numbers().chunks_exact(self.layout.len());
        for (mut means, image) in array.rows_mut().into_iter().zip(images) {
            for (row, mean) in means.iter_mut().enumerate() {
                let samples = &image[self.layout.range(row)];
                let sum: f64 = samples.iter().map(|value| value.widen()).sum();
                *mean = T::narrow(sum / samples.len() as f64);
            }
        }
        Self {
            array,
            paths: Arc::new(self.paths.over_space(|row| self.layout.range(row).len())),
            layout,
        }
    }

    /// Every coefficient of order 2 and above divided by its parent's plus 10⁻⁶: what is left does not depend on how
    /// much the first layers let through. Source: Bruna & Mallat 2013, section 4; Andén & Mallat 2014, section 2.5.
    ///
    /// # Errors
    /// [`Error::NotApplicable`] where a path and its parent have different sizes, as without averages.
    pub fn renormalized(mut self) -> Result<Self> {
        let (paths, layout) = (Arc::clone(&self.paths), Arc::clone(&self.layout));
        let rows = paths.rows_of_order(2).start..paths.len();
        let same_size = |row| {
            paths
                .parent(row)
                .is_some_and(|parent| layout.shape(parent) == layout.shape(row))
        };
        if !rows.clone().all(same_size) {
            return Err(Error::NotApplicable {
                call: "renormalized",
                got: self.array.shape().to_vec(),
                limit: "a path and its parent must have samples at the same places; use local or global averages",
            });
        }
        for image in self.images_mut() {
            // Children stand behind their parents, so from the end every parent is still as it was.
            for row in rows.clone().rev() {
                let (before, own) = image.split_at_mut(layout.range(row).start);
                let parent = &before[layout.range(paths.parent(row).unwrap_or(0))];
                for (value, &parent) in own[..parent.len()].iter_mut().zip(parent) {
                    *value /= parent + T::narrow(EPSILON);
                }
            }
        }
        Ok(self)
    }

    /// The numbers in row-major order: arrays of features are made contiguous, and only here.
    fn numbers(&self) -> &[T] {
        self.array.as_slice().unwrap_or_default()
    }

    /// The numbers of each image in turn.
    fn images_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        let len = self.layout.len();
        self.array
            .as_slice_mut()
            .into_iter()
            .flat_map(move |numbers| numbers.chunks_exact_mut(len))
    }
}

/// What shares one mean and one standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    /// Nothing: every coefficient, at every place, has its own. What classifiers on aligned images expect.
    ByCoefficient,
    /// All places of a path: what textures, which may be anywhere, call for.
    ByPath,
}

/// Brings coefficients to mean 0 and standard deviation 1 over a set of images, with numbers fitted on that set only.
///
/// ```
/// use ndarray::Array3;
/// use wavelet_scattering::{Scattering2d, scattering::{Shared, Standardizer}};
///
/// let plan = Scattering2d::params([16, 16], 2).plan::<f64>()?;
/// let images = |seed| Array3::from_shape_fn([5, 16, 16], |(n, i, k)| ((seed + n + i * k) as f64).sin());
/// let (train, test) = (plan.transform(&images(0))?, plan.transform(&images(7))?);
/// let standardizer = Standardizer::fit(&train, Shared::ByCoefficient);
/// let (train, test) = (standardizer.apply(train)?, standardizer.apply(test)?);
/// # assert!(train.array().sum().abs() < 1e-6 && test.array().iter().all(|value| value.is_finite()));
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Standardizer {
    /// Mean and standard deviation of every number of an image.
    moments: Vec<(f64, f64)>,
}

impl Standardizer {
    /// Fits means and standard deviations (the population's) over all leading axes. What does not vary keeps its
    /// scale: its deviation counts as 1.
    pub fn fit<T: Real>(features: &Features<T>, shared: Shared) -> Self {
        let layout = &features.layout;
        let group = |index: usize| match shared {
            Shared::ByCoefficient => index..index + 1,
            Shared::ByPath => layout.range(index),
        };
        let groups = match shared {
            Shared::ByCoefficient => layout.len(),
            Shared::ByPath => features.paths.len(),
        };
        let images = || features.numbers().chunks_exact(layout.len());
        let moments = (0..groups)
            .map(group)
            .flat_map(|group| {
                let values = || {
                    images()
                        .flat_map(|image| &image[group.clone()])
                        .map(|value| value.widen())
                };
                let count = (images().len() * group.len()) as f64;
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
    /// [`Error::WrongShape`] if an image has another number of coefficients than those fitted on.
    pub fn apply<T: Real>(&self, mut features: Features<T>) -> Result<Features<T>> {
        if features.layout.len() != self.moments.len() {
            return Err(Error::WrongShape {
                what: "the features of an image",
                got: features.layout.trailing().to_vec(),
                expected: format!("{} numbers, as in the fit", self.moments.len()),
            });
        }
        for image in features.images_mut() {
            for (value, &(mean, deviation)) in image.iter_mut().zip(&self.moments) {
                *value = T::narrow((value.widen() - mean) / deviation);
            }
        }
        Ok(features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scattering2d;
    use crate::scattering::Scattering2dParams;
    use ndarray::Array4;

    fn params(average: Average) -> Scattering2dParams {
        Scattering2d::params([17, 12], 2).L(2).average(average)
    }

    fn features(average: Average, seed: usize) -> Features<f64> {
        let x = Array4::from_shape_fn([3, 2, 17, 12], |(a, b, i, k)| {
            ((seed + a * b + i * k) as f64).cos()
        });
        params(average)
            .plan::<f64>()
            .unwrap()
            .transform(&x)
            .unwrap()
    }

    #[test]
    fn every_path_is_found_in_the_array() {
        let local = features(Average::Local, 0);
        assert_eq!(local.array().shape(), [3, 2, 9, 4, 3]);
        assert_eq!(local.path(5), local.array().index_axis(ndarray::Axis(2), 5));
        let global = features(Average::Global, 0);
        assert_eq!(global.array().shape(), [3, 2, 9]);
        assert_eq!(
            global.path(5),
            global.array().index_axis(ndarray::Axis(2), 5)
        );
        let none = features(Average::None, 0);
        assert_eq!(none.path(0).shape(), [3, 2, 17, 12]);
        assert_eq!(none.path(8).shape(), [3, 2, 8, 6]);
        assert_eq!(none.path(0)[[2, 1, 16, 11]], (2.0_f64 + 176.0).cos());
        let squares: f64 = local.path(5).iter().map(|s| s * s).sum();
        assert!((local.energy(5) - squares / 72.0).abs() < 1e-15);
        // the mean of the moduli over space is the global average
        let means = none.mean_over_space();
        let error = crate::num::relative_error(
            means.array().iter().copied(),
            global.array().iter().copied(),
        );
        assert!(error < 1e-14, "{error:e}");
    }

    #[test]
    fn the_logarithm_leaves_order_zero_and_never_sees_a_negative_number() {
        let plain = features(Average::Local, 1);
        let log = plain.clone().log();
        assert_eq!(plain.path(0), log.path(0));
        for row in 1..9 {
            for (s, l) in plain.path(row).iter().zip(log.path(row)) {
                assert_eq!(*l, (s.max(0.0) + 1e-6).ln());
            }
        }
    }

    #[test]
    fn renormalization_divides_by_the_parent() {
        let plain = features(Average::Local, 1);
        let renormalized = plain.clone().renormalized().unwrap();
        for row in 0..9 {
            let parent = plain.paths().parent(row).filter(|_| row >= 5);
            let expected = match parent {
                Some(parent) => &plain.path(row) / &plain.path(parent).mapv(|value| value + 1e-6),
                None => plain.path(row).to_owned(),
            };
            assert_eq!(renormalized.path(row), expected);
        }
        assert!(matches!(
            features(Average::None, 1).renormalized(),
            Err(Error::NotApplicable { .. })
        ));
    }

    #[test]
    fn what_does_not_vary_is_not_blown_up() {
        let plan = params(Average::Global).plan::<f32>().unwrap();
        let x = Array4::from_shape_fn([3, 2, 17, 12], |(.., i, k)| 0.1 + (i * k) as f32 / 300.0);
        let features = plan.transform(&x).unwrap();
        let mut shaken = features.clone();
        for (image, numbers) in shaken.images_mut().enumerate() {
            // rounding in one image and not in another
            numbers
                .iter_mut()
                .for_each(|value| *value *= 1.0 + (image % 2) as f32 * f32::EPSILON);
        }
        let standard = Standardizer::fit(&shaken, Shared::ByCoefficient)
            .apply(shaken)
            .unwrap();
        assert!(standard.array().iter().all(|value| value.abs() < 1e-6));
    }

    #[test]
    fn a_mean_over_space_says_how_many_pixels_it_stands_for() {
        let means = features(Average::Local, 0).mean_over_space();
        assert_eq!(
            (means.paths()[3].subsampling, means.paths()[3].pixels),
            (None, 4 * 3 * 16)
        );
    }

    #[test]
    fn standardized_training_features_have_mean_zero_and_deviation_one() {
        for shared in [Shared::ByCoefficient, Shared::ByPath] {
            let train = features(Average::Local, 2);
            let standardizer = Standardizer::fit(&train, shared);
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
            assert!(first > 0.0 && (shared == Shared::ByCoefficient || spread < 1e-9 * first));
            assert!(standardizer.apply(features(Average::Global, 3)).is_err());
        }
    }
}
