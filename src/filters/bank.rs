//! [`FilterBank`]: what any bank of wavelets tells the cascade, in any dimension.
//!
//! Goes out: the transfer functions ψ̂_λ as [`Band`]s, φ̂ as one factor per axis, and every wavelet in numbers. How a bank
//! comes by them is its own matter.
//!
//! ```text
//! U[p, λ] = ( Σ_m |U[p] ⋆ ψ_{λ,m}|² )^½          over the members m of λ: one for Morlet wavelets, 2ℓ + 1 for
//!                                                 the solid harmonics of degree ℓ
//! ```
//!
//! A filter on a coarser grid is the low block of its transfer function, as [`Band`] says; so is a factor of φ̂.

use std::fmt::Debug;
use std::sync::Arc;

use super::band::Band;
use crate::grid::{Grid, signed_frequencies, wrap};
use crate::memory;
use crate::num::Real;

/// A bank of wavelets and its low-pass on a grid of `D` axes, in the Fourier domain.
///
/// A scattering transform holds its bank as `Arc<dyn FilterBank<T, D, Wavelet = W>>`. The number of wavelets may differ
/// from scale to scale: nothing but the list itself says which λ belongs to which.
///
/// ```
/// use std::sync::Arc;
/// use wavelet_scattering::filters::{FilterBank, FilterBank2d, Wavelet2d};
///
/// let bank: Arc<dyn FilterBank<f32, 2, Wavelet = Wavelet2d>> =
///     Arc::new(FilterBank2d::params([32, 32], 2).L(4).build()?);
/// let coarsest = bank.wavelets().iter().position(|wavelet| wavelet.j == 1).unwrap();
/// assert_eq!(bank.members(coarsest)[0].to_array(1).unwrap().shape(), [16, 16]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub trait FilterBank<T: Real, const D: usize>: Send + Sync + Debug {
    /// One wavelet in numbers.
    type Wavelet: Clone + Send + Sync + 'static;

    /// The grid the filters live on.
    fn grid(&self) -> Grid<D>;

    /// Every wavelet in numbers, in order of λ.
    fn wavelets(&self) -> &Arc<[Self::Wavelet]>;

    /// ψ̂_λ: the bands whose squared moduli add up under one root. Panics if `lambda` is out of range, as indexing does.
    fn members(&self, lambda: usize) -> &[Band<T, D>];

    /// One factor of φ̂ on an axis of `len` samples, natural DFT order. `len` is the length of this axis on a level that
    /// exists; φ̂(0), what the low-pass makes of a constant 1, is the product of the first values over all axes.
    fn low_pass(&self, axis: usize, len: usize) -> Vec<f64>;

    /// Bytes the bank takes.
    fn bytes(&self) -> u64 {
        let bands = (0..self.wavelets().len()).flat_map(|lambda| self.members(lambda));
        memory::bytes_of::<T>(bands.map(|band| band.len() as u64).sum())
    }
}

/// The low block of a factor of φ̂: its values at the signed frequencies of a shorter axis.
pub(crate) fn low_block(factor: &[f64], len: usize) -> Vec<f64> {
    let mut block = vec![0.0; len];
    for k in signed_frequencies(len) {
        block[wrap(k, len)] = factor[wrap(k, factor.len())];
    }
    block
}
