//! Jinja's own filters, tests and global functions.

mod filters_html;
mod filters_json;
mod filters_number;
mod filters_select;
mod filters_sequence;
mod filters_text;
mod globals;
mod pretty;
mod sorting;
mod tests;
mod wrap;

use crate::{Args, Environment, Error, ErrorKind, Signature, State, Value};

pub(crate) use filters_html::strip_tags;
pub(crate) use sorting::sort_values;

/// Adds everything to a new environment.
pub(crate) fn register(environment: &mut Environment) {
    filters_text::register(environment);
    filters_number::register(environment);
    filters_sequence::register(environment);
    filters_select::register(environment);
    filters_html::register(environment);
    filters_json::register(environment);
    tests::register(environment);
    globals::register(environment);
}

/// An argument that a filter has to be given.
fn required(value: Option<Value>) -> Value {
    value.unwrap_or(Value::None)
}

/// An optional argument taken for true or false.
fn flag(value: Option<Value>) -> Result<bool, Error> {
    value.map_or(Ok(false), |value| value.is_true())
}

/// An optional argument that is an integer.
fn integer(value: Option<&Value>, default: i64) -> Result<i64, Error> {
    match value {
        None => Ok(default),
        Some(Value::Undefined(undefined)) => Err(undefined.error()),
        Some(value) => value.as_int().ok_or_else(|| {
            Error::type_error(format!("'{}' object cannot be interpreted as an integer", value.type_name()))
        }),
    }
}

/// The input of a filter without other arguments.
fn only_input(args: Args, name: &'static str, parameter: &'static [&'static str]) -> Result<Value, Error> {
    let [input] = args.bind(&Signature::new(name, parameter, 1))?;
    Ok(required(input))
}

/// What Python says of a method that a value does not have.
fn no_attribute(value: &Value, name: &str) -> Error {
    match value {
        Value::Undefined(undefined) => undefined.error(),
        value => Error::new(
            ErrorKind::Attribute,
            format!("'{}' object has no attribute '{name}'", value.type_name()),
        ),
    }
}

/// A value's text, where Python would call `str()` on it.
fn soft_text(state: &mut State<'_>, value: &Value) -> Result<std::sync::Arc<str>, Error> {
    state.text(value)
}

/// Text of the same kind as the input: `Markup` stays `Markup`.
fn like(input: &Value, text: impl Into<std::sync::Arc<str>>) -> Value {
    match input {
        Value::Markup(_) => Value::Markup(text.into()),
        _ => Value::Str(text.into()),
    }
}
