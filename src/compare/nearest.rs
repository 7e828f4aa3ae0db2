//! [`nearest`]: the Morlet of a bank that correlates best with a kernel, over phase and position.
//!
//! Comes in: a real kernel k and the wavelets ψ_λ. Goes out: which λ, where, at which phase, and
//!
//! ```text
//! r = max over λ, c, φ of  ⟨k, g⟩ / (‖k‖·‖g‖),   g(u) = Re( e^{iφ}·ψ_λ(u − c) )   on the samples of the kernel
//! ```
//!
//! r² is the share of the kernel's energy that this wavelet explains with one free amplitude. Unlike a
//! [fit](super::gabor_fit), which may take any orientation, frequency and shape, this asks for the filters of the bank.
//!
//! For every λ and c the best phase needs no search: g runs through the plane spanned by the real and the imaginary
//! part of ψ_λ(u − c), so r is the norm of the projection onto that plane. Positions lie on a grid of half samples
//! within the kernel. What of ψ overhangs the kernel is cut off, since the kernel could not have learned it.

use ndarray::{Array, Array2, ArrayView2, Dimension};

use crate::filters::gabor::{Gabor, Morlet};
use crate::filters::{Family, FilterBank2dParams, Wavelet2d};
use crate::num::Complex;
use crate::{Error, Result, grid, parallel};

/// Positions per sample and axis. A half sample is at most 0.6 of the spatial width of the finest standard wavelet,
/// at which its envelope has 0.95 correlation with itself; in between, the phase makes up for the carrier.
const PER_SAMPLE: usize = 2;

/// The wavelet that is nearest to a kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// Index of the wavelet in its bank, λ = j·L + l.
    pub lambda: usize,
    /// The wavelet in numbers.
    pub wavelet: Wavelet2d,
    /// r, in [0, 1].
    pub correlation: f64,
    /// c, in samples from index `[0, 0]`.
    pub center: [f64; 2],
    /// φ in radians, in (−π, π].
    pub phase: f64,
    /// g on the samples of the kernel, with the norm that explains most of it.
    pub kernel: Array2<f64>,
}

/// Finds the nearest wavelet of a bank for each kernel, on all threads of the current pool; `None` for kernels of zeros.
///
/// All kernels have the same shape.
///
/// # Errors
/// Those of [`FilterBank2dParams::check`]; [`Error::WrongShape`] for kernels of different shapes, [`Error::NotFinite`]
/// for a NaN or an infinity, with the index of the kernel first.
///
/// ```
/// use ndarray::Array2;
/// use wavelet_scattering::compare::nearest;
/// use wavelet_scattering::filters::FilterBank2d;
///
/// // An odd wave of period 5.3 samples across the columns.
/// let kernel = Array2::from_shape_fn([9, 9], |(i, k)| {
///     let (u, v) = (i as f64 - 4.0, k as f64 - 4.0);
///     (-(0.25 * u * u + v * v) / 5.0).exp() * (1.18 * v).sin()
/// });
/// let bank = FilterBank2d::params([32, 32], 3);
/// let found = nearest(&[kernel], &bank)?;
/// let best = found[0].as_ref().unwrap();
/// assert_eq!(best.wavelet.j, 1); // xi = 3/16
/// assert!((best.wavelet.theta - std::f64::consts::FRAC_PI_2).abs() < 1e-9 && best.correlation > 0.97);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn nearest(kernels: &[Array2<f64>], bank: &FilterBank2dParams) -> Result<Vec<Option<Match>>> {
    bank.check()?;
    let Some(first) = kernels.first() else {
        return Ok(Vec::new());
    };
    check_alike(kernels)?;
    let shape = [first.nrows(), first.ncols()];
    let templates = parallel::map(bank.wavelets().len(), |lambda| {
        Template::new(bank, lambda, shape)
    });
    Ok(parallel::map(kernels.len(), |index| {
        best(kernels[index].view(), &templates)
    }))
}

/// Refuses kernels of different shapes, without samples, or not finite.
pub(super) fn check_alike<D: Dimension>(kernels: &[Array<f64, D>]) -> Result<()> {
    for (index, kernel) in kernels.iter().enumerate() {
        let shape = kernels[0].shape();
        if kernel.shape() != shape || kernel.is_empty() {
            return Err(Error::WrongShape {
                what: "a kernel",
                got: kernel.shape().to_vec(),
                expected: format!("{shape:?} as the first one, not empty"),
            });
        }
        if let Some((at, value)) = grid::find(kernel, |value| !value.is_finite()) {
            return Err(Error::NotFinite {
                position: [&[index], &at[..]].concat(),
                value,
            });
        }
    }
    Ok(())
}

/// One wavelet in space, at every offset u − c that occurs.
struct Template {
    lambda: usize,
    wavelet: Wavelet2d,
    /// ψ at steps of 1/[`PER_SAMPLE`]; the index of offset 0 is `reach`.
    samples: Array2<Complex<f64>>,
    reach: [usize; 2],
}

impl Template {
    fn new(bank: &FilterBank2dParams, lambda: usize, shape: [usize; 2]) -> Self {
        let wavelet = bank.wavelets()[lambda];
        let gabor = Gabor {
            theta: wavelet.theta,
            xi: wavelet.xi,
            sigma: wavelet.sigma,
            slant: wavelet.slant,
        };
        let morlet = Morlet::new(gabor);
        let reach = shape.map(|n| PER_SAMPLE * (n - 1));
        let samples = Array2::from_shape_fn(reach.map(|r| 2 * r + 1), |(i, k)| {
            let u = [(i, reach[0]), (k, reach[1])]
                .map(|(i, zero)| (i as f64 - zero as f64) / PER_SAMPLE as f64);
            match bank.mother.family {
                Family::Morlet => morlet.at(u),
                Family::Gabor => gabor.at(u),
            }
        });
        Self {
            lambda,
            wavelet,
            samples,
            reach,
        }
    }

    /// ψ(u − c) with c in steps.
    fn at(&self, [i, k]: [usize; 2], center: [usize; 2]) -> Complex<f64> {
        self.samples[[
            PER_SAMPLE * i + self.reach[0] - center[0],
            PER_SAMPLE * k + self.reach[1] - center[1],
        ]]
    }

    /// The projection of a kernel onto the plane of ψ(u − c).
    fn project(&self, kernel: ArrayView2<f64>, center: [usize; 2]) -> ([f64; 2], f64) {
        let pairs = kernel.indexed_iter();
        project(pairs.map(|((i, k), &value)| (self.at([i, k], center), value)))
    }
}

/// The projection of values onto the plane of the real and the imaginary part of ψ beside them: the weights of both,
/// and the square of its norm.
pub(super) fn project(pairs: impl Iterator<Item = (Complex<f64>, f64)>) -> ([f64; 2], f64) {
    let (mut aa, mut ab, mut bb, mut ak, mut bk) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (psi, value) in pairs {
        aa += psi.re * psi.re;
        ab += psi.re * psi.im;
        bb += psi.im * psi.im;
        ak += psi.re * value;
        bk += psi.im * value;
    }
    let determinant = aa * bb - ab * ab;
    // Where the kernel shows one of the parts only, or both alike, the plane is a line: the stronger part is it.
    if determinant <= 1e-9 * aa * bb || determinant.is_nan() {
        return if aa >= bb && aa > 0.0 {
            ([ak / aa, 0.0], ak * ak / aa)
        } else if bb > 0.0 {
            ([0.0, bk / bb], bk * bk / bb)
        } else {
            ([0.0; 2], 0.0)
        };
    }
    let weights = [
        (ak * bb - bk * ab) / determinant,
        (bk * aa - ak * ab) / determinant,
    ];
    (weights, weights[0] * ak + weights[1] * bk)
}

fn best(kernel: ArrayView2<f64>, templates: &[Template]) -> Option<Match> {
    let largest = kernel.fold(0.0_f64, |max, value| max.max(value.abs()));
    if largest == 0.0 {
        return None;
    }
    let scaled = kernel.mapv(|value| value / largest); // squares of tiny and huge samples exist
    let energy = scaled.fold(0.0, |sum, value| sum + value * value);
    let positions = [0, 1].map(|axis| PER_SAMPLE * (scaled.shape()[axis] - 1) + 1);
    let mut best: Option<(f64, [f64; 2], [usize; 2], &Template)> = None;
    for template in templates {
        for c0 in 0..positions[0] {
            for c1 in 0..positions[1] {
                let (weights, explained) = template.project(scaled.view(), [c0, c1]);
                if best.is_none_or(|(most, ..)| explained > most) {
                    best = Some((explained, weights, [c0, c1], template));
                }
            }
        }
    }
    let (explained, [even, odd], center, template) = best?;
    let kernel = Array2::from_shape_fn(scaled.dim(), |(i, k)| {
        let psi = template.at([i, k], center);
        largest * (even * psi.re + odd * psi.im)
    });
    Some(Match {
        lambda: template.lambda,
        wavelet: template.wavelet,
        correlation: (explained / energy).clamp(0.0, 1.0).sqrt(),
        center: center.map(|c| c as f64 / PER_SAMPLE as f64),
        // Re(e^{iφ}ψ) = cos φ·Re ψ − sin φ·Im ψ
        phase: (-odd).atan2(even),
        kernel,
    })
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::super::baseline;
    use super::*;
    use crate::filters::FilterBank2d;

    /// Re(e^{iφ}·ψ_λ(u − c)) from the bank's own filter in space, at an integer centre.
    fn morlet(
        bank: &FilterBank2dParams,
        lambda: usize,
        phase: f64,
        center: [usize; 2],
        side: usize,
    ) -> Array2<f64> {
        let bank = bank.build::<f64>().unwrap();
        let psi = bank.psi_in_space(lambda / bank.L(), lambda % bank.L());
        let [n0, n1] = bank.grid().shape;
        let turn = Complex::from_polar(1.0, phase);
        Array2::from_shape_fn([side, side], |(i, k)| {
            (turn * psi[[(i + n0 - center[0]) % n0, (k + n1 - center[1]) % n1]]).re
        })
    }

    #[test]
    fn every_wavelet_of_the_bank_is_its_own_nearest() {
        let bank = FilterBank2d::params([64, 64], 2).L(6);
        let mut kernels = Vec::new();
        let mut truths = Vec::new();
        for lambda in 0..12 {
            for phase in [0.4, -2.0, 3.0] {
                kernels.push(1e-3 * morlet(&bank, lambda, phase, [5, 6], 11));
                truths.push((lambda, phase));
            }
        }
        for (found, (lambda, phase)) in nearest(&kernels, &bank).unwrap().iter().zip(truths) {
            let found = found.as_ref().unwrap();
            assert_eq!(found.lambda, lambda);
            assert_eq!(found.center, [5.0, 6.0]);
            assert!(found.correlation > 1.0 - 1e-9, "{found:?}");
            // A wavelet whose formula has a negative angle is reported from its other side: its conjugate.
            let turned = lambda % 6 > 2;
            let expected = if turned { -phase } else { phase };
            let off = (found.phase - expected).rem_euclid(2.0 * PI);
            assert!(
                off.min(2.0 * PI - off) < 1e-6,
                "{lambda}: {} for {expected}",
                found.phase
            );
        }
        let found = nearest(&kernels, &bank).unwrap();
        let back = &found[4].as_ref().unwrap().kernel;
        assert!(
            (back - &kernels[4])
                .mapv(f64::abs)
                .fold(0.0, |max: f64, &v| max.max(v))
                < 1e-12
        );
    }

    #[test]
    fn the_best_phase_is_that_of_a_search() {
        let bank = FilterBank2d::params([64, 64], 1).L(3);
        let kernel = &baseline::random(1, [7, 7], 3)[0];
        let template = Template::new(&bank, 1, [7, 7]);
        let (_, explained) = template.project(kernel.view(), [7, 4]);
        let searched = (0..2000)
            .map(|step| {
                let turn = Complex::from_polar(1.0, PI * f64::from(step) / 2000.0);
                let g =
                    Array2::from_shape_fn([7, 7], |(i, k)| (turn * template.at([i, k], [7, 4])).re);
                (&g * kernel).sum().powi(2) / (&g * &g).sum()
            })
            .fold(0.0, f64::max);
        assert!(
            (explained - searched).abs() < 1e-5 * searched,
            "{explained} {searched}"
        );
    }

    #[test]
    fn correlations_do_not_depend_on_scale_and_zeros_have_none() {
        let bank = FilterBank2d::params([32, 32], 2).L(4);
        let kernel = &baseline::random(1, [5, 5], 9)[0];
        let kernels = [
            kernel.clone(),
            -1e200 * kernel,
            1e-200 * kernel,
            Array2::zeros([5, 5]),
        ];
        let found = nearest(&kernels, &bank).unwrap();
        assert!(found[3].is_none());
        let r: Vec<f64> = found
            .iter()
            .flatten()
            .map(|found| found.correlation)
            .collect();
        assert!(
            (r[0] - r[1]).abs() < 1e-12 && (r[0] - r[2]).abs() < 1e-12,
            "{r:?}"
        );
        assert!(r[0] > 0.0 && r[0] < 1.0);
        assert!(nearest(&[], &bank).unwrap().is_empty());
        let unequal = [Array2::ones([3, 3]), Array2::ones([3, 5])];
        assert!(matches!(
            nearest(&unequal, &bank),
            Err(Error::WrongShape { .. })
        ));
    }
}
