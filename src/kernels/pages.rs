//! [`prefer_large`]: memory that is about to be written for the first time, in large pages.

#![allow(unsafe_code)]

/// The large pages of x86-64 and of most others.
#[cfg(target_os = "linux")]
const LARGE: usize = 2 << 20;

/// Asks the system for large pages wherever a slice fills them, before it is touched: a page fault every 2 MiB in place of
/// one every 4 KiB, as NumPy asks for its arrays. Nothing happens if the system has none, or hands them out anyway; the
/// memory stays what it is.
#[cfg(target_os = "linux")]
pub fn prefer_large<T>(memory: &mut [T]) {
    let range = memory.as_mut_ptr_range();
    let (start, end) = (range.start.addr(), range.end.addr());
    // Few pages are as quickly touched; and only whole ones are ours.
    let (first, end) = (start.next_multiple_of(LARGE), end / LARGE * LARGE);
    if end > first && end - first >= LARGE {
        let at = range.start.cast::<u8>().wrapping_add(first - start);
        // SAFETY: the pages lie within a slice that is borrowed mutably, and the advice changes no byte of them. An error is a
        // refusal, which is as good.
        unsafe { libc::madvise(at.cast(), end - first, libc::MADV_HUGEPAGE) };
    }
}

/// Does nothing on this system.
#[cfg(not(target_os = "linux"))]
pub fn prefer_large<T>(_: &mut [T]) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_what_it_was() {
        for len in [0, 1, 1 << 10, (5 << 20) + 3] {
            let mut memory = vec![7_u8; len];
            prefer_large(&mut memory);
            prefer_large(&mut memory[len / 3..]);
            assert!(memory.iter().all(|&byte| byte == 7));
        }
    }
}
