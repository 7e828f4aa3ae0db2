//! [`ScatteringStream`]: scattering of signals without an end, in memory that does not depend on how long they are.
//!
//! ```text
//! samples:   ├─ reach ─┼──────── hop ────────┼─ reach ─┤
//!                      └ columns of this block: those whose filters see nothing but the block
//! next:                            ├─ reach ─┼──────── hop ────────┼─ reach ─┤
//! ```
//!
//! Comes in: blocks of any length, as they arrive. Goes out: columns, in order, each exactly once. A block is transformed on the
//! circle, by the plan of a signal that brings its own surroundings, and only what the circle does not reach is kept; hops are
//! multiples of the coarsest subsampling, so every U is sampled where it would be in one piece. What lies before the first
//! sample and behind the last one is padded as the parameters say.
//!
//! Equal to the transform of the whole signal to rounding, but for strictly analytic wavelets, whose tails have no end: 10⁻⁵.
//!
//! Convention that bites: columns stand at samples 0, stride, 2·stride, …; a transform of a whole signal begins up to a stride later, where
//! Kymatio's padding puts it, which is at sample 0 for lengths that are powers of two.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayD, ArrayView1};

use super::blocks::Tiling;
use super::engine::{Bank, Blueprint, engine};
use super::params::{LaidOut, Scattering1dParams};
use crate::filters::Wavelet1d;
use crate::isa::Isa;
use crate::num::Real;
use crate::scattering::engine::Engine;
use crate::scattering::keep::Average;
use crate::scattering::path::PathTable;
use crate::scattering::runner::{Runner, ScatteringWorkspace};
use crate::signal::Padding;
use crate::signal::pad::reflect;
use crate::{Cancel, Error, Result, memory, parallel};

impl Scattering1dParams {
    /// Checks everything, builds the filter banks and plans the transform of blocks.
    ///
    /// The length is how many samples are transformed at a time, beside their surroundings, at least: few for a short delay, many for
    /// speed; 0 for four times as many as the filters reach.
    ///
    /// # Errors
    /// As [`plan`](Self::plan), but that no length is too short; [`Error::InvalidParameter`] for averages over all of a signal,
    /// which a stream has no end for, and for periodic padding.
    ///
    /// ```
    /// use wavelet_scattering::Scattering1d;
    ///
    /// let mut stream = Scattering1d::stream_params(6).Q([8]).stream::<f32>()?;
    /// let sound: Vec<f32> = (0..100_000).map(|t| (1e-7 * (t as f32).powi(2)).sin()).collect();
    /// let mut columns = 0;
    /// for block in sound.chunks(1000) {
    ///     columns += stream.push(block)?.columns(); // as soon as there are any
    /// }
    /// columns += stream.finish()?.columns();
    /// assert_eq!(columns, 100_000_usize.div_ceil(64)); // one every 2^J samples
    /// # Ok::<(), wavelet_scattering::Error>(())
    /// ```
    pub fn stream<T: Real>(&self) -> Result<ScatteringStream<T>> {
        self.check_numbers()?;
        let invalid = |name, value: &str, limit: &str| {
            Err(Error::InvalidParameter {
                name,
                value: value.into(),
                limit: limit.into(),
            })
        };
        if matches!(self.average, Average::Global | Average::Sum) {
            let limit = "a stream has no end to average up to; use local averages, or none";
            return invalid("average", self.average.name(), limit);
        }
        if self.padding == Padding::Periodic {
            let limit =
                "a stream does not come back to its beginning; use reflect, symmetric or zero";
            return invalid("padding", self.padding.name(), limit);
        }
        let isa = match self.isa {
            Some(isa) => isa.require()?,
            None => Isa::best(),
        };
        let step = self.coarsest_step();
        let reach = self.reach::<T>();
        let least = if self.len == 0 {
            4.0 * reach
        } else {
            self.len as f64
        };
        memory::require(
            "one block of the stream",
            memory::bytes_of::<[f64; 4]>((2.0 * reach + least + step as f64) as u64),
            "use a smaller J or T, or fewer samples at a time",
        )?;
        let tiling = Tiling::new(reach, least as usize, step);
        let LaidOut { design, banks } = self.lay_out_on::<T>(tiling.axis())?;
        let bytes: u64 = banks.iter().map(|bank| bank.expected_bytes::<T>()).sum();
        let scratch = Self::expected_workspace::<T>(tiling.block);
        memory::require(
            "the filter banks and the workspace",
            (bytes.saturating_mul(2))
                .saturating_add(scratch.saturating_mul(parallel::threads() as u64)),
            "use a smaller J, T or Q, fewer samples at a time, fewer threads or 32-bit precision",
        )?;
        let banks = banks
            .iter()
            .map(|bank| -> Result<Bank<T>> { Ok(Arc::new(bank.build::<T>()?)) });
        let banks = banks.collect::<Result<Vec<_>>>()?;
        let bank_bytes = banks.iter().map(|bank| bank.bytes()).sum();
        let design = Arc::new(design);
        let engine: Box<dyn Engine<T>> = engine(Blueprint {
            isa,
            design: Arc::clone(&design),
            banks,
        });
        let levels = (0..design.paths.len()).map(|row| design.level_kept(row));
        let levels = levels.collect();
        let Tiling { block, reach } = tiling;
        let runner = Runner::new(engine, [block], Arc::clone(&design.layout), bank_bytes);
        let out = ArrayD::zeros(runner.output_shape(&[]));
        Ok(ScatteringStream {
            workspace: runner.workspace_for(parallel::threads()),
            runner,
            paths: Arc::clone(&design.paths),
            levels,
            padding: self.padding,
            reach,
            block,
            samples: Vec::with_capacity(2 * block),
            start: -(reach as i64),
            received: 0,
            next: 0,
            out,
        })
    }
}

/// A scattering transform of a signal that comes block by block: [`Scattering1dParams::stream`] makes one.
pub struct ScatteringStream<T> {
    runner: Runner<T, 1>,
    workspace: ScatteringWorkspace<T>,
    paths: Arc<PathTable<Wavelet1d>>,
    /// Of every row.
    levels: Vec<usize>,
    padding: Padding,
    /// Samples that filters see on either side.
    reach: usize,
    /// Samples transformed at a time, with what filters see.
    block: usize,
    /// What has not been used up, from sample `start` on, which lies before the signal at first. Empty until the samples are there
    /// that are reflected to before it.
    samples: Vec<T>,
    start: i64,
    received: usize,
    /// The sample that the next columns begin at.
    next: usize,
    /// Features of one block.
    out: ArrayD<T>,
}

impl<T: Real> ScatteringStream<T> {
    /// What every row stands for.
    pub fn paths(&self) -> &Arc<PathTable<Wavelet1d>> {
        &self.paths
    }

    /// How many samples must have arrived after one before its column comes out: what filters see beyond it, and what is
    /// transformed at a time.
    pub fn delay(&self) -> usize {
        self.reach + self.hop()
    }

    /// Samples between the beginnings of two blocks.
    fn hop(&self) -> usize {
        self.block - 2 * self.reach
    }

    /// Bytes that the stream takes, however long the signal is.
    pub fn bytes(&self) -> u64 {
        let own = memory::bytes_of::<T>((2 * self.block + self.out.len()) as u64);
        own + self.runner.bytes() + self.runner.workspace_bytes(self.workspace.threads())
    }

    /// Ends calls with [`Error::Cancelled`] soon after this flag is set; the stream is of no use from then on.
    pub fn cancelled_by(mut self, cancel: &Cancel) -> Self {
        self.workspace = self.workspace.cancelled_by(cancel);
        self
    }

    /// Takes the next samples, any number of them, and gives the columns that are ready, often none.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a NaN or infinite sample, with its position from the beginning of the signal: nothing of the block
    /// has been taken then. [`Error::Cancelled`].
    pub fn push(&mut self, block: &[T]) -> Result<StreamFeatures<T>> {
        if let Some(bad) = crate::grid::find_in(block, |value| !value.is_finite()) {
            return Err(Error::NotFinite {
                position: vec![self.received + bad],
                value: block[bad].widen(),
            });
        }
        self.received += block.len();
        self.samples.extend_from_slice(block);
        let mut features = self.nothing();
        if self.begun() || self.received > self.reach {
            self.begin();
            self.run(false, &mut features)?;
        }
        Ok(features)
    }

    /// The columns of what has arrived and not come out yet: the signal ends here. A stream that is pushed to again begins anew.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn finish(&mut self) -> Result<StreamFeatures<T>> {
        let mut features = self.nothing();
        if self.received > 0 {
            self.begin();
            self.run(true, &mut features)?;
        }
        self.samples.clear();
        (self.start, self.received, self.next) = (-(self.reach as i64), 0, 0);
        Ok(features)
    }

    fn nothing(&self) -> StreamFeatures<T> {
        StreamFeatures {
            rows: vec![Vec::new(); self.paths.len()],
            paths: Arc::clone(&self.paths),
            first: self.next,
        }
    }

    /// Whether what lies before the signal has been put there.
    fn begun(&self) -> bool {
        self.start + self.samples.len() as i64 == self.received as i64
    }

    /// Puts what lies before the signal there.
    fn begin(&mut self) {
        if self.begun() {
            return;
        }
        let before = (self.start..0).map(|i| self.padded(i, 0));
        let before: Vec<T> = before.collect();
        self.samples.splice(0..0, before);
    }

    /// What stands at a sample outside the signal, if sample `first` is the first of `samples`.
    fn padded(&self, at: i64, first: i64) -> T {
        let source = reflect(self.padding, at, self.received);
        source.map_or(T::zero(), |i| self.samples[(i as i64 - first) as usize])
    }

    /// Transforms as many blocks as there are samples for; at the end of the signal all.
    fn run(&mut self, end: bool, features: &mut StreamFeatures<T>) -> Result<()> {
        if end && self.next < self.received {
            // As far as the filters of the last column see; what is behind that does not matter.
            let behind = self.received as i64..(self.received + self.reach) as i64;
            let behind: Vec<T> = behind.map(|i| self.padded(i, self.start)).collect();
            self.samples.extend(behind);
        }
        loop {
            if self.samples.len() < self.block {
                if !end || self.next >= self.received {
                    return Ok(());
                }
                self.samples.resize(self.block, T::zero());
            }
            let kept = match end {
                true => self.hop().min(self.received - self.next.min(self.received)),
                false => self.hop(),
            };
            if kept == 0 {
                return Ok(());
            }
            let block = ArrayView1::from(&self.samples[..self.block]);
            self.runner
                .transform_into(&block, &mut self.out, &mut self.workspace)?;
            let numbers = self
                .out
                .as_slice()
                .unwrap_or_else(|| unreachable!("it was made contiguous"));
            for (row, to) in features.rows.iter_mut().enumerate() {
                let range: Range<usize> = self.runner.layout().range(row);
                let count = kept.div_ceil(1 << self.levels[row]).min(range.len());
                to.extend_from_slice(&numbers[range][..count]);
            }
            let hop = self.hop();
            self.samples.drain(..hop);
            self.start += hop as i64;
            self.next += hop;
        }
    }
}

impl<T: Real> std::fmt::Debug for ScatteringStream<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScatteringStream")
            .field("paths", &self.paths.len())
            .field("reach", &self.reach)
            .field("block", &self.block)
            .field("received", &self.received)
            .finish_non_exhaustive()
    }
}

/// Columns of a stream that have become ready.
#[derive(Debug, Clone)]
pub struct StreamFeatures<T> {
    rows: Vec<Vec<T>>,
    paths: Arc<PathTable<Wavelet1d>>,
    first: usize,
}

impl<T: Real> StreamFeatures<T> {
    /// What every row stands for.
    pub fn paths(&self) -> &Arc<PathTable<Wavelet1d>> {
        &self.paths
    }

    /// The sample of the signal that the first column stands at.
    pub fn first_sample(&self) -> usize {
        self.first
    }

    /// Columns of local averages; without averages the samples of the finest row.
    pub fn columns(&self) -> usize {
        self.rows.iter().map(Vec::len).max().unwrap_or(0)
    }

    /// One row. Panics if there is no such row, as indexing does.
    pub fn path(&self, row: usize) -> ArrayView1<'_, T> {
        ArrayView1::from(&self.rows[row])
    }

    /// All rows of local averages as one array.
    ///
    /// **Shape** `[paths, columns]`.
    ///
    /// # Errors
    /// [`Error::NotApplicable`] without averages, where rows are of different lengths.
    pub fn array(&self) -> Result<Array2<T>> {
        let shape = [self.rows.len(), self.columns()];
        if self.rows.iter().any(|row| row.len() != shape[1]) {
            return Err(Error::NotApplicable {
                call: "array",
                got: shape.to_vec(),
                limit: "rows without averages have different lengths; take them one by one with `path`",
            });
        }
        match Array2::from_shape_vec(shape, self.rows.concat()) {
            Ok(array) => Ok(array),
            Err(error) => unreachable!("rows are as long as each other: {error}"),
        }
    }

    /// The rows, each by itself.
    pub fn into_rows(self) -> Vec<Array1<T>> {
        self.rows.into_iter().map(Array1::from).collect()
    }
}
