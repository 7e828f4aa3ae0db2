//! Learned filters beside designed ones: how much of a learned layer is wavelets.
//!
//! Comes in: the weights of a first layer. Goes out: the same filters in the words of wavelet theory, with what chance
//! would give beside every number.
//!
//! - [`Layer`]: kernels of a layer, colours taken apart;
//! - [`gabor_fit`]: orientation, frequency, bandwidth, slant and phase of a kernel, and how much of it they explain;
//! - [`baseline`]: the same question to random, principal and Fourier filters;
//! - [`Coverage`]: how a layer tiles the frequency plane, [`Histogram`]s of where;
//! - [`nearest`]: the wavelet of our bank that looks most like a kernel;
//! - [`Comparison`]: all of it for one layer.
//!
//! This is the one place where learned and designed filters meet.

pub mod baseline;
mod comparison;
mod coverage;
pub mod gabor_fit;
mod layer;
mod nearest;
mod spectrum;

pub use comparison::{Comparison, ComparisonParams, Learned, Reference, quantile, superiority};
pub use coverage::{Coverage, Histogram};
pub use gabor_fit::GaborFit;
pub use layer::{Layer, Part};
pub use nearest::{Match, nearest};
