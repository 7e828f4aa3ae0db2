//! [`Plane`]: the transforms of one grid, for as many paths as a vector has lanes: the hot path.
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
//! Conventions that bite: the spectra that the stages leave stand in the forms that [`Product`]s name.

mod along;
mod back;

pub(crate) use back::{BackBuffers, BackLengths};

use super::fold::Fold;
use crate::fft::Line;
use crate::grid::Grid;
use crate::kernels::pairs::{Pack, PackRows, Separate, TurnPairs, UnpackColumns};
use crate::kernels::pass::{Emit, Gather, Offsets, Passes};
use crate::kernels::product::Product;
use crate::kernels::vector::{Cell, Simd, Vector, zero};
use crate::memory::Footprint;
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
    /// Where those of a column stand on the way back.
    hat_column: Offsets,
}

/// What a layer leaves in memory between its stages. Long enough for the largest grid it is used on.
#[derive(Debug)]
pub(crate) struct PlaneBuffers<V> {
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

/// How long [`PlaneBuffers`] are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PlaneLengths {
    bands: usize,
    pairs: usize,
    rows: usize,
}

impl PlaneLengths {
    /// Long enough for both.
    pub fn max(self, other: Self) -> Self {
        Self {
            bands: self.bands.max(other.bands),
            pairs: self.pairs.max(other.pairs),
            rows: self.rows.max(other.rows),
        }
    }

    pub fn footprint<V: 'static>(self, others: Footprint) -> Footprint {
        others
            .with::<Cell<V>>("bands", self.bands)
            .with::<Cell<V>>("pairs of rows", self.pairs)
            .with::<V>("observed rows", self.rows)
    }
}

impl<V: Copy> PlaneBuffers<V> {
    /// Makes them long enough; what they held is lost.
    pub fn grow<T: Real>(&mut self, simd: impl Simd<T, V = V>, lengths: PlaneLengths) {
        fn grow<X: Copy>(buffer: &mut Vec<X>, len: usize, zero: X) {
            if buffer.len() < len {
                // The shorter one goes first, so that both are never there at once.
                *buffer = Vec::new();
                *buffer = vec![zero; len];
            }
        }
        let zero = zero(simd);
        grow(&mut self.bands, lengths.bands, zero);
        grow(&mut self.pairs, lengths.pairs, zero);
        grow(&mut self.rows, lengths.rows, zero.re);
    }
}

impl<V> Default for PlaneBuffers<V> {
    /// Nothing; [`grow`](Self::grow) makes them longer.
    fn default() -> Self {
        Self {
            bands: Vec::new(),
            pairs: Vec::new(),
            rows: Vec::new(),
        }
    }
}

/// How long [`LineBuffers`] are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LineLengths {
    tile: usize,
    spectrum: usize,
    moduli: usize,
}

impl LineLengths {
    pub fn footprint<V: 'static>(self, others: Footprint) -> Footprint {
        others
            .with::<Cell<V>>("tile", self.tile)
            .with::<Cell<V>>("spectrum of a line", self.spectrum)
            .with::<[V; 2]>("two rows of moduli", self.moduli)
    }
}

impl<V: Copy> LineBuffers<V> {
    pub fn new<T: Real>(simd: impl Simd<T, V = V>, lengths: LineLengths) -> Self {
        let zero = zero(simd);
        Self {
            tile: vec![zero; lengths.tile],
            spectrum: vec![zero; lengths.spectrum],
            moduli: [0; 2].map(|_| vec![zero.re; lengths.moduli]),
        }
    }
}

impl<T: Real, S: Passes<T>> Plane<T, S> {
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
            hat_column: Offsets::default(),
        };
        plane.row = (0..n1).map(|k1| at(k1, BAND, plane.band_len())).collect();
        plane.column = (0..n0)
            .map(|y| at(y, 2 * parts, plane.pair_len()))
            .collect();
        plane.hat_column = plane.hat_columns();
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

    /// What this grid takes, and spectra if paths `go_on` from it.
    pub fn lengths(&self, go_on: bool, observer: &impl Rows<S::V>) -> PlaneLengths {
        PlaneLengths {
            bands: self.grid.shape[1].div_ceil(BAND) * self.band_len(),
            pairs: if go_on {
                self.rows_len().div_ceil(2) * self.pair_len()
            } else {
                0
            },
            rows: self.rows_len() * observer.width(),
        }
    }

    /// What the spectrum of an image on this grid takes.
    pub fn image_lengths(&self) -> PlaneLengths {
        PlaneLengths {
            bands: self.grid.shape[0].div_ceil(2 * S::V::LANES) * self.image_pair_len(),
            ..PlaneLengths::default()
        }
    }

    /// What lines of all these grids take, with the halos that are wanted.
    pub fn line_lengths<'a, R: Rows<S::V> + 'a>(
        planes: impl Iterator<Item = (&'a Self, &'a R)>,
    ) -> LineLengths
    where
        Self: 'a,
    {
        let mut lengths = LineLengths {
            tile: 0,
            spectrum: 0,
            moduli: 0,
        };
        for (plane, observer) in planes {
            let [n0, n1] = plane.grid.shape;
            let tile = plane.lines.each_ref().map(Line::tile_len);
            lengths.tile = lengths.tile.max(tile[0]).max(tile[1]);
            lengths.spectrum = lengths.spectrum.max(n0).max(n1);
            lengths.moduli = lengths.moduli.max(n1 + 2 * observer.halo());
        }
        lengths
    }

    /// Before all layers: the half spectrum of a real plane `[n0][n1]`, twice as large, into `[n1/2 + 1][n0]`.
    ///
    /// Lanes are neighbouring rows first, two groups of them at once as real and imaginary part, and then neighbouring
    /// columns.
    pub fn image_spectrum<W: Send + AsMut<LineBuffers<S::V>>>(
        &self,
        image: &[T],
        hat: &mut [Complex<T>],
        buffers: &mut PlaneBuffers<S::V>,
        workers: &mut [W],
    ) {
        let lanes = S::V::LANES;
        let [n0, n1] = self.grid.shape;
        let image = &image[..n0 * n1];
        let pair_len = self.image_pair_len();
        let groups = image.chunks(2 * lanes * n1);
        let pairs = &mut buffers.bands[..groups.len() * pair_len];
        let tasks = groups.zip(pairs.chunks_mut(pair_len));
        parallel::for_each(workers.iter_mut(), tasks, |worker, (rows, pair)| {
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
        parallel::for_each(workers.iter_mut(), columns, |worker, (group, to)| {
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
        buffers: &mut PlaneBuffers<S::V>,
        workers: &mut [W],
    ) {
        let n1 = self.grid.shape[1];
        let bands = buffers.bands.chunks_mut(self.band_len());
        let bands = bands.take(n1.div_ceil(BAND)).enumerate();
        parallel::for_each(workers.iter_mut(), bands, |worker, (band, cells)| {
            let tile = &mut worker.as_mut().tile;
            for k1 in (band * BAND..((band + 1) * BAND).min(n1)).step_by(self.parts) {
                fold.column(self.simd, k1 / self.parts, product, tile);
                self.lines[0].run(tile, self.to_rows(&mut cells[k1 % BAND..]));
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
        buffers: &mut PlaneBuffers<S::V>,
        workers: &mut [W],
    ) {
        let moduli = |bands: &[Cell<S::V>], y: usize, tile: &mut [Cell<S::V>], u: &mut [S::V]| {
            let to_moduli = Emit::Modulus {
                to: u,
                stride: 1,
                scale,
            };
            let cells = Gather::new(&bands[y * BAND..], &self.row);
            self.lines[1].run_gathered(cells, tile, to_moduli);
        };
        self.rows_of(moduli, observer, goes_on, buffers, workers);
    }

    /// The same of any rows: `make` writes row y from the bands that the first stage left.
    fn rows_of<W: Send + AsMut<LineBuffers<S::V>>>(
        &self,
        make: impl Fn(&[Cell<S::V>], usize, &mut [Cell<S::V>], &mut [S::V]) + Sync + Send,
        observer: &impl Rows<S::V>,
        goes_on: bool,
        buffers: &mut PlaneBuffers<S::V>,
        workers: &mut [W],
    ) {
        let n1 = self.grid.shape[1];
        let m0 = self.rows_len();
        let PlaneBuffers { bands, pairs, rows } = buffers;
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
        parallel::for_each(workers.iter_mut(), tasks, |worker, (pair, rows, hat)| {
            let LineBuffers {
                tile,
                spectrum,
                moduli,
            } = worker.as_mut();
            for ((y, to), moduli) in (2 * pair..m0).zip(rows.chunks_mut(width)).zip(&mut *moduli) {
                let u = &mut moduli[..n1 + 2 * halo];
                make(bands, y, tile, &mut u[halo..]);
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
        buffers: &PlaneBuffers<S::V>,
        hat: &mut [Cell<S::V>],
        workers: &mut [W],
    ) {
        let [n0, _] = self.grid.shape;
        let pairs = &buffers.pairs;
        let columns = hat[..self.half_len()].chunks_mut(n0).enumerate();
        parallel::for_each(workers.iter_mut(), columns, |worker, (column, to)| {
            let tile = &mut worker.as_mut().tile;
            let cells = Gather::new(&pairs[2 * self.parts * column..], &self.column);
            self.lines[0].run_gathered(cells, tile, Emit::Cells { to, stride: 1 });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::FilterBank2d;
    use crate::isa::Isa;
    use crate::kernels::pass::WithSimd;
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

        fn run<S: Passes<T>>(self, simd: S) -> f64 {
            let Self {
                shape,
                J,
                first,
                threads,
            } = self;
            let slots = S::V::LANES / PARTS;
            // More would be so narrow that hardly anything of the image passes; lanes stay empty. The second layer takes another.
            let L = slots.clamp(2, 8);
            let side_by_side = 0..L.min(slots);
            let bank = FilterBank2d::params(shape, J).L(L).build::<T>().unwrap();
            let grid = Grid::new(shape);
            let planes: Vec<Plane<T, S>> = (0..J)
                .map_while(|level| grid.at_level(level))
                .map(|grid| Plane::new(simd, grid, PARTS))
                .collect();
            let [to, last] = [first, J - 1].map(|j| j.min(planes.len() - 1));
            let dirt = simd.splat(T::nan());
            let all = All(shape[1]);
            let line_lengths = Plane::line_lengths(planes.iter().map(|plane| (plane, &all)));
            let mut lines = LineBuffers::new(simd, line_lengths);
            lines.tile.fill(Cell { re: dirt, im: dirt });
            let mut workers: Vec<_> = (0..threads)
                .map(|_| Lines(LineBuffers::new(simd, line_lengths)))
                .collect();
            workers[0].0 = lines;
            let mut buffers = PlaneBuffers::default();
            for plane in &planes {
                let lengths = plane.lengths(true, &All(plane.grid.shape[1]));
                buffers.grow(simd, lengths.max(plane.image_lengths()));
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
            let filters = side_by_side.clone().map(|l| bank.psi(first, l).runs(0));
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
            let u: Vec<_> = side_by_side
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
