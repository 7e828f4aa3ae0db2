//! What a sample may be: real or complex, `f32` or `f64`; and what a product of two is.

use std::fmt::Debug;

use num_complex::Complex;

use crate::num::Real;

mod sealed {
    pub trait Sealed {}
    impl<T: crate::num::Real> Sealed for T {}
    impl<T: crate::num::Real> Sealed for num_complex::Complex<T> {}
}

/// A sample of a signal or of a kernel: `f32`, `f64`, `Complex<f32>` or `Complex<f64>`.
pub trait Sample:
    sealed::Sealed + Copy + Default + PartialEq + Debug + Send + Sync + 'static
{
    /// Its precision.
    type Real: Real;

    /// Whether it has an imaginary part.
    const COMPLEX: bool;

    /// The real part.
    fn re(self) -> Self::Real;

    /// The imaginary part, 0 for a real sample.
    fn im(self) -> Self::Real;

    /// A sample of these parts; a real one has no place for `im`.
    fn from_parts(re: Self::Real, im: Self::Real) -> Self;

    /// The slice itself if its samples are complex.
    #[doc(hidden)]
    fn as_complex(samples: &mut [Self]) -> Option<&mut [Complex<Self::Real>]>;
}

impl<T: Real> Sample for T {
    type Real = T;
    const COMPLEX: bool = false;

    fn re(self) -> T {
        self
    }

    fn im(self) -> T {
        T::zero()
    }

    fn from_parts(re: T, _: T) -> T {
        re
    }

    fn as_complex(_: &mut [T]) -> Option<&mut [Complex<T>]> {
        None
    }
}

impl<T: Real> Sample for Complex<T> {
    type Real = T;
    const COMPLEX: bool = true;

    fn re(self) -> T {
        self.re
    }

    fn im(self) -> T {
        self.im
    }

    fn from_parts(re: T, im: T) -> Self {
        Complex::new(re, im)
    }

    fn as_complex(samples: &mut [Self]) -> Option<&mut [Complex<T>]> {
        Some(samples)
    }
}

/// A sample that kernels of samples `K` apply to.
pub trait Convolve<K: Sample<Real = Self::Real>>: Sample {
    /// A sample of the result: complex if the signal or the kernel is.
    type Output: Convolve<K, Real = Self::Real, Output = Self::Output>;
}

impl<T: Real> Convolve<T> for T {
    type Output = T;
}

impl<T: Real> Convolve<Complex<T>> for T {
    type Output = Complex<T>;
}

impl<T: Real> Convolve<T> for Complex<T> {
    type Output = Complex<T>;
}

impl<T: Real> Convolve<Complex<T>> for Complex<T> {
    type Output = Complex<T>;
}
