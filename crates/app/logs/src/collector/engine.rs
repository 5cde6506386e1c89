//! The collector's thread: waits, reads, writes, waits again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::stream::{Interest, Pulled, StreamEntry};
use super::{
    Command, Finished, History, LineState, ProcessKey, Reply, SinkKey, SinkStats, Source, Stats, Suspended,
    Waiting,
};
use crate::record::{Headers, Stream};
use crate::{Refused, Sink, Timestamp};

/// Bytes of one read of a stream that says little.
const SMALL_READ: usize = 16 << 10;
/// Bytes of one read of a stream that says much.
const LARGE_READ: usize = 256 << 10;
/// The longest start of a line that waits for its rest in memory.
const LONGEST_WAITING: usize = 16 << 10;
/// Bytes of records that are written at once.
const ENOUGH_RECORDS: usize = 384 << 10;
/// After which the start of a line no longer waits for its rest.
const PARTIAL_PATIENCE: Duration = Duration::from_millis(200);
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
    /// When something was last read, and whether it was much since the last tick.
    last_read: Instant,
    busy: bool,
}

struct SinkEntry {
    sink: Box<dyn Sink>,
    detached: bool,
    refusal: Option<Refusal>,
    refusals: u64,
    /// Streams whose last record is a partial one that nobody has gone on with.
    unfinished: BTreeSet<Stream>,
}

struct Refusal {
    waiting: Waiting,
    retry_at: Instant,
}

struct Finishing {
    process: ProcessKey,
    deadline: Option<Instant>,
    so_far: Finished,
    reply: Reply<Finished>,
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

    // --- streams ---

    /// Reads a stream once and writes what it said. How many bytes were read.
    fn serve(&mut self, token: u64, most: usize) -> usize {
        let Some(entry) = self.streams.get_mut(&token) else { return 0 };
        if entry.failed.is_some() || self.sinks.get(&entry.sink).is_none_or(|sink| sink.refusal.is_some()) {
            return 0;
        }
        let room = self.read_bytes.min(most);
        let waiting = std::mem::take(&mut entry.line.unread);
        self.chunk.resize(self.chunk.len().max(waiting.len() + room), 0);
        self.chunk[..waiting.len()].copy_from_slice(&waiting);
        match entry.pull(&mut self.chunk[waiting.len()..waiting.len() + room]) {
            Pulled::Bytes(length) => {
                if length == self.read_bytes {
                    self.read_bytes = LARGE_READ;
                    self.busy = true;
                }
                if entry.ended() {
                    entry.watch(&self.epoll, token, Interest::Level);
                }
                self.take(token, waiting.len() + length);
                return length;
            }
            Pulled::Empty => {}
            Pulled::End => {
                entry.watch(&self.epoll, token, Interest::Edge);
                // Nobody can write the rest before somebody opens the other end again.
                entry.finish_after = entry.finish_after.map(|_| 0);
            }
            Pulled::Failed(errno) => {
                entry.watch(&self.epoll, token, Interest::Off);
                entry.failed = Some(errno.to_string());
                entry.finish_after = entry.finish_after.map(|_| 0);
            }
        }
        entry.line.unread = waiting;
        0
    }

    /// Makes records of the first `length` bytes of the chunk and writes them.
    fn take(&mut self, token: u64, length: usize) {
        let Some(entry) = self.streams.get_mut(&token) else { return };
        let now = Timestamp::now();
        let headers = Headers::new(now, entry.stream);
        let mut start = 0;
        self.out.reserve(length + length / 2);
        loop {
            start +=
                entry.line.encode_lines(&self.chunk[start..length], &headers, &mut self.out, ENOUGH_RECORDS);
            if self.out.len() < ENOUGH_RECORDS {
                break;
            }
            if !write(&mut self.sinks, entry, &mut self.out, now) {
                entry.line.unread = self.chunk[start..length].to_vec();
                let sink = entry.sink;
                return self.pause(sink);
            }
        }
        let rest = &self.chunk[start..length];
        if rest.len() > LONGEST_WAITING {
            entry.line.encode_partial(rest, &headers, &mut self.out);
            entry.partial_since = None;
        } else {
            entry.line.unread = rest.to_vec();
            entry.partial_since = (!rest.is_empty()).then(|| {
                let read_at = if start > 0 { None } else { entry.partial_since };
                read_at.unwrap_or_else(Instant::now)
            });
            let due = entry.partial_since.map(|since| since + PARTIAL_PATIENCE);
            self.next_partial = self.next_partial.into_iter().chain(due).min();
        }
        let sink = entry.sink;
        if !write(&mut self.sinks, entry, &mut self.out, now) {
            self.pause(sink);
        }
    }

    /// Writes lines that have waited too long for their end.
    fn give_up_on_partials(&mut self, now: Instant) {
        self.next_partial = None;
        let time = Timestamp::now();
        let mut refused = Vec::new();
        for entry in self.streams.values_mut() {
            let Some(since) = entry.partial_since else { continue };
            if self.sinks.get(&entry.sink).is_none_or(|sink| sink.refusal.is_some()) {
                continue;
            }
            if since + PARTIAL_PATIENCE > now {
                self.next_partial = self.next_partial.into_iter().chain([since + PARTIAL_PATIENCE]).min();
                continue;
            }
            entry.partial_since = None;
            let text = std::mem::take(&mut entry.line.unread);
            entry.line.encode_partial(&text, &Headers::new(time, entry.stream), &mut self.out);
            if !write(&mut self.sinks, entry, &mut self.out, time) {
                refused.push(entry.sink);
            }
        }
        for sink in refused {
            self.pause(sink);
        }
    }

    // --- sinks ---

    /// Stops reading the streams of a sink that refuses.
    fn pause(&mut self, sink: SinkKey) {
        for (token, entry) in self.streams.iter_mut().filter(|(_, entry)| entry.sink == sink) {
            entry.watch(&self.epoll, *token, Interest::Off);
        }
    }

    /// Offers a sink again what it refused, and reads its streams again when it takes that.
    fn retry(&mut self, key: SinkKey) {
        let now = Timestamp::now();
        let tokens: Vec<u64> =
            self.streams.iter().filter(|(_, entry)| entry.sink == key).map(|(token, _)| *token).collect();
        let Some(entry) = self.sinks.get_mut(&key) else { return };
        let refusal = entry.refusal.take();
        if let Err(refused) = entry.sink.tick(now) {
            return entry.refuse(refused, refusal);
        }
        for token in &tokens {
            let Some(stream) = self.streams.get_mut(token) else { continue };
            self.out.append(&mut stream.line.unwritten);
            if !write(&mut self.sinks, stream, &mut self.out, now) {
                if let (Some(entry), Some(refusal)) = (self.sinks.get_mut(&key), refusal) {
                    entry.keep_since(refusal);
                }
                return;
            }
        }
        for token in tokens {
            self.resume(token);
            if self.sinks.get(&key).is_none_or(|entry| entry.refusal.is_some()) {
                return self.pause(key);
            }
        }
    }

    /// Goes on with a stream whose sink takes records again.
    fn resume(&mut self, token: u64) {
        let Some(entry) = self.streams.get_mut(&token) else { return };
        let waiting = std::mem::take(&mut entry.line.unread);
        if !waiting.is_empty() {
            self.chunk.resize(self.chunk.len().max(waiting.len()), 0);
            self.chunk[..waiting.len()].copy_from_slice(&waiting);
            self.take(token, waiting.len());
        }
        let Some(entry) = self.streams.get_mut(&token) else { return };
        if self.sinks.get(&entry.sink).is_some_and(|sink| sink.refusal.is_none()) {
            entry.watch(&self.epoll, token, Interest::Level);
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
        }
    }

    fn tick(&mut self) {
        let now = Timestamp::now();
        let mut refused = Vec::new();
        for (key, entry) in self.sinks.iter_mut().filter(|(_, entry)| entry.refusal.is_none()) {
            if let Err(refusal) = entry.sink.tick(now) {
                entry.refuse(refusal, None);
                refused.push(*key);
            }
        }
        for sink in refused {
            self.pause(sink);
        }
        if !std::mem::take(&mut self.busy) && self.last_read.elapsed() > TICK {
            self.read_bytes = SMALL_READ;
            self.chunk = Vec::new();
            self.out = Vec::new();
        }
    }

    // --- commands ---

    /// Does what was commanded. Whether it was to stop.
    fn obey(&mut self) -> bool {
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        while let Ok(command) = self.commands.try_recv() {
            match command {
                Command::Attach(key, sink) => {
                    self.sinks.insert(key, SinkEntry::new(sink));
                }
                Command::Detach(key) => {
                    self.sinks.entry(key).and_modify(|entry| entry.detached = true);
                    self.close_detached();
                }
                Command::Add(source) => self.add(source),
                Command::Finish { process, patience, reply } => self.finish(process, patience, reply),
                Command::Rotate(key) => {
                    let Some(entry) = self.sinks.get_mut(&key) else { continue };
                    if let Err(refused) = entry.sink.rotate(Timestamp::now()) {
                        let before = entry.refusal.take();
                        entry.refuse(refused, before);
                        self.pause(key);
                    }
                }
                Command::Stats(reply) => reply(self.stats()),
                Command::Suspend(reply) => {
                    let streams = self.suspend();
                    reply(streams);
                    return true;
                }
            }
        }
        false
    }

    fn add(&mut self, source: Source) {
        let unfinished = self.sinks.get_mut(&source.sink);
        let unfinished = unfinished.is_some_and(|sink| sink.unfinished.remove(&source.stream));
        let mut line = match source.history.clone() {
            History::Fresh | History::Adopted => LineState::resumed(unfinished),
            History::Suspended(line) => line,
        };
        let now = Timestamp::now();
        if source.history == History::Fresh {
            line.encode_end(&[], &Headers::new(now, source.stream), &mut self.out);
            line.lines = 0;
        }
        self.out.splice(0..0, line.unwritten.drain(..));
        let token = self.next_token;
        self.next_token += 1;
        let mut entry = StreamEntry::new(source, line);
        let written = write(&mut self.sinks, &mut entry, &mut self.out, now);
        self.streams.insert(token, entry);
        if written {
            self.resume(token);
        }
    }

    fn stats(&self) -> Stats {
        let waiting = |sink: &SinkKey| Some(self.sinks.get(sink)?.refusal.as_ref()?.waiting.clone());
        Stats {
            streams: self.streams.values().map(|entry| entry.stats(waiting(&entry.sink))).collect(),
            sinks: self
                .sinks
                .iter()
                .map(|(&sink, entry)| SinkStats { sink, waiting: waiting(&sink), refusals: entry.refusals })
                .collect(),
        }
    }

    fn suspend(&mut self) -> Vec<Suspended> {
        let now = Timestamp::now();
        for entry in self.streams.values_mut() {
            entry.watch(&self.epoll, 0, Interest::Off);
            if self.sinks.get(&entry.sink).is_none_or(|sink| sink.refusal.is_some()) {
                continue;
            }
            let text = std::mem::take(&mut entry.line.unread);
            entry.line.encode_partial(&text, &Headers::new(now, entry.stream), &mut self.out);
            write(&mut self.sinks, entry, &mut self.out, now);
        }
        self.sinks.clear();
        std::mem::take(&mut self.streams).into_values().map(StreamEntry::suspended).collect()
    }

    // --- ends of processes ---

    fn finish(&mut self, process: ProcessKey, patience: Option<Duration>, reply: Reply<Finished>) {
        for entry in self.streams.values_mut().filter(|entry| entry.process == process) {
            entry.finish_after = Some(entry.waiting_bytes());
        }
        let deadline = patience.map(|patience| Instant::now() + patience);
        self.finishing.push(Finishing { process, deadline, so_far: Finished::default(), reply });
    }

    /// Whether a process that has ended has something left that can be written now.
    fn may_go_on(&self, process: ProcessKey) -> bool {
        let mut streams = self.streams.values().filter(|entry| entry.process == process).peekable();
        let refuses = |sink| self.sinks.get(sink).is_some_and(|entry: &SinkEntry| entry.refusal.is_some());
        streams.peek().is_none() || streams.any(|entry| !refuses(&entry.sink))
    }

    fn go_on_finishing(&mut self) {
        let now = Instant::now();
        for mut finishing in std::mem::take(&mut self.finishing) {
            let impatient = finishing.deadline.is_some_and(|deadline| deadline <= now);
            let of_process = |(_, entry): &(&u64, &StreamEntry)| entry.process == finishing.process;
            let tokens: Vec<u64> = self.streams.iter().filter(of_process).map(|(token, _)| *token).collect();
            for token in tokens {
                if self.go_on_finishing_stream(token) || impatient {
                    self.close(token, &mut finishing.so_far);
                }
            }
            if self.streams.values().any(|entry| entry.process == finishing.process) {
                self.finishing.push(finishing);
            } else {
                (finishing.reply)(finishing.so_far);
                self.close_detached();
            }
        }
    }

    /// Reads once more of a stream whose process has ended. Whether all is written.
    fn go_on_finishing_stream(&mut self, token: u64) -> bool {
        let Some(entry) = self.streams.get(&token) else { return true };
        let left = entry.finish_after.unwrap_or(0);
        if left > 0 && entry.failed.is_none() {
            let read = self.serve(token, usize::try_from(left).unwrap_or(usize::MAX).min(LARGE_READ));
            let Some(entry) = self.streams.get_mut(&token) else { return true };
            let refuses = self.sinks.get(&entry.sink).is_some_and(|sink| sink.refusal.is_some());
            let left = if read == 0 && !refuses { 0 } else { left.saturating_sub(read as u64) };
            entry.finish_after = Some(left);
            if left > 0 {
                return false;
            }
        }
        let Some(entry) = self.streams.get_mut(&token) else { return true };
        let Some(sink) = self.sinks.get(&entry.sink) else { return true };
        if sink.refusal.is_some() {
            return false;
        }
        if !std::mem::replace(&mut entry.complete, true) {
            let now = Timestamp::now();
            let text = std::mem::take(&mut entry.line.unread);
            entry.line.encode_end(&text, &Headers::new(now, entry.stream), &mut self.out);
            entry.partial_since = None;
            let sink = entry.sink;
            if !write(&mut self.sinks, entry, &mut self.out, now) {
                self.pause(sink);
                return false;
            }
        }
        true
    }

    /// Lets go of a stream; counts what was not written.
    fn close(&mut self, token: u64, so_far: &mut Finished) {
        let Some(mut entry) = self.streams.remove(&token) else { return };
        entry.watch(&self.epoll, token, Interest::Off);
        so_far.lines += entry.line.lines;
        so_far.bytes += entry.line.bytes;
        so_far.lost += entry.lost_bytes();
        if let Some(sink) = self.sinks.get_mut(&entry.sink) {
            if entry.line.unfinished {
                sink.unfinished.insert(entry.stream);
            }
            sink.sink.settle();
        }
    }

    fn close_detached(&mut self) {
        let used = |key: &SinkKey| self.streams.values().any(|entry| entry.sink == *key);
        self.sinks.retain(|key, entry| !entry.detached || used(key));
    }
}

impl SinkEntry {
    fn new(sink: Box<dyn Sink>) -> Self {
        let unfinished = Stream::ALL.into_iter().filter(|&stream| sink.unfinished(stream)).collect();
        Self { sink, detached: false, refusal: None, refusals: 0, unfinished }
    }

    fn refuse(&mut self, refused: Refused, before: Option<Refusal>) {
        self.refusals += 1;
        let since = before.map_or_else(Timestamp::now, |refusal| refusal.waiting.since);
        let waiting = Waiting { since, reason: refused.reason };
        self.refusal = Some(Refusal { waiting, retry_at: Instant::now() + refused.retry_after });
    }

    /// It refused before: it has been waiting since then.
    fn keep_since(&mut self, before: Refusal) {
        if let Some(refusal) = &mut self.refusal {
            refusal.waiting.since = before.waiting.since;
        }
    }
}

/// Writes the records in `out`. `false`: the sink refused; what it did not take stays with the stream.
fn write(
    sinks: &mut BTreeMap<SinkKey, SinkEntry>,
    stream: &mut StreamEntry,
    out: &mut Vec<u8>,
    now: Timestamp,
) -> bool {
    if out.is_empty() {
        return true;
    }
    let Some(entry) = sinks.get_mut(&stream.sink).filter(|entry| entry.refusal.is_none()) else {
        stream.line.unwritten.append(out);
        return false;
    };
    let written = entry.sink.write(out, now);
    if let Err(refused) = &written {
        stream.line.unwritten.extend_from_slice(&out[refused.taken.min(out.len())..]);
    }
    out.clear();
    written.map_err(|refused| entry.refuse(refused, None)).is_ok()
}

fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs() as i64, tv_nsec: i64::from(duration.subsec_nanos()) }
}
