//! One file per subcommand.

pub mod bench;
#[cfg(feature = "learn")]
pub mod compare;
pub mod disk;
pub mod explain;
pub mod filters;
pub mod image;
#[cfg(feature = "learn")]
pub mod task;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use wavelet_scattering::io::Staged;

/// Refuses files that cannot be written, or would replace an input, before anything is read or computed.
fn check_destinations(outputs: &[PathBuf], inputs: &[PathBuf]) -> Result<()> {
    for output in outputs {
        let existing = output.canonicalize().ok();
        ensure!(
            existing.is_none()
                || inputs
                    .iter()
                    .all(|input| input.canonicalize().ok() != existing),
            "{} is an input too; name another output",
            output.display(),
        );
        drop(Staged::create(output)?);
    }
    Ok(())
}

/// The same for a picture, whose name has to say that it is a PNG.
fn check_picture(output: &Path, inputs: &[PathBuf]) -> Result<()> {
    ensure!(
        output
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("png")),
        "{} must end in .png, the format of pictures",
        output.display(),
    );
    check_destinations(&[output.to_path_buf()], inputs)
}
