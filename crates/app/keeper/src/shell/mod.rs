//! The shell around the core: the one task that owns the truth.
//!
//! Everything that happens (a command, the end of a process, an answer on a port, a moment in time) reaches this task
//! as an event; the [`Core`] says what has to be done; the shell does it, writes down what must be known to
//! the next keeper, and tells those who listen. Tasks around it look and report, and decide nothing: one a client, one
//! a process that is becoming ready, one an adopted process.

mod adopt;
mod clients;
mod deeds;
mod events;
mod foreground;
mod listeners;
mod output;
mod own;
mod pipes;
mod processes;
#[cfg(fuzzing)]
mod read_back;
mod ready;
mod report;
mod requests;
mod save;
mod sockets;
mod spawn;
mod sweep;
mod upgrade;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{broadcast, mpsc, watch};

use crate::core::{Core, Notice, Now, Slot};
use crate::home::Home;
use crate::protocol::{OneOff, RouteEntry, Status};
use events::Event;
pub use foreground::{Ended, Foreground, foreground, guard};
pub use output::{Console, Said};
pub use own::{DRAIN_APP, OWN_APP, is_own};
#[cfg(fuzzing)]
pub use read_back::{read_apps, read_handover};
pub use spawn::prepare;

/// Events that wait for the shell; whoever has more waits.
const EVENTS: usize = 1024;
/// After which what only the start needed of the program is given back.
const STARTED: Duration = Duration::from_secs(1);
/// Notices that a slow listener may be behind.
const NOTICES: usize = 4096;

/// How a keeper is run.
#[derive(Debug)]
pub struct Options {
    /// Where it keeps what it keeps.
    pub home: Home,
    /// The program it is: what an upgrade becomes, and what the router is started from.
    pub program: PathBuf,
    /// What it says of itself.
    pub version: String,
}

/// Why a keeper cannot run.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// Another one is there.
    #[error("a keeper already runs here: {0} is locked")]
    Runs(PathBuf),
    /// The home cannot be used.
    #[error("{path}: {error}")]
    Home {
        /// Which part of it.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Its socket's path would be too long.
    #[error("{0} is too long for a socket's path (107 bytes); choose a shorter home")]
    TooLong(PathBuf),
    /// What an earlier keeper wrote down cannot be read.
    #[error("{path}: {why}")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A system call that has no reason to fail did.
    #[error("{what}: {error}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Runs the keeper of a home until it is told to end.
///
/// It reads nothing from its standard input, and lets go of it as soon as commands are taken. Who has the other end of a pipe
/// there hears by its end that the keeper has begun (or ended: then nobody takes commands).
pub fn run(options: Options) -> Result<(), KeeperError> {
    let system = |what| move |error| KeeperError::System { what, error };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(system("the runtime cannot be started"))?;
    runtime.block_on(async {
        let (mut shell, events) = Shell::begin(options)?;
        // Now, not later: whoever waits makes up a command while the rest is done.
        let_go_of_input();
        let (version, pid) = (&shell.options.version, std::process::id());
        shell.words.note(&format!("keeper {version} begins as process {pid}"));
        let ended = shell.serve(events).await;
        shell.words.note("the keeper ends");
        ended
    })
}

/// Standard input becomes a file in which there is nothing.
fn let_go_of_input() {
    if let Ok(nothing) = std::fs::File::open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(nothing);
    }
}

/// All that the keeper knows.
pub(crate) struct Shell {
    core: Core,
    options: Options,
    /// Where processes speak to.
    output: output::Output,
    /// What the keeper itself says.
    words: words::Words,
    /// What was started and runs, by process id.
    leaders: HashMap<u32, Leader>,
    /// Processes that have ended while others of their group live on.
    sweeps: HashMap<Key, sweep::Sweep>,
    /// What bears the keeper's mark, belongs to no process that runs, and is to end.
    leftovers: HashMap<u32, sweep::Leftover>,
    /// Processes that may have left strays: everything of them up to the start with this number.
    to_search: HashMap<Key, u64>,
    pipes: HashMap<Key, [pipes::Pipe; 2]>,
    /// Sockets on which processes that were just started will say that they are ready.
    notify_sockets: HashMap<Key, std::os::unix::net::UnixDatagram>,
    /// Tasks that wait for a process to become ready.
    readiness: HashMap<Key, tokio::task::AbortHandle>,
    starts: u64,
    last_port: u16,
    listeners: listeners::Listeners,
    /// Whether the router that runs has sockets that this keeper has not.
    router_has_others: bool,
    /// Routers that are there, and what each has finished with.
    routers: BTreeMap<u64, Vec<Key>>,
    one_offs: BTreeMap<String, Vec<OneOff>>,
    events: mpsc::Sender<Event>,
    notices: broadcast::Sender<Arc<(String, Notice)>>,
    status: watch::Sender<Arc<Status>>,
    table: watch::Sender<Arc<Vec<RouteEntry>>>,
    lock: save::Lock,
    control: Arc<std::os::unix::net::UnixListener>,
    since: u64,
    upgrades: u32,
    /// What has to be written down before anything else happens.
    unsaved: save::Unsaved,
    /// Since when it is to end, if it is.
    ending: Option<Duration>,
}

/// A process of an app.
pub(crate) type Key = (String, Slot);

/// The process that was started for a slot.
struct Leader {
    key: Key,
    /// When it was started, in clock ticks since the machine's boot; `None` once it has ended unseen.
    ticks: Option<u64>,
}

impl Shell {
    /// Handles events until the keeper is told to end and the last process has.
    async fn serve(&mut self, mut events: mpsc::Receiver<Event>) -> Result<(), KeeperError> {
        let system = |what| move |error| KeeperError::System { what, error };
        let mut children = signal(SignalKind::child()).map_err(system("SIGCHLD"))?;
        let mut terminate = signal(SignalKind::terminate()).map_err(system("SIGTERM"))?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(system("SIGINT"))?;
        clients::accept(&self.control, &self.events).map_err(system("the control socket"))?;
        self.take_over();
        self.finish_turn();
        let mut started = pin!(tokio::time::sleep(STARTED));
        let mut large = true;
        while !self.is_over() {
            let pause = self.pause();
            tokio::select! {
                biased;
                _ = children.recv() => self.reap(),
                event = events.recv() => {
                    let first = event.into_iter();
                    // What came meanwhile belongs to the same turn: it is written down and told once.
                    let more = std::iter::from_fn(|| events.try_recv().ok()).take(EVENTS);
                    for event in first.chain(more) {
                        self.handle(event);
                    }
                }
                () = &mut started, if large => {
                    // It costs nothing but memory when it fails.
                    let _ = sandbox::give_back_program();
                    large = false;
                }
                () = tokio::time::sleep(pause) => {}
                _ = terminate.recv() => self.end(),
                _ = interrupt.recv() => self.end(),
            }
            self.tick();
            self.finish_turn();
        }
        self.output.end();
        // Those who asked for the end hear of it.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let _ = std::fs::remove_file(self.options.home.socket());
        Ok(())
    }

    /// What comes after every event: deadlines that have passed, what must be written down, what is to be told.
    fn tick(&mut self) {
        self.sweep();
        let deeds = self.core.tick(now());
        self.carry_out(deeds);
    }

    fn finish_turn(&mut self) {
        self.mind_drain();
        // What is not written down now is after the next event; that it was not is known.
        let _ = self.save();
        self.publish();
    }

    /// How long nothing will have to be done by itself.
    fn pause(&self) -> Duration {
        let next = self.core.deadline().into_iter().chain(self.next_sweep()).min();
        next.map_or(Duration::from_hours(1), |next| next.saturating_sub(now().steady))
    }

    fn end(&mut self) {
        let again = self.ending.is_some();
        self.ending = Some(now().steady);
        if again || self.core.apps().any(|(name, app)| !is_own(name) && app.is_alive()) {
            self.halt_apps(|name| !is_own(name));
        }
        self.end_router_last();
    }

    /// The router goes when the last app has.
    fn end_router_last(&mut self) {
        if self.ending.is_some() && !self.core.apps().any(|(name, app)| !is_own(name) && app.is_alive()) {
            let running = |app: &crate::core::App| app.slots().any(|(_, one)| one.instance.is_alive());
            if self
                .core
                .app(OWN_APP)
                .is_some_and(|app| running(app) && app.wanted == crate::core::Wanted::Running)
            {
                self.halt_apps(|name| name == OWN_APP);
            }
        }
    }

    /// Lets apps rest: they are still to run, once there is another keeper.
    fn halt_apps(&mut self, which: impl Fn(&str) -> bool) {
        let names: Vec<String> =
            self.core.apps().map(|(name, _)| name.to_string()).filter(|name| which(name)).collect();
        for name in names {
            let deeds = self.core.halt(&name, now());
            self.unsaved.live();
            self.carry_out(deeds);
        }
    }

    fn stop_apps(&mut self, which: impl Fn(&str) -> bool) {
        let names: Vec<String> =
            self.core.apps().map(|(name, _)| name.to_string()).filter(|name| which(name)).collect();
        for name in names {
            if let Ok(deeds) = self.core.stop(&name, None, now()) {
                self.unsaved.live();
                self.carry_out(deeds);
            }
        }
    }

    fn is_over(&mut self) -> bool {
        self.end_router_last();
        let alive = self.core.apps().any(|(_, app)| app.is_alive());
        self.ending.is_some() && !alive && self.sweeps.is_empty() && self.leftovers.is_empty()
    }
}

/// The time on both clocks. The steady one is the time since the machine's boot, so that it is the same to the next keeper.
pub(crate) fn now() -> Now {
    let time = |clock| rustix::time::clock_gettime(clock);
    let (steady, wall) = (time(rustix::time::ClockId::Boottime), time(rustix::time::ClockId::Realtime));
    let part = |number: i64| u64::try_from(number).unwrap_or(0);
    let nanoseconds = u32::try_from(steady.tv_nsec).unwrap_or(0);
    Now { steady: Duration::new(part(steady.tv_sec), nanoseconds), wall: part(wall.tv_sec) }
}
