//! Results as a table for the terminal, `results.csv`, `learning-curve.png` and one page of HTML.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use maud::{Markup, html};
use wavelet_scattering::compare::{Layer, Representation, Run};
use wavelet_scattering::filters::{FilterBank1d, FilterBank2d};
use wavelet_scattering::io::{self, Medium, Staged, commit_all};
use wavelet_scattering::learn::{Network, Task};
use wavelet_scattering::raster::Raster;
use wavelet_scattering::viz::filter_bank::{Show, sheet};
use wavelet_scattering::viz::{chart, filter_bank_1d, learned, wavelets as moves};

use super::results::{FILE, Row};
use crate::outputs::text_file;
use crate::page;

pub const PAGE: &str = "index.html";
const TABLE: &str = "results.csv";
const CURVE: &str = "learning-curve.png";

/// All files of a report, but for the networks.
pub const FILES: [&str; 4] = [FILE, TABLE, CURVE, PAGE];

/// What a table says of a row, as text: the header and a function from rows to cells that agree.
fn header(noun: &str) -> [String; 7] {
    [
        "competitor".to_string(),
        format!("training {noun}s"),
        "test error (%)".to_string(),
        "validation error (%)".to_string(),
        "training (s)".to_string(),
        format!("test (ms/{noun})"),
        "parameters".to_string(),
    ]
}

fn cells(row: &Row) -> [String; 7] {
    let tested: usize = row.runs[0].confusion.iter().flatten().sum();
    let spread = |(mean, deviation): (f64, Option<f64>), digits: usize| match deviation {
        Some(deviation) => format!("{mean:.digits$} ± {deviation:.digits$}"),
        None => format!("{mean:.digits$}"),
    };
    let (parameters, _) = row.over_seeds(|run| run.parameters as f64);
    [
        row.competitor.to_string(),
        row.size.to_string(),
        spread(row.over_seeds(|run| 100.0 * run.error), 2),
        // Some networks had too few to hold any back.
        if row.runs.iter().all(|run| run.validation_error.is_some()) {
            let percent = |run: &Run| 100.0 * run.validation_error.unwrap_or_default();
            spread(row.over_seeds(percent), 2)
        } else {
            "-".to_string()
        },
        spread(row.over_seeds(|run| run.train_seconds), 2),
        spread(
            row.over_seeds(|run| 1e3 * run.test_seconds / tested as f64),
            3,
        ),
        format!("{parameters:.0}"),
    ]
}

/// The table with aligned columns.
pub fn plain_table(noun: &str, rows: &[Row]) -> String {
    let table: Vec<[String; 7]> = std::iter::once(header(noun))
        .chain(rows.iter().map(cells))
        .collect();
    let widths: [usize; 7] = std::array::from_fn(|column| {
        let lengths = table.iter().map(|row| row[column].chars().count());
        lengths.max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in &table {
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            // Writing to a string does not fail.
            let _ = match column {
                0 => write!(text, "{cell:<width$}"),
                _ => write!(text, "  {cell:>width$}"),
            };
        }
        text.push('\n');
    }
    text
}

/// Writes everything but the results themselves, which are there already.
pub fn write(
    folder: &Path,
    task: &Task,
    representation: &Representation,
    rows: &[Row],
) -> Result<()> {
    let curve = learning_curve(task, rows)?;
    let wavelets = wavelets(task, representation)?;
    let learned = first_filters(folder, rows)?;
    let moved = moved_wavelets(folder, rows)?;
    let text = page(
        task,
        representation,
        rows,
        &curve,
        &learned,
        &moved,
        &wavelets,
    )?;
    commit_all([
        table_file(folder, rows)?,
        io::stage_png(folder.join(CURVE), &curve)?,
        text_file(folder.join(PAGE), &text)?,
    ])?;
    Ok(())
}

/// `results.csv`: one line a run, numbers in full.
fn table_file(folder: &Path, rows: &[Row]) -> Result<Staged> {
    let header = [
        "competitor",
        "train_size",
        "seed",
        "error",
        "validation_error",
        "chosen",
        "parameters",
        "train_seconds",
        "test_seconds",
    ];
    let lines = rows.iter().flat_map(|row| &row.runs).map(|run| {
        [
            run.competitor.clone(),
            run.train_size.to_string(),
            run.seed.to_string(),
            run.error.to_string(),
            run.validation_error
                .map_or(String::new(), |error| error.to_string()),
            run.chosen.clone(),
            run.parameters.to_string(),
            run.train_seconds.to_string(),
            run.test_seconds.to_string(),
        ]
    });
    Ok(io::stage_csv(
        folder.join(TABLE),
        &header.map(String::from),
        lines,
    )?)
}

/// Test error against the number of training images, both logarithmic.
fn learning_curve(task: &Task, rows: &[Row]) -> Result<Raster> {
    // A competitor without an error has no place on a logarithmic axis: it stands where half an error would be.
    let least = 50.0 / task.test().len() as f64;
    let mut series: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for row in rows {
        let (error, _) = row.over_seeds(|run| 100.0 * run.error);
        let point = (row.size as f64, error.max(least));
        match series
            .iter_mut()
            .find(|(name, _)| name == row.competitor.name())
        {
            Some((_, points)) => points.push(point),
            None => series.push((row.competitor.to_string(), vec![point])),
        }
    }
    let title = format!("Error on {}", task.name());
    Ok(chart::lines(
        &title,
        [
            &format!("training {}s", task.medium().noun()),
            "test error (%)",
        ],
        &series,
        [chart::Scale::Log; 2],
    )?)
}

/// The wavelets of the representation: of images in space, on their grid; of sounds over frequency.
fn wavelets(task: &Task, representation: &Representation) -> Result<Raster> {
    let shape = task.train().images.shape();
    Ok(match representation {
        Representation::Images(images) => {
            let grid = images.grid([shape[2], shape[3]])?;
            let bank = FilterBank2d::params(grid, images.J).L(images.L);
            sheet(&bank.build::<f64>()?, Show::Space)?
        }
        Representation::Sounds(sounds) => {
            let bank = FilterBank1d::params(shape[3], sounds.J).Q(sounds.Q);
            filter_bank_1d::sheet(&bank.T(sounds.T as f64), filter_bank_1d::Show::Fourier)?
        }
    })
}

/// Where wavelets that learn went, in every run of theirs.
fn moved_wavelets(folder: &Path, rows: &[Row]) -> Result<Vec<(String, Raster)>> {
    let mut pictures = Vec::new();
    for row in rows.iter().filter(|row| row.competitor.learns_wavelets()) {
        for run in &row.runs {
            let path = super::model(folder, row.competitor, row.size, run.seed);
            if !path.is_file() {
                continue;
            }
            let Some([start, end]) = Network::load(&path)?.wavelets() else {
                continue;
            };
            let title = format!("{}, {} images, seed {}", row.competitor, row.size, run.seed);
            pictures.push((title.clone(), moves::moved(&title, &start, &end)?));
        }
    }
    Ok(pictures)
}

/// The first filters of each network that has any, where it had the most images and the smallest seed.
fn first_filters(folder: &Path, rows: &[Row]) -> Result<Vec<(String, Raster)>> {
    let mut pictures = Vec::new();
    for row in rows.iter().filter(|row| row.competitor.convolves()) {
        let larger = |other: &Row| other.competitor == row.competitor && other.size > row.size;
        let seed = row.runs.iter().map(|run| run.seed).min().unwrap_or(0);
        let path = super::model(folder, row.competitor, row.size, seed);
        if rows.iter().any(larger) || !path.is_file() {
            continue;
        }
        let Some(weights) = Network::load(&path)?.first_layer() else {
            continue;
        };
        // Images of other than one or three channels have no filters to be looked at, and sounds none of several rows.
        let Ok(layer) = Layer::new(weights.view()) else {
            continue;
        };
        let title = format!("{}, {} images, seed {seed}", row.competitor, row.size);
        let kernels = layer.dominant_kernels();
        pictures.push((title.clone(), learned::kernels(&title, &kernels)?));
    }
    Ok(pictures)
}

fn page(
    task: &Task,
    representation: &Representation,
    rows: &[Row],
    curve: &Raster,
    learned: &[(String, Raster)],
    moved: &[(String, Raster)],
    wavelets: &Raster,
) -> Result<String> {
    let noun = task.medium().noun();
    let shape = task.train().images.shape();
    let size = match task.medium() {
        Medium::Images => format!("{} x {} pixels", shape[2], shape[3]),
        Medium::Sounds { rate } => format!("{} samples at {rate} Hz", shape[3]),
    };
    let setting = format!(
        "{} {noun}s to draw from and {} to be tested on, {size}, {} classes. All competitors of a row of \
         seeds saw the same {noun}s, as many of each class as of any other, and chose what they had to choose by \
         validation among them. The error is the share of test {noun}s whose class was predicted wrongly; ± is the \
         standard deviation over seeds.",
        task.train().len(),
        task.test().len(),
        task.test().classes.len(),
    );
    let mut names: Vec<_> = rows.iter().map(|row| row.competitor).collect();
    names.dedup();
    let header = header(noun);
    let header = header.each_ref().map(String::as_str);
    let table: Vec<[String; 7]> = rows.iter().map(cells).collect();
    let averages = match representation {
        Representation::Images(images) => format!("{} pixels", (images.J as f64).exp2()),
        Representation::Sounds(sounds) => format!("{} samples", sounds.T),
    };
    let about_filters =
        format!("{representation}: averages over {averages}. Nothing here was learned.");
    let shown = match task.medium() {
        Medium::Images => "The wavelets in space",
        Medium::Sounds { .. } => "The wavelets of the first layer over frequency",
    };
    let body = html! {
        (page::paragraphs(&[setting]))
        (page::section("Results", &page::table(&header, &table)))
        (page::section("Learning curves", &page::figure(
            curve,
            &format!("Test error against the number of training {noun}s"),
            "Mean over seeds; both axes are logarithmic.",
        )?))
        (page::section("Competitors", &html! {
            dl { @for competitor in &names { dt { (competitor) } dd { (competitor.about()) } } }
        }))
        @if !learned.is_empty() {
            (page::section("Learned filters", &html! {
                (page::paragraphs(&["The filters that see the image, of each network with convolutions. The networks are in the \
                    folder models, and scatter compare --model measures how like wavelets they are."]))
                @for (title, picture) in learned {
                    (page::figure(picture, &format!("First filters of {title}"), "")?)
                }
            }))
        }
        @if !moved.is_empty() {
            (page::section("Learned wavelets", &html! {
                @for (title, picture) in moved {
                    (page::figure(picture, &format!("Wavelets of {title}, before and after training"), "")?)
                }
            }))
        }
        (page::section("Wavelets", &page::figure(wavelets, shown, &about_filters)?))
        (page::section("Confusions", &confusions(task, rows)))
        (page::section("What was chosen", &page::table(
            &["competitor", &format!("training {noun}s"), "seed", "chosen by validation"],
            &rows.iter().flat_map(|row| &row.runs).map(|run| [
                run.competitor.clone(), run.train_size.to_string(), run.seed.to_string(), run.chosen.clone(),
            ]).collect::<Vec<_>>(),
        )))
    };
    Ok(page::page(
        &format!("Competitors on {}", task.name()),
        &format!("Learned and fixed representations on the same {noun}s, with the same metric."),
        &body,
    ))
}

/// The confusions of every competitor at its largest size, all seeds together.
fn confusions(task: &Task, rows: &[Row]) -> Markup {
    let classes = &task.test().classes;
    let noun = task.medium().noun();
    let largest = rows.iter().map(|row| row.size).max().unwrap_or(0);
    let header: Vec<&str> = std::iter::once("true class")
        .chain(classes.iter().map(String::as_str))
        .collect();
    html! {
        (page::paragraphs(&[format!("Rows are true classes, columns predicted ones, in {noun}s over all seeds.")]))
        @for row in rows.iter().filter(|row| row.size == largest) {
            (page::details(&format!("{}, {} training {noun}s", row.competitor, row.size), &page::table(
                &header,
                &row.confusion().iter().zip(classes).map(|(counts, class)| {
                    std::iter::once(class.clone())
                        .chain(counts.iter().map(|count| if *count == 0 { "·".into() } else { count.to_string() }))
                        .collect::<Vec<_>>()
                }).collect::<Vec<_>>(),
            )))
        }
    }
}
