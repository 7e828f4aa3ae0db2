//! The pictures of a report on a layer for signals.

use anyhow::Result;
use ndarray::{Array2, Axis};
use wavelet_scattering::compare::auditory::{erb, mel_bandwidth};
use wavelet_scattering::compare::{Comparison1d, GaborFit1d, Histogram};
use wavelet_scattering::raster::Raster;
use wavelet_scattering::viz::chart::{self, Scale};
use wavelet_scattering::viz::learned::{self, Bars, Spectra, Trace};

use super::super::pictures::explained;
use super::Unit;

/// The names of their files.
pub const FILES: [&str; 7] = [
    "filters.png",
    "spectra.png",
    "bandwidth.png",
    "histograms.png",
    "explained.png",
    "cover.png",
    "pairs.png",
];

/// Filters that a picture of waves in time shows at most.
const SHOWN: usize = 256;

/// Pairs that a picture shows, the best ones.
const PAIRS: usize = 40;

/// One of each kind, named as their files are.
pub struct Pictures {
    pub filters: Raster,
    pub spectra: Raster,
    pub bandwidth: Raster,
    pub histograms: Raster,
    pub explained: Raster,
    pub cover: Raster,
    pub pairs: Raster,
}

impl Pictures {
    pub fn draw(comparison: &Comparison1d, unit: Unit) -> Result<Self> {
        let order = by_center(comparison);
        Ok(Self {
            filters: filters(comparison, unit, &order)?,
            spectra: spectra(comparison, unit, &order)?,
            bandwidth: bandwidth(comparison, unit)?,
            histograms: histograms(comparison, unit)?,
            explained: explained(&comparison.explained(), &comparison.references)?,
            cover: cover(comparison, unit)?,
            pairs: pairs(comparison, unit)?,
        })
    }

    /// In the order of [`FILES`].
    pub fn all(self) -> Vec<Raster> {
        vec![
            self.filters,
            self.spectra,
            self.bandwidth,
            self.histograms,
            self.explained,
            self.cover,
            self.pairs,
        ]
    }
}

/// Indices of the filters by growing centre frequency, those of zeros first.
fn by_center(comparison: &Comparison1d) -> Vec<usize> {
    let filters = &comparison.filters;
    let center = |index: usize| filters[index].fit.map_or(-1.0, |fit| fit.gabor.xi);
    let mut order: Vec<usize> = (0..filters.len()).collect();
    order.sort_by(|&a, &b| center(a).total_cmp(&center(b)));
    order
}

fn filters(comparison: &Comparison1d, unit: Unit, order: &[usize]) -> Result<Raster> {
    // Evenly from all frequencies, where there are too many.
    let step = order.len().div_ceil(SHOWN);
    let shown = order.iter().step_by(step).map(|&index| {
        let filter = &comparison.filters[index];
        let label = match &filter.fit {
            Some(fit) => vec![
                match fit.oscillation() >= 1.0 {
                    true => format!("{index}: {}", unit.words(fit.gabor.xi)),
                    false => format!("{index}: blob"),
                },
                format!("explained {:.0} %", 100.0 * fit.explained),
            ],
            None => vec![format!("{index}: zero")],
        };
        Trace {
            kernel: &filter.kernel,
            model: filter.fit.map(|fit| fit.kernel(filter.kernel.len())),
            label,
        }
    });
    let shown: Vec<_> = shown.collect();
    let caption = format!(
        "Blue: the learned kernel, {} samples. Orange: its nearest Gabor. Below: the number of the filter and the centre \
         frequency of the Gabor, and the share of the kernel's energy that it explains. Every panel is on its own scale.",
        comparison.samples()
    );
    let title = match step {
        1 => format!("{} learned filters by centre frequency", order.len()),
        _ => format!(
            "{} of {} learned filters by centre frequency",
            shown.len(),
            order.len()
        ),
    };
    Ok(learned::traces(&title, &caption, &shown)?)
}

fn spectra(comparison: &Comparison1d, unit: Unit, order: &[usize]) -> Result<Raster> {
    // The highest on top, as in a scalogram.
    let order: Vec<usize> = order.iter().rev().copied().collect();
    let moduli: Array2<f64> = comparison.moduli.select(Axis(0), &order);
    let is_wave = |fit: &&GaborFit1d| fit.oscillation() >= 1.0;
    let centers = order.iter().map(|&index| {
        let fit = comparison.filters[index].fit.as_ref();
        fit.filter(is_wave).map(|fit| unit.of(fit.gabor.xi))
    });
    let shown = Spectra {
        moduli: &moduli,
        centers: centers.collect(),
        highest: unit.of(0.5),
        lowest: unit.of(lowest(comparison)),
        axis: format!("frequency ({})", unit.name()),
    };
    let caption = "One row a filter, by the centre frequency of its nearest Gabor, the highest on top: the modulus of its \
                   transfer function over its maximum, dark at zero. Dots: these centre frequencies, where the Gabor is a \
                   wave and not a blob.";
    let title = format!("Spectra of {} learned filters", order.len());
    Ok(learned::spectra(&title, caption, &shown)?)
}

/// Where axes of frequency begin: half a period in a kernel.
fn lowest(comparison: &Comparison1d) -> f64 {
    0.5 / comparison.samples() as f64
}

fn bandwidth(comparison: &Comparison1d, unit: Unit) -> Result<Raster> {
    let len = comparison.samples();
    let point = |fit: &GaborFit1d| (unit.of(fit.gabor.xi), unit.of(fit.bandwidth(len)));
    let waves: Vec<_> = comparison.waves().map(point).collect();
    let others = comparison
        .fits()
        .filter(|fit| fit.oscillation() >= 1.0 && fit.explained < 0.5);
    let others: Vec<_> = others.map(point).collect();
    let points = [
        (format!("learned, {} waves", waves.len()), waves),
        (
            format!("{} others, explained by less than half", others.len()),
            others,
        ),
    ];
    let points: Vec<_> = points
        .into_iter()
        .filter(|(_, points)| !points.is_empty())
        .collect();
    let wavelets = comparison.bank.wavelets().iter();
    let ladder = wavelets.map(|psi| {
        let gabor = psi.gabor();
        (unit.of(gabor.xi), unit.of(gabor.equivalent_bandwidth()))
    });
    let ladder: Vec<_> = ladder.collect();
    let ends = points
        .iter()
        .flat_map(|(_, points)| points)
        .chain(&ladder)
        .fold([f64::INFINITY, 0.0], |[low, high]: [f64; 2], &(x, _)| {
            [low.min(x), high.max(x)]
        });
    let mut curves = vec![(
        format!("Morlets, J = {}, Q = {}", comparison.J, comparison.Q),
        ladder,
    )];
    let least = unit.of(1.0 / len as f64);
    if unit.rate.is_some() {
        // More than sixty points are drawn as a line alone.
        let over = |bandwidth: fn(f64) -> f64| {
            let at = |i: u32| ends[0] * (ends[1] / ends[0]).powf(f64::from(i) / 200.0);
            (0..=200).map(|i| (at(i), bandwidth(at(i)))).collect()
        };
        curves.push(("ERB (Glasberg & Moore)".into(), over(erb)));
        curves.push(("mel (Slaney)".into(), over(mel_bandwidth)));
    }
    curves.push((
        format!("a window of {len} samples"),
        ends.map(|end| (end, least)).to_vec(),
    ));
    let axes = ["centre frequency", "equivalent rectangular bandwidth"];
    let [x, y] = axes.map(|name| format!("{name} ({})", unit.name()));
    Ok(chart::scatter(
        "Bandwidth against centre frequency",
        [&x, &y],
        &points,
        &curves,
        [Scale::Log; 2],
    )?)
}

fn histograms(comparison: &Comparison1d, unit: Unit) -> Result<Raster> {
    let wavelets = comparison.bank.wavelets();
    let octaves = (wavelets[0].xi / lowest(comparison)).log2().ceil().max(1.0) as usize;
    let found = comparison.waves().map(|fit| unit.of(fit.gabor.xi));
    let first = unit.of(wavelets[0].xi);
    let centers = Histogram::of_log2(found, first, octaves, unit.of(0.5));
    let first_gabor = wavelets[0].gabor();
    let ladder = first_gabor.equivalent_bandwidth() / first_gabor.xi;
    let relative = |fit: &GaborFit1d| fit.bandwidth(comparison.samples()) / fit.gabor.xi;
    let found: Vec<f64> = comparison.waves().map(relative).collect();
    let ends = found.iter().fold([ladder, ladder], |[low, high], &value| {
        [low.min(value), high.max(value)]
    });
    let below = (ladder / ends[0]).log2().ceil() as usize + 1;
    let bandwidths = Histogram::of_log2(found, ladder, below, 2.0 * ends[1]);
    let caption = format!(
        "The {} filters that are waves (ξ ≥ σ and at least half of their energy explained), in bins of a quarter octave. Lines: \
         every octave of the wavelets; their bandwidth.",
        comparison.waves().count()
    );
    let bars = [
        Bars {
            title: "Centre frequency".into(),
            axis: format!("ξ ({})", unit.name()),
            edges: centers.edges,
            counts: centers.counts,
            marks: (0..octaves).map(|j| first.log2() - j as f64).collect(),
            octaves: true,
        },
        Bars {
            title: "Relative bandwidth".into(),
            axis: "equivalent rectangular bandwidth over ξ".into(),
            edges: bandwidths.edges,
            counts: bandwidths.counts,
            marks: vec![ladder.log2()],
            octaves: true,
        },
    ];
    Ok(learned::histograms(&caption, &bars)?)
}

/// Littlewood-Paley sums of layer and wavelets.
fn cover(comparison: &Comparison1d, unit: Unit) -> Result<Raster> {
    const POINTS: usize = 600;
    let layer = &comparison.coverage.sum;
    let wavelets = comparison.bank.littlewood_paley();
    let grid = wavelets.len();
    let low = lowest(comparison);
    let curve = |sum: &dyn Fn(usize) -> f64, upper: f64| -> Vec<(f64, f64)> {
        let mut places: Vec<usize> = (0..=POINTS)
            .map(|i| low * (0.5 / low).powf(i as f64 / POINTS as f64))
            .map(|xi| (xi * grid as f64).round() as usize)
            .filter(|&k| k > 0 && k <= grid / 2)
            .collect();
        places.dedup();
        let floor = 1e-8; // what is less is nothing
        let value = |k: usize| (sum(k) / upper.max(f64::MIN_POSITIVE)).max(floor);
        let point = |k: usize| (unit.of(k as f64 / grid as f64), value(k));
        places.into_iter().map(point).collect()
    };
    let series = [
        (
            "the layer".to_string(),
            curve(&|k| layer[[k, 0]], comparison.coverage.bounds.upper),
        ),
        (
            "the wavelets with their low-pass".to_string(),
            curve(&|k| wavelets[k], comparison.bank_bounds.upper),
        ),
    ];
    let axis = format!("frequency ({})", unit.name());
    Ok(chart::lines(
        "Littlewood-Paley sum over its maximum",
        [&axis, "sum of |ĝ|²"],
        &series,
        [Scale::Log; 2],
    )?)
}

fn pairs(comparison: &Comparison1d, unit: Unit) -> Result<Raster> {
    let mut found: Vec<_> = comparison.filters.iter().enumerate().collect();
    let correlation = |index: usize| {
        let nearest = comparison.filters[index].nearest.as_ref();
        nearest.map_or(-1.0, |nearest| nearest.correlation)
    };
    found.sort_by(|a, b| correlation(b.0).total_cmp(&correlation(a.0)));
    let total = found.len();
    let shown = found.iter().take(PAIRS).map(|(index, filter)| Trace {
        kernel: &filter.kernel,
        model: filter.nearest.as_ref().map(|found| found.kernel.clone()),
        label: match &filter.nearest {
            Some(found) => vec![
                format!("{index}: r = {:.2}", found.correlation),
                format!("n = {}, {}", found.wavelet.n, unit.words(found.wavelet.xi)),
            ],
            None => vec![format!("{index}: zero")],
        },
    });
    let shown: Vec<_> = shown.collect();
    let caption = format!(
        "Blue: the learned kernel, with its number. Orange: the Morlet that correlates best with it, at the best position \
         and phase. The best {} of {total}.",
        shown.len()
    );
    Ok(learned::traces(
        "Learned filters and their nearest wavelets",
        &caption,
        &shown,
    )?)
}
