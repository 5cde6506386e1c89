//! Where log events go: standard output, files, syslog, HTTP.
//!
//! # What it is for
//! An app's processes say things; the log files keep them for a while, within bounds. A *drain* sends them on: to a syslog
//! receiver, an HTTP service, a file, the standard output of this process. [`Target`] is where, as a URL.
//!
//! # How it works
//! The log on disk is the reserve. A drain reads it from a saved cursor on ([`Source`]), encodes a batch, sends it, and moves
//! the cursor once the target has it. A target that is away costs one batch of memory; what is said meanwhile stays on disk
//! until rotation deletes it, and what is deleted before it was sent is counted.
//!
//! | module | what it is | effects |
//! |---|---|---|
//! | `target` | URLs | none |
//! | `encoding` | RFC 5424 in RFC 6587 frames, JSON lines, text | none |
//! | `delivery` | the state machine: gather, connect, send, wait, split, take back, stop | none; time and randomness come in |
//! | `connection` | TCP, TLS, HTTP/1.1, files | network, files |
//! | `run` | a task for each drain, around the state machine | clock, threads |
//! | `saved` | cursors on disk | files |
//! | `log_source` | the app's log files as a [`Source`] | files, through `logs` |
//!
//! # What it promises
//! * Events arrive at least once, those of one process in their order (but for those that come twice). HTTP services and
//!   files confirm what they have, so there only a lost answer brings events twice.
//! * A syslog connection confirms nothing. What was written counts as arrived when 8 MiB (`window`) were written after it,
//!   when the connection has been healthy for 30 s after it, or when the receiver closed in order at the end (over TLS
//!   with a `close_notify`, which rsyslog does not send). After a broken connection or a kill, everything since then is
//!   sent again. Lost is only what a receiver acknowledged, kept unread beyond that, and forgot in a crash.
//! * Nothing wedges. What a service refuses for its content is dropped, alone, and counted with the reason. A service that
//!   refuses whatever comes (401, 404) gets it again every half minute, while rotation bounds what waits.
//! * Memory is bounded: one batch a drain (512 KiB, or one event) and its encoded form.
//! * A drain that is slow, stuck or dead holds up no other.
//! * Cursors are replaced atomically, once a second at most; so is what [`Metrics::saved`] reads.
//! * Passwords, and queries of HTTP URLs, are shown nowhere. Certificates are always verified.
//!
//! # What it never does
//! Write to the log, follow redirections, decide which apps have drains, speak HTTP/2 or UDP.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "an edge crate: it owns the connections and files that events go to, its cursors, and the clock of its tasks"
)]

mod backoff;
mod connection;
mod delivery;
mod encoding;
mod event;
mod log_source;
mod metrics;
mod run;
mod saved;
mod settings;
mod source;
mod target;

pub use backoff::Backoff;
pub use event::Event;
pub use log_source::{LogSource, ReleaseOf};
pub use logs::{Stream, Timestamp};
pub use metrics::{Dropped, Lag, LastError, Metrics, Sent, State};
pub use run::{Drain, Drains, DrainsError};
pub use settings::{Settings, Stdout};
pub use source::{Limits, Lost, Portion, Source, SourceError};
pub use target::{Credentials, Format, Http, Syslog, Target, TargetError, Tls};
