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
//! - [`Layer`]: kernels of a layer for images or signals, colours and channels taken apart;
//! - [`gabor_fit`]: orientation, frequency, bandwidth, slant and phase of a kernel, and how much of it they explain;
//!   [`gabor_fit_1d`]: the same in time;
//! - [`baseline`]: the same question to random, principal and Fourier filters;
//! - [`Coverage`]: how a layer tiles the frequency plane, [`Histogram`]s of where;
//! - [`nearest()`], [`nearest_1d()`]: the wavelet of our bank that looks most like a kernel;
//! - [`auditory`]: bandwidths of hearing;
//! - [`Comparison`], [`Comparison1d`]: all of it for one layer.

pub mod auditory;
pub mod baseline;
mod comparison;
mod comparison_1d;
pub mod competitor;
mod coverage;
pub mod gabor_fit;
pub mod gabor_fit_1d;
mod layer;
mod nearest;
mod nearest_1d;
pub mod representation;
mod spectrum;

pub use comparison::{
    Comparison, ComparisonParams, LearnedFilter, Reference, quantile, superiority,
};
pub use comparison_1d::{Comparison1d, ComparisonParams1d, LearnedFilter1d, growth_exponent};
pub use competitor::{Competitor, Contest, Outcome, Run};
pub use coverage::{Coverage, Histogram};
pub use gabor_fit::GaborFit;
pub use gabor_fit_1d::GaborFit1d;
pub use layer::{Layer, Part};
pub use nearest::{Match, nearest};
pub use nearest_1d::{Match1d, nearest_1d};
pub use representation::{FeatureCache, ImageScattering, Representation, SoundScattering};
