//! `scatter image`: features of images, streamed through a bounded number of images at a time.
//!
//! One thread reads ahead while the pool transforms; rows are written as they come, and the files appear under their
//! names only when all of them are complete.

mod inputs;
mod outputs;

use std::sync::mpsc::sync_channel;
use std::time::Instant;

use anyhow::{Context, Error, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{Array3, ArrayD, Axis, concatenate};
use wavelet_scattering::Scattering2d;
use wavelet_scattering::error::bytes;
use wavelet_scattering::memory;
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::{EPSILON, ScatteringWorkspace};

use crate::args::{ImageArgs, Precision};
use crate::command::features::output::{self, Output};
use crate::command::features::{Item, Report, done};
use crate::command::gradient;
use inputs::Inputs;

/// Images in memory at a time are kept below about this many bytes, their features included.
const CHUNK_BYTES: u64 = 64 << 20;

/// More images than this per thread and chunk save nothing.
const CHUNK_IMAGES: u64 = 64;

pub fn run(args: ImageArgs) -> Result<()> {
    match args.precision {
        Precision::F32 => transform_all::<f32>(&args),
        Precision::F64 => transform_all::<f64>(&args),
    }
}

fn transform_all<T: Real>(args: &ImageArgs) -> Result<()> {
    if let Some(weights) = &args.gradient {
        let average = args.transform.average.into();
        return gradient::run(
            &args.inputs,
            weights,
            &args.output,
            "images",
            average,
            |shape| args.own.plan::<T>(&args.transform.params(shape)?),
        );
    }
    output::check(&args.output, &args.inputs)?;
    let (inputs, skipped) = Inputs::open(args)?;
    output::check(&args.output, &inputs.paths())?;
    let shape = inputs.size();
    let params = args.transform.params(shape)?;
    let plan = (args.own.plan::<T>(&params)).map_err(|error| explained(error, &inputs))?;
    let threads = rayon::current_num_threads() as u64;
    let pixels = shape.iter().product::<usize>();
    let image_bytes = (inputs.channels() * (pixels + plan.features_len()) * size_of::<T>()) as u64;
    let chunk = threads * (CHUNK_BYTES / threads / image_bytes.max(1)).clamp(1, CHUNK_IMAGES);
    // One chunk is transformed while two are read ahead, and a chunk is copied into one batch.
    let needed =
        plan.bank().bytes() + plan.workspace_bytes(threads as usize) + 4 * chunk * image_bytes;
    ensure!(
        needed <= memory::available(),
        "filters, workspace and the features of {chunk} images need {}, but this machine has {}; lower --order, \
         --oversampling, -L or --threads",
        bytes(needed),
        bytes(memory::available()),
    );
    let layout = outputs::layout(args, &plan);
    let numbers = (inputs.len() as u64).saturating_mul(layout.numbers() as u64);
    output::check_room::<T>(&args.output, numbers)?;
    let mut output = Output::create(&args.output, layout, &inputs.leading(inputs.len()))?;

    let progress = ProgressBar::new(inputs.len() as u64).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} images  {per_sec}  {eta} left",
    )?);
    let start = Instant::now();
    let mut report = Report {
        written: Vec::new(),
        skipped,
    };
    std::thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = sync_channel(1);
        let inputs = &inputs;
        scope.spawn(move || inputs.read_all(chunk as usize, &sender));
        let mut workspace = plan.workspace();
        for items in receiver {
            progress.inc(items.iter().map(|item| item.count as u64).sum());
            let (labels, images) = usable(items, args.keep_going, &mut report)?;
            if !images.is_empty() {
                let features = transform(&plan, &images, &mut workspace, args.log)?;
                let rows = features.as_slice().context("features are contiguous")?;
                for (label, row) in labels
                    .iter()
                    .zip(rows.chunks_exact(rows.len() / labels.len()))
                {
                    output.push(label, row, &[])?;
                }
                report.written.extend(labels);
            }
        }
        Ok(())
    })?;
    progress.finish_and_clear();
    let written = report.written.len();
    if written == 0 {
        return Err(report.none_left());
    }

    let tables = outputs::tables(args, &plan, &inputs);
    let shape = output.finish(&inputs.leading(written), &report, tables)?;
    done(&args.output, &shape, T::NAME, written, "images", start);
    report.close(inputs.left_out(), "a.png")
}

/// What a plan has against the images, with the way out where they are channels.
fn explained(error: Error, inputs: &Inputs) -> Error {
    let may_be_channels = matches!(
        error.downcast_ref(),
        Some(wavelet_scattering::Error::ScaleTooLarge { axis: 1, .. })
    );
    match inputs.channels_as_columns().filter(|_| may_be_channels) {
        Some((shape, channels)) => error.context(format!(
            "the arrays have shape {shape:?}; if the last axis is one of {channels} channels, say --channels-last"
        )),
        None => error,
    }
}

/// The images of a chunk that can be used, with their labels. The others are reported, or end the run.
fn usable<T: Real>(
    items: Vec<Item<Array3<T>>>,
    keep_going: bool,
    report: &mut Report,
) -> Result<(Vec<String>, Vec<Array3<T>>)> {
    let (mut labels, mut used) = (Vec::new(), Vec::new());
    for Item {
        label,
        count,
        input,
    } in items
    {
        match input {
            Ok(image) => {
                labels.push(label);
                used.push(image);
            }
            Err(error) => report.skip(label, count, error, keep_going)?,
        }
    }
    Ok((labels, used))
}

/// Features of a chunk, on the pool's threads.
fn transform<T: Real>(
    plan: &Scattering2d<T>,
    images: &[Array3<T>],
    workspace: &mut ScatteringWorkspace<T>,
    log: bool,
) -> Result<ArrayD<T>> {
    let views: Vec<_> = images.iter().map(|image| image.view()).collect();
    let batch = concatenate(Axis(0), &views)?;
    let mut features = ArrayD::zeros(plan.output_shape(&[batch.len_of(Axis(0))]));
    plan.transform_into(&batch, &mut features, workspace)?;
    let features = plan.features_from(features)?;
    let features = if log {
        features.log(EPSILON)?
    } else {
        features
    };
    Ok(features.into_array())
}
