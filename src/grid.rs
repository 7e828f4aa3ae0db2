//! [`Grid`]: the shape of a sampled signal, and the signed frequencies of its DFT.
//!
//! A level-`l` grid keeps every `2^l`-th sample along each axis. Index `k` of a DFT of length `n` is the signed
//! frequency `k` or `k − n`, whichever lies in `[−⌊n/2⌋, n − ⌊n/2⌋)`, in cycles per `n` samples: NumPy's `fftfreq`.

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

#[cfg(test)]
mod tests {
    use super::*;

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
