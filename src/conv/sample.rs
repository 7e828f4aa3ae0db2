//! What a sample may be: real or complex, `f32` or `f64`; and what a product of two is.

use std::fmt::Debug;

use num_complex::Complex;
use num_traits::Float;

use crate::num::Real;

mod sealed {
    /// Zeroable: outputs may come from the system as they are.
    pub trait Sealed: bytemuck::Zeroable {}
    impl<T: crate::num::Real> Sealed for T {}
    impl<T: crate::num::Real> Sealed for num_complex::Complex<T> {}
}

/// Samples of either kind.
#[derive(Debug, Clone, Copy)]
pub enum Samples<'a, T> {
    /// Real ones.
    Real(&'a [T]),
    /// Complex ones.
    Complex(&'a [Complex<T>]),
}

/// Samples of either kind, to be written.
#[derive(Debug)]
pub enum SamplesMut<'a, T> {
    /// Real ones.
    Real(&'a mut [T]),
    /// Complex ones.
    Complex(&'a mut [Complex<T>]),
}

impl<'a, T> Samples<'a, T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Real(samples) => samples.len(),
            Self::Complex(samples) => samples.len(),
        }
    }

    /// The first of them and the rest.
    pub fn split_at(self, at: usize) -> (Self, Self) {
        match self {
            Self::Real(samples) => {
                let (first, rest) = samples.split_at(at);
                (Self::Real(first), Self::Real(rest))
            }
            Self::Complex(samples) => {
                let (first, rest) = samples.split_at(at);
                (Self::Complex(first), Self::Complex(rest))
            }
        }
    }

    /// So many at a time; what is left at the end is left out.
    pub fn chunks(mut self, len: usize) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            Some(match &mut self {
                Self::Real(rest) => Self::Real(rest.split_off(..len)?),
                Self::Complex(rest) => Self::Complex(rest.split_off(..len)?),
            })
        })
    }
}

impl<'a, T> SamplesMut<'a, T> {
    /// The first of them and the rest.
    pub fn split_at(self, at: usize) -> (Self, Self) {
        match self {
            Self::Real(samples) => {
                let (first, rest) = samples.split_at_mut(at);
                (Self::Real(first), Self::Real(rest))
            }
            Self::Complex(samples) => {
                let (first, rest) = samples.split_at_mut(at);
                (Self::Complex(first), Self::Complex(rest))
            }
        }
    }

    /// So many at a time; what is left at the end is left out.
    pub fn chunks(mut self, len: usize) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            Some(match &mut self {
                Self::Real(rest) => Self::Real(rest.split_off_mut(..len)?),
                Self::Complex(rest) => Self::Complex(rest.split_off_mut(..len)?),
            })
        })
    }
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

    /// The slice itself.
    #[doc(hidden)]
    fn samples(samples: &[Self]) -> Samples<'_, Self::Real>;

    /// The slice itself, to be written.
    #[doc(hidden)]
    fn samples_mut(samples: &mut [Self]) -> SamplesMut<'_, Self::Real>;
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

    fn samples(samples: &[T]) -> Samples<'_, T> {
        Samples::Real(samples)
    }

    fn samples_mut(samples: &mut [T]) -> SamplesMut<'_, T> {
        SamplesMut::Real(samples)
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

    fn samples(samples: &[Self]) -> Samples<'_, T> {
        Samples::Complex(samples)
    }

    fn samples_mut(samples: &mut [Self]) -> SamplesMut<'_, T> {
        SamplesMut::Complex(samples)
    }
}

/// Whether neither part is NaN or infinite.
pub(super) fn is_finite<X: Sample>(x: &X) -> bool {
    x.re().is_finite() & x.im().is_finite()
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
