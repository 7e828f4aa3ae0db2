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

/// A Gabor in space: shifted copies of exp(−[u² + slant²·v²]/(2σ²) + iξu)·slant/(2πσ²), origin at [0, 0], all those that
/// reach the grid within 9 standard deviations: what is further away is below 3·10⁻¹⁸ of the peak.
fn gabor(shape: [usize; 2], angle: f64, xi: f64, sigma: f64, slant: f64) -> Plane {
    let (sin, cos) = angle.sin_cos();
    let scale = slant / (2.0 * PI * sigma * sigma);
    let reach = 9.0 * sigma * f64::max(1.0, 1.0 / slant);
    let copies = shape.map(|n| 1 + (reach / n as f64).ceil() as i32);
    Array2::from_shape_fn(shape, |(i, k)| {
        let mut sum = Complex::new(0.0, 0.0);
        for a in -copies[0]..=copies[0] {
            for b in -copies[1]..=copies[1] {
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

/// U of a path, on the padded image.
struct Modulus {
    order: usize,
    level: usize,
    U: Plane,
}

/// U of every path, by order then lexicographically, and what is kept of them.
struct Cascade {
    params: Scattering2dParams,
    /// The samples of the padded image, along each axis, that lie on the image.
    inside: [std::ops::Range<usize>; 2],
    phi: Plane,
    moduli: Vec<Modulus>,
}

impl Cascade {
    fn new(x: &Array2<f64>, params: &Scattering2dParams) -> Self {
        let (J, L) = (params.J, params.L);
        let stride = 1 << J;
        let padded = |n: usize| match params.padding {
            Padding::Periodic | Padding::PrePadded => n,
            _ => (n / stride + 2) * stride,
        };
        let (n, shape) = ([x.nrows(), x.ncols()], [x.nrows(), x.ncols()].map(padded));
        let before = [(shape[0] - n[0]) / 2, (shape[1] - n[1]) / 2];
        let x = Array2::from_shape_fn(shape, |(i, k)| {
            let at = |i: usize, axis: usize| {
                beyond(
                    params.padding,
                    i as i64 - before[axis] as i64,
                    n[axis] as i64,
                )
            };
            Complex::new(at(i, 0).zip(at(k, 1)).map_or(0.0, |(i, k)| x[[i, k]]), 0.0)
        });
        let inside = [0, 1].map(|axis| match params.padding {
            Padding::PrePadded => stride..n[axis] - stride,
            _ => before[axis]..before[axis] + n[axis],
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

        let level = |j: usize| j.saturating_sub(params.oversampling);
        let mut moduli = vec![Modulus {
            order: 0,
            level: 0,
            U: x,
        }];
        // The last scale of every path of an order, and where its U stands.
        let mut parents: Vec<(Option<usize>, usize)> = vec![(None, 0)];
        for order in 1..=params.max_order {
            let mut children = Vec::new();
            for &(last, parent) in &parents {
                let from = moduli[parent].level;
                let u_hat = dft(&moduli[parent].U, -1.0);
                for (j, psi) in psi
                    .iter()
                    .filter(|(j, _)| last.is_none_or(|last| *j > last))
                {
                    let wavelet = inverse(&(&u_hat * &crop(psi, from)));
                    let U = subsample(&wavelet, level(*j) - from)
                        .mapv(|value| Complex::new(value.norm(), 0.0));
                    children.push((Some(*j), moduli.len()));
                    moduli.push(Modulus {
                        order,
                        level: level(*j),
                        U,
                    });
                }
            }
            parents = children;
        }
        Self {
            params: params.clone(),
            inside,
            phi,
            moduli,
        }
    }

    /// U ⋆ φ, every 2^J-th sample, or every 2^(J − oversampling)-th.
    fn average(&self, Modulus { level, U, .. }: &Modulus) -> Array2<f64> {
        let Scattering2dParams {
            J, oversampling, ..
        } = self.params;
        let smooth = inverse(&(dft(U, -1.0) * crop(&self.phi, *level)));
        let kept = subsample(&smooth, J - oversampling - level);
        let margin = match self.params.padding {
            Padding::Periodic => 0,
            _ => 1 << oversampling,
        };
        let [h, w] = [kept.nrows() - 2 * margin, kept.ncols() - 2 * margin];
        Array2::from_shape_fn([h, w], |(i, k)| kept[[i + margin, k + margin]].re)
    }

    /// U at the pixels of the image among those that its level has, which are the multiples of 2^level of the padded one.
    fn on_image(&self, Modulus { level, U, .. }: &Modulus) -> Array2<f64> {
        let [rows, columns] = [0, 1].map(|axis| -> Vec<usize> {
            let n = U.shape()[axis];
            (0..n)
                .filter(|i| self.inside[axis].contains(&(i << level)))
                .collect()
        });
        Array2::from_shape_fn([rows.len(), columns.len()], |(i, k)| {
            U[[rows[i], columns[k]]].re
        })
    }

    /// Order and features of every path.
    fn rows(&self) -> Vec<(usize, Array2<f64>)> {
        let kept = |modulus: &Modulus| match self.params.average {
            Average::Local => self.average(modulus),
            Average::None => self.on_image(modulus),
            Average::Global => Array2::from_elem([1, 1], self.on_image(modulus).mean().unwrap()),
            Average::Sum => unreachable!("images have no sums"),
        };
        self.moduli
            .iter()
            .map(|modulus| (modulus.order, kept(modulus)))
            .collect()
    }
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

/// Largest relative l2 error over the instruction sets and over runs of rows of the same key, made of row and order.
fn worst<T: Real>(
    x: &Array2<f64>,
    params: &Scattering2dParams,
    key: impl Fn(usize, usize) -> usize,
) -> f64 {
    let expected = Cascade::new(x, params).rows();
    let keys: Vec<_> = (expected.iter().enumerate())
        .map(|(row, (order, _))| key(row, *order))
        .collect();
    let mut worst = 0.0;
    for features in on_every_isa::<T>(x, params) {
        assert_eq!(features.paths().len(), expected.len());
        for (row, (_, expected)) in expected.iter().enumerate() {
            let of_row: &[usize] = match params.average {
                Average::Global | Average::Sum => &[],
                Average::Local | Average::None => expected.shape(),
            };
            assert_eq!(features.path(row).shape(), of_row, "row {row}");
        }
        for run in (0..expected.len())
            .collect::<Vec<_>>()
            .chunk_by(|&a, &b| keys[a] == keys[b])
        {
            let got = run
                .iter()
                .flat_map(|&row| features.path(row).iter().copied().collect::<Vec<T>>());
            let slow = run.iter().flat_map(|&row| expected[row].1.iter().copied());
            let error = relative_error(got, slow);
            assert!(!error.is_nan(), "{params:?}");
            worst = f64::max(worst, error);
        }
    }
    worst
}

/// In 32 bits each filter leaves out what lies below 1e-6 of its peak, and there are up to three of them on a path and
/// an average behind them; rounding, a few times 6e-8, adds little. (Seen: 7e-7.)
const SINGLE: f64 = 2e-6;

/// In 64 bits filters leave out 1e-15 of their peak, but the recurrence that computes their Gaussians may be wrong by 1e-13
/// of it, and the moduli of these images, of which most is mean, are a tenth of what goes in. (Seen: 3e-14.)
const DOUBLE: f64 = 1e-12;

/// Of whole orders.
fn worst_order<T: Real>(x: &Array2<f64>, params: &Scattering2dParams) -> f64 {
    worst::<T>(x, params, |_, order| order)
}

/// Of single paths.
fn worst_row<T: Real>(x: &Array2<f64>, params: &Scattering2dParams) -> f64 {
    worst::<T>(x, params, |row, _| row)
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
        prop_assert!(error < DOUBLE, "{params:?}: {error:e}");
        let x = x.mapv(|value| f64::from(value as f32));
        let error = worst_order::<f32>(&x, &params);
        prop_assert!(error < SINGLE, "{params:?}: {error:e}");
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
            assert!(error < DOUBLE, "{params:?}: {error:e}");
        }
    }
}

/// Nine orientations are more than half of 16 lanes, so that a vector holds one column instead of two; twenty are more
/// than all of them, and walk in two groups.
#[test]
fn more_orientations_than_lanes_equal_the_definition() {
    for (L, shape) in [(9, [13, 18]), (20, [17, 22])] {
        for average in [Average::Local, Average::Global, Average::None] {
            let params = Scattering2d::params(shape, 2).L(L).average(average);
            let x = texture(shape, 7);
            let error = worst_order::<f64>(&x, &params);
            assert!(error < DOUBLE, "{params:?}: {error:e}");
            let x = x.mapv(|value| f64::from(value as f32));
            let error = worst_order::<f32>(&x, &params);
            assert!(error < SINGLE, "{params:?}: {error:e}");
        }
    }
}

#[test]
fn moduli_and_their_means_equal_the_definition_row_by_row() {
    for padding in [
        Padding::Reflect,
        Padding::Symmetric,
        Padding::Zero,
        Padding::Periodic,
        Padding::PrePadded,
    ] {
        let shape = match padding {
            Padding::Periodic | Padding::PrePadded => [24, 16],
            _ => [19, 14],
        };
        for (average, oversampling) in [
            (Average::None, 0),
            (Average::None, 1),
            (Average::None, 2),
            (Average::Global, 0),
            (Average::Global, 1),
            (Average::Global, 2),
        ] {
            let params = Scattering2d::params(shape, 2)
                .L(3)
                .average(average)
                .oversampling(oversampling)
                .padding(padding);
            let x = texture(shape, 13);
            let error = worst_row::<f64>(&x, &params);
            assert!(error < DOUBLE, "{params:?}: {error:e}");
            let x = x.mapv(|value| f64::from(value as f32));
            let error = worst_row::<f32>(&x, &params);
            assert!(error < SINGLE, "{params:?}: {error:e}");
        }
    }
}

/// The mean of the subsampled modulus is near the mean over all pixels, and is it where nothing is subsampled.
#[test]
fn a_global_mean_is_over_all_pixels_where_oversampling_is_J() {
    let (shape, J) = ([37, 45], 3);
    let x = texture(shape, 21);
    let features = |average, oversampling| {
        let params = Scattering2d::params(shape, J).L(6).average(average);
        let plan = params.oversampling(oversampling).plan::<f64>().unwrap();
        plan.transform(&x).unwrap()
    };
    let moduli = features(Average::None, J);
    let [mean, subsampled] = [J, 0].map(|oversampling| features(Average::Global, oversampling));
    let mut largest: f64 = 0.0;
    for row in 0..mean.paths().len() {
        let pixels = moduli.path(row);
        assert_eq!(pixels.shape(), shape);
        let expected = pixels.mean().unwrap();
        let difference =
            |features: &Features<f64>| features.path(row).first().unwrap() / expected - 1.0;
        assert!(difference(&mean).abs() < 1e-12, "row {row}");
        largest = largest.max(difference(&subsampled).abs());
    }
    assert!((0.01..0.2).contains(&largest), "{largest}");
}

/// A sky: contrast 10⁻⁵ on a bright ground. The mean must not cost the moduli their digits.
#[test]
fn a_nearly_constant_image_keeps_single_precision() {
    let shape = [48, 40];
    let x = texture(shape, 9).mapv(|value| f64::from((0.7 + 1e-5 * value) as f32));
    let params = Scattering2d::params(shape, 3);
    let error = worst_order::<f32>(&x, &params);
    assert!(error < SINGLE, "{error:e}");
}

#[test]
fn amplitudes_at_the_ends_of_the_range_keep_single_precision() {
    let shape = [20, 23];
    let params = Scattering2d::params(shape, 2).L(4);
    for amplitude in [1e30, 1e-30] {
        let x = texture(shape, 3).mapv(|value| f64::from((amplitude * (value - 0.3)) as f32));
        let error = worst_order::<f32>(&x, &params);
        assert!(error < SINGLE, "{amplitude:e}: {error:e}");
    }
}

/// Below 2⁻¹²⁶ numbers of 32 bits stand 2⁻¹⁴⁹ apart: no coefficient is further from the definition than that.
#[test]
fn denormal_amplitudes_keep_what_denormals_can_tell() {
    let shape = [20, 23];
    let params = Scattering2d::params(shape, 2).L(4);
    let x = texture(shape, 3).mapv(|value| f64::from((1e-40 * (value - 0.3)) as f32));
    let expected = Cascade::new(&x, &params).rows();
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
