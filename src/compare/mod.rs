//! Where learned and designed representations meet: on one task, and filter by filter.
//!
//! On one task, images and labels come in, error rates go out:
//!
//! - [`competitor`]: what can be trained on a task, by name;
//! - [`representation`]: scattering features of labelled images or sounds, kept on disk between runs.
//!
//! Filter by filter, the weights of a first layer come in, and the same filters in the words of wavelet theory go out,
//! with what chance would give beside every number:
//!
//! - [`Layer`]: kernels of a layer, colours taken apart;
//! - [`gabor_fit`]: orientation, frequency, bandwidth, slant and phase of a kernel, and how much of it they explain;
//! - [`baseline`]: the same question to random, principal and Fourier filters;
//! - [`Coverage`]: how a layer tiles the frequency plane, [`Histogram`]s of where;
//! - [`nearest`]: the wavelet of our bank that looks most like a kernel;
//! - [`Comparison`]: all of it for one layer.

pub mod baseline;
mod comparison;
pub mod competitor;
mod coverage;
pub mod gabor_fit;
mod layer;
mod nearest;
pub mod representation;
mod spectrum;

pub use comparison::{
    Comparison, ComparisonParams, LearnedFilter, Reference, quantile, superiority,
};
pub use competitor::{Competitor, Contest, Outcome, Run};
pub use coverage::{Coverage, Histogram};
pub use gabor_fit::GaborFit;
pub use layer::{Layer, Part};
pub use nearest::{Match, nearest};
pub use representation::{FeatureCache, ImageScattering, Representation, SoundScattering};
