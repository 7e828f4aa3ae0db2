//! One layer of the cascade, U[p, λ] = |U[p] ⋆ ψ_λ|, and what is kept of it.
//!
//! Comes in: the spectrum of the input or of U[p]. Goes out: what is kept of U[p, λ], and its spectrum for the next layer.
//! Layers differ in what fills the lanes of a vector; the walk over all paths is the same for all.
//!
//! The way back takes cotangents, the derivatives of a real loss with respect to what a layer computes (∂/∂Re + i·∂/∂Im
//! where that is complex), to those with respect to what it is computed from. With z = U[p] ⋆ ψ_λ, U = |z|, S = A·U and n samples of U[p]:
//!
//! ```text
//! Ū[p, λ] = Aᵀ S̄  +  Re Σ_k Û̄[p, λ](k)·exp(2πi·kt/n)      what is kept, and the paths that go on
//! z̄ = Ū·z/|z|                                              0 where z = 0
//! Û̄[p](k) += ψ̂(k)·unfold(F z̄)(k)/n                         for every λ
//! ```
//!
//! - [`Layer`]: what a way of computing a layer supplies to the walk, [`Backward`] to the walk back, [`Along`] to that along a direction;
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
#[cfg(test)]
mod layouts;
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

impl<Root, Spectrum> Copy for Parent<'_, Root, Spectrum> {}

impl<Root, Spectrum> Clone for Parent<'_, Root, Spectrum> {
    fn clone(&self) -> Self {
        *self
    }
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
    /// Wavelets of p.
    pub layer: usize,
}

/// Gets layer, λ, frequency and cotangent of values of filters.
pub(crate) type Visitor<'a> = dyn FnMut(usize, usize, &[i64], f64) + 'a;

/// The cotangents of what is kept, by row.
pub(crate) type Kept<'a, T> = &'a (dyn Fn(usize) -> &'a [T] + Sync);

/// The cotangent of what a group of paths descends from.
#[derive(Debug)]
pub(crate) enum Cotangent<'a, Root, Spectrum> {
    /// Of the spectrum of the input.
    Input(&'a mut Root),
    /// Of the spectra of the moduli of a group, path by path.
    Moduli(&'a mut Spectrum),
}

/// Gets what is kept of a path, by its row.
pub(crate) type Keeper<'a, T> = dyn FnMut(usize, &[T]) + 'a;

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

    /// U[p, λ] = |U[p] ⋆ ψ_λ|: hands what is kept of each path to `keep`, if anybody wants it, and leaves the spectra in `to`, if
    /// the paths go on. The team shares the work.
    fn step(
        &self,
        from: Parent<'_, Self::Root, Self::Spectrum>,
        step: &Step<'_>,
        to: Option<&mut Self::Spectrum>,
        planes: &mut Self::Planes,
        team: &mut [Self::Lines],
        keep: Option<&mut Keeper<'_, T>>,
    );
}

/// What one way of computing a layer supplies to derivatives along a direction.
///
/// With z = U[p] ⋆ ψ and its derivative dz = dU[p] ⋆ ψ, that of |z| is Re(dz·conj z)/|z|, 0 where z = 0. All else is linear.
pub(crate) trait Along<T>: Layer<T> {
    /// [`step`](Layer::step) of U[p] and of its derivative at once: hands what is kept of the derivative of each path to `keep`, and leaves
    /// the spectra of both in `to`, if the paths go on.
    #[allow(clippy::too_many_arguments)] // those of a step
    fn step_along(
        &self,
        from: [Parent<'_, Self::Root, Self::Spectrum>; 2],
        step: &Step<'_>,
        to: Option<[&mut Self::Spectrum; 2]>,
        planes: &mut [Self::Planes; 2],
        team: &mut [Self::Lines],
        keep: &mut Keeper<'_, T>,
    );
}

/// What one way of computing a layer supplies to the way back.
///
/// The cotangent of a spectrum stands where the spectrum does, frequency by frequency, natural order of parts, unscaled: it is
/// ∂/∂Re + i·∂/∂Im with respect to the DFT. Where half of a spectrum stands for all of it, what belongs to the other half is
/// added, conjugated.
pub(crate) trait Backward<T>: Layer<T> {
    /// Into how many sums the cotangents of what shares a spectrum are parted, of order 1 if threads share its steps, or else of the
    /// root: as many threads can work at once. The same for any number of threads, so that bits do not depend on it.
    const SHARES: usize;

    /// One thread's scratch of the way back, beside that of the way there.
    type Back: Send + Sync;

    /// The cotangents of all filters.
    type Filters: Send + Sync;

    /// Adds what the way back takes beside the way there: that, cotangents of the root and of the spectra of every order, and
    /// their shares.
    fn back_footprint(&self, others: Footprint) -> Footprint;

    fn back(&self) -> Self::Back;

    /// Zeros, for paths of so many wavelets at most.
    fn filters(&self, max_order: usize) -> Self::Filters;

    /// Hands out the cotangents that are not 0, and leaves zeros: the layer from 0, λ, the signed frequency along each axis, and
    /// ∂/∂ψ̂.
    fn take_filters(&self, filters: &mut Self::Filters, visit: &mut Visitor<'_>);

    /// Sets the cotangent of a spectrum to zero.
    fn clear(&self, spectrum: &mut Self::Spectrum);

    fn clear_root(&self, root: &mut Self::Root);

    /// Adds cotangents.
    fn add(&self, spectrum: &Self::Spectrum, to: &mut Self::Spectrum);

    fn add_root(&self, root: &Self::Root, to: &mut Self::Root);

    /// The way back through [`step`](Layer::step): adds to the cotangent of what `from` is the spectrum of. `kept` says the
    /// cotangent of what is kept of each row, `children` is the cotangent of the spectra that the step left, where paths go
    /// on; it may be overwritten. The team shares the work. Adds to those of `filters` too, if they are wanted.
    #[allow(clippy::too_many_arguments)] // those of a step, and their cotangents
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
        filters: Option<&mut Self::Filters>,
    );

    /// The way back through [`enter`](Layer::enter): the cotangent of the padded input from that of its spectrum, which may be
    /// overwritten.
    fn leave(&self, root: &mut Self::Root, plane: &mut [T], back: &mut Self::Back);
}
