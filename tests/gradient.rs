//! Gradients: golden ones, and central differences of the transform itself.

#![allow(non_snake_case)]

mod golden_data;
mod isa;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use golden_data::{cases, read_npy};
use isa::isa;
use ndarray::{ArrayD, Axis, IxDyn, s};
use proptest::prelude::*;
use serde_json::Value;
use wavelet_scattering::filters::{
    Family, Family1d, FilterBank, FilterBank1d, FilterBank2d, Wavelet1d, WaveletList2d,
};
use wavelet_scattering::num::{Real, relative_error};

use wavelet_scattering::scattering::{
    JointFormat, JointScatteringParams, PathRule, Scattering, Scattering1dParams,
    Scattering2dParams, Wavelet,
};
use wavelet_scattering::signal::Padding;
use wavelet_scattering::{
    Average, Cancel, Error, Isa, JointScattering, Scattering1d, Scattering2d,
};

/// The arguments of a case, and its input, weights and output.
fn open(case: &Path) -> (Value, [ArrayD<f64>; 3]) {
    let mut description: Value =
        serde_json::from_reader(File::open(case.join("case.json")).unwrap()).unwrap();
    let arrays =
        ["input", "weights", "output"].map(|name| read_npy(case.join(format!("{name}.npy"))));
    (description["args"].take(), arrays)
}

fn number(args: &Value, name: &str, standard: usize) -> usize {
    args[name].as_u64().map_or(standard, |n| n as usize)
}

fn padding(args: &Value) -> Padding {
    match args["padding"].as_str() {
        None | Some("reflect") => Padding::Reflect,
        Some("symmetric") => Padding::Symmetric,
        Some("periodic") => Padding::Periodic,
        Some(other) => panic!("{other}"),
    }
}

fn average(args: &Value) -> Average {
    match (args["average"].as_str(), args["T"].as_str()) {
        (_, Some("global")) => Average::Sum,
        (None | Some("local"), _) => Average::Local,
        (Some("global"), _) => Average::Global,
        (Some("none"), _) => Average::None,
        (Some(other), _) => panic!("{other}"),
    }
}

/// The transform of images that a case is of.
fn images_of(args: &Value) -> Scattering2dParams {
    let shape = [0, 1].map(|axis| args["shape"][axis].as_u64().unwrap() as usize);
    Scattering2d::params(shape, number(args, "J", 0))
        .L(number(args, "L", 8))
        .max_order(number(args, "max_order", 2))
        .oversampling(number(args, "oversampling", 0))
        .padding(padding(args))
        .average(average(args))
}

/// The gradients of a folder's cases are within the tolerances that `tests/data/README.md` gives.
fn golden<T: Real>(isa: Isa, single: bool) {
    let mut found = 0;
    for case in [cases("gradient2d"), cases("gradient1d")].concat() {
        let name = case.file_name().unwrap().to_str().unwrap().to_string();
        let (args, [input, weights, expected]) = open(&case);
        let [input, weights] = [input, weights].map(|array| array.mapv(T::narrow));
        let got = if name.starts_with("gradient2d") {
            let plan = images_of(&args).isa(isa).plan::<T>().unwrap();
            plan.vjp(&input, &weights).unwrap()
        } else {
            let Q: Vec<usize> = match &args["Q"] {
                Value::Array(Q) => Q.iter().map(|q| q.as_u64().unwrap() as usize).collect(),
                Q => vec![Q.as_u64().unwrap() as usize],
            };
            let mut params = Scattering1d::params(number(&args, "shape", 0), number(&args, "J", 0))
                .Q(Q)
                .padding(padding(&args))
                .average(average(&args))
                .isa(isa);
            if let Some(stride) = args["stride"].as_u64() {
                params = params.stride(stride as usize);
            }
            let plan = params.plan::<T>().unwrap();
            let weights = match average(&args) {
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
    assert!(found >= 13, "only {found} cases found");
}

#[test]
fn gradients_are_the_golden_ones_on_every_instruction_set() {
    for isa in Isa::available() {
        golden::<f64>(isa, false);
        golden::<f32>(isa, true);
    }
}

/// The bank of a golden case: standard Morlets with the numbers of its `parameters.npy`.
fn list_of(case: &Path, params: &Scattering2dParams) -> WaveletList2d {
    let numbers = read_npy(case.join("parameters.npy"));
    let mut list = FilterBank2d::params(params.padded_shape().unwrap(), params.J)
        .L(params.L)
        .list()
        .unwrap();
    let moved = list.wavelets.iter().zip(numbers.axis_iter(Axis(0)));
    let moved = moved.map(|(psi, numbers)| {
        let psi = psi.direction(numbers[0]).xi(numbers[1]);
        psi.sigma(numbers[2]).slant(numbers[3])
    });
    list.wavelets = moved.collect();
    list
}

#[test]
fn gradients_of_wavelets_are_the_golden_ones_on_every_instruction_set() {
    fn golden<T: Real>(isa: Isa, tolerance: f64) {
        let cases = cases("gradient-parameters2d");
        assert_eq!(cases.len(), 2);
        for case in cases {
            let (args, [input, weights, expected]) = open(&case);
            let params = images_of(&args).isa(isa);
            let bank = list_of(&case, &params).build::<T>().unwrap();
            let plan = params.plan_with(&[Arc::new(bank)]).unwrap();
            let [input, weights] = [input, weights].map(|array| array.mapv(T::narrow));
            let gradient = plan.vjp_filters(&input, &weights).unwrap();
            let got = gradient.parameters(Family::Morlet).sum_axis(Axis(0));
            assert_eq!(got.shape(), expected.shape());
            for i in 0..4 {
                let [got, expected] = [got.view().into_dyn(), expected.view()]
                    .map(|array| array.index_axis_move(Axis(1), i));
                let error = relative_error(got.iter().copied(), expected.iter().copied());
                println!("{} {} {isa} {i}: {error:.1e}", case.display(), T::NAME);
                assert!(error <= tolerance, "{}, {isa}: {error:e}", case.display());
            }
        }
    }
    for isa in Isa::available() {
        golden::<f64>(isa, 1e-10);
        golden::<f32>(isa, 1e-5);
    }
}

/// The distance of the features of two textures, and its gradient: what a search for a texture goes down along.
#[test]
fn the_gradient_of_a_texture_is_the_golden_one() {
    let cases = cases("synthesis-loss2d");
    assert_eq!(cases.len(), 1);
    let case = &cases[0];
    let description: Value =
        serde_json::from_reader(File::open(case.join("case.json")).unwrap()).unwrap();
    let [input, target, expected] =
        ["input", "target", "output"].map(|name| read_npy(case.join(format!("{name}.npy"))));
    let plan = images_of(&description["args"])
        .isa(isa())
        .plan::<f64>()
        .unwrap();
    let [features, wanted] = [&input, &target].map(|x| plan.transform(x).unwrap().into_array());
    let mut weights = ArrayD::zeros(features.raw_dim());
    for order in 1..=plan.paths().max_order() {
        let rows = plan.paths().rows_of_order(order);
        let energy: f64 = rows.clone().map(|row| wanted[row].powi(2)).sum();
        rows.for_each(|row| weights[row] = 1.0 / energy);
    }
    let missing = features - wanted;
    let loss = (&missing * &missing * &weights).sum();
    let expected_loss = description["loss"].as_f64().unwrap();
    assert!((loss / expected_loss - 1.0).abs() < 1e-10);
    let gradient = plan.vjp(&input, &(missing * weights * 2.0)).unwrap();
    assert!(relative_error(gradient, expected) < 1e-10);
}

/// White noise of variance 1/12 from a seed.
fn noise(shape: &[usize], seed: u64) -> ArrayD<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    ArrayD::from_shape_simple_fn(IxDyn(shape), || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    })
}

fn dot(a: &ArrayD<f64>, b: &ArrayD<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &ArrayD<f64>) -> f64 {
    dot(a, a).sqrt()
}

/// How far ⟨w, J v⟩ is from ⟨Jᵀ w, v⟩, in units of the norms.
fn disagreement<T: Real, W: Wavelet, const D: usize>(
    plan: &Scattering<T, W, D>,
    x: &ArrayD<f64>,
    seed: u64,
) -> f64 {
    let leading = &x.shape()[..x.ndim() - D];
    let [w, v] = [&plan.output_shape(leading)[..], x.shape()].map(|shape| noise(shape, seed + 7));
    let narrow = |array: &ArrayD<f64>| array.mapv(T::narrow);
    let wide = |array: ArrayD<T>| array.mapv(|value| value.widen());
    let along = wide(plan.jvp(&narrow(x), &narrow(&v)).unwrap());
    let back = wide(plan.vjp(&narrow(x), &narrow(&w)).unwrap());
    let size = (norm(&w) * norm(&along)).max(norm(&back) * norm(&v));
    (dot(&w, &along) - dot(&back, &v)).abs() / size.max(1e-300)
}

/// By how much a central difference in a random direction misses the gradient, in units of the direction's deviation and the
/// gradient's norm.
fn missed<W: Wavelet, const D: usize>(
    plan: &Scattering<f64, W, D>,
    x: &ArrayD<f64>,
    seed: u64,
) -> f64 {
    let leading = &x.shape()[..x.ndim() - D];
    let w = noise(&plan.output_shape(leading), seed + 1);
    let v = noise(x.shape(), seed + 2);
    let gradient = plan.vjp(x, &w).unwrap();
    let sum = |h: f64| dot(plan.transform(&(x + &(&v * h))).unwrap().array(), &w);
    let deviation = norm(&v) / (v.len() as f64).sqrt();
    let missed = |h: f64| {
        let quotient = (sum(h) - sum(-h)) / (2.0 * h);
        (quotient - dot(&gradient, &v)).abs() / (deviation * norm(&gradient)).max(1e-300)
    };
    // A modulus that passes close by 0 bends within a larger step, and roundings tell in a smaller one.
    [3e-6, 1e-6, 3e-7]
        .map(missed)
        .into_iter()
        .fold(f64::MAX, f64::min)
}

/// Any transform of small images.
fn images() -> impl Strategy<Value = Scattering2dParams> {
    let paddings = prop_oneof![
        Just(Padding::Reflect),
        Just(Padding::Symmetric),
        Just(Padding::Zero),
        Just(Padding::Periodic),
        Just(Padding::PrePadded),
    ];
    let averages = prop_oneof![
        Just(Average::Local),
        Just(Average::Global),
        Just(Average::None)
    ];
    let sizes = (1_usize..=3, 1_usize..=9, 0_usize..=3, 0_usize..=3);
    (sizes, [0_usize..20, 0_usize..20], paddings, averages).prop_map(
        |((J, L, order, oversampling), more, padding, average)| {
            let shape = more.map(|more| match padding {
                Padding::PrePadded => (3 + more % 3) << J,
                Padding::Periodic => (1 + more % 4) << J,
                _ => (1 << J) + more,
            });
            Scattering2d::params(shape, J)
                .L(L)
                .max_order(order)
                .oversampling(oversampling.min(J))
                .padding(padding)
                .average(average)
                .isa(isa())
        },
    )
}

/// Any transform of short signals, on lengths that vectors divide and others.
fn signals() -> impl Strategy<Value = Scattering1dParams> {
    let paddings = prop_oneof![
        Just(Padding::Reflect),
        Just(Padding::Symmetric),
        Just(Padding::Zero),
        Just(Padding::Periodic),
    ];
    let averages = prop_oneof![
        Just(Average::Local),
        Just(Average::Global),
        Just(Average::Sum),
        Just(Average::None)
    ];
    let numbers = (1_usize..=4, 1_usize..=6, 1_usize..=2, 0_usize..=3);
    (numbers, 0_usize..150, 0.0..=1.0, paddings, averages).prop_map(
        |((J, Q1, Q2, order), more, share, padding, average)| {
            let len = match padding {
                Padding::Periodic => (2 + more % 9) << J,
                _ => (1 << J) + more,
            };
            // From every sample to the whole signal.
            let T = (len as f64).powf(share);
            Scattering1d::params(len, J)
                .Q([Q1, Q2])
                .T(T)
                .max_order(order)
                .padding(padding)
                .average(average)
                .isa(isa())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn gradients_of_signals_are_central_differences(params in signals(), seed in 0..u64::MAX / 2) {
        let Ok(plan) = params.plan::<f64>() else {
            return Ok(()); // a T that this length cannot have
        };
        let x = noise(&[2, params.len], seed);
        let missed = missed(&plan, &x, seed);
        prop_assert!(missed < 1e-7, "{missed:e}");
        let apart = disagreement(&plan, &x, seed);
        prop_assert!(apart < 1e-12, "there and back: {apart:e}");
        let apart = disagreement(&params.plan::<f32>().unwrap(), &x, seed);
        prop_assert!(apart < 1e-5, "there and back, f32: {apart:e}");
    }

    #[test]
    fn gradients_of_images_are_central_differences(params in images(), seed in 0..u64::MAX / 2) {
        let plan = params.plan::<f64>().unwrap();
        let x = noise(&[&[2][..], &params.shape].concat(), seed);
        let missed = missed(&plan, &x, seed);
        prop_assert!(missed < 1e-7, "{missed:e}");
        let apart = disagreement(&plan, &x, seed);
        prop_assert!(apart < 1e-12, "there and back: {apart:e}");
        let apart = disagreement(&params.plan::<f32>().unwrap(), &x, seed);
        prop_assert!(apart < 1e-5, "there and back, f32: {apart:e}");
    }

    /// In 32 bits the gradient is that of 64, at an image that 32 bits hold, with any contrast.
    #[test]
    fn gradients_in_single_precision_are_those_in_double(params in images(), seed in 0..u64::MAX / 2, log2 in -60..60_i32) {
        let x = noise(&params.shape, seed).mapv(|x| x as f32 * 2_f32.powi(log2));
        let [single, double] = [params.plan::<f32>().unwrap().output_shape(&[]), params.shape.to_vec()];
        let w = noise(&single, seed + 1).mapv(|w| w as f32);
        let exact = params.plan::<f64>().unwrap().vjp(&x.mapv(f64::from), &w.mapv(f64::from)).unwrap();
        let got = params.plan::<f32>().unwrap().vjp(&x, &w).unwrap();
        prop_assert_eq!(got.shape(), &double[..]);
        let error = relative_error(got, exact);
        prop_assert!(error < 1e-4, "{error:e}");
    }
}

/// What has moduli of 0, or of roundings alone, has a finite gradient; that of a zero image is of order 0 alone.
#[test]
fn nothing_becomes_infinite_where_moduli_vanish() {
    for average in [Average::Local, Average::Global, Average::None] {
        let params = Scattering2d::params([24, 31], 2)
            .average(average)
            .isa(isa());
        let plan = params.plan::<f32>().unwrap();
        let w = noise(&plan.output_shape(&[]), 3).mapv(|w| w as f32);
        let gradient = |x: &ArrayD<f32>| plan.vjp(x, &w).unwrap();
        let zero = ArrayD::zeros(IxDyn(&[24, 31]));
        let constant = ArrayD::from_elem(IxDyn(&[24, 31]), 3e7_f32);
        let mut dirac = zero.clone();
        dirac[[7, 30]] = 1e-30;
        let tiny = ArrayD::from_elem(IxDyn(&[24, 31]), f32::MIN_POSITIVE / 8.0);
        for x in [&zero, &constant, &dirac, &tiny] {
            assert!(gradient(x).iter().all(|g| g.is_finite()), "{average:?}");
        }
        let order0 = Scattering2d::params([24, 31], 2)
            .max_order(0)
            .average(average)
            .isa(isa());
        let order0 = order0.plan::<f32>().unwrap();
        let first = match average {
            Average::Local => w.slice(s![..1, .., ..]).into_dyn(),
            _ => w.slice(s![..order0.features_len()]).into_dyn(),
        };
        assert_eq!(
            gradient(&zero),
            order0.vjp(&zero, &first).unwrap(),
            "{average:?}"
        );
    }
}

/// Bits do not depend on threads, batches or strides; a second call allocates nothing.
fn same_however_computed<W: Wavelet, const D: usize>(
    plan: &Scattering<f32, W, D>,
    shape: [usize; D],
) {
    let shape = [&[5], &shape[..]].concat();
    let x = noise(&shape, 1).mapv(|x| x as f32);
    let w = noise(&plan.output_shape(&[5]), 2).mapv(|w| w as f32);
    let all = plan.vjp(&x, &w).unwrap();
    for threads in [1, 2, 3] {
        let mut workspace = plan.gradient_workspace_for(threads);
        let mut gradient = ArrayD::from_elem(x.raw_dim(), f32::NAN);
        plan.vjp_into(&x, &w, &mut gradient, &mut workspace)
            .unwrap();
        assert_eq!(gradient, all, "{threads} threads");
        for i in 0..5 {
            let (x, w) = (x.index_axis(Axis(0), i), w.index_axis(Axis(0), i));
            let mut gradient = ArrayD::from_elem(x.raw_dim(), f32::NAN);
            plan.vjp_into(&x, &w, &mut gradient, &mut workspace)
                .unwrap();
            assert_eq!(
                gradient,
                all.index_axis(Axis(0), i),
                "{threads} threads, {i}"
            );
        }
    }
    let turned = |array: &ArrayD<f32>| array.t().as_standard_layout().into_owned();
    let mut gradient = turned(&ArrayD::from_elem(x.raw_dim(), f32::NAN)).reversed_axes();
    let mut workspace = plan.gradient_workspace_for(1);
    let (apart, weights_apart) = (turned(&x), turned(&w));
    plan.vjp_into(
        &apart.t(),
        &weights_apart.t(),
        &mut gradient,
        &mut workspace,
    )
    .unwrap();
    assert_eq!(gradient, all);

    let mut gradient = ArrayD::zeros(x.raw_dim());
    let counted = allocation_counter::measure(|| {
        plan.vjp_into(&x, &w, &mut gradient, &mut workspace)
            .unwrap();
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn gradients_are_the_same_however_they_are_computed() {
    let images = Scattering2d::params([40, 33], 3).L(5).isa(isa());
    same_however_computed(&images.plan().unwrap(), [40, 33]);
    for len in [1000, 640] {
        let signals = Scattering1d::params(len, 4).Q([4]).isa(isa());
        same_however_computed(&signals.plan().unwrap(), [len]);
    }
    let in_blocks = Scattering1d::params(60_000, 3).isa(isa()).plan().unwrap();
    assert!(in_blocks.bank().grid().shape[0] < 30_000);
    same_however_computed(&in_blocks, [60_000]);
    let apart = disagreement(&in_blocks, &noise(&[60_000], 3), 4);
    assert!(apart < 1e-5, "there and back, in blocks: {apart:e}");
}

#[test]
fn weights_and_workspaces_that_do_not_fit_are_refused() {
    let plan = Scattering2d::params([16, 16], 2).plan::<f32>().unwrap();
    let x = ArrayD::<f32>::ones(IxDyn(&[2, 16, 16]));
    let w = ArrayD::<f32>::ones(plan.output_shape(&[2]));
    assert!(matches!(
        plan.vjp(&x, &w.index_axis(Axis(0), 0)),
        Err(Error::WrongShape {
            what: "the weights",
            ..
        })
    ));
    let mut bad = w.clone();
    bad[[1, 2, 3, 0]] = f32::NAN;
    assert!(matches!(
        plan.vjp(&x, &bad),
        Err(Error::NotFinite { position, .. }) if position == [1, 2, 3, 0]
    ));
    let other = Scattering2d::params([20, 16], 2).plan::<f32>().unwrap();
    assert!(matches!(
        other.vjp(&x, &w),
        Err(Error::WrongShape {
            what: "the input",
            ..
        })
    ));
    assert!(matches!(
        plan.jvp(&x, &x.index_axis(Axis(0), 0)),
        Err(Error::WrongShape {
            what: "the direction",
            ..
        })
    ));
    let mut out = ArrayD::zeros(x.raw_dim());
    for mut workspace in [other.gradient_workspace(), plan.workspace()] {
        assert!(matches!(
            plan.vjp_into(&x, &w, &mut out, &mut workspace),
            Err(Error::ForeignWorkspace)
        ));
    }
    let cancel = Cancel::new();
    let mut workspace = plan.gradient_workspace().cancelled_by(&cancel);
    cancel.cancel();
    assert!(matches!(
        plan.vjp_into(&x, &w, &mut out, &mut workspace),
        Err(Error::Cancelled)
    ));
}

/// A central difference in every number of a wavelet, of each layer apart and of all at once.
#[test]
fn gradients_of_wavelets_are_central_differences() {
    for average in [Average::Local, Average::Global, Average::None] {
        let params = Scattering2d::params([23, 30], 2)
            .L(3)
            .average(average)
            .max_order(3)
            .isa(isa());
        let list = FilterBank2d::params(params.padded_shape().unwrap(), 2)
            .L(3)
            .list()
            .unwrap();
        let plan = |lists: &[WaveletList2d]| {
            let banks = lists
                .iter()
                .map(|list| -> Arc<dyn FilterBank<_, 2, Wavelet = _>> {
                    Arc::new(list.build::<f64>().unwrap())
                });
            params.plan_with(&banks.collect::<Vec<_>>()).unwrap()
        };
        let x = noise(&[2, 23, 30], 5);
        let [plain, apart] = [1, 2].map(|count| plan(&vec![list.clone(); count]));
        let w = noise(&plain.output_shape(&[2]), 6);
        assert_eq!(
            apart.transform(&x).unwrap().array(),
            plain.transform(&x).unwrap().array()
        );
        let gradient = plain.vjp_filters(&x, &w).unwrap();
        assert_eq!(gradient.layers(), plain.paths().max_order());
        let gradient = gradient.parameters(Family::Morlet);
        let of_apart = apart.vjp_filters(&x, &w).unwrap();
        assert_eq!(of_apart.parameters(Family::Morlet), gradient);
        let h = 1e-6;
        for layer in 0..2 {
            for lambda in 0..6 {
                for i in 0..4 {
                    let sum = |by: f64| {
                        let mut lists = [list.clone(), list.clone()];
                        let mut wavelets = list.wavelets.to_vec();
                        let psi = wavelets[lambda];
                        wavelets[lambda] = match i {
                            0 => psi.direction(psi.direction + by),
                            1 => psi.xi(psi.xi + by),
                            2 => psi.sigma(psi.sigma + by),
                            _ => psi.slant(psi.slant + by),
                        };
                        lists[layer].wavelets = wavelets.into();
                        dot(plan(&lists).transform(&x).unwrap().array(), &w)
                    };
                    let quotient = (sum(h) - sum(-h)) / (2.0 * h);
                    let got = gradient[[layer, lambda, i]];
                    let error = (got - quotient).abs();
                    assert!(
                        error < 1e-7 * (1.0 + quotient.abs()),
                        "{average:?}, {layer}, {lambda}, {i}: {got} against {quotient}"
                    );
                }
            }
        }
    }
}

/// The same of signals, whose levels are vectors or plain lines.
#[test]
fn gradients_of_wavelets_of_signals_are_central_differences() {
    for (len, padding, average, family) in [
        (200, Padding::Reflect, Average::Local, Family1d::Morlet),
        (200, Padding::Symmetric, Average::Global, Family1d::Gabor),
        (300, Padding::Zero, Average::None, Family1d::Analytic),
        (684, Padding::Periodic, Average::Sum, Family1d::Morlet),
    ] {
        let params = Scattering1d::params(len, 3)
            .T(4.0)
            .rule(PathRule::Frequency)
            .padding(padding)
            .average(average)
            .isa(isa());
        let padded = params.padded_len().unwrap();
        let bank = |Q| FilterBank1d::params(padded, 3).Q(Q).family(family);
        let mut numbers = [2, 1].map(|Q| bank(Q).build::<f64>().unwrap().wavelets().to_vec());
        // Equal frequencies would be in each other's way as soon as one of them moves.
        numbers[1].iter_mut().for_each(|psi| psi.xi *= 0.93);
        let plan = |numbers: &[Vec<Wavelet1d>]| {
            let build = |psi: &Vec<_>| -> Arc<dyn FilterBank<_, 1, Wavelet = _>> {
                let bank = FilterBank1d::list(padded, psi, 4.0).family(family);
                Arc::new(bank.build::<f64>().unwrap())
            };
            let banks: Vec<_> = numbers.iter().map(build).collect();
            params.plan_with(&banks).unwrap()
        };
        let plain = plan(&numbers);
        let x = noise(&[2, len], 5);
        let w = noise(&plain.output_shape(&[2]), 6);
        let gradient = plain.vjp_filters(&x, &w).unwrap();
        assert_eq!(gradient.layers(), 2);
        let gradient = gradient.parameters(family);
        let h = 1e-6;
        for layer in 0..2 {
            for n in 0..numbers[layer].len() {
                for i in 0..2 {
                    let sum = |by: f64| {
                        let mut numbers = numbers.clone();
                        let psi = numbers[layer][n];
                        numbers[layer][n] = match i {
                            0 => psi.xi(psi.xi + by),
                            _ => psi.sigma(psi.sigma + by),
                        };
                        dot(plan(&numbers).transform(&x).unwrap().array(), &w)
                    };
                    let quotient = (sum(h) - sum(-h)) / (2.0 * h);
                    let got = gradient[[layer, n, i]];
                    let error = (got - quotient).abs();
                    assert!(
                        error < 2e-7 * (1.0 + quotient.abs()),
                        "{params:?}, {layer}, {n}, {i}: {got} against {quotient}"
                    );
                }
            }
        }
    }
}

/// Filters of one block have the gradient of those of the whole: per cycle a sample, whatever the grid.
#[test]
fn gradients_of_wavelets_in_blocks_are_those_of_the_whole() {
    let params = Scattering1d::params(60_000, 3).Q([2]).isa(isa());
    let plan = params.plan::<f64>().unwrap();
    assert!(plan.bank().grid().shape[0] < 30_000);
    let padded = params.padded_len().unwrap();
    let bank = |Q| -> Arc<dyn FilterBank<_, 1, Wavelet = _>> {
        let bank = FilterBank1d::params(padded, 3).Q(Q).build::<f64>();
        Arc::new(bank.unwrap())
    };
    let whole = params.plan_with(&[bank(2), bank(1)]).unwrap();
    let x = noise(&[60_000], 1);
    let w = noise(&plan.output_shape(&[]), 2);
    let [got, expected] = [plan, whole].map(|plan| {
        let gradient = plan.vjp_filters(&x, &w).unwrap();
        gradient.parameters(Family1d::Morlet)
    });
    assert!(relative_error(got, expected) < 1e-10);
}

/// Joint scattering: any averages in both formats, at lengths of vectors and of plain lines.
fn joint() -> Vec<JointScatteringParams> {
    let averages = [Average::Local, Average::Global, Average::Sum, Average::None];
    let of_both = averages.map(|average| averages.map(|average_fr| [average, average_fr]));
    let mut all = Vec::new();
    for [average, average_fr] in of_both.concat() {
        for format in [JointFormat::Time, JointFormat::Joint] {
            for (len, padding) in [
                (500, Padding::Reflect),
                (684, Padding::Periodic),
                (333, Padding::Zero),
                (256, Padding::Symmetric),
            ] {
                let params = JointScattering::params(len, 4, 2).Q([3]).isa(isa());
                let params = params.padding(padding).format(format);
                let params = params.average(average).average_fr(average_fr);
                // Some averages no array of that format holds, and periodic lengths are multiples.
                if params.plan::<f64>().is_ok() {
                    all.push(params);
                }
            }
        }
    }
    all
}

#[test]
fn gradients_of_joint_scattering_are_central_differences() {
    let all = joint();
    assert!(all.len() > 50, "{}", all.len());
    for (seed, params) in (0..).zip(all) {
        let plan = params.plan::<f64>().unwrap();
        let x = noise(&[2, params.len], seed);
        let w = noise(&plan.output_shape(&[2]), seed + 1);
        let v = noise(&[2, params.len], seed + 2);
        let gradient = plan.vjp(&x, &w).unwrap();
        let sum = |x: &ArrayD<f64>| dot(plan.transform(x).unwrap().array(), &w);
        let deviation = norm(&v) / (v.len() as f64).sqrt();
        let missed = |h: f64| {
            let quotient = (sum(&(&x + &(&v * h))) - sum(&(&x - &(&v * h)))) / (2.0 * h);
            (quotient - dot(&gradient, &v)).abs() / (deviation * norm(&gradient))
        };
        let missed = [3e-6, 1e-6, 3e-7].map(missed);
        let missed = missed.into_iter().fold(f64::MAX, f64::min);
        assert!(missed < 1e-7, "{params:?}: {missed:e}");
        // Homogeneous of degree 1.
        let error = (dot(&gradient, &x) - sum(&x)).abs() / (norm(&gradient) * norm(&x));
        assert!(error < 1e-12, "{params:?}: {error:e}");

        let [x, w] = [x, w].map(|array| array.mapv(|value| value as f32));
        let single = params.plan::<f32>().unwrap().vjp(&x, &w).unwrap();
        let exact = plan.vjp(&x.mapv(f64::from), &w.mapv(f64::from)).unwrap();
        let error = relative_error(single, exact);
        assert!(error < 1e-4, "{params:?}, f32: {error:e}");
    }
}

#[test]
fn gradients_of_joint_scattering_are_the_same_however_they_are_computed() {
    let plan = JointScattering::params(700, 5, 2).Q([4]).isa(isa());
    let plan = plan.plan::<f32>().unwrap();
    let x = noise(&[5, 700], 1).mapv(|x| x as f32);
    let w = noise(&plan.output_shape(&[5]), 2).mapv(|w| w as f32);
    let all = plan.vjp(&x, &w).unwrap();
    for threads in [1, 2, 3] {
        let mut workspace = plan.gradient_workspace_for(threads);
        let mut gradient = ArrayD::from_elem(x.raw_dim(), f32::NAN);
        plan.vjp_into(&x, &w, &mut gradient, &mut workspace)
            .unwrap();
        assert_eq!(gradient, all, "{threads} threads");
        for i in 0..5 {
            let alone = plan.vjp(&x.index_axis(Axis(0), i), &w.index_axis(Axis(0), i));
            assert_eq!(alone.unwrap(), all.index_axis(Axis(0), i));
        }
        if threads == 1 {
            let counted = allocation_counter::measure(|| {
                plan.vjp_into(&x, &w, &mut gradient, &mut workspace)
                    .unwrap();
            });
            assert_eq!(counted.count_total, 0);
        }
    }
    let of = |x: &ArrayD<f32>| plan.vjp(x, &w.index_axis(Axis(0), 0)).unwrap();
    let zero = ArrayD::zeros(IxDyn(&[700]));
    let constant = ArrayD::from_elem(IxDyn(&[700]), 3e7_f32);
    let mut dirac = zero.clone();
    dirac[[650]] = 1e-30;
    for x in [&zero, &constant, &dirac] {
        assert!(of(x).iter().all(|value| value.is_finite()));
    }
}
