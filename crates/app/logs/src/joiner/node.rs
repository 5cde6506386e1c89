//! Node: an error that nobody caught, with the source line it was thrown from.
//!
//! ```text
//! /srv/app.js:2
//!   if (!n) throw new Error('boom');
//!           ^
//!
//! Error: boom
//!     at f (/srv/app.js:2:17) {
//!   code: 'E_BOOM'
//! }
//!
//! Node.js v20.20.2
//! ```

use serde::{Deserialize, Serialize};

use super::{State as Any, before_line_number, frames, is_indented, is_marker, unindented};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// The place was named: its source line comes next, whatever it is.
    Source,
    /// The marker below it comes next.
    Marker,
    /// An empty line or the thrown value comes next.
    Value,
    /// The error comes next.
    Error,
    /// Its message, so many lines of it so far. The process is about to end: nothing else is written.
    Message(u8),
    Frames,
    Properties,
    /// An empty line, after which Node says its version.
    End,
}

/// Lines of a message that are believed to be one.
const LONGEST_MESSAGE: u8 = 32;

pub(super) fn begin(line: &[u8]) -> Option<State> {
    let path = before_line_number(line)?;
    let inner = path.starts_with(b"node:") || path == b"[eval]" || path == b"[stdin]";
    let file = path.starts_with(b"/") || path.starts_with(b"file:///");
    let extensions: [&[u8]; 8] = [b".js", b".mjs", b".cjs", b".jsx", b".ts", b".mts", b".cts", b".tsx"];
    let script = file && extensions.iter().any(|extension| path.ends_with(extension));
    ((inner || script) && !path.contains(&b' ')).then_some(State::Source)
}

pub(super) fn follow(state: State, line: &[u8]) -> Option<Any> {
    let next = match state {
        State::Source => Some(State::Marker),
        State::Marker => is_marker(line).then_some(State::Value),
        State::Value if line.is_empty() => Some(State::Error),
        State::Value | State::Error => Some(after_message(line, 1)),
        State::Message(_) | State::Frames if is_frame(line) => Some(match frames::after_frame(line) {
            frames::State::Properties => State::Properties,
            _ => State::Frames,
        }),
        State::Message(_) | State::Frames if line.is_empty() => Some(State::End),
        State::Message(lines) if lines < LONGEST_MESSAGE => Some(after_message(line, lines + 1)),
        State::Properties if line.starts_with(b"}") => Some(State::Frames),
        State::Properties => is_indented(line).then_some(State::Properties),
        State::End if line.starts_with(b"Node.js v") => return Some(Any::Ordinary),
        State::Message(_) | State::Frames | State::End => None,
    };
    next.map(Any::Node)
}

fn after_message(line: &[u8], lines: u8) -> State {
    if line.ends_with(b" {") { State::Properties } else { State::Message(lines) }
}

fn is_frame(line: &[u8]) -> bool {
    let text = unindented(line);
    is_indented(line) && (text.starts_with(b"at ") || text.starts_with(b"... "))
}
