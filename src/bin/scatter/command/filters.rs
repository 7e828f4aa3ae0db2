//! `scatter filters`: a filter bank as one picture, or as arrays.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use ndarray::{Array1, ArrayD, IxDyn};
use serde_json::json;
use wavelet_scattering::filters::{Family, FilterBank, FilterBank2d, Wavelet2d, WaveletList2d};
use wavelet_scattering::io::{NpzEntry, NpzStack};
use wavelet_scattering::{io, viz};

use crate::args::FiltersArgs;

pub fn run(args: FiltersArgs) -> Result<()> {
    let ends_in = |end: &str| {
        let extension = args.output.extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case(end))
    };
    let list = |own: Option<WaveletList2d>| match own {
        Some(list) => Ok(list),
        None => FilterBank2d::params(args.size.0, args.J).L(args.L).list(),
    };
    if ends_in("npz") {
        super::check_destinations(std::slice::from_ref(&args.output), args.own.inputs())?;
        let list = list(args.own.list(args.size.0, args.J)?)?;
        return write_arrays(&args.output, &list);
    }
    if !ends_in("png") {
        bail!(
            "{} must end in .png, for a picture, or .npz, for the filters as arrays",
            args.output.display()
        );
    }
    super::check_picture(&args.output, args.own.inputs())?;
    let list = list(args.own.list(args.size.0, args.J)?)?;
    let sheet = while_working(&format!("drawing {} filters", list.wavelets.len()), || {
        viz::filter_bank::sheet(&list, args.show.into())
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
