//! The engine of images: the cascade with paths side by side in the lanes, on the vectors of an instruction set.

use std::sync::Arc;

use crate::Result;
use crate::filters::{FilterBank, Wavelet2d};
use crate::isa::Isa;
use crate::kernels::pass::{Passes, WithSimd};
use crate::kernels::vector::{MAX_LANES, Vector};
use crate::layer::observe::{Keeps, LineAverage, Observer};
use crate::layer::side_by_side::{Grids, SideBySide, parts};
use crate::memory::Footprint;
use crate::num::Real;
use crate::num::sealed::{Either, PerPrecision, Sealed};
use crate::scattering::cascade::Group;
use crate::scattering::design::Design;
use crate::scattering::engine::{Cascade, Derivatives, low_pass, own_footprint};
use crate::scattering::keep::Average;

/// The filters of an image.
pub(crate) type Bank<T> = Arc<dyn FilterBank<T, 2, Wavelet = Wavelet2d>>;

/// Makes the banks, once it is known what one thread will take beside them.
pub(super) type MakeBanks<T> = Box<dyn FnOnce(&Footprint) -> Result<Vec<Bank<T>>>>;

/// Everything that an engine is made from: λ counts through the banks, one after another.
pub(super) struct Blueprint<T> {
    pub isa: Isa,
    pub design: Arc<Design<Wavelet2d, 2>>,
    pub banks: MakeBanks<T>,
}

type Made<T> = Result<(Vec<Bank<T>>, Box<dyn Derivatives<T>>)>;

/// The engine on the vectors of an instruction set, and its banks.
pub(super) fn engine<T: Real>(blueprint: Blueprint<T>) -> Made<T> {
    struct From;
    impl PerPrecision for From {
        type Of<T: Real> = Blueprint<T>;
    }
    struct To;
    impl PerPrecision for To {
        type Of<T: Real> = Made<T>;
    }
    fn single(blueprint: Blueprint<f32>) -> Made<f32> {
        f32::with_simd(blueprint.isa, blueprint)
    }
    fn double(blueprint: Blueprint<f64>) -> Made<f64> {
        f64::with_simd(blueprint.isa, blueprint)
    }
    T::choose::<From, To>(blueprint, single, double)
}

impl<T: Real> WithSimd<T> for Blueprint<T> {
    type Output = Made<T>;

    fn run<S: Passes<T>>(self, simd: S) -> Made<T> {
        let Design {
            paths,
            levels,
            grids,
            ..
        } = &*self.design;
        let paths = Group::first(paths, levels, MAX_LANES).map(|group| group.rows().len());
        let paths = paths.max().unwrap_or(0);
        match parts(S::V::LANES, paths, grids.iter().copied()) {
            1 => self.build::<S, 1>(simd),
            _ => self.build::<S, 2>(simd),
        }
    }
}

/// The grids of a design, where the first U of an order lives on `finest`.
fn grids<T: Real, S: Passes<T>, const PARTS: usize>(
    simd: S,
    design: &Design<Wavelet2d, 2>,
    finest: Vec<usize>,
) -> Grids<T, S, PARTS> {
    let observed = design.grids.iter().enumerate().map(|(level, &grid)| {
        let on_image = design.axes.each_ref().map(|axis| axis.on_image(level));
        let keeps = match design.average {
            Average::Local => Keeps::Average(
                [0, 1].map(|axis| LineAverage::new(simd, PARTS, &design.average(level, axis))),
            ),
            // Sums are refused by the parameters.
            Average::Global | Average::Sum => Keeps::Mean(on_image),
            Average::None => Keeps::Whole(on_image),
        };
        (grid, Observer::new(simd, PARTS, keeps))
    });
    Grids::new(simd, observed, finest)
}

/// What an engine would be, of a design whose table may lack orders above 1.
pub(super) struct Sketch<'a> {
    pub isa: Isa,
    pub design: &'a Design<Wavelet2d, 2>,
    /// The finest level that a U of order 1, 2, … lives on, up to the largest order.
    pub finest: Vec<usize>,
    /// Paths of the largest group of order 1.
    pub paths: usize,
}

/// What one thread of it takes, and how its vectors are filled.
#[derive(Debug)]
pub(super) struct Sketched {
    pub footprint: Footprint,
    /// Paths in a vector, and neighbours of each.
    pub slots: usize,
    pub parts: usize,
}

impl Sketch<'_> {
    pub fn run<T: Real>(self) -> Sketched {
        struct From<'a>(std::marker::PhantomData<&'a ()>);
        impl<'a> PerPrecision for From<'a> {
            type Of<T: Real> = Sketch<'a>;
        }
        fn in_precision<T: Real>(sketch: Sketch<'_>) -> Sketched {
            T::with_simd(sketch.isa, sketch)
        }
        T::choose::<From<'_>, Either<Sketched>>(self, in_precision::<f32>, in_precision::<f64>)
    }

    fn sketch<T: Real, S: Passes<T>, const PARTS: usize>(self, simd: S) -> Sketched {
        let Self { design, finest, .. } = self;
        let low_pass = low_pass(design);
        let own = own_footprint::<T, SideBySide<T, S, PARTS>, Wavelet2d, 2>(
            design,
            &low_pass,
            finest.len(),
        );
        Sketched {
            footprint: grids::<T, S, PARTS>(simd, design, finest).footprint(own),
            slots: Grids::<T, S, PARTS>::SLOTS,
            parts: PARTS,
        }
    }
}

impl<T: Real> WithSimd<T> for Sketch<'_> {
    type Output = Sketched;

    fn run<S: Passes<T>>(self, simd: S) -> Sketched {
        match parts(S::V::LANES, self.paths, self.design.grids.iter().copied()) {
            1 => self.sketch::<T, S, 1>(simd),
            _ => self.sketch::<T, S, 2>(simd),
        }
    }
}

impl<T: Real> Blueprint<T> {
    fn build<S: Passes<T>, const PARTS: usize>(self, simd: S) -> Made<T> {
        let Self { design, banks, .. } = self;
        let grids = grids::<T, S, PARTS>(simd, &design, design.finest());
        let banks = banks(&grids.footprint(Footprint::default()))?;

        let Design { paths, levels, .. } = &*design;
        let slots = Grids::<T, S, PARTS>::SLOTS;
        let groups: Vec<_> = Group::first(paths, levels, slots).collect();
        let of_group = |group: &Group| -> Vec<usize> {
            let rows = group.rows().iter();
            rows.map(|&row| paths[row].lambdas[0]).collect()
        };
        let steps = design.steps();
        let psi = banks.iter().flat_map(|bank| {
            let least = |lambda| design.tolerance * bank.peak(lambda);
            let lambdas = 0..bank.wavelets().len();
            lambdas.map(move |lambda| (&bank.members(lambda)[0], least(lambda)))
        });
        let psi: Vec<_> = psi.collect();
        let layer = SideBySide::new(
            grids,
            |lambda| psi[lambda],
            levels,
            &groups.iter().map(of_group).collect::<Vec<_>>(),
            |from, lambda| steps[from][lambda],
        );
        let engine = Cascade::new(Arc::clone(&design), layer, groups);
        Ok((banks, Box::new(engine)))
    }
}
