//! [`Tiled`]: a convolution cut into tiles, and the walk over them.
//!
//! Comes in: the samples of one signal, or of a batch. Goes out: the samples of its convolution with every kernel.
//! A tile is gathered with its border, convolved by the definition, by the [`Engine`] or on [`Lanes`], and stored. One FFT is the case
//! of one tile.
//!
//! The adjoint of a bank sums over its kernels. It is the same walk with the sum taken among the spectra, so that it
//! costs one inverse a tile.

use std::sync::{Mutex, MutexGuard};

use num_complex::Complex;

use super::axis::{Axis, Blocks, gather};
use super::direct::Direct;
use super::engine::{Block, Engine, Layout, Spectra, Transfer, transfer_of_taps};
use super::kernels::Kernels;
use super::lanes::{self, Lanes, Output, Scratch};
use super::sample::{Sample, SamplesMut};
use crate::kernels::isa::Isa;
use crate::num::Real;
use crate::{memory, parallel};

/// What is computed, before it is known how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Task {
    pub axes: [Axis; 2],
    /// Whether there is one axis only; the first is then of length 1.
    pub line: bool,
    pub kernels: usize,
    /// Taps of a kernel as it was given.
    pub support: [usize; 2],
    /// Whether the kernels are transfer functions.
    pub in_fourier: bool,
    pub complex_input: bool,
    pub complex_kernels: bool,
    /// Whether this is the adjoint: kernels conjugated and reversed, and results summed over them.
    pub adjoint: bool,
}

/// How a task is cut and computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    pub blocks: [Blocks; 2],
    pub means: Means,
}

/// What computes a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// The definition.
    Direct,
    /// Transforms of any length, by rustfft and realfft.
    Library,
    /// Our own transforms on vector lanes.
    Lanes,
}

impl Task {
    /// Input samples of one signal; of all kernels for the adjoint.
    pub fn input_len(&self) -> usize {
        self.axes[0].inputs() * self.axes[1].inputs() * if self.adjoint { self.kernels } else { 1 }
    }

    /// Output samples of one signal and one kernel.
    pub fn plane_len(&self) -> usize {
        self.axes[0].outputs() * self.axes[1].outputs()
    }

    /// Output samples of one signal.
    pub fn output_len(&self) -> usize {
        self.plane_len() * if self.adjoint { 1 } else { self.kernels }
    }

    /// About how many bytes a cut takes: its kernels, one thread's scratch, and the double precision that a kernel is
    /// transformed in.
    pub fn bytes<T: Real>(&self, cut: &Cut) -> u64 {
        let block = memory::count(&cut.blocks.map(|blocks| blocks.len));
        let samples = |each: u64| memory::bytes_of::<Complex<T>>(block.saturating_mul(each));
        if cut.means == Means::Direct {
            return samples(2);
        }
        samples((self.kernels as u64).saturating_add(4)).saturating_add(memory::bytes_of::<
            Complex<f64>,
        >(
            block.saturating_mul(2)
        ))
    }

    /// The blocks and spectra of a cut.
    pub fn layout(&self, cut: &Cut) -> Layout {
        let [b0, b1] = cut.blocks;
        let one = b0.count * b1.count == 1;
        let spectra = match (self.complex_input, self.complex_kernels) {
            (false, false) if one => Spectra::Half,
            (false, true) if one => Spectra::HalfToFull,
            _ => Spectra::Full,
        };
        Layout {
            spectra,
            block: [b0.len, b1.len],
            kept: [b0.len / self.axes[0].keep, b1.len / self.axes[1].keep],
            line: self.line,
        }
    }

    /// Whether two tiles share a complex block.
    pub fn packed(&self, spectra: Spectra) -> bool {
        spectra == Spectra::Full && self.packs()
    }

    /// Whether two tiles can share a complex block.
    pub fn packs(&self) -> bool {
        !self.complex_input && !self.complex_kernels
    }

    /// Sides of what is transformed for a block on so many lanes, if lanes can do that: without subsampling, and without
    /// sums over kernels.
    pub fn sides(&self, blocks: &[Blocks; 2], lanes: usize) -> Option<[usize; 2]> {
        let dense = self
            .axes
            .iter()
            .all(|axis| axis.keep == 1 && axis.every == 1);
        if !dense || self.adjoint && self.kernels > 1 {
            return None;
        }
        lanes::sides(self.line, blocks.map(|blocks| blocks.len), lanes)
    }
}

/// A task with its cut, kernels in the form the cut needs, and planned transforms.
pub(super) struct Tiled<T> {
    task: Task,
    cut: Cut,
    operator: Operator<T>,
}

enum Operator<T> {
    Direct(Vec<Direct<T>>),
    Fourier {
        engine: Engine<T>,
        transfers: Vec<Transfer<T>>,
        /// For sums over kernels, where any row may be other than zero.
        all: Vec<bool>,
    },
    Lanes(Box<dyn Lanes<T>>),
}

/// One thread's scratch.
#[derive(Debug)]
pub(super) struct Worker<T> {
    /// Windows of the direct form, re and im apart.
    window: Vec<T>,
    /// Results of the direct form, re and im apart.
    sums: Vec<T>,
    /// Real blocks.
    real: Vec<T>,
    /// Complex blocks.
    complex: Vec<Complex<T>>,
    hat: Vec<Complex<T>>,
    product: Vec<Complex<T>>,
    fft: Vec<Complex<T>>,
    /// What lanes need, and the spectrum they leave for several kernels.
    lanes: Option<[Scratch; 2]>,
}

impl<Y: Sample> Output<Y::Real> for Mutex<&mut [Y]> {
    fn with(&self, store: &mut dyn FnMut(SamplesMut<Y::Real>)) {
        store(Y::samples_mut(&mut lock(self)));
    }
}

/// What threads share, locked. Tiles are disjoint; the lock is held for copies only, and no copy can fail half-way.
fn lock<G>(shared: &Mutex<G>) -> MutexGuard<'_, G> {
    shared
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl<T> Worker<T> {
    fn lens(&self) -> [usize; 7] {
        [
            self.window.len(),
            self.sums.len(),
            self.real.len(),
            self.complex.len(),
            self.hat.len(),
            self.product.len(),
            self.fft.len(),
        ]
    }
}

impl<T: Real> Tiled<T> {
    pub fn new<K: Sample<Real = T>>(task: Task, cut: Cut, kernels: &Kernels<K>, isa: Isa) -> Self {
        let k = task.axes.map(|axis| axis.k);
        let taps = |index| kernels.taps(index, task.support, k, task.adjoint);
        let on_lanes = if cut.means == Means::Lanes {
            let layout = Layout {
                spectra: Spectra::Full,
                ..task.layout(&cut)
            };
            let shift = cut.blocks.map(|blocks| blocks.shift);
            let transfer = |index| {
                if task.in_fourier {
                    kernels.transfer(index, layout.block, task.adjoint)
                } else {
                    transfer_of_taps(&taps(index), k, shift, &layout)
                }
            };
            let build = lanes::Build {
                task,
                cut,
                transfer: &transfer,
            };
            lanes::build(isa, build)
        } else {
            None
        };
        let operator = if let Some(lanes) = on_lanes {
            Operator::Lanes(lanes)
        } else if cut.means == Means::Direct {
            let keep = task.axes.map(|axis| axis.keep);
            let direct = |index| Direct::new(&taps(index), k, keep);
            Operator::Direct((0..task.kernels).map(direct).collect())
        } else {
            let layout = task.layout(&cut);
            let shift = cut.blocks.map(|blocks| blocks.shift);
            let transfers = parallel::map(task.kernels, |index| {
                let hat = if task.in_fourier {
                    kernels.transfer(index, layout.block, task.adjoint)
                } else {
                    transfer_of_taps(&taps(index), k, shift, &layout)
                };
                Transfer::new(&hat, &layout)
            });
            Operator::Fourier {
                all: vec![true; layout.target()[0]],
                engine: Engine::new(layout),
                transfers,
            }
        };
        Self {
            task,
            cut,
            operator,
        }
    }

    pub fn task(&self) -> &Task {
        &self.task
    }

    /// Bytes of the kernels.
    pub fn bytes(&self) -> u64 {
        match &self.operator {
            Operator::Direct(_) => 0,
            Operator::Fourier { transfers, .. } => transfers.iter().map(Transfer::bytes).sum(),
            Operator::Lanes(lanes) => lanes.bytes(),
        }
    }

    /// Lengths of the parts of a worker, in their order.
    fn scratch_lens(&self) -> [usize; 7] {
        let [b0, b1] = self.cut.blocks.map(|blocks| blocks.len);
        match &self.operator {
            Operator::Direct(_) => {
                let [s0, s1] = [0, 1].map(|axis| self.tile_outputs(axis));
                let window = b0 * b1 * self.parts(self.task.complex_input);
                let sums = s0 * s1 * self.parts(self.complex_output());
                [window, sums, 0, 0, 0, 0, 0]
            }
            Operator::Lanes(_) => [0; 7],
            Operator::Fourier { engine, .. } => {
                let layout = engine.layout();
                let lines = engine
                    .lines()
                    .min(self.tiles().div_ceil(self.tiles_in_line()));
                let len = |[rows, columns]: [usize; 2]| rows * columns;
                let (real, complex) = match layout.spectra {
                    Spectra::Half => (b0 * b1, 0),
                    Spectra::HalfToFull => (b0 * b1, len(layout.kept)),
                    Spectra::Full => (0, lines * b0 * b1),
                };
                let (hat, product) = (lines * len(layout.source()), lines * len(layout.target()));
                [0, 0, real, complex, hat, product, engine.scratch_len()]
            }
        }
    }

    pub fn worker(&self) -> Worker<T> {
        let zero = Complex::new(T::zero(), T::zero());
        let [window, sums, real, complex, hat, product, fft] = self.scratch_lens();
        Worker {
            window: vec![T::zero(); window],
            sums: vec![T::zero(); sums],
            real: vec![T::zero(); real],
            complex: vec![zero; complex],
            hat: vec![zero; hat],
            product: vec![zero; product],
            fft: vec![zero; fft],
            lanes: match &self.operator {
                Operator::Lanes(lanes) => Some([lanes.scratch(), lanes.spectrum()]),
                _ => None,
            },
        }
    }

    /// Whether scratch was made for work like this.
    pub fn fits(&self, worker: &Worker<T>) -> bool {
        let lanes = match (&self.operator, &worker.lanes) {
            (Operator::Lanes(lanes), Some([scratch, spectrum])) => lanes.fits(scratch, spectrum),
            (Operator::Lanes(_), None) | (_, Some(_)) => false,
            (_, None) => true,
        };
        lanes && self.scratch_lens() == worker.lens()
    }

    fn complex_output(&self) -> bool {
        self.task.complex_input || self.task.complex_kernels
    }

    fn parts(&self, complex: bool) -> usize {
        if complex { 2 } else { 1 }
    }

    fn tile_outputs(&self, axis: usize) -> usize {
        self.cut.blocks[axis].step / self.task.axes[axis].keep
    }

    fn tiles(&self) -> usize {
        self.cut.blocks[0].count * self.cut.blocks[1].count
    }

    /// Tiles in one complex block.
    fn tiles_in_line(&self) -> usize {
        match &self.operator {
            Operator::Fourier { engine, .. } if self.task.packed(engine.layout().spectra) => 2,
            Operator::Lanes(_) if self.task.packs() => 2,
            _ => 1,
        }
    }

    /// Tiles that are worked on together.
    fn tiles_in_unit(&self) -> usize {
        match &self.operator {
            Operator::Direct(_) => 1,
            Operator::Fourier { engine, .. } => engine.lines() * self.tiles_in_line(),
            Operator::Lanes(_) => self.tiles_in_line(),
        }
    }

    /// Shares of the work on one signal.
    pub fn units(&self) -> usize {
        self.tiles().div_ceil(self.tiles_in_unit())
    }

    fn tiles_of(&self, unit: usize) -> std::ops::Range<usize> {
        let first = unit * self.tiles_in_unit();
        first..(first + self.tiles_in_unit()).min(self.tiles())
    }

    /// Block indices of a tile along both axes.
    fn place(&self, tile: usize) -> [usize; 2] {
        let columns = self.cut.blocks[1].count;
        [tile / columns, tile % columns]
    }

    /// All of a batch: whole rounds with one signal a worker, what is left signal by signal, its units or kernels
    /// shared among the workers. No result depends on who computed it.
    pub fn run<X: Sample<Real = T>, Y: Sample<Real = T>>(
        &self,
        input: &[X],
        out: &mut [Y],
        workers: &mut [Worker<T>],
    ) {
        let (len, out_len) = (self.task.input_len(), self.task.output_len());
        let whole = input.len() / len / workers.len() * workers.len();
        let (together, alone) = input.split_at(whole * len);
        let (together_out, alone_out) = out.split_at_mut(whole * out_len);
        let signals = together
            .chunks_exact(len)
            .zip(together_out.chunks_exact_mut(out_len));
        parallel::for_each(workers.iter_mut(), signals, |worker, (input, out)| {
            let out = Mutex::new(out);
            (0..self.units()).for_each(|unit| self.run_unit(input, unit, worker, &out));
        });
        let signals = alone
            .chunks_exact(len)
            .zip(alone_out.chunks_exact_mut(out_len));
        for (input, out) in signals {
            if let Operator::Lanes(lanes) = &self.operator
                && self.units() == 1
                && self.task.kernels > 1
            {
                self.run_bank(&**lanes, input, out, workers);
            } else if self.units() == 1 && !self.task.adjoint && self.library() {
                self.load(input, 0, &mut workers[0]);
                let hat = std::mem::take(&mut workers[0].hat);
                let window = std::mem::take(&mut workers[0].window);
                let planes = out.chunks_exact_mut(self.task.plane_len()).enumerate();
                parallel::for_each(workers.iter_mut(), planes, |worker, (kernel, out)| {
                    self.multiply(kernel, 0, &hat, &window, worker, false);
                    self.finish(Some(kernel), 0, worker, &Mutex::new(out), 0);
                });
                workers[0].hat = hat;
                workers[0].window = window;
            } else {
                let out = Mutex::new(out);
                parallel::for_each(workers.iter_mut(), 0..self.units(), |worker, unit| {
                    self.run_unit(input, unit, worker, &out);
                });
            }
        }
    }

    fn library(&self) -> bool {
        !matches!(self.operator, Operator::Lanes(_))
    }

    /// One block and several kernels: the spectrum once, then the kernels shared among the workers.
    fn run_bank<X: Sample<Real = T>, Y: Sample<Real = T>>(
        &self,
        lanes: &dyn Lanes<T>,
        input: &[X],
        out: &mut [Y],
        workers: &mut [Worker<T>],
    ) {
        let Some([mut scratch, mut spectrum]) = workers[0].lanes.take() else {
            debug_assert!(false, "workers are checked at the door");
            return;
        };
        lanes.load(X::samples(input), 0, &mut scratch, &mut spectrum);
        // A box without contents allocates nothing.
        workers[0].lanes = Some([scratch, Box::new(())]);
        let planes = out.chunks_exact_mut(self.task.plane_len()).enumerate();
        parallel::for_each(workers.iter_mut(), planes, |worker, (kernel, out)| {
            if let Some([scratch, _]) = &mut worker.lanes {
                lanes.finish(kernel, 0, &spectrum, scratch, &Mutex::new(out), 0);
            }
        });
        if let Some([_, empty]) = &mut workers[0].lanes {
            *empty = spectrum;
        }
    }

    /// One share of the work on one signal.
    pub fn run_unit<X: Sample<Real = T>, Y: Sample<Real = T>>(
        &self,
        input: &[X],
        unit: usize,
        worker: &mut Worker<T>,
        out: &Mutex<&mut [Y]>,
    ) {
        if let Operator::Lanes(lanes) = &self.operator {
            let Some([scratch, spectrum]) = &mut worker.lanes else {
                debug_assert!(false, "workers are checked at the door");
                return;
            };
            lanes.load(X::samples(input), unit, scratch, spectrum);
            for kernel in 0..self.task.kernels {
                let offset = kernel * self.task.plane_len();
                lanes.finish(kernel, unit, spectrum, scratch, out, offset);
            }
            return;
        }
        let product = |kernel, worker: &mut Worker<T>, add| {
            let hat = std::mem::take(&mut worker.hat);
            let window = std::mem::take(&mut worker.window);
            self.multiply(kernel, unit, &hat, &window, worker, add);
            worker.hat = hat;
            worker.window = window;
        };
        if self.task.adjoint {
            let len = self.task.input_len() / self.task.kernels;
            for (kernel, input) in input.chunks_exact(len).enumerate() {
                self.load(input, unit, worker);
                product(kernel, worker, kernel > 0);
            }
            self.finish(None, unit, worker, out, 0);
        } else {
            self.load(input, unit, worker);
            for kernel in 0..self.task.kernels {
                product(kernel, worker, false);
                self.finish(
                    Some(kernel),
                    unit,
                    worker,
                    out,
                    kernel * self.task.plane_len(),
                );
            }
        }
    }

    /// Gathers the tiles of a unit and transforms them: to `hat`, or to `window` for the direct form.
    fn load<X: Sample<Real = T>>(&self, input: &[X], unit: usize, worker: &mut Worker<T>) {
        let axes = &self.task.axes;
        let block = self.cut.blocks.map(|blocks| blocks.len);
        let len = block[0] * block[1];
        let origin = |tile| {
            let [i0, i1] = self.place(tile);
            [
                self.cut.blocks[0].origin_of(i0),
                self.cut.blocks[1].origin_of(i1),
            ]
        };
        let tiles = self.tiles_of(unit);
        let first = origin(tiles.start);
        match &self.operator {
            Operator::Lanes(_) => debug_assert!(false, "lanes load for themselves"),
            Operator::Direct(_) => {
                worker.window.fill(T::zero());
                let (re, im) = worker.window.split_at_mut(len);
                gather(axes, input, first, block, re, |to, x| *to = x.re());
                if X::COMPLEX {
                    gather(axes, input, first, block, im, |to, x| *to = x.im());
                }
            }
            Operator::Fourier { engine, .. } if engine.layout().spectra != Spectra::Full => {
                worker.real.fill(T::zero());
                gather(axes, input, first, block, &mut worker.real, |to, x| {
                    *to = x.re();
                });
                let rows = axes[0].extent(first[0], block[0]);
                let real = Block::Real(&mut worker.real);
                engine.forward(real, rows, &mut worker.hat, &mut worker.fft);
            }
            Operator::Fourier { engine, .. } => {
                let together = self.tiles_in_line();
                let lines = tiles.len().div_ceil(together);
                let blocks = &mut worker.complex[..lines * len];
                blocks.fill(Complex::new(T::zero(), T::zero()));
                let mut rows = 0;
                for (i, tile) in tiles.enumerate() {
                    let to = &mut blocks[i / together * len..][..len];
                    let origin = origin(tile);
                    rows = rows.max(axes[0].extent(origin[0], block[0]));
                    match (i % together, X::COMPLEX) {
                        (0, true) => gather(axes, input, origin, block, to, |to, x| {
                            *to = Complex::new(x.re(), x.im());
                        }),
                        (0, false) => {
                            gather(axes, input, origin, block, to, |to, x| to.re = x.re());
                        }
                        _ => gather(axes, input, origin, block, to, |to, x| to.im = x.re()),
                    }
                }
                let [r, c] = engine.layout().source();
                let hat = &mut worker.hat[..lines * r * c];
                engine.forward(Block::Complex(blocks), rows, hat, &mut worker.fft);
            }
        }
    }

    /// Multiplies what was loaded with one kernel, or adds the product to what is there.
    fn multiply(
        &self,
        kernel: usize,
        unit: usize,
        hat: &[Complex<T>],
        window: &[T],
        worker: &mut Worker<T>,
        add: bool,
    ) {
        match &self.operator {
            Operator::Lanes(_) => debug_assert!(false, "lanes multiply for themselves"),
            Operator::Direct(direct) => {
                let extent = self.cut.blocks.map(|blocks| blocks.len);
                let [s0, s1] = [0, 1].map(|axis| self.tile_outputs(axis));
                if !add {
                    worker.sums.fill(T::zero());
                }
                let (re, im) = window.split_at(extent[0] * extent[1]);
                let (sum_re, sum_im) = worker.sums.split_at_mut(s0 * s1);
                direct[kernel].add(
                    [Some(re), (!im.is_empty()).then_some(im)],
                    extent,
                    [Some(sum_re), (!sum_im.is_empty()).then_some(sum_im)],
                    s1,
                );
            }
            Operator::Fourier {
                engine, transfers, ..
            } => {
                let layout = engine.layout();
                let lines = self.tiles_of(unit).len().div_ceil(self.tiles_in_line());
                let len = |[rows, columns]: [usize; 2]| rows * columns;
                let hats = hat.chunks_exact(len(layout.source()));
                let products = worker.product.chunks_exact_mut(len(layout.target()));
                for (hat, product) in hats.zip(products).take(lines) {
                    transfers[kernel].multiply(hat, product, add);
                }
            }
        }
    }

    /// Transforms the products of a unit back and stores them from `offset` on. `kernel` is the only one in the
    /// product, if there is only one.
    fn finish<Y: Sample<Real = T>>(
        &self,
        kernel: Option<usize>,
        unit: usize,
        worker: &mut Worker<T>,
        out: &Mutex<&mut [Y]>,
        offset: usize,
    ) {
        let axes = &self.task.axes;
        let tiles = self.tiles_of(unit);
        let windows = tiles.map(|tile| {
            let [i0, i1] = self.place(tile);
            [
                self.cut.blocks[0].outputs_of(i0, &axes[0]),
                self.cut.blocks[1].outputs_of(i1, &axes[1]),
            ]
        });
        let columns = axes[1].outputs();
        match &self.operator {
            Operator::Lanes(_) => debug_assert!(false, "lanes store for themselves"),
            Operator::Direct(_) => {
                let [s0, s1] = [0, 1].map(|axis| self.tile_outputs(axis));
                let (re, im) = worker.sums.split_at(s0 * s1);
                let mut out = lock(out);
                let out = &mut out[offset..];
                for window in windows {
                    if im.is_empty() {
                        store(re, s1, window, out, columns, |&re| {
                            Y::from_parts(re, T::zero())
                        });
                    } else {
                        let real = |&re: &T| Y::from_parts(re, T::zero());
                        store(re, s1, window.clone(), out, columns, real);
                        merge(im, s1, window, out, columns);
                    }
                }
            }
            Operator::Fourier {
                engine,
                transfers,
                all,
            } => {
                let layout = engine.layout();
                let live = kernel.map_or(&all[..], |kernel| transfers[kernel].live());
                let [m0, m1] = layout.kept;
                let rows = windows
                    .clone()
                    .map(|[rows, _]| rows.len())
                    .max()
                    .unwrap_or(0);
                let together = self.tiles_in_line();
                let lines = windows.len().div_ceil(together);
                let [r, c] = layout.target();
                let product = &mut worker.product[..lines * r * c];
                if layout.spectra == Spectra::Half {
                    let block = Block::Real(&mut worker.real[..m0 * m1]);
                    engine.inverse(product, live, block, rows, &mut worker.fft);
                    let mut out = lock(out);
                    for window in windows {
                        store(
                            &worker.real,
                            m1,
                            window,
                            &mut out[offset..],
                            columns,
                            |&re| Y::from_parts(re, T::zero()),
                        );
                    }
                    return;
                }
                // A result that is all of the output needs no copy.
                if self.tiles() == 1 && [m0, m1] == [axes[0].outputs(), columns] {
                    let mut out = lock(out);
                    let plane = Y::samples_mut(&mut out[offset..][..m0 * m1]);
                    if let SamplesMut::Complex(plane) = plane {
                        let block = Block::Complex(plane);
                        engine.inverse(product, live, block, rows, &mut worker.fft);
                        return;
                    }
                }
                let block = Block::Complex(&mut worker.complex[..lines * m0 * m1]);
                engine.inverse(product, live, block, rows, &mut worker.fft);
                let mut out = lock(out);
                let out = &mut out[offset..];
                for (i, window) in windows.enumerate() {
                    let from = &worker.complex[i / together * m0 * m1..];
                    if i % together == 0 {
                        store(from, m1, window, out, columns, |z| {
                            Y::from_parts(z.re, z.im)
                        });
                    } else {
                        store(from, m1, window, out, columns, |z| {
                            Y::from_parts(z.im, T::zero())
                        });
                    }
                }
            }
        }
    }
}

/// Copies the beginning of a block of `width` columns to a window of an array of `columns`.
fn store<S, Y>(
    from: &[S],
    width: usize,
    [rows, window]: [std::ops::Range<usize>; 2],
    out: &mut [Y],
    columns: usize,
    value: impl Fn(&S) -> Y,
) {
    for (row, from) in rows.zip(from.chunks(width)) {
        let to = &mut out[row * columns..][window.clone()];
        to.iter_mut()
            .zip(from)
            .for_each(|(to, from)| *to = value(from));
    }
}

/// Puts imaginary parts beside the real ones that are there.
fn merge<T: Real, Y: Sample<Real = T>>(
    im: &[T],
    width: usize,
    [rows, window]: [std::ops::Range<usize>; 2],
    out: &mut [Y],
    columns: usize,
) {
    for (row, im) in rows.zip(im.chunks(width)) {
        let to = &mut out[row * columns..][window.clone()];
        to.iter_mut()
            .zip(im)
            .for_each(|(to, &im)| *to = Y::from_parts(to.re(), im));
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::*;
    use crate::conv::axis::Mode;
    use crate::conv::sample::Convolve;
    use crate::num::relative_error;

    fn values<X: Sample>(len: usize, seed: f64) -> Vec<X> {
        let number =
            |i: usize, phase: f64| X::Real::narrow(((i * i) as f64 * 0.37 + seed + phase).sin());
        (0..len)
            .map(|i| X::from_parts(number(i, 0.0), number(i, 1.3)))
            .collect()
    }

    /// Parts of the results for one signal, by one means, with dirty scratch.
    fn results<X: Convolve<K>, K: Sample<Real = X::Real>>(
        task: &Task,
        cut: Cut,
        kernels: &Kernels<K>,
        isa: Isa,
        workers: usize,
    ) -> Vec<X::Real> {
        let tiled = Tiled::new(*task, cut, kernels, isa);
        assert_eq!(!tiled.library(), cut.means == Means::Lanes, "{task:?}");
        let mut workers: Vec<_> = (0..workers).map(|_| tiled.worker()).collect();
        let input = values::<X>(task.input_len() * 2, 0.1);
        let mut out = vec![X::Output::default(); task.output_len() * 2];
        for _ in 0..2 {
            tiled.run(&input, &mut out, &mut workers);
        }
        assert!(workers.iter().all(|worker| tiled.fits(worker)));
        out.iter().flat_map(|y| [y.re(), y.im()]).collect()
    }

    fn check<X: Convolve<K>, K: Sample<Real = X::Real>>(
        line: bool,
        mode: Mode,
        n: [usize; 2],
        k: [usize; 2],
        extra: [usize; 2],
        count: usize,
    ) {
        let axes = [0, 1].map(|i| Axis::new(mode, n[i], k[i], 1));
        let task = Task {
            axes,
            line,
            kernels: count,
            support: k,
            in_fourier: false,
            complex_input: X::COMPLEX,
            complex_kernels: K::COMPLEX,
            adjoint: false,
        };
        let shape = if line {
            vec![count, k[1]]
        } else {
            vec![count, k[0], k[1]]
        };
        let taps = values::<K>(shape.iter().product(), 0.7);
        let taps = ArrayD::from_shape_vec(IxDyn(&shape), taps).unwrap();
        let kernels = Kernels::space(&taps);
        let short = [0, 1].map(|i| match i {
            0 if line => axes[0].overlapping(1).unwrap(),
            _ => axes[i].overlapping(k[i] - 1 + extra[i]).unwrap(),
        });
        let one = axes.map(|axis| match (mode, line && axis.n == 1) {
            (Mode::Circular, _) | (_, true) => axis.whole(axis.whole_len()),
            _ => axis.whole(axis.whole_len().next_multiple_of(64)),
        });
        let tolerance = if X::Real::NAME == "float32" {
            1e-6
        } else {
            1e-14
        };
        for blocks in [short, one] {
            let cut = |means| Cut { blocks, means };
            let library = cut(Means::Library);
            let expected = results::<X, K>(&task, library, &kernels, Isa::Portable, 1);
            for isa in Isa::available() {
                if task.sides(&blocks, 8).is_none() {
                    assert!(mode == Mode::Circular, "{task:?}, {blocks:?}");
                    continue;
                }
                let lanes = cut(Means::Lanes);
                let got = results::<X, K>(&task, lanes, &kernels, isa, 1);
                let error = relative_error(got.iter().copied(), expected.iter().copied());
                assert!(error < tolerance, "{isa}, {task:?}, {blocks:?}: {error:e}");
                let shared = results::<X, K>(&task, lanes, &kernels, isa, 3);
                assert!(
                    got == shared,
                    "{isa}, {task:?}, {blocks:?}: threads change bits"
                );
            }
        }
    }

    #[test]
    fn lanes_give_what_the_library_gives_on_every_instruction_set() {
        for mode in [Mode::Circular, Mode::Full, Mode::Same, Mode::Valid] {
            for count in [1, 3] {
                for (n, k, extra) in [(300, 9, 56), (96, 65, 64), (64, 1, 64), (129, 17, 128)] {
                    let (n, k, extra) = ([1, n], [1, k], [1, extra]);
                    check::<f32, f32>(true, mode, n, k, extra, count);
                    check::<f32, Complex<f32>>(true, mode, n, k, extra, count);
                    check::<Complex<f32>, f32>(true, mode, n, k, extra, count);
                    check::<f64, f64>(true, mode, n, k, extra, count);
                    check::<Complex<f64>, Complex<f64>>(true, mode, n, k, extra, count);
                }
                for (n, k, extra) in [
                    ([40, 37], [5, 4], [12, 11]),
                    ([20, 66], [3, 9], [6, 28]),
                    ([9, 8], [9, 8], [8, 9]),
                    ([17, 30], [1, 2], [3, 14]),
                ] {
                    check::<f32, f32>(false, mode, n, k, extra, count);
                    check::<f32, Complex<f32>>(false, mode, n, k, extra, count);
                    check::<Complex<f32>, Complex<f32>>(false, mode, n, k, extra, count);
                    check::<f64, f64>(false, mode, n, k, extra, count);
                    check::<f64, Complex<f64>>(false, mode, n, k, extra, count);
                }
            }
        }
    }
}
