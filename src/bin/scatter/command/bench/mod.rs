//! `scatter bench`: how fast the library is on this machine, on workloads that everybody knows or on sizes of one's own.

mod conv;
mod known;
mod plain;
mod scattering;
mod stopwatch;
mod sweep;
#[path = "../../../../../benches/workloads/mod.rs"]
mod workloads; // those of the benches, so that numbers from both can be laid side by side

use anyhow::{Context, Result};
use rayon::ThreadPoolBuilder;

use crate::args::{BenchArgs, OwnBench};

pub fn run(args: BenchArgs) -> Result<()> {
    match args.own {
        None => known::run(args.known),
        Some(OwnBench::Conv(args)) => match args.sweep {
            None => conv::run(&args),
            Some(sweep) => sweep::run(&args, sweep),
        },
        Some(OwnBench::Scattering(args)) => scattering::run(&args),
    }
}

/// The numbers of threads to measure with, none more than the pool has; 1 and all of them if none is given.
fn numbers_of_threads(asked: &[u16]) -> Vec<usize> {
    let most = rayon::current_num_threads();
    let mut numbers: Vec<_> = match asked {
        [] => vec![1, most],
        asked => asked.iter().map(|&n| usize::from(n).min(most)).collect(),
    };
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Does something where the pool has so many threads.
fn with_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> Result<R> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build();
    Ok(pool.context("cannot start the threads")?.install(f))
}

/// A number in a table, or that there is none.
fn cell(number: Option<f64>, decimals: usize) -> String {
    number.map_or("-".into(), |number| format!("{number:.decimals$}"))
}

/// Seconds in milliseconds, with three digits at least.
fn milliseconds(seconds: Option<f64>) -> String {
    seconds.map_or("-".into(), |seconds| {
        let ms = seconds * 1e3;
        let decimals = (2 - ms.log10().floor() as i32).clamp(0, 5);
        format!("{ms:.*}", decimals as usize)
    })
}
