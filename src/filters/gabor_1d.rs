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

/// Close to the end of the range of `f64`, exp(−708), from where on numbers have fewer and fewer digits: of filters whose grid holds no more
/// of them than their tails. What is below is nothing.
const LAST_CUT: f64 = 667.0;

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
        self.aliases(cut, omega).map(|omega| self.hat(omega)).sum()
    }

    /// ω + a for every a with ĝ(ω + a) ≥ exp(−cut).
    fn aliases(&self, cut: f64, omega: f64) -> impl Iterator<Item = f64> + use<> {
        let reach = self.sigma * (2.0 * cut).sqrt();
        let first = (self.xi - reach - omega).ceil() as i64;
        let last = (self.xi + reach - omega).floor() as i64;
        (first..=last).map(move |a| omega + a as f64)
    }

    /// The derivatives of [`sampled_hat`](Self::sampled_hat) with respect to xi and sigma: Σ_a ĝ·d/σ² and Σ_a ĝ·d²/σ³ with
    /// d = ω + a − ξ.
    pub fn sampled_gradient(&self, omega: f64) -> [f64; 2] {
        let mut sums = [0.0; 2];
        for omega in self.aliases(EXPONENT_CUT, omega) {
            let distance = (omega - self.xi) / self.sigma;
            let by_xi = self.hat(omega) * distance / self.sigma;
            sums[0] += by_xi;
            sums[1] += by_xi * distance;
        }
        sums
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
        // Nothing at all is left of some filters on short grids.
        if self.vanishes(k) || self.norm == 0.0 {
            return 0.0;
        }
        self.unscaled(k) / self.norm
    }

    /// Whether ψ̂ is 0 at a signed frequency whatever its numbers are.
    fn vanishes(&self, k: i64) -> bool {
        match self.family {
            Family1d::Gabor => false,
            Family1d::Morlet => k == 0,
            Family1d::Analytic => k <= 0 || 2 * k == self.len as i64,
        }
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
        let hat = signed(self.len).map(|k| {
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

    /// The derivatives of [`hat`](Self::hat) with respect to xi and sigma, each at every frequency in natural order. With ĥ = ĝ − κ·ê, the Gabor and
    /// its envelope, and c = ‖h‖₁, which κ and c have a part in:
    ///
    /// ```text
    /// dψ̂ = (dĥ − ψ̂·dc)/c     dĥ = dĝ − κ·dê − dκ·ê     dκ = (dĝ(0) − κ·dê(0))/ê(0)     dc = Σ_t Re(dh(t)·conj h(t))/|h(t)|
    /// ```
    pub fn gradient(&self) -> [Vec<f64>; 2] {
        let Self {
            gabor,
            kappa,
            norm,
            len,
            ..
        } = *self;
        if norm == 0.0 {
            return [vec![0.0; len], vec![0.0; len]];
        }
        let envelope = gabor.envelope();
        let of_envelope = |omega| [0.0, envelope.sampled_gradient(omega)[1]];
        let at_0 = envelope.sampled_hat(0.0);
        let of_kappa: [f64; 2] = match self.family {
            Family1d::Gabor => [0.0; 2],
            Family1d::Morlet | Family1d::Analytic => {
                let (of_gabor, of_envelope) = (gabor.sampled_gradient(0.0), of_envelope(0.0));
                [0, 1].map(|i| (of_gabor[i] - kappa * of_envelope[i]) / at_0)
            }
        };
        let frequencies = || (0..len).map(|k| k as f64 / len as f64);
        let derivatives: Vec<[f64; 2]> = frequencies()
            .map(|omega| {
                let (of_gabor, of_envelope) = (gabor.sampled_gradient(omega), of_envelope(omega));
                let envelope = envelope.sampled_hat(omega);
                [0, 1].map(|i| of_gabor[i] - kappa * of_envelope[i] - of_kappa[i] * envelope)
            })
            .collect();
        let in_time = |hat: &mut dyn Iterator<Item = f64>| {
            let mut line: Vec<Complex<f64>> = hat.map(Complex::from).collect();
            f64::inverse(len).process(&mut line);
            line
        };
        let signs: Vec<_> = in_time(&mut frequencies().map(|omega| self.unscaled_at(omega)))
            .into_iter()
            .map(|h| if h.norm() > 0.0 { h / h.norm() } else { h })
            .collect();
        [0, 1].map(|i| {
            let moved = in_time(&mut derivatives.iter().map(|of| of[i]));
            let products = moved
                .iter()
                .zip(&signs)
                .map(|(dh, sign)| (dh * sign.conj()).re);
            let of_norm = products.sum::<f64>() / len as f64;
            signed(len)
                .zip(&derivatives)
                .map(|(k, of)| match self.vanishes(k) {
                    true => 0.0,
                    false => (of[i] - self.hat(k) * of_norm) / norm,
                })
                .collect()
        })
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

/// The frequencies of a grid in natural order, signed, that of Nyquist below 0.
fn signed(len: usize) -> impl Iterator<Item = i64> {
    let len = len as i64;
    (0..len).map(move |k| if 2 * k < len { k } else { k - len })
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
    fn gradients_are_central_differences() {
        let h = 1e-6;
        for (xi, sigma) in [(0.35, 0.14), (0.02, 0.008), (0.4354, 0.0226), (0.1, 0.05)] {
            for family in [Family1d::Morlet, Family1d::Gabor, Family1d::Analytic] {
                for n in [16, 45, 200] {
                    let of = |xi, sigma| Sampled1d::new(Gabor1d { xi, sigma }, family, n);
                    let [by_xi, by_sigma] = of(xi, sigma).gradient();
                    let around = [
                        (by_xi, [of(xi + h, sigma), of(xi - h, sigma)]),
                        (by_sigma, [of(xi, sigma + h), of(xi, sigma - h)]),
                    ];
                    for (got, [above, below]) in around {
                        let most = got
                            .iter()
                            .fold(1.0_f64, |most, value| most.max(value.abs()));
                        for (k, got) in signed(n).zip(got) {
                            let expected = (above.hat(k) - below.hat(k)) / (2.0 * h);
                            assert!(
                                (got - expected).abs() < 1e-6 * most,
                                "{xi}, {sigma}, {family:?}, {n}, {k}: {got} for {expected}"
                            );
                        }
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
