//! `scatter filters`: a filter bank as one picture.

use anyhow::Result;
use wavelet_scattering::filters::FilterBank2d;
use wavelet_scattering::{io, viz};

use crate::args::FiltersArgs;

pub fn run(args: FiltersArgs) -> Result<()> {
    super::check_picture(&args.output, &[])?;
    let bank = FilterBank2d::params(args.size.0, args.J)
        .L(args.L)
        .build::<f64>()?;
    let sheet = viz::filter_bank::sheet(&bank, args.show.into())?;
    io::write_png(&args.output, &sheet)?;
    println!(
        "{}: {} x {} pixels",
        args.output.display(),
        sheet.width(),
        sheet.height()
    );
    Ok(())
}
