//! A small convolutional network whose first layer is large enough to look at.
//!
//! Filters of 7 x 7 or 11 x 11, many of them: on natural images they become Gabors and colour blobs, as in A. Krizhevsky,
//! I. Sutskever, G. Hinton, "ImageNet classification with deep convolutional neural networks", 2012, figure 3. Behind
//! them rectifiers, maxima of 2 x 2, a layer of 64 filters of 3 x 3, the same again, means over a 4 x 4 grid so that
//! images of any size fit, and 128 dense units.

use burn::module::{Module, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AdaptiveAvgPool2d, AdaptiveAvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::nn::{Initializer, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};

use super::FirstLayer;
use super::mlp::Mlp;

const SECOND: usize = 64;
const GRID: usize = 4;
const HIDDEN: usize = 128;

#[derive(Module, Debug)]
pub(crate) struct Cnn {
    pub(crate) first: Conv2d,
    second: Conv2d,
    head: Mlp,
    maxima: MaxPool2d,
    means: AdaptiveAvgPool2d,
}

impl Cnn {
    pub(crate) fn new(
        first: &FirstLayer,
        channels: usize,
        classes: usize,
        device: &Device,
    ) -> Self {
        let convolution = |from, to, side| {
            Conv2dConfig::new([from, to], [side, side]).with_padding(PaddingConfig2d::Same)
        };
        let mut layer = convolution(channels, first.filters, first.side).init(device);
        if let Some(weights) = &first.weights {
            let shape: [usize; 4] = std::array::from_fn(|axis| weights.shape()[axis]);
            let data = TensorData::new(weights.iter().copied().collect::<Vec<f32>>(), shape);
            layer.weight = Param::from_data(data, device);
            // What fits drawn weights need not fit given ones.
            let offsets = Initializer::Zeros.init([first.filters], device);
            layer.bias = Some(offsets);
        }
        if first.frozen {
            layer.weight = layer.weight.set_require_grad(false);
        }
        Self {
            first: layer,
            second: convolution(first.filters, SECOND, 3).init(device),
            head: Mlp::new(SECOND * GRID * GRID, HIDDEN, classes, device),
            maxima: MaxPool2dConfig::new([2, 2]).init(),
            means: AdaptiveAvgPool2dConfig::new([GRID, GRID]).init(),
        }
    }

    /// Logits `[n, classes]` of images `[n, channels, rows, columns]`.
    pub(crate) fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let x = self.maxima.forward(relu(self.first.forward(images)));
        let x = self.maxima.forward(relu(self.second.forward(x)));
        self.head.forward(self.means.forward(x))
    }
}
