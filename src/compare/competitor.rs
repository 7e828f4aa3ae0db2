//! [`Competitor`]: what can be trained on a task, by name; [`Contest`]: the same task, the same draws and the same
//! metric for all of them.
//!
//! In come a [`Task`], a number of training images or sounds and a seed; out comes a [`Run`]: the error rate on the test set, what was
//! learned and what it cost. A competitor sees the training images that were drawn and no others; what it chooses for
//! itself it chooses by validation among them.

use std::fmt;
use std::str::FromStr;
use std::time::Instant;

use ndarray::{Array2, Array4, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use super::representation::{FeatureCache, Representation, SoundScattering, TimedFeatures};
use crate::filters::FilterBank2d;
use crate::io::{LabelledImages, Medium};
use crate::learn::classifier::{AffinePca, Classifier, GaussianSvm, Logistic, Neighbours, Samples};
use crate::learn::{
    Architecture, FirstLayer, LearnedScattering, Network, Task, TrainingParams, Tying, confusion,
    error_rate,
};
use crate::{Error, Result};

/// What can be trained on a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Competitor {
    /// LeNet-5 on the pixels.
    LeNet5,
    /// One hidden layer on the pixels.
    Mlp,
    /// A small convolutional network whose first filters are large, on the pixels of images or the samples of sounds.
    Cnn,
    /// The same network, its first filters Morlet wavelets that stay as they are.
    WaveletCnn,
    /// The same network, its first filters Morlet wavelets to start from.
    WaveletCnnTuned,
    /// Scattering whose wavelets learn, each by itself, then a linear layer.
    ParametricLinear,
    /// Scattering whose wavelets learn, those of a scale together, then a linear layer.
    ParametricEquivariant,
    /// Scattering, then a hidden layer that learns.
    Hybrid,
    /// Scattering, then the nearest affine subspace.
    ScatteringPca,
    /// Scattering, then support vector machines with a Gaussian kernel.
    ScatteringSvm,
    /// Scattering, then multinomial logistic regression.
    ScatteringLinear,
    /// The nearest neighbours of the pixels.
    PixelsKnn,
    /// First-order scattering of sounds, then support vector machines with a Gaussian kernel.
    FirstOrderSvm,
    /// First-order scattering of sounds, then multinomial logistic regression.
    FirstOrderLinear,
    /// Joint time-frequency scattering of sounds, then support vector machines with a Gaussian kernel.
    JointSvm,
    /// Joint time-frequency scattering of sounds, then multinomial logistic regression.
    JointLinear,
}

impl Competitor {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::LeNet5,
        Self::Mlp,
        Self::Cnn,
        Self::WaveletCnn,
        Self::WaveletCnnTuned,
        Self::ParametricLinear,
        Self::ParametricEquivariant,
        Self::Hybrid,
        Self::ScatteringPca,
        Self::ScatteringSvm,
        Self::ScatteringLinear,
        Self::PixelsKnn,
        Self::FirstOrderSvm,
        Self::FirstOrderLinear,
        Self::JointSvm,
        Self::JointLinear,
    ];

    /// The name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::LeNet5 => "lenet5",
            Self::Mlp => "mlp",
            Self::Cnn => "cnn",
            Self::WaveletCnn => "wavelet-cnn",
            Self::WaveletCnnTuned => "wavelet-cnn-tuned",
            Self::ParametricLinear => "parametric-linear",
            Self::ParametricEquivariant => "parametric-equivariant",
            Self::Hybrid => "hybrid",
            Self::ScatteringPca => "scattering-pca",
            Self::ScatteringSvm => "scattering-svm",
            Self::ScatteringLinear => "scattering-linear",
            Self::PixelsKnn => "pixels-knn",
            Self::FirstOrderSvm => "first-order-svm",
            Self::FirstOrderLinear => "first-order-linear",
            Self::JointSvm => "joint-svm",
            Self::JointLinear => "joint-linear",
        }
    }

    /// What it is, in a sentence.
    pub fn about(self) -> &'static str {
        match self {
            Self::LeNet5 => "LeNet-5 (LeCun and others 1998); everything is learned.",
            Self::Mlp => "One hidden layer over the pixels; everything is learned.",
            Self::Cnn => {
                "A small convolutional network with large first filters; everything is learned."
            }
            Self::WaveletCnn => {
                "The same network; its first filters are real and imaginary parts of Morlet wavelets and stay so."
            }
            Self::WaveletCnnTuned => {
                "The same network; its first filters start as Morlet wavelets and learn on."
            }
            Self::ParametricLinear => {
                "Wavelet scattering whose wavelets learn, each of every layer by itself; one linear layer."
            }
            Self::ParametricEquivariant => {
                "Wavelet scattering whose wavelets learn, those of a scale together; one linear layer."
            }
            Self::Hybrid => "Fixed wavelet scattering; a hidden layer that is learned.",
            Self::ScatteringPca => {
                "Fixed wavelet scattering; the class whose affine subspace of features is nearest."
            }
            Self::ScatteringSvm => {
                "Fixed wavelet scattering; support vector machines with a Gaussian kernel."
            }
            Self::ScatteringLinear => "Fixed wavelet scattering; multinomial logistic regression.",
            Self::PixelsKnn => "Pixels as they are; the classes of the nearest training images.",
            Self::FirstOrderSvm => {
                "Scattering of the first order alone, much as a mel spectrogram; support vector machines with a Gaussian kernel."
            }
            Self::FirstOrderLinear => {
                "Scattering of the first order alone, much as a mel spectrogram; multinomial logistic regression."
            }
            Self::JointSvm => {
                "Fixed joint time-frequency scattering; support vector machines with a Gaussian kernel."
            }
            Self::JointLinear => {
                "Fixed joint time-frequency scattering; multinomial logistic regression."
            }
        }
    }

    /// Whether it learns from images, or from sounds.
    pub fn applies_to(self, medium: Medium) -> bool {
        let to_images = !matches!(
            self,
            Self::FirstOrderSvm | Self::FirstOrderLinear | Self::JointSvm | Self::JointLinear
        );
        let to_sounds = !matches!(
            self,
            Self::LeNet5
                | Self::Mlp
                | Self::WaveletCnn
                | Self::WaveletCnnTuned
                | Self::ParametricLinear
                | Self::ParametricEquivariant
                | Self::PixelsKnn
        );
        match medium {
            Medium::Images => to_images,
            Medium::Sounds { .. } => to_sounds,
        }
    }

    /// All that learn from images, or from sounds.
    pub fn of(medium: Medium) -> impl Iterator<Item = Self> {
        (Self::ALL.into_iter()).filter(move |competitor| competitor.applies_to(medium))
    }

    /// Whether it can take part in a contest on a task with this representation; nothing is computed.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if it does not learn from what the task is of; what its features have against the
    /// representation.
    pub fn check(self, task: &Task, representation: &Representation) -> Result<()> {
        let medium = task.medium();
        let refuse = |name, value: String, limit: String| {
            Err(Error::InvalidParameter { name, value, limit })
        };
        if !self.applies_to(medium) {
            let names: Vec<_> = Self::of(medium).map(Self::name).collect();
            let limit = format!(
                "it does not learn from {}s; those that do are {}",
                medium.noun(),
                names.join(", ")
            );
            return refuse("competitor", self.name().to_string(), limit);
        }
        if !representation.fits(medium) {
            let limit = format!("{} holds {}s", task.name(), medium.noun());
            return refuse("representation", representation.to_string(), limit);
        }
        let (_, channels, rows, columns) = task.train().images.dim();
        if let Some(representation) = self.sees(representation) {
            representation.check([rows, columns])?;
        }
        match self.learner(medium, channels, representation)? {
            Learner::Network(architecture) if self.sees(representation).is_none() => {
                architecture.check([channels, rows, columns])
            }
            _ => Ok(()),
        }
    }
}

/// How a competitor learns.
enum Learner {
    Network(Architecture),
    Classifier(fn(&Samples) -> Result<Box<dyn Classifier>>),
}

impl Competitor {
    /// How it learns from images of this many channels, or from sounds.
    fn learner(
        self,
        medium: Medium,
        channels: usize,
        representation: &Representation,
    ) -> Result<Learner> {
        let cnn = |first| Learner::Network(Architecture::Cnn { first });
        Ok(match self {
            Self::Cnn if medium != Medium::Images => Learner::Network(Architecture::Cnn1d {
                filters: FILTERS_1D,
                taps: TAPS,
            }),
            Self::LeNet5 => Learner::Network(Architecture::LeNet5),
            Self::Mlp => Learner::Network(Architecture::Mlp { hidden: HIDDEN }),
            Self::Hybrid => Learner::Network(Architecture::Head { hidden: HIDDEN }),
            Self::Cnn => cnn(FirstLayer::learned(2 * MORLET_J * MORLET_L, SIDE)),
            Self::WaveletCnn => cnn(FirstLayer::given(morlets(channels)?, true)),
            Self::WaveletCnnTuned => cnn(FirstLayer::given(morlets(channels)?, false)),
            Self::ParametricLinear => parametric(representation, Tying::PerWavelet)?,
            Self::ParametricEquivariant => parametric(representation, Tying::Equivariant)?,
            Self::ScatteringPca => Learner::Classifier(|samples| {
                Ok(Box::new(AffinePca::fit(samples, &Default::default())?))
            }),
            Self::ScatteringSvm | Self::FirstOrderSvm | Self::JointSvm => {
                Learner::Classifier(|samples| {
                    Ok(Box::new(GaussianSvm::fit(samples, &Default::default())?))
                })
            }
            Self::ScatteringLinear | Self::FirstOrderLinear | Self::JointLinear => {
                Learner::Classifier(|samples| {
                    Ok(Box::new(Logistic::fit(samples, &Default::default())?))
                })
            }
            Self::PixelsKnn => Learner::Classifier(|samples| {
                Ok(Box::new(Neighbours::fit(samples, &Default::default())?))
            }),
        })
    }

    /// Whether it has wavelets that learn.
    pub fn learns_wavelets(self) -> bool {
        matches!(self, Self::ParametricLinear | Self::ParametricEquivariant)
    }

    /// Whether it has first filters to look at.
    pub fn convolves(self) -> bool {
        matches!(
            self,
            Self::LeNet5 | Self::Cnn | Self::WaveletCnn | Self::WaveletCnnTuned
        )
    }

    /// What it looks at instead of pixels or samples, where scattering is described so.
    fn sees(self, scattering: &Representation) -> Option<Representation> {
        let of_sounds = |part: fn(&SoundScattering) -> SoundScattering| match scattering {
            Representation::Sounds(sounds) => Some(Representation::Sounds(part(sounds))),
            Representation::Images(_) => None,
        };
        match self {
            Self::Hybrid | Self::ScatteringPca | Self::ScatteringSvm | Self::ScatteringLinear => {
                Some(scattering.clone())
            }
            Self::FirstOrderSvm | Self::FirstOrderLinear => of_sounds(SoundScattering::first_order),
            Self::JointSvm | Self::JointLinear => of_sounds(SoundScattering::joint),
            Self::LeNet5
            | Self::Mlp
            | Self::Cnn
            | Self::WaveletCnn
            | Self::WaveletCnnTuned
            | Self::ParametricLinear
            | Self::ParametricEquivariant
            | Self::PixelsKnn => None,
        }
    }
}

/// The network whose wavelets start as those of a representation.
fn parametric(representation: &Representation, tying: Tying) -> Result<Learner> {
    match representation {
        Representation::Images(images) => Ok(Learner::Network(Architecture::Parametric(
            LearnedScattering {
                J: images.J,
                L: images.L,
                max_order: images.max_order,
                tying,
            },
        ))),
        Representation::Sounds(_) => Err(Error::InvalidParameter {
            name: "representation",
            value: representation.to_string(),
            limit: "it learns from images".into(),
        }),
    }
}

/// Units of hidden layers.
const HIDDEN: usize = 256;

/// Scales and orientations of the wavelets that a network starts from: 32 filters, real and imaginary parts.
const MORLET_J: usize = 2;
const MORLET_L: usize = 8;

/// Rows and columns of first filters: the coarser wavelets, of standard deviation 1.6, to three of them.
const SIDE: usize = 11;

/// Filters that see a sound, and samples of each: a hundredth of a second at 8 kHz, as in the paper that the network follows.
const FILTERS_1D: usize = 32;
const TAPS: usize = 80;

/// Real and imaginary parts of Morlet wavelets, one above the other, each with the energy that a random filter of He's has.
///
/// **Shape** `[filters, channels, 11, 11]`, all channels alike.
fn morlets(channels: usize) -> Result<Array4<f32>> {
    let bank = FilterBank2d::params([32; 2], MORLET_J)
        .L(MORLET_L)
        .build::<f64>()?;
    let mut filters = Array4::zeros([2 * MORLET_J * MORLET_L, channels, SIDE, SIDE]);
    for (i, wavelet) in bank.wavelets().iter().enumerate() {
        let kernel = bank.psi(wavelet.j, wavelet.l).kernel([SIDE; 2])?;
        for part in 0..2 {
            let plane = kernel.mapv(|value| if part == 0 { value.re } else { value.im });
            let energy: f64 = plane.iter().map(|value| value * value).sum();
            let scale = (2.0 / (channels as f64 * energy)).sqrt();
            for channel in 0..channels {
                filters
                    .slice_mut(s![2 * i + part, channel, .., ..])
                    .assign(&plane.mapv(|value| (value * scale) as f32));
            }
        }
    }
    Ok(filters)
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
    /// Number of training images or sounds.
    pub train_size: usize,
    /// Seed of the draw and of everything that is random in training.
    pub seed: u64,
    /// Share of the test images or sounds whose class was predicted wrongly, in [0, 1].
    pub error: f64,
    /// Share of errors that it expected from validation on the training images, in [0, 1]; `None` where they were too
    /// few to hold any back.
    pub validation_error: Option<f64>,
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

/// What is left of a competitor that was trained and tested.
#[derive(Debug)]
pub struct Outcome {
    /// How it did.
    pub run: Run,
    /// What it is, if it is a network.
    pub network: Option<Network>,
}

/// A task with what its competitors share.
#[derive(Debug)]
pub struct Contest<'a> {
    task: &'a Task,
    representation: Representation,
    cache: FeatureCache,
    /// Features of all training images and of all test images, once somebody wants them.
    features: Vec<(Representation, [TimedFeatures; 2])>,
}

impl<'a> Contest<'a> {
    /// A contest on this task, with scattering features of this kind.
    pub fn new(task: &'a Task, representation: Representation, cache: FeatureCache) -> Self {
        Self {
            task,
            representation,
            cache,
            features: Vec::new(),
        }
    }

    /// Trains a competitor on the first `train_size` images of a seed and tests it on the test set.
    ///
    /// # Errors
    /// Those of [`Competitor::check`]; [`Error::InvalidParameter`] if the task has not as many training images or draws fewer
    /// than two of a class; what the features and the classifier have against the images.
    pub fn run(&mut self, competitor: Competitor, train_size: usize, seed: u64) -> Result<Outcome> {
        let task = self.task;
        competitor.check(task, &self.representation)?;
        let drawn = task.draw(train_size, seed)?;
        let labels: Vec<usize> = drawn.iter().map(|&i| task.train().labels[i]).collect();
        let classes = task.test().classes.len();
        let channels = task.train().images.len_of(Axis(1));
        let learner = competitor.learner(task.medium(), channels, &self.representation)?;
        let inputs = self.inputs(competitor, &drawn)?;

        let start = Instant::now();
        let trained = match learner {
            Learner::Classifier(fit) => {
                check_samples(&labels, task)?;
                let samples = Samples::new(inputs.train.view(), &labels, classes)?;
                Trained::Classifier(fit(&samples)?)
            }
            Learner::Network(architecture) => {
                let few = LabelledImages {
                    images: inputs.images(inputs.train.view()),
                    labels: labels.clone(),
                    classes: task.train().classes.clone(),
                };
                let params = TrainingParams {
                    seed,
                    ..TrainingParams::recommended(&architecture, few.len())
                };
                let mut best: Option<(f64, f64, usize)> = None;
                let network = Network::train(&architecture, &few, &params, &mut |report| {
                    if let Some((loss, error)) = report.validation
                        && best.is_none_or(|(least, ..)| loss < least)
                    {
                        best = Some((loss, error, report.epoch));
                    }
                })?;
                Trained::Network {
                    network: Box::new(network),
                    kept: best.map(|(_, error, epoch)| (error, epoch)),
                }
            }
        };
        let train_seconds = inputs.train_seconds + start.elapsed().as_secs_f64();

        let start = Instant::now();
        let predicted = match &trained {
            Trained::Classifier(classifier) => classifier.predict(inputs.test)?,
            Trained::Network { network, .. } => network.predict(&inputs.images(inputs.test))?,
        };
        let test_seconds = inputs.test_seconds + start.elapsed().as_secs_f64();
        let truth = &task.test().labels;
        let confusion = confusion(&predicted, truth, classes)?;
        let run = Run {
            competitor: competitor.name().to_string(),
            train_size,
            seed,
            error: error_rate(&predicted, truth)?,
            validation_error: trained.validation_error(),
            chosen: trained.chosen(),
            parameters: trained.parameters(),
            train_seconds,
            test_seconds,
            confusion: confusion
                .rows()
                .into_iter()
                .map(|row| row.to_vec())
                .collect(),
        };
        let network = match trained {
            Trained::Network { network, .. } => Some(*network),
            Trained::Classifier(_) => None,
        };
        Ok(Outcome { run, network })
    }

    /// What a competitor gets to see.
    fn inputs(&mut self, competitor: Competitor, drawn: &[usize]) -> Result<Inputs<'_>> {
        let Some(representation) = competitor.sees(&self.representation) else {
            let (_, channels, rows, columns) = self.task.train().images.dim();
            return Ok(Inputs {
                shape: [channels, rows, columns],
                train: pixels(self.task.train()).select(Axis(0), drawn),
                test: pixels(self.task.test()),
                train_seconds: 0.0,
                test_seconds: 0.0,
            });
        };
        let known = (self.features.iter()).position(|(known, _)| *known == representation);
        let at = match known {
            Some(at) => at,
            None => {
                let features =
                    |set: &LabelledImages| self.cache.features(&set.images, &representation);
                let both = [features(self.task.train())?, features(self.task.test())?];
                self.features.push((representation, both));
                self.features.len() - 1
            }
        };
        let (_, [train, test]) = &self.features[at];
        Ok(Inputs {
            shape: [train.features.ncols(), 1, 1],
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
    /// Of one row, as a network wants it.
    shape: [usize; 3],
    train: Array2<f32>,
    test: ArrayView2<'a, f32>,
    train_seconds: f64,
    test_seconds: f64,
}

impl Inputs<'_> {
    /// Rows as images of `[channels, rows, columns]`.
    fn images(&self, rows: ArrayView2<f32>) -> Array4<f32> {
        let [channels, height, width] = self.shape;
        let shape = [rows.nrows(), channels, height, width];
        rows.as_standard_layout()
            .into_owned()
            .into_shape_with_order(shape)
            .expect("rows are images, flattened")
    }
}

/// Refuses a draw with fewer than two images of a class, by its name, of which there may be no more.
fn check_samples(drawn: &[usize], task: &Task) -> Result<()> {
    let train = task.train();
    let mut counts = vec![0; train.classes.len()];
    drawn.iter().for_each(|&label| counts[label] += 1);
    let Some(class) = counts.iter().position(|&count| count < 2) else {
        return Ok(());
    };
    let all = train.labels.iter().filter(|&&label| label == class).count();
    let way_out = match all {
        0 | 1 => "there are no more of it; leave the class out",
        _ => "train on more",
    };
    Err(Error::InvalidParameter {
        name: match task.medium() {
            Medium::Images => "training images",
            Medium::Sounds { .. } => "training sounds",
        },
        value: format!("{} of class {}", counts[class], train.classes[class]),
        limit: format!("cross-validation needs 2 samples of every class; {way_out}"),
    })
}

/// What came out of training.
enum Trained {
    Classifier(Box<dyn Classifier>),
    Network {
        network: Box<Network>,
        /// Validation error and number of the epoch whose parameters it has, where some images were held back.
        kept: Option<(f64, usize)>,
    },
}

impl Trained {
    fn validation_error(&self) -> Option<f64> {
        match self {
            Self::Classifier(classifier) => Some(classifier.validation_error()),
            Self::Network { kept, .. } => kept.map(|(error, _)| error),
        }
    }

    fn chosen(&self) -> String {
        match self {
            Self::Classifier(classifier) => classifier.chosen(),
            Self::Network { kept, .. } => kept.map_or("the last epoch".into(), |(_, epoch)| {
                format!("epoch {epoch}")
            }),
        }
    }

    fn parameters(&self) -> usize {
        match self {
            Self::Classifier(classifier) => classifier.parameters(),
            Self::Network { network, .. } => network.parameters(),
        }
    }
}

/// Every image or sound as a row.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_filters_are_even_and_odd_waves_of_equal_energy() {
        let filters = morlets(3).unwrap();
        assert_eq!(filters.shape(), [32, 3, SIDE, SIDE]);
        for pair in filters.axis_chunks_iter(Axis(0), 2) {
            let [even, odd] = [0, 1].map(|part| pair.index_axis(Axis(0), part));
            for (filter, sign) in [(even, 1.0), (odd, -1.0)] {
                let energy: f32 = filter.iter().map(|value| value * value).sum();
                assert!((energy - 2.0).abs() < 1e-5, "{energy}");
                let turned = filter.slice(s![.., ..;-1, ..;-1]);
                assert!(
                    (&turned * sign - filter)
                        .iter()
                        .all(|value| value.abs() < 1e-6)
                );
                // What the crop leaves of the mean, beside the sum of absolute values.
                let absolute: f32 = filter.iter().map(|value| value.abs()).sum();
                assert!(filter.sum().abs() < 0.05 * absolute);
                assert_eq!(filter.index_axis(Axis(0), 0), filter.index_axis(Axis(0), 2));
            }
        }
    }

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

    #[test]
    fn every_competitor_learns_from_images_or_from_sounds() {
        let sounds = Medium::Sounds { rate: 8000.0 };
        for competitor in Competitor::ALL {
            assert!(competitor.applies_to(Medium::Images) || competitor.applies_to(sounds));
        }
        let task = Task::mnist_subset();
        let images = Representation::for_images([28, 28]);
        let refused = Competitor::JointLinear.check(&task, &images).unwrap_err();
        assert!(
            refused.to_string().contains("lenet5, mlp, cnn"),
            "{refused}"
        );
        let of_sounds = Representation::for_sounds(8192);
        let refused = Competitor::ScatteringPca
            .check(&task, &of_sounds)
            .unwrap_err();
        assert!(refused.to_string().contains("holds images"), "{refused}");
        for competitor in Competitor::of(Medium::Images) {
            competitor.check(&task, &images).unwrap();
        }
    }
}
