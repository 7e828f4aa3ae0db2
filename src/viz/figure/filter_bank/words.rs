//! What a sheet shows, and what it says about it.

use super::super::super::axis::number;
use super::view::{spatial, view};
use crate::filters::{Family, FilterBank2d, Wavelet2d};
use crate::num::Real;

/// What [`sheet`](super::sheet) shows of a bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Show {
    /// Real part, imaginary part and modulus of every ψ in space, and φ.
    Space,
    /// |ψ̂| over the frequency plane, φ̂, and where every filter reaches half its height.
    Fourier,
    /// Every complex ψ in space, its phase as hue and its modulus as lightness.
    Phase,
    /// The Littlewood-Paley sum over the frequency plane and along its radius, with the frame bounds A and B.
    LittlewoodPaley,
}

/// The title of a sheet.
pub(super) fn title<T: Real>(bank: &FilterBank2d<T>, show: Show) -> String {
    let [n0, n1] = bank.grid().shape;
    let family = match bank.description().mother.family {
        Family::Morlet => "Morlet",
        Family::Gabor => "Gabor",
    };
    let what = match show {
        Show::Space => "wavelets in space",
        Show::Fourier => "wavelets in frequency",
        Show::Phase => "wavelets in space, phase and modulus",
        Show::LittlewoodPaley => "bank: Littlewood-Paley sum",
    };
    format!(
        "{family} {what}: grid {n0} × {n1}, J = {}, L = {}",
        bank.J(),
        bank.L()
    )
}

/// How to read the panels.
pub(super) fn caption<T: Real>(bank: &FilterBank2d<T>, show: Show) -> String {
    let mut caption = String::from(
        "Axis 0 runs down, axis 1 to the right; θ is the angle of the wave vector, measured from axis 0 toward axis 1. ",
    );
    caption.push_str(match show {
        Show::Space => {
            "Every view is centred on the origin and spans the pixels given on the left. Real and imaginary parts \
             share the symmetric scale −m to m, moduli run from 0 to m, with m = max |ψ| of the filter itself."
        }
        Show::Phase => {
            "Every view is centred on the origin and spans the pixels given on the left. Hue is the phase of ψ, \
             lightness its modulus over the maximum of the filter itself."
        }
        Show::Fourier => "Modulus of the transfer functions, all on one scale, over the whole frequency plane.",
        Show::LittlewoodPaley => "",
    });
    caption.push_str(" ξ and σ are in cycles per pixel; the width is 1/(2πσ).");
    let mut turned = bank.wavelets()[..bank.L()]
        .iter()
        .filter(|wavelet| is_turned(wavelet));
    match (turned.next(), bank.L() - 1) {
        (Some(&Wavelet2d { l: first, .. }), last) if show != Show::LittlewoodPaley => {
            let which = if first == last {
                format!("l = {last}")
            } else {
                format!("l = {first} to {last}")
            };
            caption.push_str(&format!(
                " θ is taken modulo 180°: for {which} the wave vector points to θ − 180°."
            ));
        }
        _ => (),
    }
    caption
}

/// Whether ψ̂ sits at θ − π.
fn is_turned(wavelet: &Wavelet2d) -> bool {
    wavelet.direction < 0.0
}

/// What stands beside the row of scale `row`, or of φ where `row` is J.
pub(super) fn row_label<T: Real>(bank: &FilterBank2d<T>, show: Show, row: usize) -> Vec<String> {
    let params = bank.description();
    let (name, sigma) = match bank.wavelets().get(row * bank.L()) {
        Some(wavelet) => (format!("j = {row}"), wavelet.sigma),
        None => (format!("φ, J = {row}"), bank.sigma_phi()),
    };
    let mut lines = vec![name];
    if let Some(wavelet) = bank.wavelets().get(row * bank.L()) {
        lines.push(format!("ξ = {}", number(wavelet.xi)));
    }
    lines.push(format!("σ = {}", number(sigma)));
    lines.push(format!("width {} px", number(spatial(bank, row))));
    if row < bank.J() && (params.slant() - 1.0).abs() > 1e-9 {
        lines.push(format!("slant {}", number(params.slant())));
    }
    if show != Show::Fourier {
        let [rows, columns] = view(bank, row).map(|[from, to]| to - from);
        lines.push(format!("view {rows} × {columns} px"));
    }
    lines
}
