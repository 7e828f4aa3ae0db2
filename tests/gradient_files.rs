//! Gradients through the program: `scatter image` and `scatter signal` with `--gradient`.

#![allow(non_snake_case)] // Q keeps its case, as in the library

mod golden_data;
mod program;

use std::fs::File;
use std::path::Path;

use golden_data::{cases, read_npy};
use ndarray::ArrayD;
use program::{fails, ok};
use serde_json::Value;
use tempfile::tempdir;
use wavelet_scattering::io::{NpyStack, NpzStack};
use wavelet_scattering::num::relative_error;
use wavelet_scattering::{Average, Scattering2d};

fn write(path: &Path, array: &ArrayD<f64>) {
    let (last, leading) = array.shape().split_last().unwrap();
    let mut stack = NpyStack::create(path, &[*last], leading).unwrap();
    let array = array.as_standard_layout();
    for row in array.as_slice().unwrap().chunks_exact(*last) {
        stack.push(row).unwrap();
    }
    stack.finish(leading).unwrap();
}

/// Every golden gradient whose weights are one array, within the tolerance of its kind.
#[test]
fn gradients_are_the_golden_ones() {
    let mut found = 0;
    for case in [cases("gradient2d"), cases("gradient1d")].concat() {
        let name = case.file_name().unwrap().to_str().unwrap().to_string();
        let description: Value =
            serde_json::from_reader(File::open(case.join("case.json")).unwrap()).unwrap();
        let args = &description["args"];
        if args["average"] == "none" || args["T"] == "global" {
            continue; // an archive, and sums that the program does not offer
        }
        let folder = tempdir().unwrap();
        let of = |name: &str| case.join(name).display().to_string();
        let (input, weights) = (of("input.npy"), of("weights.npy"));
        let images = name.starts_with("gradient2d");
        let mut words: Vec<String> = vec![
            if images { "image" } else { "signal" }.into(),
            input,
            "--gradient".into(),
            weights,
        ];
        words.extend(["-J".into(), args["J"].to_string()]);
        for (option, key) in [
            ("-L", "L"),
            ("--order", "max_order"),
            ("--oversampling", "oversampling"),
            ("--stride", "stride"),
        ] {
            if let Some(value) = args[key].as_u64() {
                words.extend([option.into(), value.to_string()]);
            }
        }
        for key in ["padding", "average"] {
            if let Some(value) = args[key].as_str() {
                words.extend([format!("--{key}"), value.into()]);
            }
        }
        match &args["Q"] {
            Value::Array(Q) => {
                let Q: Vec<_> = Q.iter().map(Value::to_string).collect();
                words.extend(["-Q".into(), Q.join(",")]);
            }
            Value::Number(Q) => words.extend(["-Q".into(), Q.to_string()]),
            _ => {}
        }
        let expected = read_npy(case.join("output.npy"));
        for (precision, exact, kymatio) in [("f64", 1e-10, 1e-6), ("f32", 1e-5, 1e-5)] {
            let mut words = words.clone();
            words.extend(["--precision", precision, "-o", "g.npy"].map(String::from));
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            ok(folder.path(), &words);
            let got = read_npy(folder.path().join("g.npy"));
            let tolerance = match (name.contains("f64"), name.contains("contrast")) {
                (_, true) => 3e-5,
                (true, _) => exact,
                _ => kymatio,
            };
            assert_eq!(got.shape(), expected.shape(), "{name}");
            let error = relative_error(got, expected.iter().copied());
            assert!(error <= tolerance, "{name}, {precision}: {error:e}");
        }
        found += 1;
    }
    assert!(found >= 9, "only {found} cases found");
}

/// Paths that differ in size have an archive of weights, with the names that their features have.
#[test]
fn weights_of_paths_that_differ_in_size_are_an_archive() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let x = ArrayD::from_shape_fn(vec![2, 20, 17], |i| {
        ((i[0] + 3 * i[1] + i[2] * i[2]) as f64).sin()
    });
    write(&path("x.npy"), &x);
    let plan = Scattering2d::params([20, 17], 2)
        .L(2)
        .average(Average::None)
        .plan::<f64>()
        .unwrap();
    let w = ArrayD::from_shape_fn(plan.output_shape(&[2]), |i| {
        ((5 * i[0] + i[1]) as f64).cos()
    });
    let names: Vec<_> = (0..plan.paths().len())
        .map(|row| plan.paths().name(row))
        .collect();
    let arrays: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(row, name)| (name.as_str(), plan.path_shape(row)))
        .collect();
    let mut stack = NpzStack::create(path("w.npz"), &arrays).unwrap();
    w.outer_iter()
        .for_each(|w| stack.push(w.as_slice().unwrap()).unwrap());
    stack.finish(&[2], &[]).unwrap();
    let words = [
        "image",
        "x.npy",
        "--gradient",
        "w.npz",
        "-J",
        "2",
        "-L",
        "2",
        "--average",
        "none",
        "--precision",
        "f64",
        "-o",
        "g.npy",
    ];
    ok(folder.path(), &words);
    assert_eq!(read_npy(path("g.npy")), plan.vjp(&x, &w).unwrap());
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let folder = tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(&path("x.npy"), &ArrayD::ones(vec![16, 16]));
    write(&path("w.npy"), &ArrayD::ones(vec![81, 4, 4]));
    write(&path("odd.npy"), &ArrayD::ones(vec![81, 4, 5]));
    write(
        &path("nan.npy"),
        &ArrayD::from_elem(vec![81, 4, 4], f64::NAN),
    );
    let base = |weights: &'static str| {
        [
            "image",
            "x.npy",
            "-J",
            "2",
            "-o",
            "g.npy",
            "--gradient",
            weights,
        ]
    };
    ok(folder.path(), &base("w.npy"));
    std::fs::remove_file(path("g.npy")).unwrap();
    let with = |more: &[&'static str]| [&base("w.npy")[..], more].concat();
    for (words, expected) in [
        (base("odd.npy").to_vec(), "[81, 4, 4]"),
        (base("nan.npy").to_vec(), "NaN"),
        (base("missing.npy").to_vec(), "missing.npy"),
        (with(&["--log"]), "--log"),
        (with(&["--resize", "8x8"]), "--resize"),
        (with(&["--color", "rgb"]), "--color"),
        (with(&["w.npy"]), "one array"),
        (
            vec![
                "image",
                "x.npy",
                "-J",
                "2",
                "-o",
                "g.csv",
                "--gradient",
                "w.npy",
            ],
            ".npy",
        ),
        (
            vec![
                "image",
                "x.npy",
                "-J",
                "2",
                "-o",
                "w.npy",
                "--gradient",
                "w.npy",
            ],
            "input too",
        ),
        (
            vec![
                "signal",
                "x.npy",
                "-J",
                "2",
                "-o",
                "g.npy",
                "--gradient",
                "w.npy",
                "--joint",
            ],
            "--joint",
        ),
    ] {
        let message = fails(folder.path(), &words);
        assert!(message.contains(expected), "{words:?}: {message}");
        assert!(!path("g.npy").exists(), "{words:?}");
    }
}
