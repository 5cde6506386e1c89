//! Connections that came to nothing.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why there is no connection, or none any more. The text is one line: what, why, what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// No address for a name.
    #[error("cannot find the address of {host}: {why}")]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        why: io::Error,
    },
    /// Nobody there, or nobody who wants to talk.
    #[error("cannot connect to {place}: {why}")]
    Connect {
        /// Address and port.
        place: String,
        /// Why.
        why: io::Error,
    },
    /// Something took too long.
    #[error("{what} within {} s", .limit.as_secs_f64())]
    Slow {
        /// What did not happen.
        what: String,
        /// The limit.
        limit: Duration,
    },
    /// Certificates that cannot be read.
    #[error("cannot read certificates from {}: {why}", .path.display())]
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No certificates to trust.
    #[error(
        "this machine has no list of trusted certificates; install ca-certificates, or name one: `ca=FILE`"
    )]
    NoRoots,
    /// No TLS.
    #[error("TLS with {place} failed: {why}{}", advice(.why))]
    Tls {
        /// Host and port.
        place: String,
        /// Why.
        why: String,
    },
    /// The other side closed.
    #[error(
        "the receiver closed the connection; if it does so again and again, it may take shorter messages only: see `longest`"
    )]
    Closed,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broke(io::Error),
    /// HTTP that is none.
    #[error("the service does not speak HTTP as it should: {0}")]
    Http(String),
    /// A file or standard output that takes nothing.
    #[error("cannot write to {what}: {why}")]
    Write {
        /// Which.
        what: String,
        /// Why.
        why: io::Error,
    },
}

fn advice(why: &str) -> &'static str {
    if why.contains("UnknownIssuer") || why.contains("CaUsedAsEndEntity") {
        "; if you trust its issuer, name the issuer's certificate: `ca=FILE`"
    } else if why.contains("corrupt message") || why.contains("handshake eof") {
        "; what answers there may not speak TLS"
    } else {
        ""
    }
}
