//! [`Network`]: an [`Architecture`] that has learned, and how it learns.
//!
//! In come labelled images; out comes a network that predicts their classes, can be saved and shows its first layer.
//! Layers, gradients, optimizers, data loader and record format are burn's.
//!
//! Training minimises the cross-entropy, the learning rate falling along half a cosine from its value to 0 at the last
//! epoch. A part of the training images, of every class the same share, is held back; after every epoch the loss on it
//! is measured, and the epoch with the least cross-entropy there is chosen, the earlier one of equals: of a few dozen images the number of
//! errors says little, their cross-entropy more. Then it all begins anew with all training images, and ends with that epoch. The same seed
//! gives the same numbers on the same machine.
//!
//! Conventions that bite: channels are standardised by the training images (mean 0, variance 1), so that the
//! [first layer](Network::first_layer) sees standardised samples, and predictions take images as they are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use burn::data::dataloader::{DataLoader, DataLoaderBuilder};
use burn::data::dataset::InMemDataset;
use burn::lr_scheduler::cosine::CosineAnnealingLrSchedulerConfig;
use burn::lr_scheduler::module_lr_scheduler::ModuleLrSchedulerConfig;
use burn::module::{Module, ModuleVisitor, Param, ParamGroup};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, Tensor};
use ndarray::{Array4, Axis};

use super::input::{Batch, Gatherer, Input};
use super::net::{Architecture, Net};
use crate::filters::Wavelet2d;
use crate::io::LabelledImages;
use crate::{Error, Result};

/// Images predicted or validated at once: enough to keep all threads busy, little memory.
const PREDICTED_AT_ONCE: usize = 250;

/// Samples of them, at most: large images and long sounds are predicted fewer at a time.
const SAMPLES_AT_ONCE: usize = 1 << 20;

/// No image is larger, so that none is left in sight beyond.
const MAX_SHIFT: usize = 1 << 16;

/// burn's generator is one for the whole process: whoever draws parameters holds this from the seed to the last draw.
static GENERATOR: Mutex<()> = Mutex::new(());

/// How the parameters follow the gradient.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Optimizer {
    /// Kingma and Ba 2014, with their β₁ = 0.9 and β₂ = 0.999.
    Adam {
        /// The learning rate of the first step, in (0, 1].
        rate: f64,
    },
    /// Stochastic gradient descent with momentum.
    Sgd {
        /// The learning rate of the first step, in (0, 1].
        rate: f64,
        /// The share of a step that goes into the next, in [0, 1).
        momentum: f64,
    },
}

impl Optimizer {
    fn rate(self) -> f64 {
        match self {
            Optimizer::Adam { rate } | Optimizer::Sgd { rate, .. } => rate,
        }
    }

    /// Of all parameters, those of `undecayed` without a decay.
    fn build(self, weight_decay: f32, undecayed: Option<ParamGroup>) -> ModuleOptimizer {
        let decay = (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay));
        match self {
            Optimizer::Adam { .. } => {
                let adam = AdamConfig::new();
                let all = adam.clone().with_weight_decay(decay).init();
                match undecayed {
                    Some(group) => all.with_group(group, adam.build(), None),
                    None => all,
                }
            }
            Optimizer::Sgd { momentum, .. } => {
                let momentum =
                    (momentum > 0.0).then(|| MomentumConfig::new().with_momentum(momentum));
                let sgd = SgdConfig::new().with_momentum(momentum);
                let all = sgd.clone().with_weight_decay(decay).init();
                match undecayed {
                    Some(group) => all.with_group(group, sgd.build(), None),
                    None => all,
                }
            }
        }
    }
}

/// How a network is trained. [`recommended`](Self::recommended) fits it to an architecture and a number of images.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingParams {
    /// Of the first parameters, the validation part and the order of the images.
    pub seed: u64,
    /// How often every image is seen, unless training stops early.
    pub epochs: usize,
    /// Images in a step.
    pub batch: usize,
    /// How the parameters follow the gradient.
    pub optimizer: Optimizer,
    /// The learning rate of the first step for the numbers of wavelets that learn, in (0, 1]. They do not decay.
    pub wavelet_rate: f64,
    /// What is added to the gradient, as a multiple of the parameter; 0: nothing.
    pub weight_decay: f32,
    /// The share of the training images held back to choose the epoch by, in [0, 0.5]; 0: the last epoch is returned.
    pub validation: f64,
    /// Whether the network learns again from all images once the epoch is chosen, as many epochs; or else what it was after that epoch is
    /// returned, which has never seen those held back.
    pub again: bool,
    /// Epochs without an improvement after which training stops.
    pub patience: usize,
    /// How far images are shifted at random each time they are seen, in samples along either axis, or along the one that sounds
    /// have; 0: not at all.
    pub shift: usize,
}

impl Default for TrainingParams {
    /// Twelve epochs of Adam at 0.002 in steps of 64 images, a tenth held back to choose the epoch by, then all of them; no shifts.
    fn default() -> Self {
        Self {
            seed: 0,
            epochs: 12,
            batch: 64,
            optimizer: Optimizer::Adam { rate: 2e-3 },
            wavelet_rate: 2e-3,
            weight_decay: 0.0,
            validation: 0.1,
            again: true,
            patience: 12,
            shift: 0,
        }
    }
}

impl TrainingParams {
    /// What serves an architecture that learns from `n` images; found on digits 9,000 to 11,999 of MNIST's training set by
    /// networks that learned from 1,000 of the digits before them (`docs/results.md`).
    /// Rates of wavelets that learn were chosen on 1,000 of the training digits of [`Task::mnist_subset`](super::Task::mnist_subset), by
    /// networks that learned from 300 others for 20 epochs, among 0.00001, 0.002, 0.01 and 0.03.
    ///
    /// Images are few or many, but an architecture sees about the same number of them, in 12 to 100 epochs; a quarter of
    /// the epochs without an improvement are the last. Images are shifted by up to two samples, sounds by up to 256, features are
    /// not.
    pub fn recommended(architecture: &Architecture, n: usize) -> Self {
        let default = Self::default();
        let (seen, params) = match architecture {
            Architecture::LeNet5 => (
                60_000,
                Self {
                    optimizer: Optimizer::Sgd {
                        rate: 0.05,
                        momentum: 0.9,
                    },
                    shift: 2,
                    ..default
                },
            ),
            Architecture::Cnn { .. } => (
                30_000,
                Self {
                    optimizer: Optimizer::Adam { rate: 1e-3 },
                    batch: 32,
                    shift: 2,
                    ..default
                },
            ),
            Architecture::Cnn1d { .. } => (
                30_000,
                Self {
                    optimizer: Optimizer::Adam { rate: 1e-3 },
                    batch: 16,
                    shift: 256,
                    ..default
                },
            ),
            Architecture::Mlp { .. } => (
                130_000,
                Self {
                    optimizer: Optimizer::Adam { rate: 1e-3 },
                    shift: 2,
                    ..default
                },
            ),
            Architecture::Head { .. } => (
                60_000,
                Self {
                    optimizer: Optimizer::Adam { rate: 3e-4 },
                    weight_decay: 0.01,
                    ..default
                },
            ),
            Architecture::Parametric(_) => (
                20_000,
                Self {
                    optimizer: Optimizer::Adam { rate: 1e-3 },
                    wavelet_rate: 0.01,
                    batch: 32,
                    shift: 2,
                    ..default
                },
            ),
        };
        let epochs = (seen / n.max(1)).clamp(12, 100);
        Self {
            epochs,
            patience: (epochs / 4).max(12),
            ..params
        }
    }

    fn check(&self) -> Result<()> {
        let check = |name, fine: bool, value: String, limit: &str| {
            if fine {
                return Ok(());
            }
            Err(Error::InvalidParameter {
                name,
                value,
                limit: limit.to_string(),
            })
        };
        let one = "at least 1 is needed";
        check("epochs", self.epochs > 0, self.epochs.to_string(), one)?;
        check("batch", self.batch > 0, self.batch.to_string(), one)?;
        check(
            "patience",
            self.patience > 0,
            self.patience.to_string(),
            one,
        )?;
        let rate = self.optimizer.rate();
        let fine = rate > 0.0 && rate <= 1.0;
        check(
            "rate",
            fine,
            rate.to_string(),
            "it has to be above 0 and at most 1",
        )?;
        let fine = self.wavelet_rate > 0.0 && self.wavelet_rate <= 1.0;
        check(
            "wavelet_rate",
            fine,
            self.wavelet_rate.to_string(),
            "it has to be above 0 and at most 1",
        )?;
        if let Optimizer::Sgd { momentum, .. } = self.optimizer {
            let fine = (0.0..1.0).contains(&momentum);
            check(
                "momentum",
                fine,
                momentum.to_string(),
                "it has to be in [0, 1)",
            )?;
        }
        let decay = self.weight_decay;
        let fine = decay.is_finite() && decay >= 0.0;
        check(
            "weight_decay",
            fine,
            decay.to_string(),
            "it has to be 0 or more",
        )?;
        let share = self.validation;
        let fine = (0.0..=0.5).contains(&share);
        check(
            "validation",
            fine,
            share.to_string(),
            "it has to be in [0, 0.5]",
        )?;
        check(
            "shift",
            self.shift <= MAX_SHIFT,
            self.shift.to_string(),
            "it has to be at most 65536 samples, where no image is left in sight",
        )
    }
}

/// What an epoch brought.
#[derive(Debug, Clone, PartialEq)]
pub struct EpochReport {
    /// Which, from 1.
    pub epoch: usize,
    /// How many there are at most.
    pub epochs: usize,
    /// Mean cross-entropy of the training images, each as it was when its batch came, in nats.
    pub loss: f64,
    /// Mean cross-entropy and share of errors on the validation part; `None` if there is none, and where the network learns again from all
    /// images.
    pub validation: Option<(f64, f64)>,
    /// Time since training began.
    pub elapsed: Duration,
}

/// A network that has learned.
#[derive(Debug, Clone)]
pub struct Network {
    pub(super) architecture: Architecture,
    pub(super) classes: Vec<String>,
    pub(super) input: Input,
    pub(super) net: Net,
}

impl Network {
    /// Learns from labelled images; `progress` hears of every epoch.
    ///
    /// # Errors
    /// As [`LabelledImages::check`]; [`Error::InvalidParameter`] or [`Error::WrongShape`] for an architecture that does
    /// not fit the images and for parameters out of their range; [`Error::Diverged`] when the loss becomes NaN or infinite.
    ///
    /// ```
    /// use wavelet_scattering::learn::{Architecture, Network, Task, TrainingParams};
    ///
    /// let task = Task::mnist_subset();
    /// let few = task.train().select(&task.draw(200, 0)?)?;
    /// let params = TrainingParams { epochs: 3, ..TrainingParams::default() };
    /// let network = Network::train(&Architecture::Mlp { hidden: 16 }, &few, &params, &mut |_| {})?;
    /// let predicted = network.predict(&task.test().images)?;
    /// assert_eq!(predicted.len(), 1000);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn train(
        architecture: &Architecture,
        train: &LabelledImages,
        params: &TrainingParams,
        progress: &mut dyn FnMut(&EpochReport),
    ) -> Result<Self> {
        train.check()?;
        params.check()?;
        let (_, channels, rows, columns) = train.images.dim();
        let shape = [channels, rows, columns];
        architecture.check(shape)?;

        let (learned, held_back) = hold_back(train, params.seed, params.validation);
        let course = Course {
            architecture,
            params,
            images: Arc::new(train.clone()),
            input: Input::of(&train.images, architecture.canvas(shape)),
            start: Instant::now(),
        };
        let validation = (!held_back.is_empty()).then(|| course.validation(held_back));
        let (mut net, epoch) = course.run(learned, params.epochs, validation, progress)?;
        if let Some(epoch) = epoch.filter(|_| params.again) {
            let (all, _) = hold_back(train, params.seed, 0.0);
            (net, _) = course.run(all, epoch, None, progress)?;
        }
        Ok(Self {
            architecture: architecture.clone(),
            classes: train.classes.clone(),
            input: course.input,
            net,
        })
    }

    /// The most likely class of every image, as an index into [`classes`](Self::classes).
    ///
    /// # Errors
    /// [`Error::WrongShape`] if the images have other channels, rows or columns than those learned from.
    pub fn predict(&self, images: &Array4<f32>) -> Result<Vec<usize>> {
        if images.shape()[1..] != self.input.shape {
            return Err(Error::WrongShape {
                what: "the array of images",
                got: images.shape().to_vec(),
                expected: format!(
                    "[n, {}, {}, {}], as what the network has learned from",
                    self.input.shape[0], self.input.shape[1], self.input.shape[2]
                ),
            });
        }
        let mut predicted = Vec::with_capacity(images.shape()[0]);
        let at_once = predicted_at_once(self.input.shape);
        for chunk in images.axis_chunks_iter(Axis(0), at_once) {
            let images = self.input.batch(chunk.outer_iter(), &Device::flex());
            predicted.extend(likeliest(self.net.forward(images)?));
        }
        Ok(predicted)
    }

    /// What was trained.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How many numbers were learned or given: weights and offsets.
    pub fn parameters(&self) -> usize {
        self.net.num_params()
    }

    /// The filters that see the image, **shape** `[out, in, rows, columns]`, correlated with the standardised image and
    /// not flipped; `None` for networks without convolutions.
    pub fn first_layer(&self) -> Option<Array4<f32>> {
        let weights = self.net.first_layer()?;
        let shape = weights.dims();
        let weights = weights.into_data().try_into_vec::<f32>().ok()?;
        Array4::from_shape_vec(shape, weights).ok()
    }

    /// The wavelets of a network whose wavelets learn, layer by layer: as they started, and as they are; `None` for others.
    pub fn wavelets(&self) -> Option<[Vec<Vec<Wavelet2d>>; 2]> {
        self.net.wavelets()
    }
}

/// What a network learns from, and how.
struct Course<'a> {
    architecture: &'a Architecture,
    params: &'a TrainingParams,
    images: Arc<LabelledImages>,
    input: Input,
    start: Instant,
}

impl Course<'_> {
    fn batches(&self, shift: usize) -> DataLoaderBuilder<usize, Batch> {
        let seed = self.params.seed;
        let images = Arc::clone(&self.images);
        DataLoaderBuilder::new(Gatherer::new(images, self.input.clone(), shift, seed))
    }

    fn validation(&self, held_back: Vec<usize>) -> Arc<dyn DataLoader<Batch>> {
        self.batches(0)
            .batch_size(predicted_at_once(self.input.shape))
            .set_device(Device::flex())
            .build(InMemDataset::new(held_back))
    }

    /// From the first parameters through all epochs: the network of the epoch with the least cross-entropy where it is validated, and
    /// which that was; without validation that of the last.
    fn run(
        &self,
        learned: Vec<usize>,
        epochs: usize,
        validation: Option<Arc<dyn DataLoader<Batch>>>,
        progress: &mut dyn FnMut(&EpochReport),
    ) -> Result<(Net, Option<usize>)> {
        let Self { params, .. } = *self;
        let device = Device::flex().autodiff();
        let classes = self.images.classes.len();
        let mut net = draw(params.seed, &device, |device| {
            Net::new(self.architecture, self.input.shape, classes, device)
        })?;
        let images_per_epoch = learned.len();
        let steps = images_per_epoch
            .div_ceil(params.batch)
            .saturating_mul(epochs);
        let falling = |rate| CosineAnnealingLrSchedulerConfig::new(rate, steps);
        let mut rates = ModuleLrSchedulerConfig::new(falling(params.optimizer.rate()).into());
        if let Some(numbers) = net.wavelet_numbers() {
            rates = rates.with_group(numbers, falling(params.wavelet_rate));
        }
        let mut rates = rates.init().map_err(|limit| Error::InvalidParameter {
            name: "rate",
            value: params.optimizer.rate().to_string(),
            limit,
        })?;
        let mut optimizer = params
            .optimizer
            .build(params.weight_decay, net.wavelet_numbers());
        let loss_of = CrossEntropyLossConfig::new().init(&device);
        let batches = self
            .batches(params.shift)
            .batch_size(params.batch)
            .shuffle(params.seed)
            .set_device(device)
            .build(InMemDataset::new(learned));
        let mut best: Option<(f64, usize, Net)> = None;
        for epoch in 1..=epochs {
            let mut sum = 0.0;
            for (i, batch) in batches.iter().enumerate() {
                let Batch { images, labels } = loaded(batch)?;
                let count = labels.dims()[0];
                let loss = loss_of.forward(net.forward(images)?, labels);
                let value: f64 = f64::from(loss.clone().into_scalar::<f32>());
                let rate = rates.step();
                if !value.is_finite() {
                    return Err(Error::Diverged {
                        loss: value,
                        epoch,
                        step: i + 1,
                        rate: rate.base(),
                    });
                }
                sum += value * count as f64;
                let gradients = GradientsParams::from_grads(loss.backward(), &net);
                net = optimizer.step(rate, net, gradients).projected();
            }
            let validated = match &validation {
                Some(batches) => Some(validate(&net.valid(), batches.as_ref())?),
                None => None,
            };
            progress(&EpochReport {
                epoch,
                epochs,
                loss: sum / images_per_epoch as f64,
                validation: validated,
                elapsed: self.start.elapsed(),
            });
            let Some((loss, _)) = validated else {
                continue;
            };
            match &best {
                Some((least, since, _)) if loss >= *least => {
                    if epoch - since >= params.patience {
                        break;
                    }
                }
                _ => best = Some((loss, epoch, net.valid())),
            }
        }
        Ok(match best {
            Some((_, epoch, net)) => (net, Some(epoch)),
            None => (net.valid(), None),
        })
    }
}

/// How many images of `[channels, rows, columns]` are predicted at once.
fn predicted_at_once(shape: [usize; 3]) -> usize {
    let samples = shape.iter().product::<usize>().max(1);
    (SAMPLES_AT_ONCE / samples).clamp(1, PREDICTED_AT_ONCE)
}

/// A module whose parameters are drawn after seeding burn's generator, all of them before anyone else draws.
pub(super) fn draw<M: Module>(
    seed: u64,
    device: &Device,
    make: impl Fn(&Device) -> Result<M>,
) -> Result<M> {
    /// Parameters are drawn when they are first asked for.
    struct Ask;
    impl ModuleVisitor for Ask {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            param.val();
        }
    }

    let _alone = GENERATOR.lock().unwrap_or_else(PoisonError::into_inner);
    device.seed(seed);
    let module = make(device)?;
    module.visit(&mut Ask);
    Ok(module)
}

/// Indices to learn from, and the same share of every class, rounded, to validate on.
fn hold_back(train: &LabelledImages, seed: u64, share: f64) -> (Vec<usize>, Vec<usize>) {
    let [mut learned, mut held_back] = [Vec::new(), Vec::new()];
    for class in train.shuffled_by_class(seed) {
        let (validated, rest) = class.split_at((share * class.len() as f64).round() as usize);
        held_back.extend(validated);
        learned.extend(rest);
    }
    // One image of a class rounds up at a share of 0.5, and something must be left to learn from.
    if learned.is_empty() {
        std::mem::swap(&mut learned, &mut held_back);
    }
    (learned, held_back)
}

/// Mean cross-entropy and share of errors.
fn validate(net: &Net, batches: &dyn DataLoader<Batch>) -> Result<(f64, f64)> {
    let (mut loss, mut wrong) = (0.0, 0);
    for batch in batches.iter() {
        let Batch { images, labels } = loaded(batch)?;
        let count = labels.dims()[0] as f64;
        let logits = net.forward(images)?;
        let loss_of = CrossEntropyLossConfig::new().init(&logits.device());
        let batch_loss = loss_of.forward(logits.clone(), labels.clone());
        loss += f64::from(batch_loss.into_scalar::<f32>()) * count;
        let labels = labels.into_data().iter::<i64>().collect::<Vec<_>>();
        let pairs = likeliest(logits).into_iter().zip(labels);
        wrong += pairs.filter(|(p, label)| *p as i64 != *label).count();
    }
    let count = batches.num_items() as f64;
    Ok((loss / count, wrong as f64 / count))
}

fn likeliest(logits: Tensor<2>) -> Vec<usize> {
    let classes = logits.argmax(1).into_data();
    classes.iter::<i64>().map(|class| class as usize).collect()
}

/// A batch of images in memory, which never fails to load.
fn loaded(batch: Result<Batch, burn::data::dataset::DatasetError>) -> Result<Batch> {
    batch.map_err(|error| Error::InvalidParameter {
        name: "train",
        value: "the training images".to_string(),
        limit: error.to_string(),
    })
}
