//! [`FromTaps`]: kernels of few taps as products with the spectra of blocks, transformed on vector lanes.
//!
//! Comes in: the taps. Goes out: ĥ on the grid of a block, in the order of the plane it multiplies, with the 1/N of the
//! inverse.
//!
//! ```text
//! rows       those with taps, FFT along axis 1                          ─▶ [k1 / LANES][rows with taps]
//! columns    one group at a time: FFT along axis 0, × 1/N, rounded      ─▶ response
//! ```
//!
//! In double precision whatever the plan's, since the rounding of a kernel would come on top of the signal's. Against the
//! definition both ways of transforming, this one and [`transfer_of_taps`](super::transfer::transfer_of_taps), are off by a
//! few 1e-16 of the largest value, so that single precision rounds them alike but where a value lies between two.
//! A line is folded into a plane as in [`blocks`](super::blocks), and all its rows have taps.

use std::marker::PhantomData;

use num_complex::Complex;

use super::blocks::twiddles;
use super::transfer::place;
use crate::fft::Line;
use crate::isa::Isa;
use crate::kernels::pass::{Emit, Passes, WithSimd};
use crate::kernels::response::Response;
use crate::kernels::squares::{LoadLine, LoadRows, Round, Spread};
use crate::kernels::vector::{Cell, MAX_LANES, Simd, Vector, zero};
use crate::num::Real;
use crate::num::sealed::Sealed;
use crate::parallel;

/// The kernels of a task whose blocks have these sides.
pub(super) struct FromTaps<'a, S> {
    /// What the kernels will be multiplied on.
    pub simd: S,
    /// Of the plane.
    pub sides: [usize; 2],
    /// Whether the plane is a line, folded.
    pub line: bool,
    pub count: usize,
    pub taps: &'a (dyn Fn(usize) -> Vec<Complex<f64>> + Sync),
    /// Taps along each axis.
    pub k: [usize; 2],
    /// Tap t stands at t − shift, modulo the block.
    pub shift: [usize; 2],
}

/// A kernel whose response has fewer values than this is transformed on one thread: it takes less than waking another.
const SHARED: usize = 1 << 15;

impl<S> FromTaps<'_, S> {
    /// The responses, for vectors of `T` of the same instruction set.
    pub fn on<T: Real>(self, isa: Isa) -> Vec<Response<S::V>>
    where
        S: Passes<T>,
    {
        let Self {
            simd,
            sides,
            line,
            count,
            taps,
            k,
            shift,
        } = self;
        let [n0, n1] = sides;
        let lanes = S::V::LANES;
        let transform = f64::with_simd(isa, Plan { sides, line });
        parallel::map(count, |index| {
            let rows = transform.rows(&taps(index), k, shift);
            let mut cells = vec![zero(simd); n1.div_ceil(lanes) * n0];
            let workers = match cells.len() * lanes < SHARED {
                true => 1,
                false => parallel::threads(),
            };
            let workers = (0..workers).map(|_| vec![Complex::ZERO; lanes * n0]);
            let groups = cells.chunks_exact_mut(n0).enumerate();
            parallel::for_each(Vec::from_iter(workers), groups, |hat, (group, to)| {
                rows.columns(group * lanes, lanes, hat);
                simd.run(Round {
                    simd,
                    from: hat,
                    to,
                    precision: PhantomData,
                });
            });
            Response::dense(n0, cells)
        })
    }
}

/// Transforms on the lanes of some instruction set, compiled apart from what they are for.
trait InDouble: Sync {
    /// The rows with taps, transformed.
    fn rows<'a>(
        &'a self,
        taps: &[Complex<f64>],
        k: [usize; 2],
        shift: [usize; 2],
    ) -> Box<dyn Columns + 'a>;
}

trait Columns: Sync {
    /// ĥ / N for frequencies `first ..` of axis 1, as many as there are lanes: `[k0][lanes]`, zeros beyond the last.
    fn columns(&self, first: usize, lanes: usize, to: &mut [Complex<f64>]);
}

/// What makes an [`InDouble`].
struct Plan {
    sides: [usize; 2],
    line: bool,
}

impl WithSimd<f64> for Plan {
    type Output = Box<dyn InDouble>;

    fn run<W: Passes<f64>>(self, wide: W) -> Self::Output {
        Box::new(Transform {
            wide,
            lines: self.sides.map(|n| Line::new(wide, n)),
            twiddles: match self.line {
                true => twiddles(wide, self.sides),
                false => Vec::new(),
            },
            line: self.line,
        })
    }
}

/// Transforms on lanes of double precision.
struct Transform<W: Simd<f64>> {
    wide: W,
    lines: [Line<f64, W>; 2],
    twiddles: Vec<Cell<W::V>>,
    line: bool,
}

/// Rows of a kernel, transformed.
struct Rows<'a, W: Simd<f64>> {
    transform: &'a Transform<W>,
    /// `[k1 / LANES][height in whole squares]`
    plane: Vec<Cell<W::V>>,
    height: usize,
    shift: usize,
}

impl<W: Passes<f64>> InDouble for Transform<W> {
    fn rows<'a>(
        &'a self,
        taps: &[Complex<f64>],
        k: [usize; 2],
        shift: [usize; 2],
    ) -> Box<dyn Columns + 'a> {
        let (plane, height, shift) = match self.line {
            true => (self.whole_line(taps, shift[1]), self.lines[0].len(), 0),
            false => (self.rows_with_taps(taps, k, shift[1]), k[0], shift[0]),
        };
        Box::new(Rows {
            transform: self,
            plane,
            height,
            shift,
        })
    }
}

impl<W: Passes<f64>> Columns for Rows<'_, W> {
    fn columns(&self, first: usize, lanes: usize, to: &mut [Complex<f64>]) {
        let Transform { wide, lines, .. } = self.transform;
        let [n0, n1] = lines.each_ref().map(Line::len);
        let scale = 1.0 / (n0 * n1) as f64;
        let stride = self.height.next_multiple_of(W::V::LANES);
        let mut column = vec![zero(*wide); n0];
        let mut hat = column.clone();
        let mut lane = 0;
        while lane < lanes {
            // Lanes of ours that are next, of one group of columns.
            let (group, from) = ((first + lane) / W::V::LANES, (first + lane) % W::V::LANES);
            let count = (W::V::LANES - from).min(lanes - lane);
            match self.plane.chunks_exact(stride).nth(group) {
                Some(rows) => {
                    column.fill(zero(*wide));
                    place(&rows[..self.height], self.shift, &mut column);
                    let to = Emit::Cells {
                        to: &mut hat,
                        stride: 1,
                    };
                    lines[0].run(&mut column, to);
                }
                None => hat.fill(zero(*wide)),
            }
            for (to, hat) in to.chunks_exact_mut(lanes).zip(&hat) {
                // parts exchanged
                let parts = hat.im.lanes()[from..].iter().zip(&hat.re.lanes()[from..]);
                for (to, (&re, &im)) in to[lane..][..count].iter_mut().zip(parts) {
                    *to = Complex::new(re * scale, im * scale);
                }
            }
            lane += count;
        }
    }
}

impl<W: Passes<f64>> Transform<W> {
    /// Cells of a row, in whole squares.
    fn row(&self) -> usize {
        self.lines[1].len().next_multiple_of(W::V::LANES)
    }

    /// Rows with taps, transformed: `[k1 / LANES][rows in whole squares]`.
    fn rows_with_taps(
        &self,
        taps: &[Complex<f64>],
        k: [usize; 2],
        shift: usize,
    ) -> Vec<Cell<W::V>> {
        let (lanes, n1) = (W::V::LANES, self.lines[1].len());
        let stride = k[0].next_multiple_of(lanes);
        let zero = zero(self.wide);
        let mut plane = vec![zero; self.row() / lanes * stride];
        let (mut tile, mut row) = (vec![zero; self.row()], vec![zero; self.row()]);
        let mut parts = [vec![0.0; lanes * n1], vec![0.0; lanes * n1]];
        let mut part = vec![0.0; k[1]];
        for (band, taps) in taps.chunks(lanes * k[1]).enumerate() {
            let of: [fn(&Complex<f64>) -> f64; 2] = [|tap| tap.re, |tap| tap.im];
            for (parts, of) in parts.iter_mut().zip(of) {
                parts.fill(0.0);
                for (taps, to) in taps.chunks(k[1]).zip(parts.chunks_exact_mut(n1)) {
                    part.iter_mut()
                        .zip(taps)
                        .for_each(|(to, tap)| *to = of(tap));
                    place(&part, shift, to);
                }
            }
            let mut rows = [[&parts[0][..n1]; MAX_LANES]; 2];
            for (rows, parts) in rows.iter_mut().zip(&parts) {
                rows.iter_mut()
                    .zip(parts.chunks_exact(n1))
                    .for_each(|(row, part)| *row = part);
            }
            self.wide.run(LoadRows {
                simd: self.wide,
                rows: &rows,
                len: n1,
                tile: &mut tile,
            });
            self.spread(&mut tile, &mut row, &[], &mut plane[band * lanes..], stride);
        }
        plane
    }

    /// All rows of a folded line, transformed: the same with n0 rows.
    fn whole_line(&self, taps: &[Complex<f64>], shift: usize) -> Vec<Cell<W::V>> {
        let lanes = W::V::LANES;
        let [n0, n1] = self.lines.each_ref().map(Line::len);
        let zero = zero(self.wide);
        let mut plane = vec![zero; self.row() / lanes * n0];
        let (mut tile, mut row) = (vec![zero; self.row()], vec![zero; self.row()]);
        let of: [fn(&Complex<f64>) -> f64; 2] = [|tap| tap.re, |tap| tap.im];
        let [re, im] = of.map(|of| {
            let mut block = vec![0.0; n0 * n1];
            place(&taps.iter().map(of).collect::<Vec<_>>(), shift, &mut block);
            block
        });
        for (band, by) in self.twiddles.chunks_exact(self.row()).enumerate() {
            let first = band * lanes;
            self.wide.run(LoadLine {
                simd: self.wide,
                re: &re[first..],
                im: &im[first..],
                stride: n0,
                tile: &mut tile[..n1],
            });
            self.spread(&mut tile, &mut row, by, &mut plane[first..], n0);
        }
        plane
    }

    /// A line of rows, transformed, into columns.
    fn spread(
        &self,
        tile: &mut [Cell<W::V>],
        row: &mut [Cell<W::V>],
        by: &[Cell<W::V>],
        plane: &mut [Cell<W::V>],
        stride: usize,
    ) {
        self.lines[1].run(
            tile,
            Emit::Cells {
                to: &mut *row,
                stride: 1,
            },
        );
        self.wide.run(Spread {
            simd: self.wide,
            row,
            by,
            plane,
            stride,
        });
    }
}
