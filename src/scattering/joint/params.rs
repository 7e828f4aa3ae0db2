//! Parameters of a joint scattering transform: plain data, and what follows from them before anything is computed.

use std::sync::Arc;

use ndarray::Array1;

use super::engine::{Blueprint, Order2, engine};
use super::paths::{JointPath, JointPathTable, WaveletAcross};
use super::plan::JointScattering;
use crate::filters::{Family1d, FilterBank1d, SIGMA_0, Wavelet1d, gauss};
use crate::isa::Isa;
use crate::layer::average::{AxisAverage, EvenKernel};
use crate::layer::frequency::{Across, KeepAcross};
use crate::num::{Complex, Real};
use crate::scattering::Scattering1d;
use crate::scattering::design::Design;
use crate::scattering::keep::{Average, Layout};
use crate::scattering::one_d::{LaidOut, Scattering1dParams, largest_stride};
use crate::scattering::runner::Runner;
use crate::signal::Padding;
use crate::{Error, Result, fft, memory, parallel};

/// How rows stand in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum JointFormat {
    /// One row a first-layer wavelet: `[rows, times]`, those n1 only that there are.
    #[default]
    Time,
    /// One row a path, with an axis of n1, padding across n1 included, and without order 0: `[paths, n1, times]`; without that axis where
    /// averages across n1 are means.
    Joint,
}

/// Description of a [`JointScattering`]; [`plan`](Self::plan) checks it and spends all set-up.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct JointScatteringParams {
    /// Samples of the signals.
    pub len: usize,
    /// log2 of the longest duration of a wavelet over time, at least 1.
    pub J: usize,
    /// log2 of the widest span of a wavelet across n1, at least 1.
    pub J_fr: usize,
    /// Wavelets per octave of both layers over time; 1 where missing.
    pub Q: Vec<usize>,
    /// Wavelets per octave across n1. Standard: 1.
    pub Q_fr: usize,
    /// What is kept over time. Standard: local averages.
    pub average: Average,
    /// What is kept across n1. Standard: local averages.
    pub average_fr: Average,
    /// Samples that φ_T averages over, of local averages. Standard: `None`, for 2^J.
    pub T: Option<f64>,
    /// Wavelets that φ_F averages over, of local averages. Standard: `None`, for 2^J_fr.
    pub F: Option<f64>,
    /// Distance of local averages in samples, a power of two up to T. Standard: `None`, for the largest.
    pub stride: Option<usize>,
    /// Distance of local averages in wavelets, a power of two up to F and 2^J_fr. Standard: `None`, for the largest.
    pub stride_fr: Option<usize>,
    /// How rows stand in the output. Standard: one a first-layer wavelet.
    pub format: JointFormat,
    /// What lies beyond the ends of the signal. Standard: reflection.
    pub padding: Padding,
    /// What the wavelets are. Standard: Morlets.
    pub family: Family1d,
    /// What may be left out of filters over time, as in
    /// [`Scattering1dParams::tolerance`].
    pub tolerance: Option<f64>,
    /// The instruction set to use; `None` for the best of this machine.
    pub isa: Option<Isa>,
}

/// On one precision only, so that `JointScattering::params` needs no type; [`JointScatteringParams::plan`] chooses it.
impl JointScattering<f32> {
    /// Describes a transform of signals of `len` samples, with durations up to 2^J samples and spans up to 2^J_fr wavelets, and
    /// standard values elsewhere.
    pub fn params(len: usize, J: usize, J_fr: usize) -> JointScatteringParams {
        JointScatteringParams {
            len,
            J,
            J_fr,
            Q: Vec::new(),
            Q_fr: 1,
            average: Average::default(),
            average_fr: Average::default(),
            T: None,
            F: None,
            stride: None,
            stride_fr: None,
            format: JointFormat::default(),
            padding: Padding::default(),
            family: Family1d::default(),
            tolerance: None,
            isa: None,
        }
    }
}

impl JointScatteringParams {
    /// Sets the wavelets per octave over time, of one layer or of both.
    pub fn Q(mut self, Q: impl Into<Vec<usize>>) -> Self {
        self.Q = Q.into();
        self
    }

    /// Sets the wavelets per octave across n1.
    pub fn Q_fr(mut self, Q_fr: usize) -> Self {
        self.Q_fr = Q_fr;
        self
    }

    /// Sets what is kept over time.
    pub fn average(mut self, average: Average) -> Self {
        self.average = average;
        self
    }

    /// Sets what is kept across n1.
    pub fn average_fr(mut self, average_fr: Average) -> Self {
        self.average_fr = average_fr;
        self
    }

    /// Sets how many samples φ_T averages over.
    pub fn T(mut self, T: f64) -> Self {
        self.T = Some(T);
        self
    }

    /// Sets how many wavelets φ_F averages over.
    pub fn F(mut self, F: f64) -> Self {
        self.F = Some(F);
        self
    }

    /// Sets the distance of local averages over time, in samples.
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = Some(stride);
        self
    }

    /// Sets the distance of local averages across n1, in wavelets.
    pub fn stride_fr(mut self, stride_fr: usize) -> Self {
        self.stride_fr = Some(stride_fr);
        self
    }

    /// Sets how rows stand in the output.
    pub fn format(mut self, format: JointFormat) -> Self {
        self.format = format;
        self
    }

    /// Sets what lies beyond the ends of the signal.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Sets what the wavelets are.
    pub fn family(mut self, family: Family1d) -> Self {
        self.family = family;
        self
    }

    /// Sets what may be left out of filters over time.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Sets the instruction set; `None` is the best of this machine.
    pub fn isa(mut self, isa: impl Into<Option<Isa>>) -> Self {
        self.isa = isa.into();
        self
    }

    /// Wavelets per octave of a layer over time.
    fn Q_of(&self, layer: usize) -> usize {
        self.Q.get(layer).copied().unwrap_or(1)
    }

    /// The transform over time: averages are local in any case, since order 1 is.
    fn over_time(&self) -> Scattering1dParams {
        let mut params = Scattering1d::params(self.len, self.J)
            .Q([self.Q_of(0), self.Q_of(1)])
            .padding(self.padding)
            .family(self.family)
            .isa(self.isa);
        params.tolerance = self.tolerance;
        if self.average == Average::Local {
            params.T = self.T;
            params.stride = self.stride;
        }
        params
    }

    /// Wavelets that φ_F averages over.
    fn averaged_across(&self) -> f64 {
        let widest = (self.J_fr.min(64) as f64).exp2();
        match self.average_fr {
            Average::Local => self.F.unwrap_or(widest),
            _ => widest,
        }
    }

    /// Distance of local averages across n1: what was asked for, or the largest power of two up to F and 2^J_fr.
    fn output_stride_fr(&self) -> usize {
        let largest = largest_stride(self.averaged_across()).min(1 << self.J_fr);
        self.stride_fr.unwrap_or(largest)
    }

    /// The length of the axis of n1: Kymatio's nominal number of wavelets and a margin, or a little more if there are more
    /// wavelets.
    fn len_across(&self, wavelets: usize) -> usize {
        let step = 1 << self.J_fr;
        let margin = 8 * self.averaged_across().min(step as f64).floor() as usize;
        let nominal = ((self.J + 1) * self.Q_of(0) + margin) / step;
        nominal.max(wavelets.div_ceil(step)) * step
    }

    /// The wavelets across n1: the average first, then by decreasing frequency, positive ones before negative ones.
    fn wavelets_across(&self) -> Vec<WaveletAcross> {
        let average = WaveletAcross {
            xi: 0.0,
            sigma: SIGMA_0 / (self.J_fr as f64).exp2(),
            j: self.J_fr,
        };
        let bank = FilterBank1d::params(1, self.J_fr).Q(self.Q_fr).wavelets();
        let signed = |sign: f64| {
            bank.clone().into_iter().map(move |psi| WaveletAcross {
                xi: sign * psi.xi,
                sigma: psi.sigma,
                j: psi.j,
            })
        };
        [average]
            .into_iter()
            .chain(signed(1.0))
            .chain(signed(-1.0))
            .collect()
    }

    pub(crate) fn check(&self) -> Result<()> {
        let invalid = |name, value: String, limit: String| {
            Err(Error::InvalidParameter { name, value, limit })
        };
        self.over_time().check()?;
        if !(1..=16).contains(&self.J_fr) {
            return invalid(
                "J_fr",
                self.J_fr.to_string(),
                "there are 1 to 16 octaves across the wavelets".into(),
            );
        }
        if !(1..=1000).contains(&self.Q_fr) {
            return invalid(
                "Q_fr",
                self.Q_fr.to_string(),
                "there are 1 to 1000 wavelets per octave across the wavelets".into(),
            );
        }
        for (name, given, average) in [
            ("T", self.T.is_some(), self.average),
            ("stride", self.stride.is_some(), self.average),
            ("F", self.F.is_some(), self.average_fr),
            ("stride_fr", self.stride_fr.is_some(), self.average_fr),
        ] {
            if given && average != Average::Local {
                let limit = format!(
                    "it is of local averages, and these are {}; leave it out",
                    average.name()
                );
                return invalid(name, "a number".into(), limit);
            }
        }
        let F = self.averaged_across();
        let nominal = (self.J + 1) * self.Q_of(0);
        if self.average_fr == Average::Local && !(F >= 1.0 && F <= nominal as f64) {
            let limit =
                format!("averages across the wavelets are over 1 to (J + 1)·Q = {nominal} of them");
            return invalid("F", F.to_string(), limit);
        }
        if let Some(stride) = self.stride_fr {
            let largest = largest_stride(F).min(1 << self.J_fr);
            if !stride.is_power_of_two() || stride > largest {
                let limit = format!(
                    "it is a power of two, at most {largest} for averages over F = {F} wavelets"
                );
                return invalid("stride_fr", stride.to_string(), limit);
            }
        }
        if self.format == JointFormat::Joint {
            if self.average == Average::None {
                let limit = "rows of an array with an axis of n1 have as many times each; use the format of one row a wavelet";
                return invalid("average", "none".into(), limit.into());
            }
            if matches!(self.average_fr, Average::None | Average::Sum) {
                let limit = "paths of an array with an axis of n1 have as many n1 each; average locally or globally across them, or \
                             use the format of one row a wavelet";
                return invalid("average_fr", self.average_fr.name().into(), limit.into());
            }
        }
        Ok(())
    }

    /// Checks everything, builds the filters and plans all transforms, on all threads of the current pool.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a parameter out of range, or for averages that the format cannot hold;
    /// [`Error::ScaleTooLarge`], [`Error::NotMultiple`], [`Error::Empty`] and [`Error::OutOfMemory`] as
    /// [`Scattering1dParams::plan`].
    pub fn plan<T: Real>(&self) -> Result<JointScattering<T>> {
        self.check()?;
        let isa = match self.isa {
            Some(isa) => isa.require()?,
            None => Isa::best(),
        };
        let over_time = self.over_time();
        let LaidOut { mut design, banks } = over_time.lay_out::<T>(self.average)?;
        let local_outputs = design.outputs[0].clone();
        if self.average == Average::Sum {
            design.outputs[0] = 0..design.axes[0].padded >> design.output_level;
        }
        let bytes: u64 = banks.iter().map(|bank| bank.expected_bytes::<T>()).sum();
        memory::require(
            "the filter banks",
            bytes,
            "use shorter signals, fewer wavelets Q or 32-bit precision",
        )?;
        let built = banks
            .iter()
            .map(|bank| bank.build::<T>())
            .collect::<Result<Vec<_>>>()?;
        let first = built[0].wavelets().to_vec();
        let second_bank = built.len() - 1;
        let second = built[second_bank].wavelets().to_vec();
        let second_starts = if second_bank == 0 { 0 } else { first.len() };

        let across = AxisAcross {
            params: self,
            len: self.len_across(first.len()),
            log2_stride: self.output_stride_fr().ilog2() as usize,
            wavelets: self.wavelets_across(),
        };
        let filters = across.filters(first.len(), design.tolerance);

        // Rows, in the order of Kymatio's output.
        let zeroth = self.format == JointFormat::Time;
        let mut rows = Rows {
            across: &across,
            design: &design,
            local_outputs: local_outputs.len(),
            paths: Vec::new(),
            shapes: Vec::new(),
        };
        if zeroth {
            rows.add_zeroth();
        }
        let of_order1 = (0..across.wavelets.len()).filter(|&n_fr| across.wavelets[n_fr].xi >= 0.0);
        let order1: Vec<(usize, usize)> = of_order1
            .map(|n_fr| (n_fr, rows.add(None, n_fr, first.len(), design.output_level)))
            .collect();
        let mut order2 = Vec::new();
        for (n2, psi) in second.iter().enumerate() {
            let count = first.iter().take_while(|other| other.j < psi.j).count();
            if count > 0 {
                let lambda = second_starts + n2;
                let level = design.levels[lambda];
                let all = 0..across.wavelets.len();
                order2.push(Order2 {
                    lambda,
                    count,
                    level,
                    rows: all
                        .map(|n_fr| (n_fr, rows.add(Some(n2), n_fr, count, level)))
                        .collect(),
                });
            }
        }
        let Rows { paths, shapes, .. } = rows;
        let layout = Arc::new(Layout::new(self.average, shapes));
        design.average = self.average;
        design.layout = Arc::clone(&layout);
        let len_across = across.len;
        let paths = Arc::new(JointPathTable {
            first,
            second,
            across: across.wavelets,
            Q: self.Q_of(0),
            paths,
        });

        // On every thread as many spectra as there are wavelets, and a stack of them.
        let samples = design.axes[0].padded as u64;
        let scratch = memory::bytes_of::<[T; 16]>(samples)
            .saturating_mul(2 + parallel::threads() as u64)
            .saturating_mul(1 + paths.first.len() as u64 / 16);
        memory::require(
            "the filter banks and the workspace",
            bytes.saturating_mul(2).saturating_add(scratch),
            "use shorter signals, fewer wavelets Q, fewer threads or 32-bit precision",
        )?;
        let design = Arc::new(design);
        let bank_bytes = built.iter().map(crate::filters::FilterBank::bytes).sum();
        let engine = engine(Blueprint {
            isa,
            design: Arc::clone(&design),
            banks: built,
            first: paths.first.len(),
            len_across,
            across: filters,
            order1,
            order2,
            zeroth,
            local_outputs,
        });
        Ok(JointScattering::new(
            self.clone(),
            isa,
            paths,
            design.axes[0].padded,
            Runner::new(engine, [self.len], layout, bank_bytes),
        ))
    }
}

/// The axis of n1 and the wavelets across it.
struct AxisAcross<'a> {
    params: &'a JointScatteringParams,
    /// Wavelets of the first layer and zeros.
    len: usize,
    /// log2 of the distance of local averages.
    log2_stride: usize,
    wavelets: Vec<WaveletAcross>,
}

impl AxisAcross<'_> {
    /// What is kept across n1 of paths of a wavelet: its average, of spin 0, is not averaged again.
    fn keeps(&self, psi: &WaveletAcross) -> Average {
        match self.params.average_fr {
            Average::Local | Average::Sum if psi.xi == 0.0 => Average::None,
            average => average,
        }
    }

    /// log2 of the subsampling along n1.
    fn level(&self, psi: &WaveletAcross) -> usize {
        match self.params.average_fr {
            Average::Local => psi.j.min(self.log2_stride),
            _ => psi.j,
        }
    }

    /// Distance of neighbouring n1; none of means and sums.
    fn stride(&self, psi: &WaveletAcross) -> Option<usize> {
        match self.keeps(psi) {
            Average::Local => Some(1 << self.log2_stride),
            Average::Global | Average::Sum => None,
            Average::None => Some(1 << self.level(psi)),
        }
    }

    /// Rows of a path that so many wavelets of the first layer lead to.
    fn rows(&self, psi: &WaveletAcross, count: usize) -> usize {
        match self.stride(psi) {
            None => 1,
            Some(stride) if self.params.format == JointFormat::Joint => self.len / stride,
            Some(stride) => count.div_ceil(stride),
        }
    }

    /// Filters and averages, for at most `count` wavelets of the first layer.
    fn filters<T: Real>(&self, count: usize, tolerance: f64) -> Vec<Across<T>> {
        let sigma = SIGMA_0 / self.params.averaged_across();
        let unit = gauss::at_zero(sigma);
        let filter = |psi: &WaveletAcross| {
            let level = self.level(psi);
            let len = self.len >> level;
            let keep = match self.keeps(psi) {
                Average::Local => {
                    let kernel = gauss::axis_kernel(sigma * (1 << level) as f64, len);
                    let kernel = kernel.into_iter().map(|value| value / unit);
                    KeepAcross::Average(AxisAverage::new(
                        EvenKernel::new(len, kernel.collect()),
                        0..self.rows(psi, count),
                        1 << (self.log2_stride - level),
                        tolerance,
                    ))
                }
                Average::Global => KeepAcross::Mean,
                Average::Sum => KeepAcross::Sum,
                Average::None => KeepAcross::Rows,
            };
            Across {
                hat: hat_across(psi, self.len),
                level,
                keep,
            }
        };
        self.wavelets.iter().map(filter).collect()
    }
}

/// The rows of the output as they are laid out, one after another.
struct Rows<'a> {
    across: &'a AxisAcross<'a>,
    design: &'a Design<Wavelet1d, 1>,
    /// Samples of local averages over time.
    local_outputs: usize,
    paths: Vec<JointPath>,
    shapes: Vec<Box<[usize]>>,
}

impl Rows<'_> {
    /// Samples of a U of this level, none of means and sums, and their distance.
    fn over_time(&self, level: usize) -> Option<(usize, usize)> {
        match self.across.params.average {
            Average::Local => Some((self.local_outputs, 1 << self.design.output_level)),
            Average::Global | Average::Sum => None,
            Average::None => Some((self.design.axes[0].on_image(level).len(), 1 << level)),
        }
    }

    fn add_zeroth(&mut self) {
        let times = self.over_time(0);
        self.paths.push(JointPath {
            order: 0,
            n1: None,
            n1_stride: None,
            n2: None,
            n_fr: None,
            subsampling: times.map(|(_, apart)| apart),
        });
        self.shapes
            .push(times.map(|(len, _)| len).into_iter().collect());
    }

    /// The rows of a path that `count` wavelets of the first layer lead to; how many there are.
    fn add(&mut self, n2: Option<usize>, n_fr: usize, count: usize, level: usize) -> usize {
        let psi = &self.across.wavelets[n_fr];
        let (rows, stride) = (self.across.rows(psi, count), self.across.stride(psi));
        let times = self.over_time(level);
        let path = JointPath {
            order: 1 + usize::from(n2.is_some()),
            n1: None,
            n1_stride: stride,
            n2,
            n_fr: Some(n_fr),
            subsampling: times.map(|(_, apart)| apart),
        };
        let times = times.map(|(len, _)| len);
        if self.across.params.format == JointFormat::Joint {
            let axes = [stride.map(|_| rows), times];
            self.shapes.push(axes.into_iter().flatten().collect());
            self.paths.push(path);
            return rows;
        }
        for row in 0..rows {
            self.shapes.push(times.into_iter().collect());
            self.paths.push(JointPath {
                n1: stride.map(|stride| row * stride),
                ..path
            });
        }
        rows
    }
}

/// ψ̂ of a wavelet across n1 on an axis of this length, natural DFT order.
///
/// These are Kymatio's to rounding, who follows Gaussians over the periods [1 − P, P) with P = 2 for all but very broad ones. Around 0 that is lopsided:
/// a filter of negative frequency lacks some 10⁻⁶ that its mirror image has.
fn hat_across(psi: &WaveletAcross, len: usize) -> Vec<f64> {
    let periods = ((psi.sigma * (-2.0 * 1e-7_f64.ln()).sqrt() + 1.0).ceil() as i64).min(5);
    let bump = |k: usize, xi: f64| -> f64 {
        let at = |period: i64| (k as f64 / len as f64 + period as f64 - xi) / psi.sigma;
        (1 - periods..periods)
            .map(|period| (-0.5 * at(period) * at(period)).exp())
            .sum()
    };
    let mut hat: Vec<f64> = (0..len).map(|k| bump(k, psi.xi)).collect();
    if psi.xi != 0.0 {
        let kappa = hat[0] / bump(0, 0.0);
        for (k, value) in hat.iter_mut().enumerate() {
            *value -= kappa * bump(k, 0.0);
        }
    }
    let in_space = fft::inverse(
        hat.iter()
            .map(|&value| Complex::from(value))
            .collect::<Array1<_>>(),
    );
    let norm: f64 = in_space.iter().map(|z| z.norm()).sum();
    hat.iter().map(|value| value / norm).collect()
}
