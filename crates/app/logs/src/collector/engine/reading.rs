//! Reading streams, and making records of what they say.

use std::time::{Duration, Instant};

use super::Engine;
use super::writing::write;
use crate::Timestamp;
use crate::collector::stream::{Interest, Pulled};
use crate::record::Headers;

/// Bytes of one read of a stream that says little.
pub(super) const SMALL_READ: usize = 16 << 10;
/// Bytes of one read of a stream that says much.
pub(super) const LARGE_READ: usize = 256 << 10;
/// The longest start of a line that waits for its rest in memory.
const LONGEST_WAITING: usize = 16 << 10;
/// Bytes of records that are written at once.
const ENOUGH_RECORDS: usize = 384 << 10;
/// After which the start of a line no longer waits for its rest.
const PARTIAL_PATIENCE: Duration = Duration::from_millis(200);

impl Engine {
    /// Reads a stream once and writes what it said. How many bytes were read.
    pub(super) fn serve(&mut self, token: u64, most: usize) -> usize {
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
                if length >= SMALL_READ {
                    self.read_bytes = LARGE_READ;
                    self.busy = true;
                }
                if entry.ended() {
                    entry.watch(&self.epoll, token, Interest::Level);
                }
                self.take(token, waiting.len() + length);
                return length;
            }
            Pulled::Seam => {
                self.take(token, waiting.len());
                return self.serve(token, most);
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
    pub(super) fn take(&mut self, token: u64, length: usize) {
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
        if entry.progress.is_at_seam() {
            entry.progress.pass_seam();
            entry.line.encode_seam(rest, &headers, &mut self.out);
            entry.partial_since = None;
        } else if rest.len() > LONGEST_WAITING {
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
    pub(super) fn give_up_on_partials(&mut self, now: Instant) {
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
}
