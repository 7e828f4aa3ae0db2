//! Scattering transforms: the cascade of wavelet moduli, its averages and the table of its paths.
//!
//! - [`PathTable`]: which paths (λ1, …, λm) exist and which row each has;
//! - the walk over them, once for every dimension, and the average φ_J at its leaves;
//! - [`Features`]: coefficients with their table, logarithms, renormalisation, [`Standardizer`];
//! - [`Scattering2d`]: parameters, bank and padding of images.

mod cascade;
mod features;
mod path;
mod two_d;

pub use features::{Features, Shared, Standardizer};
pub use path::{Path, PathTable, Scale};
pub use two_d::{Average, Scattering2d, Scattering2dParams, Workspace};
