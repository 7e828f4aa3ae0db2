//! Scattering transforms: the cascade of wavelet moduli, its averages and the table of its paths.
//!
//! - [`PathTable`]: which paths (λ1, …, λm) exist and which row each has;
//! - [`Average`]: what is kept of every U;
//! - the walk over the paths, on any layer, and the engine around it: once for every dimension;
//! - [`Scattering`]: a plan, for every dimension too; [`Scattering1d`] is that of signals, [`Scattering2d`] that of images,
//!   [`Scattering1dParams`] and [`Scattering2dParams`] describe them;
//! - [`JointScattering`]: wavelets over time and across frequency at once;
//! - [`Features`]: coefficients with their table, logarithms, renormalisation; [`Standardizer`].

// which paths there are, and what is kept of them
mod keep;
mod path;

// the walk over them, laid out and run
mod cascade;
mod design;
mod engine;
mod runner;

// what callers hold
mod features;
mod filter_gradient;
mod plan;
mod standardize;

// what is of signals, and what of images alone
mod joint;
mod one_d;
mod two_d;

pub use features::{EPSILON, Features};
pub use filter_gradient::{FilterGradient, FilterGradient1d, FilterGradient2d};
pub use joint::{
    JointFeatures, JointFormat, JointPath, JointPathTable, JointScattering, JointScatteringParams,
    WaveletAcross,
};
pub use keep::Average;
pub use one_d::{
    PathRule, Sampling, Scattering1dOutline, Scattering1dParams, ScatteringStream, StreamFeatures,
};
pub use path::{Path, PathTable, Wavelet};
pub use plan::Scattering;
pub use runner::ScatteringWorkspace;
pub use standardize::{StandardizeBy, Standardizer};
pub use two_d::{Scattering2dOutline, Scattering2dParams};

/// A planned scattering transform of images: [`Scattering2d::params`](Scattering::params) describes it.
///
/// ```
/// use ndarray::Array3;
/// use wavelet_scattering::Scattering2d;
///
/// let plan = Scattering2d::params([64, 48], 3).L(6).plan::<f32>()?;
/// let images = Array3::from_shape_fn([2, 64, 48], |(n, i, k)| ((i * k + n) as f32 * 0.01).sin());
/// let features = plan.transform(&images)?;
/// assert_eq!(features.array().shape(), [2, 127, 8, 6]); // [batch, paths, 64 / 2^J, 48 / 2^J]
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub type Scattering2d<T> = Scattering<T, crate::filters::Wavelet2d, 2>;

/// A planned scattering transform of signals: [`Scattering1d::params`](Scattering::params) describes it.
///
/// ```
/// use ndarray::Array1;
/// use wavelet_scattering::Scattering1d;
///
/// let plan = Scattering1d::params(4096, 6).Q([8]).plan::<f32>()?; // 8 wavelets an octave, then 1
/// let chirp = Array1::from_shape_fn(4096, |t| (1e-4 * (t * t) as f32).sin());
/// let features = plan.transform(&chirp)?;
/// assert_eq!(features.array().shape(), [126, 64]); // paths, 4096 / 2^J
/// let row = features.paths().row(&[3, 4]).unwrap(); // wavelet 3 of the first layer, 4 of the second
/// assert_eq!(features.path(row).shape(), [64]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub type Scattering1d<T> = Scattering<T, crate::filters::Wavelet1d, 1>;
