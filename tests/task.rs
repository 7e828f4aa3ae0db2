//! `scatter task`, run as a person runs it: the report, going on after an interruption, and every refusal.

#![allow(non_snake_case)] // J and L keep their case, as in the library

mod program;

use std::fs;
use std::path::Path;

use serde_json::Value;
use wavelet_scattering::io::{self, ImageOptions};
use wavelet_scattering::learn::Network;

/// A call of `scatter task` that succeeds; returns what it printed.
fn ok(folder: &Path, args: &[&str]) -> String {
    program::ok(folder, &[&["task"], args].concat())
}

/// A call of `scatter task` that fails; returns the message.
fn fails(folder: &Path, args: &[&str]) -> String {
    program::fails(folder, &[&["task"], args].concat())
}

const FEW: [&str; 6] = [
    "--competitors",
    "scattering-pca,pixels-knn",
    "--train-sizes",
    "40,20",
    "-o",
    "report",
];

fn results(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("report/results.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn runs(folder: &Path) -> Vec<Value> {
    results(folder)["runs"].as_array().unwrap().clone()
}

/// What must not depend on how fast the machine was.
fn timeless(mut run: Value) -> Value {
    run["train_seconds"].take();
    run["test_seconds"].take();
    run
}

#[test]
fn the_report_holds_every_run_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let printed = ok(path, &[&FEW[..], &["--seeds", "2"]].concat());
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].starts_with("competitor"));
    assert!(lines[1].starts_with("scattering-pca") && lines[4].starts_with("pixels-knn"));
    assert!(lines[1].contains('±'));
    assert!(lines[5].ends_with("index.html"));

    let runs = runs(path);
    assert_eq!(runs.len(), 8);
    for run in &runs {
        // 1,000 test digits: the error is what lies off the diagonal of the confusions.
        let confusion = run["confusion"].as_array().unwrap();
        let count = |i: usize, k: usize| confusion[i][k].as_u64().unwrap();
        let right: u64 = (0..10).map(|i| count(i, i)).sum();
        assert_eq!(
            run["error"].as_f64().unwrap(),
            (1000 - right) as f64 / 1000.0
        );
        for i in 0..10 {
            assert_eq!((0..10).map(|k| count(i, k)).sum::<u64>(), 100);
        }
        // Two digits of each class leave chance, 0.9, far behind.
        assert!(run["error"].as_f64().unwrap() < 0.6);
        assert!(run["train_seconds"].as_f64().unwrap() > 0.0);
    }

    let csv = fs::read_to_string(path.join("report/results.csv")).unwrap();
    assert_eq!(csv.lines().count(), 9);
    for (line, start) in csv
        .lines()
        .skip(1)
        .zip(["20,0,0.", "20,1,0.", "40,0,0.", "40,1,0."])
    {
        assert!(
            line.starts_with(&format!("scattering-pca,{start}")),
            "{line}"
        );
    }
    let curve = io::read_image::<f32>(
        path.join("report/learning-curve.png"),
        &ImageOptions::default(),
    );
    assert_eq!(
        curve.unwrap().shape()[2],
        wavelet_scattering::viz::chart::SIZE[0]
    );
    let page = fs::read_to_string(path.join("report/index.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"));
    assert_eq!(page.matches("data:image/png;base64,").count(), 2);
    assert!(!page.contains("http") && !page.contains("<script") && !page.contains("<link"));
    for tag in [
        "table", "tr", "td", "th", "section", "figure", "details", "dl",
    ] {
        let opened =
            page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }
}

#[test]
fn what_is_on_disk_is_not_computed_again_and_what_is_missing_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    ok(path, &[&FEW[..], &["--seeds", "1"]].concat());
    // As if the program had been stopped before its last run; and a mark on one that is done.
    let mut before = results(path);
    let last = before["runs"].as_array_mut().unwrap().pop().unwrap();
    before["runs"][0]["error"] = 0.123.into();
    fs::write(path.join("report/results.json"), before.to_string()).unwrap();

    ok(path, &[&FEW[..], &["--seeds", "2"]].concat());
    let after = runs(path);
    assert_eq!(after.len(), 8);
    assert_eq!(after[..3], before["runs"].as_array().unwrap()[..]);
    let again = after.iter().find(|run| {
        ["competitor", "train_size", "seed"]
            .iter()
            .all(|key| run[key] == last[key])
    });
    assert_eq!(timeless(again.unwrap().clone()), timeless(last));
}

#[test]
fn the_same_seed_gives_the_same_numbers() {
    let [first, second] = [(); 2].map(|()| {
        let folder = tempfile::tempdir().unwrap();
        let all =
            "scattering-pca,scattering-svm,scattering-linear,pixels-knn,mlp,hybrid,wavelet-cnn,parametric-equivariant";
        ok(
            folder.path(),
            &[
                "--competitors",
                all,
                "--train-sizes",
                "60",
                "--seeds",
                "1",
                "-J",
                "2",
                "-L",
                "3",
                "-o",
                "report",
            ],
        );
        // The network is beside its results, and its filters are on the page.
        let model = folder
            .path()
            .join("report/models/wavelet-cnn-60-0.safetensors");
        let first = Network::load(model).unwrap().first_layer().unwrap();
        assert_eq!(first.shape(), [32, 1, 11, 11]);
        let page = fs::read_to_string(folder.path().join("report/index.html")).unwrap();
        assert!(page.contains("First filters of wavelet-cnn, 60 images, seed 0"));
        assert!(page.contains("Wavelets of parametric-equivariant, 60 images, seed 0, before and after training"));
        runs(folder.path())
            .into_iter()
            .map(timeless)
            .collect::<Vec<_>>()
    });
    assert_eq!(first.len(), 8);
    assert_eq!(first, second);
}

/// Stripes along either axis and rings, 16 x 16, one image a row and its label in the last column.
fn write_textures(path: &Path, labels: [&str; 3]) {
    let mut text = String::new();
    for k in 0..60 {
        for at in 0..256 {
            let (i, j) = ((at / 16) as f64, (at % 16) as f64);
            let phase = k as f64;
            let wave = match k % 3 {
                0 => (1.3 * i + phase).sin(),
                1 => (1.3 * j + phase).sin(),
                _ => ((i - 8.0).hypot(j - 8.0) + phase).sin(),
            };
            text += &format!("{:.0},", 127.0 + 100.0 * wave);
        }
        text += &format!("{}\n", labels[k % 3]);
    }
    fs::write(path, text).unwrap();
}

#[test]
fn classes_are_the_labels_that_occur_and_have_their_own_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    // As in the letters of EMNIST, nothing is labelled 0; and no class in between occurs.
    for (labels, classes) in [
        (["1", "26", "-3"], ["-3", "1", "26"]),
        (["ring", "across", "a <b>"], ["a <b>", "across", "ring"]),
    ] {
        write_textures(&path.join("textures.csv"), labels);
        let args = [
            "--data",
            "textures.csv",
            "--competitors",
            "scattering-pca,scattering-svm,scattering-linear,pixels-knn,mlp",
            "--train-sizes",
            "18",
            "--seeds",
            "1",
            "--fresh",
            "-o",
            "report",
        ];
        ok(path, &args);
        assert_eq!(
            results(path)["settings"]["classes"],
            serde_json::json!(classes)
        );
        for run in runs(path) {
            // No place for a class that does not occur.
            let confusion = run["confusion"].as_array().unwrap();
            assert_eq!(confusion.len(), 3, "{run}");
            // Chance is two thirds; a network on 18 images is not far from it.
            let is_network = run["competitor"] == "mlp";
            assert!(is_network || run["error"].as_f64().unwrap() < 0.5, "{run}");
        }
        let page = fs::read_to_string(path.join("report/index.html")).unwrap();
        assert!(page.contains("3 classes"));
        for class in classes {
            let class = class.replace('<', "&lt;").replace('>', "&gt;");
            assert!(
                page.contains(&format!("<td>{class}</td>")),
                "no row {class}"
            );
            assert!(
                page.contains(&format!("<th scope=\"col\">{class}</th>")),
                "no column {class}"
            );
        }
    }
}

#[test]
fn a_data_set_may_come_through_a_pipe() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_textures(&path.join("textures.csv"), ["1", "2", "4"]);
    let args = [
        "task",
        "--competitors",
        "pixels-knn",
        "--train-sizes",
        "18",
        "--seeds",
        "1",
        "--fresh",
        "-o",
        "report",
        "--data",
    ];
    let through = |data: &str| {
        let output = program::command(path)
            .args(args)
            .arg(data)
            .stdin(fs::File::open(path.join("textures.csv")).unwrap())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{stderr}");
        timeless(runs(path)[0].clone())
    };
    let expected = through("textures.csv");
    assert_eq!(through("-"), expected);
    assert_eq!(results(path)["settings"]["task"], "standard input");
    let message = program::fails(
        path,
        &[&args[..], &["textures.csv", "--pages", "first"]].concat(),
    );
    assert!(
        message.contains("pages") && message.contains("folders of images"),
        "{message}"
    );
    // A class with one image is one that cross-validation cannot do, whatever else is asked for.
    let text = fs::read_to_string(path.join("textures.csv")).unwrap();
    let first = text.lines().next().unwrap();
    let rare = format!("{},9\n", first.rsplit_once(',').unwrap().0).repeat(2);
    fs::write(path.join("textures.csv"), text + &rare).unwrap();
    let message = program::fails(path, &[&args[..], &["textures.csv"]].concat());
    assert!(
        message.contains("1 of class 9") && message.contains("leave the class out"),
        "{message}"
    );
}

/// A WAV of one channel with 16 bits.
fn write_wav(path: &Path, rate: u32, samples: &[f64]) {
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + 2 * samples.len() as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    bytes.extend(rate.to_le_bytes());
    bytes.extend((2 * rate).to_le_bytes());
    bytes.extend(b"\x02\0\x10\0data");
    bytes.extend((2 * samples.len() as u32).to_le_bytes());
    bytes.extend(
        samples
            .iter()
            .flat_map(|x| ((x * 32767.0) as i16).to_le_bytes()),
    );
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// Tones, noise, and tones whose loudness trembles, of other pitches, loudness and lengths each: one folder a class.
fn write_sounds(folder: &Path, of_each: usize) {
    let mut state = 1_u64;
    let mut random = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as f64 / (1_u64 << 31) as f64
    };
    for k in 0..of_each {
        for class in ["noise", "tone", "tremor"] {
            let (omega, gain, len) = (0.3 + random(), 0.1 + 0.5 * random(), 1600 + k * 10);
            let sample = |t: usize| match class {
                "noise" => 2.0 * random() - 1.0,
                "tone" => (omega * t as f64).sin(),
                _ => (omega * t as f64).sin() * 0.5 * (1.0 + (0.08 * t as f64).sin()),
            };
            let samples: Vec<f64> = (0..len).map(sample).map(|x| gain * x).collect();
            write_wav(&folder.join(format!("{class}/{k}.wav")), 8000, &samples);
        }
    }
}

#[test]
fn sounds_are_told_apart_and_the_report_speaks_of_sounds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_sounds(&path.join("sounds"), 24);
    let args = [
        "--data",
        "sounds",
        "--samples",
        "2048",
        "--seeds",
        "1",
        "-o",
        "report",
    ];
    let printed = ok(path, &args);
    assert!(
        printed.contains("training sounds") && printed.contains("ms/sound"),
        "{printed}"
    );

    let settings = &results(path)["settings"];
    assert_eq!(settings["rate"], 8000.0);
    for half in ["train", "test"] {
        assert_eq!(settings[half]["sounds"], serde_json::json!([36, 2048]));
        assert_eq!(settings[half].as_object().unwrap().len(), 2);
    }
    assert_eq!(
        settings["representation"],
        serde_json::json!({ "J": 6, "Q": 8, "T": 256, "max_order": 2 })
    );
    assert_eq!(
        settings["classes"],
        serde_json::json!(["noise", "tone", "tremor"])
    );
    let runs = runs(path);
    let names: Vec<_> = runs
        .iter()
        .map(|run| run["competitor"].as_str().unwrap())
        .collect();
    let all = [
        "cnn",
        "hybrid",
        "scattering-pca",
        "scattering-svm",
        "scattering-linear",
        "first-order-svm",
        "first-order-linear",
        "joint-svm",
        "joint-linear",
    ];
    assert_eq!(names, all);
    for run in &runs {
        // Chance is two thirds. Networks have twelve sounds of a class to learn from.
        let error = run["error"].as_f64().unwrap();
        let limit = match run["competitor"].as_str().unwrap() {
            "cnn" | "hybrid" => 0.5,
            _ => 0.2,
        };
        assert!(error < limit, "{run}");
    }
    let network = Network::load(path.join("report/models/cnn-36-0.safetensors")).unwrap();
    assert_eq!(network.first_layer().unwrap().shape(), [32, 1, 1, 80]);

    let page = fs::read_to_string(path.join("report/index.html")).unwrap();
    let text = page.replace("data:image/png", "");
    assert!(!text.contains("image") && !text.contains("pixel"), "{text}");
    assert!(
        text.contains("36 sounds to draw from and 36 to be tested on, 2048 samples at 8000 Hz")
    );
    assert!(text.contains("J = 6, Q = 8, T = 256, order 2"));

    // The same again is known already; another length is another task.
    let before = fs::read(path.join("report/results.json")).unwrap();
    assert_eq!(ok(path, &args), printed);
    assert_eq!(fs::read(path.join("report/results.json")).unwrap(), before);
    let message = fails(path, &[&args[..2], &["-o", "report"]].concat());
    assert!(
        message.contains("sounds [36, 2048]") && message.contains("sounds [36, 1830]"),
        "{message}"
    );
}

#[test]
fn what_does_not_go_with_sounds_is_refused_with_what_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_sounds(&path.join("sounds"), 4);
    let refused = |args: &[&str]| {
        fails(
            path,
            &[&["--data", "sounds", "-o", "report"], args].concat(),
        )
    };
    let message = refused(&["--competitors", "scattering-pca,pixels-knn"]);
    assert!(
        message.contains("pixels-knn")
            && message.contains("scattering-pca, scattering-svm, scattering-linear"),
        "{message}"
    );
    assert!(refused(&["-L", "8"]).contains("-L does not apply to sounds"));
    assert!(refused(&["-T", "5000"]).contains("T = 5000"));
    assert!(refused(&["-Q", "1", "--competitors", "joint-svm"]).contains("F = 8"));
    assert!(
        refused(&["--competitors", "cnn", "--samples", "500"]).contains("at least 1024 samples")
    );
    assert!(refused(&["--train-sizes", "7"]).contains("6 training sounds"));
    assert!(refused(&["--samples", "0"]).contains("whole number above 0"));
    let on_digits = |args: &[&str]| fails(path, &[&["-o", "report"], args].concat());
    assert!(on_digits(&["-T", "100"]).contains("-T does not apply to images"));
    assert!(on_digits(&["--competitors", "joint-svm"]).contains("lenet5"));
    assert!(on_digits(&["--data", "nothing", "--samples", "100"]).contains("nothing"));

    write_wav(&path.join("sounds/tone/last.wav"), 11_025, &[0.0; 2000]);
    let message = refused(&[]);
    assert!(
        message.contains("last.wav")
            && message.contains("noise/0.wav")
            && message.contains("resample"),
        "{message}"
    );
    let args = [
        "--data",
        "sounds",
        "--resample",
        "4000",
        "--competitors",
        "first-order-linear",
        "-o",
        "report",
    ];
    ok(path, &args);
    assert_eq!(results(path)["settings"]["rate"], 4000.0);
}

#[test]
fn results_of_other_settings_are_refused_unless_they_may_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let one = [
        "--competitors",
        "pixels-knn",
        "--train-sizes",
        "20",
        "--seeds",
        "1",
        "-o",
        "report",
    ];
    ok(path, &one);
    let before = fs::read(path.join("report/results.json")).unwrap();
    let refused = fails(path, &[&one[..], &["-L", "4"]].concat());
    assert!(
        refused.contains("J = 3, L = 8, order 2 there, J = 3, L = 4, order 2 now"),
        "{refused}"
    );
    assert_eq!(fs::read(path.join("report/results.json")).unwrap(), before);
    ok(path, &[&one[..], &["-L", "4", "--fresh"]].concat());
    assert_eq!(results(path)["settings"]["representation"]["L"], 4);
    assert_eq!(runs(path).len(), 1);

    fs::write(path.join("report/results.json"), "{\"runs\": [").unwrap();
    assert!(fails(path, &one).contains("--fresh replaces it"));
    ok(path, &[&one[..], &["--fresh"]].concat());
}

#[test]
fn what_cannot_be_done_is_said_before_anything_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let message = fails(path, &["--competitors", "lenet6", "-o", "report"]);
    assert!(
        message.contains("lenet6") && message.contains("scattering-pca"),
        "{message}"
    );
    let message = fails(path, &["--train-sizes", "300,4001", "-o", "report"]);
    assert!(
        message.contains("4001") && message.contains("4000 training images"),
        "{message}"
    );
    for seeds in ["0", "18446744073709551615"] {
        assert!(fails(path, &["--seeds", seeds, "-o", "report"]).contains("--seeds"));
    }
    for J in ["0", "40", "70", "18446744073709551615"] {
        let knn = ["--competitors", "pixels-knn", "-J", J, "-o", "report"];
        let message = fails(path, &knn);
        assert!(
            message.contains(&format!("J = {J} is not allowed")),
            "{message}"
        );
    }
    assert!(fails(path, &["-L", "0", "-o", "report"]).contains("at least one orientation"));
    let message = fails(path, &["--data", "nowhere", "-o", "report"]);
    assert!(message.contains("nowhere"), "{message}");
    let message = fails(path, &["-o", "no/such/report"]);
    assert!(message.contains("no/such/report"), "{message}");
    let message = fails(
        path,
        &[
            "--competitors",
            "pixels-knn",
            "--train-sizes",
            "10",
            "--seeds",
            "1",
            "-o",
            "report",
        ],
    );
    assert!(message.contains("2 samples of every class"), "{message}");
    fs::write(path.join("file"), "").unwrap();
    assert!(fails(path, &["-o", "file"]).contains("file"));
    let leftovers: Vec<_> = fs::read_dir(path.join("report"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(leftovers, ["cache"], "no results of runs that failed");
}
