//! What comes out of signals: the rows of their paths, as columns and as numbers that say how they were made.

use ndarray::{Array1, Array2};
use serde_json::json;
use wavelet_scattering::filters::Wavelet1d;
use wavelet_scattering::io::NpzEntry;
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::PathTable;
use wavelet_scattering::{Average, Scattering1d};

use super::inputs::Inputs;
use crate::args::SignalArgs;
use crate::command::features::output::{Layout, Tables};

/// How the numbers of one signal lie.
pub fn layout<T: Real>(plan: &Scattering1d<T>, inputs: &Inputs) -> Layout {
    let channels: Vec<String> = match inputs.channels() {
        1 => vec![String::new()],
        count => (0..count)
            .map(|channel| format!("channel{channel}_"))
            .collect(),
    };
    let channels: Vec<_> = channels.iter().map(String::as_str).collect();
    Layout::of(plan, plan.description().average, &channels, "")
}

/// What stands beside the features; `starts` is where every segment begins, in seconds.
pub fn tables<T: Real>(
    args: &SignalArgs,
    plan: &Scattering1d<T>,
    inputs: &Inputs,
    starts: Vec<f64>,
) -> Tables {
    let paths = plan.paths();
    let (header, mut records): (_, Vec<_>) = match inputs.rate() {
        Some(rate) => (
            paths.header_in_hertz(),
            paths.records_in_hertz(rate).collect(),
        ),
        None => (paths.header(), paths.records().collect()),
    };
    // One number stands for a whole signal, of whatever length.
    let of_a_whole = matches!(plan.description().average, Average::Global | Average::Sum);
    let unknown = of_a_whole
        && inputs
            .lengths()
            .any(|(len, _)| len != plan.description().len);
    if unknown {
        let of_length = |&column: &usize| matches!(header[column].as_str(), "samples" | "seconds");
        for column in (0..header.len()).filter(of_length) {
            records.iter_mut().for_each(|record| record[column].clear());
        }
    }
    Tables {
        header,
        records,
        columns: path_columns(paths, inputs.rate(), unknown),
        parameters: parameters(args, plan, inputs),
        of_rows: match inputs.is_cut() {
            true => vec![("start", starts)],
            false => Vec::new(),
        },
    }
}

/// The path table as columns; −1 and NaN where a path has no such layer, or the number of samples is not the same for all.
fn path_columns(
    paths: &PathTable<Wavelet1d>,
    rate: Option<f64>,
    unknown: bool,
) -> Vec<(&'static str, NpzEntry)> {
    let shape = [paths.len(), paths.max_order()];
    let wavelet = |row, layer| paths.wavelets_of(row).nth(layer);
    let index = |value: fn(&Wavelet1d) -> usize| {
        let column = Array2::from_shape_fn(shape, |(row, layer)| {
            wavelet(row, layer).map_or(-1, |w| value(w) as i64)
        });
        NpzEntry::I64(column.into_dyn())
    };
    let number = |value: &dyn Fn(&Wavelet1d) -> f64| {
        let column = Array2::from_shape_fn(shape, |(row, layer)| {
            wavelet(row, layer).map_or(f64::NAN, value)
        });
        NpzEntry::F64(column.into_dyn())
    };
    let each = |value: &dyn Fn(usize) -> i64| {
        let column: Array1<i64> = (0..paths.len()).map(value).collect();
        NpzEntry::I64(column.into_dyn())
    };
    let names = (0..paths.len()).map(|row| paths.name(row)).collect();
    let mut columns = vec![
        ("path_name", NpzEntry::Texts(names)),
        ("path_order", each(&|row| paths[row].order() as i64)),
        ("path_n", index(|w| w.n)),
        ("path_j", index(|w| w.j)),
        ("path_xi", number(&|w| w.xi)),
        ("path_sigma", number(&|w| w.sigma)),
        (
            "path_subsampling",
            each(&|row| paths[row].subsampling.map_or(-1, |step| step as i64)),
        ),
        (
            "path_samples",
            each(&|row| {
                if unknown {
                    -1
                } else {
                    paths[row].samples as i64
                }
            }),
        ),
    ];
    if let Some(rate) = rate {
        columns.push(("path_xi_hz", number(&|w| w.xi * rate)));
        columns.push(("path_sigma_hz", number(&|w| w.sigma * rate)));
        columns.push(("rate", NpzEntry::F64(ndarray::arr0(rate).into_dyn())));
    }
    columns
}

/// Everything that is needed to compute the same features again, but for their shape.
fn parameters<T: Real>(
    args: &SignalArgs,
    plan: &Scattering1d<T>,
    inputs: &Inputs,
) -> serde_json::Value {
    let params = plan.description();
    let reading = &args.reading;
    let one_length = inputs.lengths().all(|(len, _)| len == params.len);
    let stride = params.average == Average::Local;
    json!({
        "program": env!("CARGO_BIN_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "transform": {
            "samples": one_length.then_some(params.len),
            "padded": one_length.then(|| plan.padded_shape()[0]),
            "J": params.J,
            "Q": params.Q,
            "max_order": params.max_order,
            "T": params.averaged_over(),
            "average": params.average.name(),
            "stride": stride.then(|| params.output_stride()),
            "padding": params.padding.name(),
            "precision": T::NAME,
        },
        "rate": inputs.rate(),
        "resample": reading.resample,
        "channels": reading.channels_name(),
        "sample": reading.sample.map(|sample| sample.name()),
        "segment": args.segment,
        "hop": args.segment.map(|segment| args.hop.unwrap_or(segment)),
        "left_out": inputs.left_out(),
        "log": args.log,
    })
}
