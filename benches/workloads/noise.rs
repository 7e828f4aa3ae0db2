//! White noise that another language can make from the same three lines.
//!
//! Sample `i` is a hash of `i` (SplitMix64), its top 24 bits in [0, 1).

/// Samples `start .. start + count`.
pub fn noise(start: usize, count: usize) -> Vec<f32> {
    (start + 1..=start + count)
        .map(|i| (split_mix(i as u64) >> 40) as f32 / (1 << 24) as f32)
        .collect()
}

/// The taps of a kernel that go with a signal of `samples`: the noise after it, in [-0.5, 0.5), so that sums of
/// thousands of products stay small beside what they are made of.
pub fn taps(samples: usize, count: usize) -> Vec<f32> {
    let mut taps = noise(samples, count);
    taps.iter_mut().for_each(|tap| *tap -= 0.5);
    taps
}

/// Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators": output number `i` for seed 0.
fn split_mix(i: u64) -> u64 {
    let z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
