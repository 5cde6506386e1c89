//! What is said on the keeper's socket: one JSON value a line.
//!
//! A client sends one [`Request`] and reads [`Answer`]s until [`Answer::Done`] or [`Answer::Refused`]. `watch` and
//! `route` go on until the client hangs up. The keeper talks only to its own user and to root (peer credentials), and
//! reads at most [`LONGEST_LINE`] bytes of a line.

use std::path::PathBuf;

use procfile::ProcessType;
use release::{Definition, Formation, Route};
use serde::{Deserialize, Serialize};

use crate::core::{Ending, Notice, Outcome, Slot, State, Wanted};

/// The longest line of either side, in bytes.
pub const LONGEST_LINE: usize = 8 << 20;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Everything there is to know now.
    Status,
    /// The same, and again after every change.
    Watch,
    /// Make a release and let it take over; answers notices until it has, or has not.
    Deploy {
        /// What the app should be.
        definition: Box<Definition>,
        /// Counts to ask for at the same time.
        #[serde(default)]
        formation: Formation,
        /// Why, for the history.
        cause: String,
    },
    /// Go back to an earlier release; answers like `deploy`.
    RollBack {
        /// The app.
        app: String,
        /// Which release; the one before the current by default.
        release: Option<u64>,
    },
    /// Start a stopped app; answers like `deploy`.
    Start {
        /// The app.
        app: String,
    },
    /// Stop an app, or some of its processes; answers notices until they have stopped.
    Stop {
        /// The app.
        app: String,
        /// `web`, `web.1`, or everything.
        process: Option<String>,
    },
    /// Start anew: an app without a gap (answers like `deploy`), or single processes.
    Restart {
        /// The app.
        app: String,
        /// `web`, `web.1`, or everything.
        process: Option<String>,
    },
    /// Ask for other numbers of processes.
    Scale {
        /// The app.
        app: String,
        /// How many of which type.
        counts: Formation,
    },
    /// Forget a stopped app.
    Remove {
        /// The app.
        app: String,
    },
    /// The definition of the release that runs, config vars included: for one-off processes.
    Definition {
        /// The app.
        app: String,
    },
    /// The releases of an app.
    Releases {
        /// The app.
        app: String,
    },
    /// A one-off process has begun: the sender, which goes on as that process.
    OneOff {
        /// The app.
        app: String,
        /// What runs, as a person would type it.
        command: String,
    },
    /// Where the router listens, `ADDRESS:PORT`; starts the router when it is not there. Port 0: a free one.
    Listen {
        /// For apps.
        http: Vec<String>,
        /// For apps, over TLS. Where one listens already, it shows this certificate from now on.
        #[serde(default)]
        tls: Vec<TlsListen>,
        /// For the status page.
        admin: Option<String>,
    },
    /// Be the router: answers [`Answer::Table`]s, and reads [`Drained`] lines.
    Route,
    /// Become the program that now stands at the keeper's path, without touching any process.
    Upgrade,
    /// Stop every app and end.
    Shutdown,
}

/// What the keeper answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// The request was taken; `release` is the number it made or starts.
    Taken {
        /// The release's number.
        release: Option<u64>,
    },
    /// Something happened in the app the request was about.
    Notice {
        /// What.
        notice: Notice,
    },
    /// Everything there is to know.
    Status(Box<Status>),
    /// A definition, with its release's number.
    Definition {
        /// The release.
        release: u64,
        /// The definition.
        definition: Box<Definition>,
    },
    /// The releases of an app, oldest first.
    Releases {
        /// Which one runs.
        current: Option<u64>,
        /// All that are kept.
        releases: Vec<release::Release>,
    },
    /// Routes, for the router.
    Table {
        /// All of them.
        routes: Vec<RouteEntry>,
    },
    /// Done, and nothing more will come.
    Done,
    /// It cannot be done.
    Refused {
        /// Why.
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
}

/// Where the router listens for TLS, and what it shows there. The keeper passes the paths on and reads neither file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsListen {
    /// `ADDRESS:PORT`.
    pub address: String,
    /// A PEM file: the certificate and those between it and its root. Absolute.
    pub certificate: PathBuf,
    /// A PEM file with its private key. Absolute.
    pub key: PathBuf,
}

/// What comes along with sockets that are handed over: which is which. The last one, if there is one more, is that of
/// the status page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handed {
    /// How many are for apps; they come first.
    pub http: usize,
    /// Those for apps over TLS; they come next.
    #[serde(default)]
    pub tls: Vec<TlsListen>,
}

/// A line that the router sends: these processes no longer do anything for clients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Drained {
    /// Which, as they were named in the table.
    pub drained: Vec<String>,
}

/// An app as the router sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteEntry {
    /// The app.
    pub app: String,
    /// Where it is reached.
    pub route: Route,
    /// Processes that are ready for requests.
    pub instances: Vec<Target>,
    /// Processes that get no new requests, and whose end waits for the router.
    pub draining: Vec<Target>,
}

/// A process that answers requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its name in the table: `APP/web.1@3`.
    pub id: String,
    /// Its port on the loopback address.
    pub port: u16,
}

/// Everything there is to know.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The keeper's process id.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Since when it runs, in seconds since 1970.
    pub since: u64,
    /// How often it has become another program without ending.
    pub upgrades: u32,
    /// Where the logs are.
    pub logs: PathBuf,
    /// Addresses for apps.
    pub http: Vec<String>,
    /// Addresses for apps over TLS.
    #[serde(default)]
    pub tls: Vec<TlsListen>,
    /// Address of the status page.
    pub admin: Option<String>,
    /// The apps, by name.
    pub apps: Vec<AppStatus>,
    /// Streams that cannot be written to the log at the moment, and why.
    pub stalled: Vec<String>,
    /// What went wrong for the keeper itself since it began, oldest first; the last 20.
    #[serde(default)]
    pub troubles: Vec<Trouble>,
}

/// Something that went wrong for the keeper itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When, in seconds since 1970.
    pub at: u64,
    /// What, in one line.
    pub text: String,
}

/// One app.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AppStatus {
    /// Its name.
    pub name: String,
    /// Whether it is to run.
    pub wanted: Wanted,
    /// The release that runs, or ran last.
    pub release: Option<u64>,
    /// The release that is taking over.
    pub rolling_out: Option<u64>,
    /// What came of the last change.
    pub outcome: Option<Outcome>,
    /// Where it is reached.
    pub route: Option<Route>,
    /// The folder with its code.
    pub directory: PathBuf,
    /// What the code is.
    pub revision: Option<String>,
    /// Its processes.
    pub processes: Vec<ProcessStatus>,
    /// One-off processes.
    pub one_offs: Vec<OneOff>,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// Which one.
    pub slot: Slot,
    /// Its name for people, `web.1`.
    pub process: String,
    /// The release it belongs to.
    pub release: u64,
    /// Where it is in its life.
    pub state: State,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// Its process id.
    pub pid: Option<u32>,
    /// Its `$PORT`.
    pub port: Option<u16>,
    /// How often it was started again.
    pub restarts: u32,
    /// How it ended last.
    pub last: Option<Ending>,
    /// What went wrong.
    pub trouble: Option<String>,
    /// Whether it is of an earlier generation and on its way out.
    pub leaving: bool,
    /// What it runs.
    pub process_type: ProcessType,
}

/// A one-off process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneOff {
    /// Its process id.
    pub pid: u32,
    /// What runs.
    pub command: String,
    /// Since when, in seconds since 1970.
    pub since: u64,
}
