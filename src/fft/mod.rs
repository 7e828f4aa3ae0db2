//! Fourier transforms: [`Line`], for as many lines at once as a vector has lanes.
//!
//! DFT signs are those of the crate, forward exp(−2πi·kn/N); nothing is scaled here, since callers fold 1/N into a factor
//! they apply anyway.

mod line;
mod radices;

pub(crate) use line::Line;
pub(crate) use radices::{good_lengths, line_cost, sides_of_line};

use ndarray::{Array2, Axis};
use num_complex::Complex;
use rustfft::FftPlanner;

/// The inverse DFT of a dense spectrum, with its 1/N; for filters and pictures, not for the hot path.
pub(crate) fn inverse_2d(mut hat: Array2<Complex<f64>>) -> Array2<Complex<f64>> {
    let mut planner = FftPlanner::new();
    for axis in 0..2 {
        let fft = planner.plan_fft_inverse(hat.len_of(Axis(axis)));
        let mut lane = Vec::with_capacity(fft.len());
        for mut samples in hat.lanes_mut(Axis(axis)) {
            lane.clear();
            lane.extend(samples.iter());
            fft.process(&mut lane);
            samples
                .iter_mut()
                .zip(&lane)
                .for_each(|(to, from)| *to = *from);
        }
    }
    let scale = 1.0 / hat.len() as f64;
    hat.mapv_into(|value| value * scale)
}
