//! [`SoundOptions`]: how the samples of an input are taken.
//!
//! Read by every reader of sounds, whatever the format; what a format cannot honour it refuses.

use super::sample::SampleType;

/// How sounds are read. The default is one channel, at the rate the file says.
///
/// ```
/// use wavelet_scattering::io::{Channels, SoundOptions};
///
/// let options = SoundOptions {
///     channels: Channels::Mono,
///     resample: Some(16_000.0),
///     ..SoundOptions::default()
/// };
/// assert_eq!(options.rate, None);
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SoundOptions {
    /// What becomes of several channels. Arrays have theirs in leading axes, so that anything but the default is
    /// refused there.
    pub channels: Channels,
    /// Samples per second of inputs that do not say it: arrays and bare samples. An input that says another is refused.
    pub rate: Option<f64>,
    /// The rate that every input is brought to, in samples per second. Inputs without a rate are refused then.
    pub resample: Option<f64>,
    /// Inputs hold nothing but samples of this type, of one channel.
    pub raw: Option<SampleType>,
}

/// What becomes of several channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channels {
    /// A sound of more than one is refused.
    #[default]
    One,
    /// Their mean.
    Mono,
    /// All are kept, in the order of the file.
    All,
}
