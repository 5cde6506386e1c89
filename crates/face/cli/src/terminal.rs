//! What the process was started with: arguments, variables, terminals. Read once, passed down.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::output::Paint;

/// The surroundings of the process.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings {
    /// Environment variables whose names and values are UTF-8.
    pub environment: Vec<(String, String)>,
    /// Whether standard output is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether standard error is a terminal.
    pub stderr_is_terminal: bool,
}

impl Surroundings {
    /// Of this process.
    pub(crate) fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            environment: std::env::vars_os().filter_map(text).collect(),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
        }
    }

    /// A variable's value.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.environment.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    /// Colours for a stream: on terminals, unless `NO_COLOR` is set or the options say otherwise.
    pub(crate) fn paint(&self, is_terminal: bool, forced: bool, forbidden: bool) -> Paint {
        let wanted = is_terminal && self.variable("NO_COLOR").is_none_or(str::is_empty);
        Paint { enabled: forced || (wanted && !forbidden) }
    }
}

/// How often somebody has asked this process to end (SIGINT, SIGTERM, SIGHUP). From the first call of
/// [`watch`](Interrupts::watch) on, those signals do nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Interrupts(Arc<AtomicUsize>);

impl Interrupts {
    /// Counts from now on.
    pub(crate) fn watch() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let (ready, wait) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            let Ok(runtime) = runtime else { return };
            runtime.block_on(async move {
                let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
                let mut signals: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
                drop(ready);
                while !signals.is_empty() {
                    std::future::poll_fn(|context| {
                        let heard = signals.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
                        if heard { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                    })
                    .await;
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            });
        });
        // The thread lets go of its end once it listens, or when it cannot.
        let _: Result<(), _> = wait.recv();
        Self(count)
    }

    /// How often so far.
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
