//! `scatter`: wavelet scattering features of images and sounds, pictures of the filters that make them, and how fast it all is.

#![allow(non_snake_case)] // J and L keep their case, as in the library

#[macro_use] // first: it is what `println!` means in all the others
mod standard;

mod args;
mod command;
mod interrupt;
#[cfg(feature = "learn")]
mod outputs;
mod own_filters;
#[cfg(feature = "learn")]
mod page;
mod threads;

use std::io::ErrorKind;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;

fn run(command: args::Command) -> Result<()> {
    interrupt::listen()?;
    threads::start(command.threads())?;
    match command {
        args::Command::Image(args) => command::image::run(args),
        args::Command::Signal(args) => command::signal::run(args),
        args::Command::Scalogram(args) => command::scalogram::run(args),
        args::Command::Filters(args) => command::filters::run(args),
        args::Command::Disk(args) => command::disk::run(args),
        args::Command::Explain(args) => command::explain::run(args),
        args::Command::Bench(args) => command::bench::run(args),
        #[cfg(feature = "learn")]
        args::Command::Task(args) => command::task::run(args),
        #[cfg(feature = "learn")]
        args::Command::Compare(args) => command::compare::run(args),
    }
}

/// Whether somebody has stopped reading what a command writes to a pipe, which ends it as it does any other program.
fn is_quiet_end(error: &anyhow::Error) -> bool {
    let cause = error.root_cause().downcast_ref::<std::io::Error>();
    cause.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

fn main() -> ExitCode {
    let done = run(args::Args::parse().command);
    let told = standard::check().context("cannot write to standard output");
    match done.and(told) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_quiet_end(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scatter: {error:#}");
            ExitCode::FAILURE
        }
    }
}
