//! Parameters of a scattering transform of images: plain data, and what follows from them before anything is computed.

use std::ops::Range;
use std::sync::Arc;

use super::engine::{Bank, Blueprint, MakeBanks, engine};
use crate::filters::{
    FilterBank2d, FilterBank2dParams, Mother, Normalization, Wavelet2d, low_block,
};
use crate::grid::Grid;
use crate::isa::Isa;
use crate::layer::average::EvenKernel;
use crate::num::Real;
use crate::scattering::Scattering2d;
use crate::scattering::design::{Design, lambdas_of_layers, level_of};
use crate::scattering::keep::{Average, Layout};
use crate::scattering::path::{PathTable, coarser, count_by_order};
use crate::scattering::plan::Scattering;
use crate::signal::Padding;
use crate::signal::pad::AxisPadding;
use crate::{Error, Result, memory, parallel};

/// On one precision only, so that `Scattering2d::params` needs no type; [`Scattering2dParams::plan`] chooses it.
impl Scattering2d<f32> {
    /// Describes a transform of images of this shape with averages over 2^J pixels, and standard values elsewhere.
    pub fn params(shape: [usize; 2], J: usize) -> Scattering2dParams {
        Scattering2dParams::new(shape, J)
    }
}

/// Description of a [`Scattering2d`]; [`plan`](Self::plan) checks it and spends all set-up.
///
/// With the feature `serde` it can be written and read; what is missing when it is read has its standard value.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Scattering2dParams {
    /// Rows and columns of the images.
    pub shape: [usize; 2],
    /// log2 of the coarsest scale, at least 1.
    pub J: usize,
    /// Number of orientations in [0, π). Standard: 8.
    #[cfg_attr(feature = "serde", serde(default = "standard::L"))]
    pub L: usize,
    /// Largest number of moduli on a path. Orders above J have no paths, which is no error. Standard: 2.
    #[cfg_attr(feature = "serde", serde(default = "standard::max_order"))]
    pub max_order: usize,
    /// What is kept of every U. Standard: local averages.
    #[cfg_attr(feature = "serde", serde(default))]
    pub average: Average,
    /// Levels of subsampling given up, at most J: the output has 2^oversampling times the samples per axis and every
    /// U is computed on a grid that much finer. Standard: 0.
    #[cfg_attr(feature = "serde", serde(default))]
    pub oversampling: usize,
    /// What lies beyond the border. Standard: reflection.
    #[cfg_attr(feature = "serde", serde(default))]
    pub padding: Padding,
    /// The wavelet at the finest scale. Standard: Kymatio's Morlet.
    #[cfg_attr(feature = "serde", serde(default))]
    pub mother: Mother,
    /// Scaling of the filter bank. Standard: plain.
    #[cfg_attr(feature = "serde", serde(default))]
    pub normalization: Normalization,
    /// What may be left out of the filters, as a share of the peak of each ψ̂ and of the sum of φ, in [0, 0.1]; see
    /// [`Scattering::tolerance`]. Standard: `None`, for 1e-6 in `f32` and 1e-15 in `f64`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub tolerance: Option<f64>,
    /// The instruction set to use; `None` for the best of this machine. Standard: `None`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub isa: Option<Isa>,
}

/// Standard values that are no type's default.
mod standard {
    pub fn L() -> usize {
        8
    }

    pub fn max_order() -> usize {
        2
    }
}

impl Scattering2dParams {
    fn new(shape: [usize; 2], J: usize) -> Self {
        Self {
            shape,
            J,
            L: standard::L(),
            max_order: standard::max_order(),
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

    /// Rows and columns of an image after padding: the grid that a bank of one's own lives on, see
    /// [`plan_with`](Self::plan_with).
    ///
    /// # Errors
    /// [`Error::ScaleTooLarge`], [`Error::NotMultiple`], [`Error::Empty`] as in [`plan`](Self::plan).
    pub fn padded_shape(&self) -> Result<[usize; 2]> {
        Ok(self.axes()?.map(|axis| axis.padded))
    }

    pub(super) fn axes(&self) -> Result<[AxisPadding; 2]> {
        if self.shape.contains(&0) {
            return Err(Error::Empty {
                shape: self.shape.to_vec(),
            });
        }
        // Thin but enormous shapes are refused before a table as long as a side is made.
        memory::require(
            "one padded image",
            memory::bytes_of::<[f64; 4]>(memory::count(&self.shape)),
            "use smaller images",
        )?;
        let [n0, n1] = self.shape;
        Ok([
            AxisPadding::new(self.padding, self.J, 0, n0)?,
            AxisPadding::new(self.padding, self.J, 1, n1)?,
        ])
    }

    /// The bank of a padded image.
    pub(super) fn bank(&self, shape: [usize; 2]) -> FilterBank2dParams {
        FilterBank2d::params(shape, self.J)
            .L(self.L)
            .mother(self.mother)
            .normalization(self.normalization)
    }

    pub(super) fn check(&self) -> Result<()> {
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
        if self.average == Average::Sum {
            return Err(Error::InvalidParameter {
                name: "average",
                value: self.average.name().into(),
                limit: "sums over the padding are for signals alone; use global means".into(),
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
        Ok(())
    }

    /// Lays the transform out for wavelets on the padded image, λ of them a layer, of which `expected` paths are made, and the low-pass by
    /// axis and length.
    pub(super) fn design<T: Real>(
        &self,
        axes: [AxisPadding; 2],
        wavelets: Arc<[Wavelet2d]>,
        layers: Vec<Range<usize>>,
        expected: u64,
        low_pass: impl Fn(usize, usize) -> Vec<f64>,
    ) -> Result<Design<Wavelet2d, 2>> {
        let levels: Vec<usize> = wavelets.iter().map(|psi| self.level(psi.j)).collect();
        let on_image: usize = axes.iter().map(|axis| axis.end - axis.begin).product();
        let square = |level: usize| (Some(1 << level), 1 << (2 * level));
        let output_level = self.J - self.oversampling;
        let coarser = coarser(&wavelets);
        let paths = PathTable::new(
            Arc::clone(&wavelets),
            self.max_order,
            expected,
            |path, lambda| {
                let of_layer = layers.get(path.len());
                of_layer.is_some_and(|of_layer| of_layer.contains(&lambda)) && coarser(path, lambda)
            },
            |path| match self.average {
                Average::Global => (None, on_image),
                Average::None => square(level_of(path, &levels)),
                _ => square(output_level),
            },
        )?;
        let full = Grid::new(axes.each_ref().map(|axis| axis.padded));
        let coarsest = levels.iter().copied().max().unwrap_or(0);
        let grids: Vec<_> = (0..=coarsest)
            .map_while(|level| full.at_level(level))
            .collect();
        let outputs = axes
            .each_ref()
            .map(|axis| axis.output(self.J, output_level));
        let shapes = (0..paths.len()).map(|row| -> Box<[usize]> {
            let level = level_of(&paths[row].lambdas, &levels);
            match self.average {
                Average::Global => Box::default(),
                Average::None => axes.iter().map(|axis| axis.on_image(level).len()).collect(),
                _ => outputs.iter().map(ExactSizeIterator::len).collect(),
            }
        });
        let layout = Arc::new(Layout::new(self.average, shapes.collect()));
        let phi_at_zero = [0, 1].map(|axis| low_pass(axis, full.shape[axis])[0]);
        let low_pass = grids
            .iter()
            .map(|grid| [0, 1].map(|axis| EvenKernel::from_hat(&low_pass(axis, grid.shape[axis]))))
            .collect();
        Ok(Design {
            axes,
            grids,
            paths: Arc::new(paths),
            layers,
            levels,
            average: self.average,
            output_level,
            outputs,
            low_pass,
            phi_at_zero: phi_at_zero.iter().product(),
            layout,
            tolerance: self.tolerance.unwrap_or(T::TOLERANCE),
            input_tolerance: self.tolerance.unwrap_or(T::TOLERANCE),
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
        self.check()?;
        let axes = self.axes()?;
        let bank = self.bank(axes.each_ref().map(|axis| axis.padded));
        bank.check()?;
        let expected = self
            .paths_by_order()
            .iter()
            .fold(0, |sum: u64, &count| sum.saturating_add(count));
        let phi = bank.phi_axes();
        let low_pass = |axis: usize, len| low_block(&phi[axis], len);
        let wavelets: Arc<[_]> = bank.wavelets().into();
        let layers = lambdas_of_layers([wavelets.len()].into_iter(), &self.bank_of_layer(1));
        let design = self.design::<T>(axes, wavelets, layers, expected, low_pass)?;
        let needed = bank.expected_bytes::<T>();
        self.finish(design, needed, move || {
            Ok(vec![Arc::new(bank.build::<T>()?)])
        })
    }

    /// Which of so many banks each layer takes: the last for all layers beyond. No path has more wavelets than there are scales.
    pub(super) fn bank_of_layer(&self, banks: usize) -> Vec<usize> {
        let layers = self.max_order.min(self.J);
        (0..layers).map(|layer| layer.min(banks - 1)).collect()
    }

    /// The same with banks of one's own on the padded image, [`padded_shape`](Self::padded_shape), one a layer, the last also for all layers
    /// beyond: with curvelets, learned filters, or whatever their arrays hold. `L`, `mother` and `normalization` are the banks' matter and not
    /// looked at; their wavelets' scales say which follow which and on which level each lives. The low-pass is that of the first.
    ///
    /// Of several banks λ counts through all wavelets, bank after bank: [`PathTable::wavelets`] has them all.
    ///
    /// # Errors
    /// As [`plan`](Self::plan), and [`Error::WrongShape`] if there is no bank or one that lives on another grid, [`Error::InvalidParameter`] if
    /// one of their wavelets has a scale of J or more, or more bands than one.
    pub fn plan_with<T: Real>(&self, banks: &[Bank<T>]) -> Result<Scattering2d<T>> {
        self.check()?;
        let axes = self.axes()?;
        let padded = axes.each_ref().map(|axis| axis.padded);
        let wrong = |got: &[usize]| {
            Err(Error::WrongShape {
                what: "the filter bank",
                got: got.to_vec(),
                expected: format!("one or more of {padded:?}, the image after padding"),
            })
        };
        let Some(first) = banks.first().map(Arc::clone) else {
            return wrong(&[0]);
        };
        for bank in banks {
            if bank.grid().shape != padded {
                return wrong(&bank.grid().shape);
            }
            self.check_wavelets(bank)?;
        }
        let wavelets: Arc<[Wavelet2d]> = banks
            .iter()
            .flat_map(|bank| bank.wavelets().iter().copied())
            .collect();
        let counts = banks.iter().map(|bank| bank.wavelets().len());
        let layers = lambdas_of_layers(counts, &self.bank_of_layer(banks.len()));
        let of_scale = |j| {
            move |bank: &Bank<T>| {
                let scales = bank.wavelets().iter().map(|psi| psi.j);
                scales.filter(|&other| other == j).count()
            }
        };
        let most = (0..self.J).filter_map(|j| banks.iter().map(of_scale(j)).max());
        let expected = count_by_order(self.J, most.max().unwrap_or(0), self.max_order);
        let expected = expected
            .iter()
            .fold(0, |sum: u64, &count| sum.saturating_add(count));
        let low_pass = |axis, len| first.low_pass(axis, len);
        let design = self.design::<T>(axes, wavelets, layers, expected, low_pass)?;
        let needed = banks.iter().map(|bank| bank.bytes()).sum();
        let banks = banks.to_vec();
        self.finish(design, needed, move || Ok(banks))
    }

    /// Whether wavelets have scales that there are, and a band each.
    fn check_wavelets<T: Real>(&self, bank: &Bank<T>) -> Result<()> {
        let wavelets = bank.wavelets();
        if let Some(psi) = wavelets.iter().find(|psi| psi.j >= self.J) {
            return Err(Error::InvalidParameter {
                name: "j",
                value: psi.j.to_string(),
                limit: format!(
                    "wavelets have scales below J = {}, the scale of the averages",
                    self.J
                ),
            });
        }
        let fits = |lambda| matches!(bank.members(lambda), [band] if band.grid() == bank.grid());
        if let Some(lambda) = (0..wavelets.len()).find(|&lambda| !fits(lambda)) {
            return Err(Error::InvalidParameter {
                name: "members",
                value: format!("{} of wavelet {lambda}", bank.members(lambda).len()),
                limit: "a wavelet of images has one band, on the grid of its bank".into(),
            });
        }
        Ok(())
    }

    /// Plans what has been laid out with banks of `bank_bytes`, if it fits into memory with all that is beside it.
    fn finish<T: Real>(
        &self,
        design: Design<Wavelet2d, 2>,
        bank_bytes: u64,
        banks: impl FnOnce() -> Result<Vec<Bank<T>>> + 'static,
    ) -> Result<Scattering2d<T>> {
        let isa = match self.isa {
            Some(isa) => isa.require()?,
            None => Isa::best(),
        };
        let banks: MakeBanks<T> = Box::new(move |one_thread| {
            // The bank, and the first wavelets again, side by side.
            let scratch = one_thread
                .bytes()
                .saturating_mul(parallel::threads() as u64);
            memory::require(
                "the filter bank and the workspace",
                bank_bytes.saturating_mul(2).saturating_add(scratch),
                "use smaller images, fewer orientations L, fewer threads or 32-bit precision",
            )?;
            banks()
        });
        let design = Arc::new(design);
        let (banks, engine) = engine(Blueprint {
            isa,
            design: Arc::clone(&design),
            banks,
        })?;
        Ok(Scattering::new(self.clone(), isa, design, banks, engine))
    }
}

#[cfg(all(test, feature = "serde"))]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_they_were_written_and_what_is_missing_is_standard() {
        let params = Scattering2d::params([40, 32], 3)
            .L(5)
            .average(Average::None)
            .padding(Padding::Zero)
            .tolerance(1e-4)
            .isa(Isa::Portable);
        let text = serde_json::to_string(&params).unwrap();
        assert_eq!(
            serde_json::from_str::<Scattering2dParams>(&text).unwrap(),
            params
        );
        let least = serde_json::from_str(r#"{ "shape": [40, 32], "J": 3 }"#);
        assert_eq!(least.ok(), Some(Scattering2d::params([40, 32], 3)));
    }
}
