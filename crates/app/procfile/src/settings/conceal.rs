//! Which parts of the text must not be shown.

use std::ops::Range;

use value::{Data, SourceId, Value};

use crate::secrets::{cover, secret_parts, secret_parts_of_line};
use crate::text;

/// The text as it may be shown: values whose key or shape looks secret are covered.
pub(super) fn covered(text: &str) -> String {
    // The text has no number among the sources yet; only where its values stand matters.
    let nameless = render::yaml::PlainText(SourceId(u32::MAX));
    match render::yaml::load(text, &nameless) {
        Ok(value) => {
            let mut parts = Vec::new();
            find("", false, &value, &mut parts);
            cover(text, parts)
        }
        Err(_) => by_lines(text),
    }
}

/// Scalars that look secret, by the name they stand under. Whatever stands below a variable has its name.
fn find(name: &str, is_variable: bool, value: &Value, parts: &mut Vec<Range<usize>>) {
    match &value.data {
        Data::Map(map) if is_variable => map.values().for_each(|value| find(name, true, value, parts)),
        Data::Map(map) => {
            for (key, value) in map.iter() {
                find(&key.to_string(), name == "environment", value, parts);
            }
        }
        Data::List(items) => items.iter().for_each(|item| find(name, is_variable, item, parts)),
        Data::Null | Data::Bool(_) => {}
        _ if secret_parts(name, &value.to_string()).is_empty() => {}
        _ => parts.push(value.span.start as usize..value.span.end as usize),
    }
}

/// For a text that is no YAML: what stands behind a word that names a secret, and the lines below it up to the next key
/// that is not indented further.
fn by_lines(text: &str) -> String {
    let mut parts = Vec::new();
    let mut secret: Option<usize> = None;
    for line in text::lines(text) {
        let indent = line.text.len() - line.text.trim_start().len();
        let ends = is_key(line.text) && secret.is_some_and(|above| indent <= above);
        secret = secret.filter(|_| !ends);
        let found = match secret {
            Some(_) => std::iter::once(0..line.text.len()).collect(),
            None => secret_parts_of_line(line.text),
        };
        if secret.is_none() && !found.is_empty() {
            secret = Some(indent);
        }
        parts.extend(found.into_iter().map(|part| line.start + part.start..line.start + part.end));
    }
    cover(text, parts)
}

/// Whether a line, indented by spaces or not at all, begins with `key:`.
fn is_key(line: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    line.trim_start_matches(' ').split_once(':').is_some_and(|(name, rest)| {
        !name.is_empty() && name.chars().all(is_name) && (rest.is_empty() || rest.starts_with(' '))
    })
}
