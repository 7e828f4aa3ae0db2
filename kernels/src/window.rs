//! Averages along a line in every lane: windows over neighbours, all the way round, and plain sums.

use std::ops::{Add, Range};

use super::element::Element;
use super::vector::{Kernel, Simd, Vector};

/// The most outputs that are summed side by side, to hide the latency of one product behind the others.
const SIDE_BY_SIDE: usize = 8;

/// How many outputs to sum side by side, so that the last group is about as full as the others.
pub fn side_by_side(outputs: usize) -> usize {
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

/// A short window: output i is `Σ_t taps[t]·line[i·step + t]`.
pub fn short<T: Element, S: Simd<T>>(
    simd: S,
    taps: &[T],
    step: usize,
    line: &[S::V],
    to: &mut [S::V],
) {
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

struct Short<'a, T, S: Simd<T>, const G: usize> {
    simd: S,
    taps: &'a [T],
    step: usize,
    line: &'a [S::V],
    to: &'a mut [S::V],
}

impl<T: Element, S: Simd<T>, const G: usize> Kernel for Short<'_, T, S, G> {
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

/// `to[i] += row[i]·weights`, in every lane, or with one weight for each half.
pub struct AddScaled<'a, T, S: Simd<T>, const PARTS: usize> {
    pub simd: S,
    pub weights: [T; PARTS],
    pub row: &'a [S::V],
    pub to: &'a mut [S::V],
}

impl<T: Element, S: Simd<T>, const PARTS: usize> Kernel for AddScaled<'_, T, S, PARTS> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let weight = match PARTS {
            1 => self.simd.splat(self.weights[0]),
            _ => {
                let [low, high] = [self.weights[0], self.weights[PARTS - 1]];
                self.simd.splat_halves([low, high])
            }
        };
        for (to, &value) in self.to.iter_mut().zip(self.row) {
            *to = weight.mul_add(value, *to);
        }
    }
}

/// Adds a vector to every other.
pub struct AddEverywhere<'a, V> {
    pub value: V,
    pub to: &'a mut [V],
}

impl<V: Copy + Add<Output = V>> Kernel for AddEverywhere<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for to in self.to {
            *to = *to + self.value;
        }
    }
}

/// Outputs that are added to a block of samples while they are in registers.
const AT_ONCE: usize = 8;

/// The transpose of a window: `line[n] += Σ_k weights[n][k]·outputs[at[block of n][k]]`, `count` of them for each block of
/// neighbouring samples.
pub struct Spread<'a, T, S: Simd<T>> {
    pub simd: S,
    pub block: usize,
    pub count: usize,
    pub at: &'a [u32],
    pub weights: &'a [T],
    pub outputs: &'a [S::V],
    pub line: &'a mut [S::V],
}

impl<T: Element, S: Simd<T>> Kernel for Spread<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            block,
            count,
            at,
            weights,
            outputs,
            line,
        } = self;
        if count == 0 {
            return;
        }
        let weights = weights.chunks_exact(block * count);
        let blocks = line
            .chunks_mut(block)
            .zip(at.chunks_exact(count))
            .zip(weights);
        for ((line, at), weights) in blocks {
            let mut first = 0;
            while first < count {
                let at = &at[first..];
                macro_rules! run {
                    ($K:literal) => {
                        spread::<T, S, $K>(simd, at, &weights[first..], count, outputs, line)
                    };
                }
                match at.len() {
                    1 => run!(1),
                    2 => run!(2),
                    3 => run!(3),
                    4 => run!(4),
                    5 => run!(5),
                    6 => run!(6),
                    7 => run!(7),
                    _ => run!(8),
                }
                first += AT_ONCE;
            }
        }
    }
}

/// The first K outputs to the samples of a block, while they are in registers.
#[inline(always)]
fn spread<T: Element, S: Simd<T>, const K: usize>(
    simd: S,
    at: &[u32],
    weights: &[T],
    count: usize,
    outputs: &[S::V],
    line: &mut [S::V],
) {
    let some: [S::V; K] = std::array::from_fn(|k| outputs[at[k] as usize]);
    for (u, weights) in line.iter_mut().zip(weights.chunks(count)) {
        let weights = &weights[..K];
        let mut sum = *u;
        for k in 0..K {
            sum = simd.splat(weights[k]).mul_add(some[k], sum);
        }
        *u = sum;
    }
}

/// The same across rows, for a row of cells that holds `PARTS` of them: `row[x] = Σ_k weights[part][k]·outputs[at[k]][x]`.
pub struct SpreadRows<'a, T, S: Simd<T>, const PARTS: usize> {
    pub simd: S,
    pub at: &'a [u32],
    pub weights: &'a [T],
    /// Rows as long as `row`.
    pub outputs: &'a [S::V],
    pub row: &'a mut [S::V],
}

impl<T: Element, S: Simd<T>, const PARTS: usize> Kernel for SpreadRows<'_, T, S, PARTS> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        const COLUMNS: usize = 4;
        let Self {
            simd,
            at,
            weights,
            outputs,
            row,
        } = self;
        let width = row.len();
        let (low, high) = weights.split_at(weights.len() / PARTS);
        let (blocks, rest) = row.as_chunks_mut::<COLUMNS>();
        let mut x = 0;
        for to in blocks {
            let mut sums = [simd.splat(T::zero()); COLUMNS];
            for (k, &at) in at.iter().enumerate() {
                let weight = both(simd, low, high, k);
                let from = &outputs[at as usize * width + x..][..COLUMNS];
                for i in 0..COLUMNS {
                    sums[i] = weight.mul_add(from[i], sums[i]);
                }
            }
            *to = sums;
            x += COLUMNS;
        }
        for to in rest {
            let mut sum = simd.splat(T::zero());
            for (k, &at) in at.iter().enumerate() {
                let weight = both(simd, low, high, k);
                sum = weight.mul_add(outputs[at as usize * width + x], sum);
            }
            *to = sum;
            x += 1;
        }
    }
}

/// Weight k of all lanes, or of each half.
#[inline(always)]
fn both<T: Element, S: Simd<T>>(simd: S, low: &[T], high: &[T], k: usize) -> S::V {
    match high.get(k) {
        None => simd.splat(low[k]),
        Some(&high) => simd.splat_halves([low[k], high]),
    }
}

/// The weights of a window that goes all the way round, folded at the middle of the line: with e(n), d(n) = u(n) ± u(−n),
/// outputs o and −o of a line of N samples are
///
/// ```text
/// S(±o) = Σ_n even_o(n)·e(n)  ±  Σ_n odd_o(n)·d(n),     0 ≤ n ≤ N/2
/// ```
#[derive(Debug, Clone)]
pub struct Folded<T> {
    /// The output positions o in 0 ..= period/2.
    pub outputs: Vec<usize>,
    /// Weights of `e` and `d` for groups of outputs, `[group][n][side by side]`, as many as [`side_by_side`] says.
    pub even: Vec<T>,
    pub odd: Vec<T>,
    /// Output positions that a line has.
    pub period: usize,
}

/// A window all the way round: the outputs at these positions, which may lie a period further on.
pub fn round<T: Element, S: Simd<T>>(
    simd: S,
    weights: &Folded<T>,
    outputs: Range<usize>,
    line: &[S::V],
    to: &mut [S::V],
) {
    macro_rules! run {
        ($G:literal) => {
            simd.run(Round::<T, S, $G> {
                simd,
                weights,
                outputs,
                line,
                to,
            })
        };
    }
    by_group!(side_by_side(weights.outputs.len()), run);
}

struct Round<'a, T, S: Simd<T>, const G: usize> {
    simd: S,
    weights: &'a Folded<T>,
    outputs: Range<usize>,
    line: &'a [S::V],
    to: &'a mut [S::V],
}

impl<T: Element, S: Simd<T>, const G: usize> Kernel for Round<'_, T, S, G> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            weights,
            outputs,
            line,
            to,
        } = self;
        let Folded {
            outputs: folded,
            even,
            odd,
            period,
        } = weights;
        let period = *period;
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

/// The sum of a line.
pub fn sum<T: Element, S: Simd<T>>(simd: S, of: &[S::V]) -> S::V {
    let zero = simd.splat(T::zero());
    simd.run(Sum { zero, of })
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
