//! Scattering transforms of signals: what is their own of parameters, filter banks and padding.

mod engine;
mod padding;
mod params;
mod paths;

pub use params::{PathRule, Scattering1dParams};
