//! `scatter bench scattering`: one scattering transform of images of one's own size.
//!
//! By number of threads: planning, running into an output and a workspace that are there, and running with both to be
//! allocated. "x floor" is the run over its FFTs alone, by rustfft on one thread, divided by the number of threads; GFLOP/s
//! is the nominal work of those FFTs over the run.

use std::io::Write as _;

use anyhow::{Result, ensure};
use ndarray::{ArrayD, IxDyn};
use serde_json::json;
use wavelet_scattering::error::bytes;
use wavelet_scattering::num::Real;
use wavelet_scattering::{Isa, io, memory};

use super::conv::headline;
use super::stopwatch::{Stopwatch, Timing};
use super::workloads::floor::{Ffts, Floor};
use super::workloads::noise;
use super::{milliseconds, numbers_of_threads, with_threads};
use crate::args::{BenchScatteringArgs, Precision};

pub fn run(args: &BenchScatteringArgs) -> Result<()> {
    crate::command::check_destinations(args.json.as_slice(), &[])?;
    match args.precision {
        Precision::F32 => measure::<f32>(args),
        Precision::F64 => measure::<f64>(args),
    }
}

/// Seconds of one image, but of planning.
struct OfThreads {
    threads: usize,
    plan: Timing,
    run: Timing,
    allocating: Timing,
}

fn measure<T: Real>(args: &BenchScatteringArgs) -> Result<()> {
    let shape = args.size.0;
    let batch = args.batch.get();
    let params = args.transform.params(shape)?;
    let plan = params.plan::<T>()?;
    let numbers = plan.features_len() as f64 + (shape[0] * shape[1]) as f64;
    let needed = batch as f64 * numbers * size_of::<T>() as f64;
    ensure!(
        needed <= memory::available() as f64,
        "{batch} images and their features need {}, but this machine has {}; lower --batch",
        bytes(needed as u64),
        bytes(memory::available()),
    );
    let samples = noise::noise(0, batch * shape[0] * shape[1]).into_iter();
    let samples = samples.map(|value| T::narrow(f64::from(value))).collect();
    let images = ArrayD::from_shape_vec(IxDyn(&[batch, shape[0], shape[1]]), samples)?;
    let [height, width] = shape;
    let [padded0, padded1] = plan.padded_shape();
    println!(
        "{}\n{batch} of {height} x {width}, padded to {padded0} x {padded1}, J = {}, L = {}, order {}: {} paths",
        headline(args.precision)?,
        params.J,
        params.L,
        params.max_order,
        plan.paths().len(),
    );
    println!(
        "filters {}, workspace {} per thread, output {} per image\n",
        bytes(plan.bytes()),
        bytes(plan.workspace_bytes(1)),
        bytes((plan.features_len() * size_of::<T>()) as u64),
    );

    let stopwatch = Stopwatch::new(args.quick, 1.0);
    let ffts = Ffts::of_scattering(&plan);
    let flops: f64 = ffts.iter().map(Ffts::flops).sum();
    let mut floor = Floor::<T>::new(&ffts);
    let floor = stopwatch.time(|| floor.run()).shortest;
    drop(plan);

    println!(
        "threads      plan ms  run ms/image  allocating  images/s  GFLOP/s  x floor  speed-up"
    );
    let mut records = Vec::new();
    let mut first = None;
    for threads in numbers_of_threads(&args.threads) {
        let of_threads = with_threads(threads, || -> Result<OfThreads> {
            let timing = stopwatch.time(|| drop(std::hint::black_box(params.plan::<T>())));
            let plan = params.plan::<T>()?;
            let mut out = ArrayD::zeros(plan.output_shape(&[batch]));
            let mut workspace = plan.workspace_for(threads);
            let run = stopwatch.time(|| {
                let done = plan.transform_into(&images, &mut out, &mut workspace);
                done.expect("shapes fit and noise is finite");
            });
            drop((out, workspace));
            plan.transform(&images)?; // what has no room is said here
            let allocating = stopwatch.time(|| {
                let features = plan.transform(&images);
                drop(std::hint::black_box(features));
            });
            Ok(OfThreads {
                threads,
                plan: timing,
                run: run.divided_by(batch),
                allocating: allocating.divided_by(batch),
            })
        })??;
        let seconds = of_threads.run.shortest;
        let one = *first.get_or_insert(seconds);
        let (gflops, times) = (flops / seconds / 1e9, seconds / floor * threads as f64);
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{threads:>7} {:>12} {:>13} {:>11} {:>9.1} {gflops:>8.1} {times:>8.2} {:>9.2}",
            milliseconds(Some(of_threads.plan.shortest)),
            milliseconds(Some(seconds)),
            milliseconds(Some(of_threads.allocating.shortest)),
            1.0 / seconds,
            one / seconds,
        )?;
        out.flush()?;
        records.push(json!({
            "threads": of_threads.threads,
            "plan_ms": of_threads.plan.shortest * 1e3,
            "run_ms_per_image": seconds * 1e3,
            "allocating_ms_per_image": of_threads.allocating.shortest * 1e3,
            "run_median_ms_per_image": of_threads.run.median * 1e3,
            "images_per_second": 1.0 / seconds,
            "gflops": gflops,
            "times_floor": times,
        }));
    }
    if let Some(path) = &args.json {
        let table = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "instruction_set": Isa::from_env()?.unwrap_or_else(Isa::best).name(),
            "precision": T::NAME,
            "size": shape,
            "J": params.J,
            "L": params.L,
            "max_order": params.max_order,
            "batch": batch,
            "threads": records,
        });
        io::write_json(path, &table)?;
    }
    Ok(())
}
