//! `scatter task`: competitors on one task of images or sounds, at several numbers of them to learn from, and a report of how they did.
//!
//! Every run is written to `results.json` as soon as it is done, and a run that is there already is not made again: what
//! was interrupted goes on where it stopped, and more competitors, sizes or seeds are added to what there is. Results of other
//! data, another version or other parameters are never mixed with new ones. Networks with convolutions, for `scatter compare
//! --model`, and those whose wavelets learn are saved beside the results.

mod report;
mod results;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use wavelet_scattering::Isa;
use wavelet_scattering::compare::{
    Competitor, Contest, FeatureCache, ImageScattering, Outcome, Representation, SoundScattering,
};
use wavelet_scattering::io::{DatasetOptions, Medium};
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

/// Competitors on images, if none are named.
const USUAL: [Competitor; 8] = [
    Competitor::LeNet5,
    Competitor::Mlp,
    Competitor::Cnn,
    Competitor::ScatteringPca,
    Competitor::ScatteringSvm,
    Competitor::ScatteringLinear,
    Competitor::Hybrid,
    Competitor::PixelsKnn,
];

/// Numbers of training images or sounds, if none are given, as far as there are as many.
const SIZES: [usize; 4] = [300, 1000, 2000, 4000];

/// Draws of every size, at most: the list of runs is made before the first one.
const MOST_SEEDS: u64 = 10_000;

/// The file of a network that was trained in a run.
fn model(folder: &Path, competitor: Competitor, size: usize, seed: u64) -> PathBuf {
    folder
        .join(MODELS)
        .join(format!("{competitor}-{size}-{seed}.safetensors"))
}

/// The digits that are compiled in, by their name, or a data set.
pub fn task_of(data: &Path, options: &DatasetOptions) -> Result<Task> {
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

    let task = task_of(&args.data, &args.options())?;
    let representation = representation(&args, &task)?;
    let settings = Settings::of(&task, &representation);
    let mut results = Results::open(folder, settings, args.fresh)?;
    let wanted = wanted(&args, &task, &representation)?;
    let noun = task.medium().noun();

    let cache = folder.join(CACHE);
    create_folder(&cache)?;
    let cache = FeatureCache::new(cache);
    let mut contest = Contest::new(&task, representation.clone(), cache);
    let progress = ProgressBar::new(wanted.len() as u64).with_style(ProgressStyle::with_template(
        "{bar:30} {pos}/{len} runs  {elapsed}  {msg}",
    )?);
    progress.enable_steady_tick(std::time::Duration::from_millis(200));
    for &(competitor, size, seed) in &wanted {
        progress.set_message(format!("{competitor}, {size} {noun}s, seed {seed}"));
        if !results.has(competitor, size, seed) {
            let Outcome { run, network } =
                contest.run(competitor, size, seed).with_context(|| {
                    format!("{competitor} on {size} {noun}s with seed {seed} failed")
                })?;
            if let Some(network) =
                network.filter(|_| competitor.convolves() || competitor.learns_wavelets())
            {
                create_folder(&folder.join(MODELS))?;
                network.save(model(folder, competitor, size, seed))?;
            }
            results.add(run)?;
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let rows = results.summary(&wanted);
    print!("{}", report::plain_table(noun, &rows));
    report::write(folder, &task, &representation, &rows)?;
    println!("{}", folder.join(report::PAGE).display());
    Ok(())
}

/// How images or sounds become features: what suits them, and what was asked for.
fn representation(args: &TaskArgs, task: &Task) -> Result<Representation> {
    let (medium, shape) = (task.medium(), task.train().images.shape());
    let shape = [shape[2], shape[3]];
    let of_others = match medium {
        Medium::Images => vec![("-Q", args.Q), ("-T", args.T)],
        Medium::Sounds { .. } => vec![("-L", args.L)],
    };
    for (option, given) in of_others {
        ensure!(
            given.is_none(),
            "{option} does not apply to {0}s, and {1} holds {0}s; leave it out",
            medium.noun(),
            task.name()
        );
    }
    let representation = match medium {
        Medium::Images => {
            let usual = ImageScattering::of(shape);
            Representation::Images(ImageScattering {
                J: args.J.unwrap_or(usual.J),
                L: args.L.unwrap_or(usual.L),
                ..usual
            })
        }
        Medium::Sounds { .. } => {
            let usual = match args.T {
                Some(T) => SoundScattering::averaged_over(T),
                None => SoundScattering::of(shape[1]),
            };
            Representation::Sounds(SoundScattering {
                J: args.J.unwrap_or(usual.J),
                Q: args.Q.unwrap_or(usual.Q),
                ..usual
            })
        }
    };
    representation.check(shape)?;
    Ok(representation)
}

/// What is to be run, in an order that shows all competitors early: by size, then seed, then competitor.
fn wanted(
    args: &TaskArgs,
    task: &Task,
    representation: &Representation,
) -> Result<Vec<(Competitor, usize, u64)>> {
    ensure!(
        args.seeds <= MOST_SEEDS,
        "--seeds {} is more than anyone waits for; use at most {MOST_SEEDS}",
        args.seeds
    );
    let all = task.train().len();
    let mut sizes = match args.train_sizes.as_slice() {
        [] if all < SIZES[0] => vec![all],
        [] => SIZES.into_iter().filter(|&size| size <= all).collect(),
        sizes => sizes.to_vec(),
    };
    sizes.sort_unstable();
    sizes.dedup();
    let named = match (args.competitors.as_slice(), task.medium()) {
        ([], Medium::Images) => USUAL.to_vec(),
        ([], sounds) => Competitor::of(sounds).collect(),
        (named, _) => named.to_vec(),
    };
    let mut competitors: Vec<Competitor> = Vec::new();
    for competitor in named {
        competitor.check(task, representation)?;
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
