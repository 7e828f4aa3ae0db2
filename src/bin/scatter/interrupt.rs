//! An interrupt ends the program, whatever it is doing: SIGINT, SIGTERM or SIGHUP, or Ctrl-C where there are no signals.
//!
//! Nothing is asked to stop. Reading, decoding, planning and drawing could not answer, and a computation that could would
//! need a second way out beside this one. Instead a thread waits for the signal, lets renames that have begun be done,
//! removes the files that are still being written, and exits with 128 + the number of the signal, as shells count. A
//! second signal exits at once.
//!
//! Signals that the program was started with as ignored stay so: `nohup` means it, and scripts do it to what they leave
//! in the background.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use wavelet_scattering::io;

/// What a run that ends early leaves behind, if a command has more to say than whether files were written.
static LEAVES: Mutex<Option<String>> = Mutex::new(None);

/// Listens from now on. No other thread may have been started before, since it would take the signals itself.
pub fn listen() -> Result<()> {
    start().context("cannot listen for interrupts")
}

/// Has the message of an interrupt end in these words.
#[cfg(feature = "learn")]
pub fn leaves(words: String) {
    *LEAVES.lock().unwrap_or_else(PoisonError::into_inner) = Some(words);
}

#[cfg(unix)]
fn start() -> Result<()> {
    use nix::sys::signal::{SigSet, Signal};

    let signals: SigSet = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]
        .into_iter()
        .filter(|&signal| !is_ignored(signal as u32))
        .collect();
    // All threads to come inherit this, so that only the one that waits is told.
    signals.thread_block()?;
    let wait = move || {
        let mut ends = false;
        while let Ok(signal) = signals.wait() {
            let code = 128 + signal as i32;
            if ends {
                std::process::exit(code);
            }
            ends = true;
            std::thread::spawn(move || end(code));
        }
    };
    std::thread::Builder::new()
        .name("interrupts".into())
        .spawn(wait)?;
    Ok(())
}

/// Whether the program was started with this signal ignored, where the system tells.
#[cfg(unix)]
fn is_ignored(signal: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(not(unix))]
fn start() -> Result<()> {
    Ok(ctrlc::set_handler(|| end(130))?)
}

fn end(code: i32) -> ! {
    // Held to the end: no file appears any more.
    let abandoned = io::abandon_all();
    let words = LEAVES.lock().unwrap_or_else(PoisonError::into_inner).take();
    let words = words.unwrap_or_else(|| match abandoned.committed() {
        0 => "nothing was written".into(),
        1 => "the file that was written is whole".into(),
        count => format!("the {count} files that were written are whole"),
    });
    let mut stderr = std::io::stderr();
    // A progress bar may stand in the line.
    let line = if stderr.is_terminal() { "\n" } else { "" };
    // If nobody reads it any more, the end is the same.
    let _ = writeln!(stderr, "{line}scatter: interrupted; {words}");
    std::process::exit(code)
}
