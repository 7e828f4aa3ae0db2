//! The derivative of a step along a direction, one path at a time.

use super::{Alone, Filter, Transforms, wave};
use crate::kernels::pass::Passes;
use crate::kernels::vector::Vector;
use crate::layer::phases::Frequencies;
use crate::layer::{Along, Keeper, Layer, Parent, Step};
use crate::num::{Real, sign};

impl<T: Real, S: Passes<T>> Along<T> for Alone<T, S> {
    fn step_along(
        &self,
        [from, along]: [Parent<'_, Frequencies<T>, Frequencies<T>>; 2],
        step: &Step<'_>,
        to: Option<[&mut Frequencies<T>; 2]>,
        [there, _]: &mut [(); 2],
        team: &mut [Self::Lines],
        keep: &mut Keeper<'_, T>,
    ) {
        let (Parent::Input(hat) | Parent::Moduli(hat)) = from;
        let (Parent::Input(d_hat) | Parent::Moduli(d_hat)) = along;
        let to = to.map(|[to, to_along]| {
            self.step(from, step, Some(to), there, team, None);
            to_along
        });
        let level = &self.levels[step.to];
        let scale = T::narrow(1.0 / self.levels[step.from].len as f64);
        let [before, _] = level.halo();
        let lines = &mut team[0];
        match (&level.transforms, self.filter(step)) {
            (Transforms::Phases(phases, _), Filter::Phases(band)) => {
                let u = &mut lines.u[before..before + phases.vectors()];
                phases.moduli_along(band, [hat, d_hat], scale, &mut lines.phases, u);
            }
            (Transforms::Plain(inverse, _), Filter::Plain(start, values)) => {
                let [z, dz] = [hat, d_hat].map(|hat| {
                    let line = &mut lines.line[..level.len];
                    wave(hat, *start, values, line);
                    inverse.process_with_scratch(line, &mut lines.scratch);
                    line.to_vec()
                });
                let u = S::V::numbers_mut(&mut lines.u).iter_mut();
                for ((u, z), dz) in u.zip(z).zip(dz) {
                    *u = (dz * sign(z).conj()).re * scale;
                }
            }
            _ => unreachable!("filters are made for their levels"),
        }
        self.leave_step(step, to, lines, Some(keep));
    }
}
