//! The program, run as a person runs it: happy paths, every error, interruptions.

#![allow(non_snake_case)]
#![allow(clippy::approx_constant)] // 3.1415 is what Kymatio has for pi

mod program;

use std::fs;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ndarray::{Array3, ArrayD, Axis};
use serde_json::Value;
use tempfile::TempDir;
use wavelet_scattering::io::{self, Color, ImageOptions, NpyFile, NpyStack};
use wavelet_scattering::num::relative_error;
use wavelet_scattering::raster::Raster;
use wavelet_scattering::scattering::Average;
use wavelet_scattering::{Isa, Scattering2d};

use program::{command, fails, ok};

fn picture(path: PathBuf, [height, width]: [usize; 2], seed: usize) {
    let mut raster = Raster::filled(width, height, [0; 3]);
    for y in 0..height {
        for x in 0..width {
            let value = |k: usize| ((x * x + k * y + seed * x * y) % 251) as u8;
            raster.set_pixel(x, y, [value(1), value(3), value(7)]);
        }
    }
    io::write_png(path, &raster).unwrap();
}

/// A folder with three pictures in it and in a subfolder, and a text file.
fn gallery(size: [usize; 2]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("in/sub")).unwrap();
    for (seed, name) in ["in/b.png", "in/a.png", "in/sub/c.png"]
        .into_iter()
        .enumerate()
    {
        picture(folder.path().join(name), size, seed);
    }
    fs::write(folder.path().join("in/notes.txt"), "no image").unwrap();
    folder
}

fn array(path: PathBuf) -> ArrayD<f64> {
    NpyFile::open(path).unwrap().read().unwrap()
}

type Archive = zip::ZipArchive<fs::File>;

fn archive(path: PathBuf) -> Archive {
    Archive::new(fs::File::open(path).unwrap()).unwrap()
}

fn entry<'a>(archive: &'a mut Archive, name: &str) -> npyz::NpyFile<impl Read + 'a> {
    npyz::NpyFile::new(archive.by_name(&format!("{name}.npy")).unwrap()).unwrap()
}

fn write_array(path: PathBuf, array: &ArrayD<f64>) {
    let mut stack = NpyStack::<f64>::create(path, array.shape(), &[]).unwrap();
    stack.push(array.as_slice().unwrap()).unwrap();
    stack.finish(&[]).unwrap();
}

/// Everything in a folder but the inputs.
fn products(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !matches!(name.as_str(), "in" | "arrays" | "x.npy"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_becomes_the_librarys_features_with_tables_beside_them() {
    let folder = gallery([33, 40]);
    let printed = ok(
        folder.path(),
        &["image", "in", "-J", "2", "-L", "6", "-o", "out.npy"],
    );
    assert!(
        printed.contains("[3, 49, 8, 10] float32, 3 images"),
        "{printed}"
    );
    assert_eq!(
        products(folder.path()),
        ["out.inputs.csv", "out.json", "out.npy", "out.paths.csv"]
    );

    let plan = Scattering2d::params([33, 40], 2)
        .L(6)
        .plan::<f32>()
        .unwrap();
    let got = array(folder.path().join("out.npy"));
    for (row, name) in ["in/a.png", "in/b.png", "in/sub/c.png"]
        .into_iter()
        .enumerate()
    {
        let image =
            io::read_image::<f32>(folder.path().join(name), &ImageOptions::default()).unwrap();
        let expected = plan.transform(&image.index_axis(Axis(0), 0)).unwrap();
        assert_eq!(
            got.index_axis(Axis(0), row),
            expected.array().mapv(f64::from),
            "{name}"
        );
    }

    let inputs = fs::read_to_string(folder.path().join("out.inputs.csv")).unwrap();
    assert_eq!(
        inputs,
        "row,input,skipped\n0,in/a.png,\n1,in/b.png,\n2,in/sub/c.png,\n"
    );
    let paths = fs::read_to_string(folder.path().join("out.paths.csv")).unwrap();
    assert_eq!(paths.lines().count(), 1 + 49);
    assert!(
        paths
            .lines()
            .nth(14)
            .unwrap()
            .starts_with("13,S_j0t0_j1t0,2,0,0,"),
        "{paths}"
    );
    let json: Value =
        serde_json::from_slice(&fs::read(folder.path().join("out.json")).unwrap()).unwrap();
    assert_eq!(json["transform"]["J"], 2);
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_number_of_threads_does_not_change_a_byte() {
    let folder = gallery([40, 33]);
    let bytes = |threads| {
        ok(
            folder.path(),
            &[
                "image",
                "in",
                "-J",
                "2",
                "-o",
                "out.npy",
                "--threads",
                threads,
            ],
        );
        fs::read(folder.path().join("out.npy")).unwrap()
    };
    assert_eq!(bytes("1"), bytes("2"));
    assert_eq!(bytes("1"), bytes("3"));
}

#[test]
fn threads_beyond_the_cores_are_not_started_and_that_is_told() {
    let folder = gallery([40, 33]);
    let cores = std::thread::available_parallelism().unwrap();
    let args = ["image", "in", "-J", "2", "-o", "out.npy"];
    for (by, output) in [
        (
            "--threads",
            command(folder.path())
                .args(args)
                .args(["--threads", "10000"])
                .output(),
        ),
        (
            "RAYON_NUM_THREADS",
            command(folder.path())
                .args(args)
                .env("RAYON_NUM_THREADS", "10000")
                .output(),
        ),
    ] {
        let output = output.unwrap();
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(
            stdout.contains(&format!(" {cores} threads)")),
            "{by}: {stdout}{stderr}"
        );
        assert!(
            stderr.contains(&format!("{by} 10000: using {cores}, ")),
            "{by}: {stderr}"
        );
    }
}

#[test]
fn golden_arrays_run_through_the_program_are_kymatios() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let folder = tempfile::tempdir().unwrap();
    let mut cases = 0;
    for case in fs::read_dir(data)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if !case
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("2d-")
        {
            continue;
        }
        cases += 1;
        let description: Value =
            serde_json::from_slice(&fs::read(case.join("case.json")).unwrap()).unwrap();
        let number = |name: &str, standard: u64| {
            description["args"][name]
                .as_u64()
                .unwrap_or(standard)
                .to_string()
        };
        let (J, L, order) = (number("J", 0), number("L", 8), number("max_order", 2));
        let input = case.join("input.npy");
        let expected = array(case.join("output.npy"));
        for (precision, tolerance) in [("f32", 3e-6), ("f64", 5e-7)] {
            let mut args = vec![
                "image",
                input.to_str().unwrap(),
                "-o",
                "s.npy",
                "--precision",
                precision,
            ];
            args.extend(["-J", &J, "-L", &L, "--order", &order]);
            if description["args"]["pre_pad"] == true {
                args.push("--pre-pad");
            }
            ok(folder.path(), &args);
            let got = array(folder.path().join("s.npy"));
            assert_eq!(got.shape(), expected.shape(), "{}", case.display());
            let axis = Axis(got.ndim() - 3);
            let orders: Vec<usize> = description["paths"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| p["j"].as_array().unwrap().len())
                .collect();
            for order in 0..=2 {
                let rows: Vec<usize> = (0..orders.len())
                    .filter(|&row| orders[row] == order)
                    .collect();
                let scale = (std::f64::consts::PI / 3.1415).powi(order as i32 + 1);
                let error = relative_error(
                    got.select(axis, &rows) * scale,
                    expected.select(axis, &rows),
                );
                assert!(
                    error <= tolerance,
                    "{} {precision} order {order}: {error:e}",
                    case.display()
                );
            }
        }
    }
    assert!(cases >= 8);
}

#[test]
fn an_npz_holds_everything_in_one_file() {
    let folder = gallery([24, 16]);
    ok(
        folder.path(),
        &[
            "image", "in", "-J", "2", "-L", "2", "-o", "out.npz", "--color", "rgb", "--log",
        ],
    );
    assert_eq!(products(folder.path()), ["out.npz"]);
    let mut npz = archive(folder.path().join("out.npz"));
    let features = entry(&mut npz, "features");
    assert_eq!(features.shape(), [3, 3, 9, 6, 4]);
    let features = features.into_vec::<f32>().unwrap();
    assert_eq!(
        entry(&mut npz, "path_j").into_vec::<i64>().unwrap()[..6],
        [-1, -1, 0, -1, 0, -1]
    );
    assert_eq!(entry(&mut npz, "inputs").shape(), [3]);
    assert_eq!(entry(&mut npz, "version").shape(), [0; 0]);
    assert_eq!(entry(&mut npz, "parameters").shape(), [0; 0]);

    let plan = Scattering2d::params([24, 16], 2)
        .L(2)
        .plan::<f32>()
        .unwrap();
    let options = ImageOptions {
        color: Color::Rgb,
        ..ImageOptions::default()
    };
    let image = io::read_image::<f32>(folder.path().join("in/a.png"), &options).unwrap();
    let expected = plan.transform(&image).unwrap().log(1e-6).unwrap();
    assert_eq!(
        features[..expected.array().len()],
        *expected.array().as_slice().unwrap()
    );
}

#[test]
fn moduli_without_averages_have_one_array_a_path() {
    let folder = gallery([20, 24]);
    ok(
        folder.path(),
        &[
            "image",
            "in",
            "-J",
            "2",
            "-L",
            "2",
            "-o",
            "out.npz",
            "--average",
            "none",
            "--color",
            "rgb",
        ],
    );
    let mut npz = archive(folder.path().join("out.npz"));
    let plan = Scattering2d::params([20, 24], 2)
        .L(2)
        .average(Average::None)
        .plan::<f32>()
        .unwrap();
    let options = ImageOptions {
        color: Color::Rgb,
        ..ImageOptions::default()
    };
    let names = ["in/a.png", "in/b.png", "in/sub/c.png"].map(|name| folder.path().join(name));
    let images: Vec<Array3<f32>> = names
        .iter()
        .map(|path| io::read_image(path, &options).unwrap())
        .collect();
    for row in 0..plan.paths().len() {
        let stored = entry(&mut npz, &plan.paths().name(row));
        let &[height, width] = plan.path_shape(row) else {
            unreachable!("images have rows and columns")
        };
        assert_eq!(stored.shape(), [3, 3, height as u64, width as u64]);
        let expected: Vec<f32> = images
            .iter()
            .flat_map(|image| {
                plan.transform(image)
                    .unwrap()
                    .path(row)
                    .iter()
                    .copied()
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(stored.into_vec::<f32>().unwrap(), expected, "row {row}");
    }
    let message = fails(
        folder.path(),
        &[
            "image",
            "in",
            "-J",
            "2",
            "-o",
            "out.npy",
            "--average",
            "none",
        ],
    );
    assert!(
        message.contains("write .npz") && message.contains("--oversampling 1"),
        "{message}"
    );
    ok(
        folder.path(),
        &[
            "image",
            "in",
            "-J",
            "2",
            "-o",
            "out.npy",
            "--average",
            "none",
            "--oversampling",
            "1",
        ],
    );
    assert_eq!(
        array(folder.path().join("out.npy")).shape(),
        [3, 81, 20, 24]
    );
}

#[test]
fn a_spreadsheet_has_one_row_an_input_and_a_column_a_number() {
    let folder = gallery([16, 16]);
    let read = || fs::read_to_string(folder.path().join("out.csv")).unwrap();
    ok(
        folder.path(),
        &[
            "image",
            "in",
            "-J",
            "2",
            "-L",
            "2",
            "-o",
            "out.csv",
            "--average",
            "global",
        ],
    );
    let text = read();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines[0][..3], ["input", "S", "S_j0t0"]);
    assert_eq!(
        (lines.len(), lines[0].len(), lines[1].len(), lines[1][0]),
        (4, 10, 10, "in/a.png")
    );
    ok(
        folder.path(),
        &[
            "image", "in", "-J", "2", "-L", "2", "-o", "out.csv", "--color", "rgb",
        ],
    );
    let header = read().lines().next().unwrap().to_string();
    assert!(
        header.starts_with("input,red_S_y0x0,red_S_y0x1,"),
        "{header}"
    );
    assert_eq!(header.split(',').count(), 1 + 3 * 9 * 16);
    assert_eq!(
        products(folder.path()),
        ["out.csv", "out.inputs.csv", "out.json", "out.paths.csv"]
    );
}

#[test]
fn an_array_keeps_its_leading_axes() {
    let folder = tempfile::tempdir().unwrap();
    let x = ArrayD::from_shape_fn(vec![2, 3, 16, 20], |i| {
        ((i[0] + i[1] * i[2]) as f64).sin() + i[3] as f64
    });
    write_array(folder.path().join("x.npy"), &x);
    ok(
        folder.path(),
        &[
            "image",
            "x.npy",
            "-J",
            "2",
            "-o",
            "out.npy",
            "--precision",
            "f64",
        ],
    );
    let expected = Scattering2d::params([16, 20], 2)
        .plan::<f64>()
        .unwrap()
        .transform(&x)
        .unwrap();
    assert_eq!(array(folder.path().join("out.npy")), expected.array());
    let inputs = fs::read_to_string(folder.path().join("out.inputs.csv")).unwrap();
    assert!(inputs.contains("\n5,\"x.npy[1, 2]\",\n"), "{inputs}");
    // one image: no leading axis at all; two files: one more
    write_array(
        folder.path().join("one.npy"),
        &x.slice(ndarray::s![0, 0, .., ..]).to_owned().into_dyn(),
    );
    ok(
        folder.path(),
        &["image", "one.npy", "-J", "2", "-o", "out.npy"],
    );
    assert_eq!(array(folder.path().join("out.npy")).shape(), [81, 4, 5]);
    ok(
        folder.path(),
        &["image", "x.npy", "x.npy", "-J", "2", "-o", "out.npy"],
    );
    assert_eq!(
        array(folder.path().join("out.npy")).shape(),
        [2, 2, 3, 81, 4, 5]
    );
}

#[test]
fn sizes_are_brought_together_on_request_only() {
    let folder = gallery([24, 24]);
    picture(folder.path().join("in/d.png"), [24, 30], 5);
    let message = fails(folder.path(), &["image", "in", "-J", "2", "-o", "out.npy"]);
    assert!(
        message.contains("24 x 24") && message.contains("24 x 30") && message.contains("--resize"),
        "{message}"
    );
    assert!(message.contains("d.png"), "{message}");
    assert!(products(folder.path()).is_empty());
    ok(
        folder.path(),
        &[
            "image", "in", "-J", "2", "-o", "out.npy", "--resize", "16x20",
        ],
    );
    assert_eq!(array(folder.path().join("out.npy")).shape(), [4, 81, 4, 5]);
}

#[test]
fn a_corrupt_image_ends_the_run_or_is_skipped_on_request() {
    let folder = gallery([24, 24]);
    fs::write(
        folder.path().join("in/aa.png"),
        b"\x89PNG\r\n\x1a\nand nothing more",
    )
    .unwrap();
    let message = fails(folder.path(), &["image", "in", "-J", "2", "-o", "out.npy"]);
    assert!(
        message.contains("in/aa.png") && message.contains("--keep-going"),
        "{message}"
    );
    assert!(products(folder.path()).is_empty());

    let message = fails(
        folder.path(),
        &["image", "in", "-J", "2", "-o", "out.npy", "--keep-going"],
    );
    assert!(
        message.contains("skipped in/aa.png") && message.contains("1 of 4 inputs"),
        "{message}"
    );
    assert_eq!(array(folder.path().join("out.npy")).shape(), [3, 81, 6, 6]);
    let inputs = fs::read_to_string(folder.path().join("out.inputs.csv")).unwrap();
    assert!(
        inputs.starts_with(
            "row,input,skipped\n0,in/a.png,\n1,in/b.png,\n2,in/sub/c.png,\n,in/aa.png,"
        ),
        "{inputs}"
    );

    let alone = tempfile::tempdir().unwrap();
    fs::write(alone.path().join("bad.jpg"), b"nothing").unwrap();
    let message = fails(
        alone.path(),
        &["image", "bad.jpg", "-o", "out.npy", "--keep-going"],
    );
    assert!(message.contains("bad.jpg"), "{message}");
}

#[test]
fn every_mistake_gets_an_answer_that_names_the_way_out() {
    let folder = gallery([24, 20]);
    let path = folder.path();
    fs::create_dir(path.join("in/empty")).unwrap();
    fs::create_dir(path.join("in/taken.json")).unwrap();
    fs::create_dir(path.join("arrays")).unwrap();
    write_array(path.join("x.npy"), &ArrayD::zeros(vec![2, 24, 20]));
    let mut nan = ArrayD::zeros(vec![3, 8, 8]);
    nan[[1, 2, 5]] = f64::NAN;
    write_array(path.join("arrays/nan.npy"), &nan);
    write_array(path.join("arrays/none.npy"), &ArrayD::zeros(vec![0, 8, 8]));
    write_array(path.join("arrays/line.npy"), &ArrayD::zeros(vec![8]));
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/npy");
    for name in ["complex.npy", "object.npy"] {
        fs::copy(data.join(name), path.join("arrays").join(name)).unwrap();
    }

    for (args, words) in [
        (
            "image in -o missing/out.npy",
            &["missing", "does not exist", "never created"][..],
        ),
        ("image in -o out.mat", &["out.mat", ".npy, .npz or .csv"]),
        ("image in -o out", &["must end in .npy"]),
        ("image x.npy -J 2 -o x.npy", &["x.npy is an input too"]),
        (
            "image x.npy -J 2 -L 16 --order 3 --oversampling 9 -o out.npy",
            &["oversampling = 9"],
        ),
        ("filters -o out.jpg", &["out.jpg", "must end in .png"]),
        ("disk in/a.png -o in/a.png", &["in/a.png is an input too"]),
        (
            "disk in/a.png -o missing/out.png",
            &["missing", "does not exist"],
        ),
        ("image in -o in/taken.npy", &["taken.json", "is a folder"]),
        (
            "image nowhere -o out.npy",
            &["cannot read nowhere: ", "(os error"],
        ),
        ("image in/empty -o out.npy", &["in/empty", "no image"]),
        ("image in/notes.txt -o out.npy", &["in/notes.txt"]),
        ("image in -J 0 -o out.npy", &["J = 0", "1 to"]),
        ("image in -L 0 -o out.npy", &["L = 0", "at least one"]),
        (
            "image in -J 5 -o out.npy",
            &["J = 5", "32", "axis 0", "24", "J <= 4"],
        ),
        ("image in -J 400 -o out.npy", &["J = 400", "J <= 4"]),
        (
            "image in -J 3 --padding periodic -o out.npy",
            &[
                "periodic",
                "multiples of 2^J = 8",
                "20",
                "axis 1",
                "crop to 16",
            ],
        ),
        (
            "image in -J 2 --pre-pad --padding zero -o out.npy",
            &["cannot be used with"],
        ),
        ("image in -J 4 --pre-pad -o out.npy", &["48", "24"]),
        (
            "image in -J 2 --oversampling 3 -o out.npy",
            &["oversampling = 3", "at most J = 2"],
        ),
        ("image in --threads 0 -o out.npy", &["--threads"]),
        ("image in --resize 12 -o out.npy", &["height and a width"]),
        ("image in --resize 0x8 -o out.npy", &["height and a width"]),
        (
            "image x.npy --color rgb -o out.npy",
            &["color", "image files"],
        ),
        ("image x.npy in -o out.npy", &["mixed"]),
        (
            "image x.npy arrays/nan.npy -o out.npy",
            &["differ in size", "8 x 8", "24 x 20"],
        ),
        (
            "image arrays/nan.npy -J 2 -o out.npy",
            &["arrays/nan.npy[1]", "NaN", "[2, 5]"],
        ),
        (
            "image arrays/none.npy -J 2 -o out.npy",
            &["arrays/none.npy", "[0, 8, 8]"],
        ),
        (
            "image arrays/line.npy -J 2 -o out.npy",
            &["arrays/line.npy", "2 axes"],
        ),
        ("image arrays/complex.npy -J 2 -o out.npy", &["complex"]),
        ("image arrays/object.npy -J 2 -o out.npy", &["object"]),
        ("image -o out.npy", &["INPUT"]),
        ("filters -J 2 -L 0 -o out.png", &["L = 0"]),
        ("filters --size 8 -o out.png", &["height and a width"]),
        ("filters -o missing/out.png", &["missing", "does not exist"]),
        ("disk nowhere.png -o out.png", &["nowhere.png"]),
        ("disk in/a.png -J 7 -o out.png", &["J = 7", "J <= 4"]),
        (
            "explain --size 4000000x4000000",
            &["need", "this machine has"],
        ),
        (
            "explain --size 2x99999999999999",
            &["need", "this machine has"],
        ),
        (
            "explain -J 12 -L 100 --order 9 --size 4096x4096",
            &["need", "this machine has"],
        ),
        ("unknown", &["unrecognized subcommand"]),
    ] {
        let message = fails(path, &args.split(' ').collect::<Vec<_>>());
        for word in words {
            assert!(
                message.contains(word),
                "`{args}` says nothing of `{word}`:\n{message}"
            );
        }
        assert!(
            message.matches("(os error").count() <= 1,
            "`{args}` tells a cause twice:\n{message}"
        );
        assert!(
            products(path).is_empty(),
            "`{args}` left {:?}",
            products(path)
        );
    }
}

#[test]
fn pictures_are_drawn_and_designs_explained() {
    let folder = gallery([48, 40]);
    for show in ["space", "fourier", "phase", "lp"] {
        ok(
            folder.path(),
            &[
                "filters", "-J", "2", "-L", "4", "--size", "32x24", "--show", show, "-o", "out.png",
            ],
        );
        let sheet =
            io::read_image::<f32>(folder.path().join("out.png"), &ImageOptions::default()).unwrap();
        assert!(sheet.len() > 10_000, "{show}: {:?}", sheet.shape());
    }
    ok(
        folder.path(),
        &["disk", "in/a.png", "-J", "3", "-L", "6", "-o", "disk.png"],
    );
    assert!(folder.path().join("disk.png").exists());
    let design = ok(
        folder.path(),
        &["explain", "-J", "3", "-L", "8", "--size", "256x256"],
    );
    for word in [
        "272 x 272",
        "[217, 32, 32]",
        "24 of order 1",
        "192 of order 2",
        "A = 0.1230, B = 1.0198",
        "MB",
    ] {
        assert!(design.contains(word), "no `{word}` in\n{design}");
    }
}

#[test]
fn the_bench_prints_a_line_a_workload_and_the_same_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let message = fails(
        folder.path(),
        &["bench", "--quick", "--json", "no/speed.json"],
    );
    assert!(message.contains("folder does not exist"), "{message}");

    let printed = ok(
        folder.path(),
        &["bench", "--quick", "--threads", "1", "--json", "speed.json"],
    );
    let isa = Isa::from_env().unwrap().unwrap_or_else(Isa::best);
    let head = printed.lines().next().unwrap();
    assert!(
        head.contains(&format!("{isa}, float32, threads: 1")),
        "{head}"
    );
    let speed: Value =
        serde_json::from_slice(&fs::read(folder.path().join("speed.json")).unwrap()).unwrap();
    let rows = speed["workloads"].as_array().unwrap();
    assert_eq!(rows.len(), 19);
    assert_eq!(printed.lines().count(), 2 + rows.len(), "{printed}");
    for (line, row) in printed.lines().skip(2).zip(rows) {
        assert!(
            line.starts_with(row["workload"].as_str().unwrap()),
            "{line}"
        );
        assert!(row["ms_per_image"].as_f64().unwrap() > 0.0, "{row}");
    }
}

#[test]
fn an_instruction_set_can_be_named_and_gives_the_same_features() {
    let folder = gallery([33, 40]);
    let run = |isa: &str, out: &str| {
        command(folder.path())
            .args(["image", "in/a.png", "-J", "2", "-o", out])
            .env("WAVELET_SCATTERING_ISA", isa)
            .output()
            .unwrap()
    };
    let refused = run("nonsense", "out.npy");
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success());
    for isa in Isa::ALL {
        assert!(message.contains(isa.name()), "no {isa} in {message}");
    }
    assert!(products(folder.path()).is_empty());

    assert!(run("", "best.npy").status.success());
    assert!(run("portable", "portable.npy").status.success());
    let [best, portable] = ["best.npy", "portable.npy"].map(|out| array(folder.path().join(out)));
    let error = relative_error(portable.iter().copied(), best.iter().copied());
    // Sums in another order: a few roundings of single precision, 6e-8 each.
    assert!(error < 1e-6, "{error:e}");
}

/// Runs with a reader of standard output that has gone before anything is printed; returns standard error.
fn unheard(folder: &Path, args: &[&str]) -> (bool, String) {
    let mut child = command(folder)
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    (output.status.success(), stderr)
}

#[test]
fn a_reader_of_standard_output_may_go_at_any_time() {
    let folder = gallery([24, 24]);
    let path = folder.path();
    for args in [
        "image in -J 2 -o out.npy",
        "disk in/a.png -o disk.png",
        "filters -J 2 --size 32x32 -o bank.png",
        "explain -J 2 --size 32x32",
        "bench --quick --threads 1",
        "help image",
    ] {
        let (success, stderr) = unheard(path, &args.split(' ').collect::<Vec<_>>());
        assert!(success && stderr.is_empty(), "{args}: {stderr}");
    }
    for name in ["out.npy", "out.inputs.csv", "disk.png", "bank.png"] {
        assert!(path.join(name).exists(), "no {name}");
    }

    fs::write(path.join("in/broken.png"), "no picture").unwrap();
    let (success, stderr) = unheard(
        path,
        &["image", "in", "-J", "2", "--keep-going", "-o", "out.npy"],
    );
    assert!(
        !success && stderr.contains("skipped in/broken.png"),
        "{stderr}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_standard_output_is_a_failure() {
    let folder = gallery([24, 24]);
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = command(folder.path())
        .args(["explain", "-J", "2", "--size", "32x32"])
        .stdout(full)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(
        stderr.starts_with("scatter: cannot write to standard output: No space"),
        "{stderr}"
    );
}

#[test]
fn names_that_are_too_long_are_refused_before_the_work() {
    let folder = gallery([24, 24]);
    // The array itself could be written, the table of inputs beside it could not.
    let out = format!("{}.npy", "o".repeat(245));
    let message = fails(folder.path(), &["image", "in", "-J", "2", "-o", &out]);
    assert!(
        message.contains("inputs.csv: ") && message.contains("too long"),
        "{message}"
    );
    assert!(products(folder.path()).is_empty());
    let out = format!("{}.npy", "o".repeat(244));
    ok(folder.path(), &["image", "in", "-J", "2", "-o", &out]);
    assert_eq!(products(folder.path()).len(), 4);
}

#[cfg(unix)]
#[test]
fn what_the_disk_has_no_room_for_is_refused_before_the_work() {
    let folder = tempfile::tempdir().unwrap();
    // A terabyte of pixels of which nothing is stored: 2^24 images of 256 x 256.
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (16777216, 256, 256), }";
    let mut header = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    header.extend(format!("{text:117}\n").bytes());
    let file = fs::File::create(folder.path().join("x.npy")).unwrap();
    (&file).write_all(&header).unwrap();
    if file.set_len(header.len() as u64 + (1 << 40)).is_err() {
        return; // a file system that cannot leave out zeros
    }
    for (out, room) in [
        ("out.npy", "14.9 TB"),
        ("out.npz", "29.8 TB"),
        ("out.csv", "14.9 TB"),
    ] {
        let message = fails(folder.path(), &["image", "x.npy", "-J", "3", "-o", out]);
        assert!(
            message.contains(out) && message.contains(&format!("need {room}")),
            "{message}"
        );
        assert!(products(folder.path()).is_empty());
    }
}

/// What `--keep-going` says and leaves, having written `rows` rows.
fn keeps_going(folder: &Path, inputs: &[&str], rows: usize) -> (String, String) {
    let args = ["-J", "2", "-L", "2", "-o", "out.npy", "--keep-going"];
    let message = fails(folder, &[&["image"], inputs, &args].concat());
    assert_eq!(array(folder.join("out.npy")).shape()[0], rows, "{message}");
    let table = fs::read_to_string(folder.join("out.inputs.csv")).unwrap();
    for name in ["out.npy", "out.inputs.csv", "out.paths.csv", "out.json"] {
        fs::remove_file(folder.join(name)).unwrap();
    }
    (message, table)
}

#[test]
fn keeping_going_passes_every_fault_of_a_single_input() {
    let folder = gallery([24, 24]);
    let path = folder.path();
    // The first one is the odd one.
    picture(path.join("in/_odd.png"), [24, 30], 5);
    let (message, table) = keeps_going(path, &["in"], 3);
    assert!(
        message.contains("skipped in/_odd.png: it is 24 x 30, where most images are 24 x 24")
            && message.contains("1 of 4 inputs were skipped"),
        "{message}"
    );
    assert!(
        table.starts_with("row,input,skipped\n0,in/a.png,\n"),
        "{table}"
    );
    assert!(table.contains("\n,in/_odd.png,\"it is 24 x 30,"), "{table}");

    let (message, _) = keeps_going(
        path,
        &["nowhere.png", "in/a.png", "in/notes.txt", "in/b.png"],
        2,
    );
    assert!(
        message.contains("skipped nowhere.png: cannot read nowhere.png"),
        "{message}"
    );
    assert!(message.contains("skipped in/notes.txt: "), "{message}");
    assert!(message.contains("2 of 4 inputs were skipped"), "{message}");

    let bytes = fs::read(path.join("in/a.png")).unwrap();
    fs::write(path.join("in/cut.png"), &bytes[..bytes.len() / 2]).unwrap();
    let (message, _) = keeps_going(path, &["in"], 3);
    assert!(message.contains("skipped in/cut.png: "), "{message}");
    assert!(message.contains("2 of 5 inputs were skipped"), "{message}");
}

#[cfg(unix)]
#[test]
fn keeping_going_passes_a_link_to_nowhere() {
    let folder = gallery([24, 24]);
    std::os::unix::fs::symlink("gone.png", folder.path().join("in/link.png")).unwrap();
    let message = fails(folder.path(), &["image", "in", "-J", "2", "-o", "out.npy"]);
    assert!(message.contains("in/link.png"), "{message}");
    let (message, _) = keeps_going(folder.path(), &["in"], 3);
    assert!(message.contains("skipped in/link.png: "), "{message}");
    assert!(message.contains("1 of 4 inputs were skipped"), "{message}");
}

#[test]
fn keeping_going_passes_arrays_of_another_size_and_what_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let x = |shape: [usize; 3]| {
        ArrayD::from_shape_fn(shape.to_vec(), |i| ((i[0] + i[1] * i[2]) as f64).sin())
    };
    write_array(path.join("x.npy"), &x([3, 16, 16]));
    write_array(path.join("in.npy"), &x([2, 16, 20]));
    let message = fails(
        path,
        &["image", "x.npy", "in.npy", "-J", "2", "-o", "out.npy"],
    );
    assert!(
        message.contains("most are 16 x 16, in.npy[0] is 16 x 20, and 1 more differ"),
        "{message}"
    );
    let (message, table) = keeps_going(path, &["x.npy", "in.npy"], 3);
    assert!(
        message.contains("skipped in.npy[1]: it is 16 x 20"),
        "{message}"
    );
    assert!(message.contains("2 of 5 inputs were skipped"), "{message}");
    assert!(table.contains("\n2,x.npy[2],\n"), "{table}");
}

#[test]
fn what_systems_leave_in_folders_is_left_out_and_counted() {
    let folder = gallery([24, 24]);
    let path = folder.path();
    fs::write(path.join("in/._a.png"), "a fork of a file").unwrap();
    fs::create_dir(path.join("in/.ipynb_checkpoints")).unwrap();
    fs::copy(
        path.join("in/a.png"),
        path.join("in/.ipynb_checkpoints/a-checkpoint.png"),
    )
    .unwrap();
    fs::write(path.join("in/.DS_Store"), "no input by its name").unwrap();
    let printed = ok(path, &["image", "in", "-J", "2", "-o", "out.npy"]);
    assert!(printed.contains("3 images in"), "{printed}");
    assert!(printed.contains("2 files are left out"), "{printed}");
    let json: Value = serde_json::from_slice(&fs::read(path.join("out.json")).unwrap()).unwrap();
    assert_eq!(json["left_out"], 2);
}

#[test]
fn channels_in_the_last_place_are_recognised_or_taken_for_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let x = ArrayD::from_shape_fn(vec![2, 16, 20, 3], |i| {
        ((i[0] + i[1] * i[2]) as f64).sin() + i[3] as f64
    });
    write_array(path.join("x.npy"), &x);
    let message = fails(path, &["image", "x.npy", "-J", "2", "-o", "out.npy"]);
    for part in ["[2, 16, 20, 3]", "--channels-last", "got 3"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(products(path).is_empty());
    let args = [
        "image",
        "x.npy",
        "-J",
        "2",
        "--channels-last",
        "--precision",
        "f64",
    ];
    ok(path, &[&args[..], &["-o", "out.npy"]].concat());
    let first = x
        .permuted_axes(vec![0, 3, 1, 2])
        .as_standard_layout()
        .into_owned();
    let plan = Scattering2d::params([16, 20], 2).plan::<f64>().unwrap();
    let expected = plan.transform(&first).unwrap();
    assert_eq!(array(path.join("out.npy")), expected.array());
}

#[test]
fn nans_are_refused_with_their_place_unless_something_takes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut x = ArrayD::from_shape_fn(vec![2, 16, 16], |i| (i[0] + i[1] * i[2]) as f64 / 100.0);
    x[[1, 2, 5]] = f64::NAN;
    write_array(path.join("x.npy"), &x);
    let args = [
        "image",
        "x.npy",
        "-J",
        "2",
        "--precision",
        "f64",
        "-o",
        "out.npy",
    ];
    let message = fails(path, &args);
    for part in ["x.npy[1]", "[2, 5]", "--nan mean"] {
        assert!(message.contains(part), "{message}");
    }
    let plan = Scattering2d::params([16, 16], 2).plan::<f64>().unwrap();
    let second = x.slice(ndarray::s![1, .., ..]).to_owned();
    let mean = second.iter().filter(|v| v.is_finite()).sum::<f64>() / 255.0;
    for (policy, value) in [("zero", 0.0), ("mean", mean)] {
        ok(path, &[&args[..], &["--nan", policy]].concat());
        x[[1, 2, 5]] = value;
        let expected = plan.transform(&x).unwrap();
        let error = relative_error(array(path.join("out.npy")), expected.array().clone());
        assert!(error < 1e-12, "{policy}: {error:e}");
    }
}

/// The arrays `x.npy` and `y.npy` of a folder in an archive, as NumPy would save them.
fn archive_of(folder: &Path, names: &[&str]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(folder.join("data.npz")).unwrap());
    for name in names {
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(&fs::read(folder.join(name).with_extension("npy")).unwrap())
            .unwrap();
    }
    zip.finish().unwrap();
}

#[test]
fn archives_are_inputs_and_so_is_one_array_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let x = ArrayD::from_shape_fn(vec![3, 16, 20], |i| ((i[0] + i[1] * i[2]) as f64).sin());
    write_array(path.join("x.npy"), &x);
    write_array(path.join("y.npy"), &(x.clone() * 2.0));
    let features = |input: &str| {
        ok(path, &["image", input, "-J", "2", "-o", "out.npy"]);
        fs::read(path.join("out.npy")).unwrap()
    };
    let expected = ["x.npy", "y.npy"].map(features);
    archive_of(path, &["x"]);
    assert_eq!(features("data.npz"), expected[0]);
    archive_of(path, &["x", "y"]);
    let message = fails(path, &["image", "data.npz", "-J", "2", "-o", "other.npy"]);
    assert!(message.contains('x') && message.contains('y'), "{message}");
    assert_eq!(features("data.npz:y"), expected[1]);
    let inputs = fs::read_to_string(path.join("out.inputs.csv")).unwrap();
    assert!(inputs.contains("data.npz:y[2]"), "{inputs}");
    let message = fails(path, &["image", "data.npz:z", "-J", "2", "-o", "other.npy"]);
    assert!(
        message.contains("data.npz") && message.contains('z'),
        "{message}"
    );
}

#[test]
fn a_folder_of_arrays_is_a_folder_of_inputs_and_the_output_is_none_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("in")).unwrap();
    for k in 0..3 {
        let x = ArrayD::from_shape_fn(vec![16, 16], |i| ((k + i[0] * i[1]) as f64).sin());
        write_array(path.join(format!("in/{k}.npy")), &x);
    }
    ok(path, &["image", "in", "-J", "2", "-o", "out.npy"]);
    assert_eq!(array(path.join("out.npy")).shape(), [3, 81, 4, 4]);
    let message = fails(path, &["image", "in", "-J", "2", "-o", "in/1.npy"]);
    assert!(message.contains("in/1.npy is an input too"), "{message}");
    assert_eq!(array(path.join("in/1.npy")).shape(), [16, 16]);
}

/// Inputs of `tests/data/inputs`, beside the arrays that other programs read from them.
fn input(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/inputs");
    folder.join(name).to_str().unwrap().to_string()
}

/// Features of an input in double precision, and the table of what became a row.
fn features_of(folder: &Path, args: &[&str]) -> (ArrayD<f64>, String) {
    let common = [
        "image",
        "-J",
        "1",
        "-L",
        "2",
        "--precision",
        "f64",
        "-o",
        "out.npy",
    ];
    ok(folder, &[&common[..], args].concat());
    let inputs = fs::read_to_string(folder.join("out.inputs.csv")).unwrap();
    (array(folder.join("out.npy")), inputs)
}

#[test]
fn every_image_of_a_file_is_one_and_pages_chooses_among_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for (name, expected, first) in [
        ("pages.tif", "pages", "pages.tif#1,"),
        ("cube.fits", "cube", "cube.fits"),
        ("extensions.fits", "extensions", "extensions.fits"),
        ("one.npz", "one", "one.npz"),
        ("one_compressed.npz", "one_compressed", "one_compressed.npz"),
    ] {
        let (expected, _) = features_of(path, &[&input(&format!("{expected}.expected.npy"))]);
        let (got, inputs) = features_of(path, &[&input(name)]);
        let count = inputs.lines().count() - 1;
        let rows = |x: &ArrayD<f64>| x.iter().copied().collect::<Vec<_>>();
        assert_eq!(rows(&got), rows(&expected), "{name}");
        assert!(
            count > 1 && inputs.lines().nth(1).unwrap().contains(first),
            "{inputs}"
        );
    }
    let file = input("pages.tif");
    let (all, _) = features_of(path, &[&file]);
    for (pages, rows) in [("first", 0..1), ("2", 1..2), ("2-3", 1..3), ("all", 0..3)] {
        let (got, inputs) = features_of(path, &[&file, "--pages", pages]);
        let expected = all.slice_axis(Axis(0), rows.clone().into());
        assert_eq!(got, expected, "{pages}");
        assert!(
            inputs.contains(&format!("pages.tif#{},", rows.start + 1)),
            "{inputs}"
        );
    }
    let (got, _) = features_of(path, &[&format!("{file}#3")]);
    assert_eq!(got, all.slice_axis(Axis(0), (2..3).into()));
    let message = fails(
        path,
        &[
            "image",
            &file,
            "--pages",
            "3-9",
            "-J",
            "1",
            "-o",
            "other.npy",
        ],
    );
    assert!(
        message.contains("3-9") && message.contains("it holds 3"),
        "{message}"
    );
    let message = fails(
        path,
        &["image", &file, "--pages", "0", "-J", "1", "-o", "other.npy"],
    );
    assert!(message.contains("2-5"), "{message}");
    let message = fails(path, &["disk", &file, "-J", "1", "-o", "disk.png"]);
    assert!(
        message.contains("3 images") && message.contains("--pages"),
        "{message}"
    );
    ok(
        path,
        &["disk", &file, "--pages", "2", "-J", "1", "-o", "disk.png"],
    );
}

#[test]
fn counts_are_taken_as_they_are_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let file = input("camera_12_bits.png");
    let [raw, unit] =
        ["raw", "unit"].map(|values| features_of(folder.path(), &[&file, "--values", values]).0);
    assert!(relative_error(raw, unit * 65535.0) < 1e-12);
}

#[test]
fn blanks_of_a_telescope_are_refused_or_filled() {
    let folder = tempfile::tempdir().unwrap();
    let file = input("scaled_blank.fits");
    let message = fails(folder.path(), &["image", &file, "-J", "1", "-o", "out.npy"]);
    assert!(
        message.contains("NaN") && message.contains("--nan mean"),
        "{message}"
    );
    let [mean, zero] =
        ["mean", "zero"].map(|nan| features_of(folder.path(), &[&file, "--nan", nan]).0);
    assert!(mean.iter().chain(&zero).all(|value| value.is_finite()) && mean != zero);
}

/// An image on standard input, which must not depend on its name.
fn piped(folder: &Path, args: &[&str], from: &str) -> String {
    let output = command(folder)
        .args(args)
        .stdin(fs::File::open(folder.join(from)).unwrap())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn standard_input_is_read_by_its_content() {
    let folder = gallery([24, 24]);
    let path = folder.path();
    let features = || fs::read(path.join("out.npy")).unwrap();
    ok(path, &["image", "in/a.png", "-J", "2", "-o", "out.npy"]);
    let expected = features();
    piped(
        path,
        &["image", "-", "-J", "2", "-o", "out.npy"],
        "in/a.png",
    );
    assert_eq!(features(), expected);
    piped(
        path,
        &["disk", "-", "-J", "2", "-o", "disk.png"],
        "in/a.png",
    );
    let disk = fs::read(path.join("disk.png")).unwrap();
    ok(path, &["disk", "in/a.png", "-J", "2", "-o", "disk.png"]);
    assert_eq!(fs::read(path.join("disk.png")).unwrap(), disk);

    let x = ArrayD::from_shape_fn(vec![2, 3, 16, 16], |i| ((i[0] + i[2] * i[3]) as f64).sin());
    write_array(path.join("x.npy"), &x);
    piped(path, &["image", "-", "-J", "2", "-o", "out.npy"], "x.npy");
    assert_eq!(array(path.join("out.npy")).shape(), [2, 3, 81, 4, 4]);

    let output = command(path)
        .args(["image", "-", "-J", "2", "-o", "other.npy"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        !output.status.success() && stderr.contains("standard input"),
        "{stderr}"
    );
}

#[cfg(unix)]
#[test]
fn pipes_with_names_are_read_by_their_content() {
    let folder = gallery([24, 24]);
    let path = folder.path();
    ok(
        path,
        &["image", "in/a.png", "in/b.png", "-J", "2", "-o", "out.npy"],
    );
    let expected = fs::read(path.join("out.npy")).unwrap();
    for name in ["p", "q"] {
        let made = Command::new("mkfifo")
            .arg(path.join(name))
            .status()
            .unwrap();
        assert!(made.success());
    }
    let writers = [("p", "in/a.png"), ("q", "in/b.png")].map(|(pipe, file)| {
        let [pipe, file] = [pipe, file].map(|name| path.join(name));
        std::thread::spawn(move || fs::write(pipe, fs::read(file).unwrap()).unwrap())
    });
    ok(path, &["image", "p", "q", "-J", "2", "-o", "out.npy"]);
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(fs::read(path.join("out.npy")).unwrap(), expected);

    let mut child = command(path)
        .args([
            "image",
            "/dev/stdin",
            "in/b.png",
            "-J",
            "2",
            "-o",
            "out.npy",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let bytes = fs::read(path.join("in/a.png")).unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read(path.join("out.npy")).unwrap(), expected);
}

#[cfg(unix)]
#[test]
fn more_arrays_than_a_process_may_open_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("in")).unwrap();
    for k in 0..150 {
        let x = ArrayD::from_shape_fn(vec![2, 8, 8], |i| ((k + i[0] + i[1] * i[2]) as f64).sin());
        write_array(path.join(format!("in/{k:03}.npy")), &x);
    }
    let script = format!(
        "ulimit -n 64; exec {} image in/*.npy -J 1 -L 2 -o out.npy",
        env!("CARGO_BIN_EXE_scatter")
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(path)
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert_eq!(array(path.join("out.npy")).shape(), [150, 2, 3, 4, 4]);
}

/// Starts a run that takes minutes, waits until it has written something beside OUT, and stops it.
#[cfg(unix)]
fn stop_in_mid_run(signal: &str) -> (TempDir, Child) {
    let folder = tempfile::tempdir().unwrap();
    let x = ArrayD::from_shape_fn(vec![400, 256, 256], |i| ((i[0] + i[1] * i[2]) as f64).sin());
    write_array(folder.path().join("x.npy"), &x);
    let mut child = command(folder.path())
        .args([
            "image",
            "x.npy",
            "-J",
            "4",
            "-o",
            "out.npy",
            "--threads",
            "1",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while products(folder.path()).is_empty() {
        assert!(start.elapsed() < Duration::from_secs(60) && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
    (folder, child)
}

#[cfg(unix)]
#[test]
fn a_run_that_is_interrupted_leaves_nothing_behind() {
    for signal in ["-INT", "-TERM"] {
        let (folder, child) = stop_in_mid_run(signal);
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(
            !output.status.success() && message.contains("interrupted; nothing was written"),
            "{message}"
        );
        assert!(
            products(folder.path()).is_empty(),
            "{:?}",
            products(folder.path())
        );
    }
}

#[cfg(unix)]
#[test]
fn a_run_that_is_killed_leaves_no_output_of_that_name() {
    let (folder, mut child) = stop_in_mid_run("-KILL");
    assert!(!child.wait().unwrap().success());
    let left = products(folder.path());
    assert!(
        left.iter()
            .all(|name| name.starts_with('.') && name.ends_with(".partial")),
        "{left:?}"
    );
}
