//! A Morlet filter bank from four sides: in space, in frequency, its phase, and how evenly it covers the plane.
//!
//! You will see four pictures in the folder `target/gallery`: `filter_gallery.png` is the sheet with phase as hue, in
//! which the wave travels along the wavelet; `filters_space.png` has real parts, imaginary parts and moduli;
//! `filters_fourier.png` the bumps that tile the frequency plane; `filters_lp.png` their Littlewood-Paley sum, whose
//! least and largest values are the frame bounds printed here for a plain and a contractive bank.
//!
//! Run with `cargo run --release --example filter_gallery`.

use std::path::Path;

use wavelet_scattering::filters::{FilterBank2d, Normalization};
use wavelet_scattering::io::write_png;
use wavelet_scattering::viz::filter_bank::{Show, sheet};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let params = FilterBank2d::params([64, 64], 3).L(8);
    for normalization in [Normalization::Plain, Normalization::Contractive] {
        let bounds = params
            .clone()
            .normalization(normalization)
            .build::<f64>()?
            .frame_bounds();
        println!(
            "{normalization:?}: A = {:.4}, B = {:.4}",
            bounds.lower, bounds.upper
        );
    }

    let folder = Path::new("target/gallery");
    std::fs::create_dir_all(folder)?;
    let bank = params.build::<f64>()?;
    for (show, name) in [
        (Show::Phase, "filter_gallery.png"),
        (Show::Space, "filters_space.png"),
        (Show::Fourier, "filters_fourier.png"),
        (Show::LittlewoodPaley, "filters_lp.png"),
    ] {
        let path = folder.join(name);
        write_png(&path, &sheet(&bank, show)?)?;
        println!("{}", path.display());
    }
    Ok(())
}
