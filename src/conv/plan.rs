//! [`Convolution`]: signals in, their convolutions with planned kernels out.
//!
//! ```text
//! y(i) = Σ_t h(t)·x(i + offset − t)          per axis, offset and the range of i by the mode
//! ```

use std::borrow::Cow;
use std::marker::PhantomData;

use ndarray::{ArrayBase, ArrayD, Data, DataMut, Dimension};
use num_complex::Complex;
use num_traits::Float;

use super::axis::{Axis, Mode, as_two_axes, check_kernel, own_axes};
use super::choose::{build, choose};
use super::kernels::Kernels;
use super::method::{Explanation, Method, Planning};
use super::sample::{Convolve, Sample, is_finite};
use super::task::Task;
use super::tiles::{Walk, Workers};
use crate::grid::{find_in, position};
use crate::isa::Isa;
use crate::memory::Footprint;
use crate::num::Real;
use crate::{Cancel, Error, Result, memory, parallel};

/// Description of a [`Convolution`]: plain data, checked by [`plan`](Self::plan).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConvolutionParams<const D: usize> {
    /// Samples of a signal along each axis.
    pub shape: [usize; D],
    /// Which samples of the result are computed. Standard: as many as go in, centred.
    pub mode: Mode,
    /// Subsampling by 2^level: of the samples of the mode those at multiples of 2^level are computed, `⌈m / 2^level⌉`
    /// of m along each axis. On a circular axis 2^level divides the length, so that what is kept is a grid of the
    /// same circle. Where transforms are used it is done by folding spectra, which adds 2^level aliases an axis one
    /// after another; rounding grows with it, to 7e-7 in `f32` for a single sample at 4 levels of an image, the worst
    /// case. Standard: 0.
    pub level: usize,
    /// How it is computed. Standard: whatever costs least.
    pub method: Method<D>,
    /// Where costs come from. Standard: a table.
    pub planning: Planning,
    /// The instruction set to use; `None` for the best of this machine. Standard: `None`.
    pub isa: Option<Isa>,
}

/// The largest level: 2^31 samples are beyond any axis.
const MAX_LEVEL: usize = 31;

impl<const D: usize> ConvolutionParams<D> {
    /// Sets which samples of the result are computed.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets log2 of the subsampling.
    pub fn level(mut self, level: usize) -> Self {
        self.level = level;
        self
    }

    /// Sets how it is computed.
    pub fn method(mut self, method: Method<D>) -> Self {
        self.method = method;
        self
    }

    /// Sets where costs come from.
    pub fn planning(mut self, planning: Planning) -> Self {
        self.planning = planning;
        self
    }

    /// Sets the instruction set; `None` is the best of this machine.
    pub fn isa(mut self, isa: impl Into<Option<Isa>>) -> Self {
        self.isa = isa.into();
        self
    }

    /// Checks everything, chooses the method and transforms the kernels.
    ///
    /// `X` are the samples of the signals, and follow from the first call of the plan; `K` are those of the kernels.
    ///
    /// # Errors
    /// [`Error::Empty`] for an axis without samples; [`Error::WrongShape`] for kernels that do not fit, or are longer
    /// than the input in mode valid; [`Error::InvalidParameter`] for a kernel with a NaN, a level or block that does
    /// not fit, kernels in Fourier in another mode than circular or with another method than one FFT, and D other than
    /// 1 or 2; [`Error::OutOfMemory`] if signals, blocks or spectra exceed the machine.
    pub fn plan<X, K>(&self, kernels: impl Into<Kernels<K>>) -> Result<Convolution<X, K, D>>
    where
        X: Convolve<K>,
        K: Sample<Real = X::Real>,
    {
        let kernels = kernels.into();
        let task = self.task::<X, K>(&kernels)?;
        let kernel_axes = kernels.leading(D)?.to_vec();
        Convolution::new(*self, task, kernel_axes, kernels)
    }

    /// What is to be computed, after all checks that need no plan.
    pub(super) fn task<X: Sample, K: Sample>(&self, kernels: &Kernels<K>) -> Result<Task> {
        let invalid = |name, value: String, limit: String| {
            Err(Error::InvalidParameter { name, value, limit })
        };
        if D != 1 && D != 2 {
            let limit = "signals have 1 or 2 axes beside those of the batch".into();
            return invalid("D", D.to_string(), limit);
        }
        if self.shape.contains(&0) {
            return Err(Error::Empty {
                shape: self.shape.to_vec(),
            });
        }
        let leading = kernels.leading(D)?;
        let support = kernels.support(D);
        let shape = as_two_axes(&self.shape);
        memory::require(
            "one signal and its convolution",
            memory::bytes_of::<X>(memory::count(&[
                shape[0].saturating_add(support[0]),
                shape[1].saturating_add(support[1]),
            ])),
            "use a smaller signal or kernel",
        )?;
        if cfg!(target_arch = "wasm32") && self.planning == Planning::Measure {
            let limit = "there is no clock on wasm32; use estimate".into();
            return invalid("planning", format!("{:?}", self.planning), limit);
        }
        if let Method::OverlapSave { block } = self.method {
            let needed = memory::bytes_of::<Complex<X::Real>>(memory::count(&block));
            memory::require("one block", needed, "use a smaller block or auto")?;
        }
        if self.level > MAX_LEVEL {
            let limit = format!("a level is at most {MAX_LEVEL}, subsampling by 2^{MAX_LEVEL}");
            return invalid("level", self.level.to_string(), limit);
        }
        let keep = 1_usize << self.level;
        if self.mode == Mode::Circular
            && let Some(axis) = self.shape.iter().position(|n| n % keep != 0)
        {
            let n = self.shape[axis];
            let limit = format!(
                "2^level divides every side of a circular convolution, and axis {axis} has {n} samples; use a level \
                 up to {} or crop",
                n.trailing_zeros()
            );
            return invalid("level", self.level.to_string(), limit);
        }
        let in_fourier = kernels.in_fourier();
        if in_fourier {
            if self.mode != Mode::Circular {
                let limit =
                    "kernels in Fourier are circular; use mode circular or give the taps".into();
                return invalid("mode", format!("{:?}", self.mode), limit);
            }
            if !matches!(self.method, Method::Auto | Method::Fft) {
                let limit =
                    "kernels in Fourier take one FFT; use auto or fft, or give the taps".into();
                return invalid("method", self.method.to_string(), limit);
            }
            if support != shape {
                return Err(Error::WrongShape {
                    what: "the kernel",
                    got: own_axes::<D>(support).to_vec(),
                    expected: format!(
                        "{:?}, the grid of the signals, for kernels in Fourier",
                        self.shape
                    ),
                });
            }
        }
        check_kernel(self.mode, &self.shape, &own_axes::<D>(support))?;
        kernels.check()?;
        let axes = [0, 1].map(|i| {
            // A circular kernel wraps around; one in Fourier has nothing to reverse.
            let k = match (in_fourier, self.mode) {
                (true, _) => 1,
                (false, Mode::Circular) => support[i].min(shape[i]),
                (false, _) => support[i],
            };
            // The axis before those of a line is one sample that stays.
            let keep = if i + D < 2 { 1 } else { keep };
            Axis::new(self.mode, shape[i], k, keep)
        });
        Ok(Task {
            axes,
            line: D == 1,
            kernels: leading.iter().product(),
            support,
            in_fourier,
            complex_input: X::COMPLEX,
            complex_kernels: K::COMPLEX,
            adjoint: false,
        })
    }
}

/// A planned convolution of signals of samples `X` with kernels of samples `K`, in `D` dimensions: immutable, shared
/// freely among threads.
///
/// **Shape** signals `[batch.., N..]`, results `[batch.., kernels.., N'..]`, where `kernels..` are the leading axes of
/// the kernels, none for a single one, and N' follows from the mode and the level. Results are complex if signals or
/// kernels are. They depend neither on the number of threads nor on how signals are grouped into batches, to the last
/// bit.
///
/// ```
/// use ndarray::{Array1, array};
/// use wavelet_scattering::conv::{Convolution1d, Mode};
///
/// let echo = array![1.0_f32, 0.0, 0.5];
/// let plan = Convolution1d::params([5]).mode(Mode::Full).plan(&echo)?;
/// let y = plan.apply(&array![1.0_f32, 2.0, 3.0, 4.0, 5.0])?;
/// assert_eq!(y.into_dimensionality::<ndarray::Ix1>().unwrap(), array![1.0, 2.0, 3.5, 5.0, 6.5, 2.0, 2.5]);
/// println!("{}", plan.explain());
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub struct Convolution<X: Sample, K: Sample, const D: usize> {
    params: ConvolutionParams<D>,
    /// Leading axes of the kernels.
    pub(super) kernel_axes: Vec<usize>,
    kernels: Kernels<K>,
    pub(super) walk: Box<dyn Walk<X::Real>>,
    /// What a worker of a workspace takes.
    footprint: Footprint,
    isa: Isa,
    explanation: Explanation<D>,
    samples: PhantomData<X>,
}

/// A convolution of one-dimensional signals.
pub type Convolution1d<X = f32, K = X> = Convolution<X, K, 1>;

/// A convolution of images.
pub type Convolution2d<X = f32, K = X> = Convolution<X, K, 2>;

/// Scratch of a [`Convolution`]: one part for every thread that works at a time. Its contents are garbage between
/// calls.
///
/// Within parallel work of your own give every thread its own, for one thread. One behind a `Mutex` that tasks of rayon lock
/// hangs sooner or later: a call that shares its work among threads waits by doing other tasks of the pool, of which the
/// next may lock the same mutex, on the same thread.
///
/// ```
/// # #[cfg(feature = "parallel")] {
/// use ndarray::{Array1, Array2, Axis, array};
/// use rayon::prelude::*;
/// use wavelet_scattering::conv::Convolution1d;
///
/// let plan = Convolution1d::params([5]).plan(&array![1.0_f32, 0.5])?;
/// let signals = Array2::<f32>::ones([100, 5]);
/// let rows: Vec<_> = signals.axis_iter(Axis(0)).collect();
/// let results: Result<Vec<_>, _> = rows
///     .par_iter()
///     .map_init(
///         || plan.workspace_for(1), // not a shared one, locked
///         |workspace, x| {
///             let mut y = Array1::zeros(5);
///             plan.apply_into(x, &mut y, workspace).map(|()| y)
///         },
///     )
///     .collect();
/// assert_eq!(results?[99], array![1.0, 1.5, 1.5, 1.5, 1.5]);
/// # }
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
///
/// It serves every plan that needs as much of the same, and is refused by all others. It also carries the flag that ends a
/// call early:
///
/// ```
/// use ndarray::{Array1, array};
/// use wavelet_scattering::conv::Convolution1d;
/// use wavelet_scattering::{Cancel, Error};
///
/// let plan = Convolution1d::params([5]).plan(&array![1.0_f32, 0.5])?;
/// let (x, mut y) = (array![1.0, 2.0, 3.0, 4.0, 5.0], Array1::zeros(5));
/// let cancel = Cancel::new();
/// let mut workspace = plan.workspace().cancelled_by(&cancel);
/// plan.apply_into(&x, &mut y, &mut workspace)?;
/// cancel.cancel(); // usually from another thread, while the call runs
/// assert!(matches!(plan.apply_into(&x, &mut y, &mut workspace), Err(Error::Cancelled)));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug)]
pub struct ConvolutionWorkspace<T> {
    /// Of one worker.
    footprint: Footprint,
    threads: usize,
    workers: Workers,
    cancel: Cancel,
    precision: PhantomData<T>,
}

impl<T> ConvolutionWorkspace<T> {
    /// The same, its calls ended by a flag. They look at it between two blocks, which for one FFT of everything means before
    /// it and after it; what was computed by then stands in the output.
    pub fn cancelled_by(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Bytes of all its parts.
    pub fn bytes(&self) -> u64 {
        self.footprint.bytes().saturating_mul(self.threads as u64)
    }
}

/// On one kind of samples only, so that `Convolution2d::params` needs no type; [`ConvolutionParams::plan`] chooses it.
impl<const D: usize> Convolution<f32, f32, D> {
    /// Describes a convolution of signals of this shape, with standard values elsewhere.
    pub fn params(shape: [usize; D]) -> ConvolutionParams<D> {
        ConvolutionParams {
            shape,
            mode: Mode::default(),
            level: 0,
            method: Method::default(),
            planning: Planning::default(),
            isa: None,
        }
    }
}

impl<X, K, const D: usize> Convolution<X, K, D>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    pub(super) fn new(
        params: ConvolutionParams<D>,
        task: Task,
        kernel_axes: Vec<usize>,
        kernels: Kernels<K>,
    ) -> Result<Self> {
        let isa = match params.isa {
            Some(isa) => isa.require()?,
            None => Isa::best(),
        };
        let chosen = choose::<X, K, D>(&task, params.method, params.planning, &kernels, isa);
        let Some((explanation, tiling)) = chosen else {
            let k = own_axes::<D>(task.axes.map(|axis| axis.k));
            return Err(Error::InvalidParameter {
                name: "method",
                value: params.method.to_string(),
                limit: format!(
                    "every side of a block is a multiple of the subsampling {} and at least the kernel's {k:?} less 1 \
                     longer than that; use a larger block or auto",
                    1_usize << params.level
                ),
            });
        };
        let way_out =
            "use fewer or smaller kernels, method OverlapSave or Direct, or 32-bit precision";
        let of_kernels = task.bytes_of_kernels::<X::Real>(&tiling);
        memory::require("the kernels", of_kernels, way_out)?;
        let walk = build::<X::Real, K>(&task, &tiling, &kernels, isa);
        let footprint = walk.footprint();
        let needed = walk.bytes().saturating_add(footprint.bytes());
        memory::require("the kernels and one thread's workspace", needed, way_out)?;
        Ok(Self {
            params,
            kernel_axes,
            walk,
            footprint,
            isa,
            kernels,
            explanation,
            samples: PhantomData,
        })
    }

    /// What the plan was made from; of an adjoint, what the plan was made from whose adjoint it is.
    pub fn description(&self) -> &ConvolutionParams<D> {
        &self.params
    }

    /// Which method runs, and what the others would have cost.
    pub fn explain(&self) -> &Explanation<D> {
        &self.explanation
    }

    /// The instruction set that transforms on lanes use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Whether this is the adjoint of a convolution.
    pub fn is_adjoint(&self) -> bool {
        self.walk.task().adjoint
    }

    /// The last axes of an input: `[N..]`; of an adjoint `[kernels.., N'..]`.
    pub fn input_axes(&self) -> Vec<usize> {
        self.inputs().collect()
    }

    /// The last axes of an output: `[kernels.., N'..]`; of an adjoint `[N..]`.
    pub fn output_axes(&self) -> Vec<usize> {
        self.outputs().collect()
    }

    /// [`input_axes`](Self::input_axes), without an allocation.
    fn inputs(&self) -> impl Iterator<Item = usize> {
        self.axes(self.is_adjoint(), Axis::inputs)
    }

    /// [`output_axes`](Self::output_axes), without an allocation.
    fn outputs(&self) -> impl Iterator<Item = usize> {
        self.axes(!self.is_adjoint(), Axis::outputs)
    }

    /// The axes of one side: those of the kernels if they are on it, and those of the samples.
    fn axes(&self, kernels: bool, samples: fn(&Axis) -> usize) -> impl Iterator<Item = usize> {
        let kernels = if kernels { &self.kernel_axes[..] } else { &[] };
        let samples = self.walk.task().axes.each_ref().map(samples);
        kernels.iter().copied().chain(own_axes::<D>(samples))
    }

    /// Bytes of the planned kernels.
    pub fn bytes(&self) -> u64 {
        self.walk.bytes()
    }

    /// The adjoint A* of this convolution A: ⟨A·x, y⟩ = ⟨x, A*·y⟩ with ⟨a, b⟩ = Σ a·conj b.
    ///
    /// It correlates with the conjugate kernels, puts zeros between subsampled inputs and sums over the kernels. Its
    /// inputs are what this plan puts out, `[batch.., kernels.., N'..]`, and its outputs `[batch.., N..]`; they are
    /// complex if this plan's are, so for real x and complex kernels it is the adjoint on complex signals, and the
    /// real part is the adjoint on real ones. The adjoint of the adjoint is this convolution.
    ///
    /// # Errors
    /// As [`ConvolutionParams::plan`]. A method or block that this plan was asked for is asked for again.
    pub fn adjoint(&self) -> Result<Convolution<X::Output, K, D>> {
        let task = self.walk.task();
        let task = Task {
            axes: task.axes.map(Axis::adjoint),
            complex_input: X::Output::COMPLEX,
            adjoint: !task.adjoint,
            ..*task
        };
        let kernels = self.kernels.clone();
        Convolution::new(self.params, task, self.kernel_axes.clone(), kernels)
    }

    /// Scratch for all threads of the current pool. Not to be locked within tasks of that pool; see [`ConvolutionWorkspace`].
    pub fn workspace(&self) -> ConvolutionWorkspace<X::Real> {
        self.workspace_for(parallel::threads())
    }

    /// Scratch for at most this many threads at a time; 1 makes every call run on its caller's thread, which is what tasks of
    /// a pool want.
    pub fn workspace_for(&self, threads: usize) -> ConvolutionWorkspace<X::Real> {
        let threads = threads.max(1);
        ConvolutionWorkspace {
            footprint: self.footprint.clone(),
            threads,
            workers: self.walk.workers(threads),
            cancel: Cancel::new(),
            precision: PhantomData,
        }
    }

    /// The convolution of signals with any leading batch axes.
    ///
    /// Any strides are taken. Allocates the output and a workspace; see [`apply_into`](Self::apply_into).
    ///
    /// # Errors
    /// As [`apply_into`](Self::apply_into), and [`Error::OutOfMemory`] if the output would not fit.
    pub fn apply<S, Dm>(&self, signals: &ArrayBase<S, Dm>) -> Result<ArrayD<X::Output>>
    where
        S: Data<Elem = X>,
        Dm: Dimension,
    {
        let batch = self.batch_axes(signals.shape())?;
        let shape = [batch, &self.output_axes()].concat();
        memory::require(
            "the output",
            memory::bytes_of::<X::Output>(memory::count(&shape)),
            "convolve fewer signals or kernels at a time",
        )?;
        // Zeros from the system, whose pages are touched for the first time by the results.
        let zeros = bytemuck::zeroed_vec(shape.iter().product());
        let mut out = ArrayD::from_shape_vec(shape, zeros)
            .expect("as many samples as the shape has, which memory has room for");
        self.apply_into(signals, &mut out, &mut self.workspace())?;
        Ok(out)
    }

    /// The same into an array of shape `[batch.., output_axes..]`.
    ///
    /// With a workspace of one thread nothing is allocated, as long as input and output are contiguous in row-major
    /// order; otherwise a copy of either is made.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if an array does not fit the plan, [`Error::ForeignWorkspace`] if the workspace does not, [`Error::Empty`] for an empty batch,
    /// [`Error::NotFinite`] for a NaN or infinite sample, with its position; [`Error::Cancelled`] if the workspace's flag is
    /// set.
    pub fn apply_into<S, Dm, S2, Dm2>(
        &self,
        signals: &ArrayBase<S, Dm>,
        out: &mut ArrayBase<S2, Dm2>,
        workspace: &mut ConvolutionWorkspace<X::Real>,
    ) -> Result<()>
    where
        S: Data<Elem = X>,
        Dm: Dimension,
        S2: DataMut<Elem = X::Output>,
        Dm2: Dimension,
    {
        let batch = self.batch_axes(signals.shape())?;
        self.check_outputs("the output", out.shape(), batch)?;
        if workspace.footprint != self.footprint {
            return Err(Error::ForeignWorkspace);
        }
        let ConvolutionWorkspace {
            workers, cancel, ..
        } = workspace;
        let input = in_row_major(signals)?;
        let mut run = |out: &mut [X::Output]| {
            let (input, out) = (X::samples(&input), X::Output::samples_mut(out));
            self.walk.run(input, out, &mut **workers, cancel);
        };
        match out.as_slice_mut() {
            Some(out) => run(out),
            None => {
                let mut dense: Vec<_> = out.iter().copied().collect();
                run(&mut dense);
                out.iter_mut().zip(dense).for_each(|(to, from)| *to = from);
            }
        }
        cancel.check()
    }

    /// Refuses what is not of the shape of the results of this batch.
    pub(super) fn check_outputs(
        &self,
        what: &'static str,
        got: &[usize],
        batch: &[usize],
    ) -> Result<()> {
        let expected = batch.iter().copied().chain(self.outputs());
        if got.iter().copied().eq(expected) {
            return Ok(());
        }
        Err(Error::WrongShape {
            what,
            got: got.to_vec(),
            expected: format!("{:?}", [batch, &self.output_axes()].concat()),
        })
    }

    /// The axes before those of one input.
    pub(super) fn batch_axes<'a>(&self, shape: &'a [usize]) -> Result<&'a [usize]> {
        let leading = shape.len().checked_sub(self.inputs().count());
        let fits = |&leading: &usize| shape[leading..].iter().copied().eq(self.inputs());
        let Some(leading) = leading.filter(fits) else {
            return Err(Error::WrongShape {
                what: "the input",
                got: shape.to_vec(),
                expected: format!("[batch.., {:?}], as planned", self.input_axes()),
            });
        };
        if shape.contains(&0) {
            return Err(Error::Empty {
                shape: shape.to_vec(),
            });
        }
        Ok(&shape[..leading])
    }
}

/// The samples of an array in row-major order, through a copy if it is stored otherwise, if all are finite.
pub(super) fn in_row_major<X, S, D>(array: &ArrayBase<S, D>) -> Result<Cow<'_, [X]>>
where
    X: Sample,
    S: Data<Elem = X>,
    D: Dimension,
{
    let samples = match array.as_slice() {
        Some(samples) => Cow::Borrowed(samples),
        None => Cow::Owned(array.iter().copied().collect()),
    };
    match find_in(&samples, |x| !is_finite(x)) {
        None => Ok(samples),
        Some(index) => Err(not_finite(samples[index], position(index, array.shape()))),
    }
}

/// The refusal of a sample.
pub(super) fn not_finite<X: Sample>(value: X, position: Vec<usize>) -> Error {
    let part = if value.re().is_finite() {
        value.im()
    } else {
        value.re()
    };
    Error::NotFinite {
        position,
        value: part.widen(),
    }
}

impl<X: Sample, K: Sample, const D: usize> std::fmt::Debug for Convolution<X, K, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Convolution")
            .field("params", &self.params)
            .field("kernel_axes", &self.kernel_axes)
            .field("isa", &self.isa)
            .field("explanation", &self.explanation)
            .finish_non_exhaustive()
    }
}
