//! [`Design`]: all that an engine may know of a transform, before a filter exists. Parameters of any dimension end here.

use std::ops::Range;
use std::sync::Arc;

use super::keep::{Average, Layout};
use super::path::{PathTable, Wavelet};
use crate::grid::Grid;
use crate::layer::average::{AxisAverage, EvenKernel};
use crate::num::Real;
use crate::signal::pad::AxisPadding;

/// A transform laid out.
#[derive(Debug)]
pub(crate) struct Design<W, const D: usize> {
    pub axes: [AxisPadding; D],
    /// The grid of every level that a U lives on, finest first.
    pub grids: Vec<Grid<D>>,
    pub paths: Arc<PathTable<W>>,
    /// The λ that every layer takes its wavelets from.
    pub layers: Vec<Range<usize>>,
    /// The level that U lives on after λ, log2 of its subsampling, by λ. The input lives on level 0.
    pub levels: Vec<usize>,
    pub average: Average,
    /// The level of averages, and which of its samples they keep along each axis.
    pub output_level: usize,
    pub outputs: [Range<usize>; D],
    /// φ on the grid of every level, one factor an axis.
    pub low_pass: Vec<[EvenKernel; D]>,
    /// φ̂(0): what the low-pass makes of a constant 1.
    pub phi_at_zero: f64,
    pub layout: Arc<Layout>,
    /// What is left out of filters, as a share of their peak, and of windows, as a share of their sum.
    pub tolerance: f64,
    /// The same of the window that averages the input.
    pub input_tolerance: f64,
}

/// The level that U of a path lives on: that of its coarsest wavelet, since what was subsampled stays so.
pub(crate) fn level_of(path: &[usize], levels: &[usize]) -> usize {
    path.iter().map(|&lambda| levels[lambda]).max().unwrap_or(0)
}

/// The λ of every layer, where λ counts through banks of so many wavelets, one after another, of which each layer takes one.
pub(crate) fn lambdas_of_layers(
    banks: impl Iterator<Item = usize>,
    of_layer: &[usize],
) -> Vec<Range<usize>> {
    let ranges = banks.scan(0, |end, len| {
        *end += len;
        Some(*end - len..*end)
    });
    let ranges: Vec<_> = ranges.collect();
    of_layer.iter().map(|&bank| ranges[bank].clone()).collect()
}

impl<W: Wavelet, const D: usize> Design<W, D> {
    /// The level that U of a row lives on.
    pub fn level(&self, row: usize) -> usize {
        level_of(&self.paths[row].lambdas, &self.levels)
    }

    /// The level of the samples that are kept of a row, where samples are kept.
    pub fn level_kept(&self, row: usize) -> usize {
        match self.average {
            Average::Local => self.output_level,
            _ => self.level(row),
        }
    }

    /// The finest level that a U of order 1, 2, … lives on.
    pub fn finest(&self) -> Vec<usize> {
        let finest = |order| {
            let rows = self.paths.rows_of_order(order);
            rows.map(|row| self.level(row)).min().unwrap_or(0)
        };
        (1..=self.paths.max_order()).map(finest).collect()
    }

    /// Whether a path that lives on a level goes on with λ: `[level][λ]`.
    pub fn steps(&self) -> Vec<Vec<bool>> {
        let mut steps = vec![vec![false; self.levels.len()]; self.grids.len()];
        for row in self.paths.rows_of_order(1).end..self.paths.len() {
            if let [from @ .., lambda] = &*self.paths[row].lambdas {
                steps[level_of(from, &self.levels)][*lambda] = true;
            }
        }
        steps
    }

    /// φ_J along an axis of a level, sampled where the output keeps it.
    pub fn average<T: Real>(&self, level: usize, axis: usize) -> AxisAverage<T> {
        self.average_within(self.tolerance, level, axis)
    }

    /// The same for the input.
    pub fn average_of_input<T: Real>(&self, axis: usize) -> AxisAverage<T> {
        self.average_within(self.input_tolerance, 0, axis)
    }

    fn average_within<T: Real>(&self, tolerance: f64, level: usize, axis: usize) -> AxisAverage<T> {
        AxisAverage::new(
            self.low_pass[level][axis].clone(),
            self.outputs[axis].clone(),
            1 << (self.output_level - level),
            tolerance,
        )
    }
}
