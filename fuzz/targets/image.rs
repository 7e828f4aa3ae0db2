//! Files of images of every kind, told by their content: pictures, animations, TIFF, FITS, arrays and archives of them.

#![no_main]

mod file;

use libfuzzer_sys::fuzz_target;
use wavelet_scattering::io::{ImageOptions, InputFile, Pages};

fuzz_target!(|bytes: &[u8]| {
    // A header of a few bytes promises millions of images of one pixel.
    const MOST: usize = 50;
    let path = file::file("image", bytes);
    let all = ImageOptions::default();
    let Ok(input) = InputFile::open(&path, &all) else {
        return;
    };
    let streamed = InputFile::from_reader("stream", bytes, &all).expect("what is a file is a stream");
    assert_eq!(streamed.leading(), input.leading());
    let count = input.len().min(MOST);
    let Ok(images) = input.images_in::<f32>(0..count) else {
        return;
    };
    for (index, image) in images.enumerate() {
        let Ok(image) = image else { continue };
        assert_eq!(image.shape(), [&[1], &input.size(index)[..]].concat());
        let small = ImageOptions {
            resize: Some([5, 7]),
            pages: Pages::Range {
                from: index + 1,
                to: index + 1,
            },
            ..ImageOptions::default()
        };
        let again = InputFile::open(&path, &small).expect("what is opened once is opened again");
        let mut again = again.images::<f32>().expect("what is read once is read again");
        let small = again.next().expect("the page that is wanted");
        assert_eq!(small.expect("the same image").shape(), [1, 5, 7]);
    }
});
