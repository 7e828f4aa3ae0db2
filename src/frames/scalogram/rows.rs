//! The rows of a scalogram, and arrays of them.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{ArrayD, ArrayViewD, Axis, Slice};

use crate::filters::Wavelet1d;

/// What one row of a scalogram stands for.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ScalogramRow {
    /// The wavelet; `None` for the low-pass, which is the last row.
    pub wavelet: Option<Wavelet1d>,
    /// Samples of the signal from one coefficient to the next.
    pub subsampling: usize,
    /// The sample of the signal that the first coefficient on it sits at.
    pub start: usize,
    /// Coefficients on the signal.
    pub len: usize,
    /// Coefficients on the whole padded circle.
    pub circle: usize,
    /// Coefficients of the circle in front of the signal.
    pub before: usize,
}

impl ScalogramRow {
    /// Centre frequency of a signal with `rate` samples a second, in hertz; 0 for the low-pass. With a rate of 1, cycles per
    /// sample.
    pub fn frequency(&self, rate: f64) -> f64 {
        self.wavelet.map_or(0.0, |wavelet| wavelet.xi * rate)
    }

    /// Where in a signal with `rate` samples a second the coefficients on it sit, in seconds. With a rate of 1, in samples.
    pub fn times(&self, rate: f64) -> impl ExactSizeIterator<Item = f64> + use<> {
        let (start, step) = (self.start, self.subsampling);
        (0..self.len).map(move |i| (start + i * step) as f64 / rate)
    }

    /// Which coefficients of the circle lie on the signal.
    pub fn on_signal(&self) -> Range<usize> {
        self.before..self.before + self.len
    }
}

/// Where every row stands in the array of one signal.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    /// The axes of one signal: rows and samples, or all numbers one after another.
    pub trailing: Vec<usize>,
    pub ranges: Vec<Range<usize>>,
    pub numbers: usize,
}

impl Layout {
    /// Rows of these lengths, which are equal if they are samples of one axis.
    pub fn new(lengths: impl Iterator<Item = usize>, common: bool) -> Self {
        let mut numbers = 0;
        let ranges: Vec<_> = lengths
            .map(|len| {
                numbers += len;
                numbers - len..numbers
            })
            .collect();
        let trailing = match ranges.first() {
            Some(first) if common => vec![ranges.len(), first.len()],
            _ => vec![numbers],
        };
        Self {
            trailing,
            ranges,
            numbers,
        }
    }
}

/// The rows of the scalograms of one signal or of many: moduli, or complex coefficients.
#[derive(Debug, Clone)]
pub struct Rows<A> {
    array: ArrayD<A>,
    rows: Arc<[ScalogramRow]>,
    layout: Arc<Layout>,
}

impl<A> Rows<A> {
    pub(super) fn new(array: ArrayD<A>, rows: Arc<[ScalogramRow]>, layout: Arc<Layout>) -> Self {
        Self {
            array,
            rows,
            layout,
        }
    }

    /// All numbers.
    ///
    /// **Shape** at a common rate `[leading.., rows, samples]`, and at rates of their own, where rows are of different lengths,
    /// one after another: `[leading.., numbers]`.
    pub fn array(&self) -> &ArrayD<A> {
        &self.array
    }

    /// The same, to be changed before it is inverted.
    pub fn array_mut(&mut self) -> &mut ArrayD<A> {
        &mut self.array
    }

    /// The array itself.
    pub fn into_array(self) -> ArrayD<A> {
        self.array
    }

    /// What the rows stand for.
    pub fn rows(&self) -> &Arc<[ScalogramRow]> {
        &self.rows
    }

    /// One row of every signal. Panics if there is no such row, as indexing does.
    ///
    /// **Shape** `[leading.., samples]`.
    pub fn row(&self, row: usize) -> ArrayViewD<'_, A> {
        let last = self.array.ndim() - 1;
        match self.layout.trailing.len() {
            1 => {
                let slice = Slice::from(self.layout.ranges[row].clone());
                self.array.slice_axis(Axis(last), slice)
            }
            _ => self.array.index_axis(Axis(last - 1), row),
        }
    }

    /// The part of a row that lies on the signal: of moduli all of it, of coefficients what is not padding.
    pub fn row_on_signal(&self, row: usize) -> ArrayViewD<'_, A> {
        let mut view = self.row(row);
        let about = &self.rows[row];
        let range = match self.layout.ranges[row].len() == about.len {
            true => 0..about.len,
            false => about.on_signal(),
        };
        let last = Axis(view.ndim() - 1);
        view.slice_axis_inplace(last, Slice::from(range));
        view
    }
}
