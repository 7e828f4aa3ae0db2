//! `scatter explain`: the design of a transform in numbers, before any image is read.

use anyhow::Result;
use wavelet_scattering::Isa;
use wavelet_scattering::error::bytes;
use wavelet_scattering::memory;
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::Average;
use wavelet_scattering::signal::Padding;

use crate::args::{ExplainArgs, Precision};

pub fn run(args: ExplainArgs) -> Result<()> {
    let text = match args.precision {
        Precision::F32 => explain::<f32>(&args)?,
        Precision::F64 => explain::<f64>(&args)?,
    };
    print!("{text}");
    Ok(())
}

fn explain<T: Real>(args: &ExplainArgs) -> Result<String> {
    use std::fmt::Write as _;

    let [height, width] = args.size.0;
    let params = args.transform.params(args.size.0)?;
    let plan = params.plan::<T>()?;
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
    let [padded0, padded1] = plan.padded_shape();
    match params.padding {
        Padding::Periodic => writeln!(out, "image      {height} x {width}, periodic, not padded")?,
        Padding::PrePadded => writeln!(out, "image      {height} x {width}, padded by the caller")?,
        padding => writeln!(
            out,
            "image      {height} x {width}, padded to {padded0} x {padded1} ({})",
            padding.name()
        )?,
    }
    let shape = plan.output_shape(&[]);
    match params.average {
        Average::Local => {
            let step = 1_usize << (params.J - params.oversampling);
            writeln!(
                out,
                "output     {shape:?}: paths, rows, columns; one sample every {step} pixels"
            )?;
        }
        Average::Global => writeln!(out, "output     {shape:?}: one mean per path")?,
        Average::None => writeln!(
            out,
            "output     {shape:?}: the moduli of all paths, one array per path in .npz"
        )?,
    }
    let counts = params.paths_by_order();
    let by_order: Vec<_> = counts
        .iter()
        .enumerate()
        .map(|(order, count)| format!("{count} of order {order}"))
        .collect();
    writeln!(
        out,
        "paths      {}: {}",
        plan.paths().len(),
        by_order.join(", ")
    )?;

    writeln!(
        out,
        "\nscales     j   width (pixels)   xi (cycles/pixel)   sigma (cycles/pixel)   wavelength (pixels)"
    )?;
    for wavelet in plan
        .bank()
        .wavelets()
        .iter()
        .filter(|wavelet| wavelet.l == 0)
    {
        let width = wavelet.sigma_space();
        let (j, xi, sigma) = (wavelet.j, wavelet.xi, wavelet.sigma);
        writeln!(
            out,
            "{j:>12}   {width:>14.2}   {xi:>17.5}   {sigma:>20.5}   {:>19.2}",
            1.0 / xi
        )?;
    }
    let degrees: Vec<_> = plan.bank().wavelets()[..params.L]
        .iter()
        .map(|wavelet| format!("{:.1}", wavelet.theta.to_degrees()))
        .collect();
    writeln!(
        out,
        "theta      {} degrees, from axis 0 (down) toward axis 1 (right)",
        degrees.join(", ")
    )?;

    let bounds = plan.bank().frame_bounds();
    writeln!(
        out,
        "\nframe      A = {:.4}, B = {:.4}: least and largest Littlewood-Paley sum",
        bounds.lower, bounds.upper
    )?;
    writeln!(
        out,
        "kernels    {} ({} overrides), filters without what is below {:e} of their peak",
        plan.isa(),
        Isa::VARIABLE,
        plan.tolerance(),
    )?;
    let numbers = plan.features_len() as u64 * size_of::<T>() as u64;
    writeln!(
        out,
        "memory     filters {}, workspace {} per thread, output {} per image and channel (this machine has {})",
        bytes(plan.bytes()),
        bytes(plan.workspace_bytes(1)),
        bytes(numbers),
        bytes(memory::available()),
    )?;
    Ok(text)
}
