//! Fourier transforms: [`Line`], for as many lines at once as a vector has lanes.
//!
//! DFT signs are those of the crate, forward exp(−2πi·kn/N); nothing is scaled here, since callers fold 1/N into a factor
//! they apply anyway.

mod line;

pub(crate) use line::{Line, line_cost};

use ndarray::{Array, Axis, Dimension};
use num_complex::Complex;
use rustfft::{FftDirection, FftPlanner};

/// The DFT of dense samples along all axes; for filters and pictures, not for the hot path.
pub(crate) fn forward<D: Dimension>(x: Array<Complex<f64>, D>) -> Array<Complex<f64>, D> {
    transform(x, FftDirection::Forward)
}

/// The inverse DFT of a dense spectrum along all axes, with its 1/N; for filters and pictures, not for the hot path.
pub(crate) fn inverse<D: Dimension>(hat: Array<Complex<f64>, D>) -> Array<Complex<f64>, D> {
    let scale = 1.0 / hat.len() as f64;
    transform(hat, FftDirection::Inverse).mapv_into(|value| value * scale)
}

fn transform<D: Dimension>(
    mut array: Array<Complex<f64>, D>,
    direction: FftDirection,
) -> Array<Complex<f64>, D> {
    let mut planner = FftPlanner::new();
    for axis in 0..array.ndim() {
        let fft = planner.plan_fft(array.len_of(Axis(axis)), direction);
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
