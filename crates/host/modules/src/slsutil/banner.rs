//! The comment block on top of a managed file.

use crate::{Context, Failure};

arguments! {
    /// A comment block that says who manages a file.
    pub(super) struct Banner {
        /// Its width in characters.
        width: i64 = 72,
        /// What each line starts with.
        commentchar: String = "#",
        /// What its upper and lower border are made of.
        borderchar: String = "#",
        /// What opens a block comment.
        blockstart: Option<String>,
        /// What closes a block comment.
        blockend: Option<String>,
        /// Its first part, centred.
        title: Option<String>,
        /// Its second part.
        text: Option<String>,
        /// End with a line end.
        newline: bool = false,
    }
}

const TITLE: &str = "THIS FILE IS MANAGED BY SALT - DO NOT EDIT";
const TEXT: &str = "The contents of this file are managed by Salt. Any changes to this file may be overwritten \
                    automatically and without warning.";

/// See [`Banner`].
pub(super) fn banner(_: &Context<'_>, arguments: Banner) -> Result<String, Failure> {
    let comment = &arguments.commentchar;
    let (left, right) = (comment.trim_end(), comment.trim());
    let letters = |text: &str| text.chars().count();
    let too_small =
        || Failure::message("Width is too small to render banner").hint("leave `width` out, or make it 72");
    let width =
        usize::try_from(arguments.width).ok().filter(|width| *width <= 10_000).ok_or_else(too_small)?;
    let inner = width
        .checked_sub(letters(left) + letters(right) + 2)
        .filter(|inner| *inner > 0)
        .ok_or_else(too_small)?;
    let border: String = arguments.borderchar.chars().take(1).collect();
    let border = border.repeat(width.saturating_sub(letters(left) + letters(right)));
    let spacer = format!("{comment}{}{comment}", " ".repeat(width.saturating_sub(letters(comment) * 2)));
    let mut lines: Vec<String> = arguments.blockstart.into_iter().collect();
    lines.push(format!("{comment}{border}{right}"));
    lines.push(spacer.clone());
    for line in wrapped(arguments.title.as_deref().unwrap_or(TITLE), inner) {
        lines.push(format!("{left} {} {right}", centred(&line, inner)));
    }
    lines.push(spacer);
    for line in wrapped(arguments.text.as_deref().unwrap_or(TEXT), inner) {
        lines.push(format!("{left} {line}{} {right}", " ".repeat(inner - letters(&line).min(inner))));
    }
    lines.push(format!("{comment}{border}{right}"));
    lines.extend(arguments.blockend);
    let mut block = lines.join("\n");
    if arguments.newline {
        block.push('\n');
    }
    Ok(block)
}

/// Lines of at most `width` characters, broken at blanks; words that are longer are broken anywhere.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line: Vec<char> = Vec::new();
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        if !line.is_empty() && line.len() + 1 + word.len() > width && word.len() <= width {
            lines.push(line.drain(..).collect());
        }
        if !line.is_empty() && line.len() + 1 < width {
            line.push(' ');
        }
        while line.len() + word.len() > width {
            let rest = word.split_off(width.saturating_sub(line.len()).min(word.len()));
            line.append(&mut word);
            lines.push(line.drain(..).collect());
            word = rest;
        }
        line.append(&mut word);
    }
    if !line.is_empty() {
        lines.push(line.into_iter().collect());
    }
    lines
}

/// Python's `str.center`: of an odd number of blanks the odd one goes left when the width is odd.
fn centred(text: &str, width: usize) -> String {
    let blanks = width.saturating_sub(text.chars().count());
    let left = blanks / 2 + (blanks & width & 1);
    format!("{}{text}{}", " ".repeat(left), " ".repeat(blanks - left))
}
