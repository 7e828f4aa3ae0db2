//! Gradients: cotangents of rows to those of the signals that they were computed from.
//!
//! ```text
//! c_λ(m) = Σ_k x̂(k)·ψ̂_λ(k)·exp(2πi·km/n)/N,  U = |c|        N samples of the circle, n coefficients of the row
//! c̄ = Ū·c/|c|                                                0 where c = 0; of a row that is real the real part alone
//! x̄(t) = Re Σ_k Σ_λ ψ̂_λ(k)·(F c̄_λ)(k mod n)·exp(2πi·kt/N)/N  and every padded sample to the one that it repeats
//! ```
//!
//! A cotangent is ∂/∂Re + i·∂/∂Im of a real sum. The coefficients are linear in the signal, so that their gradient does not
//! ask for it, and is the adjoint. That the mean is taken out before the transform and put back into its spectrum, and the
//! range undone by a factor, changes no derivative.

use ndarray::{ArrayBase, ArrayD, Data, DataMut, Dimension};

use super::{PLACE, Root, Scalogram, ScalogramWorkspace, Scratch, check_finite_parts, share};
use crate::grid::{check_finite, check_output, fill_in_order, leading, unmergeable};
use crate::num::{Complex, Real, sign};
use crate::signal::pad::add_unpadded;
use crate::{Error, Result, memory, parallel};

impl<T: Real> Scalogram<T> {
    /// The gradient of Σ weights · rows(x) with respect to the signals x: the product of the weights with the Jacobian of
    /// [`transform`](Self::transform), from the left.
    ///
    /// **Shape** signals `[leading.., len]`, weights as [`output_shape`](Self::output_shape) says for the leading axes; the
    /// gradient is as large as the signals. **Units** those of the weights; a step of the gradient's size in x changes the sum
    /// by its squared norm.
    ///
    /// The modulus has the gradient 0 at 0, so that nothing is ever NaN. What is computed is the derivative of the very numbers
    /// that [`transform`](Self::transform) returns, filters with what they leave out included.
    ///
    /// ```
    /// use ndarray::{Array1, ArrayD};
    /// use wavelet_scattering::Scalogram;
    ///
    /// // How does the sum of all rows change with every sample?
    /// let plan = Scalogram::params(500, 5).Q(4).plan::<f64>()?;
    /// let x = Array1::from_shape_fn(500, |t| (0.01 * (t * t) as f64).sin());
    /// let gradient = plan.vjp(&x, &ArrayD::ones(plan.output_shape(&[])))?;
    /// // Rows are homogeneous: Σ x · ∂/∂x Σ rows(x) = Σ rows(x).
    /// let along: f64 = gradient.iter().zip(&x).map(|(g, x)| g * x).sum();
    /// assert!((along / plan.transform(&x)?.array().sum() - 1.0).abs() < 1e-12);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    ///
    /// Source: the chain rule; the modulus is the only step that is not linear.
    ///
    /// # Errors
    /// As [`vjp_into`](Self::vjp_into), and [`Error::OutOfMemory`] if the gradient would not fit.
    pub fn vjp<S, D, S2, D2>(
        &self,
        signals: &ArrayBase<S, D>,
        weights: &ArrayBase<S2, D2>,
    ) -> Result<ArrayD<T>>
    where
        S: Data<Elem = T>,
        D: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
    {
        let mut gradient =
            self.room_for_signals(leading(signals.shape(), &[self.axis.len], PLACE)?)?;
        self.vjp_into(signals, weights, &mut gradient, &mut self.workspace())?;
        Ok(gradient)
    }

    /// The same into an array of the signals' shape. The threads of the workspace take signals of their own: one signal is
    /// differentiated on one.
    ///
    /// With a workspace of one thread nothing is allocated, as long as the leading axes of signals and weights can be merged
    /// without a copy and the gradient is contiguous in row-major order; otherwise copies are made.
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into), also for the weights.
    pub fn vjp_into<S, D, S2, D2, S3, D3>(
        &self,
        signals: &ArrayBase<S, D>,
        weights: &ArrayBase<S2, D2>,
        gradient: &mut ArrayBase<S3, D3>,
        workspace: &mut ScalogramWorkspace<T>,
    ) -> Result<()>
    where
        S: Data<Elem = T>,
        D: Dimension,
        S2: Data<Elem = T>,
        D2: Dimension,
        S3: DataMut<Elem = T>,
        D3: Dimension,
    {
        let len = self.axis.len;
        let leading = leading(signals.shape(), &[len], PLACE)?;
        check_output(gradient.shape(), leading, &[len])?;
        if !(weights.shape().iter()).eq(leading.iter().chain(&self.on_signal.trailing)) {
            return Err(Error::WrongShape {
                what: "the weights",
                got: weights.shape().to_vec(),
                expected: format!(
                    "{:?}, that of the rows of these signals",
                    self.output_shape(leading)
                ),
            });
        }
        self.check_workspace(workspace)?;
        check_finite(signals)?;
        check_finite(weights)?;
        let count: usize = leading.iter().product();
        let flat = signals.to_shape([count, len]);
        let signals = flat.map_err(|_| unmergeable(signals.shape()))?;
        let flat = weights.to_shape([count, self.on_signal.numbers]);
        let weights = flat.map_err(|_| unmergeable(weights.shape()))?;
        let scale = self.scale_back();
        self.for_each_gradient(gradient, workspace, |i, root, lines| {
            self.enter(signals.row(i), root, &mut lines.scratch);
            let weights = weights.row(i);
            let mut weights = weights.iter().map(|&weight| weight * scale);
            let Root { half, others, .. } = root;
            for (n, row) in self.rows.iter().enumerate() {
                let real = row.wavelet.is_none();
                if !real {
                    // The factor that it is short of makes no difference to a sign.
                    self.row(n, half, lines, T::one());
                }
                let line = &mut lines.line[..row.circle];
                let on_signal = row.on_signal();
                line[..on_signal.start].fill(Complex::default());
                line[on_signal.end..].fill(Complex::default());
                for (z, weight) in line[on_signal].iter_mut().zip(weights.by_ref()) {
                    *z = if real {
                        weight.into()
                    } else {
                        sign(*z) * weight
                    };
                }
                self.add_row_back(n, lines, &mut others[0]);
            }
        });
        Ok(())
    }

    /// The gradient of Re Σ conj(weights) · c(x), that is of Σ Re weights · Re c + Im weights · Im c, with respect to the real
    /// signals x, for the [`coefficients`](Self::coefficients) c. Those are linear, so that it is the same at every x: the
    /// adjoint of the transform. The weights of a loss are its ∂/∂Re + i·∂/∂Im with respect to the coefficients.
    ///
    /// **Shape** weights `[leading..]` and the axes of [`coefficients_shape`](Self::coefficients_shape); the gradient
    /// `[leading.., len]`. **Units** those of the weights. The row of the low-pass is real, and imaginary parts of its weights
    /// have nothing to weigh.
    ///
    /// ```
    /// use ndarray::Array1;
    /// use wavelet_scattering::Scalogram;
    ///
    /// // The energy of all coefficients, and its gradient.
    /// let plan = Scalogram::params(500, 5).Q(4).plan::<f64>()?;
    /// let x = Array1::from_shape_fn(500, |t| (0.01 * (t * t) as f64).sin());
    /// let coefficients = plan.coefficients(&x)?.into_array();
    /// let energy: f64 = coefficients.iter().map(|c| c.norm_sqr()).sum();
    /// let gradient = plan.coefficients_vjp(&(coefficients * 2.0))?;
    /// let along: f64 = gradient.iter().zip(&x).map(|(g, x)| g * x).sum();
    /// assert!((along / (2.0 * energy) - 1.0).abs() < 1e-12);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`coefficients_vjp_into`](Self::coefficients_vjp_into), and [`Error::OutOfMemory`] if the gradient would not fit.
    pub fn coefficients_vjp<S, D>(&self, weights: &ArrayBase<S, D>) -> Result<ArrayD<T>>
    where
        S: Data<Elem = Complex<T>>,
        D: Dimension,
    {
        let leading = leading(weights.shape(), &self.on_circle.trailing, PLACE)?;
        let mut gradient = self.room_for_signals(leading)?;
        self.coefficients_vjp_into(weights, &mut gradient, &mut self.workspace())?;
        Ok(gradient)
    }

    /// The same into an array of shape `[leading.., len]`, without allocation where [`vjp_into`](Self::vjp_into) does without.
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into), with the weights for signals.
    pub fn coefficients_vjp_into<S, D, S2, D2>(
        &self,
        weights: &ArrayBase<S, D>,
        gradient: &mut ArrayBase<S2, D2>,
        workspace: &mut ScalogramWorkspace<T>,
    ) -> Result<()>
    where
        S: Data<Elem = Complex<T>>,
        D: Dimension,
        S2: DataMut<Elem = T>,
        D2: Dimension,
    {
        let shape = weights.shape();
        let leading = leading(shape, &self.on_circle.trailing, PLACE)?;
        check_output(gradient.shape(), leading, &[self.axis.len])?;
        self.check_workspace(workspace)?;
        check_finite_parts(weights)?;
        let flat = [leading.iter().product(), self.on_circle.numbers];
        let weights = weights.to_shape(flat).map_err(|_| unmergeable(shape))?;
        let scale = self.scale_back();
        self.for_each_gradient(gradient, workspace, |i, root, lines| {
            let weights = weights.row(i);
            let mut weights = weights.iter().map(|&weight| weight * scale);
            for (n, row) in self.rows.iter().enumerate() {
                let line = lines.line[..row.circle].iter_mut();
                match row.wavelet {
                    Some(_) => line
                        .zip(weights.by_ref())
                        .for_each(|(z, weight)| *z = weight),
                    None => {
                        (line.zip(weights.by_ref())).for_each(|(z, weight)| *z = weight.re.into())
                    }
                }
                self.add_row_back(n, lines, &mut root.others[0]);
            }
        });
        Ok(())
    }

    /// Room for as many signals, after a look at the memory.
    pub(super) fn room_for_signals(&self, leading: &[usize]) -> Result<ArrayD<T>> {
        let shape = [leading, &[self.axis.len]].concat();
        let output = memory::bytes_of::<T>(memory::count(&shape));
        let scratch = self.workspace_bytes(parallel::threads());
        memory::require(
            "the signals and the workspace",
            output.saturating_add(scratch),
            "take fewer at a time",
        )?;
        Ok(ArrayD::zeros(shape))
    }

    /// 1/N, which weights are multiplied by before anything else, so that their sums do not leave the range before they must.
    fn scale_back(&self) -> T {
        T::narrow(1.0 / self.axis.padded as f64)
    }

    /// Every gradient: `add` adds the cotangent of the spectrum of a signal to zeros in the first of the other spectra.
    fn for_each_gradient<S, D>(
        &self,
        gradient: &mut ArrayBase<S, D>,
        workspace: &mut ScalogramWorkspace<T>,
        add: impl Fn(usize, &mut Root<T>, &mut Scratch<T>) + Sync + Send,
    ) where
        S: DataMut<Elem = T>,
        D: Dimension,
    {
        let axes = std::slice::from_ref(&self.axis);
        fill_in_order(gradient, |gradient| {
            let signals = gradient.chunks_exact_mut(self.axis.len).enumerate();
            let workers = workspace.roots.iter_mut().zip(&mut workspace.lines);
            share(workers, signals, |(root, lines), (i, gradient)| {
                root.others[0].fill(Complex::default());
                add(i, root, lines);
                let Root { plane, others, .. } = &mut **root;
                self.circle
                    .inverse(&mut others[0], plane, &mut lines.scratch);
                gradient.fill(T::zero());
                add_unpadded(axes, plane, gradient);
            });
        });
    }

    /// Adds the cotangent of a row, which is in the line and overwritten, to that of the half spectrum of a real signal.
    fn add_row_back(&self, row: usize, lines: &mut Scratch<T>, half: &mut [Complex<T>]) {
        let by = &self.lines[self.line_of[row]];
        let line = &mut lines.line[..by.len];
        by.forward(line, &mut lines.scratch);
        self.filters[row].unfold(line, T::one(), half);
    }
}
