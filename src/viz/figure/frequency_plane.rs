//! The frequency plane as a square panel: numbers and names along its axes, contours of transfer functions in it.
//!
//! Conventions that bite: ω₀ runs down and ω₁ to the right, from −½ to ½ cycle per pixel, with ω = 0 in the middle.

use ndarray::Array2;

use super::super::axis::decimals;
use super::super::text::{self, Align, LABEL, Style};
use super::super::{BLACK, canvas};
use crate::grid::wrap;
use crate::raster::Raster;

/// Side from which a panel has room for numbers that reach beyond it and for the names of its axes.
pub(super) const LARGE: usize = 300;

/// An edge of a panel with numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// Those of ω₀.
    Left,
    /// Those of ω₁.
    Below,
}

/// Ticks, numbers and names of both axes of a large panel.
pub(super) fn axes(raster: &mut Raster, corner: [usize; 2], side: usize) {
    let frequencies = [-0.5, -0.25, 0.0, 0.25, 0.5];
    ticks(
        raster,
        corner,
        side,
        &frequencies,
        &[Edge::Left, Edge::Below],
    );
    names(raster, corner, side);
}

/// Ticks and numbers at some frequencies, along some edges of a panel.
pub(super) fn ticks(
    raster: &mut Raster,
    [x, y]: [usize; 2],
    side: usize,
    frequencies: &[f64],
    edges: &[Edge],
) {
    for &frequency in frequencies {
        let at = ((frequency + 0.5) * side as f64).round() as usize;
        // The outermost numbers of small panels stay within their panel, so that neighbours do not meet.
        let inset = if side >= LARGE {
            0.0
        } else {
            -18.0 * frequency
        };
        let number = decimals(frequency, 2);
        for edge in edges {
            let (place, style) = match edge {
                Edge::Left => {
                    canvas::fill(raster, x - 5, (y + at).saturating_sub(1), 4, 1, BLACK);
                    (
                        [x as f64 - 9.0, (y + at) as f64 + 0.5 * inset],
                        Style::new(LABEL, BLACK).align(Align::End, Align::Middle),
                    )
                }
                Edge::Below => {
                    let below = y + side + 1;
                    canvas::fill(raster, (x + at).saturating_sub(1), below, 1, 4, BLACK);
                    (
                        [(x + at) as f64 + inset, (y + side) as f64 + 9.0],
                        Style::new(LABEL, BLACK).align(Align::Middle, Align::Start),
                    )
                }
            };
            text::draw(raster, place, style, &number);
        }
    }
}

/// Names of the axes.
fn names(raster: &mut Raster, [x, y]: [usize; 2], side: usize) {
    let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
    let middle = 0.5 * side as f64;
    text::draw(
        raster,
        [x as f64 + middle, (y + side) as f64 + 32.0],
        style,
        "ω₁ (cycles per pixel)",
    );
    let style = Style {
        upwards: true,
        ..style
    };
    text::draw(
        raster,
        [x as f64 - 64.0, y as f64 + middle],
        style,
        "ω₀ (cycles per pixel)",
    );
}

/// Where a transfer function crosses a level, by marching squares on the DFT grid, in a square panel; `sign` = −1
/// mirrors it.
pub(super) fn contour(
    raster: &mut Raster,
    [x, y]: [usize; 2],
    side: usize,
    hat: &Array2<f64>,
    level: f64,
    sign: f64,
    color: [u8; 3],
) {
    let (n0, n1) = hat.dim();
    let at = |k0: i64, k1: i64| hat[[wrap(k0, n0), wrap(k1, n1)]] - level;
    let side = side as f64;
    let place =
        |k: f64, n: usize, origin: usize| origin as f64 + (sign * k / n as f64 + 0.5) * side;
    let half = |n: usize| n.div_ceil(2) as i64;
    let mut lines = Vec::new();
    for k0 in -half(n0)..half(n0) {
        for k1 in -half(n1)..half(n1) {
            // Corners in circular order, each with its value.
            let corners = [(k0, k1), (k0, k1 + 1), (k0 + 1, k1 + 1), (k0 + 1, k1)]
                .map(|(a, b)| (a, b, at(a, b)));
            let crossings: Vec<[f64; 2]> = (0..4)
                .filter_map(|i| {
                    let ((a0, a1, a), (b0, b1, b)) = (corners[i], corners[(i + 1) % 4]);
                    ((a > 0.0) != (b > 0.0)).then(|| {
                        let t = a / (a - b);
                        let k = [
                            a0 as f64 + t * (b0 - a0) as f64,
                            a1 as f64 + t * (b1 - a1) as f64,
                        ];
                        [place(k[1], n1, x), place(k[0], n0, y)]
                    })
                })
                .collect();
            lines.extend(crossings.chunks_exact(2).map(|pair| [pair[0], pair[1]]));
        }
    }
    canvas::segments(
        raster,
        &lines,
        1.5,
        color,
        [x as f64, y as f64, x as f64 + side, y as f64 + side],
    );
}
