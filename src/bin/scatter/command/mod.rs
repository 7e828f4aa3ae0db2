//! One file per subcommand.

pub mod disk;
pub mod explain;
pub mod filters;
pub mod image;
