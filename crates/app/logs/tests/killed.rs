//! A collecting process that is killed with SIGKILL again and again: the log stays whole, and what is missing is little.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a test that runs itself as the process to be killed"
)]

mod support;

use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use logs::{Archiver, Collector, FileSink, History, Item, Query, Reader, Rotation, Stream};
use rustix::fs::{Mode, OFlags, open};
use support::{add, eventually, fifo, finish, stats, write_all};

/// Where the process to be killed finds its FIFO and its log.
const FOLDER: &str = "PINCH_LOGS_KILLED_FOLDER";
const KILLS: u64 = 20;
/// Bytes of a line.
const LINE: usize = 40;

fn line(number: u64) -> Vec<u8> {
    format!("{number:0width$}\n", width = LINE - 1).into_bytes()
}

/// Not a test by itself: the process that is killed.
#[test]
#[ignore = "run by the other test of this file"]
fn collecting_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let _collector = collect(Path::new(&folder));
    loop {
        std::thread::park();
    }
}

fn collect(folder: &Path) -> Collector {
    let collector = Collector::start().unwrap();
    let rotation = Rotation { file_bytes: 1 << 20, keep: 1000, ..Rotation::default() };
    let sink = FileSink::open(&folder.join("log/web.1.log"), rotation, &Archiver::new()).unwrap();
    let sink = collector.attach(Box::new(sink)).unwrap();
    let output =
        open(folder.join("fifo"), OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())
            .unwrap();
    add(&collector, 1, Stream::Stdout, output, sink, History::Adopted);
    collector
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "collecting_process", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let (reader, writer) = fifo(&folder.path().join("fifo"));
    drop(reader);
    let written = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicU64::new(u64::MAX));
    let (count, last) = (Arc::clone(&written), Arc::clone(&stop));
    let writing = std::thread::spawn(move || {
        while count.load(Ordering::Relaxed) < last.load(Ordering::Relaxed) {
            let number = count.load(Ordering::Relaxed);
            // Some at once, some by themselves, some in halves.
            let lines: Vec<u8> = (number..=number + number % 97).flat_map(line).collect();
            let (one, other) = lines.split_at(lines.len() / 2);
            write_all(&writer, one);
            write_all(&writer, other);
            count.fetch_add(number % 97 + 1, Ordering::Relaxed);
        }
        writer
    });
    let log = folder.path().join("log/web.1.log");
    for kill in 0..KILLS {
        let mut process = start(folder.path());
        eventually("it collects", || log.exists());
        std::thread::sleep(Duration::from_millis(20 + kill * 37 % 60));
        process.kill().unwrap();
        process.wait().unwrap();
    }
    stop.store(0, Ordering::Relaxed);
    let collector = collect(folder.path());
    let _writer = writing.join().unwrap();
    eventually("it is empty", || stats(&collector).streams[0].bytes > 0);
    finish(&collector, 1);
    drop(collector);

    let mut reader = Reader::open(log.parent().unwrap(), Query::default()).unwrap();
    let (mut next, mut lines, mut pieces, mut missing) = (0, 0, 0, 0);
    while let Some(item) = reader.next().unwrap() {
        let Item::Event(event) = item else { panic!("{item:?}") };
        assert!(!event.foreign, "{event:?}");
        let number = std::str::from_utf8(&event.text).unwrap().parse::<u64>().unwrap();
        if event.text.len() != LINE - 1 || number < next {
            // What was left of a line whose other part had been read and not been written.
            pieces += 1;
            continue;
        }
        missing += number - next;
        next = number + 1;
        lines += 1;
    }
    let total = written.load(Ordering::Relaxed);
    println!(
        "{total} lines written, {lines} whole, {pieces} in pieces, {missing} missing after {KILLS} kills"
    );
    assert!(lines > 1000, "{lines}");
    assert!(pieces <= KILLS, "{pieces} pieces");
    assert!(missing + (total - next) <= KILLS * (256 << 10) / LINE as u64, "{missing} missing");
}
