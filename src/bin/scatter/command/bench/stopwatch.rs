//! How long a call takes.
//!
//! The shortest call is what the code takes when nothing else runs; the median is what a caller saw here and now. Tables show
//! the shortest, since what a table of costs predicts is a machine at rest; files hold both.

use std::time::{Duration, Instant};

/// Seconds of one call.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub shortest: f64,
    pub median: f64,
}

impl Timing {
    /// Of one of so many things that a call does.
    pub fn divided_by(self, count: usize) -> Self {
        Self {
            shortest: self.shortest / count as f64,
            median: self.median / count as f64,
        }
    }
}

/// How long to measure one thing: after a call that nobody counts, for `time` and `calls` calls at least. A thing that takes
/// longer than [`SLOW`] is called once more and no more.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch {
    pub time: Duration,
    pub calls: usize,
}

const SLOW: Duration = Duration::from_secs(1);

/// More calls than these say nothing new.
const MOST_CALLS: usize = 10_000;

impl Stopwatch {
    /// Three calls if `quick`, otherwise as many as fit into `seconds`, but three.
    pub fn new(quick: bool, seconds: f64) -> Self {
        Self {
            time: Duration::from_secs_f64(if quick { 0.0 } else { seconds }),
            calls: 3,
        }
    }

    pub fn time(&self, mut run: impl FnMut()) -> Timing {
        let start = Instant::now();
        run();
        let calls = if start.elapsed() > SLOW {
            1
        } else {
            self.calls
        };
        let start = Instant::now();
        let mut seconds = Vec::new();
        while seconds.len() < calls || (start.elapsed() < self.time && seconds.len() < MOST_CALLS) {
            let call = Instant::now();
            run();
            seconds.push(call.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        Timing {
            shortest: seconds[0],
            median: seconds[seconds.len() / 2],
        }
    }
}
