//! What a convolution costs, and which way of computing it costs least.
//!
//! ```text
//! direct:  outputs · taps · (1, 2 or 4 real products) · multiply_add
//! FFT:     n · Σ_p w(p) over the prime factors p of n, w(2) = butterfly;   + touch a sample read, written or multiplied
//! lanes:   n / lanes · (pass · the operations of its radices + row and product, the farther the block is from the core)
//! ```
//!
//! The constants are nanoseconds, measured on one core of a server of 2022 (AVX2 in the FFTs, SSE2 in the direct form),
//! other work beside it: transforms of 60 to 2²⁰ samples, and the candidates of 16 to 4096 taps and of 5² to 127² on signals
//! of 2²⁰ and images of 512² to 2048² samples; those of lanes on AVX-512 for 32-bit numbers, with blocks of 512 to 69632
//! samples and of 96² to 640², and scaled from there for what was not measured. They are a table and not a clock: the same
//! request is computed the same way on every machine of one instruction set and gives the same bits.
//! [`Planning::Measure`] is the clock.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::axis::{Axis, Blocks, both, last};
use super::engine::Spectra;
use super::kernels::Kernels;
use super::sample::Sample;
use super::tiles::{Cut, Means, Task, Tiled};
use crate::fft::line_cost;
use crate::kernels::isa::Isa;
use crate::num::Real;
use num_traits::Zero;

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method<const D: usize> {
    /// Whatever costs least.
    #[default]
    Auto,
    /// By the definition, a product a tap and a sample.
    Direct,
    /// One transform of everything.
    Fft,
    /// Blocks of this many samples, which overlap by the kernel's length less one.
    OverlapSave {
        /// Samples along each axis, at least the kernel's, a multiple of the subsampling.
        block: [usize; D],
    },
}

impl<const D: usize> fmt::Display for Method<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Auto => f.write_str("auto"),
            Method::Direct => f.write_str("direct"),
            Method::Fft => f.write_str("fft"),
            Method::OverlapSave { block } => {
                let sides: Vec<_> = block.iter().map(usize::to_string).collect();
                write!(f, "overlap-save {}", sides.join(" x "))
            }
        }
    }
}

/// Where the costs come from that a plan compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Planning {
    /// From a table: the same choice, and the same bits, in every run and on every machine of one instruction set.
    #[default]
    Estimate,
    /// From a few milliseconds of trying the best candidates of the table on this machine, now.
    Measure,
}

/// One way of computing a convolution and its cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate<const D: usize> {
    /// Which way.
    pub method: Method<D>,
    /// Samples of what is transformed, or for the direct form computed, at a time.
    pub block: [usize; D],
    /// Nanoseconds for one signal and all kernels on one thread.
    pub nanoseconds: f64,
    /// Whether that was measured or is an estimate.
    pub planning: Planning,
}

/// Why a plan computes as it does: every candidate with its cost, and the chosen one. Prints as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation<const D: usize> {
    candidates: Vec<Candidate<D>>,
    chosen: usize,
    forced: bool,
}

impl<const D: usize> Explanation<D> {
    /// Every candidate; of overlap-save the best of every octave of block lengths.
    pub fn candidates(&self) -> &[Candidate<D>] {
        &self.candidates
    }

    /// The one that runs.
    pub fn chosen(&self) -> &Candidate<D> {
        &self.candidates[self.chosen]
    }

    /// Whether the caller named the method, so that costs had no say.
    pub fn is_forced(&self) -> bool {
        self.forced
    }
}

impl<const D: usize> fmt::Display for Explanation<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, candidate) in self.candidates.iter().enumerate() {
            let mark = match (i == self.chosen, self.forced) {
                (false, _) => "",
                (true, false) => "  <- cheapest",
                (true, true) => "  <- as requested",
            };
            let source = match candidate.planning {
                Planning::Estimate => "estimated",
                Planning::Measure => "measured",
            };
            let name = match candidate.method {
                Method::Fft => {
                    let sides: Vec<_> = candidate.block.iter().map(usize::to_string).collect();
                    format!("fft {}", sides.join(" x "))
                }
                method => method.to_string(),
            };
            let milliseconds = candidate.nanoseconds * 1e-6;
            writeln!(f, "{name:<28} {milliseconds:>12.4} ms {source}{mark}")?;
        }
        Ok(())
    }
}

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
            multiply_add: 0.05,
            butterfly: 0.075,
            touch: 0.26,
            call: 25.0,
        }
    } else {
        Constants {
            multiply_add: 0.1,
            butterfly: 0.145,
            touch: 0.5,
            call: 25.0,
        }
    }
}

/// Σ_p w(p)/w(2) over the prime factors of n: how many radix-2 passes a transform of length n is worth.
fn passes(mut n: usize) -> f64 {
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

/// How much slower a pass over this many bytes is than one that stays in the nearest caches.
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
fn fft<T: Real>(n: usize) -> f64 {
    let constants = constants::<T>();
    let far = distance((n * 2 * size_of::<T>()) as f64);
    constants.call * (n > 1) as u8 as f64 + n as f64 * passes(n) * constants.butterfly * far
}

/// Nanoseconds of a task cut in this way, for one signal on one thread.
fn estimate<T: Real>(task: &Task, cut: &Cut) -> f64 {
    let constants = constants::<T>();
    let [axis0, axis1] = &task.axes;
    let outputs = task.plane_len() as f64;
    let parts = |complex: bool| if complex { 2.0 } else { 1.0 };
    let kernels = task.kernels as f64;
    let [b0, b1] = cut.blocks;
    let tiles = (b0.count * b1.count) as f64;
    if cut.means == Means::Direct {
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
    let layout = task.layout(cut);
    let lines = if task.packed(layout.spectra) {
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
        lines * (kernels * (forward + product) + inverse)
    } else {
        lines * (forward + kernels * (product + inverse))
    }
}

/// Nanoseconds on lanes.
struct LaneConstants {
    /// Numbers in a vector.
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

fn lane_constants<T: Real>(isa: Isa) -> LaneConstants {
    match (isa, size_of::<T>() == 4) {
        (Isa::Portable, single) => LaneConstants {
            lanes: 4,
            pass: if single { 0.35 } else { 0.7 },
            row: if single { 6.0 } else { 8.0 },
            product: 2.0,
            call: 60.0,
        },
        (Isa::Avx2, single) => LaneConstants {
            lanes: if single { 8 } else { 4 },
            pass: 0.1,
            row: if single { 2.5 } else { 3.5 },
            product: 1.0,
            call: 15.0,
        },
        (Isa::Avx512, single) => LaneConstants {
            lanes: 8,
            pass: if single { 0.09 } else { 0.17 },
            row: if single { 2.5 } else { 6.0 },
            product: if single { 1.0 } else { 2.0 },
            call: 15.0,
        },
    }
}

/// Nanoseconds on lanes of a task cut in this way, if it can be done there.
fn estimate_lanes<T: Real>(task: &Task, blocks: &[Blocks; 2], isa: Isa) -> Option<f64> {
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
    // The plane, the kernel, and the twiddles of a line, which share a cache of about a megabyte.
    let plane = cells * (2 * lanes * size_of::<T>()) as f64;
    let far = match (task.line, plane) {
        (true, plane) if plane <= 87_382.0 => 1.0,
        (true, plane) if plane <= 174_763.0 => 1.8,
        (true, plane) if plane <= 349_526.0 => 2.6,
        (true, _) => 3.0,
        (false, plane) if plane <= 393_216.0 => 1.0,
        (false, plane) if plane <= 1_048_576.0 => 1.6,
        (false, _) => 1.8,
    };
    let row = n1 as f64 * (line1 + constants.row * far) + 3.0 * constants.call;
    let column = n0 as f64 * (line0 + constants.product * 0.5 * far) + 2.0 * constants.call;
    let forward = groups(rows_in) * row + groups(n1) * column;
    let inverse = groups(rows_out) * row + groups(n1) * column;
    Some(units * (forward + kernels * inverse))
}

/// Products 2^a·3^b·5^c, and such times 7, 11, 13 or 17, in `from ..= to`, that `multiple` divides; in increasing order.
fn good_lengths(from: usize, to: usize, multiple: usize) -> Vec<usize> {
    let mut lengths = Vec::new();
    let powers = |first: usize, p: usize| {
        std::iter::successors(Some(first), move |n| n.checked_mul(p)).take_while(move |n| *n <= to)
    };
    for q in [1, 7, 11, 13, 17] {
        for c in powers(q, 5) {
            for b in powers(c, 3) {
                let fits = |n: &usize| *n >= from && n.is_multiple_of(multiple);
                lengths.extend(powers(b, 2).filter(fits));
            }
        }
    }
    lengths.sort_unstable();
    lengths
}

/// The cheapest length for one block of everything along an axis.
fn whole<T: Real>(axis: &Axis) -> Blocks {
    let least = axis.whole_len();
    if axis.circular {
        return axis.whole(least);
    }
    let least = least.next_multiple_of(axis.keep);
    let best = good_lengths(least, least.saturating_mul(2), axis.keep)
        .into_iter()
        .map(|len| (len, fft::<T>(len)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    axis.whole(best.map_or(least, |(len, _)| len))
}

/// Blocks of the direct form: long enough that borders are few, short enough for the nearest cache.
fn direct_blocks(task: &Task) -> [Blocks; 2] {
    let outputs = if task.line { [1, 4096] } else { [32, 512] };
    [0, 1].map(|i| {
        let axis = &task.axes[i];
        let step = outputs[i].min(axis.outputs()) * axis.keep;
        Blocks {
            len: step + axis.k - 1,
            origin: axis.offset as i64 - (axis.k as i64 - 1),
            shift: 0,
            step,
            count: axis.m.div_ceil(step),
        }
    })
}

/// Lengths of overlapping blocks worth a thought along an axis.
fn overlapping<T: Real>(axis: &Axis, line: bool) -> Vec<Blocks> {
    if axis.m == 1 && axis.k == 1 {
        return axis.overlapping(axis.keep).into_iter().collect();
    }
    let least = axis.k + axis.k / 4;
    let most = (axis.m + axis.k)
        .saturating_mul(2)
        .min(64 * axis.k + 65_536);
    let lengths = good_lengths(least, most, axis.keep);
    let mut kept: Vec<Blocks> = Vec::new();
    let mut least_costs = [f64::INFINITY; 2];
    for len in lengths.into_iter().filter(|&len| !line || is_coarse(len)) {
        let Some(blocks) = axis.overlapping(len) else {
            continue;
        };
        match kept.last() {
            Some(last) if last.count == 1 => break, // the first that covers everything is the last that is looked at
            Some(last) if last.count == blocks.count => {}
            _ => least_costs = [f64::INFINITY; 2],
        }
        // A longer block of as many is worth a thought only if it costs less, by the library or on lanes. What a line
        // costs on lanes depends on how it is folded into a plane.
        let on_lanes = line_cost(len).map_or(f64::INFINITY, |units| units as f64 * len as f64);
        let costs = [fft::<T>(len), on_lanes];
        if line || (0..2).any(|i| costs[i] < least_costs[i]) {
            kept.push(blocks);
        }
        least_costs = [0, 1].map(|i| costs[i].min(least_costs[i]));
    }
    kept
}

/// Whether a length is a multiple of the largest power of two in 1/64 of it: some thirty lengths an octave. Pricing all of
/// them took longer than 2^20 samples with 256 taps; a dozen an octave left out 2112 and 2496, a fifth faster there than
/// 2048, whose columns meet in the sets of a cache.
fn is_coarse(len: usize) -> bool {
    len.is_multiple_of(1 << len.ilog2().saturating_sub(6))
}

/// A cut and its description.
type Described<const D: usize> = (Candidate<D>, Cut);

fn describe<T: Real, const D: usize>(
    task: &Task,
    blocks: [Blocks; 2],
    method: Method<D>,
    isa: Isa,
) -> Described<D> {
    let block = last(blocks.map(|blocks| blocks.len));
    let means = match method {
        Method::Direct => Means::Direct,
        _ => Means::Library,
    };
    let mut cut = Cut { blocks, means };
    let mut nanoseconds = estimate::<T>(task, &cut);
    if means == Means::Library
        && let Some(on_lanes) = estimate_lanes::<T>(task, &blocks, isa)
        && on_lanes < nanoseconds
    {
        nanoseconds = on_lanes;
        cut.means = Means::Lanes;
    }
    let method = match method {
        Method::OverlapSave { .. } => Method::OverlapSave { block },
        method => method,
    };
    let candidate = Candidate {
        method,
        block,
        nanoseconds,
        planning: Planning::Estimate,
    };
    (candidate, cut)
}

/// Every way of computing a task, the direct one first, with its estimated cost.
fn candidates<T: Real, const D: usize>(task: &Task, isa: Isa) -> Vec<Described<D>> {
    let one = task.axes.each_ref().map(whole::<T>);
    let one = describe::<T, D>(task, one, Method::Fft, isa);
    if task.in_fourier {
        return vec![one];
    }
    let direct = describe::<T, D>(task, direct_blocks(task), Method::Direct, isa);
    let mut all = vec![direct, one];
    let lengths = task
        .axes
        .each_ref()
        .map(|axis| overlapping::<T>(axis, task.line));
    let mut best: Vec<Option<Described<D>>> = vec![None; usize::BITS as usize];
    for &blocks0 in &lengths[0] {
        for &blocks1 in &lengths[1] {
            // Blocks that are much longer one way than the other lose what they overlap.
            let (longer, shorter) = (blocks0.len.max(blocks1.len), blocks0.len.min(blocks1.len));
            if !task.line
                && (longer > 4 * shorter && blocks0.count > 1 && blocks1.count > 1 || longer > 4096)
            {
                continue;
            }
            let method = Method::OverlapSave { block: [0; D] };
            let new = describe::<T, D>(task, [blocks0, blocks1], method, isa);
            let best = &mut best[(blocks0.len * blocks1.len).ilog2() as usize];
            let better = |old: &Described<D>| new.0.nanoseconds < old.0.nanoseconds;
            if best.as_ref().is_none_or(better) {
                *best = Some(new);
            }
        }
    }
    all.extend(best.into_iter().flatten());
    all
}

/// How many candidates are tried, and for how long each at most.
const TRIED: usize = 4;
const TRIAL: Duration = Duration::from_millis(2);

/// Chooses a cut. `None` if a block was asked for that is too short, or no multiple of the subsampling.
pub(super) fn choose<X, K, const D: usize>(
    task: &Task,
    method: Method<D>,
    planning: Planning,
    kernels: &Kernels<K>,
    isa: Isa,
) -> Option<(Explanation<D>, Cut)>
where
    X: Sample,
    K: Sample<Real = X::Real>,
{
    let mut all = candidates::<X::Real, D>(task, isa);
    if let Method::OverlapSave { block } = method {
        let block = both(&block);
        let [blocks0, blocks1] = [0, 1].map(|i| task.axes[i].overlapping(block[i]));
        all.retain(|(candidate, _)| candidate.method != method);
        let blocks = [blocks0?, blocks1?];
        all.push(describe::<X::Real, D>(task, blocks, method, isa));
    }
    if planning == Planning::Measure && method == Method::Auto {
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by(|&a, &b| all[a].0.nanoseconds.total_cmp(&all[b].0.nanoseconds));
        for &i in order.iter().take(TRIED) {
            all[i].0.nanoseconds = measure::<X, K>(task, all[i].1, kernels, isa);
            all[i].0.planning = Planning::Measure;
        }
    }
    let measured = all
        .iter()
        .any(|(candidate, _)| candidate.planning == Planning::Measure);
    let eligible = |candidate: &Candidate<D>| match method {
        Method::Auto => !measured || candidate.planning == Planning::Measure,
        method => candidate.method == method,
    };
    let chosen = (0..all.len())
        .filter(|&i| eligible(&all[i].0))
        .min_by(|&a, &b| all[a].0.nanoseconds.total_cmp(&all[b].0.nanoseconds))?;
    let cut = all[chosen].1;
    let explanation = Explanation {
        candidates: all.into_iter().map(|(candidate, _)| candidate).collect(),
        chosen,
        forced: method != Method::Auto,
    };
    Some((explanation, cut))
}

/// Nanoseconds of one signal: the shortest of a few runs of one share, times the shares.
fn measure<X, K>(task: &Task, cut: Cut, kernels: &Kernels<K>, isa: Isa) -> f64
where
    X: Sample,
    K: Sample<Real = X::Real>,
{
    let tiled = Tiled::<X::Real>::new(*task, cut, kernels, isa);
    let mut worker = tiled.worker();
    let input = vec![X::default(); task.input_len()];
    // Real parts only: a few stores fewer, in every candidate alike.
    let mut out = vec![X::Real::zero(); task.output_len()];
    let out = Mutex::new(&mut out[..]);
    let start = Instant::now();
    let mut best = f64::INFINITY;
    while best.is_infinite() || start.elapsed() < TRIAL {
        let run = Instant::now();
        tiled.run_unit(&input, 0, &mut worker, &out);
        best = best.min(run.elapsed().as_nanos() as f64);
    }
    best * tiled.units() as f64
}
