//! The program `scatter`, run as a person runs it.

use std::path::Path;
use std::process::{Command, Output};

/// A call of the program in a folder, to be given arguments.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scatter"));
    command.current_dir(folder);
    command
}

/// Runs and expects success; returns what it printed.
pub fn ok(folder: &Path, args: &[&str]) -> String {
    let (output, stderr) = run(folder, args);
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs and expects failure, not a panic; returns the message.
pub fn fails(folder: &Path, args: &[&str]) -> String {
    let (output, stderr) = run(folder, args);
    assert!(!output.status.success(), "{args:?} succeeded");
    assert!(!stderr.contains("panicked"), "{args:?}: {stderr}");
    stderr
}

fn run(folder: &Path, args: &[&str]) -> (Output, String) {
    let output = command(folder).args(args).output().unwrap();
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    (output, stderr)
}
