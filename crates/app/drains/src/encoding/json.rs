//! One JSON object a line.

use serde::Serialize;

use super::octets;
use crate::Event;

/// What a line holds, in this order.
#[derive(Serialize)]
struct Line<'a> {
    /// RFC 3339 in UTC, to the nanosecond.
    time: &'a str,
    app: &'a str,
    process: &'a str,
    /// `stdout` or `stderr`.
    stream: &'static str,
    message: &'a str,
    /// A number, or null.
    release: Option<u64>,
}

/// Appends `{"time":…,"app":…,"process":…,"stream":…,"message":…,"release":…}` and a newline.
pub(super) fn line(event: &Event, out: &mut Vec<u8>) {
    let time = event.time.text();
    let line = Line {
        time: &octets::readable(&time),
        app: &event.app,
        process: &event.process,
        stream: event.stream.name(),
        message: &octets::readable(&event.message),
        release: event.release,
    };
    // Strings and numbers are always written, and a vector takes them.
    let _ = serde_json::to_writer(&mut *out, &line);
    out.push(b'\n');
}
