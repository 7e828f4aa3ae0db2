//! Scattering transforms of signals: what is their own of parameters, filter banks and paths.

mod blocks;
mod engine;
mod outline;
mod params;
mod paths;
mod stream;

pub use outline::Scattering1dOutline;
pub(in crate::scattering) use params::{LaidOut, largest_stride};
pub use params::{PathRule, Sampling, Scattering1dParams};
pub use stream::{ScatteringStream, StreamFeatures};
