//! Wavelet scattering transforms.

#![allow(non_snake_case)] // J, L and Q keep their case: j, l and q are the indices

// what everything stands on
pub mod error;
pub mod num;
pub mod raster;

// beside the line: files
#[cfg(feature = "io")]
pub mod io;

pub use error::{Error, Result};
