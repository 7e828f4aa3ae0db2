//! What learns: tasks with one metric, and the learners that are measured on them.
//!
//! Stands beside the line: arrays and labels come in, predicted classes come out. But for [`layer`] it knows nothing of wavelets; features
//! that a scattering transform made are arrays like any other.
//!
//! - [`task`]: named training and test sets, balanced draws from the training set, the error rate;
//! - [`classifier`]: nearest affine subspaces, hyperplanes, support vectors and neighbours over rows of features;
//! - [`layer`]: scattering transforms as layers of networks on burn, whose wavelets may learn;
//! - [`Network`]: LeNet-5, small convolutional networks for images and for sounds, dense layers; trained, saved and looked into.

pub(crate) mod algebra;
mod checkpoint;
pub mod classifier;
mod input;
pub mod layer;
mod net;
pub mod network;
pub mod task;

pub use layer::{ScatteringLayer1d, ScatteringLayer2d, Start, Tying};
pub use net::{Architecture, FirstLayer, LearnedScattering};
pub use network::{EpochReport, Network, Optimizer, TrainingParams};
pub use task::{Task, confusion, error_rate};
