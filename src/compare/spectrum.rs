//! Spectra of kernels on a finer grid of frequencies than their own samples have.

use ndarray::{Array2, s};

use crate::fft;
use crate::num::Complex;

/// |k̂(ω)| of a real kernel on a DFT grid of `shape`, natural order: the kernel is followed by zeros.
///
/// `shape` is at least the kernel's along each axis.
pub(super) fn modulus(kernel: &Array2<f64>, shape: [usize; 2]) -> Array2<f64> {
    let (rows, columns) = kernel.dim();
    debug_assert!(rows <= shape[0] && columns <= shape[1], "{shape:?}");
    let mut padded = Array2::<Complex<f64>>::zeros(shape);
    padded
        .slice_mut(s![..rows, ..columns])
        .assign(&kernel.mapv(|value| Complex::new(value, 0.0)));
    // The inverse transform of a real array is the conjugate of its forward transform, over the number of samples.
    let samples = padded.len() as f64;
    fft::inverse(padded).mapv(|value| samples * value.norm())
}
