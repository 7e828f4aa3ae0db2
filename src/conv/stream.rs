//! [`Stream`]: a convolution of a signal that arrives in blocks of any length.
//!
//! Comes in: samples as they come. Goes out: the samples of the full convolution as soon as a block of them is final;
//! together they are what [`Mode::Full`] gives offline, to rounding, whatever the lengths of the blocks.
//!
//! ```text
//! y(i) = Σ_{t < k} h(t)·x(i − t)          final once x(i) is there
//! ```

use ndarray::{ArrayBase, ArrayD, ArrayView1, DataMut, Dimension, s};

use super::axis::Mode;
use super::kernels::Kernels;
use super::method::Explanation;
use super::plan::{Convolution1d, ConvolutionWorkspace};
use super::sample::{Convolve, Sample, is_finite};
use crate::grid::find_in;
use crate::{Error, Result};

/// A running convolution of one signal with one kernel or a bank.
///
/// Samples are computed `latency + 1` at a time, so y(i) is given out by the push that brings x(i + latency), or
/// earlier. A latency of about the kernel's length lets FFTs do the work; 0 computes every sample as it comes.
///
/// ```
/// use ndarray::{Array1, array};
/// use wavelet_scattering::conv::Stream;
///
/// let mut stream = Stream::<f32>::new(&array![1.0, 0.5], 0)?;
/// assert_eq!(stream.push(&[1.0, 2.0])?, array![1.0, 2.5].into_dyn());
/// assert_eq!(stream.push(&[4.0])?, array![5.0].into_dyn());
/// assert_eq!(stream.finish()?, array![2.0].into_dyn());
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug)]
pub struct Stream<X: Sample, K: Sample = X>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    plan: Convolution1d<X, K>,
    workspace: ConvolutionWorkspace<X::Real>,
    /// The last k − 1 samples of the past, then what is waiting.
    window: Vec<X>,
    /// Where the next sample goes.
    end: usize,
    /// Results of one block, `[kernels][step]`.
    block: ArrayD<X::Output>,
    history: usize,
    step: usize,
}

impl<X, K> Stream<X, K>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    /// A stream for kernels in space, `[kernels.., k]`, that gives every sample at most `latency` samples late.
    ///
    /// # Errors
    /// As [`ConvolutionParams::plan`](super::ConvolutionParams::plan).
    pub fn new(kernels: impl Into<Kernels<K>>, latency: usize) -> Result<Self> {
        let kernels = kernels.into();
        if kernels.in_fourier() {
            return Err(Error::InvalidParameter {
                name: "kernel",
                value: "a transfer function".into(),
                limit: "a stream is not circular; give the taps".into(),
            });
        }
        kernels.leading(1)?;
        let [_, k] = kernels.support(1);
        let (history, step) = (k - 1, latency.saturating_add(1));
        let plan = Convolution1d::params([history.saturating_add(step)])
            .mode(Mode::Valid)
            .plan::<X, K>(kernels)?;
        Ok(Self {
            workspace: plan.workspace_for(1),
            window: vec![X::default(); history + step],
            end: history,
            block: ArrayD::from_elem(plan.output_axes(), X::Output::default()),
            history,
            step,
            plan,
        })
    }

    /// Which method computes a block, and what the others would have cost.
    pub fn explain(&self) -> &Explanation<1> {
        self.plan.explain()
    }

    /// Samples that the next push of `len` will give.
    pub fn ready(&self, len: usize) -> usize {
        (self.end - self.history).saturating_add(len) / self.step * self.step
    }

    /// Samples that [`finish`](Self::finish) would give now: what is waiting, and the tail of k − 1.
    pub fn remaining(&self) -> usize {
        self.end
    }

    /// Takes the next samples and gives those that are final.
    ///
    /// **Shape** `[kernels.., ready(x.len())]`.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a NaN or infinite sample; the stream is then as before.
    pub fn push(&mut self, x: &[X]) -> Result<ArrayD<X::Output>> {
        let mut out = self.output(self.ready(x.len()));
        self.push_into(x, &mut out)?;
        Ok(out)
    }

    /// The same into an array of that shape. Allocates nothing if it is contiguous in row-major order.
    ///
    /// # Errors
    /// As [`push`](Self::push), and [`Error::WrongShape`] if the output does not fit.
    pub fn push_into<S: DataMut<Elem = X::Output>, Dm: Dimension>(
        &mut self,
        x: &[X],
        out: &mut ArrayBase<S, Dm>,
    ) -> Result<()> {
        self.check(x)?;
        let ready = self.ready(x.len());
        let axes = self.block.shape();
        let fits = out.ndim() == axes.len()
            && out.shape()[..axes.len() - 1] == axes[..axes.len() - 1]
            && out.shape()[axes.len() - 1] == ready;
        if !fits {
            return Err(Error::WrongShape {
                what: "the output",
                got: out.shape().to_vec(),
                expected: format!(
                    "{:?}, the samples that are ready",
                    [&axes[..axes.len() - 1], &[ready]].concat()
                ),
            });
        }
        self.advance(x, ready, out)
    }

    /// Ends the signal and gives all that is left of the full convolution; the stream is then as new.
    ///
    /// **Shape** `[kernels.., remaining()]`.
    ///
    /// # Errors
    /// None that a stream in use could meet.
    pub fn finish(&mut self) -> Result<ArrayD<X::Output>> {
        let remaining = self.remaining();
        let mut out = self.output(remaining);
        let mut done = 0;
        while done < remaining {
            self.window[self.end..].fill(X::default());
            let len = self.step.min(remaining - done);
            self.compute(done, len, &mut out)?;
            done += len;
        }
        self.window.fill(X::default());
        self.end = self.history;
        Ok(out)
    }

    fn output(&self, len: usize) -> ArrayD<X::Output> {
        let axes = self.block.shape();
        let shape = [&axes[..axes.len() - 1], &[len]].concat();
        ArrayD::from_elem(shape, X::Output::default())
    }

    fn check(&self, x: &[X]) -> Result<()> {
        match find_in(x, |x| !is_finite(x)) {
            None => Ok(()),
            Some(index) => Err(super::plan::not_finite(x[index], vec![index])),
        }
    }

    fn advance<S: DataMut<Elem = X::Output>, Dm: Dimension>(
        &mut self,
        mut x: &[X],
        ready: usize,
        out: &mut ArrayBase<S, Dm>,
    ) -> Result<()> {
        let mut done = 0;
        while done < ready {
            let (now, later) = x.split_at(self.window.len() - self.end);
            self.window[self.end..].copy_from_slice(now);
            x = later;
            self.compute(done, self.step, out)?;
            done += self.step;
        }
        self.window[self.end..][..x.len()].copy_from_slice(x);
        self.end += x.len();
        Ok(())
    }

    /// Convolves a window that is full, stores `len` results from `done` on, and moves on.
    fn compute<S: DataMut<Elem = X::Output>, Dm: Dimension>(
        &mut self,
        done: usize,
        len: usize,
        out: &mut ArrayBase<S, Dm>,
    ) -> Result<()> {
        let window = ArrayView1::from(&self.window[..]);
        self.plan
            .apply_into(&window, &mut self.block, &mut self.workspace)?;
        let from = self.block.lanes(ndarray::Axis(self.block.ndim() - 1));
        let axis = ndarray::Axis(out.ndim() - 1);
        for (mut to, from) in out.lanes_mut(axis).into_iter().zip(from) {
            to.slice_mut(s![done..done + len])
                .assign(&from.slice(s![..len]));
        }
        self.window.copy_within(self.step.., 0);
        self.end = self.history;
        Ok(())
    }
}
