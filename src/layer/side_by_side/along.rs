//! The derivative of a step along a direction, path by path in the lanes.

use super::{Grids, SideBySide};
use crate::kernels::pass::Passes;
use crate::layer::{Along, Keeper, Layer, Parent, Step};
use crate::num::Real;

impl<T: Real, S: Passes<T>, const PARTS: usize> Along<T> for SideBySide<T, S, PARTS> {
    fn step_along(
        &self,
        [from, along]: [Parent<'_, Self::Root, Self::Spectrum>; 2],
        step: &Step<'_>,
        to: Option<[&mut Self::Spectrum; 2]>,
        [there, planes]: &mut [Self::Planes; 2],
        team: &mut [Self::Lines],
        keep: &mut Keeper<'_, T>,
    ) {
        let goes_on = to.is_some();
        let to = to.map(|[to, to_along]| {
            self.step(from, step, Some(to), there, team, None);
            to_along
        });
        if !goes_on {
            self.columns(from, step, there, team);
        }
        let Grids {
            planes: of_levels,
            observers,
            ..
        } = &self.grids;
        let (plane, observer) = (&of_levels[step.to], &observers[step.to]);
        let form = self.columns(along, step, planes, team);
        let scale = form.inverse_scale(of_levels[step.from].grid().len());
        let scale = T::narrow(scale);
        plane.rows_along(scale, observer, goes_on, there, planes, team);
        self.leave_step(step, to, planes, team, Some(keep));
    }
}
