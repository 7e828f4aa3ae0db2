//! [`Blocked`]: tiles as blocks that are transformed on vector lanes, for one instruction set.
//!
//! Comes in: one complex block, or two real ones as re + i·im. Goes out: what is kept of its convolution, without the
//! block ever leaving a second-level cache if the plan can help it.
//!
//! ```text
//! rows       LANES rows at a time, FFT along axis 1, transposed in squares of LANES     ─▶ plane  [k1 / LANES][n0][LANES]
//! columns    LANES columns at a time: FFT along axis 0, × ĥ, inverse FFT, in place
//! rows       inverse FFT along axis 1, transposed, what is kept of them                 ─▶ output
//! ```
//!
//! A line of n = n1·n0 samples is the plane x(n0·i1 + i0), after Bailey, "FFTs in external or hierarchical memory"
//! (1990): lanes are then neighbouring samples, rows are multiplied with exp(2πi·i0·k1/n) between the two transforms,
//! and k1 + n1·k0 is the frequency. Nothing is put into natural order, since the product does not care.
//!
//! Conventions that bite: our FFT only computes exp(+2πi…), so that spectra have real and imaginary parts exchanged until
//! the product puts them back. A bank transforms its columns forward once and keeps the spectrum; columns where a kernel
//! is zero are neither multiplied nor transformed.

use std::marker::PhantomData;
use std::ops::Range;

use num_complex::Complex;

use super::axis::Axis;
use super::sample::{Samples, SamplesMut};
use super::taps::FromTaps;
use super::task::{Task, Tiles, Tiling};
use super::tiles::{Operator, Output, Over, Walk, lock};
use crate::fft::{Line, roots};
use crate::isa::Isa;
use crate::kernels::pass::{Emit, Gather, Offsets, Passes, WithSimd};
use crate::kernels::response::Response;
use crate::kernels::squares::{
    Collect, LoadLine, LoadRows, Spread, StoreComplexLine, StoreComplexRows, StoreLine, StoreRows,
    cell,
};
use crate::kernels::vector::{Cell, MAX_LANES, Simd, Vector, zero};
use crate::memory::Footprint;
use crate::num::Real;
use crate::{Cancel, parallel};

/// Builds the blocks of a task, whose sides lanes can do.
pub(super) struct Build<'a> {
    pub task: Task,
    pub tiling: &'a Tiling,
    pub isa: Isa,
    /// The kernels, by index: their taps in space, or their transfer functions on the grid of a block, transposed,
    /// `[n1][n0]`.
    pub kernel: &'a (dyn Fn(usize) -> Vec<Complex<f64>> + Sync),
}

impl<T: Real> WithSimd<T> for Build<'_> {
    type Output = Box<dyn Walk<T>>;

    fn run<S: Passes<T>>(self, simd: S) -> Self::Output {
        Box::new(Over(Blocked::new(simd, self)))
    }
}

/// How many numbers a vector holds.
pub(super) struct CountLanes;

impl<T: Real> WithSimd<T> for CountLanes {
    type Output = usize;

    fn run<S: Passes<T>>(self, _: S) -> usize {
        S::V::LANES
    }
}

/// Everything that is needed to convolve blocks.
struct Blocked<T, S: Simd<T>> {
    simd: S,
    task: Task,
    tiles: Tiles,
    /// Along axis 0 and axis 1.
    lines: [Line<T, S>; 2],
    /// Of a folded line; empty for 2D blocks.
    twiddles: Vec<Cell<S::V>>,
    responses: Vec<Response<S::V>>,
    /// Where the cells of a column stand among bands of rows, where threads share the passes of a block; see
    /// [`Operator::together`].
    in_bands: Offsets,
}

/// One thread's part.
struct Working<T, V> {
    plane: Vec<Cell<V>>,
    lines: Lines<T, V>,
}

/// What a thread needs for a few rows or columns.
struct Lines<T, V> {
    /// A line before its transform.
    tile: Vec<Cell<V>>,
    /// A row after it.
    row: Vec<Cell<V>>,
    /// A column after it.
    column: Vec<Cell<V>>,
    /// Rows that the input does not hold as they are.
    staged: Vec<T>,
}

impl<T: Real, S: Passes<T>> Blocked<T, S> {
    fn new(simd: S, build: Build) -> Self {
        let Build {
            task,
            tiling,
            isa,
            kernel,
        } = build;
        let lanes = S::V::LANES;
        let [n0, n1] = task
            .sides(&tiling.blocks, lanes)
            .expect("lanes are chosen for blocks that have sides");
        let sides = [n0, n1];
        let responses = if task.in_fourier {
            parallel::map(task.kernels, |index| {
                let hat = kernel(index);
                let real = hat.iter().all(|value| value.im == 0.0);
                match task.line {
                    true => Response::new(simd, sides, real, |k0, k1| hat[k1 + n1 * k0]),
                    false => Response::new(simd, sides, real, |k0, k1| hat[k1 * n0 + k0]),
                }
            })
        } else {
            let taps = FromTaps {
                simd,
                sides,
                line: task.line,
                count: task.kernels,
                taps: kernel,
                k: task.axes.map(|axis| axis.k),
                shift: tiling.blocks.map(|blocks| blocks.shift),
            };
            taps.on::<T>(isa)
        };
        let band = n1.div_ceil(lanes) * lanes;
        let in_band = |k0: usize| (k0 / lanes * band + k0 % lanes) as u32;
        Self {
            simd,
            tiles: Tiles::new(&task, tiling.blocks, task.packs()),
            task,
            lines: sides.map(|n| Line::new(simd, n)),
            twiddles: match task.line {
                true => twiddles(simd, sides),
                false => Vec::new(),
            },
            responses,
            in_bands: match shares_passes(&task, sides) {
                true => (0..n0).map(in_band).collect(),
                false => Offsets::default(),
            },
        }
    }

    fn sides(&self) -> [usize; 2] {
        [self.lines[0].len(), self.lines[1].len()]
    }

    /// Groups of LANES columns.
    fn groups(&self) -> usize {
        self.lines[1].len().div_ceil(S::V::LANES)
    }

    /// Cells from one group of columns to the next: an odd number of squares, so that a row of squares does not lie in
    /// one set of a cache.
    fn stride(&self) -> usize {
        (self.lines[0].len().div_ceil(S::V::LANES) | 1) * S::V::LANES
    }

    fn plane_len(&self) -> usize {
        self.groups() * self.stride()
    }

    /// Twiddles of LANES rows from `first` on; none for 2D blocks.
    fn twiddles_of(&self, first: usize) -> &[Cell<S::V>] {
        let row = self.lines[1].len().next_multiple_of(S::V::LANES);
        self.twiddles
            .get(first / S::V::LANES * row..)
            .map_or(&[], |rows| &rows[..row.min(rows.len())])
    }

    /// What is asked of the tiles of a unit: of one, or of two that share a block.
    fn of_unit<R>(&self, unit: usize, ask: impl Fn(usize) -> R) -> (R, Option<R>) {
        let tiles = self.tiles.of(unit);
        (
            ask(tiles.start),
            (tiles.len() > 1).then(|| ask(tiles.start + 1)),
        )
    }

    /// LANES rows of an image, from `first` on, to `to`: what stands in one group of columns is `stride` from the next.
    fn load_band(
        &self,
        input: Samples<T>,
        unit: usize,
        first: usize,
        lines: &mut Lines<T, S::V>,
        to: &mut [Cell<S::V>],
        stride: usize,
    ) {
        let lanes = S::V::LANES;
        let [n0, n1] = self.sides();
        let Lines {
            tile, row, staged, ..
        } = lines;
        let (origin, second) = self.of_unit(unit, |tile| self.tiles.origin(tile));
        let (zeros, staged) = staged.split_at_mut(n1);
        zeros.fill(T::zero());
        let zeros = &zeros[..];
        let mut rows = [[zeros; MAX_LANES]; 2];
        let mut used = false;
        let (re, im) = staged.split_at_mut(lanes * n1);
        let staged = [re, im].map(|part| part.chunks_exact_mut(n1));
        match input {
            Samples::Real(input) => {
                let origins = [Some(origin), second].into_iter().flatten();
                for ((rows, origin), staged) in rows.iter_mut().zip(origins).zip(staged) {
                    let lines = (first..n0.min(first + lanes)).zip(rows).zip(staged);
                    for ((i, row), staged) in lines {
                        if let Some(y) = self.task.axes[0].sample(origin[0] + i as i64) {
                            let width = self.task.axes[1].inputs();
                            let line = &input[y * width..][..width];
                            *row = window(&self.task.axes[1], line, origin[1], staged);
                            used = true;
                        }
                    }
                }
            }
            Samples::Complex(input) => {
                let [re, im] = staged;
                for (i, (re, im)) in (0..lanes.min(n0 - first)).zip(re.zip(im)) {
                    let y = origin[0] + (first + i) as i64;
                    if let Some(y) = self.task.axes[0].sample(y) {
                        let width = self.task.axes[1].inputs();
                        let line = &input[y * width..][..width];
                        deinterleave(&self.task.axes[1], line, origin[1], re, im);
                        (rows[0][i], rows[1][i]) = (re, im);
                        used = true;
                    }
                }
            }
        }
        if used {
            self.simd.run(LoadRows {
                simd: self.simd,
                rows: &rows,
                len: n1,
                tile,
            });
            self.lines[1].run(tile, Emit::Cells { to: row, stride: 1 });
            self.simd.run(Spread {
                simd: self.simd,
                row,
                by: &[],
                plane: to,
                stride,
            });
        } else {
            for group in to.chunks_mut(stride) {
                group[..lanes].fill(zero(self.simd));
            }
        }
    }

    /// A line to the plane.
    fn load_line(&self, input: Samples<T>, unit: usize, working: &mut Working<T, S::V>) {
        let lanes = S::V::LANES;
        let [n0, n1] = self.sides();
        let Working { plane, lines } = working;
        let Lines {
            tile, row, staged, ..
        } = lines;
        let axis = &self.task.axes[1];
        let (origin, second) = self.of_unit(unit, |tile| self.tiles.origin(tile)[1]);
        let (re, im) = staged.split_at_mut(n0 * n1);
        let [re, im]: [&[T]; 2] = match input {
            Samples::Real(input) => {
                let re = window(axis, input, origin, re);
                let im = match second {
                    Some(second) => window(axis, input, second, im),
                    None => {
                        im.fill(T::zero());
                        im
                    }
                };
                [re, im]
            }
            Samples::Complex(input) => {
                deinterleave(axis, input, origin, re, im);
                [re, im]
            }
        };
        for first in (0..n0).step_by(lanes) {
            self.simd.run(LoadLine {
                simd: self.simd,
                re: &re[first..],
                im: &im[first..],
                stride: n0,
                tile: &mut tile[..n1],
            });
            self.lines[1].run(tile, Emit::Cells { to: row, stride: 1 });
            self.simd.run(Spread {
                simd: self.simd,
                row,
                by: self.twiddles_of(first),
                plane: &mut plane[first..],
                stride: self.stride(),
            });
        }
    }

    /// A group of columns, which ends in `cells`: the FFT of what is there or elsewhere, unless it is done; the product
    /// with a kernel; the inverse FFT.
    fn column(
        &self,
        response: &Response<S::V>,
        group: usize,
        from: Column<S::V>,
        cells: &mut [Cell<S::V>],
        column: &mut [Cell<S::V>],
    ) {
        if response.groups()[group].is_empty() {
            return;
        }
        let dense = response.is_dense(group, cells.len());
        let to = Emit::Cells {
            to: &mut *column,
            stride: 1,
        };
        let mut hat = None;
        match from {
            Column::Samples => self.lines[0].run(cells, to),
            Column::Elsewhere(gather) => self.lines[0].run_gathered(gather, cells, to),
            Column::Spectrum(spectrum) => {
                hat = Some(spectrum);
                if !dense {
                    column.fill(zero(self.simd));
                }
            }
        }
        if let (None, false) = (hat, dense) {
            // A sparse kernel alone: the product reads the spectrum where the plane no longer needs it.
            cells.copy_from_slice(column);
            column.fill(zero(self.simd));
            hat = Some(cells);
        }
        response.product(self.simd, group, hat, column);
        self.lines[0].run(
            column,
            Emit::Cells {
                to: cells,
                stride: 1,
            },
        );
    }

    /// All columns of a plane.
    fn columns(
        &self,
        response: &Response<S::V>,
        spectrum: &[Cell<S::V>],
        working: &mut Working<T, S::V>,
    ) {
        let n0 = self.lines[0].len();
        let Working { plane, lines } = working;
        let mut spectra = spectrum.chunks_exact(self.stride());
        for (group, cells) in plane.chunks_exact_mut(self.stride()).enumerate() {
            let from = match spectra.next() {
                Some(spectrum) => Column::Spectrum(&spectrum[..n0]),
                None => Column::Samples,
            };
            let cells = &mut cells[..n0];
            self.column(response, group, from, cells, &mut lines.column);
        }
    }

    /// Rows that are stored of a unit.
    fn rows_out(&self, unit: usize) -> usize {
        if self.task.line {
            return self.lines[0].len();
        }
        let (window, second) = self.of_unit(unit, |tile| self.tiles.outputs(tile));
        let rows = |[rows, _]: [Range<usize>; 2]| rows.len();
        rows(window).max(second.map_or(0, rows))
    }

    /// LANES rows of the plane, from `first` on, back to samples, and what is kept of them to the output.
    fn store_band(
        &self,
        unit: usize,
        first: usize,
        plane: &[Cell<S::V>],
        lines: &mut Lines<T, S::V>,
        response: &Response<S::V>,
        (out, offset): (&Output<T>, usize),
    ) {
        let lanes = S::V::LANES;
        let [n0, n1] = self.sides();
        let Lines { tile, row, .. } = lines;
        let (window, second) = self.of_unit(unit, |tile| self.tiles.outputs(tile));
        let windows = || [Some(&window), second.as_ref()].into_iter().flatten();
        let columns = self.task.axes[1].outputs();
        let by = match self.task.line {
            true => self.twiddles_of(first),
            false => &[],
        };
        self.simd.run(Collect {
            simd: self.simd,
            plane: &plane[first..],
            stride: self.stride(),
            groups: response.groups(),
            by,
            tile,
        });
        self.lines[1].run(tile, Emit::Cells { to: row, stride: 1 });
        match &mut *lock(out) {
            SamplesMut::Real(out) => {
                for (second, [rows, kept]) in [false, true].into_iter().zip(windows()) {
                    if self.task.line {
                        self.simd.run(StoreLine {
                            cells: &row[..n1],
                            second,
                            stride: n0,
                            first,
                            to: &mut out[offset + kept.start..][..kept.len()],
                            precision: PhantomData,
                        });
                    } else if first < rows.len() {
                        self.simd.run(StoreRows {
                            simd: self.simd,
                            cells: row,
                            second,
                            rows: (rows.len() - first).min(lanes),
                            width: kept.len(),
                            to: &mut out[offset + (rows.start + first) * columns + kept.start..],
                            stride: columns,
                        });
                    }
                }
            }
            SamplesMut::Complex(out) => {
                let [rows, kept] = &window;
                if self.task.line {
                    self.simd.run(StoreComplexLine {
                        cells: &row[..n1],
                        stride: n0,
                        first,
                        to: &mut out[offset + kept.start..][..kept.len()],
                    });
                } else {
                    self.simd.run(StoreComplexRows {
                        simd: self.simd,
                        cells: row,
                        rows: (rows.len() - first).min(lanes),
                        width: kept.len(),
                        to: &mut out[offset + (rows.start + first) * columns + kept.start..],
                        stride: columns,
                    });
                }
            }
        }
    }
}

impl<T: Real, S: Passes<T>> Operator<T> for Blocked<T, S> {
    /// The spectrum for several kernels; a sole one multiplies the plane itself.
    type Loaded = Vec<Cell<S::V>>;
    type Working = Working<T, S::V>;

    fn task(&self) -> &Task {
        &self.task
    }

    fn tiles(&self) -> &Tiles {
        &self.tiles
    }

    fn footprint(&self) -> Footprint {
        let [n0, n1] = self.sides();
        let row = n1.next_multiple_of(S::V::LANES);
        let spectrum = if self.task.kernels > 1 {
            self.plane_len()
        } else {
            0
        };
        let staged = if self.task.line {
            2 * n0 * n1
        } else {
            (2 * S::V::LANES + 1) * n1
        };
        Footprint::default()
            .with::<Cell<S::V>>("spectrum on lanes", spectrum)
            .with::<Cell<S::V>>("plane on lanes", self.plane_len())
            .with::<Cell<S::V>>("tile on lanes", row)
            .with::<Cell<S::V>>("row on lanes", row)
            .with::<Cell<S::V>>("column on lanes", n0)
            .with::<T>("staged rows", staged)
    }

    fn loaded(&self, footprint: &Footprint) -> Vec<Cell<S::V>> {
        footprint.vec("spectrum on lanes", zero(self.simd))
    }

    fn working(&self, footprint: &Footprint) -> Working<T, S::V> {
        let zero = zero(self.simd);
        Working {
            plane: footprint.vec("plane on lanes", zero),
            lines: Lines {
                tile: footprint.vec("tile on lanes", zero),
                row: footprint.vec("row on lanes", zero),
                column: footprint.vec("column on lanes", zero),
                staged: footprint.vec("staged rows", T::zero()),
            },
        }
    }

    fn load(
        &self,
        input: Samples<T>,
        unit: usize,
        spectrum: &mut Vec<Cell<S::V>>,
        working: &mut Working<T, S::V>,
    ) {
        let n0 = self.lines[0].len();
        if self.task.line {
            self.load_line(input, unit, working);
        } else {
            let Working { plane, lines } = &mut *working;
            for first in (0..n0).step_by(S::V::LANES) {
                let to = &mut plane[first..];
                self.load_band(input, unit, first, lines, to, self.stride());
            }
        }
        let planes = working.plane.chunks_exact_mut(self.stride());
        for (cells, to) in planes.zip(spectrum.chunks_exact_mut(self.stride())) {
            self.lines[0].run(&mut cells[..n0], Emit::Cells { to, stride: 1 });
        }
    }

    fn finish(
        &self,
        kernel: usize,
        unit: usize,
        spectrum: &Vec<Cell<S::V>>,
        working: &mut Working<T, S::V>,
        out: &Output<T>,
        offset: usize,
    ) {
        let response = &self.responses[kernel];
        self.columns(response, spectrum, working);
        let Working { plane, lines } = working;
        for first in (0..self.rows_out(unit)).step_by(S::V::LANES) {
            self.store_band(unit, first, plane, lines, response, (out, offset));
        }
    }

    fn shares_passes(&self) -> bool {
        shares_passes(&self.task, self.sides())
    }

    /// Rows go to bands of LANES of them, `[row / LANES][k1 / LANES][LANES]`, in the first plane, and columns from there to
    /// the second: every task writes what stands together.
    fn together(
        &self,
        input: Samples<T>,
        unit: usize,
        working: &mut [Working<T, S::V>],
        out: &Output<T>,
        cancel: &Cancel,
    ) {
        let lanes = S::V::LANES;
        let n0 = self.lines[0].len();
        let (mut planes, mut lines): (Vec<_>, Vec<_>) = working
            .iter_mut()
            .map(|Working { plane, lines }| (plane, lines))
            .unzip();
        let [bands, plane, ..] = &mut planes[..] else {
            unreachable!("only several workers share a unit")
        };
        let response = &self.responses[0];
        let band = self.groups() * lanes;
        let tasks = bands.chunks_exact_mut(band).take(n0.div_ceil(lanes));
        parallel::for_each(&mut lines, tasks.enumerate(), |lines, (i, to)| {
            self.load_band(input, unit, i * lanes, lines, to, lanes);
        });
        if cancel.is_cancelled() {
            return;
        }
        let tasks = plane.chunks_exact_mut(self.stride()).enumerate();
        parallel::for_each(&mut lines, tasks, |lines, (group, cells)| {
            let from = Gather::new(&bands[group * lanes..], &self.in_bands);
            let (cells, column) = (&mut cells[..n0], &mut lines.column);
            self.column(response, group, Column::Elsewhere(from), cells, column);
        });
        let tasks = (0..self.rows_out(unit)).step_by(lanes);
        parallel::for_each(&mut lines, tasks, |lines, first| {
            self.store_band(unit, first, plane, lines, response, (out, 0));
        });
    }

    fn sum(
        &self,
        _: Samples<T>,
        _: usize,
        _: &mut Vec<Cell<S::V>>,
        _: &mut Working<T, S::V>,
        _: &Output<T>,
    ) {
        unreachable!("a task that sums over kernels has no sides on lanes")
    }

    fn bytes(&self) -> u64 {
        self.responses.iter().map(Response::bytes).sum()
    }
}

/// Where a group of columns comes from.
enum Column<'a, V> {
    /// Its samples stand where its result will.
    Samples,
    /// Its samples stand elsewhere.
    Elsewhere(Gather<'a, V>),
    /// It is transformed already.
    Spectrum(&'a [Cell<V>]),
}

/// exp(2πi·i0·k1/n) for a line folded into a plane of these sides, `[n0 / LANES][n1, whole squares of it]`.
pub(super) fn twiddles<T: Real, S: Simd<T>>(simd: S, [n0, n1]: [usize; 2]) -> Vec<Cell<S::V>> {
    let lanes = S::V::LANES;
    let n = n0 * n1;
    let root = roots(n);
    let mut twiddles = Vec::with_capacity(n0 * n1.next_multiple_of(lanes));
    for i0 in (0..n0).step_by(lanes) {
        for k1 in 0..n1.next_multiple_of(lanes) {
            // whatever beyond n1
            twiddles.push(cell(simd, |lane| root((i0 + lane) * k1 % n)));
        }
    }
    twiddles
}

/// Whether threads share the passes of a block that is left alone: one of so many samples takes longer than waking a
/// thread three times. Lines are cut into many blocks.
fn shares_passes(task: &Task, [n0, n1]: [usize; 2]) -> bool {
    !task.line && task.kernels == 1 && n0 * n1 >= 1 << 15
}

/// A window of a signal: its samples as they stand in memory, or a copy with zeros and wrapped ends.
fn window<'a, T: Real>(axis: &Axis, input: &'a [T], origin: i64, staged: &'a mut [T]) -> &'a [T] {
    let len = staged.len();
    if let Ok(first) = usize::try_from(origin)
        && let Some(samples) = input.get(first..first + len)
    {
        return samples;
    }
    staged.fill(T::zero());
    axis.segments(origin, len, |segment| {
        staged[segment.at..][..segment.count]
            .copy_from_slice(&input[segment.sample..][..segment.count]);
    });
    staged
}

/// A window of a complex signal, its parts apart.
fn deinterleave<T: Real>(
    axis: &Axis,
    input: &[Complex<T>],
    origin: i64,
    re: &mut [T],
    im: &mut [T],
) {
    re.fill(T::zero());
    im.fill(T::zero());
    axis.segments(origin, re.len(), |segment| {
        let re = re[segment.at..].iter_mut().zip(&mut im[segment.at..]);
        for ((re, im), from) in re.zip(&input[segment.sample..][..segment.count]) {
            (*re, *im) = (from.re, from.im);
        }
    });
}
