//! [`Medium`]: what the samples of a data set are.

/// What the samples of a data set are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Medium {
    /// Images.
    Images,
    /// Sounds, each an image of one row and one channel.
    Sounds {
        /// Samples per second of all of them.
        rate: f64,
    },
}

impl Medium {
    /// What one of them is called in a sentence; many have an `s` behind it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Images => "image",
            Self::Sounds { .. } => "sound",
        }
    }
}
