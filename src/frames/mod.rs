//! Transforms that can be undone: frames and their duals.
//!
//! - [`Scalogram`]: a signal by time and frequency, and back.

mod scalogram;

pub use scalogram::{
    Inversion, Rates, Rows, Scalogram, ScalogramParams, ScalogramRow, ScalogramWorkspace,
};
