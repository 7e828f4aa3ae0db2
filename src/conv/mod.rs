//! Convolution with a filter in the Fourier domain, and its modulus.
//!
//! [`layer`] is the hot path of the crate: everything the cascade does to go from a spectrum to U = |x ⋆ ψ|; [`fold`]
//! is its product, planned.

pub(crate) mod fold;
pub(crate) mod layer;
