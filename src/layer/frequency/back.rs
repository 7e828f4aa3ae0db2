//! The way back through a convolution across wavelets: from cotangents of what is kept of U to those of y.
//!
//! ```text
//! ŷ again;   for every wavelet: z again, z̄ = Ū·z/|z|, its DFT, times ψ̂, added to ŷ̄;   ȳ = Σ_k ŷ̄(k)·exp(2πi·km/N)
//! ```
//!
//! A DFT with exp(−2πi…) is one with exp(+2πi…) of cells whose parts are exchanged; ŷ̄ has them exchanged.

use super::{Columns, Frequency, KeepLine, Load, Product, Stretch, Wave};
use crate::kernels::pass::{Emit, Passes};
use crate::kernels::phases::back::Signs;
use crate::kernels::vector::{Cell, Kernel, MAX_LANES, Simd, Vector, zero};
use crate::memory::Footprint;
use crate::num::Real;

/// Scratch of the way back, beside that of the way there.
#[derive(Debug)]
pub(crate) struct BackColumns<V> {
    bar: Vec<Cell<V>>,
    z: Vec<Cell<V>>,
}

impl<T: Real, S: Passes<T>> Frequency<T, S> {
    pub fn back_footprint(&self, others: Footprint) -> Footprint {
        others.with::<Cell<S::V>>("cotangents across wavelets", 2 * self.len)
    }

    pub fn back_columns(&self) -> BackColumns<S::V> {
        BackColumns {
            bar: vec![zero(self.simd); self.len],
            z: vec![zero(self.simd); self.len],
        }
    }

    /// The way back through [`run`](Self::run) with the same waves and y: from the cotangents of its rows to those of y, which are
    /// set. Without imaginary parts y is real.
    #[allow(clippy::too_many_arguments)] // those of the way there, and their cotangents
    pub fn run_back(
        &self,
        waves: impl Iterator<Item = (usize, usize)> + Clone,
        [re, re_bar]: [&mut [T]; 2],
        mut im: Option<[&mut [T]; 2]>,
        (count, times): (usize, usize),
        columns: &mut Columns<S::V>,
        BackColumns { bar, z }: &mut BackColumns<S::V>,
        rows_bar: &[T],
    ) {
        let simd = self.simd;
        let lanes = S::V::LANES;
        let Columns {
            spectrum,
            tile,
            moduli,
            kept,
        } = columns;
        for start in (0..times).step_by(lanes) {
            let some = lanes.min(times - start);
            simd.run(Load {
                simd,
                re,
                im: im.as_ref().map(|[im, _]| &**im),
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
            bar.fill(zero(simd));
            let mut rows_bar = rows_bar;
            for (wave, rows) in waves.clone() {
                let Wave {
                    stretches,
                    values,
                    level,
                    keep,
                } = &self.waves[wave];
                let len = self.len >> level;
                simd.run(Product {
                    simd,
                    spectrum,
                    stretches,
                    values,
                    to: &mut tile[..len],
                });
                let to = Emit::Cells {
                    to: &mut z[..],
                    stride: 1,
                };
                self.inverse[*level].run(tile, to);

                let (own, others) = rows_bar.split_at(rows * times);
                rows_bar = others;
                kept.fill(simd.splat(T::zero()));
                for (row, vector) in own.chunks_exact(times).zip(&mut *kept) {
                    let mut few = [T::zero(); MAX_LANES];
                    few[..some].copy_from_slice(&row[start..start + some]);
                    *vector = simd.load(&few[..lanes]);
                }
                let line = &mut moduli[..len];
                let there = count.div_ceil(1 << level).min(len);
                keep.spread(simd, kept, there, line);
                simd.run(Signs::<T, S> {
                    z: &z[..len],
                    u: line,
                    stride: 1,
                    scale: simd.splat(T::narrow(1.0 / self.len as f64)),
                    to: &mut tile[..len],
                });
                let to = Emit::Cells {
                    to: &mut z[..],
                    stride: 1,
                };
                self.inverse[*level].run(tile, to);
                simd.run(AddProduct {
                    simd,
                    cells: z,
                    stretches,
                    values,
                    to: bar,
                });
            }
            for (to, cell) in tile.iter_mut().zip(&*bar) {
                *to = cell.swapped();
            }
            let to = Emit::Cells {
                to: &mut z[..],
                stride: 1,
            };
            self.forward.run(tile, to);
            let at = |row: usize| row * times + start..row * times + start + some;
            for (row, cell) in z[..count].iter().enumerate() {
                re_bar[at(row)].copy_from_slice(&cell.re.lanes()[..some]);
                if let Some([_, im_bar]) = &mut im {
                    im_bar[at(row)].copy_from_slice(&cell.im.lanes()[..some]);
                }
            }
        }
    }
}

impl<T: Real, S: Simd<T>> KeepLine<T, S> {
    /// The transpose of what is kept of a line, of whose wavelets so many are there: the cotangents of the line.
    fn spread(&self, simd: S, kept: &[S::V], there: usize, line: &mut [S::V]) {
        line.fill(simd.splat(T::zero()));
        match self {
            KeepLine::Average(average) => average.add_adjoint(&kept[..average.width()], line),
            KeepLine::Mean => {
                line[..there].fill(kept[0] * simd.splat(T::narrow(1.0 / there as f64)))
            }
            KeepLine::Sum => line.fill(kept[0]),
            KeepLine::Rows => line.copy_from_slice(&kept[..line.len()]),
        }
    }
}

/// The transpose of [`Product`], between cells whose parts are exchanged: adds.
struct AddProduct<'a, T, S: Simd<T>> {
    simd: S,
    cells: &'a [Cell<S::V>],
    stretches: &'a [Stretch],
    values: &'a [T],
    to: &'a mut [Cell<S::V>],
}

impl<T: Real, S: Simd<T>> Kernel for AddProduct<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut values = self.values;
        for &Stretch { from, to: at, len } in self.stretches {
            let (own, others) = values.split_at(len);
            let cells = self.cells[at..at + len].iter().zip(own);
            for (to, (cell, &value)) in self.to[from..from + len].iter_mut().zip(cells) {
                *to = cell.scaled_add(self.simd.splat(value), *to);
            }
            values = others;
        }
    }
}
