//! What goes in: image files or arrays, in chunks, with a label for each image.

use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use anyhow::{Error, Result, bail, ensure};
use ndarray::Array3;
use rayon::prelude::*;
use wavelet_scattering::grid;
use wavelet_scattering::io::{self, ImageOptions, NpyFile};
use wavelet_scattering::num::Real;

use crate::args::{ColorArg, ImageArgs};

/// One image, or why it cannot be used.
pub struct Item<T> {
    /// The file, and the index in it if it holds several images.
    pub label: String,
    /// `[channels, H, W]`, all finite.
    pub image: Result<Array3<T>>,
}

/// All inputs of a run: either image files or arrays.
pub enum Inputs {
    Images {
        files: Vec<PathBuf>,
        options: ImageOptions,
    },
    Arrays(Vec<NpyFile>),
}

impl Inputs {
    /// Lists the inputs; arrays are opened, and have to agree in shape.
    pub fn open(args: &ImageArgs) -> Result<Self> {
        let is_array = |path: &&PathBuf| {
            path.extension()
                .is_some_and(|end| end.eq_ignore_ascii_case("npy"))
        };
        let arrays = args.inputs.iter().filter(is_array).count();
        if arrays == 0 {
            let options = ImageOptions {
                color: args.color.into(),
                resize: args.resize.map(|size| size.0),
                ..ImageOptions::default()
            };
            return Ok(Self::Images {
                files: io::list_inputs(&args.inputs)?.files,
                options,
            });
        }
        ensure!(
            arrays == args.inputs.len(),
            "image files and .npy arrays cannot be mixed in one run, since their features differ in shape",
        );
        ensure!(
            args.color == ColorArg::Gray && args.resize.is_none(),
            "--color and --resize apply to image files; an array is used as it is, with any leading axes",
        );
        let files = args
            .inputs
            .iter()
            .map(NpyFile::open)
            .collect::<Result<Vec<_>, _>>()?;
        let [first, rest @ ..] = &files[..] else {
            bail!("no input")
        };
        let shape = first.shape();
        ensure!(
            shape.len() >= 2 && !shape.contains(&0),
            "{} has shape {shape:?}; at least two axes are needed, the last two being the image, and no empty one",
            first.path().display(),
        );
        for file in rest {
            ensure!(
                file.shape() == shape,
                "the arrays differ in shape: {} has {shape:?}, {} has {:?}; transform them one by one",
                first.path().display(),
                file.path().display(),
                file.shape(),
            );
        }
        Ok(Self::Arrays(files))
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        match self {
            Self::Images { files, .. } => files.len(),
            Self::Arrays(files) => files
                .iter()
                .map(|file| {
                    file.shape()[..file.shape().len() - 2]
                        .iter()
                        .product::<usize>()
                })
                .sum(),
        }
    }

    /// Channels that an image is read as; arrays have theirs in leading axes.
    pub fn channels(&self) -> usize {
        match self {
            Self::Images { options, .. } => options.color.channels(),
            Self::Arrays(_) => 1,
        }
    }

    /// The leading axes of the output if every image is used; `[count]` if some were skipped.
    pub fn leading(&self, count: usize) -> Vec<usize> {
        match self {
            Self::Arrays(files) if count == self.len() => {
                let leading = &files[0].shape()[..files[0].shape().len() - 2];
                if files.len() == 1 {
                    leading.to_vec()
                } else {
                    [&[files.len()], leading].concat()
                }
            }
            _ => vec![count],
        }
    }

    /// Height and width of the first image; of the first that can be read, when the others are skipped.
    pub fn first_shape(&self, keep_going: bool) -> Result<[usize; 2]> {
        match self {
            Self::Arrays(files) => {
                let shape = files[0].shape();
                Ok([shape[shape.len() - 2], shape[shape.len() - 1]])
            }
            Self::Images {
                options: ImageOptions {
                    resize: Some(size), ..
                },
                ..
            } => Ok(*size),
            Self::Images { files, options } => {
                let mut failure = None;
                for file in files {
                    match io::read_image::<f32>(file, options) {
                        Ok(image) => return Ok([image.shape()[1], image.shape()[2]]),
                        Err(error) if keep_going => failure = Some(error),
                        Err(error) => {
                            return Err(Error::from(error)
                                .context("stopped at an input that cannot be used; --keep-going skips such inputs"));
                        }
                    }
                }
                let last = failure.map_or(String::new(), |error| {
                    format!("; the last one: {:#}", Error::from(error))
                });
                bail!("none of the {} inputs can be read{last}", files.len())
            }
        }
    }

    /// Reads everything in order, `chunk` images at a time, until the receiver hangs up.
    pub fn read_all<T: Real>(&mut self, chunk: usize, sender: &SyncSender<Vec<Item<T>>>) {
        match self {
            Self::Images { files, options } => {
                for files in files.chunks(chunk) {
                    let items = files
                        .par_iter()
                        .map(|file| read_image(file, options))
                        .collect();
                    if sender.send(items).is_err() {
                        return;
                    }
                }
            }
            Self::Arrays(files) => {
                for file in files {
                    while file.remaining() > 0 {
                        // What follows in a file that cannot be read is lost as well.
                        let (items, readable) = match read_planes(file, chunk) {
                            Ok(items) => (items, true),
                            Err(error) => {
                                let label = file.path().display().to_string();
                                (
                                    vec![Item {
                                        label,
                                        image: Err(error),
                                    }],
                                    false,
                                )
                            }
                        };
                        if sender.send(items).is_err() {
                            return;
                        }
                        if !readable {
                            break;
                        }
                    }
                }
            }
        }
    }
}

fn read_image<T: Real>(file: &Path, options: &ImageOptions) -> Item<T> {
    let image = io::read_image(file, options)
        .map_err(Error::from)
        .and_then(finite);
    // The errors of the decoder name the file; that of a pixel does not.
    Item {
        label: file.display().to_string(),
        image,
    }
}

/// The next images of an array, `chunk` at most.
fn read_planes<T: Real>(file: &mut NpyFile, chunk: usize) -> Result<Vec<Item<T>>> {
    let shape = file.shape().to_vec();
    let (leading, image) = shape.split_at(shape.len() - 2);
    let pixels = image[0] * image[1];
    let total: usize = leading.iter().product();
    let first = total - file.remaining() / pixels;
    let count = chunk.min(total - first);
    let samples = file.read_rows::<T>(count, pixels)?;
    samples
        .chunks_exact(pixels)
        .zip(first..)
        .map(|(plane, index)| {
            let plane = Array3::from_shape_vec([1, image[0], image[1]], plane.to_vec())?;
            let label = format!("{}{}", file.path().display(), index_in(leading, index));
            Ok(Item {
                label,
                image: finite(plane),
            })
        })
        .collect()
}

/// Where the `flat`-th image stands in the leading axes: `[3, 0]`, or nothing if there is but one image.
fn index_in(leading: &[usize], flat: usize) -> String {
    if leading.is_empty() {
        return String::new();
    }
    format!("{:?}", grid::position(flat, leading))
}

/// Refuses an image with a NaN or an infinity, which the transform would refuse with its whole chunk.
fn finite<T: Real>(image: Array3<T>) -> Result<Array3<T>> {
    match image.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(image),
        Some((_, value)) if T::NAME == "float32" && value.is_infinite() => Err(Error::msg(
            "the input is infinite in 32 bits; replace infinities, or use --precision f64 for numbers beyond 3.4e38",
        )),
        Some(((channel, row, column), value)) => {
            let position = if image.shape()[0] == 1 {
                vec![row, column]
            } else {
                vec![channel, row, column]
            };
            Err(wavelet_scattering::Error::NotFinite {
                position,
                value: value.widen(),
            }
            .into())
        }
    }
}
