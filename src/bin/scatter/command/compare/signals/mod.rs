//! The report on a layer for signals.

mod pictures;
mod words;

use anyhow::{Context, Result};
use maud::html;
use ndarray::Ix3;
use serde_json::{Value, json};
use wavelet_scattering::compare::{Comparison1d, ComparisonParams1d, Coverage, Layer, quantile};

use super::inputs::Source;
use super::report::{explained, explained_in_markdown, references_as_json, summary};
use super::{Report, in_what_order};
use crate::args::CompareArgs;
use crate::page;
pub use pictures::FILES as PICTURES;
use pictures::Pictures;

/// In what frequencies are written.
#[derive(Debug, Clone, Copy)]
struct Unit {
    /// Samples per second, if that is known.
    rate: Option<f64>,
}

impl Unit {
    fn name(self) -> &'static str {
        match self.rate {
            Some(_) => "Hz",
            None => "cycles per sample",
        }
    }

    /// A frequency in cycles per sample in this unit.
    fn of(self, xi: f64) -> f64 {
        self.rate.unwrap_or(1.0) * xi
    }

    /// The same in words, without the unit.
    fn number(self, xi: f64) -> String {
        let value = self.of(xi);
        match self.rate {
            Some(_) if value >= 100.0 => format!("{value:.0}"),
            Some(_) => format!("{value:.1}"),
            None => format!("{value:.4}"),
        }
    }

    fn words(self, xi: f64) -> String {
        format!("{} {}", self.number(xi), self.name())
    }
}

pub fn report(source: &Source, args: &CompareArgs) -> Result<Report> {
    let params = ComparisonParams1d {
        J: args.J,
        Q: args.Q,
        random: args.random,
        seed: args.seed,
    };
    let unit = Unit { rate: args.rate };
    let weights = source.weights.view().into_dimensionality::<Ix3>()?;
    let layer = Layer::of_signals(weights).with_context(|| in_what_order(source))?;
    let comparison = Comparison1d::new(&layer, &params)?;
    let title = format!(
        "{}: {} filters of {} samples beside wavelets",
        source.name,
        layer.len(),
        layer.shape()[0]
    );
    let texts = words::paragraphs(&comparison, unit);
    let pictures = Pictures::draw(&comparison, unit)?;
    let table = explained_in_markdown(&comparison.explained(), &comparison.references);
    Ok(Report {
        page: on_a_page(&title, &source.lead, &texts, &comparison, &pictures, unit)?,
        summary: summary(&title, &source.lead, &texts, &table, &PICTURES),
        numbers: as_json(source, &params, &comparison, unit),
        pictures: pictures.all(),
        title,
        texts,
    })
}

fn on_a_page(
    title: &str,
    lead: &str,
    texts: &[String],
    comparison: &Comparison1d,
    pictures: &Pictures,
    unit: Unit,
) -> Result<String> {
    let growth = "Both axes are logarithmic, so that constant Q is a line of slope 1. Bandwidths are equivalent rectangular ones \
                  of the power response: √π·σ of a Gabor, and of one that its kernel cuts off what is left of it, one over the \
                  kernel's duration at least. Fits with ξ < σ have no centre to speak of and are left out. The wavelets bend \
                  where their duration reaches 2^J samples.";
    let body = html! {
        (page::section("What the numbers show", &page::paragraphs(texts)))
        (page::section("The filters", &html! {
            (page::figure(&pictures.filters, "Learned filters in time with their Gabor fits, by centre frequency", "")?)
            (page::figure(&pictures.spectra, "Moduli of the transfer functions of all filters, by centre frequency", "")?)
        }))
        (page::section("How broad at which frequency", &html! {
            (page::figure(&pictures.bandwidth, "Bandwidth against centre frequency, beside wavelets and scales of hearing", growth)?)
            (page::figure(&pictures.histograms, "Histograms of centre frequency and relative bandwidth", "")?)
        }))
        (page::section("How like a Gabor", &html! {
            (explained(&comparison.explained(), &comparison.references))
            (page::figure(&pictures.explained, "Explained energy against rank", "Every curve sorted.")?)
        }))
        (page::section("What is heard", &html! {
            (page::figure(&pictures.cover, "Littlewood-Paley sums of layer and wavelets", "Each over its own maximum.")?)
        }))
        (page::section("The nearest wavelets", &html! {
            (page::figure(&pictures.pairs, "Learned filters, each with its nearest Morlet", "")?)
        }))
        (page::section("Every filter", &page::details("table", &page::table(&columns(unit), &rows(comparison, unit)))))
    };
    Ok(page::page(title, lead, &body))
}

fn columns(unit: Unit) -> [&'static str; 10] {
    let [xi, bandwidth] = match unit.rate {
        Some(_) => ["ξ (Hz)", "bandwidth (Hz)"],
        None => ["ξ", "bandwidth"],
    };
    [
        "filter",
        "part",
        "energy",
        "explained",
        xi,
        bandwidth,
        "centre (samples)",
        "phase (°)",
        "r",
        "nearest",
    ]
}

fn rows(comparison: &Comparison1d, unit: Unit) -> Vec<Vec<String>> {
    let filters = comparison.filters.iter().enumerate();
    let row = filters.map(|(index, filter)| {
        let share = filter.shares.iter().copied().fold(0.0, f64::max);
        let mut row = vec![
            index.to_string(),
            filter.part.name().to_string(),
            format!("{:.0} %", 100.0 * share),
        ];
        match &filter.fit {
            Some(fit) => row.extend([
                format!("{:.1} %", 100.0 * fit.explained),
                unit.number(fit.gabor.xi),
                unit.number(fit.bandwidth(comparison.samples())),
                format!("{:.0}", fit.center),
                format!("{:.0}", fit.phase.to_degrees()),
            ]),
            None => row.extend(std::iter::repeat_n("-".to_string(), 5)),
        }
        match &filter.nearest {
            Some(found) => row.extend([
                format!("{:.2}", found.correlation),
                format!("n = {}", found.wavelet.n),
            ]),
            None => row.extend(["-".to_string(), "-".to_string()]),
        }
        row
    });
    row.collect()
}

/// Every number; frequencies in cycles per sample, and in hertz where they end so.
fn as_json(
    source: &Source,
    params: &ComparisonParams1d,
    comparison: &Comparison1d,
    unit: Unit,
) -> Value {
    let Coverage { bounds, .. } = &comparison.coverage;
    let hertz = |xi: f64| unit.rate.map(|rate| rate * xi);
    let filters = comparison.filters.iter().map(|filter| {
        json!({
            "part": filter.part.name(),
            "shares": filter.shares,
            "fit": filter.fit.map(|fit| json!({
                "xi": fit.gabor.xi,
                "sigma": fit.gabor.sigma,
                "xi_hz": hertz(fit.gabor.xi),
                "bandwidth": fit.bandwidth(comparison.samples()),
                "bandwidth_hz": hertz(fit.bandwidth(comparison.samples())),
                "center": fit.center,
                "phase": fit.phase,
                "amplitude": fit.amplitude,
                "explained": fit.explained,
            })),
            "nearest": filter.nearest.as_ref().map(|found| json!({
                "n": found.wavelet.n,
                "xi": found.wavelet.xi,
                "sigma": found.wavelet.sigma,
                "correlation": found.correlation,
                "center": found.center,
                "phase": found.phase,
            })),
        })
    });
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "model": source.name,
        "tensor": source.tensor,
        "shape": source.weights.shape(),
        "J": comparison.J,
        "Q": comparison.Q,
        "rate": unit.rate,
        "seed": params.seed,
        "median_explained": quantile(&comparison.explained(), 0.5),
        "waves": comparison.waves().count(),
        "packets": comparison.packets().count(),
        "bandwidth_exponent": {
            "waves": comparison.bandwidth_exponent(comparison.waves()),
            "packets": comparison.bandwidth_exponent(comparison.packets()),
        },
        "frame_bounds": { "A": bounds.lower, "B": bounds.upper, "covered": comparison.coverage.covered() },
        "wavelet_frame_bounds": { "A": comparison.bank_bounds.lower, "B": comparison.bank_bounds.upper },
        "filters": filters.collect::<Vec<_>>(),
        "references": references_as_json(&comparison.references),
    })
}
