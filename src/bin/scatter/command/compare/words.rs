//! What the numbers of a comparison show, in sentences: the same ones for the page, the summary and the terminal.

use wavelet_scattering::compare::{Comparison, GaborFit, Part, Reference, quantile, superiority};

pub fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}

pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5).unwrap_or(f64::NAN)
}

/// What is said of a layer of zeros.
pub const NOTHING: &str = "Every filter of this layer is zero: there is nothing to compare.";

/// One paragraph for each question, in the order of the figures.
pub fn paragraphs(comparison: &Comparison) -> Vec<String> {
    let explained = comparison.explained();
    if explained.is_empty() {
        return vec![NOTHING.into()];
    }
    let mut texts = vec![fits(
        &explained,
        &comparison.references,
        comparison.filters.len(),
    )];
    texts.push(shapes(comparison));
    texts.push(coverage(comparison));
    texts.push(matches(comparison));
    if let Some(text) = colors(comparison) {
        texts.push(text);
    }
    texts
}

/// Are they Gabors, more than chance would have it? The first of the references is chance.
pub fn fits(explained: &[f64], references: &[Reference], filters: usize) -> String {
    let random = &references[0].explained;
    let mut text = format!(
        "A Gabor explains {} of a filter's energy in the median (a quarter of the filters have less than {}, a quarter \
         more than {}).",
        percent(median(explained)),
        percent(quantile(explained, 0.25).unwrap_or(f64::NAN)),
        percent(quantile(explained, 0.75).unwrap_or(f64::NAN)),
    );
    for reference in references {
        text += &format!(
            " For {} it is {}.",
            reference.name,
            percent(median(&reference.explained))
        );
    }
    let bar = quantile(random, 0.95).unwrap_or(1.0);
    let above = explained.iter().filter(|&&share| share > bar).count();
    let chance = superiority(explained, random).unwrap_or(0.5);
    text += &format!(
        " {above} of {} filters lie above what 95 % of random filters of this size reach ({}); a learned filter is \
         better explained than a random one with probability {chance:.2}. ",
        explained.len(),
        percent(bar),
    );
    text += if chance >= 0.9 {
        "The filters are like Gabors to a degree that chance does not give."
    } else if chance >= 0.7 {
        "The filters lean toward Gabors, but many could be chance."
    } else if chance >= 0.3 {
        "By this measure the layer cannot be told from random filters."
    } else {
        "The filters are less like Gabors than random ones: their structure is of another kind."
    };
    let dead = filters - explained.len();
    if dead > 0 {
        text += &format!(" {dead} filters are zero and left out.");
    }
    text
}

/// Which Gabors: waves or blobs, and one shape dilated or not.
fn shapes(comparison: &Comparison) -> String {
    let waves: Vec<&GaborFit> = comparison.waves().collect();
    let of = |what: fn(&GaborFit) -> f64| waves.iter().map(|fit| what(fit)).collect::<Vec<_>>();
    let mut text = format!(
        "{} of {} filters are waves (ξ ≥ σ, at least half of the energy explained); the others are blobs, edges or \
         nothing that a Gabor describes.",
        waves.len(),
        comparison.filters.len()
    );
    if waves.len() < 2 {
        return text;
    }
    let xi = of(|fit| fit.gabor.xi);
    let mother = comparison.bank.description().mother;
    text += &format!(
        " Of the waves, the median frequency is {:.2} cycles per pixel and the middle half spans {:.1} octaves; the \
         bandwidth is {:.2} of the frequency (wavelets: {:.2}), the slant {:.2} (wavelets: {:.2}).",
        median(&xi),
        (quantile(&xi, 0.75).unwrap_or(1.0) / quantile(&xi, 0.25).unwrap_or(1.0)).log2(),
        median(&of(|fit| fit.gabor.sigma / fit.gabor.xi)),
        mother.sigma / mother.xi,
        median(&of(|fit| fit.gabor.slant)),
        comparison.bank.description().slant(),
    );
    if waves.len() >= 8 {
        let near = |fit: &&&GaborFit| {
            let quarter = std::f64::consts::FRAC_PI_2;
            let off = fit.gabor.theta.rem_euclid(quarter);
            off.min(quarter - off) < quarter / 4.0
        };
        let along = waves.iter().filter(near).count() as f64 / waves.len() as f64;
        text += &format!(
            " {} of them point within 22.5° of an axis of the image, where an even spread of orientations has 50 %.",
            percent(along)
        );
    }
    text
}

/// Does the layer keep what it sees?
fn coverage(comparison: &Comparison) -> String {
    let bounds = comparison.coverage.bounds;
    let bank = comparison.bank_bounds;
    let ratio = if bounds.lower > 0.0 {
        format!("B/A = {:.3e}", bounds.upper / bounds.lower)
    } else {
        "A is zero".to_string()
    };
    format!(
        "The Littlewood-Paley sum of the layer on grey images lies between A = {:.3e} and B = {:.3e} ({ratio}) and \
         exceeds a tenth of its maximum on {} of the frequency plane. The wavelets with their low-pass have A = {:.3} \
         and B = {:.3}. {}",
        bounds.lower,
        bounds.upper,
        percent(comparison.coverage.covered()),
        bank.lower,
        bank.upper,
        if comparison.coverage.covered() >= 0.8 {
            "The layer covers the plane about evenly: it is close to a frame and loses little."
        } else if comparison.coverage.covered() >= 0.4 {
            "The layer prefers some frequencies and attenuates others."
        } else {
            "The layer listens to a small part of the plane and is nearly deaf elsewhere."
        }
    )
}

/// Are they these wavelets?
fn matches(comparison: &Comparison) -> String {
    let bank = &comparison.bank;
    let wavelets = format!(
        "{} Morlets (J = {}, L = {})",
        bank.wavelets().len(),
        bank.J(),
        bank.L()
    );
    nearest(
        &wavelets,
        &comparison.correlations(),
        &comparison.references,
    )
}

/// How close the nearest of these wavelets come.
pub fn nearest(wavelets: &str, learned: &[f64], references: &[Reference]) -> String {
    let random = &references[0].correlations;
    let mut text = format!(
        "The nearest of the {wavelets} correlates with {:.2} in the median over the filters",
        median(learned),
    );
    for reference in references.iter().filter(|r| !r.correlations.is_empty()) {
        text += &format!(
            ", with {:.2} over {}",
            median(&reference.correlations),
            reference.name
        );
    }
    text += &format!(
        "; a learned filter comes closer to its wavelet than a random one with probability {:.2}.",
        superiority(learned, random).unwrap_or(0.5),
    );
    text
}

/// Where the energy is among the colours; nothing to say about a layer for grey images.
fn colors(comparison: &Comparison) -> Option<String> {
    let parts = comparison.filters.first()?.shares.len();
    if parts < 2 {
        return None;
    }
    let count = |part: Part| comparison.filters.iter().filter(|f| f.part == part).count();
    let grey: Vec<f64> = comparison
        .filters
        .iter()
        .map(|filter| filter.shares[0])
        .collect();
    Some(format!(
        "Of {} filters, {} have most of their energy in luminance, {} in red against green and {} in yellow against \
         blue; the median share of luminance is {}. Fits and matches are those of the strongest part.",
        comparison.filters.len(),
        count(Part::Luminance),
        count(Part::RedGreen),
        count(Part::YellowBlue),
        percent(median(&grey)),
    ))
}
