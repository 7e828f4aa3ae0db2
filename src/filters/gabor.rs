//! Gabor and Morlet wavelets in two dimensions, by their Fourier transform.
//!
//! Comes in: orientation θ, centre frequency ξ, bandwidth σ, slant. Goes out: rows of ψ̂ on any DFT grid.
//!
//! A Gabor with wave vector ξ·(cos θ, sin θ) is a Gaussian bump in frequency. With ω∥ = ω·(cos θ, sin θ) and
//! ω⊥ = ω·(−sin θ, cos θ), in cycles per sample,
//!
//! ```text
//! ĝ(ω) = exp( −[ (ω∥ − ξ)² + ω⊥² / slant² ] / (2σ²) )          its peak is 1
//! ψ̂(ω) = Σ_{a ∈ ℤ²} ĝ(ω + a)                                   sampled in space: the spectrum is periodic
//! Morlet: ψ̂ = Gabor(ξ) − κ·Gabor(0),   κ such that ψ̂(0) = 0
//! ```
//!
//! In space that is exp(−[u∥² + slant²·u⊥²]/(2s²))·exp(2πi·ξ·u∥)·slant/(2πs²) with s = 1/(2πσ) samples, periodised on
//! the grid. Periodising in space is sampling in frequency and the reverse, so no transform and no dense sum over
//! spatial images is needed: each row of a spectrum is a sum of few one-dimensional Gaussians.
//!
//! Conventions that bite: θ runs from axis 0 toward axis 1, so θ = 0 oscillates down the rows; κ is computed from the
//! periodised sums, so that ψ̂(0) is zero on every grid.
//!
//! Source: Bruna & Mallat, "Invariant scattering convolution networks", 2013, section 2.1; Kymatio's constants.

use std::f64::consts::PI;

use num_complex::Complex;

/// exp(−45) ≈ 3·10⁻²⁰ of the peak lies below the rounding of `f64`: Gaussians are not followed further out.
const EXPONENT_CUT: f64 = 45.0;

/// Steps of the Gaussian recurrence between two exact restarts; rounding grows with its square, to about 10⁻¹³.
const RESTART: usize = 32;

/// An oriented Gaussian bump in the frequency plane; `xi = 0` makes it the envelope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gabor {
    /// Angle of the wave vector in radians, from axis 0 toward axis 1.
    pub theta: f64,
    /// Centre frequency, cycles per sample.
    pub xi: f64,
    /// Standard deviation in frequency along the wave vector, cycles per sample.
    pub sigma: f64,
    /// Spatial width along the wave vector divided by the width across it.
    pub slant: f64,
}

/// The exponent of ĝ as a quadratic form around the centre: `a·dx² + 2b·dx·dy + c·dy²`.
#[derive(Debug, Clone)]
pub(crate) struct Quadratic {
    pub center: [f64; 2],
    a: f64,
    b: f64,
    /// What is left of `c` after minimising over dx: `c − b²/a`.
    c_min: f64,
}

impl Quadratic {
    /// How far along an axis the exponent stays within `cut` at some place; `None` if nowhere.
    pub fn reach(&self, cut: f64, axis: usize) -> Option<f64> {
        // Minimised over the other axis, what is left is the determinant over the other coefficient.
        let c = self.c_min + self.b * self.b / self.a;
        let left = [self.a * self.c_min / c, self.c_min];
        (cut > 0.0).then(|| (cut / left[axis]).sqrt())
    }

    /// Hands out ω1 of every alias of the row at `omega1`, and the interval of ω0 where the exponent stays within `cut`.
    pub fn row(&self, cut: f64, omega1: f64, mut visit: impl FnMut(f64, [f64; 2])) {
        let Some(reach) = self.reach(cut, 1) else {
            return;
        };
        let first = (self.center[1] - reach - omega1).ceil() as i64;
        let last = (self.center[1] + reach - omega1).floor() as i64;
        for alias in first..=last {
            let alias = omega1 + alias as f64;
            let dy = alias - self.center[1];
            let middle = self.center[0] - self.b * dy / self.a;
            let reach = ((cut - self.c_min * dy * dy).max(0.0) / self.a).sqrt();
            visit(alias, [middle - reach, middle + reach]);
        }
    }

    /// Σ_a ĝ(ω + a), the fast twin of [`Gabor::sampled_hat`].
    pub fn sampled(&self, omega: [f64; 2]) -> f64 {
        let mut sum = 0.0;
        self.aliases(omega, |_, g| sum += g);
        sum
    }

    /// Hands out ω + a and ĝ(ω + a) for every alias that is not negligible.
    fn aliases(&self, omega: [f64; 2], mut visit: impl FnMut([f64; 2], f64)) {
        self.row(EXPONENT_CUT, omega[1], |omega1, [low, high]| {
            let middle = 0.5 * (low + high);
            let rest = 0.25 * self.a * (high - low) * (high - low); // cut − c_min·dy²
            let first = (low - omega[0]).ceil() as i64;
            let last = (high - omega[0]).floor() as i64;
            for alias in first..=last {
                let omega0 = omega[0] + alias as f64;
                let dx = omega0 - middle;
                visit(
                    [omega0, omega1],
                    (rest - EXPONENT_CUT - self.a * dx * dx).exp(),
                );
            }
        });
    }
}

impl Gabor {
    /// g(u) of the continuous Gabor in space, at `u` samples from its centre:
    /// exp(−[u∥² + slant²·u⊥²]/(2s²))·exp(2πi·ξ·u∥)·slant/(2πs²) with s = 1/(2πσ).
    ///
    /// ```
    /// use wavelet_scattering::filters::gabor::Gabor;
    ///
    /// let gabor = Gabor { theta: 0.0, xi: 0.25, sigma: 0.1, slant: 0.5 };
    /// let quarter = gabor.at([1.0, 0.0]); // a quarter of a period along axis 0
    /// assert!(quarter.re.abs() < 1e-12 && quarter.im > 0.0);
    /// ```
    pub fn at(&self, u: [f64; 2]) -> Complex<f64> {
        let (sin, cos) = self.theta.sin_cos();
        let along = u[0] * cos + u[1] * sin;
        let across = self.slant * (u[1] * cos - u[0] * sin);
        let steep = 2.0 * (PI * self.sigma).powi(2); // 1/(2s²)
        let peak = steep * self.slant / PI;
        let envelope = peak * (-steep * (along * along + across * across)).exp();
        Complex::from_polar(envelope, 2.0 * PI * self.xi * along)
    }

    /// ĝ(ω) of the continuous Gabor, before the spectrum is made periodic.
    pub fn hat(&self, omega: [f64; 2]) -> f64 {
        let (sin, cos) = self.theta.sin_cos();
        let along = omega[0] * cos + omega[1] * sin - self.xi;
        let across = (omega[1] * cos - omega[0] * sin) / self.slant;
        (-(along * along + across * across) / (2.0 * self.sigma * self.sigma)).exp()
    }

    /// Σ_a ĝ(ω + a): the spectrum of the sampled Gabor at one frequency, by its definition.
    pub fn sampled_hat(&self, omega: [f64; 2]) -> f64 {
        let reach = self.sigma * self.slant.max(1.0) * (2.0 * EXPONENT_CUT).sqrt() + self.xi;
        let aliases = |omega: f64| (-reach - omega).floor() as i64..=(reach - omega).ceil() as i64;
        aliases(omega[0])
            .flat_map(|a| aliases(omega[1]).map(move |b| [a, b]))
            .map(|[a, b]| self.hat([omega[0] + a as f64, omega[1] + b as f64]))
            .sum()
    }

    /// The derivatives of [`sampled_hat`](Self::sampled_hat) with respect to theta, xi, sigma and slant. With d = ω∥ − ξ,
    ///
    /// ```text
    /// ∂θ = ĝ·ω⊥·(ω∥/slant² − d)/σ²    ∂ξ = ĝ·d/σ²    ∂σ = ĝ·(d² + ω⊥²/slant²)/σ³    ∂slant = ĝ·ω⊥²/(slant³·σ²)
    /// ```
    pub fn sampled_gradient(&self, omega: [f64; 2]) -> [f64; 4] {
        let (sin, cos) = self.theta.sin_cos();
        let (precision, slant) = (self.sigma.powi(-2), self.slant);
        let mut sums = [0.0; 4];
        self.quadratic().aliases(omega, |omega, g| {
            let along = omega[0] * cos + omega[1] * sin;
            let across = omega[1] * cos - omega[0] * sin;
            let (d, width) = (along - self.xi, across / slant);
            let terms = [
                across * (along / (slant * slant) - d),
                d,
                (d * d + width * width) / self.sigma,
                width * width / slant,
            ];
            for (sum, term) in sums.iter_mut().zip(terms) {
                *sum += g * term * precision;
            }
        });
        sums
    }

    /// Adds `weight`·Σ_a ĝ(ω + a) for all frequencies `ω = [k0/n0, k1/n1]` of one `k1`, with `n0 = row.len()`.
    ///
    /// The fast twin of [`Gabor::sampled_hat`]: along a row each alias is a one-dimensional Gaussian, followed by
    /// the recurrence g(i+1) = g(i)·r(i), r(i+1) = r(i)·q from an exact start every [`RESTART`] samples.
    pub(crate) fn add_row(&self, weight: f64, k1: i64, n1: usize, row: &mut [f64]) {
        let n0 = row.len();
        let step = 1.0 / n0 as f64;
        let Quadratic {
            center,
            a,
            b,
            c_min,
        } = self.quadratic();
        let omega1 = k1 as f64 / n1 as f64;
        let reach = (EXPONENT_CUT / c_min).sqrt();
        let q = (-2.0 * a * step * step).exp();

        let first = (center[1] - reach - omega1).ceil() as i64;
        let last = (center[1] + reach - omega1).floor() as i64;
        for alias in first..=last {
            let dy = omega1 + alias as f64 - center[1];
            let middle = center[0] - b * dy / a;
            let floor = c_min * dy * dy;
            let reach = ((EXPONENT_CUT - floor).max(0.0) / a).sqrt();

            let mut i = ((middle - reach) * n0 as f64).ceil() as i64;
            let end = ((middle + reach) * n0 as f64).floor() as i64 + 1;
            let mut index = i.rem_euclid(n0 as i64) as usize;
            while i < end {
                let dx = i as f64 * step - middle;
                let mut g = weight * (-floor - a * dx * dx).exp();
                let mut r = (-a * step * (2.0 * dx + step)).exp();
                let stop = end.min(i + RESTART as i64);
                while i < stop {
                    row[index] += g;
                    g *= r;
                    r *= q;
                    index += 1;
                    if index == n0 {
                        index = 0;
                    }
                    i += 1;
                }
            }
        }
    }

    /// Whether any frequency with this `k1` can be reached; a cheap test before [`Gabor::add_row`].
    pub(crate) fn reaches_row(&self, k1: i64, n1: usize) -> bool {
        let Quadratic { center, c_min, .. } = self.quadratic();
        let reach = (EXPONENT_CUT / c_min).sqrt();
        let offset = center[1] - k1 as f64 / n1 as f64;
        (offset - reach).ceil() <= (offset + reach).floor()
    }

    pub(crate) fn quadratic(&self) -> Quadratic {
        let (sin, cos) = self.theta.sin_cos();
        let across = self.slant.powi(-2);
        let scale = 1.0 / (2.0 * self.sigma * self.sigma);
        let a = scale * (cos * cos + sin * sin * across);
        Quadratic {
            center: [self.xi * cos, self.xi * sin],
            a,
            b: scale * cos * sin * (1.0 - across),
            c_min: scale * scale * across / a, // the determinant of the form over a
        }
    }
}

/// A Gabor from which its own envelope is subtracted, so that its mean is zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Morlet {
    /// The oscillating part.
    pub gabor: Gabor,
    /// κ: how much of the envelope is subtracted.
    pub kappa: f64,
}

impl Morlet {
    /// The Morlet made of this Gabor.
    pub fn new(gabor: Gabor) -> Self {
        let envelope = Gabor { xi: 0.0, ..gabor };
        let kappa = gabor.sampled_hat([0.0, 0.0]) / envelope.sampled_hat([0.0, 0.0]);
        Self { gabor, kappa }
    }

    /// The Gaussian that is subtracted, before its weight κ.
    pub fn envelope(&self) -> Gabor {
        Gabor {
            xi: 0.0,
            ..self.gabor
        }
    }

    /// ψ(u) of the continuous Morlet in space, at `u` samples from its centre.
    pub fn at(&self, u: [f64; 2]) -> Complex<f64> {
        self.gabor.at(u) - self.kappa * self.envelope().at(u)
    }

    /// ψ̂(ω) of the sampled Morlet, by its definition.
    pub fn sampled_hat(&self, omega: [f64; 2]) -> f64 {
        self.gabor.sampled_hat(omega) - self.kappa * self.envelope().sampled_hat(omega)
    }

    /// The derivatives of [`sampled_hat`](Self::sampled_hat) with respect to theta, xi, sigma and slant, κ's included:
    /// dψ̂ = dĝ − κ·dê − dκ·ê with the envelope ê and dκ = (dĝ(0) − κ·dê(0))/ê(0), so that ψ̂(0) stays 0.
    pub fn sampled_gradient(&self) -> impl Fn([f64; 2]) -> [f64; 4] + use<> {
        let Self { gabor, kappa } = *self;
        let envelope = self.envelope();
        let of_envelope = move |omega| {
            let [theta, _, sigma, slant] = envelope.sampled_gradient(omega);
            [theta, 0.0, sigma, slant]
        };
        let zero = [0.0, 0.0];
        let [of_gabor_at_0, of_envelope_at_0] = [gabor.sampled_gradient(zero), of_envelope(zero)];
        let form = envelope.quadratic();
        let at_0 = form.sampled(zero);
        let of_kappa: [f64; 4] =
            std::array::from_fn(|i| (of_gabor_at_0[i] - kappa * of_envelope_at_0[i]) / at_0);
        move |omega| {
            let (of_gabor, of_envelope) = (gabor.sampled_gradient(omega), of_envelope(omega));
            let envelope = form.sampled(omega);
            std::array::from_fn(|i| of_gabor[i] - kappa * of_envelope[i] - of_kappa[i] * envelope)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{signed_frequencies, wrap};

    fn examples() -> impl Iterator<Item = Gabor> {
        let shapes = [
            (0.375, 0.199, 0.5),
            (0.375, 0.199, 4.0),
            (0.1, 0.02, 0.25),
            (0.0, 0.3, 1.0),
        ];
        shapes.into_iter().flat_map(|(xi, sigma, slant)| {
            [0.0, 0.3, std::f64::consts::FRAC_PI_2, -1.2].map(|theta| Gabor {
                theta,
                xi,
                sigma,
                slant,
            })
        })
    }

    #[test]
    fn a_row_by_recurrence_equals_the_sum_over_aliases() {
        for gabor in examples() {
            for [n0, n1] in [[1, 1], [2, 3], [17, 8], [96, 5], [257, 4]] {
                for k1 in signed_frequencies(n1) {
                    let mut row = vec![0.0; n0];
                    gabor.add_row(0.7, k1, n1, &mut row);
                    for k0 in signed_frequencies(n0) {
                        let omega = [k0 as f64 / n0 as f64, k1 as f64 / n1 as f64];
                        let expected = 0.7 * gabor.sampled_hat(omega);
                        let got = row[wrap(k0, n0)];
                        assert!(
                            (got - expected).abs() < 1e-12,
                            "{gabor:?} on {n0} x {n1} at {k0}, {k1}: {got} against {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn derivatives_are_differences() {
        let moved = |gabor: Gabor, i: usize, by: f64| {
            let Gabor {
                theta,
                xi,
                sigma,
                slant,
            } = gabor;
            let mut numbers = [theta, xi, sigma, slant];
            numbers[i] += by;
            let [theta, xi, sigma, slant] = numbers;
            Gabor {
                theta,
                xi,
                sigma,
                slant,
            }
        };
        let h = 1e-6;
        for gabor in examples() {
            let of_morlet = Morlet::new(gabor).sampled_gradient();
            for omega in [[0.0, 0.0], [0.3, -0.2], [-0.1, 0.45], [0.02, 0.01]] {
                for i in 0..4 {
                    let quotient = |at: &dyn Fn(Gabor) -> f64| {
                        (at(moved(gabor, i, h)) - at(moved(gabor, i, -h))) / (2.0 * h)
                    };
                    let expected = quotient(&|gabor| gabor.sampled_hat(omega));
                    let got = gabor.sampled_gradient(omega)[i];
                    let scale = 1e-7 * (1.0 + expected.abs());
                    assert!(
                        (got - expected).abs() < scale,
                        "{gabor:?}, {omega:?}, {i}: {got} against {expected}"
                    );
                    if gabor.xi > 0.0 {
                        let expected = quotient(&|gabor| Morlet::new(gabor).sampled_hat(omega));
                        let got = of_morlet(omega)[i];
                        assert!(
                            (got - expected).abs() < scale,
                            "Morlet, {gabor:?}, {omega:?}, {i}: {got} against {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_row_out_of_reach_is_zero() {
        let gabor = Gabor {
            theta: 0.0,
            xi: 0.3,
            sigma: 0.01,
            slant: 1.0,
        };
        let mut row = vec![0.0; 64];
        assert!(!gabor.reaches_row(20, 64));
        gabor.add_row(1.0, 20, 64, &mut row);
        assert!(row.iter().all(|&value| value == 0.0));
        assert!(gabor.reaches_row(0, 64));
    }

    /// The spatial definition: exp(−[u∥² + slant²u⊥²]/(2s²))·cos(2πξu∥)·slant/(2πs²), summed over the integers.
    #[test]
    fn the_spectrum_is_the_fourier_series_of_the_samples_in_space() {
        for gabor in examples() {
            let Gabor {
                theta,
                xi,
                sigma,
                slant,
            } = gabor;
            let s = 1.0 / (2.0 * PI * sigma);
            let (sin, cos) = theta.sin_cos();
            for omega in [[0.0, 0.0], [0.21, -0.4], [0.375, 0.1]] {
                let mut sum = 0.0;
                let reach = (9.0 * s * slant.recip().max(1.0)).ceil() as i64;
                for u in -reach..=reach {
                    for v in -reach..=reach {
                        let (u, v) = (u as f64, v as f64);
                        let (along, across) = (u * cos + v * sin, slant * (v * cos - u * sin));
                        let envelope = (-(along * along + across * across) / (2.0 * s * s)).exp();
                        let phase = xi * along - omega[0] * u - omega[1] * v;
                        sum += envelope * (2.0 * PI * phase).cos();
                    }
                }
                let expected = sum * slant / (2.0 * PI * s * s);
                let got = gabor.sampled_hat(omega);
                assert!(
                    (got - expected).abs() < 1e-11,
                    "{gabor:?} at {omega:?}: {got} against {expected}"
                );
            }
        }
    }

    /// Σ_u g(u)·exp(−2πi·ωu) over the integers is the periodic spectrum.
    #[test]
    fn values_in_space_sum_to_the_spectrum() {
        for gabor in examples() {
            let morlet = Morlet::new(gabor);
            let s = 1.0 / (2.0 * PI * gabor.sigma);
            let reach = (9.0 * s * gabor.slant.recip().max(1.0)).ceil() as i64;
            for omega in [[0.0, 0.0], [0.21, -0.4], [0.375, 0.1]] {
                let (mut g, mut psi) = (Complex::new(0.0, 0.0), Complex::new(0.0, 0.0));
                for u in -reach..=reach {
                    for v in -reach..=reach {
                        let u = [u as f64, v as f64];
                        let phase = -2.0 * PI * (omega[0] * u[0] + omega[1] * u[1]);
                        g += gabor.at(u) * Complex::from_polar(1.0, phase);
                        psi += morlet.at(u) * Complex::from_polar(1.0, phase);
                    }
                }
                assert!((g - gabor.sampled_hat(omega)).norm() < 1e-11, "{gabor:?}");
                assert!(
                    (psi - morlet.sampled_hat(omega)).norm() < 1e-11,
                    "{gabor:?}"
                );
            }
        }
    }

    #[test]
    fn a_gabor_peaks_at_xi_and_a_morlet_within_three_percent_above_it() {
        let gabor = Gabor {
            theta: 0.0,
            xi: 0.1875,
            sigma: 0.0995,
            slant: 0.5,
        };
        let peak = |hat: &dyn Fn([f64; 2]) -> f64| {
            (0..5000)
                .map(|i| f64::from(i) / 10_000.0)
                .max_by(|x, y| hat([*x, 0.0]).total_cmp(&hat([*y, 0.0])))
                .unwrap()
        };
        assert!((peak(&|omega| gabor.hat(omega)) - gabor.xi).abs() < 1e-4);
        let morlet = Morlet::new(gabor);
        let center = peak(&|omega| morlet.sampled_hat(omega)) / gabor.xi;
        assert!((1.0..1.03).contains(&center), "{center}");
        assert!(morlet.sampled_hat([0.0, 0.0]).abs() < 1e-15);
    }
}
