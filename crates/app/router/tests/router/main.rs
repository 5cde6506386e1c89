//! The router over real sockets of this machine: what clients and instances see.

mod app;
mod drain;
mod forwarding;
mod gap;
mod http2;
mod limits;
mod parking;
mod retries;
mod smuggling;
mod upgrades;
