//! What the output keeps of every U, and where it stands among the numbers of one input.

use std::ops::Range;

/// What the output keeps of every `U[p] = |…|x ⋆ ψ_λ1| ⋆ … ⋆ ψ_λm|`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Average {
    /// S = U ⋆ φ_J, one sample every 2^J samples of the input along each axis.
    #[default]
    Local,
    /// The mean of U over its samples on the input, padding excluded: one number a path.
    ///
    /// U is subsampled as far as its wavelet allows, so this is the mean over every 2^j-th sample: a few per cent from the
    /// mean over all of them, which an oversampling of J gives, at the cost of FFTs at full size.
    Global,
    /// The sum of U over all its samples, padding included, however far it is subsampled: Kymatio's `T='global'`, of signals
    /// alone. Paths of different scales are on different scales of numbers; for anything but comparing with Kymatio, `Global` is
    /// better.
    Sum,
    /// U itself, its samples on the input; sizes differ from path to path.
    None,
}

impl Average {
    /// The name that the program and messages use.
    pub fn name(self) -> &'static str {
        match self {
            Average::Local => "local",
            Average::Global => "global",
            Average::Sum => "sum",
            Average::None => "none",
        }
    }
}

/// Where each path's samples stand among the numbers of one input.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Layout {
    average: Average,
    /// Axes behind the leading ones: `[paths]` and those of a row where all rows have the same, or `[numbers]`.
    trailing: Vec<usize>,
    /// The axes of each row: none for a single number.
    shapes: Vec<Box<[usize]>>,
    /// Where each row begins, and the total.
    offsets: Vec<usize>,
}

impl Layout {
    /// From the axes of each row, of which there is at least one.
    pub fn new(average: Average, shapes: Vec<Box<[usize]>>) -> Self {
        let offsets: Vec<usize> = std::iter::once(0)
            .chain(shapes.iter().scan(0, |total, shape| {
                *total += shape.iter().product::<usize>();
                Some(*total)
            }))
            .collect();
        let trailing = match average {
            Average::Local | Average::Global | Average::Sum => {
                [&[shapes.len()], &shapes[0][..]].concat()
            }
            Average::None => vec![offsets[shapes.len()]],
        };
        Self {
            average,
            trailing,
            shapes,
            offsets,
        }
    }

    /// These rows only.
    pub fn select(&self, rows: &[usize]) -> Self {
        let shapes = rows.iter().map(|&row| self.shapes[row].clone());
        Self::new(self.average, shapes.collect())
    }

    pub fn trailing(&self) -> &[usize] {
        &self.trailing
    }

    /// The axes of one row.
    pub fn shape(&self, row: usize) -> &[usize] {
        &self.shapes[row]
    }

    /// Numbers of one row.
    pub fn range(&self, row: usize) -> Range<usize> {
        self.offsets[row]..self.offsets[row + 1]
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.shapes.len()
    }

    /// Numbers of one input.
    pub fn len(&self) -> usize {
        self.offsets[self.shapes.len()]
    }
}
