//! [`Coverage`]: how a set of kernels tiles the frequency plane, and [`Histogram`]s of where they lie.
//!
//! Comes in: real kernels, and their Gabor fits. Goes out: the modulus of every transfer function, the Littlewood-Paley
//! sum with its frame bounds, counts by orientation and frequency.
//!
//! ```text
//! LP(ω) = Σ_k |ĝ_k(ω)|²          A·‖x‖² ≤ Σ_k ‖x ⋆ g_k‖² ≤ B·‖x‖²,  A = min LP, B = max LP
//! ```
//!
//! Kernels are real, so |ĝ(−ω)| = |ĝ(ω)| and no second term for the mirror images is needed, unlike in
//! [`filters`](crate::filters). The bounds hold for the linear part of a layer at stride 1; a stride keeps fewer samples
//! and lowers A.

use std::f64::consts::PI;

use ndarray::Array2;

use super::gabor_fit::GaborFit;
use super::spectrum;
use crate::filters::FrameBounds;
use crate::{Error, Result, memory};

/// Transfer functions of kernels on a common grid of frequencies, and their sum.
///
/// ```
/// use ndarray::array;
/// use wavelet_scattering::compare::Coverage;
///
/// // Sum and difference of neighbours, an orthogonal pair: together they are complete, LP = 1 everywhere.
/// let pair = [array![[0.5], [0.5]], array![[0.5], [-0.5]]];
/// let coverage = Coverage::new(&pair, [16, 16])?;
/// assert!((coverage.bounds.lower - 1.0).abs() < 1e-12 && (coverage.bounds.upper - 1.0).abs() < 1e-12);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Coverage {
    /// |ĝ| of every kernel, natural DFT order.
    pub moduli: Vec<Array2<f64>>,
    /// LP over the grid, natural DFT order.
    pub sum: Array2<f64>,
    /// Its least and its largest value.
    pub bounds: FrameBounds,
}

impl Coverage {
    /// Coverage by kernels on a grid of `shape` frequencies.
    ///
    /// # Errors
    /// [`Error::Empty`] without kernels or frequencies, [`Error::WrongShape`] if the grid has fewer samples than a kernel,
    /// [`Error::OutOfMemory`] if the transfer functions do not fit.
    pub fn new(kernels: &[Array2<f64>], shape: [usize; 2]) -> Result<Self> {
        if kernels.is_empty() || shape.contains(&0) {
            return Err(Error::Empty {
                shape: vec![kernels.len(), shape[0], shape[1]],
            });
        }
        if let Some(kernel) = kernels
            .iter()
            .find(|kernel| kernel.nrows() > shape[0] || kernel.ncols() > shape[1])
        {
            return Err(Error::WrongShape {
                what: "the grid of frequencies",
                got: shape.to_vec(),
                expected: format!("at least the kernels' {:?}", kernel.shape()),
            });
        }
        memory::require(
            "the transfer functions of the kernels",
            memory::bytes_of::<f64>(memory::count(&[kernels.len() + 4, shape[0], shape[1]])),
            "use fewer frequencies",
        )?;
        let moduli: Vec<_> = kernels
            .iter()
            .map(|kernel| spectrum::modulus(kernel, shape))
            .collect();
        let mut sum = Array2::<f64>::zeros(shape);
        for modulus in &moduli {
            sum.zip_mut_with(modulus, |sum, value| *sum += value * value);
        }
        let bounds = FrameBounds {
            lower: sum.fold(f64::INFINITY, |min, &value| min.min(value)),
            upper: sum.fold(f64::NEG_INFINITY, |max, &value| max.max(value)),
        };
        Ok(Self {
            moduli,
            sum,
            bounds,
        })
    }

    /// Share of the frequency plane where LP reaches a tenth of its maximum: 1 is an even cover.
    pub fn covered(&self) -> f64 {
        let enough = |value: &&f64| **value >= 0.1 * self.bounds.upper;
        self.sum.iter().filter(enough).count() as f64 / self.sum.len() as f64
    }
}

/// Counts of values between consecutive edges.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Ends of the bins, one more than there are bins, growing.
    pub edges: Vec<f64>,
    /// Values within each bin.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// θ of the fits in degrees, in bins of half the step of `L` orientations, every other one centred on a wavelet.
    ///
    /// θ is periodic: the first bin, around 0, holds what lies just below 180° too.
    pub fn of_theta<'a>(fits: impl IntoIterator<Item = &'a GaborFit>, L: usize) -> Self {
        let bins = 2 * L.max(1);
        let width = PI / bins as f64;
        let mut counts = vec![0; bins];
        for fit in fits {
            counts[(fit.gabor.theta / width).round() as usize % bins] += 1;
        }
        let edges = (0..=bins)
            .map(|i| (i as f64 - 0.5) * width.to_degrees())
            .collect();
        Self { edges, counts }
    }

    /// log2 of frequencies in bins of a quarter octave, some of them centred on the wavelets' log2(xi) − j.
    ///
    /// The bins reach from `octaves` below `xi` to `highest`, all in one unit; what lies lower is in the first, what
    /// lies higher in the last. The corner of the Nyquist square is at √½ cycles per pixel.
    pub fn of_log2(
        frequencies: impl IntoIterator<Item = f64>,
        xi: f64,
        octaves: usize,
        highest: f64,
    ) -> Self {
        const PER_OCTAVE: f64 = 4.0;
        let origin = xi.log2() - octaves as f64 - 0.5 / PER_OCTAVE;
        let bins = (((highest.log2() - origin) * PER_OCTAVE - 1e-9).ceil() as usize).max(1);
        let mut counts = vec![0; bins];
        for frequency in frequencies {
            // Negative infinity for 0, which a cast to an unsigned number takes to the first bin.
            let bin = (PER_OCTAVE * (frequency.log2() - origin)).floor() as usize;
            counts[bin.min(bins - 1)] += 1;
        }
        let edges = (0..=bins).map(|i| origin + i as f64 / PER_OCTAVE).collect();
        Self { edges, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::gabor::Gabor;

    fn at(theta: f64, xi: f64) -> GaborFit {
        GaborFit {
            gabor: Gabor {
                theta: theta.to_radians(),
                xi,
                sigma: 0.1,
                slant: 0.5,
            },
            center: [3.0, 3.0],
            phase: 0.0,
            amplitude: 1.0,
            explained: 0.9,
        }
    }

    #[test]
    fn the_sum_is_the_energy_of_the_filtered_signal() {
        // Circular convolution on 12 x 10 by its definition, against the spectrum.
        let kernels = super::super::baseline::random(3, [4, 3], 5);
        let x = &super::super::baseline::random(1, [12, 10], 6)[0];
        let coverage = Coverage::new(&kernels, [12, 10]).unwrap();
        let mut energy = 0.0;
        for kernel in &kernels {
            for u in 0..12 {
                for v in 0..10 {
                    let sum: f64 = kernel
                        .indexed_iter()
                        .map(|((i, k), g)| g * x[[(u + 12 - i) % 12, (v + 10 - k) % 10]])
                        .sum();
                    energy += sum * sum;
                }
            }
        }
        let x_hat = spectrum::modulus(x, [12, 10]);
        let by_spectrum = (&x_hat * &x_hat * &coverage.sum).sum() / 120.0;
        assert!((by_spectrum / energy - 1.0).abs() < 1e-12);
        let norm = x.fold(0.0, |sum, value| sum + value * value);
        assert!(coverage.bounds.lower * norm <= energy && energy <= coverage.bounds.upper * norm);
    }

    #[test]
    fn an_even_cover_covers_everything_and_a_wave_little() {
        let delta = [Array2::from_elem([1, 1], 2.0)];
        let even = Coverage::new(&delta, [8, 8]).unwrap();
        assert!((even.covered() - 1.0).abs() < 1e-12);
        assert!((even.bounds.lower - 4.0).abs() < 1e-12);
        let wave = Array2::from_shape_fn([16, 16], |(i, _)| (PI * i as f64 / 2.0).cos());
        assert!(Coverage::new(&[wave], [32, 32]).unwrap().covered() < 0.05);
        assert!(matches!(
            Coverage::new(&[], [8, 8]),
            Err(Error::Empty { .. })
        ));
        assert!(matches!(
            Coverage::new(&[Array2::ones([9, 3])], [8, 8]),
            Err(Error::WrongShape { .. })
        ));
    }

    #[test]
    fn orientations_are_counted_around_the_half_turn() {
        // L = 4: bins of 22.5 degrees centred on 0, 22.5, 45, ...
        let fits = [
            at(0.0, 0.2),
            at(179.0, 0.2),
            at(44.0, 0.2),
            at(34.0, 0.2),
            at(33.0, 0.2),
        ];
        let histogram = Histogram::of_theta(&fits, 4);
        assert_eq!(histogram.counts, [2, 1, 2, 0, 0, 0, 0, 0]);
        assert!((histogram.edges[0] + 11.25).abs() < 1e-9);
        assert!((histogram.edges[8] - 168.75).abs() < 1e-9);
    }

    #[test]
    fn frequencies_are_counted_by_quarter_octaves_around_those_of_the_wavelets() {
        let frequencies = [0.375, 0.36, 0.1875, 0.7, 0.0];
        let histogram = Histogram::of_log2(frequencies, 0.375, 2, 0.5_f64.sqrt());
        assert_eq!(histogram.counts.len() + 1, histogram.edges.len());
        let bin_of = |log2_xi: f64| {
            histogram
                .edges
                .windows(2)
                .position(|e| e[0] <= log2_xi && log2_xi < e[1])
        };
        assert_eq!(histogram.counts[bin_of(0.375_f64.log2()).unwrap()], 2);
        assert_eq!(histogram.counts[bin_of(0.1875_f64.log2()).unwrap()], 1);
        assert_eq!(histogram.counts[0], 1);
        assert_eq!(histogram.counts.iter().sum::<usize>(), 5);
        let middle = 0.5 * (histogram.edges[8] + histogram.edges[9]);
        assert!((middle - 0.375_f64.log2()).abs() < 1e-12, "{middle}");
    }
}
