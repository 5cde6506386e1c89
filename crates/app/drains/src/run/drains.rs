//! The drains of a process.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::reporter::report;
use super::task::Task;
use crate::saved::MetricsFile;
use crate::{Metrics, Settings, Source, SourceError, Target};

/// One drain: a name, and where it sends to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// Its name: letters, digits, `.`, `_` and `-`, 100 at most, no `.` in front. Its cursor is saved under it, so a drain
    /// goes on where it was when its URL changes.
    pub name: String,
    /// Where it sends to.
    pub target: Target,
}

/// Why drains cannot run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrainsError {
    /// A name that cannot be that of a file.
    #[error(
        "`{name}` is no name of a drain: letters, digits, `.`, `_` and `-`, 100 at most, no `.` in front"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// Two drains of one name.
    #[error("there are two drains called `{name}`")]
    Twice {
        /// The name.
        name: String,
    },
}

/// Drains that are about to run.
#[derive(Debug)]
pub struct Drains {
    list: Vec<(Drain, watch::Sender<Metrics>)>,
    settings: Arc<Settings>,
}

impl Drains {
    /// Checks their names.
    pub fn new(drains: Vec<Drain>, settings: Settings) -> Result<Self, DrainsError> {
        for (number, drain) in drains.iter().enumerate() {
            let name = drain.name.clone();
            let legal = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
            if !legal || name.is_empty() || name.len() > 100 || name.starts_with('.') {
                return Err(DrainsError::Name { name });
            }
            if drains[..number].iter().any(|other| other.name == name) {
                return Err(DrainsError::Twice { name });
            }
        }
        let list = drains.into_iter().map(|drain| (drain, watch::Sender::default())).collect();
        Ok(Self { list, settings: Arc::new(settings) })
    }

    /// Each drain and how it is doing, now and later.
    pub fn metrics(&self) -> Vec<(Drain, watch::Receiver<Metrics>)> {
        self.list.iter().map(|(drain, metrics)| (drain.clone(), metrics.subscribe())).collect()
    }

    /// Runs them until `shutdown` is ready, and then until each has sent what there is, has failed once, or the grace is over.
    ///
    /// `open` gives a drain its source: from a cursor that was saved, or, without one, from wherever a new drain begins. It may
    /// wait for the disk. Needs a tokio runtime with time and I/O, of any flavour.
    pub async fn run<S, F>(self, open: F, shutdown: impl Future<Output = ()>)
    where
        S: Source,
        F: Fn(&Drain, Option<&S::Cursor>) -> Result<S, SourceError> + Send + Sync + 'static,
    {
        let open = Arc::new(open);
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for (drain, metrics) in self.list {
            let file = MetricsFile::new(self.settings.cursors.clone(), &drain.name);
            tasks.spawn(report(file, metrics.subscribe(), self.settings.save_every));
            let task = Task::new(drain, Arc::clone(&self.settings), metrics, stopping.clone());
            tasks.spawn(task.run(Arc::clone(&open)));
        }
        let mut shutdown = std::pin::pin!(shutdown);
        let mut asked = false;
        loop {
            tokio::select! {
                ended = tasks.join_next() => match ended {
                    Some(_) => {}
                    None => return,
                },
                () = &mut shutdown, if !asked => {
                    asked = true;
                    stop.send_replace(true);
                }
            }
        }
    }

    /// [`run`](Drains::run) on a runtime of its own, on this thread. It ends within the grace and three seconds, whatever hangs:
    /// threads that still wait (for a pipe that nobody reads, for a name server) are left to the end of the process.
    pub fn run_here<S, F>(self, open: F, shutdown: impl Future<Output = ()>) -> std::io::Result<()>
    where
        S: Source,
        F: Fn(&Drain, Option<&S::Cursor>) -> Result<S, SourceError> + Send + Sync + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.run(open, shutdown));
        runtime.shutdown_background();
        Ok(())
    }
}
