//! [`scattering_disk`]: one number per scattering path, drawn at the frequencies the path looks at.
//!
//! Comes in: a path table and a non-negative number for each of its rows, say the mean of S² over the image. Goes out:
//! two disks side by side, first and second order. Order 0 is left blank, and so are orders above 2.
//!
//! ```text
//! first order:  λ1 = (j1, θ1) is the part of the disk with   2^(−γ·(j1+1)) ≤ r/R < 2^(−γ·j1)   and
//!               |angle − θ1| ≤ π/(2L), together with its mirror image at θ1 + π
//! second order: the same part, cut into J − 1 − j1 rings of equal width for j2 = j1+1 .. J−1 from the rim inwards,
//!               and into L angles for θ2 = 0 .. π, in the direction of growing angle
//! γ = min(1, 4/J)
//! ```
//!
//! With γ = 1 the radius is proportional to frequency and a ring is an octave, as in the paper. There the coarsest of
//! many scales vanish in the centre, though they carry most of the energy of natural images; so beyond J = 4 the
//! radius is a power γ of frequency, the largest for which the coarsest ring ends at R/16.
//!
//! Conventions that bite: angles are measured from axis 0, which points down, toward axis 1, which points to the
//! right. The disk is symmetric because |x ⋆ ψ_λ| = |x ⋆ ψ_−λ| for real images. Each disk has its own scale, since
//! second-order coefficients are far smaller; the scale is linear, so pass logarithms or roots to compress it.
//!
//! Source: Bruna & Mallat, "Invariant scattering convolution networks", 2013, section 2.3 and figure 5, where areas
//! are proportional to the energy of the filters; here they follow from the rings alone.

use std::f64::consts::PI;

use super::super::axis::decimals;
use super::super::panel::{BAR, Bar};
use super::super::text::{self, Align, HEADING, LABEL, Style};
use super::super::{BLACK, canvas, color, page};
use super::sheet::{Head, MARGIN};
use crate::filters::Wavelet2d;
use crate::raster::Raster;
use crate::scattering::PathTable;
use crate::{Error, Result};

/// Least radius of a disk in pixels, and the largest, for tables with many scales.
const RADIUS: [f64; 2] = [280.0, 480.0];

/// Width in pixels that the rings of second-order cells should have.
const CELL: f64 = 5.0;

/// Room for angles around a disk.
const RIM: usize = 64;

/// Where there is no path.
const NOTHING: [f64; 3] = [236.0; 3];

/// Samples per pixel along each axis, for soft edges.
const SAMPLES: usize = 3;

/// The scattering disk of a path table: brightness is `energy[row]`, one disk per order.
///
/// Tables without a second order give the first disk alone.
///
/// # Errors
/// [`Error::WrongShape`] if `energy` has another length than the table, [`Error::InvalidParameter`] if a number is
/// negative or not finite, or if the table has order 0 only.
///
/// **Source** Bruna & Mallat 2013, figure 5.
///
/// ```
/// use wavelet_scattering::Scattering2d;
/// use wavelet_scattering::viz::disk::scattering_disk;
///
/// let plan = Scattering2d::params([32, 32], 3).plan::<f32>()?;
/// let energy: Vec<f64> = (0..plan.paths().len()).map(|row| 1.0 / (1.0 + row as f64)).collect();
/// let picture = scattering_disk(plan.paths(), &energy)?;
/// assert!(picture.width() > picture.height());
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn scattering_disk(paths: &PathTable<Wavelet2d>, energy: &[f64]) -> Result<Raster> {
    check(paths, energy)?;
    let orders = paths.max_order().min(2);
    let geometry = Geometry::new(paths);
    let radius = geometry.radius;
    let side = 2 * (radius as usize + RIM);
    let width = orders * side + (orders - 1) * 16 + 2 * MARGIN;
    let (title, caption) = (title(&geometry, orders), caption(paths, &geometry));
    let head = Head::new(&title, &caption, width);
    let top = head.height() + text::line_height(HEADING) + 4;
    let below = [40, 40, 12 + BAR + 30]; // radial axis, space, colour bar
    let height = top + 24 + 2 * radius as usize + below.iter().sum::<usize>() + MARGIN;
    let mut raster = page(width, height)?;

    head.draw(&mut raster);
    for order in 1..=orders {
        let left = MARGIN + (order - 1) * (side + 16);
        let center = [(left + RIM) as f64 + radius, top as f64 + radius + 24.0];
        let rows = paths.rows_of_order(order);
        let largest = energy[rows].iter().copied().fold(0.0, f64::max);
        let share = |row: usize| {
            if largest > 0.0 {
                energy[row] / largest
            } else {
                0.0
            }
        };
        geometry.paint(&mut raster, center, |cell| {
            let first = (cell.j1, geometry.orientation[cell.k1]);
            let row = if order == 1 {
                paths.row(&[first])
            } else {
                cell.second
                    .and_then(|(j2, k2)| paths.row(&[first, (j2, geometry.orientation[k2])]))
            };
            row.map_or(NOTHING, |row| color::magnitude(share(row)).map(f64::from))
        });
        geometry.label(&mut raster, center);

        let name = if order == 1 {
            "First order: λ₁ = (j₁, θ₁)"
        } else {
            "Second order: λ₁ = (j₁, θ₁), λ₂ = (j₂, θ₂)"
        };
        let style = Style::new(HEADING, BLACK).align(Align::Middle, Align::Start);
        text::draw(
            &mut raster,
            [center[0], (top - text::line_height(HEADING) - 8) as f64],
            style,
            name,
        );
        let bar = Bar::from_zero(largest, (1.2 * radius) as usize);
        let bar_at = [
            (center[0] - 0.6 * radius) as usize,
            (center[1] + radius) as usize + below[0] + below[1],
        ];
        bar.draw_across(&mut raster, bar_at, |value| {
            color::magnitude(if largest > 0.0 { value / largest } else { 0.0 })
        });
        let style = Style::new(LABEL, BLACK).align(Align::End, Align::Middle);
        let at = [bar_at[0] as f64 - 10.0, bar_at[1] as f64 + 0.5 * BAR as f64];
        text::draw(&mut raster, at, style, "energy");
    }
    Ok(raster)
}

fn check(paths: &PathTable<Wavelet2d>, energy: &[f64]) -> Result<()> {
    if energy.len() != paths.len() {
        return Err(Error::WrongShape {
            what: "the energy of the paths",
            got: vec![energy.len()],
            expected: format!("[{}], one number per path", paths.len()),
        });
    }
    if let Some((row, value)) = energy
        .iter()
        .enumerate()
        .find(|&(_, value)| !(value.is_finite() && *value >= 0.0))
    {
        return Err(Error::InvalidParameter {
            name: "energy",
            value: format!("{value} in row {row}"),
            limit: "an energy is finite and not negative; pass means of squares or moduli".into(),
        });
    }
    if paths.max_order() == 0 {
        return Err(Error::InvalidParameter {
            name: "max_order",
            value: "0".into(),
            limit: "a scattering disk shows orders 1 and 2; use a transform with max_order >= 1"
                .into(),
        });
    }
    Ok(())
}

fn title(geometry: &Geometry, orders: usize) -> String {
    let Geometry { J, L, .. } = geometry;
    format!(
        "Scattering {}: J = {J}, L = {L}",
        if orders == 1 { "disk" } else { "disks" }
    )
}

fn caption(paths: &PathTable<Wavelet2d>, geometry: &Geometry) -> String {
    let mut caption = format!(
        "Angle is θ₁, from axis 0 (down) toward axis 1 (right); the other half repeats it, as real images demand. The \
         radius is proportional to frequency{}, the finest scale j₁ = 0 at the rim.",
        if geometry.gamma < 1.0 {
            format!(" to the power {}", decimals(geometry.gamma, 3))
        } else {
            String::new()
        }
    );
    if paths.max_order() >= 2 {
        caption.push_str(
            " In the right disk every sector is cut again: j₂ = j₁ + 1 to J − 1 from its rim inwards, θ₂ = 0° to 180° \
             counter-clockwise.",
        );
    }
    if paths.max_order() > 2 {
        caption.push_str(" Orders above 2 are not shown.");
    }
    caption.push_str(" Order 0 is left blank. ");
    caption.push_str(if paths.max_order() >= 2 {
        "Each disk has its own linear scale."
    } else {
        "The scale is linear."
    });
    caption
}

/// Which part of a disk belongs to which path.
#[derive(Debug, Clone, PartialEq)]
struct Geometry {
    J: usize,
    L: usize,
    radius: f64,
    gamma: f64,
    /// Outer radius of every ring in pixels, then the inner edge of the last.
    edges: Vec<f64>,
    /// The index l of the orientation whose angle is k·π/L, by k.
    orientation: Vec<usize>,
}

/// One cell of a disk: the angles are kπ/L.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    j1: usize,
    k1: usize,
    /// `(j2, k2)`, where a coarser scale exists.
    second: Option<(usize, usize)>,
}

impl Geometry {
    fn new(paths: &PathTable<Wavelet2d>) -> Self {
        let wavelets = paths.wavelets();
        let (J, L) = wavelets
            .last()
            .map_or((1, 1), |last| (last.j + 1, last.l + 1));
        let mut orientation = vec![0; L];
        for wavelet in &wavelets[..L.min(wavelets.len())] {
            orientation[(wavelet.theta * L as f64 / PI).round() as usize % L] = wavelet.l;
        }
        let gamma = (4.0 / J as f64).min(1.0);
        let mut edges: Vec<f64> = (0..=J).map(|j| (-gamma * j as f64).exp2()).collect();
        let thinnest = (0..J - 1)
            .map(|j| (edges[j] - edges[j + 1]) / (J - 1 - j) as f64)
            .fold(1.0, f64::min);
        let radius = (CELL / thinnest).clamp(RADIUS[0], RADIUS[1]).round();
        edges.iter_mut().for_each(|edge| *edge *= radius);
        Self {
            J,
            L,
            radius,
            gamma,
            edges,
            orientation,
        }
    }

    /// The cell at an offset from the centre, in pixels to the right and down; `None` in the blank centre and outside.
    fn cell(&self, dx: f64, dy: f64) -> Option<Cell> {
        let r = dx.hypot(dy);
        if r >= self.radius || r < self.edges[self.J] {
            return None;
        }
        let j1 = self.edges[1..self.J].partition_point(|&edge| edge > r);
        let turns = dx.atan2(dy) * self.L as f64 / PI;
        let k1 = (turns.round() as i64).rem_euclid(self.L as i64) as usize;
        let rings = self.J - 1 - j1;
        let second = (rings > 0).then(|| {
            let [outer, inner] = [self.edges[j1], self.edges[j1 + 1]];
            let inwards = ((outer - r) / (outer - inner) * rings as f64) as usize;
            let across = (turns - turns.round() + 0.5) * self.L as f64;
            (
                j1 + 1 + inwards.min(rings - 1),
                (across as usize).min(self.L - 1),
            )
        });
        Some(Cell { j1, k1, second })
    }

    /// Whether an offset in ring `j1` lies on a border between first-order sectors or rings.
    fn on_border(&self, dx: f64, dy: f64, j1: usize) -> bool {
        let r = dx.hypot(dy);
        if self.edges[j1] - r < 0.5 || r - self.edges[j1 + 1] < 0.5 {
            return true;
        }
        let turns = dx.atan2(dy) * self.L as f64 / PI + 0.5;
        let arc = r * PI / self.L as f64;
        // Where sectors are narrow, borders would hide them.
        self.L > 1 && arc > 6.0 && (turns - turns.round()).abs() * arc < 0.5
    }

    /// Paints a disk, every cell in the colour that `color` gives it.
    fn paint(&self, raster: &mut Raster, center: [f64; 2], color: impl Fn(Cell) -> [f64; 3]) {
        let reach = self.radius.ceil() as i64 + 1;
        let mut last: Option<(Cell, [f64; 3])> = None;
        for y in -reach..reach {
            for x in -reach..reach {
                let (mut sum, mut covered) = ([0.0; 3], 0.0);
                for sample in 0..SAMPLES * SAMPLES {
                    let at = |i: usize| (i as f64 + 0.5) / SAMPLES as f64;
                    let (dx, dy) = (
                        x as f64 + at(sample % SAMPLES),
                        y as f64 + at(sample / SAMPLES),
                    );
                    let Some(cell) = self.cell(dx, dy) else {
                        continue;
                    };
                    let ink = match last {
                        Some((known, ink)) if known == cell => ink,
                        _ => color(cell),
                    };
                    last = Some((cell, ink));
                    let ink = if self.on_border(dx, dy, cell.j1) {
                        [150.0; 3]
                    } else {
                        ink
                    };
                    covered += 1.0;
                    for c in 0..3 {
                        sum[c] += ink[c];
                    }
                }
                if covered > 0.0 {
                    let mean = sum.map(|c| (c / covered).round() as u8);
                    let (px, py) = (center[0] as i64 + x, center[1] as i64 + y);
                    canvas::blend(raster, px, py, mean, covered / (SAMPLES * SAMPLES) as f64);
                }
            }
        }
    }

    /// Angles around the disk, and scales along a radius below it.
    fn label(&self, raster: &mut Raster, center: [f64; 2]) {
        let every = self.L.div_ceil(12);
        for k in (0..self.L).step_by(every) {
            let theta = k as f64 * PI / self.L as f64;
            let [dx, dy] = [theta.sin(), theta.cos()];
            let align = |d: f64| {
                if d > 0.3 {
                    Align::Start
                } else if d < -0.3 {
                    Align::End
                } else {
                    Align::Middle
                }
            };
            let style = Style::new(LABEL, BLACK).align(align(dx), align(dy));
            let far = self.radius + 8.0;
            let name = format!("{}°", decimals(theta.to_degrees(), 1));
            text::draw(
                raster,
                [center[0] + far * dx, center[1] + far * dy],
                style,
                &name,
            );
        }

        let y = center[1] + self.radius + 36.0;
        let clip = canvas::everywhere(raster);
        let level = y.floor() + 0.5;
        canvas::stroke(
            raster,
            &[[center[0], level], [center[0] + self.radius, level]],
            1.0,
            BLACK,
            clip,
        );
        let style = Style::new(LABEL, BLACK).align(Align::End, Align::Middle);
        text::draw(raster, [center[0] - 8.0, y + 12.0], style, "j₁");
        for j in 0..=self.J {
            let x = (center[0] + self.edges[j]).floor() + 0.5;
            canvas::stroke(raster, &[[x, level], [x, level + 6.0]], 1.0, BLACK, clip);
            let Some(inner) = self.edges.get(j + 1) else {
                break;
            };
            let room = self.edges[j] - inner;
            let name = j.to_string();
            if room > text::width(&name, LABEL) + 3.0 {
                let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
                text::draw(raster, [x - 0.5 * room, y + 8.0], style, &name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::filters::FilterBank2d;

    fn table(J: usize, L: usize, max_order: usize) -> PathTable<Wavelet2d> {
        let wavelets: Arc<[_]> = FilterBank2d::params([64, 64], J).L(L).wavelets().into();
        let scales: Vec<_> = wavelets.iter().map(|psi| psi.j).collect();
        let coarser = |path: &[usize], lambda: usize| {
            let last = path.last().map(|&last| scales[last]);
            last < Some(scales[lambda])
        };
        PathTable::new(wavelets, max_order, 1, coarser, |_| (Some(1), 1)).unwrap()
    }

    /// The centre of disk `order` in the picture: disks are as wide as two radii and two rims.
    fn center(picture: &Raster, geometry: &Geometry, order: usize) -> [f64; 2] {
        let side = 2.0 * (geometry.radius + RIM as f64);
        let below = 40 + 40 + 12 + BAR + 30 + MARGIN;
        [
            (MARGIN as f64) + 0.5 * side + (order - 1) as f64 * (side + 16.0),
            picture.height() as f64 - below as f64 - geometry.radius,
        ]
    }

    /// The colour at a share of the radius and an angle from down toward the right.
    fn look(picture: &Raster, center: [f64; 2], r: f64, theta: f64) -> [u8; 3] {
        let [x, y] = [center[0] + r * theta.sin(), center[1] + r * theta.cos()];
        picture.pixel(x as usize, y as usize)
    }

    #[test]
    fn a_single_first_order_path_lights_its_sector_and_its_mirror_image_alone() {
        let paths = table(3, 4, 2);
        let geometry = Geometry::new(&paths);
        for row in paths.rows_of_order(1) {
            let mut energy = vec![0.0; paths.len()];
            energy[row] = 0.25;
            let picture = scattering_disk(&paths, &energy).unwrap();
            let lit = paths.wavelets_of(row).next().unwrap();
            let at = center(&picture, &geometry, 1);
            for wavelet in paths.wavelets() {
                let r = 0.75 * geometry.radius / f64::from(1 << wavelet.j);
                let expected = color::magnitude(if wavelet == lit { 1.0 } else { 0.0 });
                for turn in [0.0, PI] {
                    assert_eq!(
                        look(&picture, at, r, wavelet.theta + turn),
                        expected,
                        "{lit:?}, seen {wavelet:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_single_second_order_path_lights_its_cell_and_its_mirror_image_alone() {
        let paths = table(3, 4, 2);
        let geometry = Geometry::new(&paths);
        // j1 = 0 has rings for j2 = 1 and 2 at 7/8 and 5/8 of the radius, j1 = 1 one for j2 = 2 at 3/8.
        let radius = |j1: usize, j2: usize| {
            geometry.radius * [[0.0, 0.875, 0.625], [0.0, 0.0, 0.375]][j1][j2]
        };
        let angle = |first: &Wavelet2d, second: &Wavelet2d| {
            let k2 = (second.theta * 4.0 / PI).round();
            first.theta + PI / 4.0 * ((k2 + 0.5) / 4.0 - 0.5)
        };
        let cells: Vec<_> = paths
            .rows_of_order(2)
            .map(|row| {
                let waves: Vec<_> = paths.wavelets_of(row).collect();
                (
                    row,
                    radius(waves[0].j, waves[1].j),
                    angle(waves[0], waves[1]),
                )
            })
            .collect();
        for &(lit, ..) in cells.iter().step_by(5) {
            let mut energy = vec![0.0; paths.len()];
            energy[lit] = 3.0;
            let picture = scattering_disk(&paths, &energy).unwrap();
            let at = center(&picture, &geometry, 2);
            for &(row, r, theta) in &cells {
                let expected = color::magnitude(if row == lit { 1.0 } else { 0.0 });
                for turn in [0.0, PI] {
                    assert_eq!(
                        look(&picture, at, r, theta + turn),
                        expected,
                        "{} seen {}",
                        paths.name(lit),
                        paths.name(row)
                    );
                }
            }
        }
    }

    #[test]
    fn every_table_has_a_picture_of_bounded_size() {
        for (J, L, max_order) in [
            (1, 1, 2),
            (2, 1, 2),
            (1, 8, 1),
            (3, 8, 1),
            (8, 3, 3),
            (12, 2, 2),
            (2, 32, 2),
            (32, 1, 2),
        ] {
            let paths = table(J, L, max_order);
            let level = [0.0, 1e300, 5e-324][J % 3];
            let picture = scattering_disk(&paths, &vec![level; paths.len()]).unwrap();
            let orders = paths.max_order().min(2);
            assert!((600..3000).contains(&picture.width()) && picture.height() < 1500);
            assert_eq!(picture.width() > 1200, orders == 2, "J = {J}, L = {L}");
        }
    }

    #[test]
    fn wrong_lengths_and_values_are_refused() {
        let paths = table(2, 3, 2);
        let zeros = vec![0.0; paths.len()];
        assert!(matches!(
            scattering_disk(&paths, &zeros[1..]),
            Err(Error::WrongShape { .. })
        ));
        for bad in [f64::NAN, f64::INFINITY, -1e-9] {
            let mut energy = zeros.clone();
            energy[4] = bad;
            assert!(matches!(
                scattering_disk(&paths, &energy),
                Err(Error::InvalidParameter { name: "energy", .. })
            ));
        }
        assert!(matches!(
            scattering_disk(&table(2, 3, 0), &[1.0]),
            Err(Error::InvalidParameter { .. })
        ));
    }
}
