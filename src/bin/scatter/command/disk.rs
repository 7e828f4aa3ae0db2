//! `scatter disk`: the energy of an image by orientation and scale, as the scattering disk of Bruna & Mallat 2013, fig. 5.

use anyhow::Result;
use wavelet_scattering::io::{self, ImageOptions};
use wavelet_scattering::{Isa, Scattering2d, viz};

use super::reading;
use crate::args::DiskArgs;

pub fn run(args: DiskArgs) -> Result<()> {
    super::check_picture(&args.output, std::slice::from_ref(&args.image))?;
    let options = ImageOptions {
        resize: args.resize.map(|size| size.0),
        ..args.reading.options()
    };
    let image = reading::one(&args.image, &options)?.index_axis_move(ndarray::Axis(0), 0);
    let params = Scattering2d::params([image.nrows(), image.ncols()], args.J)
        .L(args.L)
        .isa(Isa::from_env()?);
    let plan = args.own.plan::<f64>(&params)?;
    let features = plan.transform(&image)?;
    let energy: Vec<f64> = (0..plan.paths().len())
        .map(|row| features.energy(row))
        .collect();
    let disk = viz::disk::scattering_disk(plan.paths(), &energy)?;
    io::write_png(&args.output, &disk)?;
    println!(
        "{}: {} x {} pixels",
        args.output.display(),
        disk.width(),
        disk.height()
    );
    Ok(())
}
