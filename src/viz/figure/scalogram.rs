//! [`sheet`]: what is heard when, at which frequency: scalograms of a signal, and what else has rows by frequency.
//!
//! Comes in: rows of a frequency each, sampled in time, as [`Track`]s of [`Panel`]s. Goes out: a labelled [`Raster`] whose panels
//! stand one above the other over one axis of time. Colours are decibels below the largest value of a panel.
//!
//! Conventions that bite: frequency runs upwards, octaves are equally high, and between two rows amplitudes are interpolated, as
//! the wavelets overlap there. Where several samples of a row lie on one pixel, it shows their root mean square; without a
//! sampling rate, frequencies are in cycles per sample and times in samples.

use ndarray::Array2;

use super::super::axis::{self, number};
use super::super::panel::{self, Bar};
use super::super::text::{self, Align, HEADING, LABEL, Style};
use super::super::{BLACK, FRAME, canvas, color, page};
use super::sheet::{Head, MARGIN};
use crate::frames::Rows;
use crate::num::Real;
use crate::raster::Raster;
use crate::{Error, Result};

/// One row: a frequency, and amplitudes at equal distances in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    /// Centre frequency, cycles per sample of the signal, above 0.
    pub frequency: f64,
    /// The sample of the signal that the first amplitude stands at.
    pub start: f64,
    /// Samples of the signal from one amplitude to the next.
    pub step: f64,
    /// Amplitudes, of which signs are not looked at.
    pub values: Vec<f64>,
}

/// Rows that are shown together.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// A line above it; an empty one takes no space.
    pub name: String,
    /// What its frequencies are, such as "frequency".
    pub axis: String,
    /// In any order.
    pub tracks: Vec<Track>,
    /// Rows of pixels.
    pub height: usize,
}

impl Panel {
    /// The moduli of one signal, a row a wavelet; the low-pass is left out.
    ///
    /// # Errors
    /// [`Error::WrongShape`] for the rows of several signals.
    pub fn of_rows<T: Real>(name: &str, rows: &Rows<T>) -> Result<Self> {
        let mut tracks = Vec::new();
        for (n, about) in rows.rows().iter().enumerate() {
            let row = rows.row_on_signal(n);
            if row.ndim() != 1 {
                return Err(Error::WrongShape {
                    what: "the scalogram",
                    got: rows.array().shape().to_vec(),
                    expected: "the rows of one signal; take them from its array one by one".into(),
                });
            }
            if about.wavelet.is_some() {
                tracks.push(Track {
                    frequency: about.frequency(1.0),
                    start: about.start as f64,
                    step: about.subsampling as f64,
                    values: row.iter().map(|value| value.widen()).collect(),
                });
            }
        }
        Ok(Self {
            name: name.to_string(),
            axis: "frequency".into(),
            tracks,
            height: HEIGHT,
        })
    }
}

/// How a sheet is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// At the top of the page.
    pub title: String,
    /// Below it, in grey.
    pub caption: String,
    /// Samples of the signal.
    pub len: usize,
    /// Samples a second, if that is known.
    pub rate: Option<f64>,
    /// Decibels from the darkest colour to the brightest.
    pub range: f64,
}

/// Rows of pixels of a panel that has no reason for another height.
pub const HEIGHT: usize = 360;

/// Columns of pixels of a panel.
const WIDTH: usize = 900;

/// Room left of the panels, for numbers and a name, and right of them, for a colour bar and its numbers.
const LEFT: usize = 76;
const RIGHT: usize = 92;

/// Room above a panel with a name, and below each.
const ABOVE: usize = 26;
const BETWEEN: usize = 18;

/// Room for the axis of time.
const BELOW: usize = 58;

/// A page of panels over one axis of time.
///
/// # Errors
/// [`Error::Empty`] for no panel, one without a track or a track without a value; [`Error::InvalidParameter`] for frequencies,
/// distances, a rate or a range that are not positive, and pages larger than pictures may be.
pub fn sheet(panels: &[Panel], settings: &Settings) -> Result<Raster> {
    check(panels, settings)?;
    let width = LEFT + WIDTH + RIGHT + 2 * MARGIN;
    let head = Head::new(&settings.title, &settings.caption, width);
    let tall = |panel: &Panel| panel.height + if panel.name.is_empty() { 0 } else { ABOVE };
    let panels_high: usize = panels.iter().map(tall).sum();
    let below = panels_high + BETWEEN * (panels.len() - 1) + BELOW;
    let mut raster = page(width, head.height() + below + MARGIN)?;
    head.draw(&mut raster);
    let x = MARGIN + LEFT;
    let mut y = head.height();
    let rate = settings.rate.unwrap_or(1.0);
    let ticks = Ticks::of_time(settings);
    for (i, panel) in panels.iter().enumerate() {
        if !panel.name.is_empty() {
            let at = [x as f64, (y + 2) as f64];
            text::draw(&mut raster, at, Style::new(HEADING, BLACK), &panel.name);
            y += ABOVE;
        }
        let scale = Octaves::of(panel);
        let levels = decibels(panel, &scale, settings);
        let range = settings.range;
        panel::image(&mut raster, [x, y], &levels, |&level| {
            color::magnitude(1.0 + level / range)
        });
        canvas::frame(&mut raster, x, y, WIDTH, panel.height, FRAME);
        frequency_axis(&mut raster, [x, y], panel, &scale, settings.rate);
        bar(range, panel.height).draw_upright(&mut raster, [x + WIDTH + 18, y], |level| {
            color::magnitude(1.0 + level / range)
        });
        let last = i + 1 == panels.len();
        ticks.draw(&mut raster, [x, y + panel.height], rate, settings, last);
        y += panel.height + BETWEEN;
    }
    Ok(raster)
}

fn check(panels: &[Panel], settings: &Settings) -> Result<()> {
    let tracks = || panels.iter().flat_map(|panel| &panel.tracks);
    if panels.is_empty()
        || panels
            .iter()
            .any(|panel| panel.tracks.is_empty() || panel.height == 0)
        || tracks().any(|track| track.values.is_empty())
        || settings.len == 0
    {
        return Err(Error::Empty {
            shape: vec![panels.len(), tracks().count(), 0],
        });
    }
    let positive = |value: f64| value > 0.0 && value.is_finite();
    let numbers = tracks()
        .flat_map(|track| [("frequency", track.frequency), ("step", track.step)])
        .chain([
            ("range", settings.range),
            ("rate", settings.rate.unwrap_or(1.0)),
        ]);
    for (name, value) in numbers {
        if !positive(value) {
            return Err(Error::InvalidParameter {
                name,
                value: value.to_string(),
                limit: "it is a positive number".into(),
            });
        }
    }
    Ok(())
}

/// The axis of frequency: log2 of the least and the largest that is seen, and the height of a row above its own.
struct Octaves {
    low: f64,
    high: f64,
}

impl Octaves {
    /// From half a step below the lowest row to half a step above the highest.
    fn of(panel: &Panel) -> Self {
        let mut octaves: Vec<f64> = panel.tracks.iter().map(|t| t.frequency.log2()).collect();
        octaves.sort_by(f64::total_cmp);
        let last = octaves.len() - 1;
        let step = |i: usize, k: usize| {
            let step = octaves.get(k).map_or(0.0, |other| other - octaves[i]).abs();
            if step > 1e-6 {
                0.5 * step.min(1.0)
            } else {
                0.5
            }
        };
        let high = octaves[last] + step(last, last.saturating_sub(1));
        Self {
            low: octaves[0] - step(0, 1),
            // Nothing lies above the Nyquist frequency.
            high: high.min((-1.0_f64).max(octaves[last] + 0.02)),
        }
    }

    /// From the top of a panel.
    fn place(&self, frequency: f64, height: usize) -> f64 {
        (self.high - frequency.log2()) / (self.high - self.low) * height as f64
    }
}

/// What a panel shows, in decibels below its largest amplitude, at most `range`.
fn decibels(panel: &Panel, scale: &Octaves, settings: &Settings) -> Array2<f64> {
    let mut tracks: Vec<&Track> = panel.tracks.iter().collect();
    tracks.sort_by(|a, b| b.frequency.total_cmp(&a.frequency));
    let lines: Vec<Vec<f64>> = tracks
        .iter()
        .map(|track| line(track, settings.len))
        .collect();
    let places: Vec<f64> = tracks
        .iter()
        .map(|track| scale.place(track.frequency, panel.height))
        .collect();
    let amplitudes = Array2::from_shape_fn([panel.height, WIDTH], |(y, x)| {
        let y = y as f64 + 0.5;
        let below = places.partition_point(|&place| place < y);
        if below == 0 {
            return lines[0][x];
        }
        if below == places.len() {
            return lines[below - 1][x];
        }
        let [above_at, below_at] = [places[below - 1], places[below]];
        let share = (y - above_at) / (below_at - above_at).max(1e-9);
        (1.0 - share) * lines[below - 1][x] + share * lines[below][x]
    });
    let most = lines.iter().flatten().fold(0.0_f64, |most, u| most.max(*u));
    amplitudes.mapv_into(|u| {
        if u > 0.0 {
            (20.0 * (u / most).log10()).max(-settings.range)
        } else {
            -settings.range
        }
    })
}

/// The amplitudes of a track, one for every column of pixels.
fn line(track: &Track, len: usize) -> Vec<f64> {
    let per_pixel = len as f64 / WIDTH as f64;
    let count = track.values.len();
    let at = |i: f64| track.values[(i.max(0.0) as usize).min(count - 1)].abs();
    (0..WIDTH)
        .map(|x| {
            let [from, to] =
                [x, x + 1].map(|x| (x as f64 * per_pixel - 0.5 - track.start) / track.step);
            let first = from.ceil().max(0.0) as usize;
            let last = (to.ceil().max(0.0) as usize).min(count);
            if last > first + 1 {
                let power = track.values[first..last].iter().map(|u| u * u).sum::<f64>();
                return (power / (last - first) as f64).sqrt();
            }
            let middle = (0.5 * (from + to)).clamp(0.0, (count - 1) as f64);
            let share = middle - middle.floor();
            (1.0 - share) * at(middle.floor()) + share * at(middle.floor() + 1.0)
        })
        .collect()
}

/// Numbers along the left edge of a panel, octaves apart, and what they count.
fn frequency_axis(
    raster: &mut Raster,
    [x, y]: [usize; 2],
    panel: &Panel,
    scale: &Octaves,
    rate: Option<f64>,
) {
    let ticks = frequency_ticks(scale, rate, panel.height);
    let mut free = f64::INFINITY;
    for (frequency, label) in ticks {
        let at = scale.place(frequency, panel.height);
        let row = (y as f64 + at).round() as usize;
        canvas::fill(
            raster,
            x - 6,
            row.clamp(y, y + panel.height - 1),
            5,
            1,
            BLACK,
        );
        // Labels keep their distance, from the bottom up.
        if at + 8.0 > free {
            continue;
        }
        free = at - 8.0;
        let style = Style::new(LABEL, BLACK).align(Align::End, Align::Middle);
        text::draw(raster, [x as f64 - 10.0, y as f64 + at], style, &label);
    }
    let unit = match rate {
        Some(_) => "Hz",
        None => "cycles/sample",
    };
    let style = Style {
        upwards: true,
        ..Style::new(LABEL, BLACK).align(Align::Middle, Align::Start)
    };
    let middle = y as f64 + 0.5 * panel.height as f64;
    let name = format!("{} ({unit})", panel.axis);
    text::draw(raster, [x as f64 - 74.0, middle], style, &name);
}

/// Frequencies, in cycles per sample, by decreasing place, and what to write there: octaves of 1 kHz or of 1 Hz, or of
/// one half cycle per sample; every second of them, or every third, where they would meet.
fn frequency_ticks(scale: &Octaves, rate: Option<f64>, height: usize) -> Vec<(f64, String)> {
    let per_octave = height as f64 / (scale.high - scale.low);
    let every = (18.0 / per_octave).ceil().max(1.0) as i64;
    let (unit, written): (f64, Box<dyn Fn(i64) -> String>) = match rate {
        None => (
            1.0,
            Box::new(|n| match n {
                0 => "1".into(),
                n if n < 0 && n > -17 => format!("1/{}", 1_u32 << -n),
                n => number((n as f64).exp2()),
            }),
        ),
        Some(rate) => {
            // Sound is told in octaves of 1 kHz, what is slower in those of 1 Hz.
            let unit = if scale.high.exp2() * rate >= 300.0 {
                1000.0
            } else {
                1.0
            };
            (
                unit / rate,
                Box::new(move |n| {
                    let hertz = unit * (n as f64).exp2();
                    match hertz {
                        1000.0.. => format!("{} k", number(hertz / 1000.0)),
                        _ => axis::decimals(hertz, 2),
                    }
                }),
            )
        }
    };
    let first = (scale.low - unit.log2() - 1e-9).ceil() as i64;
    let last = (scale.high - unit.log2() + 1e-9).floor() as i64;
    (first..=last)
        .filter(|n| n.rem_euclid(every) == 0)
        .map(|n| (unit * (n as f64).exp2(), written(n)))
        .collect()
}

/// From the loudest down.
fn bar(range: f64, length: usize) -> Bar {
    let ticks = axis::ticks(-range, 0.0, (length / 50).clamp(1, 8));
    let labels = ticks
        .iter()
        .map(|&tick| (tick, format!("{} dB", number(tick))));
    Bar {
        low: -range,
        high: 0.0,
        length,
        labels: labels.collect(),
    }
}

/// Numbers along the axis of time.
struct Ticks {
    ticks: Vec<f64>,
    labels: Vec<String>,
    name: &'static str,
    /// What a second, or a sample, is in the numbers written.
    unit: f64,
}

impl Ticks {
    fn of_time(settings: &Settings) -> Self {
        let duration = settings.len as f64 / settings.rate.unwrap_or(1.0);
        let (unit, name) = match settings.rate {
            None => (1.0, "time (samples)"),
            Some(_) if duration < 0.2 => (1e3, "time (ms)"),
            Some(_) if duration > 600.0 => (1.0 / 60.0, "time (minutes)"),
            Some(_) => (1.0, "time (s)"),
        };
        let ticks = axis::ticks(0.0, duration * unit, 10);
        Self {
            labels: axis::tick_labels(&ticks),
            ticks,
            name,
            unit,
        }
    }

    /// Below a panel whose lower left corner is given; numbers below the last one only.
    fn draw(
        &self,
        raster: &mut Raster,
        [x, y]: [usize; 2],
        rate: f64,
        settings: &Settings,
        numbers: bool,
    ) {
        let duration = settings.len as f64 / rate * self.unit;
        for (tick, label) in self.ticks.iter().zip(&self.labels) {
            let at = x as f64 + tick / duration * WIDTH as f64;
            canvas::fill(raster, at.floor() as usize, y + 1, 1, 5, BLACK);
            if numbers {
                let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
                text::draw(raster, [at + 0.5, (y + 10) as f64], style, label);
            }
        }
        if numbers {
            let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
            let middle = x as f64 + 0.5 * WIDTH as f64;
            text::draw(raster, [middle, (y + 32) as f64], style, self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn track(frequency: f64, start: f64, step: f64, values: &[f64]) -> Track {
        Track {
            frequency,
            start,
            step,
            values: values.to_vec(),
        }
    }

    fn settings(len: usize, rate: Option<f64>) -> Settings {
        Settings {
            title: "Title".into(),
            caption: "Caption".into(),
            len,
            rate,
            range: 40.0,
        }
    }

    #[test]
    fn many_samples_of_a_pixel_are_their_root_mean_square_and_few_are_joined_by_lines() {
        let dense: Vec<f64> = (0..4 * WIDTH)
            .map(|i| if i % 4 == 0 { 2.0 } else { 0.0 })
            .collect();
        let seen = line(&track(0.1, 0.0, 1.0, &dense), 4 * WIDTH);
        assert!(seen.iter().all(|&u| (u - 1.0).abs() < 1e-12));
        // Samples at 0 and len: halfway stands their mean.
        let seen = line(&track(0.1, 0.0, 100.0, &[0.0, -1.0]), 100);
        assert!((seen[WIDTH / 2] - 0.5).abs() < 0.01 && seen.is_sorted());
        assert_eq!(line(&track(0.1, 7.0, 8.0, &[3.0]), 9), vec![3.0; WIDTH]);
    }

    #[test]
    fn frequencies_stand_in_octaves_and_amplitudes_in_decibels() {
        let panel = Panel {
            name: String::new(),
            axis: "frequency".into(),
            tracks: vec![
                track(0.2, 0.0, 1.0, &[1.0; 50]),
                track(0.05, 0.0, 1.0, &[0.1; 50]),
            ],
            height: 300,
        };
        let scale = Octaves::of(&panel);
        let places = [0.2, 0.1, 0.05].map(|frequency| scale.place(frequency, 300));
        assert!((places[1] - places[0] - (places[2] - places[1])).abs() < 1e-9);
        let levels = decibels(&panel, &scale, &settings(50, None));
        assert!(levels[[places[0] as usize, 9]].abs() < 0.2);
        assert!((levels[[places[2] as usize + 1, 9]] + 20.0).abs() < 0.2);
        let labels = |rate| -> Vec<String> {
            let ticks = frequency_ticks(&scale, rate, 300);
            ticks.into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(labels(None), ["1/16", "1/8", "1/4"]);
        assert_eq!(labels(Some(8000.0)), ["500", "1 k", "2 k"]);
        assert_eq!(labels(Some(10.0)), ["0.5", "1", "2"]);
    }

    #[test]
    fn every_panel_is_drawn_and_what_is_none_is_refused() {
        let of = |tracks: Vec<Track>| Panel {
            name: "Name".into(),
            axis: "frequency".into(),
            tracks,
            height: 80,
        };
        let silence = of(vec![track(0.3, 0.0, 2.0, &[0.0; 9])]);
        let lone = of(vec![track(1e-9, 5.0, 1e6, &[4.0, 1.0])]);
        for (len, rate) in [
            (1, None),
            (20, Some(1e-3)),
            (1 << 40, Some(44100.0)),
            (10, Some(1e6)),
        ] {
            let picture = sheet(&[silence.clone(), lone.clone()], &settings(len, rate)).unwrap();
            assert!(picture.as_rgb().iter().any(|&c| c < 50));
        }
        let refused = |panels: &[Panel], settings: &Settings| sheet(panels, settings).is_err();
        assert!(refused(&[], &settings(9, None)));
        assert!(refused(&[of(vec![])], &settings(9, None)));
        assert!(refused(
            &[of(vec![track(0.1, 0.0, 1.0, &[])])],
            &settings(9, None)
        ));
        assert!(refused(
            &[of(vec![track(0.0, 0.0, 1.0, &[1.0])])],
            &settings(9, None)
        ));
        assert!(refused(
            std::slice::from_ref(&silence),
            &settings(9, Some(f64::NAN))
        ));
        assert!(refused(std::slice::from_ref(&silence), &settings(0, None)));
    }
}
