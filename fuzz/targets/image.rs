//! Image files of every format, told by their content.

#![no_main]

mod file;

use libfuzzer_sys::fuzz_target;
use wavelet_scattering::io::{Color, ImageOptions, read_image};

fuzz_target!(|bytes: &[u8]| {
    let path = file::file("image", bytes);
    let whole = ImageOptions::default();
    if let Ok(image) = read_image::<f32>(&path, &whole) {
        assert!(!image.is_empty());
        let small = ImageOptions {
            color: Color::Rgb,
            resize: Some([5, 7]),
        };
        let small = read_image::<f32>(&path, &small).expect("what is read once is read again");
        assert_eq!(small.shape(), [3, 5, 7]);
    }
});
