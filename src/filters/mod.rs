//! Filters: one formula per file, the bank that collects them, and how well the bank covers the plane.
//!
//! - [`gabor`]: oriented band-pass wavelets ψ; the Gaussian low-pass φ;
//! - [`Gabor1d`]: the same on one axis;
//! - [`Band`]: a filter stored where it is not negligible, with its coarser levels;
//! - [`FilterBank`]: what any bank tells a scattering transform;
//! - [`FilterBank2d`]: which ψ_{j,θ} exist for given J and L;
//! - [`FilterBank1d`]: which ψ_λ exist for given J and Q, or those of a list or of arrays;
//! - [`WaveletList2d`]: Gabors and Morlets of one's own, by their numbers;
//! - [`ArrayBank2d`]: filters that a caller brings as arrays;
//! - [`FrameBounds`]: Littlewood-Paley sums.

pub mod gabor;
pub(crate) mod gauss;

mod array_2d;
mod band;
mod bank;
mod frame;
mod gabor_1d;
mod list_2d;
mod morlet_1d;
mod morlet_2d;
pub(crate) mod outline;
pub(crate) mod padding;

pub use array_2d::ArrayBank2d;
pub(crate) use band::Run;
pub use band::{Band, Dense, DenseStack};
pub use bank::FilterBank;
pub(crate) use bank::low_block;
pub use frame::FrameBounds;
pub(crate) use gabor_1d::Sampled1d;
pub use gabor_1d::{Family1d, Gabor1d};
pub use list_2d::WaveletList2d;
#[cfg(feature = "viz")]
pub(crate) use list_2d::band;
pub(crate) use morlet_1d::SIGMA_0;
pub use morlet_1d::{FilterBank1d, FilterBank1dParams, Tiling, Wavelet1d};
pub use morlet_2d::{Family, FilterBank2d, FilterBank2dParams, Mother, Normalization, Wavelet2d};
pub use outline::SampledFrameBounds;
