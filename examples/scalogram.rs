//! A sound by time and frequency, and back.
//!
//! You will see `target/gallery/scalogram.png`: two seconds of a synthetic scene at 16 kHz. A chirp climbs from 60 Hz to 7 kHz, a
//! straight line since frequency runs in octaves; below it hum three tones of a chord; clicks stand upright, sharp at high frequencies
//! and wide at low ones; and a tone of 3 kHz trembles six times a second. The program then inverts the transform, and says how far
//! what came back is from the scene.
//!
//! Run with `cargo run --release --example scalogram`.

use std::f64::consts::TAU;
use std::path::Path;

use ndarray::Array1;
use wavelet_scattering::Scalogram;
use wavelet_scattering::io::write_png;
use wavelet_scattering::num::relative_error;
use wavelet_scattering::viz::scalogram::{Panel, Settings, sheet};

const RATE: f64 = 16_000.0;

/// The scene at t seconds.
fn scene(t: f64) -> f64 {
    let (low, high, seconds) = (60.0, 7_000.0_f64, 2.0);
    let growth = (high / low).ln() / seconds;
    let chirp = (TAU * low * ((growth * t).exp() - 1.0) / growth).sin();
    let chord: f64 = [110.0, 138.6, 164.8]
        .map(|hertz| (TAU * hertz * t).sin())
        .iter()
        .sum();
    let tremor = 0.5 - 0.5 * (TAU * 6.0 * t).cos();
    let tone = tremor * (TAU * 3_000.0 * t).sin();
    let clicks: f64 = [0.4, 1.0, 1.6]
        .map(|at| (-((t - at) * 20_000.0).powi(2)).exp())
        .iter()
        .sum();
    0.5 * chirp + 0.15 * chord + 0.1 * tone + 4.0 * clicks
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let x = Array1::from_shape_fn(32_000, |n| scene(n as f64 / RATE) as f32);
    let plan = Scalogram::params(x.len(), 9).Q(12).plan::<f32>()?;
    let moduli = plan.transform(&x)?;

    let settings = Settings {
        title: "A chirp, a chord, a trembling tone and three clicks".into(),
        caption: format!(
            "|x ⋆ ψ| of {} Morlet wavelets, 12 an octave",
            plan.rows().len() - 1
        ),
        len: x.len(),
        rate: Some(RATE),
        range: 50.0,
    };
    let folder = Path::new("target/gallery");
    std::fs::create_dir_all(folder)?;
    let path = folder.join("scalogram.png");
    write_png(&path, &sheet(&[Panel::of_rows("", &moduli)?], &settings)?)?;

    let again = plan.inverse(plan.coefficients(&x)?.array())?;
    let inversion = plan.inversion()?;
    println!(
        "{}; inverted with a relative error of {:.1e} ({:.1e} expected, condition {:.0})",
        path.display(),
        relative_error(again, x),
        inversion.error,
        inversion.condition(),
    );
    Ok(())
}
