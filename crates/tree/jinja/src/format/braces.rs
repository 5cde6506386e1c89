//! `'{0[a].b!r:>5}'.format(…)`, by the sandbox's rules.

use std::sync::Arc;

use super::spec;
use crate::methods::text::escaped_field;
use crate::value::access;
use crate::value::text::{quote, repr, to_text};
use crate::{Error, ErrorKind, State, Value};

/// Nested fields in specifications, as Python allows them.
const DEPTH: u32 = 2;

/// Finds a field by name.
type Lookup<'a> = dyn Fn(&mut State<'_>, &str) -> Result<Option<Value>, Error> + 'a;

struct Formatter<'a> {
    positional: &'a [Value],
    keyword: &'a Lookup<'a>,
    /// The next automatic number; `None` once numbers are given by hand.
    automatic: Option<usize>,
    manual: bool,
    /// The format is `Markup`: fields are escaped.
    markup: bool,
}

/// `format.format(*positional, **keyword)`
pub(crate) fn braces(
    state: &mut State<'_>,
    format: &str,
    positional: &[Value],
    keyword: &[(Arc<str>, Value)],
    markup: bool,
) -> Result<String, Error> {
    let lookup = |_: &mut State<'_>, name: &str| {
        Ok(keyword.iter().find(|(known, _)| &**known == name).map(|(_, value)| value.clone()))
    };
    let mut formatter = Formatter { positional, keyword: &lookup, automatic: Some(0), manual: false, markup };
    formatter.format(state, format, DEPTH)
}

/// `format.format_map(mapping)`
pub(crate) fn braces_map(
    state: &mut State<'_>,
    format: &str,
    mapping: &Value,
    markup: bool,
) -> Result<String, Error> {
    let lookup = |state: &mut State<'_>, name: &str| match mapping {
        Value::Dict(dict) => Ok(dict.get(name)),
        Value::Object(object) => object.item(state, &Value::from(name)),
        _ => Err(Error::type_error("format requires a mapping")),
    };
    let mut formatter =
        Formatter { positional: &[], keyword: &lookup, automatic: Some(0), manual: false, markup };
    formatter.format(state, format, DEPTH)
}

impl Formatter<'_> {
    fn format(&mut self, state: &mut State<'_>, format: &str, depth: u32) -> Result<String, Error> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Error::value_error("Max string recursion exceeded"));
        };
        state.charge(1 + format.len() as u64 / 64)?;
        let mut out = String::with_capacity(format.len());
        let mut rest = format;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, after) = rest.split_at(at);
            out.push_str(before);
            if after.starts_with("{{") || after.starts_with("}}") {
                out.push_str(after.get(..1).unwrap_or_default());
                rest = after.get(2..).unwrap_or_default();
                continue;
            }
            let Some(inside) = after.strip_prefix('{') else {
                return Err(Error::value_error("Single '}' encountered in format string"));
            };
            if inside.is_empty() {
                return Err(Error::value_error("Single '{' encountered in format string"));
            }
            let (field, after) = self::field(inside)?;
            let text = self.field(state, field, depth)?;
            state.charge_text(out.len() + text.len())?;
            out.push_str(&text);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn field(&mut self, state: &mut State<'_>, field: Field<'_>, depth: u32) -> Result<String, Error> {
        let value = self.value(state, field.name)?;
        let value = match field.conversion {
            None => value,
            Some("s") => Value::from(to_text(&value)?),
            Some("r") => Value::from(repr(&value)?),
            Some("a") => {
                let ascii = repr(&value)?;
                Value::from(ascii)
            }
            Some(other) => {
                let other = other.chars().next().unwrap_or(' ');
                return Err(Error::value_error(format!("Unknown conversion specifier {other}")));
            }
        };
        let specification = match field.specification {
            "" => String::new(),
            nested => self.format(state, nested, depth)?,
        };
        let text = if specification.is_empty() {
            to_text(&value)?
        } else {
            spec::parse(&specification)?.apply(state, &value)?
        };
        Ok(match value {
            Value::Markup(_) => text,
            _ => escaped_field(&text, self.markup),
        })
    }

    /// The value of a field's name: `0`, `name`, ``, each with `.attribute` and `[item]` after it.
    fn value(&mut self, state: &mut State<'_>, name: &str) -> Result<Value, Error> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut rest) = name.split_at(end);
        let mut value = self.first(state, first)?;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (attribute, after) = after.split_at(end);
                if attribute.is_empty() {
                    return Err(Error::value_error("Empty attribute in format string"));
                }
                value = access::attribute(state, &value, &attribute.into())?;
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let Some((index, after)) = after.split_once(']') else {
                    return Err(Error::value_error("Missing ']' in format string"));
                };
                if index.is_empty() {
                    return Err(Error::value_error("Empty attribute in format string"));
                }
                let index = match index.parse::<i64>() {
                    Ok(number) if index.bytes().all(|byte| byte.is_ascii_digit()) => Value::Int(number),
                    _ => Value::from(index),
                };
                value = access::item(state, &value, &index)?;
                rest = after;
            } else {
                return Err(Error::value_error("Only '.' or '[' may follow ']' in format field specifier"));
            }
        }
        Ok(value)
    }

    fn first(&mut self, state: &mut State<'_>, name: &str) -> Result<Value, Error> {
        let index = if name.is_empty() {
            if self.manual {
                return Err(Error::value_error(
                    "cannot switch from manual field specification to automatic field numbering",
                ));
            }
            let index = self.automatic.unwrap_or(0);
            self.automatic = Some(index + 1);
            index
        } else if name.bytes().all(|byte| byte.is_ascii_digit()) {
            if self.automatic.is_some_and(|next| next > 0) {
                return Err(Error::value_error(
                    "cannot switch from manual field specification to automatic field numbering",
                ));
            }
            self.manual = true;
            name.parse().map_err(|_| Error::value_error("Too many decimal digits in format string"))?
        } else {
            return match (self.keyword)(state, name)? {
                Some(value) => Ok(value),
                None => Err(Error::new(ErrorKind::Key, quote(name))),
            };
        };
        self.positional
            .get(index)
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::Index, "tuple index out of range"))
    }
}

/// One `{…}`.
struct Field<'a> {
    name: &'a str,
    conversion: Option<&'a str>,
    specification: &'a str,
}

/// Reads a field, its `{` taken, and answers what follows its `}`.
fn field(text: &str) -> Result<(Field<'_>, &str), Error> {
    let mut depth = 1;
    let mut in_brackets = false;
    let mut end = None;
    for (at, c) in text.char_indices() {
        match c {
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            '{' if !in_brackets => depth += 1,
            '}' if !in_brackets => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            end = Some(at);
            break;
        }
    }
    let Some(end) = end else { return Err(Error::value_error("expected '}' before end of string")) };
    let (inside, after) = text.split_at(end);
    let after = after.get(1..).unwrap_or_default();
    let mut bracket = false;
    let split = inside.find(|c: char| {
        match c {
            '[' => bracket = true,
            ']' => bracket = false,
            _ => {}
        }
        !bracket && (c == '!' || c == ':')
    });
    let Some(split) = split else {
        return Ok((Field { name: inside, conversion: None, specification: "" }, after));
    };
    let (name, rest) = inside.split_at(split);
    if let Some(rest) = rest.strip_prefix('!') {
        let (conversion, specification) = rest.split_once(':').unwrap_or((rest, ""));
        if conversion.is_empty() {
            return Err(Error::value_error("end of string while looking for conversion specifier"));
        }
        return Ok((Field { name, conversion: Some(conversion), specification }, after));
    }
    Ok((Field { name, conversion: None, specification: rest.get(1..).unwrap_or_default() }, after))
}
