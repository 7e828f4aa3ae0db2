//! The threads that every command computes on: those that were asked for, as far as they can help.

use std::thread::available_parallelism;

use anyhow::{Context, Result};
use rayon::ThreadPoolBuilder;

/// What rayon reads where no number is given.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Starts the threads, one a core unless fewer are asked for, and says so if more are. More than there are cores would
/// wait for each other, and need memory of their own each.
pub fn start(asked: Option<u16>) -> Result<()> {
    let cores = available_parallelism().map_or(1, usize::from);
    let asked = match asked {
        Some(threads) => Some(("--threads", usize::from(threads))),
        None => from_environment().map(|threads| (VARIABLE, threads)),
    };
    let threads = asked.map_or(cores, |(_, threads)| threads.min(cores));
    if let Some((by, asked)) = asked.filter(|&(_, asked)| asked > threads) {
        eprintln!("{by} {asked}: using {threads}, one for each core there is");
    }
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .context("cannot start the threads")
}

/// Anything but a positive number counts as none, as it does for rayon.
fn from_environment() -> Option<usize> {
    let number = std::env::var(VARIABLE).ok()?.parse().ok()?;
    (number > 0).then_some(number)
}
