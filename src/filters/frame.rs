//! Littlewood-Paley sums and frame bounds: how evenly a bank covers the frequency plane.
//!
//! ```text
//! LP(ω) = |φ̂(ω)|² + ½ Σ_λ ( |ψ̂_λ(ω)|² + |ψ̂_λ(−ω)|² )
//! A·‖x‖² ≤ ‖x ⋆ φ‖² + Σ_λ ‖x ⋆ ψ_λ‖² ≤ B·‖x‖²   for real x, with A = min LP and B = max LP
//! ```
//!
//! With B ≤ 1 every layer of the scattering transform is non-expansive (Mallat, "Group invariant scattering", 2012,
//! section 2). On a coarser level the sum runs over the cropped filters, whose lone Nyquist line counts twice, so the
//! levels are looked at one by one.

use ndarray::Array2;

use super::bank::FilterBank2d;
use crate::grid::wrap;
use crate::num::Real;
use crate::{Error, Result};

/// The least and the largest value of a Littlewood-Paley sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameBounds {
    /// A: below it no frequency is attenuated by one layer. 0 means that something is lost.
    pub lower: f64,
    /// B: above 1 one layer can expand.
    pub upper: f64,
}

/// ½ Σ_λ (|ψ̂_λ(ω)|² + |ψ̂_λ(−ω)|²) over the wavelets of one level.
fn band_pass_sum<T: Real>(
    bank: &FilterBank2d<T>,
    level: usize,
    [n0, n1]: [usize; 2],
) -> Array2<f64> {
    let mut energy = Array2::<f64>::zeros([n0, n1]);
    for band in &bank.bands()[level * bank.L()..] {
        for run in band.runs(level) {
            for (i, value) in run.values.iter().enumerate() {
                energy[[wrap(run.k0 + i as i64, n0), wrap(run.k1, n1)]] += value.widen().powi(2);
            }
        }
    }
    Array2::from_shape_fn([n0, n1], |(k0, k1)| {
        0.5 * (energy[[k0, k1]] + energy[[(n0 - k0) % n0, (n1 - k1) % n1]])
    })
}

pub(super) fn littlewood_paley<T: Real>(
    bank: &FilterBank2d<T>,
    level: usize,
) -> Option<Array2<f64>> {
    if level >= bank.J() {
        return None;
    }
    let phi = bank.phi(level)?;
    let mut sum = band_pass_sum(bank, level, [phi.nrows(), phi.ncols()]);
    sum.zip_mut_with(&phi, |sum, phi| *sum += phi.widen().powi(2));
    Some(sum)
}

pub(super) fn bounds<T: Real>(bank: &FilterBank2d<T>) -> FrameBounds {
    let start = FrameBounds {
        lower: f64::INFINITY,
        upper: f64::NEG_INFINITY,
    };
    littlewood_paley(bank, 0)
        .into_iter()
        .flatten()
        .fold(start, |bounds, value| FrameBounds {
            lower: bounds.lower.min(value),
            upper: bounds.upper.max(value),
        })
}

/// By how much |ψ̂|² is too large: max(1, max over ω ≠ 0 and all levels of (LP − |φ̂|²) / (1 − |φ̂|²)).
pub(super) fn excess<T: Real>(bank: &FilterBank2d<T>) -> Result<f64> {
    let mut excess = 1.0_f64;
    for level in 0..bank.J() {
        let Some(phi) = bank.phi(level) else { break };
        let psi = band_pass_sum(bank, level, [phi.nrows(), phi.ncols()]);
        for ((k0, k1), &energy) in psi.indexed_iter().filter(|&((k0, k1), _)| k0 + k1 > 0) {
            let room = 1.0 - phi[[k0, k1]].widen().powi(2);
            if energy > 0.0 && room <= 0.0 {
                return Err(Error::InvalidParameter {
                    name: "sigma_phi",
                    value: bank.description().mother.sigma_phi.to_string(),
                    limit: "the low-pass leaves no room for wavelets at every frequency, so no scaling of them makes \
                            the bank contractive; use a narrower sigma_phi or the plain bank"
                        .into(),
                });
            }
            if energy > 0.0 {
                excess = excess.max(energy / room);
            }
        }
    }
    Ok(excess)
}

#[cfg(test)]
mod tests {
    use super::super::bank::{FilterBank2d, Normalization};

    #[test]
    fn the_plain_bank_reaches_the_known_upper_bounds() {
        for (n, J, upper) in [(64, 3, 1.014), (96, 4, 1.048)] {
            let bank = FilterBank2d::params([n, n], J).build::<f64>().unwrap();
            assert!(
                (bank.frame_bounds().upper - upper).abs() < 5e-4,
                "{:?}",
                bank.frame_bounds()
            );
        }
        // J = 2, L = 8 on 40 x 40 lies in [0.123, 1.00006]
        let bounds = FilterBank2d::params([40, 40], 2)
            .build::<f64>()
            .unwrap()
            .frame_bounds();
        assert!(
            (bounds.lower - 0.123).abs() < 1e-3 && (bounds.upper - 1.0).abs() < 1e-4,
            "{bounds:?}"
        );
    }

    #[test]
    fn the_contractive_bank_stays_below_one_on_every_level_and_reaches_it() {
        for J in 1..=5 {
            for shape in [[96, 64], [160, 224], [33, 47]] {
                let params =
                    FilterBank2d::params(shape, J).normalization(Normalization::Contractive);
                let bank = params.build::<f64>().unwrap();
                for sum in (0..J).filter_map(|level| bank.littlewood_paley(level)) {
                    assert!(
                        sum.iter().all(|&value| value <= 1.0 + 1e-12),
                        "J = {J}, {shape:?}"
                    );
                    assert!((sum[[0, 0]] - 1.0).abs() < 1e-12);
                }
            }
        }
    }
}
