//! The Fourier transforms of a scalogram: the only place that knows who computes them.

use std::sync::Arc;

use realfft::{ComplexToReal, RealToComplex};
use rustfft::Fft;

use crate::num::{Complex, Real};

/// Real numbers on a circle to half of their spectrum, and back. Nothing is scaled.
pub(super) struct Circle<T> {
    len: usize,
    forward: Arc<dyn RealToComplex<T>>,
    inverse: Arc<dyn ComplexToReal<T>>,
}

impl<T: Real> Circle<T> {
    pub fn new(len: usize) -> Self {
        Self {
            len,
            forward: T::real_forward(len),
            inverse: T::real_inverse(len),
        }
    }

    pub fn scratch_len(&self) -> usize {
        let forward = self.forward.get_scratch_len();
        forward.max(self.inverse.get_scratch_len())
    }

    /// The half that the other mirrors; `x` is overwritten.
    pub fn forward(&self, x: &mut [T], half: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        match self.forward.process_with_scratch(x, half, scratch) {
            Ok(()) => {}
            Err(error) => unreachable!("lines are as long as planned: {error}"),
        }
    }

    /// The way back; `half` is overwritten.
    pub fn inverse(&self, half: &mut [Complex<T>], x: &mut [T], scratch: &mut [Complex<T>]) {
        // What mirrors itself is real.
        half[0].im = T::zero();
        if self.len.is_multiple_of(2) {
            half[self.len / 2].im = T::zero();
        }
        match self.inverse.process_with_scratch(half, x, scratch) {
            Ok(()) => {}
            Err(error) => unreachable!("lines are as long as planned: {error}"),
        }
    }
}

/// Complex numbers on a circle to their spectrum, and back. Nothing is scaled.
pub(super) struct Line<T> {
    pub len: usize,
    forward: Arc<dyn Fft<T>>,
    inverse: Arc<dyn Fft<T>>,
}

impl<T: Real> Line<T> {
    pub fn new(len: usize) -> Self {
        Self {
            len,
            forward: T::forward(len),
            inverse: T::inverse(len),
        }
    }

    pub fn scratch_len(&self) -> usize {
        let forward = self.forward.get_inplace_scratch_len();
        forward.max(self.inverse.get_inplace_scratch_len())
    }

    pub fn forward(&self, line: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        self.forward.process_with_scratch(line, scratch);
    }

    pub fn inverse(&self, line: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        self.inverse.process_with_scratch(line, scratch);
    }
}
