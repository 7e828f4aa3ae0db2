//! The layer of signals, one path at a time.
//!
//! ```text
//! U[p, λ] = |IDFT(fold(Û[p] · ψ̂_λ))|,      fold(ẑ)(m) = Σ_{k ≡ m mod n} ẑ(k)
//! ```
//!
//! All aliases are added up, also those of a ψ̂ that reaches beyond the Nyquist frequency of its input: a spectrum is read as
//! the periodic sequence that it is.
//!
//! Levels whose lengths allow it are [`Phases`], with neighbours of one path in the lanes of a vector; others are plain lines of any
//! length. Spectra are the same for both, so that a path may go from one to the other.

mod along;

use std::ops::Range;
use std::sync::Arc;

use realfft::RealToComplex;
use rustfft::Fft;

use super::average::AxisAverage;
use super::phases::{
    For, Frequencies, Passband, PhaseAverage, PhaseBuffers, PhaseLengths, Phases, Reach, mean,
};
use super::{Backward, Cotangent, Keeper, Kept, Layer, Parent, Step, Visitor};
use crate::filters::Band;
use crate::grid::wrap;
use crate::kernels::pass::Passes;
use crate::kernels::scalar::add_scaled;
use crate::kernels::vector::{Cell, Simd, Vector, zero};
use crate::memory::Footprint;
use crate::num::{Complex, Real, sign};

/// What is kept of the U of a level.
#[derive(Debug, Clone)]
pub(crate) enum Keep<T> {
    /// U ⋆ φ, subsampled.
    Average(AxisAverage<T>),
    /// The mean over these samples.
    Mean(Range<usize>),
    /// The sum over all samples.
    Sum,
    /// These samples.
    Whole(Range<usize>),
}

impl<T: Real> Keep<T> {
    /// Numbers kept.
    pub fn len(&self) -> usize {
        match self {
            Keep::Average(average) => average.outputs.len(),
            Keep::Mean(_) | Keep::Sum => 1,
            Keep::Whole(kept) => kept.len(),
        }
    }

    /// What is kept of a U that no vector holds.
    pub fn of(&self, u: &[T], to: &mut [T]) {
        let sum = |u: &[T]| u.iter().map(|value| value.widen()).sum::<f64>();
        match self {
            Keep::Average(average) => average.apply(u, to),
            Keep::Mean(kept) => to[0] = T::narrow(sum(&u[kept.clone()]) / kept.len() as f64),
            Keep::Sum => to[0] = T::narrow(sum(u)),
            Keep::Whole(kept) => to.copy_from_slice(&u[kept.clone()]),
        }
    }

    /// The transpose: adds to the cotangent of U what that of what is kept of it says.
    pub fn add_adjoint(&self, kept: &[T], u: &mut [T]) {
        let add = |u: &mut [T], value: T| u.iter_mut().for_each(|u| *u += value);
        match self {
            Keep::Average(average) => average.add_adjoint(kept, u),
            Keep::Mean(over) => add(&mut u[over.clone()], kept[0] / T::narrow(over.len() as f64)),
            Keep::Sum => add(u, kept[0]),
            Keep::Whole(range) => add_scaled(&mut u[range.clone()], T::one(), kept),
        }
    }
}

/// The transforms of a level, and what is kept there.
struct Level<T, S: Simd<T>> {
    len: usize,
    transforms: Transforms<T, S>,
    keep: Keep<T>,
    /// What is read of the spectra of the U that live here.
    reach: Reach,
}

enum Transforms<T, S: Simd<T>> {
    /// And the average, if one is kept.
    Phases(Box<Phases<T, S>>, Option<PhaseAverage<T>>),
    Plain(Arc<dyn Fft<T>>, Arc<dyn RealToComplex<T>>),
}

/// ψ̂_λ for spectra of a level.
enum Filter<T, V> {
    Phases(Passband<T, V>),
    /// From a signed frequency on, without gaps.
    Plain(i64, Vec<T>),
}

impl<T: Real, V> Filter<T, V> {
    fn reach(&self) -> Reach {
        match self {
            Filter::Phases(band) => band.reach(),
            Filter::Plain(start, values) => Reach::of(*start, values.len()),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Filter::Phases(band) => band.bytes(),
            Filter::Plain(_, values) => size_of_val(&values[..]) as u64,
        }
    }
}

/// By λ; none where no path goes.
type ByLambda<T, V> = Vec<Option<Filter<T, V>>>;

/// Signals, path by path.
pub(crate) struct Alone<T, S: Simd<T>> {
    simd: S,
    /// Finest first.
    levels: Vec<Level<T, S>>,
    /// What is read of the spectrum of the input.
    root: Reach,
    /// By the level that a path comes from; the input is on level 0.
    filters: Vec<ByLambda<T, S::V>>,
    /// Where the values of ψ̂_λ stand that are not left out: from which signed frequency on, and how many.
    stretches: Vec<(i64, usize)>,
    /// The finest level that a U of order 1, 2, … lives on.
    finest: Vec<usize>,
    of: For,
}

/// One thread's lines.
#[derive(Debug)]
pub(crate) struct Lines<T, V> {
    phases: PhaseBuffers<T, V>,
    /// Coefficients, where they are asked for.
    cells: Vec<Cell<V>>,
    u: Vec<V>,
    line: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
    kept: Vec<T>,
}

/// How long they are.
#[derive(Default)]
struct Lengths {
    phases: PhaseLengths,
    cells: usize,
    u: usize,
    line: usize,
    scratch: usize,
    kept: usize,
}

/// The λ that paths go on with.
pub(crate) struct Steps<'a> {
    /// Of order 1.
    pub first: &'a [usize],
    /// From a U on a level: `[from][λ]`.
    pub deeper: &'a [Vec<bool>],
    /// The level that U lives on after λ, or a coarser one if it was there before, by λ.
    pub levels: &'a [usize],
}

impl<T: Real, S: Passes<T>> Alone<T, S> {
    /// From the length of every level, finest first, and what is kept there; ψ̂_λ and below which value it is left out; and the
    /// finest level that a U of order 1, 2, … lives on.
    pub fn new<'b>(
        simd: S,
        levels: impl Iterator<Item = (usize, Keep<T>)>,
        psi: impl Iterator<Item = (&'b Band<T, 1>, f64)>,
        steps: &Steps<'_>,
        finest: Vec<usize>,
        of: For,
    ) -> Self {
        let mut levels: Vec<_> = levels
            .map(|(len, keep)| Level::new(simd, len, keep))
            .collect();
        let psi: Vec<_> = psi.map(|(band, least)| without_gaps(band, least)).collect();
        let mut root = Reach::default();
        let mut filters: Vec<ByLambda<T, S::V>> = Vec::new();
        for from in 0..levels.len() {
            let of_level = |(lambda, (start, values)): (usize, &(i64, Vec<T>))| {
                let first = from == 0 && steps.first.contains(&lambda);
                let deeper = steps.deeper.get(from).is_some_and(|steps| steps[lambda]);
                if !first && !deeper {
                    return None;
                }
                let to = steps.levels[lambda].max(from);
                let filter = levels[to].filter(*start, values, levels[from].len, of);
                Some((filter, first, deeper))
            };
            let of_level: Vec<_> = psi.iter().enumerate().map(of_level).collect();
            for (filter, first, deeper) in of_level.iter().flatten() {
                for (reach, reads) in [(&mut root, first), (&mut levels[from].reach, deeper)] {
                    if *reads {
                        *reach = reach.max(filter.reach());
                    }
                }
            }
            let of_level = of_level.into_iter();
            filters.push(of_level.map(|filter| Some(filter?.0)).collect());
        }
        let stretches = psi.iter().map(|(start, values)| (*start, values.len()));
        Self {
            simd,
            levels,
            root,
            filters,
            stretches: stretches.collect(),
            finest,
            of,
        }
    }

    fn lengths(&self) -> Lengths {
        let filters = self.filters.iter().flatten().flatten();
        let terms = filters.map(|filter| match filter {
            Filter::Phases(band) => band.terms(),
            Filter::Plain(..) => 0,
        });
        let terms = terms.max().unwrap_or(0);
        let mut lengths = Lengths::default();
        for level in &self.levels {
            lengths.kept = lengths.kept.max(level.keep.len());
            let [before, after] = level.halo();
            let vectors = before + level.len.div_ceil(S::V::LANES) + after;
            lengths.u = lengths.u.max(vectors);
            match &level.transforms {
                Transforms::Phases(phases, _) => {
                    lengths.phases = lengths.phases.max(phases.lengths(terms));
                    if self.of == For::Coefficients {
                        lengths.cells = lengths.cells.max(phases.vectors());
                    }
                }
                Transforms::Plain(inverse, forward) => {
                    lengths.line = lengths.line.max(level.len);
                    let scratch = inverse.get_inplace_scratch_len();
                    let scratch = scratch.max(forward.get_scratch_len());
                    lengths.scratch = lengths.scratch.max(scratch);
                }
            }
        }
        lengths
    }

    fn lines_footprint(&self, others: Footprint) -> Footprint {
        let lengths = self.lengths();
        let footprint = others
            .with::<Cell<S::V>>("coefficients", lengths.cells)
            .with::<S::V>("moduli", lengths.u)
            .with::<Complex<T>>("line", lengths.line)
            .with::<Complex<T>>("scratch of a line", lengths.scratch)
            .with::<T>("kept of a path", lengths.kept);
        lengths.phases.footprint::<T, S::V>(footprint)
    }

    /// Vectors of scratch for the transposes of averages.
    fn spread_len(&self) -> usize {
        let averages = self.levels.iter().filter_map(Level::average);
        let lengths = averages.map(|average| average.spread_len(S::V::LANES));
        lengths.max().unwrap_or(0)
    }

    fn root_room(&self) -> Reach {
        self.levels[0].room(self.root)
    }

    /// Room for the spectra of an order.
    fn room(&self, order: usize) -> Reach {
        let levels = self.levels[self.finest[order - 1]..].iter();
        levels
            .map(|level| level.room(level.reach))
            .fold(Reach::default(), Reach::max)
    }

    /// Room for the spectrum of a U on a level.
    pub fn spectrum_on(&self, level: usize) -> Frequencies<T> {
        let level = &self.levels[level];
        Frequencies::new(level.room(level.reach))
    }

    /// Numbers of that, real and imaginary parts.
    pub fn spectrum_len(&self, level: usize) -> usize {
        let level = &self.levels[level];
        2 * level.room(level.reach).len()
    }

    fn filter(&self, step: &Step<'_>) -> &Filter<T, S::V> {
        let filter = &self.filters[step.from][step.lambda];
        filter
            .as_ref()
            .unwrap_or_else(|| unreachable!("{step:?} was not planned"))
    }

    /// U[p] ⋆ ψ_λ itself, in two parts as long as the level that it lives on.
    pub fn coefficients(
        &self,
        from: &Frequencies<T>,
        step: &Step<'_>,
        lines: &mut Lines<T, S::V>,
        [re, im]: [&mut [T]; 2],
    ) {
        let level = &self.levels[step.to];
        let scale = T::narrow(1.0 / self.levels[step.from].len as f64);
        match (&level.transforms, self.filter(step)) {
            (Transforms::Phases(phases, _), Filter::Phases(band)) => {
                let cells = &mut lines.cells[..phases.vectors()];
                phases.coefficients(band, from, scale, &mut lines.phases, cells);
                let lanes = S::V::LANES;
                let to = re.chunks_exact_mut(lanes).zip(im.chunks_exact_mut(lanes));
                for ((re, im), cell) in to.zip(cells) {
                    re.copy_from_slice(cell.re.lanes());
                    im.copy_from_slice(cell.im.lanes());
                }
            }
            (Transforms::Plain(inverse, _), Filter::Plain(start, values)) => {
                let line = &mut lines.line[..level.len];
                wave(from, *start, values, line);
                inverse.process_with_scratch(line, &mut lines.scratch);
                for ((re, im), z) in re.iter_mut().zip(im).zip(&*line) {
                    (*re, *im) = (z.re * scale, z.im * scale);
                }
            }
            _ => unreachable!("filters are made for their levels"),
        }
    }
}

impl<T: Real, S: Passes<T>> Alone<T, S> {
    /// The way back through [`coefficients`](Self::coefficients), from their cotangents: adds to that of the spectrum.
    pub fn coefficients_back(
        &self,
        step: &Step<'_>,
        [re, im]: [&[T]; 2],
        lines: &mut Lines<T, S::V>,
        to: &mut Frequencies<T>,
    ) {
        let level = &self.levels[step.to];
        let scale = T::narrow(1.0 / self.levels[step.from].len as f64);
        match (&level.transforms, self.filter(step)) {
            (Transforms::Phases(phases, _), Filter::Phases(band)) => {
                let cells = &mut lines.cells[..phases.vectors()];
                let lanes = S::V::LANES;
                let parts = re.chunks_exact(lanes).zip(im.chunks_exact(lanes));
                for (cell, (re, im)) in cells.iter_mut().zip(parts) {
                    *cell = Cell {
                        re: self.simd.load(re),
                        im: self.simd.load(im),
                    };
                }
                phases.coefficients_back(band, scale, cells, &mut lines.phases, to);
            }
            (Transforms::Plain(inverse, _), Filter::Plain(start, values)) => {
                let line = &mut lines.line[..level.len];
                // Conjugated before and after, it is the DFT.
                for (z, (&re, &im)) in line.iter_mut().zip(re.iter().zip(im)) {
                    *z = Complex::new(re, -im);
                }
                inverse.process_with_scratch(line, &mut lines.scratch);
                wave_back(line, *start, values, scale, to);
            }
            _ => unreachable!("filters are made for their levels"),
        }
    }
}

impl<T: Real, S: Passes<T>> Layer<T> for Alone<T, S> {
    type Root = Frequencies<T>;
    type Spectrum = Frequencies<T>;
    type Planes = ();
    type Lines = Lines<T, S::V>;

    const SHARED: bool = false;

    fn footprint(&self, others: Footprint) -> Footprint {
        let footprint = others.with::<[T; 2]>("spectrum of the signal", self.root_room().len());
        let footprint = self.lines_footprint(footprint);
        (1..self.finest.len()).fold(footprint, |footprint, order| {
            footprint.with::<[T; 2]>("spectrum of an order", self.room(order).len())
        })
    }

    fn root(&self) -> Frequencies<T> {
        Frequencies::new(self.root_room())
    }

    fn spectrum(&self, order: usize) -> Frequencies<T> {
        Frequencies::new(self.room(order))
    }

    fn planes(&self) {}

    fn grow(&self, (): &mut (), _order: usize) {}

    fn lines(&self) -> Lines<T, S::V> {
        let lengths = self.lengths();
        let zero = zero(self.simd);
        Lines {
            phases: PhaseBuffers::new(self.simd, lengths.phases),
            cells: vec![zero; lengths.cells],
            u: vec![zero.re; lengths.u],
            line: vec![Complex::default(); lengths.line],
            scratch: vec![Complex::default(); lengths.scratch],
            kept: vec![T::zero(); lengths.kept],
        }
    }

    fn bytes(&self) -> u64 {
        let filters = self.filters.iter().flatten().flatten();
        let averages = self.levels.iter().filter_map(Level::average);
        filters.map(Filter::bytes).sum::<u64>() + averages.map(PhaseAverage::bytes).sum::<u64>()
    }

    fn enter(
        &self,
        plane: &[T],
        constant: T,
        root: &mut Frequencies<T>,
        (): &mut (),
        team: &mut [Self::Lines],
    ) {
        let Lines { u, .. } = &mut team[0];
        S::V::numbers_mut(u)[..plane.len()].copy_from_slice(plane);
        self.levels[0].spectrum(0, self.root, &mut team[0], root);
        root.add_constant(plane.len(), constant);
    }

    fn step(
        &self,
        from: Parent<'_, Frequencies<T>, Frequencies<T>>,
        step: &Step<'_>,
        to: Option<&mut Frequencies<T>>,
        (): &mut (),
        team: &mut [Self::Lines],
        keep: Option<&mut Keeper<'_, T>>,
    ) {
        let (Parent::Input(from_hat) | Parent::Moduli(from_hat)) = from;
        let level = &self.levels[step.to];
        let scale = T::narrow(1.0 / self.levels[step.from].len as f64);
        let [before, _] = level.halo();
        let lines = &mut team[0];
        match (&level.transforms, self.filter(step)) {
            (Transforms::Phases(phases, _), Filter::Phases(band)) => {
                let u = &mut lines.u[before..before + phases.vectors()];
                phases.moduli(band, from_hat, scale, &mut lines.phases, u);
            }
            (Transforms::Plain(inverse, _), Filter::Plain(start, values)) => {
                let line = &mut lines.line[..level.len];
                wave(from_hat, *start, values, line);
                inverse.process_with_scratch(line, &mut lines.scratch);
                for (u, z) in S::V::numbers_mut(&mut lines.u).iter_mut().zip(line) {
                    *u = (z.re * z.re + z.im * z.im).sqrt() * scale;
                }
            }
            _ => unreachable!("filters are made for their levels"),
        }
        self.leave_step(step, to, lines, keep);
    }
}

impl<T: Real, S: Passes<T>> Alone<T, S> {
    /// Hands what is kept of a U to `keep`, if anybody wants it, and leaves its spectrum, if the path goes on.
    fn leave_step(
        &self,
        step: &Step<'_>,
        to: Option<&mut Frequencies<T>>,
        lines: &mut Lines<T, S::V>,
        keep: Option<&mut Keeper<'_, T>>,
    ) {
        let level = &self.levels[step.to];
        let [before, _] = level.halo();
        if let Some(keep) = keep {
            let kept = &mut lines.kept[..level.keep.len()];
            level.keep(self.simd, &mut lines.u, kept);
            keep(step.rows[0], kept);
        }
        if let Some(to) = to {
            level.spectrum(before, level.reach, lines, to);
        }
    }
}

/// One thread's scratch of the way back.
#[derive(Debug)]
pub(crate) struct Back<T, V> {
    /// Their U is a cotangent.
    lines: Lines<T, V>,
    /// Scratch of an average.
    spread: Vec<V>,
}

/// The cotangents of filters.
#[derive(Debug)]
pub(crate) struct FilterCotangents<T> {
    /// Layer by layer, by λ, of the values that are not left out.
    sums: Vec<Vec<Vec<f64>>>,
    /// What goes back through a filter of ones.
    through: Frequencies<T>,
}

impl<T: Real, S: Passes<T>> Backward<T> for Alone<T, S> {
    const SHARES: usize = 4;

    type Back = Back<T, S::V>;

    type Filters = FilterCotangents<T>;

    fn back_footprint(&self, others: Footprint) -> Footprint {
        let shares = (Self::SHARES + 1) * self.root_room().len();
        let footprint = self
            .lines_footprint(others)
            .with::<S::V>("scratch of an average", self.spread_len())
            .with::<[T; 2]>("cotangents of the spectrum of the signal", shares);
        (1..self.finest.len()).fold(footprint, |footprint, order| {
            footprint.with::<[T; 2]>("cotangent of an order", self.room(order).len())
        })
    }

    fn filters(&self, max_order: usize) -> FilterCotangents<T> {
        let of_layer = || self.stretches.iter().map(|&(_, len)| vec![0.0; len]);
        let rooms = self.levels.iter().map(|level| level.room(level.reach));
        FilterCotangents {
            sums: (0..max_order).map(|_| of_layer().collect()).collect(),
            through: Frequencies::new(rooms.fold(self.root_room(), Reach::max)),
        }
    }

    fn take_filters(&self, filters: &mut FilterCotangents<T>, visit: &mut Visitor<'_>) {
        for (layer, sums) in filters.sums.iter_mut().enumerate() {
            let of_layer = sums.iter_mut().zip(&self.stretches);
            for (lambda, (sums, &(start, _))) in of_layer.enumerate() {
                for (k, sum) in (start..).zip(sums) {
                    match std::mem::take(sum) {
                        0.0 => {}
                        sum => visit(layer, lambda, &[k], sum),
                    }
                }
            }
        }
    }

    fn back(&self) -> Back<T, S::V> {
        Back {
            lines: self.lines(),
            spread: vec![self.simd.splat(T::zero()); self.spread_len()],
        }
    }

    fn clear(&self, spectrum: &mut Frequencies<T>) {
        spectrum.clear();
    }

    fn clear_root(&self, root: &mut Frequencies<T>) {
        root.clear();
    }

    fn add(&self, spectrum: &Frequencies<T>, to: &mut Frequencies<T>) {
        to.add(spectrum);
    }

    fn add_root(&self, root: &Frequencies<T>, to: &mut Frequencies<T>) {
        to.add(root);
    }

    fn step_back(
        &self,
        from: Parent<'_, Frequencies<T>, Frequencies<T>>,
        step: &Step<'_>,
        kept: Kept<'_, T>,
        children: Option<&mut Frequencies<T>>,
        to: Cotangent<'_, Frequencies<T>, Frequencies<T>>,
        (): &mut (),
        _team: &mut [Lines<T, S::V>],
        back: &mut Back<T, S::V>,
        filters: Option<&mut FilterCotangents<T>>,
    ) {
        let (Parent::Input(from_hat) | Parent::Moduli(from_hat)) = from;
        let (Cotangent::Input(to) | Cotangent::Moduli(to)) = to;
        let level = &self.levels[step.to];
        let scale = T::narrow(1.0 / self.levels[step.from].len as f64);
        let [before, _] = level.halo();
        level.spread(self.simd, kept(step.rows[0]), back);
        if let Some(children) = children {
            level.spectrum_back(before, level.reach, children, &mut back.lines);
        }
        let filter = self.filter(step);
        level.moduli_back(filter, filter, from_hat, scale, &mut back.lines, to);
        if let Some(filters) = filters {
            // ∂/∂ψ̂(k) = Re(conj Û[p](k)·F z̄(k)), which is what goes back through a filter of ones.
            let (start, len) = self.stretches[step.lambda];
            let period = self.levels[step.from].len;
            let len_there = len.min(period);
            let ones = level.filter(start, &vec![T::one(); len_there], period, self.of);
            let through = &mut filters.through;
            through.clear();
            level.moduli_back(filter, &ones, from_hat, scale, &mut back.lines, through);
            let sums = &mut filters.sums[step.layer][step.lambda];
            for (i, sum) in sums.iter_mut().enumerate() {
                let k = start + (i % len_there) as i64; // aliases of one frequency
                let (u, z) = (from_hat.at(k), through.at(k));
                *sum += (u.re * z.re + u.im * z.im).widen();
            }
        }
    }

    fn leave(&self, root: &mut Frequencies<T>, plane: &mut [T], back: &mut Back<T, S::V>) {
        let lines = &mut back.lines;
        S::V::numbers_mut(&mut lines.u)[..plane.len()].fill(T::zero());
        self.levels[0].spectrum_back(0, self.root, root, lines);
        plane.copy_from_slice(&S::V::numbers(&lines.u)[..plane.len()]);
    }
}

impl<T: Real, S: Passes<T>> Level<T, S> {
    fn new(simd: S, len: usize, keep: Keep<T>) -> Self {
        let transforms = match Phases::new(simd, len) {
            Some(phases) => {
                let average = match &keep {
                    Keep::Average(average) => Some(PhaseAverage::new(S::V::LANES, average)),
                    _ => None,
                };
                Transforms::Phases(Box::new(phases), average)
            }
            None => Transforms::Plain(T::inverse(len), T::real_forward(len)),
        };
        Self {
            len,
            transforms,
            keep,
            reach: Reach::default(),
        }
    }

    fn average(&self) -> Option<&PhaseAverage<T>> {
        match &self.transforms {
            Transforms::Phases(_, average) => average.as_ref(),
            Transforms::Plain(..) => None,
        }
    }

    /// Vectors of the other end of U that are wanted on either side of it.
    fn halo(&self) -> [usize; 2] {
        self.average().map_or([0; 2], PhaseAverage::halo)
    }

    /// Room for a spectrum of which so much is read.
    fn room(&self, reach: Reach) -> Reach {
        match &self.transforms {
            Transforms::Phases(phases, _) => phases.room(reach),
            Transforms::Plain(..) => {
                let written = reach.within.min(self.len / 2);
                Reach {
                    within: reach.within,
                    below: reach.below.max(written),
                    above: reach.above.max(written + 1),
                }
            }
        }
    }

    /// ψ̂ for coefficients on this level of spectra of `period` samples.
    fn filter(&self, start: i64, values: &[T], period: usize, of: For) -> Filter<T, S::V> {
        match &self.transforms {
            Transforms::Phases(phases, _) => {
                Filter::Phases(phases.passband(start, values, period, of))
            }
            Transforms::Plain(..) => Filter::Plain(start, values.to_vec()),
        }
    }

    /// What is kept of a U that stands behind its halo.
    fn keep(&self, simd: S, u: &mut [S::V], to: &mut [T]) {
        let all = 0..self.len;
        match (&self.keep, self.average()) {
            (Keep::Average(_), Some(average)) => average.apply(simd, u, to),
            (Keep::Average(average), None) => average.apply(&S::V::numbers(u)[all], to),
            (Keep::Mean(kept), _) => to[0] = T::narrow(mean(simd, u, kept.clone())),
            (Keep::Sum, _) => to[0] = T::narrow(mean(simd, u, all) * self.len as f64),
            (Keep::Whole(kept), _) => to.copy_from_slice(&S::V::numbers(u)[kept.clone()]),
        }
    }

    /// The transpose of [`keep`](Self::keep): the cotangent of U, behind its halo.
    fn spread(&self, simd: S, kept: &[T], back: &mut Back<T, S::V>) {
        let Back { lines, spread } = back;
        let u = &mut lines.u;
        if let Some(average) = self.average() {
            average.spread(simd, kept, u, spread);
            return;
        }
        let u = &mut S::V::numbers_mut(u)[..self.len];
        u.fill(T::zero());
        self.keep.add_adjoint(kept, u);
    }

    /// The transpose of [`spectrum`](Self::spectrum): adds to the cotangent of U, from vector `first` on. The spectrum is
    /// overwritten.
    fn spectrum_back(
        &self,
        first: usize,
        reach: Reach,
        spectrum: &mut Frequencies<T>,
        lines: &mut Lines<T, S::V>,
    ) {
        let Lines {
            phases: buffers,
            u,
            line,
            scratch,
            ..
        } = lines;
        match &self.transforms {
            Transforms::Phases(phases, _) => {
                phases.spectrum_back(spectrum, reach, buffers, &mut u[first..]);
            }
            Transforms::Plain(inverse, _) => {
                let n = self.len as i64;
                let line = &mut line[..self.len];
                line.fill(Complex::default());
                spectrum.fold(self.len, reach);
                let within = reach.within.min(self.len / 2) as i64;
                for k in -within..=within.min((n - 1) / 2) {
                    line[wrap(k, self.len)] = spectrum.at(k);
                }
                inverse.process_with_scratch(line, scratch);
                for (u, z) in S::V::numbers_mut(u).iter_mut().zip(line) {
                    *u += z.re;
                }
            }
        }
    }

    /// The way back from the cotangent of U, which stands behind its halo, through U = |û ⋆ ψ|: adds to that of û. At the end the values of
    /// `through` stand for those of the filter.
    fn moduli_back(
        &self,
        filter: &Filter<T, S::V>,
        through: &Filter<T, S::V>,
        from: &Frequencies<T>,
        scale: T,
        lines: &mut Lines<T, S::V>,
        to: &mut Frequencies<T>,
    ) {
        let [before, _] = self.halo();
        let Lines {
            phases: buffers,
            u,
            line,
            scratch,
            ..
        } = lines;
        match (&self.transforms, filter, through) {
            (Transforms::Phases(phases, _), Filter::Phases(band), Filter::Phases(through)) => {
                phases.moduli_back(band, through, from, scale, &u[before..], buffers, to);
            }
            (
                Transforms::Plain(inverse, _),
                Filter::Plain(start, values),
                Filter::Plain(_, through),
            ) => {
                let line = &mut line[..self.len];
                wave(from, *start, values, line);
                inverse.process_with_scratch(line, scratch);
                for (z, &u) in line.iter_mut().zip(S::V::numbers(u)) {
                    *z = (sign(*z) * u).conj();
                }
                // Conjugated before and after, it is the DFT.
                inverse.process_with_scratch(line, scratch);
                wave_back(line, *start, through, scale, to);
            }
            _ => unreachable!("filters are made for their levels"),
        }
    }

    /// û of the U from vector `first` on, as far as it is read. U may be overwritten.
    fn spectrum(
        &self,
        first: usize,
        reach: Reach,
        lines: &mut Lines<T, S::V>,
        to: &mut Frequencies<T>,
    ) {
        let Lines {
            phases: buffers,
            u,
            line,
            scratch,
            ..
        } = lines;
        match &self.transforms {
            Transforms::Phases(phases, _) => {
                phases.spectrum(S::V::numbers(&u[first..]), reach, buffers, to);
            }
            Transforms::Plain(_, forward) => {
                let half = &mut line[..self.len / 2 + 1];
                let u = &mut S::V::numbers_mut(u)[..self.len];
                match forward.process_with_scratch(u, half, scratch) {
                    Ok(()) => {}
                    Err(error) => unreachable!("lines are as long as planned: {error}"),
                }
                for (k, &value) in (0..=reach.within as i64).zip(&*half) {
                    to.set(-k, value.conj());
                    if 2 * k < self.len as i64 {
                        to.set(k, value);
                    }
                }
                to.extend(self.len, reach);
            }
        }
    }
}

/// fold(x̂·ψ̂) on a line; ψ̂ from `start` on.
fn wave<T: Real>(x_hat: &Frequencies<T>, start: i64, psi_hat: &[T], line: &mut [Complex<T>]) {
    line.fill(Complex::default());
    let mut m = wrap(start, line.len());
    for (k, &value) in (start..).zip(psi_hat) {
        line[m] += x_hat.at(k) * value;
        m = if m + 1 == line.len() { 0 } else { m + 1 };
    }
}

/// The transpose, from the conjugate of a line: adds `scale` times it.
fn wave_back<T: Real>(
    line: &[Complex<T>],
    start: i64,
    psi_hat: &[T],
    scale: T,
    to: &mut Frequencies<T>,
) {
    let mut m = wrap(start, line.len());
    for (k, &value) in (start..).zip(psi_hat) {
        to.add_at(k, line[m].conj() * (value * scale));
        m = if m + 1 == line.len() { 0 } else { m + 1 };
    }
}

/// The values of a band above `least` as one stretch from a signed frequency on, which may pass the Nyquist frequency: the shortest
/// there is, zeros in its gaps.
fn without_gaps<T: Real>(band: &Band<T, 1>, least: f64) -> (i64, Vec<T>) {
    let n = band.grid().shape[0] as i64;
    let runs: Vec<_> = band.runs_above(0, least).collect();
    let Some(last) = runs.last() else {
        return (0, Vec::new());
    };
    let end = |run: &crate::filters::Run<'_, T, 1>| run.start[0] + run.values.len() as i64;
    // What lies between a run and the one before it, which of the first is the last, a period below.
    let gap = |i: usize| match i.checked_sub(1) {
        Some(before) => runs[i].start[0] - end(&runs[before]),
        None => runs[0].start[0] + n - end(last),
    };
    let first = (0..runs.len())
        .max_by_key(|&i| (gap(i), i == 0))
        .unwrap_or(0);
    let start = runs[first].start[0];
    let mut values = Vec::new();
    for i in first..first + runs.len() {
        let run = &runs[i % runs.len()];
        let at = (run.start[0] - start).rem_euclid(n) as usize;
        values.resize(at, T::zero());
        values.extend_from_slice(run.values);
    }
    (start, values)
}

#[cfg(test)]
mod tests {
    use super::super::average::EvenKernel;
    use super::super::phases::tests::noise;
    use super::*;
    use crate::filters::gauss;
    use crate::isa::Isa;
    use crate::kernels::pass::WithSimd;
    use crate::num::relative_error;
    use crate::num::sealed::Sealed;

    /// Three wavelets, one an octave, and all their paths of decreasing frequency: Σ w·S and its derivative.
    struct Chain<'a> {
        x: &'a [f64],
        keep: &'a str,
    }

    /// Wavelets of the paths.
    const PATHS: [&[usize]; 6] = [&[0], &[1], &[2], &[0, 1], &[0, 2], &[1, 2]];

    impl<T: Real> WithSimd<T> for Chain<'_> {
        type Output = (f64, Vec<f64>);

        fn run<S: Passes<T>>(self, simd: S) -> (f64, Vec<f64>) {
            let Self { x, keep } = self;
            let n = x.len();
            let levels = (0..3).map(|level| {
                let len = n >> level;
                let range = len / 7..len - len / 5;
                let keep = match keep {
                    "mean" => Keep::Mean(range),
                    "sum" => Keep::Sum,
                    "whole" => Keep::Whole(range),
                    _ => {
                        let step = 16 >> level;
                        let phi_hat = gauss::axis_hat(0.02 * (1 << level) as f64, len);
                        let kernel = EvenKernel::from_hat(&phi_hat);
                        Keep::Average(AxisAverage::new(kernel, 1..n / 16, step, 1e-16))
                    }
                };
                (len, keep)
            });
            let bands: Vec<_> = (0..3)
                .map(|j| {
                    let [xi, sigma] = [0.35, 0.1].map(|f| f * n as f64 / (1 << j) as f64);
                    let value = |k: i64| (-0.5 * ((k as f64 - xi) / sigma).powi(2)).exp();
                    let end = n as i64 / 2 + n as i64 / 8;
                    Band::<T, 1>::from_circle(n, -(n as i64) / 8..end, 1e-3, value)
                })
                .collect();
            let of_level = |level: usize| (0..3).map(|j| j > level).collect();
            let layer = Alone::<T, S>::new(
                simd,
                levels,
                bands.iter().map(|band| (band, 1e-3)),
                &Steps {
                    first: &[0, 1, 2],
                    deeper: &[0, 1, 2].map(of_level),
                    levels: &[0, 1, 2],
                },
                vec![0, 1],
                For::Moduli,
            );
            let steps: Vec<_> = PATHS
                .iter()
                .enumerate()
                .map(|(row, path)| Step {
                    rows: std::slice::from_ref(&[0, 1, 2, 3, 4, 5][row]),
                    lambda: path[path.len() - 1],
                    from: if path.len() == 1 { 0 } else { path[0] },
                    to: path[path.len() - 1],
                    layer: path.len() - 1,
                })
                .collect();
            let weights: Vec<Vec<T>> = steps
                .iter()
                .map(|step| {
                    let len = layer.levels[step.to].keep.len();
                    noise(20 + step.rows[0], len)
                        .into_iter()
                        .map(T::narrow)
                        .collect()
                })
                .collect();

            let mut team = [layer.lines()];
            let mut back = layer.back();
            let nan = Complex::new(T::nan(), T::nan());
            back.lines.u.fill(simd.splat(T::nan()));
            back.spread.fill(simd.splat(T::nan()));
            back.lines.line.fill(nan);
            let mut root = layer.root();
            let plane: Vec<T> = x.iter().map(|&x| T::narrow(x)).collect();
            layer.enter(&plane, T::zero(), &mut root, &mut (), &mut team);
            let mut loss = 0.0;
            let mut keep = |row: usize, kept: &[T]| {
                let products = kept.iter().zip(&weights[row]);
                loss += products.map(|(s, w)| s.widen() * w.widen()).sum::<f64>();
            };
            let mut root_bar = layer.root();
            layer.clear_root(&mut root_bar);
            for (first, step) in steps.iter().take(3).enumerate() {
                let (mut spectrum, mut bar) = (layer.spectrum(1), layer.spectrum(1));
                layer.clear(&mut bar);
                let goes_on = first < 2;
                let from = || Parent::Input(&root);
                let to = goes_on.then_some(&mut spectrum);
                layer.step(from(), step, to, &mut (), &mut team, Some(&mut keep));
                let kept = |row: usize| &weights[row][..];
                let deeper = steps.iter().zip(PATHS);
                for (step, _) in deeper.filter(|(_, path)| path.len() == 2 && path[0] == first) {
                    let from = || Parent::Moduli(&spectrum);
                    layer.step(from(), step, None, &mut (), &mut team, Some(&mut keep));
                    let to = Cotangent::Moduli(&mut bar);
                    layer.step_back(
                        from(),
                        step,
                        &kept,
                        None,
                        to,
                        &mut (),
                        &mut team,
                        &mut back,
                        None,
                    );
                }
                let children = goes_on.then_some(&mut bar);
                let to = Cotangent::Input(&mut root_bar);
                layer.step_back(
                    from(),
                    step,
                    &kept,
                    children,
                    to,
                    &mut (),
                    &mut team,
                    &mut back,
                    None,
                );
            }
            let mut gradient = vec![T::nan(); n];
            layer.leave(&mut root_bar, &mut gradient, &mut back);
            (loss, gradient.iter().map(|g| g.widen()).collect())
        }
    }

    #[test]
    fn gradients_equal_differences_at_every_length_and_average_on_every_instruction_set() {
        // vectors all the way, vectors and plain lines, plain lines only, of odd length at the end
        for n in [640, 160, 684] {
            for keep in ["average", "mean", "sum", "whole"] {
                let x = noise(1, n);
                let v = noise(2, n);
                let h = 1e-6;
                for isa in Isa::available() {
                    let of = |x: &[f64]| f64::with_simd(isa, Chain { x, keep });
                    let moved =
                        |h: f64| -> Vec<f64> { x.iter().zip(&v).map(|(x, v)| x + h * v).collect() };
                    let (_, gradient) = of(&x);
                    let expected = (of(&moved(h)).0 - of(&moved(-h)).0) / (2.0 * h);
                    let dot =
                        |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
                    let size = (dot(&gradient, &gradient) * dot(&v, &v)).sqrt();
                    let error = (dot(&gradient, &v) - expected).abs() / size;
                    assert!(error < 1e-7, "{n}, {keep}, {isa}: {error:e}");

                    let (_, single) = f32::with_simd(isa, Chain { x: &x, keep });
                    let error = relative_error(single, gradient);
                    assert!(error < 2e-5, "{n}, {keep}, {isa}, f32: {error:e}");
                }
            }
        }
    }

    #[test]
    fn nothing_has_no_gradient() {
        for n in [160, 684] {
            for isa in Isa::available() {
                let x = vec![0.0; n];
                let of = || Chain {
                    x: &x,
                    keep: "average",
                };
                let (_, single) = f32::with_simd(isa, of());
                let (_, double) = f64::with_simd(isa, of());
                assert!(
                    single.iter().chain(&double).all(|&g| g == 0.0),
                    "{n}, {isa}"
                );
            }
        }
    }
}
