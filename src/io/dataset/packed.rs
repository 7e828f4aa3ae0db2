//! Contents of files that may be compressed with gzip.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::memory;
use crate::{Error, Result};

/// The content of a file, decompressed if it is compressed.
pub(super) fn unpacked(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(|source| Error::unread(path, source))?;
    unpacked_bytes(path, BufReader::with_capacity(1 << 16, file))
}

/// The content of a stream, decompressed if it is compressed; `path` is what errors call it.
pub(super) fn unpacked_bytes(path: &Path, mut packed: impl BufRead) -> Result<Vec<u8>> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::UnexpectedEof => {
            Error::bad_file(path, "its gzip data is cut off; copy or download it again")
        }
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Error::bad_file(path, format!("its gzip data is damaged: {source}"))
        }
        _ => Error::unread(path, source),
    };
    let is_gzip = packed
        .fill_buf()
        .map_err(failed)?
        .starts_with(&[0x1F, 0x8B]);
    // A byte becomes a sample of four, and a few kilobytes of gzip can become anything.
    let limit = (memory::available() / 5).saturating_add(1);
    let mut bytes = Vec::new();
    let read = if is_gzip {
        MultiGzDecoder::new(packed)
            .take(limit)
            .read_to_end(&mut bytes)
    } else {
        packed.take(limit).read_to_end(&mut bytes)
    };
    read.map_err(failed)?;
    memory::require(
        "the samples of a data set",
        5 * bytes.len() as u64,
        "make a smaller one of it",
    )?;
    Ok(bytes)
}
