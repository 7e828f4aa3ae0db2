//! Convolution: with kernels of any size in one and two dimensions.
//!
//! [`Convolution1d`] and [`Convolution2d`] convolve real or complex signals with one real or complex kernel or a bank of
//! them. Modes, subsampling, adjoints and [`Stream`]s are different windows of one formula; the definition, one FFT
//! and overlap-save are different ways of computing it, of which a plan takes the cheapest and says why:
//!
//! ```
//! use ndarray::Array2;
//! use wavelet_scattering::conv::{Convolution2d, Mode};
//!
//! let blur = Array2::from_elem([9, 9], 1.0_f32 / 81.0);
//! let plan = Convolution2d::params([200, 300]).mode(Mode::Same).plan(&blur)?; // describe, plan: all checks happen here
//! let image = Array2::from_shape_fn([200, 300], |(i, k)| ((i * k) as f32).sin());
//! let blurred = plan.apply(&image)?; //                                          run: as often as you like
//! assert_eq!(blurred.shape(), [200, 300]);
//! println!("{}", plan.explain());
//! # Ok::<(), wavelet_scattering::Error>(())
//! ```
//!
//! [`convolve`] and [`correlate`] are for whoever has one signal and one kernel, once; [`Convolution::kernel_gradient`] is for
//! whoever learns kernels.
//!
//! Filters of a bank are kernels in Fourier; this is the filter bank's output at full resolution, one plane a wavelet:
//!
//! ```
//! # use ndarray::Array2;
//! use wavelet_scattering::conv::{Convolution2d, Mode};
//! use wavelet_scattering::filters::FilterBank2d;
//!
//! let bank = FilterBank2d::params([64, 48], 2).L(4).build::<f32>()?;
//! let plan = Convolution2d::params([64, 48]).mode(Mode::Circular).plan(&bank)?;
//! let wavelets = plan.apply(&Array2::<f32>::ones([64, 48]))?; // complex
//! assert_eq!(wavelets.shape(), [8, 64, 48]);
//! # Ok::<(), wavelet_scattering::Error>(())
//! ```
//!
//! Source: overlap-save as in Oppenheim & Schafer, "Discrete-time signal processing", section 8.7.

// what is computed, and how it is cut
mod axis;
mod kernels;
mod sample;
mod spectrum;
mod task;

// how: the walk over tiles, and what computes one
mod blocks;
mod direct;
mod library;
mod taps;
mod tiles;
mod transfer;

// which of these, and why
mod choose;
mod cost;
mod method;

// the plan, its gradient, the plan on a signal without end, and the plan of a single call
mod gradient;
mod once;
mod plan;
mod stream;

pub use axis::Mode;
pub use kernels::Kernels;
pub use method::{Candidate, Explanation, Method, Planning};
pub use once::{Axes, convolve, correlate};
pub use plan::{
    Convolution, Convolution1d, Convolution2d, ConvolutionParams, ConvolutionWorkspace,
};
pub use sample::{Convolve, Sample};
pub use stream::Stream;
