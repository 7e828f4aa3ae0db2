//! Dense layers over a flat input: the universal approximator, and the head over features that do not learn.
//!
//! One hidden layer of rectified units, or none, which is logistic regression. Source for what one hidden layer can do:
//! G. Cybenko, "Approximation by superpositions of a sigmoidal function", 1989; for rectified units M. Leshno et al.,
//! "Multilayer feedforward networks with a nonpolynomial activation function can approximate any function", 1993.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

#[derive(Module, Debug)]
pub(crate) struct Mlp {
    hidden: Option<Linear>,
    output: Linear,
}

impl Mlp {
    /// `hidden` = 0: no hidden layer.
    pub(crate) fn new(inputs: usize, hidden: usize, outputs: usize, device: &Device) -> Self {
        let linear = |from, to| LinearConfig::new(from, to).init(device);
        match hidden {
            0 => Self {
                hidden: None,
                output: linear(inputs, outputs),
            },
            _ => Self {
                hidden: Some(linear(inputs, hidden)),
                output: linear(hidden, outputs),
            },
        }
    }

    /// Logits `[n, outputs]` of `[n, …]`.
    pub(crate) fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<2> {
        let x: Tensor<2> = x.flatten(1, D - 1);
        match &self.hidden {
            Some(hidden) => self.output.forward(relu(hidden.forward(x))),
            None => self.output.forward(x),
        }
    }
}
