//! Convolution with a filter in the Fourier domain, and its modulus.
//!
//! [`step`] is the hot path of the crate: everything the cascade does to go from a spectrum to U = |x ⋆ ψ|.

pub(crate) mod step;
