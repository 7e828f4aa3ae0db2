//! Scattering transforms of images: what is their own of parameters, filter bank and padding.

mod engine;
mod outline;
mod params;
mod paths;

pub use outline::Scattering2dOutline;
pub use params::Scattering2dParams;
