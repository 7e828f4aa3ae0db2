//! Product and fold, one column of the result at a time: ẑ = fold(x̂·ψ̂), planned as a list of pieces.
//!
//! ```text
//! ẑ(m) = Σ_{k ≡ m mod n·2^(from−to)} x̂(k)·ψ̂(k)
//! ```
//!
//! x̂ is a half spectrum `[n1/2 + 1][n0]`, of which the other columns are read mirrored and conjugated; ψ̂ is a list of
//! runs. A piece is a stretch along k0 on which neither side wraps around. The first piece to touch a cell sets it
//! and the others add to it, so nothing is cleared beforehand but the gaps.
//!
//! A vector may hold two neighbouring columns, k1 even in its lower and k1 + 1 in its upper half: a column of cells is
//! then a pair of columns. Mirrored, the two halves come from different pairs, n1 − k1 and n1 − k1 − 1.

use std::iter::Peekable;

use crate::fft::spectrum::Form;
use crate::filters::Run;
use crate::grid::{Grid, signed_frequencies, wrap};
use crate::kernels::product::{self, Act, Piece, Product};
use crate::kernels::vector::{Cell, Simd, Vector};
use crate::num::{Complex, Real};

/// A run of ψ̂: neighbouring k0 of one k1, or of k1 and k1 + 1, and where its values start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FilterRun {
    pub k1: i64,
    pub k0: i64,
    pub len: usize,
    pub values: usize,
}

/// Filters side by side on the union of their supports.
#[derive(Debug)]
pub(crate) struct Filters<F> {
    parts: usize,
    pub runs: Vec<FilterRun>,
    pub values: Vec<F>,
}

impl<F> Filters<F> {
    /// Each filter is given by its runs, in increasing order of k1. An entry is made of the values of all of them at one
    /// k0, `[parts][slots]`, those of k1 first; slots without a filter hold zeros.
    pub fn side_by_side<'a, T: Real>(
        parts: usize,
        slots: usize,
        filters: impl Iterator<Item = impl Iterator<Item = Run<'a, T, 2>>>,
        [n0, n1]: [usize; 2],
        entry: impl Fn(&[T]) -> F,
    ) -> Self {
        let mut filters: Vec<_> = filters.map(Iterator::peekable).collect();
        let together = parts * slots;
        let mut row = vec![T::zero(); n0 * together];
        let mut filled = vec![false; n0];
        let (mut runs, mut values) = (Vec::<FilterRun>::new(), Vec::new());
        let columns = signed_frequencies(n1);
        // Pairs start at even columns, which the first frequency need not be.
        let start = columns.start.div_euclid(parts as i64) * parts as i64;
        for k1 in (start..columns.end).step_by(parts) {
            for part in 0..parts {
                for (slot, filter) in filters.iter_mut().enumerate() {
                    while let Some(run) = filter.next_if(|run| run.start[1] == k1 + part as i64) {
                        for (k0, &value) in (run.start[0]..).zip(run.values) {
                            let at = wrap(k0, n0);
                            row[at * together + part * slots + slot] = value;
                            filled[at] = true;
                        }
                    }
                }
            }
            let mut open = false;
            for k0 in signed_frequencies(n0) {
                let at = wrap(k0, n0);
                if !std::mem::take(&mut filled[at]) {
                    open = false;
                    continue;
                }
                match runs.last_mut() {
                    Some(run) if open => run.len += 1,
                    _ => runs.push(FilterRun {
                        k1,
                        k0,
                        len: 1,
                        values: values.len(),
                    }),
                }
                open = true;
                let row = &mut row[at * together..][..together];
                values.push(entry(row));
                row.fill(T::zero());
            }
        }
        debug_assert!(
            filters
                .iter_mut()
                .map(Peekable::peek)
                .all(|run| run.is_none())
        );
        Self {
            parts,
            runs,
            values,
        }
    }
}

/// The pieces of every column of cells.
#[derive(Debug, Clone)]
pub(crate) struct Fold {
    /// First piece of every column, and the number of pieces.
    columns: Vec<u32>,
    pieces: Vec<Piece>,
}

impl Fold {
    /// Plans the product of spectra on `from` with these filters, folded to `to`. Spectra stand in columns of cells that
    /// hold `together` columns each.
    pub fn new<F>(filters: &Filters<F>, together: usize, from: Grid<2>, to: Grid<2>) -> Self {
        let Filters { parts, runs, .. } = filters;
        let [n0, n1] = from.shape;
        let [m0, m1] = to.shape;
        debug_assert!(n1.is_multiple_of(*parts) && m1.is_multiple_of(*parts));
        let mut by_column = vec![Vec::new(); m1 / parts];
        for run in runs {
            by_column[wrap(run.k1, m1) / parts].push(run);
        }
        let mut fold = Self {
            columns: vec![0],
            pieces: Vec::new(),
        };
        let mut touched = vec![false; m0];
        for runs in by_column {
            touched.fill(false);
            for run in runs {
                let k1 = wrap(run.k1, n1);
                let mirrored = k1 + parts - 1 > n1 / 2;
                let columns = [k1, k1 + parts - 1].map(|k1| {
                    let column = if mirrored { n1 - k1 } else { k1 };
                    column / together * n0
                });
                let mut done = 0;
                while done < run.len {
                    let k = run.k0 + done as i64;
                    let at = wrap(k, m0);
                    let first = wrap(if mirrored { -k } else { k }, n0);
                    let room = if mirrored { first + 1 } else { n0 - first };
                    let most = (run.len - done).min(m0 - at).min(room);
                    let fresh = !touched[at];
                    let len = (1..most)
                        .find(|&i| touched[at + i] == fresh)
                        .unwrap_or(most);
                    touched[at..at + len].fill(true);
                    fold.pieces.push(Piece {
                        act: if fresh { Act::Set } else { Act::Add },
                        mirrored,
                        at: at as u32,
                        len: len as u32,
                        from: columns.map(|column| (column + first) as u32),
                        values: (run.values + done) as u32,
                    });
                    done += len;
                }
            }
            let mut at = 0;
            for gap in touched.chunk_by(|a, b| a == b) {
                if !gap[0] {
                    fold.pieces.push(Piece {
                        act: Act::Clear,
                        mirrored: false,
                        at: at as u32,
                        len: gap.len() as u32,
                        from: [0; 2],
                        values: 0,
                    });
                }
                at += gap.len();
            }
            fold.columns.push(fold.pieces.len() as u32);
        }
        fold
    }

    /// Bytes of the plan.
    pub fn bytes(&self) -> u64 {
        (size_of_val(&self.pieces[..]) + size_of_val(&self.columns[..])) as u64
    }

    /// Whether a column of cells reads anything.
    pub fn reads(&self, column: usize) -> bool {
        let mut pieces = self.pieces(column).iter();
        pieces.any(|piece| piece.act != Act::Clear)
    }

    /// The pieces of a column of cells.
    pub fn pieces(&self, column: usize) -> &[Piece] {
        &self.pieces[self.columns[column] as usize..self.columns[column + 1] as usize]
    }

    /// One column of cells of the product.
    pub fn column<T: Real, S: Simd<T>, P: Product<T, S::V>>(
        &self,
        simd: S,
        column: usize,
        product: P,
        tile: &mut [Cell<S::V>],
    ) {
        product::column(simd, self.pieces(column), product, tile);
    }
}

/// The first layer: a wavelet in every lane, one image. A vector holds `PARTS` columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfImage<'a, T, V, const PARTS: usize> {
    pub filter: &'a [V],
    pub spectrum: &'a [Complex<T>],
}

impl<T, V, const PARTS: usize> OfImage<'_, T, V, PARTS> {
    /// Twice as large as the DFT, since separating the spectra of two real rows leaves out a ½.
    pub const FORM: Form = Form {
        exchanged: false,
        factor: 2,
    };
}

impl<T: Real, V: Vector<T>, const PARTS: usize> Product<T, V> for OfImage<'_, T, V, PARTS> {
    type Filter = V;
    type Sample = Complex<T>;

    #[inline(always)]
    fn filter(&self) -> &[V] {
        self.filter
    }

    #[inline(always)]
    fn spectrum(&self) -> &[Complex<T>] {
        self.spectrum
    }

    #[inline(always)]
    fn factors<S: Simd<T, V = V>>(
        simd: S,
        filter: V,
        [a, b]: [Complex<T>; 2],
        _mirrored: bool,
    ) -> (V, Cell<V>) {
        let sample = if PARTS == 1 {
            Cell {
                re: simd.splat(a.re),
                im: simd.splat(a.im),
            }
        } else {
            Cell {
                re: simd.splat_halves([a.re, b.re]),
                im: simd.splat_halves([a.im, b.im]),
            }
        };
        (filter, sample)
    }
}

/// A deeper layer: one wavelet, spectra of moduli in the lanes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfModuli<'a, T, V, const PARTS: usize> {
    pub filter: &'a [[T; PARTS]],
    pub spectrum: &'a [Cell<V>],
}

impl<T, V, const PARTS: usize> OfModuli<'_, T, V, PARTS> {
    /// As large, and left with parts exchanged by the last pass of its lines.
    pub const FORM: Form = Form {
        exchanged: true,
        factor: 2,
    };
}

impl<T: Real, V: Vector<T>, const PARTS: usize> Product<T, V> for OfModuli<'_, T, V, PARTS> {
    type Filter = [T; PARTS];
    type Sample = Cell<V>;

    #[inline(always)]
    fn filter(&self) -> &[[T; PARTS]] {
        self.filter
    }

    #[inline(always)]
    fn spectrum(&self) -> &[Cell<V>] {
        self.spectrum
    }

    #[inline(always)]
    fn factors<S: Simd<T, V = V>>(
        simd: S,
        filter: [T; PARTS],
        [a, b]: [Cell<V>; 2],
        mirrored: bool,
    ) -> (V, Cell<V>) {
        if PARTS == 1 {
            return (simd.splat(filter[0]), a.swapped());
        }
        let sample = if mirrored {
            Cell {
                re: V::join(a.re, b.re),
                im: V::join(a.im, b.im),
            }
        } else {
            a
        };
        (
            simd.splat_halves([filter[0], filter[PARTS - 1]]),
            sample.swapped(),
        )
    }
}
