//! Data sets in IDX files: images and the labels behind them, from where a labels file or a second compressed file first
//! begins. The same files train and test.

#![no_main]

mod file;

use libfuzzer_sys::fuzz_target;
use wavelet_scattering::io::read_dataset;

/// How a labels file begins: unsigned bytes along one axis.
const LABELS: [u8; 4] = [0, 0, 8, 1];

/// How a compressed file begins.
const GZIP: [u8; 3] = [0x1F, 0x8B, 8];

fuzz_target!(|bytes: &[u8]| {
    let is_head = |&at: &usize| bytes[at..].starts_with(&LABELS) || bytes[at..].starts_with(&GZIP);
    let head = (1..bytes.len()).find(is_head);
    let (images, labels) = bytes.split_at(head.unwrap_or(bytes.len()));
    for half in ["train", "t10k"] {
        file::file(&format!("{half}-images-idx3-ubyte"), images);
        file::file(&format!("{half}-labels-idx1-ubyte"), labels);
    }
    if let Ok(set) = read_dataset(file::folder()) {
        for half in [set.train, set.test] {
            half.check().expect("images, labels and classes that fit");
        }
    }
});
