//! [`JointPathTable`]: which wavelets each row of a joint scattering transform went through, in the order of the rows.

use std::sync::Arc;

use crate::filters::Wavelet1d;

/// A wavelet across the wavelets of the first layer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct WaveletAcross {
    /// Centre frequency, cycles per wavelet, with its sign; 0 for the average.
    pub xi: f64,
    /// Bandwidth: standard deviation in frequency, cycles per wavelet.
    pub sigma: f64,
    /// log2 of its subsampling along n1.
    pub j: usize,
}

impl WaveletAcross {
    /// The sign of the frequency: 1 for patterns that rise in pitch, −1 for those that fall, 0 for the average.
    pub fn spin(&self) -> i8 {
        if self.xi == 0.0 {
            0
        } else {
            self.xi.signum() as i8
        }
    }
}

/// One row of the output: of one n1, or of all n1 together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct JointPath {
    /// Number of moduli over time: 0 for the average of the input.
    pub order: usize,
    /// The wavelet of the first layer that the row stands at; `None` in order 0, and where a path has all its n1 in one.
    pub n1: Option<usize>,
    /// Distance of neighbouring n1 of the path; `None` in order 0 and for a mean or a sum over all of them.
    pub n1_stride: Option<usize>,
    /// The wavelet of the second layer; `None` below order 2.
    pub n2: Option<usize>,
    /// The wavelet across n1; `None` in order 0.
    pub n_fr: Option<usize>,
    /// Distance of neighbouring samples in samples of the input; `None` for a mean or a sum.
    pub subsampling: Option<usize>,
}

/// All rows of a joint scattering transform, in the order of its output.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct JointPathTable {
    pub(super) first: Arc<[Wavelet1d]>,
    pub(super) second: Arc<[Wavelet1d]>,
    pub(super) across: Arc<[WaveletAcross]>,
    /// Wavelets per octave of the first layer.
    pub(super) Q: usize,
    pub(super) paths: Vec<JointPath>,
}

impl JointPathTable {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Whether there is no row; never.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// All rows.
    pub fn iter(&self) -> std::slice::Iter<'_, JointPath> {
        self.paths.iter()
    }

    /// The wavelets of the first layer, by n1.
    pub fn first(&self) -> &[Wavelet1d] {
        &self.first
    }

    /// The wavelets of the second layer, by n2.
    pub fn second(&self) -> &[Wavelet1d] {
        &self.second
    }

    /// The wavelets across n1, by n_fr.
    pub fn across(&self) -> &[WaveletAcross] {
        &self.across
    }

    /// The row of these wavelets; `n1` is `None` where a path has all its n1 in one. `None` if there is none.
    pub fn row(&self, n1: Option<usize>, n2: Option<usize>, n_fr: usize) -> Option<usize> {
        self.paths
            .iter()
            .position(|path| (path.n1, path.n2, path.n_fr) == (n1, n2, Some(n_fr)))
    }

    /// The wavelet across n1 that a row went through; `None` in order 0.
    pub fn across_of(&self, row: usize) -> Option<&WaveletAcross> {
        self.paths[row].n_fr.map(|n_fr| &self.across[n_fr])
    }

    /// A short name of a row for headers and file members: `S`, `S_n3_f1`, `S_n3_m5_f1` with n1, n2 and n_fr.
    pub fn name(&self, row: usize) -> String {
        let JointPath { n1, n2, n_fr, .. } = self.paths[row];
        let parts = [("n", n1), ("m", n2), ("f", n_fr)];
        let parts = parts
            .into_iter()
            .filter_map(|(letter, n)| Some(format!("_{letter}{}", n?)));
        std::iter::once("S".to_string()).chain(parts).collect()
    }

    /// The header of [`records`](Self::records).
    pub fn header(&self) -> Vec<String> {
        let columns = [
            "row",
            "name",
            "order",
            "n1",
            "n1_stride",
            "n2",
            "n_fr",
            "spin",
            "xi1",
            "xi2",
            "xi_fr",
            "octaves_per_cycle",
            "subsampling",
        ];
        columns.map(String::from).to_vec()
    }

    /// The table as text, one record a row: its number, name and order, the wavelets it went through, the sign of the frequency across
    /// n1, centre frequencies in cycles per sample and in cycles per wavelet, the period across n1 in octaves, and the
    /// subsampling over time. What a row does not have is empty.
    pub fn records(&self) -> impl Iterator<Item = Vec<String>> {
        fn text<N: ToString>(number: Option<N>) -> String {
            number.map(|number| number.to_string()).unwrap_or_default()
        }
        self.paths.iter().enumerate().map(|(row, path)| {
            let across = self.across_of(row);
            let moving = across.filter(|across| across.xi != 0.0);
            vec![
                row.to_string(),
                self.name(row),
                path.order.to_string(),
                text(path.n1),
                text(path.n1_stride),
                text(path.n2),
                text(path.n_fr),
                text(across.map(WaveletAcross::spin)),
                text(path.n1.map(|n1| self.first[n1].xi)),
                text(path.n2.map(|n2| self.second[n2].xi)),
                text(across.map(|across| across.xi)),
                text(moving.map(|across| 1.0 / (across.xi.abs() * self.Q as f64))),
                text(path.subsampling),
            ]
        })
    }

    /// The header of [`records_in_hertz`](Self::records_in_hertz).
    pub fn header_in_hertz(&self) -> Vec<String> {
        let more = ["xi1_hz", "xi2_hz", "seconds_apart"].map(String::from);
        self.header().into_iter().chain(more).collect()
    }

    /// [`records`](Self::records) of a signal of this many samples a second, and behind them both centre frequencies in hertz and the
    /// distance of neighbouring samples in seconds.
    pub fn records_in_hertz(&self, rate: f64) -> impl Iterator<Item = Vec<String>> {
        self.records()
            .zip(&self.paths)
            .map(move |(mut record, path)| {
                let hertz =
                    |xi: Option<f64>| xi.map(|xi| (xi * rate).to_string()).unwrap_or_default();
                record.push(hertz(path.n1.map(|n1| self.first[n1].xi)));
                record.push(hertz(path.n2.map(|n2| self.second[n2].xi)));
                let apart = path
                    .subsampling
                    .map(|samples| (samples as f64 / rate).to_string());
                record.push(apart.unwrap_or_default());
                record
            })
    }
}

impl std::ops::Index<usize> for JointPathTable {
    type Output = JointPath;

    fn index(&self, row: usize) -> &JointPath {
        &self.paths[row]
    }
}
