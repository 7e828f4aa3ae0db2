//! [`moved`]: wavelets in the frequency plane before and after they learned.
//!
//! Comes in: the wavelets of every layer, twice. Goes out: a panel a layer. Each wavelet is the ellipse on which its Gabor has fallen to
//! exp(−1/2), that is a standard deviation: sigma along its wave vector, sigma·slant across; grey as it started, in the colour of its
//! scale as it is, and a dot at its wave vector.
//!
//! Conventions that bite: ω₀ runs down, ω₁ to the right. Parts beyond half a cycle per pixel, which alias, are cut off.

use std::f64::consts::TAU;

use super::super::text::{self, Align, HEADING, Style};
use super::super::{BLACK, FRAME, canvas, color};
use super::frequency_plane::{self, LARGE};
use super::sheet::{MARGIN, headed};
use crate::filters::Wavelet2d;
use crate::raster::Raster;
use crate::{Error, Result};

/// Side of a panel, and what is beside and below it for numbers and names.
const SIDE: usize = LARGE + 60;
const LEFT: usize = 76;
const BELOW: usize = 56;

/// Lines of an ellipse.
const STEPS: usize = 96;

/// What wavelets looked like when they started.
const START: [u8; 3] = [190; 3];

/// Where wavelets went, layer by layer.
///
/// # Errors
/// [`Error::WrongShape`] if `start` and `end` do not have as many layers, at least one; [`Error::InvalidParameter`] for so many that no
/// picture holds them.
///
/// ```
/// use wavelet_scattering::filters::FilterBank2d;
/// use wavelet_scattering::viz::wavelets::moved;
///
/// let start = FilterBank2d::params([32, 32], 2).L(4).build::<f32>()?.wavelets().to_vec();
/// let end = start.iter().map(|psi| psi.xi(0.9 * psi.xi)).collect();
/// let picture = moved("Lower than before", &[start], &[end])?;
/// assert!(picture.width() > 400);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn moved(title: &str, start: &[Vec<Wavelet2d>], end: &[Vec<Wavelet2d>]) -> Result<Raster> {
    if start.is_empty() || start.len() != end.len() {
        return Err(Error::WrongShape {
            what: "the layers of wavelets",
            got: vec![start.len(), end.len()],
            expected: "as many at the start as at the end, at least one".into(),
        });
    }
    let step = LEFT + SIDE + MARGIN;
    let heading = text::line_height(HEADING) + 6;
    let (mut raster, top) = headed(
        MARGIN + start.len().saturating_mul(step),
        heading + SIDE + BELOW,
        title,
        "Every wavelet at one standard deviation in frequency: grey at the start, coloured by scale as learned; dots are wave vectors.",
    )?;
    let scales = |layers: &[Vec<Wavelet2d>]| layers.iter().flatten().map(|psi| psi.j + 1).max();
    let scales = scales(start).max(scales(end)).unwrap_or(1);
    for (layer, (start, end)) in start.iter().zip(end).enumerate() {
        let [x, y] = [MARGIN + layer * step + LEFT, top + heading];
        let style = Style::new(HEADING, BLACK).align(Align::Start, Align::Start);
        let name = format!("Layer {}", layer + 1);
        text::draw(&mut raster, [x as f64, top as f64], style, &name);
        canvas::frame(&mut raster, x, y, SIDE, SIDE, FRAME);
        frequency_plane::axes(&mut raster, [x, y], SIDE);
        for psi in start {
            draw(&mut raster, [x, y], psi, 1.5, START);
        }
        for psi in end {
            draw(&mut raster, [x, y], psi, 1.5, color::item(psi.j, scales));
        }
    }
    Ok(raster)
}

/// An ellipse and its centre in a panel.
fn draw(raster: &mut Raster, [x, y]: [usize; 2], psi: &Wavelet2d, width: f64, ink: [u8; 3]) {
    let numbers = [psi.direction, psi.xi, psi.sigma, psi.slant];
    if !numbers.iter().all(|number| number.is_finite()) {
        return;
    }
    let [left, top, side] = [x as f64, y as f64, SIDE as f64];
    let clip = [left, top, left + side, top + side];
    let (sin, cos) = psi.direction.sin_cos();
    let at = |along: f64, across: f64| {
        let along = psi.xi + psi.sigma * along;
        let across = psi.sigma * psi.slant * across;
        let omega = [along * cos - across * sin, along * sin + across * cos];
        [
            left + (omega[1] + 0.5) * side,
            top + (omega[0] + 0.5) * side,
        ]
    };
    let ellipse: Vec<_> = (0..=STEPS)
        .map(|i| {
            let (sin, cos) = (TAU * i as f64 / STEPS as f64).sin_cos();
            at(cos, sin)
        })
        .collect();
    canvas::stroke(raster, &ellipse, width, ink, clip);
    canvas::stroke(raster, &[at(0.0, 0.0)], 6.0, ink, clip);
}
