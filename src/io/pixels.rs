//! From decoded samples to the array that a transform takes: colour, alpha, NaN policy, size.
//!
//! In come interleaved pixels or planes as a decoder gives them; out comes `[channels, H, W]`. In this order:
//!
//! - Integers become fractions of their range, or stay what they are ([`Values`]); floats stay.
//! - Grey is the luma of Rec. 709, Y = 0.2126 R + 0.7152 G + 0.0722 B, of the stored values: gamma-encoded ones stay so,
//!   as in every other image pipeline. Where R = G = B the sum is not taken, so that grey files are exact.
//! - Alpha is composited on black: value · alpha. Colours that are stored already multiplied are taken as they are.
//! - Samples that are no number are replaced where that is asked for ([`NanPolicy`]), before resizing would spread them.
//! - Resizing comes last and in `f64`.

use std::path::Path;

use image::DynamicImage;
use image::metadata::Orientation;
use ndarray::Array3;

use super::options::{Color, ImageOptions, NanPolicy, Values};
use super::resize::resize;
use crate::num::Real;
use crate::{Error, Result, memory};

/// The most bytes that an image is decoded to, unless its file is larger. What a decoder is told to allocate by a header
/// is bounded by this.
pub(super) const MOST_BYTES: u64 = 512 << 20;

/// What is said of an image that takes more.
pub(super) const TOO_LARGE: &str = "decoding it takes more than the 512 MiB that one image may take; scale it down first, or save it as .npy";

/// Planes of one size, one after the other.
#[derive(Debug)]
pub(super) struct Planes<S> {
    pub samples: Vec<S>,
    /// Height and width.
    pub size: [usize; 2],
}

/// Images as they come out of a decoder, one after the other.
pub(super) type Decoded<S> = Box<dyn Iterator<Item = Result<Planes<S>>>>;

impl ImageOptions {
    /// Refuses a size that no image has.
    pub(super) fn check(&self) -> Result<()> {
        match self.resize {
            Some(size) if size.contains(&0) => Err(Error::InvalidParameter {
                name: "resize",
                value: format!("{size:?}"),
                limit: "both sides need at least one sample".to_string(),
            }),
            _ => Ok(()),
        }
    }
}

/// Refuses an image whose samples do not fit into memory, beside the `decoded` bytes that they are made of.
///
/// Samples of type `S` become samples of the size wanted: both are there for a while.
pub(super) fn check_memory<S>(
    size: [usize; 2],
    options: &ImageOptions,
    decoded: u64,
) -> Result<()> {
    let channels = options.color.channels();
    let own = memory::bytes_of::<S>(memory::count(&[channels, size[0], size[1]]));
    let resized = options.resize.map_or(0, |to| {
        // Resizing goes by way of one axis resized and the other not.
        let steps = [[channels, size[0], to[1]], [channels, to[0], to[1]]];
        let bytes = steps.map(|shape| memory::bytes_of::<f64>(memory::count(&shape)));
        bytes[0].saturating_add(bytes[1])
    });
    memory::require(
        "an image and its samples",
        own.saturating_add(resized).saturating_add(decoded),
        "use a smaller image, or --precision f32 in the program",
    )
}

/// The samples of planes as they are wanted; `name` is what errors call the file.
pub(super) fn finish<T: Real, S: Real>(
    name: &Path,
    planes: Planes<S>,
    options: &ImageOptions,
) -> Result<Array3<T>> {
    let Planes { mut samples, size } = planes;
    let pixels = size[0] * size[1];
    if pixels == 0 || samples.is_empty() {
        return Err(Error::bad_file(
            name,
            format!("an image in it has no pixels: {} x {}", size[0], size[1]),
        ));
    }
    let channels = samples.len() / pixels;
    for plane in samples.chunks_exact_mut(pixels) {
        replace_nan(name, plane, options.nan)?;
    }
    let (size, samples) = match options.resize {
        None => (
            size,
            samples
                .into_iter()
                .map(|v| Real::narrow(v.widen()))
                .collect::<Vec<T>>(),
        ),
        Some(to) => {
            let samples: Vec<f64> = samples.into_iter().map(Real::widen).collect();
            let samples = resize(&samples, size, to)?;
            (to, samples.into_iter().map(Real::narrow).collect())
        }
    };
    let got = samples.len();
    Array3::from_shape_vec([channels, size[0], size[1]], samples).map_err(|_| Error::WrongShape {
        what: "a decoded image",
        got: vec![got],
        expected: format!("{channels} * {} * {} samples", size[0], size[1]),
    })
}

/// Puts a number where there is none.
fn replace_nan<S: Real>(name: &Path, plane: &mut [S], policy: NanPolicy) -> Result<()> {
    let nan = plane.iter().filter(|v| v.is_nan()).count();
    if nan == 0 || policy == NanPolicy::Keep {
        return Ok(());
    }
    let value = match policy {
        NanPolicy::Keep | NanPolicy::Zero => 0.0,
        NanPolicy::Mean => {
            let finite = plane.iter().filter(|v| v.is_finite());
            let (sum, count) = finite.fold((0.0, 0_u64), |(sum, n), v| (sum + v.widen(), n + 1));
            if count == 0 {
                return Err(Error::bad_file(
                    name,
                    "an image in it has no finite sample to take the mean of".to_string(),
                ));
            }
            sum / count as f64
        }
    };
    for sample in plane {
        if sample.is_nan() {
            *sample = Real::narrow(value);
        }
    }
    Ok(())
}

/// The samples of all planes of a decoded image. `stored` is the largest number of the samples in the file, where the decoder
/// stretched them to the range of its type.
pub(super) fn planes_of<S: Real>(
    image: &DynamicImage,
    options: &ImageOptions,
    premultiplied: bool,
    stored: Option<f64>,
) -> Planes<S> {
    let of = |full| Interleaved {
        full,
        stored: stored.unwrap_or(full),
        options,
        premultiplied,
    };
    let samples = match image {
        DynamicImage::ImageLuma8(i) => of(255.0).fill(i.as_raw(), 1, f64::from),
        DynamicImage::ImageLumaA8(i) => of(255.0).fill(i.as_raw(), 2, f64::from),
        DynamicImage::ImageRgb8(i) => of(255.0).fill(i.as_raw(), 3, f64::from),
        DynamicImage::ImageRgba8(i) => of(255.0).fill(i.as_raw(), 4, f64::from),
        DynamicImage::ImageLuma16(i) => of(65535.0).fill(i.as_raw(), 1, f64::from),
        DynamicImage::ImageLumaA16(i) => of(65535.0).fill(i.as_raw(), 2, f64::from),
        DynamicImage::ImageRgb16(i) => of(65535.0).fill(i.as_raw(), 3, f64::from),
        DynamicImage::ImageRgba16(i) => of(65535.0).fill(i.as_raw(), 4, f64::from),
        DynamicImage::ImageRgb32F(i) => of(1.0).fill(i.as_raw(), 3, f64::from),
        DynamicImage::ImageRgba32F(i) => of(1.0).fill(i.as_raw(), 4, f64::from),
        // The enum may grow; what it can hold then passes through the widest of today's variants.
        other => of(1.0).fill(other.to_rgba32f().as_raw(), 4, f64::from),
    };
    Planes {
        samples,
        size: [image.height() as usize, image.width() as usize],
    }
}

/// How interleaved pixels become planes.
struct Interleaved<'a> {
    /// The number that means 1: the largest of the type, 1 for floats.
    full: f64,
    /// The same in the file.
    stored: f64,
    options: &'a ImageOptions,
    premultiplied: bool,
}

impl Interleaved<'_> {
    /// Planes from pixels of `samples` numbers each: grey, grey and alpha, RGB, or RGB and alpha.
    fn fill<V: Copy, S: Real>(
        &self,
        raw: &[V],
        samples: usize,
        widen: impl Fn(V) -> f64,
    ) -> Vec<S> {
        let color = self.options.color;
        let one = match self.options.values {
            Values::Unit => self.stored,
            Values::Raw => 1.0,
        };
        let number = |value: V| {
            if self.stored == self.full {
                return widen(value);
            }
            (widen(value) * self.stored / self.full).round()
        };
        let len = raw.len() / samples;
        let mut planes = vec![S::zero(); color.channels() * len];
        for (i, pixel) in raw.chunks_exact(samples).enumerate() {
            let alpha = if matches!(samples, 2 | 4) && !self.premultiplied {
                number(pixel[samples - 1]) / self.stored
            } else {
                1.0
            };
            let rgb = if samples < 3 {
                [number(pixel[0]) / one; 3]
            } else {
                [0, 1, 2].map(|c| number(pixel[c]) / one)
            };
            put(&mut planes, i, rgb, alpha, color);
        }
        planes
    }
}

/// Puts a pixel into planes of its colours, composited on black.
pub(super) fn put<S: Real>(planes: &mut [S], i: usize, rgb: [f64; 3], alpha: f64, color: Color) {
    match color {
        Color::Gray => {
            planes[i] = Real::narrow(luma(rgb) * alpha);
        }
        Color::Rgb => {
            let len = planes.len() / 3;
            for (c, v) in rgb.into_iter().enumerate() {
                planes[c * len + i] = Real::narrow(v * alpha);
            }
        }
    }
}

/// The luma of Rec. 709; of grey the grey.
fn luma([r, g, b]: [f64; 3]) -> f64 {
    if r == g && g == b {
        r
    } else {
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }
}

/// Whether an upright image has the sides of the stored one exchanged.
pub(super) fn turns(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(
        orientation,
        Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH
    )
}

/// The planes upright.
pub(super) fn turn<S: Real>(planes: Planes<S>, orientation: Orientation) -> Planes<S> {
    if orientation == Orientation::NoTransforms {
        return planes;
    }
    let [rows, columns] = planes.size;
    let size = if turns(orientation) {
        [columns, rows]
    } else {
        planes.size
    };
    // Where the sample of an upright place is stored: rotations are clockwise, and a flip comes after its rotation.
    let stored = |y: usize, x: usize| match orientation {
        Orientation::NoTransforms => [y, x],
        Orientation::FlipHorizontal => [y, columns - 1 - x],
        Orientation::FlipVertical => [rows - 1 - y, x],
        Orientation::Rotate180 => [rows - 1 - y, columns - 1 - x],
        Orientation::Rotate90 => [rows - 1 - x, y],
        Orientation::Rotate270 => [x, columns - 1 - y],
        Orientation::Rotate90FlipH => [x, y],
        Orientation::Rotate270FlipH => [rows - 1 - x, columns - 1 - y],
    };
    let mut samples = Vec::with_capacity(planes.samples.len());
    for plane in planes.samples.chunks_exact(rows * columns) {
        for y in 0..size[0] {
            samples.extend((0..size[1]).map(|x| {
                let [y, x] = stored(y, x);
                plane[y * columns + x]
            }));
        }
    }
    Planes { samples, size }
}
