//! How far a signal is padded.
//!
//! Kymatio's rule: with φ_T on as many samples as the signal has, s is the first sample beyond which its tail adds up to at most
//! 10⁻³, and the padded length is the power of two
//!
//! ```text
//! N_pad = 2^min( ⌈log2(N + 6·(s + 1))⌉, ⌊log2(3N − 2)⌋ ),     ⌊(N_pad − N)/2⌋ samples in front
//! ```
//!
//! For long averages the second term is the smaller one, and the circle that the DFT makes of the padded signal shows at its ends.
//!
//! What lies farther from the kept samples than the filters reach does not matter. So where both ends are longer than that, any
//! shorter length will do: the same numbers to rounding, of fewer samples.

use super::gauss;
use super::morlet_1d::SIGMA_0;
use crate::signal::Padding;
use crate::signal::pad::AxisPadding;

/// The axis of a signal padded by Kymatio's rule for averages over `T` samples, or one as short as `reach` samples on either side of
/// the signal allow, if there is one, on which samples of every `step` stand where they did.
pub(crate) fn pad_axis(
    padding: Padding,
    len: usize,
    T: f64,
    short: Option<(f64, usize)>,
) -> AxisPadding {
    if padding == Padding::Periodic {
        return AxisPadding::of(padding, len, len, 0);
    }
    let padded = kymatio(len, T);
    let begin = (padded - len) / 2;
    let end = padded - len - begin;
    if let Some((reach, step)) = short {
        let reach = reach.ceil();
        if reach <= begin.min(end) as f64 {
            let reach = reach as usize;
            let before = reach + (begin - reach) % step;
            let shorter = shortest(before + len + reach, step);
            if shorter < padded {
                return AxisPadding::of(padding, len, shorter, before);
            }
        }
    }
    AxisPadding::of(padding, len, padded, begin)
}

/// Kymatio's padded length.
fn kymatio(len: usize, T: f64) -> usize {
    let half = len / 2;
    let sigma = SIGMA_0 / T;
    let unit = gauss::at_zero(sigma);
    let kernel = gauss::axis_kernel(sigma, len);
    let mut tail = 0.0;
    // Backwards as long as what is left stays small.
    let first = (0..kernel.len().min(half)).rev().find(|&t| {
        tail += kernel[t] / unit;
        tail > 1e-3
    });
    let support = match first {
        Some(t) if t + 1 < half => t + 2, // t + 1 is the first that is small enough
        Some(_) => half,
        None if half == 0 => 0,
        None => 1,
    };
    let wanted = (len + 6 * support).next_power_of_two();
    let most = 1_usize << (3 * len - 2).ilog2();
    wanted.min(most)
}

/// The shortest length of factors 2, 3 and 5, at least `least`, with grids down to this step, on each of which a vector of any
/// instruction set divides an even number of times.
pub(crate) fn shortest(least: usize, step: usize) -> usize {
    let unit = step * 2 * crate::kernels::vector::MAX_LANES;
    let units = least.div_ceil(unit);
    let smooth = |mut n: usize| {
        for factor in [2, 3, 5] {
            while n.is_multiple_of(factor) {
                n /= factor;
            }
        }
        n == 1
    };
    let mut count = units;
    while !smooth(count) {
        count += 1;
    }
    count * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Padded lengths of Kymatio 0.4, run.
    #[test]
    fn padded_lengths_are_kymatios() {
        for (len, J, padded) in [
            (512, 6, 1024),
            (1000, 5, 2048),
            (100, 3, 256),
            (65536, 8, 131_072),
        ] {
            assert_eq!(kymatio(len, (J as f64).exp2()), padded, "{len}, {J}");
        }
        assert_eq!(kymatio(1, 1.0), 1);
        let axis = pad_axis(Padding::Reflect, 1000, 32.0, None);
        assert_eq!((axis.begin, axis.on_image(5)), (524, 17..48));
    }

    #[test]
    fn a_shorter_axis_keeps_the_places_of_samples_on_every_level() {
        let (len, T, deepest) = (65536, 256.0, 8);
        let long = pad_axis(Padding::Reflect, len, T, None);
        let short = pad_axis(Padding::Reflect, len, T, Some((6500.0, 1 << deepest)));
        assert_eq!(short.padded, 81920);
        assert_eq!((long.begin - short.begin) % (1 << deepest), 0);
        assert!(short.begin >= 6500 && short.padded - short.end >= 6500);
    }
}
