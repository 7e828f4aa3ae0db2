//! Gradients with respect to the filters of a transform, and to the numbers that wavelets are made from.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array3, ArrayBase, ArrayD, ArrayViewD, Data, Dimension, IxDyn};

use super::path::Wavelet;
use super::plan::Scattering;
use crate::filters::gabor::Morlet;
use crate::filters::{Family, Family1d, Sampled1d, Wavelet1d, Wavelet2d};
use crate::grid::{Grid, wrap};
use crate::num::Real;
use crate::{Result, memory, parallel};

/// The gradient of a sum of weighted features with respect to every filter of every layer: what
/// [`Scattering::vjp_filters`] returns. Of images it is called [`FilterGradient2d`], of signals [`FilterGradient1d`].
#[derive(Debug, Clone)]
pub struct FilterGradient<W, const D: usize> {
    wavelets: Arc<[W]>,
    /// The λ of every layer.
    layers: Vec<Range<usize>>,
    grid: Grid<D>,
    /// Layer by layer, λ by λ.
    psi_hats: Vec<Vec<ArrayD<f64>>>,
}

/// The gradient with respect to the filters of images.
pub type FilterGradient2d = FilterGradient<Wavelet2d, 2>;

/// The gradient with respect to the filters of signals.
pub type FilterGradient1d = FilterGradient<Wavelet1d, 1>;

impl<W, const D: usize> FilterGradient<W, D> {
    /// Layers that have wavelets.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// The wavelets of a layer, counted from 0. Panics if there is no such layer, as indexing does.
    pub fn wavelets(&self, layer: usize) -> &[W] {
        &self.wavelets[self.layers[layer].clone()]
    }

    /// The grid that filters live on: that of the plan's banks, which of long signals is that of one block.
    pub fn grid(&self) -> Grid<D> {
        self.grid
    }

    /// The derivatives with respect to ψ̂ of a wavelet of a layer, both counted from 0, at every frequency: for a bank of any kind. Panics if
    /// there is no such layer or wavelet, as indexing does.
    ///
    /// Where the plan leaves a filter out, as below its tolerance, the derivative is 0.
    ///
    /// **Shape** that of the grid, natural DFT order.
    pub fn psi_hat(&self, layer: usize, wavelet: usize) -> ArrayViewD<'_, f64> {
        self.psi_hats[layer][wavelet].view()
    }

    /// Σ over the grid of ∂/∂ψ̂ times the derivatives of ψ̂ with respect to N numbers, for all wavelets of all layers:
    /// `of_wavelet` makes what says them at a place of the grid.
    fn chain<const N: usize, At: Fn(&[usize]) -> [f64; N]>(
        &self,
        of_wavelet: impl Fn(&W) -> At + Sync + Send,
    ) -> Array3<f64>
    where
        W: Send + Sync,
    {
        // Layers that share a bank have the derivatives of its wavelets in common.
        let used = parallel::map(self.wavelets.len(), |lambda| {
            let of_layers = self.layers.iter().zip(&self.psi_hats);
            let of_layers = of_layers.map(|(lambdas, psi_hats)| {
                let within = lambdas.contains(&lambda);
                within.then(|| &psi_hats[lambda - lambdas.start])
            });
            let of_layers: Vec<_> = of_layers.collect();
            let mut sums = vec![[0.0; N]; of_layers.len()];
            let at = of_wavelet(&self.wavelets[lambda]);
            for place in ndarray::indices(IxDyn(&self.grid.shape)) {
                let values = of_layers
                    .iter()
                    .map(|of| of.map_or(0.0, |psi_hat| psi_hat[&place]));
                if values.clone().all(|value| value == 0.0) {
                    continue;
                }
                let derivatives = at(place.slice());
                for (value, sums) in values.zip(&mut sums) {
                    for (sum, derivative) in sums.iter_mut().zip(derivatives) {
                        *sum += value * derivative;
                    }
                }
            }
            sums
        });
        let most = self.layers.iter().map(Range::len).max().unwrap_or(0);
        Array3::from_shape_fn([self.layers(), most, N], |(layer, wavelet, i)| {
            match self.layers[layer].clone().nth(wavelet) {
                Some(lambda) => used[lambda][layer][i],
                None => 0.0,
            }
        })
    }
}

impl FilterGradient<Wavelet2d, 2> {
    /// The derivatives with respect to what wavelets of this family are made from, by the chain rule through their formula, κ and
    /// aliases included: for banks whose filters are what the numbers of their wavelets say, which one that is
    /// [contractive](crate::filters::Normalization::Contractive) is not.
    ///
    /// **Shape** `[layers, wavelets, 4]`: direction, xi, sigma, slant; zeros where a layer has fewer wavelets than another. **Units**
    /// features per radian, and per cycle a sample.
    pub fn parameters(&self, family: Family) -> Array3<f64> {
        let [n0, n1] = self.grid.shape.map(|n| n as f64);
        self.chain(|wavelet| {
            let gabor = wavelet.gabor();
            let of_morlet = Morlet::new(gabor).sampled_gradient();
            move |place: &[usize]| {
                let omega = [place[0] as f64 / n0, place[1] as f64 / n1];
                match family {
                    Family::Morlet => of_morlet(omega),
                    Family::Gabor => gabor.sampled_gradient(omega),
                }
            }
        })
    }
}

impl FilterGradient<Wavelet1d, 1> {
    /// The derivatives with respect to what wavelets of this family are made from, by the chain rule through their formula, κ, aliases and
    /// the norm in time that is divided out included: for banks whose filters are what the numbers of their wavelets say, which one that
    /// is [contractive](crate::filters::Normalization::Contractive) is not.
    ///
    /// **Shape** `[layers, wavelets, 2]`: xi, sigma; zeros where a layer has fewer wavelets than another. **Units** features per cycle a
    /// sample.
    pub fn parameters(&self, family: Family1d) -> Array3<f64> {
        let [len] = self.grid.shape;
        self.chain(|wavelet| {
            let [by_xi, by_sigma] = Sampled1d::new(wavelet.gabor(), family, len).gradient();
            move |place: &[usize]| [by_xi[place[0]], by_sigma[place[0]]]
        })
    }
}

impl<T: Real, W: Wavelet, const D: usize> Scattering<T, W, D> {
    /// The gradient of Σ weights · S(x) with respect to the filters, summed over all inputs.
    ///
    /// **Shape** as in [`vjp`](Self::vjp).
    ///
    /// ```
    /// use ndarray::{Array2, ArrayD};
    /// use wavelet_scattering::Scattering2d;
    /// use wavelet_scattering::filters::Family;
    ///
    /// let plan = Scattering2d::params([32, 32], 2).L(4).plan::<f64>()?;
    /// let image = Array2::from_shape_fn([32, 32], |(i, k)| ((3 * i + k * k) as f64).sin());
    /// let gradient = plan.vjp_filters(&image, &ArrayD::ones(plan.output_shape(&[])))?;
    /// assert_eq!(gradient.parameters(Family::Morlet).shape(), [2, 8, 4]); // layers; J · L; theta, xi, sigma, slant
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    ///
    /// Source: Gauthier et al., "Parametric scattering networks", CVPR 2022, for what is done with it.
    ///
    /// # Errors
    /// As [`vjp`](Self::vjp).
    pub fn vjp_filters<S, D1, S2, D2>(
        &self,
        inputs: &ArrayBase<S, D1>,
        weights: &ArrayBase<S2, D2>,
    ) -> Result<FilterGradient<W, D>>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
    {
        let grid = self.bank().grid();
        let layers = self.layers();
        let count: usize = layers.iter().map(Range::len).sum();
        memory::require(
            "the gradient of all filters",
            memory::bytes_of::<f64>(memory::count(&grid.shape).saturating_mul(count as u64)),
            "use smaller inputs, fewer wavelets or a lower max_order",
        )?;
        let zeros = |_| ArrayD::zeros(IxDyn(&grid.shape));
        let of_layer = |lambdas: &Range<usize>| lambdas.clone().map(zeros).collect();
        let mut psi_hats: Vec<Vec<_>> = layers.iter().map(of_layer).collect();
        let add = &mut |layer: usize, lambda: usize, k: &[i64], value: f64| {
            let at: [usize; D] = std::array::from_fn(|axis| wrap(k[axis], grid.shape[axis]));
            psi_hats[layer][lambda - layers[layer].start][&at[..]] += value;
        };
        self.runner().vjp_filters(inputs, weights, add)?;
        Ok(FilterGradient {
            wavelets: self.paths().wavelets().into(),
            layers: layers.to_vec(),
            grid,
            psi_hats,
        })
    }
}
