//! Convolution across wavelets, at every time: the second half of a layer of joint time-frequency scattering.
//!
//! ```text
//! U(n_fr, n1, t) = |Σ_m y(m, t)·ψ_{n_fr}(n1 − m)|      m runs over a log-frequency axis, padded with zeros to N_fr
//! ```
//!
//! Comes in: y, wavelet by wavelet, as two arrays of real numbers. Goes out: U, averaged across n1 or not, row by row. Lanes are
//! neighbouring times, which y has side by side anyway: a column of cells is the log-frequency axis of as many times as a vector
//! has lanes, so nothing is transposed. [`back`] is the way back, for gradients.

mod back;

pub(crate) use back::BackColumns;

use super::average::AxisAverage;
use super::observe::LineAverage;
use crate::fft::Line;
use crate::kernels::pass::{Emit, Passes};
use crate::kernels::vector::{Cell, Kernel, Simd, Vector, zero};
use crate::memory::Footprint;
use crate::num::Real;

/// What is kept of the n1 axis.
#[derive(Debug, Clone)]
pub(crate) enum KeepAcross<T> {
    /// U ⋆ φ_F, subsampled.
    Average(AxisAverage<T>),
    /// The mean over the n1 that there are.
    Mean,
    /// The sum over the whole axis.
    Sum,
    /// U itself, one row of so many distances.
    Rows,
}

/// A wavelet across n1, as it is planned.
pub(crate) struct Across<T> {
    /// ψ̂ on the axis, natural DFT order.
    pub hat: Vec<f64>,
    /// log2 of the subsampling along n1.
    pub level: usize,
    pub keep: KeepAcross<T>,
}

/// The transforms of an axis of wavelets.
#[derive(Debug)]
pub(crate) struct Frequency<T, S: Simd<T>> {
    simd: S,
    len: usize,
    forward: Line<T, S>,
    /// By level.
    inverse: Vec<Line<T, S>>,
    waves: Vec<Wave<T, S>>,
}

#[derive(Debug)]
struct Wave<T, S: Simd<T>> {
    stretches: Vec<Stretch>,
    values: Vec<T>,
    level: usize,
    keep: KeepLine<T, S>,
}

#[derive(Debug)]
enum KeepLine<T, S: Simd<T>> {
    Average(LineAverage<T, S>),
    Mean,
    Sum,
    Rows,
}

/// Scratch of a thread.
#[derive(Debug)]
pub(crate) struct Columns<V> {
    spectrum: Vec<Cell<V>>,
    tile: Vec<Cell<V>>,
    moduli: Vec<V>,
    kept: Vec<V>,
}

impl<T: Real, S: Passes<T>> Frequency<T, S> {
    /// On an axis of `len` wavelets and zeros; of ψ̂ what lies below a share of its peak is left out.
    pub fn new(simd: S, len: usize, waves: Vec<Across<T>>, tolerance: f64) -> Self {
        let coarsest = waves.iter().map(|wave| wave.level).max().unwrap_or(0);
        let waves = waves.into_iter().map(|wave| {
            let moduli = wave.hat.iter().map(|value| value.abs());
            let least = tolerance * moduli.fold(0.0, f64::max);
            let (stretches, values) = stretches(&wave.hat, least, len >> wave.level);
            Wave {
                stretches,
                values,
                level: wave.level,
                keep: match wave.keep {
                    KeepAcross::Average(average) => {
                        KeepLine::Average(LineAverage::new(simd, 1, &average))
                    }
                    KeepAcross::Mean => KeepLine::Mean,
                    KeepAcross::Sum => KeepLine::Sum,
                    KeepAcross::Rows => KeepLine::Rows,
                },
            }
        });
        Self {
            simd,
            len,
            forward: Line::new(simd, len),
            inverse: (0..=coarsest)
                .map(|level| Line::new(simd, len >> level))
                .collect(),
            waves: waves.collect(),
        }
    }

    /// Cells of the tile, and numbers of a line with its halo and of what is kept of it.
    fn lengths(&self) -> [usize; 3] {
        let tiles = self.inverse.iter().chain([&self.forward]);
        let tile = tiles.map(Line::tile_len).max().unwrap_or(0);
        let halos = self.waves.iter().map(|wave| wave.keep.halo());
        let halo = halos.max().unwrap_or(0);
        [tile, self.len + 2 * halo, self.len]
    }

    pub fn footprint(&self, others: Footprint) -> Footprint {
        let [tile, line, kept] = self.lengths();
        others
            .with::<Cell<S::V>>("spectrum across wavelets", self.len)
            .with::<Cell<S::V>>("line across wavelets", tile)
            .with::<S::V>("moduli across wavelets", line)
            .with::<S::V>("kept across wavelets", kept)
    }

    pub fn columns(&self) -> Columns<S::V> {
        let [tile, line, kept] = self.lengths();
        let nothing = self.simd.splat(T::zero());
        Columns {
            spectrum: vec![zero(self.simd); self.len],
            tile: vec![zero(self.simd); tile],
            moduli: vec![nothing; line],
            kept: vec![nothing; kept],
        }
    }

    /// Bytes of the filters.
    pub fn bytes(&self) -> u64 {
        let bytes = |wave: &Wave<T, S>| size_of_val(&wave.values[..]) as u64;
        self.waves.iter().map(bytes).sum()
    }

    /// U of these wavelets across n1, of `count` rows of y of `times` samples, one after another: to each wavelet's rows
    /// `[rows][times]`, as many as it asks for, in `out`, one wavelet after another. y without imaginary parts is real.
    pub fn run(
        &self,
        waves: impl Iterator<Item = (usize, usize)> + Clone,
        re: &[T],
        im: Option<&[T]>,
        (count, times): (usize, usize),
        columns: &mut Columns<S::V>,
        out: &mut [T],
    ) {
        let lanes = S::V::LANES;
        let Columns {
            spectrum,
            tile,
            moduli,
            kept,
        } = columns;
        for start in (0..times).step_by(lanes) {
            let some = lanes.min(times - start);
            // Parts are exchanged: lines compute exp(+2πi·kn/N) only.
            self.simd.run(Load {
                simd: self.simd,
                re,
                im,
                rows: count,
                times,
                start,
                some,
                to: &mut tile[..self.len],
            });
            let to = Emit::Cells {
                to: &mut spectrum[..],
                stride: 1,
            };
            self.forward.run(tile, to);
            let mut out = &mut *out;
            for (wave, rows) in waves.clone() {
                let Wave {
                    stretches,
                    values,
                    level,
                    keep,
                } = &self.waves[wave];
                let len = self.len >> level;
                self.simd.run(Product {
                    simd: self.simd,
                    spectrum,
                    stretches,
                    values,
                    to: &mut tile[..len],
                });
                let halo = keep.halo();
                let line = &mut moduli[..len + 2 * halo];
                let to = Emit::Modulus {
                    to: &mut line[halo..halo + len],
                    stride: 1,
                    scale: T::narrow(1.0 / self.len as f64),
                };
                self.inverse[*level].run(tile, to);
                let there = count.div_ceil(1 << level).min(len);
                let kept: &[S::V] = match keep {
                    KeepLine::Average(average) => {
                        line.copy_within(len..len + halo, 0);
                        line.copy_within(halo..2 * halo, len + halo);
                        average.apply(line, &mut kept[..average.width()]);
                        kept
                    }
                    KeepLine::Mean => {
                        let sum = crate::kernels::window::sum(self.simd, &line[..there]);
                        kept[0] = sum * self.simd.splat(T::narrow(1.0 / there as f64));
                        kept
                    }
                    KeepLine::Sum => {
                        kept[0] = crate::kernels::window::sum(self.simd, line);
                        kept
                    }
                    KeepLine::Rows => line,
                };
                let (own, others) = out.split_at_mut(rows * times);
                for (row, vector) in own.chunks_exact_mut(times).zip(kept) {
                    row[start..start + some].copy_from_slice(&vector.lanes()[..some]);
                }
                out = others;
            }
        }
    }
}

impl<T: Real, S: Simd<T>> KeepLine<T, S> {
    fn halo(&self) -> usize {
        match self {
            KeepLine::Average(average) => average.halo(),
            _ => 0,
        }
    }
}

/// Columns of y at some times, parts exchanged, with zeros behind the rows that there are.
struct Load<'a, T, S: Simd<T>> {
    simd: S,
    re: &'a [T],
    im: Option<&'a [T]>,
    rows: usize,
    times: usize,
    start: usize,
    some: usize,
    to: &'a mut [Cell<S::V>],
}

impl<T: Real, S: Simd<T>> Kernel for Load<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            re,
            im,
            rows,
            times,
            start,
            some,
            to,
        } = self;
        let nothing = simd.splat(T::zero());
        let (there, padding) = to.split_at_mut(rows);
        let load = |part: &[T], row: usize| {
            let part = &part[row * times + start..][..some];
            if some == S::V::LANES {
                return simd.load(part);
            }
            let mut few = [T::zero(); crate::kernels::vector::MAX_LANES];
            few[..some].copy_from_slice(part);
            simd.load(&few[..S::V::LANES])
        };
        for (row, cell) in there.iter_mut().enumerate() {
            *cell = Cell {
                re: im.map_or(nothing, |im| load(im, row)),
                im: load(re, row),
            };
        }
        padding.fill(zero(simd));
    }
}

/// ŷ·ψ̂, folded to as many cells as there is room for, parts exchanged back.
struct Product<'a, T, S: Simd<T>> {
    simd: S,
    spectrum: &'a [Cell<S::V>],
    stretches: &'a [Stretch],
    values: &'a [T],
    to: &'a mut [Cell<S::V>],
}

impl<T: Real, S: Simd<T>> Kernel for Product<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            spectrum,
            stretches,
            mut values,
            to,
        } = self;
        to.fill(zero(simd));
        for &Stretch { from, to: at, len } in stretches {
            let (own, others) = values.split_at(len);
            let cells = spectrum[from..from + len].iter().zip(own);
            for (to, (cell, &value)) in to[at..at + len].iter_mut().zip(cells) {
                *to = cell.swapped().scaled_add(simd.splat(value), *to);
            }
            values = others;
        }
    }
}

/// Neighbouring frequencies of ψ̂ that fold to neighbours.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    from: usize,
    to: usize,
    len: usize,
}

/// What of ψ̂ exceeds `least` in modulus, with what lies between on the shorter way round, in stretches for a fold to `len`.
fn stretches<T: Real>(hat: &[f64], least: f64, len: usize) -> (Vec<Stretch>, Vec<T>) {
    let n = hat.len();
    let counts = |k: usize| hat[k % n].abs() > least;
    // The longest gap on the circle is what is left out: it ends where the band starts.
    let (mut gap, mut longest, mut start) = (0, 0, 0);
    for k in 0..2 * n {
        if counts(k) {
            if gap > longest {
                (longest, start) = (gap.min(n), k % n);
            }
            gap = 0;
        } else {
            gap += 1;
        }
    }
    let (mut all, mut values) = (Vec::<Stretch>::new(), Vec::new());
    for k in start..start + n - longest {
        let (from, to) = (k % n, k % n % len);
        match all.last_mut() {
            Some(last) if last.from + last.len == from && last.to + last.len == to => last.len += 1,
            _ => all.push(Stretch { from, to, len: 1 }),
        }
        values.push(T::narrow(hat[from]));
    }
    (all, values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_is_cut_where_the_circle_is_empty_and_folds_to_what_it_was() {
        let hat = |band: &[usize], n: usize| -> Vec<f64> {
            let value = |k| {
                if band.contains(&k) {
                    1.0 + k as f64
                } else {
                    0.0
                }
            };
            (0..n).map(value).collect()
        };
        for (band, n, len, count) in [
            (&[3, 4, 6][..], 24, 24, 4),
            (&[22, 23, 0, 1], 24, 24, 4),
            (&[22, 23, 0, 1], 24, 12, 4),
            (&[0, 5, 11], 12, 3, 7),
            (&[7], 8, 2, 1),
        ] {
            let hat = hat(band, n);
            let (stretches, values) = stretches::<f64>(&hat, 0.5, len);
            assert_eq!(values.len(), count, "{band:?}");
            let mut got = vec![0.0; len];
            let mut values = values.into_iter();
            for Stretch { from, to, len } in stretches {
                for i in 0..len {
                    let value = values.next().unwrap();
                    assert_eq!(value, hat[from + i]);
                    got[to + i] += value;
                }
            }
            let folded = |m: usize| hat.iter().skip(m).step_by(len).sum::<f64>();
            assert!((0..len).all(|m| got[m] == folded(m)), "{band:?}");
        }
    }
}
