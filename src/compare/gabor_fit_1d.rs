//! [`fit`]: the Gabor in time that comes closest to a kernel of one axis, and how much of the kernel it explains.
//!
//! Comes in: a real kernel, as a network learned it from signals. Goes out: frequency, bandwidth, centre, phase and
//! amplitude of
//!
//! ```text
//! g(t) = amplitude · exp( −2π²σ²·(t − center)² ) · cos( 2πξ·(t − center) + phase )
//! ```
//!
//! with the least Σ_t (kernel(t) − g(t))². A line is a plane of one column: the formula, its derivatives and the
//! optimiser are those of [`gabor_fit`] with θ, slant and the centre across held still.
//!
//! What differs are the starts. A kernel of hundreds of samples has room for many wave packets, each with its own place
//! and width, and its spectrum as a whole shows the loudest only. So it is looked at through Gaussian windows of all
//! widths, from a sample to half of the kernel, an octave apart, each a width from the next; the strongest peaks of
//! these spectra are where the fits start.
//!
//! Conventions that bite: `t` counts samples from index 0. The fit has a positive amplitude, phase in (−π, π] and ξ in
//! [0, 0.5]. With ξ far below σ it is a blob or an edge, as in two dimensions.

use std::f64::consts::TAU;

use ndarray::{Array1, Array2, ArrayView1, Axis};

use super::gabor_fit::{self, ALONG_AXIS_0, GaborFit, Params};
use super::spectrum;
use crate::filters::Gabor1d;
use crate::{Error, Result};

/// The fewest samples of a kernel, one more than the model has parameters.
pub const MIN_LEN: usize = 6;

/// The most samples of a kernel; a fit takes a second there, and no first layer is as long.
pub const MAX_LEN: usize = 4096;

/// Peaks of windowed spectra that are looked at closely.
const PEAKS: usize = 60;

/// The Gabor nearest to a kernel of one axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaborFit1d {
    /// Centre frequency and bandwidth, cycles per sample.
    pub gabor: Gabor1d,
    /// Where the envelope has its maximum, in samples from index 0.
    pub center: f64,
    /// Phase at the centre in radians, in (−π, π]: 0 is an even, ±π/2 an odd kernel.
    pub phase: f64,
    /// Height of the envelope, in the kernel's units.
    pub amplitude: f64,
    /// Share of the kernel's energy that the Gabor explains: 1 − Σ(kernel − g)² / Σ kernel², in [0, 1].
    pub explained: f64,
}

impl GaborFit1d {
    /// g at every sample of a kernel of this length.
    pub fn kernel(&self, len: usize) -> Array1<f64> {
        let kernel = self.in_the_plane().kernel([len, 1]);
        kernel.index_axis_move(Axis(1), 0)
    }

    /// Periods of the wave within the envelope, as xi over sigma: below 1 the kernel is a blob or an edge rather than
    /// a wave.
    pub fn oscillation(&self) -> f64 {
        self.gabor.xi / self.gabor.sigma
    }

    /// Equivalent rectangular bandwidth of the wave within a kernel of this length, in cycles per sample: Σe²/(Σe)² of
    /// its envelope e at the samples of the kernel.
    ///
    /// The area below |ê|² is Σe², its peak (Σe)². Of an envelope that lies within the kernel that is √π·sigma, as
    /// [`Gabor1d::equivalent_bandwidth`] has it; one that reaches beyond is cut off and has 1/len at least, whatever its
    /// sigma, which then says little.
    pub fn bandwidth(&self, len: usize) -> f64 {
        let steep = (TAU * self.gabor.sigma).powi(2);
        // Over the largest of them, so that there is one where the center lies between samples.
        let nearest = self.center.round().clamp(0.0, len.max(1) as f64 - 1.0) - self.center;
        let exponent = |t: f64| -0.5 * steep * (t * t - nearest * nearest);
        let envelope = (0..len).map(|t| exponent(t as f64 - self.center).exp());
        let [sum, squares] =
            envelope.fold([0.0, 0.0], |[sum, squares], e| [sum + e, squares + e * e]);
        squares / (sum * sum)
    }

    /// The same as a wave down the rows of a plane of one column.
    fn in_the_plane(&self) -> GaborFit {
        GaborFit {
            gabor: crate::filters::gabor::Gabor {
                theta: 0.0,
                xi: self.gabor.xi,
                sigma: self.gabor.sigma,
                slant: 1.0,
            },
            center: [self.center, 0.0],
            phase: self.phase,
            amplitude: self.amplitude,
            explained: self.explained,
        }
    }
}

/// Fits a Gabor in time to one kernel.
///
/// # Errors
/// Those of [`check_len`], [`Error::NotFinite`] for a sample that is NaN or infinite, [`Error::InvalidParameter`] for a
/// kernel of zeros, which every Gabor of amplitude 0 explains.
///
/// ```
/// use ndarray::Array1;
/// use wavelet_scattering::compare::gabor_fit_1d;
///
/// // A wave of period 20 under an envelope 15 samples wide.
/// let kernel = Array1::from_shape_fn(128, |t| {
///     let t = t as f64 - 70.0;
///     (-t * t / 450.0).exp() * (std::f64::consts::TAU * t / 20.0).sin()
/// });
/// let fit = gabor_fit_1d::fit(kernel.view())?;
/// assert!((fit.gabor.xi - 0.05).abs() < 1e-6 && (fit.center - 70.0).abs() < 1e-6);
/// assert!(fit.explained > 1.0 - 1e-9);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn fit(kernel: ArrayView1<f64>) -> Result<GaborFit1d> {
    check_len(kernel.len())?;
    let in_the_plane = gabor_fit::fit_from(kernel.insert_axis(Axis(1)), ALONG_AXIS_0, starts);
    let fit = in_the_plane.map_err(|error| match error {
        Error::NotFinite {
            mut position,
            value,
        } => {
            position.truncate(1);
            Error::NotFinite { position, value }
        }
        other => other,
    })?;
    Ok(GaborFit1d {
        gabor: Gabor1d {
            xi: fit.gabor.xi,
            sigma: fit.gabor.sigma,
        },
        center: fit.center[0],
        phase: fit.phase,
        amplitude: fit.amplitude,
        explained: fit.explained,
    })
}

/// Whether a kernel of this many samples can be fitted.
///
/// # Errors
/// [`Error::WrongShape`] if it is shorter than [`MIN_LEN`] or longer than [`MAX_LEN`].
pub fn check_len(len: usize) -> Result<()> {
    if !(MIN_LEN..=MAX_LEN).contains(&len) {
        return Err(Error::WrongShape {
            what: "the kernel",
            got: vec![len],
            expected: format!("{MIN_LEN} to {MAX_LEN} samples, so that the fit is determined"),
        });
    }
    Ok(())
}

/// [`fit`] for many kernels, on all threads of the current pool; `None` for kernels of zeros.
///
/// # Errors
/// Those of [`fit`] but for zeros; a position then begins with the index of the kernel.
pub fn fit_all(kernels: &[Array1<f64>]) -> Result<Vec<Option<GaborFit1d>>> {
    gabor_fit::fit_each(kernels, |kernel| fit(kernel.view()))
}

/// Where to start, the most promising first, each in a place of its own.
fn starts(target: &Array2<f64>) -> Vec<Params> {
    let mut ranked: Vec<(f64, Params)> = peaks(target)
        .into_iter()
        .map(|mut params| (params.solve_linear(target), params))
        .collect();
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut starts: Vec<Params> = Vec::new();
    for (_, params) in ranked {
        // Within each other's bandwidth and duration they lead to the same minimum.
        let same = |other: &Params| {
            let width = 1.0 / (TAU * params.sigma.min(other.sigma));
            (params.xi - other.xi).abs() < params.sigma.max(other.sigma)
                && (params.center[0] - other.center[0]).abs() < width
                && (params.sigma / other.sigma).log2().abs() < 1.5
        };
        if !starts.iter().any(same) {
            starts.push(params);
        }
    }
    starts
}

/// The strongest peaks of spectra through Gaussian windows.
fn peaks(target: &Array2<f64>) -> Vec<Params> {
    let len = target.nrows();
    let mut found: Vec<(f64, Params)> = Vec::new();
    let widths = (0..).map(|octave| 0.7 * f64::from(octave).exp2());
    for width in widths.take_while(|&width| width <= 0.5 * len as f64) {
        let sigma = 1.0 / (TAU * width);
        // What of a window is above e⁻⁸, twice over: the frequencies are then 0.4 σ apart or less.
        let samples = (2 * len.min((8.0 * width).ceil() as usize + 1)).next_power_of_two();
        let places = (len as f64 / width).ceil().max(1.0);
        for place in 0..places as usize {
            let center = (place as f64 + 0.5) * len as f64 / places - 0.5;
            let first = (center - 4.0 * width).ceil().max(0.0) as usize;
            let last = ((center + 4.0 * width).floor() as usize).min(len - 1);
            let window = |t: usize| (-0.5 * ((t as f64 - center) / width).powi(2)).exp();
            let seen = Array2::from_shape_fn([last + 1 - first, 1], |(i, _)| {
                window(first + i) * target[[first + i, 0]]
            });
            let energy: f64 = (first..=last).map(|t| window(t).powi(2)).sum();
            let modulus = spectrum::modulus(&seen, [samples, 1]);
            let at = |k: usize| modulus[[k, 0]];
            for k in 0..=samples / 2 {
                let lower = k > 0 && at(k - 1) > at(k);
                let higher = k < samples / 2 && at(k + 1) > at(k);
                if lower || higher || at(k) == 0.0 {
                    continue;
                }
                let xi = k as f64 / samples as f64;
                // |⟨target, atom⟩|² over that of an even wave under the window, of which a slow one is more than half.
                let even = 0.5 * (1.0 + (-(xi / sigma).powi(2)).exp());
                let params = Params {
                    even: 0.0,
                    odd: 0.0,
                    origin: [center, 0.0],
                    center: [center, 0.0],
                    theta: 0.0,
                    xi,
                    sigma,
                    slant: 1.0,
                };
                found.push((at(k).powi(2) / (energy * even), params));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(PEAKS);
    found.into_iter().map(|(_, params)| params).collect()
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use nalgebra::SMatrix;
    use rand_distr::{Distribution, StandardNormal, Uniform};
    use rand_pcg::Pcg64;
    use rand_pcg::rand_core::SeedableRng;

    use super::*;

    fn uniform(rng: &mut Pcg64, low: f64, high: f64) -> f64 {
        Uniform::new(low, high).unwrap().sample(rng)
    }

    fn noise(len: usize, deviation: f64, rng: &mut Pcg64) -> Array1<f64> {
        Array1::from_shape_simple_fn(len, || {
            let value: f64 = StandardNormal.sample(rng);
            deviation * value
        })
    }

    fn rms(kernel: &Array1<f64>) -> f64 {
        (kernel.dot(kernel) / kernel.len() as f64).sqrt()
    }

    fn turn_between(a: f64, b: f64) -> f64 {
        let off = (a - b).rem_euclid(TAU);
        off.min(TAU - off)
    }

    /// A Gabor of which ±2 standard deviations of the envelope lie within the kernel, with a wave or more to each.
    fn random_gabor(len: f64, rng: &mut Pcg64) -> GaborFit1d {
        let width = uniform(rng, 3.0_f64.ln(), (0.12 * len).ln()).exp();
        let period = uniform(rng, 2.6_f64.ln(), (4.0 * width).ln()).exp();
        GaborFit1d {
            gabor: Gabor1d {
                xi: 1.0 / period,
                sigma: 1.0 / (TAU * width),
            },
            center: uniform(rng, 2.0 * width, len - 1.0 - 2.0 * width),
            phase: uniform(rng, -PI, PI),
            amplitude: uniform(rng, 0.1, 10.0),
            explained: 1.0,
        }
    }

    #[test]
    fn the_kernel_is_the_formula() {
        let fit = GaborFit1d {
            gabor: Gabor1d {
                xi: 0.11,
                sigma: 0.02,
            },
            center: 12.3,
            phase: 0.7,
            amplitude: 2.5,
            explained: 1.0,
        };
        for (t, value) in fit.kernel(31).iter().enumerate() {
            let t = t as f64 - 12.3;
            let envelope = (-2.0 * (PI * 0.02 * t).powi(2)).exp();
            let expected = 2.5 * envelope * (TAU * 0.11 * t + 0.7).cos();
            assert!((value - expected).abs() < 1e-13, "{value} {expected}");
        }
    }

    #[test]
    fn a_wave_is_as_broad_as_its_envelope_or_the_kernel() {
        let fit = |sigma: f64, center: f64| GaborFit1d {
            gabor: Gabor1d { xi: 0.1, sigma },
            center,
            phase: 0.0,
            amplitude: 1.0,
            explained: 1.0,
        };
        let within = fit(0.01, 120.3);
        let bandwidth = within.bandwidth(256) / within.gabor.equivalent_bandwidth();
        assert!((bandwidth - 1.0).abs() < 1e-9, "{bandwidth}");
        // A window of all samples; half of a Gaussian, which is twice as broad; a single sample.
        assert!((fit(1e-9, 100.0).bandwidth(200) * 200.0 - 1.0).abs() < 1e-9);
        let half = fit(0.005, -0.5);
        let bandwidth = half.bandwidth(1000) / half.gabor.equivalent_bandwidth();
        assert!((bandwidth - 2.0).abs() < 1e-3, "{bandwidth}");
        assert!((fit(5.0, 7.5).bandwidth(1) - 1.0).abs() < 1e-12);
        // By the definition: the area below |ĝ|² over its peak, of an analytic wave on the samples.
        let cut = fit(0.004, 30.0);
        let (steep, len) = ((TAU * 0.004_f64).powi(2), 128);
        let power = |omega: f64| {
            let sums = (0..len).fold([0.0, 0.0], |[re, im], t| {
                let t = t as f64 - 30.0;
                let e = (-0.5 * steep * t * t).exp();
                let (sin, cos) = (TAU * (0.1 - omega) * t).sin_cos();
                [re + e * cos, im + e * sin]
            });
            sums[0] * sums[0] + sums[1] * sums[1]
        };
        let area = (0..4096).map(|k| power(f64::from(k) / 4096.0)).sum::<f64>() / 4096.0;
        assert!((cut.bandwidth(len) * power(0.1) / area - 1.0).abs() < 1e-9);
    }

    /// Standard deviations that no unbiased estimate can go below: the diagonal of the inverse Fisher matrix, from
    /// finite differences of the kernel itself. Order: ln xi, ln sigma, center, phase.
    fn cramer_rao(truth: &GaborFit1d, len: usize, deviation: f64) -> [f64; 4] {
        let moved = |parameter: usize, by: f64| {
            let mut fit = *truth;
            match parameter {
                0 => fit.gabor.xi *= by.exp(),
                1 => fit.gabor.sigma *= by.exp(),
                2 => fit.center += by,
                3 => fit.phase += by,
                _ => fit.amplitude += by,
            }
            fit.kernel(len)
        };
        let step = 1e-5;
        let slopes: Vec<_> = (0..5)
            .map(|p| (moved(p, step) - moved(p, -step)) / (2.0 * step))
            .collect();
        let fisher = SMatrix::<f64, 5, 5>::from_fn(|a, b| {
            slopes[a].dot(&slopes[b]) / (deviation * deviation)
        });
        let covariance = fisher.try_inverse().unwrap();
        std::array::from_fn(|p| covariance[(p, p)].sqrt())
    }

    #[test]
    fn gabors_of_any_length_under_noise_are_recovered_as_well_as_noise_allows() {
        let mut rng = Pcg64::seed_from_u64(1);
        for len in [32, 100, 512] {
            let mut within = [0; 4];
            let trials = 60;
            for trial in 0..trials {
                let truth = random_gabor(len as f64, &mut rng);
                let clean = truth.kernel(len);
                let deviation = 0.05 * rms(&clean);
                let fit = fit((&clean + &noise(len, deviation, &mut rng)).view()).unwrap();
                let bound = cramer_rao(&truth, len, deviation);
                let errors = [
                    (fit.gabor.xi / truth.gabor.xi).ln().abs(),
                    (fit.gabor.sigma / truth.gabor.sigma).ln().abs(),
                    (fit.center - truth.center).abs(),
                    turn_between(fit.phase, truth.phase),
                ];
                for (p, error) in errors.into_iter().enumerate() {
                    // No estimate of hundreds is five deviations off, but for what is not linear in the noise.
                    assert!(
                        error < 5.0 * bound[p],
                        "{len}, {trial}, {p}: {error}, {bound:?}: {fit:?} for {truth:?}"
                    );
                    within[p] += usize::from(error < bound[p]);
                }
                // What is left is the noise, less the five directions that the parameters take up.
                let left = 0.0025 / 1.0025 * (1.0 - 5.0 / len as f64);
                let spread = 5.0 * left * (2.0 / len as f64).sqrt();
                assert!(
                    (1.0 - fit.explained - left).abs() < spread,
                    "{len}, {trial}: {fit:?}"
                );
            }
            // Normal errors are within one deviation 68 times of 100; of 60, 41 ± 3.6.
            for count in within {
                assert!((27..=54).contains(&count), "{len}: {within:?} of {trials}");
            }
        }
    }

    #[test]
    fn slow_waves_and_broad_ones_are_found_in_long_kernels() {
        let fit_of = |truth: &GaborFit1d| fit(truth.kernel(512).view()).unwrap();
        for (xi, sigma) in [
            (26.0 / 16e3, 0.0012),
            (0.004, 0.0008),
            (0.03, 0.0007),
            (0.1, 0.04),
            (0.45, 0.002),
        ] {
            for center in [256.0, 130.5, 390.0] {
                let truth = GaborFit1d {
                    gabor: Gabor1d { xi, sigma },
                    center,
                    phase: 1.1,
                    amplitude: 0.02,
                    explained: 1.0,
                };
                let fit = fit_of(&truth);
                assert!(fit.explained > 1.0 - 1e-6, "{fit:?} for {truth:?}");
                assert!((fit.gabor.xi / xi - 1.0).abs() < 1e-2, "{fit:?} {truth:?}");
                assert!((fit.gabor.sigma / sigma - 1.0).abs() < 1e-2, "{fit:?}");
            }
        }
    }

    #[test]
    fn of_two_packets_the_stronger_is_found_wherever_it_is() {
        let packet = |center: f64, xi: f64, amplitude: f64| GaborFit1d {
            gabor: Gabor1d { xi, sigma: 0.012 },
            center,
            phase: 0.3,
            amplitude,
            explained: 1.0,
        };
        for (strong, weak) in [(60.0, 400.0), (470.0, 90.0), (250.0, 30.0)] {
            let truth = packet(strong, 0.07, 1.0);
            let kernel = truth.kernel(512) + packet(weak, 0.2, 0.6).kernel(512);
            let fit = fit(kernel.view()).unwrap();
            assert!((fit.center - strong).abs() < 0.1, "{fit:?}");
            assert!((fit.gabor.xi - 0.07).abs() < 1e-4, "{fit:?}");
            assert!((fit.explained - 1.0 / 1.36).abs() < 0.01, "{fit:?}");
        }
    }

    #[test]
    fn amplitudes_scale_out_and_a_reversed_kernel_has_the_reversed_fit() {
        let mut rng = Pcg64::seed_from_u64(5);
        let kernel = noise(40, 1.0, &mut rng);
        let one = fit(kernel.view()).unwrap();
        for exponent in [-700, 700] {
            let scale = 2_f64.powi(exponent);
            let scaled = fit(kernel.mapv(|value| scale * value).view()).unwrap();
            let amplitude = scaled.amplitude / scale;
            assert_eq!(
                GaborFit1d {
                    amplitude,
                    ..scaled
                },
                one
            );
        }
        let mut reversed = kernel.clone();
        reversed.invert_axis(Axis(0));
        let back = fit(reversed.view()).unwrap();
        assert!((back.explained - one.explained).abs() < 1e-6);
        assert!((back.center + one.center - 39.0).abs() < 1e-3);
        assert!(turn_between(back.phase, -one.phase) < 1e-3);
        assert!((back.gabor.xi - one.gabor.xi).abs() < 1e-5);
    }

    #[test]
    fn extremes_stay_within_their_ranges() {
        let delta = Array1::from_shape_fn(9, |t| f64::from(u8::from(t == 4)));
        let alternating = Array1::from_shape_fn(64, |t| 1.0 - 2.0 * (t % 2) as f64);
        let last = Array1::from_shape_fn(64, |t| f64::from(u8::from(t == 63)));
        for kernel in [delta, Array1::from_elem(200, 3.0), alternating, last] {
            let fit = fit(kernel.view()).unwrap();
            assert!(fit.explained > 0.95, "{fit:?}");
            assert!((0.0..=0.5).contains(&fit.gabor.xi), "{fit:?}");
            assert!(fit.gabor.sigma > 0.0 && fit.amplitude > 0.0, "{fit:?}");
            assert!(
                (-0.5..=kernel.len() as f64 - 0.5).contains(&fit.center),
                "{fit:?}"
            );
        }
    }

    #[test]
    fn kernels_that_cannot_be_fitted_are_refused_by_name() {
        assert!(matches!(
            fit(Array1::zeros(10).view()),
            Err(Error::InvalidParameter { name: "kernel", .. })
        ));
        for len in [0, MIN_LEN - 1, MAX_LEN + 1] {
            assert!(matches!(
                fit(Array1::ones(len).view()),
                Err(Error::WrongShape { got, .. }) if got == [len]
            ));
        }
        let mut kernels = vec![Array1::ones(8), Array1::zeros(8)];
        let fits = fit_all(&kernels).unwrap();
        assert!(fits[0].is_some() && fits[1].is_none());
        kernels[1][5] = f64::NAN;
        match fit_all(&kernels) {
            Err(Error::NotFinite { position, .. }) => assert_eq!(position, [1, 5]),
            other => panic!("{other:?}"),
        }
    }
}
