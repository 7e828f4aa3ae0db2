//! The way back of joint scattering: across the wavelets for every wavelet of the second layer, and then over time.
//!
//! ```text
//! order 1     S1 and Û1 of every n1 again, which is what the way there has in memory too
//! across      from the weights to the cotangents of S1, and for every wavelet of order 2 to those of y, and of Û1
//! order 1     from both to the cotangent of the spectrum of the signal, wavelet by wavelet
//! ```
//!
//! A signal has a thread to itself, so that sums have one order.

use std::any::Any;

use ndarray::{ArrayViewD, Axis};

use super::{Joint, Own, Scratch, Shared};
use crate::grid::in_order;
use crate::kernels::pass::Passes;
use crate::layer::alone::{Alone, Keep};
use crate::layer::frequency::BackColumns;
use crate::layer::phases::Frequencies;
use crate::layer::{Backward, Cotangent, Layer, Parent};
use crate::memory::Footprint;
use crate::num::Real;
use crate::scattering::engine::{Engine, EngineBack, keep_input_back};
use crate::signal::pad::{Brought, add_unpadded, bring};
use crate::{Cancel, Error, Result, parallel};

/// Scratch of one thread, which has a signal to itself.
struct Team<T: Real, S: Passes<T>> {
    there: Scratch<T, S::V>,
    back: <Alone<T, S> as Backward<T>>::Back,
    columns: BackColumns<S::V>,
    weights: Vec<T>,
    /// Cotangents, of what [`Shared`] and [`Own`] hold.
    root: Frequencies<T>,
    spectra: Vec<Frequencies<T>>,
    s1: Vec<T>,
    re: Vec<T>,
    im: Vec<T>,
}

impl<T: Real, S: Passes<T>> Joint<T, S> {
    fn team(&self) -> Team<T, S> {
        let [y, ..] = self.lengths_of_steps();
        let zeros = |len| vec![T::zero(); len];
        let levels = &self.design.levels[..self.first];
        Team {
            there: self.scratch_of(1),
            back: self.layer.back(),
            columns: self.frequency.back_columns(),
            weights: zeros(self.design.layout.len()),
            root: self.layer.root(),
            spectra: levels
                .iter()
                .map(|&level| self.layer.spectrum_on(level))
                .collect(),
            s1: zeros(self.first * self.s1_len()),
            re: zeros(y),
            im: zeros(y),
        }
    }

    fn run_signal_back(
        &self,
        [input, weights]: [ArrayViewD<'_, T>; 2],
        out: &mut [T],
        team: &mut Team<T, S>,
        cancel: &Cancel,
    ) {
        let Team {
            there: Scratch { shared, threads },
            back,
            columns: back_columns,
            weights: copy_of_weights,
            root: root_bar,
            spectra: spectra_bar,
            s1: s1_bar,
            re: re_bar,
            im: im_bar,
        } = team;
        let Shared {
            input: copy,
            plane,
            averages,
            root,
            spectra,
            s1,
            ..
        } = shared;
        let Own {
            lines,
            columns,
            re,
            im,
            u2,
            ..
        } = &mut threads[0];
        let input = in_order(&input, copy);
        let weights = in_order(&weights, copy_of_weights);
        let layout = &self.design.layout;
        let Brought { mean, .. } = bring(&self.design.axes, input, plane);
        let team = std::slice::from_mut(lines);
        self.layer.enter(plane, mean, root, &mut (), team);
        let times = self.s1_len();
        for (lambda, (spectrum, s1)) in spectra
            .iter_mut()
            .zip(s1.chunks_exact_mut(times))
            .enumerate()
        {
            if cancel.is_cancelled() {
                return;
            }
            let keep = &mut |_, kept: &[T]| s1.copy_from_slice(kept);
            let (from, step) = (Parent::Input(&*root), self.step(&[0], lambda, 0));
            self.layer
                .step(from, &step, Some(spectrum), &mut (), team, Some(keep));
        }

        // Across them.
        let mut weights_left = &weights[if self.zeroth { layout.range(0).end } else { 0 }..];
        let mut spread = |keep: &Keep<T>, times: usize, rows: usize, u: &mut [T]| {
            let (own, others) = weights_left.split_at(rows * keep.len());
            weights_left = others;
            u[..rows * times].fill(T::zero());
            for (u, kept) in u.chunks_exact_mut(times).zip(own.chunks_exact(keep.len())) {
                keep.add_adjoint(kept, u);
            }
        };
        let rows = |rows: &[(usize, usize)]| rows.iter().map(|(_, rows)| rows).sum::<usize>();
        spread(&self.kept_of_order1(), times, rows(&self.order1), u2);
        self.frequency.run_back(
            self.order1.iter().copied(),
            [&mut s1[..], &mut s1_bar[..]],
            None,
            (self.first, times),
            columns,
            back_columns,
            u2,
        );
        spectra_bar.iter_mut().for_each(Frequencies::clear);
        for order2 in &self.order2 {
            if cancel.is_cancelled() {
                return;
            }
            let (times, keep) = (self.lengths[order2.level], &self.keeps[order2.level]);
            let step = |lambda: usize| self.step(&[0], order2.lambda, self.design.levels[lambda]);
            let stack = re.chunks_exact_mut(times).zip(im.chunks_exact_mut(times));
            for ((lambda, spectrum), (re, im)) in
                spectra[..order2.count].iter().enumerate().zip(stack)
            {
                self.layer
                    .coefficients(spectrum, &step(lambda), &mut team[0], [re, im]);
            }
            spread(keep, times, rows(&order2.rows), u2);
            self.frequency.run_back(
                order2.rows.iter().copied(),
                [&mut re[..], &mut re_bar[..]],
                Some([&mut im[..], &mut im_bar[..]]),
                (order2.count, times),
                columns,
                back_columns,
                u2,
            );
            let stack = re_bar.chunks_exact(times).zip(im_bar.chunks_exact(times));
            let spectra_bar = spectra_bar[..order2.count].iter_mut();
            for ((lambda, to), (re, im)) in spectra_bar.enumerate().zip(stack) {
                self.layer
                    .coefficients_back(&step(lambda), [re, im], &mut team[0], to);
            }
        }

        // Over time.
        self.layer.clear_root(root_bar);
        let times = self.s1_len();
        for (lambda, bar) in spectra_bar.iter_mut().enumerate() {
            if cancel.is_cancelled() {
                return;
            }
            let kept = |_| &s1_bar[lambda * times..][..times];
            let (from, to) = (Parent::Input(&*root), Cotangent::Input(&mut *root_bar));
            let step = self.step(&[0], lambda, 0);
            self.layer
                .step_back(from, &step, &kept, Some(bar), to, &mut (), team, back, None);
        }
        self.layer.leave(root_bar, plane, back);
        out.fill(T::zero());
        if self.zeroth {
            let weights = &weights[layout.range(0)];
            keep_input_back(&self.design, &self.low_pass, weights, plane, out, averages);
        }
        add_unpadded(&self.design.axes, plane, out);
    }
}

impl<T: Real, S: Passes<T>> EngineBack<T> for Joint<T, S> {
    fn back_footprint(&self) -> Footprint {
        let [y, ..] = self.lengths_of_steps();
        let spectra = self.design.levels[..self.first].iter();
        let spectra = spectra.map(|&level| self.layer.spectrum_len(level)).sum();
        let footprint = self
            .footprint()
            .with::<T>("weights", self.design.layout.len())
            .with::<T>("cotangents of spectra of order 1", spectra)
            .with::<T>(
                "cotangents of averages of order 1",
                self.first * self.s1_len(),
            )
            .with::<[T; 2]>("cotangents of coefficients", y);
        let footprint = self.frequency.back_footprint(footprint);
        self.layer.back_footprint(footprint)
    }

    fn back_scratch(&self, threads: usize) -> Box<dyn Any + Send + Sync> {
        let teams: Vec<Team<T, S>> = (0..threads).map(|_| self.team()).collect();
        Box::new(teams)
    }

    fn run_back(
        &self,
        inputs: ArrayViewD<'_, T>,
        weights: ArrayViewD<'_, T>,
        out: &mut [T],
        scratch: &mut (dyn Any + Send + Sync),
        cancel: &Cancel,
    ) -> Result<()> {
        let Some(teams) = scratch.downcast_mut::<Vec<Team<T, S>>>() else {
            return Err(Error::ForeignWorkspace);
        };
        let signals = out.chunks_exact_mut(self.design.axes[0].len).enumerate();
        parallel::for_each(teams, signals, |team, (i, out)| {
            let of = [&inputs, &weights].map(|array| array.index_axis(Axis(0), i));
            self.run_signal_back(of, out, team, cancel);
        });
        cancel.check()
    }
}
