//! What the names in a folder mean: which files are there, and what each is for.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::packed::unpacked;
use crate::{Error, Result};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Train,
    Test,
}

impl Role {
    pub fn of(path: &Path) -> Option<Self> {
        let name = lower_name(path);
        if name.contains("train") || name.contains("data_batch") {
            Some(Role::Train)
        } else if name.contains("test") || name.contains("t10k") {
            Some(Role::Test)
        } else {
            None
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Role::Train => "training",
            Role::Test => "test",
        }
    }
}

/// What stands in a folder, sorted by name, hidden names left out.
#[derive(Clone)]
pub(super) struct Listing {
    pub path: PathBuf,
    pub files: Vec<PathBuf>,
    pub folders: Vec<PathBuf>,
}

impl Listing {
    pub fn new(path: &Path) -> Result<Self> {
        let mut entries = fs::read_dir(path)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(|source| Error::unread(path, source))?;
        entries.retain(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
        entries.sort_by_key(fs::DirEntry::file_name);
        let (folders, files) = entries
            .into_iter()
            .map(|entry| entry.path())
            .partition(|path| path.is_dir());
        Ok(Self {
            path: path.to_path_buf(),
            files,
            folders,
        })
    }

    /// The files whose lower-case name, without `.gz`, passes.
    pub fn named(&self, pass: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let passes = |path: &&PathBuf| pass(without_gz(&lower_name(path)));
        self.files.iter().filter(passes).cloned().collect()
    }

    /// The one of `candidates` that is meant; of a file and its compressed twin, the file.
    pub fn only(&self, mut candidates: Vec<PathBuf>, what: &str) -> Result<PathBuf> {
        let all = candidates.clone();
        candidates.retain(|path| {
            let name = lower_name(path);
            let plain = without_gz(&name);
            plain == name || !all.iter().any(|other| lower_name(other) == plain)
        });
        match candidates.as_slice() {
            [one] => Ok(one.clone()),
            [] => Err(Error::bad_file(
                &self.path,
                format!(
                    "it has no file of {what}; the names are explained in the documentation of io::dataset"
                ),
            )),
            several => Err(Error::bad_file(
                &self.path,
                format!(
                    "it has {} files of {what} ({}); leave one",
                    several.len(),
                    several
                        .iter()
                        .map(|path| lower_name(path))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            )),
        }
    }
}

/// The lines of a file with the names of the classes.
pub(super) fn class_names(listing: &Listing) -> Result<Option<Vec<String>>> {
    let mut files = listing.named(|name| matches!(name, "classes.txt" | "batches.meta.txt"));
    let Some(path) = files.pop() else {
        return Ok(None);
    };
    let text = String::from_utf8(unpacked(&path)?)
        .map_err(|_| Error::bad_file(&path, "it is no text in UTF-8".to_string()))?;
    let names: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(String::from)
        .collect();
    Ok(Some(names))
}

pub(super) fn lower_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase()
}

pub(super) fn without_gz(name: &str) -> &str {
    name.strip_suffix(".gz").unwrap_or(name)
}
