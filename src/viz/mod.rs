//! Pictures: filter banks, Littlewood-Paley sums, scattering disks and charts, as pixels in memory.
//!
//! Comes in: a bank, a path table with one number per row, or series of points. Goes out: a [`Raster`]. Nothing here
//! touches a disk; `io` writes PNG files.
//!
//! - [`filter_bank::sheet`]: every filter of a bank, in space or frequency, or how evenly they cover the plane;
//! - [`filter_bank_1d::sheet`]: the same of a bank of one axis, in time or frequency;
//! - [`scalogram::sheet`]: amplitudes by time and frequency, octaves upwards;
//! - [`disk::scattering_disk`]: one number per scattering path, at the frequencies the path looks at;
//! - [`learned`]: filters of a network beside those of a bank, in space, in frequency, counted and in pairs;
//! - [`chart::lines`], [`chart::scatter`]: curves and points over linear or logarithmic axes;
//! - [`color`]: the colour maps all of them share.
//!
//! Conventions that bite: axis 0 of an array runs down the picture and axis 1 to the right, so an angle measured from
//! axis 0 toward axis 1 turns counter-clockwise from "down". Frequencies are in cycles per pixel. Text is set in
//! DejaVu Sans, which is compiled in (`assets/fonts`), so no font needs to be installed.
//!
//! Leaves out: anything interactive.

mod axis;
mod canvas;
pub mod chart;
pub mod color;
mod figure;
mod panel;
mod text;

pub use figure::{disk, filter_bank, filter_bank_1d, learned, scalogram, wavelets};

use crate::raster::Raster;
use crate::{Error, Result};

/// Longest side of a picture, in pixels; image viewers and papers give up beyond.
const MAX_SIDE: usize = 16_384;

/// Most pixels of a picture, 200 MB of RGB.
const MAX_PIXELS: usize = 1 << 26;

const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];
/// Secondary text.
const GREY: [u8; 3] = [90; 3];
/// Frames around panels.
const FRAME: [u8; 3] = [150; 3];

/// Whether a picture of this size may be drawn.
fn fits(width: usize, height: usize) -> bool {
    width <= MAX_SIDE && height <= MAX_SIDE && width.saturating_mul(height) <= MAX_PIXELS
}

/// A white page, if it is not too large.
fn page(width: usize, height: usize) -> Result<Raster> {
    if !fits(width, height) {
        return Err(Error::InvalidParameter {
            name: "picture",
            value: format!("{width} x {height} pixels"),
            limit: format!(
                "a side has at most {MAX_SIDE} pixels and a picture at most {MAX_PIXELS}; show fewer filters"
            ),
        });
    }
    Ok(Raster::filled(width, height, WHITE))
}
