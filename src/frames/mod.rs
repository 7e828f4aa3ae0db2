//! Transforms that can be undone: frames and their duals.
//!
//! - [`Scalogram`]: a signal by time and frequency, and back.

mod scalogram;

pub use scalogram::{
    Inversion, Rows, Sampling, Scalogram, ScalogramParams, ScalogramRow, ScalogramWorkspace,
};
