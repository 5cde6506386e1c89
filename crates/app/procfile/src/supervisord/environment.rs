//! `environment=`: `NAME=value` pairs, parted by commas.
//!
//! supervisor 4.4 knows escapes in double quotes and joins quotations that stand side by side. Those before it know
//! neither: [`before_4_4`] says what they read, so that the difference can be told and kept out of what is written.

use indexmap::IndexMap;

use crate::shlex::{Rules, split};

/// How supervisord splits the pairs.
const RULES: Rules = Rules { whole_words: false, also: "/.+-():", comments: true };

/// The pairs of an `environment` value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pairs {
    /// In the order in which names first stand; a name that stands twice has the later value.
    pub(super) vars: IndexMap<String, String>,
    /// Something else than a comma that stands between pairs.
    pub(super) odd: Option<String>,
}

/// Why a value is no list of pairs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PairsError {
    #[error("a quotation in `environment` is never closed")]
    Unended,
    /// The word at which it goes wrong.
    #[error("`environment` is no list of `NAME=\"value\"` pairs at `{0}`")]
    NoPair(String),
    #[error("`environment` names a variable {0:?}")]
    Name(String),
}

/// Reads `NAME=value,NAME="other value"`.
pub(super) fn pairs(text: &str) -> Result<Pairs, PairsError> {
    let words = split(text, RULES).map_err(|_| PairsError::Unended)?;
    let mut pairs = Pairs::default();
    let mut rest = words.as_slice();
    while let [first, ..] = rest {
        let [name, equals, value, left @ ..] = rest else {
            return Err(PairsError::NoPair(first.text.clone()));
        };
        if equals.text != "=" {
            return Err(PairsError::NoPair(name.text.clone()));
        }
        if name.text.is_empty() || name.text.contains(['=', '\0']) {
            return Err(PairsError::Name(name.text.clone()));
        }
        pairs.vars.insert(name.text.clone(), value.text.clone());
        rest = match left {
            [] => left,
            [comma, left @ ..] => {
                if comma.text != "," {
                    pairs.odd.get_or_insert_with(|| comma.text.clone());
                }
                left
            }
        };
    }
    Ok(pairs)
}

/// The pairs as supervisor before 4.4 reads them; `None` where it refuses them. A quotation ends at the next quote,
/// whatever stands before that, and quotes at both ends of a value are taken away.
pub(crate) fn before_4_4(text: &str) -> Option<IndexMap<String, String>> {
    let words = legacy_words(text)?;
    let mut vars = IndexMap::new();
    for pair in words.chunks(4) {
        let [name, "=", value, ..] = pair else { return None };
        vars.insert((*name).to_string(), value.trim_matches(['"', '\'']).to_string());
    }
    Some(vars)
}

fn legacy_words(text: &str) -> Option<Vec<&str>> {
    let is_word =
        |c: char| c.is_ascii_alphanumeric() || c == '_' || RULES.also.contains(c) || c == '"' || c == '\'';
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            ' ' | '\t' | '\r' | '\n' => {
                rest = &rest[1..];
                continue;
            }
            '#' => {
                rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
                continue;
            }
            '"' | '\'' => rest[1..].find(first)? + 2,
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        words.push(&rest[..length]);
        rest = &rest[length..];
    }
    Some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, PairsError> {
        pairs(text).map(|pairs| pairs.vars.into_iter().collect())
    }

    #[test]
    fn pairs_as_supervisord_reads_them() {
        let vars = |list: &[(&str, &str)]| {
            Ok(list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
        };
        assert_eq!(read("A=b,C=\"d,e\""), vars(&[("A", "b"), ("C", "d,e")]));
        assert_eq!(read("A='b c',\nB=/x/y.z:1-2+(3),"), vars(&[("A", "b c"), ("B", "/x/y.z:1-2+(3)")]));
        assert_eq!(read("A=\"a\\\"b\\c\",A=2"), vars(&[("A", "2")]));
        assert_eq!(read(""), vars(&[]));
        assert_eq!(read("A=b;C=d"), vars(&[("A", "b"), ("C", "d")]));
        assert_eq!(pairs("A=b;C=d").map(|pairs| pairs.odd), Ok(Some(";".into())));
    }

    #[test]
    fn pairs_as_supervisord_read_them_before() {
        let read = |text| before_4_4(text).map(|vars| vars.into_iter().collect::<Vec<_>>());
        let vars = |name: &str, value: &str| Some(vec![(name.to_string(), value.to_string())]);
        assert_eq!(read("A=\"a\\\\b\""), vars("A", "a\\\\b"));
        assert_eq!(read("A=\"b\"'c'"), vars("A", "b"));
        assert_eq!(read("A='\"b\"' # c"), vars("A", "b"));
        assert_eq!(read("A=b\"c d\""), vars("A", "b\"c"));
        assert_eq!(read("A=\"say \\\"hi\\\"\""), None);
    }

    #[test]
    fn what_is_no_pair() {
        assert_eq!(read("A"), Err(PairsError::NoPair("A".into())));
        assert_eq!(read("A=b@c"), Err(PairsError::NoPair("c".into())));
        assert_eq!(read("A=b C=d"), Err(PairsError::NoPair("=".into())));
        assert_eq!(read("A=\"b"), Err(PairsError::Unended));
        assert_eq!(read("''=b"), Err(PairsError::Name(String::new())));
    }
}
