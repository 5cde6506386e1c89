//! What the text around an error suggests to do.

use super::error::{Stage, YamlError};

pub(super) fn for_error(error: &YamlError, text: &str) -> Option<String> {
    let at = floor(text, error.problem.at.start);
    let line = line_at(text, at);
    let before = &text[line.start..at];
    let rest = &text[at..line.end];
    let message = error.problem.text.as_str();
    let in_template =
        || (rest.starts_with("{{") || rest.starts_with('{') || before.contains("{{")).then_some(TEMPLATE);

    match message {
        "found character that cannot start any token" => Some(cannot_start(text, before, rest)),
        "mapping values are not allowed in this context" => Some(stray_colon(text, line.start, before)),
        "block sequence entries are not allowed in this context" => {
            Some("a list item `- …` starts on its own line; quote the value if the dash is part of it".into())
        }
        "did not find expected key" => {
            Some("check the indentation: every key of a mapping starts in the same column".into())
        }
        "did not find expected '-' indicator" => {
            Some("check the indentation: every item of a list starts in the same column".into())
        }
        "could not find expected ':'" => {
            Some("a key needs a colon and a space after it: `key: value`".into())
        }
        "found unknown escape character" => {
            Some("in double quotes a backslash starts an escape; write `\\\\` or use single quotes".into())
        }
        "found unexpected end of stream" => Some("the quote that starts here is never closed".into()),
        "did not find expected ',' or ']'" => Some("the list that starts with `[` is never closed".into()),
        "did not find expected ',' or '}'" => {
            Some(in_template().unwrap_or("the mapping that starts with `{` is never closed").into())
        }
        message if message.starts_with("found unacceptable key") => {
            let start = text[at..].get(..2).is_some_and(|two| two.starts_with('{')) || before.ends_with('{');
            Some(if start { TEMPLATE } else { "a key is a text, a number, a boolean or null" }.into())
        }
        message
            if message.starts_with("could not determine a constructor") && message.contains(":value'") =>
        {
            Some("quote it: \"=\"".into())
        }
        message if message.starts_with("could not determine a constructor") => {
            Some("quote the value if the exclamation mark is part of it".into())
        }
        message if message.contains("for merging, but found") => {
            Some("`<<` takes the alias of a mapping, `*name`, or a list of them".into())
        }
        message if message.starts_with("collections are nested deeper") => {
            Some("is a bracket or a template's loop left open? Nobody reads so many levels".into())
        }
        message if message.starts_with("aliases make the document larger") => {
            Some("aliases of aliases multiply: write the values out, or build them in a template".into())
        }
        "found undefined alias" => Some("quote the value if the `*` is part of it".into()),
        "found a tab character where an indentation space is expected"
        | "found a tab character that violates indentation" => Some(TAB.into()),
        _ if error.stage == Stage::Reader => {
            Some("remove the character, or write it as an escape in double quotes".into())
        }
        _ => None,
    }
}

const TEMPLATE: &str = "`{{` looks like a template that was not rendered: quote it, or check the `#!` line";
const TAB: &str = "YAML is indented with spaces; replace the tab";

fn cannot_start(text: &str, before: &str, rest: &str) -> String {
    match rest.chars().next() {
        Some('\t') => TAB.into(),
        Some('%') if before.ends_with('{') || rest.starts_with("%}") => {
            "`{%` looks like a template that was not rendered: check the `#!` line".into()
        }
        Some(c @ ('%' | '@' | '`')) => format!("a plain value cannot start with `{c}`: quote it"),
        _ if text.contains('\t') => TAB.into(),
        _ => "quote the value".into(),
    }
}

/// A colon where none may stand: a colon in a value, or the line above lacks a space after its colon.
fn stray_colon(text: &str, line_start: usize, before: &str) -> String {
    let above = text[..line_start].trim_end_matches(['\n', '\r']).rsplit('\n').next().unwrap_or_default();
    if before.contains(": ") {
        return "a value that contains `: ` must be quoted".into();
    }
    let content = above.trim_start().trim_start_matches("- ");
    if let Some((key, value)) = content.split_once(':')
        && !value.is_empty()
        && !value.starts_with([' ', '/', '\t'])
        && !key.contains(' ')
    {
        return format!("the line above has no space after its colon: write `{key}: {value}`");
    }
    if indent(before) > indent(above) && !above.trim().is_empty() && !above.trim_end().ends_with(':') {
        return "the line above already has a value, so nothing may be nested under it; check the indentation".into();
    }
    "check the indentation and the lines above; a value that contains `: ` must be quoted".into()
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn line_at(text: &str, at: usize) -> std::ops::Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |break_at| break_at + 1);
    let end = text[at..].find('\n').map_or(text.len(), |offset| at + offset);
    start..end
}

fn floor(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
