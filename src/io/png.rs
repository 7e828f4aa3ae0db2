//! Pictures to PNG: pixels in memory become a file, whole or not at all.

use std::io;
use std::path::Path;

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};

use super::staged::Staged;
use crate::raster::Raster;
use crate::{Error, Result};

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

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, Rgb};

    use super::*;

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
