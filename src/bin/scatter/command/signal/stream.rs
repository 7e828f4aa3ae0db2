//! Rows to standard output as they are ready, of a signal that may have no end.
//!
//! A row is one moment: the averages of all paths around it. It comes when everything that its filters see has arrived.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use wavelet_scattering::Average;
use wavelet_scattering::io::{Channels, SoundStream};
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::{EPSILON, StreamFeatures};

use crate::args::SignalArgs;
use crate::command::reading::{STANDARD_INPUT, STDIN};

pub fn run<T: Real>(args: &SignalArgs) -> Result<()> {
    let asked = [
        ("--segment", args.segment.is_some()),
        ("--resample", args.reading.resample.is_some()),
        (
            "--channels",
            args.reading.options().channels == Channels::All,
        ),
        ("--keep-going", args.keep_going),
        ("--joint", args.joint.joint),
    ];
    if let Some((flag, _)) = asked.into_iter().find(|&(_, asked)| asked) {
        bail!("{flag} needs a file to write to, -o: rows go to standard output as they are ready");
    }
    ensure!(
        args.average() == Average::Local,
        "--average {} needs a file to write to, -o: what goes to standard output are local averages, as they are ready",
        args.average().name(),
    );
    let [input] = args.inputs.as_slice() else {
        bail!(
            "the rows of {} inputs need a file to write to, -o: only those of one go to standard output",
            args.inputs.len()
        );
    };
    if input == Path::new(STDIN) {
        return transform::<T>(args, Path::new(STANDARD_INPUT), io::stdin().lock());
    }
    let file = File::open(input).with_context(|| format!("cannot read {}", input.display()))?;
    ensure!(
        !file.metadata()?.is_dir(),
        "the rows of a folder need a file to write to, -o: {}",
        input.display()
    );
    transform::<T>(args, input, file)
}

fn transform<T: Real>(args: &SignalArgs, name: &Path, bytes: impl Read) -> Result<()> {
    let blocks = SoundStream::<T, _>::open(name, bytes, &args.reading.options())?;
    let rate = Some(blocks.rate()).filter(|rate| !rate.is_nan());
    let mut params = args.transform.stream_params()?;
    if let Some(rate) = rate.filter(|_| blocks.is_live()) {
        // A quarter of a second or one average at a time: more would save little work, and be late.
        params.len = params.averaged_over().max(rate / 4.0) as usize;
    }
    let mut stream = params.stream::<T>()?;
    let stride = params.output_stride();
    let names: Vec<String> = (0..stream.paths().len())
        .map(|row| stream.paths().name(row))
        .collect();
    let mut rows = Rows {
        out: io::stdout().lock(),
        text: String::new(),
        orders: stream.paths().rows_of_order(0).end,
        stride,
        rate,
        args,
    };
    let delay = stream.delay();
    eprintln!(
        "{}: a row of {} paths every {}, {} after its moment at the latest",
        name.display(),
        names.len(),
        rows.time(stride),
        rows.time(delay),
    );
    if !args.raw {
        let moment = if rate.is_some() { "seconds" } else { "sample" };
        writeln!(rows.out, "{moment},{}", names.join(","))?;
        rows.out.flush()?;
    }
    for block in blocks {
        let block = block?;
        let samples = block.row(0).to_vec();
        let features = stream.push(&samples);
        rows.write(features.with_context(|| name.display().to_string())?)?;
    }
    rows.write(stream.finish()?)
}

/// What is written to standard output. Whoever stops reading it ends the program.
struct Rows<'a> {
    out: io::StdoutLock<'static>,
    text: String,
    /// Rows of order 0, which have no logarithm.
    orders: usize,
    stride: usize,
    rate: Option<f64>,
    args: &'a SignalArgs,
}

impl Rows<'_> {
    /// A number of samples as a person reads it.
    fn time(&self, samples: usize) -> String {
        match self.rate {
            Some(rate) => format!("{:.3} s", samples as f64 / rate),
            None => format!("{samples} samples"),
        }
    }

    fn write<T: Real>(&mut self, features: StreamFeatures<T>) -> Result<()> {
        use std::fmt::Write as _;

        let first = features.first_sample();
        let array = features.array()?;
        if array.is_empty() {
            return Ok(());
        }
        let epsilon = T::narrow(EPSILON);
        for (column, values) in array.columns().into_iter().enumerate() {
            let values = values.iter().enumerate().map(|(row, &value)| {
                match self.args.log && row >= self.orders {
                    true => (value.max(T::zero()) + epsilon).ln(),
                    false => value,
                }
            });
            if self.args.raw {
                for value in values {
                    match size_of::<T>() {
                        4 => self.out.write_all(&(value.widen() as f32).to_le_bytes())?,
                        _ => self.out.write_all(&value.widen().to_le_bytes())?,
                    }
                }
                continue;
            }
            let sample = first + column * self.stride;
            self.text.clear();
            match self.rate {
                Some(rate) => write!(self.text, "{}", sample as f64 / rate)?,
                None => write!(self.text, "{sample}")?,
            }
            for value in values {
                write!(self.text, ",{value:?}")?;
            }
            self.text.push('\n');
            self.out.write_all(self.text.as_bytes())?;
        }
        Ok(self.out.flush()?)
    }
}
