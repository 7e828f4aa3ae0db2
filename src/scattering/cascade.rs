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

use super::path::{PathTable, Scale};

/// What a dimension supplies to the walk. Rows are those of the path table.
pub(crate) trait Layers<T> {
    /// Everything one walk writes into, but the spectra it descends from.
    type Scratch;

    /// U[p, λ] = |U[p] ⋆ ψ_λ| into the scratch, from the spectrum of U[p]; `row` is that of (p, λ).
    fn propagate(&self, parent_hat: &[Complex<T>], row: usize, scratch: &mut Self::Scratch);

    /// What the output keeps of the U in the scratch, which stays as it is.
    fn observe<'s>(&self, row: usize, scratch: &'s mut Self::Scratch) -> &'s [T];

    /// The spectrum of the U in the scratch, which may be destroyed.
    fn spectrum(&self, row: usize, scratch: &mut Self::Scratch, hat: &mut [Complex<T>]);
}

/// Computes one path and all its descendants from the spectrum of its parent, and hands each row to `emit`.
///
/// `hats` holds one spectrum for every order between the path's and the last but one.
pub(crate) fn walk<T, D: Layers<T>, W: Scale>(
    layers: &D,
    paths: &PathTable<W>,
    parent_hat: &[Complex<T>],
    row: usize,
    hats: &mut [Vec<Complex<T>>],
    scratch: &mut D::Scratch,
    emit: &mut impl FnMut(usize, &[T]),
) {
    layers.propagate(parent_hat, row, scratch);
    emit(row, layers.observe(row, scratch));
    if paths.children(row).is_empty() {
        return;
    }
    if let Some((hat, deeper)) = hats.split_first_mut() {
        layers.spectrum(row, scratch, hat);
        for child in paths.children(row) {
            walk(layers, paths, hat, child, deeper, scratch, emit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::FilterBank2d;

    /// Layers that only count, with the row whose U they hold as their scratch.
    struct Counting;

    #[derive(Default)]
    struct Counts {
        u: usize,
        forward: usize,
        inverse: usize,
        observed: Vec<usize>,
    }

    impl Layers<f32> for Counting {
        type Scratch = Counts;

        fn propagate(&self, parent_hat: &[Complex<f32>], row: usize, counts: &mut Counts) {
            assert_eq!(
                parent_hat[0].re, parent_hat[0].im,
                "a spectrum that nobody filled"
            );
            counts.u = row;
            counts.inverse += 1;
        }

        fn observe<'s>(&self, row: usize, counts: &'s mut Counts) -> &'s [f32] {
            assert_eq!(counts.u, row);
            counts.observed.push(row);
            &[]
        }

        fn spectrum(&self, row: usize, counts: &mut Counts, hat: &mut [Complex<f32>]) {
            assert_eq!(
                counts.u, row,
                "the spectrum must be taken before the U is overwritten"
            );
            counts.forward += 1;
            hat[0] = Complex::new(row as f32, row as f32);
        }
    }

    /// Inverse FFTs: one a path. Forward FFTs: one a path that has children. Every row once.
    #[test]
    fn transforms_are_as_many_as_the_path_table_predicts() {
        for (J, L, max_order) in [(3, 8, 2), (4, 2, 3), (2, 3, 1), (5, 1, 9), (1, 1, 2)] {
            let wavelets = FilterBank2d::params([64, 64], J).L(L).wavelets().into();
            let paths = PathTable::new(wavelets, max_order, 1, |_| (None, 1)).unwrap();
            let dirt = Complex::new(1.0, -1.0);
            let mut hats = vec![vec![dirt]; paths.max_order().saturating_sub(1)];
            let mut counts = Counts::default();
            let root = [Complex::new(0.0, 0.0)];
            for first in paths.children(0) {
                walk(
                    &Counting,
                    &paths,
                    &root,
                    first,
                    &mut hats,
                    &mut counts,
                    &mut |_, _| {},
                );
            }
            let with_children = (1..paths.len()).filter(|&row| !paths.children(row).is_empty());
            assert_eq!(counts.forward, with_children.count());
            assert_eq!(counts.inverse, paths.len() - 1);
            counts.observed.sort_unstable();
            assert!(counts.observed.into_iter().eq(1..paths.len()));
        }
    }
}
