//! Classifiers over matrices of features, one row an image.
//!
//! In come features and labels of a training set; out comes a [`Classifier`], which gives every row a class. Whatever
//! a classifier leaves open (a dimension, a penalty, the width of a kernel) is chosen by cross-validation within the
//! training set: nothing here ever sees a test set.
//!
//! - [`AffinePca`]: the nearest affine subspace, one for each class;
//! - [`Logistic`]: one hyperplane for each class, by multinomial regression;
//! - [`GaussianSvm`]: a maximal margin under a Gaussian kernel, one machine for each pair of classes;
//! - [`Neighbours`]: the most frequent class among the nearest training samples.
//!
//! Conventions that bite: classes are numbered from 0, and ties go to the class of the lowest number, so that
//! results do not depend on threads. Folds are balanced by class and follow the order of the samples: sample `i` of a
//! class is in fold `i mod folds`. A training set that is sorted in some way should be drawn at random first.

pub mod affine_pca;
pub mod logistic;
pub mod neighbours;
pub mod svm;

pub use affine_pca::{AffinePca, AffinePcaParams};
pub use logistic::{Logistic, LogisticParams};
pub use neighbours::{Neighbours, NeighboursParams};
pub use svm::{GaussianSvm, GaussianSvmParams};

use ndarray::{Array2, ArrayView2, Axis};

use crate::grid::check_finite;
use crate::{Error, Result};

/// What has been trained to tell classes apart.
pub trait Classifier: std::fmt::Debug + Send + Sync {
    /// The class of every row.
    ///
    /// **Shape** `[n, d]` gives n classes; d as in training.
    ///
    /// # Errors
    /// [`Error::WrongShape`] for rows of another length.
    fn predict(&self, features: ArrayView2<f32>) -> Result<Vec<usize>>;

    /// How many numbers the prediction needs.
    fn parameters(&self) -> usize;

    /// What cross-validation chose, in words.
    fn chosen(&self) -> String;

    /// Share of the training samples that cross-validation got wrong with what it chose, in [0, 1].
    fn validation_error(&self) -> f64;
}

/// Features and labels of a training set, checked.
#[derive(Debug, Clone, Copy)]
pub struct Samples<'a> {
    features: ArrayView2<'a, f32>,
    labels: &'a [usize],
    classes: usize,
}

impl<'a> Samples<'a> {
    /// **Shape** features `[n, d]`, one label below `classes` for each row.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if there are not as many labels as rows, [`Error::Empty`] without features,
    /// [`Error::NotFinite`] for a NaN or infinite feature, [`Error::InvalidParameter`] for a label out of range or a
    /// class with fewer than two samples.
    pub fn new(
        features: ArrayView2<'a, f32>,
        labels: &'a [usize],
        classes: usize,
    ) -> Result<Samples<'a>> {
        if features.is_empty() {
            return Err(Error::Empty {
                shape: features.shape().to_vec(),
            });
        }
        if labels.len() != features.nrows() {
            return Err(Error::WrongShape {
                what: "the labels",
                got: vec![labels.len()],
                expected: format!("[{}], one for each row of features", features.nrows()),
            });
        }
        check_finite(&features)?;
        let mut counts = vec![0; classes];
        for (i, &label) in labels.iter().enumerate() {
            match counts.get_mut(label) {
                Some(count) => *count += 1,
                None => {
                    return Err(Error::InvalidParameter {
                        name: "label",
                        value: format!("{label} of sample {i}"),
                        limit: format!("with {classes} classes labels are below {classes}"),
                    });
                }
            }
        }
        if let Some(class) = counts.iter().position(|&count| count < 2) {
            return Err(Error::InvalidParameter {
                name: "samples of a class",
                value: format!("{} of class {class}", counts[class]),
                limit: "cross-validation needs 2 samples of every class; train on more".into(),
            });
        }
        Ok(Self {
            features,
            labels,
            classes,
        })
    }

    /// Number of rows.
    fn len(&self) -> usize {
        self.labels.len()
    }

    /// The rows of one class.
    fn rows_of(&self, class: usize) -> Vec<usize> {
        (0..self.len())
            .filter(|&i| self.labels[i] == class)
            .collect()
    }

    /// The first rows of every class, equally many of each as far as they go and `limit` in all.
    fn first_of_each_class(&self, limit: usize) -> Vec<usize> {
        let each = (limit / self.classes).max(2);
        let mut seen = vec![0; self.classes];
        let mut first = |i: &usize| {
            seen[self.labels[*i]] += 1;
            seen[self.labels[*i]] <= each
        };
        (0..self.len()).filter(|i| first(i)).collect()
    }

    /// The smallest number of samples that a class has.
    fn smallest_class(&self) -> usize {
        let sizes = (0..self.classes).map(|class| self.rows_of(class).len());
        sizes.min().unwrap_or(0)
    }

    /// The fold of every sample, at most `folds` of them and at most one for each sample of the smallest class.
    fn folds(&self, folds: usize) -> Folds {
        let count = folds.clamp(2, self.smallest_class());
        let mut seen = vec![0; self.classes];
        let of = self.labels.iter().map(|&label| {
            let fold = seen[label] % count;
            seen[label] += 1;
            fold
        });
        Folds {
            of: of.collect(),
            count,
        }
    }
}

/// A partition of the samples into parts of equal shares of every class.
struct Folds {
    of: Vec<usize>,
    count: usize,
}

impl Folds {
    /// The rows outside a fold, to train on, and those inside, to validate on.
    fn split(&self, fold: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.of.len()).partition(|&i| self.of[i] != fold)
    }
}

/// Some rows of a matrix.
fn rows(features: ArrayView2<f32>, of: &[usize]) -> Array2<f32> {
    features.select(Axis(0), of)
}

/// Some elements of a list.
fn pick(labels: &[usize], of: &[usize]) -> Vec<usize> {
    of.iter().map(|&i| labels[i]).collect()
}

/// The index of the smallest value, the first of several.
fn smallest<T: PartialOrd>(values: impl IntoIterator<Item = T>) -> usize {
    let mut values = values.into_iter().enumerate();
    let Some((mut best, mut least)) = values.next() else {
        return 0;
    };
    for (i, value) in values {
        if value < least {
            (best, least) = (i, value);
        }
    }
    best
}

/// Refuses features that are not as long as those in training.
fn check_width(features: ArrayView2<f32>, width: usize) -> Result<()> {
    if features.ncols() == width {
        return Ok(());
    }
    Err(Error::WrongShape {
        what: "the features",
        got: features.shape().to_vec(),
        expected: format!("[n, {width}], as in training"),
    })
}

/// Refuses an empty list of values to choose from, and one that a method cannot take.
fn check_candidates(name: &'static str, values: &[f64]) -> Result<()> {
    let bad = values
        .iter()
        .find(|value| !(value.is_finite() && **value > 0.0));
    if !values.is_empty() && bad.is_none() {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        name,
        value: bad.map_or("an empty list".into(), ToString::to_string),
        limit: "cross-validation chooses among one or more positive numbers".into(),
    })
}

/// What scikit-learn makes of a few points; see `tests/data/classifiers/README.md`.
#[cfg(test)]
mod fixture {
    use ndarray::Array2;
    use serde_json::Value;

    use crate::io::NpyFile;

    pub struct Points {
        pub train: Array2<f32>,
        pub train_labels: Vec<usize>,
        pub test: Array2<f32>,
        expected: Value,
    }

    impl Points {
        pub fn read() -> Self {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/classifiers/");
            let array = |name: &str| {
                let mut file = NpyFile::open(format!("{folder}{name}")).unwrap();
                let shape = [file.shape()[0], file.shape()[1]];
                let numbers = file.read_rows(shape[0], shape[1]).unwrap();
                Array2::from_shape_vec(shape, numbers).unwrap()
            };
            let text = std::fs::read_to_string(format!("{folder}expected.json")).unwrap();
            let expected: Value = serde_json::from_str(&text).unwrap();
            Self {
                train: array("train.npy"),
                train_labels: integers(&expected["train_labels"]),
                test: array("test.npy"),
                expected,
            }
        }

        pub fn samples(&self) -> super::Samples<'_> {
            super::Samples::new(self.train.view(), &self.train_labels, 3).unwrap()
        }

        pub fn expected(&self, name: &str) -> &Value {
            &self.expected[name]
        }
    }

    pub fn integers(values: &Value) -> Vec<usize> {
        let values = values.as_array().unwrap().iter();
        values
            .map(|value| value.as_u64().unwrap() as usize)
            .collect()
    }

    pub fn numbers(values: &Value) -> Vec<f32> {
        let values = values.as_array().unwrap().iter();
        values.map(|value| value.as_f64().unwrap() as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn samples_that_cannot_be_learned_from_are_refused() {
        let features = array![[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]];
        let message = |labels: &[usize], classes| {
            let refused = Samples::new(features.view(), labels, classes);
            refused.unwrap_err().to_string()
        };
        assert!(Samples::new(features.view(), &[0, 1, 1, 0], 2).is_ok());
        assert!(message(&[0, 1, 0], 2).contains("[4], one for each row"));
        assert!(message(&[0, 1, 2, 0], 2).contains("2 of sample 2"));
        assert!(message(&[0, 1, 0, 0], 2).contains("1 of class 1"));
        assert!(message(&[0, 0, 0, 0], 2).contains("0 of class 1"));
        let bad = array![[0.0, f32::NAN], [0.0, 0.0]];
        assert!(matches!(
            Samples::new(bad.view(), &[0, 0], 1),
            Err(Error::NotFinite { position, .. }) if position == [0, 1]
        ));
    }

    #[test]
    fn folds_share_every_class_out_evenly() {
        let labels: Vec<usize> = (0..47).map(|i| usize::from(i % 3 == 0)).collect();
        let features = Array2::zeros([47, 1]);
        let samples = Samples::new(features.view(), &labels, 2).unwrap();
        let folds = samples.folds(5);
        let mut held_out = Vec::new();
        for fold in 0..5 {
            let (train, validation) = folds.split(fold);
            assert_eq!(train.len() + validation.len(), 47);
            for class in 0..2 {
                let of_class = pick(&labels, &validation)
                    .iter()
                    .filter(|&&l| l == class)
                    .count();
                let expected = samples.rows_of(class).len() as f64 / 5.0;
                assert!((of_class as f64 - expected).abs() < 1.0);
            }
            held_out.extend(validation);
        }
        held_out.sort_unstable();
        assert_eq!(held_out, (0..47).collect::<Vec<_>>());
        // 16 of one class, 31 of the other, and a limit of 20 in all
        assert_eq!(
            pick(&labels, &samples.first_of_each_class(20))
                .iter()
                .sum::<usize>(),
            10
        );
        assert_eq!(samples.first_of_each_class(1000).len(), 47);
    }

    #[test]
    fn features_of_another_width_are_refused_by_every_classifier() {
        let points = fixture::Points::read();
        let samples = points.samples();
        let classifiers: [Box<dyn Classifier>; 4] = [
            Box::new(AffinePca::fit(&samples, &Default::default()).unwrap()),
            Box::new(Logistic::fit(&samples, &Default::default()).unwrap()),
            Box::new(GaussianSvm::fit(&samples, &Default::default()).unwrap()),
            Box::new(Neighbours::fit(&samples, &Default::default()).unwrap()),
        ];
        for classifier in classifiers {
            let narrow = points.test.slice(ndarray::s![.., ..5]);
            let refused = classifier.predict(narrow).unwrap_err();
            assert!(refused.to_string().contains("[n, 6]"), "{refused}");
            let again = classifier.predict(points.test.view()).unwrap();
            assert_eq!(again, classifier.predict(points.test.view()).unwrap());
            assert!((0.0..0.4).contains(&classifier.validation_error()));
        }
    }

    #[test]
    fn a_list_without_a_usable_value_is_refused() {
        let points = fixture::Points::read();
        let none = GaussianSvmParams {
            C: vec![],
            ..Default::default()
        };
        let refused = GaussianSvm::fit(&points.samples(), &none).unwrap_err();
        assert!(refused.to_string().contains("C = an empty list"));
        let negative = LogisticParams {
            C: vec![1.0, -1.0],
            ..Default::default()
        };
        let refused = Logistic::fit(&points.samples(), &negative).unwrap_err();
        assert!(refused.to_string().contains("C = -1"));
        let zero = NeighboursParams {
            k: vec![0],
            ..Default::default()
        };
        assert!(Neighbours::fit(&points.samples(), &zero).is_err());
    }
}
