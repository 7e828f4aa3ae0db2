//! Scattering features of the images that ship with the project, and what their two orders tell apart.
//!
//! You will see one line per image: how the energy of its features divides among the orders, how much stronger the
//! strongest orientation is than the weakest, and the path that answers most. The joints of the brick wall all run one
//! way, grass hardly prefers any; and the wall's fine texture is itself arranged in a coarser pattern, which is what the
//! second order measures.
//!
//! Run with `cargo run --release --example scattering_features [FOLDER]`.

#![allow(non_snake_case)] // J and L keep their case, as in the library

use std::path::PathBuf;

use ndarray::Axis;
use wavelet_scattering::Scattering2d;
use wavelet_scattering::io::{ImageOptions, list_inputs, read_image};

fn main() -> wavelet_scattering::Result<()> {
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "assets/images".into());
    let (J, L) = (4, 8);
    let options = ImageOptions {
        resize: Some([256, 256]),
        ..ImageOptions::default()
    };
    let plan = Scattering2d::params([256, 256], J).L(L).plan::<f32>()?;
    let paths = plan.paths();
    println!(
        "{:<32} order 1  order 2  anisotropy  strongest path",
        "image"
    );
    for file in list_inputs(&[PathBuf::from(folder)])?.files {
        let image = read_image::<f32>(&file, &options)?;
        let features = plan.transform(&image.index_axis(Axis(0), 0))?;

        let energy = |row| features.energy(row);
        let of_order = |order: usize| paths.rows_of_order(order).map(energy).sum::<f64>();
        let total = of_order(1) + of_order(2);

        // first-order energy by orientation, all scales together
        let by_angle: Vec<f64> = (0..L)
            .map(|l| {
                (0..J)
                    .filter_map(|j| paths.row(&[(j, l)]))
                    .map(energy)
                    .sum()
            })
            .collect();
        let most = by_angle.iter().copied().fold(0.0, f64::max);
        let least = by_angle.iter().copied().fold(f64::INFINITY, f64::min);

        let strongest = (1..paths.len()).max_by(|&a, &b| energy(a).total_cmp(&energy(b)));
        let described = strongest.map_or(String::new(), |row| {
            let layers = paths.wavelets_of(row).map(|w| {
                format!(
                    "{:.0} degrees, period {:.1} pixels",
                    w.theta.to_degrees(),
                    1.0 / w.xi
                )
            });
            layers.collect::<Vec<_>>().join(", then ")
        });
        println!(
            "{:<32} {:6.1}%  {:6.1}%  {:10.2}  {described}",
            file.display().to_string(),
            100.0 * of_order(1) / total,
            100.0 * of_order(2) / total,
            most / least,
        );
    }
    Ok(())
}
