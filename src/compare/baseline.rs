//! Filters to compare learned ones with: random, principal components, Fourier. What of "like a wavelet" any filter
//! of that size would show.
//!
//! Comes in: a shape, a seed, images. Goes out: kernels of that shape, for [`gabor_fit`](super::gabor_fit) and
//! [`nearest`](super::nearest).
//!
//! - [`random`]: independent normal samples, the filters of a network before its training. A Gabor has eight
//!   parameters, so it explains about 8/n of the energy of n such samples by being there, and more by being fitted;
//! - [`with_other_phases`]: the spectrum of given filters, phases by chance: what of a filter is in its spectrum alone;
//! - [`principal`]: eigenvectors of the covariance of image patches, optimal for coding them, but global waves rather
//!   than localised ones;
//! - [`fourier`]: the real Fourier basis of the kernel's samples, waves without an envelope.

use ndarray::{Array2, ArrayView2, ArrayView3, Axis, s};
use rand_distr::{Distribution, StandardNormal};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;

use crate::fft;
use crate::grid::check_finite;
use crate::learn::algebra;
use crate::num::Complex;
use crate::{Error, Result};

/// Largest number of samples of a principal component: its covariance has the square of it.
const MAX_SAMPLES: usize = 1024;

/// Patches that [`principal`] looks at, at most, and the products it forms of their samples: two seconds.
const MAX_PATCHES: usize = 100_000;
const MAX_PRODUCTS: usize = 2_000_000_000;

/// `count` kernels of independent standard normal samples; the same for the same seed on every machine.
pub fn random(count: usize, [rows, columns]: [usize; 2], seed: u64) -> Vec<Array2<f64>> {
    let mut rng = Pcg64::seed_from_u64(seed);
    (0..count)
        .map(|_| Array2::from_shape_simple_fn([rows, columns], || StandardNormal.sample(&mut rng)))
        .collect()
}

/// Kernels with the moduli of the discrete spectra of these and the phases of noise; the same for the same seed.
///
/// Each has the energy of its original and the frequencies that are in it, but no packet and no edge: where these are
/// depends on phases. A frequency that is its own mirror image keeps its sign or changes it.
///
/// **Source** Theiler et al., "Testing for nonlinearity in time series: the method of surrogate data", 1992.
pub fn with_other_phases(kernels: &[Array2<f64>], seed: u64) -> Vec<Array2<f64>> {
    let mut rng = Pcg64::seed_from_u64(seed);
    let hat = |kernel: &Array2<f64>| fft::forward(kernel.mapv(|value| Complex::new(value, 0.0)));
    let turned = |kernel: &Array2<f64>| {
        let noise = Array2::from_shape_simple_fn(kernel.dim(), || StandardNormal.sample(&mut rng));
        let mut spectrum = hat(&noise);
        // Noise is zero nowhere, and its spectrum is that of a real kernel.
        spectrum.zip_mut_with(&hat(kernel), |phase, value| {
            *phase *= value.norm() / phase.norm().max(f64::MIN_POSITIVE);
        });
        fft::inverse(spectrum).mapv(|value| value.re)
    };
    kernels.iter().map(turned).collect()
}

/// The real Fourier basis: cos and sin at every frequency of a DFT of this shape, one of each pair ±ω, without ω = 0.
///
/// They are orthogonal; with the constant there are as many as samples.
pub fn fourier([rows, columns]: [usize; 2]) -> Vec<Array2<f64>> {
    let mut filters = Vec::new();
    for k0 in 0..rows {
        for k1 in 0..columns {
            let mirror = ((rows - k0) % rows, (columns - k1) % columns);
            if (k0, k1) == (0, 0) || (k0, k1) > mirror {
                continue;
            }
            let wave = |of: fn(f64) -> f64| {
                Array2::from_shape_fn([rows, columns], |(i, k)| {
                    let turns = (k0 * i) as f64 / rows as f64 + (k1 * k) as f64 / columns as f64;
                    of(std::f64::consts::TAU * turns)
                })
            };
            filters.push(wave(f64::cos));
            if (k0, k1) != mirror {
                filters.push(wave(f64::sin));
            }
        }
    }
    filters
}

/// The first `count` principal components of patches of images `[n, rows, columns]`, the strongest first; fewer if the
/// patches span less.
///
/// Patches have the given shape and the mean over each is taken out, as first layers do with the mean of an image.
/// They stand in a regular grid, as fine as a hundred thousand of them allow, or fewer where they are large.
///
/// # Errors
/// [`Error::WrongShape`] if the images are smaller than a patch or a patch has more than 1024 samples;
/// [`Error::NotFinite`] for a NaN or an infinity.
pub fn principal(
    images: ArrayView3<f32>,
    [rows, columns]: [usize; 2],
    count: usize,
) -> Result<Vec<Array2<f64>>> {
    let (n, height, width) = images.dim();
    let samples = rows * columns;
    if n == 0 || samples == 0 || height < rows || width < columns || samples > MAX_SAMPLES {
        return Err(Error::WrongShape {
            what: "the stack of images",
            got: images.shape().to_vec(),
            expected: format!(
                "[images, rows, columns] with at least one image and one patch of {rows} x {columns}, and patches of at \
                 most {MAX_SAMPLES} samples"
            ),
        });
    }
    check_finite(&images)?;
    let [across, down] = [height - rows + 1, width - columns + 1];
    let most = (MAX_PRODUCTS / (samples * samples)).clamp(1, MAX_PATCHES);
    let stride = (1..across.max(down))
        .find(|stride| n * across.div_ceil(*stride) * down.div_ceil(*stride) <= most)
        .unwrap_or(across.max(down));

    let mut patches = Vec::new();
    for image in images.axis_iter(Axis(0)).step_by(n.div_ceil(most)) {
        for i in (0..across).step_by(stride) {
            for k in (0..down).step_by(stride) {
                let view = image.slice(s![i..i + rows, k..k + columns]);
                let mean = view.iter().map(|&v| f64::from(v)).sum::<f64>() / samples as f64;
                patches.extend(view.iter().map(|&v| f64::from(v) - mean));
            }
        }
    }
    let patches = ArrayView2::from_shape([patches.len() / samples, samples], &patches)
        .expect("patches of as many samples");
    let covariance = algebra::product_with_rows(patches.t(), patches.t());
    // Patches have no mean, so the constant has eigenvalue 0: it is nobody's filter.
    let (_, vectors) = algebra::leading_eigenvectors(&covariance, count.min(samples - 1))?;
    Ok(vectors
        .rows()
        .into_iter()
        .map(|vector| Array2::from_shape_fn([rows, columns], |(i, k)| vector[i * columns + k]))
        .collect())
}

#[cfg(test)]
mod tests {
    use ndarray::Array3;

    use super::*;

    #[test]
    fn random_filters_are_normal_and_follow_their_seed() {
        let filters = random(400, [7, 7], 1);
        let samples: Vec<f64> = filters.iter().flatten().copied().collect();
        let n = samples.len() as f64;
        let moment = |power: i32| samples.iter().map(|v| v.powi(power)).sum::<f64>() / n;
        // 19600 samples: standard errors 0.007, 0.010 and 0.07 of the moments 0, 1 and 3.
        assert!(moment(1).abs() < 0.03 && (moment(2) - 1.0).abs() < 0.04);
        assert!((moment(4) - 3.0).abs() < 0.3);
        assert_eq!(random(3, [7, 7], 1)[..], filters[..3]);
        assert_ne!(random(3, [7, 7], 2)[..], filters[..3]);
    }

    #[test]
    fn other_phases_keep_every_modulus_and_lose_the_packet() {
        // A packet in the middle of a line, and noise of the plane.
        let packet = Array2::from_shape_fn([200, 1], |(t, _)| {
            let t = t as f64 - 100.0;
            (-t * t / 200.0).exp() * (0.9 * t).cos()
        });
        let given = [vec![packet], random(2, [6, 7], 4)].concat();
        let turned = with_other_phases(&given, 1);
        for (given, turned) in given.iter().zip(&turned) {
            let modulus = |kernel: &Array2<f64>| {
                fft::forward(kernel.mapv(|value| Complex::new(value, 0.0))).mapv(|z| z.norm())
            };
            let most = modulus(given).fold(0.0, |most: f64, &value| most.max(value));
            let off = (modulus(given) - modulus(turned)).mapv(f64::abs);
            assert!(off.iter().all(|&off| off < 1e-12 * most));
        }
        // Of the packet, ±20 samples around the middle have nearly everything; of the other, about 40 of 200.
        let middle = |kernel: &Array2<f64>| {
            let square = |kernel: &Array2<f64>| kernel.mapv(|v| v * v);
            square(kernel).slice(s![80..120, ..]).sum() / square(kernel).sum()
        };
        assert!(middle(&given[0]) > 0.99 && middle(&turned[0]) < 0.6);
        assert_eq!(with_other_phases(&given, 1), turned);
    }

    #[test]
    fn the_fourier_basis_is_complete_and_orthogonal() {
        for shape in [[3, 3], [4, 6], [5, 4], [7, 7]] {
            let basis = fourier(shape);
            assert_eq!(basis.len(), shape[0] * shape[1] - 1, "{shape:?}");
            for (a, first) in basis.iter().enumerate() {
                assert!(first.sum().abs() < 1e-10);
                for second in &basis[..a] {
                    assert!((first * second).sum().abs() < 1e-10, "{shape:?}");
                }
            }
        }
    }

    #[test]
    fn principal_components_find_the_directions_of_the_patches() {
        // Waves down the rows with amplitude 3 and across them with amplitude 1, at all phases.
        let mut rng = Pcg64::seed_from_u64(7);
        let mut draw = || -> f64 { StandardNormal.sample(&mut rng) };
        let mut images = Array3::<f32>::zeros([300, 8, 8]);
        for mut image in images.axis_iter_mut(Axis(0)) {
            let [a, b, c, d] = std::array::from_fn(|_| draw());
            let turn = std::f64::consts::TAU / 8.0;
            image.indexed_iter_mut().for_each(|((i, k), value)| {
                let (u, v) = (turn * i as f64, 2.0 * turn * k as f64);
                let wave = 3.0 * (a * u.cos() + b * u.sin()) + c * v.cos() + d * v.sin();
                *value = (5.0 + wave) as f32;
            });
        }
        let components = principal(images.view(), [8, 8], 4).unwrap();
        assert_eq!(components.len(), 4);
        for (index, component) in components.iter().enumerate() {
            // The share of its energy that varies down the rows, from the means along each axis.
            let down = component.mean_axis(Axis(1)).unwrap().mapv(|v| v * v).sum() * 8.0;
            let whole = component.mapv(|v| v * v).sum();
            assert!((whole - 1.0).abs() < 1e-9);
            let expected = if index < 2 { 1.0 } else { 0.0 };
            assert!((down - expected).abs() < 0.05, "{index}: {down}");
        }
    }

    #[test]
    fn images_smaller_than_a_patch_are_refused() {
        let noise = random(90, [5, 9], 1);
        let images = Array3::from_shape_fn([90, 5, 9], |(n, i, k)| noise[n][[i, k]] as f32);
        for shape in [[6, 3], [3, 10], [0, 3]] {
            assert!(matches!(
                principal(images.view(), shape, 3),
                Err(Error::WrongShape { .. })
            ));
        }
        assert_eq!(principal(images.view(), [5, 9], 100).unwrap().len(), 44);
    }

    #[test]
    fn there_are_as_many_components_as_the_patches_span() {
        let flat = Array3::<f32>::from_elem([2, 5, 9], 3.0);
        assert!(principal(flat.view(), [5, 9], 100).unwrap().is_empty());
        // One ramp at two strengths is one direction.
        let ramps = Array3::from_shape_fn([2, 4, 4], |(n, i, _)| ((n + 1) * i) as f32);
        let found = principal(ramps.view(), [4, 4], 100).unwrap();
        assert_eq!(found.len(), 1);
        let step = found[0][[1, 0]] - found[0][[0, 0]];
        for ((i, k), value) in found[0].indexed_iter() {
            assert!(
                (value - found[0][[0, 0]] - step * i as f64).abs() < 1e-12,
                "{i} {k}"
            );
        }
    }
}
