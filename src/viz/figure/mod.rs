//! The figures, and what several of them have in common: the sheet, the frequency plane.

pub mod disk;
pub mod filter_bank;
pub mod filter_bank_1d;
mod frequency_plane;
pub mod learned;
mod littlewood_paley;
pub mod scalogram;
mod sheet;
pub mod wavelets;
