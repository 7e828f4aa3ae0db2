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

use crate::filters::Run;
use crate::grid::{Grid, signed_frequencies, wrap};
use crate::kernels::vector::{Cell, Kernel, Simd, Vector};
use crate::num::{Complex, Real};

/// A run of ψ̂: neighbouring k0 of one k1, or of k1 and k1 + 1, and where its values start.
#[derive(Debug, Clone, Copy)]
struct FilterRun {
    k1: i64,
    k0: i64,
    len: usize,
    values: usize,
}

/// Filters side by side on the union of their supports.
#[derive(Debug)]
pub(crate) struct Filters<F> {
    parts: usize,
    runs: Vec<FilterRun>,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Clear,
    Set,
    Add,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    act: Act,
    /// Read conjugated, and downwards from `from`.
    mirrored: bool,
    at: u32,
    len: u32,
    /// Where k1 and, if a vector holds two columns, k1 + 1 is read.
    from: [u32; 2],
    values: u32,
}

impl Piece {
    /// Where the samples of a part stand.
    #[inline(always)]
    fn samples<'a, X>(&self, part: usize, spectrum: &'a [X]) -> &'a [X] {
        let from = self.from[part];
        let first = if self.mirrored {
            from + 1 - self.len
        } else {
            from
        };
        &spectrum[first as usize..][..self.len as usize]
    }
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

    /// One column of cells of the product.
    pub fn column<T: Real, S: Simd<T>, P: Product<T, S::V>>(
        &self,
        simd: S,
        column: usize,
        product: P,
        tile: &mut [Cell<S::V>],
    ) {
        let pieces = &self.pieces[self.columns[column] as usize..self.columns[column + 1] as usize];
        simd.run(Column {
            simd,
            pieces,
            product,
            tile,
        });
    }
}

/// The factors of a product, x̂ and ψ̂, one of which has the same value in every lane, or in every lane of a half.
pub(crate) trait Product<T, V>: Copy {
    /// What the filters are at one k0, and what a sample of the spectrum is.
    type Filter: Copy;
    type Sample: Copy;

    fn filter(&self) -> &[Self::Filter];
    fn spectrum(&self) -> &[Self::Sample];

    /// Filter and samples in all lanes. `samples` are those of both halves; they stand in the same cell, where samples are
    /// cells, unless they are `mirrored`.
    fn factors<S: Simd<T, V = V>>(
        simd: S,
        filter: Self::Filter,
        samples: [Self::Sample; 2],
        mirrored: bool,
    ) -> (V, Cell<V>);
}

/// The first layer: a wavelet in every lane, one image. A vector holds `PARTS` columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfImage<'a, T, V, const PARTS: usize> {
    pub filter: &'a [V],
    pub spectrum: &'a [Complex<T>],
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

/// A deeper layer: one wavelet, spectra of moduli in the lanes, whose parts are exchanged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfModuli<'a, T, V, const PARTS: usize> {
    pub filter: &'a [[T; PARTS]],
    pub spectrum: &'a [Cell<V>],
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

struct Column<'a, T, S: Simd<T>, P> {
    simd: S,
    pieces: &'a [Piece],
    product: P,
    tile: &'a mut [Cell<S::V>],
}

impl<T: Real, S: Simd<T>, P: Product<T, S::V>> Kernel for Column<'_, T, S, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            pieces,
            product,
            tile,
        } = self;
        let zero = crate::kernels::vector::zero(simd);
        for piece in pieces {
            let len = piece.len as usize;
            let tile = &mut tile[piece.at as usize..][..len];
            if piece.act == Act::Clear {
                tile.fill(zero);
                continue;
            }
            let filter = &product.filter()[piece.values as usize..][..len];
            macro_rules! each {
                ($a:expr, $b:expr, $mirrored:literal, $add:literal) => {
                    for (((cell, &filter), &a), &b) in tile.iter_mut().zip(filter).zip($a).zip($b) {
                        let (filter, sample) = P::factors(simd, filter, [a, b], $mirrored);
                        let sum = if $add { *cell } else { zero };
                        *cell = Cell {
                            re: filter.mul_add(sample.re, sum.re),
                            im: match $mirrored {
                                false => filter.mul_add(sample.im, sum.im),
                                true => filter.neg_mul_add(sample.im, sum.im),
                            },
                        };
                    }
                };
            }
            let a = piece.samples(0, product.spectrum());
            let b = piece.samples(1, product.spectrum());
            match (piece.mirrored, piece.act == Act::Add) {
                (false, false) => each!(a, b, false, false),
                (false, true) => each!(a, b, false, true),
                (true, false) => each!(a.iter().rev(), b.iter().rev(), true, false),
                (true, true) => each!(a.iter().rev(), b.iter().rev(), true, true),
            }
        }
    }
}
