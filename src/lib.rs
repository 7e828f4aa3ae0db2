//! Wavelet scattering transforms.

#![allow(non_snake_case)] // J, L and Q keep their case: j, l and q are the indices

// what everything stands on
pub mod error;
pub mod grid;
pub mod memory;
pub mod num;
mod parallel;
pub mod raster;

// the line: inner loops and boundaries, Fourier transforms, filters, one layer, the cascade
pub(crate) mod kernels;
pub mod signal;

pub(crate) mod fft;

pub mod filters;

pub(crate) mod conv;

pub mod scattering;

// pictures of it
#[cfg(feature = "viz")]
pub mod viz;

pub use error::{Error, Result};
