//! [`Scattering`]: inputs in, scattering features out, in any dimension.
//!
//! ```text
//! x ─ pad ─▶ x̂ ─▶ |x ⋆ ψ_λ1| ─┬─▶ ⋆ φ_J ─▶ S[λ1]
//!                             └─▶ ||x ⋆ ψ_λ1| ⋆ ψ_λ2| ─▶ ⋆ φ_J ─▶ S[λ1, λ2] …
//! ```

use std::ops::Range;
use std::sync::Arc;

use ndarray::{ArrayBase, ArrayD, Data, DataMut, Dimension};

use super::design::Design;
use super::engine::Derivatives;
use super::features::Features;
use super::path::{PathTable, Wavelet};
use super::runner::{Runner, ScatteringWorkspace};
use crate::filters::FilterBank;
use crate::isa::Isa;
use crate::num::Real;
use crate::{Result, parallel};

/// A planned scattering transform of inputs with `D` axes: immutable, shared freely among threads. Of signals it is called
/// [`Scattering1d`](super::Scattering1d), of images [`Scattering2d`](super::Scattering2d), where it is described.
///
/// Results do not depend on the number of threads, nor on how inputs are grouped into batches, to the last bit.
pub struct Scattering<T, W: Wavelet, const D: usize> {
    params: W::Params,
    isa: Isa,
    design: Arc<Design<W, D>>,
    banks: Vec<Arc<dyn FilterBank<T, D, Wavelet = W>>>,
    runner: Runner<T, D, dyn Derivatives<T>>,
}

impl<T: Real, W: Wavelet, const D: usize> Scattering<T, W, D> {
    pub(super) fn new(
        params: W::Params,
        isa: Isa,
        design: Arc<Design<W, D>>,
        banks: Vec<Arc<dyn FilterBank<T, D, Wavelet = W>>>,
        engine: Box<dyn Derivatives<T>>,
    ) -> Self {
        let shape = design.axes.each_ref().map(|axis| axis.len);
        let bytes = banks.iter().map(|bank| bank.bytes()).sum();
        Self {
            params,
            isa,
            runner: Runner::new(engine, shape, Arc::clone(&design.layout), bytes),
            design,
            banks,
        }
    }

    /// The λ of every layer up to the largest order that has paths.
    pub(super) fn layers(&self) -> &[Range<usize>] {
        &self.design.layers[..self.design.paths.max_order()]
    }

    pub(super) fn runner(&self) -> &Runner<T, D, dyn Derivatives<T>> {
        &self.runner
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// What has been left out of the filters, as a share of the peak of each ψ̂ and of the sum of φ: every layer, and
    /// every average, changes by at most this share of the l2 norm of what goes in.
    pub fn tolerance(&self) -> f64 {
        self.design.tolerance
    }

    /// What the plan was made from.
    pub fn description(&self) -> &W::Params {
        &self.params
    }

    /// The filters of the first layer, and of all others that have none of their own. Of a long signal, which is transformed block by block, they
    /// live on the grid of a block.
    pub fn bank(&self) -> &Arc<dyn FilterBank<T, D, Wavelet = W>> {
        &self.banks[0]
    }

    /// All filters: one bank for every layer that has wavelets of its own. The wavelets of the path table are theirs, one bank
    /// after another.
    pub fn banks(&self) -> &[Arc<dyn FilterBank<T, D, Wavelet = W>>] {
        &self.banks
    }

    /// What every output row stands for.
    pub fn paths(&self) -> &Arc<PathTable<W>> {
        &self.design.paths
    }

    /// Samples along each axis after padding.
    pub fn padded_shape(&self) -> [usize; D] {
        self.design.axes.each_ref().map(|axis| axis.padded)
    }

    /// The axes of one output row: rows and columns of an image; none for a global mean. Panics if there is no such row, as
    /// indexing does.
    pub fn path_shape(&self, row: usize) -> &[usize] {
        self.design.layout.shape(row)
    }

    /// Numbers in the features of one input.
    pub fn features_len(&self) -> usize {
        self.design.layout.len()
    }

    /// Shape of the features of inputs with these leading axes.
    ///
    /// **Shape** local averages `[leading.., paths, ..]` with the axes of [`path_shape`](Self::path_shape); global means
    /// `[leading.., paths]`; without averages all paths of an input one after another, `[leading.., numbers]`.
    pub fn output_shape(&self, leading: &[usize]) -> Vec<usize> {
        self.runner.output_shape(leading)
    }

    /// Bytes of the plan: the filters, and the same again as the vectors want them.
    pub fn bytes(&self) -> u64 {
        self.runner.bytes()
    }

    /// Bytes of scratch for this many threads, each with inputs to itself. A workspace whose threads only ever share inputs
    /// takes less.
    pub fn workspace_bytes(&self, threads: usize) -> u64 {
        self.runner.workspace_bytes(threads)
    }

    /// Scratch for as many threads as the current pool has, as far as there are cores for them. Not to be locked
    /// within tasks of that pool; see [`ScatteringWorkspace`].
    pub fn workspace(&self) -> ScatteringWorkspace<T> {
        self.workspace_for(parallel::threads())
    }

    /// Scratch for at most this many threads at a time; 1 makes every call run on its caller's thread, which is what tasks of
    /// a pool want.
    pub fn workspace_for(&self, threads: usize) -> ScatteringWorkspace<T> {
        self.runner.workspace_for(threads)
    }

    /// The features of inputs with any leading batch and channel axes; the last axes are the input.
    ///
    /// Any strides are taken. Allocates the output, and a workspace that the plan keeps for the next call; see
    /// [`transform_into`](Self::transform_into).
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into), and [`Error::OutOfMemory`](crate::Error::OutOfMemory) if the output would not fit.
    pub fn transform<S, D1>(&self, inputs: &ArrayBase<S, D1>) -> Result<Features<T, W>>
    where
        S: Data<Elem = T>,
        D1: Dimension,
    {
        let features = self.runner.transform(inputs)?;
        Ok(Features::new(
            features,
            Arc::clone(&self.design.paths),
            Arc::clone(&self.design.layout),
        ))
    }

    /// The same into an array of shape [`output_shape`](Self::output_shape).
    ///
    /// With a workspace of one thread nothing is allocated, as long as the leading axes of the input can be merged
    /// without a copy and the output is contiguous in row-major order; otherwise one copy is made.
    ///
    /// # Errors
    /// [`Error::WrongShape`](crate::Error::WrongShape) if the inputs or the output do not fit the plan, [`Error::ForeignWorkspace`](crate::Error::ForeignWorkspace) if the workspace
    /// does not, [`Error::Empty`](crate::Error::Empty) for an empty batch, [`Error::NotFinite`](crate::Error::NotFinite) for a NaN or infinite sample, with its position, [`Error::Cancelled`](crate::Error::Cancelled) if the workspace
    /// carries a flag that was set: the output then holds part of the features.
    pub fn transform_into<S, D1, S2, D2>(
        &self,
        inputs: &ArrayBase<S, D1>,
        out: &mut ArrayBase<S2, D2>,
        workspace: &mut ScatteringWorkspace<T>,
    ) -> Result<()>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: DataMut<Elem = T>,
        D2: Dimension,
    {
        self.runner.transform_into(inputs, out, workspace)
    }

    /// The gradient of Σ weights · S(x) with respect to the inputs x: the product of the weights with the Jacobian of S, from the
    /// left.
    ///
    /// **Shape** inputs `[leading.., input]`, weights as [`output_shape`](Self::output_shape) says for the leading axes; the
    /// gradient is as large as the inputs. **Units** those of the weights; a step of the gradient's size in x changes the sum
    /// by its squared norm.
    ///
    /// The modulus has the gradient 0 at 0, so that nothing is ever NaN. What is computed is the derivative of
    /// the very numbers that [`transform`](Self::transform) returns, filters with what they leave out included. The moduli are
    /// computed again on the way back, so that the memory is that of a few spectra and not of all paths.
    ///
    /// ```
    /// use ndarray::{Array2, ArrayD};
    /// use wavelet_scattering::Scattering2d;
    ///
    /// // How does the sum of all features change with every pixel?
    /// let plan = Scattering2d::params([32, 32], 2).plan::<f64>()?;
    /// let image = Array2::from_shape_fn([32, 32], |(i, k)| ((3 * i + k * k) as f64).sin());
    /// let features = plan.transform(&image)?;
    /// let gradient = plan.vjp(&image, &ArrayD::ones(plan.output_shape(&[])))?;
    /// // S is homogeneous: Σ x · ∂/∂x Σ S(x) = Σ S(x).
    /// let along: f64 = (&gradient * &image).sum();
    /// assert!((along / features.array().sum() - 1.0).abs() < 1e-12);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    ///
    /// Source: the chain rule; the modulus is the only step that is not linear.
    ///
    /// # Errors
    /// As [`transform`](Self::transform), also for the weights.
    pub fn vjp<S, D1, S2, D2>(
        &self,
        inputs: &ArrayBase<S, D1>,
        weights: &ArrayBase<S2, D2>,
    ) -> Result<ArrayD<T>>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
    {
        self.runner.vjp(inputs, weights)
    }

    /// The same into an array of the inputs' shape. With a workspace of one thread nothing is allocated, as in
    /// [`transform_into`](Self::transform_into).
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into), also for the weights.
    pub fn vjp_into<S, D1, S2, D2, S3, D3>(
        &self,
        inputs: &ArrayBase<S, D1>,
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
        self.runner.vjp_into(inputs, weights, gradient, workspace)
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

    /// The derivative of S(x) along a direction v, d/dh S(x + h·v) at h = 0: the product of the Jacobian with v, from the right.
    ///
    /// **Shape** inputs and direction `[leading.., input]`, the derivative as [`output_shape`](Self::output_shape) says.
    ///
    /// For Gauss-Newton steps and for tests: ⟨w, J v⟩ = ⟨Jᵀ w, v⟩ with [`vjp`](Self::vjp). The modulus has the derivative 0 at 0. On one
    /// thread, and with scratch of its own in every call.
    ///
    /// ```
    /// use ndarray::Array2;
    /// use wavelet_scattering::Scattering2d;
    ///
    /// let plan = Scattering2d::params([32, 32], 2).plan::<f64>()?;
    /// let image = Array2::from_shape_fn([32, 32], |(i, k)| ((3 * i + k * k) as f64).sin());
    /// // S is homogeneous: along the image itself it changes as much as it is.
    /// let along = plan.jvp(&image, &image)?;
    /// let features = plan.transform(&image)?;
    /// assert!((along - features.array()).iter().all(|difference| difference.abs() < 1e-12));
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`transform`](Self::transform), also for the direction.
    pub fn jvp<S, D1, S2, D2>(
        &self,
        inputs: &ArrayBase<S, D1>,
        direction: &ArrayBase<S2, D2>,
    ) -> Result<ArrayD<T>>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
    {
        self.runner.jvp(inputs, direction)
    }

    /// Features from an array that this plan filled, in this process or before, with the table of its paths.
    ///
    /// # Errors
    /// [`Error::WrongShape`](crate::Error::WrongShape) if the last axes are not those of [`output_shape`](Self::output_shape), [`Error::Empty`](crate::Error::Empty) if
    /// there is no input.
    pub fn features_from(&self, array: ArrayD<T>) -> Result<Features<T, W>> {
        let array = self.runner.check_output(array)?;
        Ok(Features::new(
            array,
            Arc::clone(&self.design.paths),
            Arc::clone(&self.design.layout),
        ))
    }
}

impl<T: Real, W: Wavelet, const D: usize> std::fmt::Debug for Scattering<T, W, D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scattering")
            .field("params", &self.params)
            .field("precision", &T::NAME)
            .field("isa", &self.isa)
            .field("padded", &self.padded_shape())
            .field("paths", &self.design.paths.len())
            .finish()
    }
}
