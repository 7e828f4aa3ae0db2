//! AVX2 with FMA, and AVX-512: vectors of 256 and of 512 bits. Eight orientations fill half of the latter's sixteen lanes of
//! 32-bit numbers; the other half holds the neighbouring column or row.

#![allow(unsafe_code)]

use std::arch::x86_64::*;
use std::ops::{Add, Mul, Sub};

use num_complex::Complex;

use super::pass::{self, Emit, Gather, Offsets, Passes, SideBySide, passes};
use super::vector::{Cell, Kernel, Simd, Vector};

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

/// A vector type over one kind of register. A value comes from a token, and a token only from a successful detection of
/// every feature that its instructions need: that is what "values prove the features" means below.
macro_rules! vector {
    ($name:ident, $lanes:literal, $T:ty, $raw:ty, $add:ident, $sub:ident, $mul:ident, $fma:ident, $fnma:ident, $sqrt:ident, $recip:ident, $transpose:path, $join:ident, $exchange:ident, $store:ident, $halves:ident) => {
        #[derive(Debug, Clone, Copy)]
        #[repr(transparent)]
        pub struct $name($raw);

        impl Add for $name {
            type Output = Self;

            #[inline(always)]
            fn add(self, b: Self) -> Self {
                // SAFETY: values prove the features.
                Self(unsafe { $add(self.0, b.0) })
            }
        }

        impl Sub for $name {
            type Output = Self;

            #[inline(always)]
            fn sub(self, b: Self) -> Self {
                // SAFETY: values prove the features.
                Self(unsafe { $sub(self.0, b.0) })
            }
        }

        impl Mul for $name {
            type Output = Self;

            #[inline(always)]
            fn mul(self, b: Self) -> Self {
                // SAFETY: values prove the features.
                Self(unsafe { $mul(self.0, b.0) })
            }
        }

        impl Vector<$T> for $name {
            const LANES: usize = $lanes;

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: values prove the features.
                Self(unsafe { $fma(self.0, b.0, c.0) })
            }

            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: values prove the features.
                Self(unsafe { $fnma(self.0, b.0, c.0) })
            }

            #[inline(always)]
            fn sqrt(self) -> Self {
                // SAFETY: values prove the features.
                Self(unsafe { $sqrt(self.0) })
            }

            #[inline(always)]
            fn recip_or_zero(self) -> Self {
                // SAFETY: values prove the features.
                Self(unsafe { $recip(self.0) })
            }

            #[inline(always)]
            fn lanes(&self) -> &[$T] {
                // SAFETY: a register in memory is its lanes, one after the other, with a larger alignment.
                unsafe { std::slice::from_raw_parts(std::ptr::from_ref(self).cast(), $lanes) }
            }

            #[inline(always)]
            fn numbers(vectors: &[Self]) -> &[$T] {
                // SAFETY: as above, and registers in memory follow each other without gaps.
                unsafe {
                    std::slice::from_raw_parts(vectors.as_ptr().cast(), vectors.len() * $lanes)
                }
            }

            #[inline(always)]
            fn numbers_mut(vectors: &mut [Self]) -> &mut [$T] {
                let len = vectors.len() * $lanes;
                // SAFETY: as above; any number may stand in a lane.
                unsafe { std::slice::from_raw_parts_mut(vectors.as_mut_ptr().cast(), len) }
            }

            #[inline(always)]
            fn transpose(block: &mut [Self]) {
                $transpose(block);
            }

            #[inline(always)]
            fn join(low: Self, high: Self) -> Self {
                // SAFETY: values prove the features.
                Self(unsafe { $join(low.0, high.0) })
            }

            #[inline(always)]
            fn exchange(a: Self, b: Self) -> [Self; 2] {
                // SAFETY: values prove the features.
                let [lower, upper] = unsafe { $exchange(a.0, b.0) };
                [Self(lower), Self(upper)]
            }

            #[inline(always)]
            fn store_halves(self, low: &mut Self, high: &mut Self, half: usize) {
                let at = half % 2 * ($lanes / 2);
                let [low, high] = [low, high].map(|to| std::ptr::from_mut(to).cast::<$T>());
                // SAFETY: values prove the features; half a vector from its start or its middle on lies within it, and no
                // alignment is asked for.
                unsafe {
                    let [lower, upper] = $halves(self.0);
                    $store(low.add(at), lower);
                    $store(high.add(at), upper);
                }
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
    recip_or_zero_f32x8,
    transpose_f32x8,
    join_f32x8,
    exchange_f32x8,
    _mm_storeu_ps,
    halves_f32x8
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
    recip_or_zero_f64x4,
    transpose_by_lanes,
    join_f64x4,
    exchange_f64x4,
    _mm_storeu_pd,
    halves_f64x4
);
vector!(
    F32x16,
    16,
    f32,
    __m512,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_fmadd_ps,
    _mm512_fnmadd_ps,
    _mm512_sqrt_ps,
    recip_or_zero_f32x16,
    transpose_f32x16,
    join_f32x16,
    exchange_f32x16,
    _mm256_storeu_ps,
    halves_f32x16
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
    recip_or_zero_f64x8,
    transpose_by_lanes,
    join_f64x8,
    exchange_f64x8,
    _mm256_storeu_pd,
    halves_f64x8
);

/// What the halves of one kind of register are: joined, exchanged, taken apart. No closures: those that are not inlined
/// lose the features.
macro_rules! halves {
    ($raw:ty, $half:ty,
     $join:ident($low:ident, $high:ident) $of_join:expr,
     $exchange:ident($a:ident, $b:ident) $of_exchange:expr,
     $halves:ident($x:ident) $of_halves:expr) => {
        /// # Safety
        /// The machine has the instructions.
        #[inline(always)]
        unsafe fn $join($low: $raw, $high: $raw) -> $raw {
            // SAFETY: as the caller promises.
            unsafe { $of_join }
        }

        /// # Safety
        /// The machine has the instructions.
        #[inline(always)]
        unsafe fn $exchange($a: $raw, $b: $raw) -> [$raw; 2] {
            // SAFETY: as the caller promises.
            unsafe { $of_exchange }
        }

        /// # Safety
        /// The machine has the instructions.
        #[inline(always)]
        unsafe fn $halves($x: $raw) -> [$half; 2] {
            // SAFETY: as the caller promises.
            unsafe { $of_halves }
        }
    };
}

halves!(
    __m256, __m128,
    join_f32x8(low, high) _mm256_blend_ps::<0xF0>(low, high),
    exchange_f32x8(a, b) [_mm256_permute2f128_ps::<0x20>(a, b), _mm256_permute2f128_ps::<0x31>(a, b)],
    halves_f32x8(x) [_mm256_castps256_ps128(x), _mm256_extractf128_ps::<1>(x)]
);
halves!(
    __m256d, __m128d,
    join_f64x4(low, high) _mm256_blend_pd::<0b1100>(low, high),
    exchange_f64x4(a, b) [_mm256_permute2f128_pd::<0x20>(a, b), _mm256_permute2f128_pd::<0x31>(a, b)],
    halves_f64x4(x) [_mm256_castpd256_pd128(x), _mm256_extractf128_pd::<1>(x)]
);
halves!(
    __m512, __m256,
    join_f32x16(low, high) _mm512_mask_blend_ps(0xFF00, low, high),
    exchange_f32x16(a, b) [
        _mm512_shuffle_f32x4::<0b01_00_01_00>(a, b),
        _mm512_shuffle_f32x4::<0b11_10_11_10>(a, b),
    ],
    halves_f32x16(x) [
        _mm512_castps512_ps256(x),
        _mm256_castpd_ps(_mm512_extractf64x4_pd::<1>(_mm512_castps_pd(x))),
    ]
);
halves!(
    __m512d, __m256d,
    join_f64x8(low, high) _mm512_mask_blend_pd(0xF0, low, high),
    exchange_f64x8(a, b) [
        _mm512_shuffle_f64x2::<0b01_00_01_00>(a, b),
        _mm512_shuffle_f64x2::<0b11_10_11_10>(a, b),
    ],
    halves_f64x8(x) [_mm512_castpd512_pd256(x), _mm512_extractf64x4_pd::<1>(x)]
);

/// 1/x in every lane where x is a positive normal number, 0 elsewhere.
macro_rules! recip_or_zero {
    ($name:ident, $raw:ty, $T:ty, $splat:ident, |$x:ident, $one:ident, $least:ident| $of:expr) => {
        /// # Safety
        /// The machine has the instructions.
        #[inline(always)]
        unsafe fn $name($x: $raw) -> $raw {
            // SAFETY: as the caller promises.
            unsafe {
                let [$one, $least] = [$splat(1.0), $splat(<$T>::MIN_POSITIVE)];
                $of
            }
        }
    };
}

recip_or_zero!(
    recip_or_zero_f32x8,
    __m256,
    f32,
    _mm256_set1_ps,
    |x, one, least| _mm256_and_ps(_mm256_div_ps(one, x), _mm256_cmp_ps::<_CMP_GE_OQ>(x, least))
);
recip_or_zero!(
    recip_or_zero_f64x4,
    __m256d,
    f64,
    _mm256_set1_pd,
    |x, one, least| _mm256_and_pd(_mm256_div_pd(one, x), _mm256_cmp_pd::<_CMP_GE_OQ>(x, least))
);
recip_or_zero!(
    recip_or_zero_f32x16,
    __m512,
    f32,
    _mm512_set1_ps,
    |x, one, least| _mm512_maskz_div_ps(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(x, least), one, x)
);
recip_or_zero!(
    recip_or_zero_f64x8,
    __m512d,
    f64,
    _mm512_set1_pd,
    |x, one, least| _mm512_maskz_div_pd(_mm512_cmp_pd_mask::<_CMP_GE_OQ>(x, least), one, x)
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
    // SAFETY: values prove the features.
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

/// Pairs and quarters within the 128-bit parts, then the parts themselves.
#[inline(always)]
fn transpose_f32x16(block: &mut [F32x16]) {
    /// Four rows: part p of result c holds their column 4p + c.
    ///
    /// # Safety
    /// The machine has the instructions.
    #[inline(always)]
    unsafe fn four([a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
        // SAFETY: as the caller promises.
        unsafe {
            let (ab, ab_high) = (_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
            let (cd, cd_high) = (_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
            [
                _mm512_shuffle_ps::<0b01_00_01_00>(ab, cd),
                _mm512_shuffle_ps::<0b11_10_11_10>(ab, cd),
                _mm512_shuffle_ps::<0b01_00_01_00>(ab_high, cd_high),
                _mm512_shuffle_ps::<0b11_10_11_10>(ab_high, cd_high),
            ]
        }
    }

    /// The parts of four vectors, transposed.
    ///
    /// # Safety
    /// The machine has the instructions.
    #[inline(always)]
    unsafe fn parts([a, b, c, d]: [__m512; 4]) -> [__m512; 4] {
        // SAFETY: as the caller promises.
        unsafe {
            let even = _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b);
            let odd = _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b);
            let even_next = _mm512_shuffle_f32x4::<0b10_00_10_00>(c, d);
            let odd_next = _mm512_shuffle_f32x4::<0b11_01_11_01>(c, d);
            [
                _mm512_shuffle_f32x4::<0b10_00_10_00>(even, even_next),
                _mm512_shuffle_f32x4::<0b10_00_10_00>(odd, odd_next),
                _mm512_shuffle_f32x4::<0b11_01_11_01>(even, even_next),
                _mm512_shuffle_f32x4::<0b11_01_11_01>(odd, odd_next),
            ]
        }
    }

    let block: &mut [F32x16; 16] = (&mut block[..16]).try_into().expect("sixteen vectors");
    // SAFETY: values prove the features.
    unsafe {
        let p = four([block[0].0, block[1].0, block[2].0, block[3].0]);
        let q = four([block[4].0, block[5].0, block[6].0, block[7].0]);
        let r = four([block[8].0, block[9].0, block[10].0, block[11].0]);
        let s = four([block[12].0, block[13].0, block[14].0, block[15].0]);
        for c in 0..4 {
            let columns = parts([p[c], q[c], r[c], s[c]]);
            for i in 0..4 {
                block[4 * i + c] = F32x16(columns[i]);
            }
        }
    }
}

/// An instruction set's vectors of one type.
macro_rules! simd {
    ($isa:ident, $features:literal, $T:ty, $V:ident, $lanes:literal, $set1:ident, $loadu:ident, $join:ident) => {
        impl Simd<$T> for $isa {
            type V = $V;

            #[inline(always)]
            fn splat(self, value: $T) -> $V {
                // SAFETY: `self` proves the features.
                $V(unsafe { $set1(value) })
            }

            #[inline(always)]
            fn splat_halves(self, [low, high]: [$T; 2]) -> $V {
                // SAFETY: `self` proves the features.
                $V(unsafe { $join($set1(low), $set1(high)) })
            }

            #[inline(always)]
            fn load(self, from: &[$T]) -> $V {
                let from = &from[..$lanes];
                // SAFETY: `self` proves the features, the slice is long enough, and no alignment is asked for.
                $V(unsafe { $loadu(from.as_ptr()) })
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
    _mm256_loadu_ps,
    join_f32x8
);
simd!(
    Avx2,
    "avx2,fma",
    f64,
    F64x4,
    4,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    join_f64x4
);
simd!(
    Avx512,
    "avx2,fma,avx512f,avx512vl",
    f32,
    F32x16,
    16,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    join_f32x16
);
simd!(
    Avx512,
    "avx2,fma,avx512f,avx512vl",
    f64,
    F64x8,
    8,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    join_f64x8
);

passes!(Avx2, f32);
passes!(Avx2, f64);
passes!(Avx512, f32);
passes!(Avx512, f64);
