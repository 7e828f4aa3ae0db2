//! The layer of images, with the paths of a group in the lanes of a vector.
//!
//! ```text
//! U[p, λ] = |IDFT(fold(Û[p] · ψ̂_λ))|
//! ```
//!
//! Paths of order 1 have a wavelet each and one input in common; from there on a group has one wavelet in common and each
//! path its own spectrum. Where there are half as many paths as lanes, or fewer, a vector holds `PARTS` = 2 neighbouring
//! samples of each. Right for images up to a few hundred pixels a side: a sample takes a whole vector of memory.

mod along;

use std::sync::Arc;

use realfft::ComplexToReal;
use rustfft::Fft;

use super::fold::{FilterRun, Filters, Fold, OfImage, OfModuli};
use super::observe::{FinishBuffers, FinishLengths, Observer};
use super::plane::{
    BackBuffers, BackLengths, LineBuffers, LineLengths, Plane, PlaneBuffers, PlaneLengths, Rows,
};
use super::{Backward, Cotangent, Keeper, Kept, Layer, Parent, Step, Visitor};
use crate::fft::spectrum::Form;
use crate::filters::Band;
use crate::grid::Grid;
use crate::kernels::pass::Passes;
use crate::kernels::product::{AddCells, AddToCells, AddToFilters, AddToNumbers, InLanes};
use crate::kernels::vector::{Cell, Simd, Vector, zero};
use crate::memory::Footprint;
use crate::num::{Complex, Real};
use crate::parallel;

/// How many neighbours share a vector of so many lanes: two if that leaves room for `paths` each and the sides of all
/// grids are even.
pub(crate) fn parts(lanes: usize, paths: usize, mut grids: impl Iterator<Item = Grid<2>>) -> usize {
    let fit = 2 * paths <= lanes && grids.all(|grid| grid.shape.iter().all(|n| n % 2 == 0));
    1 + usize::from(fit)
}

/// The layer before its filters: the grids of all levels and what is kept on each.
#[derive(Debug)]
pub(crate) struct Grids<T, S: Simd<T>, const PARTS: usize> {
    simd: S,
    /// The transforms of every level that a U lives on, finest first, and what is kept of a U there.
    planes: Vec<Plane<T, S>>,
    observers: Vec<Observer<T, S>>,
    /// The finest level that a U of order 1, 2, … lives on.
    finest: Vec<usize>,
}

impl<T: Real, S: Passes<T>, const PARTS: usize> Grids<T, S, PARTS> {
    /// Paths in a vector.
    pub const SLOTS: usize = S::V::LANES / PARTS;

    /// From the grid of every level, finest first, and what is kept there.
    pub fn new(
        simd: S,
        levels: impl Iterator<Item = (Grid<2>, Observer<T, S>)>,
        finest: Vec<usize>,
    ) -> Self {
        let (planes, observers) = levels
            .map(|(grid, observer)| (Plane::new(simd, grid, PARTS), observer))
            .unzip();
        Self {
            simd,
            planes,
            observers,
            finest,
        }
    }

    fn max_order(&self) -> usize {
        self.finest.len()
    }

    /// Cells of the spectra of paths of this order.
    fn half_len(&self, order: usize) -> usize {
        self.planes[self.finest[order - 1]].half_len()
    }

    /// What the planes of paths of this order and of higher ones take; before order 1 comes the image.
    fn plane_lengths(&self, order: usize) -> PlaneLengths {
        let image = match order {
            1 => self.planes[0].image_lengths(),
            _ => PlaneLengths::default(),
        };
        let finest = self.finest[order - 1..].iter().min();
        let planes = self.planes.iter().zip(&self.observers);
        planes
            .skip(finest.copied().unwrap_or(0))
            .map(|(plane, observer)| plane.lengths(self.max_order() > order, observer))
            .fold(image, PlaneLengths::max)
    }

    fn line_lengths(&self) -> LineLengths {
        Plane::line_lengths(self.planes.iter().zip(&self.observers))
    }

    fn finish_lengths(&self) -> FinishLengths {
        Observer::finish_lengths(&self.observers)
    }

    /// Numbers kept of a group.
    fn kept_len(&self) -> usize {
        Self::SLOTS * self.observers.iter().map(Observer::len).max().unwrap_or(0)
    }

    /// Numbers of the half spectrum of an image.
    fn root_len(&self) -> usize {
        self.planes[0].image_half_len()
    }

    /// Adds everything that one thread of a walk takes.
    pub fn footprint(&self, others: Footprint) -> Footprint {
        let mut footprint = others
            .with::<Complex<T>>("spectrum of the image", self.root_len())
            .with::<T>("kept of a group", self.kept_len());
        footprint = self.plane_lengths(1).footprint::<S::V>(footprint);
        footprint = self.line_lengths().footprint::<S::V>(footprint);
        footprint = self.finish_lengths().footprint::<S::V>(footprint);
        (1..self.max_order()).fold(footprint, |footprint, order| {
            footprint.with::<Cell<S::V>>("spectra of an order", self.half_len(order))
        })
    }
}

/// The layer with its filters.
pub(crate) struct SideBySide<T, S: Simd<T>, const PARTS: usize> {
    grids: Grids<T, S, PARTS>,
    /// The wavelets of every group of order 1, and the λ of its first.
    first: Vec<(usize, Wavelets<S::V>)>,
    /// Their λ.
    groups: Vec<Vec<usize>>,
    /// The wavelet of every λ for spectra on every level: `[from][lambda]`; none where no path goes.
    deeper: Vec<ByLambda<Wavelets<[T; PARTS]>>>,
}

/// Wavelets side by side, and how their products with spectra are folded.
struct Wavelets<F> {
    /// Where the values stand in the plane of frequencies.
    runs: Vec<FilterRun>,
    values: Vec<F>,
    fold: Fold,
}

impl<F> Wavelets<F> {
    fn bytes(&self) -> u64 {
        (size_of_val(&self.values[..]) + size_of_val(&self.runs[..])) as u64 + self.fold.bytes()
    }
}

/// One thread's lines, and what it keeps of a group.
#[derive(Debug)]
pub(crate) struct Lines<T, V> {
    line: LineBuffers<V>,
    finish: FinishBuffers<V>,
    /// What is kept of a group, path by path.
    kept: Vec<T>,
}

impl<T, V> AsMut<LineBuffers<V>> for Lines<T, V> {
    fn as_mut(&mut self) -> &mut LineBuffers<V> {
        &mut self.line
    }
}

impl<T: Real, S: Passes<T>, const PARTS: usize> SideBySide<T, S, PARTS> {
    /// `band` is ψ̂_λ and below which value it is left out, `levels` says by λ where U lives after it, `groups` holds the λ of every group of order 1, and
    /// `admits(from, λ)` whether a path on level `from` goes on with λ.
    pub fn new<'b>(
        grids: Grids<T, S, PARTS>,
        band: impl Fn(usize) -> (&'b Band<T, 2>, f64) + Sync + Send,
        levels: &[usize],
        groups: &[Vec<usize>],
        admits: impl Fn(usize, usize) -> bool + Sync + Send,
    ) -> Self {
        let simd = grids.simd;
        let runs = |lambda: usize, level: usize| {
            let (band, least) = band(lambda);
            band.runs_above(level, least)
        };
        let grid = |level: usize| grids.planes[level].grid();
        let first = parallel::map(groups.len(), |group| {
            let lambdas = &groups[group];
            let filters = lambdas.iter().map(|&lambda| runs(lambda, 0));
            let load = |row: &[T]| simd.load(row);
            let slots = Grids::<T, S, PARTS>::SLOTS;
            let filters = Filters::side_by_side(PARTS, slots, filters, grid(0).shape, load);
            let wavelets = Wavelets {
                fold: Fold::new(&filters, 1, grid(0), grid(levels[lambdas[0]])),
                runs: filters.runs,
                values: filters.values,
            };
            (lambdas[0], wavelets)
        });
        let deeper = (0..grids.planes.len())
            .map(|from| {
                parallel::map(levels.len(), |lambda| {
                    admits(from, lambda).then(|| {
                        let filter = std::iter::once(runs(lambda, from));
                        let entry = |row: &[T]| std::array::from_fn(|part| row[part]);
                        let filters =
                            Filters::side_by_side(PARTS, 1, filter, grid(from).shape, entry);
                        Wavelets {
                            fold: Fold::new(&filters, PARTS, grid(from), grid(levels[lambda])),
                            runs: filters.runs,
                            values: filters.values,
                        }
                    })
                })
            })
            .collect();
        Self {
            first,
            groups: groups.to_vec(),
            deeper,
            grids,
        }
    }

    /// The group of order 1 that begins with λ.
    fn group_of(&self, lambda: usize) -> usize {
        let group = self
            .first
            .binary_search_by_key(&lambda, |&(first, _)| first);
        group.unwrap_or_else(|_| unreachable!("λ = {lambda} begins no group"))
    }

    /// Its wavelets.
    fn of_group(&self, lambda: usize) -> &Wavelets<S::V> {
        &self.first[self.group_of(lambda)].1
    }
}

impl<T: Real, S: Passes<T>, const PARTS: usize> SideBySide<T, S, PARTS> {
    /// The wavelet of a step from moduli.
    fn deeper(&self, step: &Step<'_>) -> &Wavelets<[T; PARTS]> {
        let wavelets = self.deeper[step.from][step.lambda].as_ref();
        wavelets.unwrap_or_else(|| unreachable!("{step:?} was not planned"))
    }

    /// The columns of a step, and the form of the spectra that they came from.
    fn columns(
        &self,
        from: Parent<'_, Vec<Complex<T>>, Vec<Cell<S::V>>>,
        step: &Step<'_>,
        planes: &mut PlaneBuffers<S::V>,
        team: &mut [Lines<T, S::V>],
    ) -> Form {
        let plane = &self.grids.planes[step.to];
        match from {
            Parent::Input(spectrum) => {
                let Wavelets { values, fold, .. } = self.of_group(step.lambda);
                let product = OfImage::<T, S::V, PARTS> {
                    filter: values,
                    spectrum,
                };
                plane.columns(fold, product, planes, team);
                OfImage::<T, S::V, PARTS>::FORM
            }
            Parent::Moduli(spectrum) => {
                let Wavelets { values, fold, .. } = self.deeper(step);
                let product = OfModuli::<T, S::V, PARTS> {
                    filter: values,
                    spectrum,
                };
                plane.columns(fold, product, planes, team);
                OfModuli::<T, S::V, PARTS>::FORM
            }
        }
    }
}

impl<T: Real, S: Passes<T>, const PARTS: usize> Layer<T> for SideBySide<T, S, PARTS> {
    type Root = Vec<Complex<T>>;
    type Spectrum = Vec<Cell<S::V>>;
    type Planes = PlaneBuffers<S::V>;
    type Lines = Lines<T, S::V>;

    const SHARED: bool = true;

    fn footprint(&self, others: Footprint) -> Footprint {
        self.grids.footprint(others)
    }

    fn root(&self) -> Self::Root {
        vec![Complex::new(T::zero(), T::zero()); self.grids.root_len()]
    }

    fn spectrum(&self, order: usize) -> Self::Spectrum {
        vec![zero(self.grids.simd); self.grids.half_len(order)]
    }

    fn planes(&self) -> Self::Planes {
        PlaneBuffers::default()
    }

    fn grow(&self, planes: &mut Self::Planes, order: usize) {
        // Without any path the input alone needs planes.
        if order <= self.grids.max_order().max(1) {
            planes.grow(self.grids.simd, self.grids.plane_lengths(order));
        }
    }

    fn lines(&self) -> Self::Lines {
        let simd = self.grids.simd;
        Lines {
            line: LineBuffers::new(simd, self.grids.line_lengths()),
            finish: FinishBuffers::new(simd, self.grids.finish_lengths()),
            kept: vec![T::zero(); self.grids.kept_len()],
        }
    }

    fn bytes(&self) -> u64 {
        let first: u64 = self.first.iter().map(|(_, group)| group.bytes()).sum();
        let deeper = self.deeper.iter().flatten().flatten();
        first + deeper.map(Wavelets::bytes).sum::<u64>()
    }

    fn enter(
        &self,
        plane: &[T],
        constant: T,
        root: &mut Self::Root,
        planes: &mut Self::Planes,
        team: &mut [Self::Lines],
    ) {
        self.grids.planes[0].image_spectrum(plane, root, planes, team);
        let of_one = OfImage::<T, S::V, PARTS>::FORM.of_one(plane.len());
        root[0].re += constant * T::narrow(of_one);
    }

    fn step(
        &self,
        from: Parent<'_, Self::Root, Self::Spectrum>,
        step: &Step<'_>,
        to: Option<&mut Self::Spectrum>,
        planes: &mut Self::Planes,
        team: &mut [Self::Lines],
        keep: Option<&mut Keeper<'_, T>>,
    ) {
        let Grids {
            planes: of_levels,
            observers,
            ..
        } = &self.grids;
        let (plane, observer) = (&of_levels[step.to], &observers[step.to]);
        let form = self.columns(from, step, planes, team);
        let scale = form.inverse_scale(of_levels[step.from].grid().len());
        let scale = T::narrow(scale);
        match keep {
            Some(_) => plane.rows(scale, observer, to.is_some(), planes, team),
            None => plane.rows(scale, &Unobserved, to.is_some(), planes, team),
        }
        self.leave_step(step, to, planes, team, keep);
    }
}

impl<T: Real, S: Passes<T>, const PARTS: usize> SideBySide<T, S, PARTS> {
    /// Leaves the spectra of what the rows left, if the paths go on, and hands what is kept of each path to `keep`, if anybody wants it.
    fn leave_step(
        &self,
        step: &Step<'_>,
        to: Option<&mut Vec<Cell<S::V>>>,
        planes: &PlaneBuffers<S::V>,
        team: &mut [Lines<T, S::V>],
        keep: Option<&mut Keeper<'_, T>>,
    ) {
        let observer = &self.grids.observers[step.to];
        if let Some(to) = to {
            self.grids.planes[step.to].spectrum(planes, to, team);
        }
        let Some(keep) = keep else { return };
        let Lines { finish, kept, .. } = &mut team[0];
        observer.finish(&planes.rows, finish, kept);
        for (&row, kept) in step.rows.iter().zip(kept.chunks(observer.len())) {
            keep(row, kept);
        }
    }
}

/// Nothing is kept: the vector of a row stays as it is.
struct Unobserved;

impl<V: Sync> Rows<V> for Unobserved {
    fn width(&self) -> usize {
        1
    }

    fn halo(&self) -> usize {
        0
    }

    fn observe(&self, _row: &[V], _to: &mut [V]) {}
}

/// Scratch of the way back: what its stages leave in memory, and the transforms of the image.
pub(crate) struct Back<T: Real, V> {
    planes: BackBuffers<V>,
    columns: Arc<dyn Fft<T>>,
    rows: Arc<dyn ComplexToReal<T>>,
    row: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

/// The cotangents of the filters of every group of order 1, and of every layer behind it by level and λ.
pub(crate) struct FilterCotangents<T, V, const PARTS: usize> {
    first: Vec<Vec<InLanes<V>>>,
    deeper: Vec<Vec<ByLambda<Vec<[T; PARTS]>>>>,
}

/// By λ; none where no path goes.
type ByLambda<F> = Vec<Option<F>>;

impl<T: Real, S: Passes<T>, const PARTS: usize> SideBySide<T, S, PARTS> {
    fn back_lengths(&self) -> BackLengths {
        let Grids {
            planes,
            observers,
            finest,
            ..
        } = &self.grids;
        let goes_on = |level: usize| {
            let deeper = finest.split_last().map_or(&[][..], |(_, others)| others);
            deeper.iter().any(|&finest| finest <= level)
        };
        let levels = planes.iter().zip(observers).enumerate();
        levels
            .map(|(level, (plane, observer))| plane.back_lengths(goes_on(level), observer))
            .fold(BackLengths::default(), BackLengths::max)
    }

    /// The inverse transforms of an image's columns and rows.
    fn of_image(&self) -> (Arc<dyn Fft<T>>, Arc<dyn ComplexToReal<T>>) {
        let [n0, n1] = self.grids.planes[0].grid().shape;
        (T::inverse(n0), T::real_inverse(n1))
    }
}

impl<T: Real, S: Passes<T>, const PARTS: usize> Backward<T> for SideBySide<T, S, PARTS> {
    /// More would be more memory to go through: 24 MB for every group of a 256 x 256 image with four, a tenth of the time.
    const SHARES: usize = 2;

    type Back = Back<T, S::V>;
    type Filters = FilterCotangents<T, S::V, PARTS>;

    fn back_footprint(&self, others: Footprint) -> Footprint {
        let [_, n1] = self.grids.planes[0].grid().shape;
        let (columns, rows) = self.of_image();
        let scratch = columns
            .get_inplace_scratch_len()
            .max(rows.get_scratch_len());
        let others = self.back_lengths().footprint::<S::V>(others);
        let footprint = others
            .with::<Complex<T>>("cotangent of the spectrum", self.grids.root_len())
            .with::<Complex<T>>("spectrum of a row", n1 / 2 + 1)
            .with::<Complex<T>>("scratch of a line of the image", scratch);
        (1..self.grids.max_order()).fold(footprint, |footprint, order| {
            let count = if order == 1 { Self::SHARES } else { 1 };
            let len = count * self.grids.half_len(order);
            footprint.with::<Cell<S::V>>("cotangents of an order", len)
        })
    }

    fn back(&self) -> Self::Back {
        let (columns, rows) = self.of_image();
        let scratch = columns
            .get_inplace_scratch_len()
            .max(rows.get_scratch_len());
        Back {
            planes: BackBuffers::new(self.grids.simd, self.back_lengths()),
            row: vec![Complex::default(); rows.len() / 2 + 1],
            scratch: vec![Complex::default(); scratch],
            columns,
            rows,
        }
    }

    fn filters(&self, max_order: usize) -> Self::Filters {
        let zero = InLanes(zero(self.grids.simd).re);
        let first = self.first.iter();
        let deeper = || {
            let of_level = |wavelets: &Vec<Option<Wavelets<_>>>| {
                let zeros = wavelets.iter().map(|wavelets| {
                    let wavelets = wavelets.as_ref()?;
                    Some(vec![[T::zero(); PARTS]; wavelets.values.len()])
                });
                zeros.collect()
            };
            self.deeper.iter().map(of_level).collect()
        };
        FilterCotangents {
            first: first
                .map(|(_, wavelets)| vec![zero; wavelets.values.len()])
                .collect(),
            deeper: (1..max_order).map(|_| deeper()).collect(),
        }
    }

    fn take_filters(&self, filters: &mut Self::Filters, visit: &mut Visitor<'_>) {
        let slots = Grids::<T, S, PARTS>::SLOTS;
        // Both forms of spectra are twice as large.
        let mut each =
            |layer: usize, lambda: usize, run: &FilterRun, of: &dyn Fn(usize, usize) -> T| {
                for (i, k0) in (run.k0..).take(run.len).enumerate() {
                    for part in 0..PARTS {
                        let value = of(run.values + i, part).widen();
                        if value != 0.0 {
                            visit(layer, lambda, &[k0, run.k1 + part as i64], 0.5 * value);
                        }
                    }
                }
            };
        for ((_, wavelets), (values, lambdas)) in self
            .first
            .iter()
            .zip(filters.first.iter_mut().zip(&self.groups))
        {
            for (slot, &lambda) in lambdas.iter().enumerate() {
                for run in &wavelets.runs {
                    each(0, lambda, run, &|at, part| {
                        values[at].0.lanes()[part * slots + slot]
                    });
                }
            }
            values.fill(InLanes(zero(self.grids.simd).re));
        }
        for (layer, levels) in (1..).zip(&mut filters.deeper) {
            for (wavelets, values) in self.deeper.iter().zip(levels) {
                for (lambda, (wavelets, values)) in wavelets.iter().zip(values).enumerate() {
                    let (Some(wavelets), Some(values)) = (wavelets, values) else {
                        continue;
                    };
                    for run in &wavelets.runs {
                        each(layer, lambda, run, &|at, part| values[at][part]);
                    }
                    values.fill([T::zero(); PARTS]);
                }
            }
        }
    }

    fn clear(&self, spectrum: &mut Self::Spectrum) {
        spectrum.fill(zero(self.grids.simd));
    }

    fn clear_root(&self, root: &mut Self::Root) {
        root.fill(Complex::default());
    }

    fn add(&self, spectrum: &Self::Spectrum, to: &mut Self::Spectrum) {
        self.grids.simd.run(AddCells {
            cells: spectrum,
            to,
        });
    }

    fn add_root(&self, root: &Self::Root, to: &mut Self::Root) {
        to.iter_mut().zip(root).for_each(|(to, from)| *to += from);
    }

    fn step_back(
        &self,
        from: Parent<'_, Self::Root, Self::Spectrum>,
        step: &Step<'_>,
        kept: Kept<'_, T>,
        children: Option<&mut Self::Spectrum>,
        to: Cotangent<'_, Self::Root, Self::Spectrum>,
        planes: &mut Self::Planes,
        team: &mut [Self::Lines],
        back: &mut Self::Back,
        mut filters: Option<&mut Self::Filters>,
    ) {
        let Grids {
            simd,
            planes: of_levels,
            observers,
            ..
        } = &self.grids;
        let simd = *simd;
        let (plane, observer) = (&of_levels[step.to], &observers[step.to]);
        let back = &mut back.planes;
        self.columns(from, step, planes, team);
        let goes_on = children.is_some();
        if let Some(hat) = children {
            plane.columns_back(hat, back, team);
        }
        let scale = T::narrow(1.0 / of_levels[step.from].grid().len() as f64);
        let kept = step.rows.iter().map(|&row| kept(row));
        plane.rows_back(scale, observer, kept, goes_on, planes, back, team);
        let worker = &mut team[0];
        match (from, to) {
            (Parent::Input(spectrum), Cotangent::Input(to)) => {
                let Wavelets { values, fold, .. } = self.of_group(step.lambda);
                let product = OfImage::<T, S::V, PARTS> {
                    filter: values,
                    spectrum,
                };
                let mut of_group = filters.as_mut().map(|filters| {
                    let group = self.group_of(step.lambda);
                    &mut filters.first[group][..]
                });
                plane.unfold(
                    |k1| fold.reads(k1),
                    back,
                    worker,
                    |k1, tile| {
                        let pieces = fold.pieces(k1);
                        simd.run(AddToNumbers::<T, S, PARTS> {
                            simd,
                            pieces,
                            filter: values,
                            tile,
                            to,
                        });
                        if let Some(to) = of_group.as_deref_mut() {
                            simd.run(AddToFilters {
                                simd,
                                pieces,
                                product,
                                tile,
                                to,
                            });
                        }
                    },
                );
            }
            (Parent::Moduli(spectrum), Cotangent::Moduli(to)) => {
                let Wavelets { values, fold, .. } = self.deeper(step);
                let product = OfModuli::<T, S::V, PARTS> {
                    filter: values,
                    spectrum,
                };
                let mut of_lambda = filters.as_mut().and_then(|filters| {
                    filters.deeper[step.layer - 1][step.from][step.lambda].as_deref_mut()
                });
                plane.unfold(
                    |k1| fold.reads(k1),
                    back,
                    worker,
                    |k1, tile| {
                        let pieces = fold.pieces(k1);
                        simd.run(AddToCells::<T, S, PARTS> {
                            simd,
                            pieces,
                            filter: values,
                            tile,
                            to,
                        });
                        if let Some(to) = of_lambda.as_deref_mut() {
                            simd.run(AddToFilters {
                                simd,
                                pieces,
                                product,
                                tile,
                                to,
                            });
                        }
                    },
                );
            }
            _ => unreachable!("a cotangent is of what the step came from"),
        }
    }

    fn leave(&self, root: &mut Self::Root, plane: &mut [T], back: &mut Self::Back) {
        let Back {
            columns,
            rows,
            row,
            scratch,
            ..
        } = back;
        let [n0, n1] = self.grids.planes[0].grid().shape;
        for column in root.chunks_exact_mut(n0) {
            columns.process_with_scratch(column, scratch);
        }
        let half = T::narrow(0.5);
        for (y, to) in plane.chunks_exact_mut(n1).enumerate() {
            // Re Σ_k G(k)·exp(2πi·kx/n) is the transform of ½·(G(k) + conj G(−k)).
            for (k, value) in row.iter_mut().enumerate() {
                let sent = root[k * n0 + y];
                *value = match k == 0 || 2 * k == n1 {
                    true => Complex::new(sent.re, T::zero()),
                    false => sent * half,
                };
            }
            match rows.process_with_scratch(row, to, scratch) {
                Ok(()) => {}
                Err(error) => unreachable!("lines are as long as planned: {error}"),
            }
        }
    }
}
