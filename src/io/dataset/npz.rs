//! NumPy archives: images and labels as two arrays, once or for each half.

use std::path::Path;

use ndarray::{Array4, ArrayD, Ix4};

use super::label::Label;
use super::listing::{Listing, Role};
use super::part::{Part, Parts, images};
use crate::io::content::Content;
use crate::io::npy::{Entries, NpyFile, read_entries};
use crate::io::npz;
use crate::{Error, Result, memory};

/// What images and labels are called, without the half they belong to.
const NAMES: [[&str; 2]; 2] = [["x", "y"], ["images", "labels"]];

/// The archive in the folder, or the one for training and the one for testing.
pub(super) fn read(listing: &Listing, channels_last: bool) -> Result<Option<Parts>> {
    let files = listing.named(|name| name.ends_with(".npz"));
    if let [file] = files.as_slice() {
        return read_file(file, &Content::of(file)?, channels_last).map(Some);
    }
    if files.is_empty() {
        return Ok(None);
    }
    let half = |role: Role| {
        let mut files = files.clone();
        files.retain(|path| Role::of(path) == Some(role));
        let path = listing.only(files, &format!("{} images (.npz)", role.name()))?;
        Archive::open(&path, &Content::of(&path)?, channels_last)?.part("")
    };
    Ok(Some(Parts {
        train: half(Role::Train)?,
        test: Some(half(Role::Test)?),
    }))
}

/// An archive with both halves, or with a whole.
pub(super) fn read_file(path: &Path, content: &Content, channels_last: bool) -> Result<Parts> {
    let mut archive = Archive::open(path, content, channels_last)?;
    let halves = NAMES
        .iter()
        .any(|[images, _]| archive.holds(&format!("{images}_train")));
    let (train, test) = if halves {
        (archive.part("_train")?, Some(archive.part("_test")?))
    } else {
        (archive.part("")?, None)
    };
    Ok(Parts { train, test })
}

struct Archive<'a> {
    path: &'a Path,
    archive: npz::Archive,
    /// Whether channels stand in the last place, wherever they may stand.
    channels_last: bool,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path, content: &Content, channels_last: bool) -> Result<Self> {
        Ok(Self {
            path,
            archive: npz::Archive::open(path, content)?,
            channels_last,
        })
    }

    fn holds(&self, name: &str) -> bool {
        self.archive.keys().any(|key| key == name)
    }

    /// The images and labels whose names end in `suffix`.
    fn part(&mut self, suffix: &str) -> Result<Part> {
        let names = NAMES.map(|pair| pair.map(|name| format!("{name}{suffix}")));
        let Some([x, y]) = names
            .iter()
            .find(|pair| pair.iter().all(|name| self.holds(name)))
        else {
            let wanted: Vec<String> = names.iter().map(|[x, y]| format!("{x} and {y}")).collect();
            return Err(Error::bad_file(
                self.path,
                format!(
                    "it has no arrays {}; it holds {}",
                    wanted.join(" or "),
                    self.archive.listed()
                ),
            ));
        };
        let images = self.images(x)?;
        let labels = self.labels(y)?;
        if labels.len() != images.shape()[0] {
            return Err(Error::bad_file(
                self.path,
                format!(
                    "{y} has {} labels for the {} images of {x}",
                    labels.len(),
                    images.shape()[0]
                ),
            ));
        }
        Ok(Part {
            path: self.path.to_path_buf(),
            images,
            labels,
        })
    }

    /// The array under `name`, opened for reading.
    fn array(&mut self, name: &str) -> Result<NpyFile> {
        let array = self.archive.array(name)?;
        memory::require(
            "the samples of a data set",
            memory::bytes_of::<f32>(array.remaining() as u64),
            "make a smaller one of it",
        )?;
        Ok(array)
    }

    /// `[n, channels, rows, columns]` in [0, 1] from `[n, rows, columns]`, or with 1 or 3 channels in the second or in
    /// the last place.
    fn images(&mut self, name: &str) -> Result<Array4<f32>> {
        let array = self.array(name)?;
        let scale = match array.dtype() {
            "|u1" => 255.0,
            "<u2" | ">u2" => 65535.0,
            _ => 1.0,
        };
        let mut array: ArrayD<f32> = array.read()?;
        array /= scale;
        if let Some(outside) = array.iter().find(|v| !(0.0..=1.0).contains(*v)) {
            return Err(Error::bad_file(
                self.path,
                format!(
                    "{name} has a sample {outside}, and samples that are not 8 or 16 bits without sign have to be in \
                     [0, 1]; divide by the largest, or save x.astype(\"uint8\")"
                ),
            ));
        }
        let shape = array.shape().to_vec();
        let is_color = |channels: usize| matches!(channels, 1 | 3);
        let four = match *shape.as_slice() {
            [n, rows, columns] => {
                let samples = array.into_raw_vec_and_offset().0;
                return images(self.path, [n, 1, rows, columns], samples);
            }
            [_, channels, _, _] if is_color(channels) && !self.channels_last => Some([0, 1, 2, 3]),
            [_, _, _, channels] if is_color(channels) => Some([0, 3, 1, 2]),
            _ => None,
        };
        let four = four.zip(array.into_dimensionality::<Ix4>().ok());
        let Some((axes, array)) = four else {
            return Err(Error::bad_file(
                self.path,
                format!(
                    "{name} has shape {shape:?}; [n, rows, columns] is needed, or the same with 1 or 3 channels in the \
                     second or in the last place"
                ),
            ));
        };
        Ok(array.permuted_axes(axes).as_standard_layout().into_owned())
    }

    /// Whole numbers or texts, one for each image.
    fn labels(&mut self, name: &str) -> Result<Vec<Label>> {
        let (reader, length) = self.archive.reader(name)?;
        let path = self.path.join(name);
        let (shape, entries) = read_entries(&path, reader, length)?;
        let bad = |reason| Error::bad_file(self.path, reason);
        if shape.is_empty() || shape.iter().skip(1).any(|&side| side != 1) {
            return Err(bad(format!(
                "{name} has shape {shape:?}; one label for each image is needed, [n]"
            )));
        }
        let whole = |value| {
            Label::whole(value).ok_or_else(|| {
                bad(format!(
                    "{name} has a label {value}; labels are whole numbers or texts"
                ))
            })
        };
        Ok(match entries {
            Entries::Integers(numbers) => numbers.into_iter().map(Label::Number).collect(),
            Entries::Floats(numbers) => numbers.into_iter().map(whole).collect::<Result<_>>()?,
            Entries::Texts(texts) => texts.into_iter().map(Label::Text).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_numbers_that_lose_nothing_or_texts() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/datasets/labels.npz");
        let mut archive = Archive::open(&path, &Content::of(&path).unwrap(), false).unwrap();
        let number = |n: i128| Label::Number(n);
        let text = |t: &str| Label::Text(t.to_string());
        for (name, expected) in [
            ("bool", [number(0), number(1)]),
            ("int8", [number(-128), number(127)]),
            (
                "int64_big_endian",
                [number(i64::MIN.into()), number(i64::MAX.into())],
            ),
            ("uint64", [number(0), number(u64::MAX.into())]),
            ("float32", [number(-3), number(1 << 24)]),
            ("column", [number(1), number(26)]),
            ("unicode", [text("größe 3"), text("07")]),
            ("bytes", [text("cat"), text("a")]),
        ] {
            assert_eq!(archive.labels(name).unwrap(), expected, "{name}");
        }
        for (name, part) in [
            ("half", "a label 0.5"),
            ("nan", "a label NaN"),
            ("rows", "shape [2, 2]"),
            ("scalar", "shape []"),
            ("complex", "complex numbers"),
        ] {
            let message = archive.labels(name).unwrap_err().to_string();
            assert!(message.contains(part), "{name}: {message}");
        }
    }
}
