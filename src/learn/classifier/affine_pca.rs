//! [`AffinePca`]: the nearest affine subspace, one for each class.
//!
//! In come features; for every class c out come a mean μ_c and the leading principal directions V_c of its training
//! samples. An image goes to the class whose affine subspace is nearest,
//!
//! ```text
//! argmin_c ‖x − μ_c‖² − ‖V_c (x − μ_c)‖²
//! ```
//!
//! with the same number of directions for all classes. Distances to the subspaces of all dimensions come in one
//! pass, as running sums over the projections, so cross-validation over the dimension costs one fit for each fold.
//!
//! Source: Bruna & Mallat 2013, "Invariant scattering convolution networks", section 4.1.

use ndarray::{Array2, ArrayView2};

use super::{Classifier, Samples, check_width, pick, rows, smallest};
use crate::Result;
use crate::learn::algebra::{Principal, principal, product_with_rows};

/// How an [`AffinePca`] is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct AffinePcaParams {
    /// The largest number of directions to consider. A class of n samples has n − 1 at most.
    pub max_dimension: usize,
    /// Parts of the training set, each of which is classified by the others.
    pub folds: usize,
    /// No further part is classified once this many samples have been.
    pub enough: usize,
}

impl Default for AffinePcaParams {
    /// Up to 200 directions, five folds, 10,000 samples: of those their errors tell dimensions apart well enough, and
    /// all five folds of 60,000 would take five times as long.
    fn default() -> Self {
        Self {
            max_dimension: 200,
            folds: 5,
            enough: 10_000,
        }
    }
}

/// The nearest affine subspace; see the [module](self).
///
/// ```
/// use ndarray::array;
/// use wavelet_scattering::learn::classifier::{AffinePca, Classifier, Samples};
///
/// // Two lines in the plane, a diagonal and a horizontal: their means are close, their directions are not.
/// let features = array![[0.0, 0.0], [1.0, 1.0], [3.0, 3.0], [4.0, 4.0], [0.0, 2.0], [1.0, 2.0], [3.0, 2.0], [5.0, 2.0]];
/// let samples = Samples::new(features.view(), &[0, 0, 0, 0, 1, 1, 1, 1], 2)?;
/// let classifier = AffinePca::fit(&samples, &Default::default())?;
/// assert_eq!(classifier.dimension(), 1);
/// assert_eq!(classifier.predict(array![[9.0, 9.0], [9.0, 2.0]].view())?, [0, 1]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AffinePca {
    spaces: Vec<Principal>,
    validation_error: f64,
}

impl AffinePca {
    /// Chooses the dimension by cross-validation and fits the subspaces to all samples.
    ///
    /// The dimension is the one with the fewest errors over all folds, the smallest of several. The largest
    /// considered is what every class spans in every fold that was used.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) if the features are so large that their squares overflow.
    pub fn fit(samples: &Samples, params: &AffinePcaParams) -> Result<Self> {
        let folds = samples.folds(params.folds);
        let mut errors: Vec<usize> = Vec::new();
        let mut classified = 0;
        for fold in 0..folds.count {
            if classified >= params.enough {
                break;
            }
            let (train, held_out) = folds.split(fold);
            classified += held_out.len();
            let spaces = Self::spaces(samples, &train, params.max_dimension)?;
            let truth = pick(samples.labels, &held_out);
            let of_fold = errors_by_dimension(&spaces, rows(samples.features, &held_out), &truth);
            // Folds may differ by a sample in what they span; compare where all of them have a say.
            errors.resize(
                if fold == 0 {
                    of_fold.len()
                } else {
                    errors.len()
                },
                0,
            );
            errors.truncate(of_fold.len());
            errors
                .iter_mut()
                .zip(of_fold)
                .for_each(|(sum, of_fold)| *sum += of_fold);
        }
        let dimension = smallest(errors.iter().copied());
        let all: Vec<usize> = (0..samples.len()).collect();
        Ok(Self {
            spaces: Self::spaces(samples, &all, dimension)?,
            validation_error: errors[dimension] as f64 / classified as f64,
        })
    }

    /// The subspaces of the classes, fitted to some of the samples.
    fn spaces(samples: &Samples, of: &[usize], dimension: usize) -> Result<Vec<Principal>> {
        (0..samples.classes)
            .map(|class| {
                let own: Vec<usize> = of
                    .iter()
                    .copied()
                    .filter(|&i| samples.labels[i] == class)
                    .collect();
                principal(rows(samples.features, &own).view(), dimension)
            })
            .collect()
    }

    /// Directions of each subspace.
    pub fn dimension(&self) -> usize {
        dimension(&self.spaces)
    }
}

impl Classifier for AffinePca {
    fn predict(&self, features: ArrayView2<f32>) -> Result<Vec<usize>> {
        check_width(features, self.spaces[0].mean.len())?;
        let dimension = self.dimension();
        let mut least = vec![(f32::INFINITY, 0); features.nrows()];
        for (class, space) in self.spaces.iter().enumerate() {
            let distances = distances(space, features.to_owned(), dimension);
            for (best, &distance) in least.iter_mut().zip(distances.column(dimension)) {
                if distance < best.0 {
                    *best = (distance, class);
                }
            }
        }
        Ok(least.into_iter().map(|(_, class)| class).collect())
    }

    fn parameters(&self) -> usize {
        let space = |space: &Principal| space.mean.len() + space.directions.len();
        self.spaces.iter().map(space).sum()
    }

    fn chosen(&self) -> String {
        format!("dimension {}", self.dimension())
    }

    fn validation_error(&self) -> f64 {
        self.validation_error
    }
}

/// The number of directions that all classes have.
fn dimension(spaces: &[Principal]) -> usize {
    let dimensions = spaces.iter().map(|space| space.directions.nrows());
    dimensions.min().unwrap_or(0)
}

/// Squared distances to the subspaces of dimension 0, 1, …, `dimension`.
///
/// **Shape** `[n, dimension + 1]`.
fn distances(space: &Principal, mut features: Array2<f32>, dimension: usize) -> Array2<f32> {
    features -= &space.mean;
    let directions = space.directions.slice(ndarray::s![..dimension, ..]);
    let projections = product_with_rows(features.view(), directions);
    let mut distances = Array2::zeros([features.nrows(), dimension + 1]);
    for ((mut row, sample), projections) in distances
        .rows_mut()
        .into_iter()
        .zip(features.rows())
        .zip(projections.rows())
    {
        // In double precision: what is left is small beside what is taken away.
        let mut rest: f64 = sample.iter().map(|&x| f64::from(x).powi(2)).sum();
        row[0] = rest as f32;
        for (k, &projection) in projections.iter().enumerate() {
            rest -= f64::from(projection).powi(2);
            row[k + 1] = rest as f32;
        }
    }
    distances
}

/// How many samples go to a wrong class, for dimension 0, 1, ….
fn errors_by_dimension(
    spaces: &[Principal],
    features: Array2<f32>,
    labels: &[usize],
) -> Vec<usize> {
    let dimension = dimension(spaces);
    let mut least = Array2::from_elem([features.nrows(), dimension + 1], f32::INFINITY);
    let mut nearest = Array2::<usize>::zeros(least.raw_dim());
    for (class, space) in spaces.iter().enumerate() {
        let distances = distances(space, features.clone(), dimension);
        ndarray::Zip::from(&mut least)
            .and(&mut nearest)
            .and(&distances)
            .for_each(|least, nearest, &distance| {
                if distance < *least {
                    (*least, *nearest) = (distance, class);
                }
            });
    }
    let wrong = |column: ndarray::ArrayView1<usize>| {
        let pairs = column.into_iter().zip(labels);
        pairs
            .filter(|(predicted, label)| predicted != label)
            .count()
    };
    nearest.columns().into_iter().map(wrong).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Points, integers, numbers};
    use super::*;

    #[test]
    fn distances_to_the_subspaces_of_all_dimensions_are_those_of_scikit_learn() {
        let points = Points::read();
        let samples = points.samples();
        let all: Vec<usize> = (0..samples.len()).collect();
        let spaces = AffinePca::spaces(&samples, &all, 5).unwrap();
        assert_eq!(dimension(&spaces), 5);
        let residuals = points.expected("affine_residuals").as_array().unwrap();
        for (class, space) in spaces.iter().enumerate() {
            let distances = distances(space, points.test.clone(), 5);
            for (row, expected) in distances.rows().into_iter().zip(residuals) {
                for (distance, expected) in row.iter().zip(numbers(&expected[class])) {
                    // Features of about 3 in single precision, squared and subtracted.
                    assert!((distance - expected).abs() < 1e-4 + 1e-5 * expected);
                }
            }
        }
        for k in 0..6 {
            let classifier = AffinePca {
                spaces: AffinePca::spaces(&samples, &all, k).unwrap(),
                validation_error: 0.0,
            };
            let expected = integers(&points.expected("affine_classes")[k]);
            assert_eq!(classifier.predict(points.test.view()).unwrap(), expected);
            assert_eq!(classifier.parameters(), 3 * 6 * (k + 1));
        }
    }

    #[test]
    fn cross_validation_finds_the_dimension_that_was_put_in() {
        // Two classes about the same mean, each in a plane of its own within ten dimensions, with little noise.
        let features = Array2::from_shape_fn([80, 10], |(i, k)| {
            let (class, turn) = (i % 2, (i / 2) as f32);
            let noise = 0.01 * ((i * 10 + k) as f32 * 12.9898).sin();
            let inside = match k {
                0 if class == 0 => (turn * 0.7).sin(),
                1 if class == 0 => (turn * 1.3).cos(),
                2 if class == 1 => (turn * 0.9).sin(),
                3 if class == 1 => (turn * 1.1).cos(),
                _ => 0.0,
            };
            inside + noise
        });
        let labels: Vec<usize> = (0..80).map(|i| i % 2).collect();
        let samples = Samples::new(features.view(), &labels, 2).unwrap();
        let classifier = AffinePca::fit(&samples, &AffinePcaParams::default()).unwrap();
        assert_eq!(
            (classifier.dimension(), classifier.validation_error()),
            (2, 0.0)
        );
        assert_eq!(classifier.chosen(), "dimension 2");
    }

    #[test]
    fn directions_from_the_gram_matrix_and_from_the_covariance_span_the_same() {
        let points = Points::read();
        let tall = principal(points.train.view(), 3).unwrap();
        // The same points in 300 dimensions: more than there are points, so the Gram matrix is the smaller one.
        let mut wide = Array2::zeros([150, 300]);
        wide.slice_mut(ndarray::s![.., 7..13]).assign(&points.train);
        let wide = principal(wide.view(), 3).unwrap();
        for (a, b) in tall
            .directions
            .rows()
            .into_iter()
            .zip(wide.directions.rows())
        {
            let cosine = a.dot(&b.slice(ndarray::s![7..13]));
            assert!((cosine.abs() - 1.0).abs() < 1e-6, "{cosine}");
            assert!((a.dot(&a) - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn a_class_without_variation_is_its_mean() {
        let features = ndarray::array![[1.0, 1.0], [1.0, 1.0], [5.0, 1.0], [5.0, 1.0]];
        let samples = Samples::new(features.view(), &[0, 0, 1, 1], 2).unwrap();
        let classifier = AffinePca::fit(&samples, &AffinePcaParams::default()).unwrap();
        assert_eq!(classifier.dimension(), 0);
        assert_eq!(classifier.predict(features.view()).unwrap(), [0, 0, 1, 1]);
    }
}
