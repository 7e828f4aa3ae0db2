//! [`Line`]: the DFT of one length over as many lines as a vector has lanes.
//!
//! Comes in: a line of cells, each a complex number in every lane. Goes out: y(k) = Σ_n x(n)·exp(+2πi·kn/N), unscaled,
//! handed to a destination in natural order. The other sign is the same with real and imaginary parts exchanged on
//! both sides.
//!
//! A length that the radices of [`pass`] divide is a few passes in place (Cooley & Tukey 1965); any other is a circular
//! convolution with a chirp (Bluestein 1970), so no length costs more than N·log N.

use std::f64::consts::PI;

use super::radices::radices;
use crate::kernels::any_length::AnyLength;
use crate::kernels::butterfly::constants_of_17;
use crate::kernels::pass::{Emit, Gather, Offsets, Passes, SideBySide};
use crate::kernels::vector::{Cell, Kernel, Simd, Vector, zero};
use crate::num::{Complex, Real};

/// A planned line transform.
#[derive(Debug, Clone)]
pub(crate) struct Line<T, S: Simd<T>> {
    len: usize,
    simd: S,
    method: Method<T, S>,
}

#[derive(Debug, Clone)]
enum Method<T, S: Simd<T>> {
    InPlace(InPlace<T, S>),
    Bluestein(Bluestein<T, S>),
}

impl<T: Real, S: Passes<T>> Line<T, S> {
    pub fn new(simd: S, len: usize) -> Self {
        let method = match radices(len) {
            Some(radices) => Method::InPlace(InPlace::new(simd, len, &radices)),
            None => Method::Bluestein(Bluestein::new(simd, len)),
        };
        Self { len, simd, method }
    }

    /// Cells of a line.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Cells that [`run`](Self::run) asks for: the line, and scratch behind it.
    pub fn tile_len(&self) -> usize {
        match &self.method {
            Method::InPlace(_) => self.len,
            Method::Bluestein(chirp) => 2 * chirp.len(),
        }
    }

    /// Transforms a line whose cells are not contiguous, on a tile of scratch.
    pub fn run_gathered(
        &self,
        from: Gather<'_, S::V>,
        tile: &mut [Cell<S::V>],
        emit: Emit<'_, T, S::V>,
    ) {
        match &self.method {
            Method::InPlace(line) if !line.passes.is_empty() => {
                line.run_gathered(self.simd, from, &mut tile[..self.len], emit);
            }
            _ => {
                tile.iter_mut()
                    .zip(from.iter())
                    .for_each(|(to, cell)| *to = *cell);
                self.run(tile, emit);
            }
        }
    }

    /// Transforms the first `len` cells of the tile, and destroys the tile.
    pub fn run(&self, tile: &mut [Cell<S::V>], emit: Emit<'_, T, S::V>) {
        match &self.method {
            Method::InPlace(line) => line.run(self.simd, &mut tile[..self.len], emit),
            Method::Bluestein(chirp) => chirp.run(self.simd, self.len, tile, emit),
        }
    }

    /// Transforms several lines, `pitch` cells from each other, and destroys them.
    ///
    /// # Panics
    /// If the length has no radices.
    pub fn run_side_by_side(
        &self,
        cells: &mut [Cell<S::V>],
        pitch: usize,
        to: SideBySide<'_, T, S::V>,
    ) {
        match &self.method {
            Method::InPlace(line) => line.run_side_by_side(self.simd, self.len, cells, pitch, to),
            Method::Bluestein(_) => unreachable!("{} has no radices", self.len),
        }
    }
}

/// Passes in place, the last one into the destination.
#[derive(Debug, Clone)]
struct InPlace<T, S: Simd<T>> {
    passes: Vec<Pass<T, S>>,
    last: usize,
    roots: Vec<Cell<S::V>>,
    /// The first result of every block of the last pass.
    order: Offsets,
}

#[derive(Debug, Clone)]
struct Pass<T, S: Simd<T>> {
    radix: usize,
    m: usize,
    twiddles: Vec<Complex<T>>,
    roots: Vec<Cell<S::V>>,
}

impl<T: Real, S: Passes<T>> InPlace<T, S> {
    fn new(simd: S, len: usize, radices: &[usize]) -> Self {
        let mut passes = Vec::new();
        let mut order = vec![0_u32];
        let mut block = len; // cells that still depend on each other
        let (&last, first) = radices.split_last().unwrap_or((&1, &[]));
        for &radix in first {
            let m = block / radix;
            let twiddles = (0..m)
                .flat_map(|i| (1..radix).map(move |r| root(i * r, block)))
                .collect();
            passes.push(Pass {
                radix,
                m,
                twiddles,
                roots: roots(simd, radix),
            });
            // Block r of this pass holds the results that are r modulo what has been split off so far.
            let split = len / block;
            order = order
                .iter()
                .flat_map(|&first| (0..radix).map(move |r| first + (r * split) as u32))
                .collect();
            block = m;
        }
        Self {
            passes,
            last,
            roots: roots(simd, last),
            order: order.into_iter().collect(),
        }
    }

    fn run(&self, simd: S, cells: &mut [Cell<S::V>], emit: Emit<'_, T, S::V>) {
        self.run_from(0, simd, cells, emit);
    }

    /// The same of a line whose cells are not contiguous; there is more than one pass.
    fn run_gathered(
        &self,
        simd: S,
        from: Gather<'_, S::V>,
        cells: &mut [Cell<S::V>],
        emit: Emit<'_, T, S::V>,
    ) {
        let Pass {
            radix,
            twiddles,
            roots,
            ..
        } = &self.passes[0];
        simd.gathered(*radix, from, cells, twiddles, roots);
        self.run_from(1, simd, cells, emit);
    }

    fn run_from(&self, first: usize, simd: S, cells: &mut [Cell<S::V>], emit: Emit<'_, T, S::V>) {
        for pass in &self.passes[first..] {
            simd.twiddled(pass.radix, cells, pass.m, &pass.twiddles, &pass.roots);
        }
        simd.last(self.last, cells, &self.order, &self.roots, emit);
    }

    fn run_side_by_side(
        &self,
        simd: S,
        len: usize,
        cells: &mut [Cell<S::V>],
        pitch: usize,
        to: SideBySide<'_, T, S::V>,
    ) {
        for pass in &self.passes {
            let twiddled = |cells: &mut [Cell<S::V>]| {
                simd.twiddled(pass.radix, cells, pass.m, &pass.twiddles, &pass.roots);
            };
            match pitch == len {
                true => twiddled(cells),
                false => cells
                    .chunks_mut(pitch)
                    .for_each(|line| twiddled(&mut line[..len])),
            }
        }
        simd.last_side_by_side(self.last, cells, pitch, &self.order, &self.roots, to);
    }
}

/// y(k) = c(k)·Σ_n (x·c)(n)·conj c(k − n), c(n) = exp(iπn²/N), since 2kn = k² + n² − (k − n)².
#[derive(Debug, Clone)]
struct Bluestein<T, S: Simd<T>> {
    line: InPlace<T, S>,
    chirp: Vec<Complex<T>>,
    /// The transform of conj c, wrapped around, over its length.
    response: Vec<Complex<T>>,
}

impl<T: Real, S: Passes<T>> Bluestein<T, S> {
    fn new(simd: S, len: usize) -> Self {
        let (long, radices) = (2 * len - 1..)
            .find_map(|long| Some((long, radices(long)?)))
            .expect("powers of two have radices");
        let chirp: Vec<Complex<f64>> = (0..len)
            .map(|n| {
                let turns = (n as u128 * n as u128 % (2 * len as u128)) as f64 / (2 * len) as f64;
                Complex::cis(2.0 * PI * turns)
            })
            .collect();
        let mut response = vec![Complex::new(0.0, 0.0); long];
        for (n, value) in chirp.iter().enumerate() {
            response[n] = value.conj();
            response[(long - n) % long] = value.conj();
        }
        f64::inverse(long).process(&mut response);
        Self {
            line: InPlace::new(simd, long, &radices),
            chirp: chirp.iter().map(narrow).collect(),
            response: response
                .iter()
                .map(|value| narrow(&(value / long as f64)))
                .collect(),
        }
    }

    fn len(&self) -> usize {
        self.response.len()
    }

    fn run(&self, simd: S, len: usize, tile: &mut [Cell<S::V>], mut emit: Emit<'_, T, S::V>) {
        let (line, spectrum) = tile[..2 * self.len()].split_at_mut(self.len());
        line[len..].fill(zero(simd));
        let (chirp, response) = (&self.chirp, &self.response);
        simd.run(Multiply {
            simd,
            cells: &mut line[..len],
            by: chirp,
            swap: false,
        });
        self.line.run(
            simd,
            line,
            Emit::Cells {
                to: &mut *spectrum,
                stride: 1,
            },
        );
        // The way back has the other sign: exchange the parts before it and after it.
        simd.run(Multiply {
            simd,
            cells: &mut *spectrum,
            by: response,
            swap: true,
        });
        self.line.run(
            simd,
            spectrum,
            Emit::Cells {
                to: &mut *line,
                stride: 1,
            },
        );
        line[..len]
            .iter_mut()
            .for_each(|cell| *cell = cell.swapped());
        simd.run(Multiply {
            simd,
            cells: &mut line[..len],
            by: chirp,
            swap: false,
        });
        simd.run(EmitCells {
            simd,
            cells: &line[..len],
            emit: &mut emit,
        });
    }
}

/// Cells times numbers, parts exchanged afterwards or not.
struct Multiply<'a, T, S: Simd<T>> {
    simd: S,
    cells: &'a mut [Cell<S::V>],
    by: &'a [Complex<T>],
    swap: bool,
}

impl<T: Real, S: Simd<T>> Kernel for Multiply<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (cell, by) in self.cells.iter_mut().zip(self.by) {
            let product = cell.times(Cell {
                re: self.simd.splat(by.re),
                im: self.simd.splat(by.im),
            });
            *cell = if self.swap {
                product.swapped()
            } else {
                product
            };
        }
    }
}

/// Cells to a destination, as the last pass does it.
struct EmitCells<'a, 'b, T, S: Simd<T>> {
    simd: S,
    cells: &'a [Cell<S::V>],
    emit: &'a mut Emit<'b, T, S::V>,
}

impl<T: Real, S: Simd<T>> Kernel for EmitCells<'_, '_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        match self.emit {
            Emit::Cells { to, stride } => {
                for (to, &cell) in to.iter_mut().step_by(*stride).zip(self.cells) {
                    *to = cell;
                }
            }
            Emit::Halves { to, stride } => {
                for (rows, cells) in to.chunks_mut(*stride).zip(self.cells.chunks(2)) {
                    let [a, b] = [cells[0], cells[cells.len() - 1]];
                    let [re, im] = [(a.re, b.re), (a.im, b.im)].map(|(a, b)| S::V::exchange(a, b));
                    rows[0] = Cell {
                        re: re[0],
                        im: im[0],
                    };
                    rows[1] = Cell {
                        re: re[1],
                        im: im[1],
                    };
                }
            }
            Emit::Modulus { to, stride, scale } => {
                let scale = self.simd.splat(*scale);
                for (to, cell) in to.iter_mut().step_by(*stride).zip(self.cells) {
                    *to = scale * cell.re.mul_add(cell.re, cell.im * cell.im).sqrt();
                }
            }
        }
    }
}

/// exp(2πi·n/len), rounded once.
fn root<T: Real>(n: usize, len: usize) -> Complex<T> {
    narrow(&Complex::cis(2.0 * PI * (n % len) as f64 / len as f64))
}

fn roots<T: Real, S: Simd<T>>(simd: S, radix: usize) -> Vec<Cell<S::V>> {
    let roots: Vec<Complex<T>> = match radix {
        17 => constants_of_17().iter().map(narrow).collect(),
        _ => (0..radix).map(|j| root(j, radix)).collect(),
    };
    roots
        .iter()
        .map(|value| Cell {
            re: simd.splat(value.re),
            im: simd.splat(value.im),
        })
        .collect()
}

fn narrow<T: Real>(value: &Complex<f64>) -> Complex<T> {
    Complex::new(T::narrow(value.re), T::narrow(value.im))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::kernels::pass::{Turns, WithSimd};
    use crate::num::relative_error;

    /// Σ_n x(n)·exp(2πi·kn/N) in f64.
    fn dft(x: &[Complex<f64>], k: usize) -> Complex<f64> {
        let n = x.len();
        (0..n)
            .map(|i| x[i] * Complex::cis(2.0 * PI * (i * k % n) as f64 / n as f64))
            .sum()
    }

    /// The relative error of every lane, cells and moduli together, with dirty scratch.
    struct Check {
        len: usize,
    }

    impl<T: Real> WithSimd<T> for Check {
        type Output = f64;

        fn run<S: Passes<T>>(self, simd: S) -> f64 {
            let Self { len } = self;
            let lanes = S::V::LANES;
            let value = |i: usize, lane: usize| {
                let t = (i * i + 3 * lane) as f64;
                Complex::new((0.7 * t).sin() + 0.1, (0.3 * t + 1.0).cos())
            };
            let lane = |f: &dyn Fn(usize) -> f64| {
                let numbers: Vec<T> = (0..lanes).map(|lane| T::narrow(f(lane))).collect();
                simd.load(&numbers)
            };
            let line = Line::<T, S>::new(simd, len);
            let dirt = simd.splat(T::nan());
            let mut tile = vec![Cell { re: dirt, im: dirt }; line.tile_len() + 3];
            let fill = |tile: &mut [Cell<S::V>]| {
                for (i, cell) in tile[..len].iter_mut().enumerate() {
                    cell.re = lane(&|lane| value(i, lane).re);
                    cell.im = lane(&|lane| value(i, lane).im);
                }
            };
            let stride = 2;
            let mut cells = vec![Cell { re: dirt, im: dirt }; len * stride];
            fill(&mut tile);
            line.run(
                &mut tile,
                Emit::Cells {
                    to: &mut cells,
                    stride,
                },
            );
            // the same line, every third of other cells, backwards
            let mut others = vec![Cell { re: dirt, im: dirt }; 3 * len];
            let offset = |i: usize| 3 * (len - 1 - i);
            let offsets: Offsets = (0..len).map(|i| offset(i) as u32).collect();
            fill(&mut tile);
            for i in 0..len {
                others[offset(i)] = tile[i];
            }
            tile.fill(Cell { re: dirt, im: dirt });
            let mut gathered = cells.clone();
            let to = Emit::Cells {
                to: &mut gathered,
                stride,
            };
            line.run_gathered(Gather::new(&others, &offsets), &mut tile, to);
            for (a, b) in cells.iter().zip(&gathered).step_by(stride) {
                assert_eq!(a.re.lanes(), b.re.lanes());
                assert_eq!(a.im.lanes(), b.im.lanes());
            }
            if line.tile_len() == len {
                // three lines side by side, as they are and turned
                for (pitch, turned) in [(len, false), (len + 2, true)] {
                    let count = 3;
                    let mut tiles = vec![Cell { re: dirt, im: dirt }; (count - 1) * pitch + len];
                    tiles.chunks_mut(pitch).for_each(&fill);
                    let mut to = vec![Cell { re: dirt, im: dirt }; len * count];
                    let turns = Turns {
                        lines: &[0, len / 2, len - 1].map(|k| cells[k * stride]),
                        cells: &(0..count * len)
                            .map(|i| Complex::new(T::narrow(i as f64), T::one()))
                            .collect::<Vec<_>>(),
                    };
                    let destination = SideBySide {
                        to: &mut to,
                        stride: count,
                        turns: turned.then_some(turns),
                    };
                    line.run_side_by_side(&mut tiles, pitch, destination);
                    for (at, got) in to.iter().enumerate() {
                        let (k, i) = (at / count, at % count);
                        let mut expected = cells[k * stride];
                        if turned {
                            let by = turns.cells[i * len + k];
                            expected = expected.times(turns.lines[i].times(Cell {
                                re: simd.splat(by.re),
                                im: simd.splat(by.im),
                            }));
                        }
                        assert_eq!(got.re.lanes(), expected.re.lanes());
                        assert_eq!(got.im.lanes(), expected.im.lanes());
                    }
                }
            }
            let mut moduli = vec![dirt; len * stride];
            fill(&mut tile);
            let scale = T::narrow(0.5);
            line.run(
                &mut tile,
                Emit::Modulus {
                    to: &mut moduli,
                    stride,
                    scale,
                },
            );

            let mut worst = 0.0_f64;
            for lane in 0..lanes {
                let x: Vec<_> = (0..len).map(|i| value(i, lane)).collect();
                let expected: Vec<_> = (0..len).map(|k| dft(&x, k)).collect();
                let parts = |cells: &[Cell<S::V>]| -> Vec<T> {
                    cells
                        .iter()
                        .step_by(stride)
                        .flat_map(|cell| [cell.re.lanes()[lane], cell.im.lanes()[lane]])
                        .collect()
                };
                let error =
                    relative_error(parts(&cells), expected.iter().flat_map(|y| [y.re, y.im]));
                let of_moduli = relative_error(
                    moduli.iter().step_by(stride).map(|v| v.lanes()[lane]),
                    expected.iter().map(|y| 0.5 * y.norm()),
                );
                assert!(!error.is_nan() && !of_moduli.is_nan(), "length {len}");
                worst = worst.max(error).max(of_moduli);
            }
            worst
        }
    }

    #[test]
    fn a_line_equals_the_definition_at_every_length_on_every_instruction_set() {
        use crate::num::sealed::Sealed;
        // all up to 40, one of every radix alone and twice, sizes of padded images, large primes and their products
        let lengths = (1..=40)
            .chain([
                49, 60, 68, 72, 96, 121, 136, 144, 169, 225, 240, 256, 272, 288, 289,
            ])
            .chain([23 * 2, 43 * 6, 127, 19 * 19, 509]);
        for len in lengths {
            for isa in Isa::available() {
                let single = f32::with_simd(isa, Check { len });
                let double = f64::with_simd(isa, Check { len });
                assert!(single < 6e-7, "{isa}, {len}, f32: {single:e}");
                assert!(double < 1e-14, "{isa}, {len}, f64: {double:e}");
            }
        }
    }
}
