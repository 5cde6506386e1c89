//! honcho: each line split by `shlex`, its words joined again without what was between them.

use super::Reading;
use crate::shlex::{Rules, split};

const RULES: Rules = Rules { whole_words: false, also: "", comments: true };

pub(super) fn read(lines: &str, name: &str) -> Reading {
    let mut reading = Reading::Absent;
    for line in lines.split(is_line_end) {
        let Ok(words) = split(line, RULES) else { return Reading::Fails };
        let [key, equals, value @ ..] = words.as_slice() else { continue };
        let begins_name = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if equals.text == "=" && !value.is_empty() && begins_name(&key.text) && key.text == name {
            let value: String = value.iter().map(|word| word.text.as_str()).collect();
            reading = Reading::value(value.replace("\\n", "\n").replace("\\t", "\t"));
        }
    }
    reading
}

/// Where Python's `splitlines` ends a line.
fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}
