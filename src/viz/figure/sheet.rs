//! The sheet that a figure stands on: its margin, and its head of title and caption.
//!
//! Comes in: words and a width. Goes out: a white page with the words at its top, and the row where the figure begins.

use super::super::text::{self, LABEL, Style, TITLE};
use super::super::{BLACK, GREY, page};
use crate::Result;
use crate::raster::Raster;

/// Free pixels along the edges of a sheet.
pub(super) const MARGIN: usize = 24;

/// Title and caption, broken into lines that fit a sheet.
#[derive(Debug)]
pub(super) struct Head {
    title: Vec<String>,
    caption: Vec<String>,
}

impl Head {
    /// The lines on a sheet of this width.
    pub(super) fn new(title: &str, caption: &str, width: usize) -> Self {
        let wrap = |words, size| text::wrap(words, size, (width - 2 * MARGIN) as f64);
        Self {
            title: wrap(title, TITLE),
            caption: wrap(caption, LABEL),
        }
    }

    /// Rows from the edge of the sheet to the first below the head.
    pub(super) fn height(&self) -> usize {
        MARGIN
            + self.title.len() * text::line_height(TITLE)
            + self.caption.len() * text::line_height(LABEL)
            + 20
    }

    /// Draws the lines, the title in black and the caption below it in grey.
    pub(super) fn draw(&self, raster: &mut Raster) {
        let mut y = MARGIN;
        for (lines, size, color) in [(&self.title, TITLE, BLACK), (&self.caption, LABEL, GREY)] {
            for line in lines {
                let at = [MARGIN as f64, y as f64];
                text::draw(raster, at, Style::new(size, color), line);
                y += text::line_height(size);
            }
            y += 4;
        }
    }
}

/// A sheet with its head and `below` rows under it, and the first of these rows.
pub(super) fn headed(
    width: usize,
    below: usize,
    title: &str,
    caption: &str,
) -> Result<(Raster, usize)> {
    let head = Head::new(title, caption, width);
    let top = head.height();
    let mut raster = page(width, top + below + MARGIN)?;
    head.draw(&mut raster);
    Ok((raster, top))
}
