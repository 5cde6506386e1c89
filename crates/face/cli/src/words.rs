//! Words of a call: `pkg.install nginx refresh=True`, read as Salt reads them.

use report::Sources;
use value::{Data, Map, Value};

/// Takes words apart into positional and named arguments. Each value is read as YAML, so `5` is a number and
/// `{a: 1}` a mapping; what is no YAML, or would read as something its writer hardly meant, is text.
pub(crate) fn arguments(words: &[String]) -> (Vec<Value>, Map) {
    let mut positional = Vec::new();
    let mut named = Map::new();
    for word in words {
        match split_named(word) {
            Some((name, text)) => {
                named.insert(name, value(text));
            }
            None => positional.push(value(word)),
        }
    }
    (positional, named)
}

/// One word as a value.
pub(crate) fn value(text: &str) -> Value {
    // A comment sign, an underscore inside digits and a time of day are text to a person.
    let meant_as_text = text.trim().is_empty()
        || text.starts_with('#')
        || text.contains(" #")
        || (text.contains(['_', ':']) && text.starts_with(|c: char| c.is_ascii_digit()));
    if meant_as_text {
        return text.into();
    }
    let source = Sources::new().add("<command line>", text);
    match render::yaml::load(text, &render::yaml::PlainText(source)) {
        // `foo: bar` on a command line is a sentence, not a mapping, unless it is in braces.
        Ok(Value { data: Data::Map(_), .. }) if !text.trim_start().starts_with('{') => text.into(),
        Ok(Value { data: Data::List(_), .. }) if !text.trim_start().starts_with('[') => text.into(),
        Ok(Value { data: Data::Null, .. }) if !matches!(text, "null" | "~" | "None") => text.into(),
        Ok(_) if text == "None" => Value::NULL,
        Ok(value) => without_spans(value),
        Err(_) => text.into(),
    }
}

/// Name and text of a word `name=text` whose name is one that Python would take.
pub(crate) fn split_named(word: &str) -> Option<(&str, &str)> {
    let (name, text) = word.split_once('=')?;
    let first = name.chars().next()?;
    let fits = (first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    fits.then_some((name, text))
}

/// The words belong to a registry of their own, so their spans would point elsewhere.
fn without_spans(value: Value) -> Value {
    match value.data {
        Data::List(items) => items.into_iter().map(without_spans).collect(),
        Data::Map(map) => {
            map.into_iter().map(|(key, entry)| (key, without_spans(entry.value))).collect::<Map>().into()
        }
        data => data.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_salt_reads_them() {
        let cases = [
            ("5", "5"),
            ("1_000", "\"1_000\""),
            ("True", "true"),
            ("None", "null"),
            ("", "\"\""),
            ("a: b", "\"a: b\""),
            ("{a: b}", "{\"a\": \"b\"}"),
            ("[1, two]", "[1, \"two\"]"),
            ("/etc/motd", "\"/etc/motd\""),
            ("- x", "\"- x\""),
            ("#1", "\"#1\""),
            ("12:30:00", "\"12:30:00\""),
            ("@broken: [", "\"@broken: [\""),
        ];
        for (word, json) in cases {
            assert_eq!(value::json::to_text(&value(word)), json, "{word}");
        }
    }

    #[test]
    fn names_are_python_names() {
        let words: Vec<String> = ["nginx", "refresh=True", "-x=1", "a b=2"].map(Into::into).into();
        let (positional, named) = arguments(&words);
        assert_eq!(positional.len(), 3);
        assert_eq!(named.get("refresh").and_then(Value::as_bool), Some(true));
    }
}
