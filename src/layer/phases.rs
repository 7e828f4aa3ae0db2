//! [`Phases`]: the transforms of one line whose vectors hold neighbouring samples of one path.
//!
//! ```text
//! t = LANES·s + p, lane p      n = LANES·m, m = A·B      s = sA + A·sB      k = base + kB + B·kA + m·i,  i < I
//!
//! back     c_i = x̂(k)·ψ̂(k), LANES neighbouring kB at a time
//!          z[p] = Σ_i c_i·exp(2πi·i·p/LANES), times exp(2πi·kA·p/(A·LANES))      lanes become phases
//!          line over kA, times exp(2πi·kB·(p/n + sA/m))                         ─▶ rows [sA][kB]
//!          line over kB, modulus                                               ─▶ U in natural order
//! forth    line over sB of two rows at once, kB ≤ B/2, times the same factors    ─▶ [kB][sA]
//!          line over sA, times exp(−2πi·kA·p/(A·LANES)), LANES x LANES transposed, DFT over p, those |k| that are wanted
//!          û(−k) = conj û(k)                                                   ─▶ û, signed frequencies in order
//! ```
//!
//! Every lane is full whatever the bank, the batch and the length are, and all that a path touches fits a second-level
//! cache. Splitting a band into phases takes no butterflies: it is a sum of I = ⌈band/m⌉ terms, 2 to 7 for the wavelets
//! of a scattering transform. A modulus does not see a shift of the band, so that it begins where ψ̂ does, whatever its
//! frequency; where the coefficients themselves are asked for, it begins at a multiple of m.
//!
//! Conventions that bite: lines transform with exp(+2πi…) only, so that real and imaginary parts are exchanged on the way
//! forth. Spectra are [`Frequencies`], the same for every level, and periodic: bands may pass Nyquist.
//!
//! Source: the split of m is Bailey, "FFTs in external or hierarchical memory" (1990).
//!
//! [`back`] is the way back, for gradients; [`along`] the derivative along a direction.

mod along;
mod back;

use std::f64::consts::PI;
use std::ops::Range;

use super::average::AxisAverage;
use crate::fft::{Line, roots, sides_of_cells};
use crate::kernels::pass::{Emit, Offsets, Passes, SideBySide, Turns};
use crate::kernels::phases::{self, Parts, Turn};
use crate::kernels::squares::{LoadLine, cell};
use crate::kernels::vector::{Cell, Simd, Vector, zero};
use crate::memory::Footprint;
use crate::num::{Complex, Real};

/// Cells of lines over kA that are made and transformed together: they stay in a first-level cache.
const TOGETHER: usize = 64;

/// The largest step of outputs at which all samples are averaged, also those between outputs: it takes twice the products of step 2
/// but no sums of lanes.
const EVERYWHERE: usize = 2;

/// The transforms of a line of `LANES·m` samples.
#[derive(Debug, Clone)]
pub(crate) struct Phases<T, S: Simd<T>> {
    simd: S,
    /// A and B.
    lines: [Line<T, S>; 2],
    /// exp(2πi·kA·p/(A·LANES)) and exp(2πi·kB·p/n).
    turns: [Vec<Cell<S::V>>; 2],
    /// exp(2πi·kB·sA/m), `[kB][sA]`.
    twiddles: Vec<Complex<T>>,
    /// exp(2πi·r/LANES).
    roots: Vec<Cell<S::V>>,
    /// A column of rows `[sA][kB]`.
    column: Offsets,
}

/// A spectrum: signed frequencies in order, real and imaginary parts apart, as far as bands read it.
#[derive(Debug, Clone)]
pub(crate) struct Frequencies<T> {
    re: Vec<T>,
    im: Vec<T>,
    /// Where frequency 0 stands.
    zero: usize,
}

/// Which frequencies of a spectrum are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Reach {
    /// The largest |k| at which a filter is not zero.
    pub within: usize,
    /// Reads go from −below to above, mostly to be multiplied with zeros.
    pub below: usize,
    pub above: usize,
}

impl Reach {
    /// What is read of so many frequencies from `base` on.
    pub fn of(base: i64, len: usize) -> Self {
        let end = base + len as i64;
        Self {
            within: base.unsigned_abs().max((end - 1).unsigned_abs()) as usize,
            below: (-base).max(0) as usize,
            above: end.max(1) as usize,
        }
    }

    /// Frequencies from −below to above.
    pub fn len(self) -> usize {
        self.below + self.above
    }

    /// What both read.
    pub fn max(self, other: Self) -> Self {
        Self {
            within: self.within.max(other.within),
            below: self.below.max(other.below),
            above: self.above.max(other.above),
        }
    }
}

impl<T: Real> Frequencies<T> {
    /// Zeros from −below to above.
    pub fn new(reach: Reach) -> Self {
        Self {
            re: vec![T::zero(); reach.len()],
            im: vec![T::zero(); reach.len()],
            zero: reach.below,
        }
    }

    /// The value at a frequency that there is room for.
    pub fn at(&self, k: i64) -> Complex<T> {
        let at = self.position(k);
        Complex::new(self.re[at], self.im[at])
    }

    pub fn set(&mut self, k: i64, value: Complex<T>) {
        let at = self.position(k);
        (self.re[at], self.im[at]) = (value.re, value.im);
    }

    /// Adds the spectrum of n samples of a constant.
    pub fn add_constant(&mut self, n: usize, constant: T) {
        for at in (self.zero % n..self.re.len()).step_by(n) {
            self.re[at] += constant * T::narrow(n as f64);
        }
    }

    fn position(&self, k: i64) -> usize {
        (self.zero as i64 + k) as usize
    }

    /// From the frequency k on.
    fn from(&self, k: i64) -> Parts<'_, T> {
        let at = self.position(k);
        Parts {
            re: &self.re[at..],
            im: &self.im[at..],
        }
    }

    /// Fills what is read beyond |k| ≤ within of a line of n samples: with zeros, or by its period if all of it is there.
    pub fn extend(&mut self, n: usize, reach: Reach) {
        let zero = self.zero;
        for part in [&mut self.re, &mut self.im] {
            if reach.within < n / 2 {
                let (low, high) = (zero - reach.within, zero + reach.within + 1);
                part[(zero - reach.below).min(low)..low].fill(T::zero());
                part[high..(zero + reach.above).max(high)].fill(T::zero());
                continue;
            }
            let mut end = zero + n.div_ceil(2);
            while end < zero + reach.above {
                let len = n.min(zero + reach.above - end);
                part.copy_within(end - n..end - n + len, end);
                end += len;
            }
            let mut start = zero - n / 2;
            while start > zero - reach.below {
                let len = n.min(start + reach.below - zero);
                part.copy_within(start + n - len..start + n, start - len);
                start -= len;
            }
        }
    }
}

/// What a band is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    Moduli,
    /// The coefficients, and then their moduli too.
    Coefficients,
}

/// A real filter as a line of a certain length wants it.
#[derive(Debug, Clone)]
pub(crate) struct Passband<T, V> {
    base: i64,
    terms: usize,
    /// `[terms·m + LANES]`, from `base` on, zeros behind the band.
    values: Vec<T>,
    /// cos and sin of 2πρp/LANES for ρ = (I−1)/2, (I−3)/2, .. > 0.
    turns: Vec<Cell<V>>,
    /// exp(−2πi·ρ·p/LANES) for ρ = (I−1)/2: from the middle of the terms to the first of them.
    first: Cell<V>,
    /// What the coefficients are turned back by, if they are asked for.
    back: Option<Cell<V>>,
    reach: Reach,
}

impl<T: Real, V> Passband<T, V> {
    /// What it reads of a spectrum.
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Stretches of m frequencies that it covers.
    pub fn terms(&self) -> usize {
        self.terms
    }

    /// Bytes of it.
    pub fn bytes(&self) -> u64 {
        (size_of_val(&self.values[..]) + size_of_val(&self.turns[..])) as u64
    }
}

/// One thread's scratch.
#[derive(Debug, Clone)]
pub(crate) struct PhaseBuffers<T, V> {
    terms: Vec<T>,
    tile: Vec<Cell<V>>,
    line: Vec<Cell<V>>,
    rows: Vec<Cell<V>>,
}

/// How long they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PhaseLengths {
    terms: usize,
    tile: usize,
    line: usize,
    rows: usize,
}

impl PhaseLengths {
    /// Long enough for both.
    pub fn max(self, other: Self) -> Self {
        Self {
            terms: self.terms.max(other.terms),
            tile: self.tile.max(other.tile),
            line: self.line.max(other.line),
            rows: self.rows.max(other.rows),
        }
    }

    pub fn footprint<T: 'static, V: 'static>(self, others: Footprint) -> Footprint {
        others
            .with::<T>("terms of a band", self.terms)
            .with::<Cell<V>>("lines of phases", self.tile)
            .with::<Cell<V>>("spectrum of phases", self.line)
            .with::<Cell<V>>("rows of phases", self.rows)
    }
}

impl<T: Real, V: Copy> PhaseBuffers<T, V> {
    pub fn new(simd: impl Simd<T, V = V>, lengths: PhaseLengths) -> Self {
        let zero = zero(simd);
        Self {
            terms: vec![T::zero(); lengths.terms],
            tile: vec![zero; lengths.tile],
            line: vec![zero; lengths.line],
            rows: vec![zero; lengths.rows],
        }
    }
}

impl<T: Real, S: Passes<T>> Phases<T, S> {
    /// None if n is no multiple of the lanes, or if there are no radices for what is left of it.
    pub fn new(simd: S, n: usize) -> Option<Self> {
        let lanes = S::V::LANES;
        if n == 0 || !n.is_multiple_of(lanes) {
            return None;
        }
        let m = n / lanes;
        let [a, b] = sides_of_cells(m, lanes)?;
        let root = roots(n);
        let turn = |step: usize, count: usize| -> Vec<_> {
            let turn = |k: usize| cell(simd, |p| root(step * k * p));
            (0..count).map(turn).collect()
        };
        let narrow = |value: Complex<f64>| Complex::new(T::narrow(value.re), T::narrow(value.im));
        let twiddles = match a {
            1 => Vec::new(),
            _ => (0..b)
                .flat_map(|k| (0..a).map(move |s| lanes * k * s))
                .map(|turns| narrow(root(turns)))
                .collect(),
        };
        let mut phases = Self {
            simd,
            lines: [a, b].map(|len| Line::new(simd, len)),
            turns: [turn(b, a), turn(1, b)],
            twiddles,
            roots: (0..lanes)
                .map(|r| {
                    let root = Complex::cis(2.0 * PI * r as f64 / lanes as f64);
                    cell(simd, |_| root)
                })
                .collect(),
            column: Offsets::default(),
        };
        let [pitch, _] = phases.pitches();
        phases.column = (0..a).map(|row| (row * pitch) as u32).collect();
        Some(phases)
    }

    /// A and B.
    fn sides(&self) -> [usize; 2] {
        self.lines.each_ref().map(Line::len)
    }

    /// Vectors of a line.
    pub fn vectors(&self) -> usize {
        self.sides().iter().product()
    }

    /// Samples of a line.
    pub fn len(&self) -> usize {
        self.vectors() * S::V::LANES
    }

    /// Cells from one row over kB to the next, and from one over sA to the next: not a power of two, so that neighbours in
    /// a column do not lie in one set of a cache.
    fn pitches(&self) -> [usize; 2] {
        match self.sides() {
            [1, b] => [b, 1],
            [a, b] => [b + 1, a + 1],
        }
    }

    /// Lines over kA that are transformed together.
    fn together(&self) -> usize {
        (TOGETHER / self.lines[0].len()).clamp(1, S::V::LANES)
    }

    /// What it takes with bands of at most this many terms.
    pub fn lengths(&self, terms: usize) -> PhaseLengths {
        let lanes = S::V::LANES;
        let [a, b] = self.sides();
        let [by_a, by_b] = self.pitches();
        PhaseLengths {
            terms: a * 2 * terms * lanes,
            tile: b.max(self.together() * a),
            line: b.max(a * lanes),
            rows: (a * by_a).max((b / 2 + 1).next_multiple_of(lanes) * by_b),
        }
    }

    /// Room that a spectrum of this line needs, of which so much is read.
    pub fn room(&self, reach: Reach) -> Reach {
        let written = (reach.within + S::V::LANES).min(self.len() / 2);
        Reach {
            within: reach.within,
            below: reach.below.max(written),
            above: reach.above.max(written + 1),
        }
    }

    /// A filter whose values stand from the signed frequency `base` on, for spectra of `period` samples. They may pass
    /// Nyquist, of the spectrum and of this line: both are periodic.
    pub fn passband(&self, base: i64, values: &[T], period: usize, of: For) -> Passband<T, S::V> {
        let (lanes, m) = (S::V::LANES, self.vectors());
        let skip = match of {
            For::Moduli => 0,
            For::Coefficients => base.rem_euclid(m as i64) as usize,
        };
        let base = base - skip as i64;
        let most = skip + values.len();
        let len = most.min(period.max(1)).max(1);
        let terms = len.div_ceil(m);
        let mut padded = vec![T::zero(); terms * m + lanes];
        for (i, &value) in (skip..).zip(values) {
            padded[i % len] += value;
        }
        // exp(2πi·ρ·p/LANES) for whole and half ρ
        let turn = |twice_rho: usize| {
            cell(self.simd, |p| {
                let turns = (twice_rho * p % (2 * lanes)) as f64 / (2 * lanes) as f64;
                Complex::cis(2.0 * PI * turns)
            })
        };
        let read = Reach::of(base, padded.len());
        Passband {
            base,
            terms,
            turns: (0..terms / 2).map(|i| turn(terms - 1 - 2 * i)).collect(),
            first: turn(2 * lanes - (terms - 1) % (2 * lanes)),
            back: (of == For::Coefficients).then(|| {
                let steps = base.div_euclid(m as i64).rem_euclid(lanes as i64);
                turn(2 * steps as usize + terms - 1)
            }),
            reach: Reach {
                within: Reach::of(base, len).within,
                ..read
            },
            values: padded,
        }
    }

    /// U = scale·|Σ_k x̂(k)·ψ̂(k)·exp(2πi·kt/n)|, in natural order.
    pub fn moduli(
        &self,
        band: &Passband<T, S::V>,
        from: &Frequencies<T>,
        scale: T,
        buffers: &mut PhaseBuffers<T, S::V>,
        u: &mut [S::V],
    ) {
        self.rows(band, from, buffers);
        let [a, b] = self.sides();
        let rows = buffers.rows.chunks_mut(self.pitches()[0]);
        for (first, row) in rows.take(a).enumerate() {
            let emit = Emit::Modulus {
                to: &mut u[first..],
                stride: a,
                scale,
            };
            self.lines[1].run(&mut row[..b], emit);
        }
    }

    /// The coefficients themselves, without the modulus.
    ///
    /// # Panics
    /// If the band was not made for them.
    pub fn coefficients(
        &self,
        band: &Passband<T, S::V>,
        from: &Frequencies<T>,
        scale: T,
        buffers: &mut PhaseBuffers<T, S::V>,
        to: &mut [Cell<S::V>],
    ) {
        let Some(back) = band.back else {
            unreachable!("the band is for moduli only")
        };
        self.rows(band, from, buffers);
        let [a, b] = self.sides();
        let rows = buffers.rows.chunks_mut(self.pitches()[0]);
        for (first, row) in rows.take(a).enumerate() {
            let emit = Emit::Cells {
                to: &mut to[first..],
                stride: a,
            };
            self.lines[1].run(&mut row[..b], emit);
        }
        self.simd.run(phases::TurnAll::<T, S> {
            cells: &mut to[..a * b],
            by: back.scaled(self.simd.splat(scale)),
        });
    }

    /// The product, its phases and the line over kA: rows `[sA][kB]`.
    fn rows(
        &self,
        band: &Passband<T, S::V>,
        from: &Frequencies<T>,
        buffers: &mut PhaseBuffers<T, S::V>,
    ) {
        let (simd, lanes) = (self.simd, S::V::LANES);
        let [a, b] = self.sides();
        let [pitch, _] = self.pitches();
        let PhaseBuffers {
            terms, tile, rows, ..
        } = buffers;
        let terms = &mut terms[..a * 2 * band.terms * lanes];
        for first in (0..b).step_by(lanes) {
            let count = lanes.min(b - first);
            simd.run(phases::Terms {
                simd,
                spectrum: from.from(band.base + first as i64),
                filter: &band.values[first..],
                strides: [b, a * b],
                terms: band.terms,
                to: &mut *terms,
            });
            let to_phases = |lanes: Range<usize>, turn: Turn<'_, S::V>, to: &mut [Cell<S::V>]| {
                phases::phases(simd, terms, &band.turns, band.terms, lanes, turn, to);
            };
            if a == 1 {
                let turn = Turn::OfB(&self.turns[1][first..]);
                to_phases(0..count, turn, &mut rows[first..first + count]);
                continue;
            }
            for start in (0..count).step_by(self.together()) {
                let group = start..count.min(start + self.together());
                let k = first + start;
                let tile = &mut tile[..group.len() * a];
                to_phases(group.clone(), Turn::OfA(&self.turns[0]), tile);
                let to = SideBySide {
                    to: &mut rows[k..],
                    stride: pitch,
                    turns: Some(Turns {
                        lines: &self.turns[1][k..],
                        cells: &self.twiddles[k * a..],
                    }),
                };
                self.lines[0].run_side_by_side(tile, a, to);
            }
        }
    }

    /// û(k) = Σ_t u(t)·exp(−2πi·kt/n) of real samples in natural order, as far as it is read.
    pub fn spectrum(
        &self,
        u: &[T],
        reach: Reach,
        buffers: &mut PhaseBuffers<T, S::V>,
        to: &mut Frequencies<T>,
    ) {
        let (simd, lanes) = (self.simd, S::V::LANES);
        let [a, b] = self.sides();
        let [_, pitch] = self.pitches();
        let u = &u[..self.len()];
        let PhaseBuffers {
            tile, line, rows, ..
        } = buffers;
        for row in (0..a).step_by(2) {
            let odd = row + 1 < a;
            let tile = &mut tile[..b];
            // Two real rows as one complex line; a row alone goes with itself.
            simd.run(LoadLine {
                simd,
                re: &u[row * lanes..],
                im: &u[(row + usize::from(odd)) * lanes..],
                stride: a * lanes,
                tile: &mut *tile,
            });
            let emit = Emit::Cells {
                to: &mut *line,
                stride: 1,
            };
            self.lines[1].run(tile, emit);
            simd.run(phases::UnpackPhases {
                simd,
                spectrum: &line[..b],
                turns: &self.turns[1],
                twiddles: self.twiddles.get(row..).unwrap_or_default(),
                rows: a,
                odd,
                to: &mut rows[row..],
                stride: pitch,
            });
        }
        let within = reach.within.min(self.len() / 2) as i64;
        let zero = to.zero as i64;
        for first in (0..=b / 2).step_by(lanes) {
            let count = lanes.min(b / 2 + 1 - first);
            let phases = match a {
                1 => &rows[first..first + lanes],
                _ => {
                    let cells = &mut rows[first * pitch..][..(count - 1) * pitch + a];
                    let to = SideBySide {
                        to: &mut *line,
                        stride: lanes,
                        turns: None,
                    };
                    self.lines[0].run_side_by_side(cells, pitch, to);
                    &line[..a * lanes]
                }
            };
            simd.run(phases::Frequencies {
                simd,
                phases,
                turns: &self.turns[0],
                roots: &self.roots,
                scale: T::narrow(0.5), // two rows that were transformed as one stand twice as large
                // What lies beyond B/2 is not there, but mirrored later; partial vectors take longer.
                count: if b < lanes { count } else { lanes },
                first: first as i64,
                strides: [b, a * b].map(|step| step as i64),
                within,
                zero,
                re: &mut to.re,
                im: &mut to.im,
            });
        }
        simd.run(phases::Mirror {
            period: b as i64,
            within,
            zero,
            re: &mut to.re,
            im: &mut to.im,
        });
        to.extend(self.len(), reach);
    }
}

/// U ⋆ φ, sampled where the output keeps it.
#[derive(Debug, Clone)]
pub(crate) struct PhaseAverage<T> {
    /// Vectors of a line, and how many of its other end are wanted on either side.
    vectors: usize,
    halo: [usize; 2],
    outputs: usize,
    window: Window,
    taps: Vec<T>,
}

#[derive(Debug, Clone)]
enum Window {
    /// Windows of `count` vectors. As many classes as it takes for outputs of a class to stand whole vectors apart.
    Short {
        starts: Vec<usize>,
        step: usize,
        count: usize,
    },
    /// Outputs at every sample or every other: from which sample on, and how far apart.
    Everywhere { first: usize, step: usize },
    /// All the way round, and the first tap of each output.
    Round(Vec<u32>),
}

impl<T: Real> PhaseAverage<T> {
    /// On a line of whole vectors.
    pub fn new(lanes: usize, average: &AxisAverage<T>) -> Self {
        let (n, step) = (average.len, average.step);
        let outputs = average.outputs.clone();
        debug_assert!(n.is_multiple_of(lanes));
        let vectors = n / lanes;
        let made = |halo, window, taps| Self {
            vectors,
            halo,
            outputs: outputs.len(),
            window,
            taps,
        };
        let Some(taps) = average.short() else {
            // The weights twice, so that every output has a window of them.
            let firsts = outputs.clone().map(|o| (n - o * step % n) as u32);
            let taps = (0..2 * n).map(|d| T::narrow(average.kernel(d % n)));
            return made([0; 2], Window::Round(firsts.collect()), taps.collect());
        };
        // All outputs may lie a period further on.
        let period = (n / step).max(1);
        let radius = (taps.len() / 2) as i64;
        let first = (outputs.start % period * step) as i64 - radius;
        let last = first + (outputs.len().saturating_sub(1) * step) as i64;
        let vector = |t: i64| t.div_euclid(lanes as i64);
        let before = (-vector(first)).max(0);
        let halo = |end: i64| [before, end - vectors as i64].map(|halo| halo.max(0) as usize);
        if step <= EVERYWHERE && step < lanes {
            let window = Window::Everywhere {
                first: (first + before * lanes as i64) as usize,
                step,
            };
            // Up to LANES − 1 samples beyond the last output are computed too.
            let end = vector(last + 2 * radius + lanes as i64 - 1) + 1;
            return made(halo(end), window, taps.to_vec());
        }
        let classes = (1..).find(|classes| (classes * step).is_multiple_of(lanes));
        let classes = classes.unwrap_or(lanes);
        let firsts = (0..classes).map(|class| first + (class * step) as i64);
        let zeros = |first: i64| first.rem_euclid(lanes as i64) as usize;
        let most_zeros = firsts.clone().map(zeros).max().unwrap_or(0);
        let count = (most_zeros + taps.len()).div_ceil(lanes);
        let mut padded = vec![T::zero(); classes * count * lanes];
        for (to, first) in padded.chunks_exact_mut(count * lanes).zip(firsts.clone()) {
            to[zeros(first)..][..taps.len()].copy_from_slice(taps);
        }
        let window = Window::Short {
            starts: firsts
                .map(|first| (vector(first) + before) as usize)
                .collect(),
            step: classes * step / lanes,
            count,
        };
        made(halo(vector(last) + count as i64), window, padded)
    }

    /// Vectors of the other end that are wanted before and after a line.
    pub fn halo(&self) -> [usize; 2] {
        self.halo
    }

    /// Bytes of the weights.
    pub fn bytes(&self) -> u64 {
        size_of_val(&self.taps[..]) as u64
    }

    /// Averages a line that stands behind its halo, and fills the halo.
    pub fn apply<S: Simd<T>>(&self, simd: S, line: &mut [S::V], to: &mut [T]) {
        let [before, after] = self.halo;
        let line = &mut line[..before + self.vectors + after];
        for i in (0..before).rev() {
            line[i] = line[i + self.vectors];
        }
        for i in before + self.vectors..line.len() {
            line[i] = line[i - self.vectors];
        }
        let (taps, to) = (&self.taps[..], &mut to[..self.outputs]);
        match &self.window {
            Window::Short {
                starts,
                step,
                count,
            } => simd.run(phases::Windows {
                simd,
                starts,
                step: *step,
                taps,
                count: *count,
                line,
                to,
            }),
            &Window::Everywhere { first, step } => simd.run(phases::Everywhere {
                simd,
                first,
                step,
                taps,
                line,
                to,
            }),
            Window::Round(firsts) => simd.run(phases::AllAround {
                simd,
                firsts,
                taps,
                line,
                to,
            }),
        }
    }
}

/// The mean over some samples of a line.
pub(crate) fn mean<T: Real, S: Simd<T>>(simd: S, line: &[S::V], over: Range<usize>) -> f64 {
    let lanes = S::V::LANES;
    let whole = over.start.div_ceil(lanes)..over.end / lanes;
    let numbers = S::V::numbers(line);
    let plain = |range: Range<usize>| -> f64 { numbers[range].iter().map(|u| u.widen()).sum() };
    let sum = match whole.is_empty() {
        true => plain(over.clone()),
        false => {
            plain(over.start..whole.start * lanes)
                + phases::sum(simd, &line[whole.clone()])
                + plain(whole.end * lanes..over.end)
        }
    };
    sum / over.len() as f64
}

#[cfg(test)]
pub(super) mod tests {
    use ndarray::Array1;

    use super::super::average::EvenKernel;
    use super::*;
    use crate::filters::gauss;
    use crate::isa::Isa;
    use crate::kernels::pass::WithSimd;
    use crate::num::relative_error;
    use crate::num::sealed::Sealed;

    /// Numbers without a pattern.
    pub fn noise(seed: usize, count: usize) -> Vec<f64> {
        let number = |i: usize| {
            let bits = (i + 1 + 7919 * seed) as u64;
            let bits = (bits ^ bits << 21).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.3
        };
        (0..count).map(number).collect()
    }

    /// û of real samples, k = 0 .. n.
    fn dft(u: &[f64]) -> Vec<Complex<f64>> {
        let u = Array1::from_iter(u.iter().map(|&u| Complex::new(u, 0.0)));
        crate::fft::forward(u).to_vec()
    }

    /// (1/N)·Σ_k x̂(k)·ψ̂(k)·exp(2πi·kt/n) for t < n; ψ̂ from `base` on.
    fn slow(x_hat: &[Complex<f64>], base: i64, psi_hat: &[f64], n: usize) -> Vec<Complex<f64>> {
        let mut folded = vec![Complex::new(0.0, 0.0); n];
        for (k, &psi) in (base..).zip(psi_hat) {
            let x = x_hat[k.rem_euclid(x_hat.len() as i64) as usize];
            folded[k.rem_euclid(n as i64) as usize] += x * psi;
        }
        let scale = n as f64 / x_hat.len() as f64;
        let y = crate::fft::inverse(Array1::from(folded));
        y.iter().map(|y| y * scale).collect()
    }

    fn narrow<T: Real>(values: &[f64]) -> Vec<T> {
        values.iter().map(|&value| T::narrow(value)).collect()
    }

    fn parts(values: impl IntoIterator<Item = Complex<f64>>) -> impl Iterator<Item = f64> {
        values.into_iter().flat_map(|value| [value.re, value.im])
    }

    fn dirty<T: Real, S: Passes<T>>(simd: S, lengths: PhaseLengths) -> PhaseBuffers<T, S::V> {
        let mut buffers = PhaseBuffers::new(simd, lengths);
        let nan = simd.splat(T::nan());
        let dirt = Cell { re: nan, im: nan };
        buffers.terms.fill(T::nan());
        buffers.tile.fill(dirt);
        buffers.line.fill(dirt);
        buffers.rows.fill(dirt);
        buffers
    }

    /// How far ⟨Lx, y⟩ is from ⟨x, Lᵀy⟩, over what they may be: from x and Lᵀy, Lx and y.
    fn adjoint_error<T: Real>([x, x_bar]: [&[T]; 2], [y, y_bar]: [&[T]; 2]) -> f64 {
        let dot = |a: &[T], b: &[T]| -> f64 {
            assert_eq!(a.len(), b.len());
            a.iter().zip(b).map(|(a, b)| a.widen() * b.widen()).sum()
        };
        let size = |a: &[T], b: &[T]| (dot(a, a) * dot(b, b)).sqrt();
        (dot(x, x_bar) - dot(y, y_bar)).abs() / (size(x, x_bar) + size(y, y_bar))
    }

    fn random<T: Real>(seed: usize, count: usize) -> Vec<T> {
        narrow(&noise(seed, count))
    }

    /// The largest relative error of spectra of m vectors, all of them and parts, and of the way back.
    struct Forth {
        m: usize,
    }

    impl<T: Real> WithSimd<T> for Forth {
        type Output = f64;

        fn run<S: Passes<T>>(self, simd: S) -> f64 {
            let n = self.m * S::V::LANES;
            let phases = Phases::<T, S>::new(simd, n).unwrap();
            assert_eq!(phases.len(), n);
            let mut buffers = dirty::<T, S>(simd, phases.lengths(0));
            let u = noise(1, n);
            let expected = dft(&u);
            let u: Vec<T> = narrow(&u);
            let mut worst = 0.0_f64;
            for (within, below, above) in [
                (n, n + 5, 2 * n + 7),
                (n / 2, 0, 0),
                (n / 3, n / 2, n),
                (n / 7, 1, 2),
                (0, 3, 3),
            ] {
                let reach = Reach {
                    within,
                    below,
                    above,
                };
                let mut spectrum = Frequencies::new(phases.room(reach));
                spectrum.re.fill(T::nan());
                spectrum.im.fill(T::nan());
                phases.spectrum(&u, reach, &mut buffers, &mut spectrum);
                let n = n as i64;
                let wanted = within.min(n as usize / 2) as i64;
                let (low, high) = (wanted.min(n / 2), wanted.min((n - 1) / 2));
                let range = (-low).min(-(below as i64))..(high + 1).max(above as i64);
                let value = |k: i64| match within as i64 >= n / 2 || k.abs() <= wanted {
                    true => expected[k.rem_euclid(n) as usize],
                    false => Complex::new(0.0, 0.0),
                };
                // What is read, and the cotangent of it.
                let read: Vec<_> = range.clone().map(|k| spectrum.at(k)).collect();
                let weights = [random::<T>(6, read.len()), random::<T>(7, read.len())];
                spectrum.clear();
                for ((k, &re), &im) in range.clone().zip(&weights[0]).zip(&weights[1]) {
                    spectrum.set(k, Complex::new(re, im));
                }
                let before: Vec<T> = random(8, n as usize);
                let mut to = vec![simd.splat(T::zero()); self.m];
                S::V::numbers_mut(&mut to).copy_from_slice(&before);
                phases.spectrum_back(&mut spectrum, reach, &mut buffers, &mut to);
                let added = S::V::numbers(&to)
                    .iter()
                    .zip(&before)
                    .map(|(&to, &b)| to - b);
                let added: Vec<T> = added.collect();
                let parts_of = |part: fn(&Complex<T>) -> T| read.iter().map(part);
                let read_parts: Vec<T> = parts_of(|z| z.re).chain(parts_of(|z| z.im)).collect();
                let error = adjoint_error([&u, &added], [&read_parts, &weights.concat()]);
                assert!(!error.is_nan(), "back from {n}, within {within}");
                worst = worst.max(error);
                let got = read
                    .into_iter()
                    .map(|got| Complex::new(got.re.widen(), got.im.widen()));
                let error = relative_error(parts(got), parts(range.map(value)));
                assert!(!error.is_nan(), "{n}, within {within}");
                worst = worst.max(error);
            }
            worst
        }
    }

    /// The largest relative error of moduli and coefficients on m vectors, from spectra 1, 2 and 4 times as long, and of the
    /// way back.
    struct Back {
        m: usize,
    }

    impl<T: Real> WithSimd<T> for Back {
        type Output = f64;

        fn run<S: Passes<T>>(self, simd: S) -> f64 {
            let n = self.m * S::V::LANES;
            let phases = Phases::<T, S>::new(simd, n).unwrap();
            let nan = simd.splat(T::nan());
            let mut worst = 0.0_f64;
            for period in [n, 2 * n, 4 * n] {
                let x_hat = dft(&noise(2, period));
                let signed = n as i64;
                // from one value to more than a period, at all places
                for (base, len) in [
                    (1, 1),
                    (signed / 5, n / 9 + 1),
                    (-signed / 3, n / 5 + 1),
                    (-signed / 7, n / 3 + 2),
                    (signed / 3, n / 2 + 1),
                    (-signed / 2, n),
                    (-3, 7 * n / 4 + 1),
                    (-2 * signed, period + n / 2),
                ] {
                    let psi_hat = noise(3, len);
                    let expected = slow(&x_hat, base, &psi_hat, n);
                    let psi_hat: Vec<T> = narrow(&psi_hat);
                    let scale = T::narrow(1.0 / period as f64);
                    for of in [For::Moduli, For::Coefficients] {
                        let band = phases.passband(base, &psi_hat, period, of);
                        let mut spectrum = Frequencies::<T>::new(band.reach());
                        let reach = band.reach();
                        for k in -(reach.below as i64)..reach.above as i64 {
                            let x = x_hat[k.rem_euclid(period as i64) as usize];
                            spectrum.set(k, Complex::new(T::narrow(x.re), T::narrow(x.im)));
                        }
                        let mut buffers = dirty::<T, S>(simd, phases.lengths(band.terms()));
                        let mut u = vec![nan; self.m];
                        phases.moduli(&band, &spectrum, scale, &mut buffers, &mut u);
                        let got = S::V::numbers(&u).iter().copied();
                        let error = relative_error(got, expected.iter().map(|y| y.norm()));
                        assert!(!error.is_nan(), "{n} of {period}, {len} from {base}");
                        worst = worst.max(error);
                        if of == For::Coefficients {
                            let mut y = vec![Cell { re: nan, im: nan }; self.m];
                            phases.coefficients(&band, &spectrum, scale, &mut buffers, &mut y);
                            let got = y.iter().flat_map(|y| {
                                let parts = y.re.lanes().iter().zip(y.im.lanes());
                                parts.map(|(re, im)| Complex::new(re.widen(), im.widen()))
                            });
                            let error = relative_error(parts(got), parts(expected.iter().copied()));
                            assert!(!error.is_nan(), "{n} of {period}, {len} from {base}");
                            worst = worst.max(error);
                            let error = self.back(simd, &phases, &band, &spectrum, scale, &y);
                            assert!(!error.is_nan(), "{n} of {period}, {len} from {base}");
                            worst = worst.max(error);
                        }
                    }
                }
            }
            worst
        }
    }

    impl Back {
        /// The error of the transpose of coefficients y, and how far the way back through their moduli is from it.
        fn back<T: Real, S: Passes<T>>(
            &self,
            simd: S,
            phases: &Phases<T, S>,
            band: &Passband<T, S::V>,
            spectrum: &Frequencies<T>,
            scale: T,
            y: &[Cell<S::V>],
        ) -> f64 {
            let numbers = |cells: &[Cell<S::V>]| -> Vec<T> {
                let parts = |cell: &Cell<S::V>| [cell.re.lanes(), cell.im.lanes()].concat();
                cells.iter().flat_map(parts).collect()
            };
            let both = |spectrum: &Frequencies<T>| [&spectrum.re[..], &spectrum.im[..]].concat();
            let cleared = || {
                let mut to = spectrum.clone();
                to.clear();
                to
            };
            let mut buffers = dirty::<T, S>(simd, phases.lengths(band.terms()));
            let random = |seed: usize| -> Vec<S::V> {
                let numbers: Vec<T> = random(seed, phases.len());
                numbers
                    .chunks(S::V::LANES)
                    .map(|lanes| simd.load(lanes))
                    .collect()
            };
            let parts = random(9).into_iter().zip(random(10));
            let y_bar: Vec<_> = parts.map(|(re, im)| Cell { re, im }).collect();
            let mut to = cleared();
            phases.coefficients_back(band, scale, &y_bar, &mut buffers, &mut to);
            let linear = adjoint_error(
                [&both(spectrum), &both(&to)],
                [&numbers(y), &numbers(&y_bar)],
            );

            let u_bar = random(11);
            let signs = y.iter().zip(&u_bar);
            let y_bar: Vec<_> = signs.map(|(y, &u)| y.sign::<T>().scaled(u)).collect();
            let mut expected = cleared();
            phases.coefficients_back(band, scale, &y_bar, &mut buffers, &mut expected);
            let mut got = cleared();
            phases.moduli_back(band, band, spectrum, scale, &u_bar, &mut buffers, &mut got);
            let error = relative_error(both(&got), both(&expected).iter().map(|x| x.widen()));
            // The sign of a z that is nearly 0 by chance has its roundings, thousands of times as large.
            let most = 5000.0 * T::epsilon().widen();
            assert!(error < most, "through moduli: {error:e}");
            linear
        }
    }

    /// One line, lines of lines with even and odd A, B a multiple of the lanes and not.
    const VECTORS: [usize; 11] = [1, 2, 3, 7, 16, 40, 135, 320, 375, 1001, 2048];

    #[test]
    fn spectra_equal_the_definition_on_every_instruction_set() {
        for m in VECTORS {
            for isa in Isa::available() {
                let single = f32::with_simd(isa, Forth { m });
                let double = f64::with_simd(isa, Forth { m });
                assert!(single < 1e-6, "{m}, {isa}: {single:e}");
                assert!(double < 5e-15, "{m}, {isa}: {double:e}");
            }
        }
    }

    #[test]
    fn moduli_and_coefficients_equal_the_definition_on_every_instruction_set() {
        for m in VECTORS {
            for isa in Isa::available() {
                let single = f32::with_simd(isa, Back { m });
                let double = f64::with_simd(isa, Back { m });
                assert!(single < 1e-6, "{m}, {isa}: {single:e}");
                assert!(double < 5e-15, "{m}, {isa}: {double:e}");
            }
        }
    }

    #[test]
    fn lengths_that_vectors_or_radices_do_not_divide_are_refused() {
        struct Planned(usize);
        impl WithSimd<f32> for Planned {
            type Output = bool;

            fn run<S: Passes<f32>>(self, simd: S) -> bool {
                Phases::<f32, S>::new(simd, self.0).is_some()
            }
        }
        for isa in Isa::available() {
            for (n, planned) in [
                (0, false),
                (8, true),
                (640, true),
                (19 * 64, false),
                (642, false),
            ] {
                // vectors of 16 do not divide 8
                let planned = planned && (n != 8 || isa != Isa::Avx512);
                assert_eq!(f32::with_simd(isa, Planned(n)), planned, "{n}, {isa}");
            }
        }
    }

    /// The largest relative error of averages of a line of n samples.
    struct Averages<'a> {
        phi_hat: &'a [f64],
        outputs: Range<usize>,
        step: usize,
    }

    impl<T: Real> WithSimd<T> for Averages<'_> {
        type Output = f64;

        fn run<S: Passes<T>>(self, simd: S) -> f64 {
            let Self {
                phi_hat,
                outputs,
                step,
            } = self;
            let n = phi_hat.len();
            let axis =
                AxisAverage::<T>::new(EvenKernel::from_hat(phi_hat), outputs.clone(), step, 1e-16);
            let average = PhaseAverage::new(S::V::LANES, &axis);
            let u = noise(4, n);
            let h = Array1::from_iter(phi_hat.iter().map(|&phi| Complex::new(phi, 0.0)));
            let h = crate::fft::inverse(h);
            let expected = outputs.map(|o| -> f64 {
                let at = |t: usize| h[(o * step + n * (1 + t / n) - t) % n].re;
                (0..n).map(|t| at(t) * u[t]).sum()
            });
            let [before, after] = average.halo();
            let mut line = vec![simd.splat(T::nan()); before + n / S::V::LANES + after];
            let middle = &mut line[before..][..n / S::V::LANES];
            S::V::numbers_mut(middle).copy_from_slice(&narrow(&u));
            let mut got = vec![T::nan(); average.outputs];
            average.apply(simd, &mut line, &mut got);
            let weights: Vec<T> = random(12, got.len());
            let u: Vec<T> = narrow(&u);
            line.fill(simd.splat(T::nan()));
            let mut scratch = vec![simd.splat(T::nan()); average.spread_len(S::V::LANES)];
            average.spread(simd, &weights, &mut line, &mut scratch);
            let back = S::V::numbers(&line[before..][..n / S::V::LANES]);
            let error = adjoint_error([&u, back], [&got, &weights]);
            assert!(!error.is_nan(), "{n} by {step}");
            relative_error(got, expected).max(error)
        }
    }

    #[test]
    fn averages_equal_the_definition_at_any_stride_on_every_instruction_set() {
        // short: aligned and not, more than a group, a period further on; dense; one output; thousands of taps
        for (sigma, n, step, outputs) in [
            (0.02, 640, 32, 0..20),
            (0.02, 640, 32, 17..40),
            (0.05, 480, 5, 3..90),
            (0.05, 480, 1, 0..480),
            (0.3, 160, 2, 5..47),
            (0.002, 640, 32, 2..19),
            (0.002, 640, 40, 0..16),
            (0.1, 64, 64, 0..1),
            (0.2, 16, 1, 0..16),
            (0.0002, 48000, 480, 20..61),
        ] {
            let phi_hat = gauss::axis_hat(sigma, n);
            for isa in Isa::available() {
                let check = || Averages {
                    phi_hat: &phi_hat,
                    outputs: outputs.clone(),
                    step,
                };
                let single = f32::with_simd(isa, check());
                let double = f64::with_simd(isa, check());
                assert!(single < 5e-7, "{n} by {step}, {isa}: {single:e}");
                assert!(double < 1e-14, "{n} by {step}, {isa}: {double:e}");
            }
        }
    }

    #[test]
    fn means_are_those_of_the_samples_asked_for() {
        struct Means;
        impl<T: Real> WithSimd<T> for Means {
            type Output = ();

            fn run<S: Passes<T>>(self, simd: S) {
                let n = 20_000 * S::V::LANES;
                let u: Vec<T> = narrow(&noise(5, n));
                let mut line = vec![simd.splat(T::nan()); n / S::V::LANES];
                S::V::numbers_mut(&mut line).copy_from_slice(&u);
                for over in [0..n, 1..n - 1, 5..6, 7..40, 17..17 + n / 2] {
                    let sum: f64 = u[over.clone()].iter().map(|u| u.widen()).sum();
                    let got = mean::<T, S>(simd, &line, over.clone());
                    let error = (got * over.len() as f64 / sum - 1.0).abs();
                    assert!(error < 4.0 * T::epsilon().widen(), "{over:?}: {error:e}");
                }
            }
        }
        for isa in Isa::available() {
            f32::with_simd(isa, Means);
            f64::with_simd(isa, Means);
        }
    }
}
