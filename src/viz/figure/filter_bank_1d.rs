//! [`sheet`]: every filter of a bank of one axis on one page, or how evenly the bank covers the frequencies.
//!
//! Comes in: a [`FilterBank1dParams`]. Goes out: a labelled [`Raster`]. Nothing is built: waves and bumps are drawn by their formulas,
//! at the points that are seen, so that grids may be of any length.
//!
//! Conventions that bite: frequencies run to the right in octaves, so that wavelets of one shape have one width; ω = 0, where φ̂ has
//! its peak, lies beyond the left edge. Waves are shown within ±3 standard deviations of their envelope, however long that is, and
//! each at its own height.

use super::super::axis::{number, range};
use super::super::canvas::{self, Rect};
use super::super::text::{self, Align, LABEL, Style};
use super::super::{BLACK, FRAME, GREY, color, page};
use super::sheet::{Head, MARGIN};
use crate::Result;
use crate::filters::{
    Family1d, FilterBank1dParams, FrameBounds, Normalization, Sampled1d, Wavelet1d,
};
use crate::raster::Raster;

/// What a sheet shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Show {
    /// Every wavelet, real and imaginary part within its envelope.
    #[default]
    Time,
    /// All transfer functions over one axis of frequency.
    Fourier,
    /// The Littlewood-Paley sum over the same, and over a linear axis.
    LittlewoodPaley,
}

/// A page that shows a bank.
///
/// # Errors
/// Those of [`FilterBank1dParams::check`], and [`Error::InvalidParameter`](crate::Error::InvalidParameter) for a page that would be
/// larger than pictures may be.
///
/// ```
/// use wavelet_scattering::filters::FilterBank1d;
/// use wavelet_scattering::viz::filter_bank_1d::{Show, sheet};
///
/// let picture = sheet(&FilterBank1d::params(1 << 30, 12).Q(8), Show::Fourier)?;
/// assert!(picture.width() > 900);
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub fn sheet(bank: &FilterBank1dParams, show: Show) -> Result<Raster> {
    bank.check()?;
    let seen = Seen::new(bank);
    match show {
        Show::Time => seen.in_time(),
        Show::Fourier => seen.in_frequency(),
        Show::LittlewoodPaley => seen.coverage(),
    }
}

/// Columns of pixels of what is drawn.
const WIDTH: usize = 960;

/// Room left of a plot, for its numbers.
const LEFT: usize = 56;

/// Most panels of a row of waves, and fewest where there are as many.
const COLUMNS: [usize; 2] = [16, 6];

/// Standard deviations of an envelope that are seen of it.
const VIEW: f64 = 3.0;

/// Frequencies that bounds are looked for at, if the grid has more.
const FREQUENCIES: usize = 1 << 14;

/// A bank by its formulas.
struct Seen<'a> {
    bank: &'a FilterBank1dParams,
    wavelets: Vec<Wavelet1d>,
    filters: Vec<Sampled1d>,
    /// What the bank multiplies every ψ̂ by.
    gain: f64,
}

impl<'a> Seen<'a> {
    fn new(bank: &'a FilterBank1dParams) -> Self {
        let wavelets = bank.wavelets();
        let filter = |psi: &Wavelet1d| Sampled1d::new(psi.gabor(), bank.family, bank.len);
        let mut seen = Self {
            bank,
            filters: wavelets.iter().map(filter).collect(),
            wavelets,
            gain: 1.0,
        };
        if bank.normalization == Normalization::Contractive {
            let excess = seen.frequencies().into_iter().filter(|&omega| omega > 0.0);
            let excess = excess.map(|omega| {
                let phi = seen.phi(omega).powi(2);
                (seen.littlewood_paley(omega) - phi) / (1.0 - phi)
            });
            seen.gain = excess.fold(1.0, f64::max).sqrt().recip();
        }
        seen
    }

    fn psi(&self, n: usize, omega: f64) -> f64 {
        self.gain * self.filters[n].hat_between(omega)
    }

    fn phi(&self, omega: f64) -> f64 {
        (-0.5 * (omega / self.bank.sigma_phi()).powi(2)).exp()
    }

    fn littlewood_paley(&self, omega: f64) -> f64 {
        let share = |n: usize, omega: f64| 0.5 * self.psi(n, omega).powi(2);
        let wavelets = (0..self.filters.len()).map(|n| share(n, omega) + share(n, -omega));
        self.phi(omega).powi(2) + wavelets.sum::<f64>()
    }

    /// All frequencies of the grid, or as many that are dense around 0 and everywhere else.
    fn frequencies(&self) -> Vec<f64> {
        let half = self.bank.len / 2;
        let all = half + 1;
        let omega = |k: f64| k / self.bank.len as f64;
        if all <= FREQUENCIES {
            return (0..all).map(|k| omega(k as f64)).collect();
        }
        let shares = (0..=FREQUENCIES / 2).map(|i| 2.0 * i as f64 / FREQUENCIES as f64);
        let places = shares.flat_map(|share| [share * half as f64, (half as f64).powf(share)]);
        places.map(|k| omega(k.round())).collect()
    }

    fn bounds(&self) -> FrameBounds {
        let sums = self.frequencies().into_iter();
        FrameBounds::of(sums.map(|omega| self.littlewood_paley(omega)))
    }

    /// The number of scales that an item of the legend is of, and how many there are.
    fn scales(&self) -> Vec<usize> {
        let mut scales: Vec<usize> = self.wavelets.iter().map(|psi| psi.j).collect();
        scales.sort_unstable();
        scales.dedup();
        scales
    }

    fn ink(&self, n: usize) -> [u8; 3] {
        let scales = self.scales();
        let at = scales.iter().position(|&j| j == self.wavelets[n].j);
        color::item(at.unwrap_or(0), scales.len())
    }

    /// What the bank is, in a line.
    fn title(&self, what: &str) -> String {
        let family = match self.bank.family {
            Family1d::Morlet => "Morlet wavelets",
            Family1d::Gabor => "Gabors",
            Family1d::Analytic => "analytic wavelets",
        };
        format!("{} {family} {what}", self.wavelets.len())
    }

    /// Its numbers, in a sentence.
    fn caption(&self) -> String {
        let xi = range(self.wavelets.iter().map(|psi| psi.xi));
        let sigma = range(self.wavelets.iter().map(|psi| psi.sigma));
        let tiling = match &self.bank.tiling {
            crate::filters::Tiling::Octaves { J, Q } => format!("J = {J}, Q = {Q}, "),
            crate::filters::Tiling::List(_) => String::new(),
        };
        let normalization = match self.bank.normalization {
            Normalization::Contractive => ", contractive normalization",
            _ => "",
        };
        format!(
            "{tiling}T = {} on {} samples{normalization}. ξ = {xi} and σ = {sigma} cycles per sample.",
            number(self.bank.T),
            self.bank.len,
        )
    }

    /// A panel a wavelet, as many in a row as there are in an octave.
    fn in_time(&self) -> Result<Raster> {
        let count = self.filters.len();
        let per_octave = match &self.bank.tiling {
            &crate::filters::Tiling::Octaves { Q, .. } => Q,
            crate::filters::Tiling::List(_) => 8,
        };
        let columns = per_octave.clamp(COLUMNS[1], COLUMNS[0]).min(count.max(2));
        let gap = 14;
        let panel = [((WIDTH + LEFT + gap) / columns - gap).min(190), 72];
        let step = [panel[0] + gap, panel[1] + 2 * text::line_height(LABEL) + 14];
        let rows = (count + 1).div_ceil(columns); // φ is the last
        let width = WIDTH + LEFT + 2 * MARGIN;
        let caption = format!(
            "{} Below each: ξ in cycles per sample, and how many samples are seen on either side of 0, three standard deviations of \
             the envelope. Blue: real part. Orange: imaginary part. Grey: envelope.",
            self.caption()
        );
        let head = Head::new(&self.title("in time"), &caption, width);
        let mut raster = page(width, head.height() + rows * step[1] + MARGIN)?;
        head.draw(&mut raster);
        let corner =
            |row: usize, column: usize| [MARGIN + column * step[0], head.height() + row * step[1]];
        for (n, filter) in self.filters.iter().enumerate() {
            let at = corner(n / columns, n % columns);
            let reach = VIEW * self.wavelets[n].sigma_time();
            let wave = |t: f64| filter.in_time(t);
            let words = [
                number(self.wavelets[n].xi),
                format!("±{}", number(reach.ceil())),
            ];
            draw_wave(&mut raster, at, panel, reach, &wave, &words);
        }
        let sigma = self.bank.sigma_phi();
        let reach = VIEW / (2.0 * std::f64::consts::PI * sigma);
        let bump = |t: f64| {
            (-2.0 * (std::f64::consts::PI * sigma * t).powi(2))
                .exp()
                .into()
        };
        let words = ["φ".to_string(), format!("±{}", number(reach.ceil()))];
        draw_wave(
            &mut raster,
            corner(count / columns, count % columns),
            panel,
            reach,
            &bump,
            &words,
        );
        Ok(raster)
    }

    /// Every |ψ̂| and φ̂ over octaves.
    fn in_frequency(&self) -> Result<Raster> {
        let caption = format!(
            "{} |ψ̂(ω)| of every wavelet, by its scale j: its modulus may be subsampled by 2^j. φ̂ in black.",
            self.caption()
        );
        let plot_height = 340;
        let width = WIDTH + LEFT + 2 * MARGIN;
        let head = Head::new(&self.title("in frequency"), &caption, width);
        let legend = self.legend_height(width);
        let mut raster = page(width, head.height() + legend + plot_height + 62 + MARGIN)?;
        head.draw(&mut raster);
        self.legend(&mut raster, head.height());
        let axis = Frequencies::Octaves(self.lowest().log2());
        let top = self.peak() * 1.05;
        let plot = Plot::new(
            [MARGIN + LEFT, head.height() + legend],
            [WIDTH, plot_height],
            axis,
            top,
        );
        plot.draw_axes(&mut raster);
        for n in 0..self.filters.len() {
            let curve = |omega| self.psi(n, omega).abs();
            plot.curve(&mut raster, &curve, 1.5, self.ink(n));
        }
        plot.curve(&mut raster, &|omega| self.phi(omega), 1.9, BLACK);
        Ok(raster)
    }

    /// The sum over octaves, above the shares that it is made of, and over a linear axis.
    fn coverage(&self) -> Result<Raster> {
        let bounds = self.bounds();
        let at = match self.bank.len / 2 < FREQUENCIES {
            true => String::new(),
            false => format!(", at {FREQUENCIES} frequencies, densest around 0"),
        };
        let caption = format!(
            "{} LP(ω) = |φ̂(ω)|² + ½ Σ (|ψ̂(ω)|² + |ψ̂(−ω)|²) in black, above the share of every wavelet. Frame bounds{at}: A = {}, \
             B = {}.",
            self.caption(),
            bound(bounds.lower),
            bound(bounds.upper),
        );
        let plot_height = 300;
        let width = WIDTH + LEFT + 2 * MARGIN;
        let head = Head::new(&self.title("cover the frequencies"), &caption, width);
        let legend = self.legend_height(width);
        let top = head.height() + legend;
        let mut raster = page(width, top + 2 * (plot_height + 62) + MARGIN)?;
        head.draw(&mut raster);
        self.legend(&mut raster, head.height());
        let highest = 1.08 * bounds.upper.max(f64::MIN_POSITIVE);
        for (i, axis) in [
            Frequencies::Octaves(self.lowest().log2()),
            Frequencies::Linear,
        ]
        .into_iter()
        .enumerate()
        {
            let corner = [MARGIN + LEFT, top + i * (plot_height + 62)];
            let plot = Plot::new(corner, [WIDTH, plot_height], axis, highest);
            plot.draw_axes(&mut raster);
            for n in 0..self.filters.len() {
                let pale = self.ink(n).map(|c| (255 - (255 - u16::from(c)) / 2) as u8);
                let share =
                    |omega: f64| 0.5 * (self.psi(n, omega).powi(2) + self.psi(n, -omega).powi(2));
                plot.curve(&mut raster, &share, 1.2, pale);
            }
            plot.curve(&mut raster, &|omega| self.phi(omega).powi(2), 1.2, GREY);
            for (value, name) in [(bounds.lower, "A"), (bounds.upper, "B")] {
                plot.rule(&mut raster, value, name);
            }
            plot.curve(
                &mut raster,
                &|omega| self.littlewood_paley(omega),
                2.0,
                BLACK,
            );
        }
        Ok(raster)
    }

    /// The lowest frequency that is seen: an octave and a half below the lowest wavelet, or below φ.
    fn lowest(&self) -> f64 {
        let lowest = self.wavelets.iter().map(|psi| psi.xi).fold(0.5, f64::min);
        (lowest.min(self.bank.sigma_phi()) / 2.8).max(1e-15)
    }

    /// The largest value of a filter.
    fn peak(&self) -> f64 {
        let peaks = (0..self.filters.len()).map(|n| self.psi(n, self.wavelets[n].xi).abs());
        peaks.fold(1.0, f64::max)
    }

    /// φ, and a colour for every j, in lines of this width: draws nothing but counts rows.
    fn legend_items(&self) -> Vec<(String, [u8; 3])> {
        let scales = self.scales();
        let count = scales.len();
        let items = scales.into_iter().enumerate();
        std::iter::once(("φ".to_string(), BLACK))
            .chain(items.map(|(i, j)| (format!("j = {j}"), color::item(i, count))))
            .collect()
    }

    fn legend_places(&self, width: usize) -> (Vec<[f64; 2]>, usize) {
        let (mut x, mut y) = (MARGIN as f64, 0);
        let mut places = Vec::new();
        for (name, _) in self.legend_items() {
            let item = 26.0 + text::width(&name, LABEL) + 18.0;
            if x + item > (width - MARGIN) as f64 && x > MARGIN as f64 {
                (x, y) = (MARGIN as f64, y + text::line_height(LABEL));
            }
            places.push([x, y as f64]);
            x += item;
        }
        (places, y + text::line_height(LABEL) + 10)
    }

    fn legend_height(&self, width: usize) -> usize {
        self.legend_places(width).1
    }

    fn legend(&self, raster: &mut Raster, top: usize) {
        let (places, _) = self.legend_places(raster.width());
        let clip = canvas::everywhere(raster);
        for ((name, ink), [x, y]) in self.legend_items().into_iter().zip(places) {
            let y = top as f64 + y;
            canvas::stroke(raster, &[[x, y + 5.5], [x + 18.0, y + 5.5]], 2.5, ink, clip);
            text::draw(raster, [x + 26.0, y], Style::new(LABEL, BLACK), &name);
        }
    }
}

fn bound(value: f64) -> String {
    if value >= 1e-3 {
        format!("{value:.4}")
    } else {
        number(value)
    }
}

/// A panel of one wave, with two lines of words below it.
fn draw_wave(
    raster: &mut Raster,
    [x, y]: [usize; 2],
    [width, height]: [usize; 2],
    reach: f64,
    wave: &dyn Fn(f64) -> crate::num::Complex<f64>,
    words: &[String; 2],
) {
    const REAL: [u8; 3] = [0, 114, 178];
    const IMAGINARY: [u8; 3] = [230, 159, 0];
    const ENVELOPE: [u8; 3] = [200; 3];
    let [left, top, wide, high] = [x, y, width, height].map(|value| value as f64);
    let clip: Rect = [left, top, left + wide, top + high];
    let middle = top + 0.5 * high;
    // Four points a pixel: there is a wave or less on as many.
    let points = 4 * width;
    let times = || (0..=points).map(|i| reach * (2.0 * i as f64 / points as f64 - 1.0));
    let values: Vec<_> = times().map(wave).collect();
    let most = values
        .iter()
        .map(|z| z.norm())
        .fold(f64::MIN_POSITIVE, f64::max);
    let places = |of: &dyn Fn(&crate::num::Complex<f64>) -> f64| -> Vec<[f64; 2]> {
        let place = |(i, z)| {
            let x = left + i as f64 / points as f64 * wide;
            [x, middle - of(z) / most * (0.5 * high - 3.0)]
        };
        values.iter().enumerate().map(place).collect()
    };
    canvas::fill(raster, x, middle as usize, width, 1, [230; 3]);
    canvas::stroke(raster, &places(&|z| z.norm()), 1.0, ENVELOPE, clip);
    // A low-pass is its own envelope.
    if values.iter().any(|z| z.im.abs() > 1e-6 * most) {
        canvas::stroke(raster, &places(&|z| -z.norm()), 1.0, ENVELOPE, clip);
        canvas::stroke(raster, &places(&|z| z.im), 1.2, IMAGINARY, clip);
    }
    canvas::stroke(raster, &places(&|z| z.re), 1.5, REAL, clip);
    canvas::frame(raster, x, y, width, height, FRAME);
    let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
    for (i, (words, ink)) in words.iter().zip([BLACK, GREY]).enumerate() {
        let row = top + high + 7.0 + (i * text::line_height(LABEL)) as f64;
        text::draw(
            raster,
            [left + 0.5 * wide, row],
            Style {
                color: ink,
                ..style
            },
            words,
        );
    }
}

/// What runs to the right, up to half a cycle per sample.
#[derive(Debug, Clone, Copy)]
enum Frequencies {
    /// From log2 of the lowest.
    Octaves(f64),
    /// From 0.
    Linear,
}

/// Curves over frequencies, from 0 up.
struct Plot {
    corner: [usize; 2],
    size: [usize; 2],
    axis: Frequencies,
    top: f64,
}

impl Plot {
    fn new(corner: [usize; 2], size: [usize; 2], axis: Frequencies, top: f64) -> Self {
        Self {
            corner,
            size,
            axis,
            top,
        }
    }

    fn frequency(&self, x: f64) -> f64 {
        let share = x / self.size[0] as f64;
        match self.axis {
            Frequencies::Octaves(low) => (low + share * (-1.0 - low)).exp2(),
            Frequencies::Linear => 0.5 * share,
        }
    }

    fn place(&self, omega: f64) -> f64 {
        let share = match self.axis {
            Frequencies::Octaves(low) => (omega.log2() - low) / (-1.0 - low),
            Frequencies::Linear => 2.0 * omega,
        };
        share * self.size[0] as f64
    }

    fn height_of(&self, value: f64) -> f64 {
        let [high, y] = [self.size[1], self.corner[1]].map(|value| value as f64);
        y + high * (1.0 - value / self.top)
    }

    fn clip(&self) -> Rect {
        let [x, y] = self.corner.map(|value| value as f64);
        let [width, height] = self.size.map(|value| value as f64);
        [x, y, x + width, y + height]
    }

    /// A curve where it is not negligible: many that run along the axis would hide each other's feet.
    fn curve(&self, raster: &mut Raster, value: &dyn Fn(f64) -> f64, width: f64, ink: [u8; 3]) {
        let steps = 2 * self.size[0];
        let negligible = 2e-3 * self.top;
        let whole = width >= 2.0; // the sum, of which the least value matters
        let mut points: Vec<[f64; 2]> = Vec::new();
        let mut flush = |points: &mut Vec<[f64; 2]>| {
            if points.len() > 1 {
                canvas::stroke(raster, points, width, ink, self.clip());
            }
            points.clear();
        };
        for i in 0..=steps {
            let x = i as f64 / 2.0;
            let value = value(self.frequency(x));
            if value < negligible && !whole {
                flush(&mut points);
            } else {
                points.push([self.corner[0] as f64 + x, self.height_of(value)]);
            }
        }
        flush(&mut points);
    }

    /// A line across at a value, with its name.
    fn rule(&self, raster: &mut Raster, value: f64, name: &str) {
        let y = self.height_of(value);
        let [left, _, right, _] = self.clip();
        let dashes: Vec<_> = (0..)
            .map(|i| left + 10.0 * f64::from(i))
            .take_while(|x| x + 5.0 <= right)
            .map(|x| [[x, y], [x + 5.0, y]])
            .collect();
        canvas::segments(raster, &dashes, 1.0, GREY, self.clip());
        let style = Style::new(LABEL, GREY).align(Align::Start, Align::Middle);
        text::draw(raster, [right + 6.0, y], style, name);
    }

    fn draw_axes(&self, raster: &mut Raster) {
        let [x, y] = self.corner;
        let [width, height] = self.size;
        for value in super::super::axis::ticks(0.0, self.top, 5) {
            let at = self.height_of(value).round() as usize;
            canvas::fill(raster, x, at.clamp(y, y + height - 1), width, 1, [235; 3]);
            let style = Style::new(LABEL, BLACK).align(Align::End, Align::Middle);
            text::draw(raster, [x as f64 - 10.0, at as f64], style, &number(value));
        }
        let ticks: Vec<(f64, String)> = match self.axis {
            Frequencies::Octaves(low) => {
                let per_octave = width as f64 / (-1.0 - low);
                let every = (54.0 / per_octave).ceil().max(1.0) as i64;
                let octaves = (low.ceil() as i64..=-1).filter(|n| (n + 1).rem_euclid(every) == 0);
                let label = |n: i64| match n {
                    -16..0 => format!("1/{}", 1_u32 << -n),
                    _ => number((n as f64).exp2()),
                };
                octaves.map(|n| ((n as f64).exp2(), label(n))).collect()
            }
            Frequencies::Linear => {
                let ticks = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5];
                ticks.map(|omega| (omega, number(omega))).to_vec()
            }
        };
        for (omega, label) in ticks {
            let at = x as f64 + self.place(omega);
            let column = (at.round() as usize).clamp(x, x + width - 1);
            canvas::fill(raster, column, y, 1, height, [235; 3]);
            canvas::fill(raster, column, y + height + 1, 1, 5, BLACK);
            let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
            text::draw(raster, [at, (y + height + 10) as f64], style, &label);
        }
        canvas::frame(raster, x, y, width, height, FRAME);
        let style = Style::new(LABEL, BLACK).align(Align::Middle, Align::Start);
        let middle = x as f64 + 0.5 * width as f64;
        let name = "ω (cycles per sample)";
        text::draw(raster, [middle, (y + height + 32) as f64], style, name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filters::{FilterBank1d, Gabor1d, Wavelet1d};

    /// What is drawn is what is built.
    #[test]
    fn bounds_by_formula_are_those_of_the_bank() {
        for normalization in [Normalization::Plain, Normalization::Contractive] {
            for (J, Q) in [(6, 1), (5, 8)] {
                let params = FilterBank1d::params(2048, J).Q(Q);
                let params = params.normalization(normalization);
                let built = params.build::<f64>().unwrap().frame_bounds();
                let drawn = Seen::new(&params).bounds();
                assert!((drawn.lower / built.lower - 1.0).abs() < 1e-6, "{drawn:?}");
                assert!((drawn.upper / built.upper - 1.0).abs() < 1e-6, "{drawn:?}");
            }
        }
    }

    #[test]
    fn every_bank_has_every_sheet() {
        let list = [(0.5, 0.3), (0.1, 1e-6)];
        let list = list.map(|(xi, sigma)| Wavelet1d::of(0, Gabor1d { xi, sigma }));
        for bank in [
            FilterBank1d::params(1, 1),
            FilterBank1d::params(1 << 40, 30).Q(3),
            FilterBank1d::params(4096, 4).Q(60).family(Family1d::Gabor),
            FilterBank1d::params(512, 5).family(Family1d::Analytic),
            FilterBank1d::list(1000, &list, 7.5),
        ] {
            for show in [Show::Time, Show::Fourier, Show::LittlewoodPaley] {
                let picture = sheet(&bank, show).unwrap();
                assert!(
                    picture.as_rgb().iter().any(|&c| c < 100),
                    "{bank:?}, {show:?}"
                );
            }
        }
    }
}
