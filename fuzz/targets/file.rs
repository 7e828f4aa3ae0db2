//! Bytes as a file, since the readers take paths.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use tempfile::TempDir;

/// The folder of this process, for files that are written anew with every input.
pub fn folder() -> PathBuf {
    static FOLDER: LazyLock<TempDir> =
        LazyLock::new(|| tempfile::tempdir().expect("a folder for temporary files"));
    FOLDER.path().to_path_buf()
}

/// Writes a file of this name into the folder.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    fs::write(&path, bytes).expect("room for temporary files");
    path
}
