//! `--gradient` of `scatter image` and `scatter signal`: the gradient of Σ w·S(x) as a file, so that any program can check it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use ndarray::{ArrayD, ArrayView2, Axis, IxDyn};
use wavelet_scattering::Average;
use wavelet_scattering::io::{NpyStack, open_array};
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::{Scattering, Wavelet};

use super::features::done;
use crate::command::check_destinations;

/// Reads x and w, and writes ∂/∂x Σ w·S(x), of x's shape. `plan` is made for the last axes of x, of which `inputs` is the name;
/// the average is that of the plan.
pub fn run<T: Real, W: Wavelet, const D: usize>(
    inputs: &[PathBuf],
    weights: &Path,
    output: &Path,
    name: &str,
    average: Average,
    plan: impl FnOnce([usize; D]) -> Result<Scattering<T, W, D>>,
) -> Result<()> {
    let [input] = inputs else {
        bail!(
            "--gradient takes one array of {name}, and there are {} inputs",
            inputs.len()
        );
    };
    ensure!(
        output.extension().is_some_and(|end| end == "npy"),
        "{} must end in .npy: a gradient is one array",
        output.display()
    );
    check_destinations(
        &[output.to_path_buf()],
        &[input.clone(), weights.to_path_buf()],
    )?;
    let x = open_array(input)?;
    let shape = x.shape().to_vec();
    let Some((leading, &axes)) = shape.split_last_chunk::<D>() else {
        bail!(
            "{} has shape {shape:?}, and {name} have at least {D} axes",
            input.display()
        );
    };
    let plan = plan(axes)?;
    let x = x.read::<T>()?;
    let expected = plan.output_shape(leading);
    let w = match weights.extension() {
        Some(end) if end == "npz" && average == Average::None => {
            ragged(weights, leading, &plan).with_context(|| weights.display().to_string())?
        }
        _ => {
            let w = open_array(weights)?.read::<T>()?;
            match in_one_array(&plan, leading, average) {
                // Paths of one size are an axis of the features' file, and stand one after another in the plan.
                Some(shape) if w.shape() == shape => w.into_shape_with_order(IxDyn(&expected))?,
                _ => w,
            }
        }
    };
    let start = Instant::now();
    let gradient = plan
        .vjp(&x, &w)
        .with_context(|| format!("{} with weights {}", input.display(), weights.display()))?;
    let count: usize = leading.iter().product();
    let mut stack = NpyStack::create(output, &axes, leading)?;
    let gradient = gradient.as_standard_layout();
    let numbers = gradient.as_slice().context("a gradient is contiguous")?;
    for one in numbers.chunks_exact(axes.iter().product()) {
        stack.push(one)?;
    }
    stack.finish(leading)?;
    done(output, &format!("{shape:?}"), T::NAME, count, name, start);
    Ok(())
}

/// The shape of the features' file where all paths keep as many samples, without averages.
fn in_one_array<T: Real, W: Wavelet, const D: usize>(
    plan: &Scattering<T, W, D>,
    leading: &[usize],
    average: Average,
) -> Option<Vec<usize>> {
    let paths = plan.paths().len();
    let of_first = plan.path_shape(0);
    let same = (0..paths).all(|row| plan.path_shape(row) == of_first);
    (average == Average::None && same).then(|| [leading, &[paths], of_first].concat())
}

/// The weights of paths that differ in size: an archive of one array each, by their names.
fn ragged<T: Real, W: Wavelet, const D: usize>(
    archive: &Path,
    leading: &[usize],
    plan: &Scattering<T, W, D>,
) -> Result<ArrayD<T>> {
    let count: usize = leading.iter().product();
    let mut parts = Vec::new();
    for row in 0..plan.paths().len() {
        let name = plan.paths().name(row);
        let address = format!("{}:{name}", archive.display());
        let array = open_array(address)?.read::<T>()?;
        let expected = [leading, plan.path_shape(row)].concat();
        ensure!(
            array.shape() == expected,
            "{name} has shape {:?}, and its features have {expected:?}",
            array.shape()
        );
        let of_row = expected[leading.len()..].iter().product();
        parts.push(array.into_shape_with_order([count, of_row])?);
    }
    let views: Vec<ArrayView2<T>> = parts.iter().map(|part| part.view()).collect();
    let all = ndarray::concatenate(Axis(1), &views)?;
    let all = all.as_standard_layout().into_owned();
    Ok(all.into_shape_with_order(IxDyn(&plan.output_shape(leading)))?)
}
