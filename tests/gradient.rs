//! Gradients: golden ones, and central differences of the transform itself.

#![allow(non_snake_case)]

mod golden_data;

use std::fs::File;

use golden_data::{cases, read_npy};
use ndarray::{Array, ArrayD, Axis, Dimension, IxDyn};
use serde_json::Value;
use wavelet_scattering::num::{Real, relative_error};
use wavelet_scattering::signal::Padding;
use wavelet_scattering::{Average, Error, Isa, Scattering1d, Scattering2d};

/// The gradients of a folder's cases are within the tolerances that `tests/data/README.md` gives.
fn golden<T: Real>(isa: Isa, single: bool) {
    let mut found = 0;
    for case in cases("gradient2d") {
        let name = case.file_name().unwrap().to_str().unwrap().to_string();
        let description: Value =
            serde_json::from_reader(File::open(case.join("case.json")).unwrap()).unwrap();
        let args = &description["args"];
        let [input, weights, expected] =
            ["input", "weights", "output"].map(|name| read_npy(case.join(format!("{name}.npy"))));
        let [input, weights] = [input, weights].map(|array| array.mapv(T::narrow));
        let number =
            |name: &str, standard: usize| args[name].as_u64().map_or(standard, |n| n as usize);
        let padding = match args["padding"].as_str() {
            None | Some("reflect") => Padding::Reflect,
            Some("symmetric") => Padding::Symmetric,
            Some("periodic") => Padding::Periodic,
            Some(other) => panic!("{other}"),
        };
        let average = match (args["average"].as_str(), args["T"].as_str()) {
            (_, Some("global")) => Average::Sum,
            (None | Some("local"), _) => Average::Local,
            (Some("global"), _) => Average::Global,
            (Some("none"), _) => Average::None,
            (Some(other), _) => panic!("{other}"),
        };
        let got = if name.starts_with("gradient2d") {
            let shape = [0, 1].map(|axis| args["shape"][axis].as_u64().unwrap() as usize);
            let plan = Scattering2d::params(shape, number("J", 0))
                .L(number("L", 8))
                .max_order(number("max_order", 2))
                .oversampling(number("oversampling", 0))
                .padding(padding)
                .average(average)
                .isa(isa)
                .plan::<T>()
                .unwrap();
            plan.vjp(&input, &weights).unwrap()
        } else {
            let Q: Vec<usize> = match &args["Q"] {
                Value::Array(Q) => Q.iter().map(|q| q.as_u64().unwrap() as usize).collect(),
                Q => vec![Q.as_u64().unwrap() as usize],
            };
            let mut params = Scattering1d::params(number("shape", 0), number("J", 0))
                .Q(Q)
                .padding(padding)
                .average(average)
                .isa(isa);
            if let Some(stride) = args["stride"].as_u64() {
                params = params.stride(stride as usize);
            }
            let plan = params.plan::<T>().unwrap();
            let weights = match average {
                Average::Sum => weights.remove_axis(Axis(1)),
                _ => weights,
            };
            plan.vjp(&input, &weights).unwrap()
        };
        let contrast = name.contains("contrast");
        let tolerance = match (name.contains("f64"), single) {
            _ if contrast => 3e-5,
            (_, true) => 1e-5,
            (true, false) => 1e-10,
            (false, false) => 1e-6,
        };
        assert_eq!(got.shape(), expected.shape(), "{name}");
        let error = relative_error(got, expected.iter().copied());
        println!("{name} {} {isa}: {error:.1e}", T::NAME);
        assert!(error <= tolerance, "{name}, {isa}: {error:e}");
        found += 1;
    }
    assert!(found >= 7, "only {found} cases found");
}

#[test]
fn gradients_are_the_golden_ones_on_every_instruction_set() {
    for isa in Isa::available() {
        golden::<f64>(isa, false);
        golden::<f32>(isa, true);
    }
}
