//! Images from files and from memory, and pixels to PNG.
//!
//! In come paths, or pixels that something else decoded; out come `[channels, H, W]` samples, which is what the transforms take.
//!
//! - Integers become fractions: v / 255 for 8 bits, v / 65535 for 16, computed in `f64`. Float formats (EXR, HDR, float
//!   TIFF) are taken as they are, also outside [0, 1].
//! - Grey is the luma of Rec. 709, Y = 0.2126 R + 0.7152 G + 0.0722 B, of the stored values: gamma-encoded ones stay so,
//!   as in every other image pipeline. Where R = G = B the sum is not taken, so that grey files are exact.
//! - Alpha is composited on black: value · alpha. Formats that store values already multiplied (EXR) are taken as
//!   they are.
//! - The orientation that a camera noted in the file (Exif) is applied: axis 0 is down and axis 1 is right as a viewer
//!   shows the picture.
//! - Resizing comes last and in `f64`: linear interpolation when enlarging, the same triangle widened to the coarser grid
//!   when shrinking. That is BILINEAR of Pillow; it averages fine texture, stays within the range of the samples and
//!   has no ringing beside edges, which band-pass filters would see.
//!
//! Leaves out: colour profiles; frames of an animation and pages of a TIFF file after the first; what `image` does not
//! decode, as TIFF files of grey floats, for which `.npy` is the better container.

use std::borrow::Borrow;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use image::codecs::png::PngEncoder;
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, ImageFormat,
    ImageReader, Limits,
};
use ndarray::Array3;
use walkdir::WalkDir;

use super::resize::resize;
use super::staged::Staged;
use crate::num::Real;
use crate::raster::Raster;
use crate::{Error, Result};

/// Which channels an image is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// One channel: the luma of Rec. 709, or a grey file's samples as they are.
    #[default]
    Gray,
    /// Three channels; those of a grey file are equal.
    Rgb,
}

impl Color {
    /// How many channels that is: 1 or 3.
    pub fn channels(self) -> usize {
        match self {
            Color::Gray => 1,
            Color::Rgb => 3,
        }
    }
}

/// How [`read_image`] and [`image_array`] take an image. The default is grey at its own size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageOptions {
    /// The channels wanted.
    pub color: Color,
    /// The size wanted, [height, width], whatever the image's own ratio of sides.
    pub resize: Option<[usize; 2]>,
}

/// The image files that `inputs` stand for, in the order given.
///
/// A file stands for itself, whatever its name. A folder stands for all files in it and its subfolders, sorted by
/// path, whose extension belongs to a format that can be decoded (in capitals or not). Links are followed; one that
/// leads back to a folder above it is left out.
///
/// # Errors
/// [`Error::File`] for a path that cannot be read; [`Error::BadPath`] for a folder without images.
pub fn list_images(inputs: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut images = Vec::new();
    for input in inputs {
        let kind = fs::metadata(input).map_err(|source| Error::unread(input, source))?;
        if !kind.is_dir() {
            images.push(input.clone());
            continue;
        }
        let before = images.len();
        for entry in WalkDir::new(input).follow_links(true).sort_by_file_name() {
            match entry {
                Ok(entry) if entry.file_type().is_file() && is_image_name(entry.path()) => {
                    images.push(entry.into_path());
                }
                Ok(_) => {}
                Err(error) if error.loop_ancestor().is_some() => {}
                Err(error) => {
                    let path = error.path().unwrap_or(input).to_path_buf();
                    // A link to nowhere is an input only if it has the name of one.
                    if !path.is_symlink() || is_image_name(&path) {
                        return Err(Error::unread(&path, error.into()));
                    }
                }
            }
        }
        if images.len() == before {
            return Err(Error::BadPath {
                path: input.clone(),
                reason: format!("the folder holds no images; formats: {}", extensions()),
            });
        }
    }
    Ok(images)
}

/// One image.
///
/// The format is told by the content, and by the extension where the content does not tell.
///
/// **Shape** `[channels, H, W]`, 1 or 3 channels.
///
/// **Units** [0, 1] for integer formats; the [module](self) says how colour, alpha, orientation and size are treated.
///
/// # Errors
/// [`Error::File`] if the file cannot be read; [`Error::BadFile`], with the decoder's reason, if it is no image, is
/// damaged or cut off, or is too large to decode; [`Error::InvalidParameter`] for a size that is 0 or beyond memory.
pub fn read_image<T: Real>(path: impl AsRef<Path>, options: &ImageOptions) -> Result<Array3<T>> {
    let path = path.as_ref();
    check_size(options)?;
    let (image, premultiplied) = decode(path)?;
    if image.width() == 0 || image.height() == 0 {
        return Err(Error::bad_file(
            path,
            format!(
                "the image has no pixels: {} x {}",
                image.width(),
                image.height()
            ),
        ));
    }
    array(image, options, premultiplied)
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
    check_size(options)?;
    array(image, options, false)
}

fn check_size(options: &ImageOptions) -> Result<()> {
    match options.resize {
        Some(size) if size.contains(&0) => Err(Error::InvalidParameter {
            name: "resize",
            value: format!("{size:?}"),
            limit: "both sides need at least one sample".to_string(),
        }),
        _ => Ok(()),
    }
}

/// The samples of pixels, at the size wanted. Pixels that come by value are gone before others of another size are made.
fn array<T: Real>(
    image: impl Borrow<DynamicImage>,
    options: &ImageOptions,
    premultiplied: bool,
) -> Result<Array3<T>> {
    let pixels = image.borrow();
    let [height, width] = [pixels.height() as usize, pixels.width() as usize];
    if height == 0 || width == 0 {
        return Err(Error::Empty {
            shape: vec![height, width],
        });
    }
    let channels = options.color.channels();
    let (size, samples) = match options.resize {
        None => (
            [height, width],
            planes::<T>(pixels, options.color, premultiplied),
        ),
        Some(size) => {
            let samples = planes::<f64>(pixels, options.color, premultiplied);
            drop(image);
            let samples = resize(&samples, [height, width], size)?;
            (size, samples.into_iter().map(Real::narrow).collect())
        }
    };
    let got = samples.len();
    Array3::from_shape_vec([channels, size[0], size[1]], samples).map_err(|_| Error::WrongShape {
        what: "the decoded image",
        got: vec![got],
        expected: format!("{channels} * {} * {} samples", size[0], size[1]),
    })
}

/// The pixels as decoded and turned upright, and whether they are already multiplied by alpha.
fn decode(path: &Path) -> Result<(DynamicImage, bool)> {
    let refused = |error: ImageError| match error {
        ImageError::IoError(source)
            if source.kind() != io::ErrorKind::UnexpectedEof && source.get_ref().is_none() =>
        {
            Error::unread(path, source)
        }
        ImageError::Limits(reason) => Error::bad_file(
            path,
            format!(
                "decoding it takes more than the 512 MiB that one image may take ({reason}); scale it down first"
            ),
        ),
        ImageError::Unsupported(reason) => Error::bad_file(
            path,
            format!("{reason}; convert it to PNG, or save its numbers as .npy"),
        ),
        other => Error::bad_file(path, format!("it cannot be decoded as an image: {other}")),
    };
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    let reader = reader.map_err(|source| Error::unread(path, source))?;
    let Some(format) = reader.format() else {
        return Err(Error::bad_file(
            path,
            format!(
                "neither content nor extension is that of an image format; formats: {}",
                extensions()
            ),
        ));
    };
    let mut decoder = reader.into_decoder().map_err(refused)?;
    // Asked for first: the decoder is gone when the pixels are there.
    let orientation = decoder.orientation().map_err(refused)?;
    let mut limits = Limits::default();
    limits.reserve(decoder.total_bytes()).map_err(refused)?;
    decoder.set_limits(limits).map_err(refused)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    if format == ImageFormat::Jpeg
        && !jpeg_has_an_end(path).map_err(|source| Error::unread(path, source))?
    {
        return Err(Error::bad_file(
            path,
            "the JPEG data is cut off before its end; copy or export it again".to_string(),
        ));
    }
    image.apply_orientation(orientation);
    Ok((image, format == ImageFormat::OpenExr))
}

/// Whether a JPEG file reaches its end-of-image marker. The decoder fills what is missing with grey and says nothing.
///
/// Segments are skipped by their length, so that the end of an embedded thumbnail does not count; within the
/// entropy-coded data, FF is a marker unless 00 (a stuffed byte) or a restart marker follows.
fn jpeg_has_an_end(path: &Path) -> io::Result<bool> {
    let mut file = BufReader::new(File::open(path)?);
    let mut scan = || -> io::Result<()> {
        loop {
            if file.skip_until(0xFF)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let mut marker = [0xFF];
            while marker == [0xFF] {
                file.read_exact(&mut marker)?;
            }
            match marker[0] {
                0xD9 => return Ok(()),
                0x00 | 0x01 | 0xD0..=0xD8 => {}
                _ => {
                    let mut len = [0; 2];
                    file.read_exact(&mut len)?;
                    file.seek_relative(i64::from(u16::from_be_bytes(len).saturating_sub(2)))?;
                }
            }
        }
    };
    match scan() {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The samples of all planes, one plane after the other.
fn planes<T: Real>(image: &DynamicImage, color: Color, premultiplied: bool) -> Vec<T> {
    let eight = |v: u8| f64::from(v) / 255.0;
    let sixteen = |v: u16| f64::from(v) / 65535.0;
    let float = |v: f32| f64::from(v);
    match image {
        DynamicImage::ImageLuma8(i) => fill(i.as_raw(), 1, eight, color, premultiplied),
        DynamicImage::ImageLumaA8(i) => fill(i.as_raw(), 2, eight, color, premultiplied),
        DynamicImage::ImageRgb8(i) => fill(i.as_raw(), 3, eight, color, premultiplied),
        DynamicImage::ImageRgba8(i) => fill(i.as_raw(), 4, eight, color, premultiplied),
        DynamicImage::ImageLuma16(i) => fill(i.as_raw(), 1, sixteen, color, premultiplied),
        DynamicImage::ImageLumaA16(i) => fill(i.as_raw(), 2, sixteen, color, premultiplied),
        DynamicImage::ImageRgb16(i) => fill(i.as_raw(), 3, sixteen, color, premultiplied),
        DynamicImage::ImageRgba16(i) => fill(i.as_raw(), 4, sixteen, color, premultiplied),
        DynamicImage::ImageRgb32F(i) => fill(i.as_raw(), 3, float, color, premultiplied),
        DynamicImage::ImageRgba32F(i) => fill(i.as_raw(), 4, float, color, premultiplied),
        // The enum may grow; what it can hold then passes through the widest of today's variants.
        other => fill(other.to_rgba32f().as_raw(), 4, float, color, premultiplied),
    }
}

/// Planes from interleaved pixels of `samples` numbers each: grey, grey and alpha, RGB, or RGB and alpha.
fn fill<S: Copy, T: Real>(
    raw: &[S],
    samples: usize,
    unit: impl Fn(S) -> f64,
    color: Color,
    premultiplied: bool,
) -> Vec<T> {
    let len = raw.len() / samples;
    let mut planes = vec![T::zero(); color.channels() * len];
    for (i, pixel) in raw.chunks_exact(samples).enumerate() {
        let alpha = if matches!(samples, 2 | 4) && !premultiplied {
            unit(pixel[samples - 1])
        } else {
            1.0
        };
        let [r, g, b] = if samples < 3 {
            [unit(pixel[0]); 3]
        } else {
            [0, 1, 2].map(|c| unit(pixel[c]))
        };
        match color {
            Color::Gray => {
                let y = if r == g && g == b {
                    r
                } else {
                    0.2126 * r + 0.7152 * g + 0.0722 * b
                };
                planes[i] = Real::narrow(y * alpha);
            }
            Color::Rgb => {
                for (c, v) in [r, g, b].into_iter().enumerate() {
                    planes[c * len + i] = Real::narrow(v * alpha);
                }
            }
        }
    }
    planes
}

/// Writes a picture as PNG, whole or not at all.
///
/// # Errors
/// As [`stage_png`] and [`Staged::commit`].
pub fn write_png(path: impl AsRef<Path>, raster: &Raster) -> Result<()> {
    stage_png(path, raster)?.commit()
}

/// Writes a picture as PNG, to be committed together with other files.
///
/// # Errors
/// As [`Staged::create`]; [`Error::File`] if writing fails; [`Error::InvalidParameter`] for a picture that PNG cannot
/// hold, as one without pixels.
pub fn stage_png(path: impl AsRef<Path>, raster: &Raster) -> Result<Staged> {
    let size = png_size(raster)?;
    let mut file = Staged::create(path)?;
    encode_png(&mut file, raster, size).map_err(|source| file.write_error(source))?;
    Ok(file)
}

/// The bytes of a picture as a PNG file, to stand inside another file.
///
/// # Errors
/// [`Error::InvalidParameter`] for a picture that PNG cannot hold, as one without pixels.
pub fn png_bytes(raster: &Raster) -> Result<Vec<u8>> {
    let size = png_size(raster)?;
    let mut bytes = Vec::new();
    encode_png(&mut bytes, raster, size).map_err(|source| unfit(raster, &source.to_string()))?;
    Ok(bytes)
}

/// Width and height, if PNG can hold them.
fn png_size(raster: &Raster) -> Result<[u32; 2]> {
    let side = |n: usize| {
        u32::try_from(n)
            .ok()
            .filter(|&n| n > 0 && n <= i32::MAX as u32)
            .ok_or_else(|| unfit(raster, "both sides of a PNG file are from 1 to 2^31 - 1"))
    };
    Ok([side(raster.width())?, side(raster.height())?])
}

fn unfit(raster: &Raster, limit: &str) -> Error {
    Error::InvalidParameter {
        name: "raster",
        value: format!("{} x {} pixels", raster.width(), raster.height()),
        limit: limit.to_string(),
    }
}

fn encode_png(to: impl io::Write, raster: &Raster, [width, height]: [u32; 2]) -> io::Result<()> {
    let encoder = PngEncoder::new(to);
    match encoder.write_image(raster.as_rgb(), width, height, ExtendedColorType::Rgb8) {
        Ok(()) => Ok(()),
        Err(ImageError::IoError(source)) => Err(source),
        Err(other) => Err(io::Error::other(other)),
    }
}

/// Whether images of this format can be decoded here.
fn is_decoded(format: ImageFormat) -> bool {
    // `image` does not list DDS as readable, although its feature brings a decoder.
    format.reading_enabled() || format == ImageFormat::Dds
}

fn is_image_name(path: &Path) -> bool {
    path.extension()
        .and_then(ImageFormat::from_extension)
        .is_some_and(is_decoded)
}

/// The extensions looked for in folders: `gif, ico, jpg, ...`.
fn extensions() -> String {
    let formats = ImageFormat::all().filter(|&format| is_decoded(format));
    let mut names: Vec<_> = formats
        .flat_map(|format| format.extensions_str().iter().copied())
        .collect();
    names.sort_unstable();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Rgb, Rgba};

    use super::*;

    const GRAY: ImageOptions = ImageOptions {
        color: Color::Gray,
        resize: None,
    };
    const RGB: ImageOptions = ImageOptions {
        color: Color::Rgb,
        resize: None,
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

        let message = read_image::<f32>(data("float.tiff"), &GRAY)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("save its numbers as .npy"),
            "grey floats in TIFF are beyond the decoder: {message}"
        );
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

    #[test]
    fn folders_are_walked_in_order_and_files_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "b.png",
            "a/z.JPG",
            "a/y.npy",
            "a/b/x.tif",
            "c.txt",
            "only/notes.md",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let inputs = [root.join("c.txt"), root.to_path_buf(), root.join("b.png")];
        let found = list_images(&inputs).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(root).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["c.txt", "a/b/x.tif", "a/z.JPG", "b.png", "b.png"]);

        let error = list_images(&[root.join("only")]).unwrap_err();
        assert!(
            matches!(&error, Error::BadPath { path, .. } if path == &root.join("only")),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains("holds no images; formats: bmp, dds, exr, ff, gif"),
            "{error}"
        );
        assert!(!error.to_string().contains("avif"), "{error}");
        assert!(matches!(
            list_images(&[root.join("absent")]),
            Err(Error::File { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("a.png"), "").unwrap();
        symlink(root, root.join("again")).unwrap();
        symlink("a.png", root.join("b.png")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        assert_eq!(
            list_images(&[root.to_path_buf()]).unwrap(),
            [root.join("a.png"), root.join("b.png")]
        );
        symlink("nowhere", root.join("dangling.png")).unwrap();
        assert!(
            list_images(&[root.to_path_buf()])
                .unwrap_err()
                .to_string()
                .contains("dangling.png")
        );
    }

    #[test]
    fn pictures_are_written_as_png_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.png");
        let mut raster = Raster::filled(3, 2, [10, 20, 30]);
        raster.set_pixel(2, 1, [255, 0, 1]);
        write_png(&path, &raster).unwrap();
        let back: ImageBuffer<Rgb<u8>, _> = image::open(&path).unwrap().into_rgb8();
        assert_eq!((back.width(), back.height()), (3, 2));
        assert_eq!(back.as_raw(), raster.as_rgb());
        assert!(write_png(&path, &Raster::filled(0, 2, [0; 3])).is_err());
        assert!(write_png(folder.path(), &raster).is_err());
    }
}
