//! Sounds that other programs wrote, read as other programs read them: `tests/data/sounds`, found by walking.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use wavelet_scattering::Error;
use wavelet_scattering::io::{
    Channels, NpyFile, SampleType, SoundFile, SoundKind, SoundOptions, SoundStream, list_sounds,
    read_sound,
};
use wavelet_scattering::ndarray::{Array2, Axis, Ix2, concatenate};
use wavelet_scattering::num::relative_error;
use wavelet_scattering::signal::resample;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/sounds")
        .join(name)
}

const ALL: SoundOptions = SoundOptions {
    channels: Channels::All,
    rate: None,
    resample: None,
    raw: None,
};

fn array(name: &str) -> Array2<f64> {
    let array = NpyFile::open(data(name)).unwrap().read().unwrap();
    array.into_dimensionality::<Ix2>().unwrap()
}

/// The sounds of the folder, each with the samples that it holds by another program.
fn cases() -> Vec<(PathBuf, Array2<f64>)> {
    let names: BTreeSet<String> = fs::read_dir(data(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let is_case = |name: &&String| {
        let other = ["refused_", "resample."];
        let ends = [".npy", ".py", ".md"];
        !other.iter().any(|start| name.starts_with(start))
            && !ends.iter().any(|end| name.ends_with(end))
    };
    let cases: Vec<_> = (names.iter().filter(is_case))
        .map(|name| {
            let stem = name.rsplit_once('.').unwrap().0;
            (data(name), array(&format!("{stem}.expected.npy")))
        })
        .collect();
    assert!(cases.len() > 20);
    cases
}

fn is_lossy(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    ["mp3", "vorbis", "aac"]
        .iter()
        .any(|kind| name.starts_with(kind))
}

#[test]
fn every_sound_holds_what_other_programs_read() {
    for (path, expected) in cases() {
        let label = path.display();
        let file = SoundFile::open(&path, &ALL).unwrap();
        assert_eq!(file.kind(), SoundKind::Sound);
        assert_eq!((file.len(), file.leading()), (1, vec![]), "{label}");
        assert_eq!((file.channels(), file.samples()), expected.dim(), "{label}");
        let sound = file.signals::<f64>().unwrap().next().unwrap().unwrap();
        assert_eq!(sound.dim(), expected.dim(), "{label}");
        if is_lossy(&path) {
            // Decoders round differently; all are of single precision.
            let error = relative_error(sound.iter().copied(), expected.iter().copied());
            assert!(error < 2e-5, "{label}: {error}");
        } else {
            assert_eq!(sound, expected, "{label}");
        }
        let single = file.signals::<f32>().unwrap().next().unwrap().unwrap();
        assert!(
            single.iter().zip(&sound).all(|(&s, &d)| s == d as f32),
            "{label}"
        );
    }
}

#[test]
fn rates_are_those_of_the_files() {
    for (name, rate) in [
        ("python_16_1.wav", 8000.0),
        ("sndfile_f32.wav", 11025.0),
        ("flac_xiph.flac", 16_000.0),
        ("mp3.mp3", 22_050.0),
        ("vorbis_stereo.ogg", 44_100.0),
        ("aac_adts.aac", 22_050.0),
        ("aac.m4a", 44_100.0),
    ] {
        assert_eq!(
            SoundFile::open(data(name), &ALL).unwrap().rate(),
            Some(rate),
            "{name}"
        );
    }
}

#[test]
fn what_a_file_is_tells_its_content() {
    let folder = tempfile::tempdir().unwrap();
    for (path, expected) in cases() {
        let bytes = fs::read(&path).unwrap();
        let renamed = folder.path().join("x.png");
        fs::write(&renamed, &bytes).unwrap();
        for file in [
            SoundFile::open(&renamed, &ALL).unwrap(),
            SoundFile::from_reader("standard input", &bytes[..], &ALL).unwrap(),
        ] {
            assert_eq!(
                (file.channels(), file.samples()),
                expected.dim(),
                "{}",
                path.display()
            );
            let sound = file.signals::<f32>().unwrap().next().unwrap().unwrap();
            assert_eq!(sound.dim(), expected.dim());
        }
    }
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_an_error() {
    for (path, expected) in cases() {
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = fs::read(&path).unwrap();
        let mut lens: Vec<usize> = (1..40).map(|part| bytes.len() * part / 40).collect();
        lens.extend(0..64.min(bytes.len()));
        lens.extend(bytes.len().saturating_sub(80)..bytes.len());
        for len in lens {
            let opened = SoundFile::from_reader(name, &bytes[..len], &ALL);
            let read = opened.and_then(|file| {
                let sound = file.signals::<f64>()?.next().unwrap()?;
                Ok((file.samples(), sound))
            });
            match read {
                Err(error) => {
                    assert!(
                        matches!(error, Error::BadFile { .. }),
                        "{name} {len}: {error}"
                    );
                }
                // Whose length nobody knows, or which is whole without what stands behind its samples.
                Ok((samples, sound)) => {
                    let open_end = name.contains("pipe") || name.starts_with("zero_length");
                    let frames = name == "mp3_plain.mp3" || name == "aac_adts.aac";
                    assert!(
                        open_end || frames || samples == expected.ncols(),
                        "{name}: {len} of {} bytes gave {samples} samples",
                        bytes.len()
                    );
                    if !is_lossy(&path) {
                        assert_eq!(
                            sound,
                            expected.slice(wavelet_scattering::ndarray::s![.., ..samples])
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn damage_does_not_pass_in_silence() {
    // Checksums tell: of every sample, of every page.
    for name in [
        "flac_sndfile_16.flac",
        "flac_xiph.flac",
        "flac_in_ogg.ogg",
        "vorbis.ogg",
    ] {
        let whole = fs::read(data(name)).unwrap();
        for at in (200..whole.len()).step_by(whole.len() / 23) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            let read = SoundFile::from_reader(name, &bytes[..], &ALL)
                .and_then(|file| file.signals::<f32>()?.next().unwrap());
            // What is flipped may be a comment.
            if let Ok(sound) = read {
                let expected = array(&format!(
                    "{}.expected.npy",
                    name.rsplit_once('.').unwrap().0
                ));
                let error = relative_error(sound.iter().copied(), expected.iter().copied());
                assert!(
                    error < 2e-5,
                    "{name}: byte {at} is another, and the samples too: {error}"
                );
            }
        }
    }
    // Frames that are missing are missed.
    for name in ["mp3.mp3", "mp3_plain.mp3", "aac_adts.aac", "flac_xiph.flac"] {
        let whole = fs::read(data(name)).unwrap();
        let bytes = [&whole[..whole.len() / 2], &whole[whole.len() / 2 + 100..]].concat();
        let read = SoundFile::from_reader(name, &bytes[..], &ALL)
            .and_then(|file| file.signals::<f32>()?.next().unwrap());
        assert!(matches!(read, Err(Error::BadFile { .. })), "{name}");
    }
    // One behind the other is not one.
    for name in ["mp3.mp3", "vorbis.ogg"] {
        let bytes = fs::read(data(name)).unwrap().repeat(2);
        let message = SoundFile::from_reader(name, &bytes[..], &ALL)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("one behind the other"),
            "{name}: {message}"
        );
    }
}

#[test]
fn no_bytes_make_a_decoder_panic() {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 8
    };
    for (path, _) in cases() {
        let whole = fs::read(&path).unwrap();
        for _ in 0..30 {
            let mut bytes = whole.clone();
            for _ in 0..1 + next() % 6 {
                let at = next() as usize % bytes.len().min(4096);
                bytes[at] = next() as u8;
            }
            if let Ok(file) = SoundFile::from_reader("x", &bytes[..], &ALL)
                && file.samples() < 1 << 20
            {
                let _ = file.signals::<f32>().map(|mut signals| signals.next());
            }
        }
    }
}

#[test]
fn files_that_are_no_sound_say_what_would_be() {
    let refused = |name: &str| SoundFile::open(data(name), &ALL).unwrap_err().to_string();
    assert!(refused("refused_alaw.wav").contains("A-law"));
    assert!(refused("refused_opus.ogg").contains("Opus"));
    assert!(refused("refused_aiff.aiff").contains("flac, mp3"));
    assert!(refused("make.py").contains("flac, mp3"));
    assert!(refused("refused_alaw.wav").contains("ffmpeg"));
    let empty = SoundFile::from_reader("a.wav", &b""[..], &ALL).unwrap_err();
    assert!(
        empty
            .to_string()
            .contains("a.wav cannot be used: it is empty"),
        "{empty}"
    );
    let missing = SoundFile::open(data("absent.wav"), &ALL);
    assert!(matches!(missing, Err(Error::File { .. })));
}

#[test]
fn several_channels_are_refused_mixed_or_kept() {
    let path = data("python_16_2.wav");
    let expected = array("python_16_2.expected.npy");
    let message = SoundFile::open(&path, &SoundOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("2 channels where one is needed"),
        "{message}"
    );
    let mono = SoundOptions {
        channels: Channels::Mono,
        ..ALL
    };
    let sound = read_sound::<f64>(&path, &mono).unwrap();
    assert_eq!(
        sound.samples,
        expected.mean_axis(Axis(0)).unwrap().insert_axis(Axis(0))
    );
    assert_eq!(sound.rate, Some(8000.0));
    assert_eq!(read_sound::<f64>(&path, &ALL).unwrap().samples, expected);
    assert_eq!(SoundFile::open(&path, &mono).unwrap().channels(), 1);
}

#[test]
fn arrays_are_signals_along_their_last_axis() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.npy");
    fs::copy(data("sndfile_f64.expected.npy"), &path).unwrap();
    let said = SoundOptions {
        rate: Some(11025.0),
        ..SoundOptions::default()
    };
    let file = SoundFile::open(&path, &said).unwrap();
    assert_eq!(
        (file.kind(), file.len(), file.leading()),
        (SoundKind::Array, 2, vec![2])
    );
    assert_eq!(
        (file.channels(), file.samples(), file.rate()),
        (1, 300, Some(11025.0))
    );
    assert_eq!(file.label(1), format!("{}[1]", path.display()));
    let expected = array("sndfile_f64.expected.npy");
    for (signal, row) in file.signals::<f64>().unwrap().zip(expected.rows()) {
        assert_eq!(signal.unwrap(), row.insert_axis(Axis(0)));
    }
    let second = format!("{}#2", path.display());
    let sound = read_sound::<f64>(&second, &SoundOptions::default()).unwrap();
    assert_eq!(sound.samples.row(0), expected.row(1));
    assert_eq!(sound.rate, None);
    let several = read_sound::<f64>(&path, &SoundOptions::default()).unwrap_err();
    assert!(several.to_string().contains("#1"), "{several}");
    assert!(matches!(
        SoundFile::open(&path, &ALL),
        Err(Error::InvalidParameter {
            name: "channels",
            ..
        })
    ));
    let unknown = SoundOptions {
        resample: Some(8000.0),
        ..SoundOptions::default()
    };
    assert!(matches!(
        SoundFile::open(&path, &unknown),
        Err(Error::InvalidParameter {
            name: "resample",
            ..
        })
    ));
}

#[test]
fn bare_samples_need_their_type_and_their_rate() {
    let bytes: Vec<u8> = [0.5_f32, -0.25, 1.0]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let options = |sample, rate| SoundOptions {
        raw: Some(sample),
        rate,
        ..SoundOptions::default()
    };
    let read = |bytes: &[u8], options: &SoundOptions| {
        SoundFile::from_reader("bare", bytes, options)
            .and_then(|file| file.signals::<f32>()?.next().unwrap())
    };
    let floats = options(SampleType::F32, Some(100.0));
    assert_eq!(
        read(&bytes, &floats).unwrap().row(0).to_vec(),
        [0.5, -0.25, 1.0]
    );
    assert_eq!(
        read(&bytes, &options(SampleType::S16, Some(100.0)))
            .unwrap()
            .len(),
        6
    );
    assert!(matches!(
        read(&bytes, &options(SampleType::F32, None)),
        Err(Error::InvalidParameter { name: "rate", .. })
    ));
    let message = read(&bytes[..10], &floats).unwrap_err().to_string();
    assert!(
        message.contains("10 bytes") && message.contains("f32le"),
        "{message}"
    );
    assert!(
        read(&[], &floats)
            .unwrap_err()
            .to_string()
            .contains("no samples")
    );
}

#[test]
fn a_rate_that_a_file_contradicts_is_refused() {
    let options = SoundOptions {
        rate: Some(16_000.0),
        ..SoundOptions::default()
    };
    let message = SoundFile::open(data("python_16_1.wav"), &options)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("8000 Hz") && message.contains("16000 Hz"),
        "{message}"
    );
}

#[test]
fn streams_give_what_files_hold() {
    for name in [
        "python_24_2.wav",
        "sndfile_extensible_f32.wav",
        "sox_pipe.wav",
        "zero_length.wav",
        "sndfile_rf64.wav",
    ] {
        let expected = array(&format!(
            "{}.expected.npy",
            name.strip_suffix(".wav").unwrap()
        ));
        let stream = SoundStream::<f64, _>::wav(name, fs::File::open(data(name)).unwrap()).unwrap();
        let blocks: Vec<_> = stream.map(Result::unwrap).collect();
        let views: Vec<_> = blocks.iter().map(|block| block.view()).collect();
        assert_eq!(concatenate(Axis(1), &views).unwrap(), expected, "{name}");
    }
}

#[test]
fn resampling_is_that_of_scipy_with_the_same_window() {
    let x: Vec<f64> = NpyFile::open(data("resample.input.npy"))
        .unwrap()
        .read()
        .unwrap()
        .into_iter()
        .collect();
    for (up, down) in [(160, 147), (147, 160), (1, 3), (5, 2)] {
        let scipy = NpyFile::open(data(&format!("resample.{up}_{down}.npy")))
            .unwrap()
            .read::<f64>()
            .unwrap();
        let y = resample(&x, f64::from(down) * 100.0, f64::from(up) * 100.0).unwrap();
        assert_eq!(y.len(), scipy.len());
        let error = relative_error(y, scipy.iter().copied());
        assert!(error < 1e-12, "{up}/{down}: {error}");
        let single: Vec<f32> = x.iter().map(|&v| v as f32).collect();
        let y = resample(&single, f64::from(down), f64::from(up)).unwrap();
        assert!(relative_error(y, scipy.iter().copied()) < 3e-7);
    }
    let options = SoundOptions {
        resample: Some(11025.0),
        ..SoundOptions::default()
    };
    let file = SoundFile::open(data("mp3.mp3"), &options).unwrap();
    assert_eq!((file.samples(), file.rate()), (4500, Some(11025.0)));
    assert_eq!(
        file.signals::<f32>()
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .dim(),
        (1, 4500)
    );
}

#[test]
fn folders_are_searched_for_sounds_and_not_for_images() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for name in ["b.WAV", "a/z.mp3", "a/x.png", "._b.wav", "c.flac"] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let found = list_sounds(&[root.to_path_buf()]).unwrap();
    let names: Vec<_> = (found.files.iter())
        .map(|path| path.strip_prefix(root).unwrap().to_str().unwrap())
        .collect();
    assert_eq!(
        (names, found.left_out),
        (vec!["a/z.mp3", "b.WAV", "c.flac"], 1)
    );
    fs::write(root.join("d.npy"), "").unwrap();
    let mixed = list_sounds(&[root.to_path_buf()]).unwrap_err().to_string();
    assert!(
        mixed.contains("3 sound files and 1 files of arrays"),
        "{mixed}"
    );
    let none = tempfile::tempdir().unwrap();
    fs::write(none.path().join("a.png"), "").unwrap();
    let message = list_sounds(&[none.path().to_path_buf()])
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("no sounds and no arrays; formats: aac, flac"),
        "{message}"
    );
}
