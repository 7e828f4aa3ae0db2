//! Joint time-frequency scattering of signals: wavelets over time, then wavelets across the wavelets.
//!
//! ```text
//! U1(n1, t)            = |x ⋆ ψ_n1|(t)
//! U2(n2, n_fr; n1, t)  = |U1 ⋆ (ψ_n2 ⊗ ψ_n_fr)|(n1, t)           over t and over n1 at once
//! S2                   = U2 ⋆ (φ_T ⊗ φ_F)
//! ```
//!
//! Where time scattering sees how each frequency band rises and falls, this sees how patterns move across bands: a chirp upwards and one
//! downwards have equal energies in every band at every rate, and opposite spins here.
//!
//! Source: Andén, Lostanlen & Mallat, "Joint time-frequency scattering", 2019; Kymatio's constants and order of rows, but for what it
//! does not do: its table of paths stands in another order than its rows, and some strides and averages fail.

mod engine;
mod params;
mod paths;
mod plan;

pub use params::{JointFormat, JointScatteringParams};
pub use paths::{JointPath, JointPathTable, WaveletAcross};
pub use plan::{JointFeatures, JointScattering};
