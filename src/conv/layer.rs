//! One layer, U = |x ⋆ ψ|, for as many paths as a vector has lanes: the hot path.
//!
//! ```text
//! columns    ẑ = fold(x̂·ψ̂), a column at a time, and its inverse FFT along axis 0     ─▶ bands   [k1 / 4][n0][4]
//! rows       inverse FFT along axis 1, |·|, what is observed of the row             ─▶ rows    [n0][width]
//!            if the path goes on: FFT along axis 1 of two rows at once              ─▶ pairs   [n0 / 2][k1][2]
//! spectrum   FFT along axis 0                                                       ─▶ x̂ of the next layer, [k1][n0]
//! ```
//!
//! Every task of a stage writes one contiguous chunk and reads what the stage before has finished, so stages are
//! shared among threads without a lock, and a line is transformed while it is in a first-level cache. U itself is
//! never written to memory.
//!
//! Conventions that bite: spectra of moduli have real and imaginary parts exchanged, since lines know one sign of the
//! exponent only, and are twice as large as they should be, since separating two rows leaves out a ½; the scale of the
//! modulus makes up for it.

use super::fold::{Fold, Product};
use crate::fft::Line;
use crate::grid::Grid;
use crate::kernels::pass::Emit;
use crate::kernels::vector::{Cell, Kernel, Simd, zero};
use crate::num::Real;
use crate::parallel;

/// Columns in a band: so many neighbours stand together when a row is collected.
const BAND: usize = 4;

/// The transforms of one grid.
#[derive(Debug, Clone)]
pub(crate) struct Plane<T, S: Simd<T>> {
    simd: S,
    grid: Grid<2>,
    lines: [Line<T, S>; 2],
}

/// What a layer leaves in memory between its stages. Long enough for the largest grid it is used on.
#[derive(Debug)]
pub(crate) struct LayerBuffers<V> {
    bands: Vec<Cell<V>>,
    pairs: Vec<Cell<V>>,
    /// What has been observed of every row, `[n0][width]`.
    pub rows: Vec<V>,
}

/// One thread's lines.
#[derive(Debug)]
pub(crate) struct LineBuffers<V> {
    tile: Vec<Cell<V>>,
    spectrum: Vec<Cell<V>>,
    moduli: [Vec<V>; 2],
}

/// What is observed of the rows of U.
pub(crate) trait Rows<V>: Sync {
    /// Samples kept of a row.
    fn width(&self) -> usize;

    /// Samples of the other end of a row that it wants on either side.
    fn halo(&self) -> usize;

    /// Observes a row, its halo on either side.
    fn observe(&self, row: &[V], to: &mut [V]);
}

impl<V> Default for LayerBuffers<V> {
    /// Nothing; [`Plane::reserve`] makes them longer.
    fn default() -> Self {
        Self {
            bands: Vec::new(),
            pairs: Vec::new(),
            rows: Vec::new(),
        }
    }
}

impl<T: Real, S: Simd<T>> Plane<T, S> {
    pub fn new(simd: S, grid: Grid<2>) -> Self {
        let lines = grid.shape.map(|n| Line::new(simd, n));
        Self { simd, grid, lines }
    }

    pub fn grid(&self) -> Grid<2> {
        self.grid
    }

    /// Cells of a half spectrum.
    pub fn half_len(&self) -> usize {
        let [n0, n1] = self.grid.shape;
        (n1 / 2 + 1) * n0
    }

    /// Cells of a band; one row of them is spare, so that bands do not lie a multiple of 4096 bytes apart.
    fn band_len(&self) -> usize {
        (self.grid.shape[0] + 1) * BAND
    }

    fn pair_len(&self) -> usize {
        (self.grid.shape[1] / 2 + 1) * 2
    }

    /// Makes the buffers long enough for this grid, with `width` samples observed of a row.
    pub fn reserve(&self, buffers: &mut LayerBuffers<S::V>, goes_on: bool, width: usize) {
        let [n0, n1] = self.grid.shape;
        let zero = zero(self.simd);
        let grow = |cells: &mut Vec<Cell<S::V>>, len: usize| {
            if cells.len() < len {
                cells.resize(len, zero);
            }
        };
        grow(&mut buffers.bands, n1.div_ceil(BAND) * self.band_len());
        if goes_on {
            grow(&mut buffers.pairs, n0.div_ceil(2) * self.pair_len());
        }
        if buffers.rows.len() < n0 * width {
            buffers.rows.resize(n0 * width, zero.re);
        }
    }

    /// Lines long enough for all these grids, with halos of these lengths.
    pub fn line_buffers(
        simd: S,
        planes: &[Self],
        halo: impl Fn(usize) -> usize,
    ) -> LineBuffers<S::V> {
        let tile = planes
            .iter()
            .flat_map(|plane| plane.lines.iter().map(Line::tile_len))
            .max()
            .unwrap_or(0);
        let longest = planes
            .iter()
            .map(|plane| plane.grid.shape[1])
            .max()
            .unwrap_or(0);
        let with_halo = planes
            .iter()
            .enumerate()
            .map(|(level, plane)| plane.grid.shape[1] + 2 * halo(level))
            .max()
            .unwrap_or(0);
        let zero = zero(simd);
        LineBuffers {
            tile: vec![zero; tile],
            spectrum: vec![zero; longest],
            moduli: [vec![zero.re; with_halo], vec![zero.re; with_halo]],
        }
    }

    /// First stage: the product with ψ̂, folded to this grid, and the inverse FFT of its columns.
    pub fn columns<W: Send + AsMut<LineBuffers<S::V>>>(
        &self,
        fold: &Fold,
        product: impl Product<T, S::V> + Sync + Send,
        buffers: &mut LayerBuffers<S::V>,
        workers: &mut [W],
    ) {
        let n1 = self.grid.shape[1];
        let bands = buffers.bands.chunks_mut(self.band_len());
        let bands = bands.take(n1.div_ceil(BAND)).enumerate();
        parallel::for_each(workers, bands, |worker, (band, cells)| {
            let tile = &mut worker.as_mut().tile;
            for k1 in band * BAND..((band + 1) * BAND).min(n1) {
                fold.column(self.simd, k1, product, tile);
                let to = &mut cells[k1 % BAND..];
                self.lines[0].run(tile, Emit::Cells { to, stride: BAND });
            }
        });
    }

    /// Second stage: the inverse FFT of rows, `scale` times their moduli, and what is observed of them; the
    /// half spectra of the rows, if the path `goes_on`.
    pub fn rows<W: Send + AsMut<LineBuffers<S::V>>>(
        &self,
        scale: T,
        observer: &impl Rows<S::V>,
        goes_on: bool,
        buffers: &mut LayerBuffers<S::V>,
        workers: &mut [W],
    ) {
        let [n0, n1] = self.grid.shape;
        let LayerBuffers { bands, pairs, rows } = buffers;
        let bands = &bands[..];
        let (width, halo) = (observer.width(), observer.halo());
        let count = n0.div_ceil(2);
        let (pair_len, pairs) = if goes_on {
            (self.pair_len(), &mut pairs[..])
        } else {
            (0, &mut [][..])
        };
        let rows = rows[..n0 * width].chunks_mut(2 * width);
        let mut pairs = pairs.chunks_mut(pair_len.max(1));
        let tasks = (0..count)
            .zip(rows)
            .map(move |(pair, rows)| (pair, rows, pairs.next()));
        parallel::for_each(workers, tasks, |worker, (pair, rows, hat)| {
            let LineBuffers {
                tile,
                spectrum,
                moduli,
            } = worker.as_mut();
            for ((y, to), moduli) in (2 * pair..n0).zip(rows.chunks_mut(width)).zip(&mut *moduli) {
                self.simd.run(Collect::<_, BAND> {
                    from: &bands[y * BAND..],
                    apart: self.band_len(),
                    tile: &mut tile[..n1],
                });
                let u = &mut moduli[..n1 + 2 * halo];
                let to_moduli = Emit::Modulus {
                    to: &mut u[halo..],
                    scale,
                };
                self.lines[1].run(tile, to_moduli);
                u.copy_within(n1..n1 + halo, 0);
                u.copy_within(halo..2 * halo, n1 + halo);
                observer.observe(u, to);
            }
            if let Some(hat) = hat {
                let [even, odd] = moduli;
                let none = [];
                let odd = if 2 * pair + 1 < n0 {
                    &odd[halo..][..n1]
                } else {
                    &none[..]
                };
                let even = &even[halo..][..n1];
                self.simd.run(Pack {
                    zero: self.simd.splat(T::zero()),
                    even,
                    odd,
                    tile,
                });
                self.lines[1].run(
                    tile,
                    Emit::Cells {
                        to: spectrum,
                        stride: 1,
                    },
                );
                self.simd.run(Separate {
                    spectrum: &spectrum[..n1],
                    hat,
                });
            }
        });
    }

    /// Third stage: the FFT of the columns of what the rows left, into a half spectrum.
    pub fn spectrum<W: Send + AsMut<LineBuffers<S::V>>>(
        &self,
        buffers: &LayerBuffers<S::V>,
        hat: &mut [Cell<S::V>],
        workers: &mut [W],
    ) {
        let [n0, _] = self.grid.shape;
        let pairs = &buffers.pairs;
        let columns = hat[..self.half_len()].chunks_mut(n0).enumerate();
        parallel::for_each(workers, columns, |worker, (k1, to)| {
            let tile = &mut worker.as_mut().tile;
            self.simd.run(Collect::<_, 2> {
                from: &pairs[2 * k1..],
                apart: self.pair_len(),
                tile: &mut tile[..n0],
            });
            self.lines[0].run(tile, Emit::Cells { to, stride: 1 });
        });
    }
}

/// A line from groups of `N` neighbours that lie `apart` cells from each other.
struct Collect<'a, V, const N: usize> {
    from: &'a [Cell<V>],
    apart: usize,
    tile: &'a mut [Cell<V>],
}

impl<V: Copy, const N: usize> Kernel for Collect<'_, V, N> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { from, apart, tile } = self;
        let (groups, rest) = tile.as_chunks_mut::<N>();
        let mut sources = from.chunks(apart);
        for (group, source) in groups.iter_mut().zip(&mut sources) {
            if let Some(source) = source.first_chunk::<N>() {
                *group = *source;
            }
        }
        if let Some(source) = sources.next() {
            rest.copy_from_slice(&source[..rest.len()]);
        }
    }
}

/// Two real rows as one complex line: even + i·odd, parts exchanged.
struct Pack<'a, V> {
    zero: V,
    even: &'a [V],
    /// As long as `even`, or empty for a row of zeros.
    odd: &'a [V],
    tile: &'a mut [Cell<V>],
}

impl<V: Copy> Kernel for Pack<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            zero,
            even,
            odd,
            tile,
        } = self;
        if odd.is_empty() {
            for (cell, &im) in tile.iter_mut().zip(even) {
                *cell = Cell { re: zero, im };
            }
        }
        for ((cell, &im), &re) in tile.iter_mut().zip(even).zip(odd) {
            *cell = Cell { re, im };
        }
    }
}

/// The spectra of the two rows, for k1 = 0 ..= n1/2, twice as large: Z(k) ± conj Z(−k), parts exchanged.
struct Separate<'a, V> {
    spectrum: &'a [Cell<V>],
    hat: &'a mut [Cell<V>],
}

impl<V: Copy + std::ops::Add<Output = V> + std::ops::Sub<Output = V>> Kernel for Separate<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { spectrum, hat } = self;
        let n = spectrum.len();
        let mut pairs = hat.as_chunks_mut::<2>().0.iter_mut();
        let mut separate = |z: Cell<V>, mirrored: Cell<V>| {
            if let Some(pair) = pairs.next() {
                *pair = [
                    Cell {
                        re: z.re - mirrored.re,
                        im: z.im + mirrored.im,
                    },
                    Cell {
                        re: mirrored.im - z.im,
                        im: z.re + mirrored.re,
                    },
                ];
            }
        };
        separate(spectrum[0], spectrum[0]);
        for (&z, &mirrored) in spectrum[1..=n / 2].iter().zip(spectrum.iter().rev()) {
            separate(z, mirrored);
        }
    }
}
