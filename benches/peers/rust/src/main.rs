//! The convolution peers in Rust, for `benches/peers/run`: one workload by one of them.
//!
//! ```text
//! peers-rust PEER AXES SIDE TAPS THREADS ANSWER
//! ```
//!
//! PEER is fft-convolver or ndarray-conv; a signal of AXES axes, SIDE samples along each, and TAPS taps along each;
//! ANSWER is a file by `ours.rs answer`. Prints the relative l2 difference from it, then answers every line `n` on
//! standard input by the milliseconds of n convolutions, a JSON array.

#[path = "../../../workloads/noise.rs"]
mod noise;

use std::error::Error;
use std::hint::black_box;
use std::io::BufRead;
use std::time::Instant;

use fft_convolver::FFTConvolver;
use ndarray::{Array1, Array2, ArrayD};
use ndarray_conv::{ConvFFTExt, ConvMode, PaddingMode, get_fft_processor};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [peer, axes, side, taps, threads, answer] = &arguments[..] else {
        return Err("six arguments: PEER AXES SIDE TAPS THREADS ANSWER".into());
    };
    let [side, taps, threads] = [side.parse()?, taps.parse()?, threads.parse::<usize>()?];
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    let answer = read(answer)?;
    match (peer.as_str(), axes.as_str()) {
        ("fft-convolver", "1") => serve(fft_convolver(side, taps)?, &answer),
        ("ndarray-conv", "1") => {
            let signal = Array1::from(noise::noise(0, side));
            let kernel = Array1::from(noise::taps(side, taps));
            let mut processor = get_fft_processor::<f32, f32>();
            let (mode, zeros) = (same(taps), PaddingMode::Zeros);
            let run = move || {
                Ok(match threads {
                    1 => signal.conv_fft_with_processor(&kernel, mode, zeros, &mut processor)?,
                    _ => signal.conv_fft_par(&kernel, mode, zeros)?,
                }
                .into_dyn())
            };
            serve(run, &answer)
        }
        ("ndarray-conv", "2") => {
            let square = |side, samples| Array2::from_shape_vec((side, side), samples);
            let signal = square(side, noise::noise(0, side * side))?;
            let kernel = square(taps, noise::taps(side * side, taps * taps))?;
            let mut processor = get_fft_processor::<f32, f32>();
            let (mode, zeros) = (same(taps), PaddingMode::Zeros);
            let run = move || {
                Ok(match threads {
                    1 => signal.conv_fft_with_processor(&kernel, mode, zeros, &mut processor)?,
                    _ => signal.conv_fft_par(&kernel, mode, zeros)?,
                }
                .into_dyn())
            };
            serve(run, &answer)
        }
        _ => Err(format!("{peer} does not do {axes} axes").into()),
    }
}

/// As many samples as go in, from sample ⌊(taps − 1)/2⌋ of the full result on. `ConvMode::Same` is one sample short for
/// an even number of taps.
fn same<const D: usize>(taps: usize) -> ConvMode<D> {
    let after = (taps - 1) / 2;
    ConvMode::Explicit {
        padding: [[taps - 1 - after, after]; D],
        strides: [1; D],
    }
}

/// Blocks of four kernels, the fastest of those tried; the rest of the last one, which the middle of the full result
/// needs, is zeros.
fn fft_convolver(side: usize, taps: usize) -> Outcome<impl FnMut() -> Outcome<ArrayD<f32>>> {
    let block = 4 * taps;
    let kernel = noise::taps(side, taps);
    let mut signal = noise::noise(0, side);
    let from = (taps - 1) / 2;
    signal.resize(side + from, 0.0);
    let mut convolver = FFTConvolver::<f32>::default();
    convolver.init(block, &kernel)?;
    Ok(move || {
        convolver.reset();
        let mut full = vec![0.0; side + from];
        for (input, output) in signal.chunks(block).zip(full.chunks_mut(block)) {
            convolver.process(input, output)?;
        }
        full.drain(..from);
        Ok(Array1::from(full).into_dyn())
    })
}

fn serve(mut run: impl FnMut() -> Outcome<ArrayD<f32>>, answer: &[f32]) -> Outcome<()> {
    let result = run()?;
    let sum = |terms: &mut dyn Iterator<Item = f32>| {
        terms.map(|term| f64::from(term).powi(2)).sum::<f64>()
    };
    let difference = sum(&mut result.iter().zip(answer).map(|(a, b)| a - b));
    let error = match result.len() == answer.len() {
        true => (difference / sum(&mut answer.iter().copied())).sqrt(),
        false => f64::MAX,
    };
    println!(r#"{{"errors": [{error:e}]}}"#);
    for line in std::io::stdin().lock().lines() {
        let mut times = Vec::new();
        for _ in 0..line?.trim().parse()? {
            let start = Instant::now();
            black_box(run()?);
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        println!("{times:?}");
    }
    Ok(())
}

fn read(file: &str) -> Outcome<Vec<f32>> {
    let bytes = std::fs::read(file)?;
    let values = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Ok(values.collect())
}
