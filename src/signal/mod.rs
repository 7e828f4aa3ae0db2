//! Signals before their first transform: boundaries.

pub mod pad;

pub use pad::Padding;
