//! Drains against real sockets and files: targets that are away, slow, broken, full, rude.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "tests look at files, start servers and programs, and read the clock"
)]

mod http;
mod lines;
mod log_files;
mod rsyslog;
mod speed;
mod support;
mod syslog;
mod tls;
