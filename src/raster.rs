//! [`Raster`]: 8-bit RGB pixels in memory.
//!
//! Shared by `viz`, which draws, and `io`, which writes PNG files, so that neither needs the other.

use crate::{Error, Result};

/// An RGB picture, 8 bits a channel, rows from top to bottom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raster {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Raster {
    /// A picture of `width` x `height` pixels, all of one colour.
    pub fn filled(width: usize, height: usize, color: [u8; 3]) -> Self {
        Self {
            width,
            height,
            rgb: color.repeat(width * height),
        }
    }

    /// A picture from its bytes, `[height, width, 3]` in row-major order.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if the number of bytes is not `3 * width * height`.
    pub fn from_rgb(width: usize, height: usize, rgb: Vec<u8>) -> Result<Self> {
        if width.checked_mul(height).and_then(|n| n.checked_mul(3)) != Some(rgb.len()) {
            return Err(Error::WrongShape {
                what: "the pixel buffer",
                got: vec![rgb.len()],
                expected: format!("3 * {width} * {height} bytes"),
            });
        }
        Ok(Self { width, height, rgb })
    }

    /// Pixels per row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All bytes, `[height, width, 3]` in row-major order.
    pub fn as_rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// All bytes, to draw into.
    pub fn as_rgb_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }

    /// The colour at column `x` of row `y`. Panics outside the picture, as indexing does.
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let start = 3 * (y * self.width + x);
        [self.rgb[start], self.rgb[start + 1], self.rgb[start + 2]]
    }

    /// Sets the colour at column `x` of row `y`; outside the picture nothing happens, so drawings may overhang.
    pub fn set_pixel(&mut self, x: usize, y: usize, color: [u8; 3]) {
        if x < self.width && y < self.height {
            let start = 3 * (y * self.width + x);
            self.rgb[start..start + 3].copy_from_slice(&color);
        }
    }
}
