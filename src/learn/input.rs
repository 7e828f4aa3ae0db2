//! From images to what a network sees: standardised, in the middle of a canvas, a few samples shifted if wanted.
//!
//! Every channel is brought to mean 0 and variance 1 by the mean and deviation of the training images; what lies outside
//! an image is 0 before that, as is the paper of a digit.

use std::sync::{Arc, Mutex, PoisonError};

use burn::data::dataloader::batcher::Batcher;
use burn::tensor::{Device, Int, Tensor, TensorData};
use ndarray::{Array4, ArrayView3, Axis};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::io::LabelledImages;

/// How images of one kind are brought to a network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Input {
    /// Channels, rows, columns of the images.
    pub(super) shape: [usize; 3],
    /// Rows and columns of the canvas, no fewer than the image's.
    pub(super) canvas: [usize; 2],
    /// Of every channel, over all training images.
    pub(super) mean: Vec<f32>,
    /// Standard deviation of every channel, 1 where it is 0.
    pub(super) deviation: Vec<f32>,
}

impl Input {
    pub(super) fn of(images: &Array4<f32>, canvas: [usize; 2]) -> Self {
        let (_, channels, rows, columns) = images.dim();
        let (mean, deviation) = images
            .axis_iter(Axis(1))
            .map(|channel| {
                let mean = channel.fold(0.0, |sum, &v| sum + f64::from(v)) / channel.len() as f64;
                let square = |&v: &f32| (f64::from(v) - mean).powi(2);
                let variance = channel.iter().map(square).sum::<f64>() / channel.len() as f64;
                let deviation = variance.sqrt() as f32;
                (mean as f32, if deviation > 0.0 { deviation } else { 1.0 })
            })
            .unzip();
        Self {
            shape: [channels, rows, columns],
            canvas,
            mean,
            deviation,
        }
    }

    /// Appends the canvas of an image that is moved down and to the right.
    fn push(&self, image: ArrayView3<f32>, moved: [isize; 2], out: &mut Vec<f32>) {
        let [_, rows, columns] = self.shape;
        let start =
            |axis: usize, side: usize| ((self.canvas[axis] - side) / 2) as isize + moved[axis];
        let [top, left] = [start(0, rows), start(1, columns)];
        for (c, plane) in image.outer_iter().enumerate() {
            let standard = |v: f32| (v - self.mean[c]) / self.deviation[c];
            for i in 0..self.canvas[0] as isize {
                for k in 0..self.canvas[1] as isize {
                    let sample = plane.get([(i - top) as usize, (k - left) as usize]);
                    out.push(standard(sample.copied().unwrap_or(0.0)));
                }
            }
        }
    }

    fn tensor(&self, canvases: Vec<f32>, device: &Device) -> Tensor<4> {
        let [rows, columns] = self.canvas;
        let size = self.shape[0] * rows * columns;
        let shape = [canvases.len() / size, self.shape[0], rows, columns];
        Tensor::from_data(TensorData::new(canvases, shape), device)
    }

    /// **Shape** `[images, channels, canvas rows, canvas columns]`.
    pub(super) fn batch<'a>(
        &self,
        images: impl Iterator<Item = ArrayView3<'a, f32>>,
        device: &Device,
    ) -> Tensor<4> {
        let mut canvases = Vec::new();
        images.for_each(|image| self.push(image, [0, 0], &mut canvases));
        self.tensor(canvases, device)
    }
}

/// Images and labels as tensors.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub(super) images: Tensor<4>,
    pub(super) labels: Tensor<1, Int>,
}

/// Gathers the images that burn's data loader has chosen, by their indices.
pub(super) struct Gatherer {
    all: Arc<LabelledImages>,
    input: Input,
    /// The largest shift, in samples; how far each image is moved is drawn anew every time.
    shift: usize,
    random: Mutex<Xoshiro256PlusPlus>,
}

impl Gatherer {
    pub(super) fn new(all: Arc<LabelledImages>, input: Input, shift: usize, seed: u64) -> Self {
        Self {
            all,
            input,
            shift,
            random: Mutex::new(Xoshiro256PlusPlus::seed_from_u64(seed)),
        }
    }
}

impl Batcher<usize, Batch> for Gatherer {
    fn batch(&self, indices: Vec<usize>, device: &Device) -> Batch {
        let most = self.shift as i64;
        let [_, rows, columns] = self.input.shape;
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let mut canvases = Vec::new();
        let mut labels = Vec::with_capacity(indices.len());
        for i in indices {
            let moved = match most {
                0 => [0, 0],
                // What has one row stays in it.
                _ => [rows, columns].map(|side| match side {
                    1 => 0,
                    _ => random.random_range(-most..=most) as isize,
                }),
            };
            let image = self.all.images.index_axis(Axis(0), i);
            self.input.push(image, moved, &mut canvases);
            labels.push(self.all.labels[i] as i64);
        }
        let count = labels.len();
        Batch {
            images: self.input.tensor(canvases, device),
            labels: Tensor::from_data(TensorData::new(labels, [count]), device),
        }
    }
}
