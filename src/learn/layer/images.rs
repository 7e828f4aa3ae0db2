//! [`ScatteringLayer2d`]: of images.

use std::f64::consts::{E, PI, TAU};
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::Array3;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::transform::{Numbered, Tied, Transform, values};
use crate::filters::{FilterBank2d, Normalization, Wavelet2d, WaveletList2d};
use crate::scattering::{Average, FilterGradient2d, Scattering2dParams};
use crate::{Error, Result, Scattering2d};

/// Which wavelets have numbers of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tying {
    /// Every wavelet of every layer: direction, xi, sigma, slant.
    PerWavelet,
    /// Every scale of every layer, shared by its orientations, which stay as far apart as they start: an offset of all directions, xi,
    /// sigma, slant.
    Equivariant,
}

impl Tying {
    /// Both.
    pub const ALL: [Self; 2] = [Self::PerWavelet, Self::Equivariant];

    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Tying::PerWavelet => "per-wavelet",
            Tying::Equivariant => "equivariant",
        }
    }
}

/// Where the numbers of wavelets start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the standard bank.
    Standard,
    /// At random: directions uniform in [0, 2π), 2π·xi in [0.5, 1], slant in [0.5, 1.5], 1/(2π·sigma) = ln u with u uniform in [e, e⁵],
    /// whatever the scale, which stays what it is in the standard bank. Gauthier et al. 2022.
    Random {
        /// Equal seeds give equal numbers.
        seed: u64,
    },
}

/// A scattering transform of images as a layer of a network; see the [module](super) for what is learned and how.
///
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// use wavelet_scattering::Scattering2d;
/// use wavelet_scattering::learn::{ScatteringLayer2d, Start, Tying};
///
/// let params = Scattering2d::params([16, 16], 2).L(4);
/// let device = Device::flex().autodiff();
/// let layer = ScatteringLayer2d::new(&params, Tying::PerWavelet, Start::Standard, &device)?;
/// let images = Tensor::<4>::random([5, 3, 16, 16], Distribution::Default, &device);
/// let features = layer.forward(images)?;
/// assert_eq!(features.dims(), [5, 3 * 25, 4, 4]); // channels · paths, 16 / 2^J
/// let gradients = features.powi_scalar(2).sum().backward();
/// let of_numbers = layer.numbers.grad(&gradients).unwrap();
/// assert_eq!(of_numbers.dims(), [2 * 2 * 4, 4]); // layers · J · L; direction, xi, sigma, slant
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Module, Debug)]
pub struct ScatteringLayer2d {
    /// What wavelets are made from, layer by layer, scale by scale, orientation by orientation.
    ///
    /// **Shape** `[layers · J · L, 4]` or, equivariant, `[layers · J, 4]`: direction or its offset, xi, sigma, slant. **Units** radians,
    /// cycles per pixel.
    pub numbers: Param<Tensor<2>>,
    #[module(skip)]
    transform: Transform<Wavelet2d, 2>,
}

impl ScatteringLayer2d {
    /// A layer whose wavelets learn.
    ///
    /// # Errors
    /// As [`Scattering2dParams::plan`]; [`Error::InvalidParameter`] for a max_order of 0, averages that are [`Average::None`] and a
    /// normalization that is contractive, whose filters are not what their numbers say.
    pub fn new(
        params: &Scattering2dParams,
        tying: Tying,
        start: Start,
        device: &Device,
    ) -> Result<Self> {
        let refuse = |name, value: String, limit: &str| {
            Err(Error::InvalidParameter {
                name,
                value,
                limit: limit.into(),
            })
        };
        if params.max_order == 0 {
            return refuse(
                "max_order",
                "0".into(),
                "a layer that learns has wavelets: use 1 or more",
            );
        }
        if params.average == Average::None {
            let limit = "rows of different sizes are no tensor: use local averages or global means";
            return refuse("average", params.average.name().into(), limit);
        }
        if params.normalization == Normalization::Contractive {
            let limit = "filters of a layer are what their numbers say: use the plain bank";
            return refuse("normalization", "contractive".into(), limit);
        }
        let shape = params.padded_shape()?;
        let bank = FilterBank2d::params(shape, params.J)
            .L(params.L)
            .mother(params.mother);
        bank.check()?;
        let standard = bank.wavelets();
        let mut random = match start {
            Start::Standard => None,
            Start::Random { seed } => Some(Xoshiro256PlusPlus::seed_from_u64(seed)),
        };
        let mut numbers: Vec<f32> = Vec::new();
        let mut layers = Vec::new();
        for _ in 0..params.max_order.min(params.J) {
            let mut layer = Vec::new();
            for psi in &standard {
                let own = tying == Tying::PerWavelet || psi.l == 0;
                if own {
                    let row = match &mut random {
                        None => [psi.direction, psi.xi, psi.sigma, psi.slant],
                        Some(random) => drawn(random),
                    };
                    numbers.extend(row.map(|value| value as f32));
                }
                let turned = match tying {
                    Tying::PerWavelet => 0.0,
                    Tying::Equivariant => psi.direction,
                };
                if own && tying == Tying::Equivariant && start == Start::Standard {
                    let at = numbers.len() - 4;
                    numbers[at] = 0.0;
                }
                let row = numbers.len() / 4 - 1;
                layer.push(Tied {
                    psi: *psi,
                    row,
                    turned,
                });
            }
            layers.push(layer);
        }
        let rows = numbers.len() / 4;
        let layer = Self {
            numbers: Param::from_data(TensorData::new(numbers, [rows, 4]), device),
            transform: Transform::new(params.clone(), layers),
        };
        layer.transform.plan(&layer.values())?;
        Ok(layer)
    }

    /// The same layer with wavelets that stay as they are; no gradient of them is computed.
    pub fn frozen(mut self) -> Self {
        self.numbers = self.numbers.set_require_grad(false);
        self
    }

    /// S of images, of single precision.
    ///
    /// **Shape** `[n, channels, rows, columns]` gives `[n, channels · paths, rows', columns']`; global means are 1 x 1.
    ///
    /// # Errors
    /// As [`Scattering::transform`](crate::scattering::Scattering::transform); [`Error::InvalidParameter`] for numbers out of range, which those of a layer that was
    /// [projected](Self::projected) are not unless they are NaN.
    pub fn forward(&self, images: Tensor<4>) -> Result<Tensor<4>> {
        self.transform.forward(images, self.numbers.val())
    }

    /// The layer with its numbers brought back to where they are allowed to be: xi in [1/N, 1/2], slant in [1/10, 10], sigma at
    /// most 1/2, and along and across the wave vector at least 1/(8·N), N the shorter side of the padded image.
    pub fn projected(mut self) -> Self {
        let mut numbers = self.values();
        let before = numbers.clone();
        let [n0, n1] = self.transform.params.padded_shape().unwrap_or([1; 2]);
        let n = n0.min(n1) as f32;
        for row in numbers.chunks_exact_mut(4) {
            row[1] = row[1].clamp((1.0 / n).min(0.5), 0.5);
            row[3] = row[3].clamp(0.1, 10.0);
            let least = 1.0 / (8.0 * n * row[3].min(1.0));
            row[2] = row[2].clamp(least.min(0.5), 0.5);
        }
        if numbers != before {
            self.numbers = super::replaced(self.numbers, numbers);
        }
        self
    }

    /// The wavelets of every layer, as they are now.
    pub fn wavelets(&self) -> Vec<Vec<Wavelet2d>> {
        self.transform.wavelets(&self.values())
    }

    /// The wavelets of every layer in the standard bank.
    pub fn standard(&self) -> Vec<Vec<Wavelet2d>> {
        let layers = self.transform.layers.iter();
        layers
            .map(|layer| layer.iter().map(|tied| tied.psi).collect())
            .collect()
    }

    /// Rows of the output of one channel.
    ///
    /// # Errors
    /// As [`forward`](Self::forward) for the numbers.
    pub fn paths(&self) -> Result<usize> {
        Ok(self.transform.plan(&self.values())?.paths().len())
    }

    fn values(&self) -> Vec<f32> {
        values(self.numbers.val().into_data())
    }
}

/// Random numbers of [`Start::Random`].
fn drawn(random: &mut Xoshiro256PlusPlus) -> [f64; 4] {
    let mut uniform = |from: f64, to: f64| from + (to - from) * random.random::<f64>();
    let direction = uniform(0.0, TAU);
    let xi = uniform(0.5, 1.0) / TAU;
    let slant = uniform(0.5, 1.5);
    let width = uniform(E, E.powi(5)).ln();
    [direction, xi, 1.0 / (2.0 * PI * width), slant]
}

impl Numbered<2> for Wavelet2d {
    const COUNT: usize = 4;

    fn with(&self, numbers: &[f64]) -> Self {
        Wavelet2d::new(self.j, self.l)
            .direction(numbers[0])
            .xi(numbers[1])
            .sigma(numbers[2])
            .slant(numbers[3])
    }

    fn plan(params: &Scattering2dParams, layers: &[Vec<Self>]) -> Result<Scattering2d<f32>> {
        let shape = params.padded_shape()?;
        let standard = FilterBank2d::params(shape, params.J).mother(params.mother);
        let banks = layers.iter().map(|wavelets| {
            let mut list = WaveletList2d::new(shape, params.J, &[])
                .family(params.mother.family)
                .sigma_phi(standard.sigma_phi());
            list.wavelets = wavelets.as_slice().into();
            Ok(Arc::new(list.build::<f32>()?) as _)
        });
        params.plan_with(&banks.collect::<Result<Vec<_>>>()?)
    }

    fn gradient(params: &Scattering2dParams, filters: &FilterGradient2d) -> Array3<f64> {
        filters.parameters(params.mother.family)
    }
}
