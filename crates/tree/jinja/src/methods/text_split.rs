//! Splitting, stripping and finding in text.

use std::sync::Arc;

use super::arguments::{Call, integer, string};
use crate::lexer::is_space;
use crate::{Error, Value};

/// Lines as `str.splitlines` sees them.
pub(crate) fn split_lines(text: &str, keep_ends: bool) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.char_indices().find(|(_, c)| {
            matches!(
                c,
                '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
            )
        });
        let Some((at, c)) = end else {
            lines.push(rest);
            break;
        };
        let mut after = at + c.len_utf8();
        if rest.get(at..).is_some_and(|rest| rest.starts_with("\r\n")) {
            after += 1;
        }
        lines.push(rest.get(..if keep_ends { after } else { at }).unwrap_or_default());
        rest = rest.get(after..).unwrap_or_default();
    }
    lines
}

/// The separator and the number of splits of `split` and `rsplit`.
fn split_arguments(call: &Call<'_>) -> Result<(Option<Arc<str>>, usize), Error> {
    let [separator, most] = call.named(["sep", "maxsplit"])?;
    let separator = match separator {
        None | Some(Value::None) => None,
        Some(separator) => match separator.as_str() {
            Some("") => return Err(Error::value_error("empty separator")),
            Some(text) => Some(text.into()),
            None => {
                return Err(Error::type_error(format!("must be str or None, not {}", separator.type_name())));
            }
        },
    };
    let most = match most {
        Some(most) => usize::try_from(integer(&most)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    Ok((separator, most))
}

pub(super) fn split(text: &str, call: &Call<'_>) -> Result<Vec<String>, Error> {
    let (separator, most) = split_arguments(call)?;
    if let Some(separator) = separator {
        let parts = text.splitn(most.saturating_add(1), &*separator);
        return Ok(parts.map(str::to_string).collect());
    }
    let mut parts = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        if parts.len() == most {
            parts.push(rest.to_string());
            break;
        }
        let end = rest.find(is_space).unwrap_or(rest.len());
        parts.push(rest.get(..end).unwrap_or_default().to_string());
        rest = rest.get(end..).unwrap_or_default().trim_start_matches(is_space);
    }
    Ok(parts)
}

pub(super) fn rsplit(text: &str, call: &Call<'_>) -> Result<Vec<String>, Error> {
    let (separator, most) = split_arguments(call)?;
    let mut parts: Vec<String> = Vec::new();
    if let Some(separator) = separator {
        parts.extend(text.rsplitn(most.saturating_add(1), &*separator).map(str::to_string));
    } else {
        let mut rest = text.trim_end_matches(is_space);
        while !rest.is_empty() {
            if parts.len() == most {
                parts.push(rest.to_string());
                break;
            }
            let start = rest.rfind(is_space).map_or(0, |at| {
                at + rest.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
            });
            parts.push(rest.get(start..).unwrap_or_default().to_string());
            rest = rest.get(..start).unwrap_or_default().trim_end_matches(is_space);
        }
    }
    parts.reverse();
    Ok(parts)
}

/// `strip`, `lstrip`, `rstrip`
pub(super) fn strip<'a>(text: &'a str, call: &Call<'_>) -> Result<&'a str, Error> {
    let characters: Option<Vec<char>> = match call.some(0, 1)?.first() {
        None | Some(Value::None) => None,
        Some(characters) => match characters.as_str() {
            Some(characters) => Some(characters.chars().collect()),
            None => return Err(Error::type_error(format!("{} arg must be None or str", call.name))),
        },
    };
    let matches = |c: char| match &characters {
        Some(characters) => characters.contains(&c),
        None => is_space(c),
    };
    Ok(match call.name {
        "lstrip" => text.trim_start_matches(matches),
        "rstrip" => text.trim_end_matches(matches),
        _ => text.trim_matches(matches),
    })
}

pub(super) fn partition(text: &str, call: &Call<'_>) -> Result<[String; 3], Error> {
    let separator = string(call.one()?)?;
    if separator.is_empty() {
        return Err(Error::value_error("empty separator"));
    }
    let backwards = call.name == "rpartition";
    let found = if backwards { text.rsplit_once(&*separator) } else { text.split_once(&*separator) };
    Ok(match found {
        Some((before, after)) => [before.into(), separator.to_string(), after.into()],
        None if backwards => [String::new(), String::new(), text.into()],
        None => [text.into(), String::new(), String::new()],
    })
}

/// The part of a text that optional `start` and `end` arguments leave, and how many characters
/// stand before it; `None` when they leave nothing, not even an empty text.
pub(super) fn bounded<'a>(text: &'a str, bounds: &[Value]) -> Result<Option<(&'a str, usize)>, Error> {
    let length = crate::value::text::count_characters(text);
    let place = |value: Option<&Value>, default: usize| -> Result<usize, Error> {
        match value {
            None | Some(Value::None) => Ok(default),
            Some(value) => {
                let index = value.as_int().ok_or_else(|| {
                    Error::type_error("slice indices must be integers or None or have an __index__ method")
                })?;
                Ok(if index < 0 {
                    length.saturating_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX))
                } else {
                    usize::try_from(index).unwrap_or(usize::MAX)
                })
            }
        }
    };
    let start = place(bounds.first(), 0)?;
    let end = place(bounds.get(1), length)?.min(length);
    if start > end {
        return Ok(None);
    }
    let offset = |character: usize| {
        if text.is_ascii() {
            character.min(text.len())
        } else {
            text.char_indices().nth(character).map_or(text.len(), |(offset, _)| offset)
        }
    };
    Ok(text.get(offset(start)..offset(end)).map(|part| (part, start)))
}

/// `find`, `rfind`: the index in characters.
pub(super) fn find(text: &str, call: &Call<'_>) -> Result<Option<usize>, Error> {
    let given = call.some(1, 3)?;
    let Some(wanted) = given.first() else { return Ok(None) };
    let wanted = string(wanted)?;
    let Some((part, before)) = bounded(text, given.get(1..).unwrap_or_default())? else { return Ok(None) };
    let found = if call.name.starts_with('r') { part.rfind(&*wanted) } else { part.find(&*wanted) };
    Ok(found.and_then(|at| part.get(..at)).map(|skipped| before + skipped.chars().count()))
}

/// `startswith`, `endswith`
pub(super) fn affix(text: &str, call: &Call<'_>) -> Result<bool, Error> {
    let given = call.some(1, 3)?;
    let Some(wanted) = given.first() else { return Ok(false) };
    let Some((part, _)) = bounded(text, given.get(1..).unwrap_or_default())? else { return Ok(false) };
    let matches = |wanted: &str| {
        if call.name == "endswith" { part.ends_with(wanted) } else { part.starts_with(wanted) }
    };
    match wanted {
        Value::Tuple(tuple) => {
            for wanted in tuple.items() {
                let Some(wanted) = wanted.as_str() else {
                    return Err(Error::type_error(format!(
                        "tuple for {} must only contain str, not {}",
                        call.name,
                        wanted.type_name()
                    )));
                };
                if matches(wanted) {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        wanted => match wanted.as_str() {
            Some(wanted) => Ok(matches(wanted)),
            None => Err(Error::type_error(format!(
                "{} first arg must be str or a tuple of str, not {}",
                call.name,
                wanted.type_name()
            ))),
        },
    }
}
