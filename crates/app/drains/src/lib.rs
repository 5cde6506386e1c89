//! Where log events go: standard output, files, syslog, HTTP.
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
mod metrics;
mod run;
mod saved;
mod settings;
mod source;
mod target;

pub use backoff::Backoff;
pub use event::Event;
pub use logs::{Stream, Timestamp};
pub use metrics::{Dropped, Lag, LastError, Metrics, Sent, State};
pub use run::{Drain, Drains, DrainsError};
pub use settings::{Settings, Stdout};
pub use source::{Limits, Lost, Portion, Source, SourceError};
pub use target::{Credentials, Format, Http, Syslog, Target, TargetError, Tls};
