//! What a network learns to look for first, beside the wavelets that nobody had to learn.
//!
//! A small convolutional network learns 2,000 handwritten digits; then every filter of its first layer gets the Gabor
//! function that explains most of it, and the Morlet wavelet that correlates best with it. The same question to random
//! filters says how much of that is chance.
//!
//! You will see `target/gallery/learned_vs_wavelets.png`: each learned filter beside its nearest wavelet, the best first.
//!
//! Run with `cargo run --release --features learn --example learned_vs_wavelets`.

use std::path::Path;

use wavelet_scattering::compare::{Comparison, ComparisonParams, Layer, quantile};
use wavelet_scattering::io;
use wavelet_scattering::learn::{
    Architecture, FirstLayer, Network, Task, TrainingParams, error_rate,
};
use wavelet_scattering::viz::learned::{Pair, pairs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let task = Task::mnist_subset();
    let digits = task.train().select(&task.draw(2000, 0)?)?;
    let architecture = Architecture::Cnn {
        first: FirstLayer::learned(32, 7),
    };
    // The decay takes away what a filter started with and the digits have no use for.
    let params = TrainingParams {
        epochs: 30,
        weight_decay: 0.02,
        again: false, // filters look the same without the few digits that were held back
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

    let weights = network.first_layer().ok_or("the network has no filters")?;
    let layer = Layer::new(weights.view())?;
    let comparison = Comparison::new(&layer, &ComparisonParams::default(), None)?;
    let median = |values: &[f64]| 100.0 * quantile(values, 0.5).unwrap_or(f64::NAN);
    println!(
        "energy that a Gabor explains, median: {:.0} % of learned filters, {:.0} % of random ones",
        median(&comparison.explained()),
        median(&comparison.references[0].explained),
    );

    let mut found: Vec<_> = comparison
        .filters
        .iter()
        .filter_map(|filter| Some((&filter.kernel, filter.nearest.as_ref()?)))
        .collect();
    found.sort_by(|a, b| b.1.correlation.total_cmp(&a.1.correlation));
    let shown: Vec<Pair> = found
        .iter()
        .map(|(kernel, nearest)| Pair {
            kernel,
            wavelet: &nearest.kernel,
            label: vec![format!("r = {:.2}", nearest.correlation)],
        })
        .collect();
    let picture = pairs(
        "Learned filters and their nearest wavelets",
        "Left: a filter learned from digits; right: the Morlet wavelet that correlates best with it.",
        &shown,
    )?;
    let folder = Path::new("target/gallery");
    std::fs::create_dir_all(folder)?;
    let path = folder.join("learned_vs_wavelets.png");
    io::write_png(&path, &picture)?;
    println!("{}", path.display());
    Ok(())
}
