//! [`ImageOptions`]: how the images of an input are taken.
//!
//! Read by every reader of images, whatever the format; what a format cannot honour it refuses.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// How images are read. The default is grey, at their own size, all images of a file, integers as fractions.
///
/// ```
/// use wavelet_scattering::io::{ImageOptions, Pages, Values};
///
/// let options = ImageOptions {
///     pages: "2-5".parse::<Pages>()?,
///     values: Values::Raw,
///     ..ImageOptions::default()
/// };
/// assert_eq!(options.pages, Pages::Range { from: 2, to: 5 });
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageOptions {
    /// The channels wanted of image files. Arrays have theirs in leading axes, so that [`Color::Rgb`] is refused there.
    pub color: Color,
    /// The size wanted, [height, width], whatever the image's own ratio of sides.
    pub resize: Option<[usize; 2]>,
    /// Which images of a file that holds several.
    pub pages: Pages,
    /// Integers of image files as fractions of their range, or as they are. Arrays and FITS files are always taken as
    /// they are.
    pub values: Values,
    /// What becomes of samples that are not a number.
    pub nan: NanPolicy,
    /// Whether the last axis of arrays holds channels: `[.., rows, columns, channels]`, which is read as
    /// `[.., channels, rows, columns]`. Refused for image files, whose channels are known.
    pub channels_last: bool,
}

/// Which channels an image is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Color {
    /// One channel: the luma of Rec. 709, or a grey file's samples as they are.
    #[default]
    Gray,
    /// Three channels; those of a grey file are equal.
    Rgb,
}

impl Color {
    /// How many channels that is: 1 or 3.
    pub fn channels(self) -> usize {
        match self {
            Color::Gray => 1,
            Color::Rgb => 3,
        }
    }
}

/// Which images of a file that holds several: pages of a TIFF, frames of an animation, planes of an array.
///
/// Written `all`, `first`, a number counted from 1, or two of them with a hyphen between: `2-5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pages {
    /// Every one.
    #[default]
    All,
    /// The first one.
    First,
    /// From one number to another, both counted from 1 and both included.
    Range {
        /// The first one wanted.
        from: usize,
        /// The last one wanted.
        to: usize,
    },
}

impl FromStr for Pages {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| text.parse::<usize>().ok().filter(|&n| n > 0);
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (text, number(first), number(last)) {
            ("all", ..) => Ok(Pages::All),
            ("first", ..) => Ok(Pages::First),
            (_, Some(from), Some(to)) if from <= to => Ok(Pages::Range { from, to }),
            _ => Err(Error::InvalidParameter {
                name: "pages",
                value: text.to_string(),
                limit: "all, first, or numbers from 1 on, as 3 or 2-5".to_string(),
            }),
        }
    }
}

impl fmt::Display for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pages::All => f.write_str("all"),
            Pages::First => f.write_str("first"),
            Pages::Range { from, to } if from == to => write!(f, "{from}"),
            Pages::Range { from, to } => write!(f, "{from}-{to}"),
        }
    }
}

/// What the integers of an image file become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Values {
    /// Fractions of the range of their type: v / (2^n - 1) of unsigned ones, which makes [0, 1], and v / 2^(n - 1) of
    /// signed ones, which makes [-1, 1). Floats as they are.
    #[default]
    Unit,
    /// The numbers that are stored: counts of a camera, whatever the type.
    Raw,
}

/// What becomes of samples that are not a number (NaN). Infinities stay in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NanPolicy {
    /// They stay, and a transform refuses them.
    #[default]
    Keep,
    /// Each takes the mean of the finite samples of its plane. A plane without any is an error.
    Mean,
    /// Each becomes 0.
    Zero,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_written_as_they_are_read() {
        for text in ["all", "first", "3", "2-5"] {
            assert_eq!(text.parse::<Pages>().unwrap().to_string(), text);
        }
        assert_eq!(
            "4-4".parse::<Pages>().unwrap(),
            Pages::Range { from: 4, to: 4 }
        );
        for text in ["", "0", "5-2", "1-", "-1", "1-2-3", "All", "2..5", "1 - 2"] {
            let message = text.parse::<Pages>().unwrap_err().to_string();
            assert!(message.contains("2-5"), "{message}");
        }
    }
}
