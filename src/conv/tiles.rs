//! The walk over the tiles of a convolution: [`Walk`], with any [`Operator`] that computes them.
//!
//! Comes in: the samples of one signal, or of a batch. Goes out: the samples of its convolution with every kernel. One FFT
//! is the case of one tile.
//!
//! The adjoint of a bank sums over its kernels. It is the same walk with the sum taken before results are stored, among
//! spectra where there are any, so that it costs one inverse a tile.

use std::any::Any;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use num_complex::Complex;

use super::sample::{Samples, SamplesMut};
use super::task::{Task, Tiles};
use crate::memory::Footprint;
use crate::num::Real;
use crate::{Cancel, parallel};

/// What computes tiles.
pub(super) trait Operator<T: Real>: Send + Sync + 'static {
    /// What a unit leaves for all kernels: its samples or its spectrum.
    type Loaded: Send + Sync + 'static;

    /// What one thread works with.
    type Working: Send + Sync + 'static;

    fn task(&self) -> &Task;

    fn tiles(&self) -> &Tiles;

    /// Lengths of all that is in `Loaded` and in `Working`, under names that no other operator uses.
    fn footprint(&self) -> Footprint;

    fn loaded(&self, footprint: &Footprint) -> Self::Loaded;

    fn working(&self, footprint: &Footprint) -> Self::Working;

    /// Gathers the tiles of a unit, and transforms them if that is what it does. Of a sole kernel all may be left in
    /// `working`.
    fn load(
        &self,
        input: Samples<T>,
        unit: usize,
        loaded: &mut Self::Loaded,
        working: &mut Self::Working,
    );

    /// The rest, with one kernel: the results of the unit to `out`, from `offset` on.
    fn finish(
        &self,
        kernel: usize,
        unit: usize,
        loaded: &Self::Loaded,
        working: &mut Self::Working,
        out: &Output<T>,
        offset: usize,
    );

    /// Whether a unit is worth the attention of several threads at a time, with [`together`](Self::together).
    fn shares_passes(&self) -> bool {
        false
    }

    /// A unit with the sole kernel, its passes shared among all workers, of which there are several: the same arithmetic and
    /// the same bits as of one worker alone.
    fn together(
        &self,
        _input: Samples<T>,
        _unit: usize,
        _working: &mut [Self::Working],
        _out: &Output<T>,
        _cancel: &Cancel,
    ) {
        unreachable!("nobody asks for what `shares_passes` denies")
    }

    /// Loads the inputs of all kernels, one after the other, and stores the sum of their results.
    fn sum(
        &self,
        input: Samples<T>,
        unit: usize,
        loaded: &mut Self::Loaded,
        working: &mut Self::Working,
        out: &Output<T>,
    );

    /// Bytes of the kernels.
    fn bytes(&self) -> u64;
}

/// Where threads store results.
pub(super) type Output<'a, T> = Mutex<SamplesMut<'a, T>>;

/// Results, locked. Tiles are disjoint; the lock is held for copies only, and no copy can fail half-way.
pub(super) fn lock<'a, 'b, T>(out: &'a Output<'b, T>) -> MutexGuard<'a, SamplesMut<'b, T>> {
    out.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Every worker's scratch: the [`Scratch`] of the operator.
pub(super) type Workers = Box<dyn Any + Send + Sync>;

/// The parts of all workers, which are borrowed apart.
struct Scratch<L, W> {
    loaded: Vec<L>,
    working: Vec<W>,
}

/// A walk with the operator left out of its type.
pub(super) trait Walk<T>: Send + Sync {
    fn task(&self) -> &Task;

    /// What one worker takes.
    fn footprint(&self) -> Footprint;

    fn workers(&self, count: usize) -> Workers;

    /// All of a batch: whole rounds with one signal a worker, what is left signal by signal, its units or kernels
    /// shared among the workers. No result depends on who computed it. Workers are those of a walk of the same footprint;
    /// between units they look at the flag, and leave the rest as it is once it is set.
    fn run(
        &self,
        input: Samples<T>,
        out: SamplesMut<T>,
        workers: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
    );

    /// Shares of the work on one signal.
    fn units(&self) -> usize;

    /// The first share alone, for the clock.
    fn run_first(
        &self,
        input: Samples<T>,
        out: SamplesMut<T>,
        workers: &mut (dyn Any + Send + Sync),
    );

    /// Bytes of the kernels.
    fn bytes(&self) -> u64;
}

/// The walk over the tiles of an operator.
pub(super) struct Over<O>(pub O);

impl<O> Over<O> {
    /// One share of the work on one signal.
    fn unit<T: Real>(
        &self,
        input: Samples<T>,
        unit: usize,
        loaded: &mut O::Loaded,
        working: &mut O::Working,
        out: &Output<T>,
        cancel: &Cancel,
    ) where
        O: Operator<T>,
    {
        let task = self.0.task();
        if cancel.is_cancelled() {
            return;
        }
        if task.sums() {
            return self.0.sum(input, unit, loaded, working, out);
        }
        self.0.load(input, unit, loaded, working);
        for kernel in 0..task.kernels {
            if cancel.is_cancelled() {
                return;
            }
            let offset = kernel * task.plane_len();
            self.0.finish(kernel, unit, loaded, working, out, offset);
        }
    }

    fn downcast<'a, T: Real>(
        &self,
        workers: &'a mut (dyn Any + Send + Sync),
    ) -> &'a mut Scratch<O::Loaded, O::Working>
    where
        O: Operator<T>,
    {
        match workers.downcast_mut() {
            Some(scratch) => scratch,
            None => unreachable!("footprints are compared before, and they name what they are of"),
        }
    }
}

impl<T: Real, O: Operator<T>> Walk<T> for Over<O> {
    fn task(&self) -> &Task {
        self.0.task()
    }

    fn footprint(&self) -> Footprint {
        self.0.footprint()
    }

    fn workers(&self, count: usize) -> Workers {
        let footprint = self.footprint();
        Box::new(Scratch {
            loaded: Vec::from_iter((0..count).map(|_| self.0.loaded(&footprint))),
            working: Vec::from_iter((0..count).map(|_| self.0.working(&footprint))),
        })
    }

    fn run(
        &self,
        input: Samples<T>,
        out: SamplesMut<T>,
        workers: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
    ) {
        let Scratch { loaded, working } = self.downcast(workers);
        let task = self.0.task();
        let (len, out_len, units) = (task.input_len(), task.output_len(), self.units());
        let rounds = input.len() / len / working.len() * working.len();
        let (together, alone) = input.split_at(rounds * len);
        let (together_out, alone_out) = out.split_at(rounds * out_len);
        let signals = together.chunks(len).zip(together_out.chunks(out_len));
        let workers = loaded.iter_mut().zip(&mut *working);
        parallel::for_each(workers, signals, |(loaded, working), (input, out)| {
            let out = Mutex::new(out);
            (0..units).for_each(|unit| self.unit(input, unit, loaded, working, &out, cancel));
        });
        for (input, out) in alone.chunks(len).zip(alone_out.chunks(out_len)) {
            if units > 1 || task.kernels == 1 || task.sums() {
                let out = Mutex::new(out);
                // Units left over by whole rounds of a unit a worker are done by all workers together.
                let several = working.len() > 1 && self.0.shares_passes();
                let left = if several { units % working.len() } else { 0 };
                let mut all = || {
                    let workers = loaded.iter_mut().zip(&mut *working);
                    parallel::for_each(workers, 0..units - left, |(loaded, working), unit| {
                        self.unit(input, unit, loaded, working, &out, cancel);
                    });
                    for unit in units - left..units {
                        if !cancel.is_cancelled() {
                            self.0.together(input, unit, working, &out, cancel);
                        }
                    }
                };
                match left {
                    0 => all(),
                    _ => parallel::inside(all), // several times to and fro
                }
                continue;
            }
            // One unit and several kernels: loaded once, then the kernels are shared among the workers.
            if cancel.is_cancelled() {
                return;
            }
            self.0.load(input, 0, &mut loaded[0], &mut working[0]);
            let loaded = &loaded[0];
            let planes = out.chunks(task.plane_len()).enumerate();
            parallel::for_each(working.iter_mut(), planes, |working, (kernel, out)| {
                if !cancel.is_cancelled() {
                    let out = Mutex::new(out);
                    self.0.finish(kernel, 0, loaded, working, &out, 0);
                }
            });
        }
    }

    fn units(&self) -> usize {
        self.0.tiles().units()
    }

    fn run_first(
        &self,
        input: Samples<T>,
        out: SamplesMut<T>,
        workers: &mut (dyn Any + Send + Sync),
    ) {
        let Scratch { loaded, working } = self.downcast(workers);
        let (loaded, working) = (&mut loaded[0], &mut working[0]);
        let out = Mutex::new(out);
        self.unit(input, 0, loaded, working, &out, &Cancel::new());
    }

    fn bytes(&self) -> u64 {
        self.0.bytes()
    }
}

/// Copies the beginning of a block of `width` columns to a window of an array of `columns`, whose first sample is
/// `offset`.
pub(super) fn store<S, T: Real>(
    from: &[S],
    width: usize,
    window: [Range<usize>; 2],
    out: &mut SamplesMut<T>,
    offset: usize,
    columns: usize,
    value: impl Fn(&S) -> Complex<T>,
) {
    match out {
        SamplesMut::Real(out) => {
            store_as(from, width, window, &mut out[offset..], columns, |to, x| {
                *to = value(x).re;
            });
        }
        SamplesMut::Complex(out) => {
            store_as(from, width, window, &mut out[offset..], columns, |to, x| {
                *to = value(x);
            });
        }
    }
}

/// [`store`] with any way of putting a value to its place.
pub(super) fn store_as<S, Y>(
    from: &[S],
    width: usize,
    [rows, window]: [Range<usize>; 2],
    out: &mut [Y],
    columns: usize,
    put: impl Fn(&mut Y, &S),
) {
    for (row, from) in rows.zip(from.chunks(width)) {
        let to = &mut out[row * columns..][window.clone()];
        to.iter_mut().zip(from).for_each(|(to, from)| put(to, from));
    }
}
