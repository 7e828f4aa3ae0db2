//! Where the ticks of an axis stand and how its numbers are written.

/// Round values in `[low, high]`, about `count` of them, in steps of 1, 2 or 5 times a power of ten.
pub(super) fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let rough = (high - low) / count.max(1) as f64;
    if !(rough > 1e-290 && rough.is_finite()) {
        return vec![low];
    }
    let power = 10_f64.powf(rough.log10().floor());
    let step = power
        * [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|m| m * power >= 0.7 * rough)
            .unwrap_or(10.0);
    let first = (low / step - 1e-6).ceil();
    (0..=4 * count.max(1))
        .map(|i| (first + i as f64) * step)
        .take_while(|&tick| tick <= high + 1e-6 * step)
        .map(|tick| if tick.abs() < 1e-6 * step { 0.0 } else { tick })
        .collect()
}

/// Ticks of a logarithmic axis from 10^`low` to 10^`high`, as values.
///
/// Powers of ten; with 2 and 5 times them where that leaves few; round values where the axis spans less than that.
pub(super) fn log_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let (first, last) = (low.floor() as i32, high.ceil() as i32);
    let inside =
        |value: &f64| value.is_normal() && (low - 1e-6..=high + 1e-6).contains(&value.log10());
    let every = |mantissas: &[f64], step: i32| -> Vec<f64> {
        (first..=last)
            .filter(|exponent| exponent.rem_euclid(step) == 0)
            .flat_map(|exponent| mantissas.iter().map(move |m| m * 10_f64.powi(exponent)))
            .filter(inside)
            .collect()
    };
    let fine = every(&[1.0, 2.0, 5.0], 1);
    if fine.len() < 3 {
        return ticks(10_f64.powf(low), 10_f64.powf(high), count)
            .into_iter()
            .filter(inside)
            .collect();
    }
    if fine.len() <= count + 1 {
        return fine;
    }
    let count = i32::try_from(count).unwrap_or(i32::MAX).max(1);
    every(&[1.0], ((last - first + count - 1) / count).max(1))
}

/// A number to three significant digits, as a person writes it: `0.0497`, `12.5`, `3.1·10⁻⁷`.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.abs().to_string();
    }
    let exponent = value.abs().log10().floor() as i32;
    if (-3..5).contains(&exponent) {
        return decimals(value, (2 - exponent).max(0) as usize);
    }
    // Rounding may carry 9.999 to 10, which scientific notation moves into the exponent.
    let scientific = format!("{value:.2e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let mantissa = trimmed(mantissa);
    let power = format!("10{}", superscript(exponent));
    match mantissa.as_str() {
        "1" => power,
        "−1" => format!("−{power}"),
        _ => format!("{mantissa}·{power}"),
    }
}

/// The ticks of one axis, all with the decimals that their step needs.
pub(super) fn tick_labels(ticks: &[f64]) -> Vec<String> {
    let largest = ticks.iter().fold(0.0_f64, |max, tick| max.max(tick.abs()));
    let step = ticks
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(f64::INFINITY, f64::min);
    if !(2e-3..1e5).contains(&largest) || !step.is_finite() {
        return ticks.iter().map(|&tick| number(tick)).collect();
    }
    let places = (0..12).find(|&places| {
        let scaled = step * 10_f64.powi(places);
        (scaled - scaled.round()).abs() < 1e-6 * scaled.max(1e-300)
    });
    match places {
        Some(places) => ticks
            .iter()
            .map(|tick| sign(&format!("{tick:.0$}", places as usize)))
            .collect(),
        None => ticks.iter().map(|&tick| number(tick)).collect(),
    }
}

/// The ticks of a logarithmic axis: plain numbers where all of them are, else powers of ten where all of them are.
pub(super) fn log_tick_labels(ticks: &[f64]) -> Vec<String> {
    let plain: Vec<String> = ticks.iter().map(|&tick| number(tick)).collect();
    let exponents: Vec<f64> = ticks.iter().map(|tick| tick.log10()).collect();
    let powers = exponents.iter().all(|e| (e - e.round()).abs() < 1e-9);
    if powers
        && plain
            .iter()
            .any(|label| label.starts_with("10") && !label.ends_with('0'))
    {
        let power = |e: &f64| format!("10{}", superscript(&e.round().to_string()));
        return exponents.iter().map(power).collect();
    }
    plain
}

/// A number with at most this many decimals and no trailing zeros.
pub(super) fn decimals(value: f64, places: usize) -> String {
    trimmed(&format!("{value:.places$}"))
}

fn trimmed(text: &str) -> String {
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    };
    sign(if text == "-0" { "0" } else { text })
}

/// With a minus sign instead of a hyphen.
fn sign(text: &str) -> String {
    text.replace('-', "−")
}

fn superscript(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c.to_digit(10) {
            Some(digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit as usize),
            None => Some('⁻'),
        })
        .collect()
}

/// One number, or the least and the largest of several.
pub(super) fn range(values: impl IntoIterator<Item = f64>) -> String {
    let start = (f64::INFINITY, f64::NEG_INFINITY);
    let (least, largest) = values
        .into_iter()
        .fold(start, |(least, largest), v| (least.min(v), largest.max(v)));
    match number(least) == number(largest) {
        true => number(least),
        false => format!("{} to {}", number(least), number(largest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_as_people_write_them() {
        let cases = [
            (0.0, "0"),
            (0.375, "0.375"),
            (0.04974, "0.0497"),
            (12.5, "12.5"),
            (-0.5, "−0.5"),
            (512.0, "512"),
            (12_345.6, "12346"),
            (1e6, "10⁶"),
            (-2.5e-7, "−2.5·10⁻⁷"),
            (9.9999e7, "10⁸"),
            (5e-324, "4.94·10⁻³²⁴"),
        ];
        for (value, expected) in cases {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(
            tick_labels(&ticks(-0.5, 0.5, 4)),
            ["−0.4", "−0.2", "0.0", "0.2", "0.4"]
        );
        assert_eq!(
            tick_labels(&ticks(0.0, 1.04, 5)),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(ticks(0.0, 0.0, 5), [0.0]);
        for (low, high) in [
            (0.0, 1e300),
            (1e-280, 3e-280),
            (-7.3, 1e5),
            (3.0, 3.0001),
            (0.0, 5e-324),
        ] {
            let ticks = ticks(low, high, 5);
            assert!((1..=21).contains(&ticks.len()), "{low}..{high}: {ticks:?}");
            assert!(
                ticks
                    .iter()
                    .all(|&t| t >= low - 1e-3 * (high - low) && t <= high + 1e-3 * (high - low))
            );
        }
    }

    #[test]
    fn logarithmic_ticks_thin_out_with_the_range() {
        assert_eq!(log_ticks(0.0, 1.0, 6), [1.0, 2.0, 5.0, 10.0]);
        assert_eq!(log_ticks(0.0, 3.0, 6), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(
            log_tick_labels(&[0.01, 0.1, 1.0, 10.0]),
            ["0.01", "0.1", "1", "10"]
        );
        assert_eq!(
            log_tick_labels(&[1e-4, 0.01, 1.0, 100.0]),
            ["10⁻⁴", "10⁻²", "10⁰", "10²"]
        );
        assert!((2..=8).contains(&log_ticks(-329.0, 329.0, 6).len()));
        assert!(log_ticks(0.04, 0.11, 6).len() >= 2);
    }
}
