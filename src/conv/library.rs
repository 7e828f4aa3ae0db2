//! [`Library`]: tiles as blocks of any length, transformed by rustfft and realfft.
//!
//! Comes in: a block of samples. Goes out: the same block convolved with a kernel, circularly, folded to a coarser grid if
//! the output is subsampled. It takes what [`blocks`](super::blocks) has no radices for, all subsampling, and sums over
//! kernels. A block of one row needs no transposition and no transforms of columns.

use std::sync::Arc;

use num_complex::Complex;
use realfft::{ComplexToReal, RealToComplex};
use rustfft::Fft;

use super::axis::gather;
use super::sample::{Samples, SamplesMut};
use super::spectrum::{Layout, Spectra};
use super::task::{Task, Tiles, Tiling};
use super::tiles::{Operator, Output, lock, store};
use super::transfer::Transfer;
use crate::memory::Footprint;
use crate::num::Real;
use crate::parallel;

/// Planned transforms, and kernels.
pub(super) struct Library<T> {
    task: Task,
    tiles: Tiles,
    layout: Layout,
    rows_forward: Forward<T>,
    columns_forward: Arc<dyn Fft<T>>,
    columns_inverse: Arc<dyn Fft<T>>,
    rows_inverse: Inverse<T>,
    transfers: Vec<Transfer<T>>,
    /// For sums over kernels, where any row may be other than zero.
    all: Vec<bool>,
}

enum Forward<T> {
    Real(Arc<dyn RealToComplex<T>>),
    Complex(Arc<dyn Fft<T>>),
}

enum Inverse<T> {
    Real(Arc<dyn ComplexToReal<T>>),
    Complex(Arc<dyn Fft<T>>),
}

/// One thread's part.
pub(super) struct Working<T> {
    /// A real block.
    real: Vec<T>,
    /// A complex block.
    complex: Vec<Complex<T>>,
    product: Vec<Complex<T>>,
    /// What the FFTs ask for, and before it a half spectrum before or after its transposition.
    fft: Vec<Complex<T>>,
}

impl<T: Real> Library<T> {
    /// With the kernels whose transfer functions are `transfer(index, layout)`.
    pub fn new(
        task: Task,
        tiling: &Tiling,
        transfer: &(dyn Fn(usize, &Layout) -> Vec<Complex<f64>> + Sync),
    ) -> Self {
        let layout = task.layout(&tiling.blocks);
        let ([n0, n1], [m0, m1]) = (layout.block, layout.kept);
        let packed = layout.spectra == Spectra::Full && task.packs();
        Self {
            tiles: Tiles::new(&task, tiling.blocks, packed),
            rows_forward: match layout.spectra {
                Spectra::Half | Spectra::HalfToFull => Forward::Real(T::real_forward(n1)),
                Spectra::Full => Forward::Complex(T::forward(n1)),
            },
            columns_forward: T::forward(n0),
            columns_inverse: T::inverse(m0),
            rows_inverse: match layout.spectra {
                Spectra::Half => Inverse::Real(T::real_inverse(m1)),
                Spectra::HalfToFull | Spectra::Full => Inverse::Complex(T::inverse(m1)),
            },
            transfers: parallel::map(task.kernels, |index| {
                Transfer::new(&transfer(index, &layout), &layout)
            }),
            all: vec![true; layout.target()[0]],
            task,
            layout,
        }
    }

    /// Samples of a half spectrum that waits for its transposition, or comes from it.
    fn half_len(&self) -> usize {
        let len = |[rows, columns]: [usize; 2]| rows * columns;
        match self.layout.spectra {
            _ if self.layout.is_line() => 0,
            Spectra::Half => len(self.layout.source()).max(len(self.layout.target())),
            Spectra::HalfToFull => len(self.layout.source()),
            Spectra::Full => 0,
        }
    }

    fn fft_len(&self) -> usize {
        let of_rows = |fft: &dyn Fft<T>| match self.layout.is_line() {
            true => fft.get_outofplace_scratch_len(),
            false => fft.get_inplace_scratch_len(),
        };
        let forward = match &self.rows_forward {
            Forward::Real(fft) => fft.get_scratch_len(),
            Forward::Complex(fft) => of_rows(&**fft),
        };
        let inverse = match &self.rows_inverse {
            Inverse::Real(fft) => fft.get_scratch_len(),
            Inverse::Complex(fft) => of_rows(&**fft),
        };
        let columns = [&self.columns_forward, &self.columns_inverse];
        let columns = columns.map(|fft| fft.get_inplace_scratch_len());
        self.half_len() + forward.max(inverse).max(columns[0]).max(columns[1])
    }

    /// The spectrum of a real block whose rows from `rows` on are zero. Destroys the block.
    fn forward_real(
        &self,
        fft: &dyn RealToComplex<T>,
        block: &mut [T],
        rows: usize,
        hat: &mut [Complex<T>],
        scratch: &mut [Complex<T>],
    ) {
        let [n0, n1] = self.layout.block;
        let (work, scratch) = scratch.split_at_mut(self.half_len());
        let of_row = &mut scratch[..fft.get_scratch_len()];
        if self.layout.is_line() {
            return expect(fft.process_with_scratch(block, hat, of_row));
        }
        let width = n1 / 2 + 1;
        let work = &mut work[..n0 * width];
        let planes = block.chunks_exact_mut(n1).zip(work.chunks_exact_mut(width));
        for (row, row_hat) in planes.take(rows) {
            expect(fft.process_with_scratch(row, row_hat, of_row));
        }
        work[rows * width..].fill(Complex::new(T::zero(), T::zero()));
        transpose::transpose(work, hat, width, n0);
        self.columns_forward.process_with_scratch(hat, scratch);
    }

    /// The same of a complex block.
    fn forward_complex(
        &self,
        fft: &dyn Fft<T>,
        block: &mut [Complex<T>],
        rows: usize,
        hat: &mut [Complex<T>],
        scratch: &mut [Complex<T>],
    ) {
        let [n0, n1] = self.layout.block;
        if self.layout.is_line() {
            return fft.process_outofplace_with_scratch(block, hat, scratch);
        }
        fft.process_with_scratch(&mut block[..rows * n1], scratch);
        transpose::transpose(block, hat, n1, n0);
        self.columns_forward.process_with_scratch(hat, scratch);
    }

    /// Columns of a spectrum back, where they are `live`: elsewhere they are zero, and stay so.
    fn inverse_columns(&self, hat: &mut [Complex<T>], live: &[bool], scratch: &mut [Complex<T>]) {
        let columns = hat.chunks_exact_mut(self.layout.kept[0]);
        for (column, _) in columns.zip(live).filter(|(_, live)| **live) {
            self.columns_inverse.process_with_scratch(column, scratch);
        }
    }

    /// The first `rows` rows of a real result, unscaled. Destroys the spectrum.
    fn inverse_real(
        &self,
        fft: &dyn ComplexToReal<T>,
        hat: &mut [Complex<T>],
        live: &[bool],
        rows: usize,
        to: &mut [T],
        scratch: &mut [Complex<T>],
    ) {
        let [m0, m1] = self.layout.kept;
        let (work, scratch) = scratch.split_at_mut(self.half_len());
        if self.layout.is_line() {
            make_hermitian(hat, m1);
            let scratch = &mut scratch[..fft.get_scratch_len()];
            return expect(fft.process_with_scratch(hat, to, scratch));
        }
        self.inverse_columns(hat, live, scratch);
        let width = m1 / 2 + 1;
        let work = &mut work[..m0 * width];
        transpose::transpose(hat, work, m0, width);
        let scratch = &mut scratch[..fft.get_scratch_len()];
        let planes = work.chunks_exact_mut(width).zip(to.chunks_exact_mut(m1));
        for (row_hat, row) in planes.take(rows) {
            make_hermitian(row_hat, m1);
            expect(fft.process_with_scratch(row_hat, row, scratch));
        }
    }

    /// The same of a complex result.
    fn inverse_complex(
        &self,
        fft: &dyn Fft<T>,
        hat: &mut [Complex<T>],
        live: &[bool],
        rows: usize,
        to: &mut [Complex<T>],
        scratch: &mut [Complex<T>],
    ) {
        let [m0, m1] = self.layout.kept;
        let scratch = &mut scratch[self.half_len()..];
        if self.layout.is_line() {
            return fft.process_outofplace_with_scratch(hat, to, scratch);
        }
        self.inverse_columns(hat, live, scratch);
        transpose::transpose(hat, to, m0, m1);
        fft.process_with_scratch(&mut to[..rows * m1], scratch);
    }

    /// Transforms the product of a unit back and stores it from `offset` on.
    fn store(
        &self,
        live: &[bool],
        unit: usize,
        working: &mut Working<T>,
        out: &Output<T>,
        offset: usize,
    ) {
        let Working {
            real,
            complex,
            product,
            fft: scratch,
        } = working;
        let [m0, m1] = self.layout.kept;
        let len = m0 * m1;
        let windows = self.tiles.of(unit).map(|tile| self.tiles.outputs(tile));
        let rows = windows.clone().map(|[rows, _]| rows.len()).max();
        let rows = rows.unwrap_or(0);
        let outputs = self.task.axes.each_ref().map(|axis| axis.outputs());
        let columns = outputs[1];
        match &self.rows_inverse {
            Inverse::Real(fft) => {
                self.inverse_real(&**fft, product, live, rows, &mut real[..len], scratch);
                let mut out = lock(out);
                for window in windows {
                    store(real, m1, window, &mut out, offset, columns, |&re| {
                        Complex::new(re, T::zero())
                    });
                }
            }
            Inverse::Complex(fft) => {
                // A result that is all of the output needs no copy.
                if self.tiles.count() == 1
                    && outputs == [m0, m1]
                    && let SamplesMut::Complex(out) = &mut *lock(out)
                {
                    let plane = &mut out[offset..][..len];
                    return self.inverse_complex(&**fft, product, live, rows, plane, scratch);
                }
                self.inverse_complex(&**fft, product, live, rows, &mut complex[..len], scratch);
                let mut out = lock(out);
                for (i, window) in windows.enumerate() {
                    if i == 0 {
                        store(complex, m1, window, &mut out, offset, columns, |z| *z);
                    } else {
                        store(complex, m1, window, &mut out, offset, columns, |z| {
                            Complex::new(z.im, T::zero())
                        });
                    }
                }
            }
        }
    }
}

impl<T: Real> Operator<T> for Library<T> {
    /// The spectrum of a block.
    type Loaded = Vec<Complex<T>>;
    type Working = Working<T>;

    fn task(&self) -> &Task {
        &self.task
    }

    fn tiles(&self) -> &Tiles {
        &self.tiles
    }

    fn footprint(&self) -> Footprint {
        let len = |[rows, columns]: [usize; 2]| rows * columns;
        let (block, kept) = (len(self.layout.block), len(self.layout.kept));
        let (real, complex) = match self.layout.spectra {
            Spectra::Half => (block, 0),
            Spectra::HalfToFull => (block, kept),
            Spectra::Full => (0, block),
        };
        Footprint::default()
            .with::<Complex<T>>("spectrum of a block", len(self.layout.source()))
            .with::<T>("real block", real)
            .with::<Complex<T>>("complex block", complex)
            .with::<Complex<T>>("product", len(self.layout.target()))
            .with::<Complex<T>>("scratch of FFTs", self.fft_len())
    }

    fn loaded(&self, footprint: &Footprint) -> Vec<Complex<T>> {
        footprint.vec("spectrum of a block", Complex::new(T::zero(), T::zero()))
    }

    fn working(&self, footprint: &Footprint) -> Working<T> {
        let zero = Complex::new(T::zero(), T::zero());
        Working {
            real: footprint.vec("real block", T::zero()),
            complex: footprint.vec("complex block", zero),
            product: footprint.vec("product", zero),
            fft: footprint.vec("scratch of FFTs", zero),
        }
    }

    fn load(
        &self,
        input: Samples<T>,
        unit: usize,
        hat: &mut Vec<Complex<T>>,
        working: &mut Working<T>,
    ) {
        let (axes, block) = (&self.task.axes, self.layout.block);
        let origins = self.tiles.of(unit).map(|tile| self.tiles.origin(tile));
        let rows = origins
            .clone()
            .map(|origin| axes[0].extent(origin[0], block[0]));
        let rows = rows.max().unwrap_or(0);
        match &self.rows_forward {
            Forward::Real(fft) => {
                let real = &mut working.real;
                real.fill(T::zero());
                for origin in origins {
                    gather(axes, input, origin, block, real, |to, x| *to = x.re);
                }
                self.forward_real(&**fft, real, rows, hat, &mut working.fft);
            }
            Forward::Complex(fft) => {
                let complex = &mut working.complex;
                complex.fill(Complex::new(T::zero(), T::zero()));
                for (i, origin) in origins.enumerate() {
                    match (i, self.task.complex_input) {
                        (0, true) => gather(axes, input, origin, block, complex, |to, x| *to = x),
                        (0, false) => {
                            gather(axes, input, origin, block, complex, |to, x| to.re = x.re);
                        }
                        _ => gather(axes, input, origin, block, complex, |to, x| to.im = x.re),
                    }
                }
                self.forward_complex(&**fft, complex, rows, hat, &mut working.fft);
            }
        }
    }

    fn finish(
        &self,
        kernel: usize,
        unit: usize,
        hat: &Vec<Complex<T>>,
        working: &mut Working<T>,
        out: &Output<T>,
        offset: usize,
    ) {
        let transfer = &self.transfers[kernel];
        transfer.multiply(hat, &mut working.product, false);
        self.store(transfer.live(), unit, working, out, offset);
    }

    fn sum(
        &self,
        input: Samples<T>,
        unit: usize,
        hat: &mut Vec<Complex<T>>,
        working: &mut Working<T>,
        out: &Output<T>,
    ) {
        let inputs = input.chunks(input.len() / self.task.kernels);
        for (kernel, input) in inputs.enumerate() {
            self.load(input, unit, hat, working);
            self.transfers[kernel].multiply(hat, &mut working.product, kernel > 0);
        }
        self.store(&self.all, unit, working, out, 0);
    }

    fn bytes(&self) -> u64 {
        self.transfers.iter().map(Transfer::bytes).sum()
    }
}

/// Of a real transform, whose lengths come from its plan, and whose spectrum is Hermitian.
fn expect(done: Result<(), realfft::FftError>) {
    done.expect("lengths come from the plan");
}

/// Takes the rounding off the two frequencies that are real in the half spectrum of `n` real samples.
fn make_hermitian<T: Real>(hat: &mut [Complex<T>], n: usize) {
    hat[0].im = T::zero();
    if n.is_multiple_of(2) {
        hat[n / 2].im = T::zero();
    }
}
