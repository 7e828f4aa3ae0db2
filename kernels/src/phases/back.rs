//! The transposes of [`phases`](super): cotangents of moduli, spectra and averages to those of what they are made of.
//!
//! ```text
//! Signs          Ū and z of a row                     ─▶ z̄ = Ū·z/|z|
//! TurnRow        a row over kB, times the factors     ─▶ rows [sA][kB]
//! AddBand        columns over kA, transposed, DFT over the phases, ·ψ̂   ─▶ added to Û̄
//!
//! AddMirrored    Û̄ beyond B/2 to its mirror image
//! FromFrequencies             Û̄, DFT over r, transposed   ─▶ phases of LANES kB
//! [`Join`](crate::pairs::Join)   two rows as one complex line
//! AddRows        its parts                            ─▶ added to two rows of Ū
//!
//! SpreadWindows, SpreadAround, FoldHalo               averages to the samples that they are of
//! ```
//!
//! A DFT with exp(−2πi…) is one with exp(+2πi…) of cells whose parts are exchanged; so are those from [`Signs`] to [`AddBand`].

use num_complex::Complex;

use super::{Butterfly, Mirror, Parts, Radix, SIDE_BY_SIDE, Turn, signed, transposed, twiddled};
use crate::element::Element;
use crate::vector::{Cell, Kernel, MAX_LANES, Simd, Vector, zero};

/// Cotangents of moduli to those of cells, parts exchanged: scale·u·z/|z|, or 0 where z is.
pub struct Signs<'a, T, S: Simd<T>> {
    pub z: &'a [Cell<S::V>],
    /// From the row on, `stride` from each other.
    pub u: &'a [S::V],
    pub stride: usize,
    pub scale: S::V,
    pub to: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>> Kernel for Signs<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let u = self.u.iter().step_by(self.stride);
        for ((to, &z), &u) in self.to.iter_mut().zip(self.z).zip(u) {
            *to = z.sign::<T>().scaled(u * self.scale).swapped();
        }
    }
}

/// A row of cells that stand `stride` from each other, parts exchanged.
pub struct LoadRow<'a, V> {
    pub cells: &'a [Cell<V>],
    pub stride: usize,
    pub to: &'a mut [Cell<V>],
}

impl<V: Copy> Kernel for LoadRow<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let cells = self.cells.iter().step_by(self.stride);
        for (to, &cell) in self.to.iter_mut().zip(cells) {
            *to = cell.swapped();
        }
    }
}

/// The spectrum of a row, times what turns it towards the line over rows: `turns[kB]·twiddles[kB·rows]`.
pub struct TurnRow<'a, T, S: Simd<T>> {
    pub simd: S,
    pub spectrum: &'a [Cell<S::V>],
    pub turns: &'a [Cell<S::V>],
    /// From the row on; empty if there is one row.
    pub twiddles: &'a [Complex<T>],
    pub rows: usize,
    pub to: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>> Kernel for TurnRow<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let turned = self.spectrum.iter().zip(self.turns);
        let to = self.to.iter_mut();
        if self.twiddles.is_empty() {
            for ((&z, &turn), to) in turned.zip(to) {
                *to = z.times(turn);
            }
            return;
        }
        let twiddles = self.twiddles.iter().step_by(self.rows);
        for (((&z, &turn), &twiddle), to) in turned.zip(twiddles).zip(to) {
            *to = z.times(twiddled(self.simd, turn, twiddle));
        }
    }
}

/// The transpose of [`Terms`](super::Terms) and of their phases: for every kA the phases of LANES neighbouring kB, parts
/// exchanged, `[kA][LANES]`, times its turn and the one of all, transposed, and of their DFT, times the filter, what the band
/// has read, added to it.
pub struct AddBand<'a, T, S: Simd<T>> {
    pub simd: S,
    pub phases: &'a [Cell<S::V>],
    pub turns: &'a [Cell<S::V>],
    pub turn: Cell<S::V>,
    pub roots: &'a [Cell<S::V>],
    /// How many of the LANES kB there are.
    pub count: usize,
    /// From the first kB on.
    pub filter: &'a [T],
    /// From one kA to the next, and from one term to the next.
    pub strides: [usize; 2],
    pub terms: usize,
    /// Real and imaginary parts, from the first frequency on.
    pub to: [&'a mut [T]; 2],
}

impl<T: Element, S: Simd<T>> Kernel for AddBand<'_, T, S> {
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

impl<T: Element, S: Simd<T>> AddBand<'_, T, S> {
    #[inline(always)]
    fn over<const LANES: usize>(self)
    where
        Radix: Butterfly<T, S::V, LANES>,
    {
        let Self {
            simd,
            phases,
            turns,
            turn: of_all,
            roots,
            count,
            filter,
            strides: [by_a, by_term],
            terms,
            to: [to_re, to_im],
        } = self;
        let roots: &[Cell<S::V>; LANES] = roots.try_into().expect("as many roots as lanes");
        for (a, (phases, &turn)) in phases.as_chunks::<LANES>().0.iter().zip(turns).enumerate() {
            let turn = turn.times(of_all);
            // Where a kB is not there, nothing is added to what stands in its place.
            let mut cells = [zero(simd); LANES];
            for i in 0..LANES {
                if i < count {
                    cells[i] = phases[i].times(turn);
                }
            }
            let y = Radix::dft(transposed::<T, S, LANES>(cells), roots);
            for i in 0..terms {
                let at = a * by_a + i * by_term;
                let filter = simd.load(&filter[at..]);
                let Cell { re: im, im: re } = y[i % LANES];
                add_product(simd, re, filter, &mut to_re[at..at + LANES]);
                add_product(simd, im, filter, &mut to_im[at..at + LANES]);
            }
        }
    }
}

#[inline(always)]
fn add_product<T: Element, S: Simd<T>>(simd: S, value: S::V, by: S::V, to: &mut [T]) {
    let sum = value.mul_add(by, simd.load(to));
    to.copy_from_slice(sum.lanes());
}

/// The transpose of [`Mirror`].
pub struct AddMirrored<'a, T>(pub Mirror<'a, T>);

impl<T: Element> Kernel for AddMirrored<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.0.over::<true>();
    }
}

/// The transpose of [`Frequencies`](super::Frequencies): from the frequencies that it writes to the phases of LANES neighbouring
/// kB, times their turns, `[kB][kA]`.
pub struct FromFrequencies<'a, T, S: Simd<T>> {
    pub simd: S,
    pub spectrum: Parts<'a, T>,
    pub turn: Turn<'a, S::V>,
    pub roots: &'a [Cell<S::V>],
    /// How many of the LANES kB there are.
    pub count: usize,
    /// The first kB, and the steps B and m.
    pub first: i64,
    pub strides: [i64; 2],
    /// The largest |k| that is read; others near it may be, which are zeros.
    pub within: i64,
    /// Where frequency 0 stands.
    pub zero: i64,
    pub to: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>> Kernel for FromFrequencies<'_, T, S> {
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

impl<T: Element, S: Simd<T>> FromFrequencies<'_, T, S> {
    #[inline(always)]
    fn over<const LANES: usize>(self)
    where
        Radix: Butterfly<T, S::V, LANES>,
    {
        let Self {
            simd,
            spectrum,
            turn,
            roots,
            count,
            first,
            strides: [by_a, by_r],
            within,
            zero: zero_at,
            to,
        } = self;
        let roots: &[Cell<S::V>; LANES] = roots.try_into().expect("as many roots as lanes");
        let blocks = match turn {
            Turn::OfA(turns) => turns.len(),
            Turn::OfB(_) => 1,
        };
        for a in 0..blocks {
            let mut x = [zero(simd); LANES];
            for r in 0..LANES {
                let k = first + by_a * a as i64 + by_r * signed(r, LANES);
                if k <= within && k + count as i64 > -within {
                    let at = (zero_at + k) as usize;
                    x[r] = Cell {
                        re: few(simd, &spectrum.re[at..], count),
                        im: few(simd, &spectrum.im[at..], count),
                    };
                }
            }
            let phases = transposed::<T, S, LANES>(Radix::dft(x, roots));
            for i in 0..LANES {
                if i < count {
                    to[i * blocks + a] = phases[i].times(match turn {
                        Turn::OfA(turns) => turns[a],
                        Turn::OfB(turns) => turns[i],
                    });
                }
            }
        }
    }
}

/// The first `count` numbers, and others behind them.
#[inline(always)]
fn few<T: Element, S: Simd<T>>(simd: S, from: &[T], count: usize) -> S::V {
    if from.len() >= S::V::LANES {
        return simd.load(from);
    }
    let mut numbers = [T::zero(); MAX_LANES];
    numbers[..count].copy_from_slice(&from[..count]);
    simd.load(&numbers)
}

/// Adds the real parts of cells to a row, and the imaginary parts to the row behind it, if there is one.
pub struct AddRows<'a, V> {
    pub cells: &'a [Cell<V>],
    /// From the first row on, `stride` from each other.
    pub to: &'a mut [V],
    pub stride: usize,
    pub odd: bool,
}

impl<V: Copy + std::ops::Add<Output = V>> Kernel for AddRows<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (to, &cell) in self.to.chunks_mut(self.stride).zip(self.cells) {
            to[0] = to[0] + cell.re;
            if self.odd {
                to[1] = to[1] + cell.im;
            }
        }
    }
}

/// The transpose of [`Windows`](super::Windows): adds to the line.
pub struct SpreadWindows<'a, T, S: Simd<T>> {
    pub simd: S,
    pub starts: &'a [usize],
    pub step: usize,
    /// `[class][count·LANES]`.
    pub taps: &'a [T],
    pub count: usize,
    pub outputs: &'a [T],
    pub line: &'a mut [S::V],
}

impl<T: Element, S: Simd<T>> Kernel for SpreadWindows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            starts,
            step,
            taps,
            count,
            outputs,
            line,
        } = self;
        let lanes = S::V::LANES;
        let classes = starts.len();
        let by_class = taps.chunks_exact(count * lanes).zip(starts);
        for (class, (taps, &start)) in by_class.enumerate().take(outputs.len()) {
            // As many outputs of the class as follow its first.
            let last = (outputs.len() - 1 - class) / classes;
            let line = &mut line[start..][..last * step + count];
            // A stretch of `step` vectors has stretch j of the window of output `stretch` − j.
            for (stretch, line) in line.chunks_mut(step).enumerate() {
                let stretches = stretch.saturating_sub(last)..=stretch;
                for (i, u) in line.iter_mut().enumerate() {
                    let mut sum = *u;
                    for j in stretches.clone() {
                        let at = j * step + i;
                        if at >= count {
                            break;
                        }
                        let output = simd.splat(outputs[(stretch - j) * classes + class]);
                        sum = output.mul_add(simd.load(&taps[at * lanes..]), sum);
                    }
                    *u = sum;
                }
            }
        }
    }
}

/// The transpose of [`AllAround`](super::AllAround): adds to the line.
pub struct SpreadAround<'a, T, S: Simd<T>> {
    pub simd: S,
    pub firsts: &'a [u32],
    pub taps: &'a [T],
    pub outputs: &'a [T],
    pub line: &'a mut [S::V],
}

impl<T: Element, S: Simd<T>> Kernel for SpreadAround<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            firsts,
            taps,
            outputs,
            line,
        } = self;
        let lanes = S::V::LANES;
        let groups = firsts.chunks(SIDE_BY_SIDE);
        for (firsts, outputs) in groups.zip(outputs.chunks(SIDE_BY_SIDE)) {
            let mut windows = [&taps[..0]; SIDE_BY_SIDE];
            let mut weights = [simd.splat(T::zero()); SIDE_BY_SIDE];
            for i in 0..SIDE_BY_SIDE {
                // Those beyond the last have its taps, and weigh nothing.
                let last = i.min(firsts.len() - 1);
                windows[i] = &taps[firsts[last] as usize..][..line.len() * lanes];
                if i == last {
                    weights[i] = simd.splat(outputs[i]);
                }
            }
            for (j, u) in line.iter_mut().enumerate() {
                for i in 0..SIDE_BY_SIDE {
                    *u = weights[i].mul_add(simd.load(&windows[i][j * lanes..]), *u);
                }
            }
        }
    }
}

/// Adds what stands in the halo of a line to the other end of it.
pub struct FoldHalo<'a, V> {
    /// The halo before, the line, and the halo behind it.
    pub line: &'a mut [V],
    pub before: usize,
    pub vectors: usize,
}

impl<V: Copy + std::ops::Add<Output = V>> Kernel for FoldHalo<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            line,
            before,
            vectors,
        } = self;
        for i in (before + vectors..line.len()).rev() {
            line[i - vectors] = line[i - vectors] + line[i];
        }
        for i in 0..before {
            line[i + vectors] = line[i + vectors] + line[i];
        }
    }
}
