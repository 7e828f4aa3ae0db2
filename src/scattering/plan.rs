//! [`Scattering`]: inputs in, scattering features out, in any dimension.
//!
//! ```text
//! x ─ pad ─▶ x̂ ─▶ |x ⋆ ψ_λ1| ─┬─▶ ⋆ φ_J ─▶ S[λ1]
//!                             └─▶ ||x ⋆ ψ_λ1| ⋆ ψ_λ2| ─▶ ⋆ φ_J ─▶ S[λ1, λ2] …
//! ```

use std::any::Any;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayBase, ArrayD, Data, DataMut, Dimension, IxDyn};

use super::design::Design;
use super::engine::Engine;
use super::features::Features;
use super::path::{PathTable, Wavelet};
use crate::filters::FilterBank;
use crate::grid::check_finite;
use crate::isa::Isa;
use crate::memory::Footprint;
use crate::num::Real;
use crate::{Cancel, Error, Result, memory, parallel};

/// A planned scattering transform of inputs with `D` axes: immutable, shared freely among threads. Of images it is called
/// [`Scattering2d`](super::Scattering2d), where it is described.
///
/// Results do not depend on the number of threads, nor on how inputs are grouped into batches, to the last bit.
pub struct Scattering<T, W: Wavelet, const D: usize> {
    params: W::Params,
    isa: Isa,
    design: Arc<Design<W, D>>,
    banks: Vec<Arc<dyn FilterBank<T, D, Wavelet = W>>>,
    engine: Box<dyn Engine<T>>,
    footprint: Arc<Footprint>,
    /// A workspace for [`transform`](Self::transform), kept from call to call: fresh memory costs a page fault every
    /// 4 KiB, a fifth of the time of one 256 x 256 image.
    spare: Mutex<Option<ScatteringWorkspace<T>>>,
}

/// Scratch of a [`Scattering`]: one part for every thread that works at a time. Its contents are garbage between calls. It
/// depends neither on the batch nor on the number of paths, and serves every plan that needs as much of everything as
/// the one that made it; others refuse it.
///
/// Within parallel work of your own give every thread its own, for one thread. One behind a `Mutex` that tasks of rayon lock
/// hangs sooner or later: a call that shares its work among threads waits by doing other tasks of the pool, of which the
/// next may lock the same mutex, on the same thread.
///
/// ```
/// # #[cfg(feature = "parallel")] {
/// use ndarray::{Array3, ArrayD, Axis};
/// use rayon::prelude::*;
/// use wavelet_scattering::Scattering2d;
///
/// let plan = Scattering2d::params([32, 32], 2).plan::<f32>()?;
/// let images = Array3::<f32>::ones([10, 32, 32]);
/// let one_by_one: Vec<_> = images.axis_iter(Axis(0)).collect();
/// one_by_one.par_iter().try_for_each_init(
///     || (plan.workspace_for(1), ArrayD::zeros(plan.output_shape(&[]))), // not a shared workspace, locked
///     |(workspace, out), image| plan.transform_into(image, out, workspace),
/// )?;
/// # }
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub struct ScatteringWorkspace<T> {
    scratch: Box<dyn Any + Send + Sync>,
    footprint: Arc<Footprint>,
    threads: usize,
    cancel: Cancel,
    precision: PhantomData<T>,
}

impl<T> ScatteringWorkspace<T> {
    /// The same for calls that end with [`Error::Cancelled`] soon after this flag is set: before the next step of the
    /// cascade, which is one group of paths.
    ///
    /// ```
    /// use ndarray::{Array2, ArrayD};
    /// use wavelet_scattering::{Cancel, Error, Scattering2d};
    ///
    /// let plan = Scattering2d::params([32, 32], 2).plan::<f32>()?;
    /// let cancel = Cancel::new();
    /// let mut workspace = plan.workspace().cancelled_by(&cancel);
    /// let mut out = ArrayD::zeros(plan.output_shape(&[]));
    /// cancel.cancel(); // from another thread, as a rule
    /// let ended = plan.transform_into(&Array2::zeros([32, 32]), &mut out, &mut workspace);
    /// assert!(matches!(ended, Err(Error::Cancelled)));
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn cancelled_by(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Threads that share the work of a call.
    pub fn threads(&self) -> usize {
        self.threads
    }
}

impl<T> std::fmt::Debug for ScatteringWorkspace<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScatteringWorkspace")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl<T: Real, W: Wavelet, const D: usize> Scattering<T, W, D> {
    pub(super) fn new(
        params: W::Params,
        isa: Isa,
        design: Arc<Design<W, D>>,
        banks: Vec<Arc<dyn FilterBank<T, D, Wavelet = W>>>,
        engine: Box<dyn Engine<T>>,
    ) -> Self {
        Self {
            params,
            isa,
            design,
            banks,
            footprint: Arc::new(engine.footprint()),
            engine,
            spare: Mutex::new(None),
        }
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

    /// The filters of the first layer, of images those of all layers.
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
        [leading, self.design.layout.trailing()].concat()
    }

    /// Bytes of the plan: the filters, and the same again as the vectors want them.
    pub fn bytes(&self) -> u64 {
        let banks = self.banks.iter().map(|bank| bank.bytes());
        banks.sum::<u64>() + self.engine.bytes()
    }

    /// Bytes of scratch for this many threads, each with inputs to itself. A workspace whose threads only ever share inputs
    /// takes less.
    pub fn workspace_bytes(&self, threads: usize) -> u64 {
        self.footprint.bytes().saturating_mul(threads.max(1) as u64)
    }

    /// Scratch for as many threads as the current pool has, as far as there are cores for them. Not to be locked
    /// within tasks of that pool; see [`ScatteringWorkspace`].
    pub fn workspace(&self) -> ScatteringWorkspace<T> {
        self.workspace_for(parallel::threads())
    }

    /// Scratch for at most this many threads at a time; 1 makes every call run on its caller's thread, which is what tasks of
    /// a pool want.
    pub fn workspace_for(&self, threads: usize) -> ScatteringWorkspace<T> {
        let threads = threads.max(1);
        ScatteringWorkspace {
            scratch: self.engine.scratch(threads),
            footprint: Arc::clone(&self.footprint),
            threads,
            cancel: Cancel::new(),
            precision: PhantomData,
        }
    }

    /// The features of inputs with any leading batch and channel axes; the last axes are the input.
    ///
    /// Any strides are taken. Allocates the output, and a workspace that the plan keeps for the next call; see
    /// [`transform_into`](Self::transform_into).
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into), and [`Error::OutOfMemory`] if the output would not fit.
    pub fn transform<S, D1>(&self, inputs: &ArrayBase<S, D1>) -> Result<Features<T, W>>
    where
        S: Data<Elem = T>,
        D1: Dimension,
    {
        self.check_shape(inputs.shape())?;
        let shape = self.output_shape(&inputs.shape()[..inputs.ndim() - D]);
        let output = memory::bytes_of::<T>(memory::count(&shape));
        let scratch = self.workspace_bytes(parallel::threads());
        memory::require(
            "the filter bank, the workspace and the output",
            output.saturating_add(scratch).saturating_add(self.bytes()),
            "transform fewer inputs at a time, or lower max_order, L or oversampling",
        )?;
        let mut out = ArrayD::zeros(shape);
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = spare().take();
        let mut workspace = kept
            .filter(|workspace| workspace.threads == parallel::threads())
            .unwrap_or_else(|| self.workspace());
        let done = self.run(inputs, &mut out, &mut workspace);
        *spare() = Some(workspace);
        done?;
        Ok(Features::new(
            out,
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
    /// [`Error::WrongShape`] if the inputs or the output do not fit the plan, [`Error::ForeignWorkspace`] if the workspace
    /// does not, [`Error::Empty`] for an empty batch, [`Error::NotFinite`] for a NaN or infinite sample, with its position, [`Error::Cancelled`] if the workspace
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
        self.check_shape(inputs.shape())?;
        self.run(inputs, out, workspace)
    }

    /// Features from an array that this plan filled, in this process or before, with the table of its paths.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if the last axes are not those of [`output_shape`](Self::output_shape), [`Error::Empty`] if
    /// there is no input.
    pub fn features_from(&self, array: ArrayD<T>) -> Result<Features<T, W>> {
        if array.is_empty() {
            return Err(Error::Empty {
                shape: array.shape().to_vec(),
            });
        }
        if !array.shape().ends_with(self.design.layout.trailing()) {
            return Err(Error::WrongShape {
                what: "the array",
                got: array.shape().to_vec(),
                expected: format!(
                    "[.., {:?}], the output of this plan",
                    self.design.layout.trailing()
                ),
            });
        }
        let array = if array.is_standard_layout() {
            array
        } else {
            array.as_standard_layout().into_owned()
        };
        Ok(Features::new(
            array,
            Arc::clone(&self.design.paths),
            Arc::clone(&self.design.layout),
        ))
    }

    fn check_shape(&self, shape: &[usize]) -> Result<()> {
        let own = self.design.axes.each_ref().map(|axis| axis.len);
        if !shape.ends_with(&own) {
            let axes = own.map(|len| len.to_string()).join(", ");
            let place = match D {
                1 => "the signal in the last axis",
                2 => "the image in the last two axes",
                _ => "the volume in the last three axes",
            };
            return Err(Error::WrongShape {
                what: "the input",
                got: shape.to_vec(),
                expected: format!("[.., {axes}], {place}, as planned"),
            });
        }
        if shape.contains(&0) {
            return Err(Error::Empty {
                shape: shape.to_vec(),
            });
        }
        Ok(())
    }

    fn run<S, D1, S2, D2>(
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
        let (leading, own) = inputs.shape().split_at(inputs.ndim() - D);
        let trailing = self.design.layout.trailing();
        let fits = out.ndim() == leading.len() + trailing.len()
            && out.shape().iter().eq(leading.iter().chain(trailing));
        if !fits {
            return Err(Error::WrongShape {
                what: "the output",
                got: out.shape().to_vec(),
                expected: format!("{:?}", self.output_shape(leading)),
            });
        }
        if workspace.footprint != self.footprint {
            return Err(Error::ForeignWorkspace);
        }
        check_finite(inputs)?;
        // At most four axes, for which a shape is no allocation.
        let mut flat = [leading.iter().product(); MAX_AXES];
        flat[1..=D].copy_from_slice(own);
        let wrong = |_| Error::WrongShape {
            what: "the input",
            got: inputs.shape().to_vec(),
            expected: "axes that can be flattened".into(),
        };
        let inputs = inputs.to_shape(IxDyn(&flat[..=D])).map_err(wrong)?;
        let (scratch, cancel) = (&mut *workspace.scratch, &workspace.cancel);
        match out.as_slice_mut() {
            Some(out) => self.engine.run(inputs.view(), out, scratch, cancel),
            None => {
                let mut dense = vec![T::zero(); out.len()];
                let done = self.engine.run(inputs.view(), &mut dense, scratch, cancel);
                out.iter_mut().zip(dense).for_each(|(to, from)| *to = from);
                done
            }
        }
    }
}

/// Of a batch of volumes, the most there are.
const MAX_AXES: usize = 4;

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
