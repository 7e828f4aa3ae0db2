//! The transform on any layer: an input is brought into range, padded and transformed, and then the walk; many inputs, many
//! threads.
//!
//! Two things are done to an input first, and undone at the end, for the sake of 32-bit precision: it is multiplied by the
//! power of two that brings its largest sample into [1, 2), so that squares neither overflow nor vanish, and its mean is
//! subtracted before the FFT and put back into x̂(0) after it, so that the rounding of a large mean does not drown the small
//! moduli of a smooth image. Both leave the mathematics as it is.

mod along;
mod back;

use std::any::Any;
use std::sync::{Arc, Mutex};

use ndarray::{ArrayViewD, Axis};

use super::cascade::{Group, Scratch, Walk};
use super::design::Design;
use super::keep::Average;
use super::path::Wavelet;
use crate::grid::in_order;
use crate::layer::Layer;
use crate::layer::average::LowPass;
use crate::memory::Footprint;
use crate::num::Real;
use crate::signal::pad::{AxisPadding, Brought, bring, rows_inside};
use crate::{Cancel, Error, Result, parallel};

pub(crate) use along::Derivatives;
pub(crate) use back::{EngineBack, keep_input_back};

/// A transform with its layer left out of the type.
pub(crate) trait Engine<T>: Send + Sync {
    /// Everything that one thread takes.
    fn footprint(&self) -> Footprint;

    /// Scratch for this many threads, at least 1.
    fn scratch(&self, threads: usize) -> Box<dyn Any + Send + Sync>;

    /// Features of inputs `[count, ..]`, one after another.
    ///
    /// # Errors
    /// [`Error::ForeignWorkspace`] if the scratch is of another kind, [`Error::Cancelled`].
    fn run(
        &self,
        inputs: ArrayViewD<'_, T>,
        out: &mut [T],
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
    ) -> Result<()>;

    /// Bytes of the filters as the layer wants them, beside the bank.
    fn bytes(&self) -> u64;
}

/// The cascade of a design on a layer.
pub(crate) struct Cascade<T, L, W, const D: usize> {
    design: Arc<Design<W, D>>,
    layer: L,
    groups: Vec<Group>,
    /// The average of the input itself.
    low_pass: Option<LowPass<T, D>>,
}

/// An input on its way into the walk.
struct Entry<T, L: Layer<T>> {
    /// The input in row-major order, if the caller's is not.
    input: Vec<T>,
    /// The padded, scaled input.
    plane: Vec<T>,
    /// Averages along some axes.
    averages: Vec<T>,
    root: L::Root,
}

/// Scratch of as many threads as there are lines.
struct Threads<T, L: Layer<T>> {
    /// Made when a thread first has an input to itself.
    entries: Vec<Option<Entry<T, L>>>,
    /// Spectra of order 1, of threads that have an input or steps of order 1 to themselves.
    first: Vec<Option<L::Spectrum>>,
    lines: Vec<L::Lines>,
    planes: Vec<L::Planes>,
    deeper: Vec<Vec<L::Spectrum>>,
}

/// What stands for a thread in the vectors of scratch, and the vectors themselves.
type OneThread<T, L> = (
    Option<Entry<T, L>>,
    Option<<L as Layer<T>>::Spectrum>,
    <L as Layer<T>>::Lines,
    <L as Layer<T>>::Planes,
    Threads<T, L>,
);

/// Scratch of one input: of one thread, or of all, which then share the work.
struct Team<'a, T, L: Layer<T>> {
    entry: &'a mut Option<Entry<T, L>>,
    first: &'a mut [Option<L::Spectrum>],
    lines: &'a mut [L::Lines],
    planes: &'a mut [L::Planes],
    deeper: &'a mut [Vec<L::Spectrum>],
}

impl<T, L: Layer<T>> Threads<T, L> {
    /// All threads together.
    fn team(&mut self) -> Team<'_, T, L> {
        Team {
            entry: &mut self.entries[0],
            first: &mut self.first,
            lines: &mut self.lines,
            planes: &mut self.planes,
            deeper: &mut self.deeper,
        }
    }

    /// Every thread by itself.
    fn each(&mut self) -> impl ExactSizeIterator<Item = Team<'_, T, L>> {
        let scratch = self.lines.iter_mut().zip(&mut self.planes);
        let scratch = scratch.zip(&mut self.deeper).zip(&mut self.first);
        let scratch = scratch.zip(&mut self.entries);
        scratch.map(|((((lines, planes), deeper), first), entry)| Team {
            entry,
            first: std::slice::from_mut(first),
            lines: std::slice::from_mut(lines),
            planes: std::slice::from_mut(planes),
            deeper: std::slice::from_mut(deeper),
        })
    }
}

impl<T: Real, L: Layer<T>, W: Wavelet, const D: usize> Cascade<T, L, W, D> {
    pub fn new(design: Arc<Design<W, D>>, layer: L, groups: Vec<Group>) -> Self {
        Self {
            low_pass: low_pass(&design),
            design,
            layer,
            groups,
        }
    }

    /// Samples of an input, as the caller passes it.
    fn input_len(&self) -> usize {
        self.design.axes.iter().map(|axis| axis.len).product()
    }

    fn padded_len(&self) -> usize {
        self.design.axes.iter().map(|axis| axis.padded).product()
    }

    fn entry(&self) -> Entry<T, L> {
        Entry {
            input: vec![T::zero(); self.input_len()],
            plane: vec![T::zero(); self.padded_len()],
            averages: vec![T::zero(); averages_len(&self.low_pass)],
            root: self.layer.root(),
        }
    }

    fn walk<'w>(&'w self, cancel: &'w Cancel) -> Walk<'w, L, W> {
        Walk {
            layer: &self.layer,
            paths: &self.design.paths,
            groups: &self.groups,
            levels: &self.design.levels,
            cancel,
        }
    }

    /// Scratch of a thread that has an input to itself.
    fn prepare<'e>(
        &self,
        entry: &'e mut Option<Entry<T, L>>,
        first: &mut Option<L::Spectrum>,
        planes: &mut L::Planes,
    ) -> &'e mut Entry<T, L> {
        self.prepare_steps(first, planes);
        entry.get_or_insert_with(|| self.entry())
    }

    /// Scratch of a thread that has steps of order 1 to itself.
    fn prepare_steps(&self, first: &mut Option<L::Spectrum>, planes: &mut L::Planes) {
        self.layer.grow(planes, 1);
        if first.is_none() && self.design.paths.max_order() > 1 {
            *first = Some(self.layer.spectrum(1));
        }
    }

    /// As many whole rounds as there are with one input a thread; what is left input by input, each shared among the
    /// threads.
    fn run_batch(
        &self,
        inputs: &ArrayViewD<'_, T>,
        out: &mut [T],
        threads: &mut Threads<T, L>,
        cancel: &Cancel,
    ) {
        let len = self.design.layout.len();
        let count = threads.lines.len();
        let whole = inputs.len_of(Axis(0)) / count * count;
        let (alone, shared) = out.split_at_mut(whole * len);
        if whole > 0 {
            for team in threads.each() {
                self.prepare(team.entry, &mut team.first[0], &mut team.planes[0]);
            }
        }
        let alone = alone.chunks_exact_mut(len).enumerate();
        parallel::for_each(threads.each(), alone, |team, (i, out)| {
            self.run_input(inputs.index_axis(Axis(0), i), out, team, cancel);
        });
        for (i, out) in (whole..).zip(shared.chunks_exact_mut(len)) {
            self.run_input(
                inputs.index_axis(Axis(0), i),
                out,
                &mut threads.team(),
                cancel,
            );
        }
    }

    /// One input.
    fn run_input(
        &self,
        input: ArrayViewD<'_, T>,
        out: &mut [T],
        team: &mut Team<'_, T, L>,
        cancel: &Cancel,
    ) {
        if cancel.is_cancelled() {
            return;
        }
        let Team {
            entry,
            first,
            lines,
            planes,
            deeper,
        } = team;
        let Entry {
            input: copy,
            plane,
            averages,
            root,
        } = self.prepare(entry, &mut first[0], &mut planes[0]);
        let input = in_order(&input, copy);

        let layout = &self.design.layout;
        let row = &mut out[layout.range(0)];
        let brought = bring(&self.design.axes, input, plane);
        keep_input(
            &self.design,
            &self.low_pass,
            input,
            plane,
            &brought,
            row,
            averages,
        );
        let Brought { mean, amplitude } = brought;

        self.layer.enter(plane, mean, root, &mut planes[0], lines);
        let scratch = Scratch {
            first,
            lines,
            planes,
            deeper,
        };
        let out = Mutex::new(out);
        self.walk(cancel).run(root, scratch, &|row, kept: &[T]| {
            // Rows are disjoint; the lock is held for the copy only and no copy can fail half-way.
            let mut out = out.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            for (to, &value) in out[layout.range(row)].iter_mut().zip(kept) {
                *to = value * amplitude;
            }
        });
    }
}

impl<T: Real, L: Layer<T> + 'static, W: Wavelet, const D: usize> Engine<T> for Cascade<T, L, W, D> {
    fn footprint(&self) -> Footprint {
        let max_order = self.design.paths.max_order();
        let own = own_footprint::<T, L, W, D>(&self.design, &self.low_pass, max_order);
        self.layer.footprint(own)
    }

    fn scratch(&self, threads: usize) -> Box<dyn Any + Send + Sync> {
        let deeper = || {
            (2..self.design.paths.max_order())
                .map(|order| self.layer.spectrum(order))
                .collect()
        };
        let mut threads = Threads {
            entries: (0..threads).map(|_| None).collect(),
            first: (0..threads).map(|_| None).collect(),
            lines: (0..threads).map(|_| self.layer.lines()).collect(),
            planes: (0..threads).map(|_| self.layer.planes()).collect(),
            deeper: (0..threads).map(|_| deeper()).collect(),
        };
        // The first thread has inputs to itself in any case, another may never have one.
        let (first, planes) = (&mut threads.first, &mut threads.planes);
        self.prepare(&mut threads.entries[0], &mut first[0], &mut planes[0]);
        for (first, planes) in first.iter_mut().zip(planes).skip(1) {
            if L::SHARED {
                self.layer.grow(planes, 2);
            } else {
                self.prepare_steps(first, planes);
            }
        }
        Box::new(threads)
    }

    fn run(
        &self,
        inputs: ArrayViewD<'_, T>,
        out: &mut [T],
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
    ) -> Result<()> {
        let Some(threads) = scratch.downcast_mut::<Threads<T, L>>() else {
            return Err(Error::ForeignWorkspace);
        };
        match threads.lines.len() {
            1 => self.run_batch(&inputs, out, threads, cancel),
            _ => parallel::inside(|| self.run_batch(&inputs, out, threads, cancel)),
        }
        cancel.check()
    }

    fn bytes(&self) -> u64 {
        self.layer.bytes()
    }
}

/// Row 0: the average of the input, its mean, or the input itself. `plane` is the padded input without its mean.
pub(crate) fn keep_input<T: Real, W: Wavelet, const D: usize>(
    design: &Design<W, D>,
    low_pass: &Option<LowPass<T, D>>,
    input: &[T],
    plane: &[T],
    &Brought { mean, amplitude }: &Brought<T>,
    out: &mut [T],
    averages: &mut [T],
) {
    match (design.average, low_pass) {
        (Average::Local, Some(low_pass)) => {
            low_pass.apply(plane, out, averages);
            let of_mean = mean * T::narrow(design.phi_at_zero);
            for value in out {
                *value = (*value + of_mean) * amplitude;
            }
        }
        (Average::Global, _) => out[0] = mean * amplitude,
        (Average::Sum, _) => {
            // Of the input as it came: what swings around 0 hardly adds up to anything beside its roundings. Signals alone are
            // summed up.
            let axis = &design.axes[0];
            let sources = (0..axis.padded).filter_map(|i| axis.source(i));
            out[0] = T::narrow(sources.map(|i| input[i].widen()).sum());
        }
        _ => {
            let mut to = out.iter_mut();
            rows_inside(&design.axes, input, &mut |row| {
                row.iter()
                    .zip(to.by_ref())
                    .for_each(|(&value, to)| *to = value);
            });
        }
    }
}

/// What one thread of a cascade takes beside its layer, with paths up to this order.
pub(crate) fn own_footprint<T: Real, L: Layer<T> + 'static, W: Wavelet, const D: usize>(
    design: &Design<W, D>,
    low_pass: &Option<LowPass<T, D>>,
    max_order: usize,
) -> Footprint {
    let samples = |len: fn(&AxisPadding) -> usize| design.axes.iter().map(len).product();
    Footprint::default()
        .with::<T>("input", samples(|axis| axis.len))
        .with::<T>("padded input", samples(|axis| axis.padded))
        .with::<T>("averages of the input", averages_len(low_pass))
        .with::<L::Spectrum>("orders", max_order)
        .with::<OneThread<T, L>>("thread", 1)
}

/// The average of the input itself.
pub(crate) fn low_pass<T: Real, W: Wavelet, const D: usize>(
    design: &Design<W, D>,
) -> Option<LowPass<T, D>> {
    (design.average == Average::Local)
        .then(|| LowPass::new(std::array::from_fn(|axis| design.average_of_input(axis))))
}

pub(crate) fn averages_len<T: Real, const D: usize>(low_pass: &Option<LowPass<T, D>>) -> usize {
    low_pass.as_ref().map_or(0, LowPass::scratch_len)
}
