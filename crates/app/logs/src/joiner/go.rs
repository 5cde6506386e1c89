//! Go: panics, fatal errors, signals, and the stacks of goroutines after them or by themselves.

use serde::{Deserialize, Serialize};

use super::{State as Any, contains, leading_digits};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// `runtime: goroutine stack exceeds …`: a fatal error comes next.
    Overflow,
    /// `SIGQUIT: quit`: the place comes next.
    Signal,
    /// The reason was named; an empty line and stacks follow.
    Reason,
    /// An empty line before a stack.
    Between,
    /// `http: panic serving …`: a stack follows.
    Served,
    Stack,
}

pub(super) fn begin(line: &[u8]) -> Option<State> {
    match line.first()? {
        b'p' if line.starts_with(b"panic: ") => Some(State::Reason),
        b'f' if line.starts_with(b"fatal error: ") => Some(State::Reason),
        b'g' if is_goroutine(line) => Some(State::Stack),
        b'r' if line.starts_with(b"runtime: goroutine stack exceeds ") => Some(State::Overflow),
        b'S' if is_signal(line) => Some(State::Signal),
        b'0'..=b'9' if is_served(line) => Some(State::Served),
        _ => None,
    }
}

pub(super) fn follow(state: State, line: &[u8]) -> Option<Any> {
    let stack = || (is_goroutine(line) || line == b"runtime stack:").then_some(State::Stack);
    let next = match state {
        State::Overflow if line.starts_with(b"runtime: ") => Some(State::Overflow),
        State::Overflow => line.starts_with(b"fatal error: ").then_some(State::Reason),
        State::Signal => line.starts_with(b"PC=").then_some(State::Reason),
        State::Reason | State::Stack if line.is_empty() => Some(State::Between),
        State::Reason if line.starts_with(b"\t") || line.starts_with(b"[signal ") => Some(State::Reason),
        State::Reason if line.starts_with(b"goroutine running on other thread;") => Some(State::Reason),
        State::Between if is_register(line) => Some(State::Stack),
        State::Reason | State::Between | State::Served => stack(),
        State::Stack if line.starts_with(b"exit status ") => return Some(Any::Ordinary),
        State::Stack => (is_of_stack(line) || is_goroutine(line)).then_some(State::Stack),
    };
    next.map(Any::Go)
}

/// `goroutine 1 [chan receive, 3 minutes]:`.
fn is_goroutine(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"goroutine ") else { return false };
    let digits = leading_digits(rest);
    digits > 0 && rest[digits..].starts_with(b" ") && contains(&rest[digits..], b"[") && line.ends_with(b"]:")
}

/// `SIGQUIT: quit`.
fn is_signal(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"SIG") else { return false };
    let name = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    name > 0 && rest[name..].starts_with(b": ")
}

/// `2026/11/28 10:54:37 http: panic serving 127.0.0.1:51986: in handler`.
fn is_served(line: &[u8]) -> bool {
    line.get(4) == Some(&b'/') && contains(line, b" panic serving ")
}

/// Functions, their places, who started the goroutine, registers.
fn is_of_stack(line: &[u8]) -> bool {
    line.starts_with(b"\t")
        || line.starts_with(b"created by ")
        || line.ends_with(b"frames elided...")
        || line.starts_with(b"[originating from goroutine ")
        || is_function(line)
        || is_register(line)
}

/// `main.(*T).Method(0xc000012345, {0x4b2f30, 0x5})`, `panic({0x459d60, 0x487c10})`.
fn is_function(line: &[u8]) -> bool {
    let Some(open) = line.iter().position(|&byte| byte == b'(') else { return false };
    let name = &line[..open];
    line.ends_with(b")") && !name.contains(&b' ') && (name.contains(&b'.') || name == b"panic")
}

/// `rax    0xfffffffffffffffc`.
fn is_register(line: &[u8]) -> bool {
    let name = line.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let value = super::unindented(&line[name..]);
    (1..=6).contains(&name)
        && line.len() > name + value.len()
        && value.strip_prefix(b"0x").is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}
