//! What comes out: one file of features, and the tables that say which number is which.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use ndarray::Array2;
use serde_json::json;
use wavelet_scattering::Scattering2d;
use wavelet_scattering::filters::Wavelet2d;
use wavelet_scattering::io::{
    CsvStack, NpyStack, NpzEntry, NpzStack, Staged, commit_all, stage_csv, stage_json,
};
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::{Average, PathTable};

use super::inputs::{Inputs, Skipped};
use crate::args::{ColorArg, ImageArgs};

/// Which inputs became rows, and which did not.
pub struct Report {
    /// Label of every row.
    pub written: Vec<String>,
    /// What was skipped.
    pub skipped: Vec<Skipped>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Npy,
    Npz,
    Csv,
}

enum Sink<T> {
    Npy(NpyStack<T>),
    Npz(NpzStack<T>),
    Csv(Box<CsvStack<T>>),
}

/// The file of features while it grows.
pub struct Output<'a, T> {
    sink: Sink<T>,
    plan: &'a Scattering2d<T>,
    args: &'a ImageArgs,
    channels: usize,
    /// Shape of the features of one input; of `.npz` without averages, whose arrays differ, empty.
    row_shape: Vec<usize>,
}

fn format_of(path: &Path) -> Result<Format> {
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    Ok(match extension.as_str() {
        "npy" => Format::Npy,
        "npz" => Format::Npz,
        "csv" => Format::Csv,
        _ => bail!(
            "{} must end in .npy, .npz or .csv: the ending chooses the format",
            path.display()
        ),
    })
}

/// The tables and parameters that stand beside a `.npy` or `.csv`; an `.npz` holds its own.
struct Companions {
    paths: PathBuf,
    inputs: PathBuf,
    parameters: PathBuf,
}

impl Companions {
    fn of(output: &Path) -> Self {
        let beside = |end: &str| output.with_extension(end);
        Self {
            paths: beside("paths.csv"),
            inputs: beside("inputs.csv"),
            parameters: beside("json"),
        }
    }
}

/// Refuses outputs that cannot be written before anything is read or computed.
pub fn check(args: &ImageArgs) -> Result<()> {
    check_against(args, &args.inputs)
}

/// The same, and outputs that would replace one of the inputs.
pub fn check_against(args: &ImageArgs, inputs: &[PathBuf]) -> Result<()> {
    let mut outputs = vec![args.output.clone()];
    if format_of(&args.output)? != Format::Npz {
        let companions = Companions::of(&args.output);
        outputs.extend([companions.paths, companions.inputs, companions.parameters]);
    }
    crate::command::check_destinations(&outputs, inputs)
}

/// Refuses outputs that the disk has no room for.
pub fn check_room<T: Real>(
    args: &ImageArgs,
    plan: &Scattering2d<T>,
    inputs: &Inputs,
) -> Result<()> {
    let bytes_of_a_number = match format_of(&args.output)? {
        Format::Npy => size_of::<T>(),
        // Rows are gathered in one file and sorted into another.
        Format::Npz => 2 * size_of::<T>(),
        // At least: three digits and what stands between two numbers.
        Format::Csv => 4,
    };
    let numbers = inputs.len() as u64 * (inputs.channels() * plan.features_len()) as u64;
    crate::command::check_room(
        &args.output,
        numbers.saturating_mul(bytes_of_a_number as u64),
    )
}

impl<'a, T: Real> Output<'a, T> {
    /// Opens the file beside its destination.
    pub fn create(args: &'a ImageArgs, plan: &'a Scattering2d<T>, inputs: &Inputs) -> Result<Self> {
        let path = &args.output;
        let channels = inputs.channels();
        let channel_axis: &[usize] = if args.color == ColorArg::Rgb {
            &[channels]
        } else {
            &[]
        };
        let mut row_shape = [channel_axis, &plan.output_shape(&[])].concat();
        let rows = plan.paths().len();
        let by_path = plan.description().average == Average::None;
        let sink = match format_of(path)? {
            Format::Npy => {
                if by_path {
                    let shape = plan.path_shape(0);
                    if (0..rows).any(|row| plan.path_shape(row) != shape) {
                        bail!(
                            "without averages the paths differ in size and one array cannot hold them; write .npz, \
                             or keep all at full size with --oversampling {}",
                            plan.description().J - 1,
                        );
                    }
                    row_shape = [channel_axis, &[rows], shape].concat();
                }
                Sink::Npy(NpyStack::create(
                    path,
                    &row_shape,
                    &inputs.leading(inputs.len()),
                )?)
            }
            Format::Npz if by_path => {
                row_shape.clear();
                let arrays: Vec<_> = (0..rows)
                    .map(|row| {
                        (
                            plan.paths().name(row),
                            [channel_axis, plan.path_shape(row)].concat(),
                        )
                    })
                    .collect();
                let arrays: Vec<_> = arrays
                    .iter()
                    .map(|(name, shape)| (name.as_str(), shape.as_slice()))
                    .collect();
                Sink::Npz(NpzStack::create(path, &arrays)?)
            }
            Format::Npz => Sink::Npz(NpzStack::create(path, &[("features", &row_shape)])?),
            Format::Csv => Sink::Csv(Box::new(CsvStack::create(
                path,
                &csv_header(plan, channels),
            )?)),
        };
        Ok(Self {
            sink,
            plan,
            args,
            channels,
            row_shape,
        })
    }

    /// Appends the features of one input: its channels one after another, each as the plan lays it out.
    pub fn push(&mut self, label: &str, features: &[T]) -> Result<()> {
        match &mut self.sink {
            Sink::Npy(stack) => stack.push(features)?,
            Sink::Csv(stack) => stack.push(label, features)?,
            Sink::Npz(stack) if self.channels > 1 && self.row_shape.is_empty() => {
                stack.push(&by_path(self.plan, features))?;
            }
            Sink::Npz(stack) => stack.push(features)?,
        }
        Ok(())
    }

    /// Completes all files and puts them in place together. Returns the shape, as a person reads it.
    pub fn finish(self, inputs: &Inputs, report: &Report) -> Result<String> {
        let leading = inputs.leading(report.written.len());
        let shape = [leading.as_slice(), &self.row_shape].concat();
        let paths = self.plan.paths();
        let parameters = parameters(self.args, self.plan, inputs, &shape);
        let beside = || -> Result<[Staged; 3]> {
            let companions = Companions::of(&self.args.output);
            Ok([
                stage_csv(companions.paths, &paths.header(), paths.records())?,
                stage_csv(
                    companions.inputs,
                    &INPUT_HEADER.map(String::from),
                    input_records(report),
                )?,
                stage_json(companions.parameters, &parameters)?,
            ])
        };
        let mut text = format!("{shape:?}");
        match self.sink {
            Sink::Npy(stack) => commit_all(beside()?.into_iter().chain([stack.stage(&leading)?]))?,
            Sink::Csv(stack) => commit_all(beside()?.into_iter().chain([stack.stage()?]))?,
            Sink::Npz(stack) => {
                if self.row_shape.is_empty() {
                    text = format!(
                        "{} arrays, one a path, of leading axes {leading:?},",
                        paths.len()
                    );
                }
                let mut extras = path_columns(paths);
                let skipped = report.skipped.iter();
                let (skipped, reasons) = skipped
                    .map(|skipped| (skipped.label.clone(), skipped.reason.clone()))
                    .unzip();
                extras.extend([
                    ("inputs", NpzEntry::Texts(report.written.clone())),
                    ("skipped", NpzEntry::Texts(skipped)),
                    ("skipped_because", NpzEntry::Texts(reasons)),
                    ("parameters", NpzEntry::Text(parameters.to_string())),
                    (
                        "version",
                        NpzEntry::Text(env!("CARGO_PKG_VERSION").to_string()),
                    ),
                ]);
                stack.finish(&leading, &extras)?;
            }
        }
        Ok(text)
    }
}

const INPUT_HEADER: [&str; 3] = ["row", "input", "skipped"];

/// Row and name of every input; those that were skipped have no row but a reason, and stand at the end.
fn input_records(report: &Report) -> impl Iterator<Item = Vec<String>> {
    let written = report
        .written
        .iter()
        .enumerate()
        .map(|(row, label)| vec![row.to_string(), label.clone(), String::new()]);
    let skipped = report
        .skipped
        .iter()
        .map(|skipped| vec![String::new(), skipped.label.clone(), skipped.reason.clone()]);
    written.chain(skipped)
}

/// From channel-major to path-major order, for archives with one array a path.
fn by_path<T: Real>(plan: &Scattering2d<T>, features: &[T]) -> Vec<T> {
    let channels = || features.chunks_exact(plan.features_len());
    let mut start = 0;
    (0..plan.paths().len())
        .flat_map(|row| {
            let range = start..start + plan.path_shape(row).iter().product::<usize>();
            start = range.end;
            channels().flat_map(move |channel| channel[range.clone()].iter().copied())
        })
        .collect()
}

/// `input`, then the name of every column: path, channel if there are several, row and column if there are several.
fn csv_header<T: Real>(plan: &Scattering2d<T>, channels: usize) -> Vec<String> {
    let names: &[&str] = if channels == 3 {
        &["red_", "green_", "blue_"]
    } else {
        &[""]
    };
    let mut header = vec!["input".to_string()];
    for channel in names {
        for row in 0..plan.paths().len() {
            let name = plan.paths().name(row);
            match *plan.path_shape(row) {
                [height, width] => header.extend(
                    (0..height)
                        .flat_map(|y| (0..width).map(move |x| (y, x)))
                        .map(|(y, x)| format!("{channel}{name}_y{y}x{x}")),
                ),
                _ => header.push(format!("{channel}{name}")),
            }
        }
    }
    header
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

/// Everything that is needed to compute the same features again.
fn parameters<T: Real>(
    args: &ImageArgs,
    plan: &Scattering2d<T>,
    inputs: &Inputs,
    shape: &[usize],
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
        "shape": shape,
    });
    args.own
        .describe(plan.bank().wavelets(), &mut parameters["transform"]);
    parameters
}
