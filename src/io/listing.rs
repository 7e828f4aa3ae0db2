//! [`list_inputs`], `list_sounds`: the files that paths stand for.
//!
//! A file stands for itself, whatever its name. A folder stands for what is in it and in its sub-folders: all files
//! whose extension is that of a format that can be read, in capitals or not, sorted by path.
//!
//! One rule says what of a folder is not its owner's: names that begin with a dot (`._img0.png` beside every file of a
//! Mac, `.ipynb_checkpoints`, `.Trash`), and folders that systems make under other names (`__MACOSX`, `@eaDir`,
//! `$RECYCLE.BIN`, `System Volume Information`). It holds for files and for whole folders, and it does not hold for a
//! path that is named itself. What it leaves out is counted as far as it would have been an input.
//!
//! Links are followed; one that leads back to a folder above it is left out.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use image::ImageFormat;
use walkdir::{DirEntry, WalkDir};

use crate::{Error, Result};

/// Names of folders that are made by systems, beside all that begin with a dot.
const SYSTEM_FOLDERS: [&str; 5] = [
    "__MACOSX",                  // archives that a Mac made: the forks of the files
    "@eaDir",                    // thumbnails of a Synology
    "$RECYCLE.BIN",              // deleted files of Windows
    "System Volume Information", // of Windows too
    "lost+found",                // what was saved of a damaged file system
];

/// Extensions of files of arrays.
const ARRAYS: [&str; 2] = ["npy", "npz"];

/// Extensions of FITS files, which are files of arrays too.
#[cfg(feature = "fits")]
const FITS: [&str; 3] = ["fits", "fit", "fts"];
#[cfg(not(feature = "fits"))]
const FITS: [&str; 0] = [];

/// Extensions of sound files.
const SOUNDS: [&str; 8] = ["aac", "flac", "m4a", "mp3", "oga", "ogg", "wav", "wave"];

/// What is looked for in folders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// Image files, and arrays of them.
    Images,
    /// Sound files, and arrays of signals.
    #[cfg(feature = "sound")]
    Sounds,
}

/// What [`list_inputs`] finds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Listing {
    /// The files, in the order of the inputs.
    pub files: Vec<PathBuf>,
    /// Files in folders that have the extension of an input but belong to the system: see the [module](self).
    pub left_out: usize,
}

/// The files that `inputs` stand for, in the order given; the [module](self) says which of a folder.
///
/// A name that leads to no file is kept if it may be a file with an address in it, `data.npz:key` or `stack.tif#2`:
/// [`InputFile::open`](super::InputFile::open) says what is wrong with it, as it does of a link to nowhere in a folder.
///
/// # Errors
/// [`Error::File`] for a path that cannot be read; [`Error::BadPath`] for a folder without inputs, or with both image
/// files and arrays in it.
pub fn list_inputs(inputs: &[PathBuf]) -> Result<Listing> {
    list(inputs, Wanted::Images)
}

/// As [`list_inputs`], with the sound files of folders in place of the image files, and without FITS.
///
/// # Errors
/// As there, of sound files.
#[cfg(feature = "sound")]
pub fn list_sounds(inputs: &[PathBuf]) -> Result<Listing> {
    list(inputs, Wanted::Sounds)
}

fn list(inputs: &[PathBuf], wanted: Wanted) -> Result<Listing> {
    let mut listing = Listing::default();
    for input in inputs {
        match fs::metadata(input) {
            Ok(about) if about.is_dir() => listing.add_folder(input, wanted)?,
            Ok(_) => listing.files.push(input.clone()),
            Err(_) if super::content::addressed(input).is_some() => {
                listing.files.push(input.clone())
            }
            Err(source) => return Err(Error::unread(input, source)),
        }
    }
    Ok(listing)
}

impl Listing {
    fn add_folder(&mut self, folder: &Path, wanted: Wanted) -> Result<()> {
        let before = self.files.len();
        let [mut others, mut arrays] = [0, 0];
        let mut walk = WalkDir::new(folder)
            .follow_links(true)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = walk.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) if error.loop_ancestor().is_some() => continue,
                Err(error) => {
                    let path = error.path().unwrap_or(folder).to_path_buf();
                    if !path.is_symlink() {
                        return Err(Error::unread(&path, error.into()));
                    }
                    // A link to nowhere is an input if it has the name of one, of its owner's making: one that is missing.
                    let named = path.file_name().is_some_and(|name| !is_systems(name));
                    if named && Kind::of_name(&path, wanted).is_some() {
                        self.files.push(path);
                    }
                    continue;
                }
            };
            let systems = entry.depth() > 0 && is_systems(entry.file_name());
            if systems && entry.file_type().is_dir() {
                self.left_out += inputs_below(&entry, wanted);
                walk.skip_current_dir();
                continue;
            }
            if !entry.file_type().is_file() {
                continue;
            }
            match Kind::of_name(entry.path(), wanted) {
                None => continue,
                Some(_) if systems => {
                    self.left_out += 1;
                    continue;
                }
                Some(Kind::Image | Kind::Sound) => others += 1,
                Some(Kind::Array) => arrays += 1,
            }
            self.files.push(entry.into_path());
        }
        let bad = |reason: String| {
            Err(Error::BadPath {
                path: folder.to_path_buf(),
                reason,
            })
        };
        if self.files.len() == before {
            return bad(match wanted {
                Wanted::Images => format!(
                    "the folder holds no images and no arrays; formats: {}",
                    extensions()
                ),
                #[cfg(feature = "sound")]
                Wanted::Sounds => format!(
                    "the folder holds no sounds and no arrays; formats: {}",
                    [&SOUNDS[..], &ARRAYS].concat().join(", ")
                ),
            });
        }
        if others > 0 && arrays > 0 {
            let kind = match wanted {
                Wanted::Images => "image",
                #[cfg(feature = "sound")]
                Wanted::Sounds => "sound",
            };
            return bad(format!(
                "the folder holds {others} {kind} files and {arrays} files of arrays, whose features differ in shape; \
                 name the files of one kind, or part them"
            ));
        }
        Ok(())
    }
}

/// What the name of a file promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Image,
    Sound,
    Array,
}

impl Kind {
    /// If it is wanted.
    fn of_name(path: &Path, wanted: Wanted) -> Option<Self> {
        let kind = Self::named(path)?;
        let fits = match wanted {
            Wanted::Images => kind != Kind::Sound,
            #[cfg(feature = "sound")]
            Wanted::Sounds => match kind {
                Kind::Image => false,
                Kind::Sound => true,
                // Telescopes take no sound.
                Kind::Array => path
                    .extension()
                    .is_some_and(|end| ARRAYS.iter().any(|name| end.eq_ignore_ascii_case(name))),
            },
        };
        fits.then_some(kind)
    }

    fn named(path: &Path) -> Option<Self> {
        let mut end = path.extension()?.to_str()?.to_ascii_lowercase();
        if end == "gz" {
            // Archives of telescopes give files out packed; images are packed already.
            end = Path::new(path.file_stem()?)
                .extension()?
                .to_str()?
                .to_ascii_lowercase();
            return FITS.contains(&end.as_str()).then_some(Kind::Array);
        }
        if ARRAYS.contains(&end.as_str()) || FITS.contains(&end.as_str()) {
            return Some(Kind::Array);
        }
        if SOUNDS.contains(&end.as_str()) {
            return Some(Kind::Sound);
        }
        ImageFormat::from_extension(&end)
            .filter(is_decoded)
            .map(|_| Kind::Image)
    }
}

/// Whether a file has the extension of a sound.
#[cfg(all(feature = "datasets", feature = "sound"))]
pub(super) fn is_called_sound(path: &Path) -> bool {
    Kind::named(path) == Some(Kind::Sound)
}

/// Whether a file or folder of this name is of the system's making.
fn is_systems(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with('.') || SYSTEM_FOLDERS.contains(&name.as_ref())
}

/// How many files below a folder that is left out have the name of an input.
fn inputs_below(folder: &DirEntry, wanted: Wanted) -> usize {
    let files = WalkDir::new(folder.path())
        .into_iter()
        .filter_map(Result::ok);
    files
        .filter(|entry| {
            entry.file_type().is_file() && Kind::of_name(entry.path(), wanted).is_some()
        })
        .count()
}

/// Whether images of this format can be decoded here.
fn is_decoded(format: &ImageFormat) -> bool {
    // `image` does not list DDS as readable, since it decodes no more than the compressed kinds.
    format.reading_enabled() || *format == ImageFormat::Dds
}

/// The extensions looked for in folders: `bmp, dds (DXT1 to DXT5), exr, ..., npy, npz`.
pub(super) fn extensions() -> String {
    let formats = ImageFormat::all().filter(is_decoded);
    let images = formats.flat_map(|format| format.extensions_str().iter().copied());
    let mut names: Vec<_> = images.chain(ARRAYS).chain(FITS).collect();
    names.sort_unstable();
    names.dedup();
    let say = |name: &str| match name {
        "dds" => "dds (DXT1 to DXT5)".to_string(),
        name => name.to_string(),
    };
    names.into_iter().map(say).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_walked_in_order_and_files_taken_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "b.png",
            "a/z.JPG",
            "a/._y.png",
            "a/b/x.tif",
            "c.txt",
            "only/notes.md",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let inputs = [root.join("c.txt"), root.to_path_buf(), root.join("b.png")];
        let found = list_inputs(&inputs).unwrap().files;
        let names: Vec<_> = found
            .iter()
            .map(|path| path.strip_prefix(root).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["c.txt", "a/b/x.tif", "a/z.JPG", "b.png", "b.png"]);

        let error = list_inputs(&[root.join("only")]).unwrap_err();
        assert!(
            matches!(&error, Error::BadPath { path, .. } if path == &root.join("only")),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains("holds no images and no arrays; formats: bmp, dds (DXT1"),
            "{error}"
        );
        assert!(!error.to_string().contains("avif"), "{error}");
        assert!(matches!(
            list_inputs(&[root.join("absent")]),
            Err(Error::File { .. })
        ));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_but_not_in_circles() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::write(root.join("a.png"), "").unwrap();
        symlink(root, root.join("again")).unwrap();
        symlink("a.png", root.join("b.png")).unwrap();
        symlink("nowhere", root.join("dangling")).unwrap();
        assert_eq!(
            list_inputs(&[root.to_path_buf()]).unwrap().files,
            [root.join("a.png"), root.join("b.png")]
        );
        symlink("nowhere", root.join("dangling.png")).unwrap();
        let files = list_inputs(&[root.to_path_buf()]).unwrap().files;
        assert_eq!(files[2], root.join("dangling.png"));
    }
}
