//! Our half of `benches/peers/run`: one workload with as many threads as `RAYON_NUM_THREADS` says.
//!
//! ```text
//! list                   the workloads, one JSON object a line
//! answer NAME FILE       writes the features of the workload's first image, or its convolution (complex numbers as
//!                        pairs): float32, little-endian, row-major
//! filters NAME FILE      writes the transfer functions of a bank in the same way
//! serve NAME             builds the plan and warms up, then answers every line `n` on standard input by the
//!                        milliseconds of n transforms of the whole batch, a JSON array
//! serve NAME with-plan   the same with the plan made anew within the time of every call
//! serve NAME into        the same with output and workspace made once and used again
//!
//! A NAME that begins with `gradient-` stands for the features of a workload and the gradient of their sum.
//! ```

#![allow(non_snake_case)] // J keeps its case, as in the library

#[path = "../workloads/mod.rs"]
mod workloads;

use std::error::Error;
use std::hint::black_box;
use std::io::BufRead;
use std::time::Instant;

use ndarray::ArrayD;
use wavelet_scattering::Scattering1d;
use wavelet_scattering::scattering::{Scattering, Wavelet};
use workloads::convolution::{CONVOLUTIONS, Convolving, Kernel, Way};
use workloads::signals::{Planned, SIGNALS, Sounding};
use workloads::{WORKLOADS, Workload};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Outcome<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["list"] => list(),
        ["answer", name, file] => write(file, &find(name)?.answer()?),
        ["filters", name, file] => write(file, &find(name)?.filters()?),
        ["serve", name] => serve(find(name)?.planned()?),
        ["serve", name, "with-plan"] => serve(find(name)?.planning()?),
        ["serve", name, "into"] => serve(find(name)?.reusing()?),
        _ => smoke(), // what cargo passes: --bench, --test
    }
}

#[derive(Clone, Copy)]
enum Any {
    Scattering(&'static Workload),
    Signals(&'static Sounding),
    /// Features, and then the gradient of their sum.
    Gradient(&'static Workload),
    SignalGradient(&'static Sounding),
    Convolution(&'static Convolving),
}

/// One call, to be timed.
type Run = Box<dyn FnMut() -> Outcome<()>>;

impl Any {
    fn answer(self) -> Outcome<Vec<f32>> {
        match self {
            Any::Scattering(workload) => {
                let plan = workload.params()?.plan::<f32>()?;
                let features = plan.transform(&workload.image())?;
                Ok(features.array().iter().copied().collect())
            }
            Any::Signals(workload) => {
                let features = workload.plan()?.transform(&workload.signal())?;
                Ok(features.into_iter().collect())
            }
            Any::Gradient(workload) => {
                let plan = workload.params()?.plan::<f32>()?;
                let ones = ArrayD::ones(plan.output_shape(&[]));
                Ok(plan.vjp(&workload.image(), &ones)?.into_iter().collect())
            }
            Any::SignalGradient(workload) => {
                let plan = time_plan(workload)?;
                let ones = ArrayD::ones(plan.output_shape(&[]));
                Ok(plan.vjp(&workload.signal(), &ones)?.into_iter().collect())
            }
            Any::Convolution(workload) => {
                let mut job = workload.inputs()?.plan(Way::Cheapest, None)?;
                job.run();
                let output = job.output().into_iter();
                Ok(match workload.kernel {
                    Kernel::Taps(_) => output.map(|z| z.re).collect(),
                    Kernel::Bank { .. } => output.flat_map(|z| [z.re, z.im]).collect(),
                })
            }
        }
    }

    fn filters(self) -> Outcome<Vec<f32>> {
        match self {
            Any::Convolution(workload) => workload.transfer(),
            _ => Ok(Vec::new()),
        }
    }

    /// The easy method, which allocates its output and workspace: so do the peers.
    fn planned(self) -> Outcome<Run> {
        Ok(match self {
            Any::Scattering(workload) => {
                let plan = workload.params()?.plan::<f32>()?;
                let images = workload.images();
                Box::new(move || {
                    black_box(plan.transform(&images)?);
                    Ok(())
                })
            }
            Any::Signals(workload) => {
                let plan = workload.plan()?;
                let signals = workload.signals();
                Box::new(move || {
                    black_box(plan.transform(&signals)?);
                    Ok(())
                })
            }
            Any::Gradient(workload) => {
                let plan = workload.params()?.plan::<f32>()?;
                there_and_back(plan, workload.images())
            }
            Any::SignalGradient(workload) => {
                there_and_back(time_plan(workload)?, workload.signals())
            }
            Any::Convolution(workload) => {
                let job = workload.inputs()?.plan(Way::Cheapest, None)?;
                Box::new(move || {
                    job.run_allocating();
                    Ok(())
                })
            }
        })
    }

    /// The exact method: output and workspace are there already.
    fn reusing(self) -> Outcome<Run> {
        Ok(match self {
            Any::Gradient(_) | Any::SignalGradient(_) => return self.planned(),
            Any::Scattering(workload) => {
                let plan = workload.params()?.plan::<f32>()?;
                let images = workload.images();
                let mut out = ArrayD::zeros(plan.output_shape(workload.leading));
                let mut workspace = plan.workspace();
                Box::new(move || Ok(plan.transform_into(&images, &mut out, &mut workspace)?))
            }
            Any::Signals(workload) => {
                let plan = workload.plan()?;
                let signals = workload.signals();
                let mut out = ArrayD::zeros(plan.output_shape(workload.leading));
                let mut workspace = plan.workspace();
                Box::new(move || Ok(plan.transform_into(&signals, &mut out, &mut workspace)?))
            }
            Any::Convolution(workload) => {
                let mut job = workload.inputs()?.plan(Way::Cheapest, None)?;
                Box::new(move || {
                    job.run();
                    Ok(())
                })
            }
        })
    }

    /// The easy method with the plan made in every call; images, kernels and banks are there already.
    fn planning(self) -> Outcome<Run> {
        Ok(match self {
            Any::Gradient(_) | Any::SignalGradient(_) => return self.planned(),
            Any::Scattering(workload) => {
                let images = workload.images();
                Box::new(move || {
                    let plan = workload.params()?.plan::<f32>()?;
                    black_box(plan.transform(&images)?);
                    Ok(())
                })
            }
            Any::Signals(workload) => {
                let signals = workload.signals();
                Box::new(move || {
                    black_box(workload.plan()?.transform(&signals)?);
                    Ok(())
                })
            }
            Any::Convolution(workload) => {
                let inputs = workload.inputs()?;
                Box::new(move || {
                    inputs.plan(Way::Cheapest, None)?.run_allocating();
                    Ok(())
                })
            }
        })
    }
}

/// Features, and the gradient of their sum.
fn there_and_back<W: Wavelet, const D: usize>(
    plan: Scattering<f32, W, D>,
    inputs: ArrayD<f32>,
) -> Run {
    let ones = ArrayD::ones(plan.output_shape(&inputs.shape()[..inputs.ndim() - D]));
    Box::new(move || {
        black_box(plan.transform(&inputs)?);
        black_box(plan.vjp(&inputs, &ones)?);
        Ok(())
    })
}

fn time_plan(workload: &Sounding) -> Outcome<Scattering1d<f32>> {
    match workload.plan()? {
        Planned::Time(plan) => Ok(plan),
        Planned::Joint(_) => Err("joint scattering has no gradients".into()),
    }
}

/// What gradients of a workload are called.
const GRADIENT: &str = "gradient-";

fn find(name: &str) -> Outcome<Any> {
    if let Some(name) = name.strip_prefix(GRADIENT) {
        return match find(name)? {
            Any::Scattering(workload) => Ok(Any::Gradient(workload)),
            Any::Signals(workload) => Ok(Any::SignalGradient(workload)),
            _ => Err(format!("there are no gradients of {name}").into()),
        };
    }
    let scattering = WORKLOADS.iter().map(|one| (one.name, Any::Scattering(one)));
    let convolution = CONVOLUTIONS.iter();
    let convolution = convolution.map(|one| (one.name, Any::Convolution(one)));
    let signals = SIGNALS.iter().map(|one| (one.name, Any::Signals(one)));
    let named = scattering
        .chain(signals)
        .chain(convolution)
        .find(|one| one.0 == name);
    Ok(named
        .ok_or_else(|| format!("there is no workload {name}"))?
        .1)
}

fn list() -> Outcome<()> {
    for (letter, workload) in ('A'..).zip(&WORKLOADS) {
        let Workload {
            name,
            leading,
            shape,
            J,
        } = workload;
        let L = workloads::L;
        let names =
            format!(r#""comparison": "scattering2d", "letter": "{letter}", "name": "{name}""#);
        let about = format!(r#""leading": {leading:?}, "shape": {shape:?}, "J": {J}, "L": {L}"#);
        println!(r#"{{{names}, {about}}}"#);
        let names = format!(r#""comparison": "gradient2d", "name": "{GRADIENT}{name}""#);
        println!(r#"{{{names}, {about}}}"#);
    }
    for Sounding {
        name,
        leading,
        len,
        J,
        Q,
        J_fr,
    } in &SIGNALS
    {
        let comparison = J_fr.map_or("scattering1d", |_| "joint");
        let J_fr = J_fr.map_or("null".into(), |J_fr| J_fr.to_string());
        let about = format!(
            r#""leading": {leading:?}, "shape": [{len}], "J": {J}, "Q": {Q}, "J_fr": {J_fr}"#
        );
        println!(r#"{{"comparison": "{comparison}", "name": "{name}", {about}}}"#);
        if comparison == "scattering1d" {
            let names = format!(r#""comparison": "gradient1d", "name": "{GRADIENT}{name}""#);
            println!(r#"{{{names}, {about}}}"#);
        }
    }
    for Convolving {
        name,
        shape,
        kernel,
    } in &CONVOLUTIONS
    {
        let taps = match kernel {
            Kernel::Taps(side) => side.to_string(),
            Kernel::Bank { .. } => "null".into(),
        };
        println!(
            r#"{{"comparison": "convolution", "name": "{name}", "shape": {shape:?}, "taps": {taps}}}"#
        );
    }
    Ok(())
}

fn write(file: &str, values: &[f32]) -> Outcome<()> {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    Ok(std::fs::write(file, bytes)?)
}

fn serve(mut run: Run) -> Outcome<()> {
    time(&mut run)?;
    println!(r#"{{"version": "{}"}}"#, env!("CARGO_PKG_VERSION"));
    for line in std::io::stdin().lock().lines() {
        let times = (0..line?.trim().parse()?)
            .map(|_| time(&mut run))
            .collect::<Result<Vec<f64>, _>>()?;
        println!("{times:?}");
    }
    Ok(())
}

/// Milliseconds of one call.
fn time(run: &mut Run) -> Outcome<f64> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn smoke() -> Outcome<()> {
    for name in [WORKLOADS[0].name, SIGNALS[0].name, CONVOLUTIONS[2].name] {
        let time = time(&mut find(name)?.planned()?)?;
        println!("{name}: {time:.1} ms; the comparison is run by benches/peers/run");
    }
    Ok(())
}
