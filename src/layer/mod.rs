//! One layer of the cascade, U[p, λ] = |U[p] ⋆ ψ_λ|, and what is kept of it.
//!
//! Comes in: the spectrum of the input or of U[p]. Goes out: what is kept of U[p, λ], and its spectrum for the next layer.
//! Layers differ in what fills the lanes of a vector; the walk over all paths is the same for all.
//!
//! - [`Layer`]: what a way of computing a layer supplies to the walk;
//! - [`side_by_side`]: lanes are the paths of a group, for images; [`plane`] is its hot path, the transforms of one grid;
//! - [`alone`]: one path at a time, for signals;
//! - [`frequency`]: convolution across wavelets, for joint scattering;
//! - [`fold`]: the product x̂·ψ̂ on a coarser grid, planned as pieces;
//! - [`average`]: φ_J and subsampling along one axis as a small matrix;
//! - [`observe`]: what is kept of U while it is computed: averages, means or U itself.

pub(crate) mod alone;
pub(crate) mod average;
pub(crate) mod fold;
pub(crate) mod frequency;
pub(crate) mod observe;
pub(crate) mod phases;
mod plane;
pub(crate) mod side_by_side;

use crate::memory::Footprint;

/// What a group of paths descends from.
#[derive(Debug)]
pub(crate) enum Parent<'a, Root, Spectrum> {
    /// The input: the same for all of the group.
    Input(&'a Root),
    /// The moduli of a group, path by path.
    Moduli(&'a Spectrum),
}

/// The step from U[p] to U[p, λ] for a group of paths.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// The rows of the paths (p, λ), neighbours in the path table.
    pub rows: &'a [usize],
    /// The last wavelet of the first of them: of all, unless they are of order 1, where each has its own.
    pub lambda: usize,
    /// The levels that U[p] and U[p, λ] live on.
    pub from: usize,
    pub to: usize,
}

/// What one way of computing a layer supplies to the cascade.
///
/// Scratch is made by the layer and borrowed apart by the walk: a root and the spectra of order 1 for every walk, the
/// rest for every thread.
pub(crate) trait Layer<T>: Send + Sync {
    /// The spectrum of an input.
    type Root: Send + Sync;
    /// The spectra of the moduli of a group.
    type Spectrum: Send + Sync;
    /// What a layer leaves in memory between its stages, for the threads that share it.
    type Planes: Send + Sync;
    /// One thread's lines.
    type Lines: Send + Sync;

    /// Whether threads share the stages of a step of order 1, and then what descends from it. Otherwise each takes steps of order 1
    /// of its own, with what descends from them.
    const SHARED: bool;

    /// Adds everything that one thread of a walk takes.
    fn footprint(&self, others: Footprint) -> Footprint;

    fn root(&self) -> Self::Root;

    /// Room for the spectra of paths of this order.
    fn spectrum(&self, order: usize) -> Self::Spectrum;

    /// No planes yet.
    fn planes(&self) -> Self::Planes;

    /// Makes planes large enough for paths of this order and of higher ones.
    fn grow(&self, planes: &mut Self::Planes, order: usize);

    fn lines(&self) -> Self::Lines;

    /// Bytes of the filters as this layer wants them.
    fn bytes(&self) -> u64;

    /// x̂ of a padded input: that of `plane` with the spectrum of a constant added.
    fn enter(
        &self,
        plane: &[T],
        constant: T,
        root: &mut Self::Root,
        planes: &mut Self::Planes,
        team: &mut [Self::Lines],
    );

    /// U[p, λ] = |U[p] ⋆ ψ_λ|: hands what is kept of each path to `keep`, by its row, and leaves the spectra in `to`, if
    /// the paths go on. The team shares the work.
    fn step(
        &self,
        from: Parent<'_, Self::Root, Self::Spectrum>,
        step: &Step<'_>,
        to: Option<&mut Self::Spectrum>,
        planes: &mut Self::Planes,
        team: &mut [Self::Lines],
        keep: &mut dyn FnMut(usize, &[T]),
    );
}
