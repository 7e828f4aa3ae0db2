//! The part of space in which the filters of a row are shown.

use super::super::super::panel::Span;
use crate::filters::FilterBank2d;
use crate::grid::signed_frequencies;
use crate::num::Real;

/// Half-width of a view in space, in standard deviations of the wider axis of the envelope: 4 % of the peak is left.
const VIEW: f64 = 2.5;

/// Standard deviation of φ̂ in cycles per pixel.
pub(super) fn sigma_phi<T: Real>(bank: &FilterBank2d<T>) -> f64 {
    bank.description().mother.sigma_phi / ((bank.J() - 1) as f64).exp2()
}

/// Standard deviation in space, in pixels, of one in frequency.
pub(super) fn spatial(sigma: f64) -> f64 {
    1.0 / (2.0 * std::f64::consts::PI * sigma)
}

/// The part of space that shows the filters of scale `row`, or φ where `row` is J.
pub(super) fn view<T: Real>(bank: &FilterBank2d<T>, row: usize) -> [Span; 2] {
    let width = match bank.wavelets().get(row * bank.L()) {
        Some(wavelet) => spatial(wavelet.sigma) * wavelet.slant.recip().max(1.0),
        None => spatial(sigma_phi(bank)),
    };
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
