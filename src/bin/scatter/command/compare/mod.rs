//! `scatter compare`: a learned first layer beside wavelets, as a page, a summary, numbers and pictures.
//!
//! A layer of kernels with four axes is one for images, of three one for [`signals`].

mod inputs;
mod pictures;
mod report;
mod signals;
mod words;

use anyhow::{Context, Result, bail, ensure};
use ndarray::Ix4;
use serde_json::Value;
use wavelet_scattering::compare::{Comparison, ComparisonParams, Layer};
use wavelet_scattering::io;
use wavelet_scattering::raster::Raster;

use crate::args::CompareArgs;
use crate::outputs::{create_folder, text_file};
use inputs::{Source, crops, in_grey, read, train};
use pictures::Pictures;

/// The files of a report beside its pictures.
const FILES: [&str; 3] = ["index.html", "summary.md", "compare.json"];

/// Where trained networks are kept within the report.
const MODEL: &str = "model.safetensors";

/// What is said about a layer.
struct Report {
    title: String,
    texts: Vec<String>,
    page: String,
    summary: String,
    numbers: Value,
    pictures: Vec<Raster>,
}

pub fn run(args: CompareArgs) -> Result<()> {
    // What cannot be read or asked for leaves no folder behind; training waits until the report has a place.
    let given = match &args.model {
        Some(model) => Some(read(model, args.tensor.as_deref(), args.axes)?),
        None => None,
    };
    let of_signals = given
        .as_ref()
        .is_some_and(|source| source.weights.ndim() == 3);
    check_options(&args, of_signals)?;
    let params = ComparisonParams {
        J: args.J,
        L: args.L.unwrap_or(ComparisonParams::default().L),
        random: args.random,
        seed: args.seed,
    };
    if given.is_none() {
        params.check([args.side; 2])?;
    }
    let patches = match args.images.as_slice() {
        [] => None,
        images => Some(crops(images, &args.reading.options())?),
    };
    let folder = &args.output;
    create_folder(folder)?;
    let pictures: &[&str] = match of_signals {
        true => &signals::PICTURES,
        false => &pictures::FILES,
    };
    let names = FILES.iter().chain(pictures);
    let files: Vec<_> = names.map(|name| folder.join(name)).collect();
    let trained_here = args.train.iter().map(|_| folder.join(MODEL));
    let all: Vec<_> = files.iter().cloned().chain(trained_here).collect();
    super::check_destinations(&all, args.model.as_slice())?;
    let source = match (given, &args.train) {
        (Some(source), _) => source,
        (None, Some(data)) => train(data, &args)?,
        (None, None) => bail!("one of --model and --train is needed"),
    };
    let report = match of_signals {
        true => signals::report(&source, &args)?,
        false => {
            let trained = source.trained.as_ref();
            let images = patches.or_else(|| trained.map(|(_, task)| in_grey(task)));
            let layer = source.weights.view().into_dimensionality::<Ix4>()?;
            let layer = Layer::new(layer).with_context(|| in_what_order(&source))?;
            let images = images.as_ref().map(|images| images.view());
            let comparison = Comparison::new(&layer, &params, images)?;
            report_on_images(&source, &layer, &params, &comparison)?
        }
    };

    let mut staged = vec![
        text_file(&files[0], &report.page)?,
        text_file(&files[1], &report.summary)?,
        io::stage_json(&files[2], &report.numbers)?,
    ];
    for (path, picture) in files[FILES.len()..].iter().zip(&report.pictures) {
        staged.push(io::stage_png(path, picture)?);
    }
    if let Some((network, _)) = &source.trained {
        staged.push(network.stage(folder.join(MODEL))?);
    }
    io::commit_all(staged)?;

    println!("{}", report.title);
    for text in &report.texts {
        println!("\n{text}");
    }
    println!("\n{}", files[0].display());
    Ok(())
}

/// Refuses what means nothing for a layer of this kind.
fn check_options(args: &CompareArgs, of_signals: bool) -> Result<()> {
    let (kind, foreign) = match of_signals {
        true => (
            "signals",
            [
                ("-L", args.L.is_some()),
                ("--images", !args.images.is_empty()),
            ],
        ),
        false => (
            "images",
            [("-Q", args.Q.is_some()), ("--rate", args.rate.is_some())],
        ),
    };
    for (option, given) in foreign {
        ensure!(
            !given,
            "{option} says nothing about a layer for {kind}, which this is by the number of its axes; leave it out"
        );
    }
    Ok(())
}

/// Which tensor it was that cannot be a layer, and how it was read.
fn in_what_order(source: &Source) -> String {
    let order = source
        .axes
        .map(|axes| format!(", whose axes were taken for {axes}; --axes names another order"));
    format!(
        "tensor `{}` of {}{}",
        source.tensor,
        source.name,
        order.unwrap_or_default()
    )
}

fn report_on_images(
    source: &Source,
    layer: &Layer,
    params: &ComparisonParams,
    comparison: &Comparison,
) -> Result<Report> {
    let [rows, columns] = layer.shape();
    let title = format!(
        "{}: {} filters of {rows} x {columns} beside wavelets",
        source.name,
        layer.len()
    );
    let texts = words::paragraphs(comparison);
    let pictures = Pictures::draw(comparison)?;
    let explained = comparison.explained();
    let table = report::explained_in_markdown(&explained, &comparison.references);
    Ok(Report {
        page: report::page(&title, &source.lead, &texts, comparison, &pictures)?,
        summary: report::summary(&title, &source.lead, &texts, &table, &pictures::FILES),
        numbers: report::as_json(
            &source.name,
            &source.tensor,
            source.weights.shape(),
            params,
            comparison,
        ),
        pictures: pictures.all(),
        title,
        texts,
    })
}
