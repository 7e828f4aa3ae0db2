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

use ndarray::{Array1, ArrayD, IntoDimension};
use num_complex::Complex;

use super::band::{Band, Dense, DenseStack, dense};
use super::frame::{self, FrameBounds};
use crate::grid::{Grid, signed_frequencies, wrap};
use crate::num::Real;
use crate::{Result, fft, memory};

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

    /// All ψ̂ as one array, in natural DFT order.
    ///
    /// **Shape** `[wavelets, n0, n1, ..]`, in order of λ; a wavelet of several members takes as many rows.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if that array does not fit into memory.
    ///
    /// ```
    /// use wavelet_scattering::filters::{FilterBank, FilterBank2d};
    ///
    /// let bank = FilterBank2d::params([32, 48], 2).L(4).build::<f32>()?;
    /// assert_eq!(bank.psi_hats()?.shape(), [8, 32, 48]);
    /// assert_eq!(bank.phi_hat().shape(), [32, 48]);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    fn psi_hats(&self) -> Result<DenseStack<T, D>>
    where
        [usize; D]: IntoDimension,
    {
        stack(self, |band, to| {
            band.for_each(0, |index, value| to[index] = value);
        })
    }

    /// All ψ in space as one array, periodic, each with its origin at index `[0, 0, ..]`.
    ///
    /// **Shape** as [`psi_hats`](Self::psi_hats).
    ///
    /// # Errors
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory) if that array does not fit into memory.
    fn psis_in_space(&self) -> Result<DenseStack<Complex<f64>, D>>
    where
        [usize; D]: IntoDimension,
    {
        stack(self, |band, to| {
            for (to, value) in to.iter_mut().zip(band.in_space()) {
                *to = value;
            }
        })
    }

    /// φ̂ in natural DFT order.
    ///
    /// **Shape** that of the grid.
    fn phi_hat(&self) -> Dense<T, D>
    where
        [usize; D]: IntoDimension,
    {
        dense(self.grid(), frame::outer(&factors(self)))
    }

    /// φ in space, periodic, its origin at index `[0, 0, ..]`; its sum is φ̂(0).
    ///
    /// **Shape** that of the grid.
    ///
    /// ```
    /// use wavelet_scattering::filters::{FilterBank, FilterBank2d};
    ///
    /// let bank = FilterBank2d::params([32, 48], 2).build::<f32>()?;
    /// assert!((bank.phi_in_space().sum() - 1.0).abs() < 1e-12);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    fn phi_in_space(&self) -> Dense<f64, D>
    where
        [usize; D]: IntoDimension,
    {
        let in_space = factors(self).map(|factor| {
            let hat = factor.into_iter().map(|value| Complex::new(value, 0.0));
            fft::inverse(Array1::from_iter(hat))
                .iter()
                .map(|value| value.re) // φ̂ is even
                .collect()
        });
        dense(self.grid(), frame::outer(&in_space))
    }

    /// The least and the largest value of the Littlewood-Paley sum on the full grid.
    fn frame_bounds(&self) -> FrameBounds {
        let bands = (0..self.wavelets().len()).flat_map(|lambda| self.members(lambda));
        FrameBounds::of(frame::littlewood_paley(0, bands, &factors(self)))
    }

    /// Bytes the bank takes.
    fn bytes(&self) -> u64 {
        let bands = (0..self.wavelets().len()).flat_map(|lambda| self.members(lambda));
        memory::bytes_of::<T>(bands.map(|band| band.len() as u64).sum())
    }
}

/// The factors of φ̂ on the full grid.
fn factors<T: Real, const D: usize>(bank: &(impl FilterBank<T, D> + ?Sized)) -> [Vec<f64>; D] {
    let shape = bank.grid().shape;
    std::array::from_fn(|axis| bank.low_pass(axis, shape[axis]))
}

/// One array of all members of a bank, each filled in from zeros.
fn stack<T: Real, A: Copy + Default, const D: usize>(
    bank: &(impl FilterBank<T, D> + ?Sized),
    fill: impl Fn(&Band<T, D>, &mut [A]),
) -> Result<DenseStack<A, D>>
where
    [usize; D]: IntoDimension,
{
    let bands: Vec<_> = (0..bank.wavelets().len())
        .flat_map(|lambda| bank.members(lambda))
        .collect();
    let grid = bank.grid();
    memory::require(
        "an array of all filters of the bank",
        memory::bytes_of::<A>((bands.len() as u64).saturating_mul(memory::count(&grid.shape))),
        "use a smaller grid or take the filters one by one",
    )?;
    let mut shape = vec![bands.len()];
    shape.extend(grid.shape);
    let mut values = vec![A::default(); bands.len() * grid.len()];
    for (band, to) in bands.into_iter().zip(values.chunks_exact_mut(grid.len())) {
        fill(band, to);
    }
    let array = ArrayD::from_shape_vec(shape, values);
    match array.and_then(ArrayD::into_dimensionality) {
        Ok(array) => Ok(array),
        Err(error) => unreachable!("one axis before those of {grid:?}: {error}"),
    }
}

/// The low block of a factor of φ̂: its values at the signed frequencies of a shorter axis.
pub(super) fn low_block(factor: &[f64], len: usize) -> Vec<f64> {
    let mut block = vec![0.0; len];
    for k in signed_frequencies(len) {
        block[wrap(k, len)] = factor[wrap(k, factor.len())];
    }
    block
}
