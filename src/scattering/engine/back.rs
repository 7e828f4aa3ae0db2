//! The way back of a transform: from weights of features to the gradient with respect to the input.
//!
//! S is homogeneous of degree 1 and ψ̂(0) = 0, so that neither the scale nor the mean that are taken out of an input on the way there
//! has a part in it. The gradient with respect to filters grows with the input, and the scale is put back.

use std::any::Any;

use ndarray::{ArrayViewD, Axis};

use super::{Cascade, Engine, Entry};
use crate::grid::in_order;
use crate::layer::average::LowPass;
use crate::layer::{Backward, Layer, Visitor};
use crate::memory::Footprint;
use crate::num::Real;
use crate::scattering::cascade::{BackScratch, Order};
use crate::scattering::design::Design;
use crate::scattering::keep::Average;
use crate::scattering::path::Wavelet;
use crate::signal::pad::{Brought, add_unpadded, bring, rows_inside_mut};
use crate::{Cancel, Error, Result, parallel};

/// A transform that has a way back.
pub(crate) trait EngineBack<T>: Engine<T> {
    /// Everything that one thread takes, there and back.
    fn back_footprint(&self) -> Footprint;

    /// Scratch for this many threads, at least 1.
    fn back_scratch(&self, threads: usize) -> Box<dyn Any + Send + Sync>;

    /// The gradients with respect to inputs `[count, ..]` of Σ weights · features, one after another.
    ///
    /// # Errors
    /// As [`run`](Engine::run).
    fn run_back(
        &self,
        inputs: ArrayViewD<'_, T>,
        weights: ArrayViewD<'_, T>,
        out: &mut [T],
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
    ) -> Result<()>;
}

/// Scratch of the threads that share an input.
struct Team<T, L: Backward<T>> {
    entry: Entry<T, L>,
    /// The weights in row-major order, if the caller's are not.
    weights: Vec<T>,
    /// The cotangent of the root.
    bar: L::Root,
    lines: Vec<L::Lines>,
    planes: Vec<L::Planes>,
    back: Vec<L::Back>,
    orders: Vec<Vec<Order<L::Spectrum>>>,
    first: Option<L::Spectrum>,
    bars: Vec<L::Spectrum>,
    roots: Vec<L::Root>,
}

/// One team a thread, of which the first has room for all threads.
struct Teams<T, L: Backward<T>>(Vec<Team<T, L>>);

/// What stands for a thread in the vectors of scratch, and the vectors themselves.
type OneThread<T, L> = (
    Team<T, L>,
    <L as Layer<T>>::Lines,
    <L as Layer<T>>::Planes,
    <L as Backward<T>>::Back,
    Vec<Order<<L as Layer<T>>::Spectrum>>,
);

impl<T: Real, L: Backward<T>, W: Wavelet, const D: usize> Cascade<T, L, W, D> {
    /// Orders that a thread walks back alone.
    fn orders_alone(&self) -> std::ops::Range<usize> {
        1 + usize::from(L::SHARED)..self.design.paths.max_order()
    }

    fn team(&self, threads: usize) -> Team<T, L> {
        let order = |order| Order {
            hat: self.layer.spectrum(order),
            bar: self.layer.spectrum(order),
        };
        let planes = || {
            let mut planes = self.layer.planes();
            self.layer.grow(&mut planes, 1);
            planes
        };
        let shared = L::SHARED && self.design.paths.max_order() > 1;
        let shares = |any: bool| 0..if any { L::SHARES } else { 0 };
        Team {
            entry: self.entry(),
            weights: vec![T::zero(); self.design.layout.len()],
            bar: self.layer.root(),
            lines: (0..threads).map(|_| self.layer.lines()).collect(),
            planes: (0..threads).map(|_| planes()).collect(),
            back: (0..threads).map(|_| self.layer.back()).collect(),
            orders: (0..threads)
                .map(|_| self.orders_alone().map(order).collect())
                .collect(),
            first: shared.then(|| self.layer.spectrum(1)),
            bars: shares(shared).map(|_| self.layer.spectrum(1)).collect(),
            roots: shares(!L::SHARED).map(|_| self.layer.root()).collect(),
        }
    }

    /// As [`run_batch`](Self::run_batch).
    fn run_back_batch(
        &self,
        inputs: &ArrayViewD<'_, T>,
        weights: &ArrayViewD<'_, T>,
        out: &mut [T],
        Teams(teams): &mut Teams<T, L>,
        cancel: &Cancel,
    ) {
        let len = self.input_len();
        let count = teams.len();
        let whole = inputs.len_of(Axis(0)) / count * count;
        let (alone, shared) = out.split_at_mut(whole * len);
        let of = |i| [inputs, weights].map(|array| array.index_axis(Axis(0), i));
        let alone = alone.chunks_exact_mut(len).enumerate();
        parallel::for_each(teams.iter_mut(), alone, |team, (i, out)| {
            self.run_input_back(of(i), out, team, 1, &mut [], cancel);
        });
        for (i, out) in (whole..).zip(shared.chunks_exact_mut(len)) {
            self.run_input_back(of(i), out, &mut teams[0], count, &mut [], cancel);
        }
    }

    /// One input, on so many of the threads of a team; adds to the cotangents of filters, if there are any, which are to be
    /// multiplied with what is returned.
    fn run_input_back(
        &self,
        [input, weights]: [ArrayViewD<'_, T>; 2],
        out: &mut [T],
        team: &mut Team<T, L>,
        threads: usize,
        filters: &mut [L::Filters],
        cancel: &Cancel,
    ) -> T {
        if cancel.is_cancelled() {
            return T::zero();
        }
        let Team {
            entry:
                Entry {
                    input: copy,
                    plane,
                    averages,
                    root,
                },
            weights: copy_of_weights,
            bar,
            lines,
            planes,
            back,
            orders,
            first,
            bars,
            roots,
        } = team;
        let Design { axes, layout, .. } = &*self.design;
        let (lines, planes) = (&mut lines[..threads], &mut planes[..threads]);
        let back = &mut back[..threads];
        let input = in_order(&input, copy);
        let weights = in_order(&weights, copy_of_weights);
        let Brought { mean, amplitude } = bring(axes, input, plane);
        self.layer.enter(plane, mean, root, &mut planes[0], lines);
        let scratch = BackScratch {
            lines,
            planes,
            back,
            orders: &mut orders[..threads],
            first,
            bars,
            roots,
            filters,
        };
        let kept = |row| &weights[layout.range(row)];
        self.walk(cancel).back(root, scratch, &kept, bar);
        self.layer.leave(bar, plane, &mut back[0]);
        out.fill(T::zero());
        let (design, low_pass) = (&self.design, &self.low_pass);
        keep_input_back(design, low_pass, kept(0), plane, out, averages);
        add_unpadded(axes, plane, out);
        amplitude
    }
}

impl<T: Real, L: Backward<T> + 'static, W: Wavelet, const D: usize> EngineBack<T>
    for Cascade<T, L, W, D>
{
    fn back_footprint(&self) -> Footprint {
        let others = self.footprint();
        let others = others
            .with::<T>("weights", self.design.layout.len())
            .with::<OneThread<T, L>>("thread of the way back", 1);
        self.layer.back_footprint(others)
    }

    fn back_scratch(&self, threads: usize) -> Box<dyn Any + Send + Sync> {
        let teams = (0..threads).map(|i| self.team(if i == 0 { threads } else { 1 }));
        Box::new(Teams::<T, L>(teams.collect()))
    }

    fn run_back(
        &self,
        inputs: ArrayViewD<'_, T>,
        weights: ArrayViewD<'_, T>,
        out: &mut [T],
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
    ) -> Result<()> {
        let Some(teams) = scratch.downcast_mut::<Teams<T, L>>() else {
            return Err(Error::ForeignWorkspace);
        };
        match teams.0.len() {
            1 => self.run_back_batch(&inputs, &weights, out, teams, cancel),
            _ => parallel::inside(|| self.run_back_batch(&inputs, &weights, out, teams, cancel)),
        }
        cancel.check()
    }
}

impl<T: Real, L: Backward<T> + 'static, W: Wavelet, const D: usize> Cascade<T, L, W, D> {
    /// See [`Derivatives::run_filters`](super::Derivatives::run_filters).
    pub(super) fn run_filters(
        &self,
        inputs: ArrayViewD<'_, T>,
        weights: ArrayViewD<'_, T>,
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
        visit: &mut Visitor<'_>,
    ) -> Result<()> {
        let Some(Teams(teams)) = scratch.downcast_mut::<Teams<T, L>>() else {
            return Err(Error::ForeignWorkspace);
        };
        let (threads, team) = (teams.len(), &mut teams[0]);
        let max_order = self.design.paths.max_order();
        let mut gradient = vec![T::zero(); self.input_len()];
        let shares = (0..L::SHARES).map(|_| self.layer.filters(max_order));
        let mut filters: Vec<_> = shares.collect();
        // Input by input, so that sums over many of them are not in the precision of the transform.
        for i in 0..inputs.len_of(Axis(0)) {
            let of = [&inputs, &weights].map(|array| array.index_axis(Axis(0), i));
            let amplitude =
                self.run_input_back(of, &mut gradient, team, threads, &mut filters, cancel);
            cancel.check()?;
            for share in &mut filters {
                let amplitude = amplitude.widen();
                self.layer
                    .take_filters(share, &mut |layer, lambda, k, value| {
                        visit(layer, lambda, k, amplitude * value);
                    });
            }
        }
        Ok(())
    }
}

/// Row 0: adds to the gradient what its weights say, to that of the padded input or of the input.
pub(crate) fn keep_input_back<T: Real, W: Wavelet, const D: usize>(
    design: &Design<W, D>,
    low_pass: &Option<LowPass<T, D>>,
    weights: &[T],
    plane: &mut [T],
    input: &mut [T],
    averages: &mut [T],
) {
    let axes = &design.axes;
    match (design.average, low_pass) {
        (Average::Local, Some(low_pass)) => low_pass.add_adjoint(weights, plane, averages),
        (Average::Global, _) => {
            let count: usize = axes.iter().map(|axis| axis.inside().len()).product();
            let share = weights[0] / T::narrow(count as f64);
            rows_inside_mut(axes, input, &mut |row| {
                row.iter_mut().for_each(|value| *value += share);
            });
        }
        (Average::Sum, _) => plane.iter_mut().for_each(|value| *value += weights[0]),
        _ => {
            let mut weights = weights.iter();
            rows_inside_mut(axes, input, &mut |row| {
                let with_weights = row.iter_mut().zip(weights.by_ref());
                with_weights.for_each(|(value, &weight)| *value += weight);
            });
        }
    }
}
