//! `scatter`: wavelet scattering features of images, pictures of the filters that make them, and how fast it all is.

#![allow(non_snake_case)] // J and L keep their case, as in the library

mod args;
mod command;
mod interrupt;
#[cfg(feature = "learn")]
mod outputs;
mod own_filters;
#[cfg(feature = "learn")]
mod page;
mod threads;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

fn run(command: args::Command) -> Result<()> {
    interrupt::listen()?;
    threads::start(command.threads())?;
    match command {
        args::Command::Image(args) => command::image::run(args),
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

fn main() -> ExitCode {
    match run(args::Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scatter: {error:#}");
            ExitCode::FAILURE
        }
    }
}
