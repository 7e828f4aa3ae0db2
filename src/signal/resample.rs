//! Another sample rate: a signal between its samples, by a windowed sinc.
//!
//! In come samples at one rate; out come samples of the same signal at another, from the first sample on:
//!
//! ```text
//! y(n) = Σ_k x(k)·h(n·from/to − k)          h(t) = c·sinc(c·t)·w(c·t/Z)          c = 0.95·min(1, to/from)
//! w(u) = I0(β·√(1 − u²)) / I0(β),  |u| < 1   (Kaiser)
//! ```
//!
//! with Z = 64 zero crossings on either side and β = 12: what lies above 1.01 of the lower Nyquist frequency is 120 dB down, and
//! up to 0.9 of it nothing is lost (0.002 dB). A low-pass of unit gain; samples beyond either end count as 0.
//!
//! Two integers as rates have `to / gcd` different phases, whose weights are computed once; of other rates, and where
//! there are more phases than samples, every sample has weights of its own.
//!
//! Source: J. O. Smith, "Digital audio resampling", 1984; J. F. Kaiser, 1974. Weights beside those of
//! `scipy.signal.resample_poly` in the tests.

use std::f64::consts::PI;

use ndarray::Array2;

use crate::num::Real;
use crate::{Error, Result, memory};

/// Zero crossings of the sinc on either side.
const ZEROS: f64 = 64.0;

/// Of the Kaiser window.
const BETA: f64 = 12.0;

/// Where the gain is one half, as a share of the lower Nyquist frequency.
const CUTOFF: f64 = 0.95;

/// Weights that are kept: 32 MB in f32, which rates up to 32 kHz without a common divisor need.
const MOST_WEIGHTS: usize = 1 << 23;

/// Samples of a signal at another rate.
///
/// **Shape** `⌈len·to/from⌉`; sample n is the signal at the time of its input sample n·from/to.
///
/// # Errors
/// [`Error::InvalidParameter`] for rates that are not positive and finite, or more than a factor of 2^16 apart;
/// [`Error::OutOfMemory`].
///
/// ```
/// // Two seconds of a tone, at twice the rate.
/// let tone = |rate: f64| move |n: usize| (std::f64::consts::TAU * 5.0 * n as f64 / rate).sin();
/// let x: Vec<f64> = (0..200).map(tone(100.0)).collect();
/// let y = wavelet_scattering::signal::resample(&x, 100.0, 200.0)?;
/// assert_eq!(y.len(), 400);
/// assert!((200..250).all(|n| (y[n] - tone(200.0)(n)).abs() < 1e-5));
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn resample<T: Real>(samples: &[T], from: f64, to: f64) -> Result<Vec<T>> {
    let len = resampled_len(samples.len(), from, to)?;
    if from == to {
        return Ok(samples.to_vec());
    }
    memory::require(
        "the samples of a signal at another rate",
        memory::bytes_of::<T>(len as u64),
        "resample to a lower rate, or in parts",
    )?;
    let filter = Filter::new(from, to);
    let phases = phases(from, to).filter(|&(phases, _)| {
        phases <= len && phases.saturating_mul(filter.taps()) <= MOST_WEIGHTS
    });
    let mut output = Vec::with_capacity(len);
    match phases {
        Some((up, down)) => {
            let weights = Array2::from_shape_vec(
                [up, filter.taps()],
                (0..up)
                    .flat_map(|phase| filter.weights(phase as f64 / up as f64))
                    .map(T::narrow)
                    .collect(),
            );
            let weights = weights.unwrap_or_default();
            // Output n lies at n·down/up: so many whole samples, and a phase.
            let (mut at, mut phase) = (0, 0);
            for _ in 0..len {
                output.push(filter.apply(
                    weights.row(phase).to_slice().unwrap_or(&[]),
                    samples,
                    at,
                ));
                phase += down;
                at += phase / up;
                phase %= up;
            }
        }
        None => {
            for n in 0..len {
                let position = n as f64 * (from / to);
                let at = position.floor();
                let weights: Vec<T> = filter.weights(position - at).map(T::narrow).collect();
                output.push(filter.apply(&weights, samples, at as usize));
            }
        }
    }
    Ok(output)
}

/// How many samples [`resample`] gives.
///
/// # Errors
/// [`Error::InvalidParameter`] as there.
pub fn resampled_len(len: usize, from: f64, to: f64) -> Result<usize> {
    for (name, rate) in [("from", from), ("to", to)] {
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(Error::InvalidParameter {
                name,
                value: rate.to_string(),
                limit: "rates are positive numbers of samples per second".to_string(),
            });
        }
    }
    let ratio = to / from;
    let bound = f64::from(1_u32 << 16);
    if !(1.0 / bound..=bound).contains(&ratio) {
        return Err(Error::InvalidParameter {
            name: "to",
            value: to.to_string(),
            limit: format!(
                "{from} Hz can be brought to rates from {} to {} Hz",
                from / bound,
                from * bound
            ),
        });
    }
    let len = match phases(from, to) {
        Some((up, down)) => (len as u128 * up as u128).div_ceil(down as u128) as f64,
        None => (len as f64 * ratio).ceil(),
    };
    if len > isize::MAX as f64 {
        return Err(Error::InvalidParameter {
            name: "to",
            value: to.to_string(),
            limit: "so many samples fit into no memory".to_string(),
        });
    }
    Ok(len as usize)
}

/// The ratio to/from of integers in lowest terms.
fn phases(from: f64, to: f64) -> Option<(usize, usize)> {
    let whole =
        |rate: f64| (rate.fract() == 0.0 && rate <= f64::from(u32::MAX)).then_some(rate as usize);
    let (from, to) = (whole(from)?, whole(to)?);
    let (mut a, mut b) = (from, to);
    while b > 0 {
        (a, b) = (b, a % b);
    }
    Some((to / a, from / a))
}

struct Filter {
    /// The cutoff, as a share of the sample rate of the input, doubled.
    cutoff: f64,
    /// Samples of the input on either side.
    reach: usize,
}

impl Filter {
    fn new(from: f64, to: f64) -> Self {
        let cutoff = CUTOFF * (to / from).min(1.0);
        Self {
            cutoff,
            reach: (ZEROS / cutoff).ceil() as usize,
        }
    }

    fn taps(&self) -> usize {
        2 * self.reach
    }

    /// Weights of the input samples at `reach` before the position to `reach` behind it, which lies `phase` of a sample
    /// behind the last one before it.
    fn weights(&self, phase: f64) -> impl Iterator<Item = f64> {
        let all = bessel_i0(BETA);
        (0..self.taps()).map(move |tap| {
            let t = self.cutoff * (phase + self.reach as f64 - 1.0 - tap as f64);
            let u = t / ZEROS;
            let window = bessel_i0(BETA * (1.0 - u * u).max(0.0).sqrt()) / all;
            let sinc = if t == 0.0 {
                1.0
            } else {
                (PI * t).sin() / (PI * t)
            };
            if u.abs() < 1.0 {
                self.cutoff * sinc * window
            } else {
                0.0
            }
        })
    }

    /// The sum at a position that lies behind input sample `at`.
    fn apply<T: Real>(&self, weights: &[T], samples: &[T], at: usize) -> T {
        // Tap 0 lies at sample at + 1 − reach.
        let before = (self.reach - 1).saturating_sub(at);
        let begin = at + 1 + before - self.reach;
        let weights = weights.get(before..).unwrap_or(&[]);
        let samples = samples.get(begin..).unwrap_or(&[]);
        let count = weights.len().min(samples.len());
        // Sums of several lanes, which vectors add at once, and which round less.
        let (weights, samples) = (&weights[..count], &samples[..count]);
        let mut lanes = [T::zero(); 16];
        let (w, w_rest) = weights.as_chunks::<16>();
        let (x, x_rest) = samples.as_chunks::<16>();
        for (w, x) in w.iter().zip(x) {
            for lane in 0..16 {
                lanes[lane] += w[lane] * x[lane];
            }
        }
        let rest = w_rest.iter().zip(x_rest).map(|(&w, &x)| w * x).sum::<T>();
        lanes.into_iter().sum::<T>() + rest
    }
}

/// The modified Bessel function of order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * f64::EPSILON {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn tone(frequency: f64, rate: f64, len: usize) -> Vec<f64> {
        (0..len)
            .map(|n| (TAU * frequency * n as f64 / rate).sin())
            .collect()
    }

    /// The largest difference in the middle third, far from the ends.
    fn error(got: &[f64], expected: &[f64]) -> f64 {
        let middle = got.len() / 3..2 * got.len() / 3;
        middle
            .map(|n| (got[n] - expected[n]).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn bessel_i0_has_the_values_of_the_tables() {
        // Abramowitz & Stegun, table 9.8.
        for (x, value) in [
            (0.0, 1.0),
            (1.0, 1.266_065_877_752),
            (5.0, 27.239_871_823_60),
        ] {
            assert!((bessel_i0(x) / value - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn tones_below_the_lower_nyquist_frequency_stay_and_those_above_go() {
        let cases = [
            (44_100.0, 48_000.0),
            (48_000.0, 44_100.0),
            (44_100.0, 16_000.0),
            (8_000.0, 22_050.0),
            (8_000.0, 8_001.0),
            (100.0, 33.3),
            (1.0, 1.5),
        ];
        for (from, to) in cases {
            let nyquist = f64::min(from, to) / 2.0;
            for share in [0.0, 0.1, 0.5, 0.9] {
                let x = tone(share * nyquist, from, 6000);
                let y = resample(&x, from, to).unwrap();
                let expected = tone(share * nyquist, to, y.len());
                assert!(error(&y, &expected) < 3e-4, "{from} to {to}, {share}");
            }
            if from > to {
                for share in [1.01, 1.05, 1.3] {
                    let frequency = share * nyquist;
                    if frequency < from / 2.0 {
                        let y = resample(&tone(frequency, from, 6000), from, to).unwrap();
                        let zeros = vec![0.0; y.len()];
                        assert!(error(&y, &zeros) < 2e-6, "{from} to {to}, {share}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_table_of_phases_is_the_formula() {
        let x: Vec<f64> = (0..500_u32).map(|n| f64::from(n * n % 97) - 48.0).collect();
        let table = resample(&x, 3.0, 2.0).unwrap();
        let without = resample(&x, 3.0 * 0.1, 2.0 * 0.1).unwrap(); // no integers
        assert_eq!(table.len(), 334);
        assert_eq!(without.len(), 334);
        let filter = Filter::new(3.0, 2.0);
        for (n, (&table, without)) in table.iter().zip(without).enumerate() {
            let h = |t: f64| {
                let (c, u) = (filter.cutoff, filter.cutoff * t / ZEROS);
                if u.abs() >= 1.0 {
                    return 0.0;
                }
                let sinc = if t == 0.0 {
                    1.0
                } else {
                    (PI * c * t).sin() / (PI * c * t)
                };
                c * sinc * bessel_i0(BETA * (1.0 - u * u).sqrt()) / bessel_i0(BETA)
            };
            let y: f64 = (0..500).map(|k| x[k] * h(n as f64 * 1.5 - k as f64)).sum();
            assert!(
                (table - y).abs() < 1e-10 && (without - y).abs() < 1e-9,
                "{n}"
            );
        }
    }

    #[test]
    fn lengths_and_odd_signals() {
        assert_eq!(resampled_len(441, 44_100.0, 48_000.0).unwrap(), 480);
        assert_eq!(resampled_len(442, 44_100.0, 48_000.0).unwrap(), 482);
        assert_eq!(resampled_len(0, 2.0, 1.0).unwrap(), 0);
        assert_eq!(resample(&[1.0_f32, 2.0], 5.0, 5.0).unwrap(), [1.0, 2.0]);
        assert!(resample::<f32>(&[], 5.0, 4.0).unwrap().is_empty());
        assert_eq!(resample(&[1.0_f32], 1000.0, 999.0).unwrap().len(), 1);
        for (from, to) in [
            (0.0, 1.0),
            (1.0, -1.0),
            (1.0, f64::NAN),
            (1.0, f64::INFINITY),
            (1.0, 1e9),
        ] {
            let refused = resample(&[1.0_f32], from, to);
            assert!(
                matches!(refused, Err(Error::InvalidParameter { .. })),
                "{from} {to}"
            );
        }
    }
}
