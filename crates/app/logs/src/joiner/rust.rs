//! Rust: panics, their backtraces, and errors with causes as `anyhow` and `eyre` print them from `main`.

use serde::{Deserialize, Serialize};

use super::{contains, is_indented, leading_digits, unindented};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// `thread 'main' panicked at src/main.rs:2:5:`: the message comes next, whatever it is.
    Panicked,
    /// The message was given.
    Message,
    Frames,
    /// `Error: text`, as `main` returns it.
    Error,
    /// An empty line after it.
    ErrorBlank,
    /// `Caused by:` and what follows.
    Causes,
}

pub(super) fn begin(line: &[u8]) -> Option<State> {
    match line.first()? {
        b't' if line.starts_with(b"thread '") && contains(line, b" panicked at ") => {
            // Before Rust 1.73 the message stands on the same line.
            Some(if line.ends_with(b":") { State::Panicked } else { State::Message })
        }
        b'E' if line.starts_with(b"Error: ") => Some(State::Error),
        _ => None,
    }
}

/// What cannot be anything but a part of a panic, whatever came before it: a message of several lines, most likely.
pub(super) fn lone_part(line: &[u8]) -> Option<State> {
    if line == b"stack backtrace:" {
        return Some(State::Frames);
    }
    line.starts_with(b"note: run with `RUST_BACKTRACE=").then_some(State::Message)
}

pub(super) fn follow(state: State, line: &[u8]) -> Option<State> {
    match state {
        State::Panicked => Some(State::Message),
        State::Message if line == b"stack backtrace:" => Some(State::Frames),
        State::Message | State::Frames if line.starts_with(b"note: ") => Some(State::Message),
        State::Message | State::Frames if line.starts_with(b"thread caused non-unwinding panic") => {
            Some(State::Message)
        }
        // The values of an assertion.
        State::Message => {
            (line.starts_with(b"  left: ") || line.starts_with(b" right: ")).then_some(State::Message)
        }
        State::Frames => is_frame(line).then_some(State::Frames),
        State::Error => line.is_empty().then_some(State::ErrorBlank),
        State::ErrorBlank => is_section(line).then_some(State::Causes),
        State::Causes if line.is_empty() => Some(State::ErrorBlank),
        State::Causes => is_indented(line).then_some(State::Causes),
    }
}

fn is_section(line: &[u8]) -> bool {
    [&b"Caused by:"[..], b"Location:", b"Stack backtrace:"].contains(&line)
}

/// `   0: std::panicking::begin_panic`, `             at /rustc/…/panicking.rs:761:5`.
fn is_frame(line: &[u8]) -> bool {
    let text = unindented(line);
    let digits = leading_digits(text);
    is_indented(line) && (text.starts_with(b"at ") || (digits > 0 && text[digits..].starts_with(b": ")))
}
