//! Text on a [`Raster`]: glyph outlines of the embedded font, antialiased, on whole-pixel baselines.
//!
//! Sizes are in pixels per em. Glyphs advance by fractions of a pixel, which keeps words evenly spaced; lines of text
//! start on whole pixels, which keeps them sharp.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, Glyph, PxScale, ScaleFont};

use super::canvas::blend;
use crate::raster::Raster;

/// Size of titles.
pub(super) const TITLE: f64 = 19.0;
/// Size of headings within a figure.
pub(super) const HEADING: f64 = 15.0;
/// Size of labels and captions.
pub(super) const LABEL: f64 = 13.0;

static FONT: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(include_bytes!("../../assets/fonts/DejaVuSans.ttf"))
        .expect("the embedded font is sound")
});

/// Which part of a text stands at the given position, along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    /// Its left end, or the top of its capitals.
    Start,
    /// Its middle; vertically, that of its digits.
    Middle,
    /// Its right end, or the bottom of its descenders.
    End,
}

/// How to set a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub size: f64,
    pub color: [u8; 3],
    /// Along the line, then across it.
    pub align: [Align; 2],
    /// Whether the line runs upwards instead of to the right.
    pub upwards: bool,
}

impl Style {
    /// A line to the right, starting at the given position and below it.
    pub fn new(size: f64, color: [u8; 3]) -> Self {
        Self {
            size,
            color,
            align: [Align::Start; 2],
            upwards: false,
        }
    }

    pub fn align(self, along: Align, across: Align) -> Self {
        Self {
            align: [along, across],
            ..self
        }
    }
}

/// Distance of two lines of this size.
pub(super) fn line_height(size: f64) -> usize {
    (1.4 * size).round() as usize
}

/// The glyphs of a line from the origin on, and the width of the line.
fn layout(text: &str, size: f64) -> (Vec<Glyph>, f64) {
    let em = FONT.units_per_em().unwrap_or(2048.0);
    let font = FONT.as_scaled(PxScale::from((size as f32) * FONT.height_unscaled() / em));
    let mut x = 0.0;
    let mut glyphs: Vec<Glyph> = Vec::new();
    for c in text.chars() {
        let mut glyph = font.scaled_glyph(c);
        if let Some(last) = glyphs.last() {
            x += font.kern(last.id, glyph.id);
        }
        glyph.position = ab_glyph::point(x, 0.0);
        x += font.h_advance(glyph.id);
        glyphs.push(glyph);
    }
    (glyphs, f64::from(x))
}

/// Width of a line in pixels.
pub(super) fn width(text: &str, size: f64) -> f64 {
    layout(text, size).1
}

/// Writes one line.
pub(super) fn draw(raster: &mut Raster, [x, y]: [f64; 2], style: Style, text: &str) {
    let (glyphs, width) = layout(text, style.size);
    let along = match style.align[0] {
        Align::Start => 0.0,
        Align::Middle => -0.5 * width,
        Align::End => -width,
    };
    // From the position to the baseline, in the proportions of the font: capitals are 0.73 em high, descenders 0.24.
    let across = style.size
        * match style.align[1] {
            Align::Start => 0.73,
            Align::Middle => 0.365,
            Align::End => -0.24,
        };
    let [x, y] = if style.upwards {
        [x + across, y - along]
    } else {
        [x + along, y + across]
    };
    let (x, y) = (x.round() as i64, y.round() as i64);
    for glyph in glyphs {
        let Some(outline) = FONT.outline_glyph(glyph) else {
            continue;
        };
        let bounds = outline.px_bounds();
        let (left, top) = (bounds.min.x as i64, bounds.min.y as i64);
        outline.draw(|u, v, alpha| {
            let (u, v) = (left + i64::from(u), top + i64::from(v));
            let (px, py) = if style.upwards {
                (x + v, y - 1 - u)
            } else {
                (x + u, y + v)
            };
            blend(raster, px, py, style.color, f64::from(alpha));
        });
    }
}

/// Breaks a text into lines of at most `width` pixels, at spaces; a longer word stands alone.
pub(super) fn wrap(text: &str, size: f64, width: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if self::width(&format!("{line} {word}"), size) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_font_has_every_letter_of_the_field() {
        for c in "θψφξσπω²λ₀₁₂₃₄₅₆₇₈₉⁰¹²³⁴⁵⁶⁷⁸⁹⁻−×·≤°|±→ℓ⋆^½".chars()
        {
            assert_ne!(FONT.glyph_id(c).0, 0, "{c}");
        }
    }

    /// Columns and rows between which a raster is not white.
    fn inked(raster: &Raster) -> [usize; 4] {
        let mut bounds = [usize::MAX, usize::MAX, 0, 0];
        for y in 0..raster.height() {
            for x in 0..raster.width() {
                if raster.pixel(x, y)[0] < 128 {
                    bounds = [
                        bounds[0].min(x),
                        bounds[1].min(y),
                        bounds[2].max(x),
                        bounds[3].max(y),
                    ];
                }
            }
        }
        bounds
    }

    #[test]
    fn a_line_stands_where_it_is_put_in_either_direction() {
        let mut raster = Raster::filled(200, 200, [255; 3]);
        let style = Style::new(20.0, [0; 3]);
        draw(
            &mut raster,
            [100.0, 50.0],
            style.align(Align::Middle, Align::Middle),
            "H888H",
        );
        let [left, top, right, bottom] = inked(&raster);
        assert!((left + right).abs_diff(200) <= 3 && (top + bottom).abs_diff(100) <= 3);
        assert!((right - left).abs_diff(width("H888H", 20.0) as usize) < 6);
        assert!((13..=16).contains(&(bottom - top)));

        let mut raster = Raster::filled(200, 200, [255; 3]);
        let style = Style {
            upwards: true,
            ..style
        };
        draw(
            &mut raster,
            [50.0, 100.0],
            style.align(Align::Middle, Align::Middle),
            "H888H",
        );
        let [left, top, right, bottom] = inked(&raster);
        assert!((left + right).abs_diff(100) <= 3 && (top + bottom).abs_diff(200) <= 3);
        assert!(bottom - top > 3 * (right - left));
    }

    #[test]
    fn lines_break_at_spaces_and_stay_within_the_width() {
        let lines = wrap("one two three four five six seven", 13.0, 90.0);
        assert!(lines.len() > 2);
        assert!(lines.iter().all(|line| width(line, 13.0) <= 90.0));
        assert_eq!(lines.join(" "), "one two three four five six seven");
        assert_eq!(wrap("incomprehensibilities", 13.0, 20.0).len(), 1);
        assert!(wrap("", 13.0, 20.0).is_empty());
    }
}
