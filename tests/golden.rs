//! Kymatio's outputs, number for number: every folder of `tests/data` is a case, found by walking.
//!
//! Signals agree as they are; of images the one intended difference, Kymatio's 3.1415 for π, is divided out: see
//! `tests/data/README.md`.

#![allow(non_snake_case)]
#![allow(clippy::approx_constant)] // 3.1415 is what Kymatio has for pi

mod golden_data;

use std::f64::consts::PI;
use std::fs::File;
use std::path::Path;

use golden_data::{cases, read, read_npy};
use ndarray::Axis;
use serde_json::Value;
use wavelet_scattering::filters::FilterBank2d;
use wavelet_scattering::num::{Real, relative_error};
use wavelet_scattering::scattering::JointFormat;
use wavelet_scattering::signal::Padding;
use wavelet_scattering::{Average, Isa, JointScattering, PathTable, Scattering1d, Scattering2d};

/// By how much each of Kymatio's filters is larger.
const SCALE: f64 = PI / 3.1415;

/// Kymatio's path of a row as (j, theta) pairs.
fn key(path: &Value) -> Vec<(usize, usize)> {
    let numbers = |name: &str| -> Vec<usize> {
        path[name]
            .as_array()
            .unwrap()
            .iter()
            .map(|n| n.as_u64().unwrap() as usize)
            .collect()
    };
    numbers("j").into_iter().zip(numbers("theta")).collect()
}

/// Of an order, and of the worst path.
fn scattering_agrees<T: Real>(isa: Isa, tolerance: f64, of_path: f64) {
    let cases = cases("2d-");
    assert!(cases.len() >= 8, "only {} cases found", cases.len());
    for case in cases {
        let description: Value =
            serde_json::from_reader(File::open(case.join("case.json")).unwrap()).unwrap();
        let args = &description["args"];
        let number =
            |name: &str, standard: usize| args[name].as_u64().map_or(standard, |n| n as usize);
        let input = read_npy(case.join("input.npy"));
        let expected = read_npy(case.join("output.npy"));
        let shape = input.shape()[input.ndim() - 2..].try_into().unwrap();
        let pre_padded = args["pre_pad"].as_bool().unwrap_or(false);
        let plan = Scattering2d::params(shape, number("J", 0))
            .L(number("L", 8))
            .max_order(number("max_order", 2))
            .isa(isa)
            .padding(if pre_padded {
                Padding::PrePadded
            } else {
                Padding::Reflect
            })
            .plan::<T>()
            .unwrap();
        let features = plan.transform(&input.mapv(T::narrow)).unwrap();
        assert_eq!(
            features.array().shape(),
            expected.shape(),
            "{}",
            case.display()
        );

        let paths: &PathTable<_> = plan.paths();
        for (row, path) in description["paths"].as_array().unwrap().iter().enumerate() {
            assert_eq!(
                paths.row(&key(path)),
                Some(row),
                "{}: row {row}",
                case.display()
            );
        }
        let axis = Axis(expected.ndim() - 3);
        for order in 0..=paths.max_order() {
            let rows: Vec<usize> = paths.rows_of_order(order).collect();
            let got = features
                .array()
                .select(axis, &rows)
                .mapv(|s| s.widen() * SCALE.powi(order as i32 + 1));
            let error = relative_error(got, expected.select(axis, &rows));
            println!(
                "{} {} {isa} order {order}: {error:.1e}",
                case.file_name().unwrap().display(),
                T::NAME
            );
            assert!(
                error <= tolerance,
                "{}, {isa}, order {order}: {error:e}",
                case.display()
            );
            for row in rows {
                let got = features.array().index_axis(axis, row);
                let got = got.mapv(|s| s.widen() * SCALE.powi(order as i32 + 1));
                let expected = expected.index_axis(axis, row);
                let error = relative_error(got, expected.iter().copied());
                let path = paths[row].lambdas.to_vec();
                assert!(
                    error <= of_path,
                    "{}, {isa}, {path:?}: {error:e}",
                    case.display()
                );
            }
        }
    }
}

#[test]
fn features_are_kymatios_in_double_precision_on_every_instruction_set() {
    for isa in Isa::available() {
        // Kymatio's filters are rounded to 32 bits, which shows in paths of little energy
        scattering_agrees::<f64>(isa, 5e-7, 5e-6);
    }
}

#[test]
fn features_are_kymatios_in_single_precision_on_every_instruction_set() {
    for isa in Isa::available() {
        scattering_agrees::<f32>(isa, 3e-6, 5e-6);
    }
}

/// Numbers of a list in a case file.
fn numbers(list: &Value) -> Vec<usize> {
    let list = list.as_array().into_iter().flatten();
    list.map(|n| n.as_u64().unwrap() as usize).collect()
}

/// Of an order, and of the worst path.
fn scattering_of_signals_agrees<T: Real>(isa: Isa, tolerance: f64, of_path: f64) {
    let cases = cases("1d-");
    assert!(cases.len() >= 6, "only {} cases found", cases.len());
    for case in cases {
        let description: Value =
            serde_json::from_reader(File::open(case.join("case.json")).unwrap()).unwrap();
        let args = &description["args"];
        let Q = match &args["Q"] {
            Value::Number(Q) => vec![Q.as_u64().unwrap() as usize],
            list => numbers(list),
        };
        let input = read_npy(case.join("input.npy"));
        let mut expected = read_npy(case.join("output.npy"));
        let len = input.shape()[input.ndim() - 1];
        let mut params = Scattering1d::params(len, args["J"].as_u64().unwrap() as usize)
            .Q(Q)
            .max_order(args["max_order"].as_u64().unwrap_or(2) as usize)
            .isa(isa);
        match &args["T"] {
            Value::String(global) if global == "global" => {
                params = params.average(Average::Sum);
                expected = expected.remove_axis(Axis(input.ndim()));
            }
            Value::Number(T) => params = params.T(T.as_f64().unwrap()),
            _ => {}
        }
        if let Some(stride) = args["stride"].as_u64() {
            params = params.stride(stride as usize);
        }
        let plan = params.plan::<T>().unwrap();
        let features = plan.transform(&input.mapv(T::narrow)).unwrap();
        let name = case.file_name().unwrap().display();
        assert_eq!(features.array().shape(), expected.shape(), "{name}");

        let paths = plan.paths();
        let expected_paths = &description["paths"];
        for row in 0..paths.len() {
            let key = numbers(&expected_paths["key"][row]);
            assert_eq!(paths.row(&key), Some(row), "{name}: row {row}");
            for (layer, psi) in paths.wavelets_of(row).enumerate() {
                let of = |name: &str| expected_paths[name][row][layer].as_f64().unwrap();
                assert_eq!(psi.j as f64, of("j"), "{name}: row {row}");
                assert!((psi.xi / of("xi") - 1.0).abs() < 1e-14, "{name}: row {row}");
                assert!(
                    (psi.sigma / of("sigma") - 1.0).abs() < 1e-14,
                    "{name}: row {row}"
                );
            }
        }
        let axis = Axis(input.ndim() - 1);
        for order in 0..=paths.max_order() {
            let rows: Vec<usize> = paths.rows_of_order(order).collect();
            let got = features.array().select(axis, &rows);
            let error = relative_error(got, expected.select(axis, &rows));
            println!("{name} {} {isa} order {order}: {error:.1e}", T::NAME);
            assert!(
                error <= tolerance,
                "{name}, {isa}, order {order}: {error:e}"
            );
            for row in rows {
                let got = features.array().index_axis(axis, row);
                let error = relative_error(
                    got.iter().copied(),
                    expected.index_axis(axis, row).iter().copied(),
                );
                assert!(error <= of_path, "{name}, {isa}, row {row}: {error:e}");
            }
        }
    }
}

#[test]
fn features_of_signals_are_kymatios_in_double_precision_on_every_instruction_set() {
    for isa in Isa::available() {
        scattering_of_signals_agrees::<f64>(isa, 1e-11, 1e-10);
    }
}

#[test]
fn features_of_signals_are_kymatios_in_single_precision_on_every_instruction_set() {
    for isa in Isa::available() {
        // Rounding is of the whole signal, and shows in paths of little energy
        scattering_of_signals_agrees::<f32>(isa, 3e-6, 2e-5);
    }
}

/// Wavelets of the rows of Kymatio's joint transform, in the order of its array: its table is sorted otherwise.
fn joint_keys(table: &Value) -> Vec<(Option<usize>, Option<usize>, Option<usize>)> {
    let keys = table["key"].as_array().unwrap().iter().map(numbers);
    let mut keys: Vec<_> = keys
        .map(|key| match key[..] {
            [] => (None, None, None),
            [n1, n_fr] => (None, Some(n_fr), Some(n1)),
            [n1, n2, n_fr] => (Some(n2), Some(n_fr), Some(n1)),
            _ => panic!("{key:?} is no key"),
        })
        .collect();
    keys.sort();
    keys
}

fn joint_scattering_agrees<T: Real>(isa: Isa, tolerance: f64, of_path: f64) {
    let cases = cases("jtfs-");
    assert!(cases.len() >= 2, "only {} cases found", cases.len());
    for case in cases {
        let description: Value =
            serde_json::from_reader(File::open(case.join("case.json")).unwrap()).unwrap();
        let args = &description["args"];
        let number = |name: &str| args[name].as_u64().unwrap() as usize;
        let joint = args["format"] == "joint";
        let input = read_npy(case.join("input.npy"));
        let expected = read_npy(case.join("output.npy"));
        let plan = JointScattering::params(input.len(), number("J"), number("J_fr"))
            .Q(numbers(&args["Q"]))
            .format(if joint {
                JointFormat::Joint
            } else {
                JointFormat::Time
            })
            .isa(isa)
            .plan::<T>()
            .unwrap();
        let features = plan.transform(&input.mapv(T::narrow)).unwrap();
        let name = case.file_name().unwrap().display();
        assert_eq!(features.array().shape(), expected.shape(), "{name}");
        if !joint {
            let paths = plan.paths().iter();
            let got: Vec<_> = paths.map(|path| (path.n2, path.n_fr, path.n1)).collect();
            assert_eq!(got, joint_keys(&description["paths"]), "{name}");
        }
        for order in usize::from(joint)..=2 {
            let rows: Vec<usize> = (0..plan.paths().len())
                .filter(|&row| plan.paths()[row].order == order)
                .collect();
            let got = features.array().select(Axis(0), &rows);
            let error = relative_error(got, expected.select(Axis(0), &rows));
            println!("{name} {} {isa} order {order}: {error:.1e}", T::NAME);
            assert!(
                error <= tolerance,
                "{name}, {isa}, order {order}: {error:e}"
            );
            for row in rows {
                let expected = expected.index_axis(Axis(0), row);
                let error =
                    relative_error(features.path(row).iter().copied(), expected.iter().copied());
                assert!(error <= of_path, "{name}, {isa}, row {row}: {error:e}");
            }
        }
    }
}

#[test]
fn joint_features_are_kymatios_in_double_precision_on_every_instruction_set() {
    for isa in Isa::available() {
        joint_scattering_agrees::<f64>(isa, 1e-11, 1e-10);
    }
}

#[test]
fn joint_features_are_kymatios_in_single_precision_on_every_instruction_set() {
    for isa in Isa::available() {
        // Rounding is of a whole order, of which most paths have little
        joint_scattering_agrees::<f32>(isa, 3e-6, 1e-4);
    }
}

/// The file that Kymatio's own tests compare with.
#[test]
fn kymatios_own_test_of_signals_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/kymatio-suite");
    let file = File::open(folder.join("test_data_1d.npz")).unwrap();
    let mut npz = zip::ZipArchive::new(file).unwrap();
    let mut array = |name: &str| read(npyz::NpyFile::new(npz.by_name(name).unwrap()).unwrap());
    let (x, expected) = (array("x.npy"), array("Sx.npy"));
    let plan = Scattering1d::params(512, 6).Q([16]).plan::<f64>().unwrap();
    let features = plan.transform(&x).unwrap();
    assert_eq!(features.array().shape(), expected.shape());
    let error = relative_error(features.array().iter().copied(), expected);
    assert!(error < 1e-6, "{error:e}"); // the file is of single precision
}

#[test]
fn filters_are_kymatios_at_every_level() {
    let cases = cases("filters2d-");
    assert!(!cases.is_empty());
    for case in cases {
        let (shape, J, L) = bank_of(&case);
        let bank = FilterBank2d::params(shape, J).L(L).build::<f64>().unwrap();
        let mut npz = zip::ZipArchive::new(File::open(case.join("filters.npz")).unwrap()).unwrap();
        let names: Vec<String> = npz
            .file_names()
            .map(|name| name.unwrap().into_owned())
            .collect();
        // phi on levels 0..J, psi_j on levels 0..=min(j, J − 2)
        let arrays = J + (0..J).map(|j| L * (j.min(J.max(2) - 2) + 1)).sum::<usize>();
        assert_eq!(names.len(), arrays);
        for name in names {
            let expected = read(npyz::NpyFile::new(npz.by_name(&name).unwrap()).unwrap());
            // phi_res1, psi_j2_theta7_res0
            let index: Vec<usize> = name
                .trim_end_matches(".npy")
                .split('_')
                .filter_map(|part| part.trim_start_matches(char::is_alphabetic).parse().ok())
                .collect();
            let got = match index[..] {
                [level] => bank.phi(level),
                [j, l, level] => bank.psi(j, l).to_array(level),
                _ => panic!("{name} names no filter"),
            };
            let got = got
                .unwrap_or_else(|| panic!("{name}: no such level"))
                .into_dyn();
            assert_eq!(got.shape(), expected.shape(), "{name}");
            let error = relative_error(got * SCALE, expected);
            assert!(error <= 5e-7, "{name}: {error:e}");
        }
    }
}

/// Grid, J and L from a name such as `filters2d-48x40-J3-L8`.
fn bank_of(case: &Path) -> ([usize; 2], usize, usize) {
    let name = case.file_name().unwrap().to_str().unwrap();
    let numbers: Vec<usize> = name
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect();
    let [_, n0, n1, J, L] = numbers[..] else {
        panic!("{name} does not name a bank")
    };
    ([n0, n1], J, L)
}
