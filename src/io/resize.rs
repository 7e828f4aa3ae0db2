//! Resampling of planes of samples, in `f64`.
//!
//! In come the planes of an image as decoded; out come planes of the requested size. Each axis in turn, with
//! s = n_in / n_out, r = max(s, 1) and the triangle Λ(t) = max(1 − |t|, 0):
//!
//! ```text
//! y(i) = Σ_k w_k x(k) / Σ_k w_k,   w_k = Λ((k + ½ − (i + ½) s) / r)
//! ```
//!
//! Linear interpolation when enlarging, and when shrinking the same kernel widened to the coarser grid, so that fine
//! texture is averaged and not aliased. All weights are ≥ 0: the result stays within the range of the samples and has
//! no ringing beside edges, which band-pass filters would see. Cubic kernels are sharper and have both faults.
//! This is BILINEAR of Pillow, hence of the usual Python pipelines, so that sizes can be changed on either side.
//!
//! `image` resizes as well, but in `f32` and clamped to [0, 1], which cuts off the highlights of float formats.

use crate::{Error, Result};

/// Planes `[channels, H, W]` in row-major order, resampled from `from` = [H, W] to `to`.
pub(super) fn resize(x: &[f64], from: [usize; 2], to: [usize; 2]) -> Result<Vec<f64>> {
    if from == to {
        return Ok(x.to_vec());
    }
    let too_large = || Error::InvalidParameter {
        name: "resize",
        value: format!("{to:?}"),
        limit: "an image of this size does not fit into memory".to_string(),
    };
    let channels = x.len() / (from[0] * from[1]);
    let wide = along(x, from[1], 1, to[1]).ok_or_else(too_large)?;
    debug_assert_eq!(wide.len(), channels * from[0] * to[1]);
    along(&wide, from[0], to[1], to[0]).ok_or_else(too_large)
}

/// Resamples the middle axis of `[outer, n, inner]` to `m` samples; `None` if the result does not fit into memory.
fn along(x: &[f64], n: usize, inner: usize, m: usize) -> Option<Vec<f64>> {
    let outer = x.len() / (n * inner);
    let len = outer.checked_mul(m)?.checked_mul(inner)?;
    let mut y = Vec::new();
    y.try_reserve_exact(len).ok()?;
    y.resize(len, 0.0);
    let taps: Vec<_> = (0..m).map(|i| weights(i, n, m)).collect();
    for (x, y) in x.chunks_exact(n * inner).zip(y.chunks_exact_mut(m * inner)) {
        for ((first, weights), y) in taps.iter().zip(y.chunks_exact_mut(inner)) {
            for (x, &w) in x[first * inner..].chunks_exact(inner).zip(weights) {
                for (y, &x) in y.iter_mut().zip(x) {
                    *y += w * x;
                }
            }
        }
    }
    Some(y)
}

/// The first sample and the weights that make up output sample `i`.
fn weights(i: usize, n: usize, m: usize) -> (usize, Vec<f64>) {
    let s = n as f64 / m as f64;
    let r = s.max(1.0);
    let centre = (i as f64 + 0.5) * s;
    // Rounded as Pillow does; what it leaves out has weight 0 or less than half a sample at the rim.
    let first = (centre - r + 0.5).max(0.0) as usize;
    let end = ((centre + r + 0.5) as usize).min(n).max(first + 1);
    let mut w: Vec<f64> = (first..end)
        .map(|k| (1.0 - ((k as f64 + 0.5 - centre) / r).abs()).max(0.0))
        .collect();
    let sum: f64 = w.iter().sum();
    w.iter_mut().for_each(|w| *w /= sum);
    (first, w)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_close(got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len());
        for (g, e) in got.iter().zip(expected) {
            assert!((g - e).abs() < 1e-12, "{got:?} {expected:?}");
        }
    }

    #[test]
    fn halving_averages_with_weights_1_3_3_1() {
        let x: Vec<f64> = (0..8).map(|k| f64::from(k * k)).collect();
        let y = resize(&x, [1, 8], [1, 4]).unwrap();
        // Rows of weights by hand: [3, 3, 1]/7 at the rim, [1, 3, 3, 1]/8 inside.
        let expected = [
            (3.0 + 4.0) / 7.0,
            (1.0 + 12.0 + 27.0 + 16.0) / 8.0,
            (9.0 + 48.0 + 75.0 + 36.0) / 8.0,
        ];
        assert_close(&y[..3], &expected);
        assert_close(&y[3..], &[(25.0 + 108.0 + 147.0) / 7.0]);
    }

    #[test]
    fn doubling_interpolates_linearly() {
        let y = resize(&[0.0, 4.0], [2, 1], [4, 1]).unwrap();
        assert_close(&y, &[0.0, 1.0, 3.0, 4.0]);
    }

    #[test]
    fn both_axes_and_all_planes_equal_one_dimension_after_the_other() {
        let x: Vec<f64> = (0..2 * 5 * 7)
            .map(|k| f64::from(k % 11) - 20.0 * f64::from(k / 35))
            .collect();
        let y = resize(&x, [5, 7], [3, 10]).unwrap();
        for c in 0..2 {
            for i in 0..3 {
                for j in 0..10 {
                    let ((a, u), (b, v)) = (weights(i, 5, 3), weights(j, 7, 10));
                    let mut sum = 0.0;
                    for (k, u) in u.iter().enumerate() {
                        for (l, v) in v.iter().enumerate() {
                            sum += u * v * x[c * 35 + (a + k) * 7 + b + l];
                        }
                    }
                    assert_close(&[y[(c * 3 + i) * 10 + j]], &[sum]);
                }
            }
        }
    }

    #[test]
    fn a_constant_stays_constant_at_any_size() {
        for [h, w] in [[1, 1], [2, 13], [31, 1], [6, 40]] {
            assert_close(
                &resize(&[0.7; 6 * 9], [6, 9], [h, w]).unwrap(),
                &vec![0.7; h * w],
            );
        }
    }

    #[test]
    fn a_size_beyond_memory_is_refused() {
        assert!(resize(&[1.0], [1, 1], [usize::MAX, 2]).is_err());
        assert!(resize(&[1.0; 4], [2, 2], [1, usize::MAX / 16]).is_err());
    }
}
