//! [`Transfer`]: a kernel as a product with the spectrum of a block; and [`transfer_of_taps`], where it comes from.
//!
//! ```text
//! ĥ(k) = Σ_t h(t)·exp(−2πi·k·(t − shift)/N),    ŷ(m) = Σ_a x̂(m + a·M)·ĥ(m + a·M) / N
//! ```
//!
//! with M ≤ N samples of a result: subsampling is the sum over the aliases a.

use num_complex::Complex;

use super::spectrum::Layout;
use crate::kernels::any_length::AnyLength;
use crate::num::Real;

/// Values of a transfer function that multiply neighbours and end among neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    target: usize,
    source: usize,
    value: usize,
    len: usize,
    /// The source is read downwards and conjugated: it stands for the half that is not stored.
    mirrored: bool,
}

/// A kernel's transfer function for one layout: mirroring, folding and zeros are all decided here, so that a product
/// is a few straight loops. The 1/N of the inverse is part of it.
#[derive(Debug, Clone)]
pub(super) struct Transfer<T> {
    pieces: Vec<Piece>,
    values: Values<T>,
    /// Every target is written exactly once.
    exact: bool,
    /// Rows of the target that are not zero.
    live: Vec<bool>,
}

#[derive(Debug, Clone)]
enum Values<T> {
    Real(Vec<T>),
    Complex(Vec<Complex<T>>),
}

/// Zeros are left out in aligned stretches of so many: a new piece costs about as much as so many products (an estimate,
/// not a measurement).
const CHUNK: usize = 8;

impl<T: Real> Transfer<T> {
    /// From the full transfer function on the grid of the block, in the order of [`Layout::full`].
    pub fn new(hat: &[Complex<f64>], layout: &Layout) -> Self {
        let [rows, columns] = layout.full(layout.block);
        let [kept_rows, kept_columns] = layout.full(layout.kept);
        let [source_rows, source_columns] = layout.source();
        let [target_rows, target_columns] = layout.target();
        let scale = 1.0 / (rows * columns) as f64;
        let real = hat.iter().all(|value| value.im == 0.0);
        let mut pieces: Vec<Piece> = Vec::new();
        let mut order = Vec::new();
        let mut live = vec![false; target_rows];
        for r in 0..rows {
            let row = &hat[r * columns..][..columns];
            let to = r % kept_rows;
            if to >= target_rows {
                continue;
            }
            for (chunk, values) in row.chunks(CHUNK).enumerate() {
                if values.iter().all(|value| *value == Complex::ZERO) {
                    continue;
                }
                for c in chunk * CHUNK..chunk * CHUNK + values.len() {
                    if c % kept_columns >= target_columns {
                        continue;
                    }
                    live[to] = true;
                    let target = to * target_columns + c % kept_columns;
                    let mirrored = r >= source_rows || c >= source_columns;
                    let source = if mirrored {
                        (rows - r) % rows * source_columns + (columns - c) % columns
                    } else {
                        r * source_columns + c
                    };
                    match pieces.last_mut() {
                        Some(last)
                            if last.mirrored == mirrored
                                && target == last.target + last.len
                                && if mirrored {
                                    source + 1 == last.source
                                } else {
                                    source == last.source + last.len
                                } =>
                        {
                            last.len += 1;
                            if mirrored {
                                last.source = source;
                            }
                        }
                        _ => pieces.push(Piece {
                            target,
                            source,
                            value: order.len(),
                            len: 1,
                            mirrored,
                        }),
                    }
                    order.push(r * columns + c);
                }
            }
        }
        let values = if real {
            let value = |&i: &usize| T::narrow(hat[i].re * scale);
            Values::Real(order.iter().map(value).collect())
        } else {
            let value = |&i: &usize| {
                Complex::new(T::narrow(hat[i].re * scale), T::narrow(hat[i].im * scale))
            };
            Values::Complex(order.iter().map(value).collect())
        };
        Self {
            exact: layout.kept == layout.block && order.len() == target_rows * target_columns,
            pieces,
            values,
            live,
        }
    }

    /// `to = fold(from·ĥ)`, or `to += …` if `add`.
    pub fn multiply(&self, from: &[Complex<T>], to: &mut [Complex<T>], add: bool) {
        if !add && !self.exact {
            to.fill(Complex::new(T::zero(), T::zero()));
        }
        let assign = !add && self.exact;
        match &self.values {
            Values::Real(values) => self.run(values, from, to, assign, |h, x| {
                Complex::new(h * x.re, h * x.im)
            }),
            Values::Complex(values) => self.run(values, from, to, assign, |h, x| h * x),
        }
    }

    fn run<V: Copy>(
        &self,
        values: &[V],
        from: &[Complex<T>],
        to: &mut [Complex<T>],
        assign: bool,
        times: impl Fn(V, Complex<T>) -> Complex<T>,
    ) {
        for piece in &self.pieces {
            let to = to[piece.target..][..piece.len].iter_mut();
            let from = &from[piece.source..][..piece.len];
            let both = to.zip(&values[piece.value..][..piece.len]);
            match (piece.mirrored, assign) {
                (false, true) => both.zip(from).for_each(|((to, &h), &x)| *to = times(h, x)),
                (false, false) => both.zip(from).for_each(|((to, &h), &x)| *to += times(h, x)),
                (true, true) => both
                    .zip(from.iter().rev())
                    .for_each(|((to, &h), x)| *to = times(h, x.conj())),
                (true, false) => both
                    .zip(from.iter().rev())
                    .for_each(|((to, &h), x)| *to += times(h, x.conj())),
            }
        }
    }

    /// Rows of the result's spectrum that are not zero.
    pub fn live(&self) -> &[bool] {
        &self.live
    }

    /// Bytes it takes.
    pub fn bytes(&self) -> u64 {
        let values = match &self.values {
            Values::Real(values) => size_of_val(&values[..]),
            Values::Complex(values) => size_of_val(&values[..]),
        };
        (values + size_of_val(&self.pieces[..])) as u64
    }
}

/// The transfer function of a kernel in a block: tap `t` stands at `t − shift`, modulo the block. In double precision,
/// whatever the plan's, since its rounding would come on top of the signal's.
///
/// Rows without taps are not transformed, and of the spectrum of real taps one half: the other is its mirror image.
pub(super) fn transfer_of_taps(
    taps: &[Complex<f64>],
    k: [usize; 2],
    shift: [usize; 2],
    layout: &Layout,
) -> Vec<Complex<f64>> {
    let [b0, b1] = layout.block;
    let rows = spectra_of_rows(taps, k[1], shift[1], b1);
    if layout.is_line() {
        let mut hat = rows;
        hat.reserve_exact(b1 - hat.len());
        mirror(&mut hat, 1, b1);
        return hat;
    }
    let width = rows.len() / k[0];
    let mut columns = vec![Complex::ZERO; rows.len()];
    transpose::transpose(&rows, &mut columns, width, k[0]);
    let fft = f64::forward(b0);
    let mut scratch = vec![Complex::ZERO; fft.get_inplace_scratch_len()];
    // Written column by column, so that every page of it is touched once, near its transform.
    let mut hat = Vec::with_capacity(b0 * b1);
    for column in columns.chunks_exact(k[0]) {
        let at = hat.len();
        hat.resize(at + b0, Complex::ZERO);
        let to = &mut hat[at..];
        place(column, shift[0], to);
        fft.process_with_scratch(to, &mut scratch);
    }
    mirror(&mut hat, b0, b1);
    hat
}

/// The spectra of rows of `k` taps in blocks of `b` samples, as far as mirroring does not give them.
fn spectra_of_rows(taps: &[Complex<f64>], k: usize, shift: usize, b: usize) -> Vec<Complex<f64>> {
    let rows = taps.chunks_exact(k);
    if taps.iter().any(|tap| tap.im != 0.0) {
        let mut hat = vec![Complex::ZERO; rows.len() * b];
        for (row, to) in rows.zip(hat.chunks_exact_mut(b)) {
            place(row, shift, to);
        }
        f64::forward(b).process(&mut hat);
        return hat;
    }
    let fft = f64::real_forward(b);
    let mut scratch = fft.make_scratch_vec();
    let mut block = fft.make_input_vec();
    let mut hat = vec![Complex::ZERO; rows.len() * (b / 2 + 1)];
    let mut real = vec![0.0; k];
    for (row, to) in rows.zip(hat.chunks_exact_mut(b / 2 + 1)) {
        real.iter_mut().zip(row).for_each(|(to, tap)| *to = tap.re);
        block.fill(0.0); // it was the scratch of the row before
        place(&real, shift, &mut block);
        fft.process_with_scratch(&mut block, to, &mut scratch)
            .expect("lengths come from the plan");
    }
    hat
}

/// Puts `taps` into a block, `shift` before its start, modulo its length, which is at least theirs.
pub(super) fn place<V: Copy>(taps: &[V], shift: usize, block: &mut [V]) {
    let start = (block.len() - shift % block.len()) % block.len();
    let (first, wrapped) = taps.split_at(taps.len().min(block.len() - start));
    block[start..][..first.len()].copy_from_slice(first);
    block[..wrapped.len()].copy_from_slice(wrapped);
}

/// Completes columns of `b0` frequencies to `b1` of them by ĥ(−k) = conj ĥ(k), if they are not complete.
fn mirror(hat: &mut Vec<Complex<f64>>, b0: usize, b1: usize) {
    for k1 in hat.len() / b0..b1 {
        let from = (b1 - k1) * b0;
        let to = hat.len();
        hat.extend_from_within(from..from + b0);
        hat[to + 1..].reverse();
        hat[to..].iter_mut().for_each(|value| *value = value.conj());
    }
}
