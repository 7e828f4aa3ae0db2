//! Fourier transforms: [`Line`], for as many lines at once as a vector has lanes.
//!
//! DFT signs are those of the crate, forward exp(−2πi·kn/N); nothing is scaled here, since callers fold 1/N into a factor
//! they apply anyway.

mod line;
mod radices;
pub(crate) mod spectrum;

pub(crate) use line::Line;
pub(crate) use radices::{good_lengths, line_cost, sides_of_cells, sides_of_line};

use std::f64::consts::PI;
use std::sync::Arc;

use ndarray::{Array, Axis, Dimension};
use num_complex::Complex;
use rustfft::Fft;

use crate::kernels::any_length::AnyLength;

/// exp(2πi·t/n) for t < n, as the product of two of about 2·√n values, which takes a few roundings and no sine and cosine.
pub(crate) fn roots(n: usize) -> impl Fn(usize) -> Complex<f64> {
    let log2_step = n.ilog2().div_ceil(2);
    let root = |t: usize| Complex::cis(2.0 * PI * t as f64 / n as f64);
    let fine: Vec<_> = (0..1 << log2_step).map(root).collect();
    let coarse: Vec<_> = (0..=n >> log2_step).map(|t| root(t << log2_step)).collect();
    move |t| coarse[t >> log2_step] * fine[t & ((1 << log2_step) - 1)]
}

/// The DFT of dense samples along all axes; for filters and pictures, not for the hot path.
pub(crate) fn forward<D: Dimension>(x: Array<Complex<f64>, D>) -> Array<Complex<f64>, D> {
    transform(x, f64::forward)
}

/// The inverse DFT of a dense spectrum along all axes, with its 1/N; for filters and pictures, not for the hot path.
pub(crate) fn inverse<D: Dimension>(hat: Array<Complex<f64>, D>) -> Array<Complex<f64>, D> {
    let scale = 1.0 / hat.len() as f64;
    transform(hat, f64::inverse).mapv_into(|value| value * scale)
}

fn transform<D: Dimension>(
    mut array: Array<Complex<f64>, D>,
    plan: fn(usize) -> Arc<dyn Fft<f64>>,
) -> Array<Complex<f64>, D> {
    for axis in 0..array.ndim() {
        let fft = plan(array.len_of(Axis(axis)));
        let mut lane = Vec::with_capacity(fft.len());
        for mut samples in array.lanes_mut(Axis(axis)) {
            lane.clear();
            lane.extend(samples.iter());
            fft.process(&mut lane);
            samples
                .iter_mut()
                .zip(&lane)
                .for_each(|(to, from)| *to = *from);
        }
    }
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_cosines_and_sines_but_for_roundings() {
        for n in [1, 2, 3, 1000, 4096, 1 << 20] {
            let root = roots(n);
            for t in (0..n).step_by(1 + n / 5000) {
                // The angle is rounded at 2π at most, twice, and so are a product and a sum of each part.
                let error = (root(t) - Complex::cis(2.0 * PI * t as f64 / n as f64)).norm();
                assert!(error < 8.0 * f64::EPSILON, "{t} of {n}: {error:e}");
            }
        }
    }
}
