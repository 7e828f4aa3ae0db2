//! `scatter signal`, run as a person runs it: sounds and arrays in, features out, and an answer to every mistake.

#![allow(non_snake_case)]

mod program;

use std::fs;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ndarray::{Array1, Array2, ArrayD, Axis, s};
use serde_json::Value;
use tempfile::TempDir;
use wavelet_scattering::io::{Channels, NpyFile, NpyStack, SoundOptions, read_sound};
use wavelet_scattering::num::relative_error;
use wavelet_scattering::{Average, Scattering1d};

use program::{command, fails, ok};

fn sounds(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/sounds")
        .join(name)
}

fn array(path: PathBuf) -> ArrayD<f64> {
    NpyFile::open(path).unwrap().read().unwrap()
}

fn write_array(path: PathBuf, array: &ArrayD<f64>) {
    let mut stack = NpyStack::<f64>::create(path, array.shape(), &[]).unwrap();
    stack.push(array.as_slice().unwrap()).unwrap();
    stack.finish(&[]).unwrap();
}

/// The shape that a plan of the library gives to so many signals.
fn shape(signals: usize, len: usize, J: usize) -> Vec<usize> {
    let plan = Scattering1d::params(len, J).Q([8]).plan::<f32>().unwrap();
    plan.output_shape(&[signals])
}

fn tone(len: usize, seed: usize) -> Vec<f64> {
    (0..len)
        .map(|t| {
            0.5 * (0.05 * (1 + seed) as f64 * t as f64).sin()
                + 0.3 * (0.0003 * (t * t) as f64).sin()
        })
        .collect()
}

/// A WAV file of 16 bits and one channel.
fn wav(path: PathBuf, samples: &[f64], rate: u32) {
    fs::write(path, wav_bytes(samples, rate, 2 * samples.len() as u32)).unwrap();
}

fn wav_bytes(samples: &[f64], rate: u32, promised: u32) -> Vec<u8> {
    let mut bytes = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    bytes.extend(rate.to_le_bytes());
    bytes.extend((2 * rate).to_le_bytes());
    bytes.extend([2, 0, 16, 0]);
    bytes.extend(b"data");
    bytes.extend(promised.to_le_bytes());
    let integers = samples.iter().map(|v| (v * 32768.0).round() as i16);
    bytes.extend(integers.flat_map(i16::to_le_bytes));
    bytes
}

/// A folder of sounds, with these lengths.
fn studio(lengths: &[usize]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in/sub")).unwrap();
    for (seed, (&len, name)) in lengths
        .iter()
        .zip(["in/b.wav", "in/a.wav", "in/sub/c.wav"])
        .enumerate()
    {
        wav(folder.path().join(name), &tone(len, seed), 8000);
    }
    fs::write(folder.path().join("in/notes.txt"), "no sound").unwrap();
    folder
}

/// Everything in a folder but the inputs.
fn products(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("out"))
        .collect();
    names.sort();
    names
}

fn sound(path: PathBuf) -> Array2<f32> {
    let options = SoundOptions {
        channels: Channels::All,
        ..SoundOptions::default()
    };
    read_sound(path, &options).unwrap().samples
}

#[test]
fn a_folder_of_sounds_becomes_the_librarys_features_with_hertz_beside_them() {
    let folder = studio(&[1500, 1500, 1500]);
    let printed = ok(
        folder.path(),
        &["signal", "in", "-J", "5", "-Q", "4", "-o", "out.npy"],
    );
    assert!(printed.contains("float32, 3 signals"), "{printed}");
    assert_eq!(
        products(folder.path()),
        ["out.inputs.csv", "out.json", "out.npy", "out.paths.csv"]
    );
    let plan = Scattering1d::params(1500, 5).Q([4]).plan::<f32>().unwrap();
    let got = array(folder.path().join("out.npy"));
    for (row, name) in ["in/a.wav", "in/b.wav", "in/sub/c.wav"]
        .into_iter()
        .enumerate()
    {
        let sound = sound(folder.path().join(name));
        let expected = plan.transform(&sound.row(0)).unwrap();
        assert_eq!(
            got.index_axis(Axis(0), row),
            expected.array().mapv(f64::from),
            "{name}"
        );
    }
    let inputs = fs::read_to_string(folder.path().join("out.inputs.csv")).unwrap();
    assert_eq!(
        inputs,
        "row,input,skipped\n0,in/a.wav,\n1,in/b.wav,\n2,in/sub/c.wav,\n"
    );
    let paths = fs::read_to_string(folder.path().join("out.paths.csv")).unwrap();
    let mut lines = paths.lines();
    let header: Vec<_> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|&other| other == name).unwrap();
    assert_eq!(lines.clone().count(), plan.paths().len());
    let first: Vec<_> = lines.nth(1).unwrap().split(',').collect();
    let number = |name: &str| first[column(name)].parse::<f64>().unwrap();
    assert_eq!(number("xi1_hz"), number("xi1") * 8000.0);
    assert_eq!(number("seconds_apart"), 32.0 / 8000.0);
    let parameters: Value =
        serde_json::from_slice(&fs::read(folder.path().join("out.json")).unwrap()).unwrap();
    assert_eq!(parameters["rate"], 8000.0);
    assert_eq!(parameters["transform"]["T"], 32.0);
    assert_eq!(
        parameters["shape"],
        serde_json::json!([3, plan.paths().len(), 47])
    );
}

#[test]
fn golden_signals_run_through_the_program_are_kymatios() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let folder = tempfile::tempdir().unwrap();
    let mut cases = 0;
    for case in fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let name = case.file_name().unwrap().to_str().unwrap().to_string();
        if !name.starts_with("1d-") {
            continue;
        }
        cases += 1;
        let description: Value =
            serde_json::from_slice(&fs::read(case.join("case.json")).unwrap()).unwrap();
        let args = &description["args"];
        let Q = args["Q"].to_string().replace(['[', ']'], "");
        let mut words = [
            "signal".to_string(),
            case.join("input.npy").display().to_string(),
        ]
        .to_vec();
        let mut add = |flag: &str, value: String| words.extend([flag.to_string(), value]);
        add("-J", args["J"].to_string());
        add("-Q", Q);
        for (name, flag) in [("max_order", "--order"), ("stride", "--stride")] {
            if let Some(value) = args[name].as_u64() {
                add(flag, value.to_string());
            }
        }
        let mut expected = array(case.join("output.npy"));
        match &args["T"] {
            Value::Number(T) => add("-T", T.to_string()),
            Value::String(_) => {
                add("--average", "sum".into());
                expected = expected.remove_axis(Axis(1));
            }
            _ => {}
        }
        for (precision, tolerance) in [("f32", 3e-6), ("f64", 1e-11)] {
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            ok(
                folder.path(),
                &[&words[..], &["--precision", precision, "-o", "s.npy"]].concat(),
            );
            let got = array(folder.path().join("s.npy"));
            assert_eq!(got.shape(), expected.shape(), "{name}");
            let orders = description["paths"]["order"].as_array().unwrap();
            let axis = Axis(description["input_shape"].as_array().unwrap().len() - 1);
            for order in 0..=2 {
                let rows: Vec<_> = (0..orders.len())
                    .filter(|&row| orders[row] == order)
                    .collect();
                let error = relative_error(got.select(axis, &rows), expected.select(axis, &rows));
                assert!(
                    error <= tolerance,
                    "{name} {precision} order {order}: {error:e}"
                );
            }
        }
    }
    assert!(cases >= 6);
}

#[test]
fn joint_features_of_the_program_are_kymatios() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let folder = tempfile::tempdir().unwrap();
    for (case, options) in [
        ("jtfs-chirp-1024-J6-Jfr3-Q8x2", "-J 6 -Q 8,2"),
        (
            "jtfs-chirp-2048-J7-Jfr3-Q12x1-joint",
            "-J 7 -Q 12,1 --format joint",
        ),
    ] {
        let input = data.join(case).join("input.npy");
        let mut args = vec![
            "signal",
            input.to_str().unwrap(),
            "--joint",
            "--precision",
            "f64",
        ];
        args.extend(options.split(' '));
        args.extend(["--rate", "8000", "-o", "out.npy"]);
        ok(folder.path(), &args);
        let expected = array(data.join(case).join("output.npy"));
        let got = array(folder.path().join("out.npy"));
        assert_eq!(got.shape(), expected.shape(), "{case}");
        let error = relative_error(got, expected);
        assert!(error < 1e-10, "{case}: {error:e}");
        let table = fs::read_to_string(folder.path().join("out.paths.csv")).unwrap();
        assert!(table.starts_with("row,name,order,n1"), "{table}");
        assert!(
            table
                .lines()
                .next()
                .unwrap()
                .ends_with("xi1_hz,xi2_hz,seconds_apart")
        );
    }
    let input = data.join("jtfs-chirp-1024-J6-Jfr3-Q8x2/input.npy");
    let input = input.to_str().unwrap();
    for (args, words) in [
        (&["--joint", "--order", "1"][..], "orders 0, 1 and 2"),
        (&["--J-fr", "2"], "--joint"),
        (&["--joint", "-F", "1000"], "F = 1000"),
        (
            &["--joint", "--format", "joint", "--average", "none"],
            "average = none",
        ),
    ] {
        let args = [&["signal", input, "-J", "6", "-o", "no.npy"][..], args].concat();
        let error = fails(folder.path(), &args);
        assert!(error.contains(words), "{args:?}: {error}");
    }
    assert!(!folder.path().join("no.npy").exists());
}

#[test]
fn every_kind_of_sound_is_read_and_several_channels_on_request() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "mp3.mp3",
        "vorbis.ogg",
        "aac_adts.aac",
        "flac_sndfile_16.flac",
        "sox_pipe.wav",
    ] {
        let path = sounds(name);
        ok(
            folder.path(),
            &[
                "signal",
                path.to_str().unwrap(),
                "-J",
                "4",
                "--order",
                "1",
                "-o",
                "out.npy",
            ],
        );
        let samples = sound(path);
        let plan = Scattering1d::params(samples.ncols(), 4)
            .Q([8])
            .max_order(1)
            .plan::<f32>()
            .unwrap();
        let expected = plan.transform(&samples).unwrap();
        assert_eq!(
            array(folder.path().join("out.npy")),
            expected.array().mapv(f64::from),
            "{name}"
        );
    }
    let stereo = sounds("python_16_2.wav");
    let stereo = stereo.to_str().unwrap();
    let base = ["signal", stereo, "-J", "4", "-o", "out.npy"];
    let message = fails(folder.path(), &base);
    assert!(
        message.contains("2 channels") && message.contains("mono"),
        "{message}"
    );
    ok(folder.path(), &[&base[..], &["--channels"]].concat());
    let both = array(folder.path().join("out.npy"));
    assert_eq!(both.shape()[..2], [1, 2]);
    ok(folder.path(), &[&base[..], &["--mono"]].concat());
    let mono = array(folder.path().join("out.npy"));
    let samples = sound(stereo.into());
    let mean: Array1<f32> = samples.mean_axis(Axis(0)).unwrap();
    let plan = Scattering1d::params(400, 4).Q([8]).plan::<f32>().unwrap();
    let expected = plan.transform(&mean).unwrap().array().mapv(f64::from);
    assert_eq!(mono.index_axis(Axis(0), 0), expected);
    assert!(
        fails(
            folder.path(),
            &[&base[..], &["--mono", "--channels"]].concat()
        )
        .contains("cannot be used with")
    );
}

#[test]
fn signals_of_different_lengths_have_global_averages_or_an_array_each() {
    let folder = studio(&[1500, 900, 2000]);
    let base = ["signal", "in", "-J", "4", "-Q", "2"];
    let run = |more: &[&'static str]| [&base[..], more].concat();
    let message = fails(folder.path(), &run(&["-o", "out.npy"]));
    for words in [
        "in/a.wav has 900",
        "in/b.wav has 1500",
        "--segment",
        ".npz",
        "--average global",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(products(folder.path()).is_empty());
    ok(
        folder.path(),
        &run(&["--average", "global", "-o", "out.npy"]),
    );
    let means = array(folder.path().join("out.npy"));
    let paths = fs::read_to_string(folder.path().join("out.paths.csv")).unwrap();
    assert!(
        paths.lines().nth(1).unwrap().ends_with(",,"),
        "{paths:.200}"
    ); // seconds differ
    let printed = ok(folder.path(), &run(&["-o", "out.npz"]));
    assert!(printed.contains("3 arrays, one an input"), "{printed}");
    let mut archive =
        zip::ZipArchive::new(fs::File::open(folder.path().join("out.npz")).unwrap()).unwrap();
    for (row, (name, len)) in [
        ("in/a.wav", 900),
        ("in/b.wav", 1500),
        ("in/sub/c.wav", 2000),
    ]
    .into_iter()
    .enumerate()
    {
        let samples = sound(folder.path().join(name));
        let params = Scattering1d::params(len, 4).Q([2]);
        let local = params
            .clone()
            .plan::<f32>()
            .unwrap()
            .transform(&samples.row(0))
            .unwrap();
        let mut bytes = Vec::new();
        let entry = format!("features_{row}.npy");
        archive
            .by_name(&entry)
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        let stored = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(
            stored.shape(),
            local
                .array()
                .shape()
                .iter()
                .map(|&n| n as u64)
                .collect::<Vec<_>>()
        );
        assert_eq!(
            stored.into_vec::<f32>().unwrap(),
            local.array().as_slice().unwrap()
        );
        let params = params.average(Average::Global);
        let global = params
            .plan::<f32>()
            .unwrap()
            .transform(&samples.row(0))
            .unwrap();
        assert_eq!(
            means.index_axis(Axis(0), row),
            global.array().mapv(f64::from),
            "{name}"
        );
    }
}

#[test]
fn segments_are_rows_with_the_second_at_which_they_begin() {
    let folder = studio(&[1500, 900, 2000]);
    let printed = ok(
        folder.path(),
        &[
            "signal",
            "in",
            "-J",
            "4",
            "--segment",
            "0.05",
            "--hop",
            "0.025",
            "-o",
            "out.npy",
        ],
    );
    // 400 samples every 200: 3 of 900, 6 of 1500, 9 of 2000.
    assert!(printed.contains("18 signals"), "{printed}");
    let got = array(folder.path().join("out.npy"));
    assert_eq!(got.shape()[0], 18);
    let samples = sound(folder.path().join("in/b.wav"));
    let plan = Scattering1d::params(400, 4).Q([8]).plan::<f32>().unwrap();
    let expected = plan.transform(&samples.slice(s![0, 400..800])).unwrap();
    assert_eq!(got.index_axis(Axis(0), 5), expected.array().mapv(f64::from));
    let inputs = fs::read_to_string(folder.path().join("out.inputs.csv")).unwrap();
    let lines: Vec<_> = inputs.lines().collect();
    assert_eq!(lines[0], "row,input,start,skipped");
    assert_eq!(lines[6], "5,in/b.wav,0.05,");
    // What is too short has no segment.
    let base = [
        "signal",
        "in",
        "-J",
        "4",
        "--segment",
        "0.15",
        "-o",
        "out.npy",
    ];
    let message = fails(folder.path(), &base);
    assert!(
        message.contains("in/a.wav") && message.contains("900 samples"),
        "{message}"
    );
    let message = fails(folder.path(), &[&base[..], &["--keep-going"]].concat());
    assert!(message.contains("1 of 3 inputs were skipped"), "{message}");
    assert_eq!(array(folder.path().join("out.npy")).shape()[0], 2);
    // Samples without a rate have no seconds.
    write_array(
        folder.path().join("x.npy"),
        &Array1::from(tone(500, 0)).into_dyn(),
    );
    let base = [
        "signal",
        "x.npy",
        "-J",
        "4",
        "--segment",
        "0.02",
        "-o",
        "out.npy",
    ];
    let message = fails(folder.path(), &base);
    assert!(
        message.contains("x.npy") && message.contains("--rate"),
        "{message}"
    );
    ok(folder.path(), &[&base[..], &["--rate", "8000"]].concat());
    assert_eq!(array(folder.path().join("out.npy")).shape()[0], 3);
}

#[test]
fn rates_have_to_agree_or_are_brought_together() {
    let folder = studio(&[1600]);
    wav(folder.path().join("in/z.wav"), &tone(3200, 1), 16_000);
    let base = ["signal", "in", "-J", "4", "-o", "out.npy"];
    let message = fails(folder.path(), &base);
    for words in [
        "in/b.wav has 8000 Hz",
        "in/z.wav has 16000 Hz",
        "--resample",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    ok(
        folder.path(),
        &[&base[..], &["--resample", "8000"]].concat(),
    );
    assert_eq!(
        array(folder.path().join("out.npy")).shape(),
        shape(2, 1600, 4)
    );
    let parameters: Value =
        serde_json::from_slice(&fs::read(folder.path().join("out.json")).unwrap()).unwrap();
    assert_eq!(
        (&parameters["rate"], &parameters["resample"]),
        (&8000.0.into(), &8000.0.into())
    );
}

#[test]
fn arrays_keep_their_leading_axes() {
    let folder = tempfile::tempdir().unwrap();
    let x = ArrayD::from_shape_vec(vec![2, 3, 256], tone(2 * 3 * 256, 2)).unwrap();
    write_array(folder.path().join("x.npy"), &x);
    ok(
        folder.path(),
        &[
            "signal",
            "x.npy",
            "-J",
            "3",
            "--precision",
            "f64",
            "-o",
            "out.npy",
        ],
    );
    let plan = Scattering1d::params(256, 3).Q([8]).plan::<f64>().unwrap();
    let expected = plan.transform(&x).unwrap();
    assert_eq!(array(folder.path().join("out.npy")), expected.array());
    // Without a rate there are no hertz.
    let paths = fs::read_to_string(folder.path().join("out.paths.csv")).unwrap();
    assert!(!paths.contains("hz"), "{paths:.200}");
    let message = fails(
        folder.path(),
        &["signal", "x.npy", "--mono", "-o", "out.npy"],
    );
    assert!(message.contains("leading axis"), "{message}");
}

#[test]
fn moduli_without_averages_have_one_array_a_path_and_logarithms_leave_order_0() {
    let folder = studio(&[512]);
    ok(
        folder.path(),
        &[
            "signal",
            "in",
            "-J",
            "3",
            "-Q",
            "1",
            "--average",
            "none",
            "-o",
            "out.npz",
        ],
    );
    let samples = sound(folder.path().join("in/b.wav"));
    let params = Scattering1d::params(512, 3);
    let plan = params.clone().average(Average::None).plan::<f32>().unwrap();
    let expected = plan.transform(&samples.row(0)).unwrap();
    let mut archive =
        zip::ZipArchive::new(fs::File::open(folder.path().join("out.npz")).unwrap()).unwrap();
    for row in 0..plan.paths().len() {
        let entry = archive
            .by_name(&format!("{}.npy", plan.paths().name(row)))
            .unwrap();
        let stored = npyz::NpyFile::new(entry).unwrap();
        assert_eq!(
            stored.into_vec::<f32>().unwrap(),
            expected.path(row).iter().copied().collect::<Vec<_>>()
        );
    }
    ok(
        folder.path(),
        &[
            "signal", "in", "-J", "3", "-Q", "1", "--log", "-o", "out.csv",
        ],
    );
    let table = fs::read_to_string(folder.path().join("out.csv")).unwrap();
    let row: Vec<f32> = table
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .skip(1)
        .map(|v| v.parse().unwrap())
        .collect();
    let logs = params
        .plan::<f32>()
        .unwrap()
        .transform(&samples.row(0))
        .unwrap()
        .log(1e-6)
        .unwrap();
    assert_eq!(row, logs.array().as_slice().unwrap());
    assert!(table.starts_with("input,S_t0,"), "{table:.60}");
}

fn piped(folder: &Path, args: &[&str], bytes: &[u8]) -> (bool, String) {
    let mut child = command(folder)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn standard_input_is_read_by_its_content_or_as_bare_samples() {
    let folder = tempfile::tempdir().unwrap();
    let x = tone(700, 3);
    let base = ["signal", "-", "-J", "4", "-o", "out.npy"];
    // A recorder into a pipe does not know how long it will be.
    let whole = wav_bytes(&x, 8000, 1400);
    for bytes in [
        whole.clone(),
        wav_bytes(&x, 8000, u32::MAX),
        wav_bytes(&x, 8000, 0),
    ] {
        let (done, text) = piped(folder.path(), &base, &bytes);
        assert!(done, "{text}");
        assert_eq!(
            array(folder.path().join("out.npy")).shape(),
            shape(1, 700, 4)
        );
    }
    let from_wav = array(folder.path().join("out.npy"));
    let bare = [&base[..], &["--sample", "s16le", "--rate", "8000"]].concat();
    let (done, text) = piped(folder.path(), &bare, &whole[44..]);
    assert!(done, "{text}");
    assert_eq!(array(folder.path().join("out.npy")), from_wav);
    let (done, text) = piped(folder.path(), &bare, &whole[44..whole.len() - 1]);
    assert!(!done && text.contains("standard input"), "{text}");
    let without = [&base[..], &["--sample", "s16le"]].concat();
    assert!(fails(folder.path(), &without).contains("--rate"));
    let (done, text) = piped(folder.path(), &base, &whole[..whole.len() - 10]);
    assert!(!done, "{text}");
    assert!(
        text.contains("700 samples are declared, and 695 are there"),
        "{text}"
    );
}

#[test]
fn without_a_file_rows_go_to_standard_output_and_are_those_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let x = tone(4096, 3);
    wav(at.join("x.wav"), &x, 8000);
    let base = ["-J", "5", "-Q", "4", "-T", "64", "--precision", "f64"];
    ok(
        at,
        &[&["signal", "x.wav", "-o", "out.npy"], &base[..]].concat(),
    );
    let whole = array(at.join("out.npy"));
    let rows = |text: &str| -> Vec<Vec<f64>> {
        let lines = text.lines().skip(1);
        lines
            .map(|line| line.split(',').map(|v| v.parse().unwrap()).collect())
            .collect()
    };
    let from_file = ok(at, &[&["signal", "x.wav"], &base[..]].concat());
    assert!(from_file.starts_with("seconds,S,S_n0,"), "{from_file:.60}");
    let table = rows(&from_file);
    assert_eq!((table.len(), table[0].len()), (64, 1 + whole.shape()[1]));
    for (column, row) in table.iter().enumerate() {
        assert_eq!(row[0], column as f64 * 64.0 / 8000.0);
        let expected = whole.slice(s![0, .., column]).to_owned();
        let error = relative_error(row[1..].iter().copied(), expected);
        assert!(error < 1e-6, "{column}: {error}"); // filters see a little of what lies beyond the ends
    }
    // A pipe, of unknown length, or of bare samples: the same to rounding, whatever is transformed at a time.
    let bytes = wav_bytes(&x, 8000, u32::MAX);
    let run = |more: &[&str], bytes: &[u8]| {
        let mut child = command(at)
            .args(["signal", "-"])
            .args(base)
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        output.stdout
    };
    let text = String::from_utf8(run(&[], &bytes)).unwrap();
    for (a, b) in rows(&text).iter().zip(&table) {
        assert!(relative_error(a.iter().copied(), b.iter().copied()) < 1e-12);
    }
    let raw = run(
        &["--raw", "--sample", "s16le", "--rate", "8000"],
        &bytes[44..],
    );
    let numbers: Vec<f64> = raw
        .as_chunks::<8>()
        .0
        .iter()
        .map(|&v| f64::from_le_bytes(v))
        .collect();
    let flat = table.iter().flat_map(|row| &row[1..]).copied();
    assert_eq!(numbers.len(), 64 * whole.shape()[1]);
    assert!(relative_error(numbers, flat) < 1e-12);
    let logs = rows(&ok(
        at,
        &[&["signal", "x.wav", "--log"], &base[..]].concat(),
    ));
    assert_eq!(logs[9][1], table[9][1]);
    assert!((logs[9][2] - (table[9][2] + 1e-6).ln()).abs() < 1e-12);
    for more in [
        &["--segment", "1"][..],
        &["--average", "global"],
        &["--resample", "4000"],
        &["--keep-going"],
    ] {
        let message = fails(at, &[&["signal", "x.wav"], more].concat());
        assert!(
            message.contains(more[0]) && message.contains("-o"),
            "{message}"
        );
    }
    assert!(fails(at, &["signal", "x.wav", "x.wav"]).contains("2 inputs"));
    assert!(fails(at, &["signal", "."]).contains("folder"));
}

#[test]
fn a_stream_without_an_end_gives_rows_while_it_goes_on_and_ends_when_nobody_reads() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let mut child = command(folder.path())
        .args(["signal", "-", "-J", "4", "-Q", "1", "--order", "1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&wav_bytes(&[], 8000, u32::MAX)).unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("seconds,S"));
    // The input is open still when the row is there.
    stdin.write_all(&[0; 2 * 8000]).unwrap();
    assert!(lines.next().unwrap().unwrap().starts_with("0,0"));
    drop(lines);
    while stdin.write_all(&[0; 2 * 8000]).is_ok() {}
    assert!(child.wait().unwrap().success());
}

#[test]
fn every_mistake_gets_an_answer_and_leaves_no_output() {
    let folder = studio(&[1500, 1500]);
    let at = folder.path();
    fs::write(at.join("empty.wav"), "").unwrap();
    wav(at.join("none.wav"), &[], 8000);
    let whole = fs::read(at.join("in/a.wav")).unwrap();
    fs::write(at.join("cut.wav"), &whole[..1000]).unwrap();
    let mut nan = tone(500, 0);
    nan[7] = f64::NAN;
    write_array(at.join("nan.npy"), &Array1::from(nan).into_dyn());
    let cases: &[(&[&str], &[&str])] = &[
        (&["empty.wav"], &["empty.wav", "it is empty"]),
        (&["none.wav"], &["none.wav", "no samples"]),
        (&["cut.wav"], &["cut.wav", "cut off", "1500", "478"]),
        (&["nan.npy", "-J", "4"], &["nan.npy", "NaN", "[7]"]),
        (&["in", "-J", "11"], &["J = 11", "J <= 10"]),
        (&["in", "-T", "1501"], &["T = 1501", "1500 samples"]),
        (&["in", "-T", "0.5"], &["T = 0.5"]),
        (&["in", "-Q", "0"], &["Q = 0"]),
        (&["in", "--stride", "3"], &["stride = 3", "power of two"]),
        (&["in", "--stride", "512"], &["stride = 512", "at most 256"]),
        (&["in", "--segment", "0"], &["above 0"]),
        (&["in", "--hop", "1"], &["--segment"]),
        (&["in", "--rate", "44100"], &["8000 Hz", "44100 Hz"]),
        (&["in", "nan.npy"], &["cannot be mixed", "nan.npy"]),
        (&["absent.wav"], &["cannot read absent.wav"]),
        (&["in/notes.txt"], &["notes.txt", "flac"]),
    ];
    for (args, words) in cases {
        let message = fails(at, &[&["signal"], *args, &["-o", "out.npy"]].concat());
        for word in *words {
            assert!(message.contains(word), "{args:?}: {word}: {message}");
        }
        assert!(products(at).is_empty(), "{args:?}");
    }
    let message = fails(at, &["signal", "in", "-o", "out.wav"]);
    assert!(message.contains("must end in .npy"), "{message}");
    let message = fails(at, &["signal", "nan.npy", "-o", "nan.npy"]);
    assert!(message.contains("is an input too"), "{message}");
    // What can be used is used on request.
    let message = fails(
        at,
        &[
            "signal",
            "in",
            "cut.wav",
            "empty.wav",
            "--keep-going",
            "-o",
            "out.npy",
        ],
    );
    assert!(message.contains("2 of 4 inputs were skipped"), "{message}");
    let inputs = fs::read_to_string(at.join("out.inputs.csv")).unwrap();
    assert!(
        inputs.contains(",cut.wav,\"cut.wav cannot be used: it is cut off"),
        "{inputs}"
    );
    assert_eq!(array(at.join("out.npy")).shape()[0], 2);
}
