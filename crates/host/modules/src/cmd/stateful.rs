//! Commands that say themselves what they changed (`stateful: True`).

use value::{Map, Value};

use super::words;
use crate::{Outcome, Verdict};

/// Reads the outcome anew from what the command printed: a JSON object, or `changed=yes comment='…'` as the last
/// line. `changed` decides whether there are changes; the other keys become part of them.
pub(super) fn reinterpreted(outcome: Outcome) -> Outcome {
    let ran = outcome.changes;
    let outcome = Outcome { changes: Map::new(), comment: String::new(), ..outcome };
    let printed = |key: &str| ran.get(key).and_then(Value::as_str).unwrap_or_default();
    let stdout = printed("stdout");
    if stdout.is_empty() {
        return Outcome { comment: printed("stderr").to_string(), ..outcome };
    }
    let failed = |comment: String| {
        Outcome { verdict: Verdict::Failed, comment, ..outcome.clone() }
            .hint(
                "the last line that the command prints says what it did: `changed=yes comment='…'`, or JSON",
            )
            .blames("stateful")
    };
    let (mut said, rest) = match value::json::from_text(stdout).map(|json| json.as_map().cloned()) {
        Ok(Some(map)) => (map, ""),
        Ok(None) => return failed("script JSON output must be a JSON object (e.g., {})!".into()),
        Err(_) => {
            let (before, last) = stdout.trim_end().rsplit_once('\n').unwrap_or(("", stdout));
            match pairs(last) {
                Some(map) => (map, before),
                None => {
                    let wrong =
                        "Failed parsing script output! Stdout must be JSON or a line of name=value pairs.";
                    return Outcome { changes: ran, ..failed(wrong.into()) };
                }
            }
        }
    };
    let changed = match said.get("changed").map(Value::to_string) {
        None => false,
        Some(word) => match word.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => true,
            "false" | "no" | "0" => false,
            _ => return failed(format!("Failed parsing boolean value: {word}")),
        },
    };
    let comment = said.remove("comment").map(|comment| comment.to_string()).unwrap_or_default();
    if !changed {
        return Outcome { comment, ..outcome };
    }
    for (key, value) in ran.iter() {
        said.get_or_insert_with(key.clone(), || value.clone());
    }
    said.insert("stdout", rest);
    Outcome { comment, changes: said, ..outcome }
}

fn pairs(line: &str) -> Option<Map> {
    let words = words::split(line).ok()?;
    let pair = |word: String| {
        let (key, value) = word.split_once('=')?;
        (!value.contains('=')).then(|| (key.to_string(), value.to_string()))
    };
    words.into_iter().map(pair).collect::<Option<Vec<_>>>().map(|pairs| pairs.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(stdout: &str) -> Outcome {
        let ran: Map = [("retcode", Value::from(0i64)), ("stdout", stdout.into()), ("stderr", "".into())]
            .into_iter()
            .collect();
        reinterpreted(Outcome::changed("Command \"x\" run", ran))
    }

    #[test]
    fn a_last_line_says_what_changed() {
        let outcome = printed("making\nchanged=yes comment='made it' size=3");
        assert_eq!(outcome.comment, "made it");
        let changes = value::json::to_text(&outcome.changes.into());
        assert_eq!(
            changes,
            r#"{"changed": "yes", "size": "3", "retcode": 0, "stdout": "making", "stderr": ""}"#
        );
        let outcome = printed("changed=no comment=same");
        assert_eq!((outcome.comment.as_str(), outcome.changes.len()), ("same", 0));
    }

    #[test]
    fn json_says_what_changed() {
        let outcome = printed(r#"{"changed": true, "comment": "x", "data": {"a": 1}}"#);
        assert_eq!((outcome.comment.as_str(), outcome.changes.len()), ("x", 5));
        assert_eq!(printed("[1]").verdict, Verdict::Failed);
        assert_eq!(printed("{}").verdict, Verdict::Holds);
    }

    #[test]
    fn what_cannot_be_read_fails() {
        for wrong in ["hello", "a=b=c", "changed=perhaps", "'"] {
            assert_eq!(printed(wrong).verdict, Verdict::Failed, "{wrong}");
        }
    }
}
