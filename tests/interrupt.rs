//! An interrupt ends the program within a second whatever it is doing, with no file half-written.

#![cfg(unix)]

#[allow(dead_code)] // tells success from failure; here no run comes to its end
mod program;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use program::command;

/// A second, and one more for a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(2);

const INT: (&str, i32) = ("-INT", 130);
const TERM: (&str, i32) = ("-TERM", 143);

/// An array of zeros that takes no room on the disk, since most of it was never written.
fn write_zeros(path: &Path, shape: &str, bytes: u64) {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    header += &" ".repeat(117 - header.len());
    header.push('\n');
    let mut file = File::create(path).unwrap();
    file.write_all(b"\x93NUMPY\x01\x00").unwrap();
    file.write_all(&(header.len() as u16).to_le_bytes())
        .unwrap();
    file.write_all(header.as_bytes()).unwrap();
    file.set_len(10 + header.len() as u64 + bytes).unwrap();
}

/// A black square, of which the disk holds as little.
fn write_blank_picture(path: &Path, side: u64) {
    let header = format!("P5\n{side} {side}\n255\n");
    fs::write(path, &header).unwrap();
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(header.len() as u64 + side * side).unwrap();
}

/// All files in a folder and the folders in it.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .flat_map(|path| {
            if path.is_dir() {
                files_in(&path)
            } else {
                vec![path]
            }
        })
        .collect();
    files.sort();
    files
}

fn send(signal: &str, child: &Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &id])
            .status()
            .unwrap()
            .success()
    );
}

/// Interrupts a run after a while, and sees that it ends soon and leaves no file that was not there.
fn interrupted(folder: &Path, args: &str, milliseconds: u64, (signal, code): (&str, i32)) {
    let asked = format!("scatter {args}, {signal} after {milliseconds} ms");
    let before = files_in(folder);
    let mut child = command(folder)
        .args(args.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(milliseconds));
    if child.try_wait().unwrap().is_some() {
        let output = child.wait_with_output().unwrap();
        panic!("{asked}: ended by itself: {output:?}");
    }
    send(signal, &child);
    ends_soon(child, &asked, code);
    assert_eq!(files_in(folder), before, "{asked}");
}

fn ends_soon(mut child: Child, asked: &str, code: i32) {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > SOON {
            child.kill().unwrap();
            panic!("{asked}: still there after {SOON:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{asked}: {output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("scatter: interrupted; "),
        "{asked}: {message}"
    );
}

#[test]
fn one_huge_image_is_given_up_at_any_time() {
    let folder = tempfile::tempdir().unwrap();
    write_zeros(&folder.path().join("x.npy"), "(2048, 2048)", 4 << 22);
    let args = "image x.npy -J 5 -L 16 --order 3 --average global -o out.npy";
    for (milliseconds, signal) in [(100, INT), (300, TERM), (1000, INT)] {
        interrupted(folder.path(), args, milliseconds, signal);
    }
}

#[test]
fn many_images_and_much_to_write_are_given_up_with_any_number_of_threads() {
    let folder = tempfile::tempdir().unwrap();
    write_zeros(
        &folder.path().join("x.npy"),
        "(1000, 64, 64)",
        (1000 * 4) << 12,
    );
    for (threads, signal) in [("1", TERM), ("10000", INT), ("10000", TERM)] {
        let args = format!("image x.npy --oversampling 3 --threads {threads} -o out.csv");
        interrupted(folder.path(), &args, 700, signal);
    }
}

#[test]
fn reading_a_large_picture_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    write_blank_picture(&folder.path().join("x.pgm"), 12_000);
    interrupted(
        folder.path(),
        "image x.pgm --resize 64x64 -o out.npy",
        100,
        TERM,
    );
    interrupted(
        folder.path(),
        "disk x.pgm --resize 64x64 -o disk.png",
        100,
        INT,
    );
}

#[test]
fn pictures_and_benches_are_given_up() {
    let folder = tempfile::tempdir().unwrap();
    write_blank_picture(&folder.path().join("x.pgm"), 64);
    for (args, signal) in [
        ("disk x.pgm --resize 1500x1500 -J 6 -L 16 -o disk.png", INT),
        ("filters -J 6 -L 8 --size 1024x1024 -o bank.npz", TERM),
        ("bench --json speed.json", INT),
    ] {
        interrupted(folder.path(), args, 400, signal);
    }
}

#[cfg(feature = "learn")]
#[test]
fn training_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    for (args, signal) in [
        (
            "task --competitors lenet5 --train-sizes 4000 --seeds 1 -o report",
            TERM,
        ),
        ("compare --train mnist-subset --epochs 100 -o filters", INT),
    ] {
        interrupted(folder.path(), args, 1000, signal);
    }
}

/// As `nohup` and scripts start what is to live on.
#[test]
fn a_signal_that_was_ignored_from_the_start_stays_ignored() {
    let folder = tempfile::tempdir().unwrap();
    write_zeros(
        &folder.path().join("x.npy"),
        "(1000, 64, 64)",
        (1000 * 4) << 12,
    );
    let program = env!("CARGO_BIN_EXE_scatter");
    let script =
        format!("trap '' HUP INT; exec '{program}' image x.npy --oversampling 3 -o out.csv");
    let mut child = Command::new("sh")
        .current_dir(folder.path())
        .args(["-c", &script])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_millis(400));
    send("-HUP", &child);
    send("-INT", &child);
    std::thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().unwrap().is_none());
    send("-TERM", &child);
    ends_soon(child, &script, TERM.1);
}
