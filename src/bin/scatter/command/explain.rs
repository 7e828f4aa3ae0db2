//! `scatter explain`: the design of a transform in numbers, without building it and before any image is read.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use wavelet_scattering::Isa;
use wavelet_scattering::error::bytes;
use wavelet_scattering::filters::SampledFrameBounds;
use wavelet_scattering::memory;
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::{Average, Scattering2dOutline, Scattering2dParams};
use wavelet_scattering::signal::Padding;

use crate::args::{ExplainArgs, Precision};

pub fn run(args: ExplainArgs) -> Result<()> {
    match args.precision {
        Precision::F32 => explain::<f32>(&args),
        Precision::F64 => explain::<f64>(&args),
    }
}

fn explain<T: Real>(args: &ExplainArgs) -> Result<()> {
    let params = args.transform.params(args.size.0)?;
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
