//! Whether the data of a JPEG image are all there. Its decoder fills what is missing with grey and says nothing.
//!
//! - A file that is cut off has no end-of-image marker, unless whoever cut it put one behind.
//! - Whether data end too early shows then what more data would change: with bytes put in before the end marker, an image
//!   that was complete is decoded as before, since its last block was reached; in one that was not, blocks come out of
//!   them. This asks the decoder itself, whatever the scans, tables and restarts are like; counting blocks here would take
//!   a second decoder.
//! - The decoder has a strict mode, which `image` does not use and which tells of codes that mean nothing (but not of
//!   data that end): the second decoding is made in it.

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Put before the end: no marker (0xFF) in it, and nothing like the zeros that the decoder goes on with.
const MORE: [u8; 256] = [0xAA; 256];

/// What is said of an image that is not whole.
pub(super) const CUT: &str =
    "its JPEG data is damaged or cut off before its end; copy or export it again";

/// Whether nothing is missing of an image that was decoded to `pixels` as stored.
pub(super) fn is_whole(bytes: &[u8], pixels: &[u8]) -> bool {
    let Some(end) = end_of_image(bytes) else {
        return false;
    };
    let longer = [&bytes[..end], &MORE, &bytes[end..]].concat();
    let again = match decode_strictly(&longer) {
        Ok(pixels) => Some(pixels),
        // In them there is no picture.
        Err(reason) if reason.contains("Extra bytes between headers") => decode(&longer),
        Err(_) => None,
    };
    again.is_some_and(|again| again == pixels)
}

/// The pixels as stored, if the decoder has nothing to complain of.
fn decode_strictly(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder
        .decode_headers()
        .map_err(|error| format!("{error:?}"))?;
    // The same as `image` asks for.
    let color = match decoder.input_colorspace() {
        Some(color @ (ColorSpace::Luma | ColorSpace::LumaA | ColorSpace::RGBA)) => color,
        _ => ColorSpace::RGB,
    };
    decoder.set_options(options.jpeg_set_out_colorspace(color));
    decoder.decode().map_err(|error| format!("{error:?}"))
}

/// The pixels as stored, if they can be decoded.
pub(super) fn decode(bytes: &[u8]) -> Option<Vec<u8>> {
    let decoder = JpegDecoder::new(Cursor::new(bytes)).ok()?;
    let mut pixels = vec![0; usize::try_from(decoder.total_bytes()).ok()?];
    decoder.read_image(&mut pixels).ok()?;
    Some(pixels)
}

/// Where the end-of-image marker stands.
///
/// Segments are skipped by their length, so that the end of an embedded thumbnail does not count; within the
/// entropy-coded data, FF is a marker unless 00 (a stuffed byte) or a restart marker follows.
fn end_of_image(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|&byte| byte == 0xFF)?;
        let start = at;
        while *bytes.get(at)? == 0xFF {
            at += 1;
        }
        let marker = bytes[at];
        at += 1;
        match marker {
            0xD9 => return Some(start),
            0x00 | 0x01 | 0xD0..=0xD8 => {}
            _ => {
                let len = [*bytes.get(at)?, *bytes.get(at + 1)?];
                at += usize::from(u16::from_be_bytes(len)).max(2);
            }
        }
    }
}
