//! Gradients with respect to the filters of a transform of images, and to the numbers that wavelets are made from.

use std::sync::Arc;

use ndarray::{Array2, Array3, ArrayBase, ArrayView2, Data, Dimension};

use super::Scattering2d;
use crate::filters::gabor::Morlet;
use crate::filters::{Family, Wavelet2d};
use crate::grid::{Grid, wrap};
use crate::num::Real;
use crate::{Result, memory, parallel};

/// Numbers that a wavelet is made from: theta, xi, sigma, slant.
const NUMBERS: usize = 4;

/// The gradient of a sum of weighted features with respect to every filter of every layer: what
/// [`Scattering2d::vjp_filters`] returns.
#[derive(Debug, Clone)]
pub struct FilterGradient2d {
    wavelets: Arc<[Wavelet2d]>,
    grid: Grid<2>,
    /// Layer by layer, λ by λ.
    psi_hats: Vec<Array2<f64>>,
}

impl FilterGradient2d {
    /// Layers that have wavelets.
    pub fn layers(&self) -> usize {
        self.psi_hats.len() / self.wavelets.len()
    }

    /// The wavelets, by λ.
    pub fn wavelets(&self) -> &Arc<[Wavelet2d]> {
        &self.wavelets
    }

    /// The derivatives with respect to ψ̂_λ of a layer, counted from 0, at every frequency: for a bank of any kind. Panics if there is
    /// no such layer or wavelet, as indexing does.
    ///
    /// Where the plan leaves a filter out, as below its tolerance, the derivative is 0.
    ///
    /// **Shape** that of the bank's grid, natural DFT order.
    pub fn psi_hat(&self, layer: usize, lambda: usize) -> ArrayView2<'_, f64> {
        assert!(lambda < self.wavelets.len(), "there is no λ = {lambda}");
        self.psi_hats[layer * self.wavelets.len() + lambda].view()
    }

    /// The derivatives with respect to what wavelets of this family are made from, by the chain rule through their formula, κ and
    /// aliases included: for banks whose filters are what the numbers of their wavelets say, which one that is
    /// [contractive](crate::filters::Normalization::Contractive) is not.
    ///
    /// **Shape** `[layers, wavelets, 4]`: direction, xi, sigma, slant. **Units** features per radian, and per cycle a sample.
    pub fn parameters(&self, family: Family) -> Array3<f64> {
        let (layers, count) = (self.layers(), self.wavelets.len());
        let of_wavelet = parallel::map(count, |lambda| {
            let gabor = self.wavelets[lambda].gabor();
            let of_morlet = Morlet::new(gabor).sampled_gradient();
            let derivatives = |omega| match family {
                Family::Morlet => of_morlet(omega),
                Family::Gabor => gabor.sampled_gradient(omega),
            };
            let mut sums = vec![[0.0; NUMBERS]; layers];
            let [n0, n1] = self.grid.shape;
            for (k0, k1) in ndarray::indices((n0, n1)) {
                let of_layer = |layer: usize| self.psi_hats[layer * count + lambda][[k0, k1]];
                if (0..layers).all(|layer| of_layer(layer) == 0.0) {
                    continue;
                }
                let derivatives = derivatives([k0 as f64 / n0 as f64, k1 as f64 / n1 as f64]);
                for (layer, sums) in sums.iter_mut().enumerate() {
                    for (sum, derivative) in sums.iter_mut().zip(derivatives) {
                        *sum += of_layer(layer) * derivative;
                    }
                }
            }
            sums
        });
        Array3::from_shape_fn([layers, count, NUMBERS], |(layer, lambda, i)| {
            of_wavelet[lambda][layer][i]
        })
    }
}

impl<T: Real> Scattering2d<T> {
    /// The gradient of Σ weights · S(x) with respect to the filters, summed over all images.
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
    ) -> Result<FilterGradient2d>
    where
        S: Data<Elem = T>,
        D1: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
    {
        let wavelets = Arc::clone(self.bank().wavelets());
        let grid = self.bank().grid();
        let shape = grid.shape;
        let count = self.paths().max_order() * wavelets.len();
        memory::require(
            "the gradient of all filters",
            memory::bytes_of::<f64>(memory::count(&shape).saturating_mul(count as u64)),
            "use smaller images, fewer orientations L or a lower max_order",
        )?;
        let mut psi_hats = vec![Array2::zeros(shape); count];
        let add = &mut |layer: usize, lambda: usize, k: &[i64], value: f64| {
            let [k0, k1] = [0, 1].map(|axis| wrap(k[axis], shape[axis]));
            psi_hats[layer * wavelets.len() + lambda][[k0, k1]] += value;
        };
        self.runner().vjp_filters(inputs, weights, add)?;
        Ok(FilterGradient2d {
            wavelets,
            grid,
            psi_hats,
        })
    }
}
