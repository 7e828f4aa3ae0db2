//! The way back through [`Phases`]: cotangents of moduli and spectra to those of what they are made of.
//!
//! ```text
//! moduli      rows [sA][kB] of z again, line over kB, z̄ = Ū·z/|z|      a modulus does not see how z was turned
//!             line over sB, times the factors                        ─▶ the same rows
//!             line over sA, times the factors, LANES x LANES transposed, DFT over p, ·ψ̂, added to Û̄
//! spectrum    Û̄(−k) += conj Û̄(k) where k modulo B is beyond B/2
//!             DFT over r, LANES x LANES transposed, times the factors, line over kA   ─▶ rows [sA][kB], kB ≤ B/2
//!             line over kB of two rows at once, their real parts added to Ū
//! ```
//!
//! Every step is the transpose of one on the way there, so that what rounds there rounds here, and nothing else.

use super::{Frequencies, Passband, PhaseAverage, PhaseBuffers, Phases, Reach, Window};
use crate::kernels::pairs::Join;
use crate::kernels::pass::{Emit, Gather, Passes, SideBySide, Turns};
use crate::kernels::phases::back::{
    AddBand, AddMirrored, AddRows, FoldHalo, FromFrequencies, LoadRow, Signs, SpreadAround,
    SpreadWindows, TurnRow,
};
use crate::kernels::phases::{Everywhere, Mirror, Turn};
use crate::kernels::scalar::add_scaled;
use crate::kernels::vector::{Cell, Simd, Vector};
use crate::num::{Complex, Real};

impl<T: Real> Frequencies<T> {
    pub fn clear(&mut self) {
        self.re.fill(T::zero());
        self.im.fill(T::zero());
    }

    /// Adds another one that has as much room.
    pub fn add(&mut self, other: &Self) {
        add_scaled(&mut self.re, T::one(), &other.re);
        add_scaled(&mut self.im, T::one(), &other.im);
    }

    /// Adds to the value at a frequency that there is room for.
    pub fn add_at(&mut self, k: i64, value: Complex<T>) {
        let at = self.position(k);
        self.re[at] += value.re;
        self.im[at] += value.im;
    }

    /// The transpose of [`extend`](Self::extend): nothing beyond |k| ≤ within, or all of it where its period has it first, at
    /// −n/2 ≤ k < n/2.
    pub fn fold(&mut self, n: usize, reach: Reach) {
        let zero = self.zero;
        for part in [&mut self.re, &mut self.im] {
            if reach.within < n / 2 {
                part[..zero - reach.within].fill(T::zero());
                part[zero + reach.within + 1..].fill(T::zero());
                continue;
            }
            for at in zero - reach.below.max(n / 2)..zero - n / 2 {
                part[at + n] = part[at + n] + part[at];
            }
            for at in (zero + n.div_ceil(2)..zero + reach.above).rev() {
                part[at - n] = part[at - n] + part[at];
            }
        }
    }
}

impl<T: Real, S: Passes<T>> Phases<T, S> {
    /// The way back through [`moduli`](Self::moduli) with the same band, spectrum and scale: adds to the cotangent of the spectrum.
    /// `through` is the band, or another one from the same frequency on, whose values stand for its own at the end.
    #[allow(clippy::too_many_arguments)] // those of the way there, and their cotangents
    pub fn moduli_back(
        &self,
        band: &Passband<T, S::V>,
        through: &Passband<T, S::V>,
        from: &Frequencies<T>,
        scale: T,
        u: &[S::V],
        buffers: &mut PhaseBuffers<T, S::V>,
        to: &mut Frequencies<T>,
    ) {
        self.rows(band, from, buffers);
        let [a, b] = self.sides();
        let [pitch, _] = self.pitches();
        for first in 0..a {
            let PhaseBuffers {
                tile, line, rows, ..
            } = &mut *buffers;
            let emit = Emit::Cells {
                to: &mut *line,
                stride: 1,
            };
            self.lines[1].run(&mut rows[first * pitch..][..b], emit);
            self.simd.run(Signs::<T, S> {
                z: &line[..b],
                u: &u[first..],
                stride: a,
                scale: self.simd.splat(T::one()),
                to: &mut tile[..b],
            });
            self.turn_row(first, buffers);
        }
        debug_assert_eq!((band.base, band.terms), (through.base, through.terms));
        let turn = band.first.scaled(self.simd.splat(scale));
        self.add_band(through, turn, buffers, to);
    }

    /// The way back through [`coefficients`](Self::coefficients), from their cotangents.
    ///
    /// # Panics
    /// If the band was not made for them.
    pub fn coefficients_back(
        &self,
        band: &Passband<T, S::V>,
        scale: T,
        cells: &[Cell<S::V>],
        buffers: &mut PhaseBuffers<T, S::V>,
        to: &mut Frequencies<T>,
    ) {
        let Some(back) = band.back else {
            unreachable!("the band is for moduli only")
        };
        let [a, b] = self.sides();
        for first in 0..a {
            self.simd.run(LoadRow {
                cells: &cells[first..],
                stride: a,
                to: &mut buffers.tile[..b],
            });
            self.turn_row(first, buffers);
        }
        // Parts are exchanged: what turned there turns back here as it is.
        let turn = band.first.times(back).scaled(self.simd.splat(scale));
        self.add_band(band, turn, buffers, to);
    }

    /// The line over sB of the row in the tile, parts exchanged, times the factors: to a row `[sA][kB]`.
    fn turn_row(&self, row: usize, buffers: &mut PhaseBuffers<T, S::V>) {
        let [a, b] = self.sides();
        let PhaseBuffers {
            tile, line, rows, ..
        } = buffers;
        let emit = Emit::Cells {
            to: &mut *line,
            stride: 1,
        };
        self.lines[1].run(&mut tile[..b], emit);
        self.simd.run(TurnRow {
            simd: self.simd,
            spectrum: &line[..b],
            turns: &self.turns[1],
            twiddles: self.twiddles.get(row..).unwrap_or_default(),
            rows: a,
            to: &mut rows[row * self.pitches()[0]..],
        });
    }

    /// Rows `[sA][kB]`, parts exchanged, to what a band reads.
    fn add_band(
        &self,
        band: &Passband<T, S::V>,
        turn: Cell<S::V>,
        buffers: &mut PhaseBuffers<T, S::V>,
        to: &mut Frequencies<T>,
    ) {
        let lanes = S::V::LANES;
        let [a, b] = self.sides();
        let PhaseBuffers {
            tile, line, rows, ..
        } = buffers;
        for first in (0..b).step_by(lanes) {
            let count = lanes.min(b - first);
            match a {
                1 => line[..count].copy_from_slice(&rows[first..first + count]),
                _ => {
                    for i in 0..count {
                        let column = Gather::new(&rows[first + i..], &self.column);
                        let emit = Emit::Cells {
                            to: &mut line[i..],
                            stride: lanes,
                        };
                        self.lines[0].run_gathered(column, tile, emit);
                    }
                }
            }
            let at = to.position(band.base + first as i64);
            self.simd.run(AddBand {
                simd: self.simd,
                phases: &line[..a * lanes],
                turns: &self.turns[0],
                turn,
                roots: &self.roots,
                count,
                filter: &band.values[first..],
                strides: [b, a * b],
                terms: band.terms,
                to: [&mut to.re[at..], &mut to.im[at..]],
            });
        }
    }

    /// The way back through [`spectrum`](Self::spectrum): adds to the cotangent of the samples. That of the spectrum is overwritten.
    pub fn spectrum_back(
        &self,
        spectrum: &mut Frequencies<T>,
        reach: Reach,
        buffers: &mut PhaseBuffers<T, S::V>,
        u: &mut [S::V],
    ) {
        let (simd, lanes) = (self.simd, S::V::LANES);
        let [a, b] = self.sides();
        let [pitch, _] = self.pitches();
        let PhaseBuffers {
            tile, line, rows, ..
        } = buffers;
        spectrum.fold(self.len(), reach);
        let within = reach.within.min(self.len() / 2) as i64;
        let zero = spectrum.zero as i64;
        simd.run(AddMirrored(Mirror {
            period: b as i64,
            within,
            zero,
            re: &mut spectrum.re,
            im: &mut spectrum.im,
        }));
        for first in (0..=b / 2).step_by(lanes) {
            let count = lanes.min(b / 2 + 1 - first);
            let from_frequencies = |turn: Turn<'_, S::V>, to: &mut [Cell<S::V>]| {
                simd.run(FromFrequencies {
                    simd,
                    spectrum: spectrum.from(-zero),
                    turn,
                    roots: &self.roots,
                    count,
                    first: first as i64,
                    strides: [b, a * b].map(|step| step as i64),
                    within,
                    zero,
                    to,
                });
            };
            if a == 1 {
                from_frequencies(Turn::OfB(&self.turns[1][first..]), &mut rows[first..]);
                continue;
            }
            let line = &mut line[..count * a];
            from_frequencies(Turn::OfA(&self.turns[0]), line);
            let to = SideBySide {
                to: &mut rows[first..],
                stride: pitch,
                turns: Some(Turns {
                    lines: &self.turns[1][first..],
                    cells: &self.twiddles[first * a..],
                }),
            };
            self.lines[0].run_side_by_side(line, a, to);
        }
        for row in (0..a).step_by(2) {
            let odd = row + 1 < a;
            let tile = &mut tile[..b];
            simd.run(Join {
                simd,
                even: &rows[row * pitch..],
                odd: match odd {
                    true => &rows[(row + 1) * pitch..],
                    false => &[],
                },
                neighbours: b,
                pitch: b,
                tile: &mut *tile,
            });
            let emit = Emit::Cells {
                to: &mut *line,
                stride: 1,
            };
            self.lines[1].run(tile, emit);
            simd.run(AddRows {
                cells: &line[..b],
                to: &mut u[row..self.vectors()],
                stride: a,
                odd,
            });
        }
    }
}

impl<T: Real> PhaseAverage<T> {
    /// Vectors of scratch that [`spread`](Self::spread) takes.
    pub fn spread_len(&self, lanes: usize) -> usize {
        match self.window {
            Window::Everywhere { step, .. } => {
                let samples = self.outputs.saturating_sub(1) * step + 1;
                (samples + 2 * self.taps.len() + lanes).div_ceil(lanes)
            }
            _ => 0,
        }
    }

    /// The transpose of [`apply`](Self::apply): a line that stands behind its halo, from what its averages weigh. The halo is
    /// overwritten.
    pub fn spread<S: Simd<T>>(
        &self,
        simd: S,
        outputs: &[T],
        line: &mut [S::V],
        scratch: &mut [S::V],
    ) {
        let [before, after] = self.halo;
        let line = &mut line[..before + self.vectors + after];
        let (taps, outputs) = (&self.taps[..], &outputs[..self.outputs]);
        S::V::numbers_mut(line).fill(T::zero());
        match &self.window {
            Window::Short {
                starts,
                step,
                count,
            } => simd.run(SpreadWindows {
                simd,
                starts,
                step: *step,
                taps,
                count: *count,
                outputs,
                line,
            }),
            &Window::Everywhere { first, step } => {
                // Windows are even: the transpose averages the outputs, with zeros around and between them.
                let scratch = &mut scratch[..self.spread_len(S::V::LANES)];
                let numbers = S::V::numbers_mut(scratch);
                numbers.fill(T::zero());
                let around = taps.len() - 1;
                let places = numbers[around..].iter_mut().step_by(step);
                places.zip(outputs).for_each(|(to, &output)| *to = output);
                let samples = (outputs.len() * step + taps.len()).saturating_sub(step);
                simd.run(Everywhere {
                    simd,
                    first: 0,
                    step: 1,
                    taps,
                    line: scratch,
                    to: &mut S::V::numbers_mut(line)[first..][..samples],
                });
            }
            Window::Round(firsts) => simd.run(SpreadAround {
                simd,
                firsts,
                taps,
                outputs,
                line,
            }),
        }
        simd.run(FoldHalo {
            line,
            before,
            vectors: self.vectors,
        });
    }
}
