//! The low-pass φ: an isotropic Gaussian, separable, hence one vector per axis.
//!
//! φ̂(ω) = Π_axes Σ_a exp(−(ω_axis + a)² / (2σ²)): in space exp(−|u|²/(2s²))/(2πs²) with s = 1/(2πσ) samples,
//! periodised on the grid. Its sum over the samples is φ̂(0) ≈ 1; [`axis_hat`] leaves it as it comes.

/// One factor of φ̂ on a DFT grid of length `n`, natural order: Σ_a exp(−(k/n + a)²/(2σ²)).
///
/// **Units** `sigma` in cycles per sample.
pub fn axis_hat(sigma: f64, n: usize) -> Vec<f64> {
    let reach = (10.0 * sigma).ceil() as i64 + 1; // exp(−50) ≈ 2·10⁻²² of the peak
    (0..n)
        .map(|k| {
            (-reach..=reach)
                .map(|a| {
                    let omega = k as f64 / n as f64 + a as f64;
                    (-omega * omega / (2.0 * sigma * sigma)).exp()
                })
                .sum()
        })
        .collect()
}

/// The standard deviation in samples, 1/(2πσ), of what has σ in cycles per sample.
pub fn width(sigma: f64) -> f64 {
    1.0 / (2.0 * std::f64::consts::PI * sigma)
}

/// Σ_a exp(−a²/(2σ²)), the first value of [`axis_hat`] on any grid.
pub fn at_zero(sigma: f64) -> f64 {
    axis_hat(sigma, 1)[0]
}

/// The low-pass in time, h(0), h(1), …: the inverse DFT of [`axis_hat`], up to half of the circle of `n` samples or to where it
/// is negligible.
///
/// ```text
/// h(t) = √(2π)·σ·Σ_m exp(−2π²σ²(t + m·n)²)
/// ```
pub fn axis_kernel(sigma: f64, n: usize) -> Vec<f64> {
    let steep = 2.0 * (std::f64::consts::PI * sigma).powi(2);
    let reach = (45.0 / steep).sqrt(); // exp(−45) ≈ 3·10⁻²⁰ of the peak
    let period = n as f64;
    let peak = (2.0 * std::f64::consts::PI).sqrt() * sigma;
    let last = (reach.ceil() as usize).min(n / 2);
    let value = |t: usize| {
        let t = t as f64;
        let (first, last) = ((-reach - t) / period, (reach - t) / period);
        let sum: f64 = (first.ceil() as i64..=last.floor() as i64)
            .map(|m| (-steep * (t + m as f64 * period).powi(2)).exp())
            .sum();
        peak * sum
    };
    (0..=last).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ_u exp(−u²/(2s²))·cos(2πku/n)/(√(2π)·s) over the integers: the definition in space.
    #[test]
    fn the_factor_is_the_fourier_series_of_a_sampled_gaussian() {
        for (sigma, n) in [(0.199, 7), (0.05, 16), (0.8, 5)] {
            let s = 1.0 / (2.0 * std::f64::consts::PI * sigma);
            for (k, got) in axis_hat(sigma, n).into_iter().enumerate() {
                let expected: f64 = (-200..=200)
                    .map(|u| {
                        let u = f64::from(u);
                        let phase = 2.0 * std::f64::consts::PI * k as f64 * u / n as f64;
                        (-u * u / (2.0 * s * s)).exp() * phase.cos()
                    })
                    .sum::<f64>()
                    / ((2.0 * std::f64::consts::PI).sqrt() * s);
                assert!((got - expected).abs() < 1e-12, "{got} against {expected}");
            }
        }
    }

    #[test]
    fn the_kernel_is_the_inverse_transform_of_the_factor() {
        for (sigma, n) in [(0.1, 64), (0.02, 31), (0.3, 8), (0.01, 2), (0.2, 1)] {
            let hat = axis_hat(sigma, n);
            let kernel = axis_kernel(sigma, n);
            for t in 0..=n / 2 {
                let turn = |k: usize| 2.0 * std::f64::consts::PI * (k * t % n) as f64 / n as f64;
                let expected: f64 = (0..n).map(|k| hat[k] * turn(k).cos()).sum::<f64>() / n as f64;
                let got = kernel.get(t).copied().unwrap_or(0.0);
                assert!((got - expected).abs() < 1e-14, "{sigma}, {n}, {t}");
            }
        }
    }
}
