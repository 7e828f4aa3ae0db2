//! [`AnyLength`]: Fourier transforms of any length, by rustfft and realfft, on one line at a time.
//!
//! Their planners are generic, and would be compiled again with everything that calls them for a precision; here they are
//! called for both, once.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftNum, FftPlanner};

use super::element::Element;

/// A precision that there are transforms of any length for. Nothing is scaled; forward is exp(−2πi·kn/N).
pub trait AnyLength: Element + FftNum {
    /// Complex numbers forward.
    fn forward(len: usize) -> Arc<dyn Fft<Self>>;

    /// Complex numbers back.
    fn inverse(len: usize) -> Arc<dyn Fft<Self>>;

    /// Real numbers to the half of their spectrum that is not the mirror image of the other.
    fn real_forward(len: usize) -> Arc<dyn RealToComplex<Self>>;

    /// The way back.
    fn real_inverse(len: usize) -> Arc<dyn ComplexToReal<Self>>;
}

macro_rules! any_length {
    ($T:ty) => {
        impl AnyLength for $T {
            fn forward(len: usize) -> Arc<dyn Fft<Self>> {
                FftPlanner::new().plan_fft_forward(len)
            }

            fn inverse(len: usize) -> Arc<dyn Fft<Self>> {
                FftPlanner::new().plan_fft_inverse(len)
            }

            fn real_forward(len: usize) -> Arc<dyn RealToComplex<Self>> {
                RealFftPlanner::new().plan_fft_forward(len)
            }

            fn real_inverse(len: usize) -> Arc<dyn ComplexToReal<Self>> {
                RealFftPlanner::new().plan_fft_inverse(len)
            }
        }
    };
}

any_length!(f32);
any_length!(f64);
