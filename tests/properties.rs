//! What must hold for every image, size and setting, by the mathematics.

#![allow(non_snake_case)]

mod isa;

use std::f64::consts::PI;

use isa::isa;
use ndarray::{Array2, ArrayD, Axis};
use proptest::prelude::*;
use wavelet_scattering::filters::{
    ArrayBank2d, FilterBank, FilterBank2d, FilterBank2dParams, Normalization,
};
use wavelet_scattering::num::{Complex, Real, relative_error};
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

/// The bank that a caller makes of all arrays of a built one is the same in every value.
fn made_of_its_own_arrays<T: Real>(params: &FilterBank2dParams) -> Result<(), TestCaseError> {
    let built = params.build::<T>().unwrap();
    let [psi, phi] = [
        built.psi_hats().unwrap().into_dyn(),
        built.phi_hat().into_dyn(),
    ];
    let psi = psi.view().into_dimensionality().unwrap();
    let phi = phi.view().into_dimensionality().unwrap();
    let own = ArrayBank2d::<T>::from_fourier(psi, phi, built.wavelets()).unwrap();
    let furthest = own.phi_hat() - phi;
    let furthest = furthest
        .iter()
        .fold(0.0_f64, |max, value| max.max(value.widen().abs()));
    prop_assert!(furthest <= 4.0 * T::epsilon().widen(), "{furthest:e}");

    let [n0, n1] = params.shape;
    let factors = [built.low_pass(0, n0), built.low_pass(1, n1)];
    let own = own.low_pass_factors(factors).unwrap();
    for lambda in 0..built.wavelets().len() {
        prop_assert_eq!(
            own.members(lambda),
            built.members(lambda),
            "wavelet {}",
            lambda
        );
    }
    prop_assert_eq!(own.wavelets(), built.wavelets());
    prop_assert_eq!(own.phi_hat(), built.phi_hat());
    prop_assert_eq!(own.bytes(), built.bytes());
    prop_assert_eq!(own.frame_bounds(), built.frame_bounds());
    for level in 0..=params.J {
        prop_assert_eq!(
            own.littlewood_paley(level),
            built.littlewood_paley(level),
            "level {}",
            level
        );
    }
    Ok(())
}

/// The inverse DFT of a real spectrum at one sample, by its definition.
fn inverse_at(hat: &Array2<f64>, u: [usize; 2]) -> Complex<f64> {
    let [n0, n1] = [hat.nrows(), hat.ncols()];
    let sum: Complex<f64> = hat
        .indexed_iter()
        .map(|((k0, k1), &value)| {
            let turns = (k0 * u[0] % n0) as f64 / n0 as f64 + (k1 * u[1] % n1) as f64 / n1 as f64;
            Complex::from_polar(value, 2.0 * PI * turns)
        })
        .sum();
    sum / hat.len() as f64
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
    fn a_bank_made_of_the_arrays_of_another_is_the_same_bank(
        shape in prop::array::uniform2(8_usize..60),
        J in 1_usize..4,
        L in 1_usize..10,
        contractive in any::<bool>(),
    ) {
        let normalization = if contractive { Normalization::Contractive } else { Normalization::Plain };
        let params = FilterBank2d::params(shape, J).L(L).normalization(normalization);
        made_of_its_own_arrays::<f32>(&params)?;
        made_of_its_own_arrays::<f64>(&params)?;
    }

    #[test]
    fn filters_go_to_space_and_back(
        shape in prop::array::uniform2(8_usize..40),
        J in 1_usize..4,
        L in 1_usize..6,
    ) {
        let built = FilterBank2d::params(shape, J).L(L).build::<f64>().unwrap();
        let psi = built.psis_in_space().unwrap();
        let own = ArrayBank2d::<f64>::from_space(psi.view(), built.phi_in_space().view(), built.wavelets()).unwrap();
        prop_assert!(relative_error(own.psi_hats().unwrap(), built.psi_hats().unwrap()) < 1e-14);
        prop_assert!(relative_error(own.phi_hat(), built.phi_hat()) < 1e-14);
    }

    #[test]
    fn arrays_of_filters_are_what_their_definitions_say(
        shape in prop::array::uniform2(1_usize..24),
        J in 1_usize..4,
        L in 1_usize..6,
        at in prop::array::uniform2(0_usize..24),
        sides in prop::array::uniform2(1_usize..24),
    ) {
        let bank = FilterBank2d::params(shape, J).L(L).build::<f64>().unwrap();
        let u = [at[0] % shape[0], at[1] % shape[1]];
        let sides = [1 + sides[0] % shape[0], 1 + sides[1] % shape[1]];
        let phi_at = inverse_at(&bank.phi_hat(), u);
        prop_assert!((phi_at - bank.phi_in_space()[u]).norm() < 1e-14);

        let (hats, psis) = (bank.psi_hats().unwrap(), bank.psis_in_space().unwrap());
        prop_assert_eq!(hats.shape(), [J * L, shape[0], shape[1]]);
        for lambda in 0..J * L {
            let psi = bank.psi(lambda / L, lambda % L);
            let hat = psi.to_array(0).unwrap();
            prop_assert_eq!(hats.index_axis(Axis(0), lambda), hat.view());
            prop_assert_eq!(psis.index_axis(Axis(0), lambda), psi.in_space());
            prop_assert!((psis[[lambda, u[0], u[1]]] - inverse_at(&hat, u)).norm() < 1e-14);

            let kernel = psi.kernel(sides).unwrap();
            prop_assert_eq!(kernel.shape(), sides);
            for ((i, k), &value) in kernel.indexed_iter() {
                let [i, k] = [(i + shape[0] - sides[0] / 2) % shape[0], (k + shape[1] - sides[1] / 2) % shape[1]];
                prop_assert_eq!(value, psis[[lambda, i, k]]);
            }
            prop_assert!(psi.kernel([shape[0] + 1, 1]).is_err());
            prop_assert!(psi.kernel([1, 0]).is_err());
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
        let [rows, columns] = axes.each_ref().map(|axis| (0..axis.padded).map(|i| axis.source(i)).collect::<Vec<_>>());
        let pixels = rows.iter().flat_map(|i| columns.iter().map(move |k| (i, k)));
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
                    Average::Global | Average::Sum => vec![paths],
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

/// The peak of ψ̂ lies at the wave vector, not at its mirror image, for every orientation; a Morlet's within 3 % above it.
#[test]
fn psi_hat_peaks_at_the_wave_vector() {
    const N: usize = 128;
    for L in 1..10 {
        let bank = FilterBank2d::params([N, N], 3).L(L).build::<f64>().unwrap();
        for wavelet in bank.wavelets().iter().filter(|wavelet| wavelet.j == 2) {
            let hat = bank.psi(wavelet.j, wavelet.l).to_array(0).unwrap();
            let ((k0, k1), _) = hat
                .indexed_iter()
                .max_by(|(_, a), (_, b)| a.total_cmp(b))
                .unwrap();
            let [omega0, omega1] = [k0, k1].map(|k| {
                let signed = if k < N / 2 {
                    k as f64
                } else {
                    k as f64 - N as f64
                };
                signed / N as f64
            });
            let [expected0, expected1] = wavelet.wave_vector();
            let distance = (omega0 - expected0).hypot(omega1 - expected1);
            assert!(
                distance < 0.03 * wavelet.xi + 1.0 / N as f64,
                "{wavelet:?}: {omega0}, {omega1}"
            );
            let apart = (wavelet.direction - wavelet.theta).rem_euclid(PI);
            assert!(apart.min(PI - apart) < 1e-12, "{wavelet:?}");
            assert!(-PI < wavelet.direction && wavelet.direction <= PI);
        }
    }
}
