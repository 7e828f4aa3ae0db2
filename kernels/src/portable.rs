//! Four lanes as a plain array: every machine has them, and compilers turn them into whatever vectors it has. The
//! reference for the others.

use std::ops::{Add, Mul, Sub};

use num_complex::Complex;

use super::element::Element;
use super::pass::{self, Emit, Gather, Offsets, Passes, passes};
use super::vector::{Cell, Kernel, Simd, Vector};

/// Any machine.
#[derive(Debug, Clone, Copy)]
pub struct Portable;

/// Four numbers.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(16))]
pub struct Four<T>([T; 4]);

impl<T: Element> Four<T> {
    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(T, T) -> T) -> Self {
        let (a, b) = (self.0, b.0);
        Four([f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])])
    }
}

impl<T: Element> Add for Four<T> {
    type Output = Self;

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self.zip(b, |a, b| a + b)
    }
}

impl<T: Element> Sub for Four<T> {
    type Output = Self;

    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.zip(b, |a, b| a - b)
    }
}

impl<T: Element> Mul for Four<T> {
    type Output = Self;

    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.zip(b, |a, b| a * b)
    }
}

impl<T: Element> Vector<T> for Four<T> {
    const LANES: usize = 4;

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
        Four(self.0.map(T::sqrt))
    }

    #[inline(always)]
    fn lanes(&self) -> &[T] {
        &self.0
    }

    #[inline(always)]
    fn transpose(block: &mut [Self]) {
        for i in 0..4 {
            for k in 0..i {
                let (a, b) = (block[i].0[k], block[k].0[i]);
                (block[i].0[k], block[k].0[i]) = (b, a);
            }
        }
    }

    #[inline(always)]
    fn join(low: Self, high: Self) -> Self {
        Four([low.0[0], low.0[1], high.0[2], high.0[3]])
    }

    #[inline(always)]
    fn exchange(a: Self, b: Self) -> [Self; 2] {
        let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (a.0, b.0);
        [Four([a0, a1, b0, b1]), Four([a2, a3, b2, b3])]
    }

    #[inline(always)]
    fn store_halves(self, low: &mut Self, high: &mut Self, half: usize) {
        let at = half % 2 * 2;
        low.0[at..at + 2].copy_from_slice(&self.0[..2]);
        high.0[at..at + 2].copy_from_slice(&self.0[2..]);
    }
}

/// The vectors of one precision.
macro_rules! simd {
    ($T:ty) => {
        impl Simd<$T> for Portable {
            type V = Four<$T>;

            #[inline(always)]
            fn splat(self, value: $T) -> Four<$T> {
                Four([value; 4])
            }

            #[inline(always)]
            fn splat_halves(self, [low, high]: [$T; 2]) -> Four<$T> {
                Four([low, low, high, high])
            }

            #[inline(always)]
            fn load(self, from: &[$T]) -> Four<$T> {
                Four([from[0], from[1], from[2], from[3]])
            }

            #[inline(never)]
            fn run<K: Kernel>(self, kernel: K) -> K::Output {
                kernel.run()
            }
        }
    };
}

simd!(f32);
simd!(f64);
passes!(Portable, f32);
passes!(Portable, f64);
