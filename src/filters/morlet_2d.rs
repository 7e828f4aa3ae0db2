//! [`FilterBank2d`]: the wavelets ψ_{j,θ} and the low-pass φ_J of a 2D scattering transform.
//!
//! Comes in: a grid, J, L and the mother wavelet. Goes out: every ψ̂ as a [`Band`], φ̂ as one factor per axis.
//!
//! ```text
//! ψ̂_{j,l}: centre frequency xi/2^j, bandwidth sigma/2^j, angle θ_l = (trunc(L/2 − 1) − l)·π/L,   0 ≤ j < J, 0 ≤ l < L
//! φ̂_J:     isotropic Gaussian, bandwidth sigma_phi/2^(J−1)
//! ```
//!
//! The index of a wavelet in its bank is λ = j·L + l. With the standard mother wavelet these are Kymatio's filters,
//! with π where Kymatio has 3.1415: its filters are larger by π/3.1415 = 1 + 2.95·10⁻⁵, each.
//!
//! Conventions that bite: angles run downwards; [`Wavelet2d::theta`] is reported modulo π, since a wavelet and its
//! mirror image give the same modulus on real signals, while ψ̂ itself sits on the side that the formula says:
//! [`Wavelet2d::direction`], in (−π, π], is where. Phases, gradients and pictures of ψ̂ need the latter.

use std::f64::consts::PI;
use std::sync::Arc;

use ndarray::Array2;
use num_complex::Complex;

use super::band::{Band, dense, filter_grid};
use super::bank::{FilterBank, low_block};
use super::frame::{self, FrameBounds};
use super::gabor::Gabor;
use super::gauss;
use super::list_2d::{WaveletList2d, band, phi_axes};
use super::outline::{self, SampledFrameBounds, Scaling};
use crate::grid::Grid;
use crate::num::Real;
use crate::{Error, Result, memory, parallel};

/// Which family of wavelets fills the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Family {
    /// A Gabor minus its envelope: zero mean, so features do not see a constant.
    #[default]
    Morlet,
    /// A Gaussian bump at the centre frequency; its mean is small, not zero.
    Gabor,
}

/// The mother wavelet ψ_0 and the low-pass: what every scale dilates and every orientation rotates.
///
/// ```
/// use wavelet_scattering::filters::{Family, Mother};
///
/// let mother = Mother::default().family(Family::Gabor).xi(0.3).slant(0.5);
/// assert_eq!((mother.xi, mother.slant), (0.3, Some(0.5)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Mother {
    /// Morlet or Gabor.
    pub family: Family,
    /// Centre frequency at j = 0, cycles per sample, in (0, 0.5]. Standard: 3/8.
    pub xi: f64,
    /// Bandwidth at j = 0 (standard deviation in frequency along the wave vector), cycles per sample.
    /// Standard: 1/(2π·0.8), a spatial width of 0.8 samples.
    pub sigma: f64,
    /// Spatial width along the wave vector over the width across it; `None` for the standard 4/L.
    pub slant: Option<f64>,
    /// Bandwidth of φ at J = 1, cycles per sample; φ_J has `sigma_phi / 2^(J-1)`. Standard: that of ψ_0.
    pub sigma_phi: f64,
}

impl Default for Mother {
    fn default() -> Self {
        let sigma = 1.0 / (2.0 * PI * 0.8);
        Self {
            family: Family::Morlet,
            xi: 0.375,
            sigma,
            slant: None,
            sigma_phi: sigma,
        }
    }
}

impl Mother {
    /// Sets the family of wavelets.
    pub fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// Sets the centre frequency at j = 0, cycles per sample.
    pub fn xi(mut self, xi: f64) -> Self {
        self.xi = xi;
        self
    }

    /// Sets the bandwidth at j = 0, cycles per sample.
    pub fn sigma(mut self, sigma: f64) -> Self {
        self.sigma = sigma;
        self
    }

    /// Sets the spatial width along the wave vector over the width across it.
    pub fn slant(mut self, slant: f64) -> Self {
        self.slant = Some(slant);
        self
    }

    /// Sets the bandwidth of φ at J = 1, cycles per sample.
    pub fn sigma_phi(mut self, sigma_phi: f64) -> Self {
        self.sigma_phi = sigma_phi;
        self
    }
}

/// Whether the bank is scaled so that one layer never expands a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Normalization {
    /// Every filter as its formula says: a Gabor has peak 1, φ has sum 1.
    #[default]
    Plain,
    /// φ divided by φ̂(0), and every ψ by one constant, the least that brings the Littlewood-Paley sum to at most 1
    /// on every level: the scattering transform is then non-expansive.
    Contractive,
}

/// One wavelet of a bank, in numbers. Numbers of filters from arrays are NaN where the caller left them out.
///
/// ```
/// use wavelet_scattering::filters::Wavelet2d;
///
/// let wavelet = Wavelet2d::new(1, 5).direction(-0.5).xi(0.2);
/// assert_eq!(wavelet.theta, std::f64::consts::PI - 0.5);
/// assert!(wavelet.wave_vector()[1] < 0.0 && wavelet.sigma.is_nan());
/// ```
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Wavelet2d {
    /// Scale, 0 = finest.
    pub j: usize,
    /// Index of the orientation, `0..L`.
    pub l: usize,
    /// Orientation: the angle of the wave vector modulo π, in radians, in [0, π), from axis 0 toward axis 1.
    #[cfg_attr(feature = "serde", serde(with = "crate::num::known"))]
    pub theta: f64,
    /// The angle of the wave vector itself, in radians, in (−π, π]: ψ̂ lies on this side of the frequency plane. It is
    /// `theta` or `theta − π`.
    #[cfg_attr(feature = "serde", serde(with = "crate::num::known"))]
    pub direction: f64,
    /// Centre frequency, cycles per pixel.
    #[cfg_attr(feature = "serde", serde(with = "crate::num::known"))]
    pub xi: f64,
    /// Bandwidth: standard deviation in frequency along the wave vector, cycles per pixel.
    #[cfg_attr(feature = "serde", serde(with = "crate::num::known"))]
    pub sigma: f64,
    /// Spatial width along the wave vector over the width across it.
    #[cfg_attr(feature = "serde", serde(with = "crate::num::known"))]
    pub slant: f64,
}

impl Wavelet2d {
    /// A wavelet of scale `j` and of the orientation with index `l` of which nothing else is known.
    pub fn new(j: usize, l: usize) -> Self {
        Self {
            j,
            l,
            theta: f64::NAN,
            direction: f64::NAN,
            xi: f64::NAN,
            sigma: f64::NAN,
            slant: f64::NAN,
        }
    }

    /// Sets the angle of the wave vector, any number of turns in radians, and the orientation with it.
    pub fn direction(mut self, direction: f64) -> Self {
        const TAU: f64 = 2.0 * PI;
        let within = direction.rem_euclid(TAU);
        self.direction = if -PI < direction && direction <= PI {
            direction // not a bit changes
        } else if within <= PI {
            within
        } else {
            within - TAU
        };
        // An angle a hair below 0 would be rounded up to π itself, which is 0 again.
        let theta = direction.rem_euclid(PI);
        self.theta = if theta == PI { 0.0 } else { theta };
        self
    }

    /// Sets the centre frequency, cycles per pixel.
    pub fn xi(mut self, xi: f64) -> Self {
        self.xi = xi;
        self
    }

    /// Sets the bandwidth, cycles per pixel.
    pub fn sigma(mut self, sigma: f64) -> Self {
        self.sigma = sigma;
        self
    }

    /// Sets the spatial width along the wave vector over the width across it.
    pub fn slant(mut self, slant: f64) -> Self {
        self.slant = slant;
        self
    }

    /// `xi·[cos direction, sin direction]`, in cycles per pixel: around here ψ̂ is large.
    pub fn wave_vector(&self) -> [f64; 2] {
        let (sin, cos) = self.direction.sin_cos();
        [self.xi * cos, self.xi * sin]
    }

    /// Standard deviation of the envelope in space along the wave vector, 1/(2π·sigma), in pixels. Across it is this
    /// over the slant.
    pub fn sigma_space(&self) -> f64 {
        gauss::width(self.sigma)
    }

    /// The Gabor with these numbers: the wavelet itself or, for a Morlet, what it oscillates as.
    pub fn gabor(&self) -> Gabor {
        Gabor {
            theta: self.direction,
            xi: self.xi,
            sigma: self.sigma,
            slant: self.slant,
        }
    }
}

/// Numbers that are not known are equal to each other, so that a table of wavelets equals its copy.
impl PartialEq for Wavelet2d {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |of: &Self| [of.theta, of.direction, of.xi, of.sigma, of.slant];
        let equal = |(a, b): (f64, f64)| a == b || (a.is_nan() && b.is_nan());
        (self.j, self.l) == (other.j, other.l)
            && numbers(self).into_iter().zip(numbers(other)).all(equal)
    }
}

/// Description of a [`FilterBank2d`]: plain data, checked by [`build`](Self::build).
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FilterBank2dParams {
    /// Samples per axis of the grid the filters live on.
    pub shape: [usize; 2],
    /// Number of scales.
    pub J: usize,
    /// Number of orientations in [0, π).
    pub L: usize,
    /// The wavelet at the finest scale.
    pub mother: Mother,
    /// Scaling of the whole bank.
    pub normalization: Normalization,
}

/// The largest `J` accepted: 2^32 samples are beyond any image.
pub(super) const MAX_J: usize = 32;

/// The largest `L` accepted: the standard slant 4/L makes filters a thousand times wider than long there.
const MAX_L: usize = 4096;

impl FilterBank2dParams {
    /// Sets the number of orientations.
    pub fn L(mut self, L: usize) -> Self {
        self.L = L;
        self
    }

    /// Sets the mother wavelet.
    pub fn mother(mut self, mother: Mother) -> Self {
        self.mother = mother;
        self
    }

    /// Sets the scaling of the whole bank.
    pub fn normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// Slant of every wavelet: the caller's, or 4/L.
    pub fn slant(&self) -> f64 {
        self.mother.slant.unwrap_or(4.0 / self.L as f64)
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for J, L or a number of the mother wavelet out of range, [`Error::Empty`] for a
    /// grid without samples.
    pub fn check(&self) -> Result<()> {
        let invalid = |name, value: &dyn std::fmt::Display, limit: &str| {
            Err(Error::InvalidParameter {
                name,
                value: value.to_string(),
                limit: limit.into(),
            })
        };
        if self.J == 0 || self.J > MAX_J {
            return invalid("J", &self.J, "a bank has 1 to 32 scales");
        }
        if self.L == 0 || self.L > MAX_L {
            return invalid(
                "L",
                &self.L,
                "a bank has at least one orientation, and at most 4096",
            );
        }
        if self.shape.contains(&0) {
            return Err(Error::Empty {
                shape: self.shape.to_vec(),
            });
        }
        let Mother {
            xi,
            sigma,
            sigma_phi,
            ..
        } = self.mother;
        check_numbers(xi, sigma, self.slant(), "")?;
        check_sigma_phi(sigma_phi)?;
        Ok(())
    }

    /// Angle of orientation `l` as the formula gives it: from trunc(L/2 − 1)·π/L down, all within one half turn.
    fn angle(&self, l: usize) -> f64 {
        (self.L.saturating_sub(2) / 2) as f64 * PI / self.L as f64 - l as f64 * PI / self.L as f64
    }

    /// Every wavelet of the bank, in order of λ = j·L + l; of parameters that passed [`check`](Self::check), since any J
    /// is counted up to.
    pub(crate) fn wavelets(&self) -> Vec<Wavelet2d> {
        (0..self.J)
            .flat_map(|j| (0..self.L).map(move |l| (j, l)))
            .map(|(j, l)| {
                let dilation = (j as f64).exp2();
                Wavelet2d::new(j, l)
                    .direction(self.angle(l))
                    .xi(self.mother.xi / dilation)
                    .sigma(self.mother.sigma / dilation)
                    .slant(self.slant())
            })
            .collect()
    }

    /// About how many bytes the bank will take in precision `T`: an upper estimate from the area of each bump. Of
    /// parameters that passed [`check`](Self::check), as above.
    pub(crate) fn expected_bytes<T: Real>(&self) -> u64 {
        let samples = memory::count(&self.shape) as f64;
        let radius = (-2.0 * T::NEGLIGIBLE.ln()).sqrt();
        let area = PI * radius.powi(2) * self.mother.sigma.powi(2) * self.slant();
        // One ellipse for the bump, one for the envelope; the scales below j = 0 shrink by 4.
        let values: f64 = (0..self.J)
            .map(|j| (2.0 * area / 4_f64.powi(j as i32)).min(1.0) * samples)
            .sum();
        memory::bytes_of::<T>((values * self.L as f64).ceil() as u64)
    }

    /// About how many bytes the bands of the bank will take in precision `T`: what exceeds the negligible, row by row.
    pub(crate) fn counted_bytes<T: Real>(&self) -> u64 {
        let wavelets = self.wavelets();
        let count = outline::count_above(&wavelets, self.mother.family, T::NEGLIGIBLE, self.shape);
        memory::bytes_of::<T>(count)
    }

    /// The frame bounds without building the bank, from some of the frequencies of its grid: of grids of any size, in a
    /// fraction of a second, where the sum over all frequencies would take minutes.
    ///
    /// The frequencies lie on nested squares around 0, each half as wide as the one before it, 64 a side, so that wavelets
    /// of every scale are met. Peaks between them are missed: the lower bound is too large and the upper one too small, by
    /// less than 0.01 for standard banks. Of small banks, up to two million frequencies times wavelets, none is left out.
    /// Of a contractive bank the scaling is found on the same frequencies.
    ///
    /// # Errors
    /// Those of [`check`](Self::check).
    ///
    /// ```
    /// use wavelet_scattering::filters::FilterBank2d;
    ///
    /// let sampled = FilterBank2d::params([4096, 4096], 8).L(8).sampled_frame_bounds()?;
    /// assert!(sampled.bounds.upper > 1.04 && sampled.bounds.upper < 1.06);
    /// assert!(sampled.samples < 100_000 && sampled.frequencies == 1 << 24);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn sampled_frame_bounds(&self) -> Result<SampledFrameBounds> {
        self.check()?;
        Ok(outline::sampled_frame_bounds(
            &self.wavelets(),
            self.mother.family,
            &self.phi_axes(),
            match self.normalization {
                Normalization::Plain => Scaling::Divide(1.0),
                Normalization::Contractive => Scaling::Contract,
            },
        ))
    }

    /// The bank wavelet by wavelet, without building it.
    ///
    /// # Errors
    /// Those of [`check`](Self::check). Of a contractive bank, whose scaling is known when it is built,
    /// [`Error::InvalidParameter`]: build it and take its list.
    pub fn list(&self) -> Result<WaveletList2d> {
        self.check()?;
        if self.normalization == Normalization::Contractive {
            return Err(Error::InvalidParameter {
                name: "normalization",
                value: "contractive".into(),
                limit:
                    "its scaling is known when the bank is built; make the list from the built bank"
                        .into(),
            });
        }
        Ok(WaveletList2d::of_bank(self, self.wavelets().into(), 1.0))
    }

    /// Bandwidth of φ_J; `J` is at least 1.
    pub(crate) fn sigma_phi(&self) -> f64 {
        self.mother.sigma_phi / ((self.J - 1) as f64).exp2()
    }

    /// Builds the bank, on all threads of the current pool.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), and [`Error::OutOfMemory`] if the bank does not fit into memory.
    pub fn build<T: Real>(&self) -> Result<FilterBank2d<T>> {
        self.check()?;
        memory::require(
            "the filter bank",
            self.expected_bytes::<T>(),
            "use a smaller image, fewer orientations L or 32-bit precision",
        )?;
        let grid = Grid::new(self.shape);
        let wavelets: Arc<[Wavelet2d]> = self.wavelets().into();
        let psi = parallel::map(wavelets.len(), |lambda| {
            band(self.mother.family, grid, &wavelets[lambda].gabor())
        });
        let mut bank = FilterBank2d {
            params: self.clone(),
            grid,
            wavelets,
            psi,
            phi_axes: self.phi_axes(),
            divisor: 1.0,
        };
        if self.normalization == Normalization::Contractive {
            bank.contract()?;
        }
        Ok(bank)
    }

    /// The factors of φ̂, divided by φ̂(0) if the bank is to be contractive.
    pub(crate) fn phi_axes(&self) -> [Vec<f64>; 2] {
        let unit = self.normalization == Normalization::Contractive;
        phi_axes(self.shape, self.sigma_phi(), unit)
    }
}

/// Refuses numbers of a wavelet out of range; `of` says of which one in a message.
pub(super) fn check_numbers(xi: f64, sigma: f64, slant: f64, of: &str) -> Result<()> {
    let (name, value, limit) = if !(xi > 0.0 && xi <= 0.5) {
        let limit = "the centre frequency lies in (0, 0.5] cycles per sample";
        ("xi", xi, limit)
    } else if !(1e-6..=2.0).contains(&sigma) {
        let limit = "a bandwidth lies in [1e-6, 2] cycles per sample";
        ("sigma", sigma, limit)
    } else if !(slant > 0.0 && (1e-6..=8.0).contains(&(sigma * slant))) {
        let limit = "sigma * slant, the bandwidth across the wave vector, lies in [1e-6, 8]";
        ("slant", slant, limit)
    } else {
        return Ok(());
    };
    Err(Error::InvalidParameter {
        name,
        value: format!("{value}{of}"),
        limit: limit.into(),
    })
}

/// Refuses a bandwidth of φ out of range.
pub(super) fn check_sigma_phi(sigma_phi: f64) -> Result<()> {
    if (1e-6..=2.0).contains(&sigma_phi) {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        name: "sigma_phi",
        value: sigma_phi.to_string(),
        limit: "a bandwidth lies in [1e-6, 2] cycles per sample".into(),
    })
}

/// Wavelets ψ_{j,θ} and low-pass φ_J on one grid, in the Fourier domain.
///
/// ```
/// use wavelet_scattering::filters::FilterBank2d;
///
/// let bank = FilterBank2d::params([64, 48], 3).L(8).build::<f32>()?;
/// let bounds = bank.frame_bounds();
/// assert!(bounds.upper > 1.0 && bounds.upper < 1.02);
/// assert_eq!(bank.psi(1, 5).to_array(0).unwrap().shape(), [64, 48]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FilterBank2d<T> {
    params: FilterBank2dParams,
    grid: Grid<2>,
    wavelets: Arc<[Wavelet2d]>,
    psi: Vec<Band<T, 2>>,
    phi_axes: [Vec<f64>; 2],
    /// What every ψ̂ has been divided by.
    divisor: f64,
}

/// On one precision only, so that `FilterBank2d::params` needs no type; [`FilterBank2dParams::build`] chooses it.
impl FilterBank2d<f32> {
    /// Describes a bank on a grid of this shape with `J` scales, 8 orientations and the standard Morlet.
    pub fn params(shape: [usize; 2], J: usize) -> FilterBank2dParams {
        FilterBank2dParams {
            shape,
            J,
            L: 8,
            mother: Mother::default(),
            normalization: Normalization::Plain,
        }
    }
}

impl<T: Real> FilterBank2d<T> {
    /// What the bank was built from.
    pub fn description(&self) -> &FilterBank2dParams {
        &self.params
    }

    /// The grid the filters live on.
    pub fn grid(&self) -> Grid<2> {
        self.grid
    }

    /// Number of scales.
    pub fn J(&self) -> usize {
        self.params.J
    }

    /// Number of orientations.
    pub fn L(&self) -> usize {
        self.params.L
    }

    /// Bandwidth of φ_J: its standard deviation in frequency, cycles per pixel; in space it is 1/(2π·sigma_phi) pixels.
    pub fn sigma_phi(&self) -> f64 {
        self.params.sigma_phi()
    }

    /// Every wavelet in numbers, in order of λ = j·L + l.
    pub fn wavelets(&self) -> &Arc<[Wavelet2d]> {
        &self.wavelets
    }

    /// ψ̂_{j,l}. Panics if `j` or `l` is out of range, as indexing does.
    pub fn psi(&self, j: usize, l: usize) -> &Band<T, 2> {
        assert!(l < self.params.L, "orientation {l} of {}", self.params.L);
        &self.psi[j * self.params.L + l]
    }

    /// ψ_{j,l} in space, its origin at index `[0, 0]` and periodic, as the transform uses it.
    ///
    /// **Shape** that of the grid. [`Band::in_space`] of [`psi`](Self::psi), and it panics where that does.
    pub fn psi_in_space(&self, j: usize, l: usize) -> Array2<Complex<f64>> {
        self.psi(j, l).in_space()
    }

    /// φ̂_J as a dense array in natural DFT order on the level-`level` grid; `None` where the level does not exist.
    pub fn phi(&self, level: usize) -> Option<Array2<T>> {
        let grid = filter_grid(self.grid, level)?;
        Some(dense(grid, frame::outer(&self.phi_on(grid))))
    }

    /// The factors of φ̂ on a coarser grid.
    fn phi_on(&self, grid: Grid<2>) -> [Vec<f64>; 2] {
        [0, 1].map(|axis| self.low_pass(axis, grid.shape[axis]))
    }

    /// |φ̂(ω)|² + ½ Σ_λ (|ψ̂_λ(ω)|² + |ψ̂_λ(−ω)|²) on the level-`level` grid, natural DFT order; `None` where the
    /// level does not exist. Level 0 holds all wavelets, level l those with j ≥ l.
    pub fn littlewood_paley(&self, level: usize) -> Option<Array2<f64>> {
        let bands = self.psi.get(level.checked_mul(self.params.L)?..)?;
        let grid = filter_grid(self.grid, level).filter(|_| !bands.is_empty())?;
        let sum = frame::littlewood_paley::<T, 2>(level, bands, &self.phi_on(grid));
        Some(dense(grid, sum))
    }

    /// The least and the largest value of the Littlewood-Paley sum on the full grid.
    pub fn frame_bounds(&self) -> FrameBounds {
        FilterBank::frame_bounds(self)
    }

    /// The same wavelets one by one.
    pub(super) fn list(&self) -> WaveletList2d {
        WaveletList2d::of_bank(&self.params, Arc::clone(&self.wavelets), self.divisor)
    }

    /// Bytes the bank takes.
    pub fn bytes(&self) -> u64 {
        FilterBank::bytes(self)
    }

    /// Scales the bank to an upper frame bound of 1, see [`Normalization::Contractive`].
    fn contract(&mut self) -> Result<()> {
        let mut excess = 1.0_f64;
        let levels =
            (0..self.params.J).map_while(|level| Some((level, filter_grid(self.grid, level)?)));
        for (level, grid) in levels {
            let bands = &self.psi[level * self.params.L..];
            let Some(here) = frame::excess(level, bands, &self.phi_on(grid)) else {
                return Err(Error::InvalidParameter {
                    name: "sigma_phi",
                    value: self.params.mother.sigma_phi.to_string(),
                    limit: "the low-pass leaves no room for wavelets at every frequency, so no scaling of them makes \
                            the bank contractive; use a narrower sigma_phi or the plain bank"
                        .into(),
                });
            };
            excess = excess.max(here);
        }
        self.divisor = excess.sqrt();
        for band in &mut self.psi {
            band.divide_by(self.divisor);
        }
        Ok(())
    }
}

impl<T: Real> FilterBank<T, 2> for FilterBank2d<T> {
    type Wavelet = Wavelet2d;

    fn grid(&self) -> Grid<2> {
        self.grid
    }

    fn wavelets(&self) -> &Arc<[Wavelet2d]> {
        &self.wavelets
    }

    fn members(&self, lambda: usize) -> &[Band<T, 2>] {
        std::slice::from_ref(&self.psi[lambda])
    }

    fn low_pass(&self, axis: usize, len: usize) -> Vec<f64> {
        low_block(&self.phi_axes[axis], len)
    }
}

#[cfg(test)]
mod tests {
    use super::super::gabor::Morlet;
    use super::*;

    #[test]
    fn angles_run_downwards_from_the_offset_of_the_definition() {
        // offsets 3, 2, 1, 1, 0, 0, 0 for L = 8, 6, 5, 4, 3, 2, 1
        for (L, offset) in [(8, 3), (6, 2), (5, 1), (4, 1), (3, 0), (2, 0), (1, 0)] {
            let params = FilterBank2d::params([8, 8], 1).L(L);
            for l in 0..L {
                let expected = (f64::from(offset) - l as f64) * PI / L as f64;
                assert!((params.angle(l) - expected).abs() < 1e-15);
                assert!((0.0..PI).contains(&params.wavelets()[l].theta));
            }
        }
    }

    #[test]
    fn a_direction_is_the_angle_within_one_turn_and_theta_within_half_a_turn() {
        for turns in [-3.0, -1.0, 0.0, 1.0, 4.0] {
            for (angle, direction, theta) in [
                (0.0, 0.0, 0.0),
                (1.0, 1.0, 1.0),
                (-1.0, -1.0, PI - 1.0),
                (3.0, 3.0, 3.0),
                (-3.0, -3.0, PI - 3.0),
            ] {
                let wavelet = Wavelet2d::new(0, 0).direction(angle + turns * 2.0 * PI);
                assert!(
                    (wavelet.direction - direction).abs() < 1e-14,
                    "{angle}, {turns}"
                );
                assert!((wavelet.theta - theta).abs() < 1e-14 || wavelet.theta > PI - 1e-14);
            }
        }
        assert_eq!(Wavelet2d::new(0, 0).direction(PI).direction, PI);
        assert_eq!(Wavelet2d::new(0, 0).direction(-PI).direction, PI);
        assert_eq!(Wavelet2d::new(0, 0).direction(-1e-300).theta, 0.0);
        let unknown = Wavelet2d::new(2, 1);
        assert!(unknown.direction.is_nan() && unknown == unknown.direction(f64::INFINITY));
        assert_ne!(unknown, unknown.xi(0.1));
    }

    #[test]
    fn bands_are_the_sampled_wavelets() {
        for family in [Family::Morlet, Family::Gabor] {
            let mother = Mother {
                family,
                ..Mother::default()
            };
            let params = FilterBank2d::params([24, 15], 2).L(5).mother(mother);
            let bank = params.build::<f64>().unwrap();
            for wavelet in bank.wavelets().iter() {
                let gabor = wavelet.gabor();
                assert_eq!(gabor.theta, params.angle(wavelet.l));
                let morlet = Morlet::new(gabor);
                for ((i, k), &got) in bank
                    .psi(wavelet.j, wavelet.l)
                    .to_array(0)
                    .unwrap()
                    .indexed_iter()
                {
                    let omega = [i as f64 / 24.0, k as f64 / 15.0];
                    let expected = match family {
                        Family::Morlet => morlet.sampled_hat(omega),
                        Family::Gabor => gabor.sampled_hat(omega),
                    };
                    assert!((got - expected).abs() < 1e-12, "{wavelet:?} at {omega:?}");
                }
            }
        }
    }

    #[test]
    fn a_morlet_has_zero_mean_on_every_grid() {
        for shape in [[1, 1], [2, 3], [13, 7], [64, 40]] {
            let bank = FilterBank2d::params(shape, 3).L(3).build::<f64>().unwrap();
            for wavelet in bank.wavelets().iter() {
                assert_eq!(
                    bank.psi(wavelet.j, wavelet.l).to_array(0).unwrap()[[0, 0]],
                    0.0
                );
            }
        }
    }

    #[test]
    fn parameters_out_of_range_are_refused() {
        let bank = |J, L| FilterBank2d::params([32, 32], J).L(L).build::<f64>();
        assert!(matches!(
            bank(0, 8),
            Err(Error::InvalidParameter { name: "J", .. })
        ));
        assert!(matches!(
            bank(usize::MAX, 8),
            Err(Error::InvalidParameter { name: "J", .. })
        ));
        assert!(matches!(
            bank(2, 0),
            Err(Error::InvalidParameter { name: "L", .. })
        ));
        for mother in [
            Mother {
                xi: f64::NAN,
                ..Mother::default()
            },
            Mother {
                xi: 0.6,
                ..Mother::default()
            },
            Mother {
                sigma: 0.0,
                ..Mother::default()
            },
            Mother {
                slant: Some(f64::INFINITY),
                ..Mother::default()
            },
        ] {
            let result = FilterBank2d::params([32, 32], 2)
                .mother(mother)
                .build::<f64>();
            assert!(
                matches!(result, Err(Error::InvalidParameter { .. })),
                "{mother:?}"
            );
        }
        let huge = FilterBank2d::params([1 << 30, 1 << 30], 2).build::<f64>();
        assert!(matches!(huge, Err(Error::OutOfMemory { .. })));
    }
}
