//! The way back through what is done with features: the gradient of Σ weights · f(S) with respect to S, so that a chain that begins
//! with [`vjp`](crate::scattering::Scattering::vjp) at its one end stays a chain.
//!
//! ```
//! use ndarray::{Array2, ArrayD};
//! use wavelet_scattering::Scattering2d;
//! use wavelet_scattering::scattering::EPSILON;
//!
//! // The gradient of Σ ln S with respect to the image.
//! let plan = Scattering2d::params([32, 32], 2).plan::<f64>()?;
//! let image = Array2::from_shape_fn([32, 32], |(i, k)| ((3 * i + k * k) as f64).sin());
//! let features = plan.transform(&image)?;
//! let weights = features.log_vjp(EPSILON, &ArrayD::ones(features.array().raw_dim()))?;
//! assert_eq!(plan.vjp(&image, &weights)?.shape(), [32, 32]);
//! # Ok::<(), wavelet_scattering::Error>(())
//! ```

use ndarray::{ArrayBase, ArrayD, Data, Dimension};

use super::{Features, positive};
use crate::num::Real;
use crate::scattering::path::Wavelet;
use crate::{Error, Result};

impl<T: Real, W: Wavelet> Features<T, W> {
    /// The gradient of Σ weights · f with respect to these features, where f is what [`log`](Self::log) makes of them.
    ///
    /// **Shape** weights and gradient that of [`array`](Self::array).
    ///
    /// # Errors
    /// As [`log`](Self::log), and [`Error::WrongShape`] for weights of another shape.
    pub fn log_vjp<S: Data<Elem = T>, D: Dimension>(
        &self,
        epsilon: f64,
        weights: &ArrayBase<S, D>,
    ) -> Result<ArrayD<T>> {
        let epsilon = positive::<T>(epsilon)?;
        let start = self.behind_order_0();
        self.back(self.array.shape(), weights, |input, weights, gradient| {
            let (order0, above) = gradient.split_at_mut(start);
            order0.copy_from_slice(&weights[..start]);
            for ((to, &value), &weight) in
                above.iter_mut().zip(&input[start..]).zip(&weights[start..])
            {
                // What lies below zero was taken for zero.
                *to = match value > T::zero() {
                    true => weight / (value + epsilon),
                    false => T::zero(),
                };
            }
        })
    }

    /// The same where f is what [`renormalized`](Self::renormalized) makes of them.
    ///
    /// **Shape** weights and gradient that of [`array`](Self::array).
    ///
    /// # Errors
    /// As [`renormalized`](Self::renormalized), and [`Error::WrongShape`] for weights of another shape.
    pub fn renormalized_vjp<S: Data<Elem = T>, D: Dimension>(
        &self,
        epsilon: f64,
        weights: &ArrayBase<S, D>,
    ) -> Result<ArrayD<T>> {
        let epsilon = positive::<T>(epsilon)?;
        let divisions = self.divisions()?;
        self.back(self.array.shape(), weights, |input, weights, gradient| {
            gradient.copy_from_slice(weights);
            for (own, _) in &divisions {
                gradient[own.clone()].fill(T::zero());
            }
            // f = S/(P + ε) has ∂f/∂S = 1/(P + ε) and ∂f/∂P = −S/(P + ε)².
            for (own, parent) in &divisions {
                for (at, above) in own.clone().zip(parent.clone()) {
                    let share = (input[above] + epsilon).recip();
                    gradient[at] += weights[at] * share;
                    gradient[above] -= weights[at] * input[at] * share * share;
                }
            }
        })
    }

    /// The same where f is what [`mean_over_space`](Self::mean_over_space) makes of them.
    ///
    /// **Shape** weights `[leading.., paths]`; the gradient that of [`array`](Self::array).
    ///
    /// # Errors
    /// [`Error::WrongShape`] for weights of another shape.
    pub fn mean_over_space_vjp<S: Data<Elem = T>, D: Dimension>(
        &self,
        weights: &ArrayBase<S, D>,
    ) -> Result<ArrayD<T>> {
        let rows = self.layout.rows();
        let shape = [self.leading(), &[rows]].concat();
        self.back(&shape, weights, |_, weights, gradient| {
            for (row, &weight) in weights.iter().enumerate() {
                let of_row = &mut gradient[self.layout.range(row)];
                let share = weight / T::narrow(of_row.len() as f64);
                of_row.fill(share);
            }
        })
    }

    /// The same where f is what [`unit_norm`](Self::unit_norm) makes of them; 0 for an input of zeros.
    ///
    /// **Shape** weights and gradient that of [`array`](Self::array).
    ///
    /// # Errors
    /// [`Error::WrongShape`] for weights of another shape.
    pub fn unit_norm_vjp<S: Data<Elem = T>, D: Dimension>(
        &self,
        weights: &ArrayBase<S, D>,
    ) -> Result<ArrayD<T>> {
        self.back(self.array.shape(), weights, |input, weights, gradient| {
            let dot = |a: &[T], b: &[T]| -> f64 {
                let products = a.iter().zip(b).map(|(a, b)| a.widen() * b.widen());
                products.sum()
            };
            let energy = dot(input, input);
            if energy > 0.0 {
                // ∂(S/‖S‖) is the projection across S, over ‖S‖.
                let along = dot(input, weights) / energy;
                for ((to, value), weight) in gradient.iter_mut().zip(input).zip(weights) {
                    *to = T::narrow((weight.widen() - along * value.widen()) / energy.sqrt());
                }
            }
        })
    }

    /// The gradient, input by input: `fill` gets numbers, weights and what to fill, zeros.
    fn back<S: Data<Elem = T>, D: Dimension>(
        &self,
        shape: &[usize],
        weights: &ArrayBase<S, D>,
        mut fill: impl FnMut(&[T], &[T], &mut [T]),
    ) -> Result<ArrayD<T>> {
        if weights.shape() != shape {
            return Err(Error::WrongShape {
                what: "the weights",
                got: weights.shape().to_vec(),
                expected: format!("{shape:?}"),
            });
        }
        let mut gradient = ArrayD::zeros(self.array.raw_dim());
        let weights = weights.as_standard_layout();
        let len = self.layout.len();
        let inputs = self.numbers().chunks_exact(len);
        let of_input = weights.len() / inputs.len();
        if let (Some(weights), Some(to)) = (weights.as_slice(), gradient.as_slice_mut()) {
            let weights = weights.chunks_exact(of_input);
            for ((input, weights), to) in inputs.zip(weights).zip(to.chunks_exact_mut(len)) {
                fill(input, weights, to);
            }
        }
        Ok(gradient)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::ArrayD;

    use super::super::tests::features;
    use super::*;
    use crate::filters::Wavelet2d;
    use crate::scattering::{Average, EPSILON};

    type Chain = dyn Fn(Features<f64, Wavelet2d>) -> Features<f64, Wavelet2d>;
    type Back = dyn Fn(&Features<f64, Wavelet2d>, &ArrayD<f64>) -> ArrayD<f64>;

    /// Central differences along many directions, orders 0 to 3, with negative numbers among them.
    fn check(average: Average, chain: &Chain, back: &Back) {
        let plain = features(average, 1);
        let direction = |seed: f64| {
            let mut n = seed;
            ArrayD::from_shape_simple_fn(plain.array().raw_dim(), || {
                n += 1.7;
                n.sin()
            })
        };
        let weights = {
            let like = chain(plain.clone());
            let mut n = 0.4_f64;
            ArrayD::from_shape_simple_fn(like.array().raw_dim(), || {
                n += 2.3;
                n.cos()
            })
        };
        let gradient = back(&plain, &weights);
        for seed in [0.0, 1.0, 2.0] {
            let v = direction(seed);
            // In steps of every number's own size, so that none changes its sign.
            let v = &v * plain.array();
            let h = 1e-6;
            let sum = |h: f64| {
                let mut moved = plain.clone();
                moved.array = moved.array + &v * h;
                (chain(moved).array() * &weights).sum()
            };
            let quotient = (sum(h) - sum(-h)) / (2.0 * h);
            let got = (&gradient * &v).sum();
            let scale = (&gradient * &v).mapv(f64::abs).sum();
            assert!(
                (got - quotient).abs() < 1e-7 * scale,
                "{got} against {quotient}"
            );
        }
        assert!(matches!(
            plain.log_vjp(EPSILON, &ArrayD::<f64>::zeros(vec![1])),
            Err(Error::WrongShape { .. })
        ));
    }

    #[test]
    fn gradients_are_central_differences() {
        for average in [Average::Local, Average::Global] {
            check(average, &|s| s.log(EPSILON).unwrap(), &|s, w| {
                s.log_vjp(EPSILON, w).unwrap()
            });
            check(average, &|s| s.renormalized(0.1).unwrap(), &|s, w| {
                s.renormalized_vjp(0.1, w).unwrap()
            });
        }
        for average in [Average::Local, Average::Global, Average::None] {
            check(average, &|s| s.mean_over_space(), &|s, w| {
                s.mean_over_space_vjp(w).unwrap()
            });
            check(average, &|s| s.unit_norm(), &|s, w| {
                s.unit_norm_vjp(w).unwrap()
            });
        }
    }

    #[test]
    fn what_was_cut_off_and_what_is_zero_has_no_gradient() {
        let mut s = features(Average::Global, 1);
        s.array.fill(-1.0);
        let ones = ArrayD::ones(s.array().raw_dim());
        let gradient = s.log_vjp(EPSILON, &ones).unwrap();
        assert!(
            gradient
                .rows()
                .into_iter()
                .all(|row| row[0] == 1.0 && row.iter().skip(1).all(|&g| g == 0.0))
        );
        s.array.fill(0.0);
        assert_eq!(s.unit_norm_vjp(&ones).unwrap(), &ones * 0.0);
    }
}
