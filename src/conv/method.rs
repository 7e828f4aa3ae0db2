//! The words of a choice: which [`Method`] computes a convolution, where [`Planning`] takes costs from, and the
//! [`Explanation`] of what was chosen.

use std::fmt;

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Method<const D: usize> {
    /// Whatever costs least.
    #[default]
    Auto,
    /// By the definition, a product a tap and a sample.
    Direct,
    /// One transform of everything.
    Fft,
    /// Blocks of this many samples, which overlap by the kernel's length less one.
    OverlapSave {
        /// Samples along each axis, at least the kernel's, a multiple of the subsampling.
        block: [usize; D],
    },
}

impl<const D: usize> fmt::Display for Method<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Auto => f.write_str("auto"),
            Method::Direct => f.write_str("direct"),
            Method::Fft => f.write_str("fft"),
            Method::OverlapSave { block } => write!(f, "overlap-save {}", sides(block)),
        }
    }
}

/// `144 x 96`
fn sides(block: &[usize]) -> String {
    let sides: Vec<_> = block.iter().map(usize::to_string).collect();
    sides.join(" x ")
}

/// Where the costs come from that a plan compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Planning {
    /// From a table: the same choice, and the same bits, in every run and on every machine of one instruction set.
    #[default]
    Estimate,
    /// From a few milliseconds of trying the best candidates of the table on this machine, now. Refused where there is no
    /// clock, on wasm32.
    Measure,
}

/// One way of computing a convolution and its cost.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Candidate<const D: usize> {
    /// Which way.
    pub method: Method<D>,
    /// Samples of what is transformed, or for the direct form computed, at a time.
    pub block: [usize; D],
    /// Nanoseconds for one signal and all kernels on one thread.
    pub nanoseconds: f64,
    /// Whether that was measured or is an estimate.
    pub planning: Planning,
}

/// Why a plan computes as it does: every candidate with its cost, and the chosen one. Prints as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation<const D: usize> {
    pub(super) candidates: Vec<Candidate<D>>,
    pub(super) chosen: usize,
    pub(super) forced: bool,
}

impl<const D: usize> Explanation<D> {
    /// Every candidate; of overlap-save the best of every octave of block lengths.
    pub fn candidates(&self) -> &[Candidate<D>] {
        &self.candidates
    }

    /// The one that runs.
    pub fn chosen(&self) -> &Candidate<D> {
        &self.candidates[self.chosen]
    }

    /// Whether the caller named the method, so that costs had no say.
    pub fn is_forced(&self) -> bool {
        self.forced
    }
}

impl<const D: usize> fmt::Display for Explanation<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, candidate) in self.candidates.iter().enumerate() {
            let mark = match (i == self.chosen, self.forced) {
                (false, _) => "",
                (true, false) => "  <- cheapest",
                (true, true) => "  <- as requested",
            };
            let source = match candidate.planning {
                Planning::Estimate => "estimated",
                Planning::Measure => "measured",
            };
            let name = match candidate.method {
                Method::Fft => format!("fft {}", sides(&candidate.block)),
                method => method.to_string(),
            };
            let milliseconds = candidate.nanoseconds * 1e-6;
            writeln!(f, "{name:<28} {milliseconds:>12.4} ms {source}{mark}")?;
        }
        Ok(())
    }
}
