//! [`Task`]: images or sounds to learn from, others to be tested on, and one number to be measured by.
//!
//! The common task framework: training and test set are fixed, the number of training samples is the one thing varied,
//! and the metric is the share of test images or sounds whose class is predicted wrongly. What a learner chooses for itself, it
//! chooses on a part of the training set.
//!
//! The first n training samples of a seed are as many of each class as of any other, up to one, and for a larger n
//! the same and more: errors along a learning curve differ by what was added, not by the luck of another draw.
//!
//! Source: D. Donoho, "50 years of data science", 2017, section 6, for the framework.

use ndarray::Array2;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use crate::io::dataset::{self, Dataset, LabelledImages, Medium};
use crate::{Error, Result, memory};

/// A named training set and test set.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    name: String,
    medium: Medium,
    train: LabelledImages,
    test: LabelledImages,
}

impl Task {
    /// A task of two sets of images.
    ///
    /// # Errors
    /// As [`LabelledImages::check`] for either set; [`Error::WrongShape`] if their images differ in channels, rows or
    /// columns; [`Error::InvalidParameter`] if they name different classes, fewer than two, or one without training images.
    pub fn new(
        name: impl Into<String>,
        train: LabelledImages,
        test: LabelledImages,
    ) -> Result<Self> {
        Self::of(Dataset {
            name: name.into(),
            medium: Medium::Images,
            train,
            test,
        })
    }

    /// The task of a data set, one on disk or one that was put together.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::WrongShape`] for sounds of several rows or channels; a [`Dataset`] from
    /// [`read_dataset`](crate::io::read_dataset) passes.
    pub fn of(dataset: Dataset) -> Result<Self> {
        let Dataset {
            name,
            medium,
            train,
            test,
        } = dataset;
        train.check()?;
        test.check()?;
        if medium != Medium::Images && train.images.shape()[1..3] != [1, 1] {
            return Err(Error::WrongShape {
                what: "the set of training sounds",
                got: train.images.shape().to_vec(),
                expected: "[n, 1, 1, samples]".to_string(),
            });
        }
        let expected = &train.images.shape()[1..];
        if test.images.shape()[1..] != *expected {
            return Err(Error::WrongShape {
                what: match medium {
                    Medium::Images => "the set of test images",
                    Medium::Sounds { .. } => "the set of test sounds",
                },
                got: test.images.shape().to_vec(),
                expected: format!("{}s of {expected:?} as those to train on", medium.noun()),
            });
        }
        if train.classes != test.classes || train.classes.len() < 2 {
            return Err(Error::InvalidParameter {
                name: "classes",
                value: format!("{:?} and {:?}", train.classes, test.classes),
                limit: "both sets have to name the same classes, at least two".to_string(),
            });
        }
        let mut occurs = vec![false; train.classes.len()];
        train.labels.iter().for_each(|&label| occurs[label] = true);
        if let Some(class) = occurs.iter().position(|occurs| !occurs) {
            return Err(Error::InvalidParameter {
                name: "classes",
                value: train.classes[class].clone(),
                limit: format!(
                    "no training {} is of this class; leave it out and number the others anew",
                    medium.noun()
                ),
            });
        }
        let [train, test] = [train, test].map(|mut set| {
            // Images are taken for rows of samples from here on.
            if !set.images.is_standard_layout() {
                set.images = set.images.as_standard_layout().into_owned();
            }
            set
        });
        Ok(Self {
            name,
            medium,
            train,
            test,
        })
    }

    /// 5,000 handwritten digits that are part of the library: 400 of each class to train on and 100 to test on, 28 x 28.
    ///
    /// All of them are from the official training set of MNIST. A model that has learned the full set has seen these
    /// test digits: never test it here.
    ///
    /// Source: `assets/README.md`, with the licence, CC BY-SA 3.0.
    pub fn mnist_subset() -> Self {
        let read = || -> Result<Self> { Self::of(dataset::mnist_subset()?) };
        read().expect("the digits that are compiled in are a data set")
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its samples are.
    pub fn medium(&self) -> Medium {
        self.medium
    }

    /// What may be learned from.
    pub fn train(&self) -> &LabelledImages {
        &self.train
    }

    /// What must not.
    pub fn test(&self) -> &LabelledImages {
        &self.test
    }

    /// Indices of the first `n` training images or sounds in the order that belongs to `seed`.
    ///
    /// As many of each class as of any other, up to one, while they last; after the smallest class the others go on.
    /// Draws of one seed are nested: that of 300 begins that of 1,000.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if `n` is 0 or more than there are.
    ///
    /// ```
    /// let task = wavelet_scattering::learn::Task::mnist_subset();
    /// let few = task.draw(300, 1)?;
    /// assert_eq!(few, task.draw(1000, 1)?[..300]);
    /// assert_eq!(task.train().select(&few)?.images.shape(), [300, 1, 28, 28]);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn draw(&self, n: usize, seed: u64) -> Result<Vec<usize>> {
        if n == 0 || n > self.train.len() {
            return Err(Error::InvalidParameter {
                name: "n",
                value: n.to_string(),
                limit: format!(
                    "{} has {} training {}s, and at least one is drawn",
                    self.name,
                    self.train.len(),
                    self.medium.noun()
                ),
            });
        }
        let mut classes = self.train.shuffled_by_class(seed);
        // Which classes get one more when n is no multiple of their number is chance as well.
        classes.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        let rounds = classes.iter().map(Vec::len).max().unwrap_or(0);
        let order = (0..rounds).flat_map(|k| classes.iter().filter_map(move |class| class.get(k)));
        Ok(order.copied().take(n).collect())
    }
}

/// The share of predictions that are wrong, in [0, 1].
///
/// # Errors
/// [`Error::WrongShape`] if there are not as many predictions as labels, [`Error::Empty`] if there are none.
pub fn error_rate(predicted: &[usize], labels: &[usize]) -> Result<f64> {
    check_predictions(predicted, labels)?;
    if labels.is_empty() {
        return Err(Error::Empty { shape: vec![0] });
    }
    let wrong = predicted.iter().zip(labels).filter(|(p, l)| p != l);
    Ok(wrong.count() as f64 / labels.len() as f64)
}

/// How often an image of class i was taken for one of class k.
///
/// **Shape** `[classes, classes]`, true class first: `[i, k]`.
///
/// # Errors
/// [`Error::WrongShape`] if there are not as many predictions as labels, [`Error::InvalidParameter`] if one of either
/// is not below `classes`, [`Error::OutOfMemory`] for so many classes that their table does not fit.
pub fn confusion(predicted: &[usize], labels: &[usize], classes: usize) -> Result<Array2<usize>> {
    check_predictions(predicted, labels)?;
    for (name, values) in [("prediction", predicted), ("label", labels)] {
        if let Some(i) = values.iter().position(|&class| class >= classes) {
            return Err(Error::InvalidParameter {
                name,
                value: format!("{} of image {i}", values[i]),
                limit: format!("classes count from 0 and there are {classes}"),
            });
        }
    }
    memory::require(
        "the table of confusions",
        memory::bytes_of::<usize>(memory::count(&[classes, classes])),
        "use fewer classes",
    )?;
    let mut counts = Array2::zeros([classes, classes]);
    for (&predicted, &label) in predicted.iter().zip(labels) {
        counts[[label, predicted]] += 1;
    }
    Ok(counts)
}

fn check_predictions(predicted: &[usize], labels: &[usize]) -> Result<()> {
    if predicted.len() != labels.len() {
        return Err(Error::WrongShape {
            what: "the list of predictions",
            got: vec![predicted.len()],
            expected: format!("[{}], one for each label", labels.len()),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::Array4;

    use super::*;

    fn labelled(labels: &[usize], classes: usize) -> LabelledImages {
        let images = Array4::from_shape_fn([labels.len(), 1, 2, 2], |(n, ..)| n as f32);
        let classes = (0..classes).map(|class| class.to_string()).collect();
        LabelledImages::new(images, labels.to_vec(), classes).unwrap()
    }

    #[test]
    fn a_draw_is_balanced_nested_and_the_same_for_the_same_seed() {
        let labels: Vec<usize> = (0..40).map(|i| i % 10).chain([3; 5]).collect();
        let task = Task::new("x", labelled(&labels, 10), labelled(&labels, 10)).unwrap();
        let all = task.draw(45, 7).unwrap();
        for n in 1..=45 {
            let drawn = task.draw(n, 7).unwrap();
            assert_eq!(drawn, all[..n]);
            let mut counts = [0; 10];
            drawn.iter().for_each(|&i| counts[labels[i]] += 1);
            let least = counts.iter().min().unwrap();
            let most = counts.iter().max().unwrap();
            assert!(most - least <= 1.max(n.saturating_sub(40)), "{counts:?}");
        }
        let mut sorted = all.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..45).collect::<Vec<_>>(), "every image once");
        assert_ne!(all, task.draw(45, 8).unwrap());
        for n in [0, 46] {
            assert!(
                task.draw(n, 7)
                    .unwrap_err()
                    .to_string()
                    .contains("45 training images")
            );
        }
    }

    #[test]
    fn sets_that_do_not_belong_together_make_no_task() {
        let set = labelled(&[0, 1], 2);
        let other_classes = Task::new("x", set.clone(), labelled(&[0, 1], 3));
        assert!(matches!(
            other_classes,
            Err(Error::InvalidParameter {
                name: "classes",
                ..
            })
        ));
        assert!(Task::new("x", labelled(&[0], 1), labelled(&[0], 1)).is_err());
        let absent = Task::new("x", labelled(&[0, 2], 3), labelled(&[0, 2], 3));
        assert!(absent.unwrap_err().to_string().contains("classes = 1"));
        let mut larger = set.clone();
        larger.images = Array4::zeros([2, 1, 2, 3]);
        assert!(matches!(
            Task::new("x", set.clone(), larger),
            Err(Error::WrongShape { .. })
        ));
        let mut beyond = set.clone();
        beyond.labels[0] = 2;
        assert!(Task::new("x", beyond, set).is_err());
    }

    #[test]
    fn errors_are_counted_by_class() {
        let labels = [0, 0, 1, 2, 2, 2];
        let predicted = [0, 1, 1, 2, 0, 2];
        assert_eq!(error_rate(&predicted, &labels).unwrap(), 2.0 / 6.0);
        assert_eq!(
            confusion(&predicted, &labels, 3).unwrap(),
            ndarray::array![[1, 1, 0], [0, 1, 0], [1, 0, 2]]
        );
    }

    #[test]
    fn predictions_that_do_not_belong_to_the_labels_are_refused() {
        let few = error_rate(&[0, 1], &[0, 1, 1]).unwrap_err();
        assert!(matches!(few, Error::WrongShape { got, .. } if got == [2]));
        assert!(matches!(error_rate(&[], &[]), Err(Error::Empty { .. })));
        assert!(confusion(&[0], &[0, 1], 2).is_err());
        for (predicted, labels, name) in [([0, 2], [0, 1], "prediction"), ([0, 1], [2, 1], "label")]
        {
            let refused = confusion(&predicted, &labels, 2).unwrap_err().to_string();
            assert!(
                refused.starts_with(&format!("{name} = 2 of image")),
                "{refused}"
            );
        }
    }
}
