//! Lines whose lanes are time phases of one path, t = LANES·s + p: from a band of a spectrum to phases, from phases back to
//! a spectrum, and averages of moduli in natural order.
//!
//! ```text
//! Terms      c_i(k) = x̂(k + m·i)·ψ̂(k + m·i), lanes are neighbouring k                  ─▶ sums and differences of pairs ±ρ
//! Phases     z[p] = c_0 + Σ_ρ S_ρ·cos(2πρp/LANES) + D_ρ·sin(2πρp/LANES), times a turn  ─▶ cells, lanes are phases
//! UnpackPhases                two real rows that went through one complex line
//! Frequencies                 LANES lines of phases, transposed, DFT over the phases   ─▶ û, lanes are neighbouring k
//! ```
//!
//! A band-limited spectrum needs no butterflies to be split into phases: it is a sum of as few terms as stretches of m
//! frequencies cover the band.
//!
//! [`back`] has the transposes, for gradients.

pub mod along;
pub mod back;

use std::ops::Range;

use num_complex::Complex;

use super::butterfly::{Butterfly, Radix};
use super::element::Element;
use super::vector::{Cell, Kernel, MAX_LANES, Simd, Vector, zero};
use super::window;

/// Vectors that are added up before their sum is added to a total: 4000 in one accumulator cost 32-bit numbers 2e-6.
const PARTIAL: usize = 256;

/// Two parts of equal length.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a, T> {
    pub re: &'a [T],
    pub im: &'a [T],
}

/// The products of LANES neighbouring frequencies with a filter, `[kA][2·terms][LANES]`: of every pair ±ρ of terms S = c(+ρ)
/// + c(−ρ) and D = i·(c(+ρ) − c(−ρ)), real part and imaginary part each, and c_0 behind them if there is a middle.
pub struct Terms<'a, T, S: Simd<T>> {
    pub simd: S,
    /// From the first frequency on.
    pub spectrum: Parts<'a, T>,
    pub filter: &'a [T],
    /// From one kA to the next, and from one term to the next.
    pub strides: [usize; 2],
    pub terms: usize,
    pub to: &'a mut [T],
}

impl<T: Element, S: Simd<T>> Kernel for Terms<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let Self {
            simd,
            spectrum,
            filter,
            strides: [by_a, by_term],
            terms,
            to,
        } = self;
        for (a, to) in to.chunks_exact_mut(2 * terms * lanes).enumerate() {
            let start = a * by_a;
            let (pairs, middle) = to.split_at_mut(terms / 2 * 4 * lanes);
            for (i, to) in pairs.chunks_exact_mut(4 * lanes).enumerate() {
                let low = product(simd, spectrum, filter, start + i * by_term);
                let high = product(simd, spectrum, filter, start + (terms - 1 - i) * by_term);
                let parts = [
                    high.re + low.re,
                    high.im + low.im,
                    low.im - high.im,
                    high.re - low.re,
                ];
                for (to, part) in to.chunks_exact_mut(lanes).zip(parts) {
                    to.copy_from_slice(part.lanes());
                }
            }
            if !middle.is_empty() {
                let product = product(simd, spectrum, filter, start + terms / 2 * by_term);
                let (re, im) = middle.split_at_mut(lanes);
                re.copy_from_slice(product.re.lanes());
                im.copy_from_slice(product.im.lanes());
            }
        }
    }
}

#[inline(always)]
fn product<T: Element, S: Simd<T>>(
    simd: S,
    spectrum: Parts<'_, T>,
    filter: &[T],
    at: usize,
) -> Cell<S::V> {
    let by = simd.load(&filter[at..]);
    Cell {
        re: simd.load(&spectrum.re[at..]) * by,
        im: simd.load(&spectrum.im[at..]) * by,
    }
}

/// What phases are multiplied with.
#[derive(Debug, Clone, Copy)]
pub enum Turn<'a, V> {
    /// One factor for every kA.
    OfA(&'a [Cell<V>]),
    /// One for every kB: there is one kA only.
    OfB(&'a [Cell<V>]),
}

/// The terms of some neighbouring frequencies as phases, `[kB][kA]`.
pub fn phases<T: Element, S: Simd<T>>(
    simd: S,
    terms: &[T],
    turns: &[Cell<S::V>],
    count: usize,
    lanes: Range<usize>,
    turn: Turn<'_, S::V>,
    to: &mut [Cell<S::V>],
) {
    macro_rules! run {
        ($I:expr) => {
            simd.run(Phases::<T, S, $I> {
                simd,
                terms,
                turns,
                count,
                lanes,
                turn,
                to,
            })
        };
    }
    match count {
        1 => run!(1),
        2 => run!(2),
        3 => run!(3),
        4 => run!(4),
        5 => run!(5),
        6 => run!(6),
        7 => run!(7),
        8 => run!(8),
        _ => run!(0),
    }
}

/// With as many terms as `I` says, or any number if that is 0.
struct Phases<'a, T, S: Simd<T>, const I: usize> {
    simd: S,
    terms: &'a [T],
    /// cos and sin of 2πρp/LANES for every pair, largest ρ first.
    turns: &'a [Cell<S::V>],
    count: usize,
    lanes: Range<usize>,
    turn: Turn<'a, S::V>,
    to: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>, const I: usize> Kernel for Phases<'_, T, S, I> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            terms,
            turns,
            count,
            lanes,
            turn,
            to,
        } = self;
        let count = if I == 0 { count } else { I };
        let pairs = count / 2;
        let turns = &turns[..pairs];
        assert!(lanes.end <= S::V::LANES);
        let size = 2 * count * S::V::LANES;
        match turn {
            Turn::OfA(turn) => {
                let a = turn.len();
                for (to, lane) in to.chunks_exact_mut(a).zip(lanes) {
                    let terms = terms.chunks_exact(size);
                    for ((to, terms), &turn) in to.iter_mut().zip(terms).zip(turn) {
                        *to = at(simd, terms, turns, count, lane).times(turn);
                    }
                }
            }
            Turn::OfB(turn) => {
                let terms = &terms[..size];
                for ((to, lane), &turn) in to.iter_mut().zip(lanes).zip(turn) {
                    *to = at(simd, terms, turns, count, lane).times(turn);
                }
            }
        }
    }
}

/// All phases of one frequency. No closures here: those that are not inlined lose the instruction set.
#[inline(always)]
fn at<T: Element, S: Simd<T>>(
    simd: S,
    terms: &[T],
    turns: &[Cell<S::V>],
    count: usize,
    lane: usize,
) -> Cell<S::V> {
    let mut z = zero(simd);
    if count % 2 == 1 {
        z.re = number(simd, terms, 2 * count - 2, lane);
        z.im = number(simd, terms, 2 * count - 1, lane);
    }
    for (i, &Cell { re: cos, im: sin }) in turns.iter().enumerate() {
        z.re = number(simd, terms, 4 * i, lane).mul_add(cos, z.re);
        z.im = number(simd, terms, 4 * i + 1, lane).mul_add(cos, z.im);
        z.re = number(simd, terms, 4 * i + 2, lane).mul_add(sin, z.re);
        z.im = number(simd, terms, 4 * i + 3, lane).mul_add(sin, z.im);
    }
    z
}

#[inline(always)]
fn number<T: Element, S: Simd<T>>(simd: S, terms: &[T], i: usize, lane: usize) -> S::V {
    simd.splat(terms[i * S::V::LANES + lane])
}

/// Cells times a constant one.
pub struct TurnAll<'a, T, S: Simd<T>> {
    pub cells: &'a mut [Cell<S::V>],
    pub by: Cell<S::V>,
}

impl<T: Element, S: Simd<T>> Kernel for TurnAll<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for cell in self.cells {
            *cell = cell.times(self.by);
        }
    }
}

/// The spectra of the two rows for kB = 0 ..= B/2, twice as large, parts exchanged, times what turns them towards the
/// line over rows: `turns[kB]·twiddles[kB·rows + row]`.
pub struct UnpackPhases<'a, T, S: Simd<T>> {
    pub simd: S,
    pub spectrum: &'a [Cell<S::V>],
    pub turns: &'a [Cell<S::V>],
    /// From the even row on; empty if there is one row.
    pub twiddles: &'a [Complex<T>],
    pub rows: usize,
    /// The odd row too.
    pub odd: bool,
    /// `[kB][stride]`, from the even row on.
    pub to: &'a mut [Cell<S::V>],
    pub stride: usize,
}

impl<T: Element, S: Simd<T>> Kernel for UnpackPhases<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            spectrum,
            turns,
            twiddles,
            rows,
            odd,
            to,
            stride,
        } = self;
        let n = spectrum.len();
        let half = &spectrum[..=n / 2];
        let mirrored = spectrum[..1].iter().chain(spectrum.iter().rev());
        let pairs = half.iter().zip(mirrored).zip(turns);
        if twiddles.is_empty() {
            for (((&z, &mirrored), &turn), to) in pairs.zip(to.chunks_mut(stride)) {
                to[0] = even(z, mirrored).times(turn);
            }
            return;
        }
        let pairs = pairs.zip(twiddles.chunks(rows)).zip(to.chunks_mut(stride));
        for ((((&z, &mirrored), &turn), twiddles), to) in pairs {
            to[0] = even(z, mirrored).times(twiddled(simd, turn, twiddles[0]));
            if odd {
                let odd = Cell {
                    re: mirrored.im - z.im,
                    im: z.re + mirrored.re,
                };
                to[1] = odd.times(twiddled(simd, turn, twiddles[1]));
            }
        }
    }
}

/// What the even row has of Z(k) and Z(−k), twice as large.
#[inline(always)]
fn even<T, V: Vector<T>>(z: Cell<V>, mirrored: Cell<V>) -> Cell<V> {
    Cell {
        re: z.re - mirrored.re,
        im: z.im + mirrored.im,
    }
}

#[inline(always)]
fn twiddled<T: Element, S: Simd<T>>(simd: S, turn: Cell<S::V>, twiddle: Complex<T>) -> Cell<S::V> {
    turn.times(Cell {
        re: simd.splat(twiddle.re),
        im: simd.splat(twiddle.im),
    })
}

/// From phases to frequencies: for every kA the phases of LANES neighbouring kB, parts exchanged, `[kA][LANES]`, times
/// its turn, transposed, and their DFT, which is at the frequencies k = kB + B·kA + m·r, −LANES/2 ≤ r < LANES/2.
pub struct Frequencies<'a, T, S: Simd<T>> {
    pub simd: S,
    pub phases: &'a [Cell<S::V>],
    pub turns: &'a [Cell<S::V>],
    pub roots: &'a [Cell<S::V>],
    pub scale: T,
    /// How many of the LANES kB are stored.
    pub count: usize,
    /// The first kB, and the steps B and m.
    pub first: i64,
    pub strides: [i64; 2],
    /// The largest |k| that is wanted. All are found that are, and others near them.
    pub within: i64,
    /// Where frequency 0 stands.
    pub zero: i64,
    pub re: &'a mut [T],
    pub im: &'a mut [T],
}

impl<T: Element, S: Simd<T>> Kernel for Frequencies<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match S::V::LANES {
            2 => self.over::<2>(),
            4 => self.over::<4>(),
            8 => self.over::<8>(),
            16 => self.over::<16>(),
            lanes => unreachable!("no vector has {lanes} lanes"),
        }
    }
}

impl<T: Element, S: Simd<T>> Frequencies<'_, T, S> {
    #[inline(always)]
    fn over<const LANES: usize>(self)
    where
        Radix: Butterfly<T, S::V, LANES>,
    {
        let Self {
            simd,
            phases,
            turns,
            roots,
            scale,
            count,
            first,
            strides: [by_a, by_r],
            within,
            zero: zero_at,
            re: to_re,
            im: to_im,
        } = self;
        let roots: &[Cell<S::V>; LANES] = roots.try_into().expect("as many roots as lanes");
        let scale = simd.splat(scale);
        for (a, (phases, &turn)) in phases.as_chunks::<LANES>().0.iter().zip(turns).enumerate() {
            let mut cells = *phases;
            for i in 0..LANES {
                cells[i] = cells[i].times(turn);
            }
            let y = Radix::dft(transposed::<T, S, LANES>(cells), roots);
            for r in 0..LANES {
                let k = first + by_a * a as i64 + by_r * signed(r, LANES);
                if k <= within && k + count as i64 > -within {
                    let at = (zero_at + k) as usize;
                    let (re, im) = (y[r].im * scale, y[r].re * scale);
                    if count == LANES {
                        to_re[at..at + LANES].copy_from_slice(re.lanes());
                        to_im[at..at + LANES].copy_from_slice(im.lanes());
                    } else {
                        to_re[at..at + count].copy_from_slice(&re.lanes()[..count]);
                        to_im[at..at + count].copy_from_slice(&im.lanes()[..count]);
                    }
                }
            }
        }
    }
}

/// Lanes and positions exchanged.
#[inline(always)]
fn transposed<T: Element, S: Simd<T>, const LANES: usize>(
    cells: [Cell<S::V>; LANES],
) -> [Cell<S::V>; LANES] {
    let (mut re, mut im) = ([cells[0].re; LANES], [cells[0].im; LANES]);
    for i in 0..LANES {
        (re[i], im[i]) = (cells[i].re, cells[i].im);
    }
    S::V::transpose(&mut re);
    S::V::transpose(&mut im);
    std::array::from_fn(|i| Cell {
        re: re[i],
        im: im[i],
    })
}

/// r, or r − LANES from half of them on.
#[inline(always)]
fn signed(r: usize, lanes: usize) -> i64 {
    (r as i64 + lanes as i64 / 2) % lanes as i64 - lanes as i64 / 2
}

/// Numbers that are mirrored at a time.
const MIRRORED: usize = 8;

/// û(k) = conj û(−k) where k modulo B is beyond B/2, for |k| ≤ within.
pub struct Mirror<'a, T> {
    pub period: i64,
    pub within: i64,
    pub zero: i64,
    pub re: &'a mut [T],
    pub im: &'a mut [T],
}

impl<T: Element> Kernel for Mirror<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.over::<false>();
    }
}

impl<T: Element> Mirror<'_, T> {
    /// There, or the transpose: what stands at a mirror image is added to what it is the image of.
    #[inline(always)]
    fn over<const BACK: bool>(self) {
        let Self {
            period,
            within,
            zero,
            re,
            im,
        } = self;
        // A run k .. end above 0 and its mirror image 1 − end ..= −k below: each is the other's source, in separate runs.
        let blocks = -(within + period - 1) / period - 1..=within / period;
        for block in blocks {
            let start = (block * period + period / 2 + 1).max(-within);
            let end = ((block + 1) * period).min(within + 1);
            if start >= end {
                continue;
            }
            let len = (end - start) as usize;
            let (to, from) = ((zero + start) as usize, (zero + 1 - end) as usize);
            for (part, sign) in [(&mut *re, T::one()), (&mut *im, T::zero() - T::one())] {
                let (to, from) = if to < from {
                    let (low, high) = part.split_at_mut(from);
                    (&mut low[to..to + len], &mut high[..len])
                } else {
                    let (low, high) = part.split_at_mut(to);
                    (&mut high[..len], &mut low[from..from + len])
                };
                // Runs are short: a loop that a compiler unrolls further would leave most of them to its remainder.
                let (blocks, rest) = to.as_chunks_mut::<MIRRORED>();
                let (last, from) = from.as_rchunks_mut::<MIRRORED>();
                for (to, from) in blocks.iter_mut().zip(from.iter_mut().rev()) {
                    for i in 0..MIRRORED {
                        mirror::<T, BACK>(&mut to[i], &mut from[MIRRORED - 1 - i], sign);
                    }
                }
                for (to, from) in rest.iter_mut().zip(last.iter_mut().rev()) {
                    mirror::<T, BACK>(to, from, sign);
                }
            }
        }
    }
}

#[inline(always)]
fn mirror<T: Element, const BACK: bool>(image: &mut T, of: &mut T, sign: T) {
    if BACK {
        *of += *image * sign;
    } else {
        *image = *of * sign;
    }
}

/// Averages of a line in natural order: sums of windows over whole vectors, whose lanes are then added up.
///
/// ```text
/// output i of class c, number classes·i + c:   Σ_j taps[c][j]·line[starts[c] + i·step + j],   j < count
/// ```
///
/// Outputs of a class stand a whole number of vectors apart and so have the same taps.
pub struct Windows<'a, T, S: Simd<T>> {
    pub simd: S,
    pub starts: &'a [usize],
    pub step: usize,
    /// `[class][count·LANES]`.
    pub taps: &'a [T],
    pub count: usize,
    pub line: &'a [S::V],
    pub to: &'a mut [T],
}

/// The most classes there are.
const CLASSES: usize = MAX_LANES;

/// The most sums that are kept side by side.
const SIDE_BY_SIDE: usize = 8;

impl<T: Element, S: Simd<T>> Kernel for Windows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            starts,
            step,
            taps,
            count,
            line,
            to,
        } = self;
        let lanes = S::V::LANES;
        let classes = starts.len();
        let block = (SIDE_BY_SIDE * classes).max(lanes);
        let mut sums = [simd.splat(T::zero()); SIDE_BY_SIDE * CLASSES];
        let sums = &mut sums[..block];
        for (first, to) in to.chunks_mut(block).enumerate() {
            let first = first * block / classes;
            let by_class = starts.iter().zip(taps.chunks_exact(count * lanes));
            for (class, (&start, taps)) in by_class.enumerate().take(to.len()) {
                // Sums beyond the last output of a class repeat it.
                let last = (to.len() - 1 - class) / classes;
                for group in (0..=last).step_by(SIDE_BY_SIDE) {
                    let at = start + (first + group) * step;
                    let most = last - group;
                    let group_sums = shared::<T, S>(simd, taps, &line[at..], step, most);
                    for i in 0..SIDE_BY_SIDE {
                        sums[(group + i) * classes + class] = group_sums[i];
                    }
                }
            }
            for (sums, to) in sums.chunks_mut(lanes).zip(to.chunks_mut(lanes)) {
                let sums = total::<T, S>(sums);
                to.copy_from_slice(&sums.lanes()[..to.len()]);
            }
        }
    }
}

/// Eight windows, of which those beyond `most` repeat it.
#[inline(always)]
fn shared<T: Element, S: Simd<T>>(
    simd: S,
    taps: &[T],
    line: &[S::V],
    step: usize,
    most: usize,
) -> [S::V; SIDE_BY_SIDE] {
    let lanes = S::V::LANES;
    let none = simd.splat(T::zero());
    let mut totals = [none; SIDE_BY_SIDE];
    for (part, taps) in taps.chunks(PARTIAL * lanes).enumerate() {
        let count = taps.len() / lanes;
        let mut windows = [&line[..0]; SIDE_BY_SIDE];
        for i in 0..SIDE_BY_SIDE {
            windows[i] = &line[i.min(most) * step + part * PARTIAL..][..count];
        }
        let mut sums = [none; SIDE_BY_SIDE];
        for j in 0..count {
            let taps = simd.load(&taps[j * lanes..]);
            for i in 0..SIDE_BY_SIDE {
                sums[i] = windows[i][j].mul_add(taps, sums[i]);
            }
        }
        for i in 0..SIDE_BY_SIDE {
            totals[i] = totals[i] + sums[i];
        }
    }
    totals
}

/// The sums of the lanes of LANES vectors.
#[inline(always)]
fn total<T: Element, S: Simd<T>>(sums: &mut [S::V]) -> S::V {
    S::V::transpose(sums);
    let mut width = S::V::LANES;
    while width > 1 {
        width /= 2;
        for i in 0..width {
            sums[i] = sums[i] + sums[i + width];
        }
    }
    sums[0]
}

/// Averages at nearly every sample: output i is `Σ_d taps[d]·line[first + i·step + d]`, in samples. Lanes are neighbouring samples,
/// so nothing is added up across them, and all are computed, also those between outputs.
pub struct Everywhere<'a, T, S: Simd<T>> {
    pub simd: S,
    pub first: usize,
    pub step: usize,
    pub taps: &'a [T],
    pub line: &'a [S::V],
    pub to: &'a mut [T],
}

impl<T: Element, S: Simd<T>> Kernel for Everywhere<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        const TOGETHER: usize = 4;
        let Self {
            simd,
            first,
            step,
            taps,
            line,
            to,
        } = self;
        let lanes = S::V::LANES;
        let line = &S::V::numbers(line)[first..];
        let none = simd.splat(T::zero());
        let samples = (to.len() * step + 1).saturating_sub(step);
        for start in (0..samples).step_by(TOGETHER * lanes) {
            let vectors = (samples - start).div_ceil(lanes).min(TOGETHER);
            let mut sums = [none; TOGETHER];
            if vectors == TOGETHER {
                let line = &line[start..start + TOGETHER * lanes + taps.len() - 1];
                for (d, &tap) in taps.iter().enumerate() {
                    let tap = simd.splat(tap);
                    for i in 0..TOGETHER {
                        sums[i] = tap.mul_add(simd.load(&line[i * lanes + d..]), sums[i]);
                    }
                }
            } else {
                for (i, sum) in sums.iter_mut().enumerate().take(vectors) {
                    let line = &line[start + i * lanes..];
                    for (d, &tap) in taps.iter().enumerate() {
                        *sum = simd.splat(tap).mul_add(simd.load(&line[d..]), *sum);
                    }
                }
            }
            let to = to[start.div_ceil(step)..].iter_mut();
            let sums = &S::V::numbers(&sums)[start.next_multiple_of(step) - start..];
            for (to, &sum) in to.zip(sums.iter().step_by(step)) {
                *to = sum;
            }
        }
    }
}

/// Windows of one length, each with taps of its own: sum i is `Σ_j taps[firsts[i] + LANES·j ..]·line[j]`.
pub struct AllAround<'a, T, S: Simd<T>> {
    pub simd: S,
    pub firsts: &'a [u32],
    pub taps: &'a [T],
    pub line: &'a [S::V],
    pub to: &'a mut [T],
}

impl<T: Element, S: Simd<T>> Kernel for AllAround<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            firsts,
            taps,
            line,
            to,
        } = self;
        let lanes = S::V::LANES;
        let none = simd.splat(T::zero());
        for (firsts, to) in firsts.chunks(lanes).zip(to.chunks_mut(lanes)) {
            let mut sums = [none; MAX_LANES];
            for (firsts, sums) in firsts
                .chunks(SIDE_BY_SIDE)
                .zip(sums.chunks_mut(SIDE_BY_SIDE))
            {
                let mut windows = [&taps[..0]; SIDE_BY_SIDE];
                for i in 0..SIDE_BY_SIDE {
                    // Sums beyond the last repeat it.
                    let first = firsts[i.min(firsts.len() - 1)] as usize;
                    windows[i] = &taps[first..][..line.len() * lanes];
                }
                for (part, line) in line.chunks(PARTIAL).enumerate() {
                    let mut partial = [none; SIDE_BY_SIDE];
                    for (j, &u) in (part * PARTIAL..).zip(line) {
                        for i in 0..SIDE_BY_SIDE {
                            partial[i] = u.mul_add(simd.load(&windows[i][j * lanes..]), partial[i]);
                        }
                    }
                    for i in 0..SIDE_BY_SIDE {
                        sums[i] = sums[i] + partial[i];
                    }
                }
            }
            let sums = total::<T, S>(&mut sums[..lanes]);
            to.copy_from_slice(&sums.lanes()[..to.len()]);
        }
    }
}

/// The sum of all lanes of a line.
pub fn sum<T: Element, S: Simd<T>>(simd: S, line: &[S::V]) -> f64 {
    let wide = |lane: &T| lane.to_f64().expect("a float is a float");
    let sum = |part: &[S::V]| -> f64 { window::sum(simd, part).lanes().iter().map(wide).sum() };
    line.chunks(PARTIAL).map(sum).sum()
}
