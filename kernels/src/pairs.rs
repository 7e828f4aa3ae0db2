//! Real rows two at a time: one complex line transforms both, and their spectra are taken apart after it.
//!
//! ```text
//! Z = DFT(even + i·odd)     DFT(even)(k) = ½·(Z(k) + conj Z(−k))     DFT(odd)(k) = −½i·(Z(k) − conj Z(−k))
//! ```
//!
//! The ½ is left out. The transpose of both, with lines that transform with exp(+2πi…), takes cotangents of two half spectra to those of
//! two real rows: Re Σ_k G(k)·exp(2πi·kx/n), k = 0 ..= n/2, is the transform of ½·(G(k) + conj G(−k)), and even + i·odd of two.
//!
//! Lines transform with exp(+2πi…) only, so real and imaginary parts go in exchanged.

use num_complex::Complex;

use super::element::Element;
use super::vector::{Cell, Kernel, MAX_LANES, Simd, Vector, zero};

/// A vector from the first numbers of a slice, zeros behind them.
#[inline(always)]
fn load_part<T: Element, S: Simd<T>>(simd: S, from: &[T]) -> S::V {
    if from.len() >= S::V::LANES {
        return simd.load(from);
    }
    let mut numbers = [T::zero(); MAX_LANES];
    numbers[..from.len()].copy_from_slice(from);
    simd.load(&numbers)
}

/// Rows of a plane, `LANES` even ones and `LANES` odd ones at most, as one line: even + i·odd, parts exchanged.
pub struct PackRows<'a, T, S: Simd<T>> {
    pub simd: S,
    pub even: &'a [T],
    pub odd: &'a [T],
    /// As long as a row.
    pub tile: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>> Kernel for PackRows<'_, T, S> {
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
pub struct TurnPairs<'a, T, S: Simd<T>> {
    pub simd: S,
    pub columns: &'a [Cell<S::V>],
    pub rows: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>> Kernel for TurnPairs<'_, T, S> {
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
pub struct UnpackColumns<'a, T, S: Simd<T>> {
    pub simd: S,
    pub spectrum: &'a [Cell<S::V>],
    pub to: &'a mut [Complex<T>],
}

impl<T: Element, S: Simd<T>> Kernel for UnpackColumns<'_, T, S> {
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
pub struct Pack<'a, V> {
    pub zero: V,
    pub even: &'a [V],
    /// As long as `even`, or empty for a row of zeros.
    pub odd: &'a [V],
    pub tile: &'a mut [Cell<V>],
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
pub struct Separate<'a, T, S: Simd<T>, const PARTS: usize> {
    pub spectrum: &'a [Cell<S::V>],
    /// `[k1 / PARTS][2·PARTS]`: the rows of one k1, or of two in the halves.
    pub hat: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>, const PARTS: usize> Kernel for Separate<'_, T, S, PARTS> {
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

/// Two half spectra, of which the real parts of the inverse transforms are wanted, as one complex line.
pub struct Join<'a, T, S: Simd<T>> {
    pub simd: S,
    /// For k = 0 ..= n/2 at least, in groups of so many `neighbours`, `pitch` from each other.
    pub even: &'a [Cell<S::V>],
    /// The same, or empty for a row of zeros.
    pub odd: &'a [Cell<S::V>],
    pub neighbours: usize,
    pub pitch: usize,
    /// n cells.
    pub tile: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>> Kernel for Join<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            even,
            odd,
            neighbours,
            pitch,
            tile,
        } = self;
        let n = tile.len();
        let none = zero(simd);
        let half = simd.splat(T::from(0.5).expect("a half is a number"));
        for k in 0..=n / 2 {
            let at = k / neighbours * pitch + k % neighbours;
            let a = even[at];
            let b = if odd.is_empty() { none } else { odd[at] };
            if k == 0 || 2 * k == n {
                tile[k] = Cell { re: a.re, im: b.re };
                continue;
            }
            let (a, b) = (a.scaled(half), b.scaled(half));
            tile[k] = a.plus_i(b);
            // conj a + i·conj b
            tile[n - k] = Cell {
                re: a.re + b.im,
                im: b.re - a.im,
            };
        }
    }
}

/// Two real rows from the line that they were joined to.
pub struct Part<'a, V> {
    pub cells: &'a [Cell<V>],
    pub even: &'a mut [V],
    pub odd: &'a mut [V],
}

impl<V: Copy> Kernel for Part<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let rows = self.even.iter_mut().zip(self.odd);
        for ((even, odd), &Cell { re, im }) in rows.zip(self.cells) {
            (*even, *odd) = (re, im);
        }
    }
}
