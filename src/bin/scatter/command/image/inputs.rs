//! What goes in: files of images or arrays, known by their headers before the work, then read in chunks with a label for
//! each image.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;

use anyhow::{Context, Error, Result, bail, ensure};
use ndarray::Array3;
use rayon::prelude::*;
use wavelet_scattering::io::{ImageOptions, InputFile, InputKind};
use wavelet_scattering::num::Real;

use crate::args::ImageArgs;
use crate::command::features::{Item, Skipped};
use crate::command::reading::{self, Listing};

/// One image, `[channels, H, W]`, all finite.
type Image<T> = Item<Array3<T>>;

/// All inputs of a run: either image files or arrays, most of whose images have one size.
pub struct Inputs {
    files: Vec<InputFile>,
    kind: InputKind,
    size: [usize; 2],
    channels: usize,
    left_out: usize,
    /// Whether nothing was skipped when they were opened.
    complete: bool,
}

impl Inputs {
    /// Lists the inputs and reads their headers. What has a fault is returned if the run may go on past it; what differs in
    /// size is told later, image by image.
    pub fn open(args: &ImageArgs) -> Result<(Self, Vec<Skipped>)> {
        let options = ImageOptions {
            color: args.color.into(),
            resize: args.resize.map(|size| size.0),
            ..args.reading.options()
        };
        let opened = reading::open_all(&args.inputs, args.keep_going, Listing::add, |path| {
            reading::open(path, &options)
        })?;
        let files = opened.files;
        let first = &files[0];
        let kind = first.kind();
        if let Some(other) = files.iter().find(|file| file.kind() != kind) {
            bail!(
                "image files and arrays cannot be mixed in one run, since their features differ in shape: {} and {}",
                first.path().display(),
                other.path().display(),
            );
        }
        let inputs = Self {
            kind,
            size: usual_size(&files),
            channels: first.channels(),
            files,
            left_out: opened.left_out,
            complete: opened.skipped.is_empty(),
        };
        if !args.keep_going {
            inputs.check_sizes()?;
        }
        Ok((inputs, opened.skipped))
    }

    /// Refuses images of several sizes.
    fn check_sizes(&self) -> Result<()> {
        let [h, w] = self.size;
        let sizes = images_of(&self.files).map(|(file, index)| (file, index, file.size(index)));
        let mut odd = sizes.filter(|&(.., size)| size != self.size);
        if let Some((file, index, [rows, columns])) = odd.next() {
            let others = match odd.count() {
                0 => String::new(),
                count => format!(", and {count} more differ"),
            };
            bail!(
                "the images differ in size: most are {h} x {w}, {} is {rows} x {columns}{others}; --resize {h}x{w} would \
                 bring all to one size, --keep-going leaves out those of another",
                file.label(index),
            );
        }
        Ok(())
    }

    /// The files themselves.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.files
            .iter()
            .map(|file| file.path().to_path_buf())
            .collect()
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.files.iter().map(InputFile::len).sum()
    }

    /// Height and width of the images that are used.
    pub fn size(&self) -> [usize; 2] {
        self.size
    }

    /// Files in folders that are left out, as systems leave them there.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// Channels that an image is read as; arrays have theirs in leading axes.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The leading axes of the output if every image is used: those of the arrays where they agree, with one before them
    /// for several arrays; `[count]` of image files, and if some were skipped.
    pub fn leading(&self, count: usize) -> Vec<usize> {
        let leading = self.files[0].leading();
        let all = self.complete && count == self.len();
        let agree = || self.files.iter().all(|file| file.leading() == leading);
        match (self.kind, self.files.len()) {
            (InputKind::Array, 1) if all => leading,
            (InputKind::Array, files) if all && agree() => [&[files], &leading[..]].concat(),
            _ => vec![count],
        }
    }

    /// The channels that a plan took for columns: the shape and the number of them, if the last axis of an array is as short
    /// as channels are.
    pub fn channels_as_columns(&self) -> Option<(Vec<usize>, usize)> {
        let [_, columns] = self.size;
        let shape = [self.files[0].leading(), self.size.to_vec()].concat();
        let may_be = self.kind == InputKind::Array && shape.len() > 2;
        (may_be && matches!(columns, 1 | 3 | 4)).then_some((shape, columns))
    }

    /// Reads everything in order, `chunk` images at a time, until the receiver hangs up.
    pub fn read_all<T: Real>(&self, chunk: usize, sender: &SyncSender<Vec<Image<T>>>) {
        let mut items = Vec::with_capacity(chunk);
        let mut rest = &self.files[..];
        while let Some((first, behind)) = rest.split_first() {
            let room = rest.iter().take(chunk - items.len());
            let singles = room.take_while(|file| file.len() == 1).count();
            if singles > 0 {
                let (now, later) = rest.split_at(singles);
                items.par_extend(now.par_iter().map(|file| self.read_one(file)));
                rest = later;
            } else {
                for item in self.read_file(first) {
                    items.push(item);
                    if items.len() == chunk && sender.send(std::mem::take(&mut items)).is_err() {
                        return;
                    }
                }
                rest = behind;
            }
            if items.len() == chunk && sender.send(std::mem::take(&mut items)).is_err() {
                return;
            }
        }
        if !items.is_empty() {
            // A receiver that has hung up wants nothing more.
            let _ = sender.send(items);
        }
    }

    /// The image of a file that holds one.
    fn read_one<T: Real>(&self, file: &InputFile) -> Image<T> {
        let image = self.check_size(file, 0).and_then(|()| {
            let mut images = file.images()?;
            let image = images.next().context("it holds no image")?;
            finite(image?)
        });
        Item {
            label: file.label(0),
            count: 1,
            input: image,
        }
    }

    /// The images of a file, one after the other.
    fn read_file<T: Real>(&self, file: &InputFile) -> impl Iterator<Item = Image<T>> {
        let count = file.len();
        let (mut images, mut fault) = match file.images::<T>() {
            Ok(images) => (Some(images), None),
            Err(error) => (None, Some(Error::from(error))),
        };
        let mut index = 0;
        std::iter::from_fn(move || {
            if index == count {
                return None;
            }
            let label = file.label(index);
            let image = images.as_mut().and_then(Iterator::next);
            let Some(image) = image else {
                // Nothing more can be read of it.
                let images = count - index;
                let last = file.label(count - 1);
                index = count;
                let reason = fault.take();
                return Some(Item {
                    label: match images {
                        1 => label,
                        _ => format!("{label} to {last}"),
                    },
                    count: images,
                    input: Err(reason.unwrap_or_else(|| Error::msg("lost with what is before it"))),
                });
            };
            let image = self.check_size(file, index).and_then(|()| finite(image?));
            index += 1;
            Some(Item {
                label,
                count: 1,
                input: image,
            })
        })
    }

    /// Refuses an image that is of another size than most.
    fn check_size(&self, file: &InputFile, index: usize) -> Result<()> {
        let ([h, w], [rows, columns]) = (self.size, file.size(index));
        ensure!(
            [rows, columns] == self.size,
            "it is {rows} x {columns}, where most images are {h} x {w}; --resize {h}x{w} would bring all to one size"
        );
        Ok(())
    }
}

/// Every image, as the file and the index in it.
fn images_of(files: &[InputFile]) -> impl Iterator<Item = (&InputFile, usize)> {
    let of_file = |file| (0..InputFile::len(file)).map(move |index| (file, index));
    files.iter().flat_map(of_file)
}

/// The size that most images have; of several such sizes, the one that comes first.
fn usual_size(files: &[InputFile]) -> [usize; 2] {
    let mut counts: HashMap<[usize; 2], (usize, usize)> = HashMap::new();
    let mut sizes = images_of(files)
        .map(|(file, index)| file.size(index))
        .peekable();
    let mut place = 0;
    while let Some(size) = sizes.next() {
        // Millions of images of an array are one entry of the table.
        let mut run = 1;
        while sizes.next_if_eq(&size).is_some() {
            run += 1;
        }
        let (count, _) = counts.entry(size).or_insert((0, place));
        *count += run;
        place += run;
    }
    let most = counts
        .into_iter()
        .max_by_key(|&(_, (count, place))| (count, std::cmp::Reverse(place)));
    most.map_or([0, 0], |(size, _)| size)
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
            let error = wavelet_scattering::Error::NotFinite {
                position,
                value: value.widen(),
            };
            Err(match value.is_nan() {
                true => Error::from(error).context("--nan mean or --nan zero would replace it"),
                false => error.into(),
            })
        }
    }
}
