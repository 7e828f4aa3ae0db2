//! [`SoundFile`]: a file of sound of any kind, known by its headers and read one signal at a time.
//!
//! In comes a path or a stream; out come signals `[channels, samples]` in order, each with a label. What is known before
//! anything is handed out: how many signals there are, their channels and samples, and the rate.
//!
//! | kind | told by | its signals | leading axes | labels |
//! | --- | --- | --- | --- | --- |
//! | WAV, RF64 | `RIFF…WAVE` | one | none | `a.wav` |
//! | FLAC, Ogg, MP4 (M4A) | `fLaC`, `OggS`, `….ftyp` | one | none | `a.flac` |
//! | MP3, AAC (ADTS) | the sync word of a frame, tags before it passed by | one | none | `a.mp3` |
//! | NumPy | `\x93NUMPY` | the last axis | all others | `a.npy[3, 0]` |
//! | NumPy archive | `PK` | those of its one array of signals, or of the one that is named, `a.npz:key` | as above | `a.npz:key[3, 0]` |
//! | bare samples | what the options say | one | none | `a.raw` |
//!
//! Conventions that bite:
//! - Integers of sound files become fractions of their range, [−1, 1). Arrays are taken as they are, as arrays of images
//!   are, integers too: divide by 32768 before saving what was recorded in 16 bits.
//! - A file that is cut off is refused when it is opened, with what was declared and found. Of MP3, AAC and Ogg every sample
//!   is decoded for that once more, since nothing else says how many there are.
//! - `a.npy#2` is the second signal of `a.npy`, counted from 1.
//! - What cannot be read twice (a pipe, a device) is kept in memory; [`SoundStream`] reads what has no end.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use ndarray::{Array2, Axis};

use super::super::content::{Address, Content, Kind};
use super::super::npy::NpyFile;
use super::super::npz::Archive;
use super::coded::{self, About, Codec};
use super::options::{Channels, SoundOptions};
use super::stream::SoundStream;
use super::wav::{self, Header, Promised};
use super::whole::Walk;
use super::{Sound, check_rate, cut_off, planes};
use crate::num::Real;
use crate::signal::resampled_len;
use crate::{Error, Result, grid, memory};

/// What an input is, as far as it matters to whoever reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoundKind {
    /// A sound file: it knows its channels and its rate.
    Sound,
    /// An array of NumPy: signals with leading axes, taken as they are.
    Array,
}

/// A file of signals, of which the headers are known.
///
/// ```no_run
/// use wavelet_scattering::io::{SoundFile, SoundOptions};
///
/// let file = SoundFile::open("speech.flac", &SoundOptions::default())?;
/// println!("{} samples at {:?} Hz", file.samples(), file.rate());
/// for signal in file.signals::<f32>()? {
///     println!("{:?}", signal?.shape());
/// }
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug)]
pub struct SoundFile {
    /// What errors and labels call it.
    name: PathBuf,
    content: Content,
    format: Format,
    options: SoundOptions,
    /// Which of its signals are read.
    selected: Range<usize>,
    /// Whether one of its arrays was asked for by name.
    key: bool,
    /// As the file has them.
    channels: usize,
    samples: usize,
    rate: Option<f64>,
    /// After all that the options ask for.
    samples_read: usize,
}

/// The headers of each kind of file.
#[derive(Debug)]
enum Format {
    /// Plain samples behind a header, or without one; the bytes of samples that are there.
    Plain(Header, u64),
    Coded(Codec, u64),
    /// An array of NumPy; in an archive, and under which name.
    Array {
        archive: Option<(Archive, String)>,
        shape: Vec<usize>,
    },
}

impl SoundFile {
    /// Opens a file and reads what it is. A path may end in the address of signals within the file, `data.npz:key` or
    /// `data.npy#2`, if there is no file of that name.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read; [`Error::BadFile`] if it is no sound, holds no samples, is cut off or damaged,
    /// has several channels where one is expected, or another rate than the options say; [`Error::InvalidParameter`] for
    /// options that do not apply to its kind; [`Error::OutOfMemory`] for a stream that does not fit.
    pub fn open(path: impl AsRef<Path>, options: &SoundOptions) -> Result<Self> {
        let (file, content, address) = Content::find(path.as_ref())?;
        Self::new(&file, content, address, options)
    }

    /// Everything that a stream gives, told by its content; `name` is what errors and labels call it.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(
        name: impl AsRef<Path>,
        stream: impl Read,
        options: &SoundOptions,
    ) -> Result<Self> {
        let name = name.as_ref();
        let content = Content::read(name, stream)?;
        Self::new(name, content, Address::default(), options)
    }

    fn new(
        name: &Path,
        content: Content,
        address: Address,
        options: &SoundOptions,
    ) -> Result<Self> {
        for (parameter, rate) in [("rate", options.rate), ("resample", options.resample)] {
            rate.map_or(Ok(()), |rate| check_rate(parameter, rate))?;
        }
        let mut content = content;
        let key = address.key.as_deref();
        let (format, about) = Format::of(name, &mut content, key, options)?;
        if about.samples == 0 || about.channels == 0 {
            return Err(Error::bad_file(name, "it holds no samples"));
        }
        let rate = agree(name, about.rate, options.rate)?;
        let samples_read = match (options.resample, rate) {
            (None, _) => about.samples,
            (Some(to), Some(from)) => resampled_len(about.samples, from, to)?,
            (Some(to), None) => {
                return Err(Error::InvalidParameter {
                    name: "resample",
                    value: to.to_string(),
                    limit: format!("{} does not say its rate; say it for it", name.display()),
                });
            }
        };
        let mut file = Self {
            name: name.to_path_buf(),
            content,
            format,
            options: options.clone(),
            selected: 0..0,
            key: address.key.is_some(),
            channels: about.channels,
            samples: about.samples,
            rate,
            samples_read,
        };
        file.check()?;
        let all = file.axes().iter().product();
        file.selected = match address.page {
            None => 0..all,
            Some(n) if n <= all => n - 1..n,
            Some(n) => {
                return Err(Error::bad_file(
                    name,
                    format!("signal {n} of it is wanted, and it holds {all}"),
                ));
            }
        };
        Ok(file)
    }

    /// Whether the options apply to this kind of file.
    fn check(&self) -> Result<()> {
        match (self.kind(), self.options.channels) {
            (SoundKind::Array, Channels::Mono | Channels::All) => Err(Error::InvalidParameter {
                name: "channels",
                value: match self.options.channels {
                    Channels::Mono => "mono".to_string(),
                    _ => "all".to_string(),
                },
                limit: format!(
                    "{} holds arrays, whose channels are a leading axis; it applies to sound files",
                    self.name.display()
                ),
            }),
            (SoundKind::Sound, channels) => check_channels(&self.name, self.channels, channels),
            _ => Ok(()),
        }
    }

    /// The file, or the name that a stream was given.
    pub fn path(&self) -> &Path {
        &self.name
    }

    /// Whether it is a sound file or an array.
    pub fn kind(&self) -> SoundKind {
        match self.format {
            Format::Array { .. } => SoundKind::Array,
            _ => SoundKind::Sound,
        }
    }

    /// Number of signals that are read, at least 1.
    #[allow(clippy::len_without_is_empty)] // there is no file of no signals
    pub fn len(&self) -> usize {
        self.selected.len()
    }

    /// The axes that its signals are arranged in: of an array those before the last, of a sound none.
    pub fn leading(&self) -> Vec<usize> {
        let axes = self.axes();
        match self.len() < axes.iter().product() {
            true => vec![self.len()],
            false => axes,
        }
    }

    /// Channels of each signal as it is read.
    pub fn channels(&self) -> usize {
        match self.options.channels {
            Channels::All => self.channels,
            Channels::One | Channels::Mono => 1,
        }
    }

    /// Samples of every channel of each signal as it is read, so at the rate it is brought to.
    #[allow(clippy::misnamed_getters)] // `samples` are those of the file
    pub fn samples(&self) -> usize {
        self.samples_read
    }

    /// Samples per second as it is read, if that is known.
    pub fn rate(&self) -> Option<f64> {
        self.options.resample.or(self.rate)
    }

    /// What tables call a signal: the file, and behind it which of several signals it is.
    ///
    /// # Panics
    /// For an index that is not below [`len`](Self::len).
    pub fn label(&self, index: usize) -> String {
        assert!(
            index < self.len(),
            "signal {index} of {} in {}",
            self.len(),
            self.name.display()
        );
        let name = self.name.display();
        let Format::Array { archive, .. } = &self.format else {
            return name.to_string();
        };
        let key = match archive {
            Some((_, key)) if self.key => format!(":{key}"),
            _ => String::new(),
        };
        match self.axes().as_slice() {
            [] => format!("{name}{key}"),
            axes => format!(
                "{name}{key}{:?}",
                grid::position(self.selected.start + index, axes)
            ),
        }
    }

    /// Reads the signals in order. The file is open as long as the iterator lives.
    ///
    /// **Shape** of each `[channels, samples]`.
    ///
    /// **Units** [−1, 1) of sound files that hold integers; floats and arrays as they are.
    ///
    /// # Errors
    /// [`Error::File`] if the file cannot be opened; [`Error::OutOfMemory`]. Of each signal: [`Error::File`];
    /// [`Error::BadFile`] if it is damaged or cut off.
    pub fn signals<T: Real>(&self) -> Result<Signals<T>> {
        let bytes = memory::bytes_of::<T>((self.channels * self.samples) as u64);
        memory::require(
            "the samples of a sound",
            bytes.saturating_add(memory::bytes_of::<T>(
                (self.channels() * self.samples_read) as u64,
            )),
            "cut it into shorter ones",
        )?;
        let left = self.selected.len();
        let (mix, to, rate) = (self.options.channels, self.options.resample, self.rate);
        let finish = move |samples: Result<Array2<T>>| -> Result<Array2<T>> {
            let mut sound = Sound {
                samples: samples?,
                rate,
            };
            if mix == Channels::Mono && sound.samples.nrows() > 1 {
                sound.samples = sound.mono().insert_axis(Axis(0));
            }
            match to {
                Some(to) => Ok(sound.resample(to)?.samples),
                None => Ok(sound.samples),
            }
        };
        let samples: Box<dyn Iterator<Item = Result<Array2<T>>>> = match &self.format {
            Format::Array { archive, .. } => {
                let mut file = match archive {
                    Some((archive, key)) => archive.array(key)?,
                    None => NpyFile::of(&self.name, &self.content)?,
                };
                let samples = self.samples;
                file.skip(self.selected.start * samples)?;
                Box::new(
                    self.selected
                        .clone()
                        .map(move |_| planes(vec![file.read_rows(1, samples)?])),
                )
            }
            _ => Box::new(std::iter::once(self.read())),
        };
        Ok(Signals {
            signals: Box::new(samples.map(finish)),
            left,
        })
    }

    /// The one signal of a sound file.
    fn read<T: Real>(&self) -> Result<Array2<T>> {
        match &self.format {
            Format::Plain(header, bytes) => {
                let failed = |source| Error::unread(&self.name, source);
                let mut stream = self.content.open().map_err(failed)?;
                stream.seek(SeekFrom::Start(header.len)).map_err(failed)?;
                let header = Header {
                    data: Promised::Exactly(*bytes),
                    ..*header
                };
                let mut channels = vec![Vec::with_capacity(self.samples); self.channels];
                for block in SoundStream::after(&self.name, stream, &header) {
                    for (channel, samples) in channels.iter_mut().zip(block?.rows()) {
                        channel.extend(samples);
                    }
                }
                planes(channels)
            }
            Format::Coded(codec, begin) => {
                let channels = coded::read(&self.name, &self.content, *codec, *begin)?;
                let found = channels.first().map_or(0, Vec::len);
                if found != self.samples || channels.len() != self.channels {
                    return Err(Error::bad_file(&self.name, "it changed while it was read"));
                }
                planes(channels)
            }
            Format::Array { .. } => Err(Error::bad_file(&self.name, "it is an array")),
        }
    }

    /// The axes of all signals of the file.
    fn axes(&self) -> Vec<usize> {
        match &self.format {
            Format::Array { shape, .. } => shape[..shape.len() - 1].to_vec(),
            _ => Vec::new(),
        }
    }
}

/// What a file has.
struct Found {
    channels: usize,
    samples: usize,
    rate: Option<f64>,
}

impl Format {
    fn of(
        name: &Path,
        content: &mut Content,
        key: Option<&str>,
        options: &SoundOptions,
    ) -> Result<(Self, Found)> {
        let failed = |source| Error::unread(name, source);
        if let Some(sample) = options.raw {
            let rate = options.rate.ok_or_else(unknown_rate)?;
            let header = Header {
                sample,
                channels: 1,
                rate: 1,
                data: Promised::Upto(u64::MAX),
                len: 0,
            };
            let (format, found) = Self::plain(name, content, header)?;
            return Ok((
                format,
                Found {
                    rate: Some(rate),
                    ..found
                },
            ));
        }
        let mut start = content.start::<16>().map_err(failed)?;
        if Kind::of(&start) == Kind::Gzip {
            *content = content.unpacked(name)?;
            start = content.start::<16>().map_err(failed)?;
        }
        if start.is_empty() {
            return Err(Error::bad_file(
                name,
                "it is empty; copy, download or record it again",
            ));
        }
        let array = |archive, array: &NpyFile| {
            let shape = array.shape().to_vec();
            let Some(&samples) = shape.last() else {
                return Err(Error::bad_file(
                    name,
                    "it holds one number; at least one axis is needed, the last being time",
                ));
            };
            if shape.contains(&0) {
                return Err(Error::bad_file(
                    name,
                    format!("it has shape {shape:?}, so no samples"),
                ));
            }
            let found = Found {
                channels: 1,
                samples,
                rate: None,
            };
            Ok((Format::Array { archive, shape }, found))
        };
        match (Kind::of(&start), key) {
            (Kind::Zip, key) => {
                let archive = Archive::open(name, content)?;
                let (key, file) = match key {
                    Some(key) => (key.to_string(), archive.array(key)?),
                    None => archive.signals()?,
                };
                return array(Some((archive, key)), &file);
            }
            (_, Some(key)) => {
                return Err(Error::bad_file(
                    name,
                    format!(
                        "there is nothing called {key:?} in it; only arrays in .npz files have names"
                    ),
                ));
            }
            (Kind::Npy, None) => return array(None, &NpyFile::of(name, content)?),
            _ => {}
        }
        if wav::begins(&start) {
            let header = Header::read(name, &mut content.open().map_err(failed)?)?;
            return Self::plain(name, content, header);
        }
        let mut begin = 0;
        if start.starts_with(b"ID3") {
            let len = content.len().map_err(failed)?;
            let mut walk = Walk::new(name, content.open().map_err(failed)?, len);
            begin = walk.behind_tags(0)?;
            start = walk.start::<16>(begin)?;
        }
        let Some(codec) = Codec::of(&start) else {
            return Err(Error::bad_file(
                name,
                "it is no sound that can be read here; formats: wav, flac, mp3, ogg (Vorbis, FLAC), m4a, aac, npy, npz. \
                 ffmpeg -i writes others as FLAC or WAV; bare samples need their type and their rate",
            ));
        };
        let About {
            channels,
            samples,
            rate,
        } = coded::about(name, content, codec, begin)?;
        let found = Found {
            channels,
            samples: usize::try_from(samples).unwrap_or(usize::MAX),
            rate: Some(f64::from(rate)),
        };
        Ok((Format::Coded(codec, begin), found))
    }

    /// Plain samples, as many as are promised or as there are.
    fn plain(name: &Path, content: &Content, header: Header) -> Result<(Self, Found)> {
        let len = content
            .len()
            .map_err(|source| Error::unread(name, source))?;
        let there = len.saturating_sub(header.len);
        let frame = header.frame() as u64;
        let bytes = match header.data {
            Promised::Exactly(bytes) if bytes > there => {
                return Err(cut_off(name, bytes / frame, there / frame));
            }
            Promised::Exactly(bytes) => bytes,
            Promised::Upto(bytes) => bytes.min(there),
        };
        let found = Found {
            channels: header.channels,
            samples: usize::try_from(bytes / frame).unwrap_or(usize::MAX),
            rate: Some(f64::from(header.rate)),
        };
        if !bytes.is_multiple_of(frame) {
            return Err(Error::bad_file(
                name,
                format!(
                    "it has {bytes} bytes of samples, which is no multiple of {frame}, those of {} a moment; it is cut off, or \
                     its samples are of another type than {}",
                    match header.channels {
                        1 => "one sample".to_string(),
                        count => format!("{count} samples"),
                    },
                    header.sample
                ),
            ));
        }
        Ok((Format::Plain(header, bytes), found))
    }
}

/// The rate that a file says, or that was said for it.
pub(super) fn agree(name: &Path, own: Option<f64>, said: Option<f64>) -> Result<Option<f64>> {
    match (own, said) {
        (Some(own), Some(said)) if own != said => Err(Error::bad_file(
            name,
            format!(
                "it says itself that it has {own} Hz; a rate, here {said} Hz, is for inputs that say none, and resampling \
                 brings others to one"
            ),
        )),
        (own, said) => Ok(own.or(said)),
    }
}

/// Refuses several channels where nothing is said about them.
pub(super) fn check_channels(name: &Path, count: usize, channels: Channels) -> Result<()> {
    if channels != Channels::One || count <= 1 {
        return Ok(());
    }
    Err(Error::bad_file(
        name,
        format!(
            "it has {count} channels where one is needed; take their mean (mono), or keep them all (channels)"
        ),
    ))
}

/// Nobody says how many bare samples are a second.
pub(super) fn unknown_rate() -> Error {
    Error::InvalidParameter {
        name: "rate",
        value: "unknown".to_string(),
        limit: "bare samples do not say how many a second they are; say it for them".to_string(),
    }
}

/// The signals of a [`SoundFile`], in order.
pub struct Signals<T> {
    signals: Box<dyn Iterator<Item = Result<Array2<T>>>>,
    left: usize,
}

impl<T> std::fmt::Debug for Signals<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signals({} left)", self.left)
    }
}

impl<T> Iterator for Signals<T> {
    type Item = Result<Array2<T>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        self.signals.next()
    }
}
