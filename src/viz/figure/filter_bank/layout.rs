//! Where the panels of a sheet stand: a row for each scale, a column for each orientation, φ below them.

use ndarray::Array2;

use super::super::super::axis::decimals;
use super::super::super::text::{self, Align, HEADING, LABEL, Style};
use super::super::super::{BLACK, FRAME, GREY, canvas, fits, panel};
use super::super::frequency_plane::LARGE;
use super::super::sheet::{Head, MARGIN};
use super::view::Bank;
use super::words::{Show, caption, panel_label, row_label, title};
use crate::filters::Wavelet2d;
use crate::raster::Raster;
use crate::{Error, Result};

/// Sides of a panel in pixels, the largest that fits is taken.
const PANELS: [usize; 9] = [112, 88, 64, 48, 32, 24, 16, 12, 8];

/// Room for the legends at the foot of a sheet.
const MIN_WIDTH: usize = 760;

/// Side of the panel with all contours.
pub(super) const COMPOSITE: usize = LARGE;

/// Entries in a column of the key to the contours, and its width.
pub(super) const KEYS: usize = 11;
pub(super) const KEY: usize = 75;

/// Where everything stands on a sheet of panels.
#[derive(Debug)]
pub(super) struct Layout {
    pub width: usize,
    pub height: usize,
    pub head: Head,
    /// Side of a panel, and the space between two.
    pub panel: usize,
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
    pub fn new(bank: &Bank<'_>, show: Show) -> Result<Self> {
        let (rows, L) = (bank.rows.len(), bank.columns());
        let labels: Vec<_> = (0..=rows).map(|row| row_label(bank, show, row)).collect();
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
                        + KEY * (rows + 1).div_ceil(KEYS).max(2)
                        + MARGIN
                }
                _ => MIN_WIDTH,
            };
            let width = L
                .saturating_mul(panel + gap)
                .saturating_add(left + MARGIN)
                .max(legends);
            let head = Head::new(&title(bank, show), &caption(bank, show), width);
            let above = 2 * text::line_height(LABEL) + 6;
            let top = head.height() + above;
            // Rows that differ have their labels above every panel instead of above every column.
            let between = if bank.is_regular { 12 } else { above + 12 };
            let pitch = (stack.len() * (panel + gap)).max(label_height) + between;
            let axis = if show == Show::Fourier { 26 } else { 0 };
            let foot = top + rows * pitch + axis + 16;
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
                    head,
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
                "{rows} x {L} filters do not fit on a picture of 16384 pixels a side; show a bank with fewer"
            ),
        })
    }

    /// Upper left corner of the cell of one panel.
    pub fn cell(&self, j: usize, l: usize, part: usize) -> [usize; 2] {
        let step = self.panel + self.gap;
        [
            self.origin[0] + l * step,
            self.origin[1] + j * self.pitch + part * step,
        ]
    }

    /// Upper left corner of the cell of φ.
    pub fn phi_cell(&self) -> [usize; 2] {
        [self.origin[0], self.foot]
    }

    /// Draws the array centred in its cell, with a frame.
    pub fn place<V>(
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

    /// Two lines above a panel, the second in grey.
    fn label_panel(&self, raster: &mut Raster, [row, column]: [usize; 2], names: [&str; 2]) {
        let lines = text::line_height(LABEL);
        let [left, top] = self.cell(row, column, 0);
        let y = top - 2 * lines - 2;
        for (i, (name, color)) in names.into_iter().zip([BLACK, GREY]).enumerate() {
            // A label may be wider than its panel, but does not leave the page.
            let half = 0.5 * text::width(name, LABEL);
            let x = (left as f64 + 0.5 * self.panel as f64)
                .min((self.width - MARGIN) as f64 - half + 12.0);
            let style = Style::new(LABEL, color).align(Align::Middle, Align::Start);
            text::draw(raster, [x, (y + i * lines) as f64], style, name);
        }
    }

    /// Every how many columns there is room for names like these.
    fn every(&self, names: &[[String; 2]]) -> usize {
        let widths = names.iter().flatten().map(|name| text::width(name, LABEL));
        let widest = widths.fold(0.0, f64::max) as usize + 8;
        widest.div_ceil(self.panel + self.gap)
    }

    /// Names of rows and columns, or of every panel.
    pub fn label(&self, raster: &mut Raster, bank: &Bank<'_>) {
        if bank.is_regular {
            let name = |w: &Wavelet2d| {
                let theta = decimals(w.theta.to_degrees(), 1);
                [format!("θ = {theta}°"), format!("l = {}", w.l)]
            };
            let names: Vec<_> = bank.row(0).iter().map(name).collect();
            for (l, [theta, l_name]) in names.iter().enumerate().step_by(self.every(&names)) {
                self.label_panel(raster, [0, l], [theta, l_name]);
            }
        } else {
            let names: Vec<_> = bank.list.wavelets.iter().map(panel_label).collect();
            let every = self.every(&names);
            for (row, range) in bank.rows.iter().enumerate() {
                let names = names[range.clone()].iter().enumerate();
                for (column, [theta, xi]) in names.step_by(every) {
                    self.label_panel(raster, [row, column], [theta, xi]);
                }
            }
        }
        for (row, label) in self.labels.iter().enumerate() {
            let mut y = if row < bank.rows.len() {
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
                .filter(|_| row < bank.rows.len() && self.panel >= 16)
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
