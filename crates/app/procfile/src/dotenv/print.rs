//! Env files written so that as many programs as possible read the same.

use super::EnvFormat;
use super::evaluate::alone;
use super::readers::{READERS, Reading};
use super::scan::scan;

/// How one variable is best written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BestLine {
    /// The line, without its end. Within double quotes it may span lines.
    pub line: String,
    /// The same with the letters of the value left out, `NAME='…'`.
    pub form: String,
    /// Programs that read something else.
    pub differ: Vec<&'static str>,
}

/// A text that cannot name a variable of an env file, or a value that holds a NUL byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the variable {name:?} cannot stand in an env file")]
pub struct BadName {
    /// The name.
    pub name: String,
}

/// The text of an env file with these variables, in this order, for [`EnvFormat::Compose`].
///
/// Reading it gives the same again, provided that no name stands in it twice.
pub fn print<'v>(vars: impl IntoIterator<Item = (&'v str, &'v str)>) -> Result<String, BadName> {
    let mut text = String::new();
    for (name, value) in vars {
        let best = best_line(name, value).ok_or_else(|| BadName { name: name.to_string() })?;
        text.push_str(&best.line);
        text.push('\n');
    }
    Ok(text)
}

/// The line for a variable on which most programs agree; `None` if there is none that Compose reads.
pub fn best_line(name: &str, value: &str) -> Option<BestLine> {
    if value.contains('\0') || name.contains(['\0', '\n', '=', ':']) {
        return None;
    }
    let forms = [
        (format!("{name}={value}"), "…"),
        (format!("{name}='{value}'"), "'…'"),
        (format!("{name}=\"{value}\""), "\"…\""),
        (format!("{name}=\"{}\"", escaped(value, false)), "\"…\""),
        (format!("{name}=\"{}\"", escaped(value, true)), "\"…\""),
    ];
    let nothing = |_: &str| None;
    let readable = forms.into_iter().filter(|(line, _)| reads_back(line, name, value));
    let judged = readable.map(|(line, form)| {
        let same = |reading: Reading| matches!(reading, Reading::Value(read) if read == value);
        let differ = READERS.iter().filter(|reader| !same((reader.read)(&line, name, &nothing)));
        let differ = differ.map(|reader| reader.name).collect();
        BestLine { line, form: format!("{name}={form}"), differ }
    });
    judged.min_by_key(|best| best.differ.len())
}

/// A value as it stands in double quotes.
fn escaped(value: &str, line_ends: bool) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' => text.extend(['\\', c]),
            '\n' if line_ends => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            _ => text.push(c),
        }
    }
    text
}

/// Whether a line means that value and nothing else.
fn reads_back(line: &str, name: &str, value: &str) -> bool {
    match scan(line, EnvFormat::Compose).as_slice() {
        [Ok(statement)] => {
            line[statement.name.clone()] == *name && alone(line, statement).as_deref() == Some(value)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_that_most_agree_on() {
        for (value, line, differ) in [
            ("plain", "A=plain", 0),
            ("b c", "A='b c'", 0),
            ("b # c", "A='b # c'", 0),
            ("", "A=''", 0),
            ("don't", "A=\"don't\"", 0),
            ("$B", "A='$B'", 0),
            ("l1\nl2", "A=\"l1\\nl2\"", 2),
            ("say \"hi\"", "A='say \"hi\"'", 0),
        ] {
            let best = best_line("A", value).expect("a line");
            assert_eq!((best.line.as_str(), best.differ.len()), (line, differ), "{:?}", best.differ);
        }
    }

    #[test]
    fn names_that_no_line_can_have() {
        for name in ["", "A B", "A=B", "A\nB", "A$", "#A"] {
            assert_eq!(best_line(name, "v"), None, "{name:?}");
        }
        assert!(print([("A", "x\0y")]).is_err());
    }
}
