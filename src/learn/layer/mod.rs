//! [`ScatteringLayer2d`], [`ScatteringLayer1d`]: a scattering transform as a layer of a network, whose wavelets may learn.
//!
//! In come images or signals as a tensor, out come their scattering coefficients; on the way back the library's own gradients go
//! to the inputs and to the numbers that every wavelet is made from ([`vjp`](crate::scattering::Scattering::vjp),
//! [`vjp_filters`](crate::scattering::Scattering::vjp_filters)). To burn it is one operation: no graph of Fourier transforms is kept, and
//! a gradient that nobody asks for is not computed.
//!
//! ```text
//! per wavelet:   (theta, xi, sigma, slant) of every wavelet of every layer; of signals (xi, sigma)
//! equivariant:   (Δtheta, xi, sigma, slant) of every scale of every layer;  theta_l = theta_l of the standard bank + Δtheta
//! ```
//!
//! Conventions that bite: scales j, and with them levels, paths and their order, stay what they are while the numbers change, and so
//! does φ; wavelets of a later layer that no path leads to, as its finest, have gradients of 0. Numbers have limits, to which
//! `projected` brings them back: call it after every step of an optimizer. Everything is single precision, on burn's `Flex`
//! backend.
//!
//! Source: Gauthier et al., "Parametric scattering networks", CVPR 2022.

mod images;
mod operation;
mod signals;
mod transform;

use burn::module::Param;
use burn::tensor::{Tensor, TensorData};

pub use images::{ScatteringLayer2d, Start, Tying};
pub use signals::ScatteringLayer1d;

/// A parameter with other values, learned or not as before.
fn replaced(param: Param<Tensor<2>>, values: Vec<f32>) -> Param<Tensor<2>> {
    param.map(|tensor| {
        let data = TensorData::new(values, tensor.dims());
        let other = Tensor::from_data(data, &tensor.device());
        other.set_require_grad(tensor.is_require_grad())
    })
}
