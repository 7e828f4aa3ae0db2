//! [`Part`]: images or sounds and their labels as a reader found them, before they are checked against each other.

use std::path::{Path, PathBuf};

use ndarray::Array4;

use super::label::Label;
use crate::{Error, Result};

/// Images and labels as one file or folder has them.
pub(super) struct Part {
    /// Where they come from, for messages.
    pub path: PathBuf,
    pub images: Array4<f32>,
    pub labels: Vec<Label>,
}

/// What a reader found.
pub(super) struct Parts {
    pub train: Part,
    /// `None`: the set comes in one piece.
    pub test: Option<Part>,
}

/// Samples of 8 bits as fractions of 255.
pub(super) fn fractions(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.iter().map(|&byte| f32::from(byte) / 255.0)
}

/// Samples that fill a shape, as images; a shape that they do not fill is an error of `path`.
pub(super) fn images(path: &Path, shape: [usize; 4], samples: Vec<f32>) -> Result<Array4<f32>> {
    let count = samples.len();
    Array4::from_shape_vec(shape, samples).map_err(|_| {
        Error::bad_file(
            path,
            format!("it has {count} samples, which do not fill {shape:?}"),
        )
    })
}
