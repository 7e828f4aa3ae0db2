//! [`Comparison`]: everything this module has to say about one layer, with baselines beside it.
//!
//! Comes in: a [`Layer`]. Goes out: for every filter its Gabor fit and its nearest wavelet, the same for random,
//! Fourier and, given images, principal filters of the same shape, and how layer and bank cover the frequency plane.
//!
//! Of a filter for colour images the part with the most energy is fitted; the cover is that of the luminance parts,
//! which is what a grey image meets.

use ndarray::{Array2, ArrayView3};

use super::coverage::Coverage;
use super::gabor_fit::{self, GaborFit};
use super::layer::{Layer, Part};
use super::nearest::{Match, nearest};
use super::{baseline, spectrum};
use crate::filters::{FilterBank2d, FilterBank2dParams, FrameBounds};
use crate::{Error, Result};

/// Samples per axis of the frequency plane.
const GRID: usize = 64;

/// What to compare a layer with.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonParams {
    /// Scales of the wavelets; `None` for as many as the kernels can show, log2 of their shorter side.
    pub J: Option<usize>,
    /// Orientations of the wavelets.
    pub L: usize,
    /// Number of random filters.
    pub random: usize,
    /// Seed of the random filters.
    pub seed: u64,
}

impl Default for ComparisonParams {
    fn default() -> Self {
        Self {
            J: None,
            L: 8,
            random: 200,
            seed: 0,
        }
    }
}

impl ComparisonParams {
    /// Whether a layer of kernels of this many rows and columns can be compared so; nothing is computed.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for J, L or a number of random filters out of range; [`Error::WrongShape`] for
    /// kernels that are too small or too large to be [fitted](gabor_fit::fit).
    pub fn check(&self, kernel: [usize; 2]) -> Result<()> {
        gabor_fit::check_shape(kernel)?;
        self.bank(kernel).map(drop)
    }

    /// The wavelets that kernels of this many rows and columns are compared with.
    fn bank(&self, [rows, columns]: [usize; 2]) -> Result<FilterBank2dParams> {
        check_random(self.random)?;
        let J = self
            .J
            .unwrap_or(rows.min(columns).ilog2().clamp(1, 5) as usize);
        // Wide enough for the coarsest envelope of any J asked for, and for every kernel.
        let side = GRID.max(rows.max(columns).next_power_of_two());
        let bank = FilterBank2d::params([side, side], J).L(self.L);
        bank.check()?;
        Ok(bank)
    }
}

/// Whether as many random filters are a baseline.
pub(super) fn check_random(random: usize) -> Result<()> {
    if !(20..=100_000).contains(&random) {
        return Err(Error::InvalidParameter {
            name: "random",
            value: random.to_string(),
            limit: "20 to 100000 random filters give a baseline with a spread".into(),
        });
    }
    Ok(())
}

/// Whether a fit is a wave: at least half a period within ±σ of the envelope, which a blob has not, and at least half
/// of the energy explained, without which ξ says little.
pub(super) fn is_wave(oscillation: f64, explained: f64) -> bool {
    oscillation >= 1.0 && explained >= 0.5
}

/// One filter of the layer.
#[derive(Debug, Clone)]
pub struct LearnedFilter {
    /// Which part was looked at, the one with the most energy.
    pub part: Part,
    /// Share of the filter's energy in each part of the layer.
    pub shares: Vec<f64>,
    /// The kernel of that part.
    pub kernel: Array2<f64>,
    /// Its nearest Gabor; `None` for a filter of zeros.
    pub fit: Option<GaborFit>,
    /// Its nearest wavelet; `None` for a filter of zeros.
    pub nearest: Option<Match>,
}

/// What filters of other origin show under the same questions.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Their name, for tables.
    pub name: &'static str,
    /// Explained energy of the Gabor fits.
    pub explained: Vec<f64>,
    /// Correlations with the nearest wavelets.
    pub correlations: Vec<f64>,
}

impl Reference {
    fn new(name: &'static str, kernels: &[Array2<f64>], bank: &FilterBank2dParams) -> Result<Self> {
        let fits = gabor_fit::fit_all(kernels)?;
        let matches = nearest(kernels, bank)?;
        Ok(Self {
            name,
            explained: fits.iter().flatten().map(|fit| fit.explained).collect(),
            correlations: matches
                .iter()
                .flatten()
                .map(|found| found.correlation)
                .collect(),
        })
    }
}

/// A layer beside a bank of wavelets.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The filters, in the order of the layer.
    pub filters: Vec<LearnedFilter>,
    /// Random filters first, then Fourier filters, then principal components if images were given.
    pub references: Vec<Reference>,
    /// |ĝ| of every filter's dominant kernel, natural order.
    pub moduli: Vec<Array2<f64>>,
    /// Cover of the luminance parts.
    pub coverage: Coverage,
    /// The wavelets.
    pub bank: FilterBank2d<f64>,
    /// Frame bounds of the wavelets with their low-pass.
    pub bank_bounds: FrameBounds,
}

impl Comparison {
    /// Compares a layer with wavelets, and with principal components of `images` `[n, rows, columns]` if there are any.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for J, L or a number of random filters out of range; those of
    /// [`baseline::principal`] for the images.
    pub fn new(
        layer: &Layer,
        params: &ComparisonParams,
        images: Option<ArrayView3<f32>>,
    ) -> Result<Self> {
        let shape = layer.shape();
        let bank_params = params.bank(shape)?;
        let [side, _] = bank_params.shape;
        let bank = bank_params.build::<f64>()?;

        let kernels = layer.dominant_kernels();
        let fits = gabor_fit::fit_all(&kernels)?;
        let matches = nearest(&kernels, &bank_params)?;
        let mut references = vec![
            Reference::new(
                "random filters",
                &baseline::random(params.random, shape, params.seed),
                &bank_params,
            )?,
            Reference::new("Fourier filters", &baseline::fourier(shape), &bank_params)?,
        ];
        if let Some(images) = images {
            // As many as the layer has: the weakest components are noise, and nobody would learn them.
            let components = baseline::principal(images, shape, layer.len())?;
            // Images without a pattern have none.
            if !components.is_empty() {
                references.push(Reference::new(
                    "principal components",
                    &components,
                    &bank_params,
                )?);
            }
        }
        let moduli = kernels
            .iter()
            .map(|kernel| spectrum::modulus(kernel, [side, side]))
            .collect();
        let filters = kernels
            .into_iter()
            .zip(fits)
            .zip(matches)
            .enumerate()
            .map(|(index, ((kernel, fit), nearest))| LearnedFilter {
                part: layer.dominant(index),
                shares: layer.shares(index),
                kernel,
                fit,
                nearest,
            })
            .collect();
        Ok(Self {
            filters,
            references,
            moduli,
            coverage: Coverage::new(&layer.kernels(Part::Luminance), [side, side])?,
            bank_bounds: bank.frame_bounds(),
            bank,
        })
    }

    /// Fits of all filters that have one.
    pub fn fits(&self) -> impl Iterator<Item = &GaborFit> {
        self.filters.iter().filter_map(|filter| filter.fit.as_ref())
    }

    /// Fits of the filters that are waves: at least half a period within ±σ of the envelope, which a blob has not, and
    /// at least half of the energy explained, without which θ and ξ say little.
    pub fn waves(&self) -> impl Iterator<Item = &GaborFit> {
        self.fits()
            .filter(|fit| is_wave(fit.oscillation(), fit.explained))
    }

    /// Explained energy of every filter that has a fit.
    pub fn explained(&self) -> Vec<f64> {
        self.fits().map(|fit| fit.explained).collect()
    }

    /// Correlation of every filter with its nearest wavelet.
    pub fn correlations(&self) -> Vec<f64> {
        let matches = self
            .filters
            .iter()
            .filter_map(|filter| filter.nearest.as_ref());
        matches.map(|found| found.correlation).collect()
    }
}

/// The value below which a share `q` of the values lies, interpolated between neighbours; `None` without values.
///
/// ```
/// use wavelet_scattering::compare::quantile;
///
/// assert_eq!(quantile(&[4.0, 1.0, 2.0], 0.5), Some(2.0));
/// assert_eq!(quantile(&[4.0, 1.0, 2.0], 0.75), Some(3.0));
/// assert_eq!(quantile(&[], 0.5), None);
/// ```
pub fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = q.clamp(0.0, 1.0) * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    Some(below + place.fract() * (above - below))
}

/// The chance that a value of `a` exceeds one of `b`, ties counted half: 0.5 where they do not differ.
///
/// **Source** Mann & Whitney 1947, their U over the number of pairs.
pub fn superiority(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let score = |x: f64, y: f64| match x.total_cmp(&y) {
        std::cmp::Ordering::Greater => 1.0,
        std::cmp::Ordering::Equal => 0.5,
        std::cmp::Ordering::Less => 0.0,
    };
    let sum: f64 = a
        .iter()
        .map(|&x| b.iter().map(|&y| score(x, y)).sum::<f64>())
        .sum();
    Some(sum / (a.len() * b.len()) as f64)
}

#[cfg(test)]
mod tests {
    use ndarray::Array4;

    use super::*;

    #[test]
    fn a_layer_of_wavelets_is_told_from_a_layer_of_noise() {
        let bank = FilterBank2d::params([64, 64], 2)
            .L(4)
            .build::<f64>()
            .unwrap();
        let wavelets = Array4::from_shape_fn([8, 1, 9, 9], |(lambda, _, i, k)| {
            let psi = bank.psi_in_space(lambda / 4, lambda % 4);
            psi[[(i + 60) % 64, (k + 60) % 64]].re as f32
        });
        let params = ComparisonParams {
            L: 4,
            random: 20,
            ..Default::default()
        };
        let noise = Array4::from_shape_fn([8, 1, 9, 9], |(o, _, i, k)| {
            baseline::random(8, [9, 9], 77)[o][[i, k]] as f32
        });
        let [wavelets, noise] = [wavelets, noise]
            .map(|w| Comparison::new(&Layer::new(w.view()).unwrap(), &params, None).unwrap());
        assert!(wavelets.explained().iter().all(|&share| share > 0.95));
        assert!(wavelets.correlations().iter().all(|&r| r > 0.999));
        assert_eq!(wavelets.waves().count(), 8);
        let random = &wavelets.references[0];
        assert_eq!(random.explained.len(), 20);
        assert_eq!(
            superiority(&wavelets.explained(), &random.explained),
            Some(1.0)
        );
        let chance = superiority(&noise.explained(), &noise.references[0].explained).unwrap();
        assert!((0.2..0.8).contains(&chance), "{chance}");
        for (lambda, filter) in wavelets.filters.iter().enumerate() {
            assert_eq!(filter.nearest.as_ref().unwrap().lambda, lambda);
        }
    }

    #[test]
    fn superiority_counts_pairs() {
        assert_eq!(superiority(&[2.0, 3.0], &[1.0, 2.0]), Some(0.875));
        assert_eq!(superiority(&[1.0], &[]), None);
    }
}
