//! Where a drain sends to, as people write it: a URL.
//!
//! | URL | where |
//! |---|---|
//! | `stdout:` | standard output of the drain process |
//! | `file:///path` | appended to a file; made anew when somebody moved it away |
//! | `syslog://host:port` | RFC 5424 over TCP, octet counting (RFC 6587) |
//! | `syslog+tls://host:port` | the same over TLS (RFC 5425) |
//! | `http://host/path`, `https://host/path` | POST of JSON lines |
//!
//! Options are `name=value` pairs joined by `&`, after `#`; where the URL has no query of its own (everything
//! but HTTP) `?` does as well. An HTTP query belongs to the target and is sent as it stands.
//!
//! | option | of | value |
//! |---|---|---|
//! | `format` | `stdout`, `file` | `text` (the default) or `json` |
//! | `ca` | `syslog+tls`, `https` | a PEM file whose certificates are trusted besides the system's |
//! | `facility` | `syslog`, `syslog+tls` | `user` (the default), `daemon`, `local0` … `local7` |
//! | `bom` | `syslog`, `syslog+tls` | `no`: no byte order mark before messages that are more than ASCII (RFC 5424 asks for it; rsyslog keeps it in the message) |
//! | `longest` | `syslog`, `syslog+tls` | octets of the longest message; longer ones are sent in parts. No bound by default |
//! | `window` | `syslog`, `syslog+tls` | bytes that are sent again after a connection broke; `8MiB` by default |
//! | `gzip` | `http`, `https` | no value: bodies are compressed |
//!
//! User and password before an `@` become basic authentication. There is no way to turn the verification of
//! certificates off: name the certificate that you trust with `ca`.

mod error;
mod identity;
mod kinds;
mod parse;
mod show;

pub use error::TargetError;
pub use kinds::{Credentials, Format, Http, Syslog, Target, Tls};

pub(crate) use kinds::LEAST_LONGEST;
use kinds::{FACILITY_USER, WINDOW};
pub(crate) use show::Host;

#[cfg(test)]
mod tests;
