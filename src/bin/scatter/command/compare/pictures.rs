//! The pictures of a report.

use anyhow::{Context, Result};
use ndarray::Array2;
use wavelet_scattering::compare::{Comparison, GaborFit, Histogram, Reference, quantile};
use wavelet_scattering::raster::Raster;
use wavelet_scattering::viz::learned::{self, Bank, Bars, Pair};
use wavelet_scattering::viz::{chart, color};

/// Pairs that the picture shows, the best ones.
const PAIRS: usize = 42;

/// The names of their files.
pub const FILES: [&str; 5] = [
    "filters.png",
    "plane.png",
    "histograms.png",
    "explained.png",
    "pairs.png",
];

/// One of each kind, named as their files are.
pub struct Pictures {
    pub filters: Raster,
    pub plane: Raster,
    pub histograms: Raster,
    pub explained: Raster,
    pub pairs: Raster,
}

impl Pictures {
    pub fn draw(comparison: &Comparison) -> Result<Self> {
        let bank = &comparison.bank;
        let kernels: Vec<Array2<f64>> = comparison
            .filters
            .iter()
            .map(|f| f.kernel.clone())
            .collect();
        let wave_ink = |fit: &GaborFit| {
            if fit.oscillation() >= 1.0 {
                color::item(1, 7)
            } else {
                [160; 3]
            }
        };
        let centers = |fit: &GaborFit| {
            let (sin, cos) = fit.gabor.theta.sin_cos();
            ([fit.gabor.xi * cos, fit.gabor.xi * sin], wave_ink(fit))
        };
        let learned = Bank {
            title: format!("{} learned filters", kernels.len()),
            kernels: &kernels,
            moduli: &comparison.moduli,
            sum: &comparison.coverage.sum,
            bounds: comparison.coverage.bounds,
            centers: comparison.fits().map(centers).collect(),
        };

        let shape = [kernels[0].nrows(), kernels[0].ncols()];
        let in_space = bank
            .wavelets()
            .iter()
            .map(|wavelet| {
                let kernel = bank.psi(wavelet.j, wavelet.l).kernel(shape)?;
                Ok(kernel.mapv(|psi| psi.re))
            })
            .collect::<Result<Vec<Array2<f64>>>>()?;
        let moduli: Vec<Array2<f64>> = bank
            .wavelets()
            .iter()
            .filter_map(|wavelet| bank.psi(wavelet.j, wavelet.l).to_array(0))
            .map(|psi_hat: Array2<f64>| psi_hat.mapv(f64::abs))
            .collect();
        let sum = bank.littlewood_paley(0).context("a bank has a level 0")?;
        let wavelets = Bank {
            title: format!(
                "{} Morlets, J = {}, L = {}",
                in_space.len(),
                bank.J(),
                bank.L()
            ),
            kernels: &in_space,
            moduli: &moduli,
            sum: &sum,
            bounds: comparison.bank_bounds,
            centers: bank
                .wavelets()
                .iter()
                .map(|w| {
                    (
                        [w.xi * w.theta.cos(), w.xi * w.theta.sin()],
                        color::item(1, 7),
                    )
                })
                .collect(),
        };
        Ok(Self {
            filters: learned::side_by_side(&learned, &wavelets)?,
            plane: learned::plane(&learned, &wavelets)?,
            histograms: histograms(comparison)?,
            explained: explained(&comparison.explained(), &comparison.references)?,
            pairs: pairs(comparison)?,
        })
    }

    /// In the order of [`FILES`].
    pub fn all(self) -> Vec<Raster> {
        vec![
            self.filters,
            self.plane,
            self.histograms,
            self.explained,
            self.pairs,
        ]
    }
}

fn histograms(comparison: &Comparison) -> Result<Raster> {
    let bank = &comparison.bank;
    let theta = Histogram::of_theta(comparison.waves(), bank.L());
    let xi = bank.description().mother.xi;
    let corner = 0.5_f64.sqrt();
    let found = comparison.waves().map(|fit| fit.gabor.xi);
    let log2_xi = Histogram::of_log2(found, xi, bank.J(), corner);
    let caption = format!(
        "The {} filters that are waves (ξ ≥ σ and at least half of their energy explained). Lines: the wavelets' grid.",
        comparison.waves().count()
    );
    let bars = [
        Bars {
            title: "Orientation".into(),
            axis: "θ (degrees, from axis 0 toward axis 1)".into(),
            edges: theta.edges,
            counts: theta.counts,
            marks: (0..bank.L())
                .map(|l| 180.0 * l as f64 / bank.L() as f64)
                .collect(),
            octaves: false,
        },
        Bars {
            title: "Frequency".into(),
            axis: "log2 ξ (ξ in cycles per pixel)".into(),
            edges: log2_xi.edges,
            counts: log2_xi.counts,
            marks: (0..bank.J()).map(|j| xi.log2() - j as f64).collect(),
            octaves: false,
        },
    ];
    Ok(learned::histograms(&caption, &bars)?)
}

/// Explained energy by rank, learned filters beside the references.
pub fn explained(own: &[f64], references: &[Reference]) -> Result<Raster> {
    let all = std::iter::once(("learned filters", own))
        .chain(references.iter().map(|r| (r.name, &r.explained[..])));
    let series: Vec<_> = all
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| {
            let curve = (0..=50).filter_map(|i| {
                let q = f64::from(i) / 50.0;
                Some((100.0 * q, 100.0 * quantile(values, q)?))
            });
            (name.to_string(), curve.collect())
        })
        .collect();
    Ok(chart::lines(
        "Energy that the nearest Gabor explains",
        [
            "share of the filters that have less (%)",
            "explained energy (%)",
        ],
        &series,
        [chart::Scale::Linear; 2],
    )?)
}

fn pairs(comparison: &Comparison) -> Result<Raster> {
    let mut found: Vec<_> = comparison
        .filters
        .iter()
        .enumerate()
        .filter_map(|(index, filter)| Some((index, filter, filter.nearest.as_ref()?)))
        .collect();
    found.sort_by(|a, b| b.2.correlation.total_cmp(&a.2.correlation));
    let total = found.len();
    found.truncate(PAIRS);
    let shown: Vec<_> = found
        .iter()
        .map(|(index, filter, nearest)| Pair {
            kernel: &filter.kernel,
            wavelet: &nearest.kernel,
            label: vec![
                format!("{index}: r = {:.2}", nearest.correlation),
                format!(
                    "j = {}, θ = {:.0}°",
                    nearest.wavelet.j,
                    nearest.wavelet.theta.to_degrees()
                ),
            ],
        })
        .collect();
    let caption = format!(
        "Left: the learned kernel, with its number; right: the Morlet that correlates best with it, at the best position \
         and phase. The best {} of {total}.",
        shown.len()
    );
    Ok(learned::pairs(
        "Learned filters and their nearest wavelets",
        &caption,
        &shown,
    )?)
}
