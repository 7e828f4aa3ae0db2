//! Wavelets and φ in frequency: |ψ̂| over the plane, and where every filter has half its height.

use ndarray::Array2;

use super::super::super::panel::{self, BAR, Bar};
use super::super::super::text::{self, LABEL, Style};
use super::super::super::{BLACK, FRAME, GREY, canvas, color};
use super::super::frequency_plane::{self, Edge, contour};
use super::layout::{COMPOSITE, KEY, KEYS, Layout};
use super::view::{Bank, IN_FREQUENCY};
use crate::raster::Raster;

/// Draws the panels of [`Show::Fourier`](super::Show::Fourier), and their legends.
pub(super) fn fourier(raster: &mut Raster, layout: &Layout, bank: &Bank<'_>) {
    let side = layout.panel;
    let rows = bank.rows.len();
    // The same transfer functions at as many frequencies as can be seen.
    let shape = bank.list.shape.map(|n| n.min(IN_FREQUENCY));
    let list = bank.list.clone().shape(shape);
    let modulus = |lambda: usize| {
        let hat = list.band::<f64>(lambda).to_array(0);
        hat.map(|hat: Array2<f64>| hat.mapv_into(f64::abs))
    };
    let factors = list.phi_axes();
    let phi = Array2::from_shape_fn(shape, |(i, k)| (factors[0][i] * factors[1][k]).abs());
    let peak = |array: &Array2<f64>| array.iter().copied().fold(0.0, f64::max);
    let filters = || {
        let rows = bank.rows.iter().enumerate();
        rows.flat_map(|(row, range)| {
            range
                .clone()
                .enumerate()
                .map(move |(l, lambda)| (row, l, lambda))
        })
    };
    let peaks = filters().filter_map(|(.., lambda)| Some(peak(&modulus(lambda)?)));
    let largest = peaks.chain([peak(&phi)]).fold(f64::MIN_POSITIVE, f64::max);
    let color = |&value: &f64| color::magnitude(value / largest);
    let plane =
        |hat: &Array2<f64>| panel::resample(hat, shape.map(panel::whole_period), [side, side]);

    // The panel with all contours stands right of φ; a legend of the scales right of it.
    let [x, y] = layout.phi_cell();
    let composite = [x + side.max(88) + 110, y + 2];
    canvas::frame(
        raster,
        composite[0],
        composite[1],
        COMPOSITE,
        COMPOSITE,
        FRAME,
    );
    let pale = |color: [u8; 3]| color.map(|c| (255 - (255 - u16::from(c)) * 35 / 100) as u8);
    // Mirror images first, so that the filters themselves lie above them.
    for mirrored in [true, false] {
        for (row, _, lambda) in filters() {
            let Some(hat) = modulus(lambda) else { continue };
            let ink = color::item(row, rows);
            let (ink, sign) = if mirrored {
                (pale(ink), -1.0)
            } else {
                (ink, 1.0)
            };
            contour(
                raster,
                composite,
                COMPOSITE,
                &hat,
                0.5 * peak(&hat),
                sign,
                ink,
            );
        }
    }
    for (row, l, lambda) in filters() {
        if let Some(hat) = modulus(lambda) {
            layout.place(raster, layout.cell(row, l, 0), &plane(&hat), color);
        }
    }
    layout.place(raster, layout.phi_cell(), &plane(&phi), color);
    let half = 0.5 * peak(&phi);
    contour(raster, composite, COMPOSITE, &phi, half, 1.0, BLACK);

    if side >= 64 {
        let mut ticks = |corner, edges: &[Edge]| {
            frequency_plane::ticks(raster, corner, side, &[-0.5, 0.0, 0.5], edges);
        };
        for row in 0..rows {
            ticks(layout.cell(row, 0, 0), &[Edge::Left]);
        }
        for l in 0..bank.row(rows - 1).len() {
            ticks(layout.cell(rows - 1, l, 0), &[Edge::Below]);
        }
        ticks(layout.phi_cell(), &[Edge::Left, Edge::Below]);
    }
    Bar::from_zero(largest, side.max(88)).draw_across(raster, [x, y + side + 46], |v| {
        color::magnitude(v / largest)
    });
    let under = [x as f64, (y + side + 46 + BAR + 28) as f64];
    text::draw(raster, under, Style::new(LABEL, BLACK), "|ψ̂|, |φ̂|");

    frequency_plane::axes(raster, composite, COMPOSITE);
    let column = [composite[0] + COMPOSITE + 24, composite[1] + 2];
    let lines = text::line_height(LABEL);
    let intro = [
        "Half height of every",
        "filter; pale: its mirror",
        "image, which real",
        "signals excite alike.",
    ];
    for (i, line) in intro.iter().enumerate() {
        let at = [column[0] as f64, (column[1] + i * lines) as f64];
        text::draw(raster, at, Style::new(LABEL, GREY), line);
    }
    let clip = canvas::everywhere(raster);
    let names = std::iter::once(("φ".to_string(), BLACK)).chain((0..rows).map(|row| {
        let name = format!("j = {}", bank.row(row)[0].j);
        (name, color::item(row, rows))
    }));
    for (i, (name, ink)) in names.enumerate() {
        let x = (column[0] + i / KEYS * KEY) as f64;
        let y = (column[1] + (intro.len() + i % KEYS) * lines + 8) as f64;
        canvas::stroke(raster, &[[x, y + 5.5], [x + 18.0, y + 5.5]], 2.0, ink, clip);
        text::draw(raster, [x + 26.0, y], Style::new(LABEL, BLACK), &name);
    }
}
