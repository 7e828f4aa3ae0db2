//! Work shared among threads: the only module that knows whether there are any.
//!
//! With the feature `parallel` these are a few lines over rayon, without it the same calls run in order on the
//! caller's thread. Nothing here changes a result: every task writes its own output.
//!
//! A thread that waits for others here does other tasks of the pool meanwhile, the caller's too: whoever calls with a lock
//! held that those tasks take waits for himself. The documentation of both workspaces says so, and what to do instead.

#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// Number of threads worth sharing work among, at least 1: those of the current pool, as far as there are cores for them.
/// More would only take turns, with scratch for each.
pub(crate) fn threads() -> usize {
    #[cfg(feature = "parallel")]
    {
        use std::sync::OnceLock;
        use std::thread::available_parallelism;

        static CORES: OnceLock<usize> = OnceLock::new();
        let cores = *CORES.get_or_init(|| available_parallelism().map_or(usize::MAX, usize::from));
        rayon::current_num_threads().min(cores)
    }
    #[cfg(not(feature = "parallel"))]
    1
}

/// `[f(0), f(1), …, f(count − 1)]`.
pub(crate) fn map<R: Send>(count: usize, f: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
    #[cfg(feature = "parallel")]
    return (0..count).into_par_iter().map(f).collect();
    #[cfg(not(feature = "parallel"))]
    (0..count).map(f).collect()
}

/// Runs something on a thread of the pool, so that what it shares out starts without waking the pool every time.
pub(crate) fn inside<R: Send>(f: impl FnOnce() -> R + Send) -> R {
    #[cfg(feature = "parallel")]
    return rayon::scope(|_| f());
    #[cfg(not(feature = "parallel"))]
    f()
}

/// The most workers at a time. Each nests a call where no thread is free, and a stack has an end.
const MOST: usize = 256;

/// Hands the tasks out, in order, to whichever worker is free; each worker has its own scratch.
///
/// One worker runs on the caller's thread. Nothing is allocated.
///
/// # Panics
/// Without a worker.
pub(crate) fn for_each<W: Send, Task>(
    workers: impl IntoIterator<Item = W, IntoIter: Send>,
    tasks: impl Iterator<Item = Task> + Send,
    run: impl Fn(&mut W, Task) + Sync + Send,
) {
    let mut workers = workers.into_iter().take(MOST);
    let Some(mut first) = workers.next() else {
        unreachable!("a workspace has at least one worker")
    };
    #[cfg(feature = "parallel")]
    if let Some(second) = workers.next() {
        let queue = std::sync::Mutex::new(tasks);
        // The lock is held for the hand-over only, so a worker that panics cannot poison it half-way.
        let next = || {
            queue
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .next()
        };
        let drain = |mut worker: W| {
            while let Some(task) = next() {
                run(&mut worker, task);
            }
        };
        rayon::join(|| drain(first), || each(second, workers, &drain));
        return;
    }
    tasks.for_each(|task| run(&mut first, task));
}

/// Runs all workers at once, as far as there are threads.
#[cfg(feature = "parallel")]
fn each<W: Send>(first: W, mut others: impl Iterator<Item = W> + Send, run: &(impl Fn(W) + Sync)) {
    match others.next() {
        None => run(first),
        Some(next) => {
            rayon::join(|| run(first), || each(next, others, run));
        }
    }
}
