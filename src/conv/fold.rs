//! Product and fold, one column of the result at a time: ẑ = fold(x̂·ψ̂), planned as a list of pieces.
//!
//! ```text
//! ẑ(m) = Σ_{k ≡ m mod n·2^(from−to)} x̂(k)·ψ̂(k)
//! ```
//!
//! x̂ is a half spectrum `[n1/2 + 1][n0]`, of which frequencies with k1 < 0 are read mirrored and conjugated; ψ̂ is a list
//! of runs. A piece is a stretch along k0 on which neither side wraps around. The first piece to touch a cell sets it
//! and the others add to it, so nothing is cleared beforehand but the gaps.

use crate::grid::{Grid, wrap};
use crate::kernels::vector::{Cell, Kernel, Simd, Vector};
use crate::num::{Complex, Real};

/// A run of ψ̂: neighbouring k0 of one k1, and where its values start.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FilterRun {
    pub k1: i64,
    pub k0: i64,
    pub len: usize,
    pub values: usize,
}

/// The pieces of every column.
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
    from: u32,
    values: u32,
}

impl Fold {
    /// Plans the product of spectra on `from` with these runs, folded to `to`.
    pub fn new(runs: &[FilterRun], from: Grid<2>, to: Grid<2>) -> Self {
        let [n0, _] = from.shape;
        let [m0, m1] = to.shape;
        let mut by_column = vec![Vec::new(); m1];
        for run in runs {
            by_column[wrap(run.k1, m1)].push(run);
        }
        let mut fold = Self {
            columns: vec![0],
            pieces: Vec::new(),
        };
        let mut touched = vec![false; m0];
        for runs in by_column {
            touched.fill(false);
            for run in runs {
                let mirrored = run.k1 < 0;
                let column = run.k1.unsigned_abs() as usize * n0;
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
                        from: (column + first) as u32,
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
                        from: 0,
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

    /// Column `k1` of the product.
    pub fn column<T: Real, S: Simd<T>, P: Product<T, S::V>>(
        &self,
        simd: S,
        k1: usize,
        product: P,
        tile: &mut [Cell<S::V>],
    ) {
        let pieces = &self.pieces[self.columns[k1] as usize..self.columns[k1 + 1] as usize];
        let ahead = match self.columns.get(k1 + 2) {
            Some(&end) => &self.pieces[self.columns[k1 + 1] as usize..end as usize],
            None => &[],
        };
        simd.run(Column {
            simd,
            pieces,
            ahead,
            product,
            tile,
        });
    }
}

/// The factors of a product, x̂ and ψ̂, one of which has the same value in every lane.
pub(crate) trait Product<T, V>: Copy {
    /// What a filter value is, and what a sample of the spectrum is.
    type Filter: Copy;
    type Sample: Copy;

    fn filter(&self) -> &[Self::Filter];
    fn spectrum(&self) -> &[Self::Sample];

    /// `sum + filter·sample`, or with the sample conjugated.
    fn add<S: Simd<T, V = V>>(
        simd: S,
        sum: Cell<V>,
        filter: Self::Filter,
        sample: Self::Sample,
        conjugate: bool,
    ) -> Cell<V>;

    /// `filter·sample`, or with the sample conjugated.
    fn set<S: Simd<T, V = V>>(
        simd: S,
        filter: Self::Filter,
        sample: Self::Sample,
        conjugate: bool,
    ) -> Cell<V>;
}

/// The first layer: a wavelet in every lane, one image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfImage<'a, T, V> {
    pub filter: &'a [V],
    pub spectrum: &'a [Complex<T>],
}

impl<T: Real, V: Vector<T>> Product<T, V> for OfImage<'_, T, V> {
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
    fn add<S: Simd<T, V = V>>(
        simd: S,
        sum: Cell<V>,
        filter: V,
        sample: Complex<T>,
        conjugate: bool,
    ) -> Cell<V> {
        let (re, im) = (simd.splat(sample.re), simd.splat(sample.im));
        Cell {
            re: filter.mul_add(re, sum.re),
            im: match conjugate {
                false => filter.mul_add(im, sum.im),
                true => filter.neg_mul_add(im, sum.im),
            },
        }
    }

    #[inline(always)]
    fn set<S: Simd<T, V = V>>(simd: S, filter: V, sample: Complex<T>, conjugate: bool) -> Cell<V> {
        let im = if conjugate { -sample.im } else { sample.im };
        Cell {
            re: filter * simd.splat(sample.re),
            im: filter * simd.splat(im),
        }
    }
}

/// A deeper layer: one wavelet, spectra of moduli in the lanes, whose parts are exchanged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OfModuli<'a, T, V> {
    pub filter: &'a [T],
    pub spectrum: &'a [Cell<V>],
}

impl<T: Real, V: Vector<T>> Product<T, V> for OfModuli<'_, T, V> {
    type Filter = T;
    type Sample = Cell<V>;

    #[inline(always)]
    fn filter(&self) -> &[T] {
        self.filter
    }

    #[inline(always)]
    fn spectrum(&self) -> &[Cell<V>] {
        self.spectrum
    }

    #[inline(always)]
    fn add<S: Simd<T, V = V>>(
        simd: S,
        sum: Cell<V>,
        filter: T,
        sample: Cell<V>,
        conjugate: bool,
    ) -> Cell<V> {
        let (filter, sample) = (simd.splat(filter), sample.swapped());
        Cell {
            re: filter.mul_add(sample.re, sum.re),
            im: match conjugate {
                false => filter.mul_add(sample.im, sum.im),
                true => filter.neg_mul_add(sample.im, sum.im),
            },
        }
    }

    #[inline(always)]
    fn set<S: Simd<T, V = V>>(simd: S, filter: T, sample: Cell<V>, conjugate: bool) -> Cell<V> {
        let sample = sample.swapped();
        let of_im = simd.splat(if conjugate { -filter } else { filter });
        Cell {
            re: simd.splat(filter) * sample.re,
            im: of_im * sample.im,
        }
    }
}

struct Column<'a, T, S: Simd<T>, P> {
    simd: S,
    pieces: &'a [Piece],
    /// The pieces of the next column: the factors come from a third-level cache, whose latency the transform of this
    /// column hides.
    ahead: &'a [Piece],
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
            ahead,
            product,
            tile,
        } = self;
        let zero = crate::kernels::vector::zero(simd);
        for piece in ahead.iter().filter(|piece| piece.act != Act::Clear) {
            let (len, from) = (piece.len as usize, piece.from as usize);
            simd.prefetch(&product.filter()[piece.values as usize..][..len]);
            let first = if piece.mirrored { from + 1 - len } else { from };
            simd.prefetch(&product.spectrum()[first..][..len]);
        }
        for piece in pieces {
            let len = piece.len as usize;
            let tile = &mut tile[piece.at as usize..][..len];
            if piece.act == Act::Clear {
                tile.fill(zero);
                continue;
            }
            let filter = &product.filter()[piece.values as usize..][..len];
            let from = piece.from as usize;
            let add = piece.act == Act::Add;
            macro_rules! each {
                ($spectrum:expr, $conjugate:literal) => {
                    if add {
                        for ((cell, &filter), &sample) in tile.iter_mut().zip(filter).zip($spectrum)
                        {
                            *cell = P::add(simd, *cell, filter, sample, $conjugate);
                        }
                    } else {
                        for ((cell, &filter), &sample) in tile.iter_mut().zip(filter).zip($spectrum)
                        {
                            *cell = P::set(simd, filter, sample, $conjugate);
                        }
                    }
                };
            }
            if piece.mirrored {
                let spectrum = &product.spectrum()[from + 1 - len..=from];
                each!(spectrum.iter().rev(), true);
            } else {
                let spectrum = &product.spectrum()[from..][..len];
                each!(spectrum, false);
            }
        }
    }
}
