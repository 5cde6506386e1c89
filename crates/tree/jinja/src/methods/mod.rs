//! The methods of Python's built-in types that templates can call.

mod arguments;
mod bytes;
pub(crate) mod collections;
mod escape;
mod numbers;
pub(crate) mod text;
mod text_split;

use std::sync::Arc;

pub(crate) use escape::{escape_nested, escape_str, escape_text, escape_value};
pub(crate) use text_split::split_lines;

use crate::value::text::quote;
use crate::{Args, Error, ErrorKind, State, Value};

/// Whether a value of a built-in type has a method of that name.
pub(crate) fn exists(receiver: &Value, name: &str) -> bool {
    let names = match receiver {
        Value::Str(_) => text::NAMES,
        Value::Markup(_) => return text::NAMES.contains(&name) || text::MARKUP_NAMES.contains(&name),
        Value::Bytes(_) => bytes::NAMES,
        Value::List(_) => collections::LIST_NAMES,
        Value::Tuple(_) | Value::Range(_) => &["count", "index"],
        Value::Dict(_) => collections::DICT_NAMES,
        Value::Set(_) => collections::SET_NAMES,
        Value::View(view) if view.kind != crate::ViewKind::Values => &["isdisjoint"],
        Value::Int(_) | Value::Big(_) | Value::Bool(_) => numbers::INT_NAMES,
        Value::Float(_) => numbers::FLOAT_NAMES,
        _ => &[],
    };
    names.contains(&name)
}

/// `receiver.name(args)`
pub(crate) fn call(
    state: &mut State<'_>,
    receiver: &Value,
    name: &Arc<str>,
    args: Args,
) -> Result<Value, Error> {
    for argument in args.positional.iter().chain(args.keyword.iter().map(|(_, value)| value)) {
        // Lists and dicts take undefined values as they are; text methods do not.
        if let (Some(_), Value::Undefined(undefined)) = (receiver.as_str(), argument)
            && !matches!(&**name, "format" | "format_map" | "join")
        {
            undefined.require_lenient()?;
        }
    }
    match receiver {
        Value::Str(this) => text::call(state, this, name, args, false),
        Value::Markup(this) => text::call_markup(state, this, name, args),
        Value::Bytes(this) => bytes::call(state, this, name, args),
        Value::List(this) => collections::list(state, this, name, args),
        Value::Dict(this) => collections::dict(state, this, name, args),
        Value::Set(this) => collections::set(state, this, name, args),
        Value::Tuple(this) => collections::sequence(state, "tuple", this.items(), name, &args),
        Value::Range(_) => {
            let items = receiver.to_items(state)?;
            collections::sequence(state, "range", &items, name, &args)
        }
        Value::View(_) => collections::view(state, receiver, name, &args),
        Value::Int(_) | Value::Big(_) | Value::Bool(_) => numbers::int(receiver, name, &args),
        Value::Float(number) => numbers::float(*number, name, &args),
        receiver => Err(no_method(receiver, name)),
    }
}

fn no_method(receiver: &Value, name: &str) -> Error {
    let type_name = quote(receiver.type_name());
    Error::new(ErrorKind::Attribute, format!("{type_name} object has no attribute {}", quote(name)))
}
