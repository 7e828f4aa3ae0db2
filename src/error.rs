//! The one [`Error`] of the library and its [`Result`].
//!
//! Every message names the value that was refused, the limit it broke and the way out.
//!
//! Conventions that bite: a message does not repeat the cause that [`source`](std::error::Error::source) gives. Of
//! [`Error::File`], which has one, the message says what was attempted on which file, and the cause what the system had
//! against it; `anyhow` prints both with `{:#}`, as does whoever follows the sources.

#[cfg(feature = "io")]
use std::path::{Path, PathBuf};

/// What the library returns when it refuses a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was refused. Parameters, shapes, files and their contents never panic.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter lies outside its range.
    #[error("{name} = {value} is not allowed: {limit}")]
    InvalidParameter {
        /// The parameter, by the name it has in the documentation.
        name: &'static str,
        /// The value that was given.
        value: String,
        /// The range, and what to do instead.
        limit: String,
    },

    /// The coarsest scale does not fit into the input.
    #[error(
        "J = {J} needs at least {needed} samples along axis {axis}, got {len}; {}",
        if *max_J == 0 {
            "no J fits, use a larger input".to_string()
        } else {
            format!("use J <= {max_J} or a larger input")
        }
    )]
    ScaleTooLarge {
        /// The requested number of scales.
        J: usize,
        /// The axis that is too short.
        axis: usize,
        /// Its length in samples.
        len: usize,
        /// The least length for this `J`.
        needed: usize,
        /// The largest `J` that this length allows, 0 if none.
        max_J: usize,
    },

    /// A side is no multiple of what the padding requires.
    #[error(
        "padding `{padding}` needs sides that are multiples of 2^J = {multiple}, got {len} along axis {axis}; \
         crop to {} or use reflect padding",
        len / multiple * multiple
    )]
    NotMultiple {
        /// The padding that asks for it.
        padding: &'static str,
        /// The offending axis.
        axis: usize,
        /// Its length in samples.
        len: usize,
        /// The required divisor.
        multiple: usize,
    },

    /// An array holds no samples, or a batch no images.
    #[error(
        "the input of shape {shape:?} is empty; at least one signal or image with at least one sample is needed"
    )]
    Empty {
        /// The shape that was given.
        shape: Vec<usize>,
    },

    /// An array has another shape than the plan or the call requires.
    #[error("{what} has shape {got:?}, expected {expected}")]
    WrongShape {
        /// Which array.
        what: &'static str,
        /// The shape that was given.
        got: Vec<usize>,
        /// The shape that would be right.
        expected: String,
    },

    /// A workspace was made by a plan that needs other scratch.
    #[error(
        "the workspace was made by a plan that needs other scratch; use one that this plan has made"
    )]
    ForeignWorkspace,

    /// A sample is NaN or infinite.
    #[error(
        "the input is {value} at index {position:?}; replace or mask it before the transform, which would spread it everywhere"
    )]
    NotFinite {
        /// Index into the input array, one number per axis.
        position: Vec<usize>,
        /// The value found there.
        value: f64,
    },

    /// The request needs more memory than the machine has.
    #[error("{what} needs {} but this machine has {}; {way_out}", bytes(*needed), bytes(*available))]
    OutOfMemory {
        /// What would be allocated.
        what: &'static str,
        /// Bytes it would take.
        needed: u64,
        /// Bytes the machine has.
        available: u64,
        /// How to ask for less.
        way_out: &'static str,
    },

    /// A call does not fit the averaging that the plan was made with.
    #[error("{call} does not apply to features of shape {got:?}: {limit}")]
    NotApplicable {
        /// The method that was called.
        call: &'static str,
        /// The shape of the features.
        got: Vec<usize>,
        /// What it applies to, and what to do instead.
        limit: &'static str,
    },

    /// The call was ended by its [`Cancel`](crate::Cancel) flag; what it was to fill holds part of the result.
    #[error("the call was cancelled before it was complete")]
    Cancelled,

    /// The loss of a network in training became NaN or infinite.
    #[cfg(feature = "learn")]
    #[error(
        "training diverged: the loss was {loss} in epoch {epoch}, step {step}, at a learning rate of {rate}; use a lower rate"
    )]
    Diverged {
        /// What the loss was: NaN or infinite.
        loss: f64,
        /// The epoch, from 1.
        epoch: usize,
        /// The step in it, from 1.
        step: usize,
        /// The learning rate of that step.
        rate: f64,
    },

    /// The operating system refused to read or write a file; why is the [`source`](std::error::Error::source).
    #[cfg(feature = "io")]
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was attempted, as a verb.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },

    /// The contents of a file, or of the folder of a data set, are not what its kind promises.
    #[cfg(feature = "io")]
    #[error("{} cannot be used: {reason}", path.display())]
    BadFile {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },

    /// A path leads to something else than what is asked for: a folder that does not exist or holds no images, a device
    /// where a file is to be written.
    #[cfg(feature = "io")]
    #[error("{} cannot be used: {reason}", path.display())]
    BadPath {
        /// Where it leads.
        path: PathBuf,
        /// What is there, and what to name instead.
        reason: String,
    },
}

#[cfg(feature = "io")]
impl Error {
    /// The system refused to read a file.
    pub(crate) fn unread(path: &Path, source: std::io::Error) -> Self {
        Self::File {
            action: "read",
            path: path.to_path_buf(),
            source,
        }
    }

    /// A file does not hold what its kind promises.
    pub(crate) fn bad_file(path: &Path, reason: impl Into<String>) -> Self {
        Self::BadFile {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }
}

/// A number of bytes as a person reads it: `812 B`, `3.4 MB`, `1.2 TB`.
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{count} B")
    } else {
        format!("{value:.1} {}", UNITS[unit])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_counts_are_rounded_as_people_write_them() {
        assert_eq!(bytes(812), "812 B");
        assert_eq!(bytes(3_400_000), "3.4 MB");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
    }

    #[cfg(feature = "io")]
    #[test]
    fn a_message_leaves_its_cause_to_the_source() {
        let cause = std::io::Error::other("the disk is on fire");
        let error = Error::unread(Path::new("a.png"), cause);
        assert_eq!(error.to_string(), "cannot read a.png");
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "the disk is on fire");
    }

    #[test]
    fn a_scale_that_does_not_fit_names_the_way_out() {
        let error = Error::ScaleTooLarge {
            J: 9,
            axis: 1,
            len: 300,
            needed: 512,
            max_J: 8,
        };
        assert_eq!(
            error.to_string(),
            "J = 9 needs at least 512 samples along axis 1, got 300; use J <= 8 or a larger input"
        );
    }
}
