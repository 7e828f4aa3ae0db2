//! A measurement, run by hand: what fills the lanes of a vector on long lines.
//!
//! ```sh
//! cargo test --release --lib layouts -- --ignored --nocapture
//! ```
//!
//! A row of U of an image, and a block of a convolved line, are nearly the same work: from a spectrum to samples and from real samples back to
//! a spectrum. [`Phases`](super::phases::Phases) does it for one line whose neighbours fill the lanes, [`Line`](crate::fft::Line) for as many
//! lines as there are lanes, two of them at once on the way forth, as images have it. A convolution folds its line into a plane whose
//! lanes are neighbours too, and does two real blocks at once both ways; what it takes includes the product, and samples in and out.

use std::hint::black_box;
use std::time::{Duration, Instant};

use ndarray::Array1;

use super::phases::{For, Frequencies, PhaseBuffers, Phases, Reach};
use crate::conv::{Convolution1d, Convolve, Method};
use crate::fft::Line;
use crate::isa::Isa;
use crate::kernels::pairs::{Pack, Separate};
use crate::kernels::pass::{Emit, Passes, WithSimd};
use crate::kernels::vector::{Vector, zero};
use crate::num::Real;
use crate::num::sealed::Sealed;

/// Nanoseconds a sample of a line: by phases, where a band covers so much of the spectrum, side by side, and in a convolution.
struct Measure {
    n: usize,
    share: f64,
}

/// The shortest of many calls, each of which handles so many samples.
fn best(samples: usize, mut call: impl FnMut()) -> f64 {
    let mut best = f64::MAX;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(150) {
        let call_start = Instant::now();
        call();
        best = best.min(call_start.elapsed().as_secs_f64());
    }
    1e9 * best / samples as f64
}

impl<T: Real + Convolve<T, Real = T, Output = T>> WithSimd<T> for Measure {
    type Output = Option<[f64; 3]>;

    fn run<S: Passes<T>>(self, simd: S) -> Option<[f64; 3]> {
        let Self { n, share } = self;
        let phases = Phases::<T, S>::new(simd, n)?;
        let band = vec![T::one(); (share * n as f64) as usize];
        let band = phases.passband(1, &band, n, For::Moduli);
        let reach = band.reach().max(Reach::of(-(n as i64) / 2, n));
        let mut spectrum = Frequencies::new(phases.room(reach));
        let mut buffers = PhaseBuffers::new(simd, phases.lengths(band.terms()));
        let mut u = vec![zero(simd).re; phases.vectors()];
        let by_phases = best(n, || {
            phases.moduli(&band, &spectrum, T::one(), &mut buffers, &mut u);
            phases.spectrum(S::V::numbers(&u), reach, &mut buffers, &mut spectrum);
            black_box(&mut spectrum);
        });

        let line = Line::<T, S>::new(simd, n);
        let mut tile = vec![zero(simd); line.tile_len()];
        let mut hats = vec![zero(simd); n];
        let mut pair = vec![zero(simd); 2 * (n / 2 + 1)];
        let mut rows = [0; 2].map(|_| vec![zero(simd).re; n]);
        let side_by_side = best(2 * n * S::V::LANES, || {
            for row in &mut rows {
                tile[..n].copy_from_slice(&hats);
                let to = Emit::Modulus {
                    to: row,
                    stride: 1,
                    scale: T::one(),
                };
                line.run(&mut tile, to);
            }
            let [even, odd] = &rows;
            simd.run(Pack {
                zero: zero(simd).re,
                even,
                odd,
                tile: &mut tile[..n],
            });
            let to = Emit::Cells {
                to: &mut hats,
                stride: 1,
            };
            line.run(&mut tile, to);
            simd.run(Separate::<T, S, 1> {
                spectrum: &hats,
                hat: &mut pair,
            });
            black_box(&mut pair);
        });

        // Blocks that overlap by one sample.
        let signal = Array1::from_elem(16 * (n - 1), T::one());
        let plan = Convolution1d::params([signal.len()])
            .method(Method::OverlapSave { block: [n] })
            .plan::<T, T>(&Array1::from_elem(2, T::one()))
            .ok()?;
        let mut convolved = signal.clone();
        let mut workspace = plan.workspace_for(1);
        let in_convolution = best(signal.len(), || {
            let done = plan.apply_into(&signal, &mut convolved, &mut workspace);
            assert!(done.is_ok());
        });
        Some([by_phases, side_by_side, in_convolution])
    }
}

#[test]
#[ignore = "a measurement, not a check"]
fn phases_against_lines_side_by_side() {
    let isa = Isa::best();
    println!("{isa}, f32, ns a sample: length, band, by phases, side by side, in a convolution");
    for n in [512, 1024, 2048, 4096, 16384, 65536] {
        for share in [0.125, 0.5, 1.0] {
            if let Some([phases, lines, blocks]) = f32::with_simd(isa, Measure { n, share }) {
                println!("{n:6} {share:6} {phases:6.2} {lines:6.2} {blocks:6.2}");
            }
        }
    }
}
