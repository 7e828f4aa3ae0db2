//! Weights in safetensors files.

#![no_main]

mod file;

use libfuzzer_sys::fuzz_target;
use wavelet_scattering::io::read_weights;

fuzz_target!(|bytes: &[u8]| {
    let path = file::file("weights.safetensors", bytes);
    if let Ok(weights) = read_weights(&path, None, None) {
        let again = read_weights(&path, Some(&weights.tensor), Some(weights.axes));
        let again = again.expect("the tensor that was found");
        assert_eq!(weights.kernels.shape(), again.kernels.shape());
    }
});
