//! The walk over all paths, once for every dimension.
//!
//! ```text
//! walk(U[p]):  for every λ that p admits:
//!                  U[p,λ] = |U[p] ⋆ ψ_λ|          one layer
//!                  S[p,λ] = observe(U[p,λ])       ⋆ φ_J, or its mean, or U itself
//!                  walk(U[p,λ])                   with its spectrum, if it admits a λ again
//! ```
//!
//! Depth first, so that one spectrum per order is alive at a time: memory grows with the order, not with the number
//! of paths. Source: Mallat, "Group invariant scattering", 2012; Bruna & Mallat 2013, section 2.

use num_complex::Complex;

use super::path::PathTable;

/// What a dimension supplies to the walk. Rows are those of the path table.
pub(crate) trait Layers<T> {
    /// Everything one walk writes into, but the spectra it descends from.
    type Scratch;

    /// U[child] = |U[parent] ⋆ ψ_λ| into the scratch, λ the last wavelet of the child.
    fn propagate(
        &self,
        parent: usize,
        parent_hat: &[Complex<T>],
        child: usize,
        scratch: &mut Self::Scratch,
    );

    /// What the output keeps of the U in the scratch, which stays as it is.
    fn observe<'s>(&self, row: usize, scratch: &'s mut Self::Scratch) -> &'s [T];

    /// The spectrum of the U in the scratch, which may be destroyed.
    fn spectrum(&self, row: usize, scratch: &mut Self::Scratch, hat: &mut [Complex<T>]);
}

/// Computes the path `child` and all its descendants from the spectrum of its parent, and hands each row to `emit`.
///
/// `hats` holds one spectrum for every order between the child and the last but one.
pub(crate) fn walk<T, D: Layers<T>, W: super::Scale>(
    layers: &D,
    paths: &PathTable<W>,
    parent: usize,
    parent_hat: &[Complex<T>],
    child: usize,
    hats: &mut [Vec<Complex<T>>],
    scratch: &mut D::Scratch,
    emit: &mut impl FnMut(usize, &[T]),
) {
    layers.propagate(parent, parent_hat, child, scratch);
    emit(child, layers.observe(child, scratch));
    if paths.children(child).is_empty() {
        return;
    }
    if let Some((hat, deeper)) = hats.split_first_mut() {
        layers.spectrum(child, scratch, hat);
        for grandchild in paths.children(child) {
            walk(layers, paths, child, hat, grandchild, deeper, scratch, emit);
        }
    }
}
