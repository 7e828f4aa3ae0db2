//! The cascade of images on one instruction set: filters in its vectors, planes, and who does what on which thread.

use std::any::Any;
use std::sync::{Arc, Mutex};

use ndarray::{ArrayView2, ArrayView3, Axis};
use num_complex::Complex;

use super::params::{Average, Scattering2dParams};
use crate::conv::fold::{FilterRun, Fold, OfImage, OfModuli};
use crate::conv::layer::{LayerBuffers, LineBuffers, Plane, Rows};
use crate::filters::{Band, FilterBank2d, Run, Wavelet2d};
use crate::grid::{Grid, signed_frequencies, wrap};
use crate::kernels::isa::Isa;
use crate::kernels::vector::{Cell, Simd, Vector, WithSimd, zero};
use crate::num::sealed::Sealed;
use crate::num::{Real, by_precision};
use crate::parallel;
use crate::scattering::average::{AxisAverage, LowPass};
use crate::scattering::cascade::{Group, Layers, Parent, walk};
use crate::scattering::features::Layout;
use crate::scattering::lanes::{FinishBuffers, LineAverage, Observer};
use crate::scattering::path::PathTable;
use crate::signal::pad::AxisPadding;

/// A plan with its instruction set left out of the type.
pub(super) trait Engine<T>: Send + Sync {
    /// Scratch for this many threads.
    fn workspace(&self, threads: usize) -> Box<dyn Any + Send + Sync>;

    /// Features of a batch; `None` if the workspace is another plan's.
    fn run(
        &self,
        batch: ArrayView3<T>,
        out: &mut [T],
        workspace: &mut (dyn Any + Send + Sync),
    ) -> Option<()>;

    /// Bytes of the filters as the vectors want them, beside the bank.
    fn bytes(&self) -> u64;
}

/// What every instruction set shares.
pub(super) struct Shared<T> {
    pub params: Scattering2dParams,
    pub axes: [AxisPadding; 2],
    pub bank: FilterBank2d<T>,
    pub paths: Arc<PathTable<Wavelet2d>>,
    pub layout: Arc<Layout>,
    /// What is left out of filters, as a share of their peak, and of windows, as a share of their sum.
    pub tolerance: f64,
}

impl<T: Real> Shared<T> {
    /// The level that U of a row lives on.
    fn level(&self, row: usize) -> usize {
        let last = self.paths.last_wavelet(row);
        self.params.level(last.map_or(0, |wavelet| wavelet.j))
    }
}

/// The engine on the vectors of an instruction set.
pub(super) fn engine<T: Real>(isa: Isa, shared: &Arc<Shared<T>>) -> Box<dyn Engine<T>> {
    fn single(isa: Isa, shared: Arc<Shared<f32>>) -> Box<dyn Engine<f32>> {
        f32::with_simd(isa, Build(shared))
    }
    fn double(isa: Isa, shared: Arc<Shared<f64>>) -> Box<dyn Engine<f64>> {
        f64::with_simd(isa, Build(shared))
    }
    fn same<U: 'static>(shared: &dyn Any) -> Arc<Shared<U>> {
        match shared.downcast_ref() {
            Some(shared) => Arc::clone(shared),
            None => unreachable!("U is T"),
        }
    }
    by_precision::<T, _, _, _>(|| single(isa, same(shared)), || double(isa, same(shared)))
}

/// Makes the engine, once its vectors are known.
struct Build<T>(Arc<Shared<T>>);

impl<T: Real> WithSimd<T> for Build<T> {
    type Output = Box<dyn Engine<T>>;

    fn run<S: Simd<T>>(self, simd: S) -> Self::Output {
        Box::new(Cascade::new(simd, self.0))
    }
}

/// Everything a transform needs, in the vectors of one instruction set.
pub(super) struct Cascade<T, S: Simd<T>> {
    simd: S,
    shared: Arc<Shared<T>>,
    /// Every level that a U lives on, finest first, and what is kept of a U there.
    planes: Vec<Plane<T, S>>,
    observers: Vec<Observer<T, S>>,
    /// The wavelets of every group of the first layer.
    first: Vec<FirstWavelets<S::V>>,
    /// The product with a wavelet of every λ, of spectra on every level: `[from][lambda]`; none where no path goes.
    deeper: Vec<Vec<Option<Fold>>>,
    /// The average of the image itself.
    low_pass: Option<LowPass<T>>,
}

/// Wavelets of one scale side by side, on the union of their supports.
struct FirstWavelets<V> {
    values: Vec<V>,
    fold: Fold,
}

/// Scratch of a transform: one part for every thread.
struct Workers<T, S: Simd<T>>(Vec<Worker<T, S>>);

pub(super) struct Worker<T, S: Simd<T>> {
    root: Root<T>,
    /// Spectra of the first moduli, and of those that a walk descends from further on, but for the last order.
    hat: Vec<Cell<S::V>>,
    deeper: Vec<Vec<Cell<S::V>>>,
    buffers: LayerBuffers<S::V>,
    lines: LineBuffers<S::V>,
    finish: FinishBuffers<S::V>,
    /// What is kept of a group, lane by lane.
    kept: Vec<T>,
}

impl<T: Real, S: Simd<T>> AsMut<LineBuffers<S::V>> for Worker<T, S> {
    fn as_mut(&mut self) -> &mut LineBuffers<S::V> {
        &mut self.lines
    }
}

/// An image ready for its first layer.
#[derive(Debug, Default)]
pub(super) struct Root<T> {
    /// The padded, scaled image.
    plane: Vec<T>,
    /// Its half spectrum.
    hat: Vec<Complex<T>>,
    /// Column averages.
    columns: Vec<T>,
    /// What the output is multiplied by to undo the scaling.
    amplitude: T,
}

impl<T: Real, S: Simd<T>> Cascade<T, S> {
    pub fn new(simd: S, shared: Arc<Shared<T>>) -> Self {
        let Shared {
            params,
            axes,
            bank,
            paths,
            ..
        } = &*shared;
        let J = params.J;
        let planes: Vec<_> = (0..=params.level(J - 1))
            .map_while(|level| bank.grid().at_level(level))
            .map(|grid| Plane::new(simd, grid))
            .collect();
        let output_level = J - params.oversampling;
        let axis_average = |level: usize, axis: usize| {
            let n = planes[level].grid().shape[axis];
            AxisAverage::new(
                &bank.phi_axis(axis, n),
                axes[axis].output(J, output_level),
                1 << (output_level - level),
                shared.tolerance,
            )
        };
        let observers = (0..planes.len())
            .map(|level| {
                let kept = axes.each_ref().map(|axis| axis.on_image(level));
                match params.average {
                    Average::Local => Observer::Average(
                        [0, 1].map(|axis| LineAverage::new(simd, &axis_average(level, axis))),
                    ),
                    Average::Global => Observer::Mean { simd, kept },
                    Average::None => Observer::Whole { kept },
                }
            })
            .collect();
        let low_pass = matches!(params.average, Average::Local)
            .then(|| LowPass::new([0, 1].map(|axis| axis_average(0, axis))));

        let groups: Vec<_> = Group::first(paths, S::V::LANES).collect();
        let first = parallel::map(groups.len(), |group| {
            let rows = groups[group].rows();
            let bands: Vec<_> = rows
                .iter()
                .map(|&row| &bank.bands()[paths[row].lambdas[0]])
                .collect();
            let to = planes[shared.level(rows[0])].grid();
            FirstWavelets::new(simd, &bands, shared.tolerance, bank.grid(), to)
        });
        let deeper = planes
            .iter()
            .enumerate()
            .map(|(from, plane)| {
                let from_scales = (0..J).filter(|&j| params.level(j) == from);
                let admitted = |j: usize| {
                    paths.max_order() > 1 && from_scales.clone().any(|parent| parent < j)
                };
                parallel::map(bank.wavelets().len(), |lambda| {
                    let j = bank.wavelets()[lambda].j;
                    admitted(j).then(|| {
                        let runs: Vec<_> = bank.bands()[lambda]
                            .runs_above(from, shared.tolerance)
                            .map(|run| FilterRun {
                                k1: run.k1,
                                k0: run.k0,
                                len: run.values.len(),
                                values: run.start,
                            })
                            .collect();
                        Fold::new(&runs, plane.grid(), planes[params.level(j)].grid())
                    })
                })
            })
            .collect();
        Self {
            simd,
            planes,
            observers,
            first,
            deeper,
            low_pass,
            shared,
        }
    }

    /// Scratch of one thread; the first one's is long enough for a whole image, the others' for what descends from
    /// the first layer, until [`reserve`](Self::reserve) makes it longer.
    fn worker(&self, is_first: bool) -> Worker<T, S> {
        let zero = zero(self.simd);
        let longest = self.observers.iter().map(Observer::len).max().unwrap_or(0);
        let mut worker = Worker {
            root: Root::default(),
            hat: Vec::new(),
            // A path of order m ends on scale m − 1 or coarser; only those with children need a spectrum.
            deeper: (2..self.shared.paths.max_order())
                .map(|order| vec![zero; self.half_len(order)])
                .collect(),
            buffers: LayerBuffers::default(),
            lines: Plane::line_buffers(self.simd, &self.planes, |level| {
                self.observers[level].halo()
            }),
            finish: Observer::finish_buffers(self.simd, &self.observers),
            kept: vec![T::zero(); S::V::LANES * longest],
        };
        if is_first {
            self.reserve(&mut worker);
        } else {
            self.reserve_layers(&mut worker.buffers, 1);
        }
        worker
    }

    /// Cells of the spectra of a path of this order, that has children.
    fn half_len(&self, order: usize) -> usize {
        self.planes[self.shared.params.level(order - 1)].half_len()
    }

    /// Makes a worker's scratch long enough for a whole image.
    fn reserve(&self, worker: &mut Worker<T, S>) {
        self.reserve_layers(&mut worker.buffers, 0);
        if worker.root.plane.is_empty() {
            let complex = Complex::new(T::zero(), T::zero());
            worker.root = Root {
                plane: vec![T::zero(); self.planes[0].grid().len()],
                hat: vec![complex; self.planes[0].half_len()],
                columns: vec![T::zero(); self.low_pass.as_ref().map_or(0, LowPass::scratch_len)],
                amplitude: T::one(),
            };
            if self.shared.paths.max_order() > 1 {
                worker.hat = vec![zero(self.simd); self.half_len(1)];
            }
        }
    }

    /// Makes buffers long enough for layers on scale `finest` and coarser ones.
    fn reserve_layers(&self, buffers: &mut LayerBuffers<S::V>, finest: usize) {
        let level = self.shared.params.level(finest);
        for (plane, observer) in self.planes.iter().zip(&self.observers).skip(level) {
            plane.reserve(buffers, self.shared.paths.max_order() > 1, observer.width());
        }
    }

    /// Pads and scales an image, takes its mean out and writes row 0. Returns the mean.
    fn enter(&self, image: ArrayView2<T>, root: &mut Root<T>, out: &mut [T]) -> T {
        let largest = image
            .iter()
            .fold(T::zero(), |largest, value| largest.max(value.abs()));
        let scale = power_of_two_scale(largest);
        root.amplitude = scale.recip();

        let Shared {
            params,
            axes: [down, right],
            bank,
            layout,
            ..
        } = &*self.shared;
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

        let plane = &mut root.plane;
        for (row, source) in plane.chunks_exact_mut(right.padded).zip(down.source()) {
            let source = source.map(|i| image.row(i));
            for (sample, &k) in row.iter_mut().zip(right.source()) {
                let value = source.zip(k).map_or(T::zero(), |(row, k)| row[k] * scale);
                *sample = value - mean;
            }
        }
        match (params.average, &self.low_pass) {
            (Average::Local, Some(low_pass)) => {
                let at_zero = mean * T::narrow(bank.phi_at_zero());
                let out = &mut out[layout.range(0)];
                low_pass.apply(plane, out, &mut root.columns);
                for value in out {
                    *value = (*value + at_zero) * root.amplitude;
                }
            }
            (Average::Global, _) => out[0] = mean * root.amplitude,
            _ => out
                .iter_mut()
                .zip(&inside)
                .for_each(|(to, &value)| *to = value),
        }
        mean
    }

    /// One layer, its stages shared among the threads.
    fn layer_on(
        &self,
        parent: Parent<'_, Complex<T>, Cell<S::V>>,
        group: &Group,
        hat: Option<&mut [Cell<S::V>]>,
        buffers: &mut LayerBuffers<S::V>,
        workers: &mut [Worker<T, S>],
        emit: &mut impl FnMut(usize, &[T]),
    ) {
        let Shared { paths, bank, .. } = &*self.shared;
        let row = group.rows()[0];
        let path = &paths[row];
        let (to, from) = (
            self.shared.level(row),
            self.shared.level(paths.parent(row).unwrap_or(0)),
        );
        let (plane, observer) = (&self.planes[to], &self.observers[to]);
        match parent {
            Parent::Input(spectrum) => {
                let L = self.shared.params.L;
                let per_scale = L.div_ceil(S::V::LANES);
                let lambda = path.lambdas[0];
                let FirstWavelets { values, fold } =
                    &self.first[lambda / L * per_scale + lambda % L / S::V::LANES];
                let product = OfImage {
                    filter: values,
                    spectrum,
                };
                plane.columns(fold, product, buffers, workers);
            }
            Parent::Moduli(spectrum) => {
                let lambda = path.lambdas[path.order() - 1];
                if let Some(fold) = &self.deeper[from][lambda] {
                    let product = OfModuli {
                        filter: bank.bands()[lambda].values(),
                        spectrum,
                    };
                    plane.columns(fold, product, buffers, workers);
                }
            }
        }
        let scale = 0.5 / self.planes[from].grid().len() as f64; // spectra are twice as large as they should be
        let goes_on = hat.is_some();
        plane.rows(T::narrow(scale), observer, goes_on, buffers, workers);
        if let Some(hat) = hat {
            plane.spectrum(buffers, hat, workers);
        }
        let Worker { finish, kept, .. } = &mut workers[0];
        observer.finish(&buffers.rows, finish, kept);
        let kept = kept.chunks(observer.len());
        for (&row, kept) in group.rows().iter().zip(kept) {
            emit(row, kept);
        }
    }

    /// As many whole rounds as there are with one image a worker; what is left image by image, each shared among the
    /// workers.
    fn run_batch(&self, batch: ArrayView3<T>, out: &mut [T], workers: &mut [Worker<T, S>]) {
        let len = self.shared.layout.len();
        let whole = batch.len_of(Axis(0)) / workers.len() * workers.len();
        let (by_image, shared) = batch.split_at(Axis(0), whole);
        let (by_image_out, shared_out) = out.split_at_mut(whole * len);
        if whole > 0 {
            workers.iter_mut().for_each(|worker| self.reserve(worker));
        }
        let by_image = by_image
            .outer_iter()
            .zip(by_image_out.chunks_exact_mut(len));
        parallel::for_each(workers, by_image, |worker, (image, out)| {
            self.run_image(image, out, std::slice::from_mut(worker));
        });
        for (image, out) in shared.outer_iter().zip(shared_out.chunks_exact_mut(len)) {
            self.run_image(image, out, workers);
        }
    }

    /// One image. The workers share the stages of every first layer, and then the paths that descend from it.
    fn run_image(&self, image: ArrayView2<T>, out: &mut [T], workers: &mut [Worker<T, S>]) {
        let paths = &self.shared.paths;
        let mut root = std::mem::take(&mut workers[0].root);
        let mut hat = std::mem::take(&mut workers[0].hat);
        let mut buffers = std::mem::take(&mut workers[0].buffers);
        let mean = self.enter(image, &mut root, out);
        let Root {
            plane, hat: x_hat, ..
        } = &mut root;
        self.planes[0].image_spectrum(plane, x_hat, &mut buffers, workers);
        x_hat[0].re += mean * T::narrow(2.0 * plane.len() as f64); // spectra are twice as large as they should be
        let out = Mutex::new(out);
        let emit = |row: usize, values: &[T]| {
            // Rows are disjoint; the lock is held for the copy only and no copy can fail half-way.
            let mut out = out.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            self.store(row, values, root.amplitude, &mut out);
        };
        for first in Group::first(paths, S::V::LANES) {
            let goes_on = first.has_children(paths);
            self.layer_on(
                Parent::Input(&root.hat),
                &first,
                goes_on.then_some(&mut hat[..]),
                &mut buffers,
                workers,
                &mut { emit },
            );
            workers[0].buffers = std::mem::take(&mut buffers);
            parallel::for_each(workers, first.children(paths), |worker, child| {
                let mut deeper = std::mem::take(&mut worker.deeper);
                let parent = Parent::Moduli(&hat[..]);
                walk(self, paths, parent, child, &mut deeper, worker, &mut {
                    emit
                });
                worker.deeper = deeper;
            });
            buffers = std::mem::take(&mut workers[0].buffers);
        }
        workers[0].buffers = buffers;
        (workers[0].hat, workers[0].root) = (hat, root);
    }

    fn store(&self, row: usize, values: &[T], amplitude: T, out: &mut [T]) {
        let out = &mut out[self.shared.layout.range(row)];
        for (to, &value) in out.iter_mut().zip(values) {
            *to = value * amplitude;
        }
    }
}

impl<T: Real, S: Simd<T>> Layers<T> for Cascade<T, S> {
    type Input = Complex<T>;
    type Moduli = Cell<S::V>;
    type Scratch = Worker<T, S>;

    fn layer(
        &self,
        parent: Parent<'_, Complex<T>, Cell<S::V>>,
        group: &Group,
        hat: Option<&mut [Cell<S::V>]>,
        worker: &mut Worker<T, S>,
        emit: &mut impl FnMut(usize, &[T]),
    ) {
        let mut buffers = std::mem::take(&mut worker.buffers);
        let alone = std::slice::from_mut(worker);
        self.layer_on(parent, group, hat, &mut buffers, alone, emit);
        worker.buffers = buffers;
    }
}

impl<T: Real, S: Simd<T>> Engine<T> for Cascade<T, S> {
    fn workspace(&self, threads: usize) -> Box<dyn Any + Send + Sync> {
        let workers = (0..threads.max(1)).map(|i| self.worker(i == 0));
        Box::new(Workers::<T, S>(workers.collect()))
    }

    fn run(
        &self,
        batch: ArrayView3<T>,
        out: &mut [T],
        workspace: &mut (dyn Any + Send + Sync),
    ) -> Option<()> {
        let Workers(workers) = workspace.downcast_mut::<Workers<T, S>>()?;
        let fits = workers[0].root.plane.len() == self.planes[0].grid().len();
        fits.then(|| match &mut workers[..] {
            [_] => self.run_batch(batch, out, workers),
            _ => parallel::inside(|| self.run_batch(batch, out, workers)),
        })
    }

    fn bytes(&self) -> u64 {
        let first: u64 = self.first.iter().map(FirstWavelets::bytes).sum();
        let deeper: u64 = self
            .deeper
            .iter()
            .flatten()
            .flatten()
            .map(Fold::bytes)
            .sum();
        first + deeper
    }
}

impl<V: Copy> FirstWavelets<V> {
    fn bytes(&self) -> u64 {
        size_of_val(&self.values[..]) as u64 + self.fold.bytes()
    }

    /// Wavelets, one in each lane, and their product with spectra on `from`, folded to `to`.
    fn new<T: Real, S: Simd<T, V = V>>(
        simd: S,
        bands: &[&Band<T>],
        tolerance: f64,
        from: Grid<2>,
        to: Grid<2>,
    ) -> Self
    where
        V: Vector<T>,
    {
        let [n0, n1] = from.shape;
        let lanes = V::LANES;
        let mut values = Vec::new();
        let mut runs: Vec<FilterRun> = Vec::new();
        let mut row = vec![T::zero(); n0 * lanes];
        let mut filled = vec![false; n0];
        let mut sources: Vec<_> = bands
            .iter()
            .map(|band| band.runs_above(0, tolerance).peekable())
            .collect();
        for k1 in signed_frequencies(n1) {
            for (lane, source) in sources.iter_mut().enumerate() {
                while let Some(Run { k0, values, .. }) = source.next_if(|run| run.k1 == k1) {
                    for (k0, &value) in (k0..).zip(values) {
                        let at = wrap(k0, n0);
                        row[at * lanes + lane] = value;
                        filled[at] = true;
                    }
                }
            }
            let mut open = false;
            for k0 in signed_frequencies(n0) {
                let at = wrap(k0, n0);
                if !std::mem::take(&mut filled[at]) {
                    open = false;
                    continue;
                }
                match runs.last_mut() {
                    Some(run) if open => run.len += 1,
                    _ => runs.push(FilterRun {
                        k1,
                        k0,
                        len: 1,
                        values: values.len(),
                    }),
                }
                open = true;
                let lanes = &mut row[at * lanes..][..lanes];
                values.push(simd.load(lanes));
                lanes.fill(T::zero());
            }
        }
        Self {
            fold: Fold::new(&runs, from, to),
            values,
        }
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
