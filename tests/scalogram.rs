//! The scalogram against its definition, and back to the signal; its gradients against differences.

#![allow(non_snake_case)] // J and Q keep their case, as in the library

use std::f64::consts::PI;
use std::sync::Arc;

use ndarray::{Array1, Array2, Array3, ArrayD, Axis, s};
use proptest::prelude::*;
use wavelet_scattering::filters::{Family1d, FilterBank1d, Wavelet1d};
use wavelet_scattering::frames::{Rates, ScalogramParams};
use wavelet_scattering::num::{Complex, Real, relative_error};
use wavelet_scattering::{Average, Error, Padding, Scalogram, Scattering1d};

/// The same numbers on every machine, in [−1, 1).
fn noise(len: usize, seed: u64) -> Array1<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1;
    Array1::from_shape_fn(len, |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    })
}

fn as_f32(x: &Array1<f64>) -> Array1<f32> {
    x.mapv(|value| value as f32)
}

/// ψ(t) for 0 ≤ t < n by its formula in time, periodic; κ by the zero mean, ‖ψ‖₁ by its sum.
fn wavelet_in_time(xi: f64, sigma: f64, n: usize) -> Vec<Complex<f64>> {
    let periodic = |f: &dyn Fn(f64) -> Complex<f64>| -> Vec<Complex<f64>> {
        let periods = (2.0 / (sigma * n as f64)).ceil() as i64;
        let at = |t: usize| (-periods..=periods).map(move |m| t as f64 + (m * n as i64) as f64);
        (0..n).map(|t| at(t).map(f).sum()).collect()
    };
    let envelope = |t: f64| (-2.0 * (PI * sigma * t).powi(2)).exp();
    let wave = periodic(&|t| Complex::from_polar(envelope(t), 2.0 * PI * xi * t));
    let bump = periodic(&|t| envelope(t).into());
    let mean = |of: &[Complex<f64>]| of.iter().sum::<Complex<f64>>();
    let kappa = mean(&wave) / mean(&bump);
    let psi: Vec<_> = wave.iter().zip(&bump).map(|(w, b)| w - kappa * b).collect();
    let norm: f64 = psi.iter().map(|z| z.norm()).sum();
    psi.into_iter().map(|z| z / norm).collect()
}

/// φ(t): a Gaussian whose sum is 1.
fn low_pass_in_time(T: f64, n: usize) -> Vec<Complex<f64>> {
    let sigma = 0.1 / T;
    let at = |t: usize| (-20..=20_i64).map(move |m| t as f64 + (m * n as i64) as f64);
    let gauss = |t: f64| (-2.0 * (PI * sigma * t).powi(2)).exp();
    let phi: Vec<f64> = (0..n).map(|t| at(t).map(gauss).sum()).collect();
    let sum: f64 = phi.iter().sum();
    phi.into_iter().map(|value| (value / sum).into()).collect()
}

#[test]
fn coefficients_are_direct_convolutions_in_time() {
    let (len, J, Q) = (45, 3, 4);
    let x = noise(len, 1);
    for (padding, source) in [
        (
            Padding::Reflect,
            Box::new(|i: i64| {
                let i = i.rem_euclid(2 * 44);
                Some(i.min(88 - i) as usize)
            }) as Box<dyn Fn(i64) -> Option<usize>>,
        ),
        (
            Padding::Symmetric,
            Box::new(|i: i64| {
                let i = i.rem_euclid(90);
                Some(i.min(89 - i) as usize)
            }),
        ),
        (
            Padding::Zero,
            Box::new(|i: i64| (0..45).contains(&i).then_some(i as usize)),
        ),
    ] {
        for sampling in [Rates::Own, Rates::Common(2)] {
            let params = Scalogram::params(len, J).Q(Q).padding(padding);
            let plan = params.rates(sampling).plan::<f64>().unwrap();
            let n = plan.padded_len();
            assert_eq!(n, 128);
            let begin = (n - len) / 2;
            let padded: Vec<f64> = (0..n as i64)
                .map(|i| source(i - begin as i64).map_or(0.0, |i| x[i]))
                .collect();
            let moduli = plan.transform(&x).unwrap();
            let coefficients = plan.coefficients(&x).unwrap();
            for (row, about) in plan.rows().iter().enumerate() {
                let filter = match about.wavelet {
                    Some(psi) => wavelet_in_time(psi.xi, psi.sigma, n),
                    None => low_pass_in_time(8.0, n),
                };
                let by = match (sampling, about.wavelet) {
                    (Rates::Common(stride), _) => stride,
                    (_, Some(psi)) => 1 << psi.j,
                    (_, None) => 8,
                };
                let got = coefficients.row(row);
                assert_eq!((about.subsampling, got.len()), (by, n / by));
                for m in 0..n / by {
                    let expected: Complex<f64> = (0..n)
                        .map(|u| filter[(m * by + n - u) % n] * padded[u])
                        .sum();
                    let error = (got[m] - expected).norm();
                    assert!(error < 1e-13, "{padding:?}, row {row}, {m}: {error}");
                }
                // On the signal: sample t of it is sample begin + t of the circle.
                let on_signal = coefficients.row_on_signal(row);
                let moduli = moduli.row(row);
                assert_eq!(moduli.len(), on_signal.len());
                for (i, t) in about.times(1.0).enumerate() {
                    let m = begin + t as usize;
                    assert_eq!(m % by, 0);
                    assert!(t < len as f64);
                    assert_eq!(on_signal[i], got[m / by]);
                    let expected = match about.wavelet {
                        Some(_) => on_signal[i].norm(),
                        None => on_signal[i].re,
                    };
                    assert!((moduli[i] - expected).abs() < 1e-14);
                }
            }
        }
    }
}

#[test]
fn rows_at_their_own_rates_are_the_first_moduli_of_scattering() {
    for (len, J, Q, padding) in [
        (1000, 5, 4, Padding::Reflect),
        (4096, 8, 8, Padding::Symmetric),
        (1 << 11, 6, 12, Padding::Periodic),
        (777, 4, 1, Padding::Zero),
    ] {
        let x = noise(len, 3);
        let rows = Scalogram::params(len, J).Q(Q).padding(padding);
        let rows = rows.plan::<f64>().unwrap().transform(&x).unwrap();
        let scattering = Scattering1d::params(len, J).Q([Q]).max_order(1);
        let scattering = scattering.padding(padding).average(Average::None);
        let features = scattering.plan::<f64>().unwrap().transform(&x).unwrap();
        let paths = features.paths();
        assert_eq!(paths.len(), rows.rows().len());
        for (n, row) in rows.rows().iter().enumerate() {
            if let Some(psi) = row.wavelet {
                let path = paths.row(&[psi.n]).unwrap();
                assert_eq!(paths[path].subsampling, Some(row.subsampling));
                let error = relative_error(
                    rows.row(n).iter().copied(),
                    features.path(path).iter().copied(),
                );
                assert!(error < 1e-13, "{len}, {padding:?}, {n}: {error}");
            }
        }
    }
}

/// ‖x′ − x‖ / ‖x‖ of a signal that was transformed and inverted.
fn round_trip<T: Real>(params: &ScalogramParams, x: &Array1<T>) -> f64 {
    let plan = params.plan::<T>().unwrap();
    let coefficients = plan.coefficients(x).unwrap();
    relative_error(plan.inverse(coefficients.array()).unwrap(), x.clone())
}

#[test]
fn signals_come_back_at_any_length_and_rate() {
    for len in [1, 2, 3, 17, 64, 97, 200, 255, 256, 1000, 4096, 10_007] {
        let J = (usize::ilog2(len) as usize).clamp(1, 8);
        for (Q, padding, sampling) in [
            (8, Padding::Reflect, Rates::Own),
            (1, Padding::Symmetric, Rates::Own),
            (12, Padding::Zero, Rates::Common(1)),
            (3, Padding::Periodic, Rates::Common(1)),
        ] {
            // Banks of few octaves and many wavelets in each have none at high frequencies.
            let Q = if J < 3 { 1 } else { Q };
            let params = Scalogram::params(len, J).Q(Q);
            let mut params = params.padding(padding).rates(sampling);
            if len < 2 {
                params = params.T(1.0);
            }
            let x = noise(len, len as u64);
            let error = round_trip(&params, &x);
            assert!(error < 1e-12, "{len}, Q = {Q}, {padding:?}: {error}");
            let error = round_trip(&params, &as_f32(&x));
            // Of two or three wavelets an octave the highest leaves less of the Nyquist frequency than of eight.
            let announced = params.plan::<f32>().unwrap().inversion().unwrap().error;
            let most = if Q == 3 { announced } else { 1e-6 };
            assert!(error < most, "{len}, Q = {Q}, {padding:?}: {error}");
        }
    }
}

#[test]
fn the_error_is_about_what_is_announced() {
    for (J, Q) in [(6, 1), (8, 8), (6, 16), (10, 12), (4, 2)] {
        let params = Scalogram::params(1 << 13, J).Q(Q);
        let x = noise(1 << 13, 5);
        let announced = |error: f64, announced: f64| {
            assert!(
                error < announced && error > 0.2 * announced,
                "J = {J}, Q = {Q}: {error:e} where {announced:e} was announced"
            );
        };
        let single = params.plan::<f32>().unwrap().inversion().unwrap();
        announced(round_trip(&params, &as_f32(&x)), single.error);
        let double = params.plan::<f64>().unwrap().inversion().unwrap();
        announced(round_trip(&params, &x), double.error);
    }
}

#[test]
fn the_weakest_frequency_is_the_highest_as_kymatio_has_it() {
    let plan = Scalogram::params(1 << 13, 8).Q(8).plan::<f64>().unwrap();
    let inversion = plan.inversion().unwrap();
    assert!((inversion.lower - 2.9e-4).abs() < 1e-5 && inversion.weakest == 0.5);
    assert!((inversion.condition() - inversion.upper / inversion.lower).abs() < 1e-9);
    let bounds = plan.bank().frame_bounds();
    assert!((inversion.lower / bounds.lower - 1.0).abs() < 1e-12);
    assert!((inversion.upper / bounds.upper - 1.0).abs() < 1e-12);
}

#[test]
fn energy_lies_between_the_bounds_and_reaches_them() {
    let len = 512;
    let params = Scalogram::params(len, 5).Q(4).padding(Padding::Periodic);
    let plan = params.rates(Rates::Common(1)).plan::<f64>().unwrap();
    let inversion = plan.inversion().unwrap();
    let gain = |x: &Array1<f64>| {
        let coefficients = plan.coefficients(x).unwrap();
        let energy: f64 = coefficients.array().iter().map(Complex::norm_sqr).sum();
        energy / x.dot(x)
    };
    for seed in 0..20 {
        let gain = gain(&noise(len, seed));
        assert!(gain >= inversion.lower && gain <= inversion.upper);
    }
    let tone =
        |k: usize| Array1::from_shape_fn(len, |t| (2.0 * PI * (k * t) as f64 / len as f64).cos());
    let gains: Vec<f64> = (0..=len / 2).map(|k| gain(&tone(k))).collect();
    let least = gains.iter().copied().fold(f64::INFINITY, f64::min);
    let most = gains.iter().copied().fold(0.0, f64::max);
    assert!((least / inversion.lower - 1.0).abs() < 1e-9);
    assert!((most / inversion.upper - 1.0).abs() < 1e-9);
}

/// At rates below its bandwidth a filter meets its aliases, and the diagonal alone inverts nothing.
#[test]
fn aliases_are_solved_for() {
    let (len, J) = (2048, 6);
    let bank = || {
        // Broader than Kymatio's, at half of their rates.
        let wavelets = FilterBank1d::params(4096, J).Q(4).build::<f64>().unwrap();
        let wide: Vec<_> = (wavelets.wavelets().iter())
            .map(|psi| psi.sigma(1.3 * psi.sigma))
            .collect();
        let built = FilterBank1d::list(4096, &wide, 64.0)
            .build::<f64>()
            .unwrap();
        let numbers: Vec<_> = (built.wavelets().iter().zip(wavelets.wavelets().iter()))
            .map(|(wide, psi)| {
                let mut wide = *wide;
                wide.j = psi.j + usize::from(psi.j > 0);
                wide
            })
            .collect();
        let hats = wavelet_scattering::filters::FilterBank::psi_hats(&built).unwrap();
        let phi = wavelet_scattering::filters::FilterBank::phi_hat(&built);
        Arc::new(FilterBank1d::<f64>::from_fourier(hats.view(), phi.view(), &numbers).unwrap())
    };
    let params = Scalogram::params(len, J);
    assert_eq!(params.padded_len().unwrap(), 4096);
    let plan = params.plan_with::<f64>(bank()).unwrap();
    let inversion = plan.inversion().unwrap();
    assert!(
        inversion.aliasing > 1e-6 && inversion.corrections > 1,
        "{inversion:?}"
    );
    let x = noise(len, 9);
    let coefficients = plan.coefficients(&x).unwrap();
    let error = relative_error(plan.inverse(coefficients.array()).unwrap(), x);
    assert!(error < 1e-12, "{error}");
}

/// Changed coefficients give the signal whose own are nearest: what is left is orthogonal to every signal's.
#[test]
fn changed_coefficients_are_inverted_in_the_least_squares_sense() {
    let params = Scalogram::params(256, 4).Q(3).padding(Padding::Periodic);
    let plan = params.plan::<f64>().unwrap();
    let mut changed = plan.coefficients(&noise(256, 2)).unwrap();
    let other = noise(2 * changed.array().len(), 7);
    // φ is real, and so are its coefficients.
    let wavelets = changed.array().len() - changed.row(plan.rows().len() - 1).len();
    for (i, z) in changed.array_mut().iter_mut().enumerate().take(wavelets) {
        *z += Complex::new(other[2 * i], other[2 * i + 1]);
    }
    let nearest = plan.inverse(changed.array()).unwrap();
    let own = plan.coefficients(&nearest).unwrap();
    let rest = changed.array() - own.array();
    for seed in 20..25 {
        let probe = plan.coefficients(&noise(256, seed)).unwrap();
        // Rows of 2^l samples apart stand for 2^l samples each.
        let mut product = 0.0;
        let mut size = 0.0;
        let mut at = 0;
        for row in plan.rows().iter() {
            for i in at..at + row.circle {
                let weight = row.subsampling as f64;
                product += weight * (rest[i] * probe.array()[i].conj()).re;
                size += weight * rest[i].norm() * probe.array()[i].norm();
            }
            at += row.circle;
        }
        assert!(product.abs() < 1e-12 * size, "{product} of {size}");
    }
}

#[test]
fn batches_strides_and_threads_change_no_bit() {
    let params = Scalogram::params(300, 5).Q(6);
    let plan = params.plan::<f32>().unwrap();
    let batch = Array3::from_shape_fn([3, 5, 300], |(i, k, t)| {
        noise(300, (7 * i + k) as u64)[t] as f32
    });
    let together = plan.coefficients(&batch).unwrap();
    let moduli = plan.transform(&batch).unwrap();
    assert_eq!(together.array().shape(), plan.coefficients_shape(&[3, 5]));
    assert_eq!(moduli.array().shape(), plan.output_shape(&[3, 5]));
    let back = plan.inverse(together.array()).unwrap();
    assert_eq!(back.shape(), [3, 5, 300]);
    for threads in [1, 2, 4] {
        let mut workspace = plan.workspace_for(threads);
        for i in 0..3 {
            for k in 0..5 {
                let mut out = ArrayD::zeros(plan.coefficients_shape(&[]));
                let one = batch.slice(s![i, k, ..]);
                plan.coefficients_into(&one, &mut out, &mut workspace)
                    .unwrap();
                assert_eq!(out, together.array().slice(s![i, k, ..]).into_dyn());
                let mut out = ArrayD::zeros(plan.output_shape(&[]));
                plan.transform_into(&one, &mut out, &mut workspace).unwrap();
                assert_eq!(out, moduli.array().slice(s![i, k, ..]).into_dyn());
            }
        }
        let mut again = ArrayD::zeros(vec![3, 5, 300]);
        plan.inverse_into(together.array(), &mut again, &mut workspace)
            .unwrap();
        assert_eq!(again, back);
    }
    // Columns first, and an output that is no piece of memory.
    let mut turned = Array3::zeros(ndarray::ShapeBuilder::f([3, 5, 300]));
    turned.assign(&batch);
    let len = plan.output_shape(&[])[0];
    let mut wide = Array3::zeros([3, 5, len + 2]);
    let mut out = wide.slice_mut(s![.., .., 1..=len]);
    plan.transform_into(&turned, &mut out, &mut plan.workspace())
        .unwrap();
    assert_eq!(out.into_dyn(), moduli.array().view());
}

#[test]
fn nothing_is_allocated_in_a_workspace() {
    let plan = Scalogram::params(1000, 6).Q(4).plan::<f32>().unwrap();
    let x = as_f32(&noise(1000, 1));
    let mut workspace = plan.workspace_for(1);
    let mut moduli = ArrayD::zeros(plan.output_shape(&[]));
    let mut coefficients = ArrayD::zeros(plan.coefficients_shape(&[]));
    let mut back = Array1::zeros(1000);
    let mut run = || {
        plan.transform_into(&x, &mut moduli, &mut workspace)
            .unwrap();
        plan.coefficients_into(&x, &mut coefficients, &mut workspace)
            .unwrap();
        plan.inverse_into(&coefficients, &mut back, &mut workspace)
            .unwrap();
    };
    run();
    let counts = allocation_counter::measure(&mut run);
    assert_eq!(counts.count_total, 0);
}

#[test]
fn amplitudes_to_the_ends_of_the_range_are_taken() {
    let plan = Scalogram::params(400, 4).Q(2).plan::<f32>().unwrap();
    let x = as_f32(&noise(400, 1));
    let unit = plan.transform(&x).unwrap();
    for scale in [2.0_f32.powi(126), 2.0_f32.powi(-100)] {
        let scaled = plan.transform(&x.mapv(|value| value * scale)).unwrap();
        for (a, b) in scaled.array().iter().zip(unit.array()) {
            assert_eq!(*a, b * scale);
        }
    }
    // A constant is no wave.
    let flat = plan.transform(&Array1::from_elem(400, 7.5_f32)).unwrap();
    for row in 0..plan.rows().len() - 1 {
        assert!(flat.row(row).iter().all(|&u| u == 0.0), "{row}");
    }
    let low = flat.row(plan.rows().len() - 1);
    assert!(low.iter().all(|&u| (u - 7.5).abs() < 1e-5));
}

#[test]
fn rows_say_where_they_are_in_hertz_and_seconds() {
    let plan = Scalogram::params(8000, 6).Q(8).plan::<f32>().unwrap();
    let rows = plan.rows();
    let row = &rows[8];
    assert!((row.frequency(8000.0) - rows[0].frequency(8000.0) / 2.0).abs() < 1e-9);
    let times: Vec<f64> = row.times(8000.0).collect();
    let step = row.subsampling as f64 / 8000.0;
    assert_eq!(times.len(), row.len);
    assert!(
        times
            .windows(2)
            .all(|pair| (pair[1] - pair[0] - step).abs() < 1e-12)
    );
    assert!(times[0] >= 0.0 && times[0] < step && times[row.len - 1] < 1.0);
    assert_eq!(rows.last().unwrap().frequency(8000.0), 0.0);
    // A burst shows where it is.
    let mut x = Array1::<f32>::zeros(8000);
    let xi = rows[8].wavelet.unwrap().xi;
    for t in 5000..5200 {
        x[t] = (2.0 * PI * xi * t as f64).cos() as f32;
    }
    let moduli = plan.transform(&x).unwrap();
    let row = moduli.row(8);
    let loudest = row.iter().copied().enumerate();
    let (at, _) = loudest.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert!((times[at] - 5100.0 / 8000.0).abs() < 0.01, "{}", times[at]);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_way_out() {
    let refused = |params: ScalogramParams| params.plan::<f32>().unwrap_err().to_string();
    let params = Scalogram::params(1000, 5);
    for (params, words) in [
        (params.clone().Q(0), &["Q = 0"][..]),
        (params.clone().T(0.5), &["T = 0.5"]),
        (params.clone().T(1001.0), &["T = 1001", "1000 samples"]),
        (Scalogram::params(1000, 10), &["J = 10", "J <= 9"]),
        (Scalogram::params(0, 1), &["empty"]),
        (
            params.clone().rates(Rates::Common(3)),
            &["stride = 3", "power of two"],
        ),
        (
            params.clone().rates(Rates::Common(1024)),
            &["stride = 1024", "512"],
        ),
        (
            params.clone().padding(Padding::PrePadded),
            &["padding", "reflect"],
        ),
        (
            params.clone().padding(Padding::Periodic),
            &["multiples", "1000", "992"],
        ),
        (params.clone().tolerance(0.2), &["tolerance = 0.2"]),
    ] {
        let message = refused(params);
        for word in words {
            assert!(message.contains(word), "`{word}` is not in `{message}`");
        }
    }

    let cannot = |plan: Scalogram<f32>| {
        let coefficients = plan.coefficients(&as_f32(&noise(1000, 1))).unwrap();
        let [message, other] = [
            plan.inversion().unwrap_err().to_string(),
            plan.inverse(coefficients.array()).unwrap_err().to_string(),
        ];
        assert_eq!(message, other);
        message
    };
    let analytic = params.clone().family(Family1d::Analytic);
    let message = cannot(analytic.plan().unwrap());
    assert!(message.contains("0.5000 cycles per sample"), "{message}");
    let coarse = params.clone().rates(Rates::Common(16));
    let message = cannot(coarse.plan().unwrap());
    assert!(message.contains("stride = 16 for wavelet 0"), "{message}");
    let gap = FilterBank1d::list(2048, &[Wavelet1d::new(0, 0).xi(0.4).sigma(0.05)], 32.0);
    let plan = params
        .clone()
        .plan_with(Arc::new(gap.build::<f32>().unwrap()));
    let message = cannot(plan.unwrap());
    assert!(message.contains("covers it"), "{message}");
    let other = FilterBank1d::params(1024, 5).build::<f32>().unwrap();
    assert!(matches!(
        params.plan_with(Arc::new(other)),
        Err(Error::WrongShape { .. })
    ));

    let plan = params.plan::<f32>().unwrap();
    let mut x = Array2::<f32>::zeros([2, 1000]);
    assert!(matches!(
        plan.transform(&Array1::<f32>::zeros(999)),
        Err(Error::WrongShape { .. })
    ));
    assert!(matches!(
        plan.transform(&Array2::<f32>::zeros([0, 1000])),
        Err(Error::Empty { .. })
    ));
    let mut workspace = Scalogram::params(500, 5).plan::<f32>().unwrap().workspace();
    let mut out = ArrayD::zeros(plan.output_shape(&[2]));
    assert!(matches!(
        plan.transform_into(&x, &mut out, &mut workspace),
        Err(Error::ForeignWorkspace)
    ));
    let mut coefficients = plan.coefficients(&x).unwrap();
    coefficients.array_mut()[[1, 4]].im = f32::NAN;
    assert!(matches!(
        plan.inverse(coefficients.array()),
        Err(Error::NotFinite { position, .. }) if position == [1, 4]
    ));
    x[[1, 3]] = f32::NAN;
    assert!(matches!(
        plan.transform(&x),
        Err(Error::NotFinite { position, .. }) if position == [1, 3]
    ));
    let last = plan.transform(&x.index_axis(Axis(0), 0)).unwrap();
    assert!(last.array().iter().all(|&u| u == 0.0));
}

/// Any scalogram of short signals, Q and rates in all combinations that there are.
fn scalograms() -> impl Strategy<Value = ScalogramParams> {
    let paddings = prop_oneof![
        Just(Padding::Reflect),
        Just(Padding::Symmetric),
        Just(Padding::Zero),
        Just(Padding::Periodic),
    ];
    let rates = prop::option::of(0_u32..4);
    let numbers = (1_usize..=5, 1_usize..=6, 0_usize..150, 0.0..=1.0);
    (numbers, rates, paddings).prop_map(|((J, Q, more, share), log2_stride, padding)| {
        let len = match padding {
            Padding::Periodic => (1 + more % 9) << J,
            _ => (1 << J) + more,
        };
        // Every circle is a multiple of 2^J, and of what φ averages over.
        let widest = match padding {
            Padding::Periodic => 1 << J,
            _ => len,
        };
        let stride = log2_stride.map(|log2| 1 << log2.min(J as u32));
        Scalogram::params(len, J)
            .Q(Q)
            .T((widest as f64).powf(share))
            .padding(padding)
            .rates(stride.map_or(Rates::Own, Rates::Common))
    })
}

/// Noise of any shape.
fn noise_of(shape: &[usize], seed: u64) -> ArrayD<f64> {
    let all = noise(shape.iter().product(), seed);
    all.into_shape_with_order(shape).unwrap()
}

fn complex_noise_of(shape: &[usize], seed: u64) -> ArrayD<Complex<f64>> {
    let [re, im] = [1, 2].map(|part| noise_of(shape, 2 * seed + part));
    ndarray::Zip::from(&re)
        .and(&im)
        .map_collect(|&re, &im| Complex::new(re, im))
}

fn dot(a: &ArrayD<f64>, b: &ArrayD<f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &ArrayD<f64>) -> f64 {
    dot(a, a).sqrt()
}

/// |⟨c(x), w⟩ − ⟨x, c*(w)⟩| / (‖c(x)‖·‖w‖) of coefficients c, with real inner products.
fn adjoint_missed<T: Real>(plan: &Scalogram<T>, x: &ArrayD<f64>, w: &ArrayD<Complex<f64>>) -> f64 {
    let x = x.mapv(T::narrow);
    let w = w.mapv(|w| Complex::new(T::narrow(w.re), T::narrow(w.im)));
    let c = plan.coefficients(&x).unwrap();
    let gradient = plan.coefficients_vjp(&w).unwrap();
    assert_eq!(gradient.shape(), x.shape());
    let wide = |z: Complex<T>| Complex::new(z.re.widen(), z.im.widen());
    let [c, w] = [c.array().mapv(wide), w.mapv(wide)];
    let there: f64 = c.iter().zip(&w).map(|(c, w)| (c * w.conj()).re).sum();
    let [x, gradient] = [x, gradient].map(|array| array.mapv(T::widen));
    let size = [c, w].map(|z| z.iter().map(Complex::norm_sqr).sum::<f64>().sqrt());
    (there - dot(&gradient, &x)).abs() / (size[0] * size[1])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// By how much a central difference in a random direction misses the gradient, in units of the direction's deviation and
    /// the gradient's norm.
    #[test]
    fn gradients_of_moduli_are_central_differences(params in scalograms(), seed in 0..1_u64 << 40) {
        let plan = params.plan::<f64>().unwrap();
        let x = noise_of(&[2, params.len], seed);
        let w = noise_of(&plan.output_shape(&[2]), seed + 1);
        let v = noise_of(&[2, params.len], seed + 2);
        let gradient = plan.vjp(&x, &w).unwrap();
        let sum = |h: f64| dot(plan.transform(&(&x + &(&v * h))).unwrap().array(), &w);
        let deviation = norm(&v) / (v.len() as f64).sqrt();
        let missed = |h: f64| {
            let quotient = (sum(h) - sum(-h)) / (2.0 * h);
            (quotient - dot(&gradient, &v)).abs() / (deviation * norm(&gradient)).max(1e-300)
        };
        // A modulus that passes close by 0 bends within a larger step, and roundings tell in a smaller one.
        let missed = [3e-6, 1e-6, 3e-7].map(missed).into_iter().fold(f64::MAX, f64::min);
        prop_assert!(missed < 1e-7, "{missed:e}");
    }

    /// Coefficients are linear, and what is called their gradient is the adjoint.
    #[test]
    fn gradients_of_coefficients_are_the_adjoint(params in scalograms(), seed in 0..1_u64 << 40) {
        let plan = params.plan::<f64>().unwrap();
        let x = noise_of(&[2, params.len], seed);
        let w = complex_noise_of(&plan.coefficients_shape(&[2]), seed + 1);
        let double = adjoint_missed(&plan, &x, &w);
        prop_assert!(double < 1e-12, "{double:e}");
        let single = adjoint_missed(&params.plan::<f32>().unwrap(), &x, &w);
        prop_assert!(single < 1e-5, "{single:e}");
    }

    /// In 32 bits the gradient is that of 64, at a signal that 32 bits hold, with any contrast and any weights.
    #[test]
    fn gradients_in_single_precision_are_those_in_double(
        params in scalograms(),
        seed in 0..1_u64 << 40,
        log2 in prop::array::uniform2(-100..110_i32),
    ) {
        let plan = params.plan::<f32>().unwrap();
        let [x, w] = [(&[params.len][..], log2[0]), (&plan.output_shape(&[]), log2[1])]
            .map(|(shape, log2)| noise_of(shape, seed).mapv(|x| x as f32 * 2_f32.powi(log2)));
        let got = plan.vjp(&x, &w).unwrap();
        let exact = params.tolerance(1e-6).plan::<f64>().unwrap();
        let exact = exact.vjp(&x.mapv(f64::from), &w.mapv(f64::from)).unwrap();
        let error = relative_error(got, exact);
        prop_assert!(error < 1e-4, "{error:e}");
    }
}

/// Written out in time: the gradient of one coefficient is its filter, reversed, where the signal is repeated added up.
#[test]
fn the_gradient_of_a_coefficient_is_its_filter() {
    let (len, J, Q) = (29, 2, 3);
    let params = Scalogram::params(len, J).Q(Q).padding(Padding::Symmetric);
    let plan = params.plan::<f64>().unwrap();
    let n = plan.padded_len();
    let begin = (n - len) / 2;
    let mut first = 0;
    for row in plan.rows().iter() {
        let filter = match row.wavelet {
            Some(psi) => wavelet_in_time(psi.xi, psi.sigma, n),
            None => low_pass_in_time(4.0, n),
        };
        for m in [0, 1, row.circle / 2, row.circle - 1] {
            for unit in [Complex::new(1.0, 0.0), Complex::new(0.0, 1.0)] {
                let mut w = ArrayD::zeros(plan.coefficients_shape(&[]));
                w[first + m] = unit;
                let got = plan.coefficients_vjp(&w).unwrap();
                let mut expected = vec![0.0; len];
                for u in 0..n {
                    let folded = (u as i64 - begin as i64).rem_euclid(2 * len as i64) as usize;
                    let tap = filter[(m * row.subsampling + n - u) % n];
                    let source = folded.min(2 * len - 1 - folded);
                    expected[source] += (tap * unit.conj()).re;
                }
                let error = (got.iter().zip(&expected)).map(|(got, e)| (got - e).abs());
                let error = error.fold(0.0, f64::max);
                assert!(error < 1e-13, "{row:?}, {m}: {error:e}");
            }
        }
        first += row.circle;
    }
}

/// What has moduli of 0, or of roundings alone, has a finite gradient; that of a zero signal is of the low-pass alone.
#[test]
fn nothing_becomes_infinite_where_moduli_vanish() {
    for rates in [Rates::Own, Rates::Common(4)] {
        for padding in [Padding::Reflect, Padding::Zero] {
            let params = Scalogram::params(300, 4).Q(3).padding(padding);
            let plan = params.rates(rates).plan::<f32>().unwrap();
            let w = noise_of(&plan.output_shape(&[]), 3).mapv(|w| w as f32);
            let mut low = w.clone();
            let wavelets = w.len() - plan.rows().last().unwrap().len;
            low.iter_mut().take(wavelets).for_each(|w| *w = 0.0);
            let gradient = |x: &Array1<f32>, w: &ArrayD<f32>| plan.vjp(x, w).unwrap();
            let zero = Array1::zeros(300);
            let constant = Array1::from_elem(300, 3e7_f32);
            let mut dirac = zero.clone();
            dirac[77] = 1e-30;
            let tiny = Array1::from_elem(300, f32::MIN_POSITIVE / 8.0);
            for x in [&zero, &constant, &dirac, &tiny] {
                for scale in [1.0, 1e35, f32::MIN_POSITIVE] {
                    let w = w.mapv(|w| w * scale);
                    assert!(!gradient(x, &w).iter().any(|g| g.is_nan()), "{padding:?}");
                }
                assert!(gradient(x, &w).iter().all(|g| g.is_finite()), "{padding:?}");
            }
            let of_low = gradient(&zero, &low);
            assert!(of_low.iter().any(|&g| g != 0.0));
            assert!(relative_error(gradient(&zero, &w), of_low) < 1e-6);
            assert!(
                gradient(&zero, &ArrayD::zeros(w.raw_dim()))
                    .iter()
                    .all(|&g| g == 0.0)
            );
        }
    }
}

/// Bits do not depend on threads, batches or strides; a second call allocates nothing.
#[test]
fn gradients_are_the_same_however_they_are_computed() {
    for rates in [Rates::Own, Rates::Common(8)] {
        let params = Scalogram::params(301, 5).Q(4).rates(rates);
        let plan = params.plan::<f32>().unwrap();
        let x = noise_of(&[5, 301], 1).mapv(|x| x as f32);
        let w = noise_of(&plan.output_shape(&[5]), 2).mapv(|w| w as f32);
        let z = complex_noise_of(&plan.coefficients_shape(&[5]), 3);
        let z = z.mapv(|z| Complex::new(z.re as f32, z.im as f32));
        let all = plan.vjp(&x, &w).unwrap();
        let all_z = plan.coefficients_vjp(&z).unwrap();
        for threads in [1, 2, 3] {
            let mut workspace = plan.workspace_for(threads);
            let mut gradient = ArrayD::from_elem(x.raw_dim(), f32::NAN);
            plan.vjp_into(&x, &w, &mut gradient, &mut workspace)
                .unwrap();
            assert_eq!(gradient, all, "{threads} threads");
            plan.coefficients_vjp_into(&z, &mut gradient, &mut workspace)
                .unwrap();
            assert_eq!(gradient, all_z, "{threads} threads");
            for i in 0..5 {
                let [x, w] = [&x, &w].map(|array| array.index_axis(Axis(0), i));
                let mut gradient = ArrayD::from_elem(x.raw_dim(), f32::NAN);
                plan.vjp_into(&x, &w, &mut gradient, &mut workspace)
                    .unwrap();
                assert_eq!(gradient, all.index_axis(Axis(0), i));
            }
        }
        let mut workspace = plan.workspace_for(1);
        let turned = |array: &ArrayD<f32>| array.t().as_standard_layout().into_owned();
        let mut gradient = turned(&ArrayD::from_elem(x.raw_dim(), f32::NAN)).reversed_axes();
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
            plan.coefficients_vjp_into(&z, &mut gradient, &mut workspace)
                .unwrap();
        });
        assert_eq!(counted.count_total, 0);
    }
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let plan = Scalogram::params(100, 3).plan::<f32>().unwrap();
    let x = ArrayD::<f32>::ones(vec![2, 100]);
    let mut w = ArrayD::<f32>::ones(plan.output_shape(&[2]));
    let mut z = ArrayD::<Complex<f32>>::ones(plan.coefficients_shape(&[2]));
    let one = w.index_axis(Axis(0), 0);
    assert!(matches!(
        plan.vjp(&x, &one),
        Err(Error::WrongShape { what: "the weights", got, .. }) if got == one.shape()
    ));
    assert!(matches!(
        plan.vjp(&x.slice(s![.., 1..]), &w),
        Err(Error::WrongShape { .. })
    ));
    assert!(matches!(
        plan.coefficients_vjp(&z.slice(s![.., 1..])),
        Err(Error::WrongShape { .. })
    ));
    assert!(matches!(
        plan.coefficients_vjp(&z.slice(s![..0, ..])),
        Err(Error::Empty { .. })
    ));
    let mut gradient = x.clone();
    let mut narrow = Array2::zeros([2, 99]);
    let mut workspace = plan.workspace();
    for refused in [
        plan.vjp_into(&x, &w, &mut narrow, &mut workspace),
        plan.coefficients_vjp_into(&z, &mut narrow, &mut workspace),
    ] {
        assert!(matches!(
            refused,
            Err(Error::WrongShape {
                what: "the output",
                ..
            })
        ));
    }
    let mut foreign = Scalogram::params(200, 3).plan::<f32>().unwrap().workspace();
    for refused in [
        plan.vjp_into(&x, &w, &mut gradient, &mut foreign),
        plan.coefficients_vjp_into(&z, &mut gradient, &mut foreign),
    ] {
        assert!(matches!(refused, Err(Error::ForeignWorkspace)));
    }
    w[[1, 2]] = f32::NAN;
    z[[0, 3]].im = f32::INFINITY;
    assert!(matches!(
        plan.vjp(&x, &w),
        Err(Error::NotFinite { position, .. }) if position == [1, 2]
    ));
    assert!(matches!(
        plan.coefficients_vjp(&z),
        Err(Error::NotFinite { position, .. }) if position == [0, 3]
    ));
}
