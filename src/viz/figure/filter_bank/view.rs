//! The part of space in which the filters of a row are shown.

use super::super::super::panel::Span;
use crate::filters::FilterBank2d;
use crate::grid::signed_frequencies;
use crate::num::Real;

/// Half-width of a view in space, in standard deviations of the wider axis of the envelope: 4 % of the peak is left.
const VIEW: f64 = 2.5;

/// Standard deviation of a filter in space along its wave vector, in pixels: of scale `row`, or φ where `row` is J.
pub(super) fn spatial<T: Real>(bank: &FilterBank2d<T>, row: usize) -> f64 {
    match bank.wavelets().get(row * bank.L()) {
        Some(wavelet) => wavelet.sigma_space(),
        None => 1.0 / (2.0 * std::f64::consts::PI * bank.sigma_phi()),
    }
}

/// The part of space that shows the filters of scale `row`, or φ where `row` is J.
pub(super) fn view<T: Real>(bank: &FilterBank2d<T>, row: usize) -> [Span; 2] {
    let slant = bank
        .wavelets()
        .get(row * bank.L())
        .map_or(1.0, |wavelet| wavelet.slant);
    let width = spatial(bank, row) * slant.recip().max(1.0);
    let reach = (VIEW * width).ceil();
    bank.grid().shape.map(|n| {
        if 2.0 * reach + 1.0 < n as f64 {
            return [-reach - 0.5, reach + 0.5];
        }
        let all = signed_frequencies(n);
        [all.start as f64 - 0.5, all.end as f64 - 0.5]
    })
}

/// Rows and columns of pixels for a view, its longer side filling a panel.
pub(super) fn pixels(spans: [Span; 2], panel: usize) -> [usize; 2] {
    let lengths = spans.map(|[from, to]| to - from);
    let longest = lengths[0].max(lengths[1]);
    lengths.map(|length| ((length / longest * panel as f64).round() as usize).max(1))
}
