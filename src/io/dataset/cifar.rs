//! CIFAR-10's binary version: one record per image, a byte of label and 3,072 of samples.
//!
//! The samples are 1,024 of red, then of green, then of blue, each 32 rows of 32. Source: A. Krizhevsky, "Learning
//! multiple layers of features from tiny images", 2009, and the page of the data set.

use std::path::PathBuf;

use super::label::Label;
use super::listing::{Listing, Role};
use super::packed::unpacked;
use super::part::{Part, Parts, fractions, images};
use crate::{Error, Result};

const SIDE: usize = 32;
const RECORD: usize = 1 + 3 * SIDE * SIDE;
const CLASSES: u8 = 10;

/// All training records and all test records, if the folder has files named so.
pub(super) fn read(listing: &Listing) -> Result<Option<Parts>> {
    let files = listing.named(|name| name.ends_with(".bin"));
    let [train, test] = [Role::Train, Role::Test].map(|role| -> Vec<PathBuf> {
        let wanted = |path: &&PathBuf| Role::of(path) == Some(role);
        files.iter().filter(wanted).cloned().collect()
    });
    match (train.is_empty(), test.is_empty()) {
        (true, true) => return Ok(None),
        (false, false) => {}
        (train_missing, _) => {
            let missing = if train_missing {
                Role::Train
            } else {
                Role::Test
            };
            return Err(Error::bad_file(
                &listing.path,
                format!("it has no .bin file of {} images", missing.name()),
            ));
        }
    }
    Ok(Some(Parts {
        train: read_part(&train)?,
        test: Some(read_part(&test)?),
    }))
}

/// The records of several files, one after the other.
fn read_part(paths: &[PathBuf]) -> Result<Part> {
    let mut samples = Vec::new();
    let mut labels = Vec::new();
    for path in paths {
        let bytes = unpacked(path)?;
        if bytes.len() % RECORD != 0 {
            let reason = if bytes.len() % (RECORD + 1) == 0 {
                "it looks like CIFAR-100, with two labels an image; CIFAR-10 is read".to_string()
            } else {
                format!(
                    "it has {} bytes, no multiple of the {RECORD} of a CIFAR-10 image with its label: cut off, or of \
                     another kind",
                    bytes.len()
                )
            };
            return Err(Error::bad_file(path, reason));
        }
        for (i, record) in bytes.chunks_exact(RECORD).enumerate() {
            if record[0] >= CLASSES {
                return Err(Error::bad_file(
                    path,
                    format!("label {i} is {}, and CIFAR-10 has labels 0 to 9", record[0]),
                ));
            }
            labels.push(Label::from(record[0]));
            samples.extend(fractions(&record[1..]));
        }
    }
    let path = &paths[0];
    Ok(Part {
        path: path.clone(),
        images: images(path, [labels.len(), 3, SIDE, SIDE], samples)?,
        labels,
    })
}
