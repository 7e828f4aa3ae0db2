//! Runs on disk, and what they come to for each competitor and size.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use wavelet_scattering::compare::representation::fingerprint;
use wavelet_scattering::compare::{Competitor, Representation, Run};
use wavelet_scattering::io::{self, Medium};
use wavelet_scattering::learn::Task;

/// The file of all runs, within the folder of the report.
pub const FILE: &str = "results.json";

/// What all runs of a file have in common.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    pub version: String,
    pub task: String,
    /// Samples per second of sounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    pub train: Set,
    pub test: Set,
    /// What the rows and columns of confusions are called.
    pub classes: Vec<String>,
    pub representation: Representation,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Set {
    #[serde(flatten)]
    pub shape: Shape,
    pub fingerprint: String,
}

/// How many there are, and their size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// `[n, channels, rows, columns]`
    Images(Vec<usize>),
    /// `[n, samples]`
    Sounds(Vec<usize>),
}

impl Settings {
    pub fn of(task: &Task, representation: &Representation) -> Self {
        let set = |set: &io::LabelledImages| {
            let shape = set.images.shape();
            Set {
                shape: match task.medium() {
                    Medium::Images => Shape::Images(shape.to_vec()),
                    Medium::Sounds { .. } => Shape::Sounds(vec![shape[0], shape[3]]),
                },
                fingerprint: fingerprint(set),
            }
        };
        Self {
            version: env!("CARGO_PKG_VERSION").to_string(),
            task: task.name().to_string(),
            rate: match task.medium() {
                Medium::Images => None,
                Medium::Sounds { rate } => Some(rate),
            },
            train: set(task.train()),
            test: set(task.test()),
            classes: task.test().classes.clone(),
            representation: representation.clone(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    settings: Settings,
    runs: Vec<Run>,
}

/// The runs of a report, in the file and in memory.
#[derive(Debug)]
pub struct Results {
    path: PathBuf,
    contents: Contents,
}

impl Results {
    /// What is in the folder, if it belongs to these settings.
    pub fn open(folder: &Path, settings: Settings, fresh: bool) -> Result<Self> {
        let path = folder.join(FILE);
        let runs = match fs::read_to_string(&path) {
            Ok(_) if fresh => Vec::new(),
            Ok(text) => {
                let known: Contents = serde_json::from_str(&text).with_context(|| {
                    format!("{} holds no results; --fresh replaces it", path.display())
                })?;
                if known.settings != settings {
                    bail!(
                        "{} holds results of other settings ({}); name another folder, or --fresh to replace them",
                        path.display(),
                        difference(&known.settings, &settings),
                    );
                }
                known.runs
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        Ok(Self {
            path,
            contents: Contents { settings, runs },
        })
    }

    fn find(&self, competitor: Competitor, size: usize, seed: u64) -> Option<&Run> {
        let same = |run: &&Run| {
            run.competitor == competitor.name() && run.train_size == size && run.seed == seed
        };
        self.contents.runs.iter().find(same)
    }

    pub fn has(&self, competitor: Competitor, size: usize, seed: u64) -> bool {
        self.find(competitor, size, seed).is_some()
    }

    /// Adds a run, in memory and on disk.
    pub fn add(&mut self, run: Run) -> Result<()> {
        self.contents.runs.push(run);
        io::write_json(&self.path, &serde_json::to_value(&self.contents)?)?;
        Ok(())
    }

    /// One row for each competitor and size, sizes within competitors.
    pub fn summary(&self, wanted: &[(Competitor, usize, u64)]) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for &(competitor, size, seed) in wanted {
            let Some(run) = self.find(competitor, size, seed) else {
                continue;
            };
            let row = rows
                .iter_mut()
                .find(|row| row.competitor == competitor && row.size == size);
            match row {
                Some(row) => row.runs.push(run.clone()),
                None => rows.push(Row {
                    competitor,
                    size,
                    runs: vec![run.clone()],
                }),
            }
        }
        let place = |row: &Row| {
            wanted
                .iter()
                .position(|(competitor, ..)| *competitor == row.competitor)
        };
        rows.sort_by_key(|row| (place(row), row.size));
        rows
    }
}

/// Where two settings differ, in words.
fn difference(known: &Settings, wanted: &Settings) -> String {
    let mut words = Vec::new();
    let mut compare = |what: &str, known: String, wanted: String| {
        if known != wanted {
            words.push(format!("{what} {known} there, {wanted} now"));
        }
    };
    compare("version", known.version.clone(), wanted.version.clone());
    compare("task", known.task.clone(), wanted.task.clone());
    let rate = |settings: &Settings| {
        settings
            .rate
            .map_or("none".into(), |rate| format!("{rate} Hz"))
    };
    compare("rate", rate(known), rate(wanted));
    let set = |set: &Set| {
        let (noun, shape) = match &set.shape {
            Shape::Images(shape) => ("images", shape),
            Shape::Sounds(shape) => ("sounds", shape),
        };
        format!("{noun} {shape:?} {}", set.fingerprint)
    };
    compare("training", set(&known.train), set(&wanted.train));
    compare("test", set(&known.test), set(&wanted.test));
    let classes = |settings: &Settings| settings.classes.join(", ");
    compare("classes", classes(known), classes(wanted));
    let scattering = |settings: &Settings| settings.representation.to_string();
    compare("scattering", scattering(known), scattering(wanted));
    words.join("; ")
}

/// The runs of one competitor at one size.
#[derive(Debug, Clone)]
pub struct Row {
    pub competitor: Competitor,
    pub size: usize,
    pub runs: Vec<Run>,
}

impl Row {
    /// Mean over the seeds, and the standard deviation of a run about it, where there are two at least.
    pub fn over_seeds(&self, number: impl Fn(&Run) -> f64) -> (f64, Option<f64>) {
        let count = self.runs.len() as f64;
        let mean = self.runs.iter().map(&number).sum::<f64>() / count;
        let squares: f64 = self
            .runs
            .iter()
            .map(|run| (number(run) - mean).powi(2))
            .sum();
        let deviation = (self.runs.len() > 1).then(|| (squares / (count - 1.0)).sqrt());
        (mean, deviation)
    }

    /// The confusions of all seeds together.
    pub fn confusion(&self) -> Vec<Vec<usize>> {
        let mut sum = self.runs[0].confusion.clone();
        for run in &self.runs[1..] {
            for (sum, row) in sum.iter_mut().zip(&run.confusion) {
                sum.iter_mut()
                    .zip(row)
                    .for_each(|(sum, count)| *sum += count);
            }
        }
        sum
    }
}
