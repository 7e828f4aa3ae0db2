//! Scattering transforms of images: what is their own of parameters, filter bank and padding.

mod engine;
mod filter_gradient;
mod outline;
mod params;
mod paths;

pub use filter_gradient::FilterGradient2d;
pub use outline::Scattering2dOutline;
pub use params::Scattering2dParams;

use super::Scattering2d;
