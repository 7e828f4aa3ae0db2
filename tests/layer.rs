//! Scattering as a layer of a network: its outputs are the transform's, its gradients difference quotients of transforms in double
//! precision that are planned here from the same numbers.

use std::f64::consts::TAU;
use std::sync::Arc;

use ndarray::{Array2, Array3, Array4, ArrayD};
use wavelet_scattering::burn::module::Module;
use wavelet_scattering::burn::optim::{GradientsParams, SgdConfig};
use wavelet_scattering::burn::tensor::{Device, Tensor, TensorData};
use wavelet_scattering::filters::{
    FilterBank1d, FilterBank2d, Normalization, Wavelet1d, Wavelet2d, WaveletList2d,
};
use wavelet_scattering::learn::{ScatteringLayer1d, ScatteringLayer2d, Start, Tying};
use wavelet_scattering::scattering::{Scattering1dParams, Scattering2dParams};
use wavelet_scattering::{Average, Error, Scattering1d, Scattering2d};

/// Reproducible numbers in [-1, 1) without structure.
fn noise(len: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
    let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    let values = tensor.into_data().try_into_vec::<f32>().unwrap();
    values.into_iter().map(f64::from).collect()
}

fn assert_close(got: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let largest = expected
        .iter()
        .fold(0.0_f64, |most, value| most.max(value.abs()));
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!(
            (got - expected).abs() <= tolerance * largest,
            "{what}, number {i}: {got}, expected {expected}, the largest is {largest}"
        );
    }
}

/// (f(x + h) − f(x − h)) / 2h along every number.
fn differences(at: &[f64], h: f64, f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    (0..at.len())
        .map(|i| {
            let moved = |by: f64| {
                let mut moved = at.to_vec();
                moved[i] += by;
                f(&moved)
            };
            (moved(h) - moved(-h)) / (2.0 * h)
        })
        .collect()
}

/// Wavelets of images from the numbers of a layer, as the documentation of the layer says.
fn wavelets_2d(params: &Scattering2dParams, tying: Tying, numbers: &[f64]) -> Vec<Vec<Wavelet2d>> {
    let bank = FilterBank2d::params(params.padded_shape().unwrap(), params.J).L(params.L);
    let standard = bank.build::<f64>().unwrap().wavelets().to_vec();
    let layers = params.max_order.min(params.J);
    let rows: Vec<&[f64]> = numbers.chunks(4).collect();
    (0..layers)
        .map(|layer| {
            let made = standard.iter().enumerate().map(|(lambda, psi)| {
                let (row, from) = match tying {
                    Tying::PerWavelet => (rows[layer * standard.len() + lambda], 0.0),
                    Tying::Equivariant => (rows[layer * params.J + psi.j], psi.direction),
                };
                Wavelet2d::new(psi.j, psi.l)
                    .direction(row[0] + from)
                    .xi(row[1])
                    .sigma(row[2])
                    .slant(row[3])
            });
            made.collect()
        })
        .collect()
}

fn plan_2d(params: &Scattering2dParams, layers: &[Vec<Wavelet2d>]) -> Scattering2d<f64> {
    let shape = params.padded_shape().unwrap();
    let banks: Vec<_> = layers
        .iter()
        .map(|wavelets| {
            let mut list = WaveletList2d::new(shape, params.J, &[]);
            list.wavelets = wavelets.as_slice().into();
            Arc::new(list.build::<f64>().unwrap()) as _
        })
        .collect();
    params.plan_with(&banks).unwrap()
}

fn plan_1d(
    params: &Scattering1dParams,
    layers: &[Vec<Wavelet1d>],
    numbers: &[f64],
) -> Scattering1d<f64> {
    let mut rows = numbers.chunks(2);
    let banks: Vec<_> = layers
        .iter()
        .map(|wavelets| {
            let made: Vec<Wavelet1d> = wavelets
                .iter()
                .map(|psi| {
                    let row = rows.next().unwrap();
                    psi.xi(row[0]).sigma(row[1])
                })
                .collect();
            let list =
                FilterBank1d::list(params.padded_len().unwrap(), &made, params.averaged_over());
            Arc::new(list.build::<f64>().unwrap()) as _
        })
        .collect();
    params.plan_with(&banks).unwrap()
}

fn weighted(features: ArrayD<f64>, weights: &[f64]) -> f64 {
    features
        .iter()
        .zip(weights)
        .map(|(value, w)| value * w)
        .sum()
}

#[test]
fn gradients_of_images_are_difference_quotients() {
    let device = Device::flex().autodiff();
    for (tying, start, shape, average) in [
        (Tying::PerWavelet, Start::Standard, [16, 20], Average::Local),
        (
            Tying::Equivariant,
            Start::Standard,
            [16, 16],
            Average::Global,
        ),
        (
            Tying::PerWavelet,
            Start::Random { seed: 3 },
            [16, 16],
            Average::Local,
        ),
        (
            Tying::Equivariant,
            Start::Random { seed: 4 },
            [20, 16],
            Average::Local,
        ),
    ] {
        let params = Scattering2d::params(shape, 2).L(3).average(average);
        let layer = ScatteringLayer2d::new(&params, tying, start, &device).unwrap();
        let at = numbers(layer.numbers.val());
        let rows = if tying == Tying::PerWavelet {
            2 * 2 * 3
        } else {
            2 * 2
        };
        assert_eq!(layer.numbers.dims(), [rows, 4]);

        let dims = [2, 2, shape[0], shape[1]];
        let x = noise(dims.iter().product(), 7);
        let images = tensor(&x, dims, &device).require_grad();
        let features = layer.forward(images.clone()).unwrap();
        let w = noise(features.dims().iter().product(), 8);
        let weights = tensor(&w, features.dims(), &device);
        let gradients = (features * weights).sum().backward();

        let x: Vec<f64> = numbers(images.clone());
        let loss = |x: &[f64], at: &[f64]| {
            let x = Array4::from_shape_vec(dims, x.to_vec()).unwrap();
            let plan = plan_2d(&params, &wavelets_2d(&params, tying, at));
            weighted(plan.transform(&x).unwrap().into_array(), &w)
        };
        let of_numbers = numbers(layer.numbers.grad(&gradients).unwrap());
        let expected = differences(&at, 1e-6, |at| loss(&x, at));
        // Each kind of number has its own size.
        for kind in 0..4 {
            let of_kind = |all: &[f64]| {
                all.iter()
                    .skip(kind)
                    .step_by(4)
                    .copied()
                    .collect::<Vec<_>>()
            };
            let what = format!("{tying:?}, {start:?}, number {kind} of wavelets");
            assert_close(&of_kind(&of_numbers), &of_kind(&expected), 1e-3, &what);
        }
        let plan = plan_2d(&params, &wavelets_2d(&params, tying, &at));
        let of_x = |x: &[f64]| {
            let x = Array4::from_shape_vec(dims, x.to_vec()).unwrap();
            weighted(plan.transform(&x).unwrap().into_array(), &w)
        };
        let of_inputs = numbers(images.grad(&gradients).unwrap());
        assert_close(&of_inputs, &differences(&x, 1e-6, of_x), 1e-3, "pixels");
    }
}

#[test]
fn gradients_of_signals_are_difference_quotients() {
    let device = Device::flex().autodiff();
    for params in [
        Scattering1d::params(100, 3).Q([2]),
        Scattering1d::params(64, 3).average(Average::Global),
    ] {
        let layer = ScatteringLayer1d::new(&params, &device).unwrap();
        let at = numbers(layer.numbers.val());
        let layers = layer.wavelets();
        let dims = [2, 2, params.len];
        let x = noise(dims.iter().product(), 5);
        let signals = tensor(&x, dims, &device).require_grad();
        let features = layer.forward(signals.clone()).unwrap();
        let w = noise(features.dims().iter().product(), 6);
        let weights = tensor(&w, features.dims(), &device);
        let gradients = (features * weights).sum().backward();

        let x: Vec<f64> = numbers(signals.clone());
        let loss = |x: &[f64], plan: &Scattering1d<f64>| {
            let x = Array3::from_shape_vec(dims, x.to_vec()).unwrap();
            weighted(plan.transform(&x).unwrap().into_array(), &w)
        };
        let expected = differences(&at, 1e-6, |at| loss(&x, &plan_1d(&params, &layers, at)));
        let of_numbers = numbers(layer.numbers.grad(&gradients).unwrap());
        for kind in 0..2 {
            let of_kind = |all: &[f64]| {
                all.iter()
                    .skip(kind)
                    .step_by(2)
                    .copied()
                    .collect::<Vec<_>>()
            };
            let what = format!("number {kind} of wavelets");
            assert_close(&of_kind(&of_numbers), &of_kind(&expected), 1e-3, &what);
        }
        let plan = plan_1d(&params, &layers, &at);
        let expected = differences(&x, 1e-6, |x| loss(x, &plan));
        let of_inputs = numbers(signals.grad(&gradients).unwrap());
        assert_close(&of_inputs, &expected, 1e-3, "samples");
    }
}

#[test]
fn outputs_are_those_of_the_transform() {
    // Learned or not, with a graph or without one; numbers of single precision move filters by 1e-7.
    let params = Scattering2d::params([24, 16], 3).L(4);
    let x = noise(2 * 3 * 24 * 16, 1);
    let array =
        Array4::from_shape_vec([2, 3, 24, 16], x.iter().map(|&v| v as f32).collect()).unwrap();
    for average in [Average::Local, Average::Global] {
        let params = params.clone().average(average);
        let expected = params
            .plan::<f32>()
            .unwrap()
            .transform(&array)
            .unwrap()
            .into_array();
        let expected: Vec<f64> = expected.iter().map(|&v| v.into()).collect();
        for (tying, device) in [
            (Tying::PerWavelet, Device::flex()),
            (Tying::Equivariant, Device::flex().autodiff()),
        ] {
            let layer = ScatteringLayer2d::new(&params, tying, Start::Standard, &device).unwrap();
            let features = layer.forward(tensor(&x, [2, 3, 24, 16], &device)).unwrap();
            let paths = params.plan::<f32>().unwrap().paths().len();
            let cells = if average == Average::Local {
                [3, 2]
            } else {
                [1, 1]
            };
            assert_eq!(features.dims(), [2, 3 * paths, cells[0], cells[1]]);
            assert_close(&numbers(features), &expected, 2e-6, "images");
        }
    }
    let params = Scattering1d::params(200, 4).Q([3]);
    let x = noise(2 * 200, 2);
    let array = Array3::from_shape_vec([2, 1, 200], x.iter().map(|&v| v as f32).collect()).unwrap();
    let expected = params
        .plan::<f32>()
        .unwrap()
        .transform(&array)
        .unwrap()
        .into_array();
    let expected: Vec<f64> = expected.iter().map(|&v| v.into()).collect();
    let layer = ScatteringLayer1d::new(&params, &Device::flex()).unwrap();
    let features = layer
        .forward(tensor(&x, [2, 1, 200], &Device::flex()))
        .unwrap();
    assert_close(&numbers(features), &expected, 1e-5, "signals");
}

#[test]
fn frozen_wavelets_have_no_gradient_and_pass_that_of_the_inputs_on() {
    let device = Device::flex().autodiff();
    let params = Scattering2d::params([16, 16], 2).L(2);
    let learned =
        ScatteringLayer2d::new(&params, Tying::PerWavelet, Start::Standard, &device).unwrap();
    let x = noise(256, 9);
    let of_inputs = [learned.clone(), learned.frozen()].map(|layer| {
        let images = tensor(&x, [1, 1, 16, 16], &device).require_grad();
        let features = layer.forward(images.clone()).unwrap();
        let gradients = features.powi_scalar(2).sum().backward();
        let learns = layer.numbers.grad(&gradients).is_some();
        (learns, numbers(images.grad(&gradients).unwrap()))
    });
    assert!(of_inputs[0].0 && !of_inputs[1].0);
    assert_eq!(of_inputs[0].1, of_inputs[1].1);
    let params = Scattering1d::params(64, 2);
    let layer = ScatteringLayer1d::new(&params, &device).unwrap().frozen();
    let signals = tensor(&x[..64], [1, 1, 64], &device).require_grad();
    let gradients = layer.forward(signals).unwrap().sum().backward();
    assert!(layer.numbers.grad(&gradients).is_none());
}

#[test]
fn numbers_are_brought_back_to_their_limits_after_a_step_and_refused_before() {
    let device = Device::flex().autodiff();
    for tying in [Tying::PerWavelet, Tying::Equivariant] {
        let params = Scattering2d::params([16, 16], 2).L(4);
        let layer = ScatteringLayer2d::new(&params, tying, Start::Standard, &device).unwrap();
        let images = || tensor(&noise(256, 11), [1, 1, 16, 16], &device);
        let features = layer.forward(images()).unwrap();
        let gradients = GradientsParams::from_grads(features.sum().backward(), &layer);
        let layer = SgdConfig::new().init().step(1e3, layer, gradients);
        assert!(matches!(
            layer.forward(images()),
            Err(Error::InvalidParameter { .. })
        ));

        let layer = layer.projected();
        let side = params.padded_shape().unwrap()[0] as f64;
        let wavelets = layer.wavelets();
        for psi in wavelets.iter().flatten() {
            assert!(psi.xi >= 0.999 / side && psi.xi <= 0.5, "{psi:?}");
            assert!(
                psi.sigma > 0.0 && psi.sigma <= 0.5 && psi.slant > 0.0 && psi.slant <= 10.0,
                "{psi:?}"
            );
        }
        // It learns on from there.
        let features = layer.forward(images()).unwrap();
        let gradients = features.sum().backward();
        assert!(layer.numbers.grad(&gradients).is_some());
        let again = layer.clone().projected();
        assert_eq!(numbers(again.numbers.val()), numbers(layer.numbers.val()));
    }
    let layer = ScatteringLayer1d::new(&Scattering1d::params(64, 3), &device).unwrap();
    let signals = || tensor(&noise(64, 12), [1, 1, 64], &device);
    let gradients = layer.forward(signals()).unwrap().sum().backward();
    let gradients = GradientsParams::from_grads(gradients, &layer);
    let layer = SgdConfig::new()
        .init()
        .step(1e3, layer, gradients)
        .projected();
    assert!(
        layer
            .wavelets()
            .iter()
            .flatten()
            .all(|psi| psi.xi > 0.0 && psi.xi <= 0.5 && psi.sigma > 0.0)
    );
    assert!(layer.forward(signals()).is_ok());
}

#[test]
fn orientations_of_an_equivariant_layer_stay_as_far_apart_as_they_are() {
    let params = Scattering2d::params([16, 16], 2).L(4);
    let start = Start::Random { seed: 1 };
    let layer =
        ScatteringLayer2d::new(&params, Tying::Equivariant, start, &Device::flex()).unwrap();
    for (layer, wavelets) in layer.wavelets().iter().enumerate() {
        for scale in wavelets.chunks(4) {
            for pair in scale.windows(2) {
                let apart = (pair[0].direction - pair[1].direction).rem_euclid(TAU);
                assert!((apart - TAU / 8.0).abs() < 1e-6, "layer {layer}: {apart}");
                assert_eq!(
                    (pair[0].xi, pair[0].sigma, pair[0].slant),
                    (pair[1].xi, pair[1].sigma, pair[1].slant)
                );
            }
        }
    }
}

#[test]
fn random_numbers_are_within_their_ranges_and_those_of_their_seed() {
    let params = Scattering2d::params([32, 32], 3).L(8);
    let of = |seed| {
        let start = Start::Random { seed };
        let layer =
            ScatteringLayer2d::new(&params, Tying::PerWavelet, start, &Device::flex()).unwrap();
        Array2::from_shape_vec([2 * 3 * 8, 4], numbers(layer.numbers.val())).unwrap()
    };
    assert_eq!(of(5), of(5));
    assert_ne!(of(5), of(6));
    // 1/(2π·sigma) = ln u lies in [1, 5] pixels.
    let ranges = [
        [0.0, TAU],
        [0.5 / TAU, 1.0 / TAU],
        [1.0 / (5.0 * TAU), 1.0 / TAU],
        [0.5, 1.5],
    ];
    for (column, [least, most]) in of(5).columns().into_iter().zip(ranges) {
        let within = |&v: &f64| v >= least - 1e-6 && v <= most + 1e-6;
        assert!(column.iter().all(within), "{column}");
        let spread =
            column.fold(0.0, |m: f64, v| m.max(*v)) - column.fold(f64::MAX, |m, v| m.min(*v));
        assert!(spread > 0.3 * (most - least), "{column}");
    }
}

#[test]
fn what_cannot_be_is_refused_and_never_a_panic() {
    let device = Device::flex().autodiff();
    let params = Scattering2d::params([16, 16], 2).L(4);
    let layer = |params: &Scattering2dParams| {
        ScatteringLayer2d::new(params, Tying::PerWavelet, Start::Standard, &device)
    };
    for bad in [
        params.clone().max_order(0),
        params.clone().average(Average::None),
        params.clone().normalization(Normalization::Contractive),
        params.clone().L(0),
        Scattering2d::params([16, 16], 9),
        Scattering2d::params([16, 0], 2),
    ] {
        assert!(layer(&bad).is_err(), "{bad:?}");
    }
    let params_1d = Scattering1d::params(64, 3);
    for bad in [
        params_1d.clone().max_order(0),
        params_1d.clone().max_order(usize::MAX),
        params_1d.clone().average(Average::None),
        params_1d.clone().normalization(Normalization::Contractive),
        params_1d.clone().Q([0]),
        Scattering1d::params(0, 3),
    ] {
        assert!(ScatteringLayer1d::new(&bad, &device).is_err(), "{bad:?}");
    }
    let layer = layer(&params).unwrap();
    let wrong = layer.forward(tensor(&noise(12 * 16, 1), [1, 1, 12, 16], &device));
    assert!(matches!(wrong, Err(Error::WrongShape { .. })));
    let infinite = Tensor::<4>::full([1, 1, 16, 16], f32::INFINITY, &device);
    assert!(matches!(
        layer.forward(infinite),
        Err(Error::NotFinite { .. })
    ));
    // A loss that is infinite has gradients that are no numbers, and a layer of them refuses to go on.
    let features = layer
        .forward(tensor(&noise(256, 1), [1, 1, 16, 16], &device))
        .unwrap();
    let gradients =
        GradientsParams::from_grads((features * f32::INFINITY).sum().backward(), &layer);
    let layer = SgdConfig::new()
        .init()
        .step(0.1, layer, gradients)
        .projected();
    assert!(
        layer
            .forward(tensor(&noise(256, 1), [1, 1, 16, 16], &device))
            .is_err()
    );
    assert_eq!(layer.num_params(), 64);
}
