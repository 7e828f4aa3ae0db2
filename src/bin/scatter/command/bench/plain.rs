//! Convolution as everyone would write it on rustfft and realfft: pad to a good length, transform, multiply, transform back,
//! cut out. One thread, one FFT for everything, the kernel's spectrum made beforehand.
//!
//! The padded sides are the next 2^a·3^b·5^c, even along the rows of real signals, whose transforms halve them. Everything
//! is complex as soon as signals or kernels are.

use std::sync::Arc;

use ndarray::ArrayD;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};
use wavelet_scattering::conv::{Convolve, Mode, Sample};
use wavelet_scattering::num::{Complex, Real};

use super::conv::problem::{Job, as_plane, sides, widened};
use super::workloads::floor;

pub struct Plain<'a, X, K>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    signals: &'a ArrayD<X>,
    ffts: Ffts<X::Real>,
    /// Samples of a signal, and of what is cut out of the padded result, from where on.
    signal: [usize; 2],
    output: [usize; 2],
    offset: [usize; 2],
    kernels: Vec<Vec<Complex<X::Real>>>,
    scratch: Option<Scratch<X::Output, X::Real>>,
}

/// Transforms of one padded size. **Shape** of spectra `[columns][rows]`, columns of a half spectrum where real.
struct Ffts<T> {
    shape: [usize; 2],
    rows: Rows<T>,
    columns_forward: Arc<dyn Fft<T>>,
    columns_inverse: Arc<dyn Fft<T>>,
}

enum Rows<T> {
    Real(Arc<dyn RealToComplex<T>>, Arc<dyn ComplexToReal<T>>),
    Complex(Arc<dyn Fft<T>>, Arc<dyn Fft<T>>),
}

struct Buffers<T> {
    /// A padded plane, real or complex.
    real: Vec<T>,
    rows: Vec<Complex<T>>,
    spectrum: Vec<Complex<T>>,
    product: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

/// Buffers and an output.
type Scratch<Y, T> = (Buffers<T>, Vec<Y>);

impl<T: Real> Ffts<T> {
    fn new(shape: [usize; 2], real: bool) -> Self {
        let (mut reals, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        let [n0, n1] = shape;
        Self {
            shape,
            rows: match real {
                true => Rows::Real(reals.plan_fft_forward(n1), reals.plan_fft_inverse(n1)),
                false => Rows::Complex(complex.plan_fft_forward(n1), complex.plan_fft_inverse(n1)),
            },
            columns_forward: complex.plan_fft_forward(n0),
            columns_inverse: complex.plan_fft_inverse(n0),
        }
    }

    /// Columns of a spectrum.
    fn width(&self) -> usize {
        match self.rows {
            Rows::Real(..) => self.shape[1] / 2 + 1,
            Rows::Complex(..) => self.shape[1],
        }
    }

    fn buffers(&self) -> Buffers<T> {
        let [n0, n1] = self.shape;
        let zero = Complex::new(T::zero(), T::zero());
        let (real, of_rows) = match &self.rows {
            Rows::Real(forward, inverse) => {
                let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
                (n0 * n1, scratch)
            }
            Rows::Complex(forward, inverse) => {
                let lengths = [forward, inverse].map(|fft| fft.get_inplace_scratch_len());
                (0, lengths[0].max(lengths[1]))
            }
        };
        let columns = [&self.columns_forward, &self.columns_inverse];
        let columns = columns.map(|fft| fft.get_inplace_scratch_len());
        let len = n0 * self.width();
        Buffers {
            real: vec![T::zero(); real],
            rows: vec![zero; len],
            spectrum: vec![zero; len],
            product: vec![zero; len],
            scratch: vec![zero; of_rows.max(columns[0]).max(columns[1])],
        }
    }

    /// The spectrum of samples in rows of so many; what is larger than the padded plane wraps around.
    fn forward<X: Sample<Real = T>>(&self, samples: &[X], row: usize, buffers: &mut Buffers<T>) {
        let [n0, n1] = self.shape;
        let lines = samples.chunks_exact(row).enumerate();
        let lines = lines.flat_map(|(i, line)| line.chunks(n1).map(move |line| (i % n0, line)));
        let width = self.width();
        let Buffers {
            real,
            rows,
            spectrum,
            scratch,
            ..
        } = buffers;
        match &self.rows {
            Rows::Real(fft, _) => {
                real.fill(T::zero());
                for (i, line) in lines {
                    let to = real[i * n1..].iter_mut();
                    to.zip(line).for_each(|(to, x)| *to += x.re());
                }
                let planes = real.chunks_exact_mut(n1).zip(rows.chunks_exact_mut(width));
                for (row, row_hat) in planes {
                    let done = fft.process_with_scratch(
                        row,
                        row_hat,
                        &mut scratch[..fft.get_scratch_len()],
                    );
                    done.expect("lengths come from the plan");
                }
            }
            Rows::Complex(fft, _) => {
                rows.fill(Complex::new(T::zero(), T::zero()));
                for (i, line) in lines {
                    let to = rows[i * n1..].iter_mut();
                    to.zip(line)
                        .for_each(|(to, x)| *to += Complex::new(x.re(), x.im()));
                }
                fft.process_with_scratch(rows, scratch);
            }
        }
        transpose::transpose(rows, spectrum, width, n0);
        self.columns_forward.process_with_scratch(spectrum, scratch);
    }

    /// What the product is the spectrum of, unscaled: in `real` or in `rows`.
    fn inverse(&self, buffers: &mut Buffers<T>) {
        let [n0, n1] = self.shape;
        let width = self.width();
        let Buffers {
            real,
            rows,
            product,
            scratch,
            ..
        } = buffers;
        self.columns_inverse.process_with_scratch(product, scratch);
        transpose::transpose(product, rows, n0, width);
        match &self.rows {
            Rows::Real(_, fft) => {
                let planes = real.chunks_exact_mut(n1).zip(rows.chunks_exact_mut(width));
                for (row, row_hat) in planes {
                    // Rounding leaves what is real in the spectrum of a real row not quite so, which realfft refuses.
                    row_hat[0].im = T::zero();
                    if n1.is_multiple_of(2) {
                        row_hat[width - 1].im = T::zero();
                    }
                    let done = fft.process_with_scratch(
                        row_hat,
                        row,
                        &mut scratch[..fft.get_scratch_len()],
                    );
                    done.expect("lengths come from the plan");
                }
            }
            Rows::Complex(_, fft) => fft.process_with_scratch(rows, scratch),
        }
    }
}

/// The next length without primes above 5, a multiple of `of`.
fn good_length(least: usize, of: usize) -> usize {
    let is_good = |mut n: usize| {
        for p in [2, 3, 5] {
            while n.is_multiple_of(p) {
                n /= p;
            }
        }
        n == 1
    };
    (least..)
        .find(|&n| n.is_multiple_of(of) && is_good(n))
        .expect("powers of two are good")
}

impl<'a, X, K> Plain<'a, X, K>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    /// Plans signals `[batch, N..]` and transforms kernels `[bank, k..]`.
    pub fn new(signals: &'a ArrayD<X>, kernels: &ArrayD<K>, mode: Mode) -> Self {
        let signal = as_plane(&signals.shape()[1..]);
        let kernel = as_plane(&kernels.shape()[1..]);
        let real = !X::COMPLEX && !K::COMPLEX;
        let along = |f: &dyn Fn(usize, usize) -> usize| [0, 1].map(|i| f(signal[i], kernel[i]));
        let shape = match mode {
            Mode::Circular => signal,
            _ => {
                let [n0, n1] = along(&|n, k| n + k - 1);
                [
                    good_length(n0, 1),
                    good_length(n1, if real { 2 } else { 1 }),
                ]
            }
        };
        let (offset, output) = match mode {
            Mode::Circular => ([0; 2], signal),
            Mode::Full => ([0; 2], along(&|n, k| n + k - 1)),
            Mode::Same => (kernel.map(|k| (k - 1) / 2), signal),
            Mode::Valid => (kernel.map(|k| k - 1), along(&|n, k| n + 1 - k)),
        };
        let ffts = Ffts::new(shape, real);
        let mut buffers = ffts.buffers();
        let scale = X::Real::narrow(1.0 / shape.iter().product::<usize>() as f64);
        let taps = kernels.as_slice().expect("made contiguous");
        let kernels = taps.chunks_exact(kernel.iter().product()).map(|taps| {
            ffts.forward(taps, kernel[1], &mut buffers);
            buffers.spectrum.iter().map(|z| z * scale).collect()
        });
        Self {
            kernels: kernels.collect(),
            signals,
            ffts,
            signal,
            output,
            offset,
            scratch: None,
        }
    }

    fn make_scratch(&self) -> Scratch<X::Output, X::Real> {
        let [m0, m1] = self.output;
        let len = self.signals.shape()[0] * self.kernels.len() * m0 * m1;
        (self.ffts.buffers(), vec![X::Output::default(); len])
    }

    fn convolve(&self, (buffers, out): &mut Scratch<X::Output, X::Real>) {
        let ([m0, m1], n1) = (self.output, self.ffts.shape[1]);
        let mut planes = out.chunks_exact_mut(m0 * m1);
        let signals = self.signals.as_slice().expect("made contiguous");
        for signal in signals.chunks_exact(self.signal.iter().product()) {
            self.ffts.forward(signal, self.signal[1], buffers);
            for (kernel, plane) in self.kernels.iter().zip(&mut planes) {
                let factors = buffers.spectrum.iter().zip(kernel);
                for (to, (x, h)) in buffers.product.iter_mut().zip(factors) {
                    *to = x * h;
                }
                self.ffts.inverse(buffers);
                let rows = plane.chunks_exact_mut(m1).zip(self.offset[0]..);
                for (row, i) in rows {
                    let from = i * n1 + self.offset[1];
                    let zero = X::Real::default();
                    match self.ffts.rows {
                        Rows::Real(..) => {
                            let values = &buffers.real[from..][..m1];
                            row.iter_mut()
                                .zip(values)
                                .for_each(|(to, &re)| *to = X::Output::from_parts(re, zero));
                        }
                        Rows::Complex(..) => {
                            let values = &buffers.rows[from..][..m1];
                            row.iter_mut()
                                .zip(values)
                                .for_each(|(to, z)| *to = X::Output::from_parts(z.re, z.im));
                        }
                    }
                }
            }
        }
    }
}

impl<X, K> Job for Plain<'_, X, K>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    fn run(&mut self) {
        let mut scratch = self.scratch.take().unwrap_or_else(|| self.make_scratch());
        self.convolve(&mut scratch);
        self.scratch = Some(scratch);
    }

    fn run_allocating(&self) {
        let mut scratch = self.make_scratch();
        self.convolve(&mut scratch);
        std::hint::black_box(scratch);
    }

    fn first_result(&self) -> Vec<Complex<f64>> {
        let len = self.kernels.len() * self.output.iter().product::<usize>();
        let out = self.scratch.iter().flat_map(|(_, out)| &out[..len]);
        widened(out)
    }

    fn name(&self) -> String {
        let name = match self.ffts.rows {
            Rows::Real(..) => "realfft",
            Rows::Complex(..) => "rustfft",
        };
        let skip = 3 - self.signals.ndim();
        format!("{name} {}", sides(&self.ffts.shape[skip..]))
    }

    fn ffts(&self) -> Option<floor::Ffts> {
        let complex = matches!(self.ffts.rows, Rows::Complex(..));
        let kernels = self.kernels.len();
        let shape = self.ffts.shape;
        Some(floor::Ffts::of_convolution(shape, 1, kernels, [complex; 2]))
    }
}
