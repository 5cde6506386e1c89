//! Looking up by path and laying one mapping over another, as Salt's functions do.

use value::{Data, Key, ListMerge, Map, Strategy, Value, merge};

use crate::Failure;

/// The value at a path of keys joined by `delimiter`.
///
/// Salt's `traverse_dict_and_list`: a mapping is asked for the text key, then for what YAML makes of it
/// (`80` is a number); a list is asked by number (negative from the end) or for the first mapping in it that
/// has the key.
pub(crate) fn traverse<'a>(map: &'a Map, path: &str, delimiter: &str) -> Option<&'a Value> {
    if delimiter.is_empty() {
        return by_key(map, path);
    }
    let (first, rest) = path.split_once(delimiter).map_or((path, None), |(first, rest)| (first, Some(rest)));
    let mut here = by_key(map, first)?;
    for step in rest.into_iter().flat_map(|rest| rest.split(delimiter)) {
        here = match &here.data {
            Data::Map(map) => by_key(map, step)?,
            Data::List(items) => in_list(items, step)?,
            _ => return None,
        };
    }
    Some(here)
}

fn by_key<'a>(map: &'a Map, step: &str) -> Option<&'a Value> {
    map.get(step).or_else(|| map.get_key(&as_yaml_reads(step)?))
}

fn as_yaml_reads(step: &str) -> Option<Key> {
    match step {
        "true" | "True" => Some(Key::Bool(true)),
        "false" | "False" => Some(Key::Bool(false)),
        "null" | "~" | "None" => Some(Key::Null),
        _ => step
            .parse::<i64>()
            .map(Key::Int)
            .ok()
            .or_else(|| step.contains('.').then(|| step.parse().ok().map(Key::Float)).flatten()),
    }
}

fn in_list<'a>(items: &'a [Value], step: &str) -> Option<&'a Value> {
    let maps = || items.iter().filter_map(Value::as_map);
    let Ok(number) = step.trim().parse::<i64>() else {
        return maps().find_map(|map| map.get(step));
    };
    maps().find_map(|map| map.get_key(&Key::Int(number))).or_else(|| {
        let from_end = || items.len().checked_sub(usize::try_from(number.unsigned_abs()).ok()?);
        items.get(usize::try_from(number).ok().or_else(from_end)?)
    })
}

/// Lays `over` on `base` key by key, all the way down. Both have to be mappings.
pub(crate) fn update(base: Value, over: Value, merge_lists: bool) -> Result<Value, Failure> {
    if base.as_map().is_none() || over.as_map().is_none() {
        return Err(Failure::message("Cannot update using non-dict types in dictupdate.update()")
            .hint("give two mappings: a list or a text cannot be merged key by key"));
    }
    let lists = if merge_lists { ListMerge::Extend } else { ListMerge::Replace };
    Ok(merge(base, over, Strategy::Recurse, lists))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Option<String> {
        let tree = value::json::from_text(
            r#"{"a": {"b": [{"c": 1}, {"d": 2}, "x"]}, "": {"e": 3}, "text": "t", "a:b": 0}"#,
        )
        .unwrap();
        let mut map = tree.as_map().unwrap().clone();
        let ports: Map = [(Key::Int(80), Value::from("http"))].into_iter().collect();
        map.insert("ports", ports);
        traverse(&map, path, ":").map(value::json::to_text)
    }

    #[test]
    fn paths_lead_where_salt_finds_them() {
        let found = [
            ("a:b:0:c", "1"),
            ("a:b:d", "2"),
            ("a:b:-1", "\"x\""),
            (":e", "3"),
            ("ports:80", "\"http\""),
            ("a:b:2", "\"x\""),
        ];
        for (path, expected) in found {
            assert_eq!(at(path).as_deref(), Some(expected), "{path}");
        }
        for path in ["a:b:3", "a:b:-4", "text:x", "none", "ports:81", "a:b:0:c:d"] {
            assert_eq!(at(path), None, "{path}");
        }
    }
}
