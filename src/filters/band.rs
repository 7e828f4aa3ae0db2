//! [`Band`]: the part of a real transfer function that is not negligible.
//!
//! A wavelet ψ_j lives on about 4^−j of the frequency plane. A band keeps, for every signed frequency k1 of axis 1,
//! the runs of k0 where the filter exceeds a threshold, so that neither memory nor products are spent on the rest.
//!
//! A filter on a coarser grid is the low-frequency block of the same filter: level `l` keeps the signed frequencies
//! `−n/2^(l+1) .. n/2^(l+1)` of each axis, unscaled. That is a view of the same runs, not a copy.

use ndarray::Array2;

use crate::grid::{Grid, signed_frequencies, wrap};
use crate::num::Real;

/// Gaps shorter than this are stored: starting a run costs about as much as multiplying by a few zeros.
const MERGED_GAP: usize = 8;

/// Neighbouring values of one `k1`, from signed frequency `k0` on. Runs never wrap around.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Run<'a, T> {
    pub k1: i64,
    pub k0: i64,
    pub values: &'a [T],
}

#[derive(Debug, Clone, PartialEq)]
struct Stored {
    k1: i64,
    k0: i64,
    start: usize,
    len: usize,
}

/// A real transfer function on a 2D grid, stored where it is not negligible.
#[derive(Debug, Clone, PartialEq)]
pub struct Band<T> {
    grid: Grid<2>,
    runs: Vec<Stored>,
    values: Vec<T>,
}

impl<T: Real> Band<T> {
    /// Builds a band row by row. `fill(k1, row)` adds the filter at all `k0` of one `k1` to a zeroed row in natural
    /// DFT order and says whether it touched it; values up to `threshold` in modulus are left out.
    pub(crate) fn from_rows(
        grid: Grid<2>,
        threshold: f64,
        mut fill: impl FnMut(i64, &mut [f64]) -> bool,
    ) -> Self {
        let [n0, n1] = grid.shape;
        let mut row = vec![0.0; n0];
        let mut band = Self {
            grid,
            runs: Vec::new(),
            values: Vec::new(),
        };
        for k1 in signed_frequencies(n1) {
            if fill(k1, &mut row) {
                band.push_row(k1, threshold, &row);
                row.fill(0.0);
            }
        }
        band.values.shrink_to_fit();
        band
    }

    fn push_row(&mut self, k1: i64, threshold: f64, row: &[f64]) {
        let mut gap = 0;
        let mut open = false;
        for k0 in signed_frequencies(row.len()) {
            let value = row[wrap(k0, row.len())];
            if value.abs() > threshold {
                if !open {
                    self.runs.push(Stored {
                        k1,
                        k0,
                        start: self.values.len(),
                        len: 0,
                    });
                    open = true;
                    gap = 0;
                }
                self.values.resize(self.values.len() + gap, T::zero());
                self.values.push(T::narrow(value));
                gap = 0;
                self.close_last();
            } else if open {
                gap += 1;
                open = gap < MERGED_GAP;
            }
        }
    }

    /// Lets the last run end where the values end.
    fn close_last(&mut self) {
        if let Some(run) = self.runs.last_mut() {
            run.len = self.values.len() - run.start;
        }
    }

    /// Divides the filter by a constant.
    pub(crate) fn divide_by(&mut self, divisor: f64) {
        for value in &mut self.values {
            *value = T::narrow(value.widen() / divisor);
        }
    }

    /// The grid of the filter.
    pub fn grid(&self) -> Grid<2> {
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

    /// The runs of the filter on the level-`level` grid, in order of `k1`, then `k0`.
    pub(crate) fn runs(&self, level: usize) -> impl Iterator<Item = Run<'_, T>> {
        let [low0, high0] = self.kept(0, level);
        let [low1, high1] = self.kept(1, level);
        let first = self.runs.partition_point(|run| run.k1 < low1);
        self.runs[first..]
            .iter()
            .take_while(move |run| run.k1 < high1)
            .filter_map(move |run| {
                let start = run.k0.max(low0);
                let end = (run.k0 + run.len as i64).min(high0);
                (start < end).then(|| {
                    let offset = run.start + (start - run.k0) as usize;
                    Run {
                        k1: run.k1,
                        k0: start,
                        values: &self.values[offset..offset + (end - start) as usize],
                    }
                })
            })
    }

    /// The same without what lies at most at `tolerance` at either end of a run.
    pub(crate) fn runs_above(
        &self,
        level: usize,
        tolerance: f64,
    ) -> impl Iterator<Item = Run<'_, T>> {
        let counts = move |value: &T| value.widen().abs() > tolerance;
        self.runs(level).filter_map(move |run| {
            let first = run.values.iter().position(counts)?;
            let end = run.values.iter().rposition(counts)? + 1;
            Some(Run {
                k0: run.k0 + first as i64,
                values: &run.values[first..end],
                ..run
            })
        })
    }

    /// The signed frequencies of one axis that a level keeps, as `[first, end]`.
    fn kept(&self, axis: usize, level: usize) -> [i64; 2] {
        let range = signed_frequencies(self.grid.shape[axis] >> level);
        [range.start, range.end]
    }

    /// The filter as a dense array in natural DFT order on the level-`level` grid.
    ///
    /// **Shape** `[n0 / 2^level, n1 / 2^level]`. `None` where the level does not exist: level 0 always does, a
    /// level l > 0 where 2^(l+1) divides the grid.
    pub fn to_array(&self, level: usize) -> Option<Array2<T>> {
        let grid = filter_grid(self.grid, level)?;
        let [n0, n1] = grid.shape;
        let mut array = Array2::zeros([n0, n1]);
        for run in self.runs(level) {
            for (i, &value) in run.values.iter().enumerate() {
                array[[wrap(run.k0 + i as i64, n0), wrap(run.k1, n1)]] = value;
            }
        }
        Some(array)
    }
}

/// The grid of a filter at a level, if it exists: half of a decimated grid must be whole, so that the kept block
/// `−n/2 .. n/2` is the same on every axis.
pub(crate) fn filter_grid(grid: Grid<2>, level: usize) -> Option<Grid<2>> {
    if level > 0 {
        grid.at_level(level.checked_add(1)?)?;
    }
    grid.at_level(level)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A filter whose value encodes its frequency, zero where k0 lies in a gap.
    fn example(n0: usize, n1: usize) -> Band<f64> {
        Band::from_rows(Grid::new([n0, n1]), 0.5, |k1, row| {
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
            let row = move |_, row: &mut [f64]| {
                row[0] = 1.0;
                row[gap + 1] = 1.0;
                true
            };
            Band::<f64>::from_rows(Grid::new([64, 1]), 0.5, row)
        };
        assert_eq!((values(7).runs.len(), values(7).len()), (1, 9));
        assert_eq!((values(8).runs.len(), values(8).len()), (2, 2));
    }
}
