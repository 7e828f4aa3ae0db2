//! Scattering with a bank that the caller brings: the same cascade, whatever the filters.

#![allow(non_snake_case)]

use std::sync::Arc;

use ndarray::{Array2, Array3, Axis};
use wavelet_scattering::filters::{ArrayBank2d, FilterBank, FilterBank2d, Wavelet2d};
use wavelet_scattering::num::{Real, relative_error};
use wavelet_scattering::scattering::{Average, Scattering2dParams};
use wavelet_scattering::{Error, Padding, Scattering2d};

fn image<T: Real>(shape: [usize; 2]) -> Array2<T> {
    Array2::from_shape_fn(shape, |(i, k)| {
        T::narrow(((3 * i + k * k) as f64 * 0.37).sin() + 0.2)
    })
}

/// The standard wavelets of the padded images with these numbers λ, as arrays times a constant.
fn brought<T: Real>(
    params: &Scattering2dParams,
    lambdas: &[usize],
    times: f64,
) -> Arc<ArrayBank2d<T>> {
    let shape = params.padded_shape().unwrap();
    let bank = FilterBank2d::params(shape, params.J)
        .L(params.L)
        .build::<f64>()
        .unwrap();
    let wavelets: Vec<Wavelet2d> = lambdas
        .iter()
        .map(|&lambda| bank.wavelets()[lambda])
        .collect();
    let psi_hat: Array3<f64> = bank.psi_hats().unwrap().select(Axis(0), lambdas) * times;
    let bank = ArrayBank2d::from_fourier(psi_hat.view(), bank.phi_hat().view(), &wavelets);
    Arc::new(bank.unwrap())
}

fn the_same_filters_give_the_same_numbers<T: Real>(tolerance: f64) {
    for average in [Average::Local, Average::Global, Average::None] {
        for (shape, L, oversampling) in [([32, 48], 8, 0), ([33, 47], 5, 1)] {
            let params = Scattering2d::params(shape, 3)
                .L(L)
                .average(average)
                .oversampling(oversampling);
            let all: Vec<usize> = (0..3 * L).collect();
            let plan = params
                .plan_with::<T>(&[brought(&params, &all, 1.0)])
                .unwrap();
            let ours = params.plan::<T>().unwrap();
            let x = image(shape);
            let (got, expected) = (plan.transform(&x).unwrap(), ours.transform(&x).unwrap());
            assert_eq!(got.paths(), expected.paths());
            for (row, (_, values)) in got.iter().enumerate() {
                let error =
                    relative_error(values.iter().copied(), expected.path(row).iter().copied());
                assert!(
                    error < tolerance,
                    "row {row}, {average:?}, {shape:?}: {error:e}"
                );
            }
        }
    }
}

/// Apart from the rounding of ψ̂ to the bank's precision and back, and what a Gabor's neighbourhood of zero holds.
#[test]
fn a_bank_of_the_standard_filters_is_the_standard_transform() {
    the_same_filters_give_the_same_numbers::<f32>(2e-6);
    the_same_filters_give_the_same_numbers::<f64>(1e-13);
}

#[test]
fn scales_may_have_different_numbers_of_orientations_or_none() {
    let params = Scattering2d::params([64, 64], 3).L(4).max_order(3);
    let ours = params.plan::<f64>().unwrap();
    let x = image([64, 64]);
    let expected = ours.transform(&x).unwrap();
    // all of j = 0, two of j = 1, one of j = 2; then none of j = 1
    for lambdas in [
        &[0, 1, 2, 3, 4, 6, 9][..],
        &[0, 2, 8, 9, 10, 11],
        &[5, 7, 10],
        &[8],
    ] {
        let plan = params
            .plan_with::<f64>(&[brought(&params, lambdas, 1.0)])
            .unwrap();
        let got = plan.transform(&x).unwrap();
        let mut rows = 0;
        for (path, values) in got.iter() {
            let in_ours: Vec<_> = path.lambdas.iter().map(|&lambda| lambdas[lambda]).collect();
            let row = ours.paths().row_of_lambdas(&in_ours).unwrap();
            let error = relative_error(values.iter().copied(), expected.path(row).iter().copied());
            assert!(error < 1e-13, "{in_ours:?}: {error:e}");
            rows += 1;
        }
        let admitted = ours
            .paths()
            .iter()
            .filter(|path| path.lambdas.iter().all(|lambda| lambdas.contains(lambda)));
        assert_eq!(rows, admitted.count());
        let [j, l] = [plan.paths().wavelets()[0].j, plan.paths().wavelets()[0].l];
        assert_eq!(plan.paths().row(&[(j, l)]), Some(1));
    }
}

/// Multiplied by a constant, every modulus is: the tolerance is a share of each filter's peak.
#[test]
fn filters_of_any_size_keep_their_digits() {
    let params = Scattering2d::params([32, 32], 2).L(3);
    let x = image::<f32>([32, 32]);
    let lambdas: Vec<usize> = (0..6).collect();
    let expected = params.plan::<f32>().unwrap().transform(&x).unwrap();
    for times in [1e-9, 3e7] {
        let plan = params
            .plan_with::<f32>(&[brought(&params, &lambdas, times)])
            .unwrap();
        for (row, (path, values)) in plan.transform(&x).unwrap().iter().enumerate() {
            let factor = times.powi(path.order() as i32);
            let scaled = values.mapv(|value| f64::from(value) / factor);
            let error = relative_error(scaled, expected.path(row).iter().copied());
            assert!(error < 2e-6, "row {row}, times {times:e}: {error:e}");
        }
    }
}

#[test]
fn banks_that_do_not_fit_are_refused() {
    let params = Scattering2d::params([32, 32], 2).L(3);
    let of_another = params.clone().padding(Padding::Periodic);
    let message = params
        .plan_with::<f32>(&[brought(&of_another, &[0], 1.0)])
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("[32, 32]") && message.contains("[40, 40]"),
        "{message}"
    );
    let coarser = Scattering2d::params([32, 32], 3)
        .L(3)
        .padding(Padding::Periodic);
    let finer = Scattering2d::params([32, 32], 2)
        .L(3)
        .padding(Padding::Periodic);
    let error = finer
        .plan_with::<f32>(&[brought(&coarser, &[0, 7], 1.0)])
        .unwrap_err();
    assert!(
        matches!(error, Error::InvalidParameter { name: "j", .. }),
        "{error}"
    );
}
