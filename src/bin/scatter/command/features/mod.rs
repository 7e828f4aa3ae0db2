//! What commands that turn inputs into rows of features have in common: which inputs became rows, and how a run ends.

pub mod output;

use std::path::Path;
use std::time::Instant;

use anyhow::{Error, Result, ensure};

/// One input, or why it cannot be used.
pub struct Item<I> {
    /// The file, and which of its inputs if it holds several.
    pub label: String,
    /// How many inputs this stands for: those of an array behind a fault are lost together.
    pub count: usize,
    pub input: Result<I>,
}

/// What cannot be used: a label, how many inputs it stands for, and why.
pub struct Skipped {
    pub label: String,
    pub count: usize,
    pub reason: String,
}

/// Which inputs became rows, and which did not.
pub struct Report {
    /// Label of every row.
    pub written: Vec<String>,
    /// What was skipped.
    pub skipped: Vec<Skipped>,
}

impl Report {
    /// Notes what cannot be used, or ends the run with it.
    pub fn skip(
        &mut self,
        label: String,
        count: usize,
        error: Error,
        keep_going: bool,
    ) -> Result<()> {
        if !keep_going {
            return Err(error.context(format!(
                "{label}: stopped here; --keep-going skips such inputs"
            )));
        }
        self.skipped.push(Skipped {
            label,
            count,
            reason: format!("{error:#}"),
        });
        Ok(())
    }

    /// The error of a run of which nothing is left, with every reason.
    pub fn none_left(&self) -> Error {
        none_left(&self.skipped)
    }

    /// Tells what was left out, and fails if anything was skipped.
    pub fn close(&self, left_out: usize, example: &str) -> Result<()> {
        match left_out {
            0 => {}
            1 => println!(
                "1 file is left out: its name is one that systems make, such as ._{example}"
            ),
            count => println!(
                "{count} files are left out: their names are such as systems make, as ._{example}"
            ),
        }
        tell(&self.skipped);
        let skipped: usize = self.skipped.iter().map(|skipped| skipped.count).sum();
        ensure!(
            skipped == 0,
            "{skipped} of {} inputs were skipped; the output holds the others",
            self.written.len() + skipped
        );
        Ok(())
    }
}

fn tell(skipped: &[Skipped]) {
    for Skipped { label, reason, .. } in skipped {
        eprintln!("skipped {label}: {reason}");
    }
}

/// The error of a run of which nothing is left, with every reason.
pub fn none_left(skipped: &[Skipped]) -> Error {
    tell(skipped);
    Error::msg(match skipped.len() {
        1 => "the input could not be used; nothing was written".to_string(),
        count => format!("none of the {count} inputs could be used; nothing was written"),
    })
}

/// Says what was written, and how long it took.
pub fn done(output: &Path, shape: &str, precision: &str, count: usize, what: &str, start: Instant) {
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}: {shape} {precision}, {count} {what} in {seconds:.2} s ({:.1} {what}/s, {} threads)",
        output.display(),
        count as f64 / seconds,
        rayon::current_num_threads(),
    );
}
