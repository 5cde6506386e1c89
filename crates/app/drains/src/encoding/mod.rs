//! From events to the bytes that a target gets. Pure.
//!
//! | module | form | for |
//! |---|---|---|
//! | `syslog` | RFC 5424 messages in RFC 6587 frames | `syslog:`, `syslog+tls:` |
//! | `json` | one JSON object a line | `http:`, `https:`, `format=json` |
//! | `text` | one line an event, for people | `stdout:`, `file:` |
//!
//! What a process says is bytes; every target gets UTF-8. Octets that are no UTF-8 are written as `\xHH` in all
//! three forms. A process that prints those four characters itself looks the same afterwards.

mod json;
mod octets;
mod syslog;
mod text;

use crate::{Event, Format, Target};

use syslog::Header;

/// How events are encoded for one target.
#[derive(Clone, Debug)]
pub(crate) enum Encoding {
    /// Frames of syslog messages.
    Syslog(Header),
    /// JSON lines.
    Json,
    /// Lines for people.
    Text,
}

impl Encoding {
    /// The encoding that a target gets. `hostname` is this machine's, for syslog.
    pub(crate) fn of(target: &Target, hostname: &str) -> Self {
        match target {
            Target::Syslog(syslog) => Self::Syslog(Header::new(hostname, syslog)),
            Target::Http(_)
            | Target::Stdout { format: Format::Json }
            | Target::File { format: Format::Json, .. } => Self::Json,
            Target::Stdout { format: Format::Text } | Target::File { format: Format::Text, .. } => Self::Text,
        }
    }

    /// Appends the events to `out`, in order.
    pub(crate) fn encode(&self, events: &[Event], out: &mut Vec<u8>) {
        for event in events {
            match self {
                Self::Syslog(header) => header.frame(event, out),
                Self::Json => json::line(event, out),
                Self::Text => text::line(event, out),
            }
        }
    }
}

#[cfg(test)]
mod tests;
