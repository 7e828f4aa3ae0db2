//! What comes out of images: the rows of their paths, as columns and as numbers that say how they were made.

use ndarray::Array2;
use serde_json::json;
use wavelet_scattering::Scattering2d;
use wavelet_scattering::filters::Wavelet2d;
use wavelet_scattering::io::NpzEntry;
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::PathTable;

use super::inputs::Inputs;
use crate::args::{ColorArg, ImageArgs};
use crate::command::features::output::{Layout, Tables};

/// How the numbers of one image lie.
pub fn layout<T: Real>(args: &ImageArgs, plan: &Scattering2d<T>) -> Layout {
    let params = plan.description();
    let channels: &[&str] = match args.color {
        ColorArg::Rgb => &["red_", "green_", "blue_"],
        ColorArg::Gray => &[""],
    };
    let way_out = format!(
        ", or keep all at full size with --oversampling {}",
        params.J - 1
    );
    Layout::of(plan, params.average, channels, &way_out)
}

/// What stands beside the features.
pub fn tables<T: Real>(args: &ImageArgs, plan: &Scattering2d<T>, inputs: &Inputs) -> Tables {
    let paths = plan.paths();
    Tables {
        header: paths.header(),
        records: paths.records().collect(),
        columns: path_columns(paths),
        parameters: parameters(args, plan, inputs),
        of_rows: Vec::new(),
    }
}

/// The path table as columns; −1 and NaN where a path has no such layer.
fn path_columns(paths: &PathTable<Wavelet2d>) -> Vec<(&'static str, NpzEntry)> {
    let shape = [paths.len(), paths.max_order()];
    let wavelet = |row, layer| paths.wavelets_of(row).nth(layer);
    let index = |value: fn(&Wavelet2d) -> usize| {
        let column = Array2::from_shape_fn(shape, |(row, layer)| {
            wavelet(row, layer).map_or(-1, |w| value(w) as i64)
        });
        NpzEntry::I64(column.into_dyn())
    };
    let number = |value: fn(&Wavelet2d) -> f64| {
        NpzEntry::F64(
            Array2::from_shape_fn(shape, |(row, layer)| {
                wavelet(row, layer).map_or(f64::NAN, value)
            })
            .into_dyn(),
        )
    };
    let each = |value: &dyn Fn(usize) -> i64| {
        NpzEntry::I64(
            (0..paths.len())
                .map(value)
                .collect::<ndarray::Array1<_>>()
                .into_dyn(),
        )
    };
    vec![
        (
            "path_name",
            NpzEntry::Texts((0..paths.len()).map(|row| paths.name(row)).collect()),
        ),
        ("path_order", each(&|row| paths[row].order() as i64)),
        ("path_j", index(|w| w.j)),
        ("path_theta", index(|w| w.l)),
        ("path_angle", number(|w| w.theta)),
        ("path_xi", number(|w| w.xi)),
        ("path_sigma", number(|w| w.sigma)),
        (
            "path_subsampling",
            each(&|row| paths[row].subsampling.map_or(-1, |step| step as i64)),
        ),
        ("path_pixels", each(&|row| paths[row].samples as i64)),
    ]
}

/// Everything that is needed to compute the same features again, but for their shape.
fn parameters<T: Real>(
    args: &ImageArgs,
    plan: &Scattering2d<T>,
    inputs: &Inputs,
) -> serde_json::Value {
    let params = plan.description();
    let reading = &args.reading;
    let mut parameters = json!({
        "program": env!("CARGO_BIN_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "transform": {
            "image": params.shape,
            "padded": plan.padded_shape(),
            "J": params.J,
            "L": params.L,
            "max_order": params.max_order,
            "average": params.average.name(),
            "padding": params.padding.name(),
            "oversampling": params.oversampling,
            "xi": params.mother.xi,
            "sigma": params.mother.sigma,
            "slant": plan.bank().wavelets()[0].slant,
            "sigma_phi": params.mother.sigma_phi,
            "precision": T::NAME,
        },
        "color": if args.color == ColorArg::Rgb { "rgb" } else { "gray" },
        "resize": args.resize.map(|size| size.0),
        "pages": reading.pages.to_string(),
        "values": reading.values.name(),
        "nan": reading.nan.map(|nan| nan.name()),
        "channels_last": reading.channels_last,
        "left_out": inputs.left_out(),
        "log": args.log,
    });
    args.own
        .describe(plan.bank().wavelets(), &mut parameters["transform"]);
    parameters
}
