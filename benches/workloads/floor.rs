//! The floor of a run: its FFTs and nothing else, by rustfft and realfft, back to back on one thread.
//!
//! As many 2D transforms of the same sizes as the run needs at least, rows first, then a transposition, then columns.
//! Real planes take half spectra.

use std::sync::Arc;
use std::time::{Duration, Instant};

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::num_complex::Complex;
use rustfft::{Fft, FftPlanner};
use wavelet_scattering::num::Real;
use wavelet_scattering::{Scattering1d, Scattering2d};

/// How many transforms of one size; a line is a plane of one row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ffts {
    pub shape: [usize; 2],
    pub real_forward: usize,
    pub real_inverse: usize,
    pub complex_forward: usize,
    pub complex_inverse: usize,
}

impl Ffts {
    /// Those of one image: every path but the input is one inverse transform on the level of its last scale; every
    /// path with children, and the input, is one forward transform there.
    pub fn of_scattering<T: Real>(plan: &Scattering2d<T>) -> Vec<Self> {
        let [n0, n1] = plan.padded_shape();
        let params = plan.description();
        let mut levels: Vec<_> = (0..params.J)
            .map(|level| Ffts {
                shape: [n0 >> level, n1 >> level],
                ..Ffts::default()
            })
            .collect();
        let paths = plan.paths();
        for row in 0..paths.len() {
            let last = paths.wavelets_of(row).next_back();
            let level = &mut levels[last.map_or(0, |wavelet| params.level(wavelet.j))];
            level.complex_inverse += usize::from(last.is_some());
            level.real_forward += usize::from(!paths.children(row).is_empty());
        }
        levels
    }

    /// Those of one signal with local averages, counted in the same way.
    pub fn of_signal<T: Real>(plan: &Scattering1d<T>) -> Vec<Self> {
        let [len] = plan.padded_shape();
        let coarsest = plan.description().output_stride().ilog2() as usize;
        let mut levels: Vec<_> = (0..=coarsest)
            .map(|level| Ffts {
                shape: [1, len >> level],
                ..Ffts::default()
            })
            .collect();
        let paths = plan.paths();
        for row in 0..paths.len() {
            let coarsest_of_path = paths.wavelets_of(row).map(|psi| psi.j.min(coarsest)).max();
            let level = &mut levels[coarsest_of_path.unwrap_or(0)];
            level.complex_inverse += usize::from(row > 0);
            level.real_forward += usize::from(!paths.children(row).is_empty());
        }
        levels
    }

    /// Those of one signal and `kernels` kernels in so many blocks of this shape, each kernel's spectrum being known; complex
    /// where `signal` is, and back where `result` is.
    pub fn of_convolution(
        shape: [usize; 2],
        blocks: usize,
        kernels: usize,
        [signal, result]: [bool; 2],
    ) -> Self {
        let count = |counts: bool, ffts: usize| if counts { ffts } else { 0 };
        Self {
            shape,
            real_forward: count(!signal, blocks),
            real_inverse: count(!result, blocks * kernels),
            complex_forward: count(signal, blocks),
            complex_inverse: count(result, blocks * kernels),
        }
    }

    /// Nominal work: 5·N·log2 N for a complex transform of N samples, half of it for a real one. A convention, by which
    /// speeds of FFTs of different makers compare; none needs quite as many operations.
    pub fn flops(&self) -> f64 {
        let samples = self.shape.iter().product::<usize>() as f64;
        let real = (self.real_forward + self.real_inverse) as f64;
        let complex = (self.complex_forward + self.complex_inverse) as f64;
        5.0 * samples * samples.log2() * (complex + real / 2.0)
    }
}

/// Planned FFTs, and buffers for the largest. The buffers hold zeros throughout: no value grows without bound, and the
/// time does not depend on them.
pub struct Floor<T> {
    planes: Vec<Plane<T>>,
    real: Vec<T>,
    spectrum: Vec<Complex<T>>,
    transposed: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

/// The 1D transforms of one size.
struct Plane<T> {
    ffts: Ffts,
    rows_real_forward: Arc<dyn RealToComplex<T>>,
    rows_real_inverse: Arc<dyn ComplexToReal<T>>,
    rows_forward: Arc<dyn Fft<T>>,
    rows_inverse: Arc<dyn Fft<T>>,
    columns_forward: Arc<dyn Fft<T>>,
    columns_inverse: Arc<dyn Fft<T>>,
}

impl<T: Real> Plane<T> {
    fn scratch_len(&self) -> usize {
        let complex = [
            &self.rows_forward,
            &self.rows_inverse,
            &self.columns_forward,
            &self.columns_inverse,
        ];
        let complex = complex.map(|fft| fft.get_inplace_scratch_len());
        let real = [
            self.rows_real_forward.get_scratch_len(),
            self.rows_real_inverse.get_scratch_len(),
        ];
        complex.into_iter().chain(real).max().unwrap_or(0)
    }
}

impl<T: Real> Floor<T> {
    pub fn new(ffts: &[Ffts]) -> Self {
        let (mut real, mut complex) = (RealFftPlanner::new(), FftPlanner::new());
        let planes: Vec<_> = ffts
            .iter()
            .map(|&ffts| {
                let [n0, n1] = ffts.shape;
                Plane {
                    ffts,
                    rows_real_forward: real.plan_fft_forward(n1),
                    rows_real_inverse: real.plan_fft_inverse(n1),
                    rows_forward: complex.plan_fft_forward(n1),
                    rows_inverse: complex.plan_fft_inverse(n1),
                    columns_forward: complex.plan_fft_forward(n0),
                    columns_inverse: complex.plan_fft_inverse(n0),
                }
            })
            .collect();
        let longest = |len: &dyn Fn(&Plane<T>) -> usize| planes.iter().map(len).max().unwrap_or(0);
        let samples = longest(&|plane| plane.ffts.shape.iter().product());
        // A half spectrum of a plane of one or two columns is as wide as the plane, or wider by one.
        let spectrum = longest(&|plane| {
            let [n0, n1] = plane.ffts.shape;
            n0 * n1.max(n1 / 2 + 1)
        });
        let scratch = longest(&Plane::scratch_len);
        let zeros = |len| vec![Complex::new(T::zero(), T::zero()); len];
        Self {
            planes,
            real: vec![T::zero(); samples],
            spectrum: zeros(spectrum),
            transposed: zeros(spectrum),
            scratch: zeros(scratch),
        }
    }

    pub fn run(&mut self) {
        let Self {
            planes,
            real,
            spectrum,
            transposed,
            scratch,
        } = self;
        for plane in planes {
            let [n0, n1] = plane.ffts.shape;
            let width = n1 / 2 + 1;
            let real = &mut real[..n0 * n1];
            let half = &mut spectrum[..n0 * width];
            let half_transposed = &mut transposed[..n0 * width];
            for _ in 0..plane.ffts.real_forward {
                for (row, row_hat) in real.chunks_exact_mut(n1).zip(half.chunks_exact_mut(width)) {
                    plane
                        .rows_real_forward
                        .process_with_scratch(row, row_hat, scratch)
                        .expect("lengths fit");
                }
                if n0 > 1 {
                    transpose::transpose(half, half_transposed, width, n0);
                    plane
                        .columns_forward
                        .process_with_scratch(half_transposed, scratch);
                }
            }
            for _ in 0..plane.ffts.real_inverse {
                if n0 > 1 {
                    plane
                        .columns_inverse
                        .process_with_scratch(half_transposed, scratch);
                    transpose::transpose(half_transposed, half, n0, width);
                }
                for (row, row_hat) in real.chunks_exact_mut(n1).zip(half.chunks_exact_mut(width)) {
                    plane
                        .rows_real_inverse
                        .process_with_scratch(row_hat, row, scratch)
                        .expect("lengths fit, and the spectrum of zeros is that of a real row");
                }
            }
            let whole = &mut spectrum[..n0 * n1];
            let whole_transposed = &mut transposed[..n0 * n1];
            for _ in 0..plane.ffts.complex_forward {
                plane.rows_forward.process_with_scratch(whole, scratch);
                if n0 > 1 {
                    transpose::transpose(whole, whole_transposed, n1, n0);
                    plane
                        .columns_forward
                        .process_with_scratch(whole_transposed, scratch);
                }
            }
            for _ in 0..plane.ffts.complex_inverse {
                if n0 > 1 {
                    plane
                        .columns_inverse
                        .process_with_scratch(whole_transposed, scratch);
                    transpose::transpose(whole_transposed, whole, n0, n1);
                }
                plane.rows_inverse.process_with_scratch(whole, scratch);
            }
        }
    }
}

/// Seconds of a run.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub median: f64,
    pub min: f64,
}

/// Median seconds of two things run in turns, for about `time` and at least `turns` times each.
pub fn in_turns(
    time: Duration,
    turns: usize,
    mut one: impl FnMut(),
    mut other: impl FnMut(),
) -> (f64, f64) {
    let mut both: [&mut dyn FnMut(); 2] = [&mut one, &mut other];
    let timings = all_in_turns(time, turns, &mut both, |run| run());
    (timings[0].median, timings[1].median)
}

/// The same for any number of things. In turns, since slow and fast moments of the machine then fall on all alike.
pub fn all_in_turns<Thing>(
    time: Duration,
    turns: usize,
    things: &mut [Thing],
    run: impl Fn(&mut Thing),
) -> Vec<Timing> {
    let mut seconds = vec![Vec::new(); things.len()];
    let start = Instant::now();
    let mut turn = 0;
    while start.elapsed() < time || turn < turns {
        for (seconds, thing) in seconds.iter_mut().zip(&mut *things) {
            let start = Instant::now();
            run(thing);
            seconds.push(start.elapsed().as_secs_f64());
        }
        turn += 1;
    }
    let timing = |mut seconds: Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        Timing {
            median: seconds[seconds.len() / 2],
            min: seconds[0],
        }
    };
    seconds.into_iter().map(timing).collect()
}
