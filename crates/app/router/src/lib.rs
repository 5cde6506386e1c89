//! The front door: HTTP to the ready instances, without a gap.
//!
//! A [`Router`] accepts HTTP/1.1 and HTTP/2 on sockets that it is given, finds the route of each request in its [`Table`], and passes
//! the request to one of the route's instances over HTTP/1.1. It knows nothing of who starts instances: whoever does says which are
//! ready ([`Router::set_table`]), which go ([`Router::retire`]) and when another router takes its place ([`Router::drain`]).
//!
//! **How it works.** Each thread has an event loop, connections of clients and connections to instances of its own; threads share the
//! table and some counters. Clients are read by hyper. Connections to instances are moved in the task of the request that uses
//! them (`call`), in a form of HTTP/1.1 that is ours (`wire` says why). A connection without a request is parked: its buffers are
//! given back and it costs some hundred bytes (`connection`). Timeouts are looked at ten times a second (`deadlines`), and
//! access events go out in batches, so that a request pays for neither. A connection is accepted with its first bytes, or a second
//! late if its client is silent (`worker`), and the event loop hears of it when there is somebody to wait for (`client_socket`).
//!
//! **What it promises.** No request fails because a table changes, an instance is retired or a router hands its sockets to the next one.
//! No body is ever whole in memory. Everything that a client sends has a bound in bytes and in time. A request is sent a second time
//! only where that can do no harm (`proxy` says when). That a client has gone while it waits is seen within a quarter of a second.
//! What two readers could understand in two ways is refused
//! or written anew. Every answer of the router's own says what happened, with the request's id.
//!
//! **What it never does.** It does not check the health of instances, keeps no file but certificates in view, caches nothing,
//! compresses nothing, and does not decode paths: a prefix chooses an app and guards nothing. HTTP/2 goes to clients only,
//! and WebSockets over HTTP/1.1 only. It tells nobody what it cannot know: a POST whose connection broke is a 502.

#![allow(
    clippy::disallowed_methods,
    reason = "the clock of sockets and the files of certificates: an edge of the house"
)]
#![allow(clippy::disallowed_types, reason = "events and files carry the time of day")]

mod answer;
mod body;
mod call;
mod client;
mod client_io;
mod client_socket;
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
