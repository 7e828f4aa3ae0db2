//! Parameters of a scalogram: plain data, and what follows from them before anything is computed.

use std::sync::Arc;

use super::rows::ScalogramRow;
use super::{Bank, Scalogram};
use crate::filters::padding::pad_axis;
use crate::filters::{Family1d, FilterBank1d, FilterBank1dParams, Normalization, Wavelet1d};
use crate::num::Real;
use crate::signal::Padding;
use crate::signal::pad::AxisPadding;
use crate::{Error, Result, memory, parallel};

/// How densely the rows of a scalogram are sampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Rates {
    /// Every row at its own rate: x ⋆ ψ_λ at every 2^j-th sample with the j of [`Wavelet1d::j`], x ⋆ φ at the largest power of two up
    /// to T.
    #[default]
    Own,
    /// Every row at every so many samples, a power of two.
    Common(usize),
}

/// On one precision only, so that `Scalogram::params` needs no type; [`ScalogramParams::plan`] chooses it.
impl Scalogram<f32> {
    /// Describes a scalogram of signals of `len` samples with durations up to 2^J samples, and standard values elsewhere.
    pub fn params(len: usize, J: usize) -> ScalogramParams {
        ScalogramParams {
            len,
            J,
            Q: 1,
            T: None,
            rates: Rates::default(),
            padding: Padding::default(),
            family: Family1d::default(),
            normalization: Normalization::default(),
            tolerance: None,
        }
    }
}

/// Description of a [`Scalogram`]; [`plan`](Self::plan) checks it and spends all set-up.
///
/// With the feature `serde` it can be written and read; what is missing when it is read has its standard value.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ScalogramParams {
    /// Samples of the signals.
    pub len: usize,
    /// log2 of the longest duration of a wavelet, at least 1.
    pub J: usize,
    /// Wavelets per octave. Standard: 1.
    #[cfg_attr(feature = "serde", serde(default = "one"))]
    pub Q: usize,
    /// Samples that φ averages over, any number from 1 to those of the signal. Standard: `None`, for 2^J.
    #[cfg_attr(feature = "serde", serde(default))]
    pub T: Option<f64>,
    /// How densely rows are sampled. Standard: each at its own rate.
    #[cfg_attr(feature = "serde", serde(default))]
    pub rates: Rates,
    /// What lies beyond the ends. Standard: reflection.
    #[cfg_attr(feature = "serde", serde(default))]
    pub padding: Padding,
    /// What the wavelets are. Standard: Morlets.
    #[cfg_attr(feature = "serde", serde(default))]
    pub family: Family1d,
    /// Scaling of the filter bank. Standard: plain.
    #[cfg_attr(feature = "serde", serde(default))]
    pub normalization: Normalization,
    /// What may be left out of the filters, as a share of the peak of each, in [0, 0.1]. Standard: `None`, for 1e-6 in `f32` and
    /// 1e-15 in `f64`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub tolerance: Option<f64>,
}

#[cfg(feature = "serde")]
fn one() -> usize {
    1
}

impl ScalogramParams {
    /// Sets the wavelets per octave.
    pub fn Q(mut self, Q: usize) -> Self {
        self.Q = Q;
        self
    }

    /// Sets how many samples φ averages over.
    pub fn T(mut self, T: f64) -> Self {
        self.T = Some(T);
        self
    }

    /// Sets how densely rows are sampled.
    pub fn rates(mut self, rates: Rates) -> Self {
        self.rates = rates;
        self
    }

    /// Sets what lies beyond the ends.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Sets what the wavelets are.
    pub fn family(mut self, family: Family1d) -> Self {
        self.family = family;
        self
    }

    /// Sets the scaling of the filter bank.
    pub fn normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// Sets what may be left out of the filters.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Samples that φ averages over.
    pub fn averaged_over(&self) -> f64 {
        self.T.unwrap_or_else(|| (self.J.min(1000) as f64).exp2())
    }

    /// Samples of the signal after padding: the length that a bank of one's own lives on, see [`plan_with`](Self::plan_with).
    ///
    /// # Errors
    /// Those of [`plan`](Self::plan) but for memory and the rates of wavelets.
    pub fn padded_len(&self) -> Result<usize> {
        self.check()?;
        Ok(self.axis().padded)
    }

    fn axis(&self) -> AxisPadding {
        pad_axis(self.padding, self.len, self.averaged_over(), None)
    }

    fn bank(&self, padded: usize) -> FilterBank1dParams {
        FilterBank1d::params(padded, self.J)
            .Q(self.Q)
            .T(self.averaged_over())
            .family(self.family)
            .normalization(self.normalization)
    }

    fn check(&self) -> Result<()> {
        let invalid = |name, value: String, limit: String| {
            Err(Error::InvalidParameter { name, value, limit })
        };
        if self.len == 0 {
            return Err(Error::Empty { shape: vec![0] });
        }
        self.bank(1).check()?;
        let T = self.averaged_over();
        if T > self.len as f64 {
            if self.T.is_none() {
                return Err(Error::ScaleTooLarge {
                    J: self.J,
                    axis: 0,
                    len: self.len,
                    needed: 1_usize.checked_shl(self.J as u32).unwrap_or(usize::MAX),
                    max_J: self.len.ilog2() as usize,
                });
            }
            return invalid(
                "T",
                T.to_string(),
                format!(
                    "the low-pass averages over at most the {} samples of the signal",
                    self.len
                ),
            );
        }
        if let Rates::Common(stride) = self.rates {
            let largest = 1_usize << self.len.ilog2();
            if !stride.is_power_of_two() || stride > largest {
                return invalid(
                    "stride",
                    stride.to_string(),
                    format!(
                        "it is a power of two, at most {largest} for {} samples",
                        self.len
                    ),
                );
            }
        }
        if self.padding == Padding::PrePadded {
            return invalid(
                "padding",
                self.padding.name().into(),
                "signals are padded here: use reflect, symmetric, zero or periodic".into(),
            );
        }
        if let Some(tolerance) = self.tolerance
            && !(0.0..=0.1).contains(&tolerance)
        {
            return invalid(
                "tolerance",
                tolerance.to_string(),
                "the share of a filter that may be left out lies in [0, 0.1]".into(),
            );
        }
        memory::require(
            "one padded signal",
            memory::bytes_of::<[f64; 4]>((self.len as u64).saturating_mul(3)),
            "use shorter signals",
        )
    }

    /// The rows for these wavelets, φ last.
    fn rows(&self, axis: &AxisPadding, wavelets: &[Wavelet1d]) -> Result<Arc<[ScalogramRow]>> {
        // Some coefficient lies on the signal, and every level divides the circle.
        let mut deepest = self.len.ilog2() as usize;
        if self.padding != Padding::Periodic {
            deepest = deepest.min(axis.padded.trailing_zeros() as usize);
        }
        let level = |own: usize| match self.rates {
            Rates::Own => own.min(deepest),
            Rates::Common(stride) => stride.ilog2() as usize,
        };
        let of_phi = self.averaged_over().log2().floor() as usize;
        let numbered = wavelets.iter().map(|psi| (Some(*psi), level(psi.j)));
        let all: Vec<_> = numbered.chain([(None, level(of_phi))]).collect();
        let multiple = 1 << all.iter().map(|(_, level)| *level).max().unwrap_or(0);
        if !axis.padded.is_multiple_of(multiple) {
            return Err(Error::NotMultiple {
                padding: self.padding.name(),
                axis: 0,
                len: self.len,
                multiple,
            });
        }
        let rows = all.into_iter().map(|(wavelet, level)| {
            let on_signal = axis.on_image(level);
            ScalogramRow {
                wavelet,
                subsampling: 1 << level,
                start: (on_signal.start << level) - axis.begin,
                len: on_signal.len(),
                circle: axis.padded >> level,
                before: on_signal.start,
            }
        });
        Ok(rows.collect())
    }

    /// Checks everything, builds the filter bank and plans all transforms, on all threads of the current pool.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for J, Q, T, stride, padding or tolerance; [`Error::ScaleTooLarge`] if the signal is shorter
    /// than 2^J and no T is given; [`Error::NotMultiple`] for lengths that periodic padding does not allow at these rates;
    /// [`Error::Empty`] for a length of 0; [`Error::OutOfMemory`] if filters or workspace exceed the machine. A bank that cannot be
    /// inverted is none: [`Scalogram::inversion`] says so.
    pub fn plan<T: Real>(&self) -> Result<Scalogram<T>> {
        self.check()?;
        let axis = self.axis();
        let bank = self.bank(axis.padded);
        let rows = self.rows(&axis, &bank.wavelets())?;
        self.require::<T>(&axis, bank.expected_bytes::<T>())?;
        let bank: Bank<T> = Arc::new(bank.build::<T>()?);
        Ok(Scalogram::new(self.clone(), axis, rows, bank))
    }

    /// The same with a bank of one's own on the padded signal, [`padded_len`](Self::padded_len). `Q`, `family` and `normalization`
    /// are the bank's matter and not looked at.
    ///
    /// # Errors
    /// As [`plan`](Self::plan), and [`Error::WrongShape`] for a bank of another length.
    pub fn plan_with<T: Real>(&self, bank: Bank<T>) -> Result<Scalogram<T>> {
        self.check()?;
        let axis = self.axis();
        let of_bank = bank.grid().shape;
        let wavelets = Arc::clone(bank.wavelets());
        if of_bank != [axis.padded] || (0..wavelets.len()).any(|n| bank.members(n).len() != 1) {
            return Err(Error::WrongShape {
                what: "the filter bank",
                got: of_bank.to_vec(),
                expected: format!(
                    "[{}], the signal after padding, one band a wavelet",
                    axis.padded
                ),
            });
        }
        let rows = self.rows(&axis, &wavelets)?;
        self.require::<T>(&axis, bank.bytes())?;
        Ok(Scalogram::new(self.clone(), axis, rows, bank))
    }

    /// The bank, its filters again, what inverts them, and on every thread lines of real and complex numbers.
    fn require<T: Real>(&self, axis: &AxisPadding, bank: u64) -> Result<()> {
        let padded = axis.padded as u64;
        let scratch =
            memory::bytes_of::<[T; 10]>(padded).saturating_mul(parallel::threads() as u64);
        let sums = memory::bytes_of::<[f64; 2]>(padded);
        memory::require(
            "the filter bank and the workspace",
            bank.saturating_mul(2)
                .saturating_add(scratch)
                .saturating_add(sums),
            "use shorter signals, fewer wavelets Q, fewer threads or 32-bit precision",
        )
    }
}
