//! LeNet-5, layer by layer as in the paper's section II-B.
//!
//! | layer | size | parameters |
//! | --- | --- | ---: |
//! | input | 1 x 32 x 32 | |
//! | C1, convolution 5 x 5 | 6 x 28 x 28 | 156 |
//! | S2, means of 2 x 2 | 6 x 14 x 14 | |
//! | C3, convolution 5 x 5 | 16 x 10 x 10 | 2,416 |
//! | S4, means of 2 x 2 | 16 x 5 x 5 | |
//! | C5, convolution 5 x 5 | 120 x 1 x 1 | 48,120 |
//! | F6, dense | 84 | 10,164 |
//! | output, dense | 10 | 850 |
//!
//! Together 61,706 for one channel and ten classes; the paper's net has 60,000. Where it differs from the paper: every map
//! of C3 sees all six of S2, not a chosen subset (2,416 parameters for 1,516); S2 and S4 are plain means, without a
//! trained gain and offset for each map and without a squashing function behind them (32 parameters less); the output is
//! dense with a softmax and cross-entropy, not distances to fixed bitmaps of the digits; weights start as burn draws them
//! (uniform, by fan-in). The squashing function is the paper's, A·tanh(S·a) with A = 1.7159 and S = 2/3.
//!
//! Source: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
//! Proceedings of the IEEE 86(11), 1998.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

/// Rows and columns of the input: digits of 28 x 28 get a margin.
pub(crate) const SIDE: usize = 32;

/// The layers that have parameters, by their names in the paper.
#[derive(Module, Debug)]
pub(crate) struct LeNet5 {
    pub(crate) c1: Conv2d,
    c3: Conv2d,
    c5: Conv2d,
    f6: Linear,
    output: Linear,
    subsampling: AvgPool2d,
}

impl LeNet5 {
    pub(crate) fn new(channels: usize, classes: usize, device: &Device) -> Self {
        let convolution =
            |from: usize, to: usize| Conv2dConfig::new([from, to], [5, 5]).init(device);
        Self {
            c1: convolution(channels, 6),
            c3: convolution(6, 16),
            c5: convolution(16, 120),
            f6: LinearConfig::new(120, 84).init(device),
            output: LinearConfig::new(84, classes).init(device),
            subsampling: AvgPool2dConfig::new([2, 2]).init(),
        }
    }

    /// Logits `[n, classes]` of images `[n, channels, 32, 32]`.
    pub(crate) fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let s2 = self.subsampling.forward(squash(self.c1.forward(images)));
        let s4 = self.subsampling.forward(squash(self.c3.forward(s2)));
        let c5: Tensor<2> = squash(self.c5.forward(s4)).flatten(1, 3);
        self.output.forward(squash(self.f6.forward(c5)))
    }
}

/// The paper's appendix A: f(±1) = ±1, where the second derivative is largest.
fn squash<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    (x * (2.0 / 3.0)).tanh() * 1.7159
}
