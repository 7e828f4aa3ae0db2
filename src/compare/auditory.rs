//! Bandwidths of hearing, to lay beside those of filters: the equivalent rectangular bandwidth of the ear's filters, and
//! that of the filters of mel spectra.
//!
//! ```text
//! ERB(f) = 24.7·(4.37·f/1000 + 1)
//! mel(f) = 3·f/200 below 1 kHz,  15 + 27·ln(f/1000)/ln 6.4 above
//! ```
//!
//! All bandwidths are equivalent rectangular ones of a power response, as
//! [`Gabor1d::equivalent_bandwidth`](crate::filters::Gabor1d::equivalent_bandwidth) is. A triangle over the power
//! spectrum has half of its base.
//!
//! Conventions that bite: there are several mel scales, and how broad a mel filter is depends on how many there are.
//! Here it is Slaney's scale, in which one mel is one filter of his Auditory Toolbox: 40 triangles, each from the centre
//! of its neighbour to that of the other. librosa's scale is the same.
//!
//! Source: Glasberg & Moore, "Derivation of auditory filter shapes from notched-noise data", 1990, equation 3; Slaney,
//! "Auditory Toolbox, version 2", 1998, `mfcc`.

/// Where the mel scale turns from linear to logarithmic, in hertz and in mel.
const BREAK: [f64; 2] = [1000.0, 15.0];

/// ln(f) per mel above the break: 6.4 times in 27 mel.
const LOG_STEP: f64 = 0.068_751_777_420_949_12;

/// Equivalent rectangular bandwidth of the ear's filter at a centre frequency, both in hertz.
///
/// ```
/// use wavelet_scattering::compare::auditory::erb;
///
/// assert!((erb(1000.0) - 132.6).abs() < 0.1);
/// ```
pub fn erb(frequency: f64) -> f64 {
    24.7 * (4.37 * frequency / 1000.0 + 1.0)
}

/// Slaney's mel of a frequency in hertz.
///
/// ```
/// use wavelet_scattering::compare::auditory::mel;
///
/// assert!((mel(60.0) - 0.9).abs() < 1e-12);
/// ```
pub fn mel(frequency: f64) -> f64 {
    let [hertz, at] = BREAK;
    if frequency < hertz {
        at * frequency / hertz
    } else {
        at + (frequency / hertz).ln() / LOG_STEP
    }
}

/// The frequency in hertz of a mel.
pub fn from_mel(mel: f64) -> f64 {
    let [hertz, at] = BREAK;
    if mel < at {
        hertz * mel / at
    } else {
        hertz * ((mel - at) * LOG_STEP).exp()
    }
}

/// Equivalent rectangular bandwidth of the mel filter at a centre frequency, both in hertz: half of the distance between
/// one mel below and one above.
pub fn mel_bandwidth(frequency: f64) -> f64 {
    let center = mel(frequency);
    0.5 * (from_mel(center + 1.0) - from_mel(center - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values_are_met() {
        // Glasberg & Moore 1990: 24.7 Hz at 0 and 132.6 Hz at 1 kHz. Moore, "An introduction to the psychology of
        // hearing": 240 Hz at 2 kHz and 456 Hz at 4 kHz, rounded.
        for (frequency, expected, digits) in [
            (0.0, 24.7, 1e-9),
            (100.0, 35.5, 0.05),
            (1000.0, 132.6, 0.05),
            (2000.0, 240.6, 0.05),
            (4000.0, 456.5, 0.05),
        ] {
            assert!((erb(frequency) - expected).abs() <= digits, "{frequency}");
        }
        // The documentation of librosa's `hz_to_mel`, `mel_to_hz` and `mel_frequencies(n_mels=40)`.
        for (frequency, expected) in [(60.0, 0.9), (110.0, 1.65), (220.0, 3.3), (440.0, 6.6)] {
            assert!((mel(frequency) - expected).abs() < 1e-12);
        }
        for (at, expected) in [(1.0, 66.667), (2.0, 133.333), (3.0, 200.0), (5.0, 333.333)] {
            assert!((from_mel(at) - expected).abs() < 1e-3);
        }
        let step = mel(11025.0) / 39.0;
        for (n, expected) in [(1, 85.317), (2, 170.635), (12, 1024.856), (38, 10096.408)] {
            let got = from_mel(f64::from(n) * step);
            assert!((got - expected).abs() < 1e-3, "{n}: {got}");
        }
    }

    #[test]
    fn mel_filters_are_those_of_the_toolbox() {
        // 66.67 Hz apart up to 1 kHz, then each 1.0711703 times the one before it.
        assert!((mel_bandwidth(400.0) - 200.0 / 3.0).abs() < 1e-9);
        let factor = 1.071_170_3;
        for frequency in [1200.0, 3000.0, 6000.0] {
            let expected = frequency * 0.5 * (factor - 1.0 / factor);
            assert!((mel_bandwidth(frequency) / expected - 1.0).abs() < 1e-6);
        }
        for frequency in [0.0, 20.0, 999.0, 1001.0, 8000.0] {
            assert!((from_mel(mel(frequency)) - frequency).abs() < 1e-9 * frequency.max(1.0));
        }
    }
}
