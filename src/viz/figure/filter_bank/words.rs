//! What a sheet shows, and what it says about it.

use super::super::super::axis::{decimals, number, range};
use super::view::{Bank, IN_FREQUENCY};
use crate::filters::{Family, Wavelet2d};

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
pub(super) fn title(bank: &Bank<'_>, show: Show) -> String {
    let [n0, n1] = bank.list.shape;
    let family = match bank.list.family {
        Family::Morlet => "Morlet",
        Family::Gabor => "Gabor",
    };
    let what = match show {
        Show::Space => "wavelets in space",
        Show::Fourier => "wavelets in frequency",
        Show::Phase => "wavelets in space, phase and modulus",
        Show::LittlewoodPaley => "bank: Littlewood-Paley sum",
    };
    let count = match (bank.is_regular, bank.list.wavelets.len()) {
        (true, _) => format!("L = {}", bank.columns()),
        (false, count) => format!("{count} wavelets"),
    };
    format!(
        "{family} {what}: grid {n0} × {n1}, J = {}, {count}",
        bank.list.J
    )
}

/// How to read the panels.
pub(super) fn caption(bank: &Bank<'_>, show: Show) -> String {
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
    if show == Show::Fourier && bank.list.shape.iter().any(|&n| n > IN_FREQUENCY) {
        caption.push_str(&format!(
            " They are drawn at up to {IN_FREQUENCY} frequencies an axis, too few for the coarsest."
        ));
    }
    caption.push_str(" ξ and σ are in cycles per pixel; the width is 1/(2πσ).");
    if !bank.is_regular {
        return caption;
    }
    let mut turned = bank.row(0).iter().filter(|wavelet| is_turned(wavelet));
    match (turned.next(), bank.columns() - 1) {
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

/// What stands beside a row, or beside φ, which comes after the last.
pub(super) fn row_label(bank: &Bank<'_>, show: Show, row: usize) -> Vec<String> {
    let wavelets = bank.row(row);
    let of = |value: fn(&Wavelet2d) -> f64| range(wavelets.iter().map(value));
    let mut lines = match wavelets {
        [] => vec![
            format!("φ, J = {}", bank.list.J),
            format!("σ = {}", number(bank.list.sigma_phi)),
        ],
        [first, ..] => vec![
            format!("j = {}", first.j),
            format!("ξ = {}", of(|w| w.xi)),
            format!("σ = {}", of(|w| w.sigma)),
        ],
    };
    lines.push(format!("width {} px", range(bank.spatial(row))));
    let slanted = |wavelet: &Wavelet2d| (wavelet.slant - 1.0).abs() > 1e-9;
    if wavelets.iter().any(slanted) {
        lines.push(format!("slant {}", of(|w| w.slant)));
    }
    if show != Show::Fourier {
        let [rows, columns] = bank.view(row).map(|[from, to]| to - from);
        lines.push(format!("view {rows} × {columns} px"));
    }
    lines
}

/// What stands above a panel of a bank whose rows differ: where the wave vector points, and how far.
pub(super) fn panel_label(wavelet: &Wavelet2d) -> [String; 2] {
    let degrees = decimals(wavelet.direction.to_degrees(), 1);
    [
        format!("θ = {degrees}°"),
        format!("ξ = {}", number(wavelet.xi)),
    ]
}
