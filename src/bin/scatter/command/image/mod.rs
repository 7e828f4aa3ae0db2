//! `scatter image`: features of images, streamed through a bounded number of images at a time.
//!
//! One thread reads ahead while the pool transforms; rows are written as they come, and the files appear under their
//! names only when all of them are complete.

mod inputs;
mod outputs;

use std::sync::mpsc::sync_channel;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{Array3, ArrayD, Axis, concatenate};
use wavelet_scattering::Scattering2d;
use wavelet_scattering::error::bytes;
use wavelet_scattering::memory;
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::{EPSILON, ScatteringWorkspace};

use crate::args::{ImageArgs, Precision};
use inputs::{Inputs, Item};
use outputs::{Output, Report};

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
    outputs::check(args)?;
    let mut inputs = Inputs::open(args)?;
    let shape = inputs.first_shape(args.keep_going)?;
    let plan = args.own.plan::<T>(&args.transform.params(shape)?)?;
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
    let mut output = Output::create(args, &plan, &inputs)?;

    let progress = ProgressBar::new(inputs.len() as u64).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} images  {per_sec}  {eta} left",
    )?);
    let start = Instant::now();
    let mut report = Report {
        written: Vec::new(),
        skipped: Vec::new(),
    };
    std::thread::scope(|scope| -> Result<()> {
        let (sender, receiver) = sync_channel(1);
        let inputs = &mut inputs;
        scope.spawn(move || inputs.read_all(chunk as usize, &sender));
        let mut workspace = plan.workspace();
        for items in receiver {
            let (labels, images) = usable(items, shape, args.keep_going, &mut report)?;
            progress.set_position((report.written.len() + report.skipped.len()) as u64);
            if !images.is_empty() {
                let features = transform(&plan, &images, &mut workspace, args.log)?;
                let rows = features.as_slice().context("features are contiguous")?;
                for (label, row) in labels
                    .iter()
                    .zip(rows.chunks_exact(rows.len() / labels.len()))
                {
                    output.push(label, row)?;
                }
                report.written.extend(labels);
                progress.set_position((report.written.len() + report.skipped.len()) as u64);
            }
        }
        Ok(())
    })?;
    progress.finish_and_clear();
    let (written, skipped) = (report.written.len(), report.skipped.len());
    ensure!(
        written > 0,
        "none of the {skipped} inputs could be used; nothing was written"
    );

    let shape = output.finish(&inputs, &report)?;
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}: {shape} {}, {written} images in {seconds:.2} s ({:.1} images/s, {threads} threads)",
        args.output.display(),
        T::NAME,
        written as f64 / seconds,
    );
    for (label, reason) in &report.skipped {
        eprintln!("skipped {label}: {reason}");
    }
    ensure!(
        skipped == 0,
        "{skipped} of {} inputs were skipped; the output holds the others",
        written + skipped
    );
    Ok(())
}

/// The images of a chunk that the plan fits, with their labels. The others are reported, or end the run.
fn usable<T: Real>(
    items: Vec<Item<T>>,
    shape: [usize; 2],
    keep_going: bool,
    report: &mut Report,
) -> Result<(Vec<String>, Vec<Array3<T>>)> {
    let (mut labels, mut images) = (Vec::new(), Vec::new());
    for Item { label, image } in items {
        match image {
            Ok(image) if image.shape()[1..] == shape => {
                labels.push(label);
                images.push(image);
            }
            Ok(image) => {
                let ([h, w], got) = (shape, image.shape());
                bail!(
                    "the images differ in size: the first is {h} x {w}, {label} is {} x {}; \
                     --resize {h}x{w} would bring all to one size",
                    got[1],
                    got[2],
                )
            }
            Err(error) if keep_going => report.skipped.push((label, format!("{error:#}"))),
            Err(error) => {
                return Err(error.context(format!(
                    "{label}: stopped here; --keep-going skips such inputs"
                )));
            }
        }
    }
    Ok((labels, images))
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
