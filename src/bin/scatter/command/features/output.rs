//! What comes out: one file of features, and the tables that say which number is which.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use wavelet_scattering::io::{
    CsvStack, NpyStack, NpzEntry, NpzList, NpzStack, Staged, commit_all, stage_csv, stage_json,
};
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::{Average, Scattering, Wavelet};

use super::Report;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Npy,
    Npz,
    Csv,
}

impl Format {
    pub fn of(path: &Path) -> Result<Self> {
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

/// Refuses outputs that cannot be written, or would replace one of the inputs, before anything is read or computed.
pub fn check(output: &Path, inputs: &[PathBuf]) -> Result<()> {
    let mut outputs = vec![output.to_path_buf()];
    if Format::of(output)? != Format::Npz {
        let companions = Companions::of(output);
        outputs.extend([companions.paths, companions.inputs, companions.parameters]);
    }
    crate::command::check_destinations(&outputs, inputs)
}

/// Refuses outputs of so many numbers that the disk has no room for.
pub fn check_room<T: Real>(output: &Path, numbers: u64) -> Result<()> {
    let bytes_of_a_number = match Format::of(output)? {
        Format::Npy => size_of::<T>(),
        // Rows are gathered in one file and sorted into another.
        Format::Npz => 2 * size_of::<T>(),
        // At least: three digits and what stands between two numbers.
        Format::Csv => 4,
    };
    crate::command::check_room(output, numbers.saturating_mul(bytes_of_a_number as u64))
}

/// How the numbers of one input lie.
pub struct Layout {
    /// The axis of channels, if there is one.
    channels: Option<usize>,
    /// What columns are called by their channel.
    channel_names: Vec<String>,
    /// Name and axes of every path.
    paths: Vec<(String, Vec<usize>)>,
    /// The axes of one channel, those of paths included.
    trailing: Vec<usize>,
    /// Whether the paths differ in size.
    by_path: bool,
    /// What makes them equal.
    way_out: String,
}

impl Layout {
    /// Of a plan, for channels that have an axis of their own with these names; `way_out` is how all paths get one size.
    pub fn of<T: Real, W: Wavelet, const D: usize>(
        plan: &Scattering<T, W, D>,
        average: Average,
        channel_names: &[&str],
        way_out: &str,
    ) -> Self {
        let paths = plan.paths();
        let rows = 0..paths.len();
        Self {
            channels: (channel_names.len() > 1).then_some(channel_names.len()),
            channel_names: channel_names.iter().map(|name| name.to_string()).collect(),
            paths: rows
                .map(|row| (paths.name(row), plan.path_shape(row).to_vec()))
                .collect(),
            trailing: plan.output_shape(&[]),
            by_path: average == Average::None,
            way_out: way_out.to_string(),
        }
    }

    fn channel_axis(&self) -> &[usize] {
        self.channels.as_slice()
    }

    /// Numbers of one channel.
    fn len(&self) -> usize {
        self.trailing.iter().product()
    }

    /// Numbers of one input.
    pub fn numbers(&self) -> usize {
        self.channel_axis().iter().product::<usize>() * self.len()
    }

    /// The axes of the features of one input.
    fn shape(&self) -> Vec<usize> {
        [self.channel_axis(), &self.trailing].concat()
    }

    /// From channel-major to path-major order, for archives with one array a path.
    fn by_path<T: Real>(&self, features: &[T]) -> Vec<T> {
        let channels = || features.chunks_exact(self.len());
        let mut start = 0;
        (self.paths.iter())
            .flat_map(|(_, shape)| {
                let range = start..start + shape.iter().product::<usize>();
                start = range.end;
                channels().flat_map(move |channel| channel[range.clone()].iter().copied())
            })
            .collect()
    }

    /// `input`, then the name of every column: path, channel if there are several, and the place of several samples.
    fn csv_header(&self) -> Vec<String> {
        let mut header = vec!["input".to_string()];
        for channel in &self.channel_names {
            for (name, shape) in &self.paths {
                let name = format!("{channel}{name}");
                match **shape {
                    [height, width] => header.extend(
                        (0..height)
                            .flat_map(|y| (0..width).map(move |x| (y, x)))
                            .map(|(y, x)| format!("{name}_y{y}x{x}")),
                    ),
                    [len] => header.extend((0..len).map(|t| format!("{name}_t{t}"))),
                    _ => header.push(name),
                }
            }
        }
        header
    }
}

enum Sink<T> {
    Npy(NpyStack<T>),
    Npz(NpzStack<T>),
    /// One array an input, as their sizes differ.
    List(NpzList<T>),
    Csv(Box<CsvStack<T>>),
}

/// The file of features while it grows.
pub struct Output<T> {
    path: PathBuf,
    sink: Sink<T>,
    layout: Layout,
    /// Shape of the features of one input; of archives of arrays that differ, empty.
    row_shape: Vec<usize>,
}

/// What stands beside the features.
pub struct Tables {
    /// The path table.
    pub header: Vec<String>,
    pub records: Vec<Vec<String>>,
    /// The same as arrays.
    pub columns: Vec<(&'static str, NpzEntry)>,
    /// Everything that is needed to compute the same features again, but for their shape.
    pub parameters: serde_json::Value,
    /// More columns of the table of inputs: for every row, what it says of it.
    pub of_rows: Vec<(&'static str, Vec<f64>)>,
}

impl<T: Real> Output<T> {
    /// Opens the file beside its destination. `leading` are the axes that inputs are expected to be arranged in.
    pub fn create(path: &Path, layout: Layout, leading: &[usize]) -> Result<Self> {
        let channel_axis = layout.channel_axis();
        let mut row_shape = layout.shape();
        let sink = match Format::of(path)? {
            Format::Npy => {
                if layout.by_path {
                    let shape = layout.paths[0].1.clone();
                    if layout.paths.iter().any(|(_, other)| *other != shape) {
                        bail!(
                            "without averages the paths differ in size and one array cannot hold them; write .npz{}",
                            layout.way_out,
                        );
                    }
                    row_shape = [channel_axis, &[layout.paths.len()], &shape].concat();
                }
                Sink::Npy(NpyStack::create(path, &row_shape, leading)?)
            }
            Format::Npz if layout.by_path => {
                row_shape.clear();
                let arrays: Vec<_> = (layout.paths.iter())
                    .map(|(name, shape)| (name.as_str(), [channel_axis, shape].concat()))
                    .collect();
                let arrays: Vec<_> = (arrays.iter())
                    .map(|(name, shape)| (*name, shape.as_slice()))
                    .collect();
                Sink::Npz(NpzStack::create(path, &arrays)?)
            }
            Format::Npz => Sink::Npz(NpzStack::create(path, &[("features", &row_shape)])?),
            Format::Csv => Sink::Csv(Box::new(CsvStack::create(path, &layout.csv_header())?)),
        };
        Ok(Self {
            path: path.to_path_buf(),
            sink,
            layout,
            row_shape,
        })
    }

    /// The same for inputs whose features differ in shape: an archive of one array each, `features_0` and on.
    pub fn create_list(path: &Path, layout: Layout) -> Result<Self> {
        Ok(Self {
            path: path.to_path_buf(),
            sink: Sink::List(NpzList::create(path)?),
            layout,
            row_shape: Vec::new(),
        })
    }

    /// Appends the features of one input: its channels one after another, each as the plan lays it out.
    pub fn push(&mut self, label: &str, features: &[T], shape: &[usize]) -> Result<()> {
        match &mut self.sink {
            Sink::Npy(stack) => stack.push(features)?,
            Sink::Csv(stack) => stack.push(label, features)?,
            Sink::List(list) => {
                let name = format!("features_{}", list.len());
                list.push(&name, shape, features)?;
            }
            Sink::Npz(stack) if self.layout.channels.is_some() && self.layout.by_path => {
                stack.push(&self.layout.by_path(features))?;
            }
            Sink::Npz(stack) => stack.push(features)?,
        }
        Ok(())
    }

    /// Completes all files and puts them in place together. Returns the shape, as a person reads it.
    pub fn finish(self, leading: &[usize], report: &Report, tables: Tables) -> Result<String> {
        let listed = matches!(self.sink, Sink::List(_));
        let shape = match listed {
            true => leading.to_vec(),
            false => [leading, &self.row_shape].concat(),
        };
        let Tables {
            header,
            records,
            columns,
            mut parameters,
            of_rows,
        } = tables;
        parameters["shape"] = shape.clone().into();
        let beside = || -> Result<[Staged; 3]> {
            let companions = Companions::of(&self.path);
            let (header_of_inputs, inputs) = input_table(report, &of_rows);
            Ok([
                stage_csv(companions.paths, &header, &records)?,
                stage_csv(companions.inputs, &header_of_inputs, inputs)?,
                stage_json(companions.parameters, &parameters)?,
            ])
        };
        let mut text = format!("{shape:?}");
        let mut extras = columns;
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
        extras.extend(of_rows.iter().map(|(name, values)| {
            let column = ndarray::Array1::from(values.clone());
            (*name, NpzEntry::F64(column.into_dyn()))
        }));
        match self.sink {
            Sink::Npy(stack) => commit_all(beside()?.into_iter().chain([stack.stage(leading)?]))?,
            Sink::Csv(stack) => commit_all(beside()?.into_iter().chain([stack.stage()?]))?,
            Sink::Npz(stack) => {
                if self.layout.by_path {
                    text = format!(
                        "{} arrays, one a path, of leading axes {leading:?},",
                        self.layout.paths.len()
                    );
                }
                stack.finish(leading, &extras)?;
            }
            Sink::List(list) => {
                text = format!("{} arrays, one an input, features_0 and on,", list.len());
                list.finish(&extras)?;
            }
        }
        Ok(text)
    }
}

/// Row and name of every input, and what else is known of it; those that were skipped have no row but a reason, and stand at
/// the end.
fn input_table<'a>(
    report: &'a Report,
    of_rows: &'a [(&'static str, Vec<f64>)],
) -> (Vec<String>, impl Iterator<Item = Vec<String>> + 'a) {
    let more = of_rows.iter().map(|(name, _)| *name);
    let header = ["row", "input"].into_iter().chain(more).chain(["skipped"]);
    let written = report.written.iter().enumerate().map(|(row, label)| {
        let more = of_rows
            .iter()
            .map(move |(_, values)| values[row].to_string());
        let begin = [row.to_string(), label.clone()];
        begin
            .into_iter()
            .chain(more)
            .chain([String::new()])
            .collect()
    });
    let skipped = report.skipped.iter().map(|skipped| {
        let mut record = vec![String::new(); 3 + of_rows.len()];
        record[1].clone_from(&skipped.label);
        record[2 + of_rows.len()].clone_from(&skipped.reason);
        record
    });
    (header.map(String::from).collect(), written.chain(skipped))
}
