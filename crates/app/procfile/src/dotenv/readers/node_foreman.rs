//! node-foreman (`heroku local`): cut at the first `=`, comments cut at `#`, a quotation up to the next quote.

use super::Reading;

pub(super) fn read(lines: &str, name: &str) -> Reading {
    let mut reading = Reading::Absent;
    for line in lines.split('\n').map(trim) {
        // Lines of two letters are passed over with the blank ones.
        if line.starts_with('#') || line.encode_utf16().count() <= 2 {
            continue;
        }
        let (key, text) = line.split_once('=').unwrap_or((line, ""));
        let Some(value) = value(trim(text)) else { return Reading::Fails };
        if trim(key) == name {
            reading = Reading::Value(value);
        }
    }
    reading
}

fn value(text: &str) -> Option<String> {
    match text.chars().next() {
        Some(quote @ ('"' | '\'')) => text[1..].split_once(quote).map(|(value, _)| value.to_string()),
        _ => {
            Some(text.split_once('#').map_or(text, |(value, _)| value.trim_end_matches(is_space)).to_string())
        }
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// White space as JavaScript has it: the byte order mark is one.
fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}
