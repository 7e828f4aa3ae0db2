//! [`fit`]: the Gabor that comes closest to a kernel, and how much of the kernel it explains.
//!
//! Comes in: a real kernel, as a network learned it. Goes out: orientation, frequency, bandwidth, slant, centre, phase
//! and amplitude of
//!
//! ```text
//! g(u) = amplitude · exp( −2π²σ²·[ u∥² + slant²·u⊥² ] ) · cos( 2πξ·u∥ + phase )
//! u∥ = (u − center)·(cos θ, sin θ)      u⊥ = (u − center)·(−sin θ, cos θ)
//! ```
//!
//! with the least Σ_u (kernel(u) − g(u))², over all samples of the kernel. That is the real part of the library's
//! [`Gabor`] in space, shifted, turned in phase and scaled: 2π²σ² is 1/(2s²) with the spatial width s = 1/(2πσ).
//!
//! The minimum is found by Levenberg and Marquardt's method with the derivatives of the formula, from several starts:
//! every strong peak of the kernel's spectrum with several widths and slants. At a start, amplitude and phase follow
//! linearly, so the starts are ranked by what they leave over and the best are followed.
//!
//! Conventions that bite: `u` counts samples from index `[0, 0]`. A pair (θ, phase) and (θ + π, −phase) is one
//! function; the fit has θ in [0, π), a positive amplitude, and phase in (−π, π]. The wave vector stays within the
//! Nyquist square, so that `xi` can exceed 0.5 toward its corners only. With `xi` far below `sigma` an even Gabor is a
//! blob, and an odd one tends to the derivative of a Gaussian, an edge: there only the product of `xi` and `amplitude`
//! is determined, and the spectrum peaks near `sigma`, not at `xi`.
//!
//! Source: Jones & Palmer, "An evaluation of the two-dimensional Gabor filter model of simple receptive fields in cat
//! striate cortex", 1987, for the model; Moré, "The Levenberg-Marquardt algorithm", 1978, for the method.

use std::f64::consts::{PI, TAU};

use levenberg_marquardt::{LeastSquaresProblem, LevenbergMarquardt};
use nalgebra::storage::Owned;
use nalgebra::{Const, DVector, Dyn, OMatrix, SVector};
use ndarray::{Array, Array2, ArrayView2, Dimension};

use super::spectrum;
use crate::filters::gabor::Gabor;
use crate::grid::{check_finite, signed_frequencies};
use crate::{Error, Result, parallel};

/// The least side of a kernel: 3 x 3 samples are one more than the model has parameters.
pub const MIN_SIDE: usize = 3;

/// The largest side of a kernel; a fit takes a second there, and no first layer is as large.
pub const MAX_SIDE: usize = 128;

/// Spectral peaks that are tried, the strongest ones.
const PEAKS: usize = 6;

/// Starts that are followed to the end, unless one of them has left less than [`ENOUGH`] of the energy before.
const FOLLOWED: usize = 10;
const ENOUGH: f64 = 0.01;

/// Range of the width along the wave vector in samples, and for the upper end in longer sides of the kernel: from a
/// single sample to a grating whose envelope falls to 0.97 within the kernel.
const WIDTH: [f64; 2] = [0.3, 2.0];

/// Range of the slant: beyond it the narrower side is less than a sample in all kernels met.
const SLANT: [f64; 2] = [0.1, 10.0];

/// The Gabor nearest to a kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaborFit {
    /// Orientation in [0, π), centre frequency, bandwidth and slant.
    pub gabor: Gabor,
    /// Where the envelope has its maximum, in samples from index `[0, 0]` along each axis.
    pub center: [f64; 2],
    /// Phase at the centre in radians, in (−π, π]: 0 is an even, ±π/2 an odd kernel.
    pub phase: f64,
    /// Height of the envelope, in the kernel's units.
    pub amplitude: f64,
    /// Share of the kernel's energy that the Gabor explains: 1 − Σ(kernel − g)² / Σ kernel², in [0, 1].
    pub explained: f64,
}

impl GaborFit {
    /// g at every sample of a kernel of this shape.
    pub fn kernel(&self, shape: [usize; 2]) -> Array2<f64> {
        let params = self.params();
        Array2::from_shape_fn(shape, |(i, k)| params.at([i as f64, k as f64]).0)
    }

    /// Periods of the wave within the envelope, as xi over sigma: below 1 the kernel is a blob or an edge rather than
    /// a wave. 1.9 for the library's standard Morlet.
    pub fn oscillation(&self) -> f64 {
        self.gabor.xi / self.gabor.sigma
    }

    fn params(&self) -> Params {
        Params {
            even: self.amplitude * self.phase.cos(),
            odd: self.amplitude * self.phase.sin(),
            origin: self.center,
            center: self.center,
            theta: self.gabor.theta,
            xi: self.gabor.xi,
            sigma: self.gabor.sigma,
            slant: self.gabor.slant,
        }
    }
}

/// Fits a Gabor to one kernel.
///
/// # Errors
/// Those of [`check_shape`], [`Error::NotFinite`] for a sample that is NaN or infinite, [`Error::InvalidParameter`] for a
/// kernel of zeros, which every Gabor of amplitude 0 explains.
///
/// ```
/// use ndarray::Array2;
/// use wavelet_scattering::compare::gabor_fit;
///
/// // A wave of period 5 down the rows, under an envelope 2 samples wide and twice as long.
/// let kernel = Array2::from_shape_fn([15, 15], |(i, k)| {
///     let (u, v) = (i as f64 - 7.0, k as f64 - 7.0);
///     (-(u * u + 0.25 * v * v) / 8.0).exp() * (std::f64::consts::TAU * u / 5.0).cos()
/// });
/// let fit = gabor_fit::fit(kernel.view())?;
/// assert!((fit.gabor.xi - 0.2).abs() < 1e-6 && (fit.gabor.slant - 0.5).abs() < 1e-6);
/// assert!(fit.explained > 1.0 - 1e-9);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn fit(kernel: ArrayView2<f64>) -> Result<GaborFit> {
    check_shape([kernel.nrows(), kernel.ncols()])?;
    fit_from(kernel, ALL, starts)
}

/// The Gabor that is left when the best starts have moved along these of their [`PARAMETERS`].
///
/// # Errors
/// Those of [`fit`] but for the shape.
pub(super) fn fit_from<const P: usize>(
    kernel: ArrayView2<f64>,
    moving: [usize; P],
    starts: impl FnOnce(&Array2<f64>) -> Vec<Params>,
) -> Result<GaborFit> {
    check_finite(&kernel)?;
    let largest = kernel.fold(0.0_f64, |max, value| max.max(value.abs()));
    if largest == 0.0 {
        return Err(Error::InvalidParameter {
            name: "kernel",
            value: "0 everywhere".into(),
            limit: "a kernel without energy has no nearest Gabor; leave dead filters out".into(),
        });
    }
    // The largest sample first, whose square may not exist; then to unit energy, so that tolerances mean the same for
    // all kernels.
    let scaled = kernel.mapv(|value| value / largest);
    let norm = scaled.fold(0.0, |sum, value| sum + value * value).sqrt();
    let target = scaled / norm;

    let mut best: Option<(f64, Params)> = None;
    for start in starts(&target).into_iter().take(FOLLOWED) {
        let problem = Problem::new(&target, &start, moving);
        let (problem, _) = LevenbergMarquardt::new()
            .with_ftol(1e-10)
            .with_xtol(1e-10)
            .with_gtol(1e-12)
            .with_patience(30)
            .minimize(problem);
        let left = problem.left_over();
        if best.as_ref().is_none_or(|(least, _)| left < *least) {
            best = Some((left, problem.physical()));
        }
        if left < ENOUGH {
            break;
        }
    }
    let Some((left, params)) = best else {
        unreachable!("a kernel with energy has a spectral peak");
    };
    Ok(params.fit(largest * norm, left))
}

/// Whether a kernel of this many rows and columns can be fitted.
///
/// # Errors
/// [`Error::WrongShape`] if a side is shorter than [`MIN_SIDE`] or longer than [`MAX_SIDE`].
pub fn check_shape(shape: [usize; 2]) -> Result<()> {
    if shape
        .iter()
        .any(|side| !(MIN_SIDE..=MAX_SIDE).contains(side))
    {
        return Err(Error::WrongShape {
            what: "the kernel",
            got: shape.to_vec(),
            expected: format!("sides from {MIN_SIDE} to {MAX_SIDE}, so that the fit is determined"),
        });
    }
    Ok(())
}

/// [`fit`] for many kernels, on all threads of the current pool; `None` for kernels of zeros.
///
/// # Errors
/// Those of [`fit`] but for zeros; a position then begins with the index of the kernel.
pub fn fit_all(kernels: &[Array2<f64>]) -> Result<Vec<Option<GaborFit>>> {
    fit_each(kernels, |kernel| fit(kernel.view()))
}

/// A fit of every kernel that is not zero, on all threads.
pub(super) fn fit_each<D: Dimension, F: Send>(
    kernels: &[Array<f64, D>],
    fit: impl Fn(&Array<f64, D>) -> Result<F> + Sync + Send,
) -> Result<Vec<Option<F>>> {
    let fits = parallel::map(kernels.len(), |i| {
        if kernels[i].iter().all(|&value| value == 0.0) {
            return Ok(None);
        }
        fit(&kernels[i]).map(Some).map_err(|error| match error {
            Error::NotFinite {
                mut position,
                value,
            } => {
                position.insert(0, i);
                Error::NotFinite { position, value }
            }
            other => other,
        })
    });
    fits.into_iter().collect()
}

// --------------------------------------------------------------------------------------------------- the model

/// g by its parameters; amplitude and phase as `even` = a·cos(phase) and `odd` = a·sin(phase), in which it is linear. This
/// phase is the wave's at `origin`, a fixed point near the centre: were it that at the centre, an envelope that moves
/// would have to turn its phase with every step, and the optimiser would walk along a bent valley.
#[derive(Debug, Clone, Copy)]
pub(super) struct Params {
    pub even: f64,
    pub odd: f64,
    pub origin: [f64; 2],
    pub center: [f64; 2],
    pub theta: f64,
    pub xi: f64,
    pub sigma: f64,
    pub slant: f64,
}

/// How many numbers a Gabor of the plane has.
const PARAMETERS: usize = 8;

/// All of them may move.
const ALL: [usize; PARAMETERS] = [0, 1, 2, 3, 4, 5, 6, 7];

/// Those that move where the plane is a line along axis 0: not theta and slant, and not the centre along axis 1.
pub(super) const ALONG_AXIS_0: [usize; 5] = [0, 1, 2, 5, 6];

impl Params {
    /// g(u) and its derivatives by even, odd, center 0, center 1, theta, xi, ln sigma, ln slant.
    fn at(&self, u: [f64; 2]) -> (f64, [f64; PARAMETERS]) {
        let (sin, cos) = self.theta.sin_cos();
        let turned_from = |[c0, c1]: [f64; 2]| {
            let [d0, d1] = [u[0] - c0, u[1] - c1];
            [d0 * cos + d1 * sin, d1 * cos - d0 * sin]
        };
        let [along, across] = turned_from(self.center);
        let [wave_along, wave_across] = turned_from(self.origin);
        let steep = (TAU * self.sigma).powi(2); // 1/s², so that the exponent is −½·steep·(…)
        let slant2 = self.slant * self.slant;
        let envelope = (-0.5 * steep * (along * along + slant2 * across * across)).exp();
        let (wave_odd, wave_even) = (TAU * self.xi * wave_along).sin_cos();
        let g = envelope * (self.even * wave_even - self.odd * wave_odd);
        let turned = -envelope * (self.even * wave_odd + self.odd * wave_even); // ∂g/∂phase of the wave
        let by_along = -steep * along * g;
        let by_across = -steep * slant2 * across * g;
        let derivatives = [
            envelope * wave_even,
            -envelope * wave_odd,
            -by_along * cos + by_across * sin,
            -by_along * sin - by_across * cos,
            by_along * across - by_across * along + TAU * self.xi * wave_across * turned,
            TAU * wave_along * turned,
            -steep * (along * along + slant2 * across * across) * g,
            -steep * slant2 * across * across * g,
        ];
        (g, derivatives)
    }

    /// The best `even` and `odd` for all else given, and what they leave of a target of unit energy.
    pub fn solve_linear(&mut self, target: &Array2<f64>) -> f64 {
        // Normal equations of two unknowns.
        let (mut ee, mut eo, mut oo, mut et, mut ot) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for ((i, k), &t) in target.indexed_iter() {
            let (_, [even, odd, ..]) = self.at([i as f64, k as f64]);
            ee += even * even;
            eo += even * odd;
            oo += odd * odd;
            et += even * t;
            ot += odd * t;
        }
        // A hair of damping: at xi = 0 there is no odd part.
        let damping = 1e-9 * (ee + oo) + f64::MIN_POSITIVE;
        let (ee, oo) = (ee + damping, oo + damping);
        let determinant = ee * oo - eo * eo;
        self.even = (et * oo - ot * eo) / determinant;
        self.odd = (ot * ee - et * eo) / determinant;
        1.0 - (self.even * et + self.odd * ot)
    }

    /// In the library's ranges, for a kernel of this norm.
    fn fit(&self, norm: f64, left: f64) -> GaborFit {
        let (sin, cos) = self.theta.sin_cos();
        let way = (self.center[0] - self.origin[0]) * cos + (self.center[1] - self.origin[1]) * sin;
        let at_origin = self.odd.atan2(self.even);
        let mut phase = PI - (PI - at_origin - TAU * self.xi * way).rem_euclid(TAU);
        let (mut theta, mut xi) = (self.theta, self.xi);
        if xi < 0.0 {
            (theta, xi) = (theta + PI, -xi); // the same wave, named from its other end
        }
        let turns = (theta / PI).floor();
        theta -= turns * PI;
        // A half turn mirrors u∥, which mirrors the phase.
        if turns.rem_euclid(2.0) == 1.0 {
            phase = -phase;
        }
        if theta >= PI {
            theta = 0.0; // an angle a hair below 0 was rounded up to π
            phase = -phase;
        }
        GaborFit {
            gabor: Gabor {
                theta,
                xi,
                sigma: self.sigma,
                slant: self.slant,
            },
            center: self.center,
            phase: if phase <= -PI { PI } else { phase },
            amplitude: norm * self.even.hypot(self.odd),
            explained: (1.0 - left).clamp(0.0, 1.0),
        }
    }
}

// ----------------------------------------------------------------------------------------------- the optimiser

/// A parameter kept within `low..=high` as the sine of a free one.
#[derive(Debug, Clone, Copy)]
struct Bound {
    low: f64,
    high: f64,
}

impl Bound {
    fn new([low, high]: [f64; 2]) -> Self {
        Self { low, high }
    }

    /// The value, and its derivative by the free parameter.
    fn value(self, free: f64) -> (f64, f64) {
        let half = 0.5 * (self.high - self.low);
        (self.low + half * (1.0 + free.sin()), half * free.cos())
    }

    /// The free parameter of a value, a little inside the range: at its ends the sine is flat and nothing would move.
    fn free(self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        (2.0 * share - 1.0).clamp(-0.98, 0.98).asin()
    }
}

/// The xi at which a wave vector of direction theta leaves the Nyquist square, and its derivative.
fn nyquist(theta: f64) -> (f64, f64) {
    let (sin, cos) = theta.sin_cos();
    if cos.abs() >= sin.abs() {
        (0.5 / cos.abs(), 0.5 * sin / (cos * cos.abs()))
    } else {
        (0.5 / sin.abs(), -0.5 * cos / (sin * sin.abs()))
    }
}

/// Residuals g − target and their derivatives by the free parameters that move.
struct Problem<'a, const P: usize> {
    target: &'a Array2<f64>,
    /// In the order of [`Params::at`].
    free: SVector<f64, PARAMETERS>,
    origin: [f64; 2],
    /// Which of them move.
    moving: [usize; P],
    /// Of both centres, of xi over its limit, of ln sigma and of ln slant.
    bounds: [Bound; 5],
}

impl<'a, const P: usize> Problem<'a, P> {
    fn new(target: &'a Array2<f64>, start: &Params, moving: [usize; P]) -> Self {
        let (rows, columns) = target.dim();
        let longest = rows.max(columns) as f64;
        let sigma_of = |width: f64| 1.0 / (TAU * width);
        let bounds = [
            [-0.5, rows as f64 - 0.5],
            [-0.5, columns as f64 - 0.5],
            [-1.0, 1.0],
            [sigma_of(WIDTH[1] * longest).ln(), sigma_of(WIDTH[0]).ln()],
            SLANT.map(f64::ln),
        ]
        .map(Bound::new);
        let free = SVector::from([
            start.even,
            start.odd,
            bounds[0].free(start.center[0]),
            bounds[1].free(start.center[1]),
            start.theta,
            bounds[2].free(start.xi / nyquist(start.theta).0),
            bounds[3].free(start.sigma.ln()),
            bounds[4].free(start.slant.ln()),
        ]);
        Self {
            target,
            free,
            origin: start.origin,
            moving,
            bounds,
        }
    }

    fn physical(&self) -> Params {
        let value = |bound: usize, free: usize| self.bounds[bound].value(self.free[free]).0;
        let theta = self.free[4];
        Params {
            even: self.free[0],
            odd: self.free[1],
            origin: self.origin,
            center: [value(0, 2), value(1, 3)],
            theta,
            xi: value(2, 5) * nyquist(theta).0,
            sigma: value(3, 6).exp(),
            slant: value(4, 7).exp(),
        }
    }

    /// What is left of the target's energy.
    fn left_over(&self) -> f64 {
        let params = self.physical();
        let squares = self
            .target
            .indexed_iter()
            .map(|((i, k), &target)| (params.at([i as f64, k as f64]).0 - target).powi(2));
        squares.sum()
    }
}

impl<const P: usize> LeastSquaresProblem<f64, Dyn, Const<P>> for Problem<'_, P> {
    type ResidualStorage = Owned<f64, Dyn>;
    type JacobianStorage = Owned<f64, Dyn, Const<P>>;
    type ParameterStorage = Owned<f64, Const<P>>;

    fn set_params(&mut self, moved: &SVector<f64, P>) {
        for (&parameter, &value) in self.moving.iter().zip(moved) {
            self.free[parameter] = value;
        }
    }

    fn params(&self) -> SVector<f64, P> {
        SVector::from(self.moving.map(|parameter| self.free[parameter]))
    }

    fn residuals(&self) -> Option<DVector<f64>> {
        let params = self.physical();
        let residuals = self
            .target
            .indexed_iter()
            .map(|((i, k), &target)| params.at([i as f64, k as f64]).0 - target);
        Some(DVector::from_iterator(self.target.len(), residuals))
    }

    fn jacobian(&self) -> Option<OMatrix<f64, Dyn, Const<P>>> {
        let params = self.physical();
        let slope = |bound: usize, free: usize| self.bounds[bound].value(self.free[free]).1;
        let share = self.bounds[2].value(self.free[5]).0;
        let (limit, limit_slope) = nyquist(params.theta);
        let mut jacobian = OMatrix::<f64, Dyn, Const<P>>::zeros(self.target.len());
        for (row, ((i, k), _)) in self.target.indexed_iter().enumerate() {
            let (_, by) = params.at([i as f64, k as f64]);
            let by = [
                by[0],
                by[1],
                by[2] * slope(0, 2),
                by[3] * slope(1, 3),
                by[4] + by[5] * share * limit_slope,
                by[5] * slope(2, 5) * limit,
                by[6] * slope(3, 6),
                by[7] * slope(4, 7),
            ];
            for (column, &parameter) in self.moving.iter().enumerate() {
                jacobian[(row, column)] = by[parameter];
            }
        }
        Some(jacobian)
    }
}

// --------------------------------------------------------------------------------------------------- the starts

/// Where to start, the most promising first: spectral peaks, each with several envelopes.
fn starts(target: &Array2<f64>) -> Vec<Params> {
    let (rows, columns) = target.dim();
    let centers = centers(target);
    let shortest = rows.min(columns) as f64;
    let mut ranked = Vec::new();
    for [k0, k1] in peaks(target) {
        let xi = k0.hypot(k1);
        // A lone peak at 0 has no direction; blobs may lie along either axis or a diagonal.
        let thetas = if xi > 0.0 {
            vec![k1.atan2(k0)]
        } else {
            (0..4).map(|l| f64::from(l) * PI / 4.0).collect()
        };
        for theta in thetas {
            for width in [0.08, 0.15, 0.27, 0.5].map(|share| (share * shortest).max(0.5)) {
                for slant in [0.4, 0.75, 1.5] {
                    for center in &centers {
                        let mut params = Params {
                            even: 0.0,
                            odd: 0.0,
                            origin: *center,
                            center: *center,
                            theta,
                            xi,
                            sigma: 1.0 / (TAU * width),
                            slant,
                        };
                        let left = params.solve_linear(target);
                        ranked.push((left, params));
                    }
                }
            }
        }
    }
    ranked.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Neighbours lead to the same minimum: of each peak the best two envelopes come first, then the others.
    let mut first = Vec::new();
    let mut later = Vec::new();
    for (_, params) in ranked {
        let same = |other: &&Params| other.theta == params.theta && other.xi == params.xi;
        if first.iter().filter(same).count() < 2 {
            first.push(params);
        } else {
            later.push(params);
        }
    }
    first.extend(later);
    first
}

/// The middle of the kernel, the centre of its energy, and its largest sample.
fn centers(target: &Array2<f64>) -> [[f64; 2]; 3] {
    let (rows, columns) = target.dim();
    let mut energy = [0.0; 2];
    let mut largest = ([0.0; 2], 0.0);
    for ((i, k), &value) in target.indexed_iter() {
        let at = [i as f64, k as f64];
        energy = [0, 1].map(|axis| energy[axis] + value * value * at[axis]);
        if value.abs() > largest.1 {
            largest = (at, value.abs());
        }
    }
    let middle = [rows, columns].map(|n| 0.5 * (n as f64 - 1.0));
    [middle, energy, largest.0]
}

/// The strongest local maxima of the modulus over half of the frequency plane, in cycles per sample.
fn peaks(target: &Array2<f64>) -> Vec<[f64; 2]> {
    // Four times the samples: peaks are then found to an eighth of their width.
    let n = (4 * target.nrows().max(target.ncols())).next_power_of_two();
    let modulus = spectrum::modulus(target, [n, n]);
    let at = |k0: i64, k1: i64| modulus[[crate::grid::wrap(k0, n), crate::grid::wrap(k1, n)]];
    let mut found = Vec::new();
    for k0 in signed_frequencies(n).filter(|&k0| k0 <= 0) {
        for k1 in signed_frequencies(n).filter(|&k1| k0 < 0 || k1 <= 0) {
            let here = at(k0, k1);
            let highest = (-1..=1)
                .flat_map(|a| (-1..=1).map(move |b| (a, b)))
                .all(|(a, b)| at(k0 + a, k1 + b) <= here);
            if highest && here > 0.0 {
                found.push((here, [k0 as f64 / n as f64, k1 as f64 / n as f64]));
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found.truncate(PEAKS);
    found.into_iter().map(|(_, k)| k).collect()
}

#[cfg(test)]
mod tests {
    use nalgebra::SMatrix;
    use rand_distr::{Distribution, StandardNormal, Uniform};
    use rand_pcg::Pcg64;
    use rand_pcg::rand_core::SeedableRng;

    use super::*;

    fn rms(array: &Array2<f64>) -> f64 {
        (array.fold(0.0, |sum, value| sum + value * value) / array.len() as f64).sqrt()
    }

    fn uniform(rng: &mut Pcg64, low: f64, high: f64) -> f64 {
        Uniform::new(low, high).unwrap().sample(rng)
    }

    fn noisy(kernel: &Array2<f64>, deviation: f64, rng: &mut Pcg64) -> Array2<f64> {
        kernel.mapv(|value| value + deviation * rng.sample_normal())
    }

    trait SampleNormal {
        fn sample_normal(&mut self) -> f64;
    }

    impl SampleNormal for Pcg64 {
        fn sample_normal(&mut self) -> f64 {
            StandardNormal.sample(self)
        }
    }

    /// `a − b` as an angle in (−period/2, period/2].
    fn angle_between(a: f64, b: f64, period: f64) -> f64 {
        let difference = (a - b).rem_euclid(period);
        difference
            - if difference > 0.5 * period {
                period
            } else {
                0.0
            }
    }

    /// The fit of what `truth` looks like, with θ and phase named from the side of `truth`.
    fn same_side(fit: GaborFit, truth: &GaborFit) -> GaborFit {
        let turn = angle_between(fit.gabor.theta, truth.gabor.theta, TAU).abs() > 0.5 * PI;
        let theta = fit.gabor.theta + if turn { PI } else { 0.0 };
        GaborFit {
            gabor: Gabor { theta, ..fit.gabor },
            phase: if turn { -fit.phase } else { fit.phase },
            ..fit
        }
    }

    /// A Gabor that lies within a kernel of this side: at least two samples a period and one period in the envelope.
    fn random_gabor(side: f64, width: [f64; 2], rng: &mut Pcg64) -> GaborFit {
        let width = uniform(rng, width[0], width[1]);
        let period = uniform(rng, 2.6, 2.5 * width);
        let middle = 0.5 * (side - 1.0);
        let mut offset = || middle + uniform(rng, -0.1, 0.1) * side;
        let center = [offset(), offset()];
        GaborFit {
            gabor: Gabor {
                theta: uniform(rng, 0.0, PI),
                xi: 1.0 / period,
                sigma: 1.0 / (TAU * width),
                slant: uniform(rng, 0.6, 1.4),
            },
            center,
            phase: uniform(rng, -PI, PI),
            amplitude: uniform(rng, 0.1, 10.0),
            explained: 1.0,
        }
    }

    #[test]
    fn the_kernel_is_the_library_s_gabor_in_space() {
        // The formula in the head of `filters::gabor`, at its own centre, times 2πs²/slant.
        let gabor = Gabor {
            theta: 0.7,
            xi: 0.21,
            sigma: 0.06,
            slant: 0.6,
        };
        let fit = GaborFit {
            gabor,
            center: [3.0, 4.0],
            phase: 0.0,
            amplitude: 2.0,
            explained: 1.0,
        };
        let kernel = fit.kernel([7, 9]);
        let s = 1.0 / (TAU * gabor.sigma);
        for ((i, k), value) in kernel.indexed_iter() {
            let (u, v) = (i as f64 - 3.0, k as f64 - 4.0);
            let along = u * 0.7_f64.cos() + v * 0.7_f64.sin();
            let across = -u * 0.7_f64.sin() + v * 0.7_f64.cos();
            let envelope = (-(along.powi(2) + 0.36 * across.powi(2)) / (2.0 * s * s)).exp();
            let expected = 2.0 * envelope * (TAU * 0.21 * along).cos();
            assert!((value - expected).abs() < 1e-14);
        }
    }

    #[test]
    fn derivatives_are_those_of_finite_differences() {
        let mut rng = Pcg64::seed_from_u64(1);
        let target = Array2::from_shape_fn([7, 9], |_| rng.sample_normal());
        let line = Array2::from_shape_fn([40, 1], |_| rng.sample_normal());
        for _ in 0..50 {
            let truth = random_gabor(8.0, [1.2, 2.5], &mut rng);
            let origin = [uniform(&mut rng, 1.0, 6.0), uniform(&mut rng, 1.0, 6.0)];
            let params = Params {
                origin,
                ..truth.params()
            };
            slopes_are_differences(Problem::new(&target, &params, ALL));
            let params = Params {
                origin: [uniform(&mut rng, 5.0, 35.0), 0.0],
                center: [uniform(&mut rng, 5.0, 35.0), 0.0],
                theta: 0.0,
                slant: 1.0,
                ..truth.params()
            };
            slopes_are_differences(Problem::new(&line, &params, ALONG_AXIS_0));
        }
    }

    fn slopes_are_differences<const P: usize>(mut problem: Problem<'_, P>) {
        let truth = problem.physical();
        let jacobian = problem.jacobian().unwrap();
        let at = problem.params();
        for parameter in 0..P {
            let step = 1e-6;
            let mut moved = |by: f64| {
                let mut free = at;
                free[parameter] += by;
                problem.set_params(&free);
                problem.residuals().unwrap()
            };
            let difference = (moved(step) - moved(-step)) / (2.0 * step);
            let error = (difference - jacobian.column(parameter)).norm();
            assert!(
                error < 1e-7 * jacobian.norm(),
                "parameter {parameter} of {truth:?}: {error}"
            );
        }
    }

    #[test]
    fn gabors_of_32_by_32_under_noise_of_5_percent_are_recovered() {
        let mut rng = Pcg64::seed_from_u64(2);
        for case in 0..60 {
            let truth = random_gabor(32.0, [2.5, 5.0], &mut rng);
            let clean = truth.kernel([32, 32]);
            let kernel = noisy(&clean, 0.05 * rms(&clean), &mut rng);
            let fit = same_side(fit(kernel.view()).unwrap(), &truth);
            let relative = |got: f64, expected: f64| (got / expected - 1.0).abs();
            let degrees = |a, b| angle_between(a, b, TAU).abs().to_degrees();
            assert!(
                relative(fit.gabor.xi, truth.gabor.xi) < 0.01,
                "{case}: {fit:?} {truth:?}"
            );
            assert!(
                relative(fit.gabor.sigma, truth.gabor.sigma) < 0.01,
                "{case}: {fit:?} {truth:?}"
            );
            assert!(
                relative(fit.gabor.slant, truth.gabor.slant) < 0.02,
                "{case}: {fit:?} {truth:?}"
            );
            assert!(
                degrees(fit.gabor.theta, truth.gabor.theta) < 2.0,
                "{case}: {fit:?} {truth:?}"
            );
            assert!(
                degrees(fit.phase, truth.phase) < 2.0,
                "{case}: {fit:?} {truth:?}"
            );
            // What is left is the noise, less the eight directions that the parameters take up.
            let noise = 0.0025 / 1.0025;
            assert!(
                (fit.explained - (1.0 - noise)).abs() < 0.2 * noise,
                "{case}: {fit:?}"
            );
        }
    }

    /// Standard deviations that no unbiased estimate can go below: the diagonal of the inverse Fisher matrix, from
    /// finite differences of the kernel itself. Order: theta, xi, ln sigma, ln slant, phase.
    fn cramer_rao(truth: &GaborFit, shape: [usize; 2], deviation: f64) -> [f64; 5] {
        let moved = |parameter: usize, by: f64| {
            let mut fit = *truth;
            match parameter {
                0 => fit.gabor.theta += by,
                1 => fit.gabor.xi += by,
                2 => fit.gabor.sigma *= by.exp(),
                3 => fit.gabor.slant *= by.exp(),
                4 => fit.phase += by,
                5 => fit.amplitude += by,
                axis => fit.center[axis - 6] += by,
            }
            fit.kernel(shape)
        };
        let step = 1e-5;
        let slopes: Vec<_> = (0..8)
            .map(|p| (moved(p, step) - moved(p, -step)) / (2.0 * step))
            .collect();
        let fisher = SMatrix::<f64, 8, 8>::from_fn(|a, b| {
            (&slopes[a] * &slopes[b]).sum() / (deviation * deviation)
        });
        let covariance = fisher.try_inverse().unwrap();
        std::array::from_fn(|p| covariance[(p, p)].sqrt())
    }

    #[test]
    fn gabors_of_7_by_7_are_recovered_as_well_as_noise_allows() {
        let mut rng = Pcg64::seed_from_u64(3);
        let (shape, trials) = ([7, 7], 200);
        for _ in 0..8 {
            let truth = random_gabor(7.0, [1.3, 1.7], &mut rng);
            let clean = truth.kernel(shape);
            let deviation = 0.02 * rms(&clean);
            let bound = cramer_rao(&truth, shape, deviation);
            let mut squares = [0.0; 5];
            for _ in 0..trials {
                let fit = fit(noisy(&clean, deviation, &mut rng).view()).unwrap();
                let fit = same_side(fit, &truth);
                let errors = [
                    fit.gabor.theta - truth.gabor.theta,
                    fit.gabor.xi - truth.gabor.xi,
                    (fit.gabor.sigma / truth.gabor.sigma).ln(),
                    (fit.gabor.slant / truth.gabor.slant).ln(),
                    angle_between(fit.phase, truth.phase, TAU),
                ];
                squares = std::array::from_fn(|p| squares[p] + errors[p] * errors[p]);
            }
            for (p, name) in ["theta", "xi", "sigma", "slant", "phase"]
                .iter()
                .enumerate()
            {
                // 200 trials give a standard deviation to 5 %; three of those either way, and a little for what is
                // not linear in the noise.
                let ratio = (squares[p] / f64::from(trials)).sqrt() / bound[p];
                assert!(
                    (0.8..1.25).contains(&ratio),
                    "{name}: {ratio} times the bound of {truth:?}"
                );
            }
        }
    }

    #[test]
    fn a_fit_turns_with_its_kernel() {
        let mut rng = Pcg64::seed_from_u64(4);
        let kernel = Array2::from_shape_fn([9, 9], |_| rng.sample_normal());
        let upright = fit(kernel.view()).unwrap();
        let turned = fit(kernel.t()).unwrap();
        assert!(
            (upright.explained - turned.explained).abs() < 1e-6,
            "{upright:?} {turned:?}"
        );
        // Transposition mirrors at the diagonal: θ becomes π/2 − θ.
        let expected = 0.5 * PI - upright.gabor.theta;
        assert!(angle_between(turned.gabor.theta, expected, PI).abs() < 1e-3);
        assert!((turned.gabor.xi - upright.gabor.xi).abs() < 1e-4);
        assert!((turned.center[0] - upright.center[1]).abs() < 1e-3);
    }

    #[test]
    fn amplitudes_scale_out() {
        let mut rng = Pcg64::seed_from_u64(5);
        let kernel = Array2::from_shape_fn([7, 7], |_| rng.sample_normal());
        let one = fit(kernel.view()).unwrap();
        // Powers of two change no digit, so they may not change the fit.
        for exponent in [-700, -100, 100, 700] {
            let scale = 2_f64.powi(exponent);
            let scaled = fit(kernel.mapv(|value| scale * value).view()).unwrap();
            let amplitude = scaled.amplitude / scale;
            assert_eq!(
                GaborFit {
                    amplitude,
                    ..scaled
                },
                one,
                "2^{exponent}"
            );
        }
        let negative = fit(kernel.mapv(|value| -value).view()).unwrap();
        assert!(negative.amplitude > 0.0);
        assert!(angle_between(negative.phase, one.phase + PI, TAU).abs() < 1e-4);
    }

    #[test]
    fn extremes_stay_within_their_ranges() {
        let delta = Array2::from_shape_fn([5, 5], |at| f64::from(u8::from(at == (2, 2))));
        let constant = Array2::from_elem([6, 4], 3.0);
        let checkers = Array2::from_shape_fn([7, 7], |(i, k)| 1.0 - 2.0 * ((i + k) % 2) as f64);
        for (name, kernel, least) in [
            ("delta", delta, 0.95),
            ("constant", constant, 0.95),
            ("checkers", checkers, 0.95),
        ] {
            let fit = fit(kernel.view()).unwrap();
            assert!(fit.explained > least, "{name}: {fit:?}");
            assert!((0.0..PI).contains(&fit.gabor.theta), "{name}: {fit:?}");
            let (sin, cos) = fit.gabor.theta.sin_cos();
            assert!(
                fit.gabor.xi * sin.abs().max(cos.abs()) <= 0.5 + 1e-12,
                "{name}: {fit:?}"
            );
            assert!(
                fit.center.iter().all(|c| (-0.5..=6.5).contains(c)),
                "{name}: {fit:?}"
            );
        }
    }

    #[test]
    fn kernels_that_cannot_be_fitted_are_refused_by_name() {
        assert!(matches!(
            fit(Array2::zeros([5, 5]).view()),
            Err(Error::InvalidParameter { name: "kernel", .. })
        ));
        assert!(matches!(
            fit(Array2::ones([2, 5]).view()),
            Err(Error::WrongShape { .. })
        ));
        let mut kernels = vec![Array2::ones([3, 3]), Array2::zeros([3, 3])];
        let fits = fit_all(&kernels).unwrap();
        assert!(fits[0].is_some() && fits[1].is_none());
        kernels[1][[2, 0]] = f64::NAN;
        match fit_all(&kernels) {
            Err(Error::NotFinite { position, .. }) => assert_eq!(position, [1, 2, 0]),
            other => panic!("{other:?}"),
        }
    }
}
