//! The layer of signals, one path at a time.
//!
//! ```text
//! U[p, λ] = |IDFT(fold(Û[p] · ψ̂_λ))|,      fold(ẑ)(m) = Σ_{k ≡ m mod n} ẑ(k)
//! ```
//!
//! All aliases are added up, also those of a ψ̂ that reaches beyond the Nyquist frequency of its input: a spectrum is read as
//! the periodic sequence that it is.

use std::ops::Range;
use std::sync::Arc;

use realfft::RealToComplex;
use rustfft::Fft;

use super::average::AxisAverage;
use super::{Layer, Parent, Step};
use crate::filters::Band;
use crate::grid::wrap;
use crate::memory::Footprint;
use crate::num::{Complex, Real};

/// What is kept of the U of a level.
#[derive(Debug, Clone)]
pub(crate) enum Keep<T> {
    /// U ⋆ φ, subsampled.
    Average(AxisAverage<T>),
    /// The mean over these samples.
    Mean(Range<usize>),
    /// The sum over all samples.
    Sum,
    /// These samples.
    Whole(Range<usize>),
}

impl<T: Real> Keep<T> {
    /// Numbers kept.
    fn len(&self) -> usize {
        match self {
            Keep::Average(average) => average.outputs.len(),
            Keep::Mean(_) | Keep::Sum => 1,
            Keep::Whole(kept) => kept.len(),
        }
    }

    fn of(&self, u: &[T], to: &mut [T]) {
        let sum = |u: &[T]| u.iter().map(|value| value.widen()).sum::<f64>();
        match self {
            Keep::Average(average) => average.apply(u, to),
            Keep::Mean(kept) => to[0] = T::narrow(sum(&u[kept.clone()]) / kept.len() as f64),
            Keep::Sum => to[0] = T::narrow(sum(u)),
            Keep::Whole(kept) => to.copy_from_slice(&u[kept.clone()]),
        }
    }
}

/// The transforms of a level, and what is kept there.
struct Level<T> {
    len: usize,
    inverse: Arc<dyn Fft<T>>,
    forward: Arc<dyn RealToComplex<T>>,
    keep: Keep<T>,
}

/// ψ̂ from a signed frequency on, without gaps.
struct Psi<T> {
    start: i64,
    values: Vec<T>,
}

/// Signals, path by path.
pub(crate) struct Alone<T> {
    /// Finest first.
    levels: Vec<Level<T>>,
    /// By λ, the runs of each.
    psi: Vec<Vec<Psi<T>>>,
    /// The finest level that a U of order 1, 2, … lives on.
    finest: Vec<usize>,
}

/// The half of the spectrum of a real signal that the other half mirrors.
#[derive(Debug)]
pub(crate) struct Half<T>(Vec<Complex<T>>);

/// One thread's lines.
#[derive(Debug)]
pub(crate) struct Lines<T> {
    line: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
    u: Vec<T>,
    kept: Vec<T>,
}

/// How long they are.
struct Lengths {
    line: usize,
    scratch: usize,
    kept: usize,
}

impl<T: Real> Alone<T> {
    /// From the length of every level, finest first, and what is kept there; ψ̂_λ and below which value it is left out; and the
    /// finest level that a U of order 1, 2, … lives on.
    pub fn new<'b>(
        levels: impl Iterator<Item = (usize, Keep<T>)>,
        psi: impl Iterator<Item = (&'b Band<T, 1>, f64)>,
        finest: Vec<usize>,
    ) -> Self {
        let levels = levels.map(|(len, keep)| Level {
            len,
            inverse: T::inverse(len),
            forward: T::real_forward(len),
            keep,
        });
        let psi = psi.map(|(band, least)| {
            let runs = band.runs_above(0, least);
            runs.map(|run| Psi {
                start: run.start[0],
                values: run.values.to_vec(),
            })
            .collect()
        });
        Self {
            levels: levels.collect(),
            psi: psi.collect(),
            finest,
        }
    }

    fn lengths(&self) -> Lengths {
        let largest = |of: &dyn Fn(&Level<T>) -> usize| self.levels.iter().map(of).max();
        let scratch = |level: &Level<T>| {
            let inverse = level.inverse.get_inplace_scratch_len();
            inverse.max(level.forward.get_scratch_len())
        };
        Lengths {
            line: self.levels[0].len,
            scratch: largest(&scratch).unwrap_or(0),
            kept: largest(&|level| level.keep.len()).unwrap_or(0),
        }
    }

    /// U[p] ⋆ ψ_λ itself, in two parts as long as the level that it lives on.
    pub fn coefficients(
        &self,
        from: &Half<T>,
        step: &Step<'_>,
        lines: &mut Lines<T>,
        [re, im]: [&mut [T]; 2],
    ) {
        let Lines { line, scratch, .. } = lines;
        let scale = self.wave(from, step, line, scratch);
        for ((re, im), z) in re.iter_mut().zip(im).zip(&*line) {
            (*re, *im) = (z.re * scale, z.im * scale);
        }
    }

    /// The same but for the factor that it returns.
    fn wave(
        &self,
        Half(spectrum): &Half<T>,
        step: &Step<'_>,
        line: &mut [Complex<T>],
        scratch: &mut [Complex<T>],
    ) -> T {
        let (parent, level) = (&self.levels[step.from], &self.levels[step.to]);
        let line = &mut line[..level.len];
        line.fill(Complex::default());
        for psi in &self.psi[step.lambda] {
            let (mut i, mut m) = (wrap(psi.start, parent.len), wrap(psi.start, level.len));
            for &value in &psi.values {
                let z = if 2 * i <= parent.len {
                    spectrum[i]
                } else {
                    spectrum[parent.len - i].conj()
                };
                line[m] += z * value;
                i = if i + 1 == parent.len { 0 } else { i + 1 };
                m = if m + 1 == level.len { 0 } else { m + 1 };
            }
        }
        level.inverse.process_with_scratch(line, scratch);
        T::narrow(1.0 / parent.len as f64)
    }

    fn half_len(&self, level: usize) -> usize {
        self.levels[level].len / 2 + 1
    }
}

impl<T: Real> Layer<T> for Alone<T> {
    type Root = Half<T>;
    type Spectrum = Half<T>;
    type Planes = ();
    type Lines = Lines<T>;

    const SHARED: bool = false;

    fn footprint(&self, others: Footprint) -> Footprint {
        let lengths = self.lengths();
        let footprint = others
            .with::<Complex<T>>("spectrum of the signal", self.half_len(0))
            .with::<Complex<T>>("line", lengths.line)
            .with::<Complex<T>>("scratch of a line", lengths.scratch)
            .with::<T>("moduli", lengths.line)
            .with::<T>("kept of a path", lengths.kept);
        let before_the_last = self.finest.len().saturating_sub(1);
        self.finest[..before_the_last]
            .iter()
            .fold(footprint, |footprint, &level| {
                footprint.with::<Complex<T>>("spectrum of an order", self.half_len(level))
            })
    }

    fn root(&self) -> Half<T> {
        Half(vec![Complex::default(); self.half_len(0)])
    }

    fn spectrum(&self, order: usize) -> Half<T> {
        Half(vec![
            Complex::default();
            self.half_len(self.finest[order - 1])
        ])
    }

    fn planes(&self) {}

    fn grow(&self, (): &mut (), _order: usize) {}

    fn lines(&self) -> Lines<T> {
        let lengths = self.lengths();
        Lines {
            line: vec![Complex::default(); lengths.line],
            scratch: vec![Complex::default(); lengths.scratch],
            u: vec![T::zero(); lengths.line],
            kept: vec![T::zero(); lengths.kept],
        }
    }

    fn bytes(&self) -> u64 {
        let bytes = |psi: &Psi<T>| size_of_val(&psi.values[..]) as u64;
        self.psi.iter().flatten().map(bytes).sum()
    }

    fn enter(
        &self,
        plane: &[T],
        constant: T,
        root: &mut Half<T>,
        (): &mut (),
        team: &mut [Lines<T>],
    ) {
        let Lines { u, scratch, .. } = &mut team[0];
        u.copy_from_slice(plane);
        self.levels[0].spectrum(u, &mut root.0, scratch);
        root.0[0].re += constant * T::narrow(plane.len() as f64);
    }

    fn step(
        &self,
        from: Parent<'_, Half<T>, Half<T>>,
        step: &Step<'_>,
        to: Option<&mut Half<T>>,
        (): &mut (),
        team: &mut [Lines<T>],
        keep: &mut dyn FnMut(usize, &[T]),
    ) {
        let (Parent::Input(spectrum) | Parent::Moduli(spectrum)) = from;
        let level = &self.levels[step.to];
        let Lines {
            line,
            scratch,
            u,
            kept,
        } = &mut team[0];
        let scale = self.wave(spectrum, step, line, scratch);
        let u = &mut u[..level.len];
        for (u, z) in u.iter_mut().zip(&*line) {
            *u = (z.re * z.re + z.im * z.im).sqrt() * scale;
        }
        let kept = &mut kept[..level.keep.len()];
        level.keep.of(u, kept);
        if let Some(Half(to)) = to {
            level.spectrum(u, to, scratch);
        }
        keep(step.rows[0], kept);
    }
}

impl<T: Real> Level<T> {
    /// û of a real line, which is overwritten.
    fn spectrum(&self, u: &mut [T], to: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        let half = &mut to[..self.len / 2 + 1];
        match self.forward.process_with_scratch(u, half, scratch) {
            Ok(()) => {}
            Err(error) => unreachable!("lines are as long as planned: {error}"),
        }
    }
}
