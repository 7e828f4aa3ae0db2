//! `scatter compare`: a learned first layer beside wavelets, as a page, a summary, numbers and pictures.

mod inputs;
mod pictures;
mod report;
mod words;

use anyhow::{Context, Result, bail};
use wavelet_scattering::compare::{Comparison, ComparisonParams, Layer};
use wavelet_scattering::io;

use crate::args::CompareArgs;
use crate::outputs::{create_folder, text_file};
use inputs::{Source, crops, in_grey, read, train};
use pictures::Pictures;

/// The files of a report.
const FILES: [&str; 8] = [
    "index.html",
    "summary.md",
    "compare.json",
    "filters.png",
    "plane.png",
    "histograms.png",
    "explained.png",
    "pairs.png",
];

/// Where trained networks are kept within the report.
const MODEL: &str = "model.safetensors";

pub fn run(args: CompareArgs) -> Result<()> {
    // What cannot be read or asked for leaves no folder behind; training waits until the report has a place.
    let given = match &args.model {
        Some(model) => Some(read(model, args.tensor.as_deref(), args.axes)?),
        None => None,
    };
    let params = ComparisonParams {
        J: args.J,
        L: args.L,
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
    let files = FILES.map(|name| folder.join(name));
    let trained_here = args.train.iter().map(|_| folder.join(MODEL));
    let all: Vec<_> = files.iter().cloned().chain(trained_here).collect();
    super::check_destinations(&all, args.model.as_slice())?;
    let source = match (given, &args.train) {
        (Some(source), _) => source,
        (None, Some(data)) => train(data, &args)?,
        (None, None) => bail!("one of --model and --train is needed"),
    };
    let Source {
        name,
        lead,
        tensor,
        weights,
        axes,
        trained,
    } = source;
    let layer = Layer::new(weights.view()).with_context(|| {
        let order = axes
            .map(|axes| format!(", whose axes were taken for {axes}; --axes names another order"));
        format!("tensor `{tensor}` of {name}{}", order.unwrap_or_default())
    })?;
    let images = patches.or_else(|| trained.as_ref().map(|(_, task)| in_grey(task)));
    let comparison = Comparison::new(&layer, &params, images.as_ref().map(|images| images.view()))?;

    let [rows, columns] = layer.shape();
    let title = format!(
        "{name}: {} filters of {rows} x {columns} beside wavelets",
        layer.len()
    );
    let texts = words::paragraphs(&comparison);
    let pictures = Pictures::draw(&comparison)?;

    let [html, markdown, numbers, ..] = &files;
    let page = report::page(&title, &lead, &texts, &comparison, &pictures)?;
    let summary = report::summary(&title, &lead, &texts, &comparison);
    let all = report::as_json(&name, &tensor, weights.shape(), &params, &comparison);
    let mut staged = vec![
        text_file(html, &page)?,
        text_file(markdown, &summary)?,
        io::stage_json(numbers, &all)?,
    ];
    for (path, picture) in files[3..].iter().zip(pictures.all()) {
        staged.push(io::stage_png(path, picture)?);
    }
    if let Some((network, _)) = &trained {
        staged.push(network.stage(folder.join(MODEL))?);
    }
    io::commit_all(staged)?;

    println!("{title}");
    for text in &texts {
        println!("\n{text}");
    }
    println!("\n{}", files[0].display());
    Ok(())
}
