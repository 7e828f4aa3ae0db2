//! The way back through a [`Plane`], stage by stage.
//!
//! ```text
//! columns    inverse FFT along axis 0 of what the paths that go on send back           ─▶ bands   [k1 / 4][n0][4]
//! rows       inverse FFT along axis 1 of two rows at once, real parts; what is kept      ─▶ ū
//!            z again, z̄ = ū·z/|z|, FFT along axis 1                                     ─▶ hats    [n0 / 2][k1][2]
//! unfold     FFT along axis 0, times ψ̂, added to where x̂ was read
//! ```
//!
//! Vectors hold one or two neighbours of a path, as on the way there. Neither ū nor z̄ is ever written to memory whole.

use super::{BAND, LineBuffers, Plane, PlaneBuffers};
use crate::kernels::pairs::{Join, Part};
use crate::kernels::pass::{Emit, Gather, Offsets, Passes};
use crate::kernels::phases::back::Signs;
use crate::kernels::vector::{Cell, Simd, zero};
use crate::layer::observe::Observer;
use crate::memory::Footprint;
use crate::num::Real;
use crate::parallel;

/// What the way back leaves in memory between its stages. Long enough for the largest grid it is used on.
#[derive(Debug)]
pub(crate) struct BackBuffers<V> {
    bands: Vec<Cell<V>>,
    hats: Vec<Cell<V>>,
    /// The cotangents of what was observed of every row of cells, and of what is kept.
    rows: Vec<V>,
    kept: Vec<V>,
}

/// How long they are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BackLengths {
    bands: usize,
    hats: usize,
    rows: usize,
    kept: usize,
}

impl BackLengths {
    /// Long enough for both.
    pub fn max(self, other: Self) -> Self {
        Self {
            bands: self.bands.max(other.bands),
            hats: self.hats.max(other.hats),
            rows: self.rows.max(other.rows),
            kept: self.kept.max(other.kept),
        }
    }

    pub fn footprint<V: 'static>(self, others: Footprint) -> Footprint {
        others
            .with::<Cell<V>>("bands of the way back", self.bands)
            .with::<Cell<V>>("rows of the way back", self.hats)
            .with::<V>("cotangents of rows", self.rows)
            .with::<V>("cotangents of what is kept", self.kept)
    }
}

impl<V: Copy> BackBuffers<V> {
    pub fn new<T: Real>(simd: impl Simd<T, V = V>, lengths: BackLengths) -> Self {
        let zero = zero(simd);
        Self {
            bands: vec![zero; lengths.bands],
            hats: vec![zero; lengths.hats],
            rows: vec![zero.re; lengths.rows],
            kept: vec![zero.re; lengths.kept],
        }
    }
}

impl<T: Real, S: Passes<T>> Plane<T, S> {
    /// Cells of the spectra of two rows of cells, all of them; a few are spare, as in a band.
    fn hat_len(&self) -> usize {
        2 * (self.grid.shape[1] + self.parts)
    }

    /// What the way back takes on this grid, and if paths `go_on` from it.
    pub fn back_lengths(&self, go_on: bool, observer: &Observer<T, S>) -> BackLengths {
        let columns = self.half_columns() * self.parts;
        BackLengths {
            bands: match go_on {
                true => columns.div_ceil(BAND) * self.band_len(),
                false => 0,
            },
            hats: self.rows_len().div_ceil(2) * self.hat_len(),
            rows: self.rows_len() * super::Rows::width(observer),
            kept: observer.len(),
        }
    }

    /// Where the cells of a column stand in the hats.
    pub(super) fn hat_columns(&self) -> Offsets {
        let together = 2 * self.parts;
        let rows = 0..self.grid.shape[0];
        rows.map(|y| (y / together * self.hat_len() + y % together) as u32)
            .collect()
    }

    /// First stage, if paths go on: the inverse FFT along axis 0 of the cotangent of their spectra.
    pub fn columns_back<W: Send + AsMut<LineBuffers<S::V>>>(
        &self,
        hat: &[Cell<S::V>],
        back: &mut BackBuffers<S::V>,
        workers: &mut [W],
    ) {
        let [n0, _] = self.grid.shape;
        let columns = hat[..self.half_len()].chunks_exact(n0);
        let per_band = BAND / self.parts;
        let count = self.half_columns().div_ceil(per_band);
        let bands = back.bands.chunks_mut(self.band_len()).take(count);
        parallel::for_each(workers.iter_mut(), bands.enumerate(), |worker, task| {
            let (band, cells) = task;
            let tile = &mut worker.as_mut().tile;
            let columns = columns.clone().skip(band * per_band).take(per_band);
            for (i, column) in columns.enumerate() {
                tile[..n0].copy_from_slice(column);
                self.lines[0].run(tile, self.to_rows(&mut cells[i * self.parts..]));
            }
        });
    }

    /// Where a column hands its cells to a band.
    pub(super) fn to_rows<'a>(&self, to: &'a mut [Cell<S::V>]) -> Emit<'a, T, S::V> {
        let stride = BAND;
        match self.parts {
            1 => Emit::Cells { to, stride },
            _ => Emit::Halves { to, stride },
        }
    }

    /// Second stage: from the cotangents of what is kept of each path, and of what the first stage left, if paths `go_on`, to
    /// `scale`·z̄ and the FFT of its rows. z comes from what [`columns`](Plane::columns) left.
    #[allow(clippy::too_many_arguments)] // a stage of two ways that meet
    pub fn rows_back<'w, W: Send + AsMut<LineBuffers<S::V>>>(
        &self,
        scale: T,
        observer: &Observer<T, S>,
        kept: impl Iterator<Item = &'w [T]>,
        go_on: bool,
        there: &PlaneBuffers<S::V>,
        back: &mut BackBuffers<S::V>,
        workers: &mut [W],
    ) {
        let (simd, parts) = (self.simd, self.parts);
        let [_, n1] = self.grid.shape;
        let m0 = self.rows_len();
        let width = super::Rows::width(observer);
        let BackBuffers {
            bands,
            hats,
            rows,
            kept: vectors,
        } = back;
        observer.finish_adjoint(kept, vectors, &mut rows[..m0 * width]);
        let (bands, rows) = (&bands[..], &rows[..m0 * width]);
        let hats = hats.chunks_mut(self.hat_len()).take(m0.div_ceil(2));
        let zero = simd.splat(T::zero());
        let scale = simd.splat(scale);
        parallel::for_each(workers.iter_mut(), hats.enumerate(), |worker, task| {
            let (pair, hat) = task;
            let LineBuffers {
                tile,
                spectrum,
                moduli,
            } = worker.as_mut();
            let pair = 2 * pair..m0.min(2 * pair + 2);
            if go_on {
                let row = |y: usize| &bands[y * BAND..];
                simd.run(Join {
                    simd,
                    even: row(pair.start),
                    odd: match pair.len() {
                        2 => row(pair.start + 1),
                        _ => &[],
                    },
                    neighbours: BAND,
                    pitch: self.band_len(),
                    tile: &mut tile[..n1],
                });
                let to = Emit::Cells {
                    to: &mut *spectrum,
                    stride: 1,
                };
                self.lines[1].run(tile, to);
                let [even, odd] = moduli;
                simd.run(Part {
                    cells: &spectrum[..n1],
                    even,
                    odd,
                });
            } else {
                moduli.iter_mut().for_each(|u| u[..n1].fill(zero));
            }
            for (y, u) in pair.zip(moduli) {
                let u = &mut u[..n1];
                observer.add_adjoint_of_row(&rows[y * width..][..width], u);
                let cells = Gather::new(&there.bands[y * BAND..], &self.row);
                let to = Emit::Cells {
                    to: &mut *spectrum,
                    stride: 1,
                };
                self.lines[1].run_gathered(cells, tile, to);
                simd.run(Signs::<T, S> {
                    z: &spectrum[..n1],
                    u,
                    stride: 1,
                    scale,
                    to: &mut tile[..n1],
                });
                let to = &mut hat[y % 2 * parts..];
                let stride = 2 * parts;
                let emit = match parts {
                    1 => Emit::Cells { to, stride },
                    _ => Emit::Halves { to, stride },
                };
                self.lines[1].run(tile, emit);
            }
        });
    }

    /// Third stage: hands out the columns of F z̄, parts exchanged, that are `wanted`.
    pub fn unfold<W: AsMut<LineBuffers<S::V>>>(
        &self,
        wanted: impl Fn(usize) -> bool,
        back: &BackBuffers<S::V>,
        worker: &mut W,
        mut add: impl FnMut(usize, &[Cell<S::V>]),
    ) {
        let [n0, n1] = self.grid.shape;
        let LineBuffers { tile, spectrum, .. } = worker.as_mut();
        for column in (0..n1 / self.parts).filter(|&column| wanted(column)) {
            let cells = Gather::new(&back.hats[2 * self.parts * column..], &self.hat_column);
            let to = Emit::Cells {
                to: &mut *spectrum,
                stride: 1,
            };
            self.lines[0].run_gathered(cells, tile, to);
            add(column, &spectrum[..n0]);
        }
    }
}
