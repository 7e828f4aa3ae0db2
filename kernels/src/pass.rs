//! The passes of a line transform: butterflies of one radix along all cells of a line.
//!
//! Decimation in frequency, in place, twiddles after the butterfly; the last pass has none and hands every result on
//! in natural order. A line is in a first-level cache, so a pass costs its arithmetic.

#![allow(unsafe_code)]

use num_complex::Complex;

use super::butterfly::{Butterfly, Radix, Roots, Sink};
use super::element::Element;
use super::vector::{Cell, Kernel, Simd, Vector};

/// The radices there are butterflies for.
pub const RADICES: [usize; 15] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17];

/// An instruction set with the passes of a line.
///
/// They are methods of the tokens, which are types and not parameters, so that their butterflies are compiled once, with
/// the crate: a generic function would be compiled again with everything that uses it.
pub trait Passes<T>: Simd<T> {
    /// A pass that is not the last: blocks of `radix·m` cells, twiddles exp(2πi·i·r/(radix·m)) stand as `[m][radix − 1]`.
    fn twiddled(
        self,
        radix: usize,
        cells: &mut [Cell<Self::V>],
        m: usize,
        twiddles: &[Complex<T>],
        roots: &[Cell<Self::V>],
    );

    /// The first pass of a line whose cells are not contiguous, into `cells`.
    fn gathered(
        self,
        radix: usize,
        from: Gather<'_, Self::V>,
        cells: &mut [Cell<Self::V>],
        twiddles: &[Complex<T>],
        roots: &[Cell<Self::V>],
    );

    /// The last pass: blocks of `radix` neighbouring cells. Result r of block b is number `order[b] + r·blocks`.
    fn last(
        self,
        radix: usize,
        cells: &[Cell<Self::V>],
        order: &Offsets,
        roots: &[Cell<Self::V>],
        emit: Emit<'_, T, Self::V>,
    );

    /// The last pass of several lines, the first cells of which stand `pitch` cells from each other.
    fn last_side_by_side(
        self,
        radix: usize,
        cells: &[Cell<Self::V>],
        pitch: usize,
        order: &Offsets,
        roots: &[Cell<Self::V>],
        to: SideBySide<'_, T, Self::V>,
    );
}

/// Where lines side by side hand their results: cell k of line i to `to[k·stride + i]`.
#[derive(Debug)]
pub struct SideBySide<'a, T, V> {
    pub to: &'a mut [Cell<V>],
    pub stride: usize,
    pub turns: Option<Turns<'a, T, V>>,
}

/// What cell k of line i of `len` cells is multiplied with: `lines[i]·cells[i·len + k]`.
#[derive(Debug, Clone, Copy)]
pub struct Turns<'a, T, V> {
    pub lines: &'a [Cell<V>],
    pub cells: &'a [Complex<T>],
}

/// Something to do once the instruction set is known.
pub trait WithSimd<T> {
    type Output;
    fn run<S: Passes<T>>(self, simd: S) -> Self::Output;
}

/// Implements [`Passes`] for a token in one precision.
macro_rules! passes {
    ($token:ty, $T:ty) => {
        impl Passes<$T> for $token {
            fn twiddled(
                self,
                radix: usize,
                cells: &mut [Cell<Self::V>],
                m: usize,
                twiddles: &[Complex<$T>],
                roots: &[Cell<Self::V>],
            ) {
                pass::twiddled(self, radix, cells, m, twiddles, roots);
            }

            fn gathered(
                self,
                radix: usize,
                from: Gather<'_, Self::V>,
                cells: &mut [Cell<Self::V>],
                twiddles: &[Complex<$T>],
                roots: &[Cell<Self::V>],
            ) {
                pass::gathered(self, radix, from, cells, twiddles, roots);
            }

            fn last(
                self,
                radix: usize,
                cells: &[Cell<Self::V>],
                order: &Offsets,
                roots: &[Cell<Self::V>],
                emit: Emit<'_, $T, Self::V>,
            ) {
                pass::last(self, radix, cells, order, roots, emit);
            }

            fn last_side_by_side(
                self,
                radix: usize,
                cells: &[Cell<Self::V>],
                pitch: usize,
                order: &Offsets,
                roots: &[Cell<Self::V>],
                to: SideBySide<'_, $T, Self::V>,
            ) {
                pass::last_side_by_side(self, radix, cells, pitch, order, roots, to);
            }
        }
    };
}

pub(super) use passes;

/// Runs a generic kernel for a radix that is known at run time.
macro_rules! by_radix {
    ($radix:expr, $run:ident) => {
        match $radix {
            1 => $run!(1),
            2 => $run!(2),
            3 => $run!(3),
            4 => $run!(4),
            5 => $run!(5),
            6 => $run!(6),
            7 => $run!(7),
            8 => $run!(8),
            9 => $run!(9),
            10 => $run!(10),
            11 => $run!(11),
            12 => $run!(12),
            13 => $run!(13),
            15 => $run!(15),
            16 => $run!(16),
            17 => $run!(17),
            radix => unreachable!("no plan asks for radix {radix}"),
        }
    };
}

pub fn twiddled<T: Element, S: Simd<T>>(
    simd: S,
    radix: usize,
    cells: &mut [Cell<S::V>],
    m: usize,
    twiddles: &[Complex<T>],
    roots: &[Cell<S::V>],
) {
    macro_rules! run {
        ($R:literal) => {
            simd.run(Twiddled::<T, S, $R> {
                simd,
                cells,
                m,
                twiddles,
                roots: roots.try_into().expect("as many roots as the radix"),
            })
        };
    }
    by_radix!(radix, run)
}

/// Positions that are read or written unchecked, with the largest of them, which is checked instead.
#[derive(Debug, Clone, Default)]
pub struct Offsets {
    offsets: Vec<u32>,
    largest: u32,
}

impl FromIterator<u32> for Offsets {
    fn from_iter<I: IntoIterator<Item = u32>>(offsets: I) -> Self {
        let offsets: Vec<_> = offsets.into_iter().collect();
        let largest = offsets.iter().copied().max().unwrap_or(0);
        Self { offsets, largest }
    }
}

/// A line whose cells are not contiguous: number i is `cells[offsets[i]]`.
#[derive(Debug, Clone, Copy)]
pub struct Gather<'a, V> {
    cells: &'a [Cell<V>],
    offsets: &'a [u32],
}

impl<'a, V> Gather<'a, V> {
    /// Panics if an offset is beyond the cells.
    pub fn new(cells: &'a [Cell<V>], at: &'a Offsets) -> Self {
        assert!(
            (at.largest as usize) < cells.len(),
            "offsets within the cells"
        );
        let offsets = &at.offsets;
        Self { cells, offsets }
    }

    pub fn iter(self) -> impl Iterator<Item = &'a Cell<V>> {
        let Self { cells, offsets } = self;
        offsets.iter().map(|&offset| &cells[offset as usize])
    }
}

pub fn gathered<T: Element, S: Simd<T>>(
    simd: S,
    radix: usize,
    from: Gather<'_, S::V>,
    cells: &mut [Cell<S::V>],
    twiddles: &[Complex<T>],
    roots: &[Cell<S::V>],
) {
    assert_eq!(from.offsets.len(), cells.len(), "a whole line");
    macro_rules! run {
        ($R:literal) => {
            simd.run(Gathered::<T, S, $R> {
                simd,
                from,
                cells,
                twiddles,
                roots: roots.try_into().expect("as many roots as the radix"),
            })
        };
    }
    by_radix!(radix, run)
}

struct Gathered<'a, T, S: Simd<T>, const R: usize> {
    simd: S,
    from: Gather<'a, S::V>,
    cells: &'a mut [Cell<S::V>],
    twiddles: &'a [Complex<T>],
    roots: &'a Roots<S::V, R>,
}

impl<T: Element, S: Simd<T>, const R: usize> Kernel for Gathered<'_, T, S, R>
where
    Radix: Butterfly<T, S::V, R>,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            from: Gather {
                cells: from,
                offsets,
            },
            cells,
            twiddles,
            roots,
        } = self;
        let m = cells.len() / R;
        for (i, twiddles) in twiddles.chunks_exact(R - 1).take(m).enumerate() {
            // SAFETY: i < m and r < R, so i + r·m < R·m, at most the number of cells, which is that of the offsets; and
            // every offset has been compared with the number of cells it points into.
            let x = std::array::from_fn(|r| unsafe {
                *from.get_unchecked(*offsets.get_unchecked(i + r * m) as usize)
            });
            let y = turned(simd, Radix::dft(x, roots), twiddles);
            for r in 0..R {
                // SAFETY: i + r·m < R·m, at most the number of cells.
                unsafe { *cells.get_unchecked_mut(i + r * m) = y[r] };
            }
        }
    }
}

/// Results of a butterfly, each but the first times its twiddle.
#[inline(always)]
fn turned<T: Element, S: Simd<T>, const R: usize>(
    simd: S,
    mut y: [Cell<S::V>; R],
    twiddles: &[Complex<T>],
) -> [Cell<S::V>; R] {
    for r in 1..R {
        let twiddle = twiddles[r - 1];
        y[r] = y[r].times(Cell {
            re: simd.splat(twiddle.re),
            im: simd.splat(twiddle.im),
        });
    }
    y
}

struct Twiddled<'a, T, S: Simd<T>, const R: usize> {
    simd: S,
    cells: &'a mut [Cell<S::V>],
    m: usize,
    twiddles: &'a [Complex<T>],
    roots: &'a Roots<S::V, R>,
}

impl<T: Element, S: Simd<T>, const R: usize> Kernel for Twiddled<'_, T, S, R>
where
    Radix: Butterfly<T, S::V, R>,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            cells,
            m,
            twiddles,
            roots,
        } = self;
        let len = R.checked_mul(m).expect("a block is in memory");
        for block in cells.chunks_exact_mut(len) {
            for (i, twiddles) in twiddles.chunks_exact(R - 1).take(m).enumerate() {
                // SAFETY: i < m and r < R, so i + r·m < R·m, the length of the block.
                let x = std::array::from_fn(|r| unsafe { *block.get_unchecked(i + r * m) });
                let y = turned(simd, Radix::dft(x, roots), twiddles);
                for r in 0..R {
                    // SAFETY: i + r·m < R·m, the length of the block.
                    unsafe { *block.get_unchecked_mut(i + r * m) = y[r] };
                }
            }
        }
    }
}

/// Where the last pass hands its results.
#[derive(Debug)]
pub enum Emit<'a, T, V> {
    /// Cell k to `to[k·stride]`.
    Cells {
        to: &'a mut [Cell<V>],
        stride: usize,
    },
    /// The halves of cell k to half k mod 2 of `to[k/2·stride]` and of the cell behind it.
    Halves {
        to: &'a mut [Cell<V>],
        stride: usize,
    },
    /// `scale·|cell k|` to `to[k·stride]`.
    Modulus {
        to: &'a mut [V],
        stride: usize,
        scale: T,
    },
}

pub fn last<T: Element, S: Simd<T>>(
    simd: S,
    radix: usize,
    cells: &[Cell<S::V>],
    order: &Offsets,
    roots: &[Cell<S::V>],
    emit: Emit<'_, T, S::V>,
) {
    let most = cells.len().saturating_sub(1);
    match emit {
        Emit::Cells { to, stride } => {
            assert!(reaches(to, most, stride, 0), "room for the last cell");
            stored(simd, radix, cells, order, roots, StoreCells { to, stride });
        }
        Emit::Halves { to, stride } => {
            assert!(
                reaches(to, most / 2, stride, 1),
                "room for the halves of the last cell"
            );
            stored(simd, radix, cells, order, roots, StoreHalves { to, stride });
        }
        Emit::Modulus { to, stride, scale } => {
            assert!(reaches(to, most, stride, 0), "room for the last modulus");
            let scale = simd.splat(scale);
            let store = StoreModulus { to, stride, scale };
            stored(simd, radix, cells, order, roots, store);
        }
    }
}

/// Whether there is an element `n·stride + beyond`.
fn reaches<C>(to: &[C], n: usize, stride: usize, beyond: usize) -> bool {
    let position = n.checked_mul(stride).and_then(|at| at.checked_add(beyond));
    position.is_some_and(|position| position < to.len())
}

/// The last pass into a store that has room for every cell.
fn stored<T: Element, S: Simd<T>, E: Store<T, S::V>>(
    simd: S,
    radix: usize,
    cells: &[Cell<S::V>],
    order: &Offsets,
    roots: &[Cell<S::V>],
    store: E,
) {
    macro_rules! run {
        ($R:literal) => {
            simd.run(Last::<T, S, E, $R>::new(cells, order, roots, store))
        };
    }
    by_radix!(radix, run)
}

/// What becomes of a result: its real part is stored first, then its imaginary part, other results in between.
trait Store<T, V> {
    /// # Safety
    /// `k` is less than the number of cells the destination was made for.
    unsafe fn re(&mut self, k: usize, re: V);

    /// # Safety
    /// As [`re`](Self::re).
    unsafe fn im(&mut self, k: usize, im: V);
}

struct StoreCells<'a, V> {
    to: &'a mut [Cell<V>],
    stride: usize,
}

impl<T, V: Vector<T>> Store<T, V> for StoreCells<'_, V> {
    #[inline(always)]
    unsafe fn re(&mut self, k: usize, re: V) {
        // SAFETY: the destination reaches to the last k·stride, checked where it came in.
        unsafe { self.to.get_unchecked_mut(k * self.stride).re = re };
    }

    #[inline(always)]
    unsafe fn im(&mut self, k: usize, im: V) {
        // SAFETY: as above.
        unsafe { self.to.get_unchecked_mut(k * self.stride).im = im };
    }
}

struct StoreHalves<'a, V> {
    to: &'a mut [Cell<V>],
    stride: usize,
}

impl<V> StoreHalves<'_, V> {
    /// The cells that the halves of cell k go to.
    ///
    /// # Safety
    /// As [`Store::re`].
    #[inline(always)]
    unsafe fn pair(&mut self, k: usize) -> &mut [Cell<V>; 2] {
        // SAFETY: the destination reaches beyond the last k/2·stride by one, checked where it came in.
        unsafe { &mut *self.to.as_mut_ptr().add(k / 2 * self.stride).cast() }
    }
}

impl<T, V: Vector<T>> Store<T, V> for StoreHalves<'_, V> {
    #[inline(always)]
    unsafe fn re(&mut self, k: usize, re: V) {
        // SAFETY: promised by the caller.
        let [low, high] = unsafe { self.pair(k) };
        re.store_halves(&mut low.re, &mut high.re, k);
    }

    #[inline(always)]
    unsafe fn im(&mut self, k: usize, im: V) {
        // SAFETY: promised by the caller.
        let [low, high] = unsafe { self.pair(k) };
        im.store_halves(&mut low.im, &mut high.im, k);
    }
}

struct StoreModulus<'a, V> {
    to: &'a mut [V],
    stride: usize,
    scale: V,
}

impl<T, V: Vector<T>> Store<T, V> for StoreModulus<'_, V> {
    #[inline(always)]
    unsafe fn re(&mut self, k: usize, re: V) {
        // SAFETY: the destination reaches to the last k·stride, checked where it came in.
        unsafe { *self.to.get_unchecked_mut(k * self.stride) = re * re };
    }

    #[inline(always)]
    unsafe fn im(&mut self, k: usize, im: V) {
        // SAFETY: as above.
        let to = unsafe { self.to.get_unchecked_mut(k * self.stride) };
        *to = self.scale * im.mul_add(im, *to).sqrt();
    }
}

struct Last<'a, T, S: Simd<T>, E, const R: usize> {
    cells: &'a [Cell<S::V>],
    order: &'a [u32],
    roots: &'a Roots<S::V, R>,
    store: E,
    precision: std::marker::PhantomData<T>,
}

impl<'a, T: Element, S: Simd<T>, E, const R: usize> Last<'a, T, S, E, R> {
    fn new(cells: &'a [Cell<S::V>], order: &'a Offsets, roots: &'a [Cell<S::V>], store: E) -> Self {
        let largest = order.largest as usize;
        let order = &order.offsets[..];
        assert_eq!(cells.len(), order.len() * R, "one place for every block");
        assert!(largest < order.len(), "places within the line");
        Self {
            cells,
            order,
            roots: roots.try_into().expect("as many roots as the radix"),
            store,
            precision: std::marker::PhantomData,
        }
    }
}

impl<T: Element, S: Simd<T>, E: Store<T, S::V>, const R: usize> Kernel for Last<'_, T, S, E, R>
where
    Radix: Butterfly<T, S::V, R>,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            cells,
            order,
            roots,
            mut store,
            ..
        } = self;
        let blocks = order.len();
        for (block, &first) in cells.as_chunks::<R>().0.iter().zip(order) {
            let mut to = Results::<T, E, R> {
                store: &mut store,
                first: first as usize,
                blocks,
                precision: std::marker::PhantomData,
            };
            Radix::dft_into(block, roots, &mut to);
        }
    }
}

/// The results of one block: number r is cell `first + r·blocks`.
struct Results<'a, T, E, const R: usize> {
    store: &'a mut E,
    first: usize,
    blocks: usize,
    precision: std::marker::PhantomData<T>,
}

impl<T, V, E: Store<T, V>, const R: usize> Sink<V> for Results<'_, T, E, R> {
    #[inline(always)]
    fn re(&mut self, r: usize, re: V) {
        assert!(r < R); // compiled away: r is a constant, or counts up to R
        // SAFETY: r < R, and the order is below the number of blocks, so this is below blocks·R, the length of the line.
        unsafe { self.store.re(self.first + r * self.blocks, re) };
    }

    #[inline(always)]
    fn im(&mut self, r: usize, im: V) {
        assert!(r < R);
        // SAFETY: as of the real part.
        unsafe { self.store.im(self.first + r * self.blocks, im) };
    }
}

pub fn last_side_by_side<T: Element, S: Simd<T>>(
    simd: S,
    radix: usize,
    cells: &[Cell<S::V>],
    pitch: usize,
    order: &Offsets,
    roots: &[Cell<S::V>],
    to: SideBySide<'_, T, S::V>,
) {
    let SideBySide { to, stride, turns } = to;
    let len = order.offsets.len() * radix;
    assert!(0 < len && len <= pitch, "lines apart from each other");
    let lines = (cells.len() + pitch - len) / pitch;
    if lines == 0 {
        return;
    }
    assert!(
        reaches(to, len - 1, stride, lines - 1),
        "room for the last cell"
    );
    macro_rules! run {
        ($R:literal) => {
            match turns {
                None => simd.run(LastSideBySide::<T, S, $R, false> {
                    simd,
                    cells,
                    pitch,
                    lines,
                    order,
                    roots: roots.try_into().expect("as many roots as the radix"),
                    to,
                    stride,
                    turns: Turns {
                        lines: &[],
                        cells: &[],
                    },
                }),
                Some(turns) => simd.run(LastSideBySide::<T, S, $R, true> {
                    simd,
                    cells,
                    pitch,
                    lines,
                    order,
                    roots: roots.try_into().expect("as many roots as the radix"),
                    to,
                    stride,
                    turns,
                }),
            }
        };
    }
    by_radix!(radix, run)
}

struct LastSideBySide<'a, T, S: Simd<T>, const R: usize, const TURNED: bool> {
    simd: S,
    cells: &'a [Cell<S::V>],
    pitch: usize,
    lines: usize,
    order: &'a Offsets,
    roots: &'a Roots<S::V, R>,
    /// Reaches to the last cell of the last line, checked where it came in.
    to: &'a mut [Cell<S::V>],
    stride: usize,
    turns: Turns<'a, T, S::V>,
}

impl<T: Element, S: Simd<T>, const R: usize, const TURNED: bool> Kernel
    for LastSideBySide<'_, T, S, R, TURNED>
where
    Radix: Butterfly<T, S::V, R>,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self {
            simd,
            cells,
            pitch,
            lines,
            order,
            roots,
            to,
            stride,
            turns,
        } = self;
        let blocks = order.offsets.len();
        let len = blocks * R;
        assert!((order.largest as usize) < blocks, "places within the line");
        for (i, line) in cells.chunks(pitch).take(lines).enumerate() {
            let turn = TURNED.then(|| (turns.lines[i], &turns.cells[i * len..][..len]));
            let line = line[..len].as_chunks::<R>().0;
            for (block, &first) in line.iter().zip(&order.offsets) {
                let y = Radix::dft(*block, roots);
                for r in 0..R {
                    let k = first as usize + r * blocks;
                    let mut y = y[r];
                    if let Some((turn, cells)) = turn {
                        // SAFETY: the order is below the number of blocks and r < R, so k is below the length of a line.
                        let by = unsafe { *cells.get_unchecked(k) };
                        y = y.times(turn.times(Cell {
                            re: simd.splat(by.re),
                            im: simd.splat(by.im),
                        }));
                    }
                    // SAFETY: k is below the length of a line and i below their number, and the destination reaches to
                    // the last of both.
                    unsafe { *to.get_unchecked_mut(k * stride + i) = y };
                }
            }
        }
    }
}

/// Does something with every instruction set that this machine has, in both precisions.
#[cfg(test)]
macro_rules! on_every_set {
    ($with:expr) => {{
        use crate::pass::WithSimd;
        WithSimd::<f32>::run($with, crate::portable::Portable);
        WithSimd::<f64>::run($with, crate::portable::Portable);
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(simd) = crate::x86_64::Avx2::detect() {
                WithSimd::<f32>::run($with, simd);
                WithSimd::<f64>::run($with, simd);
            }
            if let Some(simd) = crate::x86_64::Avx512::detect() {
                WithSimd::<f32>::run($with, simd);
                WithSimd::<f64>::run($with, simd);
            }
        }
    }};
}

#[cfg(test)]
pub(crate) use on_every_set;

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::portable::Portable;
    use crate::vector::zero;

    #[test]
    fn a_destination_that_is_too_short_is_refused_whatever_the_stride() {
        let cells = [zero::<f32, _>(Portable); 4];
        let order: Offsets = [0].into_iter().collect();
        let last = |emit: Emit<'_, f32, _>| {
            Passes::<f32>::last(Portable, 4, &cells, &order, &cells, emit);
        };
        let takes = |len, stride, halves| {
            let mut to = vec![cells[0]; len];
            let to = &mut to[..];
            let emit = match halves {
                true => Emit::Halves { to, stride },
                false => Emit::Cells { to, stride },
            };
            catch_unwind(AssertUnwindSafe(|| last(emit))).is_ok()
        };
        assert!(takes(7, 2, false) && !takes(6, 2, false));
        assert!(takes(5, 3, true) && !takes(4, 3, true)); // 1·3, and the cell behind it
        let wraps = usize::MAX / 3 + 1; // 3·wraps is 2 modulo 2^64
        assert!(!takes(4, wraps, false) && !takes(4, usize::MAX, true));
        let mut moduli = [cells[0].re; 3];
        let emit = Emit::Modulus {
            to: &mut moduli,
            stride: 1,
            scale: 1.0,
        };
        assert!(catch_unwind(AssertUnwindSafe(|| last(emit))).is_err());
    }

    #[test]
    fn offsets_beyond_the_cells_are_refused() {
        let cells = [zero::<f32, _>(Portable); 4];
        for (largest, fits) in [(3, true), (4, false)] {
            let at: Offsets = [0, largest].into_iter().collect();
            let gather = catch_unwind(AssertUnwindSafe(|| Gather::new(&cells, &at)));
            assert_eq!(gather.is_ok(), fits);
        }
    }
}
