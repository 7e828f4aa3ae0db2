//! [`Transform`]: a scattering transform whose wavelets are made from a table of numbers, there and back.
//!
//! ```text
//! numbers ─▶ wavelets of every layer ─▶ banks ─▶ plan ─▶ S(x)        ∂/∂S ─▶ ∂/∂x,  ∂/∂ψ̂ ─▶ ∂/∂wavelets ─▶ ∂/∂numbers
//! ```

use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Tensor, TensorData};
use ndarray::{Array2, Array3, ArrayD};

use super::operation::{Back, with_back};
use crate::scattering::{FilterGradient, Scattering, Wavelet};
use crate::{Error, Result};

/// Wavelets that are made from numbers.
pub(super) trait Numbered<const D: usize>: Wavelet {
    /// How many numbers one has.
    const COUNT: usize;

    /// The same scale and place with other numbers.
    fn with(&self, numbers: &[f64]) -> Self;

    /// A plan with these wavelets, layer by layer.
    fn plan(params: &Self::Params, layers: &[Vec<Self>]) -> Result<Scattering<f32, Self, D>>;

    /// **Shape** `[layers, wavelets, numbers]`.
    fn gradient(params: &Self::Params, filters: &FilterGradient<Self, D>) -> Array3<f64>;
}

/// A wavelet and where its numbers stand.
#[derive(Debug, Clone)]
pub(super) struct Tied<W> {
    /// Its scale and place.
    pub psi: W,
    /// The row of its numbers.
    pub row: usize,
    /// What is added to the first of them.
    pub turned: f64,
}

/// The plan of the numbers that were last asked for.
type Planned<W, const D: usize> = Option<(Vec<f32>, Arc<Scattering<f32, W, D>>)>;

/// See the head of this file. Clones share the plan.
#[derive(Debug, Clone)]
pub(super) struct Transform<W: Wavelet, const D: usize> {
    pub(super) params: W::Params,
    pub(super) layers: Arc<Vec<Vec<Tied<W>>>>,
    planned: Arc<Mutex<Planned<W, D>>>,
}

impl<W: Numbered<D>, const D: usize> Transform<W, D> {
    pub(super) fn new(params: W::Params, layers: Vec<Vec<Tied<W>>>) -> Self {
        Self {
            params,
            layers: Arc::new(layers),
            planned: Arc::default(),
        }
    }

    /// The wavelets of every layer.
    pub(super) fn wavelets(&self, numbers: &[f32]) -> Vec<Vec<W>> {
        let of_layer = |layer: &Vec<Tied<W>>| {
            let made = layer.iter().map(|tied| {
                let row = numbers[tied.row * W::COUNT..].iter().take(W::COUNT);
                let mut row: Vec<f64> = row.copied().map(f64::from).collect();
                row[0] += tied.turned;
                tied.psi.with(&row)
            });
            made.collect()
        };
        self.layers.iter().map(of_layer).collect()
    }

    /// The plan of these numbers, made only if they are not those of the last call.
    pub(super) fn plan(&self, numbers: &[f32]) -> Result<Arc<Scattering<f32, W, D>>> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        match &*planned {
            Some((known, plan)) if known == numbers => Ok(Arc::clone(plan)),
            _ => {
                let plan = Arc::new(W::plan(&self.params, &self.wavelets(numbers))?);
                *planned = Some((numbers.to_vec(), Arc::clone(&plan)));
                Ok(plan)
            }
        }
    }

    /// S(x) of inputs with two leading axes, the second of which the paths join.
    pub(super) fn forward<const R: usize>(
        &self,
        inputs: Tensor<R>,
        numbers: Tensor<2>,
    ) -> Result<Tensor<R>> {
        let rows = numbers.dims()[0];
        let plan = self.plan(&values(numbers.clone().into_data()))?;
        let shape = inputs.dims();
        let x = ArrayD::from_shape_vec(shape.to_vec(), values(inputs.clone().into_data()))
            .expect("a tensor has as many values as its shape says");
        let mut features = plan.transform(&x)?.into_array();
        // Means have no axes; they are averages with one sample along each.
        let after = match &features.shape()[2..] {
            [paths] => [vec![shape[1] * paths], vec![1; D]].concat(),
            [paths, axes @ ..] => [&[shape[1] * paths], axes].concat(),
            [] => vec![],
        };
        let weights = features.shape().to_vec();
        features = features
            .into_shape_with_order([vec![shape[0]], after].concat())
            .expect("channels and paths are neighbours in memory");
        let back = Known {
            plan,
            params: self.params.clone(),
            layers: Arc::clone(&self.layers),
            inputs: x,
            weights,
            rows,
        };
        Ok(with_back(inputs, numbers, features, Arc::new(back)))
    }
}

/// Single precision, whatever a tensor holds.
pub(super) fn values(data: TensorData) -> Vec<f32> {
    let values = data.convert::<f32>().try_into_vec::<f32>();
    values.expect("it was converted to this type")
}

/// What the way back needs.
#[derive(Debug)]
struct Known<W: Wavelet, const D: usize> {
    plan: Arc<Scattering<f32, W, D>>,
    params: W::Params,
    layers: Arc<Vec<Vec<Tied<W>>>>,
    inputs: ArrayD<f32>,
    /// Shape of the features.
    weights: Vec<usize>,
    /// Rows of the numbers.
    rows: usize,
}

impl<W: Wavelet, const D: usize> Known<W, D> {
    fn weights(&self, weights: &[f32]) -> Result<ArrayD<f32>> {
        let array = ArrayD::from_shape_vec(self.weights.clone(), weights.to_vec());
        array.map_err(|_| Error::WrongShape {
            what: "the gradient of the features",
            got: vec![weights.len()],
            expected: format!("the numbers of {:?}", self.weights),
        })
    }
}

/// burn's way back knows no errors: a gradient that cannot be computed, as of features whose own is infinite, is NaN, as that of
/// burn's layers is then.
impl<W: Numbered<D>, const D: usize> Back for Known<W, D> {
    fn inputs(&self, weights: &[f32]) -> ArrayD<f32> {
        let gradient = self.weights(weights);
        let gradient = gradient.and_then(|weights| self.plan.vjp(&self.inputs, &weights));
        gradient.unwrap_or_else(|_| ArrayD::from_elem(self.inputs.shape(), f32::NAN))
    }

    fn numbers(&self, weights: &[f32]) -> ArrayD<f32> {
        let gradient = self.weights(weights);
        let gradient = gradient.and_then(|weights| self.plan.vjp_filters(&self.inputs, &weights));
        let shape = [self.rows, W::COUNT];
        let Ok(filters) = gradient else {
            return ArrayD::from_elem(&shape[..], f32::NAN);
        };
        let of_wavelets = W::gradient(&self.params, &filters);
        let mut sums = Array2::<f64>::zeros(shape);
        for (layer, of_layer) in self.layers.iter().zip(of_wavelets.outer_iter()) {
            for (tied, of_wavelet) in layer.iter().zip(of_layer.outer_iter()) {
                let mut row = sums.row_mut(tied.row);
                row += &of_wavelet;
            }
        }
        sums.mapv(|value| value as f32).into_dyn()
    }
}
