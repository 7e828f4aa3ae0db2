//! [`Band`]: the part of a real transfer function that is not negligible, in any dimension.
//!
//! A wavelet ψ_j of an image lives on about 4^−j of the frequency plane. A band keeps, for all signed frequencies
//! k1, k2, … of the other axes, the runs of k0 where the filter exceeds a threshold, so that neither memory nor products
//! are spent on the rest.
//!
//! A filter on a coarser grid is the low-frequency block of the same filter: level `l` keeps the signed frequencies
//! `−n/2^(l+1) .. n/2^(l+1)` of each axis, unscaled. That is a view of the same runs, not a copy.

use ndarray::{Array, Dimension, IntoDimension};
use num_complex::Complex;

use crate::grid::{Grid, signed_frequencies, wrap};
use crate::num::Real;
use crate::{Error, Result, fft};

/// An array with one axis before those of a [`Grid<D>`](Grid): an [`Array3`](ndarray::Array3) for `D = 2`.
pub type DenseStack<A, const D: usize> =
    Array<A, <<[usize; D] as IntoDimension>::Dim as Dimension>::Larger>;

/// An array with the axes of a [`Grid<D>`](Grid): an [`Array2`](ndarray::Array2) for `D = 2`.
pub type Dense<A, const D: usize> = Array<A, <[usize; D] as IntoDimension>::Dim>;

/// Gaps shorter than this are stored: starting a run costs about as much as multiplying by a few zeros. Chosen, not
/// measured: one description of a run weighs four `f64`, and a vector holds up to 16 numbers. Filters of one or two
/// bumps have few gaps at all.
const MERGED_GAP: usize = 8;

/// Neighbouring values along axis 0, from signed frequency `[k0, k1, ..]` on. Runs never wrap around.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run<'a, T, const D: usize> {
    pub start: [i64; D],
    pub values: &'a [T],
}

#[derive(Debug, Clone, PartialEq)]
struct Stored<const D: usize> {
    start: [i64; D],
    offset: usize,
    len: usize,
}

impl<const D: usize> Stored<D> {
    /// The first signed frequency of an axis that lies beyond the run.
    fn end(&self, axis: usize) -> i64 {
        self.start[axis] + if axis == 0 { self.len as i64 } else { 1 }
    }
}

/// A real transfer function on a grid of `D` axes, stored where it is not negligible.
#[derive(Debug, Clone, PartialEq)]
pub struct Band<T, const D: usize> {
    grid: Grid<D>,
    runs: Vec<Stored<D>>,
    values: Vec<T>,
}

impl<T: Real> Band<T, 1> {
    /// Builds a band of one axis of `len` samples from `value` at the signed frequencies `within`, which may pass the
    /// Nyquist frequency, by less than a period; values up to `threshold` in modulus are left out.
    pub(crate) fn from_circle(
        len: usize,
        within: std::ops::Range<i64>,
        threshold: f64,
        mut value: impl FnMut(i64) -> f64,
    ) -> Self {
        let mut band = Self {
            grid: Grid::new([len]),
            runs: Vec::new(),
            values: Vec::new(),
        };
        let end = signed_frequencies(len).end;
        let beyond = end.max(within.start)..within.end;
        let mut push = |range: std::ops::Range<i64>| {
            let mut run = Gaps::default();
            for k in range {
                band.push(&mut run, [k], threshold, value(k));
            }
        };
        push(beyond.start - len as i64..beyond.end - len as i64);
        push(within.start..within.end.min(end));
        band.values.shrink_to_fit();
        band
    }
}

/// Where a run stands that is being filled: how many values it has left out last, if it is open.
#[derive(Debug, Default)]
struct Gaps {
    open: bool,
    gap: usize,
}

impl<T: Real, const D: usize> Band<T, D> {
    /// Builds a band row by row. `fill([k1, k2, ..], row)` adds the filter at all `k0` of one row to zeros in natural
    /// DFT order and says whether it touched it; values up to `threshold` in modulus are left out. Rows come in
    /// increasing order of the last axis, then of the one before it, down to axis 1.
    pub(crate) fn from_rows(
        grid: Grid<D>,
        threshold: f64,
        mut fill: impl FnMut(&[i64], &mut [f64]) -> bool,
    ) -> Self {
        let ranges = grid.shape.map(signed_frequencies);
        let mut row = vec![0.0; grid.shape[0]];
        let mut band = Self {
            grid,
            runs: Vec::new(),
            values: Vec::new(),
        };
        let mut start = ranges.each_ref().map(|range| range.start);
        let rows = grid.shape[1..].iter().product();
        for _ in 0..rows {
            if fill(&start[1..], &mut row) {
                band.push_row(start, threshold, &row);
                row.fill(0.0);
            }
            for (k, range) in start.iter_mut().zip(&ranges).skip(1) {
                *k += 1;
                if *k < range.end {
                    break;
                }
                *k = range.start;
            }
        }
        band.values.shrink_to_fit();
        band
    }

    fn push_row(&mut self, mut start: [i64; D], threshold: f64, row: &[f64]) {
        let mut gaps = Gaps::default();
        for k0 in signed_frequencies(row.len()) {
            start[0] = k0;
            self.push(&mut gaps, start, threshold, row[wrap(k0, row.len())]);
        }
    }

    /// The next value along axis 0.
    fn push(&mut self, gaps: &mut Gaps, at: [i64; D], threshold: f64, value: f64) {
        if value.abs() > threshold {
            if !gaps.open {
                self.runs.push(Stored {
                    start: at,
                    offset: self.values.len(),
                    len: 0,
                });
                *gaps = Gaps { open: true, gap: 0 };
            }
            self.values.resize(self.values.len() + gaps.gap, T::zero());
            self.values.push(T::narrow(value));
            gaps.gap = 0;
            self.close_last();
        } else if gaps.open {
            gaps.gap += 1;
            gaps.open = gaps.gap < MERGED_GAP;
        }
    }

    /// Lets the last run end where the values end.
    fn close_last(&mut self) {
        if let Some(run) = self.runs.last_mut() {
            run.len = self.values.len() - run.offset;
        }
    }

    /// Divides the filter by a constant.
    pub(crate) fn divide_by(&mut self, divisor: f64) {
        for value in &mut self.values {
            *value = T::narrow(value.widen() / divisor);
        }
    }

    /// The largest modulus of a stored value; 0 if there is none.
    pub(crate) fn largest(&self) -> f64 {
        let moduli = self.values.iter().map(|value| value.widen().abs());
        moduli.fold(0.0, f64::max)
    }

    /// The grid of the filter.
    pub fn grid(&self) -> Grid<D> {
        self.grid
    }

    /// Number of stored values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether every value is negligible.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The runs of the filter on the level-`level` grid, in order of the last axis, then the one before it, down to
    /// axis 0: by `k1`, then `k0`, for two axes.
    pub(crate) fn runs(&self, level: usize) -> impl Iterator<Item = Run<'_, T, D>> {
        let kept = self.grid.shape.map(|n| signed_frequencies(n >> level));
        let last = D - 1;
        let (low, high) = (kept[last].start, kept[last].end);
        let first = self.runs.partition_point(|run| run.end(last) <= low);
        self.runs[first..]
            .iter()
            .take_while(move |run| run.start[last] < high)
            .filter_map(move |run| {
                let begin = run.start[0].max(kept[0].start);
                let end = run.end(0).min(kept[0].end);
                let across = run.start[1..].iter().zip(&kept[1..]);
                let inside = begin < end && across.clone().all(|(k, kept)| kept.contains(k));
                inside.then(|| {
                    let mut start = run.start;
                    start[0] = begin;
                    let offset = run.offset + (begin - run.start[0]) as usize;
                    Run {
                        start,
                        values: &self.values[offset..offset + (end - begin) as usize],
                    }
                })
            })
    }

    /// The same without what lies at most at `tolerance` at either end of a run.
    pub(crate) fn runs_above(
        &self,
        level: usize,
        tolerance: f64,
    ) -> impl Iterator<Item = Run<'_, T, D>> {
        let counts = move |value: &T| value.widen().abs() > tolerance;
        self.runs(level).filter_map(move |mut run| {
            let first = run.values.iter().position(counts)?;
            let end = run.values.iter().rposition(counts)? + 1;
            run.start[0] += first as i64;
            run.values = &run.values[first..end];
            Some(run)
        })
    }

    /// Hands every stored value to `visit` with its index in a row-major array of the level-`level` grid in natural
    /// DFT order.
    pub(super) fn for_each(&self, level: usize, mut visit: impl FnMut(usize, T)) {
        let shape = self.grid.shape.map(|n| n >> level);
        let stride: usize = shape[1..].iter().product();
        for run in self.runs(level) {
            let across = run.start[1..]
                .iter()
                .zip(&shape[1..])
                .fold(0, |index, (&k, &n)| index * n + wrap(k, n));
            for (k0, &value) in (run.start[0]..).zip(run.values) {
                visit(wrap(k0, shape[0]) * stride + across, value);
            }
        }
    }

    /// The filter as a dense array in natural DFT order on the level-`level` grid.
    ///
    /// **Shape** `[n0 / 2^level, n1 / 2^level, ..]`. `None` where the level does not exist: level 0 always does, a
    /// level l > 0 where 2^(l+1) divides the grid.
    pub fn to_array(&self, level: usize) -> Option<Dense<T, D>>
    where
        [usize; D]: IntoDimension,
    {
        let grid = filter_grid(self.grid, level)?;
        let mut values = vec![T::zero(); grid.len()];
        self.for_each(level, |index, value| values[index] = value);
        Some(dense(grid, values))
    }

    /// The filter in space: the inverse DFT of its transfer function, periodic, its origin at index `[0, 0, ..]`.
    ///
    /// **Shape** that of the grid.
    ///
    /// ```
    /// use wavelet_scattering::filters::FilterBank2d;
    ///
    /// let bank = FilterBank2d::params([32, 48], 2).L(4).build::<f32>()?;
    /// let psi = bank.psi(1, 0).in_space();
    /// assert_eq!(psi.shape(), [32, 48]);
    /// assert!(psi.sum().norm() < 1e-6); // a wavelet
    /// assert!(psi[[0, 0]].re > 0.0 && psi[[0, 0]].im.abs() < 1e-6); // even real part, odd imaginary part
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn in_space(&self) -> Dense<Complex<f64>, D>
    where
        [usize; D]: IntoDimension,
    {
        let mut hat = vec![Complex::new(0.0, 0.0); self.grid.len()];
        self.for_each(0, |index, value| hat[index].re = value.widen());
        fft::inverse(dense(self.grid, hat))
    }

    /// The filter in space around its origin, as a kernel: its value at the origin stands at index `shape / 2`.
    ///
    /// **Shape** as asked for, at most that of the grid: what lies further out is cut off.
    ///
    /// # Errors
    /// [`Error::WrongShape`] for a side of 0 or one that is longer than the grid's.
    ///
    /// ```
    /// use wavelet_scattering::filters::FilterBank2d;
    ///
    /// let bank = FilterBank2d::params([32, 32], 2).L(4).build::<f64>()?;
    /// let kernel = bank.psi(0, 1).kernel([7, 7])?;
    /// assert_eq!(kernel[[3, 3]], bank.psi(0, 1).in_space()[[0, 0]]);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn kernel(&self, shape: [usize; D]) -> Result<Dense<Complex<f64>, D>>
    where
        [usize; D]: IntoDimension,
    {
        let full = self.grid.shape;
        if shape
            .iter()
            .zip(&full)
            .any(|(n, full)| !(1..=*full).contains(n))
        {
            return Err(Error::WrongShape {
                what: "the kernel",
                got: shape.to_vec(),
                expected: format!(
                    "sides from 1 to those of the filters' grid, {full:?}; use a smaller kernel or build the filters on a larger grid"
                ),
            });
        }
        let (samples, _) = self.in_space().into_raw_vec_and_offset(); // row-major, as it was made
        let mut kernel = Vec::new();
        for index in 0..shape.iter().product() {
            let (mut rest, mut from, mut stride) = (index, 0, 1);
            for (&n, &full) in shape.iter().zip(&full).rev() {
                let u = (rest % n) as i64 - (n / 2) as i64;
                from += wrap(u, full) * stride;
                stride *= full;
                rest /= n;
            }
            kernel.push(samples[from]);
        }
        Ok(dense(Grid::new(shape), kernel))
    }
}

/// Values in row-major order, as many as the grid has, as an array.
pub(super) fn dense<A, const D: usize>(grid: Grid<D>, values: Vec<A>) -> Dense<A, D>
where
    [usize; D]: IntoDimension,
{
    match Array::from_shape_vec(grid.shape, values) {
        Ok(array) => array,
        Err(error) => unreachable!("values were made for {grid:?}: {error}"),
    }
}

/// The grid of a filter at a level, if it exists: half of a decimated grid must be whole, so that the kept block
/// `−n/2 .. n/2` is the same on every axis.
pub(crate) fn filter_grid<const D: usize>(grid: Grid<D>, level: usize) -> Option<Grid<D>> {
    if level > 0 {
        grid.at_level(level.checked_add(1)?)?;
    }
    grid.at_level(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A filter whose value encodes its frequency, zero where k0 lies in a gap.
    fn example(n0: usize, n1: usize) -> Band<f64, 2> {
        Band::from_rows(Grid::new([n0, n1]), 0.5, |across, row| {
            let k1 = across[0];
            for k0 in signed_frequencies(row.len()) {
                let kept = k0.abs() > 2 || k1 % 2 == 0;
                row[wrap(k0, n0)] = if kept {
                    (100 * k1 + k0) as f64 + 0.25
                } else {
                    0.0
                };
            }
            true
        })
    }

    #[test]
    fn the_dense_array_is_what_was_filled_in() {
        for [n0, n1] in [[8, 12], [5, 7], [24, 4], [1, 1]] {
            let array = example(n0, n1).to_array(0).unwrap();
            for ((i, j), &value) in array.indexed_iter() {
                let k0 = signed_frequencies(n0).find(|&k| wrap(k, n0) == i).unwrap();
                let k1 = signed_frequencies(n1).find(|&k| wrap(k, n1) == j).unwrap();
                let expected = (100 * k1 + k0) as f64 + 0.25;
                let expected = if expected.abs() > 0.5 && (k0.abs() > 2 || k1 % 2 == 0) {
                    expected
                } else {
                    0.0
                };
                assert_eq!(value, expected, "at {k0}, {k1}");
            }
        }
    }

    #[test]
    fn a_coarser_level_is_the_low_frequency_block() {
        let band = example(16, 8);
        let fine = band.to_array(0).unwrap();
        let coarse = band.to_array(1).unwrap();
        assert_eq!(coarse.shape(), [8, 4]);
        for k0 in -4..4 {
            for k1 in -2..2 {
                assert_eq!(
                    coarse[[wrap(k0, 8), wrap(k1, 4)]],
                    fine[[wrap(k0, 16), wrap(k1, 8)]]
                );
            }
        }
    }

    #[test]
    fn a_level_exists_where_twice_its_subsampling_divides_the_grid() {
        let band = example(12, 24);
        assert!(band.to_array(0).is_some());
        assert!(band.to_array(1).is_some());
        assert!(band.to_array(2).is_none());
        assert!(band.to_array(usize::MAX).is_none());
        assert!(example(5, 7).to_array(0).is_some());
    }

    #[test]
    fn short_gaps_are_stored_and_long_ones_are_not() {
        let values = |gap: usize| {
            let row = move |_: &[i64], row: &mut [f64]| {
                row[0] = 1.0;
                row[gap + 1] = 1.0;
                true
            };
            Band::<f64, 2>::from_rows(Grid::new([64, 1]), 0.5, row)
        };
        assert_eq!((values(7).runs.len(), values(7).len()), (1, 9));
        assert_eq!((values(8).runs.len(), values(8).len()), (2, 2));
    }

    /// One and three axes: every value lies where its frequency says, on every level.
    fn values_lie_at_their_frequencies<const D: usize>(shape: [usize; D])
    where
        [usize; D]: IntoDimension,
    {
        let code = |k: [i64; D]| k.iter().fold(0.25, |code, &k| 100.0 * code + k as f64);
        let band = Band::<f64, D>::from_rows(Grid::new(shape), 0.0, |across, row| {
            for k0 in signed_frequencies(shape[0]) {
                let mut k = [k0; D];
                k[1..].copy_from_slice(across);
                row[wrap(k0, shape[0])] = code(k);
            }
            true
        });
        for level in 0..3 {
            let Some(array) = band.to_array(level) else {
                continue;
            };
            let shape = shape.map(|n| n >> level);
            assert_eq!(array.shape(), shape);
            for (index, &value) in array.iter().enumerate() {
                let mut index = index;
                let mut k = [0; D];
                for axis in (0..D).rev() {
                    let i = index % shape[axis];
                    let n = shape[axis];
                    k[axis] = signed_frequencies(n).find(|&k| wrap(k, n) == i).unwrap();
                    index /= n;
                }
                assert_eq!(value, code(k), "level {level} at {k:?}");
            }
        }
    }

    #[test]
    fn a_band_has_any_number_of_axes() {
        values_lie_at_their_frequencies([1]);
        values_lie_at_their_frequencies([48]);
        values_lie_at_their_frequencies([17]);
        values_lie_at_their_frequencies([8, 24]);
        values_lie_at_their_frequencies([8, 12, 4]);
        values_lie_at_their_frequencies([3, 1, 5]);
    }
}
