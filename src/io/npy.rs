//! [`NpyFile`]: arrays that NumPy saved.
//!
//! In comes a `.npy` file of real numbers; out come its samples in C order, all of them or as many rows as are wanted
//! next, converted to the precision of the transform.
//!
//! Conventions that bite:
//! - Integers become the number they are (255 stays 255; nothing is scaled to [0, 1] as in image files), booleans 0
//!   and 1. Integers beyond 2^53 are rounded.
//! - A file in Fortran order is loaded whole before its first row is returned, since its rows are scattered over it.
//!
//! Source: NEP 1, "A simple file format for NumPy arrays", versions 1.0 to 3.0; parsed by `npyz`.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use npyz::half::f16;
use npyz::{DType, NpyHeader, NpyReader, Order, TypeChar};
use num_traits::ToPrimitive;
use py_literal::Value;

use super::content::Content;
use crate::num::Real;
use crate::{Error, Result, memory};

/// How a file begins.
const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy itself refuses headers beyond 10 000 bytes; a hostile length would otherwise allocate up to 4 GiB.
const MAX_HEADER: usize = 1 << 16;

/// A `.npy` file of real numbers, open for reading from its first sample on.
///
/// ```no_run
/// let mut file = wavelet_scattering::io::NpyFile::open("images.npy")?; // shape [N, 64, 64]
/// for _ in 0..file.shape()[0] {
///     let image: Vec<f32> = file.read_rows(1, 64 * 64)?;
/// }
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug)]
pub struct NpyFile {
    path: PathBuf,
    shape: Vec<usize>,
    dtype: String,
    len: usize,
    /// Header and samples in the file.
    bytes: u64,
    position: usize,
    source: Source,
}

/// Where the next samples come from.
enum Source {
    /// A file in C order, read as it goes.
    Stream(Samples),
    /// A file in Fortran order that has not been touched yet.
    Columns(Samples),
    /// What a file in Fortran order held, in C order.
    Loaded(Vec<f64>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Source::Stream(_) => "Stream",
            Source::Columns(_) => "Columns",
            Source::Loaded(_) => "Loaded",
        })
    }
}

/// One list of the dtypes that can be read: letter, bytes, type.
macro_rules! samples {
    ($($name:ident $type:ty, $char:pat, $bytes:literal, $widen:expr;)*) => {
        /// The reader of the file's dtype.
        enum Samples {
            $($name(NpyReader<$type, Box<dyn Read + Send>>),)*
        }

        impl Samples {
            fn new(file: npyz::NpyFile<Box<dyn Read + Send>>) -> Option<Self> {
                let DType::Plain(kind) = file.dtype() else { return None };
                match (kind.type_char(), kind.size_field()) {
                    $(($char, $bytes) => file.data().ok().map(Samples::$name),)*
                    _ => None,
                }
            }

            /// The next `count` samples in the order of the file.
            fn take<T: Real>(&mut self, count: usize) -> io::Result<Vec<T>> {
                let mut samples = Vec::new();
                samples.try_reserve_exact(count).map_err(|_| io::ErrorKind::OutOfMemory)?;
                match self {
                    $(Samples::$name(reader) => {
                        for sample in reader.take(count) {
                            samples.push(Real::narrow($widen(sample?)));
                        }
                    })*
                }
                if samples.len() == count { Ok(samples) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
            }
        }
    };
}

samples! {
    Bool bool, TypeChar::Bool, 1, |v: bool| f64::from(u8::from(v));
    I1 i8, TypeChar::Int, 1, f64::from;
    I2 i16, TypeChar::Int, 2, f64::from;
    I4 i32, TypeChar::Int, 4, f64::from;
    I8 i64, TypeChar::Int, 8, |v| v as f64;
    U1 u8, TypeChar::Uint, 1, f64::from;
    U2 u16, TypeChar::Uint, 2, f64::from;
    U4 u32, TypeChar::Uint, 4, f64::from;
    U8 u64, TypeChar::Uint, 8, |v| v as f64;
    F2 f16, TypeChar::Float, 2, f16::to_f64;
    F4 f32, TypeChar::Float, 4, f64::from;
    F8 f64, TypeChar::Float, 8, |v| v;
}

impl NpyFile {
    /// Opens a file and reads its header, not its samples.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read; [`Error::BadFile`] if it is no `.npy` file, is shorter than its header
    /// says, or holds anything but booleans, integers and floats of up to 8 bytes (either byte order).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = |source| read_error(path, source);
        let file = File::open(path).map_err(failed)?;
        let about = file.metadata().map_err(failed)?;
        let len = about.is_file().then_some(about.len());
        let reader = BufReader::with_capacity(1 << 16, file);
        Self::new(path.to_path_buf(), Box::new(reader), len)
    }

    /// As [`open`](Self::open), of what an input holds, which has to be one array: `numpy.save` into an open file puts one
    /// behind the other, and `numpy.load` gives the first.
    pub(super) fn of(name: &Path, content: &Content) -> Result<Self> {
        let failed = |source| read_error(name, source);
        let reader = content.open().map_err(failed)?;
        let len = content.len().map_err(failed)?;
        let array = Self::new(name.to_path_buf(), Box::new(reader), Some(len))?;
        let mut behind = content.open().map_err(failed)?;
        behind.seek(SeekFrom::Start(array.bytes)).map_err(failed)?;
        let mut next = Vec::new();
        behind.take(6).read_to_end(&mut next).map_err(failed)?;
        if next == MAGIC {
            return Err(Error::bad_file(
                name,
                "it holds several arrays, one behind the other; save them as .npz, or each in a file of its own",
            ));
        }
        Ok(array)
    }

    /// As [`open`](Self::open), of a stream of that many bytes, if that is known; `path` is what errors call it.
    pub(super) fn new(
        path: PathBuf,
        mut reader: Box<dyn Read + Send>,
        bytes: Option<u64>,
    ) -> Result<Self> {
        let bad = |reason: String| Error::bad_file(&path, reason);
        let (header, len, promised) = header(&path, &mut reader)?;
        let dtype = header.dtype();
        let name = dtype.descr().trim_matches('\'').to_string();
        let shape: Vec<usize> = header.shape().iter().map(|&n| n as usize).collect();
        let order = header.order();

        let Some(samples) = Samples::new(npyz::NpyFile::with_header(header, reader)) else {
            return Err(bad(refusal(&dtype, &name)));
        };
        if let Some(bytes) = bytes.filter(|&bytes| bytes < promised) {
            return Err(bad(format!(
                "it is cut off: {len} samples of dtype {name} need {promised} bytes, the file has {bytes}; copy or save it again"
            )));
        }
        let source = match order {
            // One axis, or one sample: the same in either order.
            Order::Fortran if shape.iter().filter(|&&n| n != 1).count() > 1 => {
                Source::Columns(samples)
            }
            _ => Source::Stream(samples),
        };
        Ok(Self {
            path,
            shape,
            dtype: name,
            len,
            bytes: promised,
            position: 0,
            source,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The array's shape, empty for a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The array's type as NumPy writes it: `<f8`, `|u1`.
    pub fn dtype(&self) -> &str {
        &self.dtype
    }

    /// How many samples have not been read yet.
    pub fn remaining(&self) -> usize {
        self.len - self.position
    }

    /// The next `count` blocks of `row_len` samples, in C order.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if fewer samples are left; [`Error::BadFile`] or [`Error::File`] if the file ends
    /// early or cannot be read.
    pub fn read_rows<T: Real>(&mut self, count: usize, row_len: usize) -> Result<Vec<T>> {
        let wanted = count
            .checked_mul(row_len)
            .filter(|&n| n <= self.remaining());
        let Some(wanted) = wanted else {
            return Err(Error::InvalidParameter {
                name: "count",
                value: format!("{count} rows of {row_len} samples"),
                limit: format!(
                    "{} has {} samples left",
                    self.path.display(),
                    self.remaining()
                ),
            });
        };
        if let Source::Columns(samples) = &mut self.source {
            memory::require(
                "the samples of an array in Fortran order, twice",
                memory::bytes_of::<f64>(2 * self.len as u64),
                "save it as numpy.ascontiguousarray(x), which is read in parts",
            )?;
            let columns = samples
                .take::<f64>(self.len)
                .map_err(|source| read_error(&self.path, source))?;
            self.source =
                Source::Loaded(c_order(columns, &self.shape)?.into_raw_vec_and_offset().0);
        }
        let samples = match &mut self.source {
            Source::Loaded(all) => Ok(all[self.position..self.position + wanted]
                .iter()
                .map(|&v| Real::narrow(v))
                .collect()),
            Source::Stream(samples) | Source::Columns(samples) => samples.take(wanted),
        };
        let samples = samples.map_err(|source| read_error(&self.path, source))?;
        self.position += wanted;
        Ok(samples)
    }

    /// Leaves out the next samples.
    pub(super) fn skip(&mut self, count: usize) -> Result<()> {
        let mut left = count;
        while left > 0 {
            let some = left.min(1 << 16);
            self.read_rows::<f64>(1, some)?;
            left -= some;
        }
        Ok(())
    }

    /// The whole array, in C order.
    ///
    /// # Errors
    /// As [`read_rows`](Self::read_rows); also [`Error::InvalidParameter`] if some of it has been read already.
    pub fn read<T: Real>(mut self) -> Result<ArrayD<T>> {
        let shape = std::mem::take(&mut self.shape);
        if let (Source::Columns(samples), 0) = (&mut self.source, self.position) {
            let columns = samples
                .take(self.len)
                .map_err(|source| read_error(&self.path, source))?;
            return c_order(columns, &shape);
        }
        memory::require(
            "the samples of an array",
            memory::bytes_of::<T>(self.len as u64),
            "read it in parts",
        )?;
        let samples = self.read_rows(1, self.len)?;
        array(samples, &shape, false)
    }
}

/// The header of a file, how many samples it promises, and how many bytes the file then has.
fn header(path: &Path, reader: &mut impl Read) -> Result<(NpyHeader, usize, u64)> {
    let bad = |reason: String| Error::bad_file(path, reason);
    let bytes = match header_bytes(reader) {
        Ok(bytes) => bytes,
        Err(source) => match source.kind() {
            io::ErrorKind::UnexpectedEof => {
                return Err(bad("it ends within its .npy header".to_string()));
            }
            io::ErrorKind::InvalidData => return Err(bad(source.to_string())),
            _ => return Err(Error::unread(path, source)),
        },
    };
    let len = checked_len(&bytes).map_err(bad)?;
    let header = NpyHeader::from_reader(Cursor::new(&bytes))
        .map_err(|source| bad(format!("its .npy header cannot be used: {source}")))?;
    let item = header.dtype().num_bytes().unwrap_or(0);
    let promised = bytes.len() as u64 + (len as u64).saturating_mul(item as u64);
    Ok((header, len, promised))
}

/// Numbers that lose nothing, or texts: what [`NpyFile`], which is for samples, does not give.
#[cfg(feature = "datasets")]
#[derive(Debug, PartialEq)]
pub(super) enum Entries {
    Integers(Vec<i128>),
    Floats(Vec<f64>),
    Texts(Vec<String>),
}

/// The shape and the entries of an array of integers, floats or text, from a file of that many bytes.
#[cfg(feature = "datasets")]
pub(super) fn read_entries(
    path: &Path,
    mut reader: impl Read,
    bytes: u64,
) -> Result<(Vec<usize>, Entries)> {
    let (header, _, promised) = header(path, &mut reader)?;
    let failed = |source| read_error(path, source);
    if bytes < promised {
        return Err(failed(io::ErrorKind::UnexpectedEof.into()));
    }
    let shape = header.shape().iter().map(|&n| n as usize).collect();
    let dtype = header.dtype();
    let name = dtype.descr().trim_matches('\'').to_string();
    let kind = match &dtype {
        DType::Plain(kind) => Some((kind.type_char(), kind.size_field())),
        _ => None,
    };
    let file = npyz::NpyFile::with_header(header, reader);
    macro_rules! integers {
        ($type:ty) => {{
            let values = file.into_vec::<$type>().map_err(failed)?;
            Entries::Integers(values.into_iter().map(i128::from).collect())
        }};
    }
    let entries = match kind {
        Some((TypeChar::Bool, 1)) => integers!(bool),
        Some((TypeChar::Int, 1)) => integers!(i8),
        Some((TypeChar::Int, 2)) => integers!(i16),
        Some((TypeChar::Int, 4)) => integers!(i32),
        Some((TypeChar::Int, 8)) => integers!(i64),
        Some((TypeChar::Uint, 1)) => integers!(u8),
        Some((TypeChar::Uint, 2)) => integers!(u16),
        Some((TypeChar::Uint, 4)) => integers!(u32),
        Some((TypeChar::Uint, 8)) => integers!(u64),
        Some((TypeChar::Float, 2)) => {
            let values = file.into_vec::<f16>().map_err(failed)?;
            Entries::Floats(values.into_iter().map(f64::from).collect())
        }
        Some((TypeChar::Float, 4)) => {
            let values = file.into_vec::<f32>().map_err(failed)?;
            Entries::Floats(values.into_iter().map(f64::from).collect())
        }
        Some((TypeChar::Float, 8)) => Entries::Floats(file.into_vec().map_err(failed)?),
        Some((TypeChar::UnicodeStr, _)) => Entries::Texts(file.into_vec().map_err(failed)?),
        Some((TypeChar::ByteStr, _)) => {
            let texts = file.into_vec::<Vec<u8>>().map_err(failed)?;
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            Entries::Texts(texts.into_iter().map(text).collect())
        }
        _ => return Err(Error::bad_file(path, refusal(&dtype, &name))),
    };
    Ok((shape, entries))
}

/// Everything before the samples: magic, version, length and the text of the header.
fn header_bytes(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let invalid = |reason: String| io::Error::new(io::ErrorKind::InvalidData, reason);
    let mut start = Vec::with_capacity(12);
    reader.by_ref().take(8).read_to_end(&mut start)?;
    if !start.starts_with(MAGIC) {
        let kind = match start.as_slice() {
            [b'P', b'K', ..] => "it is a .npz archive of arrays, not one array",
            [0x80, 2..=5, ..] => "it is a Python pickle; save the array with numpy.save",
            [] => "it is empty; expected an array saved with numpy.save",
            _ => "it is no .npy file; expected an array saved with numpy.save",
        };
        return Err(invalid(kind.to_string()));
    }
    let len_bytes = match start.get(6..8) {
        Some([1, 0]) => 2,
        Some([2 | 3, 0]) => 4,
        Some([major, minor]) => {
            return Err(invalid(format!(
                "its .npy version is {major}.{minor}; 1.0, 2.0 and 3.0 are known"
            )));
        }
        _ => return Err(io::ErrorKind::UnexpectedEof.into()),
    };
    let mut len = [0; 4];
    reader.read_exact(&mut len[..len_bytes])?;
    start.extend(&len[..len_bytes]);
    let len = u32::from_le_bytes(len) as usize;
    if len > MAX_HEADER {
        return Err(invalid(format!(
            "its .npy header has {len} bytes; at most {MAX_HEADER} make sense"
        )));
    }
    let before = start.len();
    start.resize(before + len, 0);
    reader.read_exact(&mut start[before..])?;
    without_long(&mut start[before..]);
    Ok(start)
}

/// Python 2 wrote its long integers with an L, `(16L, 24L)`: a space in its place.
fn without_long(text: &mut [u8]) {
    let mut quote = None;
    for i in 0..text.len() {
        match (quote, text[i]) {
            (None, b'\'' | b'"') => quote = Some(text[i]),
            (Some(open), byte) if byte == open => quote = None,
            (None, b'L') if i > 0 && text[i - 1].is_ascii_digit() => text[i] = b' ',
            _ => {}
        }
    }
}

/// The number of samples in the header's shape; an error where `npyz` would overflow or nest without limit.
fn checked_len(header: &[u8]) -> Result<usize, String> {
    let text = &header[if header[6] == 1 { 10 } else { 12 }..];
    let text = std::str::from_utf8(text).map_err(|_| "its .npy header is not text")?;
    let mut depth = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > 32 {
            return Err("its .npy header is nested more than 32 levels deep".to_string());
        }
    }
    let Ok(Value::Dict(entries)) = text.trim_end().parse() else {
        return Err("its .npy header is not a Python dictionary".to_string());
    };
    let shape = entries
        .iter()
        .find(|(key, _)| key.as_string().is_some_and(|key| key == "shape"));
    let (Some(Value::Tuple(sides)) | Some(Value::List(sides))) = shape.map(|(_, value)| value)
    else {
        return Err("its .npy header has no shape".to_string());
    };
    let mut len = 1_usize;
    let mut bound = 1_u64; // as if empty axes had one sample: the strides are products of these
    for side in sides {
        let side = match side {
            Value::Integer(side) => side.to_usize(),
            _ => None,
        };
        let Some(side) = side else {
            return Err("its shape holds something else than sizes".to_string());
        };
        len = len.saturating_mul(side);
        bound = bound
            .checked_mul(side.max(1) as u64)
            .filter(|&n| n <= isize::MAX as u64 / 16)
            .ok_or("its shape has more samples than any memory")?;
    }
    Ok(if sides.is_empty() { 1 } else { len })
}

/// Why samples of this dtype cannot be used, and what to do.
fn refusal(dtype: &DType, name: &str) -> String {
    let (kind, way_out) = match dtype {
        DType::Plain(kind) => match kind.type_char() {
            TypeChar::Complex => (
                "complex numbers",
                "save numpy.abs(x), or x.real and x.imag as two arrays",
            ),
            TypeChar::Object => ("pickled Python objects", "save x.astype(float)"),
            TypeChar::ByteStr | TypeChar::UnicodeStr => {
                ("text", "save x.astype(float) if it spells numbers")
            }
            TypeChar::DateTime | TypeChar::TimeDelta => {
                ("dates or times", "save x.astype(\"int64\").astype(float)")
            }
            TypeChar::Float => ("floats of more than 8 bytes", "save x.astype(\"float64\")"),
            _ => ("raw bytes", "save x.view() or x.astype() of a real type"),
        },
        _ => ("records", "save one field, x[\"name\"]"),
    };
    format!("its dtype {name} means {kind}, and real numbers are needed; {way_out}")
}

fn read_error(path: &Path, source: io::Error) -> Error {
    match source.kind() {
        io::ErrorKind::UnexpectedEof => Error::bad_file(
            path,
            "it ends before its last sample; copy or save it again",
        ),
        io::ErrorKind::InvalidData => Error::bad_file(path, source.to_string()),
        _ => Error::unread(path, source),
    }
}

/// The array whose samples are given in Fortran order.
fn c_order<T: Real>(columns: Vec<T>, shape: &[usize]) -> Result<ArrayD<T>> {
    Ok(array(columns, shape, true)?
        .as_standard_layout()
        .into_owned())
}

fn array<T: Real>(samples: Vec<T>, shape: &[usize], fortran: bool) -> Result<ArrayD<T>> {
    let got = vec![samples.len()];
    ArrayD::from_shape_vec(IxDyn(shape).set_f(fortran), samples).map_err(|_| Error::WrongShape {
        what: "the samples of a .npy file",
        got,
        expected: format!("as many as fill {shape:?}"),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/npy")
            .join(name)
    }

    fn refusal_of(name: &str) -> String {
        let path = data(name);
        let message = NpyFile::open(&path).unwrap_err().to_string();
        assert!(
            message.starts_with(&path.display().to_string()),
            "{message}"
        );
        message
    }

    #[test]
    fn every_real_dtype_in_either_byte_order_is_read() {
        let little = [
            "i1",
            "i2",
            "i4",
            "i8",
            "u1",
            "u2",
            "u4",
            "u8",
            "f2",
            "f4",
            "f8",
            "version_2",
            "f8_fortran",
        ];
        let big = ["i2_big", "u4_big", "i8_big", "f2_big", "f4_big", "f8_big"];
        for name in little.iter().chain(&big) {
            let file = NpyFile::open(data(&format!("{name}.npy"))).unwrap();
            assert_eq!(file.shape(), [2, 3], "{name}");
            let x = file.read::<f32>().unwrap();
            assert_eq!(
                x,
                ndarray::array![[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]].into_dyn(),
                "{name}"
            );
        }
        let x = NpyFile::open(data("bool.npy"))
            .unwrap()
            .read::<f64>()
            .unwrap();
        assert_eq!(
            x,
            ndarray::array![[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]].into_dyn()
        );
        assert_eq!(NpyFile::open(data("i2_big.npy")).unwrap().dtype(), ">i2");
    }

    #[test]
    fn halves_and_large_integers_become_the_nearest_value() {
        let halves = NpyFile::open(data("half_values.npy"))
            .unwrap()
            .read::<f64>()
            .unwrap();
        assert_eq!(
            halves.as_slice().unwrap(),
            [0.0999755859375, -65504.0, 2_f64.powi(-24), f64::INFINITY]
        );
        let large = NpyFile::open(data("u8_large.npy"))
            .unwrap()
            .read::<f64>()
            .unwrap();
        assert_eq!(large.as_slice().unwrap(), [2_f64.powi(64), 2_f64.powi(53)]);
    }

    #[test]
    fn single_numbers_and_empty_arrays_keep_their_shape() {
        let mut file = NpyFile::open(data("scalar.npy")).unwrap();
        assert_eq!((file.shape(), file.remaining()), (&[][..], 1));
        assert_eq!(file.read_rows::<f64>(1, 1).unwrap(), [0.5]);
        let scalar = NpyFile::open(data("scalar.npy"))
            .unwrap()
            .read::<f64>()
            .unwrap();
        assert_eq!(scalar, ndarray::arr0(0.5).into_dyn());
        let empty = NpyFile::open(data("empty.npy"))
            .unwrap()
            .read::<f64>()
            .unwrap();
        assert_eq!(empty.shape(), [0, 3]);
    }

    #[test]
    fn rows_come_in_c_order_from_either_order() {
        let expected: Vec<f32> = (0..24_u8).map(f32::from).collect();
        let mut file = NpyFile::open(data("u1_fortran_3d.npy")).unwrap();
        assert_eq!(file.shape(), [2, 3, 4]);
        let mut rows = file.read_rows::<f32>(1, 4).unwrap();
        rows.extend(file.read_rows::<f32>(2, 4).unwrap());
        rows.extend(file.read_rows::<f32>(1, 12).unwrap());
        assert_eq!(rows, expected);
        assert_eq!(file.remaining(), 0);
        let whole = NpyFile::open(data("u1_fortran_3d.npy"))
            .unwrap()
            .read::<f32>()
            .unwrap();
        assert_eq!(whole.as_slice().unwrap(), expected);

        let mut file = NpyFile::open(data("i8_big.npy")).unwrap();
        assert_eq!(file.read_rows::<f64>(1, 3).unwrap(), [0.0, 1.0, 2.0]);
        assert_eq!(file.remaining(), 3);
        assert_eq!(file.read_rows::<f64>(3, 1).unwrap(), [3.0, 4.0, 5.0]);
    }

    #[test]
    fn more_rows_than_there_are_is_an_error_and_moves_nothing() {
        let mut file = NpyFile::open(data("f4.npy")).unwrap();
        assert!(
            file.read_rows::<f32>(3, 3)
                .unwrap_err()
                .to_string()
                .contains("6 samples left")
        );
        assert!(file.read_rows::<f32>(usize::MAX, 3).is_err());
        assert_eq!(file.read_rows::<f32>(2, 3).unwrap().len(), 6);
        assert!(file.read::<f32>().is_err());
    }

    #[test]
    fn other_dtypes_are_named_with_a_way_out() {
        let cases = [
            ("complex.npy", "<c16", "numpy.abs"),
            ("object.npy", "|O", "pickled"),
            ("text.npy", "<U3", "text"),
            ("bytes.npy", "|S3", "text"),
            ("records.npy", "records", "one field"),
            ("dates.npy", "<M8[s]", "dates"),
        ];
        for (name, dtype, way_out) in cases {
            let message = refusal_of(name);
            assert!(
                message.contains(dtype) && message.contains(way_out),
                "{message}"
            );
        }
    }

    #[test]
    fn files_that_are_cut_off_or_something_else_say_so() {
        assert!(refusal_of("cut_in_samples.npy").contains("cut off"));
        assert!(refusal_of("cut_in_header.npy").contains("ends within"));
        assert!(refusal_of("archive.npz").contains(".npz archive"));
        assert!(refusal_of("README.md").contains("no .npy file"));
        assert!(matches!(
            NpyFile::open(data("absent.npy")),
            Err(Error::File { .. })
        ));
        assert!(matches!(NpyFile::open(data("")), Err(Error::File { .. })));
    }

    #[test]
    fn hostile_headers_are_errors_and_not_panics() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let mut texts = vec![
            "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 4294967296)}".to_string(),
            "{'descr': '<f8', 'fortran_order': True, 'shape': (4294967296, 4294967296, 0)}".to_string(),
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846975,)}".to_string(),
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}".to_string(),
            "{'descr': '<f8', 'fortran_order': False, 'shape': (2.5,)}".to_string(),
            "{'descr': '<f8', 'fortran_order': False}".to_string(),
            "{'descr': '<q9', 'fortran_order': False, 'shape': ()}".to_string(),
            "{'descr': '', 'fortran_order': 3, 'shape': ()}".to_string(),
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1000,)}".to_string(),
            "[1, 2]".to_string(),
            "(".repeat(60_000),
        ];
        texts.push(format!(
            "{{'descr': {}1{}}}",
            "[".repeat(20_000),
            "]".repeat(20_000)
        ));
        for text in texts {
            let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
            bytes.extend((text.len() as u16).to_le_bytes());
            bytes.extend(text.as_bytes());
            fs::write(&path, bytes).unwrap();
            assert!(
                matches!(NpyFile::open(&path), Err(Error::BadFile { .. })),
                "{text:.80}"
            );
        }
        fs::write(&path, b"\x93NUMPY\x02\x00\xff\xff\xff\xff{").unwrap();
        assert!(
            NpyFile::open(&path)
                .unwrap_err()
                .to_string()
                .contains("header has")
        );
        fs::write(&path, b"\x93NUMPY\x09\x01..").unwrap();
        assert!(
            NpyFile::open(&path)
                .unwrap_err()
                .to_string()
                .contains("9.1")
        );
    }
}
