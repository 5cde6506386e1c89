//! The collector's thread: waits, reads, writes, waits again.
//!
//! Its parts by what they do: `reading` streams, `writing` to sinks, obeying `commands`, `finishing` with processes.

mod commands;
mod finishing;
mod reading;
mod writing;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::stream::StreamEntry;
use super::{Command, SinkKey};
use finishing::Finishing;
use reading::{LARGE_READ, SMALL_READ};
use writing::SinkEntry;

/// How often sinks are told the time.
const TICK: Duration = Duration::from_secs(1);
/// A pause after a small read that followed closely on another: a process that writes line by line would otherwise wake the
/// collector for each of them. Its pipe holds what it says meanwhile.
const GATHER: Duration = Duration::from_millis(1);
/// The speed of output that a pause must not slow down, bytes in a second.
const GATHER_SPEED: usize = 400 << 20;

/// Names the bell among the streams' tokens.
const BELL: u64 = u64::MAX;

pub(super) struct Engine {
    epoll: OwnedFd,
    bell: Arc<OwnedFd>,
    commands: Receiver<Command>,
    streams: BTreeMap<u64, StreamEntry>,
    next_token: u64,
    sinks: BTreeMap<SinkKey, SinkEntry>,
    finishing: Vec<Finishing>,
    /// Room for one read, shared by all streams: what waited of the stream, then what is read.
    chunk: Vec<u8>,
    read_bytes: usize,
    /// Records to be written, shared by all streams.
    out: Vec<u8>,
    next_partial: Option<Instant>,
    next_tick: Instant,
    /// When something was last read.
    last_read: Instant,
    /// Whether much was read at once since the last tick.
    busy: bool,
}

impl Engine {
    pub(super) fn new(commands: Receiver<Command>, bell: Arc<OwnedFd>) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &bell, EventData::new_u64(BELL), EventFlags::IN)?;
        let now = Instant::now();
        Ok(Self {
            epoll,
            bell,
            commands,
            streams: BTreeMap::new(),
            next_token: 0,
            sinks: BTreeMap::new(),
            finishing: Vec::new(),
            chunk: Vec::new(),
            read_bytes: SMALL_READ,
            out: Vec::new(),
            next_partial: None,
            next_tick: now + TICK,
            last_read: now,
            busy: false,
        })
    }

    /// Collects until it is told to suspend.
    pub(super) fn run(mut self) {
        let mut events = Vec::with_capacity(64);
        loop {
            events.clear();
            let timeout = self.timeout().map(timespec);
            match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                // Only a mistake of ours can make this fail; a pause keeps it from burning a processor.
                Err(_) => std::thread::sleep(TICK),
            }
            let mut read = 0;
            let mut capacity = usize::MAX;
            let mut rung = false;
            for event in &events {
                match event.data.u64() {
                    BELL => rung = true,
                    token => {
                        read += self.serve(token, LARGE_READ);
                        capacity = capacity.min(self.streams.get(&token).map_or(0, StreamEntry::capacity));
                    }
                }
            }
            if rung && self.obey() {
                return;
            }
            self.go_on_finishing();
            self.keep_time();
            if read > 0 {
                self.gather(read, capacity);
            }
        }
    }

    /// How long to wait for events; `None`: for ever.
    fn timeout(&self) -> Option<Duration> {
        if self.finishing.iter().any(|finishing| self.may_go_on(finishing.process)) {
            return Some(Duration::ZERO);
        }
        let retries = self.sinks.values().filter_map(|sink| Some(sink.refusal.as_ref()?.retry_at));
        let deadlines = self.finishing.iter().filter_map(|finishing| finishing.deadline);
        let tick = (!self.sinks.is_empty() || self.busy).then_some(self.next_tick);
        let due = retries.chain(deadlines).chain(self.next_partial).chain(tick).min()?;
        Some(due.saturating_duration_since(Instant::now()))
    }

    /// Waits a little when small reads follow closely on each other.
    fn gather(&mut self, read: usize, capacity: usize) {
        let now = Instant::now();
        let close = now.duration_since(self.last_read) < 2 * GATHER;
        self.last_read = now;
        if close && read < capacity / 4 && self.finishing.is_empty() {
            let fills =
                Duration::from_nanos((capacity as u64).saturating_mul(1_000_000_000) / GATHER_SPEED as u64);
            std::thread::sleep(fills.min(GATHER));
            self.last_read = Instant::now();
        }
    }

    /// What is due by the clock.
    fn keep_time(&mut self) {
        let now = Instant::now();
        if self.next_partial.is_some_and(|due| due <= now) {
            self.give_up_on_partials(now);
        }
        let due = |sink: &SinkEntry| sink.refusal.as_ref().is_some_and(|refusal| refusal.retry_at <= now);
        let retries: Vec<SinkKey> =
            self.sinks.iter().filter(|(_, sink)| due(sink)).map(|(key, _)| *key).collect();
        for sink in retries {
            self.retry(sink);
        }
        if self.next_tick <= now {
            self.next_tick = now + TICK;
            self.tick();
            if !std::mem::take(&mut self.busy) {
                self.read_bytes = SMALL_READ;
                (self.chunk, self.out) = (Vec::new(), Vec::new());
            }
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs() as i64, tv_nsec: i64::from(duration.subsec_nanos()) }
}
