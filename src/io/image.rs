//! Images from files and from memory, in one call.
//!
//! In comes a path, or pixels that something else decoded; out comes `[channels, H, W]`, which is what the transforms take.
//! What becomes of values, colours, alpha and size say [`ImageOptions`] and, in short:
//!
//! - Integers become fractions of their range, computed in `f64`: v / 255 for 8 bits, v / 65535 for 16. Float formats are
//!   taken as they are, also outside [0, 1].
//! - Grey is the luma of Rec. 709 of the stored values; alpha is composited on black.
//! - The orientation that a camera noted in the file (Exif) is applied: axis 0 is down and axis 1 is right as a viewer
//!   shows the picture.
//! - Resizing is linear interpolation when enlarging, and the same triangle widened to the coarser grid when shrinking.
//!   That is BILINEAR of Pillow; it averages fine texture, stays within the range of the samples and has no ringing
//!   beside edges, which band-pass filters would see.
//!
//! Leaves out: colour profiles.

use std::path::Path;

use image::DynamicImage;
use ndarray::Array3;

use super::input::InputFile;
use super::options::ImageOptions;
use super::pixels::{check_memory, finish, planes_of};
use crate::num::Real;
use crate::{Error, Result};

/// The one image of a file, of any kind that [`InputFile`] opens.
///
/// **Shape** `[channels, H, W]`, 1 or 3 channels.
///
/// **Units** [0, 1] for integer formats; the [module](self) says how colour, alpha, orientation and size are treated.
///
/// # Errors
/// As [`InputFile::open`] and [`InputFile::images`]; [`Error::BadFile`] for a file of several images, unless
/// [`ImageOptions::pages`] says which one is meant.
pub fn read_image<T: Real>(path: impl AsRef<Path>, options: &ImageOptions) -> Result<Array3<T>> {
    let input = InputFile::open(path, options)?;
    if input.len() > 1 {
        return Err(Error::bad_file(
            input.path(),
            format!(
                "it holds {} images where one is expected; say which one, as {}",
                input.len(),
                input.label(0)
            ),
        ));
    }
    match input.images()?.next() {
        Some(image) => image,
        None => Err(Error::bad_file(input.path(), "it holds no image")),
    }
}

/// One image that is in memory already, by the rules of files.
///
/// Alpha, where there is one, is taken for not yet multiplied, as `image` has it. Whatever orientation a file had has
/// been applied or not by whoever decoded it.
///
/// **Shape** `[channels, H, W]`, 1 or 3 channels.
///
/// **Units** [0, 1] for samples of 8 and 16 bits, floats as they are.
///
/// # Errors
/// [`Error::Empty`] without pixels; [`Error::InvalidParameter`] for a size that is 0 or beyond memory.
///
/// ```
/// use wavelet_scattering::image::{DynamicImage, RgbImage};
/// use wavelet_scattering::io::{ImageOptions, image_array};
///
/// // A camera, a decoder of another format, a widget: whatever gives pixels.
/// let picture = RgbImage::from_fn(4, 2, |x, _| [51 * x as u8; 3].into());
/// let samples = image_array::<f32>(&DynamicImage::from(picture), &ImageOptions::default())?;
/// assert_eq!(samples.shape(), [1, 2, 4]);
/// assert_eq!(samples[[0, 1, 3]], 0.6);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn image_array<T: Real>(image: &DynamicImage, options: &ImageOptions) -> Result<Array3<T>> {
    options.check()?;
    let size = [image.height() as usize, image.width() as usize];
    if size.contains(&0) {
        return Err(Error::Empty {
            shape: size.to_vec(),
        });
    }
    let name = Path::new("the image in memory");
    if options.resize.is_some() {
        check_memory::<f64>(size, options, 0)?;
        return finish(name, planes_of::<f64>(image, options, false, None), options);
    }
    check_memory::<T>(size, options, 0)?;
    finish(name, planes_of::<T>(image, options, false, None), options)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use image::{ImageBuffer, Rgb, Rgba};

    use super::super::options::{Color, NanPolicy, Pages, Values};
    use super::super::resize::resize;
    use super::*;

    const GRAY: ImageOptions = ImageOptions {
        color: Color::Gray,
        resize: None,
        pages: Pages::All,
        values: Values::Unit,
        nan: NanPolicy::Keep,
        channels_last: false,
    };
    const RGB: ImageOptions = ImageOptions {
        color: Color::Rgb,
        ..GRAY
    };

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/images")
            .join(name)
    }

    /// The grey ramp of the fixtures, as bytes.
    fn ramp() -> Vec<f64> {
        (0..12).map(|k| f64::from(20 * k)).collect()
    }

    fn samples(name: &str, options: &ImageOptions) -> Vec<f64> {
        read_image(data(name), options)
            .unwrap()
            .into_raw_vec_and_offset()
            .0
    }

    #[test]
    fn grey_files_of_8_and_16_bits_are_exact_fractions() {
        let eight: Vec<f64> = ramp().iter().map(|v| v / 255.0).collect();
        assert_eq!(
            read_image::<f64>(data("gray8.png"), &GRAY).unwrap().shape(),
            [1, 3, 4]
        );
        assert_eq!(samples("gray8.png", &GRAY), eight);
        assert_eq!(
            samples("gray8.bmp", &GRAY),
            eight,
            "a palette of equal R, G and B"
        );
        let sixteen: Vec<f64> = (0..12).map(|k| f64::from(5957 * k) / 65535.0).collect();
        assert_eq!(samples("gray16.png", &GRAY), sixteen);
        assert_eq!(samples("gray16.png", &RGB), sixteen.repeat(3));
        assert_eq!(samples("bits.png", &GRAY), [1.0, 0.0, 0.0, 1.0]);
        let single = read_image::<f32>(data("gray8.png"), &GRAY).unwrap();
        assert!(single.iter().zip(&eight).all(|(&s, &e)| s == e as f32));
    }

    #[test]
    fn colour_becomes_planes_or_the_luma_of_rec_709() {
        let ramp = ramp();
        let channels = [
            ramp.clone(),
            ramp.iter().map(|v| 255.0 - v).collect(),
            ramp.iter().map(|v| v / 2.0).collect(),
        ];
        let rgb = samples("rgb8.png", &RGB);
        let gray = samples("rgb8.png", &GRAY);
        for i in 0..12 {
            let [r, g, b] = [0, 1, 2].map(|c| channels[c][i] / 255.0);
            assert_eq!([rgb[i], rgb[12 + i], rgb[24 + i]], [r, g, b]);
            assert!((gray[i] - (0.2126 * r + 0.7152 * g + 0.0722 * b)).abs() < 1e-15);
        }
    }

    #[test]
    fn alpha_is_composited_on_black() {
        let ramp = ramp();
        let expected: Vec<f64> = ramp
            .iter()
            .map(|v| v / 255.0 * ((255.0 - v) / 255.0))
            .collect();
        assert_eq!(samples("gray_alpha.png", &GRAY), expected);
        let rgba = samples("rgba.png", &RGB);
        for i in 0..12 {
            let alpha = 17.0 * i as f64 / 255.0;
            assert_eq!(rgba[12 + i], (255.0 - ramp[i]) / 255.0 * alpha);
        }
    }

    #[test]
    fn images_in_memory_are_taken_by_the_rules_of_files() {
        let halved = ImageOptions {
            color: Color::Rgb,
            resize: Some([2, 2]),
            ..GRAY
        };
        for name in [
            "gray8.png",
            "gray16.png",
            "gray_alpha.png",
            "rgb8.png",
            "rgba.png",
        ] {
            let decoded = image::open(data(name)).unwrap();
            for options in [&GRAY, &RGB, &halved] {
                assert_eq!(
                    image_array::<f64>(&decoded, options).unwrap(),
                    read_image::<f64>(data(name), options).unwrap(),
                    "{name}"
                );
            }
        }
        let none = DynamicImage::new_luma8(0, 3);
        assert!(matches!(
            image_array::<f32>(&none, &GRAY),
            Err(Error::Empty { shape }) if shape == [3, 0]
        ));
        let pixel = DynamicImage::new_luma8(1, 1);
        let nothing = ImageOptions {
            resize: Some([0, 1]),
            ..GRAY
        };
        assert!(matches!(
            image_array::<f32>(&pixel, &nothing),
            Err(Error::InvalidParameter { name: "resize", .. })
        ));
    }

    #[test]
    fn float_formats_are_neither_clamped_nor_scaled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.exr");
        let image = ImageBuffer::from_pixel(2, 1, Rgba([3.0_f32, -1.0, 0.5, 0.5]));
        DynamicImage::ImageRgba32F(image).save(&path).unwrap();
        let exr = read_image::<f32>(&path, &RGB).unwrap();
        assert_eq!(
            exr.as_slice().unwrap(),
            [3.0, 3.0, -1.0, -1.0, 0.5, 0.5],
            "EXR stores colour times alpha"
        );

        let image = ImageBuffer::from_fn(2, 1, |x, _| Rgb([[-0.5_f32, 4.0][x as usize]; 3]));
        DynamicImage::ImageRgb32F(image).save(&path).unwrap();
        let halved = ImageOptions {
            resize: Some([1, 1]),
            ..GRAY
        };
        assert_eq!(
            read_image::<f64>(&path, &halved)
                .unwrap()
                .as_slice()
                .unwrap(),
            [1.75]
        );

        assert_eq!(samples("float.tiff", &GRAY), [-0.5, 0.25, 1.5, 4.0]);
    }

    #[test]
    fn the_orientation_noted_by_a_camera_is_applied() {
        let upright = read_image::<f64>(data("orientation_6.jpg"), &GRAY).unwrap();
        assert_eq!(upright.shape(), [1, 16, 8]);
        for ([_, y, _], &v) in upright.indexed_iter().map(|((c, y, x), v)| ([c, y, x], v)) {
            assert_eq!(v, if y < 8 { 1.0 } else { 0.0 });
        }
    }

    #[test]
    fn resizing_equals_pillow() {
        let plane: Vec<f64> = (0..9 * 13).map(|k| f64::from(k * k % 23)).collect();
        for [h, w] in [[4, 5], [20, 7]] {
            let got = resize(&plane, [9, 13], [h, w]).unwrap();
            let pillow =
                super::super::NpyFile::open(data(&format!("resized_{h}_{w}.npy"))).unwrap();
            let pillow = pillow.read::<f64>().unwrap();
            // Pillow rounds to f32 after each axis.
            let error = crate::num::relative_error(got, pillow);
            assert!(error < 1e-7, "{error}");
        }
    }

    #[test]
    fn resizing_gives_the_size_asked_for_and_refuses_none() {
        let options = ImageOptions {
            color: Color::Rgb,
            resize: Some([5, 2]),
            ..GRAY
        };
        assert_eq!(
            read_image::<f32>(data("rgba.png"), &options)
                .unwrap()
                .shape(),
            [3, 5, 2]
        );
        let none = ImageOptions {
            resize: Some([5, 0]),
            ..GRAY
        };
        assert!(matches!(
            read_image::<f32>(data("rgba.png"), &none),
            Err(Error::InvalidParameter { .. })
        ));
    }

    #[test]
    fn the_content_tells_the_format_before_the_extension() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x.jpg", "x", "x.txt"] {
            let path = folder.path().join(name);
            fs::copy(data("gray8.png"), &path).unwrap();
            assert!(read_image::<f32>(&path, &GRAY).is_ok(), "{name}");
        }
    }

    #[test]
    fn damaged_cut_and_foreign_files_are_errors_that_name_them() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let error = read_image::<f32>(&path, &GRAY).unwrap_err();
            assert!(matches!(error, Error::BadFile { .. }), "{error}");
            assert!(error.to_string().contains(name), "{error}");
            error.to_string()
        };
        for name in [
            "gray8.png",
            "gray16.png",
            "gray8.bmp",
            "float.tiff",
            "orientation_6.jpg",
        ] {
            let bytes = fs::read(data(name)).unwrap();
            for share in [1, 2, 3, 4] {
                refused(name, &bytes[..bytes.len() * share / 5]);
            }
        }
        let jpeg = fs::read(data("orientation_6.jpg")).unwrap();
        assert!(refused("a.jpg", &jpeg[..jpeg.len() - 3]).contains("cut off"));
        assert!(refused("a.txt", b"plain text").contains("formats: "));
        refused("a.png", b"plain text");
        refused("empty.png", b"");
        let missing = read_image::<f32>(folder.path().join("absent.png"), &GRAY);
        assert!(matches!(missing, Err(Error::File { .. })));
        assert!(matches!(
            read_image::<f32>(folder.path(), &GRAY),
            Err(Error::File { .. })
        ));
    }

    #[test]
    fn no_format_returns_half_an_image() {
        let noise = (0..40 * 40 * 3_u32)
            .map(|k| (k.wrapping_mul(2_654_435_761) >> 13) as u8)
            .collect();
        let bytes = DynamicImage::ImageRgb8(ImageBuffer::from_raw(40, 40, noise).unwrap());
        let floats = DynamicImage::ImageRgb32F(bytes.to_rgb32f());
        let words = DynamicImage::ImageRgba16(bytes.to_rgba16());
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "bmp", "exr", "ff", "gif", "hdr", "jpg", "png", "ppm", "qoi", "tga", "tiff", "webp",
        ] {
            let path = folder.path().join(format!("x.{name}"));
            let image = match name {
                "exr" | "hdr" => &floats,
                "ff" => &words,
                _ => &bytes,
            };
            image.save(&path).unwrap();
            assert!(read_image::<f32>(&path, &GRAY).is_ok(), "{name}");
            let whole = fs::read(&path).unwrap();
            for part in 1..8 {
                fs::write(&path, &whole[..whole.len() * part / 8]).unwrap();
                assert!(read_image::<f32>(&path, &GRAY).is_err(), "{name} {part}/8");
            }
        }
    }

    #[test]
    fn an_image_beyond_the_decoders_limit_is_refused_with_the_limit() {
        // A PNG header that promises 60000 x 60000 pixels; the check comes before the pixels.
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend(60_000_u32.to_be_bytes());
        png.extend(60_000_u32.to_be_bytes());
        png.extend([8, 2, 0, 0, 0]);
        png.extend(0x0FB0_E215_u32.to_be_bytes());
        png.extend(b"\0\0\0\0IDAT");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.png");
        fs::write(&path, &png).unwrap();
        let message = read_image::<f32>(&path, &GRAY).unwrap_err().to_string();
        assert!(message.contains("512 MiB"), "{message}");
    }
}
