//! Numbers: the two precisions, complex values and relative errors.
//!
//! Filters are designed in `f64` and used in the precision of the plan; [`Real`] is what both precisions offer.

use std::fmt::{Debug, Display};
use std::iter::Sum;

use num_traits::{Float, NumAssign};

/// Complex numbers as `rustfft` and `ndarray` users know them.
pub use num_complex::Complex;

pub(crate) mod sealed {
    use crate::isa::{self, Isa};
    use crate::kernels::any_length::AnyLength;
    use crate::kernels::pass::WithSimd;

    /// A type that depends on the precision.
    pub trait PerPrecision {
        type Of<T: super::Real>;
    }

    /// A type that does not.
    #[derive(Debug)]
    pub struct Either<U>(std::marker::PhantomData<U>);

    impl<U> PerPrecision for Either<U> {
        type Of<T: super::Real> = U;
    }

    /// What only the crate knows of a precision.
    pub trait Sealed: AnyLength {
        /// Does something with the vectors of this precision.
        fn with_simd<W: WithSimd<Self>>(isa: Isa, with: W) -> W::Output;

        /// `single(input)` on `f32`, `double(input)` on `f64`.
        ///
        /// For two functions that are not generic: what they instantiate is compiled once, with the crate, and not again
        /// with every crate that calls something generic over the precision.
        fn choose<I: PerPrecision, O: PerPrecision>(
            input: I::Of<Self>,
            single: fn(I::Of<f32>) -> O::Of<f32>,
            double: fn(I::Of<f64>) -> O::Of<f64>,
        ) -> O::Of<Self>
        where
            Self: super::Real;
    }

    impl Sealed for f32 {
        fn with_simd<W: WithSimd<Self>>(isa: Isa, with: W) -> W::Output {
            isa::with_f32(isa, with)
        }

        fn choose<I: PerPrecision, O: PerPrecision>(
            input: I::Of<f32>,
            single: fn(I::Of<f32>) -> O::Of<f32>,
            _: fn(I::Of<f64>) -> O::Of<f64>,
        ) -> O::Of<f32> {
            single(input)
        }
    }

    impl Sealed for f64 {
        fn with_simd<W: WithSimd<Self>>(isa: Isa, with: W) -> W::Output {
            isa::with_f64(isa, with)
        }

        fn choose<I: PerPrecision, O: PerPrecision>(
            input: I::Of<f64>,
            _: fn(I::Of<f32>) -> O::Of<f32>,
            double: fn(I::Of<f64>) -> O::Of<f64>,
        ) -> O::Of<f64> {
            double(input)
        }
    }
}

/// A precision to compute in: `f32` or `f64`.
pub trait Real: sealed::Sealed + Float + NumAssign + Sum + Debug + Display + Default {
    /// The name NumPy knows it by.
    const NAME: &'static str;

    /// Filter values below this share of the filter's peak are not stored: they are under a tenth of the precision's
    /// rounding, so leaving them out costs nothing and saves most of the products with coarse filters.
    const NEGLIGIBLE: f64;

    /// What a transform leaves out of its filters by default, as a share of their peak: a few roundings, of which the
    /// result shows less than one, and a tenth of the products.
    const TOLERANCE: f64;

    /// Rounds a design value to this precision.
    fn narrow(value: f64) -> Self;

    /// Widens to `f64`, exactly.
    fn widen(self) -> f64;
}

impl Real for f32 {
    const NAME: &'static str = "float32";
    const NEGLIGIBLE: f64 = 1e-8;
    const TOLERANCE: f64 = 1e-6;

    fn narrow(value: f64) -> Self {
        value as f32
    }

    fn widen(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    const NAME: &'static str = "float64";
    const NEGLIGIBLE: f64 = 1e-17;
    const TOLERANCE: f64 = 1e-15;

    fn narrow(value: f64) -> Self {
        value
    }

    fn widen(self) -> f64 {
        self
    }
}

/// Numbers that may be unknown, in formats that have no NaN: there they are nothing.
#[cfg(feature = "serde")]
pub(crate) mod known {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        Some(*value).filter(|value| !value.is_nan()).serialize(to)
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
    }
}

/// Relative l2 error of `got` against `expected`: ‖got − expected‖ / ‖expected‖, in `f64`.
///
/// Infinite when `expected` is zero and `got` is not; 0 when both are.
///
/// ```
/// let error = wavelet_scattering::num::relative_error([3.0_f32, 4.5], [3.0, 4.0]);
/// assert!((error - 0.1).abs() < 1e-12);
/// ```
pub fn relative_error<T: Real, U: Real>(
    got: impl IntoIterator<Item = T>,
    expected: impl IntoIterator<Item = U>,
) -> f64 {
    let (mut error, mut norm) = (0.0, 0.0);
    for (g, e) in got.into_iter().zip(expected) {
        error += (g.widen() - e.widen()).powi(2);
        norm += e.widen().powi(2);
    }
    if error == 0.0 {
        0.0
    } else {
        (error / norm).sqrt()
    }
}

/// The power of two that brings `largest` into [1, 2), as far as it is a normal number; 1 for 0.
pub(crate) fn power_of_two_scale<T: Real>(largest: T) -> T {
    if largest == T::zero() {
        return T::one();
    }
    // The reciprocal of the scale must stay normal, so the extremes of the range are not brought all the way.
    let limit = -T::min_positive_value().log2().floor() - T::one();
    let exponent = largest.log2().floor().max(-limit).min(limit);
    T::narrow(2.0).powi(-exponent.to_i32().unwrap_or(0))
}

/// z/|z|; 0 where |z|² vanishes, or is as good as 0.
pub(crate) fn sign<T: Real>(z: Complex<T>) -> Complex<T> {
    let modulus = (z.re * z.re + z.im * z.im).sqrt();
    match modulus.is_normal() {
        true => z / modulus,
        false => Complex::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_an_exact_power_of_two_over_the_whole_range() {
        for largest in [
            1.0_f32,
            1.5,
            0.75,
            1e-30,
            3e38,
            1e-40,
            f32::MIN_POSITIVE,
            f32::MAX,
        ] {
            let scale = power_of_two_scale(largest);
            assert_eq!(
                scale.to_bits() << 9,
                0,
                "{largest:e}: {scale:e} has a mantissa"
            );
            assert!(
                scale.is_normal() && scale.recip().is_normal(),
                "{largest:e}: {scale:e}"
            );
            if (1e-37..1e37).contains(&largest) {
                assert!(
                    (1.0..2.0).contains(&(largest * scale)),
                    "{largest:e}: {scale:e}"
                );
            }
        }
        assert_eq!(power_of_two_scale(0.0_f64), 1.0);
        assert!(power_of_two_scale(f64::MAX).recip().is_finite());
    }
}
