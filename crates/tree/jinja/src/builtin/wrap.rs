//! `wordwrap`, as Python's `textwrap` breaks lines.

use super::{flag, integer, like, no_attribute, required};
use crate::methods::split_lines;
use crate::{Args, Error, Signature, State, Value};

pub(super) fn wordwrap(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const SIGNATURE: Signature = Signature::new(
        "do_wordwrap",
        &["s", "width", "break_long_words", "wrapstring", "break_on_hyphens"],
        1,
    )
    .with_context();
    let [input, width, break_long, wrapstring, on_hyphens] = args.bind(&SIGNATURE)?;
    let input = required(input);
    let text = match &input {
        Value::Str(text) | Value::Markup(text) => text.clone(),
        other => return Err(no_attribute(other, "splitlines")),
    };
    let width = integer(width.as_ref(), 79)?;
    let given = |value: Option<Value>| match value {
        None => Ok(true),
        value => flag(value),
    };
    let (break_long, on_hyphens) = (given(break_long)?, given(on_hyphens)?);
    let newline = match &wrapstring {
        None | Some(Value::None) => "\n".into(),
        Some(newline) => state.text(newline)?,
    };
    if width <= 0 {
        return Err(Error::value_error(format!("invalid width {width} (must be > 0)")));
    }
    let width = usize::try_from(width).unwrap_or(usize::MAX);
    let wrapped: Vec<String> = split_lines(&text, false)
        .into_iter()
        .map(|line| wrap(line, width, break_long, on_hyphens).join(&newline))
        .collect();
    let wrapped = wrapped.join(&newline);
    state.charge_text(wrapped.len())?;
    Ok(like(&input, wrapped))
}

/// What `textwrap` takes for a blank.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ')
}

fn wrap(line: &str, width: usize, break_long: bool, on_hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<Vec<char>> = chunks(line, on_hyphens);
    chunks.reverse();
    let mut lines: Vec<String> = Vec::new();
    let blank = |chunk: &[char]| chunk.iter().all(|c| is_blank(*c));
    while !chunks.is_empty() {
        let mut current: Vec<Vec<char>> = Vec::new();
        let mut length = 0;
        if !lines.is_empty() && chunks.last().is_some_and(|chunk| blank(chunk)) {
            chunks.pop();
        }
        while let Some(chunk) = chunks.pop_if(|chunk| length + chunk.len() <= width) {
            length += chunk.len();
            current.push(chunk);
        }
        if chunks.last().is_some_and(|chunk| chunk.len() > width) {
            take_long(&mut chunks, &mut current, width.saturating_sub(length), break_long, on_hyphens);
        }
        if current.last().is_some_and(|chunk| blank(chunk)) {
            current.pop();
        }
        if !current.is_empty() {
            lines.push(current.into_iter().flatten().collect());
        }
    }
    lines
}

/// A word longer than a line: cut, or a line of its own.
fn take_long(
    chunks: &mut Vec<Vec<char>>,
    current: &mut Vec<Vec<char>>,
    room: usize,
    break_long: bool,
    on_hyphens: bool,
) {
    let Some(chunk) = chunks.last_mut() else { return };
    if break_long {
        let mut end = room;
        if on_hyphens && chunk.len() > room {
            let hyphen = chunk.iter().take(room).rposition(|c| *c == '-');
            if let Some(hyphen) = hyphen.filter(|hyphen| chunk.iter().take(*hyphen).any(|c| *c != '-')) {
                end = hyphen + 1;
            }
        }
        let rest = chunk.split_off(end.min(chunk.len()));
        current.push(std::mem::replace(chunk, rest));
        if chunk.is_empty() {
            chunks.pop();
        }
    } else if current.is_empty() {
        current.extend(chunks.pop());
    }
}

/// Words and the blanks between them; words break after hyphens.
fn chunks(line: &str, on_hyphens: bool) -> Vec<Vec<char>> {
    let characters: Vec<char> = line.chars().collect();
    let mut chunks: Vec<Vec<char>> = Vec::new();
    let mut start = 0;
    while let Some(first) = characters.get(start) {
        let kind = is_blank(*first);
        let length = characters.iter().skip(start).take_while(|c| is_blank(**c) == kind).count();
        let run = characters.get(start..start + length).unwrap_or_default();
        if kind || !on_hyphens {
            chunks.push(run.to_vec());
        } else {
            let mut from = 0;
            for at in 0..run.len() {
                if breaks_after(run, at) {
                    chunks.push(run.get(from..=at).unwrap_or_default().to_vec());
                    from = at + 1;
                }
            }
            chunks.push(run.get(from..).unwrap_or_default().to_vec());
        }
        start += length;
    }
    chunks.retain(|chunk| !chunk.is_empty());
    chunks
}

/// A single hyphen between letters, or the end of a dash between words.
fn breaks_after(word: &[char], at: usize) -> bool {
    let is =
        |at: Option<usize>, test: fn(char) -> bool| at.and_then(|at| word.get(at)).is_some_and(|c| test(*c));
    if !is(Some(at), |c| c == '-') || is(Some(at + 1), |c| c == '-') {
        return false;
    }
    let letter = |c: char| c.is_alphabetic() || c == '_';
    let word_character = |c: char| c.is_alphanumeric() || c == '_';
    if is(at.checked_sub(1), |c| c == '-') {
        return is(Some(at + 1), word_character);
    }
    is(at.checked_sub(1), letter)
        && is(at.checked_sub(2), word_character)
        && is(Some(at + 1), word_character)
        && is(Some(at + 2), letter)
}
