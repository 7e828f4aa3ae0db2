//! [`Picture`]: files of the formats that `image` decodes, TIFF excepted.
//!
//! In comes a file or stream; out come planes, one image or every frame of an animation (GIF, WebP, APNG) as a viewer
//! shows it, composed of those before it.
//!
//! Where a decoder of `image` changes numbers or leaves something out, it is mended or said here:
//! - It fills up JPEG data that end early, and says nothing: such a file is refused ([`jpeg`]).
//! - It stretches greys of 1, 2 and 4 bits (PNG), and samples of any largest value (PNM), to 8 or 16 bits with rounding:
//!   they are brought back to what is stored.
//! - Of an EXR file it takes the first layer with R, G and B, and nothing else: one with anything more is refused, one
//!   channel is read ([`exr`]).
//! - Of a DDS file it takes the first face: cubes, volumes and arrays are refused.
//! - Of an animated WebP it clears frames wrongly, and blends full colour to 254: they are composed in [`frames`].
//! - APNG of 16 bits are refused where frames are composed, in 8 bits.
//! - An icon holds one picture in several sizes: the largest is read. Of the 5 or 6 bits a channel of a BMP, DDS or TGA file
//!   8 are made, off by half a unit of those at most.

use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::pnm::PnmDecoder;
use image::metadata::Orientation;
use image::{
    AnimationDecoder, DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat,
    ImageReader, ImageResult, Limits, RgbaImage,
};

use super::content::{Bytes, Content};
use super::frames::WebPFrames;
use super::listing::extensions;
use super::options::ImageOptions;
use super::pixels::{Decoded, MOST_BYTES, Planes, TOO_LARGE, check_memory, planes_of, turn, turns};
use super::{exr, frames, jpeg};
use crate::num::Real;
use crate::{Error, Result};

/// What the headers of a picture tell.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    format: ImageFormat,
    /// Height and width as stored.
    size: [usize; 2],
    orientation: Orientation,
    frames: usize,
    /// An EXR file of one channel, which `image` does not decode.
    one_channel: bool,
}

impl Picture {
    /// Reads the headers.
    pub fn open(name: &Path, content: &Content) -> Result<Self> {
        let format = format_of(name, content)?;
        let unread = |source: io::Error| match source.kind() {
            io::ErrorKind::UnexpectedEof => Error::bad_file(name, CUT),
            io::ErrorKind::InvalidData => Error::bad_file(name, source.to_string()),
            _ => Error::unread(name, source),
        };
        if format == ImageFormat::Dds {
            check_dds(name, content)?;
        }
        if format == ImageFormat::OpenExr
            && let Some(size) = exr::one_channel(name, content)?
        {
            return Ok(Self {
                format,
                size,
                orientation: Orientation::NoTransforms,
                frames: 1,
                one_channel: true,
            });
        }
        let mut decoder = decoder(name, content, format)?;
        let orientation = decoder
            .orientation()
            .map_err(|error| refused(name, error))?;
        let (width, height) = decoder.dimensions();
        if width == 0 || height == 0 {
            return Err(Error::bad_file(
                name,
                format!("the image has no pixels: {width} x {height}"),
            ));
        }
        let mut bytes = content.open().map_err(unread)?;
        let frames = frames::count(format, &mut *bytes).map_err(unread)?;
        if frames == 0 {
            return Err(Error::bad_file(name, "it is an animation of no frames"));
        }
        Ok(Self {
            format,
            size: [height as usize, width as usize],
            orientation,
            frames,
            one_channel: false,
        })
    }

    /// Height and width, upright.
    pub fn size(&self) -> [usize; 2] {
        let mut size = self.size;
        if turns(self.orientation) {
            size.reverse();
        }
        size
    }

    /// Number of frames.
    pub fn count(&self) -> usize {
        self.frames
    }

    /// Decodes its images.
    pub fn planes<S: Real>(
        &self,
        name: &Path,
        content: &Content,
        options: &ImageOptions,
        range: Range<usize>,
    ) -> Result<Decoded<S>> {
        let picture = self.clone();
        let (name, content, options) = (name.to_path_buf(), content.clone(), options.clone());
        if self.frames == 1 {
            return Ok(Box::new(
                range.map(move |_| picture.decode::<S>(&name, &content, &options)),
            ));
        }
        let pixels = (self.size[0] as u64).saturating_mul(self.size[1] as u64);
        if pixels.saturating_mul(4) > MOST_BYTES {
            return Err(Error::bad_file(&name, TOO_LARGE));
        }
        check_memory::<S>(self.size, &options, pixels.saturating_mul(3 * 4))?;
        let frames = self.animation(&name, &content)?;
        let frames = frames.skip(range.start).take(range.len());
        Ok(Box::new(frames.map(move |frame| {
            let pixels = frame.map_err(|error| refused(&name, error))?;
            let image = DynamicImage::ImageRgba8(pixels);
            Ok(turn(
                planes_of(&image, &options, false, None),
                picture.orientation,
            ))
        })))
    }

    /// The frames, each composed with those before it.
    fn animation(
        &self,
        name: &Path,
        content: &Content,
    ) -> Result<Box<dyn Iterator<Item = ImageResult<RgbaImage>>>> {
        let refused = |error| refused(name, error);
        let bytes = content
            .open()
            .map_err(|source| Error::unread(name, source))?;
        let limits = || {
            let mut limits = Limits::default();
            limits.max_alloc = Some(MOST_BYTES);
            limits
        };
        if self.format == ImageFormat::WebP {
            return Ok(Box::new(WebPFrames::new(bytes, self.size)));
        }
        let frames = match self.format {
            ImageFormat::Gif => {
                let mut decoder = GifDecoder::new(bytes).map_err(refused)?;
                decoder.set_limits(limits()).map_err(refused)?;
                decoder.into_frames()
            }
            _ => {
                let decoder = PngDecoder::with_limits(bytes, limits()).map_err(refused)?;
                decoder.apng().map_err(refused)?.into_frames()
            }
        };
        Ok(Box::new(frames.map(|frame| Ok(frame?.into_buffer()))))
    }

    /// The pixels of the one image, upright.
    fn decode<S: Real>(
        &self,
        name: &Path,
        content: &Content,
        options: &ImageOptions,
    ) -> Result<Planes<S>> {
        if self.one_channel {
            return exr::planes(name, content, options, self.size);
        }
        let refused = |error| refused(name, error);
        let unread = |source| Error::unread(name, source);
        let length = content.len().map_err(unread)?;
        let mut decoder = decoder(name, content, self.format)?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(MOST_BYTES.max(length));
        limits.reserve(decoder.total_bytes()).map_err(refused)?;
        // JPEG are decoded again to see whether they are whole.
        let times = if self.format == ImageFormat::Jpeg {
            2
        } else {
            1
        };
        check_memory::<S>(self.size, options, times * decoder.total_bytes())?;
        let stored = match self.format {
            ImageFormat::Pnm => pnm_largest(name, content)?,
            _ => largest(decoder.original_color_type()),
        };
        decoder.set_limits(limits).map_err(refused)?;
        let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
        if self.format == ImageFormat::Jpeg {
            let mut bytes = Vec::new();
            let mut file = content.open().map_err(unread)?;
            file.read_to_end(&mut bytes).map_err(unread)?;
            if !jpeg::is_whole(&bytes, image.as_bytes()) {
                return Err(Error::bad_file(name, jpeg::CUT));
            }
        }
        let premultiplied = self.format == ImageFormat::OpenExr;
        let planes = planes_of(&image, options, premultiplied, stored);
        drop(image);
        Ok(turn(planes, self.orientation))
    }
}

const CUT: &str = "it is cut off; copy or save it again";

/// The largest number of a grey that `image` stretches to 8 bits.
fn largest(color: ExtendedColorType) -> Option<f64> {
    match color {
        ExtendedColorType::L1 => Some(1.0),
        ExtendedColorType::L2 => Some(3.0),
        ExtendedColorType::L4 => Some(15.0),
        _ => None,
    }
}

/// The number that is white in a PNM file.
fn pnm_largest(name: &Path, content: &Content) -> Result<Option<f64>> {
    let bytes = content
        .open()
        .map_err(|source| Error::unread(name, source))?;
    let decoder = PnmDecoder::new(bytes).map_err(|error| refused(name, error))?;
    Ok(Some(f64::from(decoder.into_inner().1.maximal_sample())))
}

/// Refuses a DDS file of more than one surface.
fn check_dds(name: &Path, content: &Content) -> Result<()> {
    const CUBE_OR_VOLUME: u32 = 0x20_0200;
    let head = content
        .start::<116>()
        .map_err(|source| Error::unread(name, source))?;
    let several = head.get(112..116).is_some_and(|caps| {
        u32::from_le_bytes([caps[0], caps[1], caps[2], caps[3]]) & CUBE_OR_VOLUME != 0
    });
    if several {
        return Err(Error::bad_file(
            name,
            "it is a cube or a volume of several images; save the one that is wanted",
        ));
    }
    Ok(())
}

/// The format, told by the content, and by the extension where the content does not tell.
fn format_of(name: &Path, content: &Content) -> Result<ImageFormat> {
    let start = content
        .start::<32>()
        .map_err(|source| Error::unread(name, source))?;
    let by_name = || name.extension().and_then(ImageFormat::from_extension);
    image::guess_format(&start)
        .ok()
        .or_else(by_name)
        .ok_or_else(|| {
            let reason = match start.as_slice() {
                [] => "it is empty".to_string(),
                [0x80, 2..=5, ..] => "it is a Python pickle; save the array with numpy.save".to_string(),
                _ => format!(
                    "neither content nor extension is that of a format that can be read; formats: {}",
                    extensions()
                ),
            };
            Error::bad_file(name, reason)
        })
}

fn decoder(
    name: &Path,
    content: &Content,
    format: ImageFormat,
) -> Result<impl ImageDecoder + use<>> {
    let bytes: Box<dyn Bytes> = content
        .open()
        .map_err(|source| Error::unread(name, source))?;
    ImageReader::with_format(bytes, format)
        .into_decoder()
        .map_err(|error| refused(name, error))
}

/// Why a decoder refused a file.
fn refused(name: &Path, error: ImageError) -> Error {
    let ends = matches!(&error, ImageError::IoError(source) if is_cut(source));
    if ends || is_cut(&error) {
        return Error::bad_file(name, CUT);
    }
    match error {
        ImageError::IoError(source) if source.get_ref().is_none() => Error::unread(name, source),
        ImageError::Limits(_) => Error::bad_file(name, TOO_LARGE),
        ImageError::Unsupported(reason) => Error::bad_file(
            name,
            format!("{reason}; convert it to PNG or TIFF, or save its numbers as .npy"),
        ),
        other => Error::bad_file(name, format!("it cannot be decoded as an image: {other}")),
    }
}

/// Whether what a decoder says comes down to the end of the file.
fn is_cut(error: &(dyn std::error::Error + 'static)) -> bool {
    let at_end = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
    let words = error.to_string().to_lowercase();
    // Of some decoders nothing but their words is left.
    error.downcast_ref().is_some_and(at_end)
        || ["not enough bytes", "unexpected end"]
            .iter()
            .any(|end| words.contains(end))
        || error.source().is_some_and(is_cut)
}
