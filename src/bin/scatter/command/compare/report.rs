//! A comparison as a page, as a summary in Markdown, and as JSON.

use std::fmt::Write as _;

use anyhow::Result;
use maud::{Markup, html};
use serde_json::{Value, json};
use wavelet_scattering::compare::{
    Comparison, ComparisonParams, Coverage, Reference, quantile, superiority,
};

use super::pictures::Pictures;
use crate::page;

/// The page, with everything in it.
pub fn page(
    title: &str,
    lead: &str,
    texts: &[String],
    comparison: &Comparison,
    pictures: &Pictures,
) -> Result<String> {
    let body = html! {
        (page::section("What the numbers show", &page::paragraphs(texts)))
        (page::section("The filters", &html! {
            (page::figure(&pictures.filters, "Learned filters and Morlets in space and frequency, with Littlewood-Paley sums", "")?)
            (page::figure(&pictures.plane, "Half-height contours and centre frequencies in the frequency plane",
                "Grey dots: fits that are blobs rather than waves.")?)
        }))
        (page::section("How like a Gabor", &html! {
            (explained(&comparison.explained(), &comparison.references))
            (page::figure(&pictures.explained, "Explained energy against rank", "Every curve sorted; Fourier filters have no envelope, which a wide Gabor imitates.")?)
            (page::figure(&pictures.histograms, "Histograms of orientation and frequency", "")?)
        }))
        (page::section("The nearest wavelets", &html! {
            (page::figure(&pictures.pairs, "Pairs of a learned filter and its nearest Morlet", "")?)
        }))
        (page::section("Every filter", &page::details("table", &page::table(&FILTER_COLUMNS, &filter_rows(comparison)))))
    };
    Ok(page::page(title, lead, &body))
}

const EXPLAINED_COLUMNS: [&str; 6] = [
    "",
    "filters",
    "lower quartile",
    "median",
    "upper quartile",
    "learned is better",
];

/// How much the nearest Gabors explain, as a table of the page.
pub fn explained(own: &[f64], references: &[Reference]) -> Markup {
    page::table(&EXPLAINED_COLUMNS, &explained_rows(own, references))
}

/// The same in Markdown.
pub fn explained_in_markdown(own: &[f64], references: &[Reference]) -> String {
    let mut text = "| energy explained by a Gabor | ".to_string();
    text += &EXPLAINED_COLUMNS[1..].join(" | ");
    text += " |\n| --- | ---: | ---: | ---: | ---: | ---: |\n";
    for row in explained_rows(own, references) {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

fn explained_rows(own: &[f64], references: &[Reference]) -> Vec<Vec<String>> {
    let row = |name: &str, values: &[f64], chance: String| {
        let at = |q| quantile(values, q).map_or("-".to_string(), |v| format!("{:.1} %", 100.0 * v));
        vec![
            name.to_string(),
            values.len().to_string(),
            at(0.25),
            at(0.5),
            at(0.75),
            chance,
        ]
    };
    let mut rows = vec![row("learned filters", own, String::new())];
    for reference in references {
        let chance = superiority(own, &reference.explained)
            .map_or("-".to_string(), |p| format!("{:.0} % of pairs", 100.0 * p));
        rows.push(row(reference.name, &reference.explained, chance));
    }
    rows
}

const FILTER_COLUMNS: [&str; 11] = [
    "filter",
    "part",
    "energy",
    "explained",
    "θ (°)",
    "ξ",
    "σ",
    "slant",
    "phase (°)",
    "r",
    "nearest",
];

fn filter_rows(comparison: &Comparison) -> Vec<Vec<String>> {
    let rows = comparison
        .filters
        .iter()
        .enumerate()
        .map(|(index, filter)| {
            let share = filter.shares.iter().copied().fold(0.0, f64::max);
            let mut row = vec![
                index.to_string(),
                filter.part.name().to_string(),
                format!("{:.0} %", 100.0 * share),
            ];
            match &filter.fit {
                Some(fit) => row.extend([
                    format!("{:.1} %", 100.0 * fit.explained),
                    format!("{:.0}", fit.gabor.theta.to_degrees()),
                    format!("{:.3}", fit.gabor.xi),
                    format!("{:.3}", fit.gabor.sigma),
                    format!("{:.2}", fit.gabor.slant),
                    format!("{:.0}", fit.phase.to_degrees()),
                ]),
                None => row.extend(std::iter::repeat_n("-".to_string(), 6)),
            }
            match &filter.nearest {
                Some(found) => row.extend([
                    format!("{:.2}", found.correlation),
                    format!("j = {}, l = {}", found.wavelet.j, found.wavelet.l),
                ]),
                None => row.extend(["-".to_string(), "-".to_string()]),
            }
            row
        });
    rows.collect()
}

/// What the page says, in Markdown that shows the pictures beside it.
pub fn summary(
    title: &str,
    lead: &str,
    texts: &[String],
    table: &str,
    pictures: &[&str],
) -> String {
    let mut text = format!("# {title}\n\n{lead}\n");
    for paragraph in texts {
        let _ = write!(text, "\n{paragraph}\n");
    }
    let _ = write!(text, "\n{table}\n");
    for file in pictures {
        let _ = writeln!(text, "![{}]({file})", file.trim_end_matches(".png"));
    }
    text
}

/// Every number.
pub fn as_json(
    model: &str,
    tensor: &str,
    shape: &[usize],
    params: &ComparisonParams,
    comparison: &Comparison,
) -> Value {
    let Coverage { bounds, .. } = &comparison.coverage;
    let filters: Vec<Value> = comparison
        .filters
        .iter()
        .map(|filter| {
            json!({
                "part": filter.part.name(),
                "shares": filter.shares,
                "fit": filter.fit.map(|fit| json!({
                    "theta": fit.gabor.theta,
                    "xi": fit.gabor.xi,
                    "sigma": fit.gabor.sigma,
                    "slant": fit.gabor.slant,
                    "phase": fit.phase,
                    "amplitude": fit.amplitude,
                    "center": fit.center,
                    "explained": fit.explained,
                })),
                "nearest": filter.nearest.as_ref().map(|found| json!({
                    "lambda": found.lambda,
                    "j": found.wavelet.j,
                    "l": found.wavelet.l,
                    "theta": found.wavelet.theta,
                    "xi": found.wavelet.xi,
                    "correlation": found.correlation,
                    "center": found.center,
                    "phase": found.phase,
                })),
            })
        })
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "model": model,
        "tensor": tensor,
        "shape": shape,
        "J": comparison.bank.J(),
        "L": comparison.bank.L(),
        "seed": params.seed,
        "median_explained": quantile(&comparison.explained(), 0.5),
        "frame_bounds": { "A": bounds.lower, "B": bounds.upper, "covered": comparison.coverage.covered() },
        "wavelet_frame_bounds": { "A": comparison.bank_bounds.lower, "B": comparison.bank_bounds.upper },
        "filters": filters,
        "references": references_as_json(&comparison.references),
    })
}

/// What filters of other origin show.
pub fn references_as_json(references: &[Reference]) -> Vec<Value> {
    let one = |reference: &Reference| {
        json!({
            "name": reference.name,
            "explained": reference.explained,
            "correlations": reference.correlations,
        })
    };
    references.iter().map(one).collect()
}
