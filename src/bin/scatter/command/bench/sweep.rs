//! `scatter bench conv --sweep`: time against the size of the kernel, on one thread, and where one way overtakes another.
//!
//! At every size the definition, one FFT and the overlap-save that the planner thinks best are measured, and rustfft as
//! everyone would use it. The definition is left out where it is predicted to take [`HOPELESS`] times as long as the best.

use std::path::Path;

use anyhow::Result;
use serde_json::json;
use wavelet_scattering::io;
use wavelet_scattering::viz::chart::{self, Scale};

use super::conv::problem::{Kind, Problem, Way, sides};
use super::conv::{Bench, Row, headline, parameters};
use super::{milliseconds, with_threads};
use crate::args::{ConvArgs, Sweep};

/// How many times as long as the best the definition may take, as predicted.
const HOPELESS: f64 = 20.0;

/// Sizes an octave.
const SIZES: f64 = 2.0;

/// A way has to be faster than the one before it by this factor to count as overtaking it: ties would trade places.
const CLEARLY: f64 = 1.05;

/// Points `(taps along an axis, milliseconds)` of every way, by name.
type Curves = Vec<(String, Vec<(f64, f64)>)>;

const KINDS: [(Kind, &str); 3] = [
    (Kind::Direct, "direct"),
    (Kind::Fft, "one FFT"),
    (Kind::OverlapSave, "overlap-save"),
];

pub fn run(args: &ConvArgs, sweep: Sweep) -> Result<()> {
    if let Some(output) = &args.output {
        crate::command::check_picture(output, &[])?;
    }
    crate::command::check_destinations(args.json.as_slice(), &[])?;
    let axes = args.signal.0.len();
    let last = Problem::new(args, vec![sweep.0[1]; axes])?;
    println!(
        "{}\nsignals of {}, kernels from {} to {}, one thread; milliseconds of one signal, * what the planner takes\n",
        headline(args.precision)?,
        sides(&last.signal),
        sides(&vec![sweep.0[0]; axes]),
        sides(&last.kernel),
    );
    let names = KINDS.map(|(_, name)| format!("{name:>14}"));
    println!("{:<12}{}{:>14}", "kernel", names.concat(), "by hand");

    let named = || {
        KINDS
            .map(|(_, name)| (name.to_string(), Vec::new()))
            .to_vec()
    };
    let (mut measured, mut predicted): (Curves, Curves) = (named(), named());
    let mut by_hand = Vec::new();
    let mut records = Vec::new();
    for size in sizes(sweep.0) {
        let problem = Problem::new(args, vec![size; axes])?;
        let inputs = problem.inputs();
        let bench = Bench::new(&problem, &*inputs, args.quick);
        let ways = inputs.ways()?;
        let least = ways
            .iter()
            .map(|way| way.predicted)
            .fold(f64::INFINITY, f64::min);
        let plain = with_threads(1, || bench.plain())?;
        let mut cells = String::new();
        let mut rows = Vec::new();
        for (i, (kind, _)) in KINDS.into_iter().enumerate() {
            let row = match cheapest(&ways, kind) {
                None => None,
                Some(way) => {
                    predicted[i].1.push((size as f64, way.predicted * 1e3));
                    let hopeless = way.predicted > HOPELESS * least;
                    let measure = || bench.way(way.clone(), &plain.answer);
                    (!hopeless)
                        .then(|| with_threads(1, measure))
                        .transpose()?
                        .transpose()?
                }
            };
            let seconds = row.as_ref().and_then(Row::seconds);
            let mark = if row.as_ref().is_some_and(|row| row.chosen) {
                "*"
            } else {
                " "
            };
            cells += &format!("{:>13}{mark}", milliseconds(seconds));
            measured[i]
                .1
                .extend(seconds.map(|seconds| (size as f64, seconds * 1e3)));
            rows.extend(row);
        }
        let seconds = plain.row.seconds();
        by_hand.extend(seconds.map(|seconds| (size as f64, seconds * 1e3)));
        println!(
            "{:<12}{cells}{:>13}",
            sides(&problem.kernel),
            milliseconds(seconds)
        );
        rows.push(plain.row);
        records.push(json!({
            "kernel": problem.kernel,
            "ways": rows.iter().map(Row::json).collect::<Vec<_>>(),
        }));
    }

    let regimes = [
        ("measured", regimes(&measured)),
        ("predicted", regimes(&predicted)),
    ];
    println!();
    for (source, regimes) in &regimes {
        println!("{source}: {}", sentence(regimes));
    }
    let marks = marks(&regimes[0].1);
    if let Some(output) = &args.output {
        measured.push(("rustfft by hand".to_string(), by_hand));
        measured.retain(|(_, points)| !points.is_empty());
        draw(output, &last, &measured, &marks)?;
    }
    if let Some(path) = &args.json {
        let mut table = parameters(&last)?;
        table["kernel"] = json!(null);
        table["sweep"] = json!(records);
        for (source, regimes) in &regimes {
            let fastest = regimes
                .iter()
                .map(|regime| json!({ "way": regime.name, "from": regime.from }));
            table[format!("fastest_{source}")] = fastest.collect();
        }
        io::write_json(path, &table)?;
    }
    Ok(())
}

/// About [`SIZES`] an octave from the first to the last, odd if both are, as kernels with a centre are.
fn sizes([first, last]: [usize; 2]) -> Vec<usize> {
    let octaves = (last as f64 / first as f64).log2();
    let count = (SIZES * octaves).ceil().max(1.0) as usize;
    let odd = first % 2 == 1 && last % 2 == 1;
    let mut sizes: Vec<_> = (0..=count)
        .map(|i| first as f64 * (octaves * i as f64 / count as f64).exp2())
        .map(|size| match odd {
            true => 2 * ((size - 1.0) / 2.0).round() as usize + 1,
            false => size.round() as usize,
        })
        .collect();
    sizes.dedup();
    sizes
}

/// The way of a kind that the planner thinks best.
fn cheapest(ways: &[Way], kind: Kind) -> Option<&Way> {
    let of_kind = ways.iter().filter(|way| way.kind == kind);
    of_kind.min_by(|a, b| a.predicted.total_cmp(&b.predicted))
}

/// The sizes from which on a way is the fastest.
#[derive(Debug, Clone, PartialEq)]
struct Regime {
    name: String,
    from: f64,
}

/// Which way is the fastest from where on. Curves are straight between two sizes on logarithmic axes, and a size that a
/// curve lacks is one at which it is slow.
fn regimes(curves: &Curves) -> Vec<Regime> {
    let mut sizes: Vec<f64> = curves
        .iter()
        .flat_map(|(_, points)| points)
        .map(|p| p.0)
        .collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    let at = |curve: usize, size: f64| {
        let point = curves[curve].1.iter().find(|point| point.0 == size);
        point.map_or(f64::INFINITY, |point| point.1)
    };
    let mut regimes: Vec<Regime> = Vec::new();
    let mut current = None;
    let mut before = None;
    for size in sizes {
        let fastest = (0..curves.len()).min_by(|&a, &b| at(a, size).total_cmp(&at(b, size)));
        let Some(fastest) = fastest else { break };
        let overtaken =
            current.is_none_or(|current| at(current, size) > CLEARLY * at(fastest, size));
        if overtaken {
            let from = match (current, before) {
                (Some(current), Some(before)) => {
                    let gap = |size| (at(current, size) / at(fastest, size)).ln();
                    let [left, right]: [f64; 2] = [gap(before), gap(size)];
                    let share = if right.is_finite() && left < 0.0 {
                        left / (left - right)
                    } else {
                        0.0
                    };
                    before * (size / before).powf(share)
                }
                _ => size,
            };
            let name = curves[fastest].0.clone();
            regimes.push(Regime { name, from });
            current = Some(fastest);
        }
        before = Some(size);
    }
    regimes
}

/// `direct is the fastest, from 9.3 taps on overlap-save, from 180 on one FFT`
fn sentence(regimes: &[Regime]) -> String {
    let parts = regimes.iter().enumerate().map(|(i, regime)| match i {
        0 => format!("{} is the fastest", regime.name),
        _ => format!("from {} taps an axis on {}", taps(regime.from), regime.name),
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// A crossover between two sizes, to two digits.
fn taps(size: f64) -> String {
    if size < 10.0 {
        return format!("{size:.1}");
    }
    let step = 10_f64.powi(size.log10().floor() as i32 - 1);
    format!("{:.0}", (size / step).round() * step)
}

/// Where one way overtakes another, in words.
fn marks(regimes: &[Regime]) -> Vec<(f64, String)> {
    let pairs = regimes.windows(2);
    let mark = |pair: &[Regime]| {
        let size = pair[1].from;
        (
            size,
            format!(
                "{} overtakes {} at {}",
                pair[1].name,
                pair[0].name,
                taps(size)
            ),
        )
    };
    pairs.map(mark).collect()
}

fn draw(output: &Path, problem: &Problem, curves: &Curves, marks: &[(f64, String)]) -> Result<()> {
    let complex = |is: bool| if is { "complex " } else { "" };
    let kernels = match problem.bank {
        1 => format!("a {}kernel", complex(problem.complex_kernel)),
        count => format!("{count} {}kernels", complex(problem.complex_kernel)),
    };
    let title = format!(
        "Convolution of {} {}samples with {kernels}, {}, on one thread",
        sides(&problem.signal).replace('x', "×"),
        complex(problem.complex_signal),
        problem.precision.name(),
    );
    let taps = match problem.signal.len() {
        1 => "taps of the kernel",
        _ => "taps of the kernel along each axis",
    };
    let names = [taps, "time of one signal (ms)"];
    let picture = chart::marked(&title, names, curves, [Scale::Log; 2], marks)?;
    io::write_png(output, &picture)?;
    println!(
        "{}: {} x {} pixels",
        output.display(),
        picture.width(),
        picture.height()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_spread_by_ratio_and_odd_between_odd_ends() {
        assert_eq!(sizes([3, 33]), [3, 5, 9, 11, 17, 23, 33]);
        assert_eq!(sizes([4, 16]), [4, 6, 8, 11, 16]);
        assert_eq!(sizes([2, 3]), [2, 3]);
    }

    /// y = x and y = 4 cross at 4; on logarithmic axes both are straight, so the crossing between 3 and 6 is exact.
    #[test]
    fn crossovers_are_where_lines_cross() {
        let curve = |name: &str, y: &dyn Fn(f64) -> f64| {
            let points = [2.0, 3.0, 6.0, 9.0].map(|x| (x, y(x)));
            (name.to_string(), points.to_vec())
        };
        let mut curves = vec![curve("a", &|x| x), curve("b", &|_| 4.0)];
        let found = regimes(&curves);
        assert_eq!(
            found[0],
            Regime {
                name: "a".into(),
                from: 2.0
            }
        );
        assert!(found.len() == 2 && found[1].name == "b" && (found[1].from - 4.0).abs() < 1e-12);
        curves[0].1.truncate(2); // what is not measured any more is slow
        assert_eq!(
            regimes(&curves)[1],
            Regime {
                name: "b".into(),
                from: 3.0
            }
        );
    }
}
