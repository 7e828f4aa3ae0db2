//! Standard output and standard error, whose readers may stop reading: `print!`, `println!` and `eprintln!` of the program.
//!
//! Those of the standard library panic when nobody reads any more. Here what cannot be written is dropped, and the command
//! goes on: files that it was asked for appear, and what it has to say on standard error is said. At the end [`check`] tells
//! a reader that has gone, which is no failure, from a disk that is full, which is one.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write as _};
use std::sync::{Mutex, PoisonError};

/// Why standard output could not be written for the first time.
static FAILURE: Mutex<Option<io::Error>> = Mutex::new(None);

fn note(written: io::Result<()>) {
    if let Err(error) = written {
        let mut failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert(error);
    }
}

/// Writes to standard output.
pub fn print(text: Arguments) {
    note(io::stdout().write_fmt(text));
}

/// Writes a line to standard error. There is nobody to tell if that fails.
pub fn print_error(text: Arguments) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Whether everything was written that somebody wanted to read.
pub fn check() -> io::Result<()> {
    note(io::stdout().flush());
    let mut failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
    match failure.take() {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

macro_rules! print {
    ($($text:tt)*) => { $crate::standard::print(format_args!($($text)*)) };
}

macro_rules! println {
    () => { $crate::standard::print(format_args!("\n")) };
    ($($text:tt)*) => { $crate::standard::print(format_args!("{}\n", format_args!($($text)*))) };
}

macro_rules! eprintln {
    ($($text:tt)*) => { $crate::standard::print_error(format_args!($($text)*)) };
}
