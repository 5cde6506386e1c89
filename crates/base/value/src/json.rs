//! JSON in and out. Salt's own quirks stand in the outputters, not here.

use std::fmt::Write as _;

use num_bigint::BigInt;

use crate::{Data, Map, Value};

/// Reads one JSON document. The error names line and column.
pub fn from_text(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<serde_json::Value>(text).map(Value::from)
}

/// Compact JSON with Python's separators (`", "` and `": "`), non-ASCII text left as it is.
/// Bytes are written as text, invalid sequences replaced; infinities as Python writes them.
pub fn to_text(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, None, 0);
    out
}

/// JSON indented by `indent` spaces a level.
pub fn to_pretty(value: &Value, indent: usize) -> String {
    let mut out = String::new();
    write(&mut out, value, Some(indent), 0);
    out
}

fn write(out: &mut String, value: &Value, indent: Option<usize>, depth: usize) {
    match &value.data {
        Data::Null => out.push_str("null"),
        Data::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Data::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Data::Big(number) => {
            let _ = write!(out, "{number}");
        }
        Data::Float(number) if number.is_nan() => out.push_str("NaN"),
        Data::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Data::Float(number) => out.push_str(&crate::tree::float_text(*number)),
        Data::Str(text) => quote(out, text),
        Data::Bytes(bytes) => quote(out, &String::from_utf8_lossy(bytes)),
        Data::List(items) => {
            sequence(out, ('[', ']'), items.iter(), indent, depth, |out, item, depth| {
                write(out, item, indent, depth);
            });
        }
        Data::Map(map) => sequence(out, ('{', '}'), map.iter(), indent, depth, |out, (key, item), depth| {
            match key {
                crate::Key::Null => quote(out, "null"),
                crate::Key::Bool(flag) => quote(out, if *flag { "true" } else { "false" }),
                crate::Key::Str(text) => quote(out, text),
                key => quote(out, &key.to_string()),
            }
            out.push_str(": ");
            write(out, item, indent, depth);
        }),
    }
}

fn sequence<T>(
    out: &mut String,
    (open, close): (char, char),
    items: impl ExactSizeIterator<Item = T>,
    indent: Option<usize>,
    depth: usize,
    mut each: impl FnMut(&mut String, T, usize),
) {
    out.push(open);
    let empty = items.len() == 0;
    for (i, item) in items.enumerate() {
        if i > 0 {
            out.push_str(if indent.is_some() { "," } else { ", " });
        }
        new_line(out, indent, depth + 1);
        each(out, item, depth + 1);
    }
    if !empty {
        new_line(out, indent, depth);
    }
    out.push(close);
}

fn new_line(out: &mut String, indent: Option<usize>, depth: usize) {
    const SPACES: &str = "                                ";
    if let Some(width) = indent {
        out.push('\n');
        let mut left = width * depth;
        while left > 0 {
            let count = left.min(SPACES.len());
            out.push_str(&SPACES[..count]);
            left -= count;
        }
    }
}

fn quote(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    // Looked through to the end without a branch: nearly all texts need no escape.
    if text.bytes().fold(false, |found, byte| found | is_special(byte)) {
        escape(out, text);
    } else {
        out.push_str(text);
    }
    out.push('"');
}

fn is_special(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}

fn escape(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(is_special) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            8 => out.push_str("\\b"),
            12 => out.push_str("\\f"),
            byte @ (b'"' | b'\\') => out.extend(['\\', byte.into()]),
            byte => {
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

impl From<serde_json::Value> for Value {
    fn from(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::NULL,
            serde_json::Value::Bool(flag) => flag.into(),
            serde_json::Value::Number(number) => number_from(&number),
            serde_json::Value::String(text) => text.into(),
            serde_json::Value::Array(items) => items.into_iter().collect(),
            serde_json::Value::Object(map) => map.into_iter().collect::<Map>().into(),
        }
    }
}

fn number_from(number: &serde_json::Number) -> Value {
    if let Some(small) = number.as_i64() {
        return small.into();
    }
    let text = number.as_str();
    match text.parse::<BigInt>() {
        Ok(big) => big.into(),
        Err(_) => text.parse::<f64>().unwrap_or(f64::NAN).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_with_pythons_separators_and_reads_back() {
        let text = r#"{"a": [1, 2.5, null, true], "b": {"c": "x\ny"}, "d": 123456789012345678901234567890}"#;
        let value = from_text(text).unwrap();
        assert_eq!(to_text(&value), text);
    }

    #[test]
    fn what_json_cannot_hold_is_escaped() {
        let text = "a\"\\/\n\r\t\u{8}\u{c}\u{0}\u{1f}é\u{7f}";
        assert_eq!(to_text(&text.into()), r#""a\"\\/\n\r\t\b\f\u0000\u001fé"#.to_string() + "\u{7f}\"");
        assert_eq!(from_text(&to_text(&text.into())).unwrap(), text.into());
    }

    #[test]
    fn pretty_json_keeps_empty_collections_on_one_line() {
        let value = from_text(r#"{"a":[],"b":{},"c":[1]}"#).unwrap();
        assert_eq!(
            to_pretty(&value, 4),
            "{\n    \"a\": [],\n    \"b\": {},\n    \"c\": [\n        1\n    ]\n}"
        );
    }
}
