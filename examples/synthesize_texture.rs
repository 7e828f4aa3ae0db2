//! A texture from noise: an image whose scattering coefficients are those of another.
//!
//! You will see `target/gallery/synthesize_texture.png`: grass and brick, each beside the noise that the search begins with and the
//! image that it ends with, and `target/gallery/synthesize_texture_loss.png`: how the distance of the coefficients falls, step by step.
//! The coefficients are means over all of the image, a few hundred numbers for 16,384 pixels, so that what is found is another
//! patch of the same kind and not the patch itself: grass is grass again, while the joints of the bricks, edges that are aligned
//! over long distances, are lost. The gradient of the coefficients makes the search possible.
//!
//! Run with `cargo run --release --features learn --example synthesize_texture`, with `-- 60` for so many steps and not 300.
//!
//! Source: Bruna & Mallat, "Multiscale sparse microcanonical models", 2018.

use std::path::Path;
use std::sync::Mutex;
use std::time::Instant;

use argmin::core::{CostFunction, Error, Executor, Gradient, State};
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;
use ndarray::{Array2, ArrayD, s};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;
use wavelet_scattering::io::{ImageOptions, read_image, write_png};
use wavelet_scattering::num::relative_error;
use wavelet_scattering::raster::Raster;
use wavelet_scattering::viz::chart::{self, Scale};
use wavelet_scattering::{Average, Padding, Scattering2d};

const SIDE: usize = 128;
/// Steps that L-BFGS remembers.
const HISTORY: usize = 20;

/// Find x with S(x) = `wanted`: the sum over all paths of weight · (S(x) − wanted)².
struct Likeness<'a> {
    plan: &'a Scattering2d<f64>,
    wanted: &'a ArrayD<f64>,
    /// One over the energy of all paths of the same order, so that orders count alike.
    weights: &'a ArrayD<f64>,
    /// Of every evaluation.
    losses: Mutex<Vec<f64>>,
}

impl Likeness<'_> {
    fn missing(&self, x: &[f64]) -> Result<(Array2<f64>, ArrayD<f64>), Error> {
        let x = Array2::from_shape_vec([SIDE, SIDE], x.to_vec())?;
        let missing = self.plan.transform(&x)?.into_array() - self.wanted;
        Ok((x, missing))
    }
}

impl CostFunction for Likeness<'_> {
    type Param = Vec<f64>;
    type Output = f64;

    fn cost(&self, x: &Vec<f64>) -> Result<f64, Error> {
        let (_, missing) = self.missing(x)?;
        let loss = (&missing * &missing * self.weights).sum();
        self.losses
            .lock()
            .expect("no thread has panicked")
            .push(loss);
        Ok(loss)
    }
}

impl Gradient for Likeness<'_> {
    type Param = Vec<f64>;
    type Gradient = Vec<f64>;

    fn gradient(&self, x: &Vec<f64>) -> Result<Vec<f64>, Error> {
        let (x, missing) = self.missing(x)?;
        let gradient = self.plan.vjp(&x, &(missing * self.weights * 2.0))?;
        Ok(gradient.into_raw_vec_and_offset().0)
    }
}

/// Original, noise and result, and the loss of every evaluation.
type Synthesis = ([Array2<f64>; 3], Vec<(f64, f64)>);

/// One texture.
fn synthesize(
    name: &str,
    plan: &Scattering2d<f64>,
    steps: u64,
) -> Result<Synthesis, Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("assets/images/{name}.png"));
    let image = read_image::<f64>(path, &ImageOptions::default())?;
    let original = image
        .slice(s![0, 100..100 + SIDE, 100..100 + SIDE])
        .to_owned();

    // The gradient of wavelet terms has no mean, so that the start needs the right one: the sample mean, to the last digit.
    let (mean, deviation) = (original.mean().unwrap_or(0.0), original.std(0.0));
    let mut random = Pcg64::seed_from_u64(1);
    let noise: Array2<f64> =
        Array2::from_shape_simple_fn([SIDE, SIDE], || StandardNormal.sample(&mut random));
    let noise = (&noise - noise.mean().unwrap_or(0.0)) / noise.std(0.0) * deviation + mean;

    let wanted = plan.transform(&original)?;
    let mut weights = ArrayD::zeros(wanted.array().raw_dim());
    for order in 1..=plan.paths().max_order() {
        let rows = plan.paths().rows_of_order(order);
        let energy: f64 = rows.clone().map(|row| wanted.array()[row].powi(2)).sum();
        rows.for_each(|row| weights[row] = 1.0 / energy);
    }
    let likeness = Likeness {
        plan,
        wanted: wanted.array(),
        weights: &weights,
        losses: Mutex::default(),
    };
    let start = Instant::now();
    let solver = LBFGS::new(MoreThuenteLineSearch::new(), HISTORY);
    let outcome = Executor::new(likeness, solver)
        .configure(|state| {
            state
                .param(noise.iter().copied().collect())
                .max_iters(steps)
        })
        .run()?;
    let found = outcome.state.get_best_param().ok_or("no step went down")?;
    let found = Array2::from_shape_vec([SIDE, SIDE], found.clone())?;

    let got = plan.transform(&found)?;
    print!(
        "{name}: {} steps in {:.1} s, relative error",
        outcome.state.get_iter(),
        start.elapsed().as_secs_f64()
    );
    for order in 0..=plan.paths().max_order() {
        let rows = plan.paths().rows_of_order(order);
        let of = |array: &ArrayD<f64>| array.slice(s![rows.clone()]).to_owned();
        let error = relative_error(of(got.array()), of(wanted.array()));
        print!("  order {order}: {error:.1e}");
    }
    println!();
    let problem = outcome.problem.problem.ok_or("the problem is gone")?;
    let losses = problem.losses.into_inner()?;
    let losses = losses.into_iter().enumerate();
    let losses = losses.map(|(step, loss)| (step as f64, loss)).collect();
    Ok(([original, noise, found], losses))
}

/// Images side by side, each pixel a square of two by two.
fn draw(rows: &[[Array2<f64>; 3]]) -> Raster {
    const GAP: usize = 8;
    let tile = 2 * SIDE + GAP;
    let mut picture = Raster::filled(3 * tile + GAP, rows.len() * tile + GAP, [255; 3]);
    for (r, images) in rows.iter().enumerate() {
        for (c, image) in images.iter().enumerate() {
            for ((y, x), &value) in image.indexed_iter() {
                let grey = (255.0 * value.clamp(0.0, 1.0)).round() as u8;
                for (dy, dx) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                    let (x, y) = (c * tile + GAP + 2 * x + dx, r * tile + GAP + 2 * y + dy);
                    picture.set_pixel(x, y, [grey; 3]);
                }
            }
        }
    }
    picture
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let steps = match std::env::args().nth(1) {
        Some(steps) => steps.parse()?,
        None => 300,
    };
    let plan = Scattering2d::params([SIDE, SIDE], 5)
        .padding(Padding::Periodic)
        .average(Average::Global)
        .plan::<f64>()?;
    let (mut rows, mut curves) = (Vec::new(), Vec::new());
    for name in ["grass", "brick"] {
        let (images, losses) = synthesize(name, &plan, steps)?;
        rows.push(images);
        curves.push((name.to_string(), losses));
    }
    let folder = Path::new("target/gallery");
    std::fs::create_dir_all(folder)?;
    write_png(folder.join("synthesize_texture.png"), &draw(&rows))?;
    let names = [
        "evaluation",
        "squared distance of the coefficients, relative",
    ];
    let scales = [Scale::Linear, Scale::Log];
    let chart = chart::lines("Noise becomes a texture", names, &curves, scales)?;
    write_png(folder.join("synthesize_texture_loss.png"), &chart)?;
    Ok(())
}
