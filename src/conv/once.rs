//! [`convolve`] and [`correlate`]: one signal with one kernel, once.
//!
//! A plan and its only call. Whoever has a second signal of the same shape, or a bank, keeps a
//! [`Convolution`](super::Convolution).

use ndarray::{Array, ArrayBase, Data, Dimension, Ix1, Ix2};

use super::Mode;
use super::axis::Axis;
use super::kernels::Kernels;
use super::plan::{Convolution, ConvolutionParams};
use super::sample::{Convolve, Sample};
use super::task::Task;
#[cfg(doc)]
use crate::Error;
use crate::Result;

mod sealed {
    pub trait Sealed: ndarray::Dimension {}
    impl Sealed for ndarray::Ix1 {}
    impl Sealed for ndarray::Ix2 {}
}

/// What [`convolve`] and [`correlate`] take: arrays of one axis or two.
pub trait Axes: sealed::Sealed {
    #[doc(hidden)]
    fn run<X: Convolve<K>, K: Sample<Real = X::Real>, S: Data<Elem = X>>(
        signal: &ArrayBase<S, Self>,
        kernel: Kernels<K>,
        mode: Mode,
        reversed: bool,
    ) -> Result<Array<X::Output, Self>>;
}

/// Implements [`Axes`] for arrays of so many axes.
macro_rules! axes {
    ($Ix:ty, $D:literal) => {
        impl Axes for $Ix {
            fn run<X: Convolve<K>, K: Sample<Real = X::Real>, S: Data<Elem = X>>(
                signal: &ArrayBase<S, Self>,
                kernel: Kernels<K>,
                mode: Mode,
                reversed: bool,
            ) -> Result<Array<X::Output, Self>> {
                run::<X, K, S, Self, $D>(signal, kernel, mode, reversed)
            }
        }
    };
}

axes!(Ix1, 1);
axes!(Ix2, 2);

fn run<
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
    S: Data<Elem = X>,
    Ix: Dimension,
    const D: usize,
>(
    signal: &ArrayBase<S, Ix>,
    kernel: Kernels<K>,
    mode: Mode,
    reversed: bool,
) -> Result<Array<X::Output, Ix>> {
    let shape = std::array::from_fn(|axis| signal.shape()[axis]);
    let params: ConvolutionParams<D> = ConvolutionParams {
        mode,
        ..Convolution::<f32, f32, D>::params(shape)
    };
    let task = params.task::<X, K>(&kernel)?;
    let task = if reversed {
        // The kernel of the adjoint is the one that correlates; the window of the mode stays where it is, but that of a
        // circle, where lags are counted from tap 0.
        let axes = match mode {
            Mode::Circular => task.axes.map(Axis::adjoint),
            _ => task.axes,
        };
        let adjoint = true;
        Task {
            axes,
            adjoint,
            ..task
        }
    } else {
        task
    };
    let plan: Convolution<X, K, D> = Convolution::new(params, task, Vec::new(), kernel)?;
    let result = plan.apply(signal)?.into_dimensionality();
    Ok(result.expect("one signal with one kernel has as many axes as the signal"))
}

/// The convolution of a signal with a kernel, y(i) = Σ_t h(t)·x(i + offset − t), offset and the range of i by the
/// [`Mode`]; with zeros beyond the ends it is SciPy's `convolve`.
///
/// **Shape** one axis or two, the same number for both; the result has as many. It is complex if either is.
///
/// ```
/// use ndarray::array;
/// use wavelet_scattering::conv::{Mode, convolve};
///
/// let y = convolve(&array![1.0_f32, 2.0, 3.0], &array![1.0, 0.0, 0.5], Mode::Full)?;
/// assert_eq!(y, array![1.0, 2.0, 3.5, 1.0, 1.5]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
///
/// It plans and convolves, on all threads of the current pool. For a second signal of the same shape, for banks, batches,
/// subsampling and streams there is [`Convolution`](super::Convolution).
///
/// # Errors
/// [`Error::Empty`] for an axis without samples; [`Error::WrongShape`] for a kernel without taps, or one longer than the
/// signal in mode valid; [`Error::NotFinite`] and [`Error::InvalidParameter`] for a NaN or infinity in the signal and in the
/// kernel; [`Error::OutOfMemory`].
pub fn convolve<X, K, S, S2, Ix>(
    signal: &ArrayBase<S, Ix>,
    kernel: &ArrayBase<S2, Ix>,
    mode: Mode,
) -> Result<Array<X::Output, Ix>>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
    S: Data<Elem = X>,
    S2: Data<Elem = K>,
    Ix: Axes,
{
    Ix::run(signal, Kernels::space(kernel), mode, false)
}

/// The cross-correlation of a signal with a kernel: the [convolution](convolve) with the kernel conjugated and reversed, as
/// SciPy's `correlate`; circular, y(i) = Σ_t conj h(t)·x((i + t) mod n).
///
/// ```
/// use ndarray::array;
/// use wavelet_scattering::conv::{Mode, correlate};
///
/// // Where does the pattern stand?
/// let y = correlate(&array![0.0_f32, 0.0, 1.0, 2.0, 0.0], &array![1.0, 2.0], Mode::Valid)?;
/// assert_eq!(y, array![0.0, 2.0, 5.0, 2.0]);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
///
/// # Errors
/// As [`convolve`].
pub fn correlate<X, K, S, S2, Ix>(
    signal: &ArrayBase<S, Ix>,
    kernel: &ArrayBase<S2, Ix>,
    mode: Mode,
) -> Result<Array<X::Output, Ix>>
where
    X: Convolve<K>,
    K: Sample<Real = X::Real>,
    S: Data<Elem = X>,
    S2: Data<Elem = K>,
    Ix: Axes,
{
    Ix::run(signal, Kernels::space(kernel), mode, true)
}
