//! [`Scattering2dOutline`]: a transform of images in numbers, before anything is built.
//!
//! Paths are counted by C(J, m)·L^m, sizes follow from the padding, what a workspace takes is asked of the layer before it
//! has filters, and what filters take is counted along the rows of their ellipses. No table of paths, no array as large as an image.

use std::sync::Arc;

use super::engine::{Sketch, Sketched};
use super::params::Scattering2dParams;
use crate::Isa;
use crate::filters::outline::{Bumps, merge};
use crate::filters::{SampledFrameBounds, Wavelet2d, low_block};
use crate::grid::signed_frequencies;
use crate::kernels::product::Piece;
use crate::kernels::vector::MAX_LANES;
use crate::num::Real;
use crate::scattering::design::lambdas_of_layers;
use crate::scattering::keep::Average;
use crate::scattering::path::{Path, count_by_order};
use crate::{Result, memory, parallel};

/// A transform of images in numbers: what [`Scattering2dParams::outline`] finds without building it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scattering2dOutline {
    /// The instruction set that would be used.
    pub isa: Isa,
    /// What would be left out of the filters; see [`Scattering::tolerance`](crate::scattering::Scattering::tolerance).
    pub tolerance: f64,
    /// Rows and columns after padding.
    pub padded_shape: [usize; 2],
    /// Number of paths of each order, 0 first.
    pub paths_by_order: Vec<u64>,
    /// Rows and columns of a path's output; `None` for a global mean, and without averages, where paths differ.
    pub path_shape: Option<[usize; 2]>,
    /// Numbers in the features of one image.
    pub features_len: u64,
    /// Every wavelet in numbers, in order of λ.
    pub wavelets: Arc<[Wavelet2d]>,
    /// About how many bytes the filters would take, and the same again as the vectors want them; within a few per cent.
    pub filter_bytes: u64,
    /// Bytes of scratch for one thread with images to itself.
    pub workspace_bytes: u64,
    /// Bytes of the table of paths, about.
    pub path_bytes: u64,
}

impl Scattering2dOutline {
    /// Number of paths.
    pub fn paths(&self) -> u64 {
        saturating_sum(self.paths_by_order.iter().copied())
    }
}

fn saturating_sum(numbers: impl Iterator<Item = u64>) -> u64 {
    numbers.fold(0, u64::saturating_add)
}

impl Scattering2dParams {
    /// The transform in numbers without building it: paths, sizes and memory, for images and scales of any size in a
    /// fraction of a second.
    ///
    /// # Errors
    /// As [`plan`](Self::plan), but for memory: whether there is enough is for the caller to judge.
    ///
    /// ```
    /// use wavelet_scattering::Scattering2d;
    ///
    /// let params = Scattering2d::params([2048, 2048], 8).L(8);
    /// let outline = params.outline::<f32>()?;
    /// assert_eq!(outline.paths(), 1 + 8 * 8 + 28 * 64);
    /// assert_eq!(outline.path_shape, Some([8, 8]));
    /// assert!(outline.filter_bytes > 100 << 20);
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn outline<T: Real>(&self) -> Result<Scattering2dOutline> {
        self.check()?;
        let isa = match self.isa {
            Some(isa) => isa.require()?,
            None => Isa::best(),
        };
        let axes = self.axes()?;
        let padded_shape = axes.each_ref().map(|axis| axis.padded);
        let bank = self.bank(padded_shape);
        bank.check()?;
        let wavelets: Arc<[Wavelet2d]> = bank.wavelets().into();

        // Order 1 is all that sizes depend on: from there on a path goes on with every coarser wavelet.
        let short = Self {
            max_order: self.max_order.min(1),
            ..self.clone()
        };
        let max_order = self.max_order.min(self.J);
        let phi = bank.phi_axes();
        let low_pass = |axis: usize, len| low_block(&phi[axis], len);
        let expected = 1 + wavelets.len() as u64;
        let layers = lambdas_of_layers([wavelets.len()].into_iter(), &short.bank_of_layer(1));
        let design = short.design::<T>(axes, Arc::clone(&wavelets), layers, expected, low_pass)?;
        let sketched = Sketch {
            isa,
            design: &design,
            finest: (0..max_order).map(|j| self.level(j)).collect(),
            paths: if max_order > 0 {
                self.L.min(MAX_LANES)
            } else {
                0
            },
        }
        .run::<T>();

        let paths_by_order = self.paths_by_order();
        let paths = saturating_sum(paths_by_order.iter().copied());
        let path_shape = (self.average == Average::Local)
            .then(|| design.outputs.each_ref().map(ExactSizeIterator::len));
        let features_len = match (self.average, path_shape) {
            (Average::None, _) => {
                let samples = |level| {
                    let axes = design.axes.iter().map(|axis| axis.on_image(level).len());
                    memory::count(&axes.collect::<Vec<_>>())
                };
                let of_scale = |j: usize| {
                    // Paths that end at scale j: any path of finer scales, and one of the wavelets of j.
                    let before = count_by_order(j, self.L, max_order.saturating_sub(1));
                    let paths = saturating_sum(before.into_iter()).saturating_mul(self.L as u64);
                    let paths = if max_order > 0 { paths } else { 0 };
                    paths.saturating_mul(samples(self.level(j)))
                };
                samples(0).saturating_add(saturating_sum((0..self.J).map(of_scale)))
            }
            (_, shape) => paths.saturating_mul(shape.map_or(1, |shape| memory::count(&shape))),
        };
        let vectors = self.vector_bytes::<T>(&wavelets, padded_shape, max_order, &sketched);
        Ok(Scattering2dOutline {
            isa,
            tolerance: design.tolerance,
            padded_shape,
            paths_by_order,
            path_shape,
            features_len,
            filter_bytes: bank.counted_bytes::<T>().saturating_add(vectors),
            workspace_bytes: sketched.footprint.bytes(),
            path_bytes: memory::bytes_of::<Path>(paths),
            wavelets,
        })
    }

    /// The frame bounds of the bank of a padded image, from some of its frequencies; see
    /// [`FilterBank2dParams::sampled_frame_bounds`](crate::filters::FilterBank2dParams::sampled_frame_bounds).
    ///
    /// # Errors
    /// As [`outline`](Self::outline).
    pub fn sampled_frame_bounds(&self) -> Result<SampledFrameBounds> {
        self.bank(self.padded_shape()?).sampled_frame_bounds()
    }

    /// About how many bytes the filters take as the vectors want them: those of order 1 side by side, a group at a time, and
    /// every other once for each level that it meets.
    fn vector_bytes<T: Real>(
        &self,
        wavelets: &[Wavelet2d],
        shape: [usize; 2],
        max_order: usize,
        sketched: &Sketched,
    ) -> u64 {
        let Sketched { slots, parts, .. } = *sketched;
        let threshold = self.tolerance.unwrap_or(T::TOLERANCE).max(T::NEGLIGIBLE);
        let bytes = |lambdas: &[Wavelet2d], from: usize, lanes: usize| {
            let bumps: Vec<_> = lambdas
                .iter()
                .map(|wavelet| Bumps::new(wavelet, self.mother.family))
                .collect();
            let [kept0, kept1] = shape.map(|n| signed_frequencies(n >> from));
            let to = shape.map(|n| n >> self.level(lambdas[0].j));
            let (mut row, mut union) = (Vec::new(), Vec::new());
            let (mut entries, mut pieces) = (0, to[1] / parts);
            for k1 in kept1.clone().step_by(parts) {
                union.clear();
                for k1 in k1..(k1 + parts as i64).min(kept1.end) {
                    for bumps in &bumps {
                        bumps.above(threshold, k1, shape, &kept0, &mut row);
                        union.append(&mut row);
                    }
                }
                merge(&mut union);
                for interval in &union {
                    let len = (interval.end - interval.start) as usize;
                    entries += len;
                    pieces += 1 + len.div_ceil(to[0]);
                }
            }
            (entries * lanes * size_of::<T>() + pieces * size_of::<Piece>()) as u64
        };
        if max_order == 0 {
            return 0;
        }
        let mut groups: Vec<(&[Wavelet2d], usize, usize)> = Vec::new();
        for scale in wavelets.chunks(self.L) {
            groups.extend(scale.chunks(slots).map(|group| (group, 0, parts * slots)));
            let before = 0..scale[0].j;
            let mut from: Vec<_> = before.map(|j| self.level(j)).collect();
            from.dedup();
            let from = from.into_iter().filter(|_| max_order > 1);
            groups.extend(from.flat_map(|from| scale.chunks(1).map(move |one| (one, from, parts))));
        }
        let bytes = parallel::map(groups.len(), |i| {
            let (group, from, lanes) = groups[i];
            bytes(group, from, lanes)
        });
        saturating_sum(bytes.into_iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scattering2d;
    use crate::signal::Padding;

    fn is_the_plan<T: Real>(params: Scattering2dParams) {
        let (outline, plan) = (params.outline::<T>().unwrap(), params.plan::<T>().unwrap());
        assert_eq!(outline.padded_shape, plan.padded_shape(), "{params:?}");
        assert_eq!(outline.paths(), plan.paths().len() as u64, "{params:?}");
        assert_eq!(
            outline.features_len,
            plan.features_len() as u64,
            "{params:?}"
        );
        assert_eq!(
            outline.workspace_bytes,
            plan.workspace_bytes(1),
            "{params:?}"
        );
        assert_eq!(
            (outline.isa, outline.tolerance),
            (plan.isa(), plan.tolerance())
        );
        assert_eq!(outline.wavelets[..], plan.paths().wavelets()[..]);
        if let Some(shape) = outline.path_shape {
            assert_eq!(shape, plan.path_shape(0));
        }
        let ratio = outline.filter_bytes as f64 / plan.bytes() as f64;
        assert!(
            (ratio - 1.0).abs() < 0.1,
            "filters {ratio} of {}: {params:?}",
            plan.bytes()
        );
    }

    #[test]
    fn an_outline_says_what_the_plan_is() {
        for isa in Isa::available() {
            for average in [Average::Local, Average::Global, Average::None] {
                let params = |shape, J| Scattering2d::params(shape, J).average(average).isa(isa);
                is_the_plan::<f32>(params([96, 130], 3).L(8));
                is_the_plan::<f32>(params([64, 64], 4).L(3).max_order(3).oversampling(1));
                is_the_plan::<f64>(params([80, 64], 2).L(5).max_order(1).padding(Padding::Zero));
                is_the_plan::<f64>(
                    params([64, 128], 5)
                        .L(2)
                        .max_order(7)
                        .padding(Padding::Periodic),
                );
                is_the_plan::<f32>(params([40, 32], 2).L(17).max_order(0));
                is_the_plan::<f32>(params([60, 90], 2).L(20).oversampling(2));
            }
        }
    }

    #[test]
    fn an_outline_of_what_no_machine_holds_is_made_at_once() {
        let params = Scattering2d::params([4096, 4096], 12).L(100).max_order(9);
        let outline = params.outline::<f32>().unwrap();
        assert!(
            outline.filter_bytes > 1 << 36 && outline.path_bytes > 1 << 60,
            "{outline:?}"
        );
    }
}
