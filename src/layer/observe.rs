//! What the output keeps of U, observed row by row while U is computed: averages, means or U itself, in every lane.
//!
//! The average along an axis is the matrix of [`AxisAverage`]; here it meets vectors. A short window is a sum over its
//! taps, eight outputs at a time. A window that goes all the way round is folded at the middle first: with
//! e(n), d(n) = u(n) ± u(−n), outputs o and −o are
//!
//! ```text
//! S(±o) = Σ_n ½(h(n − o) + h(n + o))·e(n)  ±  Σ_n ½(h(n − o) − h(n + o))·d(n),     0 ≤ n ≤ N/2
//! ```
//!
//! which is half the products of the matrix.

use std::ops::Range;

use super::average::AxisAverage;
use super::plane::Rows;
use crate::kernels::vector::{Kernel, MAX_LANES, Simd, Vector};
use crate::memory::Footprint;
use crate::num::Real;

/// The most outputs that are summed side by side, to hide the latency of one product behind the others.
const SIDE_BY_SIDE: usize = 8;

/// How many outputs to sum side by side, so that the last group is about as full as the others.
fn side_by_side(outputs: usize) -> usize {
    let groups = outputs.div_ceil(SIDE_BY_SIDE).max(1);
    outputs.div_ceil(groups).max(4)
}

/// Runs a kernel that is generic over the outputs side by side.
macro_rules! by_group {
    ($group:expr, $run:ident) => {
        match $group {
            4 => $run!(4),
            5 => $run!(5),
            6 => $run!(6),
            7 => $run!(7),
            _ => $run!(8),
        }
    };
}

/// The average along one axis, in every lane.
#[derive(Debug, Clone)]
pub(crate) struct LineAverage<T, S: Simd<T>> {
    simd: S,
    /// Samples along the axis.
    len: usize,
    outputs: Range<usize>,
    window: Window<T>,
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
    /// Weights of `e` and `d` for groups of outputs, `[group][n][side by side]`; `folded[i]` is the i-th output
    /// position o in 0 ..= P/2, of `period` P.
    Round {
        folded: Vec<usize>,
        even: Vec<T>,
        odd: Vec<T>,
        period: usize,
    },
}

impl<T: Real, S: Simd<T>> LineAverage<T, S> {
    pub fn new(simd: S, average: &AxisAverage<T>) -> Self {
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
                let size = side_by_side(folded.len());
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
                Window::Round {
                    even: weights(1.0),
                    odd: weights(-1.0),
                    folded,
                    period,
                }
            }
        };
        Self {
            simd,
            len,
            outputs,
            window,
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
            Window::Round { .. } => 0,
        }
    }

    /// Averages a line with its halo into the outputs.
    pub fn apply(&self, line: &[S::V], to: &mut [S::V]) {
        let simd = self.simd;
        match &self.window {
            &Window::Short {
                ref taps,
                first,
                step,
                ..
            } => {
                let line = &line[first..];
                macro_rules! run {
                    ($G:literal) => {
                        simd.run(Short::<T, S, $G> {
                            simd,
                            taps,
                            step,
                            line,
                            to,
                        })
                    };
                }
                by_group!(side_by_side(to.len()), run);
            }
            Window::Round {
                folded,
                even,
                odd,
                period,
            } => {
                macro_rules! run {
                    ($G:literal) => {
                        simd.run(Round::<T, S, $G> {
                            simd,
                            folded,
                            even,
                            odd,
                            period: *period,
                            outputs: self.outputs.clone(),
                            line: &line[..self.len],
                            to,
                        })
                    };
                }
                by_group!(side_by_side(folded.len()), run);
            }
        }
    }
}

struct Short<'a, T, S: Simd<T>, const G: usize> {
    simd: S,
    taps: &'a [T],
    step: usize,
    line: &'a [S::V],
    to: &'a mut [S::V],
}

impl<T: Real, S: Simd<T>, const G: usize> Kernel for Short<'_, T, S, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            taps,
            step,
            line,
            to,
        } = self;
        let zero = simd.splat(T::zero());
        let mut outputs = to.chunks_exact_mut(G);
        let mut start = 0;
        for to in outputs.by_ref() {
            let windows: [&[S::V]; G] =
                std::array::from_fn(|i| &line[start + i * step..][..taps.len()]);
            let mut sums = [zero; G];
            for (t, &tap) in taps.iter().enumerate() {
                let tap = simd.splat(tap);
                for i in 0..G {
                    sums[i] = tap.mul_add(windows[i][t], sums[i]);
                }
            }
            to.copy_from_slice(&sums);
            start += G * step;
        }
        for to in outputs.into_remainder() {
            let window = &line[start..][..taps.len()];
            *to = taps
                .iter()
                .zip(window)
                .fold(zero, |sum, (&tap, &u)| simd.splat(tap).mul_add(u, sum));
            start += step;
        }
    }
}

struct Round<'a, T, S: Simd<T>, const G: usize> {
    simd: S,
    folded: &'a [usize],
    even: &'a [T],
    odd: &'a [T],
    period: usize,
    outputs: Range<usize>,
    line: &'a [S::V],
    to: &'a mut [S::V],
}

impl<T: Real, S: Simd<T>, const G: usize> Kernel for Round<'_, T, S, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            folded,
            even,
            odd,
            period,
            outputs,
            line,
            to,
        } = self;
        let zero = simd.splat(T::zero());
        let n = line.len();
        let half = n / 2;
        let (even, odd) = (even.as_chunks::<G>().0, odd.as_chunks::<G>().0);
        for ((group, even), odd) in folded
            .chunks(G)
            .zip(even.chunks_exact(half + 1))
            .zip(odd.chunks_exact(half + 1))
        {
            let mut sums = [zero; G];
            let mut differences = [zero; G];
            for i in 0..G {
                sums[i] = line[0] * simd.splat(even[0][i]);
            }
            let mirrored = line[n - half..].iter().rev();
            for (((&u, &mirrored), even), odd) in line[1..=half]
                .iter()
                .zip(mirrored)
                .zip(&even[1..])
                .zip(&odd[1..])
            {
                let (e, d) = (u + mirrored, u - mirrored);
                for i in 0..G {
                    sums[i] = e.mul_add(simd.splat(even[i]), sums[i]);
                    differences[i] = d.mul_add(simd.splat(odd[i]), differences[i]);
                }
            }
            for (i, &o) in group.iter().enumerate() {
                for (at, value) in [
                    (o, sums[i] + differences[i]),
                    ((period - o) % period, sums[i] - differences[i]),
                ] {
                    // An output may lie a period further on.
                    for at in [at, at + period] {
                        if outputs.contains(&at) {
                            to[at - outputs.start] = value;
                        }
                    }
                }
            }
        }
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
                to[0] = self.simd.run(Sum {
                    zero: self.simd.splat(T::zero()),
                    of: &row[kept[1].clone()],
                });
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

struct Sum<'a, V> {
    zero: V,
    of: &'a [V],
}

impl<V: Copy + std::ops::Add<Output = V>> Kernel for Sum<'_, V> {
    type Output = V;

    #[inline(always)]
    fn run(self) -> V {
        // Four partial sums hide the latency of an addition.
        let mut sums = [self.zero; 4];
        let (blocks, rest) = self.of.as_chunks::<4>();
        for block in blocks {
            for i in 0..4 {
                sums[i] = sums[i] + block[i];
            }
        }
        for &value in rest {
            sums[0] = sums[0] + value;
        }
        (sums[0] + sums[1]) + (sums[2] + sums[3])
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
    use crate::kernels::isa::{Isa, WithSimd};
    use crate::kernels::pass::Passes;
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
            let axis = AxisAverage::<T>::new(self.phi_hat, self.outputs.clone(), self.step, 1e-13);
            let average = LineAverage::new(simd, &axis);
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
