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

use super::band::Band;
use crate::num::Real;

/// The least and the largest value of a Littlewood-Paley sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameBounds {
    /// A: below it no frequency is attenuated by one layer. 0 means that something is lost.
    pub lower: f64,
    /// B: above 1 one layer can expand.
    pub upper: f64,
}

impl FrameBounds {
    /// The bounds of a Littlewood-Paley sum.
    pub(crate) fn of(sum: impl IntoIterator<Item = f64>) -> Self {
        let start = Self {
            lower: f64::INFINITY,
            upper: f64::NEG_INFINITY,
        };
        sum.into_iter().fold(start, |bounds, value| Self {
            lower: bounds.lower.min(value),
            upper: bounds.upper.max(value),
        })
    }
}

/// The products of one factor per axis, row-major: φ̂ from its factors.
pub(super) fn outer<T: Real, const D: usize>(axes: &[Vec<f64>; D]) -> Vec<T> {
    let mut products = vec![1.0];
    for axis in axes {
        let mut longer = Vec::with_capacity(products.len() * axis.len());
        for product in products {
            longer.extend(axis.iter().map(|factor| product * factor));
        }
        products = longer;
    }
    products.into_iter().map(T::narrow).collect()
}

/// ½ Σ (|ψ̂(ω)|² + |ψ̂(−ω)|²) over these bands on one level of shape `shape`, row-major, natural DFT order.
fn band_pass_sum<'a, T: Real, const D: usize>(
    level: usize,
    bands: impl IntoIterator<Item = &'a Band<T, D>>,
    shape: [usize; D],
) -> Vec<f64> {
    let mut energy = vec![0.0; shape.iter().product()];
    for band in bands {
        band.for_each(level, |index, value| energy[index] += value.widen().powi(2));
    }
    let columns = shape[D - 1];
    let mut sum = Vec::with_capacity(energy.len());
    for (row, values) in energy.chunks_exact(columns).enumerate() {
        // −ω stands in the mirrored row, in reverse behind its first value.
        let mirrored = &energy[mirrored(row, &shape[..D - 1]) * columns..][..columns];
        sum.push(0.5 * (values[0] + mirrored[0]));
        let opposite = mirrored[1..].iter().rev();
        sum.extend(
            values[1..]
                .iter()
                .zip(opposite)
                .map(|(value, opposite)| 0.5 * (value + opposite)),
        );
    }
    sum
}

/// The row-major index of −k in an array of this shape, given that of k.
fn mirrored(mut index: usize, shape: &[usize]) -> usize {
    let (mut mirrored, mut stride) = (0, 1);
    for &n in shape.iter().rev() {
        mirrored += (n - index % n) % n * stride;
        index /= n;
        stride *= n;
    }
    mirrored
}

/// The Littlewood-Paley sum of these bands on one level, row-major, with the factors of φ̂ there.
pub(super) fn littlewood_paley<'a, T: Real, const D: usize>(
    level: usize,
    bands: impl IntoIterator<Item = &'a Band<T, D>>,
    phi: &[Vec<f64>; D],
) -> Vec<f64> {
    let mut sum = band_pass_sum(level, bands, phi.each_ref().map(Vec::len));
    for (sum, phi) in sum.iter_mut().zip(outer::<T, D>(phi)) {
        *sum += phi.widen().powi(2);
    }
    sum
}

/// By how much |ψ̂|² is too large on one level: max(1, max over ω ≠ 0 of (LP − |φ̂|²) / (1 − |φ̂|²)). `None` where a
/// wavelet meets a φ̂ that leaves no room for it.
pub(super) fn excess<'a, T: Real, const D: usize>(
    level: usize,
    bands: impl IntoIterator<Item = &'a Band<T, D>>,
    phi: &[Vec<f64>; D],
) -> Option<f64> {
    let psi = band_pass_sum(level, bands, phi.each_ref().map(Vec::len));
    let mut excess = 1.0_f64;
    for (energy, phi) in psi.into_iter().zip(outer::<T, D>(phi)).skip(1) {
        let room = 1.0 - phi.widen().powi(2);
        if energy > 0.0 {
            if room <= 0.0 {
                return None;
            }
            excess = excess.max(energy / room);
        }
    }
    Some(excess)
}

#[cfg(test)]
mod tests {
    use super::super::morlet_2d::{FilterBank2d, Normalization};

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
