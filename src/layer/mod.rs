//! One layer of the cascade, U = |x ⋆ ψ|, and what is kept of it.
//!
//! - [`side_by_side`]: the layer with paths side by side in the lanes of a vector: the hot path;
//! - [`fold`]: its product x̂·ψ̂ on a coarser grid, planned as pieces;
//! - [`average`]: φ_J and subsampling along one axis as a small matrix;
//! - [`observe`]: what is kept of U while it is computed: averages, means or U itself.

pub(crate) mod average;
pub(crate) mod fold;
pub(crate) mod observe;
pub(crate) mod side_by_side;
