//! `nested`: indented data for people.

use value::{Data, Value};

use super::paint::{Colour, Paint, harmless};

/// The lines of `data`, each already indented. Maps are printed in their own order for results and in the
/// order of their keys otherwise, as Salt does for plain dicts.
pub(super) fn lines(data: &Value, indent: usize, paint: Paint) -> Vec<String> {
    let mut out = Vec::new();
    display(data, indent, "", paint, &mut out);
    out
}

fn display(data: &Value, indent: usize, prefix: &str, paint: Paint, out: &mut Vec<String>) {
    let pad = " ".repeat(indent);
    match &data.data {
        Data::Null | Data::Bool(_) | Data::Int(_) | Data::Big(_) | Data::Float(_) => {
            out.push(format!("{pad}{}", paint.text(Colour::Yellow, format!("{prefix}{data}"))));
        }
        Data::Str(_) | Data::Bytes(_) => {
            let mut before = prefix.to_string();
            for line in data.to_string().lines() {
                let line = paint.text(Colour::Green, format!("{before}{}", harmless(line)));
                out.push(format!("{pad}{line}"));
                before = " ".repeat(prefix.len());
            }
        }
        Data::List(items) => {
            for item in items {
                match item.data {
                    Data::Map(_) | Data::List(_) => {
                        out.push(format!("{pad}{}", paint.text(Colour::Green, "|_")));
                        let prefix = if item.as_map().is_some() { "" } else { "- " };
                        display(item, indent + 2, prefix, paint, out);
                    }
                    _ => display(item, indent, "- ", paint, out),
                }
            }
        }
        Data::Map(map) => {
            if indent > 0 {
                out.push(format!("{pad}{}", paint.text(Colour::Cyan, "----------")));
            }
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.to_string(), value)).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, value) in entries {
                let key = paint.text(Colour::Cyan, format!("{prefix}{}", harmless(&key)));
                out.push(format!("{pad}{key}:"));
                display(value, indent + 4, "", paint, out);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_salt_prints() {
        let data =
            value::json::from_text(r#"{"local": {"b": [1, "x\ny", {"k": null}, [true]], "a": {}}}"#).unwrap();
        let expected = "local:\n    ----------\n    a:\n        ----------\n    b:\n        - 1\n        - x\n          y\n        |_\n          ----------\n          k:\n              None\n        |_\n          - True";
        assert_eq!(lines(&data, 0, Paint::default()).join("\n"), expected);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let data = Value::from("\u{1b}[2Jgone");
        assert_eq!(lines(&data, 0, Paint::default()), ["\\u{1b}[2Jgone"]);
    }
}
