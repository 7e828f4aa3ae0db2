//! Rows to lanes and back: samples that stand in rows become lines whose lanes are rows, and such lines columns.
//!
//! ```text
//! rows of samples    LoadRows, LoadLine   ─▶  a line, its lanes LANES rows       StoreRows, StoreLine   ─▶  rows of samples
//! a line of rows     Spread               ─▶  columns of a plane                 Collect                ─▶  a line of rows
//! ```
//!
//! A plane is `[k1 / LANES][stride][LANES]`: groups of LANES columns, the cells of a group one after another. What is
//! turned are squares of LANES vectors; where fewer than LANES numbers are left, they go through memory.
//!
//! Lines transform with exp(+2πi…) only, so that samples are loaded with real and imaginary parts exchanged; see
//! [`Cell::swapped`].

use std::marker::PhantomData;
use std::ops::Range;

use num_complex::Complex;

use super::element::Element;
use super::vector::{Cell, Kernel, MAX_LANES, Simd, Vector};

/// A complex number in every lane, rounded once.
pub fn cell<T: Element, S: Simd<T>>(simd: S, value: impl Fn(usize) -> Complex<f64>) -> Cell<S::V> {
    let narrow = |x: f64| T::from(x).expect("a float is made of a float");
    let (mut re, mut im) = ([T::zero(); MAX_LANES], [T::zero(); MAX_LANES]);
    for lane in 0..S::V::LANES {
        let value = value(lane);
        (re[lane], im[lane]) = (narrow(value.re), narrow(value.im));
    }
    Cell {
        re: simd.load(&re),
        im: simd.load(&im),
    }
}

/// Complex numbers, LANES a cell, rounded once: [`cell`] for many of them.
pub struct Round<'a, T, S: Simd<T>> {
    pub simd: S,
    pub from: &'a [Complex<f64>],
    pub to: &'a mut [Cell<S::V>],
    pub precision: PhantomData<T>,
}

impl<T: Element, S: Simd<T>> Kernel for Round<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let narrow = |x: f64| T::from(x).expect("a float is made of a float");
        let (mut re, mut im) = ([T::zero(); MAX_LANES], [T::zero(); MAX_LANES]);
        for (to, from) in self.to.iter_mut().zip(self.from.chunks_exact(S::V::LANES)) {
            for ((re, im), from) in re.iter_mut().zip(&mut im).zip(from) {
                (*re, *im) = (narrow(from.re), narrow(from.im));
            }
            *to = Cell {
                re: self.simd.load(&re),
                im: self.simd.load(&im),
            };
        }
    }
}

/// LANES neighbours of LANES rows, from `at` on, as LANES vectors whose lanes are rows.
#[inline(always)]
fn square<T: Element, S: Simd<T>>(
    simd: S,
    rows: &[&[T]; MAX_LANES],
    at: usize,
) -> [S::V; MAX_LANES] {
    let mut square = [simd.splat(T::zero()); MAX_LANES];
    for i in 0..S::V::LANES {
        square[i] = simd.load(&rows[i][at..]);
    }
    S::V::transpose(&mut square);
    square
}

/// The same where fewer than LANES are left.
#[inline(always)]
fn edge<T: Element, S: Simd<T>>(simd: S, rows: &[&[T]; MAX_LANES], at: usize) -> [S::V; MAX_LANES] {
    let mut square = [simd.splat(T::zero()); MAX_LANES];
    for i in 0..S::V::LANES {
        let mut numbers = [T::zero(); MAX_LANES];
        for (to, &from) in numbers.iter_mut().zip(&rows[i][at..]) {
            *to = from;
        }
        square[i] = simd.load(&numbers);
    }
    S::V::transpose(&mut square);
    square
}

/// Rows of samples as a line of cells, parts exchanged.
pub struct LoadRows<'a, T, S: Simd<T>> {
    pub simd: S,
    pub rows: &'a [[&'a [T]; MAX_LANES]; 2],
    pub len: usize,
    pub tile: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>> Kernel for LoadRows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let [re, im] = self.rows;
        let whole = self.len / lanes * lanes;
        for (at, to) in (0..whole)
            .step_by(lanes)
            .zip(self.tile.chunks_exact_mut(lanes))
        {
            let a = square(self.simd, re, at);
            let b = square(self.simd, im, at);
            for i in 0..lanes {
                to[i] = Cell { re: b[i], im: a[i] };
            }
        }
        if whole < self.len {
            let a = edge(self.simd, re, whole);
            let b = edge(self.simd, im, whole);
            for (i, to) in self.tile[whole..self.len].iter_mut().enumerate() {
                *to = Cell { re: b[i], im: a[i] };
            }
        }
    }
}

/// Neighbouring samples, `stride` from each other, as a line of cells, parts exchanged.
pub struct LoadLine<'a, T, S: Simd<T>> {
    pub simd: S,
    pub re: &'a [T],
    pub im: &'a [T],
    pub stride: usize,
    pub tile: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>> Kernel for LoadLine<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let parts = self.re.chunks(self.stride).zip(self.im.chunks(self.stride));
        for (to, (re, im)) in self.tile.iter_mut().zip(parts) {
            *to = Cell {
                re: self.simd.load(im),
                im: self.simd.load(re),
            };
        }
    }
}

/// A line of cells whose lanes are rows into a plane, where they are columns; multiplied before, unless `by` is
/// empty.
pub struct Spread<'a, T, S: Simd<T>> {
    pub simd: S,
    pub row: &'a [Cell<S::V>],
    pub by: &'a [Cell<S::V>],
    pub plane: &'a mut [Cell<S::V>],
    pub stride: usize,
}

impl<T: Element, S: Simd<T>> Kernel for Spread<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let zero = self.simd.splat(T::zero());
        let columns = self.plane.chunks_mut(self.stride);
        let mut by = self.by.chunks_exact(lanes);
        for (from, to) in self.row.chunks_exact(lanes).zip(columns) {
            let (mut re, mut im) = ([zero; MAX_LANES], [zero; MAX_LANES]);
            match by.next() {
                None => {
                    for i in 0..lanes {
                        (re[i], im[i]) = (from[i].re, from[i].im);
                    }
                }
                Some(by) => {
                    for i in 0..lanes {
                        let product = from[i].times(by[i]);
                        (re[i], im[i]) = (product.re, product.im);
                    }
                }
            }
            S::V::transpose(&mut re);
            S::V::transpose(&mut im);
            for (i, to) in to[..lanes].iter_mut().enumerate() {
                *to = Cell {
                    re: re[i],
                    im: im[i],
                };
            }
        }
    }
}

/// The way back: LANES rows from the columns of the plane; zeros from groups without runs. Multiplied afterwards,
/// unless `by` is empty.
pub struct Collect<'a, T, S: Simd<T>> {
    pub simd: S,
    pub plane: &'a [Cell<S::V>],
    pub stride: usize,
    pub groups: &'a [Range<usize>],
    pub by: &'a [Cell<S::V>],
    pub tile: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>> Kernel for Collect<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let zero = self.simd.splat(T::zero());
        let columns = self.plane.chunks(self.stride).zip(self.groups);
        let mut by = self.by.chunks_exact(lanes);
        for (to, (from, runs)) in self.tile.chunks_exact_mut(lanes).zip(columns) {
            let (mut re, mut im) = ([zero; MAX_LANES], [zero; MAX_LANES]);
            if !runs.is_empty() {
                for (i, from) in from[..lanes].iter().enumerate() {
                    (re[i], im[i]) = (from.re, from.im);
                }
                S::V::transpose(&mut re);
                S::V::transpose(&mut im);
            }
            match by.next() {
                None => {
                    for i in 0..lanes {
                        to[i] = Cell {
                            re: re[i],
                            im: im[i],
                        };
                    }
                }
                Some(by) => {
                    for i in 0..lanes {
                        let cell = Cell {
                            re: re[i],
                            im: im[i],
                        };
                        to[i] = cell.times(by[i]);
                    }
                }
            }
        }
    }
}

/// The real or imaginary part of a line whose lanes are rows, to rows.
pub struct StoreRows<'a, T, S: Simd<T>> {
    pub simd: S,
    pub cells: &'a [Cell<S::V>],
    /// The imaginary part.
    pub second: bool,
    pub rows: usize,
    pub width: usize,
    pub to: &'a mut [T],
    pub stride: usize,
}

impl<T: Element, S: Simd<T>> Kernel for StoreRows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let Self {
            simd,
            cells,
            second,
            rows,
            width,
            to,
            stride,
        } = self;
        let zero = simd.splat(T::zero());
        for (c, cells) in cells
            .chunks_exact(lanes)
            .take(width.div_ceil(lanes))
            .enumerate()
        {
            let mut square = [zero; MAX_LANES];
            for i in 0..lanes {
                square[i] = if second { cells[i].im } else { cells[i].re };
            }
            S::V::transpose(&mut square);
            let left = width - c * lanes;
            for i in 0..rows.min(lanes) {
                let to = &mut to[i * stride + c * lanes..];
                if left >= lanes {
                    to[..lanes].copy_from_slice(square[i].lanes());
                } else {
                    to[..left].copy_from_slice(&square[i].lanes()[..left]);
                }
            }
        }
    }
}

/// A line whose lanes are rows, to rows.
pub struct StoreComplexRows<'a, T, S: Simd<T>> {
    pub simd: S,
    pub cells: &'a [Cell<S::V>],
    pub rows: usize,
    pub width: usize,
    pub to: &'a mut [Complex<T>],
    pub stride: usize,
}

impl<T: Element, S: Simd<T>> Kernel for StoreComplexRows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let lanes = S::V::LANES;
        let Self {
            simd,
            cells,
            rows,
            width,
            to,
            stride,
        } = self;
        let zero = simd.splat(T::zero());
        for (c, cells) in cells
            .chunks_exact(lanes)
            .take(width.div_ceil(lanes))
            .enumerate()
        {
            let (mut re, mut im) = ([zero; MAX_LANES], [zero; MAX_LANES]);
            for i in 0..lanes {
                (re[i], im[i]) = (cells[i].re, cells[i].im);
            }
            S::V::transpose(&mut re);
            S::V::transpose(&mut im);
            let left = (width - c * lanes).min(lanes);
            for i in 0..rows.min(lanes) {
                interleave(
                    re[i].lanes(),
                    im[i].lanes(),
                    &mut to[i * stride + c * lanes..][..left],
                );
            }
        }
    }
}

#[inline(always)]
fn interleave<T: Element>(re: &[T], im: &[T], to: &mut [Complex<T>]) {
    for (to, (&re, &im)) in to.iter_mut().zip(re.iter().zip(im)) {
        *to = Complex::new(re, im);
    }
}

/// The real or imaginary part of a line whose lanes are neighbouring samples, to samples `stride` from each other.
pub struct StoreLine<'a, T, V> {
    pub cells: &'a [Cell<V>],
    /// The imaginary part.
    pub second: bool,
    pub stride: usize,
    pub first: usize,
    pub to: &'a mut [T],
    pub precision: PhantomData<T>,
}

impl<T: Element, V: Vector<T>> Kernel for StoreLine<'_, T, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Some(to) = self.to.get_mut(self.first..) else {
            return;
        };
        for (to, cell) in to.chunks_mut(self.stride).zip(self.cells) {
            let from = if self.second { &cell.im } else { &cell.re }.lanes();
            if to.len() >= V::LANES {
                to[..V::LANES].copy_from_slice(from);
            } else {
                let left = to.len();
                to.copy_from_slice(&from[..left]);
            }
        }
    }
}

/// A line whose lanes are neighbouring samples, to samples `stride` from each other.
pub struct StoreComplexLine<'a, T, V> {
    pub cells: &'a [Cell<V>],
    pub stride: usize,
    pub first: usize,
    pub to: &'a mut [Complex<T>],
}

impl<T: Element, V: Vector<T>> Kernel for StoreComplexLine<'_, T, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Some(to) = self.to.get_mut(self.first..) else {
            return;
        };
        for (to, cell) in to.chunks_mut(self.stride).zip(self.cells) {
            let left = to.len().min(V::LANES);
            interleave(cell.re.lanes(), cell.im.lanes(), &mut to[..left]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pass::{Passes, WithSimd, on_every_set};
    use crate::vector::zero;

    /// Rows of `len` numbers there and back, every step against plain indexing.
    struct ThereAndBack {
        len: usize,
    }

    impl<T: Element> WithSimd<T> for ThereAndBack {
        type Output = ();

        fn run<S: Passes<T>>(self, simd: S) {
            let Self { len } = self;
            let lanes = S::V::LANES;
            let number = |part: usize, row: usize, at: usize| {
                T::from(1 + at + 100 * row + 10_000 * part).expect("a small integer")
            };
            let rows: [Vec<Vec<T>>; 2] = [0, 1].map(|part| {
                let row = |row| (0..len).map(|at| number(part, row, at)).collect();
                (0..lanes).map(row).collect()
            });
            let mut views = [[&rows[0][0][..]; MAX_LANES]; 2];
            for (views, rows) in views.iter_mut().zip(&rows) {
                for (view, row) in views.iter_mut().zip(rows) {
                    *view = row;
                }
            }
            let padded = len.next_multiple_of(lanes);
            let mut line = vec![zero(simd); padded];
            simd.run(LoadRows {
                simd,
                rows: &views,
                len,
                tile: &mut line,
            });
            for (at, cell) in line[..len].iter().enumerate() {
                for row in 0..lanes {
                    assert_eq!(cell.im.lanes()[row], number(0, row, at));
                    assert_eq!(cell.re.lanes()[row], number(1, row, at));
                }
            }

            let stride = 3 * lanes;
            let mut plane = vec![zero(simd); padded / lanes * stride];
            simd.run(Spread {
                simd,
                row: &line,
                by: &[],
                plane: &mut plane[lanes..],
                stride,
            });
            for at in 0..len {
                for row in 0..lanes {
                    let cell = plane[at / lanes * stride + lanes + row];
                    assert_eq!(cell.im.lanes()[at % lanes], number(0, row, at));
                    assert_eq!(cell.re.lanes()[at % lanes], number(1, row, at));
                }
            }

            // The first group has no runs: zeros come back.
            let groups: Vec<_> = (0..padded / lanes).map(|group| 0..group).collect();
            let dirt = Cell {
                re: simd.splat(T::nan()),
                im: simd.splat(T::nan()),
            };
            let mut back = vec![dirt; padded];
            simd.run(Collect {
                simd,
                plane: &plane[lanes..],
                stride,
                groups: &groups,
                by: &[],
                tile: &mut back,
            });
            let (mut re, mut complex) = (vec![T::nan(); lanes * len], Vec::new());
            complex.resize(lanes * len, Complex::new(T::nan(), T::nan()));
            simd.run(StoreRows {
                simd,
                cells: &back,
                second: true,
                rows: lanes,
                width: len,
                to: &mut re,
                stride: len,
            });
            simd.run(StoreComplexRows {
                simd,
                cells: &back,
                rows: lanes - 1,
                width: len,
                to: &mut complex,
                stride: len,
            });
            for row in 0..lanes {
                for at in 0..len {
                    let expected = |part| match at < lanes {
                        true => T::zero(),
                        false => number(part, row, at),
                    };
                    let z = complex[row * len + at];
                    assert_eq!(re[row * len + at], expected(0));
                    match row + 1 < lanes {
                        true => assert_eq!((z.re, z.im), (expected(1), expected(0))),
                        false => assert!(z.re.is_nan() && z.im.is_nan(), "no row too many"),
                    }
                }
            }

            // A line of samples, lanes neighbours, all but the last of them kept.
            let samples: Vec<T> = (0..len * lanes).map(|at| number(0, 0, at)).collect();
            let mut line = vec![zero(simd); len];
            simd.run(LoadLine {
                simd,
                re: &samples,
                im: &samples,
                stride: lanes,
                tile: &mut line,
            });
            let kept = samples.len() - 1;
            let mut to = vec![T::nan(); kept];
            simd.run(StoreLine {
                cells: &line,
                second: true,
                stride: lanes,
                first: 0,
                to: &mut to,
                precision: PhantomData,
            });
            assert_eq!(to, samples[..kept]);
            let mut complex = vec![Complex::new(T::nan(), T::nan()); kept];
            simd.run(StoreComplexLine {
                cells: &line,
                stride: lanes,
                first: 0,
                to: &mut complex,
            });
            for (z, &x) in complex.iter().zip(&samples) {
                assert_eq!((z.re, z.im), (x, x));
            }
        }
    }

    #[test]
    fn rows_become_lanes_and_rows_again_on_every_instruction_set() {
        for len in [1, 3, 4, 16, 31, 50] {
            on_every_set!(ThereAndBack { len });
        }
    }
}
