//! Sounds: in one sub-folder per class, or in files whose names say the class.
//!
//! In come files of sound; out come their samples, `[n, 1, 1, samples]`, and the rate that all have. Channels are mixed. All are
//! brought to one length, that of the longest or one that is asked for: of longer sounds the middle is taken, shorter ones stand
//! in the middle of zeros, the odd sample behind them.
//!
//! Two sets have rules of their own for what is tested, told by the names of their files:
//!
//! - `{digit}_{speaker}_{take}`, the Free Spoken Digit Dataset: takes 0 to 4 are tested, the others learned from.
//! - `{fold}-{recording}-{take}` in class folders, ESC-10: the highest fold is tested, the others learned from, so that takes of
//!   one recording never stand on both sides.
//!
//! Sources: the README of the Free Spoken Digit Dataset (Z. Jackson and others); K. J. Piczak, "ESC: dataset for
//! environmental sound classification", 2015, section 2.

use std::path::{Path, PathBuf};

use ndarray::Array4;

use super::class_folders::{files_by_class, halves};
use super::label::Label;
use super::listing::{Listing, lower_name};
use super::options::DatasetOptions;
use super::part::{Part, Parts};
use crate::io::listing::{is_called_sound, list_inputs, list_sounds};
use crate::io::sound::{Channels, SoundFile, SoundOptions};
use crate::{Error, Result, memory, parallel};

/// Takes of a spoken digit that are tested: those below.
const TESTED_TAKES: u64 = 5;

/// The folder within the Free Spoken Digit Dataset that has its sounds.
const RECORDINGS: &str = "recordings";

/// The sounds of a folder and their rate, if it is a set of sounds.
pub(super) fn read(listing: &Listing, options: &DatasetOptions) -> Result<Option<(Parts, f64)>> {
    let Some(set) = Set::find(listing)? else {
        return Ok(None);
    };
    let Opened { rate, len, files } = Opened::new(set.files(), options)?;
    let (train, test) = files.split_at(set.train.len());
    let part = |files: &[SoundFile], named: &[(PathBuf, Label)]| -> Result<Part> {
        Ok(Part {
            path: listing.path.clone(),
            images: stack(files, len)?,
            labels: named.iter().map(|(_, label)| label.clone()).collect(),
        })
    };
    let parts = Parts {
        train: part(train, &set.train)?,
        test: (set.test.as_ref())
            .map(|named| part(test, named))
            .transpose()?,
    };
    Ok(Some((parts, rate)))
}

/// Which files there are, their classes, and what is tested.
struct Set {
    train: Vec<(PathBuf, Label)>,
    /// `None`: the set comes in one piece.
    test: Option<Vec<(PathBuf, Label)>>,
}

impl Set {
    fn find(listing: &Listing) -> Result<Option<Self>> {
        if let Some(set) = Self::spoken_digits(listing)? {
            return Ok(Some(set));
        }
        match halves(listing)? {
            Some((train, test)) if holds_sounds(&train) => {
                let train = files_by_class(&train, list_sounds)?;
                Ok(Some(match test {
                    Some(test) => Self {
                        train,
                        test: Some(files_by_class(&test, list_sounds)?),
                    },
                    None => Self::by_fold(train),
                }))
            }
            _ => Ok(None),
        }
    }

    /// Files named as spoken digits are, in the folder or in its `recordings`.
    fn spoken_digits(listing: &Listing) -> Result<Option<Self>> {
        let below = listing.folders.iter();
        let below = below
            .filter(|path| lower_name(path) == RECORDINGS)
            .map(|path| Listing::new(path))
            .collect::<Result<Vec<_>>>()?;
        let files = listing.files.iter();
        let files = files.chain(below.iter().flat_map(|folder| &folder.files));
        let sounds: Vec<_> = files.filter(|path| is_called_sound(path)).collect();
        let takes: Vec<_> = sounds.iter().map(|path| digit_and_take(path)).collect();
        if takes.iter().all(Option::is_none) {
            return Ok(None);
        }
        let [mut train, mut test] = [Vec::new(), Vec::new()];
        for (path, take) in sounds.into_iter().zip(takes) {
            let (digit, take) = take.ok_or_else(|| {
                let reason = "its class cannot be told, as sounds beside it are named {digit}_{speaker}_{take}, with two numbers";
                Error::bad_file(path, reason)
            })?;
            let half = if take < TESTED_TAKES {
                &mut test
            } else {
                &mut train
            };
            half.push((path.clone(), Label::Number(digit.into())));
        }
        for (half, takes, other) in [
            (&train, "from 5 on, which are learned from", "0 to 4"),
            (&test, "0 to 4, which are tested", "from 5 on"),
        ] {
            if half.is_empty() {
                return Err(Error::bad_file(
                    &listing.path,
                    format!(
                        "its files are named as spoken digits are, and none is of the takes {takes}; all are {other}"
                    ),
                ));
            }
        }
        Ok(Some(Self {
            train,
            test: Some(test),
        }))
    }

    /// Parts a set by its folds if all names have one and there are several.
    fn by_fold(files: Vec<(PathBuf, Label)>) -> Self {
        let folds: Option<Vec<u64>> = files.iter().map(|(path, _)| fold(path)).collect();
        let folds = folds.unwrap_or_default();
        let highest = folds.iter().max();
        if folds.iter().min() == highest {
            return Self {
                train: files,
                test: None,
            };
        }
        let of_fold = files.into_iter().zip(&folds);
        let (test, train): (Vec<_>, Vec<_>) = of_fold.partition(|(_, fold)| Some(*fold) == highest);
        let named = |half: Vec<(_, _)>| half.into_iter().map(|(file, _)| file).collect();
        Self {
            train: named(train),
            test: Some(named(test)),
        }
    }

    /// All files, those of the training set first.
    fn files(&self) -> impl Iterator<Item = &Path> {
        let all = self.train.iter().chain(self.test.iter().flatten());
        all.map(|(path, _)| path.as_path())
    }
}

/// Whether a class folder holds sounds, and nothing that makes it one of images.
fn holds_sounds(listing: &Listing) -> bool {
    let mut folders = listing.folders.iter().map(std::slice::from_ref);
    folders.any(|folder| list_inputs(folder).is_err() && list_sounds(folder).is_ok())
}

fn stem(path: &Path) -> Option<&str> {
    path.file_stem()?.to_str()
}

/// What `{digit}_{speaker}_{take}` says.
fn digit_and_take(path: &Path) -> Option<(u64, u64)> {
    let (digit, rest) = stem(path)?.split_once('_')?;
    let (speaker, take) = rest.rsplit_once('_')?;
    let numbers = (digit.parse().ok()?, take.parse().ok()?);
    (!speaker.is_empty()).then_some(numbers)
}

/// The fold of `{fold}-{recording}-{take}`, which may have more behind it.
fn fold(path: &Path) -> Option<u64> {
    let mut parts = stem(path)?.split('-');
    let [fold, recording, take] = [parts.next()?, parts.next()?, parts.next()?];
    let numbers = fold.parse().ok().zip(recording.parse::<u64>().ok());
    let is_take = take.len() == 1 && take.chars().all(|letter| letter.is_ascii_uppercase());
    numbers.filter(|_| is_take).map(|(fold, _)| fold)
}

/// Sounds of which the headers are known.
struct Opened {
    files: Vec<SoundFile>,
    /// Samples per second of all.
    rate: f64,
    /// Samples that all are brought to.
    len: usize,
}

impl Opened {
    fn new<'a>(paths: impl Iterator<Item = &'a Path>, options: &DatasetOptions) -> Result<Self> {
        if options.samples == Some(0) {
            return Err(Error::InvalidParameter {
                name: "samples",
                value: "0".to_string(),
                limit: "a sound has at least one".to_string(),
            });
        }
        let paths: Vec<_> = paths.collect();
        let reading = SoundOptions {
            channels: Channels::Mono,
            resample: options.resample,
            ..SoundOptions::default()
        };
        let open = |i: usize| SoundFile::open(paths[i], &reading);
        let files: Result<Vec<_>> = parallel::map(paths.len(), open).into_iter().collect();
        let files = files?;
        let mut first: Option<(&Path, f64)> = None;
        for file in &files {
            let rate = file.rate().ok_or_else(|| {
                Error::bad_file(
                    file.path(),
                    "it does not say its rate, as a sound of a set has to",
                )
            })?;
            let (other, known) = *first.get_or_insert((file.path(), rate));
            if rate != known {
                return Err(Error::bad_file(
                    file.path(),
                    format!(
                        "it has {rate} Hz, and {} has {known} Hz, so that one wavelet would mean several frequencies; resample \
                         brings all sounds to one rate",
                        other.display()
                    ),
                ));
            }
        }
        let longest = files.iter().map(SoundFile::samples).max().unwrap_or(0);
        Ok(Self {
            rate: first.map_or(0.0, |(_, rate)| rate),
            len: options.samples.unwrap_or(longest),
            files,
        })
    }
}

/// Reads sounds and brings them to one length.
fn stack(files: &[SoundFile], len: usize) -> Result<Array4<f32>> {
    let shape = [files.len(), 1, 1, len];
    memory::require(
        "the samples of a data set",
        // Read, and in their place.
        memory::bytes_of::<[f32; 2]>(memory::count(&shape)),
        "take fewer samples of every sound, or a lower rate",
    )?;
    let read = |i: usize| -> Result<Vec<f32>> {
        let file = &files[i];
        let mut signals = file.signals::<f32>()?;
        let sound = signals.next().transpose()?.unwrap_or_default();
        let sound = sound.into_raw_vec_and_offset().0;
        if let Some(at) = sound.iter().position(|value| !value.is_finite()) {
            return Err(Error::bad_file(
                file.path(),
                format!("sample {at} of it is {}", sound[at]),
            ));
        }
        Ok(middle(sound, len))
    };
    let sounds: Result<Vec<_>> = parallel::map(files.len(), read).into_iter().collect();
    let mut all = Array4::zeros(shape);
    for (mut to, sound) in all.outer_iter_mut().zip(sounds?) {
        to.iter_mut().zip(sound).for_each(|(to, value)| *to = value);
    }
    Ok(all)
}

/// The middle of a sound, or the sound in the middle of zeros.
fn middle(mut sound: Vec<f32>, len: usize) -> Vec<f32> {
    match sound.len().checked_sub(len) {
        Some(more) => {
            sound.drain(..more / 2);
            sound.truncate(len);
            sound
        }
        None => {
            let before = (len - sound.len()) / 2;
            let mut longer = vec![0.0; len];
            longer[before..before + sound.len()].copy_from_slice(&sound);
            longer
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::io::{Dataset, ImageOptions, Medium, read_dataset, read_dataset_with};

    /// A WAV of 16 bits with the given samples of every channel.
    fn write(path: impl AsRef<Path>, rate: u32, channels: &[&[i16]]) {
        let count = channels.len() as u16;
        let samples: Vec<u8> = (0..channels[0].len())
            .flat_map(|t| {
                channels
                    .iter()
                    .flat_map(move |channel| channel[t].to_le_bytes())
            })
            .collect();
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((36 + samples.len() as u32).to_le_bytes());
        bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
        bytes.extend(count.to_le_bytes());
        bytes.extend(rate.to_le_bytes());
        bytes.extend((rate * 2 * u32::from(count)).to_le_bytes());
        bytes.extend((2 * count).to_le_bytes());
        bytes.extend(b"\x10\0data");
        bytes.extend((samples.len() as u32).to_le_bytes());
        bytes.extend(samples);
        fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// The samples of the files that a half is of, which are one number each.
    fn numbers(half: &crate::io::LabelledImages) -> Vec<i16> {
        let middle = half.images.shape()[3] / 2;
        let of = |i: usize| (half.images[[i, 0, 0, middle]] * 32768.0) as i16;
        (0..half.len()).map(of).collect()
    }

    fn refusal(path: &Path) -> String {
        read_dataset(path).unwrap_err().to_string()
    }

    #[test]
    fn spoken_digits_are_parted_by_take() {
        let folder = tempfile::tempdir().unwrap();
        for place in ["", "recordings"] {
            let path = folder.path().join("set");
            for digit in [3_i16, 10] {
                for take in [0_i16, 4, 5, 12] {
                    let name = format!("{digit}_ann_{take}.wav");
                    write(
                        path.join(place).join(name),
                        8000,
                        &[&[100 * digit + take; 3]],
                    );
                }
            }
            fs::write(path.join("README.md"), "").unwrap();
            let set = read_dataset(&path).unwrap();
            assert_eq!(set.medium, Medium::Sounds { rate: 8000.0 });
            // Names stand in their order, numbers in theirs.
            assert_eq!(numbers(&set.test), [1000, 1004, 300, 304]);
            assert_eq!(numbers(&set.train), [1012, 1005, 312, 305]);
            assert_eq!(set.train.classes, ["3", "10"]);
            assert_eq!(set.test.labels, [1, 1, 0, 0]);
            write(path.join(place).join("3_ann_x.wav"), 8000, &[&[0; 3]]);
            let message = refusal(&path);
            assert!(
                message.contains("3_ann_x.wav") && message.contains("{take}"),
                "{message}"
            );
            fs::remove_dir_all(&path).unwrap();
        }
        write(folder.path().join("3_ann_0.wav"), 8000, &[&[0; 3]]);
        assert!(refusal(folder.path()).contains("none is of the takes from 5 on"));
    }

    #[test]
    fn class_folders_are_parted_by_halves_by_fold_or_as_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let set = |names: &[&str]| -> Dataset {
            let path = folder.path().join("set");
            for (n, name) in names.iter().enumerate() {
                write(path.join(name), 8000, &[&[n as i16; 3]]);
            }
            let set = read_dataset(&path).unwrap();
            fs::remove_dir_all(&path).unwrap();
            set
        };
        let halves = set(&["a/1.wav", "a/2.wav", "a/3.wav", "b/x/1.wav", "b/y/1.wav"]);
        assert_eq!([halves.train.len(), halves.test.len()], [2, 3]);
        assert_eq!(halves.train.classes, ["a", "b"]);
        let named = set(&[
            "train/a/1.wav",
            "train/b/1.wav",
            "test/a/1.wav",
            "test/b/1.wav",
        ]);
        assert_eq!(
            (numbers(&named.train), numbers(&named.test)),
            (vec![0, 1], vec![2, 3])
        );
        let folds = set(&[
            "a/1-17-A.wav",
            "a/1-17-B.wav",
            "a/2-20-A.wav",
            "a/3-1-A.wav",
            "a/3-1-B.wav",
            "b/1-8-A.wav",
            "b/3-9-A.wav",
        ]);
        assert_eq!(
            (numbers(&folds.train), numbers(&folds.test)),
            (vec![0, 1, 2, 5], vec![3, 4, 6])
        );
        let one_fold = set(&["a/1-17-A.wav", "a/1-18-A.wav", "b/1-8-A.wav", "b/1-9-A.wav"]);
        assert_eq!([one_fold.train.len(), one_fold.test.len()], [2, 2]);
    }

    #[test]
    fn sounds_are_mixed_and_brought_to_one_rate_and_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        write(path.join("train/a/1.wav"), 8000, &[&[100; 4], &[300; 4]]);
        write(path.join("train/b/1.wav"), 8000, &[&[7; 9]]);
        write(path.join("test/a/1.wav"), 8000, &[&[8, 9, 10, 11, 12]]);
        let of = |options: &DatasetOptions| read_dataset_with(path, options).unwrap();
        let longest = of(&DatasetOptions::default());
        assert_eq!(longest.train.images.shape(), [2, 1, 1, 9]);
        assert_eq!(longest.test.images.shape(), [1, 1, 1, 9]);
        let row = |set: &Dataset| {
            set.train
                .images
                .iter()
                .take(9)
                .map(|v| v * 32768.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            row(&longest),
            [0.0, 0.0, 200.0, 200.0, 200.0, 200.0, 0.0, 0.0, 0.0]
        );
        let three = of(&DatasetOptions {
            samples: Some(3),
            ..DatasetOptions::default()
        });
        assert_eq!(
            three.test.images.as_slice().unwrap(),
            [9.0, 10.0, 11.0].map(|v| v / 32768.0)
        );

        write(path.join("test/b/1.wav"), 16_000, &[&[1; 8]]);
        let message = refusal(path);
        for part in [
            "test/b/1.wav",
            "16000 Hz",
            "train/a/1.wav",
            "8000 Hz",
            "resample",
        ] {
            assert!(message.contains(part), "{message}");
        }
        let resampled = of(&DatasetOptions {
            resample: Some(4000.0),
            ..DatasetOptions::default()
        });
        assert_eq!(resampled.medium, Medium::Sounds { rate: 4000.0 });
        assert_eq!(resampled.train.images.shape()[3], 5);
    }

    #[test]
    fn what_is_not_a_set_of_sounds_stays_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        for name in ["a/1.png", "a/2.png", "b/1.png", "b/2.png"] {
            fs::create_dir_all(path.join(name).parent().unwrap()).unwrap();
            crate::io::write_png(
                path.join(name),
                &crate::raster::Raster::filled(5, 4, [9; 3]),
            )
            .unwrap();
        }
        write(path.join("a/noise.wav"), 8000, &[&[0; 3]]);
        write(path.join("noise.wav"), 8000, &[&[0; 3]]);
        assert_eq!(read_dataset(path).unwrap().medium, Medium::Images);
        let samples = DatasetOptions {
            samples: Some(3),
            ..DatasetOptions::default()
        };
        let message = read_dataset_with(path, &samples).unwrap_err().to_string();
        assert!(
            message.contains("samples") && message.contains("folders of sounds"),
            "{message}"
        );
        fs::remove_dir_all(path.join("a")).unwrap();
        fs::remove_dir_all(path.join("b")).unwrap();
        assert!(refusal(path).contains("{digit}_{speaker}_{take}"));

        write(path.join("a/1.wav"), 8000, &[&[0; 3]]);
        write(path.join("b/1.wav"), 8000, &[&[0; 3]]);
        assert!(refusal(path).contains("class a has one sound"));
        write(path.join("a/2.wav"), 8000, &[&[0; 3]]);
        write(path.join("b/2.wav"), 8000, &[&[0; 3]]);
        let values = ImageOptions {
            channels_last: true,
            ..ImageOptions::default()
        };
        let message = read_dataset_with(path, &values.into())
            .unwrap_err()
            .to_string();
        assert!(message.contains("folders of images"), "{message}");
        let none = DatasetOptions {
            samples: Some(0),
            ..DatasetOptions::default()
        };
        assert!(
            read_dataset_with(path, &none)
                .unwrap_err()
                .to_string()
                .contains("at least one")
        );
    }

    #[test]
    fn the_middle_is_kept_and_what_is_missing_is_zero() {
        let ramp: Vec<f32> = (1..=5).map(|n| n as f32).collect();
        let of = |len| middle(ramp.clone(), len);
        assert_eq!(of(5), ramp);
        assert_eq!(of(3), [2.0, 3.0, 4.0]);
        assert_eq!(of(2), [2.0, 3.0]);
        assert_eq!(of(8), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 0.0, 0.0]);
    }

    #[test]
    fn names_say_what_they_say_and_no_more() {
        let digit = |name: &str| digit_and_take(Path::new(name));
        assert_eq!(digit("a/7_jackson_32.wav"), Some((7, 32)));
        assert_eq!(digit("7_two_names_0.flac"), Some((7, 0)));
        for other in [
            "7_32.wav",
            "7__32.wav",
            "x_jackson_3.wav",
            "7_jackson_x.wav",
            "7.wav",
        ] {
            assert_eq!(digit(other), None, "{other}");
        }
        let fold = |name: &str| fold(Path::new(name));
        assert_eq!(fold("001/1-100032-A.wav"), Some(1));
        assert_eq!(
            fold("5-9032-B-0.wav"),
            Some(5),
            "ESC-50 has the class behind it"
        );
        for other in [
            "a-100032-A.wav",
            "1-x-A.wav",
            "1-100032-a.wav",
            "1-100032-12.wav",
            "1-2.wav",
        ] {
            assert_eq!(fold(other), None, "{other}");
        }
    }
}
