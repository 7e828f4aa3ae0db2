//! S = U ⋆ φ_J, sampled where the output keeps it: a small matrix product in space for each axis.
//!
//! φ̂ is separable, and so is its low-frequency block on a coarser level. Averaging and subsampling one axis is then one
//! matrix, A[o, n] = h(n − o·step) with the circular kernel h = IDFT(φ̂), an [`EvenKernel`], of which only the rows survive that the
//! output keeps. Against an FFT of every U this needs no transform at all, and its inner loops are contiguous.
//!
//! Conventions that bite: on the coarsest levels φ̂ is cut off at the Nyquist frequency while it is still a few per
//! cent of its peak, so h has long tails and the matrix is dense; on finer ones it is a short window.

use std::ops::Range;

use crate::kernels::any_length::AnyLength;
use crate::kernels::scalar as kernels;
use crate::num::{Complex, Real};

/// A circular, even kernel along one axis.
#[derive(Debug, Clone)]
pub(crate) struct EvenKernel {
    /// Samples of the axis.
    len: usize,
    /// h(0), h(1), …, up to half of the axis at most; 0 beyond.
    half: Vec<f64>,
}

impl EvenKernel {
    /// From its values on one side, up to half of the axis; 0 beyond.
    pub fn new(len: usize, half: Vec<f64>) -> Self {
        debug_assert!(half.len() <= len / 2 + 1);
        Self { len, half }
    }

    /// From its DFT, natural order, real and even.
    pub fn from_hat(hat: &[f64]) -> Self {
        let len = hat.len();
        let mut kernel: Vec<_> = hat.iter().map(|&value| Complex::new(value, 0.0)).collect();
        f64::inverse(len).process(&mut kernel);
        let half = kernel[..=len / 2].iter();
        Self::new(len, half.map(|value| value.re / len as f64).collect())
    }

    /// h at a distance below the length of the axis.
    fn at(&self, distance: usize) -> f64 {
        let nearer = distance.min(self.len - distance);
        self.half.get(nearer).copied().unwrap_or(0.0)
    }

    /// How many samples of the axis lie that far away.
    fn count(&self, distance: usize) -> f64 {
        if distance == 0 || 2 * distance == self.len {
            1.0
        } else {
            2.0
        }
    }

    /// Σ|h|.
    fn norm(&self) -> f64 {
        let values = self.half.iter().enumerate();
        values
            .map(|(distance, value)| self.count(distance) * value.abs())
            .sum()
    }
}

/// The average along one axis.
#[derive(Debug, Clone)]
pub(crate) struct AxisAverage<T> {
    pub len: usize,
    pub step: usize,
    pub outputs: Range<usize>,
    kernel: EvenKernel,
    /// Taps on either side of the middle, or none if the kernel goes all the way round.
    radius: Option<usize>,
    /// `h(-radius ..= radius)`; all the way round, `h(0..len)` twice, so that every row is a slice.
    taps: Vec<T>,
}

impl<T: Real> AxisAverage<T> {
    /// Output `o` sits at sample `o·step`. The taps left out add up to at most `tolerance` of all.
    pub fn new(kernel: EvenKernel, outputs: Range<usize>, step: usize, tolerance: f64) -> Self {
        let len = kernel.len;
        let mut left_out = 0.0;
        let most = tolerance * kernel.norm();
        let radius = (0..kernel.half.len())
            .rev()
            .find(|&distance| {
                left_out += kernel.count(distance) * kernel.half[distance].abs();
                left_out > most
            })
            .unwrap_or(0);
        let radius = (2 * radius + 1 < len).then_some(radius);
        let sum = |to: usize| -> f64 {
            let values = kernel.half.iter().take(to).enumerate();
            values
                .map(|(distance, value)| kernel.count(distance) * value)
                .sum()
        };
        let taps = match radius {
            Some(radius) => {
                // What is left out is made up for, so that constants stay as they are.
                let share = sum(usize::MAX) / sum(radius + 1);
                (0..=2 * radius)
                    .map(|i| T::narrow(share * kernel.half[i.abs_diff(radius)]))
                    .collect()
            }
            None => (0..2 * len)
                .map(|distance| T::narrow(kernel.at(distance % len)))
                .collect(),
        };
        Self {
            len,
            step,
            outputs,
            kernel,
            radius,
            taps,
        }
    }

    /// h at a distance below the length.
    pub fn kernel(&self, distance: usize) -> f64 {
        self.kernel.at(distance)
    }

    /// The taps from one end of the window to the other, unless it goes all the way round.
    pub fn short(&self) -> Option<&[T]> {
        self.radius.map(|_| &self.taps[..])
    }

    /// Number of outputs.
    fn output_len(&self) -> usize {
        self.outputs.len()
    }

    /// Averages a line into the outputs.
    pub fn apply(&self, u: &[T], out: &mut [T]) {
        for (o, value) in self.outputs.clone().zip(out) {
            *value = self
                .row(o)
                .into_iter()
                .map(|(start, weights)| long_dot(weights, &u[start..][..weights.len()]))
                .sum();
        }
    }

    /// The transpose: adds what the outputs weigh to the samples they average.
    pub fn add_adjoint(&self, weights: &[T], u: &mut [T]) {
        for (o, &weight) in self.outputs.clone().zip(weights) {
            for (start, taps) in self.row(o) {
                kernels::add_scaled(&mut u[start..], weight, taps);
            }
        }
    }

    /// The transpose of the matrix, for blocks of so many neighbouring samples.
    pub fn transposed(&self, block: usize) -> Transposed<T> {
        let blocks = self.len.div_ceil(block);
        // By block: an output that is of it, and its weight at every sample.
        let mut entries: Vec<Vec<(u32, Vec<T>)>> = vec![Vec::new(); blocks];
        for (output, o) in (0..).zip(self.outputs.clone()) {
            for (start, taps) in self.row(o) {
                for (n, &tap) in (start..).zip(taps) {
                    let entries = &mut entries[n / block];
                    if entries.last().is_none_or(|&(last, _)| last != output) {
                        entries.push((output, vec![T::zero(); block]));
                    }
                    if let Some((_, weights)) = entries.last_mut() {
                        weights[n % block] += tap;
                    }
                }
            }
        }
        let count = entries.iter().map(Vec::len).max().unwrap_or(0);
        let mut transposed = Transposed {
            block,
            count,
            outputs: Vec::with_capacity(blocks * count),
            weights: Vec::with_capacity(blocks * block * count),
        };
        for mut entries in entries {
            entries.resize(count, (0, vec![T::zero(); block]));
            (transposed.outputs).extend(entries.iter().map(|(output, _)| output));
            for i in 0..block {
                (transposed.weights).extend(entries.iter().map(|(_, weights)| weights[i]));
            }
        }
        transposed
    }

    /// The row of the matrix for one output, as at most two stretches: first sample, weights.
    pub fn row(&self, output: usize) -> [(usize, &[T]); 2] {
        let middle = output * self.step % self.len;
        match self.radius {
            None => [(0, &self.taps[self.len - middle..][..self.len]), (0, &[])],
            Some(radius) => {
                let start = (middle + self.len - radius) % self.len;
                let (first, rest) = self.taps.split_at(self.taps.len().min(self.len - start));
                [(start, first), (0, rest)]
            }
        }
    }
}

/// An average transposed: what every sample has of the outputs, by blocks of neighbours that are of the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Transposed<T> {
    /// Samples of a block.
    pub block: usize,
    /// Outputs that a block is of, at most.
    pub count: usize,
    /// Which they are, `[blocks][count]`, and with what weight, `[blocks][block][count]`; weights behind the last one are 0.
    pub outputs: Vec<u32>,
    pub weights: Vec<T>,
}

impl<T> Transposed<T> {
    /// Of a block.
    pub fn of(&self, block: usize) -> (&[u32], &[T]) {
        let weights = self.block * self.count;
        (
            &self.outputs[block * self.count..][..self.count],
            &self.weights[block * weights..][..weights],
        )
    }
}

/// The average along all axes.
#[derive(Debug, Clone)]
pub(crate) struct LowPass<T, const D: usize> {
    axes: [AxisAverage<T>; D],
}

impl<T: Real, const D: usize> LowPass<T, D> {
    pub fn new(axes: [AxisAverage<T>; D]) -> Self {
        Self { axes }
    }

    /// Samples of scratch that [`apply`](Self::apply) needs: what is left of the array after each axis but the last.
    pub fn scratch_len(&self) -> usize {
        let inner = |axis| {
            self.axes[axis..]
                .iter()
                .map(|axis| axis.len)
                .product::<usize>()
        };
        (1..D).map(inner).sum()
    }

    /// Averages `u`, `[n0][n1]..`, into `out`, `[outputs0][outputs1]..`.
    pub fn apply(&self, u: &[T], out: &mut [T], scratch: &mut [T]) {
        apply(&self.axes, u, out, scratch);
    }

    /// The transpose: adds what the outputs weigh to the samples they average.
    pub fn add_adjoint(&self, weights: &[T], u: &mut [T], scratch: &mut [T]) {
        add_adjoint(&self.axes, weights, u, scratch);
    }
}

fn apply<T: Real>(axes: &[AxisAverage<T>], u: &[T], out: &mut [T], scratch: &mut [T]) {
    let Some((axis, others)) = axes.split_first() else {
        return;
    };
    if others.is_empty() {
        return axis.apply(u, out);
    }
    let len: usize = others.iter().map(|axis| axis.len).product();
    let width: usize = others.iter().map(AxisAverage::output_len).product();
    let (averages, scratch) = scratch.split_at_mut(len);
    for (o, out) in axis.outputs.clone().zip(out.chunks_exact_mut(width)) {
        averages.fill(T::zero());
        for (start, weights) in axis.row(o) {
            kernels::add_weighted_rows(averages, weights, &u[start * len..]);
        }
        apply(others, averages, out, scratch);
    }
}

fn add_adjoint<T: Real>(axes: &[AxisAverage<T>], weights: &[T], u: &mut [T], scratch: &mut [T]) {
    let Some((axis, others)) = axes.split_first() else {
        return;
    };
    if others.is_empty() {
        return axis.add_adjoint(weights, u);
    }
    let len: usize = others.iter().map(|axis| axis.len).product();
    let width: usize = others.iter().map(AxisAverage::output_len).product();
    let (averages, scratch) = scratch.split_at_mut(len);
    for (o, weights) in axis.outputs.clone().zip(weights.chunks_exact(width)) {
        averages.fill(T::zero());
        add_adjoint(others, weights, averages, scratch);
        for (start, taps) in axis.row(o) {
            for (u, &tap) in u[start * len..].chunks_exact_mut(len).zip(taps) {
                kernels::add_scaled(u, tap, averages);
            }
        }
    }
}

/// Σ a·b of any number of numbers: the sums of stretches add up in `f64`, since one sum of tens of thousands of `f32` would be off by
/// several roundings.
fn long_dot<T: Real>(a: &[T], b: &[T]) -> T {
    const STRETCH: usize = 2048;
    let stretches = a.chunks(STRETCH).zip(b.chunks(STRETCH));
    T::narrow(stretches.map(|(a, b)| kernels::dot(a, b).widen()).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::gauss;

    /// Σ_n h(o·step − n)·u(n) with h from the definition of the inverse DFT.
    fn slow(phi_hat: &[f64], u: &[f64], at: usize) -> f64 {
        let n = phi_hat.len();
        let h = |d: usize| -> f64 {
            let phase =
                |k: usize| (2.0 * std::f64::consts::PI * (k * d % n) as f64 / n as f64).cos();
            (0..n).map(|k| phi_hat[k] * phase(k)).sum::<f64>() / n as f64
        };
        (0..n).map(|i| h((at + n - i) % n) * u[i]).sum()
    }

    #[test]
    fn short_and_dense_windows_equal_the_definition() {
        // narrow in space: short; cut at Nyquist: dense; length 1 and 2: degenerate
        for (sigma, n, step, outputs) in [
            (0.199, 60, 4, 1..14),
            (0.05, 64, 8, 0..8),
            (0.3, 12, 2, 1..5),
            (0.2, 2, 1, 0..2),
            (0.2, 1, 1, 0..1),
        ] {
            let phi_hat = gauss::axis_hat(sigma, n);
            let u: Vec<f64> = (0..n).map(|i| ((i * i) as f64 * 0.37).sin()).collect();
            let axis = AxisAverage::<f64>::new(
                EvenKernel::from_hat(&phi_hat),
                outputs.clone(),
                step,
                1e-15,
            );
            let one = AxisAverage::<f64>::new(EvenKernel::new(1, vec![1.0]), 0..1, 1, 0.0);
            let across = LowPass::new([one.clone(), axis.clone()]);
            let down = LowPass::new([axis, one]);
            for low_pass in [across, down] {
                let mut got = vec![f64::NAN; outputs.len()];
                low_pass.apply(&u, &mut got, &mut vec![f64::NAN; low_pass.scratch_len()]);
                let mut scratch = vec![f64::NAN; low_pass.scratch_len()];
                let mut adjoint = vec![0.0; n];
                let weights: Vec<f64> = outputs.clone().map(|o| (3.0 * o as f64).cos()).collect();
                low_pass.add_adjoint(&weights, &mut adjoint, &mut scratch);
                let there: f64 = got.iter().zip(&weights).map(|(a, b)| a * b).sum();
                let back: f64 = adjoint.iter().zip(&u).map(|(a, b)| a * b).sum();
                assert!((there - back).abs() < 1e-13, "{there} against {back}");
                for (o, got) in outputs.clone().zip(got) {
                    let expected = slow(&phi_hat, &u, o * step);
                    assert!((got - expected).abs() < 1e-13, "{got} against {expected}");
                }
            }
        }
    }

    #[test]
    fn a_window_is_kept_short_where_it_is_negligible() {
        let narrow = AxisAverage::<f32>::new(
            EvenKernel::from_hat(&gauss::axis_hat(0.1, 256)),
            0..1,
            1,
            1e-8,
        );
        assert!(
            narrow.radius.is_some_and(|radius| radius < 12),
            "{:?}",
            narrow.radius
        );
        let mut cut = gauss::axis_hat(0.2, 256);
        cut[128] = 0.0;
        assert_eq!(
            AxisAverage::<f32>::new(EvenKernel::from_hat(&cut), 0..1, 1, 1e-6).radius,
            None
        );
    }
}
