//! What goes in: files of sound or arrays, known by their headers before the work, cut into segments if that is asked for, and
//! read in chunks with a label for each signal.

use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use anyhow::{Context, Error, Result, bail, ensure};
use ndarray::{Array2, s};
use wavelet_scattering::io::{SoundFile, SoundKind};
use wavelet_scattering::num::Real;

use crate::args::SignalArgs;
use crate::command::features::{Item, Skipped};
use crate::command::reading::{self, Listing};

/// A signal, or a segment of one, all finite.
pub struct Signal<T> {
    /// `[channels, samples]`
    pub samples: Array2<T>,
    /// Where it begins in what it is a segment of, in samples.
    pub start: usize,
}

/// How signals are cut, in samples.
#[derive(Debug, Clone, Copy)]
struct Segments {
    len: usize,
    hop: usize,
}

/// All inputs of a run: either sound files or arrays, of one rate and one number of channels.
pub struct Inputs {
    files: Vec<SoundFile>,
    kind: SoundKind,
    channels: usize,
    rate: Option<f64>,
    segments: Option<Segments>,
    left_out: usize,
    /// Whether nothing was skipped when they were opened.
    complete: bool,
}

impl Inputs {
    /// Lists the inputs and reads what they are. What has a fault is returned if the run may go on past it.
    pub fn open(args: &SignalArgs) -> Result<(Self, Vec<Skipped>)> {
        let options = args.reading.options();
        let open = |path: &Path| {
            let file = reading::open_sound(path, &options)?;
            if let Some(segments) = Segments::of(args, &file)? {
                ensure!(
                    file.samples() >= segments.len,
                    "it has {} samples, and a segment {}",
                    file.samples(),
                    segments.len
                );
            }
            Ok(file)
        };
        let opened = reading::open_all(&args.inputs, args.keep_going, Listing::add_sounds, open)?;
        let first = &opened.files[0];
        let inputs = Self {
            kind: first.kind(),
            channels: first.channels(),
            rate: first.rate(),
            segments: Segments::of(args, first)?,
            left_out: opened.left_out,
            complete: opened.skipped.is_empty(),
            files: opened.files,
        };
        inputs.check()?;
        Ok((inputs, opened.skipped))
    }

    /// Refuses what does not go together.
    fn check(&self) -> Result<()> {
        let first = &self.files[0];
        for other in &self.files[1..] {
            let names = || format!("{} and {}", first.path().display(), other.path().display());
            ensure!(
                other.kind() == self.kind,
                "sound files and arrays cannot be mixed in one run, since their features differ in shape: {}",
                names(),
            );
            if other.rate() != self.rate {
                let say = |file: &SoundFile| {
                    let name = file.path().display();
                    match file.rate() {
                        Some(rate) => format!("{name} has {rate} Hz"),
                        None => format!("{name} does not say its rate"),
                    }
                };
                bail!(
                    "the rates differ, so that one wavelet would mean several frequencies: {}, {}; --resample HZ brings all \
                     to one",
                    say(first),
                    say(other),
                );
            }
            ensure!(
                other.channels() == self.channels,
                "the numbers of channels differ: {} has {}, {} has {}; --mono takes their mean",
                first.path().display(),
                self.channels,
                other.path().display(),
                other.channels(),
            );
        }
        Ok(())
    }

    /// The files themselves.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.files
            .iter()
            .map(|file| file.path().to_path_buf())
            .collect()
    }

    /// Segments of a signal of a file.
    fn count(&self, file: &SoundFile) -> usize {
        match self.segments {
            Some(Segments { len, hop }) => (file.samples() - len) / hop + 1,
            None => 1,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        let rows = |file: &SoundFile| file.len() * self.count(file);
        self.files.iter().map(rows).sum()
    }

    /// Samples of every row.
    pub fn lengths(&self) -> impl Iterator<Item = (usize, &SoundFile)> {
        let len = |file: &SoundFile| self.segments.map_or(file.samples(), |cut| cut.len);
        self.files.iter().map(move |file| (len(file), file))
    }

    /// Samples of all rows together, of one channel.
    pub fn samples(&self) -> u64 {
        let rows = |(len, file): (usize, &SoundFile)| (len * file.len() * self.count(file)) as u64;
        self.lengths().map(rows).sum()
    }

    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Samples per second, if that is known.
    pub fn rate(&self) -> Option<f64> {
        self.rate
    }

    /// Whether signals are cut.
    pub fn is_cut(&self) -> bool {
        self.segments.is_some()
    }

    /// Files in folders that are left out, as systems leave them there.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The leading axes of the output if every signal is used: those of the arrays where they agree, with one before them
    /// for several arrays; `[count]` of sound files and of segments, and if some were skipped.
    pub fn leading(&self, count: usize) -> Vec<usize> {
        let leading = self.files[0].leading();
        let all = self.complete && count == self.len() && !self.is_cut();
        let agree = || self.files.iter().all(|file| file.leading() == leading);
        match (self.kind, self.files.len()) {
            (SoundKind::Array, 1) if all => leading,
            (SoundKind::Array, files) if all && agree() => [&[files], &leading[..]].concat(),
            _ => vec![count],
        }
    }

    /// Reads everything in order, so many bytes or signals at a time, until the receiver hangs up.
    pub fn read_all<T: Real>(
        &self,
        most_bytes: usize,
        most_signals: usize,
        sender: &SyncSender<Vec<Item<Signal<T>>>>,
    ) {
        let (mut items, mut bytes) = (Vec::new(), 0);
        for file in &self.files {
            for item in self.read_file(file) {
                if let Ok(signal) = &item.input {
                    bytes += size_of::<T>() * signal.samples.len();
                }
                items.push(item);
                if items.len() == most_signals || bytes >= most_bytes {
                    bytes = 0;
                    if sender.send(std::mem::take(&mut items)).is_err() {
                        return;
                    }
                }
            }
        }
        if !items.is_empty() {
            // A receiver that has hung up wants nothing more.
            let _ = sender.send(items);
        }
    }

    /// The signals of a file, one after the other, or their segments.
    fn read_file<T: Real>(&self, file: &SoundFile) -> impl Iterator<Item = Item<Signal<T>>> {
        let (signals, fault) = match file.signals::<T>() {
            Ok(signals) => (Some(signals), None),
            Err(error) => (None, Some(Err(error))),
        };
        let count = self.count(file);
        let segments = self.segments;
        let signals = signals.into_iter().flatten().chain(fault);
        signals.enumerate().flat_map(move |(index, signal)| {
            let label = file.label(index);
            match signal.map_err(Error::from).and_then(finite) {
                Err(error) => vec![Item {
                    label,
                    count,
                    input: Err(error),
                }],
                Ok(samples) => match segments {
                    None => vec![Item {
                        label,
                        count: 1,
                        input: Ok(Signal { samples, start: 0 }),
                    }],
                    Some(Segments { len, hop }) => (0..count)
                        .map(|segment| {
                            let start = segment * hop;
                            let samples = samples.slice(s![.., start..start + len]).to_owned();
                            Item {
                                label: label.clone(),
                                count: 1,
                                input: Ok(Signal { samples, start }),
                            }
                        })
                        .collect(),
                },
            }
        })
    }
}

impl Segments {
    /// At the rate of a file.
    fn of(args: &SignalArgs, file: &SoundFile) -> Result<Option<Self>> {
        let Some(seconds) = args.segment else {
            return Ok(None);
        };
        let rate = file.rate().context(
            "a segment is so many seconds, and how many samples a second has is not known; say --rate",
        )?;
        let samples = |name: &str, seconds: f64| {
            let samples = (seconds * rate).round();
            ensure!(
                samples >= 1.0,
                "{name} {seconds} is less than one sample at {rate} Hz"
            );
            Ok(samples as usize)
        };
        Ok(Some(Self {
            len: samples("--segment", seconds)?,
            hop: samples("--hop", args.hop.unwrap_or(seconds))?,
        }))
    }
}

/// Refuses a signal with a NaN or an infinity, which the transform would refuse with its whole chunk.
fn finite<T: Real>(samples: Array2<T>) -> Result<Array2<T>> {
    match samples.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(samples),
        Some((_, value)) if T::NAME == "float32" && value.is_infinite() => Err(Error::msg(
            "the input is infinite in 32 bits; replace infinities, or use --precision f64 for numbers beyond 3.4e38",
        )),
        Some(((channel, sample), value)) => {
            let position = match samples.nrows() {
                1 => vec![sample],
                _ => vec![channel, sample],
            };
            Err(wavelet_scattering::Error::NotFinite {
                position,
                value: value.widen(),
            }
            .into())
        }
    }
}
