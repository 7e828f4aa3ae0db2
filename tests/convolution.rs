//! Convolutions against their definition, in every mode, by every method, in one and two dimensions.

mod isa;

use isa::isa;
use ndarray::{Array, Array1, Array2, Array3, ArrayD, Axis, Dimension, Ix2, IxDyn, array, s};
use num_complex::Complex;
use proptest::prelude::*;
use wavelet_scattering::conv::{
    Convolution, Convolution1d, Convolution2d, ConvolutionParams, ConvolutionWorkspace, Convolve,
    Kernels, Method, Mode, Planning, Sample, Stream, convolve, correlate,
};
use wavelet_scattering::filters::FilterBank2d;
use wavelet_scattering::num::Real;
use wavelet_scattering::{Cancel, Error, Isa};

type C32 = Complex<f32>;
type C64 = Complex<f64>;

/// White noise from a seed, real or complex.
fn noise<X: Sample>(shape: &[usize], seed: u64) -> ArrayD<X> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        X::Real::narrow((state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5)
    };
    (0..8).for_each(|_| {
        next();
    });
    Array::from_shape_simple_fn(shape, || X::from_parts(next(), next()))
}

fn widen<X: Sample, D: Dimension>(x: &Array<X, D>) -> ArrayD<C64> {
    x.mapv(|x| Complex::new(x.re().widen(), x.im().widen()))
        .into_dyn()
}

/// ‖got − expected‖ / ‖expected‖.
fn error<X: Sample>(got: &ArrayD<X>, expected: &ArrayD<C64>) -> f64 {
    assert_eq!(got.shape(), expected.shape());
    let difference = norm(&(widen(got) - expected));
    if difference == 0.0 {
        0.0
    } else {
        difference / norm(expected)
    }
}

/// One signal and one kernel of two axes, by the definition, in double precision.
fn definition(x: &ArrayD<C64>, h: &ArrayD<C64>, mode: Mode, keep: [usize; 2]) -> ArrayD<C64> {
    let n = [x.shape()[0], x.shape()[1]];
    let k = [h.shape()[0], h.shape()[1]];
    let first = |i: usize| match mode {
        Mode::Circular | Mode::Full => 0,
        Mode::Same => (k[i] - 1) / 2, // SciPy: (full − n) / 2, rounded down
        Mode::Valid => k[i] - 1,
    };
    let len = |i: usize| match mode {
        Mode::Circular | Mode::Same => n[i],
        Mode::Full => n[i] + k[i] - 1,
        Mode::Valid => n[i] + 1 - k[i],
    };
    let shape = [0, 1].map(|i| len(i).div_ceil(keep[i]));
    ArrayD::from_shape_fn(&shape[..], |i| {
        let at = [0, 1].map(|axis| (i[axis] * keep[axis] + first(axis)) as i64);
        let mut sum = Complex::new(0.0, 0.0);
        for ((t0, t1), &tap) in h
            .view()
            .into_dimensionality::<ndarray::Ix2>()
            .unwrap()
            .indexed_iter()
        {
            let mut p = [at[0] - t0 as i64, at[1] - t1 as i64];
            if mode == Mode::Circular {
                p = [p[0].rem_euclid(n[0] as i64), p[1].rem_euclid(n[1] as i64)];
            }
            if (0..2).all(|axis| (0..n[axis] as i64).contains(&p[axis])) {
                sum += tap * x[[p[0] as usize, p[1] as usize]];
            }
        }
        sum
    })
}

const MODES: [Mode; 4] = [Mode::Circular, Mode::Full, Mode::Same, Mode::Valid];

fn modes() -> impl Strategy<Value = Mode> {
    prop::sample::select(MODES.to_vec())
}

/// Every method, with a block that the kernel and the subsampling allow; one FFT and the definition need no more.
fn methods<const D: usize>(k: [usize; D], level: usize, extra: usize) -> [Method<D>; 4] {
    let block = k.map(|k| (k + extra + (1 << level) - 1).next_multiple_of(1 << level));
    [
        Method::Auto,
        Method::Direct,
        Method::Fft,
        Method::OverlapSave { block },
    ]
}

/// Rounding of a sum of products in units of its [`bound`]: a few halves of a last place for every factor and sum of an FFT.
fn tolerance<T: Real>() -> f64 {
    if T::NAME == "float32" {
        5e-7
    } else {
        1e-15 * 2.0
    }
}

fn norm<X: Sample>(x: &ArrayD<X>) -> f64 {
    widen(x).iter().map(Complex::norm_sqr).sum::<f64>().sqrt()
}

/// What rounding is measured against where few samples may cancel: by Cauchy and Schwarz no sample of x ⋆ h exceeds
/// ‖x‖·‖h‖, and neither does any sum of its terms. A short periodic signal repeats within a block, so that its norm there
/// is that of `repeats` periods.
fn bound<X: Sample, K: Sample>(x: &ArrayD<X>, h: &ArrayD<K>, samples: usize, mode: Mode) -> f64 {
    let sides = x.shape().iter().zip(h.shape());
    let repeats: usize = match mode {
        Mode::Circular => sides.map(|(n, k)| (2 * k + 48).div_ceil(*n)).product(),
        _ => 1,
    };
    norm(x) * norm(h) * ((samples * repeats) as f64).sqrt()
}

fn check_1d<X, K>(n: usize, k: usize, mode: Mode, level: usize, extra: usize, seed: u64)
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    let (x, h) = (noise::<X>(&[n], seed), noise::<K>(&[k], seed ^ 77));
    let row = |x: ArrayD<C64>| x.insert_axis(Axis(0));
    let expected = definition(&row(widen(&x)), &row(widen(&h)), mode, [1, 1 << level]);
    let expected = expected.index_axis_move(Axis(0), 0);
    let methods = methods([k], level, extra);
    for (method, isa) in methods
        .into_iter()
        .flat_map(|method| Isa::available().map(move |isa| (method, isa)))
    {
        let params = Convolution1d::params([n])
            .mode(mode)
            .level(level)
            .method(method)
            .isa(isa);
        let plan = params.plan::<X, K>(&h).unwrap();
        assert_eq!(plan.isa(), isa);
        let y = plan.apply(&x).unwrap();
        let bound = bound(&x, &h, y.len() + x.len(), mode);
        let error = norm(&(widen(&y) - &expected)) / bound;
        assert!(
            error <= tolerance::<X::Real>(),
            "{params:?}, {k} taps: {error:e}"
        );
        check_adjoint(&plan, &x, bound, seed);
    }
}

fn check_2d<X, K>(n: [usize; 2], k: [usize; 2], mode: Mode, level: usize, extra: usize, seed: u64)
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    let (x, h) = (noise::<X>(&n, seed), noise::<K>(&k, seed ^ 77));
    let expected = definition(&widen(&x), &widen(&h), mode, [1 << level; 2]);
    let methods = methods(k, level, extra);
    for (method, isa) in methods
        .into_iter()
        .flat_map(|method| Isa::available().map(move |isa| (method, isa)))
    {
        let params = Convolution2d::params(n)
            .mode(mode)
            .level(level)
            .method(method)
            .isa(isa);
        let plan = params.plan::<X, K>(&h).unwrap();
        assert_eq!(plan.isa(), isa);
        let y = plan.apply(&x).unwrap();
        let bound = bound(&x, &h, y.len() + x.len(), mode);
        let error = norm(&(widen(&y) - &expected)) / bound;
        assert!(
            error <= tolerance::<X::Real>(),
            "{params:?}, {k:?} taps: {error:e}"
        );
        check_adjoint(&plan, &x, bound, seed);
    }
}

/// ⟨A·x, y⟩ = ⟨x, A*·y⟩ to the rounding of either side, and the adjoint of the adjoint is A.
fn check_adjoint<X, K, const D: usize>(
    plan: &Convolution<X, K, D>,
    x: &ArrayD<X>,
    bound: f64,
    seed: u64,
) where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    let ax = plan.apply(x).unwrap();
    let y = noise::<X::Output>(ax.shape(), seed ^ 1234);
    let adjoint = plan.adjoint().unwrap();
    let ay = adjoint.apply(&y).unwrap();
    assert_eq!(ay.shape(), x.shape());
    let inner = |a: &ArrayD<C64>, b: &ArrayD<C64>| -> C64 {
        a.iter().zip(b).map(|(a, b)| a * b.conj()).sum()
    };
    let (ax, y, x, ay) = (widen(&ax), widen(&y), widen(x), widen(&ay));
    let difference = (inner(&ax, &y) - inner(&x, &ay)).norm();
    let scale = bound * norm(&y);
    assert!(
        difference <= tolerance::<X::Real>() * scale,
        "{plan:?}: {difference:e} of {scale:e}"
    );
    assert!(adjoint.is_adjoint() && !adjoint.adjoint().unwrap().is_adjoint());
}

/// The gradient of Re Σ conj(w)·y with respect to the taps by the definition, of one signal and one kernel of two axes:
/// Σ_i w(i)·conj x(i + offset − t).
fn definition_of_gradient(
    x: &ArrayD<C64>,
    w: &ArrayD<C64>,
    k: [usize; 2],
    mode: Mode,
    keep: [usize; 2],
) -> ArrayD<C64> {
    let first = k.map(|k| match mode {
        Mode::Circular | Mode::Full => 0,
        Mode::Same => (k - 1) / 2,
        Mode::Valid => k - 1,
    });
    let n = [0, 1].map(|axis| x.shape()[axis] as i64);
    ArrayD::from_shape_fn(&k[..], |t| {
        let mut sum = Complex::new(0.0, 0.0);
        for (i, &w) in w.indexed_iter() {
            let mut p =
                [0, 1].map(|axis| (i[axis] * keep[axis] + first[axis]) as i64 - t[axis] as i64);
            if mode == Mode::Circular {
                p = [0, 1].map(|axis| p[axis].rem_euclid(n[axis]));
            }
            if (0..2).all(|axis| (0..n[axis]).contains(&p[axis])) {
                sum += w * x[[p[0] as usize, p[1] as usize]].conj();
            }
        }
        sum
    })
}

/// Of a plan, and of its adjoint, ⟨K(x)·dk, w⟩ = ⟨dk, gradient⟩ with K(x)·dk the plan with random kernels dk; and the gradient
/// itself is the definition's. With one kernel or a bank, one signal or a batch.
fn check_kernel_gradient<X, K, const D: usize>(
    params: ConvolutionParams<D>,
    k: [usize; D],
    kernel_axes: &[usize],
    batch: &[usize],
    seed: u64,
) where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
{
    let shape = [kernel_axes, &k].concat();
    let plan = params.plan::<X, K>(&noise::<K>(&shape, seed)).unwrap();
    let x = noise::<X>(&[batch, &params.shape].concat(), seed ^ 1);
    let w = noise::<X::Output>(&[batch, &plan.output_axes()].concat(), seed ^ 2);
    let gradient = plan.kernel_gradient(&x, &w).unwrap();
    assert_eq!(gradient.shape(), shape);

    let two = |axes: &[usize]| match *axes {
        [n1] => [1, n1],
        [n0, n1] => [n0, n1],
        _ => unreachable!(),
    };
    let keep = two(&[1 << params.level; D]);
    // All leading axes in one, and two of samples.
    let planes = |array: ArrayD<C64>, leading: usize| -> ArrayD<C64> {
        let axes = two(&array.shape()[array.ndim() - D..]);
        let shape = [&[leading][..], &axes].concat();
        array.into_shape_with_order(shape).unwrap()
    };
    let [signals, kernels]: [usize; 2] = [batch, kernel_axes].map(|axes| axes.iter().product());
    let (xs, ws) = (
        planes(widen(&x), signals),
        planes(widen(&w), signals * kernels),
    );
    let got = planes(widen(&gradient), kernels);
    let mut scale = norm(&x) * norm(&w);
    if params.mode == Mode::Circular {
        // Taps that wrap around meet every sample as often.
        let repeats = k.iter().zip(params.shape).map(|(k, n)| k.div_ceil(n));
        scale *= repeats.product::<usize>() as f64;
    }
    for (kernel, got) in got.outer_iter().enumerate() {
        let mut expected = ArrayD::<C64>::zeros(&two(&k)[..]);
        for (signal, x) in xs.outer_iter().enumerate() {
            let w = ws.index_axis(Axis(0), signal * kernels + kernel);
            let (x, w) = (x.to_owned(), w.to_owned());
            expected += &definition_of_gradient(&x, &w, two(&k), params.mode, keep);
        }
        if !K::COMPLEX {
            expected.mapv_inplace(|value| value.re.into());
        }
        let error = norm(&(got.to_owned() - &expected)) / scale;
        assert!(
            error <= tolerance::<X::Real>(),
            "{params:?}, {shape:?}, {batch:?}: {error:e}"
        );
    }

    let inner = |a: &ArrayD<C64>, b: &ArrayD<C64>| -> f64 {
        assert_eq!(a.shape(), b.shape());
        a.iter().zip(b).map(|(a, b)| (a * b.conj()).re).sum()
    };
    let dk = noise::<K>(&shape, seed ^ 3);
    let moved = params.plan::<X, K>(&dk).unwrap();
    let there = inner(&widen(&moved.apply(&x).unwrap()), &widen(&w));
    let back = inner(&widen(&dk), &widen(&gradient));
    let scale = scale * norm(&dk);
    assert!(
        (there - back).abs() <= tolerance::<X::Real>() * scale,
        "{params:?}, {shape:?}, {batch:?}: {there} against {back}"
    );

    let z = x.mapv(|x| <X::Output as Sample>::from_parts(x.re(), x.im()));
    let adjoint = plan.adjoint().unwrap();
    let gradient = adjoint.kernel_gradient(&w, &z).unwrap();
    let there = inner(
        &widen(&moved.adjoint().unwrap().apply(&w).unwrap()),
        &widen(&z),
    );
    let back = inner(&widen(&dk), &widen(&gradient));
    assert!(
        (there - back).abs() <= tolerance::<X::Real>() * scale,
        "adjoint, {params:?}, {shape:?}, {batch:?}: {there} against {back}"
    );
}

/// A length and a kernel that the mode allows at a level.
fn sizes(largest: usize) -> impl Strategy<Value = (usize, usize, Mode, usize)> {
    (1..=largest, 1..=largest, modes(), 0_usize..4).prop_map(|(n, k, mode, level)| match mode {
        Mode::Circular => {
            let level = level.min(n.trailing_zeros() as usize);
            (n, k, mode, level)
        }
        Mode::Valid => (n.max(k), n.min(k), mode, level),
        _ => (n, k, mode, level),
    })
}

/// None, one, or several in two axes.
fn leading_axes() -> impl Strategy<Value = Vec<usize>> {
    prop::sample::select(vec![vec![], vec![1], vec![3], vec![2, 2]])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_method_in_one_dimension_is_the_definition(
        (n, k, mode, level) in sizes(70),
        extra in 0_usize..40,
        seed in any::<u64>(),
    ) {
        check_1d::<f64, f64>(n, k, mode, level, extra, seed);
        check_1d::<f64, C64>(n, k, mode, level, extra, seed);
        check_1d::<C64, f64>(n, k, mode, level, extra, seed);
        check_1d::<C64, C64>(n, k, mode, level, extra, seed);
        check_1d::<f32, f32>(n, k, mode, level, extra, seed);
        check_1d::<C32, C32>(n, k, mode, level, extra, seed);
    }

    #[test]
    fn every_method_in_two_dimensions_is_the_definition(
        (n0, k0, mode, level) in sizes(17),
        (n1, k1) in (1_usize..17, 1_usize..17),
        extra in 0_usize..12,
        seed in any::<u64>(),
    ) {
        let (n1, k1) = if mode == Mode::Valid { (n1.max(k1), n1.min(k1)) } else { (n1, k1) };
        let level = if mode == Mode::Circular { level.min(n1.trailing_zeros() as usize) } else { level };
        let (n, k) = ([n0, n1], [k0, k1]);
        check_2d::<f64, f64>(n, k, mode, level, extra, seed);
        check_2d::<f64, C64>(n, k, mode, level, extra, seed);
        check_2d::<C64, f64>(n, k, mode, level, extra, seed);
        check_2d::<C64, C64>(n, k, mode, level, extra, seed);
        check_2d::<f32, f32>(n, k, mode, level, extra, seed);
        check_2d::<f32, C32>(n, k, mode, level, extra, seed);
    }

    #[test]
    fn gradients_of_kernels_in_one_dimension_are_the_definition(
        (n, k, mode, level) in sizes(70),
        (kernel_axes, batch) in (leading_axes(), leading_axes()),
        seed in any::<u64>(),
    ) {
        let params = Convolution1d::params([n]).mode(mode).level(level).isa(isa());
        check_kernel_gradient::<f64, f64, 1>(params, [k], &kernel_axes, &batch, seed);
        check_kernel_gradient::<f64, C64, 1>(params, [k], &kernel_axes, &batch, seed);
        check_kernel_gradient::<C64, f64, 1>(params, [k], &kernel_axes, &batch, seed);
        check_kernel_gradient::<C64, C64, 1>(params, [k], &kernel_axes, &batch, seed);
        check_kernel_gradient::<f32, f32, 1>(params, [k], &kernel_axes, &batch, seed);
        check_kernel_gradient::<C32, C32, 1>(params, [k], &kernel_axes, &batch, seed);
    }

    #[test]
    fn gradients_of_kernels_in_two_dimensions_are_the_definition(
        (n0, k0, mode, level) in sizes(13),
        (n1, k1) in (1_usize..13, 1_usize..13),
        (kernel_axes, batch) in (leading_axes(), leading_axes()),
        seed in any::<u64>(),
    ) {
        let (n1, k1) = if mode == Mode::Valid { (n1.max(k1), n1.min(k1)) } else { (n1, k1) };
        let level = if mode == Mode::Circular { level.min(n1.trailing_zeros() as usize) } else { level };
        let params = Convolution2d::params([n0, n1]).mode(mode).level(level).isa(isa());
        let k = [k0, k1];
        check_kernel_gradient::<f64, f64, 2>(params, k, &kernel_axes, &batch, seed);
        check_kernel_gradient::<f64, C64, 2>(params, k, &kernel_axes, &batch, seed);
        check_kernel_gradient::<C64, f64, 2>(params, k, &kernel_axes, &batch, seed);
        check_kernel_gradient::<C64, C64, 2>(params, k, &kernel_axes, &batch, seed);
        check_kernel_gradient::<f32, f32, 2>(params, k, &kernel_axes, &batch, seed);
        check_kernel_gradient::<f32, C32, 2>(params, k, &kernel_axes, &batch, seed);
    }

    #[test]
    fn a_stream_gives_what_the_full_convolution_gives(
        n in 0_usize..300,
        k in 1_usize..40,
        latency in 0_usize..90,
        cuts in prop::collection::vec(0_usize..50, 0..12),
        seed in any::<u64>(),
    ) {
        let h = noise::<f64>(&[2, k], seed ^ 5);
        let mut stream = Stream::<f64>::new(&h, latency).unwrap();
        for round in 0..2 {
            let x = noise::<f64>(&[n], seed ^ round);
            let x = x.as_slice().unwrap();
            let (mut pieces, mut done, mut given) = (Vec::new(), 0, 0);
            for cut in cuts.iter().map(|&cut| cut.min(n - done)).collect::<Vec<_>>().into_iter().chain([n]) {
                let piece = &x[done..(done + cut).min(n)];
                done += piece.len();
                let out = stream.push(piece).unwrap();
                given += out.shape()[1];
                pieces.push(out);
                prop_assert!(given <= done && done - given <= latency, "{given} of {done}");
            }
            pieces.push(stream.finish().unwrap());
            let views: Vec<_> = pieces.iter().map(|piece| piece.view()).collect();
            let all = ndarray::concatenate(Axis(1), &views).unwrap();
            if n == 0 {
                prop_assert!(all.iter().all(|&y| y == 0.0));
                continue;
            }
            prop_assert_eq!(all.shape(), [2, n + k - 1]);
            for (got, h) in all.outer_iter().zip(h.outer_iter()) {
                let row = |x: ArrayD<C64>| x.insert_axis(Axis(0));
                let x = row(widen(&Array1::from(x.to_vec())));
                let expected = definition(&x, &row(widen(&h.to_owned())), Mode::Full, [1, 1]);
                let got = got.to_owned().insert_axis(Axis(0));
                let h = h.to_owned().insert_axis(Axis(0)).into_dyn();
                let bound = bound(&x, &h, got.len(), Mode::Full);
                let error = norm(&(widen(&got) - &expected)) / bound;
                prop_assert!(error <= tolerance::<f64>(), "{error:e}");
            }
        }
    }
}

#[test]
fn one_sample_and_one_tap_are_enough_at_any_level() {
    for mode in MODES {
        for level in 0..if mode == Mode::Circular { 1 } else { 6 } {
            for extra in [0, 40] {
                check_1d::<f64, f64>(1, 1, mode, level, extra, 7);
                // in two dimensions folding adds 4^level equal terms, whose roundings add up
                check_2d::<f32, C32>([1, 1], [1, 1], mode, level.min(3), extra, 7);
                check_1d::<C64, f64>(1, 1, mode, level, extra, 8);
            }
        }
    }
}

/// A DFT by its definition, of two axes.
fn dft(h: &ArrayD<C64>) -> ArrayD<C64> {
    let [n0, n1] = [h.shape()[0], h.shape()[1]];
    ArrayD::from_shape_fn(h.raw_dim(), |k| {
        let mut sum = Complex::new(0.0, 0.0);
        for i0 in 0..n0 {
            for i1 in 0..n1 {
                let turns =
                    (k[0] * i0 % n0) as f64 / n0 as f64 + (k[1] * i1 % n1) as f64 / n1 as f64;
                sum += h[[i0, i1]] * Complex::cis(-2.0 * std::f64::consts::PI * turns);
            }
        }
        sum
    })
}

#[test]
fn a_kernel_in_fourier_is_the_kernel_in_space() {
    for (n, level) in [([1, 1], 0), ([7, 6], 0), ([8, 12], 2), ([16, 8], 3)] {
        let h = noise::<C64>(&n, 3);
        let hat = dft(&h);
        let params = Convolution2d::params(n)
            .isa(isa())
            .mode(Mode::Circular)
            .level(level);
        let in_fourier = params.plan(Kernels::fourier(&hat)).unwrap();
        let x = noise::<f64>(&n, 4);
        let expected = definition(&widen(&x), &h, Mode::Circular, [1 << level; 2]);
        assert!(error(&in_fourier.apply(&x).unwrap(), &expected) < 1e-14);
        check_adjoint(&in_fourier, &x, bound(&x, &h, 2 * x.len(), Mode::Full), 9);
        let in_fourier = params.plan(Kernels::fourier(&hat)).unwrap();
        let z = noise::<C64>(&n, 5);
        let expected = definition(&z, &h, Mode::Circular, [1 << level; 2]);
        assert!(error(&in_fourier.apply(&z).unwrap(), &expected) < 1e-14);

        // the real part of a transfer function belongs to (h(t) + conj h(−t))/2; zeros in it are skipped
        let mut real = hat.mapv(|value| value.re);
        real.indexed_iter_mut().for_each(|(k, value)| {
            if k[0] % 16 >= 8 || k[1] >= 3 {
                *value = 0.0;
            }
        });
        let plan = params.plan(Kernels::fourier(&real)).unwrap();
        let conj = dft(&real.mapv(|value| Complex::new(value, 0.0))).mapv(|value| value.conj());
        let h = conj.mapv(|value| value / (n[0] * n[1]) as f64);
        let expected = definition(&z, &h, Mode::Circular, [1 << level; 2]);
        assert!(error(&plan.apply(&z).unwrap(), &expected) < 1e-14);
    }
    let line = noise::<C64>(&[1, 12], 3);
    let hat = dft(&line).index_axis_move(Axis(0), 0);
    let plan = Convolution1d::params([12])
        .isa(isa())
        .mode(Mode::Circular)
        .level(1)
        .plan(Kernels::fourier(&hat))
        .unwrap();
    let x = noise::<f64>(&[12], 4);
    let expected = definition(
        &widen(&x).insert_axis(Axis(0)),
        &line,
        Mode::Circular,
        [1, 2],
    );
    assert!(
        error(
            &plan.apply(&x).unwrap(),
            &expected.index_axis_move(Axis(0), 0)
        ) < 1e-14
    );
}

#[test]
fn filters_of_a_bank_are_kernels() {
    let bank = FilterBank2d::params([16, 24], 2)
        .L(3)
        .build::<f64>()
        .unwrap();
    let params = Convolution2d::params([16, 24])
        .isa(isa())
        .mode(Mode::Circular);
    let x = noise::<f64>(&[16, 24], 4);
    let all = params.plan(&bank).unwrap().apply(&x).unwrap();
    assert_eq!(all.shape(), [6, 16, 24]);
    for (lambda, got) in all.outer_iter().enumerate() {
        let (j, l) = (lambda / 3, lambda % 3);
        let psi = bank.psi_in_space(j, l).into_dyn();
        let expected = definition(&widen(&x), &psi, Mode::Circular, [1, 1]);
        assert!(error(&got.to_owned(), &expected) < 1e-13, "{j}, {l}");
        let alone = params.plan(bank.psi(j, l)).unwrap().apply(&x).unwrap();
        assert_eq!(alone, got);
    }
}

#[test]
fn a_level_keeps_every_so_many_samples_of_its_mode() {
    let (x, h) = (noise::<f64>(&[24, 40], 1), noise::<f64>(&[5, 4], 2));
    for mode in MODES {
        let params = Convolution2d::params([24, 40]).isa(isa()).mode(mode);
        let all = widen(&params.plan(&h).unwrap().apply(&x).unwrap());
        for level in 1..=3 {
            let step = 1 << level;
            for method in methods([5, 4], level, 9) {
                let plan = params.level(level).method(method).plan(&h).unwrap();
                let got = plan.apply(&x).unwrap();
                let expected = all.slice(s![..;step, ..;step]).to_owned().into_dyn();
                assert!(
                    error(&got, &expected) < 1e-14,
                    "{mode:?}, {level}, {method}"
                );
            }
        }
    }
}

#[test]
fn banks_batches_and_threads_do_not_change_a_bit() {
    let (x, h) = (
        noise::<f32>(&[3, 2, 30, 41], 1),
        noise::<f32>(&[2, 2, 5, 6], 2),
    );
    for mode in MODES {
        for method in methods([5, 6], 0, 10) {
            let params = Convolution2d::params([30, 41])
                .isa(isa())
                .mode(mode)
                .method(method);
            let bank = params.plan(&h).unwrap();
            let out = bank.apply(&x).unwrap();
            assert_eq!(out.shape()[..4], [3, 2, 2, 2]);
            for threads in 1..6 {
                let mut again = ArrayD::from_elem(out.shape(), f32::NAN);
                bank.apply_into(&x, &mut again, &mut bank.workspace_for(threads))
                    .unwrap();
                assert_eq!(out, again, "{mode:?}, {method}, {threads}");
            }
            for (b, c) in [(0, 0), (2, 1)] {
                let x = x.slice(s![b, c, .., ..]);
                assert_eq!(
                    bank.apply(&x).unwrap(),
                    out.slice(s![b, c, .., .., .., ..]).into_dyn()
                );
                for (p, q) in [(0, 1), (1, 0)] {
                    if method == Method::Auto {
                        continue; // one kernel may be computed otherwise than four
                    }
                    let single = params.plan(&h.slice(s![p, q, .., ..])).unwrap();
                    let expected = out.slice(s![b, c, p, q, .., ..]);
                    assert_eq!(single.apply(&x).unwrap(), expected.into_dyn());
                }
            }
        }
    }
}

#[test]
fn threads_that_share_the_passes_of_a_block_do_not_change_a_bit() {
    fn check<X: Convolve<K>, K: Sample<Real = X::Real>>(n: [usize; 2], method: Method<2>) {
        let (x, h) = (noise::<X>(&n, 1), noise::<K>(&[9, 6], 2));
        for isa in Isa::available() {
            let params = Convolution2d::params(n).isa(isa).method(method);
            let plan: Convolution2d<X, K> = params.plan(&h).unwrap();
            let mut results = (1..6).map(|threads| {
                let mut out = ArrayD::zeros(plan.output_axes()).mapv(|y: f32| {
                    let nan = X::Real::narrow(f64::from(y) + f64::NAN);
                    X::Output::from_parts(nan, nan)
                });
                let mut workspace = plan.workspace_for(threads);
                plan.apply_into(&x, &mut out, &mut workspace).unwrap();
                out
            });
            let one = results.next().unwrap();
            assert!(
                results.all(|several| several == one),
                "{isa}, {n:?}, {method}"
            );
        }
    }
    for method in [Method::Fft, Method::OverlapSave { block: [150, 288] }] {
        check::<f32, f32>([231, 190], method);
        check::<f32, C32>([231, 190], method);
        check::<C32, f32>([190, 231], method);
        check::<f64, f64>([231, 190], method);
    }
}

/// Values of SciPy 1.17.1: `scipy.signal.convolve(x, h, mode, method="direct")`, and `correlate`.
#[test]
fn one_call_gives_what_scipy_gives() {
    fn close<X: Sample, D: Dimension>(got: Array<X, D>, expected: &ArrayD<C64>) -> bool {
        error(&got.into_dyn(), expected) < 10.0 * tolerance::<X::Real>()
    }
    let windows = [(Mode::Full, 0..10), (Mode::Same, 1..8), (Mode::Valid, 3..7)];
    let x = array![3.0_f64, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0];
    let h = array![2.0, 7.0, -1.0, 8.0];
    let convolved = array![6.0, 19.0, -2.0, 55.0, -15.0, 14.0, 80.0, -35.0, 70.0, 16.0];
    let correlated = array![24.0, -11.0, 54.0, 3.0, -15.0, 92.0, -26.0, 51.0, 32.0, 4.0];
    for (mode, window) in windows {
        let part = |full: &Array1<f64>| widen(&full.slice(s![window.clone()]).to_owned());
        assert!(close(convolve(&x, &h, mode).unwrap(), &part(&convolved)));
        assert!(close(correlate(&x, &h, mode).unwrap(), &part(&correlated)));
    }

    let z = C64::new;
    let x = array![z(1.0, 2.0), z(3.0, -1.0), z(-2.0, 0.0), z(0.0, 4.0)];
    let h = array![z(1.0, -1.0), z(0.0, 2.0)];
    let same = array![z(4.0, -2.0), z(-3.0, -3.0), z(4.0, 6.0), z(6.0, -2.0)];
    assert!(close(
        correlate(&x, &h, Mode::Same).unwrap(),
        &same.into_dyn()
    ));

    let x = array![
        [0.0_f32, 1.0, 4.0, 2.0],
        [2.0, 4.0, 1.0, 0.0],
        [1.0, 4.0, 2.0, 2.0]
    ];
    let h = array![[1.0_f32, 2.0], [3.0, -4.0]];
    let same = array![
        [0.0_f64, -4.0, -13.0, 4.0],
        [-8.0, -8.0, 17.0, 11.0],
        [0.0, -3.0, 10.0, -1.0]
    ];
    assert!(close(correlate(&x, &h, Mode::Same).unwrap(), &widen(&same)));
}

#[test]
fn one_call_is_the_plan_and_on_a_circle_its_adjoint() {
    for (n, k) in [([17, 30], [4, 3]), ([5, 6], [7, 9]), ([300, 260], [40, 31])] {
        let x = noise::<f32>(&n, 1).into_dimensionality::<Ix2>().unwrap();
        let h = noise::<C32>(&k, 2).into_dimensionality::<Ix2>().unwrap();
        for mode in MODES {
            if mode == Mode::Valid && n[0] < k[0] {
                assert!(matches!(
                    convolve(&x, &h, mode),
                    Err(Error::WrongShape { .. })
                ));
                continue;
            }
            let plan: Convolution2d<f32, C32> =
                Convolution2d::params(n).mode(mode).plan(&h).unwrap();
            let expected = plan.apply(&x).unwrap();
            assert_eq!(convolve(&x, &h, mode).unwrap().into_dyn(), expected);
            let correlated = correlate(&x, &h, mode).unwrap().into_dyn();
            let expected = match mode {
                Mode::Circular => {
                    let x = x.mapv(|x| C32::new(x, 0.0));
                    widen(&plan.adjoint().unwrap().apply(&x).unwrap())
                }
                _ => {
                    let reversed = h.slice(s![..;-1, ..;-1]).mapv(|tap| tap.conj());
                    widen(&convolve(&x, &reversed, mode).unwrap())
                }
            };
            assert!(
                error(&correlated, &expected) < 1e-6,
                "{mode:?}, {n:?}, {k:?}"
            );
        }
    }
    let nan = array![1.0_f32, f32::NAN];
    let fine = array![1.0_f32, 2.0];
    assert!(matches!(
        convolve(&nan, &fine, Mode::Same),
        Err(Error::NotFinite { .. })
    ));
    assert!(matches!(
        correlate(&fine, &nan, Mode::Same),
        Err(Error::InvalidParameter { .. })
    ));
    let none = Array1::<f32>::zeros(0);
    assert!(matches!(
        convolve(&none, &fine, Mode::Full),
        Err(Error::Empty { .. })
    ));
    assert!(matches!(
        convolve(&fine, &none, Mode::Full),
        Err(Error::WrongShape { .. })
    ));
}

#[test]
fn the_adjoint_of_a_bank_sums_over_its_kernels() {
    let h = noise::<C64>(&[3, 4, 5], 2);
    for mode in MODES {
        for method in methods([4, 5], 1, 6) {
            let params = Convolution2d::params([12, 18])
                .isa(isa())
                .mode(mode)
                .level(1)
                .method(method);
            let plan = params.plan(&h).unwrap();
            let x = noise::<f64>(&[12, 18], 1);
            check_adjoint(&plan, &x, norm(&x) * norm(&h) * 20.0, 8);
            let adjoint = plan.adjoint().unwrap();
            assert_eq!(adjoint.input_axes(), plan.output_axes());
            assert_eq!(adjoint.output_axes(), [12, 18]);
            let y = noise::<C64>(&[&[4][..], &adjoint.input_axes()].concat(), 6);
            let all = adjoint.apply(&y).unwrap();
            assert_eq!(
                all.index_axis(Axis(0), 2),
                adjoint.apply(&y.index_axis(Axis(0), 2)).unwrap()
            );
        }
    }
}

#[test]
fn a_second_call_allocates_nothing_and_takes_dirty_scratch() {
    let (x, h) = (noise::<f32>(&[2, 33, 40], 1), noise::<f32>(&[2, 5, 6], 2));
    let other = noise::<f32>(&[2, 33, 40], 7) * 1e6;
    for level in [0, 2] {
        for method in methods([5, 6], level, 10) {
            let plan = Convolution2d::params([33, 40])
                .isa(isa())
                .level(level)
                .method(method)
                .plan(&h)
                .unwrap();
            steady(&plan, &x, &other);
            let complex = h.mapv(|tap| Complex::new(tap, tap * 2.0));
            let plan = Convolution2d::params([33, 40])
                .isa(isa())
                .level(level)
                .method(method)
                .plan(&complex)
                .unwrap();
            steady(&plan, &x, &other);
        }
        for method in methods([6], level, 10) {
            let h = h.slice(s![.., 0, ..]);
            let plan = Convolution1d::params([40])
                .isa(isa())
                .level(level)
                .method(method)
                .plan(&h)
                .unwrap();
            steady(&plan, &x, &other);
            steady(
                &plan.adjoint().unwrap(),
                &plan.apply(&x).unwrap(),
                &plan.apply(&other).unwrap(),
            );
        }
    }
    let mut stream = Stream::<f32>::new(&h.slice(s![0, 0, ..]), 20).unwrap();
    let x = x.as_slice().unwrap();
    for len in [7, 90, 0, 21] {
        let mut out = Array1::zeros(stream.ready(len));
        let counted =
            allocation_counter::measure(|| stream.push_into(&x[..len], &mut out).unwrap());
        assert_eq!(counted.count_total, 0);
    }
}

fn steady<X: Convolve<K>, K: Sample<Real = X::Real>, const D: usize>(
    plan: &Convolution<X, K, D>,
    x: &ArrayD<X>,
    other: &ArrayD<X>,
) {
    let expected = plan.apply(x).unwrap();
    let mut out = expected.clone();
    let mut workspace = plan.workspace_for(1);
    plan.apply_into(other, &mut out, &mut workspace).unwrap();
    assert_ne!(out, expected);
    let counted =
        allocation_counter::measure(|| plan.apply_into(x, &mut out, &mut workspace).unwrap());
    assert_eq!(
        (counted.count_total, counted.bytes_total),
        (0, 0),
        "{plan:?}"
    );
    assert_eq!(out, expected);
}

#[test]
fn any_strides_give_the_same_bits() {
    let (x, h) = (noise::<f64>(&[3, 20, 14], 1), noise::<f64>(&[3, 3], 2));
    let plan = Convolution2d::params([20, 14]).isa(isa()).plan(&h).unwrap();
    let expected = plan.apply(&x).unwrap();
    let mut wide = ArrayD::<f64>::zeros(IxDyn(&[14, 40, 3]));
    let mut view = wide.slice_mut(s![..;-1, ..;2, ..]);
    view.swap_axes(0, 2);
    view.assign(&x);
    let mut out = ArrayD::zeros(IxDyn(&[3, 20, 28]));
    let mut gaps = out.slice_mut(s![.., .., ..;2]);
    plan.apply_into(&view, &mut gaps, &mut plan.workspace())
        .unwrap();
    assert_eq!(gaps.into_dyn(), expected);
}

#[test]
fn rounding_in_single_precision_stays_that_of_an_fft() {
    // 2^17 and 211 x 205 samples of noise: eps/2 · √log2(n), a few times over
    let (x, h) = (noise::<f32>(&[1 << 17], 1), noise::<f32>(&[900], 2));
    let exact = |x: &ArrayD<f32>, h: &ArrayD<f32>| (x.mapv(f64::from), h.mapv(f64::from));
    let (x64, h64) = exact(&x, &h);
    let expected = Convolution1d::params([1 << 17])
        .isa(isa())
        .plan(&h64)
        .unwrap()
        .apply(&x64)
        .unwrap();
    for method in methods([900], 0, 4000) {
        let plan = Convolution1d::params([1 << 17])
            .isa(isa())
            .method(method)
            .plan(&h)
            .unwrap();
        let error = error(&plan.apply(&x).unwrap(), &widen(&expected));
        assert!(error < 6e-7, "{method}: {error:e}");
    }
    let (x, h) = (noise::<f32>(&[211, 205], 1), noise::<f32>(&[31, 31], 2));
    let (x64, h64) = exact(&x, &h);
    let expected = Convolution2d::params([211, 205])
        .isa(isa())
        .plan(&h64)
        .unwrap()
        .apply(&x64)
        .unwrap();
    for method in methods([31, 31], 0, 60) {
        let plan = Convolution2d::params([211, 205])
            .isa(isa())
            .method(method)
            .plan(&h)
            .unwrap();
        let error = error(&plan.apply(&x).unwrap(), &widen(&expected));
        assert!(error < 6e-7, "{method}: {error:e}");
    }
}

#[test]
fn amplitudes_at_the_ends_of_the_range_keep_single_precision() {
    for amplitude in [1e30, 1e-30] {
        let signal = |x: f64| f64::from((amplitude * x) as f32);
        let (x, h) = (
            noise::<f64>(&[60, 70], 1).mapv(signal),
            noise::<f32>(&[9, 8], 2),
        );
        let expected = definition(&widen(&x), &widen(&h), Mode::Same, [1, 1]);
        let x = x.mapv(|x| x as f32);
        for (method, isa) in methods([9, 8], 0, 30)
            .into_iter()
            .flat_map(|method| Isa::available().map(move |isa| (method, isa)))
        {
            let params = Convolution2d::params([60, 70]).method(method).isa(isa);
            let error = error(&params.plan(&h).unwrap().apply(&x).unwrap(), &expected);
            assert!(error < 6e-7, "{params:?}, {amplitude:e}: {error:e}");
        }
    }
}

/// Denormals of 32 bits stand 2⁻¹⁴⁹ apart, and every product and sum is rounded by up to half of that: in the definition 72
/// of each, and in an inverse FFT n products, whose roundings add up by chance to √n, and here and there to four times that.
#[test]
fn denormal_amplitudes_round_to_denormals() {
    let signal = |x: f64| f64::from((1e-40 * x) as f32);
    let (x, h) = (
        noise::<f64>(&[60, 70], 1).mapv(signal),
        noise::<f32>(&[9, 8], 2),
    );
    let expected = definition(&widen(&x), &widen(&h), Mode::Same, [1, 1]);
    let x = x.mapv(|x| x as f32);
    let apart = 2_f64.powi(-149);
    for (method, isa) in methods([9, 8], 0, 30)
        .into_iter()
        .flat_map(|method| Isa::available().map(move |isa| (method, isa)))
    {
        let params = Convolution2d::params([60, 70]).method(method).isa(isa);
        let y = params.plan(&h).unwrap().apply(&x).unwrap();
        let furthest = y
            .iter()
            .zip(&expected)
            .map(|(&y, expected)| (f64::from(y) - expected.re).abs());
        let furthest = furthest.fold(0.0, f64::max) / apart;
        assert!(
            furthest < 72.0 + 4.0 * (72.0_f64 * 80.0).sqrt(),
            "{params:?}: {furthest}"
        );
    }
}

#[test]
fn a_plan_says_what_it_chose_and_why() {
    let explain = |params: ConvolutionParams<1>, k: usize| {
        let plan = params.plan::<f32, f32>(&noise::<f32>(&[k], 1)).unwrap();
        assert!(format!("{plan:?}").contains("Explanation"));
        plan.explain().clone()
    };
    let long = Convolution1d::params([1 << 18]).isa(isa());
    let short_kernel = explain(long, 3);
    assert_eq!(short_kernel.chosen().method, Method::Direct);
    let medium = explain(long, 300);
    assert!(
        matches!(medium.chosen().method, Method::OverlapSave { .. }),
        "{medium}"
    );
    let large = explain(
        Convolution1d::params([4000])
            .isa(isa())
            .mode(Mode::Circular),
        4000,
    );
    assert_eq!(large.chosen().method, Method::Fft, "{large}");
    for explanation in [short_kernel, medium, large] {
        let least = explanation
            .candidates()
            .iter()
            .map(|candidate| candidate.nanoseconds);
        assert_eq!(
            least.fold(f64::INFINITY, f64::min),
            explanation.chosen().nanoseconds
        );
        let text = explanation.to_string();
        let line = text.lines().find(|line| line.contains("cheapest")).unwrap();
        let name = explanation.chosen().method.to_string();
        assert!(line.starts_with(&name), "{text}");
    }
    let forced = explain(long.method(Method::OverlapSave { block: [1000] }), 3);
    assert!(forced.is_forced());
    assert_eq!(forced.chosen().block, [1000]);
    assert!(forced.to_string().contains("overlap-save 1000"), "{forced}");
    // the estimate is a table: the same for the same request
    assert_eq!(explain(long, 300), explain(long, 300));
    let measured = explain(long.planning(Planning::Measure), 300);
    assert_eq!(measured.chosen().planning, Planning::Measure);
    assert!(measured.chosen().nanoseconds > 0.0);
}

#[test]
fn what_cannot_be_done_is_refused() {
    let h = noise::<f64>(&[4, 5], 1);
    let params = Convolution2d::params([8, 12]);
    let refused =
        |params: ConvolutionParams<2>| params.plan::<f64, f64>(&h).unwrap_err().to_string();
    let has = |message: String, parts: &[&str]| {
        assert!(parts.iter().all(|part| message.contains(part)), "{message}");
    };
    has(
        refused(Convolution2d::params([3, 12]).mode(Mode::Valid)),
        &["[4, 5]", "[3, 12]"],
    );
    has(refused(Convolution2d::params([8, 0])), &["[8, 0]"]);
    has(
        refused(params.mode(Mode::Circular).level(3)),
        &["level = 3", "axis 1", "12", "up to 2"],
    );
    has(refused(params.level(40)), &["level = 40", "31"]);
    has(
        refused(params.method(Method::OverlapSave { block: [3, 8] })),
        &["3 x 8", "[4, 5]"],
    );
    has(
        refused(
            params
                .level(1)
                .method(Method::OverlapSave { block: [9, 8] }),
        ),
        &["9 x 8", "multiple"],
    );
    assert!(matches!(
        Convolution2d::params([1 << 40, 1 << 40]).plan::<f64, f64>(&h),
        Err(Error::OutOfMemory { .. })
    ));
    for shape in [[usize::MAX, 2], [usize::MAX, usize::MAX]] {
        let huge = Convolution2d::params(shape)
            .mode(Mode::Full)
            .plan::<f64, f64>(&h);
        assert!(matches!(huge, Err(Error::OutOfMemory { .. })));
    }
    let hat = noise::<C64>(&[8, 12], 1);
    let in_fourier = |params: ConvolutionParams<2>| params.plan::<f64, _>(Kernels::fourier(&hat));
    has(
        in_fourier(params).unwrap_err().to_string(),
        &["mode", "circular"],
    );
    let circular = params.mode(Mode::Circular);
    has(
        in_fourier(circular.method(Method::Direct))
            .unwrap_err()
            .to_string(),
        &["direct", "FFT"],
    );
    let wrong = Convolution2d::params([8, 13]).mode(Mode::Circular);
    has(
        in_fourier(wrong).unwrap_err().to_string(),
        &["[8, 12]", "[8, 13]"],
    );
    let flat = noise::<f64>(&[4], 1);
    has(
        params.plan::<f64, f64>(&flat).unwrap_err().to_string(),
        &["[4]", "2 axes"],
    );
    has(
        params
            .plan::<f64, f64>(&Array2::zeros([0, 3]))
            .unwrap_err()
            .to_string(),
        &["[0, 3]"],
    );
    let mut bad = h.clone();
    bad[[1, 2]] = f64::NAN;
    has(
        params.plan::<f64, f64>(&bad).unwrap_err().to_string(),
        &["[1, 2]"],
    );
    let three = Convolution::params([2, 3, 4]);
    has(
        three
            .plan::<f64, f64>(&Array3::ones([1, 1, 1]))
            .unwrap_err()
            .to_string(),
        &["D = 3"],
    );
    assert!(Stream::<f64, C64>::new(Kernels::fourier(&hat), 3).is_err());

    let plan = params.plan::<f64, f64>(&h).unwrap();
    assert!(matches!(
        plan.apply(&Array2::zeros([8, 11])),
        Err(Error::WrongShape { .. })
    ));
    assert!(matches!(
        plan.apply(&Array1::zeros(12)),
        Err(Error::WrongShape { .. })
    ));
    assert!(matches!(
        plan.apply(&Array3::zeros([0, 8, 12])),
        Err(Error::Empty { .. })
    ));
    let mut x = Array3::<f64>::zeros([2, 8, 12]);
    let mut out = Array2::zeros([8, 12]);
    let mut workspace = plan.workspace_for(1);
    let error = plan.apply_into(&x, &mut out, &mut workspace).unwrap_err();
    has(error.to_string(), &["[8, 12]", "[2, 8, 12]"]);
    let other = Convolution2d::params([80, 120])
        .plan::<f64, f64>(&h)
        .unwrap();
    let alien = other.apply_into(
        &Array2::zeros([80, 120]),
        &mut Array2::zeros([80, 120]),
        &mut workspace,
    );
    has(alien.unwrap_err().to_string(), &["workspace"]);
    for bad in [f64::NAN, f64::INFINITY] {
        x[[1, 7, 3]] = bad;
        let error = plan.apply(&x).unwrap_err();
        assert!(
            matches!(&error, Error::NotFinite { position, .. } if *position == [1, 7, 3]),
            "{error}"
        );
    }
    assert!(plan.apply(&Array1::zeros(0)).is_err());
}

/// A plan in `f32`, whose workspaces are of one type whatever its samples and axes are.
trait Planned {
    fn workspace(&self) -> ConvolutionWorkspace<f32>;

    /// What it makes of noise in an output that held NaN before, to the bit.
    fn run(&self, workspace: &mut ConvolutionWorkspace<f32>) -> Result<Vec<[u32; 2]>, Error>;
}

impl<X, K, const D: usize> Planned for Convolution<X, K, D>
where
    X: Convolve<K, Real = f32>,
    K: Sample<Real = f32>,
{
    fn workspace(&self) -> ConvolutionWorkspace<f32> {
        self.workspace_for(2)
    }

    fn run(&self, workspace: &mut ConvolutionWorkspace<f32>) -> Result<Vec<[u32; 2]>, Error> {
        let x = noise::<X>(&[&[3], &self.input_axes()[..]].concat(), 3);
        let nan = X::Output::from_parts(f32::NAN, f32::NAN);
        let mut out = ArrayD::from_elem([&[3], &self.output_axes()[..]].concat(), nan);
        self.apply_into(&x, &mut out, workspace)?;
        let bits = |y: &X::Output| [y.re(), y.im()].map(f32::to_bits);
        Ok(out.iter().map(bits).collect())
    }
}

#[test]
fn a_workspace_of_another_plan_serves_or_is_refused() {
    let line = |n| Convolution1d::params([n]).isa(isa());
    let image = |n0, n1| Convolution2d::params([n0, n1]).isa(isa());
    let real = |shape: &[usize]| noise::<f32>(shape, 7);
    let complex = |shape: &[usize]| noise::<C32>(shape, 7);
    let block = |n| Method::OverlapSave { block: [n] };
    let blocks = |n0, n1| Method::OverlapSave { block: [n0, n1] };
    let (circular, full, valid) = (Mode::Circular, Mode::Full, Mode::Valid);
    macro_rules! plans {
        ($($params:expr, $X:ty, $K:ty, $kernel:expr;)*) => {
            vec![$(Box::new($params.plan::<$X, $K>(&$kernel).unwrap()) as Box<dyn Planned>),*]
        };
    }
    let plans: Vec<Box<dyn Planned>> = plans![
        line(300).method(Method::Direct), f32, f32, real(&[9]);
        line(300).method(Method::Direct), f32, C32, complex(&[9]);
        line(300).method(Method::Fft), f32, f32, real(&[9]);
        line(300).method(Method::Fft).mode(full), f32, f32, real(&[3, 9]);
        line(300).method(Method::Fft).level(1), C32, f32, real(&[9]);
        line(301).method(Method::Fft).mode(circular), f32, C32, complex(&[9]); // 7·43: no radices
        line(300).method(block(64)), f32, f32, real(&[9]);
        line(3000).method(block(1024)).mode(valid), f32, f32, real(&[9]);
        line(3000).method(block(1024)), f32, f32, real(&[2, 9]);
        line(3000).method(block(1024)), C32, C32, complex(&[9]);
        line(3000).method(block(1024)).level(2), f32, f32, real(&[9]);
        image(30, 40).method(Method::Direct).mode(valid), f32, f32, real(&[5, 4]);
        image(30, 40).method(Method::Direct).level(1), f32, f32, real(&[2, 5, 4]);
        image(30, 40).method(Method::Fft), f32, f32, real(&[5, 4]);
        image(30, 40).method(Method::Fft).mode(circular), f32, C32, complex(&[2, 5, 4]);
        image(31, 43).method(Method::Fft).mode(circular), f32, f32, real(&[5, 4]);
        image(1, 300).method(Method::Fft), f32, f32, real(&[1, 9]);
        image(90, 70).method(blocks(24, 24)), f32, f32, real(&[5, 4]);
        image(90, 70).method(blocks(24, 24)).level(2), f32, C32, complex(&[5, 4]);
        image(90, 70).method(blocks(48, 24)).mode(full), C32, f32, real(&[2, 5, 4]);
    ];
    let rights: Vec<_> = plans
        .iter()
        .map(|plan| plan.run(&mut plan.workspace()).unwrap())
        .collect();
    let nan = f32::NAN.to_bits();
    assert!(rights.iter().flatten().all(|y| y[0] != nan && y[1] != nan));
    let mut served = 0;
    for (a, donor) in plans.iter().enumerate() {
        let mut workspace = donor.workspace();
        for (b, (plan, right)) in plans.iter().zip(&rights).enumerate() {
            match plan.run(&mut workspace) {
                Ok(got) => {
                    assert!(got == *right, "plan {b} in the workspace of plan {a}");
                    served += 1;
                }
                Err(Error::ForeignWorkspace) => assert_ne!(a, b),
                Err(error) => panic!("plan {b} in the workspace of plan {a}: {error}"),
            }
        }
        assert!(plans[a].run(&mut workspace).unwrap() == rights[a]);
    }
    assert!(served >= plans.len());
}

#[test]
fn a_workspace_takes_the_bytes_it_says() {
    let (h, c) = (noise::<f32>(&[3, 5, 6], 2), noise::<C32>(&[5, 6], 2));
    for method in methods([5, 6], 0, 10) {
        let params = Convolution2d::params([33, 40]).isa(isa()).method(method);
        let bank = params.plan::<f32, f32>(&h).unwrap();
        let sole = params.plan::<C32, C32>(&c).unwrap();
        let makers: [&dyn Fn() -> ConvolutionWorkspace<f32>; 2] =
            [&|| bank.workspace_for(3), &|| sole.workspace_for(3)];
        for make in makers {
            let mut said = 0;
            let counted = allocation_counter::measure(|| said = make().bytes());
            // beside the parts: their names, and the vectors that hold them
            assert!(
                (said..said + 4096).contains(&counted.bytes_total),
                "{method}: {said} of {}",
                counted.bytes_total
            );
        }
    }
}

#[test]
fn a_call_ends_when_it_is_cancelled() {
    let (x, h) = (noise::<f32>(&[300, 300], 1), noise::<f32>(&[2, 9, 9], 2));
    for method in methods([9, 9], 0, 30) {
        let params = Convolution2d::params([300, 300]).isa(isa()).method(method);
        let plan = params.plan::<f32, f32>(&h).unwrap();
        for threads in [1, 2] {
            let cancel = Cancel::new();
            let mut workspace = plan.workspace_for(threads).cancelled_by(&cancel);
            let mut out = ArrayD::from_elem(plan.output_axes(), f32::NAN);
            plan.apply_into(&x, &mut out, &mut workspace).unwrap();
            assert_eq!(out, plan.apply(&x).unwrap());
            cancel.cancel();
            out.fill(f32::NAN);
            let refused = plan.apply_into(&x, &mut out, &mut workspace);
            assert!(matches!(refused, Err(Error::Cancelled)), "{method}");
            assert!(out.iter().all(|y| y.is_nan()), "{method}: nothing was done");
        }
    }
    // from another thread, in one of the calls that are made until then
    let cancel = Cancel::new();
    let x = noise::<f32>(&[1 << 22], 1);
    let params = Convolution1d::params([1 << 22])
        .isa(isa())
        .method(Method::OverlapSave { block: [128] });
    let plan = params.plan::<f32, f32>(&noise::<f32>(&[65], 2)).unwrap();
    let mut workspace = plan.workspace_for(1).cancelled_by(&cancel);
    let mut out = ArrayD::from_elem(plan.output_axes(), f32::NAN);
    let ended = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            cancel.cancel();
        });
        (0..10_000).find_map(|_| plan.apply_into(&x, &mut out, &mut workspace).err())
    });
    assert!(matches!(ended, Some(Error::Cancelled)));
}

#[test]
fn blocks_beyond_any_memory_are_refused() {
    let h = noise::<f32>(&[5], 1);
    for block in [usize::MAX, usize::MAX - 1, 1 << 63, 1 << 60, 1 << 45, 0, 4] {
        let params = Convolution1d::params([100]).method(Method::OverlapSave { block: [block] });
        assert!(params.plan::<f32, f32>(&h).is_err(), "{block}");
        let levels = params.level(3).plan::<f32, f32>(&h);
        assert!(levels.is_err(), "{block}");
    }
    let h = noise::<f32>(&[5, 5], 1);
    for block in [
        [usize::MAX, usize::MAX],
        [usize::MAX, 8],
        [8, usize::MAX],
        [1 << 40, 1 << 40],
        [1 << 32, 1 << 32],
        [8, 1 << 50],
    ] {
        let params = Convolution2d::params([100, 100]).method(Method::OverlapSave { block });
        assert!(params.plan::<f32, f32>(&h).is_err(), "{block:?}");
    }
}

/// Taps that are small integers at few places of a kernel of `k`, the rest 0: the first, the last and some between.
fn sparse_taps(k: [usize; 2]) -> Vec<([usize; 2], i64)> {
    let at = |share: f64| k.map(|k| ((k - 1) as f64 * share) as usize);
    let mut taps = vec![(at(0.0), 3), (at(0.31), -2), (at(0.62), 5), (at(1.0), -7)];
    taps.push(([k[0] - 1, 0], 1));
    taps.dedup_by_key(|(at, _)| *at);
    taps
}

/// Integers of −8 to 8, and their convolution with [`sparse_taps`], of the mode.
fn integers(n: [usize; 2], k: [usize; 2], mode: Mode) -> (Vec<i64>, Vec<i64>) {
    let noise = noise::<f64>(&n, 11);
    let x: Vec<i64> = noise.iter().map(|x| (x * 16.0).round() as i64).collect();
    let (first, len) = match mode {
        Mode::Circular => ([0, 0], n),
        Mode::Full => ([0, 0], [n[0] + k[0] - 1, n[1] + k[1] - 1]),
        Mode::Same => (k.map(|k| (k - 1) / 2), n),
        Mode::Valid => (k.map(|k| k - 1), [n[0] + 1 - k[0], n[1] + 1 - k[1]]),
    };
    let mut y = vec![0; len[0] * len[1]];
    for ([t0, t1], tap) in sparse_taps(k) {
        for (i0, row) in y.chunks_exact_mut(len[1]).enumerate() {
            let mut p0 = (i0 + first[0]) as i64 - t0 as i64;
            if mode == Mode::Circular {
                p0 = p0.rem_euclid(n[0] as i64);
            }
            if !(0..n[0] as i64).contains(&p0) {
                continue;
            }
            let from = &x[p0 as usize * n[1]..][..n[1]];
            for (i1, y) in row.iter_mut().enumerate() {
                let p1 = (i1 + first[1]) as i64 - t1 as i64;
                let p1 = match mode {
                    Mode::Circular => p1.rem_euclid(n[1] as i64),
                    _ => p1,
                };
                if let Some(x) = usize::try_from(p1).ok().and_then(|p1| from.get(p1)) {
                    *y += tap * x;
                }
            }
        }
    }
    (x, y)
}

/// Every sample of a large convolution, rounded to an integer, is the integer it should be, and off by no more than its
/// rounding: the direct form not at all, since all its sums are integers that the precision holds.
fn check_integers<T, const D: usize>(
    n: [usize; D],
    k: [usize; D],
    mode: Mode,
    methods: &[Method<D>],
) where
    T: Real + Sample<Real = T> + Convolve<T, Output = T>,
{
    let two = |axes: [usize; D]| match axes[..] {
        [n1] => [1, n1],
        [n0, n1] => [n0, n1],
        _ => unreachable!("one axis or two"),
    };
    let (x, expected) = integers(two(n), two(k), mode);
    let x = ArrayD::from_shape_vec(&n[..], x.iter().map(|&x| T::narrow(x as f64)).collect());
    let mut h = ArrayD::<T>::zeros(&two(k)[..]);
    for (at, tap) in sparse_taps(two(k)) {
        h[&at[..]] += T::narrow(tap as f64);
    }
    let h = h.into_shape_with_order(&k[..]).unwrap();
    // The spread of a sample of y is ‖h‖ times that of a uniform integer of −8 to 8; rounding, that of an FFT, is eps times
    // that and √log2 n, three transforms for one where a block is of prime length; and the worst of a million samples is
    // some six of its own standard deviations away. A prime length of a million is a chirp of as many rounded angles, twice
    // as far off again.
    let is_prime = |n: usize| {
        (2..)
            .take_while(|p| p * p <= n)
            .all(|p| !n.is_multiple_of(p))
    };
    let chirp = mode == Mode::Circular && n.iter().any(|&n| n > 1 && is_prime(n));
    let spread = norm(&h) * 5.0;
    let eps = T::epsilon().widen();
    let transforms = 3.0 * (expected.len() as f64).log2();
    let bound = eps * spread * transforms.sqrt() * 6.0 * if chirp { 2.0 } else { 1.0 };
    assert!(bound < 0.01, "the precision holds the answer: {bound:e}");
    for &method in methods {
        for isa in Isa::available() {
            let direct = method == Method::Direct;
            if direct && isa != Isa::Portable {
                continue; // it has no vectors of its own
            }
            let params = Convolution::<f32, f32, D>::params(n)
                .mode(mode)
                .method(method)
                .isa(isa);
            let y = params.plan::<T, T>(&h).unwrap().apply(x.as_ref().unwrap());
            let furthest = y
                .unwrap()
                .iter()
                .zip(&expected)
                .fold(0.0, |far: f64, (y, &e)| {
                    far.max((y.widen() - e as f64).abs())
                });
            let bound = if direct { 0.0 } else { bound };
            assert!(furthest <= bound, "{params:?}: {furthest:e} > {bound:e}");
        }
    }
}

#[test]
fn a_million_samples_of_a_line_are_the_integers_they_should_be() {
    let n = [1 << 20];
    let blocks = |block| Method::OverlapSave { block: [block] };
    for mode in MODES {
        let methods = [Method::Direct, Method::Fft, blocks(2112), blocks(1009)];
        check_integers::<f32, 1>(n, [257], mode, &methods);
        check_integers::<f64, 1>(n, [257], mode, &methods);
    }
    let methods = [Method::Auto, Method::Fft, blocks(1 << 17)];
    check_integers::<f32, 1>(n, [40_001], Mode::Same, &methods);
    check_integers::<f64, 1>(n, [40_001], Mode::Same, &methods);
    // longer than the signal, an odd length, a prime one
    check_integers::<f32, 1>([700_001], [800_000], Mode::Full, &[Method::Fft]);
    check_integers::<f64, 1>([1_000_003], [31], Mode::Circular, &[Method::Fft]);
}

#[test]
fn a_million_pixels_are_the_integers_they_should_be() {
    let blocks = |b0, b1| Method::OverlapSave { block: [b0, b1] };
    for (mode, n) in [
        (Mode::Same, [1024, 1024]),
        (Mode::Circular, [1024, 1000]),
        (Mode::Full, [1021, 1031]),
        (Mode::Valid, [1024, 1024]),
    ] {
        let methods = [
            Method::Direct,
            Method::Fft,
            blocks(96, 120),
            blocks(131, 97),
        ];
        check_integers::<f32, 2>(n, [15, 17], mode, &methods);
        check_integers::<f64, 2>(n, [15, 17], mode, &methods);
    }
    let methods = [Method::Auto, Method::Fft, blocks(400, 384)];
    check_integers::<f32, 2>([1024, 1024], [127, 200], Mode::Same, &methods);
    check_integers::<f64, 2>([1024, 1024], [127, 200], Mode::Same, &methods);
}

/// Trains of pulses: p apart convolved with q in a row of ones count how many pulses a window of q covers.
#[test]
fn trains_of_pulses_are_counted() {
    let n = 1_usize << 20;
    for (p, q) in [(1000, 1500), (4096, 65_536), (1, 300)] {
        let x = Array1::from_shape_fn(n, |i| if i % p == 0 { 1.0_f32 } else { 0.0 });
        let h = Array1::<f32>::ones(q);
        for isa in Isa::available() {
            for method in [Method::Auto, Method::Fft] {
                let params = Convolution1d::params([n]).isa(isa).method(method);
                let plan = params.mode(Mode::Full).plan::<f32, f32>(&h).unwrap();
                for (i, &y) in plan.apply(&x).unwrap().iter().enumerate() {
                    // multiples of p in (i − q, i] and below n
                    let upto = |i: usize| i.min(n).div_ceil(p);
                    let count = upto(i + 1) - upto((i + 1).saturating_sub(q));
                    assert!((y - count as f32).abs() < 0.01, "{params:?}, {i}: {y}");
                }
            }
        }
    }
}

#[test]
#[ignore = "a clock: some ten seconds, on a machine with nothing else to do"]
fn a_plan_chooses_a_method_within_a_factor_of_the_fastest() {
    for isa in Isa::available() {
        for (n, k) in [
            (1 << 12, 16),
            (1 << 16, 100),
            (1 << 20, 256),
            (1 << 20, 4096),
        ] {
            within_a_factor([n], [k], isa);
        }
        for (n, k) in [(64, 5), (224, 9), (512, 31), (1024, 127)] {
            within_a_factor([n, n], [k, k], isa);
        }
    }
}

/// Times every candidate of a plan, and compares the chosen one with the fastest.
fn within_a_factor<const D: usize>(n: [usize; D], k: [usize; D], isa: Isa) {
    // The table is of AVX-512 on two machines; the other sets are scaled from there, and other machines have other caches.
    const FACTOR: f64 = 2.0;
    let (x, h) = (noise::<f32>(&n, 1), noise::<f32>(&k, 2));
    let params = Convolution::<f32, f32, D>::params(n).isa(isa);
    let chosen = params.plan::<f32, f32>(&h).unwrap().explain().clone();
    // What is priced at a hundred times the cheapest would take most of the time and is no rival.
    let most = 100.0 * chosen.chosen().nanoseconds;
    let candidates = chosen.candidates().iter();
    let mut rivals: Vec<_> = candidates
        .filter(|candidate| candidate.nanoseconds < most)
        .map(|candidate| {
            let method = candidate.method;
            let plan = params.method(method).plan::<f32, f32>(&h).unwrap();
            let (out, workspace) = (ArrayD::zeros(plan.output_axes()), plan.workspace_for(1));
            (method, plan, out, workspace)
        })
        .collect();
    let mut times: Vec<_> = rivals
        .iter()
        .map(|rival| (rival.0, f64::INFINITY))
        .collect();
    // In turns, so that whatever else the machine does meets all of them.
    for _ in 0..12 {
        for ((_, plan, out, workspace), (_, least)) in rivals.iter_mut().zip(&mut times) {
            for _ in 0..3 {
                let run = std::time::Instant::now();
                plan.apply_into(&x, out, workspace).unwrap();
                *least = least.min(run.elapsed().as_secs_f64());
            }
        }
    }
    let fastest = times.iter().min_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    let own = times
        .iter()
        .find(|(method, _)| *method == chosen.chosen().method);
    let ratio = own.unwrap().1 / fastest.1;
    assert!(
        ratio < FACTOR,
        "{isa}, {n:?} with {k:?}: {} takes {ratio:.2} times {}",
        chosen.chosen().method,
        fastest.0
    );
}

/// Of transfer functions the gradient is with respect to their values, for any subsampling, and of the adjoint too.
#[test]
fn gradients_of_kernels_in_fourier_are_those_of_their_values() {
    fn check<const D: usize>(n: [usize; D], level: usize) {
        let params = Convolution::<f32, f32, D>::params(n).mode(Mode::Circular);
        let params = params.level(level).isa(isa());
        let shape = [&[3][..], &n].concat();
        let plan = |hat: &ArrayD<C64>| params.plan::<f64, C64>(Kernels::fourier(hat)).unwrap();
        let a = plan(&noise(&shape, 1));
        let x = noise::<f64>(&[&[2][..], &n].concat(), 2);
        let w = noise::<C64>(&[&[2], &a.output_axes()[..]].concat(), 3);
        let dk = noise::<C64>(&shape, 4);
        let inner = |a: &ArrayD<C64>, b: &ArrayD<C64>| -> f64 {
            assert_eq!(a.shape(), b.shape());
            a.iter().zip(b).map(|(a, b)| (a * b.conj()).re).sum()
        };
        let scale = norm(&x) * norm(&w) * norm(&dk);
        let there = inner(&plan(&dk).apply(&x).unwrap(), &w);
        let back = inner(&dk, &a.kernel_gradient(&x, &w).unwrap());
        assert!((there - back).abs() < 1e-15 * scale, "{n:?}, {level}");
        let (adjoint, z) = (a.adjoint().unwrap(), widen(&x));
        let there = inner(&plan(&dk).adjoint().unwrap().apply(&w).unwrap(), &z);
        let back = inner(&dk, &adjoint.kernel_gradient(&w, &z).unwrap());
        assert!((there - back).abs() < 1e-15 * scale, "{n:?}, {level}");
        // By a central difference in one value: linear, so that any step will do.
        let mut ones = noise::<C64>(&shape, 5);
        let place = vec![1; D + 1];
        let gradient = a.kernel_gradient(&x, &w).unwrap()[&place[..]];
        for (unit, expected) in [
            (C64::new(1.0, 0.0), gradient.re),
            (C64::new(0.0, 1.0), gradient.im),
        ] {
            let mut at = |by: f64| {
                ones[&place[..]] += unit * by;
                inner(&plan(&ones).apply(&x).unwrap(), &w)
            };
            let quotient = (at(1.0) - at(-2.0)) / 2.0;
            assert!((quotient - expected).abs() < 1e-13 * norm(&x) * norm(&w));
        }
    }
    check([2], 0);
    check([7], 0);
    check([12], 2);
    check([16], 1);
    check([3, 2], 0);
    check([7, 6], 0);
    check([8, 12], 2);

    // Filters of a bank, whose values are real: the real part is the gradient among those.
    let bank = FilterBank2d::params([16, 24], 2)
        .L(2)
        .build::<f64>()
        .unwrap();
    let params = Convolution2d::params([16, 24]).mode(Mode::Circular);
    let plan = params.isa(isa()).plan::<f64, C64>(&bank).unwrap();
    let x = noise::<f64>(&[16, 24], 1);
    let w = noise::<C64>(&[4, 16, 24], 2);
    let gradient = plan.kernel_gradient(&x, &w).unwrap();
    assert_eq!(gradient.shape(), [4, 16, 24]);
    let y = plan.apply(&x).unwrap();
    let there: f64 = y.iter().zip(&w).map(|(y, w)| (y * w.conj()).re).sum();
    let hats = wavelet_scattering::filters::FilterBank::psi_hats(&bank).unwrap();
    let back: f64 = hats.iter().zip(&gradient).map(|(h, g)| h * g.re).sum();
    assert!((there - back).abs() < 1e-13 * norm(&x) * norm(&w));
}

#[test]
fn gradients_of_kernels_do_not_depend_on_strides_threads_or_methods() {
    let h = noise::<f32>(&[5, 3, 4], 1);
    let params = Convolution2d::params([21, 34]).mode(Mode::Full).level(1);
    let plan = params.isa(isa()).plan::<f32, f32>(&h).unwrap();
    let x = noise::<f32>(&[3, 21, 34], 2);
    let w = noise::<f32>(&[3, 5, 12, 19], 3);
    let expected = plan.kernel_gradient(&x, &w).unwrap();
    let turned = |array: &ArrayD<f32>| array.t().as_standard_layout().into_owned();
    let (apart, weights_apart) = (turned(&x), turned(&w));
    let got = plan.kernel_gradient(&apart.t(), &weights_apart.t());
    assert_eq!(got.unwrap(), expected);
    for method in methods([3, 4], 1, 9) {
        let plan = params.method(method).plan::<f32, f32>(&h).unwrap();
        assert_eq!(plan.kernel_gradient(&x, &w).unwrap(), expected);
    }
    #[cfg(feature = "parallel")]
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let got = (pool.build().unwrap()).install(|| plan.kernel_gradient(&x, &w));
        assert_eq!(got.unwrap(), expected, "{threads} threads");
    }
}

/// A level far beyond the signal leaves one sample, and costs no more than that.
#[test]
fn gradients_of_kernels_take_any_level_and_amplitude() {
    let params = Convolution1d::params([40]).mode(Mode::Full).level(31);
    let plan = params.isa(isa()).plan::<f32, f32>(&noise::<f32>(&[3], 1));
    let x = noise::<f32>(&[40], 2);
    let w = Array1::from_elem(1, 3e38_f32).into_dyn();
    let small = x.mapv(|x| x * 1e-30);
    let got = plan.unwrap().kernel_gradient(&small, &w).unwrap();
    // y(0) = h(0)·x(0)
    assert!((got[0] / (3e38 * small[0]) - 1.0).abs() < 1e-6);
    assert!(got.iter().skip(1).all(|g| g.abs() < 1e-12 * got[0].abs()));
}

#[test]
fn weights_that_do_not_fit_kernels_are_refused() {
    let h = noise::<f32>(&[2, 3], 1);
    let plan = Convolution1d::params([20]).plan::<f32, f32>(&h).unwrap();
    let mut x = noise::<f32>(&[4, 20], 2);
    let mut w = noise::<f32>(&[4, 2, 20], 3);
    assert!(plan.kernel_gradient(&x, &w).is_ok());
    for (x, w) in [
        (x.view(), w.slice(s![..3, .., ..]).into_dyn()),
        (x.view(), w.slice(s![.., ..1, ..]).into_dyn()),
        (x.view(), w.slice(s![.., .., 1..]).into_dyn()),
        (x.slice(s![0, ..]).into_dyn(), w.view()),
    ] {
        assert!(matches!(
            plan.kernel_gradient(&x, &w),
            Err(Error::WrongShape { what: "the weights", got, .. }) if got == w.shape()
        ));
    }
    assert!(matches!(
        plan.kernel_gradient(&x.slice(s![.., 1..]), &w),
        Err(Error::WrongShape {
            what: "the input",
            ..
        })
    ));
    assert!(matches!(
        plan.kernel_gradient(&x.slice(s![..0, ..]), &w.slice(s![..0, .., ..])),
        Err(Error::Empty { .. })
    ));
    w[[3, 1, 7]] = f32::NAN;
    assert!(matches!(
        plan.kernel_gradient(&x, &w),
        Err(Error::NotFinite { position, .. }) if position == [3, 1, 7]
    ));
    x[[2, 5]] = f32::INFINITY;
    assert!(matches!(
        plan.kernel_gradient(&x, &w),
        Err(Error::NotFinite { position, .. }) if position == [2, 5]
    ));

    // Spectra of 4 TB, and arrays that are one number each.
    let n = 1 << 24;
    let params = Convolution1d::params([n]).method(Method::Direct);
    let plan = params.plan::<f32, f32>(&noise::<f32>(&[1 << 14, 1], 1));
    let zero = ndarray::arr0(0.0_f32);
    let (x, w) = (zero.broadcast([n]), zero.broadcast([1 << 14, n]));
    let refused = plan.unwrap().kernel_gradient(&x.unwrap(), &w.unwrap());
    assert!(matches!(refused, Err(Error::OutOfMemory { .. })));
}
