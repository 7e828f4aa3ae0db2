//! Learning from labelled images.

mod algebra;
pub mod classifier;
