//! [`Tiled`]: a convolution cut into tiles, and the walk over them.
//!
//! Comes in: the samples of one signal, or of a batch. Goes out: the samples of its convolution with every kernel.
//! A tile is gathered with its border, convolved by the definition or by the [`Engine`], and stored. One FFT is the case
//! of one tile.
//!
//! The adjoint of a bank sums over its kernels. It is the same walk with the sum taken among the spectra, so that it
//! costs one inverse a tile.

use std::sync::Mutex;

use num_complex::Complex;

use super::axis::{Axis, Blocks, gather};
use super::direct::Direct;
use super::engine::{Block, Engine, Layout, Spectra, Transfer, transfer_of_taps};
use super::kernels::Kernels;
use super::sample::Sample;
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
    pub direct: bool,
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
        if cut.direct {
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
        spectra == Spectra::Full && !self.complex_input && !self.complex_kernels
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
    pub fn new<K: Sample<Real = T>>(task: Task, cut: Cut, kernels: &Kernels<K>) -> Self {
        let k = task.axes.map(|axis| axis.k);
        let taps = |index| kernels.taps(index, task.support, k, task.adjoint);
        let operator = if cut.direct {
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
        }
    }

    /// Whether scratch was made for work like this.
    pub fn fits(&self, worker: &Worker<T>) -> bool {
        self.scratch_lens() == worker.lens()
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
            _ => 1,
        }
    }

    /// Tiles that are worked on together.
    fn tiles_in_unit(&self) -> usize {
        match &self.operator {
            Operator::Direct(_) => 1,
            Operator::Fourier { engine, .. } => engine.lines() * self.tiles_in_line(),
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
        parallel::for_each(workers, signals, |worker, (input, out)| {
            let out = Mutex::new(out);
            (0..self.units()).for_each(|unit| self.run_unit(input, unit, worker, &out));
        });
        let signals = alone
            .chunks_exact(len)
            .zip(alone_out.chunks_exact_mut(out_len));
        for (input, out) in signals {
            if self.units() == 1 && !self.task.adjoint {
                self.load(input, 0, &mut workers[0]);
                let hat = std::mem::take(&mut workers[0].hat);
                let window = std::mem::take(&mut workers[0].window);
                let planes = out.chunks_exact_mut(self.task.plane_len()).enumerate();
                parallel::for_each(workers, planes, |worker, (kernel, out)| {
                    self.multiply(kernel, 0, &hat, &window, worker, false);
                    self.finish(Some(kernel), 0, worker, &Mutex::new(out), 0);
                });
                workers[0].hat = hat;
                workers[0].window = window;
            } else {
                let out = Mutex::new(out);
                parallel::for_each(workers, 0..self.units(), |worker, unit| {
                    self.run_unit(input, unit, worker, &out);
                });
            }
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
        // Tiles are disjoint; the lock is held for the copy only, and no copy can fail half-way.
        let lock = || out.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
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
            Operator::Direct(_) => {
                let [s0, s1] = [0, 1].map(|axis| self.tile_outputs(axis));
                let (re, im) = worker.sums.split_at(s0 * s1);
                let mut out = lock();
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
                    let mut out = lock();
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
                    let mut out = lock();
                    if let Some(plane) = Y::as_complex(&mut out[offset..][..m0 * m1]) {
                        let block = Block::Complex(plane);
                        engine.inverse(product, live, block, rows, &mut worker.fft);
                        return;
                    }
                }
                let block = Block::Complex(&mut worker.complex[..lines * m0 * m1]);
                engine.inverse(product, live, block, rows, &mut worker.fft);
                let mut out = lock();
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
