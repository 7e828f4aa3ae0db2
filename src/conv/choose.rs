//! Which way of computing a convolution costs least: candidates, the clock, and [`build`], what was chosen.

use std::time::{Duration, Instant};

use num_complex::Complex;

use super::axis::{Axis, Blocks, as_two_axes, own_axes};
use super::blocks::{Build, CountLanes};
use super::cost::{estimate, estimate_lanes, fft};
use super::direct::Direct;
use super::kernels::Kernels;
use super::library::Library;
use super::method::{Candidate, Explanation, Method, Planning};
use super::sample::{Sample, SamplesMut};
use super::spectrum::Layout;
use super::task::{How, Task, Tiling};
use super::tiles::{Over, Walk};
use super::transfer::transfer_of_taps;
use crate::fft::{good_lengths, line_cost};
use crate::isa::Isa;
use crate::num::Real;
use crate::num::sealed::{Either, PerPrecision};

/// The cheapest length for one block of everything along an axis.
pub(super) fn one_block<T: Real>(axis: &Axis) -> Blocks {
    let least = axis.one_block_len();
    if axis.circular {
        return axis.one_block(least);
    }
    let least = least.next_multiple_of(axis.keep);
    let best = good_lengths(least, least.saturating_mul(2), axis.keep)
        .into_iter()
        .map(|len| (len, fft::<T>(len)))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    axis.one_block(best.map_or(least, |(len, _)| len))
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

/// A tiling and its description.
type Described<const D: usize> = (Candidate<D>, Tiling);

fn describe<T: Real, const D: usize>(
    task: &Task,
    blocks: [Blocks; 2],
    method: Method<D>,
    isa: Isa,
) -> Described<D> {
    let block = own_axes(blocks.map(|blocks| blocks.len));
    let how = match method {
        Method::Direct => How::Direct,
        _ => How::Library,
    };
    let mut tiling = Tiling { blocks, how };
    let mut nanoseconds = estimate::<T>(task, &tiling);
    if how == How::Library
        && let Some(on_lanes) = estimate_lanes::<T>(task, &blocks, isa)
        && on_lanes < nanoseconds
    {
        nanoseconds = on_lanes;
        // The table is of vectors that may be shorter than those of the machine, which do not divide every length.
        let lanes = T::with_simd(isa, CountLanes);
        if task.sides(&blocks, lanes).is_some() {
            tiling.how = How::Lanes;
        }
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
    (candidate, tiling)
}

/// Every way of computing a task, the direct one first, with its estimated cost.
fn candidates<T: Real, const D: usize>(task: &Task, isa: Isa) -> Vec<Described<D>> {
    let one = task.axes.each_ref().map(one_block::<T>);
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

/// How many candidates are tried, and for how long each at most: few and short, so that planning stays a matter of
/// milliseconds.
const TRIED: usize = 4;
const TRIAL: Duration = Duration::from_millis(2);

/// Chooses a tiling. `None` if a block was asked for that is too short, or no multiple of the subsampling.
pub(super) fn choose<X, K, const D: usize>(
    task: &Task,
    method: Method<D>,
    planning: Planning,
    kernels: &Kernels<K>,
    isa: Isa,
) -> Option<(Explanation<D>, Tiling)>
where
    X: Sample,
    K: Sample<Real = X::Real>,
{
    let mut all = candidates::<X::Real, D>(task, isa);
    if let Method::OverlapSave { block } = method {
        let block = as_two_axes(&block);
        let [blocks0, blocks1] = [0, 1].map(|i| task.axes[i].overlapping(block[i]));
        all.retain(|(candidate, _)| candidate.method != method);
        let blocks = [blocks0?, blocks1?];
        all.push(describe::<X::Real, D>(task, blocks, method, isa));
    }
    if planning == Planning::Measure && method == Method::Auto {
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by(|&a, &b| all[a].0.nanoseconds.total_cmp(&all[b].0.nanoseconds));
        for &i in order.iter().take(TRIED) {
            all[i].0.nanoseconds = measure::<X, K>(task, &all[i].1, kernels, isa);
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
    let tiling = all[chosen].1;
    let explanation = Explanation {
        candidates: all.into_iter().map(|(candidate, _)| candidate).collect(),
        chosen,
        forced: method != Method::Auto,
    };
    Some((explanation, tiling))
}

/// Nanoseconds of one signal: the shortest of a few runs of one share, times the shares.
fn measure<X, K>(task: &Task, tiling: &Tiling, kernels: &Kernels<K>, isa: Isa) -> f64
where
    X: Sample,
    K: Sample<Real = X::Real>,
{
    let walk = build::<X::Real, K>(task, tiling, kernels, isa);
    let mut workers = walk.workers(1);
    let input = vec![X::default(); task.input_len()];
    let len = task.output_len();
    let (mut real, mut complex) = match task.complex_output() {
        true => (Vec::new(), vec![Complex::default(); len]),
        false => (vec![X::Real::default(); len], Vec::new()),
    };
    let start = Instant::now();
    let mut best = f64::INFINITY;
    while best.is_infinite() || start.elapsed() < TRIAL {
        let out = match task.complex_output() {
            true => SamplesMut::Complex(&mut complex),
            false => SamplesMut::Real(&mut real),
        };
        let run = Instant::now();
        walk.run_first(X::samples(&input), out, &mut *workers);
        best = best.min(run.elapsed().as_nanos() as f64);
    }
    best * walk.units() as f64
}

/// What computes a task as it is cut, with its kernels.
pub(super) fn build<T: Real, K: Sample<Real = T>>(
    task: &Task,
    tiling: &Tiling,
    kernels: &Kernels<K>,
    isa: Isa,
) -> Box<dyn Walk<T>> {
    let k = task.axes.map(|axis| axis.k);
    let shift = tiling.blocks.map(|blocks| blocks.shift);
    let taps = |index| kernels.taps(index, task.support, k, task.adjoint);
    let transfer = |index, layout: &Layout| {
        if task.in_fourier {
            kernels.transfer(index, layout.block, task.adjoint)
        } else {
            transfer_of_taps(&taps(index), k, shift, layout)
        }
    };
    let recipe = Recipe {
        task: *task,
        tiling: *tiling,
        isa,
        taps: &taps,
        transfer: &transfer,
    };
    T::choose::<Either<Recipe>, Walks>(recipe, build_single, build_double)
}

/// No generics from here on: what generics call is compiled again in every crate that uses them.
fn build_single(recipe: Recipe) -> Box<dyn Walk<f32>> {
    recipe.build()
}

fn build_double(recipe: Recipe) -> Box<dyn Walk<f64>> {
    recipe.build()
}

/// What is built, with nothing in its type that belongs to the caller.
struct Recipe<'a> {
    task: Task,
    tiling: Tiling,
    isa: Isa,
    taps: &'a (dyn Fn(usize) -> Vec<Complex<f64>> + Sync),
    transfer: &'a (dyn Fn(usize, &Layout) -> Vec<Complex<f64>> + Sync),
}

struct Walks;

impl PerPrecision for Walks {
    type Of<T: Real> = Box<dyn Walk<T>>;
}

impl Recipe<'_> {
    fn build<T: Real>(self) -> Box<dyn Walk<T>> {
        let Self {
            task,
            tiling,
            isa,
            taps,
            transfer,
        } = self;
        match tiling.how {
            How::Direct => Box::new(Over(Direct::new(task, &tiling, taps))),
            How::Library => Box::new(Over(Library::new(task, &tiling, transfer))),
            How::Lanes => {
                let layout = task.layout(&tiling.blocks);
                let hat = |index| transfer(index, &layout);
                let build = Build {
                    task,
                    tiling: &tiling,
                    isa,
                    kernel: if task.in_fourier { &hat } else { taps },
                };
                T::with_simd(isa, build)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{ArrayD, IxDyn};

    use super::*;
    use crate::Cancel;
    use crate::conv::axis::Mode;
    use crate::conv::sample::Convolve;
    use crate::num::relative_error;
    use crate::num::sealed::Sealed;

    fn values<X: Sample>(len: usize, seed: f64) -> Vec<X> {
        let number =
            |i: usize, phase: f64| X::Real::narrow(((i * i) as f64 * 0.37 + seed + phase).sin());
        (0..len)
            .map(|i| X::from_parts(number(i, 0.0), number(i, 1.3)))
            .collect()
    }

    /// Parts of the results for two signals, in one way, with dirty scratch.
    fn results<X: Convolve<K>, K: Sample<Real = X::Real>>(
        task: &Task,
        tiling: Tiling,
        kernels: &Kernels<K>,
        isa: Isa,
        workers: usize,
    ) -> Vec<X::Real> {
        let walk = build::<X::Real, K>(task, &tiling, kernels, isa);
        let mut workers = walk.workers(workers);
        let input = values::<X>(task.input_len() * 2, 0.1);
        let mut out = vec![X::Output::default(); task.output_len() * 2];
        for _ in 0..2 {
            let out = X::Output::samples_mut(&mut out);
            walk.run(X::samples(&input), out, &mut *workers, &Cancel::new());
        }
        out.iter().flat_map(|y| [y.re(), y.im()]).collect()
    }

    fn check<X: Convolve<K>, K: Sample<Real = X::Real>>(
        line: bool,
        mode: Mode,
        n: [usize; 2],
        k: [usize; 2],
        extra: [usize; 2],
        count: usize,
    ) {
        let axes = [0, 1].map(|i| Axis::new(mode, n[i], k[i], 1));
        let task = Task {
            axes,
            line,
            kernels: count,
            support: k,
            in_fourier: false,
            complex_input: X::COMPLEX,
            complex_kernels: K::COMPLEX,
            adjoint: false,
        };
        let shape = if line {
            vec![count, k[1]]
        } else {
            vec![count, k[0], k[1]]
        };
        let taps = values::<K>(shape.iter().product(), 0.7);
        let taps = ArrayD::from_shape_vec(IxDyn(&shape), taps).unwrap();
        let kernels = Kernels::space(&taps);
        let short = [0, 1].map(|i| match i {
            0 if line => axes[0].overlapping(1).unwrap(),
            _ => axes[i].overlapping(k[i] - 1 + extra[i]).unwrap(),
        });
        let one = axes.map(|axis| match (mode, line && axis.n == 1) {
            (Mode::Circular, _) | (_, true) => axis.one_block(axis.one_block_len()),
            _ => axis.one_block(axis.one_block_len().next_multiple_of(64)),
        });
        let tolerance = if X::Real::NAME == "float32" {
            1e-6
        } else {
            1e-14
        };
        for blocks in [short, one] {
            let tiling = |how| Tiling { blocks, how };
            let library = tiling(How::Library);
            let expected = results::<X, K>(&task, library, &kernels, Isa::Portable, 1);
            for isa in Isa::available() {
                if task
                    .sides(&blocks, X::Real::with_simd(isa, CountLanes))
                    .is_none()
                {
                    assert!(mode == Mode::Circular, "{task:?}, {blocks:?}");
                    continue;
                }
                let lanes = tiling(How::Lanes);
                let got = results::<X, K>(&task, lanes, &kernels, isa, 1);
                let error = relative_error(got.iter().copied(), expected.iter().copied());
                assert!(error < tolerance, "{isa}, {task:?}, {blocks:?}: {error:e}");
                let shared = results::<X, K>(&task, lanes, &kernels, isa, 3);
                assert!(
                    got == shared,
                    "{isa}, {task:?}, {blocks:?}: threads change bits"
                );
            }
        }
    }

    #[test]
    fn lanes_give_what_the_library_gives_on_every_instruction_set() {
        for mode in [Mode::Circular, Mode::Full, Mode::Same, Mode::Valid] {
            for count in [1, 3] {
                for (n, k, extra) in [(300, 9, 56), (96, 65, 64), (64, 1, 64), (129, 17, 128)] {
                    let (n, k, extra) = ([1, n], [1, k], [1, extra]);
                    check::<f32, f32>(true, mode, n, k, extra, count);
                    check::<f32, Complex<f32>>(true, mode, n, k, extra, count);
                    check::<Complex<f32>, f32>(true, mode, n, k, extra, count);
                    check::<f64, f64>(true, mode, n, k, extra, count);
                    check::<Complex<f64>, Complex<f64>>(true, mode, n, k, extra, count);
                }
                for (n, k, extra) in [
                    ([40, 37], [5, 4], [12, 11]),
                    ([20, 66], [3, 9], [6, 28]),
                    ([9, 8], [9, 8], [8, 9]),
                    ([17, 30], [1, 2], [3, 14]),
                    ([150, 170], [40, 9], [141, 184]), // large enough to share its passes
                ] {
                    check::<f32, f32>(false, mode, n, k, extra, count);
                    check::<f32, Complex<f32>>(false, mode, n, k, extra, count);
                    check::<Complex<f32>, Complex<f32>>(false, mode, n, k, extra, count);
                    check::<f64, f64>(false, mode, n, k, extra, count);
                    check::<f64, Complex<f64>>(false, mode, n, k, extra, count);
                }
            }
        }
    }
}
