//! What a bank of Gabors or Morlets will be, from its formula alone: how many values its bands store, and its frame bounds.
//!
//! Comes in: wavelets in numbers. Goes out: counts and bounds, of grids of any size, without an array as large as a grid.
//!
//! A value of a bump is above a threshold τ within an ellipse, so along each row within an interval,
//!
//! ```text
//! a·dx² + 2b·dx·dy + c·dy² ≤ −ln τ        (dx, dy from the centre; a, b, c of the Gaussian)
//! ```
//!
//! and so is one of the envelope that a Morlet subtracts, κ times as large. A band stores about the union of both. Where
//! they meet and cancel, it stores a little less.

use std::ops::Range;

use super::frame::FrameBounds;
use super::gabor::{Gabor, Morlet, Quadratic};
use super::morlet_2d::{Family, Wavelet2d};
use crate::grid::{signed_frequencies, wrap};
use crate::parallel;

/// A wavelet as a sum of Gaussians in frequency: its bump, and for a Morlet −κ times its envelope.
#[derive(Debug, Clone)]
pub(crate) struct Bumps {
    bumps: Vec<(f64, Quadratic)>,
}

impl Bumps {
    pub fn new(wavelet: &Wavelet2d, family: Family) -> Self {
        let gabor = wavelet.gabor();
        let mut bumps = vec![(1.0, gabor.quadratic())];
        if family == Family::Morlet {
            let kappa = Morlet::new(gabor).kappa;
            let envelope = Gabor { xi: 0.0, ..gabor };
            bumps.push((-kappa, envelope.quadratic()));
        }
        bumps.retain(|(weight, _)| *weight != 0.0);
        Self { bumps }
    }

    /// ψ̂(ω) of the sampled wavelet, ω in [−½, ½]².
    pub fn at(&self, omega: [f64; 2]) -> f64 {
        let values = self
            .bumps
            .iter()
            .map(|(weight, bump)| weight * bump.sampled(omega));
        values.sum()
    }

    /// Where one row of the grid, at `k1`, exceeds a threshold: intervals of k0 within `kept`, in order and apart by `gap` at
    /// least. They replace what `intervals` held.
    pub fn above(
        &self,
        threshold: f64,
        k1: i64,
        [n0, n1]: [usize; 2],
        kept: &Range<i64>,
        intervals: &mut Vec<Range<i64>>,
    ) {
        intervals.clear();
        let n = n0 as i64;
        for (weight, bump) in &self.bumps {
            let cut = (weight.abs() / threshold).ln();
            bump.row(cut, k1 as f64 / n1 as f64, |_, [low, high]| {
                let (first, last) = (
                    (low * n0 as f64).ceil() as i64,
                    (high * n0 as f64).floor() as i64,
                );
                let len = last + 1 - first;
                if len >= n {
                    intervals.push(kept.clone());
                } else if len > 0 {
                    // One period, from the signed frequency that it starts at; what runs out at the end comes in again.
                    let start = (first + n / 2).rem_euclid(n) - n / 2;
                    for start in [start, start - n] {
                        let clipped = start.max(kept.start)..(start + len).min(kept.end);
                        if !clipped.is_empty() {
                            intervals.push(clipped);
                        }
                    }
                }
            });
        }
        merge(intervals);
    }

    /// The signed frequencies k1 whose rows can exceed a threshold, as far as they are kept.
    pub fn rows(&self, threshold: f64, n1: usize, kept: Range<i64>) -> impl Iterator<Item = i64> {
        let reach = self.bumps.iter().filter_map(|(weight, bump)| {
            let reach = bump.reach((weight.abs() / threshold).ln(), 1)?;
            Some([bump.center[1] - reach, bump.center[1] + reach])
        });
        let whole = [f64::INFINITY, f64::NEG_INFINITY];
        let [low, high] = reach.fold(whole, |[low, high], [a, b]| [low.min(a), high.max(b)]);
        // What reaches beyond the plane comes in on the other side.
        let around = low < -0.5 || high > 0.5;
        let n = n1 as f64;
        kept.filter(move |&k1| around || (low..=high).contains(&(k1 as f64 / n)))
    }
}

/// Sorts intervals and joins those that touch or overlap.
pub(crate) fn merge(intervals: &mut Vec<Range<i64>>) {
    intervals.sort_unstable_by_key(|interval| interval.start);
    let mut last = 0;
    for i in 1..intervals.len() {
        let next = intervals[i].clone();
        if next.start <= intervals[last].end {
            intervals[last].end = intervals[last].end.max(next.end);
        } else {
            last += 1;
            intervals[last] = next;
        }
    }
    intervals.truncate(last + 1);
}

/// About how many values of these wavelets exceed a threshold on a grid.
pub(crate) fn count_above(
    wavelets: &[Wavelet2d],
    family: Family,
    threshold: f64,
    shape: [usize; 2],
) -> u64 {
    let [kept0, kept1] = shape.map(signed_frequencies);
    let counts = parallel::map(wavelets.len(), |lambda| {
        let bumps = Bumps::new(&wavelets[lambda], family);
        let mut intervals = Vec::new();
        let mut count = 0;
        for k1 in bumps.rows(threshold, shape[1], kept1.clone()) {
            bumps.above(threshold, k1, shape, &kept0, &mut intervals);
            count += intervals
                .iter()
                .map(|interval| (interval.end - interval.start) as u64)
                .sum::<u64>();
        }
        count
    });
    counts.into_iter().sum()
}

/// Frame bounds from some of the frequencies of a grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampledFrameBounds {
    /// The least and the largest value that was found: the least of all is no larger, the largest no smaller.
    pub bounds: FrameBounds,
    /// At how many frequencies the sum was taken, of how many there are.
    pub samples: u64,
    /// All frequencies of the grid.
    pub frequencies: u64,
}

/// What |ψ̂|² is divided by before it is summed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scaling {
    /// This.
    Divide(f64),
    /// The least that brings the sums that are found to at most 1.
    Contract,
}

/// Samples along a side of each nested square of frequencies.
const SAMPLES: usize = 64;

/// As many frequencies times wavelets are all looked at: a tenth of a second.
const EXACT: u64 = 1 << 21;

/// The Littlewood-Paley sum on nested squares of frequencies, each half as wide as the one before it and as densely sampled in
/// proportion, so that wavelets of all scales are met: its bounds, and how many frequencies were looked at.
///
/// `phi` holds the factors of φ̂.
pub(crate) fn sampled_frame_bounds(
    wavelets: &[Wavelet2d],
    family: Family,
    phi: &[Vec<f64>; 2],
    scaling: Scaling,
) -> SampledFrameBounds {
    let shape = phi.each_ref().map(Vec::len);
    let bumps: Vec<_> = wavelets
        .iter()
        .map(|wavelet| Bumps::new(wavelet, family))
        .collect();
    let J = wavelets
        .iter()
        .map(|wavelet| wavelet.j + 1)
        .max()
        .unwrap_or(1);
    let frequencies: u64 = shape.iter().map(|&n| n as u64).product();
    let exact = frequencies.saturating_mul(wavelets.len() as u64) <= EXACT;
    // Frequencies of real signals come in pairs ±ω with equal sums: k1 ≥ 0 is enough.
    let mut points: Vec<[i64; 2]> = Vec::new();
    for level in 0..=J {
        let half = shape.map(|n| (n >> (level + 1)) as i64);
        let step = half.map(|half| match exact {
            true => 1,
            false => (half / (SAMPLES / 2) as i64).max(1),
        });
        for k1 in (0..=half[1]).step_by(step[1] as usize) {
            for k0 in (-half[0]..=half[0]).step_by(step[0] as usize) {
                let inner = level < J && 2 * k0.abs() < half[0] && 2 * k1 < half[1];
                if !inner {
                    points.push([k0, k1]);
                }
            }
        }
    }
    points.push([0, 0]);
    points.sort_unstable();
    points.dedup();
    let sums = parallel::map(points.len(), |i| {
        let omega: [f64; 2] =
            std::array::from_fn(|axis| points[i][axis] as f64 / shape[axis] as f64);
        let energies = bumps.iter().map(|bumps| {
            let opposite = omega.map(|omega| -omega);
            0.5 * (bumps.at(omega).powi(2) + bumps.at(opposite).powi(2))
        });
        let low = [0, 1].map(|axis| phi[axis][wrap(points[i][axis], shape[axis])]);
        [energies.sum::<f64>(), (low[0] * low[1]).powi(2)]
    });
    let excess = match scaling {
        Scaling::Contract => {
            let ratios = sums.iter().filter(|[_, low]| *low < 1.0);
            ratios
                .map(|[psi, low]| psi / (1.0 - low))
                .fold(1.0, f64::max)
        }
        Scaling::Divide(divisor) => divisor,
    };
    let sums = sums.iter().map(|[psi, low]| psi / excess + low);
    let samples = points.iter().map(|k| 1 + u64::from(k[1] != 0)).sum::<u64>();
    SampledFrameBounds {
        bounds: FrameBounds::of(sums),
        samples: samples.min(frequencies),
        frequencies,
    }
}

#[cfg(test)]
mod tests {
    use super::super::morlet_2d::{FilterBank2d, Mother};
    use super::*;
    use crate::num::Real;

    #[test]
    fn a_sum_of_bumps_is_the_sampled_wavelet() {
        for (family, L) in [(Family::Morlet, 5), (Family::Gabor, 3)] {
            let params = FilterBank2d::params([24, 36], 3)
                .L(L)
                .mother(Mother::default().family(family));
            let bank = params.build::<f64>().unwrap();
            for wavelet in bank.wavelets().iter() {
                let bumps = Bumps::new(wavelet, family);
                let hat = bank.psi(wavelet.j, wavelet.l).to_array(0).unwrap();
                for k0 in signed_frequencies(24) {
                    for k1 in signed_frequencies(36) {
                        let got = bumps.at([k0 as f64 / 24.0, k1 as f64 / 36.0]);
                        let expected = hat[[wrap(k0, 24), wrap(k1, 36)]];
                        assert!((got - expected).abs() < 1e-12, "{wavelet:?} at {k0}, {k1}");
                    }
                }
            }
        }
    }

    fn count_is_close<T: Real>(shape: [usize; 2], J: usize, L: usize) {
        let params = FilterBank2d::params(shape, J).L(L);
        let bank = params.build::<T>().unwrap();
        let stored: usize = bank
            .wavelets()
            .iter()
            .map(|w| bank.psi(w.j, w.l).len())
            .sum();
        let counted = count_above(bank.wavelets(), Family::Morlet, T::NEGLIGIBLE, shape);
        let ratio = counted as f64 / stored as f64;
        assert!(
            (ratio - 1.0).abs() < 0.01,
            "{shape:?}, J = {J}, L = {L}: {ratio}"
        );
    }

    #[test]
    fn counted_values_are_those_that_a_bank_stores_within_one_percent() {
        count_is_close::<f32>([128, 160], 4, 8);
        count_is_close::<f32>([257, 96], 5, 16);
        count_is_close::<f64>([128, 128], 3, 6);
    }

    #[test]
    fn sampled_bounds_lie_within_the_bounds_and_close_to_them() {
        for (shape, J, L) in [([320, 384], 5, 8), ([512, 512], 6, 4), ([257, 300], 4, 16)] {
            let params = FilterBank2d::params(shape, J).L(L);
            let exact = params.build::<f64>().unwrap().frame_bounds();
            let sampled = params.sampled_frame_bounds().unwrap();
            assert!(sampled.samples < sampled.frequencies / 4, "{sampled:?}");
            let FrameBounds { lower, upper } = sampled.bounds;
            assert!(
                lower >= exact.lower - 1e-12 && lower < exact.lower * 1.05 + 1e-3,
                "{lower}, {exact:?}"
            );
            assert!(
                upper <= exact.upper + 1e-12 && upper > exact.upper - 0.01,
                "{upper}, {exact:?}"
            );
        }
    }

    #[test]
    fn a_small_grid_is_sampled_everywhere() {
        let params = FilterBank2d::params([32, 40], 2).L(4);
        let exact = params.build::<f64>().unwrap().frame_bounds();
        let sampled = params.sampled_frame_bounds().unwrap();
        assert!((sampled.bounds.lower - exact.lower).abs() < 1e-12);
        assert!((sampled.bounds.upper - exact.upper).abs() < 1e-12);
    }
}
