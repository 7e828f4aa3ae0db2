//! [`lines`], [`scatter`]: curves and points over linear or logarithmic axes.
//!
//! Comes in: named series of points. Goes out: a [`Raster`] with axes, grid and a legend above the plot, where it hides
//! no data.
//!
//! Axes and curves are laid out by `plotters`, which counts in whole pixels. Here it is told a picture `FINE` times
//! larger and draws through `Fine`, so that curves are smooth to that fraction of a pixel and text is our own.
//! Logarithmic axes are linear ones over log10, ticks included.
//!
//! Leaves out: bars, error bars, second axes.

use std::convert::Infallible;
use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::{
    ChartBuilder, Circle, DrawingBackend, IntoDrawingArea, IntoTextStyle, LineSeries, RGBColor,
    TextStyle,
};
use plotters::style::{Color, ShapeStyle};
use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind, FontTransform,
};

use super::text::{self, Align, HEADING, LABEL, Style, TITLE};
use super::{BLACK, GREY, axis, canvas, color, page};
use crate::raster::Raster;
use crate::{Error, Result};

/// Size of the picture that [`lines`] gives, `[width, height]`; a long title or legend makes it higher.
pub const SIZE: [usize; 2] = [880, 560];

/// Rows that title and legend may take before the picture grows.
const HEAD: usize = 120;

/// Steps of the drawing within one pixel.
const FINE: i32 = 8;

/// Beyond it a range of values would overflow.
const LARGEST: f64 = 1e300;

/// Below it a value counts as 0: the steps of an axis would underflow.
const SMALLEST: f64 = 1e-280;

/// Names and points `(x, y)` of the curves of a chart.
pub type Series = [(String, Vec<(f64, f64)>)];

/// How the values of an axis are spread along it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scale {
    /// Equal differences are equally long.
    #[default]
    Linear,
    /// Equal ratios are equally long.
    Log,
}

/// A line chart of [`SIZE`] with grid and legend; `names` and `scales` are those of the horizontal and the vertical axis.
///
/// Series with up to 60 points have a dot at each. Empty titles and axis labels take no space.
///
/// # Errors
/// [`Error::Empty`] if no series has a point, [`Error::InvalidParameter`] if a coordinate is not finite, beyond
/// ±10³⁰⁰, or not positive on a logarithmic axis.
///
/// ```
/// use wavelet_scattering::viz::chart::{self, Scale};
///
/// let series = [("2^n".to_string(), (0..20).map(|n| (f64::from(n), f64::from(1 << n))).collect())];
/// let picture = chart::lines("Powers", ["n", "value"], &series, [Scale::Linear, Scale::Log])?;
/// assert_eq!([picture.width(), picture.height()], chart::SIZE);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn lines(title: &str, names: [&str; 2], series: &Series, scales: [Scale; 2]) -> Result<Raster> {
    marked(title, names, series, scales, &[])
}

/// [`lines`] with values of the horizontal axis marked by upright lines, each with a few words along it. Marks beyond the
/// curves are left out.
///
/// # Errors
/// As [`lines`].
pub fn marked(
    title: &str,
    names: [&str; 2],
    series: &Series,
    scales: [Scale; 2],
    marks: &[(f64, String)],
) -> Result<Raster> {
    sized(SIZE, title, names, series, scales, marks)
}

/// A chart of [`SIZE`] of `points`, a dot each and not connected, over `curves` as [`lines`] has them. The first series of
/// points lies on top.
///
/// # Errors
/// As [`lines`].
///
/// ```
/// use wavelet_scattering::viz::chart::{self, Scale};
///
/// let points = [("found".to_string(), (1..30).map(|x| (f64::from(x), f64::from(x * x % 31))).collect())];
/// let curves = [("expected".to_string(), vec![(1.0, 10.0), (29.0, 20.0)])];
/// let picture = chart::scatter("Squares", ["x", "x² mod 31"], &points, &curves, [Scale::Linear; 2])?;
/// assert_eq!([picture.width(), picture.height()], chart::SIZE);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn scatter(
    title: &str,
    names: [&str; 2],
    points: &Series,
    curves: &Series,
    scales: [Scale; 2],
) -> Result<Raster> {
    let series = [points, curves].concat();
    draw(SIZE, title, names, &series, points.len(), scales, &[])
}

/// [`marked`] in a picture of another size.
pub(super) fn sized(
    [width, height]: [usize; 2],
    title: &str,
    names: [&str; 2],
    series: &Series,
    scales: [Scale; 2],
    marks: &[(f64, String)],
) -> Result<Raster> {
    draw([width, height], title, names, series, 0, scales, marks)
}

/// The picture; the first `loose` series are points.
fn draw(
    [width, height]: [usize; 2],
    title: &str,
    names: [&str; 2],
    series: &Series,
    loose: usize,
    scales: [Scale; 2],
    marks: &[(f64, String)],
) -> Result<Raster> {
    check(series, scales)?;
    let axes = [0, 1].map(|i| Axis::new(series, i, scales[i]));
    // A long title or legend makes the picture higher, not the plot smaller: once to measure, once to draw.
    let top = head(&mut page(width, 1)?, title, series, loose);
    let mut raster = page(width, height + top.saturating_sub(HEAD))?;
    head(&mut raster, title, series, loose);

    let plot = plot(&mut raster, top, names, series, loose, &axes, marks);
    // The backend cannot fail; what else plotters reports is about fonts, which it does not set.
    plot.map_err(|reason| Error::InvalidParameter {
        name: "chart",
        value: title.to_string(),
        limit: format!("the chart cannot be drawn: {reason}"),
    })?;
    Ok(raster)
}

fn check(series: &Series, scales: [Scale; 2]) -> Result<()> {
    if series.iter().all(|(_, points)| points.is_empty()) {
        return Err(Error::Empty {
            shape: vec![series.len(), 0],
        });
    }
    for (name, points) in series {
        for (i, &(x, y)) in points.iter().enumerate() {
            for (value, scale) in [(x, scales[0]), (y, scales[1])] {
                let limit = if value.is_nan() || value.abs() > LARGEST {
                    "coordinates are finite numbers up to 1e300 in modulus; leave the point out"
                } else if scale == Scale::Log && value < SMALLEST {
                    "a logarithmic axis has positive values from 1e-280 on; leave the point out or use a linear axis"
                } else {
                    continue;
                };
                return Err(Error::InvalidParameter {
                    name: "series",
                    value: format!("{value} at point {i} of `{name}`"),
                    limit: limit.into(),
                });
            }
        }
    }
    Ok(())
}

/// One axis: its range in drawn units (log10 where logarithmic), its ticks and their labels.
#[derive(Clone)]
struct Axis {
    scale: Scale,
    range: [f64; 2],
    ticks: Vec<f64>,
    labels: Vec<String>,
}

impl Axis {
    fn new(series: &Series, axis: usize, scale: Scale) -> Self {
        let values = || {
            let points = series.iter().flat_map(|(_, points)| points);
            points.map(move |&(x, y)| if axis == 0 { x } else { y })
        };
        let low = values().fold(f64::INFINITY, f64::min);
        let high = values().fold(f64::NEG_INFINITY, f64::max);
        if scale == Scale::Log {
            let [low, high] = [low.log10(), high.log10()];
            // A fifth of a decade at least, so that ticks differ in their first three digits.
            let share = if axis == 0 { 0.02 } else { 0.05 };
            let air = (share * (high - low)).max(0.5 * (0.2 - (high - low)));
            let [low, high] = [low - air, high + air];
            let ticks = axis::log_ticks(low, high, 6);
            let labels = axis::log_tick_labels(&ticks);
            return Self {
                scale,
                range: [low, high],
                ticks: ticks.iter().map(|tick| tick.log10()).collect(),
                labels,
            };
        }
        let [mut low, mut high] = widened(low, high, axis);
        // A range that nearly reaches 0 may as well show it; values of one sign do not cross it.
        let data = [
            values().fold(f64::INFINITY, f64::min),
            values().fold(f64::NEG_INFINITY, f64::max),
        ];
        if data[0] >= 0.0 && data[0] < 0.4 * data[1] {
            low = 0.0;
        }
        if data[1] <= 0.0 && data[1] > 0.4 * data[0] {
            high = 0.0;
        }
        let ticks = axis::ticks(low, high, if axis == 0 { 8 } else { 6 });
        let labels = axis::tick_labels(&ticks);
        Self {
            scale,
            range: [low, high],
            ticks,
            labels,
        }
    }

    fn place(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Linear => value,
            Scale::Log => value.log10(),
        }
    }
}

impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn range(&self) -> Range<f64> {
        self.range[0]..self.range[1]
    }

    fn map(&self, value: &f64, (first, last): (i32, i32)) -> i32 {
        let share = (value - self.range[0]) / (self.range[1] - self.range[0]);
        (f64::from(first) + share * f64::from(last - first)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Light lines stand between ticks; there are none.
        if hint.weight().allow_light_points() {
            Vec::new()
        } else {
            self.ticks.clone()
        }
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, tick: &f64) -> String {
        let found = self.ticks.iter().position(|t| t == tick);
        found.map_or(String::new(), |i| self.labels[i].clone())
    }
}

/// A range that has an extent, with some air above and below the curves.
fn widened(low: f64, high: f64, axis: usize) -> [f64; 2] {
    let size = low.abs().max(high.abs());
    if size < SMALLEST {
        return [-1.0, 1.0];
    }
    if high - low <= 1e-9 * size {
        return [low - 0.1 * size, high + 0.1 * size];
    }
    let air = if axis == 0 { 0.0 } else { 0.05 * (high - low) };
    [low - air, high + air]
}

/// Title and legend; returns the row below them.
fn head(raster: &mut Raster, title: &str, series: &Series, loose: usize) -> usize {
    let (left, right) = (24.0, raster.width() as f64 - 16.0);
    let mut y = 16;
    for line in text::wrap(title, TITLE, right - left) {
        text::draw(raster, [left, y as f64], Style::new(TITLE, BLACK), &line);
        y += text::line_height(TITLE);
    }
    if series.iter().all(|(name, _)| name.is_empty()) {
        return y;
    }
    let mut x = left;
    y += 4;
    let clip = canvas::everywhere(raster);
    for (i, (name, _)) in series.iter().enumerate() {
        let width = 28.0 + text::width(name, LABEL) + 22.0;
        if x > left && x + width > right {
            x = left;
            y += text::line_height(LABEL) + 2;
        }
        let middle = y as f64 + 5.5;
        let ink = color::item(i, series.len());
        if i < loose {
            canvas::stroke(raster, &[[x + 10.0, middle]], 5.5, ink, clip);
        } else {
            canvas::stroke(raster, &[[x, middle], [x + 20.0, middle]], 2.5, ink, clip);
        }
        text::draw(raster, [x + 28.0, y as f64], Style::new(LABEL, BLACK), name);
        x += width;
    }
    y + text::line_height(LABEL)
}

/// Axes, grid and curves below row `top`.
fn plot(
    raster: &mut Raster,
    top: usize,
    names: [&str; 2],
    series: &Series,
    loose: usize,
    axes: &[Axis; 2],
    marks: &[(f64, String)],
) -> Result<(), Box<dyn std::error::Error>> {
    let fine = |pixels: f64| (f64::from(FINE) * pixels) as u32;
    let style = |[r, g, b]: [u8; 3], width: f64| ShapeStyle {
        color: RGBColor(r, g, b).to_rgba(),
        filled: true,
        stroke_width: fine(width),
    };
    let y_labels = axes[1]
        .labels
        .iter()
        .map(|label| text::width(label, LABEL))
        .fold(0.0, f64::max);
    let name_space = |name: &str| {
        if name.is_empty() {
            0.0
        } else {
            text::line_height(HEADING) as f64 + 4.0
        }
    };

    let root = Fine { raster }.into_drawing_area();
    let mut chart = ChartBuilder::on(&root)
        .margin_top(fine(top as f64 + 6.0))
        .margin_right(fine(28.0))
        .margin_bottom(fine(16.0))
        .margin_left(fine(16.0))
        .x_label_area_size(fine(14.0 + LABEL + name_space(names[0])))
        .y_label_area_size(fine(14.0 + y_labels + name_space(names[1])))
        .build_cartesian_2d(axes[0].clone(), axes[1].clone())?;

    let label = |size: f64| -> TextStyle<'static> {
        ("sans-serif", f64::from(FINE) * size).into_text_style(&root)
    };
    let tick = fine(5.0) as i32;
    chart
        .configure_mesh()
        .bold_line_style(style([225; 3], 1.0))
        .x_desc(names[0])
        .y_desc(names[1])
        .label_style(label(LABEL))
        .axis_desc_style(label(HEADING))
        .axis_style(style([60; 3], 1.0))
        .set_all_tick_mark_size(tick)
        .draw()?;
    let [bottom, top] = axes[1].range;
    let inside = |at: &f64| axes[0].range[0] <= *at && *at <= axes[0].range[1];
    let marks = marks.iter().map(|(at, words)| (axes[0].place(*at), words));
    let marks: Vec<_> = marks.filter(|(at, _)| inside(at)).collect();
    for &(at, _) in &marks {
        chart.draw_series(LineSeries::new([(at, bottom), (at, top)], style(GREY, 1.0)))?;
    }
    // Curves in their order, then points, the first ones last.
    for i in (loose..series.len()).chain((0..loose).rev()) {
        let points = &series[i].1;
        let style = style(color::item(i, series.len()), 1.75);
        let placed = || {
            points
                .iter()
                .map(|&(x, y)| (axes[0].place(x), axes[1].place(y)))
        };
        if i >= loose {
            chart.draw_series(LineSeries::new(placed(), style))?;
        }
        if i < loose || points.len() <= 60 {
            chart.draw_series(placed().map(|point| Circle::new(point, fine(2.75), style)))?;
        }
    }
    root.present()?;
    let words = marks.iter().map(|&(at, words)| {
        let (x, y) = chart.backend_coord(&(at, top));
        (Fine::pixel([x, y]), words)
    });
    let words: Vec<_> = words.collect();
    drop((chart, root));
    for ([x, y], words) in words {
        // Upwards along the line, ending at the top of the plot.
        let style = Style {
            upwards: true,
            ..Style::new(LABEL, GREY).align(Align::End, Align::End)
        };
        text::draw(raster, [x - 4.0, y + 6.0], style, words);
    }
    Ok(())
}

/// A backend for plotters in steps of 1/`FINE` pixel.
struct Fine<'a> {
    raster: &'a mut Raster,
}

impl Fine<'_> {
    fn pixel([x, y]: [i32; 2]) -> [f64; 2] {
        [
            f64::from(x) / f64::from(FINE),
            f64::from(y) / f64::from(FINE),
        ]
    }

    fn stroke<S: BackendStyle>(&mut self, points: &[BackendCoord], style: &S) {
        let mut points: Vec<[f64; 2]> = points.iter().map(|&(x, y)| Self::pixel([x, y])).collect();
        let width = f64::from(style.stroke_width()) / f64::from(FINE);
        // Rules and ticks stand on whole pixels, where they are sharp.
        if let [a, b] = &mut points[..] {
            for axis in [0, 1] {
                if a[axis] == b[axis] {
                    a[axis] = a[axis].floor() + 0.5;
                    b[axis] = a[axis];
                }
            }
        }
        let (r, g, b) = style.color().rgb;
        let clip = canvas::everywhere(self.raster);
        canvas::stroke(self.raster, &points, width, [r, g, b], clip);
    }
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl DrawingBackend for Fine<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        // `page` keeps sides below 2^14.
        (
            FINE as u32 * self.raster.width() as u32,
            FINE as u32 * self.raster.height() as u32,
        )
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, (x, y): BackendCoord, color: BackendColor) -> Drawn {
        let (r, g, b) = color.rgb;
        canvas::blend(
            self.raster,
            i64::from(x / FINE),
            i64::from(y / FINE),
            [r, g, b],
            color.alpha,
        );
        Ok(())
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.stroke(&[from, to], style);
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let points: Vec<_> = path.into_iter().collect();
        self.stroke(&points, style);
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        (x, y): BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Drawn {
        let (r, g, b) = style.color().rgb;
        let clip = canvas::everywhere(self.raster);
        let diameter = 2.0 * f64::from(radius) / f64::from(FINE);
        canvas::stroke(
            self.raster,
            &[Self::pixel([x, y])],
            diameter,
            [r, g, b],
            clip,
        );
        Ok(())
    }

    fn estimate_text_size<S: BackendTextStyle>(
        &self,
        text: &str,
        style: &S,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        Ok((
            text::width(text, style.size()).ceil() as u32,
            style.size().ceil() as u32,
        ))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x, y): BackendCoord,
    ) -> Drawn {
        let anchor = style.anchor();
        let along = match anchor.h_pos {
            HPos::Left => Align::Start,
            HPos::Center => Align::Middle,
            HPos::Right => Align::End,
        };
        let across = match anchor.v_pos {
            VPos::Top => Align::Start,
            VPos::Center => Align::Middle,
            VPos::Bottom => Align::End,
        };
        let upwards = matches!(style.transform(), FontTransform::Rotate270);
        let set = Style {
            upwards,
            ..Style::new(style.size() / f64::from(FINE), BLACK).align(along, across)
        };
        text::draw(self.raster, Self::pixel([x, y]), set, text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINEAR: [Scale; 2] = [Scale::Linear; 2];
    const LOG: [Scale; 2] = [Scale::Log; 2];

    fn named(points: &[(f64, f64)]) -> Vec<(String, Vec<(f64, f64)>)> {
        vec![("a".to_string(), points.to_vec())]
    }

    /// Pixels of the first series' colour.
    fn curve(raster: &Raster) -> Vec<[usize; 2]> {
        let color = color::item(0, 1);
        let all = (0..raster.height()).flat_map(|y| (0..raster.width()).map(move |x| [x, y]));
        all.filter(|&[x, y]| raster.pixel(x, y) == color).collect()
    }

    #[test]
    fn a_rising_line_rises() {
        let points: Vec<_> = (0..100)
            .map(|i| (f64::from(i), 3.0 * f64::from(i)))
            .collect();
        let picture = lines("t", ["x", "y"], &named(&points), LINEAR).unwrap();
        assert_eq!([picture.width(), picture.height()], SIZE);
        let pixels: Vec<_> = curve(&picture)
            .into_iter()
            .filter(|&[_, y]| y > 100)
            .collect();
        let left = pixels.iter().min_by_key(|[x, _]| x).unwrap();
        let right = pixels.iter().max_by_key(|[x, _]| x).unwrap();
        assert!(
            right[0] - left[0] > 700 && left[1] > right[1] + 350,
            "{left:?} {right:?}"
        );
    }

    #[test]
    fn a_power_law_is_straight_on_logarithmic_axes() {
        let points: Vec<_> = (0..200)
            .map(|i| 10_f64.powf(f64::from(i) / 40.0))
            .map(|x| (x, x * x))
            .collect();
        let picture = lines("", ["", ""], &named(&points), LOG).unwrap();
        let pixels: Vec<_> = curve(&picture)
            .into_iter()
            .filter(|&[_, y]| y > 60)
            .collect();
        let ends = [
            pixels.iter().min_by_key(|p| p[0]).unwrap(),
            pixels.iter().max_by_key(|p| p[0]).unwrap(),
        ]
        .map(|p| p.map(|c| c as f64));
        for [x, y] in pixels.iter().map(|p| p.map(|c| c as f64)) {
            let t = (x - ends[0][0]) / (ends[1][0] - ends[0][0]);
            assert!((y - ends[0][1] - t * (ends[1][1] - ends[0][1])).abs() < 4.0);
        }
    }

    #[test]
    fn points_of_a_scatter_are_not_connected() {
        let points = named(&[(0.0, 0.0), (10.0, 10.0)]);
        let curves = [("b".to_string(), vec![(0.0, 10.0), (10.0, 0.0)])];
        let picture = scatter("", ["x", "y"], &points, &curves, LINEAR).unwrap();
        let pixels = |index: usize| {
            let ink = color::item(index, 2);
            let all = (0..picture.height()).flat_map(|y| (0..picture.width()).map(move |x| [x, y]));
            all.filter(|&[x, y]| picture.pixel(x, y) == ink && y > 60)
                .count()
        };
        // Two dots of five pixels and a half, and a curve across the picture.
        assert!((20..70).contains(&pixels(0)), "{}", pixels(0));
        assert!(pixels(1) > 500, "{}", pixels(1));
        assert!(scatter("", ["x", "y"], &[], &curves, LINEAR).is_ok());
        assert!(scatter("", ["x", "y"], &points, &[], LINEAR).is_ok());
        assert!(matches!(
            scatter("", ["x", "y"], &[], &[], LINEAR),
            Err(Error::Empty { .. })
        ));
    }

    #[test]
    fn extreme_ranges_are_drawn() {
        for points in [
            &[(0.0, 0.0)][..],
            &[(5.0, 1e300), (6.0, -1e300)],
            &[(1e-300, 5e-324), (2e-300, 0.0)],
            &[(1.0, 1.0), (1.0, 1.0 + 1e-15)],
            &[(-1e300, 3.0), (1e300, 3.0)],
        ] {
            lines("extreme", ["x", "y"], &named(points), LINEAR).unwrap();
        }
        lines(
            "extreme",
            ["x", "y"],
            &named(&[(1e-280, 1e300), (1e300, 1e-280)]),
            LOG,
        )
        .unwrap();
        lines("one", ["x", "y"], &named(&[(3.0, 1.0)]), LOG).unwrap();
        let close = [(1e300, 1.0), (1e300 * (1.0 - 1e-16), 1.0 + 1e-15)];
        lines("close", ["x", "y"], &named(&close), LOG).unwrap();
        let many: Vec<_> = (0..40)
            .map(|i| (format!("series {i}"), vec![(0.0, f64::from(i))]))
            .collect();
        let long = lines(&"long title ".repeat(60), ["x", "y"], &many, LINEAR).unwrap();
        assert!(long.height() > SIZE[1]);
    }

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let refused =
            |points: &[(f64, f64)], x| lines("t", ["x", "y"], &named(points), [x, Scale::Linear]);
        assert!(matches!(
            refused(&[], Scale::Linear),
            Err(Error::Empty { .. })
        ));
        assert!(matches!(
            lines("t", ["x", "y"], &[], LINEAR),
            Err(Error::Empty { .. })
        ));
        for bad in [f64::NAN, f64::INFINITY, -1e301] {
            assert!(matches!(
                refused(&[(1.0, 1.0), (bad, 1.0)], Scale::Linear),
                Err(Error::InvalidParameter { .. })
            ));
            assert!(matches!(
                refused(&[(1.0, bad)], Scale::Linear),
                Err(Error::InvalidParameter { .. })
            ));
        }
        assert!(matches!(
            refused(&[(0.0, 1.0)], Scale::Log),
            Err(Error::InvalidParameter { .. })
        ));
    }
}
