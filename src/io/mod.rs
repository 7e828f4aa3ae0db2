//! Arrays, images and tables from and to files.
//!
//! Stands beside the line: what it reads becomes the input of a transform, what it writes was one's output. It knows
//! arrays, files and pixels, and nothing of what the numbers mean.
//!
//! - [`list_inputs`]: the files that paths and folders stand for.
//! - [`InputFile`]: a file of images of any kind, known by its headers, read one image `[channels, H, W]` at a time.
//! - [`read_image`]: the one image of a file; [`image_array`]: the same of a `DynamicImage` that is in memory.
//! - `SoundFile`, `read_sound`, `SoundStream`: sounds of any kind, whole or as they arrive (feature `sound`).
//! - [`NpyFile`]: arrays from NumPy, whole or a few rows at a time.
//! - [`NpyStack`], [`NpzStack`], [`NpzList`], [`CsvStack`]: rows of equal shape, written as they come, for runs larger than memory
//!   and for runs in which some inputs turn out to be unusable.
//! - `read_dataset`: labelled images or sounds to train and to test on, from the files that data sets come as (feature `datasets`).
//! - `read_weights`: kernels of a convolution from a safetensors file (feature `datasets`).
//! - [`write_png`], [`write_csv`], [`write_json`]: small files in one call.
//! - [`Staged`], [`commit_all`]: every file is written beside its destination and renamed at the end, so that a file
//!   is whole or absent, and files that belong together appear together.
//!
//! Paths and names that come out of here are for people and programs alike: tables quote them as CSV asks.

mod arrays;
mod content;
#[cfg(feature = "datasets")]
pub mod dataset;
mod exr;
#[cfg(feature = "fits")]
mod fits;
mod frames;
pub mod image;
pub mod input;
mod jpeg;
pub mod listing;
pub mod npy;
mod npz;
pub mod options;
mod picture;
mod pixels;
pub mod png;
mod resize;
#[cfg(feature = "sound")]
pub mod sound;
pub mod stack;
pub mod staged;
pub mod table;
mod tiff;
#[cfg(feature = "datasets")]
pub mod weights;

#[cfg(feature = "datasets")]
pub use dataset::{
    Dataset, DatasetOptions, LabelledImages, Medium, mnist_subset, read_dataset, read_dataset_from,
    read_dataset_with,
};
pub use image::{image_array, read_image};
pub use input::{Images, InputFile, InputKind};
#[cfg(feature = "sound")]
pub use listing::list_sounds;
pub use listing::{Listing, list_inputs};
pub use npy::NpyFile;
pub use npz::open_array;
pub use options::{Color, ImageOptions, NanPolicy, Pages, Values};
pub use png::{png_bytes, stage_png, write_png};
#[cfg(feature = "sound")]
pub use sound::{
    Channels, SampleType, Sound, SoundFile, SoundKind, SoundOptions, SoundStream, read_sound,
};
pub use stack::{NpyStack, NpzEntry, NpzList, NpzStack};
pub use staged::{Abandoned, Staged, abandon_all, commit_all};
pub use table::{CsvStack, stage_csv, stage_json, write_csv, write_json};
#[cfg(feature = "datasets")]
pub use weights::{KernelAxes, Weights, read_weights};
