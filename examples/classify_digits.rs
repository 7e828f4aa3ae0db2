//! Handwritten digits, told apart with few examples: pixels and scattering coefficients under the same classifier.
//!
//! You will see `target/gallery/classify_digits.png`: error rates on 1,000 digits against the number of digits learned
//! from, for the nearest affine subspace of each class over pixels and over scattering coefficients. Nothing is learned
//! before that classifier: the wavelets are the same for digits as for photographs.
//!
//! Run with `cargo run --release --features learn --example classify_digits`.

use std::path::Path;

use ndarray::{Array2, Axis};
use wavelet_scattering::compare::Representation;
use wavelet_scattering::learn::classifier::{AffinePca, Classifier, Samples};
use wavelet_scattering::learn::{Task, error_rate};
use wavelet_scattering::{io, viz};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let task = Task::mnist_subset();
    let scattering = Representation::for_images([28, 28]);
    let pixels = |images: &ndarray::Array4<f32>| {
        Array2::from_shape_fn([images.len_of(Axis(0)), 28 * 28], |(n, i)| {
            images[[n, 0, i / 28, i % 28]]
        })
    };
    let (train, test) = (&task.train().images, &task.test().images);
    let representations = [
        ("pixels", pixels(train), pixels(test)),
        (
            "scattering",
            scattering.features(train)?,
            scattering.features(test)?,
        ),
    ];

    let mut curves = Vec::new();
    for (name, train, test) in &representations {
        let mut curve = Vec::new();
        for size in [100, 200, 500, 1000, 2000, 4000] {
            let drawn = task.draw(size, 0)?;
            let labels: Vec<usize> = drawn.iter().map(|&i| task.train().labels[i]).collect();
            let features = train.select(Axis(0), &drawn);
            let samples = Samples::new(features.view(), &labels, 10)?;
            let classifier = AffinePca::fit(&samples, &Default::default())?;
            let error = 100.0 * error_rate(&classifier.predict(test.view())?, &task.test().labels)?;
            println!(
                "{name:<10} {size:>5} digits  {error:5.2} % wrong  {}",
                classifier.chosen()
            );
            curve.push((size as f64, error));
        }
        curves.push((name.to_string(), curve));
    }

    let title = "Digits told apart by the nearest affine subspace";
    let chart = viz::chart::lines(
        title,
        ["training digits", "test error (%)"],
        &curves,
        [viz::chart::Scale::Log; 2],
    )?;
    let folder = Path::new("target/gallery");
    std::fs::create_dir_all(folder)?;
    let path = folder.join("classify_digits.png");
    io::write_png(&path, &chart)?;
    println!("{}", path.display());
    Ok(())
}
