//! What a convolution costs: nanoseconds of one signal on one thread, from a table.
//!
//! ```text
//! direct:  outputs · taps · (1, 2 or 4 real products) · multiply_add
//! FFT:     n · Σ_p w(p) over the prime factors p of n, w(2) = butterfly;   + touch a sample read, written or multiplied
//! lanes:   n / lanes · (pass · the operations of its radices + row and product, the farther the block is from the core)
//! ```
//!
//! Where the numbers come from: all were fitted by hand to times of one core of a server of 2022, other work beside it (an
//! AMD EPYC, Zen 4, with 32 kB of first-level and 1 MB of second-level cache). Those of the library and the direct form are
//! of AVX2 in the FFTs and SSE2 in the direct form: transforms of 60 to 2²⁰ samples, and the candidates of 16 to 4096 taps
//! and of 5² to 127² on signals of 2²⁰ and images of 512² to 2048² samples. Those of lanes are of AVX-512 on 32-bit numbers,
//! in vectors of 256 bits, with blocks of 512 to 69632 samples and of 96² to 640²; the others are scaled from there and were
//! not measured. Vectors of 512 bits came later and use the same numbers.
//!
//! All were then multiplied by about 1.35, which hardly changes a choice: blocks of 40 x 64 to 640 x 384 and of 1760 to 41000
//! samples took 1.3 to 1.6 times as long on a second machine, a busy virtual core of a server of 2023 (an Intel Xeon,
//! Sapphire Rapids, AVX-512). There large planes took longer still; see [`distance_on_lanes`].
//!
//! They are a table and not a clock: the same request is computed the same way on every machine of one instruction set and
//! gives the same bits. [`Planning::Measure`](super::Planning::Measure) is the clock.

use std::sync::LazyLock;

use super::axis::Blocks;
use super::spectrum::Spectra;
use super::task::{How, Task, Tiling};
use crate::fft::line_cost;
use crate::isa::Isa;
use crate::num::Real;

/// Nanoseconds on one core; see the head of this file.
struct Constants {
    /// A real product and sum of the direct form.
    multiply_add: f64,
    /// A sample of a complex FFT of length 2^l, l times.
    butterfly: f64,
    /// A complex sample that is copied, multiplied or transposed.
    touch: f64,
    /// A call of a small FFT.
    call: f64,
}

fn constants<T: Real>() -> Constants {
    if size_of::<T>() == 4 {
        Constants {
            multiply_add: 0.068,
            butterfly: 0.1,
            touch: 0.35,
            call: 34.0,
        }
    } else {
        Constants {
            multiply_add: 0.135,
            butterfly: 0.195,
            touch: 0.68,
            call: 34.0,
        }
    }
}

/// Σ_p w(p)/w(2) over the prime factors of n: how many radix-2 passes a transform of length n is worth. Measured on
/// rustfft's transforms of 60 to 2²⁰ samples; log2 p would be the count of operations.
fn passes(n: usize) -> f64 {
    // Sides of blocks are asked for again and again.
    static OF_SIDES: LazyLock<Vec<f64>> = LazyLock::new(|| (0..4097).map(count_passes).collect());
    OF_SIDES.get(n).copied().unwrap_or_else(|| count_passes(n))
}

fn count_passes(mut n: usize) -> f64 {
    if n == 0 {
        return 0.0;
    }
    const RELATIVE: [(usize, f64); 5] = [(3, 1.8), (5, 3.2), (7, 4.5), (11, 8.0), (13, 9.5)];
    let twos = n.trailing_zeros();
    let mut sum = f64::from(twos);
    n >>= twos;
    for (p, weight) in RELATIVE {
        while n.is_multiple_of(p) {
            n /= p;
            sum += weight;
        }
    }
    // What is left has large primes: convolutions of at least twice the length.
    if n > 1 {
        sum += 4.0 * (n as f64).log2() + 6.0;
    }
    sum
}

/// How much slower a pass over this many bytes is than one that stays in the nearest caches. The bounds are half of a
/// first-level cache, a quarter and all of a second-level one, and 4 MB, beyond which it is main memory; the factors were
/// measured.
fn distance(bytes: f64) -> f64 {
    match bytes {
        bytes if bytes <= 16_384.0 => 1.0,
        bytes if bytes <= 262_144.0 => 1.3,
        bytes if bytes <= 1_048_576.0 => 1.5,
        bytes if bytes <= 4_194_304.0 => 1.7,
        _ => 3.0,
    }
}

/// Nanoseconds of one complex FFT of length n.
pub(super) fn fft<T: Real>(n: usize) -> f64 {
    let constants = constants::<T>();
    let far = distance((n * 2 * size_of::<T>()) as f64);
    constants.call * (n > 1) as u8 as f64 + n as f64 * passes(n) * constants.butterfly * far
}

/// Nanoseconds of a task cut in this way, for one signal on one thread.
pub(super) fn estimate<T: Real>(task: &Task, tiling: &Tiling) -> f64 {
    let constants = constants::<T>();
    let [axis0, axis1] = &task.axes;
    let outputs = task.plane_len() as f64;
    let parts = |complex: bool| if complex { 2.0 } else { 1.0 };
    let kernels = task.kernels as f64;
    let [b0, b1] = tiling.blocks;
    let tiles = (b0.count * b1.count) as f64;
    if tiling.how == How::Direct {
        let products = parts(task.complex_input) * parts(task.complex_kernels);
        let window = (b0.len * b1.len) as f64 * tiles * constants.touch;
        // The last taps of a row are as good as alone: a register holds 32 outputs.
        let taps = (axis0.k * axis1.k) as f64 + axis0.k as f64 * 2.0;
        let strided = if axis1.keep > 1 { 4.0 } else { 1.0 };
        return kernels
            * outputs
            * (taps * products * constants.multiply_add * strided + constants.touch)
            + window;
    }
    let layout = task.layout(&tiling.blocks);
    let blocks = if layout.spectra == Spectra::Full && task.packs() {
        (tiles / 2.0).ceil()
    } else {
        tiles
    };
    let (half_in, half_out) = match layout.spectra {
        Spectra::Half => (0.55, 0.55),
        Spectra::HalfToFull => (0.55, 1.0),
        Spectra::Full => (1.0, 1.0),
    };
    let transform = |[n0, n1]: [usize; 2], rows: usize| {
        let samples = (n0 * n1) as f64;
        if task.line {
            return fft::<T>(n1);
        }
        let far = distance(samples * 2.0 * size_of::<T>() as f64);
        rows as f64 * fft::<T>(n1)
            + n1 as f64 * fft::<T>(n0) * far.min(1.4)
            + samples * constants.touch * far
    };
    let touch =
        |samples: f64| samples * constants.touch * distance(samples * 2.0 * size_of::<T>() as f64);
    let samples = (layout.block[0] * layout.block[1]) as f64;
    let kept = (layout.kept[0] * layout.kept[1]) as f64;
    let rows_in = if b0.count == 1 {
        axis0.n.min(b0.len)
    } else {
        b0.len
    };
    let forward = half_in * transform(layout.block, rows_in) + 2.0 * half_in * touch(samples);
    let product = half_out * touch(samples);
    let rows_out = (b0.step / axis0.keep).min(layout.kept[0]);
    let inverse = half_out * transform(layout.kept, rows_out) + half_out * touch(kept);
    if task.adjoint {
        blocks * (kernels * (forward + product) + inverse)
    } else {
        blocks * (forward + kernels * (product + inverse))
    }
}

/// Nanoseconds on lanes.
struct LaneConstants {
    /// Numbers in a vector when this was measured.
    lanes: usize,
    /// A cell of a line, for every unit of [`line_cost`].
    pass: f64,
    /// A cell that is loaded or stored, transposed.
    row: f64,
    /// A cell that is multiplied.
    product: f64,
    /// A kernel on a row or column.
    call: f64,
}

/// Measured: AVX-512 for 32-bit numbers, when its vectors had 256 bits as those of AVX2. Everything else is scaled from there.
fn lane_constants<T: Real>(isa: Isa) -> LaneConstants {
    match (isa, size_of::<T>() == 4) {
        (Isa::Portable, single) => LaneConstants {
            lanes: if single { 4 } else { 2 },
            pass: 0.47,
            row: if single { 8.0 } else { 5.5 },
            product: if single { 2.7 } else { 1.4 },
            call: 80.0,
        },
        (Isa::Avx2, single) => LaneConstants {
            lanes: if single { 8 } else { 4 },
            pass: 0.135,
            row: if single { 3.4 } else { 4.7 },
            product: 1.35,
            call: 20.0,
        },
        (Isa::Avx512, single) => LaneConstants {
            lanes: 8,
            pass: if single { 0.12 } else { 0.23 },
            row: if single { 3.4 } else { 8.0 },
            product: if single { 1.35 } else { 2.7 },
            call: 20.0,
        },
    }
}

/// How much slower rows and products are, the farther a plane of this many bytes is from the core.
///
/// A line goes with its twiddles and its kernel, each as large as the plane: the three fill a quarter, a half and all of a
/// second-level cache of 1 MB at 2^18/3, 2^19/3 and 2^20/3 bytes. A 2D block has no twiddles, and reads its kernel once
/// and in order. The factors were measured, those of planes beyond 128 kB on blocks of 96 x 160 to 1152² on the second
/// machine, whose second-level cache has 2 MB: 5.4 ms for 1024² with 127² taps in blocks of 480 x 640, 5.9 in 1152 x 640
/// and 14 in 1152².
fn distance_on_lanes(line: bool, plane: f64) -> f64 {
    match (line, plane) {
        (true, plane) if plane <= 87_382.0 => 1.0,
        (true, plane) if plane <= 174_763.0 => 1.8,
        (true, plane) if plane <= 349_526.0 => 2.6,
        (true, plane) if plane <= 1_048_576.0 => 3.0,
        (true, _) => 4.5,
        (false, plane) if plane <= 131_072.0 => 1.0,
        (false, plane) if plane <= 393_216.0 => 1.5,
        (false, plane) if plane <= 1_310_720.0 => 2.2,
        (false, plane) if plane <= 2_621_440.0 => 2.8,
        (false, plane) if plane <= 5_242_880.0 => 3.6,
        (false, plane) if plane <= 8_388_608.0 => 4.6,
        (false, _) => 7.5,
    }
}

/// Nanoseconds on lanes of a task cut in this way, if it can be done there.
pub(super) fn estimate_lanes<T: Real>(task: &Task, blocks: &[Blocks; 2], isa: Isa) -> Option<f64> {
    let constants = lane_constants::<T>(isa);
    let lanes = constants.lanes;
    let [n0, n1] = task.sides(blocks, lanes)?;
    let line = |n: usize| line_cost(n).map(|units| units as f64 * constants.pass);
    let (line0, line1) = (line(n0)?, line(n1)?);
    let groups = |n: usize| n.div_ceil(lanes) as f64;
    let tiles = (blocks[0].count * blocks[1].count) as f64;
    let units = if task.packs() {
        (tiles / 2.0).ceil()
    } else {
        tiles
    };
    let (rows_in, rows_out) = match task.line {
        true => (n0, n0),
        false => (blocks[0].len.min(task.axes[0].n), blocks[0].step.min(n0)),
    };
    let kernels = task.kernels as f64;
    let cells = (n0 as f64) * groups(n1);
    let plane = cells * (2 * lanes * size_of::<T>()) as f64;
    let far = distance_on_lanes(task.line, plane);
    let row = n1 as f64 * (line1 + constants.row * far) + 3.0 * constants.call;
    let column = n0 as f64 * (line0 + constants.product * 0.5 * far) + 2.0 * constants.call;
    let forward = groups(rows_in) * row + groups(n1) * column;
    let inverse = groups(rows_out) * row + groups(n1) * column;
    Some(units * (forward + kernels * inverse))
}
