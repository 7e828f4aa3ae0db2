//! Filters of one's own and designs of any size, run as a person runs them.

#![allow(non_snake_case)] // J keeps its case, as in the library

mod program;

use std::f64::consts::PI;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ndarray::{Array2, Array3, ArrayD, Axis};
use wavelet_scattering::filters::WaveletList2d;
use wavelet_scattering::filters::gabor::Gabor;
use wavelet_scattering::io::{self, ImageOptions, NpyFile};
use wavelet_scattering::num::Complex;
use wavelet_scattering::raster::Raster;
use wavelet_scattering::{Scattering2d, io::NpyStack};

use program::{fails, ok};

fn words(line: &str) -> Vec<&str> {
    line.split(' ').collect()
}

/// An entry of an archive, and its shape.
fn entry<T: npyz::Deserialize>(path: &Path, name: &str) -> (Vec<usize>, Vec<T>) {
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let file = archive.by_name(&format!("{name}.npy")).unwrap();
    let npy = npyz::NpyFile::new(file).unwrap();
    let shape = npy.shape().iter().map(|&n| n as usize).collect();
    (shape, npy.into_vec().unwrap())
}

/// The complex entry of an archive: `<c16` is two `<f8` a number, behind a header of as many bytes as it says.
fn complex_entry(path: &Path, name: &str) -> (Vec<u8>, Vec<Complex<f64>>) {
    use std::io::Read;
    let mut archive = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    let mut bytes = Vec::new();
    let mut file = archive.by_name(&format!("{name}.npy")).unwrap();
    file.read_to_end(&mut bytes).unwrap();
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let number = |bytes: &[u8]| f64::from_le_bytes(bytes.try_into().unwrap());
    let numbers = bytes[start..].chunks_exact(16);
    let numbers = numbers.map(|pair| Complex::new(number(&pair[..8]), number(&pair[8..])));
    (bytes[..start].to_vec(), numbers.collect())
}

/// Gabors by their formula in space, exp(−[u∥² + slant²·u⊥²]/(2s²))·exp(2πi·ξ·u∥)·slant/(2πs²) with s = 1/(2πσ).
#[test]
fn the_arrays_of_an_archive_are_the_formulas_values() {
    let folder = tempfile::tempdir().unwrap();
    let printed = ok(
        folder.path(),
        &words(
            "filters --xi 0.3,0.2 --theta 0,-60 --sigma 0.1 --slant 0.5,0.8 --family gabor -J 2 --size 64x48 -o mine.npz",
        ),
    );
    assert!(printed.contains("[2, 64, 48]"), "{printed}");
    let path = folder.path().join("mine.npz");
    let (header, psi) = complex_entry(&path, "psi");
    assert!(String::from_utf8_lossy(&header).contains("(2, 64, 48"));
    let wavelets = [(0.3, 0.0_f64, 0.5), (0.2, -60.0_f64, 0.8)];
    let s = 1.0 / (2.0 * PI * 0.1);
    for (lambda, (xi, degrees, slant)) in wavelets.into_iter().enumerate() {
        let (sin, cos) = degrees.to_radians().sin_cos();
        for (u, v) in [(0_i32, 0_i32), (1, 0), (0, 1), (3, 2), (-2, 5)] {
            let (x, y) = (f64::from(u), f64::from(v));
            let (along, across) = (x * cos + y * sin, slant * (y * cos - x * sin));
            let envelope = (-(along * along + across * across) / (2.0 * s * s)).exp();
            let expected =
                Complex::cis(2.0 * PI * xi * along) * (envelope * slant / (2.0 * PI * s * s));
            let at = (lambda * 64 + u.rem_euclid(64) as usize) * 48 + v.rem_euclid(48) as usize;
            assert!((psi[at] - expected).norm() < 1e-12, "{lambda} at {u}, {v}");
        }
    }
    let (shape, phi) = entry::<f64>(&path, "phi");
    assert_eq!(shape, [64, 48]);
    assert!((phi.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    assert_eq!(entry::<f64>(&path, "psi_hat").0, [2, 64, 48]);
    assert_eq!(entry::<f64>(&path, "phi_hat").0, [64, 48]);
    assert_eq!(entry::<f64>(&path, "xi").1, [0.3, 0.2]);
    let directions = entry::<f64>(&path, "direction").1;
    assert!((directions[1] + PI / 3.0).abs() < 1e-15, "{directions:?}");
    assert_eq!(entry::<i64>(&path, "j").1, [0, 0]);
}

#[test]
fn a_table_of_wavelets_is_the_same_as_lists() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("mine.csv"),
        "theta, xi, slant\n0, 0.3, 0.6\n90, 0.3, 0.6\n45, 0.07, 0.6\n",
    )
    .unwrap();
    for show in ["space", "phase", "fourier", "lp"] {
        for (own, out) in [
            ("--wavelets mine.csv", "table.png"),
            ("--xi 0.3,0.3,0.07 --theta 0,90,45 --slant 0.6", "lists.png"),
        ] {
            let args = format!("filters {own} -J 3 --size 40x56 --show {show} -o {out}");
            ok(folder.path(), &words(&args));
        }
        let [table, lists] =
            ["table.png", "lists.png"].map(|name| fs::read(folder.path().join(name)).unwrap());
        assert!(table == lists, "{show}");
    }
}

#[test]
fn features_with_filters_of_ones_own_are_the_librarys() {
    let folder = tempfile::tempdir().unwrap();
    let x = Array2::from_shape_fn([40, 48], |(i, k)| ((3 * i + k * k) as f64 * 0.37).sin());
    let mut stack = NpyStack::<f64>::create(folder.path().join("x.npy"), &[40, 48], &[]).unwrap();
    stack.push(x.as_slice().unwrap()).unwrap();
    stack.finish(&[]).unwrap();
    ok(
        folder.path(),
        &words(
            "image x.npy -J 3 --xi 0.35,0.1 --theta 20,110 --sigma 0.1,0.04 --precision f64 -o out.npy",
        ),
    );
    let got: ArrayD<f64> = NpyFile::open(folder.path().join("out.npy"))
        .unwrap()
        .read()
        .unwrap();

    let gabor = |degrees: f64, xi, sigma| Gabor {
        theta: degrees.to_radians(),
        xi,
        sigma,
        slant: 0.5,
    };
    let params = Scattering2d::params([40, 48], 3);
    let gabors = [gabor(20.0, 0.35, 0.1), gabor(110.0, 0.1, 0.04)];
    let list = WaveletList2d::new(params.padded_shape().unwrap(), 3, &gabors);
    let plan = params
        .plan_with::<f64>(&[Arc::new(list.build().unwrap())])
        .unwrap();
    let expected = plan.transform(&x).unwrap();
    assert_eq!(got.shape(), [4, 5, 6], "orders 0, 1, 1 and 2");
    assert_eq!(got, expected.array());

    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(folder.path().join("out.json")).unwrap()).unwrap();
    assert_eq!(json["transform"]["xi"], serde_json::json!([0.35, 0.1]));
    assert_eq!(json["transform"]["j"], serde_json::json!([0, 1]));
    assert!(json["transform"]["L"].is_null());
}

#[test]
fn a_disk_shows_filters_of_ones_own_and_a_constant_image_is_dark() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, value: &dyn Fn(usize, usize) -> u8| {
        let mut raster = Raster::filled(48, 40, [0; 3]);
        for y in 0..40 {
            for x in 0..48 {
                raster.set_pixel(x, y, [value(x, y); 3]);
            }
        }
        io::write_png(folder.path().join(name), &raster).unwrap();
    };
    write("flat.png", &|_, _| 77);
    write("stripes.png", &|x, _| if x % 4 < 2 { 200 } else { 20 });
    let disk = |image: &str, own: &str| -> Array3<f64> {
        let args = format!("disk {image} -J 3 {own}-o disk.png");
        ok(folder.path(), &words(&args));
        io::read_image(
            folder.path().join("disk.png"),
            &ImageOptions {
                color: io::Color::Rgb,
                ..ImageOptions::default()
            },
        )
        .unwrap()
    };
    // The mean brightness of the middle of the picture's left half, where the first order is.
    let brightness = |picture: &Array3<f64>| {
        let [_, rows, columns] = [0, 1, 2].map(|axis| picture.len_of(Axis(axis)));
        let middle = picture.slice(ndarray::s![
            ..,
            rows / 3..2 * rows / 3,
            columns / 8..columns / 3
        ]);
        middle.mean().unwrap()
    };
    let [flat, stripes] = ["flat.png", "stripes.png"].map(|image| brightness(&disk(image, "")));
    assert!(flat < stripes - 0.01, "{flat}, {stripes}");
    let own = "--xi 0.25,0.25,0.1 --theta 0,90,45 ";
    let [flat, stripes] = ["flat.png", "stripes.png"].map(|image| brightness(&disk(image, own)));
    assert!(flat < stripes - 0.02, "{flat}, {stripes}");
}

#[test]
fn designs_and_pictures_of_large_grids_take_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let design = ok(
        folder.path(),
        &words("explain --size 2048x2048 -J 7 -L 8 --order 1 --average global"),
    );
    // 1 + 7·8 paths; φ of width 2^7 pads by 128 on either side
    for part in [
        "padded to 2304 x 2304",
        "[57]: one mean per path",
        "56 of order 1",
        "frequencies, densest around 0",
    ] {
        assert!(design.contains(part), "no `{part}` in\n{design}");
    }
    for show in ["space", "phase", "fourier", "lp"] {
        let args = format!("filters --size 4096x3000 -J 9 -L 4 --show {show} -o big.png");
        ok(folder.path(), &words(&args));
    }
    // Built, these would take minutes and many gigabytes.
    assert!(
        start.elapsed() < Duration::from_secs(60),
        "{:?}",
        start.elapsed()
    );
    let message = fails(
        folder.path(),
        &words("explain --size 4096x4096 -J 10 -L 64 --order 4"),
    );
    assert!(
        message.contains("need") && message.contains("this machine has"),
        "{message}"
    );
}

#[test]
fn filters_that_cannot_be_made_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let csv = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    csv("no-xi.csv", "theta,sigma\n1,0.1\n");
    csv("unknown.csv", "xi,theta,width\n0.1,3,4\n");
    csv("word.csv", "xi,theta\n0.1,3\n0.2,wide\n");
    csv("empty.csv", "xi,theta\n");
    csv("gap.csv", "xi,theta\n0.1,\n");
    csv("ragged.csv", "xi,theta\n0.1,2,3\n");
    for (args, parts) in [
        ("--xi 0.3 -o x.png", &["--theta"][..]),
        ("--theta 3 -o x.png", &["--xi"]),
        (
            "--xi 0.3,0.2 --theta 1,2,3 -o x.png",
            &["--xi", "2 values", "3"],
        ),
        (
            "--xi 0.7 --theta 3 -o x.png",
            &["xi = 0.7 of wavelet 0", "0.5"],
        ),
        (
            "--xi 0.3 --theta 3 --sigma 0 -o x.png",
            &["sigma = 0 of wavelet 0"],
        ),
        ("--xi 0.3 --theta 3 -L 4 -o x.png", &["-L"]),
        ("--family gabor -o x.png", &["--xi", "--wavelets"]),
        ("--wavelets missing.csv -o x.png", &["missing.csv"]),
        (
            "--wavelets no-xi.csv -o x.png",
            &["no-xi.csv", "xi and theta"],
        ),
        ("--wavelets unknown.csv -o x.png", &["`width`"]),
        (
            "--wavelets word.csv -o x.png",
            &["line 3", "theta", "`wide`"],
        ),
        ("--wavelets empty.csv -o x.png", &["no wavelet"]),
        ("--wavelets gap.csv -o x.png", &["line 2", "xi and theta"]),
        ("--wavelets ragged.csv -o x.png", &["ragged.csv"]),
        ("--xi 0.3 --theta 3 -o x.jpg", &[".png", ".npz"]),
        (
            "-J 2 --size 400000x400000 -o x.npz",
            &["needs", "this machine has"],
        ),
    ] {
        let message = fails(folder.path(), &words(&format!("filters {args}")));
        for part in parts {
            assert!(
                message.contains(part),
                "`{args}` says nothing of `{part}`:\n{message}"
            );
        }
        assert!(!folder.path().join("x.png").exists() && !folder.path().join("x.npz").exists());
    }
}

#[test]
fn filters_of_signals_are_drawn_at_any_length_and_written_as_arrays() {
    let folder = tempfile::tempdir().unwrap();
    for show in ["time", "fourier", "lp"] {
        for (samples, bank) in [
            ("8192", "-J 8 -Q 8"),
            ("1000000000", "-J 14 -Q 16 -T 300"),
            ("3", "-J 1"),
        ] {
            let args = format!("filters --samples {samples} {bank} --show {show} -o bank.png");
            ok(folder.path(), &words(&args));
        }
    }
    let printed = ok(
        folder.path(),
        &words("filters --samples 100 -J 3 -Q 2 -o bank.npz"),
    );
    assert!(printed.contains(", 100]"), "{printed}");
    let path = folder.path().join("bank.npz");
    let (shape, psi_hat) = entry::<f64>(&path, "psi_hat");
    let xi = entry::<f64>(&path, "xi").1;
    assert_eq!(shape, [xi.len(), 100]);
    // ψ̂ peaks within half a step of the grid, or a Morlet's rise, of ξ.
    for (hat, xi) in psi_hat.chunks(100).zip(&xi) {
        let peak = (0..100).max_by(|&a, &b| hat[a].total_cmp(&hat[b])).unwrap();
        assert!((peak as f64 / 100.0 - xi).abs() < 0.02, "{peak} for {xi}");
    }
    assert!((entry::<f64>(&path, "phi").1.iter().sum::<f64>() - 1.0).abs() < 1e-12);
}

#[test]
fn designs_of_signals_are_printed_without_building_them() {
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let design = ok(
        folder.path(),
        &words("explain --samples 1000000 -J 12 -Q 12,2 --stride 64"),
    );
    for part in [
        "1D scattering, J = 12, Q = 12, 2, T = 4096, order 2, float32",
        "1000000 samples, padded to",
        "15625]: paths, samples; one every 64 samples",
        "of layer 1",
        "of layer 2 and beyond",
        "memory",
    ] {
        assert!(design.contains(part), "no `{part}` in\n{design}");
    }
    assert!(start.elapsed() < Duration::from_secs(20));
    let design = ok(folder.path(), &words("explain --samples 4096"));
    assert!(design.contains("J = 8, Q = 8, 1, T = 256"), "{design}");
    for (args, parts) in [
        (
            "filters --samples 64 -L 4 -o x.png",
            &["--samples", "-L"][..],
        ),
        (
            "filters --samples 64 --size 3x4 -o x.png",
            &["--samples", "--size"],
        ),
        (
            "filters --samples 64 --xi 0.1 --theta 3 -o x.png",
            &["--samples", "--xi"],
        ),
        (
            "filters --samples 64 --show phase -o x.png",
            &["time, fourier or lp"],
        ),
        ("filters --show time -o x.png", &["--samples"]),
        ("filters -Q 4 -o x.png", &["--samples"]),
        ("filters --samples 64 -Q 0 -o x.png", &["Q = 0"]),
        ("filters --samples 64 -T 0.5 -o x.png", &["T = 0.5"]),
        ("filters --samples 64 -o x.jpg", &[".png", ".npz"]),
        ("filters --samples 0 -o x.png", &["above 0"]),
        ("explain --samples 100 -J 9", &["J = 9", "J <= 6"]),
        ("explain --samples 100 --pre-pad", &["--pre-pad"]),
        (
            "explain --samples 1000 --stride 3",
            &["stride = 3", "power of two"],
        ),
        ("explain", &["--size"]),
    ] {
        let message = fails(folder.path(), &words(args));
        for part in parts {
            assert!(
                message.contains(part),
                "`{args}` says nothing of `{part}`:\n{message}"
            );
        }
        assert!(!folder.path().join("x.png").exists());
    }
}

#[test]
fn scalograms_are_bright_where_the_signal_is() {
    let folder = tempfile::tempdir().unwrap();
    // A low tone, then a high one.
    let write = |name: &str, leading: &[usize], channels: usize| {
        let mut shape = leading.to_vec();
        shape.push(4000);
        let mut stack =
            NpyStack::<f64>::create(folder.path().join(name), &[4000], leading).unwrap();
        for _ in 0..channels {
            let x: Vec<f64> = (0..4000)
                .map(|t| (2.0 * PI * t as f64 * if t < 2000 { 0.02 } else { 0.2 }).sin())
                .collect();
            stack.push(&x).unwrap();
        }
        stack.finish(leading).unwrap();
    };
    write("two.npy", &[], 1);
    write("many.npy", &[3], 3);
    for (args, taller) in [
        ("--rate 8000", false),
        ("", false),
        ("--rate 8000 --scattering -Q 8", true),
    ] {
        let args = format!("scalogram two.npy {args} -o out.png");
        ok(folder.path(), &words(args.replace("  ", " ").trim()));
        let picture: Array3<f64> = io::read_image(
            folder.path().join("out.png"),
            &ImageOptions {
                color: io::Color::Gray,
                ..ImageOptions::default()
            },
        )
        .unwrap();
        let [rows, columns] = [picture.len_of(Axis(1)), picture.len_of(Axis(2))];
        assert_eq!(taller, rows > 700, "{rows} rows");
        // The panel is dark but where there is a tone: the brightest row of a column climbs.
        let brightest = |column: usize| {
            let line = |row: usize| picture[[0, row, column]];
            // Below the caption and above the axis of time.
            (100..440)
                .filter(|&row| line(row) < 0.999)
                .max_by(|&a, &b| line(a).total_cmp(&line(b)))
                .unwrap()
        };
        let [low, high] = [columns / 3, 2 * columns / 3].map(brightest);
        assert!(high + 60 < low, "{high} above {low}");
    }
    ok(folder.path(), &words("scalogram many.npy#2 -o many.png"));
    for (args, parts) in [
        ("two.npy -o x.jpg", &[".png"][..]),
        ("missing.npy -o x.png", &["missing.npy"]),
        ("many.npy -o x.png", &["3 signals", "#1"]),
        ("two.npy --range 0 -o x.png", &["decibels"]),
        ("two.npy -J 13 -o x.png", &["J = 13", "J <= 11"]),
        ("two.npy --rate -3 -o x.png", &["--rate"]),
        ("two.npy -o two.npy.png --scattering -J 0", &["J = 0"]),
    ] {
        let message = fails(folder.path(), &words(&format!("scalogram {args}")));
        for part in parts {
            assert!(
                message.contains(part),
                "`{args}` says nothing of `{part}`:\n{message}"
            );
        }
        assert!(!folder.path().join("x.png").exists());
    }
}
