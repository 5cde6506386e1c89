//! `txt`: lines for scripts.

use value::Value;

/// `key: line` for each line under each key; other data as one line.
pub(super) fn text(data: &Value) -> String {
    let Some(map) = data.as_map() else { return data.to_string() };
    let mut out = String::new();
    for (key, value) in map.iter() {
        match value.as_str() {
            Some(text) => text.lines().for_each(|line| out.push_str(&format!("{key}: {line}\n"))),
            None => out.push_str(&format!("{key}: {value}\n")),
        }
    }
    out
}
