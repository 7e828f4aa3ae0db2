//! Parameters of a 2D scattering transform: plain data, and what follows from them before anything is computed.

use std::sync::Arc;

use super::plan::Scattering2d;
use crate::filters::{FilterBank2d, FilterBank2dParams, Mother, Normalization, Wavelet2d};
use crate::kernels::isa::Isa;
use crate::num::Real;
use crate::scattering::path::{PathTable, count_by_order};
use crate::signal::Padding;
use crate::signal::pad::AxisPadding;
use crate::{Error, Result};

/// What the output keeps of every `U[p] = |…|x ⋆ ψ_λ1| ⋆ … ⋆ ψ_λm|`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Average {
    /// S = U ⋆ φ_J, one sample every 2^J pixels.
    #[default]
    Local,
    /// The mean of U over its samples on the image, padding excluded: one number a path.
    Global,
    /// U itself, its samples on the image; sizes differ from path to path.
    None,
}

impl Average {
    /// The name that the program and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Average::Local => "local",
            Average::Global => "global",
            Average::None => "none",
        }
    }
}

/// Description of a [`Scattering2d`]; [`plan`](Self::plan) checks it and spends all set-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Scattering2dParams {
    /// Rows and columns of the images.
    pub shape: [usize; 2],
    /// log2 of the coarsest scale, at least 1.
    pub J: usize,
    /// Number of orientations in [0, π). Standard: 8.
    pub L: usize,
    /// Largest number of moduli on a path. Orders above J have no paths, which is no error. Standard: 2.
    pub max_order: usize,
    /// What is kept of every U. Standard: local averages.
    pub average: Average,
    /// Levels of subsampling given up, at most J: the output has 2^oversampling times the samples per axis and every
    /// U is computed on a grid that much finer. Standard: 0.
    pub oversampling: usize,
    /// What lies beyond the border. Standard: reflection.
    pub padding: Padding,
    /// The wavelet at the finest scale. Standard: Kymatio's Morlet.
    pub mother: Mother,
    /// Scaling of the filter bank. Standard: plain.
    pub normalization: Normalization,
    /// What may be left out of the filters, as a share of the peak of each ψ̂ and of the sum of φ, in [0, 0.1]; see
    /// [`Scattering2d::tolerance`]. Standard: `None`, for 1e-6 in `f32` and 1e-15 in `f64`.
    pub tolerance: Option<f64>,
    /// The instruction set to use; `None` for the best of this machine. Standard: `None`.
    pub isa: Option<Isa>,
}

/// Everything that is known of a transform without computing anything.
pub(super) struct Design {
    pub axes: [AxisPadding; 2],
    pub bank: FilterBank2dParams,
    pub paths: Arc<PathTable<Wavelet2d>>,
}

impl Scattering2dParams {
    pub(super) fn new(shape: [usize; 2], J: usize) -> Self {
        Self {
            shape,
            J,
            L: 8,
            max_order: 2,
            average: Average::default(),
            oversampling: 0,
            padding: Padding::default(),
            mother: Mother::default(),
            normalization: Normalization::default(),
            tolerance: None,
            isa: None,
        }
    }

    /// Sets the number of orientations.
    pub fn L(mut self, L: usize) -> Self {
        self.L = L;
        self
    }

    /// Sets the largest number of moduli on a path.
    pub fn max_order(mut self, max_order: usize) -> Self {
        self.max_order = max_order;
        self
    }

    /// Sets what is kept of every U.
    pub fn average(mut self, average: Average) -> Self {
        self.average = average;
        self
    }

    /// Sets how many levels of subsampling are given up.
    pub fn oversampling(mut self, oversampling: usize) -> Self {
        self.oversampling = oversampling;
        self
    }

    /// Sets what lies beyond the border.
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }

    /// Sets the mother wavelet.
    pub fn mother(mut self, mother: Mother) -> Self {
        self.mother = mother;
        self
    }

    /// Sets the scaling of the filter bank.
    pub fn normalization(mut self, normalization: Normalization) -> Self {
        self.normalization = normalization;
        self
    }

    /// Sets what may be left out of the filters.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = Some(tolerance);
        self
    }

    /// Sets the instruction set; `None` is the best of this machine.
    pub fn isa(mut self, isa: impl Into<Option<Isa>>) -> Self {
        self.isa = isa.into();
        self
    }

    /// The level on which a U of last scale j is computed: max(j − oversampling, 0). The image, on level 0, counts as
    /// scale 0.
    pub fn level(&self, j: usize) -> usize {
        j.saturating_sub(self.oversampling)
    }

    /// Number of paths of each order, 0 first; orders above J are left out.
    pub fn paths_by_order(&self) -> Vec<u64> {
        count_by_order(self.J, self.L, self.max_order)
    }

    /// Checks every parameter and lays the transform out, but does not compute a filter.
    pub(super) fn design(&self) -> Result<Design> {
        if self.shape.contains(&0) {
            return Err(Error::Empty {
                shape: self.shape.to_vec(),
            });
        }
        let mut bank = FilterBank2d::params(self.shape, self.J)
            .L(self.L)
            .mother(self.mother)
            .normalization(self.normalization);
        if self.oversampling > self.J {
            return Err(Error::InvalidParameter {
                name: "oversampling",
                value: self.oversampling.to_string(),
                limit: format!(
                    "it is at most J = {}, where nothing is subsampled any more",
                    self.J
                ),
            });
        }
        if let Some(tolerance) = self.tolerance
            && !(0.0..=0.1).contains(&tolerance)
        {
            return Err(Error::InvalidParameter {
                name: "tolerance",
                value: tolerance.to_string(),
                limit: "the share of a filter that may be left out lies in [0, 0.1]".into(),
            });
        }
        // Thin but enormous shapes are refused before a table as long as a side is made.
        crate::memory::require(
            "one padded image",
            crate::memory::bytes_of::<[f64; 4]>(crate::memory::count(&self.shape)),
            "use smaller images",
        )?;
        let [n0, n1] = self.shape;
        let axes = [
            AxisPadding::new(self.padding, self.J, 0, n0)?,
            AxisPadding::new(self.padding, self.J, 1, n1)?,
        ];
        bank.check()?;
        bank.shape = [axes[0].padded, axes[1].padded];

        let on_image: usize = axes.iter().map(|axis| axis.end - axis.begin).product();
        let square = |level: usize| (Some(1 << level), 1 << (2 * level));
        let expected = self
            .paths_by_order()
            .iter()
            .fold(0, |sum: u64, &count| sum.saturating_add(count));
        let paths = PathTable::new(
            bank.wavelets().into(),
            self.max_order,
            expected,
            |last: Option<&Wavelet2d>| match self.average {
                Average::Local => square(self.J - self.oversampling),
                Average::Global => (None, on_image),
                Average::None => square(self.level(last.map_or(0, |wavelet| wavelet.j))),
            },
        )?;
        Ok(Design {
            axes,
            bank,
            paths: Arc::new(paths),
        })
    }

    /// Checks everything, builds the filter bank and plans all transforms, on all threads of the current pool.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] for J, L, oversampling, tolerance, the mother wavelet or the instruction set; [`Error::ScaleTooLarge`] if a side
    /// is shorter than 2^J (3·2^J when pre-padded); [`Error::NotMultiple`] for sides that periodic padding or
    /// pre-padding does not allow; [`Error::Empty`] for a side of 0; [`Error::OutOfMemory`] if filters, tables or
    /// workspace exceed the machine.
    pub fn plan<T: Real>(&self) -> Result<Scattering2d<T>> {
        Scattering2d::new(self)
    }
}
