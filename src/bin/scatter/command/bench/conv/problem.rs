//! One convolution to be measured: what is asked for as plain data, and [`Inputs`], its samples and plans with every type left
//! out but that they can be run.

use anyhow::{Result, ensure};
use ndarray::{ArrayD, IxDyn};
use wavelet_scattering::conv::{
    Convolution, ConvolutionParams, ConvolutionWorkspace, Convolve, Method, Mode, Sample,
};
use wavelet_scattering::error::bytes;
use wavelet_scattering::num::{Complex, Real};
use wavelet_scattering::{Isa, memory};

use super::super::plain::Plain;
use super::super::workloads::floor::Ffts;
use super::super::workloads::noise;
use crate::args::{ComplexArg, ConvArgs, Precision};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Samples of a signal and taps of a kernel, along one axis or two.
    pub signal: Vec<usize>,
    pub kernel: Vec<usize>,
    pub mode: Mode,
    /// Signals of one call.
    pub batch: usize,
    /// Kernels.
    pub bank: usize,
    pub complex_signal: bool,
    pub complex_kernel: bool,
    pub precision: Precision,
}

/// One way of computing it, and what the planner's table says it costs.
#[derive(Debug, Clone)]
pub struct Way {
    pub kind: Kind,
    /// Samples along each axis of what is transformed or computed at a time.
    pub block: Vec<usize>,
    /// Seconds of one signal on one thread.
    pub predicted: f64,
    /// Whether the planner takes it.
    pub chosen: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Direct,
    Fft,
    OverlapSave,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fft => "fft",
            Self::OverlapSave => "overlap-save",
        }
    }
}

impl Way {
    /// `overlap-save 144 x 96`
    pub fn name(&self) -> String {
        match self.kind {
            Kind::Direct => self.kind.name().into(),
            kind => format!("{} {}", kind.name(), sides(&self.block)),
        }
    }
}

/// `144 x 96`
pub fn sides(sides: &[usize]) -> String {
    let sides: Vec<_> = sides.iter().map(usize::to_string).collect();
    sides.join(" x ")
}

/// Sides as rows and columns; a line is one row.
pub fn as_plane(sides: &[usize]) -> [usize; 2] {
    match *sides {
        [n0, n1] => [n0, n1],
        _ => [1, sides.iter().product()],
    }
}

impl Problem {
    pub fn new(args: &ConvArgs, kernel: Vec<usize>) -> Result<Self> {
        let signal = args.signal.0.clone();
        ensure!(
            kernel.len() == signal.len(),
            "a signal of {} and a kernel of {} differ in axes; give both one size or both HxW",
            sides(&signal),
            sides(&kernel),
        );
        let is = |what| args.complex == Some(ComplexArg::Both) || args.complex == Some(what);
        let problem = Self {
            signal,
            kernel,
            mode: args.mode.into(),
            batch: args.batch.get(),
            bank: args.bank.get(),
            complex_signal: is(ComplexArg::Signal),
            complex_kernel: is(ComplexArg::Kernel),
            precision: args.precision,
        };
        problem.fits()?;
        Ok(problem)
    }

    /// Refuses what memory has no room for: signals, and results twice, as calls that allocate have them.
    fn fits(&self) -> Result<()> {
        let number = match self.precision {
            Precision::F32 => 4.0,
            Precision::F64 => 8.0,
        };
        let count = |sides: &[usize]| sides.iter().map(|&n| n as f64).product::<f64>();
        let parts = |complex| if complex { 2.0 } else { 1.0 };
        let result = parts(self.complex_result());
        let signals = self.batch as f64 * count(&self.signal) * parts(self.complex_signal);
        let kernels = self.bank as f64 * count(&self.kernel) * parts(self.complex_kernel);
        let results = self.batch as f64 * self.bank as f64 * count(&self.output()) * result;
        let needed = number * (signals + kernels + 2.0 * results);
        ensure!(
            needed <= memory::available() as f64,
            "signals, kernels and results need {}, but this machine has {}; use smaller ones, or lower --batch or --bank",
            bytes(needed as u64),
            bytes(memory::available()),
        );
        Ok(())
    }

    pub fn complex_result(&self) -> bool {
        self.complex_signal || self.complex_kernel
    }

    /// Samples of a result along each axis.
    pub fn output(&self) -> Vec<usize> {
        let axes = self.signal.iter().zip(&self.kernel);
        let len = |(&n, &k): (&usize, &usize)| match self.mode {
            Mode::Full => n.saturating_add(k - 1),
            Mode::Valid => (n + 1).saturating_sub(k),
            Mode::Circular | Mode::Same => n,
        };
        axes.map(len).collect()
    }

    /// Taps along each axis; a circular kernel wraps around.
    fn taps(&self) -> Vec<usize> {
        let axes = self.signal.iter().zip(&self.kernel);
        let taps = |(&n, &k): (&usize, &usize)| match self.mode {
            Mode::Circular => n.min(k),
            _ => k,
        };
        axes.map(taps).collect()
    }

    /// The FFTs of one signal; `None` if there are none.
    pub fn ffts(&self, way: &Way) -> Option<Ffts> {
        let blocks = match way.kind {
            Kind::Direct => return None,
            Kind::Fft => 1,
            Kind::OverlapSave => {
                let taps = self.taps();
                let along = |i: usize| self.output()[i].div_ceil(way.block[i] + 1 - taps[i]);
                (0..taps.len()).map(along).product()
            }
        };
        let complex = [self.complex_signal, self.complex_result()];
        Some(Ffts::of_convolution(
            as_plane(&way.block),
            blocks,
            self.bank,
            complex,
        ))
    }

    /// Nominal operations of one signal: those of its FFTs, or a product and a sum a tap.
    pub fn flops(&self, way: &Way) -> f64 {
        if let Some(ffts) = self.ffts(way) {
            return ffts.flops();
        }
        let count = |sides: &[usize]| sides.iter().map(|&n| n as f64).product::<f64>();
        let parts = |complex| if complex { 2.0 } else { 1.0 };
        let products = parts(self.complex_signal) * parts(self.complex_kernel);
        2.0 * products * self.bank as f64 * count(&self.output()) * count(&self.taps())
    }

    /// Signals and kernels of noise, ready to be planned.
    pub fn inputs(&self) -> Box<dyn Inputs> {
        match self.precision {
            Precision::F32 => self.inputs_in::<f32>(),
            Precision::F64 => self.inputs_in::<f64>(),
        }
    }

    fn inputs_in<T: Real>(&self) -> Box<dyn Inputs> {
        match (self.complex_signal, self.complex_kernel) {
            (false, false) => self.inputs_of::<T, T>(),
            (false, true) => self.inputs_of::<T, Complex<T>>(),
            (true, false) => self.inputs_of::<Complex<T>, T>(),
            (true, true) => self.inputs_of::<Complex<T>, Complex<T>>(),
        }
    }

    fn inputs_of<X: Convolve<K>, K: Sample<Real = X::Real>>(&self) -> Box<dyn Inputs> {
        let shape = |count: usize, sides: &[usize]| [&[count], sides].concat();
        let signals: ArrayD<X> = samples(&shape(self.batch, &self.signal), 0, 0.0);
        let kernels: ArrayD<K> = samples(&shape(self.bank, &self.kernel), signals.len(), 0.5);
        match *self.signal {
            [n] => Box::new(Planner {
                params: Convolution::params([n]).mode(self.mode),
                signals,
                kernels,
            }),
            _ => Box::new(Planner {
                params: Convolution::params(as_plane(&self.signal)).mode(self.mode),
                signals,
                kernels,
            }),
        }
    }
}

/// Noise less `middle`; imaginary parts go on where real ones end.
fn samples<X: Sample>(shape: &[usize], start: usize, middle: f32) -> ArrayD<X> {
    let count: usize = shape.iter().product();
    let part = |start| {
        let noise = noise::noise(start, count).into_iter();
        noise.map(move |value| X::Real::narrow(f64::from(value - middle)))
    };
    let samples = match X::COMPLEX {
        true => {
            let parts = part(start).zip(part(start + count));
            parts.map(|(re, im)| X::from_parts(re, im)).collect()
        }
        false => part(start)
            .map(|re| X::from_parts(re, X::Real::default()))
            .collect(),
    };
    ArrayD::from_shape_vec(IxDyn(shape), samples).expect("as many samples as the shape has")
}

/// Signals and kernels that can be planned.
pub trait Inputs: Sync {
    /// Every way that the planner considers.
    fn ways(&self) -> Result<Vec<Way>>;

    /// Plans one way, or what the planner takes, for so many threads.
    fn plan(&self, way: Option<&Way>, threads: usize) -> Result<Box<dyn Job + '_>>;

    /// Plans what everyone would write, on one thread.
    fn plain(&self) -> Box<dyn Job + '_>;
}

/// A planned convolution with its signals; output and workspace are made by the first run.
pub trait Job {
    /// Convolves into the output.
    fn run(&mut self);

    /// Convolves with output and workspace of its own.
    fn run_allocating(&self);

    /// What the first signal became in the last `run`, with all kernels; nothing before it.
    fn first_result(&self) -> Vec<Complex<f64>>;

    /// `realfft 1050 x 1536`, or how the plan computes.
    fn name(&self) -> String;

    /// The FFTs of one signal, of what everyone would write; [`Problem::ffts`] has those of a way.
    fn ffts(&self) -> Option<Ffts> {
        None
    }
}

struct Planner<X, K, const D: usize> {
    params: ConvolutionParams<D>,
    signals: ArrayD<X>,
    kernels: ArrayD<K>,
}

impl<X, K, const D: usize> Planner<X, K, D>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    fn convolution(&self, way: Option<&Way>) -> Result<Convolution<X, K, D>> {
        let method = match way {
            None => Method::Auto,
            Some(way) => match way.kind {
                Kind::Direct => Method::Direct,
                Kind::Fft => Method::Fft,
                Kind::OverlapSave => Method::OverlapSave {
                    block: std::array::from_fn(|i| way.block[i]),
                },
            },
        };
        let params = self.params.method(method).isa(Isa::from_env()?);
        Ok(params.plan(&self.kernels)?)
    }
}

impl<X, K, const D: usize> Inputs for Planner<X, K, D>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    fn ways(&self) -> Result<Vec<Way>> {
        let plan = self.convolution(None)?;
        let chosen = plan.explain().chosen();
        let candidates = plan.explain().candidates().iter();
        let ways = candidates.map(|candidate| Way {
            kind: match candidate.method {
                Method::Direct => Kind::Direct,
                Method::OverlapSave { .. } => Kind::OverlapSave,
                _ => Kind::Fft,
            },
            block: candidate.block.to_vec(),
            predicted: candidate.nanoseconds * 1e-9,
            chosen: std::ptr::eq(candidate, chosen),
        });
        Ok(ways.collect())
    }

    fn plan(&self, way: Option<&Way>, threads: usize) -> Result<Box<dyn Job + '_>> {
        Ok(Box::new(Planned {
            plan: self.convolution(way)?,
            signals: &self.signals,
            threads,
            scratch: None,
        }))
    }

    fn plain(&self) -> Box<dyn Job + '_> {
        Box::new(Plain::new(&self.signals, &self.kernels, self.params.mode))
    }
}

/// An output and a workspace.
type Scratch<Y, T> = (ArrayD<Y>, ConvolutionWorkspace<T>);

struct Planned<'a, X, K, const D: usize>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    plan: Convolution<X, K, D>,
    signals: &'a ArrayD<X>,
    threads: usize,
    scratch: Option<Scratch<X::Output, X::Real>>,
}

impl<X, K, const D: usize> Job for Planned<'_, X, K, D>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    fn run(&mut self) {
        let (plan, signals) = (&self.plan, self.signals);
        let (out, workspace) = self.scratch.get_or_insert_with(|| {
            let shape = [&signals.shape()[..1], &plan.output_axes()].concat();
            let out = ArrayD::from_elem(shape, X::Output::default());
            (out, plan.workspace_for(self.threads))
        });
        let done = plan.apply_into(signals, out, workspace);
        done.expect("shapes fit and noise is finite");
    }

    fn run_allocating(&self) {
        let out = self.plan.apply(self.signals);
        std::hint::black_box(out.expect("shapes fit and noise is finite"));
    }

    fn first_result(&self) -> Vec<Complex<f64>> {
        let outputs = self.scratch.iter().map(|(out, _)| out);
        outputs
            .flat_map(|out| out.outer_iter().next().map(|first| widened(first.iter())))
            .flatten()
            .collect()
    }

    fn name(&self) -> String {
        self.plan.explain().chosen().method.to_string()
    }
}

/// Samples in double precision.
pub fn widened<'a, Y: Sample>(samples: impl Iterator<Item = &'a Y>) -> Vec<Complex<f64>> {
    let widened = samples.map(|y| Complex::new(y.re().widen(), y.im().widen()));
    widened.collect()
}
