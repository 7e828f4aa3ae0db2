//! The engine of joint scattering: a layer over time, then one across the wavelets, for every wavelet of the second layer.

mod back;

use std::any::Any;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{ArrayViewD, Axis};

use crate::filters::{FilterBank, FilterBank1d, Wavelet1d};
use crate::grid::in_order;
use crate::isa::Isa;
use crate::kernels::pass::{Passes, WithSimd};
use crate::layer::alone::{Alone, Keep, Lines, Steps};
use crate::layer::average::LowPass;
use crate::layer::frequency::{Across, Columns, Frequency};
use crate::layer::phases::{For, Frequencies};
use crate::layer::{Layer, Parent, Step};
use crate::memory::Footprint;
use crate::num::Real;
use crate::num::sealed::{PerPrecision, Sealed};
use crate::scattering::design::Design;
use crate::scattering::engine::{Engine, EngineBack, averages_len, keep_input, low_pass};
use crate::scattering::keep::Average;
use crate::signal::pad::{Brought, bring};
use crate::{Cancel, Error, Result, parallel};

/// A wavelet of the second layer.
pub(super) struct Order2 {
    pub lambda: usize,
    /// How many wavelets of the first layer it follows.
    pub count: usize,
    /// Where U2 lives.
    pub level: usize,
    /// Wavelets across n1, and the rows of each.
    pub rows: Vec<(usize, usize)>,
}

/// Everything that an engine is made from.
pub(super) struct Blueprint<T> {
    pub isa: Isa,
    /// Over time, with the layout of the joint transform.
    pub design: Arc<Design<Wavelet1d, 1>>,
    pub banks: Vec<FilterBank1d<T>>,
    /// Wavelets of the first layer.
    pub first: usize,
    pub len_across: usize,
    pub across: Vec<Across<T>>,
    pub order1: Vec<(usize, usize)>,
    pub order2: Vec<Order2>,
    /// Whether order 0 has a row.
    pub zeroth: bool,
    /// The samples of local averages that lie on the signal.
    pub local_outputs: Range<usize>,
}

/// The engine of a blueprint.
pub(super) fn engine<T: Real>(blueprint: Blueprint<T>) -> Box<dyn EngineBack<T>> {
    struct From;
    impl PerPrecision for From {
        type Of<T: Real> = Blueprint<T>;
    }
    struct To;
    impl PerPrecision for To {
        type Of<T: Real> = Box<dyn EngineBack<T>>;
    }
    fn single(blueprint: Blueprint<f32>) -> Box<dyn EngineBack<f32>> {
        f32::with_simd(blueprint.isa, blueprint)
    }
    fn double(blueprint: Blueprint<f64>) -> Box<dyn EngineBack<f64>> {
        f64::with_simd(blueprint.isa, blueprint)
    }
    T::choose::<From, To>(blueprint, single, double)
}

impl<T: Real> WithSimd<T> for Blueprint<T> {
    type Output = Box<dyn EngineBack<T>>;

    fn run<S: Passes<T>>(self, simd: S) -> Box<dyn EngineBack<T>> {
        let Self { design, banks, .. } = self;
        let axis = &design.axes[0];
        let lengths: Vec<usize> = design.grids.iter().map(|grid| grid.shape[0]).collect();
        // Order 1 is averaged locally in any case.
        let of_order1 = lengths.iter().enumerate();
        let of_order1 =
            of_order1.map(|(level, &len)| (len, Keep::Average(design.average(level, 0))));
        let keeps = (0..lengths.len()).map(|level| match design.average {
            Average::Local => Keep::Average(design.average(level, 0)),
            Average::Global => Keep::Mean(axis.on_image(level)),
            Average::Sum => Keep::Sum,
            Average::None => Keep::Whole(axis.on_image(level)),
        });
        let psi = banks.iter().flat_map(|bank| {
            (0..bank.wavelets().len()).map(|n| (bank.psi(n), design.tolerance * bank.peak(n)))
        });
        let mut deeper = vec![vec![false; design.levels.len()]; lengths.len()];
        for Order2 { lambda, count, .. } in &self.order2 {
            for &from in &design.levels[..*count] {
                deeper[from][*lambda] = true;
            }
        }
        let steps = Steps {
            first: &(0..self.first).collect::<Vec<_>>(),
            deeper: &deeper,
            levels: &design.levels,
        };
        Box::new(Joint {
            keeps: keeps.collect(),
            layer: Alone::new(simd, of_order1, psi, &steps, vec![0], For::Coefficients),
            frequency: Frequency::new(simd, self.len_across, self.across, design.tolerance),
            low_pass: low_pass(&design),
            first: self.first,
            order1: self.order1,
            order2: self.order2,
            zeroth: self.zeroth,
            local_outputs: self.local_outputs,
            lengths,
            design: Arc::clone(&design),
        })
    }
}

struct Joint<T: Real, S: Passes<T>> {
    design: Arc<Design<Wavelet1d, 1>>,
    layer: Alone<T, S>,
    frequency: Frequency<T, S>,
    low_pass: Option<LowPass<T, 1>>,
    /// What is kept over time of order 2, by level.
    keeps: Vec<Keep<T>>,
    /// Samples of every level.
    lengths: Vec<usize>,
    first: usize,
    order1: Vec<(usize, usize)>,
    order2: Vec<Order2>,
    zeroth: bool,
    local_outputs: Range<usize>,
}

/// Scratch of one signal.
struct Shared<T: Real> {
    input: Vec<T>,
    plane: Vec<T>,
    averages: Vec<T>,
    /// What is kept of the input, where it has no row.
    zeroth: Vec<T>,
    root: Frequencies<T>,
    /// Û1 of every n1.
    spectra: Vec<Frequencies<T>>,
    /// S1 of every n1.
    s1: Vec<T>,
}

/// Scratch of one thread.
struct Own<T: Real, V> {
    lines: Lines<T, V>,
    columns: Columns<V>,
    /// y of every n1.
    re: Vec<T>,
    im: Vec<T>,
    /// U2 of every n_fr and n1, over time.
    u2: Vec<T>,
    kept: Vec<T>,
}

struct Scratch<T: Real, V> {
    shared: Shared<T>,
    threads: Vec<Own<T, V>>,
}

impl<T: Real, S: Passes<T>> Joint<T, S> {
    fn step(&self, row: &'static [usize], lambda: usize, from: usize) -> Step<'static> {
        Step {
            rows: row,
            lambda,
            from,
            to: self.design.levels[lambda].max(from),
            layer: 0,
        }
    }

    fn s1_len(&self) -> usize {
        self.design.outputs[0].len()
    }

    /// What is kept over time of order 1, whose U are local averages.
    fn kept_of_order1(&self) -> Keep<T> {
        let times = self.s1_len();
        match self.design.average {
            Average::Global => Keep::Mean(0..times),
            Average::Sum => Keep::Sum,
            Average::Local | Average::None => Keep::Whole(0..times),
        }
    }

    /// Numbers of y, of U2 and of what is kept of it, of the largest step.
    fn lengths_of_steps(&self) -> [usize; 3] {
        let rows = |rows: &[(usize, usize)]| rows.iter().map(|(_, rows)| rows).sum::<usize>();
        let steps = self.order2.iter().map(|step| {
            let times = self.lengths[step.level];
            let kept = self.keeps[step.level].len();
            [step.count * times, rows(&step.rows) * times, kept]
        });
        let order1 = [0, rows(&self.order1) * self.s1_len(), self.s1_len()];
        steps.fold(order1, |most, step| {
            std::array::from_fn(|i| most[i].max(step[i]))
        })
    }

    fn scratch_of(&self, threads: usize) -> Scratch<T, S::V> {
        let axis = &self.design.axes[0];
        let [y, u2, kept] = self.lengths_of_steps();
        let zeros = |len| vec![T::zero(); len];
        let zeroth = match self.design.average {
            _ if self.zeroth => 0,
            Average::None => axis.len,
            Average::Local => self.local_outputs.len(),
            Average::Global | Average::Sum => 1,
        };
        let levels = &self.design.levels[..self.first];
        Scratch {
            shared: Shared {
                input: zeros(axis.len),
                plane: zeros(axis.padded),
                averages: zeros(averages_len(&self.low_pass)),
                zeroth: zeros(zeroth),
                root: self.layer.root(),
                spectra: levels
                    .iter()
                    .map(|&level| self.layer.spectrum_on(level))
                    .collect(),
                s1: zeros(self.first * self.s1_len()),
            },
            threads: (0..threads)
                .map(|_| Own {
                    lines: self.layer.lines(),
                    columns: self.frequency.columns(),
                    re: zeros(y),
                    im: zeros(y),
                    u2: zeros(u2),
                    kept: zeros(kept),
                })
                .collect(),
        }
    }

    fn run_signal(
        &self,
        input: ArrayViewD<'_, T>,
        out: &mut [T],
        Scratch { shared, threads }: &mut Scratch<T, S::V>,
        cancel: &Cancel,
    ) {
        let Shared {
            input: copy,
            plane,
            averages,
            zeroth,
            root,
            spectra,
            s1,
        } = shared;
        let input = in_order(&input, copy);
        let layout = &self.design.layout;
        let row = match self.zeroth {
            true => &mut out[layout.range(0)],
            false => &mut zeroth[..],
        };
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
        self.layer.enter(
            plane,
            mean,
            root,
            &mut (),
            std::slice::from_mut(&mut threads[0].lines),
        );

        // Order 1, wavelet by wavelet.
        let n1 = spectra.iter_mut().zip(s1.chunks_exact_mut(self.s1_len()));
        parallel::for_each(
            threads.iter_mut(),
            n1.enumerate(),
            |own, (lambda, (spectrum, s1))| {
                if cancel.is_cancelled() {
                    return;
                }
                let step = self.step(&[0], lambda, 0);
                let lines = std::slice::from_mut(&mut own.lines);
                let keep = &mut |_, kept: &[T]| s1.copy_from_slice(kept);
                self.layer.step(
                    Parent::Input(root),
                    &step,
                    Some(spectrum),
                    &mut (),
                    lines,
                    Some(keep),
                );
            },
        );
        if cancel.is_cancelled() {
            return;
        }

        // Across them, first the averages, then every wavelet of order 2.
        let rows = |rows: &[(usize, usize)]| rows.iter().map(|(_, rows)| rows).sum::<usize>();
        let joint = usize::from(!self.zeroth);
        let paths = |of: &[(usize, usize)]| if joint == 1 { of.len() } else { rows(of) };
        let mut start = usize::from(self.zeroth);
        let len = paths(&self.order1);
        let to = layout.range(start).start..layout.range(start + len - 1).end;
        start += len;
        let (before, order2_out) = out.split_at_mut(to.end);
        let Own {
            columns, u2, kept, ..
        } = &mut threads[0];
        let times = self.s1_len();
        let waves = self.order1.iter().copied();
        self.frequency
            .run(waves, s1, None, (self.first, times), columns, u2);
        let on_signal = self.kept_of_order1();
        let u2 = u2.chunks_exact(times);
        for (row, to) in u2.zip(before[to].chunks_exact_mut(on_signal.len())) {
            on_signal.of(row, &mut kept[..to.len()]);
            to.iter_mut()
                .zip(&*kept)
                .for_each(|(to, &value)| *to = value * amplitude);
        }

        let offset = before.len();
        let tasks = self.order2.iter().scan(start, |start, step| {
            let first = *start;
            *start += paths(&step.rows);
            Some((
                step,
                layout.range(first).start - offset..layout.range(*start - 1).end - offset,
            ))
        });
        let out = Mutex::new(order2_out);
        parallel::for_each(threads.iter_mut(), tasks, |own, (order2, range)| {
            if cancel.is_cancelled() {
                return;
            }
            let Own {
                lines,
                columns,
                re,
                im,
                u2,
                kept,
            } = own;
            let (times, keep) = (self.lengths[order2.level], &self.keeps[order2.level]);
            let stack = re.chunks_exact_mut(times).zip(im.chunks_exact_mut(times));
            for ((lambda, spectrum), (re, im)) in
                spectra[..order2.count].iter().enumerate().zip(stack)
            {
                let step = self.step(&[0], order2.lambda, self.design.levels[lambda]);
                self.layer.coefficients(spectrum, &step, lines, [re, im]);
            }
            let waves = order2.rows.iter().copied();
            self.frequency
                .run(waves, re, Some(im), (order2.count, times), columns, u2);
            let kept = &mut kept[..keep.len()];
            for (row, u2) in u2.chunks_exact(times).take(rows(&order2.rows)).enumerate() {
                keep.of(u2, kept);
                // Rows are disjoint; the lock is held for the copy only and no copy can fail half-way.
                let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                let to = &mut out[range.clone()][row * kept.len()..][..kept.len()];
                to.iter_mut()
                    .zip(&*kept)
                    .for_each(|(to, &value)| *to = value * amplitude);
            }
        });
    }
}

impl<T: Real, S: Passes<T>> Engine<T> for Joint<T, S> {
    fn footprint(&self) -> Footprint {
        let axis = &self.design.axes[0];
        let [y, u2, kept] = self.lengths_of_steps();
        let spectra = self.design.levels[..self.first].iter();
        let spectra = spectra.map(|&level| self.layer.spectrum_len(level)).sum();
        let footprint = Footprint::default()
            .with::<T>("input", axis.len)
            .with::<T>("padded input", axis.padded)
            .with::<T>("averages of the input", averages_len(&self.low_pass))
            .with::<T>("spectra of order 1", spectra)
            .with::<T>("averages of order 1", self.first * self.s1_len())
            .with::<[T; 2]>("coefficients of a wavelet of order 2", y)
            .with::<T>("moduli of a wavelet of order 2", u2)
            .with::<T>("kept of a row", kept);
        self.frequency.footprint(self.layer.footprint(footprint))
    }

    fn scratch(&self, threads: usize) -> Box<dyn Any + Send + Sync> {
        Box::new(self.scratch_of(threads))
    }

    fn run(
        &self,
        inputs: ArrayViewD<'_, T>,
        out: &mut [T],
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
    ) -> Result<()> {
        let Some(scratch) = scratch.downcast_mut::<Scratch<T, S::V>>() else {
            return Err(Error::ForeignWorkspace);
        };
        let threads = scratch.threads.len();
        let mut all = || {
            let outputs = out.chunks_exact_mut(self.design.layout.len());
            for (i, out) in outputs.enumerate() {
                if !cancel.is_cancelled() {
                    self.run_signal(inputs.index_axis(Axis(0), i), out, scratch, cancel);
                }
            }
        };
        match threads {
            1 => all(),
            _ => parallel::inside(all),
        }
        cancel.check()
    }

    fn bytes(&self) -> u64 {
        Layer::<T>::bytes(&self.layer) + self.frequency.bytes()
    }
}
