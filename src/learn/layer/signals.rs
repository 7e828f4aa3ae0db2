//! [`ScatteringLayer1d`]: of signals.

use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::Array3;

use super::transform::{Numbered, Tied, Transform, values};
use crate::filters::{FilterBank1d, Normalization, Wavelet1d};
use crate::scattering::{Average, FilterGradient1d, Scattering1dParams};
use crate::{Error, Result, Scattering1d};

/// A scattering transform of signals as a layer of a network; see the [module](super) for what is learned and how.
///
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// use wavelet_scattering::Scattering1d;
/// use wavelet_scattering::learn::ScatteringLayer1d;
///
/// let params = Scattering1d::params(256, 4).Q([4]);
/// let device = Device::flex().autodiff();
/// let layer = ScatteringLayer1d::new(&params, &device)?;
/// let sounds = Tensor::<3>::random([5, 1, 256], Distribution::Default, &device);
/// let features = layer.forward(sounds)?;
/// assert_eq!(features.dims(), [5, layer.paths()?, 16]); // channels · paths, 256 / 2^J
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Module, Debug)]
pub struct ScatteringLayer1d {
    /// What wavelets are made from, layer by layer in the order of their banks.
    ///
    /// **Shape** `[wavelets of all layers, 2]`: xi, sigma. **Units** cycles per sample.
    pub numbers: Param<Tensor<2>>,
    #[module(skip)]
    transform: Transform<Wavelet1d, 1>,
}

impl ScatteringLayer1d {
    /// A layer that starts from the standard banks and whose wavelets learn.
    ///
    /// # Errors
    /// As [`Scattering1dParams::plan`]; [`Error::InvalidParameter`] for a max_order that is 0 or beyond J + 1, averages that are
    /// [`Average::None`] and a normalization that is contractive, whose filters are not what their numbers say.
    pub fn new(params: &Scattering1dParams, device: &Device) -> Result<Self> {
        let refuse = |name, value: String, limit: &str| {
            Err(Error::InvalidParameter {
                name,
                value,
                limit: limit.into(),
            })
        };
        let len = params.padded_len()?;
        if params.max_order == 0 || params.max_order > params.J + 1 {
            let limit = "a layer that learns has wavelets, each order of its own: use 1 to J + 1";
            return refuse("max_order", params.max_order.to_string(), limit);
        }
        if params.average == Average::None {
            let limit =
                "rows of different lengths are no tensor: use local averages or global means";
            return refuse("average", params.average.name().into(), limit);
        }
        if params.normalization == Normalization::Contractive {
            let limit = "filters of a layer are what their numbers say: use the plain bank";
            return refuse("normalization", "contractive".into(), limit);
        }
        let mut numbers: Vec<f32> = Vec::new();
        let mut layers = Vec::new();
        for order in 0..params.max_order {
            let Q = params.Q.get(order).copied().unwrap_or(1);
            let bank = FilterBank1d::params(len, params.J).Q(Q);
            bank.check()?;
            let wavelets = bank.wavelets().into_iter().map(|psi| {
                numbers.extend([psi.xi as f32, psi.sigma as f32]);
                Tied {
                    psi,
                    row: numbers.len() / 2 - 1,
                    turned: 0.0,
                }
            });
            layers.push(wavelets.collect());
        }
        let rows = numbers.len() / 2;
        let layer = Self {
            numbers: Param::from_data(TensorData::new(numbers, [rows, 2]), device),
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

    /// S of signals, of single precision.
    ///
    /// **Shape** `[n, channels, samples]` gives `[n, channels · paths, samples']`; global means have one sample.
    ///
    /// # Errors
    /// As [`Scattering::transform`](crate::scattering::Scattering::transform); [`Error::InvalidParameter`] for numbers out of range, which those of a layer that was
    /// [projected](Self::projected) are not unless they are NaN.
    pub fn forward(&self, signals: Tensor<3>) -> Result<Tensor<3>> {
        self.transform.forward(signals, self.numbers.val())
    }

    /// The layer with its numbers brought back to where they are allowed to be: xi in [1/N, 1/2], sigma in [1/(8·N), 1/2], N the
    /// samples of the padded signal.
    pub fn projected(mut self) -> Self {
        let mut numbers = self.values();
        let before = numbers.clone();
        let n = self.transform.params.padded_len().unwrap_or(1) as f32;
        for row in numbers.chunks_exact_mut(2) {
            row[0] = row[0].clamp((1.0 / n).min(0.5), 0.5);
            row[1] = row[1].clamp((0.125 / n).min(0.5), 0.5);
        }
        if numbers != before {
            self.numbers = super::replaced(self.numbers, numbers);
        }
        self
    }

    /// The wavelets of every layer, as they are now.
    pub fn wavelets(&self) -> Vec<Vec<Wavelet1d>> {
        self.transform.wavelets(&self.values())
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

impl Numbered<1> for Wavelet1d {
    const COUNT: usize = 2;

    fn with(&self, numbers: &[f64]) -> Self {
        self.xi(numbers[0]).sigma(numbers[1])
    }

    fn plan(params: &Scattering1dParams, layers: &[Vec<Self>]) -> Result<Scattering1d<f32>> {
        let len = params.padded_len()?;
        let banks = layers.iter().map(|wavelets| {
            let list = FilterBank1d::list(len, wavelets, params.averaged_over());
            Ok(Arc::new(list.family(params.family).build::<f32>()?) as _)
        });
        params.plan_with(&banks.collect::<Result<Vec<_>>>()?)
    }

    fn gradient(params: &Scattering1dParams, filters: &FilterGradient1d) -> Array3<f64> {
        filters.parameters(params.family)
    }
}
