//! The walk over all paths, once for every dimension.
//!
//! ```text
//! walk(U[p]):  for every λ that p admits:
//!                  U[p,λ] = |U[p] ⋆ ψ_λ|          one step of a layer,
//!                  S[p,λ] = what is kept of it    ⋆ φ_J, or its mean, or U itself
//!                  walk(U[p,λ])                   with its spectrum, if it admits a λ again
//! ```
//!
//! It starts at the root, p = ∅ with U[∅] = x. Paths that differ in their first wavelet only, and take the same steps from
//! there on, walk side by side: a [`Group`], with one path in each lane of a vector.
//!
//! Depth first, so that one spectrum per order is alive at a time: memory grows with the order, not with the number
//! of paths. Threads share the stages of every step of order 1, and then the steps that descend from it; or, where a layer's steps
//! are too short for that, the steps of order 1 themselves, each with all that descends from it.
//! Source: Mallat, "Group invariant scattering", 2012; Bruna & Mallat 2013, section 2.

use super::design::level_of;
use super::path::{PathTable, Wavelet};
use crate::Cancel;
use crate::kernels::vector::MAX_LANES;
use crate::layer::{Along, Backward, Cotangent, Kept, Layer, Parent, Step};
use crate::parallel;

/// Rows of the path table that walk side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    rows: [usize; MAX_LANES],
    len: usize,
}

impl Group {
    /// The groups of order 1: neighbours of one scale and one level that take the same steps from there on, at most
    /// `most` together. `levels` by λ.
    pub fn first<W: Wavelet>(
        paths: &PathTable<W>,
        levels: &[usize],
        most: usize,
    ) -> impl Iterator<Item = Group> {
        let most = most.min(MAX_LANES);
        let like = |row: usize| {
            let lambda = paths[row].lambdas[0];
            (paths.wavelets()[lambda].j(), levels[lambda])
        };
        let alike = move |a: usize, b: usize| like(a) == like(b) && paths.same_subtree(a, b);
        let mut rows = paths.children(0).peekable();
        std::iter::from_fn(move || {
            let start = rows.next()?;
            let more = (1..most)
                .map_while(|_| rows.next_if(|&row| alike(start, row)))
                .count();
            Some(Group {
                rows: std::array::from_fn(|lane| start + lane.min(more)),
                len: more + 1,
            })
        })
    }

    /// The rows, lane by lane.
    pub fn rows(&self) -> &[usize] {
        &self.rows[..self.len]
    }

    /// The groups that extend this one by one more wavelet, which is the same for all.
    pub fn children<W: Wavelet>(self, paths: &PathTable<W>) -> impl Iterator<Item = Group> {
        let rows = self.rows.map(|row| paths.children(row).start);
        (0..paths.children(self.rows[0]).len()).map(move |child| Group {
            rows: rows.map(|row| row + child),
            ..self
        })
    }

    /// Whether the paths go on.
    fn has_children<W: Wavelet>(&self, paths: &PathTable<W>) -> bool {
        !paths.children(self.rows[0]).is_empty()
    }
}

/// What a walk writes into, borrowed apart: one of everything for each thread, but that threads which share steps have the spectra of
/// order 1 in common.
pub(crate) struct Scratch<'a, T, L: Layer<T>> {
    /// Of order 1, if any path goes on from there.
    pub first: &'a mut [Option<L::Spectrum>],
    pub lines: &'a mut [L::Lines],
    pub planes: &'a mut [L::Planes],
    /// One for every order from 2 to the last but one.
    pub deeper: &'a mut [Vec<L::Spectrum>],
}

/// The paths of a transform and the layer that computes their steps.
pub(crate) struct Walk<'a, L, W> {
    pub layer: &'a L,
    pub paths: &'a PathTable<W>,
    /// The groups of order 1.
    pub groups: &'a [Group],
    /// The level that U lives on after λ, by λ.
    pub levels: &'a [usize],
    /// Read before every step.
    pub cancel: &'a Cancel,
}

impl<L, W: Wavelet> Walk<'_, L, W> {
    /// Everything that descends from the root. `keep` gets what is kept of every row but row 0, in no certain order, from any thread.
    pub fn run<T>(
        &self,
        root: &L::Root,
        scratch: Scratch<'_, T, L>,
        keep: &(impl Fn(usize, &[T]) + Sync),
    ) where
        L: Layer<T>,
    {
        let Scratch {
            first,
            lines,
            planes,
            deeper,
        } = scratch;
        if !L::SHARED {
            let workers = lines.iter_mut().zip(planes).zip(first).zip(deeper);
            let groups = self.groups.iter();
            parallel::for_each(
                workers,
                groups,
                |(((lines, planes), first), deeper), &group| {
                    let spectra = (first.as_mut(), &mut deeper[..]);
                    self.descend(Parent::Input(root), group, spectra, planes, lines, keep);
                },
            );
            return;
        }
        for &group in self.groups {
            if self.cancel.is_cancelled() {
                return;
            }
            let goes_on = group.has_children(self.paths);
            let mut to = first[0].as_mut().filter(|_| goes_on);
            self.layer.step(
                Parent::Input(root),
                &self.step_of(&group),
                to.as_deref_mut(),
                &mut planes[0],
                lines,
                Some(&mut |row, kept| keep(row, kept)),
            );
            let Some(from) = to.as_deref() else { continue };
            let workers = lines.iter_mut().zip(&mut *planes).zip(&mut *deeper);
            let children = group.children(self.paths);
            parallel::for_each(workers, children, |((lines, planes), deeper), child| {
                let spectra = next(deeper);
                self.descend(Parent::Moduli(from), child, spectra, planes, lines, keep);
            });
        }
    }

    /// A group and everything that descends from it. `spectra` are the group's, if there are any, and those of the orders behind it
    /// up to the last but one.
    fn descend<T>(
        &self,
        from: Parent<'_, L::Root, L::Spectrum>,
        group: Group,
        (to, deeper): (Option<&mut L::Spectrum>, &mut [L::Spectrum]),
        planes: &mut L::Planes,
        lines: &mut L::Lines,
        keep: &(impl Fn(usize, &[T]) + Sync),
    ) where
        L: Layer<T>,
    {
        if self.cancel.is_cancelled() {
            return;
        }
        let mut to = to.filter(|_| group.has_children(self.paths));
        self.layer.step(
            from,
            &self.step_of(&group),
            to.as_deref_mut(),
            planes,
            std::slice::from_mut(lines),
            Some(&mut |row, kept| keep(row, kept)),
        );
        if let Some(from) = to {
            for child in group.children(self.paths) {
                let from = Parent::Moduli(&*from);
                self.descend(from, child, next(deeper), planes, lines, keep);
            }
        }
    }

    fn step_of<'g>(&self, group: &'g Group) -> Step<'g> {
        let lambdas = &self.paths[group.rows[0]].lambdas;
        let last = lambdas.len() - 1;
        Step {
            rows: group.rows(),
            lambda: lambdas[last],
            from: level_of(&lambdas[..last], self.levels),
            to: level_of(lambdas, self.levels),
            layer: last,
        }
    }
}

/// A spectrum and its cotangent.
#[derive(Debug)]
pub(crate) struct Order<S> {
    pub hat: S,
    pub bar: S,
}

/// What a walk back writes into, borrowed apart: one of everything for each thread, and what they share.
pub(crate) struct BackScratch<'a, T, L: Backward<T>> {
    pub lines: &'a mut [L::Lines],
    pub planes: &'a mut [L::Planes],
    pub back: &'a mut [L::Back],
    /// The orders that a thread walks alone, up to the last but one.
    pub orders: &'a mut [Vec<Order<L::Spectrum>>],
    /// Where threads share the steps of order 1: the spectra of that order, if any path goes on from there.
    pub first: &'a mut Option<L::Spectrum>,
    /// Sums of cotangents, [`Backward::SHARES`] of them: of that spectrum, or of the root where threads have steps of order 1 to themselves.
    pub bars: &'a mut [L::Spectrum],
    pub roots: &'a mut [L::Root],
    /// As many cotangents of filters, to be added to; or none.
    pub filters: &'a mut [L::Filters],
}

impl<L, W: Wavelet> Walk<'_, L, W> {
    /// The way back from the cotangents of what was kept of every row but row 0 to that of the root's spectrum, which is set.
    ///
    /// ```text
    /// back(p):  for every λ that p admits:
    ///               back(p, λ), if it goes on            what its children send to Û̄[p, λ]
    ///               Û̄[p] += what (p, λ) sends            one step of a layer, back
    /// ```
    ///
    /// Depth first like the way there. Spectra on the way are computed again, which takes less than to keep them all.
    pub fn back<T>(
        &self,
        root: &L::Root,
        scratch: BackScratch<'_, T, L>,
        kept: Kept<'_, T>,
        to: &mut L::Root,
    ) where
        L: Backward<T>,
    {
        let BackScratch {
            lines,
            planes,
            back,
            orders,
            first,
            bars,
            roots,
            filters,
        } = scratch;
        self.layer.clear_root(to);
        if !L::SHARED {
            let workers = lines.iter_mut().zip(planes).zip(back).zip(orders);
            let shares = with(roots, filters).enumerate();
            parallel::for_each(workers, shares, |worker, (share, (to, mut filters))| {
                let (((lines, planes), back), orders) = worker;
                self.layer.clear_root(to);
                for &group in self.groups.iter().skip(share).step_by(L::SHARES) {
                    let (from, to) = (Parent::Input(root), Cotangent::Input(to));
                    let filters = filters.as_deref_mut();
                    self.ascend(from, group, orders, kept, to, planes, lines, back, filters);
                }
            });
            for root in roots {
                self.layer.add_root(root, to);
            }
            return;
        }
        for &group in self.groups {
            if self.cancel.is_cancelled() {
                return;
            }
            let step = self.step_of(&group);
            let from = Parent::Input(root);
            let hat = first.as_mut().filter(|_| group.has_children(self.paths));
            let goes_on = hat.is_some();
            if let Some(hat) = hat {
                let team = &mut *lines;
                self.layer
                    .step(from, &step, Some(hat), &mut planes[0], team, None);
                let workers = lines.iter_mut().zip(&mut *planes).zip(&mut *back);
                let workers = workers.zip(&mut *orders);
                let shares = with(bars, filters).enumerate();
                let hat = &*hat;
                parallel::for_each(workers, shares, |worker, (share, (to, mut filters))| {
                    let (((lines, planes), back), orders) = worker;
                    self.layer.clear(to);
                    for child in group.children(self.paths).skip(share).step_by(L::SHARES) {
                        let (from, to) = (Parent::Moduli(hat), Cotangent::Moduli(to));
                        let filters = filters.as_deref_mut();
                        self.ascend(from, child, orders, kept, to, planes, lines, back, filters);
                    }
                });
                let (sum, others) = bars.split_at_mut(1);
                for bar in others {
                    self.layer.add(bar, &mut sum[0]);
                }
            }
            self.layer.step_back(
                from,
                &step,
                kept,
                bars.first_mut().filter(|_| goes_on),
                Cotangent::Input(to),
                &mut planes[0],
                lines,
                &mut back[0],
                filters.first_mut(),
            );
        }
    }

    /// A group and everything that descends from it.
    #[allow(clippy::too_many_arguments)] // there and back meet
    fn ascend<T>(
        &self,
        from: Parent<'_, L::Root, L::Spectrum>,
        group: Group,
        orders: &mut [Order<L::Spectrum>],
        kept: Kept<'_, T>,
        to: Cotangent<'_, L::Root, L::Spectrum>,
        planes: &mut L::Planes,
        lines: &mut L::Lines,
        back: &mut L::Back,
        mut filters: Option<&mut L::Filters>,
    ) where
        L: Backward<T>,
    {
        if self.cancel.is_cancelled() {
            return;
        }
        let step = self.step_of(&group);
        let team = std::slice::from_mut(lines);
        let mut bar = None;
        if let [Order { hat, bar: of_hat }, deeper @ ..] = orders
            && group.has_children(self.paths)
        {
            self.layer.step(from, &step, Some(hat), planes, team, None);
            self.layer.clear(of_hat);
            for child in group.children(self.paths) {
                let (from, to) = (Parent::Moduli(&*hat), Cotangent::Moduli(&mut *of_hat));
                let (lines, filters) = (&mut team[0], filters.as_deref_mut());
                self.ascend(from, child, deeper, kept, to, planes, lines, back, filters);
            }
            bar = Some(of_hat);
        }
        self.layer
            .step_back(from, &step, kept, bar, to, planes, team, back, filters);
    }
}

/// What a walk along a direction writes into, borrowed apart.
pub(crate) struct AlongScratch<'a, T, L: Layer<T>> {
    pub lines: &'a mut [L::Lines],
    pub planes: &'a mut [L::Planes; 2],
    /// Spectra and their derivatives, of every order up to the last but one.
    pub orders: &'a mut [[L::Spectrum; 2]],
}

impl<L, W: Wavelet> Walk<'_, L, W> {
    /// The derivative of everything that descends from the root along a direction, of which the spectrum is the second root. `keep` gets
    /// that of what is kept of every row but row 0.
    pub fn along<T>(
        &self,
        [root, direction]: [&L::Root; 2],
        scratch: AlongScratch<'_, T, L>,
        keep: &mut impl FnMut(usize, &[T]),
    ) where
        L: Along<T>,
    {
        let AlongScratch {
            lines,
            planes,
            orders,
        } = scratch;
        for &group in self.groups {
            let from = [Parent::Input(root), Parent::Input(direction)];
            self.descend_along(from, group, orders, planes, lines, keep);
        }
    }

    /// A group and everything that descends from it.
    fn descend_along<T>(
        &self,
        from: [Parent<'_, L::Root, L::Spectrum>; 2],
        group: Group,
        orders: &mut [[L::Spectrum; 2]],
        planes: &mut [L::Planes; 2],
        lines: &mut [L::Lines],
        keep: &mut impl FnMut(usize, &[T]),
    ) where
        L: Along<T>,
    {
        if self.cancel.is_cancelled() {
            return;
        }
        let step = self.step_of(&group);
        let keep_step = &mut |row: usize, kept: &[T]| keep(row, kept);
        let [spectra, deeper @ ..] = orders else {
            self.layer
                .step_along(from, &step, None, planes, lines, keep_step);
            return;
        };
        let to = group.has_children(self.paths).then(|| spectra.each_mut());
        let goes_on = to.is_some();
        self.layer
            .step_along(from, &step, to, planes, lines, keep_step);
        for child in group.children(self.paths).filter(|_| goes_on) {
            let from = spectra.each_ref().map(Parent::Moduli);
            self.descend_along(from, child, deeper, planes, lines, keep);
        }
    }
}

/// Each with one of the others, as far as there are any.
fn with<'a, A, B>(
    all: &'a mut [A],
    others: &'a mut [B],
) -> impl Iterator<Item = (&'a mut A, Option<&'a mut B>)> {
    let mut others = others.iter_mut();
    all.iter_mut().map(move |one| (one, others.next()))
}

/// The spectra of an order, if there are any, and those of the orders behind it.
fn next<S>(spectra: &mut [S]) -> (Option<&mut S>, &mut [S]) {
    match spectra.split_first_mut() {
        Some((first, deeper)) => (Some(first), deeper),
        None => (None, &mut []),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::path::coarser;
    use super::*;
    use crate::filters::{FilterBank2d, Wavelet2d};
    use crate::layer::Keeper;
    use crate::memory::Footprint;

    /// A layer that only counts. A spectrum is the rows it belongs to.
    struct Counting<'a, const SHARED: bool> {
        paths: &'a PathTable<Wavelet2d>,
        counts: Mutex<Counts>,
    }

    #[derive(Default)]
    struct Counts {
        inverse: usize,
        forward: usize,
    }

    impl<const SHARED: bool> Layer<f32> for Counting<'_, SHARED> {
        type Root = ();
        type Spectrum = Vec<usize>;
        type Planes = ();
        type Lines = ();

        const SHARED: bool = SHARED;

        fn footprint(&self, others: Footprint) -> Footprint {
            others
        }

        fn root(&self) {}

        fn spectrum(&self, _order: usize) -> Vec<usize> {
            Vec::new()
        }

        fn planes(&self) {}

        fn grow(&self, (): &mut (), _order: usize) {}

        fn lines(&self) {}

        fn bytes(&self) -> u64 {
            0
        }

        fn enter(
            &self,
            _plane: &[f32],
            _constant: f32,
            (): &mut (),
            (): &mut (),
            _team: &mut [()],
        ) {
        }

        fn step(
            &self,
            from: Parent<'_, (), Vec<usize>>,
            step: &Step<'_>,
            to: Option<&mut Vec<usize>>,
            (): &mut (),
            _team: &mut [()],
            mut keep: Option<&mut Keeper<'_, f32>>,
        ) {
            for (lane, &row) in step.rows.iter().enumerate() {
                let parent = match from {
                    Parent::Input(()) => 0,
                    Parent::Moduli(rows) => rows[lane],
                };
                assert_eq!(self.paths.parent(row), Some(parent));
                assert_eq!(self.paths.last_wavelet(row).unwrap().j, step.to);
                assert_eq!(
                    self.paths.last_wavelet(parent).map_or(0, |psi| psi.j),
                    step.from
                );
                keep.as_mut().unwrap()(row, &[]);
            }
            let mut counts = self.counts.lock().unwrap();
            counts.inverse += 1;
            if let Some(to) = to {
                counts.forward += 1;
                *to = step.rows.to_vec();
            }
        }
    }

    /// Six orientations in groups of 1, 4 (with 2 left) or 6. Inverse FFTs: one a group of paths. Forward FFTs: one a
    /// group that has children. Every row once.
    #[test]
    fn transforms_are_as_many_as_the_path_table_predicts() {
        counts_are_predicted::<true>();
        counts_are_predicted::<false>();
    }

    fn counts_are_predicted<const SHARED: bool>() {
        let wavelets: Arc<[_]> = FilterBank2d::params([64, 64], 4).L(6).wavelets().into();
        let levels: Vec<_> = wavelets.iter().map(|psi| psi.j).collect();
        let admits = coarser(&wavelets);
        let paths = PathTable::new(Arc::clone(&wavelets), 3, 1, admits, |_| (None, 1)).unwrap();
        for threads in [1, 3] {
            for (side_by_side, expected) in [(1, 6), (4, 2), (8, 1)] {
                let layer = Counting::<SHARED> {
                    paths: &paths,
                    counts: Mutex::default(),
                };
                let groups: Vec<_> = Group::first(&paths, &levels, side_by_side).collect();
                let walk = Walk {
                    layer: &layer,
                    paths: &paths,
                    groups: &groups,
                    levels: &levels,
                    cancel: &Cancel::new(),
                };
                let scratch = Scratch {
                    first: &mut vec![Some(Vec::new()); threads],
                    lines: &mut vec![(); threads],
                    planes: &mut vec![(); threads],
                    deeper: &mut vec![vec![Vec::new()]; threads],
                };
                let kept = Mutex::new(Vec::new());
                walk.run(&(), scratch, &|row, _: &[f32]| {
                    kept.lock().unwrap().push(row)
                });
                // Per group: J = 4 scales, then 6·(3 + 2 + 1) pairs, then 6²·4 triples.
                let counts = layer.counts.into_inner().unwrap();
                assert_eq!(counts.inverse, expected * (4 + 6 * 6 + 36 * 4));
                assert_eq!(counts.forward, expected * (3 + 6 * 3));
                let mut kept = kept.into_inner().unwrap();
                kept.sort_unstable();
                assert!(kept.into_iter().eq(1..paths.len()));
            }
        }
    }

    #[test]
    fn a_cancelled_walk_takes_no_further_step() {
        let wavelets: Arc<[_]> = FilterBank2d::params([64, 64], 2).L(3).wavelets().into();
        let levels: Vec<_> = wavelets.iter().map(|psi| psi.j).collect();
        let admits = coarser(&wavelets);
        let paths = PathTable::new(Arc::clone(&wavelets), 2, 1, admits, |_| (None, 1)).unwrap();
        let layer = Counting::<true> {
            paths: &paths,
            counts: Mutex::default(),
        };
        let cancel = Cancel::new();
        let groups: Vec<_> = Group::first(&paths, &levels, 1).collect();
        let walk = Walk {
            layer: &layer,
            paths: &paths,
            groups: &groups,
            levels: &levels,
            cancel: &cancel,
        };
        let after = 3;
        let kept = Mutex::new(0);
        let scratch = Scratch {
            first: &mut [Some(Vec::new())],
            lines: &mut [()],
            planes: &mut [()],
            deeper: &mut [vec![]],
        };
        walk.run(&(), scratch, &|_, _: &[f32]| {
            let mut kept = kept.lock().unwrap();
            *kept += 1;
            if *kept == after {
                cancel.cancel();
            }
        });
        assert_eq!(kept.into_inner().unwrap(), after);
    }
}
