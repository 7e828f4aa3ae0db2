//! [`GaussianSvm`]: a maximal margin under a Gaussian kernel, one machine for each pair of classes.
//!
//! In come features; for every pair of classes out come coefficients α and an offset ρ, and an image is given the class
//! that most machines vote for:
//!
//! ```text
//! sign(Σ_i α_i·exp(−γ·‖x_i − x‖²) − ρ)
//! ```
//!
//! C, the bound of every |α_i|, and γ are chosen by cross-validation. γ is given as a multiple of 1 over the variance
//! of the features (the sum over all of them), so that the same values do for all kinds of features.
//!
//! The quadratic programs are solved by LIBSVM's algorithm in the crate `libsvm-rs`. Its own kernels walk sparse
//! vectors one pair of samples at a time; here a dense matrix product makes the kernel of two classes at once, which is the largest
//! matrix ever held: 12,000 samples take 600 MB where all 60,000 of MNIST would take 14 GB.
//!
//! Source: Chang & Lin 2011, "LIBSVM: a library for support vector machines"; Bruna & Mallat 2013, section 4.1.

use libsvm_rs::cache::Qfloat;
use libsvm_rs::qmatrix::QMatrix;
use libsvm_rs::solver::{Solver, SolverVariant};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis, s};

use super::{Classifier, Samples, check_candidates, check_width, pick, rows, smallest};
use crate::Result;
use crate::learn::algebra::{product_with_rows, squared_distances};

/// LIBSVM's default: by how much the conditions of optimality may be violated.
const TOLERANCE: f64 = 1e-3;

/// Rows that are classified at a time, to bound the memory of their kernel.
const CHUNK: usize = 1000;

/// How a [`GaussianSvm`] is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianSvmParams {
    /// Bounds of the coefficients to choose from.
    pub C: Vec<f64>,
    /// Widths to choose from: γ times the variance of the features.
    pub gamma: Vec<f64>,
    /// Parts of the training set, each of which is classified by the others.
    pub folds: usize,
    /// Cross-validation looks at this many samples at most, equally many of every class.
    pub tune_on: usize,
}

impl Default for GaussianSvmParams {
    /// C of 1, 10 and 100, γ from 1/16 to 2 in octaves, five folds of up to 3,000 samples.
    fn default() -> Self {
        Self {
            C: vec![1.0, 10.0, 100.0],
            gamma: vec![0.0625, 0.125, 0.25, 0.5, 1.0, 2.0],
            folds: 5,
            tune_on: 3000,
        }
    }
}

/// Support vector machines with a Gaussian kernel; see the [module](self).
///
/// ```
/// use ndarray::array;
/// use wavelet_scattering::learn::classifier::{Classifier, GaussianSvm, Samples};
///
/// // No line separates the inside of an interval from its outside.
/// let features = array![[0.0], [0.5], [-0.5], [0.2], [3.0], [4.0], [-3.0], [-4.0]];
/// let samples = Samples::new(features.view(), &[0, 0, 0, 0, 1, 1, 1, 1], 2)?;
/// let classifier = GaussianSvm::fit(&samples, &Default::default())?;
/// assert_eq!(classifier.predict(array![[0.1], [3.5], [-3.5]].view())?, [0, 1, 1]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct GaussianSvm {
    /// Training samples that some machine looks at.
    ///
    /// **Shape** `[s, d]`.
    support: Array2<f32>,
    machines: Machines,
    validation_error: f64,
}

impl GaussianSvm {
    /// Chooses C and γ by cross-validation, the smallest C and then the smallest γ of several equally good pairs, and
    /// trains on all samples.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) for values of C or γ that are not positive.
    pub fn fit(samples: &Samples, params: &GaussianSvmParams) -> Result<Self> {
        check_candidates("C", &params.C)?;
        check_candidates("gamma", &params.gamma)?;
        let variance: f32 = samples
            .features
            .axis_iter(Axis(1))
            .map(|column| column.var(0.0))
            .sum();
        let mut grid: Vec<Margin> = Vec::new();
        for &C in &params.C {
            for &gamma in &params.gamma {
                grid.push(Margin {
                    C,
                    gamma: gamma / f64::from(variance).max(f64::MIN_POSITIVE),
                });
            }
        }
        grid.sort_by(|a, b| a.C.total_cmp(&b.C).then(a.gamma.total_cmp(&b.gamma)));

        let errors = cross_validate(samples, params, &grid);
        let best = smallest(errors.iter().copied());
        Ok(Self {
            validation_error: errors[best],
            ..Self::with(samples, grid[best])
        })
    }

    /// Machines for all samples with a given margin.
    fn with(samples: &Samples, margin: Margin) -> Self {
        let members: Vec<Vec<usize>> = (0..samples.classes).map(|c| samples.rows_of(c)).collect();
        let own: Vec<Array2<f32>> = members
            .iter()
            .map(|of| rows(samples.features, of))
            .collect();
        let within: Vec<Array2<f32>> = own
            .iter()
            .map(|own| squared_distances(own.view(), own.view()))
            .collect();
        let between = |a: usize, b: usize| squared_distances(own[a].view(), own[b].view());
        let mut machines = Machines::train(&members, &within, &between, margin);
        let used = machines.compact();
        Self {
            support: rows(samples.features, &used),
            machines,
            validation_error: f64::NAN,
        }
    }

    /// Training samples that decide.
    pub fn support(&self) -> usize {
        self.support.nrows()
    }
}

impl Classifier for GaussianSvm {
    fn predict(&self, features: ArrayView2<f32>) -> Result<Vec<usize>> {
        check_width(features, self.support.ncols())?;
        let mut predicted = Vec::with_capacity(features.nrows());
        for chunk in features.axis_chunks_iter(Axis(0), CHUNK) {
            let distances = squared_distances(chunk, self.support.view());
            predicted.extend(self.machines.vote(distances));
        }
        Ok(predicted)
    }

    fn parameters(&self) -> usize {
        let coefficients = self
            .machines
            .pairs
            .iter()
            .map(|pair| pair.coefficients.len() + 1);
        self.support.len() + coefficients.sum::<usize>()
    }

    fn chosen(&self) -> String {
        let Margin { C, gamma } = self.machines.margin;
        format!(
            "C {C}, gamma {gamma:.3e}, {} support vectors",
            self.support()
        )
    }

    fn validation_error(&self) -> f64 {
        self.validation_error
    }
}

/// What has to be chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Margin {
    C: f64,
    /// In units of the features.
    gamma: f64,
}

/// Share of errors over all folds for each margin.
fn cross_validate(samples: &Samples, params: &GaussianSvmParams, grid: &[Margin]) -> Vec<f64> {
    let tuning = samples.first_of_each_class(params.tune_on);
    let labels = pick(samples.labels, &tuning);
    let features = rows(samples.features, &tuning);
    let distances = squared_distances(features.view(), features.view());
    let tuning = Samples {
        features: features.view(),
        labels: &labels,
        classes: samples.classes,
    };
    let folds = tuning.folds(params.folds);
    let mut errors = vec![0; grid.len()];
    for fold in 0..folds.count {
        let (train, held_out) = folds.split(fold);
        let members: Vec<Vec<usize>> = (0..tuning.classes)
            .map(|class| {
                train
                    .iter()
                    .copied()
                    .filter(|&i| labels[i] == class)
                    .collect()
            })
            .collect();
        let block = |a: usize, b: usize| {
            distances
                .select(Axis(0), &members[a])
                .select(Axis(1), &members[b])
        };
        let within: Vec<Array2<f32>> = (0..tuning.classes)
            .map(|class| block(class, class))
            .collect();
        let truth = pick(&labels, &held_out);
        let seen = distances.select(Axis(0), &held_out);
        let of_fold = crate::parallel::map(grid.len(), |i| {
            let mut machines = Machines::train(&members, &within, &block, grid[i]);
            let used = machines.compact();
            let predicted = machines.vote(seen.select(Axis(1), &used));
            predicted.iter().zip(&truth).filter(|(a, b)| a != b).count()
        });
        errors
            .iter_mut()
            .zip(of_fold)
            .for_each(|(sum, of_fold)| *sum += of_fold);
    }
    errors
        .into_iter()
        .map(|errors| errors as f64 / tuning.len() as f64)
        .collect()
}

/// One machine for each pair of classes, over samples known by their number.
#[derive(Debug, Clone, PartialEq)]
struct Machines {
    pairs: Vec<Pair>,
    classes: usize,
    margin: Margin,
}

/// What tells class `first` (positive) from class `second`.
#[derive(Debug, Clone, PartialEq)]
struct Pair {
    first: usize,
    second: usize,
    support: Vec<usize>,
    coefficients: Vec<f32>,
    rho: f32,
}

impl Machines {
    /// `members` are the samples of each class, `within` the squared distances among those of one class, `between`
    /// those from one class to another.
    fn train(
        members: &[Vec<usize>],
        within: &[Array2<f32>],
        between: &(dyn Fn(usize, usize) -> Array2<f32> + Sync),
        margin: Margin,
    ) -> Self {
        let classes = members.len();
        let pairs: Vec<[usize; 2]> = (0..classes)
            .flat_map(|first| (first + 1..classes).map(move |second| [first, second]))
            .collect();
        let pairs = crate::parallel::map(pairs.len(), |i| {
            let [first, second] = pairs[i];
            let kernel = Kernel::new(
                &within[first],
                &within[second],
                between(first, second),
                margin,
            );
            let (alpha, rho) = kernel.solve(margin.C);
            let all = members[first].iter().chain(&members[second]);
            let (support, coefficients) = all
                .zip(alpha)
                .filter(|(_, alpha)| *alpha != 0.0)
                .map(|(&sample, alpha)| (sample, alpha as f32))
                .unzip();
            Pair {
                first,
                second,
                support,
                coefficients,
                rho: rho as f32,
            }
        });
        Self {
            pairs,
            classes,
            margin,
        }
    }

    /// Renumbers the samples so that only those in use count, and returns which they were.
    fn compact(&mut self) -> Vec<usize> {
        let mut used: Vec<usize> = self
            .pairs
            .iter()
            .flat_map(|pair| pair.support.clone())
            .collect();
        used.sort_unstable();
        used.dedup();
        for sample in self.pairs.iter_mut().flat_map(|pair| &mut pair.support) {
            *sample = used.partition_point(|other| *other < *sample);
        }
        used
    }

    /// Classes from squared distances to the samples in use.
    ///
    /// **Shape** `[n, s]` gives n classes.
    fn vote(&self, mut distances: Array2<f32>) -> Vec<usize> {
        distances.mapv_inplace(|distance| self.margin.kernel(distance));
        let mut coefficients = Array2::<f32>::zeros([self.pairs.len(), distances.ncols()]);
        for (mut row, pair) in coefficients.rows_mut().into_iter().zip(&self.pairs) {
            for (&sample, &alpha) in pair.support.iter().zip(&pair.coefficients) {
                row[sample] = alpha;
            }
        }
        let decisions = product_with_rows(distances.view(), coefficients.view());
        let class = |row: ArrayView1<f32>| {
            let mut votes = vec![0_i32; self.classes];
            for (pair, decision) in self.pairs.iter().zip(row) {
                votes[if *decision > pair.rho {
                    pair.first
                } else {
                    pair.second
                }] += 1;
            }
            smallest(votes.iter().map(|votes| -votes))
        };
        decisions.rows().into_iter().map(class).collect()
    }
}

impl Margin {
    fn kernel(&self, squared_distance: f32) -> f32 {
        (-(self.gamma as f32) * squared_distance).exp()
    }
}

/// The kernel of two classes, signed as the solver wants it: positive within a class, negative between them.
struct Kernel {
    signed: Array2<f32>,
    diagonal: Vec<f64>,
    /// Samples of the first class, which come first.
    first: usize,
}

impl Kernel {
    fn new(
        first: &Array2<f32>,
        second: &Array2<f32>,
        between: Array2<f32>,
        margin: Margin,
    ) -> Self {
        let [m, n] = between.dim().into();
        let mut signed = Array2::zeros([m + n, m + n]);
        let value = |distance: &f32| margin.kernel(*distance);
        let mut put = |[i, k]: [usize; 2], block: ArrayView2<f32>, sign: f32| {
            let (rows, columns) = (i..i + block.nrows(), k..k + block.ncols());
            let mut part = signed.slice_mut(s![rows, columns]);
            part.zip_mut_with(&block, |to, distance| *to = sign * value(distance));
        };
        put([0, 0], first.view(), 1.0);
        put([m, m], second.view(), 1.0);
        put([0, m], between.view(), -1.0);
        put([m, 0], between.t(), -1.0);
        Self {
            diagonal: vec![1.0; m + n],
            signed,
            first: m,
        }
    }

    /// Signed coefficients of all samples, and ρ.
    fn solve(self, C: f64) -> (Vec<f64>, f64) {
        let count = self.diagonal.len();
        let first = self.first;
        let signs: Vec<i8> = (0..count).map(|i| if i < first { 1 } else { -1 }).collect();
        let mut alpha = vec![0.0; count];
        // It tells the terminal about every solution otherwise.
        libsvm_rs::set_quiet(true);
        // Without shrinking, which saves kernel evaluations: here they are all made already.
        let solution = Solver::solve(
            SolverVariant::Standard,
            count,
            Box::new(self),
            &vec![-1.0; count],
            &signs,
            &mut alpha,
            C,
            C,
            TOLERANCE,
            false,
        );
        alpha
            .iter_mut()
            .zip(&signs)
            .for_each(|(alpha, &sign)| *alpha *= f64::from(sign));
        (alpha, solution.rho)
    }
}

impl QMatrix for Kernel {
    fn get_q(&mut self, i: usize, len: usize) -> &[Qfloat] {
        let row = i * self.signed.ncols();
        &self.signed.as_slice().unwrap_or_default()[row..row + len]
    }

    fn get_qd(&self) -> &[f64] {
        &self.diagonal
    }

    fn swap_index(&mut self, i: usize, j: usize) {
        for k in 0..self.diagonal.len() {
            self.signed.swap([i, k], [j, k]);
        }
        for k in 0..self.diagonal.len() {
            self.signed.swap([k, i], [k, j]);
        }
        self.diagonal.swap(i, j);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Points, integers, numbers};
    use super::*;

    fn params(C: f64, gamma: f64) -> GaussianSvmParams {
        GaussianSvmParams {
            C: vec![C],
            gamma: vec![gamma],
            ..GaussianSvmParams::default()
        }
    }

    #[test]
    fn decisions_are_those_of_scikit_learn() {
        let points = Points::read();
        let classifier = GaussianSvm::fit(&points.samples(), &params(10.0, 1.0)).unwrap();
        let expected = integers(points.expected("svm_classes"));
        assert_eq!(classifier.predict(points.test.view()).unwrap(), expected);

        let distances = squared_distances(points.test.view(), classifier.support.view());
        let rows = points.expected("svm_decisions").as_array().unwrap();
        let mut furthest = 0.0_f32;
        for (distances, expected) in distances.rows().into_iter().zip(rows) {
            for (pair, expected) in classifier.machines.pairs.iter().zip(numbers(expected)) {
                let terms = pair
                    .support
                    .iter()
                    .zip(&pair.coefficients)
                    .map(|(&sample, alpha)| {
                        alpha * classifier.machines.margin.kernel(distances[sample])
                    });
                let decision = terms.sum::<f32>() - pair.rho;
                furthest = furthest.max((decision - expected).abs());
            }
        }
        // The tolerance of both solvers.
        assert!(furthest < 1e-3, "{furthest:e}");
    }

    #[test]
    fn coefficients_obey_the_constraints_of_the_dual_problem() {
        let points = Points::read();
        let classifier = GaussianSvm::fit(&points.samples(), &params(2.0, 1.0)).unwrap();
        assert_eq!(classifier.machines.pairs.len(), 3);
        for pair in &classifier.machines.pairs {
            let sum: f32 = pair.coefficients.iter().sum();
            assert!(sum.abs() < 1e-4, "{sum}");
            assert!(
                pair.coefficients
                    .iter()
                    .all(|alpha| alpha.abs() <= 2.0 + 1e-6)
            );
            for (&sample, &alpha) in pair.support.iter().zip(&pair.coefficients) {
                let row = classifier.support.row(sample);
                let at = points
                    .train
                    .rows()
                    .into_iter()
                    .position(|other| other == row);
                let own = if alpha > 0.0 { pair.first } else { pair.second };
                assert_eq!(points.train_labels[at.unwrap()], own);
            }
        }
    }

    #[test]
    fn a_kernel_whose_samples_change_places_stays_that_kernel() {
        let distances =
            |n: usize, m: usize| Array2::from_shape_fn([n, m], |(i, k)| (i * 3 + k * 2) as f32);
        let margin = Margin { C: 1.0, gamma: 0.1 };
        let symmetric = |n| &distances(n, n) + &distances(n, n).t();
        let new = || Kernel::new(&symmetric(3), &symmetric(2), distances(3, 2), margin);
        let (plain, mut swapped) = (new(), new());
        swapped.swap_index(1, 4);
        let place = [0, 4, 2, 3, 1];
        for i in 0..5 {
            let row = swapped.get_q(i, 5).to_vec();
            for k in 0..5 {
                assert_eq!(row[k], plain.signed[[place[i], place[k]]]);
            }
        }
    }
}
