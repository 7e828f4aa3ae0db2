//! The walk over all paths, once for every dimension.
//!
//! ```text
//! walk(U[p]):  for every λ that p admits:
//!                  U[p,λ] = |U[p] ⋆ ψ_λ|          one layer,
//!                  S[p,λ] = what is kept of it    ⋆ φ_J, or its mean, or U itself
//!                  walk(U[p,λ])                   with its spectrum, if it admits a λ again
//! ```
//!
//! Paths that differ in the orientation of their first wavelet only take the same steps, so they walk side by side, a
//! [`Group`] with one path in each lane of a vector.
//!
//! Depth first, so that one spectrum per order is alive at a time: memory grows with the order, not with the number
//! of paths. Source: Mallat, "Group invariant scattering", 2012; Bruna & Mallat 2013, section 2.

use super::path::{PathTable, Scale};
use crate::kernels::vector::MAX_LANES;

/// Rows of the path table that walk side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Group {
    rows: [usize; MAX_LANES],
    lanes: usize,
}

impl Group {
    /// The groups of the first layer: neighbouring wavelets of one scale, `lanes` at a time.
    pub fn first<W: Scale>(paths: &PathTable<W>, lanes: usize) -> impl Iterator<Item = Group> + '_ {
        let scale = |row: usize| paths.last_wavelet(row).map(Scale::j);
        let mut rows = paths.children(0).peekable();
        std::iter::from_fn(move || {
            let start = rows.next()?;
            let more = (1..lanes)
                .map_while(|_| rows.next_if(|&row| scale(row) == scale(start)))
                .count();
            let rows = std::array::from_fn(|lane| start + lane.min(more));
            Some(Group {
                rows,
                lanes: more + 1,
            })
        })
    }

    /// The rows, lane by lane.
    pub fn rows(&self) -> &[usize] {
        &self.rows[..self.lanes]
    }

    /// The groups that extend this one by one more wavelet, which is the same for all.
    pub fn children<W: Scale>(self, paths: &PathTable<W>) -> impl Iterator<Item = Group> + '_ {
        let rows = self.rows.map(|row| paths.children(row).start);
        (0..paths.children(self.rows[0]).len()).map(move |child| Group {
            rows: rows.map(|row| row + child),
            ..self
        })
    }

    /// Whether the paths go on.
    pub fn has_children<W: Scale>(&self, paths: &PathTable<W>) -> bool {
        !paths.children(self.rows[0]).is_empty()
    }
}

/// What a group descends from.
#[derive(Debug)]
pub(crate) enum Parent<'a, I, M> {
    /// The spectrum of the input: the same in every lane.
    Input(&'a [I]),
    /// Spectra of moduli: one in each lane.
    Moduli(&'a [M]),
}

impl<I, M> Clone for Parent<'_, I, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, M> Copy for Parent<'_, I, M> {}

/// What a dimension supplies to the walk.
pub(crate) trait Layers<T> {
    /// A sample of the spectrum of the input, and of spectra of moduli.
    type Input;
    type Moduli;
    /// Everything one walk writes into, but the spectra it descends from.
    type Scratch;

    /// U[p, λ] = |U[p] ⋆ ψ_λ| for a group of paths (p, λ): hands what is kept of each to `emit`, by its row, and leaves
    /// the spectra in `hat` if the group goes on.
    fn layer(
        &self,
        parent: Parent<'_, Self::Input, Self::Moduli>,
        group: &Group,
        hat: Option<&mut [Self::Moduli]>,
        scratch: &mut Self::Scratch,
        emit: &mut impl FnMut(usize, &[T]),
    );
}

/// Computes a group of paths and all its descendants from the spectra of its parent.
///
/// `hats` holds one spectrum for every order between the group's and the last but one.
pub(crate) fn walk<T, D: Layers<T>, W: Scale>(
    layers: &D,
    paths: &PathTable<W>,
    parent: Parent<'_, D::Input, D::Moduli>,
    group: Group,
    hats: &mut [Vec<D::Moduli>],
    scratch: &mut D::Scratch,
    emit: &mut impl FnMut(usize, &[T]),
) {
    match hats.split_first_mut() {
        Some((hat, deeper)) if group.has_children(paths) => {
            layers.layer(parent, &group, Some(hat), scratch, emit);
            for child in group.children(paths) {
                walk(
                    layers,
                    paths,
                    Parent::Moduli(hat),
                    child,
                    deeper,
                    scratch,
                    emit,
                );
            }
        }
        _ => layers.layer(parent, &group, None, scratch, emit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::FilterBank2d;

    /// Layers that only count. A spectrum is the rows it belongs to.
    struct Counting;

    #[derive(Default)]
    struct Counts {
        forward: usize,
        inverse: usize,
        observed: Vec<usize>,
    }

    impl Layers<f32> for Counting {
        type Input = ();
        type Moduli = Option<Group>;
        type Scratch = Counts;

        fn layer(
            &self,
            parent: Parent<'_, (), Option<Group>>,
            group: &Group,
            hat: Option<&mut [Option<Group>]>,
            counts: &mut Counts,
            emit: &mut impl FnMut(usize, &[f32]),
        ) {
            if let Parent::Moduli(hat) = parent {
                let parent = hat[0].expect("a spectrum that nobody filled");
                let paths = table();
                for (lane, &row) in group.rows().iter().enumerate() {
                    assert_eq!(
                        paths[row].lambdas[..1],
                        paths[parent.rows()[lane]].lambdas[..1]
                    );
                    assert_eq!(paths.parent(row), Some(parent.rows()[lane]));
                }
            }
            counts.inverse += 1;
            group.rows().iter().for_each(|&row| emit(row, &[]));
            counts.observed.extend(group.rows());
            if let Some(hat) = hat {
                counts.forward += 1;
                hat[0] = Some(*group);
            }
        }
    }

    fn table() -> PathTable<crate::filters::Wavelet2d> {
        let wavelets = FilterBank2d::params([64, 64], 4).L(6).wavelets().into();
        PathTable::new(wavelets, 3, 1, |_| (None, 1)).unwrap()
    }

    /// Six orientations in groups of 1, 4 (with 2 left) or 8. Inverse FFTs: one a group of paths. Forward FFTs: one a
    /// group that has children. Every row once.
    #[test]
    fn transforms_are_as_many_as_the_path_table_predicts() {
        let paths = table();
        for (lanes, groups) in [(1, 6), (4, 2), (8, 1)] {
            let mut hats = vec![vec![None]; 2];
            let mut counts = Counts::default();
            let mut emitted = 0;
            for first in Group::first(&paths, lanes) {
                let mut emit = |_: usize, _: &[f32]| emitted += 1;
                let parent = Parent::Input(&[()]);
                walk(
                    &Counting,
                    &paths,
                    parent,
                    first,
                    &mut hats,
                    &mut counts,
                    &mut emit,
                );
            }
            // Per group: J = 4 scales, then 6·(3 + 2 + 1) pairs, then 6²·4 triples.
            assert_eq!(counts.inverse, groups * (4 + 6 * 6 + 36 * 4));
            assert_eq!(counts.forward, groups * (3 + 6 * 3));
            counts.observed.sort_unstable();
            assert!(counts.observed.into_iter().eq(1..paths.len()));
            assert_eq!(emitted, paths.len() - 1);
        }
    }
}
