//! `scatter signal`: features of sounds and other signals, streamed through a bounded number of samples at a time.
//!
//! One thread reads ahead while the pool transforms; rows are written as they come, and the files appear under their
//! names only when all of them are complete. Signals of another length have another plan, with the same paths. Where no file is
//! named, rows go to standard output as they are ready.

mod inputs;
mod outputs;
mod plan;
mod stream;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{ArrayD, Axis, stack};
use rayon::prelude::*;
use wavelet_scattering::Average;
use wavelet_scattering::error::bytes;
use wavelet_scattering::memory;
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::ScatteringWorkspace;

use crate::args::{Precision, SignalArgs};
use crate::command::features::output::{self, Format, Output};
use crate::command::features::{Item, Report, done};
use crate::command::gradient;
use inputs::{Inputs, Signal};
use plan::Plan;

/// Signals in memory at a time are kept below about this many bytes.
const CHUNK_BYTES: usize = 64 << 20;

/// More signals than this per thread and chunk save nothing.
const CHUNK_SIGNALS: usize = 64;

/// Longer signals than this are transformed one after the other, each on all threads.
const SHORT: usize = 1 << 16;

pub fn run(args: SignalArgs) -> Result<()> {
    ensure!(
        !args.joint.joint || args.transform.order == 2,
        "--order {} is not for --joint, which has orders 0, 1 and 2",
        args.transform.order,
    );
    match (&args.output, args.precision) {
        (Some(output), Precision::F32) => transform_all::<f32>(&args, output),
        (Some(output), Precision::F64) => transform_all::<f64>(&args, output),
        (None, Precision::F32) => stream::run::<f32>(&args),
        (None, Precision::F64) => stream::run::<f64>(&args),
    }
}

fn transform_all<T: Real>(args: &SignalArgs, path: &Path) -> Result<()> {
    if let Some(weights) = &args.gradient {
        let average = args.transform.average.into();
        return gradient::run(&args.inputs, weights, path, "signals", average, |[len]| {
            Ok(args.transform.params(len)?.plan::<T>()?)
        });
    }
    output::check(path, &args.inputs)?;
    let (inputs, skipped) = Inputs::open(args)?;
    output::check(path, &inputs.paths())?;
    let listed = is_list(args, path, &inputs)?;
    let plan = first_plan::<T>(args, &inputs)?;
    let threads = rayon::current_num_threads();
    let (longest, _) = inputs
        .lengths()
        .max_by_key(|&(len, _)| len)
        .unwrap_or_else(|| unreachable!());
    let layout = outputs::layout(&plan, &inputs);
    // Per sample, features are as many as those of the plan, or fewer.
    let per_sample = layout.numbers() as f64 / plan.len() as f64;
    let row_bytes = (longest as f64 * per_sample * size_of::<T>() as f64) as u64;
    let chunk = 4 * CHUNK_BYTES as u64 + 2 * row_bytes;
    let needed = plan.bytes() + plan.workspace_bytes(threads) + chunk;
    ensure!(
        needed <= memory::available(),
        "filters, workspace and signals need {}, but this machine has {}; lower --order, -Q or --threads, or cut the signals \
         by --segment",
        bytes(needed),
        bytes(memory::available()),
    );
    let numbers = match listed {
        true => inputs.samples() as f64 * per_sample,
        false => inputs.len() as f64 * layout.numbers() as f64,
    };
    output::check_room::<T>(path, numbers as u64)?;
    let mut output = match listed {
        true => Output::create_list(path, layout)?,
        false => Output::create(path, layout, &inputs.leading(inputs.len()))?,
    };

    let progress = ProgressBar::new(inputs.len() as u64).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} signals  {per_sec}  {eta} left",
    )?);
    let start = Instant::now();
    let mut report = Report {
        written: Vec::new(),
        skipped,
    };
    let mut starts = Vec::new();
    let rate = inputs.rate().unwrap_or(1.0);
    let mut plans = Plans {
        args,
        workspace: plan.workspace(),
        plan,
    };
    std::thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = sync_channel(1);
        let inputs = &inputs;
        scope.spawn(move || inputs.read_all(CHUNK_BYTES, threads * CHUNK_SIGNALS, &sender));
        for items in receiver {
            progress.inc(items.iter().map(|item| item.count as u64).sum());
            let (mut labels, mut signals) = (Vec::new(), Vec::new());
            for Item {
                label,
                count,
                input,
            } in items
            {
                match input {
                    Ok(signal) => {
                        labels.push(label);
                        signals.push(signal);
                    }
                    Err(error) => report.skip(label, count, error, args.keep_going)?,
                }
            }
            let features = plans.transform(&signals);
            for ((label, signal), features) in labels.into_iter().zip(signals).zip(features) {
                match features {
                    Ok(features) => {
                        let numbers = features.as_slice().context("features are contiguous")?;
                        output.push(&label, numbers, features.shape())?;
                        report.written.push(label);
                        starts.push(signal.start as f64 / rate);
                    }
                    Err(error) => report.skip(label, 1, error, args.keep_going)?,
                }
            }
        }
        Ok(())
    })?;
    progress.finish_and_clear();
    let written = report.written.len();
    if written == 0 {
        return Err(report.none_left());
    }

    let tables = outputs::tables(args, &plans.plan, &inputs, starts);
    let shape = output.finish(&inputs.leading(written), &report, tables)?;
    done(path, &shape, T::NAME, written, "signals", start);
    report.close(inputs.left_out(), "a.wav")
}

/// Whether every signal gets an array of its own, since their lengths, and so their features, differ in shape.
fn is_list(args: &SignalArgs, path: &Path, inputs: &Inputs) -> Result<bool> {
    let mut lengths = inputs.lengths();
    let Some((len, first)) = lengths.next() else {
        return Ok(false);
    };
    let Some((other_len, other)) = lengths.find(|&(other, _)| other != len) else {
        return Ok(false);
    };
    let differ = format!(
        "the signals differ in length: {} has {len} samples, {} has {other_len}",
        first.path().display(),
        other.path().display(),
    );
    match (args.average(), Format::of(path)?) {
        (Average::Local, Format::Npz) => Ok(true),
        (Average::Local, _) => bail!(
            "{differ}; --segment SECONDS cuts all into pieces of one length, --average global gives one number a path, and an \
             .npz takes one array a file"
        ),
        (Average::None, _) => bail!(
            "{differ}, and so do the moduli of their paths; --segment SECONDS cuts all into pieces of one length"
        ),
        _ => Ok(false),
    }
}

/// The plan of the first signal that has one.
fn first_plan<T: Real>(args: &SignalArgs, inputs: &Inputs) -> Result<Plan<T>> {
    let mut refused = None;
    let mut last = 0;
    for (len, file) in inputs.lengths() {
        if len == last {
            continue;
        }
        last = len;
        match Plan::new(args, len) {
            Ok(plan) => return Ok(plan),
            Err(error) => {
                let error = anyhow::Error::from(error).context(file.path().display().to_string());
                refused.get_or_insert(error);
                if !args.keep_going {
                    break;
                }
            }
        }
    }
    Err(refused.unwrap_or_else(|| anyhow::Error::msg("there is no signal")))
}

/// The plan of the first signal, which many others share, and what it takes to make others.
struct Plans<'a, T> {
    args: &'a SignalArgs,
    plan: Plan<T>,
    workspace: ScatteringWorkspace<T>,
}

impl<T: Real> Plans<'_, T> {
    /// The features of each signal, in order.
    fn transform(&mut self, signals: &[Signal<T>]) -> Vec<Result<ArrayD<T>>> {
        let mut by_length: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (place, signal) in signals.iter().enumerate() {
            by_length
                .entry(signal.samples.ncols())
                .or_default()
                .push(place);
        }
        let mut features: Vec<Option<Result<ArrayD<T>>>> = signals.iter().map(|_| None).collect();
        let mut put = |places: &[usize], found: Vec<Result<ArrayD<T>>>| {
            for (&place, found) in places.iter().zip(found) {
                features[place] = Some(found);
            }
        };
        let log = self.args.log;
        if let Some(places) = by_length.remove(&self.plan.len()) {
            let found = transform(&self.plan, &mut self.workspace, signals, &places, log);
            put(&places, found);
        }
        let args = self.args;
        let others = |(&len, places): (&usize, &Vec<usize>)| match Plan::new(args, len) {
            Ok(plan) => transform(&plan, &mut plan.workspace(), signals, places, log),
            Err(error) => {
                let error = error.to_string();
                let refused = places
                    .iter()
                    .map(|_| Err(anyhow::Error::msg(error.clone())));
                refused.collect()
            }
        };
        let short = by_length.range(..=SHORT).collect::<Vec<_>>();
        let found: Vec<_> = short.par_iter().map(|&entry| others(entry)).collect();
        short
            .iter()
            .zip(found)
            .for_each(|((_, places), found)| put(places, found));
        for entry in by_length.range(SHORT + 1..) {
            put(entry.1, others(entry));
        }
        let missing = || Err(anyhow::Error::msg("the signal was not transformed"));
        features
            .into_iter()
            .map(|found| found.unwrap_or_else(missing))
            .collect()
    }
}

/// The features of those signals that have the length of a plan, on the pool's threads.
fn transform<T: Real>(
    plan: &Plan<T>,
    workspace: &mut ScatteringWorkspace<T>,
    signals: &[Signal<T>],
    places: &[usize],
    log: bool,
) -> Vec<Result<ArrayD<T>>> {
    let mut run = || -> Result<Vec<ArrayD<T>>> {
        let views: Vec<_> = places
            .iter()
            .map(|&place| signals[place].samples.view())
            .collect();
        let batch = stack(Axis(0), &views)?;
        let channels = batch.len_of(Axis(1));
        let features = plan.transform(&batch.view(), workspace, log)?;
        let one = |features: ndarray::ArrayViewD<T>| match channels {
            1 => features.index_axis_move(Axis(0), 0).to_owned(),
            _ => features.to_owned(),
        };
        Ok(features.axis_iter(Axis(0)).map(one).collect())
    };
    match run() {
        Ok(features) => features.into_iter().map(Ok).collect(),
        Err(error) => {
            let error = format!("{error:#}");
            let refused = places
                .iter()
                .map(|_| Err(anyhow::Error::msg(error.clone())));
            refused.collect()
        }
    }
}
