//! Planning and running scattering transforms, apart, and the run as a multiple of its floor.
//!
//! The floor is every FFT that the path table asks for and nothing else; see `workloads/floor.rs`.

#![allow(non_snake_case)] // J keeps its case, as in the library

mod workloads;

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group,
    criterion_main,
};
use ndarray::ArrayD;
use wavelet_scattering::Scattering2d;
use wavelet_scattering::scattering::{Scattering, Wavelet};
use workloads::floor::{Ffts, Floor, in_turns};
use workloads::signals::{Planned, SIGNALS};
use workloads::{WORKLOADS, Workload, error_in_single};

/// The transform in `f32` is that in `f64` up to rounding.
fn check(workload: &Workload, plan: &Scattering2d<f32>) {
    let params = workload
        .params()
        .expect("an instruction set of this machine");
    let error = error_in_single(&params, plan, &workload.image());
    let error = error.expect("the workload fits into memory");
    assert!(error < 3e-6, "{}: relative error {error:e}", workload.name);
}

fn transforms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scattering");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    for workload in &WORKLOADS {
        let params = workload
            .params()
            .expect("an instruction set of this machine");
        let plan = params.plan::<f32>().expect("the workload fits into memory");
        check(workload, &plan);

        let name = workload.name;
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("plan", name), |b| {
            b.iter(|| params.plan::<f32>())
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
        back(&mut group, name, &plan, &images);
        if std::env::args().all(|argument| argument != "--test") {
            compare_with_floor(workload, &plan);
        }
    }
    group.finish();
}

/// The gradient of the sum of all features, without the way there.
fn back<W: Wavelet, const D: usize>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    plan: &Scattering<f32, W, D>,
    inputs: &ArrayD<f32>,
) {
    let weights = ArrayD::ones(plan.output_shape(&inputs.shape()[..inputs.ndim() - D]));
    let mut gradient = ArrayD::zeros(inputs.raw_dim());
    for (threads, mut workspace) in [
        ("vjp-1-thread", plan.gradient_workspace_for(1)),
        ("vjp-all-threads", plan.gradient_workspace()),
    ] {
        group.bench_function(BenchmarkId::new(threads, name), |b| {
            b.iter(|| {
                plan.vjp_into(inputs, &weights, &mut gradient, &mut workspace)
                    .expect("shapes fit")
            });
        });
    }
}

/// Runs one image and its floor in turns for a second, on one thread, and prints the ratio of the medians.
fn compare_with_floor(workload: &Workload, plan: &Scattering2d<f32>) {
    let image = workload.image();
    let mut out = ArrayD::<f32>::zeros(plan.output_shape(&[]));
    let mut workspace = plan.workspace_for(1);
    let mut floor = Floor::<f32>::new(&Ffts::of_scattering(plan));
    let run = || {
        plan.transform_into(&image, &mut out, &mut workspace)
            .expect("shapes fit")
    };
    let (run, floor) = in_turns(Duration::from_secs(1), 5, run, || floor.run());
    let milliseconds = floor * 1e3;
    println!(
        "floor {}: {milliseconds:.3} ms of FFTs an image; the run takes {:.2} times",
        workload.name,
        run / floor
    );
}

/// The same of signals.
fn signals(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("signals");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    for workload in &SIGNALS {
        let plan = workload.plan().expect("the workload fits into memory");
        let error = workload.error_in_single().expect("as does its twin");
        let name = workload.name;
        assert!(error < 3e-6, "{name}: relative error {error:e}");

        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("plan", name), |b| {
            b.iter(|| workload.plan())
        });
        let count = workload.leading.iter().product::<usize>();
        group.throughput(Throughput::Elements((count * workload.len) as u64));
        let signals = workload.signals();
        let mut out = ArrayD::<f32>::zeros(plan.output_shape(workload.leading));
        for (threads, mut workspace) in [
            ("1-thread", plan.workspace_for(1)),
            ("all-threads", plan.workspace()),
        ] {
            group.bench_function(BenchmarkId::new(threads, name), |b| {
                b.iter(|| {
                    plan.transform_into(&signals, &mut out, &mut workspace)
                        .expect("shapes fit")
                });
            });
        }
        let Planned::Time(time) = &plan else { continue };
        back(&mut group, name, time, &signals);

        let params = time.description();
        let double = params.plan::<f64>().expect("the workload fits into memory");
        let signals = signals.mapv(f64::from);
        let mut out = ArrayD::<f64>::zeros(double.output_shape(workload.leading));
        let mut workspace = double.workspace_for(1);
        group.bench_function(BenchmarkId::new("1-thread-f64", name), |b| {
            b.iter(|| {
                double
                    .transform_into(&signals, &mut out, &mut workspace)
                    .expect("shapes fit")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, transforms, signals);
criterion_main!(benches);
