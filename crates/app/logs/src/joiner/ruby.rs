//! Ruby: errors with their frames, innermost first or last, causes, and the hints between.

use serde::{Deserialize, Serialize};

use super::{contains, is_indented, is_marker, leading_digits, unindented};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// `#<Thread:…> terminated with exception`: the error comes next.
    Thread,
    /// The error was named.
    Named,
    /// The error was named, and is of a kind that is shown with its source line.
    NamedWithSource,
    /// An empty line before the source line.
    BeforeSource,
    /// The source line; a marker comes next.
    Source,
    /// The marker; hints may follow.
    Marked,
    Frames,
    /// Numbered frames, the innermost last; the error comes after them.
    Reversed,
    /// The error after them.
    ReversedEnd,
}

pub(super) fn begin(line: &[u8]) -> Option<State> {
    if line.starts_with(b"#<Thread:")
        && line.ends_with(b"terminated with exception (report_on_exception is true):")
    {
        return Some(State::Thread);
    }
    named(line)
}

/// `\tfrom app.rb:3:in 'foo'`, whatever came before it.
pub(super) fn lone_frame(line: &[u8]) -> Option<State> {
    let frame = line.strip_prefix(b"\tfrom ")?;
    (place(frame).is_some() || is_numbered_frame(line)).then_some(State::Frames)
}

pub(super) fn follow(state: State, line: &[u8]) -> Option<State> {
    let frame = line.starts_with(b"\tfrom ") || line.starts_with(b"\t ... ");
    match state {
        State::Thread => named(line),
        State::Reversed if is_numbered_frame(line) => Some(State::Reversed),
        State::Reversed => named(line).map(|_| State::ReversedEnd),
        State::ReversedEnd => None,
        _ if frame => Some(State::Frames),
        // The cause of the error above.
        State::Frames => named(line),
        State::Named => None,
        State::NamedWithSource => line.is_empty().then_some(State::BeforeSource),
        State::BeforeSource => (!line.is_empty()).then_some(State::Source),
        State::Source => is_marker(line).then_some(State::Marked),
        State::Marked => (line.is_empty() || is_indented(line) || line.starts_with(b"Did you mean?"))
            .then_some(State::Marked),
    }
}

/// `\t10: from app.rb:3:in 'foo'`.
pub(super) fn is_numbered_frame(line: &[u8]) -> bool {
    let number = unindented(line);
    let digits = leading_digits(number);
    line.starts_with(b"\t") && digits > 0 && number[digits..].starts_with(b": from ")
}

/// `app.rb:2:in 'foo': bad (ArgumentError)`.
fn named(line: &[u8]) -> Option<State> {
    let inner = line.strip_suffix(b")")?;
    let class = &inner[memchr::memrchr(b'(', inner)? + 1..];
    let is_class = class.first().is_some_and(u8::is_ascii_uppercase)
        && class.iter().all(|&byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':');
    if !is_class || !contains(place(inner)?, b": ") {
        return None;
    }
    let with_source: [&[u8]; 4] = [b"NameError", b"NoMethodError", b"TypeError", b"ArgumentError"];
    Some(if with_source.contains(&class) { State::NamedWithSource } else { State::Named })
}

/// What follows `app.rb:2:in `.
fn place(text: &[u8]) -> Option<&[u8]> {
    let at = memchr::memmem::find(text, b":in ")?;
    let digits = text[..at].iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let quoted = matches!(text[at + 4..], [b'`' | b'\'', ..]);
    (digits > 0 && text[..at - digits].ends_with(b":") && quoted).then(|| &text[at + 4..])
}
