//! Wavelet scattering transforms of signals and images, with their filter banks: Kymatio's numbers, many times as fast.
//!
//! A scattering transform is a deep convolutional network whose filters are not learned. It cascades wavelet
//! transforms and moduli, and averages what comes out:
//!
//! ```text
//! U[λ1, …, λm]x = | … | |x ⋆ ψ_λ1| ⋆ ψ_λ2 | … ⋆ ψ_λm |          S[p]x = U[p]x ⋆ φ_J
//! ```
//!
//! over all paths p = (λ1, …, λm) of wavelets ψ_λ of increasing scale, with a low-pass φ_J of width 2^J. The result
//! hardly moves when the image is shifted or slightly deformed, and keeps what distinguishes textures (Mallat, "Group
//! invariant scattering", 2012; Bruna & Mallat, "Invariant scattering convolution networks", 2013).
//!
//! # From an image to features
//!
//! ```
//! use ndarray::Array2;
//! use wavelet_scattering::Scattering2d;
//!
//! let image = Array2::from_shape_fn([64, 96], |(i, k)| ((i * k) as f32 / 100.0).sin());
//! let plan = Scattering2d::params([64, 96], 3).L(8).plan::<f32>()?; // describe, plan: all checks happen here
//! let features = plan.transform(&image)?; //                            run: as often as you like
//!
//! assert_eq!(features.array().shape(), [217, 8, 12]); // paths, 64 / 2^J, 96 / 2^J
//! let row = features.paths().row(&[(0, 3), (2, 5)]).unwrap(); // j1 = 0, theta1 = 3, then j2 = 2, theta2 = 5
//! assert_eq!(features.path(row).shape(), [8, 12]);
//! let descriptor = features.log(1e-6)?.mean_over_space(); // one number a path
//! assert_eq!(descriptor.array().shape(), [217]);
//! # Ok::<(), wavelet_scattering::Error>(())
//! ```
//!
//! A signal has [`Scattering1d`], with wavelets per octave Q instead of orientations L; [`JointScattering`] also looks across
//! frequencies, and a [`ScatteringStream`](scattering::ScatteringStream) takes signals that have no end:
//!
//! ```
//! use ndarray::Array1;
//! use wavelet_scattering::Scattering1d;
//!
//! let sound = Array1::from_shape_fn(1 << 15, |t| (1e-6 * (t * t) as f32).sin());
//! let features = Scattering1d::params(1 << 15, 8).Q([8]).plan::<f32>()?.transform(&sound)?;
//! assert_eq!(features.array().shape(), [234, 128]); // paths, 2^15 / 2^J
//! # Ok::<(), wavelet_scattering::Error>(())
//! ```
//!
//! Inputs may have any leading batch and channel axes and any strides. [`Scattering2d::transform_into`] writes into an
//! array of yours with a [`ScatteringWorkspace`](scattering::ScatteringWorkspace) that is reused, and allocates nothing; a
//! [`Cancel`] ends it from another thread.
//!
//! # The line
//!
//! Data flows one way, and the modules are the stations:
//!
//! ```text
//! input ─ pad ─▶ real FFT ─▶ × ψ_λ ─▶ fold ─▶ inverse FFT ─▶ |·| ─┬─▶ ⋆ φ_J ─▶ features + path table
//!                             ▲                                   │
//!                             └── next order, coarser λ ── FFT ◀──┘
//! ```
//!
//! - [`signal`]: what lies beyond the border of a signal or an image;
//! - [`filters`]: Gabor, Morlet and Gaussian by their Fourier transforms, banks of them or of a caller's arrays, frame bounds;
//! - [`conv`]: convolution with kernels of any size, planned, in one and two dimensions;
//! - [`frames`]: transforms that can be undone: the scalogram of a signal;
//! - [`scattering`]: paths, the cascade, averages, features and what is done with them next;
//! - `viz`: filter sheets, the scattering disk and charts, as pixels in memory (feature `viz`);
//! - `io`: images, `.npy`, `.npz`, `.csv` and `.png` files, whole or not at all (feature `io`);
//! - `learn`: tasks, and what learns from them (feature `learn`);
//! - `compare`: learned and designed representations on the same task, learned filters beside wavelets (feature `learn`).
//!
//! # Conventions
//!
//! - The DFT is x̂(k) = Σ_n x(n)·exp(−2πi·kn/N), unscaled; the inverse carries 1/N. Spectra stand in natural order,
//!   frequency 0 first, as `fftfreq` has it.
//! - Frequencies are in cycles per sample or pixel, 0.5 is Nyquist. `sigma` is a standard deviation in frequency; the width in
//!   space is 1/(2π·sigma) pixels.
//! - Angles are in radians, from axis 0 (down the rows) toward axis 1; θ = 0 oscillates down the rows. θ is an orientation,
//!   modulo π; on which side of the frequency plane ψ̂ lies says [`Wavelet2d::direction`](filters::Wavelet2d::direction).
//! - Kymatio 0.4 divides its 2D filters by 2·3.1415·σ² where we divide by 2π·σ². Its S of order m is ours times
//!   (π/3.1415)^(m + 1), that is 1 + 2.95·10⁻⁵ per filter. Everything else agrees to the rounding of its
//!   single-precision filters. In one dimension everything agrees.
//! - Nothing a caller passes makes the library panic, except an index out of range where the documentation says so.
//!   Every refusal is an [`Error`] that names the value, the limit and the way out.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! | --- | --- | --- |
//! | `parallel` | yes | images of a batch, and paths of one image, on all cores, by rayon |
//! | `io` | yes | files in and out |
//! | `fits` | yes | FITS images in |
//! | `sound` | yes | sounds in |
//! | `viz` | yes | pictures |
//! | `cli` | yes | the program `scatter` |
//! | `serde` | no | parameters, path tables and standardizers to files and back |
//! | `datasets` | no | readers of data sets and of weights |
//! | `learn` | no | tasks and what learns from them |
//!
//! As a library in a larger program, take what you need: `default-features = false, features = ["parallel"]`.

#![allow(non_snake_case)] // J, L and Q keep their case: j, l and q are the indices

// what everything stands on
mod cancel;
pub mod error;
pub mod grid;
pub mod memory;
pub mod num;
mod parallel;
pub mod raster;

// the line: inner loops and boundaries, Fourier transforms, filters, one layer, the cascade
pub(crate) use wavelet_scattering_kernels as kernels;
mod isa;
pub mod signal;

pub(crate) mod fft;

pub mod filters;

pub mod conv;

pub(crate) mod layer;

pub mod frames;

pub mod scattering;

// pictures of it
#[cfg(feature = "viz")]
pub mod viz;

// beside the line: files
#[cfg(feature = "io")]
pub mod io;

// beside it too: what is learned
#[cfg(feature = "learn")]
pub mod learn;

#[cfg(feature = "learn")]
pub mod compare;

/// The crate of the arrays that go in and come out, so that versions cannot drift apart.
pub use ndarray;

/// The crate of the decoded images that [`io::image_array`] takes, for the same reason.
#[cfg(feature = "io")]
pub use image;

/// The crate of the tensors of [`learn::layer`], for the same reason.
#[cfg(feature = "learn")]
pub use burn;

pub use cancel::Cancel;
pub use conv::{Convolution1d, Convolution2d};
pub use error::{Error, Result};
pub use frames::Scalogram;
pub use isa::Isa;
pub use scattering::{Average, Features, JointScattering, PathTable, Scattering1d, Scattering2d};
pub use signal::Padding;

/// The examples of the README are tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
