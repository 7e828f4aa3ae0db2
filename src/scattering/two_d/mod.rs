//! Scattering transforms of images: parameters, filter bank and padding of two dimensions.

mod engine;
mod params;
mod plan;

pub use params::{Average, Scattering2dParams};
pub use plan::{Scattering2d, Workspace};
