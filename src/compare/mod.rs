//! Where learned and designed representations meet: on one task, and filter by filter.
//!
//! - [`competitor`]: what can be trained on a task, by name;
//! - [`representation`]: scattering features of labelled images, kept on disk between runs.

pub mod competitor;
pub mod representation;

pub use competitor::{Competitor, Contest, Run};
pub use representation::{FeatureCache, Representation};
