//! `scatter filters`: a filter bank as one picture, or as arrays.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{Array1, ArrayD, IxDyn};
use serde_json::json;
use wavelet_scattering::filters::{
    Family, FilterBank, FilterBank1d, FilterBank1dParams, FilterBank2d, Wavelet1d, Wavelet2d,
    WaveletList2d,
};
use wavelet_scattering::io::{NpzEntry, NpzStack};
use wavelet_scattering::{io, viz};

use crate::args::{FiltersArgs, ShowArg};

pub fn run(args: FiltersArgs) -> Result<()> {
    if let Some(len) = args.samples {
        return of_signals(&args, len);
    }
    let show = args.show.unwrap_or(ShowArg::Space);
    let Some(show) = show.of_images() else {
        bail!(
            "--show time is of filters of signals, which --samples asks for; filters of images have space, fourier, phase and lp"
        )
    };
    let list = |own: Option<WaveletList2d>| match own {
        Some(list) => Ok(list),
        None => FilterBank2d::params(args.size.0, args.J).L(args.L).list(),
    };
    if ends_in(&args.output, "npz") {
        super::check_destinations(std::slice::from_ref(&args.output), args.own.inputs())?;
        let list = list(args.own.list(args.size.0, args.J)?)?;
        return write_arrays(&args.output, &list);
    }
    check_ending(&args.output)?;
    super::check_picture(&args.output, args.own.inputs())?;
    let list = list(args.own.list(args.size.0, args.J)?)?;
    let sheet = while_working(&format!("drawing {} filters", list.wavelets.len()), || {
        viz::filter_bank::sheet(&list, show)
    })?;
    io::write_png(&args.output, &sheet)?;
    println!(
        "{}: {} x {} pixels",
        args.output.display(),
        sheet.width(),
        sheet.height()
    );
    Ok(())
}

fn ends_in(path: &Path, end: &str) -> bool {
    let extension = path.extension();
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case(end))
}

fn check_ending(output: &Path) -> Result<()> {
    ensure!(
        ends_in(output, "png"),
        "{} must end in .png, for a picture, or .npz, for the filters as arrays",
        output.display()
    );
    Ok(())
}

/// The same of a bank of one axis.
fn of_signals(args: &FiltersArgs, len: usize) -> Result<()> {
    let mut bank = FilterBank1d::params(len, args.J).Q(args.Q);
    bank.T = args.T.unwrap_or(bank.T);
    bank.check()?;
    if ends_in(&args.output, "npz") {
        super::check_destinations(std::slice::from_ref(&args.output), &[])?;
        return write_signal_arrays(&args.output, &bank);
    }
    check_ending(&args.output)?;
    let show = args.show.unwrap_or(ShowArg::Time);
    let Some(show) = show.of_signals() else {
        bail!(
            "filters of signals, which --samples asks for, are shown by --show time, fourier or lp; space and phase are of images"
        )
    };
    super::check_picture(&args.output, &[])?;
    let sheet = while_working("drawing filters", || {
        viz::filter_bank_1d::sheet(&bank, show)
    })?;
    io::write_png(&args.output, &sheet)?;
    println!(
        "{}: {} x {} pixels",
        args.output.display(),
        sheet.width(),
        sheet.height()
    );
    Ok(())
}

/// Every ψ and φ of one axis in Fourier and in time, origins at index 0, and the wavelets in numbers.
fn write_signal_arrays(path: &Path, params: &FilterBank1dParams) -> Result<()> {
    let bank = while_working("building filters", || params.build::<f64>())?;
    let (count, len) = (bank.wavelets().len(), bank.len());
    let column = |value: fn(&Wavelet1d) -> f64| {
        let column: Array1<f64> = bank.wavelets().iter().map(value).collect();
        NpzEntry::F64(column.into_dyn())
    };
    let j: Array1<i64> = bank.wavelets().iter().map(|psi| psi.j as i64).collect();
    let number = |value: f64| NpzEntry::F64(ArrayD::from_elem(IxDyn(&[]), value));
    while_working(
        &format!("writing {count} filters of {len}"),
        || -> Result<()> {
            let parameters =
                json!({ "samples": len, "T": params.T, "sigma_phi": params.sigma_phi() });
            let entries = [
                ("psi_hat", NpzEntry::F64(bank.psi_hats()?.into_dyn())),
                ("psi", NpzEntry::C128(bank.psis_in_space()?.into_dyn())),
                ("phi_hat", NpzEntry::F64(bank.phi_hat().into_dyn())),
                ("phi", NpzEntry::F64(bank.phi_in_space().into_dyn())),
                ("j", NpzEntry::I64(j.into_dyn())),
                ("xi", column(|psi| psi.xi)),
                ("sigma", column(|psi| psi.sigma)),
                ("sigma_phi", number(params.sigma_phi())),
                ("parameters", NpzEntry::Text(parameters.to_string())),
                (
                    "version",
                    NpzEntry::Text(env!("CARGO_PKG_VERSION").to_string()),
                ),
            ];
            Ok(NpzStack::<f64>::create(path, &[])?.finish(&[0], &entries)?)
        },
    )?;
    println!(
        "{}: psi and psi_hat [{count}, {len}], phi, phi_hat and the wavelets in numbers",
        path.display()
    );
    Ok(())
}

/// Shows that something is done, and for how long already.
fn while_working<R>(message: &str, work: impl FnOnce() -> R) -> R {
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}");
    let progress = ProgressBar::new_spinner()
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        .with_message(message.to_string());
    progress.enable_steady_tick(Duration::from_millis(100));
    let result = work();
    progress.finish_and_clear();
    result
}

/// Every ψ and φ in Fourier and in space, origins at index [0, 0], and the wavelets in numbers.
fn write_arrays(path: &Path, list: &WaveletList2d) -> Result<()> {
    let count = list.wavelets.len();
    let [n0, n1] = list.shape;
    let column = |value: fn(&Wavelet2d) -> f64| {
        NpzEntry::F64(
            list.wavelets
                .iter()
                .map(value)
                .collect::<Array1<_>>()
                .into_dyn(),
        )
    };
    let index = |value: fn(&Wavelet2d) -> usize| {
        let column = list.wavelets.iter().map(|wavelet| value(wavelet) as i64);
        NpzEntry::I64(column.collect::<Array1<_>>().into_dyn())
    };
    let message = format!("writing {count} filters of {n0} x {n1}");
    while_working(&message, || -> Result<()> {
        let bank = list.build::<f64>()?;
        let number = |value: f64| NpzEntry::F64(ArrayD::from_elem(IxDyn(&[]), value));
        let parameters = json!({
            "shape": list.shape,
            "J": list.J,
            "family": match list.family {
                Family::Morlet => "morlet",
                Family::Gabor => "gabor",
            },
            "sigma_phi": list.sigma_phi,
        });
        let entries = [
            ("psi_hat", NpzEntry::F64(bank.psi_hats()?.into_dyn())),
            ("psi", NpzEntry::C128(bank.psis_in_space()?.into_dyn())),
            ("phi_hat", NpzEntry::F64(bank.phi_hat().into_dyn())),
            ("phi", NpzEntry::F64(bank.phi_in_space().into_dyn())),
            ("j", index(|wavelet| wavelet.j)),
            ("l", index(|wavelet| wavelet.l)),
            ("theta", column(|wavelet| wavelet.theta)),
            ("direction", column(|wavelet| wavelet.direction)),
            ("xi", column(|wavelet| wavelet.xi)),
            ("sigma", column(|wavelet| wavelet.sigma)),
            ("slant", column(|wavelet| wavelet.slant)),
            ("sigma_phi", number(list.sigma_phi)),
            ("parameters", NpzEntry::Text(parameters.to_string())),
            (
                "version",
                NpzEntry::Text(env!("CARGO_PKG_VERSION").to_string()),
            ),
        ];
        // No rows, but what stands beside them.
        Ok(NpzStack::<f64>::create(path, &[])?.finish(&[0], &entries)?)
    })?;
    println!(
        "{}: psi and psi_hat [{count}, {n0}, {n1}], phi, phi_hat and the wavelets in numbers",
        path.display()
    );
    Ok(())
}
