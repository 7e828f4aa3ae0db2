//! What the output keeps of U, observed row by row while U is computed: averages, means or U itself, in every lane.
//!
//! The average along an axis is the matrix of [`AxisAverage`]; here it meets vectors, as the windows of
//! [`kernels::window`](crate::kernels::window). One that goes all the way round is folded at the middle, which is half the products:
//! the weights of e and d are ½(h(n − o) ± h(n + o)).

use std::ops::Range;

use super::average::{AxisAverage, Transposed};
use super::plane::Rows;
use crate::kernels::vector::{Kernel, MAX_LANES, Simd, Vector};
use crate::kernels::window::{self, Folded};
use crate::memory::Footprint;
use crate::num::Real;

/// Samples of a block on the way back, at most: those between two outputs share them, and so many fill a first-level cache.
const MOST: usize = 16;

/// The average along one axis, in every lane.
#[derive(Debug, Clone)]
pub(crate) struct LineAverage<T, S: Simd<T>> {
    simd: S,
    /// Samples along the axis.
    len: usize,
    outputs: Range<usize>,
    window: Window<T>,
    back: Box<Back<T>>,
}

/// The way back through an average, for lines and for rows of lines.
#[derive(Debug, Clone)]
struct Back<T> {
    /// By blocks that lie between two outputs.
    along: Transposed<T>,
    /// By the rows of a cell.
    across: Transposed<T>,
}

#[derive(Debug, Clone)]
enum Window<T> {
    /// Output i is `Σ_t taps[t]·u(first + i·step + t)`.
    Short {
        taps: Vec<T>,
        first: usize,
        step: usize,
        halo: usize,
    },
    /// All the way round, of the outputs that there are.
    Round(Folded<T>),
}

impl<T: Real, S: Simd<T>> LineAverage<T, S> {
    /// On vectors that hold this many neighbours of the axis, where rows are averaged.
    pub fn new(simd: S, parts: usize, average: &AxisAverage<T>) -> Self {
        let (len, step) = (average.len, average.step);
        let outputs = average.outputs.clone();
        let window = match average.short() {
            Some(taps) => {
                let halo = taps.len() / 2;
                Window::Short {
                    taps: taps.to_vec(),
                    first: outputs.start * step,
                    step,
                    halo,
                }
            }
            None => {
                let period = len / step;
                let mut folded: Vec<_> = outputs
                    .clone()
                    .map(|o| (o % period).min(period - o % period))
                    .collect();
                folded.sort_unstable();
                folded.dedup();
                let size = window::side_by_side(folded.len());
                let weights = |sign: f64| -> Vec<T> {
                    folded
                        .chunks(size)
                        .flat_map(|group| (0..=len / 2).map(move |n| (group, n)))
                        .flat_map(|(group, n)| {
                            (0..size).map(move |i| {
                                // At the middle of an even length a sample meets itself, so e is 2u there.
                                let half = if 2 * n == len { 0.25 } else { 0.5 };
                                let Some(o) = group.get(i) else {
                                    return T::zero();
                                };
                                let [before, after] = [n + len - o * step, n + o * step]
                                    .map(|distance| average.kernel(distance % len));
                                T::narrow(half * (before + sign * after))
                            })
                        })
                        .collect()
                };
                Window::Round(Folded {
                    even: weights(1.0),
                    odd: weights(-1.0),
                    outputs: folded,
                    period,
                })
            }
        };
        Self {
            simd,
            len,
            outputs,
            window,
            back: Box::new(Back {
                along: average.transposed(step.clamp(1, MOST)),
                across: average.transposed(parts),
            }),
        }
    }

    /// Number of outputs.
    pub fn width(&self) -> usize {
        self.outputs.len()
    }

    /// Samples of the other end that are wanted on either side of a line.
    pub fn halo(&self) -> usize {
        match &self.window {
            Window::Short { halo, .. } => *halo,
            Window::Round(_) => 0,
        }
    }

    /// Averages a line with its halo into the outputs.
    pub fn apply(&self, line: &[S::V], to: &mut [S::V]) {
        match &self.window {
            Window::Short {
                taps, first, step, ..
            } => window::short(self.simd, taps, *step, &line[*first..], to),
            Window::Round(weights) => {
                let line = &line[..self.len];
                window::round(self.simd, weights, self.outputs.clone(), line, to);
            }
        }
    }

    /// The transpose: adds to a line without halo what the outputs weigh.
    pub fn add_adjoint(&self, outputs: &[S::V], line: &mut [S::V]) {
        self.simd.run(window::Spread {
            simd: self.simd,
            block: self.back.along.block,
            count: self.back.along.count,
            at: &self.back.along.outputs,
            weights: &self.back.along.weights,
            outputs,
            line: &mut line[..self.len],
        });
    }
}

/// What the output keeps of a plane whose vectors hold `parts` neighbouring rows.
#[derive(Debug, Clone)]
pub(crate) struct Observer<T, S: Simd<T>> {
    simd: S,
    parts: usize,
    keeps: Keeps<T, S>,
}

#[derive(Debug, Clone)]
pub(crate) enum Keeps<T, S: Simd<T>> {
    /// U ⋆ φ_J, subsampled: averages along axis 1, then axis 0.
    Average([LineAverage<T, S>; 2]),
    /// The mean over these rows and columns.
    Mean([Range<usize>; 2]),
    /// These rows and columns of U itself.
    Whole([Range<usize>; 2]),
}

/// Scratch of [`Observer::finish`].
#[derive(Debug)]
pub(crate) struct FinishBuffers<V> {
    line: Vec<V>,
    outputs: Vec<V>,
}

/// How long they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FinishLengths {
    line: usize,
    outputs: usize,
}

impl FinishLengths {
    pub fn footprint<V: 'static>(self, others: Footprint) -> Footprint {
        others
            .with::<V>("column of rows", self.line)
            .with::<V>("columns of outputs", self.outputs)
    }
}

impl<V: Copy> FinishBuffers<V> {
    pub fn new<T: Real>(simd: impl Simd<T, V = V>, lengths: FinishLengths) -> Self {
        let zero = simd.splat(T::zero());
        Self {
            line: vec![zero; lengths.line],
            outputs: vec![zero; lengths.outputs],
        }
    }
}

impl<T: Real, S: Simd<T>> Rows<S::V> for Observer<T, S> {
    fn width(&self) -> usize {
        match &self.keeps {
            Keeps::Average([_, right]) => right.width(),
            Keeps::Mean(_) => 1,
            Keeps::Whole(kept) => kept[1].len(),
        }
    }

    fn halo(&self) -> usize {
        match &self.keeps {
            Keeps::Average([_, right]) => right.halo(),
            Keeps::Mean(_) | Keeps::Whole(_) => 0,
        }
    }

    fn observe(&self, row: &[S::V], to: &mut [S::V]) {
        match &self.keeps {
            Keeps::Average([_, right]) => right.apply(row, to),
            Keeps::Mean(kept) => {
                to[0] = window::sum(self.simd, &row[kept[1].clone()]);
            }
            Keeps::Whole(kept) => to.copy_from_slice(&row[kept[1].clone()]),
        }
    }
}

impl<T: Real, S: Simd<T>> Observer<T, S> {
    pub fn new(simd: S, parts: usize, keeps: Keeps<T, S>) -> Self {
        Self { simd, parts, keeps }
    }

    /// Paths in a vector.
    fn slots(&self) -> usize {
        S::V::LANES / self.parts
    }

    /// Numbers kept of a plane, of each path.
    pub fn len(&self) -> usize {
        match &self.keeps {
            Keeps::Average([down, right]) => down.width() * right.width(),
            Keeps::Mean(_) => 1,
            Keeps::Whole(kept) => kept[0].len() * kept[1].len(),
        }
    }

    /// What [`finish`](Self::finish) takes for all these.
    pub fn finish_lengths(all: &[Self]) -> FinishLengths {
        let longest = |len: fn(&LineAverage<T, S>) -> usize| {
            let averages = all.iter().filter_map(|observer| match &observer.keeps {
                Keeps::Average([down, _]) => Some(len(down)),
                _ => None,
            });
            averages.max().unwrap_or(0)
        };
        FinishLengths {
            line: longest(|down| down.len + 2 * down.halo()),
            outputs: S::V::LANES * longest(LineAverage::width),
        }
    }

    /// From what was observed of the rows, `[n0 / parts][width]`, to what is kept of the plane of each path,
    /// `[slots][len]`.
    pub fn finish(&self, rows: &[S::V], buffers: &mut FinishBuffers<S::V>, kept: &mut [T]) {
        let (width, len, slots) = (self.width(), self.len(), self.slots());
        let value = |y: usize, x: usize, slot: usize| {
            rows[y / self.parts * width + x].lanes()[y % self.parts * slots + slot]
        };
        match &self.keeps {
            Keeps::Average([down, _]) => self.finish_average(down, rows, buffers, kept),
            Keeps::Mean([ys, xs]) => {
                let count = (ys.len() * xs.len()) as f64;
                for (slot, to) in kept[..slots].iter_mut().enumerate() {
                    let sum: f64 = ys.clone().map(|y| value(y, 0, slot).widen()).sum();
                    *to = T::narrow(sum / count);
                }
            }
            Keeps::Whole([ys, _]) => {
                for (slot, kept) in kept.chunks_exact_mut(len).take(slots).enumerate() {
                    for (y, kept) in ys.clone().zip(kept.chunks_exact_mut(width)) {
                        for (x, to) in kept.iter_mut().enumerate() {
                            *to = value(y, x, slot);
                        }
                    }
                }
            }
        }
    }

    /// The transpose of [`observe`](Rows::observe): adds to a row of U what was observed of it.
    pub fn add_adjoint_of_row(&self, observed: &[S::V], row: &mut [S::V]) {
        match &self.keeps {
            Keeps::Average([_, right]) => right.add_adjoint(observed, row),
            Keeps::Mean(kept) => {
                let row = &mut row[kept[1].clone()];
                self.simd.run(window::AddEverywhere {
                    value: observed[0],
                    to: row,
                });
            }
            Keeps::Whole(kept) => {
                add_scaled(
                    self.simd,
                    1,
                    0,
                    T::one(),
                    observed,
                    &mut row[kept[1].clone()],
                );
            }
        }
    }

    /// The transpose of [`finish`](Self::finish), from what is kept of each path, path by path, to the rows. `vectors` is scratch of
    /// [`len`](Self::len).
    pub fn finish_adjoint<'w>(
        &self,
        kept: impl Iterator<Item = &'w [T]>,
        vectors: &mut [S::V],
        rows: &mut [S::V],
    ) {
        let (simd, parts, width, slots) = (self.simd, self.parts, self.width(), self.slots());
        let vectors = &mut vectors[..self.len()];
        vectors.fill(simd.splat(T::zero()));
        let numbers = S::V::numbers_mut(vectors);
        for (slot, kept) in kept.enumerate() {
            for (lanes, &value) in numbers.chunks_exact_mut(S::V::LANES).zip(kept) {
                (lanes.iter_mut().skip(slot).step_by(slots)).for_each(|lane| *lane = value);
            }
        }
        if !matches!(self.keeps, Keeps::Average(_)) {
            rows.fill(simd.splat(T::zero()));
        }
        // To one row of a cell of them, from a row of vectors.
        let mut add = |y: usize, weight: T, vectors: &[S::V]| {
            let to = &mut rows[y / parts * width..][..width];
            add_scaled(simd, parts, y % parts, weight, vectors, to);
        };
        match &self.keeps {
            Keeps::Average([down, _]) => {
                let rows = rows.chunks_exact_mut(width).enumerate();
                for (y, row) in rows.take(down.len / parts) {
                    let (at, weights) = down.back.across.of(y);
                    spread_rows(simd, parts, at, weights, vectors, row);
                }
            }
            Keeps::Mean([ys, xs]) => {
                let share = T::narrow(1.0 / (ys.len() * xs.len()) as f64);
                ys.clone().for_each(|y| add(y, share, vectors));
            }
            Keeps::Whole([ys, _]) => {
                let kept = ys.clone().zip(vectors.chunks_exact(width));
                kept.for_each(|(y, vectors)| add(y, T::one(), vectors));
            }
        }
    }

    /// Averages along axis 0 of at most `LANES` columns at a time. A vector holds `parts` of them, as far apart as it takes
    /// to have neighbours in neighbouring vectors.
    fn finish_average(
        &self,
        down: &LineAverage<T, S>,
        rows: &[S::V],
        buffers: &mut FinishBuffers<S::V>,
        kept: &mut [T],
    ) {
        let (n, halo, height) = (down.len, down.halo(), down.width());
        let width = self.width();
        let FinishBuffers { line, outputs } = buffers;
        let line = &mut line[..n + 2 * halo];
        for start in (0..width).step_by(S::V::LANES) {
            let columns = start..(start + S::V::LANES).min(width);
            let apart = columns.len().div_ceil(self.parts);
            for i in 0..apart {
                let rows = rows.chunks_exact(width);
                match self.parts {
                    1 => {
                        for (to, row) in line[halo..].iter_mut().zip(rows) {
                            *to = row[start + i];
                        }
                    }
                    _ => self.simd.run(Pair::<T, S> {
                        rows,
                        // An odd number of columns leaves the second half without one; it repeats the first half's last.
                        columns: [start + i, (start + apart + i).min(columns.end - 1)],
                        line: &mut line[halo..],
                    }),
                }
                line.copy_within(n..n + halo, 0);
                line.copy_within(halo..2 * halo, n + halo);
                down.apply(line, &mut outputs[i * height..][..height]);
            }
            self.simd.run(Scatter {
                simd: self.simd,
                parts: self.parts,
                outputs,
                height,
                columns,
                apart,
                width,
                kept,
            });
        }
    }
}

/// A row of cells from rows of outputs and the weights of each of the `parts` rows in it.
fn spread_rows<T: Real, S: Simd<T>>(
    simd: S,
    parts: usize,
    at: &[u32],
    weights: &[T],
    outputs: &[S::V],
    row: &mut [S::V],
) {
    macro_rules! run {
        ($PARTS:literal) => {
            simd.run(window::SpreadRows::<T, S, $PARTS> {
                simd,
                at,
                weights,
                outputs,
                row,
            })
        };
    }
    match parts {
        1 => run!(1),
        _ => run!(2),
    }
}

/// Adds weighted vectors to one of the `parts` that share the vectors of `to`.
fn add_scaled<T: Real, S: Simd<T>>(
    simd: S,
    parts: usize,
    part: usize,
    weight: T,
    row: &[S::V],
    to: &mut [S::V],
) {
    match parts {
        1 => simd.run(window::AddScaled {
            simd,
            weights: [weight],
            row,
            to,
        }),
        _ => simd.run(window::AddScaled {
            simd,
            weights: std::array::from_fn::<_, 2, _>(|other| match other == part {
                true => weight,
                false => T::zero(),
            }),
            row,
            to,
        }),
    }
}

/// Two columns of rows of cells as one line: from two rows in a vector to two columns.
struct Pair<'a, T, S: Simd<T>> {
    rows: std::slice::ChunksExact<'a, S::V>,
    columns: [usize; 2],
    line: &'a mut [S::V],
}

impl<T: Real, S: Simd<T>> Kernel for Pair<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let [a, b] = self.columns;
        for (to, row) in self.line.as_chunks_mut::<2>().0.iter_mut().zip(self.rows) {
            *to = S::V::exchange(row[a], row[b]);
        }
    }
}

/// Columns of outputs, `[apart][height]` with `parts` columns of the paths in the lanes, to planes
/// `[slot][height][width]`.
struct Scatter<'a, T, S: Simd<T>> {
    simd: S,
    parts: usize,
    outputs: &'a [S::V],
    height: usize,
    columns: Range<usize>,
    apart: usize,
    width: usize,
    kept: &'a mut [T],
}

impl<T: Real, S: Simd<T>> Kernel for Scatter<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            parts,
            outputs,
            height,
            columns,
            apart,
            width,
            kept,
        } = self;
        let slots = S::V::LANES / parts;
        let mut block = [simd.splat(T::zero()); MAX_LANES];
        let block = &mut block[..S::V::LANES];
        // As many rows at a time as make a square.
        let together = S::V::LANES / apart;
        for first in (0..height).step_by(together) {
            let rows = first..(first + together).min(height);
            for (y, block) in rows.clone().zip(block.chunks_exact_mut(apart)) {
                for (i, vector) in block.iter_mut().enumerate() {
                    *vector = outputs[i * height + y];
                }
            }
            S::V::transpose(block);
            for (lane, values) in block.iter().enumerate() {
                let (part, slot) = (lane / slots, lane % slots);
                let start = columns.start + part * apart;
                let count = apart.min(columns.end.saturating_sub(start));
                for (y, values) in rows.clone().zip(values.lanes().chunks_exact(apart)) {
                    let to = (slot * height + y) * width + start;
                    copy_few(&values[..count], &mut kept[to..to + count]);
                }
            }
        }
    }
}

/// Copies a few numbers; the lengths that are common without a call.
#[inline(always)]
fn copy_few<T: Copy>(from: &[T], to: &mut [T]) {
    fn whole<T: Copy, const N: usize>(from: &[T], to: &mut [T]) {
        if let (Some(from), Some(to)) = (from.first_chunk::<N>(), to.first_chunk_mut()) {
            *to = *from;
        }
    }
    match from.len() {
        4 => whole::<T, 4>(from, to),
        8 => whole::<T, 8>(from, to),
        16 => whole::<T, 16>(from, to),
        _ => to.copy_from_slice(from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::gauss;
    use crate::isa::Isa;
    use crate::kernels::pass::{Passes, WithSimd};
    use crate::layer::average::EvenKernel;
    use crate::num::sealed::Sealed;

    /// The largest difference between a line average and its matrix, whose rows [`AxisAverage`] is tested for.
    struct Check<'a> {
        phi_hat: &'a [f64],
        outputs: Range<usize>,
        step: usize,
        short: bool,
    }

    impl<T: Real> WithSimd<T> for Check<'_> {
        type Output = f64;

        fn run<S: Passes<T>>(self, simd: S) -> f64 {
            let n = self.phi_hat.len();
            let axis = AxisAverage::<T>::new(
                EvenKernel::from_hat(self.phi_hat),
                self.outputs.clone(),
                self.step,
                1e-13,
            );
            let average = LineAverage::new(simd, 1, &axis);
            assert_eq!(
                matches!(average.window, Window::Short { .. }),
                self.short,
                "{n}"
            );
            let value = |i: usize, lane: usize| ((i * i + 5 * lane) as f64 * 0.37).sin();
            let halo = average.halo();
            let line: Vec<S::V> = (0..n + 2 * halo)
                .map(|i| {
                    let at = (i + n - halo % n) % n;
                    let lanes: Vec<_> = (0..S::V::LANES)
                        .map(|lane| T::narrow(value(at, lane)))
                        .collect();
                    simd.load(&lanes)
                })
                .collect();
            let mut got = vec![simd.splat(T::nan()); average.width()];
            average.apply(&line, &mut got);
            let mut worst = 0.0_f64;
            for (o, got) in self.outputs.zip(&got) {
                for (lane, got) in got.lanes().iter().enumerate() {
                    let expected: f64 = (0..n)
                        .map(|i| {
                            axis.kernel((i + n * self.step - o * self.step) % n) * value(i, lane)
                        })
                        .sum();
                    let error = (got.widen() - expected).abs();
                    assert!(!error.is_nan());
                    worst = worst.max(error);
                }
            }
            worst
        }
    }

    #[test]
    fn line_averages_equal_their_matrix_on_every_instruction_set() {
        // short, dense of even and odd length, all outputs and some, degenerate
        for (sigma, n, step, outputs, short) in [
            (0.06, 60, 4, 1..14, true),
            (0.2, 64, 2, 0..32, false),
            (0.2, 68, 2, 1..33, false),
            (0.2, 40, 4, 1..9, false),
            (0.2, 15, 3, 1..4, false),
            (0.2, 10, 1, 2..9, false),
            (0.2, 2, 1, 0..2, false),
            (0.2, 1, 1, 0..1, false),
        ] {
            let mut phi_hat = gauss::axis_hat(sigma, n);
            if !short {
                phi_hat[n / 2] *= 0.5; // a cut that no window can be short for
            }
            for isa in Isa::available() {
                let check = || Check {
                    phi_hat: &phi_hat,
                    outputs: outputs.clone(),
                    step,
                    short,
                };
                let single = f32::with_simd(isa, check());
                let double = f64::with_simd(isa, check());
                assert!(single < 5e-7, "{n}, {isa}: {single:e}");
                assert!(double < 2e-13, "{n}, {isa}: {double:e}");
            }
        }
    }
}
