//! [`PlaneFft`]: real planes to half spectra, with one transposition.
//!
//! Layouts: a plane is `[n0][n1]`, rows of axis 1 contiguous. Its spectrum is transposed, `[k1][k0]`, so that the passes
//! along axis 0 are contiguous as well and filters are stored in the same order. It keeps `k1 = 0 ..= n1/2`; the rest
//! follows from X(−k) = conj X(k).

use std::sync::Arc;

use num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use rustfft::Fft;

use crate::grid::Grid;
use crate::num::Real;

/// Planned transforms of one grid.
pub(crate) struct PlaneFft<T> {
    grid: Grid<2>,
    rows_forward: Arc<dyn RealToComplex<T>>,
    columns_forward: Arc<dyn Fft<T>>,
}

impl<T: Real> PlaneFft<T> {
    /// Plans for one grid; the planner shares twiddles among grids.
    pub fn new(
        grid: Grid<2>,
        planner: &mut RealFftPlanner<T>,
        complex: &mut rustfft::FftPlanner<T>,
    ) -> Self {
        let [n0, n1] = grid.shape;
        Self {
            grid,
            rows_forward: planner.plan_fft_forward(n1),
            columns_forward: complex.plan_fft_forward(n0),
        }
    }

    /// The grid of the planes.
    pub fn grid(&self) -> Grid<2> {
        self.grid
    }

    /// Samples of a half spectrum: `(n1/2 + 1)·n0`.
    pub fn half_len(&self) -> usize {
        let [n0, n1] = self.grid.shape;
        (n1 / 2 + 1) * n0
    }

    /// Scratch samples that the passes need.
    pub fn scratch_len(&self) -> usize {
        self.columns_forward
            .get_inplace_scratch_len()
            .max(self.rows_forward.get_scratch_len())
    }

    /// The half spectrum of a real plane. Destroys the plane; `half` is `[n1/2 + 1][n0]`, `work` at least as long.
    pub fn forward(
        &self,
        plane: &mut [T],
        half: &mut [Complex<T>],
        work: &mut [Complex<T>],
        scratch: &mut [Complex<T>],
    ) {
        let [n0, n1] = self.grid.shape;
        let width = n1 / 2 + 1;
        let (half, work) = (&mut half[..width * n0], &mut work[..width * n0]);
        let row_scratch = &mut scratch[..self.rows_forward.get_scratch_len()];
        for (row, row_hat) in plane[..n0 * n1]
            .chunks_exact_mut(n1)
            .zip(work.chunks_exact_mut(width))
        {
            let done = self
                .rows_forward
                .process_with_scratch(row, row_hat, row_scratch);
            debug_assert!(done.is_ok(), "lengths come from the plan");
        }
        transpose::transpose(work, half, width, n0);
        self.columns_forward.process_with_scratch(half, scratch);
    }
}

impl<T> std::fmt::Debug for PlaneFft<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "PlaneFft({} x {})",
            self.grid.shape[0], self.grid.shape[1]
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    fn plan(shape: [usize; 2]) -> PlaneFft<f64> {
        PlaneFft::new(
            Grid::new(shape),
            &mut RealFftPlanner::new(),
            &mut rustfft::FftPlanner::new(),
        )
    }

    /// Σ_n x(n)·exp(sign·2πi(k0·n0/N0 + k1·n1/N1)), the definition.
    fn dft(x: &[Complex<f64>], [n0, n1]: [usize; 2], sign: f64, k: [usize; 2]) -> Complex<f64> {
        (0..n0 * n1)
            .map(|i| {
                let turns =
                    (k[0] * (i / n1)) as f64 / n0 as f64 + (k[1] * (i % n1)) as f64 / n1 as f64;
                x[i] * Complex::cis(sign * 2.0 * PI * turns)
            })
            .sum()
    }

    #[test]
    fn both_directions_equal_the_definition_at_odd_prime_and_tiny_sizes() {
        let dirt = Complex::new(f64::NAN, f64::NAN);
        for shape in [[1, 1], [1, 4], [2, 2], [3, 5], [7, 6], [12, 1], [16, 34]] {
            let [n0, n1] = shape;
            let fft = plan(shape);
            let real: Vec<f64> = (0..n0 * n1)
                .map(|i| (i as f64 * 0.7).sin() + 0.1 * i as f64)
                .collect();
            let complex: Vec<_> = real.iter().map(|&x| Complex::new(x, 0.0)).collect();
            let mut half = vec![dirt; fft.half_len()];
            let mut work = vec![dirt; n0 * n1.max(2)];
            let mut scratch = vec![dirt; fft.scratch_len()];
            fft.forward(&mut real.clone(), &mut half, &mut work, &mut scratch);
            for (i, got) in half.iter().enumerate() {
                let expected = dft(&complex, shape, -1.0, [i % n0, i / n0]);
                assert!((got - expected).norm() < 1e-10, "{shape:?} at {i}");
            }
        }
    }
}
