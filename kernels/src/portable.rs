//! 128 bits of lanes as a plain array: every machine has them, and compilers turn them into whatever vectors it has. The
//! reference for the others.

#![allow(unsafe_code)]

use std::ops::{Add, Mul, Sub};

use num_complex::Complex;

use super::element::Element;
use super::pass::{self, Emit, Gather, Offsets, Passes, SideBySide, passes};
use super::vector::{Cell, Kernel, Simd, Vector};

/// Any machine.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

/// N numbers that fill one register of 128 bits. Two registers a vector would be twice the code, and there are not enough of
/// them for the larger butterflies.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
pub struct Lanes<T, const N: usize>([T; N]);

impl<T: Element, const N: usize> Lanes<T, N> {
    /// Nothing in a vector but its lanes.
    const fn filled() {
        const { assert!(size_of::<Self>() == N * size_of::<T>()) }
    }

    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(T, T) -> T) -> Self {
        let mut lanes = self.0;
        for i in 0..N {
            lanes[i] = f(lanes[i], b.0[i]);
        }
        Self(lanes)
    }
}

impl<T: Element, const N: usize> Add for Lanes<T, N> {
    type Output = Self;

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self.zip(b, |a, b| a + b)
    }
}

impl<T: Element, const N: usize> Sub for Lanes<T, N> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.zip(b, |a, b| a - b)
    }
}

impl<T: Element, const N: usize> Mul for Lanes<T, N> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.zip(b, |a, b| a * b)
    }
}

impl<T: Element, const N: usize> Vector<T> for Lanes<T, N> {
    const LANES: usize = N;

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        self * b + c // a fused product is a library call on machines without the instruction
    }

    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        c - self * b
    }

    #[inline(always)]
    fn sqrt(self) -> Self {
        Self(self.0.map(T::sqrt))
    }

    #[inline(always)]
    fn recip_or_zero(self) -> Self {
        Self(self.0.map(|lane| match lane >= T::min_positive_value() {
            true => lane.recip(),
            false => T::zero(),
        }))
    }

    #[inline(always)]
    fn lanes(&self) -> &[T] {
        &self.0
    }

    #[inline(always)]
    fn numbers(vectors: &[Self]) -> &[T] {
        Self::filled();
        // SAFETY: the array is all there is, and fills its alignment, so that arrays follow each other without gaps.
        unsafe { std::slice::from_raw_parts(vectors.as_ptr().cast(), vectors.len() * N) }
    }

    #[inline(always)]
    fn numbers_mut(vectors: &mut [Self]) -> &mut [T] {
        Self::filled();
        let len = vectors.len() * N;
        // SAFETY: as above; any number may stand in a lane.
        unsafe { std::slice::from_raw_parts_mut(vectors.as_mut_ptr().cast(), len) }
    }

    #[inline(always)]
    fn transpose(block: &mut [Self]) {
        for i in 0..N {
            for k in 0..i {
                let (a, b) = (block[i].0[k], block[k].0[i]);
                (block[i].0[k], block[k].0[i]) = (b, a);
            }
        }
    }

    #[inline(always)]
    fn join(low: Self, high: Self) -> Self {
        let mut joined = low;
        joined.0[N / 2..].copy_from_slice(&high.0[N / 2..]);
        joined
    }

    #[inline(always)]
    fn exchange(a: Self, b: Self) -> [Self; 2] {
        let (mut lower, mut upper) = (a, b);
        lower.0[N / 2..].copy_from_slice(&b.0[..N / 2]);
        upper.0[..N / 2].copy_from_slice(&a.0[N / 2..]);
        [lower, upper]
    }

    #[inline(always)]
    fn store_halves(self, low: &mut Self, high: &mut Self, half: usize) {
        let at = half % 2 * (N / 2);
        low.0[at..at + N / 2].copy_from_slice(&self.0[..N / 2]);
        high.0[at..at + N / 2].copy_from_slice(&self.0[N / 2..]);
    }
}

/// The vectors of one precision.
macro_rules! simd {
    ($T:ty, $N:literal) => {
        impl Simd<$T> for Portable {
            type V = Lanes<$T, $N>;

            #[inline(always)]
            fn splat(self, value: $T) -> Self::V {
                Lanes([value; $N])
            }

            #[inline(always)]
            fn splat_halves(self, [low, high]: [$T; 2]) -> Self::V {
                let mut lanes = [low; $N];
                lanes[$N / 2..].fill(high);
                Lanes(lanes)
            }

            #[inline(always)]
            fn load(self, from: &[$T]) -> Self::V {
                let mut lanes = [0.0; $N];
                lanes.copy_from_slice(&from[..$N]);
                Lanes(lanes)
            }

            #[inline(never)]
            fn run<K: Kernel>(self, kernel: K) -> K::Output {
                kernel.run()
            }
        }
    };
}

simd!(f32, 4);
simd!(f64, 2);
passes!(Portable, f32);
passes!(Portable, f64);
