//! Whether the data of a JPEG image are all there. Its decoder fills what is missing with grey and says nothing.
//!
//! - A file that is cut off has no end-of-image marker, unless whoever cut it put one behind.
//! - The decoder has a strict mode, which `image` does not use: it tells of codes that mean nothing, and of data that end
//!   before the last row of blocks.
//! - Whether they end within the last row shows what more data would change: with bytes put in before the end marker, an
//!   image that was complete is decoded as before, since its last block was reached; in one that was not, blocks come out
//!   of them. This asks the decoder itself, whatever the scans, tables and restarts are like; counting blocks here would
//!   take a second decoder.

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Put before the end: no marker (0xFF) in it, and no code that fills an image with nothing.
const MORE: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut i = 0;
    while i < bytes.len() {
        bytes[i] = (i as u8).wrapping_mul(167) & 0x7F;
        i += 1;
    }
    bytes
};

/// What is said of an image that is not whole.
pub(super) const CUT: &str =
    "its JPEG data is damaged or cut off before its end; copy or export it again";

/// Whether nothing is missing of an image that was decoded to `pixels` as stored.
pub(super) fn is_whole(bytes: &[u8], pixels: &[u8]) -> bool {
    let Some(end) = end_of_image(bytes) else {
        return false;
    };
    let longer = [&bytes[..end], &MORE, &bytes[end..]].concat();
    is_sound(bytes) && decode(&longer).is_some_and(|other| other == pixels)
}

/// Whether the decoder has nothing to complain of but bytes between headers, in which there is no picture.
fn is_sound(bytes: &[u8]) -> bool {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(usize::MAX)
        .set_max_height(usize::MAX);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    match decoder.decode() {
        Ok(_) => true,
        Err(error) => format!("{error:?}").contains("Extra bytes between headers"),
    }
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
