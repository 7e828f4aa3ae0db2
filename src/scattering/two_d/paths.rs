//! Paths of images: what the table tells of their wavelets, and rows by scale and orientation.

use super::params::Scattering2dParams;
use crate::filters::Wavelet2d;
use crate::scattering::path::{PathTable, Wavelet};

impl Wavelet for Wavelet2d {
    type Params = Scattering2dParams;

    const COLUMNS: &'static [&'static str] = &["j", "theta", "angle", "xi", "sigma"];
    const SAMPLES: &'static str = "pixels";

    fn j(&self) -> usize {
        self.j
    }

    fn tag(&self) -> String {
        format!("j{}t{}", self.j, self.l)
    }

    fn cells(&self) -> Vec<String> {
        let indices = [self.j, self.l].map(|index| index.to_string());
        let numbers = [self.theta, self.xi, self.sigma].map(|value| value.to_string());
        indices.into_iter().chain(numbers).collect()
    }
}

impl PathTable<Wavelet2d> {
    /// The row of the path with these (j, l) per layer, l the index of the orientation; `None` if there is none.
    pub fn row(&self, path: &[(usize, usize)]) -> Option<usize> {
        self.row_through(path, |psi, &of| (psi.j, psi.l) == of)
    }
}
