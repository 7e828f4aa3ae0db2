//! [`Scalogram`]: a signal by time and frequency, and back.
//!
//! Comes in: signals. Goes out: a row for every wavelet and one for the low-pass, as moduli or as complex numbers; and from
//! complex rows, changed or not, the signals.
//!
//! ```text
//! c_λ(m) = (x ⋆ ψ_λ)(2^l·m),    c_φ(m) = (x ⋆ φ)(2^l·m)                 on the circle that padding closes
//! x̂(k)  = Σ_λ 2^l·½( ψ̂_λ(k)·ĉ_λ(k) + ψ̂_λ(−k)·ĉ_λ(−k)* ) / LP(k)      ĉ periodic, φ among the λ, LP the Littlewood-Paley sum
//! ```
//!
//! The second line is exact where no filter meets its own aliases. A wavelet does so if it is wider than its rate: then D = LP is
//! the diagonal of the frame operator D + E, and (D + E)x̂ = b is solved by x̂ ← D⁻¹(b − E·x̂), as often as it takes. That x̂ is
//! the least-squares signal of any rows whatever.
//!
//! Conventions that bite: a signal is inverted from the coefficients of the whole circle, its padding included; rows on the signal
//! alone do not determine it. Where LP is small, what is left of a frequency has few digits: the wavelets of [`Scalogram::params`] stop
//! short of the Nyquist frequency, where LP is 2.9·10⁻⁴ at Q = 8. [`Scalogram::inversion`] tells.
//!
//! [`gradient`] is the way back of derivatives.
//!
//! Source: Mallat, "A wavelet tour of signal processing", 2009, section 5.1; Gröchenig, "Acceleration of the frame algorithm",
//! 1993.

mod filter;
mod gradient;
mod inverse;
mod lines;
mod params;
mod rows;

use std::sync::Arc;

use ndarray::{ArrayBase, ArrayD, ArrayView1, ArrayView2, Axis, Data, DataMut, Dimension};

pub use inverse::Inversion;
pub use params::{Rates, ScalogramParams};
pub use rows::{Rows, ScalogramRow};

use crate::filters::{Band, FilterBank, Wavelet1d};
use crate::grid::{
    check_finite, check_output, fill_in_order, find, leading, signed_frequencies, unmergeable, wrap,
};
use crate::memory::Footprint;
use crate::num::{Complex, Real};
use crate::signal::pad::{AxisPadding, Brought, bring};
use crate::{Error, Result, memory, parallel};
use filter::Filter;
use inverse::Dual;
use lines::{Circle, Line};
use rows::Layout;

/// Where the signals of an array lie.
const PLACE: &str = "time in the last axis";

/// The filters of a scalogram.
type Bank<T> = Arc<dyn FilterBank<T, 1, Wavelet = Wavelet1d>>;

/// A planned scalogram: immutable, shared freely among threads. Results do not depend on the number of threads, nor on how
/// signals are grouped into batches, to the last bit.
///
/// ```
/// use ndarray::Array1;
/// use wavelet_scattering::Scalogram;
///
/// let x = Array1::from_shape_fn(5000, |t| (t as f32 * 0.3).sin() + 0.5 * (t as f32 * 0.02).cos());
/// let plan = Scalogram::params(5000, 6).Q(8).plan::<f32>()?;
///
/// let moduli = plan.transform(&x)?;
/// let loudest = |row: &usize| moduli.row(*row).iter().fold(0.0_f32, |most, u| most.max(*u));
/// let wavelets = 0..plan.rows().len() - 1; // the last row is the low-pass
/// let row = wavelets.max_by(|a, b| loudest(a).total_cmp(&loudest(b))).unwrap();
/// let hertz = plan.rows()[row].frequency(8000.0); // at 8 kHz, 0.3/2π of it is 382 Hz
/// assert!((hertz - 382.0).abs() < 20.0);
///
/// let coefficients = plan.coefficients(&x)?;
/// let again = plan.inverse(coefficients.array())?;
/// let error = wavelet_scattering::num::relative_error(again, x);
/// assert!(error < 1e-6, "{error}");
/// # Ok::<(), wavelet_scattering::Error>(())
/// ```
pub struct Scalogram<T> {
    params: ScalogramParams,
    axis: AxisPadding,
    rows: Arc<[ScalogramRow]>,
    bank: Bank<T>,
    circle: Circle<T>,
    /// One of every length that occurs.
    lines: Vec<Line<T>>,
    filters: Vec<Filter<T>>,
    /// Which of the lines each filter takes.
    line_of: Vec<usize>,
    on_signal: Arc<Layout>,
    on_circle: Arc<Layout>,
    dual: Dual<T>,
    tolerance: f64,
    footprint: Arc<Footprint>,
}

/// Scratch of a [`Scalogram`]: one part for every thread that works at a time. Its contents are garbage between calls, and it
/// serves every plan that needs as much of everything as the one that made it; others refuse it.
#[derive(Debug)]
pub struct ScalogramWorkspace<T> {
    roots: Vec<Root<T>>,
    lines: Vec<Scratch<T>>,
    footprint: Arc<Footprint>,
}

/// One signal on its way in or out.
#[derive(Debug)]
struct Root<T> {
    /// The signal in one piece.
    input: Vec<T>,
    /// The same on the circle.
    plane: Vec<T>,
    half: Vec<Complex<T>>,
    /// What is corrected, or the cotangent of the spectrum; and a correction.
    others: [Vec<Complex<T>>; 2],
}

/// One thread's lines.
#[derive(Debug)]
struct Scratch<T> {
    line: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

impl<T: Real> Scalogram<T> {
    fn new(
        params: ScalogramParams,
        axis: AxisPadding,
        rows: Arc<[ScalogramRow]>,
        bank: Bank<T>,
    ) -> Self {
        let tolerance = params.tolerance.unwrap_or(T::TOLERANCE);
        let padded = axis.padded;
        let phi_hat = bank.low_pass(0, padded);
        let phi_peak = phi_hat[0].abs();
        let negligible = phi_peak * T::NEGLIGIBLE;
        let phi = Band::from_circle(padded, signed_frequencies(padded), negligible, |k| {
            phi_hat[wrap(k, padded)]
        });
        let filters: Vec<_> = (rows.iter().enumerate())
            .map(|(n, row)| match row.wavelet {
                Some(_) => {
                    let least = tolerance * bank.peak(n);
                    Filter::new(&bank.members(n)[0], least, row.circle)
                }
                None => Filter::new(&phi, tolerance * phi_peak, row.circle),
            })
            .collect();
        let mut lines: Vec<Line<T>> = Vec::new();
        let line_of = rows.iter().map(|row| {
            let known = lines.iter().position(|line| line.len == row.circle);
            known.unwrap_or_else(|| {
                lines.push(Line::new(row.circle));
                lines.len() - 1
            })
        });
        let line_of = line_of.collect();
        let common = matches!(params.rates, Rates::Common(_));
        let on_signal = Layout::new(rows.iter().map(|row| row.len), common);
        let on_circle = Layout::new(rows.iter().map(|row| row.circle), common);
        let dual = Dual::new(padded, &filters, &rows);
        let mut plan = Self {
            params,
            axis,
            rows,
            bank,
            circle: Circle::new(padded),
            lines,
            filters,
            line_of,
            on_signal: Arc::new(on_signal),
            on_circle: Arc::new(on_circle),
            dual,
            tolerance,
            footprint: Arc::default(),
        };
        plan.footprint = Arc::new(plan.footprint());
        plan
    }

    /// Everything that one thread takes.
    fn footprint(&self) -> Footprint {
        let half = self.axis.padded / 2 + 1;
        let scratch = self.lines.iter().map(Line::scratch_len);
        let scratch = scratch.chain([self.circle.scratch_len()]).max();
        let line = self.lines.iter().map(|line| line.len).max();
        let correction = if self.dual.corrections() > 0 { half } else { 0 };
        Footprint::default()
            .with::<T>("signal", self.axis.len)
            .with::<T>("padded signal", self.axis.padded)
            .with::<Complex<T>>("spectrum", half)
            .with::<Complex<T>>("second spectrum", half)
            .with::<Complex<T>>("correction", correction)
            .with::<Complex<T>>("line", line.unwrap_or(0))
            .with::<Complex<T>>("scratch of a line", scratch.unwrap_or(0))
    }

    /// What the plan was made from.
    pub fn description(&self) -> &ScalogramParams {
        &self.params
    }

    /// The filters, on the padded signal.
    pub fn bank(&self) -> &Bank<T> {
        &self.bank
    }

    /// What has been left out of the filters, as a share of the peak of each.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// What every row stands for: the wavelets in the order of the bank, which is by decreasing frequency, and the low-pass.
    pub fn rows(&self) -> &Arc<[ScalogramRow]> {
        &self.rows
    }

    /// Samples of the circle.
    pub fn padded_len(&self) -> usize {
        self.axis.padded
    }

    /// How well the transform can be inverted.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if it cannot, with the frequency that the bank leaves out, or the wavelet that is sampled too
    /// rarely.
    pub fn inversion(&self) -> Result<Inversion> {
        self.dual.inversion()
    }

    /// Shape of the moduli of signals with these leading axes.
    ///
    /// **Shape** at a common rate `[leading.., rows, samples]`, at rates of their own all rows one after another,
    /// `[leading.., numbers]`.
    pub fn output_shape(&self, leading: &[usize]) -> Vec<usize> {
        [leading, &self.on_signal.trailing].concat()
    }

    /// Shape of the coefficients of signals with these leading axes: as [`output_shape`](Self::output_shape), with the whole
    /// circle in every row.
    pub fn coefficients_shape(&self, leading: &[usize]) -> Vec<usize> {
        [leading, &self.on_circle.trailing].concat()
    }

    /// Bytes of the plan: the filters, the same again as the products want them, and what inverts them.
    pub fn bytes(&self) -> u64 {
        let filters = self.filters.iter().map(Filter::bytes);
        self.bank.bytes() + filters.sum::<u64>() + self.dual.bytes()
    }

    /// Bytes of scratch for this many threads.
    pub fn workspace_bytes(&self, threads: usize) -> u64 {
        self.footprint.bytes().saturating_mul(threads.max(1) as u64)
    }

    /// Scratch for as many threads as the current pool has, as far as there are cores for them. Not to be locked within tasks of
    /// that pool; see [`ScatteringWorkspace`](crate::scattering::ScatteringWorkspace).
    pub fn workspace(&self) -> ScalogramWorkspace<T> {
        self.workspace_for(parallel::threads())
    }

    /// Scratch for at most this many threads at a time; 1 makes every call run on its caller's thread.
    pub fn workspace_for(&self, threads: usize) -> ScalogramWorkspace<T> {
        let of = &self.footprint;
        let zero = Complex::default();
        let root = |_| Root {
            input: of.vec("signal", T::zero()),
            plane: of.vec("padded signal", T::zero()),
            half: of.vec("spectrum", zero),
            others: ["second spectrum", "correction"].map(|name| of.vec(name, zero)),
        };
        let lines = |_| Scratch {
            line: of.vec("line", zero),
            scratch: of.vec("scratch of a line", zero),
        };
        ScalogramWorkspace {
            roots: (0..threads.max(1)).map(root).collect(),
            lines: (0..threads.max(1)).map(lines).collect(),
            footprint: Arc::clone(of),
        }
    }

    /// |x ⋆ ψ_λ| of signals with any leading batch and channel axes, and x ⋆ φ in the last row; the last axis is time.
    ///
    /// Any strides are taken. Allocates the output and a workspace; see [`transform_into`](Self::transform_into).
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into), and [`Error::OutOfMemory`] if the output would not fit.
    pub fn transform<S, D>(&self, signals: &ArrayBase<S, D>) -> Result<Rows<T>>
    where
        S: Data<Elem = T>,
        D: Dimension,
    {
        let mut out = self.room(signals.shape(), |leading| self.output_shape(leading))?;
        self.transform_into(signals, &mut out, &mut self.workspace())?;
        let (rows, layout) = (Arc::clone(&self.rows), Arc::clone(&self.on_signal));
        Ok(Rows::new(out, rows, layout))
    }

    /// The same into an array of shape [`output_shape`](Self::output_shape).
    ///
    /// With a workspace of one thread nothing is allocated, as long as the leading axes of the signals can be merged without a copy
    /// and the output is contiguous in row-major order; otherwise one copy is made.
    ///
    /// # Errors
    /// [`Error::WrongShape`] if signals or output do not fit the plan, [`Error::ForeignWorkspace`] if the workspace does not,
    /// [`Error::Empty`] for an empty batch, [`Error::NotFinite`] for a NaN or infinite sample, with its position.
    pub fn transform_into<S, D, S2, D2>(
        &self,
        signals: &ArrayBase<S, D>,
        out: &mut ArrayBase<S2, D2>,
        workspace: &mut ScalogramWorkspace<T>,
    ) -> Result<()>
    where
        S: Data<Elem = T>,
        D: Dimension,
        S2: DataMut<Elem = T>,
        D2: Dimension,
    {
        self.analyse(signals, out, workspace, &self.on_signal, &modulus_of)
    }

    /// x ⋆ ψ_λ of signals with any leading axes, and x ⋆ φ in the last row, on the whole circle: what can be inverted.
    ///
    /// # Errors
    /// As [`transform`](Self::transform).
    pub fn coefficients<S, D>(&self, signals: &ArrayBase<S, D>) -> Result<Rows<Complex<T>>>
    where
        S: Data<Elem = T>,
        D: Dimension,
    {
        let mut out = self.room(signals.shape(), |leading| self.coefficients_shape(leading))?;
        self.coefficients_into(signals, &mut out, &mut self.workspace())?;
        let (rows, layout) = (Arc::clone(&self.rows), Arc::clone(&self.on_circle));
        Ok(Rows::new(out, rows, layout))
    }

    /// The same into an array of shape [`coefficients_shape`](Self::coefficients_shape), without allocation where
    /// [`transform_into`](Self::transform_into) does without.
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into).
    pub fn coefficients_into<S, D, S2, D2>(
        &self,
        signals: &ArrayBase<S, D>,
        out: &mut ArrayBase<S2, D2>,
        workspace: &mut ScalogramWorkspace<T>,
    ) -> Result<()>
    where
        S: Data<Elem = T>,
        D: Dimension,
        S2: DataMut<Elem = Complex<T>>,
        D2: Dimension,
    {
        self.analyse(signals, out, workspace, &self.on_circle, &coefficients_of)
    }

    /// The signals of coefficients of shape [`coefficients_shape`](Self::coefficients_shape): those that they were computed from, as
    /// exactly as [`inversion`](Self::inversion) says, or of coefficients that were changed the signals whose own are nearest.
    ///
    /// **Shape** `[leading.., len]`.
    ///
    /// # Errors
    /// As [`inverse_into`](Self::inverse_into), and [`Error::OutOfMemory`] if the output would not fit.
    pub fn inverse<S, D>(&self, coefficients: &ArrayBase<S, D>) -> Result<ArrayD<T>>
    where
        S: Data<Elem = Complex<T>>,
        D: Dimension,
    {
        self.dual.inversion()?;
        let leading = leading(coefficients.shape(), &self.on_circle.trailing, PLACE)?;
        let mut out = self.room_for_signals(leading)?;
        self.inverse_into(coefficients, &mut out, &mut self.workspace())?;
        Ok(out)
    }

    /// The same into an array of shape `[leading.., len]`. The threads of the workspace take signals of their own: one signal
    /// is inverted on one.
    ///
    /// # Errors
    /// As [`transform_into`](Self::transform_into) and [`inversion`](Self::inversion).
    pub fn inverse_into<S, D, S2, D2>(
        &self,
        coefficients: &ArrayBase<S, D>,
        out: &mut ArrayBase<S2, D2>,
        workspace: &mut ScalogramWorkspace<T>,
    ) -> Result<()>
    where
        S: Data<Elem = Complex<T>>,
        D: Dimension,
        S2: DataMut<Elem = T>,
        D2: Dimension,
    {
        self.dual.inversion()?;
        let shape = coefficients.shape();
        let leading = leading(shape, &self.on_circle.trailing, PLACE)?;
        check_output(out.shape(), leading, &[self.axis.len])?;
        self.check_workspace(workspace)?;
        check_finite_parts(coefficients)?;
        let flat = [leading.iter().product(), self.on_circle.numbers];
        let coefficients = coefficients
            .to_shape(flat)
            .map_err(|_| unmergeable(shape))?;
        fill_in_order(out, |out| {
            let signals = out.chunks_exact_mut(self.axis.len).enumerate();
            let workers = workspace.roots.iter_mut().zip(&mut workspace.lines);
            share(workers, signals, |(root, lines), (i, out)| {
                let rows = coefficients.index_axis(Axis(0), i);
                self.synthesise(rows, root, lines, out);
            });
        });
        Ok(())
    }

    /// Room for the rows of signals of this shape.
    fn room<A: Clone + Default + num_traits::Zero>(
        &self,
        shape: &[usize],
        of: impl Fn(&[usize]) -> Vec<usize>,
    ) -> Result<ArrayD<A>> {
        let shape = of(leading(shape, &[self.axis.len], PLACE)?);
        let output = memory::bytes_of::<A>(memory::count(&shape));
        let scratch = self.workspace_bytes(parallel::threads());
        memory::require(
            "the filter bank, the workspace and the output",
            output.saturating_add(scratch).saturating_add(self.bytes()),
            "transform fewer signals at a time, lower Q, or sample more rarely",
        )?;
        Ok(ArrayD::zeros(shape))
    }

    fn check_workspace(&self, workspace: &ScalogramWorkspace<T>) -> Result<()> {
        match workspace.footprint == self.footprint {
            true => Ok(()),
            false => Err(Error::ForeignWorkspace),
        }
    }

    /// Every row of every signal: `keep` what of a line, which is to be multiplied by a factor.
    fn analyse<A, S, D, S2, D2>(
        &self,
        signals: &ArrayBase<S, D>,
        out: &mut ArrayBase<S2, D2>,
        workspace: &mut ScalogramWorkspace<T>,
        layout: &Layout,
        keep: &Keep<T, A>,
    ) -> Result<()>
    where
        A: Copy + Send + num_traits::Zero,
        S: Data<Elem = T>,
        D: Dimension,
        S2: DataMut<Elem = A>,
        D2: Dimension,
    {
        let shape = signals.shape();
        let leading = leading(shape, &[self.axis.len], PLACE)?;
        check_output(out.shape(), leading, &layout.trailing)?;
        self.check_workspace(workspace)?;
        check_finite(signals)?;
        let flat = [leading.iter().product(), self.axis.len];
        let signals = signals.to_shape(flat).map_err(|_| unmergeable(shape))?;
        fill_in_order(out, |out| {
            self.analyse_all(signals.view(), out, workspace, layout, keep);
        });
        Ok(())
    }

    /// As many whole rounds as there are with one signal a thread; of what is left the rows are shared among the threads.
    fn analyse_all<A: Send>(
        &self,
        signals: ArrayView2<'_, T>,
        out: &mut [A],
        workspace: &mut ScalogramWorkspace<T>,
        layout: &Layout,
        keep: &Keep<T, A>,
    ) {
        let ScalogramWorkspace { roots, lines, .. } = workspace;
        let whole = signals.nrows() / lines.len() * lines.len();
        let (alone, shared) = out.split_at_mut(whole * layout.numbers);
        let of_signals = alone.chunks_exact_mut(layout.numbers).enumerate();
        let workers = roots.iter_mut().zip(lines.iter_mut());
        share(workers, of_signals, |(root, lines), (i, out)| {
            let amplitude = self.enter(signals.index_axis(Axis(0), i), root, &mut lines.scratch);
            for (row, range) in layout.ranges.iter().enumerate() {
                let factor = self.row(row, &root.half, lines, amplitude);
                keep(
                    &self.rows[row],
                    &lines.line,
                    factor,
                    &mut out[range.clone()],
                );
            }
        });
        for (i, out) in (whole..).zip(shared.chunks_exact_mut(layout.numbers)) {
            let root = &mut roots[0];
            let signal = signals.index_axis(Axis(0), i);
            let amplitude = self.enter(signal, root, &mut lines[0].scratch);
            let mut rest = out;
            let of_rows = layout.ranges.iter().enumerate().map(move |(row, range)| {
                let (out, others) = std::mem::take(&mut rest).split_at_mut(range.len());
                rest = others;
                (row, out)
            });
            let half = &root.half;
            share(lines.iter_mut(), of_rows, |lines, (row, out)| {
                let factor = self.row(row, half, lines, amplitude);
                keep(&self.rows[row], &lines.line, factor, out);
            });
        }
    }

    /// The half spectrum of a signal, brought into range and padded; returns what the range is to be multiplied by.
    fn enter(
        &self,
        signal: ArrayView1<'_, T>,
        root: &mut Root<T>,
        scratch: &mut [Complex<T>],
    ) -> T {
        let Root {
            input, plane, half, ..
        } = root;
        input.iter_mut().zip(&signal).for_each(|(to, &x)| *to = x);
        let axes = std::slice::from_ref(&self.axis);
        let Brought { mean, amplitude } = bring(axes, input, plane);
        self.circle.forward(plane, half, scratch);
        half[0].re += mean * T::narrow(self.axis.padded as f64);
        amplitude
    }

    /// Leaves the coefficients of a row in the line, but for the factor that it returns.
    fn row(&self, row: usize, half: &[Complex<T>], lines: &mut Scratch<T>, amplitude: T) -> T {
        let by = &self.lines[self.line_of[row]];
        let line = &mut lines.line[..by.len];
        self.filters[row].fold(half, line);
        by.inverse(line, &mut lines.scratch);
        amplitude * T::narrow(1.0 / self.axis.padded as f64)
    }
}

/// Refuses NaN and infinities in either part.
fn check_finite_parts<T, S, D>(array: &ArrayBase<S, D>) -> Result<()>
where
    T: Real,
    S: Data<Elem = Complex<T>>,
    D: Dimension,
{
    let finite = |z: &Complex<T>| z.re.is_finite() && z.im.is_finite();
    match find(array, |z| !finite(z)) {
        None => Ok(()),
        Some((position, value)) => {
            let [re, im] = [value.re, value.im].map(T::widen);
            let value = if re.is_finite() { im } else { re };
            Err(Error::NotFinite { position, value })
        }
    }
}

/// What is kept of a row: of the line, and the factor that it is to be multiplied by.
type Keep<T, A> = dyn Fn(&ScalogramRow, &[Complex<T>], T, &mut [A]) + Sync;

/// |x ⋆ ψ| on the signal; x ⋆ φ is real.
fn modulus_of<T: Real>(row: &ScalogramRow, line: &[Complex<T>], factor: T, out: &mut [T]) {
    let line = &line[row.on_signal()];
    match row.wavelet {
        Some(_) => out.iter_mut().zip(line).for_each(|(to, z)| {
            *to = (z.re * z.re + z.im * z.im).sqrt() * factor;
        }),
        None => (out.iter_mut().zip(line)).for_each(|(to, z)| *to = z.re * factor),
    }
}

fn coefficients_of<T: Real>(
    row: &ScalogramRow,
    line: &[Complex<T>],
    factor: T,
    out: &mut [Complex<T>],
) {
    let line = &line[..row.circle];
    match row.wavelet {
        Some(_) => (out.iter_mut().zip(line)).for_each(|(to, z)| *to = z * factor),
        None => (out.iter_mut().zip(line)).for_each(|(to, z)| *to = (z.re * factor).into()),
    }
}

/// Tasks among workers; one works on the caller's thread.
fn share<W: Send, Task>(
    workers: impl ExactSizeIterator<Item = W> + Send,
    tasks: impl Iterator<Item = Task> + Send,
    run: impl Fn(&mut W, Task) + Sync + Send,
) {
    match workers.len() {
        1 => parallel::for_each(workers, tasks, run),
        _ => parallel::inside(|| parallel::for_each(workers, tasks, run)),
    }
}

impl<T: Real> std::fmt::Debug for Scalogram<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scalogram")
            .field("params", &self.params)
            .field("precision", &T::NAME)
            .finish_non_exhaustive()
    }
}
