//! Scattering of signals written out from its definition, in `f64`, with whole filters and a textbook FFT: against it stand plans of every
//! average, padding, rule and instruction set.

#![allow(non_snake_case)]

use std::f64::consts::PI;
use std::sync::Arc;

use ndarray::{Array1, Array2};
use proptest::prelude::*;
use wavelet_scattering::filters::{Family1d, FilterBank, FilterBank1d, Wavelet1d};
use wavelet_scattering::num::{Complex, Real, relative_error};
use wavelet_scattering::scattering::{Features, PathRule, Scattering1dParams};
use wavelet_scattering::{Average, Isa, Padding, Scattering1d};

type C = Complex<f64>;

/// Σ_t x(t)·exp(∓2πi·kt/N): by halves where there are halves, by the sum otherwise.
fn dft(x: &[C], sign: f64) -> Vec<C> {
    let n = x.len();
    if n % 2 == 1 {
        let turn = |k: usize, t: usize| sign * 2.0 * PI * ((k * t) % n) as f64 / n as f64;
        let sum = |k: usize| (0..n).map(|t| x[t] * C::cis(turn(k, t))).sum();
        return (0..n).map(sum).collect();
    }
    let half = |first: usize| -> Vec<C> {
        let every_other: Vec<C> = x[first..].iter().step_by(2).copied().collect();
        dft(&every_other, sign)
    };
    let (even, odd) = (half(0), half(1));
    let value = |k: usize| {
        let root = C::cis(sign * 2.0 * PI * k as f64 / n as f64);
        even[k % (n / 2)] + root * odd[k % (n / 2)]
    };
    (0..n).map(value).collect()
}

fn forward(x: &[f64]) -> Vec<C> {
    let x: Vec<C> = x.iter().map(|&x| C::new(x, 0.0)).collect();
    dft(&x, -1.0)
}

/// With its 1/N.
fn inverse(hat: &[C]) -> Vec<C> {
    let n = hat.len() as f64;
    dft(hat, 1.0).into_iter().map(|z| z / n).collect()
}

/// Gaussians sampled at k/n on [1 − P, P), averaged over the 2P − 1 periods. What is below 10⁻²⁹⁰ is nothing: soon after, numbers have
/// fewer and fewer digits, and filters that no grid holds would be made of these.
fn bump(n: usize, xi: f64, sigma: f64) -> Vec<f64> {
    let P = ((sigma * (-2.0 * 1e-7_f64.ln()).sqrt() + 1.0).ceil() as i64).clamp(2, 5);
    let value = |k: usize| {
        let periods = 1 - P..P;
        let at = |p: i64| (k as f64 / n as f64 + p as f64 - xi) / sigma;
        let exponents = periods.map(|p| 0.5 * at(p) * at(p));
        let sum: f64 = exponents.filter(|&e| e <= 667.0).map(|e| (-e).exp()).sum();
        sum / (2 * P - 1) as f64
    };
    (0..n).map(value).collect()
}

/// Divided by the sum of moduli in time.
fn unit(hat: Vec<f64>) -> Vec<f64> {
    let hat: Vec<C> = hat.into_iter().map(|value| C::new(value, 0.0)).collect();
    let norm: f64 = inverse(&hat).iter().map(|z| z.norm()).sum();
    let norm = if norm > 0.0 { norm } else { f64::INFINITY }; // what the grid cannot hold
    hat.iter().map(|z| z.re / norm).collect()
}

fn morlet(n: usize, xi: f64, sigma: f64) -> Vec<f64> {
    let (gabor, envelope) = (bump(n, xi, sigma), bump(n, 0.0, sigma));
    let kappa = gabor[0] / envelope[0];
    let mut hat: Vec<f64> = gabor
        .iter()
        .zip(envelope)
        .map(|(g, e)| g - kappa * e)
        .collect();
    hat[0] = 0.0; // but for rounding, of which a grid of one sample would make a filter
    unit(hat)
}

/// (xi, sigma, j), highest first.
fn ladder(J: usize, Q: usize) -> Vec<(f64, f64, usize)> {
    let q = Q as f64;
    let least = 0.1 / 2_f64.powi(J as i32);
    let factor = 2_f64.powf(1.0 / q);
    let mut xi = f64::max(1.0 / (1.0 + 2_f64.powf(3.0 / q)), 0.35);
    let mut sigma = xi * (1.0 - 1.0 / factor) / (1.0 + 1.0 / factor) / 2_f64.ln().sqrt();
    let mut all = Vec::new();
    if sigma <= least {
        xi = sigma;
    } else {
        all.push((xi, sigma));
        while sigma > least * factor {
            xi /= factor;
            sigma /= factor;
            all.push((xi, sigma));
        }
    }
    let last = xi;
    for _ in 1..Q {
        xi -= last / q;
        all.push((xi, least));
    }
    let j = |(xi, sigma): (f64, f64)| {
        (
            xi,
            sigma,
            (-f64::min(xi + 5.0 * sigma, 0.5).log2()).floor() as usize - 1,
        )
    };
    all.into_iter().map(j).collect()
}

/// The mean of the blocks of a spectrum: every 2^level-th sample.
fn decimate(hat: &[C], level: usize) -> Vec<C> {
    let n = hat.len() >> level;
    let blocks = (1 << level) as f64;
    (0..n)
        .map(|k| hat.iter().skip(k).step_by(n).sum::<C>() / blocks)
        .collect()
}

/// The sum of the blocks of a filter.
fn periodise(hat: &[f64], level: usize) -> Vec<f64> {
    let n = hat.len() >> level;
    (0..n)
        .map(|k| hat.iter().skip(k).step_by(n).sum())
        .collect()
}

fn times(hat: &[C], filter: &[f64]) -> Vec<C> {
    hat.iter().zip(filter).map(|(z, f)| z * f).collect()
}

struct Definition {
    len: usize,
    J: usize,
    Q: [usize; 2],
    T: f64,
    stride: usize,
    average: Average,
    padding: Padding,
    rule: PathRule,
}

impl Definition {
    fn of(params: &Scattering1dParams) -> Self {
        let T = params.T.unwrap_or(2_f64.powi(params.J as i32));
        Self {
            len: params.len,
            J: params.J,
            Q: [0, 1].map(|layer| params.Q.get(layer).copied().unwrap_or(1)),
            T,
            stride: params.stride.unwrap_or(1 << T.log2().floor() as usize),
            average: params.average,
            padding: params.padding,
            rule: params.rule,
        }
    }

    fn padded(&self) -> usize {
        if self.padding == Padding::Periodic {
            return self.len;
        }
        let n = self.len;
        let phi: Vec<C> = unit(bump(n, 0.0, 0.1 / self.T))
            .into_iter()
            .map(|v| C::new(v, 0.0))
            .collect();
        let h: Vec<f64> = inverse(&phi)[..n / 2].iter().map(|z| z.norm()).collect();
        let tail = |k: usize| h[k..].iter().sum::<f64>();
        let support = (0..n / 2)
            .find(|&k| tail(k) <= 1e-3)
            .map_or(n / 2, |k| k + 1);
        let wanted = ((n + 6 * support) as f64).log2().ceil();
        let most = ((3 * n - 2) as f64).log2().floor();
        1 << wanted.min(most) as usize
    }

    fn pad(&self, x: &[f64], padded: usize) -> Vec<f64> {
        let n = x.len() as i64;
        let begin = ((padded as i64) - n) / 2;
        let sample = |i: i64| match self.padding {
            Padding::Zero => {
                if (0..n).contains(&i) {
                    x[i as usize]
                } else {
                    0.0
                }
            }
            Padding::Symmetric => {
                let i = i.rem_euclid(2 * n);
                x[i.min(2 * n - 1 - i) as usize]
            }
            Padding::Reflect if n > 1 => {
                let i = i.rem_euclid(2 * n - 2);
                x[i.min(2 * n - 2 - i) as usize]
            }
            _ => x[i.rem_euclid(n) as usize],
        };
        (0..padded as i64).map(|i| sample(i - begin)).collect()
    }

    /// Rows of order 0, 1 and 2.
    fn transform(&self, x: &[f64]) -> Vec<Vec<f64>> {
        let padded = self.padded();
        let begin = (padded - self.len) / 2;
        let kept =
            |level: usize| begin.div_ceil(1 << level)..(begin + self.len).div_ceil(1 << level);
        let local = self.average == Average::Local;
        let most = if local {
            self.stride.ilog2() as usize
        } else {
            padded.trailing_zeros() as usize
        };
        let phi = unit(bump(padded, 0.0, 0.1 / self.T));
        let banks = self.Q.map(|Q| ladder(self.J, Q));
        let keep = |u: &[f64], level: usize| -> Vec<f64> {
            match self.average {
                Average::Local => {
                    let s = times(&forward(u), &periodise(&phi, level));
                    let s = inverse(&decimate(&s, most - level));
                    kept(most).map(|t| s[t].re).collect()
                }
                Average::Global => {
                    let kept = &u[kept(level)];
                    vec![kept.iter().sum::<f64>() / kept.len() as f64]
                }
                Average::Sum => vec![u.iter().sum()],
                Average::None => u[kept(level)].to_vec(),
            }
        };
        let x = self.pad(x, padded);
        let x_hat = forward(&x);
        let modulus = |hat: &[C]| -> Vec<f64> { inverse(hat).iter().map(|z| z.norm()).collect() };
        let mut rows = vec![keep(&x, 0)];
        let mut second = Vec::new();
        for &(xi1, sigma1, j1) in &banks[0] {
            let level1 = j1.min(most);
            let u1 = modulus(&decimate(
                &times(&x_hat, &morlet(padded, xi1, sigma1)),
                level1,
            ));
            rows.push(keep(&u1, level1));
            let u1_hat = forward(&u1);
            for &(xi2, sigma2, j2) in &banks[1] {
                let admitted = match self.rule {
                    PathRule::Subsampling => j2 > j1,
                    PathRule::Frequency => xi2 < xi1,
                    PathRule::Energy(_) => unreachable!("not compared here"),
                };
                if admitted {
                    let level2 = j2.min(most).max(level1);
                    let psi = periodise(&morlet(padded, xi2, sigma2), level1);
                    let u2 = modulus(&decimate(&times(&u1_hat, &psi), level2 - level1));
                    second.push(keep(&u2, level2));
                }
            }
        }
        rows.extend(second);
        rows
    }
}

fn noise(len: usize, seed: u64) -> Array1<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    Array1::from_shape_simple_fn(len, || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    })
}

/// The errors of every order, and the numbers of rows.
fn errors<T: Real>(params: &Scattering1dParams, x: &Array1<f64>) -> Vec<f64> {
    let expected = Definition::of(params).transform(x.as_slice().unwrap());
    let plan = params.plan::<T>().unwrap();
    let features = plan.transform(&x.mapv(T::narrow)).unwrap();
    let paths = plan.paths();
    assert_eq!(paths.len(), expected.len(), "{params:?}");
    (0..=paths.max_order())
        .map(|order| {
            let rows = paths.rows_of_order(order);
            let got = rows
                .clone()
                .flat_map(|row| features.path(row).iter().copied().collect::<Vec<_>>());
            let got: Vec<T> = got.collect();
            let expected: Vec<f64> = expected[rows].concat();
            assert_eq!(got.len(), expected.len(), "{params:?}");
            // Of rows that hold next to nothing, rounding is all there is.
            let error = relative_error(got.iter().copied(), expected.iter().copied());
            let nothing = 1e-13 * x.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
            let pairs = got.iter().zip(&expected);
            let close = pairs
                .map(|(got, expected)| (got.widen() - expected).abs())
                .all(|off| off <= nothing);
            if close { 0.0 } else { error }
        })
        .collect()
}

fn check<T: Real>(params: &Scattering1dParams, x: &Array1<f64>, tolerance: f64) {
    for (order, error) in errors::<T>(params, x).into_iter().enumerate() {
        assert!(
            error <= tolerance,
            "{params:?}, {}, order {order}: {error:e}",
            T::NAME
        );
    }
}

#[test]
fn every_average_padding_and_rule_is_the_definition_on_every_instruction_set() {
    let x = noise(256, 7);
    for isa in Isa::available() {
        for average in [Average::Local, Average::Global, Average::Sum, Average::None] {
            for padding in [
                Padding::Reflect,
                Padding::Symmetric,
                Padding::Zero,
                Padding::Periodic,
            ] {
                for rule in [PathRule::Subsampling, PathRule::Frequency] {
                    let params = Scattering1d::params(256, 4)
                        .Q([3])
                        .average(average)
                        .padding(padding)
                        .rule(rule)
                        .isa(isa);
                    check::<f64>(&params, &x, 1e-11);
                    check::<f32>(&params, &x, 3e-6);
                }
            }
        }
    }
}

/// A padded length as short as the filters' reach allows, with the numbers of the long one.
#[test]
fn short_padding_gives_the_numbers_of_long_padding() {
    let x = noise(1 << 13, 3);
    for (J, T, padded) in [(6, 64.0, 10240), (5, 20.0, 10240), (4, 16.0, 9216)] {
        let params = Scattering1d::params(1 << 13, J).Q([8]).T(T);
        let single = params.plan::<f32>().unwrap().padded_shape();
        assert!(single[0] <= padded, "{single:?}");
        check::<f64>(&params, &x, 1e-11);
        check::<f32>(&params, &x, 3e-6);
        let gabors = params.clone().family(Family1d::Gabor);
        check_against_long::<f64>(&gabors, &x, 1e-11);
        check_against_long::<f32>(&gabors, &x, 3e-6);
        // What is cut at frequency 0 does not end like a Gaussian.
        let analytic = params.family(Family1d::Analytic);
        let long = analytic.padded_len().unwrap();
        assert_eq!(analytic.plan::<f32>().unwrap().padded_shape(), [long]);
    }
}

/// A plan with the same banks of its own is on the long axis, in one piece.
fn long_plan<T: Real>(params: &Scattering1dParams) -> Scattering1d<T> {
    let padded = params.padded_len().unwrap();
    let bank = |&Q| -> Arc<dyn FilterBank<T, 1, Wavelet = _>> {
        let bank = FilterBank1d::params(padded, params.J).Q(Q);
        let bank = bank.T(params.averaged_over()).family(params.family);
        Arc::new(bank.build::<T>().unwrap())
    };
    let banks: Vec<_> = params.Q.iter().chain([&1]).map(bank).collect();
    params.plan_with(&banks).unwrap()
}

fn check_against_long<T: Real>(params: &Scattering1dParams, x: &Array1<f64>, most: f64) {
    let x = x.mapv(T::narrow);
    let (plan, long) = (params.plan::<T>().unwrap(), long_plan(params));
    let (got, expected) = (plan.transform(&x).unwrap(), long.transform(&x).unwrap());
    for order in 0..=params.max_order {
        let of = |features: &Features<T, Wavelet1d>| -> Vec<T> {
            let rows = features.paths().rows_of_order(order);
            rows.flat_map(|row| features.path(row).iter().copied().collect::<Vec<_>>())
                .collect()
        };
        let error = relative_error(of(&got), of(&expected));
        assert!(error <= most, "{params:?}, order {order}: {error:e}");
    }
}

/// Long signals are transformed block by block, with the numbers, and the gradient, of the whole.
#[test]
fn blocks_of_a_long_signal_are_the_whole() {
    for (len, padding, average, stride) in [
        (1 << 17, Padding::Reflect, Average::Local, 16),
        (100_003, Padding::Symmetric, Average::Local, 4),
        (123_456, Padding::Zero, Average::None, 0),
        (3 << 15, Padding::Periodic, Average::Local, 16),
        (3 << 15, Padding::Periodic, Average::None, 0),
    ] {
        let x = noise(len, 8);
        let mut params = Scattering1d::params(len, 4).Q([4]).padding(padding);
        params = params.average(average);
        if average == Average::Local {
            params = params.stride(stride);
        }
        let plan = params.plan::<f64>().unwrap();
        let in_block = plan.bank().grid().shape[0];
        assert!(in_block < len / 2, "{in_block}");
        check_against_long::<f64>(&params, &x, 1e-11);
        check_against_long::<f32>(&params, &x, 3e-6);

        let weights = noise(plan.features_len(), 9);
        let weights = weights
            .into_shape_with_order(plan.output_shape(&[]))
            .unwrap();
        let got = plan.vjp(&x, &weights).unwrap();
        let expected = long_plan(&params).vjp(&x, &weights).unwrap();
        let error = relative_error(got, expected);
        assert!(error <= 1e-11, "{params:?}: gradient {error:e}");
    }
}

/// Leading axes, one input after another: the numbers of each alone, to the last bit.
#[test]
fn a_batch_is_its_signals() {
    let params = Scattering1d::params(700, 5).Q([6, 2]);
    let plan = params.plan::<f32>().unwrap();
    let batch = Array2::from_shape_fn([5, 700], |(i, t)| {
        ((t * t) as f32 * 1e-4 * (i + 1) as f32).sin()
    });
    let together = plan.transform(&batch).unwrap();
    for (i, signal) in batch.outer_iter().enumerate() {
        let alone = plan.transform(&signal).unwrap();
        assert_eq!(
            together.array().index_axis(ndarray::Axis(0), i),
            alone.array()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn plans_of_any_length_are_the_definition(
        len in 1_usize..400,
        J in 1_usize..7,
        Q in [1_usize..9, 1..4],
        T in 0.0_f64..1.0,
        stride in 0_usize..6,
        seed in 1_u64..1000,
    ) {
        let T = (T * (len as f64).log2()).exp2();
        let stride = 1 << stride.min(T.log2().floor() as usize);
        let params = Scattering1d::params(len, J).Q(Q).T(T).stride(stride);
        let x = noise(len, seed);
        for (order, error) in errors::<f64>(&params, &x).into_iter().enumerate() {
            prop_assert!(error <= 1e-10, "{params:?}, order {order}: {error:e}");
        }
    }
}
