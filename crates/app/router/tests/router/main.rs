//! The router over real sockets of this machine: what clients and instances see.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests panic as tests do")]
#![allow(clippy::disallowed_methods, reason = "a test of sockets has a clock and files of its own")]

mod app;
mod drain;
mod forwarding;
mod gap;
mod http2;
mod limits;
mod newcomers;
mod parking;
mod retries;
mod smuggling;
mod upgrades;
