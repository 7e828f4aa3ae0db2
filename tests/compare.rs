//! `scatter compare`, run as a person runs it.

#![allow(non_snake_case)] // J and L keep their case, as in the library

mod program;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::tensor::{Dtype, TensorView, serialize_to_file};
use serde_json::Value;
use wavelet_scattering::filters::FilterBank2d;

use program::{fails, ok};

fn write_tensor(path: &Path, name: &str, shape: &[usize], values: &[f32]) {
    let bytes: Vec<u8> = values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect();
    let view = TensorView::new(Dtype::F32, shape.to_vec(), &bytes).unwrap();
    serialize_to_file(HashMap::from([(name, view)]), None, path).unwrap();
}

/// Eight Morlets of the standard bank, in colours: the first four grey, the others red against green.
fn write_morlets(path: &Path) {
    let bank = FilterBank2d::params([64, 64], 2)
        .L(4)
        .build::<f64>()
        .unwrap();
    let mut values = Vec::new();
    for lambda in 0..8 {
        let psi = bank.psi(lambda / 4, lambda % 4).kernel([9, 9]).unwrap();
        for channel in [
            1.0,
            if lambda < 4 { 1.0 } else { -1.0 },
            if lambda < 4 { 1.0 } else { 0.0 },
        ] {
            for (i, k) in (0..9).flat_map(|i| (0..9).map(move |k| (i, k))) {
                values.push((channel * psi[[i, k]].re) as f32);
            }
        }
    }
    write_tensor(path, "conv1.weight", &[8, 3, 9, 9], &values);
}

/// The tensor of [`write_morlets`] as Keras has it, `[rows, columns, in, out]`.
fn write_morlets_as_keras(folder: &Path) {
    write_morlets(&folder.join("net.safetensors"));
    let bytes = fs::read(folder.join("net.safetensors")).unwrap();
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let values: Vec<f32> = (tensors
        .tensor("conv1.weight")
        .unwrap()
        .data()
        .chunks_exact(4))
    .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    .collect();
    let torch = ndarray::Array4::from_shape_vec([8, 3, 9, 9], values).unwrap();
    let keras = torch.permuted_axes([2, 3, 1, 0]);
    let values: Vec<f32> = keras.iter().copied().collect();
    write_tensor(
        &folder.join("keras.safetensors"),
        "conv2d",
        &[9, 9, 3, 8],
        &values,
    );
}

#[test]
fn axes_of_other_programs_are_recognised_or_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_morlets_as_keras(path);
    let numbers = |model: &str, more: &[&str]| {
        let args = [
            "compare", "--model", model, "--random", "20", "-J", "2", "-L", "4", "-o", "report",
        ];
        ok(path, &[&args[..], more].concat());
        let text = fs::read_to_string(path.join("report/compare.json")).unwrap();
        let numbers: Value = serde_json::from_str(&text).unwrap();
        numbers["filters"].clone()
    };
    let expected = numbers("net.safetensors", &[]);
    assert_eq!(numbers("keras.safetensors", &[]), expected);
    let summary = fs::read_to_string(path.join("report/summary.md")).unwrap();
    assert!(
        summary.contains("[8, 3, 9, 9], taken from the order rows,columns,in,out"),
        "{summary}"
    );
    assert_eq!(
        numbers("keras.safetensors", &["--axes", "rows,columns,in,out"]),
        expected
    );
    let args = [
        "compare",
        "--model",
        "keras.safetensors",
        "-o",
        "report",
        "--axes",
    ];
    let message = fails(path, &[&args[..], &["out,in,rows,columns"]].concat());
    assert!(
        message.contains("conv2d") && message.contains("--axes names another order"),
        "{message}"
    );
    let message = fails(path, &[&args[..], &["hwio"]].concat());
    assert!(message.contains("rows,columns,in,out"), "{message}");
}

#[test]
fn a_layer_of_wavelets_is_reported_as_such() {
    let folder = tempfile::tempdir().unwrap();
    write_morlets(&folder.path().join("net.safetensors"));
    let args = [
        "compare",
        "--model",
        "net.safetensors",
        "-L",
        "4",
        "-J",
        "2",
        "--random",
        "40",
        "-o",
        "report",
    ];
    ok(folder.path(), &args);
    let report = folder.path().join("report");
    let text = |name: &str| fs::read_to_string(report.join(name)).unwrap();

    let numbers: Value = serde_json::from_str(&text("compare.json")).unwrap();
    assert_eq!(numbers["tensor"], "conv1.weight");
    assert!(numbers["median_explained"].as_f64().unwrap() > 0.95);
    let filters = numbers["filters"].as_array().unwrap();
    assert_eq!(filters.len(), 8);
    for (lambda, filter) in filters.iter().enumerate() {
        assert_eq!(
            filter["part"],
            if lambda < 4 { "luminance" } else { "red-green" }
        );
        assert_eq!(filter["nearest"]["lambda"], lambda);
        assert!(filter["nearest"]["correlation"].as_f64().unwrap() > 0.999);
    }
    assert_eq!(
        numbers["references"][0]["explained"]
            .as_array()
            .unwrap()
            .len(),
        40
    );
    assert_eq!(
        numbers["references"][1]["explained"]
            .as_array()
            .unwrap()
            .len(),
        80
    );

    let page = text("index.html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"));
    assert_eq!(page.matches("data:image/png;base64,").count(), 5);
    assert!(!page.contains("://"), "the page fetches nothing");
    let summary = text("summary.md");
    assert!(
        summary.contains("like Gabors to a degree that chance does not give"),
        "{summary}"
    );
    assert!(
        summary.contains("4 have most of their energy in luminance, 4 in red against green"),
        "{summary}"
    );
    for name in [
        "filters.png",
        "plane.png",
        "histograms.png",
        "explained.png",
        "pairs.png",
    ] {
        assert!(
            fs::read(report.join(name)).unwrap().starts_with(b"\x89PNG"),
            "{name}"
        );
        assert!(summary.contains(name));
    }

    // The same call gives the same numbers.
    ok(folder.path(), &args);
    assert_eq!(
        serde_json::from_str::<Value>(&text("compare.json")).unwrap(),
        numbers
    );
}

#[test]
fn what_cannot_be_compared_is_refused_with_a_way_out_and_without_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_morlets(&path("net.safetensors"));
    write_tensor(
        &path("deep.safetensors"),
        "conv2",
        &[2, 16, 3, 3],
        &[1.0; 288],
    );
    write_tensor(
        &path("nan.safetensors"),
        "conv1",
        &[1, 1, 3, 3],
        &[f32::NAN; 9],
    );
    fs::write(path("text.safetensors"), "no tensors at all").unwrap();
    fs::write(path("net.onnx"), "").unwrap();
    for (model, more, expected) in [
        (
            "net.safetensors",
            &["--tensor", "conv9"][..],
            "it holds conv1.weight F32 [8, 3, 9, 9]",
        ),
        (
            "net.safetensors",
            &["--random", "3"][..],
            "20 to 100000 random filters",
        ),
        (
            "net.safetensors",
            &["-L", "0"][..],
            "at least one orientation",
        ),
        ("net.safetensors", &["--images", "nowhere"][..], "nowhere"),
        ("deep.safetensors", &[][..], "1 channel (grey) or 3 (RGB)"),
        ("nan.safetensors", &[][..], "NaN at index [0, 0, 0, 0]"),
        ("text.safetensors", &[][..], "no whole safetensors file"),
        (
            "absent.safetensors",
            &[][..],
            "cannot read absent.safetensors: ",
        ),
        ("net.onnx", &[][..], "must end in .safetensors"),
        (
            "net.safetensors",
            &["-Q", "4"][..],
            "-Q says nothing about a layer for images",
        ),
        (
            "net.safetensors",
            &["--rate", "8000"][..],
            "--rate says nothing about a layer for images",
        ),
    ] {
        let mut args = vec!["compare", "--model", model, "-o", "report"];
        args.extend(more);
        let message = fails(folder.path(), &args);
        assert!(message.contains(expected), "{model}: {message}");
        assert!(!path("report/index.html").exists());
    }
    let nowhere = ["compare", "--model", "net.safetensors", "-o", "a/b"];
    assert!(fails(folder.path(), &nowhere).contains("its parent must exist"));
    // Of a network that is still to be trained, before it is.
    for (more, expected) in [
        (["-J", "70"], "J = 70"),
        (["--side", "1"], "sides from 3 to 128"),
        (["--random", "3"], "20 to 100000 random filters"),
        (["--images", "nowhere"], "nowhere"),
    ] {
        let train = ["compare", "--train", "mnist-subset", "-o", "report"];
        let message = fails(folder.path(), &[&train[..], &more].concat());
        assert!(message.contains(expected), "{message}");
    }
    assert!(!path("report/model.safetensors").exists());
}

/// Forty images of 16 x 16, stripes down and stripes across, as four IDX files.
fn write_stripes(folder: &Path) {
    for set in ["train", "t10k"] {
        let (mut images, mut labels) = (
            vec![0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 16, 0, 0, 0, 16],
            vec![0, 0, 8, 1, 0, 0, 0, 40],
        );
        for n in 0..40 {
            labels.push(n as u8 % 2);
            for (i, k) in (0..16).flat_map(|i| (0..16).map(move |k| (i, k))) {
                let along = if n % 2 == 0 { i } else { k };
                images.push(if (along + n / 2) % 4 < 2 { 255 } else { 0 });
            }
        }
        fs::write(folder.join(format!("{set}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{set}-labels-idx1-ubyte")), labels).unwrap();
    }
}

#[test]
fn a_network_that_is_trained_for_it_is_compared_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("stripes");
    fs::create_dir(&data).unwrap();
    write_stripes(&data);
    let report = |args: &[&str]| -> Value {
        ok(
            folder.path(),
            &[&["compare", "--random", "20"], args].concat(),
        );
        let numbers = folder
            .path()
            .join(args[args.len() - 1])
            .join("compare.json");
        serde_json::from_str(&fs::read_to_string(numbers).unwrap()).unwrap()
    };
    let train = [
        "--train",
        "stripes",
        "--filters",
        "4",
        "--side",
        "5",
        "-o",
        "trained",
    ];
    let trained = report(&train);
    assert_eq!(trained["shape"], serde_json::json!([4, 1, 5, 5]));
    // Principal components of the training images stand beside random and Fourier filters.
    assert_eq!(trained["references"].as_array().unwrap().len(), 3);
    let summary = fs::read_to_string(folder.path().join("trained/summary.md")).unwrap();
    assert!(
        summary.contains("its error on the test images is 0.0 %"),
        "{summary}"
    );

    let read = report(&["--model", "trained/model.safetensors", "-o", "read"]);
    assert_eq!(read["tensor"], "Cnn.first.weight");
    assert_eq!(read["filters"], trained["filters"]);
}

/// Waves of Q = 4 down three octaves from 0.3 cycles per sample, in the middle of 128 samples: `[12, channels, 128]`, of
/// stereo every other one in the difference.
fn write_waves(path: &Path, channels: usize) {
    let mut values = Vec::new();
    for n in 0..12 {
        let xi = 0.3 * (-f64::from(n) / 4.0).exp2();
        let sigma = 0.104 * xi;
        for channel in 0..channels {
            let sign = if channel == 1 && n % 2 == 1 {
                -1.0
            } else {
                1.0
            };
            values.extend((0..128).map(|t| {
                let t = f64::from(t) - 63.0;
                let turn = std::f64::consts::TAU * t;
                let wave = (-0.5 * (sigma * turn).powi(2)).exp() * (xi * turn + f64::from(n)).cos();
                (sign * wave) as f32
            }));
        }
    }
    write_tensor(path, "conv1.weight", &[12, channels, 128], &values);
}

#[test]
fn a_layer_for_signals_is_told_by_its_axes_and_reported_in_hertz() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_waves(&path.join("net.safetensors"), 1);
    let args = [
        "compare",
        "--model",
        "net.safetensors",
        "--rate",
        "8000",
        "--random",
        "30",
        "-o",
        "report",
    ];
    let said = ok(path, &args);
    let text = |name: &str| fs::read_to_string(path.join("report").join(name)).unwrap();
    let numbers: Value = serde_json::from_str(&text("compare.json")).unwrap();
    assert_eq!(numbers["shape"], serde_json::json!([12, 1, 128]));
    assert_eq!((&numbers["Q"], &numbers["waves"]), (&4.into(), &12.into()));
    // The lowest of them are cut off by the kernel, a little.
    let exponent = numbers["bandwidth_exponent"]["waves"].as_f64().unwrap();
    assert!((exponent - 1.0).abs() < 0.02, "{exponent}");
    for (n, filter) in numbers["filters"].as_array().unwrap().iter().enumerate() {
        let number = |key: &str| filter["fit"][key].as_f64().unwrap();
        let expected = 2400.0 * (-(n as f64) / 4.0).exp2();
        assert!((number("xi_hz") / expected - 1.0).abs() < 1e-3, "{filter}");
        // Σe²/(Σe)² of the envelope within the kernel, which cuts the lowest of them off.
        let turn = std::f64::consts::TAU * 0.104 * expected / 8000.0;
        let envelope = (0..128).map(|t| (-0.5 * (turn * (f64::from(t) - 63.0)).powi(2)).exp());
        let [sum, squares] =
            envelope.fold([0.0, 0.0], |[sum, squares], e| [sum + e, squares + e * e]);
        let width = 8000.0 * squares / (sum * sum);
        assert!(
            (number("bandwidth_hz") / width - 1.0).abs() < 1e-3,
            "{filter}"
        );
        assert!((number("center") - 63.0).abs() < 0.1 && number("explained") > 0.99);
        // At most half a step of the ladder away: exp(−d²/4σ²) with d = (2^(1/8) − 1)·ξ and σ = 0.104·ξ is 0.83.
        assert!(
            filter["nearest"]["correlation"].as_f64().unwrap() > 0.82,
            "{filter}"
        );
    }
    let references = numbers["references"].as_array().unwrap();
    let counts = [&references[0], &references[1]].map(|r| r["explained"].as_array().unwrap().len());
    assert_eq!(counts, [30, 12]);

    assert!(
        said.contains("On the ERB scale") && said.contains("On the mel scale"),
        "{said}"
    );
    let summary = text("summary.md");
    assert!(
        summary.contains("[12, 1, 128], taken from the order out,in,samples"),
        "{summary}"
    );
    assert!(summary.contains("grows as the centre frequency to the power"));
    let page = text("index.html");
    assert_eq!(page.matches("data:image/png;base64,").count(), 7);
    assert!(!page.contains("://"), "the page fetches nothing");
    for name in [
        "filters.png",
        "spectra.png",
        "bandwidth.png",
        "histograms.png",
        "explained.png",
        "cover.png",
        "pairs.png",
    ] {
        let bytes = fs::read(path.join("report").join(name)).unwrap();
        assert!(bytes.starts_with(b"\x89PNG"), "{name}");
        assert!(summary.contains(name));
    }

    // Without a rate there are no hertz, and no scales of hearing.
    let said = ok(
        path,
        &[
            "compare",
            "--model",
            "net.safetensors",
            "--random",
            "20",
            "-J",
            "5",
            "-Q",
            "3",
            "-o",
            "plain",
        ],
    );
    assert!(
        said.contains("cycles per sample") && said.contains("With --rate they stand"),
        "{said}"
    );
    assert!(
        said.contains("J = 5, Q = 3") && !said.contains("ERB scale it is"),
        "{said}"
    );
}

#[test]
fn stereo_is_taken_apart_into_mid_and_side() {
    let folder = tempfile::tempdir().unwrap();
    write_waves(&folder.path().join("net.safetensors"), 2);
    let args = [
        "compare",
        "--model",
        "net.safetensors",
        "--random",
        "20",
        "-o",
        "report",
    ];
    let said = ok(folder.path(), &args);
    assert!(
        said.contains("Of 12 filters, 6 have most of their energy in what left and right"),
        "{said}"
    );
    let text = fs::read_to_string(folder.path().join("report/compare.json")).unwrap();
    let numbers: Value = serde_json::from_str(&text).unwrap();
    for (n, filter) in numbers["filters"].as_array().unwrap().iter().enumerate() {
        assert_eq!(filter["part"], ["mid", "side"][n % 2]);
    }
}

#[test]
fn layers_for_signals_that_cannot_be_compared_are_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    write_waves(&path("net.safetensors"), 1);
    write_tensor(&path("short.safetensors"), "conv1", &[2, 1, 5], &[1.0; 10]);
    write_tensor(
        &path("deep.safetensors"),
        "conv2",
        &[2, 64, 8],
        &[1.0; 1024],
    );
    write_tensor(&path("flat.safetensors"), "fc", &[6, 10], &[1.0; 60]);
    let mut broken = vec![0.5; 60];
    broken[47] = f32::NAN;
    write_tensor(&path("nan.safetensors"), "conv1", &[2, 1, 30], &broken);
    for (model, more, expected) in [
        ("short.safetensors", &[][..], "6 to 4096 samples"),
        (
            "short.safetensors",
            &[][..],
            "taken for out,in,samples; --axes names another order",
        ),
        (
            "deep.safetensors",
            &[][..],
            "1 channel (mono) or 2 (stereo)",
        ),
        ("flat.safetensors", &[][..], "the three [out, in, samples]"),
        (
            "flat.safetensors",
            &["--tensor", "fc"][..],
            "has shape [6, 10]",
        ),
        ("nan.safetensors", &[][..], "NaN at index [1, 0, 17]"),
        (
            "net.safetensors",
            &["-L", "4"][..],
            "-L says nothing about a layer for signals",
        ),
        (
            "net.safetensors",
            &["--images", "x"][..],
            "--images says nothing",
        ),
        ("net.safetensors", &["--rate", "-1"][..], "-1"),
        ("net.safetensors", &["-J", "70"][..], "J = 70"),
        ("net.safetensors", &["-Q", "0"][..], "Q = 0"),
        (
            "net.safetensors",
            &["--random", "3"][..],
            "20 to 100000 random filters",
        ),
        (
            "net.safetensors",
            &["--axes", "rows,columns,in,out"][..],
            "conv1.weight F32 [12, 1, 128]",
        ),
        (
            "net.safetensors",
            &["--tensor", "conv1.weight", "--axes", "out,in,rows,columns"][..],
            "has shape [12, 1, 128], not the axes out,in,rows,columns",
        ),
    ] {
        let args = [&["compare", "--model", model, "-o", "report"], more].concat();
        let message = fails(folder.path(), &args);
        assert!(message.contains(expected), "{model} {more:?}: {message}");
        assert!(!path("report/index.html").exists());
    }
    for option in [["-Q", "3"], ["--rate", "8000"]] {
        let train = ["compare", "--train", "mnist-subset", "-o", "report"];
        let message = fails(folder.path(), &[&train[..], &option].concat());
        assert!(message.contains("cannot be used with"), "{message}");
    }
}

#[test]
fn a_layer_of_zeros_and_one_filter_alone_have_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_tensor(
        &path.join("zero.safetensors"),
        "conv1",
        &[3, 1, 20],
        &[0.0; 60],
    );
    let click: Vec<f32> = (0..20).map(|t| f32::from(u8::from(t == 7))).collect();
    write_tensor(&path.join("one.safetensors"), "conv1", &[1, 1, 20], &click);
    for (model, expected) in [
        ("zero.safetensors", "Every filter of this layer is zero"),
        ("one.safetensors", "0 of 1 filters are waves"),
    ] {
        let said = ok(
            path,
            &[
                "compare",
                "--model",
                model,
                "--random",
                "20",
                "-o",
                model.trim_end_matches(".safetensors"),
            ],
        );
        assert!(said.contains(expected), "{said}");
    }
}
