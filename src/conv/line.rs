//! [`Line`]: Fourier transforms of blocks of a one-dimensional signal.
//!
//! Up to [`LINES`] complex blocks are transformed in one call, so that an engine which works on several lines at once
//! finds them side by side.

use std::sync::Arc;

use num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};

use super::engine::{Block, Layout, Spectra};
use crate::num::Real;

/// Complex blocks a group holds.
const LINES: usize = 8;

/// Planned transforms.
pub(super) struct Line<T> {
    layout: Layout,
    forward: Forward<T>,
    inverse: Inverse<T>,
}

enum Forward<T> {
    Real(Arc<dyn RealToComplex<T>>),
    Complex(Arc<dyn Fft<T>>),
}

enum Inverse<T> {
    Real(Arc<dyn ComplexToReal<T>>),
    Complex(Arc<dyn Fft<T>>),
}

impl<T: Real> Line<T> {
    pub fn new(layout: Layout) -> Self {
        let [_, n] = layout.block;
        let [_, m] = layout.kept;
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        Self {
            layout,
            forward: match layout.spectra {
                Spectra::Half | Spectra::HalfToFull => Forward::Real(real.plan_fft_forward(n)),
                Spectra::Full => Forward::Complex(complex.plan_fft_forward(n)),
            },
            inverse: match layout.spectra {
                Spectra::Half => Inverse::Real(real.plan_fft_inverse(m)),
                Spectra::HalfToFull | Spectra::Full => {
                    Inverse::Complex(complex.plan_fft_inverse(m))
                }
            },
        }
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub fn lines(&self) -> usize {
        match self.layout.spectra {
            Spectra::Full => LINES,
            Spectra::Half | Spectra::HalfToFull => 1,
        }
    }

    pub fn scratch_len(&self) -> usize {
        let forward = match &self.forward {
            Forward::Real(fft) => fft.get_scratch_len(),
            Forward::Complex(fft) => fft.get_outofplace_scratch_len(),
        };
        let inverse = match &self.inverse {
            Inverse::Real(fft) => fft.get_scratch_len(),
            Inverse::Complex(fft) => fft.get_outofplace_scratch_len(),
        };
        forward.max(inverse)
    }

    pub fn forward(&self, block: Block<T>, hat: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        match (&self.forward, block) {
            (Forward::Real(fft), Block::Real(block)) => {
                let scratch = &mut scratch[..fft.get_scratch_len()];
                let done = fft.process_with_scratch(block, hat, scratch);
                debug_assert!(done.is_ok(), "lengths come from the plan");
            }
            (Forward::Complex(fft), Block::Complex(block)) => {
                fft.process_outofplace_with_scratch(block, hat, scratch);
            }
            _ => debug_assert!(false, "blocks are what the layout says"),
        }
    }

    pub fn inverse(&self, hat: &mut [Complex<T>], block: Block<T>, scratch: &mut [Complex<T>]) {
        match (&self.inverse, block) {
            (Inverse::Real(fft), Block::Real(block)) => {
                let scratch = &mut scratch[..fft.get_scratch_len()];
                make_hermitian(hat, block.len());
                let done = fft.process_with_scratch(hat, block, scratch);
                debug_assert!(done.is_ok(), "lengths come from the plan");
            }
            (Inverse::Complex(fft), Block::Complex(block)) => {
                fft.process_outofplace_with_scratch(hat, block, scratch);
            }
            _ => debug_assert!(false, "blocks are what the layout says"),
        }
    }
}

/// Takes the rounding off the two frequencies that are real in the half spectrum of `n` real samples.
pub(super) fn make_hermitian<T: Real>(hat: &mut [Complex<T>], n: usize) {
    hat[0].im = T::zero();
    if n.is_multiple_of(2) {
        hat[n / 2].im = T::zero();
    }
}
