//! JSON that files of a tree hold, with errors at their place.

use std::ops::Range;

use report::Problem;
use value::{Span, Value};

/// What is wrong with a JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JsonError {
    /// In a few words, without the place.
    pub(crate) what: String,
    /// The bytes that it is about.
    pub(crate) at: Range<usize>,
    /// What to do about it.
    pub(crate) hint: String,
}

/// Reads one document of a text; `place` says where bytes of it stand.
pub fn data(text: &str, place: impl Fn(Range<usize>) -> Span) -> Result<Value, Problem> {
    read(text).map_err(|error| Problem::error("json.syntax", error.what).at(place(error.at)).hint(error.hint))
}

pub(crate) fn read(text: &str) -> Result<Value, JsonError> {
    value::json::from_text(text).map_err(|error| {
        let at = offset_of(text, error.line(), error.column());
        let what = error.to_string();
        // The place is said apart.
        let what = what.split_once(" at line ").map_or(what.as_str(), |(what, _)| what).to_string();
        let end =
            text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |letter| at + letter.len_utf8());
        JsonError { hint: advice(text, at, &what), what, at: at..end }
    })
}

fn advice(text: &str, at: usize, what: &str) -> String {
    let before = text.get(..at).unwrap_or_default().trim_end();
    let rest = text.get(at..).unwrap_or_default();
    if what.starts_with("EOF") {
        return "the text ends too early: something that was opened is never closed".into();
    }
    if what.starts_with("trailing characters") {
        return "a JSON file holds one value: remove what follows it, or join both in a list".into();
    }
    if rest.starts_with('\'') {
        return "JSON quotes with `\"`, not with `'`".into();
    }
    if rest.starts_with(['#', '/']) {
        return "JSON has no comments: remove it, or write the file as YAML".into();
    }
    match what {
        _ if before.ends_with(',') => "nothing may follow the last comma: remove it".into(),
        "trailing comma" => "nothing may follow the last comma: remove it".into(),
        "key must be a string" => "JSON quotes every key: `\"key\": …`".into(),
        _ if what.starts_with("expected `,`") => {
            "a comma is missing between this and what stands before it".into()
        }
        "expected `:`" => "a key is followed by a colon and its value".into(),
        "expected value" => {
            "a value is missing here: text in `\"`, a number, true, false, null, `[` or `{`".into()
        }
        _ if what.starts_with("control character") => {
            "write line ends and tabs in text as `\\n` and `\\t`".into()
        }
        _ => "write it as JSON: keys and text in `\"`, values parted by commas".into(),
    }
}

/// The byte offset of a line and column as serde_json counts them.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_stand_at_their_place_with_advice() {
        for (text, at, hint) in [
            ("{\"a\": 1,}", "}", "last comma"),
            ("{a: 1}", "a", "quotes every key"),
            ("{\"a\": 'x'}", "'", "not with"),
            ("[1\n2]", "2", "comma is missing"),
            ("{\"a\" 1}", "1", "colon"),
            ("{\"ä\": tru}", "", ""),
            ("[1] # x", "#", "remove what follows"),
            ("{\"a\": [1, 2", "", "never closed"),
            ("", "", "never closed"),
        ] {
            let error = read(text).unwrap_err();
            assert!(text[error.at.clone()].starts_with(at), "{text}: {error:?}");
            assert!(error.hint.contains(hint), "{text}: {error:?}");
        }
    }
}
