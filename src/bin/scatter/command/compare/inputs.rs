//! What is compared: the weights of a file or of a network trained here, and images to take patches from.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{Array3, ArrayD, Axis, stack};
use wavelet_scattering::io::{self, ImageOptions, KernelAxes, Weights};
use wavelet_scattering::learn::{
    Architecture, FirstLayer, Network, Task, TrainingParams, error_rate,
};

use crate::args::CompareArgs;
use crate::command::reading::{self, Listing};
use crate::command::task::task_of;

/// Side that images for principal components are cropped to; whatever is smaller is refused.
const CROP: usize = 128;

/// A first layer, and what it was learned from if that was here.
pub struct Source {
    pub name: String,
    pub lead: String,
    pub tensor: String,
    /// `[out, in, rows, columns]`, or `[out, in, samples]` of signals.
    pub weights: ArrayD<f32>,
    /// How the axes of a tensor from a file stand there.
    pub axes: Option<KernelAxes>,
    pub trained: Option<(Network, Task)>,
}

/// Weights from a file.
pub fn read(model: &Path, tensor: Option<&str>, axes: Option<KernelAxes>) -> Result<Source> {
    ensure!(
        model.extension().is_some_and(|end| end == "safetensors"),
        "{} must end in .safetensors: what `scatter` saves ends so, and other programs can save that too (burn no longer \
         writes .mpk)",
        model.display()
    );
    let Weights {
        tensor,
        axes,
        kernels: weights,
    } = io::read_weights(model, tensor, axes)?;
    let name = model.file_name().unwrap_or_default();
    Ok(Source {
        name: name.to_string_lossy().into(),
        lead: format!(
            "Tensor {tensor}, {:?}, taken from the order {axes}: a first layer in the words of wavelet theory.",
            weights.shape()
        ),
        tensor,
        weights,
        axes: Some(axes),
        trained: None,
    })
}

/// Trains a small network whose first layer is worth a look.
pub fn train(data: &Path, args: &CompareArgs) -> Result<Source> {
    let task = task_of(data, &args.reading.options().into())?;
    ensure!(
        task.medium() == io::Medium::Images,
        "{} holds sounds, and the filters that are compared are those of images",
        data.display()
    );
    let architecture = Architecture::Cnn {
        first: FirstLayer::learned(args.filters, args.side),
    };
    let recommended = TrainingParams::recommended(&architecture, task.train().len());
    let params = TrainingParams {
        seed: args.seed,
        epochs: args.epochs.unwrap_or(recommended.epochs),
        // Whoever asks for epochs wants them.
        patience: args.epochs.unwrap_or(recommended.patience),
        weight_decay: args.weight_decay,
        ..recommended
    };
    let progress = ProgressBar::new(params.epochs as u64).with_style(ProgressStyle::with_template(
        "{bar:30} epoch {pos}/{len}, {msg}, {eta} left",
    )?);
    let network = Network::train(&architecture, task.train(), &params, &mut |report| {
        progress.set_message(format!("loss {:.3}", report.loss));
        progress.set_position(report.epoch as u64);
    })?;
    progress.finish_and_clear();
    let weights = network
        .first_layer()
        .context("a convolutional network has a first layer")?;
    let predicted = network.predict(&task.test().images)?;
    let error = error_rate(&predicted, &task.test().labels)?;
    Ok(Source {
        name: task.name().to_string(),
        lead: format!(
            "The first layer of a small convolutional network trained on the {} training images of {}, seed {}; its error on \
             the test images is {:.1} %.",
            task.train().len(),
            task.name(),
            args.seed,
            100.0 * error
        ),
        tensor: "first layer".to_string(),
        weights: weights.into_dyn(),
        axes: None,
        trained: Some((network, task)),
    })
}

/// The training images, means over their channels; the first thousand, which is plenty for patches of a few pixels.
pub fn in_grey(task: &Task) -> Array3<f32> {
    const MOST: usize = 1000;
    let images = &task.train().images;
    let count = images.shape()[0].min(MOST);
    let some = images.slice(ndarray::s![..count, .., .., ..]);
    let channels = some.shape()[1] as f32;
    some.sum_axis(Axis(1)) / channels
}

/// The middle of every image, all of one size, in grey.
pub fn crops(inputs: &[PathBuf], options: &ImageOptions) -> Result<Array3<f32>> {
    let listing = Listing::of(inputs)?;
    let mut crops = Vec::new();
    for path in &listing.files {
        let file = reading::open(path, options)?;
        for (index, image) in file.images::<f32>()?.enumerate() {
            let image = image?.index_axis_move(Axis(0), 0);
            let (rows, columns) = image.dim();
            ensure!(
                rows >= CROP && columns >= CROP,
                "{} has {rows} x {columns} pixels; patches are taken from images of at least {CROP} x {CROP}",
                file.label(index)
            );
            let [top, left] = [(rows - CROP) / 2, (columns - CROP) / 2];
            let middle = image.slice(ndarray::s![top..top + CROP, left..left + CROP]);
            crops.push(middle.to_owned());
        }
    }
    ensure!(
        !crops.is_empty(),
        "there are no images to take patches from"
    );
    let crops: Vec<_> = crops.iter().map(|crop| crop.view()).collect();
    Ok(stack(Axis(0), &crops)?)
}
