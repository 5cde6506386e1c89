//! Writing to sinks, and what to do with those that refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::Engine;
use crate::collector::stream::{Interest, StreamEntry};
use crate::collector::{SinkKey, Waiting};
use crate::record::Stream;
use crate::{Refused, Sink, Timestamp};

pub(super) struct SinkEntry {
    pub(super) sink: Box<dyn Sink>,
    pub(super) detached: bool,
    pub(super) refusal: Option<Refusal>,
    pub(super) refusals: u64,
    /// Streams whose last record is a partial one that nobody has gone on with.
    pub(super) unfinished: BTreeSet<Stream>,
}

pub(super) struct Refusal {
    pub(super) waiting: Waiting,
    pub(super) retry_at: Instant,
}

/// Writes the records in `out`. `false`: the sink refused; what it did not take stays with the stream.
pub(super) fn write(
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

impl Engine {
    /// Stops reading the streams of a sink that refuses.
    pub(super) fn pause(&mut self, sink: SinkKey) {
        for (token, entry) in self.streams.iter_mut().filter(|(_, entry)| entry.sink == sink) {
            entry.watch(&self.epoll, *token, Interest::Off);
        }
    }

    /// Offers a sink again what it refused, and reads its streams again when it takes that.
    pub(super) fn retry(&mut self, key: SinkKey) {
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
    pub(super) fn resume(&mut self, token: u64) {
        let Some(entry) = self.streams.get_mut(&token) else { return };
        let waiting = std::mem::take(&mut entry.line.unread);
        if !waiting.is_empty() || entry.progress.is_at_seam() {
            self.chunk.resize(self.chunk.len().max(waiting.len()), 0);
            self.chunk[..waiting.len()].copy_from_slice(&waiting);
            self.take(token, waiting.len());
        }
        let Some(entry) = self.streams.get_mut(&token) else { return };
        if self.sinks.get(&entry.sink).is_some_and(|sink| sink.refusal.is_none()) {
            entry.watch(&self.epoll, token, Interest::Level);
        }
    }

    /// Tells all sinks the time.
    pub(super) fn tick(&mut self) {
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
    }
}

impl SinkEntry {
    pub(super) fn new(sink: Box<dyn Sink>) -> Self {
        let unfinished = Stream::ALL.into_iter().filter(|&stream| sink.unfinished(stream)).collect();
        Self { sink, detached: false, refusal: None, refusals: 0, unfinished }
    }

    pub(super) fn refuse(&mut self, refused: Refused, before: Option<Refusal>) {
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
