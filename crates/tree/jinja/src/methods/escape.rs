//! HTML escaping, as `markupsafe` does it.

use std::sync::Arc;

use crate::value::text::to_text;
use crate::{Dict, Error, Value};

/// A text with `& < > ' "` escaped.
pub(crate) fn escape_str(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\'' => out.push_str("&#39;"),
            '"' => out.push_str("&#34;"),
            c => out.push(c),
        }
    }
    out
}

/// A value's text, escaped unless it is already.
pub(crate) fn escape_value(value: &Value) -> Result<String, Error> {
    match value {
        Value::Markup(text) => Ok(text.to_string()),
        value => to_text(value).map(|text| escape_str(&text)),
    }
}

/// A text value's text, escaped unless it is already.
pub(crate) fn escape_text(value: &Value) -> Arc<str> {
    match value {
        Value::Markup(text) => text.clone(),
        value => escape_str(value.as_str().unwrap_or_default()).into(),
    }
}

/// The arguments of `Markup % …`: texts in them escaped.
pub(crate) fn escape_nested(value: &Value) -> Value {
    let one = |value: &Value| match value {
        Value::Str(_) => Value::Markup(escape_text(value)),
        value => value.clone(),
    };
    match value {
        Value::Tuple(tuple) => Value::tuple(tuple.items().iter().map(one).collect()),
        Value::Dict(dict) => {
            let entries = dict.borrow().iter().map(|(key, value)| (key.clone(), one(value))).collect();
            Value::Dict(Dict::from_map(entries))
        }
        value => one(value),
    }
}
