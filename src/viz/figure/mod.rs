//! The figures: one file each.

pub mod disk;
pub mod filter_bank;
pub mod learned;
