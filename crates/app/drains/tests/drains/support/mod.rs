//! A log in memory, drains that run, and what the targets received.

pub(crate) mod receiver;
pub(crate) mod service;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use drains::{
    Backoff, Drain, Drains, Event, Limits, Lost, Metrics, Portion, Settings, Source, SourceError, Stream,
    Timestamp,
};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

/// A log in memory that keeps the newest events only, as rotation does.
#[derive(Clone, Debug)]
pub(crate) struct Log(Arc<Mutex<Records>>);

#[derive(Debug)]
struct Records {
    /// The number of the oldest event that is there.
    first: u64,
    events: VecDeque<Event>,
    most: usize,
}

impl Log {
    pub(crate) fn new(most: usize) -> Self {
        Self(Arc::new(Mutex::new(Records { first: 0, events: VecDeque::new(), most })))
    }

    /// A log with events `0` to `count`, each with its number as its message, padded to `length`.
    pub(crate) fn with(count: u64, length: usize) -> Self {
        let log = Self::new(usize::MAX);
        log.say_numbers(0..count, length);
        log
    }

    pub(crate) fn say(&self, message: impl Into<Vec<u8>>) {
        let mut records = self.0.lock().unwrap();
        let number = records.first + records.events.len() as u64;
        records.events.push_back(Event {
            time: Timestamp::from_nanoseconds(1_795_860_000_000_000_000 + number),
            app: "guestbook".into(),
            process: "web.1".into(),
            stream: if number % 10 == 9 { Stream::Stderr } else { Stream::Stdout },
            release: Some(7),
            message: message.into(),
        });
        while records.events.len() > records.most {
            records.events.pop_front();
            records.first += 1;
        }
    }

    pub(crate) fn say_numbers(&self, numbers: std::ops::Range<u64>, length: usize) {
        for number in numbers {
            self.say(format!("{number} {}", "x".repeat(length)));
        }
    }

    /// Reads it, from the beginning or a cursor.
    pub(crate) fn source(&self, cursor: Option<&u64>) -> LogSource {
        LogSource { log: self.clone(), at: cursor.copied().unwrap_or(0) }
    }
}

pub(crate) struct LogSource {
    log: Log,
    at: u64,
}

impl Source for LogSource {
    type Cursor = u64;

    fn cursor(&self) -> u64 {
        self.at
    }

    fn seek(&mut self, cursor: &u64) -> Result<(), SourceError> {
        self.at = *cursor;
        Ok(())
    }

    fn read(&mut self, limits: Limits) -> Result<Portion, SourceError> {
        let records = self.log.0.lock().unwrap();
        let missing = records.first.saturating_sub(self.at);
        let lost = Lost { gaps: missing.min(1), records: missing, bytes: 0 };
        self.at = self.at.max(records.first);
        let mut events = Vec::new();
        let mut bytes = 0;
        let mut rest = records.events.iter().skip((self.at - records.first) as usize);
        while events.len() < limits.events
            && bytes < limits.bytes
            && let Some(event) = rest.next()
        {
            bytes += event.message.len() + 128;
            events.push(event.clone());
        }
        self.at += events.len() as u64;
        // About so much: a hundred bytes each.
        let behind = rest.len() as u64 * 100;
        Ok(Portion { events, lost, behind })
    }
}

/// Settings in which nothing takes long.
pub(crate) fn settings(cursors: &Path) -> Settings {
    Settings {
        roots: Vec::new(),
        batch: Limits { events: 1000, bytes: 64 << 10 },
        linger: Duration::from_millis(50),
        poll: Duration::from_millis(10),
        backoff: Backoff { first: Duration::from_millis(20), longest: Duration::from_millis(200) },
        connect_limit: Duration::from_secs(5),
        answer_limit: Duration::from_secs(1),
        stall_limit: Duration::from_millis(600),
        grace: Duration::from_secs(5),
        save_every: Duration::from_millis(20),
        ..Settings::new(cursors.to_owned(), "host.example.com")
    }
}

/// Drains that run, on a thread and a runtime of their own as in a process of their own.
pub(crate) struct Running {
    pub(crate) metrics: Vec<watch::Receiver<Metrics>>,
    stop: oneshot::Sender<()>,
    kill: oneshot::Sender<()>,
    ended: oneshot::Receiver<()>,
}

/// Starts a drain for each URL; they are called `drain0`, `drain1` … and all read the same log.
pub(crate) fn start(urls: &[&str], settings: Settings, log: &Log) -> Running {
    let named = |(number, url): (usize, &&str)| Drain {
        name: format!("drain{number}"),
        target: url.parse().unwrap_or_else(|error| panic!("{url}: {error}")),
    };
    let drains = Drains::new(urls.iter().enumerate().map(named).collect(), settings).unwrap();
    let metrics = drains.metrics().into_iter().map(|(_, metrics)| metrics).collect();
    let (stop, stopped) = oneshot::channel();
    let (kill, killed) = oneshot::channel::<()>();
    let (end, ended) = oneshot::channel();
    let log = log.clone();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stopped = async {
            let _ = stopped.await;
        };
        runtime.block_on(async {
            tokio::select! {
                () = drains.run(move |_, cursor| Ok(log.source(cursor)), stopped) => {}
                Ok(()) = killed => {}
            }
        });
        // Saves that are under way end before this does.
        drop(runtime);
        let _ = end.send(());
    });
    Running { metrics, stop, kill, ended }
}

impl Running {
    /// How a drain is doing.
    pub(crate) fn now(&self, drain: usize) -> Metrics {
        self.metrics[drain].borrow().clone()
    }

    /// Waits until a drain is doing so.
    pub(crate) async fn until(
        &mut self,
        drain: usize,
        what: &str,
        holds: impl Fn(&Metrics) -> bool,
    ) -> Metrics {
        let wait = self.metrics[drain].wait_for(|metrics| holds(metrics));
        if let Ok(metrics) = tokio::time::timeout(PATIENCE, wait).await {
            return metrics.expect("it runs").clone();
        }
        panic!("not within {PATIENCE:?}: {what}; {:?}", self.now(drain))
    }

    /// Stops them in order; how they did.
    pub(crate) async fn stop(self) -> Vec<Metrics> {
        let _ = self.stop.send(());
        self.ended.await.expect("it ends in order");
        self.metrics.iter().map(|metrics| metrics.borrow().clone()).collect()
    }

    /// Ends them as a kill would: nothing more is sent or saved.
    pub(crate) async fn kill(self) {
        let _ = self.kill.send(());
        self.ended.await.expect("it was killed in order");
    }
}

/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until something holds.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The number that a message begins with.
pub(crate) fn number(message: &str) -> u64 {
    message.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{message:?}"))
}

/// Checks that events 0 to `count` arrived, first occurrences in order. How many came twice.
pub(crate) fn all_in_order(received: &[u64], count: u64) -> usize {
    let mut next = 0;
    for number in received {
        assert!(*number <= next, "{number} came where {next} was due");
        next = next.max(number + 1);
    }
    assert_eq!(next, count, "not all arrived");
    received.len() - count as usize
}
