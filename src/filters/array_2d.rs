//! [`ArrayBank2d`]: a bank of filters that a caller brings as arrays, for scattering with wavelets other than ours.
//!
//! Comes in: every ψ and φ on one grid, in Fourier or in space, and what is known of each wavelet. Goes out: the same
//! [`Band`]s and factors that a built bank has.
//!
//! Conventions that bite: ψ̂ is real, so ψ is Hermitian, ψ(−u) = conj ψ(u), around its origin at index `[0, 0]`; φ̂ is
//! real, even and a product of one factor per axis, since averages are taken axis by axis. Values up to half of
//! [`Real::NEGLIGIBLE`] of a filter's peak are left out: half, so that the arrays of another bank are kept whole.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, ArrayView3, Axis, Zip};
use num_complex::Complex;

use super::band::{Band, dense, filter_grid};
use super::bank::{FilterBank, low_block};
use super::frame;
use super::morlet_2d::Wavelet2d;
use crate::grid::{Grid, wrap};
use crate::num::Real;
use crate::{Error, Result, fft, parallel};

/// How far, in roundings of the arrays' precision at the peak, a filter may be from real, even or separable. A transform
/// of any size that fits into memory is off by a few tens of them; a filter of another kind misses by a thousand times as
/// much in either precision.
const ROUNDINGS: f64 = 100.0;

/// Wavelets and a low-pass that a caller brings, on one grid of two axes.
///
/// The number of orientations may differ from scale to scale; scales come in order, finest first.
///
/// ```
/// use ndarray::{Array2, Array3};
/// use wavelet_scattering::filters::{ArrayBank2d, FilterBank, Wavelet2d};
///
/// // One filter a scale: rings around frequencies 3/8 and 3/16, and a Gaussian low-pass.
/// let frequency = |k: usize| (k as f64 + 16.0) % 32.0 / 32.0 - 0.5;
/// let ring = |radius: f64, xi: f64| (-((radius - xi) / (0.3 * xi)).powi(2)).exp();
/// let psi_hat = Array3::from_shape_fn([2, 32, 32], |(j, k0, k1)| {
///     ring(frequency(k0).hypot(frequency(k1)), 0.375 / (1 << j) as f64)
/// });
/// let phi_hat = Array2::from_shape_fn([32, 32], |(k0, k1)| {
///     (-(frequency(k0).powi(2) + frequency(k1).powi(2)) / 0.02).exp()
/// });
/// let wavelets = [0, 1].map(|j| Wavelet2d::new(j, 0).xi(0.375 / (1 << j) as f64));
/// let bank = ArrayBank2d::<f32>::from_fourier(psi_hat.view(), phi_hat.view(), &wavelets)?;
/// assert!(bank.frame_bounds().upper < 1.5);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ArrayBank2d<T> {
    grid: Grid<2>,
    wavelets: Arc<[Wavelet2d]>,
    psi: Vec<Band<T, 2>>,
    phi_axes: [Vec<f64>; 2],
}

impl<T: Real> ArrayBank2d<T> {
    /// A bank from transfer functions in natural DFT order; their precision `E` need not be that of the bank.
    ///
    /// **Shape** `psi_hat` `[wavelets, n0, n1]`, in the order of `wavelets`; `phi_hat` `[n0, n1]`.
    ///
    /// # Errors
    /// [`Error::WrongShape`] for arrays without a value or of shapes that do not fit each other and the number of
    /// `wavelets`; [`Error::InvalidParameter`] for values that are not finite in the precision of the bank, a filter of
    /// zeros, scales j that decrease or for which the grid is too small, and a φ̂ that is not even or not a product of
    /// one factor per axis to rounding.
    pub fn from_fourier<E: Real>(
        psi_hat: ArrayView3<'_, E>,
        phi_hat: ArrayView2<'_, E>,
        wavelets: &[Wavelet2d],
    ) -> Result<Self> {
        let grid = common_grid(
            ["psi_hat", "phi_hat"],
            psi_hat.shape(),
            phi_hat.shape(),
            wavelets,
        )?;
        let psi = parallel::map(wavelets.len(), |lambda| {
            let hat = psi_hat.index_axis(Axis(0), lambda).mapv(E::widen);
            band(grid, "psi_hat", lambda, &hat, T::NEGLIGIBLE / 2.0)
        });
        let tolerance = rounding::<E>();
        Ok(Self {
            grid,
            wavelets: wavelets.into(),
            psi: psi.into_iter().collect::<Result<_>>()?,
            phi_axes: separate("phi_hat", &phi_hat.mapv(E::widen), tolerance)?,
        })
    }

    /// A bank from filters in space, periodic, each with its origin at index `[0, 0]`.
    ///
    /// **Shape** `psi` `[wavelets, n0, n1]`, in the order of `wavelets`; `phi` `[n0, n1]`. What lies below the rounding
    /// of `E` at the peak of a transfer function is left out.
    ///
    /// # Errors
    /// Those of [`from_fourier`](Self::from_fourier), and [`Error::InvalidParameter`] for a filter whose transfer
    /// function is not real to rounding.
    pub fn from_space<E: Real>(
        psi: ArrayView3<'_, Complex<E>>,
        phi: ArrayView2<'_, E>,
        wavelets: &[Wavelet2d],
    ) -> Result<Self> {
        let grid = common_grid(["psi", "phi"], psi.shape(), phi.shape(), wavelets)?;
        let negligible = (T::NEGLIGIBLE / 2.0).max(E::epsilon().widen());
        let bands = parallel::map(wavelets.len(), |lambda| {
            let values = psi.index_axis(Axis(0), lambda);
            let values = values.mapv(|value| Complex::new(value.re.widen(), value.im.widen()));
            let hat = real_transform("psi", Some(lambda), values, rounding::<E>())?;
            band(grid, "psi", lambda, &hat, negligible)
        });
        let phi = phi.mapv(|value| Complex::new(value.widen(), 0.0));
        let phi_hat = real_transform("phi", None, phi, rounding::<E>())?;
        Ok(Self {
            grid,
            wavelets: wavelets.into(),
            psi: bands.into_iter().collect::<Result<_>>()?,
            phi_axes: separate("phi", &phi_hat, rounding::<E>())?,
        })
    }

    /// A bank of bands on one grid, in order of the wavelets' scales.
    pub(super) fn from_bands(
        grid: Grid<2>,
        wavelets: Arc<[Wavelet2d]>,
        psi: Vec<Band<T, 2>>,
        phi_axes: [Vec<f64>; 2],
    ) -> Self {
        Self {
            grid,
            wavelets,
            psi,
            phi_axes,
        }
    }

    /// The same wavelets with a low-pass given by its factors, φ̂(ω) = f0(ω0)·f1(ω1): exact where those that an array is
    /// taken apart into are off by roundings.
    ///
    /// **Shape** `[n0]` and `[n1]`, natural DFT order.
    ///
    /// # Errors
    /// [`Error::WrongShape`] for lengths other than the grid's; [`Error::InvalidParameter`] for a factor that is not
    /// finite, not even or zero everywhere.
    pub fn low_pass_factors(mut self, factors: [Vec<f64>; 2]) -> Result<Self> {
        let lengths = factors.each_ref().map(Vec::len);
        if lengths != self.grid.shape {
            return Err(Error::WrongShape {
                what: "the low-pass",
                got: lengths.to_vec(),
                expected: format!("one factor per axis of lengths {:?}", self.grid.shape),
            });
        }
        for factor in &factors {
            check_factor("phi_hat", factor, rounding::<f64>())?;
        }
        self.phi_axes = factors;
        Ok(self)
    }

    /// ψ̂_λ. Panics if `lambda` is out of range, as indexing does.
    pub fn psi(&self, lambda: usize) -> &Band<T, 2> {
        &self.psi[lambda]
    }

    /// |φ̂(ω)|² + ½ Σ_λ (|ψ̂_λ(ω)|² + |ψ̂_λ(−ω)|²) on the level-`level` grid, natural DFT order, over the wavelets with
    /// j ≥ `level`; `None` where there are none or the level does not exist.
    pub fn littlewood_paley(&self, level: usize) -> Option<Array2<f64>> {
        let first = self
            .wavelets
            .iter()
            .position(|wavelet| wavelet.j >= level)?;
        let grid = filter_grid(self.grid, level)?;
        let phi = [0, 1].map(|axis| self.low_pass(axis, grid.shape[axis]));
        let sum = frame::littlewood_paley(level, &self.psi[first..], &phi);
        Some(dense(grid, sum))
    }
}

impl<T: Real> FilterBank<T, 2> for ArrayBank2d<T> {
    type Wavelet = Wavelet2d;

    fn grid(&self) -> Grid<2> {
        self.grid
    }

    fn wavelets(&self) -> &Arc<[Wavelet2d]> {
        &self.wavelets
    }

    fn members(&self, lambda: usize) -> &[Band<T, 2>] {
        std::slice::from_ref(&self.psi[lambda])
    }

    fn low_pass(&self, axis: usize, len: usize) -> Vec<f64> {
        low_block(&self.phi_axes[axis], len)
    }

    /// The next power of two above the largest value: for filters that peak just below 1, as built ones do, it is 1.
    fn peak(&self, lambda: usize) -> f64 {
        self.psi[lambda].largest().log2().ceil().exp2()
    }
}

/// The grid that the filters share, once their shapes and the scales of the wavelets are found to fit.
fn common_grid(
    [psi_name, phi_name]: [&'static str; 2],
    psi: &[usize],
    phi: &[usize],
    wavelets: &[Wavelet2d],
) -> Result<Grid<2>> {
    if wavelets.is_empty() || psi.contains(&0) || psi[0] != wavelets.len() {
        let count = wavelets.len().max(1);
        return Err(Error::WrongShape {
            what: psi_name,
            got: psi.to_vec(),
            expected: format!(
                "[wavelets, n0, n1] without an empty axis, and with one filter for each of the wavelets described: \
                 [{count}, n0, n1]"
            ),
        });
    }
    if phi != &psi[1..] {
        return Err(Error::WrongShape {
            what: phi_name,
            got: phi.to_vec(),
            expected: format!("{:?}, that of every wavelet", &psi[1..]),
        });
    }
    let side = phi[0].min(phi[1]);
    let mut finest = 0;
    for (lambda, &Wavelet2d { j, .. }) in wavelets.iter().enumerate() {
        let limit = if j < finest {
            format!(
                "scales must not decrease, and wavelet {lambda} comes after j = {finest}; sort filters and \
                 wavelets by j"
            )
        } else if j > side.ilog2() as usize {
            format!(
                "wavelet {lambda} would be wider than the grid, whose shorter side of {side} allows j <= {}; bring the \
                 filters on a larger grid",
                side.ilog2()
            )
        } else {
            finest = j;
            continue;
        };
        return Err(Error::InvalidParameter {
            name: "j",
            value: j.to_string(),
            limit,
        });
    }
    Ok(Grid::new([phi[0], phi[1]]))
}

/// How far from its kind a filter in this precision may be, as a share of its peak.
fn rounding<E: Real>() -> f64 {
    ROUNDINGS * E::epsilon().widen()
}

fn invalid(name: &'static str, value: String, limit: &str) -> Error {
    Error::InvalidParameter {
        name,
        value,
        limit: limit.into(),
    }
}

/// The largest modulus of a filter all of whose values are finite in precision `T`, if it has any but zeros.
fn peak<T: Real>(name: &'static str, of: &str, hat: &Array2<f64>) -> Result<f64> {
    let finite = |value: f64| T::narrow(value).is_finite();
    if let Some(((k0, k1), value)) = hat.indexed_iter().find(|(_, value)| !finite(**value)) {
        return Err(invalid(
            name,
            format!("{value} at index [{k0}, {k1}]{of}"),
            "every value is finite in the precision of the bank; replace it or use 64-bit precision",
        ));
    }
    let peak = hat
        .iter()
        .fold(0.0, |peak: f64, value| peak.max(value.abs()));
    if peak == 0.0 {
        return Err(invalid(
            name,
            format!("0 everywhere{of}"),
            "a filter of zeros keeps nothing; leave it out",
        ));
    }
    Ok(peak)
}

/// One wavelet without what is at most `negligible` of its peak.
fn band<T: Real>(
    grid: Grid<2>,
    name: &'static str,
    lambda: usize,
    hat: &Array2<f64>,
    negligible: f64,
) -> Result<Band<T, 2>> {
    let peak = peak::<T>(name, &format!(" of wavelet {lambda}"), hat)?;
    Ok(Band::from_rows(grid, negligible * peak, |across, row| {
        let column = hat.column(wrap(across[0], grid.shape[1]));
        row.iter_mut()
            .zip(column)
            .for_each(|(to, from)| *to = *from);
        true
    }))
}

/// The transfer function of a filter in space, which must be real.
fn real_transform(
    name: &'static str,
    lambda: Option<usize>,
    values: Array2<Complex<f64>>,
    tolerance: f64,
) -> Result<Array2<f64>> {
    let of = lambda.map_or(String::new(), |lambda| format!(" of wavelet {lambda}"));
    if let Some(((u0, u1), value)) = values
        .indexed_iter()
        .find(|(_, value)| !(value.re.is_finite() && value.im.is_finite()))
    {
        return Err(invalid(
            name,
            format!("{value} at index [{u0}, {u1}]{of}"),
            "every value is finite; replace it",
        ));
    }
    let hat = fft::forward(values);
    let largest = |part: fn(&Complex<f64>) -> f64| {
        hat.iter()
            .map(part)
            .fold(0.0, |largest: f64, value| largest.max(value))
    };
    let (modulus, imaginary) = (
        largest(|value| value.norm()),
        largest(|value| value.im.abs()),
    );
    if imaginary > tolerance * modulus {
        return Err(invalid(
            name,
            format!(
                "a filter{of} whose transfer function has an imaginary part of {:.1e} of its peak",
                imaginary / modulus
            ),
            "transfer functions are real, that is, a filter f has f(-u) = conj f(u) around its origin at index [0, 0]; \
             roll a centred filter by its centre, and split a filter without that symmetry into its Hermitian and \
             anti-Hermitian parts",
        ));
    }
    Ok(hat.mapv(|value| value.re))
}

/// φ̂ as a product of one factor per axis.
fn separate(name: &'static str, hat: &Array2<f64>, tolerance: f64) -> Result<[Vec<f64>; 2]> {
    let peak = peak::<f64>(name, "", hat)?;
    let Some(((p0, p1), &value)) = hat.indexed_iter().find(|(_, value)| value.abs() == peak) else {
        unreachable!("the peak is one of the values")
    };
    let factors = [
        hat.column(p1).to_vec(),
        hat.row(p0).iter().map(|other| other / value).collect(),
    ];
    let mut furthest = 0.0_f64;
    Zip::indexed(hat).for_each(|(k0, k1), value| {
        furthest = furthest.max((value - factors[0][k0] * factors[1][k1]).abs());
    });
    if furthest > tolerance * peak {
        return Err(invalid(
            name,
            format!(
                "a low-pass that differs by {:.1e} of its peak from a product of one factor per axis",
                furthest / peak
            ),
            "averages are taken axis by axis, so the low-pass is separable, as a Gaussian along the axes is; use one, or \
             its values in the precision they were computed in if only rounding is in the way",
        ));
    }
    for factor in &factors {
        check_factor(name, factor, tolerance)?;
    }
    Ok(factors)
}

/// Refuses a factor of φ̂ that is not finite, zero everywhere or not even.
fn check_factor(name: &'static str, factor: &[f64], tolerance: f64) -> Result<()> {
    if let Some(value) = factor.iter().find(|value| !value.is_finite()) {
        let limit = "every value is finite; replace it";
        return Err(invalid(name, value.to_string(), limit));
    }
    let peak = factor
        .iter()
        .fold(0.0, |peak: f64, value| peak.max(value.abs()));
    if peak == 0.0 {
        let limit = "the low-pass would average nothing; use one with values other than zero";
        return Err(invalid(name, "0 everywhere".into(), limit));
    }
    let n = factor.len();
    let odd = |k: usize| (factor[k] - factor[(n - k) % n]).abs();
    let furthest = (0..n).map(odd).fold(0.0, f64::max);
    if furthest > tolerance * peak {
        return Err(invalid(
            name,
            format!(
                "a low-pass whose values at opposite frequencies differ by {:.1e} of its peak",
                furthest / peak
            ),
            "averages are real and around the sample, so the low-pass is even along each axis; center it at index [0, 0]",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::super::morlet_2d::FilterBank2d;
    use super::*;

    type Arrays = (Array3<f64>, Array2<f64>, Vec<Wavelet2d>);

    /// ψ̂, φ̂ and wavelets of a small built bank.
    fn arrays() -> Arrays {
        let bank = FilterBank2d::params([16, 24], 2)
            .L(3)
            .build::<f64>()
            .unwrap();
        let wavelets = bank.wavelets().to_vec();
        (bank.psi_hats().unwrap(), bank.phi_hat(), wavelets)
    }

    fn refusal(change: impl FnOnce(&mut Arrays)) -> String {
        let mut arrays = arrays();
        change(&mut arrays);
        let (psi, phi, wavelets) = arrays;
        ArrayBank2d::<f32>::from_fourier(psi.view(), phi.view(), &wavelets)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused_with_the_way_out() {
        let expect = |message: String, parts: &[&str]| {
            for part in parts {
                assert!(message.contains(part), "{message}");
            }
        };
        expect(
            refusal(|(.., w)| w.truncate(5)),
            &["[6, 16, 24]", "[5, n0, n1]"],
        );
        expect(refusal(|(.., w)| w.clear()), &["[6, 16, 24]"]);
        expect(
            refusal(|(psi, ..)| *psi = Array3::zeros([6, 0, 24])),
            &["[6, 0, 24]", "empty"],
        );
        expect(
            refusal(|(_, phi, _)| *phi = Array2::ones([24, 16])),
            &["[24, 16]", "[16, 24]"],
        );
        expect(refusal(|(.., w)| w.reverse()), &["j = 0", "sort"]);
        expect(
            refusal(|(.., w)| w[5].j = 5),
            &["j = 5", "j <= 4", "larger grid"],
        );
        expect(refusal(|(.., w)| w[5].j = usize::MAX), &["j <= 4"]);
        expect(
            refusal(|(psi, ..)| psi[[4, 2, 3]] = f64::NAN),
            &["NaN", "[2, 3]", "wavelet 4"],
        );
        expect(
            refusal(|(psi, ..)| psi[[4, 2, 3]] = 1e39),
            &["wavelet 4", "64-bit"],
        );
        expect(
            refusal(|(psi, ..)| psi.index_axis_mut(Axis(0), 2).fill(0.0)),
            &["wavelet 2", "leave it out"],
        );
        expect(
            refusal(|(_, phi, _)| phi.fill(0.0)),
            &["phi_hat", "0 everywhere"],
        );
        expect(
            refusal(|(_, phi, _)| phi[[1, 1]] += 1e-6),
            &["separable", "axis by axis"],
        );
        expect(
            refusal(|(_, phi, _)| phi.row_mut(1).mapv_inplace(|value| 1.5 * value)),
            &["opposite frequencies"],
        );
    }

    #[test]
    fn factors_of_the_low_pass_are_checked() {
        let (psi, phi, wavelets) = arrays();
        let bank = ArrayBank2d::<f64>::from_fourier(psi.view(), phi.view(), &wavelets).unwrap();
        let with = |factors| bank.clone().low_pass_factors(factors);
        assert!(with([vec![1.0; 16], vec![0.5; 24]]).is_ok());
        assert!(matches!(
            with([vec![1.0; 24], vec![1.0; 16]]),
            Err(Error::WrongShape { .. })
        ));
        for value in [f64::INFINITY, 2.0] {
            let mut factor = vec![1.0; 16];
            factor[1] = value;
            assert!(with([factor, vec![1.0; 24]]).is_err(), "{value}");
        }
        assert!(with([vec![0.0; 16], vec![1.0; 24]]).is_err());
    }

    #[test]
    fn a_filter_without_symmetry_around_its_origin_is_refused() {
        let bank = FilterBank2d::params([16, 24], 1)
            .L(2)
            .build::<f64>()
            .unwrap();
        let phi = bank.phi_in_space();
        let mut psi = bank.psis_in_space().unwrap();
        let from_space = |psi: &Array3<Complex<f64>>, phi: &Array2<f64>| {
            ArrayBank2d::<f64>::from_space(psi.view(), phi.view(), bank.wavelets())
        };
        assert!(from_space(&psi, &phi).is_ok());
        psi[[1, 3, 0]] += 1e-3;
        let message = from_space(&psi, &phi).unwrap_err().to_string();
        assert!(
            message.contains("wavelet 1") && message.contains("roll"),
            "{message}"
        );
        psi[[1, 3, 0]] = Complex::new(f64::NAN, 0.0);
        let message = from_space(&psi, &phi).unwrap_err().to_string();
        assert!(message.contains("[3, 0] of wavelet 1"), "{message}");
    }

    #[test]
    fn levels_hold_the_wavelets_of_their_scales_however_many() {
        let (psi, phi, wavelets) = arrays();
        // Three orientations at j = 0, one at j = 1.
        let fewer = psi.slice(ndarray::s![..4, .., ..]);
        let bank = ArrayBank2d::<f64>::from_fourier(fewer, phi.view(), &wavelets[..4]).unwrap();
        let sum = bank.littlewood_paley(1).unwrap();
        let [psi, phi] = [bank.psi(3).to_array(1).unwrap(), {
            let axes = [bank.low_pass(0, 8), bank.low_pass(1, 12)];
            Array2::from_shape_fn([8, 12], |(i, k)| axes[0][i] * axes[1][k])
        }];
        for ((i, k), &got) in sum.indexed_iter() {
            let opposite = psi[[(8 - i) % 8, (12 - k) % 12]];
            let expected = phi[[i, k]].powi(2) + 0.5 * (psi[[i, k]].powi(2) + opposite.powi(2));
            assert!((got - expected).abs() < 1e-15);
        }
        assert!(bank.littlewood_paley(2).is_none());
    }
}
