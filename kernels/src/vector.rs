//! Vectors, and the tokens that make them: the small vocabulary all vector code is written in.
//!
//! A kernel is generic over [`Simd`], a token that stands for an instruction set. Tokens exist only where the machine
//! has the instructions, and only a token makes vectors, so a value of a vector type is itself the proof that its
//! arithmetic may run. That is why everything above `portable.rs` and `x86_64.rs` is safe code.

use std::fmt::Debug;
use std::ops::{Add, Mul, Sub};

use super::element::Element;

/// The most lanes a vector has.
pub const MAX_LANES: usize = 16;

/// Neighbouring numbers that take part in one instruction. Lanes never mix but in [`transpose`](Self::transpose), and
/// never leave their half but in [`exchange`](Self::exchange) and [`store_halves`](Self::store_halves).
pub trait Vector<T>:
    Copy + Debug + Send + Sync + 'static + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
    /// Numbers in a vector.
    const LANES: usize;

    /// `self·b + c`, rounded once or twice.
    fn mul_add(self, b: Self, c: Self) -> Self;

    /// `c − self·b`, rounded once or twice.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;

    /// The square root of every lane.
    fn sqrt(self) -> Self;

    /// One over every lane; 0 where that is not a positive normal number.
    fn recip_or_zero(self) -> Self;

    /// The lanes as numbers.
    fn lanes(&self) -> &[T];

    /// The lanes of neighbouring vectors, one after another.
    fn numbers(vectors: &[Self]) -> &[T];

    /// The same to be written.
    fn numbers_mut(vectors: &mut [Self]) -> &mut [T];

    /// Exchanges lanes and positions of the first `LANES` vectors: lane i of vector k becomes lane k of vector i.
    fn transpose(block: &mut [Self]);

    /// The lower half of `low`, the upper half of `high`.
    fn join(low: Self, high: Self) -> Self;

    /// Both lower halves, and both upper halves.
    fn exchange(a: Self, b: Self) -> [Self; 2];

    /// Writes the lower half to half number `half` mod 2 of `low`, the upper half to the same half of `high`.
    fn store_halves(self, low: &mut Self, high: &mut Self, half: usize);
}

/// An instruction set that this machine has.
pub trait Simd<T>: Copy + Debug + Send + Sync + 'static {
    /// Its vectors of `T`.
    type V: Vector<T>;

    /// A vector of equal lanes.
    fn splat(self, value: T) -> Self::V;

    /// A vector whose lanes are equal within each half.
    fn splat_halves(self, halves: [T; 2]) -> Self::V;

    /// The first `LANES` numbers of a slice. Panics if there are fewer.
    fn load(self, from: &[T]) -> Self::V;

    /// Runs a kernel compiled for this instruction set.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;
}

/// Code that is compiled once for every instruction set. `run` and everything below it must be `inline(always)`:
/// what is not inlined is compiled for the baseline, where every instruction of a vector becomes a call.
pub trait Kernel {
    type Output;
    fn run(self) -> Self::Output;
}

/// A complex number in every lane: real parts, then imaginary parts.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub struct Cell<V> {
    pub re: V,
    pub im: V,
}

/// A cell of zeros.
pub fn zero<T: Element, S: Simd<T>>(simd: S) -> Cell<S::V> {
    let zero = simd.splat(T::zero());
    Cell { re: zero, im: zero }
}

impl<V: Add<Output = V>> Add for Cell<V> {
    type Output = Self;

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        Cell {
            re: self.re + b.re,
            im: self.im + b.im,
        }
    }
}

impl<V: Sub<Output = V>> Sub for Cell<V> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        Cell {
            re: self.re - b.re,
            im: self.im - b.im,
        }
    }
}

impl<V: Copy> Cell<V> {
    /// `self + i·b`
    #[inline(always)]
    pub fn plus_i(self, b: Self) -> Self
    where
        V: Add<Output = V> + Sub<Output = V>,
    {
        Cell {
            re: self.re - b.im,
            im: self.im + b.re,
        }
    }

    /// `self − i·b`
    #[inline(always)]
    pub fn minus_i(self, b: Self) -> Self
    where
        V: Add<Output = V> + Sub<Output = V>,
    {
        Cell {
            re: self.re + b.im,
            im: self.im - b.re,
        }
    }

    /// `self·w`
    #[inline(always)]
    pub fn times<T>(self, w: Self) -> Self
    where
        V: Vector<T>,
    {
        Cell {
            re: self.im.neg_mul_add(w.im, self.re * w.re),
            im: self.im.mul_add(w.re, self.re * w.im),
        }
    }

    /// `self/|self|`; 0 where |self|² vanishes, or is as good as 0.
    #[inline(always)]
    pub fn sign<T>(self) -> Self
    where
        V: Vector<T>,
    {
        let modulus = self.re.mul_add(self.re, self.im * self.im).sqrt();
        self.scaled(modulus.recip_or_zero())
    }

    /// `self·w` for real w.
    #[inline(always)]
    pub fn scaled(self, w: V) -> Self
    where
        V: Mul<Output = V>,
    {
        Cell {
            re: self.re * w,
            im: self.im * w,
        }
    }

    /// `sum + self·w` for real w.
    #[inline(always)]
    pub fn scaled_add<T>(self, w: V, sum: Self) -> Self
    where
        V: Vector<T>,
    {
        Cell {
            re: self.re.mul_add(w, sum.re),
            im: self.im.mul_add(w, sum.im),
        }
    }

    /// `sum − self·w` for real w.
    #[inline(always)]
    pub fn scaled_sub<T>(self, w: V, sum: Self) -> Self
    where
        V: Vector<T>,
    {
        Cell {
            re: self.re.neg_mul_add(w, sum.re),
            im: self.im.neg_mul_add(w, sum.im),
        }
    }

    /// Real and imaginary part exchanged: turns a DFT with exp(+2πi…) into one with exp(−2πi…) when done on both sides.
    #[inline(always)]
    pub fn swapped(self) -> Self {
        Cell {
            re: self.im,
            im: self.re,
        }
    }
}

#[cfg(test)]
mod tests {
    use num_complex::Complex;

    use super::*;
    use crate::pass::{Passes, WithSimd, on_every_set};

    /// Every operation against the same on numbers.
    struct Check;

    impl<T: Element> WithSimd<T> for Check {
        type Output = ();

        fn run<S: Passes<T>>(self, simd: S) {
            let n = S::V::LANES;
            let number = |i: usize| T::from(0.3 + (i as f64 * 1.7).sin()).unwrap();
            let numbers = |from: usize| -> Vec<T> { (from..from + n + 3).map(number).collect() };
            let (a, b, c) = (numbers(0), numbers(20), numbers(40));
            let [va, vb, vc] = [&a, &b, &c].map(|numbers| simd.load(numbers));
            let same = |got: S::V, expected: &dyn Fn(usize) -> T| {
                for (i, &got) in got.lanes().iter().enumerate() {
                    let error = (got - expected(i)).abs();
                    assert!(
                        error <= T::epsilon() * (T::one() + T::one()),
                        "lane {i}: {got}"
                    );
                }
            };
            assert_eq!(va.lanes(), &a[..n]);
            let mut both = [va, vb];
            assert_eq!(S::V::numbers(&both), [&a[..n], &b[..n]].concat());
            S::V::numbers_mut(&mut both)[n] = c[0];
            assert_eq!(both[1].lanes()[0], c[0]);
            assert_eq!(both[1].lanes()[1..], b[1..n]);
            assert!(simd.splat(b[1]).lanes().iter().all(|&lane| lane == b[1]));
            same(va + vb, &|i| a[i] + b[i]);
            same(va - vb, &|i| a[i] - b[i]);
            same(va * vb, &|i| a[i] * b[i]);
            same(va.mul_add(vb, vc), &|i| a[i] * b[i] + c[i]);
            same(va.neg_mul_add(vb, vc), &|i| c[i] - a[i] * b[i]);
            same((va * va).sqrt(), &|i| a[i].abs());
            assert_eq!(simd.splat(T::zero()).sqrt().lanes()[0], T::zero());
            same(va.recip_or_zero(), &|i| match a[i] > T::zero() {
                true => a[i].recip(),
                false => T::zero(),
            });
            let least = T::min_positive_value();
            for (value, expected) in [
                (least, least.recip()),
                (least / (T::one() + T::one()), T::zero()),
                (T::zero(), T::zero()),
                (T::nan(), T::zero()),
            ] {
                assert_eq!(simd.splat(value).recip_or_zero().lanes()[0], expected);
            }

            let half = |i: usize| i / (n / 2);
            let [low, high] = [b[1], c[1]];
            same(simd.splat_halves([low, high]), &|i| [low, high][half(i)]);
            same(S::V::join(va, vb), &|i| [a[i], b[i]][half(i)]);
            let [lower, upper] = S::V::exchange(va, vb);
            same(lower, &|i| [&a, &b][half(i)][i % (n / 2)]);
            same(upper, &|i| [&a, &b][half(i)][n / 2 + i % (n / 2)]);
            for to in 0..2 {
                let mut stored = [vb, vc];
                let [low, high] = &mut stored;
                va.store_halves(low, high, to);
                for (from, (got, before)) in stored.into_iter().zip([&b, &c]).enumerate() {
                    same(got, &|i| match half(i) == to {
                        true => a[from * n / 2 + i % (n / 2)],
                        false => before[i],
                    });
                }
            }

            let mut block: Vec<S::V> = (0..n).map(|k| simd.load(&numbers(10 * k))).collect();
            S::V::transpose(&mut block);
            for (k, vector) in block.iter().enumerate() {
                for (i, &lane) in vector.lanes().iter().enumerate() {
                    assert_eq!(lane, number(10 * i + k));
                }
            }

            let [p, q] = [Cell { re: va, im: vb }, Cell { re: vc, im: va }];
            let complex = |i: usize| (Complex::new(a[i], b[i]), Complex::new(c[i], a[i]));
            let turn = Complex::new(T::zero(), T::one());
            let check = |got: Cell<S::V>, expected: &dyn Fn(usize) -> Complex<T>| {
                same(got.re, &|i| expected(i).re);
                same(got.im, &|i| expected(i).im);
            };
            check(p + q, &|i| complex(i).0 + complex(i).1);
            check(p - q, &|i| complex(i).0 - complex(i).1);
            check(p.plus_i(q), &|i| complex(i).0 + turn * complex(i).1);
            check(p.minus_i(q), &|i| complex(i).0 - turn * complex(i).1);
            check(p.times(q), &|i| complex(i).0 * complex(i).1);
            check(p.sign(), &|i| complex(i).0 / complex(i).0.norm());
            check(p.scaled(vc), &|i| complex(i).0 * c[i]);
            check(p.scaled_add(vc, q), &|i| complex(i).1 + complex(i).0 * c[i]);
            check(p.scaled_sub(vc, q), &|i| complex(i).1 - complex(i).0 * c[i]);
            check(p.swapped(), &|i| Complex::new(b[i], a[i]));
        }
    }

    #[test]
    fn every_operation_equals_the_one_on_numbers_on_every_instruction_set() {
        on_every_set!(Check);
    }
}
