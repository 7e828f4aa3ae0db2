//! [`Layout`]: what the spectra of one block length look like, as the library's transforms leave them.
//!
//! A spectrum is `[rows][columns]`: rows are k1 and columns k0, transposed. A block of one row has one row of k1 instead.
//! Half spectra keep the frequencies `0 ..= n/2` of axis 1.

/// What the blocks and the results are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spectra {
    /// Real in, real out: half spectra both ways.
    Half,
    /// Real in, complex out: a half spectrum, products that read its mirror image, a complex inverse.
    HalfToFull,
    /// Complex in, complex out; or two real blocks as re + i·im and a real kernel, which acts on both parts alone.
    Full,
}

/// The grids of a block and of its result, and which half of their spectra is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub spectra: Spectra,
    /// Samples of a block.
    pub block: [usize; 2],
    /// Samples of a result: the block without what subsampling drops.
    pub kept: [usize; 2],
}

impl Layout {
    /// Whether a block is one row, so that there is nothing to transpose and no column to transform.
    pub fn is_line(&self) -> bool {
        self.block[0] == 1
    }

    /// Rows and columns of the full spectrum of this grid.
    pub fn full(&self, [n0, n1]: [usize; 2]) -> [usize; 2] {
        if self.is_line() { [1, n1] } else { [n1, n0] }
    }

    /// Rows and columns that are stored.
    fn stored(&self, grid: [usize; 2], half: bool) -> [usize; 2] {
        let [rows, columns] = self.full(grid);
        match (half, self.is_line()) {
            (false, _) => [rows, columns],
            (true, true) => [rows, columns / 2 + 1],
            (true, false) => [rows / 2 + 1, columns],
        }
    }

    /// Rows and columns of the spectrum of a block.
    pub fn source(&self) -> [usize; 2] {
        self.stored(self.block, self.spectra != Spectra::Full)
    }

    /// Rows and columns of the spectrum of a result.
    pub fn target(&self) -> [usize; 2] {
        self.stored(self.kept, self.spectra == Spectra::Half)
    }
}
