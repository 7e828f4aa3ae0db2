//! [`Form`]: how a spectrum stands in memory, and by what factor it is larger than the DFT it stands for.

/// The conventions of a spectrum. Transforms say which they leave, products read them, and whatever scales by 1/N takes the
/// factor out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Form {
    /// Real and imaginary parts stand in each other's place: lines compute exp(+2πi·kn/N) only, which is the forward DFT if
    /// parts are exchanged before and after it, and leaving out one exchange costs nothing.
    pub exchanged: bool,
    /// What every value is multiplied by, a power of two.
    pub factor: u32,
}

impl Form {
    /// What turns the unscaled inverse DFT of a spectrum of `samples` in this form into the signal: 1/(factor·samples).
    pub fn inverse_scale(self, samples: usize) -> f64 {
        1.0 / (f64::from(self.factor) * samples as f64)
    }

    /// The value at frequency 0 of a signal that is 1 everywhere.
    pub fn of_one(self, samples: usize) -> f64 {
        f64::from(self.factor) * samples as f64
    }
}
