//! A scattering transform for `check.mjs`, one number a call, so that nothing has to be known of memory.

#![allow(non_snake_case)]

use std::sync::Mutex;

use ndarray::ArrayView2;
use wavelet_scattering::conv::{Convolution1d, Planning};
use wavelet_scattering::{Error, Scattering2d};

static INPUT: Mutex<Vec<f64>> = Mutex::new(Vec::new());
static OUTPUT: Mutex<Vec<f64>> = Mutex::new(Vec::new());

/// One more sample of the image.
#[unsafe(no_mangle)]
pub extern "C" fn push(sample: f64) {
    INPUT.lock().unwrap().push(sample);
}

/// Transforms the image, and returns how many coefficients that gives.
#[unsafe(no_mangle)]
pub extern "C" fn transform(rows: usize, columns: usize, J: usize, L: usize) -> usize {
    let input = INPUT.lock().unwrap();
    let image = ArrayView2::from_shape((rows, columns), &input[..]).unwrap();
    let plan = Scattering2d::params([rows, columns], J).L(L).plan::<f64>();
    let features = plan.unwrap().transform(&image).unwrap();
    let mut output = OUTPUT.lock().unwrap();
    output.extend(features.array());
    output.len()
}

/// Coefficient `i`.
#[unsafe(no_mangle)]
pub extern "C" fn coefficient(i: usize) -> f64 {
    OUTPUT.lock().unwrap()[i]
}

/// Whether a plan beyond the address space is refused, as everywhere else.
#[unsafe(no_mangle)]
pub extern "C" fn refuses_what_cannot_fit() -> bool {
    let plan = Scattering2d::params([30_000, 30_000], 3).plan::<f64>();
    matches!(plan, Err(Error::OutOfMemory { .. }))
}

/// Whether a plan that would have to ask a clock is refused, since there is none.
#[unsafe(no_mangle)]
pub extern "C" fn refuses_to_measure() -> bool {
    let params = Convolution1d::params([1000]).planning(Planning::Measure);
    let plan = params.plan::<f32, _>(&ndarray::Array1::<f32>::ones(30));
    matches!(plan, Err(Error::InvalidParameter { name: "planning", .. }))
}
