//! What several tests of this crate need: pipes, sinks that misbehave, and a way back from records to bytes.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use logs::{
    Collector, Entry, Finished, History, ProcessKey, Refused, Sink, SinkKey, Source, Stats, Stream,
    Timestamp, entries,
};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat, open};
use rustix::pipe::{PipeFlags, pipe_with};

/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The read end, which the collector gets, and the write end, which a process has.
pub(crate) fn pipe() -> (OwnedFd, OwnedFd) {
    pipe_with(PipeFlags::CLOEXEC).unwrap()
}

/// Writes all of it, however small the pipe.
pub(crate) fn write_all(pipe: &OwnedFd, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let length = rustix::io::write(pipe, bytes).unwrap();
        bytes = &bytes[length..];
    }
}

/// A FIFO as a supervisor makes it: the read end without waiting, the write end held open both ways by the process.
pub(crate) fn fifo(path: &std::path::Path) -> (OwnedFd, OwnedFd) {
    if !path.exists() {
        mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    }
    let reader = open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let writer = open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap();
    (reader, writer)
}

pub(crate) fn add(
    collector: &Collector,
    process: u64,
    stream: Stream,
    output: OwnedFd,
    sink: SinkKey,
    history: History,
) {
    let name = format!("web.{process}");
    collector.add([Source { process: ProcessKey(process), name, stream, output, sink, history }]).unwrap();
}

pub(crate) fn finish(collector: &Collector, process: u64) -> Finished {
    finish_within(collector, process, None).recv_timeout(PATIENCE).expect("the process is finished")
}

pub(crate) fn finish_within(
    collector: &Collector,
    process: u64,
    patience: Option<Duration>,
) -> Receiver<Finished> {
    let (reply, answer) = channel();
    collector.finish(ProcessKey(process), patience, move |finished| drop(reply.send(finished))).unwrap();
    answer
}

pub(crate) fn stats(collector: &Collector) -> Stats {
    let (reply, answer) = channel();
    collector.stats(move |stats| drop(reply.send(stats))).unwrap();
    answer.recv_timeout(PATIENCE).expect("an answer")
}

/// Waits until something is so.
pub(crate) fn eventually(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(start.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// What a sink took, and how it behaves: shared with the test.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) taken: Arc<Mutex<Vec<u8>>>,
    pub(crate) behaviour: Arc<Mutex<Behaviour>>,
}

#[derive(Default)]
pub(crate) struct Behaviour {
    /// Refuses everything.
    pub(crate) refuses: bool,
    /// How many records it takes of each of the next writes before it refuses.
    pub(crate) takes: Vec<usize>,
    /// How long it sleeps in each write.
    pub(crate) sleeps: Duration,
}

impl Memory {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.taken.lock().unwrap().clone()
    }

    pub(crate) fn refuse(&self, refuses: bool) {
        self.behaviour.lock().unwrap().refuses = refuses;
    }
}

impl Sink for Memory {
    fn write(&mut self, records: &[u8], _now: Timestamp) -> Result<(), Refused> {
        let (most, sleeps) = {
            let mut behaviour = self.behaviour.lock().unwrap();
            let most = if behaviour.refuses { Some(0) } else { behaviour.takes.pop() };
            (most, behaviour.sleeps)
        };
        std::thread::sleep(sleeps);
        assert!(records.ends_with(b"\n"), "whole records only");
        let Some(most) = most else {
            self.taken.lock().unwrap().extend(records);
            return Ok(());
        };
        let taken = records.split_inclusive(|&byte| byte == b'\n').take(most).map(<[u8]>::len).sum();
        self.taken.lock().unwrap().extend(&records[..taken]);
        Err(Refused { taken, reason: "not now".into(), retry_after: Duration::from_millis(3) })
    }
}

/// What each stream wrote, read back from records. Panics when there is anything but whole records.
pub(crate) fn reassembled(records: &[u8]) -> BTreeMap<Stream, Vec<u8>> {
    let mut streams: BTreeMap<Stream, Vec<u8>> = BTreeMap::new();
    for entry in entries(records) {
        let Entry::Record(record) = entry else { panic!("no record: {entry:?}") };
        let bytes = streams.entry(record.stream).or_default();
        bytes.extend(record.text);
        if !record.partial {
            bytes.push(b'\n');
        }
    }
    streams
}

/// What must come back of these bytes once their process has ended: an unfinished line is ended.
pub(crate) fn ended(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if !bytes.is_empty() && !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    bytes
}

/// KiB of `VmRSS` and the like of this process.
pub(crate) fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
