//! One sub-folder per class: in `train` and `test`, or side by side; and the images in them.

use std::iter::repeat_n;
use std::path::{Path, PathBuf};

use ndarray::{Array3, Array4, Axis, s};

use super::label::Label;
use super::listing::{Listing, Role, lower_name};
use super::part::{Part, Parts};
use crate::io::input::{InputFile, InputKind};
use crate::io::listing::{Listing as Listed, list_inputs};
use crate::io::options::{Color, ImageOptions};
use crate::{Error, Result, memory, parallel};

/// The folders whose sub-folders are classes: `train` and `test` if both are there, else the one that is given, which is all.
/// Nothing if that has no sub-folders.
pub(super) fn halves(listing: &Listing) -> Result<Option<(Listing, Option<Listing>)>> {
    let half = |role: Role| {
        let name = match role {
            Role::Train => "train",
            Role::Test => "test",
        };
        listing.folders.iter().find(|path| lower_name(path) == name)
    };
    Ok(match (half(Role::Train), half(Role::Test)) {
        (Some(train), Some(test)) => Some((Listing::new(train)?, Some(Listing::new(test)?))),
        _ if listing.folders.is_empty() => None,
        _ => Some((listing.clone(), None)),
    })
}

/// The files below every class folder, as `list` finds them, with their class.
pub(super) fn files_by_class(
    listing: &Listing,
    list: fn(&[PathBuf]) -> Result<Listed>,
) -> Result<Vec<(PathBuf, Label)>> {
    let mut files = Vec::new();
    for folder in &listing.folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let label = Label::Text(name.into_owned());
        let listed = list(std::slice::from_ref(folder))?.files;
        files.extend(listed.into_iter().map(|path| (path, label.clone())));
    }
    Ok(files)
}

/// The images of all classes, if the folder has sub-folders.
pub(super) fn read(listing: &Listing, options: &ImageOptions) -> Result<Option<Parts>> {
    let files = |listing: &Listing| Files::list(listing, options);
    let Some((train, test)) = halves(listing)? else {
        return Ok(None);
    };
    let (train, test) = (files(&train)?, test.as_ref().map(files).transpose()?);
    let mut images = train.images()?;
    let mut test_images = test.as_ref().map(Files::images).transpose()?;
    let halves = || images.iter().chain(test_images.iter().flatten());
    let format = Format::of(halves());
    let names = || train.names().chain(test.iter().flat_map(Files::names));
    if let Some((image, name)) = halves()
        .zip(names())
        .find(|(image, _)| format.cuts_too_much(image))
    {
        return Err(Error::bad_file(
            Path::new(&name),
            format!(
                "it has {} rows and {} columns, and cropping all images to the smallest, {} x {}, would cut away more \
                 than half of it; bring the images to one size first",
                image.shape()[1],
                image.shape()[2],
                format.size[0],
                format.size[1]
            ),
        ));
    }
    let part = |files: Files, images: &mut Vec<Array3<f32>>| -> Result<Part> {
        Ok(Part {
            images: format.stack(images)?,
            labels: files.labels(),
            path: files.path,
        })
    };
    let train = part(train, &mut images)?;
    let test = test.zip(test_images.as_mut());
    let test = test
        .map(|(files, images)| part(files, images))
        .transpose()?;
    Ok(Some(Parts { train, test }))
}

/// The files of a folder of class folders, each with the name of its own.
struct Files {
    path: PathBuf,
    files: Vec<(InputFile, Label)>,
}

impl Files {
    fn list(listing: &Listing, options: &ImageOptions) -> Result<Self> {
        let files = files_by_class(listing, list_inputs)?.into_iter();
        let opened = files.map(|(path, label)| Ok((open(&path, options)?, label)));
        Ok(Self {
            path: listing.path.clone(),
            files: opened.collect::<Result<_>>()?,
        })
    }

    /// The name of every image.
    fn names(&self) -> impl Iterator<Item = String> {
        self.files
            .iter()
            .flat_map(|(file, _)| (0..file.len()).map(|index| file.label(index)))
    }

    /// The class of every image.
    fn labels(&self) -> Vec<Label> {
        let of_file = |(file, label): &(InputFile, Label)| repeat_n(label.clone(), file.len());
        self.files.iter().flat_map(of_file).collect()
    }

    /// Every image with its own size, grey ones with one channel.
    fn images(&self) -> Result<Vec<Array3<f32>>> {
        let read = |i: usize| -> Result<Vec<Array3<f32>>> {
            let images = self.files[i].0.images()?;
            images.map(|image| Ok(in_grey_if_it_is(image?))).collect()
        };
        let images: Result<Vec<_>> = parallel::map(self.files.len(), read).into_iter().collect();
        Ok(images?.into_iter().flatten().collect())
    }
}

/// In colours, unless it is an array, which has none.
fn open(path: &Path, options: &ImageOptions) -> Result<InputFile> {
    let file = InputFile::open(path, options)?;
    if file.kind() == InputKind::Array {
        return Ok(file);
    }
    let color = Color::Rgb;
    InputFile::open(
        path,
        &ImageOptions {
            color,
            ..options.clone()
        },
    )
}

fn in_grey_if_it_is(image: Array3<f32>) -> Array3<f32> {
    let first = image.index_axis(Axis(0), 0);
    if image.outer_iter().any(|channel| channel != first) {
        return image;
    }
    let grey = image.slice_move(s![..1, .., ..]);
    grey.as_standard_layout().into_owned()
}

/// What all images of a set can be brought to: grey if all are, the smallest height and width among them.
struct Format {
    channels: usize,
    size: [usize; 2],
}

impl Format {
    fn of<'a>(images: impl Iterator<Item = &'a Array3<f32>>) -> Self {
        let start = Self {
            channels: 1,
            size: [usize::MAX; 2],
        };
        images.fold(start, |format, image| Self {
            channels: format.channels.max(image.shape()[0]),
            size: [0, 1].map(|axis| format.size[axis].min(image.shape()[axis + 1])),
        })
    }

    fn cuts_too_much(&self, image: &Array3<f32>) -> bool {
        self.size
            .iter()
            .zip(&image.shape()[1..])
            .any(|(&kept, &side)| 2 * kept < side)
    }

    /// Crops around the centre and gives grey images three equal channels where others have them.
    fn stack(&self, images: &mut Vec<Array3<f32>>) -> Result<Array4<f32>> {
        let [rows, columns] = self.size;
        let shape = [images.len(), self.channels, rows, columns];
        memory::require(
            "the samples of a data set",
            memory::bytes_of::<f32>(memory::count(&shape)),
            "use smaller images",
        )?;
        let mut all = Array4::zeros(shape);
        for (mut out, image) in all.outer_iter_mut().zip(images.drain(..)) {
            let [top, left] = [0, 1].map(|axis| (image.shape()[axis + 1] - self.size[axis]) / 2);
            out.assign(&image.slice(s![.., top..top + rows, left..left + columns]));
        }
        Ok(all)
    }
}
