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
use std::ops::Range;

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

/// An energy of at most this share of the largest, order 0 included, is drawn as 0: the square of eight roundings in double
/// precision. What a constant image leaves in its paths is less, and is no structure.
const ROUNDING: f64 = 64.0 * f64::EPSILON * f64::EPSILON;

/// Samples per pixel along each axis, for soft edges.
const SAMPLES: usize = 3;

/// The scattering disk of a path table: brightness is `energy[row]`, one disk per order.
///
/// Tables without a second order give the first disk alone. Energies below rounding, 3·10⁻³⁰ of the largest of any row, order
/// 0 included, count as 0: a constant image gives dark disks.
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
    let given = energy;
    let energy = &without_rounding(given)[..];
    let orders = paths.max_order().min(2);
    let geometry = Geometry::new(paths);
    let radius = geometry.radius;
    let side = 2 * (radius as usize + RIM);
    let width = orders * side + (orders - 1) * 16 + 2 * MARGIN;
    let title = title(&geometry, orders);
    let mut caption = caption(paths, &geometry);
    if energy != given {
        caption
            .push_str(" Energies below rounding, 3·10⁻³⁰ of the largest of any order, count as 0.");
    }
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
            let row = match (order, cell.second) {
                (1, _) => paths.row_of_lambdas(&[cell.first]),
                (_, Some(second)) => paths.row_of_lambdas(&[cell.first, second]),
                (_, None) => None,
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

/// Energies with those below rounding set to 0.
fn without_rounding(energy: &[f64]) -> Vec<f64> {
    let largest = energy.iter().copied().fold(0.0, f64::max);
    let counts = |&energy: &f64| {
        if energy > ROUNDING * largest {
            energy
        } else {
            0.0
        }
    };
    energy.iter().map(counts).collect()
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
    let scales = geometry.rings.len();
    let bank = match geometry.L {
        Some(L) => format!("J = {scales}, L = {L}"),
        None => {
            let wavelets: usize = geometry.rings.iter().map(|ring| ring.lambdas.len()).sum();
            let s = if scales == 1 { "" } else { "s" };
            format!("{wavelets} wavelets of {scales} scale{s}")
        }
    };
    let s = if orders == 1 { "" } else { "s" };
    format!("Scattering disk{s}: {bank}")
}

fn caption(paths: &PathTable<Wavelet2d>, geometry: &Geometry) -> String {
    let mut caption = format!(
        "Angle is θ₁, from axis 0 (down) toward axis 1 (right); the other half repeats it, as real images demand. The \
         radius is proportional to frequency{}, the finest scale at the rim.",
        if geometry.gamma < 1.0 {
            format!(" to the power {}", decimals(geometry.gamma, 3))
        } else {
            String::new()
        }
    );
    if paths.max_order() >= 2 {
        caption.push_str(
            " In the right disk every sector is cut again: coarser scales j₂ from its rim inwards, θ₂ = 0° to 180° \
             counter-clockwise.",
        );
    }
    if geometry.L.is_none() {
        caption.push_str(
            " Sectors reach halfway to their neighbours in angle; wavelets of one scale and angle share theirs, the highest \
             frequency outside.",
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
    /// One for every scale, finest first.
    rings: Vec<Ring>,
    /// Number of orientations, if all scales have those at multiples of π/L.
    L: Option<usize>,
    radius: f64,
    gamma: f64,
    /// Outer radius of every ring in pixels, then the inner edge of the last.
    edges: Vec<f64>,
}

/// The wavelets of one scale.
#[derive(Debug, Clone, PartialEq)]
struct Ring {
    j: usize,
    /// In order of their angles.
    lambdas: Vec<usize>,
    sectors: Vec<Sector>,
}

/// The wavelets of one scale and angle: one, as a rule.
#[derive(Debug, Clone, PartialEq)]
struct Sector {
    theta: f64,
    /// From which angle to which, halfway to the neighbours.
    from: f64,
    to: f64,
    /// Highest frequency first.
    lambdas: Vec<usize>,
}

/// One cell of a disk, by its wavelets λ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    ring: usize,
    first: usize,
    /// Where a coarser scale exists.
    second: Option<usize>,
}

/// Angles as close as this are one.
const SAME_ANGLE: f64 = 1e-9;

impl Ring {
    fn new(lambdas: Range<usize>, wavelets: &[Wavelet2d]) -> Self {
        let count = lambdas.len();
        let known = wavelets[lambdas.clone()]
            .iter()
            .all(|wavelet| wavelet.theta.is_finite());
        // Wavelets of unknown angles stand in their order.
        let theta = |lambda: usize| match known {
            true => wavelets[lambda].theta,
            false => (lambda - lambdas.start) as f64 * PI / count as f64,
        };
        let mut sorted: Vec<usize> = lambdas.clone().collect();
        sorted.sort_by(|&a, &b| {
            let by_frequency = || wavelets[b].xi.total_cmp(&wavelets[a].xi);
            theta(a).total_cmp(&theta(b)).then_with(by_frequency)
        });
        let mut sectors: Vec<Sector> = Vec::new();
        for group in sorted.chunk_by(|&a, &b| theta(b) - theta(a) < SAME_ANGLE) {
            let theta = theta(group[0]);
            sectors.push(Sector {
                theta,
                from: theta,
                to: theta,
                lambdas: group.to_vec(),
            });
        }
        let thetas: Vec<f64> = sectors.iter().map(|sector| sector.theta).collect();
        let (first, last) = (thetas[0], thetas[thetas.len() - 1]);
        for (i, sector) in sectors.iter_mut().enumerate() {
            let before = if i == 0 { last - PI } else { thetas[i - 1] };
            let after = thetas.get(i + 1).copied().unwrap_or(first + PI);
            (sector.from, sector.to) =
                (0.5 * (before + sector.theta), 0.5 * (sector.theta + after));
        }
        Self {
            j: wavelets[lambdas.start].j,
            lambdas: sorted,
            sectors,
        }
    }

    /// The sector at an angle, and how far across it that lies, from 0 to 1.
    fn sector(&self, angle: f64) -> (&Sector, f64) {
        let start = self.sectors[0].from;
        let angle = start + (angle - start).rem_euclid(PI);
        let after = self.sectors.partition_point(|sector| sector.from <= angle);
        let sector = &self.sectors[after.max(1) - 1];
        (
            sector,
            ((angle - sector.from) / (sector.to - sector.from)).clamp(0.0, 1.0),
        )
    }
}

/// Which of `count` equal parts a share from 0 to 1 falls into.
fn part(share: f64, count: usize) -> usize {
    ((share * count as f64) as usize).min(count - 1)
}

impl Geometry {
    fn new(paths: &PathTable<Wavelet2d>) -> Self {
        let wavelets = paths.wavelets();
        let mut rings: Vec<Ring> = Vec::new();
        let mut start = 0;
        for row in wavelets.chunk_by(|a, b| a.j == b.j) {
            rings.push(Ring::new(start..start + row.len(), wavelets));
            start += row.len();
        }
        let count = rings[0].sectors.len();
        let regular = |ring: &Ring| {
            let at = |k: usize| (ring.sectors[k].theta - k as f64 * PI / count as f64).abs() < 1e-6;
            ring.lambdas.len() == count && ring.sectors.len() == count && (0..count).all(at)
        };
        let L = rings.iter().all(regular).then_some(count);
        let scales = rings.len();
        let gamma = (4.0 / scales as f64).min(1.0);
        let mut edges: Vec<f64> = (0..=scales).map(|j| (-gamma * j as f64).exp2()).collect();
        let thinnest = (0..scales - 1)
            .map(|j| (edges[j] - edges[j + 1]) / (scales - 1 - j) as f64)
            .fold(1.0, f64::min);
        let radius = (CELL / thinnest).clamp(RADIUS[0], RADIUS[1]).round();
        edges.iter_mut().for_each(|edge| *edge *= radius);
        Self {
            rings,
            L,
            radius,
            gamma,
            edges,
        }
    }

    /// The cell at an offset from the centre, in pixels to the right and down; `None` in the blank centre and outside.
    fn cell(&self, dx: f64, dy: f64) -> Option<Cell> {
        let r = dx.hypot(dy);
        let scales = self.rings.len();
        if r >= self.radius || r < self.edges[scales] {
            return None;
        }
        let ring = self.edges[1..scales].partition_point(|&edge| edge > r);
        let (sector, across) = self.rings[ring].sector(dx.atan2(dy));
        let [outer, inner] = [self.edges[ring], self.edges[ring + 1]];
        let inwards = (outer - r) / (outer - inner) * sector.lambdas.len() as f64;
        let member = part(inwards / sector.lambdas.len() as f64, sector.lambdas.len());
        let coarser = &self.rings[ring + 1..];
        let second = (!coarser.is_empty()).then(|| {
            let second = &coarser[part(inwards - member as f64, coarser.len())].lambdas;
            second[part(across, second.len())]
        });
        Some(Cell {
            ring,
            first: sector.lambdas[member],
            second,
        })
    }

    /// Whether an offset in a ring lies on a border between first-order sectors or rings.
    fn on_border(&self, dx: f64, dy: f64, ring: usize) -> bool {
        let r = dx.hypot(dy);
        if self.edges[ring] - r < 0.5 || r - self.edges[ring + 1] < 0.5 {
            return true;
        }
        let sectors = &self.rings[ring].sectors;
        let (sector, across) = self.rings[ring].sector(dx.atan2(dy));
        let arc = r * (sector.to - sector.from);
        // Where sectors are narrow, borders would hide them.
        sectors.len() > 1 && arc > 6.0 && across.min(1.0 - across) * arc < 0.5
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
                    let ink = if self.on_border(dx, dy, cell.ring) {
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

    /// The angles of wavelets that are written around the disk: all, or as many as there is room for.
    fn angles(&self) -> Vec<f64> {
        if let Some(L) = self.L {
            let all = 0..L;
            return all
                .step_by(L.div_ceil(12))
                .map(|k| k as f64 * PI / L as f64)
                .collect();
        }
        let sectors = self.rings.iter().flat_map(|ring| &ring.sectors);
        let mut thetas: Vec<f64> = sectors.map(|sector| sector.theta).collect();
        thetas.sort_by(f64::total_cmp);
        let mut last = f64::NEG_INFINITY;
        thetas.retain(|&theta| {
            let room = theta - last > PI / 20.0;
            last = if room { theta } else { last };
            room
        });
        thetas
    }

    /// Angles around the disk, and scales along a radius below it.
    fn label(&self, raster: &mut Raster, center: [f64; 2]) {
        for theta in self.angles() {
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
        for j in 0..=self.rings.len() {
            let x = (center[0] + self.edges[j]).floor() + 0.5;
            canvas::stroke(raster, &[[x, level], [x, level + 6.0]], 1.0, BLACK, clip);
            let Some(inner) = self.edges.get(j + 1) else {
                break;
            };
            let room = self.edges[j] - inner;
            let name = self.rings[j].j.to_string();
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
    fn a_constant_image_gives_dark_disks() {
        let plan = crate::Scattering2d::params([48, 40], 3)
            .L(4)
            .plan::<f64>()
            .unwrap();
        for value in [0.3, 1e-12, 7e5] {
            let image = ndarray::Array2::from_elem([48, 40], value);
            let features = plan.transform(&image).unwrap();
            let mut energy: Vec<f64> = (0..plan.paths().len())
                .map(|row| features.energy(row))
                .collect();
            // What rounding leaves differs from machine to machine; it is the square of a rounding of a rounding.
            energy[7] += (value * f64::EPSILON * f64::EPSILON).powi(2);
            energy[3] += (2.0 * value * f64::EPSILON).powi(2);
            assert_eq!(without_rounding(&energy)[1..], vec![0.0; energy.len() - 1]);
            let picture = scattering_disk(plan.paths(), &energy).unwrap();
            let geometry = Geometry::new(plan.paths());
            for order in [1, 2] {
                let center = center(&picture, &geometry, order);
                for k in 0..8 {
                    let seen = look(
                        &picture,
                        center,
                        0.9 * geometry.radius,
                        0.1 + 0.8 * f64::from(k),
                    );
                    assert_eq!(seen, color::magnitude(0.0), "order {order}");
                }
            }
        }
        // One part in 10¹² of the amplitude is structure.
        let energy: Vec<f64> = (0..plan.paths().len())
            .map(|row| if row == 5 { 1e-24 } else { 1.0 })
            .collect();
        assert_eq!(without_rounding(&energy), energy);
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

    /// Scales with other angles, several wavelets of one angle, and angles that nobody knows.
    #[test]
    fn wavelets_of_any_angles_have_sectors_halfway_to_their_neighbours() {
        let psi = |j, l, degrees: f64, xi| {
            let degrees: f64 = degrees;
            Wavelet2d::new(j, l).direction(degrees.to_radians()).xi(xi)
        };
        let wavelets = [
            psi(0, 0, 10.0, 0.3),
            psi(0, 1, 10.0, 0.4),
            psi(0, 2, 100.0, 0.3),
            psi(2, 0, 170.0, 0.1),
            Wavelet2d::new(3, 0),
        ];
        let scales: Vec<_> = wavelets.iter().map(|psi| psi.j).collect();
        let coarser = |path: &[usize], lambda: usize| {
            path.last().map(|&last| scales[last]) < Some(scales[lambda])
        };
        let paths = PathTable::new(wavelets.into(), 2, 1, coarser, |_| (Some(1), 1)).unwrap();
        let geometry = Geometry::new(&paths);
        assert_eq!((geometry.rings.len(), geometry.L), (3, None));
        let cell = |r: f64, degrees: f64| {
            let (sin, cos) = degrees.to_radians().sin_cos();
            let r = r * geometry.radius;
            geometry
                .cell(r * sin, r * cos)
                .map(|cell| (cell.first, cell.second))
        };
        // Of the two at 10° the higher frequency lies outside; each is cut for the scales 2 and 3.
        for degrees in [10.0, 54.0, -34.0, 190.0] {
            assert_eq!(cell(0.97, degrees), Some((1, Some(3))), "{degrees}");
            assert_eq!(cell(0.80, degrees), Some((1, Some(4))), "{degrees}");
            assert_eq!(cell(0.70, degrees), Some((0, Some(3))), "{degrees}");
        }
        for degrees in [56.0, 100.0, 144.0, -80.0] {
            assert_eq!(cell(0.97, degrees).unwrap().0, 2, "{degrees}");
        }
        assert_eq!(cell(0.4, 33.0), Some((3, Some(4))));
        assert_eq!(cell(0.2, 33.0), Some((4, None)));
        scattering_disk(&paths, &vec![1.0; paths.len()]).unwrap();
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
