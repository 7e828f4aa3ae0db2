//! [`Kernels`]: what a signal is convolved with, given in space, in Fourier, or as filters of a bank.

use std::sync::Arc;

use ndarray::{ArrayBase, Data, Dimension};
use num_complex::Complex;
use num_traits::Float;

use super::axis::both;
use super::sample::Sample;
use crate::filters::{Band, FilterBank2d};
use crate::grid::wrap;
use crate::num::Real;
use crate::{Error, Result};

/// One kernel, or a bank of kernels of one size.
///
/// **Shape** `[kernels.., k..]`: the last axes, as many as the plan has, are a kernel; any axes before them count
/// kernels and appear in the output between the axes of the batch and those of the samples. An array without such axes
/// is a single kernel, and the output has no axis for it.
///
/// Arrays, a [`Band`] and a [`FilterBank2d`] (all its ψ, one axis of J·L kernels, circular convolution in two
/// dimensions) turn into kernels by themselves; a transfer function goes through [`fourier`](Self::fourier).
#[derive(Debug, Clone, PartialEq)]
pub struct Kernels<K: Sample> {
    shape: Vec<usize>,
    values: Values<K>,
}

#[derive(Debug, Clone, PartialEq)]
enum Values<K: Sample> {
    Space(Arc<[K]>),
    RealTransfer(Arc<[K::Real]>),
    Transfer(Arc<[Complex<K::Real>]>),
    Bands(Arc<[Band<K::Real, 2>]>),
}

impl<K: Sample> Kernels<K> {
    /// Kernels by their taps.
    pub fn space<S: Data<Elem = K>, D: Dimension>(taps: &ArrayBase<S, D>) -> Self {
        Self {
            shape: taps.shape().to_vec(),
            values: Values::Space(taps.iter().copied().collect()),
        }
    }

    /// Number of axes before those of the samples, and their lengths.
    pub(super) fn leading(&self, dimensions: usize) -> Result<&[usize]> {
        match self.shape.len().checked_sub(dimensions) {
            Some(leading) if !self.shape.contains(&0) => Ok(&self.shape[..leading]),
            _ => Err(Error::WrongShape {
                what: "the kernel",
                got: self.shape.clone(),
                expected: format!(
                    "[kernels.., k..] with {dimensions} axes of taps and no empty axis"
                ),
            }),
        }
    }

    /// Axes of one kernel; 1 before them to make two.
    pub(super) fn support(&self, dimensions: usize) -> [usize; 2] {
        both(&self.shape[self.shape.len() - dimensions..])
    }

    /// Whether the kernels are transfer functions on a circular grid.
    pub(super) fn in_fourier(&self) -> bool {
        !matches!(self.values, Values::Space(_))
    }

    /// Refuses NaN and infinities.
    pub(super) fn check(&self) -> Result<()> {
        let finite = |re: K::Real, im: K::Real| re.is_finite() && im.is_finite();
        let bad = match &self.values {
            Values::Space(taps) => taps.iter().position(|tap| !finite(tap.re(), tap.im())),
            Values::RealTransfer(hat) => hat.iter().position(|value| !value.is_finite()),
            Values::Transfer(hat) => hat.iter().position(|value| !finite(value.re, value.im)),
            Values::Bands(_) => None, // finite by construction
        };
        match bad {
            None => Ok(()),
            Some(index) => {
                let position = position(&self.shape, index);
                Err(Error::InvalidParameter {
                    name: "kernel",
                    value: format!("NaN or infinity at index {position:?}"),
                    limit: "every value is finite; replace it before planning".into(),
                })
            }
        }
    }

    /// The taps of kernel `index`, row by row, wrapped to at most `limit` along each axis; conjugated and reversed
    /// for the adjoint. Empty if the kernels are in Fourier.
    pub(super) fn taps(
        &self,
        index: usize,
        [k0, k1]: [usize; 2],
        limit: [usize; 2],
        adjoint: bool,
    ) -> Vec<Complex<f64>> {
        let Values::Space(taps) = &self.values else {
            return Vec::new();
        };
        let [w0, w1] = [k0.min(limit[0]), k1.min(limit[1])];
        let mut wrapped = vec![Complex::new(0.0, 0.0); w0 * w1];
        for (i, tap) in taps[index * k0 * k1..][..k0 * k1].iter().enumerate() {
            wrapped[(i / k1) % w0 * w1 + (i % k1) % w1] +=
                Complex::new(tap.re().widen(), tap.im().widen());
        }
        if adjoint {
            wrapped.reverse();
            wrapped.iter_mut().for_each(|tap| *tap = tap.conj());
        }
        wrapped
    }

    /// The transfer function of kernel `index` on the grid `[n0, n1]`, transposed: `[n1][n0]`; conjugated for the
    /// adjoint. Empty if the kernels are in space.
    pub(super) fn transfer(
        &self,
        index: usize,
        [n0, n1]: [usize; 2],
        adjoint: bool,
    ) -> Vec<Complex<f64>> {
        let plane = index * n0 * n1..(index + 1) * n0 * n1;
        let complex = |value: &Complex<K::Real>| {
            let im = if adjoint { -value.im } else { value.im };
            Complex::new(value.re.widen(), im.widen())
        };
        match &self.values {
            Values::Space(_) => Vec::new(),
            Values::RealTransfer(values) => {
                transposed(&values[plane], n1, |re| Complex::from(re.widen()))
            }
            Values::Transfer(values) => transposed(&values[plane], n1, complex),
            Values::Bands(bands) => {
                // Zeros from the system: a band leaves most of them as they are.
                let mut hat: Vec<Complex<f64>> = bytemuck::zeroed_vec(n0 * n1);
                for run in bands[index].runs(0) {
                    let column = &mut hat[wrap(run.start[1], n1) * n0..][..n0];
                    let (before, after) = column.split_at_mut(wrap(run.start[0], n0));
                    let places = after.iter_mut().chain(before);
                    for (to, value) in places.zip(run.values) {
                        to.re = value.widen();
                    }
                }
                hat
            }
        }
    }
}

/// Rows of `columns` values as columns; `BAND` rows at a time, so that what is written stands together.
fn transposed<V>(
    rows: &[V],
    columns: usize,
    value: impl Fn(&V) -> Complex<f64>,
) -> Vec<Complex<f64>> {
    const BAND: usize = 8;
    let height = rows.len() / columns;
    let mut to = bytemuck::zeroed_vec(rows.len());
    for (band, rows) in rows.chunks(BAND * columns).enumerate() {
        for c in 0..columns {
            let to = &mut to[c * height + band * BAND..];
            for (to, row) in to.iter_mut().zip(rows.chunks_exact(columns)) {
                *to = value(&row[c]);
            }
        }
    }
    to
}

/// The index of the `index`-th element of an array of this shape, in row-major order.
pub(super) fn position(shape: &[usize], mut index: usize) -> Vec<usize> {
    let mut position = shape.to_vec();
    for (at, len) in position.iter_mut().zip(shape).rev() {
        *at = index % len;
        index /= len;
    }
    position
}

impl<T: Real> Kernels<Complex<T>> {
    /// Kernels by their transfer functions on the grid of the input, in natural DFT order, for circular convolution.
    ///
    /// **Shape** `[kernels.., N..]`. The values are real or complex; in space such a kernel is complex in general, and
    /// so is the output. Real transfer functions take half the memory and half the products, and wherever one is zero
    /// it costs nothing.
    pub fn fourier<C, S, D>(transfer: &ArrayBase<S, D>) -> Self
    where
        C: Sample<Real = T>,
        S: Data<Elem = C>,
        D: Dimension,
    {
        let values = if C::COMPLEX {
            let complex = |value: &C| Complex::new(value.re(), value.im());
            Values::Transfer(transfer.iter().map(complex).collect())
        } else {
            Values::RealTransfer(transfer.iter().map(|value| value.re()).collect())
        };
        Self {
            shape: transfer.shape().to_vec(),
            values,
        }
    }
}

impl<K: Sample, S: Data<Elem = K>, D: Dimension> From<&ArrayBase<S, D>> for Kernels<K> {
    fn from(taps: &ArrayBase<S, D>) -> Self {
        Self::space(taps)
    }
}

impl<K: Sample> From<&Kernels<K>> for Kernels<K> {
    fn from(kernels: &Kernels<K>) -> Self {
        kernels.clone()
    }
}

impl<T: Real> From<&Band<T, 2>> for Kernels<Complex<T>> {
    fn from(band: &Band<T, 2>) -> Self {
        Self {
            shape: band.grid().shape.to_vec(),
            values: Values::Bands([band.clone()].into()),
        }
    }
}

impl<T: Real> From<&FilterBank2d<T>> for Kernels<Complex<T>> {
    fn from(bank: &FilterBank2d<T>) -> Self {
        let bands: Arc<[_]> = bank
            .wavelets()
            .iter()
            .map(|wavelet| bank.psi(wavelet.j, wavelet.l).clone())
            .collect();
        let [n0, n1] = bank.grid().shape;
        Self {
            shape: vec![bands.len(), n0, n1],
            values: Values::Bands(bands),
        }
    }
}
