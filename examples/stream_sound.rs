//! Sound without an end: scattering block by block, in memory that does not grow, faster than it can be heard.
//!
//! You will see `target/gallery/stream_sound.png`, the first order of a minute of a melody in noise, and how many times faster than real time the
//! features came out, in how much memory, with which delay: 3 s of it is the reach of wavelets of 2^12 samples, not speed.
//!
//! Run with `cargo run --release --example stream_sound [MINUTES]`.

#![allow(non_snake_case)] // J keeps its case, as in the library

use std::path::Path;
use std::time::Instant;

use wavelet_scattering::Scattering1d;
use wavelet_scattering::io::write_png;
use wavelet_scattering::viz::scalogram::{Panel, Settings, Track, sheet};

const RATE: f64 = 44_100.0;

/// Notes of a pentatonic scale, half a second each, in noise; sample by sample, as a microphone would give it.
fn sample(n: usize) -> f32 {
    const SCALE: [f64; 5] = [220.0, 261.63, 293.66, 329.63, 392.0];
    let t = n as f64 / RATE;
    let note = (t / 0.5) as usize;
    let frequency = SCALE[(note * note + note / 7) % 5] * f64::from(1 << (note / 3 % 3));
    let fading = (-6.0 * (t % 0.5)).exp();
    let tone = |harmonic: f64| (std::f64::consts::TAU * frequency * harmonic * t).sin() / harmonic;
    let noise = (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let noise = (noise ^ (noise >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let noise = (noise >> 40) as f64 / (1 << 24) as f64 - 0.5;
    (0.5 * fading * (tone(1.0) + tone(2.0) + tone(3.0)) + 0.02 * noise) as f32
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let minutes: f64 = std::env::args()
        .nth(1)
        .map_or(Ok(1.0), |text| text.parse())?;
    let samples = (minutes * 60.0 * RATE) as usize;
    let mut stream = Scattering1d::stream_params(12).Q([12]).stream::<f32>()?;
    let paths = stream.paths().clone();
    let stride = paths[0].subsampling.unwrap_or(1);

    // Order 1 for the picture; of a long sound its last minute.
    let first = paths.rows_of_order(1);
    let shown = (60.0 * RATE) as usize / stride;
    let mut rows = vec![Vec::new(); first.len()];
    let mut columns = 0;
    let mut busy = 0.0;
    let mut block = vec![0.0; 4410]; // a tenth of a second
    let mut at = 0;
    while at < samples {
        block.truncate(samples - at);
        for (i, value) in block.iter_mut().enumerate() {
            *value = sample(at + i);
        }
        at += block.len();
        let start = Instant::now();
        let mut ready = vec![stream.push(&block)?];
        if at == samples {
            ready.push(stream.finish()?);
        }
        busy += start.elapsed().as_secs_f64();
        for ready in ready {
            columns += ready.columns();
            for (row, to) in first.clone().zip(&mut rows) {
                to.extend(ready.path(row).iter().map(|&value| f64::from(value)));
                to.drain(..to.len().saturating_sub(shown));
            }
        }
    }
    let seconds = samples as f64 / RATE;
    println!(
        "{} paths, {columns} columns of {seconds:.0} s of sound",
        paths.len()
    );
    println!(
        "{:.0} times real time, {:.0} MB, {:.1} s behind",
        seconds / busy,
        stream.bytes() as f64 / 1e6,
        stream.delay() as f64 / RATE
    );

    let tracks = first.zip(rows).map(|(row, values)| Track {
        frequency: paths.last_wavelet(row).map_or(0.5, |psi| psi.xi),
        start: 0.0,
        step: stride as f64,
        values,
    });
    let panel = Panel {
        name: String::new(),
        axis: "frequency".into(),
        tracks: tracks.collect(),
        height: 420,
    };
    let settings = Settings {
        title: "First order of a melody, streamed".into(),
        caption: "J = 12, Q = 12, a column every 93 ms".into(),
        len: samples.min((60.0 * RATE) as usize),
        rate: Some(RATE),
        range: 50.0,
    };
    let folder = Path::new("target/gallery");
    std::fs::create_dir_all(folder)?;
    let path = folder.join("stream_sound.png");
    write_png(&path, &sheet(&[panel], &settings)?)?;
    println!("{}", path.display());
    Ok(())
}
