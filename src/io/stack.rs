//! [`NpyStack`], [`NpzStack`]: rows of equal shape, written to NumPy files as they come; [`NpzList`]: arrays of any.
//!
//! In come rows, one after the other, and at the end the shape of their arrangement; out comes one array of shape
//! leading ++ row shape, or several in one archive. Memory stays at one row, however many come, and how many will come
//! need not be known: inputs that turn out to be unusable are simply not pushed.
//!
//! Little-endian `f4` or `f8` as the row type says, C order, readable by `numpy.load` without pickles. The same rows
//! give the same bytes at any time: archive entries carry the date 1980-01-01, the earliest that ZIP can say.
//!
//! Leaves out compression, which gains little on moduli and costs most of the writing time.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use ndarray::ArrayD;
use npyz::{DType, WriteOptions, WriterBuilder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::staged::{Staged, folder_of, write_error};
use crate::num::{Complex, Real};
use crate::{Error, Result};

/// An array in a `.npy` file, written row by row.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// use wavelet_scattering::io::{NpyFile, NpyStack};
///
/// let path = folder.path().join("out.npy");
/// let mut stack = NpyStack::<f32>::create(&path, &[2], &[3])?; // three rows are expected ...
/// stack.push(&[1.0, 2.0])?;
/// stack.push(&[3.0, 4.0])?;
/// stack.finish(&[2])?; // ... and two have come
/// assert_eq!(NpyFile::open(&path)?.shape(), [2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NpyStack<T> {
    file: Staged,
    row_shape: Vec<usize>,
    row_len: usize,
    header_len: usize,
    rows: usize,
    bytes: Vec<u8>,
    precision: PhantomData<T>,
}

impl<T: Real> NpyStack<T> {
    /// Opens the file for rows of shape `row_shape`, of which `leading` are expected: `[n]`, or `[n, m]` for n·m
    /// rows, or `[]` for one. A wrong guess costs copying the file at the end if its header then has another length.
    ///
    /// # Errors
    /// As [`Staged::create`]; [`Error::File`] if writing fails; [`Error::InvalidParameter`] for rows beyond memory.
    pub fn create(path: impl AsRef<Path>, row_shape: &[usize], leading: &[usize]) -> Result<Self> {
        let row_len = product(row_shape)?;
        product(&[leading, row_shape].concat())?;
        let mut file = Staged::create(path)?;
        let header = header::<T>(leading, row_shape).map_err(|source| file.write_error(source))?;
        file.write_all(&header)
            .map_err(|source| file.write_error(source))?;
        Ok(Self {
            file,
            row_shape: row_shape.to_vec(),
            row_len,
            header_len: header.len(),
            rows: 0,
            bytes: Vec::new(),
            precision: PhantomData,
        })
    }

    /// Appends a row.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if it has another length than the row shape; [`Error::File`] if writing fails.
    pub fn push(&mut self, row: &[T]) -> Result<()> {
        check_row(row.len(), self.row_len, &self.row_shape)?;
        encode(row, &mut self.bytes);
        self.file
            .write_all(&self.bytes)
            .map_err(|source| self.file.write_error(source))?;
        self.rows += 1;
        Ok(())
    }

    /// How many rows have been pushed.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Completes the array, whose shape is leading ++ row shape, and puts the file in its place.
    ///
    /// # Errors
    /// As [`stage`](Self::stage) and [`Staged::commit`].
    pub fn finish(self, leading: &[usize]) -> Result<()> {
        self.stage(leading)?.commit()
    }

    /// Completes the array, to be committed together with other files.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if `leading` is not the shape of as many rows as were pushed; [`Error::File`] if writing
    /// fails.
    pub fn stage(mut self, leading: &[usize]) -> Result<Staged> {
        check_leading(leading, self.rows)?;
        let header = header::<T>(leading, &self.row_shape)
            .map_err(|source| self.file.write_error(source))?;
        if header.len() == self.header_len {
            let written = self
                .file
                .rewind()
                .and_then(|()| self.file.write_all(&header));
            written.map_err(|source| self.file.write_error(source))?;
            return Ok(self.file);
        }
        // The samples have to move: no file system inserts bytes at the front.
        let mut longer = Staged::create(self.file.path())?;
        let copied = longer.write_all(&header).and_then(|()| {
            let body = self.file.read_back()?;
            body.seek(SeekFrom::Start(self.header_len as u64))?;
            io::copy(body, &mut longer)
        });
        copied.map_err(|source| longer.write_error(source))?;
        Ok(longer)
    }
}

/// An entry of an archive beside the stacked arrays.
#[derive(Debug, Clone, PartialEq)]
pub enum NpzEntry {
    /// Numbers, dtype `<f8`.
    F64(ArrayD<f64>),
    /// Complex numbers, dtype `<c16`.
    C128(ArrayD<Complex<f64>>),
    /// Integers, dtype `<i8`.
    I64(ArrayD<i64>),
    /// A list of strings, dtype `<U` of the longest, shape `[len]`.
    Texts(Vec<String>),
    /// One string, shape `[]`.
    Text(String),
}

/// Several arrays in a `.npz` archive, written row by row.
///
/// A row holds the samples of all arrays, one array after the other. Rows go to a nameless file in the destination's
/// folder, and from there into one entry per array when their number is known; so twice the space is needed for a
/// while.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// use wavelet_scattering::io::{NpzEntry, NpzStack};
///
/// let path = folder.path().join("out.npz");
/// let mut stack = NpzStack::<f64>::create(&path, &[("mean", &[]), ("edges", &[2, 2])])?;
/// stack.push(&[0.5, 1.0, 2.0, 3.0, 4.0])?;
/// stack.finish(&[1], &[("inputs", NpzEntry::Texts(vec!["a.png".into()]))])?; // shapes [1], [1, 2, 2] and [1]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct NpzStack<T> {
    file: Staged,
    spool: BufWriter<File>,
    arrays: Vec<(String, Vec<usize>, usize)>,
    row_len: usize,
    rows: usize,
    bytes: Vec<u8>,
    precision: PhantomData<T>,
}

impl<T: Real> NpzStack<T> {
    /// Opens the archive for the named arrays, whose shapes are those of one row.
    ///
    /// # Errors
    /// As [`Staged::create`]; [`Error::InvalidParameter`] for a name that is empty or occurs twice, or for rows beyond
    /// memory.
    pub fn create(path: impl AsRef<Path>, arrays: &[(&str, &[usize])]) -> Result<Self> {
        check_names(arrays.iter().map(|(name, _)| *name))?;
        let mut named = Vec::with_capacity(arrays.len());
        let mut row_len = 0_usize;
        for (name, shape) in arrays {
            let len = product(shape)?;
            row_len = row_len.checked_add(len).ok_or_else(|| too_large(shape))?;
            named.push((name.to_string(), shape.to_vec(), len));
        }
        product(&[row_len])?;
        let file = Staged::create(path)?;
        let folder = folder_of(file.path());
        let spool = tempfile::tempfile_in(folder).map_err(|source| Error::File {
            action: "create a file in",
            path: folder.to_path_buf(),
            source,
        })?;
        let spool = BufWriter::with_capacity(1 << 16, spool);
        Ok(Self {
            file,
            spool,
            arrays: named,
            row_len,
            rows: 0,
            bytes: Vec::new(),
            precision: PhantomData,
        })
    }

    /// Appends a row: the samples of all arrays in the order they were named.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if it has another length; [`Error::File`] if writing fails.
    pub fn push(&mut self, row: &[T]) -> Result<()> {
        check_row(row.len(), self.row_len, &[self.row_len])?;
        encode(row, &mut self.bytes);
        self.spool
            .write_all(&self.bytes)
            .map_err(|source| self.file.write_error(source))?;
        self.rows += 1;
        Ok(())
    }

    /// How many rows have been pushed.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Completes the archive with arrays of shape leading ++ their own, and the extras after them, and puts it in its
    /// place.
    ///
    /// # Errors
    /// As [`stage`](Self::stage) and [`Staged::commit`].
    pub fn finish(self, leading: &[usize], extras: &[(&str, NpzEntry)]) -> Result<()> {
        self.stage(leading, extras)?.commit()
    }

    /// Completes the archive, to be committed together with other files.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if `leading` is not the shape of as many rows as were pushed; [`Error::InvalidParameter`]
    /// for a name that is empty or occurs twice; [`Error::File`] if writing fails.
    pub fn stage(mut self, leading: &[usize], extras: &[(&str, NpzEntry)]) -> Result<Staged> {
        check_leading(leading, self.rows)?;
        let names = self.arrays.iter().map(|(name, ..)| name.as_str());
        check_names(names.chain(extras.iter().map(|(name, _)| *name)))?;
        let mut zip = ZipWriter::new(&mut self.file);
        let written = (|| {
            let spool =
                (self.spool.into_inner().map_err(|error| error.into_error())).map(BufReader::new);
            fill::<T, _>(
                &mut zip,
                spool?,
                &self.arrays,
                self.row_len,
                self.rows,
                leading,
            )?;
            for (name, extra) in extras {
                write_extra(&mut zip, name, extra)?;
            }
            Ok(())
        })();
        match written.and_then(|()| Ok(zip.finish().map(drop)?)) {
            Ok(()) => Ok(self.file),
            Err(source) => Err(write_error(self.file.path(), source)),
        }
    }
}

/// Arrays of any shapes in a `.npz` archive, written one after the other.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// use wavelet_scattering::io::NpzList;
///
/// let mut list = NpzList::<f32>::create(folder.path().join("out.npz"))?;
/// list.push("short", &[2], &[1.0, 2.0])?;
/// list.push("long", &[3], &[3.0, 4.0, 5.0])?;
/// list.finish(&[])?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct NpzList<T> {
    zip: ZipWriter<Staged>,
    path: PathBuf,
    names: Vec<String>,
    bytes: Vec<u8>,
    precision: PhantomData<T>,
}

impl<T> std::fmt::Debug for NpzList<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "NpzList({} in {})",
            self.names.len(),
            self.path.display()
        )
    }
}

impl<T: Real> NpzList<T> {
    /// Opens the archive.
    ///
    /// # Errors
    /// As [`Staged::create`].
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let file = Staged::create(path)?;
        Ok(Self {
            path: file.path().to_path_buf(),
            zip: ZipWriter::new(file),
            names: Vec::new(),
            bytes: Vec::new(),
            precision: PhantomData,
        })
    }

    /// Number of arrays.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none yet.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Appends an array, in C order.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if the samples do not fill the shape; [`Error::InvalidParameter`] for a shape beyond memory;
    /// [`Error::File`] if writing fails, or there is an array of this name.
    pub fn push(&mut self, name: &str, shape: &[usize], samples: &[T]) -> Result<()> {
        check_row(samples.len(), product(shape)?, shape)?;
        self.names.push(name.to_string());
        encode(samples, &mut self.bytes);
        let written = (|| -> io::Result<()> {
            self.zip.start_file(entry_name(name), entry_options())?;
            self.zip.write_all(&header::<T>(&[], shape)?)?;
            self.zip.write_all(&self.bytes)
        })();
        written.map_err(|source| write_error(&self.path, source))
    }

    /// Completes the archive with the extras behind the arrays, and puts it in its place.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for a name that is empty or occurs twice; [`Error::File`] if writing fails, and as
    /// [`Staged::commit`].
    pub fn finish(mut self, extras: &[(&str, NpzEntry)]) -> Result<()> {
        let names = self.names.iter().map(String::as_str);
        check_names(names.chain(extras.iter().map(|(name, _)| *name)))?;
        let written = (|| -> io::Result<Staged> {
            for (name, extra) in extras {
                write_extra(&mut self.zip, name, extra)?;
            }
            Ok(self.zip.finish()?)
        })();
        written
            .map_err(|source| write_error(&self.path, source))?
            .commit()
    }
}

/// Copies the columns of the spooled rows into one entry per array.
fn fill<T: Real, W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    mut spool: BufReader<File>,
    arrays: &[(String, Vec<usize>, usize)],
    row_len: usize,
    rows: usize,
    leading: &[usize],
) -> io::Result<()> {
    let sample = size_of::<T>();
    let mut start = 0;
    for (name, shape, len) in arrays {
        zip.start_file(entry_name(name), entry_options())?;
        zip.write_all(&header::<T>(leading, shape)?)?;
        spool.seek(SeekFrom::Start((start * sample) as u64))?;
        for _ in 0..rows {
            let copied = io::copy(&mut spool.by_ref().take((len * sample) as u64), zip)?;
            if copied != (len * sample) as u64 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            spool.seek_relative(((row_len - len) * sample) as i64)?;
        }
        start += len;
    }
    Ok(())
}

/// Writes one entry through `npyz`, which knows text too: `<U` is UTF-32, zero-padded to the longest string.
fn write_extra<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    name: &str,
    extra: &NpzEntry,
) -> io::Result<()> {
    let shape = |array: &[usize]| array.iter().map(|&n| n as u64).collect::<Vec<_>>();
    zip.start_file(entry_name(name), entry_options())?;
    match extra {
        NpzEntry::F64(array) => {
            let mut entry = WriteOptions::<f64>::new()
                .dtype(dtype("<f8")?)
                .shape(&shape(array.shape()))
                .writer(&mut *zip)
                .begin_nd()?;
            entry.extend(array.iter().copied())?;
            entry.finish()
        }
        NpzEntry::C128(array) => {
            let header = header_of("<c16", &shape(array.shape()))?;
            zip.write_all(&header)?;
            let mut zip = BufWriter::new(zip);
            for value in array {
                zip.write_all(&value.re.to_le_bytes())?;
                zip.write_all(&value.im.to_le_bytes())?;
            }
            zip.flush()
        }
        NpzEntry::I64(array) => {
            let mut entry = WriteOptions::<i64>::new()
                .dtype(dtype("<i8")?)
                .shape(&shape(array.shape()))
                .writer(&mut *zip)
                .begin_nd()?;
            entry.extend(array.iter().copied())?;
            entry.finish()
        }
        NpzEntry::Texts(texts) => write_texts(zip, &[texts.len() as u64], texts),
        NpzEntry::Text(text) => write_texts(zip, &[], std::slice::from_ref(text)),
    }
}

fn write_texts<W: Write + Seek>(
    zip: &mut ZipWriter<W>,
    shape: &[u64],
    texts: &[String],
) -> io::Result<()> {
    // NumPy has no strings of length 0 and writes <U1 for empty ones.
    let longest = texts
        .iter()
        .map(|text| text.chars().count())
        .max()
        .unwrap_or(0)
        .max(1);
    let mut entry = WriteOptions::<str>::new()
        .dtype(dtype(&format!("<U{longest}"))?)
        .shape(shape)
        .writer(&mut *zip)
        .begin_nd()?;
    for text in texts {
        entry.push(text)?;
    }
    entry.finish()
}

/// NumPy's name for the file of an array.
fn entry_name(array: &str) -> String {
    format!("{array}.npy")
}

/// How entries are stored: as they are, of any size, and dated alike so that equal contents are equal files.
fn entry_options() -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .large_file(true)
}

/// The `.npy` header of an array of shape leading ++ shape.
fn header<T: Real>(leading: &[usize], shape: &[usize]) -> io::Result<Vec<u8>> {
    let shape: Vec<u64> = leading.iter().chain(shape).map(|&n| n as u64).collect();
    header_of(if size_of::<T>() == 4 { "<f4" } else { "<f8" }, &shape)
}

/// The `.npy` header of an array of these numbers.
fn header_of(name: &str, shape: &[u64]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    WriteOptions::new_header_only()
        .dtype(dtype(name)?)
        .shape(shape)
        .writer(&mut bytes)
        .write_header_only()?;
    Ok(bytes)
}

fn dtype(name: &str) -> io::Result<DType> {
    name.parse()
        .map(DType::Plain)
        .map_err(|error: npyz::ParseTypeStrError| io::Error::other(error.to_string()))
}

/// The samples as they stand in the file, little-endian on any machine.
fn encode<T: Real>(samples: &[T], bytes: &mut Vec<u8>) {
    bytes.clear();
    for sample in samples {
        match size_of::<T>() {
            4 => bytes.extend((Real::widen(*sample) as f32).to_le_bytes()),
            _ => bytes.extend(Real::widen(*sample).to_le_bytes()),
        }
    }
}

/// Samples in an array of this shape, refused where its bytes could not be counted. Empty axes count as one sample
/// for that, as products of the others are taken elsewhere too.
fn product(shape: &[usize]) -> Result<usize> {
    let bound = shape
        .iter()
        .try_fold(1_usize, |n, &side| n.checked_mul(side.max(1)));
    match bound.filter(|&n| n <= isize::MAX as usize / 16) {
        Some(_) => Ok(shape.iter().product()),
        None => Err(too_large(shape)),
    }
}

fn too_large(shape: &[usize]) -> Error {
    Error::InvalidParameter {
        name: "shape",
        value: format!("{shape:?}"),
        limit: "an array of this shape fits into no file".to_string(),
    }
}

fn check_row(got: usize, expected: usize, shape: &[usize]) -> Result<()> {
    if got == expected {
        return Ok(());
    }
    Err(Error::WrongShape {
        what: "a row of the stack",
        got: vec![got],
        expected: format!("{expected} samples, those of shape {shape:?}"),
    })
}

fn check_leading(leading: &[usize], rows: usize) -> Result<()> {
    if product(leading)? == rows {
        return Ok(());
    }
    Err(Error::WrongShape {
        what: "the leading shape of the stack",
        got: leading.to_vec(),
        expected: format!("a shape of {rows} rows, as many as were pushed"),
    })
}

fn check_names<'a>(names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = BTreeSet::new();
    for name in names {
        if name.is_empty() || name.contains(['\0', '/', '\\']) || !seen.insert(name) {
            return Err(Error::InvalidParameter {
                name: "name",
                value: format!("{name:?}"),
                limit: "arrays of an archive need different names, not empty and without slashes"
                    .to_string(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::NpyFile;
    use super::*;

    fn push_rows<T: Real>(stack: &mut NpyStack<T>, rows: usize, len: usize) {
        for row in 0..rows {
            let samples: Vec<T> = (0..len)
                .map(|k| Real::narrow((row * len + k) as f64))
                .collect();
            stack.push(&samples).unwrap();
        }
    }

    fn assert_counts(path: &Path, shape: &[usize]) {
        let file = NpyFile::open(path).unwrap();
        assert_eq!(file.shape(), shape);
        let array = file.read::<f64>().unwrap();
        assert!(
            array.iter().enumerate().all(|(k, &v)| v == k as f64),
            "{array}"
        );
    }

    #[test]
    fn rows_become_an_array_of_the_shape_given_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let cases: [(&[usize], &[usize], usize); 6] = [
            (&[6], &[6], 6),
            (&[6], &[2, 3], 6),
            (&[6], &[5], 5),
            (&[1_000_000_000_000], &[1], 1), // a shorter header, so the samples move
            (&[], &[3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], 3), // and a longer one
            (&[4], &[], 1),
        ];
        for (guess, leading, rows) in cases {
            let mut stack = NpyStack::<f32>::create(&path, &[2, 2], guess).unwrap();
            push_rows(&mut stack, rows, 4);
            assert_eq!(stack.rows(), rows);
            stack.finish(leading).unwrap();
            assert_counts(&path, &[leading, &[2, 2]].concat());
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn no_rows_and_empty_rows_are_arrays_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        NpyStack::<f64>::create(&path, &[3], &[5])
            .unwrap()
            .finish(&[0])
            .unwrap();
        assert_counts(&path, &[0, 3]);
        let mut stack = NpyStack::<f64>::create(&path, &[0], &[1]).unwrap();
        stack.push(&[]).unwrap();
        stack.finish(&[1]).unwrap();
        assert_counts(&path, &[1, 0]);
    }

    #[test]
    fn samples_keep_their_precision() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let row = [0.1_f64, -0.0, 1e-300, f64::INFINITY];
        let mut stack = NpyStack::create(&path, &[4], &[1]).unwrap();
        stack.push(&row).unwrap();
        stack.finish(&[1]).unwrap();
        let file = NpyFile::open(&path).unwrap();
        assert_eq!(file.dtype(), "<f8");
        let back = file.read::<f64>().unwrap();
        assert!(
            back.iter()
                .zip(row)
                .all(|(b, r)| b.to_bits() == r.to_bits())
        );
    }

    #[test]
    fn wrong_rows_and_wrong_counts_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let mut stack = NpyStack::<f32>::create(&path, &[2], &[2]).unwrap();
        assert!(matches!(stack.push(&[1.0]), Err(Error::WrongShape { .. })));
        stack.push(&[1.0, 2.0]).unwrap();
        let error = stack.finish(&[2]).unwrap_err();
        assert!(
            error.to_string().contains("1 rows, as many as were pushed"),
            "{error}"
        );
        assert!(NpyStack::<f32>::create(&path, &[usize::MAX, 2], &[1]).is_err());
        assert!(NpyStack::<f32>::create(&path, &[2], &[usize::MAX, 0]).is_err());
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            0,
            "nothing is left behind"
        );
    }

    type Archive = zip::ZipArchive<BufReader<File>>;

    fn open(path: &Path) -> Archive {
        Archive::new(BufReader::new(File::open(path).unwrap())).unwrap()
    }

    fn read<'a>(archive: &'a mut Archive, name: &str) -> npyz::NpyFile<impl Read + 'a> {
        npyz::NpyFile::new(archive.by_name(&entry_name(name)).unwrap()).unwrap()
    }

    #[test]
    fn archives_hold_one_entry_per_array_and_the_extras() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        let mut stack =
            NpzStack::<f32>::create(&path, &[("mean", &[]), ("maps", &[2, 2]), ("none", &[0])])
                .unwrap();
        for row in [[1.0, 10.0, 11.0, 12.0, 13.0], [2.0, 20.0, 21.0, 22.0, 23.0]] {
            stack.push(&row).unwrap();
        }
        assert!(matches!(stack.push(&[1.0]), Err(Error::WrongShape { .. })));
        let names = ["a.png", "größe \u{1F600}, \"b\".png", ""]
            .map(String::from)
            .to_vec();
        let extras = [
            (
                "scales",
                NpzEntry::F64(ndarray::array![[0.5, 1e-300]].into_dyn()),
            ),
            ("j", NpzEntry::I64(ndarray::array![-1, 1 << 40].into_dyn())),
            ("inputs", NpzEntry::Texts(names.clone())),
            ("empty", NpzEntry::Texts(Vec::new())),
            ("params", NpzEntry::Text("{\"J\": 3}".to_string())),
        ];
        stack.finish(&[2], &extras).unwrap();

        let mut archive = open(&path);
        let mut entry = |name: &str| {
            let file = read(&mut archive, name);
            (
                file.shape().to_vec(),
                file.dtype().descr(),
                io::copy(&mut file.into_inner(), &mut io::sink()).unwrap(),
            )
        };
        assert_eq!(entry("inputs"), (vec![3], "'<U16'".to_string(), 3 * 16 * 4));
        assert_eq!(entry("empty"), (vec![0], "'<U1'".to_string(), 0));
        assert_eq!(entry("none"), (vec![2, 0], "'<f4'".to_string(), 0));
        let maps = read(&mut archive, "maps");
        assert_eq!(
            (maps.shape(), maps.dtype().descr().as_str()),
            (&[2, 2, 2][..], "'<f4'")
        );
        assert_eq!(
            maps.into_vec::<f32>().unwrap(),
            [10.0, 11.0, 12.0, 13.0, 20.0, 21.0, 22.0, 23.0]
        );
        assert_eq!(read(&mut archive, "mean").shape(), [2]);
        assert_eq!(
            read(&mut archive, "mean").into_vec::<f32>().unwrap(),
            [1.0, 2.0]
        );
        assert_eq!(
            read(&mut archive, "scales").into_vec::<f64>().unwrap(),
            [0.5, 1e-300]
        );
        assert_eq!(
            read(&mut archive, "j").into_vec::<i64>().unwrap(),
            [-1, 1 << 40]
        );
        assert_eq!(
            read(&mut archive, "inputs").into_vec::<String>().unwrap(),
            names
        );
        assert_eq!(read(&mut archive, "params").shape(), [0_u64; 0]);
        assert_eq!(
            read(&mut archive, "params").into_vec::<String>().unwrap(),
            ["{\"J\": 3}"]
        );
    }

    #[test]
    fn archives_with_equal_rows_are_equal_files() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| {
            let path = folder.path().join(name);
            let mut stack = NpzStack::<f64>::create(&path, &[("x", &[2])]).unwrap();
            stack.push(&[1.0, 2.0]).unwrap();
            stack.finish(&[1], &[]).unwrap();
            fs::read(path).unwrap()
        });
        assert_eq!(a, b);
    }

    #[test]
    fn names_in_an_archive_must_differ() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        assert!(NpzStack::<f32>::create(&path, &[("x", &[]), ("x", &[])]).is_err());
        assert!(NpzStack::<f32>::create(&path, &[("", &[])]).is_err());
        let stack = NpzStack::<f32>::create(&path, &[("x", &[])]).unwrap();
        assert!(
            stack
                .finish(&[0], &[("x", NpzEntry::Text(String::new()))])
                .is_err()
        );
        assert!(!path.exists());
    }
}
