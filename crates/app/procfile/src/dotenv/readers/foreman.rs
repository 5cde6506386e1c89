//! foreman: one regular expression a line, all else is ignored.

use super::Reading;

pub(super) fn read(lines: &str, name: &str) -> Reading {
    let found = lines.split('\n').rev().find_map(|line| {
        let (key, text) = line.split_once('=')?;
        let fits = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (fits && key == name).then(|| value(text))
    });
    found.map_or(Reading::Absent, Reading::Value)
}

/// The value that stands after the `=`: quotes that enclose all of it are taken away; within double ones `\n` is
/// a line end and any other backslash is dropped.
pub(crate) fn value(text: &str) -> String {
    let within = |quote| text.strip_prefix(quote).and_then(|text: &str| text.strip_suffix(quote));
    if let Some(inside) = within('\'') {
        return inside.to_string();
    }
    let Some(inside) = within('"') else { return text.to_string() };
    let inside = inside.replace("\\n", "\n");
    let mut value = String::with_capacity(inside.len());
    let mut letters = inside.chars();
    while let Some(c) = letters.next() {
        match (c, letters.clone().next()) {
            ('\\', Some(next)) if next != '\n' => {
                value.push(next);
                letters.next();
            }
            _ => value.push(c),
        }
    }
    value
}
