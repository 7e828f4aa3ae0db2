//! IDX, the format of MNIST: a header of big-endian numbers and the samples behind it.
//!
//! Two bytes 0, the type (8: unsigned bytes, the only one that images come in; labels may be any integers), the number of
//! axes, the length of each axis in four bytes, the samples with the last axis fastest. Source: the page of the MNIST database (Y. LeCun,
//! C. Cortes, C. J. C. Burges).

use std::path::Path;

use ndarray::Array4;

use super::label::Label;
use super::listing::{Listing, Role};
use super::packed::unpacked;
use super::part::{Part, Parts, fractions, images};
use crate::{Error, Result};

/// Images and labels for training and testing, if the folder has files named so.
pub(super) fn read(listing: &Listing) -> Result<Option<Parts>> {
    let named = |kind: &str, role: Role| {
        let mut files = listing.named(|name| {
            let extension = Path::new(name).extension().map(|e| e.to_string_lossy());
            name.contains(kind)
                && extension.is_none_or(|e| e.starts_with("idx") || e.ends_with("ubyte"))
        });
        files.retain(|path| Role::of(path) == Some(role));
        files
    };
    let half = |role: Role| -> Result<Part> {
        let file = |kind| listing.only(named(kind, role), &format!("{} {kind}", role.name()));
        read_part(&file("images")?, &file("labels")?)
    };
    let all = [Role::Train, Role::Test].map(|role| named("images", role).len());
    if all == [0, 0] {
        return Ok(None);
    }
    Ok(Some(Parts {
        train: half(Role::Train)?,
        test: Some(half(Role::Test)?),
    }))
}

fn read_part(images_path: &Path, labels_path: &Path) -> Result<Part> {
    parse_part(
        [images_path, labels_path],
        [&unpacked(images_path)?, &unpacked(labels_path)?],
    )
}

/// The bytes of an images file and of a labels file, under the names that errors call them by.
pub(super) fn parse_part(
    [images_path, labels_path]: [&Path; 2],
    [images, labels]: [&[u8]; 2],
) -> Result<Part> {
    let images = parse_images(images_path, images)?;
    let labels = parse_labels(labels_path, labels)?;
    if labels.len() != images.shape()[0] {
        return Err(Error::bad_file(
            labels_path,
            format!(
                "it has {} labels for the {} images of {}",
                labels.len(),
                images.shape()[0],
                images_path.display()
            ),
        ));
    }
    Ok(Part {
        path: labels_path.to_path_buf(),
        images,
        labels,
    })
}

/// `[n, 1, rows, columns]` in [0, 1].
fn parse_images(path: &Path, bytes: &[u8]) -> Result<Array4<f32>> {
    let bad = |reason| Error::bad_file(path, reason);
    let (kind, shape, samples) = parse(bytes, 3).map_err(bad)?;
    if kind != Kind::U8 {
        return Err(bad(format!(
            "its IDX type is {:#04x}; images are unsigned bytes, 0x08",
            kind as u8
        )));
    }
    let samples = fractions(samples).collect();
    images(path, [shape[0], 1, shape[1], shape[2]], samples)
}

fn parse_labels(path: &Path, bytes: &[u8]) -> Result<Vec<Label>> {
    let (kind, _, samples) = parse(bytes, 1).map_err(|reason| Error::bad_file(path, reason))?;
    let number = |sample: &[u8]| match (kind, sample) {
        (Kind::I8, &[a]) => i128::from(a as i8),
        (Kind::I16, &[a, b]) => i16::from_be_bytes([a, b]).into(),
        (Kind::I32, &[a, b, c, d]) => i32::from_be_bytes([a, b, c, d]).into(),
        _ => sample[0].into(),
    };
    let labels = samples.chunks_exact(kind.bytes()).map(number);
    Ok(labels.map(Label::Number).collect())
}

/// The types of integers, by their code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    U8 = 0x08,
    I8 = 0x09,
    I16 = 0x0B,
    I32 = 0x0C,
}

impl Kind {
    fn of(code: u8) -> Option<Self> {
        let all = [Self::U8, Self::I8, Self::I16, Self::I32];
        all.into_iter().find(|&kind| kind as u8 == code)
    }

    /// Bytes of a number.
    fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 => 4,
        }
    }
}

/// Type, shape and samples of an array of integers with this many axes.
fn parse(bytes: &[u8], axes: usize) -> Result<(Kind, Vec<usize>, &[u8]), String> {
    let &[0, 0, code, got_axes, ref rest @ ..] = bytes else {
        let start = &bytes[..bytes.len().min(4)];
        return Err(format!(
            "it is no IDX file: that begins with bytes 00 00, a type and a number of axes, this one with {start:02x?}"
        ));
    };
    let Some(kind) = Kind::of(code) else {
        return Err(format!(
            "its IDX type is {code:#04x}; integers, 0x08 to 0x0c, are needed"
        ));
    };
    if usize::from(got_axes) != axes {
        let hint = match (axes, got_axes) {
            (1, 3) => "; it may hold images",
            (3, 1) => "; it may hold labels",
            _ => "",
        };
        return Err(format!(
            "its IDX array has {got_axes} axes, and {axes} {} needed{hint}",
            if axes == 1 { "is" } else { "are" }
        ));
    }
    let Some((header, samples)) = rest.split_at_checked(4 * axes) else {
        return Err("it ends within its IDX header".to_string());
    };
    let shape: Vec<usize> = header
        .chunks_exact(4)
        .map(|n| u32::from_be_bytes([n[0], n[1], n[2], n[3]]) as usize)
        .collect();
    let promised = crate::memory::count(&shape);
    let promised = promised.saturating_mul(kind.bytes() as u64);
    let got = samples.len() as u64;
    if got < promised {
        return Err(format!(
            "it is cut off: {shape:?} needs {promised} bytes and {got} are there; copy or download it again"
        ));
    }
    if got > promised {
        return Err(format!(
            "it has {got} bytes of samples, more than the {promised} of its shape {shape:?}"
        ));
    }
    Ok((kind, shape, samples))
}
