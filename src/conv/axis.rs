//! One axis of a convolution: which samples a mode reads and writes, and how a long axis is cut into blocks.
//!
//! Every mode is a window of one formula, over *positions* that may hold a sample or not:
//!
//! ```text
//! y(i) = Σ_{t < k} h(t)·x(i + offset − t),   0 ≤ i < m
//! ```
//!
//! with x zero outside `0 ≤ p < n`, or periodic. Samples of the input stand on multiples of `every`, zeros between;
//! outputs are kept on multiples of `keep`. The adjoint has the kernel conjugated and reversed, the two ends swapped,
//! and `offset` replaced by `k − 1 − offset`: the same formula again.

use num_complex::Complex;

use super::sample::Samples;
use crate::num::Real;
use crate::{Error, Result};

/// Which samples of a convolution are computed, for `n` samples and `k` taps along an axis.
///
/// | mode | samples | the signal continues |
/// | --- | --- | --- |
/// | `Circular` | n | periodically; tap 0 of the kernel stands at lag 0 |
/// | `Full` | n + k − 1 | with zeros; every sample that is touched at all |
/// | `Same` | n | with zeros; the middle of `Full`, from its sample ⌊(k − 1)/2⌋ on, as in SciPy |
/// | `Valid` | n − k + 1 | not at all: only where the kernel lies wholly inside |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// Periodic: y(i) = Σ_t h(t)·x((i − t) mod n). A kernel longer than n wraps around as often as it must.
    Circular,
    /// All of it.
    Full,
    /// As long as the input, centred.
    #[default]
    Same,
    /// Without the borders; the kernel is no longer than the input.
    Valid,
}

/// The shape as two axes; a 1D signal is one row.
pub(super) fn as_two_axes(shape: &[usize]) -> [usize; 2] {
    match *shape {
        [n1] => [1, n1],
        [n0, n1, ..] => [n0, n1],
        [] => [1, 1],
    }
}

/// Undoes [`as_two_axes`].
pub(super) fn own_axes<const D: usize>(two: [usize; 2]) -> [usize; D] {
    std::array::from_fn(|i| two[i + 2 - D.min(2)])
}

/// One axis: see the head of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    pub n: usize,
    pub every: usize,
    pub k: usize,
    pub circular: bool,
    pub offset: usize,
    pub m: usize,
    pub keep: usize,
}

/// Neighbouring samples of an axis and where they stand in a block: at `at`, `at + every`, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub at: usize,
    pub sample: usize,
    pub count: usize,
}

/// How one axis is cut: block b reads positions `origin + b·step ..` and its outputs `b·step ..` stand at its start,
/// since the kernel is moved by `shift` within the block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks {
    pub len: usize,
    pub origin: i64,
    pub shift: usize,
    pub step: usize,
    pub count: usize,
}

impl Axis {
    /// An axis of `n` samples and `k` taps, outputs kept on multiples of `keep`. Circular kernels are wrapped
    /// beforehand: k ≤ n.
    pub fn new(mode: Mode, n: usize, k: usize, keep: usize) -> Self {
        let (offset, m) = match mode {
            Mode::Circular => (0, n),
            Mode::Full => (0, n + k - 1),
            Mode::Same => ((k - 1) / 2, n),
            Mode::Valid => (k - 1, (n + 1).saturating_sub(k)),
        };
        Self {
            n,
            every: 1,
            k,
            circular: mode == Mode::Circular,
            offset,
            m,
            keep,
        }
    }

    /// The axis of the adjoint.
    pub fn adjoint(self) -> Self {
        Self {
            n: self.m,
            every: self.keep,
            offset: self.k - 1 - self.offset,
            m: self.n,
            keep: self.every,
            ..self
        }
    }

    /// Samples that go in.
    pub fn inputs(&self) -> usize {
        self.n.div_ceil(self.every)
    }

    /// Samples that come out.
    pub fn outputs(&self) -> usize {
        self.m.div_ceil(self.keep)
    }

    /// The least length of one block that computes everything, as [`one_block`](Self::one_block) lays it out.
    ///
    /// What wraps around falls on zeros or on outputs that nobody asked for.
    pub fn one_block_len(&self) -> usize {
        if self.circular {
            self.n
        } else {
            (self.n + self.k - 1 - self.offset).max(self.m + self.offset)
        }
    }

    /// One block for everything, of a length that [`one_block_len`](Self::one_block_len) and `keep` allow.
    pub fn one_block(&self, len: usize) -> Blocks {
        debug_assert!(len >= self.one_block_len() && len.is_multiple_of(self.keep));
        Blocks {
            len,
            origin: 0,
            shift: self.offset,
            step: self.m.next_multiple_of(self.keep),
            count: 1,
        }
    }

    /// Overlapping blocks: the first k − 1 of every `len` results are spoilt by wrapping and left out.
    pub fn overlapping(&self, len: usize) -> Option<Blocks> {
        let step = len.checked_sub(self.k - 1)? / self.keep * self.keep;
        (step > 0 && len.is_multiple_of(self.keep)).then(|| Blocks {
            len,
            origin: self.offset as i64 - (self.k as i64 - 1),
            shift: self.k - 1,
            step,
            count: self.m.div_ceil(step).max(1),
        })
    }

    /// The samples at positions `origin .. origin + len`, in increasing order of place.
    pub fn segments(&self, origin: i64, len: usize, mut visit: impl FnMut(Segment)) {
        let mut run = |at: usize, from: usize, to: usize| {
            let first = from.next_multiple_of(self.every);
            if first < to {
                visit(Segment {
                    at: at + first - from,
                    sample: first / self.every,
                    count: (to - first).div_ceil(self.every),
                });
            }
        };
        let n = self.n as i64;
        let end = origin + len as i64;
        if self.circular {
            let mut position = origin;
            while position < end {
                let from = position.rem_euclid(n);
                let to = n.min(from + end - position);
                run((position - origin) as usize, from as usize, to as usize);
                position += to - from;
            }
        } else {
            let (from, to) = (origin.max(0), end.min(n));
            if from < to {
                run((from - origin) as usize, from as usize, to as usize);
            }
        }
    }

    /// The sample at a position, if there is one and none are left out.
    pub fn sample(&self, position: i64) -> Option<usize> {
        debug_assert!(self.every == 1);
        let n = self.n as i64;
        let position = if self.circular {
            position.rem_euclid(n)
        } else {
            position
        };
        (0..n).contains(&position).then_some(position as usize)
    }

    /// One past the last place of a block that holds a sample.
    pub fn extent(&self, origin: i64, len: usize) -> usize {
        let mut extent = 0;
        self.segments(origin, len, |segment| {
            extent = segment.at + (segment.count - 1) * self.every + 1;
        });
        extent
    }
}

impl Blocks {
    /// First position that block `b` reads.
    pub fn origin_of(&self, b: usize) -> i64 {
        self.origin + (b * self.step) as i64
    }

    /// The output samples of block `b`.
    pub fn outputs_of(&self, b: usize, axis: &Axis) -> std::ops::Range<usize> {
        let start = b * self.step / axis.keep;
        start..(start + self.step / axis.keep).min(axis.outputs())
    }
}

/// Copies a window of a signal into a zeroed block: `put(place, sample)` wherever there is a sample; a real one has an
/// imaginary part of 0.
pub(super) fn gather<T: Real, P>(
    axes: &[Axis; 2],
    input: Samples<T>,
    origin: [i64; 2],
    block: [usize; 2],
    to: &mut [P],
    put: impl Fn(&mut P, Complex<T>),
) {
    match input {
        Samples::Real(input) => gather_from(axes, input, origin, block, to, |to, x| {
            put(to, Complex::new(x, T::zero()));
        }),
        Samples::Complex(input) => gather_from(axes, input, origin, block, to, put),
    }
}

fn gather_from<X: Copy, P>(
    axes: &[Axis; 2],
    input: &[X],
    origin: [i64; 2],
    block: [usize; 2],
    to: &mut [P],
    put: impl Fn(&mut P, X),
) {
    let width = axes[1].inputs();
    axes[0].segments(origin[0], block[0], |rows| {
        for j in 0..rows.count {
            let from = &input[(rows.sample + j) * width..][..width];
            let to = &mut to[(rows.at + j * axes[0].every) * block[1]..][..block[1]];
            axes[1].segments(origin[1], block[1], |columns| {
                let from = &from[columns.sample..][..columns.count];
                let to = &mut to[columns.at..];
                if axes[1].every == 1 {
                    to.iter_mut()
                        .zip(from)
                        .for_each(|(to, &from)| put(to, from));
                } else {
                    let to = to.iter_mut().step_by(axes[1].every);
                    to.zip(from).for_each(|(to, &from)| put(to, from));
                }
            });
        }
    });
}

/// Refuses what the mode does not allow.
pub(super) fn check_kernel(mode: Mode, n: &[usize], k: &[usize]) -> Result<()> {
    if mode == Mode::Valid && n.iter().zip(k).any(|(n, k)| k > n) {
        return Err(Error::WrongShape {
            what: "the kernel",
            got: k.to_vec(),
            expected: format!(
                "at most {n:?}, the input, for mode valid; use full or same, or a smaller kernel"
            ),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(axis: Axis, origin: i64, len: usize) -> Vec<i64> {
        let mut block = vec![-1; len];
        axis.segments(origin, len, |segment| {
            for j in 0..segment.count {
                block[segment.at + j * axis.every] = (segment.sample + j) as i64;
            }
        });
        block
    }

    #[test]
    fn a_window_is_zero_outside_or_periodic() {
        let open = Axis::new(Mode::Full, 4, 3, 1);
        assert_eq!(read(open, -2, 8), [-1, -1, 0, 1, 2, 3, -1, -1]);
        assert_eq!(read(open, 6, 3), [-1, -1, -1]);
        let torus = Axis::new(Mode::Circular, 4, 3, 1);
        assert_eq!(read(torus, -2, 11), [2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0]);
        // the adjoint of keeping every second output puts zeros between samples
        let stuffed = Axis::new(Mode::Circular, 6, 1, 2).adjoint();
        assert_eq!(read(stuffed, -3, 8), [-1, 2, -1, 0, -1, 1, -1, 2]);
        assert_eq!(stuffed.extent(0, 6), 5);
    }

    #[test]
    fn blocks_cover_every_output_once() {
        for (n, k, keep, len) in [(10, 3, 1, 5), (7, 7, 2, 8), (1, 1, 1, 1), (33, 4, 4, 8)] {
            for mode in [Mode::Circular, Mode::Full, Mode::Same, Mode::Valid] {
                let axis = Axis::new(mode, n, k, keep);
                let blocks = axis.overlapping(len).unwrap();
                let covered: Vec<_> = (0..blocks.count)
                    .flat_map(|b| blocks.outputs_of(b, &axis))
                    .collect();
                assert!(covered.into_iter().eq(0..axis.outputs()), "{axis:?}");
            }
        }
        assert_eq!(Axis::new(Mode::Full, 9, 5, 1).overlapping(4), None);
    }
}
