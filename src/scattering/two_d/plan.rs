//! [`Scattering2d`]: images in, scattering features out.
//!
//! ```text
//! x ─ pad ─▶ x̂ ─▶ |x ⋆ ψ_λ1| ─┬─▶ ⋆ φ_J ─▶ S[λ1]
//!                             └─▶ ||x ⋆ ψ_λ1| ⋆ ψ_λ2| ─▶ ⋆ φ_J ─▶ S[λ1, λ2] …
//! ```
//!
//! Two things are done to the padded image first, and undone at the end, for the sake of 32-bit precision: it is
//! multiplied by the power of two that brings its largest sample into [1, 2), so that squares neither overflow nor
//! vanish, and its mean is subtracted before the FFT and put back into x̂(0) after it, so that the rounding of a large
//! mean does not drown the small moduli of a smooth image. Both leave the mathematics as it is.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayBase, ArrayD, Data, DataMut, Dimension};

use super::engine::{Engine, Shared, engine};
use super::params::{Average, Design, Scattering2dParams};
use crate::filters::{FilterBank2d, Wavelet2d};
use crate::kernels::isa::Isa;
use crate::num::Real;
use crate::scattering::features::{Features, Layout};
use crate::scattering::path::PathTable;
use crate::{Error, Result, memory, parallel};

/// A planned 2D scattering transform: immutable, shared freely among threads.
///
/// Results do not depend on the number of threads, nor on how images are grouped into batches, to the last bit.
///
/// ```
/// use ndarray::Array3;
/// use wavelet_scattering::Scattering2d;
///
/// let plan = Scattering2d::params([64, 48], 3).L(6).plan::<f32>()?;
/// let images = Array3::from_shape_fn([2, 64, 48], |(n, i, k)| ((i * k + n) as f32 * 0.01).sin());
/// let features = plan.transform(&images)?;
/// assert_eq!(features.array().shape(), [2, 127, 8, 6]); // [batch, paths, 64 / 2^J, 48 / 2^J]
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub struct Scattering2d<T> {
    shared: Arc<Shared<T>>,
    isa: Isa,
    engine: Box<dyn Engine<T>>,
    /// A workspace for [`transform`](Self::transform), kept from call to call: fresh memory costs a page fault every
    /// 4 KiB, a fifth of the time of one 256 x 256 image.
    spare: Mutex<Option<Workspace<T>>>,
}

/// Scratch of a [`Scattering2d`]: one part for every thread that works at a time. Its contents are garbage between
/// calls. It depends neither on the batch nor on the number of paths, and belongs to plans like the one that made it.
pub struct Workspace<T> {
    scratch: Box<dyn Any + Send + Sync>,
    threads: usize,
    precision: PhantomData<T>,
}

impl<T> std::fmt::Debug for Workspace<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Workspace")
    }
}

/// On one precision only, so that `Scattering2d::params` needs no type; [`Scattering2dParams::plan`] chooses it.
impl Scattering2d<f32> {
    /// Describes a transform of images of this shape with averages over 2^J pixels, and standard values elsewhere.
    pub fn params(shape: [usize; 2], J: usize) -> Scattering2dParams {
        Scattering2dParams::new(shape, J)
    }
}

impl<T: Real> Scattering2d<T> {
    pub(super) fn new(params: &Scattering2dParams) -> Result<Self> {
        let isa = match params.isa {
            Some(isa) => isa.require()?,
            None => Isa::best(),
        };
        let Design { axes, bank, paths } = params.design()?;
        // The bank, and the first wavelets again, side by side.
        let needed = bank.expected_bytes::<T>().saturating_mul(2).saturating_add(
            Self::expected_workspace_bytes(params, bank.shape, parallel::threads()),
        );
        memory::require(
            "the filter bank and the workspace",
            needed,
            "use smaller images, fewer orientations L, fewer threads or 32-bit precision",
        )?;
        let bank = bank.build::<T>()?;

        let J = params.J;
        let output_level = J - params.oversampling;
        let shape_on = |level: usize| match params.average {
            Average::Local => axes
                .each_ref()
                .map(|axis| axis.output(J, output_level).len()),
            Average::Global => [1, 1],
            Average::None => axes.each_ref().map(|axis| axis.on_image(level).len()),
        };
        let shapes = (0..paths.len())
            .map(|row| {
                shape_on(params.level(paths.last_wavelet(row).map_or(0, |wavelet| wavelet.j)))
            })
            .collect();
        let layout = Arc::new(Layout::new(params.average, shapes));
        let shared = Arc::new(Shared {
            params: params.clone(),
            axes,
            bank,
            paths,
            layout,
            tolerance: params.tolerance.unwrap_or(T::TOLERANCE),
        });
        let engine = engine(isa, &shared);
        Ok(Self {
            shared,
            isa,
            engine,
            spare: Mutex::new(None),
        })
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// What has been left out of the filters, as a share of the peak of each ψ̂ and of the sum of φ: every layer, and
    /// every average, changes by at most this share of the l2 norm of what goes in.
    pub fn tolerance(&self) -> f64 {
        self.shared.tolerance
    }

    /// What the plan was made from.
    pub fn description(&self) -> &Scattering2dParams {
        &self.shared.params
    }

    /// The filters.
    pub fn bank(&self) -> &FilterBank2d<T> {
        &self.shared.bank
    }

    /// What every output row stands for.
    pub fn paths(&self) -> &Arc<PathTable<Wavelet2d>> {
        &self.shared.paths
    }

    /// Rows and columns of an image after padding.
    pub fn padded_shape(&self) -> [usize; 2] {
        self.shared.bank.grid().shape
    }

    /// Rows and columns of one output row; `[1, 1]` for global means.
    pub fn path_shape(&self, row: usize) -> [usize; 2] {
        self.shared.layout.shape(row)
    }

    /// Numbers in the features of one image.
    pub fn features_len(&self) -> usize {
        self.shared.layout.len()
    }

    /// Shape of the features of images with these leading axes.
    ///
    /// **Shape** local averages `[leading.., paths, H', W']`; global means `[leading.., paths]`; without averages all
    /// paths of an image one after another, `[leading.., sum of H'·W' over paths]`.
    pub fn output_shape(&self, leading: &[usize]) -> Vec<usize> {
        [leading, self.shared.layout.trailing()].concat()
    }

    /// Bytes of the plan: the filters, and the same again as the vectors want them.
    pub fn bytes(&self) -> u64 {
        self.shared.bank.bytes() + self.engine.bytes()
    }

    /// Bytes of scratch for this many threads.
    pub fn workspace_bytes(&self, threads: usize) -> u64 {
        Self::expected_workspace_bytes(&self.shared.params, self.padded_shape(), threads)
    }

    fn expected_workspace_bytes(
        params: &Scattering2dParams,
        padded: [usize; 2],
        threads: usize,
    ) -> u64 {
        // Cells of LANES complex numbers: a plane of bands, half a plane of pairs, half a plane for the spectra of every
        // order, which shrink by 4, and what is kept of all rows, if that is U itself; lines and borders on top.
        let samples = memory::count(&padded);
        let sides = memory::count(&[16 * (padded[0] + padded[1])]);
        let whole = if params.average == Average::None {
            1
        } else {
            0
        };
        let cells = samples.saturating_mul(3 + whole).saturating_add(sides);
        let bytes = memory::bytes_of::<[T; 16]>(cells);
        bytes.saturating_mul(threads.max(1) as u64)
    }

    /// Scratch for as many threads as the current pool has.
    pub fn workspace(&self) -> Workspace<T> {
        self.workspace_for(parallel::threads())
    }

    /// Scratch for at most this many threads at a time; 1 makes every call run on its caller's thread.
    pub fn workspace_for(&self, threads: usize) -> Workspace<T> {
        Workspace {
            scratch: self.engine.workspace(threads),
            threads,
            precision: PhantomData,
        }
    }

    /// The features of images with any leading batch and channel axes; the last two axes are the image.
    ///
    /// Any strides are taken. Allocates the output, and a workspace that the plan keeps for the next call; see [`transform_into`](Self::transform_into).
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into), and [`Error::OutOfMemory`] if the output would not fit.
    pub fn transform<S, D>(&self, images: &ArrayBase<S, D>) -> Result<Features<T>>
    where
        S: Data<Elem = T>,
        D: Dimension,
    {
        self.check_shape(images.shape())?;
        let shape = self.output_shape(&images.shape()[..images.ndim() - 2]);
        let output = memory::bytes_of::<T>(memory::count(&shape));
        let scratch = self.workspace_bytes(parallel::threads());
        memory::require(
            "the filter bank, the workspace and the output",
            output.saturating_add(scratch).saturating_add(self.bytes()),
            "transform fewer images at a time, or lower max_order, L or oversampling",
        )?;
        let mut out = ArrayD::zeros(shape);
        let spare = || self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = spare().take();
        let mut workspace = kept
            .filter(|workspace| workspace.threads == parallel::threads())
            .unwrap_or_else(|| self.workspace());
        let done = self.run(images, &mut out, &mut workspace);
        *spare() = Some(workspace);
        done?;
        Ok(Features::new(
            out,
            Arc::clone(&self.shared.paths),
            Arc::clone(&self.shared.layout),
        ))
    }

    /// The same into an array of shape [`output_shape`](Self::output_shape).
    ///
    /// With a workspace of one thread nothing is allocated, as long as the leading axes of the input can be merged
    /// without a copy and the output is contiguous in row-major order; otherwise one copy is made.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if the images or the output do not fit the plan, [`Error::Empty`] for an empty batch,
    /// [`Error::NotFinite`] for a NaN or infinite pixel, with its position.
    pub fn transform_into<S, D, S2, D2>(
        &self,
        images: &ArrayBase<S, D>,
        out: &mut ArrayBase<S2, D2>,
        workspace: &mut Workspace<T>,
    ) -> Result<()>
    where
        S: Data<Elem = T>,
        D: Dimension,
        S2: DataMut<Elem = T>,
        D2: Dimension,
    {
        self.check_shape(images.shape())?;
        self.run(images, out, workspace)
    }

    /// Features from an array that this plan filled, in this process or before, with the table of its paths.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if the last axes are not those of [`output_shape`](Self::output_shape), [`Error::Empty`] if
    /// there is no image.
    pub fn features_from(&self, array: ArrayD<T>) -> Result<Features<T>> {
        if array.is_empty() {
            return Err(Error::Empty {
                shape: array.shape().to_vec(),
            });
        }
        if !array.shape().ends_with(self.shared.layout.trailing()) {
            return Err(Error::WrongShape {
                what: "the array",
                got: array.shape().to_vec(),
                expected: format!(
                    "[.., {:?}], the output of this plan",
                    self.shared.layout.trailing()
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
            Arc::clone(&self.shared.paths),
            Arc::clone(&self.shared.layout),
        ))
    }

    fn check_shape(&self, shape: &[usize]) -> Result<()> {
        if !shape.ends_with(&self.shared.params.shape) {
            let [n0, n1] = self.shared.params.shape;
            return Err(Error::WrongShape {
                what: "the input",
                got: shape.to_vec(),
                expected: format!("[.., {n0}, {n1}], the image in the last two axes, as planned"),
            });
        }
        if shape.contains(&0) {
            return Err(Error::Empty {
                shape: shape.to_vec(),
            });
        }
        Ok(())
    }

    fn run<S, D, S2, D2>(
        &self,
        images: &ArrayBase<S, D>,
        out: &mut ArrayBase<S2, D2>,
        workspace: &mut Workspace<T>,
    ) -> Result<()>
    where
        S: Data<Elem = T>,
        D: Dimension,
        S2: DataMut<Elem = T>,
        D2: Dimension,
    {
        let leading = &images.shape()[..images.ndim() - 2];
        let trailing = self.shared.layout.trailing();
        let fits = out.ndim() == leading.len() + trailing.len()
            && out.shape().iter().eq(leading.iter().chain(trailing));
        if !fits {
            return Err(Error::WrongShape {
                what: "the output",
                got: out.shape().to_vec(),
                expected: format!("{:?}", self.output_shape(leading)),
            });
        }
        if let Some(index) = images.iter().position(|value| !value.is_finite()) {
            return Err(not_finite(images, index));
        }
        let [n0, n1] = self.shared.params.shape;
        let count = leading.iter().product();
        let wrong = |_| Error::WrongShape {
            what: "the input",
            got: images.shape().to_vec(),
            expected: "axes that can be flattened".into(),
        };
        let batch = images.to_shape((count, n0, n1)).map_err(wrong)?;
        let scratch = &mut *workspace.scratch;
        match out.as_slice_mut() {
            Some(out) => self.engine.run(batch.view(), out, scratch),
            None => {
                let mut dense = vec![T::zero(); out.len()];
                let done = self.engine.run(batch.view(), &mut dense, scratch);
                out.iter_mut().zip(dense).for_each(|(to, from)| *to = from);
                done
            }
        }
        .ok_or_else(|| Error::WrongShape {
            what: "the workspace",
            got: Vec::new(),
            expected: "one that a plan like this has made".into(),
        })
    }
}

impl<T: Real> std::fmt::Debug for Scattering2d<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scattering2d")
            .field("params", &self.shared.params)
            .field("precision", &T::NAME)
            .field("isa", &self.isa)
            .field("padded", &self.padded_shape())
            .field("paths", &self.shared.paths.len())
            .finish()
    }
}

/// The error for the sample at this index in row-major order.
fn not_finite<T: Real, S: Data<Elem = T>, D: Dimension>(
    images: &ArrayBase<S, D>,
    index: usize,
) -> Error {
    let mut rest = index;
    let mut position: Vec<usize> = images
        .shape()
        .iter()
        .rev()
        .map(|&n| {
            let at = rest % n;
            rest /= n;
            at
        })
        .collect();
    position.reverse();
    Error::NotFinite {
        position,
        value: images
            .iter()
            .nth(index)
            .map_or(f64::NAN, |value| value.widen()),
    }
}
