//! [`Grid`]: the shape of a sampled signal, the signed frequencies of its DFT, and where in an array an element stands.
//!
//! A level-`l` grid keeps every `2^l`-th sample along each axis. Index `k` of a DFT of length `n` is the signed
//! frequency `k` or `k − n`, whichever lies in `[−⌊n/2⌋, n − ⌊n/2⌋)`, in cycles per `n` samples: NumPy's `fftfreq`.

use ndarray::{ArrayBase, ArrayViewD, Data, DataMut, Dimension};
use num_traits::{Float, Zero};

use crate::{Error, Result};

/// Number of samples along each of `D` axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grid<const D: usize> {
    /// Samples per axis.
    pub shape: [usize; D],
}

impl<const D: usize> Grid<D> {
    /// A grid of this shape.
    pub fn new(shape: [usize; D]) -> Self {
        Self { shape }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The grid with every `2^level`-th sample, if `2^level` divides every side.
    pub fn at_level(&self, level: usize) -> Option<Self> {
        let subsampling = u32::try_from(level)
            .ok()
            .and_then(|l| 1_usize.checked_shl(l))?;
        self.shape
            .iter()
            .all(|n| n % subsampling == 0)
            .then(|| Self::new(self.shape.map(|n| n / subsampling)))
    }
}

/// The signed frequencies of a DFT of length `n`, in increasing order: `−⌊n/2⌋ .. n − ⌊n/2⌋`.
pub(crate) fn signed_frequencies(n: usize) -> std::ops::Range<i64> {
    let half = (n / 2) as i64;
    -half..n as i64 - half
}

/// The DFT index of signed frequency `k`: `k mod n`.
pub(crate) fn wrap(k: i64, n: usize) -> usize {
    k.rem_euclid(n as i64) as usize
}

/// The position, one number per axis, of the `index`-th element of an array of this shape in row-major order; NumPy's
/// `unravel_index`.
///
/// An index beyond the last element begins anew, and in a shape without elements every number is 0.
///
/// ```
/// assert_eq!(wavelet_scattering::grid::position(7, &[2, 3, 2]), [1, 0, 1]);
/// ```
pub fn position(mut index: usize, shape: &[usize]) -> Vec<usize> {
    let mut position = shape.to_vec();
    for at in position.iter_mut().rev() {
        let len = (*at).max(1);
        *at = index % len;
        index /= len;
    }
    position
}

/// Position and value of the first element, in row-major order, that is `wanted`.
///
/// The scan of contiguous elements costs little beside anything done with them, so it can stand before every
/// computation.
pub(crate) fn find<A, S, D>(
    array: &ArrayBase<S, D>,
    wanted: impl Fn(&A) -> bool,
) -> Option<(Vec<usize>, A)>
where
    A: Copy,
    S: Data<Elem = A>,
    D: Dimension,
{
    let found = |index, value| (position(index, array.shape()), value);
    if let Some(elements) = array.as_slice() {
        return find_in(elements, wanted).map(|index| found(index, elements[index]));
    }
    array.rows().into_iter().enumerate().find_map(|(i, row)| {
        let column = match row.as_slice() {
            Some(elements) => find_in(elements, &wanted),
            None => row.iter().position(&wanted),
        };
        column.map(|k| found(i * row.len() + k, row[k]))
    })
}

/// Index of the first element that is `wanted`; a branch every 64 elements, so that the scan is vectors.
pub(crate) fn find_in<A>(elements: &[A], wanted: impl Fn(&A) -> bool) -> Option<usize> {
    const CHUNK: usize = 64;
    let any = |chunk: &[A]| chunk.iter().fold(false, |any, x| any | wanted(x));
    let start = elements.chunks(CHUNK).position(any)? * CHUNK;
    let within = elements[start..].iter().position(wanted);
    within.map(|index| start + index)
}

/// Refuses NaN and infinities.
///
/// # Errors
/// [`Error::NotFinite`] with the position of the first one.
pub(crate) fn check_finite<T, S, D>(array: &ArrayBase<S, D>) -> Result<()>
where
    T: Float,
    S: Data<Elem = T>,
    D: Dimension,
{
    match find(array, |value: &T| !value.is_finite()) {
        None => Ok(()),
        Some((position, value)) => Err(Error::NotFinite {
            position,
            value: value.to_f64().unwrap_or(f64::NAN),
        }),
    }
}

/// The leading axes of an array that ends in these, of which `place` says what they are.
///
/// # Errors
/// [`Error::WrongShape`] if it ends otherwise, [`Error::Empty`] if it has no element.
pub(crate) fn leading<'s>(
    shape: &'s [usize],
    trailing: &[usize],
    place: &str,
) -> Result<&'s [usize]> {
    let Some(leading) = shape.strip_suffix(trailing) else {
        let axes: Vec<_> = trailing.iter().map(usize::to_string).collect();
        return Err(Error::WrongShape {
            what: "the input",
            got: shape.to_vec(),
            expected: format!("[.., {}], {place}, as planned", axes.join(", ")),
        });
    };
    if shape.contains(&0) {
        return Err(Error::Empty {
            shape: shape.to_vec(),
        });
    }
    Ok(leading)
}

/// Refuses an output that has other axes than these.
///
/// # Errors
/// [`Error::WrongShape`].
pub(crate) fn check_output(got: &[usize], leading: &[usize], trailing: &[usize]) -> Result<()> {
    if got.iter().eq(leading.iter().chain(trailing)) {
        return Ok(());
    }
    Err(Error::WrongShape {
        what: "the output",
        got: got.to_vec(),
        expected: format!("{:?}", [leading, trailing].concat()),
    })
}

/// The error of an input whose leading axes cannot be made one.
pub(crate) fn unmergeable(shape: &[usize]) -> Error {
    Error::WrongShape {
        what: "the input",
        got: shape.to_vec(),
        expected: "axes that can be flattened".into(),
    }
}

/// Fills an array in row-major order, through a copy if it is stored otherwise.
pub(crate) fn fill_in_order<A: Copy + Zero, S: DataMut<Elem = A>, D: Dimension, R>(
    out: &mut ArrayBase<S, D>,
    fill: impl FnOnce(&mut [A]) -> R,
) -> R {
    if let Some(out) = out.as_slice_mut() {
        return fill(out);
    }
    let mut dense = vec![A::zero(); out.len()];
    let filled = fill(&mut dense);
    out.iter_mut().zip(dense).for_each(|(to, from)| *to = from);
    filled
}

/// The elements of an array in row-major order, through a copy if it is stored otherwise.
pub(crate) fn in_order<'a, A: Copy>(array: &'a ArrayViewD<'_, A>, copy: &'a mut [A]) -> &'a [A] {
    if let Some(elements) = array.as_slice() {
        return elements;
    }
    copy.iter_mut()
        .zip(array)
        .for_each(|(to, &from)| *to = from);
    copy
}

#[cfg(test)]
mod tests {
    use ndarray::{Array, Array3, arr0, s};

    use super::*;

    #[test]
    fn positions_count_in_row_major_order() {
        let array = Array3::from_shape_fn([3, 4, 5], |(i, j, k)| [i, j, k]);
        for (index, at) in array.iter().enumerate() {
            assert_eq!(position(index, array.shape()), at);
        }
        assert!(position(0, &[]).is_empty());
        assert_eq!(position(5, &[2, 0]), [1, 0]);
    }

    #[test]
    fn the_first_bad_sample_is_found_in_any_layout() {
        let clean = Array3::from_shape_fn([3, 70, 5], |(i, j, k)| (i + j * k) as f32);
        assert!(check_finite(&clean).is_ok());
        for at in [[0, 0, 0], [0, 69, 4], [1, 12, 3], [2, 69, 4]] {
            let mut bad = clean.clone();
            bad[at] = f32::NEG_INFINITY;
            bad[[2, 69, 4]] = f32::NAN;
            let mut columns_first = Array::zeros(ndarray::ShapeBuilder::f([3, 70, 5]));
            columns_first.assign(&bad);
            let mut wide = Array3::zeros([3, 70, 9]);
            wide.slice_mut(s![.., .., 2..7]).assign(&bad);
            for view in [
                bad.view(),
                columns_first.view(),
                wide.slice(s![.., .., 2..7]),
            ] {
                let refused = check_finite(&view);
                assert!(
                    matches!(&refused, Err(Error::NotFinite { position, .. }) if position[..] == at),
                    "{at:?}: {refused:?}"
                );
            }
            assert!(check_finite(&bad.into_dyn()).is_err());
        }
        assert!(check_finite(&arr0(f64::NAN)).is_err());
        assert!(check_finite(&Array3::<f64>::zeros([0, 3, 2])).is_ok());
    }

    #[test]
    fn signed_frequencies_are_those_of_fftfreq() {
        assert_eq!(signed_frequencies(6), -3..3);
        assert_eq!(signed_frequencies(5), -2..3);
        assert_eq!(signed_frequencies(1), 0..1);
        assert_eq!(wrap(-1, 5), 4);
    }

    #[test]
    fn a_level_exists_where_its_subsampling_divides_every_side() {
        let grid = Grid::new([48, 40]);
        assert_eq!(grid.at_level(3), Some(Grid::new([6, 5])));
        assert_eq!(grid.at_level(4), None);
        assert_eq!(grid.at_level(usize::MAX), None);
    }
}
