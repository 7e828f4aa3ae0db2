//! How the cost of scattering grows: with the side of an image at fixed J, with J at a fixed side, and with the length of a signal.
//!
//! ```text
//! cargo bench --bench growth -- [--quick] [--threads N] [--png FOLDER]
//! ```
//!
//! Three tables in Markdown, one thread unless asked otherwise, L = 8, orders 0 to 2, `transform_into`. Time per pixel at
//! fixed J would be constant if FFTs cost the same per sample at every size: what it grows by are deeper FFTs, data that
//! leave the caches, and padded sides with larger primes, whose factors the table shows. From one J to the next time should
//! follow the *weighted* paths, Σ_p 4^−level(p): how many planes of the padded size all moduli amount to, the image
//! itself among them, each on the grid that its path is subsampled to. Of signals, J = 8 and Q = 8. `--png` draws both as `growth-side.png` and
//! `growth-J.png`.

#![allow(non_snake_case)] // J keeps its case, as in the library

mod workloads;

use std::error::Error;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ndarray::ArrayD;
use wavelet_scattering::io::write_png;
use wavelet_scattering::scattering::{Scattering2dParams, ScatteringWorkspace};
use wavelet_scattering::viz::chart::{self, Scale};
use wavelet_scattering::{Isa, Result, Scattering1d, Scattering2d};
use workloads::floor::{Ffts, Timing, all_in_turns};
use workloads::{L, error_in_single, noise_of_shape};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const SIDES: [usize; 5] = [128, 256, 512, 1024, 2048];
/// Those of the first table. J = 5 pads to sides without primes above 17, others do not.
const SCALES: [usize; 3] = [5, 4, 3];
/// The image and those J of the second table.
const SIDE: usize = 512;
const SCALES_AT_SIDE: [usize; 5] = [2, 3, 4, 5, 6];

fn main() -> Outcome<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    if arguments.filtered {
        return Ok(());
    }
    let Arguments { threads, .. } = arguments;
    if arguments.test {
        let mut cases = [Case::new(64, 2, threads)?, Case::new(64, 3, threads)?];
        let timings = measure(&mut cases, &arguments)?;
        assert!(timings.iter().all(|timing| timing.median > 0.0));
        signals(&arguments)?;
        println!("growth: tested");
        return Ok(());
    }
    println!("L = {L}, order 2, float32, threads: {threads}\n\n{HEAD}");
    let mut curves = Vec::new();
    for J in SCALES {
        let mut cases = SIDES
            .iter()
            .map(|&side| Case::new(side, J, threads))
            .collect::<Outcome<Vec<_>>>()?;
        let timings = measure(&mut cases, &arguments)?;
        let per_pixel = |i: usize| timings[i].median * 1e9 / cases[i].pixels();
        for (i, (case, timing)) in cases.iter().zip(&timings).enumerate() {
            println!("{}", case.row(timing, per_pixel(i) / per_pixel(0)));
        }
        let points = (0..cases.len()).map(|i| (SIDES[i] as f64, per_pixel(i)));
        curves.push((format!("J = {J}"), points.collect()));
    }
    println!(
        "\nGrowth: time per pixel over that at {}².\n\n{HEAD}",
        SIDES[0]
    );

    let mut cases = SCALES_AT_SIDE
        .iter()
        .map(|&J| Case::new(SIDE, J, threads))
        .collect::<Outcome<Vec<_>>>()?;
    let timings = measure(&mut cases, &arguments)?;
    let per_weight = |i: usize| timings[i].median / cases[i].samples();
    for (i, (case, timing)) in cases.iter().zip(&timings).enumerate() {
        println!("{}", case.row(timing, per_weight(i) / per_weight(0)));
    }
    let first = SCALES_AT_SIDE[0];
    println!("\nGrowth: time per weighted path and padded pixel over that at J = {first}.");
    let relative = |name: &str, value: &dyn Fn(usize) -> f64| {
        let points = (0..cases.len()).map(|i| (SCALES_AT_SIDE[i] as f64, value(i) / value(0)));
        (name.to_string(), points.collect())
    };
    let by_J = [
        relative("time", &|i| timings[i].median),
        relative("weighted paths, padded pixels", &|i| cases[i].samples()),
        relative("nominal work of the FFTs", &|i| cases[i].flops()),
        relative("paths", &|i| cases[i].plan.paths().len() as f64),
    ];
    signals(&arguments)?;
    if let Some(folder) = arguments.png {
        draw(&folder, &curves, &by_J)?;
    }
    Ok(())
}

/// Time per padded sample by the length of a signal.
fn signals(arguments: &Arguments) -> Outcome<()> {
    const J: usize = 8;
    let lengths = if arguments.test { 10..=11 } else { 12..=22 };
    println!(
        "\nSignals, J = {J}, Q = 8.\n\n| samples | padded to | factors | median ms | ns / padded sample | growth |\n| ---: | ---: | --- | ---: | ---: | ---: |"
    );
    let mut first = None;
    for len in lengths.map(|log2| 1_usize << log2) {
        let params = Scattering1d::params(len, J).Q([8]).isa(Isa::from_env()?);
        let plan = params.plan::<f32>()?;
        let signal = noise_of_shape(&[len]);
        let mut out = ArrayD::zeros(plan.output_shape(&[]));
        let mut workspace = plan.workspace_for(arguments.threads);
        let mut run = || {
            let done = plan.transform_into(&signal, &mut out, &mut workspace);
            done.expect("shapes fit");
        };
        run(); // warm
        let time = match (arguments.test, arguments.quick) {
            (true, _) => Duration::ZERO,
            (false, true) => Duration::from_millis(300),
            (false, false) => Duration::from_secs(2),
        };
        let mut one: [&mut dyn FnMut(); 1] = [&mut run];
        let timing = all_in_turns(time, 3, &mut one, |run| run())[0];
        let [padded] = plan.padded_shape();
        let per_sample = timing.median * 1e9 / padded as f64;
        let growth = per_sample / *first.get_or_insert(per_sample);
        println!(
            "| {len} | {padded} | {} | {:.3} | {per_sample:.1} | {growth:.2} |",
            factors(padded),
            timing.median * 1e3
        );
    }
    Ok(())
}

struct Arguments {
    test: bool,
    quick: bool,
    /// A filter of names was given, as Criterion's benches take it, and this is another one.
    filtered: bool,
    threads: usize,
    png: Option<PathBuf>,
}

impl Arguments {
    fn parse(mut words: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut arguments = Self {
            test: false,
            quick: false,
            filtered: false,
            threads: 1,
            png: None,
        };
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
            match word.as_str() {
                "--bench" => {} // what cargo passes
                "--test" => arguments.test = true,
                "--quick" => arguments.quick = true,
                "--threads" => arguments.threads = value()?.parse::<NonZeroUsize>()?.get(),
                "--png" => arguments.png = Some(value()?.into()),
                filter if !filter.starts_with('-') => {
                    arguments.filtered = !"growth".contains(filter)
                }
                word => return Err(format!("{word}? See the head of benches/growth.rs").into()),
            }
        }
        if let Some(folder) = &arguments.png
            && !folder.is_dir()
        {
            return Err(format!("--png {}: no such folder", folder.display()).into());
        }
        Ok(arguments)
    }
}

/// One image and the plan for it.
struct Case {
    plan: Scattering2d<f32>,
    image: ArrayD<f32>,
    out: ArrayD<f32>,
    workspace: ScatteringWorkspace<f32>,
}

fn params(side: usize, J: usize) -> Result<Scattering2dParams> {
    let params = Scattering2d::params([side, side], J).L(L).max_order(2);
    Ok(params.isa(Isa::from_env()?))
}

impl Case {
    fn new(side: usize, J: usize, threads: usize) -> Outcome<Self> {
        let plan = params(side, J)?.plan::<f32>()?;
        Ok(Self {
            image: noise_of_shape(&[side, side]),
            out: ArrayD::zeros(plan.output_shape(&[])),
            workspace: plan.workspace_for(threads),
            plan,
        })
    }

    fn run(&mut self) {
        let Self {
            plan,
            image,
            out,
            workspace,
        } = self;
        plan.transform_into(image, out, workspace)
            .expect("shapes fit");
    }

    fn pixels(&self) -> f64 {
        self.image.len() as f64
    }

    /// Σ_p 4^−level(p)
    fn weighted_paths(&self) -> f64 {
        let level = |row| match self.plan.paths().last_wavelet(row) {
            Some(wavelet) => self.plan.description().level(wavelet.j) as i32,
            None => 0,
        };
        let rows = 0..self.plan.paths().len();
        rows.map(|row| 0.25_f64.powi(level(row))).sum()
    }

    /// Samples of all moduli, and of the image.
    fn samples(&self) -> f64 {
        let [n0, n1] = self.plan.padded_shape();
        self.weighted_paths() * (n0 * n1) as f64
    }

    /// Nominal operations of the FFTs that the paths ask for.
    fn flops(&self) -> f64 {
        let ffts = Ffts::of_scattering(&self.plan);
        ffts.iter().map(Ffts::flops).sum()
    }

    fn row(&self, timing: &Timing, growth: f64) -> String {
        let [side, _] = self.plan.description().shape;
        let [padded, _] = self.plan.padded_shape();
        let J = self.plan.description().J;
        let paths = self.plan.paths().len();
        let (median, min) = (timing.median * 1e3, timing.min * 1e3);
        format!(
            "| {J} | {side}² | {padded}² | {} | {paths} | {:.2} | {:.2} | {median:.2} | {min:.2} | {:.1} | {growth:.2} |",
            factors(padded),
            self.weighted_paths(),
            self.flops() / 1e9,
            timing.median * 1e9 / self.pixels(),
        )
    }
}

const HEAD: &str = "\
| J | image | padded to | factors | paths | weighted paths | FFTs, nominal GFLOP | median ms | min ms | ns / pixel | growth |
| ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |";

/// `2^6·17`
fn factors(mut n: usize) -> String {
    let mut factors = Vec::new();
    let mut p = 2;
    while n > 1 {
        let mut power = 0;
        while n.is_multiple_of(p) {
            n /= p;
            power += 1;
        }
        match power {
            0 => {}
            1 => factors.push(p.to_string()),
            power => factors.push(format!("{p}^{power}")),
        }
        p += 1;
    }
    factors.join("·")
}

/// Runs all cases in turns, after a check of those up to `SIDE`: the same in double precision takes four times the memory.
fn measure(cases: &mut [Case], arguments: &Arguments) -> Outcome<Vec<Timing>> {
    for case in cases
        .iter()
        .filter(|case| case.pixels() <= (SIDE * SIDE) as f64)
    {
        let error = error_in_single(case.plan.description(), &case.plan, &case.image)?;
        let [side, _] = case.plan.description().shape;
        assert!(error < 3e-6, "{side}: relative error {error:e}");
    }
    let (time, turns) = match (arguments.test, arguments.quick) {
        (true, _) => (Duration::ZERO, 1),
        (false, true) => (Duration::from_secs(2), 3),
        (false, false) => (Duration::from_secs(10), 7),
    };
    cases.iter_mut().for_each(Case::run); // warm
    Ok(all_in_turns(time, turns, cases, Case::run))
}

fn draw(
    folder: &Path,
    by_side: &chart::Series,
    by_J: &chart::Series,
) -> wavelet_scattering::Result<()> {
    let title = "Time per pixel by the side of the image";
    let side = chart::lines(
        title,
        ["side in pixels", "ns per pixel"],
        by_side,
        [Scale::Log, Scale::Linear],
    )?;
    write_png(folder.join("growth-side.png"), &side)?;
    let title = format!("Time and work by J at {SIDE} x {SIDE}");
    let first = SCALES_AT_SIDE[0];
    let J = chart::lines(
        &title,
        ["J", &format!("times that at J = {first}")],
        by_J,
        [Scale::Linear, Scale::Log],
    )?;
    write_png(folder.join("growth-J.png"), &J)
}
