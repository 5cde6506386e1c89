//! Hashable values: what may be a dict key or a set member.

use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use indexmap::Equivalent;
use num_bigint::BigInt;
use num_traits::{FromPrimitive, ToPrimitive};

use super::Value;
use crate::Error;

/// A value that is known to be hashable. Equality is Python's: `1 == 1.0 == True`.
#[derive(Clone)]
pub struct Key(Value);

/// A text key to look up without making a [`Key`].
#[derive(Hash)]
pub struct KeyRef<'a>(pub &'a str);

impl Key {
    /// The value as a key; unhashable values are a `TypeError`.
    pub fn new(value: Value) -> Result<Self, Error> {
        const DEEPEST: u32 = 100;
        require_hashable(&value, DEEPEST)?;
        Ok(Self(value))
    }

    /// A text key.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self(Value::Str(text.into()))
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The value.
    pub fn into_value(self) -> Value {
        self.0
    }
}

fn require_hashable(value: &Value, depth: u32) -> Result<(), Error> {
    match value {
        Value::List(_) | Value::Dict(_) | Value::Set(_) => {
            Err(Error::type_error(format!("unhashable type: '{}'", value.type_name())))
        }
        Value::View(view) if !matches!(view.kind, super::ViewKind::Values) => {
            Err(Error::type_error(format!("unhashable type: '{}'", value.type_name())))
        }
        Value::Undefined(undefined) => undefined.require_lenient(),
        Value::Tuple(_) if depth == 0 => {
            Err(Error::other("RecursionError", "maximum recursion depth exceeded"))
        }
        Value::Tuple(tuple) => tuple.items().iter().try_for_each(|item| require_hashable(item, depth - 1)),
        _ => Ok(()),
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.0, state);
    }
}

fn hash<H: Hasher>(value: &Value, state: &mut H) {
    match value {
        Value::Str(text) | Value::Markup(text) => (**text).hash(state),
        Value::Int(number) => number.hash(state),
        Value::Bool(flag) => i64::from(*flag).hash(state),
        Value::Big(number) => number.hash(state),
        Value::Float(number) => hash_float(*number, state),
        Value::None => state.write_u8(1),
        Value::Bytes(bytes) => bytes.hash(state),
        Value::Tuple(tuple) => {
            state.write_usize(tuple.len());
            for item in tuple.items() {
                hash(item, state);
            }
        }
        Value::Range(range) => range.len().hash(state),
        Value::View(view) => Rc::as_ptr(view).hash(state),
        Value::Special(special) => Rc::as_ptr(special).hash(state),
        Value::Object(object) => Rc::as_ptr(object).cast::<()>().hash(state),
        // Unhashable values never get here; undefined and iterators hash by kind alone.
        _ => state.write_u8(2),
    }
}

/// Whole floats hash as the integer they equal.
fn hash_float<H: Hasher>(number: f64, state: &mut H) {
    if number.fract() != 0.0 || !number.is_finite() {
        return number.to_bits().hash(state);
    }
    match number.to_i64() {
        Some(whole) => whole.hash(state),
        None => match BigInt::from_f64(number) {
            Some(big) => big.hash(state),
            None => number.to_bits().hash(state),
        },
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Value::Str(a), Value::Str(b)) => a == b,
            (a, b) => a.is_same(b) || super::compare::equal(a, b).unwrap_or(false),
        }
    }
}

impl Eq for Key {}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        key.0.as_str() == Some(self.0)
    }
}
