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

use std::sync::{Arc, Mutex};

use ndarray::{ArrayBase, ArrayD, ArrayView2, ArrayView3, Axis, Data, DataMut, Dimension};
use num_complex::Complex;
use realfft::RealFftPlanner;
use rustfft::FftPlanner;

use super::params::{Average, Design, Scattering2dParams};
use crate::conv::step::{StepScratch, wavelet_modulus};
use crate::fft::PlaneFft;
use crate::filters::{FilterBank2d, Wavelet2d};
use crate::num::Real;
use crate::scattering::average::{AxisAverage, LowPass};
use crate::scattering::cascade::{Layers, walk};
use crate::scattering::features::{Features, Layout};
use crate::scattering::path::PathTable;
use crate::signal::pad::AxisPadding;
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
    params: Scattering2dParams,
    axes: [AxisPadding; 2],
    bank: FilterBank2d<T>,
    paths: Arc<PathTable<Wavelet2d>>,
    layout: Arc<Layout>,
    /// Transforms of every level that a U lives on, finest first.
    planes: Vec<PlaneFft<T>>,
    /// The average of a U on each of these levels; empty unless averages are local.
    averages: Vec<LowPass<T>>,
}

/// Scratch of a [`Scattering2d`]: one part for every thread that works at a time. Its contents are garbage between
/// calls. It depends neither on the batch nor on the number of paths.
#[derive(Debug)]
pub struct Workspace<T> {
    workers: Vec<Worker<T>>,
}

/// One thread's scratch.
#[derive(Debug)]
struct Worker<T> {
    root: Root<T>,
    /// Spectra of the moduli that a walk descends from, one for every order but the last.
    hats: Vec<Vec<Complex<T>>>,
    scratch: Scratch<T>,
}

/// An image ready for its first layer.
#[derive(Debug, Default)]
struct Root<T> {
    /// Half spectrum of the padded, scaled image.
    hat: Vec<Complex<T>>,
    /// What the output is multiplied by to undo the scaling.
    amplitude: T,
}

/// What one walk writes into.
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    /// The current plane: the padded image or a U.
    u: Vec<T>,
    /// What the output keeps of it.
    observed: Vec<T>,
    /// Column averages.
    columns: Vec<T>,
    step: StepScratch<T>,
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
        let Design { axes, bank, paths } = params.design()?;
        let needed = bank
            .expected_bytes::<T>()
            .saturating_add(Self::expected_workspace_bytes(
                params,
                bank.shape,
                parallel::threads(),
            ));
        memory::require(
            "the filter bank and the workspace",
            needed,
            "use smaller images, fewer orientations L, fewer threads or 32-bit precision",
        )?;
        let bank = bank.build::<T>()?;

        let J = params.J;
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        let planes: Vec<_> = (0..=params.level(J - 1))
            .map_while(|level| bank.grid().at_level(level))
            .map(|grid| PlaneFft::new(grid, &mut real, &mut complex))
            .collect();
        let output_level = J - params.oversampling;
        let averages = match params.average {
            Average::Local => planes
                .iter()
                .enumerate()
                .map(|(level, plane)| {
                    LowPass::new([0, 1].map(|axis| {
                        let phi = bank.phi_axis(axis, plane.grid().shape[axis]);
                        AxisAverage::new(
                            &phi,
                            axes[axis].output(J, output_level),
                            1 << (output_level - level),
                        )
                    }))
                })
                .collect(),
            Average::Global | Average::None => Vec::new(),
        };
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
        Ok(Self {
            params: params.clone(),
            axes,
            bank,
            paths,
            layout,
            planes,
            averages,
        })
    }

    /// What the plan was made from.
    pub fn description(&self) -> &Scattering2dParams {
        &self.params
    }

    /// The filters.
    pub fn bank(&self) -> &FilterBank2d<T> {
        &self.bank
    }

    /// What every output row stands for.
    pub fn paths(&self) -> &Arc<PathTable<Wavelet2d>> {
        &self.paths
    }

    /// Rows and columns of an image after padding.
    pub fn padded_shape(&self) -> [usize; 2] {
        self.bank.grid().shape
    }

    /// Rows and columns of one output row; `[1, 1]` for global means.
    pub fn path_shape(&self, row: usize) -> [usize; 2] {
        self.layout.shape(row)
    }

    /// Numbers in the features of one image.
    pub fn features_len(&self) -> usize {
        self.layout.len()
    }

    /// Shape of the features of images with these leading axes.
    ///
    /// **Shape** local averages `[leading.., paths, H', W']`; global means `[leading.., paths]`; without averages all
    /// paths of an image one after another, `[leading.., sum of H'·W' over paths]`.
    pub fn output_shape(&self, leading: &[usize]) -> Vec<usize> {
        [leading, self.layout.trailing()].concat()
    }

    /// Bytes of scratch for this many threads.
    pub fn workspace_bytes(&self, threads: usize) -> u64 {
        Self::expected_workspace_bytes(&self.params, self.padded_shape(), threads)
    }

    fn expected_workspace_bytes(
        params: &Scattering2dParams,
        padded: [usize; 2],
        threads: usize,
    ) -> u64 {
        let samples = memory::count(&padded);
        // u, observed and its columns: at most 2 real planes; half spectra of the image and of every U that has
        // children, each at most the image's; 2 complex planes for the step.
        let spectra = 1 + params.max_order.min(params.J).saturating_sub(1) as u64;
        let reals = samples.saturating_mul(2 + 4 + (spectra + 1));
        memory::bytes_of::<T>(reals.saturating_mul(threads.max(1) as u64))
    }

    /// Scratch for as many threads as the current pool has.
    pub fn workspace(&self) -> Workspace<T> {
        self.workspace_for(parallel::threads())
    }

    /// Scratch for at most this many threads at a time; 1 makes every call run on its caller's thread.
    pub fn workspace_for(&self, threads: usize) -> Workspace<T> {
        Workspace {
            workers: (0..threads.max(1)).map(|_| self.worker()).collect(),
        }
    }

    fn worker(&self) -> Worker<T> {
        let zero = Complex::new(T::zero(), T::zero());
        // A path of order m ends on scale m − 1 or coarser; only those with children need a spectrum.
        let hats = (1..self.paths.max_order())
            .map(|order| vec![zero; self.planes[self.params.level(order - 1)].half_len()])
            .collect();
        let columns = self
            .averages
            .iter()
            .map(LowPass::scratch_len)
            .max()
            .unwrap_or(0);
        let scratch = Scratch {
            u: vec![T::zero(); self.bank.grid().len()],
            observed: vec![T::zero(); self.layout.longest()],
            columns: vec![T::zero(); columns],
            step: StepScratch::new(&self.planes),
        };
        let root = Root {
            hat: vec![zero; self.planes[0].half_len()],
            amplitude: T::one(),
        };
        Worker {
            root,
            hats,
            scratch,
        }
    }

    /// The features of images with any leading batch and channel axes; the last two axes are the image.
    ///
    /// Any strides are taken. Allocates the output and a workspace; see [`transform_into`](Self::transform_into).
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
            output
                .saturating_add(scratch)
                .saturating_add(self.bank.bytes()),
            "transform fewer images at a time, or lower max_order, L or oversampling",
        )?;
        let mut out = ArrayD::zeros(shape);
        self.run(images, &mut out, &mut self.workspace())?;
        Ok(Features::new(
            out,
            Arc::clone(&self.paths),
            Arc::clone(&self.layout),
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
        let array = if array.is_standard_layout() {
            array
        } else {
            array.as_standard_layout().into_owned()
        };
        Ok(Features::new(
            array,
            Arc::clone(&self.paths),
            Arc::clone(&self.layout),
        ))
    }

    fn check_shape(&self, shape: &[usize]) -> Result<()> {
        if !shape.ends_with(&self.params.shape) {
            let [n0, n1] = self.params.shape;
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
        let trailing = self.layout.trailing();
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
        let [n0, n1] = self.params.shape;
        let count = leading.iter().product();
        let wrong = |_| Error::WrongShape {
            what: "the input",
            got: images.shape().to_vec(),
            expected: "axes that can be flattened".into(),
        };
        let batch = images.to_shape((count, n0, n1)).map_err(wrong)?;
        match out.as_slice_mut() {
            Some(out) => self.run_batch(batch.view(), out, workspace),
            None => {
                let mut dense = vec![T::zero(); out.len()];
                self.run_batch(batch.view(), &mut dense, workspace);
                out.iter_mut().zip(dense).for_each(|(to, from)| *to = from);
            }
        }
        Ok(())
    }

    /// As many whole rounds as there are with one image a worker; what is left image by image, its first-order paths
    /// shared among the workers.
    fn run_batch(&self, batch: ArrayView3<T>, out: &mut [T], workspace: &mut Workspace<T>) {
        let workers = &mut workspace.workers[..];
        let len = self.layout.len();
        let whole = batch.len_of(Axis(0)) / workers.len() * workers.len();
        let (by_image, by_path) = batch.split_at(Axis(0), whole);
        let (by_image_out, by_path_out) = out.split_at_mut(whole * len);
        let by_image = by_image
            .outer_iter()
            .zip(by_image_out.chunks_exact_mut(len));
        parallel::for_each(workers, by_image, |worker, (image, out)| {
            let Worker {
                root,
                hats,
                scratch,
            } = worker;
            self.enter(image, root, scratch, out);
            for first in self.paths.children(0) {
                let emit = &mut |row, values: &[T]| self.store(row, values, root.amplitude, out);
                walk(self, &self.paths, &root.hat, first, hats, scratch, emit);
            }
        });
        for (image, out) in by_path.outer_iter().zip(by_path_out.chunks_exact_mut(len)) {
            let mut root = std::mem::take(&mut workers[0].root);
            self.enter(image, &mut root, &mut workers[0].scratch, out);
            let out = Mutex::new(out);
            parallel::for_each(workers, self.paths.children(0), |worker, first| {
                let emit = &mut |row, values: &[T]| {
                    // Rows are disjoint; the lock is held for the copy only and no copy can fail half-way.
                    let mut out = out.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                    self.store(row, values, root.amplitude, &mut out);
                };
                walk(
                    self,
                    &self.paths,
                    &root.hat,
                    first,
                    &mut worker.hats,
                    &mut worker.scratch,
                    emit,
                );
            });
            workers[0].root = root;
        }
    }

    /// Pads and scales an image, writes row 0, and transforms it.
    fn enter(
        &self,
        image: ArrayView2<T>,
        root: &mut Root<T>,
        scratch: &mut Scratch<T>,
        out: &mut [T],
    ) {
        let largest = image
            .iter()
            .fold(T::zero(), |largest, value| largest.max(value.abs()));
        let scale = power_of_two_scale(largest);
        root.amplitude = scale.recip();

        let [down, right] = &self.axes;
        let inside = |axis: &AxisPadding| {
            // Where the image itself lies in what the caller passed: all of it, or what is no boundary.
            let boundary = if axis.padded == axis.len {
                axis.begin
            } else {
                0
            };
            boundary..axis.len - boundary
        };
        let inside = image.slice(ndarray::s![inside(down), inside(right)]);
        let sum: f64 = inside.iter().map(|&value| (value * scale).widen()).sum();
        let mean = T::narrow(sum / inside.len() as f64);

        let u = &mut scratch.u[..self.bank.grid().len()];
        for (row, source) in u.chunks_exact_mut(right.padded).zip(down.source()) {
            let source = source.map(|i| image.row(i));
            for (sample, &k) in row.iter_mut().zip(right.source()) {
                let value = source.zip(k).map_or(T::zero(), |(row, k)| row[k] * scale);
                *sample = value - mean;
            }
        }
        match self.params.average {
            Average::Local => {
                let at_zero = mean * T::narrow(self.bank.phi_at_zero());
                let averages = self.observe(0, scratch);
                for (to, &average) in out[self.layout.range(0)].iter_mut().zip(averages) {
                    *to = (average + at_zero) * root.amplitude;
                }
            }
            Average::Global => out[0] = mean * root.amplitude,
            Average::None => out
                .iter_mut()
                .zip(&inside)
                .for_each(|(to, &value)| *to = value),
        }
        self.spectrum(0, scratch, &mut root.hat);
        root.hat[0].re += mean * T::narrow(self.bank.grid().len() as f64);
    }

    fn store(&self, row: usize, values: &[T], amplitude: T, out: &mut [T]) {
        for (to, &value) in out[self.layout.range(row)].iter_mut().zip(values) {
            *to = value * amplitude;
        }
    }

    /// The level that U of a row lives on.
    fn level(&self, row: usize) -> usize {
        self.params
            .level(self.paths.last_wavelet(row).map_or(0, |wavelet| wavelet.j))
    }
}

impl<T: Real> Layers<T> for Scattering2d<T> {
    type Scratch = Scratch<T>;

    fn propagate(&self, parent_hat: &[Complex<T>], row: usize, scratch: &mut Scratch<T>) {
        let path = &self.paths[row];
        let lambda = path.lambdas[path.order() - 1];
        let from = self.level(self.paths.parent(row).unwrap_or(0));
        wavelet_modulus(
            parent_hat,
            (from, self.planes[from].grid()),
            &self.bank.bands()[lambda],
            &self.planes[self.level(row)],
            &mut scratch.u,
            &mut scratch.step,
        );
    }

    fn observe<'s>(&self, row: usize, scratch: &'s mut Scratch<T>) -> &'s [T] {
        let level = self.level(row);
        let Scratch {
            u,
            observed,
            columns,
            ..
        } = scratch;
        let observed = &mut observed[..self.layout.range(row).len()];
        let width = self.planes[level].grid().shape[1];
        let [down, right] = self.axes.each_ref().map(|axis| axis.on_image(level));
        let on_image = u
            .chunks_exact(width)
            .take(down.end)
            .skip(down.start)
            .map(|line| &line[right.clone()]);
        match self.params.average {
            Average::Local => self.averages[level].apply(u, observed, columns),
            Average::Global => {
                let sum: f64 = on_image.flatten().map(|value| value.widen()).sum();
                observed[0] = T::narrow(sum / (down.len() * right.len()) as f64);
            }
            Average::None => {
                for (to, line) in observed.chunks_exact_mut(right.len()).zip(on_image) {
                    to.copy_from_slice(line);
                }
            }
        }
        observed
    }

    fn spectrum(&self, row: usize, scratch: &mut Scratch<T>, hat: &mut [Complex<T>]) {
        let StepScratch { plane, fft, .. } = &mut scratch.step;
        self.planes[self.level(row)].forward(&mut scratch.u, hat, plane, fft);
    }
}

impl<T: Real> std::fmt::Debug for Scattering2d<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scattering2d")
            .field("params", &self.params)
            .field("precision", &T::NAME)
            .field("padded", &self.padded_shape())
            .field("paths", &self.paths.len())
            .finish()
    }
}

/// The power of two that brings `largest` into [1, 2), as far as it is a normal number; 1 for 0.
fn power_of_two_scale<T: Real>(largest: T) -> T {
    if largest == T::zero() {
        return T::one();
    }
    // The reciprocal of the scale must stay normal, so the extremes of the range are not brought all the way.
    let limit = -T::min_positive_value().log2().floor() - T::one();
    let exponent = largest.log2().floor().max(-limit).min(limit);
    T::narrow(2.0).powi(-exponent.to_i32().unwrap_or(0))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_an_exact_power_of_two_over_the_whole_range() {
        for largest in [
            1.0_f32,
            1.5,
            0.75,
            1e-30,
            3e38,
            1e-40,
            f32::MIN_POSITIVE,
            f32::MAX,
        ] {
            let scale = power_of_two_scale(largest);
            assert_eq!(
                scale.to_bits() << 9,
                0,
                "{largest:e}: {scale:e} has a mantissa"
            );
            assert!(
                scale.is_normal() && scale.recip().is_normal(),
                "{largest:e}: {scale:e}"
            );
            if (1e-37..1e37).contains(&largest) {
                assert!(
                    (1.0..2.0).contains(&(largest * scale)),
                    "{largest:e}: {scale:e}"
                );
            }
        }
        assert_eq!(power_of_two_scale(0.0_f64), 1.0);
        assert!(power_of_two_scale(f64::MAX).recip().is_finite());
    }
}
