//! Java, JavaScript and .NET: an exception's class and message, then indented frames that begin with `at`.

use serde::{Deserialize, Serialize};

use super::{before_line_number, contains, is_indented, leading_digits, unindented};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// The exception was named: more of its message may follow, indented.
    Named,
    /// Frames.
    Frames,
    /// Properties of a JavaScript error, as `util.inspect` prints them.
    Properties,
    /// An entry of the console logger of .NET.
    Entry,
}

/// A line that names an exception, whose frames may follow.
pub(super) fn begin(line: &[u8]) -> Option<State> {
    let named = match line.first()? {
        b'E' => line.starts_with(b"Exception in thread \""),
        b'U' => line.starts_with(b"Unhandled exception. ") || line.starts_with(b"Unhandled Exception: "),
        b'f' | b'c' if is_entry(line) => return Some(State::Entry),
        b'a'..=b'z' => is_java_exception(line),
        _ => false,
    };
    named.then_some(State::Named)
}

/// A frame that cannot be anything else, whatever came before it.
pub(super) fn lone_frame(line: &[u8]) -> Option<State> {
    let text = unindented(line);
    if is_omission(text) {
        return Some(State::Frames);
    }
    // The cause, in .NET.
    if line.starts_with(b" ---> ") {
        return Some(State::Named);
    }
    let frame = text.strip_prefix(b"at ")?;
    let frame = frame.strip_suffix(b" {").unwrap_or(frame);
    (is_java_or_dotnet(frame) || is_javascript(frame)).then(|| after_frame(line))
}

pub(super) fn follow(state: State, line: &[u8]) -> Option<State> {
    let text = unindented(line);
    let indented = is_indented(line);
    match state {
        State::Entry => line.starts_with(b"      ").then_some(State::Entry),
        State::Properties if line.starts_with(b"}") => Some(State::Frames),
        State::Properties => indented.then_some(State::Properties),
        State::Named | State::Frames if indented && text.starts_with(b"at ") => Some(after_frame(line)),
        State::Named | State::Frames if text.starts_with(b"Caused by: ") => Some(State::Named),
        State::Named if indented => Some(State::Named),
        State::Frames if indented && (text.starts_with(b"Suppressed: ") || text.starts_with(b"---> ")) => {
            Some(State::Named)
        }
        State::Frames
            if indented && (text.starts_with(b"... ") || text.starts_with(b"[CIRCULAR REFERENCE")) =>
        {
            Some(State::Frames)
        }
        State::Named | State::Frames => text.starts_with(b"--- End of ").then_some(State::Frames),
    }
}

/// The last frame of a JavaScript error may open its properties.
pub(super) fn after_frame(line: &[u8]) -> State {
    if line.ends_with(b" {") { State::Properties } else { State::Frames }
}

/// `java.base/java.lang.Thread.run(Thread.java:840)`, `Program.Main(String[] args) in /src/Program.cs:line 5`.
fn is_java_or_dotnet(frame: &[u8]) -> bool {
    let Some(open) = frame.iter().position(|&byte| byte == b'(') else { return false };
    let (method, rest) = frame.split_at(open);
    method.contains(&b'.') && !method.contains(&b' ') && rest.contains(&b')')
}

/// `... 9 more`, `... 12 common frames omitted`.
fn is_omission(text: &[u8]) -> bool {
    let Some(count) = text.strip_prefix(b"... ") else { return false };
    let digits = leading_digits(count);
    digits > 0 && [&b" more"[..], b" common frames omitted"].contains(&&count[digits..])
}

/// `f (/srv/app.js:2:17)`, `async go (node:internal/x:1:2)`, `/srv/app.js:6:1`, `new Promise (<anonymous>)`.
fn is_javascript(frame: &[u8]) -> bool {
    let place = frame.strip_suffix(b")").unwrap_or(frame);
    before_line_number(place).and_then(before_line_number).is_some() || frame.ends_with(b"(<anonymous>)")
}

/// `java.lang.IllegalStateException: text`: words in lower case, then a class that calls itself an exception.
fn is_java_exception(line: &[u8]) -> bool {
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.$".contains(byte);
    let (name, rest) = line.split_at(line.iter().take_while(|byte| named(byte)).count());
    name.contains(&b'.')
        && [&b"Exception"[..], b"Error", b"Throwable"].iter().any(|end| name.ends_with(end))
        && matches!(rest, [] | [b':'] | [b':', b' ', ..])
}

/// `fail: Microsoft.AspNetCore.Server.Kestrel[13]`.
fn is_entry(line: &[u8]) -> bool {
    let Some(category) = line.strip_prefix(b"fail: ").or_else(|| line.strip_prefix(b"crit: ")) else {
        return false;
    };
    let Some(open) = category.iter().position(|&byte| byte == b'[') else { return false };
    let number = &category[open + 1..];
    let digits = leading_digits(number);
    digits > 0 && number[digits..] == *b"]" && !contains(category, b" ")
}
