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
//! A program that has to end at once, its threads still writing, calls [`abandon_all`] first.
//!
//! Leaves out: renaming several files is not one step for the system. [`commit_all`] renames only after every file has
//! been written completely and reached the disk, and takes back what it renamed if a later rename fails, which leaves a
//! crash between two renames as the one way to part them.

use std::fs;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{NamedTempFile, TempPath};

use crate::{Error, Result};

/// Larger than the default of 8 KiB: rows of features come in hundreds of kilobytes.
const BUFFER: usize = 1 << 16;

/// What is staged in this process. Locked while a file is made or removed, and while files are put in their places, so
/// that whoever holds the lock finds no file half-way.
static STAGED: Mutex<Registry> = Mutex::new(Registry {
    names: Vec::new(),
    committed: 0,
});

struct Registry {
    /// The temporary files there are.
    names: Vec<PathBuf>,
    /// How many have been put in their places.
    committed: usize,
}

fn registry() -> MutexGuard<'static, Registry> {
    STAGED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name in the [`Registry`], for as long as there may be a file of that name.
#[derive(Debug)]
struct Registered(PathBuf);

impl Drop for Registered {
    fn drop(&mut self) {
        registry().names.retain(|name| *name != self.0);
    }
}

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
    /// Behind `file`, which is gone when this is dropped.
    registered: Registered,
}

impl Staged {
    /// Opens a file beside `path`, which it will replace on [`commit`](Self::commit).
    ///
    /// # Errors
    /// [`Error::BadPath`] if the folder does not exist or `path` cannot name a regular file; [`Error::File`] if the system
    /// refuses the name, as one that is too long, or, naming the folder, if no file can be created in it.
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
            // The name itself is not tried before the end: the temporary one is shorter than a long one.
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(Error::File {
                    action: "create",
                    path: path.to_path_buf(),
                    source,
                });
            }
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
        let mut registry = registry();
        let file = builder.tempfile_in(folder).map_err(|source| Error::File {
            action: "create a file in",
            path: folder.to_path_buf(),
            source: plain(source),
        })?;
        registry.names.push(file.path().to_path_buf());
        Ok(Self {
            path: path.to_path_buf(),
            target,
            registered: Registered(file.path().to_path_buf()),
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

/// Puts several files in their places, all or none, the first rename coming after the last byte of all of them.
///
/// # Errors
/// [`Error::File`] as in [`Staged::commit`]. Every destination is then as it was.
pub fn commit_all(files: impl IntoIterator<Item = Staged>) -> Result<()> {
    let mut files: Vec<Staged> = files.into_iter().collect();
    for file in &mut files {
        file.settle()?;
    }
    // Names leave the registry when it is open again, whether or not all goes well.
    let mut names = Vec::with_capacity(files.len());
    let parts: Vec<_> = (files.into_iter())
        .map(|staged| {
            names.push(staged.registered);
            (staged.path, staged.target, staged.file)
        })
        .collect();
    let last = parts.len().saturating_sub(1);
    let mut registry = registry();
    let mut placed = Placed::default();
    for (index, (path, target, file)) in parts.into_iter().enumerate() {
        let (file, unwritten) = file.into_parts();
        debug_assert!(
            unwritten.is_ok_and(|bytes| bytes.is_empty()),
            "settled files have nothing left to write"
        );
        // No rename follows that of the last file, after which it would have to go back.
        placed
            .replace(target, file.into_temp_path(), index < last)
            .map_err(|source| Error::File {
                action: "replace",
                path,
                source,
            })?;
    }
    registry.committed += placed.0.len();
    placed.keep();
    Ok(())
}

/// Files in their places, with what stood there before. Dropped, it puts everything back.
#[derive(Default)]
struct Placed(Vec<(PathBuf, Option<TempPath>)>);

impl Placed {
    /// Puts one more file in its place; if that fails, what stands there stays.
    fn replace(&mut self, target: PathBuf, new: TempPath, may_go_back: bool) -> io::Result<()> {
        let old = if may_go_back { aside(&target)? } else { None };
        if let Err(refused) = new.persist(&target) {
            if let Some(old) = old {
                put_back(&target, old);
            }
            return Err(refused.error);
        }
        self.0.push((target, old));
        Ok(())
    }

    /// Lets the new files stand; the old ones go with their second names.
    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for Placed {
    fn drop(&mut self) {
        for (target, old) in self.0.drain(..).rev() {
            match old {
                Some(old) => put_back(&target, old),
                // Nothing is left to do if it cannot be removed; the error that led here is on its way.
                None => drop(fs::remove_file(&target)),
            }
        }
    }
}

/// What stands at `target`, if anything but a folder does, under a second name beside it.
fn aside(target: &Path) -> io::Result<Option<TempPath>> {
    match fs::symlink_metadata(target) {
        Ok(there) if !there.is_dir() => {}
        _ => return Ok(None),
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let prefix = prefix(&name);
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".old");
    let folder = folder_of(target);
    // A second link leaves the first where it is. Where there are no links, the file has to move.
    let old = builder
        .make_in(folder, |second| fs::hard_link(target, second))
        .or_else(|_| builder.make_in(folder, |second| fs::rename(target, second)))?;
    Ok(Some(old.into_temp_path()))
}

/// Undoes [`aside`].
fn put_back(target: &Path, old: TempPath) {
    let second = old.to_path_buf();
    match old.persist(target) {
        // Two names of one file: renaming does nothing then and calls it a success.
        Ok(()) => drop(fs::remove_file(second)),
        // Better under its second name than gone.
        Err(refused) => drop(refused.path.keep()),
    }
}

/// All files that this process had staged are gone, and as long as this lives none is staged or committed: threads that
/// try wait.
#[must_use = "once this is dropped, files can be staged again"]
pub struct Abandoned(MutexGuard<'static, Registry>);

impl Abandoned {
    /// How many files had been committed before.
    pub fn committed(&self) -> usize {
        self.0.committed
    }
}

impl std::fmt::Debug for Abandoned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Abandoned")
    }
}

/// Removes every file that is staged and not committed in this process: for a program that is about to exit while
/// other threads still write, and would not drop what they hold.
///
/// Waits for renames that have begun, so that files committed together are all in their places or none is. Writing into
/// a file that was removed is no error; committing it is.
///
/// ```standalone_crate
/// # let folder = tempfile::tempdir()?;
/// let file = wavelet_scattering::io::Staged::create(folder.path().join("notes.txt"))?;
/// let abandoned = wavelet_scattering::io::abandon_all();
/// assert_eq!(abandoned.committed(), 0);
/// assert_eq!(std::fs::read_dir(folder.path())?.count(), 0);
/// drop(abandoned);
/// assert!(file.commit().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn abandon_all() -> Abandoned {
    let registry = registry();
    for name in &registry.names {
        // Nothing is left to do about one that cannot be removed.
        let _ = fs::remove_file(name);
    }
    Abandoned(registry)
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

    #[test]
    fn a_set_that_fails_half_way_leaves_the_older_one_whole() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a", "b", "c"];
        let path = |name: &str| folder.path().join(name);
        for name in ["a", "c"] {
            fs::write(path(name), format!("old {name}")).unwrap();
        }
        let staged = names.map(|name| {
            let mut file = Staged::create(path(name)).unwrap();
            file.write_all(b"new").unwrap();
            file
        });
        // Between the check and the renames somebody makes a folder there.
        fs::create_dir(path("b")).unwrap();
        let error = commit_all(staged).unwrap_err();
        assert!(
            matches!(&error, Error::File { action: "replace", path: p, .. } if *p == path("b"))
        );
        assert_eq!(fs::read_to_string(path("a")).unwrap(), "old a");
        assert_eq!(fs::read_to_string(path("c")).unwrap(), "old c");
        let mut left = names_in(folder.path());
        left.sort();
        assert_eq!(left, names, "no second names are left");

        fs::remove_dir(path("b")).unwrap();
        fs::remove_file(path("a")).unwrap();
        let staged = ["a", "b"].map(|name| Staged::create(path(name)).unwrap());
        fs::create_dir(path("b")).unwrap();
        commit_all(staged).unwrap_err();
        assert!(!path("a").exists(), "a file of a set that failed appeared");
        fs::remove_dir(path("b")).unwrap();

        let staged = names.map(|name| Staged::create(path(name)).unwrap());
        commit_all(staged).unwrap();
        let mut left = names_in(folder.path());
        left.sort();
        assert_eq!(left, names, "no second names are left");
        assert_eq!(fs::read_to_string(path("c")).unwrap(), "");
    }

    #[test]
    fn a_name_that_is_too_long_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x".repeat(256));
        let error = Staged::create(&path).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("cannot create {}", path.display())
        );
        assert!(names_in(folder.path()).is_empty());
    }

    /// A folder in which nobody may write, the superuser included, for whom permissions mean nothing.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_folder_without_write_permission_is_named() {
        let message = Staged::create("/proc/out").unwrap_err().to_string();
        assert_eq!(message, "cannot create a file in /proc");
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
