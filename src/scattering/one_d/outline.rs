//! [`Scattering1dOutline`]: a transform of signals in numbers, before a filter is built.

use std::sync::Arc;

use super::params::{LaidOut, Scattering1dParams};
use crate::filters::{FilterBank1dParams, Wavelet1d};
use crate::num::Real;
use crate::scattering::keep::Average;
use crate::scattering::path::PathTable;
use crate::{Isa, Result, memory};

/// A transform of signals in numbers: what [`Scattering1dParams::outline`] finds without building it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Scattering1dOutline {
    /// The instruction set that would be used.
    pub isa: Isa,
    /// What would be left out of the filters; see [`Scattering::tolerance`](crate::scattering::Scattering::tolerance).
    pub tolerance: f64,
    /// Samples after padding.
    pub padded_len: usize,
    /// What every output row would stand for.
    pub paths: Arc<PathTable<Wavelet1d>>,
    /// Samples of a path's output; `None` for a global mean, and without averages, where paths differ.
    pub path_len: Option<usize>,
    /// Numbers in the features of one signal.
    pub features_len: usize,
    /// The filters, one description for every layer that has wavelets of its own.
    pub banks: Vec<FilterBank1dParams>,
    /// About how many bytes the filters would take, and the same again as the layer wants them: an upper estimate.
    pub filter_bytes: u64,
    /// About how many bytes of scratch one thread would take.
    pub workspace_bytes: u64,
}

impl Scattering1dParams {
    /// The transform in numbers without building it: paths, sizes and memory.
    ///
    /// # Errors
    /// As [`plan`](Self::plan), but for the memory of filters and workspaces: whether there is enough is for the caller to judge.
    ///
    /// ```
    /// use wavelet_scattering::Scattering1d;
    ///
    /// let outline = Scattering1d::params(65536, 8).Q([8]).outline::<f32>()?;
    /// assert_eq!(outline.paths.rows_of_order(1).len(), 54);
    /// assert_eq!(outline.path_len, Some(256));
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn outline<T: Real>(&self) -> Result<Scattering1dOutline> {
        self.check()?;
        let isa = match self.isa {
            Some(isa) => isa.require()?,
            None => Isa::best(),
        };
        let LaidOut { design, mut banks } = self.lay_out::<T>(self.average)?;
        let padded_len = design.axes[0].padded;
        let mut planned = padded_len;
        if let Some(tiling) = self.tiling::<T>(&design.axes[0]) {
            planned = tiling.block;
            banks = self.lay_out_on::<T>(tiling.axis())?.banks;
        }
        let bytes = banks.iter().map(FilterBank1dParams::expected_bytes::<T>);
        Ok(Scattering1dOutline {
            isa,
            tolerance: design.tolerance,
            padded_len,
            path_len: (self.average == Average::Local).then(|| design.outputs[0].len()),
            features_len: design.layout.len(),
            filter_bytes: bytes.fold(0, u64::saturating_add).saturating_mul(2),
            workspace_bytes: Self::expected_workspace::<T>(planned),
            banks,
            paths: design.paths,
        })
    }

    /// The input, its spectrum, a line of complex numbers and more.
    pub(super) fn expected_workspace<T: Real>(padded_len: usize) -> u64 {
        memory::bytes_of::<[T; 12]>(padded_len as u64)
    }
}
