//! Arrays, images and tables from and to files.
//!
//! Stands beside the line: what it reads becomes the input of a transform, what it writes was one's output. It knows
//! arrays, files and pixels, and nothing of what the numbers mean.
//!
//! - [`list_images`], [`read_image`]: images of any format that `image` decodes, as `[channels, H, W]` in [0, 1].
//! - [`image_array`]: the same of a `DynamicImage` that is in memory.
//! - [`NpyFile`]: arrays from NumPy, whole or a few rows at a time.
//! - [`NpyStack`], [`NpzStack`], [`CsvStack`]: rows of equal shape, written as they come, for runs larger than memory
//!   and for runs in which some inputs turn out to be unusable.
//! - `read_dataset`: labelled images to train and to test on, from the files that data sets come as (feature `learn`).
//! - `read_weights`: kernels of a convolution from a safetensors file (feature `learn`).
//! - [`write_png`], [`write_csv`], [`write_json`]: small files in one call.
//! - [`Staged`], [`commit_all`]: every file is written beside its destination and renamed at the end, so that a file
//!   is whole or absent, and files that belong together appear together.
//!
//! Paths and names that come out of here are for people and programs alike: tables quote them as CSV asks.

#[cfg(feature = "learn")]
pub mod dataset;
pub mod image;
pub mod npy;
mod resize;
pub mod stack;
pub mod staged;
pub mod table;
#[cfg(feature = "learn")]
pub mod weights;

#[cfg(feature = "learn")]
pub use dataset::{Dataset, LabelledImages, read_dataset};
pub use image::{
    Color, ImageOptions, image_array, list_images, png_bytes, read_image, stage_png, write_png,
};
pub use npy::NpyFile;
pub use stack::{NpyStack, NpzEntry, NpzStack};
pub use staged::{Staged, commit_all};
pub use table::{CsvStack, stage_csv, stage_json, write_csv, write_json};
#[cfg(feature = "learn")]
pub use weights::read_weights;
