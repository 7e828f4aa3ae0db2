//! Two FFTs of a complex plane with a product between them, at the sizes of scattering levels, beside rustfft.
//!
//! The library's own FFTs are not public. What is public and made of little else is a circular convolution by a transfer
//! function: a forward and an inverse 2D transform of the same size, and a product. `ours` is that, `rustfft` the same
//! with rows, a transposition and columns, and back. So the times are those of FFTs with a few percent of other work, and
//! of the transforms behind `conv`; the cascade of the scattering has kernels of its own, which `scattering.rs` times.

#![allow(non_snake_case)] // J keeps its case, as in the library

mod workloads;

use std::sync::Arc;
use std::time::Duration;

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use ndarray::{Array2, ArrayD, IxDyn};
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use wavelet_scattering::Isa;
use wavelet_scattering::conv::{Convolution2d, Kernels, Mode};
use workloads::noise::noise;

/// Sides of the levels of padded images of 32 to 272 pixels.
const SIDES: [usize; 12] = [20, 36, 40, 60, 68, 72, 120, 136, 144, 240, 272, 288];

/// The same by rustfft.
struct Twin {
    side: usize,
    transfer: Vec<f32>,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    other: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Twin {
    /// `transfer` as the spectrum stands after two transforms with one transposition between them: transposed.
    fn new(side: usize, transfer: &Array2<f32>) -> Self {
        let mut planner = FftPlanner::new();
        let (forward, inverse) = (
            planner.plan_fft_forward(side),
            planner.plan_fft_inverse(side),
        );
        let scratch = forward
            .get_inplace_scratch_len()
            .max(inverse.get_inplace_scratch_len());
        let scale = 1.0 / (side * side) as f32;
        Self {
            side,
            transfer: transfer.t().iter().map(|value| value * scale).collect(),
            forward,
            inverse,
            other: vec![Complex32::ZERO; side * side],
            scratch: vec![Complex32::ZERO; scratch],
        }
    }

    fn run(&mut self, plane: &[Complex32], out: &mut [Complex32]) {
        out.copy_from_slice(plane);
        self.forward.process_with_scratch(out, &mut self.scratch);
        transpose::transpose(out, &mut self.other, self.side, self.side);
        self.forward
            .process_with_scratch(&mut self.other, &mut self.scratch);
        for (value, transfer) in self.other.iter_mut().zip(&self.transfer) {
            *value *= transfer;
        }
        self.inverse
            .process_with_scratch(&mut self.other, &mut self.scratch);
        transpose::transpose(&self.other, out, self.side, self.side);
        self.inverse.process_with_scratch(out, &mut self.scratch);
    }
}

fn planes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fft");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    for side in SIDES {
        let samples = side * side;
        let parts = noise(0, 2 * samples);
        let plane: Vec<_> = parts
            .chunks_exact(2)
            .map(|parts| Complex32::new(parts[0], parts[1]))
            .collect();
        let plane = ArrayD::from_shape_vec(IxDyn(&[side, side]), plane).expect("side * side");
        let transfer = Array2::from_shape_vec([side, side], noise(2 * samples, samples));
        let transfer = transfer.expect("side * side");
        let plan: Convolution2d<Complex32> = Convolution2d::params([side, side])
            .mode(Mode::Circular)
            .isa(Isa::from_env().expect("an instruction set of this machine"))
            .plan(Kernels::fourier(&transfer))
            .expect("a small plane");
        let mut workspace = plan.workspace_for(1);
        let mut twin = Twin::new(side, &transfer);
        let (mut ours, mut theirs) = (plane.clone(), plane.clone());
        let input = plane.as_slice().expect("made contiguous");

        plan.apply_into(&plane, &mut ours, &mut workspace)
            .expect("shapes fit");
        twin.run(input, theirs.as_slice_mut().expect("made contiguous"));
        check(side, &ours, &theirs);

        group.throughput(Throughput::Elements(samples as u64));
        group.bench_function(BenchmarkId::new("ours", side), |b| {
            b.iter(|| plan.apply_into(&plane, &mut ours, &mut workspace))
        });
        let theirs = theirs.as_slice_mut().expect("made contiguous");
        group.bench_function(BenchmarkId::new("rustfft", side), |b| {
            b.iter(|| twin.run(input, theirs))
        });
    }
    group.finish();
}

/// Both are the same, up to rounding.
fn check(side: usize, ours: &ArrayD<Complex32>, theirs: &ArrayD<Complex32>) {
    let norm = |z: &ArrayD<Complex32>| z.iter().map(|z| f64::from(z.norm_sqr())).sum::<f64>();
    let error = (norm(&(ours - theirs)) / norm(theirs)).sqrt();
    assert!(error < 1e-6, "side {side}: relative error {error:e}");
}

criterion_group!(benches, planes);
criterion_main!(benches);
