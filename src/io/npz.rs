//! [`Archive`]: the arrays of a NumPy archive, read as they stand in it.
//!
//! In comes a `.npz`, compressed or not; out comes any of its arrays, as a stream: nothing is unpacked to a file first.
//! What an array holds is checked against the checksum of the archive when its last byte is read.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use flate2::CrcReader;
use flate2::bufread::DeflateDecoder;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::content::{Address, Content, addressed};
use super::npy::NpyFile;
use crate::{Error, Result};

/// What the names of arrays end in inside the archive.
const END: &str = ".npy";

/// Opens a `.npy` file, or an array of an archive, `data.npz:key`, and reads its header.
///
/// # Errors
/// As [`NpyFile::open`]; [`Error::BadFile`] for an archive without such an array, with the names of those that it has.
///
/// ```no_run
/// let moduli = wavelet_scattering::io::open_array("features.npz:j0t3")?.read::<f32>()?;
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn open_array(path: impl AsRef<Path>) -> Result<NpyFile> {
    let path = path.as_ref();
    match addressed(path).filter(|_| !path.exists()) {
        Some((file, Address { key: Some(key), .. })) => {
            Archive::open(&file, &Content::of(&file)?)?.array(&key)
        }
        _ => NpyFile::open(path),
    }
}

/// An archive whose table of contents is known.
#[derive(Debug, Clone)]
pub(super) struct Archive {
    path: PathBuf,
    content: Content,
    entries: Vec<Entry>,
}

/// An array in it.
#[derive(Debug, Clone)]
struct Entry {
    key: String,
    /// Where its bytes begin.
    at: u64,
    deflated: bool,
    packed: u64,
    bytes: u64,
    checksum: u32,
}

impl Archive {
    /// Reads the table of contents; `path` is what errors call it.
    pub fn open(path: &Path, content: &Content) -> Result<Self> {
        let refused = |error: ZipError| match error {
            ZipError::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
                Error::unread(path, source)
            }
            other => Error::bad_file(
                path,
                format!("it cannot be used as an archive of arrays: {other}"),
            ),
        };
        let bytes = content
            .open()
            .map_err(|source| Error::unread(path, source))?;
        let mut zip = ZipArchive::new(bytes).map_err(refused)?;
        let mut entries = Vec::new();
        for index in 0..zip.len() {
            let entry = zip.by_index_raw(index).map_err(refused)?;
            let Some(key) = entry
                .name()
                .ok()
                .and_then(|name| name.strip_suffix(END).map(String::from))
            else {
                continue;
            };
            let deflated = match entry.compression() {
                CompressionMethod::Stored => false,
                CompressionMethod::Deflated => true,
                other => {
                    return Err(Error::bad_file(
                        path,
                        format!(
                            "{key} is compressed by {other}; save it with numpy.savez_compressed"
                        ),
                    ));
                }
            };
            if entry.encrypted() {
                return Err(Error::bad_file(path, format!("{key} is encrypted")));
            }
            let at = entry
                .data_start()
                .ok_or_else(|| Error::bad_file(path, format!("{key} is damaged")))?;
            entries.push(Entry {
                at,
                deflated,
                packed: entry.compressed_size(),
                bytes: entry.size(),
                checksum: entry.crc32(),
                key,
            });
        }
        Ok(Self {
            path: path.to_path_buf(),
            content: content.clone(),
            entries,
        })
    }

    /// The names of its arrays, in their order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// The array of this name, opened for reading.
    pub fn array(&self, key: &str) -> Result<NpyFile> {
        let (reader, bytes) = self.reader(key)?;
        NpyFile::new(self.path.join(key), reader, Some(bytes))
    }

    /// The bytes of the array of this name, and their number.
    pub fn reader(&self, key: &str) -> Result<(Box<dyn Read + Send>, u64)> {
        let Some(entry) = self.entries.iter().find(|entry| entry.key == key) else {
            return Err(Error::bad_file(
                &self.path,
                format!("it has no array {key}; it holds {}", self.listed()),
            ));
        };
        let failed = |source| Error::unread(&self.path, source);
        let mut bytes = self.content.open().map_err(failed)?;
        bytes.seek(SeekFrom::Start(entry.at)).map_err(failed)?;
        let packed = bytes.take(entry.packed);
        let plain: Box<dyn Read + Send> = if entry.deflated {
            Box::new(DeflateDecoder::new(packed))
        } else {
            Box::new(packed)
        };
        let checked = Checked {
            bytes: CrcReader::new(plain),
            left: entry.bytes,
            checksum: entry.checksum,
        };
        let reader = BufReader::with_capacity(1 << 16, checked);
        Ok((Box::new(reader), entry.bytes))
    }

    /// The one array of images: of the arrays of numbers the one with two axes or more.
    pub fn images(&self) -> Result<(String, NpyFile)> {
        self.only("images", 2)
    }

    /// The one array of signals: the one with two axes or more, or, where there is none, the one with one axis.
    #[cfg(feature = "sound")]
    pub fn signals(&self) -> Result<(String, NpyFile)> {
        let several = |key| self.array(key).is_ok_and(|array| array.shape().len() >= 2);
        self.only("signals", if self.keys().any(several) { 2 } else { 1 })
    }

    /// The one array of numbers with so many axes or more.
    fn only(&self, what: &str, axes: usize) -> Result<(String, NpyFile)> {
        let mut found = Vec::new();
        let mut others = Vec::new();
        for key in self.keys() {
            match self.array(key) {
                Ok(array) if array.shape().len() >= axes => found.push((key.to_string(), array)),
                Ok(array) => others.push(format!("{key} {:?}", array.shape())),
                Err(_) => others.push(format!("{key} (no numbers)")),
            }
        }
        if found.len() == 1 {
            return Ok(found.remove(0));
        }
        let path = self.path.display();
        let listed = found
            .iter()
            .map(|(key, array)| format!("{key} {:?}", array.shape()))
            .chain(others);
        let listed: Vec<_> = listed.collect();
        Err(Error::bad_file(
            &self.path,
            match (listed.as_slice(), found.first()) {
                ([], _) => "it holds no arrays".to_string(),
                (_, None) => format!("it holds no array of {what}, only {}", listed.join(", ")),
                (_, Some((key, _))) => format!(
                    "it holds several arrays, {}; say which one, as {path}:{key}",
                    listed.join(", ")
                ),
            },
        ))
    }

    /// The names as a sentence has them.
    pub fn listed(&self) -> String {
        let keys: Vec<_> = self.keys().collect();
        if keys.is_empty() {
            return "no arrays".to_string();
        }
        keys.join(", ")
    }
}

/// The bytes of an entry, which have to be as many as the archive says and to have its checksum.
struct Checked<R> {
    bytes: CrcReader<R>,
    left: u64,
    checksum: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = (buffer.len() as u64).min(self.left) as usize;
        if most == 0 {
            return Ok(0);
        }
        let read = self.bytes.read(&mut buffer[..most])?;
        self.left -= read as u64;
        if self.left == 0 && self.bytes.crc().sum() != self.checksum {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its checksum is wrong: it is damaged, copy or save it again",
            ));
        }
        Ok(read)
    }
}
