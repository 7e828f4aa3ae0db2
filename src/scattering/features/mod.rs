//! [`Features`]: scattering coefficients, their shape and their path table together; and what users do with them next.

mod back;

use std::ops::{Range, RangeBounds};
use std::sync::Arc;

use ndarray::{ArrayD, ArrayView2, ArrayViewD, Axis, IxDyn, ShapeBuilder};

use super::keep::{Average, Layout};
use super::path::{Path, PathTable, Wavelet};
use crate::filters::Wavelet2d;
use crate::num::Real;
use crate::{Error, Result};

/// What is customarily added to coefficients of inputs between 0 and 1 before a logarithm or under a quotient: a
/// millionth of full scale, where the rounding of 32 bits begins.
pub const EPSILON: f64 = 1e-6;

/// Scattering coefficients with the table that says which row is which.
///
/// An input (an image, a signal) is what lies behind the leading axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Features<T, W = Wavelet2d> {
    /// In standard layout.
    array: ArrayD<T>,
    paths: Arc<PathTable<W>>,
    layout: Arc<Layout>,
}

impl<T: Real, W: Wavelet> Features<T, W> {
    /// From an array in standard layout whose last axes are those of the layout.
    pub(super) fn new(array: ArrayD<T>, paths: Arc<PathTable<W>>, layout: Arc<Layout>) -> Self {
        debug_assert!(array.is_standard_layout() && array.shape().ends_with(layout.trailing()));
        Self {
            array,
            paths,
            layout,
        }
    }

    /// All coefficients.
    ///
    /// **Shape** local averages `[leading.., paths, H', W']`; global means `[leading.., paths]`; without averages
    /// `[leading.., numbers]`, the paths of an input one after another: see [`path`](Self::path).
    pub fn array(&self) -> &ArrayD<T> {
        &self.array
    }

    /// Gives the array away.
    pub fn into_array(self) -> ArrayD<T> {
        self.array
    }

    /// What every row stands for.
    pub fn paths(&self) -> &Arc<PathTable<W>> {
        &self.paths
    }

    /// The leading axes: those of the array that was transformed before the axes of one input.
    pub fn leading(&self) -> &[usize] {
        let shape = self.array.shape();
        &shape[..shape.len() - self.layout.trailing().len()]
    }

    /// Every input as one row of numbers, as classifiers take them.
    ///
    /// **Shape** `[inputs, numbers]`: the product of the leading axes, and that of all others.
    ///
    /// ```
    /// # use ndarray::Array4;
    /// # use wavelet_scattering::Scattering2d;
    /// let plan = Scattering2d::params([16, 16], 2).plan::<f32>()?;
    /// let features = plan.transform(&Array4::ones([5, 3, 16, 16]))?;
    /// assert_eq!(features.matrix().shape(), [15, 81 * 4 * 4]);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn matrix(&self) -> ArrayView2<'_, T> {
        let numbers = self.numbers();
        let shape = [numbers.len() / self.layout.len(), self.layout.len()];
        ArrayView2::from_shape(shape, numbers).expect("features are contiguous")
    }

    /// The coefficients of every input in turn.
    ///
    /// **Shape** of each `[paths, H', W']`, `[paths]` of global means, `[numbers]` without averages.
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = ArrayViewD<'_, T>> {
        self.numbers()
            .chunks_exact(self.layout.len())
            .map(|numbers| {
                ArrayViewD::from_shape(self.layout.trailing(), numbers)
                    .expect("an input has as many numbers as its axes say")
            })
    }

    /// The rows in turn: the path, and its coefficients as [`path`](Self::path) gives them.
    ///
    /// ```
    /// # use ndarray::Array2;
    /// # use wavelet_scattering::Scattering2d;
    /// let plan = Scattering2d::params([16, 16], 2).plan::<f64>()?;
    /// let features = plan.transform(&Array2::from_shape_fn([16, 16], |(i, k)| ((i * k) as f64).cos()))?;
    /// let (strongest, _) = features
    ///     .iter()
    ///     .filter(|(path, _)| path.order() == 1)
    ///     .max_by(|(_, a), (_, b)| a.sum().total_cmp(&b.sum()))
    ///     .unwrap();
    /// assert_eq!(strongest.lambdas.len(), 1);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Path, ArrayViewD<'_, T>)> {
        (0..self.paths.len()).map(|row| (&self.paths[row], self.path(row)))
    }

    /// The coefficients of one path.
    ///
    /// **Shape** `[leading.., H', W']`, of global means `[leading..]`. Panics if there is no such row, as indexing does.
    pub fn path(&self, row: usize) -> ArrayViewD<'_, T> {
        let leading = self.leading();
        let own = self.layout.shape(row);
        let shape = [leading, own].concat();
        // An input is a block of `len` numbers; outer axes count blocks.
        let blocks = |axis| leading[axis + 1..].iter().product::<usize>() * self.layout.len();
        let inner = |axis| own[axis + 1..].iter().product::<usize>();
        let strides: Vec<_> = (0..leading.len())
            .map(blocks)
            .chain((0..own.len()).map(inner))
            .collect();
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

    /// The rows of these orders only, with their part of the path table.
    ///
    /// **Shape** that of [`array`](Self::array) with fewer paths.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if no row has such an order.
    ///
    /// ```
    /// # use ndarray::Array2;
    /// # use wavelet_scattering::Scattering2d;
    /// let plan = Scattering2d::params([16, 16], 2).plan::<f64>()?;
    /// let features = plan.transform(&Array2::<f64>::eye(16))?;
    /// assert_eq!(features.select(1..=1)?.array().shape(), [16, 4, 4]);
    /// assert_eq!(features.select(1..)?.array().shape(), [80, 4, 4]);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn select(&self, orders: impl RangeBounds<usize> + std::fmt::Debug) -> Result<Self> {
        let rows: Vec<usize> = (0..self.paths.len())
            .filter(|&row| orders.contains(&self.paths[row].order()))
            .collect();
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else {
            return Err(Error::InvalidParameter {
                name: "orders",
                value: format!("{orders:?}"),
                limit: format!(
                    "no path has such an order; there are 0 to {}",
                    self.paths.max_order()
                ),
            });
        };
        // Rows stand by order, so these are neighbours.
        let kept = self.layout.range(first).start..self.layout.range(last).end;
        let layout = Arc::new(self.layout.select(&rows));
        let numbers: Vec<T> = self
            .numbers()
            .chunks_exact(self.layout.len())
            .flat_map(|input| &input[kept.clone()])
            .copied()
            .collect();
        let shape = [self.leading(), layout.trailing()].concat();
        let array = ArrayD::from_shape_vec(shape, numbers)
            .expect("every input has as many numbers as its rows");
        let paths = Arc::new(self.paths.select(&rows));
        Ok(Self::new(array, paths, layout))
    }

    /// Several sets of features one after another, along the first leading axis; of single inputs, which have none, a
    /// new one is made.
    ///
    /// # Errors
    /// [`Error::Empty`] if there is nothing to put together, [`Error::WrongShape`] if paths or shapes of the parts differ.
    ///
    /// ```
    /// # use ndarray::Array3;
    /// # use wavelet_scattering::{Features, Scattering2d};
    /// let plan = Scattering2d::params([16, 16], 2).plan::<f64>()?;
    /// let parts = [plan.transform(&Array3::<f64>::ones([2, 16, 16]))?, plan.transform(&Array3::ones([5, 16, 16]))?];
    /// assert_eq!(Features::concat(&parts)?.array().shape(), [7, 81, 4, 4]);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn concat(parts: &[Self]) -> Result<Self> {
        let Some(first) = parts.first() else {
            return Err(Error::Empty { shape: vec![0] });
        };
        for part in parts {
            let same = part.paths == first.paths && part.layout == first.layout;
            let (own, expected) = (part.array.shape(), first.array.shape());
            let from = usize::from(!first.leading().is_empty());
            if !same || own.len() != expected.len() || own[from..] != expected[from..] {
                return Err(Error::WrongShape {
                    what: "one part of the features",
                    got: own.to_vec(),
                    expected: format!(
                        "{expected:?} up to the number of inputs, and the same paths: those of the first part"
                    ),
                });
            }
        }
        let views: Vec<_> = parts.iter().map(|part| part.array.view()).collect();
        let array = if first.leading().is_empty() {
            ndarray::stack(Axis(0), &views)
        } else {
            ndarray::concatenate(Axis(0), &views)
        };
        let array = array.expect("the shapes are equal behind the first axis");
        let array = array.as_standard_layout().into_owned();
        Ok(Self::new(
            array,
            Arc::clone(&first.paths),
            Arc::clone(&first.layout),
        ))
    }

    /// ln(max(S, 0) + epsilon) of every coefficient of order 1 and above; order 0 stays, since an input may be negative.
    ///
    /// `epsilon` is what counts as nothing, in the units of the input: [`EPSILON`] for images between 0 and 1, 255 times
    /// that for images between 0 and 255. Averages are real convolutions and may fall below zero by rounding or by the
    /// side lobes of a cropped φ.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] unless epsilon is positive and finite in this precision.
    pub fn log(mut self, epsilon: f64) -> Result<Self> {
        let epsilon = positive::<T>(epsilon)?;
        let start = self.behind_order_0();
        for input in self.inputs_mut() {
            for value in &mut input[start..] {
                *value = (value.max(T::zero()) + epsilon).ln();
            }
        }
        Ok(self)
    }

    /// The mean of every path over space. The path table of the result says how many samples that is.
    ///
    /// **Shape** `[leading.., paths]`.
    pub fn mean_over_space(&self) -> Self {
        let rows = self.layout.rows();
        let layout = Layout::new(Average::Global, vec![Box::default(); rows]);
        let mut array = ArrayD::zeros([self.leading(), &[rows]].concat());
        let inputs = self.numbers().chunks_exact(self.layout.len());
        for (mut means, input) in array.rows_mut().into_iter().zip(inputs) {
            for (row, mean) in means.iter_mut().enumerate() {
                let samples = &input[self.layout.range(row)];
                let sum: f64 = samples.iter().map(|value| value.widen()).sum();
                *mean = T::narrow(sum / samples.len() as f64);
            }
        }
        let paths = self.paths.over_space(|row| self.layout.range(row).len());
        Self::new(array, Arc::new(paths), Arc::new(layout))
    }

    /// Every coefficient of order 2 and above divided by its parent's plus epsilon: what is left does not depend on how
    /// much the first layers let through. Source: Bruna & Mallat 2013, section 4; Andén & Mallat 2014, section 2.5.
    ///
    /// `epsilon` is in the units of the input, as in [`log`](Self::log); [`EPSILON`] is customary.
    ///
    /// # Errors
    /// [`Error::NotApplicable`] where a path and its parent have different sizes, as without averages, or where parents
    /// are not among the rows; [`Error::InvalidParameter`] unless epsilon is positive and finite in this precision.
    pub fn renormalized(mut self, epsilon: f64) -> Result<Self> {
        let epsilon = positive::<T>(epsilon)?;
        let divisions = self.divisions()?;
        for input in self.inputs_mut() {
            // Children stand behind their parents, so from the end every parent is still as it was.
            for (own, parent) in divisions.iter().rev() {
                let (before, own) = input.split_at_mut(own.start);
                for (value, &parent) in own.iter_mut().zip(&before[parent.clone()]) {
                    *value /= parent + epsilon;
                }
            }
        }
        Ok(self)
    }

    /// Where the numbers of every path of order 2 and above stand, and those of its parent, parents before their children.
    fn divisions(&self) -> Result<Vec<(Range<usize>, Range<usize>)>> {
        let (paths, layout) = (&self.paths, &self.layout);
        let of_parent = |row: usize| {
            paths
                .parent(row)
                .filter(|&parent| layout.shape(parent) == layout.shape(row))
                .map(|parent| layout.range(parent))
        };
        let rows = (0..paths.len()).filter(|&row| paths[row].order() >= 2);
        let divisions: Option<Vec<_>> = rows
            .map(|row| of_parent(row).map(|parent| (layout.range(row), parent)))
            .collect();
        divisions.ok_or_else(|| Error::NotApplicable {
            call: "renormalized",
            got: self.array.shape().to_vec(),
            limit: "every path needs its parent among the rows, with samples at the same places; use local or global averages and \
                    all orders",
        })
    }

    /// Where the numbers of an input begin that are not of order 0.
    fn behind_order_0(&self) -> usize {
        match self.paths.rows_of_order(0).last() {
            Some(row) => self.layout.range(row).end,
            None => 0,
        }
    }

    /// Every input's coefficients divided by their l2 norm, so that inputs differ in shape and not in loudness. An input
    /// of zeros stays as it is.
    pub fn unit_norm(mut self) -> Self {
        for input in self.inputs_mut() {
            let norm = input.iter().map(|value| value.widen().powi(2)).sum::<f64>();
            if norm > 0.0 {
                let norm = norm.sqrt();
                for value in input {
                    *value = T::narrow(value.widen() / norm);
                }
            }
        }
        self
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The numbers in row-major order.
    pub(super) fn numbers(&self) -> &[T] {
        self.array.as_slice().expect("features are contiguous")
    }

    /// The numbers of each input in turn.
    pub(super) fn inputs_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
        let len = self.layout.len();
        let numbers = self.array.as_slice_mut().expect("features are contiguous");
        numbers.chunks_exact_mut(len)
    }
}

/// Epsilon in this precision, if it is positive there.
pub(super) fn positive<T: Real>(epsilon: f64) -> Result<T> {
    let narrow = T::narrow(epsilon);
    if narrow > T::zero() && narrow.is_finite() {
        return Ok(narrow);
    }
    Err(Error::InvalidParameter {
        name: "epsilon",
        value: epsilon.to_string(),
        limit: format!(
            "it is positive and finite in {}; {EPSILON:e} suits inputs between 0 and 1",
            T::NAME
        ),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::Scattering2d;
    use crate::scattering::Scattering2dParams;
    use ndarray::Array4;

    pub fn params(average: Average) -> Scattering2dParams {
        Scattering2d::params([17, 12], 2).L(2).average(average)
    }

    pub fn features(average: Average, seed: usize) -> Features<f64> {
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
        let log = plain.clone().log(EPSILON).unwrap();
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
        let renormalized = plain.clone().renormalized(EPSILON).unwrap();
        for row in 0..9 {
            let parent = plain.paths().parent(row).filter(|_| row >= 5);
            let expected = match parent {
                Some(parent) => &plain.path(row) / &plain.path(parent).mapv(|value| value + 1e-6),
                None => plain.path(row).to_owned(),
            };
            assert_eq!(renormalized.path(row), expected);
        }
        assert!(matches!(
            features(Average::None, 1).renormalized(EPSILON),
            Err(Error::NotApplicable { .. })
        ));
    }

    #[test]
    fn a_mean_over_space_says_how_many_pixels_it_stands_for() {
        let means = features(Average::Local, 0).mean_over_space();
        assert_eq!(
            (means.paths()[3].subsampling, means.paths()[3].samples),
            (None, 4 * 3 * 16)
        );
    }

    #[test]
    fn a_selection_has_the_same_numbers_and_knows_its_rows() {
        for average in [Average::Local, Average::Global, Average::None] {
            let all = features(average, 0);
            let last = all.select(2..).unwrap();
            assert_eq!(last.paths().len(), 4);
            for (row, (path, values)) in last.iter().enumerate() {
                assert_eq!(values, all.path(5 + row));
                assert_eq!(path.lambdas, all.paths()[5 + row].lambdas);
                assert_eq!(last.paths().row_of_lambdas(&path.lambdas), Some(row));
                assert_eq!(last.paths().parent(row), None);
            }
            assert_eq!(
                last.clone().log(1.0).unwrap().path(0),
                last.path(0).mapv(|s| (s.max(0.0) + 1.0).ln())
            );
            let error = last.renormalized(EPSILON).unwrap_err();
            assert!(matches!(error, Error::NotApplicable { .. }), "{error}");
            let both = all.select(1..).unwrap();
            assert_eq!(both.paths().parent(4), Some(0));
            assert_eq!(both.paths().children(1), 6..8);
            assert_eq!(all.select(..).unwrap(), all);
            let message = all.select(3..).unwrap_err().to_string();
            assert!(
                message.contains("3..") && message.contains("0 to 2"),
                "{message}"
            );
        }
    }

    #[test]
    fn parts_are_put_together_in_order_and_others_refused() {
        let (a, b) = (features(Average::Local, 0), features(Average::Local, 1));
        let both = Features::concat(&[a.clone(), b.clone()]).unwrap();
        assert_eq!(both.array().shape(), [6, 2, 9, 4, 3]);
        let inputs: Vec<_> = a.inputs().chain(b.inputs()).collect();
        assert_eq!(both.inputs().collect::<Vec<_>>(), inputs);
        assert_eq!(both.matrix().shape(), [12, 9 * 12]);
        assert!(both.matrix().row(7).iter().eq(inputs[7].iter()));
        let other = features(Average::Global, 0);
        assert!(Features::concat(&[a, other]).is_err());
        assert!(Features::<f64>::concat(&[]).is_err());
        let plan = params(Average::Global).plan::<f64>().unwrap();
        let one = plan.transform(&ndarray::Array2::ones([17, 12])).unwrap();
        let two = Features::concat(&[one.clone(), one]).unwrap();
        assert_eq!(two.array().shape(), [2, 9]);
    }

    #[test]
    fn every_input_has_norm_one_but_zeros() {
        let mut x = Array4::from_shape_fn([3, 2, 17, 12], |(a, b, i, k)| {
            ((a + b + i * k) as f64).sin()
        });
        x.index_axis_mut(Axis(0), 1).fill(0.0);
        let plan = params(Average::Local).plan::<f64>().unwrap();
        let unit = plan.transform(&x).unwrap().unit_norm();
        for (n, input) in unit.inputs().enumerate() {
            let norm: f64 = input.iter().map(|value| value * value).sum();
            let expected = if n / 2 == 1 { 0.0 } else { 1.0 };
            assert!((norm - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn an_epsilon_that_is_nothing_is_refused() {
        for epsilon in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let message = features(Average::Local, 0)
                .log(epsilon)
                .unwrap_err()
                .to_string();
            assert!(
                message.contains("epsilon") && message.contains("positive"),
                "{message}"
            );
            assert!(features(Average::Local, 0).renormalized(epsilon).is_err());
        }
    }
}
