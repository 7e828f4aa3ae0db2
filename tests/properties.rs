//! What must hold for every image, size and setting, by the mathematics.

#![allow(non_snake_case)]

mod isa;

use std::f64::consts::PI;

use isa::isa;
use ndarray::{Array2, ArrayD, Axis};
use proptest::prelude::*;
use wavelet_scattering::filters::{FilterBank2d, Normalization};
use wavelet_scattering::num::relative_error;
use wavelet_scattering::scattering::{Average, Scattering2dParams};
use wavelet_scattering::signal::Padding;
use wavelet_scattering::signal::pad::AxisPadding;
use wavelet_scattering::{Error, Features, Scattering2d};

/// White noise from a seed.
fn noise(shape: [usize; 2], seed: u64) -> Array2<f64> {
    let mut state = seed | 1;
    Array2::from_shape_simple_fn(shape, || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    })
}

fn transform(params: &Scattering2dParams, x: &Array2<f64>) -> Features<f64> {
    let params = params.clone().isa(isa());
    params.plan::<f64>().unwrap().transform(x).unwrap()
}

/// Rows of order 1 and above.
fn moduli(features: &Features<f64>) -> ArrayD<f64> {
    let rows: Vec<usize> = (1..features.paths().len()).collect();
    features.array().select(Axis(0), &rows)
}

fn norm<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values
        .into_iter()
        .map(|value| value * value)
        .sum::<f64>()
        .sqrt()
}

fn shift(x: &Array2<f64>, by: [usize; 2]) -> Array2<f64> {
    let [n0, n1] = [x.nrows(), x.ncols()];
    Array2::from_shape_fn([n0, n1], |(i, k)| {
        x[[(i + n0 - by[0]) % n0, (k + n1 - by[1]) % n1]]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_wavelet_has_zero_mean(
        shape in prop::array::uniform2(1_usize..70),
        J in 1_usize..6,
        L in 1_usize..10,
    ) {
        let bank = FilterBank2d::params(shape, J).L(L).build::<f64>().unwrap();
        for (j, l) in (0..J).flat_map(|j| (0..L).map(move |l| (j, l))) {
            let psi = bank.psi_in_space(j, l);
            let absolute: f64 = psi.iter().map(|value| value.norm()).sum();
            prop_assert!(psi.sum().norm() <= 1e-13 * absolute.max(1.0));
        }
    }

    #[test]
    fn a_shift_by_a_whole_stride_shifts_the_features_of_a_torus(
        J in 1_usize..4,
        sides in prop::array::uniform2(1_usize..5),
        by in prop::array::uniform2(0_usize..5),
        oversampling in 0_usize..3,
        seed in any::<u64>(),
    ) {
        let shape = sides.map(|side| side << J);
        let oversampling = oversampling.min(J);
        let params = Scattering2d::params(shape, J).L(4).padding(Padding::Periodic).oversampling(oversampling);
        let x = noise(shape, seed);
        let still = transform(&params, &x);
        let pixels = [(by[0] << J) % shape[0], (by[1] << J) % shape[1]];
        let moved = transform(&params, &shift(&x, pixels));
        for row in 0..still.paths().len() {
            let [still, moved] = [&still, &moved].map(|features| {
                features.path(row).into_dimensionality::<ndarray::Ix2>().unwrap().to_owned()
            });
            let by = [(by[0] << oversampling) % still.nrows(), (by[1] << oversampling) % still.ncols()];
            let expected = shift(&still, by);
            prop_assert!(relative_error(moved, expected) < 1e-10);
        }
    }

    #[test]
    fn order_one_and_above_is_homogeneous(
        seed in any::<u64>(),
        factor in prop_oneof![-1e3_f64..1e3, Just(0.0), Just(1e-300), Just(-1e300)],
    ) {
        let params = Scattering2d::params([19, 24], 2).L(3);
        let x = noise([19, 24], seed);
        let plain = moduli(&transform(&params, &x)) * factor.abs();
        let scaled = moduli(&transform(&params, &(x * factor)));
        prop_assert!(relative_error(scaled / factor.abs().max(1e-300), plain / factor.abs().max(1e-300)) < 1e-12);
    }

    #[test]
    fn a_constant_does_not_reach_order_one(
        seed in any::<u64>(),
        constant in -1e6_f64..1e6,
        padding in prop::sample::select(vec![Padding::Reflect, Padding::Symmetric, Padding::Periodic, Padding::PrePadded]),
    ) {
        let params = Scattering2d::params([24, 32], 3).L(4).padding(padding);
        let x = noise([24, 32], seed);
        let plain = moduli(&transform(&params, &x));
        let raised = moduli(&transform(&params, &(x + constant)));
        let largest = (plain - raised).iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        prop_assert!(largest <= 1e-14 * constant.abs().max(1.0), "{largest:e} after adding {constant:e}");
    }

    #[test]
    fn the_contractive_transform_never_moves_features_further_than_pixels(
        J in 1_usize..4,
        L in 1_usize..9,
        max_order in 0_usize..4,
        full in any::<bool>(),
        padding in prop::sample::select(vec![Padding::Reflect, Padding::Symmetric, Padding::Zero, Padding::Periodic]),
        sides in prop::array::uniform2(1_usize..4),
        extra in prop::array::uniform2(0_usize..6),
        seeds in prop::array::uniform2(any::<u64>()),
        amount in 1e-3_f64..1.0,
    ) {
        let extra = if padding == Padding::Periodic { [0, 0] } else { extra };
        let shape = [(sides[0] << J) + extra[0], (sides[1] << J) + extra[1]];
        let params = Scattering2d::params(shape, J)
            .L(L)
            .max_order(max_order)
            .padding(padding)
            .oversampling(if full { J } else { 0 })
            .normalization(Normalization::Contractive);
        let x = noise(shape, seeds[0]);
        let y = &x + &(noise(shape, seeds[1]) * amount);
        let axes = [0, 1].map(|axis| AxisPadding::new(padding, J, axis, shape[axis]).unwrap());
        let difference = &x - &y;
        let pixels = axes[0].source().iter().flat_map(|i| axes[1].source().iter().map(move |k| (i, k)));
        let pixels: Vec<f64> = pixels.map(|(i, k)| i.zip(*k).map_or(0.0, |(i, k)| difference[[i, k]])).collect();
        let features = transform(&params, &x).into_array() - transform(&params, &y).into_array();
        prop_assert!(norm(&features) <= norm(&pixels) * (1.0 + 1e-12), "{} > {}", norm(&features), norm(&pixels));
    }

    #[test]
    fn any_request_gives_the_documented_shape_or_a_clear_error(
        shape in prop::array::uniform2(0_usize..90),
        J in 0_usize..9,
        L in 0_usize..5,
        max_order in 0_usize..5,
        oversampling in 0_usize..9,
        average in prop::sample::select(vec![Average::Local, Average::Global, Average::None]),
        padding in prop::sample::select(vec![
            Padding::Reflect, Padding::Symmetric, Padding::Zero, Padding::Periodic, Padding::PrePadded,
        ]),
    ) {
        let params = Scattering2d::params(shape, J)
            .L(L)
            .max_order(max_order.min(3))
            .oversampling(oversampling)
            .average(average)
            .padding(padding)
            .isa(isa());
        let least = if padding == Padding::PrePadded { 3 << J } else { 1 << J };
        let aligned = matches!(padding, Padding::Periodic | Padding::PrePadded);
        match params.plan::<f64>() {
            Ok(plan) => {
                let inside = |n: usize| if padding == Padding::PrePadded { n - (2 << J) } else { n };
                let [n0, n1] = shape.map(inside);
                let paths = plan.paths().len();
                let expected = match average {
                    Average::Local => vec![paths, (n0 >> J) << oversampling, (n1 >> J) << oversampling],
                    Average::Global => vec![paths],
                    Average::None => {
                        prop_assert_eq!(plan.path_shape(0), [n0, n1]);
                        let lengths = (0..paths).map(|row| plan.path_shape(row).iter().product::<usize>());
                        vec![lengths.sum()]
                    }
                };
                let x = noise(shape, 1);
                let features = plan.transform(&x).unwrap();
                prop_assert_eq!(features.array().shape(), expected);
                prop_assert!(features.array().iter().all(|value| value.is_finite()));
                prop_assert!(features.path(paths - 1).len() == plan.path_shape(paths - 1).iter().product::<usize>());
            }
            Err(Error::InvalidParameter { name, .. }) => {
                prop_assert!(matches!((name, J, L), ("J", 0, _) | ("L", _, 0)) || name == "oversampling" && oversampling > J);
            }
            Err(Error::Empty { .. }) => prop_assert!(shape.contains(&0)),
            Err(Error::ScaleTooLarge { .. }) => prop_assert!(shape.iter().any(|&n| n < least)),
            Err(Error::NotMultiple { .. }) => prop_assert!(aligned && shape.iter().any(|n| n % (1 << J) != 0)),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn a_longer_cascade_begins_with_the_shorter_one(seed in any::<u64>(), order in 0_usize..4) {
        let x = noise([32, 24], seed);
        let params = Scattering2d::params([32, 24], 3).L(2);
        let short = transform(&params.clone().max_order(order), &x).into_array();
        let long = transform(&params.max_order(4), &x).into_array();
        prop_assert_eq!(&short, &long.slice_axis(Axis(0), (..short.len_of(Axis(0))).into()));
    }
}

/// |f(u − τ(u)) − f| is large where texture is fine; its scattering moves by about |∇τ| only.
#[test]
fn a_small_deformation_moves_features_less_than_pixels() {
    let n = 64;
    let image = |warp: f64| {
        Array2::from_shape_fn([n, n], |(i, k)| {
            let (u, v) = (i as f64, k as f64);
            let u = u + warp * (2.0 * PI * v / n as f64).sin();
            (2.0 * PI * 0.22 * u).sin() + (2.0 * PI * (0.15 * u + 0.2 * v)).cos()
        })
    };
    let params = Scattering2d::params([n, n], 4).normalization(Normalization::Contractive);
    let (still, moved) = (image(0.0), image(1.0));
    let (s, t) = (transform(&params, &still), transform(&params, &moved));
    let pixels = relative_error(moved, still);
    let features = relative_error(t.into_array(), s.into_array());
    assert!(
        pixels > 0.5 && features < pixels / 5.0,
        "pixels move by {pixels:.3}, features by {features:.3}"
    );
}
