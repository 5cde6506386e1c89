//! Where processes speak to: log files, or a terminal.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use logs::{
    Archiver, Collector, FileSink, History, LineSink, LineState, ProcessKey, Record, Rotation, SinkKey,
    Source, Stream,
};

use super::Key;
use super::pipes::Pipe;
use super::words::Words;

/// A record on its way to a terminal.
#[derive(Debug)]
pub struct Said<'a> {
    /// The app.
    pub app: &'a str,
    /// The process, `web.1`.
    pub process: &'a str,
    /// What it said.
    pub record: Record<'a>,
}

/// Takes what processes say, in a run in the foreground. It answers `false` when it cannot take it now.
pub type Console = Box<dyn FnMut(Said<'_>) -> bool + Send>;

/// Where processes speak to.
pub(super) struct Output {
    collector: Option<Collector>,
    archiver: Archiver,
    kind: Kind,
    /// By app and process: generations of a process share a file.
    sinks: BTreeMap<(String, String), (SinkKey, usize)>,
    processes: HashMap<Key, ProcessKey>,
    next: u64,
    /// What an earlier collector left of each stream.
    histories: BTreeMap<String, LineState>,
    adopting: bool,
    stalled: Arc<Mutex<Vec<String>>>,
    unfinished: Unfinished,
    /// The collector has been left something of which it does not know yet.
    left_for_it: Cell<bool>,
}

/// Processes that have ended while what they said is not all written: each holds a sender until it is.
struct Unfinished {
    one: Sender<()>,
    all: Receiver<()>,
}

impl Default for Unfinished {
    fn default() -> Self {
        let (one, all) = channel();
        Self { one, all }
    }
}

/// How long the end waits for what processes said to be written.
const PATIENCE: Duration = Duration::from_secs(3);

enum Kind {
    Files(PathBuf),
    Console(Arc<Mutex<Console>>),
}

impl Output {
    pub(super) fn files(folder: PathBuf) -> std::io::Result<Self> {
        Self::of(Kind::Files(folder))
    }

    pub(super) fn console(console: Console) -> std::io::Result<Self> {
        Self::of(Kind::Console(Arc::new(Mutex::new(console))))
    }

    fn of(kind: Kind) -> std::io::Result<Self> {
        Ok(Self {
            collector: Some(Collector::start()?),
            archiver: Archiver::new(),
            kind,
            sinks: BTreeMap::new(),
            processes: HashMap::new(),
            next: 0,
            histories: BTreeMap::new(),
            adopting: false,
            stalled: Arc::default(),
            unfinished: Unfinished::default(),
            left_for_it: Cell::default(),
        })
    }

    /// The keeper's own words, to the same place.
    pub(super) fn words(&self) -> Words {
        match &self.kind {
            Kind::Files(folder) => Words::file(folder, &self.archiver),
            Kind::Console(console) => Words::console(Arc::clone(console)),
        }
    }

    /// Collects again after [`suspend`](Self::suspend): pipes have to be opened again, as adopted ones.
    pub(super) fn resume(&mut self) -> std::io::Result<()> {
        self.collector = Some(Collector::start()?);
        self.sinks.clear();
        self.processes.clear();
        Ok(())
    }

    /// From now on, pipes that are opened belong to processes that ran before this keeper did.
    pub(super) fn adopt(&mut self, histories: BTreeMap<String, LineState>) {
        self.adopting = true;
        self.histories = histories;
    }

    /// From now on, pipes belong to processes that this keeper starts.
    pub(super) fn adopted(&mut self) {
        self.adopting = false;
        self.histories.clear();
    }

    /// Takes in the pipes of a process.
    pub(super) fn open(&mut self, key: &Key, pipes: &mut [Pipe; 2]) -> Result<(), String> {
        let told = |_| "the log collector has stopped".to_string();
        let sink = self.sink(key)?;
        let process = ProcessKey(self.next);
        self.next += 1;
        let mut sources = Vec::with_capacity(2);
        for (pipe, stream) in pipes.iter_mut().zip([Stream::Stdout, Stream::Stderr]) {
            let Some(output) = pipe.collector.take() else { continue };
            let history = match self.histories.remove(&stream_name(key, stream)) {
                Some(state) => History::Suspended(state),
                None if self.adopting => History::Adopted,
                None => History::Fresh,
            };
            sources.push(Source { process, name: key.1.process(), stream, output, sink, history });
        }
        self.collector()?.add(sources).map_err(told)?;
        self.processes.insert(key.clone(), process);
        Ok(())
    }

    /// The process has ended, and may be followed by another: what it left unfinished is no part of what that says.
    pub(super) fn end_line(&self, key: &Key, [out, err]: &[Pipe; 2]) {
        if let (Some(process), Some(collector)) = (self.processes.get(key), &self.collector) {
            let ends = [(Stream::Stdout, out.process.as_fd()), (Stream::Stderr, err.process.as_fd())];
            let _ = collector.end_line(*process, &ends);
            self.left_for_it.set(true);
        }
    }

    /// Has the collector do what was left for it, if anything was.
    pub(super) fn wake(&self) {
        if self.left_for_it.take()
            && let Some(collector) = &self.collector
        {
            collector.wake();
        }
    }

    /// The process has ended for good: what it said is written out, and its pipes are closed.
    pub(super) fn close(&mut self, key: &Key) {
        let Some(process) = self.processes.remove(key) else { return };
        let Some(collector) = &self.collector else { return };
        let unfinished = self.unfinished.one.clone();
        let _ = collector.finish(process, None, move |_| drop(unfinished));
        let name = (key.0.clone(), key.1.process());
        if let Some((sink, users)) = self.sinks.get_mut(&name) {
            *users -= 1;
            if *users == 0 {
                let _ = collector.detach(*sink);
                self.sinks.remove(&name);
            }
        }
    }

    /// Streams that cannot be written at the moment, as of the last call.
    pub(super) fn stalled(&self) -> Vec<String> {
        let stalled = Arc::clone(&self.stalled);
        if let Some(collector) = &self.collector {
            let _ = collector.stats(move |stats| {
                let waiting = |stream: logs::StreamStats| {
                    stream.waiting.map(|waiting| format!("{}: {}", stream.name, waiting.reason))
                };
                let found = stats.streams.into_iter().filter_map(waiting).collect();
                if let Ok(mut list) = stalled.lock() {
                    *list = found;
                }
            });
        }
        self.stalled.lock().map(|list| list.clone()).unwrap_or_default()
    }

    /// Stops collecting and answers what the next collector needs to go on without a seam.
    pub(super) fn suspend(&mut self) -> BTreeMap<String, LineState> {
        let Some(collector) = self.collector.take() else { return BTreeMap::new() };
        let names: HashMap<ProcessKey, &Key> =
            self.processes.iter().map(|(key, process)| (*process, key)).collect();
        let streams = collector.suspend().unwrap_or_default();
        let named =
            |one: logs::Suspended| Some((stream_name(names.get(&one.process)?, one.stream), one.state));
        streams.into_iter().filter_map(named).collect()
    }

    /// Writes out what is left and ends.
    pub(super) fn end(&mut self) {
        let left: Vec<Key> = self.processes.keys().cloned().collect();
        for key in left {
            self.close(&key);
        }
        // All of them let go, or time is up: a sink that takes nothing must not keep the end from coming.
        let Unfinished { one, all } = std::mem::take(&mut self.unfinished);
        drop(one);
        let _ = all.recv_timeout(PATIENCE);
        if let Some(collector) = self.collector.take() {
            let _ = collector.suspend();
        }
    }

    fn collector(&self) -> Result<&Collector, String> {
        self.collector.as_ref().ok_or_else(|| "the log collector has stopped".into())
    }

    fn sink(&mut self, key: &Key) -> Result<SinkKey, String> {
        let name = (key.0.clone(), key.1.process());
        if let Some((sink, users)) = self.sinks.get_mut(&name) {
            *users += 1;
            return Ok(*sink);
        }
        let sink: Box<dyn logs::Sink> = match &self.kind {
            Kind::Files(folder) => {
                let path = folder.join(&key.0).join(format!("{}.log", name.1));
                Box::new(FileSink::new(&path, Rotation::default(), &self.archiver))
            }
            Kind::Console(console) => {
                let (console, (app, process)) = (Arc::clone(console), name.clone());
                Box::new(LineSink::new(move |record| {
                    let Ok(mut take) = console.lock() else { return true };
                    take(Said { app: &app, process: &process, record })
                }))
            }
        };
        let sink = self.collector()?.attach(sink).map_err(|error| error.to_string())?;
        self.sinks.insert(name, (sink, 1));
        Ok(sink)
    }
}

fn stream_name(key: &Key, stream: Stream) -> String {
    let stream = if stream == Stream::Stdout { "out" } else { "err" };
    format!("{}/{}.{stream}", key.0, key.1)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::core::Slot;

    #[test]
    fn what_was_said_just_before_the_end_is_heard() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..50 {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let lines = Arc::clone(&heard);
            let console = Box::new(move |said: Said<'_>| {
                lines.lock().unwrap().push(said.record.text.to_vec());
                true
            });
            let mut output = Output::console(console).unwrap();
            let key = ("app".to_string(), Slot { generation: 1, process_type: "main".into(), number: 1 });
            let pipe = |stream: &str| Pipe::named(&folder.path().join(stream), None).unwrap();
            let mut pipes = [pipe("out"), pipe("err")];
            output.open(&key, &mut pipes).unwrap();
            let mut process = std::fs::File::from(pipes[0].for_process().unwrap());
            process.write_all(b"tried\n").unwrap();
            // As it is closed when a process is forgotten, or by the end itself.
            if round % 2 == 0 {
                output.close(&key);
            }
            output.end();
            assert_eq!(*heard.lock().unwrap(), [b"tried"], "round {round}");
        }
    }
}
