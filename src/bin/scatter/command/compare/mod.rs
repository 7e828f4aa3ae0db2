//! `scatter compare`: a learned first layer beside wavelets, as a page, a summary, numbers and pictures.

mod words;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use maud::html;
use ndarray::{Array2, Array3, Array4, ArrayView2, Axis};
use serde_json::{Value, json};
use wavelet_scattering::compare::{
    Comparison, ComparisonParams, Coverage, GaborFit, Histogram, Layer, quantile, superiority,
};
use wavelet_scattering::io::{self, ImageOptions, Staged};
use wavelet_scattering::learn::{
    Architecture, FirstLayer, Network, Task, TrainingParams, error_rate,
};
use wavelet_scattering::raster::Raster;
use wavelet_scattering::viz::learned::{self, Bank, Bars, Pair};
use wavelet_scattering::viz::{chart, color};

use crate::args::CompareArgs;
use crate::page;

/// Pairs that the picture shows, the best ones.
const PAIRS: usize = 42;

/// Side that images for principal components are cropped to; whatever is smaller is refused.
const CROP: usize = 128;

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

/// A first layer, and what it was learned from if that was here.
struct Source {
    name: String,
    lead: String,
    tensor: String,
    weights: Array4<f32>,
    trained: Option<(Network, Task)>,
}

pub fn run(args: CompareArgs) -> Result<()> {
    // A file that cannot be read leaves no folder behind; training waits until the report has a place.
    let given = match &args.model {
        Some(model) => Some(read(model, args.tensor.as_deref())?),
        None => None,
    };
    let folder = &args.output;
    if !folder.is_dir() {
        fs::create_dir(folder).with_context(|| {
            format!(
                "cannot create the folder {}; its parent must exist",
                folder.display()
            )
        })?;
    }
    let files = FILES.map(|name| folder.join(name));
    super::check_destinations(&files, args.model.as_slice())?;
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
        trained,
    } = source;
    let layer =
        Layer::new(weights.view()).with_context(|| format!("tensor `{tensor}` of {name}"))?;
    if let Some((network, _)) = &trained {
        network.save(folder.join(MODEL))?;
    }

    let params = ComparisonParams {
        J: args.J,
        L: args.L,
        random: args.random,
        seed: args.seed,
    };
    let images = match &trained {
        _ if !args.images.is_empty() => Some(crops(&args.images)?),
        Some((_, task)) => Some(in_grey(task)),
        None => None,
    };
    let comparison = Comparison::new(&layer, &params, images.as_ref().map(|images| images.view()))?;

    let [rows, columns] = layer.shape();
    let title = format!(
        "{name}: {} filters of {rows} x {columns} beside wavelets",
        layer.len()
    );
    let texts = words::paragraphs(&comparison);
    let pictures = Pictures::draw(&comparison)?;

    let [html, markdown, numbers, ..] = &files;
    let mut staged = vec![
        text_file(
            html,
            &report(&title, &lead, &texts, &comparison, &pictures)?,
        )?,
        text_file(markdown, &summary(&title, &lead, &texts, &comparison))?,
        io::stage_json(
            numbers,
            &as_json(&name, &tensor, weights.shape(), &params, &comparison),
        )?,
    ];
    for (path, picture) in files[3..].iter().zip(pictures.all()) {
        staged.push(io::stage_png(path, picture)?);
    }
    io::commit_all(staged)?;

    println!("{title}");
    for text in &texts {
        println!("\n{text}");
    }
    println!("\n{}", files[0].display());
    Ok(())
}

/// Weights from a file.
fn read(model: &Path, tensor: Option<&str>) -> Result<Source> {
    ensure!(
        model.extension().is_some_and(|end| end == "safetensors"),
        "{} must end in .safetensors: what `scatter` saves ends so, and other programs can save that too (burn no longer \
         writes .mpk)",
        model.display()
    );
    let (tensor, weights) = io::read_weights(model, tensor)?;
    let name = model.file_name().unwrap_or_default();
    Ok(Source {
        name: name.to_string_lossy().into(),
        lead: format!(
            "Tensor {tensor}, {:?}: a first layer in the words of wavelet theory.",
            weights.shape()
        ),
        tensor,
        weights,
        trained: None,
    })
}

/// Trains a small network whose first layer is worth a look.
fn train(data: &Path, args: &CompareArgs) -> Result<Source> {
    let task = super::task::task_of(data)?;
    let architecture = Architecture::Cnn {
        first: FirstLayer::learned(args.filters, args.side),
    };
    let recommended = TrainingParams::recommended(&architecture, task.train().len());
    let params = TrainingParams {
        seed: args.seed,
        epochs: args.epochs.unwrap_or(recommended.epochs),
        // Whoever asks for epochs wants them.
        patience: args.epochs.unwrap_or(recommended.patience),
        weight_decay: args.weight_decay,
        ..recommended
    };
    let progress = ProgressBar::new(params.epochs as u64).with_style(ProgressStyle::with_template(
        "{bar:30} epoch {pos}/{len}, {msg}, {eta} left",
    )?);
    let network = Network::train(&architecture, task.train(), &params, &mut |report| {
        progress.set_message(format!("loss {:.3}", report.loss));
        progress.set_position(report.epoch as u64);
    })?;
    progress.finish_and_clear();
    let weights = network
        .first_layer()
        .context("a convolutional network has a first layer")?;
    let predicted = network.predict(&task.test().images)?;
    let error = error_rate(&predicted, &task.test().labels)?;
    Ok(Source {
        name: task.name().to_string(),
        lead: format!(
            "The first layer of a small convolutional network trained on the {} training images of {}, seed {}; its error on \
             the test images is {:.1} %.",
            task.train().len(),
            task.name(),
            args.seed,
            100.0 * error
        ),
        tensor: "first layer".to_string(),
        weights,
        trained: Some((network, task)),
    })
}

/// The training images, means over their channels; the first thousand, which is plenty for patches of a few pixels.
fn in_grey(task: &Task) -> Array3<f32> {
    const MOST: usize = 1000;
    let images = &task.train().images;
    let count = images.shape()[0].min(MOST);
    let some = images.slice(ndarray::s![..count, .., .., ..]);
    let channels = some.shape()[1] as f32;
    some.sum_axis(Axis(1)) / channels
}

/// The middle of every image, all of one size, in grey.
fn crops(inputs: &[std::path::PathBuf]) -> Result<Array3<f32>> {
    let paths = io::list_images(inputs)?;
    ensure!(
        !paths.is_empty(),
        "there are no images to take patches from"
    );
    let mut stack = Array3::zeros([paths.len(), CROP, CROP]);
    for (path, mut to) in paths.iter().zip(stack.outer_iter_mut()) {
        let image =
            io::read_image::<f32>(path, &ImageOptions::default())?.index_axis_move(Axis(0), 0);
        let (rows, columns) = image.dim();
        ensure!(
            rows >= CROP && columns >= CROP,
            "{} has {rows} x {columns} pixels; patches are taken from images of at least {CROP} x {CROP}",
            path.display()
        );
        let [top, left] = [(rows - CROP) / 2, (columns - CROP) / 2];
        to.assign(&image.slice(ndarray::s![top..top + CROP, left..left + CROP]));
    }
    Ok(stack)
}

fn text_file(path: &Path, text: &str) -> Result<Staged> {
    let mut file = Staged::create(path)?;
    file.write_all(text.as_bytes())
        .map_err(|source| file.write_error(source))?;
    Ok(file)
}

// ---------------------------------------------------------------------------------------------------- pictures

struct Pictures {
    filters: Raster,
    plane: Raster,
    histograms: Raster,
    explained: Raster,
    pairs: Raster,
}

impl Pictures {
    fn draw(comparison: &Comparison) -> Result<Self> {
        let bank = &comparison.bank;
        let kernels: Vec<Array2<f64>> = comparison
            .filters
            .iter()
            .map(|f| f.kernel.clone())
            .collect();
        let wave_ink = |fit: &GaborFit| {
            if fit.oscillation() >= 1.0 {
                color::item(1, 7)
            } else {
                [160; 3]
            }
        };
        let centers = |fit: &GaborFit| {
            let (sin, cos) = fit.gabor.theta.sin_cos();
            ([fit.gabor.xi * cos, fit.gabor.xi * sin], wave_ink(fit))
        };
        let learned = Bank {
            title: format!("{} learned filters", kernels.len()),
            kernels: &kernels,
            moduli: &comparison.moduli,
            sum: &comparison.coverage.sum,
            bounds: comparison.coverage.bounds,
            centers: comparison.fits().map(centers).collect(),
        };

        let shape = [kernels[0].nrows(), kernels[0].ncols()];
        let in_space: Vec<Array2<f64>> = bank
            .wavelets()
            .iter()
            .map(|wavelet| {
                centred(
                    bank.psi_in_space(wavelet.j, wavelet.l)
                        .mapv(|psi| psi.re)
                        .view(),
                    shape,
                )
            })
            .collect();
        let moduli: Vec<Array2<f64>> = bank
            .wavelets()
            .iter()
            .filter_map(|wavelet| bank.psi(wavelet.j, wavelet.l).to_array(0))
            .map(|psi_hat: Array2<f64>| psi_hat.mapv(f64::abs))
            .collect();
        let sum = bank.littlewood_paley(0).context("a bank has a level 0")?;
        let wavelets = Bank {
            title: format!(
                "{} Morlets, J = {}, L = {}",
                in_space.len(),
                bank.J(),
                bank.L()
            ),
            kernels: &in_space,
            moduli: &moduli,
            sum: &sum,
            bounds: comparison.bank_bounds,
            centers: bank
                .wavelets()
                .iter()
                .map(|w| {
                    (
                        [w.xi * w.theta.cos(), w.xi * w.theta.sin()],
                        color::item(1, 7),
                    )
                })
                .collect(),
        };
        Ok(Self {
            filters: learned::side_by_side(&learned, &wavelets)?,
            plane: learned::plane(&learned, &wavelets)?,
            histograms: histograms(comparison)?,
            explained: explained(comparison)?,
            pairs: pairs(comparison)?,
        })
    }

    fn all(&self) -> [&Raster; 5] {
        [
            &self.filters,
            &self.plane,
            &self.histograms,
            &self.explained,
            &self.pairs,
        ]
    }
}

/// The samples around the origin of a periodic array, as many as a kernel has.
fn centred(psi: ArrayView2<f64>, [rows, columns]: [usize; 2]) -> Array2<f64> {
    let (n0, n1) = psi.dim();
    Array2::from_shape_fn([rows, columns], |(i, k)| {
        psi[[(i + n0 - rows / 2) % n0, (k + n1 - columns / 2) % n1]]
    })
}

fn histograms(comparison: &Comparison) -> Result<Raster> {
    let bank = &comparison.bank;
    let theta = Histogram::of_theta(comparison.waves(), bank.L());
    let xi = bank.description().mother.xi;
    let log2_xi = Histogram::of_log2_xi(comparison.waves(), xi, bank.J());
    let caption = format!(
        "The {} filters that are waves (ξ ≥ σ and at least half of their energy explained). Lines: the wavelets' grid.",
        comparison.waves().count()
    );
    let bars = [
        Bars {
            title: "Orientation".into(),
            axis: "θ (degrees, from axis 0 toward axis 1)".into(),
            edges: theta.edges,
            counts: theta.counts,
            marks: (0..bank.L())
                .map(|l| 180.0 * l as f64 / bank.L() as f64)
                .collect(),
        },
        Bars {
            title: "Frequency".into(),
            axis: "log2 ξ (ξ in cycles per pixel)".into(),
            edges: log2_xi.edges,
            counts: log2_xi.counts,
            marks: (0..bank.J()).map(|j| xi.log2() - j as f64).collect(),
        },
    ];
    Ok(learned::histograms(&caption, &bars)?)
}

/// Explained energy by rank, learned filters beside the references.
fn explained(comparison: &Comparison) -> Result<Raster> {
    let own = comparison.explained();
    let all = std::iter::once(("learned filters", &own))
        .chain(comparison.references.iter().map(|r| (r.name, &r.explained)));
    let series: Vec<_> = all
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| {
            let curve = (0..=50).filter_map(|i| {
                let q = f64::from(i) / 50.0;
                Some((100.0 * q, 100.0 * quantile(values, q)?))
            });
            (name.to_string(), curve.collect())
        })
        .collect();
    Ok(chart::lines(
        "Energy that the nearest Gabor explains",
        [
            "share of the filters that have less (%)",
            "explained energy (%)",
        ],
        &series,
        [chart::Scale::Linear; 2],
    )?)
}

fn pairs(comparison: &Comparison) -> Result<Raster> {
    let mut found: Vec<_> = comparison
        .filters
        .iter()
        .enumerate()
        .filter_map(|(index, filter)| Some((index, filter, filter.nearest.as_ref()?)))
        .collect();
    found.sort_by(|a, b| b.2.correlation.total_cmp(&a.2.correlation));
    let total = found.len();
    found.truncate(PAIRS);
    let shown: Vec<_> = found
        .iter()
        .map(|(index, filter, nearest)| Pair {
            kernel: &filter.kernel,
            wavelet: &nearest.kernel,
            label: vec![
                format!("{index}: r = {:.2}", nearest.correlation),
                format!(
                    "j = {}, θ = {:.0}°",
                    nearest.wavelet.j,
                    nearest.wavelet.theta.to_degrees()
                ),
            ],
        })
        .collect();
    let caption = format!(
        "Left: the learned kernel, with its number; right: the Morlet that correlates best with it, at the best position \
         and phase. The best {} of {total}.",
        shown.len()
    );
    Ok(learned::pairs(
        "Learned filters and their nearest wavelets",
        &caption,
        &shown,
    )?)
}

// ---------------------------------------------------------------------------------------------------- the report

fn report(
    title: &str,
    lead: &str,
    texts: &[String],
    comparison: &Comparison,
    pictures: &Pictures,
) -> Result<String> {
    let body = html! {
        (page::section("What the numbers show", &page::paragraphs(texts)))
        (page::section("The filters", &html! {
            (page::figure(&pictures.filters, "Learned filters and Morlets in space and frequency, with Littlewood-Paley sums", "")?)
            (page::figure(&pictures.plane, "Half-height contours and centre frequencies in the frequency plane",
                "Grey dots: fits that are blobs rather than waves.")?)
        }))
        (page::section("How like a Gabor", &html! {
            (page::table(&["", "filters", "lower quartile", "median", "upper quartile", "learned is better"], &explained_rows(comparison)))
            (page::figure(&pictures.explained, "Explained energy against rank", "Every curve sorted; Fourier filters have no envelope, which a wide Gabor imitates.")?)
            (page::figure(&pictures.histograms, "Histograms of orientation and frequency", "")?)
        }))
        (page::section("The nearest wavelets", &html! {
            (page::figure(&pictures.pairs, "Pairs of a learned filter and its nearest Morlet", "")?)
        }))
        (page::section("Every filter", &page::details("table", &page::table(&FILTER_COLUMNS, &filter_rows(comparison)))))
    };
    Ok(page::page(title, lead, &body))
}

fn explained_rows(comparison: &Comparison) -> Vec<Vec<String>> {
    let own = comparison.explained();
    let row = |name: &str, values: &[f64], chance: String| {
        let at = |q| quantile(values, q).map_or("-".to_string(), |v| format!("{:.1} %", 100.0 * v));
        vec![
            name.to_string(),
            values.len().to_string(),
            at(0.25),
            at(0.5),
            at(0.75),
            chance,
        ]
    };
    let mut rows = vec![row("learned filters", &own, String::new())];
    for reference in &comparison.references {
        let chance = superiority(&own, &reference.explained)
            .map_or("-".to_string(), |p| format!("{:.0} % of pairs", 100.0 * p));
        rows.push(row(reference.name, &reference.explained, chance));
    }
    rows
}

const FILTER_COLUMNS: [&str; 11] = [
    "filter",
    "part",
    "energy",
    "explained",
    "θ (°)",
    "ξ",
    "σ",
    "slant",
    "phase (°)",
    "r",
    "nearest",
];

fn filter_rows(comparison: &Comparison) -> Vec<Vec<String>> {
    let rows = comparison
        .filters
        .iter()
        .enumerate()
        .map(|(index, filter)| {
            let share = filter.shares.iter().copied().fold(0.0, f64::max);
            let mut row = vec![
                index.to_string(),
                filter.part.name().to_string(),
                format!("{:.0} %", 100.0 * share),
            ];
            match &filter.fit {
                Some(fit) => row.extend([
                    format!("{:.1} %", 100.0 * fit.explained),
                    format!("{:.0}", fit.gabor.theta.to_degrees()),
                    format!("{:.3}", fit.gabor.xi),
                    format!("{:.3}", fit.gabor.sigma),
                    format!("{:.2}", fit.gabor.slant),
                    format!("{:.0}", fit.phase.to_degrees()),
                ]),
                None => row.extend(std::iter::repeat_n("-".to_string(), 6)),
            }
            match &filter.nearest {
                Some(found) => row.extend([
                    format!("{:.2}", found.correlation),
                    format!("j = {}, l = {}", found.wavelet.j, found.wavelet.l),
                ]),
                None => row.extend(["-".to_string(), "-".to_string()]),
            }
            row
        });
    rows.collect()
}

fn summary(title: &str, lead: &str, texts: &[String], comparison: &Comparison) -> String {
    let mut text = format!("# {title}\n\n{lead}\n");
    for paragraph in texts {
        let _ = write!(text, "\n{paragraph}\n");
    }
    text += "\n| energy explained by a Gabor | filters | lower quartile | median | upper quartile | learned is better |\n";
    text += "| --- | ---: | ---: | ---: | ---: | ---: |\n";
    for row in explained_rows(comparison) {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text += "\n![filters](filters.png)\n![frequency plane](plane.png)\n![explained energy](explained.png)\n\
             ![histograms](histograms.png)\n![nearest wavelets](pairs.png)\n";
    text
}

fn as_json(
    model: &str,
    tensor: &str,
    shape: &[usize],
    params: &ComparisonParams,
    comparison: &Comparison,
) -> Value {
    let Coverage { bounds, .. } = &comparison.coverage;
    let filters: Vec<Value> = comparison
        .filters
        .iter()
        .map(|filter| {
            json!({
                "part": filter.part.name(),
                "shares": filter.shares,
                "fit": filter.fit.map(|fit| json!({
                    "theta": fit.gabor.theta,
                    "xi": fit.gabor.xi,
                    "sigma": fit.gabor.sigma,
                    "slant": fit.gabor.slant,
                    "phase": fit.phase,
                    "amplitude": fit.amplitude,
                    "center": fit.center,
                    "explained": fit.explained,
                })),
                "nearest": filter.nearest.as_ref().map(|found| json!({
                    "lambda": found.lambda,
                    "j": found.wavelet.j,
                    "l": found.wavelet.l,
                    "theta": found.wavelet.theta,
                    "xi": found.wavelet.xi,
                    "correlation": found.correlation,
                    "center": found.center,
                    "phase": found.phase,
                })),
            })
        })
        .collect();
    let references: Vec<Value> = comparison
        .references
        .iter()
        .map(|reference| {
            json!({
                "name": reference.name,
                "explained": reference.explained,
                "correlations": reference.correlations,
            })
        })
        .collect();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "model": model,
        "tensor": tensor,
        "shape": shape,
        "J": comparison.bank.J(),
        "L": comparison.bank.L(),
        "seed": params.seed,
        "median_explained": quantile(&comparison.explained(), 0.5),
        "frame_bounds": { "A": bounds.lower, "B": bounds.upper, "covered": comparison.coverage.covered() },
        "wavelet_frame_bounds": { "A": comparison.bank_bounds.lower, "B": comparison.bank_bounds.upper },
        "filters": filters,
        "references": references,
    })
}
