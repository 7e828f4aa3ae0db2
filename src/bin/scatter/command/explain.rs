//! `scatter explain`: the design of a transform in numbers, without building it and before any image is read.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use wavelet_scattering::error::bytes;
use wavelet_scattering::filters::{FilterBank1dParams, SampledFrameBounds, Wavelet1d};
use wavelet_scattering::memory;
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::{
    Average, Scattering1dOutline, Scattering1dParams, Scattering2dOutline, Scattering2dParams,
};
use wavelet_scattering::signal::Padding;
use wavelet_scattering::{Isa, Scattering1d};

use crate::args::{ExplainArgs, Precision};

pub fn run(args: ExplainArgs) -> Result<()> {
    match (args.samples, args.precision) {
        (Some(len), Precision::F32) => explain_signals::<f32>(&args, len),
        (Some(len), Precision::F64) => explain_signals::<f64>(&args, len),
        (None, Precision::F32) => explain::<f32>(&args),
        (None, Precision::F64) => explain::<f64>(&args),
    }
}

fn explain_signals<T: Real>(args: &ExplainArgs, len: usize) -> Result<()> {
    let mut params = Scattering1d::params(len, args.transform.J)
        .Q(args.Q.clone())
        .max_order(args.transform.order)
        .average(args.transform.average.into())
        .padding(args.transform.padding.into())
        .isa(Isa::from_env()?);
    params.T = args.T;
    params.stride = args.stride;
    let outline = params.outline::<T>()?;
    let threads = rayon::current_num_threads() as u64;
    let output = (outline.features_len as u64).saturating_mul(size_of::<T>() as u64);
    print!("{}", describe_signals::<T>(&params, &outline, output)?);
    let needed = [
        outline.filter_bytes,
        outline.workspace_bytes.saturating_mul(threads),
        output,
    ];
    let needed = needed.into_iter().fold(0, u64::saturating_add);
    ensure!(
        needed <= memory::available(),
        "filters, workspaces of {threads} threads and the output of one signal need {}, but this machine has {}; use shorter \
         signals, a lower -Q, -J or --order, or fewer threads",
        bytes(needed),
        bytes(memory::available()),
    );
    Ok(())
}

fn describe_signals<T: Real>(
    params: &Scattering1dParams,
    outline: &Scattering1dOutline,
    output: u64,
) -> Result<String> {
    let mut text = String::new();
    let out = &mut text;
    let layers = 0..params.max_order.max(1);
    let Q: Vec<_> = layers
        .map(|layer| params.Q.get(layer).copied().unwrap_or(1).to_string())
        .collect();
    writeln!(
        out,
        "1D scattering, J = {}, Q = {}, T = {}, order {}, {}",
        params.J,
        Q.join(", "),
        params.averaged_over(),
        params.max_order,
        T::NAME
    )?;
    match params.padding {
        Padding::Periodic => writeln!(
            out,
            "signal     {} samples, periodic, not padded",
            params.len
        )?,
        padding => writeln!(
            out,
            "signal     {} samples, padded to {} ({})",
            params.len,
            outline.padded_len,
            padding.name()
        )?,
    }
    let paths = outline.paths.len();
    match (params.average, outline.path_len) {
        (Average::Local, Some(samples)) => writeln!(
            out,
            "output     [{paths}, {samples}]: paths, samples; one every {} samples",
            params.output_stride()
        )?,
        (Average::None, _) => writeln!(
            out,
            "output     [{}]: the moduli of all paths, one array per path in .npz",
            outline.features_len
        )?,
        _ => writeln!(out, "output     [{paths}]: one mean per path")?,
    }
    let by_order: Vec<_> = (0..=outline.paths.max_order())
        .map(|order| {
            format!(
                "{} of order {order}",
                outline.paths.rows_of_order(order).len()
            )
        })
        .collect();
    writeln!(out, "paths      {paths}: {}", by_order.join(", "))?;

    let layers_of = |bank: usize| match (bank, outline.banks.len()) {
        (_, 1) => "of all layers".to_string(),
        (bank, count) if bank + 1 == count => format!("of layer {} and beyond", bank + 1),
        (bank, _) => format!("of layer {}", bank + 1),
    };
    for (i, bank) in outline.banks.iter().enumerate() {
        let first = outline.paths.wavelets();
        let start: usize = outline.banks[..i]
            .iter()
            .map(FilterBank1dParams::count)
            .sum();
        let wavelets = &first[start..start + bank.count()];
        writeln!(
            out,
            "\nwavelets   {} {}\n           j   wavelets   xi (cycles/sample)   sigma (cycles/sample)   width (samples)",
            wavelets.len(),
            layers_of(i)
        )?;
        for scale in wavelets.chunk_by(|a, b| a.j == b.j) {
            let (highest, lowest) = (scale[0], scale[scale.len() - 1]);
            let span = |of: fn(&Wavelet1d) -> f64, places: usize| {
                let ends = [of(&highest), of(&lowest)].map(|value| {
                    if value < 10_f64.powi(1 - places as i32) {
                        format!("{value:.2e}")
                    } else {
                        format!("{value:.places$}")
                    }
                });
                if ends[0] == ends[1] {
                    ends[0].clone()
                } else {
                    ends.join(" .. ")
                }
            };
            writeln!(
                out,
                "{:>12}   {:>8}   {:>18}   {:>21}   {:>15}",
                highest.j,
                scale.len(),
                span(|psi| psi.xi, 4),
                span(|psi| psi.sigma, 5),
                span(Wavelet1d::sigma_time, 1),
            )?;
        }
    }
    writeln!(
        out,
        "\nkernels    {} ({} overrides), filters without what is below {:e} of their peak",
        outline.isa,
        Isa::VARIABLE,
        outline.tolerance,
    )?;
    writeln!(
        out,
        "memory     filters up to {}, workspace about {} per thread, output {} per signal (this machine has {})",
        bytes(outline.filter_bytes),
        bytes(outline.workspace_bytes),
        bytes(output),
        bytes(memory::available()),
    )?;
    Ok(text)
}

fn explain<T: Real>(args: &ExplainArgs) -> Result<()> {
    let size = args.size.context("images have a --size")?;
    let params = args.transform.params(size.0)?;
    let outline = params.outline::<T>()?;
    let threads = rayon::current_num_threads() as u64;
    let output = outline.features_len.saturating_mul(size_of::<T>() as u64);
    print!(
        "{}",
        describe::<T>(&params, &outline, params.sampled_frame_bounds()?, output)?
    );
    let needed = [
        outline.filter_bytes,
        outline.workspace_bytes.saturating_mul(threads),
        outline.path_bytes,
        output,
    ];
    let needed = needed.into_iter().fold(0, u64::saturating_add);
    ensure!(
        needed <= memory::available(),
        "filters, paths, workspaces of {threads} threads and the output of one image need {}, but this machine has {}; use \
         smaller images, a lower -L, -J or --order, or fewer threads",
        bytes(needed),
        bytes(memory::available()),
    );
    Ok(())
}

fn describe<T: Real>(
    params: &Scattering2dParams,
    outline: &Scattering2dOutline,
    frame: SampledFrameBounds,
    output: u64,
) -> Result<String> {
    let [height, width] = params.shape;
    let mut text = String::new();
    let out = &mut text;
    writeln!(
        out,
        "2D scattering, J = {}, L = {}, order {}, {}",
        params.J,
        params.L,
        params.max_order,
        T::NAME
    )?;
    let [padded0, padded1] = outline.padded_shape;
    match params.padding {
        Padding::Periodic => writeln!(out, "image      {height} x {width}, periodic, not padded")?,
        Padding::PrePadded => writeln!(out, "image      {height} x {width}, padded by the caller")?,
        padding => writeln!(
            out,
            "image      {height} x {width}, padded to {padded0} x {padded1} ({})",
            padding.name()
        )?,
    }
    let paths = outline.paths();
    match (params.average, outline.path_shape) {
        (Average::Local, Some([rows, columns])) => {
            let step = 1_usize << (params.J - params.oversampling);
            writeln!(
                out,
                "output     [{paths}, {rows}, {columns}]: paths, rows, columns; one sample every {step} pixels"
            )?;
        }
        (Average::Global, _) => writeln!(out, "output     [{paths}]: one mean per path")?,
        _ => writeln!(
            out,
            "output     [{}]: the moduli of all paths, one array per path in .npz",
            outline.features_len
        )?,
    }
    let by_order: Vec<_> = outline
        .paths_by_order
        .iter()
        .enumerate()
        .map(|(order, count)| format!("{count} of order {order}"))
        .collect();
    writeln!(out, "paths      {paths}: {}", by_order.join(", "))?;

    writeln!(
        out,
        "\nscales     j   width (pixels)   xi (cycles/pixel)   sigma (cycles/pixel)   wavelength (pixels)"
    )?;
    for wavelet in outline.wavelets.iter().filter(|wavelet| wavelet.l == 0) {
        let width = wavelet.sigma_space();
        let (j, xi, sigma) = (wavelet.j, wavelet.xi, wavelet.sigma);
        writeln!(
            out,
            "{j:>12}   {width:>14.2}   {xi:>17.5}   {sigma:>20.5}   {:>19.2}",
            1.0 / xi
        )?;
    }
    let degrees: Vec<_> = outline.wavelets[..params.L]
        .iter()
        .map(|wavelet| format!("{:.1}", wavelet.theta.to_degrees()))
        .collect();
    writeln!(
        out,
        "theta      {} degrees, from axis 0 (down) toward axis 1 (right)",
        degrees.join(", ")
    )?;

    let sampled = match frame.samples < frame.frequencies {
        true => format!(
            ",\n           at {} of the {} frequencies, densest around 0",
            frame.samples, frame.frequencies
        ),
        false => String::new(),
    };
    writeln!(
        out,
        "\nframe      A = {:.4}, B = {:.4}: least and largest Littlewood-Paley sum{sampled}",
        frame.bounds.lower, frame.bounds.upper
    )?;
    writeln!(
        out,
        "kernels    {} ({} overrides), filters without what is below {:e} of their peak",
        outline.isa,
        Isa::VARIABLE,
        outline.tolerance,
    )?;
    writeln!(
        out,
        "memory     filters about {}, workspace {} per thread, output {} per image and channel (this machine has {})",
        bytes(outline.filter_bytes),
        bytes(outline.workspace_bytes),
        bytes(output),
        bytes(memory::available()),
    )?;
    Ok(text)
}
