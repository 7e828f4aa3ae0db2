//! `scatter bench` on sizes of one's own, run as a person runs it. Every run checks its answers against rustfft by itself.

mod program;

use std::fs;
use std::path::Path;

use serde_json::Value;
use wavelet_scattering::io::{self, ImageOptions};

use program::{fails, ok};

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_way_stands_in_the_table_and_in_the_file_with_the_chosen_one_marked() {
    let folder = tempfile::tempdir().unwrap();
    let printed = ok(
        folder.path(),
        &words(
            "bench conv --signal 96x80 --kernel 7x5 --batch 2 --bank 3 --threads 1,1 --quick --json out.json",
        ),
    );
    let table = json(&folder.path().join("out.json"));
    assert_eq!(table["output"], serde_json::json!([96, 80]));
    let ways = table["ways"].as_array().unwrap();
    for method in ["direct", "fft", "overlap-save", "plain"] {
        assert!(ways.iter().any(|way| way["method"] == method), "{ways:?}");
    }
    let chosen: Vec<_> = ways.iter().filter(|way| way["chosen"] == true).collect();
    assert_eq!(chosen.len(), 1);
    let least = ways.iter().filter_map(|way| way["predicted_ms"].as_f64());
    assert_eq!(
        chosen[0]["predicted_ms"].as_f64().unwrap(),
        least.fold(f64::INFINITY, f64::min)
    );
    assert_eq!(printed.matches("<- chosen").count(), 1, "{printed}");
    for way in ways {
        assert!(way["measured_ms"].as_f64().unwrap() > 0.0, "{way}");
        assert!(printed.contains(way["way"].as_str().unwrap()), "{printed}");
    }
    // 3 kernels of 35 taps, a product and a sum each, on 7680 samples.
    let direct = ways.iter().find(|way| way["method"] == "direct").unwrap();
    let work = direct["gflops"].as_f64().unwrap() * direct["measured_ms"].as_f64().unwrap() * 1e6;
    assert!((work / (2.0 * 3.0 * 35.0 * 7680.0) - 1.0).abs() < 1e-9);
    let threads = table["threads"].as_array().unwrap();
    assert_eq!(threads.len(), 2, "ours on one thread, and by hand");
    for name in ["plan_ms", "run_ms", "allocating_ms"] {
        assert!(threads.iter().all(|row| row[name].as_f64().unwrap() > 0.0));
    }
}

#[test]
fn every_mode_and_kind_of_sample_gives_what_rustfft_gives() {
    let folder = tempfile::tempdir().unwrap();
    for mode in ["circular", "full", "same", "valid"] {
        for complex in ["", " --complex", " --complex=signal", " --complex=kernel"] {
            for (sizes, precision) in [
                ("--signal 90 --kernel 8", "f32"),
                ("--signal 41x30 --kernel 4x9 --bank 2", "f64"),
            ] {
                let args = format!(
                    "bench conv {sizes} --batch 2 --mode {mode} --precision {precision} --threads 1 --quick{complex}"
                );
                let printed = ok(folder.path(), &words(&args));
                assert!(printed.contains("<- chosen"), "{args}: {printed}");
            }
        }
    }
    // A kernel that is longer than the circle wraps around.
    let args = "bench conv --signal 12x10 --kernel 30x7 --mode circular --quick";
    ok(folder.path(), &words(args));
}

#[test]
fn a_sweep_draws_a_chart_and_tells_which_way_is_the_fastest_from_where() {
    let folder = tempfile::tempdir().unwrap();
    let printed = ok(
        folder.path(),
        &words(
            "bench conv --signal 20000 --sweep kernel=3..129 --quick -o sweep.png --json sweep.json",
        ),
    );
    let chart = folder.path().join("sweep.png");
    let chart = io::read_image::<f32>(chart, &ImageOptions::default()).unwrap();
    assert_eq!(chart.shape(), [1, 560, 880]);
    let table = json(&folder.path().join("sweep.json"));
    let sizes = table["sweep"].as_array().unwrap();
    assert_eq!(sizes.len(), 11, "two sizes an octave, but odd ones");
    for (size, line) in sizes.iter().zip(printed.lines().skip(4)) {
        let taps = size["kernel"][0].to_string();
        assert!(line.starts_with(&taps), "{line}");
        assert_eq!(line.matches('*').count(), 1, "{line}");
    }
    // Three products a sample are faster than any transform.
    assert_eq!(table["fastest_predicted"][0]["way"], "direct");
    assert!(
        printed.contains("measured: ") && printed.contains("predicted: "),
        "{printed}"
    );
}

#[test]
fn a_scattering_transform_of_any_size_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let printed = ok(
        folder.path(),
        &words(
            "bench scattering --size 40x32 -J 2 -L 4 --batch 3 --oversampling 1 --threads 1 --precision f64 --quick --json out.json",
        ),
    );
    assert!(
        printed.contains("3 of 40 x 32, padded to 48 x 40"),
        "{printed}"
    );
    assert!(printed.contains("25 paths"), "1 + 2·4 + 4·4: {printed}");
    let table = json(&folder.path().join("out.json"));
    let row = &table["threads"][0];
    assert_eq!(row["threads"], 1);
    for name in [
        "plan_ms",
        "run_ms_per_image",
        "allocating_ms_per_image",
        "gflops",
        "times_floor",
    ] {
        assert!(row[name].as_f64().unwrap() > 0.0, "{name}");
    }
}

#[test]
fn what_cannot_be_measured_is_refused_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    for (args, parts) in [
        ("conv --signal 100", &["--kernel"][..]),
        ("conv --signal 100 --kernel 3x3", &["100", "3 x 3", "axes"]),
        (
            "conv --signal 100x0 --kernel 3x3",
            &["one number of samples or two"],
        ),
        (
            "conv --signal 10x10x10 --kernel 3",
            &["one number of samples or two"],
        ),
        ("conv --signal 10 --kernel 30 --mode valid", &["30", "10"]),
        (
            "conv --signal 9999999999999 --kernel 3",
            &["need", "this machine has"],
        ),
        (
            "conv --signal 9000000x900000000 --kernel 3x3 --batch 99",
            &["need", "this machine has"],
        ),
        ("conv --signal 100 --sweep signal=3..5", &["kernel=3..257"]),
        ("conv --signal 100 --sweep kernel=5..3", &["kernel=3..257"]),
        ("conv --signal 100 --kernel 3 -o x.png", &["--sweep"]),
        ("conv --signal 100 --sweep kernel=3..5 -o x.jpg", &[".png"]),
        (
            "conv --signal 100 --kernel 3 --json no/x.json",
            &["does not exist"],
        ),
        ("scattering --size 16x16 -J 6", &["J = 6"]),
        (
            "scattering --size 64x64 -J 2 --batch 999999999999",
            &["need", "--batch"],
        ),
        ("--quick conv --signal 100 --kernel 3", &["--quick"]),
    ] {
        let message = fails(folder.path(), &words(&format!("bench {args}")));
        for part in parts {
            assert!(
                message.contains(part),
                "`{args}` says nothing of `{part}`:\n{message}"
            );
        }
    }
}
