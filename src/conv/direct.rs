//! Convolution by its definition: for small kernels, and what the tests compare with.
//!
//! ```text
//! y(i0, i1) = Σ_t0 Σ_t1 h(t0, t1)·e(keep0·i0 + k0 − 1 − t0, keep1·i1 + k1 − 1 − t1)
//! ```
//!
//! e is a window of the signal with its border already there, so no loop asks where it is. Complex signals and kernels
//! are two real ones, re and im apart: every inner loop is real and vectorises.

use num_complex::Complex;

use super::axis::gather;
use super::sample::{Samples, SamplesMut};
use super::task::{Task, Tiles, Tiling};
use super::tiles::{Operator, Output, lock, store, store_as};
use crate::memory::Footprint;
use crate::num::Real;

/// Outputs that are summed at a time, in registers.
const WIDTH: usize = 32;

/// Taps whose products are summed before they are added to the output: partial sums keep 32-bit rounding at that of
/// √64 terms and of as many partial sums.
const RUN: usize = 64;

/// Tiles by the definition.
pub(super) struct Direct<T> {
    task: Task,
    tiles: Tiles,
    kernels: Vec<Reversed<T>>,
}

impl<T: Real> Direct<T> {
    /// With the kernels whose taps are `taps(index)`.
    pub fn new(task: Task, tiling: &Tiling, taps: &dyn Fn(usize) -> Vec<Complex<f64>>) -> Self {
        let [k, keep] = [
            task.axes.map(|axis| axis.k),
            task.axes.map(|axis| axis.keep),
        ];
        let kernel = |index| Reversed::new(&taps(index), k, keep);
        Self {
            tiles: Tiles::new(&task, tiling.blocks, false),
            kernels: (0..task.kernels).map(kernel).collect(),
            task,
        }
    }

    fn gather(&self, input: Samples<T>, unit: usize, window: &mut [T]) {
        let (axes, block) = (&self.task.axes, self.tiles.block());
        window.fill(T::zero());
        let (re, im) = window.split_at_mut(block[0] * block[1]);
        for tile in self.tiles.of(unit) {
            let origin = self.tiles.origin(tile);
            gather(axes, input, origin, block, re, |to, x| *to = x.re);
            if self.task.complex_input {
                gather(axes, input, origin, block, im, |to, x| *to = x.im);
            }
        }
    }

    /// Adds the results of one kernel to the sums.
    fn add(&self, kernel: usize, window: &[T], sums: &mut [T]) {
        let extent = self.tiles.block();
        let [s0, s1] = self.tiles.step();
        let (re, im) = window.split_at(extent[0] * extent[1]);
        let (sum_re, sum_im) = sums.split_at_mut(s0 * s1);
        self.kernels[kernel].add(
            [Some(re), (!im.is_empty()).then_some(im)],
            extent,
            [Some(sum_re), (!sum_im.is_empty()).then_some(sum_im)],
            s1,
        );
    }

    fn store(&self, unit: usize, sums: &[T], out: &Output<T>, offset: usize) {
        let [s0, s1] = self.tiles.step();
        let columns = self.task.axes[1].outputs();
        let (re, im) = sums.split_at(s0 * s1);
        let mut out = lock(out);
        for tile in self.tiles.of(unit) {
            let window = self.tiles.outputs(tile);
            store(re, s1, window.clone(), &mut out, offset, columns, |&re| {
                Complex::new(re, T::zero())
            });
            if let SamplesMut::Complex(out) = &mut *out {
                // Imaginary parts beside the real ones that are there.
                store_as(im, s1, window, &mut out[offset..], columns, |to, &im| {
                    to.im = im
                });
            }
        }
    }
}

impl<T: Real> Operator<T> for Direct<T> {
    /// Windows: re, then im if there is any.
    type Loaded = Vec<T>;

    /// Sums: re, then im if there is any.
    type Working = Vec<T>;

    fn task(&self) -> &Task {
        &self.task
    }

    fn tiles(&self) -> &Tiles {
        &self.tiles
    }

    fn footprint(&self) -> Footprint {
        let planes = |complex| if complex { 2 } else { 1 };
        let ([b0, b1], [s0, s1]) = (self.tiles.block(), self.tiles.step());
        Footprint::default()
            .with::<T>("window", b0 * b1 * planes(self.task.complex_input))
            .with::<T>("sums", s0 * s1 * planes(self.task.complex_output()))
    }

    fn loaded(&self, footprint: &Footprint) -> Vec<T> {
        footprint.vec("window", T::zero())
    }

    fn working(&self, footprint: &Footprint) -> Vec<T> {
        footprint.vec("sums", T::zero())
    }

    fn load(&self, input: Samples<T>, unit: usize, window: &mut Vec<T>, _: &mut Vec<T>) {
        self.gather(input, unit, window);
    }

    fn finish(
        &self,
        kernel: usize,
        unit: usize,
        window: &Vec<T>,
        sums: &mut Vec<T>,
        out: &Output<T>,
        offset: usize,
    ) {
        sums.fill(T::zero());
        self.add(kernel, window, sums);
        self.store(unit, sums, out, offset);
    }

    fn sum(
        &self,
        input: Samples<T>,
        unit: usize,
        window: &mut Vec<T>,
        sums: &mut Vec<T>,
        out: &Output<T>,
    ) {
        sums.fill(T::zero());
        for (kernel, input) in input.chunks(input.len() / self.task.kernels).enumerate() {
            self.gather(input, unit, window);
            self.add(kernel, window, sums);
        }
        self.store(unit, sums, out, 0);
    }

    fn bytes(&self) -> u64 {
        let part = |taps: &[T]| size_of_val(taps) as u64;
        let kernels = self.kernels.iter();
        kernels
            .map(|kernel| part(&kernel.re) + kernel.im.as_deref().map_or(0, part))
            .sum()
    }
}

/// One kernel, reversed along both axes: re, and im if it has any.
#[derive(Debug, Clone)]
struct Reversed<T> {
    k: [usize; 2],
    keep: [usize; 2],
    re: Vec<T>,
    im: Option<Vec<T>>,
}

impl<T: Real> Reversed<T> {
    fn new(taps: &[Complex<f64>], k: [usize; 2], keep: [usize; 2]) -> Self {
        let part = |part: fn(&Complex<f64>) -> f64| {
            taps.iter().rev().map(|tap| T::narrow(part(tap))).collect()
        };
        Self {
            k,
            keep,
            re: part(|tap| tap.re),
            im: taps
                .iter()
                .any(|tap| tap.im != 0.0)
                .then(|| part(|tap| tap.im)),
        }
    }

    /// Adds to `out`, one plane of `[rows][columns]` or two (re, im), the convolution of a window: one plane or two
    /// of `extent`.
    fn add(
        &self,
        window: [Option<&[T]>; 2],
        extent: [usize; 2],
        out: [Option<&mut [T]>; 2],
        columns: usize,
    ) {
        let [re, im] = out;
        let [window_re, window_im] = window;
        let (plus, minus) = (T::one(), -T::one());
        let add = |out: &mut [T], window: Option<&[T]>, taps: Option<&[T]>, sign| {
            if let (Some(window), Some(taps)) = (window, taps) {
                self.add_real(taps, sign, window, extent, out, columns);
            }
        };
        let (h_re, h_im) = (Some(&self.re[..]), self.im.as_deref());
        if let Some(out) = re {
            add(out, window_re, h_re, plus);
            add(out, window_im, h_im, minus);
        }
        if let Some(out) = im {
            add(out, window_re, h_im, plus);
            add(out, window_im, h_re, plus);
        }
    }

    fn add_real(
        &self,
        taps: &[T],
        sign: T,
        window: &[T],
        extent: [usize; 2],
        out: &mut [T],
        columns: usize,
    ) {
        let [_, k1] = self.k;
        let [keep0, keep1] = self.keep;
        for (i, out) in out.chunks_exact_mut(columns).enumerate() {
            for (t, taps) in taps.chunks_exact(k1).enumerate() {
                let row = &window[(i * keep0 + t) * extent[1]..][..extent[1]];
                for (run, taps) in taps.chunks(RUN).enumerate() {
                    add_row(out, taps, sign, &row[run * RUN..], keep1);
                }
            }
        }
    }
}

/// `out[i] += sign·Σ_t taps[t]·from[keep·i + t]`.
fn add_row<T: Real>(out: &mut [T], taps: &[T], sign: T, from: &[T], keep: usize) {
    if keep > 1 {
        for (i, out) in out.iter_mut().enumerate() {
            let from = &from[keep * i..][..taps.len()];
            let sum: T = from.iter().zip(taps).map(|(&x, &h)| x * h).sum();
            *out += sign * sum;
        }
        return;
    }
    let mut wide = out.chunks_exact_mut(WIDTH);
    let mut start = 0;
    for out in wide.by_ref() {
        let mut sums = [T::zero(); WIDTH];
        for (from, &tap) in from[start..].windows(WIDTH).zip(taps) {
            for (sum, &x) in sums.iter_mut().zip(from) {
                *sum += tap * x;
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out += sign * sum;
        }
        start += WIDTH;
    }
    for (i, out) in wide.into_remainder().iter_mut().enumerate() {
        let mut sum = T::zero();
        for (&x, &tap) in from[start + i..].iter().zip(taps) {
            sum += tap * x;
        }
        *out += sign * sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_equal_the_definition_around_the_register_width() {
        for (columns, k, keep) in [(1, 1, 1), (31, 3, 1), (32, 70, 1), (65, 5, 1), (9, 4, 2)] {
            let from: Vec<f64> = (0..columns * keep + k).map(|i| (i as f64).sin()).collect();
            let taps: Vec<_> = (0..k)
                .map(|t| Complex::new((t as f64).cos(), 0.0))
                .collect();
            let direct = Reversed::<f64>::new(&taps, [1, k], [1, keep]);
            let mut out = vec![1.0; columns];
            direct.add(
                [Some(&from), None],
                [1, from.len()],
                [Some(&mut out), None],
                columns,
            );
            for (i, got) in out.iter().enumerate() {
                let expected: f64 = (0..k)
                    .map(|t| taps[t].re * from[i * keep + k - 1 - t])
                    .sum();
                assert!((got - 1.0 - expected).abs() < 1e-12);
            }
        }
    }
}
