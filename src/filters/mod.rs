//! Filters: one formula per file, the bank that collects them, and how well the bank covers the plane.
//!
//! - [`gabor`]: oriented band-pass wavelets ψ; the Gaussian low-pass φ;
//! - [`Band`]: a filter stored where it is not negligible, with its coarser levels;
//! - [`FilterBank`]: what any bank tells a scattering transform;
//! - [`FilterBank2d`]: which ψ_{j,θ} exist for given J and L;
//! - [`WaveletList2d`]: Gabors and Morlets of one's own, by their numbers;
//! - [`ArrayBank2d`]: filters that a caller brings as arrays;
//! - [`FrameBounds`]: Littlewood-Paley sums.

pub mod gabor;
pub(crate) mod gauss;

mod array_2d;
mod band;
mod bank;
mod frame;
mod list_2d;
mod morlet_2d;
pub(crate) mod outline;

pub use array_2d::ArrayBank2d;
pub(crate) use band::Run;
pub use band::{Band, Dense, DenseStack};
pub use bank::FilterBank;
pub(crate) use bank::low_block;
pub use frame::FrameBounds;
pub use list_2d::WaveletList2d;
#[cfg(feature = "viz")]
pub(crate) use list_2d::band;
pub use morlet_2d::{Family, FilterBank2d, FilterBank2dParams, Mother, Normalization, Wavelet2d};
pub use outline::SampledFrameBounds;
