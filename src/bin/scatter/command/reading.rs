//! Inputs as every command takes them: files, folders, places in files, and standard input.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, ensure};
use ndarray::Array3;
use rayon::prelude::*;
#[cfg(feature = "learn")]
use wavelet_scattering::io::{Dataset, DatasetOptions, read_dataset_from, read_dataset_with};
use wavelet_scattering::io::{
    ImageOptions, InputFile, Listing as Listed, SoundFile, SoundOptions, list_inputs, list_sounds,
};

use super::features::{Skipped, none_left};

/// What standard input is given as.
pub const STDIN: &str = "-";
/// What messages and tables call it.
pub const STANDARD_INPUT: &str = "standard input";

/// The files that inputs stand for.
#[derive(Debug, Default)]
pub struct Listing {
    pub files: Vec<PathBuf>,
    /// Files in folders that are there, but are none of their owner's.
    pub left_out: usize,
}

impl Listing {
    /// Adds a file, a folder or standard input.
    pub fn add(&mut self, input: &Path) -> Result<()> {
        self.add_by(input, list_inputs)
    }

    /// The same, of sounds.
    pub fn add_sounds(&mut self, input: &Path) -> Result<()> {
        self.add_by(input, list_sounds)
    }

    fn add_by(
        &mut self,
        input: &Path,
        list: fn(&[PathBuf]) -> wavelet_scattering::Result<Listed>,
    ) -> Result<()> {
        if input == Path::new(STDIN) {
            self.files.push(input.to_path_buf());
            return Ok(());
        }
        let listed = list(std::slice::from_ref(&input.to_path_buf()))?;
        self.files.extend(listed.files);
        self.left_out += listed.left_out;
        Ok(())
    }

    /// All of several inputs.
    #[cfg(feature = "learn")]
    pub fn of(inputs: &[PathBuf]) -> Result<Self> {
        let mut listing = Self::default();
        inputs.iter().try_for_each(|input| listing.add(input))?;
        Ok(listing)
    }
}

/// Inputs that have been opened, at least one.
pub struct Opened<F> {
    pub files: Vec<F>,
    pub skipped: Vec<Skipped>,
    /// Files in folders that are left out, as systems leave them there.
    pub left_out: usize,
}

/// Lists inputs and opens every file. The first fault ends the run, unless it may go on past it.
pub fn open_all<F: Send>(
    inputs: &[PathBuf],
    keep_going: bool,
    add: fn(&mut Listing, &Path) -> Result<()>,
    open: impl Fn(&Path) -> Result<F> + Sync,
) -> Result<Opened<F>> {
    let mut skipped = Vec::new();
    let mut skip = |input: &Path, error: Error| {
        if !keep_going {
            return Err(named(input, error).context(
                "stopped at an input that cannot be used; --keep-going skips such inputs",
            ));
        }
        skipped.push(Skipped {
            label: input.display().to_string(),
            count: 1,
            reason: format!("{error:#}"),
        });
        Ok(())
    };
    let mut listing = Listing::default();
    for input in inputs {
        if let Err(error) = add(&mut listing, input) {
            skip(input, error)?;
        }
    }
    let opened: Vec<_> = listing.files.par_iter().map(|path| open(path)).collect();
    let mut files = Vec::with_capacity(opened.len());
    for (path, file) in listing.files.iter().zip(opened) {
        match file {
            Ok(file) => files.push(file),
            Err(error) => skip(path, error)?,
        }
    }
    if files.is_empty() {
        return Err(none_left(&skipped));
    }
    Ok(Opened {
        files,
        skipped,
        left_out: listing.left_out,
    })
}

/// An error of the program, with the file it is of; those of the library name it themselves.
fn named(path: &Path, error: Error) -> Error {
    match error.downcast_ref::<wavelet_scattering::Error>() {
        Some(_) => error,
        None => error.context(path.display().to_string()),
    }
}

/// A file, or standard input, whatever it holds; what it is tells its content.
pub fn open(path: &Path, options: &ImageOptions) -> Result<InputFile> {
    if path == Path::new(STDIN) {
        return Ok(InputFile::from_reader(
            STANDARD_INPUT,
            io::stdin().lock(),
            options,
        )?);
    }
    Ok(InputFile::open(path, options)?)
}

/// The same of a sound.
pub fn open_sound(path: &Path, options: &SoundOptions) -> Result<SoundFile> {
    if path == Path::new(STDIN) {
        return Ok(SoundFile::from_reader(
            STANDARD_INPUT,
            io::stdin().lock(),
            options,
        )?);
    }
    Ok(SoundFile::open(path, options)?)
}

/// The image of an input that holds one, `[channels, H, W]`.
pub fn one(path: &Path, options: &ImageOptions) -> Result<Array3<f64>> {
    let file = open(path, options)?;
    let name = file.path().display();
    ensure!(
        file.len() == 1,
        "{name} holds {} images, and one is wanted; --pages 1 takes the first",
        file.len(),
    );
    let image = file.images()?.next();
    Ok(image.with_context(|| format!("{name} holds no image"))??)
}

/// A data set: a folder, a file, or standard input.
#[cfg(feature = "learn")]
pub fn dataset(path: &Path, options: &DatasetOptions) -> Result<Dataset> {
    if path == Path::new(STDIN) {
        return Ok(read_dataset_from(
            STANDARD_INPUT,
            io::stdin().lock(),
            options,
        )?);
    }
    Ok(read_dataset_with(path, options)?)
}
