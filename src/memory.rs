//! How much memory the machine has, to refuse beforehand what cannot fit.

use std::sync::OnceLock;

use crate::{Error, Result};

/// Bytes of memory this process may use: the machine's, or its control group's if that is less.
pub fn available() -> u64 {
    static AVAILABLE: OnceLock<u64> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        if !sysinfo::IS_SUPPORTED_SYSTEM {
            return u64::MAX;
        }
        let mut system = sysinfo::System::new();
        system.refresh_memory();
        let group = system
            .cgroup_limits()
            .map_or(u64::MAX, |limits| limits.total_memory);
        match system.total_memory().min(group) {
            0 => u64::MAX,
            bytes => bytes,
        }
    })
}

/// Bytes of `count` elements of `T`, saturating: anything that overflows does not fit anyway.
pub(crate) fn bytes_of<T>(count: u64) -> u64 {
    count.saturating_mul(size_of::<T>() as u64)
}

/// The product of a shape, saturating.
pub(crate) fn count(shape: &[usize]) -> u64 {
    shape
        .iter()
        .fold(1, |product: u64, &n| product.saturating_mul(n as u64))
}

/// Refuses what needs more than [`available`] bytes.
pub(crate) fn require(what: &'static str, needed: u64, way_out: &'static str) -> Result<()> {
    let available = available();
    if needed > available {
        return Err(Error::OutOfMemory {
            what,
            needed,
            available,
            way_out,
        });
    }
    Ok(())
}
