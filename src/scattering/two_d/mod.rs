//! Scattering transforms of images: what is their own of parameters, filter bank and padding.

mod engine;
mod params;
mod paths;

pub use params::Scattering2dParams;
