//! [`Blocks`]: a long signal block by block, each by the same plan of a shorter one.
//!
//! ```text
//! samples:   ├─ reach ─┼──────── hop ────────┼─ reach ─┤
//!                      └ what is kept of this block: what sees nothing but the block
//! next:                            ├─ reach ─┼──────── hop ────────┼─ reach ─┤
//! ```
//!
//! A path whose samples leave the second-level cache takes more time a sample the longer it is; in blocks it takes the same, and that of the
//! surroundings, which are transformed twice. Hops are multiples of the coarsest subsampling, so that every U is sampled where it would be in
//! one piece.
//!
//! The way back goes through the same blocks. Those next to each other share samples, so that every other block adds to the gradient
//! first, and then those between: the order of the sums, and with it every bit, does not depend on the threads.

use std::any::Any;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayView1, ArrayViewD, Axis, Ix1};

use crate::filters::Wavelet1d;
use crate::filters::padding::shortest;
use crate::grid::in_order;
use crate::layer::Visitor;
use crate::memory::Footprint;
use crate::num::Real;
use crate::scattering::design::Design;
use crate::scattering::engine::{Derivatives, Engine, EngineBack};
use crate::signal::Padding;
use crate::signal::pad::{AxisPadding, reflect};
use crate::{Cancel, Error, Result, parallel};

/// Bytes of samples up to which a sample takes the same time, about; beyond, time a sample grows as the sixth root of the length.
const FLAT: f64 = 65536.0;

/// What blocks have to take of the time of the whole to be worth it.
const WORTH: f64 = 0.9;

/// How a signal is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Samples transformed at a time, surroundings included.
    pub block: usize,
    /// Samples that filters see on either side of what is kept, at least.
    pub reach: usize,
}

impl Tiling {
    /// Blocks of which at least so many samples are kept, all of them multiples of `step`.
    pub fn new(reach: f64, least: usize, step: usize) -> Self {
        let reach = (reach.ceil() as usize).next_multiple_of(step);
        Self {
            block: shortest(2 * reach + least, step),
            reach,
        }
    }

    /// The tiling of a padded axis that takes the least time, if it takes less than all of it at once. Without one where the ends of the
    /// padded axis see each other: blocks would not.
    pub fn fastest<T>(axis: &AxisPadding, reach: f64, step: usize) -> Option<Self> {
        let ends = axis.begin.min(axis.padded - axis.end);
        if axis.padding() != Padding::Periodic && reach > ends as f64 {
            return None;
        }
        let flat = FLAT / size_of::<T>() as f64;
        let time = |len: usize| len as f64 * (len as f64 / flat).max(1.0).powf(1.0 / 6.0);
        let whole = time(axis.padded);
        if whole <= axis.padded as f64 {
            return None;
        }
        let least = (2.0 * reach).max(flat / 2.0) as usize;
        let tilings = (1..=8).map(|times| Self::new(reach, times * least, step));
        let timed = tilings.map(|tiling| {
            let count = (axis.end - axis.begin).div_ceil(tiling.hop());
            (count as f64 * time(tiling.block), tiling)
        });
        let (least, tiling) = timed.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
        (least < WORTH * whole).then_some(tiling)
    }

    /// Samples between the beginnings of two blocks: what is kept of one.
    pub fn hop(self) -> usize {
        self.block - 2 * self.reach
    }

    /// A block, which brings its surroundings along.
    pub fn axis(self) -> AxisPadding {
        AxisPadding::of(Padding::PrePadded, self.hop(), self.block, self.reach).whole()
    }
}

/// The engine of a signal in blocks.
pub(super) struct Blocks<T> {
    /// Of one block.
    inner: Box<dyn Derivatives<T>>,
    block: Arc<Design<Wavelet1d, 1>>,
    /// Of the signal in one piece.
    whole: Arc<Design<Wavelet1d, 1>>,
    tiling: Tiling,
    /// The sample of the padded signal at which what is kept of the first block begins.
    first: usize,
    count: usize,
}

/// One thread's scratch.
struct Worker<T> {
    scratch: Box<dyn Any + Send + Sync>,
    samples: Vec<T>,
    features: Vec<T>,
    /// Only on the way back.
    gradient: Vec<T>,
}

/// Scratch of the way there.
struct There<T>(Vec<Worker<T>>);

/// Scratch of the way back.
struct Back<T> {
    workers: Vec<Worker<T>>,
    /// The weights of a signal in row-major order, if the caller's are not.
    weights: Vec<T>,
}

impl<T: Real> Blocks<T> {
    pub fn new(
        inner: Box<dyn Derivatives<T>>,
        block: Arc<Design<Wavelet1d, 1>>,
        whole: Arc<Design<Wavelet1d, 1>>,
        tiling: Tiling,
        step: usize,
    ) -> Self {
        let axis = &whole.axes[0];
        let first = axis.begin / step * step;
        Self {
            inner,
            tiling,
            first,
            count: (axis.end - first).div_ceil(tiling.hop()),
            block,
            whole,
        }
    }

    fn axis(&self) -> &AxisPadding {
        &self.whole.axes[0]
    }

    /// The sample of the signal, or of what lies beside it, that a block begins with.
    fn begin(&self, block: usize) -> i64 {
        let Tiling { reach, .. } = self.tiling;
        let first = self.first + block * self.tiling.hop();
        first as i64 - reach as i64 - self.axis().begin as i64
    }

    /// The sample that stands at a place in or beside the signal.
    fn source(&self, at: i64) -> Option<usize> {
        let AxisPadding { len, .. } = *self.axis();
        match self.axis().padding() {
            Padding::Periodic => Some(at.rem_euclid(len as i64) as usize),
            padding => reflect(padding, at, len),
        }
    }

    fn cut(&self, signal: ArrayView1<'_, T>, block: usize, samples: &mut [T]) {
        for (at, to) in (self.begin(block)..).zip(samples) {
            *to = self.source(at).map_or(T::zero(), |i| signal[i]);
        }
    }

    /// The transpose of [`cut`](Self::cut).
    fn add(&self, samples: &[T], block: usize, signal: &mut [T]) {
        for (at, &value) in (self.begin(block)..).zip(samples) {
            if let Some(i) = self.source(at) {
                signal[i] += value;
            }
        }
    }

    /// What is kept of a block: where it stands among its numbers, and among those of the signal, row by row.
    fn kept(&self, block: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let begin = self.first + block * self.tiling.hop();
        let end = begin + self.tiling.hop();
        (0..self.whole.layout.rows()).map(move |row| {
            let level = self.whole.level_kept(row);
            let on_signal = self.axis().on_image(level);
            let from = (begin >> level).max(on_signal.start);
            let to = (end >> level).min(on_signal.end).max(from);
            let within = |start: usize, first: usize| start + from - first..start + to - first;
            (
                within(self.block.layout.range(row).start, begin >> level),
                within(self.whole.layout.range(row).start, on_signal.start),
            )
        })
    }

    /// The weights of what is kept of a block; zeros elsewhere.
    fn weigh(&self, weights: &[T], block: usize, of_block: &mut [T]) {
        of_block.fill(T::zero());
        for (to, from) in self.kept(block) {
            of_block[to].copy_from_slice(&weights[from]);
        }
    }

    fn worker(&self, scratch: Box<dyn Any + Send + Sync>, gradient: usize) -> Worker<T> {
        Worker {
            scratch,
            samples: vec![T::zero(); self.tiling.block],
            features: vec![T::zero(); self.block.layout.len()],
            gradient: vec![T::zero(); gradient],
        }
    }

    fn own_footprint(&self, others: Footprint) -> Footprint {
        others
            .with::<Worker<T>>("thread of blocks", 1)
            .with::<T>("samples of a block", self.tiling.block)
            .with::<T>("features of a block", self.block.layout.len())
    }
}

/// A batch of one signal.
fn alone<T>(line: &[T]) -> ArrayViewD<'_, T> {
    ArrayView1::from(line).insert_axis(Axis(0)).into_dyn()
}

/// One signal of a batch.
fn signal<'a, T>(signals: &'a ArrayViewD<'_, T>, i: usize) -> ArrayView1<'a, T> {
    let signal = signals.index_axis(Axis(0), i);
    match signal.into_dimensionality::<Ix1>() {
        Ok(signal) => signal,
        Err(error) => unreachable!("signals have one axis: {error}"),
    }
}

impl<T: Real> Engine<T> for Blocks<T> {
    fn footprint(&self) -> Footprint {
        self.own_footprint(self.inner.footprint())
    }

    fn scratch(&self, threads: usize) -> Box<dyn Any + Send + Sync> {
        let workers = (0..threads).map(|_| self.worker(self.inner.scratch(1), 0));
        Box::new(There(workers.collect()))
    }

    fn run(
        &self,
        inputs: ArrayViewD<'_, T>,
        out: &mut [T],
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
    ) -> Result<()> {
        let Some(There(workers)) = scratch.downcast_mut::<There<T>>() else {
            return Err(Error::ForeignWorkspace);
        };
        let len = self.whole.layout.len();
        let out = Mutex::new(out);
        let blocks =
            (0..inputs.len_of(Axis(0)) * self.count).map(|i| (i / self.count, i % self.count));
        parallel::for_each(workers, blocks, |worker, (i, block)| {
            self.cut(signal(&inputs, i), block, &mut worker.samples);
            let Worker {
                scratch,
                samples,
                features,
                ..
            } = worker;
            if self
                .inner
                .run(alone(samples), features, &mut **scratch, cancel)
                .is_err()
            {
                return; // cancelled, as is said below
            }
            // Rows of different blocks are disjoint; no copy can fail half-way.
            let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
            for (from, to) in self.kept(block) {
                out[i * len..][to].copy_from_slice(&features[from]);
            }
        });
        cancel.check()
    }

    fn bytes(&self) -> u64 {
        self.inner.bytes()
    }
}

impl<T: Real> EngineBack<T> for Blocks<T> {
    fn back_footprint(&self) -> Footprint {
        self.own_footprint(self.inner.back_footprint())
            .with::<T>("gradient of a block", self.tiling.block)
            .with::<T>("weights of a signal", self.whole.layout.len())
    }

    fn back_scratch(&self, threads: usize) -> Box<dyn Any + Send + Sync> {
        let worker = |_| self.worker(self.inner.back_scratch(1), self.tiling.block);
        Box::new(Back {
            workers: (0..threads).map(worker).collect(),
            weights: vec![T::zero(); self.whole.layout.len()],
        })
    }

    fn run_back(
        &self,
        inputs: ArrayViewD<'_, T>,
        weights: ArrayViewD<'_, T>,
        out: &mut [T],
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
    ) -> Result<()> {
        let Some(Back {
            workers,
            weights: copy,
        }) = scratch.downcast_mut::<Back<T>>()
        else {
            return Err(Error::ForeignWorkspace);
        };
        for (i, out) in out.chunks_exact_mut(self.axis().len).enumerate() {
            let weights = weights.index_axis(Axis(0), i);
            let weights = in_order(&weights, copy);
            out.fill(T::zero());
            let out = Mutex::new(out);
            for parity in 0..2 {
                let blocks = (parity..self.count).step_by(2);
                parallel::for_each(&mut *workers, blocks, |worker, block| {
                    self.cut(signal(&inputs, i), block, &mut worker.samples);
                    self.weigh(weights, block, &mut worker.features);
                    let Worker {
                        scratch,
                        samples,
                        features,
                        gradient,
                    } = worker;
                    let of = [&*samples, features].map(|of| alone(of));
                    let [samples, features] = of;
                    if self
                        .inner
                        .run_back(samples, features, gradient, &mut **scratch, cancel)
                        .is_err()
                    {
                        return; // cancelled, as is said below
                    }
                    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                    self.add(gradient, block, &mut out);
                });
            }
        }
        cancel.check()
    }
}

impl<T: Real> Derivatives<T> for Blocks<T> {
    fn run_filters(
        &self,
        inputs: ArrayViewD<'_, T>,
        weights: ArrayViewD<'_, T>,
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
        visit: &mut Visitor<'_>,
    ) -> Result<()> {
        let Some(Back {
            workers,
            weights: copy,
        }) = scratch.downcast_mut::<Back<T>>()
        else {
            return Err(Error::ForeignWorkspace);
        };
        for i in 0..inputs.len_of(Axis(0)) {
            let weights = weights.index_axis(Axis(0), i);
            let weights = in_order(&weights, copy);
            for block in 0..self.count {
                let worker = &mut workers[0];
                self.cut(signal(&inputs, i), block, &mut worker.samples);
                self.weigh(weights, block, &mut worker.features);
                let of = [&worker.samples, &worker.features].map(|of| alone(of));
                let [samples, features] = of;
                self.inner
                    .run_filters(samples, features, &mut *worker.scratch, cancel, visit)?;
            }
        }
        Ok(())
    }

    fn run_along(
        &self,
        inputs: ArrayViewD<'_, T>,
        directions: ArrayViewD<'_, T>,
        out: &mut [T],
        cancel: &Cancel,
    ) -> Result<()> {
        let zeros = || vec![T::zero(); self.tiling.block];
        let (mut samples, mut features) =
            ([zeros(), zeros()], vec![T::zero(); self.block.layout.len()]);
        for (i, out) in out.chunks_exact_mut(self.whole.layout.len()).enumerate() {
            for block in 0..self.count {
                for (signals, samples) in [&inputs, &directions].into_iter().zip(&mut samples) {
                    self.cut(signal(signals, i), block, samples);
                }
                let [input, direction] = samples.each_ref().map(|samples| alone(samples));
                self.inner
                    .run_along(input, direction, &mut features, cancel)?;
                for (from, to) in self.kept(block) {
                    out[to].copy_from_slice(&features[from]);
                }
            }
        }
        Ok(())
    }
}
