//! The derivative of a transform along a direction.
//!
//! S is homogeneous of degree 1, so that its derivative does not change with the scale of the input; the direction is linear, and
//! brought into range by a scale of its own.

use std::any::Any;

use ndarray::{ArrayViewD, Axis};

use super::back::EngineBack;
use super::{Cascade, keep_input};
use crate::grid::in_order;
use crate::layer::{Along, Backward, Visitor};
use crate::num::Real;
use crate::scattering::cascade::AlongScratch;
use crate::scattering::path::Wavelet;
use crate::signal::pad::{Brought, bring};
use crate::{Cancel, Result};

/// A transform with all derivatives: with respect to its filters, and along directions.
pub(crate) trait Derivatives<T>: EngineBack<T> {
    /// Hands out ∂/∂ψ̂ of Σ weights · features of every value of every filter that is not 0: layer, λ, frequency, input by input and
    /// part by part, to be added up.
    ///
    /// # Errors
    /// As [`run`](Engine::run).
    fn run_filters(
        &self,
        inputs: ArrayViewD<'_, T>,
        weights: ArrayViewD<'_, T>,
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
        visit: &mut Visitor<'_>,
    ) -> Result<()>;

    /// The derivatives of the features of inputs `[count, ..]` along directions of that shape, one after another.
    ///
    /// # Errors
    /// As [`run`](super::Engine::run).
    fn run_along(
        &self,
        inputs: ArrayViewD<'_, T>,
        directions: ArrayViewD<'_, T>,
        out: &mut [T],
        cancel: &Cancel,
    ) -> Result<()>;
}

impl<T: Real, L: Along<T> + Backward<T> + 'static, W: Wavelet, const D: usize> Derivatives<T>
    for Cascade<T, L, W, D>
{
    fn run_filters(
        &self,
        inputs: ArrayViewD<'_, T>,
        weights: ArrayViewD<'_, T>,
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
        visit: &mut Visitor<'_>,
    ) -> Result<()> {
        Cascade::run_filters(self, inputs, weights, scratch, cancel, visit)
    }

    fn run_along(
        &self,
        inputs: ArrayViewD<'_, T>,
        directions: ArrayViewD<'_, T>,
        out: &mut [T],
        cancel: &Cancel,
    ) -> Result<()> {
        let layout = &self.design.layout;
        let mut entries = [self.entry(), self.entry()];
        let mut lines = [self.layer.lines()];
        let mut planes = [self.layer.planes(), self.layer.planes()];
        planes
            .iter_mut()
            .for_each(|planes| self.layer.grow(planes, 1));
        let orders = 1..self.design.paths.max_order();
        let mut orders: Vec<_> = orders
            .map(|order| [self.layer.spectrum(order), self.layer.spectrum(order)])
            .collect();
        for (i, out) in out.chunks_exact_mut(layout.len()).enumerate() {
            let mut amplitude = T::zero();
            let of = [&inputs, &directions].map(|array| array.index_axis(Axis(0), i));
            for ((input, entry), planes) in of.into_iter().zip(&mut entries).zip(&mut planes) {
                let input = in_order(&input, &mut entry.input);
                let brought = bring(&self.design.axes, input, &mut entry.plane);
                // Row 0 is linear: what is left in it is that of the direction.
                let (row, averages) = (&mut out[layout.range(0)], &mut entry.averages);
                keep_input(
                    &self.design,
                    &self.low_pass,
                    input,
                    &entry.plane,
                    &brought,
                    row,
                    averages,
                );
                let Brought { mean, .. } = brought;
                self.layer
                    .enter(&entry.plane, mean, &mut entry.root, planes, &mut lines);
                amplitude = brought.amplitude;
            }
            let scratch = AlongScratch {
                lines: &mut lines,
                planes: &mut planes,
                orders: &mut orders,
            };
            let [input, direction] = entries.each_ref().map(|entry| &entry.root);
            self.walk(cancel)
                .along([input, direction], scratch, &mut |row, kept: &[T]| {
                    for (to, &value) in out[layout.range(row)].iter_mut().zip(kept) {
                        *to = value * amplitude;
                    }
                });
        }
        cancel.check()
    }
}
