//! [`Plane`]: Fourier transforms of blocks of an image, with one transposition each way.

use std::sync::Arc;

use num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};

use super::engine::{Block, Layout, Spectra};
use super::line::make_hermitian;
use crate::num::Real;

/// Planned transforms.
pub(super) struct Plane<T> {
    layout: Layout,
    rows_forward: RowsForward<T>,
    columns_forward: Arc<dyn Fft<T>>,
    columns_inverse: Arc<dyn Fft<T>>,
    rows_inverse: RowsInverse<T>,
}

enum RowsForward<T> {
    Real(Arc<dyn RealToComplex<T>>),
    Complex(Arc<dyn Fft<T>>),
}

enum RowsInverse<T> {
    Real(Arc<dyn ComplexToReal<T>>),
    Complex(Arc<dyn Fft<T>>),
}

impl<T: Real> Plane<T> {
    pub fn new(layout: Layout) -> Self {
        let [n0, n1] = layout.block;
        let [m0, m1] = layout.kept;
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        Self {
            layout,
            columns_forward: complex.plan_fft_forward(n0),
            columns_inverse: complex.plan_fft_inverse(m0),
            rows_forward: match layout.spectra {
                Spectra::Half | Spectra::HalfToFull => RowsForward::Real(real.plan_fft_forward(n1)),
                Spectra::Full => RowsForward::Complex(complex.plan_fft_forward(n1)),
            },
            rows_inverse: match layout.spectra {
                Spectra::Half => RowsInverse::Real(real.plan_fft_inverse(m1)),
                Spectra::HalfToFull | Spectra::Full => {
                    RowsInverse::Complex(complex.plan_fft_inverse(m1))
                }
            },
        }
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// What the FFTs ask for, and a half spectrum before or after its transposition.
    pub fn scratch_len(&self) -> usize {
        let forward = match &self.rows_forward {
            RowsForward::Real(fft) => fft.get_scratch_len(),
            RowsForward::Complex(fft) => fft.get_inplace_scratch_len(),
        };
        let inverse = match &self.rows_inverse {
            RowsInverse::Real(fft) => fft.get_scratch_len(),
            RowsInverse::Complex(fft) => fft.get_inplace_scratch_len(),
        };
        self.half_len()
            + forward
                .max(inverse)
                .max(self.columns_forward.get_inplace_scratch_len())
                .max(self.columns_inverse.get_inplace_scratch_len())
    }

    fn half_len(&self) -> usize {
        let len = |[rows, columns]: [usize; 2]| rows * columns;
        match self.layout.spectra {
            Spectra::Half => len(self.layout.source()).max(len(self.layout.target())),
            Spectra::HalfToFull => len(self.layout.source()),
            Spectra::Full => 0,
        }
    }

    pub fn forward(
        &self,
        block: Block<T>,
        rows: usize,
        hat: &mut [Complex<T>],
        scratch: &mut [Complex<T>],
    ) {
        let [n0, n1] = self.layout.block;
        let (work, scratch) = scratch.split_at_mut(self.half_len());
        match (&self.rows_forward, block) {
            (RowsForward::Real(fft), Block::Real(block)) => {
                let width = n1 / 2 + 1;
                let work = &mut work[..n0 * width];
                let scratch = &mut scratch[..fft.get_scratch_len()];
                let planes = block.chunks_exact_mut(n1).zip(work.chunks_exact_mut(width));
                for (row, row_hat) in planes.take(rows) {
                    let done = fft.process_with_scratch(row, row_hat, scratch);
                    debug_assert!(done.is_ok(), "lengths come from the plan");
                }
                work[rows * width..].fill(Complex::new(T::zero(), T::zero()));
                transpose::transpose(work, hat, width, n0);
            }
            (RowsForward::Complex(fft), Block::Complex(block)) => {
                fft.process_with_scratch(&mut block[..rows * n1], scratch);
                transpose::transpose(block, hat, n1, n0);
            }
            _ => debug_assert!(false, "blocks are what the layout says"),
        }
        self.columns_forward.process_with_scratch(hat, scratch);
    }

    pub fn inverse(
        &self,
        hat: &mut [Complex<T>],
        live: &[bool],
        block: Block<T>,
        rows: usize,
        scratch: &mut [Complex<T>],
    ) {
        let [m0, m1] = self.layout.kept;
        let (work, scratch) = scratch.split_at_mut(self.half_len());
        for (column, _) in hat
            .chunks_exact_mut(m0)
            .zip(live)
            .filter(|(_, live)| **live)
        {
            self.columns_inverse.process_with_scratch(column, scratch);
        }
        match (&self.rows_inverse, block) {
            (RowsInverse::Real(fft), Block::Real(block)) => {
                let width = m1 / 2 + 1;
                let work = &mut work[..m0 * width];
                transpose::transpose(hat, work, m0, width);
                let scratch = &mut scratch[..fft.get_scratch_len()];
                let planes = work.chunks_exact_mut(width).zip(block.chunks_exact_mut(m1));
                for (row_hat, row) in planes.take(rows) {
                    make_hermitian(row_hat, m1);
                    let done = fft.process_with_scratch(row_hat, row, scratch);
                    debug_assert!(done.is_ok(), "lengths come from the plan");
                }
            }
            (RowsInverse::Complex(fft), Block::Complex(block)) => {
                transpose::transpose(hat, block, m0, m1);
                fft.process_with_scratch(&mut block[..rows * m1], scratch);
            }
            _ => debug_assert!(false, "blocks are what the layout says"),
        }
    }
}
