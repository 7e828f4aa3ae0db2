//! Sparse products x̂·ψ̂ in every lane, piece by piece.

use super::element::Element;
use super::vector::{Cell, Kernel, Simd, Vector, zero};

/// What a piece does with the cells it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Clear,
    Set,
    Add,
}

/// A stretch of neighbouring cells of a product: where they stand, and where samples and filter are read.
#[derive(Debug, Clone, Copy)]
pub struct Piece {
    pub act: Act,
    /// Read conjugated, and downwards from `from`.
    pub mirrored: bool,
    pub at: u32,
    pub len: u32,
    /// Where k1 and, if a vector holds two columns, k1 + 1 is read.
    pub from: [u32; 2],
    pub values: u32,
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

/// The factors of a product, x̂ and ψ̂, one of which has the same value in every lane, or in every lane of a half.
pub trait Product<T, V>: Copy {
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

/// The pieces of one column of cells, in order.
pub fn column<T: Element, S: Simd<T>, P: Product<T, S::V>>(
    simd: S,
    pieces: &[Piece],
    product: P,
    tile: &mut [Cell<S::V>],
) {
    simd.run(Column {
        simd,
        pieces,
        product,
        tile,
    });
}

struct Column<'a, T, S: Simd<T>, P> {
    simd: S,
    pieces: &'a [Piece],
    product: P,
    tile: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>, P: Product<T, S::V>> Kernel for Column<'_, T, S, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            pieces,
            product,
            tile,
        } = self;
        let zero = zero(simd);
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
