//! `scatter task`: competitors on one task, at several numbers of training images, and a report of how they did.
//!
//! Every run is written to `results.json` as soon as it is done, and a run that is there already is not made again: what
//! was interrupted goes on where it stopped, and more competitors, sizes or seeds are added to what there is. Results of other
//! data, another version or other parameters are never mixed with new ones. Networks with convolutions are saved beside
//! the results, for `scatter compare --model`.

mod report;
mod results;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use wavelet_scattering::Isa;
use wavelet_scattering::compare::{Competitor, Contest, FeatureCache, Outcome, Representation};
use wavelet_scattering::io::ImageOptions;
use wavelet_scattering::learn::Task;

use super::reading;
use crate::args::TaskArgs;
use crate::interrupt;
use crate::outputs::create_folder;
use results::{Results, Settings};

/// The name of the digits that are compiled in.
const SUBSET: &str = "mnist-subset";

/// Where features are kept, within the folder of the report.
const CACHE: &str = "cache";

/// Where networks with filters to look at are kept, within the folder of the report.
const MODELS: &str = "models";

/// Draws of every size, at most: the list of runs is made before the first one.
const MOST_SEEDS: u64 = 10_000;

/// The file of a network that was trained in a run.
fn model(folder: &Path, competitor: Competitor, size: usize, seed: u64) -> PathBuf {
    folder
        .join(MODELS)
        .join(format!("{competitor}-{size}-{seed}.safetensors"))
}

/// The digits that are compiled in, by their name, or a data set.
pub fn task_of(data: &Path, options: &ImageOptions) -> Result<Task> {
    Ok(if data.as_os_str() == SUBSET {
        Task::mnist_subset()
    } else {
        Task::of(reading::dataset(data, options)?)?
    })
}

pub fn run(args: TaskArgs) -> Result<()> {
    let isa = Isa::from_env()?;
    ensure!(
        isa.is_none_or(|isa| isa == Isa::best()),
        "a task runs on the best instruction set of this machine, {}; leave {} unset",
        Isa::best(),
        Isa::VARIABLE
    );
    let folder = &args.output;
    create_folder(folder)?;
    super::check_destinations(&report::FILES.map(|name| folder.join(name)), &[])?;
    interrupt::leaves(format!(
        "the runs so far are in {}, and the same command goes on from there",
        folder.join(results::FILE).display(),
    ));

    let task = task_of(&args.data, &args.reading.options())?;
    let shape = task.train().images.shape();
    let mut representation = Representation::for_images([shape[2], shape[3]]);
    representation.J = args.J.unwrap_or(representation.J);
    representation.L = args.L.unwrap_or(representation.L);
    representation.check([shape[2], shape[3]])?;
    let settings = Settings::of(&task, &representation);
    let mut results = Results::open(folder, settings, args.fresh)?;
    let wanted = wanted(&args, &task)?;

    let cache = folder.join(CACHE);
    create_folder(&cache)?;
    let cache = FeatureCache::new(cache);
    let mut contest = Contest::new(&task, representation.clone(), cache);
    let progress = ProgressBar::new(wanted.len() as u64).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} runs  {elapsed}  {msg}",
    )?);
    progress.enable_steady_tick(std::time::Duration::from_millis(200));
    for &(competitor, size, seed) in &wanted {
        progress.set_message(format!("{competitor}, {size} images, seed {seed}"));
        if !results.has(competitor, size, seed) {
            let Outcome { run, network } =
                contest.run(competitor, size, seed).with_context(|| {
                    format!("{competitor} on {size} images with seed {seed} failed")
                })?;
            if let Some(network) = network.filter(|_| competitor.convolves()) {
                create_folder(&folder.join(MODELS))?;
                network.save(model(folder, competitor, size, seed))?;
            }
            results.add(run)?;
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let rows = results.summary(&wanted);
    print!("{}", report::plain_table(&rows));
    report::write(folder, &task, &representation, &results, &rows)?;
    println!("{}", folder.join(report::PAGE).display());
    Ok(())
}

/// What is to be run, in an order that shows all competitors early: by size, then seed, then competitor.
fn wanted(args: &TaskArgs, task: &Task) -> Result<Vec<(Competitor, usize, u64)>> {
    ensure!(
        args.seeds <= MOST_SEEDS,
        "--seeds {} is more than anyone waits for; use at most {MOST_SEEDS}",
        args.seeds
    );
    let mut sizes = args.train_sizes.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let mut competitors: Vec<Competitor> = Vec::new();
    for &competitor in &args.competitors {
        if !competitors.contains(&competitor) {
            competitors.push(competitor);
        }
    }
    let mut wanted = Vec::new();
    for &size in &sizes {
        // Asks for it now, not when the smaller ones have been computed.
        task.draw(size, 0)?;
        for seed in 0..args.seeds {
            wanted.extend(
                competitors
                    .iter()
                    .map(|&competitor| (competitor, size, seed)),
            );
        }
    }
    Ok(wanted)
}
