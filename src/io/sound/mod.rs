//! Sounds from files and streams: samples, channels, and how many a second.
//!
//! In comes a sound file, an array, or bare samples; out come signals `[channels, samples]`, integers as fractions of their
//! range in [−1, 1) and floats as they are.
//!
//! - [`SoundFile`]: a file of any kind, known by its headers, read one signal at a time.
//! - [`read_sound`]: the one sound of a file.
//! - [`SoundStream`]: samples as they arrive, from a pipe that may have no end.
//!
//! WAV is read here and not by `symphonia` or `hound`, which take no length that is 0 and stop without a word where a file is
//! cut off, and of which the second knows no 64 bits: the samples are those of [`SampleType`], which are read bare too, so that
//! only headers are left. Everything compressed is `symphonia`'s.

mod coded;
mod file;
mod options;
mod sample;
mod stream;
mod wav;
mod whole;

use std::path::Path;

use ndarray::{Array1, Array2, Axis};

pub use file::{Signals, SoundFile, SoundKind};
pub use options::{Channels, SoundOptions};
pub use sample::SampleType;
pub use stream::SoundStream;

use crate::num::Real;
use crate::signal::resample;
use crate::{Error, Result};

/// Samples of a sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Sound<T> {
    /// **Shape** `[channels, samples]`.
    pub samples: Array2<T>,
    /// Samples per second, if that is known.
    pub rate: Option<f64>,
}

impl<T: Real> Sound<T> {
    /// The mean of all channels.
    pub fn mono(&self) -> Array1<T> {
        let share = T::narrow(1.0 / self.samples.nrows().max(1) as f64);
        self.samples.sum_axis(Axis(0)).mapv_into(|sum| sum * share)
    }

    /// The same sound at another rate, by [`resample()`].
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if its own rate is unknown, and as [`resample()`].
    pub fn resample(&self, rate: f64) -> Result<Self> {
        let from = self.rate.ok_or_else(|| Error::InvalidParameter {
            name: "rate",
            value: rate.to_string(),
            limit: "what has no rate of its own cannot be brought to another".to_string(),
        })?;
        let channels: Result<Vec<_>> = (self.samples.rows().into_iter())
            .map(|channel| resample(&channel.to_vec(), from, rate))
            .collect();
        Ok(Self {
            samples: planes(channels?)?,
            rate: Some(rate),
        })
    }
}

/// The one sound of a file, of any kind that [`SoundFile`] opens.
///
/// # Errors
/// As [`SoundFile::open`] and [`SoundFile::signals`]; [`Error::BadFile`] for an array of several signals.
///
/// ```no_run
/// use wavelet_scattering::io::{SoundOptions, read_sound};
///
/// let sound = read_sound::<f32>("speech.flac", &SoundOptions::default())?;
/// println!("{} samples at {:?} Hz", sound.samples.ncols(), sound.rate);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn read_sound<T: Real>(path: impl AsRef<Path>, options: &SoundOptions) -> Result<Sound<T>> {
    let file = SoundFile::open(path, options)?;
    if file.len() > 1 {
        return Err(Error::bad_file(
            file.path(),
            format!(
                "it holds {} signals where one is expected; say which one, as {}#1",
                file.len(),
                file.path().display()
            ),
        ));
    }
    let samples = match file.signals()?.next() {
        Some(samples) => samples?,
        None => return Err(Error::bad_file(file.path(), "it holds no signal")),
    };
    Ok(Sound {
        samples,
        rate: file.rate(),
    })
}

/// A file that ends before as many samples as it promises.
fn cut_off(name: &Path, promised: u64, found: u64) -> Error {
    Error::bad_file(
        name,
        format!(
            "it is cut off: {promised} samples are declared, and {found} are there; copy, download or record it again"
        ),
    )
}

/// Channels of equal length as one array.
fn planes<T: Real>(mut channels: Vec<Vec<T>>) -> Result<Array2<T>> {
    let shape = [channels.len(), channels.first().map_or(0, Vec::len)];
    let samples = match channels.len() {
        1 => channels.swap_remove(0),
        _ => channels.concat(),
    };
    let got = vec![samples.len()];
    Array2::from_shape_vec(shape, samples).map_err(|_| Error::WrongShape {
        what: "the samples of a sound",
        got,
        expected: format!("{shape:?}, as many of every channel"),
    })
}

/// Refuses what is no number of samples per second.
fn check_rate(name: &'static str, rate: f64) -> Result<()> {
    if rate > 0.0 && rate.is_finite() {
        return Ok(());
    }
    Err(Error::InvalidParameter {
        name,
        value: rate.to_string(),
        limit: "rates are positive numbers of samples per second".to_string(),
    })
}
