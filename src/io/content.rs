//! [`Content`]: the bytes of an input, in a file or in memory, and what kind of file they are.
//!
//! What cannot be read twice, a pipe or a device, is read once and kept in memory; everything else stays a path, opened
//! when it is read and closed again, so that thousands of inputs need one file handle. What kind of file it is tells the
//! first bytes, since a pipe has no name that would.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use crate::{Error, Result, memory};

/// Something to read from, back and forth.
pub(super) trait Bytes: BufRead + Seek + Send {}

impl<R: BufRead + Seek + Send> Bytes for R {}

/// Where the bytes of an input are.
#[derive(Clone)]
pub(super) enum Content {
    /// In a file that can be opened any number of times.
    File(PathBuf),
    /// In memory.
    Memory(Arc<[u8]>),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::File(path) => write!(f, "File({})", path.display()),
            Content::Memory(bytes) => write!(f, "Memory({} bytes)", bytes.len()),
        }
    }
}

impl Content {
    /// The content of a path; of a pipe or a device it is read.
    pub fn of(path: &Path) -> Result<Self> {
        let about = fs::metadata(path).map_err(|source| Error::unread(path, source))?;
        if about.is_file() {
            return Ok(Content::File(path.to_path_buf()));
        }
        if about.is_dir() {
            return Err(Error::unread(path, io::ErrorKind::IsADirectory.into()));
        }
        let file = File::open(path).map_err(|source| Error::unread(path, source))?;
        Self::read(path, file)
    }

    /// The content of a path that may end in an address, if there is no file of that name: the file, what it holds, and the
    /// place in it.
    pub fn find(path: &Path) -> Result<(PathBuf, Self, Address)> {
        match Self::of(path) {
            Ok(content) => Ok((path.to_path_buf(), content, Address::default())),
            Err(error) => {
                let (file, address) = addressed(path).ok_or(error)?;
                let content = Self::of(&file)?;
                Ok((file, content, address))
            }
        }
    }

    /// Everything that a stream gives; `name` is what errors call it.
    pub fn read(name: &Path, stream: impl Read) -> Result<Self> {
        // Its samples need room beside it.
        let limit = memory::available() / 4;
        let mut bytes = Vec::new();
        stream
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|source| Error::unread(name, source))?;
        if bytes.len() as u64 > limit {
            return Err(Error::OutOfMemory {
                what: "an input that comes as a stream",
                needed: 4 * bytes.len() as u64,
                available: memory::available(),
                way_out: "save it as a file, which is read in parts",
            });
        }
        Ok(Content::Memory(bytes.into()))
    }

    /// What it is when unpacked, if it is packed by gzip.
    pub fn unpacked(&self, name: &Path) -> Result<Self> {
        let bytes = self.open().map_err(|source| Error::unread(name, source))?;
        Self::read(name, MultiGzDecoder::new(bytes)).map_err(|error| match error {
            Error::File { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof => {
                Error::bad_file(name, "its gzip data is cut off; copy or download it again")
            }
            Error::File { source, .. } if source.get_ref().is_some() => {
                Error::bad_file(name, format!("its gzip data is damaged: {source}"))
            }
            other => other,
        })
    }

    /// Opens it at its beginning.
    pub fn open(&self) -> io::Result<Box<dyn Bytes>> {
        Ok(match self {
            Content::File(path) => Box::new(BufReader::with_capacity(1 << 16, File::open(path)?)),
            Content::Memory(bytes) => Box::new(Cursor::new(bytes.clone())),
        })
    }

    /// Its number of bytes.
    pub fn len(&self) -> io::Result<u64> {
        match self {
            Content::File(path) => Ok(fs::metadata(path)?.len()),
            Content::Memory(bytes) => Ok(bytes.len() as u64),
        }
    }

    /// Its first bytes, as many as there are.
    pub fn start<const N: usize>(&self) -> io::Result<Vec<u8>> {
        let mut start = Vec::with_capacity(N);
        self.open()?.take(N as u64).read_to_end(&mut start)?;
        Ok(start)
    }
}

/// What the first bytes of a file tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Npy,
    Zip,
    Fits,
    Tiff,
    Gzip,
    /// Anything else: a picture, as far as `image` knows it.
    Picture,
}

impl Kind {
    pub fn of(start: &[u8]) -> Self {
        match start {
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Kind::Npy,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Kind::Zip,
            [0x1F, 0x8B, 8, ..] => Kind::Gzip,
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Kind::Tiff,
            _ if start.starts_with(b"SIMPLE  =") => Kind::Fits,
            _ => Kind::Picture,
        }
    }
}

/// A place within a file, written behind its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Address {
    /// `data.npz:key`
    pub key: Option<String>,
    /// `stack.tif#2`
    pub page: Option<usize>,
}

/// The file and the place in it that a path means which is no file itself.
pub(super) fn addressed(path: &Path) -> Option<(PathBuf, Address)> {
    let is_there = |text: &str| {
        let path = Path::new(text);
        fs::metadata(path).is_ok_and(|about| !about.is_dir())
    };
    let text = path.to_str()?;
    let mut rest = text;
    let mut address = Address::default();
    if let Some((before, number)) = text.rsplit_once('#')
        && let Some(number) = number.parse().ok().filter(|&n| n > 0)
    {
        rest = before;
        address.page = Some(number);
    }
    if address.page.is_some() && is_there(rest) {
        return Some((rest.into(), address));
    }
    let mut colons = rest.match_indices(':').map(|(at, _)| at);
    let at = colons.rfind(|&at| is_there(&rest[..at]))?;
    address.key = Some(rest[at + 1..].to_string());
    Some((rest[..at].into(), address))
}
