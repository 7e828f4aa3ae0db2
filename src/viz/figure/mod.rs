//! The figures, and what several of them have in common: the sheet, the frequency plane.

pub mod disk;
pub mod filter_bank;
mod frequency_plane;
pub mod learned;
mod littlewood_paley;
mod sheet;
