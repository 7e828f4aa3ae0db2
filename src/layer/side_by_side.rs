//! One layer, U = |x ⋆ ψ|, for as many paths as a vector has lanes: the hot path.
//!
//! ```text
//! columns    ẑ = fold(x̂·ψ̂), a column at a time, and its inverse FFT along axis 0     ─▶ bands   [k1 / 4][n0][4]
//! rows       inverse FFT along axis 1, |·|, what is observed of the row             ─▶ rows    [n0][width]
//!            if the path goes on: FFT along axis 1 of two rows at once              ─▶ pairs   [n0 / 2][k1][2]
//! spectrum   FFT along axis 0                                                       ─▶ x̂ of the next layer, [k1][n0]
//! ```
//!
//! Where there are half as many paths as lanes, or fewer, a vector holds two neighbours of each: two columns where
//! lines are columns, k1 even in the lower half, two rows where they are rows. A column of cells below is then a pair of
//! columns, and a row of cells a pair of rows; between the stages, halves change places as they are stored.
//!
//! Every task of a stage writes one contiguous chunk and reads what the stage before has finished, so stages are
//! shared among threads without a lock, and a line is transformed while it is in a first-level cache. U itself is
//! never written to memory.
//!
//! Conventions that bite: spectra of moduli have real and imaginary parts exchanged, since lines know one sign of the
//! exponent only; all spectra are twice as large as they should be, since separating two rows leaves out a ½, and the
//! scale of the modulus makes up for it.

use super::fold::{Fold, Product};
use crate::fft::Line;
use crate::grid::Grid;
use crate::kernels::pass::{Apart, Emit, Offsets};
use crate::kernels::vector::{Cell, Kernel, MAX_LANES, Simd, Vector, zero};
use crate::num::{Complex, Real};
use crate::parallel;

/// Columns in a band: so many neighbours stand together when a row is collected.
const BAND: usize = 4;

/// The transforms of one grid.
#[derive(Debug, Clone)]
pub(crate) struct Plane<T, S: Simd<T>> {
    simd: S,
    grid: Grid<2>,
    /// Neighbours in a vector, 1 or 2.
    parts: usize,
    lines: [Line<T, S>; 2],
    /// Where the cells of a row stand in the bands, and those of a column in the pairs.
    row: Offsets,
    column: Offsets,
}

/// How many neighbours share a vector of so many lanes: two if that leaves room for `paths` each and the sides of all
/// grids are even.
pub(crate) fn parts(lanes: usize, paths: usize, mut grids: impl Iterator<Item = Grid<2>>) -> usize {
    let fit = 2 * paths <= lanes && grids.all(|grid| grid.shape.iter().all(|n| n % 2 == 0));
    1 + usize::from(fit)
}

/// What a layer leaves in memory between its stages. Long enough for the largest grid it is used on.
#[derive(Debug)]
pub(crate) struct LayerBuffers<V> {
    bands: Vec<Cell<V>>,
    pairs: Vec<Cell<V>>,
    /// What has been observed of every row of cells, `[n0 / parts][width]`.
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
    pub fn new(simd: S, grid: Grid<2>, parts: usize) -> Self {
        let [n0, n1] = grid.shape;
        debug_assert!(parts == 1 || grid.shape.iter().all(|n| n % parts == 0));
        let at =
            |i: usize, together: usize, apart: usize| (i / together * apart + i % together) as u32;
        let mut plane = Self {
            simd,
            grid,
            parts,
            lines: grid.shape.map(|n| Line::new(simd, n)),
            row: Offsets::default(),
            column: Offsets::default(),
        };
        plane.row = (0..n1).map(|k1| at(k1, BAND, plane.band_len())).collect();
        plane.column = (0..n0)
            .map(|y| at(y, 2 * parts, plane.pair_len()))
            .collect();
        plane
    }

    /// Rows of cells.
    fn rows_len(&self) -> usize {
        self.grid.shape[0] / self.parts
    }

    /// Columns of cells of a half spectrum.
    fn half_columns(&self) -> usize {
        (self.grid.shape[1] / 2 + 1).div_ceil(self.parts)
    }

    /// Cells of a band; one row of them is spare, so that bands do not lie a multiple of 4096 bytes apart.
    fn band_len(&self) -> usize {
        (self.rows_len() + 1) * BAND
    }

    /// Cells of the spectra of two rows of cells.
    fn pair_len(&self) -> usize {
        self.half_columns() * 2 * self.parts
    }

    /// Cells of the spectra of two rows of the image's plane.
    fn image_pair_len(&self) -> usize {
        (self.grid.shape[1] / 2 + 1) * 2
    }

    pub fn grid(&self) -> Grid<2> {
        self.grid
    }

    /// Cells of a half spectrum.
    pub fn half_len(&self) -> usize {
        self.half_columns() * self.grid.shape[0]
    }

    /// Numbers of the half spectrum of an image.
    pub fn image_half_len(&self) -> usize {
        let [n0, n1] = self.grid.shape;
        (n1 / 2 + 1) * n0
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
        let bands = n1.div_ceil(BAND) * self.band_len();
        let of_image = n0.div_ceil(2 * S::V::LANES) * self.image_pair_len();
        grow(&mut buffers.bands, bands.max(of_image));
        if goes_on {
            let pairs = self.rows_len().div_ceil(2) * self.pair_len();
            grow(&mut buffers.pairs, pairs);
        }
        if buffers.rows.len() < self.rows_len() * width {
            buffers.rows.resize(self.rows_len() * width, zero.re);
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
            .flat_map(|plane| plane.grid.shape)
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

    /// Before all layers: the half spectrum of a real plane `[n0][n1]`, twice as large, into `[n1/2 + 1][n0]`.
    ///
    /// Lanes are neighbouring rows first, two groups of them at once as real and imaginary part, and then neighbouring
    /// columns.
    pub fn image_spectrum<W: Send + AsMut<LineBuffers<S::V>>>(
        &self,
        image: &[T],
        hat: &mut [Complex<T>],
        buffers: &mut LayerBuffers<S::V>,
        workers: &mut [W],
    ) {
        let lanes = S::V::LANES;
        let [n0, n1] = self.grid.shape;
        let image = &image[..n0 * n1];
        let pair_len = self.image_pair_len();
        let groups = image.chunks(2 * lanes * n1);
        let pairs = &mut buffers.bands[..groups.len() * pair_len];
        let tasks = groups.zip(pairs.chunks_mut(pair_len));
        parallel::for_each(workers, tasks, |worker, (rows, pair)| {
            let LineBuffers { tile, spectrum, .. } = worker.as_mut();
            let (even, odd) = rows.split_at(rows.len().min(lanes * n1));
            let tile_of_rows = &mut tile[..n1];
            self.simd.run(PackRows {
                simd: self.simd,
                even,
                odd,
                tile: tile_of_rows,
            });
            let to = Emit::Cells {
                to: spectrum,
                stride: 1,
            };
            self.lines[1].run(tile, to);
            self.simd.run(Separate::<T, S, 1> {
                spectrum: &spectrum[..n1],
                hat: pair,
            });
        });
        let pairs = &buffers.bands[..n0.div_ceil(2 * lanes) * pair_len];
        let columns = hat[..self.image_half_len()]
            .chunks_mut(lanes * n0)
            .enumerate();
        parallel::for_each(workers, columns, |worker, (group, to)| {
            let LineBuffers { tile, spectrum, .. } = worker.as_mut();
            let first = 2 * group * lanes;
            for (rows, pair) in tile[..n0].chunks_mut(2 * lanes).zip(pairs.chunks(pair_len)) {
                let columns = &pair[first..pair_len.min(first + 2 * lanes)];
                self.simd.run(TurnPairs {
                    simd: self.simd,
                    columns,
                    rows,
                });
            }
            let line = Emit::Cells {
                to: spectrum,
                stride: 1,
            };
            self.lines[0].run(tile, line);
            self.simd.run(UnpackColumns {
                simd: self.simd,
                spectrum: &spectrum[..n0],
                to,
            });
        });
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
            for k1 in (band * BAND..((band + 1) * BAND).min(n1)).step_by(self.parts) {
                fold.column(self.simd, k1 / self.parts, product, tile);
                let to = &mut cells[k1 % BAND..];
                let stride = BAND;
                let emit = match self.parts {
                    1 => Emit::Cells { to, stride },
                    _ => Emit::Halves { to, stride },
                };
                self.lines[0].run(tile, emit);
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
        let n1 = self.grid.shape[1];
        let m0 = self.rows_len();
        let LayerBuffers { bands, pairs, rows } = buffers;
        let bands = &bands[..];
        let (width, halo) = (observer.width(), observer.halo());
        let count = m0.div_ceil(2);
        let (pair_len, pairs) = if goes_on {
            (self.pair_len(), &mut pairs[..])
        } else {
            (0, &mut [][..])
        };
        let rows = rows[..m0 * width].chunks_mut(2 * width);
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
            for ((y, to), moduli) in (2 * pair..m0).zip(rows.chunks_mut(width)).zip(&mut *moduli) {
                let u = &mut moduli[..n1 + 2 * halo];
                let to_moduli = Emit::Modulus {
                    to: &mut u[halo..],
                    scale,
                };
                let cells = Apart::new(&bands[y * BAND..], &self.row);
                self.lines[1].run_collected(cells, tile, to_moduli);
                u.copy_within(n1..n1 + halo, 0);
                u.copy_within(halo..2 * halo, n1 + halo);
                observer.observe(u, to);
            }
            if let Some(hat) = hat {
                let [even, odd] = moduli;
                let none = [];
                let odd = if 2 * pair + 1 < m0 {
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
                let spectrum = &spectrum[..n1];
                match self.parts {
                    1 => self.simd.run(Separate::<T, S, 1> { spectrum, hat }),
                    _ => self.simd.run(Separate::<T, S, 2> { spectrum, hat }),
                }
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
        parallel::for_each(workers, columns, |worker, (column, to)| {
            let tile = &mut worker.as_mut().tile;
            let cells = Apart::new(&pairs[2 * self.parts * column..], &self.column);
            self.lines[0].run_collected(cells, tile, Emit::Cells { to, stride: 1 });
        });
    }
}

/// A vector from the first numbers of a slice, zeros behind them.
#[inline(always)]
fn load_part<T: Real, S: Simd<T>>(simd: S, from: &[T]) -> S::V {
    if from.len() >= S::V::LANES {
        return simd.load(from);
    }
    let mut numbers = [T::zero(); MAX_LANES];
    numbers[..from.len()].copy_from_slice(from);
    simd.load(&numbers)
}

/// Rows of a plane, `LANES` even ones and `LANES` odd ones at most, as one line: even + i·odd, parts exchanged.
struct PackRows<'a, T, S: Simd<T>> {
    simd: S,
    even: &'a [T],
    odd: &'a [T],
    /// As long as a row.
    tile: &'a mut [Cell<S::V>],
}

impl<T: Real, S: Simd<T>> Kernel for PackRows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            even,
            odd,
            tile,
        } = self;
        let n1 = tile.len();
        let none = zero(simd);
        for (block, cells) in tile.chunks_mut(S::V::LANES).enumerate() {
            let x = block * S::V::LANES;
            let mut re = [none.re; MAX_LANES];
            let mut im = [none.im; MAX_LANES];
            for (to, row) in re.iter_mut().zip(odd.chunks_exact(n1)) {
                *to = load_part(simd, &row[x..]);
            }
            for (to, row) in im.iter_mut().zip(even.chunks_exact(n1)) {
                *to = load_part(simd, &row[x..]);
            }
            S::V::transpose(&mut re[..S::V::LANES]);
            S::V::transpose(&mut im[..S::V::LANES]);
            for ((cell, &re), &im) in cells.iter_mut().zip(&re).zip(&im) {
                *cell = Cell { re, im };
            }
        }
    }
}

/// `LANES` columns at most, whose lanes are the even and the odd rows, `[column][2]`, to rows whose lanes are columns.
struct TurnPairs<'a, T, S: Simd<T>> {
    simd: S,
    columns: &'a [Cell<S::V>],
    rows: &'a mut [Cell<S::V>],
}

impl<T: Real, S: Simd<T>> Kernel for TurnPairs<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            columns,
            rows,
        } = self;
        let none = zero(simd);
        for (parity, rows) in rows.chunks_mut(S::V::LANES).enumerate() {
            let mut re = [none.re; MAX_LANES];
            let mut im = [none.im; MAX_LANES];
            for (k1, pair) in columns.as_chunks::<2>().0.iter().enumerate() {
                (re[k1], im[k1]) = (pair[parity].re, pair[parity].im);
            }
            S::V::transpose(&mut re[..S::V::LANES]);
            S::V::transpose(&mut im[..S::V::LANES]);
            for ((cell, &re), &im) in rows.iter_mut().zip(&re).zip(&im) {
                *cell = Cell { re, im };
            }
        }
    }
}

/// A line whose lanes are columns and whose parts are exchanged, to complex numbers `[column][n0]`.
struct UnpackColumns<'a, T, S: Simd<T>> {
    simd: S,
    spectrum: &'a [Cell<S::V>],
    to: &'a mut [Complex<T>],
}

impl<T: Real, S: Simd<T>> Kernel for UnpackColumns<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { simd, spectrum, to } = self;
        let none = zero(simd);
        for (block, cells) in spectrum.chunks(S::V::LANES).enumerate() {
            let mut re = [none.re; MAX_LANES];
            let mut im = [none.im; MAX_LANES];
            for (i, cell) in cells.iter().enumerate() {
                (re[i], im[i]) = (cell.im, cell.re);
            }
            S::V::transpose(&mut re[..S::V::LANES]);
            S::V::transpose(&mut im[..S::V::LANES]);
            let columns = to.chunks_exact_mut(spectrum.len());
            for ((column, re), im) in columns.zip(&re).zip(&im) {
                let column = &mut column[block * S::V::LANES..][..cells.len()];
                for ((to, &re), &im) in column.iter_mut().zip(re.lanes()).zip(im.lanes()) {
                    *to = Complex::new(re, im);
                }
            }
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

/// The spectra of the two rows of cells, for k1 = 0 ..= n1/2, twice as large: Z(k) ± conj Z(−k), parts exchanged.
struct Separate<'a, T, S: Simd<T>, const PARTS: usize> {
    spectrum: &'a [Cell<S::V>],
    /// `[k1 / PARTS][2·PARTS]`: the rows of one k1, or of two in the halves.
    hat: &'a mut [Cell<S::V>],
}

impl<T: Real, S: Simd<T>, const PARTS: usize> Kernel for Separate<'_, T, S, PARTS> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { spectrum, hat } = self;
        let n = spectrum.len();
        let mirrored = spectrum[..1].iter().chain(spectrum.iter().rev());
        for ((k1, &z), &mirrored) in (0..).zip(&spectrum[..=n / 2]).zip(mirrored) {
            let even = Cell {
                re: z.re - mirrored.re,
                im: z.im + mirrored.im,
            };
            let odd = Cell {
                re: mirrored.im - z.im,
                im: z.re + mirrored.re,
            };
            let cells = &mut hat[k1 / PARTS * 2 * PARTS..][..2 * PARTS];
            if PARTS == 1 {
                cells.copy_from_slice(&[even, odd]);
                continue;
            }
            for (cell, rows) in [even, odd].into_iter().zip(cells.as_chunks_mut::<2>().0) {
                let [low, high] = rows;
                cell.re.store_halves(&mut low.re, &mut high.re, k1);
                cell.im.store_halves(&mut low.im, &mut high.im, k1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::FilterBank2d;
    use crate::kernels::isa::Isa;
    use crate::kernels::vector::WithSimd;
    use crate::layer::fold::{Filters, OfImage, OfModuli};
    use crate::num::relative_error;
    use crate::num::sealed::Sealed;
    use ndarray::Array2;

    /// |Σ_m x(m)·ψ(n − m)| on every 2^level-th sample, circularly: the definition, in space.
    fn slow(x: &Array2<f64>, psi: &Array2<Complex<f64>>, level: usize) -> Array2<f64> {
        let [n0, n1] = [x.nrows(), x.ncols()];
        let step = 1 << level;
        Array2::from_shape_fn([n0 / step, n1 / step], |(i, k)| {
            let mut sum = Complex::new(0.0, 0.0);
            for ((a, b), &value) in x.indexed_iter() {
                sum += psi[[(i * step + n0 - a) % n0, (k * step + n1 - b) % n1]] * value;
            }
            sum.norm()
        })
    }

    /// The half spectrum `[n1/2 + 1][n0]` of a real plane, from the definition.
    fn half_spectrum(x: &Array2<f64>) -> Vec<Complex<f64>> {
        let [n0, n1] = [x.nrows(), x.ncols()];
        let mut hat = Vec::new();
        for k1 in 0..=n1 / 2 {
            for k0 in 0..n0 {
                let turns = |a: usize, b: usize| {
                    (a * k0 % n0) as f64 / n0 as f64 + (b * k1 % n1) as f64 / n1 as f64
                };
                let term = |((a, b), &value): ((usize, usize), &f64)| {
                    Complex::cis(-2.0 * std::f64::consts::PI * turns(a, b)) * value
                };
                hat.push(x.indexed_iter().map(term).sum());
            }
        }
        hat
    }

    struct Lines<V>(LineBuffers<V>);

    impl<V> AsMut<LineBuffers<V>> for Lines<V> {
        fn as_mut(&mut self) -> &mut LineBuffers<V> {
            &mut self.0
        }
    }

    /// Keeps everything.
    struct All(usize);

    impl<V: Copy> Rows<V> for All {
        fn width(&self) -> usize {
            self.0
        }

        fn halo(&self) -> usize {
            1
        }

        fn observe(&self, row: &[V], to: &mut [V]) {
            to.copy_from_slice(&row[1..=self.0]);
        }
    }

    /// Two layers, ||x ⋆ ψ_λ| ⋆ ψ_μ|, where λ differs from lane to lane: the largest relative error of any lane of
    /// either. With `PARTS` neighbours in a vector.
    struct Check<const PARTS: usize> {
        shape: [usize; 2],
        J: usize,
        first: usize,
        threads: usize,
    }

    impl<T: Real, const PARTS: usize> WithSimd<T> for Check<PARTS> {
        type Output = f64;

        fn run<S: Simd<T>>(self, simd: S) -> f64 {
            let Self {
                shape,
                J,
                first,
                threads,
            } = self;
            let slots = S::V::LANES / PARTS;
            let L = slots.min(8); // more would be so narrow that hardly anything of the image passes; lanes stay empty
            let bank = FilterBank2d::params(shape, J).L(L).build::<T>().unwrap();
            let grid = Grid::new(shape);
            let planes: Vec<Plane<T, S>> = (0..J)
                .map_while(|level| grid.at_level(level))
                .map(|grid| Plane::new(simd, grid, PARTS))
                .collect();
            let [to, last] = [first, J - 1].map(|j| j.min(planes.len() - 1));
            let dirt = simd.splat(T::nan());
            let mut lines = Plane::line_buffers(simd, &planes, |_| 1);
            lines.tile.fill(Cell { re: dirt, im: dirt });
            let mut workers: Vec<_> = (0..threads)
                .map(|_| Lines(Plane::line_buffers(simd, &planes, |_| 1)))
                .collect();
            workers[0].0 = lines;
            let mut buffers = LayerBuffers::default();
            for plane in &planes {
                plane.reserve(&mut buffers, true, plane.grid.shape[1]);
            }
            buffers.bands.fill(Cell { re: dirt, im: dirt });
            buffers.pairs.fill(Cell { re: dirt, im: dirt });
            buffers.rows.fill(dirt);

            let x = Array2::from_shape_fn(shape, |(i, k)| ((3 * i + k * k) as f64).sin() + 0.2);
            let nan = Complex::new(T::nan(), T::nan());
            let mut spectrum = vec![nan; planes[0].image_half_len()];
            let image: Vec<_> = x.iter().map(|&value| T::narrow(value)).collect();
            planes[0].image_spectrum(&image, &mut spectrum, &mut buffers, &mut workers);
            let parts = |z: &Complex<T>| [z.re, z.im];
            let of_spectrum = relative_error(
                spectrum.iter().flat_map(parts),
                half_spectrum(&x)
                    .iter()
                    .flat_map(|z| [2.0 * z.re, 2.0 * z.im]),
            );
            assert!(!of_spectrum.is_nan());
            let filters = (0..L).map(|l| bank.psi(first, l).runs(0));
            let filters = Filters::side_by_side(PARTS, slots, filters, shape, |row| simd.load(row));
            let fold = Fold::new(&filters, 1, grid, planes[to].grid());
            let product = OfImage::<T, S::V, PARTS> {
                filter: &filters.values,
                spectrum: &spectrum,
            };
            let scale = T::narrow(0.5 / grid.len() as f64);
            let keep = All(planes[to].grid.shape[1]);
            planes[to].columns(&fold, product, &mut buffers, &mut workers);
            planes[to].rows(scale, &keep, true, &mut buffers, &mut workers);
            let mut hat = vec![Cell { re: dirt, im: dirt }; planes[to].half_len()];
            planes[to].spectrum(&buffers, &mut hat, &mut workers);

            let mut worst = of_spectrum;
            let mut error = |rows: &[S::V], slot: usize, expected: &Array2<f64>| {
                let width = expected.ncols();
                let got = expected.indexed_iter().map(|((y, x), _)| {
                    rows[y / PARTS * width + x].lanes()[y % PARTS * slots + slot]
                });
                let error = relative_error(got, expected.iter().copied());
                assert!(!error.is_nan(), "{shape:?}");
                worst = worst.max(error);
            };
            let u: Vec<_> = (0..L)
                .map(|l| slow(&x, &bank.psi_in_space(first, l), to))
                .collect();
            for (slot, u) in u.iter().enumerate() {
                error(&buffers.rows, slot, u);
            }
            if last <= to {
                return worst;
            }

            // the second layer, with one wavelet of the same bank, folded to the level of U
            let wavelet = bank.psi(J - 1, 1);
            let filters = Filters::side_by_side(
                PARTS,
                1,
                std::iter::once(wavelet.runs(to)),
                planes[to].grid().shape,
                |row| row.try_into().unwrap(),
            );
            let fold = Fold::new(&filters, PARTS, planes[to].grid(), planes[last].grid());
            let product = OfModuli::<T, S::V, PARTS> {
                filter: &filters.values,
                spectrum: &hat,
            };
            let scale = T::narrow(0.5 / planes[to].grid().len() as f64);
            let keep = All(planes[last].grid.shape[1]);
            planes[last].columns(&fold, product, &mut buffers, &mut workers);
            planes[last].rows(scale, &keep, false, &mut buffers, &mut workers);
            let psi = wavelet
                .to_array(to)
                .unwrap()
                .mapv(|v| Complex::new(v.widen(), 0.0));
            let psi = crate::fft::inverse(psi);
            for (slot, u) in u.iter().enumerate() {
                error(&buffers.rows, slot, &slow(u, &psi, last - to));
            }
            worst
        }
    }

    #[test]
    fn two_layers_equal_convolution_in_space_by_the_definition() {
        for (shape, J) in [
            ([8, 12], 2),
            ([16, 8], 3),
            ([12, 20], 2),
            ([24, 40], 3),
            ([7, 5], 1),
            ([1, 6], 1),
            ([33, 18], 1),
        ] {
            for (first, threads) in [(0, 1), (J - 1, 2)] {
                for isa in Isa::available() {
                    let [mut single, mut double] = [0.0_f64; 2];
                    macro_rules! check {
                        ($PARTS:literal) => {
                            let check = || Check::<$PARTS> {
                                shape,
                                J,
                                first,
                                threads,
                            };
                            single = single.max(f32::with_simd(isa, check()));
                            double = double.max(f64::with_simd(isa, check()));
                        };
                    }
                    check!(1);
                    if shape.iter().all(|n| n.is_multiple_of(1 << J)) {
                        check!(2);
                    }
                    assert!(single < 1e-6, "{shape:?}, j = {first}, {isa}: {single:e}");
                    assert!(double < 2e-14, "{shape:?}, j = {first}, {isa}: {double:e}");
                }
            }
        }
    }
}
