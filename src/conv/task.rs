//! [`Task`], what is computed; [`Tiling`], how it is cut and what computes a tile; [`Tiles`], where each tile lies.

use std::ops::Range;

use num_complex::Complex;

use super::axis::{Axis, Blocks};
use super::spectrum::{Layout, Spectra};
use crate::fft::{line_cost, sides_of_line};
use crate::memory;
use crate::num::Real;

/// What is computed, before it is known how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Task {
    pub axes: [Axis; 2],
    /// Whether there is one axis only; the first is then of length 1.
    pub line: bool,
    pub kernels: usize,
    /// Taps of a kernel as it was given.
    pub support: [usize; 2],
    /// Whether the kernels are transfer functions.
    pub in_fourier: bool,
    pub complex_input: bool,
    pub complex_kernels: bool,
    /// Whether this is the adjoint: kernels conjugated and reversed, and results summed over them.
    pub adjoint: bool,
}

/// How a task is cut, and what computes a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiling {
    pub blocks: [Blocks; 2],
    pub how: How,
}

/// What computes a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The definition.
    Direct,
    /// Transforms of any length, by rustfft and realfft.
    Library,
    /// Our own transforms on vector lanes.
    Lanes,
}

impl Task {
    /// Input samples of one signal; of all kernels for the adjoint.
    pub fn input_len(&self) -> usize {
        self.axes[0].inputs() * self.axes[1].inputs() * if self.adjoint { self.kernels } else { 1 }
    }

    /// Output samples of one signal and one kernel.
    pub fn plane_len(&self) -> usize {
        self.axes[0].outputs() * self.axes[1].outputs()
    }

    /// Output samples of one signal.
    pub fn output_len(&self) -> usize {
        self.plane_len() * if self.adjoint { 1 } else { self.kernels }
    }

    /// Whether results have imaginary parts.
    pub fn complex_output(&self) -> bool {
        self.complex_input || self.complex_kernels
    }

    /// Whether every result is a sum over several kernels.
    pub fn sums(&self) -> bool {
        self.adjoint && self.kernels > 1
    }

    /// Whether two tiles can share a complex block.
    pub fn packs(&self) -> bool {
        !self.complex_output()
    }

    /// The blocks and spectra of the library's transforms.
    pub fn layout(&self, [b0, b1]: &[Blocks; 2]) -> Layout {
        let one = b0.count * b1.count == 1;
        let spectra = match (self.complex_input, self.complex_kernels) {
            (false, false) if one => Spectra::Half,
            (false, true) if one => Spectra::HalfToFull,
            _ => Spectra::Full,
        };
        Layout {
            spectra,
            block: [b0.len, b1.len],
            kept: [b0.len / self.axes[0].keep, b1.len / self.axes[1].keep],
        }
    }

    /// Sides of what is transformed for a block on so many lanes, if lanes can do that: without subsampling, and without
    /// sums over kernels.
    pub fn sides(&self, blocks: &[Blocks; 2], lanes: usize) -> Option<[usize; 2]> {
        let dense = self
            .axes
            .iter()
            .all(|axis| axis.keep == 1 && axis.every == 1);
        if !dense || self.sums() {
            return None;
        }
        let [b0, b1] = blocks.each_ref().map(|blocks| blocks.len);
        if self.line {
            return sides_of_line(b1, lanes);
        }
        (line_cost(b0).is_some() && line_cost(b1).is_some()).then_some([b0, b1])
    }

    /// About how many bytes the kernels of a tiling take, and the double precision that one is transformed in.
    pub fn bytes_of_kernels<T: Real>(&self, tiling: &Tiling) -> u64 {
        let samples = match tiling.how {
            How::Direct => [self.axes[0].k, self.axes[1].k],
            How::Library | How::Lanes => tiling.blocks.map(|blocks| blocks.len),
        };
        let samples = memory::count(&samples);
        let kept = memory::bytes_of::<Complex<T>>(samples.saturating_mul(self.kernels as u64));
        kept.saturating_add(memory::bytes_of::<Complex<f64>>(samples.saturating_mul(2)))
    }
}

/// The tiles of a task, row by row. A unit is what is computed at a time: a tile, or two that share a complex block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiles {
    axes: [Axis; 2],
    blocks: [Blocks; 2],
    in_unit: usize,
}

impl Tiles {
    pub fn new(task: &Task, blocks: [Blocks; 2], share_blocks: bool) -> Self {
        Self {
            axes: task.axes,
            blocks,
            in_unit: if share_blocks { 2 } else { 1 },
        }
    }

    /// Samples of a block.
    pub fn block(&self) -> [usize; 2] {
        self.blocks.map(|blocks| blocks.len)
    }

    /// Output samples of a tile in the middle.
    pub fn step(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.blocks[axis].step / self.axes[axis].keep)
    }

    pub fn count(&self) -> usize {
        self.blocks[0].count * self.blocks[1].count
    }

    pub fn units(&self) -> usize {
        self.count().div_ceil(self.in_unit)
    }

    /// The tiles of a unit.
    pub fn of(&self, unit: usize) -> Range<usize> {
        let first = unit * self.in_unit;
        first..(first + self.in_unit).min(self.count())
    }

    /// Block indices of a tile along both axes.
    fn place(&self, tile: usize) -> [usize; 2] {
        let columns = self.blocks[1].count;
        [tile / columns, tile % columns]
    }

    /// First position that a tile reads.
    pub fn origin(&self, tile: usize) -> [i64; 2] {
        let [i0, i1] = self.place(tile);
        [self.blocks[0].origin_of(i0), self.blocks[1].origin_of(i1)]
    }

    /// The output samples of a tile.
    pub fn outputs(&self, tile: usize) -> [Range<usize>; 2] {
        let [i0, i1] = self.place(tile);
        [
            self.blocks[0].outputs_of(i0, &self.axes[0]),
            self.blocks[1].outputs_of(i1, &self.axes[1]),
        ]
    }
}
