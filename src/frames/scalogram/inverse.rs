//! The way back: the dual frame, how good it is, and when there is none.

use ndarray::ArrayView1;

use super::filter::Filter;
use super::rows::ScalogramRow;
use super::{Root, Scalogram, Scratch};
use crate::num::{Complex, Real};
use crate::{Error, Result};

/// How well a scalogram can be inverted.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Inversion {
    /// A: the least value of the Littlewood-Paley sum, of the filters as the plan has them.
    pub lower: f64,
    /// Where that is, cycles per sample.
    pub weakest: f64,
    /// B: its largest value.
    pub upper: f64,
    /// How much of any frequency comes back from others that it is an alias of, at most, before corrections: 0 where every
    /// filter fits into its rate.
    pub aliasing: f64,
    /// Corrections that make it as small as the rounding.
    pub corrections: usize,
    /// The relative l2 error to expect of a signal that is inverted from its own coefficients: u·(1.4·√log2 N + √(B·mean(1/LP))) on a
    /// circle of N samples with the unit roundoff u. The first term is what the transforms round, measured; the second that of the
    /// coefficients, alike at all frequencies, over how much of each they keep.
    pub error: f64,
}

impl Inversion {
    /// B/A: what the energy of one frequency may be amplified over that of another.
    pub fn condition(&self) -> f64 {
        self.upper / self.lower
    }
}

/// Why there is none.
#[derive(Debug)]
struct Refusal {
    name: &'static str,
    value: String,
    limit: String,
}

/// What inverts a scalogram.
pub(super) struct Dual<T> {
    /// 1/LP at frequencies 0 ..= n/2; nothing if there is none.
    inverse: Vec<T>,
    /// The filters that meet their own aliases.
    aliased: Vec<usize>,
    inversion: Result<Inversion, Refusal>,
}

/// Aliases beyond which corrections would take more than they are worth.
const MOST_ALIASING: f64 = 0.5;

/// What may be left of the digits of the weakest frequency: two.
const LARGEST_ERROR: f64 = 0.01;

impl<T: Real> Dual<T> {
    pub fn new(circle: usize, filters: &[Filter<T>], rows: &[ScalogramRow]) -> Self {
        let half = circle / 2 + 1;
        let mut sum = vec![0.0; half];
        for filter in filters {
            filter.add_energy(&mut sum);
        }
        let (mut lower, mut upper, mut weakest) = (f64::INFINITY, 0.0_f64, 0);
        for (k, &value) in sum.iter().enumerate() {
            if value < lower {
                (lower, weakest) = (value, k);
            }
            upper = upper.max(value);
        }
        let weakest = weakest as f64 / circle as f64;
        let refused = |name, value: String, limit: String| Self {
            inverse: Vec::new(),
            aliased: Vec::new(),
            inversion: Err(Refusal { name, value, limit }),
        };

        let roundoff = T::epsilon().widen() / 2.0;
        let limit = (roundoff / LARGEST_ERROR).powi(2);
        if lower <= limit * upper {
            return refused(
                "the bank",
                format!("a Littlewood-Paley sum of {lower:.1e} at {weakest:.4} cycles per sample"),
                format!(
                    "what is left of that frequency is less than the rounding of {} shows, so the scalogram cannot be inverted; use a \
                     bank that covers it (Morlets or Gabors at the Nyquist frequency, a T of at most 2^J around 0, a larger J for \
                     many wavelets Q){}",
                    T::NAME,
                    if size_of::<T>() == 4 {
                        " or 64-bit precision"
                    } else {
                        ""
                    },
                ),
            );
        }

        let mut line = vec![0.0; rows.iter().map(|row| row.circle).max().unwrap_or(0)];
        let mut all = vec![0.0; half];
        let mut aliased = Vec::new();
        let mut worst = (0.0, 0);
        for (n, (filter, row)) in filters.iter().zip(rows).enumerate() {
            if row.circle == circle {
                continue;
            }
            let mut own = vec![0.0; half];
            if filter.aliases(&mut line[..row.circle], &mut own) {
                aliased.push(n);
                let shares = own.iter().zip(&sum).map(|(alias, value)| alias / value);
                let share = shares.fold(0.0, f64::max);
                if share > worst.0 {
                    worst = (share, n);
                }
                all.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
            }
        }
        let shares = all.iter().zip(&sum).map(|(alias, value)| alias / value);
        let aliasing = shares.fold(0.0, f64::max);
        if aliasing > MOST_ALIASING {
            let row = &rows[worst.1];
            let of = row.wavelet.map_or("the low-pass".to_string(), |psi| {
                format!("wavelet {} of {:.4} cycles per sample", psi.n, psi.xi)
            });
            return refused(
                "stride",
                format!("{} for {of}", row.subsampling),
                format!(
                    "it is wider than that rate and overlaps itself by {aliasing:.2} of what it is, so the scalogram cannot be inverted; use a \
                     smaller common stride, or every wavelet's own",
                ),
            );
        }
        let corrections = match aliasing > roundoff {
            true => (roundoff.ln() / aliasing.ln()).ceil() as usize - 1,
            false => 0,
        };
        let inverses = || sum.iter().map(|value| value.recip());
        let mean = inverses().sum::<f64>() / half as f64;
        let inversion = Inversion {
            lower,
            weakest,
            upper,
            aliasing,
            corrections,
            error: roundoff * (1.4 * (circle as f64).log2().sqrt() + (upper * mean).sqrt()),
        };
        Self {
            inverse: inverses().map(T::narrow).collect(),
            aliased,
            inversion: Ok(inversion),
        }
    }

    pub fn inversion(&self) -> Result<Inversion> {
        match &self.inversion {
            Ok(inversion) => Ok(*inversion),
            Err(Refusal { name, value, limit }) => Err(Error::InvalidParameter {
                name,
                value: value.clone(),
                limit: limit.clone(),
            }),
        }
    }

    pub fn corrections(&self) -> usize {
        let inversion = self.inversion.as_ref();
        inversion.map_or(0, |inversion| inversion.corrections)
    }

    pub fn bytes(&self) -> u64 {
        size_of_val(&self.inverse[..]) as u64
    }
}

impl<T: Real> Scalogram<T> {
    /// One signal from its rows, on a plan that can be inverted.
    pub(super) fn synthesise(
        &self,
        rows: ArrayView1<'_, Complex<T>>,
        root: &mut Root<T>,
        lines: &mut Scratch<T>,
        out: &mut [T],
    ) {
        let Root {
            plane,
            half,
            others: [corrected, correction],
            ..
        } = root;
        let Scratch { line, scratch } = lines;
        half.fill(Complex::default());
        let mut rows = rows.iter();
        for (n, filter) in self.filters.iter().enumerate() {
            let by = &self.lines[self.line_of[n]];
            let line = &mut line[..by.len];
            (line.iter_mut().zip(rows.by_ref())).for_each(|(to, &z)| *to = z);
            by.forward(line, scratch);
            filter.unfold(line, T::narrow(self.rows[n].subsampling as f64), half);
        }
        let scale = |from: &[Complex<T>], to: &mut [Complex<T>]| {
            let inverse = self.dual.inverse.iter();
            let pairs = to.iter_mut().zip(from).zip(inverse);
            pairs.for_each(|((to, from), &inverse)| *to = from * inverse);
        };
        let solved = if self.dual.corrections() == 0 {
            let inverse = self.dual.inverse.iter();
            (half.iter_mut().zip(inverse)).for_each(|(z, &inverse)| *z *= inverse);
            half
        } else {
            scale(half, corrected);
            for _ in 0..self.dual.corrections() {
                correction.copy_from_slice(half);
                for &n in &self.dual.aliased {
                    let line = &mut line[..self.rows[n].circle];
                    self.filters[n].take_aliases(corrected, line, correction);
                }
                scale(correction, corrected);
            }
            corrected
        };
        self.circle.inverse(solved, plane, scratch);
        let scale = T::narrow(1.0 / self.axis.padded as f64);
        let on_signal = &plane[self.axis.begin..self.axis.end];
        (out.iter_mut().zip(on_signal)).for_each(|(to, &x)| *to = x * scale);
    }
}
