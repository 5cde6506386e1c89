//! python-dotenv: a parser of its own, with escapes in quotations and `${NAME:-word}`, but no `$NAME`.

use super::super::interpolate::Lookup;
use super::{LONGEST, Reading};

pub(super) fn read(lines: &str, name: &str, lookup: &Lookup<'_>) -> Reading {
    let mut rest = lines.strip_prefix('\u{feff}').unwrap_or(lines);
    let mut reading = Reading::Absent;
    while !rest.is_empty() {
        rest = rest.trim_start();
        match binding(rest) {
            Some((key, value, left)) => {
                if key == Some(name) {
                    reading = value.map_or(Reading::Absent, |value| expand(&value, lookup));
                }
                rest = left;
            }
            None => rest = after_line(rest),
        }
    }
    reading
}

/// One binding at the begin of a text, and what follows it; `None` where it does not fit.
fn binding(text: &str) -> Option<(Option<&str>, Option<String>, &str)> {
    if text.is_empty() {
        return Some((None, None, ""));
    }
    let rest = match text.strip_prefix("export") {
        Some(rest) if rest.starts_with(is_blank) => rest.trim_start_matches(is_blank),
        _ => text,
    };
    let (key, rest) = key(rest)?;
    let rest = rest.trim_start_matches(is_blank);
    let (value, rest) = match rest.strip_prefix('=') {
        None => (None, rest),
        Some(after) => {
            let trimmed = after.trim_start_matches(is_blank);
            let spaced = trimmed.len() < after.len();
            if spaced && trimmed.starts_with('#') {
                (Some(String::new()), trimmed)
            } else {
                let (value, rest) = value(trimmed)?;
                (Some(value), rest)
            }
        }
    };
    let rest = rest.trim_start_matches(is_blank);
    let rest =
        if rest.starts_with('#') { &rest[rest.find(['\n', '\r']).unwrap_or(rest.len())..] } else { rest };
    match rest.chars().next() {
        None => Some((key, value, "")),
        Some('\n' | '\r') => Some((key, value, after_line(rest))),
        Some(_) => None,
    }
}

fn key(text: &str) -> Option<(Option<&str>, &str)> {
    if text.starts_with('#') {
        return Some((None, text));
    }
    if let Some(quoted) = text.strip_prefix('\'') {
        let (key, rest) = quoted.split_once('\'').filter(|(key, _)| !key.is_empty())?;
        return Some((Some(key), rest));
    }
    let length = text.find(|c: char| c == '=' || c == '#' || c.is_whitespace()).unwrap_or(text.len());
    (length > 0).then(|| (Some(&text[..length]), &text[length..]))
}

fn value(text: &str) -> Option<(String, &str)> {
    if let Some(quote @ ('"' | '\'')) = text.chars().next() {
        let mut escaped = false;
        let end = text[1..].char_indices().find_map(|(at, c)| {
            let closes = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            closes.then_some(at + 1)
        })?;
        return Some((unescape(&text[1..end], quote), &text[end + 1..]));
    }
    let (line, rest) = text.split_at(text.find(['\n', '\r']).unwrap_or(text.len()));
    let comment = line
        .char_indices()
        .zip(line.chars().skip(1))
        .find(|((_, c), next)| c.is_whitespace() && *next == '#');
    let value = comment.map_or(line, |((at, _), _)| &line[..at]);
    Some((value.trim_end().to_string(), rest))
}

fn unescape(text: &str, quote: char) -> String {
    let mut value = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(c) = letters.next() {
        let next = letters.clone().next().filter(|_| c == '\\');
        let meant = match next {
            Some(next @ ('\\' | '\'')) => Some(next),
            Some(next) if quote == '"' => match next {
                '"' => Some('"'),
                'a' => Some('\u{7}'),
                'b' => Some('\u{8}'),
                'f' => Some('\u{c}'),
                'n' => Some('\n'),
                'r' => Some('\r'),
                't' => Some('\t'),
                'v' => Some('\u{b}'),
                _ => None,
            },
            _ => None,
        };
        value.push(meant.unwrap_or(c));
        if meant.is_some() {
            letters.next();
        }
    }
    value
}

/// `${NAME}` and `${NAME:-word}`, wherever they stand.
fn expand(text: &str, lookup: &Lookup<'_>) -> Reading {
    let mut value = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.find("${") {
        let inside = &rest[found + 2..];
        let length = inside.find(['}', ':']).unwrap_or(inside.len());
        let word = inside[length..].strip_prefix(":-").and_then(|word| word.split_once('}'));
        let closed = inside[length..].strip_prefix('}').map(|left| (None, left));
        match closed.or(word.map(|(word, left)| (Some(word), left))) {
            Some((word, left)) => {
                value.push_str(&rest[..found]);
                let set = lookup(&inside[..length]);
                value.push_str(&set.unwrap_or_else(|| word.unwrap_or_default().to_string()));
                if value.len() > LONGEST {
                    return Reading::Otherwise;
                }
                rest = left;
            }
            None => {
                value.push_str(&rest[..found + 2]);
                rest = inside;
            }
        }
    }
    Reading::Value(value + rest)
}

/// White space within a line.
fn is_blank(c: char) -> bool {
    c.is_whitespace() && c != '\n' && c != '\r'
}

fn after_line(text: &str) -> &str {
    text.find(['\n', '\r']).map_or("", |end| {
        let rest = &text[end..];
        rest.strip_prefix("\r\n").unwrap_or(&rest[1..])
    })
}
