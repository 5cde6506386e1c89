//! The front door: HTTP to the ready instances, without a gap.

#![allow(clippy::disallowed_methods)] // the clock of sockets, and files of certificates: an edge of the house
#![allow(clippy::disallowed_types)] // `SystemTime` in events and file times

mod answer;
mod body;
mod call;
mod client;
mod client_io;
mod connection;
mod deadlines;
mod event;
mod exchange;
mod http2;
mod instance;
mod matching;
mod options;
mod proxy;
mod request_id;
mod router;
mod shared;
mod statistics;
mod table;
mod tls;
mod tunnel;
mod upstream;
mod wire;
mod worker;

pub use event::AccessEvent;
pub use options::{Limits, Options, Timeouts, TlsFiles, TlsListener};
pub use router::{Events, Left, Patience, Router, StartError, TableError};
pub use statistics::{InstanceStatistics, Statistics};
pub use table::{BadHostPattern, HostPattern, Instance, InstanceId, Route, RouteSettings, RouteState, Table};
