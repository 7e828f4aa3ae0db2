//! Inputs as every command takes them: files, folders, places in files, and standard input.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use ndarray::Array3;
#[cfg(feature = "learn")]
use wavelet_scattering::io::{Dataset, read_dataset_from, read_dataset_with};
use wavelet_scattering::io::{
    ImageOptions, InputFile, Listing as Listed, SoundFile, SoundOptions, list_inputs, list_sounds,
};

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
pub fn dataset(path: &Path, options: &ImageOptions) -> Result<Dataset> {
    if path == Path::new(STDIN) {
        return Ok(read_dataset_from(
            STANDARD_INPUT,
            io::stdin().lock(),
            options,
        )?);
    }
    Ok(read_dataset_with(path, options)?)
}
