//! [`Response`]: the product of a spectrum on lanes with a kernel's transfer function, which is zero in most places.
//!
//! Comes in: a column of x̂, real and imaginary parts exchanged. Goes out: the column of x̂·ĥ, parts in their places.
//! Where ĥ is zero nothing is stored and nothing is multiplied.

use std::ops::Range;

use num_complex::Complex;

use super::element::Element;
use super::squares::cell;
use super::vector::{Cell, Kernel, MAX_LANES, Simd, Vector, zero};

/// A kernel's transfer function in the order of a plane, `[k1 / LANES][k0][LANES]`, the 1/N of the inverse included.
pub struct Response<V> {
    /// The runs of every group of columns.
    groups: Vec<Range<usize>>,
    runs: Vec<Run>,
    values: Values<V>,
}

/// Neighbours along axis 0 that are not zero.
#[derive(Clone, Copy)]
struct Run {
    k0: usize,
    len: usize,
    value: usize,
}

enum Values<V> {
    Real(Vec<V>),
    Complex(Vec<Cell<V>>),
}

/// Zeros between two runs that are multiplied with rather than left out: a run costs about as much as so many products
/// (an estimate, not a measurement).
const GAP: usize = 8;

impl<V: Copy> Response<V> {
    /// From `at(k0, k1)`; `real` if that has no imaginary parts.
    pub fn new<T: Element, S: Simd<T, V = V>>(
        simd: S,
        [n0, n1]: [usize; 2],
        real: bool,
        at: impl Fn(usize, usize) -> Complex<f64>,
    ) -> Self
    where
        V: Vector<T>,
    {
        let lanes = V::LANES;
        let scale = 1.0 / (n0 * n1) as f64;
        let mut runs: Vec<Run> = Vec::new();
        let mut groups = Vec::new();
        let mut cells = Vec::new();
        for first in (0..n1).step_by(lanes) {
            let used = lanes.min(n1 - first);
            let begin = runs.len();
            for k0 in 0..n0 {
                let mut values = [Complex::ZERO; MAX_LANES];
                for (lane, value) in values[..used].iter_mut().enumerate() {
                    *value = at(k0, first + lane) * scale;
                }
                if values.iter().all(|value| *value == Complex::ZERO) {
                    continue;
                }
                match runs[begin..].last_mut() {
                    Some(run) if k0 < run.k0 + run.len + GAP => {
                        // what lies between is zero in every lane
                        let zeros = k0 - (run.k0 + run.len);
                        cells.extend(std::iter::repeat_n(zero(simd), zeros));
                        run.len = k0 + 1 - run.k0;
                    }
                    _ => {
                        let value = cells.len();
                        runs.push(Run { k0, len: 1, value });
                    }
                }
                cells.push(cell(simd, |lane| values[lane]));
            }
            groups.push(begin..runs.len());
        }
        let values = if real {
            Values::Real(cells.iter().map(|cell| cell.re).collect())
        } else {
            Values::Complex(cells)
        };
        Self {
            groups,
            runs,
            values,
        }
    }

    /// From all its cells, `n0` of every group of columns, the 1/N included: a kernel of few taps is zero nowhere.
    pub fn dense(n0: usize, cells: Vec<Cell<V>>) -> Self {
        let count = cells.len() / n0;
        let run = |group| Run {
            k0: 0,
            len: n0,
            value: group * n0,
        };
        Self {
            groups: (0..count).map(|group| group..group + 1).collect(),
            runs: (0..count).map(run).collect(),
            values: Values::Complex(cells),
        }
    }

    /// The runs of every group of columns: those of an empty one are zero from top to bottom.
    pub fn groups(&self) -> &[Range<usize>] {
        &self.groups
    }

    /// Whether a group is other than zero from top to bottom, so that a product with it writes every cell.
    pub fn is_dense(&self, group: usize, n0: usize) -> bool {
        let runs = &self.runs[self.groups[group].clone()];
        runs.first().is_some_and(|run| run.len == n0)
    }

    /// The product of a column of a group, in place or from elsewhere; cells outside its runs stay as they are.
    pub fn product<'a, T: Element, S: Simd<T, V = V>>(
        &'a self,
        simd: S,
        group: usize,
        from: Option<&'a [Cell<V>]>,
        to: &'a mut [Cell<V>],
    ) where
        V: Vector<T>,
    {
        simd.run(Product {
            simd,
            from,
            to,
            runs: &self.runs[self.groups[group].clone()],
            by: &self.values,
        });
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> u64 {
        let values = match &self.values {
            Values::Real(values) => size_of_val(&values[..]),
            Values::Complex(values) => size_of_val(&values[..]),
        };
        (values + size_of_val(&self.runs[..]) + size_of_val(&self.groups[..])) as u64
    }
}

/// A column, parts exchanged, times a kernel, in place or from elsewhere.
struct Product<'a, T, S: Simd<T>> {
    simd: S,
    from: Option<&'a [Cell<S::V>]>,
    to: &'a mut [Cell<S::V>],
    runs: &'a [Run],
    by: &'a Values<S::V>,
}

impl<T: Element, S: Simd<T>> Kernel for Product<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let _ = self.simd;
        for run in self.runs {
            let to = &mut self.to[run.k0..][..run.len];
            match (self.by, self.from) {
                (Values::Real(by), None) => {
                    for (to, &by) in to.iter_mut().zip(&by[run.value..]) {
                        *to = to.swapped().scaled(by);
                    }
                }
                (Values::Complex(by), None) => {
                    for (to, &by) in to.iter_mut().zip(&by[run.value..]) {
                        *to = to.swapped().times(by);
                    }
                }
                (Values::Real(by), Some(from)) => {
                    let from = from[run.k0..].iter().zip(&by[run.value..]);
                    for (to, (from, &by)) in to.iter_mut().zip(from) {
                        *to = from.swapped().scaled(by);
                    }
                }
                (Values::Complex(by), Some(from)) => {
                    let from = from[run.k0..].iter().zip(&by[run.value..]);
                    for (to, (from, &by)) in to.iter_mut().zip(from) {
                        *to = from.swapped().times(by);
                    }
                }
            }
        }
    }
}
