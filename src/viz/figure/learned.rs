//! Filters that a network learned beside those of a wavelet bank: in space, in frequency, counted, and in pairs.
//!
//! Comes in: kernels, moduli of transfer functions, counts, as plain arrays; who made them does not matter here. Goes
//! out: one [`Raster`] per figure.
//!
//! - [`kernels`]: the kernels of one set;
//! - [`side_by_side`]: kernels, Fourier moduli and Littlewood-Paley sums of two [`Bank`]s;
//! - [`plane`]: half-height contours and centres of two banks in the frequency plane;
//! - [`histograms`]: bars, with the places of the wavelets marked;
//! - [`pairs`]: each kernel beside its nearest wavelet;
//! - [`traces`]: kernels of one axis in time, each with what stands for it drawn over it;
//! - [`spectra`]: moduli of their transfer functions, a row each, over octaves.
//!
//! Conventions that bite: every kernel has its own symmetric scale, −m to m with m its largest modulus, and so has every
//! modulus; Littlewood-Paley sums are drawn over their own maximum. Axis 0 runs down, axis 1 to the right.

use ndarray::{Array1, Array2};

use super::super::axis::{decimals, log_tick_labels, log_ticks, number, tick_labels, ticks};
use super::super::panel;
use super::super::text::{self, Align, HEADING, LABEL, Style};
use super::super::{BLACK, FRAME, GREY, canvas, color};
use super::frequency_plane::{self, contour};
use super::sheet::{MARGIN, headed};
use crate::filters::FrameBounds;
use crate::raster::Raster;
use crate::{Error, Result};

/// Width of one of the two columns, and the space between them.
const COLUMN: usize = 560;
const BETWEEN: usize = 48;

/// Sides of a tile in pixels.
const TILES: [usize; 2] = [12, 64];

/// A set of filters, however they came about.
#[derive(Debug, Clone)]
pub struct Bank<'a> {
    /// What they are.
    pub title: String,
    /// Kernels in space.
    pub kernels: &'a [Array2<f64>],
    /// Moduli of their transfer functions on a DFT grid, natural order.
    pub moduli: &'a [Array2<f64>],
    /// Littlewood-Paley sum on such a grid, natural order.
    pub sum: &'a Array2<f64>,
    /// Its least and its largest value.
    pub bounds: FrameBounds,
    /// Wave vectors in cycles per pixel, in axis order, each with its ink.
    pub centers: Vec<([f64; 2], [u8; 3])>,
}

/// Columns and side of a tile such that `count` tiles with gaps fill a width as a wide rectangle.
fn tiling(count: usize, width: usize, gap: usize) -> (usize, usize) {
    let columns = ((1.6 * count.max(1) as f64).sqrt().ceil() as usize).max(1);
    let side = (width + gap) / columns;
    let side = side.saturating_sub(gap).clamp(TILES[0], TILES[1]);
    (((width + gap) / (side + gap)).min(count.max(1)), side)
}

/// Draws arrays as square tiles, row by row.
fn tiles(
    raster: &mut Raster,
    [x, y]: [usize; 2],
    arrays: &[Array2<f64>],
    spans: impl Fn([usize; 2]) -> [panel::Span; 2],
    color: impl Fn(f64) -> [u8; 3],
) {
    const GAP: usize = 4;
    let (columns, side) = tiling(arrays.len(), COLUMN, GAP);
    for (index, array) in arrays.iter().enumerate() {
        let at = [
            x + index % columns * (side + GAP),
            y + index / columns * (side + GAP),
        ];
        tile(
            raster,
            at,
            side,
            array,
            spans([array.nrows(), array.ncols()]),
            &color,
        );
    }
}

/// Rows that [`tiles`] take.
fn tiles_height(count: usize) -> usize {
    let (columns, side) = tiling(count, COLUMN, 4);
    count.div_ceil(columns) * (side + 4)
}

/// One array over its largest modulus.
fn tile(
    raster: &mut Raster,
    [x, y]: [usize; 2],
    side: usize,
    array: &Array2<f64>,
    spans: [panel::Span; 2],
    color: impl Fn(f64) -> [u8; 3],
) {
    let largest = array.fold(f64::MIN_POSITIVE, |max, value| max.max(value.abs()));
    let shown = panel::resample(&array.mapv(|value| value / largest), spans, [side, side]);
    panel::image(raster, [x, y], &shown, |&value| color(value));
    if side >= 24 {
        canvas::frame(raster, x, y, side, side, FRAME);
    }
}

/// The whole of a kernel, its index `[0, 0]` at the upper left.
fn whole_kernel(shape: [usize; 2]) -> [panel::Span; 2] {
    shape.map(|n| [-0.5, n as f64 - 0.5])
}

fn refuse_empty(banks: &[&Bank]) -> Result<()> {
    for bank in banks {
        refuse_without_samples(bank.kernels)?;
        refuse_without_samples(bank.moduli)?;
        refuse_without_samples([bank.sum])?;
    }
    Ok(())
}

/// Refuses no arrays, and arrays without samples.
fn refuse_without_samples<'a>(arrays: impl IntoIterator<Item = &'a Array2<f64>>) -> Result<()> {
    let mut count = 0;
    for array in arrays {
        if array.is_empty() {
            return Err(Error::Empty {
                shape: array.shape().to_vec(),
            });
        }
        count += 1;
    }
    if count == 0 {
        return Err(Error::Empty { shape: vec![0] });
    }
    Ok(())
}

fn heading(raster: &mut Raster, [x, y]: [usize; 2], words: &str) {
    let at = [x as f64, y as f64];
    text::draw(raster, at, Style::new(HEADING, BLACK), words);
}

/// The kernels of one set, as tiles.
///
/// # Errors
/// [`Error::Empty`] without kernels or samples, [`Error::InvalidParameter`] if the picture would be too large.
pub fn kernels(title: &str, kernels: &[Array2<f64>]) -> Result<Raster> {
    refuse_without_samples(kernels)?;
    let caption = "Blue below and red above zero; every kernel is on its own scale.";
    let width = 2 * MARGIN + COLUMN;
    let (mut raster, top) = headed(width, tiles_height(kernels.len()), title, caption)?;
    tiles(
        &mut raster,
        [MARGIN, top],
        kernels,
        whole_kernel,
        color::signed,
    );
    Ok(raster)
}

/// Kernels, Fourier moduli and Littlewood-Paley sums of two banks, one beside the other.
///
/// # Errors
/// [`Error::Empty`] for a bank without filters or samples, [`Error::InvalidParameter`] if the picture would be too large.
pub fn side_by_side(left: &Bank, right: &Bank) -> Result<Raster> {
    refuse_empty(&[left, right])?;
    const PLANE: usize = 300;
    let banks = [left, right];
    let line = text::line_height(HEADING) + 6;
    let height = |of: fn(&Bank) -> usize| {
        banks.map(|bank| tiles_height(of(bank)))[0].max(tiles_height(of(right)))
    };
    let space = height(|bank| bank.kernels.len());
    let frequency = height(|bank| bank.moduli.len());
    let below = 4 * line + space + frequency + 40 + PLANE + 60;
    let width = 2 * MARGIN + 2 * COLUMN + BETWEEN;
    let caption = "Kernels in space, blue below and red above zero; moduli of their transfer functions with frequency 0 \
                   in the middle, dark at zero; the Littlewood-Paley sum over the frequency plane. Every kernel, \
                   modulus and sum is on its own scale.";
    let title = format!("{} beside {}", left.title, right.title);
    let (mut raster, top) = headed(width, below, &title, caption)?;
    for (index, bank) in banks.into_iter().enumerate() {
        let x = MARGIN + index * (COLUMN + BETWEEN);
        let mut y = top;
        heading(&mut raster, [x, y], &format!("{}: in space", bank.title));
        y += line;
        tiles(
            &mut raster,
            [x, y],
            bank.kernels,
            whole_kernel,
            color::signed,
        );
        y += space + 14;
        heading(&mut raster, [x, y], "Fourier modulus");
        y += line;
        let period = |shape: [usize; 2]| shape.map(panel::whole_period);
        tiles(&mut raster, [x, y], bank.moduli, period, color::magnitude);
        y += frequency + 14;
        let bounds = format!(
            "Littlewood-Paley sum: A = {}, B = {}",
            number(bank.bounds.lower),
            number(bank.bounds.upper)
        );
        heading(&mut raster, [x, y], &bounds);
        y += line;
        let spans = [bank.sum.nrows(), bank.sum.ncols()].map(panel::whole_period);
        let corner = [x + 76, y];
        tile(
            &mut raster,
            corner,
            PLANE,
            bank.sum,
            spans,
            color::magnitude,
        );
        frequency_plane::axes(&mut raster, corner, PLANE);
        let bar = panel::Bar::from_zero(bank.bounds.upper.max(f64::MIN_POSITIVE), PLANE);
        bar.draw_upright(&mut raster, [corner[0] + PLANE + 16, y], |value| {
            color::magnitude(value / bank.bounds.upper.max(f64::MIN_POSITIVE))
        });
    }
    Ok(raster)
}

/// Half-height contours of every filter, and where the waves are, for two banks in the frequency plane.
///
/// # Errors
/// [`Error::Empty`] for a bank without filters or samples.
pub fn plane(left: &Bank, right: &Bank) -> Result<Raster> {
    refuse_empty(&[left, right])?;
    const SIDE: usize = 440;
    let width = 2 * MARGIN + 2 * COLUMN + BETWEEN;
    let line = text::line_height(HEADING) + 8;
    let caption = "Lines: where the transfer function of a filter has half its largest modulus. Dots: wave vectors of \
                   the filters, those of real kernels from their Gabor fits; every dot stands for its mirror image too.";
    let (mut raster, top) = headed(width, line + SIDE + 56, "In the frequency plane", caption)?;
    for (index, bank) in [left, right].into_iter().enumerate() {
        let x = MARGIN + index * (COLUMN + BETWEEN);
        heading(&mut raster, [x, top], &bank.title);
        let corner = [x + 76, top + line];
        canvas::frame(&mut raster, corner[0], corner[1], SIDE, SIDE, FRAME);
        // Many contours hide one another; the paler, the more there are.
        let ink = if bank.moduli.len() > 40 {
            [190, 202, 214]
        } else {
            [150, 170, 190]
        };
        for modulus in bank.moduli {
            let peak = modulus.fold(0.0_f64, |max, &value| max.max(value));
            if peak > 0.0 {
                contour(&mut raster, corner, SIDE, modulus, 0.5 * peak, 1.0, ink);
            }
        }
        let clip = [
            corner[0] as f64,
            corner[1] as f64,
            (corner[0] + SIDE) as f64,
            (corner[1] + SIDE) as f64,
        ];
        for &([k0, k1], ink) in &bank.centers {
            // Of the two ends of a wave vector, the one in the right half.
            let sign = if k1 < 0.0 || (k1 == 0.0 && k0 < 0.0) {
                -1.0
            } else {
                1.0
            };
            let place = |k: f64, origin: usize| origin as f64 + (sign * k + 0.5) * SIDE as f64;
            let at = [place(k1, corner[0]), place(k0, corner[1])];
            canvas::stroke(&mut raster, &[at], 8.0, BLACK, clip);
            canvas::stroke(&mut raster, &[at], 6.0, ink, clip);
        }
        frequency_plane::axes(&mut raster, corner, SIDE);
    }
    Ok(raster)
}

/// Bars between edges, with marks on the axis.
#[derive(Debug, Clone)]
pub struct Bars {
    /// What is counted.
    pub title: String,
    /// Name of the horizontal axis.
    pub axis: String,
    /// Ends of the bins, one more than there are counts.
    pub edges: Vec<f64>,
    /// Heights.
    pub counts: Vec<usize>,
    /// Places of the wavelets.
    pub marks: Vec<f64>,
    /// Whether edges and marks are log2 of what the axis shows: its numbers are then powers of 2.
    pub octaves: bool,
}

/// Histograms side by side; a triangle and a line stand at each mark.
///
/// # Errors
/// [`Error::Empty`] without histograms; [`Error::WrongShape`] if one has not one more edge than counts;
/// [`Error::InvalidParameter`] if edges do not grow or are not finite.
pub fn histograms(caption: &str, bars: &[Bars]) -> Result<Raster> {
    const HEIGHT: usize = 260;
    if bars.is_empty() {
        return Err(Error::Empty { shape: vec![0] });
    }
    for bars in bars {
        if bars.counts.is_empty() || bars.edges.len() != bars.counts.len() + 1 {
            return Err(Error::WrongShape {
                what: "the edges of a histogram",
                got: vec![bars.edges.len()],
                expected: format!("{}, one more than counts", bars.counts.len() + 1),
            });
        }
        let grows = |pair: &[f64]| pair[0] < pair[1] && pair[0].is_finite() && pair[1].is_finite();
        if let Some(pair) = bars.edges.windows(2).find(|pair| !grows(pair)) {
            return Err(Error::InvalidParameter {
                name: "edges",
                value: format!("{} before {}", pair[0], pair[1]),
                limit: "the edges of a histogram are finite and grow".into(),
            });
        }
    }
    let width = 2 * MARGIN + bars.len() * COLUMN + (bars.len() - 1) * BETWEEN;
    let line = text::line_height(HEADING) + 8;
    let (mut raster, top) = headed(width, line + HEIGHT + 64, "Where the filters lie", caption)?;
    for (index, bars) in bars.iter().enumerate() {
        let x = MARGIN + index * (COLUMN + BETWEEN);
        heading(&mut raster, [x, top], &bars.title);
        histogram(
            &mut raster,
            [x + 44, top + line],
            [COLUMN - 44, HEIGHT],
            bars,
        );
    }
    Ok(raster)
}

fn histogram(raster: &mut Raster, [x, y]: [usize; 2], [width, height]: [usize; 2], bars: &Bars) {
    let largest = bars.counts.iter().copied().max().unwrap_or(0).max(1);
    let (low, high) = (bars.edges[0], bars.edges[bars.counts.len()]);
    let across = |value: f64| x as f64 + (value - low) / (high - low) * width as f64;
    let up = |count: f64| y as f64 + (1.0 - count / (1.08 * largest as f64)) * height as f64;
    let bottom = y + height;

    let counts = ticks(0.0, largest as f64, 4);
    for tick in counts.iter().filter(|tick| tick.fract() == 0.0) {
        let at = up(*tick).round() as usize;
        canvas::fill(raster, x, at.min(bottom), width, 1, [228; 3]);
        let style = Style::new(LABEL, BLACK).align(Align::End, Align::Middle);
        text::draw(
            raster,
            [x as f64 - 8.0, at as f64],
            style,
            &decimals(*tick, 0),
        );
    }
    for (bin, &count) in bars.counts.iter().enumerate() {
        let [from, to] =
            [bars.edges[bin], bars.edges[bin + 1]].map(|edge| across(edge).round() as usize);
        let top = up(count as f64).round() as usize;
        canvas::fill(
            raster,
            from + 1,
            top,
            (to - from).saturating_sub(1),
            bottom - top,
            color::item(0, 2),
        );
    }
    let clip = canvas::everywhere(raster);
    for &mark in &bars.marks {
        let at = across(mark);
        let ink = color::item(1, 2);
        canvas::stroke(
            raster,
            &[[at, y as f64], [at, bottom as f64]],
            1.0,
            ink,
            clip,
        );
        for row in 0..7 {
            let half = 0.6 * f64::from(7 - row);
            let level = y as f64 + f64::from(row) - 8.0;
            canvas::stroke(
                raster,
                &[[at - half, level], [at + half, level]],
                1.0,
                ink,
                clip,
            );
        }
    }
    canvas::fill(raster, x, bottom, width, 1, BLACK);
    let mut places = ticks(low, high, 7);
    let labels = if bars.octaves {
        places.retain(|tick| tick.fract() == 0.0);
        places.iter().map(|tick| number(tick.exp2())).collect()
    } else {
        tick_labels(&places)
    };
    for (tick, label) in places.iter().zip(labels) {
        let at = across(*tick);
        canvas::fill(raster, at.round() as usize, bottom, 1, 5, BLACK);
        let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
        text::draw(raster, [at, bottom as f64 + 9.0], style, &label);
    }
    let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
    let middle = x as f64 + 0.5 * width as f64;
    text::draw(raster, [middle, bottom as f64 + 32.0], style, &bars.axis);
}

/// A kernel and the wavelet nearest to it.
#[derive(Debug, Clone)]
pub struct Pair<'a> {
    /// What was learned.
    pub kernel: &'a Array2<f64>,
    /// The wavelet, on the same samples.
    pub wavelet: &'a Array2<f64>,
    /// One or two lines below.
    pub label: Vec<String>,
}

/// Pairs of kernels, the learned one on the left of each, in the order given.
///
/// # Errors
/// [`Error::Empty`] without pairs or samples, [`Error::InvalidParameter`] if the picture would be too large.
pub fn pairs(title: &str, caption: &str, pairs: &[Pair]) -> Result<Raster> {
    refuse_without_samples(pairs.iter().flat_map(|pair| [pair.kernel, pair.wavelet]))?;
    const SIDE: usize = 72;
    const PITCH: usize = 2 * SIDE + 4 + 24;
    let columns = ((2 * COLUMN + BETWEEN + 24) / PITCH).min(pairs.len().max(5));
    let lines = pairs.iter().map(|pair| pair.label.len()).max().unwrap_or(0);
    let pitch = SIDE + lines * text::line_height(LABEL) + 22;
    let width = 2 * MARGIN + columns * PITCH - 24;
    let below = pairs.len().div_ceil(columns) * pitch;
    let (mut raster, top) = headed(width, below, title, caption)?;
    for (index, pair) in pairs.iter().enumerate() {
        let x = MARGIN + index % columns * PITCH;
        let y = top + index / columns * pitch;
        for (part, kernel) in [pair.kernel, pair.wavelet].into_iter().enumerate() {
            let spans = whole_kernel([kernel.nrows(), kernel.ncols()]);
            tile(
                &mut raster,
                [x + part * (SIDE + 4), y],
                SIDE,
                kernel,
                spans,
                color::signed,
            );
        }
        for (i, label) in pair.label.iter().enumerate() {
            let at = [
                x as f64,
                (y + SIDE + 7 + i * text::line_height(LABEL)) as f64,
            ];
            let ink = if i == 0 { BLACK } else { GREY };
            text::draw(&mut raster, at, Style::new(LABEL, ink), label);
        }
    }
    Ok(raster)
}

/// A kernel of one axis and what stands for it.
#[derive(Debug, Clone)]
pub struct Trace<'a> {
    /// What was learned.
    pub kernel: &'a Array1<f64>,
    /// What comes close to it, on the same samples.
    pub model: Option<Array1<f64>>,
    /// One or two lines below.
    pub label: Vec<String>,
}

/// Kernels of one axis in time, in the order given, each on its own scale and with its model over it.
///
/// # Errors
/// [`Error::Empty`] without kernels or samples, [`Error::WrongShape`] for a model of another length,
/// [`Error::InvalidParameter`] if the picture would be too large.
pub fn traces(title: &str, caption: &str, traces: &[Trace]) -> Result<Raster> {
    const PANEL: [usize; 2] = [136, 64];
    const GAP: usize = 10;
    if traces.is_empty() || traces.iter().any(|trace| trace.kernel.is_empty()) {
        return Err(Error::Empty {
            shape: vec![traces.len(), 0],
        });
    }
    for trace in traces {
        if let Some(model) = trace
            .model
            .as_ref()
            .filter(|m| m.len() != trace.kernel.len())
        {
            return Err(Error::WrongShape {
                what: "the model of a kernel",
                got: vec![model.len()],
                expected: format!("{} samples, as the kernel", trace.kernel.len()),
            });
        }
    }
    let width = 2 * MARGIN + 2 * COLUMN + BETWEEN;
    let columns = (width - 2 * MARGIN + GAP) / (PANEL[0] + GAP);
    let lines = traces.iter().map(|trace| trace.label.len()).max();
    let pitch = PANEL[1] + lines.unwrap_or(0) * text::line_height(LABEL) + 18;
    let below = traces.len().div_ceil(columns) * pitch;
    let (mut raster, top) = headed(width, below, title, caption)?;
    for (index, trace) in traces.iter().enumerate() {
        let x = MARGIN + index % columns * (PANEL[0] + GAP);
        let y = top + index / columns * pitch;
        let [left, upper, wide, high] = [x, y, PANEL[0], PANEL[1]].map(|value| value as f64);
        let curves = [Some(trace.kernel), trace.model.as_ref()];
        let largest = (curves.iter().flatten())
            .flat_map(|curve| curve.iter())
            .fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()));
        let middle = upper + 0.5 * high;
        canvas::fill(&mut raster, x, middle as usize, PANEL[0], 1, [230; 3]);
        for (curve, ink) in curves.iter().zip([color::item(0, 2), color::item(1, 2)]) {
            let Some(curve) = curve else { continue };
            let step = wide / curve.len() as f64;
            let points: Vec<_> = (curve.iter().enumerate())
                .map(|(t, value)| {
                    let x = left + (t as f64 + 0.5) * step;
                    [x, middle - value / largest * (0.5 * high - 3.0)]
                })
                .collect();
            let clip = [left, upper, left + wide, upper + high];
            canvas::stroke(&mut raster, &points, 1.2, ink, clip);
        }
        canvas::frame(&mut raster, x, y, PANEL[0], PANEL[1], FRAME);
        for (i, label) in trace.label.iter().enumerate() {
            let row = y + PANEL[1] + 7 + i * text::line_height(LABEL);
            let ink = if i == 0 { BLACK } else { GREY };
            let at = [x as f64, row as f64];
            text::draw(&mut raster, at, Style::new(LABEL, ink), label);
        }
    }
    Ok(raster)
}

/// Moduli of transfer functions of kernels of one axis.
#[derive(Debug, Clone)]
pub struct Spectra<'a> {
    /// `[filters, n]`, at n frequencies evenly from 0 to `highest`, the first filter on top.
    pub moduli: &'a Array2<f64>,
    /// Where on the axis each filter has its dot, if anywhere.
    pub centers: Vec<Option<f64>>,
    /// The last of the frequencies, in units of the axis.
    pub highest: f64,
    /// Where the axis begins, above 0.
    pub lowest: f64,
    /// Name of the axis.
    pub axis: String,
}

/// Moduli as rows of colour over octaves of frequency, each over its maximum.
///
/// # Errors
/// [`Error::Empty`] without filters or with fewer than two frequencies; [`Error::InvalidParameter`] if the axis does not
/// begin above 0 and below its end, or the picture would be too large.
pub fn spectra(title: &str, caption: &str, spectra: &Spectra) -> Result<Raster> {
    const LEFT: usize = 56;
    let (filters, frequencies) = spectra.moduli.dim();
    if filters == 0 || frequencies < 2 {
        return Err(Error::Empty {
            shape: vec![filters, frequencies],
        });
    }
    let [low, high] = [spectra.lowest, spectra.highest];
    if !(low > 0.0 && low < high && high.is_finite()) {
        return Err(Error::InvalidParameter {
            name: "lowest",
            value: low.to_string(),
            limit: format!("an axis of octaves begins above 0 and below its end, {high}"),
        });
    }
    let row = (560 / filters).clamp(3, 18);
    let wide = 2 * COLUMN + BETWEEN - LEFT;
    let width = 2 * MARGIN + LEFT + wide;
    let (mut raster, y) = headed(width, filters * row + 62, title, caption)?;
    let x = MARGIN + LEFT;
    let place = |frequency: f64| (frequency / low).log2() / (high / low).log2() * wide as f64;
    let at = |pixel: f64| low * (high / low).powf(pixel / wide as f64);
    for (filter, modulus) in spectra.moduli.rows().into_iter().enumerate() {
        let largest = modulus.fold(f64::MIN_POSITIVE, |most, &value| most.max(value));
        for pixel in 0..wide {
            // The line through the samples, or the largest of those within a pixel.
            let [from, to] =
                [pixel, pixel + 1].map(|pixel| at(pixel as f64) / high * (frequencies - 1) as f64);
            let (first, last) = (from.ceil() as usize, to.floor() as usize);
            let value = if first < last {
                (first..=last.min(frequencies - 1))
                    .map(|k| modulus[k])
                    .fold(0.0, f64::max)
            } else {
                let middle = 0.5 * (from + to);
                let k = (middle as usize).min(frequencies - 2);
                modulus[k] + (middle - k as f64) * (modulus[k + 1] - modulus[k])
            };
            let ink = color::magnitude(value / largest);
            canvas::fill(&mut raster, x + pixel, y + filter * row, 1, row, ink);
        }
    }
    let [left, upper, right, lower] = [x, y, x + wide, y + filters * row].map(|v| v as f64);
    let clip = [left, upper, right, lower];
    for (filter, center) in spectra.centers.iter().enumerate().take(filters) {
        if let Some(center) = center.filter(|center| *center > low) {
            let point = [
                left + place(center),
                upper + (filter as f64 + 0.5) * row as f64,
            ];
            let size = (row as f64).clamp(3.5, 6.0);
            // Blue of the sky, which the colours of moduli have not.
            canvas::stroke(&mut raster, &[point], size, color::item(4, 7), clip);
        }
    }
    canvas::frame(&mut raster, x, y, wide, filters * row, FRAME);
    let bottom = y + filters * row;
    let places = log_ticks(low.log10(), high.log10(), 10);
    for (tick, label) in places.iter().zip(log_tick_labels(&places)) {
        let at = left + place(*tick);
        canvas::fill(&mut raster, at.round() as usize, bottom + 1, 1, 5, BLACK);
        let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
        text::draw(&mut raster, [at, bottom as f64 + 10.0], style, &label);
    }
    let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
    let middle = 0.5 * (left + right);
    text::draw(
        &mut raster,
        [middle, bottom as f64 + 32.0],
        style,
        &spectra.axis,
    );
    let style = Style::new(LABEL, BLACK).align(Align::End, Align::Middle);
    for (filter, name) in [(0, "1".to_string()), (filters - 1, filters.to_string())] {
        let level = upper + (filter as f64 + 0.5) * row as f64;
        text::draw(&mut raster, [left - 10.0, level], style, &name);
    }
    Ok(raster)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(side: usize, turns: f64) -> Array2<f64> {
        Array2::from_shape_fn([side, side], |(i, _)| (turns * i as f64).sin())
    }

    #[test]
    fn any_number_of_filters_fits_beside_any_other() {
        for (count, side) in [(1, 3), (6, 5), (64, 11), (300, 7)] {
            let kernels: Vec<_> = (0..count)
                .map(|i| wave(side, 0.1 * i as f64 + 0.2))
                .collect();
            let moduli: Vec<_> = (0..count).map(|_| wave(16, 0.4).mapv(f64::abs)).collect();
            let sum = moduli[0].clone();
            let bank = Bank {
                title: "waves".into(),
                kernels: &kernels,
                moduli: &moduli,
                sum: &sum,
                bounds: FrameBounds {
                    lower: 0.0,
                    upper: 1.0,
                },
                centers: vec![([0.1, -0.2], [200, 0, 0])],
            };
            for picture in [
                side_by_side(&bank, &bank).unwrap(),
                plane(&bank, &bank).unwrap(),
            ] {
                assert!(picture.as_rgb().iter().any(|&c| c < 100), "{count}");
                // Nothing runs into the right margin.
                let edge = picture.width() - MARGIN / 2;
                assert!(
                    (0..picture.height()).all(|y| picture.pixel(edge, y) == [255; 3]),
                    "{count}"
                );
            }
        }
    }

    #[test]
    fn bars_are_as_high_as_their_counts() {
        let bars = Bars {
            title: String::new(),
            axis: String::new(),
            edges: vec![0.0, 1.0, 2.0, 3.0],
            counts: vec![4, 0, 2],
            marks: vec![],
            octaves: false,
        };
        let picture = histograms("", &[bars]).unwrap();
        let ink = color::item(0, 2);
        let height = |share: f64| {
            let x = MARGIN + 44 + (share * (COLUMN - 44) as f64) as usize;
            (0..picture.height())
                .filter(|&y| picture.pixel(x, y) == ink)
                .count() as f64
        };
        let [first, second, third] = [0.5 / 3.0, 0.5, 2.5 / 3.0].map(height);
        assert!(first > 100.0 && second == 0.0);
        assert!((first / third - 2.0).abs() < 0.02, "{first} {third}");
    }

    #[test]
    fn pairs_stand_side_by_side() {
        let [positive, negative] = [1.0, -1.0].map(|value| Array2::from_elem([3, 3], value));
        let pair = Pair {
            kernel: &positive,
            wavelet: &negative,
            label: vec!["r = 1".into()],
        };
        let picture = pairs("", "", &[pair]).unwrap();
        let at = |color: [u8; 3]| {
            (0..picture.width())
                .find(|&x| (0..picture.height()).any(|y| picture.pixel(x, y) == color))
        };
        assert!(at(color::signed(1.0)).unwrap() < at(color::signed(-1.0)).unwrap());
        assert!(matches!(pairs("", "", &[]), Err(Error::Empty { .. })));
    }

    #[test]
    fn a_trace_goes_up_where_its_kernel_does() {
        let step = Array1::from_shape_fn(40, |t| if t < 20 { -1.0 } else { 1.0 });
        let trace = Trace {
            kernel: &step,
            model: None,
            label: vec!["step".into()],
        };
        let picture = traces("", "", std::slice::from_ref(&trace)).unwrap();
        // Of the soft edge too: bluer than any grey.
        let is_ink = |[red, _, blue]: [u8; 3]| blue > red.saturating_add(60);
        let level = |columns: std::ops::Range<usize>| -> f64 {
            let all = (0..picture.height()).flat_map(|y| columns.clone().map(move |x| [x, y]));
            let found: Vec<_> = all.filter(|&[x, y]| is_ink(picture.pixel(x, y))).collect();
            assert!(!found.is_empty());
            found.iter().map(|[_, y]| *y as f64).sum::<f64>() / found.len() as f64
        };
        let [before, after] = [MARGIN..MARGIN + 60, MARGIN + 76..MARGIN + 130].map(level);
        assert!((before - after - 58.0).abs() < 3.0, "{before} {after}");
        let longer = Trace {
            model: Some(Array1::zeros(41)),
            ..trace
        };
        assert!(matches!(
            traces("", "", &[longer]),
            Err(Error::WrongShape { .. })
        ));
        assert!(matches!(traces("", "", &[]), Err(Error::Empty { .. })));
    }

    #[test]
    fn spectra_are_bright_where_their_moduli_are() {
        // Two filters, at 1/16 and at 1/4 cycles per sample.
        let moduli = Array2::from_shape_fn([2, 257], |(filter, k)| {
            let off = (k as f64 - [32.0, 128.0][filter]) / 4.0;
            (-off * off).exp()
        });
        let shown = Spectra {
            moduli: &moduli,
            centers: vec![None, None],
            highest: 0.5,
            lowest: 0.5 / 16.0,
            axis: String::new(),
        };
        let picture = spectra("", "", &shown).unwrap();
        // The pale yellow of the largest, which no grey of a letter has.
        let is_bright = |[red, _, blue]: [u8; 3]| red > 240 && blue < 220 && blue > 160;
        let columns = |from: usize, to: usize| -> Vec<usize> {
            let column = |&x: &usize| (from..to).any(|y| is_bright(picture.pixel(x, y)));
            (0..picture.width()).filter(column).collect()
        };
        let middle = (0..picture.height()).find(|&y| !columns(y, y + 1).is_empty());
        let top = middle.unwrap();
        let [first, second] = [columns(top, top + 18), columns(top + 18, top + 36)];
        let center = |columns: &[usize]| (columns[0] + columns[columns.len() - 1]) as f64 / 2.0;
        // One and three of four octaves along the axis.
        let wide = (2 * COLUMN + BETWEEN - 56) as f64;
        for (found, share) in [(first, 0.25), (second, 0.75)] {
            let expected = (MARGIN + 56) as f64 + share * wide;
            assert!((center(&found) - expected).abs() < 12.0, "{found:?}");
        }
        for lowest in [0.0, 0.5, f64::NAN] {
            let axis = Spectra {
                lowest,
                ..shown.clone()
            };
            assert!(matches!(
                spectra("", "", &axis),
                Err(Error::InvalidParameter { name: "lowest", .. })
            ));
        }
        let none = Array2::zeros([0, 5]);
        let empty = Spectra {
            moduli: &none,
            ..shown
        };
        assert!(matches!(spectra("", "", &empty), Err(Error::Empty { .. })));
    }

    #[test]
    fn what_has_no_picture_is_refused() {
        let (some, none) = (Array2::ones([3, 3]), Array2::zeros([0, 3]));
        let empty = |result: Result<Raster>| matches!(result, Err(Error::Empty { .. }));
        assert!(empty(kernels("", &[])));
        assert!(empty(kernels("", &[some.clone(), none.clone()])));
        let pair = Pair {
            kernel: &some,
            wavelet: &none,
            label: vec![],
        };
        assert!(empty(pairs("", "", &[pair])));
        let bank = |sum| Bank {
            title: String::new(),
            kernels: std::slice::from_ref(&some),
            moduli: std::slice::from_ref(&some),
            sum,
            bounds: FrameBounds {
                lower: 0.0,
                upper: 1.0,
            },
            centers: vec![([f64::NAN, 1e300], [0; 3])],
        };
        assert!(empty(side_by_side(&bank(&some), &bank(&none))));
        assert!(plane(&bank(&some), &bank(&some)).is_ok());
        for edges in [
            [0.0, 0.0],
            [1.0, 0.0],
            [0.0, f64::NAN],
            [0.0, f64::INFINITY],
        ] {
            let bars = Bars {
                title: String::new(),
                axis: String::new(),
                edges: edges.to_vec(),
                counts: vec![1],
                marks: vec![f64::NAN],
                octaves: true,
            };
            assert!(matches!(
                histograms("", &[bars]),
                Err(Error::InvalidParameter { name: "edges", .. })
            ));
        }
    }
}
