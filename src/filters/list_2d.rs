//! [`WaveletList2d`]: a bank of one's own, wavelet by wavelet: Gabors or Morlets of any frequencies, angles, widths and slants.
//!
//! Comes in: wavelets in numbers, and the width of the low-pass. Goes out: the same bank on any grid, as an [`ArrayBank2d`] by
//! the formula of [`gabor`](super::gabor), or as pictures.
//!
//! Conventions that bite: wavelets stand in order of their scales j, which decide how far each |x ⋆ ψ| is subsampled, and
//! which wavelet may follow which on a path. [`WaveletList2d::new`] tells them from the frequencies:
//!
//! ```text
//! j = ⌊min( log2(3/8 / xi), log2(σ₀ / (sigma·max(slant, 1))) )⌋ within 0 .. J − 1,   σ₀ = 1/(2π·0.8)
//! ```
//!
//! the coarsest scale whose standard wavelet is neither lower nor narrower in frequency.

use std::sync::Arc;

use super::array_2d::ArrayBank2d;
use super::band::Band;
use super::gabor::{Gabor, Morlet};
use super::gauss;
use super::morlet_2d::{
    Family, FilterBank2d, FilterBank2dParams, MAX_J, Mother, Normalization, Wavelet2d,
    check_numbers, check_sigma_phi,
};
use super::outline::{self, SampledFrameBounds};
use crate::grid::Grid;
use crate::num::Real;
use crate::{Error, Result, memory, parallel};

/// Description of a bank, wavelet by wavelet: plain data, checked by [`build`](Self::build).
///
/// ```
/// use std::sync::Arc;
/// use wavelet_scattering::Scattering2d;
/// use wavelet_scattering::filters::WaveletList2d;
/// use wavelet_scattering::filters::gabor::Gabor;
///
/// // Four fine wavelets, and a coarse one along axis 0 alone.
/// let params = Scattering2d::params([64, 64], 3);
/// let fine = (0..4).map(|l| Gabor { theta: f64::from(l) * 0.785, xi: 0.3, sigma: 0.1, slant: 0.7 });
/// let coarse = Gabor { theta: 0.0, xi: 0.08, sigma: 0.03, slant: 1.0 };
/// let gabors: Vec<Gabor> = fine.chain([coarse]).collect();
/// let list = WaveletList2d::new(params.padded_shape()?, 3, &gabors);
/// assert_eq!(list.wavelets.iter().map(|psi| psi.j).collect::<Vec<_>>(), [0, 0, 0, 0, 2]);
///
/// let plan = params.plan_with::<f32>(&[Arc::new(list.build()?)])?;
/// assert_eq!(plan.paths().len(), 1 + 5 + 4); // the coarse one follows each of the fine ones
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WaveletList2d {
    /// Samples per axis of the grid the filters live on.
    pub shape: [usize; 2],
    /// log2 of the width of the low-pass; wavelets have scales below it.
    pub J: usize,
    /// Every wavelet in numbers, scales in order, finest first.
    pub wavelets: Arc<[Wavelet2d]>,
    /// Which of both they are. Standard: Morlets.
    pub family: Family,
    /// Bandwidth of φ: its standard deviation in frequency, cycles per sample. Standard: 1/(2π·0.8) / 2^(J − 1).
    pub sigma_phi: f64,
    /// What every ψ, and what every factor of φ̂, is divided by.
    divisors: Divisors,
}

/// How a bank is scaled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Divisors {
    pub psi: f64,
    /// Whether φ̂(0) is 1.
    pub phi: bool,
}

impl Divisors {
    pub const NONE: Self = Self {
        psi: 1.0,
        phi: false,
    };
}

impl WaveletList2d {
    /// Morlets on a grid of this shape that oscillate as these Gabors, their scales told from their frequencies and widths as
    /// the head of this module says, below `J`. Those of one scale keep their order and are numbered by `l`.
    pub fn new(shape: [usize; 2], J: usize, gabors: &[Gabor]) -> Self {
        let mut wavelets: Vec<_> = gabors
            .iter()
            .map(|gabor| {
                Wavelet2d::new(scale(gabor, J), 0)
                    .direction(gabor.theta)
                    .xi(gabor.xi)
                    .sigma(gabor.sigma)
                    .slant(gabor.slant)
            })
            .collect();
        wavelets.sort_by_key(|wavelet| wavelet.j);
        for i in 1..wavelets.len() {
            if wavelets[i].j == wavelets[i - 1].j {
                wavelets[i].l = wavelets[i - 1].l + 1;
            }
        }
        let coarsest = J.clamp(1, MAX_J) - 1;
        Self {
            shape,
            J,
            wavelets: wavelets.into(),
            family: Family::default(),
            sigma_phi: Mother::default().sigma_phi / (coarsest as f64).exp2(),
            divisors: Divisors::NONE,
        }
    }

    /// Sets which of both the wavelets are.
    pub fn family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// Sets the bandwidth of φ, cycles per sample.
    pub fn sigma_phi(mut self, sigma_phi: f64) -> Self {
        self.sigma_phi = sigma_phi;
        self
    }

    /// Sets the grid. The wavelets stay as they are: their frequencies are in cycles per sample.
    pub fn shape(mut self, shape: [usize; 2]) -> Self {
        self.shape = shape;
        self
    }

    /// The wavelets of a bank as they stand in it.
    pub(super) fn of_bank(
        params: &FilterBank2dParams,
        wavelets: Arc<[Wavelet2d]>,
        psi: f64,
    ) -> Self {
        Self {
            shape: params.shape,
            J: params.J,
            wavelets,
            family: params.mother.family,
            sigma_phi: params.sigma_phi(),
            divisors: Divisors {
                psi,
                phi: params.normalization == Normalization::Contractive,
            },
        }
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Empty`] for a grid without samples; [`Error::InvalidParameter`] for J, a list without wavelets, scales that
    /// decrease or are not below J, and for frequencies, bandwidths and slants out of range.
    pub fn check(&self) -> Result<()> {
        let invalid = |name, value: String, limit: &str| {
            Err(Error::InvalidParameter {
                name,
                value,
                limit: limit.into(),
            })
        };
        if self.shape.contains(&0) {
            return Err(Error::Empty {
                shape: self.shape.to_vec(),
            });
        }
        if !(1..=MAX_J).contains(&self.J) {
            return invalid("J", self.J.to_string(), "a bank has 1 to 32 scales");
        }
        if self.wavelets.is_empty() {
            return invalid("wavelets", "none".into(), "a bank has at least one");
        }
        let mut finest = 0;
        for (lambda, wavelet) in self.wavelets.iter().enumerate() {
            let of = format!(" of wavelet {lambda}");
            check_numbers(wavelet.xi, wavelet.sigma, wavelet.slant, &of)?;
            if !wavelet.direction.is_finite() {
                let value = format!("{}{of}", wavelet.direction);
                return invalid("direction", value, "an angle is a finite number");
            }
            if wavelet.j < finest || wavelet.j >= self.J {
                let limit = "scales stand in order and lie below J, the scale of the averages; sort them or use a larger J";
                return invalid("j", format!("{}{of}", wavelet.j), limit);
            }
            finest = wavelet.j;
        }
        check_sigma_phi(self.sigma_phi)
    }

    /// Builds the bank, on all threads of the current pool.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); [`Error::InvalidParameter`] for a wavelet so narrow that it lies between the
    /// frequencies of the grid; [`Error::OutOfMemory`] if the bank does not fit into memory.
    pub fn build<T: Real>(&self) -> Result<ArrayBank2d<T>> {
        self.check()?;
        memory::require(
            "the filter bank",
            self.counted_bytes::<T>(),
            "use a smaller image, fewer wavelets or 32-bit precision",
        )?;
        let psi = parallel::map(self.wavelets.len(), |lambda| self.band::<T>(lambda));
        if let Some(lambda) = psi.iter().position(Band::is_empty) {
            let [n0, n1] = self.shape;
            return Err(Error::InvalidParameter {
                name: "sigma",
                value: format!("{} of wavelet {lambda}", self.wavelets[lambda].sigma),
                limit: format!(
                    "the wavelet lies between the frequencies of a grid of {n0} x {n1}; use a wider sigma or slant, or a \
                     larger grid"
                ),
            });
        }
        let wavelets = Arc::clone(&self.wavelets);
        Ok(ArrayBank2d::from_bands(
            Grid::new(self.shape),
            wavelets,
            psi,
            self.phi_axes(),
        ))
    }

    /// Whether this is the list of a contractive bank.
    #[cfg(feature = "viz")]
    pub(crate) fn is_contractive(&self) -> bool {
        self.divisors.phi
    }

    /// ψ̂_λ on the grid.
    pub(crate) fn band<T: Real>(&self, lambda: usize) -> Band<T, 2> {
        let grid = Grid::new(self.shape);
        let mut band = band(self.family, grid, &self.wavelets[lambda].gabor());
        if self.divisors.psi != 1.0 {
            band.divide_by(self.divisors.psi);
        }
        band
    }

    /// |φ̂(ω)|² + ½ Σ_λ (|ψ̂_λ(ω)|² + |ψ̂_λ(−ω)|²) on the grid, natural DFT order, and its bounds.
    #[cfg(feature = "viz")]
    pub(crate) fn littlewood_paley(&self) -> (ndarray::Array2<f64>, super::FrameBounds) {
        use super::band::dense;
        use super::frame::{FrameBounds, littlewood_paley};

        let bands = parallel::map(self.wavelets.len(), |lambda| self.band::<f64>(lambda));
        let sum = littlewood_paley::<f64, 2>(0, &bands, &self.phi_axes());
        let bounds = FrameBounds::of(sum.iter().copied());
        (dense(Grid::new(self.shape), sum), bounds)
    }

    /// The factors of φ̂.
    pub(crate) fn phi_axes(&self) -> [Vec<f64>; 2] {
        phi_axes(self.shape, self.sigma_phi, self.divisors.phi)
    }

    /// About how many bytes the bands take.
    fn counted_bytes<T: Real>(&self) -> u64 {
        let count = outline::count_above(&self.wavelets, self.family, T::NEGLIGIBLE, self.shape);
        memory::bytes_of::<T>(count)
    }

    /// The frame bounds without building the bank; see
    /// [`FilterBank2dParams::sampled_frame_bounds`](super::FilterBank2dParams::sampled_frame_bounds).
    ///
    /// # Errors
    /// Those of [`check`](Self::check).
    pub fn sampled_frame_bounds(&self) -> Result<SampledFrameBounds> {
        self.check()?;
        Ok(outline::sampled_frame_bounds(
            &self.wavelets,
            self.family,
            &self.phi_axes(),
            outline::Scaling::Divide(self.divisors.psi.powi(2)),
        ))
    }
}

impl From<&WaveletList2d> for WaveletList2d {
    fn from(list: &WaveletList2d) -> Self {
        list.clone()
    }
}

impl<T: Real> From<&FilterBank2d<T>> for WaveletList2d {
    fn from(bank: &FilterBank2d<T>) -> Self {
        bank.list()
    }
}

/// The scale of a Gabor below `J`: see the head of this file.
fn scale(gabor: &Gabor, J: usize) -> usize {
    let mother = Mother::default();
    let octaves = [
        (mother.xi / gabor.xi).log2(),
        (mother.sigma / (gabor.sigma * gabor.slant.max(1.0))).log2(),
    ];
    // Numbers that are meant to be a power of two apart may be off by rounding.
    let octaves = (octaves[0].min(octaves[1]) + 1e-9).floor();
    // What is out of range, or no number, is refused by its name later.
    (octaves.max(0.0) as usize).min(J.saturating_sub(1))
}

/// A Gabor or Morlet on a grid.
pub(crate) fn band<T: Real>(family: Family, grid: Grid<2>, gabor: &Gabor) -> Band<T, 2> {
    let kappa = match family {
        Family::Morlet => Morlet::new(*gabor).kappa,
        Family::Gabor => 0.0,
    };
    let envelope = Gabor { xi: 0.0, ..*gabor };
    let n1 = grid.shape[1];
    Band::from_rows(grid, T::NEGLIGIBLE, |across, row| {
        let k1 = across[0];
        let bump = gabor.reaches_row(k1, n1);
        let correction = kappa != 0.0 && envelope.reaches_row(k1, n1);
        if bump {
            gabor.add_row(1.0, k1, n1, row);
        }
        if correction {
            envelope.add_row(-kappa, k1, n1, row);
            if k1 == 0 {
                row[0] = 0.0; // exactly, where rounding would leave 10⁻¹⁷
            }
        }
        bump || correction
    })
}

/// The factors of φ̂, divided by their value at 0 if `unit`.
pub(super) fn phi_axes(shape: [usize; 2], sigma_phi: f64, unit: bool) -> [Vec<f64>; 2] {
    shape.map(|n| {
        let mut axis = gauss::axis_hat(sigma_phi, n);
        if unit {
            let at_zero = axis[0];
            axis.iter_mut().for_each(|value| *value /= at_zero);
        }
        axis
    })
}

#[cfg(test)]
mod tests {
    use super::super::bank::FilterBank;
    use super::*;

    #[test]
    fn the_standard_wavelets_brought_one_by_one_are_the_standard_bank() {
        for (shape, J, L) in [([32, 48], 3, 4), ([33, 21], 2, 8)] {
            let bank = FilterBank2d::params(shape, J).L(L).build::<f64>().unwrap();
            let gabors: Vec<Gabor> = bank.wavelets().iter().map(Wavelet2d::gabor).collect();
            let list = WaveletList2d::new(shape, J, &gabors);
            assert_eq!(list.wavelets, *bank.wavelets());
            let own = list.build::<f64>().unwrap();
            for (lambda, wavelet) in bank.wavelets().iter().enumerate() {
                assert_eq!(own.psi(lambda), bank.psi(wavelet.j, wavelet.l));
            }
            assert_eq!(own.phi_hat(), FilterBank::phi_hat(&bank));
        }
    }

    #[test]
    fn a_list_of_a_contractive_bank_is_that_bank() {
        let params = FilterBank2d::params([48, 40], 3).normalization(Normalization::Contractive);
        let bank = params.build::<f64>().unwrap();
        let own = WaveletList2d::from(&bank).build::<f64>().unwrap();
        assert_eq!(own.psi(5), bank.psi(0, 5));
        assert_eq!(FilterBank::frame_bounds(&own), bank.frame_bounds());
    }

    #[test]
    fn scales_follow_from_frequency_and_width() {
        let gabor = |xi: f64, sigma: f64, slant: f64| Gabor {
            theta: 0.3,
            xi,
            sigma,
            slant,
        };
        for (of, j) in [
            (gabor(0.375, 0.19, 0.5), 0),
            (gabor(0.5, 0.01, 0.5), 0),
            (gabor(0.19, 0.05, 0.5), 0),
            (gabor(0.18, 0.05, 0.5), 1),
            (gabor(0.05, 0.02, 0.5), 2),
            (gabor(0.05, 0.15, 0.5), 0), // too wide for a coarse grid
            (gabor(0.05, 0.02, 4.0), 1),
            (gabor(1e-3, 1e-3, 1.0), 4), // the coarsest there is
        ] {
            assert_eq!(scale(&of, 5), j, "{of:?}");
        }
        // Sorted by scale, and numbered within it.
        let gabors = [0.05, 0.3, 0.04, 0.375].map(|xi| gabor(xi, 0.02, 0.5));
        let list = WaveletList2d::new([64, 64], 4, &gabors);
        let found: Vec<_> = list.wavelets.iter().map(|w| (w.j, w.l, w.xi)).collect();
        assert_eq!(
            found,
            [(0, 0, 0.3), (0, 1, 0.375), (2, 0, 0.05), (3, 0, 0.04)]
        );
    }

    #[test]
    fn numbers_out_of_range_are_refused_by_wavelet() {
        let good = Gabor {
            theta: 0.0,
            xi: 0.2,
            sigma: 0.1,
            slant: 0.5,
        };
        for (bad, part) in [
            (Gabor { xi: 0.6, ..good }, "xi = 0.6 of wavelet 1"),
            (
                Gabor {
                    xi: f64::NAN,
                    ..good
                },
                "xi = NaN of wavelet",
            ),
            (Gabor { sigma: 0.0, ..good }, "sigma = 0 of wavelet"),
            (
                Gabor {
                    slant: -1.0,
                    ..good
                },
                "slant = -1 of wavelet",
            ),
            (
                Gabor {
                    theta: f64::INFINITY,
                    ..good
                },
                "of wavelet",
            ),
            (
                Gabor {
                    xi: 0.211,
                    sigma: 1e-5,
                    slant: 1.0,
                    ..good
                },
                "between the frequencies of a grid of 32 x 32",
            ),
        ] {
            let list = WaveletList2d::new([32, 32], 1, &[good, bad]);
            let message = list.build::<f64>().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
        assert!(WaveletList2d::new([32, 32], 2, &[]).build::<f32>().is_err());
        assert!(
            WaveletList2d::new([32, 32], 0, &[good])
                .build::<f32>()
                .is_err()
        );
        assert!(
            WaveletList2d::new([0, 32], 2, &[good])
                .build::<f32>()
                .is_err()
        );
        assert!(
            WaveletList2d::new([32, 32], 2, &[good])
                .sigma_phi(0.0)
                .check()
                .is_err()
        );
    }
}
