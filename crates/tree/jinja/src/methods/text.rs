//! Methods of `str`, `Markup` and `bytes`.

use std::sync::Arc;

use super::arguments::{Call, integer, string};
use super::escape::{escape_str, escape_text, escape_value};
use super::text_split::{affix, bounded, find, partition, rsplit, split, split_lines, strip};
use crate::value::text::count_characters;
use crate::{Args, Error, ErrorKind, State, Value, format};

pub(super) const NAMES: &[&str] = &[
    "capitalize",
    "casefold",
    "center",
    "count",
    "encode",
    "endswith",
    "expandtabs",
    "find",
    "format",
    "format_map",
    "index",
    "isalnum",
    "isalpha",
    "isascii",
    "isdecimal",
    "isdigit",
    "isidentifier",
    "islower",
    "isnumeric",
    "isprintable",
    "isspace",
    "istitle",
    "isupper",
    "join",
    "ljust",
    "lower",
    "lstrip",
    "partition",
    "removeprefix",
    "removesuffix",
    "replace",
    "rfind",
    "rindex",
    "rjust",
    "rpartition",
    "rsplit",
    "rstrip",
    "split",
    "splitlines",
    "startswith",
    "strip",
    "swapcase",
    "title",
    "translate",
    "upper",
    "zfill",
];
pub(super) const MARKUP_NAMES: &[&str] = &["striptags", "unescape"];

pub(super) fn call(
    state: &mut State<'_>,
    this: &Arc<str>,
    name: &str,
    args: Args,
    markup: bool,
) -> Result<Value, Error> {
    let call = Call { type_name: "str", name, args: &args };
    state.charge(this.len() as u64 / 64)?;
    let texts = |parts: Vec<String>| Value::list(parts.into_iter().map(Value::from).collect());
    Ok(match name {
        "format" => format::braces(state, this, &args.positional, &args.keyword, markup)?.into(),
        "format_map" => {
            let mapping = call.one()?.clone();
            format::braces_map(state, this, &mapping, markup)?.into()
        }
        "join" => join(state, this, call.one()?, markup)?.into(),
        "split" => texts(split(this, &call)?),
        "rsplit" => texts(rsplit(this, &call)?),
        "splitlines" => {
            let [keep] = call.named(["keepends"])?;
            let keep = keep.map_or(Ok(false), |keep| keep.is_true())?;
            Value::list(split_lines(this, keep).into_iter().map(Value::from).collect())
        }
        "strip" | "lstrip" | "rstrip" => strip(this, &call)?.into(),
        "partition" | "rpartition" => Value::tuple(partition(this, &call)?.map(Value::from).into()),
        "startswith" | "endswith" => Value::Bool(affix(this, &call)?),
        "find" | "rfind" => find(this, &call)?.map_or(Value::Int(-1), Value::from),
        "index" | "rindex" => match find(this, &call)? {
            Some(at) => at.into(),
            None => return Err(Error::value_error("substring not found")),
        },
        "count" => count(this, &call)?,
        "replace" => replace(state, this, &call)?.into(),
        "removeprefix" => {
            let prefix = string(call.one()?)?;
            this.strip_prefix(&*prefix).unwrap_or(this).into()
        }
        "removesuffix" => {
            let suffix = string(call.one()?)?;
            this.strip_suffix(&*suffix).unwrap_or(this).into()
        }
        "center" | "ljust" | "rjust" => justify(state, this, &call)?.into(),
        "zfill" => zero_fill(state, this, integer(call.one()?)?)?.into(),
        "expandtabs" => {
            let [size] = call.named(["tabsize"])?;
            let size = size.map_or(Ok(8), |size| integer(&size))?;
            expand_tabs(state, this, usize::try_from(size).unwrap_or(0))?.into()
        }
        "encode" => super::bytes::encode(this, &call)?,
        "translate" => translate(state, this, call.one()?)?.into(),
        name if name.starts_with("is") => {
            call.none()?;
            Value::Bool(is(this, name))
        }
        name => {
            call.none()?;
            change_case(this, name).ok_or_else(|| super::no_method(&Value::Str(this.clone()), name))?.into()
        }
    })
}

/// Methods that change letters.
fn change_case(text: &str, name: &str) -> Option<String> {
    Some(match name {
        "upper" => text.to_uppercase(),
        "lower" => text.to_lowercase(),
        "casefold" => fold_case(text),
        "capitalize" => capitalize(text),
        "title" => title(text),
        "swapcase" => {
            let mut out = String::with_capacity(text.len());
            for c in text.chars() {
                if c.is_uppercase() { out.extend(c.to_lowercase()) } else { out.extend(c.to_uppercase()) }
            }
            out
        }
        _ => return None,
    })
}

fn fold_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            'ß' | 'ẞ' => out.push_str("ss"),
            'ς' => out.push('σ'),
            'ſ' => out.push('s'),
            'ŉ' => out.push_str("ʼn"),
            'ﬀ' => out.push_str("ff"),
            'ﬁ' => out.push_str("fi"),
            'ﬂ' => out.push_str("fl"),
            'ﬃ' => out.push_str("ffi"),
            'ﬄ' => out.push_str("ffl"),
            'ﬅ' | 'ﬆ' => out.push_str("st"),
            c => out.extend(c.to_lowercase()),
        }
    }
    out
}

pub(crate) fn capitalize(text: &str) -> String {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return String::new() };
    let mut out: String = first.to_uppercase().collect();
    out.push_str(&characters.as_str().to_lowercase());
    out
}

/// Every run of letters starts with a capital.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        if inside {
            out.extend(c.to_lowercase());
        } else {
            out.extend(c.to_uppercase());
        }
        inside = c.is_alphabetic();
    }
    out
}

/// Methods that ask about characters.
fn is(text: &str, name: &str) -> bool {
    let all = |test: fn(char) -> bool| !text.is_empty() && text.chars().all(test);
    let cased = |c: char| c.is_uppercase() || c.is_lowercase();
    match name {
        "isalnum" => all(|c| c.is_alphanumeric()),
        "isalpha" => all(|c| c.is_alphabetic()),
        "isascii" => text.is_ascii(),
        "isdecimal" => all(|c| c.is_ascii_digit()),
        "isdigit" => {
            all(|c| c.is_ascii_digit() || matches!(c, '²' | '³' | '¹' | '⁰'..='⁹' | '₀'..='₉' | '٠'..='٩'))
        }
        "isnumeric" => all(|c| c.is_numeric()),
        "isspace" => all(crate::lexer::is_space),
        "isprintable" => text.chars().all(crate::value::is_printable),
        "islower" => text.chars().any(cased) && !text.chars().any(|c| c.is_uppercase()),
        "isupper" => text.chars().any(cased) && !text.chars().any(|c| c.is_lowercase()),
        "istitle" => text.chars().any(cased) && title(text) == text,
        "isidentifier" => {
            let mut characters = text.chars();
            characters.next().is_some_and(|c| c.is_alphabetic() || c == '_')
                && characters.all(|c| c.is_alphanumeric() || c == '_')
        }
        _ => false,
    }
}

fn join(state: &mut State<'_>, separator: &str, items: &Value, markup: bool) -> Result<String, Error> {
    let items = items.to_items(state).map_err(|error| match error.kind() {
        ErrorKind::Type => Error::type_error("can only join an iterable"),
        _ => error,
    })?;
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        match item {
            item if markup => out.push_str(&escape_value(item)?),
            Value::Str(text) | Value::Markup(text) => out.push_str(text),
            item => {
                return Err(Error::type_error(format!(
                    "sequence item {index}: expected str instance, {} found",
                    item.type_name()
                )));
            }
        }
        if out.len() > state.limits().text {
            state.charge_text(out.len())?;
        }
    }
    state.charge_text(out.len())?;
    Ok(out)
}

fn count(text: &str, call: &Call<'_>) -> Result<Value, Error> {
    let given = call.some(1, 3)?;
    let Some(wanted) = given.first() else { return Ok(Value::Int(0)) };
    let wanted = string(wanted)?;
    let Some((part, _)) = bounded(text, given.get(1..).unwrap_or_default())? else {
        return Ok(Value::Int(0));
    };
    Ok(Value::from(if wanted.is_empty() {
        count_characters(part) + 1
    } else {
        part.matches(&*wanted).count()
    }))
}

fn replace(state: &mut State<'_>, text: &str, call: &Call<'_>) -> Result<String, Error> {
    let given = call.some(2, 3)?;
    let part = |at: usize| match given.get(at) {
        Some(Value::Str(text) | Value::Markup(text)) => Ok(text.clone()),
        value => Err(Error::type_error(format!(
            "replace() argument {} must be str, not {}",
            at + 1,
            value.map_or("NoneType", Value::type_name)
        ))),
    };
    let (old, new) = (part(0)?, part(1)?);
    let most = match given.get(2) {
        Some(count) => integer(count)?,
        None => -1,
    };
    replace_text(state, text, &old, &new, most)
}

/// `text.replace(old, new, count)`; a negative count means all.
pub(crate) fn replace_text(
    state: &mut State<'_>,
    text: &str,
    old: &str,
    new: &str,
    count: i64,
) -> Result<String, Error> {
    let most = usize::try_from(count).unwrap_or(usize::MAX);
    let found = if old.is_empty() { count_characters(text) + 1 } else { text.matches(old).count() };
    let grown = new.len().saturating_sub(old.len()).saturating_mul(found.min(most));
    state.charge_text(text.len().saturating_add(grown))?;
    Ok(if most == usize::MAX { text.replace(old, new) } else { text.replacen(old, new, most) })
}

fn justify(state: &mut State<'_>, text: &str, call: &Call<'_>) -> Result<String, Error> {
    let given = call.some(1, 2)?;
    let width = given.first().map_or(Ok(0), integer)?;
    let fill = match given.get(1) {
        None => ' ',
        Some(fill) => {
            let Some(fill) = fill.as_str() else {
                return Err(Error::type_error(format!(
                    "The fill character must be a unicode character, not {}",
                    fill.type_name()
                )));
            };
            let mut characters = fill.chars();
            match (characters.next(), characters.next()) {
                (Some(only), None) => only,
                _ => return Err(Error::type_error("The fill character must be exactly one character long")),
            }
        }
    };
    pad(state, text, width, fill, call.name)
}

/// `center`, `ljust`, `rjust`
pub(crate) fn pad(
    state: &mut State<'_>,
    text: &str,
    width: i64,
    fill: char,
    how: &str,
) -> Result<String, Error> {
    let width = usize::try_from(width).unwrap_or(0);
    let missing = width.saturating_sub(count_characters(text));
    state.charge_text(text.len().saturating_add(missing.saturating_mul(fill.len_utf8())))?;
    let left = match how {
        "ljust" => 0,
        "rjust" => missing,
        // The odd blank goes left when the width is odd.
        _ => missing / 2 + (missing & width & 1),
    };
    let blanks = |count: usize| std::iter::repeat_n(fill, count);
    Ok(blanks(left).chain(text.chars()).chain(blanks(missing - left)).collect())
}

fn zero_fill(state: &mut State<'_>, text: &str, width: i64) -> Result<String, Error> {
    let (sign, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => text.split_at(text.len() - digits.len()),
        None => ("", text),
    };
    let width = width.saturating_sub(sign.len() as i64);
    Ok(format!("{sign}{}", pad(state, digits, width, '0', "rjust")?))
}

fn expand_tabs(state: &mut State<'_>, text: &str, size: usize) -> Result<String, Error> {
    let tabs = text.matches('\t').count();
    state.charge_text(text.len().saturating_add(tabs.saturating_mul(size)))?;
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' if size > 0 => {
                let blanks = size - column % size;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\t' => {}
            c => {
                out.push(c);
                column = if matches!(c, '\n' | '\r') { 0 } else { column + 1 };
            }
        }
    }
    Ok(out)
}

fn translate(state: &mut State<'_>, text: &str, table: &Value) -> Result<String, Error> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match crate::value::access::item(state, table, &Value::Int(i64::from(c as u32)))? {
            Value::Undefined(_) => out.push(c),
            Value::None => {}
            Value::Int(code) => {
                let changed = u32::try_from(code).ok().and_then(char::from_u32);
                match changed {
                    Some(changed) => out.push(changed),
                    None => {
                        return Err(Error::value_error("character mapping must be in range(0x110000)"));
                    }
                }
            }
            Value::Str(text) | Value::Markup(text) => out.push_str(&text),
            _ => return Err(Error::type_error("character mapping must return integer, None or str")),
        }
        if out.len() > state.limits().text {
            state.charge_text(out.len())?;
        }
    }
    Ok(out)
}

/// Methods of `Markup`: arguments are escaped, answers are `Markup` again.
pub(super) fn call_markup(
    state: &mut State<'_>,
    this: &Arc<str>,
    name: &str,
    mut args: Args,
) -> Result<Value, Error> {
    match name {
        "striptags" => return Ok(crate::builtin::strip_tags(this).into()),
        "unescape" => return Ok(unescape(this).into()),
        "replace" => {
            if let Some(new @ Value::Str(_)) = args.positional.get_mut(1) {
                *new = Value::Markup(escape_text(new));
            }
        }
        _ => {}
    }
    let mark = |value: Value| match value {
        Value::Str(text) => Value::Markup(text),
        value => value,
    };
    Ok(match call(state, this, name, args, true)? {
        Value::List(items) => Value::list(items.to_vec().into_iter().map(mark).collect()),
        Value::Tuple(items) => Value::tuple(items.items().iter().cloned().map(mark).collect()),
        value => mark(value),
    })
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#34;", "\"")
        .replace("&#39;", "'")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
}

/// A text with HTML escaped, for `Markup.format`.
pub(crate) fn escaped_field(text: &str, markup: bool) -> String {
    if markup { escape_str(text) } else { text.to_string() }
}
