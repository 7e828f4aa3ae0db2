//! What the numbers of a comparison for signals show, in sentences.

use wavelet_scattering::compare::auditory::{erb, mel_bandwidth};
use wavelet_scattering::compare::{Comparison1d, GaborFit1d, Part, growth_exponent, quantile};

use super::super::words::{NOTHING, fits, median, nearest, percent};
use super::Unit;

/// One paragraph for each question, in the order of the figures.
pub fn paragraphs(comparison: &Comparison1d, unit: Unit) -> Vec<String> {
    let explained = comparison.explained();
    if explained.is_empty() {
        return vec![NOTHING.into()];
    }
    let waves: Vec<GaborFit1d> = comparison.waves().copied().collect();
    let wavelets = format!(
        "{} Morlets (J = {}, Q = {})",
        comparison.bank.wavelets().len(),
        comparison.J,
        comparison.Q
    );
    let mut texts = vec![
        fits(&explained, &comparison.references, comparison.filters.len()),
        shapes(comparison, &waves, unit),
    ];
    texts.extend(growth(comparison, &waves, unit));
    texts.push(coverage(comparison, unit));
    texts.push(nearest(
        &wavelets,
        &comparison.correlations(),
        &comparison.references,
    ));
    texts.extend(channels(comparison));
    texts
}

/// Which Gabors: waves or not, where, and how broad.
fn shapes(comparison: &Comparison1d, waves: &[GaborFit1d], unit: Unit) -> String {
    let mut text = format!(
        "{} of {} filters are waves (ξ ≥ σ, at least half of the energy explained); the others are blobs, edges or \
         nothing that a Gabor describes.",
        waves.len(),
        comparison.filters.len()
    );
    if waves.len() < 2 {
        return text;
    }
    let xi: Vec<_> = waves.iter().map(|fit| fit.gabor.xi).collect();
    let [low, high] = [0.25, 0.75].map(|q| quantile(&xi, q).unwrap_or(1.0));
    let relative = waves
        .iter()
        .map(|fit| fit.bandwidth(comparison.samples()) / fit.gabor.xi);
    let ladder = comparison.bank.wavelets()[0].gabor();
    text += &format!(
        " Of the waves, the median frequency is {} and the middle half spans {:.1} octaves, {} to {}; the equivalent \
         rectangular bandwidth is {:.2} of the frequency in the median (wavelets of Q = {}: {:.2}).",
        unit.words(median(&xi)),
        (high / low).log2(),
        unit.number(low),
        unit.words(high),
        median(&relative.collect::<Vec<_>>()),
        comparison.Q,
        ladder.equivalent_bandwidth() / ladder.xi,
    );
    text
}

/// How bandwidth grows, beside wavelets and hearing.
fn growth(comparison: &Comparison1d, waves: &[GaborFit1d], unit: Unit) -> Option<String> {
    let exponent = comparison.bandwidth_exponent(waves.iter())?;
    let packets: Vec<GaborFit1d> = comparison.packets().copied().collect();
    let mut text = format!(
        "The bandwidth of the waves grows as the centre frequency to the power {exponent:.2}; for wavelets of constant Q \
         that is 1, for windows of one length 0. {} of them fill the kernel, and are about as narrow as its {} samples allow, {}.",
        waves.len() - packets.len(),
        comparison.samples(),
        unit.words(1.0 / comparison.samples() as f64),
    );
    if packets.len() < waves.len()
        && let Some(exponent) = comparison.bandwidth_exponent(packets.iter())
    {
        text += &format!(
            " Of the {} others the exponent is {exponent:.2}.",
            packets.len()
        );
    }
    let Some(rate) = unit.rate else {
        return Some(text + " With --rate they stand beside mel and ERB scales.");
    };
    for (name, bandwidth) in [
        ("ERB scale", erb as fn(f64) -> f64),
        ("mel scale", mel_bandwidth),
    ] {
        let scale = |fits: &[GaborFit1d]| -> Vec<[f64; 2]> {
            let centers = fits.iter().map(|fit| rate * fit.gabor.xi);
            centers.map(|f| [f, bandwidth(f)]).collect()
        };
        let ratios = |fits: &[GaborFit1d]| -> Vec<f64> {
            let found = fits
                .iter()
                .map(|fit| rate * fit.bandwidth(comparison.samples()));
            let expected = scale(fits);
            found.zip(expected).map(|(b, [_, e])| b / e).collect()
        };
        let all = ratios(waves);
        text += &format!(
            " On the {name} it is {:.2} over the frequencies of all, and a wave is {:.2} times as broad in the median, the \
             middle half {:.2} to {:.2} times",
            growth_exponent(&scale(waves)).unwrap_or(f64::NAN),
            median(&all),
            quantile(&all, 0.25).unwrap_or(f64::NAN),
            quantile(&all, 0.75).unwrap_or(f64::NAN),
        );
        if !packets.is_empty() && packets.len() < waves.len() {
            text += &format!(
                "; those that do not fill the kernel {:.2} times",
                median(&ratios(&packets))
            );
        }
        text += ".";
    }
    Some(text)
}

/// Does the layer keep what it hears?
fn coverage(comparison: &Comparison1d, unit: Unit) -> String {
    let (coverage, bank) = (&comparison.coverage, comparison.bank_bounds);
    let bounds = coverage.bounds;
    let ratio = if bounds.lower > 0.0 {
        format!("B/A = {:.3e}", bounds.upper / bounds.lower)
    } else {
        "A is zero".to_string()
    };
    let grid = coverage.sum.len();
    let enough = |&k: &usize| coverage.sum[[k, 0]] >= 0.1 * bounds.upper;
    let first = (0..=grid / 2).find(enough).unwrap_or(0);
    let last = (0..=grid / 2).rfind(enough).unwrap_or(0);
    let at = |k: usize| k as f64 / grid as f64;
    format!(
        "The Littlewood-Paley sum of the layer at stride 1 lies between A = {:.3e} and B = {:.3e} ({ratio}) and exceeds a \
         tenth of its maximum on {} of the frequencies, all of them between {} and {}. The wavelets with their low-pass \
         have A = {:.3} and B = {:.3}.",
        bounds.lower,
        bounds.upper,
        percent(coverage.covered()),
        unit.number(at(first)),
        unit.words(at(last)),
        bank.lower,
        bank.upper,
    )
}

/// Where the energy is among the channels; nothing to say about a layer for mono.
fn channels(comparison: &Comparison1d) -> Option<String> {
    let filters = &comparison.filters;
    if filters.first()?.shares.len() < 2 {
        return None;
    }
    let mid = filters.iter().filter(|f| f.part == Part::Mid).count();
    let shares: Vec<f64> = filters.iter().map(|filter| filter.shares[0]).collect();
    Some(format!(
        "Of {} filters, {mid} have most of their energy in what left and right have in common and {} in their difference; \
         the median share of the former is {}. Fits and matches are those of the stronger part.",
        filters.len(),
        filters.len() - mid,
        percent(median(&shares)),
    ))
}
