//! A small convolutional network that hears: the samples of a sound go in, and its first filters are long enough to look at.
//!
//! | layer | size for 8,192 samples |
//! | --- | --- |
//! | convolution over `taps` samples, every 4th sample | filters x 2,048 |
//! | maxima of 4 | filters x 512 |
//! | convolution over 3, maxima of 4 | 64 x 128 |
//! | convolution over 3, maxima of 4 | 128 x 32 |
//! | convolution over 3, maxima of 4 | 128 x 8 |
//! | means over 4 stretches of time | 128 x 4 |
//! | dense | 128 |
//! | output, dense | classes |
//!
//! Behind each convolution the channels are normalised in groups of 16 and rectified. Few sounds do for it, and a louder one is
//! the same to it.
//!
//! Sources: W. Dai, C. Dai, S. Qu, J. Li, S. Das, "Very deep convolutional neural networks for raw waveforms", 2017, whose M5 it
//! follows, but narrower, with stretches of time kept apart, and with groups normalised where the paper normalises batches; Y. Wu
//! and K. He, "Group normalization", 2018.

use burn::module::Module;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::nn::pool::{AdaptiveAvgPool1d, AdaptiveAvgPool1dConfig, MaxPool1d, MaxPool1dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, PaddingConfig1d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

use super::mlp::Mlp;

/// Channels behind the first convolution.
const WIDTHS: [usize; 3] = [64, 128, 128];

/// Channels that are normalised together.
pub(super) const GROUP: usize = 16;

/// Distance of the first convolution, and of every maximum.
pub(super) const STRIDE: usize = 4;

/// Stretches of time that are told apart.
const STRETCHES: usize = 4;

const HIDDEN: usize = 128;

/// Samples that are left one after all strides.
pub(super) const SHORTEST: usize = STRIDE.pow(2 + WIDTHS.len() as u32);

#[derive(Module, Debug)]
pub(crate) struct Cnn1d {
    pub(crate) first: Conv1d,
    later: Vec<Conv1d>,
    norms: Vec<GroupNorm>,
    head: Mlp,
    maxima: MaxPool1d,
    means: AdaptiveAvgPool1d,
}

impl Cnn1d {
    pub(crate) fn new(
        filters: usize,
        taps: usize,
        channels: usize,
        classes: usize,
        device: &Device,
    ) -> Self {
        let convolution = |from, to, taps, stride| {
            Conv1dConfig::new(from, to, taps)
                .with_stride(stride)
                .with_padding(PaddingConfig1d::Same)
                .init(device)
        };
        let widths = [&[filters][..], &WIDTHS].concat();
        let pairs = widths.windows(2);
        let last = WIDTHS[WIDTHS.len() - 1];
        Self {
            first: convolution(channels, filters, taps, STRIDE),
            later: pairs
                .map(|pair| convolution(pair[0], pair[1], 3, 1))
                .collect(),
            norms: widths
                .iter()
                .map(|width| GroupNormConfig::new(width / GROUP, *width).init(device))
                .collect(),
            head: Mlp::new(last * STRETCHES, HIDDEN, classes, device),
            maxima: MaxPool1dConfig::new(STRIDE).with_stride(STRIDE).init(),
            means: AdaptiveAvgPool1dConfig::new(STRETCHES).init(),
        }
    }

    /// Logits `[n, classes]` of sounds `[n, channels, 1, samples]`.
    pub(crate) fn forward(&self, sounds: Tensor<4>) -> Tensor<2> {
        let mut x: Tensor<3> = sounds.squeeze_dim(2);
        for (layer, norm) in std::iter::once(&self.first)
            .chain(&self.later)
            .zip(&self.norms)
        {
            x = self.maxima.forward(relu(norm.forward(layer.forward(x))));
        }
        self.head.forward(self.means.forward(x))
    }
}
