//! [`Blocked`]: blocks convolved on vector lanes, for one instruction set; [`Lanes`], the same with the set left out.
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
//! Conventions that bite: [`Line`] knows the sign of the inverse only, so that spectra have real and imaginary parts
//! exchanged until the product puts them back. A bank transforms its columns forward once and keeps the spectrum;
//! columns where a kernel is zero are neither multiplied nor transformed.

use std::any::Any;
use std::f64::consts::PI;

use num_complex::Complex;

use super::axis::Axis;
use super::sample::{Samples, SamplesMut};
use super::tiles::{Cut, Task};
use crate::fft::{Line, line_cost};
use crate::kernels::isa::{Isa, WithSimd};
use crate::kernels::pass::{Emit, Passes};
use crate::kernels::vector::{Cell, Kernel, MAX_LANES, Simd, Vector, zero};
use crate::num::Real;
use crate::num::sealed::{Either, PerPrecision, Sealed};

/// One thread's scratch, or a spectrum.
pub(super) type Scratch = Box<dyn Any + Send + Sync>;

/// Blocks of one plan, with the instruction set left out of the type.
pub(super) trait Lanes<T>: Send + Sync {
    /// Scratch for one thread.
    fn scratch(&self) -> Scratch;

    /// Whether this plan, or one just like it, made the scratch.
    fn fits(&self, scratch: &Scratch, spectrum: &Scratch) -> bool;

    /// Loads a unit and transforms its rows; all of it, to the spectrum, if there are several kernels.
    fn load(&self, input: Samples<T>, unit: usize, scratch: &mut Scratch, spectrum: &mut Scratch);

    /// Room for the spectrum of one unit; empty if there is one kernel.
    fn spectrum(&self) -> Scratch;

    /// The rest, with one kernel, stored from `offset` on.
    fn finish(
        &self,
        kernel: usize,
        unit: usize,
        spectrum: &Scratch,
        scratch: &mut Scratch,
        out: &dyn Output<T>,
        offset: usize,
    );

    /// Bytes of the kernels.
    fn bytes(&self) -> u64;
}

/// Where results go: an array that threads share.
pub(super) trait Output<T> {
    /// Hands the array to `store`, to no one else meanwhile.
    fn with(&self, store: &mut dyn FnMut(SamplesMut<T>));
}

/// Sides n0 and n1 of what is transformed for a block, if lanes can do that.
pub(super) fn sides(line: bool, [b0, b1]: [usize; 2], lanes: usize) -> Option<[usize; 2]> {
    let fits = |n: usize| n <= LONGEST && line_cost(n).is_some();
    if !line {
        return (fits(b0) && fits(b1)).then_some([b0, b1]);
    }
    let cost = |[n0, n1]: [usize; 2]| {
        let full = n1.next_multiple_of(lanes) as f64 / n1 as f64;
        (line_cost(n0).unwrap_or(0) as f64 * full) + line_cost(n1).unwrap_or(0) as f64
    };
    (1..=(b1 / lanes).min(LONGEST / lanes))
        .map(|i| i * lanes)
        .filter(|n0| b1.is_multiple_of(*n0))
        .map(|n0| [n0, b1 / n0])
        .filter(|sides| sides.iter().all(|&n| fits(n)))
        .min_by(|&a, &b| cost(a).total_cmp(&cost(b)))
}

/// Longest line: what a second-level cache holds of 64-byte cells.
const LONGEST: usize = 4096;

/// Builds the blocks of a task.
pub(super) struct Build<'a> {
    pub task: Task,
    pub cut: Cut,
    /// The transfer functions, in the order of [`Layout::full`](super::engine::Layout), one at a time.
    pub transfer: &'a (dyn Fn(usize) -> Vec<Complex<f64>> + Sync),
}

/// The blocks on the vectors of an instruction set; `None` for lengths that lanes do not do.
pub(super) fn build<T: Real>(isa: Isa, build: Build<'_>) -> Option<Box<dyn Lanes<T>>> {
    struct Built;
    impl PerPrecision for Built {
        type Of<T: Real> = Option<Box<dyn Lanes<T>>>;
    }
    fn single((isa, build): (Isa, Build<'_>)) -> Option<Box<dyn Lanes<f32>>> {
        f32::with_simd(isa, build)
    }
    fn double((isa, build): (Isa, Build<'_>)) -> Option<Box<dyn Lanes<f64>>> {
        f64::with_simd(isa, build)
    }
    T::choose::<Either<(Isa, Build<'_>)>, Built>((isa, build), single, double)
}

impl<T: Real> WithSimd<T> for Build<'_> {
    type Output = Option<Box<dyn Lanes<T>>>;

    fn run<S: Passes<T>>(self, simd: S) -> Self::Output {
        Some(Box::new(Blocked::new(simd, self)?))
    }
}

/// Everything that is needed to convolve blocks.
struct Blocked<T, S: Simd<T>> {
    simd: S,
    task: Task,
    cut: Cut,
    /// Along axis 0 and axis 1.
    lines: [Line<T, S>; 2],
    /// exp(2πi·i0·k1/n), `[n0 / LANES][n1, whole squares of it]`; empty for a plane that is none of a line.
    twiddles: Vec<Cell<S::V>>,
    responses: Vec<Response<S::V>>,
}

/// One thread's part.
struct Worker<T, V> {
    plane: Vec<Cell<V>>,
    tile: Vec<Cell<V>>,
    row: Vec<Cell<V>>,
    column: Vec<Cell<V>>,
    /// Rows that the input does not hold as they are.
    staged: Vec<T>,
}

impl<T, V> Worker<T, V> {
    fn lens(&self) -> [usize; 5] {
        [
            self.plane.len(),
            self.tile.len(),
            self.row.len(),
            self.column.len(),
            self.staged.len(),
        ]
    }
}

impl<T: Real, S: Passes<T>> Blocked<T, S> {
    fn new(simd: S, build: Build) -> Option<Self> {
        let Build {
            task,
            cut,
            transfer,
        } = build;
        let lanes = S::V::LANES;
        debug_assert!(lanes <= MAX_LANES);
        let block = cut.blocks.map(|blocks| blocks.len);
        let [n0, n1] = sides(task.line, block, lanes)?;
        let mut twiddles = Vec::new();
        if task.line {
            for i0 in (0..n0).step_by(lanes) {
                for k1 in 0..n1.next_multiple_of(lanes) {
                    let value = |lane: usize| {
                        let turns = (i0 + lane) * k1 % (n0 * n1); // whatever beyond n1
                        Complex::cis(2.0 * PI * turns as f64 / (n0 * n1) as f64)
                    };
                    twiddles.push(cell(simd, &value));
                }
            }
        }
        let responses = crate::parallel::map(task.kernels, |index| {
            let hat = transfer(index);
            let at = |k0: usize, k1: usize| {
                if task.line {
                    hat[k1 + n1 * k0]
                } else {
                    hat[k1 * n0 + k0]
                }
            };
            let real = hat.iter().all(|value| value.im == 0.0);
            Response::new(simd, [n0, n1], real, &at)
        });
        Some(Self {
            simd,
            task,
            cut,
            lines: [Line::new(simd, n0), Line::new(simd, n1)],
            twiddles,
            responses,
        })
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
    fn apart(&self) -> usize {
        (self.lines[0].len().div_ceil(S::V::LANES) | 1) * S::V::LANES
    }

    fn plane_len(&self) -> usize {
        self.groups() * self.apart()
    }

    fn spectrum_len(&self) -> usize {
        if self.task.kernels > 1 {
            self.plane_len()
        } else {
            0
        }
    }

    /// Lengths of the parts of a worker, in their order.
    fn lens(&self) -> [usize; 5] {
        let [n0, n1] = self.sides();
        let row = n1.next_multiple_of(S::V::LANES);
        let staged = if self.task.line {
            2 * n0 * n1
        } else {
            (2 * S::V::LANES + 1) * n1
        };
        [self.plane_len(), row, row, n0, staged]
    }

    /// Twiddles of LANES rows from `first` on; none for a plane that is none of a line.
    fn twiddles_of(&self, first: usize) -> &[Cell<S::V>] {
        let row = self.lines[1].len().next_multiple_of(S::V::LANES);
        self.twiddles
            .get(first / S::V::LANES * row..)
            .map_or(&[], |rows| &rows[..row.min(rows.len())])
    }

    /// The tiles of a unit: one, or two that share a complex block.
    fn tiles(&self, unit: usize) -> [Option<usize>; 2] {
        let tiles = self.cut.blocks[0].count * self.cut.blocks[1].count;
        if self.task.packs() {
            [
                Some(2 * unit),
                Some(2 * unit + 1).filter(|tile| *tile < tiles),
            ]
        } else {
            [Some(unit), None]
        }
    }

    /// Block indices of a tile along both axes.
    fn place(&self, tile: usize) -> [usize; 2] {
        let columns = self.cut.blocks[1].count;
        [tile / columns, tile % columns]
    }

    fn origin(&self, tile: usize) -> [i64; 2] {
        let [i0, i1] = self.place(tile);
        let [b0, b1] = &self.cut.blocks;
        [b0.origin_of(i0), b1.origin_of(i1)]
    }

    fn window(&self, tile: usize) -> [std::ops::Range<usize>; 2] {
        let [i0, i1] = self.place(tile);
        let [b0, b1] = &self.cut.blocks;
        let [axis0, axis1] = &self.task.axes;
        [b0.outputs_of(i0, axis0), b1.outputs_of(i1, axis1)]
    }

    /// Rows of an image to the plane.
    fn load_rows(&self, input: Samples<T>, unit: usize, worker: &mut Worker<T, S::V>) {
        let lanes = S::V::LANES;
        let [n0, n1] = self.sides();
        let Worker {
            plane,
            tile,
            row,
            staged,
            ..
        } = worker;
        let tiles = self
            .tiles(unit)
            .map(|tile| tile.map(|tile| self.origin(tile)));
        for first in (0..n0).step_by(lanes) {
            let (zeros, staged) = staged.split_at_mut(n1);
            zeros.fill(T::zero());
            let zeros = &zeros[..];
            let mut rows = [[zeros; MAX_LANES]; 2];
            let mut used = false;
            let (re, im) = staged.split_at_mut(lanes * n1);
            let staged = [re, im].map(|part| part.chunks_exact_mut(n1));
            match input {
                Samples::Real(input) => {
                    for ((rows, origin), staged) in rows.iter_mut().zip(tiles).zip(staged) {
                        let Some(origin) = origin else { continue };
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
                    let [Some(origin), _] = tiles else { continue };
                    let [re, im] = staged;
                    for (i, (re, im)) in (0..lanes.min(n0 - first)).zip(re.zip(im)) {
                        let y = origin[0] + (first + i) as i64;
                        if let Some(y) = self.task.axes[0].sample(y) {
                            let width = self.task.axes[1].inputs();
                            let line = &input[y * width..][..width];
                            parts(&self.task.axes[1], line, origin[1], re, im);
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
                    plane: &mut plane[first..],
                    apart: self.apart(),
                });
            } else {
                for group in plane.chunks_exact_mut(self.apart()) {
                    group[first..first + lanes].fill(zero(self.simd));
                }
            }
        }
    }

    /// A line to the plane.
    fn load_line(&self, input: Samples<T>, unit: usize, worker: &mut Worker<T, S::V>) {
        let lanes = S::V::LANES;
        let [n0, n1] = self.sides();
        let Worker {
            plane,
            tile,
            row,
            staged,
            ..
        } = worker;
        let axis = &self.task.axes[1];
        let tiles = self
            .tiles(unit)
            .map(|tile| tile.map(|tile| self.origin(tile)[1]));
        let (re, im) = staged.split_at_mut(n0 * n1);
        let [re, im]: [&[T]; 2] = match (input, tiles) {
            (Samples::Real(input), [Some(first), second]) => {
                let re = window(axis, input, first, re);
                let im = match second {
                    Some(second) => window(axis, input, second, im),
                    None => {
                        im.fill(T::zero());
                        im
                    }
                };
                [re, im]
            }
            (Samples::Complex(input), [Some(origin), _]) => {
                parts(axis, input, origin, re, im);
                [re, im]
            }
            (_, [None, _]) => return,
        };
        for first in (0..n0).step_by(lanes) {
            self.simd.run(LoadLine {
                simd: self.simd,
                re: &re[first..],
                im: &im[first..],
                apart: n0,
                tile: &mut tile[..n1],
            });
            self.lines[1].run(tile, Emit::Cells { to: row, stride: 1 });
            self.simd.run(Spread {
                simd: self.simd,
                row,
                by: self.twiddles_of(first),
                plane: &mut plane[first..],
                apart: self.apart(),
            });
        }
    }

    /// Columns: the product with a kernel and the inverse FFT; before it the FFT, unless there is a spectrum already.
    fn columns(
        &self,
        response: &Response<S::V>,
        spectrum: &[Cell<S::V>],
        worker: &mut Worker<T, S::V>,
    ) {
        let n0 = self.lines[0].len();
        let apart = self.apart();
        let Worker { plane, column, .. } = worker;
        for (group, runs) in response.groups.iter().enumerate() {
            if runs.is_empty() {
                continue;
            }
            let cells = &mut plane[group * apart..][..n0];
            let runs = &response.runs[runs.clone()];
            let whole = runs[0].len == n0;
            let mut hat = spectrum.get(group * apart..).and_then(|hat| hat.get(..n0));
            if hat.is_none() {
                self.lines[0].run(
                    cells,
                    Emit::Cells {
                        to: column,
                        stride: 1,
                    },
                );
            } else if !whole {
                column.fill(zero(self.simd));
            }
            if let (None, false) = (hat, whole) {
                // A sparse kernel alone: the product reads the spectrum where the plane no longer needs it.
                cells.copy_from_slice(column);
                column.fill(zero(self.simd));
                hat = Some(cells);
            }
            self.simd.run(Multiply {
                simd: self.simd,
                from: hat,
                to: column,
                runs,
                by: &response.values,
            });
            let cells = &mut plane[group * apart..][..n0];
            self.lines[0].run(
                column,
                Emit::Cells {
                    to: cells,
                    stride: 1,
                },
            );
        }
    }

    /// Rows of the plane back to samples, and what is kept of them to the output.
    fn store(
        &self,
        unit: usize,
        response: &Response<S::V>,
        worker: &mut Worker<T, S::V>,
        out: &dyn Output<T>,
        offset: usize,
    ) {
        let lanes = S::V::LANES;
        let [n0, n1] = self.sides();
        let Worker {
            plane, tile, row, ..
        } = worker;
        let windows = self
            .tiles(unit)
            .map(|tile| tile.map(|tile| self.window(tile)));
        let columns = self.task.axes[1].outputs();
        let rows = match self.task.line {
            true => n0,
            false => windows
                .iter()
                .flatten()
                .map(|[rows, _]| rows.len())
                .max()
                .unwrap_or(0),
        };
        for first in (0..rows).step_by(lanes) {
            let by = match self.task.line {
                true => self.twiddles_of(first),
                false => &[],
            };
            self.simd.run(Collect {
                simd: self.simd,
                plane: &plane[first..],
                apart: self.apart(),
                groups: &response.groups,
                by,
                tile,
            });
            self.lines[1].run(tile, Emit::Cells { to: row, stride: 1 });
            out.with(&mut |out| match out {
                SamplesMut::Real(out) => {
                    for (second, window) in [false, true].into_iter().zip(&windows) {
                        let Some([rows, kept]) = window else { continue };
                        if self.task.line {
                            self.simd.run(StoreLine {
                                cells: &row[..n1],
                                second,
                                apart: n0,
                                first,
                                to: &mut out[offset + kept.start..][..kept.len()],
                                precision: std::marker::PhantomData,
                            });
                        } else if first < rows.len() {
                            self.simd.run(StoreRows {
                                simd: self.simd,
                                cells: row,
                                second,
                                rows: (rows.len() - first).min(lanes),
                                width: kept.len(),
                                to: &mut out
                                    [offset + (rows.start + first) * columns + kept.start..],
                                apart: columns,
                            });
                        }
                    }
                }
                SamplesMut::Complex(out) => {
                    let [Some([rows, kept]), _] = &windows else {
                        return;
                    };
                    if self.task.line {
                        self.simd.run(StoreComplexLine {
                            cells: &row[..n1],
                            apart: n0,
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
                            apart: columns,
                        });
                    }
                }
            });
        }
    }
}

impl<T: Real, S: Passes<T>> Lanes<T> for Blocked<T, S> {
    fn scratch(&self) -> Scratch {
        let zero = zero(self.simd);
        let [plane, tile, row, column, staged] = self.lens();
        Box::new(Worker {
            plane: vec![zero; plane],
            tile: vec![zero; tile],
            row: vec![zero; row],
            column: vec![zero; column],
            staged: vec![T::zero(); staged],
        })
    }

    fn fits(&self, scratch: &Scratch, spectrum: &Scratch) -> bool {
        let worker = scratch.downcast_ref::<Worker<T, S::V>>();
        let spectrum = spectrum.downcast_ref::<Vec<Cell<S::V>>>();
        worker.is_some_and(|worker| worker.lens() == self.lens())
            && spectrum.is_some_and(|cells| cells.len() == self.spectrum_len())
    }

    fn spectrum(&self) -> Scratch {
        Box::new(vec![zero(self.simd); self.spectrum_len()])
    }

    fn load(&self, input: Samples<T>, unit: usize, scratch: &mut Scratch, spectrum: &mut Scratch) {
        let (Some(worker), Some(spectrum)) = (
            scratch.downcast_mut::<Worker<T, S::V>>(),
            spectrum.downcast_mut::<Vec<Cell<S::V>>>(),
        ) else {
            debug_assert!(false, "scratch is checked at the door");
            return;
        };
        if self.task.line {
            self.load_line(input, unit, worker);
        } else {
            self.load_rows(input, unit, worker);
        }
        let n0 = self.lines[0].len();
        let planes = worker.plane.chunks_exact_mut(self.apart());
        for (cells, to) in planes.zip(spectrum.chunks_exact_mut(self.apart())) {
            self.lines[0].run(&mut cells[..n0], Emit::Cells { to, stride: 1 });
        }
    }

    fn finish(
        &self,
        kernel: usize,
        unit: usize,
        spectrum: &Scratch,
        scratch: &mut Scratch,
        out: &dyn Output<T>,
        offset: usize,
    ) {
        let (Some(worker), Some(spectrum)) = (
            scratch.downcast_mut::<Worker<T, S::V>>(),
            spectrum.downcast_ref::<Vec<Cell<S::V>>>(),
        ) else {
            debug_assert!(false, "scratch is checked at the door");
            return;
        };
        let response = &self.responses[kernel];
        self.columns(response, spectrum, worker);
        self.store(unit, response, worker, out, offset);
    }

    fn bytes(&self) -> u64 {
        self.responses.iter().map(Response::bytes).sum()
    }
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
fn parts<T: Real>(axis: &Axis, input: &[Complex<T>], origin: i64, re: &mut [T], im: &mut [T]) {
    re.fill(T::zero());
    im.fill(T::zero());
    axis.segments(origin, re.len(), |segment| {
        let re = re[segment.at..].iter_mut().zip(&mut im[segment.at..]);
        for ((re, im), from) in re.zip(&input[segment.sample..][..segment.count]) {
            (*re, *im) = (from.re, from.im);
        }
    });
}

/// A kernel's transfer function in the order of the plane, 1/n included.
struct Response<V> {
    /// The runs of every group of columns.
    groups: Vec<std::ops::Range<usize>>,
    runs: Vec<Run>,
    values: Values<V>,
}

/// Neighbours along axis 0 that are not zero.
#[derive(Clone, Copy)]
struct Run {
    k0: usize,
    len: usize,
    value: usize,
}

enum Values<V> {
    Real(Vec<V>),
    Complex(Vec<Cell<V>>),
}

/// Zeros between two runs that are multiplied with rather than left out.
const GAP: usize = 8;

impl<V: Copy> Response<V> {
    fn new<T: Real, S: Simd<T, V = V>>(
        simd: S,
        [n0, n1]: [usize; 2],
        real: bool,
        at: &dyn Fn(usize, usize) -> Complex<f64>,
    ) -> Self
    where
        V: Vector<T>,
    {
        let lanes = V::LANES;
        let scale = 1.0 / (n0 * n1) as f64;
        let mut runs: Vec<Run> = Vec::new();
        let mut groups = Vec::new();
        let mut cells = Vec::new();
        for first in (0..n1).step_by(lanes) {
            let value = |k0: usize, lane: usize| match first + lane {
                k1 if k1 < n1 => at(k0, k1) * scale,
                _ => Complex::ZERO,
            };
            let begin = runs.len();
            for k0 in 0..n0 {
                if (0..lanes).all(|lane| value(k0, lane) == Complex::ZERO) {
                    continue;
                }
                let from = match runs[begin..].last_mut() {
                    Some(run) if k0 < run.k0 + run.len + GAP => {
                        let from = run.k0 + run.len;
                        run.len = k0 + 1 - run.k0;
                        from
                    }
                    _ => {
                        let value = cells.len();
                        runs.push(Run { k0, len: 1, value });
                        k0
                    }
                };
                for k0 in from..=k0 {
                    cells.push(cell(simd, &|lane| value(k0, lane)));
                }
            }
            groups.push(begin..runs.len());
        }
        let values = if real {
            Values::Real(cells.iter().map(|cell| cell.re).collect())
        } else {
            Values::Complex(cells)
        };
        Self {
            groups,
            runs,
            values,
        }
    }

    fn bytes(&self) -> u64 {
        let values = match &self.values {
            Values::Real(values) => size_of_val(&values[..]),
            Values::Complex(values) => size_of_val(&values[..]),
        };
        (values + size_of_val(&self.runs[..]) + size_of_val(&self.groups[..])) as u64
    }
}

/// A complex number in every lane.
fn cell<T: Real, S: Simd<T>>(simd: S, value: &dyn Fn(usize) -> Complex<f64>) -> Cell<S::V> {
    let (mut re, mut im) = ([T::zero(); MAX_LANES], [T::zero(); MAX_LANES]);
    for lane in 0..S::V::LANES {
        let value = value(lane);
        (re[lane], im[lane]) = (T::narrow(value.re), T::narrow(value.im));
    }
    Cell {
        re: simd.load(&re),
        im: simd.load(&im),
    }
}

/// LANES neighbours of LANES rows, from `at` on, as LANES vectors whose lanes are rows.
#[inline(always)]
fn square<T: Real, S: Simd<T>>(simd: S, rows: &[&[T]; MAX_LANES], at: usize) -> [S::V; MAX_LANES] {
    let mut square = [simd.splat(T::zero()); MAX_LANES];
    for i in 0..S::V::LANES {
        square[i] = simd.load(&rows[i][at..]);
    }
    S::V::transpose(&mut square);
    square
}

/// The same where fewer than LANES are left.
#[inline(always)]
fn edge<T: Real, S: Simd<T>>(simd: S, rows: &[&[T]; MAX_LANES], at: usize) -> [S::V; MAX_LANES] {
    let mut square = [simd.splat(T::zero()); MAX_LANES];
    for i in 0..S::V::LANES {
        let mut numbers = [T::zero(); MAX_LANES];
        for (to, &from) in numbers.iter_mut().zip(&rows[i][at..]) {
            *to = from;
        }
        square[i] = simd.load(&numbers);
    }
    S::V::transpose(&mut square);
    square
}

/// Rows of samples as a line of cells, parts exchanged.
struct LoadRows<'a, T, S: Simd<T>> {
    simd: S,
    rows: &'a [[&'a [T]; MAX_LANES]; 2],
    len: usize,
    tile: &'a mut [Cell<S::V>],
}

impl<T: Real, S: Simd<T>> Kernel for LoadRows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let [re, im] = self.rows;
        let whole = self.len / lanes * lanes;
        for (at, to) in (0..whole)
            .step_by(lanes)
            .zip(self.tile.chunks_exact_mut(lanes))
        {
            let a = square(self.simd, re, at);
            let b = square(self.simd, im, at);
            for i in 0..lanes {
                to[i] = Cell { re: b[i], im: a[i] };
            }
        }
        if whole < self.len {
            let a = edge(self.simd, re, whole);
            let b = edge(self.simd, im, whole);
            for (i, to) in self.tile[whole..self.len].iter_mut().enumerate() {
                *to = Cell { re: b[i], im: a[i] };
            }
        }
    }
}

/// Neighbouring samples, `apart` from each other, as a line of cells, parts exchanged.
struct LoadLine<'a, T, S: Simd<T>> {
    simd: S,
    re: &'a [T],
    im: &'a [T],
    apart: usize,
    tile: &'a mut [Cell<S::V>],
}

impl<T: Real, S: Simd<T>> Kernel for LoadLine<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let parts = self.re.chunks(self.apart).zip(self.im.chunks(self.apart));
        for (to, (re, im)) in self.tile.iter_mut().zip(parts) {
            *to = Cell {
                re: self.simd.load(im),
                im: self.simd.load(re),
            };
        }
    }
}

/// A line of cells whose lanes are rows into columns of the plane, where they are columns; multiplied before, unless
/// `by` is empty.
struct Spread<'a, T, S: Simd<T>> {
    simd: S,
    row: &'a [Cell<S::V>],
    by: &'a [Cell<S::V>],
    plane: &'a mut [Cell<S::V>],
    apart: usize,
}

impl<T: Real, S: Simd<T>> Kernel for Spread<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let zero = self.simd.splat(T::zero());
        let columns = self.plane.chunks_mut(self.apart);
        let mut by = self.by.chunks_exact(lanes);
        for (from, to) in self.row.chunks_exact(lanes).zip(columns) {
            let (mut re, mut im) = ([zero; MAX_LANES], [zero; MAX_LANES]);
            match by.next() {
                None => {
                    for i in 0..lanes {
                        (re[i], im[i]) = (from[i].re, from[i].im);
                    }
                }
                Some(by) => {
                    for i in 0..lanes {
                        let product = from[i].times(by[i]);
                        (re[i], im[i]) = (product.re, product.im);
                    }
                }
            }
            S::V::transpose(&mut re);
            S::V::transpose(&mut im);
            for (i, to) in to[..lanes].iter_mut().enumerate() {
                *to = Cell {
                    re: re[i],
                    im: im[i],
                };
            }
        }
    }
}

/// The way back: LANES rows from the columns of the plane; zeros from groups without runs. Multiplied afterwards,
/// unless `by` is empty.
struct Collect<'a, T, S: Simd<T>> {
    simd: S,
    plane: &'a [Cell<S::V>],
    apart: usize,
    groups: &'a [std::ops::Range<usize>],
    by: &'a [Cell<S::V>],
    tile: &'a mut [Cell<S::V>],
}

impl<T: Real, S: Simd<T>> Kernel for Collect<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let zero = self.simd.splat(T::zero());
        let columns = self.plane.chunks(self.apart).zip(self.groups);
        let mut by = self.by.chunks_exact(lanes);
        for (to, (from, runs)) in self.tile.chunks_exact_mut(lanes).zip(columns) {
            let (mut re, mut im) = ([zero; MAX_LANES], [zero; MAX_LANES]);
            if !runs.is_empty() {
                for (i, from) in from[..lanes].iter().enumerate() {
                    (re[i], im[i]) = (from.re, from.im);
                }
                S::V::transpose(&mut re);
                S::V::transpose(&mut im);
            }
            match by.next() {
                None => {
                    for i in 0..lanes {
                        to[i] = Cell {
                            re: re[i],
                            im: im[i],
                        };
                    }
                }
                Some(by) => {
                    for i in 0..lanes {
                        let cell = Cell {
                            re: re[i],
                            im: im[i],
                        };
                        to[i] = cell.times(by[i]);
                    }
                }
            }
        }
    }
}

/// A column, parts exchanged, times a kernel, in place or from elsewhere.
struct Multiply<'a, T, S: Simd<T>> {
    simd: S,
    from: Option<&'a [Cell<S::V>]>,
    to: &'a mut [Cell<S::V>],
    runs: &'a [Run],
    by: &'a Values<S::V>,
}

impl<T: Real, S: Simd<T>> Kernel for Multiply<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let _ = self.simd;
        for run in self.runs {
            let to = &mut self.to[run.k0..][..run.len];
            match (self.by, self.from) {
                (Values::Real(by), None) => {
                    for (to, &by) in to.iter_mut().zip(&by[run.value..]) {
                        *to = to.swapped().scaled(by);
                    }
                }
                (Values::Complex(by), None) => {
                    for (to, &by) in to.iter_mut().zip(&by[run.value..]) {
                        *to = to.swapped().times(by);
                    }
                }
                (Values::Real(by), Some(from)) => {
                    let from = from[run.k0..].iter().zip(&by[run.value..]);
                    for (to, (from, &by)) in to.iter_mut().zip(from) {
                        *to = from.swapped().scaled(by);
                    }
                }
                (Values::Complex(by), Some(from)) => {
                    let from = from[run.k0..].iter().zip(&by[run.value..]);
                    for (to, (from, &by)) in to.iter_mut().zip(from) {
                        *to = from.swapped().times(by);
                    }
                }
            }
        }
    }
}

/// The real or imaginary part of a line whose lanes are rows, to rows.
struct StoreRows<'a, T, S: Simd<T>> {
    simd: S,
    cells: &'a [Cell<S::V>],
    /// The imaginary part.
    second: bool,
    rows: usize,
    width: usize,
    to: &'a mut [T],
    apart: usize,
}

impl<T: Real, S: Simd<T>> Kernel for StoreRows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let Self {
            simd,
            cells,
            second,
            rows,
            width,
            to,
            apart,
        } = self;
        let zero = simd.splat(T::zero());
        for (c, cells) in cells
            .chunks_exact(lanes)
            .take(width.div_ceil(lanes))
            .enumerate()
        {
            let mut square = [zero; MAX_LANES];
            for i in 0..lanes {
                square[i] = if second { cells[i].im } else { cells[i].re };
            }
            S::V::transpose(&mut square);
            let left = width - c * lanes;
            for i in 0..rows.min(lanes) {
                let to = &mut to[i * apart + c * lanes..];
                if left >= lanes {
                    to[..lanes].copy_from_slice(square[i].lanes());
                } else {
                    to[..left].copy_from_slice(&square[i].lanes()[..left]);
                }
            }
        }
    }
}

/// A line whose lanes are rows, to rows.
struct StoreComplexRows<'a, T, S: Simd<T>> {
    simd: S,
    cells: &'a [Cell<S::V>],
    rows: usize,
    width: usize,
    to: &'a mut [Complex<T>],
    apart: usize,
}

impl<T: Real, S: Simd<T>> Kernel for StoreComplexRows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let Self {
            simd,
            cells,
            rows,
            width,
            to,
            apart,
        } = self;
        let zero = simd.splat(T::zero());
        for (c, cells) in cells
            .chunks_exact(lanes)
            .take(width.div_ceil(lanes))
            .enumerate()
        {
            let (mut re, mut im) = ([zero; MAX_LANES], [zero; MAX_LANES]);
            for i in 0..lanes {
                (re[i], im[i]) = (cells[i].re, cells[i].im);
            }
            S::V::transpose(&mut re);
            S::V::transpose(&mut im);
            let left = (width - c * lanes).min(lanes);
            for i in 0..rows.min(lanes) {
                interleave(
                    re[i].lanes(),
                    im[i].lanes(),
                    &mut to[i * apart + c * lanes..][..left],
                );
            }
        }
    }
}

#[inline(always)]
fn interleave<T: Real>(re: &[T], im: &[T], to: &mut [Complex<T>]) {
    for (to, (&re, &im)) in to.iter_mut().zip(re.iter().zip(im)) {
        *to = Complex::new(re, im);
    }
}

/// The real or imaginary part of a line whose lanes are neighbouring samples, to samples `apart` from each other.
struct StoreLine<'a, T, V> {
    cells: &'a [Cell<V>],
    /// The imaginary part.
    second: bool,
    apart: usize,
    first: usize,
    to: &'a mut [T],
    precision: std::marker::PhantomData<T>,
}

impl<T: Real, V: Vector<T>> Kernel for StoreLine<'_, T, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Some(to) = self.to.get_mut(self.first..) else {
            return;
        };
        for (to, cell) in to.chunks_mut(self.apart).zip(self.cells) {
            let from = if self.second { &cell.im } else { &cell.re }.lanes();
            if to.len() >= V::LANES {
                to[..V::LANES].copy_from_slice(from);
            } else {
                let left = to.len();
                to.copy_from_slice(&from[..left]);
            }
        }
    }
}

/// A line whose lanes are neighbouring samples, to samples `apart` from each other.
struct StoreComplexLine<'a, T, V> {
    cells: &'a [Cell<V>],
    apart: usize,
    first: usize,
    to: &'a mut [Complex<T>],
}

impl<T: Real, V: Vector<T>> Kernel for StoreComplexLine<'_, T, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Some(to) = self.to.get_mut(self.first..) else {
            return;
        };
        for (to, cell) in to.chunks_mut(self.apart).zip(self.cells) {
            let left = to.len().min(V::LANES);
            interleave(cell.re.lanes(), cell.im.lanes(), &mut to[..left]);
        }
    }
}
