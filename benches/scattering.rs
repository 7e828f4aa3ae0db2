//! Planning and running 2D scattering transforms, apart, and the run as a multiple of its floor.
//!
//! The floor is every FFT of the transform and nothing else: as many 2D transforms of the same sizes as the path table
//! asks for, by the same FFT library and with the same transpositions, back to back on one thread.

#![allow(non_snake_case)] // J keeps its case, as in the library

mod workloads;

use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{
    BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use ndarray::ArrayD;
use realfft::{RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};
use wavelet_scattering::Scattering2d;
use wavelet_scattering::num::relative_error;
use workloads::{WORKLOADS, Workload};

/// The transform in `f32` is that in `f64` up to rounding.
fn check(workload: &Workload, plan: &Scattering2d<f32>) {
    let image = workload.image();
    let exact = workload
        .params()
        .plan::<f64>()
        .and_then(|plan| plan.transform(&image.mapv(f64::from)));
    let exact = exact.expect("the workload fits into memory");
    let features = plan.transform(&image).expect("the same in half the memory");
    let error = relative_error(
        features.array().iter().copied(),
        exact.array().iter().copied(),
    );
    assert!(error < 3e-6, "{}: relative error {error:e}", workload.name);
}

fn transforms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scattering");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    for workload in &WORKLOADS {
        let plan = workload
            .params()
            .plan::<f32>()
            .expect("the workload fits into memory");
        check(workload, &plan);

        let name = workload.name;
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("plan", name), |b| {
            b.iter(|| workload.params().plan::<f32>())
        });

        group.throughput(Throughput::Elements(
            workload.leading.iter().product::<usize>() as u64,
        ));
        let images = workload.images();
        let mut out = ArrayD::<f32>::zeros(plan.output_shape(workload.leading));
        for (threads, mut workspace) in [
            ("1-thread", plan.workspace_for(1)),
            ("all-threads", plan.workspace()),
        ] {
            group.bench_function(BenchmarkId::new(threads, name), |b| {
                b.iter(|| {
                    plan.transform_into(&images, &mut out, &mut workspace)
                        .expect("shapes fit")
                });
            });
        }
        if std::env::args().all(|argument| argument != "--test") {
            compare_with_floor(workload, &plan);
        }
    }
    group.finish();
}

/// Runs one image and its floor in turns for a second, on one thread, and prints the ratio of the medians.
fn compare_with_floor(workload: &Workload, plan: &Scattering2d<f32>) {
    let image = workload.image();
    let mut out = ArrayD::<f32>::zeros(plan.output_shape(&[]));
    let mut workspace = plan.workspace_for(1);
    let mut floor = Floor::new(plan);
    let (mut runs, mut floors) = (Vec::new(), Vec::new());
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) || runs.len() < 5 {
        runs.push(seconds(|| {
            plan.transform_into(&image, &mut out, &mut workspace)
                .expect("shapes fit")
        }));
        floors.push(seconds(|| floor.run()));
    }
    let (run, floor) = (median(runs), median(floors));
    let milliseconds = floor * 1e3;
    println!(
        "floor {}: {milliseconds:.3} ms of FFTs an image; the run takes {:.2} times",
        workload.name,
        run / floor
    );
}

fn seconds(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// The FFTs of one image, and buffers for the largest. The buffers hold zeros throughout: no value grows without bound,
/// and the time does not depend on them.
struct Floor {
    levels: Vec<Level>,
    plane: Vec<f32>,
    spectrum: Vec<Complex32>,
    transposed: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

/// The grid of one level, its 1D transforms, and how many planes pass through them.
struct Level {
    shape: [usize; 2],
    forward: usize,
    inverse: usize,
    rows_forward: Arc<dyn RealToComplex<f32>>,
    columns_forward: Arc<dyn Fft<f32>>,
    columns_inverse: Arc<dyn Fft<f32>>,
    rows_inverse: Arc<dyn Fft<f32>>,
}

impl Floor {
    /// Every path but the input is one inverse transform on the level of its last scale; every path with children,
    /// and the input, is one forward transform there.
    fn new(plan: &Scattering2d<f32>) -> Self {
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        let [n0, n1] = plan.padded_shape();
        let paths = plan.paths();
        let mut levels: Vec<_> = (0..plan.description().J)
            .map(|level| [n0 >> level, n1 >> level])
            .map(|shape| Level {
                shape,
                forward: 0,
                inverse: 0,
                rows_forward: real.plan_fft_forward(shape[1]),
                columns_forward: complex.plan_fft_forward(shape[0]),
                columns_inverse: complex.plan_fft_inverse(shape[0]),
                rows_inverse: complex.plan_fft_inverse(shape[1]),
            })
            .collect();
        for row in 0..paths.len() {
            let last = paths.wavelets_of(row).next_back();
            let level = &mut levels[last.map_or(0, |wavelet| wavelet.j)];
            level.inverse += usize::from(last.is_some());
            level.forward += usize::from(!paths.children(row).is_empty());
        }
        let zeros = || vec![Complex32::ZERO; n0 * n1];
        let (spectrum, transposed, scratch) = (zeros(), zeros(), zeros());
        Self {
            levels,
            plane: vec![0.0; n0 * n1],
            spectrum,
            transposed,
            scratch,
        }
    }

    fn run(&mut self) {
        let Self {
            levels,
            plane,
            spectrum,
            transposed,
            scratch,
        } = self;
        for level in levels {
            let [n0, n1] = level.shape;
            let width = n1 / 2 + 1;
            for _ in 0..level.forward {
                let (half, half_transposed) =
                    (&mut spectrum[..n0 * width], &mut transposed[..n0 * width]);
                for (row, row_hat) in plane[..n0 * n1]
                    .chunks_exact_mut(n1)
                    .zip(half.chunks_exact_mut(width))
                {
                    level
                        .rows_forward
                        .process_with_scratch(row, row_hat, scratch)
                        .expect("lengths fit");
                }
                transpose::transpose(half, half_transposed, width, n0);
                level
                    .columns_forward
                    .process_with_scratch(half_transposed, scratch);
            }
            let (spectrum, transposed) = (&mut spectrum[..n0 * n1], &mut transposed[..n0 * n1]);
            for _ in 0..level.inverse {
                level
                    .columns_inverse
                    .process_with_scratch(spectrum, scratch);
                transpose::transpose(spectrum, transposed, n0, n1);
                level.rows_inverse.process_with_scratch(transposed, scratch);
            }
        }
    }
}

criterion_group!(benches, transforms);
criterion_main!(benches);
