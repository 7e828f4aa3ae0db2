//! Gradients with respect to kernels: correlations of signals with cotangents, at as many lags as a kernel has taps.
//!
//! ```text
//! y(i) = Σ_t h(t)·x(i + offset − t),   ȳ = w      h̄(t) = Σ_i w(i)·x(i + offset − t)*
//!      = IDFT(x̂·ĥ)(i)                                   = IDFT(ŵ·x̂*)(t − offset)        zeros between subsampled w
//! ```
//!
//! summed over a batch. On a circle of N samples the second line holds as it stands; elsewhere a block is as long as the one that
//! computes all of the convolution ([`Axis::one_block_len`]), where what wraps around falls on lags that nobody asks for. A
//! kernel that is longer than its circle wraps around it, and so do the lags. Of kernels in Fourier it is ŵ·x̂*/N itself.
//!
//! The adjoint has the same gradient with signals and cotangents exchanged: ⟨A*·x, w⟩ = ⟨x, A·w⟩.
//!
//! In double precision whatever the plan's: a gradient is a long sum, of which the taps of small kernels show every rounding.
//! Sums over a batch are taken among spectra, so that each kernel has one inverse.

use std::sync::Arc;

use ndarray::{ArrayBase, ArrayD, Data, Dimension};
use num_complex::Complex;
use rustfft::Fft;

use super::axis::{Axis, gather, own_axes};
use super::choose::one_block;
use super::plan::{Convolution, in_row_major};
use super::sample::{Convolve, Sample, Samples};
use super::task::Task;
#[cfg(doc)]
use crate::Error;
use crate::grid::wrap;
use crate::kernels::any_length::AnyLength;
use crate::num::Real;
use crate::{Result, memory, parallel};

type C64 = Complex<f64>;

impl<X, K, const D: usize> Convolution<X, K, D>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    /// The gradient of Re Σ conj(weights) · y, for y = [`apply`](Self::apply)(signals), with respect to the kernels, summed over
    /// the batch. The weights of a loss are its ∂/∂Re + i·∂/∂Im with respect to y, and the gradient is that with respect
    /// to the taps. A convolution is linear in its kernels, so that it is the same whatever the kernels of this plan are.
    ///
    /// **Shape** signals `[batch.., input_axes..]`, weights `[batch.., output_axes..]`; the gradient is as large as the kernels
    /// that were planned, `[kernels.., k..]`. **Units** those of the weights times those of the signals.
    ///
    /// Of real kernels it is real, of kernels in Fourier it is that with respect to the values of the transfer functions on the whole
    /// grid; where those were given as real numbers, the real part is the gradient among real ones. Of an
    /// [`adjoint`](Self::adjoint) it is with respect to the kernels of the convolution.
    ///
    /// It takes one FFT of every signal and of the weights of each of its results, and one inverse a kernel, in double precision
    /// and whatever the method of the plan is; threads take kernels of their own. The gradient with respect to the signals is the [`adjoint`](Self::adjoint) of the weights, for
    /// real signals its real part.
    ///
    /// ```
    /// use ndarray::{Array1, ArrayD, array};
    /// use wavelet_scattering::conv::{Convolution1d, Mode};
    ///
    /// // Which echo was that? Steps along the gradient of ½·|y − heard|² find it.
    /// let x = Array1::from_shape_fn(50, |t| ((t * t) as f64).sin());
    /// let params = Convolution1d::params([50]).mode(Mode::Full);
    /// let echo = array![1.0, 0.0, 0.5].into_dyn();
    /// let heard = params.plan(&echo)?.apply(&x)?;
    /// let mut taps = ArrayD::<f64>::zeros(vec![3]);
    /// for _ in 0..100 {
    ///     let plan = params.plan(&taps)?;
    ///     let missing = plan.apply(&x)? - &heard;
    ///     taps = taps - plan.kernel_gradient(&x, &missing)? / x.dot(&x);
    /// }
    /// assert!((taps - echo).iter().all(|error| error.abs() < 1e-9));
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::WrongShape`] if signals or weights do not fit the plan or each other, [`Error::Empty`] for an empty batch,
    /// [`Error::NotFinite`] for a NaN or infinite value in either, with its position, [`Error::OutOfMemory`] if the
    /// spectra would not fit.
    pub fn kernel_gradient<S, Dm, S2, Dm2>(
        &self,
        signals: &ArrayBase<S, Dm>,
        weights: &ArrayBase<S2, Dm2>,
    ) -> Result<ArrayD<K>>
    where
        S: Data<Elem = X>,
        Dm: Dimension,
        S2: Data<Elem = X::Output>,
        Dm2: Dimension,
    {
        let batch = self.batch_axes(signals.shape())?;
        self.check_outputs("the weights", weights.shape(), batch)?;
        let task = self.walk.task();
        let threads = parallel::threads().min(task.kernels);
        let correlation = Correlation::new(task, threads)?;
        let (signals, weights) = (in_row_major(signals)?, in_row_major(weights)?);
        let (signals, weights) = (X::samples(&signals), X::Output::samples(&weights));
        let [signals, weights] = match task.adjoint {
            true => [weights, signals],
            false => [signals, weights],
        };
        let taps = correlation.run(signals, weights, batch.iter().product(), threads);
        let narrow = |value: C64| {
            let [re, im] = [value.re, value.im].map(X::Real::narrow);
            K::from_parts(re, im)
        };
        let shape = [&self.kernel_axes[..], &own_axes::<D>(task.support)].concat();
        let taps = taps.into_iter().map(narrow).collect();
        Ok(ArrayD::from_shape_vec(shape, taps).expect("as many taps as the kernels have"))
    }
}

/// What correlates the signals and the weights of a task.
struct Correlation {
    /// The axes of signals, and of weights.
    axes: [[Axis; 2]; 2],
    kernels: usize,
    /// Taps of a kernel.
    support: [usize; 2],
    in_fourier: bool,
    /// Samples of what is transformed.
    block: [usize; 2],
    /// Along each axis.
    forward: [Arc<dyn Fft<f64>>; 2],
    inverse: [Arc<dyn Fft<f64>>; 2],
}

/// One thread's part.
struct Scratch {
    /// Samples, `[b0][b1]`.
    plane: Vec<C64>,
    /// A spectrum, `[b1][b0]`.
    hat: Vec<C64>,
    fft: Vec<C64>,
}

impl Correlation {
    /// Planned, if so many threads have room for it.
    fn new(task: &Task, threads: usize) -> Result<Self> {
        let turned = task.axes.map(Axis::adjoint);
        let axes = match task.adjoint {
            true => [turned, task.axes],
            false => [task.axes, turned],
        };
        // Nothing is subsampled here, so that blocks may have any length.
        let block = axes[0].map(|axis| one_block::<f64>(&Axis { keep: 1, ..axis }).len);
        // Of every kernel, and two of a signal and of each thread.
        let planes = task.kernels.saturating_add(2 + 2 * threads);
        memory::require(
            "the spectra of a signal and of the weights of every kernel",
            memory::bytes_of::<C64>(memory::count(&[planes, block[0], block[1]])),
            "use fewer kernels or smaller signals",
        )?;
        Ok(Self {
            axes,
            kernels: task.kernels,
            support: task.support,
            in_fourier: task.in_fourier,
            block,
            forward: block.map(f64::forward),
            inverse: block.map(f64::inverse),
        })
    }

    fn len(&self) -> usize {
        self.block[0] * self.block[1]
    }

    fn scratch(&self) -> Scratch {
        let ffts = self.forward.iter().chain(&self.inverse);
        let lengths = ffts.map(|fft| fft.get_inplace_scratch_len());
        let zeros = |len| vec![Complex::default(); len];
        Scratch {
            plane: zeros(self.len()),
            hat: zeros(self.len()),
            fft: zeros(lengths.max().unwrap_or(0)),
        }
    }

    /// The gradient of every kernel, one after another, for so many signals and their weights. No sum depends on the number of
    /// threads.
    fn run<T: Real>(
        &self,
        signals: Samples<T>,
        weights: Samples<T>,
        batch: usize,
        threads: usize,
    ) -> Vec<C64> {
        let mut of_signal = self.scratch();
        let mut workers: Vec<_> = (0..threads).map(|_| self.scratch()).collect();
        let mut sums = vec![Complex::default(); self.kernels * self.len()];
        let of_signals = signals.chunks(signals.len() / batch);
        for (signal, weights) in of_signals.zip(weights.chunks(weights.len() / batch)) {
            self.transform(&self.axes[0], signal, &mut of_signal);
            let x_hat = &of_signal.hat;
            let of_kernels = weights.chunks(weights.len() / self.kernels);
            let tasks = sums.chunks_exact_mut(self.len()).zip(of_kernels);
            parallel::for_each(&mut workers, tasks, |scratch, (sum, weights)| {
                self.transform(&self.axes[1], weights, scratch);
                let products = scratch.hat.iter().zip(x_hat);
                let products = products.map(|(w, x)| w * x.conj());
                (sum.iter_mut().zip(products)).for_each(|(sum, product)| *sum += product);
            });
        }
        let [k0, k1] = self.support;
        let mut taps = vec![Complex::default(); self.kernels * k0 * k1];
        let tasks = taps.chunks_exact_mut(k0 * k1);
        let tasks = tasks.zip(sums.chunks_exact_mut(self.len()));
        parallel::for_each(&mut workers, tasks, |scratch, (taps, sum)| {
            self.take(sum, scratch, taps);
        });
        taps
    }

    /// The spectrum of samples on these axes.
    fn transform<T: Real>(&self, axes: &[Axis; 2], samples: Samples<T>, scratch: &mut Scratch) {
        let Scratch { plane, hat, fft } = scratch;
        let [columns, rows] = &self.forward;
        plane.fill(Complex::default());
        gather(axes, samples, [0, 0], self.block, plane, |to, x| {
            *to = Complex::new(x.re.widen(), x.im.widen());
        });
        rows.process_with_scratch(plane, fft);
        transpose::transpose(plane, hat, self.block[1], self.block[0]);
        columns.process_with_scratch(hat, fft);
    }

    /// The taps that a sum of spectra is the gradient of; destroys the sum.
    fn take(&self, sum: &mut [C64], scratch: &mut Scratch, taps: &mut [C64]) {
        let Scratch { plane, fft, .. } = scratch;
        let ([b0, b1], [_, k1]) = (self.block, self.support);
        let [columns, rows] = &self.inverse;
        if !self.in_fourier {
            columns.process_with_scratch(sum, fft);
        }
        transpose::transpose(sum, plane, b0, b1);
        if !self.in_fourier {
            rows.process_with_scratch(plane, fft);
        }
        let scale = 1.0 / self.len() as f64;
        let [offset0, offset1] = self.axes[0].each_ref().map(|axis| axis.offset as i64);
        for (t0, row) in (0..).zip(taps.chunks_exact_mut(k1)) {
            let from = &plane[wrap(t0 - offset0, b0) * b1..][..b1];
            for (t1, tap) in (0..).zip(row) {
                *tap = from[wrap(t1 - offset1, b1)] * scale;
            }
        }
    }
}
