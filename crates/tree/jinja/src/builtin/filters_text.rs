//! Filters for text.

use super::{flag, integer, like, only_input, required, soft_text};
use crate::lexer::is_space;
use crate::methods::collections::dict_entries;
use crate::methods::text::{pad, replace_text};
use crate::methods::{escape_value, split_lines};
use crate::value::text::count_characters;
use crate::{Args, Dict, Environment, Error, ErrorKind, Signature, State, Value};

pub(super) fn register(environment: &mut Environment) {
    environment.add_filter("upper", |state, args| {
        let input = only_input(args, "do_upper", &["s"])?;
        Ok(like(&input, soft_text(state, &input)?.to_uppercase()))
    });
    environment.add_filter("lower", |state, args| {
        let input = only_input(args, "do_lower", &["s"])?;
        Ok(like(&input, soft_text(state, &input)?.to_lowercase()))
    });
    environment.add_filter("capitalize", |state, args| {
        let input = only_input(args, "do_capitalize", &["s"])?;
        Ok(like(&input, crate::methods::text::capitalize(&soft_text(state, &input)?)))
    });
    environment.add_filter("title", |state, args| {
        let input = only_input(args, "do_title", &["s"])?;
        Ok(Value::from(title(&soft_text(state, &input)?)))
    });
    environment.add_filter("string", |state, args| {
        let input = only_input(args, "soft_str", &["s"])?;
        let text = soft_text(state, &input)?;
        Ok(like(&input, text))
    });
    environment.add_filter("trim", trim);
    environment.add_filter("replace", replace);
    environment.add_filter("format", format);
    environment.add_filter("indent", indent);
    environment.add_filter("center", |state, args| {
        let [input, width] = args.bind(&Signature::new("do_center", &["value", "width"], 1))?;
        let input = required(input);
        let text = soft_text(state, &input)?;
        let width = integer(width.as_ref(), 80)?;
        Ok(like(&input, pad(state, &text, width, ' ', "center")?))
    });
    environment.add_filter("truncate", truncate);
    environment.add_filter("wordcount", |state, args| {
        let input = only_input(args, "do_wordcount", &["s"])?;
        let text = soft_text(state, &input)?;
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        Ok(Value::from(words.count()))
    });
    environment.add_filter("wordwrap", super::wrap::wordwrap);
    environment.add_filter("pprint", |state, args| {
        let input = only_input(args, "do_pprint", &["value"])?;
        super::pretty::pretty(state, &input).map(Value::from)
    });
}

/// Words start with a capital; a word starts after blanks, dashes and opening brackets.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut starts = true;
    for c in text.chars() {
        let separates = is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
        if starts {
            out.extend(c.to_uppercase());
        } else {
            out.extend(c.to_lowercase());
        }
        starts = separates;
    }
    out
}

fn trim(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [input, characters] = args.bind(&Signature::new("do_trim", &["value", "chars"], 1))?;
    let input = required(input);
    let text = soft_text(state, &input)?;
    let trimmed = match &characters {
        None | Some(Value::None) => text.trim_matches(is_space),
        Some(characters) => match characters.as_str() {
            Some(characters) => text.trim_matches(|c| characters.contains(c)),
            None => return Err(Error::type_error("strip arg must be None or str")),
        },
    };
    Ok(like(&input, trimmed))
}

fn replace(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const SIGNATURE: Signature =
        Signature::new("do_replace", &["s", "old", "new", "count"], 3).with_context();
    let [input, old, new, count] = args.bind(&SIGNATURE)?;
    let (input, old, new) = (required(input), required(old), required(new));
    let count = match &count {
        None | Some(Value::None) => -1,
        Some(count) => integer(Some(count), -1)?,
    };
    if state.autoescape() {
        let is_markup = |value: &Value| matches!(value, Value::Markup(_));
        if is_markup(&input) || is_markup(&old) || is_markup(&new) {
            let text = escape_value(&input)?;
            let new = escape_value(&new)?;
            let old = state.text(&old)?;
            return replace_text(state, &text, &old, &new, count).map(|text| Value::Markup(text.into()));
        }
    }
    let (text, old, new) = (state.text(&input)?, state.text(&old)?, state.text(&new)?);
    replace_text(state, &text, &old, &new, count).map(Value::from)
}

fn format(state: &mut State<'_>, mut args: Args) -> Result<Value, Error> {
    if args.positional.is_empty() {
        return Err(Error::type_error("do_format() missing 1 required positional argument: 'value'"));
    }
    let input = args.positional.remove(0);
    let format = soft_text(state, &input)?;
    if !args.positional.is_empty() && !args.keyword.is_empty() {
        return Err(Error::new(
            ErrorKind::FilterArgument,
            "can't handle positional and keyword arguments at the same time",
        ));
    }
    let values = if args.keyword.is_empty() {
        Value::tuple(args.positional)
    } else {
        Value::Dict(Dict::from_map(dict_entries(state, &args)?))
    };
    match &input {
        Value::Markup(_) => {
            let values = crate::methods::escape_nested(&values);
            crate::format::percent(state, &format, &values).map(|text| Value::Markup(text.into()))
        }
        _ => crate::format::percent(state, &format, &values).map(Value::from),
    }
}

fn indent(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [input, width, first, blank] =
        args.bind(&Signature::new("do_indent", &["s", "width", "first", "blank"], 1))?;
    let input = required(input);
    let text = match &input {
        Value::Str(text) | Value::Markup(text) => text.clone(),
        Value::Undefined(undefined) => return Err(undefined.error()),
        Value::Tuple(_) => {
            return Err(Error::type_error("can only concatenate tuple (not \"str\") to tuple"));
        }
        other @ Value::List(_) => return Err(super::no_attribute(other, "splitlines")),
        other => {
            return Err(Error::type_error(format!(
                "unsupported operand type(s) for +=: '{}' and 'str'",
                other.type_name()
            )));
        }
    };
    let indention = match &width {
        Some(Value::Str(text) | Value::Markup(text)) => text.to_string(),
        width => {
            let width = usize::try_from(integer(width.as_ref(), 4)?).unwrap_or(0);
            state.charge_text(width)?;
            " ".repeat(width)
        }
    };
    let (first, blank) = (flag(first)?, flag(blank)?);
    let text = format!("{text}\n");
    let lines = split_lines(&text, false);
    state.charge_text(text.len().saturating_add(lines.len().saturating_mul(indention.len())))?;
    let mut out = String::with_capacity(text.len());
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let indents = if index == 0 { first } else { blank || !line.is_empty() };
        if indents {
            out.push_str(&indention);
        }
        out.push_str(line);
    }
    Ok(like(&input, out))
}

fn truncate(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const SIGNATURE: Signature =
        Signature::new("do_truncate", &["s", "length", "killwords", "end", "leeway"], 1).with_context();
    let [input, length, kill_words, end, leeway] = args.bind(&SIGNATURE)?;
    let input = required(input);
    let length = integer(length.as_ref(), 255)?;
    let end = match &end {
        None => "...".into(),
        Some(end) => state.text(end)?,
    };
    let leeway = match &leeway {
        None | Some(Value::None) => 5,
        Some(leeway) => integer(Some(leeway), 5)?,
    };
    let end_length = count_characters(&end) as i64;
    if length < end_length {
        let message = format!("expected length >= {end_length}, got {length}");
        return Err(Error::other("AssertionError", message));
    }
    if leeway < 0 {
        return Err(Error::other("AssertionError", format!("expected leeway >= 0, got {leeway}")));
    }
    let Some(text) = input.as_str() else {
        return match input.length()? {
            None => Err(Error::type_error(format!("object of type '{}' has no len()", input.type_name()))),
            Some(items) if items as i64 <= length.saturating_add(leeway) => Ok(input),
            Some(_) => Err(super::no_attribute(&input, "rsplit")),
        };
    };
    if count_characters(text) as i64 <= length.saturating_add(leeway) {
        return Ok(input);
    }
    let kept: String = text.chars().take(usize::try_from(length - end_length).unwrap_or(0)).collect();
    let kept =
        if flag(kill_words)? { &*kept } else { kept.rsplit_once(' ').map_or(&*kept, |(words, _)| words) };
    Ok(like(&input, format!("{kept}{end}")))
}
