//! Colour maps: magnitudes, signed values, complex values.
//!
//! - [`magnitude`]: magma, whose lightness grows with the value, so that it survives a grey printer; 0 is black;
//! - [`signed`]: blue below 0, red above, nearly white at 0;
//! - [`complex`]: hue is phase, lightness is modulus, in Oklch, so that no phase looks stronger than another. The
//!   cyclic maps of `colorous` vary in lightness, which here is taken by the modulus.
//!
//! Source: van der Walt & Smith, matplotlib's magma, 2015; Brewer's RdBu; Ottosson, "A perceptual color space for
//! image processing", 2020.

use crate::num::Complex;

/// Lightness of modulus 1 in Oklab: the one where all hues reach about the same chroma within sRGB.
const LIGHTNESS: f64 = 0.75;

/// Chroma of modulus 1: about the largest that every hue reaches at [`LIGHTNESS`].
const CHROMA: f64 = 0.125;

/// Hue angle of phase 0 in radians: red, as in most phase portraits.
const HUE_OF_ZERO: f64 = 0.51;

/// The colour of a magnitude in [0, 1]; values outside, and NaN, take the nearest end, NaN the lower one.
pub fn magnitude(value: f64) -> [u8; 3] {
    colorous::MAGMA.eval_continuous(unit(value)).into_array()
}

/// The colour of a signed value in [−1, 1]; values outside take the nearest end, NaN that of 0.
pub fn signed(value: f64) -> [u8; 3] {
    let value = if value.is_nan() {
        0.0
    } else {
        value.clamp(-1.0, 1.0)
    };
    colorous::RED_BLUE
        .eval_continuous(0.5 - 0.5 * value)
        .into_array()
}

/// The colour of a complex value of modulus at most 1: hue is its phase, lightness its modulus, 0 is black.
pub fn complex(value: Complex<f64>) -> [u8; 3] {
    let modulus = unit(value.norm());
    let hue = if modulus > 0.0 { value.arg() } else { 0.0 } + HUE_OF_ZERO;
    oklch(LIGHTNESS * modulus, CHROMA * modulus, hue)
}

/// A colour for item `index` of `count`: distinct for up to seven items (Okabe & Ito 2008, safe for colour-blind
/// eyes), and along a sequence beyond.
pub fn item(index: usize, count: usize) -> [u8; 3] {
    const DISTINCT: [[u8; 3]; 7] = [
        [0, 114, 178],
        [213, 94, 0],
        [0, 158, 115],
        [204, 121, 167],
        [86, 180, 233],
        [230, 159, 0],
        [70, 70, 70],
    ];
    match DISTINCT.get(index) {
        Some(&color) if count <= DISTINCT.len() => color,
        // The last tenth of viridis is too pale for lines on white.
        _ => colorous::VIRIDIS
            .eval_continuous(0.9 * index as f64 / count.saturating_sub(1).max(1) as f64)
            .into_array(),
    }
}

fn unit(value: f64) -> f64 {
    if value.is_nan() {
        0.0
    } else {
        value.clamp(0.0, 1.0)
    }
}

/// Ottosson's Oklch to sRGB, clipped.
fn oklch(lightness: f64, chroma: f64, hue: f64) -> [u8; 3] {
    let [a, b] = [chroma * hue.cos(), chroma * hue.sin()];
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
    ]
    .map(|linear| {
        let linear = linear.clamp(0.0, 1.0);
        let encoded = if linear <= 0.003_130_8 {
            12.92 * linear
        } else {
            1.055 * linear.powf(1.0 / 2.4) - 0.055
        };
        (255.0 * encoded).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, enough to compare brightness.
    fn luminance(color: [u8; 3]) -> f64 {
        let [r, g, b] = color.map(|c| (f64::from(c) / 255.0).powf(2.2));
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    #[test]
    fn magnitudes_grow_in_lightness_from_black() {
        let steps: Vec<f64> = (0..=20)
            .map(|i| luminance(magnitude(f64::from(i) / 20.0)))
            .collect();
        assert!(steps[0] < 1e-3 && steps.is_sorted());
        assert_eq!(magnitude(f64::NAN), magnitude(0.0));
        assert_eq!(magnitude(7.0), magnitude(1.0));
    }

    #[test]
    fn signs_are_blue_and_red_around_a_pale_zero() {
        let [negative, zero, positive] = [-0.8, 0.0, 0.8].map(signed);
        assert!(negative[2] > negative[0] && positive[0] > positive[2]);
        assert!(zero.iter().all(|&c| c > 235));
        assert_eq!(signed(f64::NAN), zero);
    }

    #[test]
    fn phases_of_one_modulus_are_equally_bright_and_distinct() {
        let ring: Vec<_> = (0..24)
            .map(|i| {
                complex(Complex::from_polar(
                    1.0,
                    std::f64::consts::TAU * f64::from(i) / 24.0,
                ))
            })
            .collect();
        let luminances: Vec<f64> = ring.iter().map(|&c| luminance(c)).collect();
        let [low, high] =
            [f64::min, f64::max].map(|f| luminances.iter().copied().reduce(f).unwrap());
        assert!(high / low < 1.25, "{low} .. {high}");
        assert_ne!(ring[0], ring[12]);
        assert_eq!(complex(Complex::new(0.0, 0.0)), [0, 0, 0]);
        assert!(luminance(complex(Complex::new(0.3, 0.0))) < luminance(ring[0]));
    }

    #[test]
    fn items_differ() {
        for count in [1, 7, 20] {
            let colors: std::collections::HashSet<_> = (0..count).map(|i| item(i, count)).collect();
            assert_eq!(colors.len(), count);
        }
    }
}
