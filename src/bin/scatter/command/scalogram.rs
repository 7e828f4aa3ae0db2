//! `scatter scalogram`: a signal by time and frequency, and what scattering makes of it.

use anyhow::{Context, Result, ensure};
use ndarray::ArrayView1;
use wavelet_scattering::filters::Wavelet1d;
use wavelet_scattering::frames::Rates;
use wavelet_scattering::io;
use wavelet_scattering::scattering::Scattering1dParams;
use wavelet_scattering::signal::Padding;
use wavelet_scattering::viz::scalogram::{HEIGHT, Panel, Settings, Track, sheet};
use wavelet_scattering::{Isa, Scalogram, Scattering1d};

use super::reading;
use crate::args::ScalogramArgs;

/// Samples of a signal from which on rows are sampled as they are seen, and not at their own rates.
const LONG: usize = 1 << 22;

/// Samples of a row that are enough for any picture.
const SEEN: usize = 8192;

/// The longest duration of a wavelet, in seconds, unless another is asked for.
const DURATION: f64 = 0.05;

/// log2 of the same, in samples, of signals without a rate.
const LOG2_DURATION: usize = 8;

pub fn run(args: ScalogramArgs) -> Result<()> {
    super::check_picture(&args.output, std::slice::from_ref(&args.input))?;
    let file = reading::open_sound(&args.input, &args.reading.options())?;
    let name = file.path().display().to_string();
    ensure!(
        file.len() == 1,
        "{name} holds {} signals, and one is wanted; {name}#1 is the first",
        file.len(),
    );
    let signal = file.signals::<f32>()?.next();
    let signal = signal.with_context(|| format!("{name} holds no signal"))??;
    let (channels, len) = signal.dim();
    let rate = file.rate();
    let J = args.J.unwrap_or_else(|| {
        let J = rate.map_or(LOG2_DURATION, |rate| {
            (DURATION * rate).log2().round() as usize
        });
        // What nobody asked for fits into any signal.
        J.min(len.checked_ilog2().unwrap_or(0) as usize).max(1)
    });
    let mut params = Scalogram::params(len, J)
        .Q(args.Q)
        .padding(args.padding.into());
    if len > LONG {
        params = params.rates(Rates::Common(1 << (len / SEEN).ilog2()));
    }
    if len == 1 {
        params = params.T(1.0);
    }
    let plan = params.plan::<f32>()?;

    let mut panels = Vec::new();
    for (channel, signal) in signal.rows().into_iter().enumerate() {
        let name = match channels {
            1 => String::new(),
            _ => format!("Channel {}", channel + 1),
        };
        let moduli = plan.transform(&signal)?;
        panels.push(Panel::of_rows(&name, &moduli)?);
        if args.scattering {
            if channels == 1 {
                panels[0].name = "Moduli |x ⋆ ψ|".into();
            }
            panels.extend(scattering(&args, J, signal, rate)?);
        }
    }
    // Many channels are lower than one.
    let share = if panels.len() > 4 { 2 } else { 1 };
    panels.iter_mut().for_each(|panel| panel.height /= share);
    let settings = Settings {
        title: match name.rsplit(['/', '\\']).next() {
            Some(name) => format!("Scalogram of {name}"),
            None => "Scalogram".into(),
        },
        caption: format!(
            "{} Morlet wavelets, {} an octave, the longest {} samples{}. 0 dB is the largest value of a panel.",
            plan.rows().len() - 1,
            args.Q,
            1_u64 << J,
            rate.map_or(String::new(), |rate| format!(" at {rate} Hz")),
        ),
        len,
        rate,
        range: args.range,
    };
    let picture = sheet(&panels, &settings)?;
    io::write_png(&args.output, &picture)?;
    println!(
        "{}: {} x {} pixels",
        args.output.display(),
        picture.width(),
        picture.height()
    );
    Ok(())
}

/// First-order averages, and the second order of the wavelet that has most energy in them.
fn scattering(
    args: &ScalogramArgs,
    J: usize,
    signal: ArrayView1<'_, f32>,
    rate: Option<f64>,
) -> Result<Vec<Panel>> {
    let params = Scattering1d::params(signal.len(), J)
        .Q([args.Q])
        .padding(args.padding.into())
        .isa(Isa::from_env()?)
        .stride(1 << J.saturating_sub(3));
    let plan = params.plan::<f32>()?;
    let features = plan.transform(&signal)?;
    let paths = plan.paths();
    let first = paths.rows_of_order(1);
    let strongest = first
        .clone()
        .max_by(|&a, &b| features.energy(a).total_cmp(&features.energy(b)))
        .context("a transform of signals has a first order")?;
    let start = first_sample(&params)? as f64;
    let step = params.output_stride() as f64;
    let track = |row: usize| -> Option<Track> {
        let psi: &Wavelet1d = paths.last_wavelet(row)?;
        Some(Track {
            frequency: psi.xi,
            start,
            step,
            values: features.path(row).iter().map(|&s| f64::from(s)).collect(),
        })
    };
    let (factor, unit) = rate.map_or((1.0, "cycles per sample"), |rate| (rate, "Hz"));
    let of = paths
        .last_wavelet(strongest)
        .map_or(0.0, |psi| psi.xi * factor);
    let panel = |name: String, axis: &str, rows: std::ops::Range<usize>, height| Panel {
        name,
        axis: axis.into(),
        tracks: rows.filter_map(track).collect(),
        height,
    };
    let over = match rate {
        Some(rate) => format!("{:.3} s", params.averaged_over() / rate),
        None => format!("{} samples", params.averaged_over()),
    };
    let mut panels = vec![panel(
        format!("First order: averages over {over}"),
        "frequency",
        first,
        HEIGHT / 2,
    )];
    let children = paths.children(strongest);
    if !children.is_empty() {
        let name = format!(
            "Second order of the strongest wavelet, at {} {unit}",
            significant(of)
        );
        panels.push(panel(name, "modulation", children, HEIGHT / 2));
    }
    Ok(panels)
}

/// To three digits, whatever the unit.
fn significant(value: f64) -> String {
    let places = (2 - value.abs().max(1e-12).log10().floor() as i32).clamp(0, 12);
    format!("{value:.*}", places as usize)
}

/// The sample of the signal that the first average stands at: samples of every level lie on multiples of the padded axis.
fn first_sample(params: &Scattering1dParams) -> Result<usize> {
    if params.padding == Padding::Periodic {
        return Ok(0);
    }
    let padded = params.padded_len()?;
    let (begin, stride) = ((padded - params.len) / 2, params.output_stride());
    Ok(begin.next_multiple_of(stride) - begin)
}
