//! Planes of arrays: their last two axes, or those before a last axis of channels.

use std::ops::Range;
use std::path::Path;

use super::npy::NpyFile;
use super::options::ImageOptions;
use super::pixels::{Decoded, Planes, check_memory};
use crate::num::Real;
use crate::{Error, Result};

/// The shape of an array as its images are read, `[.., rows, columns]`; channels that are last go before the rows.
pub(super) fn shape(name: &Path, shape: &[usize], options: &ImageOptions) -> Result<Vec<usize>> {
    let needed = if options.channels_last { 3 } else { 2 };
    if shape.len() < needed || shape.contains(&0) {
        return Err(Error::bad_file(
            name,
            format!(
                "it has shape {shape:?}; at least {needed} axes are needed, {}, and no empty one",
                if options.channels_last {
                    "the last three being rows, columns and channels"
                } else {
                    "the last two being the image"
                }
            ),
        ));
    }
    let mut shape = shape.to_vec();
    if options.channels_last {
        let axes = shape.len();
        shape[axes - 3..].rotate_right(1);
    }
    Ok(shape)
}

/// The images of an array, of which `shape` is the shape as they are read.
pub(super) fn planes<S: Real>(
    mut file: NpyFile,
    shape: &[usize],
    options: &ImageOptions,
    range: Range<usize>,
) -> Result<Decoded<S>> {
    let axes = shape.len();
    let size = [shape[axes - 2], shape[axes - 1]];
    let pixels = size[0] * size[1];
    check_memory::<S>(size, options, 0)?;
    if !options.channels_last {
        file.skip(range.start * pixels)?;
        return Ok(Box::new(range.map(move |_| {
            let samples = file.read_rows(1, pixels)?;
            Ok(Planes { samples, size })
        })));
    }
    // All channels of a pixel stand together: they are read at once, and handed out one by one.
    let channels = shape[axes - 3];
    file.skip(range.start / channels * channels * pixels)?;
    let mut together: Vec<S> = Vec::new();
    Ok(Box::new(range.map(move |index| {
        let channel = index % channels;
        if together.is_empty() || channel == 0 {
            together = file.read_rows(pixels, channels)?;
        }
        let samples = together.iter().skip(channel).step_by(channels);
        Ok(Planes {
            samples: samples.copied().collect(),
            size,
        })
    })))
}
