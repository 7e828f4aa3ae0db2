//! [`CsvStack`] and one-call writers of CSV and JSON.
//!
//! In come labels, names and numbers; out come tables that spreadsheets, R and pandas read. Quoting is that of RFC
//! 4180, so labels may hold commas, quotes and line breaks. Numbers are the shortest decimals that read back as the
//! same value in the same precision; NaN and infinities are `NaN`, `inf`, `-inf`, as pandas and NumPy read them.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::path::Path;

use super::staged::{Staged, write_error};
use crate::num::Real;
use crate::{Error, Result};

/// A table with a label and numbers in each row, written row by row.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("out.csv");
/// let header = ["input", "mean", "max"].map(String::from);
/// let mut table = wavelet_scattering::io::CsvStack::<f32>::create(&path, &header)?;
/// table.push("a, b.png", &[0.1, 1e-9])?;
/// table.finish()?;
/// assert_eq!(std::fs::read_to_string(&path)?, "input,mean,max\n\"a, b.png\",0.1,1e-9\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CsvStack<T> {
    table: Table,
    number: String,
    precision: PhantomData<T>,
}

impl<T> std::fmt::Debug for CsvStack<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CsvStack")
            .field("path", &self.table.path)
            .finish_non_exhaustive()
    }
}

impl<T: Real> CsvStack<T> {
    /// Opens the table; the first name in `header` is that of the labels.
    ///
    /// # Errors
    /// As [`Staged::create`]; [`Error::File`] if writing fails.
    pub fn create(path: impl AsRef<Path>, header: &[String]) -> Result<Self> {
        Ok(Self {
            table: Table::create(path.as_ref(), header)?,
            number: String::new(),
            precision: PhantomData,
        })
    }

    /// Appends a row.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if there are not as many values as the header names; [`Error::File`] if writing fails.
    pub fn push(&mut self, label: &str, values: &[T]) -> Result<()> {
        self.table.check(1 + values.len())?;
        self.table.field(label)?;
        for value in values {
            self.number.clear();
            // `Debug` of floats round-trips as `Display` does, and writes 1e-9 where that writes 0.000000001.
            write!(self.number, "{value:?}")
                .map_err(|error| write_error(&self.table.path, io::Error::other(error)))?;
            self.table.field(&self.number)?;
        }
        self.table.end_row()
    }

    /// Puts the table in its place.
    ///
    /// # Errors
    /// As [`stage`](Self::stage) and [`Staged::commit`].
    pub fn finish(self) -> Result<()> {
        self.stage()?.commit()
    }

    /// Completes the table, to be committed together with other files.
    ///
    /// # Errors
    /// [`Error::File`] if writing fails.
    pub fn stage(self) -> Result<Staged> {
        self.table.stage()
    }
}

/// Writes a table of text, whole or not at all.
///
/// # Errors
/// As [`stage_csv`] and [`Staged::commit`].
pub fn write_csv<R: AsRef<[String]>>(
    path: impl AsRef<Path>,
    header: &[String],
    rows: impl IntoIterator<Item = R>,
) -> Result<()> {
    stage_csv(path, header, rows)?.commit()
}

/// Writes a table of text, to be committed together with other files.
///
/// # Errors
/// As [`Staged::create`]; [`Error::WrongShape`] for a row of another length than the header; [`Error::File`] if
/// writing fails.
pub fn stage_csv<R: AsRef<[String]>>(
    path: impl AsRef<Path>,
    header: &[String],
    rows: impl IntoIterator<Item = R>,
) -> Result<Staged> {
    let mut table = Table::create(path.as_ref(), header)?;
    for row in rows {
        let row = row.as_ref();
        table.check(row.len())?;
        for field in row {
            table.field(field)?;
        }
        table.end_row()?;
    }
    table.stage()
}

/// Writes a JSON document, indented, whole or not at all.
///
/// # Errors
/// As [`stage_json`] and [`Staged::commit`].
pub fn write_json(path: impl AsRef<Path>, value: &serde_json::Value) -> Result<()> {
    stage_json(path, value)?.commit()
}

/// Writes a JSON document, indented, to be committed together with other files.
///
/// # Errors
/// As [`Staged::create`]; [`Error::File`] if writing fails.
pub fn stage_json(path: impl AsRef<Path>, value: &serde_json::Value) -> Result<Staged> {
    let mut file = Staged::create(path)?;
    let written = serde_json::to_writer_pretty(&mut file, value).map_err(io::Error::from);
    written
        .and_then(|()| file.write_all(b"\n"))
        .map_err(|source| file.write_error(source))?;
    Ok(file)
}

/// A CSV writer whose errors name the destination.
struct Table {
    path: std::path::PathBuf,
    columns: usize,
    csv: csv::Writer<Staged>,
}

impl Table {
    fn create(path: &Path, header: &[String]) -> Result<Self> {
        let csv = csv::Writer::from_writer(Staged::create(path)?);
        let mut table = Self {
            path: path.to_path_buf(),
            columns: header.len(),
            csv,
        };
        for name in header {
            table.field(name)?;
        }
        table.end_row()?;
        Ok(table)
    }

    fn check(&self, got: usize) -> Result<()> {
        if got == self.columns {
            return Ok(());
        }
        Err(Error::WrongShape {
            what: "a row of the table",
            got: vec![got],
            expected: format!("the {} columns of its header", self.columns),
        })
    }

    fn field(&mut self, field: &str) -> Result<()> {
        self.csv
            .write_field(field)
            .map_err(|error| self.failed(error))
    }

    fn end_row(&mut self) -> Result<()> {
        self.csv
            .write_record(None::<&[u8]>)
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: csv::Error) -> Error {
        let source = match error.into_kind() {
            csv::ErrorKind::Io(source) => source,
            other => io::Error::other(format!("{other:?}")),
        };
        write_error(&self.path, source)
    }

    fn stage(self) -> Result<Staged> {
        self.csv
            .into_inner()
            .map_err(|error| write_error(&self.path, error.into_error()))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn strings<const N: usize>(fields: [&str; N]) -> Vec<String> {
        fields.map(String::from).to_vec()
    }

    #[test]
    fn odd_names_are_quoted_and_numbers_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let names = [
            "plain.png",
            "a,b.png",
            "say \"hi\".png",
            "two\nlines",
            "",
            " spaces ",
            "größe",
            "=1+1",
        ];
        let values = [0.1_f32, 1.0 / 3.0, 1e-30, f32::MAX, -0.0, 16_777_216.0];
        let mut table = CsvStack::create(&path, &strings(["input", "x", "y"])).unwrap();
        for (name, pair) in names.iter().zip(values.chunks_exact(2).cycle()) {
            table.push(name, pair).unwrap();
        }
        table.finish().unwrap();
        let mut reader = csv::Reader::from_path(&path).unwrap();
        assert_eq!(
            reader.headers().unwrap(),
            &csv::StringRecord::from(vec!["input", "x", "y"])
        );
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), names.len());
        for ((row, name), pair) in rows.iter().zip(names).zip(values.chunks_exact(2).cycle()) {
            assert_eq!(&row[0], name);
            let back = [1, 2].map(|k| row[k].parse::<f32>().unwrap().to_bits());
            assert_eq!(back, [pair[0].to_bits(), pair[1].to_bits()]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf_8_are_written_lossily_by_their_display() {
        use std::os::unix::ffi::OsStrExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder
            .path()
            .join(std::ffi::OsStr::from_bytes(b"out\xFF.csv"));
        let label = Path::new(std::ffi::OsStr::from_bytes(b"in\xFF,1.png"))
            .display()
            .to_string();
        let mut table = CsvStack::<f64>::create(&path, &strings(["input", "x"])).unwrap();
        table.push(&label, &[1.5]).unwrap();
        table.finish().unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "input,x\n\"in\u{FFFD},1.png\",1.5\n"
        );
    }

    #[test]
    fn rows_must_have_the_columns_of_the_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let mut table = CsvStack::create(&path, &strings(["input", "x"])).unwrap();
        assert!(matches!(
            table.push("a", &[1.0, 2.0]),
            Err(Error::WrongShape { .. })
        ));
        table.push("a", &[1.0]).unwrap();
        drop(table);
        assert!(write_csv(&path, &strings(["a", "b"]), [strings(["1"])]).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn tables_and_documents_appear_together() {
        let folder = tempfile::tempdir().unwrap();
        let [csv, json] = ["x.csv", "x.json"].map(|name| folder.path().join(name));
        let files = [
            stage_csv(
                &csv,
                &strings(["a", "b"]),
                [strings(["1", ""]), strings(["x y", "z"])],
            )
            .unwrap(),
            stage_json(&json, &serde_json::json!({"J": 3})).unwrap(),
        ];
        assert!(!csv.exists() && !json.exists());
        super::super::commit_all(files).unwrap();
        assert_eq!(fs::read_to_string(&csv).unwrap(), "a,b\n1,\nx y,z\n");
        assert_eq!(fs::read_to_string(&json).unwrap(), "{\n  \"J\": 3\n}\n");
    }
}
