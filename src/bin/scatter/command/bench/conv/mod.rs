//! `scatter bench conv`: one convolution, computed in every way that the planner considers.
//!
//! The first table is of one thread. A row is a way, its time as the planner's table predicts it and as it was measured, for
//! one signal; GFLOP/s is the way's nominal work (5·N·log2 N for an FFT, half for a real one, a product and a sum a tap for
//! the direct form) over that time; "x floor" is the time over that of the way's FFTs alone, by rustfft. The last row is
//! [`plain`](super::plain): rustfft as everyone would use it, and the answer that all others are checked against.
//!
//! The second table is of what the planner chose, by number of threads: planning, running into an output and a workspace
//! that are there, and running with both to be allocated.

pub mod problem;

use std::io::Write as _;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use wavelet_scattering::num::{Complex, relative_error};
use wavelet_scattering::{Isa, io};

use super::stopwatch::{Stopwatch, Timing};
use super::workloads::floor::{Ffts, Floor};
use super::{cell, milliseconds, numbers_of_threads, with_threads};
use crate::args::{ConvArgs, Precision};
use problem::{Inputs, Job, Problem, Way, sides};

/// A way that would take longer than this many seconds a call, as predicted, is not measured.
const LONGEST: f64 = 10.0;

pub fn run(args: &ConvArgs) -> Result<()> {
    ensure!(
        args.output.is_none(),
        "--output is the chart of a sweep; --sweep kernel=3..257 makes one, --json holds the numbers of one kernel",
    );
    crate::command::check_destinations(args.json.as_slice(), &[])?;
    let kernel = args.kernel.as_ref().map(|kernel| kernel.0.clone());
    let problem = Problem::new(args, kernel.unwrap_or_default())?;
    let inputs = problem.inputs();
    let bench = Bench::new(&problem, &*inputs, args.quick);
    let ways = inputs.ways()?;
    println!("{}\n{}\n", headline(args.precision)?, describe(&problem));

    println!("{}", Row::HEAD);
    let plain = with_threads(1, || bench.plain())?;
    let mut rows = Vec::new();
    for way in ways {
        let row = with_threads(1, || bench.way(way, &plain.answer))??;
        row.print()?;
        rows.push(row);
    }
    plain.row.print()?;

    println!("\n{}", OfThreads::HEAD);
    let chosen = rows.iter().find(|row| row.chosen);
    let mut by_threads = Vec::new();
    for threads in numbers_of_threads(&args.threads) {
        let row = with_threads(threads, || bench.threads(threads, chosen))??;
        row.print(by_threads.first())?;
        by_threads.push(row);
    }
    plain.threads.print(None)?;

    if let Some(path) = &args.json {
        by_threads.push(plain.threads);
        rows.push(plain.row);
        let mut table = parameters(&problem)?;
        table["ways"] = rows.iter().map(Row::json).collect();
        table["threads"] = by_threads.iter().map(OfThreads::json).collect();
        io::write_json(path, &table)?;
    }
    Ok(())
}

/// What computes, and in which precision.
pub fn headline(precision: Precision) -> Result<String> {
    let isa = Isa::from_env()?.unwrap_or_else(Isa::best);
    let version = env!("CARGO_PKG_VERSION");
    Ok(format!(
        "wavelet-scattering {version}, {isa}, {}",
        precision.name()
    ))
}

/// `8 signals of 1000 x 1500, 24 kernels of 31 x 31, same: results of 1000 x 1500`
fn describe(problem: &Problem) -> String {
    let count = |count: usize, complex: bool, what: &str| {
        let (complex, s) = (
            if complex { " complex" } else { "" },
            if count == 1 { "" } else { "s" },
        );
        format!("{count}{complex} {what}{s}")
    };
    format!(
        "{} of {}, {} of {}, {}: results of {}",
        count(problem.batch, problem.complex_signal, "signal"),
        sides(&problem.signal),
        count(problem.bank, problem.complex_kernel, "kernel"),
        sides(&problem.kernel),
        mode_name(problem),
        sides(&problem.output()),
    )
}

fn mode_name(problem: &Problem) -> String {
    format!("{:?}", problem.mode).to_lowercase()
}

/// What was asked for, for a file.
pub fn parameters(problem: &Problem) -> Result<Value> {
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "instruction_set": Isa::from_env()?.unwrap_or_else(Isa::best).name(),
        "precision": problem.precision.name(),
        "signal": problem.signal,
        "kernel": problem.kernel,
        "mode": mode_name(problem),
        "batch": problem.batch,
        "bank": problem.bank,
        "complex_signal": problem.complex_signal,
        "complex_kernel": problem.complex_kernel,
        "output": problem.output(),
    }))
}

/// Measures what a problem asks for.
pub struct Bench<'a> {
    problem: &'a Problem,
    inputs: &'a dyn Inputs,
    stopwatch: Stopwatch,
}

/// One way on one thread. Seconds are those of one signal.
pub struct Row {
    name: String,
    kind: &'static str,
    pub block: Vec<usize>,
    pub predicted: Option<f64>,
    /// `None` if it was not measured.
    pub measured: Option<Timing>,
    flops: Option<f64>,
    floor: Option<f64>,
    pub chosen: bool,
}

/// Planning and running with some number of threads. Seconds of runs are those of one signal.
pub struct OfThreads {
    name: String,
    threads: usize,
    plan: Timing,
    run: Timing,
    allocating: Timing,
    flops: Option<f64>,
    floor: Option<f64>,
}

/// What everyone would write: its rows and its answer for the first signal.
pub struct OfPlain {
    pub row: Row,
    threads: OfThreads,
    pub answer: Vec<Complex<f64>>,
}

impl<'a> Bench<'a> {
    pub fn new(problem: &'a Problem, inputs: &'a dyn Inputs, quick: bool) -> Self {
        Self {
            problem,
            inputs,
            stopwatch: Stopwatch::new(quick, 0.3),
        }
    }

    fn of_one(&self, timing: Timing) -> Timing {
        timing.divided_by(self.problem.batch)
    }

    /// Seconds of FFTs by rustfft on one thread, for one signal.
    fn floor(&self, ffts: Option<Ffts>) -> Option<f64> {
        let ffts = ffts?;
        let shortest = match self.problem.precision {
            Precision::F32 => {
                let mut floor = Floor::<f32>::new(&[ffts]);
                self.stopwatch.time(|| floor.run())
            }
            Precision::F64 => {
                let mut floor = Floor::<f64>::new(&[ffts]);
                self.stopwatch.time(|| floor.run())
            }
        };
        Some(shortest.shortest)
    }

    /// Measures one way on one thread and compares its answer.
    pub fn way(&self, way: Way, answer: &[Complex<f64>]) -> Result<Row> {
        let calls = way.predicted * self.problem.batch as f64;
        let measured = if calls > LONGEST {
            None
        } else {
            let mut job = self.inputs.plan(Some(&way), 1)?;
            let timing = self.stopwatch.time(|| job.run());
            self.check(&*job, answer)?;
            Some(self.of_one(timing))
        };
        let ffts = measured.and_then(|_| self.problem.ffts(&way));
        Ok(Row {
            name: way.name(),
            kind: way.kind.name(),
            predicted: Some(way.predicted),
            measured,
            flops: Some(self.problem.flops(&way)),
            floor: self.floor(ffts),
            chosen: way.chosen,
            block: way.block,
        })
    }

    /// Refuses an answer that differs from that of rustfft by more than rounding: 1e-7 of single precision for a few products,
    /// and some more for FFTs of millions of samples and for sums of thousands of taps.
    fn check(&self, job: &dyn Job, answer: &[Complex<f64>]) -> Result<()> {
        let tolerance = match self.problem.precision {
            Precision::F32 => 2e-5,
            Precision::F64 => 1e-12,
        };
        let parts = |z: &Complex<f64>| [z.re, z.im];
        let got = job.first_result();
        let (got, expected) = (got.iter().flat_map(parts), answer.iter().flat_map(parts));
        let error = relative_error(got, expected);
        ensure!(
            error < tolerance,
            "{} and rustfft differ by {error:.1e}, more than rounding in {} explains",
            job.name(),
            self.problem.precision.name(),
        );
        Ok(())
    }

    /// What everyone would write, on one thread.
    pub fn plain(&self) -> OfPlain {
        let plan = self.stopwatch.time(|| drop(self.inputs.plain()));
        let mut job = self.inputs.plain();
        let run = self.of_one(self.stopwatch.time(|| job.run()));
        let allocating = self.of_one(self.stopwatch.time(|| job.run_allocating()));
        let ffts = job.ffts();
        let flops = ffts.map(|ffts| ffts.flops());
        let floor = self.floor(ffts);
        OfPlain {
            row: Row {
                name: job.name(),
                kind: "plain",
                block: Vec::new(),
                predicted: None,
                measured: Some(run),
                flops,
                floor,
                chosen: false,
            },
            threads: OfThreads {
                name: job.name(),
                threads: 1,
                plan,
                run,
                allocating,
                flops,
                floor,
            },
            answer: job.first_result(),
        }
    }

    /// What the planner takes, on a pool of so many threads.
    fn threads(&self, threads: usize, chosen: Option<&Row>) -> Result<OfThreads> {
        self.inputs.plan(None, threads)?; // all that can fail has not failed
        let plan = self
            .stopwatch
            .time(|| drop(std::hint::black_box(self.inputs.plan(None, threads))));
        let mut job = self.inputs.plan(None, threads)?;
        let run = self.stopwatch.time(|| job.run());
        let allocating = self.stopwatch.time(|| job.run_allocating());
        let floor = chosen.and_then(|row| row.floor);
        Ok(OfThreads {
            name: chosen.map_or_else(|| job.name(), |row| row.name.clone()),
            threads,
            plan,
            run: self.of_one(run),
            allocating: self.of_one(allocating),
            flops: chosen.and_then(|row| row.flops),
            floor: floor.map(|seconds| seconds / threads as f64),
        })
    }
}

impl Row {
    pub const HEAD: &str =
        "way, on one thread           predicted ms  measured ms  meas/pred  GFLOP/s  x floor";

    /// The shortest call, of one signal.
    pub fn seconds(&self) -> Option<f64> {
        self.measured.map(|timing| timing.shortest)
    }

    fn ratio(&self) -> Option<f64> {
        Some(self.seconds()? / self.predicted?)
    }

    fn gflops(&self) -> Option<f64> {
        Some(self.flops? / self.seconds()? / 1e9)
    }

    fn times_floor(&self) -> Option<f64> {
        Some(self.seconds()? / self.floor?)
    }

    fn print(&self) -> Result<()> {
        let mark = match (self.chosen, self.measured) {
            (true, _) => "  <- chosen",
            (false, None) => "  too slow to measure",
            (false, Some(_)) => "",
        };
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{:<28} {:>12} {:>12} {:>10} {:>8} {:>8}{mark}",
            self.name,
            milliseconds(self.predicted),
            milliseconds(self.seconds()),
            cell(self.ratio(), 2),
            cell(self.gflops(), 1),
            cell(self.times_floor(), 2),
        )?;
        Ok(out.flush()?)
    }

    pub fn json(&self) -> Value {
        json!({
            "way": self.name,
            "method": self.kind,
            "block": self.block,
            "chosen": self.chosen,
            "predicted_ms": self.predicted.map(|seconds| seconds * 1e3),
            "measured_ms": self.seconds().map(|seconds| seconds * 1e3),
            "median_ms": self.measured.map(|timing| timing.median * 1e3),
            "measured_over_predicted": self.ratio(),
            "gflops": self.gflops(),
            "times_floor": self.times_floor(),
        })
    }
}

impl OfThreads {
    const HEAD: &str = "chosen                       threads      plan ms       run ms  allocating  GFLOP/s  x floor  speed-up";

    fn print(&self, one: Option<&Self>) -> Result<()> {
        let seconds = self.run.shortest;
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{:<28} {:>7} {:>12} {:>12} {:>11} {:>8} {:>8} {:>9}",
            self.name,
            self.threads,
            milliseconds(Some(self.plan.shortest)),
            milliseconds(Some(seconds)),
            milliseconds(Some(self.allocating.shortest)),
            cell(self.flops.map(|flops| flops / seconds / 1e9), 1),
            cell(self.floor.map(|floor| seconds / floor), 2),
            cell(one.map(|one| one.run.shortest / seconds), 2),
        )?;
        Ok(out.flush()?)
    }

    fn json(&self) -> Value {
        let seconds = self.run.shortest;
        json!({
            "way": self.name,
            "threads": self.threads,
            "plan_ms": self.plan.shortest * 1e3,
            "run_ms": seconds * 1e3,
            "allocating_ms": self.allocating.shortest * 1e3,
            "plan_median_ms": self.plan.median * 1e3,
            "run_median_ms": self.run.median * 1e3,
            "allocating_median_ms": self.allocating.median * 1e3,
            "gflops": self.flops.map(|flops| flops / seconds / 1e9),
            "times_floor": self.floor.map(|floor| seconds / floor),
        })
    }
}
