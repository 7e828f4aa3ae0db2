//! Work shared among threads: the only module that knows whether there are any.
//!
//! With the feature `parallel` these are a few lines over rayon, without it the same calls run in order on the
//! caller's thread. Nothing here changes a result: every task writes its own output.

#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// Number of threads the current pool offers, at least 1.
pub(crate) fn threads() -> usize {
    #[cfg(feature = "parallel")]
    return rayon::current_num_threads();
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

/// Hands the tasks out, in order, to whichever worker is free; each worker has its own scratch.
///
/// One worker runs on the caller's thread and allocates nothing.
pub(crate) fn for_each<W: Send, Task>(
    workers: &mut [W],
    tasks: impl Iterator<Item = Task> + Send,
    run: impl Fn(&mut W, Task) + Sync + Send,
) {
    match workers {
        [] => debug_assert!(false, "a workspace has at least one worker"),
        [worker] => tasks.for_each(|task| run(worker, task)),
        #[cfg(not(feature = "parallel"))]
        [worker, ..] => tasks.for_each(|task| run(worker, task)),
        #[cfg(feature = "parallel")]
        workers => {
            let queue = std::sync::Mutex::new(tasks);
            // The lock is held for the hand-over only, so a worker that panics cannot poison it half-way.
            let next = || {
                queue
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner())
                    .next()
            };
            workers.par_iter_mut().for_each(|worker| {
                while let Some(task) = next() {
                    run(worker, task);
                }
            });
        }
    }
}
