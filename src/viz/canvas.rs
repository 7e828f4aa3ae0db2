//! Antialiased marks on a [`Raster`]: blended pixels, rectangles, strokes.
//!
//! Coordinates are in pixels, `[x, y]`; pixel (x, y) covers the square from (x, y) to (x + 1, y + 1). Whatever
//! overhangs the picture is dropped.

use crate::raster::Raster;

/// Left, top, right and bottom edge, in pixels.
pub(super) type Rect = [f64; 4];

/// Mixes `color` into one pixel.
pub(super) fn blend(raster: &mut Raster, x: i64, y: i64, color: [u8; 3], alpha: f64) {
    let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
        return;
    };
    if x < raster.width() && y < raster.height() {
        let below = raster.pixel(x, y);
        let alpha = alpha.clamp(0.0, 1.0);
        let mix = |c: usize| {
            (f64::from(below[c]) * (1.0 - alpha) + f64::from(color[c]) * alpha).round() as u8
        };
        raster.set_pixel(x, y, [mix(0), mix(1), mix(2)]);
    }
}

/// Fills the pixels of columns `x..x + width` and rows `y..y + height`.
pub(super) fn fill(
    raster: &mut Raster,
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    color: [u8; 3],
) {
    for row in y..y.saturating_add(height).min(raster.height()) {
        for column in x..x.saturating_add(width).min(raster.width()) {
            raster.set_pixel(column, row, color);
        }
    }
}

/// A frame one pixel wide around the pixels of columns `x..x + width` and rows `y..y + height`.
pub(super) fn frame(
    raster: &mut Raster,
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    color: [u8; 3],
) {
    let (left, top) = (x.saturating_sub(1), y.saturating_sub(1));
    fill(raster, left, top, width + 2, 1, color);
    fill(raster, left, y + height, width + 2, 1, color);
    fill(raster, left, top, 1, height + 2, color);
    fill(raster, x + width, top, 1, height + 2, color);
}

/// Copies a picture to column `x`, row `y`.
pub(super) fn paste(raster: &mut Raster, x: usize, y: usize, picture: &Raster) {
    for row in 0..picture.height() {
        for column in 0..picture.width() {
            raster.set_pixel(x + column, y + row, picture.pixel(column, row));
        }
    }
}

/// Draws a polyline of the given width inside `clip`; a lone point is a dot.
pub(super) fn stroke(
    raster: &mut Raster,
    points: &[[f64; 2]],
    width: f64,
    color: [u8; 3],
    clip: Rect,
) {
    let lines: Vec<_> = (0..points.len())
        .map(|i| [points[i.saturating_sub(1)], points[i]])
        .collect();
    segments(raster, &lines, width, color, clip);
}

/// Draws line segments of the given width inside `clip`, as one shape: where they meet, nothing is drawn twice.
pub(super) fn segments(
    raster: &mut Raster,
    lines: &[[[f64; 2]; 2]],
    width: f64,
    color: [u8; 3],
    clip: Rect,
) {
    let reach = 0.5 * width + 0.5; // half the width, and half a pixel of soft edge
    let bound = |axis: usize, fold: fn(f64, f64) -> f64| {
        lines.iter().flatten().map(|p| p[axis]).reduce(fold)
    };
    let (Some(left), Some(right)) = (bound(0, f64::min), bound(0, f64::max)) else {
        return;
    };
    let (Some(top), Some(bottom)) = (bound(1, f64::min), bound(1, f64::max)) else {
        return;
    };
    let left = (left - reach).max(clip[0]).max(0.0).floor() as usize;
    let top = (top - reach).max(clip[1]).max(0.0).floor() as usize;
    let right = (right + reach)
        .min(clip[2])
        .min(raster.width() as f64)
        .ceil() as usize;
    let bottom = (bottom + reach)
        .min(clip[3])
        .min(raster.height() as f64)
        .ceil() as usize;
    if left >= right || top >= bottom {
        return;
    }

    let mut cover = vec![0.0_f32; (right - left) * (bottom - top)];
    for &[a, b] in lines {
        let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        let length2 = dx * dx + dy * dy;
        let first = (a[1].min(b[1]) - reach).floor().max(top as f64) as usize;
        let last = (a[1].max(b[1]) + reach).ceil().min(bottom as f64) as usize;
        for y in first..last {
            let center = y as f64 + 0.5;
            // The part of the segment that can touch this row, as a range of its parameter.
            let (mut t0, mut t1) = (0.0, 1.0);
            if dy.abs() > 1e-9 {
                let ends = [(center - reach - a[1]) / dy, (center + reach - a[1]) / dy];
                t0 = ends[0].min(ends[1]).clamp(0.0, 1.0);
                t1 = ends[0].max(ends[1]).clamp(0.0, 1.0);
            }
            let ends = [a[0] + t0 * dx, a[0] + t1 * dx];
            let from = (ends[0].min(ends[1]) - reach).floor().max(left as f64) as usize;
            let to = (ends[0].max(ends[1]) + reach).ceil().min(right as f64) as usize;
            for x in from..to {
                let [px, py] = [x as f64 + 0.5 - a[0], center - a[1]];
                let t = if length2 > 0.0 {
                    ((px * dx + py * dy) / length2).clamp(0.0, 1.0)
                } else {
                    0.0
                };
                let distance = (px - t * dx).hypot(py - t * dy);
                let alpha = (reach - distance).clamp(0.0, width.min(1.0)) as f32;
                let old = &mut cover[(y - top) * (right - left) + x - left];
                *old = old.max(alpha);
            }
        }
    }
    for (i, &alpha) in cover.iter().enumerate().filter(|&(_, &alpha)| alpha > 0.0) {
        let (x, y) = (left + i % (right - left), top + i / (right - left));
        blend(raster, x as i64, y as i64, color, f64::from(alpha));
    }
}

/// The whole picture, for [`stroke`].
pub(super) fn everywhere(raster: &Raster) -> Rect {
    [0.0, 0.0, raster.width() as f64, raster.height() as f64]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ink(raster: &Raster) -> f64 {
        raster
            .as_rgb()
            .iter()
            .map(|&c| 1.0 - f64::from(c) / 255.0)
            .sum::<f64>()
            / 3.0
    }

    #[test]
    fn a_stroke_covers_its_area_in_any_direction() {
        for end in [[50.0, 10.0], [10.0, 50.0], [38.3, 38.3], [12.0, 49.5]] {
            let mut raster = Raster::filled(60, 60, [255; 3]);
            let clip = everywhere(&raster);
            stroke(&mut raster, &[[10.0, 10.0], end], 2.0, [0; 3], clip);
            let expected = 2.0 * (end[0] - 10.0).hypot(end[1] - 10.0) + std::f64::consts::PI;
            assert!(
                (ink(&raster) / expected - 1.0).abs() < 0.03,
                "{end:?}: {} of {expected}",
                ink(&raster)
            );
        }
    }

    #[test]
    fn what_overhangs_is_dropped() {
        let mut raster = Raster::filled(5, 4, [255; 3]);
        let clip = everywhere(&raster);
        stroke(&mut raster, &[[-1e6, 2.0], [1e6, 2.0]], 1.0, [0; 3], clip);
        stroke(&mut raster, &[[100.0, 100.0]], 1.0, [0; 3], clip);
        stroke(&mut raster, &[], 1.0, [0; 3], clip);
        blend(&mut raster, -1, 9, [0; 3], 1.0);
        fill(&mut raster, 3, 3, 10, 10, [1, 2, 3]);
        frame(&mut raster, 0, 0, 5, 4, [0; 3]);
        assert_eq!(raster.pixel(4, 3), [1, 2, 3]);
        assert_eq!((raster.width(), raster.height()), (5, 4));
    }
}
