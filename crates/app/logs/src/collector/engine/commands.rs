//! Obeying commands.

use super::Engine;
use super::writing::{SinkEntry, write};
use crate::Timestamp;
use crate::collector::stream::{Interest, StreamEntry};
use crate::collector::{
    Command, History, LineState, ProcessKey, Progress, SinkKey, SinkStats, Source, Stats, Suspended,
};
use crate::record::Headers;

impl Engine {
    /// Does what was commanded. Whether it was to stop.
    pub(super) fn obey(&mut self) -> bool {
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
                Command::Add(source, progress) => self.add(source, progress),
                Command::Finish { process, patience, reply } => self.finish(process, patience, reply),
                Command::EndLine(process) => self.end_line(process),
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

    fn add(&mut self, source: Source, progress: Progress) {
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
        let mut entry = StreamEntry::new(source, line, progress);
        let written = write(&mut self.sinks, &mut entry, &mut self.out, now);
        self.streams.insert(token, entry);
        if written {
            self.resume(token);
        }
    }

    fn end_line(&mut self, process: ProcessKey) {
        let due = |entry: &StreamEntry| entry.process == process && entry.progress.is_at_seam();
        let due: Vec<u64> =
            self.streams.iter().filter(|(_, entry)| due(entry)).map(|(token, _)| *token).collect();
        for token in due {
            let Some(entry) = self.streams.get(&token) else { continue };
            if self.sinks.get(&entry.sink).is_some_and(|sink| sink.refusal.is_none()) {
                self.resume(token);
            }
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
}
