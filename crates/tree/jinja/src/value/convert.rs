//! To and from `value::Value`.

use std::sync::Arc;

use foldhash::fast::RandomState;
use num_bigint::BigInt;
use value::Data;

use super::{Dict, DictMap, Key, Value, text};

/// Why a value is no plain data.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToValueError {
    /// It is undefined, or holds something undefined; the text says what.
    #[error("{0}")]
    Undefined(String),
    /// It holds something that is no data.
    #[error("a {0} is not data")]
    NotData(String),
    /// It is nested without end.
    #[error("the data is nested too deeply")]
    TooDeep,
}

/// How deep data may nest.
const DEEPEST: u32 = 400;

/// Spans are dropped; lists and maps become new, mutable lists and dicts; text is shared.
impl From<&value::Value> for Value {
    fn from(value: &value::Value) -> Self {
        from_data(&value.data, DEEPEST)
    }
}

/// Spans are dropped; lists and maps become new, mutable lists and dicts; text is shared.
impl From<value::Value> for Value {
    fn from(value: value::Value) -> Self {
        Self::from(&value)
    }
}

/// Data nested deeper than any loader allows is cut off with `None`.
fn from_data(data: &Data, depth: u32) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::None };
    match data {
        Data::Null => Value::None,
        Data::Bool(flag) => Value::Bool(*flag),
        Data::Int(number) => Value::Int(*number),
        Data::Big(number) => Value::Big(number.clone()),
        Data::Float(number) => Value::Float(*number),
        Data::Str(text) => Value::Str(text.clone()),
        Data::Bytes(bytes) => Value::Bytes(bytes.clone()),
        Data::List(items) => Value::list(items.iter().map(|item| from_data(&item.data, depth)).collect()),
        Data::Map(map) => {
            let mut entries = DictMap::with_capacity_and_hasher(map.len(), RandomState::default());
            for (key, value) in map.iter() {
                if let Ok(key) = Key::new(from_key(key, depth)) {
                    entries.insert(key, from_data(&value.data, depth));
                }
            }
            Value::Dict(Dict::from_map(entries))
        }
    }
}

fn from_key(key: &value::Key, depth: u32) -> Value {
    let Some(depth) = depth.checked_sub(1) else { return Value::None };
    match key {
        value::Key::Null => Value::None,
        value::Key::Bool(flag) => Value::Bool(*flag),
        value::Key::Int(number) => Value::Int(*number),
        value::Key::Float(number) => Value::Float(*number),
        value::Key::Str(text) => Value::Str(text.clone()),
        value::Key::List(keys) => Value::tuple(keys.iter().map(|key| from_key(key, depth)).collect()),
    }
}

impl Value {
    /// The value as plain data: tuples, sets, ranges and views become lists, modules their text.
    /// Undefined values, functions and iterators are errors.
    pub fn to_data(&self) -> Result<value::Value, ToValueError> {
        to_data(self, DEEPEST)
    }
}

impl TryFrom<&Value> for value::Value {
    type Error = ToValueError;

    fn try_from(value: &Value) -> Result<Self, ToValueError> {
        value.to_data()
    }
}

fn to_data(value: &Value, depth: u32) -> Result<value::Value, ToValueError> {
    let depth = depth.checked_sub(1).ok_or(ToValueError::TooDeep)?;
    let list = |items: &[Value]| -> Result<value::Value, ToValueError> {
        let items: Result<Vec<_>, _> = items.iter().map(|item| to_data(item, depth)).collect();
        Ok(Data::List(items?).into())
    };
    Ok(match value {
        Value::Undefined(undefined) => {
            return Err(ToValueError::Undefined(undefined.error().message().to_string()));
        }
        Value::None => value::Value::NULL,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Big(number) => Data::Big(number.clone()).into(),
        Value::Float(number) => (*number).into(),
        Value::Str(text) | Value::Markup(text) => text.clone().into(),
        Value::Bytes(bytes) => Data::Bytes(bytes.clone()).into(),
        Value::Tuple(tuple) => list(tuple.items())?,
        Value::List(items) => list(&items.to_vec())?,
        Value::Set(set) => list(&set.to_vec())?,
        Value::View(view) => list(&view.to_vec())?,
        Value::Range(range) => {
            (0..range.len()).filter_map(|index| range.get(index)).collect::<value::Value>()
        }
        Value::Dict(dict) => {
            let mut map = value::Map::new();
            for (key, value) in dict.to_pairs() {
                map.insert(to_key(&key, depth)?, to_data(&value, depth)?);
            }
            map.into()
        }
        Value::Special(special) => match &**special {
            super::Special::Module(_) => {
                let text = text::to_text(value).map_err(|error| not_data(error.message()))?;
                text.into()
            }
            _ => return Err(not_data(value.type_name())),
        },
        Value::Object(object) => match object.to_data() {
            Some(data) if !matches!(data, Value::Object(_)) => to_data(&data, depth)?,
            _ => return Err(not_data(value.type_name())),
        },
        Value::Iterator(_) => return Err(not_data(value.type_name())),
    })
}

fn not_data(name: &str) -> ToValueError {
    ToValueError::NotData(name.to_string())
}

fn to_key(key: &Value, depth: u32) -> Result<value::Key, ToValueError> {
    let depth = depth.checked_sub(1).ok_or(ToValueError::TooDeep)?;
    Ok(match key {
        Value::None => value::Key::Null,
        Value::Bool(flag) => (*flag).into(),
        Value::Int(number) => (*number).into(),
        Value::Float(number) => value::Key::Float(*number),
        Value::Str(text) | Value::Markup(text) => text.clone().into(),
        Value::Tuple(tuple) => {
            let keys: Result<Vec<_>, _> = tuple.items().iter().map(|key| to_key(key, depth)).collect();
            value::Key::List(keys?)
        }
        key => text::repr(key).map_err(|error| not_data(error.message()))?.into(),
    })
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        i64::try_from(number).map_or_else(|_| Self::big(BigInt::from(number)), Self::Int)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Str(text)
    }
}

impl From<Dict> for Value {
    fn from(dict: Dict) -> Self {
        Self::Dict(dict)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::list(items)
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}
