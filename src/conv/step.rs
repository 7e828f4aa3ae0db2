//! One layer: multiply, fold, inverse FFT, modulus.
//!
//! Comes in: the half spectrum of a real plane on level `from`, a wavelet's [`Band`]. Goes out: the plane
//! U = |x ⋆ ψ| on the coarser level `to`.
//!
//! ```text
//! ẑ[m] = Σ_{k ≡ m mod n·2^(from−to)} x̂[k]·ψ̂[k]          fold: the aliases of a spectrum that is subsampled in space
//! U[n]  = |IDFT(ẑ)[n]| / (samples on level `from`)       the mean over aliases and 1/N of the inverse, together
//! ```
//!
//! Source: Mallat, "Group invariant scattering", 2012; the subsampling by folding is Kymatio's and ScatNet's.

use num_complex::Complex;

use crate::fft::PlaneFft;
use crate::filters::{Band, Run};
use crate::grid::{Grid, wrap};
use crate::kernels::scalar as kernels;
use crate::num::Real;

/// Scratch of one layer, long enough for the largest grid it is used on.
#[derive(Debug)]
pub(crate) struct StepScratch<T> {
    /// A spectrum, or the rows of a half spectrum.
    pub spectrum: Vec<Complex<T>>,
    /// A complex plane.
    pub plane: Vec<Complex<T>>,
    /// What the FFTs ask for.
    pub fft: Vec<Complex<T>>,
}

impl<T: Real> StepScratch<T> {
    /// Scratch for all these grids.
    pub fn new(planes: &[PlaneFft<T>]) -> Self {
        let longest = |len: fn(&PlaneFft<T>) -> usize| planes.iter().map(len).max().unwrap_or(0);
        let plane = longest(|fft| fft.grid().len().max(fft.half_len()));
        let zeros = |len| vec![Complex::new(T::zero(), T::zero()); len];
        Self {
            spectrum: zeros(plane),
            plane: zeros(plane),
            fft: zeros(longest(PlaneFft::scratch_len)),
        }
    }
}

/// U = |x ⋆ ψ|, from the half spectrum of x on level `from` to a plane on the grid of `to`.
pub(crate) fn wavelet_modulus<T: Real>(
    half: &[Complex<T>],
    from: (usize, Grid<2>),
    psi: &Band<T>,
    to: &PlaneFft<T>,
    u: &mut [T],
    scratch: &mut StepScratch<T>,
) {
    let (level, grid) = from;
    let samples = to.grid().len();
    let spectrum = &mut scratch.spectrum[..samples];
    multiply_fold(half, grid, psi, level, spectrum, to.grid());
    to.inverse(spectrum, &mut scratch.plane, &mut scratch.fft);
    let scale = T::narrow(1.0 / grid.len() as f64);
    kernels::modulus(&mut u[..samples], &scratch.plane[..samples], scale);
}

/// ẑ = fold(x̂·ψ̂) for real x, given by its half spectrum `[n1/2 + 1][n0]`; ẑ is a full spectrum `[m1][m0]`.
fn multiply_fold<T: Real>(
    half: &[Complex<T>],
    from: Grid<2>,
    psi: &Band<T>,
    level: usize,
    folded: &mut [Complex<T>],
    to: Grid<2>,
) {
    let [n0, _] = from.shape;
    let [m0, m1] = to.shape;
    folded.fill(Complex::new(T::zero(), T::zero()));
    for Run { k1, k0, values } in psi.runs(level) {
        let mirrored = k1 < 0;
        let source = &half[k1.unsigned_abs() as usize * n0..][..n0];
        let target = &mut folded[wrap(k1, m1) * m0..][..m0];
        let mut done = 0;
        while done < values.len() {
            // The longest piece along which neither side wraps around.
            let k = k0 + done as i64;
            let at = wrap(k, m0);
            let room = (values.len() - done).min(m0 - at);
            let len = if mirrored {
                let first = wrap(-k, n0); // and downwards from here
                let len = room.min(first + 1);
                let piece = &source[first + 1 - len..=first];
                kernels::multiply_add_mirrored(
                    &mut target[at..at + len],
                    &values[done..done + len],
                    piece,
                );
                len
            } else {
                let first = wrap(k, n0);
                let len = room.min(n0 - first);
                kernels::multiply_add(
                    &mut target[at..at + len],
                    &values[done..done + len],
                    &source[first..first + len],
                );
                len
            };
            done += len;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::FilterBank2d;
    use ndarray::Array2;
    use realfft::RealFftPlanner;
    use rustfft::FftPlanner;

    /// |Σ_m x(m)·ψ(n − m)| on every 2^step-th sample, circularly: the definition, in space.
    fn slow(x: &Array2<f64>, psi: &Array2<Complex<f64>>, step: usize) -> Array2<f64> {
        let [n0, n1] = [x.nrows(), x.ncols()];
        Array2::from_shape_fn([n0 / step, n1 / step], |(i, k)| {
            let mut sum = Complex::new(0.0, 0.0);
            for ((a, b), &value) in x.indexed_iter() {
                sum += psi[[(i * step + n0 - a) % n0, (k * step + n1 - b) % n1]] * value;
            }
            sum.norm()
        })
    }

    #[test]
    fn a_layer_equals_convolution_in_space_by_the_definition() {
        for (shape, J) in [([8, 12], 3), ([16, 8], 3), ([12, 20], 2), ([7, 5], 1)] {
            let bank = FilterBank2d::params(shape, J).L(3).build::<f64>().unwrap();
            let x = Array2::from_shape_fn(shape, |(i, k)| ((3 * i + k * k) as f64).sin() + 0.2);
            let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
            let grid = Grid::new(shape);
            let planes: Vec<_> = (0..J)
                .map_while(|level| grid.at_level(level))
                .map(|grid| PlaneFft::new(grid, &mut real, &mut complex))
                .collect();
            let mut scratch = StepScratch::new(&planes);
            scratch.spectrum.fill(Complex::new(f64::NAN, 0.0)); // dirty
            let mut half = vec![Complex::new(f64::NAN, 0.0); planes[0].half_len()];
            let mut plane = x.clone().into_raw_vec_and_offset().0;
            planes[0].forward(&mut plane, &mut half, &mut scratch.plane, &mut scratch.fft);
            for wavelet in bank.wavelets().iter() {
                let psi = bank.psi(wavelet.j, wavelet.l);
                for level in 0..=wavelet.j.min(planes.len() - 1) {
                    wavelet_modulus(
                        &half,
                        (0, grid),
                        psi,
                        &planes[level],
                        &mut plane,
                        &mut scratch,
                    );
                    let expected = slow(&x, &bank.psi_in_space(wavelet.j, wavelet.l), 1 << level);
                    let got = &plane[..expected.len()];
                    let error = got
                        .iter()
                        .zip(&expected)
                        .map(|(g, e)| (g - e).abs())
                        .fold(0.0, f64::max);
                    assert!(
                        error < 1e-12,
                        "{shape:?}, {wavelet:?}, level {level}: {error:e}"
                    );
                }
            }
        }
    }
}
