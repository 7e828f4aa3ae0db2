//! The layers of each architecture, on burn.

mod cnn;
mod cnn_1d;
mod lenet;
mod mlp;
mod parametric;

use burn::module::{Module, ParamGroup};
use burn::tensor::{Device, Tensor};
use ndarray::Array4;

pub use parametric::LearnedScattering;

use crate::filters::Wavelet2d;
use crate::grid::check_finite;
use crate::{Error, Result, memory};

/// Which network learns.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Architecture {
    /// LeCun, Bottou, Bengio and Haffner's of 1998, for images of at most 32 x 32: 61,706 parameters for one channel and
    /// ten classes. Full connections from S2 to C3, plain means in S2 and S4, a dense softmax output; all else as in the
    /// paper's layer table. Smaller images are centred on 32 x 32 samples of 0.
    LeNet5,
    /// One hidden layer of rectified units over the samples.
    Mlp {
        /// How many units.
        hidden: usize,
    },
    /// Two convolutional layers and a dense one, the first with large filters that are worth a look.
    Cnn {
        /// The filters that see the image.
        first: FirstLayer,
    },
    /// Four convolutional layers over the samples of sounds, images of one row, and a dense one; the first with filters that are
    /// long enough to look at.
    Cnn1d {
        /// How many filters see the sound, a multiple of 16.
        filters: usize,
        /// Samples of each.
        taps: usize,
    },
    /// Dense layers over features that something else computed, given as images of as many channels as there are
    /// features: `[n, paths, rows, columns]`, or `[n, features, 1, 1]`. What differs from [`Mlp`](Self::Mlp) is what
    /// goes in.
    Head {
        /// How many rectified units before the output; 0 for none, which is logistic regression.
        hidden: usize,
    },
    /// Scattering whose wavelets learn, starting from the standard bank, normalised coefficients and one linear layer. Images stand in
    /// the middle of a grid whose sides are multiples of 2^J, and are surrounded by zeros.
    Parametric(LearnedScattering),
}

/// The first layer of a [`Cnn`](Architecture::Cnn).
#[derive(Debug, Clone, PartialEq)]
pub struct FirstLayer {
    /// How many filters.
    pub filters: usize,
    /// Rows and columns of each, an odd number.
    pub side: usize,
    /// What they start from, **shape** `[filters, channels, side, side]`; `None`: random numbers.
    pub weights: Option<Array4<f32>>,
    /// Whether they stay as they start. Their offsets are learned all the same.
    pub frozen: bool,
}

impl FirstLayer {
    /// Filters that start random and learn.
    pub fn learned(filters: usize, side: usize) -> Self {
        Self {
            filters,
            side,
            weights: None,
            frozen: false,
        }
    }

    /// Filters that start as `weights`, **shape** `[filters, channels, side, side]`, and stay so if `frozen`.
    pub fn given(weights: Array4<f32>, frozen: bool) -> Self {
        Self {
            filters: weights.shape()[0],
            side: weights.shape()[2],
            weights: Some(weights),
            frozen,
        }
    }
}

impl Architecture {
    /// What a report calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Architecture::LeNet5 => "lenet5",
            Architecture::Mlp { .. } => "mlp",
            Architecture::Cnn { .. } => "cnn",
            Architecture::Cnn1d { .. } => "cnn1d",
            Architecture::Head { .. } => "head",
            Architecture::Parametric(_) => "parametric",
        }
    }

    /// Refuses what cannot be built for images of `[channels, rows, columns]`.
    pub(crate) fn check(&self, shape: [usize; 3]) -> Result<()> {
        let [channels, rows, columns] = shape;
        let refuse = |name: &'static str, value: String, limit: String| {
            Err(Error::InvalidParameter { name, value, limit })
        };
        let fits = match self {
            Architecture::LeNet5 if rows.max(columns) > lenet::SIDE => refuse(
                "the size of the images",
                format!("{rows} x {columns}"),
                format!(
                    "LeNet-5 takes at most {0} x {0}; scale them down or use a Cnn",
                    lenet::SIDE
                ),
            ),
            Architecture::Mlp { hidden: 0 } => refuse(
                "hidden",
                "0".to_string(),
                "an Mlp needs at least one unit; a Head does without".to_string(),
            ),
            Architecture::Cnn { first } => {
                if first.filters == 0 {
                    return refuse(
                        "filters",
                        "0".to_string(),
                        "at least one is needed".to_string(),
                    );
                }
                if first.side.is_multiple_of(2) {
                    return refuse(
                        "side",
                        first.side.to_string(),
                        "filters have a centre: use an odd number of rows and columns".to_string(),
                    );
                }
                if rows.min(columns) < 4 {
                    return refuse(
                        "the size of the images",
                        format!("{rows} x {columns}"),
                        "a Cnn halves it twice: use at least 4 x 4, or an Mlp".to_string(),
                    );
                }
                let expected = [first.filters, channels, first.side, first.side];
                match &first.weights {
                    Some(weights) if weights.shape() != expected => Err(Error::WrongShape {
                        what: "the weights of the first layer",
                        got: weights.shape().to_vec(),
                        expected: format!("{expected:?}: filters, channels, side, side"),
                    }),
                    Some(weights) => check_finite(weights),
                    None => Ok(()),
                }
            }
            Architecture::Cnn1d { filters, taps } => {
                if *filters == 0 || !filters.is_multiple_of(cnn_1d::GROUP) {
                    return refuse(
                        "filters",
                        filters.to_string(),
                        format!(
                            "{0} are normalised together: use a multiple of {0}",
                            cnn_1d::GROUP
                        ),
                    );
                }
                if *taps == 0 {
                    return refuse(
                        "taps",
                        "0".to_string(),
                        "a filter has at least one".to_string(),
                    );
                }
                if rows != 1 || columns < cnn_1d::SHORTEST {
                    return refuse(
                        "the size of the sounds",
                        format!("{rows} x {columns}"),
                        format!(
                            "a Cnn1d takes one row of at least {} samples; add zeros",
                            cnn_1d::SHORTEST
                        ),
                    );
                }
                Ok(())
            }
            Architecture::Parametric(scattering) => scattering.params([rows, columns]).map(|_| ()),
            _ => Ok(()),
        };
        fits?;
        memory::require(
            "the training of the network",
            self.training_bytes(shape),
            "use fewer units, or fewer or smaller filters",
        )
    }

    /// At least how many bytes training takes: every weight of the layers whose size is free with its gradient and its
    /// two running means, and what the first layer makes of an image.
    fn training_bytes(&self, [channels, rows, columns]: [usize; 3]) -> u64 {
        let (weights, outputs) = match self {
            Architecture::LeNet5 => (0, 0),
            Architecture::Mlp { hidden } | Architecture::Head { hidden } => (
                memory::count(&[channels, rows, columns, (*hidden).max(1)]),
                memory::count(&[*hidden]),
            ),
            Architecture::Cnn { first } => (
                memory::count(&[first.filters, channels, first.side, first.side]),
                memory::count(&[first.filters, rows, columns]),
            ),
            Architecture::Cnn1d { filters, taps } => (
                memory::count(&[*filters, channels, *taps]),
                memory::count(&[*filters, columns / cnn_1d::STRIDE]),
            ),
            Architecture::Parametric(scattering) => {
                let params = scattering.params([rows, columns]);
                let coefficients = params.map_or(0, |params| scattering.coefficients(&params));
                let coefficients = coefficients.saturating_mul(channels as u64);
                (coefficients, coefficients)
            }
        };
        memory::bytes_of::<[f32; 4]>(weights).saturating_add(memory::bytes_of::<f32>(outputs))
    }

    /// Rows and columns that the net sees: an image stands in their middle.
    pub(super) fn canvas(&self, [_, rows, columns]: [usize; 3]) -> [usize; 2] {
        match self {
            Architecture::LeNet5 => [lenet::SIDE; 2],
            Architecture::Parametric(scattering) => scattering
                .canvas([rows, columns])
                .unwrap_or([rows, columns]),
            _ => [rows, columns],
        }
    }
}

/// One of the networks.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // there is one in a Network, and never a list of them
pub(super) enum Net {
    LeNet5(lenet::LeNet5),
    Cnn(cnn::Cnn),
    Cnn1d(cnn_1d::Cnn1d),
    Dense(mlp::Mlp),
    Parametric(parametric::Parametric),
}

impl Net {
    /// A checked architecture with parameters drawn from the device's generator.
    pub(super) fn new(
        architecture: &Architecture,
        [channels, rows, columns]: [usize; 3],
        classes: usize,
        device: &Device,
    ) -> Result<Self> {
        Ok(match architecture {
            Architecture::LeNet5 => Net::LeNet5(lenet::LeNet5::new(channels, classes, device)),
            Architecture::Cnn { first } => {
                Net::Cnn(cnn::Cnn::new(first, channels, classes, device))
            }
            Architecture::Cnn1d { filters, taps } => Net::Cnn1d(cnn_1d::Cnn1d::new(
                *filters, *taps, channels, classes, device,
            )),
            Architecture::Mlp { hidden } | Architecture::Head { hidden } => {
                let inputs = channels * rows * columns;
                Net::Dense(mlp::Mlp::new(inputs, *hidden, classes, device))
            }
            Architecture::Parametric(scattering) => {
                let shape = [channels, rows, columns];
                Net::Parametric(parametric::Parametric::new(
                    scattering, shape, classes, device,
                )?)
            }
        })
    }

    /// Logits `[n, classes]`. Only numbers of wavelets that are none any more are refused, and images that are not finite by a net that
    /// has such wavelets.
    pub(super) fn forward(&self, images: Tensor<4>) -> Result<Tensor<2>> {
        Ok(match self {
            Net::LeNet5(net) => net.forward(images),
            Net::Cnn(net) => net.forward(images),
            Net::Cnn1d(net) => net.forward(images),
            Net::Dense(net) => net.forward(images),
            Net::Parametric(net) => net.forward(images)?,
        })
    }

    /// The numbers of wavelets that learn, which have a learning rate of their own.
    pub(super) fn wavelet_numbers(&self) -> Option<ParamGroup> {
        match self {
            Net::Parametric(net) => Some(ParamGroup::from_ids(vec![net.scattering.numbers.id])),
            _ => None,
        }
    }

    /// The net with every number where it is allowed to be.
    pub(super) fn projected(self) -> Self {
        match self {
            Net::Parametric(mut net) => {
                net.scattering = net.scattering.projected();
                Net::Parametric(net)
            }
            other => other,
        }
    }

    /// Wavelets that learn, layer by layer: as they started, and as they are.
    pub(super) fn wavelets(&self) -> Option<[Vec<Vec<Wavelet2d>>; 2]> {
        match self {
            Net::Parametric(net) => Some([net.scattering.standard(), net.scattering.wavelets()]),
            _ => None,
        }
    }

    /// The weights of the first convolution, `[out, in, rows, columns]`.
    pub(super) fn first_layer(&self) -> Option<Tensor<4>> {
        match self {
            Net::LeNet5(net) => Some(net.c1.weight.val()),
            Net::Cnn(net) => Some(net.first.weight.val()),
            Net::Cnn1d(net) => Some(net.first.weight.val().unsqueeze_dim(2)),
            Net::Dense(_) | Net::Parametric(_) => None,
        }
    }
}
