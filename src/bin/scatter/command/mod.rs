//! One file per subcommand.

pub mod bench;
#[cfg(feature = "learn")]
pub mod compare;
pub mod disk;
pub mod explain;
mod features;
pub mod filters;
mod gradient;
pub mod image;
mod reading;
pub mod scalogram;
pub mod signal;
#[cfg(feature = "learn")]
pub mod task;

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use wavelet_scattering::error::bytes;
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

/// Refuses files of `expected` bytes beside `output` for which the disk has no room, as far as the system tells.
fn check_room(output: &Path, expected: u64) -> Result<()> {
    let folder = output.parent().filter(|folder| folder.as_os_str() != "");
    if let Some(free) = free_bytes(folder.unwrap_or(Path::new("."))) {
        ensure!(
            expected <= free,
            "{} and what belongs to it need {}, and there {} left; write to another disk, keep less with --average global, \
             or take fewer inputs at a time",
            output.display(),
            bytes(expected),
            if free == 0 {
                "is nothing".into()
            } else {
                format!("are {}", bytes(free))
            },
        );
    }
    Ok(())
}

/// What the file system of a folder has left for those who are not its superuser.
#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let about = nix::sys::statvfs::statvfs(folder).ok()?;
    // Those that hold no files of their own count none.
    (about.blocks() > 0)
        .then(|| (about.blocks_available() as u64).saturating_mul(about.fragment_size() as u64))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
