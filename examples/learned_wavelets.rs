//! Wavelets that learn: where a scattering network moves its filters when it has to tell digits apart.
//!
//! The first layer of the network is a scattering transform, the second normalises its coefficients, the third is linear. All three
//! learn from 200 handwritten digits; of every wavelet four numbers do: its direction, its frequency, its width and its slant.
//!
//! You will see `target/gallery/learned_wavelets.png`: the frequency plane of both layers, grey before training and coloured after it.
//!
//! Source: Gauthier et al., "Parametric scattering networks", CVPR 2022.
//!
//! Run with `cargo run --release --features learn --example learned_wavelets`.

use std::path::Path;

use wavelet_scattering::io;
use wavelet_scattering::learn::{
    Architecture, LearnedScattering, Network, Task, TrainingParams, Tying, error_rate,
};
use wavelet_scattering::viz::wavelets::moved;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let task = Task::mnist_subset();
    let digits = task.train().select(&task.draw(200, 0)?)?;
    let architecture = Architecture::Parametric(LearnedScattering {
        J: 2,
        L: 4,
        max_order: 2,
        tying: Tying::PerWavelet,
    });
    let params = TrainingParams {
        epochs: 15,
        ..TrainingParams::recommended(&architecture, digits.len())
    };
    let network = Network::train(&architecture, &digits, &params, &mut |report| {
        println!(
            "epoch {:>2} of {}: loss {:.3}",
            report.epoch, report.epochs, report.loss
        );
    })?;
    let error = error_rate(&network.predict(&task.test().images)?, &task.test().labels)?;
    println!("test error {:.1} %", 100.0 * error);

    let [start, end] = network.wavelets().ok_or("the network has no wavelets")?;
    for (layer, (start, end)) in start.iter().zip(&end).enumerate() {
        let steps = start
            .iter()
            .zip(end)
            .map(|(a, b)| (b.xi / a.xi).log2().abs());
        let largest = steps.fold(0.0, f64::max);
        println!(
            "layer {}: frequencies moved by up to {largest:.2} octaves",
            layer + 1
        );
    }
    let picture = moved("Wavelets before and after learning digits", &start, &end)?;
    let folder = Path::new("target/gallery");
    std::fs::create_dir_all(folder)?;
    let path = folder.join("learned_wavelets.png");
    io::write_png(&path, &picture)?;
    println!("{}", path.display());
    Ok(())
}
