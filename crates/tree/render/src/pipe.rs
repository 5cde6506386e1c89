//! The `#!` line: which renderers a file goes through.

/// One renderer of a pipe, with the arguments written after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// `jinja`, `yaml`, …
    pub name: String,
    /// What follows the name, as written.
    pub arguments: String,
}

/// The renderers of a text: those of its `#!` line, or of `default` (`jinja|yaml`) when it has none.
/// A line that starts with `#!/` is an interpreter's, not ours.
pub fn stages(text: &str, default: &str) -> Vec<Stage> {
    let first = text.lines().next().unwrap_or_default();
    let own = first.strip_prefix("#!").filter(|rest| !rest.starts_with('/') && !rest.trim().is_empty());
    own.unwrap_or(default)
        .split('|')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (name, arguments) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
            Stage { name: name.into(), arguments: arguments.trim().into() }
        })
        .collect()
}

/// The text with its `#!` line emptied, byte offsets kept; for renderers to which it is no comment.
pub(crate) fn without_line(text: &str) -> std::borrow::Cow<'_, str> {
    match text.find('\n') {
        _ if !text.starts_with("#!") => text.into(),
        Some(end) => (" ".repeat(end) + &text[end..]).into(),
        None => "".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_renderers() {
        let names =
            |text: &str| stages(text, "jinja|yaml").into_iter().map(|stage| stage.name).collect::<Vec<_>>();
        assert_eq!(names("#!yaml\na: 1"), ["yaml"]);
        assert_eq!(names("#! jinja | json \n"), ["jinja", "json"]);
        assert_eq!(names("#!/bin/sh\n"), ["jinja", "yaml"]);
        assert_eq!(names("a: 1"), ["jinja", "yaml"]);
        assert_eq!(stages("#!stateconf -o yaml . jinja", "")[0].arguments, "-o yaml . jinja");
        assert_eq!(without_line("#!json\n{}"), "      \n{}");
    }
}
