//! Plain loops: the reference for every other instruction set.

use num_complex::Complex;

use crate::num::Real;

/// `to[i] += filter[i] · from[i]`: a real transfer function times a spectrum.
pub(crate) fn multiply_add<T: Real>(to: &mut [Complex<T>], filter: &[T], from: &[Complex<T>]) {
    for ((to, &filter), from) in to.iter_mut().zip(filter).zip(from) {
        to.re += filter * from.re;
        to.im += filter * from.im;
    }
}

/// `to[i] += filter[i] · conj from[last − i]`: the same where the spectrum is read from its mirrored half.
pub(crate) fn multiply_add_mirrored<T: Real>(
    to: &mut [Complex<T>],
    filter: &[T],
    from: &[Complex<T>],
) {
    for ((to, &filter), from) in to.iter_mut().zip(filter).zip(from.iter().rev()) {
        to.re += filter * from.re;
        to.im -= filter * from.im;
    }
}

/// `to[i] = scale · |from[i]|`.
///
/// Squares do not overflow or vanish: the cascade scales its input to a largest sample in [1, 2).
pub(crate) fn modulus<T: Real>(to: &mut [T], from: &[Complex<T>], scale: T) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = scale * (from.re * from.re + from.im * from.im).sqrt();
    }
}

/// `to[i] += weight · from[i]`.
pub(crate) fn add_scaled<T: Real>(to: &mut [T], weight: T, from: &[T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to += weight * from;
    }
}

/// `Σ a[i]·b[i]`, in eight interleaved partial sums that a compiler keeps in vector registers.
pub(crate) fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    const LANES: usize = 8;
    let mut sums = [T::zero(); LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: T = a_chunks
        .remainder()
        .iter()
        .zip(b_chunks.remainder())
        .map(|(&a, &b)| a * b)
        .sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.into_iter().sum::<T>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(n: usize, seed: f64) -> Vec<Complex<f64>> {
        (0..n)
            .map(|i| Complex::new((seed + i as f64).sin(), (seed * i as f64).cos()))
            .collect()
    }

    #[test]
    fn products_and_moduli_equal_complex_arithmetic_at_any_length() {
        for n in [0, 1, 2, 7, 8, 9, 31] {
            let (from, start) = (ramp(n, 0.3), ramp(n, 1.7));
            let filter: Vec<f64> = (0..n).map(|i| (i as f64 * 0.9).cos()).collect();
            let (mut plain, mut mirrored, mut moduli) =
                (start.clone(), start.clone(), vec![f64::NAN; n]);
            multiply_add(&mut plain, &filter, &from);
            multiply_add_mirrored(&mut mirrored, &filter, &from);
            modulus(&mut moduli, &from, 0.5);
            for i in 0..n {
                assert_eq!(plain[i], start[i] + from[i] * filter[i]);
                assert_eq!(mirrored[i], start[i] + from[n - 1 - i].conj() * filter[i]);
                assert!((moduli[i] - 0.5 * from[i].norm()).abs() < 1e-15);
            }
        }
    }

    #[test]
    fn dot_equals_the_sum_in_order_up_to_rounding() {
        for n in [0, 1, 7, 8, 9, 64, 100] {
            let a: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
            let b: Vec<f64> = (0..n).map(|i| (i as f64 * 1.3).cos()).collect();
            let expected: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert!((dot(&a, &b) - expected).abs() < 1e-13);
            let mut to = b.clone();
            add_scaled(&mut to, 2.0, &a);
            assert!((0..n as usize).all(|i| to[i] == b[i] + 2.0 * a[i]));
        }
    }
}
