//! Python: tracebacks, chained ones, exception groups, syntax errors; what `threading` and `asyncio` put before them.

use serde::{Deserialize, Serialize};

use super::{State as Any, is_indented, leading_digits, ruby, unindented};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// `Task exception was never retrieved`: the task comes next.
    Task,
    /// A line that says that a traceback comes next.
    Announced,
    /// Frames and their source lines, then the exception.
    Frames,
    /// An exception group, drawn as a tree.
    Group,
    /// The exception was named; another may follow.
    Named,
    /// An empty line after an exception.
    Between,
    /// `During handling of the above exception …`: an empty line comes next.
    Chained,
    /// The traceback of the next exception comes next.
    ChainedBlank,
}

const TRACEBACK: &[u8] = b"Traceback (most recent call last):";
const GROUP: &[u8] = b"  + Exception Group Traceback (most recent call last):";

pub(super) fn begin(line: &[u8]) -> Option<State> {
    match line.first()? {
        b'T' if line == TRACEBACK => Some(State::Frames),
        b'T' if line == b"Task exception was never retrieved" => Some(State::Task),
        b'E' if line.starts_with(b"Exception in thread ") && line.ends_with(b":") => Some(State::Announced),
        b'E' if line.starts_with(b"Exception ignored ") => Some(State::Announced),
        b'E' if line.starts_with(b"Exception in callback ") => Some(State::Task),
        b' ' if line == GROUP => Some(State::Group),
        b' ' if is_file(line) => Some(State::Frames),
        _ => None,
    }
}

pub(super) fn follow(state: State, line: &[u8]) -> Option<Any> {
    let traceback = || match line {
        TRACEBACK => Some(State::Frames),
        GROUP => Some(State::Group),
        _ => None,
    };
    let next = match state {
        State::Task
            if [&b"future: "[..], b"handle: ", b"task: "].iter().any(|word| line.starts_with(word)) =>
        {
            Some(State::Announced)
        }
        State::Task | State::Announced | State::ChainedBlank => traceback(),
        // Ruby calls it a traceback too when it prints the innermost frame last.
        State::Frames if ruby::is_numbered_frame(line) => return Some(Any::Ruby(ruby::State::Reversed)),
        State::Frames if is_indented(line) => Some(State::Frames),
        State::Frames => is_exception(line).then_some(State::Named),
        State::Group if is_indented(line) && matches!(unindented(line), [b'|' | b'+', ..]) => {
            Some(State::Group)
        }
        State::Group | State::Named => line.is_empty().then_some(State::Between),
        State::Between => is_chain(line).then_some(State::Chained),
        State::Chained => line.is_empty().then_some(State::ChainedBlank),
    };
    next.map(Any::Python)
}

/// `  File "/srv/app.py", line 3`, as a syntax error begins.
fn is_file(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"  File \"") else { return false };
    let Some(end) = memchr::memmem::find(rest, b"\", line ") else { return false };
    let number = &rest[end + 8..];
    !number.is_empty() && leading_digits(number) == number.len()
}

/// `ValueError: text` or `KeyboardInterrupt`.
fn is_exception(line: &[u8]) -> bool {
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"_.<>".contains(byte);
    let name = line.iter().take_while(|byte| named(byte)).count();
    name > 0 && matches!(line[name..], [] | [b':'] | [b':', b' ', ..])
}

fn is_chain(line: &[u8]) -> bool {
    line == b"During handling of the above exception, another exception occurred:"
        || line == b"The above exception was the direct cause of the following exception:"
}
