//! The transform against its definition, written out slowly: filters as sums of images in space, Fourier transforms as
//! sums, levels as blocks of dense spectra, in double precision and without a line of the library's.

#![allow(non_snake_case)]
#![allow(clippy::approx_constant)] // 3.1415 is what Kymatio has for pi

use std::f64::consts::PI;

use ndarray::{Array2, ArrayD};
use num_complex::Complex;
use proptest::prelude::*;
use wavelet_scattering::num::{Real, relative_error};
use wavelet_scattering::scattering::{Average, Features, Scattering2dParams};
use wavelet_scattering::signal::Padding;
use wavelet_scattering::{Isa, Result, Scattering2d};

type Plane = Array2<Complex<f64>>;

/// Σ_n x(n)·exp(sign·2πi·k·n/N) along both axes.
fn dft(x: &Plane, sign: f64) -> Plane {
    let wave = |n: usize| {
        Array2::from_shape_fn([n, n], |(k, m)| {
            Complex::cis(sign * 2.0 * PI * (k * m % n) as f64 / n as f64)
        })
    };
    wave(x.nrows()).dot(x).dot(&wave(x.ncols()))
}

fn inverse(x_hat: &Plane) -> Plane {
    dft(x_hat, 1.0) / Complex::new(x_hat.len() as f64, 0.0)
}

/// A Gabor in space: 25 shifted copies of exp(−[u² + slant²·v²]/(2σ²) + iξu)·slant/(2πσ²), origin at [0, 0].
fn gabor(shape: [usize; 2], angle: f64, xi: f64, sigma: f64, slant: f64) -> Plane {
    let (sin, cos) = angle.sin_cos();
    let scale = slant / (2.0 * PI * sigma * sigma);
    Array2::from_shape_fn(shape, |(i, k)| {
        let mut sum = Complex::new(0.0, 0.0);
        for a in -2..=2 {
            for b in -2..=2 {
                let u = i as f64 + f64::from(a) * shape[0] as f64;
                let v = k as f64 + f64::from(b) * shape[1] as f64;
                let (along, across) = (u * cos + v * sin, slant * (v * cos - u * sin));
                let envelope = (-(along * along + across * across) / (2.0 * sigma * sigma)).exp();
                sum += Complex::cis(xi * along) * envelope * scale;
            }
        }
        sum
    })
}

fn real(plane: Plane) -> Plane {
    plane.mapv(|value| Complex::new(value.re, 0.0))
}

/// The low-frequency block of a spectrum: rows and columns −n/2^(l+1) .. n/2^(l+1).
fn crop(spectrum: &Plane, level: usize) -> Plane {
    let [n0, n1] = [spectrum.nrows(), spectrum.ncols()];
    let [m0, m1] = [n0 >> level, n1 >> level];
    let from = |k: usize, m: usize, n: usize| if 2 * k < m { k } else { n - m + k };
    Array2::from_shape_fn([m0, m1], |(i, k)| {
        spectrum[[from(i, m0, n0), from(k, m1, n1)]]
    })
}

/// Every 2^levels-th sample.
fn subsample(plane: &Plane, levels: usize) -> Plane {
    plane
        .slice(ndarray::s![..;1 << levels, ..;1 << levels])
        .to_owned()
}

/// x(i) continued beyond the border by the rule, not by a formula for the period.
fn beyond(padding: Padding, mut i: i64, n: i64) -> Option<usize> {
    while !(0..n).contains(&i) {
        i = match padding {
            Padding::Reflect if i < 0 => -i,
            Padding::Reflect => 2 * (n - 1) - i,
            Padding::Symmetric if i < 0 => -1 - i,
            Padding::Symmetric => 2 * n - 1 - i,
            _ => return None,
        };
    }
    Some(i as usize)
}

/// Local averages of every path, by order then lexicographically: `[paths, H', W']`.
fn scattering(x: &Array2<f64>, params: &Scattering2dParams) -> Vec<(usize, Array2<f64>)> {
    let (J, L, o) = (params.J, params.L, params.oversampling);
    let stride = 1 << J;
    let unpadded = matches!(params.padding, Padding::Periodic | Padding::PrePadded);
    let padded = |n: usize| {
        if unpadded {
            n
        } else {
            (n / stride + 2) * stride
        }
    };
    let shape = [padded(x.nrows()), padded(x.ncols())];
    let before = [(shape[0] - x.nrows()) / 2, (shape[1] - x.ncols()) / 2];
    let x = Array2::from_shape_fn(shape, |(i, k)| {
        let i = beyond(
            params.padding,
            i as i64 - before[0] as i64,
            x.nrows() as i64,
        );
        let k = beyond(
            params.padding,
            k as i64 - before[1] as i64,
            x.ncols() as i64,
        );
        Complex::new(i.zip(k).map_or(0.0, |(i, k)| x[[i, k]]), 0.0)
    });

    let psi: Vec<(usize, Plane)> = (0..J)
        .flat_map(|j| (0..L).map(move |l| (j, l)))
        .map(|(j, l)| {
            let angle = ((L as f64 - L as f64 / 2.0 - 1.0).trunc() - l as f64) * PI / L as f64;
            let (xi, sigma, slant) = (
                0.75 * PI / (1 << j) as f64,
                0.8 * (1 << j) as f64,
                4.0 / L as f64,
            );
            let wave = gabor(shape, angle, xi, sigma, slant);
            let envelope = gabor(shape, angle, 0.0, sigma, slant);
            let kappa = wave.sum() / envelope.sum();
            (j, real(dft(&(wave - envelope * kappa), -1.0)))
        })
        .collect();
    let phi = real(dft(
        &gabor(shape, 0.0, 0.0, 0.8 * (1 << (J - 1)) as f64, 1.0),
        -1.0,
    ));

    let level = |j: Option<usize>| j.map_or(0, |j| j.saturating_sub(o));
    let margin = if params.padding == Padding::Periodic {
        0
    } else {
        1 << o
    };
    let average = |u: &Plane, last: Option<usize>| {
        let smooth = inverse(&(dft(u, -1.0) * crop(&phi, level(last))));
        let kept = subsample(&smooth, J - o - level(last));
        let [h, w] = [kept.nrows() - 2 * margin, kept.ncols() - 2 * margin];
        Array2::from_shape_fn([h, w], |(i, k)| kept[[i + margin, k + margin]].re)
    };

    let mut rows = vec![(0, average(&x, None))];
    let mut moduli: Vec<(Option<usize>, Plane)> = vec![(None, x)];
    for order in 1..=params.max_order {
        let mut next = Vec::new();
        for (last, u) in &moduli {
            let u_hat = dft(u, -1.0);
            for (j, psi) in psi
                .iter()
                .filter(|(j, _)| last.is_none_or(|last| *j > last))
            {
                let wavelet = inverse(&(&u_hat * &crop(psi, level(*last))));
                let u = subsample(&wavelet, level(Some(*j)) - level(*last));
                let u = u.mapv(|value| Complex::new(value.norm(), 0.0));
                rows.push((order, average(&u, Some(*j))));
                next.push((Some(*j), u));
            }
        }
        moduli = next;
    }
    rows
}

/// Features by every instruction set of this machine.
fn on_every_isa<T: Real>(x: &Array2<f64>, params: &Scattering2dParams) -> Vec<Features<T>> {
    let transform = |isa| {
        params
            .clone()
            .isa(isa)
            .plan()?
            .transform(&x.mapv(T::narrow))
    };
    let all: Result<Vec<_>> = Isa::available().map(transform).collect();
    all.unwrap()
}

/// Largest relative l2 error over the orders and instruction sets.
fn worst_order<T: Real>(x: &Array2<f64>, params: &Scattering2dParams) -> f64 {
    let expected = scattering(x, params);
    let all = on_every_isa::<T>(x, params);
    let orders = all
        .iter()
        .flat_map(|features| (0..=params.max_order).map(move |order| (features, order)));
    orders
        .map(|(features, order)| {
            assert_eq!(features.array().shape()[0], expected.len());
            assert_eq!(features.array().shape()[1..], *expected[0].1.shape());
            let rows = features.paths().rows_of_order(order);
            let got: Vec<T> = rows
                .flat_map(|row| features.path(row).iter().copied().collect::<Vec<_>>())
                .collect();
            let slow = expected
                .iter()
                .filter(|row| row.0 == order)
                .flat_map(|row| row.1.iter().copied());
            relative_error(got, slow)
        })
        .fold(0.0, f64::max)
}

fn texture(shape: [usize; 2], seed: u64) -> Array2<f64> {
    // xorshift: white noise, the same everywhere
    let mut state = seed | 1;
    Array2::from_shape_simple_fn(shape, || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_setting_equals_the_definition(
        J in 1_usize..=3,
        L in prop::sample::select(vec![1_usize, 2, 3, 4, 5, 8]),
        max_order in 0_usize..=3,
        oversampling in 0_usize..=3,
        padding in prop::sample::select(vec![Padding::Reflect, Padding::Symmetric, Padding::Zero]),
        extra in prop::array::uniform2(0_usize..14),
        seed in any::<u64>(),
    ) {
        let shape = extra.map(|extra| (1 << J) + extra);
        let params = Scattering2d::params(shape, J)
            .L(L)
            .max_order(max_order.min(if L > 4 { 2 } else { 3 }))
            .oversampling(oversampling.min(J))
            .padding(padding);
        // Orders above J have no rows.
        let params = params.clone().max_order(params.max_order.min(J));
        let x = texture(shape, seed);
        let error = worst_order::<f64>(&x, &params);
        prop_assert!(error < 1e-9, "{params:?}: {error:e}");
        let x = x.mapv(|value| f64::from(value as f32));
        let error = worst_order::<f32>(&x, &params);
        prop_assert!(error < 3e-6, "{params:?}: {error:e}");
    }
}

#[test]
fn images_that_are_not_padded_equal_the_definition() {
    for padding in [Padding::Periodic, Padding::PrePadded] {
        for oversampling in 0..=2 {
            let params = Scattering2d::params([24, 16], 2)
                .L(3)
                .padding(padding)
                .oversampling(oversampling);
            let error = worst_order::<f64>(&texture([24, 16], 5), &params);
            assert!(error < 1e-9, "{params:?}: {error:e}");
        }
    }
}

/// A sky: contrast 10⁻⁵ on a bright ground. The mean must not cost the moduli their digits.
#[test]
fn a_nearly_constant_image_keeps_single_precision() {
    let shape = [48, 40];
    let x = texture(shape, 9).mapv(|value| f64::from((0.7 + 1e-5 * value) as f32));
    let params = Scattering2d::params(shape, 3);
    let error = worst_order::<f32>(&x, &params);
    assert!(error < 3e-6, "{error:e}");
}

#[test]
fn amplitudes_at_the_ends_of_the_range_keep_single_precision() {
    let shape = [20, 23];
    let params = Scattering2d::params(shape, 2).L(4);
    for amplitude in [1e30, 1e-30] {
        let x = texture(shape, 3).mapv(|value| f64::from((amplitude * (value - 0.3)) as f32));
        let error = worst_order::<f32>(&x, &params);
        assert!(error < 3e-6, "{amplitude:e}: {error:e}");
    }
}

/// Below 2⁻¹²⁶ numbers of 32 bits stand 2⁻¹⁴⁹ apart: no coefficient is further from the definition than that.
#[test]
fn denormal_amplitudes_keep_what_denormals_can_tell() {
    let shape = [20, 23];
    let params = Scattering2d::params(shape, 2).L(4);
    let x = texture(shape, 3).mapv(|value| f64::from((1e-40 * (value - 0.3)) as f32));
    let expected = scattering(&x, &params);
    for features in on_every_isa::<f32>(&x, &params) {
        for (row, (_, expected)) in expected.iter().enumerate() {
            for (&got, &expected) in features.path(row).iter().zip(expected) {
                let error = (f64::from(got) - expected).abs();
                assert!(
                    error <= 2_f64.powi(-149),
                    "row {row}: {got:e}, {expected:e}"
                );
            }
        }
    }
}

/// The sky of a photograph: bright, with a gradient of a few grey values and faint noise.
#[test]
fn a_sky_keeps_the_digits_of_its_first_order() {
    let shape = [128, 96];
    let sky = |i: usize, noise: f64| 0.9 - 1e-4 * i as f64 + 1e-6 * noise;
    let x = texture(shape, 11);
    let x = Array2::from_shape_fn(shape, |(i, k)| f64::from(sky(i, x[[i, k]]) as f32));
    let params = Scattering2d::params(shape, 4);
    let exact = params.plan::<f64>().unwrap().transform(&x).unwrap();
    let first = exact.paths().rows_of_order(1);
    let largest = first
        .clone()
        .flat_map(|row| exact.path(row).iter().copied().collect::<Vec<_>>());
    let largest = largest.fold(0.0, f64::max);
    for features in on_every_isa::<f32>(&x, &params) {
        for row in first.start..exact.paths().len() {
            for (&got, &expected) in features.path(row).iter().zip(exact.path(row)) {
                let error = (f64::from(got) - expected).abs() / largest;
                assert!(error < 1e-5, "{}: {error:e}", exact.paths().name(row));
            }
        }
    }
}

/// Scalars of a 37 x 45 image, J = 3, L = 6, computed elsewhere by the definition in double precision with Kymatio's
/// 3.1415. They agree with ours to 3·10⁻⁸: rotations rounded to single precision, as Kymatio has them, do that much.
#[test]
fn golden_scalars_are_met() {
    let x = Array2::from_shape_fn([37, 45], |(i, j)| {
        let (i, j) = (i as f64, j as f64);
        (0.5 * i + 0.3 * j).sin() + 0.25 * (0.02 * i * j).cos()
    });
    let features = Scattering2d::params([37, 45], 3)
        .L(6)
        .plan::<f64>()
        .unwrap()
        .transform(&x)
        .unwrap();
    let mut s: ArrayD<f64> = features.array().clone();
    for (row, mut values) in s.outer_iter_mut().enumerate() {
        values *= (PI / 3.1415).powi(features.paths()[row].order() as i32 + 1);
    }
    assert_eq!(s.shape(), [127, 4, 5]);
    for (index, expected) in [
        ([0, 0, 0], 0.42793811342141674),
        ([1, 0, 0], 0.06643787891866625),
        ([10, 1, 2], 0.058128508429056265),
    ] {
        let error = (s[index] / expected - 1.0).abs();
        assert!(error < 5e-7, "{index:?}: {} is off by {error:e}", s[index]);
    }
    let error = (s.sum() / 55.42711864168341 - 1.0).abs();
    assert!(error < 5e-7, "the sum is off by {error:e}");
    // without averages, the mean over the image is the global mean
    let plan = |average| {
        Scattering2d::params([37, 45], 3)
            .L(6)
            .average(average)
            .plan::<f64>()
            .unwrap()
    };
    let moduli = plan(Average::None).transform(&x).unwrap().mean_over_space();
    let global = plan(Average::Global).transform(&x).unwrap();
    assert!(relative_error(moduli.into_array(), global.into_array()) < 1e-13);
}
