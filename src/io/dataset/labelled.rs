//! [`LabelledImages`]: images with a class for each, or sounds, which are images of one row.

use ndarray::{Array4, Axis};
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use crate::grid::check_finite;
use crate::{Error, Result};

/// Images, the class of each, and the names of the classes.
#[derive(Debug, Clone, PartialEq)]
pub struct LabelledImages {
    /// **Shape** `[n, channels, rows, columns]`, **units** [0, 1] as read from files. Of sounds `[n, 1, 1, samples]` in [−1, 1).
    pub images: Array4<f32>,
    /// The class of every image, an index into `classes`.
    pub labels: Vec<usize>,
    /// What the classes are called.
    pub classes: Vec<String>,
}

impl LabelledImages {
    /// Images with their labels, after [`check`](Self::check).
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn new(images: Array4<f32>, labels: Vec<usize>, classes: Vec<String>) -> Result<Self> {
        let all = Self {
            images,
            labels,
            classes,
        };
        all.check()?;
        Ok(all)
    }

    /// Whether there is something to learn here: images, finite, each with the label of a class.
    ///
    /// # Errors
    /// [`Error::Empty`] without images or samples; [`Error::WrongShape`] if there are more or fewer labels than images;
    /// [`Error::InvalidParameter`] for a label beyond the classes; [`Error::NotFinite`] for a sample that is no number.
    pub fn check(&self) -> Result<()> {
        if self.images.is_empty() {
            return Err(Error::Empty {
                shape: self.images.shape().to_vec(),
            });
        }
        if self.labels.len() != self.len() {
            return Err(Error::WrongShape {
                what: "the list of labels",
                got: vec![self.labels.len()],
                expected: format!("[{}], one for each image", self.len()),
            });
        }
        let classes = self.classes.len();
        if let Some(i) = self.labels.iter().position(|&label| label >= classes) {
            return Err(Error::InvalidParameter {
                name: "label",
                value: format!("{} of image {i}", self.labels[i]),
                limit: format!("labels count from 0 and there are {classes} classes"),
            });
        }
        check_finite(&self.images)
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.images.shape()[0]
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The images at `indices`, in that order, with their labels.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for an index that is not below [`len`](Self::len) or has no label.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        let count = self.len().min(self.labels.len());
        if let Some(index) = indices.iter().find(|&&index| index >= count) {
            return Err(Error::InvalidParameter {
                name: "index",
                value: index.to_string(),
                limit: format!("images count from 0 and there are {count} with a label"),
            });
        }
        Ok(Self {
            images: self.images.select(Axis(0), indices),
            labels: indices.iter().map(|&i| self.labels[i]).collect(),
            classes: self.classes.clone(),
        })
    }

    /// The indices of every class's images, each list shuffled: what a balanced choice is made from.
    pub(crate) fn shuffled_by_class(&self, seed: u64) -> Vec<Vec<usize>> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut classes = vec![Vec::new(); self.classes.len()];
        for (i, &label) in self.labels.iter().enumerate() {
            classes[label].push(i);
        }
        for class in &mut classes {
            class.shuffle(&mut random);
        }
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_and_labels_that_do_not_belong_together_are_refused() {
        let classes = || vec!["a".to_string(), "b".to_string()];
        let images = || Array4::zeros([2, 1, 3, 3]);
        let both = LabelledImages::new(images(), vec![0, 1], classes()).unwrap();
        assert_eq!(both.select(&[1, 1]).unwrap().labels, [1, 1]);
        let third = both.select(&[0, 2]);
        assert!(matches!(
            third,
            Err(Error::InvalidParameter { name: "index", .. })
        ));
        let few = LabelledImages::new(images(), vec![0], classes());
        assert!(matches!(few, Err(Error::WrongShape { .. })));
        let beyond = LabelledImages::new(images(), vec![0, 2], classes());
        assert!(matches!(beyond, Err(Error::InvalidParameter { .. })));
        let none = LabelledImages::new(Array4::zeros([0, 1, 3, 3]), vec![], classes());
        assert!(matches!(none, Err(Error::Empty { .. })));
        let mut nan = images();
        nan[[1, 0, 2, 1]] = f32::NAN;
        let nan = LabelledImages::new(nan, vec![0, 1], classes());
        assert!(matches!(nan, Err(Error::NotFinite { position, .. }) if position == [1, 0, 2, 1]));
    }
}
