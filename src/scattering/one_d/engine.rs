//! The engine of signals: the cascade, path by path.

use std::sync::Arc;

use crate::filters::{Band, FilterBank, Wavelet1d};
use crate::isa::Isa;
use crate::kernels::pass::{Passes, WithSimd};
use crate::layer::alone::{Alone, Keep, Steps};
use crate::layer::phases::For;
use crate::num::Real;
use crate::num::sealed::{PerPrecision, Sealed};
use crate::scattering::cascade::Group;
use crate::scattering::design::Design;
use crate::scattering::engine::{Cascade, Derivatives};
use crate::scattering::keep::Average;

/// The filters of a layer.
pub(crate) type Bank<T> = Arc<dyn FilterBank<T, 1, Wavelet = Wavelet1d>>;

/// Everything that an engine is made from: λ counts through the banks, one after another.
pub(super) struct Blueprint<T> {
    pub isa: Isa,
    pub design: Arc<Design<Wavelet1d, 1>>,
    pub banks: Vec<Bank<T>>,
}

/// The engine of a design.
pub(super) fn engine<T: Real>(blueprint: Blueprint<T>) -> Box<dyn Derivatives<T>> {
    struct From;
    impl PerPrecision for From {
        type Of<T: Real> = Blueprint<T>;
    }
    struct To;
    impl PerPrecision for To {
        type Of<T: Real> = Box<dyn Derivatives<T>>;
    }
    fn single(blueprint: Blueprint<f32>) -> Box<dyn Derivatives<f32>> {
        f32::with_simd(blueprint.isa, blueprint)
    }
    fn double(blueprint: Blueprint<f64>) -> Box<dyn Derivatives<f64>> {
        f64::with_simd(blueprint.isa, blueprint)
    }
    T::choose::<From, To>(blueprint, single, double)
}

impl<T: Real> WithSimd<T> for Blueprint<T> {
    type Output = Box<dyn Derivatives<T>>;

    fn run<S: Passes<T>>(self, simd: S) -> Box<dyn Derivatives<T>> {
        let design = &*self.design;
        let axis = &design.axes[0];
        let levels = design.grids.iter().enumerate().map(|(level, grid)| {
            let on_signal = axis.on_image(level);
            let keep = match design.average {
                Average::Local => Keep::Average(design.average(level, 0)),
                Average::Global => Keep::Mean(on_signal),
                Average::Sum => Keep::Sum,
                Average::None => Keep::Whole(on_signal),
            };
            (grid.shape[0], keep)
        });
        let psi = self.banks.iter().flat_map(|bank| {
            let band = |lambda| -> (&Band<T, 1>, f64) {
                let least = design.tolerance * bank.peak(lambda);
                (&bank.members(lambda)[0], least)
            };
            (0..bank.wavelets().len()).map(band)
        });
        let first = design.paths.rows_of_order(1);
        let first: Vec<_> = first.map(|row| design.paths[row].lambdas[0]).collect();
        let steps = Steps {
            first: &first,
            deeper: &design.steps(),
            levels: &design.levels,
        };
        let layer = Alone::new(simd, levels, psi, &steps, design.finest(), For::Moduli);
        let groups = Group::first(&design.paths, &design.levels, 1).collect();
        Box::new(Cascade::new(Arc::clone(&self.design), layer, groups))
    }
}
