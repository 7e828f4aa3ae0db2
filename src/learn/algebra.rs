//! Dense products and eigenvectors, by `faer`.
//!
//! In come matrices of samples in rows; out come their products, their squared distances and their principal
//! directions. Everything is on the threads of the current pool and does not depend on how they are scheduled.
//!
//! Conventions that bite: products are in the precision of what goes in; principal directions are computed in double
//! precision, since the eigenvalues of a covariance are squares and single precision would lose those below 10⁻⁷ of
//! the largest.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par, Side};
use ndarray::{Array1, Array2, ArrayView2, Axis, CowArray, Ix2};

use crate::{Error, Result};

/// Eigenvalues below this share of the largest are rounding; their directions are arbitrary.
const NEGLIGIBLE: f64 = 1e-12;

/// Multiplications below which a product is done before other threads are awake.
const SMALL: usize = 1 << 22;

/// What matrices here are made of.
pub(crate) trait Scalar: faer::traits::ComplexField + num_traits::Float + 'static {}

impl Scalar for f32 {}
impl Scalar for f64 {}

/// a·bᵀ.
///
/// **Shape** `[m, d]` and `[n, d]` give `[m, n]`.
pub(crate) fn product_with_rows<T: Scalar>(a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T> {
    debug_assert_eq!(a.ncols(), b.ncols(), "rows of equal length");
    let mut out = Array2::zeros([a.nrows(), b.nrows()]);
    let [m, n, d] = [a.nrows(), b.nrows(), a.ncols()];
    let (a, b) = (dense(a), dense(b));
    if let (Some(a), Some(b), Some(out)) = (matrix(a.view()), matrix(b.view()), out.as_slice_mut())
    {
        matmul(
            MatMut::from_row_major_slice_mut(out, m, n),
            Accum::Replace,
            a,
            b.transpose(),
            num_traits::one(),
            if m * n * d < SMALL {
                Par::Seq
            } else {
                Par::rayon(0)
            },
        );
    }
    out
}

/// The matrix itself where its rows or its columns are contiguous, otherwise a copy.
fn dense<T: Scalar>(view: ArrayView2<'_, T>) -> CowArray<'_, T, Ix2> {
    if view.is_standard_layout() || view.t().is_standard_layout() {
        view.into()
    } else {
        view.as_standard_layout().into_owned().into()
    }
}

/// The same matrix for `faer`, if its rows or its columns are contiguous.
fn matrix<T: Scalar>(view: ArrayView2<'_, T>) -> Option<MatRef<'_, T>> {
    let [rows, columns] = [view.nrows(), view.ncols()];
    match (view.to_slice(), view.reversed_axes().to_slice()) {
        (Some(slice), _) => Some(MatRef::from_row_major_slice(slice, rows, columns)),
        (_, Some(slice)) => Some(MatRef::from_column_major_slice(slice, rows, columns)),
        _ => None,
    }
}

/// Squared length of every row.
pub(super) fn squared_norms<T: Scalar>(rows: ArrayView2<T>) -> Array1<T> {
    rows.rows().into_iter().map(|row| row.dot(&row)).collect()
}

/// Squared distances between rows, ‖a‖² + ‖b‖² − 2·a·b, at least 0.
///
/// **Shape** `[m, d]` and `[n, d]` give `[m, n]`.
pub(super) fn squared_distances(a: ArrayView2<f32>, b: ArrayView2<f32>) -> Array2<f32> {
    let (a_norms, b_norms) = (squared_norms(a), squared_norms(b));
    let mut distances = product_with_rows(a, b);
    for (mut row, a) in distances.rows_mut().into_iter().zip(&a_norms) {
        row.zip_mut_with(&b_norms, |value, b| {
            *value = (a + b - 2.0 * *value).max(0.0)
        });
    }
    distances
}

/// The mean of some samples and the orthonormal directions of their largest variance, in descending order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Principal {
    /// **Shape** `[d]`.
    pub mean: Array1<f32>,
    /// **Shape** `[k, d]`, one direction a row.
    pub directions: Array2<f32>,
}

/// The `count` principal directions of the rows, fewer if the rows span less.
///
/// The eigenvectors come from the covariance or from the Gram matrix of the centred rows, whichever is smaller.
///
/// # Errors
/// [`Error::Empty`] without a row; [`Error::InvalidParameter`] if the eigenvalues cannot be found, which takes values
/// so large that their squares overflow.
pub(super) fn principal(rows: ArrayView2<f32>, count: usize) -> Result<Principal> {
    let rows = rows.mapv(f64::from);
    let mean = rows.mean_axis(Axis(0)).ok_or_else(|| Error::Empty {
        shape: rows.shape().to_vec(),
    })?;
    let centred = rows - &mean;
    let [n, d] = [centred.nrows(), centred.ncols()];
    // Rows about their mean span one dimension less than there are rows.
    let count = count.min(n - 1).min(d);
    let by_samples = n <= d;
    let side = if by_samples {
        centred.view()
    } else {
        centred.t()
    };
    let square = product_with_rows(side, side);
    let (values, vectors) = leading_eigenvectors(&square, count)?;
    let mut directions = if by_samples {
        // From an eigenvector u of X·Xᵀ to the direction Xᵀ·u/√λ.
        let mut directions = product_with_rows(vectors.view(), centred.t());
        for (mut row, value) in directions.rows_mut().into_iter().zip(&values) {
            row /= value.sqrt();
        }
        directions
    } else {
        vectors
    };
    directions = directions.as_standard_layout().into_owned();
    Ok(Principal {
        mean: mean.mapv(|value| value as f32),
        directions: directions.mapv(|value| value as f32),
    })
}

/// The largest eigenvalues of a symmetric matrix in descending order, at most `count` and none that is rounding, and
/// their eigenvectors in rows.
///
/// # Errors
/// [`Error::InvalidParameter`] if they cannot be found, which takes values so large that their squares overflow.
pub(crate) fn leading_eigenvectors(
    matrix: &Array2<f64>,
    count: usize,
) -> Result<(Vec<f64>, Array2<f64>)> {
    let n = matrix.nrows();
    let failed = || Error::InvalidParameter {
        name: "features",
        value: format!("{n} x {n} covariance"),
        limit: "its eigenvalues do not converge; scale the features to values near 1".into(),
    };
    let dense = matrix.as_slice().ok_or_else(failed)?;
    let eigen = MatRef::from_row_major_slice(dense, n, n)
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| failed())?;
    let (ascending, vectors) = (eigen.S(), eigen.U());
    let value = |rank: usize| ascending[n - 1 - rank];
    let kept = (0..count)
        .take_while(|&rank| value(rank) > NEGLIGIBLE * value(0))
        .count();
    let rows = Array2::from_shape_fn([kept, n], |(rank, i)| vectors[(i, n - 1 - rank)]);
    Ok(((0..kept).map(value).collect(), rows))
}
