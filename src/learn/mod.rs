//! What learns: tasks with one metric, and the learners that are measured on them.
//!
//! Stands beside the line: arrays and labels come in, predicted classes come out. It knows nothing of wavelets; features
//! that a scattering transform made are arrays like any other.
//!
//! - [`task`]: named training and test sets, balanced draws from the training set, the error rate.

pub mod task;

pub use task::{Task, confusion, error_rate};
