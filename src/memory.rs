//! How much memory the machine has, to refuse beforehand what cannot fit, and what a workspace takes.

use std::any::TypeId;
use std::sync::OnceLock;

use crate::{Error, Result};

/// Bytes of memory this process may use: the machine's, or its control group's if that is less, or what one allocation may
/// take in its address space, which on 32 bits is least: sizes below it are counted in `usize` without another thought.
pub fn available() -> u64 {
    static AVAILABLE: OnceLock<u64> = OnceLock::new();
    *AVAILABLE.get_or_init(|| of_the_machine().min(isize::MAX as u64))
}

/// Nobody tells in a browser.
#[cfg(target_arch = "wasm32")]
fn of_the_machine() -> u64 {
    u64::MAX
}

#[cfg(not(target_arch = "wasm32"))]
fn of_the_machine() -> u64 {
    if !sysinfo::IS_SUPPORTED_SYSTEM {
        return u64::MAX;
    }
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    let group = system.cgroup_limits();
    let group = group.map_or(u64::MAX, |limits| limits.total_memory);
    match system.total_memory().min(group) {
        0 => u64::MAX,
        bytes => bytes,
    }
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

/// Everything a workspace holds, by name: how many elements of what. A workspace is made from it; workspaces of equal
/// footprints are interchangeable, whatever plans they come from; [`bytes`](Self::bytes) is what one takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Footprint(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    name: &'static str,
    count: usize,
    element: TypeId,
    size: usize,
}

impl Footprint {
    /// Adds `count` elements of `V`. A count too large for `usize` is given saturated.
    pub fn with<V: 'static>(mut self, name: &'static str, count: usize) -> Self {
        self.0.push(Part {
            name,
            count,
            element: TypeId::of::<V>(),
            size: size_of::<V>(),
        });
        self
    }

    /// The part of this name, filled.
    ///
    /// # Panics
    /// If there is none, or if it is made of something else.
    pub fn vec<V: Clone + 'static>(&self, name: &'static str, fill: V) -> Vec<V> {
        let part = self.0.iter().find(|part| part.name == name);
        match part {
            Some(part) if part.element == TypeId::of::<V>() => vec![fill; part.count],
            _ => unreachable!("{name} is not one of {self:?}"),
        }
    }

    /// Bytes of all parts, saturating.
    pub fn bytes(&self) -> u64 {
        let bytes = |part: &Part| (part.count as u64).saturating_mul(part.size as u64);
        self.0
            .iter()
            .fold(0, |sum: u64, part| sum.saturating_add(bytes(part)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_footprint_is_its_names_counts_and_types() {
        let footprint = Footprint::default()
            .with::<f32>("line", 3)
            .with::<f64>("plane", 5);
        assert_eq!(footprint.bytes(), 3 * 4 + 5 * 8);
        assert_eq!(footprint.vec("plane", 1.0_f64), [1.0; 5]);
        assert_eq!(footprint, footprint.clone());
        for other in [
            Footprint::default().with::<f32>("line", 3),
            Footprint::default()
                .with::<u32>("line", 3)
                .with::<f64>("plane", 5),
            Footprint::default()
                .with::<f32>("line", 4)
                .with::<f64>("plane", 5),
        ] {
            assert_ne!(footprint, other);
        }
        let huge = footprint.with::<f64>("all", usize::MAX);
        assert_eq!(huge.bytes(), u64::MAX);
    }
}
