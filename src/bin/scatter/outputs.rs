//! What commands make on disk beside arrays and pictures: folders and texts.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use anyhow::{Context, Result};
use wavelet_scattering::io::Staged;

/// Makes a folder within one that exists, unless it is there.
pub fn create_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = fs::create_dir(folder);
    let missing = matches!(&made, Err(error) if error.kind() == ErrorKind::NotFound);
    made.with_context(|| {
        let way_out = if missing {
            "; its parent must exist"
        } else {
            ""
        };
        format!("cannot create the folder {}{way_out}", folder.display())
    })
}

/// A file of text, to be committed together with others.
pub fn text_file(path: impl AsRef<Path>, text: &str) -> Result<Staged> {
    let mut file = Staged::create(path)?;
    file.write_all(text.as_bytes())
        .map_err(|source| file.write_error(source))?;
    Ok(file)
}
