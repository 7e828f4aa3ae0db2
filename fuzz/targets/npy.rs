//! Arrays that NumPy saved: whole, and as a stack of images that is read a few rows at a time.

#![no_main]

mod file;

use libfuzzer_sys::fuzz_target;
use wavelet_scattering::io::NpyFile;

fuzz_target!(|bytes: &[u8]| {
    let path = file::file("array.npy", bytes);
    let Ok(mut stack) = NpyFile::open(&path) else {
        return;
    };
    if let Ok(array) = NpyFile::open(&path).and_then(NpyFile::read::<f64>) {
        assert_eq!(array.shape(), stack.shape());
        assert_eq!(array.len(), stack.remaining());
        let mut whole = array.iter();
        let image: usize = stack.shape().iter().skip(1).product();
        while stack.remaining() > 0 {
            let rows = (stack.remaining() / image.max(1)).min(3);
            let samples: Vec<f64> = stack.read_rows(rows, image).expect("the samples are there");
            for sample in samples {
                let expected = *whole.next().expect("as many samples in parts as in one");
                assert_eq!(sample.to_bits(), expected.to_bits());
            }
        }
    }
});
