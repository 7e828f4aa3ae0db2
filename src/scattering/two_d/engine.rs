//! The cascade of images on one instruction set: filters in its vectors, planes, and who does what on which thread.

use std::any::Any;
use std::sync::{Arc, Mutex};

use ndarray::{ArrayView2, ArrayView3, Axis};
use num_complex::Complex;

use super::params::{Average, Scattering2dParams};
use crate::filters::{FilterBank, FilterBank2d, Wavelet2d};
use crate::grid::Grid;
use crate::kernels::isa::Isa;
use crate::kernels::vector::{Cell, Simd, Vector, WithSimd, zero};
use crate::layer::average::{AxisAverage, LowPass};
use crate::layer::fold::{Filters, Fold, OfImage, OfModuli};
use crate::layer::observe::{FinishBuffers, Keeps, LineAverage, Observer};
use crate::layer::side_by_side::{self, LayerBuffers, LineBuffers, Plane, Rows};
use crate::num::sealed::Sealed;
use crate::num::{Real, by_precision};
use crate::parallel;
use crate::scattering::cascade::{Group, Layers, Parent, walk};
use crate::scattering::features::Layout;
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
        let Shared { params, bank, .. } = &*self.0;
        let grids = levels(params, bank);
        match side_by_side::parts(S::V::LANES, params.L, grids.iter().copied()) {
            1 => Box::new(Cascade::<T, S, 1>::new(simd, self.0, &grids)),
            _ => Box::new(Cascade::<T, S, 2>::new(simd, self.0, &grids)),
        }
    }
}

/// Every level that a U lives on, finest first.
fn levels<T: Real>(params: &Scattering2dParams, bank: &FilterBank2d<T>) -> Vec<Grid<2>> {
    (0..=params.level(params.J - 1))
        .map_while(|level| bank.grid().at_level(level))
        .collect()
}

/// Everything a transform needs, in the vectors of one instruction set, which hold `PARTS` neighbours each.
pub(super) struct Cascade<T, S: Simd<T>, const PARTS: usize> {
    simd: S,
    shared: Arc<Shared<T>>,
    /// The transforms of every level that a U lives on, finest first, and what is kept of a U there.
    planes: Vec<Plane<T, S>>,
    observers: Vec<Observer<T, S>>,
    /// The wavelets of every group of the first layer.
    first: Vec<Wavelets<S::V>>,
    /// The wavelet of every λ for spectra on every level: `[from][lambda]`; none where no path goes.
    deeper: Vec<Vec<Option<Wavelets<[T; PARTS]>>>>,
    /// The average of the image itself.
    low_pass: Option<LowPass<T>>,
}

/// Wavelets side by side, and how their products with spectra are folded.
struct Wavelets<F> {
    values: Vec<F>,
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

impl<T: Real, S: Simd<T>, const PARTS: usize> Cascade<T, S, PARTS> {
    /// Paths that walk side by side.
    const SLOTS: usize = S::V::LANES / PARTS;

    fn new(simd: S, shared: Arc<Shared<T>>, grids: &[Grid<2>]) -> Self {
        let Shared {
            params,
            axes,
            bank,
            paths,
            ..
        } = &*shared;
        let J = params.J;
        let planes: Vec<_> = grids
            .iter()
            .map(|&grid| Plane::new(simd, grid, PARTS))
            .collect();
        let output_level = J - params.oversampling;
        let axis_average = |level: usize, axis: usize| {
            let n = planes[level].grid().shape[axis];
            AxisAverage::new(
                &bank.low_pass(axis, n),
                axes[axis].output(J, output_level),
                1 << (output_level - level),
                shared.tolerance,
            )
        };
        let observers = (0..planes.len())
            .map(|level| {
                let kept = axes.each_ref().map(|axis| axis.on_image(level));
                let keeps = match params.average {
                    Average::Local => Keeps::Average(
                        [0, 1].map(|axis| LineAverage::new(simd, &axis_average(level, axis))),
                    ),
                    Average::Global => Keeps::Mean(kept),
                    Average::None => Keeps::Whole(kept),
                };
                Observer::new(simd, PARTS, keeps)
            })
            .collect();
        let low_pass = matches!(params.average, Average::Local)
            .then(|| LowPass::new([0, 1].map(|axis| axis_average(0, axis))));

        let groups: Vec<_> = Group::first(paths, Self::SLOTS).collect();
        let first = parallel::map(groups.len(), |group| {
            let rows = groups[group].rows();
            let filters = rows
                .iter()
                .map(|&row| bank.bands()[paths[row].lambdas[0]].runs_above(0, shared.tolerance));
            let from = bank.grid();
            let load = |row: &[T]| simd.load(row);
            let filters = Filters::side_by_side(PARTS, Self::SLOTS, filters, from.shape, load);
            Wavelets {
                fold: Fold::new(&filters, 1, from, grids[shared.level(rows[0])]),
                values: filters.values,
            }
        });
        let deeper = grids
            .iter()
            .enumerate()
            .map(|(from, grid)| {
                let from_scales = (0..J).filter(|&j| params.level(j) == from);
                let admitted = |j: usize| {
                    paths.max_order() > 1 && from_scales.clone().any(|parent| parent < j)
                };
                parallel::map(bank.wavelets().len(), |lambda| {
                    let j = bank.wavelets()[lambda].j;
                    admitted(j).then(|| {
                        let filter = bank.bands()[lambda].runs_above(from, shared.tolerance);
                        let filter = std::iter::once(filter);
                        let entry = |row: &[T]| std::array::from_fn(|part| row[part]);
                        let filters = Filters::side_by_side(PARTS, 1, filter, grid.shape, entry);
                        Wavelets {
                            fold: Fold::new(&filters, PARTS, *grid, grids[params.level(j)]),
                            values: filters.values,
                        }
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
            kept: vec![T::zero(); Self::SLOTS * longest],
        };
        if is_first {
            self.reserve(&mut worker);
        } else {
            self.reserve_layers(&mut worker.buffers, 2);
        }
        worker
    }

    /// Cells of the spectra of a path of this order, that has children.
    fn half_len(&self, order: usize) -> usize {
        self.planes[self.shared.params.level(order - 1)].half_len()
    }

    /// Makes a worker's scratch long enough for a whole image.
    fn reserve(&self, worker: &mut Worker<T, S>) {
        self.reserve_layers(&mut worker.buffers, 1);
        if worker.root.plane.is_empty() {
            let complex = Complex::new(T::zero(), T::zero());
            worker.root = Root {
                plane: vec![T::zero(); self.planes[0].grid().len()],
                hat: vec![complex; self.planes[0].image_half_len()],
                columns: vec![T::zero(); self.low_pass.as_ref().map_or(0, LowPass::scratch_len)],
                amplitude: T::one(),
            };
            if self.shared.paths.max_order() > 1 {
                worker.hat = vec![zero(self.simd); self.half_len(1)];
            }
        }
    }

    /// Makes buffers long enough for layers of this order and of higher ones: their scale is at least one less.
    fn reserve_layers(&self, buffers: &mut LayerBuffers<S::V>, order: usize) {
        let Shared { params, paths, .. } = &*self.shared;
        let goes_on = paths.max_order() > order;
        let planes = self.planes.iter().zip(&self.observers);
        for (plane, observer) in planes.skip(params.level(order - 1)) {
            plane.reserve(buffers, goes_on, observer.width());
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
        // Eight sums side by side: one alone would wait for every addition.
        let mut sums = [0.0; 8];
        for row in inside.rows() {
            for (i, &value) in row.iter().enumerate() {
                sums[i % 8] += (value * scale).widen();
            }
        }
        let sum: f64 = sums.into_iter().sum();
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
        let paths = &self.shared.paths;
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
                let per_scale = L.div_ceil(Self::SLOTS);
                let lambda = path.lambdas[0];
                let Wavelets { values, fold } =
                    &self.first[lambda / L * per_scale + lambda % L / Self::SLOTS];
                let product = OfImage::<T, S::V, PARTS> {
                    filter: values,
                    spectrum,
                };
                plane.columns(fold, product, buffers, workers);
            }
            Parent::Moduli(spectrum) => {
                let lambda = path.lambdas[path.order() - 1];
                if let Some(Wavelets { values, fold }) = &self.deeper[from][lambda] {
                    let product = OfModuli::<T, S::V, PARTS> {
                        filter: values,
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
        for first in Group::first(paths, Self::SLOTS) {
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

impl<T: Real, S: Simd<T>, const PARTS: usize> Layers<T> for Cascade<T, S, PARTS> {
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

impl<T: Real, S: Simd<T>, const PARTS: usize> Engine<T> for Cascade<T, S, PARTS> {
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
        let first: u64 = self.first.iter().map(Wavelets::bytes).sum();
        let deeper = self.deeper.iter().flatten().flatten();
        let deeper: u64 = deeper.map(Wavelets::bytes).sum();
        first + deeper
    }
}

impl<F> Wavelets<F> {
    fn bytes(&self) -> u64 {
        size_of_val(&self.values[..]) as u64 + self.fold.bytes()
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
