//! Scattering transforms of signals: what is their own of parameters, filter banks and paths.

mod engine;
mod params;
mod paths;
mod stream;

pub(in crate::scattering) use params::{LaidOut, largest_stride};
pub use params::{PathRule, Sampling, Scattering1dParams};
pub use stream::{ScatteringStream, StreamFeatures};
