//! [`JointScattering`]: signals in, joint time-frequency scattering features out.

use std::sync::Arc;

use ndarray::{ArrayBase, ArrayD, ArrayViewD, Axis, Data, DataMut, Dimension, IxDyn};

use super::params::JointScatteringParams;
use super::paths::JointPathTable;
use crate::isa::Isa;
use crate::num::Real;
use crate::scattering::ScatteringWorkspace;
use crate::scattering::engine::EngineBack;
use crate::scattering::features::positive;
use crate::scattering::runner::Runner;
use crate::{Result, parallel};

/// A planned joint time-frequency scattering transform: immutable, shared freely among threads.
///
/// Results do not depend on the number of threads, nor on how signals are grouped into batches, to the last bit.
///
/// ```
/// use ndarray::Array1;
/// use wavelet_scattering::JointScattering;
///
/// let plan = JointScattering::params(4096, 6, 3).Q([8]).plan::<f32>()?;
/// let rising = Array1::from_shape_fn(4096, |t| (0.05 * t as f32 + 1e-4 * (t * t) as f32).sin());
/// let features = plan.transform(&rising)?;
/// let energy = |spin: i8| -> f32 {
///     let rows = (0..features.paths().len()).filter(|&row| {
///         features.paths()[row].order == 2 && features.paths().across_of(row).unwrap().spin() == spin
///     });
///     rows.map(|row| features.path(row).sum()).sum()
/// };
/// assert!(energy(1) > 1.2 * energy(-1));
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub struct JointScattering<T> {
    params: JointScatteringParams,
    isa: Isa,
    paths: Arc<JointPathTable>,
    padded: usize,
    runner: Runner<T, 1, dyn EngineBack<T>>,
}

impl<T: Real> JointScattering<T> {
    pub(super) fn new(
        params: JointScatteringParams,
        isa: Isa,
        paths: Arc<JointPathTable>,
        padded: usize,
        runner: Runner<T, 1, dyn EngineBack<T>>,
    ) -> Self {
        Self {
            params,
            isa,
            paths,
            padded,
            runner,
        }
    }

    /// What the plan was made from.
    pub fn description(&self) -> &JointScatteringParams {
        &self.params
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// What every output row stands for.
    pub fn paths(&self) -> &Arc<JointPathTable> {
        &self.paths
    }

    /// Samples of the signal after padding.
    pub fn padded_len(&self) -> usize {
        self.padded
    }

    /// Numbers in the features of one signal.
    pub fn features_len(&self) -> usize {
        self.runner.layout().len()
    }

    /// Shape of the features of signals with these leading axes.
    ///
    /// **Shape** `[leading.., rows, times]`, or `[leading.., paths, n1, times]` in the joint format; without `times` where averages over
    /// time are means or sums; `[leading.., numbers]` without averages over time.
    pub fn output_shape(&self, leading: &[usize]) -> Vec<usize> {
        self.runner.output_shape(leading)
    }

    /// The axes of one output row: `[times]`, `[n1, times]` in the joint format, without times where averages over time are means
    /// or sums. Panics if there is no such row, as indexing does.
    pub fn path_shape(&self, row: usize) -> &[usize] {
        self.runner.layout().shape(row)
    }

    /// Features from an array that this plan filled, in this process or before, with the table of its rows.
    ///
    /// # Errors
    /// As [`Scattering::features_from`](crate::scattering::Scattering::features_from).
    pub fn features_from(&self, array: ArrayD<T>) -> Result<JointFeatures<T>> {
        Ok(JointFeatures {
            array: self.runner.check_output(array)?,
            paths: Arc::clone(&self.paths),
            ranges: Arc::clone(self.runner.layout()),
        })
    }

    /// Bytes of the plan.
    pub fn bytes(&self) -> u64 {
        self.runner.bytes()
    }

    /// Bytes of scratch for this many threads.
    pub fn workspace_bytes(&self, threads: usize) -> u64 {
        self.runner.workspace_bytes(threads)
    }

    /// Scratch for as many threads as the current pool has, as far as there are cores for them. Not to be locked within tasks of
    /// that pool; see [`ScatteringWorkspace`].
    pub fn workspace(&self) -> ScatteringWorkspace<T> {
        self.workspace_for(parallel::threads())
    }

    /// Scratch for at most this many threads at a time.
    pub fn workspace_for(&self, threads: usize) -> ScatteringWorkspace<T> {
        self.runner.workspace_for(threads)
    }

    /// The features of signals with any leading axes; the last axis is time.
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into), and [`Error::OutOfMemory`](crate::Error::OutOfMemory) if the output would not
    /// fit.
    pub fn transform<S, D1>(&self, signals: &ArrayBase<S, D1>) -> Result<JointFeatures<T>>
    where
        S: Data<Elem = T>,
        D1: Dimension,
    {
        self.features_from(self.runner.transform(signals)?)
    }

    /// The same into an array of shape [`output_shape`](Self::output_shape).
    ///
    /// # Errors
    /// As [`Scattering::transform_into`](crate::scattering::Scattering::transform_into).
    pub fn transform_into<S, D1, S2, D2>(
        &self,
        signals: &ArrayBase<S, D1>,
        out: &mut ArrayBase<S2, D2>,
        workspace: &mut ScatteringWorkspace<T>,
    ) -> Result<()>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: DataMut<Elem = T>,
        D2: Dimension,
    {
        self.runner.transform_into(signals, out, workspace)
    }

    /// The gradient of Σ weights · S(x) with respect to the signals x; see [`Scattering::vjp`](crate::scattering::Scattering::vjp).
    ///
    /// **Shape** signals `[leading.., samples]`, weights as [`output_shape`](Self::output_shape) says; the gradient is as large as the
    /// signals.
    ///
    /// A signal is differentiated on one thread, signals of a batch on all.
    ///
    /// ```
    /// use ndarray::{Array1, ArrayD};
    /// use wavelet_scattering::JointScattering;
    ///
    /// let plan = JointScattering::params(1024, 5, 2).Q([4]).plan::<f64>()?;
    /// let chirp = Array1::from_shape_fn(1024, |t| (1e-3 * (t * t) as f64).sin());
    /// let gradient = plan.vjp(&chirp, &ArrayD::ones(plan.output_shape(&[])))?;
    /// // S is homogeneous: Σ x · ∂/∂x Σ S(x) = Σ S(x).
    /// let along: f64 = (&gradient * &chirp).sum();
    /// assert!((along / plan.transform(&chirp)?.array().sum() - 1.0).abs() < 1e-10);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`transform`](Self::transform), also for the weights.
    pub fn vjp<S, D1, S2, D2>(
        &self,
        signals: &ArrayBase<S, D1>,
        weights: &ArrayBase<S2, D2>,
    ) -> Result<ArrayD<T>>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
    {
        self.runner.vjp(signals, weights)
    }

    /// The same into an array of the signals' shape. With a workspace of one thread nothing is allocated, as in
    /// [`transform_into`](Self::transform_into).
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into), also for the weights.
    pub fn vjp_into<S, D1, S2, D2, S3, D3>(
        &self,
        signals: &ArrayBase<S, D1>,
        weights: &ArrayBase<S2, D2>,
        gradient: &mut ArrayBase<S3, D3>,
        workspace: &mut ScatteringWorkspace<T>,
    ) -> Result<()>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
        S3: DataMut<Elem = T>,
        D3: Dimension,
    {
        self.runner.vjp_into(signals, weights, gradient, workspace)
    }

    /// Scratch of [`vjp_into`](Self::vjp_into) for as many threads as the current pool has, as far as there are cores for them.
    pub fn gradient_workspace(&self) -> ScatteringWorkspace<T> {
        self.gradient_workspace_for(parallel::threads())
    }

    /// The same for at most this many threads at a time.
    pub fn gradient_workspace_for(&self, threads: usize) -> ScatteringWorkspace<T> {
        self.runner.gradient_workspace_for(threads)
    }

    /// Bytes of that for this many threads.
    pub fn gradient_workspace_bytes(&self, threads: usize) -> u64 {
        self.runner.gradient_workspace_bytes(threads)
    }
}

impl<T: Real> std::fmt::Debug for JointScattering<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JointScattering")
            .field("params", &self.params)
            .field("precision", &T::NAME)
            .field("isa", &self.isa)
            .field("padded", &self.padded)
            .field("paths", &self.paths.len())
            .finish()
    }
}

/// Joint scattering features: the array, and what its rows stand for.
#[derive(Debug, Clone)]
pub struct JointFeatures<T> {
    array: ArrayD<T>,
    paths: Arc<JointPathTable>,
    ranges: Arc<crate::scattering::keep::Layout>,
}

impl<T: Real> JointFeatures<T> {
    /// The features, of shape [`JointScattering::output_shape`].
    pub fn array(&self) -> &ArrayD<T> {
        &self.array
    }

    /// ln(max(S, 0) + epsilon) of every row but that of order 0; `epsilon` is what counts as nothing, in the units of the signal.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`](crate::Error::InvalidParameter) unless epsilon is positive and finite in this precision.
    pub fn log(mut self, epsilon: f64) -> Result<Self> {
        let epsilon = positive::<T>(epsilon)?;
        let start = match self.paths[0].order {
            0 => self.ranges.range(0).end,
            _ => 0,
        };
        let numbers = self.array.as_slice_mut();
        let numbers = numbers.unwrap_or_else(|| unreachable!("features are contiguous"));
        for signal in numbers.chunks_exact_mut(self.ranges.len()) {
            for value in &mut signal[start..] {
                *value = (value.max(T::zero()) + epsilon).ln();
            }
        }
        Ok(self)
    }

    /// The array alone.
    pub fn into_array(self) -> ArrayD<T> {
        self.array
    }

    /// What every row stands for.
    pub fn paths(&self) -> &Arc<JointPathTable> {
        &self.paths
    }

    /// One row of all signals, leading axes first. Panics if there is no such row, as indexing does.
    pub fn path(&self, row: usize) -> ArrayViewD<'_, T> {
        let own = self.ranges.shape(row);
        let trailing = self.ranges.trailing().len();
        let leading = &self.array.shape()[..self.array.ndim() - trailing];
        if self.ranges.trailing().len() == own.len() + 1 {
            return self.array.index_axis(Axis(leading.len()), row);
        }
        // Rows one after another in one axis.
        let range = self.ranges.range(row);
        let rows = self.array.slice_each_axis(|axis| {
            if axis.axis.index() == leading.len() {
                ndarray::Slice::from(range.clone())
            } else {
                ndarray::Slice::from(..)
            }
        });
        let shape = [leading, own].concat();
        match rows.into_shape_with_order(IxDyn(&shape)) {
            Ok(view) => view,
            Err(error) => unreachable!("a row is contiguous: {error}"),
        }
    }
}
