//! Scattering transforms: the cascade of wavelet moduli, its averages and the table of its paths.

mod path;

pub use path::{Path, PathTable, Scale};
