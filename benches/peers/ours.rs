//! Our half of `benches/peers/run`: one workload with as many threads as `RAYON_NUM_THREADS` says.
//!
//! ```text
//! list                   the workloads, one JSON object a line
//! features NAME FILE     writes the features of the workload's first image: float32, little-endian, row-major
//! serve NAME             builds the plan and warms up, then answers every line `n` on standard input by the
//!                        milliseconds of n transforms of the whole batch, a JSON array
//! ```

#![allow(non_snake_case)] // J keeps its case, as in the library

#[path = "../workloads/mod.rs"]
mod workloads;

use std::error::Error;
use std::hint::black_box;
use std::io::BufRead;
use std::time::Instant;

use ndarray::ArrayD;
use wavelet_scattering::Scattering2d;
use workloads::{WORKLOADS, Workload};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["list"] => list(),
        ["features", name, file] => features(find(name)?, file),
        ["serve", name] => serve(find(name)?),
        _ => smoke(), // what cargo passes: --bench, --test
    }
}

fn find(name: &str) -> Result<&'static Workload, String> {
    WORKLOADS
        .iter()
        .find(|workload| workload.name == name)
        .ok_or_else(|| format!("there is no workload {name}"))
}

fn list() -> Result<(), Box<dyn Error>> {
    for (
        letter,
        Workload {
            name,
            leading,
            shape,
            J,
        },
    ) in ('A'..).zip(&WORKLOADS)
    {
        let L = workloads::L;
        let workload = format!(
            r#""letter": "{letter}", "name": "{name}", "leading": {leading:?}, "shape": {shape:?}"#
        );
        println!(r#"{{{workload}, "J": {J}, "L": {L}}}"#);
    }
    Ok(())
}

fn features(workload: &Workload, file: &str) -> Result<(), Box<dyn Error>> {
    let features = workload
        .params()
        .plan::<f32>()?
        .transform(&workload.image())?;
    let bytes: Vec<u8> = features
        .array()
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    Ok(std::fs::write(file, bytes)?)
}

fn serve(workload: &Workload) -> Result<(), Box<dyn Error>> {
    let plan = workload.params().plan::<f32>()?;
    let images = workload.images();
    time(&plan, &images)?;
    println!(r#"{{"version": "{}"}}"#, env!("CARGO_PKG_VERSION"));
    for line in std::io::stdin().lock().lines() {
        let times = (0..line?.trim().parse()?)
            .map(|_| time(&plan, &images))
            .collect::<Result<Vec<f64>, _>>()?;
        println!("{times:?}");
    }
    Ok(())
}

/// Milliseconds of the easy method, which allocates its output and workspace: so do the peers.
fn time(plan: &Scattering2d<f32>, images: &ArrayD<f32>) -> wavelet_scattering::Result<f64> {
    let start = Instant::now();
    black_box(plan.transform(images)?);
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn smoke() -> Result<(), Box<dyn Error>> {
    let workload = &WORKLOADS[0];
    let time = time(&workload.params().plan()?, &workload.images())?;
    println!(
        "{}: {time:.1} ms; the comparison is run by benches/peers/run",
        workload.name
    );
    Ok(())
}
