//! Arrays as rectangles of pixels: which part of a periodic array is seen, at which size, in which colours.
//!
//! Every picture pixel shows the mean over the part of the array below it, so that single samples are squares with
//! sharp edges where the array is enlarged and nothing aliases where it is reduced.

use ndarray::Array2;

use super::canvas::{fill, frame};
use super::text::{self, Align, LABEL, Style};
use super::{BLACK, FRAME};
use crate::grid::wrap;
use crate::raster::Raster;

/// Part of one axis, in samples: sample `i` covers `i − ½ .. i + ½`, and indices are periodic.
pub(super) type Span = [f64; 2];

/// The span that shows signed frequencies −½ .. ½ cycles per sample, or all of space around the origin.
pub(super) fn whole_period(n: usize) -> Span {
    [-0.5 * n as f64, 0.5 * n as f64]
}

/// For each pixel of an axis, the samples below it and their weights, which sum to 1.
fn weights(n: usize, [from, to]: Span, pixels: usize) -> Vec<Vec<(usize, f64)>> {
    let step = (to - from) / pixels as f64;
    (0..pixels)
        .map(|p| {
            let (low, high) = (from + p as f64 * step, from + (p + 1) as f64 * step);
            let first = (low + 0.5).floor() as i64;
            let last = ((high + 0.5).ceil() as i64 - 1).max(first);
            (first..=last)
                .map(|i| {
                    let overlap = high.min(i as f64 + 0.5) - low.max(i as f64 - 0.5);
                    (wrap(i, n), overlap.max(0.0) / step)
                })
                .collect()
        })
        .collect()
}

/// The part of a periodic array within `spans`, at `pixels` rows and columns.
pub(super) fn resample(array: &Array2<f64>, spans: [Span; 2], pixels: [usize; 2]) -> Array2<f64> {
    let [rows, columns] =
        [0, 1].map(|axis| weights(array.shape()[axis], spans[axis], pixels[axis]));
    let mut used = vec![false; array.nrows()];
    rows.iter().flatten().for_each(|&(i, _)| used[i] = true);
    let mut narrow = Array2::<f64>::zeros([array.nrows(), pixels[1]]);
    for i in (0..array.nrows()).filter(|&i| used[i]) {
        for (x, column) in columns.iter().enumerate() {
            narrow[[i, x]] = column
                .iter()
                .map(|&(k, weight)| weight * array[[i, k]])
                .sum();
        }
    }
    Array2::from_shape_fn(pixels, |(y, x)| {
        rows[y]
            .iter()
            .map(|&(i, weight)| weight * narrow[[i, x]])
            .sum::<f64>()
    })
}

/// Draws an array, one value a pixel, with its upper left corner at `[x, y]`.
pub(super) fn image<V>(
    raster: &mut Raster,
    [x, y]: [usize; 2],
    values: &Array2<V>,
    color: impl Fn(&V) -> [u8; 3],
) {
    for ((row, column), value) in values.indexed_iter() {
        raster.set_pixel(x + column, y + row, color(value));
    }
}

/// A legend of a colour map: a strip of `length` pixels from `low` to `high`, numbers beside it.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    pub low: f64,
    pub high: f64,
    pub length: usize,
    /// Position within `low..=high`, and what to write there.
    pub labels: Vec<(f64, String)>,
}

/// Thickness of a colour bar.
pub(super) const BAR: usize = 14;

impl Bar {
    /// From 0 to `high` with as many round numbers as fit side by side.
    pub fn from_zero(high: f64, length: usize) -> Self {
        let labels = |count| {
            let ticks = super::axis::ticks(0.0, high, count);
            let texts = super::axis::tick_labels(&ticks);
            ticks.into_iter().zip(texts).collect::<Vec<_>>()
        };
        let fits = |labels: &[(f64, String)]| {
            let widest = labels
                .iter()
                .map(|(_, label)| text::width(label, LABEL))
                .fold(0.0, f64::max);
            labels.len() as f64 * (widest + 10.0) <= length as f64 + widest
        };
        let labels = (1..=5)
            .rev()
            .map(labels)
            .find(|labels| fits(labels))
            .unwrap_or_else(|| labels(1));
        Self {
            low: 0.0,
            high,
            length,
            labels,
        }
    }

    /// Where along the bar a value lies, in pixels.
    fn position(&self, value: f64) -> f64 {
        let range = self.high - self.low;
        if range > 0.0 {
            (value - self.low) / range * self.length as f64
        } else {
            0.0
        }
    }

    fn value(&self, pixel: usize) -> f64 {
        self.low + (self.high - self.low) * (pixel as f64 + 0.5) / self.length as f64
    }

    /// Draws it to the right from `[x, y]`, numbers below.
    pub fn draw_across(
        &self,
        raster: &mut Raster,
        [x, y]: [usize; 2],
        color: impl Fn(f64) -> [u8; 3],
    ) {
        for pixel in 0..self.length {
            fill(raster, x + pixel, y, 1, BAR, color(self.value(pixel)));
        }
        frame(raster, x, y, self.length, BAR, FRAME);
        for (value, label) in &self.labels {
            let at = x + (self.position(*value) as usize).min(self.length);
            fill(raster, at, y + BAR, 1, 5, BLACK);
            let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
            text::draw(
                raster,
                [at as f64 + 0.5, (y + BAR + 8) as f64],
                style,
                label,
            );
        }
    }

    /// Draws it upwards with its top at `[x, y]`, numbers to the right.
    pub fn draw_upright(
        &self,
        raster: &mut Raster,
        [x, y]: [usize; 2],
        color: impl Fn(f64) -> [u8; 3],
    ) {
        for pixel in 0..self.length {
            fill(
                raster,
                x,
                y + self.length - 1 - pixel,
                BAR,
                1,
                color(self.value(pixel)),
            );
        }
        frame(raster, x, y, BAR, self.length, FRAME);
        for (value, label) in &self.labels {
            let at = y + self.length - (self.position(*value) as usize).min(self.length);
            fill(raster, x + BAR, at, 5, 1, BLACK);
            let style = Style::new(LABEL, BLACK).align(Align::Start, Align::Middle);
            text::draw(
                raster,
                [(x + BAR + 9) as f64, at as f64 + 0.5],
                style,
                label,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resampling_enlarges_by_squares_and_reduces_by_means() {
        let array = Array2::from_shape_fn([4, 6], |(i, k)| (10 * i + k) as f64);
        // Samples −1 and 0 of axis 0, 0 and 1 of axis 1, three pixels each.
        let large = resample(&array, [[-1.5, 0.5], [-0.5, 1.5]], [6, 6]);
        assert!((large[[0, 0]] - 30.0).abs() < 1e-12 && (large[[2, 5]] - 31.0).abs() < 1e-12);
        assert!((large[[3, 2]] - 0.0).abs() < 1e-12 && (large[[5, 3]] - 1.0).abs() < 1e-12);
        let mean = resample(&array, [whole_period(4), whole_period(6)], [1, 1]);
        assert!((mean[[0, 0]] - array.mean().unwrap()).abs() < 1e-12);
    }

    #[test]
    fn weights_sum_to_one_for_any_sizes() {
        for (n, pixels) in [(1, 1), (1, 7), (7, 3), (5, 96), (257, 96), (2, 3)] {
            for pixel in weights(n, whole_period(n), pixels) {
                assert!((pixel.iter().map(|&(_, weight)| weight).sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
    }
}
