//! [`nearest_1d`]: the Morlet of a bank of one axis that correlates best with a kernel, over phase and position.
//!
//! What [`nearest`](super::nearest()) is for images:
//!
//! ```text
//! r = max over n, c, φ of  ⟨k, g⟩ / (‖k‖·‖g‖),   g(t) = Re( e^{iφ}·ψ_n(t − c) )   on the samples of the kernel
//! ```
//!
//! Positions lie within the kernel, apart by a quarter of the envelope's standard deviation in time or half a sample,
//! whichever is more: an envelope that far from its place has 0.98 correlation with itself, and the phase makes up for
//! the wave. What of ψ overhangs the kernel is cut off, and so is what lies beyond five standard deviations.

use ndarray::{Array1, ArrayView1};

use super::nearest::{check_alike, project};
use crate::filters::{FilterBank1dParams, Sampled1d, Wavelet1d};
use crate::num::Complex;
use crate::{Result, parallel};

/// Steps of positions and of ψ per sample.
const PER_SAMPLE: usize = 2;

/// Standard deviations of the envelope in time that are looked at on either side.
const REACH: f64 = 5.0;

/// The wavelet of one axis that is nearest to a kernel.
#[derive(Debug, Clone, PartialEq)]
pub struct Match1d {
    /// The wavelet in numbers; `n` is its index in the bank.
    pub wavelet: Wavelet1d,
    /// r, in [0, 1].
    pub correlation: f64,
    /// c, in samples from index 0.
    pub center: f64,
    /// φ in radians, in (−π, π].
    pub phase: f64,
    /// g on the samples of the kernel, with the norm that explains most of it.
    pub kernel: Array1<f64>,
}

/// Finds the nearest wavelet of a bank of one axis for each kernel, on all threads of the current pool; `None` for
/// kernels of zeros.
///
/// All kernels have the same length. That of the bank decides how ψ is scaled, which does not matter here.
///
/// # Errors
/// Those of [`FilterBank1dParams::check`]; [`Error::WrongShape`](crate::Error::WrongShape) for kernels of different
/// lengths, [`Error::NotFinite`](crate::Error::NotFinite) for a NaN or an infinity, with the index of the kernel first.
///
/// ```
/// use ndarray::Array1;
/// use wavelet_scattering::compare::nearest_1d;
/// use wavelet_scattering::filters::FilterBank1d;
///
/// // A packet of the frequency and the duration of the tenth wavelet of a bank, as if it had been learned.
/// let bank = FilterBank1d::params(1024, 7).Q(4);
/// let psi = bank.build::<f64>()?.wavelets()[9];
/// let kernel = Array1::from_shape_fn(256, |t| {
///     let t = t as f64 - 100.0;
///     (-0.5 * (t / psi.sigma_time()).powi(2)).exp() * (std::f64::consts::TAU * psi.xi * t + 0.7).cos()
/// });
/// let found = nearest_1d(&[kernel], &bank)?;
/// let best = found[0].as_ref().unwrap();
/// assert_eq!(best.wavelet.n, psi.n);
/// assert!((best.center - 100.0).abs() < 0.25 * psi.sigma_time() && best.correlation > 0.95);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn nearest_1d(
    kernels: &[Array1<f64>],
    bank: &FilterBank1dParams,
) -> Result<Vec<Option<Match1d>>> {
    bank.check()?;
    check_alike(kernels)?;
    let Some(len) = kernels.first().map(Array1::len) else {
        return Ok(Vec::new());
    };
    let wavelets = bank.wavelets();
    let templates = parallel::map(wavelets.len(), |n| Template::new(bank, wavelets[n], len));
    Ok(parallel::map(kernels.len(), |index| {
        best(kernels[index].view(), &templates)
    }))
}

/// One wavelet in time, at every offset t − c that occurs.
struct Template {
    wavelet: Wavelet1d,
    /// ψ at steps of 1/[`PER_SAMPLE`]; the index of offset 0 is `reach`.
    samples: Vec<Complex<f64>>,
    reach: usize,
    /// Between positions, in the same steps.
    step: usize,
}

impl Template {
    fn new(bank: &FilterBank1dParams, wavelet: Wavelet1d, len: usize) -> Self {
        let psi = Sampled1d::new(wavelet.gabor(), bank.family, bank.len);
        let steps = |samples: f64| (PER_SAMPLE as f64 * samples).ceil() as usize;
        let reach = steps(REACH * wavelet.sigma_time()).min(PER_SAMPLE * (len - 1));
        let offset = |i: usize| (i as f64 - reach as f64) / PER_SAMPLE as f64;
        Self {
            wavelet,
            samples: (0..=2 * reach).map(|i| psi.in_time(offset(i))).collect(),
            reach,
            step: steps(0.25 * wavelet.sigma_time()).clamp(1, len),
        }
    }

    /// The samples of a kernel of this length that ψ(t − c) reaches, and its values there.
    fn at(&self, len: usize, center: usize) -> impl Iterator<Item = (usize, Complex<f64>)> {
        let first = center.saturating_sub(self.reach).div_ceil(PER_SAMPLE);
        let last = ((center + self.reach) / PER_SAMPLE).min(len - 1);
        (first..=last).map(move |t| (t, self.samples[PER_SAMPLE * t + self.reach - center]))
    }
}

fn best(kernel: ArrayView1<f64>, templates: &[Template]) -> Option<Match1d> {
    let largest = kernel.fold(0.0_f64, |max, value| max.max(value.abs()));
    if largest == 0.0 {
        return None;
    }
    let len = kernel.len();
    let scaled = kernel.mapv(|value| value / largest); // squares of tiny and huge samples exist
    let mut best: Option<(f64, [f64; 2], usize, &Template)> = None;
    for template in templates {
        for center in (0..=PER_SAMPLE * (len - 1)).step_by(template.step) {
            let pairs = template.at(len, center);
            let (weights, explained) = project(pairs.map(|(t, psi)| (psi, scaled[t])));
            if best.is_none_or(|(most, ..)| explained > most) {
                best = Some((explained, weights, center, template));
            }
        }
    }
    let (explained, [even, odd], center, template) = best?;
    let mut wave = Array1::zeros(len);
    for (t, psi) in template.at(len, center) {
        wave[t] = largest * (even * psi.re + odd * psi.im);
    }
    Some(Match1d {
        wavelet: template.wavelet,
        correlation: (explained / scaled.dot(&scaled)).clamp(0.0, 1.0).sqrt(),
        center: center as f64 / PER_SAMPLE as f64,
        // Re(e^{iφ}ψ) = cos φ·Re ψ − sin φ·Im ψ
        phase: (-odd).atan2(even),
        kernel: wave,
    })
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use ndarray::Array2;

    use super::super::baseline;
    use super::*;
    use crate::Error;
    use crate::filters::FilterBank1d;

    /// Re(e^{iφ}·ψ_n(t − c)) from the bank's own transfer function by a slow inverse DFT.
    fn morlet(
        bank: &FilterBank1dParams,
        n: usize,
        phase: f64,
        center: f64,
        len: usize,
    ) -> Array1<f64> {
        let built = bank.build::<f64>().unwrap();
        let hat = built.psi(n).to_array(0).unwrap();
        let grid = bank.len as f64;
        Array1::from_shape_fn(len, |t| {
            let turns = (t as f64 - center) / grid;
            let terms = hat.iter().enumerate().map(|(k, value)| {
                // Signed frequencies, since centres lie between samples too.
                let k = if 2 * k > bank.len {
                    k as f64 - grid
                } else {
                    k as f64
                };
                value * (phase + TAU * k * turns).cos()
            });
            terms.sum::<f64>() / grid
        })
    }

    #[test]
    fn every_wavelet_of_the_bank_is_its_own_nearest() {
        let bank = FilterBank1d::params(512, 4).Q(2);
        let count = bank.count();
        let truths: Vec<_> = (0..count).map(|n| (n, 0.7 - n as f64)).collect();
        let kernels: Vec<_> = truths
            .iter()
            .map(|&(n, phase)| 1e-3 * morlet(&bank, n, phase, 64.0, 129))
            .collect();
        for (found, (n, phase)) in nearest_1d(&kernels, &bank).unwrap().iter().zip(truths) {
            let found = found.as_ref().unwrap();
            // Positions lie apart by up to a quarter of the envelope: half of that off at most.
            assert_eq!(found.wavelet.n, n, "{:?}", found.wavelet);
            assert!(found.correlation > 0.995, "{n}: {}", found.correlation);
            let off = found.center - 64.0;
            assert!(
                off.abs() <= 0.25 + 0.13 * found.wavelet.sigma_time(),
                "{off}"
            );
            // The wave itself is in place.
            let turn = (found.phase - phase - TAU * found.wavelet.xi * off).rem_euclid(TAU);
            assert!(turn.min(TAU - turn) < 0.1, "{n}: {turn}");
            let error = &found.kernel - &kernels[n];
            assert!(error.dot(&error) < 0.01 * kernels[n].dot(&kernels[n]));
        }
    }

    #[test]
    fn correlations_do_not_depend_on_scale_and_zeros_have_none() {
        let bank = FilterBank1d::params(256, 3).Q(3);
        let noise: Array2<f64> = baseline::random(1, [40, 1], 9).remove(0);
        let noise = noise.index_axis_move(ndarray::Axis(1), 0);
        let kernels = [
            noise.clone(),
            -1e200 * &noise,
            1e-200 * &noise,
            Array1::zeros(40),
        ];
        let found = nearest_1d(&kernels, &bank).unwrap();
        assert!(found[3].is_none());
        let r: Vec<f64> = found.iter().flatten().map(|m| m.correlation).collect();
        assert!((r[0] - r[1]).abs() < 1e-12 && (r[0] - r[2]).abs() < 1e-12);
        assert!(r[0] > 0.0 && r[0] < 1.0);
        assert!(nearest_1d(&[], &bank).unwrap().is_empty());
        assert!(matches!(
            nearest_1d(&[Array1::ones(3), Array1::ones(5)], &bank),
            Err(Error::WrongShape { .. })
        ));
        assert!(matches!(
            nearest_1d(&[Array1::from_elem(3, f64::NAN)], &bank),
            Err(Error::NotFinite { position, .. }) if position == [0, 0]
        ));
        assert!(nearest_1d(&[Array1::ones(1)], &bank).unwrap()[0].is_some());
    }
}
