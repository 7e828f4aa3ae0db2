//! The scattering disk of an image (Bruna & Mallat 2013, fig. 5): energy by orientation and scale, first and second
//! order.
//!
//! You will see `target/gallery/scattering_disk.png`. On the left every sector is an orientation and every ring an
//! octave, the finest outside; on the right each of these cells is cut again by the second wavelet. Grass fills the
//! disk in all directions; try `assets/images/brick.png`, which lights up along one.
//!
//! Run with `cargo run --release --example scattering_disk [IMAGE]`.

use std::path::Path;

use ndarray::Axis;
use wavelet_scattering::Scattering2d;
use wavelet_scattering::io::{ImageOptions, read_image, write_png};
use wavelet_scattering::viz::disk::scattering_disk;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "assets/images/grass.png".into());
    let image = read_image::<f64>(&file, &ImageOptions::default())?.index_axis_move(Axis(0), 0);
    let plan = Scattering2d::params([image.nrows(), image.ncols()], 4)
        .L(8)
        .plan::<f64>()?;
    let features = plan.transform(&image)?;
    let energy: Vec<f64> = (0..plan.paths().len())
        .map(|row| features.energy(row))
        .collect();

    let folder = Path::new("target/gallery");
    std::fs::create_dir_all(folder)?;
    let path = folder.join("scattering_disk.png");
    write_png(&path, &scattering_disk(plan.paths(), &energy)?)?;
    println!("{file}: {}", path.display());
    Ok(())
}
