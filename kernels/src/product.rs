//! Sparse products x̂·ψ̂ in every lane, piece by piece, and their transposes.

use std::ops::Add;

use num_complex::Complex;

use super::element::Element;
use super::vector::{Cell, Kernel, MAX_LANES, Simd, Vector, zero};

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
        &spectrum[self.first(part)..][..self.len as usize]
    }

    /// The same to be added to.
    #[inline(always)]
    fn samples_mut<'a, X>(&self, part: usize, spectrum: &'a mut [X]) -> &'a mut [X] {
        &mut spectrum[self.first(part)..][..self.len as usize]
    }

    #[inline(always)]
    fn first(&self, part: usize) -> usize {
        let from = self.from[part];
        let first = if self.mirrored {
            from + 1 - self.len
        } else {
            from
        };
        first as usize
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

/// The transpose of a [`Product`] with one filter for all lanes: adds ψ̂(k)·z(k) where x̂(k) was read, its conjugate where that was
/// mirrored.
pub struct AddToCells<'a, T, S: Simd<T>, const PARTS: usize> {
    pub simd: S,
    pub pieces: &'a [Piece],
    pub filter: &'a [[T; PARTS]],
    /// z, parts exchanged.
    pub tile: &'a [Cell<S::V>],
    pub to: &'a mut [Cell<S::V>],
}

impl<T: Element, S: Simd<T>, const PARTS: usize> Kernel for AddToCells<'_, T, S, PARTS> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            pieces,
            filter,
            tile,
            to,
        } = self;
        let zero = zero(simd);
        for piece in pieces.iter().filter(|piece| piece.act != Act::Clear) {
            let len = piece.len as usize;
            let tile = &tile[piece.at as usize..][..len];
            let filter = &filter[piece.values as usize..][..len];
            if !piece.mirrored {
                let to = piece.samples_mut(0, to);
                for ((to, z), &filter) in to.iter_mut().zip(tile).zip(filter) {
                    *to = z.swapped().scaled_add(both(simd, filter), *to);
                }
                continue;
            }
            for part in 0..PARTS {
                let to = piece.samples_mut(part, to);
                for ((to, z), &filter) in to.iter_mut().rev().zip(tile).zip(filter) {
                    let by = both(simd, filter);
                    // Columns of a pair are mirrored to different cells, each to its half.
                    let by = match (PARTS, part) {
                        (1, _) => by,
                        (_, 0) => S::V::join(by, zero.re),
                        _ => S::V::join(zero.re, by),
                    };
                    *to = Cell {
                        re: z.im.mul_add(by, to.re),
                        im: z.re.neg_mul_add(by, to.im),
                    };
                }
            }
        }
    }
}

/// One number for all lanes, or one for each half.
#[inline(always)]
fn both<T: Element, S: Simd<T>, const PARTS: usize>(simd: S, parts: [T; PARTS]) -> S::V {
    match PARTS {
        1 => simd.splat(parts[0]),
        _ => simd.splat_halves([parts[0], parts[PARTS - 1]]),
    }
}

/// The transpose of a [`Product`] whose lanes are filters of one spectrum: what lanes have for one frequency adds up.
pub struct AddToNumbers<'a, T, S: Simd<T>, const PARTS: usize> {
    pub simd: S,
    pub pieces: &'a [Piece],
    pub filter: &'a [S::V],
    /// z, parts exchanged.
    pub tile: &'a [Cell<S::V>],
    pub to: &'a mut [Complex<T>],
}

impl<T: Element, S: Simd<T>, const PARTS: usize> Kernel for AddToNumbers<'_, T, S, PARTS> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            pieces,
            filter,
            tile,
            to,
        } = self;
        let lanes = S::V::LANES;
        let zero = simd.splat(T::zero());
        for piece in pieces.iter().filter(|piece| piece.act != Act::Clear) {
            let len = piece.len as usize;
            let tile = &tile[piece.at as usize..][..len];
            let filter = &filter[piece.values as usize..][..len];
            let blocks = tile.chunks(lanes).zip(filter.chunks(lanes));
            for (block, (tile, filter)) in blocks.enumerate() {
                let (mut re, mut im) = ([zero; MAX_LANES], [zero; MAX_LANES]);
                for (i, (z, &by)) in tile.iter().zip(filter).enumerate() {
                    (re[i], im[i]) = (z.im * by, z.re * by);
                }
                S::V::transpose(&mut re[..lanes]);
                S::V::transpose(&mut im[..lanes]);
                for part in 0..PARTS {
                    let of_part = part * lanes / PARTS..(part + 1) * lanes / PARTS;
                    let (mut sum_re, mut sum_im) = (zero, zero);
                    for lane in of_part {
                        sum_re = sum_re + re[lane];
                        sum_im = sum_im + im[lane];
                    }
                    let sums = sum_re.lanes().iter().zip(sum_im.lanes());
                    let to = piece.samples_mut(part, to);
                    if piece.mirrored {
                        let to = to.iter_mut().rev().skip(block * lanes);
                        for (to, (&re, &im)) in to.zip(sums).take(tile.len()) {
                            (to.re, to.im) = (to.re + re, to.im - im);
                        }
                    } else {
                        let to = to[block * lanes..].iter_mut();
                        for (to, (&re, &im)) in to.zip(sums).take(tile.len()) {
                            (to.re, to.im) = (to.re + re, to.im + im);
                        }
                    }
                }
            }
        }
    }
}

/// Adds cells to as many others.
pub struct AddCells<'a, V> {
    pub cells: &'a [Cell<V>],
    pub to: &'a mut [Cell<V>],
}

impl<V: Copy + Add<Output = V>> Kernel for AddCells<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (to, &cell) in self.to.iter_mut().zip(self.cells) {
            *to = *to + cell;
        }
    }
}

/// The transpose of a [`Product`] with respect to its filters: Re(conj x̂(k)·z(k)) is added where ψ̂(k) was read, in every lane or
/// summed over the lanes of each part.
pub struct AddToFilters<'a, T, S: Simd<T>, P, A> {
    pub simd: S,
    pub pieces: &'a [Piece],
    pub product: P,
    /// z, parts exchanged.
    pub tile: &'a [Cell<S::V>],
    pub to: &'a mut [A],
}

/// What products of a few neighbouring frequencies are added to.
pub trait AddProducts<T, S: Simd<T>>: Sized {
    /// `LANES` products at most; those behind are zeros. They may be overwritten.
    fn add(to: &mut [Self], products: &mut [S::V; MAX_LANES]);
}

/// Lanes are filters: every one has its product.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub struct InLanes<V>(pub V);

impl<T: Element, S: Simd<T>> AddProducts<T, S> for InLanes<S::V> {
    #[inline(always)]
    fn add(to: &mut [Self], products: &mut [S::V; MAX_LANES]) {
        for (to, &product) in to.iter_mut().zip(&*products) {
            to.0 = to.0 + product;
        }
    }
}

/// Lanes are paths through one filter, in as many parts as a vector holds neighbours.
impl<T: Element, S: Simd<T>, const PARTS: usize> AddProducts<T, S> for [T; PARTS] {
    #[inline(always)]
    fn add(to: &mut [Self], products: &mut [S::V; MAX_LANES]) {
        let lanes = S::V::LANES;
        S::V::transpose(&mut products[..lanes]);
        for part in 0..PARTS {
            let of_part = part * lanes / PARTS..(part + 1) * lanes / PARTS;
            let mut sum = products[of_part.start];
            for lane in of_part.start + 1..of_part.end {
                sum = sum + products[lane];
            }
            for (to, &sum) in to.iter_mut().zip(sum.lanes()) {
                to[part] += sum;
            }
        }
    }
}

impl<T: Element, S: Simd<T>, P: Product<T, S::V>, A: AddProducts<T, S>> Kernel
    for AddToFilters<'_, T, S, P, A>
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            pieces,
            product,
            tile,
            to,
        } = self;
        let lanes = S::V::LANES;
        let zero = simd.splat(T::zero());
        for piece in pieces.iter().filter(|piece| piece.act != Act::Clear) {
            let len = piece.len as usize;
            let tile = &tile[piece.at as usize..][..len];
            let filter = &product.filter()[piece.values as usize..][..len];
            let to = &mut to[piece.values as usize..][..len];
            let samples = [0, 1].map(|part| piece.samples(part, product.spectrum()));
            for (block, to) in to.chunks_mut(lanes).enumerate() {
                let first = block * lanes;
                let mut products = [zero; MAX_LANES];
                for (i, to) in (first..first + to.len()).zip(&mut products) {
                    let at = if piece.mirrored { len - 1 - i } else { i };
                    let both = samples.map(|samples| samples[at]);
                    let (_, x) = P::factors(simd, filter[i], both, piece.mirrored);
                    // Parts of z are exchanged; x is the conjugate of what was read mirrored.
                    let (z, re) = (tile[i], x.re * tile[i].im);
                    *to = match piece.mirrored {
                        false => z.re.mul_add(x.im, re),
                        true => z.re.neg_mul_add(x.im, re),
                    };
                }
                A::add(to, &mut products);
            }
        }
    }
}
