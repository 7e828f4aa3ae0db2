//! Padding one axis, and the inverse: which samples of a padded, subsampled axis belong to the image.
//!
//! An axis of `n` samples is extended to the multiple `(⌊n/2^J⌋ + 2)·2^J`, half of what is missing in front, the larger
//! half behind. In front that is `2^J − ⌈r/2⌉` with r = n mod 2^J, so one sample of the coarsest grid on either side is
//! boundary, and the first that is kept sits at image sample ⌈r/2⌉. These are Kymatio's rules.

use crate::num::{Real, power_of_two_scale};
use crate::{Error, Result};

/// What lies beyond the border of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Padding {
    /// Mirrored, the border sample not repeated: x2 x1 | x0 x1 x2. Kymatio's.
    #[default]
    Reflect,
    /// Mirrored, the border sample repeated: x1 x0 | x0 x1 x2. ScatNet's.
    Symmetric,
    /// Zero.
    Zero,
    /// The image is a torus: nothing is padded or cropped, sides are multiples of 2^J.
    Periodic,
    /// The caller padded: sides are multiples of 2^J and at least 3·2^J, and 2^J samples on every side are boundary.
    PrePadded,
}

impl Padding {
    /// The name that the program and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Padding::Reflect => "reflect",
            Padding::Symmetric => "symmetric",
            Padding::Zero => "zero",
            Padding::Periodic => "periodic",
            Padding::PrePadded => "pre-padded",
        }
    }
}

/// How one axis of an image is padded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AxisPadding {
    /// Samples of the image along this axis, as the caller passes it.
    pub len: usize,
    /// Samples after padding.
    pub padded: usize,
    /// The padded sample at which the image begins. Pre-padded: where what is not boundary begins.
    pub begin: usize,
    /// The padded sample after the last one that lies on the image.
    pub end: usize,
    /// The padded sample at which the averaged output begins.
    output_begin: usize,
    /// Samples of output at subsampling 2^J.
    output_len: usize,
    /// What lies beyond the border.
    padding: Padding,
}

impl AxisPadding {
    /// Plans one axis of `len` samples for averages over 2^J samples. `axis` is for messages.
    ///
    /// # Errors
    /// [`Error::ScaleTooLarge`] if `len < 2^J`, or `3·2^J` when pre-padded; [`Error::NotMultiple`] if periodic or
    /// pre-padded sides are no multiples of 2^J.
    pub fn new(padding: Padding, J: usize, axis: usize, len: usize) -> Result<Self> {
        let least = if padding == Padding::PrePadded {
            3_usize
        } else {
            1
        };
        let needed = u32::try_from(J)
            .ok()
            .and_then(|J| least.checked_mul(1_usize.checked_shl(J)?));
        let Some(needed) = needed.filter(|&needed| len >= needed) else {
            let max_J = (len / least).checked_ilog2().unwrap_or(0) as usize;
            return Err(Error::ScaleTooLarge {
                J,
                axis,
                len,
                needed: needed.unwrap_or(usize::MAX),
                max_J,
            });
        };
        let stride = needed / least;
        if matches!(padding, Padding::Periodic | Padding::PrePadded) && !len.is_multiple_of(stride)
        {
            return Err(Error::NotMultiple {
                padding: padding.name(),
                axis,
                len,
                multiple: stride,
            });
        }
        let whole = len / stride;
        Ok(match padding {
            Padding::Periodic => Self {
                len,
                padded: len,
                begin: 0,
                end: len,
                output_begin: 0,
                output_len: whole,
                padding,
            },
            Padding::PrePadded => Self {
                len,
                padded: len,
                begin: stride,
                end: len - stride,
                output_begin: stride,
                output_len: whole - 2,
                padding,
            },
            Padding::Reflect | Padding::Symmetric | Padding::Zero => {
                let padded = (whole + 2) * stride;
                let begin = (padded - len) / 2;
                Self {
                    len,
                    padded,
                    begin,
                    end: begin + len,
                    output_begin: stride,
                    output_len: whole,
                    padding,
                }
            }
        })
    }

    /// An axis of `len` samples that begins at `begin` of `padded`, which leaves room for it.
    pub(crate) fn of(padding: Padding, len: usize, padded: usize, begin: usize) -> Self {
        debug_assert!(begin + len <= padded);
        Self {
            len,
            padded,
            begin,
            end: begin + len,
            output_begin: begin,
            output_len: len,
            padding,
        }
    }

    /// What lies beyond the border.
    pub(crate) fn padding(&self) -> Padding {
        self.padding
    }

    /// The same axis of what brings its surroundings along: all of it is passed, and what lies outside is boundary.
    pub(crate) fn whole(self) -> Self {
        Self {
            len: self.padded,
            ..self
        }
    }

    /// The image sample that a padded sample repeats, or none for a zero.
    pub fn source(&self, padded: usize) -> Option<usize> {
        if self.padded == self.len {
            return Some(padded);
        }
        reflect(self.padding, padded as i64 - self.begin as i64, self.len)
    }

    /// Where the image itself lies in what the caller passes: all of it, or what is no boundary.
    pub(crate) fn inside(&self) -> std::ops::Range<usize> {
        let boundary = if self.padded == self.len {
            self.begin
        } else {
            0
        };
        boundary..self.len - boundary
    }

    /// The samples of a level-`level` axis that lie on the image: those n with `begin <= n·2^level < end`.
    pub(crate) fn on_image(&self, level: usize) -> std::ops::Range<usize> {
        let step = 1 << level;
        self.begin.div_ceil(step)..self.end.div_ceil(step)
    }

    /// The samples of a level-`level` axis that an averaged output of scale J keeps: `⌊len/2^J⌋·2^(J − level)` of them.
    pub(crate) fn output(&self, J: usize, level: usize) -> std::ops::Range<usize> {
        let begin = self.output_begin >> level;
        begin..begin + (self.output_len << (J - level))
    }
}

/// Pads an array with these axes: `sample` of what it repeats, `nothing` where it is zero.
pub(crate) fn pad<T: Copy>(
    axes: &[AxisPadding],
    from: &[T],
    to: &mut [T],
    nothing: T,
    sample: &impl Fn(T) -> T,
) {
    let Some((axis, others)) = axes.split_first() else {
        return;
    };
    if others.is_empty() {
        return pad_line(axis, from, to, nothing, sample);
    }
    let len: usize = others.iter().map(|axis| axis.len).product();
    let padded: usize = others.iter().map(|axis| axis.padded).product();
    for (i, to) in to.chunks_exact_mut(padded).enumerate() {
        match axis.source(i) {
            Some(i) => pad(others, &from[i * len..][..len], to, nothing, sample),
            None => to.fill(nothing),
        }
    }
}

/// The same along one axis: what repeats the image one stretch after another, forwards or backwards.
fn pad_line<T: Copy>(
    axis: &AxisPadding,
    from: &[T],
    to: &mut [T],
    nothing: T,
    sample: &impl Fn(T) -> T,
) {
    let mut at = 0;
    while at < to.len() {
        let Some(first) = axis.source(at) else {
            to[at] = nothing;
            at += 1;
            continue;
        };
        let most = to.len() - at;
        let next = (most > 1).then(|| axis.source(at + 1)).flatten();
        let stretch = if next == Some(first) {
            // The border sample, repeated, where what follows it runs the other way.
            to[at] = sample(from[first]);
            1
        } else if next.is_some_and(|next| next < first) {
            let count = (first + 1).min(most);
            let values = from[..=first].iter().rev();
            (to[at..].iter_mut().zip(values)).for_each(|(to, &value)| *to = sample(value));
            count
        } else {
            let count = (axis.len - first).min(most);
            let values = &from[first..][..count];
            (to[at..].iter_mut().zip(values)).for_each(|(to, &value)| *to = sample(value));
            count
        };
        at += stretch;
    }
}

/// The transpose of padding: adds every padded sample to the one that it repeats.
pub(crate) fn add_unpadded<T: Real>(axes: &[AxisPadding], padded: &[T], to: &mut [T]) {
    let Some((axis, others)) = axes.split_first() else {
        return;
    };
    let len: usize = others.iter().map(|axis| axis.len).product();
    let padded_len: usize = others.iter().map(|axis| axis.padded).product();
    for (i, padded) in padded.chunks_exact(padded_len).enumerate() {
        let Some(source) = axis.source(i) else {
            continue;
        };
        let to = &mut to[source * len..][..len];
        match others {
            [] => to[0] += padded[0],
            _ => add_unpadded(others, padded, to),
        }
    }
}

/// How an input was brought into range: the plane is (input − mean/scale)·scale, padded, and amplitude is 1/scale.
pub(crate) struct Brought<T> {
    /// The mean that was taken away, after scaling.
    pub mean: T,
    /// What undoes the scaling.
    pub amplitude: T,
}

/// Brings an input into range and pads it: multiplied by the power of two that brings its largest sample into [1, 2), so that squares
/// neither overflow nor vanish, and without its mean, so that the rounding of a large one does not drown small moduli.
pub(crate) fn bring<T: Real>(axes: &[AxisPadding], input: &[T], plane: &mut [T]) -> Brought<T> {
    let largest = input
        .iter()
        .fold(T::zero(), |largest, value| largest.max(value.abs()));
    let scale = power_of_two_scale(largest);
    let mean = mean(axes, input, scale);
    pad(axes, input, plane, T::zero() - mean, &|value| {
        value * scale - mean
    });
    Brought {
        mean,
        amplitude: scale.recip(),
    }
}

/// The mean over the input, its boundary left out, times `scale`.
fn mean<T: Real>(axes: &[AxisPadding], input: &[T], scale: T) -> T {
    // Eight sums side by side: one alone would wait for every addition.
    let mut sums = [0.0; 8];
    rows_inside(axes, input, &mut |row| {
        for (i, &value) in row.iter().enumerate() {
            sums[i % 8] += (value * scale).widen();
        }
    });
    let sum: f64 = sums.into_iter().sum();
    let count: usize = axes.iter().map(|axis| axis.inside().len()).product();
    T::narrow(sum / count as f64)
}

/// Hands out every row, along the last axis, of what is no boundary in an array with these axes.
pub(crate) fn rows_inside<T>(axes: &[AxisPadding], of: &[T], visit: &mut impl FnMut(&[T])) {
    match axes {
        [] => {}
        [axis] => visit(&of[axis.inside()]),
        [axis, others @ ..] => {
            let len: usize = others.iter().map(|axis| axis.len).product();
            for i in axis.inside() {
                rows_inside(others, &of[i * len..][..len], visit);
            }
        }
    }
}

/// The same, to be written.
pub(crate) fn rows_inside_mut<T>(
    axes: &[AxisPadding],
    of: &mut [T],
    visit: &mut impl FnMut(&mut [T]),
) {
    match axes {
        [] => {}
        [axis] => visit(&mut of[axis.inside()]),
        [axis, others @ ..] => {
            let len: usize = others.iter().map(|axis| axis.len).product();
            for i in axis.inside() {
                rows_inside_mut(others, &mut of[i * len..][..len], visit);
            }
        }
    }
}

/// The sample of `n` at position `i`, which may lie outside `0..n`; none for a zero.
pub(crate) fn reflect(padding: Padding, i: i64, n: usize) -> Option<usize> {
    let n = n as i64;
    let folded = |period: i64, edge: i64| {
        let i = i.rem_euclid(period);
        Some(if i < n { i } else { edge - i } as usize)
    };
    match padding {
        Padding::Reflect if n == 1 => Some(0),
        Padding::Reflect => folded(2 * (n - 1), 2 * (n - 1)),
        Padding::Symmetric => folded(2 * n, 2 * n - 1),
        _ => (0..n).contains(&i).then_some(i as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(padding: Padding, n: usize) -> Vec<i64> {
        (-4..7)
            .map(|i| reflect(padding, i, n).map_or(-1, |i| i as i64))
            .collect()
    }

    #[test]
    fn reflections_are_those_of_numpys_pad() {
        assert_eq!(
            positions(Padding::Reflect, 3),
            [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]
        );
        assert_eq!(
            positions(Padding::Symmetric, 3),
            [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]
        );
        assert_eq!(
            positions(Padding::Zero, 3),
            [-1, -1, -1, -1, 0, 1, 2, -1, -1, -1, -1]
        );
    }

    #[test]
    fn lines_are_padded_sample_by_sample() {
        for padding in [Padding::Reflect, Padding::Symmetric, Padding::Zero] {
            for n in 1..6 {
                let line: Vec<usize> = (1..=n).collect();
                for padded in n..5 * n + 3 {
                    for begin in 0..=padded - n {
                        let axis = AxisPadding::of(padding, n, padded, begin);
                        let mut to = vec![usize::MAX; padded];
                        pad(std::slice::from_ref(&axis), &line, &mut to, 0, &|value| {
                            value
                        });
                        let expected: Vec<usize> = (0..padded)
                            .map(|i| axis.source(i).map_or(0, |source| line[source]))
                            .collect();
                        assert_eq!(to, expected, "{padding:?}, {n} of {padded} from {begin}");
                    }
                }
            }
        }
    }

    #[test]
    fn padded_sizes_and_output_origins_are_kymatios() {
        // (n, J) -> (padded, samples in front, outputs, image sample of the first output)
        for (n, J, padded, before, outputs, origin) in [
            (256, 3, 272, 8, 32, 0),
            (1024, 5, 1088, 32, 32, 0),
            (47, 2, 52, 2, 11, 2),
            (61, 2, 68, 3, 15, 1),
            (32, 5, 96, 32, 1, 0),
            (20, 1, 24, 2, 10, 0),
        ] {
            let axis = AxisPadding::new(Padding::Reflect, J, 0, n).unwrap();
            assert_eq!(
                (axis.padded, axis.begin),
                (padded, before),
                "n = {n}, J = {J}"
            );
            let output = axis.output(J, J);
            assert_eq!(output, 1..1 + outputs);
            assert_eq!((output.start << J) - axis.begin, origin);
            assert_eq!(axis.output(J, 0).len(), outputs << J);
        }
    }

    #[test]
    fn samples_on_the_image_are_counted_where_they_sit() {
        let axis = AxisPadding::new(Padding::Reflect, 2, 0, 47).unwrap(); // image at 2..49 of 52
        assert_eq!((axis.begin, axis.end), (2, 49));
        assert_eq!(axis.on_image(0), 2..49);
        assert_eq!(axis.on_image(1), 1..25); // 2, 4, …, 48
        assert_eq!(axis.on_image(2), 1..13); // 4, 8, …, 48
        let axis = AxisPadding::new(Padding::PrePadded, 2, 0, 40).unwrap();
        assert_eq!(axis.on_image(0), 4..36);
        assert_eq!(axis.output(2, 2), 1..9);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused_with_the_way_out() {
        let error = |padding, J, n| AxisPadding::new(padding, J, 1, n).unwrap_err().to_string();
        assert!(error(Padding::Reflect, 9, 300).contains("use J <= 8"));
        assert!(error(Padding::Reflect, 200, 300).contains("use J <= 8"));
        assert!(error(Padding::PrePadded, 4, 40).contains("use J <= 3"));
        assert!(error(Padding::Periodic, 3, 61).contains("crop to 56"));
        assert!(error(Padding::PrePadded, 2, 41).contains("crop to 40"));
    }
}
