//! The collector: one thread that reads what processes write and hands it to sinks as records.
//!
//! It owns the read ends of the processes' pipes or FIFOs and the sinks. Streams are read in turn, up to 256 KiB a turn.
//! Each read gets one timestamp and becomes one write. What it promises:
//!
//! * Nothing is dropped. While a sink refuses, its streams are not read: their processes block once their pipe is full.
//!   Other sinks go on. [`Stats`] says who waits and why.
//! * A line is never cut. The end of a read that is no whole line waits up to 200 ms for its rest, then, or when it is longer
//!   than 16 KiB, is written as a partial record.
//! * Memory is bounded: buffers are shared by all streams and freed when nothing is said for a while.
//!
//! The thread ends when the [`Collector`] is dropped or suspended.

mod engine;
mod line;
mod progress;
mod stats;
mod stream;

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};
use serde::{Deserialize, Serialize};

use engine::Engine;
pub use line::LineState;
use progress::Progress;
pub use stats::{SinkStats, Stats, StreamStats, Waiting};

use crate::Sink;
use crate::record::Stream;

/// A process in the eyes of the collector: chosen by whoever adds its streams, never used twice at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessKey(pub u64);

/// A sink that the collector holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SinkKey(u64);

/// One output of a process, to be collected.
#[derive(Debug)]
pub struct Source {
    /// Whose output.
    pub process: ProcessKey,
    /// Its name, `web.1`, for [`Stats`].
    pub name: String,
    /// Which output.
    pub stream: Stream,
    /// The read end of its pipe or FIFO. It is made non-blocking.
    pub output: OwnedFd,
    /// Where its records go.
    pub sink: SinkKey,
    /// What came before.
    pub history: History,
}

/// What the collector knows about a stream before it reads the first byte.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum History {
    /// A process that was just started. A line that an earlier one left unfinished in the sink is ended first.
    Fresh,
    /// A running process whose collector was killed: goes on with the line that is unfinished in the sink.
    Adopted,
    /// A running process whose collector was suspended.
    Suspended(LineState),
}

/// What is left of a stream when the collector stops: what the next one needs to go on without a seam.
#[derive(Debug)]
pub struct Suspended {
    /// Whose output.
    pub process: ProcessKey,
    /// Its name.
    pub name: String,
    /// Which output.
    pub stream: Stream,
    /// The read end, with whatever is still in the pipe.
    pub output: OwnedFd,
    /// To be handed on as [`History::Suspended`]. Small, unless the sink refused to the end.
    pub state: LineState,
}

/// How the end of a process was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Lines of its streams since they were added.
    pub lines: u64,
    /// Bytes of its streams since they were added.
    pub bytes: u64,
    /// Bytes that were read or still in the pipe and could not be written before patience ran out.
    pub lost: u64,
}

/// The thread is gone; what it collected until then is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the collector has stopped")]
pub struct Stopped;

/// How a command answers: called on the collector's thread, so it must not block.
pub type Reply<T> = Box<dyn FnOnce(T) + Send>;

pub(crate) enum Command {
    Attach(SinkKey, Box<dyn Sink>),
    Detach(SinkKey),
    Add(Source, Progress),
    Finish { process: ProcessKey, patience: Option<Duration>, reply: Reply<Finished> },
    EndLine(ProcessKey),
    Rotate(SinkKey),
    Stats(Reply<Stats>),
    Suspend(Reply<Vec<Suspended>>),
}

/// A running collector. Cheap to command from any thread: commands go through a bounded channel.
#[derive(Debug)]
pub struct Collector {
    commands: SyncSender<Command>,
    bell: Arc<OwnedFd>,
    next_sink: AtomicU64,
    /// How far streams were read, for as long as their process is there.
    progress: Mutex<BTreeMap<(ProcessKey, Stream), Progress>>,
    thread: Option<JoinHandle<()>>,
}

/// Commands that wait to be read; whoever sends more waits.
const COMMANDS: usize = 64;

impl Collector {
    /// Starts the thread.
    pub fn start() -> io::Result<Self> {
        let bell = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let (commands, receiver) = sync_channel(COMMANDS);
        let engine = Engine::new(receiver, Arc::clone(&bell))?;
        let thread = std::thread::Builder::new().name("log-collector".into()).spawn(move || engine.run())?;
        Ok(Self {
            commands,
            bell,
            next_sink: AtomicU64::new(0),
            progress: Mutex::default(),
            thread: Some(thread),
        })
    }

    /// Gives the collector a sink, for any number of streams.
    pub fn attach(&self, sink: Box<dyn Sink>) -> Result<SinkKey, Stopped> {
        let key = SinkKey(self.next_sink.fetch_add(1, Ordering::Relaxed));
        self.send(Command::Attach(key, sink))?;
        Ok(key)
    }

    /// Closes a sink once no stream uses it any more.
    pub fn detach(&self, sink: SinkKey) -> Result<(), Stopped> {
        self.send(Command::Detach(sink))
    }

    /// Starts to collect outputs, such as both of a process.
    pub fn add(&self, sources: impl IntoIterator<Item = Source>) -> Result<(), Stopped> {
        for source in sources {
            let progress = Progress::default();
            self.progress().insert((source.process, source.stream), progress.clone());
            self.queue(Command::Add(source, progress))?;
        }
        self.ring();
        Ok(())
    }

    /// Ends the collection of a process that has ended: reads what is left in its pipes, ends an unfinished line, closes them and
    /// tells the sink to settle. Never waits for the end of a pipe that somebody else still holds open.
    ///
    /// While a sink refuses, this waits: for ever, or until `patience` runs out; what is then left is lost, and counted.
    pub fn finish(
        &self,
        process: ProcessKey,
        patience: Option<Duration>,
        reply: impl FnOnce(Finished) + Send + 'static,
    ) -> Result<(), Stopped> {
        self.progress().retain(|(of, _), _| *of != process);
        self.send(Command::Finish { process, patience, reply: Box::new(reply) })
    }

    /// One that wrote has ended, and another is to write into the same pipes: a line that is unfinished after what is in the pipes at
    /// this moment ends there, and so does an exception. Of each pipe any end is given. A pipe that cannot tell how much is in it
    /// goes on without a seam.
    ///
    /// Where the seam is, is settled when this returns; the thread acts on it after [`wake`](Self::wake), or when it has something
    /// else to do. So whoever starts the other process need not wait until the thread has had its turn.
    pub fn end_line(&self, process: ProcessKey, pipes: &[(Stream, BorrowedFd<'_>)]) -> Result<(), Stopped> {
        for (stream, pipe) in pipes {
            let progress = self.progress().get(&(process, *stream)).cloned();
            let _ = progress.map(|progress| progress.seam(|| rustix::io::ioctl_fionread(pipe)));
        }
        self.queue(Command::EndLine(process))
    }

    /// Has the thread do what was left for it.
    pub fn wake(&self) {
        self.ring();
    }

    /// Starts a new file in a sink now.
    pub fn rotate(&self, sink: SinkKey) -> Result<(), Stopped> {
        self.send(Command::Rotate(sink))
    }

    /// What is being collected, and who waits for what.
    pub fn stats(&self, reply: impl FnOnce(Stats) + Send + 'static) -> Result<(), Stopped> {
        self.send(Command::Stats(Box::new(reply)))
    }

    /// Stops: writes out everything that was read, closes the sinks and gives back the read ends. What is still in the pipes
    /// stays there for the next collector. Processes that were being finished are among them; nobody is told that they are.
    pub fn suspend(mut self) -> Result<Vec<Suspended>, Stopped> {
        let (reply, answer) = sync_channel(1);
        // The receiver below outlives the call: sending cannot fail.
        self.send(Command::Suspend(Box::new(move |streams| drop(reply.send(streams)))))?;
        let streams = answer.recv().map_err(|_| Stopped)?;
        self.join();
        Ok(streams)
    }

    fn progress(&self) -> MutexGuard<'_, BTreeMap<(ProcessKey, Stream), Progress>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, command: Command) -> Result<(), Stopped> {
        self.queue(command)?;
        self.ring();
        Ok(())
    }

    /// Leaves a command for when the bell is rung next.
    fn queue(&self, command: Command) -> Result<(), Stopped> {
        match self.commands.try_send(command) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(Stopped),
            Err(TrySendError::Full(command)) => {
                // Of what waits nothing may have been rung for.
                self.ring();
                self.commands.send(command).map_err(|_| Stopped)
            }
        }
    }

    /// Wakes the thread. Each time costs a change of threads, so what belongs together is queued first.
    fn ring(&self) {
        // A bell that is full has been rung already.
        let _ = rustix::io::write(&self.bell, &1_u64.to_ne_bytes());
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Collector {
    /// As [`Collector::suspend`], but what is still in the pipes is left to whoever else holds them.
    fn drop(&mut self) {
        if self.thread.is_some() && self.send(Command::Suspend(Box::new(drop))).is_ok() {
            self.join();
        }
    }
}
