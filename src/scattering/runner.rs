//! [`Runner`]: what every plan does with inputs and outputs, whatever it computes: shapes, checks, workspaces.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ndarray::{ArrayBase, ArrayD, CowArray, Data, DataMut, Dimension, IxDyn};

use super::engine::{Derivatives, Engine, EngineBack};
use super::keep::Layout;
use crate::grid::{self, check_finite};
use crate::layer::Visitor;
use crate::memory::Footprint;
use crate::num::Real;
use crate::{Cancel, Error, Result, memory, parallel};

/// Scratch of a [`Scattering`](super::Scattering): one part for every thread that works at a time. Its contents are garbage between calls. It
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

/// An engine with the shapes of what goes in and comes out.
pub(crate) struct Runner<T, const D: usize, E: ?Sized = dyn Engine<T>> {
    engine: Box<E>,
    /// Samples of an input along each axis.
    shape: [usize; D],
    layout: Arc<Layout>,
    footprint: Arc<Footprint>,
    /// Bytes of what the plan has beside the engine.
    other_bytes: u64,
    /// A workspace for [`transform`](Self::transform), kept from call to call: fresh memory costs a page fault every
    /// 4 KiB, a fifth of the time of one 256 x 256 image.
    spare: Mutex<Option<ScatteringWorkspace<T>>>,
    /// The same for gradients, and the footprint of those.
    spare_back: Mutex<Option<ScatteringWorkspace<T>>>,
    footprint_back: OnceLock<Arc<Footprint>>,
}

impl<T: Real, const D: usize, E: Engine<T> + ?Sized> Runner<T, D, E> {
    pub fn new(engine: Box<E>, shape: [usize; D], layout: Arc<Layout>, other_bytes: u64) -> Self {
        Self {
            footprint: Arc::new(engine.footprint()),
            engine,
            shape,
            layout,
            other_bytes,
            spare: Mutex::new(None),
            spare_back: Mutex::new(None),
            footprint_back: OnceLock::new(),
        }
    }

    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// Shape of the output of inputs with these leading axes.
    pub fn output_shape(&self, leading: &[usize]) -> Vec<usize> {
        [leading, self.layout.trailing()].concat()
    }

    /// Bytes of the plan.
    pub fn bytes(&self) -> u64 {
        self.other_bytes + self.engine.bytes()
    }

    /// Bytes of scratch for this many threads, each with inputs to itself.
    pub fn workspace_bytes(&self, threads: usize) -> u64 {
        self.footprint.bytes().saturating_mul(threads.max(1) as u64)
    }

    /// Scratch for at most this many threads at a time.
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

    /// The output of inputs with any leading axes, in an array of its own.
    pub fn transform<S, D1>(&self, inputs: &ArrayBase<S, D1>) -> Result<ArrayD<T>>
    where
        S: Data<Elem = T>,
        D1: Dimension,
    {
        let shape = self.output_shape(self.leading(inputs.shape())?);
        let output = memory::bytes_of::<T>(memory::count(&shape));
        let scratch = self.workspace_bytes(parallel::threads());
        memory::require(
            "the filter bank, the workspace and the output",
            output.saturating_add(scratch).saturating_add(self.bytes()),
            "transform fewer inputs at a time, or lower max_order, L, Q or oversampling",
        )?;
        let mut out = ArrayD::zeros(shape);
        with_spare(
            &self.spare,
            |threads| self.workspace_for(threads),
            |workspace| self.transform_into(inputs, &mut out, workspace),
        )?;
        Ok(out)
    }

    /// The same into an array of shape [`output_shape`](Self::output_shape).
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
        let leading = self.leading(inputs.shape())?;
        grid::check_output(out.shape(), leading, self.layout.trailing())?;
        if workspace.footprint != self.footprint {
            return Err(Error::ForeignWorkspace);
        }
        check_finite(inputs)?;
        let inputs = flattened(inputs, leading, &self.shape)?;
        let (scratch, cancel) = (&mut *workspace.scratch, &workspace.cancel);
        grid::fill_in_order(out, |out| {
            self.engine.run(inputs.view(), out, scratch, cancel)
        })
    }

    /// An array with the last axes of the output, in row-major order.
    pub fn check_output(&self, array: ArrayD<T>) -> Result<ArrayD<T>> {
        if array.is_empty() {
            return Err(Error::Empty {
                shape: array.shape().to_vec(),
            });
        }
        if !array.shape().ends_with(self.layout.trailing()) {
            return Err(Error::WrongShape {
                what: "the array",
                got: array.shape().to_vec(),
                expected: format!(
                    "[.., {:?}], the output of this plan",
                    self.layout.trailing()
                ),
            });
        }
        Ok(if array.is_standard_layout() {
            array
        } else {
            array.as_standard_layout().into_owned()
        })
    }

    /// The leading axes of inputs.
    fn leading<'s>(&self, shape: &'s [usize]) -> Result<&'s [usize]> {
        let place = match D {
            1 => "the signal in the last axis",
            2 => "the image in the last two axes",
            _ => "the volume in the last three axes",
        };
        grid::leading(shape, &self.shape, place)
    }
}

impl<T: Real, const D: usize, E: EngineBack<T> + ?Sized> Runner<T, D, E> {
    fn footprint_back(&self) -> &Arc<Footprint> {
        self.footprint_back
            .get_or_init(|| Arc::new(self.engine.back_footprint()))
    }

    /// Bytes of scratch of gradients for this many threads, each with inputs to itself.
    pub fn gradient_workspace_bytes(&self, threads: usize) -> u64 {
        let one = self.footprint_back().bytes();
        one.saturating_mul(threads.max(1) as u64)
    }

    /// Scratch of gradients for at most this many threads at a time.
    pub fn gradient_workspace_for(&self, threads: usize) -> ScatteringWorkspace<T> {
        let threads = threads.max(1);
        ScatteringWorkspace {
            scratch: self.engine.back_scratch(threads),
            footprint: Arc::clone(self.footprint_back()),
            threads,
            cancel: Cancel::new(),
            precision: PhantomData,
        }
    }

    /// The gradient of Σ weights · features with respect to inputs with any leading axes, in an array of its own.
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
        self.leading(inputs.shape())?;
        let output = memory::bytes_of::<T>(memory::count(inputs.shape()));
        let scratch = self.gradient_workspace_bytes(parallel::threads());
        memory::require(
            "the filter bank, the workspace and the gradient",
            output.saturating_add(scratch).saturating_add(self.bytes()),
            "differentiate fewer inputs at a time, or lower max_order, L, Q or oversampling",
        )?;
        let mut out = ArrayD::zeros(inputs.shape());
        with_spare(
            &self.spare_back,
            |threads| self.gradient_workspace_for(threads),
            |workspace| self.vjp_into(inputs, weights, &mut out, workspace),
        )?;
        Ok(out)
    }

    /// The same into an array of the inputs' shape.
    pub fn vjp_into<S, D1, S2, D2, S3, D3>(
        &self,
        inputs: &ArrayBase<S, D1>,
        weights: &ArrayBase<S2, D2>,
        out: &mut ArrayBase<S3, D3>,
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
        let leading = self.leading(inputs.shape())?;
        grid::check_output(out.shape(), leading, &self.shape)?;
        let [inputs, weights] = self.there_and_back(inputs, weights, workspace)?;
        let (scratch, cancel) = (&mut *workspace.scratch, &workspace.cancel);
        grid::fill_in_order(out, |out| {
            (self.engine).run_back(inputs.view(), weights.view(), out, scratch, cancel)
        })
    }

    /// Inputs and weights with their leading axes made one, if they fit together and the workspace fits.
    fn there_and_back<'a, S, D1, S2, D2>(
        &self,
        inputs: &'a ArrayBase<S, D1>,
        weights: &'a ArrayBase<S2, D2>,
        workspace: &ScatteringWorkspace<T>,
    ) -> Result<[CowArray<'a, T, IxDyn>; 2]>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
    {
        let leading = self.leading(inputs.shape())?;
        let trailing = self.layout.trailing();
        if !weights.shape().iter().eq(leading.iter().chain(trailing)) {
            return Err(Error::WrongShape {
                what: "the weights",
                got: weights.shape().to_vec(),
                expected: format!(
                    "{:?}, that of the features of these inputs",
                    [leading, trailing].concat()
                ),
            });
        }
        if workspace.footprint != *self.footprint_back() {
            return Err(Error::ForeignWorkspace);
        }
        check_finite(inputs)?;
        check_finite(weights)?;
        Ok([
            flattened(inputs, leading, &self.shape)?,
            flattened(weights, leading, trailing)?,
        ])
    }
}

impl<T: Real, const D: usize, E: Derivatives<T> + ?Sized> Runner<T, D, E> {
    /// Hands out ∂/∂ψ̂ of Σ weights · features; see [`Derivatives::run_filters`].
    pub fn vjp_filters<S, D1, S2, D2>(
        &self,
        inputs: &ArrayBase<S, D1>,
        weights: &ArrayBase<S2, D2>,
        visit: &mut Visitor<'_>,
    ) -> Result<()>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
    {
        with_spare(
            &self.spare_back,
            |threads| self.gradient_workspace_for(threads),
            |workspace| {
                let [inputs, weights] = self.there_and_back(inputs, weights, workspace)?;
                let (scratch, cancel) = (&mut *workspace.scratch, &workspace.cancel);
                (self.engine).run_filters(inputs.view(), weights.view(), scratch, cancel, visit)
            },
        )
    }

    /// The derivative of the features of inputs with any leading axes along directions.
    pub fn jvp<S, D1, S2, D2>(
        &self,
        inputs: &ArrayBase<S, D1>,
        directions: &ArrayBase<S2, D2>,
    ) -> Result<ArrayD<T>>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
    {
        let leading = self.leading(inputs.shape())?;
        if directions.shape() != inputs.shape() {
            return Err(Error::WrongShape {
                what: "the direction",
                got: directions.shape().to_vec(),
                expected: format!("{:?}, that of the inputs", inputs.shape()),
            });
        }
        check_finite(inputs)?;
        check_finite(directions)?;
        let shape = self.output_shape(leading);
        let output = memory::bytes_of::<T>(memory::count(&shape));
        memory::require(
            "the filter bank, the workspace and the derivative",
            output
                .saturating_add(self.workspace_bytes(2))
                .saturating_add(self.bytes()),
            "differentiate fewer inputs at a time, or lower max_order, L, Q or oversampling",
        )?;
        let mut out = ArrayD::zeros(shape);
        let inputs = flattened(inputs, leading, &self.shape)?;
        let directions = flattened(directions, leading, &self.shape)?;
        let cancel = Cancel::new();
        grid::fill_in_order(&mut out, |out| {
            (self.engine).run_along(inputs.view(), directions.view(), out, &cancel)
        })?;
        Ok(out)
    }
}

/// Calls with the workspace that is kept, or with a new one that is kept from then on.
fn with_spare<T, R>(
    spare: &Mutex<Option<ScatteringWorkspace<T>>>,
    new: impl FnOnce(usize) -> ScatteringWorkspace<T>,
    call: impl FnOnce(&mut ScatteringWorkspace<T>) -> R,
) -> R {
    let spare = || spare.lock().unwrap_or_else(PoisonError::into_inner);
    let threads = parallel::threads();
    let kept = spare().take().filter(|kept| kept.threads == threads);
    let mut workspace = kept.unwrap_or_else(|| new(threads));
    let done = call(&mut workspace);
    *spare() = Some(workspace);
    done
}

/// An array with its leading axes made one.
fn flattened<'a, T: Clone, S: Data<Elem = T>, D: Dimension>(
    array: &'a ArrayBase<S, D>,
    leading: &[usize],
    trailing: &[usize],
) -> Result<CowArray<'a, T, IxDyn>> {
    // At most four axes, for which a shape is no allocation.
    let mut shape = [leading.iter().product(); MAX_AXES];
    let shape = &mut shape[..=trailing.len()];
    shape[1..].copy_from_slice(trailing);
    let flat = array.to_shape(IxDyn(shape));
    flat.map_err(|_| grid::unmergeable(array.shape()))
}

/// Of a batch of volumes, the most there are.
const MAX_AXES: usize = 4;
