//! [`FilterBank1d`]: the wavelets ψ_λ and the low-pass φ_T of one layer of a 1D scattering transform.
//!
//! Comes in: a length, J and Q, or a list of frequencies. Goes out: every ψ̂ as a [`Band`], φ̂ by its length.
//!
//! ```text
//! ξ_0 = max(1/(1 + 2^(3/Q)), 0.35),   ξ_n = ξ_0·2^(−n/Q),   σ_n = ξ_n·(1 − 2^(−1/Q)) / ((1 + 2^(−1/Q))·√ln 2)
//! until σ_n ≤ 2^(1/Q)·σ_min,  σ_min = 0.1/2^J;   then, from the last ξ,  ξ − ξ·q/Q,  q = 1, …, Q − 1,  all of bandwidth σ_min
//! φ̂_T: Gaussian of bandwidth 0.1/T
//! j(ξ, σ) = ⌊−log2 min(ξ + 5σ, ½)⌋ − 1                    how far |x ⋆ ψ| may be subsampled, as an exponent of 2
//! ```
//!
//! Neighbours on the geometric part cross where their squares have fallen to one half; on the linear part they keep the
//! longest duration that 2^J allows. The index of a wavelet in its bank is n, by decreasing frequency. These are Kymatio's filters
//! to rounding, at every length.
//!
//! Conventions that bite: ‖ψ‖₁ = 1 in time, so ψ̂ peaks near 1 whatever its bandwidth, and the Littlewood-Paley sum is
//! not flat; ψ̂ of the highest wavelets goes on beyond the Nyquist frequency, which are negative frequencies.
//!
//! Source: Andén & Mallat, "Deep scattering spectrum", 2014; Kymatio's `scattering1d` filter bank.

use std::sync::Arc;

use ndarray::{Array1, ArrayView1, ArrayView2};

use super::band::Band;
use super::bank::FilterBank;
use super::frame::{self, FrameBounds};
use super::gabor_1d::{Family1d, Gabor1d, Sampled1d};
use super::gauss;
use super::morlet_2d::Normalization;
use crate::grid::{Grid, signed_frequencies, wrap};
use crate::num::Real;
use crate::{Error, Result, memory, parallel};

/// Standard deviations of ψ̂ that subsampling leaves room for.
const ALPHA: f64 = 5.0;

/// σ·2^J of the narrowest wavelet, and σ·T of the low-pass.
pub(crate) const SIGMA_0: f64 = 0.1;

/// One wavelet of a bank of one axis, in numbers. Numbers of filters from arrays are NaN where the caller left them out.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Wavelet1d {
    /// Index in its bank.
    pub n: usize,
    /// |x ⋆ ψ| may be subsampled by 2^j.
    pub j: usize,
    /// Centre frequency, cycles per sample.
    #[cfg_attr(feature = "serde", serde(with = "crate::num::known"))]
    pub xi: f64,
    /// Bandwidth: standard deviation in frequency, cycles per sample.
    #[cfg_attr(feature = "serde", serde(with = "crate::num::known"))]
    pub sigma: f64,
}

impl Wavelet1d {
    /// A wavelet of which nothing is known but its index, and how far its modulus may be subsampled.
    pub fn new(n: usize, j: usize) -> Self {
        Self {
            n,
            j,
            xi: f64::NAN,
            sigma: f64::NAN,
        }
    }

    /// Number `n` of a bank that oscillates as this Gabor, which tells j: the largest exponent whose Nyquist frequency, 2^−(j + 1), lies
    /// at or above ξ + 5σ.
    pub fn of(n: usize, gabor: Gabor1d) -> Self {
        let Gabor1d { xi, sigma } = gabor;
        Self {
            n,
            j: subsampling(gabor),
            xi,
            sigma,
        }
    }

    /// Sets the centre frequency, cycles per sample.
    pub fn xi(mut self, xi: f64) -> Self {
        self.xi = xi;
        self
    }

    /// Sets the bandwidth, cycles per sample.
    pub fn sigma(mut self, sigma: f64) -> Self {
        self.sigma = sigma;
        self
    }

    /// Standard deviation of the envelope in time, 1/(2π·sigma), in samples.
    pub fn sigma_time(&self) -> f64 {
        gauss::width(self.sigma)
    }

    /// The Gabor with these numbers: the wavelet itself or, for a Morlet, what it oscillates as.
    pub fn gabor(&self) -> Gabor1d {
        Gabor1d {
            xi: self.xi,
            sigma: self.sigma,
        }
    }
}

/// Numbers that are not known are equal to each other, so that a table of wavelets equals its copy.
impl PartialEq for Wavelet1d {
    fn eq(&self, other: &Self) -> bool {
        let equal = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
        (self.n, self.j) == (other.n, other.j)
            && equal(self.xi, other.xi)
            && equal(self.sigma, other.sigma)
    }
}

/// j(ξ, σ) of [`Wavelet1d::of`].
fn subsampling(Gabor1d { xi, sigma }: Gabor1d) -> usize {
    let bound = (xi + ALPHA * sigma).min(0.5);
    // At most the exponent range of f64; 0 where 5σ alone passes the Nyquist frequency.
    (-bound.log2()).floor().max(1.0) as usize - 1
}

/// Which wavelets a bank of one axis has.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Tiling {
    /// Q wavelets an octave over J octaves, then at constant distance: the formula at the head of this module.
    Octaves {
        /// log2 of the longest duration.
        J: usize,
        /// Wavelets per octave.
        Q: usize,
    },
    /// These, in this order: their numbers, and how far each may be subsampled.
    List(Vec<Wavelet1d>),
}

/// Description of a [`FilterBank1d`]: plain data, checked by [`build`](Self::build).
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct FilterBank1dParams {
    /// Samples of the grid the filters live on.
    pub len: usize,
    /// Which wavelets there are.
    pub tiling: Tiling,
    /// Samples that the low-pass averages over, at least 1. Standard: 2^J.
    pub T: f64,
    /// What the wavelets are. Standard: Morlets.
    pub family: Family1d,
    /// Scaling of the bank. Standard: plain.
    pub normalization: Normalization,
}

/// The largest `J` accepted: 2^48 samples are beyond any memory.
const MAX_J: usize = 48;

/// The largest `Q` accepted: a wavelet an eightieth of a semitone wide.
const MAX_Q: usize = 1000;

impl FilterBank1dParams {
    /// Sets the wavelets per octave; of a list of wavelets nothing changes.
    pub fn Q(mut self, wavelets: usize) -> Self {
        if let Tiling::Octaves { Q, .. } = &mut self.tiling {
            *Q = wavelets;
        }
        self
    }

    /// Sets how many samples the low-pass averages over; any number from 1 on.
    pub fn T(mut self, T: f64) -> Self {
        self.T = T;
        self
    }

    /// Sets what the wavelets are.
    pub fn family(mut self, family: Family1d) -> Self {
        self.family = family;
        self
    }

    /// Sets the scaling of the bank.
    pub fn normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// Checks every parameter.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for J, Q, T or a wavelet of the list out of range, [`Error::Empty`] for a length of 0.
    pub fn check(&self) -> Result<()> {
        let invalid = |name, value: &dyn std::fmt::Display, limit: &str| {
            Err(Error::InvalidParameter {
                name,
                value: value.to_string(),
                limit: limit.into(),
            })
        };
        if self.len == 0 {
            return Err(Error::Empty { shape: vec![0] });
        }
        match &self.tiling {
            Tiling::Octaves { J, .. } if !(1..=MAX_J).contains(J) => {
                return invalid("J", J, "a bank has 1 to 48 octaves");
            }
            Tiling::Octaves { Q, .. } if !(1..=MAX_Q).contains(Q) => {
                return invalid("Q", Q, "there are 1 to 1000 wavelets per octave");
            }
            Tiling::Octaves { .. } => {}
            Tiling::List(list) => {
                for (n, &Wavelet1d { xi, sigma, j, .. }) in list.iter().enumerate() {
                    if !(xi > 0.0 && xi <= 0.5) {
                        let limit = "the centre frequency lies in (0, 0.5] cycles per sample";
                        return invalid("xi", &format!("{xi} of wavelet {n}"), limit);
                    }
                    if !(1e-12..=2.0).contains(&sigma) {
                        let limit = "a bandwidth lies in [1e-12, 2] cycles per sample";
                        return invalid("sigma", &format!("{sigma} of wavelet {n}"), limit);
                    }
                    if j > MAX_J {
                        let limit = "a wavelet is subsampled by 2^48 at most";
                        return invalid("j", &format!("{j} of wavelet {n}"), limit);
                    }
                }
            }
        }
        if !(self.T >= 1.0 && self.T < 1e15) {
            return invalid(
                "T",
                &self.T,
                "the low-pass averages over at least one sample",
            );
        }
        Ok(())
    }

    /// Every wavelet of the bank, in order of n; of parameters that passed [`check`](Self::check).
    pub(crate) fn wavelets(&self) -> Vec<Wavelet1d> {
        match &self.tiling {
            &Tiling::Octaves { J, Q } => {
                let numbered = ladder(J, Q).into_iter().enumerate();
                numbered.map(|(n, gabor)| Wavelet1d::of(n, gabor)).collect()
            }
            Tiling::List(list) => {
                let numbered = list.iter().enumerate();
                numbered.map(|(n, psi)| Wavelet1d { n, ..*psi }).collect()
            }
        }
    }

    /// Number of wavelets of the bank. Of parameters that can be built.
    pub fn count(&self) -> usize {
        self.wavelets().len()
    }

    /// Bandwidth of φ, cycles per sample.
    pub fn sigma_phi(&self) -> f64 {
        SIGMA_0 / self.T
    }

    /// About how many bytes the bank will take in precision `T`: an upper estimate. Of parameters that passed
    /// [`check`](Self::check).
    pub(crate) fn expected_bytes<T: Real>(&self) -> u64 {
        let wavelets = self.wavelets();
        let grid = self.len;
        let values = parallel::map(wavelets.len(), |n| {
            let filter = Sampled1d::without_norm(wavelets[n].gabor(), self.family, grid);
            let support = filter.support(T::NEGLIGIBLE);
            (support.end - support.start) as u64
        });
        memory::bytes_of::<T>(values.into_iter().fold(0, u64::saturating_add))
    }

    /// Builds the bank, on all threads of the current pool.
    ///
    /// # Errors
    /// Those of [`check`](Self::check), and [`Error::OutOfMemory`] if the bank does not fit into memory.
    pub fn build<T: Real>(&self) -> Result<FilterBank1d<T>> {
        self.check()?;
        memory::require(
            "the filter bank",
            self.expected_bytes::<T>(),
            "use a shorter signal, fewer wavelets Q or 32-bit precision",
        )?;
        let wavelets: Arc<[Wavelet1d]> = self.wavelets().into();
        let psi = parallel::map(wavelets.len(), |n| {
            let filter = Sampled1d::new(wavelets[n].gabor(), self.family, self.len);
            Band::from_circle(
                self.len,
                filter.support(T::NEGLIGIBLE),
                T::NEGLIGIBLE,
                |k| filter.hat(k),
            )
        });
        let mut bank = FilterBank1d {
            len: self.len,
            wavelets,
            psi,
            low_pass: LowPass1d::Gauss {
                sigma: self.sigma_phi(),
            },
        };
        if self.normalization == Normalization::Contractive {
            bank.contract()?;
        }
        Ok(bank)
    }
}

/// ξ and σ of Q wavelets an octave with durations up to 2^J, by decreasing frequency. Divided and subtracted step by step, as
/// Kymatio does, so that the ends of loops and the subsampling round alike.
fn ladder(J: usize, Q: usize) -> Vec<Gabor1d> {
    let q = Q as f64;
    let step = (1.0 / q).exp2();
    let narrowest = SIGMA_0 / (J as f64).exp2();
    let ratio = (-1.0 / q).exp2();
    let bandwidth =
        |xi: f64| xi * (1.0 - ratio) / (1.0 + ratio) / (2.0 * (1.0 / 0.5_f64.sqrt()).ln()).sqrt();
    let mut xi = (1.0 / (1.0 + (3.0 / q).exp2())).max(0.35);
    let mut sigma = bandwidth(xi);
    let mut gabors = Vec::new();
    if sigma <= narrowest {
        xi = sigma;
    } else {
        gabors.push(Gabor1d { xi, sigma });
        while sigma > narrowest * step {
            xi /= step;
            sigma /= step;
            gabors.push(Gabor1d { xi, sigma });
        }
    }
    let distance = xi / q;
    for _ in 1..Q {
        xi -= distance;
        gabors.push(Gabor1d {
            xi,
            sigma: narrowest,
        });
    }
    gabors
}

/// φ̂ of a bank of one axis.
#[derive(Debug, Clone)]
enum LowPass1d {
    Gauss { sigma: f64 },
    Array(Vec<f64>),
}

/// Wavelets ψ_λ and low-pass φ_T of one axis, in the Fourier domain.
///
/// ```
/// use wavelet_scattering::filters::{FilterBank, FilterBank1d};
///
/// let bank = FilterBank1d::params(8192, 6).Q(8).build::<f32>()?;
/// assert_eq!(bank.wavelets().len(), 38);
/// assert!((bank.wavelets()[8].xi - bank.wavelets()[0].xi / 2.0).abs() < 1e-12); // an octave below
/// assert_eq!(bank.psi(8).to_array(0).unwrap().shape(), [8192]);
/// let bounds = bank.frame_bounds();
/// assert!(bounds.lower > 0.0 && bounds.upper < 1.2);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FilterBank1d<T> {
    len: usize,
    wavelets: Arc<[Wavelet1d]>,
    psi: Vec<Band<T, 1>>,
    low_pass: LowPass1d,
}

/// On one precision only, so that descriptions need no type; [`FilterBank1dParams::build`] chooses it.
impl FilterBank1d<f32> {
    /// Describes a bank of this length over `J` octaves, one Morlet each, and a low-pass of 2^J samples.
    pub fn params(len: usize, J: usize) -> FilterBank1dParams {
        FilterBank1dParams {
            len,
            tiling: Tiling::Octaves { J, Q: 1 },
            T: (J.min(MAX_J) as f64).exp2(),
            family: Family1d::default(),
            normalization: Normalization::default(),
        }
    }

    /// Describes a bank of Morlets with these numbers, and a low-pass over `T` samples. How far each may be subsampled follows from its
    /// numbers in [`Wavelet1d::of`], or stays what it was while they change, as where they are learned.
    ///
    /// ```
    /// use wavelet_scattering::filters::{FilterBank1d, Gabor1d, Wavelet1d};
    ///
    /// // A third of an octave wide, around the notes of a chord at 8 kHz.
    /// let note = |hertz: f64| Wavelet1d::of(0, Gabor1d { xi: hertz / 8000.0, sigma: 0.1 * hertz / 8000.0 });
    /// let chord = [440.0, 554.37, 659.26].map(note); // numbered by their places
    /// let bank = FilterBank1d::list(4096, &chord, 512.0).build::<f64>()?;
    /// assert_eq!(bank.wavelets()[0].j, 2); // 440 + 5·44 Hz lies below a sixth of the rate
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn list(len: usize, wavelets: &[Wavelet1d], T: f64) -> FilterBank1dParams {
        FilterBank1dParams {
            len,
            tiling: Tiling::List(wavelets.to_vec()),
            T,
            family: Family1d::default(),
            normalization: Normalization::default(),
        }
    }
}

impl<T: Real> FilterBank1d<T> {
    /// A bank from transfer functions in natural DFT order. Values up to half of [`Real::NEGLIGIBLE`] of a filter's peak are left
    /// out.
    ///
    /// **Shape** `psi_hat` `[wavelets, n]`, in the order of `wavelets`; `phi_hat` `[n]`, even.
    ///
    /// # Errors
    /// [`Error::WrongShape`] for arrays without a value or of shapes that do not fit each other and the number of `wavelets`;
    /// [`Error::InvalidParameter`] for values that are not finite in the precision of the bank, a filter of zeros and a φ̂ that is
    /// not even.
    pub fn from_fourier(
        psi_hat: ArrayView2<'_, f64>,
        phi_hat: ArrayView1<'_, f64>,
        wavelets: &[Wavelet1d],
    ) -> Result<Self> {
        let len = phi_hat.len();
        if len == 0 || psi_hat.dim() != (wavelets.len(), len) {
            return Err(Error::WrongShape {
                what: "psi_hat",
                got: psi_hat.shape().to_vec(),
                expected: format!(
                    "[{}, {len}], the wavelets and the length of phi_hat",
                    wavelets.len()
                ),
            });
        }
        let invalid = |name, value: String, limit: &str| Error::InvalidParameter {
            name,
            value,
            limit: limit.into(),
        };
        let largest = T::max_value().widen();
        let finite = |value: &f64| value.is_finite() && value.abs() <= largest;
        if let Some(k) = phi_hat.iter().position(|value| !finite(value)) {
            let value = format!("{} at {k}", phi_hat[k]);
            return Err(invalid("phi_hat", value, "values of filters are finite"));
        }
        let top = phi_hat
            .iter()
            .fold(0.0_f64, |top, value| top.max(value.abs()));
        let odd = (1..len).find(|&k| (phi_hat[k] - phi_hat[len - k]).abs() > 1e-12 * top);
        if let Some(k) = odd {
            let value = format!("{} at {k}, {} at -{k}", phi_hat[k], phi_hat[len - k]);
            return Err(invalid(
                "phi_hat",
                value,
                "the low-pass is real in time, so it is even here",
            ));
        }
        let mut psi = Vec::new();
        for (n, hat) in psi_hat.outer_iter().enumerate() {
            if let Some(k) = hat.iter().position(|value| !finite(value)) {
                let value = format!("{} at [{n}, {k}]", hat[k]);
                return Err(invalid("psi_hat", value, "values of filters are finite"));
            }
            let peak = hat
                .iter()
                .fold(0.0_f64, |peak, value| peak.max(value.abs()));
            if peak == 0.0 {
                return Err(invalid(
                    "psi_hat",
                    format!("0 everywhere for wavelet {n}"),
                    "a filter lets something through",
                ));
            }
            psi.push(Band::from_circle(
                len,
                signed_frequencies(len),
                peak * T::NEGLIGIBLE / 2.0,
                |k| hat[wrap(k, len)],
            ));
        }
        Ok(Self {
            len,
            wavelets: wavelets.into(),
            psi,
            low_pass: LowPass1d::Array(phi_hat.to_vec()),
        })
    }

    /// Samples of the grid.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the grid has no sample; never.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Every wavelet in numbers, in order of n.
    pub fn wavelets(&self) -> &Arc<[Wavelet1d]> {
        &self.wavelets
    }

    /// ψ̂ of a wavelet. Panics if `n` is out of range, as indexing does.
    pub fn psi(&self, n: usize) -> &Band<T, 1> {
        &self.psi[n]
    }

    /// |φ̂(ω)|² + ½ Σ_λ (|ψ̂_λ(ω)|² + |ψ̂_λ(−ω)|²) in natural DFT order.
    pub fn littlewood_paley(&self) -> Array1<f64> {
        let phi = [self.low_pass(0, self.len)];
        Array1::from(frame::littlewood_paley::<T, 1>(0, &self.psi, &phi))
    }

    /// The least and the largest value of the Littlewood-Paley sum.
    pub fn frame_bounds(&self) -> FrameBounds {
        FilterBank::frame_bounds(self)
    }

    /// Scales the bank to an upper frame bound of 1, see [`Normalization::Contractive`]; at ω = 0, where φ̂ is 1, the mean of a Gabor
    /// remains above it.
    fn contract(&mut self) -> Result<()> {
        let phi = [self.low_pass(0, self.len)];
        let Some(excess) = frame::excess::<T, 1>(0, &self.psi, &phi) else {
            return Err(Error::InvalidParameter {
                name: "T",
                value: "of this low-pass".into(),
                limit: "it leaves no room for wavelets at every frequency, so no scaling of them makes the bank \
                        contractive; use a longer T or the plain bank"
                    .into(),
            });
        };
        for band in &mut self.psi {
            band.divide_by(excess.sqrt());
        }
        Ok(())
    }
}

impl<T: Real> FilterBank<T, 1> for FilterBank1d<T> {
    type Wavelet = Wavelet1d;

    fn grid(&self) -> Grid<1> {
        Grid::new([self.len])
    }

    fn wavelets(&self) -> &Arc<[Wavelet1d]> {
        &self.wavelets
    }

    fn members(&self, lambda: usize) -> &[Band<T, 1>] {
        std::slice::from_ref(&self.psi[lambda])
    }

    /// All aliases of φ̂ are added up, not cut off as on the axes of an image: averages of what was subsampled are then those of
    /// what it was taken from, to rounding.
    fn low_pass(&self, _axis: usize, len: usize) -> Vec<f64> {
        match &self.low_pass {
            &LowPass1d::Gauss { sigma } => {
                let unit = gauss::at_zero(sigma);
                let subsampled = sigma * self.len as f64 / len as f64;
                let mut hat = gauss::axis_hat(subsampled, len);
                hat.iter_mut().for_each(|value| *value /= unit);
                hat
            }
            LowPass1d::Array(hat) => {
                let mut sums = vec![0.0; len];
                for (k, value) in hat.iter().enumerate() {
                    sums[k % len] += value;
                }
                sums
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(J: usize, Q: usize) -> Vec<Wavelet1d> {
        FilterBank1d::params(1 << 12, J).Q(Q).wavelets()
    }

    /// Numbers of wavelets with each j, as Kymatio 0.4 has them.
    #[test]
    fn wavelets_are_as_many_as_kymatios_at_every_subsampling() {
        for (J, Q, expected) in [
            (6, 16, &[18, 16, 15, 8, 4, 2][..]),
            (8, 8, &[10, 8, 8, 8, 8, 7, 4, 1]),
            (10, 12, &[14, 12, 12, 12, 12, 12, 12, 8, 4, 2]),
            (6, 1, &[3, 1, 1, 1, 1]),
        ] {
            let wavelets = numbers(J, Q);
            let counts: Vec<_> = (0..expected.len())
                .map(|j| wavelets.iter().filter(|psi| psi.j == j).count())
                .collect();
            assert_eq!(counts, expected, "J = {J}, Q = {Q}");
            assert_eq!(wavelets.len(), expected.iter().sum::<usize>());
        }
    }

    /// Kymatio's list for J = 4, Q = 4, to six digits.
    #[test]
    fn frequencies_are_kymatios() {
        let xi = [
            0.372885, 0.313558, 0.263669, 0.221719, 0.186442, 0.156779, 0.131835, 0.110859,
            0.093221, 0.078389, 0.065917, 0.049438, 0.032959, 0.016479,
        ];
        let wavelets = numbers(4, 4);
        assert_eq!(wavelets.len(), xi.len());
        for (wavelet, xi) in wavelets.iter().zip(xi) {
            assert!((wavelet.xi - xi).abs() < 6e-7, "{wavelet:?} for {xi}");
        }
        assert!(wavelets[11..].iter().all(|psi| psi.sigma == 0.00625));
        let of_three = numbers(3, 1);
        let sigma = [0.140131, 0.070065, 0.035033, 0.017516];
        for (wavelet, sigma) in of_three.iter().zip(sigma) {
            assert!((wavelet.sigma - sigma).abs() < 6e-7, "{wavelet:?}");
        }
    }

    #[test]
    fn the_littlewood_paley_sum_dips_where_kymatios_does() {
        let bank = FilterBank1d::params(1 << 13, 8)
            .Q(8)
            .build::<f64>()
            .unwrap();
        let sum = bank.littlewood_paley();
        assert!((sum[0] - 1.0).abs() < 1e-12);
        assert!((sum[1 << 12] - 2.9e-4).abs() < 1e-5, "{}", sum[1 << 12]);
        let bank = FilterBank1d::params(1 << 13, 6).build::<f64>().unwrap();
        let lower = bank.frame_bounds().lower;
        assert!((lower - 0.154).abs() < 1e-3, "{lower}");
    }

    #[test]
    fn the_contractive_bank_reaches_one_and_stays_below() {
        for (J, Q, family) in [
            (6, 1, Family1d::Morlet),
            (6, 8, Family1d::Morlet),
            (5, 12, Family1d::Analytic),
        ] {
            let params = FilterBank1d::params(1 << 11, J).Q(Q).family(family);
            let bank = params.normalization(Normalization::Contractive);
            let bounds = bank.build::<f64>().unwrap().frame_bounds();
            assert!((bounds.upper - 1.0).abs() < 1e-12, "{family:?}: {bounds:?}");
        }
    }

    #[test]
    fn a_bank_comes_back_from_its_arrays() {
        let bank = FilterBank1d::params(300, 3).Q(2).build::<f64>().unwrap();
        let again = FilterBank1d::from_fourier(
            bank.psi_hats().unwrap().view(),
            bank.phi_hat().view(),
            bank.wavelets(),
        );
        let again: FilterBank1d<f64> = again.unwrap();
        assert_eq!(again.psi, bank.psi);
        for len in [300, 150, 75] {
            for (a, b) in again.low_pass(0, len).iter().zip(bank.low_pass(0, len)) {
                assert!((a - b).abs() < 1e-14, "{a} for {b}");
            }
        }
        assert!(bank.phi_in_space().sum() - 1.0 < 1e-12);
    }

    #[test]
    fn parameters_out_of_range_are_refused_with_the_way_out() {
        let refused = |params: FilterBank1dParams| params.check().unwrap_err().to_string();
        let params = FilterBank1d::params(64, 3);
        assert!(refused(params.clone().Q(0)).contains("Q = 0"));
        assert!(refused(params.clone().T(0.5)).contains("T = 0.5"));
        assert!(refused(params.clone().T(f64::NAN)).contains("T = NaN"));
        assert!(refused(FilterBank1d::params(64, 0)).contains("J = 0"));
        assert!(refused(FilterBank1d::params(0, 3)).contains("empty"));
        let gabor = Gabor1d {
            xi: 0.7,
            sigma: 0.1,
        };
        let list = [Wavelet1d::of(0, gabor)];
        assert!(refused(FilterBank1d::list(64, &list, 8.0)).contains("of wavelet 0"));
    }
}
