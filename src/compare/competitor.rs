//! [`Competitor`]: what can be trained on a task, by name; [`Contest`]: the same task, the same draws and the same
//! metric for all of them.
//!
//! In come a [`Task`], a number of training images and a seed; out comes a [`Run`]: the error rate on the test set, what was
//! learned and what it cost. A competitor sees the training images that were drawn and no others; what it chooses for
//! itself it chooses by validation among them.

use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use ndarray::{Array2, Array4, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use super::representation::{Computed, FeatureCache, Representation};
use crate::io::LabelledImages;
use crate::learn::classifier::{
    AffinePca, AffinePcaParams, Classifier, GaussianSvm, GaussianSvmParams, Logistic,
    LogisticParams, Neighbours, NeighboursParams, Samples,
};
use crate::learn::{Task, confusion, error_rate};
use crate::{Error, Result};

/// What can be trained on a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Competitor {
    /// Scattering, then the nearest affine subspace.
    ScatteringPca,
    /// Scattering, then support vector machines with a Gaussian kernel.
    ScatteringSvm,
    /// Scattering, then multinomial logistic regression.
    ScatteringLinear,
    /// The nearest neighbours of the pixels.
    PixelsKnn,
}

impl Competitor {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::ScatteringPca,
        Self::ScatteringSvm,
        Self::ScatteringLinear,
        Self::PixelsKnn,
    ];

    /// The name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScatteringPca => "scattering-pca",
            Self::ScatteringSvm => "scattering-svm",
            Self::ScatteringLinear => "scattering-linear",
            Self::PixelsKnn => "pixels-knn",
        }
    }

    /// What it is, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::ScatteringPca => {
                "Fixed wavelet scattering; the class whose affine subspace of features is nearest."
            }
            Self::ScatteringSvm => {
                "Fixed wavelet scattering; support vector machines with a Gaussian kernel."
            }
            Self::ScatteringLinear => "Fixed wavelet scattering; multinomial logistic regression.",
            Self::PixelsKnn => "Pixels as they are; the classes of the nearest training images.",
        }
    }
}

impl fmt::Display for Competitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Competitor {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let named = Self::ALL
            .into_iter()
            .find(|competitor| competitor.name() == name);
        named.ok_or_else(|| Error::InvalidParameter {
            name: "competitor",
            value: name.to_string(),
            limit: format!("there are {}", Self::ALL.map(Self::name).join(", ")),
        })
    }
}

/// One competitor, trained once and tested once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Its [name](Competitor::name).
    pub competitor: String,
    /// Number of training images.
    pub train_size: usize,
    /// Seed of the draw and of everything that is random in training.
    pub seed: u64,
    /// Share of the test images whose class was predicted wrongly, in [0, 1].
    pub error: f64,
    /// Share of errors that it expected from validation on the training images, in [0, 1].
    pub validation_error: f64,
    /// What it chose by validation, in words.
    pub chosen: String,
    /// How many numbers its prediction needs.
    pub parameters: usize,
    /// Seconds to train, the features of the training images included.
    pub train_seconds: f64,
    /// Seconds to classify all test images, their features included.
    pub test_seconds: f64,
    /// How often a test image of one class (row) was taken for another (column).
    pub confusion: Vec<Vec<usize>>,
}

/// A task with what its competitors share.
#[derive(Debug)]
pub struct Contest<'a> {
    task: &'a Task,
    representation: Representation,
    cache: FeatureCache,
    /// Features of all training images and of all test images, once somebody wants them.
    scattering: Option<[Computed; 2]>,
}

impl<'a> Contest<'a> {
    /// A contest on this task, with scattering features of this kind.
    pub fn new(task: &'a Task, representation: Representation, cache: FeatureCache) -> Self {
        Self {
            task,
            representation,
            cache,
            scattering: None,
        }
    }

    /// Trains a competitor on the first `train_size` images of a seed and tests it on the test set.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the task has not as many training images or draws fewer than two of a class;
    /// what the features and the classifier have against the images.
    pub fn run(&mut self, competitor: Competitor, train_size: usize, seed: u64) -> Result<Run> {
        let task = self.task;
        let drawn = task.draw(train_size, seed)?;
        let labels: Vec<usize> = drawn.iter().map(|&i| task.train().labels[i]).collect();
        let classes = task.test().classes.len();
        let inputs = self.inputs(competitor, &drawn)?;

        let start = Instant::now();
        let samples = Samples::new(inputs.train.view(), &labels, classes)?;
        let classifier = train(competitor, &samples)?;
        let train_seconds = inputs.train_seconds + start.elapsed().as_secs_f64();

        let start = Instant::now();
        let predicted = classifier.predict(inputs.test)?;
        let test_seconds = inputs.test_seconds + start.elapsed().as_secs_f64();
        let truth = &task.test().labels;
        let confusion = confusion(&predicted, truth, classes);
        Ok(Run {
            competitor: competitor.name().to_string(),
            train_size,
            seed,
            error: error_rate(&predicted, truth),
            validation_error: classifier.validation_error(),
            chosen: classifier.chosen(),
            parameters: classifier.parameters(),
            train_seconds,
            test_seconds,
            confusion: confusion
                .rows()
                .into_iter()
                .map(|row| row.to_vec())
                .collect(),
        })
    }

    /// What a competitor gets to see.
    fn inputs(&mut self, competitor: Competitor, drawn: &[usize]) -> Result<Inputs<'_>> {
        if competitor == Competitor::PixelsKnn {
            return Ok(Inputs {
                train: pixels(self.task.train()).select(Axis(0), drawn),
                test: pixels(self.task.test()),
                train_seconds: 0.0,
                test_seconds: 0.0,
            });
        }
        if self.scattering.is_none() {
            let features =
                |set: &LabelledImages| self.cache.features(&set.images, &self.representation);
            self.scattering = Some([features(self.task.train())?, features(self.task.test())?]);
        }
        let Some([train, test]) = &self.scattering else {
            unreachable!("computed above")
        };
        Ok(Inputs {
            train: train.features.select(Axis(0), drawn),
            test: test.features.view(),
            // All training images were transformed at once; a draw has its share of that.
            train_seconds: train.seconds * drawn.len() as f64 / self.task.train().len() as f64,
            test_seconds: test.seconds,
        })
    }
}

/// Features of the drawn training images and of the test images, and the seconds they took.
struct Inputs<'a> {
    train: Array2<f32>,
    test: ArrayView2<'a, f32>,
    train_seconds: f64,
    test_seconds: f64,
}

/// Every image as a row.
fn pixels(set: &LabelledImages) -> ArrayView2<'_, f32> {
    let images: &Array4<f32> = &set.images;
    let shape = [
        images.len_of(Axis(0)),
        images.len() / images.len_of(Axis(0)).max(1),
    ];
    images
        .view()
        .into_shape_with_order(shape)
        .expect("labelled images are in row-major order")
}

fn train(competitor: Competitor, samples: &Samples) -> Result<Box<dyn Classifier>> {
    Ok(match competitor {
        Competitor::ScatteringPca => {
            Box::new(AffinePca::fit(samples, &AffinePcaParams::default())?)
        }
        Competitor::ScatteringSvm => {
            Box::new(GaussianSvm::fit(samples, &GaussianSvmParams::default())?)
        }
        Competitor::ScatteringLinear => {
            Box::new(Logistic::fit(samples, &LogisticParams::default())?)
        }
        Competitor::PixelsKnn => Box::new(Neighbours::fit(samples, &NeighboursParams::default())?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_competitors_and_others_are_refused_with_the_list() {
        for competitor in Competitor::ALL {
            assert_eq!(competitor.name().parse::<Competitor>().unwrap(), competitor);
        }
        let refused = "scattering".parse::<Competitor>().unwrap_err().to_string();
        assert!(
            refused.contains("scattering-pca, scattering-svm"),
            "{refused}"
        );
    }
}
