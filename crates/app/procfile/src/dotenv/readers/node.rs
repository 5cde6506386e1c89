//! node 20 (`--env-file`, `util.parseEnv`): quotations up to the next quote, comments at any `#`, no escapes but `\n`.

use super::Reading;

pub(super) fn read(lines: &str, name: &str) -> Reading {
    let text = lines.replace('\r', "");
    let mut rest = trim(&text);
    let mut reading = Reading::Absent;
    while !rest.is_empty() {
        if rest.starts_with(['\n', '#']) && rest.contains('\n') {
            rest = after_line(rest, 0);
            continue;
        }
        // A name is all that stands before the next `=`, whole lines included.
        let Some((key, text)) = rest.split_once('=') else {
            rest = after_line(rest, 0);
            continue;
        };
        let (key, text) = (trim(key), trim(text));
        if key.is_empty() {
            break;
        }
        let key = key.strip_prefix("export ").unwrap_or(key);
        let (value, left) = value(text);
        match value {
            Some(value) if key == name => reading = Reading::Value(value),
            _ => {}
        }
        rest = left;
    }
    reading
}

/// The value at the begin of a text, and what follows its line.
fn value(text: &str) -> (Option<String>, &str) {
    let line = text.split('\n').next().unwrap_or_default();
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) else {
        let value = line.split('#').next().unwrap_or_default();
        return (Some(trim(value).to_string()), after_line(text, 0));
    };
    match text[1..].find(quote) {
        Some(length) => {
            let inside = &text[1..=length];
            let inside = if quote == '"' { inside.replace("\\n", "\n") } else { inside.to_string() };
            (Some(inside), after_line(text, length + 2))
        }
        None if text.contains('\n') => (Some(line.to_string()), after_line(text, 0)),
        // The last line: what follows the name is read again as if it were a line of its own.
        None => (None, text),
    }
}

/// What follows the line that holds the byte `at`.
fn after_line(text: &str, at: usize) -> &str {
    text[at..].find('\n').map_or("", |end| &text[at + end + 1..])
}

fn trim(text: &str) -> &str {
    text.trim_matches(' ')
}
