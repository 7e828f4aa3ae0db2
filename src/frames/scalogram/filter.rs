//! One filter of a scalogram on the circle: products with a half spectrum, subsampled, and their transpose.
//!
//! ```text
//! fold:    z(m)  = Σ_{k ≡ m mod n} x̂(k)·ψ̂(k)
//! unfold:  y(k) += ½ ( ψ̂(k)·z(k mod n) + ψ̂(−k)·z(−k mod n)* )
//! ```
//!
//! The second is what z and its complex conjugate, of which a real signal tells nothing new, tell of the half spectrum.

use crate::filters::Band;
use crate::grid::wrap;
use crate::num::{Complex, Real};

/// ψ̂ from a signed frequency on, without gaps.
struct Stretch<T> {
    start: i64,
    values: Vec<T>,
}

/// A real transfer function on a circle, and the shorter circle that what it lets through is subsampled to.
pub(super) struct Filter<T> {
    circle: usize,
    subsampled: usize,
    stretches: Vec<Stretch<T>>,
}

impl<T: Real> Filter<T> {
    /// Without what lies at most at `least` at the ends of a band.
    pub fn new(band: &Band<T, 1>, least: f64, subsampled: usize) -> Self {
        let runs = band.runs_above(0, least);
        let stretches = runs.map(|run| Stretch {
            start: run.start[0],
            values: run.values.to_vec(),
        });
        Self {
            circle: band.grid().shape[0],
            subsampled,
            stretches: stretches.collect(),
        }
    }

    pub fn bytes(&self) -> u64 {
        let bytes = |stretch: &Stretch<T>| size_of_val(&stretch.values[..]) as u64;
        self.stretches.iter().map(bytes).sum()
    }

    /// Every value with its index on the circle and on the shorter one.
    pub fn for_each(&self, mut visit: impl FnMut(usize, usize, T)) {
        for stretch in &self.stretches {
            let mut k = wrap(stretch.start, self.circle);
            let mut m = wrap(stretch.start, self.subsampled);
            for &value in &stretch.values {
                visit(k, m, value);
                k = if k + 1 == self.circle { 0 } else { k + 1 };
                m = if m + 1 == self.subsampled { 0 } else { m + 1 };
            }
        }
    }

    /// x̂ at any frequency of the circle.
    fn at(&self, half: &[Complex<T>], k: usize) -> Complex<T> {
        if 2 * k <= self.circle {
            half[k]
        } else {
            half[self.circle - k].conj()
        }
    }

    /// The spectrum of x ⋆ ψ, subsampled; scaled as x̂ is.
    pub fn fold(&self, half: &[Complex<T>], line: &mut [Complex<T>]) {
        line.fill(Complex::default());
        self.for_each(|k, m, psi| line[m] += self.at(half, k) * psi);
    }

    /// Adds `weight` times what a line tells of the half spectrum.
    pub fn unfold(&self, line: &[Complex<T>], weight: T, half: &mut [Complex<T>]) {
        self.for_each(|k, m, psi| self.add(k, line[m] * (psi * weight), half));
    }

    /// Subtracts what the aliases of x̂ come back as: of `unfold(fold(x̂))` all that is not |ψ̂|²·x̂.
    pub fn take_aliases(
        &self,
        x_hat: &[Complex<T>],
        line: &mut [Complex<T>],
        half: &mut [Complex<T>],
    ) {
        self.fold(x_hat, line);
        self.for_each(|k, m, psi| {
            let aliases = line[m] - self.at(x_hat, k) * psi;
            self.add(k, aliases * -psi, half);
        });
    }

    fn add(&self, k: usize, value: Complex<T>, half: &mut [Complex<T>]) {
        let share = T::narrow(0.5);
        if k == 0 || 2 * k == self.circle {
            half[k].re += value.re;
        } else if 2 * k < self.circle {
            half[k] += value * share;
        } else {
            half[self.circle - k] += value.conj() * share;
        }
    }

    /// Adds ½(|ψ̂(k)|² + |ψ̂(−k)|²).
    pub fn add_energy(&self, sum: &mut [f64]) {
        self.for_each(|k, _, psi| self.add_share(k, psi.widen().powi(2), sum));
    }

    /// ½ Σ_{a ≠ 0} |ψ̂(k)·ψ̂(k + a·n)| and the same of −k, added up by k: nothing where no alias meets the filter.
    pub fn aliases(&self, line: &mut [f64], sum: &mut [f64]) -> bool {
        line.fill(0.0);
        self.for_each(|_, m, psi| line[m] += psi.widen().abs());
        let mut any = false;
        self.for_each(|k, m, psi| {
            let psi = psi.widen().abs();
            let others = line[m] - psi;
            if others > 0.0 {
                any = true;
                self.add_share(k, psi * others, sum);
            }
        });
        any
    }

    fn add_share(&self, k: usize, value: f64, sum: &mut [f64]) {
        if k == 0 || 2 * k == self.circle {
            sum[k] += value;
        } else {
            sum[k.min(self.circle - k)] += 0.5 * value;
        }
    }
}
