//! [`Logistic`]: one hyperplane for each class, by multinomial regression.
//!
//! In come features; out come weights w_c and offsets b_c that minimise
//!
//! ```text
//! C·Σ_i −ln softmax(W·x_i + b)[y_i] + ½·‖W‖²
//! ```
//!
//! over features of mean 0 and standard deviation 1, with C chosen by cross-validation. The objective is convex, so
//! the start (zero) does not matter; it is followed down by L-BFGS from the crate `argmin`. A feature that does not
//! vary has no weight.
//!
//! Source: Hastie, Tibshirani & Friedman 2009, "The elements of statistical learning", section 4.4; the form with C is
//! LIBLINEAR's and scikit-learn's.

use argmin::core::{CostFunction, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};

use super::{Classifier, Samples, check_candidates, check_width, pick, rows, smallest};
use crate::learn::algebra::product_with_rows;
use crate::{Error, Result};

/// Share of the gradient at zero that is left at the minimum. The gradient is in single precision, good to a millionth;
/// at a hundred times that no prediction changes any more.
const SETTLED: f64 = 1e-4;

/// The same in cross-validation, where candidates lie a factor of ten apart.
const ROUGHLY: f64 = 1e-3;

/// How a [`Logistic`] is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticParams {
    /// Weights C of the data against the penalty, to choose from.
    pub C: Vec<f64>,
    /// Parts of the training set, each of which is classified by the others.
    pub folds: usize,
    /// Cross-validation looks at this many samples at most, equally many of every class.
    pub tune_on: usize,
}

impl Default for LogisticParams {
    /// C from 10⁻⁴ to 1 in decades, five folds of up to 5,000 samples.
    fn default() -> Self {
        Self {
            C: vec![1e-4, 1e-3, 1e-2, 0.1, 1.0],
            folds: 5,
            tune_on: 5000,
        }
    }
}

/// Multinomial logistic regression; see the [module](self).
///
/// ```
/// use ndarray::array;
/// use wavelet_scattering::learn::classifier::{Classifier, Logistic, Samples};
///
/// let features = array![[-2.0, 1.0], [-1.0, 5.0], [-1.5, 3.0], [2.0, 2.0], [1.0, 6.0], [1.5, 1.0]];
/// let samples = Samples::new(features.view(), &[0, 0, 0, 1, 1, 1], 2)?;
/// let classifier = Logistic::fit(&samples, &Default::default())?;
/// assert_eq!(classifier.predict(array![[-3.0, 4.0], [3.0, 4.0]].view())?, [0, 1]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// **Shape** `[classes, d]`, for features as they come.
    weights: Array2<f32>,
    offsets: Array1<f32>,
    C: f64,
    validation_error: f64,
}

impl Logistic {
    /// Chooses C by cross-validation, the smallest of several equally good ones, and fits all samples.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for values of C that are not positive, and if the descent fails.
    pub fn fit(samples: &Samples, params: &LogisticParams) -> Result<Self> {
        check_candidates("C", &params.C)?;
        let mut candidates = params.C.clone();
        candidates.sort_by(f64::total_cmp);
        let tuning = samples.first_of_each_class(params.tune_on);
        let (features, labels) = (
            rows(samples.features, &tuning),
            pick(samples.labels, &tuning),
        );
        let tuning = Samples::new(features.view(), &labels, samples.classes)?;
        let folds = tuning.folds(params.folds);
        let mut errors = vec![0; candidates.len()];
        for fold in 0..folds.count {
            let (train, held_out) = folds.split(fold);
            let train_rows = rows(tuning.features, &train);
            let train_labels = pick(tuning.labels, &train);
            let held_out_rows = rows(tuning.features, &held_out);
            let truth = pick(tuning.labels, &held_out);
            let mut problem = Problem::new(train_rows.view(), &train_labels, tuning.classes);
            let mut at = problem.start();
            for (errors, &C) in errors.iter_mut().zip(&candidates) {
                problem.C = C;
                // The minimum for a smaller C is a good place to start from.
                at = problem.minimise(at, ROUGHLY)?;
                let (weights, offsets) = problem.hyperplanes(&at);
                let predicted = classes(weights.view(), offsets.view(), held_out_rows.view());
                *errors += predicted.iter().zip(&truth).filter(|(a, b)| a != b).count();
            }
        }
        let best = smallest(errors.iter().copied());
        let mut problem = Problem::new(samples.features, samples.labels, samples.classes);
        problem.C = candidates[best];
        let at = problem.minimise(problem.start(), SETTLED)?;
        let (weights, offsets) = problem.hyperplanes(&at);
        Ok(Self {
            weights,
            offsets,
            C: candidates[best],
            validation_error: errors[best] as f64 / tuning.len() as f64,
        })
    }

    /// The weight C of the data that cross-validation chose.
    pub fn C(&self) -> f64 {
        self.C
    }

    /// One row of weights for each class, in the units of the features.
    ///
    /// **Shape** `[classes, d]`.
    pub fn weights(&self) -> &Array2<f32> {
        &self.weights
    }
}

impl Classifier for Logistic {
    fn predict(&self, features: ArrayView2<f32>) -> Result<Vec<usize>> {
        check_width(features, self.weights.ncols())?;
        Ok(classes(self.weights.view(), self.offsets.view(), features))
    }

    fn parameters(&self) -> usize {
        self.weights.len() + self.offsets.len()
    }

    fn chosen(&self) -> String {
        format!("C {}", self.C)
    }

    fn validation_error(&self) -> f64 {
        self.validation_error
    }
}

/// The class of the largest score of every row.
fn classes(
    weights: ArrayView2<f32>,
    offsets: ArrayView1<f32>,
    features: ArrayView2<f32>,
) -> Vec<usize> {
    let scores = product_with_rows(features, weights) + offsets;
    let best = |row: ArrayView1<f32>| smallest(row.iter().map(|score| -score));
    scores.rows().into_iter().map(best).collect()
}

/// The objective as `argmin` wants it. A point is W and b one after another, `[classes, d + 1]` in row-major order.
struct Problem<'a> {
    /// Standardised.
    features: Array2<f32>,
    labels: &'a [usize],
    classes: usize,
    mean: Array1<f32>,
    /// 1 over the standard deviation, 0 for what does not vary.
    scale: Array1<f32>,
    C: f64,
}

impl<'a> Problem<'a> {
    fn new(features: ArrayView2<f32>, labels: &'a [usize], classes: usize) -> Self {
        let n = features.nrows() as f64;
        let mean = features
            .axis_iter(Axis(1))
            .map(|column| (column.iter().map(|&x| f64::from(x)).sum::<f64>() / n) as f32);
        let mean: Array1<f32> = mean.collect();
        let mut standard = features.to_owned() - &mean;
        let scale: Array1<f32> = standard
            .axis_iter(Axis(1))
            .zip(&mean)
            .map(|(column, mean)| {
                let squares: f64 = column.iter().map(|&x| f64::from(x).powi(2)).sum();
                let deviation = (squares / n).sqrt() as f32;
                // Rounding makes a constant vary by about the spacing of floats.
                if deviation > 8.0 * f32::EPSILON * mean.abs() {
                    1.0 / deviation
                } else {
                    0.0
                }
            })
            .collect();
        standard *= &scale;
        Self {
            features: standard,
            labels,
            classes,
            mean,
            scale,
            C: 1.0,
        }
    }

    fn start(&self) -> Vec<f64> {
        vec![0.0; self.classes * (self.features.ncols() + 1)]
    }

    /// Follows the gradient down until it has fallen to a share `settled` of what it is at zero.
    fn minimise(&self, from: Vec<f64>, settled: f64) -> Result<Vec<f64>> {
        const STEPS: u64 = 300;
        const HISTORY: usize = 10;
        let failed = |reason: &dyn std::fmt::Display| Error::InvalidParameter {
            name: "C",
            value: self.C.to_string(),
            limit: format!("the logistic regression cannot be fitted: {reason}"),
        };
        let first = self.gradient_at(&self.start());
        let tolerance = settled * first.iter().map(|slope| slope * slope).sum::<f64>().sqrt();
        let solver = LBFGS::new(MoreThuenteLineSearch::new(), HISTORY)
            .with_tolerance_grad(tolerance)
            .map_err(|reason| failed(&reason))?;
        let outcome = Executor::new(self, solver)
            .configure(|state| state.param(from).max_iters(STEPS))
            .run()
            .map_err(|reason| failed(&reason))?;
        let best = outcome.state.get_best_param().cloned();
        best.ok_or_else(|| failed(&"no step went down"))
    }

    fn matrix(&self, at: &[f64]) -> (Array2<f32>, Array1<f32>) {
        let d = self.features.ncols();
        let at = Array2::from_shape_fn([self.classes, d + 1], |(c, i)| at[c * (d + 1) + i] as f32);
        (at.slice(s![.., ..d]).to_owned(), at.column(d).to_owned())
    }

    /// Weights and offsets for features that have not been standardised.
    fn hyperplanes(&self, at: &[f64]) -> (Array2<f32>, Array1<f32>) {
        let (weights, offsets) = self.matrix(at);
        let weights = weights * &self.scale;
        let offsets = offsets - weights.dot(&self.mean);
        (weights, offsets)
    }

    /// Probabilities of all classes, and −ln of those of the right ones in sum.
    fn probabilities(&self, at: &[f64]) -> (Array2<f32>, f64) {
        let (weights, offsets) = self.matrix(at);
        let mut scores = product_with_rows(self.features.view(), weights.view()) + &offsets;
        let mut loss = 0.0;
        for (mut row, &label) in scores.rows_mut().into_iter().zip(self.labels) {
            let largest = row.fold(f32::NEG_INFINITY, |a, &b| a.max(b));
            row.mapv_inplace(|score| (score - largest).exp());
            let sum = row.sum();
            row /= sum;
            loss -= f64::from(row[label].max(f32::MIN_POSITIVE)).ln();
        }
        (scores, loss)
    }

    fn gradient_at(&self, at: &[f64]) -> Vec<f64> {
        let (mut residual, _) = self.probabilities(at);
        for (mut row, &label) in residual.rows_mut().into_iter().zip(self.labels) {
            row[label] -= 1.0;
        }
        let by_weight = product_with_rows(residual.t(), self.features.t());
        let by_offset = residual.sum_axis(Axis(0));
        let d = self.features.ncols();
        let mut gradient = at.to_vec();
        for (class, row) in gradient.chunks_exact_mut(d + 1).enumerate() {
            for (value, &data) in row[..d].iter_mut().zip(by_weight.row(class)) {
                *value += self.C * f64::from(data);
            }
            row[d] = self.C * f64::from(by_offset[class]);
        }
        gradient
    }
}

impl CostFunction for &Problem<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, at: &Vec<f64>) -> Result<f64, argmin::core::Error> {
        let (_, loss) = self.probabilities(at);
        let d = self.features.ncols();
        let penalty: f64 = at
            .chunks_exact(d + 1)
            .flat_map(|row| &row[..d])
            .map(|w| w * w)
            .sum();
        Ok(self.C * loss + 0.5 * penalty)
    }
}

impl Gradient for &Problem<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, at: &Vec<f64>) -> Result<Vec<f64>, argmin::core::Error> {
        Ok(self.gradient_at(at))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Points, integers, numbers};
    use super::*;

    fn with(C: f64) -> LogisticParams {
        LogisticParams {
            C: vec![C],
            ..LogisticParams::default()
        }
    }

    #[test]
    fn weights_are_those_of_scikit_learn() {
        let points = Points::read();
        let classifier = Logistic::fit(&points.samples(), &with(0.3)).unwrap();
        let rows = points.expected("logistic_weights").as_array().unwrap();
        for (row, expected) in classifier.weights().rows().into_iter().zip(rows) {
            for (weight, expected) in row.iter().zip(numbers(expected)) {
                // The descent stops where the gradient has fallen to a ten-thousandth, and weights are below 1.
                assert!((weight - expected).abs() < 5e-4, "{weight} {expected}");
            }
        }
        let expected = integers(points.expected("logistic_classes"));
        assert_eq!(classifier.predict(points.test.view()).unwrap(), expected);
    }

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        let points = Points::read();
        let mut problem = Problem::new(points.train.view(), &points.train_labels, 3);
        problem.C = 0.7;
        let at: Vec<f64> = (0..21).map(|i| (f64::from(i) * 1.7).sin()).collect();
        let gradient = problem.gradient_at(&at);
        for i in 0..at.len() {
            // The loss sums 150 logarithms of single precision, each off by 6e-8, so the step is a large one, and the
            // square of the step is taken out by one of twice the length: what is left is 1e-4 of slopes of 20.
            let slope = |step: f64| {
                let moved = |step: f64| {
                    let mut at = at.clone();
                    at[i] += step;
                    (&problem).cost(&at).unwrap()
                };
                (moved(step) - moved(-step)) / (2.0 * step)
            };
            let slope = (4.0 * slope(0.05) - slope(0.1)) / 3.0;
            assert!(
                (slope - gradient[i]).abs() < 1e-4,
                "{i}: {slope} {}",
                gradient[i]
            );
        }
    }

    #[test]
    fn what_does_not_vary_has_no_weight_and_does_no_harm() {
        let points = Points::read();
        let mut features = Array2::from_elem([150, 7], 3.3);
        features.slice_mut(s![.., ..6]).assign(&points.train);
        let samples = Samples::new(features.view(), &points.train_labels, 3).unwrap();
        let classifier = Logistic::fit(&samples, &with(0.3)).unwrap();
        assert_eq!(classifier.weights().column(6).to_vec(), [0.0; 3]);
        assert!(classifier.weights().iter().all(|weight| weight.is_finite()));
    }
}
