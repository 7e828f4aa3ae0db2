//! [`Neighbours`]: the most frequent class among the nearest training samples.
//!
//! In come features, pixels for example; they are kept. An image goes to the class that most of its k nearest training
//! samples have, by Euclidean distance; of several such classes to the one whose samples come first. k is chosen by
//! cross-validation.
//!
//! Source: Hastie, Tibshirani & Friedman 2009, "The elements of statistical learning", section 13.3.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

use super::{Classifier, Samples, check_candidates, check_width, pick, rows, smallest};
use crate::Result;
use crate::learn::algebra::squared_distances;

/// Rows that are classified at a time, to bound the memory of their distances.
const CHUNK: usize = 500;

/// How [`Neighbours`] are trained.
#[derive(Debug, Clone, PartialEq)]
pub struct NeighboursParams {
    /// Numbers of neighbours to choose from.
    pub k: Vec<usize>,
    /// Parts of the training set, each of which is classified by the others.
    pub folds: usize,
    /// Cross-validation looks at this many samples at most, equally many of every class.
    pub tune_on: usize,
}

impl Default for NeighboursParams {
    /// 1, 3 or 5 neighbours, five folds of up to 5,000 samples.
    fn default() -> Self {
        Self {
            k: vec![1, 3, 5],
            folds: 5,
            tune_on: 5000,
        }
    }
}

/// The nearest neighbours; see the [module](self).
///
/// ```
/// use ndarray::array;
/// use wavelet_scattering::learn::classifier::{Classifier, Neighbours, Samples};
///
/// let features = array![[0.0, 0.0], [0.0, 1.0], [5.0, 5.0], [6.0, 5.0]];
/// let samples = Samples::new(features.view(), &[0, 0, 1, 1], 2)?;
/// let classifier = Neighbours::fit(&samples, &Default::default())?;
/// assert_eq!(classifier.predict(array![[1.0, 1.0], [9.0, 9.0]].view())?, [0, 1]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    features: Array2<f32>,
    labels: Vec<usize>,
    k: usize,
    validation_error: f64,
}

impl Neighbours {
    /// Chooses k by cross-validation, the smallest of several equally good ones, and keeps all samples.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) if there is no k to choose from, or one is 0.
    pub fn fit(samples: &Samples, params: &NeighboursParams) -> Result<Self> {
        let as_numbers: Vec<f64> = params.k.iter().map(|&k| k as f64).collect();
        check_candidates("k", &as_numbers)?;
        let mut candidates = params.k.clone();
        candidates.sort_unstable();
        let tuning = samples.first_of_each_class(params.tune_on);
        let labels = pick(samples.labels, &tuning);
        let features = rows(samples.features, &tuning);
        let tuning = Samples {
            features: features.view(),
            labels: &labels,
            classes: samples.classes,
        };
        let folds = tuning.folds(params.folds);
        let mut errors = vec![0; candidates.len()];
        for fold in 0..folds.count {
            let (train, held_out) = folds.split(fold);
            let (known, truth) = (pick(&labels, &train), pick(&labels, &held_out));
            let predicted = nearest(
                rows(features.view(), &train).view(),
                &known,
                rows(features.view(), &held_out).view(),
                &candidates,
            );
            for (classes, &label) in predicted.iter().zip(&truth) {
                for (errors, &class) in errors.iter_mut().zip(classes) {
                    *errors += usize::from(class != label);
                }
            }
        }
        let best = smallest(errors.iter().copied());
        Ok(Self {
            features: samples.features.to_owned(),
            labels: samples.labels.to_vec(),
            k: candidates[best],
            validation_error: errors[best] as f64 / tuning.len() as f64,
        })
    }

    /// The number of neighbours that cross-validation chose.
    pub fn k(&self) -> usize {
        self.k
    }
}

impl Classifier for Neighbours {
    fn predict(&self, features: ArrayView2<f32>) -> Result<Vec<usize>> {
        check_width(features, self.features.ncols())?;
        let classes = nearest(self.features.view(), &self.labels, features, &[self.k]);
        Ok(classes.into_iter().map(|of_each_k| of_each_k[0]).collect())
    }

    fn parameters(&self) -> usize {
        self.features.len() + self.labels.len()
    }

    fn chosen(&self) -> String {
        format!("k {}", self.k)
    }

    fn validation_error(&self) -> f64 {
        self.validation_error
    }
}

/// The classes of every row for several numbers of neighbours, in ascending order.
fn nearest(
    known: ArrayView2<f32>,
    labels: &[usize],
    features: ArrayView2<f32>,
    ks: &[usize],
) -> Vec<Vec<usize>> {
    let most = ks.last().copied().unwrap_or(1).min(labels.len());
    let mut classes = Vec::with_capacity(features.nrows());
    for chunk in features.axis_chunks_iter(Axis(0), CHUNK) {
        let distances = squared_distances(chunk, known);
        let of_chunk = crate::parallel::map(chunk.nrows(), |i| {
            let nearest = nearest_labels(distances.row(i), labels, most);
            let vote = |&k: &usize| majority(&nearest[..k.min(most)]);
            ks.iter().map(vote).collect::<Vec<_>>()
        });
        classes.extend(of_chunk);
    }
    classes
}

/// The labels of the nearest samples, nearest first, the earlier sample of two that are equally far.
fn nearest_labels(distances: ArrayView1<f32>, labels: &[usize], count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    let by_distance =
        |&a: &usize, &b: &usize| distances[a].total_cmp(&distances[b]).then(a.cmp(&b));
    if count < order.len() {
        order.select_nth_unstable_by(count, by_distance);
        order.truncate(count);
    }
    order.sort_unstable_by(by_distance);
    pick(labels, &order)
}

/// The most frequent label, the one that comes first of several.
fn majority(labels: &[usize]) -> usize {
    let count = |label: usize| labels.iter().filter(|&&other| other == label).count();
    labels[smallest(labels.iter().map(|&label| -(count(label) as i64)))]
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Points;
    use super::*;

    #[test]
    fn classes_are_those_of_scikit_learn() {
        let points = Points::read();
        let three = NeighboursParams {
            k: vec![3],
            ..NeighboursParams::default()
        };
        let classifier = Neighbours::fit(&points.samples(), &three).unwrap();
        let predicted = classifier.predict(points.test.view()).unwrap();
        let expected = points.expected("neighbours_classes").as_array().unwrap();
        for (predicted, expected) in predicted.iter().zip(expected) {
            assert!(expected.is_null() || expected.as_u64() == Some(*predicted as u64));
        }
    }

    #[test]
    fn ties_go_to_the_nearer_class_and_then_to_the_earlier_sample() {
        assert_eq!(majority(&[2, 1, 1]), 1);
        assert_eq!(majority(&[2, 1]), 2);
        let distances = ndarray::array![4.0, 1.0, 1.0, 9.0];
        assert_eq!(
            nearest_labels(distances.view(), &[0, 1, 2, 3], 3),
            [1, 2, 0]
        );
    }

    #[test]
    fn one_neighbour_knows_every_training_sample() {
        let points = Points::read();
        let one = NeighboursParams {
            k: vec![1],
            ..NeighboursParams::default()
        };
        let classifier = Neighbours::fit(&points.samples(), &one).unwrap();
        assert_eq!(
            classifier.predict(points.train.view()).unwrap(),
            points.train_labels
        );
    }
}
