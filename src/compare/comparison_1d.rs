//! [`Comparison1d`]: everything this module has to say about one layer for signals, with baselines beside it.
//!
//! Comes in: a [`Layer`] of kernels of one axis. Goes out: for every filter its Gabor fit in time and its nearest wavelet,
//! the same for random filters and for filters with the layer's own spectra and other phases, how layer and bank cover
//! the frequencies, and how bandwidth grows with centre frequency:
//!
//! ```text
//! b ∝ ξ^p      p = median over pairs i < k of  ln(b_i/b_k) / ln(ξ_i/ξ_k)
//! ```
//!
//! p is 1 for wavelets of constant Q, 0 for windows of one length; mel and ERB scales lie between. A wave that fills its
//! kernel is as broad as the kernel has it, so that p is asked of all waves and of those that do not.
//!
//! Of a filter for stereo the part with the most energy is fitted; the cover is that of the mid parts, which is what one
//! sound in both channels meets.
//!
//! Source: Theil, "A rank-invariant method of linear and polynomial regression analysis", 1950, and Sen, 1968, for the
//! slope, which half of the filters may leave without moving it far.

use ndarray::{Array1, Array2, Axis};

use super::baseline;
use super::comparison::{Reference, check_random, is_wave, quantile};
use super::coverage::Coverage;
use super::gabor_fit_1d::{self, GaborFit1d};
use super::layer::{Layer, Part};
use super::nearest_1d::{Match1d, nearest_1d};
use crate::filters::{FilterBank1d, FilterBank1dParams, FrameBounds, Wavelet1d};
use crate::{Error, Result};

/// log2 of a duration that leaves the highest wavelets of any Q their own bandwidth.
const LONG: usize = 16;

/// What to compare a layer for signals with.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonParams1d {
    /// log2 of the longest duration of a wavelet in samples; `None` for the least that brings a wavelet of as many periods as the
    /// highest one down to the lowest waves of the layer, 5 % of them left out, and at most log2 of the kernel's length.
    pub J: Option<usize>,
    /// Wavelets per octave; `None` for those whose bandwidth over centre frequency is nearest to the median of the
    /// layer's waves, up to 16.
    pub Q: Option<usize>,
    /// Number of random filters.
    pub random: usize,
    /// Seed of the random filters, and of the phases.
    pub seed: u64,
}

impl Default for ComparisonParams1d {
    fn default() -> Self {
        Self {
            J: None,
            Q: None,
            random: 200,
            seed: 0,
        }
    }
}

impl ComparisonParams1d {
    /// Whether a layer of kernels of this many samples can be compared so; nothing is computed.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for J, Q or a number of random filters out of range; [`Error::WrongShape`] for
    /// kernels that are too short or too long to be [fitted](gabor_fit_1d::fit).
    pub fn check(&self, len: usize) -> Result<()> {
        gabor_fit_1d::check_len(len)?;
        check_random(self.random)?;
        let ladder = FilterBank1d::params(1, self.J.unwrap_or(1));
        ladder.Q(self.Q.unwrap_or(1)).check()
    }

    /// The wavelets that kernels of this length, of which these are waves, are compared with.
    fn bank(&self, len: usize, waves: &[GaborFit1d]) -> (usize, usize, FilterBank1dParams) {
        let relative = waves.iter().map(|fit| fit.bandwidth(len) / fit.gabor.xi);
        let shape = quantile(&relative.collect::<Vec<_>>(), 0.5);
        let centers: Vec<_> = waves.iter().map(|fit| fit.gabor.xi).collect();
        let lowest = quantile(&centers, 0.05);
        let ladder = |J, Q| FilterBank1d::params(1, J).Q(Q).wavelets();
        let Q = self.Q.unwrap_or_else(|| {
            let off = |Q: &usize| {
                let first = ladder(LONG, *Q)[0].gabor();
                let relative = first.equivalent_bandwidth() / first.xi;
                (relative / shape.unwrap_or(1.0)).ln().abs()
            };
            let all = (1..=16).min_by(|a, b| off(a).total_cmp(&off(b)));
            all.unwrap_or(1)
        });
        let most = (len.ilog2() as usize).max(1);
        let J = self.J.unwrap_or_else(|| {
            // Below, on its linear steps, the ladder has wavelets of one bandwidth, however low the waves are.
            let relative = |psi: &Wavelet1d| psi.sigma / psi.xi;
            let of_highest = relative(&ladder(LONG, Q)[0]);
            let reaches = |J: &usize| {
                let psis = ladder(*J, Q);
                let mut geometric = psis.iter().filter(|psi| relative(psi) < 1.001 * of_highest);
                let least = geometric.next_back().map(|psi| psi.xi);
                lowest.is_some_and(|lowest| least.is_some_and(|least| least <= lowest))
            };
            (1..most).find(reaches).unwrap_or(most)
        });
        // Four frequencies within the bandwidth of the narrowest wavelet, 0.1/2^J, and of what a kernel can tell apart.
        let grid = (4 * len).max(1 << (J.min(24) + 6)).next_power_of_two();
        (J, Q, FilterBank1d::params(grid, J).Q(Q))
    }
}

/// One filter of a layer for signals.
#[derive(Debug, Clone)]
pub struct LearnedFilter1d {
    /// Which part was looked at, the one with the most energy.
    pub part: Part,
    /// Share of the filter's energy in each part of the layer.
    pub shares: Vec<f64>,
    /// The kernel of that part.
    pub kernel: Array1<f64>,
    /// Its nearest Gabor; `None` for a filter of zeros.
    pub fit: Option<GaborFit1d>,
    /// Its nearest wavelet; `None` for a filter of zeros.
    pub nearest: Option<Match1d>,
}

/// A layer for signals beside a bank of wavelets of one axis.
#[derive(Debug, Clone)]
pub struct Comparison1d {
    /// The filters, in the order of the layer.
    pub filters: Vec<LearnedFilter1d>,
    /// Random filters first, then the layer's own spectra with other phases.
    pub references: Vec<Reference>,
    /// |ĝ| of every filter's dominant kernel at frequencies from 0 to ½ cycle per sample, `[filters, n]`.
    pub moduli: Array2<f64>,
    /// Cover of the mid parts, on a grid of `[n, 1]` frequencies.
    pub coverage: Coverage,
    /// log2 of the longest duration of a wavelet.
    pub J: usize,
    /// Wavelets per octave.
    pub Q: usize,
    /// The wavelets.
    pub bank: FilterBank1d<f64>,
    /// Frame bounds of the wavelets with their low-pass.
    pub bank_bounds: FrameBounds,
}

/// The samples of a kernel of one column.
fn signal(kernel: Array2<f64>) -> Array1<f64> {
    kernel.index_axis_move(Axis(1), 0)
}

impl Comparison1d {
    /// Compares a layer for signals with wavelets.
    ///
    /// # Errors
    /// Those of [`ComparisonParams1d::check`]; [`Error::WrongShape`] for a layer for images, [`Error::OutOfMemory`] if
    /// the transfer functions do not fit.
    ///
    /// ```
    /// use ndarray::Array3;
    /// use wavelet_scattering::compare::{Comparison1d, ComparisonParams1d, Layer};
    ///
    /// // Eight waves under one envelope.
    /// let weights = Array3::from_shape_fn([8, 1, 64], |(out, _, t)| {
    ///     let t = t as f32 - 31.5;
    ///     (-t * t / 200.0).exp() * (0.2 * (out + 2) as f32 * t).cos()
    /// });
    /// let layer = Layer::of_signals(weights.view())?;
    /// let comparison = Comparison1d::new(&layer, &ComparisonParams1d { random: 20, ..Default::default() })?;
    /// assert_eq!(comparison.waves().count(), 8);
    /// let exponent = comparison.bandwidth_exponent(comparison.waves()).unwrap();
    /// assert!(exponent.abs() < 0.05); // windows of one length
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn new(layer: &Layer, params: &ComparisonParams1d) -> Result<Self> {
        let [len, columns] = layer.shape();
        if columns != 1 {
            return Err(Error::WrongShape {
                what: "the layer",
                got: vec![layer.len(), len, columns],
                expected: "filters of one axis, for signals".into(),
            });
        }
        params.check(len)?;
        let in_the_plane = layer.dominant_kernels();
        let kernels: Vec<_> = in_the_plane.iter().cloned().map(signal).collect();
        let fits = gabor_fit_1d::fit_all(&kernels)?;
        let waves: Vec<_> = fits.iter().flatten().filter(is_wave_1d).copied().collect();
        let (J, Q, bank_params) = params.bank(len, &waves);
        let bank = bank_params.build::<f64>()?;
        let matches = nearest_1d(&kernels, &bank_params)?;

        let reference = |name, kernels: Vec<Array2<f64>>| -> Result<Reference> {
            let kernels: Vec<_> = kernels.into_iter().map(signal).collect();
            let fits = gabor_fit_1d::fit_all(&kernels)?;
            let matches = nearest_1d(&kernels, &bank_params)?;
            Ok(Reference {
                name,
                explained: fits.iter().flatten().map(|fit| fit.explained).collect(),
                correlations: matches.iter().flatten().map(|m| m.correlation).collect(),
            })
        };
        let random = baseline::random(params.random, [len, 1], params.seed);
        let turned = baseline::with_other_phases(&in_the_plane, params.seed);
        let references = vec![
            reference("random filters", random)?,
            reference("the same spectra with random phases", turned)?,
        ];

        let grid = [bank_params.len, 1];
        let dominant = Coverage::new(&in_the_plane, grid)?;
        let frequencies = grid[0] / 2 + 1;
        let moduli = Array2::from_shape_fn([kernels.len(), frequencies], |(filter, k)| {
            dominant.moduli[filter][[k, 0]]
        });
        let coverage = match layer.parts() {
            [_] => dominant,
            _ => Coverage::new(&layer.kernels(Part::Mid), grid)?,
        };
        let filters = kernels
            .into_iter()
            .zip(fits)
            .zip(matches)
            .enumerate()
            .map(|(index, ((kernel, fit), nearest))| LearnedFilter1d {
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
            coverage,
            J,
            Q,
            bank_bounds: bank.frame_bounds(),
            bank,
        })
    }

    /// Fits of all filters that have one.
    pub fn fits(&self) -> impl Iterator<Item = &GaborFit1d> {
        self.filters.iter().filter_map(|filter| filter.fit.as_ref())
    }

    /// Fits of the filters that are waves: at least half a period within ±σ of the envelope, and at least half of the
    /// energy explained.
    pub fn waves(&self) -> impl Iterator<Item = &GaborFit1d> {
        self.fits().filter(is_wave_1d)
    }

    /// Explained energy of every filter that has a fit.
    pub fn explained(&self) -> Vec<f64> {
        self.fits().map(|fit| fit.explained).collect()
    }

    /// Correlation of every filter with its nearest wavelet.
    pub fn correlations(&self) -> Vec<f64> {
        let matches = self.filters.iter().filter_map(|f| f.nearest.as_ref());
        matches.map(|found| found.correlation).collect()
    }

    /// Samples of every kernel.
    pub fn samples(&self) -> usize {
        self.filters[0].kernel.len()
    }

    /// The waves that do not fill their kernel: at least half as broad again as the narrowest that it can hold, 1/len, which
    /// is an envelope with ±2 standard deviations in three quarters of it.
    pub fn packets(&self) -> impl Iterator<Item = &GaborFit1d> {
        let len = self.samples();
        self.waves()
            .filter(move |fit| fit.bandwidth(len) >= 1.5 / len as f64)
    }

    /// p of b ∝ ξ^p over these fits, with b the bandwidth [within the kernel](GaborFit1d::bandwidth); `None` of fewer than
    /// three.
    pub fn bandwidth_exponent<'a>(
        &self,
        fits: impl Iterator<Item = &'a GaborFit1d>,
    ) -> Option<f64> {
        let points: Vec<_> = fits
            .map(|fit| [fit.gabor.xi, fit.bandwidth(self.samples())])
            .collect();
        growth_exponent(&points)
    }
}

fn is_wave_1d(fit: &&GaborFit1d) -> bool {
    is_wave(fit.oscillation(), fit.explained)
}

/// p of y ∝ x^p over positive points `[x, y]`: the median of the slopes of all pairs in logarithms; `None` of fewer than
/// three points, or where no two differ in x.
///
/// ```
/// use wavelet_scattering::compare::growth_exponent;
///
/// let mut points: Vec<[f64; 2]> = (1..20).map(|x| [f64::from(x), 3.0 * f64::from(x).sqrt()]).collect();
/// points[4][1] = 1e6; // one that has gone astray
/// assert!((growth_exponent(&points).unwrap() - 0.5).abs() < 1e-9);
/// ```
pub fn growth_exponent(points: &[[f64; 2]]) -> Option<f64> {
    let logs: Vec<_> = points.iter().map(|point| point.map(f64::ln)).collect();
    let mut slopes = Vec::new();
    for (i, a) in logs.iter().enumerate() {
        for b in &logs[..i] {
            if a[0] != b[0] {
                slopes.push((a[1] - b[1]) / (a[0] - b[0]));
            }
        }
    }
    if points.len() < 3 {
        return None;
    }
    quantile(&slopes, 0.5)
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use ndarray::Array3;

    use super::super::superiority;
    use super::*;
    use crate::filters::Gabor1d;

    fn waves(ladder: &[Gabor1d]) -> Layer {
        let weights = Array3::from_shape_fn([ladder.len(), 1, 256], |(n, _, t)| {
            let Gabor1d { xi, sigma } = ladder[n];
            let t = t as f64 - 127.5;
            ((-0.5 * (TAU * sigma * t).powi(2)).exp() * (TAU * xi * t + n as f64).cos()) as f32
        });
        Layer::of_signals(weights.view()).unwrap()
    }

    #[test]
    fn a_ladder_is_recognised_and_its_bank_is_chosen() {
        let params = ComparisonParams1d {
            random: 20,
            ..Default::default()
        };
        // The wavelets of Q = 4 from 0.4 down over four octaves.
        let ladder: Vec<_> = (0..16)
            .map(|n| {
                let xi = 0.4 * (-f64::from(n) / 4.0).exp2();
                let sigma = FilterBank1d::params(1, LONG).Q(4).wavelets()[0];
                Gabor1d {
                    xi,
                    sigma: xi * sigma.sigma / sigma.xi,
                }
            })
            .collect();
        let comparison = Comparison1d::new(&waves(&ladder), &params).unwrap();
        assert_eq!(comparison.waves().count(), 16);
        assert_eq!(comparison.Q, 4);
        let exponent = comparison.bandwidth_exponent(comparison.waves()).unwrap();
        assert!((exponent - 1.0).abs() < 0.02, "{exponent}");
        // All but those whose envelope reaches beyond the kernel.
        let samples = comparison.samples() as f64;
        let within = |gabor: &&Gabor1d| gabor.equivalent_bandwidth() * samples >= 1.5;
        let packets = ladder.iter().filter(within).count();
        assert!(packets >= 14 && comparison.packets().count() == packets);
        let lowest = comparison.bank.wavelets().last().unwrap().xi;
        assert!(
            lowest < ladder[14].xi && lowest > ladder[15].xi / 8.0,
            "{lowest}"
        );
        // At most half a step of the ladder away, d = (2^(1/8) − 1)·ξ: exp(−d²/4σ²) = 0.83 with σ = 0.104·ξ.
        // The last one is of the lowest twentieth, which the bank need not reach.
        let correlations = comparison.correlations();
        assert!(
            correlations[..15].iter().all(|&r| r > 0.82),
            "{correlations:?}"
        );
        for reference in &comparison.references {
            let chance = superiority(&comparison.explained(), &reference.explained);
            assert!(chance > Some(0.95), "{}: {chance:?}", reference.name);
        }
        assert_eq!(comparison.references[1].explained.len(), 16);

        // Windows of one length, an octave and a half of them.
        let windows: Vec<_> = (0..10)
            .map(|n| Gabor1d {
                xi: 0.1 + 0.02 * f64::from(n),
                sigma: 0.012,
            })
            .collect();
        let comparison = Comparison1d::new(&waves(&windows), &params).unwrap();
        let exponent = comparison.bandwidth_exponent(comparison.waves()).unwrap();
        assert!(exponent.abs() < 1e-3, "{exponent}");
        // What is asked for is what there is.
        let asked = ComparisonParams1d {
            J: Some(3),
            Q: Some(2),
            ..params
        };
        let comparison = Comparison1d::new(&waves(&windows), &asked).unwrap();
        assert_eq!((comparison.J, comparison.Q), (3, 2));
    }

    #[test]
    fn noise_is_told_from_nothing_but_noise() {
        let noise = baseline::random(12, [100, 1], 5);
        let weights = Array3::from_shape_fn([12, 1, 100], |(n, _, t)| noise[n][[t, 0]] as f32);
        let layer = Layer::of_signals(weights.view()).unwrap();
        let params = ComparisonParams1d {
            random: 40,
            ..Default::default()
        };
        let comparison = Comparison1d::new(&layer, &params).unwrap();
        for reference in &comparison.references {
            let chance = superiority(&comparison.explained(), &reference.explained).unwrap();
            assert!((0.2..0.8).contains(&chance), "{}: {chance}", reference.name);
        }
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let layer = Layer::of_signals(Array3::ones([2, 1, 32]).view()).unwrap();
        for (params, name) in [
            (
                ComparisonParams1d {
                    J: Some(0),
                    ..Default::default()
                },
                "J",
            ),
            (
                ComparisonParams1d {
                    Q: Some(0),
                    ..Default::default()
                },
                "Q",
            ),
            (
                ComparisonParams1d {
                    random: 3,
                    ..Default::default()
                },
                "random",
            ),
        ] {
            match Comparison1d::new(&layer, &params) {
                Err(Error::InvalidParameter { name: got, .. }) => assert_eq!(got, name),
                other => panic!("{other:?}"),
            }
        }
        let images = Layer::new(ndarray::Array4::ones([2, 1, 5, 5]).view()).unwrap();
        assert!(matches!(
            Comparison1d::new(&images, &ComparisonParams1d::default()),
            Err(Error::WrongShape { .. })
        ));
        assert_eq!(growth_exponent(&[[1.0, 1.0], [2.0, 2.0]]), None);
        assert_eq!(growth_exponent(&[[1.0, 1.0]; 4]), None);
    }
}
