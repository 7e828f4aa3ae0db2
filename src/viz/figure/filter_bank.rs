//! [`sheet`]: every filter of a bank on one page, or how evenly the bank covers the frequency plane.
//!
//! Comes in: a [`FilterBank2d`]. Goes out: a labelled [`Raster`] whose rows are scales j and whose columns are
//! orientations θ, in the order of the bank.
//!
//! Conventions that bite: axis 0 runs down and axis 1 to the right, as in the arrays, so θ = 0 oscillates from row to
//! row. θ is reported modulo π; a filter whose formula has a negative angle sits on the other side of the origin, and
//! the caption says which do. Filters in space are shown where they live, within ±2.5 standard deviations of
//! their envelope, and the label tells how many pixels that is; one sample is one square.

use ndarray::Array2;

use super::super::axis::{decimals, number};
use super::super::panel::{self, BAR, Bar, Span};
use super::super::text::{self, Align, HEADING, LABEL, Style, TITLE};
use super::super::{BLACK, FRAME, GREY, canvas, chart, color, fits, page};
use crate::filters::{Family, FilterBank2d, Normalization};
use crate::grid::{signed_frequencies, wrap};
use crate::num::{Complex, Real};
use crate::raster::Raster;
use crate::{Error, Result};

/// What [`sheet`] shows of a bank.
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

/// Half-width of a view in space, in standard deviations of the wider axis of the envelope: 4 % of the peak is left.
const VIEW: f64 = 2.5;

/// Sides of a panel in pixels, the largest that fits is taken.
const PANELS: [usize; 9] = [112, 88, 64, 48, 32, 24, 16, 12, 8];

const MARGIN: usize = 24;

/// Room for the legends at the foot of a sheet.
const MIN_WIDTH: usize = 760;

/// Side of the panel with all contours.
const COMPOSITE: usize = 300;

/// Entries in a column of the key to the contours, and its width.
const KEYS: usize = 11;
const KEY: usize = 75;

/// A page that shows a bank.
///
/// Panels shrink where the bank is large, from 112 pixels down to 8.
///
/// # Errors
/// [`Error::InvalidParameter`] if even the smallest panels would make a side longer than 16384 pixels.
///
/// ```
/// use wavelet_scattering::filters::FilterBank2d;
/// use wavelet_scattering::viz::filter_bank::{Show, sheet};
///
/// let bank = FilterBank2d::params([32, 32], 2).L(4).build::<f32>()?;
/// let picture = sheet(&bank, Show::Fourier)?;
/// assert!(picture.width() > 4 * 112);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn sheet<T: Real>(bank: &FilterBank2d<T>, show: Show) -> Result<Raster> {
    if show == Show::LittlewoodPaley {
        return coverage(bank);
    }
    let layout = Layout::new(bank, show)?;
    let mut raster = page(layout.width, layout.height)?;
    head(&mut raster, &layout.title, &layout.caption);
    layout.label(&mut raster, bank);
    match show {
        Show::Fourier => fourier(&mut raster, &layout, bank),
        _ => space(&mut raster, &layout, bank, show),
    }
    Ok(raster)
}

// ---------------------------------------------------------------------------------------------------- the page

/// Where everything stands on a sheet of panels.
#[derive(Debug)]
struct Layout {
    width: usize,
    height: usize,
    title: Vec<String>,
    caption: Vec<String>,
    /// Side of a panel, and the space between two.
    panel: usize,
    gap: usize,
    /// Panels of one filter, one below the other.
    stack: &'static [&'static str],
    /// Upper left corner of the first panel.
    origin: [usize; 2],
    /// From one scale to the next.
    pitch: usize,
    /// Top of the legends.
    foot: usize,
    /// Labels of the scales, then of φ.
    labels: Vec<Vec<String>>,
}

impl Layout {
    fn new<T: Real>(bank: &FilterBank2d<T>, show: Show) -> Result<Self> {
        let (J, L) = (bank.J(), bank.L());
        let labels: Vec<_> = (0..=J).map(|row| row_label(bank, show, row)).collect();
        let widest = labels
            .iter()
            .flatten()
            .map(|line| text::width(line, LABEL))
            .fold(0.0, f64::max)
            .ceil() as usize;
        let stack: &[&str] = if show == Show::Space {
            &["Re", "Im", "|ψ|"]
        } else {
            &[""]
        };
        // Names of the stack, or the numbers of the frequency axis.
        let side = match show {
            Show::Space => 34,
            Show::Fourier => 50,
            _ => 16,
        };
        let lines = labels.iter().map(Vec::len).max().unwrap_or(0);
        let label_height =
            text::line_height(HEADING) + lines.saturating_sub(1) * text::line_height(LABEL) + 10;

        let largest = if show == Show::Space { 88 } else { PANELS[0] };
        for panel in PANELS.into_iter().filter(|&panel| panel <= largest) {
            // Ticks stand below and left of panels in frequency, which needs some air.
            let gap = match panel {
                0..32 => 2,
                64.. if show == Show::Fourier => 14,
                _ => 6,
            };
            let left = MARGIN + widest + side;
            let legends = match show {
                Show::Fourier => {
                    left + panel.max(88)
                        + 110
                        + COMPOSITE
                        + 24
                        + KEY * (J + 1).div_ceil(KEYS).max(2)
                        + MARGIN
                }
                _ => MIN_WIDTH,
            };
            let width = L
                .saturating_mul(panel + gap)
                .saturating_add(left + MARGIN)
                .max(legends);
            let [title, caption] = [
                text::wrap(&title(bank, show), TITLE, (width - 2 * MARGIN) as f64),
                text::wrap(&caption(bank, show), LABEL, (width - 2 * MARGIN) as f64),
            ];
            let top = head_height(&title, &caption) + 2 * text::line_height(LABEL) + 6;
            let pitch = (stack.len() * (panel + gap)).max(label_height) + 12;
            let axis = if show == Show::Fourier { 26 } else { 0 };
            let foot = top + J * pitch + axis + 16;
            let legend = match show {
                Show::Fourier => COMPOSITE + 70,
                _ => (panel + 30).max(label_height),
            };
            let height = foot + legend.max(label_height) + MARGIN;
            if fits(width, height) {
                let origin = [left, top];
                return Ok(Self {
                    width,
                    height,
                    title,
                    caption,
                    panel,
                    gap,
                    stack,
                    origin,
                    pitch,
                    foot,
                    labels,
                });
            }
        }
        Err(Error::InvalidParameter {
            name: "L",
            value: L.to_string(),
            limit: format!(
                "{J} x {L} filters do not fit on a picture of 16384 pixels a side; show a bank with fewer"
            ),
        })
    }

    /// Upper left corner of the cell of one panel.
    fn cell(&self, j: usize, l: usize, part: usize) -> [usize; 2] {
        let step = self.panel + self.gap;
        [
            self.origin[0] + l * step,
            self.origin[1] + j * self.pitch + part * step,
        ]
    }

    /// Upper left corner of the cell of φ.
    fn phi_cell(&self) -> [usize; 2] {
        [self.origin[0], self.foot]
    }

    /// Draws the array centred in its cell, with a frame.
    fn place<V>(
        &self,
        raster: &mut Raster,
        [x, y]: [usize; 2],
        values: &Array2<V>,
        color: impl Fn(&V) -> [u8; 3],
    ) {
        let (height, width) = values.dim();
        let corner = [x + (self.panel - width) / 2, y + (self.panel - height) / 2];
        panel::image(raster, corner, values, color);
        if self.panel >= 32 {
            canvas::frame(raster, corner[0], corner[1], width, height, FRAME);
        }
    }

    /// Names of rows and columns.
    fn label<T: Real>(&self, raster: &mut Raster, bank: &FilterBank2d<T>) {
        let centered = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
        let names: Vec<String> = bank.wavelets()[..bank.L()]
            .iter()
            .map(|w| format!("θ = {}°", decimals(w.theta.to_degrees(), 1)))
            .collect();
        let widest = names
            .iter()
            .map(|name| text::width(name, LABEL))
            .fold(0.0, f64::max) as usize
            + 8;
        let every = widest.div_ceil(self.panel + self.gap);
        let lines = text::line_height(LABEL);
        for (l, name) in names.iter().enumerate().step_by(every) {
            // A label may be wider than its panel, but does not leave the page.
            let half = 0.5 * text::width(name, LABEL);
            let x = (self.cell(0, l, 0)[0] as f64 + 0.5 * self.panel as f64)
                .min((self.width - MARGIN) as f64 - half + 12.0);
            let y = self.origin[1] - 2 * lines - 2;
            text::draw(raster, [x, y as f64], centered, name);
            text::draw(
                raster,
                [x, (y + lines) as f64],
                Style {
                    color: GREY,
                    ..centered
                },
                &format!("l = {l}"),
            );
        }
        for (row, label) in self.labels.iter().enumerate() {
            let mut y = if row < bank.J() {
                self.cell(row, 0, 0)[1]
            } else {
                self.foot
            };
            for (i, line) in label.iter().enumerate() {
                let (size, color) = if i == 0 {
                    (HEADING, BLACK)
                } else {
                    (LABEL, GREY)
                };
                text::draw(
                    raster,
                    [MARGIN as f64, y as f64 + 2.0],
                    Style::new(size, color),
                    line,
                );
                y += text::line_height(size);
            }
            for (part, name) in self
                .stack
                .iter()
                .enumerate()
                .filter(|_| row < bank.J() && self.panel >= 16)
            {
                let [x, y] = self.cell(row, 0, part);
                let style = Style::new(LABEL, BLACK).align(Align::End, Align::Middle);
                text::draw(
                    raster,
                    [x as f64 - 7.0, y as f64 + 0.5 * self.panel as f64],
                    style,
                    name,
                );
            }
        }
    }
}

fn head_height(title: &[String], caption: &[String]) -> usize {
    MARGIN + title.len() * text::line_height(TITLE) + caption.len() * text::line_height(LABEL) + 20
}

fn head(raster: &mut Raster, title: &[String], caption: &[String]) {
    let mut y = MARGIN;
    for (lines, size, color) in [(title, TITLE, BLACK), (caption, LABEL, GREY)] {
        for line in lines {
            text::draw(
                raster,
                [MARGIN as f64, y as f64],
                Style::new(size, color),
                line,
            );
            y += text::line_height(size);
        }
        y += 4;
    }
}

fn title<T: Real>(bank: &FilterBank2d<T>, show: Show) -> String {
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

fn caption<T: Real>(bank: &FilterBank2d<T>, show: Show) -> String {
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
    let Some(last) = bank.L().checked_sub(1) else {
        return caption;
    };
    match (0..=last).filter(|&l| is_turned(bank.L(), l)).min() {
        Some(first) if show != Show::LittlewoodPaley => {
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

/// Whether orientation `l` has a negative angle in the definition of the bank, so that its ψ̂ sits at θ − π.
fn is_turned(L: usize, l: usize) -> bool {
    l > L.saturating_sub(2) / 2
}

/// What stands beside the row of scale `row`, or of φ where `row` is J.
fn row_label<T: Real>(bank: &FilterBank2d<T>, show: Show, row: usize) -> Vec<String> {
    let params = bank.description();
    let (name, sigma) = match bank.wavelets().get(row * bank.L()) {
        Some(wavelet) => (format!("j = {row}"), wavelet.sigma),
        None => (format!("φ, J = {row}"), sigma_phi(bank)),
    };
    let mut lines = vec![name];
    if let Some(wavelet) = bank.wavelets().get(row * bank.L()) {
        lines.push(format!("ξ = {}", number(wavelet.xi)));
    }
    lines.push(format!("σ = {}", number(sigma)));
    lines.push(format!("width {} px", number(spatial(sigma))));
    if row < bank.J() && (params.slant() - 1.0).abs() > 1e-9 {
        lines.push(format!("slant {}", number(params.slant())));
    }
    if show != Show::Fourier {
        let [rows, columns] = view(bank, row).map(|[from, to]| to - from);
        lines.push(format!("view {rows} × {columns} px"));
    }
    lines
}

fn sigma_phi<T: Real>(bank: &FilterBank2d<T>) -> f64 {
    bank.description().mother.sigma_phi / ((bank.J() - 1) as f64).exp2()
}

/// Standard deviation in space, in pixels, of one in frequency.
fn spatial(sigma: f64) -> f64 {
    1.0 / (2.0 * std::f64::consts::PI * sigma)
}

/// The part of space that shows the filters of scale `row`, or φ where `row` is J.
fn view<T: Real>(bank: &FilterBank2d<T>, row: usize) -> [Span; 2] {
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
fn pixels(spans: [Span; 2], panel: usize) -> [usize; 2] {
    let lengths = spans.map(|[from, to]| to - from);
    let longest = lengths[0].max(lengths[1]);
    lengths.map(|length| ((length / longest * panel as f64).round() as usize).max(1))
}

// ---------------------------------------------------------------------------------------------------- in space

fn space<T: Real>(raster: &mut Raster, layout: &Layout, bank: &FilterBank2d<T>, show: Show) {
    for j in 0..bank.J() {
        let spans = view(bank, j);
        let size = pixels(spans, layout.panel);
        for l in 0..bank.L() {
            let psi = bank.psi_in_space(j, l);
            let largest = psi
                .iter()
                .map(|value| value.norm())
                .fold(0.0, f64::max)
                .max(f64::MIN_POSITIVE);
            let part = |of: fn(&Complex<f64>) -> f64| {
                panel::resample(&psi.map(|v| of(v) / largest), spans, size)
            };
            let [re, im] = [part(|v| v.re), part(|v| v.im)];
            if show == Show::Phase {
                let values = Array2::from_shape_fn(size, |at| Complex::new(re[at], im[at]));
                layout.place(raster, layout.cell(j, l, 0), &values, |&v| {
                    color::complex(v)
                });
            } else {
                layout.place(raster, layout.cell(j, l, 0), &re, |&v| color::signed(v));
                layout.place(raster, layout.cell(j, l, 1), &im, |&v| color::signed(v));
                layout.place(raster, layout.cell(j, l, 2), &part(|v| v.norm()), |&v| {
                    color::magnitude(v)
                });
            }
        }
    }

    let phi = phi_in_space(bank);
    let corner = layout.phi_cell();
    if show == Show::Phase {
        let size = pixels(view(bank, bank.J()), layout.panel);
        layout.place(raster, corner, &resized(&phi, size), |&v| {
            color::complex(Complex::new(v, 0.0))
        });
        wheel(raster, [corner[0] + layout.panel + 90, corner[1]]);
        return;
    }
    let size = pixels(view(bank, bank.J()), layout.panel);
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

/// φ within its view, over its maximum. It is a product of one factor per axis, so each is transformed on its own.
fn phi_in_space<T: Real>(bank: &FilterBank2d<T>) -> Array2<f64> {
    let spans = view(bank, bank.J());
    let factors = [0, 1].map(|axis| {
        let n = bank.grid().shape[axis];
        let hat = bank.phi_axis(axis, n);
        let [from, to] = spans[axis];
        let turn = std::f64::consts::TAU / n as f64;
        let factor: Vec<f64> = ((from + 0.5) as i64..(to + 0.5) as i64)
            .map(|u| {
                hat.iter()
                    .enumerate()
                    .map(|(k, h)| h * (turn * ((k as i64 * u) % n as i64) as f64).cos())
                    .sum()
            })
            .collect();
        let largest = factor
            .iter()
            .fold(f64::MIN_POSITIVE, |max, value| max.max(value.abs()));
        factor
            .into_iter()
            .map(|value| value / largest)
            .collect::<Vec<_>>()
    });
    Array2::from_shape_fn([factors[0].len(), factors[1].len()], |(i, k)| {
        factors[0][i] * factors[1][k]
    })
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

// ------------------------------------------------------------------------------------------------ in frequency

fn fourier<T: Real>(raster: &mut Raster, layout: &Layout, bank: &FilterBank2d<T>) {
    let side = layout.panel;
    let modulus = |j, l| {
        bank.psi(j, l)
            .to_array(0)
            .map(|hat: Array2<T>| hat.map(|value| value.widen().abs()))
    };
    let phi = bank.phi(0).map(|hat| hat.map(|value| value.widen().abs()));
    let peak = |array: &Array2<f64>| array.iter().copied().fold(0.0, f64::max);
    let filters = || (0..bank.J()).flat_map(|j| (0..bank.L()).map(move |l| (j, l)));
    let peaks = filters()
        .filter_map(|(j, l)| modulus(j, l))
        .map(|hat| peak(&hat));
    let largest = peaks
        .chain(phi.as_ref().map(peak))
        .fold(f64::MIN_POSITIVE, f64::max);
    let color = |&value: &f64| color::magnitude(value / largest);
    let plane = |hat: &Array2<f64>| {
        panel::resample(
            hat,
            bank.grid().shape.map(panel::whole_period),
            [side, side],
        )
    };

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
        for (j, l) in filters() {
            let Some(hat) = modulus(j, l) else { continue };
            let ink = color::item(j, bank.J());
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
    for (j, l) in filters() {
        if let Some(hat) = modulus(j, l) {
            layout.place(raster, layout.cell(j, l, 0), &plane(&hat), color);
        }
    }
    if let Some(phi) = &phi {
        layout.place(raster, layout.phi_cell(), &plane(phi), color);
        contour(
            raster,
            composite,
            COMPOSITE,
            phi,
            0.5 * peak(phi),
            1.0,
            BLACK,
        );
    }

    let outer = [-0.5, 0.0, 0.5];
    if side >= 64 {
        for j in 0..bank.J() {
            plane_ticks(raster, layout.cell(j, 0, 0), side, &outer, [true, false]);
        }
        for l in 0..bank.L() {
            plane_ticks(
                raster,
                layout.cell(bank.J() - 1, l, 0),
                side,
                &outer,
                [false, true],
            );
        }
        plane_ticks(raster, layout.phi_cell(), side, &outer, [true, true]);
    }
    Bar::from_zero(largest, side.max(88)).draw_across(raster, [x, y + side + 46], |v| {
        color::magnitude(v / largest)
    });
    let under = [x as f64, (y + side + 46 + BAR + 28) as f64];
    text::draw(raster, under, Style::new(LABEL, BLACK), "|ψ̂|, |φ̂|");

    plane_ticks(
        raster,
        composite,
        COMPOSITE,
        &[-0.5, -0.25, 0.0, 0.25, 0.5],
        [true, true],
    );
    plane_names(raster, composite, COMPOSITE);
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
    let names = std::iter::once(("φ".to_string(), BLACK))
        .chain((0..bank.J()).map(|j| (format!("j = {j}"), color::item(j, bank.J()))));
    for (i, (name, ink)) in names.enumerate() {
        let x = (column[0] + i / KEYS * KEY) as f64;
        let y = (column[1] + (intro.len() + i % KEYS) * lines + 8) as f64;
        canvas::stroke(raster, &[[x, y + 5.5], [x + 18.0, y + 5.5]], 2.0, ink, clip);
        text::draw(raster, [x + 26.0, y], Style::new(LABEL, BLACK), &name);
    }
}

/// Ticks of the frequency axes of a square panel, left of it and below it.
pub(super) fn plane_ticks(
    raster: &mut Raster,
    [x, y]: [usize; 2],
    side: usize,
    ticks: &[f64],
    [left, below]: [bool; 2],
) {
    for &tick in ticks {
        let at = ((tick + 0.5) * side as f64).round() as usize;
        // The outermost numbers of small panels stay within their panel, so that neighbours do not meet.
        let inset = if side >= COMPOSITE { 0.0 } else { -18.0 * tick };
        let name = decimals(tick, 2);
        if left {
            canvas::fill(raster, x - 5, (y + at).saturating_sub(1), 4, 1, BLACK);
            let style = Style::new(LABEL, BLACK).align(Align::End, Align::Middle);
            text::draw(
                raster,
                [x as f64 - 9.0, (y + at) as f64 + 0.5 * inset],
                style,
                &name,
            );
        }
        if below {
            canvas::fill(
                raster,
                (x + at).saturating_sub(1),
                y + side + 1,
                1,
                4,
                BLACK,
            );
            let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
            text::draw(
                raster,
                [(x + at) as f64 + inset, (y + side) as f64 + 9.0],
                style,
                &name,
            );
        }
    }
}

/// Names of the frequency axes of a large panel.
pub(super) fn plane_names(raster: &mut Raster, [x, y]: [usize; 2], side: usize) {
    let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
    let middle = 0.5 * side as f64;
    text::draw(
        raster,
        [x as f64 + middle, (y + side) as f64 + 32.0],
        style,
        "ω₁ (cycles per pixel)",
    );
    let style = Style {
        upwards: true,
        ..style
    };
    text::draw(
        raster,
        [x as f64 - 64.0, y as f64 + middle],
        style,
        "ω₀ (cycles per pixel)",
    );
}

/// Where a transfer function crosses a level, by marching squares on the DFT grid, in a square panel; `sign` = −1
/// mirrors it.
pub(super) fn contour(
    raster: &mut Raster,
    [x, y]: [usize; 2],
    side: usize,
    hat: &Array2<f64>,
    level: f64,
    sign: f64,
    color: [u8; 3],
) {
    let (n0, n1) = hat.dim();
    let at = |k0: i64, k1: i64| hat[[wrap(k0, n0), wrap(k1, n1)]] - level;
    let side = side as f64;
    let place =
        |k: f64, n: usize, origin: usize| origin as f64 + (sign * k / n as f64 + 0.5) * side;
    let half = |n: usize| n.div_ceil(2) as i64;
    let mut lines = Vec::new();
    for k0 in -half(n0)..half(n0) {
        for k1 in -half(n1)..half(n1) {
            // Corners in circular order, each with its value.
            let corners = [(k0, k1), (k0, k1 + 1), (k0 + 1, k1 + 1), (k0 + 1, k1)]
                .map(|(a, b)| (a, b, at(a, b)));
            let crossings: Vec<[f64; 2]> = (0..4)
                .filter_map(|i| {
                    let ((a0, a1, a), (b0, b1, b)) = (corners[i], corners[(i + 1) % 4]);
                    ((a > 0.0) != (b > 0.0)).then(|| {
                        let t = a / (a - b);
                        let k = [
                            a0 as f64 + t * (b0 - a0) as f64,
                            a1 as f64 + t * (b1 - a1) as f64,
                        ];
                        [place(k[1], n1, x), place(k[0], n0, y)]
                    })
                })
                .collect();
            lines.extend(crossings.chunks_exact(2).map(|pair| [pair[0], pair[1]]));
        }
    }
    canvas::segments(
        raster,
        &lines,
        1.5,
        color,
        [x as f64, y as f64, x as f64 + side, y as f64 + side],
    );
}

// ------------------------------------------------------------------------------------------ Littlewood-Paley

/// Side of the image of the Littlewood-Paley sum.
const PLANE: usize = 400;

fn coverage<T: Real>(bank: &FilterBank2d<T>) -> Result<Raster> {
    let (Some(sum), bounds) = (bank.littlewood_paley(0), bank.frame_bounds()) else {
        return Err(Error::Empty {
            shape: bank.grid().shape.to_vec(),
        });
    };
    let chart_size = [620, PLANE + 76];
    let width = MARGIN + 76 + PLANE + 90 + chart_size[0] + MARGIN;
    let title = text::wrap(
        &title(bank, Show::LittlewoodPaley),
        TITLE,
        (width - 2 * MARGIN) as f64,
    );
    let normalization = match bank.description().normalization {
        Normalization::Plain => "plain",
        Normalization::Contractive => "contractive",
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
        number(bank.description().slant())
    );
    let caption = text::wrap(&caption, LABEL, (width - 2 * MARGIN) as f64);
    let bounds_at = head_height(&title, &caption) - 6;
    let top = bounds_at + 40;
    let mut raster = page(width, top + PLANE + 60 + MARGIN)?;
    head(&mut raster, &title, &caption);
    let line = format!(
        "Frame bounds: A = {}, B = {}",
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
    let image = panel::resample(
        &sum,
        bank.grid().shape.map(panel::whole_period),
        [PLANE, PLANE],
    );
    panel::image(&mut raster, corner, &image, |&value| {
        color::magnitude(value / largest)
    });
    canvas::frame(&mut raster, corner[0], corner[1], PLANE, PLANE, FRAME);
    plane_ticks(
        &mut raster,
        corner,
        PLANE,
        &[-0.5, -0.25, 0.0, 0.25, 0.5],
        [true, true],
    );
    plane_names(&mut raster, corner, PLANE);
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

    const ALL: [Show; 4] = [
        Show::Space,
        Show::Fourier,
        Show::Phase,
        Show::LittlewoodPaley,
    ];

    fn bank(shape: [usize; 2], J: usize, L: usize) -> FilterBank2d<f64> {
        FilterBank2d::params(shape, J).L(L).build().unwrap()
    }

    /// The colours of one panel, rows from top to bottom.
    fn panel_of(picture: &Raster, layout: &Layout, [j, l, part]: [usize; 3]) -> Array2<[u8; 3]> {
        let [x, y] = layout.cell(j, l, part);
        Array2::from_shape_fn([layout.panel; 2], |(row, column)| {
            picture.pixel(x + column, y + row)
        })
    }

    #[test]
    fn every_bank_has_every_sheet() {
        for shape in [[1, 1], [2, 3], [1, 40], [13, 7], [32, 24]] {
            for (J, L) in [(1, 1), (2, 3), (6, 2)] {
                let bank = bank(shape, J, L);
                for show in ALL {
                    let picture = sheet(&bank, show).unwrap();
                    assert!(fits(picture.width(), picture.height()));
                    assert!(
                        picture.as_rgb().iter().any(|&c| c < 100),
                        "{shape:?}, J = {J}, L = {L}, {show:?}"
                    );
                }
            }
        }
        let gabor = crate::filters::Mother {
            family: Family::Gabor,
            ..Default::default()
        };
        let params = FilterBank2d::params([20, 20], 2)
            .L(3)
            .mother(gabor)
            .normalization(Normalization::Contractive);
        for show in ALL {
            sheet(&params.build::<f32>().unwrap(), show).unwrap();
        }
    }

    #[test]
    fn large_banks_shrink_their_panels_and_larger_ones_are_refused() {
        let panel = |J, L, show| Layout::new(&bank([4, 4], J, L), show).map(|layout| layout.panel);
        assert_eq!(panel(3, 8, Show::Phase).unwrap(), 112);
        assert_eq!(panel(3, 8, Show::Space).unwrap(), 88);
        assert!(panel(8, 300, Show::Space).unwrap() < 64);
        assert!(matches!(
            panel(1, 2000, Show::Phase),
            Err(Error::InvalidParameter { name: "L", .. })
        ));
        for show in ALL {
            let layout = Layout::new(&bank([4, 4], 32, 32), show).unwrap();
            assert!(fits(layout.width, layout.height));
        }
        let wide = sheet(&bank([4, 4], 1, 900), Show::Space).unwrap();
        assert!(wide.width() > 9000 && wide.width() <= 16_384);
    }

    #[test]
    fn filters_oscillate_along_their_wave_vector() {
        // L = 2: θ = 0 oscillates down the rows, θ = 90° along the columns
        let bank = bank([64, 64], 2, 2);
        let (picture, layout) = (
            sheet(&bank, Show::Space).unwrap(),
            Layout::new(&bank, Show::Space).unwrap(),
        );
        let red = |color: [u8; 3]| i32::from(color[0]) - i32::from(color[2]);
        for l in 0..2 {
            assert_eq!(
                bank.wavelets()[l].theta.to_degrees().round() as usize,
                90 * l
            );
            let re = panel_of(&picture, &layout, [1, l, 0]).map(|&color| red(color));
            let middle = layout.panel / 2;
            let least = |line: &mut dyn Iterator<Item = i32>| line.min().unwrap();
            let down = least(&mut (0..layout.panel).map(|i| re[[i, middle]]));
            let right = least(&mut (0..layout.panel).map(|i| re[[middle, i]]));
            let (along, across) = if l == 0 { (down, right) } else { (right, down) };
            assert!(
                along < -60,
                "l = {l}: blue beside the red crest, got {along}"
            );
            assert!(
                across > -25,
                "l = {l}: no blue along the crest, got {across}"
            );
            assert!(re[[middle, middle]] > 50);
        }
    }

    #[test]
    fn the_imaginary_part_changes_its_sign_at_the_origin_and_the_modulus_does_not() {
        let bank = bank([31, 45], 2, 1);
        let (picture, layout) = (
            sheet(&bank, Show::Space).unwrap(),
            Layout::new(&bank, Show::Space).unwrap(),
        );
        let im = panel_of(&picture, &layout, [1, 0, 1]);
        let modulus = panel_of(&picture, &layout, [1, 0, 2]);
        let (middle, off) = (layout.panel / 2, layout.panel / 10);
        let [above, below] = [im[[middle - off, middle]], im[[middle + off, middle]]];
        assert!(
            above[2] > above[0] && below[0] > below[2],
            "sin(2πξu) is negative above the origin"
        );
        let brightest = modulus
            .iter()
            .map(|c| c.iter().map(|&c| u32::from(c)).sum::<u32>())
            .max()
            .unwrap();
        assert_eq!(
            modulus[[middle, middle]]
                .iter()
                .map(|&c| u32::from(c))
                .sum::<u32>(),
            brightest
        );
    }

    #[test]
    fn transfer_functions_peak_at_their_wave_vector_on_the_stated_side() {
        for L in [1, 2, 3, 4, 5, 8] {
            let bank = bank([48, 64], 2, L);
            let (picture, layout) = (
                sheet(&bank, Show::Fourier).unwrap(),
                Layout::new(&bank, Show::Fourier).unwrap(),
            );
            for wavelet in &bank.wavelets()[L..] {
                let colors = panel_of(&picture, &layout, [1, wavelet.l, 0]);
                let light = |c: &[u8; 3]| c.iter().map(|&c| u32::from(c)).sum::<u32>();
                let most = colors.iter().map(light).max().unwrap();
                let bright: Vec<_> = colors
                    .indexed_iter()
                    .filter(|&(_, c)| light(c) == most)
                    .map(|(at, _)| at)
                    .collect();
                let mean = |pick: fn(&(usize, usize)) -> usize| {
                    bright.iter().map(pick).sum::<usize>() as f64 / bright.len() as f64
                };
                let omega = [mean(|at| at.0), mean(|at| at.1)]
                    .map(|p| (p + 0.5) / layout.panel as f64 - 0.5);
                let turn = if is_turned(L, wavelet.l) { -1.0 } else { 1.0 };
                let expected =
                    [wavelet.theta.cos(), wavelet.theta.sin()].map(|c| turn * wavelet.xi * c);
                for axis in [0, 1] {
                    // L = 1 has a wide filter, a line of frequencies along axis 1.
                    let tolerance = if L < 3 && expected[axis].abs() < 1e-9 {
                        0.06
                    } else {
                        0.03
                    };
                    assert!(
                        (omega[axis] - expected[axis]).abs() < tolerance,
                        "{wavelet:?}: {omega:?} for {expected:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_contour_of_phi_is_a_circle_at_half_its_height() {
        let bank = bank([64, 64], 2, 4);
        let (picture, layout) = (
            sheet(&bank, Show::Fourier).unwrap(),
            Layout::new(&bank, Show::Fourier).unwrap(),
        );
        let [x, y] = layout.phi_cell();
        let middle = COMPOSITE / 2;
        let corner = [x + layout.panel + 110, y + 2];
        let radius = sigma_phi(&bank) * (2.0 * 2.0_f64.ln()).sqrt() * COMPOSITE as f64;
        for turn in 0..8 {
            let (sin, cos) = (std::f64::consts::FRAC_PI_4 * f64::from(turn)).sin_cos();
            let at = |r: f64| {
                [
                    (middle as f64 + r * sin) as usize,
                    (middle as f64 + r * cos) as usize,
                ]
            };
            let darkest = (-2..=2)
                .map(|off| at(radius + f64::from(off)))
                .map(|[dx, dy]| picture.pixel(corner[0] + dx, corner[1] + dy))
                .map(|c| c.into_iter().max().unwrap());
            assert!(darkest.min().unwrap() < 90, "direction {turn}");
        }
    }

    #[test]
    fn phases_wind_along_the_wave_vector() {
        let bank = bank([64, 64], 2, 1);
        let (picture, layout) = (
            sheet(&bank, Show::Phase).unwrap(),
            Layout::new(&bank, Show::Phase).unwrap(),
        );
        let colors = panel_of(&picture, &layout, [1, 0, 0]);
        let middle = layout.panel / 2;
        assert_eq!(
            colors[[middle, middle]],
            color::complex(Complex::new(1.0, 0.0))
        );
        let quarter = colors[[middle + layout.panel / 10, middle]];
        assert!(
            quarter[1] > quarter[2],
            "phase π/2 is yellow-green: {quarter:?}"
        );
    }

    #[test]
    fn radial_profiles_hold_every_frequency() {
        let bank = bank([33, 48], 3, 4);
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
