//! Data sets in NumPy archives.

#![no_main]

mod file;

use libfuzzer_sys::fuzz_target;
use wavelet_scattering::io::read_dataset;

fuzz_target!(|bytes: &[u8]| {
    let path = file::file("set.npz", bytes);
    if let Ok(set) = read_dataset(path) {
        for half in [set.train, set.test] {
            half.check().expect("images, labels and classes that fit");
        }
    }
});
