//! One drain's task.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{sleep_until, timeout};

use super::Drain;
use super::clock::Clock;
use super::grace::Grace;
use super::random::Random;
use super::saver::Saver;
use crate::connection::{Connection, Failure};
use crate::delivery::{Delivery, Rules, Step};
use crate::encoding::Encoding;
use crate::saved::{CursorFile, SavedError};
use crate::{LastError, Metrics, Settings, Source, SourceError, State, Target};

/// The last save may take so long after the grace.
const LAST_SAVE: Duration = Duration::from_secs(2);

/// What a drain's task works with.
pub(super) struct Task {
    drain: Drain,
    settings: Arc<Settings>,
    encoding: Encoding,
    metrics: watch::Sender<Metrics>,
    grace: Grace,
    random: Random,
    clock: Clock,
    saver: Saver,
    connection: Option<Connection>,
}

/// The end of the grace came in the middle of something.
struct GraceOver;

impl Task {
    pub(super) fn new(
        drain: Drain,
        settings: Arc<Settings>,
        metrics: watch::Sender<Metrics>,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        Self {
            encoding: Encoding::of(&drain.target, &settings.hostname),
            grace: Grace::new(stopping, settings.grace),
            random: Random::new(),
            clock: Clock::start(),
            saver: Saver::new(CursorFile::new(settings.cursors.clone(), &drain.name)),
            connection: None,
            drain,
            settings,
            metrics,
        }
    }

    /// To the end.
    pub(super) async fn run<S, F>(mut self, open: Arc<F>)
    where
        S: Source,
        F: Fn(&Drain, Option<&S::Cursor>) -> Result<S, SourceError> + Send + Sync + 'static,
    {
        if let Some(source) = self.open(open).await {
            let mut delivery = Delivery::new(self.rules(), source.cursor());
            let mut source = Some(source);
            // Whether it came to its end or the grace did: what is confirmed is saved.
            let _ = self.deliver(&mut delivery, &mut source).await;
            let last = timeout(LAST_SAVE, self.saver.save(delivery.confirmed(), self.clock.now())).await;
            let last = last.unwrap_or_else(|_| Err("the last cursor was not saved in time".into()));
            self.publish(&delivery);
            self.complain(last.err());
        }
        self.metrics.send_modify(|metrics| metrics.state = State::Stopped);
    }

    /// The source, sooner or later; `None` when a stop is asked for before.
    async fn open<S, F>(&mut self, open: Arc<F>) -> Option<S>
    where
        S: Source,
        F: Fn(&Drain, Option<&S::Cursor>) -> Result<S, SourceError> + Send + Sync + 'static,
    {
        for failures in 1.. {
            let (open, drain, file) = (Arc::clone(&open), self.drain.clone(), self.saver.file().clone());
            let opening = spawn_blocking(move || match file.load() {
                Ok(cursor) => (open(&drain, cursor.as_ref()).map_err(|error| error.to_string()), None),
                Err(error @ SavedError::Content { .. }) => {
                    (open(&drain, None).map_err(|error| error.to_string()), Some(error.to_string()))
                }
                Err(error) => (Err(error.to_string()), None),
            });
            let failure = match self.grace.within(opening).await? {
                Ok((Ok(source), complaint)) => {
                    self.complain(complaint);
                    return Some(source);
                }
                Ok((Err(failure), _)) => failure,
                Err(panic) => panic.to_string(),
            };
            self.complain(Some(failure));
            let wait = self.settings.backoff.wait(failures, self.random.next());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.grace.asked() => return None,
            }
        }
        None
    }

    async fn deliver<S: Source>(
        &mut self,
        delivery: &mut Delivery<S::Cursor>,
        source: &mut Option<S>,
    ) -> Result<(), GraceOver> {
        loop {
            self.publish(delivery);
            let now = self.clock.now();
            if now >= self.saver.tried_at() + self.settings.save_every {
                let saving = self.saver.save(delivery.confirmed(), now);
                let saved = self.grace.within(saving).await.ok_or(GraceOver)?;
                self.complain(saved.err());
            }
            match delivery.step(now) {
                Step::Read(limits) => {
                    let read = self.blocking(source, move |source| {
                        source.read(limits).map(|portion| (portion, source.cursor()))
                    });
                    match read.await? {
                        Ok((portion, cursor)) => delivery.read(portion, cursor, self.clock.now()),
                        Err(error) => delivery.source_failed(error, self.clock.now(), self.random.next()),
                    }
                }
                Step::Rewind(cursor) => {
                    match self.blocking(source, move |source| source.seek(&cursor)).await? {
                        Ok(()) => delivery.rewound(),
                        Err(error) => delivery.source_failed(error, self.clock.now(), self.random.next()),
                    }
                }
                Step::Connect => {
                    let opening = Connection::open(&self.drain.target, &self.settings);
                    match self.grace.within(opening).await.ok_or(GraceOver)? {
                        Ok(connection) => {
                            self.connection = Some(connection);
                            delivery.connected(self.clock.now());
                        }
                        Err(failure) => self.failed(delivery, &failure, false),
                    }
                }
                Step::Send(range) => self.send(delivery, range).await?,
                Step::Wait(until) => self.wait(delivery, until).await,
                Step::Close => {
                    let orderly = match self.connection.take() {
                        Some(connection) => self.grace.within(connection.close()).await.ok_or(GraceOver)?,
                        None => false,
                    };
                    delivery.closed(orderly);
                }
                Step::End => return Ok(()),
            }
            if self.grace.begun() {
                delivery.stop(self.clock.now());
            }
        }
    }

    async fn send<C: Clone>(
        &mut self,
        delivery: &mut Delivery<C>,
        range: Range<usize>,
    ) -> Result<(), GraceOver> {
        let Some(connection) = self.connection.as_mut().filter(|connection| !connection.is_over()) else {
            self.connection = None;
            delivery.broke(Failure::Closed.to_string(), self.clock.now(), self.random.next());
            return Ok(());
        };
        let events = delivery.events().get(range).unwrap_or_default();
        let mut bytes = Vec::with_capacity(events.iter().map(|event| event.weight() + 64).sum());
        self.encoding.encode(events, &mut bytes);
        match self.grace.within(connection.send(Bytes::from(bytes))).await.ok_or(GraceOver)? {
            Ok(answer) => delivery.answered(answer, self.clock.now(), self.random.next()),
            Err(failure) => self.failed(delivery, &failure, true),
        }
        Ok(())
    }

    async fn wait<C: Clone>(&mut self, delivery: &mut Delivery<C>, until: Duration) {
        let broken = async {
            match &mut self.connection {
                Some(connection) => connection.broken().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            failure = broken => {
                self.connection = None;
                delivery.broke(failure.to_string(), self.clock.now(), self.random.next());
            }
            () = sleep_until(self.clock.at(until)) => {}
            () = self.grace.asked() => {}
        }
    }

    fn failed<C: Clone>(&mut self, delivery: &mut Delivery<C>, failure: &Failure, sending: bool) {
        self.connection = None;
        delivery.failed(failure.to_string(), sending, self.clock.now(), self.random.next());
    }

    /// Does something with the source where waiting for the disk holds up nobody.
    async fn blocking<S: Source, T: Send + 'static>(
        &mut self,
        source: &mut Option<S>,
        work: impl FnOnce(&mut S) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<Result<T, String>, GraceOver> {
        let Some(mut taken) = source.take() else {
            return Ok(Err("the reader of the log ended unexpectedly".into()));
        };
        let working = spawn_blocking(move || {
            let result = work(&mut taken);
            (taken, result)
        });
        match self.grace.within(working).await.ok_or(GraceOver)? {
            Ok((taken, result)) => {
                *source = Some(taken);
                Ok(result.map_err(|error| error.to_string()))
            }
            Err(panic) => Ok(Err(panic.to_string())),
        }
    }

    /// Shows how it is doing.
    fn publish<C: Clone>(&self, delivery: &Delivery<C>) {
        let (mut new, erred_at) = delivery.metrics(self.clock.now());
        let time = self.clock.time(erred_at);
        self.metrics.send_if_modified(|old| {
            let own = new.last_error.take().map(|error| LastError { time, ..error });
            let newest = [own, old.last_error.take()].into_iter().flatten().max_by_key(|error| error.time);
            new.last_error.clone_from(&newest);
            old.last_error = newest;
            let changed = *old != new;
            *old = new;
            changed
        });
    }

    /// Shows an error that is not the delivery's.
    fn complain(&self, what: Option<String>) {
        if let Some(what) = what {
            let time = self.clock.time(self.clock.now());
            self.metrics.send_modify(|metrics| metrics.last_error = Some(LastError { time, what }));
        }
    }

    fn rules(&self) -> Rules {
        let settings = &self.settings;
        Rules {
            batch: settings.batch,
            // What costs a request or a sync is gathered for a while.
            linger: match self.drain.target {
                Target::Http(_) | Target::File { .. } => settings.linger,
                Target::Syslog(_) | Target::Stdout { .. } => Duration::ZERO,
            },
            poll: settings.poll,
            window: if let Target::Syslog(syslog) = &self.drain.target { syslog.window } else { 0 },
            settle: settings.stall_limit * 3 / 2,
            backoff: settings.backoff,
        }
    }
}
