//! How many frames an animation has, told by its blocks without decoding them.

use std::io::{self, SeekFrom};

use image::ImageFormat;

use super::content::Bytes;

/// The number of frames of a GIF, WebP or PNG file, 1 of any other and of what does not move.
pub(super) fn count(format: ImageFormat, bytes: &mut dyn Bytes) -> io::Result<usize> {
    match format {
        ImageFormat::Gif => gif(bytes),
        ImageFormat::WebP => webp(bytes),
        ImageFormat::Png => png(bytes),
        _ => Ok(1),
    }
}

/// The image descriptors of a GIF.
fn gif(bytes: &mut dyn Bytes) -> io::Result<usize> {
    let mut head = [0; 13];
    bytes.read_exact(&mut head)?;
    skip(bytes, table(head[10]))?;
    let mut frames = 0;
    loop {
        let mut kind = [0];
        if bytes.read(&mut kind)? == 0 {
            break; // the trailer is missing, and nothing else
        }
        match kind[0] {
            0x3B => break,
            0x21 => skip(bytes, 1)?,
            0x2C => {
                let mut descriptor = [0; 9];
                bytes.read_exact(&mut descriptor)?;
                skip(bytes, table(descriptor[8]) + 1)?;
                frames += 1;
            }
            _ => break, // the decoder has its own words for it
        }
        loop {
            let mut len = [0];
            bytes.read_exact(&mut len)?;
            if len[0] == 0 {
                break;
            }
            skip(bytes, i64::from(len[0]))?;
        }
    }
    Ok(frames)
}

/// Bytes of the colour table that a GIF announces.
fn table(flags: u8) -> i64 {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

/// The frame chunks of a WebP.
fn webp(bytes: &mut dyn Bytes) -> io::Result<usize> {
    skip(bytes, 12)?;
    let mut frames = 0;
    // Whether the last frame is to be cleared before the next one.
    let mut cleared = false;
    let mut head = [0; 8];
    while bytes.read_exact(&mut head).is_ok() {
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let mut left = i64::from(len) + i64::from(len % 2);
        if head.starts_with(b"ANMF") {
            // Place, size, duration, flags, and the kind of the pixels.
            let mut frame = [0; 20];
            bytes.read_exact(&mut frame)?;
            left -= 20;
            if cleared && frame.ends_with(b"VP8 ") {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "its frames clear what was shown before and have no alpha, which is not put together rightly; save it as \
                     GIF or as lossless WebP",
                ));
            }
            cleared = frame[15] & 1 != 0;
            frames += 1;
        }
        skip(bytes, left)?;
    }
    Ok(frames.max(1))
}

/// What a PNG says in its animation control, which stands before the pixels.
fn png(bytes: &mut dyn Bytes) -> io::Result<usize> {
    skip(bytes, 8)?;
    let mut head = [0; 8];
    while bytes.read_exact(&mut head).is_ok() && !head.ends_with(b"IDAT") {
        let len = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
        if head.ends_with(b"acTL") {
            let mut frames = [0; 4];
            bytes.read_exact(&mut frames)?;
            return Ok((u32::from_be_bytes(frames) as usize).max(1));
        }
        skip(bytes, i64::from(len) + 4)?;
    }
    Ok(1)
}

fn skip(bytes: &mut dyn Bytes, count: i64) -> io::Result<()> {
    bytes.seek(SeekFrom::Current(count)).map(drop)
}
