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
}
