//! The front door: HTTP to the ready instances, without a gap.

mod event;
mod options;
mod router;
mod statistics;
mod table;

pub use event::AccessEvent;
pub use options::{Limits, Options, Timeouts, TlsFiles, TlsListener};
pub use router::{Events, Left, Patience, Router, StartError, TableError};
pub use statistics::{InstanceStatistics, Statistics};
pub use table::{BadHostPattern, HostPattern, Instance, InstanceId, Route, RouteSettings, RouteState, Table};
