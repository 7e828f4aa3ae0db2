//! Planning and running convolutions, apart, and the run as a multiple of its floor.
//!
//! The floor is every FFT of the method that the plan chose and nothing else; see `workloads/floor.rs`. The direct form
//! stands beside it for the smallest kernels, as the scale: every other way has to beat it.

#![allow(non_snake_case)] // J keeps its case, as in the library

mod workloads;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use workloads::convolution::{CONVOLUTIONS, Convolving, Inputs, Way};
use workloads::floor::{Floor, in_turns};

/// The workloads that are also timed by the definition.
const DIRECT: [&str; 2] = ["conv1d-1048576-256", "conv2d-512-31"];

/// The result is what the definition says, up to rounding: 1e-7 for a few products, and some more for FFTs of 2^20.
fn check(workload: &Convolving, inputs: &Inputs, way: Way) {
    let mut job = inputs.plan(way, None).expect("it fits into memory");
    job.run();
    let error = workload.error(&job.output()).expect("a known workload");
    assert!(error < 1e-5, "{}: relative error {error:e}", workload.name);
}

fn convolutions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("convolution");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    for workload in &CONVOLUTIONS {
        let inputs = workload.inputs().expect("it fits into memory");
        check(workload, &inputs, Way::Cheapest);
        let name = workload.name;
        group.bench_function(BenchmarkId::new("plan", name), |b| {
            b.iter(|| inputs.plan(Way::Cheapest, Some(1)))
        });
        for (id, threads) in [("1-thread", Some(1)), ("all-threads", None)] {
            let mut job = inputs
                .plan(Way::Cheapest, threads)
                .expect("it was planned by the check");
            group.bench_function(BenchmarkId::new(id, name), |b| b.iter(|| job.run()));
        }
        if DIRECT.contains(&name) {
            check(workload, &inputs, Way::Direct);
            let mut job = inputs
                .plan(Way::Direct, Some(1))
                .expect("it was planned by the check");
            group.bench_function(BenchmarkId::new("direct", name), |b| b.iter(|| job.run()));
        }
        if std::env::args().all(|argument| argument != "--test") {
            compare_with_floor(workload, &inputs);
        }
    }
    group.finish();
}

/// Runs one workload and its floor in turns for a second, on one thread, and prints the ratio of the medians.
fn compare_with_floor(workload: &Convolving, inputs: &Inputs) {
    let mut job = inputs
        .plan(Way::Cheapest, Some(1))
        .expect("it was planned by the check");
    let (name, method) = (workload.name, job.method());
    let Some(ffts) = job.ffts() else {
        return println!("floor {name}: {method} has no FFTs");
    };
    let mut floor = Floor::<f32>::new(&[ffts]);
    let (run, floor) = in_turns(Duration::from_secs(1), 5, || job.run(), || floor.run());
    println!(
        "floor {name}: {:.3} ms of FFTs by {method}; the run takes {:.2} times",
        floor * 1e3,
        run / floor
    );
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
