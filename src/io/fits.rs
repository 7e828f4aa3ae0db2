//! [`Fits`]: images of FITS files, the format of astronomy.
//!
//! In comes the primary array and the image extensions of a file; out come planes of their physical values,
//! BZERO + BSCALE · v, with integers that are BLANK as NaN.
//!
//! - BITPIX 8 (unsigned), 16, 32, 64 (signed; unsigned by BZERO), −32 and −64 (floats). Unsigned numbers that BZERO makes of
//!   64 bits are added up as integers, so that nothing is rounded before it has to be.
//! - The axes of an array are those of FITS backwards, as astropy has them: NAXIS1, which runs fastest, is the last.
//!   Row 0 is the first in the file, which viewers of FITS show at the bottom.
//! - Every image of a file is read, in order: the planes of a cube, the arrays of several extensions. One array is named by
//!   its EXTNAME (`a.fits:SCI`; with its EXTVER, `a.fits:SCI,2`) or by its number, 0 being the primary one (`a.fits:1`).
//! - Tables, and arrays of fewer than two axes, hold no images and are passed over.
//!
//! Source: "Definition of the Flexible Image Transport System (FITS)", version 4.0 (2018).
//!
//! Leaves out, and refuses: images compressed in tiles (`.fits.fz`); random groups.
//!
//! Our own, since images of FITS are cards of 80 characters and big-endian numbers: of the crates, `fitsrs` panics on headers
//! without the keys it expects and brings an async runtime and coordinate projections, `fitrs` is GPL, and bindings to
//! CFITSIO are C.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::content::{Bytes, Content};
use super::options::ImageOptions;
use super::pixels::{Decoded, Planes, check_memory};
use crate::num::Real;
use crate::{Error, Result, memory};

/// Headers and data fill whole blocks of so many bytes.
const BLOCK: u64 = 2880;

/// A header of more blocks than this is none.
const MOST_BLOCKS: usize = 1 << 12;

/// The arrays of images of a file.
#[derive(Debug, Clone)]
pub(super) struct Fits {
    arrays: Vec<Array>,
    /// Whether labels say which of several arrays an image is of.
    several: bool,
}

/// An array of at least two axes.
#[derive(Debug, Clone)]
struct Array {
    /// Its number in the file, 0 for the primary one.
    number: usize,
    name: Option<String>,
    version: Option<i64>,
    /// Where its samples begin.
    at: u64,
    bits: i64,
    /// In the order of arrays: rows and columns last.
    shape: Vec<usize>,
    scale: f64,
    zero: f64,
    blank: Option<i64>,
}

/// What a header tells, as far as it is needed here.
#[derive(Debug, Default)]
struct Header {
    /// `None` of the primary array.
    extension: Option<String>,
    bits: i64,
    axes: Vec<Option<i64>>,
    parameters: i64,
    groups: i64,
    random_groups: bool,
    compressed: bool,
    name: Option<String>,
    version: Option<i64>,
    scale: Option<f64>,
    zero: Option<f64>,
    blank: Option<i64>,
}

impl Fits {
    /// Reads the headers; of the arrays those that `key` names, or all.
    pub fn open(name: &Path, content: &Content, key: Option<&str>) -> Result<Self> {
        let failed = |source| Error::unread(name, source);
        let refuse = |reason: String| Error::bad_file(name, reason);
        let mut bytes = content.open().map_err(failed)?;
        let length = content.len().map_err(failed)?;
        let mut arrays = Vec::new();
        let mut compressed = Vec::new();
        let mut at = 0;
        for number in 0.. {
            bytes.seek(SeekFrom::Start(at)).map_err(failed)?;
            let (header, len) = match read_header(&mut bytes, number == 0) {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => {
                    return Err(refuse(format!(
                        "it is cut off within the header of array {number}; copy or save it again"
                    )));
                }
                Err(source) if source.kind() == io::ErrorKind::InvalidData => {
                    return Err(refuse(format!("the header of array {number}: {source}")));
                }
                Err(source) => return Err(failed(source)),
            };
            let start = at + len;
            let size = header.data_bytes().ok_or_else(|| {
                refuse(format!("the header of array {number} has impossible axes"))
            })?;
            let end = start.saturating_add(size);
            if end > length {
                return Err(refuse(format!(
                    "it is cut off: array {number} ends at byte {end}, the file has {length}; copy or save it again"
                )));
            }
            if header.compressed {
                compressed.push(number);
            }
            arrays.extend(header.array(number, start).map_err(refuse)?);
            at = start.saturating_add(size.div_ceil(BLOCK) * BLOCK);
        }
        let all = arrays.len();
        let listed = list(&arrays);
        match key {
            Some(key) => arrays.retain(|array| array.is_called(key)),
            None if !compressed.is_empty() => {
                return Err(refuse(format!(
                    "its arrays {compressed:?} are images compressed in tiles; unpack them with funpack, or save them with astropy"
                )));
            }
            None => {}
        }
        match (arrays.is_empty(), key) {
            (true, Some(key)) => Err(refuse(format!(
                "it has no image {key:?}; it holds {listed}"
            ))),
            (true, None) => Err(refuse(
                "it holds no image: no array of it has two axes or more".to_string(),
            )),
            _ => Ok(Self {
                several: all > 1,
                arrays,
            }),
        }
    }

    /// The axes that its images are arranged in.
    pub fn axes(&self) -> Vec<usize> {
        match self.arrays.as_slice() {
            [one] => one.leading().to_vec(),
            several => vec![several.iter().map(Array::count).sum()],
        }
    }

    /// Height and width of an image.
    pub fn size(&self, index: usize) -> [usize; 2] {
        self.place(index).0.size()
    }

    /// What an image is called behind the name of the file.
    pub fn label(&self, index: usize) -> String {
        let (array, index) = self.place(index);
        let mut label = String::new();
        if self.several {
            label.push(':');
            label.push_str(&array.key());
        }
        if !array.leading().is_empty() {
            label.push_str(&format!(
                "{:?}",
                crate::grid::position(index, array.leading())
            ));
        }
        label
    }

    /// The array of an image, and its place in it.
    fn place(&self, mut index: usize) -> (&Array, usize) {
        for array in &self.arrays {
            if index < array.count() {
                return (array, index);
            }
            index -= array.count();
        }
        unreachable!("there are as many images as the arrays have")
    }

    /// Reads images, one after the other.
    pub fn planes<S: Real>(
        &self,
        name: &Path,
        content: &Content,
        options: &ImageOptions,
        range: Range<usize>,
    ) -> Result<Decoded<S>> {
        let mut bytes = content
            .open()
            .map_err(|source| Error::unread(name, source))?;
        let (fits, name, options) = (self.clone(), name.to_path_buf(), options.clone());
        Ok(Box::new(range.map(move |index| {
            let (array, index) = fits.place(index);
            array.plane(&name, &mut bytes, &options, index)
        })))
    }
}

/// The names of arrays: `SCI, ERR, 3`.
fn list(arrays: &[Array]) -> String {
    let keys: Vec<_> = arrays.iter().map(Array::key).collect();
    if keys.is_empty() {
        return "none".to_string();
    }
    keys.join(", ")
}

impl Array {
    fn leading(&self) -> &[usize] {
        &self.shape[..self.shape.len() - 2]
    }

    fn count(&self) -> usize {
        self.leading().iter().product()
    }

    fn size(&self) -> [usize; 2] {
        let axes = self.shape.len();
        [self.shape[axes - 2], self.shape[axes - 1]]
    }

    /// Its name, or its number.
    fn key(&self) -> String {
        match (&self.name, self.version) {
            (None, _) => self.number.to_string(),
            (Some(name), None | Some(1)) => name.clone(),
            (Some(name), Some(version)) => format!("{name},{version}"),
        }
    }

    fn is_called(&self, key: &str) -> bool {
        let same = |name: &str| {
            self.name
                .as_ref()
                .is_some_and(|own| own.eq_ignore_ascii_case(name.trim()))
        };
        if key.trim().parse() == Ok(self.number) || same(key) {
            return true;
        }
        let named = key.rsplit_once(',');
        named.is_some_and(|(name, version)| {
            same(name) && version.trim().parse() == Ok(self.version.unwrap_or(1))
        })
    }

    /// One of its planes.
    fn plane<S: Real>(
        &self,
        name: &Path,
        bytes: &mut Box<dyn Bytes>,
        options: &ImageOptions,
        index: usize,
    ) -> Result<Planes<S>> {
        let size = self.size();
        let width = self.bits.unsigned_abs() as usize / 8;
        let len = memory::count(&size).saturating_mul(width as u64);
        check_memory::<S>(size, options, 0)?;
        let at = self.at + index as u64 * len;
        let mut samples = Vec::with_capacity(size[0] * size[1]);
        let mut row = vec![0; size[1] * width];
        let mut read = || -> io::Result<()> {
            bytes.seek(SeekFrom::Start(at))?;
            for _ in 0..size[0] {
                bytes.read_exact(&mut row)?;
                samples.extend(
                    row.chunks_exact(width)
                        .map(|bytes| S::narrow(self.value(bytes))),
                );
            }
            Ok(())
        };
        match read() {
            Ok(()) => Ok(Planes { samples, size }),
            Err(source) if source.kind() == io::ErrorKind::UnexpectedEof => Err(Error::bad_file(
                name,
                "it is cut off before its last sample; copy or save it again",
            )),
            Err(source) => Err(Error::unread(name, source)),
        }
    }

    /// The physical value of a stored sample.
    fn value(&self, bytes: &[u8]) -> f64 {
        let float = match (self.bits, bytes) {
            (-32, &[a, b, c, d]) => Some(f64::from(f32::from_be_bytes([a, b, c, d]))),
            (-64, &[a, b, c, d, e, f, g, h]) => Some(f64::from_be_bytes([a, b, c, d, e, f, g, h])),
            _ => None,
        };
        if let Some(value) = float {
            return self.zero + self.scale * value;
        }
        let value = match *bytes {
            [a] => i64::from(a),
            [a, b] => i64::from(i16::from_be_bytes([a, b])),
            [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => i64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => unreachable!("BITPIX was checked"),
        };
        if self.blank == Some(value) {
            return f64::NAN;
        }
        if self.scale == 1.0 && self.zero.fract() == 0.0 && self.zero.abs() <= 2_f64.powi(63) {
            return (i128::from(value) + self.zero as i128) as f64;
        }
        self.zero + self.scale * value as f64
    }
}

impl Header {
    /// How many bytes of data follow it; `None` if no file has as many.
    fn data_bytes(&self) -> Option<u64> {
        let mut axes = self.axes.iter().map(|&side| u64::try_from(side?).ok());
        if self.axes.is_empty() {
            return Some(0);
        }
        if self.random_groups {
            axes.next();
        }
        let samples = axes.try_fold(1_u64, |n, side| n.checked_mul(side?))?;
        let group = samples.checked_add(u64::try_from(self.parameters).ok()?)?;
        group
            .checked_mul(u64::try_from(self.groups).ok()?)?
            .checked_mul(self.bits.unsigned_abs() / 8)
            .filter(|&bytes| bytes <= i64::MAX as u64)
    }

    /// Its array, if it is one of images; or why it cannot be used.
    fn array(self, number: usize, at: u64) -> Result<Option<Array>, String> {
        let is_image = match &self.extension {
            None => true,
            Some(kind) => matches!(kind.as_str(), "IMAGE" | "IUEIMAGE"),
        };
        if self.random_groups {
            return Err("its samples are random groups; save them as images".to_string());
        }
        let sides = self
            .axes
            .iter()
            .rev()
            .map(|&side| side.unwrap_or(0) as usize);
        let shape: Vec<usize> = sides.collect();
        if !is_image || shape.len() < 2 || shape.contains(&0) {
            return Ok(None);
        }
        Ok(Some(Array {
            number,
            name: self.name,
            version: self.version,
            at,
            bits: self.bits,
            shape,
            scale: self.scale.unwrap_or(1.0),
            zero: self.zero.unwrap_or(0.0),
            blank: self.blank,
        }))
    }

    /// Takes in a card of 80 characters.
    fn card(&mut self, card: &[u8]) -> io::Result<()> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_string());
        let key = String::from_utf8_lossy(&card[..8]);
        let key = key.trim_end();
        if &card[8..10] != b"= " {
            return Ok(());
        }
        let value = Value::of(&card[10..]);
        let integer = || {
            value
                .integer()
                .ok_or_else(|| invalid(&format!("{key} is no whole number")))
        };
        match key {
            "BITPIX" => self.bits = integer()?,
            "NAXIS" => {
                let axes = integer()?;
                if !(0..=999).contains(&axes) {
                    return Err(invalid("NAXIS is not from 0 to 999"));
                }
                self.axes = vec![None; axes as usize];
            }
            "PCOUNT" => self.parameters = integer()?,
            "GCOUNT" => self.groups = integer()?,
            "GROUPS" => self.random_groups = value.is_true(),
            "ZIMAGE" => self.compressed = value.is_true(),
            "XTENSION" => self.extension = value.text(),
            "EXTNAME" => self.name = value.text().filter(|name| !name.is_empty()),
            "EXTVER" => self.version = value.integer(),
            "BSCALE" => {
                self.scale = Some(
                    value
                        .float()
                        .ok_or_else(|| invalid("BSCALE is no number"))?,
                )
            }
            "BZERO" => {
                self.zero = Some(value.float().ok_or_else(|| invalid("BZERO is no number"))?)
            }
            // Of floats it has no meaning, and no need to be a whole number.
            "BLANK" => self.blank = value.integer(),
            _ => {
                let axis = key
                    .strip_prefix("NAXIS")
                    .and_then(|n| n.parse::<usize>().ok());
                let side = axis.and_then(|n| self.axes.get_mut(n.wrapping_sub(1)));
                if let Some(side) = side {
                    *side = Some(integer()?);
                }
            }
        }
        Ok(())
    }
}

/// The text of a card behind its key.
struct Value<'a>(&'a [u8]);

impl<'a> Value<'a> {
    fn of(field: &'a [u8]) -> Self {
        Self(field)
    }

    /// A string in quotation marks, in which two of them stand for one.
    fn text(&self) -> Option<String> {
        let field = String::from_utf8_lossy(self.0).trim_start().to_string();
        let mut rest = field.strip_prefix('\'')?.chars().peekable();
        let mut text = String::new();
        while let Some(c) = rest.next() {
            if c == '\'' && rest.next_if_eq(&'\'').is_none() {
                break;
            }
            text.push(c);
        }
        Some(text.trim_end().to_string())
    }

    /// Anything else ends where a comment begins.
    fn word(&self) -> String {
        let field = String::from_utf8_lossy(self.0);
        let word = field.split('/').next().unwrap_or_default();
        word.trim().to_string()
    }

    fn is_true(&self) -> bool {
        self.word() == "T"
    }

    fn integer(&self) -> Option<i64> {
        let word = self.word();
        word.parse().ok().or_else(|| {
            // Some programs write whole numbers as floats.
            let float = self.float()?;
            (float.fract() == 0.0 && float.abs() < 2_f64.powi(53)).then_some(float as i64)
        })
    }

    /// A number, whose exponent may be written with a D, as Fortran has it.
    fn float(&self) -> Option<f64> {
        let word = self.word().replace(['D', 'd'], "E");
        word.parse().ok().filter(|value: &f64| value.is_finite())
    }
}

/// The next header and how many bytes it has; nothing if there is none.
fn read_header(bytes: &mut impl Read, primary: bool) -> io::Result<Option<(Header, u64)>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_string());
    let mut header = Header {
        groups: 1,
        ..Header::default()
    };
    let mut block = [0; BLOCK as usize];
    for blocks in 1..=MOST_BLOCKS {
        let mut read = 0;
        while read < block.len() {
            match bytes.read(&mut block[read..])? {
                0 => break,
                some => read += some,
            }
        }
        let begins = if primary { b"SIMPLE  =" } else { b"XTENSION=" };
        if blocks == 1 && !block[..read].starts_with(begins) {
            // What follows the last array belongs to nobody.
            return if primary {
                Err(invalid("it does not begin with SIMPLE"))
            } else {
                Ok(None)
            };
        }
        for card in block[..read].chunks_exact(80) {
            if card.starts_with(b"END") && card[3..8].iter().all(|&byte| byte == b' ') {
                if read < block.len() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                if !matches!(header.bits, 8 | 16 | 32 | 64 | -32 | -64) {
                    return Err(invalid(&format!(
                        "BITPIX is {}, not 8, 16, 32, 64, -32 or -64",
                        header.bits
                    )));
                }
                return Ok(Some((header, blocks as u64 * BLOCK)));
            }
            header.card(card)?;
        }
        if read < block.len() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Err(invalid("it has no end"))
}
