//! [`Staged`]: a file that appears whole or not at all.
//!
//! In come bytes; out comes a file at its destination, after [`commit`](Staged::commit) and not before. Until then
//! the bytes are in a file beside it, `.<name>.<random>.partial`, which vanishes when the [`Staged`] is dropped.
//!
//! Conventions that bite:
//! - The destination's folder must exist. A folder made for a mistyped path is harder to notice than an error.
//! - A file at the destination is replaced, and the new one has the permissions of a new file (`0666 & !umask`).
//! - A destination that is a symbolic link to a file stays one; the file behind it is replaced.
//! - Renaming replaces whatever stands there, so anything but a file (a folder, a pipe, `/dev/null`) is refused.
//!
//! Leaves out: renaming several files is not one step for the system. [`commit_all`] renames only after every file has
//! been written completely and reached the disk, which leaves a crash between two renames as the one way to part them.

use std::fs;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::{Error, Result};

/// Larger than the default of 8 KiB: rows of features come in hundreds of kilobytes.
const BUFFER: usize = 1 << 16;

/// A file being written beside its destination; see the [module](self).
///
/// ```
/// use std::io::Write;
///
/// # let folder = tempfile::tempdir()?;
/// let path = folder.path().join("notes.txt");
/// let mut file = wavelet_scattering::io::Staged::create(&path)?;
/// file.write_all(b"all of it")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert_eq!(std::fs::read(&path)?, b"all of it");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    /// `path`, or what it links to.
    target: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl Staged {
    /// Opens a file beside `path`, which it will replace on [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`Error::BadPath`] if the folder does not exist or `path` cannot name a regular file; [`Error::File`], naming
    /// the folder, if no file can be created in it.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bad = |path: &Path, reason: &str| {
            Err(Error::BadPath {
                path: path.to_path_buf(),
                reason: reason.to_string(),
            })
        };
        let folder = folder_of(path);
        if !folder.is_dir() {
            return bad(
                folder,
                "the output folder does not exist and is never created; create it first",
            );
        }
        let ends_as_a_folder = path
            .to_string_lossy()
            .chars()
            .next_back()
            .is_some_and(std::path::is_separator);
        let Some(name) = path.file_name().filter(|_| !ends_as_a_folder) else {
            return bad(path, "it names a folder; add the name of the file to write");
        };
        let target = match fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                return bad(path, "it is a folder; name a file inside it");
            }
            Ok(there) if !there.is_file() => {
                return bad(
                    path,
                    "it is a device or a pipe, which a finished file cannot replace; name a file",
                );
            }
            Ok(_) if path.is_symlink() => fs::canonicalize(path).map_err(|source| Error::File {
                action: "follow the link",
                path: path.to_path_buf(),
                source,
            })?,
            _ => path.to_path_buf(),
        };
        let prefix = prefix(&name.to_string_lossy());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".partial");
        #[cfg(unix)]
        {
            // The default is 0600, made for secrets. The system takes the umask off.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let folder = folder_of(&target);
        let file = builder.tempfile_in(folder).map_err(|source| Error::File {
            action: "create a file in",
            path: folder.to_path_buf(),
            source: plain(source),
        })?;
        Ok(Self {
            path: path.to_path_buf(),
            target,
            file: BufWriter::with_capacity(BUFFER, file),
        })
    }

    /// The destination.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What to return when writing failed: an [`Error::File`] that names the destination.
    pub fn write_error(&self, source: io::Error) -> Error {
        write_error(&self.path, source)
    }

    /// Puts the file in its place, replacing what is there.
    ///
    /// # Errors
    /// [`Error::File`] if the last bytes do not reach the disk or the destination cannot be replaced; it is then as
    /// it was.
    pub fn commit(self) -> Result<()> {
        commit_all([self])
    }

    /// The temporary file, rewound and to be read back, with everything written so far in it.
    pub(super) fn read_back(&mut self) -> io::Result<&mut fs::File> {
        self.file.flush()?;
        self.file.rewind()?;
        Ok(self.file.get_mut().as_file_mut())
    }

    /// Everything in the file and the file on the disk. A full disk, a quota or a lost network drive shows here, not
    /// after the rename, where it would be too late.
    fn settle(&mut self) -> Result<()> {
        let settled = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().as_file().sync_all());
        settled.map_err(|source| self.write_error(source))
    }
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Staged {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Puts several files in their places, the first rename coming after the last byte of all of them.
///
/// # Errors
/// [`Error::File`] as in [`Staged::commit`]. If bytes do not reach the disk, every destination is as it was; if a
/// rename fails, the files before it in the list have been replaced.
pub fn commit_all(files: impl IntoIterator<Item = Staged>) -> Result<()> {
    let mut files: Vec<Staged> = files.into_iter().collect();
    for file in &mut files {
        file.settle()?;
    }
    for Staged { path, target, file } in files {
        let (file, unwritten) = file.into_parts();
        debug_assert!(
            unwritten.is_ok_and(|bytes| bytes.is_empty()),
            "settled files have nothing left to write"
        );
        file.persist(&target).map_err(|refused| Error::File {
            action: "replace",
            path,
            source: refused.error,
        })?;
    }
    Ok(())
}

/// The folder that holds `path`, `.` for a bare name.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// An [`Error::File`] about writing to `path`.
pub(super) fn write_error(path: &Path, source: io::Error) -> Error {
    Error::File {
        action: "write",
        path: path.to_path_buf(),
        source,
    }
}

/// The start of the temporary name. Names may have 255 bytes and many do not leave room for more.
fn prefix(name: &str) -> String {
    let mut end = name.len().min(200);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!(".{}.", &name[..end])
}

/// The system's error without the temporary path that `tempfile` adds to it, which means nothing to the reader.
fn plain(source: io::Error) -> io::Error {
    match source.kind() {
        io::ErrorKind::Other => source,
        kind => io::Error::from(kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn a_dropped_file_leaves_nothing_behind_and_the_old_one_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.npy");
        fs::write(&path, "old").unwrap();
        let mut file = Staged::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        let names = names_in(folder.path());
        assert_eq!(names.len(), 2);
        assert!(
            names.iter().any(|name| name.starts_with(".out.npy.")),
            "{names:?}"
        );
        drop(file);
        assert_eq!(names_in(folder.path()), ["out.npy"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    #[test]
    fn a_committed_file_replaces_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, "old and long").unwrap();
        let mut file = Staged::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(names_in(folder.path()), ["out"]);
    }

    #[test]
    fn files_committed_together_all_appear() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        let files = [&a, &b].map(|path| {
            let mut file = Staged::create(path).unwrap();
            write!(file, "{}", path.display()).unwrap();
            file
        });
        assert!(!a.exists() && !b.exists());
        commit_all(files).unwrap();
        assert_eq!(fs::read_to_string(&b).unwrap(), b.display().to_string());
        assert!(a.exists());
    }

    #[test]
    fn a_missing_folder_is_named_and_not_created() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("results");
        let message = Staged::create(missing.join("out.npy"))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with(&missing.display().to_string()),
            "{message}"
        );
        assert!(message.contains("never created"), "{message}");
        assert!(!missing.exists());
    }

    #[test]
    fn folders_and_names_of_folders_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        assert!(
            Staged::create(&inner)
                .unwrap_err()
                .to_string()
                .contains("is a folder")
        );
        assert!(Staged::create(format!("{}/new/", folder.path().display())).is_err());
        assert!(Staged::create(inner.join("..")).is_err());
        assert!(Staged::create("").is_err());
    }

    #[test]
    fn a_name_of_the_greatest_length_can_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ö".repeat(127));
        Staged::create(&path).unwrap().commit().unwrap();
        assert!(path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn permissions_are_those_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [plain, staged] = ["plain", "staged"].map(|name| folder.path().join(name));
        fs::write(&plain, "").unwrap();
        Staged::create(&staged).unwrap().commit().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&staged), mode(&plain));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_stays_a_device() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link] = ["target", "link"].map(|name| folder.path().join(name));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink("target", &link).unwrap();
        let mut file = Staged::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.commit().unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert!(
            Staged::create("/dev/null")
                .unwrap_err()
                .to_string()
                .contains("device")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_without_write_permission_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let locked = folder.path().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
        match Staged::create(locked.join("out")) {
            Err(error) => {
                let message = error.to_string();
                assert!(
                    message == format!("cannot create a file in {}", locked.display()),
                    "{message}"
                );
            }
            // The superuser may write anywhere, and leaves as little behind as anyone.
            Ok(staged) => {
                drop(staged);
                assert!(names_in(&locked).is_empty());
            }
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_write_error_names_the_destination_and_not_the_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npy");
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let source = (&full).write_all(b"x").unwrap_err();
        let error = Staged::create(&path).unwrap().write_error(source);
        assert_eq!(
            error.to_string(),
            format!("cannot write {}", path.display())
        );
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.starts_with("No space left"), "{cause}");
    }
}
