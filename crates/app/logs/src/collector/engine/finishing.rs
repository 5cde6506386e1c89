//! Ends of processes: what is left in their pipes is read and written, then they are let go.

use std::time::{Duration, Instant};

use super::Engine;
use super::reading::LARGE_READ;
use super::writing::{SinkEntry, write};
use crate::Timestamp;
use crate::collector::stream::{Interest, StreamEntry};
use crate::collector::{Finished, ProcessKey, Reply, SinkKey};
use crate::record::Headers;

/// A process that has ended and is not written to its end.
pub(super) struct Finishing {
    pub(super) process: ProcessKey,
    pub(super) deadline: Option<Instant>,
    so_far: Finished,
    reply: Reply<Finished>,
}

impl Engine {
    pub(super) fn finish(&mut self, process: ProcessKey, patience: Option<Duration>, reply: Reply<Finished>) {
        for entry in self.streams.values_mut().filter(|entry| entry.process == process) {
            entry.finish_after = Some(entry.waiting_bytes());
        }
        let deadline = patience.map(|patience| Instant::now() + patience);
        self.finishing.push(Finishing { process, deadline, so_far: Finished::default(), reply });
    }

    /// Whether a process that has ended has something left that can be written now.
    pub(super) fn may_go_on(&self, process: ProcessKey) -> bool {
        let mut streams = self.streams.values().filter(|entry| entry.process == process).peekable();
        let refuses = |sink| self.sinks.get(sink).is_some_and(|entry: &SinkEntry| entry.refusal.is_some());
        streams.peek().is_none() || streams.any(|entry| !refuses(&entry.sink))
    }

    pub(super) fn go_on_finishing(&mut self) {
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

    pub(super) fn close_detached(&mut self) {
        let used = |key: &SinkKey| self.streams.values().any(|entry| entry.sink == *key);
        self.sinks.retain(|key, entry| !entry.detached || used(key));
    }
}
