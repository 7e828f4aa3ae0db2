//! [`Picture`]: files of the formats that `image` decodes, TIFF excepted.

use std::io;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::content::{Bytes, Content};
use super::listing::extensions;
use super::options::ImageOptions;
use super::pixels::{MOST_BYTES, Planes, TOO_LARGE, check_memory, planes_of, turns};
use crate::num::Real;
use crate::{Error, Result};

/// What the headers of a picture tell.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    format: ImageFormat,
    /// Height and width, upright.
    size: [usize; 2],
}

impl Picture {
    /// Reads the headers.
    pub fn open(name: &Path, content: &Content) -> Result<Self> {
        let format = format_of(name, content)?;
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
        let mut size = [height as usize, width as usize];
        if turns(orientation) {
            size.reverse();
        }
        Ok(Self { format, size })
    }

    /// Height and width, upright.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Decodes its images.
    pub fn planes<S: Real>(
        &self,
        name: &Path,
        content: &Content,
        options: &ImageOptions,
    ) -> Result<Box<dyn Iterator<Item = Result<Planes<S>>> + Send>> {
        let picture = self.clone();
        let (name, content, options) = (name.to_path_buf(), content.clone(), options.clone());
        Ok(Box::new(std::iter::once_with(move || {
            let (image, premultiplied) = picture.decode::<S>(&name, &content, &options)?;
            Ok(planes_of(&image, &options, premultiplied))
        })))
    }

    /// The pixels as decoded and turned upright, and whether they are already multiplied by alpha.
    fn decode<S: Real>(
        &self,
        name: &Path,
        content: &Content,
        options: &ImageOptions,
    ) -> Result<(DynamicImage, bool)> {
        let refused = |error| refused(name, error);
        let mut decoder = decoder(name, content, self.format)?;
        // Asked for first: the decoder is gone when the pixels are there.
        let orientation = decoder.orientation().map_err(refused)?;
        let length = content
            .len()
            .map_err(|source| Error::unread(name, source))?;
        let mut limits = Limits::default();
        limits.max_alloc = Some(MOST_BYTES.max(length));
        limits.reserve(decoder.total_bytes()).map_err(refused)?;
        check_memory::<S>(self.size, options, decoder.total_bytes())?;
        decoder.set_limits(limits).map_err(refused)?;
        let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
        image.apply_orientation(orientation);
        Ok((image, self.format == ImageFormat::OpenExr))
    }
}

/// The format, told by the content, and by the extension where the content does not tell.
fn format_of(name: &Path, content: &Content) -> Result<ImageFormat> {
    let start = content
        .start::<32>()
        .map_err(|source| Error::unread(name, source))?;
    let by_name = || name.extension().and_then(ImageFormat::from_extension);
    image::guess_format(&start).ok().or_else(by_name).ok_or_else(|| {
        Error::bad_file(
            name,
            format!(
                "neither content nor extension is that of a format that can be read; formats: {}",
                extensions()
            ),
        )
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
pub(super) fn refused(name: &Path, error: ImageError) -> Error {
    match error {
        ImageError::IoError(source)
            if source.kind() != io::ErrorKind::UnexpectedEof && source.get_ref().is_none() =>
        {
            Error::unread(name, source)
        }
        ImageError::Limits(_) => Error::bad_file(name, TOO_LARGE),
        ImageError::Unsupported(reason) => Error::bad_file(
            name,
            format!("{reason}; convert it to PNG or TIFF, or save its numbers as .npy"),
        ),
        other => Error::bad_file(name, format!("it cannot be decoded as an image: {other}")),
    }
}
