//! Paths into grains and pillar with a pattern at their end: `ip_interfaces:eth0:10.*`.

use std::sync::OnceLock;

use fancy_regex::Regex;
use value::{Data, Value};

use crate::Pattern;

/// What the value at the end has to be like. Case does not matter, as in Salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It fits a pattern.
    Glob,
    /// It begins as a regular expression describes.
    Regex,
    /// It is that text.
    Exact,
}

/// Keys, joined by a delimiter, then the wanted value. Keys may contain the delimiter themselves, so every way to cut
/// the expression is tried, as Salt does; what may stand at the end is read at the first question and kept.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    pieces: Vec<String>,
    delimiter: String,
    wanted: Wanted,
    /// What the pieces from each one on mean as the end of the path.
    ends: Vec<OnceLock<End>>,
}

/// The end of a path.
#[derive(Clone, Debug)]
enum End {
    /// `*`: anything that has something below; of texts any, where a glob is wanted.
    Anything {
        text: bool,
    },
    Glob(Pattern),
    /// `None` for what is no regular expression: a part of one that was cut at a delimiter.
    Regex(Option<Box<Regex>>),
    Exact(String),
}

impl Search {
    /// Takes an expression apart.
    pub(crate) fn new(expression: &str, delimiter: &str, wanted: Wanted) -> Self {
        let pieces: Vec<String> = expression.split(delimiter).map(str::to_string).collect();
        let ends = pieces.iter().map(|_| OnceLock::new()).collect();
        Self { pieces, delimiter: delimiter.into(), wanted, ends }
    }

    /// Whether `data` holds what is sought.
    pub(crate) fn holds(&self, data: &Value) -> bool {
        self.holds_from(data, 0)
    }

    /// Whether `data` holds what the pieces from `start` on say.
    fn holds_from(&self, data: &Value, start: usize) -> bool {
        (start + 1..self.pieces.len()).rev().any(|cut| {
            let path = self.pieces.get(start..cut).unwrap_or_default().join(&self.delimiter);
            let found = data.get(&path).or_else(|| data.traverse(&path, &self.delimiter));
            found.is_some_and(|value| self.fits(value, cut))
        })
    }

    /// Whether a value is what the pieces from `at` on want, or holds it.
    fn fits(&self, value: &Value, at: usize) -> bool {
        match &value.data {
            // `a:*` means "has anything below"; otherwise one more key has to fit.
            Data::Map(map) => {
                matches!(self.end(at), End::Anything { .. })
                    || map.keys().any(|key| self.end(at).fits(&key.to_string()))
                    || self.holds_from(value, at)
            }
            Data::List(items) => items.iter().any(|item| match &item.data {
                Data::Map(_) => self.holds_from(item, at) || self.fits(item, at),
                _ => self.end(at).fits(&item.to_string()),
            }),
            _ => self.end(at).fits(&value.to_string()),
        }
    }

    fn end(&self, at: usize) -> &End {
        static NOTHING: End = End::Regex(None);
        let Some(end) = self.ends.get(at) else { return &NOTHING };
        end.get_or_init(|| {
            let pattern = self.pieces.get(at..).unwrap_or_default().join(&self.delimiter);
            match self.wanted {
                wanted if pattern == "*" => End::Anything { text: wanted == Wanted::Glob },
                Wanted::Glob => End::Glob(Pattern::new(&pattern.to_lowercase())),
                Wanted::Exact => End::Exact(pattern),
                // Python's `re.match`: from the start, not necessarily to the end.
                Wanted::Regex => {
                    End::Regex(Regex::new(&format!("^(?:{})", pattern.to_lowercase())).ok().map(Box::new))
                }
            }
        })
    }
}

impl End {
    fn fits(&self, text: &str) -> bool {
        match self {
            Self::Anything { text } => *text,
            Self::Glob(pattern) => pattern.matches(&text.to_lowercase()),
            Self::Regex(regex) => {
                regex.as_ref().is_some_and(|regex| regex.is_match(&text.to_lowercase()).unwrap_or(false))
            }
            Self::Exact(wanted) => text.eq_ignore_ascii_case(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(data: &Value, expression: &str, wanted: Wanted) -> bool {
        let search = Search::new(expression, ":", wanted);
        let first = search.holds(data);
        assert_eq!(search.holds(data), first, "the second answer is the first");
        first
    }

    #[test]
    fn paths_and_patterns() {
        let grains = value::json::from_text(
            r#"{"os": "Debian", "roles": ["web", "db"], "a:b": "c", "n": {"x": {"y": 1}}, "v": 12,
                "l": [{"k": "one"}, {"k": {"m": "two:three"}}]}"#,
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
            ("l:k:one", true),
            ("l:k:m:two*", true),
            ("l:k:m:two:three", true),
            ("l:k:m:three", false),
            ("l:m", false),
        ];
        for (expression, expected) in cases {
            assert_eq!(holds(&grains, expression, Wanted::Glob), expected, "{expression}");
        }
        assert!(holds(&grains, "os:(Debian|Ubuntu)", Wanted::Regex));
        assert!(!holds(&grains, "os:(", Wanted::Regex));
        assert!(!holds(&grains, "os:Deb*", Wanted::Exact));
        assert!(!holds(&grains, "v:*", Wanted::Exact));
        assert!(holds(&grains, "n:*", Wanted::Exact));
    }
}
