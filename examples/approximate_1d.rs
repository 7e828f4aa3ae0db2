//! The universal approximator: one hidden layer fits a function of one variable, the better the wider.
//!
//! You will see two pictures in the folder `target/gallery`. `approximate_1d.png` has the function, sin(πx) + sin(3πx)/2
//! on [−1, 1], and what layers of 1, 4 and 16 units make of it, each unit a hyperbolic tangent: a smooth step.
//! `approximate_1d_error.png` has the error, root mean square, against the width; it is printed here as well. Of each width
//! the best of three starts counts, since not every start finds the places where the steps belong. Few units are too few
//! steps; beyond a dozen, the error is what the time for training leaves.
//!
//! The theorem says that wide enough layers come as near as wanted (G. Cybenko, "Approximation by superpositions of a
//! sigmoidal function", 1989), not that training finds them.
//!
//! Run with `cargo run --release --features learn --example approximate_1d`.

use std::f64::consts::PI;
use std::path::Path;

use burn::module::Module;
use burn::nn::loss::{MseLoss, Reduction};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::activation::tanh;
use burn::tensor::{Device, Tensor, TensorData};
use wavelet_scattering::io::write_png;
use wavelet_scattering::viz::chart::{self, Scale};

const POINTS: usize = 256;
const STEPS: usize = 5000;
const STARTS: u64 = 3;
const WIDTHS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

#[derive(Module, Debug)]
struct Approximator {
    hidden: Linear,
    output: Linear,
}

impl Approximator {
    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.output.forward(tanh(self.hidden.forward(x)))
    }
}

fn f(x: f64) -> f64 {
    (PI * x).sin() + (3.0 * PI * x).sin() / 2.0
}

/// What a layer of `width` units has learned from the start that belongs to `seed`, at the points `x`.
fn fit(width: usize, seed: u64, x: &[f64]) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let device = Device::flex().autodiff();
    device.seed(seed);
    let column =
        |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [x.len(), 1]), &device);
    let inputs = column(x.iter().map(|&x| x as f32).collect());
    let targets = column(x.iter().map(|&x| f(x) as f32).collect());
    let mut net = Approximator {
        hidden: LinearConfig::new(1, width).init(&device),
        output: LinearConfig::new(width, 1).init(&device),
    };
    let mut optimizer = AdamConfig::new().init();
    for step in 0..STEPS {
        let loss = MseLoss::new().forward(
            net.forward(inputs.clone()),
            targets.clone(),
            Reduction::Mean,
        );
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        let rate = 0.02 * (1.0 - step as f64 / STEPS as f64);
        net = optimizer.step(rate, net, gradients);
    }
    let fitted = net.forward(inputs).into_data().try_into_vec::<f32>()?;
    Ok(fitted.into_iter().map(f64::from).collect())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let x: Vec<f64> = (0..POINTS)
        .map(|i| 2.0 * i as f64 / (POINTS - 1) as f64 - 1.0)
        .collect();
    let curve =
        |name: String, y: &[f64]| (name, x.iter().copied().zip(y.iter().copied()).collect());
    let truth: Vec<f64> = x.iter().map(|&x| f(x)).collect();
    let mut curves: Vec<(String, Vec<(f64, f64)>)> =
        vec![curve("the function".to_string(), &truth)];
    let mut errors = Vec::new();
    for width in WIDTHS {
        let mut best = (f64::INFINITY, Vec::new());
        for seed in 0..STARTS {
            let fitted = fit(width, seed, &x)?;
            let squares = fitted.iter().zip(&truth).map(|(y, t)| (y - t).powi(2));
            let error = (squares.sum::<f64>() / POINTS as f64).sqrt();
            if error < best.0 {
                best = (error, fitted);
            }
        }
        let (error, fitted) = best;
        println!("{width:4} units: error {error:.4}");
        errors.push((width as f64, error));
        if [1, 4, 16].contains(&width) {
            curves.push(curve(format!("{width} units"), &fitted));
        }
    }

    let folder = Path::new("target/gallery");
    std::fs::create_dir_all(folder)?;
    let fits = chart::lines(
        "One hidden layer",
        ["x", "f(x)"],
        &curves,
        [Scale::Linear; 2],
    )?;
    let errors = [("root mean square".to_string(), errors)];
    let error = chart::lines(
        "Width against error",
        ["units", "error"],
        &errors,
        [Scale::Log; 2],
    )?;
    for (picture, name) in [
        (fits, "approximate_1d.png"),
        (error, "approximate_1d_error.png"),
    ] {
        let path = folder.join(name);
        write_png(&path, &picture)?;
        println!("{}", path.display());
    }
    Ok(())
}
