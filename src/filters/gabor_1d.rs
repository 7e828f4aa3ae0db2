//! Gabor and Morlet wavelets of one axis, by their Fourier transform.
//!
//! Comes in: centre frequency ξ and bandwidth σ. Goes out: ψ̂ on the DFT grid of any length, where it is not negligible.
//!
//! ```text
//! ĝ_ξ(ω) = exp(−(ω − ξ)² / (2σ²))                          its peak is 1
//! ψ̂(ω)  = ( Σ_{a ∈ ℤ} ĝ_ξ(ω + a) − κ·Σ_a ĝ_0(ω + a) ) / ‖ψ‖₁    sampled in time: the spectrum is periodic
//! Morlet: κ such that ψ̂(0) = 0;    Gabor: κ = 0
//! ```
//!
//! In time that is √(2π)·σ·exp(−2π²σ²t²)·(exp(2πiξt) − κ)/‖ψ‖₁, made periodic on the grid, and ‖ψ‖₁ is the sum of its moduli
//! over one period, so that |x ⋆ ψ| never exceeds max |x|. Both sides are sums of few Gaussians: no filter is transformed, and a
//! bank costs what its numbers cost.
//!
//! Source: Andén & Mallat, "Deep scattering spectrum", 2014, section 2; Kymatio's constants and normalisation.

use std::f64::consts::PI;
use std::ops::Range;

use num_complex::Complex;

use crate::grid::signed_frequencies;
use crate::kernels::any_length::AnyLength;

/// exp(−45) ≈ 3·10⁻²⁰ of the peak lies below the rounding of `f64`: Gaussians are not followed further out.
const EXPONENT_CUT: f64 = 45.0;

/// At the end of the range of `f64`, where the least of its numbers is exp(−744.4): of filters whose grid holds no more of them
/// than their tails.
const LAST_CUT: f64 = 745.0;

/// Which family of wavelets fills a bank of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Family1d {
    /// A Gabor minus its envelope: zero mean, so features do not see a constant. A little of it lies at negative frequencies.
    #[default]
    Morlet,
    /// A Gaussian bump at the centre frequency; its mean is small, not zero.
    Gabor,
    /// The Morlet without its negative frequencies and without that of Nyquist, which is half negative: strictly analytic.
    Analytic,
}

/// A Gaussian bump in frequency; `xi = 0` makes it an envelope.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gabor1d {
    /// Centre frequency, cycles per sample, in (0, 0.5].
    pub xi: f64,
    /// Bandwidth: standard deviation in frequency, cycles per sample.
    pub sigma: f64,
}

impl Gabor1d {
    /// ĝ(ω) of the continuous Gabor, before the spectrum is made periodic.
    pub fn hat(&self, omega: f64) -> f64 {
        let distance = (omega - self.xi) / self.sigma;
        (-0.5 * distance * distance).exp()
    }

    /// The width of a rectangle as high as |ĝ|² at its peak and of the same area, in cycles per sample: √π·sigma, since
    /// |ĝ(ω)|² = exp(−(ω − ξ)²/σ²). The full width at half power is 2√(ln 2)·sigma, 6 % less.
    ///
    /// ```
    /// use wavelet_scattering::filters::Gabor1d;
    ///
    /// let gabor = Gabor1d { xi: 0.2, sigma: 0.01 };
    /// let area: f64 = (0..4000).map(|i| gabor.hat(1e-4 * f64::from(i)).powi(2)).sum::<f64>() * 1e-4;
    /// assert!((gabor.equivalent_bandwidth() - area).abs() < 1e-9);
    /// ```
    pub fn equivalent_bandwidth(&self) -> f64 {
        PI.sqrt() * self.sigma
    }

    /// Σ_a ĝ(ω + a): the spectrum of the sampled Gabor.
    pub fn sampled_hat(&self, omega: f64) -> f64 {
        self.followed_to(EXPONENT_CUT, omega)
    }

    /// The same, where Gaussians are followed down to exp(−cut).
    fn followed_to(&self, cut: f64, omega: f64) -> f64 {
        let reach = self.sigma * (2.0 * cut).sqrt();
        let first = (self.xi - reach - omega).ceil() as i64;
        let last = (self.xi + reach - omega).floor() as i64;
        (first..=last).map(|a| self.hat(omega + a as f64)).sum()
    }

    fn envelope(&self) -> Self {
        Self { xi: 0.0, ..*self }
    }
}

/// One wavelet on the DFT grid of a length.
#[derive(Debug, Clone)]
pub(crate) struct Sampled1d {
    gabor: Gabor1d,
    family: Family1d,
    len: usize,
    /// How far its Gaussians are followed.
    cut: f64,
    /// What of the envelope is taken away.
    kappa: f64,
    /// ‖ψ‖₁ before it is divided out.
    norm: f64,
}

impl Sampled1d {
    pub fn new(gabor: Gabor1d, family: Family1d, len: usize) -> Self {
        let filter = Self::without_norm(gabor, family, len);
        // Of a filter that its grid can hardly hold, sums in time are what their terms leave of each other; what it is there, its
        // tails say.
        let norm = norm(gabor, filter.kappa, len);
        if norm < 0.01 {
            let filter = Self::followed_to(LAST_CUT, gabor, family, len);
            let norm = filter.norm_by_transform();
            return Self { norm, ..filter };
        }
        Self { norm, ..filter }
    }

    /// The same with ψ̂ as the Gaussians have it.
    pub fn without_norm(gabor: Gabor1d, family: Family1d, len: usize) -> Self {
        Self::followed_to(EXPONENT_CUT, gabor, family, len)
    }

    fn followed_to(cut: f64, gabor: Gabor1d, family: Family1d, len: usize) -> Self {
        let kappa = match family {
            Family1d::Gabor => 0.0,
            Family1d::Morlet | Family1d::Analytic => {
                gabor.followed_to(cut, 0.0) / gabor.envelope().followed_to(cut, 0.0)
            }
        };
        Self {
            gabor,
            family,
            len,
            cut,
            kappa,
            norm: 1.0,
        }
    }

    /// ψ̂ at a signed frequency, in cycles per `len` samples.
    pub fn hat(&self, k: i64) -> f64 {
        let odd_one_out = match self.family {
            Family1d::Gabor => false,
            Family1d::Morlet => k == 0,
            Family1d::Analytic => k <= 0 || 2 * k == self.len as i64,
        };
        // Nothing at all is left of some filters on short grids.
        if odd_one_out || self.norm == 0.0 {
            return 0.0;
        }
        self.unscaled(k) / self.norm
    }

    /// The same between the frequencies of the grid, in cycles per sample.
    #[cfg(feature = "viz")]
    pub fn hat_between(&self, omega: f64) -> f64 {
        let gone = self.family == Family1d::Analytic && !(omega > 0.0 && omega < 0.5);
        if gone || self.norm == 0.0 {
            return 0.0;
        }
        self.unscaled_at(omega) / self.norm
    }

    /// ψ(t) without its repetitions, at any time in samples; of analytic wavelets the Morlet that they are made from.
    #[cfg(feature = "viz")]
    pub fn in_time(&self, t: f64) -> Complex<f64> {
        let Gabor1d { xi, sigma } = self.gabor;
        let envelope = (2.0 * PI).sqrt() * sigma * (-2.0 * (PI * sigma * t).powi(2)).exp();
        let (sin, cos) = (2.0 * PI * xi * t).sin_cos();
        let norm = if self.norm == 0.0 { 1.0 } else { self.norm };
        Complex::new(cos - self.kappa, sin) * (envelope / norm)
    }

    fn unscaled(&self, k: i64) -> f64 {
        self.unscaled_at(k as f64 / self.len as f64)
    }

    fn unscaled_at(&self, omega: f64) -> f64 {
        let mut value = self.gabor.followed_to(self.cut, omega);
        if self.kappa > 0.0 {
            value -= self.kappa * self.gabor.envelope().followed_to(self.cut, omega);
        }
        value
    }

    /// ‖ψ‖₁ from the inverse DFT of ψ̂.
    fn norm_by_transform(&self) -> f64 {
        let zero_mean = self.family != Family1d::Gabor;
        let hat = (0..self.len).map(|i| {
            let k = if 2 * i < self.len {
                i as i64
            } else {
                i as i64 - self.len as i64
            };
            if zero_mean && k == 0 {
                0.0
            } else {
                self.unscaled(k)
            }
        });
        let hat: Vec<f64> = hat.collect();
        let largest = hat
            .iter()
            .fold(0.0_f64, |largest, value| largest.max(value.abs()));
        if largest == 0.0 {
            return 0.0;
        }
        let mut line: Vec<Complex<f64>> =
            hat.iter().map(|value| (value / largest).into()).collect();
        f64::inverse(self.len).process(&mut line);
        let sum: f64 = line.iter().map(|z| z.norm()).sum();
        sum / self.len as f64 * largest
    }

    /// The signed frequencies where ψ̂ exceeds `negligible`, a share of its peak, and some beside them: one range on the
    /// circle, whose end may lie beyond the Nyquist frequency, by less than a period.
    pub fn support(&self, negligible: f64) -> Range<i64> {
        let Gabor1d { xi, sigma } = self.gabor;
        let reach = |share: f64| sigma * (-2.0 * share.min(1.0).ln()).sqrt();
        let (mut low, mut high) = (xi - reach(negligible), xi + reach(negligible));
        if self.kappa > negligible {
            let envelope = reach(negligible / self.kappa);
            (low, high) = (low.min(-envelope), high.max(envelope));
        }
        let n = self.len as f64;
        let all = signed_frequencies(self.len);
        if self.family == Family1d::Analytic {
            (low, high) = (low.max(0.0), high.min(0.5));
        }
        // Of a period or more, all frequencies once.
        if (high - low) * n + 2.0 >= n {
            return all;
        }
        let (first, last) = ((low * n).floor() as i64, (high * n).ceil() as i64);
        if first < all.start {
            return first + self.len as i64..last + 1 + self.len as i64;
        }
        first..last + 1
    }
}

/// Σ_t |Σ_m g(t + m·len)| over one period, with g(t) = √(2π)·σ·exp(−2π²σ²t²)·(exp(2πiξt) − κ).
fn norm(gabor: Gabor1d, kappa: f64, len: usize) -> f64 {
    let Gabor1d { xi, sigma } = gabor;
    let reach = (EXPONENT_CUT / 2.0).sqrt() / (PI * sigma);
    let n = len as f64;
    let peak = (2.0 * PI).sqrt() * sigma;
    let envelope = |t: f64| peak * (-2.0 * (PI * sigma * t).powi(2)).exp();
    let half = len as f64 / 2.0;
    if reach < half {
        // Nothing wraps around. |exp(iα) − κ| is a smooth function of α whose harmonics fall as κⁿ, so a sum over every
        // step-th sample is as good as one over all where what it aliases is below the rounding.
        let smooth = kappa < 0.135; // κ¹⁷ < 2·10⁻¹⁵
        let finest = 1.0 / (17.0 * xi + 10.0 * sigma);
        let step = if smooth { finest.floor().max(1.0) } else { 1.0 };
        let samples = (reach / step).ceil() as i64;
        let moduli = (-samples..=samples).map(|i| {
            let t = i as f64 * step;
            let (sin, cos) = (2.0 * PI * xi * t).sin_cos();
            envelope(t) * (cos - kappa).hypot(sin)
        });
        return step * moduli.sum::<f64>();
    }
    // −t has the modulus of t.
    (0..=len / 2)
        .map(|t| {
            let t = t as f64;
            let first = ((-reach - t) / n).ceil() as i64;
            let last = ((reach - t) / n).floor() as i64;
            let sum: Complex<f64> = (first..=last)
                .map(|m| {
                    let t = t + m as f64 * n;
                    let (sin, cos) = (2.0 * PI * xi * t).sin_cos();
                    Complex::new(cos - kappa, sin) * envelope(t)
                })
                .sum();
            let twice = t > 0.0 && 2.0 * t < n;
            sum.norm() * if twice { 2.0 } else { 1.0 }
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::wrap;

    /// The wavelet by the definition: ψ̂ on the whole grid from five periods of both Gaussians, and ‖ψ‖₁ from its inverse DFT.
    /// None where the grid holds next to nothing of it, so that what this sum in time has left is rounding.
    fn slow(gabor: Gabor1d, family: Family1d, n: usize) -> Option<Vec<f64>> {
        let bump = |xi: f64, k: i64| -> f64 {
            (-5..=5)
                .map(|a| {
                    let omega = k as f64 / n as f64 + f64::from(a) - xi;
                    (-omega * omega / (2.0 * gabor.sigma * gabor.sigma)).exp()
                })
                .sum()
        };
        let kappa = if family == Family1d::Gabor {
            0.0
        } else {
            bump(gabor.xi, 0) / bump(0.0, 0)
        };
        let mut hat = vec![0.0; n];
        for k in signed_frequencies(n) {
            hat[wrap(k, n)] = bump(gabor.xi, k) - kappa * bump(0.0, k);
        }
        let norm: f64 = (0..n)
            .map(|t| {
                let value: Complex<f64> = (0..n)
                    .map(|k| {
                        let turn = 2.0 * PI * ((k * t) % n) as f64 / n as f64;
                        Complex::from_polar(hat[k], turn)
                    })
                    .sum();
                value.norm() / n as f64
            })
            .sum();
        if norm < 1e-12 {
            return None;
        }
        for k in signed_frequencies(n) {
            let gone = family == Family1d::Analytic && (k <= 0 || 2 * k == n as i64);
            hat[wrap(k, n)] *= if gone { 0.0 } else { 1.0 / norm };
        }
        Some(hat)
    }

    #[test]
    fn filters_equal_the_definition_on_grids_that_hold_them_and_on_others() {
        for (xi, sigma) in [
            (0.35, 0.14),
            (0.4354, 0.0226),
            (0.02, 0.00104),
            (0.02, 0.008),
            (0.01, 0.00625),
            (0.003, 0.003),
        ] {
            for n in [1, 2, 3, 16, 45, 200, 1024] {
                for family in [Family1d::Morlet, Family1d::Gabor, Family1d::Analytic] {
                    let gabor = Gabor1d { xi, sigma };
                    let got = Sampled1d::new(gabor, family, n);
                    let Some(expected) = slow(gabor, family, n) else {
                        assert!(signed_frequencies(n).all(|k| got.hat(k).is_finite()));
                        continue;
                    };
                    for k in signed_frequencies(n) {
                        let (got, expected) = (got.hat(k), expected[wrap(k, n)]);
                        assert!(
                            (got - expected).abs() < 2e-12,
                            "{xi}, {sigma}, {n}, {family:?}, {k}: {got} for {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_lies_outside_the_support() {
        for (xi, sigma) in [(0.35, 0.14), (0.4354, 0.0226), (0.02, 0.008), (0.49, 0.05)] {
            for family in [Family1d::Morlet, Family1d::Gabor, Family1d::Analytic] {
                for n in [7, 64, 333] {
                    let filter = Sampled1d::new(Gabor1d { xi, sigma }, family, n);
                    let support = filter.support(1e-9);
                    assert!(support.end - support.start <= n as i64);
                    let inside: Vec<usize> = support.map(|k| wrap(k, n)).collect();
                    for k in signed_frequencies(n) {
                        let value = filter.hat(k);
                        assert!(
                            value.abs() < 2e-9 || inside.contains(&wrap(k, n)),
                            "{xi}, {family:?}, {n}: {value} at {k}"
                        );
                    }
                }
            }
        }
    }
}
