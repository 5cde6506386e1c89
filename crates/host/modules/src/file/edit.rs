//! `file.replace` and `file.blockreplace`: parts of a file that is there.

use std::path::Path;

use host::Attributes;
use value::Value;

use super::{accumulated, content, place, text};
use crate::{AnyText, Context, Failure, Outcome};

arguments! {
    /// Replaces what a regular expression matches. Changes: `diff`.
    pub(super) struct Replace {
        /// The path of the file.
        name: String,
        /// The regular expression, as Python's `re` reads it, with `^` and `$` at each line.
        pattern: String,
        /// What comes in its place; `\1` and `\g<name>` stand for groups.
        repl: AnyText,
        /// How many at most; 0 for all.
        count: i64 = 0,
        /// Add the replacement at the end when nothing matches.
        append_if_not_found: bool = false,
        /// Add it at the start when nothing matches.
        prepend_if_not_found: bool = false,
        /// Add this instead.
        not_found_content: Option<AnyText>,
        /// How the name of a copy of the old content ends; false for none.
        backup: Value = ".bak",
        /// Show what differs.
        show_changes: bool = true,
        /// Hold when the file is not there.
        ignore_if_missing: bool = false,
        /// Take the replacement as it stands.
        backslash_literal: bool = false
        ;.. others
    }
}

/// See [`Replace`].
pub(super) fn replace(context: &Context<'_>, arguments: Replace) -> Result<Outcome, Failure> {
    let name = &arguments.name;
    if arguments.ignore_if_missing && context.host().metadata(&place::absolute(context, name)?)?.is_none() {
        return Ok(Outcome::unchanged("No changes needed to be made"));
    }
    let wrong = |error: fancy_regex::Error| {
        Failure::message(format!("{name}: pattern: {error}"))
            .hint("`pattern` is a regular expression: put a backslash before `( ) [ ] { } . * + ? | ^ $` meant as such")
            .blames("pattern")
    };
    let pattern = fancy_regex::Regex::new(&format!("(?m){}", arguments.pattern)).map_err(wrong)?;
    let (path, old) = content::existing(context, name)?;
    let (mut new, mut at, mut times) = (String::new(), 0, 0i64);
    for found in pattern.captures_iter(old.as_str()) {
        let found = found.map_err(wrong)?;
        let Some(whole) = found.get(0) else { continue };
        if arguments.count > 0 && times >= arguments.count {
            break;
        }
        times += 1;
        new.push_str(old.get(at..whole.start()).unwrap_or_default());
        if arguments.backslash_literal {
            new.push_str(&arguments.repl.0);
        } else {
            expand(&arguments.repl.0, &found, &mut new);
        }
        at = whole.end();
    }
    new.push_str(old.get(at..).unwrap_or_default());
    if times == 0 && (arguments.append_if_not_found || arguments.prepend_if_not_found) {
        let line = &arguments.not_found_content.as_ref().unwrap_or(&arguments.repl).0;
        if !old.lines().any(|there| there == line) {
            new = if arguments.prepend_if_not_found {
                format!("{line}\n{old}")
            } else if old.is_empty() || old.ends_with('\n') {
                format!("{old}{line}\n")
            } else {
                format!("{old}\n{line}\n")
            };
        }
    }
    write(context, &path, &old, &new, &arguments.backup, arguments.show_changes, "have been")
}

/// Puts a replacement with its groups filled in at the end of a text.
fn expand(replacement: &str, found: &fancy_regex::Captures<'_, str>, into: &mut String) {
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('\\') {
        into.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let digits = digits.min(2);
        let named = after.strip_prefix("g<").and_then(|name| name.split_once('>'));
        if let Some((name, tail)) = named {
            let group = name.parse().map_or_else(|_| found.name(name), |number| found.get(number));
            into.push_str(group.map_or("", |group| group.as_str()));
            rest = tail;
        } else if digits > 0 {
            let (number, tail) = after.split_at(digits);
            let group = number.parse().ok().and_then(|number| found.get(number));
            into.push_str(group.map_or("", |group| group.as_str()));
            rest = tail;
        } else {
            let mut characters = after.chars();
            match characters.next() {
                Some('n') => into.push('\n'),
                Some('t') => into.push('\t'),
                Some('r') => into.push('\r'),
                Some('\\') | None => into.push('\\'),
                Some(other) => into.extend(['\\', other]),
            }
            rest = characters.as_str();
        }
    }
    into.push_str(rest);
}

arguments! {
    /// Keeps a block of lines between two marker lines. Changes: `diff`.
    pub(super) struct Block {
        /// The path of the file.
        name: String,
        /// What the line before the block contains.
        marker_start: String = "#-- start managed zone --",
        /// What the line after the block contains.
        marker_end: String = "#-- end managed zone --",
        /// The block.
        content: AnyText = "",
        /// Add the block at the end when its markers are not there.
        append_if_not_found: bool = false,
        /// Add it at the start.
        prepend_if_not_found: bool = false,
        /// How the name of a copy of the old content ends; false for none.
        backup: Value = ".bak",
        /// Show what differs.
        show_changes: bool = true,
        /// End the block with a line end; by default where it has none.
        append_newline: Option<bool>
        ;.. others
    }
}

/// See [`Block`].
pub(super) fn blockreplace(context: &Context<'_>, arguments: Block) -> Result<Outcome, Failure> {
    let (path, old) = content::existing(context, &arguments.name)?;
    let mut block = arguments.content.0.clone();
    for line in accumulated::of(context, &arguments.name).values().filter_map(Value::as_list).flatten() {
        if !block.is_empty() {
            block.push('\n');
        }
        block.push_str(&line.to_string());
    }
    if arguments.append_newline.unwrap_or(!block.ends_with('\n')) {
        block.push('\n');
    }
    let end = if old.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n")) {
        "\r\n"
    } else {
        "\n"
    };
    let block = block.replace("\r\n", "\n").replace('\n', end);
    let (mut new, mut inside, mut seen) = (String::new(), false, false);
    for line in old.split_inclusive('\n') {
        if line.contains(&arguments.marker_start) {
            inside = true;
            new.push_str(line);
        } else if !inside {
            new.push_str(line);
        } else if let Some(at) = line.find(&arguments.marker_end) {
            (inside, seen) = (false, true);
            new.push_str(&block);
            new.push_str(line.get(at..).unwrap_or_default().trim_end_matches(['\r', '\n']));
            new.push_str(end);
        }
    }
    if inside {
        return Err(Failure::message(
            "Encountered error managing block: Unterminated marked block. End of file reached before marker_end.. \
             See the log for details.",
        )
        .hint(format!("write the line `{}` below the block in {}, or correct `marker_end`", arguments.marker_end, arguments.name))
        .blames("marker_end"));
    }
    if !seen {
        let added = format!("{}{end}{block}{}{end}", arguments.marker_start, arguments.marker_end);
        if arguments.prepend_if_not_found {
            new = format!("{added}{new}");
        } else if arguments.append_if_not_found {
            if !new.is_empty() && !new.ends_with('\n') {
                new.push_str(end);
            }
            new.push_str(&added);
        } else {
            return Err(Failure::message(
                "Encountered error managing block: Cannot edit marked block. Markers were not found in file.. See \
                 the log for details.",
            )
            .hint("add `- append_if_not_found: True`, or write both marker lines into the file")
            .blames("marker_start"));
        }
    }
    write(context, &path, &old, &new, &arguments.backup, arguments.show_changes, "be")
}

/// Writes the new text, keeps the old one beside it, and says so.
fn write(
    context: &Context<'_>,
    path: &Path,
    old: &str,
    new: &str,
    backup: &Value,
    show: bool,
    planned: &str,
) -> Result<Outcome, Failure> {
    if old == new {
        return Ok(Outcome::unchanged("No changes needed to be made"));
    }
    let host = context.host();
    place::guard(host, path)?;
    if let (Some(suffix), Some(found)) =
        (backup.as_str().filter(|suffix| !suffix.is_empty()), host.link_metadata(path)?)
    {
        let attributes =
            Attributes { mode: Some(found.mode), user: Some(found.user), group: Some(found.group) };
        let mut copy = path.as_os_str().to_owned();
        copy.push(suffix);
        host.write(Path::new(&copy), old.as_bytes(), &attributes)?;
    }
    host.write(path, new.as_bytes(), &Attributes::default())?;
    let comment = context.words("Changes were made".to_string(), format!("Changes would {planned} made"));
    let secret = host::holds_secrets(path, old.as_bytes()) || host::holds_secrets(path, new.as_bytes());
    let diff: Value = if show && !secret { text::unified(old, new).into() } else { true.into() };
    Ok(Outcome::unchanged(comment).with("diff", diff))
}
