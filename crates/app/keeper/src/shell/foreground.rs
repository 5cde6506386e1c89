//! A keeper for one app in the foreground: what `foreman start` is.
//!
//! It is the same shell with a home of its own in a temporary folder, and a terminal instead of log files. Should it
//! be killed, a [`guard`] beside it, which waits for the end of its own standard input, ends what is left.

use std::path::Path;
use std::time::Duration;

use procfile::StopTarget;
use release::{Definition, Formation};
use tokio::signal::unix::{SignalKind, signal};

use super::output::{Console, Output};
use super::{KeeperError, Options, Shell, now, processes};
use crate::core::{Notice, Outcome};

/// How long what is left may take to end before it is killed.
const GUARD_GRACE: Duration = Duration::from_secs(5);

/// A run in the foreground.
pub struct Foreground {
    /// Where pipes and sockets are; nobody else's, and removed by whoever made it.
    pub options: Options,
    /// What runs.
    pub definition: Definition,
    /// Takes what processes say.
    pub console: Console,
    /// Takes what happens to them.
    pub notice: Box<dyn FnMut(&Notice) + Send>,
}

/// How a run in the foreground ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// An essential process ended with this code, and everything with it.
    Process(i32),
    /// By this signal.
    Signal(i32),
    /// It did not come up.
    Failed,
    /// Nothing was left to run.
    Done,
}

/// Runs an app until an essential process ends or a signal comes; the second signal ends it at once.
pub fn foreground(run: Foreground) -> Result<Ended, KeeperError> {
    let system = |what| move |error| KeeperError::System { what, error };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(system("the runtime cannot be started"))?;
    runtime.block_on(async {
        let console = run.console;
        let (mut shell, events) = Shell::begin_with(run.options, |_| Output::console(console))?;
        let (mut notices, mut notice) = (shell.notices.subscribe(), run.notice);
        let app = run.definition.app.clone();
        let told = tokio::spawn(async move {
            while let Ok(told) = notices.recv().await {
                notice(&told.1);
            }
        });
        let ended = shell.run_one(run.definition, events).await;
        let outcome = shell.core.app(&app).and_then(|app| app.outcome);
        // Nothing more will be told; what was is heard to its end.
        drop(shell);
        let _ = told.await;
        Ok(match (ended?, outcome) {
            (Some(signal), _) => Ended::Signal(signal),
            (None, Some(Outcome::Ended(code))) => Ended::Process(code),
            (None, Some(Outcome::Failed)) => Ended::Failed,
            (None, _) => Ended::Done,
        })
    })
}

/// Waits for the end of standard input, which is the end of a run in the foreground, and ends what is left of it.
pub fn guard(run: &Path) {
    // The reader is whoever started this; there is nothing to read but the end.
    let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
    let keeper = run.display().to_string();
    let end = std::time::Instant::now() + GUARD_GRACE;
    let mut signal = "TERM";
    loop {
        let left = processes::marked(&keeper);
        if left.is_empty() {
            return;
        }
        for mark in left {
            processes::send(mark.pid, signal, StopTarget::Leader);
        }
        std::thread::sleep(Duration::from_millis(100));
        if std::time::Instant::now() > end {
            signal = "KILL";
        }
    }
}

impl Shell {
    /// Deploys one app and serves until it is over; answers the signal that ended it, if one did.
    async fn run_one(
        &mut self,
        definition: Definition,
        mut events: tokio::sync::mpsc::Receiver<super::Event>,
    ) -> Result<Option<i32>, KeeperError> {
        let system = |what| move |error| KeeperError::System { what, error };
        let mut children = signal(SignalKind::child()).map_err(system("SIGCHLD"))?;
        let mut terminate = signal(SignalKind::terminate()).map_err(system("SIGTERM"))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(system("SIGINT"))?;
        let mut hangup = signal(SignalKind::hangup()).map_err(system("SIGHUP"))?;
        let app = definition.app.clone();
        let mut by = None;
        if let Ok((_, deeds)) = self.core.deploy(definition, &Formation::new(), "start", now()) {
            self.carry_out(deeds);
        }
        self.tick();
        while self
            .core
            .app(&app)
            .is_some_and(|one| one.wanted == crate::core::Wanted::Running || one.is_alive())
        {
            let pause = self.pause();
            let asked = tokio::select! {
                biased;
                _ = children.recv() => { self.reap(); None }
                event = events.recv() => { if let Some(event) = event { self.handle(event); } None }
                () = tokio::time::sleep(pause) => None,
                _ = interrupt.recv() => Some(2),
                _ = terminate.recv() => Some(15),
                _ = hangup.recv() => Some(1),
            };
            if asked.is_some() {
                by = by.or(asked);
                self.end();
            }
            self.tick();
        }
        self.output.end();
        Ok(by)
    }
}
