//! Signals: properties of the mathematics, streams beside whole signals, joint scattering, and counts.

#![allow(non_snake_case)]

mod isa;

use isa::isa;
use ndarray::{Array1, Array2, ArrayD, Axis, s};
use proptest::prelude::*;
use wavelet_scattering::num::{Real, relative_error};
use wavelet_scattering::scattering::{
    JointFormat, JointScatteringParams, PathRule, Sampling, Scattering1dParams,
};
use wavelet_scattering::{Average, Error, JointScattering, Padding, Scattering1d};

fn noise(len: usize, seed: u64) -> Array1<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    Array1::from_shape_simple_fn(len, || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    })
}

fn params(len: usize, J: usize) -> Scattering1dParams {
    Scattering1d::params(len, J).isa(isa())
}

fn transform(params: &Scattering1dParams, x: &Array1<f64>) -> ArrayD<f64> {
    params
        .plan::<f64>()
        .unwrap()
        .transform(x)
        .unwrap()
        .into_array()
}

fn norm(x: &ArrayD<f64>) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[test]
fn a_constant_has_an_average_and_nothing_else() {
    for average in [Average::Local, Average::Global, Average::None] {
        let params = params(500, 5).Q([4]).average(average);
        let plan = params.plan::<f64>().unwrap();
        let features = plan.transform(&Array1::from_elem(500, 3.0)).unwrap();
        for row in 0..plan.paths().len() {
            let expected = if row == 0 { 3.0 } else { 0.0 };
            let off = features.path(row).mapv(|value| (value - expected).abs());
            assert!(off.iter().all(|&off| off < 1e-12), "{average:?}, row {row}");
        }
    }
}

#[test]
fn features_scale_with_the_signal_and_higher_orders_forget_its_sign() {
    let x = noise(700, 5);
    let params = params(700, 5).Q([6]);
    let (once, scaled) = (transform(&params, &x), transform(&params, &(&x * -3e5)));
    let orders = once.slice(s![1.., ..]).mapv(|value| value * 3e5);
    let error = relative_error(scaled.slice(s![1.., ..]).iter().copied(), orders);
    assert!(error < 1e-12, "{error:e}");
    let error = relative_error(
        scaled.slice(s![0, ..]).iter().copied(),
        once.slice(s![0, ..]).mapv(|v| v * -3e5),
    );
    assert!(error < 1e-9, "{error:e}");
}

#[test]
fn a_circular_shift_by_a_stride_shifts_the_features() {
    let x = noise(1024, 9);
    let shifted = Array1::from_shape_fn(1024, |t| x[(t + 1024 - 3 * 32) % 1024]);
    let params = params(1024, 5).Q([4]).padding(Padding::Periodic);
    let (features, moved) = (transform(&params, &x), transform(&params, &shifted));
    let back = ArrayD::from_shape_fn(features.raw_dim(), |i| moved[[i[0], (i[1] + 3) % 32]]);
    let error = relative_error(back, features);
    assert!(error < 1e-12, "{error:e}");
}

/// With an upper frame bound of 1 no layer expands a difference.
#[test]
fn a_contractive_bank_never_expands_a_difference() {
    use wavelet_scattering::filters::Normalization;
    let params = params(512, 5)
        .Q([8])
        .padding(Padding::Periodic)
        .stride(1)
        .normalization(Normalization::Contractive);
    for seed in 1..6 {
        let (x, y) = (noise(512, seed), noise(512, seed + 100));
        let apart = transform(&params, &x) - transform(&params, &y);
        let signals = (&x - &y).into_dyn();
        assert!(norm(&apart) <= norm(&signals) * (1.0 + 1e-12), "{seed}");
    }
}

/// A Dirac and a slow sweep meet every wavelet; on the geometric part of the ladder neighbours answer alike.
#[test]
fn a_dirac_meets_every_wavelet_with_one_amplitude() {
    let mut x = Array1::zeros(4096);
    x[2048] = 1.0;
    let plan = params(4096, 6)
        .Q([8])
        .average(Average::None)
        .max_order(1)
        .plan::<f64>()
        .unwrap();
    let features = plan.transform(&x).unwrap();
    for row in plan.paths().rows_of_order(1) {
        // Σ|ψ| = 1, of which every 2^j-th sample is there.
        let apart = plan.paths()[row].subsampling.unwrap() as f64;
        let sum = features.path(row).sum() * apart;
        assert!((sum - 1.0).abs() < 1e-3, "row {row}: {sum}");
    }
}

#[test]
fn the_mean_of_a_long_average_is_the_global_mean() {
    let x = noise(2048, 3);
    let params = params(2048, 5).Q([4]).padding(Padding::Periodic);
    let local = transform(&params, &x).mean_axis(Axis(1)).unwrap();
    let global = transform(&params.average(Average::Global), &x);
    let error = relative_error(local, global);
    assert!(error < 1e-12, "{error:e}");
}

/// The share of the energy of |x ⋆ ψ| that a second wavelet is expected to take, beside what it takes of noise.
#[test]
fn the_rule_of_energy_expects_what_noise_shows() {
    let x = noise(1 << 14, 11);
    let plan = |least: f64| {
        let rule = PathRule::Energy(least);
        let params = params(1 << 14, 6).Q([8]).rule(rule).average(Average::None);
        params.plan::<f64>().unwrap()
    };
    let all = plan(0.0);
    let features = all.transform(&x).unwrap();
    let paths = all.paths();
    let mut compared = 0;
    for row in paths.rows_of_order(2) {
        let parent = features.path(paths.parent(row).unwrap());
        let mean = parent.mean().unwrap();
        let around = parent.mapv(|u| (u - mean).powi(2)).mean().unwrap();
        let took = features.path(row).mapv(|u| u * u).mean().unwrap() / around;
        let key: Vec<usize> = paths.wavelets_of(row).map(|psi| psi.n).collect();
        // Narrow first wavelets see too little of this signal to tell.
        if key[0] < 24 && took > 0.02 {
            let kept = |least: f64| plan(least).paths().row(&key).is_some();
            assert!(kept(0.6 * took) && !kept(1.7 * took), "{key:?}: {took}");
            compared += 1;
        }
        if compared == 20 {
            break;
        }
    }
    assert_eq!(compared, 20);
}

/// Fewer samples of U at errors that the documentation states.
#[test]
fn sampling_by_bandwidth_is_off_by_as_much_as_it_says() {
    let x = noise(1 << 14, 8);
    let params = params(1 << 14, 8).Q([8]);
    let sparse = params.clone().sampling(Sampling::Bandwidth(24.0));
    let (exact, got) = (transform(&params, &x), transform(&sparse, &x));
    let paths = params.plan::<f64>().unwrap();
    for (order, most) in [(0, 1e-14), (1, 1e-4), (2, 4e-4)] {
        let rows: Vec<usize> = paths.paths().rows_of_order(order).collect();
        let error = relative_error(got.select(Axis(0), &rows), exact.select(Axis(0), &rows));
        assert!(error < most, "order {order}: {error:e}");
    }
    let refused = sparse.sampling(Sampling::Bandwidth(1.0)).plan::<f64>();
    assert!(refused.unwrap_err().to_string().contains("sampling = 1"));
}

#[test]
fn a_second_call_allocates_nothing() {
    let x = Array2::from_shape_fn([3, 900], |(i, t)| (t as f32 * 0.1 + i as f32).sin());
    let joint = JointScattering::params(900, 5, 2)
        .Q([4])
        .isa(isa())
        .plan::<f32>()
        .unwrap();
    let mut out = ArrayD::zeros(joint.output_shape(&[3]));
    let mut workspace = joint.workspace_for(1);
    joint.transform_into(&x, &mut out, &mut workspace).unwrap();
    let counted = allocation_counter::measure(|| {
        joint.transform_into(&x, &mut out, &mut workspace).unwrap();
    });
    assert_eq!((counted.count_total, counted.bytes_total), (0, 0), "joint");
    let of_average = |average| {
        let short = params(900, 5).Q([4]).max_order(3).average(average);
        let in_blocks = params(100_000, 4).average(average);
        [short, in_blocks]
    };
    let averages = [Average::Local, Average::Global, Average::Sum, Average::None];
    for params in averages.map(of_average).concat() {
        let plan = params.plan::<f32>().unwrap();
        let x = Array2::from_shape_fn([3, params.len], |(i, t)| (t as f32 * 0.1 + i as f32).sin());
        let mut out = ArrayD::zeros(plan.output_shape(&[3]));
        let mut workspace = plan.workspace_for(1);
        plan.transform_into(&x, &mut out, &mut workspace).unwrap();
        let counted = allocation_counter::measure(|| {
            plan.transform_into(&x, &mut out, &mut workspace).unwrap();
        });
        assert_eq!(
            (counted.count_total, counted.bytes_total),
            (0, 0),
            "{params:?}"
        );
    }
}

#[test]
fn bits_depend_neither_on_threads_nor_on_the_split_of_a_batch() {
    let x = Array2::from_shape_fn([5, 3000], |(i, t)| {
        ((t * t) as f32 * 1e-5 * (i + 1) as f32).sin()
    });
    let plan = params(3000, 6).Q([8]).plan::<f32>().unwrap();
    let joint = JointScattering::params(3000, 6, 3)
        .Q([8])
        .isa(isa())
        .plan::<f32>()
        .unwrap();
    let long = params(100_000, 4).plan::<f32>().unwrap();
    assert!(long.bank().grid().shape[0] < 50_000, "in blocks");
    let two_long = Array2::from_shape_fn([2, 100_000], |(i, t)| x[[i, t % 3000]]);
    let mut expected_long = ArrayD::zeros(long.output_shape(&[2]));
    long.transform_into(&two_long, &mut expected_long, &mut long.workspace_for(1))
        .unwrap();
    let mut expected = ArrayD::zeros(plan.output_shape(&[5]));
    plan.transform_into(&x, &mut expected, &mut plan.workspace_for(1))
        .unwrap();
    let mut expected_joint = ArrayD::zeros(joint.output_shape(&[5]));
    joint
        .transform_into(&x, &mut expected_joint, &mut joint.workspace_for(1))
        .unwrap();
    for threads in 2..5 {
        let mut got = ArrayD::zeros(plan.output_shape(&[5]));
        plan.transform_into(&x, &mut got, &mut plan.workspace_for(threads))
            .unwrap();
        assert_eq!(got, expected, "{threads}");
        let mut got = ArrayD::zeros(long.output_shape(&[2]));
        long.transform_into(&two_long, &mut got, &mut long.workspace_for(threads))
            .unwrap();
        assert_eq!(got, expected_long, "{threads}, in blocks");
        let mut got = ArrayD::zeros(joint.output_shape(&[5]));
        joint
            .transform_into(&x, &mut got, &mut joint.workspace_for(threads))
            .unwrap();
        assert_eq!(got, expected_joint, "{threads}, joint");
    }
    for (i, signal) in x.outer_iter().enumerate() {
        let alone = joint.transform(&signal).unwrap();
        assert_eq!(alone.array(), expected_joint.index_axis(Axis(0), i));
    }
}

/// Pushes a signal in blocks of these lengths, again and again; the rows, one after another.
fn streamed<T: Real>(params: &Scattering1dParams, x: &[T], blocks: &[usize]) -> Vec<Vec<T>> {
    let mut stream = params.stream::<T>().unwrap();
    let mut rows = vec![Vec::new(); stream.paths().len()];
    let mut at = 0;
    let mut lengths = blocks.iter().cycle();
    while at < x.len() {
        let len = lengths.next().unwrap().min(&(x.len() - at)).to_owned();
        let ready = stream.push(&x[at..at + len]).unwrap();
        at += len;
        for (row, to) in rows.iter_mut().enumerate() {
            to.extend(ready.path(row));
        }
    }
    let rest = stream.finish().unwrap();
    for (row, to) in rows.iter_mut().enumerate() {
        to.extend(rest.path(row));
    }
    rows
}

fn stream_equals_offline<T: Real>(
    params: &Scattering1dParams,
    x: &Array1<f64>,
    blocks: &[usize],
    tolerance: f64,
) {
    let mut whole = params.clone();
    whole.len = x.len();
    let x = x.mapv(T::narrow);
    let plan = whole.plan::<T>().unwrap();
    let offline = plan.transform(&x).unwrap();
    let rows = streamed(params, x.as_slice().unwrap(), blocks);
    for order in 0..=plan.paths().max_order() {
        let of_order = plan.paths().rows_of_order(order);
        let expected: Vec<T> = of_order
            .clone()
            .flat_map(|row| offline.path(row).iter().copied().collect::<Vec<_>>())
            .collect();
        let got: Vec<T> = rows[of_order].concat();
        assert_eq!(got.len(), expected.len(), "{params:?}");
        let error = relative_error(got, expected.iter().copied());
        assert!(
            error <= tolerance,
            "{params:?}, {}, {blocks:?}, order {order}: {error:e}",
            T::NAME
        );
    }
}

/// Everywhere, since both are padded as far as the filters reach.
#[test]
fn a_stream_is_the_transform_of_the_whole_signal() {
    let x = noise(1 << 14, 21);
    for padding in [Padding::Reflect, Padding::Symmetric, Padding::Zero] {
        for average in [Average::Local, Average::None] {
            let params = Scattering1d::stream_params(5)
                .Q([4])
                .padding(padding)
                .average(average)
                .isa(isa());
            stream_equals_offline::<f64>(&params, &x, &[1, 700, 3, 5000], 1e-11);
            stream_equals_offline::<f32>(&params, &x, &[1 << 14], 3e-6);
        }
    }
    let params = Scattering1d::stream_params(4)
        .Q([2])
        .T(40.0)
        .stride(8)
        .isa(isa());
    stream_equals_offline::<f64>(&params, &x, &[333], 1e-11);
    // Moduli that are subsampled further than their wavelets' durations.
    let params = Scattering1d::stream_params(4)
        .average(Average::None)
        .sampling(Sampling::Bandwidth(4.0))
        .isa(isa());
    stream_equals_offline::<f64>(&params, &x, &[777], 1e-11);
}

#[test]
fn a_stream_begins_anew_after_its_end_and_refuses_what_has_none() {
    let params = Scattering1d::stream_params(4).isa(isa());
    let x = noise(5000, 2);
    let mut stream = params.stream::<f64>().unwrap();
    let mut both = Vec::new();
    for _ in 0..2 {
        let mut columns = Vec::new();
        for ready in [
            stream.push(x.as_slice().unwrap()).unwrap(),
            stream.finish().unwrap(),
        ] {
            columns.push(ready.array().unwrap());
        }
        let views: Vec<_> = columns.iter().map(|columns| columns.view()).collect();
        both.push(ndarray::concatenate(Axis(1), &views).unwrap());
    }
    assert_eq!(both[0].ncols(), 5000_usize.div_ceil(16));
    assert_eq!(both[0], both[1]);
    assert_eq!(stream.finish().unwrap().columns(), 0);
    let bad = stream.push(&[0.0, f64::NAN]).unwrap_err();
    assert!(matches!(bad, Error::NotFinite { position, .. } if position == [1]));
    let refused = |params: Scattering1dParams| params.stream::<f32>().unwrap_err().to_string();
    assert!(refused(params.clone().average(Average::Global)).contains("no end"));
    assert!(refused(params.padding(Padding::Periodic)).contains("beginning"));
}

#[test]
fn a_stream_takes_as_much_memory_for_any_signal() {
    let params = Scattering1d::stream_params(6).Q([4]).isa(isa());
    let mut stream = params.stream::<f32>().unwrap();
    let block = vec![0.25; 4096];
    let mut bytes = Vec::new();
    for _ in 0..40 {
        stream.push(&block).unwrap();
        bytes.push(stream.bytes());
    }
    assert!(bytes.windows(2).all(|pair| pair[0] == pair[1]));
}

fn energy_of_spin(x: &Array1<f64>, spin: i8) -> f64 {
    let plan = JointScattering::params(x.len(), 7, 3)
        .Q([12])
        .isa(isa())
        .plan::<f64>()
        .unwrap();
    let features = plan.transform(x).unwrap();
    let rows = (0..plan.paths().len()).filter(|&row| {
        let path = &plan.paths()[row];
        path.order == 2 && plan.paths().across_of(row).unwrap().spin() == spin
    });
    rows.map(|row| features.path(row).iter().map(|s| s * s).sum::<f64>())
        .sum()
}

#[test]
fn chirps_up_and_down_differ_in_spin() {
    let n = 4096;
    let chirp = |sign: f64| {
        Array1::from_shape_fn(n, |t| {
            let u = sign * (t as f64 / n as f64 - 0.5);
            // From 0.02 to 0.32 cycles a sample, four octaves.
            let octaves = 4.0 * u;
            (2.0 * std::f64::consts::PI * 0.08 * n as f64 / (4.0 * 2_f64.ln())
                * octaves.exp2()
                * sign)
                .sin()
        })
    };
    let (up, down) = (chirp(1.0), chirp(-1.0));
    for (x, sign) in [(&up, 1), (&down, -1)] {
        let (with, against) = (energy_of_spin(x, sign), energy_of_spin(x, -sign));
        assert!(with > 2.0 * against, "{with} and {against}");
    }
}

#[test]
fn joint_averages_agree_with_each_other() {
    let x = noise(2048, 4);
    let params = JointScattering::params(2048, 6, 2).Q([8]).isa(isa());
    let plan = |params: JointScatteringParams| params.plan::<f64>().unwrap();
    // Rows at every n1 and time, averaged by hand.
    let none = plan(
        params
            .clone()
            .average(Average::None)
            .average_fr(Average::None),
    );
    let global = plan(
        params
            .clone()
            .average(Average::Global)
            .average_fr(Average::None),
    );
    let (of_none, of_global) = (none.transform(&x).unwrap(), global.transform(&x).unwrap());
    assert_eq!(none.paths().len(), global.paths().len());
    for row in 0..none.paths().len() {
        let mean = of_none.path(row).mean().unwrap();
        let got = of_global.path(row).sum();
        assert!(
            (mean - got).abs() < 1e-12 * (1.0 + mean.abs()),
            "row {row}: {got} for {mean}"
        );
    }
    let joint = plan(
        params
            .clone()
            .average(Average::Global)
            .average_fr(Average::Global)
            .format(JointFormat::Joint),
    );
    let features = joint.transform(&x).unwrap();
    for (row, path) in joint.paths().iter().enumerate() {
        let same = |other: &&usize| {
            let of = &global.paths()[**other];
            (of.n2, of.n_fr) == (path.n2, path.n_fr) && of.order == path.order
        };
        let all: Vec<usize> = (0..global.paths().len()).collect();
        let rows: Vec<f64> = all
            .iter()
            .filter(same)
            .map(|&other| of_global.path(other).sum())
            .collect();
        let mean = rows.iter().sum::<f64>() / rows.len() as f64;
        let got = features.path(row).sum();
        assert!(
            (mean - got).abs() < 1e-12 * (1.0 + mean.abs()),
            "row {row}: {got} for {mean}"
        );
    }
}

#[test]
fn joint_requests_that_no_array_can_hold_are_refused_with_a_reason() {
    let params = JointScattering::params(1024, 5, 2).Q([4]);
    let refused = |params: JointScatteringParams| params.plan::<f32>().unwrap_err().to_string();
    let joint = params.clone().format(JointFormat::Joint);
    assert!(refused(joint.clone().average_fr(Average::None)).contains("average_fr = none"));
    assert!(refused(joint.average(Average::None)).contains("average = none"));
    assert!(refused(params.clone().F(100.0)).contains("F = 100"));
    assert!(refused(params.clone().stride_fr(3)).contains("stride_fr = 3"));
    assert!(refused(params.clone().average(Average::Global).T(8.0)).contains("global"));
    assert!(refused(JointScattering::params(1024, 5, 0)).contains("J_fr = 0"));
    // Strides and averages that fail elsewhere.
    for (T, stride) in [(8.0, 8), (16.0, 16), (32.0, 16)] {
        let plan = params.clone().T(T).stride(stride).plan::<f64>().unwrap();
        assert!(
            plan.transform(&noise(1024, 1))
                .unwrap()
                .array()
                .iter()
                .all(|s| s.is_finite())
        );
    }
    for (F, stride) in [(8.0, 1), (2.0, 1), (6.0, 4)] {
        assert!(params.clone().F(F).stride_fr(stride).plan::<f64>().is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_request_gives_the_documented_shape_or_a_clear_error(
        len in 0_usize..600,
        J in 0_usize..9,
        Q in [0_usize..10, 1..4],
        T in prop::option::of(0.0_f64..700.0),
        stride in prop::option::of(0_usize..70),
        max_order in 0_usize..4,
        average in prop::sample::select(vec![Average::Local, Average::Global, Average::Sum, Average::None]),
        padding in prop::sample::select(vec![
            Padding::Reflect, Padding::Symmetric, Padding::Zero, Padding::Periodic, Padding::PrePadded,
        ]),
    ) {
        let mut params = params(len, J).Q(Q).max_order(max_order).average(average).padding(padding);
        (params.T, params.stride) = (T, stride);
        let averaged = T.unwrap_or((1_u64 << J) as f64);
        match params.plan::<f64>() {
            Ok(plan) => {
                let paths = plan.paths().len();
                let step = params.output_stride();
                let expected = match average {
                    Average::Local => vec![paths, plan.path_shape(0)[0]],
                    Average::Global | Average::Sum => vec![paths],
                    Average::None => vec![(0..paths).map(|row| plan.path_shape(row)[0]).sum()],
                };
                if average == Average::Local {
                    prop_assert!((len / step..=len.div_ceil(step)).contains(&expected[1]));
                }
                let features = plan.transform(&noise(len, 1)).unwrap();
                prop_assert_eq!(features.array().shape(), expected);
                prop_assert!(features.array().iter().all(|value| value.is_finite()));
            }
            Err(Error::InvalidParameter { name, .. }) => {
                let why = match name {
                    "J" => J == 0,
                    "Q" => Q[0] == 0,
                    "T" => averaged < 1.0 || averaged > len as f64,
                    "stride" => average != Average::Local || !stride.unwrap().is_power_of_two() || stride.unwrap() as f64 > averaged,
                    "padding" => padding == Padding::PrePadded,
                    _ => false,
                };
                prop_assert!(why, "{name}");
            }
            Err(Error::Empty { .. }) => prop_assert_eq!(len, 0),
            Err(Error::ScaleTooLarge { .. }) => prop_assert!(T.is_none() && len < 1 << J),
            Err(Error::NotMultiple { .. }) => prop_assert_eq!(padding, Padding::Periodic),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn streams_take_blocks_of_any_length(len in 1_usize..9000, blocks in prop::collection::vec(1_usize..3000, 1..5), seed in 1_u64..99) {
        let params = Scattering1d::stream_params(3).Q([2]).isa(isa());
        let x = noise(len, seed);
        let rows = streamed::<f64>(&params, x.as_slice().unwrap(), &blocks);
        let whole = streamed::<f64>(&params, x.as_slice().unwrap(), &[len]);
        prop_assert_eq!(rows[0].len(), len.div_ceil(8));
        prop_assert_eq!(rows, whole);
    }
}
