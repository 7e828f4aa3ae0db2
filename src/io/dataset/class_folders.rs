//! One sub-folder of images per class: in `train` and `test`, or side by side.

use std::path::PathBuf;

use ndarray::{Array3, Array4, Axis, s};

use super::listing::{Listing, Role, lower_name};
use super::part::{Part, Parts};
use crate::io::image::read_image;
use crate::io::input::{InputFile, InputKind};
use crate::io::listing::list_inputs;
use crate::io::options::{Color, ImageOptions};
use crate::{Error, Result, memory, parallel};

/// The images of all classes, if the folder has sub-folders.
pub(super) fn read(listing: &Listing) -> Result<Option<Parts>> {
    let half = |role: Role| {
        let name = match role {
            Role::Train => "train",
            Role::Test => "test",
        };
        listing.folders.iter().find(|path| lower_name(path) == name)
    };
    let (mut train, mut test) = match (half(Role::Train), half(Role::Test)) {
        (Some(train), Some(test)) => (
            Files::list(&Listing::new(train)?)?,
            Some(Files::list(&Listing::new(test)?)?),
        ),
        _ if listing.folders.is_empty() => return Ok(None),
        _ => (Files::list(listing)?, None),
    };
    if let Some(test) = &mut test {
        test.rename(&train.classes)?;
    }
    let classes = std::mem::take(&mut train.classes);
    let mut images = train.images()?;
    let mut test_images = test.as_ref().map(Files::images).transpose()?;
    let halves = || images.iter().chain(test_images.iter().flatten());
    let format = Format::of(halves());
    if let Some((image, path)) = halves()
        .zip(train.paths.iter().chain(test.iter().flat_map(|t| &t.paths)))
        .find(|(image, _)| format.cuts_too_much(image))
    {
        return Err(Error::bad_file(
            path,
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
            path: files.path,
            labels: files.labels,
        })
    };
    let train = part(train, &mut images)?;
    let test = test.zip(test_images.as_mut());
    let test = test
        .map(|(files, images)| part(files, images))
        .transpose()?;
    Ok(Some(Parts {
        train,
        test,
        classes: Some(classes),
    }))
}

/// The files of a folder of class folders.
struct Files {
    path: PathBuf,
    paths: Vec<PathBuf>,
    labels: Vec<usize>,
    classes: Vec<String>,
}

impl Files {
    fn list(listing: &Listing) -> Result<Self> {
        let mut files = Self {
            path: listing.path.clone(),
            paths: Vec::new(),
            labels: Vec::new(),
            classes: Vec::new(),
        };
        for folder in &listing.folders {
            let images = list_inputs(std::slice::from_ref(folder))?.files;
            files
                .labels
                .resize(files.labels.len() + images.len(), files.classes.len());
            files.paths.extend(images);
            let name = folder.file_name().unwrap_or_default();
            files.classes.push(name.to_string_lossy().into_owned());
        }
        Ok(files)
    }

    /// Numbers the classes as `classes` does.
    fn rename(&mut self, classes: &[String]) -> Result<()> {
        let number = |name: &String| {
            classes
                .iter()
                .position(|class| class == name)
                .ok_or_else(|| {
                    Error::bad_file(
                        &self.path,
                        format!("its class {name} has no folder among those for training"),
                    )
                })
        };
        let numbers: Vec<usize> = self.classes.iter().map(number).collect::<Result<_>>()?;
        for label in &mut self.labels {
            *label = numbers[*label];
        }
        Ok(())
    }

    /// Every image with its own size, grey ones with one channel.
    fn images(&self) -> Result<Vec<Array3<f32>>> {
        let grey = ImageOptions::default();
        let rgb = ImageOptions {
            color: Color::Rgb,
            ..grey.clone()
        };
        let read = |i: usize| {
            // A file of several images has one label, which cannot mean all of them: it is refused.
            let path = &self.paths[i];
            if InputFile::open(path, &grey)?.kind() == InputKind::Array {
                return read_image(path, &grey);
            }
            let mut image = read_image::<f32>(path, &rgb)?;
            let is_grey = |c: usize| image.index_axis(Axis(0), c) == image.index_axis(Axis(0), 0);
            if is_grey(1) && is_grey(2) {
                image = image
                    .slice_move(s![..1, .., ..])
                    .as_standard_layout()
                    .into_owned();
            }
            Ok(image)
        };
        parallel::map(self.paths.len(), read).into_iter().collect()
    }
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
