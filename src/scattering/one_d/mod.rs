//! Scattering transforms of signals: what is their own of parameters, filter banks and paths.

mod engine;
mod params;
mod paths;

pub use params::{PathRule, Scattering1dParams};
