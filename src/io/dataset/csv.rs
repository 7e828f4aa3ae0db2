//! A table with one image a row: its samples, row by row, and its label in the last column, or in the one that a header
//! calls so.

use std::path::Path;

use ::csv::ReaderBuilder;

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
    read_file(&listing.only(files, "images (.csv)")?).map(Some)
}

/// A table, which is a whole.
pub(super) fn read_file(path: &Path) -> Result<Parts> {
    let bytes = unpacked(path)?;
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .from_reader(bytes.as_slice());
    let mut label_column = None;
    let mut samples: Vec<f32> = Vec::new();
    let mut labels = Vec::new();
    for (i, record) in reader.records().enumerate() {
        let record =
            record.map_err(|error| Error::bad_file(path, format!("it is no table: {error}")))?;
        let mut numbers = record.iter().map(|field| field.trim().parse::<f32>());
        if i == 0 && numbers.clone().any(|number| number.is_err()) {
            label_column = record.iter().position(|name| {
                matches!(name.trim().to_lowercase().as_str(), "label" | "class" | "y")
            });
            continue;
        }
        let last = record.len() - 1;
        let label_column = label_column.unwrap_or(last);
        for (column, number) in numbers.by_ref().enumerate() {
            let value = number
                .ok()
                .filter(|value| value.is_finite() && *value >= 0.0);
            let Some(value) = value else {
                return Err(Error::bad_file(
                    path,
                    format!(
                        "row {}, column {} holds {:?}; numbers from 0 on are needed",
                        i + 1,
                        column + 1,
                        &record[column]
                    ),
                ));
            };
            if column != label_column {
                samples.push(value);
            } else if value.fract() == 0.0 {
                labels.push(value as usize);
            } else {
                return Err(Error::bad_file(
                    path,
                    format!("row {} has the label {value}; classes count from 0", i + 1),
                ));
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
        classes: None,
    })
}
