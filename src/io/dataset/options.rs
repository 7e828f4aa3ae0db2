//! [`DatasetOptions`]: how images and sounds of a data set are taken.

use crate::io::options::ImageOptions;

/// How a data set is read. What does not apply to its kind is refused.
///
/// ```
/// use wavelet_scattering::io::DatasetOptions;
///
/// let options = DatasetOptions {
///     samples: Some(8192),
///     ..DatasetOptions::default()
/// };
/// assert_eq!(options.resample, None);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DatasetOptions {
    /// How images are taken.
    pub images: ImageOptions,
    /// The rate that all sounds are brought to, in samples per second. Standard: their own, which has to be the same.
    pub resample: Option<f64>,
    /// Samples of every sound: of longer ones the middle is taken, shorter ones stand in the middle of zeros. Standard: those of
    /// the longest.
    pub samples: Option<usize>,
}

impl From<ImageOptions> for DatasetOptions {
    fn from(images: ImageOptions) -> Self {
        Self {
            images,
            ..Self::default()
        }
    }
}
