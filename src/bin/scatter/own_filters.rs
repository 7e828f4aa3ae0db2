//! Filters of one's own on the command line: Gabors or Morlets by their numbers, given as lists or in a table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args as ClapArgs, ValueEnum};
use serde_json::Value;
use wavelet_scattering::Scattering2d;
use wavelet_scattering::filters::gabor::Gabor;
use wavelet_scattering::filters::{Family, Mother, Wavelet2d, WaveletList2d};
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::Scattering2dParams;

/// Wavelets by their numbers. Lists are as long as the longest, or one value for all.
#[derive(Debug, Clone, ClapArgs)]
#[command(next_help_heading = "Filters of your own, instead of a bank of L orientations")]
pub struct OwnFilters {
    /// Centre frequencies in cycles per pixel, up to 0.5
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "XI,..",
        requires = "theta",
        conflicts_with = "L"
    )]
    xi: Vec<f64>,
    /// Angles of their wave vectors in degrees, from axis 0 (down) toward axis 1 (right)
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "DEGREES,..",
        requires = "xi",
        allow_hyphen_values = true
    )]
    theta: Vec<f64>,
    /// Bandwidths in cycles per pixel [default: 0.53 of the frequencies]
    #[arg(long, value_delimiter = ',', value_name = "SIGMA,..", requires = "xi")]
    sigma: Vec<f64>,
    /// Widths in space along the wave vector over those across it [default: 0.5]
    #[arg(long, value_delimiter = ',', value_name = "SLANT,..", requires = "xi")]
    slant: Vec<f64>,
    /// A table (.csv) with the columns xi and theta, and, if you like, sigma and slant
    #[arg(long, value_name = "CSV", conflicts_with_all = ["xi", "theta", "sigma", "slant", "L"])]
    wavelets: Option<PathBuf>,
    /// Morlets, which do not see a constant, or Gabors
    #[arg(long, value_enum, value_name = "FAMILY")]
    family: Option<FamilyArg>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FamilyArg {
    Morlet,
    Gabor,
}

/// Slant of the standard wavelets with eight orientations.
const SLANT: f64 = 0.5;

impl OwnFilters {
    /// The filters on a grid with a low-pass of width 2^J; `None` if there are none.
    pub fn list(&self, shape: [usize; 2], J: usize) -> Result<Option<WaveletList2d>> {
        let gabors = match &self.wavelets {
            Some(path) => read(path)?,
            None if self.xi.is_empty() => {
                ensure!(
                    self.family.is_none(),
                    "--family says what filters of your own are; give them with --xi and --theta, or --wavelets",
                );
                return Ok(None);
            }
            None => self.listed()?,
        };
        let family = match self.family {
            Some(FamilyArg::Gabor) => Family::Gabor,
            Some(FamilyArg::Morlet) | None => Family::Morlet,
        };
        let list = WaveletList2d::new(shape, J, &gabors).family(family);
        list.check()?;
        Ok(Some(list))
    }

    /// Plans a transform with these filters, or with the standard bank if there are none.
    pub fn plan<T: Real>(&self, params: &Scattering2dParams) -> Result<Scattering2d<T>> {
        match self.list(params.padded_shape()?, params.J)? {
            Some(list) => Ok(params.plan_with(&[Arc::new(list.build::<T>()?)])?),
            None => Ok(params.plan()?),
        }
    }

    /// Puts the numbers of these filters in place of those of a bank, in the parameters of a transform.
    pub fn describe(&self, wavelets: &[Wavelet2d], transform: &mut Value) {
        if self.wavelets.is_none() && self.xi.is_empty() {
            return;
        }
        let list = |value: fn(&Wavelet2d) -> f64| wavelets.iter().map(value).collect();
        transform["L"] = Value::Null;
        transform["family"] = match self.family {
            Some(FamilyArg::Gabor) => "gabor".into(),
            Some(FamilyArg::Morlet) | None => "morlet".into(),
        };
        transform["j"] = wavelets.iter().map(|wavelet| wavelet.j).collect();
        transform["xi"] = list(|wavelet| wavelet.xi);
        transform["direction"] = list(|wavelet| wavelet.direction);
        transform["sigma"] = list(|wavelet| wavelet.sigma);
        transform["slant"] = list(|wavelet| wavelet.slant);
    }

    /// The file that they come from, if any.
    pub fn inputs(&self) -> &[PathBuf] {
        self.wavelets.as_slice()
    }

    fn listed(&self) -> Result<Vec<Gabor>> {
        let lists = [
            ("--xi", &self.xi),
            ("--theta", &self.theta),
            ("--sigma", &self.sigma),
            ("--slant", &self.slant),
        ];
        let count = lists.iter().map(|(_, list)| list.len()).max().unwrap_or(0);
        for (name, list) in lists {
            ensure!(
                list.len() <= 1 || list.len() == count,
                "{name} has {} values where another list has {count}; give one for each wavelet, or one for all",
                list.len(),
            );
        }
        let of = |list: &[f64], i: usize| list.get(i).or(list.first()).copied();
        let gabors = (0..count).map(|i| {
            let (xi, theta) = (of(&self.xi, i), of(&self.theta, i));
            let (Some(xi), Some(theta)) = (xi, theta) else {
                bail!("a wavelet needs --xi and --theta")
            };
            Ok(gabor(xi, theta, of(&self.sigma, i), of(&self.slant, i)))
        });
        gabors.collect()
    }
}

/// A Gabor with its angle in degrees, and standard values for what is not given.
fn gabor(xi: f64, theta: f64, sigma: Option<f64>, slant: Option<f64>) -> Gabor {
    let mother = Mother::default();
    Gabor {
        theta: theta.to_radians(),
        xi,
        sigma: sigma.unwrap_or(xi * mother.sigma / mother.xi),
        slant: slant.unwrap_or(SLANT),
    }
}

/// The wavelets of a table, a row each; an empty cell has its standard value.
fn read(path: &Path) -> Result<Vec<Gabor>> {
    let name = path.display();
    let reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path);
    let mut reader = reader.with_context(|| format!("cannot read {name}"))?;
    let header = reader
        .headers()
        .with_context(|| format!("cannot read {name}"))?;
    const COLUMNS: [&str; 4] = ["xi", "theta", "sigma", "slant"];
    if let Some(unknown) = header.iter().find(|column| !COLUMNS.contains(column)) {
        bail!(
            "{name} has a column `{unknown}`; its columns are xi, theta, sigma and slant, named in its first row"
        );
    }
    let places = COLUMNS.map(|column| header.iter().position(|name| name == column));
    ensure!(
        places[0].is_some() && places[1].is_some(),
        "{name} needs the columns xi and theta, named in its first row",
    );
    let mut gabors = Vec::new();
    for record in reader.records() {
        let record = record.with_context(|| format!("cannot read {name}"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let number = |i: usize| -> Result<Option<f64>> {
            let cell = places[i].and_then(|place| record.get(place)).unwrap_or("");
            if cell.is_empty() {
                return Ok(None);
            }
            let number = cell.parse();
            Ok(Some(number.with_context(|| {
                format!("{name}, line {line}: {} is no number: `{cell}`", COLUMNS[i])
            })?))
        };
        let (Some(xi), Some(theta)) = (number(0)?, number(1)?) else {
            bail!("{name}, line {line}: a wavelet needs xi and theta")
        };
        gabors.push(gabor(xi, theta, number(2)?, number(3)?));
    }
    ensure!(!gabors.is_empty(), "{name} has no wavelet, but a header");
    Ok(gabors)
}
