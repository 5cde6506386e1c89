//! One line of a Procfile.

use std::ops::Range;

use crate::process_type::{NameError, check_name};

/// What a line is. Ranges are bytes of the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Blank, or a comment.
    Nothing,
    /// `NAME: COMMAND`.
    Entry { name: Range<usize>, command: Range<usize> },
}

/// Why a line is no entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) code: &'static str,
    /// Bytes of the line.
    pub(super) at: Range<usize>,
    /// What is wrong.
    pub(super) what: String,
    /// What is said when the line is ignored.
    pub(super) ignored: String,
    pub(super) hints: Vec<String>,
    /// Whether a lenient reader may pass over it.
    pub(super) ignorable: bool,
}

/// What git and others leave in a file that could not be merged.
const MERGE_MARKERS: [&str; 4] = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];

/// Reads one line; `continued` says that the line before it ended with a backslash.
pub(super) fn read(line: &str, continued: bool) -> Result<Kind, Mistake> {
    let indent = line.len() - line.trim_start_matches(' ').len();
    let rest = &line[indent..];
    if rest.trim().is_empty() || rest.starts_with('#') {
        return Ok(Kind::Nothing);
    }
    if MERGE_MARKERS.iter().any(|marker| line.starts_with(marker)) {
        return Err(Mistake::new("procfile.merge-marker", 0..line.len(), "a merge marker")
            .hint("the file holds two versions: choose one and remove the marker lines"));
    }
    if rest.starts_with('\t') {
        return Err(Mistake::new("procfile.tab", indent..indent + 1, "a tab before the name")
            .hint("remove it, or indent with spaces"));
    }
    let mistake = match rest.split_once(':') {
        None => no_colon(rest, indent),
        Some((name, command)) => {
            let name = indent..indent + name.len();
            let begin = name.end + 1 + (command.len() - command.trim_start().len());
            match entry_mistake(line, &name, begin) {
                None => return Ok(Kind::Entry { name, command: begin..line.len() }),
                Some(mistake) => mistake,
            }
        }
    };
    Err(if continued {
        mistake.hint("the line before it ends with `\\`, but a Procfile has no continuation lines")
    } else {
        mistake
    })
}

fn entry_mistake(line: &str, name: &Range<usize>, command: usize) -> Option<Mistake> {
    let text = &line[name.clone()];
    if text.trim_end() != text && check_name(text.trim_end()).is_ok() {
        let gap = name.start + text.trim_end().len()..name.end;
        let hint = format!("write `{}: {}`", text.trim_end(), &line[command..]);
        return Some(Mistake::new("procfile.space-before-colon", gap, "a space before the colon").hint(hint));
    }
    if let Err(error) = check_name(text) {
        return Some(name_mistake(text, name, &error));
    }
    if line[command..].trim().is_empty() {
        let what = format!("`{text}` has no command");
        let hint = format!("write the command after the colon, or remove the line: `{text}: ./server`");
        return Some(Mistake::new("procfile.no-command", name.start..name.end + 1, what).hint(hint));
    }
    let stray = line[command..].find('\r')?;
    let at = command + stray..command + stray + 1;
    Some(
        Mistake::new("procfile.carriage-return", at, "a carriage return within a line")
            .hint("save the file with line ends of Unix (LF) or Windows (CR LF)"),
    )
}

fn name_mistake(name: &str, at: &Range<usize>, error: &NameError) -> Mistake {
    match error {
        NameError::Empty => {
            Mistake::new("procfile.no-name", at.start..at.end + 1, "no name before the colon")
                .hint("write `NAME: COMMAND`")
        }
        NameError::TooLong { .. } => {
            let mistake = Mistake::new("procfile.name-too-long", at.clone(), error.to_string());
            Mistake { ignorable: false, ..mistake }.hint("give it a shorter name: host names allow no more")
        }
        NameError::Character { at: place, found } => {
            let begin = at.start + place;
            let place = begin..begin + found.len_utf8();
            let mistake = Mistake::new("procfile.name-character", place, error.to_string());
            name_character_hint(name, mistake)
        }
    }
}

fn name_character_hint(name: &str, mistake: Mistake) -> Mistake {
    if name.starts_with("//") {
        return mistake.hint("a comment begins with `#`");
    }
    if let Some(item) = name.strip_prefix("- ").filter(|item| check_name(item).is_ok()) {
        return mistake.hint(format!("a Procfile is no YAML list: write `{item}: …`"));
    }
    let bare = name.trim_matches(['"', '\'']);
    if bare != name && check_name(bare).is_ok() {
        return mistake.hint(format!("a Procfile knows no quotes: write `{bare}: …`"));
    }
    let near: String = name.trim().chars().map(|c| if c == '.' || c == ' ' { '-' } else { c }).collect();
    if check_name(&near).is_ok() {
        return mistake.hint(format!("letters, digits, `_` and `-` are allowed: `{near}` would do"));
    }
    mistake.hint("each line is `NAME: COMMAND`; a name has letters, digits, `_` and `-`")
}

fn no_colon(rest: &str, indent: usize) -> Mistake {
    let at = indent..indent + rest.trim_end().len();
    let mistake = Mistake::new("procfile.no-colon", at, "no colon in this line");
    if rest.starts_with("//") {
        return mistake.hint("a comment begins with `#`");
    }
    let word = rest.split(['=', ' ', '\t']).next().unwrap_or_default();
    let command = rest[word.len()..].trim_start_matches(['=', ' ', '\t']);
    if check_name(word).is_ok() && !command.is_empty() {
        return mistake.hint(format!("write `{word}: {command}`"));
    }
    mistake.hint("each line is `NAME: COMMAND`, and a comment begins with `#`")
}

impl Mistake {
    fn new(code: &'static str, at: Range<usize>, what: impl Into<String>) -> Self {
        let what = what.into();
        let ignored = format!("this line is ignored: {what}");
        Self { code, at, what, ignored, hints: Vec::new(), ignorable: true }
    }

    fn hint(mut self, text: impl Into<String>) -> Self {
        self.hints.push(text.into());
        self
    }

    /// A command that ends with a backslash; the caller places it.
    pub(super) fn continuation() -> Self {
        let what = "a backslash at the end of the line";
        let mistake = Self::new("procfile.continuation", 0..0, what);
        Self { ignored: format!("{what} goes to the shell as it is"), ..mistake }.hint(
            "a Procfile has no continuation lines: write the command in one line, or in a script of its own",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_a_name_a_colon_and_a_command() {
        let entry = |line: &str| match read(line, false) {
            Ok(Kind::Entry { name, command }) => Some((line[name].to_string(), line[command].to_string())),
            _ => None,
        };
        let found = |name: &str, command: &str| Some((name.to_string(), command.to_string()));
        assert_eq!(entry("web: a b"), found("web", "a b"));
        assert_eq!(entry("web:a"), found("web", "a"));
        assert_eq!(entry("  web:\t a: b # c "), found("web", "a: b # c "));
        assert_eq!(entry("web :a"), None);
    }

    #[test]
    fn hints_know_the_mistake() {
        let hints = |line: &str, continued| read(line, continued).expect_err("a mistake").hints;
        assert_eq!(hints("web=./run", false), ["write `web: ./run`"]);
        assert_eq!(hints("web ./run", false), ["write `web: ./run`"]);
        assert_eq!(hints("web : ./run", false), ["write `web: ./run`"]);
        assert_eq!(hints("- web: a", false), ["a Procfile is no YAML list: write `web: …`"]);
        assert_eq!(hints("'web': a", false), ["a Procfile knows no quotes: write `web: …`"]);
        assert_eq!(
            hints("my.web: a", false),
            ["letters, digits, `_` and `-` are allowed: `my-web` would do"]
        );
        assert_eq!(hints("// web: a", false), ["a comment begins with `#`"]);
        assert_eq!(hints("--flag", true).len(), 2);
    }
}
