//! Parameters of a scattering transform of signals: plain data, and what follows from them before anything is computed.

use std::sync::Arc;

use super::blocks::{Blocks, Tiling};
use super::engine::{Bank, Blueprint, engine};
use crate::filters::padding::pad_axis;
use crate::filters::{
    Family1d, FilterBank1d, FilterBank1dParams, Normalization, SIGMA_0, Wavelet1d, gauss,
};
use crate::grid::Grid;
use crate::isa::Isa;
use crate::layer::average::EvenKernel;
use crate::num::Real;
use crate::scattering::Scattering1d;
use crate::scattering::design::{Design, lambdas_of_layers, level_of};
use crate::scattering::keep::{Average, Layout};
use crate::scattering::path::PathTable;
use crate::scattering::plan::Scattering;
use crate::signal::Padding;
use crate::signal::pad::AxisPadding;
use crate::{Error, Result, memory, parallel};

/// Which wavelets of the next layer a path goes on with.
///
/// |x ⋆ ψ| varies slowly, so that only lower frequencies are worth looking at; the rules differ in what they count as lower.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum PathRule {
    /// Those that may be subsampled further, j' > j: Kymatio's.
    #[default]
    Subsampling,
    /// Those of a lower centre frequency, ξ' < ξ.
    Frequency,
    /// Those which take at least this share of the energy of |x ⋆ ψ| without its mean, in [0, 1], as is expected of noise:
    ///
    /// ```text
    /// ∫ exp(−ω²/(2σ²))·|ψ̂'(ω)|² dω / ∫ exp(−ω²/(2σ²)) dω = s/√(σ² + s²) · exp(−ξ'²/(2(σ² + s²))),   s = σ'/√2
    /// ```
    ///
    /// since the spectrum of the modulus of a bump of bandwidth σ is one of bandwidth σ around 0. A threshold of 0.001 leaves out
    /// paths that are dead.
    Energy(f64),
}

impl PathRule {
    fn admits(self, last: &Wavelet1d, next: &Wavelet1d) -> bool {
        match self {
            PathRule::Subsampling => next.j > last.j,
            PathRule::Frequency => next.xi < last.xi,
            PathRule::Energy(least) => {
                let narrowed = next.sigma * next.sigma / 2.0;
                let variance = last.sigma * last.sigma + narrowed;
                let share =
                    (narrowed / variance).sqrt() * (-next.xi * next.xi / (2.0 * variance)).exp();
                share >= least
            }
        }
    }
}

/// On which grid every U lives.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Sampling {
    /// That of its wavelet's j, which leaves room for the coefficients x ⋆ ψ themselves: Kymatio's.
    #[default]
    Wavelet,
    /// The coarsest whose rate is at least so many σ of its wavelet, if that is coarser: room for the modulus, whose bandwidth is σ around 0
    /// wherever ψ̂ lies. With 24, order 1 of white noise is off by 5·10⁻⁵ and order 2 by 2·10⁻⁴ of their norms.
    Bandwidth(f64),
}

impl Sampling {
    /// log2 of the subsampling after a wavelet.
    fn level(self, psi: &Wavelet1d) -> usize {
        match self {
            Sampling::Wavelet => psi.j,
            Sampling::Bandwidth(least) => {
                let level = -(least * psi.sigma).log2();
                psi.j.max(level.floor().max(0.0) as usize)
            }
        }
    }
}

/// On one precision only, so that `Scattering1d::params` needs no type; [`Scattering1dParams::plan`] chooses it.
impl Scattering1d<f32> {
    /// Describes a transform of signals of `len` samples with durations up to 2^J samples, and standard values elsewhere.
    pub fn params(len: usize, J: usize) -> Scattering1dParams {
        Scattering1dParams::new(len, J)
    }

    /// Describes a transform of signals without an end, for [`Scattering1dParams::stream`].
    pub fn stream_params(J: usize) -> Scattering1dParams {
        Scattering1dParams::new(0, J)
    }
}

/// Description of a [`Scattering1d`]; [`plan`](Self::plan) checks it and spends all set-up, [`stream`](Self::stream) makes a
/// transform without an end of it.
///
/// With the feature `serde` it can be written and read; what is missing when it is read has its standard value.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Scattering1dParams {
    /// Samples of the signals; of a stream, how many are transformed at a time, 0 for a number that suits the filters.
    pub len: usize,
    /// log2 of the longest duration of a wavelet, at least 1.
    pub J: usize,
    /// Wavelets per octave, layer by layer; 1 for layers beyond, and what is beyond the layers that there are is not looked at.
    /// Standard: 1 everywhere.
    #[cfg_attr(feature = "serde", serde(default))]
    pub Q: Vec<usize>,
    /// Largest number of moduli on a path. Standard: 2.
    #[cfg_attr(feature = "serde", serde(default = "standard::max_order"))]
    pub max_order: usize,
    /// What is kept of every U. Standard: local averages.
    #[cfg_attr(feature = "serde", serde(default))]
    pub average: Average,
    /// Samples that φ averages over, any number from 1 to those of the signal; where averages are not local it only says how far the
    /// signal is padded. Standard: `None`, for 2^J.
    #[cfg_attr(feature = "serde", serde(default))]
    pub T: Option<f64>,
    /// Distance of local averages in samples, a power of two up to T. Standard: `None`, for the largest.
    #[cfg_attr(feature = "serde", serde(default))]
    pub stride: Option<usize>,
    /// What lies beyond the ends. Standard: reflection.
    #[cfg_attr(feature = "serde", serde(default))]
    pub padding: Padding,
    /// What the wavelets are. Standard: Morlets.
    #[cfg_attr(feature = "serde", serde(default))]
    pub family: Family1d,
    /// Scaling of the filter banks. Standard: plain.
    #[cfg_attr(feature = "serde", serde(default))]
    pub normalization: Normalization,
    /// Which wavelets a path goes on with. Standard: Kymatio's rule.
    #[cfg_attr(feature = "serde", serde(default))]
    pub rule: PathRule,
    /// On which grid every U lives. Standard: that of its wavelet.
    #[cfg_attr(feature = "serde", serde(default))]
    pub sampling: Sampling,
    /// What may be left out of the filters, as a share of the peak of each ψ̂ and of the sum of φ, in [0, 0.1]; see
    /// [`Scattering::tolerance`]. Standard: `None`, for 1e-6 in `f32` and 1e-15 in `f64`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub tolerance: Option<f64>,
    /// The instruction set to use; `None` for the best of this machine. Standard: `None`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub isa: Option<Isa>,
}

/// Standard values that are no type's default.
mod standard {
    pub fn max_order() -> usize {
        2
    }
}

impl Scattering1dParams {
    fn new(len: usize, J: usize) -> Self {
        Self {
            len,
            J,
            Q: Vec::new(),
            max_order: standard::max_order(),
            average: Average::default(),
            T: None,
            stride: None,
            padding: Padding::default(),
            family: Family1d::default(),
            normalization: Normalization::default(),
            rule: PathRule::default(),
            sampling: Sampling::default(),
            tolerance: None,
            isa: None,
        }
    }

    /// Sets the wavelets per octave, layer by layer: `[8]` is 8 in the first and 1 in all others.
    pub fn Q(mut self, Q: impl Into<Vec<usize>>) -> Self {
        self.Q = Q.into();
        self
    }

    /// Sets the largest number of moduli on a path.
    pub fn max_order(mut self, max_order: usize) -> Self {
        self.max_order = max_order;
        self
    }

    /// Sets what is kept of every U.
    pub fn average(mut self, average: Average) -> Self {
        self.average = average;
        self
    }

    /// Sets how many samples φ averages over.
    pub fn T(mut self, T: f64) -> Self {
        self.T = Some(T);
        self
    }

    /// Sets the distance of local averages, in samples.
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = Some(stride);
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

    /// Sets the scaling of the filter banks.
    pub fn normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// Sets which wavelets a path goes on with.
    pub fn rule(mut self, rule: PathRule) -> Self {
        self.rule = rule;
        self
    }

    /// Sets on which grid every U lives.
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.sampling = sampling;
        self
    }

    /// Sets what may be left out of the filters.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Sets the instruction set; `None` is the best of this machine.
    pub fn isa(mut self, isa: impl Into<Option<Isa>>) -> Self {
        self.isa = isa.into();
        self
    }

    /// Samples that φ averages over.
    pub fn averaged_over(&self) -> f64 {
        self.T.unwrap_or_else(|| (self.J.min(1000) as f64).exp2())
    }

    /// Distance of local averages in samples: what was asked for, or the largest power of two up to T. Of parameters that can be
    /// planned.
    pub fn output_stride(&self) -> usize {
        self.stride
            .unwrap_or_else(|| largest_stride(self.averaged_over()))
    }

    /// Samples of the signal after padding: the length that banks of one's own live on, see [`plan_with`](Self::plan_with).
    ///
    /// # Errors
    /// Those of [`plan`](Self::plan) but for memory.
    pub fn padded_len(&self) -> Result<usize> {
        self.check()?;
        Ok(self.axis(None)?.padded)
    }

    /// Which bank each layer takes, and the wavelets per octave of each bank: layers of equal Q have one in common.
    fn layers(&self) -> Layers {
        let mut layers = Layers::default();
        for layer in 0..self.max_order.max(1) {
            let Q = self.Q.get(layer).copied().unwrap_or(1);
            let bank = layers.banks.iter().position(|&other| other == Q);
            layers.of_layer.push(bank.unwrap_or(layers.banks.len()));
            if bank.is_none() {
                layers.banks.push(Q);
            }
            // No path has more wavelets than there are scales, nor more layers of its own than it has wavelets.
            if layer > self.J + self.Q.len() {
                break;
            }
        }
        layers
    }

    /// A bank of a padded signal.
    fn bank(&self, padded: usize, Q: usize) -> FilterBank1dParams {
        FilterBank1d::params(padded, self.J)
            .Q(Q)
            .T(self.averaged_over())
            .family(self.family)
            .normalization(self.normalization)
    }

    pub(in crate::scattering) fn check(&self) -> Result<()> {
        if self.len == 0 {
            return Err(Error::Empty { shape: vec![0] });
        }
        self.check_numbers()?;
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
            return Err(Error::InvalidParameter {
                name: "T",
                value: T.to_string(),
                limit: format!(
                    "averages are over at most the {} samples of the signal; use a shorter T, or global averages",
                    self.len
                ),
            });
        }
        memory::require(
            "one padded signal",
            memory::bytes_of::<[f64; 4]>((self.len as u64).saturating_mul(3)),
            "use shorter signals, or a stream",
        )
    }

    /// Checks everything but what depends on the length.
    pub(super) fn check_numbers(&self) -> Result<()> {
        let invalid = |name, value: String, limit: String| {
            Err(Error::InvalidParameter { name, value, limit })
        };
        for Q in self.layers().banks {
            self.bank(1, Q).check()?;
        }
        let T = self.averaged_over();
        if let Some(stride) = self.stride {
            let largest = largest_stride(T);
            if self.average != Average::Local {
                return invalid(
                    "stride",
                    stride.to_string(),
                    format!(
                        "it is the distance of local averages, and these are {}",
                        self.average.name()
                    ),
                );
            }
            if !stride.is_power_of_two() || stride > largest {
                return invalid(
                    "stride",
                    stride.to_string(),
                    format!(
                        "it is a power of two, at most {largest} for averages over T = {T} samples"
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
        if let PathRule::Energy(share) = self.rule
            && !(0.0..=1.0).contains(&share)
        {
            return invalid(
                "rule",
                share.to_string(),
                "a share of energy lies in [0, 1]".into(),
            );
        }
        if let Sampling::Bandwidth(least) = self.sampling
            && (least.is_nan() || least < 4.0)
        {
            return invalid(
                "sampling",
                least.to_string(),
                "a rate of at least 4 standard deviations holds a modulus; 24 is close to exact"
                    .into(),
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
        Ok(())
    }

    /// The padded axis of a signal, as short as a reach allows if there is one.
    fn axis(&self, reach: Option<f64>) -> Result<AxisPadding> {
        if self.padding == Padding::Periodic {
            let multiple = self.coarsest_step();
            if !self.len.is_multiple_of(multiple) {
                return Err(Error::NotMultiple {
                    padding: self.padding.name(),
                    axis: 0,
                    len: self.len,
                    multiple,
                });
            }
        }
        let short = reach.map(|reach| (reach, self.coarsest_step()));
        Ok(pad_axis(
            self.padding,
            self.len,
            self.averaged_over(),
            short,
        ))
    }

    /// The wavelets of every bank, in numbers.
    fn numbers(&self) -> Vec<Vec<Wavelet1d>> {
        let banks = self.layers().banks.into_iter();
        banks.map(|Q| self.bank(1, Q).wavelets()).collect()
    }

    /// How far the filters of a path and φ together reach in time, in samples on either side.
    ///
    /// Since ||a| − |b|| ≤ |a − b|, a change Δ of the signal changes S[λ1, …, λm] by at most |Δ| ⋆ |ψ_λ1| ⋆ … ⋆ |ψ_λm| ⋆ φ. Envelopes are
    /// Gaussians, so that their convolution is one too, of variance Σσ²; it ends where it falls below the tolerance. Strictly analytic
    /// wavelets are cut at frequency 0, and have tails that decline as t⁻² beyond it.
    pub(super) fn reach<T: Real>(&self) -> f64 {
        let banks = self.numbers();
        let tolerance = self.tolerance.unwrap_or(T::TOLERANCE).max(1e-16);
        let longest = |layer: usize| {
            let sigmas = banks[layer].iter().map(Wavelet1d::sigma_time);
            sigmas.fold(0.0, f64::max)
        };
        let of_layers = self.layers().of_layer.into_iter().take(self.max_order);
        let of_layers = of_layers.map(longest);
        let of_phi = match self.average {
            Average::Local => gauss::width(SIGMA_0 / self.averaged_over()),
            _ => 0.0,
        };
        let variance: f64 = of_layers.chain([of_phi]).map(|sigma| sigma * sigma).sum();
        (-2.0 * tolerance.ln() * variance).sqrt()
    }

    /// The coarsest subsampling of what is computed or kept, in samples.
    pub(super) fn coarsest_step(&self) -> usize {
        let most = self.most_subsampled();
        let coarsest = match self.average {
            Average::Local => most,
            _ => {
                let psis = self.numbers().into_iter().flatten();
                let levels = psis.map(|psi| self.sampling.level(&psi));
                levels.max().unwrap_or(0)
            }
        };
        1 << coarsest.min(usize::BITS as usize - 8) // room for a multiple
    }

    /// log2 of how far a U may be subsampled.
    fn most_subsampled(&self) -> usize {
        match self.average {
            Average::Local => self.output_stride().ilog2() as usize,
            _ => usize::BITS as usize - 1,
        }
    }

    /// Lays the transform out, with a low-pass by its length on a level.
    fn design<T: Real>(
        &self,
        axis: AxisPadding,
        banks: &[Arc<[Wavelet1d]>],
        of_layer: &[usize],
        low_pass: impl Fn(usize) -> EvenKernel,
        phi_at_zero: f64,
    ) -> Result<Design<Wavelet1d, 1>> {
        let local = self.average == Average::Local;
        let most = self
            .most_subsampled()
            .min(axis.padded.trailing_zeros() as usize);
        let wavelets: Arc<[Wavelet1d]> =
            banks.iter().flat_map(|bank| bank.iter().copied()).collect();
        let levels = wavelets
            .iter()
            .map(|psi| self.sampling.level(psi).min(most));
        let levels: Vec<usize> = levels.collect();
        let output_level = if local { most } else { 0 };
        let layers = lambdas_of_layers(banks.iter().map(|bank| bank.len()), of_layer);
        let on_signal = axis.end - axis.begin;
        let paths = PathTable::new(
            Arc::clone(&wavelets),
            self.max_order,
            wavelets.len() as u64,
            |path, lambda| {
                let of_layer = layers.get(path.len());
                let last = path.last().map(|&last| &wavelets[last]);
                of_layer.is_some_and(|of_layer| of_layer.contains(&lambda))
                    && last.is_none_or(|last| self.rule.admits(last, &wavelets[lambda]))
            },
            |path| match self.average {
                Average::Local => (Some(1 << output_level), 1 << output_level),
                Average::Global => (None, on_signal),
                Average::Sum => (None, axis.padded),
                Average::None => {
                    let apart = 1 << level_of(path, &levels);
                    (Some(apart), apart)
                }
            },
        )?;
        let full = Grid::new([axis.padded]);
        let coarsest = levels.iter().copied().max().unwrap_or(0).max(output_level);
        let grids: Vec<_> = (0..=coarsest)
            .map_while(|level| full.at_level(level))
            .collect();
        let outputs = axis.on_image(output_level);
        let shapes = (0..paths.len()).map(|row| -> Box<[usize]> {
            match self.average {
                Average::Local => Box::new([outputs.len()]),
                Average::Global | Average::Sum => Box::default(),
                Average::None => {
                    Box::new([axis.on_image(level_of(&paths[row].lambdas, &levels)).len()])
                }
            }
        });
        let layout = Arc::new(Layout::new(self.average, shapes.collect()));
        let low_pass = if local {
            grids.iter().map(|grid| [low_pass(grid.shape[0])]).collect()
        } else {
            Vec::new()
        };
        let tolerance = self.tolerance.unwrap_or(T::TOLERANCE);
        Ok(Design {
            axes: [axis],
            grids,
            paths: Arc::new(paths),
            layers,
            levels,
            average: self.average,
            output_level,
            outputs: [outputs],
            low_pass,
            phi_at_zero,
            layout,
            tolerance,
            // Sound swings around 0: what is left of it after the average is small beside what went in.
            input_tolerance: 1e-3 * tolerance,
        })
    }

    /// Lays the transform out, on an axis as short as the reach of its filters allows or on Kymatio's, which sums over all samples of the
    /// padded signal see. Of parameters that passed [`check`](Self::check).
    pub(in crate::scattering) fn lay_out<T: Real>(&self, average: Average) -> Result<LaidOut> {
        let short = average != Average::Sum && self.ends_like_gaussians();
        let reach = short.then(|| self.reach::<T>());
        self.lay_out_on::<T>(self.axis(reach)?)
    }

    /// Whether filters have a [`reach`](Self::reach) beyond which they can be forgotten.
    fn ends_like_gaussians(&self) -> bool {
        self.family != Family1d::Analytic
    }

    /// How the signal is cut into blocks, if it is to be, on the axis it is laid out on.
    pub(super) fn tiling<T: Real>(&self, axis: &AxisPadding) -> Option<Tiling> {
        let kept = matches!(self.average, Average::Local | Average::None);
        let tiling = || Tiling::fastest::<T>(axis, self.reach::<T>(), self.coarsest_step());
        (kept && self.ends_like_gaussians()).then(tiling).flatten()
    }

    /// The same on any axis.
    pub(super) fn lay_out_on<T: Real>(&self, axis: AxisPadding) -> Result<LaidOut> {
        let numbers = self.numbers();
        let Layers { banks, of_layer } = self.layers();
        let padded = axis.padded;
        let banks: Vec<_> = banks.into_iter().map(|Q| self.bank(padded, Q)).collect();
        let sigma = banks[0].sigma_phi();
        let unit = gauss::at_zero(sigma);
        let low_pass = |len: usize| {
            let kernel = gauss::axis_kernel(sigma * padded as f64 / len as f64, len);
            EvenKernel::new(len, kernel.into_iter().map(|value| value / unit).collect())
        };
        let wavelets: Vec<Arc<[Wavelet1d]>> = numbers.into_iter().map(Into::into).collect();
        let design = self.design::<T>(axis, &wavelets, &of_layer, low_pass, 1.0)?;
        Ok(LaidOut { design, banks })
    }

    /// Checks everything, builds the filter banks and plans all transforms, on all threads of the current pool.
    ///
    /// A signal is padded no further than the filters reach, and one that is much longer than that is transformed block by block, where
    /// averages are local or none: the same numbers to rounding, in less time and memory. Strictly analytic wavelets, whose tails have no end, are
    /// always on Kymatio's padded length in one piece.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for J, Q, T, stride, padding, rule, tolerance or the instruction set; [`Error::ScaleTooLarge`]
    /// if the signal is shorter than 2^J and no T is given; [`Error::NotMultiple`] for lengths that periodic padding does not
    /// allow; [`Error::Empty`] for a length of 0; [`Error::OutOfMemory`] if filters, tables or workspace exceed the machine.
    pub fn plan<T: Real>(&self) -> Result<Scattering1d<T>> {
        self.check()?;
        let LaidOut { design, banks } = self.lay_out::<T>(self.average)?;
        let tiling = self.tiling::<T>(&design.axes[0]);
        let whole = Arc::new(design);
        let (design, banks) = match tiling {
            Some(tiling) => {
                let LaidOut { design, banks } = self.lay_out_on::<T>(tiling.axis())?;
                (Arc::new(design), banks)
            }
            None => (Arc::clone(&whole), banks),
        };
        let bytes = banks.iter().map(FilterBank1dParams::expected_bytes::<T>);
        let build = || {
            let built = banks
                .iter()
                .map(|bank| -> Result<Bank<T>> { Ok(Arc::new(bank.build::<T>()?)) });
            built.collect()
        };
        let blueprint = self.blueprint(design, bytes.sum(), build)?;
        let (isa, banks) = (blueprint.isa, blueprint.banks.clone());
        let block = Arc::clone(&blueprint.design);
        let mut engine = engine(blueprint);
        if let Some(tiling) = tiling {
            let (whole, step) = (Arc::clone(&whole), self.coarsest_step());
            engine = Box::new(Blocks::new(engine, block, whole, tiling, step));
        }
        Ok(Scattering::new(self.clone(), isa, whole, banks, engine))
    }

    /// The same with banks of one's own on the padded signal, [`padded_len`](Self::padded_len), one a layer, the last also for all
    /// layers beyond: with learned filters, or whatever they hold. `Q`, `family` and `normalization` are the banks' matter and
    /// not looked at; the low-pass is that of the first.
    ///
    /// # Errors
    /// As [`plan`](Self::plan), and [`Error::WrongShape`] if there is no bank or one of another length.
    pub fn plan_with<T: Real>(&self, banks: &[Bank<T>]) -> Result<Scattering1d<T>> {
        self.check()?;
        let axis = self.axis(None)?;
        let lengths: Vec<usize> = banks.iter().map(|bank| bank.grid().shape[0]).collect();
        let fits = |bank: &Bank<T>| {
            bank.grid().shape == [axis.padded]
                && (0..bank.wavelets().len()).all(|n| bank.members(n).len() == 1)
        };
        if banks.is_empty() || !banks.iter().all(fits) {
            return Err(Error::WrongShape {
                what: "the filter banks",
                got: lengths,
                expected: format!(
                    "one or more of length {}, the signal after padding, of one band a wavelet",
                    axis.padded
                ),
            });
        }
        let of_layer: Vec<usize> = (0..self.max_order.min(1 + banks.len() + usize::BITS as usize))
            .map(|layer| layer.min(banks.len() - 1))
            .collect();
        let wavelets: Vec<_> = banks
            .iter()
            .map(|bank| Arc::clone(bank.wavelets()))
            .collect();
        let first = Arc::clone(&banks[0]);
        let phi_at_zero = first.low_pass(0, axis.padded)[0];
        let low_pass = |len| EvenKernel::from_hat(&first.low_pass(0, len));
        let design = self.design::<T>(axis, &wavelets, &of_layer, low_pass, phi_at_zero)?;
        let bytes = banks.iter().map(|bank| bank.bytes()).sum();
        let design = Arc::new(design);
        let blueprint = self.blueprint(Arc::clone(&design), bytes, || Ok(banks.to_vec()))?;
        let isa = blueprint.isa;
        let engine = engine(blueprint);
        Ok(Scattering::new(
            self.clone(),
            isa,
            design,
            banks.to_vec(),
            engine,
        ))
    }

    /// What an engine is made from, with banks of so many bytes, if all fits into memory.
    fn blueprint<T: Real>(
        &self,
        design: Arc<Design<Wavelet1d, 1>>,
        bank_bytes: u64,
        banks: impl FnOnce() -> Result<Vec<Bank<T>>>,
    ) -> Result<Blueprint<T>> {
        let isa = match self.isa {
            Some(isa) => isa.require()?,
            None => Isa::best(),
        };
        // The banks, and their bands again.
        let scratch = Self::expected_workspace::<T>(design.axes[0].padded)
            .saturating_mul(parallel::threads() as u64);
        memory::require(
            "the filter banks and the workspace",
            bank_bytes.saturating_mul(2).saturating_add(scratch),
            "use shorter signals, fewer wavelets Q, fewer threads or 32-bit precision",
        )?;
        let banks = banks()?;
        Ok(Blueprint { isa, design, banks })
    }
}

/// A transform laid out, and its banks before they are built.
pub(in crate::scattering) struct LaidOut {
    pub design: Design<Wavelet1d, 1>,
    pub banks: Vec<FilterBank1dParams>,
}

/// The banks of a transform.
#[derive(Debug, Default)]
struct Layers {
    /// Wavelets per octave of each.
    banks: Vec<usize>,
    /// Which of them a layer takes.
    of_layer: Vec<usize>,
}

/// The largest power of two up to T, which is at least 1.
pub(in crate::scattering) fn largest_stride(T: f64) -> usize {
    1 << (T.max(1.0).log2().floor() as usize).min(usize::BITS as usize - 1)
}
