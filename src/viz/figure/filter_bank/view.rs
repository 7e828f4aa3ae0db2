//! What a sheet sees of a bank: the rows of wavelets of one scale, the part of space in which each row is shown, and the
//! filters at the resolution that they are drawn at.
//!
//! A filter of a large grid is not computed on that grid. In space, every `step`-th sample of a Gabor is the Gabor with
//! `step` times the frequency and bandwidth, on a grid that much smaller; and as much of it as lies around the view is
//! enough. In frequency, a smaller grid holds the same function at fewer frequencies.

use std::ops::Range;

use ndarray::Array2;

use super::super::super::panel::Span;
use crate::filters::gabor::Gabor;
use crate::filters::{Wavelet2d, WaveletList2d, band};
use crate::grid::{Grid, signed_frequencies, wrap};
use crate::num::Complex;

/// Half-width of a view in space, in standard deviations of the wider axis of the envelope: 4 % of the peak is left.
const VIEW: f64 = 2.5;

/// Standard deviations beyond which an envelope is gone: 3·10⁻⁷ of its peak.
const GONE: f64 = 5.5;

/// Samples along the longer side of a view in space, if the grid has more.
const IN_SPACE: f64 = 128.0;

/// The most samples a side of the frequency plane.
pub(super) const IN_FREQUENCY: usize = 256;

/// A bank as a sheet lays it out.
#[derive(Debug)]
pub(super) struct Bank<'a> {
    pub list: &'a WaveletList2d,
    /// The wavelets λ of every scale that has some, finest first.
    pub rows: Vec<Range<usize>>,
    /// Whether all rows have the same orientations, and the wavelets of a row nothing else that differs.
    pub is_regular: bool,
}

impl<'a> Bank<'a> {
    pub fn new(list: &'a WaveletList2d) -> Self {
        let wavelets = &list.wavelets;
        let mut rows = Vec::new();
        let mut start = 0;
        for row in wavelets.chunk_by(|a, b| a.j == b.j) {
            rows.push(start..start + row.len());
            start += row.len();
        }
        let mut bank = Self {
            list,
            rows,
            is_regular: false,
        };
        let first = bank.row(0);
        let alike = |row: &[Wavelet2d]| {
            let as_first = |(a, b): (&Wavelet2d, &Wavelet2d)| {
                a.direction == b.direction
                    && [a.xi, a.sigma, a.slant] == [row[0].xi, row[0].sigma, row[0].slant]
            };
            row.len() == first.len() && row.iter().zip(first).all(as_first)
        };
        bank.is_regular = (0..bank.rows.len()).all(|row| alike(bank.row(row)));
        bank
    }

    /// The wavelets of a row; none for that of φ.
    pub fn row(&self, row: usize) -> &'a [Wavelet2d] {
        let range = self.rows.get(row).cloned().unwrap_or_default();
        &self.list.wavelets[range]
    }

    /// The most wavelets of a row.
    pub fn columns(&self) -> usize {
        self.rows
            .iter()
            .map(ExactSizeIterator::len)
            .max()
            .unwrap_or(0)
    }

    /// Standard deviation in space along the wave vector, in pixels, of every wavelet of a row, or of φ where there are none.
    pub fn spatial(&self, row: usize) -> Vec<f64> {
        match self.row(row) {
            [] => vec![1.0 / (2.0 * std::f64::consts::PI * self.list.sigma_phi)],
            wavelets => wavelets.iter().map(Wavelet2d::sigma_space).collect(),
        }
    }

    /// The part of space that shows the filters of a row, or φ.
    pub fn view(&self, row: usize) -> [Span; 2] {
        let slants = self.row(row).iter().map(|wavelet| wavelet.slant);
        let widths = self.spatial(row).into_iter().zip(slants.chain([1.0]));
        let width = widths.map(|(width, slant)| width * slant.recip().max(1.0));
        let reach = (VIEW * width.fold(0.0, f64::max)).ceil();
        self.list.shape.map(|n| {
            if 2.0 * reach + 1.0 < n as f64 {
                return [-reach - 0.5, reach + 0.5];
            }
            let all = signed_frequencies(n);
            [all.start as f64 - 0.5, all.end as f64 - 0.5]
        })
    }

    /// ψ_λ within a view, up to a constant, at every `step`-th sample from about the first on.
    pub fn psi_in_view(&self, lambda: usize, view: [Span; 2]) -> Array2<Complex<f64>> {
        let gabor = self.list.wavelets[lambda].gabor();
        let longest = view
            .map(|[from, to]| to - from)
            .into_iter()
            .fold(0.0, f64::max);
        let broad = gabor.sigma * gabor.slant.max(1.0);
        // At least four samples a wavelength, and few enough to tell from each other what differs.
        let step = (longest / IN_SPACE).min(0.25 / gabor.xi).min(0.15 / broad);
        let step = step.floor().max(1.0);
        let shrunk = Gabor {
            xi: gabor.xi * step,
            sigma: gabor.sigma * step,
            ..gabor
        };
        let width = self.list.wavelets[lambda].sigma_space() * gabor.slant.recip().max(1.0);
        let shape: [usize; 2] = std::array::from_fn(|axis| {
            let [from, to] = view[axis];
            let whole = (self.list.shape[axis] as f64 / step).round().max(1.0) as usize;
            // The next period has to stay out of the view.
            let around = ((to - from) / 2.0 + to.abs().max(from.abs()) + GONE * width) / step;
            whole.min((around.ceil() as usize).next_multiple_of(16))
        });
        let psi = band::<f64>(self.list.family, Grid::new(shape), &shrunk).in_space();
        let samples = view.map(|[from, to]| {
            let first = ((from + 0.5) / step).round() as i64;
            first..=((to - 0.5) / step).round() as i64
        });
        let size = samples.each_ref().map(|range| range.clone().count());
        Array2::from_shape_fn(size, |(i, k)| {
            let place =
                |at: usize, axis: usize| wrap(samples[axis].start() + at as i64, shape[axis]);
            psi[[place(i, 0), place(k, 1)]]
        })
    }

    /// φ within a view, over its maximum: a product of one periodic Gaussian per axis.
    pub fn phi_in_view(&self, view: [Span; 2]) -> Array2<f64> {
        let width = self.spatial(self.rows.len())[0];
        let longest = view
            .map(|[from, to]| to - from)
            .into_iter()
            .fold(0.0, f64::max);
        let step = (longest / IN_SPACE).floor().max(1.0);
        let factors = [0, 1].map(|axis| {
            let n = self.list.shape[axis] as f64;
            let [from, to] = view[axis];
            let count = ((to - from) / step).ceil().max(1.0) as usize;
            let factor = (0..count).map(|i| {
                let u = from + 0.5 + i as f64 * step;
                // Twice as wide as the period it is flat to 10⁻³⁴.
                if width > 2.0 * n {
                    return 1.0;
                }
                let images = -16..=16;
                let gauss = |b: i32| (-0.5 * ((u + f64::from(b) * n) / width).powi(2)).exp();
                images.map(gauss).sum::<f64>()
            });
            let factor: Vec<f64> = factor.collect();
            let largest = factor.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
            factor
                .into_iter()
                .map(|value| value / largest)
                .collect::<Vec<_>>()
        });
        Array2::from_shape_fn([factors[0].len(), factors[1].len()], |(i, k)| {
            factors[0][i] * factors[1][k]
        })
    }
}

/// Rows and columns of pixels for a view, its longer side filling a panel.
pub(super) fn pixels(spans: [Span; 2], panel: usize) -> [usize; 2] {
    let lengths = spans.map(|[from, to]| to - from);
    let longest = lengths[0].max(lengths[1]);
    lengths.map(|length| ((length / longest * panel as f64).round() as usize).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::FilterBank2d;

    /// On a grid whose views are shrunk, what is seen is the filter of the grid itself.
    #[test]
    fn a_shrunk_view_holds_the_samples_of_the_grid() {
        for (shape, J, L) in [([512, 768], 6, 8), ([400, 300], 7, 4), ([64, 48], 3, 8)] {
            let bank = FilterBank2d::params(shape, J).L(L).build::<f64>().unwrap();
            let list = WaveletList2d::from(&bank);
            let seen = Bank::new(&list);
            assert!(seen.is_regular && seen.columns() == L && seen.rows.len() == J);
            for j in 0..J {
                let view = seen.view(j);
                let got = seen.psi_in_view(j * L + 1, view);
                assert!(got.len() <= 400 * 400, "{:?}", got.shape());
                let exact = bank.psi_in_space(j, 1);
                let step = ((view[0][1] - view[0][0]) / got.nrows() as f64).round() as i64;
                let scale = (step * step) as f64;
                let first = view.map(|[from, _]| ((from + 0.5) / step as f64).round() as i64);
                let largest = exact.iter().map(|z| z.norm()).fold(0.0, f64::max);
                for ((i, k), value) in got.indexed_iter() {
                    let at = [
                        wrap((first[0] + i as i64) * step, shape[0]),
                        wrap((first[1] + k as i64) * step, shape[1]),
                    ];
                    let error = (value / scale - exact[at]).norm() / largest;
                    // Where the step does not divide the grid, what comes in from the next period moves a little.
                    assert!(
                        error < 0.02,
                        "{shape:?}, j = {j}, step {step}: {error} at {at:?}"
                    );
                }
            }
            let phi = seen.phi_in_view(seen.view(J));
            let largest = phi.iter().copied().fold(0.0, f64::max);
            assert_eq!(largest, 1.0);
        }
    }
}
