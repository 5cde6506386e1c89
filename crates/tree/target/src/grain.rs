//! Paths into grains and pillar with a pattern at their end: `ip_interfaces:eth0:10.*`.

use fancy_regex::Regex;
use value::{Data, Key, Value};

use crate::Pattern;

/// What the value at the end has to be like.
#[derive(Clone, Debug)]
pub(crate) enum Wanted {
    /// It fits a pattern; case does not matter, as in Salt.
    Glob,
    /// It begins as a regular expression describes; case does not matter.
    Regex,
    /// It is that text.
    Exact,
}

/// Whether `data` holds what `expression` says: keys, joined by `delimiter`, then the wanted value. Since
/// keys may contain the delimiter themselves, every way to cut the expression is tried, as Salt does.
pub(crate) fn holds(data: &Value, expression: &str, delimiter: &str, wanted: &Wanted) -> bool {
    let pieces: Vec<&str> = expression.split(delimiter).collect();
    (1..pieces.len()).rev().any(|cut| {
        let path = pieces[..cut].join(delimiter);
        let pattern = pieces[cut..].join(delimiter);
        find(data, &path, delimiter).is_some_and(|value| fits(value, &pattern, delimiter, wanted))
    })
}

fn find<'a>(data: &'a Value, path: &str, delimiter: &str) -> Option<&'a Value> {
    data.get(path).or_else(|| data.traverse(path, delimiter))
}

fn fits(value: &Value, pattern: &str, delimiter: &str, wanted: &Wanted) -> bool {
    match &value.data {
        Data::Map(map) => {
            // `a:*` means "has anything below"; otherwise one more key has to fit.
            pattern == "*"
                || map.keys().any(|key| text_fits(&key_text(key), pattern, wanted))
                || holds(value, pattern, delimiter, wanted)
        }
        Data::List(items) => items.iter().any(|item| match &item.data {
            Data::Map(_) => holds(item, pattern, delimiter, wanted) || fits(item, pattern, delimiter, wanted),
            _ => text_fits(&item.to_string(), pattern, wanted),
        }),
        _ => text_fits(&value.to_string(), pattern, wanted),
    }
}

fn key_text(key: &Key) -> String {
    key.to_string()
}

fn text_fits(text: &str, pattern: &str, wanted: &Wanted) -> bool {
    match wanted {
        Wanted::Glob => Pattern::new(&pattern.to_lowercase()).matches(&text.to_lowercase()),
        Wanted::Exact => text.eq_ignore_ascii_case(pattern),
        Wanted::Regex => begins(&pattern.to_lowercase(), &text.to_lowercase()),
    }
}

/// Whether a text begins as a regular expression describes (Python's `re.match`).
fn begins(pattern: &str, text: &str) -> bool {
    Regex::new(&format!("^(?:{pattern})")).is_ok_and(|regex| regex.is_match(text).unwrap_or(false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_patterns() {
        let grains = value::json::from_text(
            r#"{"os": "Debian", "roles": ["web", "db"], "a:b": "c", "n": {"x": {"y": 1}}, "v": 12}"#,
        )
        .unwrap();
        let cases = [
            ("os:Deb*", true),
            ("os:debian", true),
            ("os:Ubuntu", false),
            ("roles:web", true),
            ("roles:w?b", true),
            ("a:b:c", true),
            ("n:x:y:1", true),
            ("n:x", true),
            ("n:*", true),
            ("v:12", true),
            ("os", false),
            ("none:x", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(holds(&grains, expression, ":", &Wanted::Glob), expected, "{expression}");
        }
        assert!(holds(&grains, "os:(Debian|Ubuntu)", ":", &Wanted::Regex));
        assert!(!holds(&grains, "os:(", ":", &Wanted::Regex));
        assert!(!holds(&grains, "os:Deb*", ":", &Wanted::Exact));
    }
}
