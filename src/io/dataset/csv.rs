//! A table with one image a row: its samples, row by row, and its label in the last column, or in the one that a header
//! calls so.

use std::path::Path;

use ::csv::{ReaderBuilder, StringRecord};

use super::label::Label;
use super::listing::Listing;
use super::packed::unpacked;
use super::part::{Part, Parts, images};
use crate::{Error, Result};

/// The table in the folder, if there is one.
pub(super) fn read(listing: &Listing) -> Result<Option<Parts>> {
    let files = listing.named(|name| name.ends_with(".csv"));
    if files.is_empty() {
        return Ok(None);
    }
    let path = listing.only(files, "images (.csv)")?;
    read_file(&path, &unpacked(&path)?).map(Some)
}

/// A table, which is a whole; `path` is what errors call it.
pub(super) fn read_file(path: &Path, bytes: &[u8]) -> Result<Parts> {
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(bytes);
    let mut label_column = None;
    let mut samples: Vec<f32> = Vec::new();
    let mut labels = Vec::new();
    for (i, record) in reader.records().enumerate() {
        let record =
            record.map_err(|error| Error::bad_file(path, format!("it is no table: {error}")))?;
        if i == 0 && is_header(&record) {
            label_column = record.iter().position(is_label_name);
            continue;
        }
        let last = record.len() - 1;
        let label_column = label_column.unwrap_or(last);
        for (column, field) in record.iter().enumerate() {
            let wrong = |needed: &str| {
                let (row, column) = (i + 1, column + 1);
                let reason = format!("row {row}, column {column} holds {field:?}; {needed}");
                Error::bad_file(path, reason)
            };
            if column == label_column {
                let label = Label::parse(field).ok_or_else(|| {
                    wrong("a label is a whole number or a text, in the last column or in the one that a header calls label")
                })?;
                labels.push(label);
            } else {
                let value = field.trim().parse().ok();
                let value = value.filter(|value: &f32| value.is_finite() && *value >= 0.0);
                samples.push(value.ok_or_else(|| wrong("numbers from 0 on are needed"))?);
            }
        }
    }
    let count = labels.len();
    let side = samples.len().checked_div(count).unwrap_or(0).isqrt();
    if count == 0 || side * side * count != samples.len() {
        return Err(Error::bad_file(
            path,
            format!(
                "it has {count} rows with {} samples beside the label; a square number of them is needed",
                samples.len().checked_div(count).unwrap_or(0)
            ),
        ));
    }
    let largest = samples.iter().copied().fold(1.0, f32::max);
    samples.iter_mut().for_each(|sample| *sample /= largest);
    Ok(Parts {
        train: Part {
            path: path.to_path_buf(),
            images: images(path, [count, 1, side, side], samples)?,
            labels,
        },
        test: None,
    })
}

/// Whether a first row is names of columns: samples are no numbers there, or it says where the labels stand. A lone `y`
/// does not, which may be the label of a first image.
fn is_header(record: &StringRecord) -> bool {
    let is_text = |name: &str| name.trim().parse::<f32>().is_err();
    let texts = record.iter().filter(|name| is_text(name)).count();
    let named = record.iter().find(|name| is_label_name(name));
    match (texts, named) {
        (0, _) => false,
        (1, Some(name)) => !name.trim().eq_ignore_ascii_case("y"),
        (1, None) => !record.iter().next_back().is_some_and(is_text),
        _ => true,
    }
}

fn is_label_name(name: &str) -> bool {
    matches!(
        name.trim().to_lowercase().as_str(),
        "label" | "class" | "target" | "y"
    )
}
