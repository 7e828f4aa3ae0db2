//! Patterns that rise and fall, told apart by spin: joint time-frequency scattering of two chirps.
//!
//! You will see `target/gallery/joint_scattering.png`. Above is the first order of scattering: one chirp rises, then one falls, both over four
//! octaves in a second and a half. Below is the energy of the second order, joint in time and frequency, of both spins: what rises lights up
//! the one panel, what falls the other. Time scattering has no such panels: in every single band both chirps rise and fall alike.
//!
//! Run with `cargo run --release --example joint_scattering`.

#![allow(non_snake_case)] // J keeps its case, as in the library

use std::path::Path;

use ndarray::Array1;
use wavelet_scattering::JointScattering;
use wavelet_scattering::io::write_png;
use wavelet_scattering::scattering::{JointFeatures, JointPath};
use wavelet_scattering::viz::scalogram::{Panel, Settings, Track, sheet};

const RATE: f64 = 8000.0;
const SECONDS: f64 = 4.0;

/// From 200 to 3200 Hz and back.
fn chirps() -> Array1<f32> {
    let octaves_per_second = 4.0 / 1.5;
    let sweep =
        |t: f64| 200.0 / (octaves_per_second * 2_f64.ln()) * (octaves_per_second * t).exp2();
    let sample = |t: f64| {
        // A swell, so that neither begins or ends with a click.
        let swell = |at: f64| (std::f64::consts::PI * (at / 1.5).clamp(0.0, 1.0)).sin();
        let (rising, falling) = (t - 0.3, 3.7 - t);
        let tone = |at: f64| swell(at) * (std::f64::consts::TAU * sweep(at)).sin();
        (tone(rising) + tone(falling)) as f32
    };
    Array1::from_shape_fn((SECONDS * RATE) as usize, |n| sample(n as f64 / RATE))
}

/// √(Σ S²) over all rows of every first-layer wavelet that belong here, over time.
fn tracks(
    features: &JointFeatures<f32>,
    step: f64,
    belongs: impl Fn(&JointPath, i8) -> bool,
) -> Vec<Track> {
    let paths = features.paths();
    let mut tracks: Vec<Option<Track>> = vec![None; paths.first().len()];
    for row in 0..paths.len() {
        let path = &paths[row];
        let (Some(n1), Some(across)) = (path.n1, paths.across_of(row)) else {
            continue;
        };
        if !belongs(path, across.spin()) {
            continue;
        }
        let of_row = features.path(row);
        let track = tracks[n1].get_or_insert_with(|| Track {
            frequency: paths.first()[n1].xi,
            start: 0.0,
            step,
            values: vec![0.0; of_row.len()],
        });
        for (sum, &value) in track.values.iter_mut().zip(of_row) {
            *sum = sum.hypot(f64::from(value));
        }
    }
    tracks.into_iter().flatten().collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sound = chirps();
    let J = 10;
    let plan = JointScattering::params(sound.len(), J, 3)
        .Q([8])
        .T(512.0)
        .F(2.0)
        .plan::<f32>()?;
    let features = plan.transform(&sound)?;
    let panel = |name: &str, tracks| Panel {
        name: name.into(),
        axis: "frequency".into(),
        tracks,
        height: 200,
    };
    let step = 512.0;
    let panels = [
        panel(
            "First order, averaged across frequency",
            tracks(&features, step, |path, spin| path.order == 1 && spin == 0),
        ),
        panel(
            "Second order, spin +1: what rises",
            tracks(&features, step, |path, spin| path.order == 2 && spin > 0),
        ),
        panel(
            "Second order, spin −1: what falls",
            tracks(&features, step, |path, spin| path.order == 2 && spin < 0),
        ),
    ];
    let settings = Settings {
        title: "Joint time-frequency scattering of two chirps".into(),
        caption: "Energy of all paths of a wavelet of the first layer".into(),
        len: sound.len(),
        rate: Some(RATE),
        range: 30.0,
    };

    let folder = Path::new("target/gallery");
    std::fs::create_dir_all(folder)?;
    let path = folder.join("joint_scattering.png");
    write_png(&path, &sheet(&panels, &settings)?)?;
    let energy = |of: i8, from: usize, to: usize| -> f64 {
        let tracks = tracks(&features, step, |path, spin| path.order == 2 && spin == of);
        let values = tracks.iter().flat_map(|track| &track.values[from..to]);
        values.map(|value| value * value).sum()
    };
    let columns = features.path(0).len();
    for (name, from, to) in [
        ("first half", 0, columns / 2),
        ("second half", columns / 2, columns),
    ] {
        let ratio = energy(1, from, to) / energy(-1, from, to);
        println!("{name}: energy of spin +1 over that of spin -1: {ratio:.2}");
    }
    println!("{}", path.display());
    Ok(())
}
