//! How fast the library is on this machine, for the workloads of its own benches.
//!
//! Every row is a workload: a call on a whole batch of images or signals, a line of samples counted as one image, with output and workspace
//! made beforehand, in turns with its *floor*, the FFTs that the call needs at least, by rustfft on one thread. "x floor"
//! is the time of the call over the floor's divided by the number of threads: what the FFTs alone would take if threads
//! shared them without loss. GFLOP/s is the nominal work of those FFTs (5·N·log2 N, half for real ones) over the time of
//! the call. Below 1 the library's own FFTs are faster than rustfft's by more than everything else costs.

use std::io::Write as _;
use std::time::Duration;

use super::workloads::convolution::{CONVOLUTIONS, Convolving, Way};
use super::workloads::floor::{Ffts, Floor, in_turns};
use super::workloads::signals::{SIGNALS, Sounding};
use super::workloads::{WORKLOADS, Workload};
use anyhow::{Result, anyhow};
use ndarray::ArrayD;
use serde_json::{Value, json};
use wavelet_scattering::{Isa, io};

use crate::args::KnownArgs;

pub fn run(args: KnownArgs) -> Result<()> {
    crate::command::check_destinations(args.json.as_slice(), &[])?;
    let threads = rayon::current_num_threads();
    let isa = Isa::from_env()?.unwrap_or_else(Isa::best);
    let bench = Bench {
        threads,
        time: Duration::from_secs(if args.quick { 0 } else { 2 }),
        turns: if args.quick { 2 } else { 5 },
    };
    let version = env!("CARGO_PKG_VERSION");
    println!("wavelet-scattering {version}, {isa}, float32, threads: {threads}");
    println!(
        "{:<22} {:>7} {:>12} {:>12} {:>9} {:>8}",
        "workload", "images", "ms/image", "images/s", "GFLOP/s", "x floor"
    );
    let mut rows = Vec::new();
    for (letter, workload) in ('A'..).zip(&WORKLOADS) {
        let speed = bench.scattering(workload)?;
        rows.push(speed.report(&format!("{letter} {}", workload.name))?);
    }
    for workload in &SIGNALS {
        let speed = bench.signals(workload)?;
        rows.push(speed.report(workload.name)?);
    }
    for workload in &CONVOLUTIONS {
        let speed = bench.convolution(workload)?;
        rows.push(speed.report(workload.name)?);
    }
    if let Some(path) = args.json {
        let table = json!({
            "version": version,
            "instruction_set": isa.name(),
            "threads": threads,
            "workloads": rows,
        });
        io::write_json(path, &table)?;
    }
    Ok(())
}

/// How long to measure.
struct Bench {
    threads: usize,
    time: Duration,
    turns: usize,
}

struct Speed {
    /// Images of one call.
    images: usize,
    /// Median of one call.
    seconds: f64,
    /// Nominal operations of the FFTs of one call, and the seconds they take if threads share them; `None` for a
    /// convolution by its definition.
    ffts: Option<(f64, f64)>,
}

impl Bench {
    fn scattering(&self, workload: &Workload) -> Result<Speed> {
        let plan = workload.params()?.plan::<f32>()?;
        let images = workload.images();
        let count = workload.leading.iter().product();
        let mut out = ArrayD::zeros(plan.output_shape(workload.leading));
        let mut workspace = plan.workspace();
        let ffts = Ffts::of_scattering(&plan);
        plan.transform_into(&images, &mut out, &mut workspace)?;
        let run = || {
            let done = plan.transform_into(&images, &mut out, &mut workspace);
            done.expect("the same call as before");
        };
        Ok(self.speed(count, &ffts, run))
    }

    fn signals(&self, workload: &Sounding) -> Result<Speed> {
        let plan = workload.plan()?;
        let signals = workload.signals();
        let count = workload.leading.iter().product();
        let mut out = ArrayD::zeros(plan.output_shape(workload.leading));
        let mut workspace = plan.workspace();
        plan.transform_into(&signals, &mut out, &mut workspace)?;
        let run = || {
            let done = plan.transform_into(&signals, &mut out, &mut workspace);
            done.expect("the same call as before");
        };
        Ok(self.speed(count, &plan.ffts(), run))
    }

    fn convolution(&self, workload: &Convolving) -> Result<Speed> {
        let inputs = workload.inputs();
        let job = inputs.and_then(|inputs| inputs.plan(Way::Cheapest, None));
        let mut job = job.map_err(|error| anyhow!(error))?;
        let ffts = job.ffts();
        job.run();
        Ok(self.speed(1, ffts.as_slice(), || job.run()))
    }

    /// `ffts` are those of one image.
    fn speed(&self, images: usize, ffts: &[Ffts], run: impl FnMut()) -> Speed {
        let mut floor = Floor::<f32>::new(ffts);
        floor.run();
        let (seconds, floor_seconds) = in_turns(self.time, self.turns, run, || floor.run());
        let flops: f64 = ffts.iter().map(Ffts::flops).sum();
        let count = images as f64;
        let shared = floor_seconds * count / self.threads as f64;
        Speed {
            images,
            seconds,
            ffts: (flops > 0.0).then_some((flops * count, shared)),
        }
    }
}

impl Speed {
    /// Prints the line of a workload and returns it for the file.
    fn report(&self, name: &str) -> Result<Value> {
        let count = self.images as f64;
        let (ms, rate) = (self.seconds * 1e3 / count, count / self.seconds);
        let gflops = self.ffts.map(|(flops, _)| flops / self.seconds / 1e9);
        let times = self.ffts.map(|(_, seconds)| self.seconds / seconds);
        let cell = |number: Option<f64>| number.map_or("-".into(), |number| format!("{number:.2}"));
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{name:<22} {:>7} {ms:>12.3} {rate:>12.1} {:>9} {:>8}",
            self.images,
            cell(gflops),
            cell(times)
        )?;
        out.flush()?;
        Ok(json!({
            "workload": name,
            "images": self.images,
            "ms_per_image": ms,
            "images_per_second": rate,
            "gflops": gflops,
            "times_floor": times,
        }))
    }
}
