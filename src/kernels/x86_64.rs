//! AVX2 with FMA, and AVX-512, whose gain for 32-bit numbers is twice the registers and operands broadcast from memory:
//! vectors stay 256 bits wide, so that eight orientations are one vector and a line of 272 complex cells fits into a
//! first-level cache of 32 KiB.

#![allow(unsafe_code)]

use std::arch::x86_64::*;
use std::ops::{Add, Mul, Sub};

use super::pass::{self, Apart, Emit, Offsets};
use super::vector::{Cell, Kernel, Simd, Vector, passes};
use crate::num::Complex;

/// Proof that the machine has AVX2 and FMA.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(());

/// Proof that the machine has AVX-512 F and VL, beside AVX2 and FMA.
#[derive(Debug, Clone, Copy)]
pub struct Avx512(());

impl Avx2 {
    pub fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

impl Avx512 {
    pub fn detect() -> Option<Self> {
        Avx2::detect()?;
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl"))
            .then_some(Self(()))
    }
}

/// A vector type over one kind of register.
macro_rules! vector {
    ($name:ident, $lanes:literal, $T:ty, $raw:ty, $add:ident, $sub:ident, $mul:ident, $fma:ident, $fnma:ident, $sqrt:ident, $transpose:path) => {
        #[derive(Debug, Clone, Copy)]
        #[repr(transparent)]
        pub struct $name($raw);

        // SAFETY, of all arithmetic: a value comes from a token, and a token only from a successful detection of
        // every feature that these instructions need.
        impl Add for $name {
            type Output = Self;

            #[inline(always)]
            fn add(self, b: Self) -> Self {
                Self(unsafe { $add(self.0, b.0) })
            }
        }

        impl Sub for $name {
            type Output = Self;

            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                Self(unsafe { $sub(self.0, b.0) })
            }
        }

        impl Mul for $name {
            type Output = Self;

            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                Self(unsafe { $mul(self.0, b.0) })
            }
        }

        impl Vector<$T> for $name {
            const LANES: usize = $lanes;

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                Self(unsafe { $fma(self.0, b.0, c.0) })
            }

            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                Self(unsafe { $fnma(self.0, b.0, c.0) })
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                Self(unsafe { $sqrt(self.0) })
            }

            #[inline(always)]
            fn lanes(&self) -> &[$T] {
                // SAFETY: a register in memory is its lanes, one after the other, with a larger alignment.
                unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), $lanes) }
            }

            #[inline(always)]
            fn transpose(block: &mut [Self]) {
                $transpose(block);
            }
        }
    };
}

vector!(
    F32x8,
    8,
    f32,
    __m256,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_sqrt_ps,
    transpose_f32x8
);
vector!(
    F64x4,
    4,
    f64,
    __m256d,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_fmadd_pd,
    _mm256_fnmadd_pd,
    _mm256_sqrt_pd,
    transpose_by_lanes
);
vector!(
    F64x8,
    8,
    f64,
    __m512d,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_fmadd_pd,
    _mm512_fnmadd_pd,
    _mm512_sqrt_pd,
    transpose_by_lanes
);

/// Any vector, through memory.
#[inline(always)]
fn transpose_by_lanes<V: Lanes>(block: &mut [V]) {
    let mut rows: [V; 8] = [block[0]; 8];
    rows[..V::COUNT].copy_from_slice(&block[..V::COUNT]);
    for (i, to) in block[..V::COUNT].iter_mut().enumerate() {
        for (k, row) in rows[..V::COUNT].iter().enumerate() {
            to.numbers()[k] = row.clone().numbers()[i];
        }
    }
}

/// The lanes of a register, to be written one by one.
trait Lanes: Copy {
    const COUNT: usize;
    fn numbers(&mut self) -> &mut [f64];
}

macro_rules! lanes {
    ($name:ident, $lanes:literal) => {
        impl Lanes for $name {
            const COUNT: usize = $lanes;

            #[inline(always)]
            fn numbers(&mut self) -> &mut [f64] {
                // SAFETY: a register in memory is its lanes, one after the other, with a larger alignment.
                unsafe { std::slice::from_raw_parts_mut(std::ptr::from_mut(self).cast(), $lanes) }
            }
        }
    };
}

lanes!(F64x4, 4);
lanes!(F64x8, 8);

/// Pairs, then quarters, then halves change places.
#[inline(always)]
fn transpose_f32x8(block: &mut [F32x8]) {
    let block: &mut [F32x8; 8] = (&mut block[..8]).try_into().expect("eight vectors");
    let x = block.map(|vector| vector.0);
    // SAFETY: as all arithmetic.
    unsafe {
        let pairs = |a, b| (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        let (p0, p1) = pairs(x[0], x[1]);
        let (p2, p3) = pairs(x[2], x[3]);
        let (p4, p5) = pairs(x[4], x[5]);
        let (p6, p7) = pairs(x[6], x[7]);
        let quarters = |a, b| {
            (
                _mm256_shuffle_ps::<0b01_00_01_00>(a, b),
                _mm256_shuffle_ps::<0b11_10_11_10>(a, b),
            )
        };
        let (q0, q1) = quarters(p0, p2);
        let (q2, q3) = quarters(p1, p3);
        let (q4, q5) = quarters(p4, p6);
        let (q6, q7) = quarters(p5, p7);
        let low = |a, b| F32x8(_mm256_permute2f128_ps::<0x20>(a, b));
        let high = |a, b| F32x8(_mm256_permute2f128_ps::<0x31>(a, b));
        *block = [
            low(q0, q4),
            low(q1, q5),
            low(q2, q6),
            low(q3, q7),
            high(q0, q4),
            high(q1, q5),
            high(q2, q6),
            high(q3, q7),
        ];
    }
}

/// An instruction set's vectors of one type.
macro_rules! simd {
    ($isa:ident, $features:literal, $T:ty, $V:ident, $lanes:literal, $set1:ident, $loadu:ident) => {
        impl Simd<$T> for $isa {
            type V = $V;

            #[inline(always)]
            fn splat(self, value: $T) -> $V {
                // SAFETY: `self` proves the features.
                $V(unsafe { $set1(value) })
            }

            #[inline(always)]
            fn load(self, from: &[$T]) -> $V {
                let from = &from[..$lanes];
                // SAFETY: `self` proves the features, the slice is long enough, and no alignment is asked for.
                $V(unsafe { $loadu(from.as_ptr()) })
            }

            #[inline(always)]
            fn prefetch<U>(self, ahead: &[U]) {
                let start = ahead.as_ptr().cast::<i8>();
                for offset in (0..size_of_val(ahead)).step_by(64) {
                    // SAFETY: every x86-64 has the instruction, and it cannot fault.
                    unsafe { _mm_prefetch::<_MM_HINT_T1>(start.add(offset)) };
                }
            }

            #[inline(always)]
            fn run<K: Kernel>(self, kernel: K) -> K::Output {
                #[target_feature(enable = $features)]
                #[inline(never)]
                fn compiled<K: Kernel>(kernel: K) -> K::Output {
                    kernel.run()
                }
                // SAFETY: `self` proves the features.
                unsafe { compiled(kernel) }
            }

            passes!($T);
        }
    };
}

simd!(
    Avx2,
    "avx2,fma",
    f32,
    F32x8,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps
);
simd!(
    Avx2,
    "avx2,fma",
    f64,
    F64x4,
    4,
    _mm256_set1_pd,
    _mm256_loadu_pd
);
simd!(
    Avx512,
    "avx2,fma,avx512f,avx512vl",
    f32,
    F32x8,
    8,
    _mm256_set1_ps,
    _mm256_loadu_ps
);
simd!(
    Avx512,
    "avx2,fma,avx512f,avx512vl",
    f64,
    F64x8,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd
);
