//! Signals before their first transform: boundaries, and rates.

pub mod pad;
pub mod resample;

pub use pad::Padding;
pub use resample::{resample, resampled_len};
