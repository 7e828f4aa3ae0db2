//! Paths of signals: what the table tells of their wavelets, rows by the wavelets of each layer, hertz and seconds.

use super::params::Scattering1dParams;
use crate::filters::Wavelet1d;
use crate::scattering::path::{PathTable, Wavelet};

impl Wavelet for Wavelet1d {
    type Params = Scattering1dParams;

    const COLUMNS: &'static [&'static str] = &["n", "j", "xi", "sigma"];
    const SAMPLES: &'static str = "samples";

    fn j(&self) -> usize {
        self.j
    }

    fn tag(&self) -> String {
        format!("n{}", self.n)
    }

    fn cells(&self) -> Vec<String> {
        let indices = [self.n, self.j].map(|index| index.to_string());
        let numbers = [self.xi, self.sigma].map(|value| value.to_string());
        indices.into_iter().chain(numbers).collect()
    }
}

impl PathTable<Wavelet1d> {
    /// The row of the path through these wavelets, one a layer, by their index n in the bank of that layer; `None` if there is
    /// none. Kymatio calls this tuple the key of a path.
    pub fn row(&self, path: &[usize]) -> Option<usize> {
        self.row_through(path, |psi, &n| psi.n == n)
    }

    /// The header of [`records_in_hertz`](Self::records_in_hertz).
    pub fn header_in_hertz(&self) -> Vec<String> {
        let layers = 1..=self.max_order();
        let hertz = layers.flat_map(|layer| [format!("xi{layer}_hz"), format!("sigma{layer}_hz")]);
        let seconds = ["seconds_apart", "seconds"].map(String::from);
        self.header()
            .into_iter()
            .chain(hertz)
            .chain(seconds)
            .collect()
    }

    /// [`records`](Self::records) of a signal of this many samples a second, and behind them every layer's centre frequency and
    /// bandwidth in hertz, the distance of neighbouring samples of the row in seconds, and how many seconds of the input one of
    /// them stands for.
    pub fn records_in_hertz(&self, rate: f64) -> impl Iterator<Item = Vec<String>> {
        self.records().enumerate().map(move |(row, mut record)| {
            let wavelets = self.wavelets_of(row);
            let hertz = wavelets.flat_map(|psi| [psi.xi, psi.sigma].map(|value| value * rate));
            let mut hertz: Vec<String> = hertz.map(|value| value.to_string()).collect();
            hertz.resize(2 * self.max_order(), String::new());
            record.extend(hertz);
            let path = &self[row];
            let seconds = |samples: usize| (samples as f64 / rate).to_string();
            record.push(path.subsampling.map(seconds).unwrap_or_default());
            record.push(seconds(path.samples));
            record
        })
    }
}
