//! Work shared among threads: the only module that knows whether there are any.
//!
//! With the feature `parallel` these are a few lines over rayon, without it the same calls run in order on the
//! caller's thread. Nothing here changes a result: every task writes its own output.
//!
//! A thread that waits for others here does other tasks of the pool meanwhile, the caller's too: whoever calls with a lock
//! held that those tasks take waits for himself. The documentation of both workspaces says so, and what to do instead.

use std::sync::{Mutex, PoisonError};

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
/// One worker runs on the caller's thread. Nothing is allocated. What a task does is compiled once: threads reach it by
/// [`at_once`], which knows no types.
///
/// # Panics
/// Without a worker.
pub(crate) fn for_each<W: Send, Task>(
    workers: impl IntoIterator<Item = W, IntoIter: ExactSizeIterator + Send>,
    tasks: impl Iterator<Item = Task> + Send,
    run: impl Fn(&mut W, Task) + Sync + Send,
) {
    let workers = workers.into_iter().take(MOST);
    let count = workers.len();
    assert!(count > 0, "a workspace has at least one worker");
    let (workers, tasks) = (Mutex::new(workers), Mutex::new(tasks));
    at_once(count, &|| {
        let Some(mut worker) = next(&workers) else {
            return;
        };
        while let Some(task) = next(&tasks) {
            run(&mut worker, task);
        }
    });
}

/// What is next in a queue. The lock is held for the hand-over only, so a worker that panics cannot poison it half-way.
fn next<T>(queue: &Mutex<impl Iterator<Item = T>>) -> Option<T> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    queue.next()
}

/// Runs the same so many times at once, as far as there are threads; one is the caller's.
fn at_once(count: usize, run: &(dyn Fn() + Sync)) {
    #[cfg(feature = "parallel")]
    if count > 1 {
        rayon::join(run, || at_once(count - 1, run));
        return;
    }
    let _ = count; // on one thread, the first does everything
    run();
}
