//! Wavelets and φ in space: real and imaginary part and modulus, or phase and modulus at once.

use ndarray::Array2;

use super::super::super::panel::{self, Bar};
use super::super::super::text::{self, Align, LABEL, Style};
use super::super::super::{BLACK, canvas, color};
use super::layout::Layout;
use super::view::{Bank, pixels};
use super::words::Show;
use crate::num::Complex;
use crate::parallel;
use crate::raster::Raster;

/// Draws the panels of [`Show::Space`] or [`Show::Phase`], and their legends.
pub(super) fn space(raster: &mut Raster, layout: &Layout, bank: &Bank<'_>, show: Show) {
    for (row, range) in bank.rows.iter().enumerate() {
        let view = bank.view(row);
        let size = pixels(view, layout.panel);
        let filters = parallel::map(range.len(), |l| bank.psi_in_view(range.start + l, view));
        for (l, psi) in filters.iter().enumerate() {
            let largest = psi
                .iter()
                .map(|value| value.norm())
                .fold(0.0, f64::max)
                .max(f64::MIN_POSITIVE);
            let part = |of: fn(&Complex<f64>) -> f64| resized(&psi.map(|v| of(v) / largest), size);
            let [re, im] = [part(|v| v.re), part(|v| v.im)];
            if show == Show::Phase {
                let values = Array2::from_shape_fn(size, |at| Complex::new(re[at], im[at]));
                layout.place(raster, layout.cell(row, l, 0), &values, |&v| {
                    color::complex(v)
                });
            } else {
                layout.place(raster, layout.cell(row, l, 0), &re, |&v| color::signed(v));
                layout.place(raster, layout.cell(row, l, 1), &im, |&v| color::signed(v));
                layout.place(raster, layout.cell(row, l, 2), &part(|v| v.norm()), |&v| {
                    color::magnitude(v)
                });
            }
        }
    }

    let view = bank.view(bank.rows.len());
    let phi = bank.phi_in_view(view);
    let size = pixels(view, layout.panel);
    let corner = layout.phi_cell();
    if show == Show::Phase {
        layout.place(raster, corner, &resized(&phi, size), |&v| {
            color::complex(Complex::new(v, 0.0))
        });
        wheel(raster, [corner[0] + layout.panel + 90, corner[1]]);
        return;
    }
    layout.place(raster, corner, &resized(&phi, size), |&v| {
        color::magnitude(v)
    });
    let x = corner[0] + layout.panel + 40;
    let text_at = |x: usize| [x as f64, (corner[1] + 2) as f64];
    let labels = |low: &str| {
        vec![
            (if low == "0" { 0.0 } else { -1.0 }, low.to_string()),
            (1.0, "m".to_string()),
        ]
    };
    let mut signed = Bar {
        low: -1.0,
        high: 1.0,
        length: 160,
        labels: labels("−m"),
    };
    signed.labels.push((0.0, "0".to_string()));
    text::draw(
        raster,
        text_at(x),
        Style::new(LABEL, BLACK),
        "real, imaginary part",
    );
    signed.draw_across(raster, [x, corner[1] + 22], color::signed);
    let x = x + 210;
    text::draw(raster, text_at(x), Style::new(LABEL, BLACK), "modulus, φ");
    let modulus = Bar {
        low: 0.0,
        high: 1.0,
        length: 160,
        labels: labels("0"),
    };
    modulus.draw_across(raster, [x, corner[1] + 22], color::magnitude);
}

/// A whole array, not periodic, at another size.
fn resized(array: &Array2<f64>, size: [usize; 2]) -> Array2<f64> {
    let (rows, columns) = array.dim();
    panel::resample(array, [rows, columns].map(|n| [-0.5, n as f64 - 0.5]), size)
}

/// The legend of complex values: a disk of radius 1 in the complex plane, its imaginary axis upwards.
fn wheel(raster: &mut Raster, [x, y]: [usize; 2]) {
    const RADIUS: f64 = 44.0;
    let center = [x as f64 + RADIUS, y as f64 + RADIUS + 18.0];
    let reach = RADIUS as i64 + 1;
    for row in -reach..=reach {
        for column in -reach..=reach {
            let value = Complex::new(column as f64, -row as f64) / RADIUS;
            let cover = (RADIUS + 0.5 - RADIUS * value.norm()).clamp(0.0, 1.0);
            let (px, py) = (center[0] as i64 + column, center[1] as i64 + row);
            canvas::blend(raster, px, py, color::complex(value), cover);
        }
    }
    let style = Style::new(LABEL, BLACK);
    let beside = RADIUS + 8.0;
    for (dx, dy, along, across, label) in [
        (beside, 0.0, Align::Start, Align::Middle, "0"),
        (-beside, 0.0, Align::End, Align::Middle, "±π"),
        (0.0, -beside, Align::Middle, Align::End, "π/2"),
        (0.0, beside, Align::Middle, Align::Start, "−π/2"),
    ] {
        let at = [center[0] + dx + 0.5, center[1] + dy + 0.5];
        text::draw(raster, at, style.align(along, across), label);
    }
    let lines = [
        "hue: phase of ψ",
        "lightness: |ψ| / max |ψ|,",
        "0 at the centre, 1 at the rim",
    ];
    for (i, line) in lines.iter().enumerate() {
        let at = [
            center[0] + RADIUS + 48.0,
            center[1] + (i as f64 - 1.0) * text::line_height(LABEL) as f64,
        ];
        text::draw(raster, at, style.align(Align::Start, Align::Middle), line);
    }
}
