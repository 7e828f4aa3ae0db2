//! How many frames an animation has, told by its blocks without decoding them; and the frames of a WebP.

use std::io::{self, Cursor, Read, SeekFrom};

use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageFormat, ImageResult, Rgba, RgbaImage};

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
    let mut head = [0; 8];
    while bytes.read_exact(&mut head).is_ok() {
        let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let left = i64::from(len) + i64::from(len % 2);
        if head.starts_with(b"ANMF") {
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

/// The frames of an animated WebP, each composed with those before it.
///
/// Every frame is decoded as an image of its own and put onto the canvas by the rules of the format: what the frame before
/// asks to be cleared becomes transparent, as in the decoder of its authors, and a frame replaces or covers what is there.
pub(super) struct WebPFrames {
    bytes: Box<dyn Bytes>,
    canvas: RgbaImage,
    /// What is to be cleared: column, row, width and height.
    cleared: Option<[u32; 4]>,
    started: bool,
}

impl WebPFrames {
    /// Those of a file with a canvas of this height and width.
    pub fn new(bytes: Box<dyn Bytes>, size: [usize; 2]) -> Self {
        Self {
            bytes,
            canvas: RgbaImage::new(size[1] as u32, size[0] as u32),
            cleared: None,
            started: false,
        }
    }

    /// The chunk of the next frame.
    fn chunk(&mut self) -> io::Result<Vec<u8>> {
        if !self.started {
            skip(&mut *self.bytes, 12)?;
            self.started = true;
        }
        loop {
            let mut head = [0; 8];
            self.bytes.read_exact(&mut head)?;
            let len = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            let whole = u64::from(len) + u64::from(len % 2);
            if !head.starts_with(b"ANMF") {
                skip(&mut *self.bytes, whole as i64)?;
                continue;
            }
            let mut chunk = Vec::new();
            (&mut self.bytes).take(whole).read_to_end(&mut chunk)?;
            if (chunk.len() as u64) < whole || len < 24 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            return Ok(chunk);
        }
    }

    fn compose(&mut self) -> ImageResult<RgbaImage> {
        let chunk = self.chunk()?;
        let number = |at: usize| u32::from_le_bytes([chunk[at], chunk[at + 1], chunk[at + 2], 0]);
        let [left, top] = [2 * number(0), 2 * number(3)];
        let (flags, pixels) = (chunk[15], &chunk[16..]);
        // Checked before anything of this size is made.
        if left + number(6) >= self.canvas.width() || top + number(9) >= self.canvas.height() {
            let reason = "a frame of it reaches beyond the picture";
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason).into());
        }
        let frame = DynamicImage::from_decoder(WebPDecoder::new(Cursor::new(alone(
            pixels,
            [number(6), number(9)],
        )))?)?
        .into_rgba8();
        if let Some([x, y, width, height]) = self.cleared.take() {
            for y in y..(y + height).min(self.canvas.height()) {
                for x in x..(x + width).min(self.canvas.width()) {
                    self.canvas.put_pixel(x, y, Rgba([0; 4]));
                }
            }
        }
        let covers = flags & 2 == 0;
        for (x, y, &pixel) in frame.enumerate_pixels() {
            if let Some(under) = self.canvas.get_pixel_mut_checked(left + x, top + y) {
                *under = if covers { over(pixel, *under) } else { pixel };
            }
        }
        if flags & 1 != 0 {
            self.cleared = Some([left, top, frame.width(), frame.height()]);
        }
        Ok(self.canvas.clone())
    }
}

impl Iterator for WebPFrames {
    type Item = ImageResult<RgbaImage>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.compose())
    }
}

/// The pixels of a frame as a file of their own.
fn alone(pixels: &[u8], [width, height]: [u32; 2]) -> Vec<u8> {
    let mut chunks: Vec<u8> = Vec::new();
    if pixels.starts_with(b"ALPH") {
        // Width and height are one less than they are already.
        chunks.extend(b"VP8X\x0A\0\0\0\x10\0\0\0");
        chunks.extend(&width.to_le_bytes()[..3]);
        chunks.extend(&height.to_le_bytes()[..3]);
    }
    chunks.extend(pixels);
    let mut file = b"RIFF".to_vec();
    file.extend((chunks.len() as u32 + 4).to_le_bytes());
    file.extend(b"WEBP");
    file.extend(chunks);
    file
}

/// A pixel over another, neither multiplied by its alpha.
fn over(Rgba(above): Rgba<u8>, Rgba(under): Rgba<u8>) -> Rgba<u8> {
    match (above[3], under[3]) {
        (255, _) | (_, 0) => return Rgba(above),
        (0, _) => return Rgba(under),
        _ => {}
    }
    let [a, b] = [f64::from(above[3]) / 255.0, f64::from(under[3]) / 255.0];
    let alpha = a + b * (1.0 - a);
    let mix = |c: usize| {
        let value = (f64::from(above[c]) * a + f64::from(under[c]) * b * (1.0 - a)) / alpha;
        value.round() as u8
    };
    Rgba([mix(0), mix(1), mix(2), (alpha * 255.0).round() as u8])
}
