//! How evenly a bank covers the frequency plane: its Littlewood-Paley sum over the plane and along its radius.
//!
//! Comes in: a bank and a title. Goes out: a [`Raster`] with the sum as an image, its frame bounds, and its least,
//! mean and largest value over all directions.

use ndarray::Array2;

use super::super::axis::{number, range};
use super::super::panel::{self, Bar};
use super::super::text::{self, HEADING, Style};
use super::super::{BLACK, FRAME, canvas, chart, color, page};
use super::frequency_plane;
use super::sheet::{Head, MARGIN};
use crate::Result;
use crate::filters::WaveletList2d;
use crate::grid::{signed_frequencies, wrap};
use crate::raster::Raster;

/// Side of the image of the sum.
const PLANE: usize = 400;

/// The sum over the plane, and beside it the sum along the radius.
pub(super) fn coverage(list: &WaveletList2d, title: &str) -> Result<Raster> {
    // The same sum at as many frequencies as there are pixels.
    let shape = list.shape.map(|n| n.min(PLANE));
    let (sum, bounds) = list.clone().shape(shape).littlewood_paley();
    let (bounds, from) = match shape == list.shape {
        true => (bounds, String::new()),
        false => {
            let sampled = list.sampled_frame_bounds()?;
            let (samples, frequencies) = (sampled.samples, sampled.frequencies);
            (
                sampled.bounds,
                format!(", at {samples} of {frequencies} frequencies, densest around 0"),
            )
        }
    };
    let chart_size = [620, PLANE + 76];
    let width = MARGIN + 76 + PLANE + 90 + chart_size[0] + MARGIN;
    let normalization = match list.is_contractive() {
        false => "plain",
        true => "contractive",
    };
    let bound = |value: f64| {
        if value >= 1e-3 {
            format!("{value:.4}")
        } else {
            number(value)
        }
    };
    let caption = format!(
        "LP(ω) = |φ̂(ω)|² + ½ Σ (|ψ̂(ω)|² + |ψ̂(−ω)|²), {normalization} normalization, slant {}. Axis 0 runs down, axis 1 \
         to the right. Right: least, mean and largest value over all directions; beyond 0.5 only the corners of the \
         plane are left.",
        range(list.wavelets.iter().map(|wavelet| wavelet.slant))
    );
    let head = Head::new(title, &caption, width);
    let bounds_at = head.height() - 6;
    let top = bounds_at + 40;
    let mut raster = page(width, top + PLANE + 60 + MARGIN)?;
    head.draw(&mut raster);
    let line = format!(
        "Frame bounds: A = {}, B = {}{from}",
        bound(bounds.lower),
        bound(bounds.upper)
    );
    text::draw(
        &mut raster,
        [MARGIN as f64, bounds_at as f64],
        Style::new(HEADING, BLACK),
        &line,
    );

    let corner = [MARGIN + 76, top];
    let largest = bounds.upper.max(f64::MIN_POSITIVE);
    let image = panel::resample(&sum, shape.map(panel::whole_period), [PLANE, PLANE]);
    panel::image(&mut raster, corner, &image, |&value| {
        color::magnitude(value / largest)
    });
    canvas::frame(&mut raster, corner[0], corner[1], PLANE, PLANE, FRAME);
    frequency_plane::axes(&mut raster, corner, PLANE);
    let bar = Bar::from_zero(largest, PLANE);
    bar.draw_upright(&mut raster, [corner[0] + PLANE + 16, top], |value| {
        color::magnitude(value / largest)
    });

    let series = radial_profile(&sum);
    let profile = chart::sized(
        chart_size,
        "",
        ["|ω| (cycles per pixel)", "LP(ω)"],
        &series,
        [chart::Scale::Linear; 2],
        &[],
    )?;
    canvas::paste(&mut raster, corner[0] + PLANE + 90, top - 16, &profile);
    Ok(raster)
}

/// Largest, mean and least value over all frequencies of about the same modulus.
fn radial_profile(sum: &Array2<f64>) -> Vec<(String, Vec<(f64, f64)>)> {
    let shape = [sum.nrows(), sum.ncols()];
    let [k0s, k1s] = shape.map(signed_frequencies);
    let farthest = 0.5_f64.sqrt();
    // Rings about as thick as the finer spacing of the grid, so that few are empty and ω = 0 stands alone.
    let rings = ((farthest * shape[0].max(shape[1]) as f64).ceil() as usize).clamp(1, 100);
    let mut found = vec![(0_usize, 0.0, 0.0, f64::INFINITY, 0.0_f64); rings];
    for k0 in k0s {
        for k1 in k1s.clone() {
            let radius = (k0 as f64 / shape[0] as f64).hypot(k1 as f64 / shape[1] as f64);
            let value = sum[[wrap(k0, shape[0]), wrap(k1, shape[1])]];
            let ring = &mut found[((radius / farthest * rings as f64) as usize).min(rings - 1)];
            *ring = (
                ring.0 + 1,
                ring.1 + radius,
                ring.2 + value,
                ring.3.min(value),
                ring.4.max(value),
            );
        }
    }
    type Pick = fn(&(usize, f64, f64, f64, f64)) -> f64;
    let picks: [(&str, Pick); 3] = [
        ("largest", |r| r.4),
        ("mean", |r| r.2 / r.0 as f64),
        ("least", |r| r.3),
    ];
    let rings = || found.iter().filter(|ring| ring.0 > 0);
    picks
        .map(|(name, pick)| {
            (
                name.to_string(),
                rings().map(|r| (r.1 / r.0 as f64, pick(r))).collect(),
            )
        })
        .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::FilterBank2d;

    #[test]
    fn radial_profiles_hold_every_frequency() {
        let bank = FilterBank2d::params([33, 48], 3)
            .L(4)
            .build::<f64>()
            .unwrap();
        let sum = bank.littlewood_paley(0).unwrap();
        let profile = radial_profile(&sum);
        let bounds = bank.frame_bounds();
        let all = |i: usize| profile[i].1.iter().map(|p| p.1);
        assert_eq!(all(0).fold(0.0, f64::max), bounds.upper);
        assert_eq!(all(2).fold(f64::INFINITY, f64::min), bounds.lower);
        for i in 0..profile[0].1.len() {
            let [largest, mean, least] = [0, 1, 2].map(|k| profile[k].1[i].1);
            assert!(largest >= mean - 1e-12 && mean >= least - 1e-12);
        }
        assert_eq!(profile[0].1[0], (0.0, sum[[0, 0]]));
    }
}
