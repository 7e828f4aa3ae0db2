//! The workloads of the benches and of `scatter bench`, named after their use, with signals made in place.
//!
//! Signals are white noise in [0, 1): the time of a transform does not depend on what an image shows.

#![allow(dead_code)] // every program that includes this takes a part of it

pub mod convolution;
pub mod floor;
pub mod noise;
pub mod signals;

use ndarray::{ArrayD, IxDyn};
use wavelet_scattering::num::relative_error;
use wavelet_scattering::scattering::Scattering2dParams;
use wavelet_scattering::{Isa, Result, Scattering2d};

/// Number of orientations of every workload.
pub const L: usize = 8;

/// Images to transform in one call, and how.
pub struct Workload {
    /// `<use>-<side>-J<J>-L<L>`
    pub name: &'static str,
    /// Batch and channel axes.
    pub leading: &'static [usize],
    pub shape: [usize; 2],
    pub J: usize,
}

/// Smallest image first; A to E in the tables of `record/`.
pub const WORKLOADS: [Workload; 5] = [
    Workload {
        name: "digit-32-J2-L8",
        leading: &[128],
        shape: [32, 32],
        J: 2,
    },
    Workload {
        name: "photo-256-J3-L8",
        leading: &[1],
        shape: [256, 256],
        J: 3,
    },
    Workload {
        name: "photo-256-J4-L8",
        leading: &[16],
        shape: [256, 256],
        J: 4,
    },
    Workload {
        name: "photo-224-J3-L8",
        leading: &[8, 3],
        shape: [224, 224],
        J: 3,
    },
    Workload {
        name: "photo-1024-J5-L8",
        leading: &[1],
        shape: [1024, 1024],
        J: 5,
    },
];

impl Workload {
    /// On the instruction set that the environment asks for.
    pub fn params(&self) -> Result<Scattering2dParams> {
        let params = Scattering2d::params(self.shape, self.J).L(L).max_order(2);
        Ok(params.isa(Isa::from_env()?))
    }

    /// **Shape** `[leading.., H, W]`
    pub fn images(&self) -> ArrayD<f32> {
        noise_of_shape(&[self.leading, &self.shape].concat())
    }

    /// The first image of the batch. **Shape** `[H, W]`
    pub fn image(&self) -> ArrayD<f32> {
        noise_of_shape(&self.shape)
    }
}

/// Relative error of the features of an image in `f32` against those in `f64`.
pub fn error_in_single(
    params: &Scattering2dParams,
    plan: &Scattering2d<f32>,
    image: &ArrayD<f32>,
) -> Result<f64> {
    let exact = params.plan::<f64>()?.transform(&image.mapv(f64::from))?;
    let features = plan.transform(image)?;
    let (got, exact) = (features.array().iter(), exact.array().iter());
    Ok(relative_error(got.copied(), exact.copied()))
}

pub fn noise_of_shape(shape: &[usize]) -> ArrayD<f32> {
    ArrayD::from_shape_vec(IxDyn(shape), noise::noise(0, shape.iter().product()))
        .expect("as many samples as the shape has")
}
