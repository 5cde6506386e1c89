//! The value tree itself.

use std::fmt;
use std::sync::Arc;

use num_bigint::BigInt;

use crate::{Map, Span};

/// One node: data, and where it was written.
#[derive(Clone, Debug, Default)]
pub struct Value {
    /// What it is.
    pub data: Data,
    /// Where it was written; [`Span::NONE`] when code made it.
    pub span: Span,
}

/// What a node can be.
#[derive(Clone, Debug, Default)]
pub enum Data {
    /// Nothing.
    #[default]
    Null,
    /// A truth value.
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// An integer that does not.
    Big(Arc<BigInt>),
    /// A float.
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// Bytes that are not text (`!!binary`, a function's answer).
    Bytes(Arc<[u8]>),
    /// A sequence.
    List(Vec<Value>),
    /// A mapping.
    Map(Map),
}

impl Value {
    /// Nothing.
    pub const NULL: Self = Self { data: Data::Null, span: Span::NONE };

    /// The same data, written at `span`.
    pub fn at(mut self, span: Span) -> Self {
        self.span = span;
        self
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        matches!(self.data, Data::Null)
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.data {
            Data::Bool(flag) => Some(flag),
            _ => None,
        }
    }

    /// The integer, if it is one that fits 64 bits.
    pub fn as_int(&self) -> Option<i64> {
        match self.data {
            Data::Int(number) => Some(number),
            _ => None,
        }
    }

    /// The number, if it is one.
    pub fn as_float(&self) -> Option<f64> {
        match self.data {
            Data::Float(number) => Some(number),
            Data::Int(number) => Some(number as f64),
            _ => None,
        }
    }

    /// The text, if it is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.data {
            Data::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The items, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match &self.data {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    /// The items, if it is a list, to change them.
    pub fn as_list_mut(&mut self) -> Option<&mut Vec<Value>> {
        match &mut self.data {
            Data::List(items) => Some(items),
            _ => None,
        }
    }

    /// The map, if it is one.
    pub fn as_map(&self) -> Option<&Map> {
        match &self.data {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The map, if it is one, to change it.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.data {
            Data::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The value under a text key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_map()?.get(key)
    }

    /// The value at a path of keys joined by `delimiter`; list items by number or, as Salt's
    /// `traverse_dict_and_list` does, by the first list item that is a map with the key.
    pub fn traverse(&self, path: &str, delimiter: &str) -> Option<&Value> {
        let mut here = self;
        for step in path.split(delimiter) {
            here = match &here.data {
                Data::Map(map) => map.get(step).or_else(|| {
                    let number = step.parse::<i64>().ok()?;
                    map.get_key(&number.into())
                })?,
                Data::List(items) => match step.parse::<usize>() {
                    Ok(index) => items.get(index)?,
                    Err(_) => items.iter().find_map(|item| item.get(step))?,
                },
                _ => return None,
            };
        }
        Some(here)
    }

    /// Truth as Python sees it: empty, zero and null are false.
    pub fn is_truthy(&self) -> bool {
        match &self.data {
            Data::Null => false,
            Data::Bool(flag) => *flag,
            Data::Int(number) => *number != 0,
            Data::Big(_) => true,
            Data::Float(number) => *number != 0.0,
            Data::Str(text) => !text.is_empty(),
            Data::Bytes(bytes) => !bytes.is_empty(),
            Data::List(items) => !items.is_empty(),
            Data::Map(map) => !map.is_empty(),
        }
    }

    /// What a person would call it: `a list`, `text`, `an integer`…
    pub fn kind(&self) -> &'static str {
        match self.data {
            Data::Null => "nothing (null)",
            Data::Bool(_) => "a boolean",
            Data::Int(_) | Data::Big(_) => "an integer",
            Data::Float(_) => "a float",
            Data::Str(_) => "text",
            Data::Bytes(_) => "bytes",
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.data == other.data
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Big(a), Self::Big(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

/// Scalars as Python's `str()` prints them; lists and maps as JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Data::Null => f.write_str("None"),
            Data::Bool(true) => f.write_str("True"),
            Data::Bool(false) => f.write_str("False"),
            Data::Int(number) => write!(f, "{number}"),
            Data::Big(number) => write!(f, "{number}"),
            Data::Float(number) => f.write_str(&float_text(*number)),
            Data::Str(text) => f.write_str(text),
            Data::Bytes(bytes) => f.write_str(&String::from_utf8_lossy(bytes)),
            Data::List(_) | Data::Map(_) => f.write_str(&crate::json::to_text(self)),
        }
    }
}

/// A float as Python's `repr()` prints it: shortest digits that read back the same, exponent
/// form below 1e-4 and from 1e16 on.
pub fn float_text(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let magnitude = number.abs();
    if number == 0.0 || (1e-4..1e16).contains(&magnitude) {
        let text = number.to_string();
        return if text.contains('.') { text } else { text + ".0" };
    }
    let text = format!("{number:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => {
            let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
            format!("{digits}e{sign}{size:0>2}")
        }
        None => text,
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Data::Bool(flag).into()
    }
}

macro_rules! from_integer {
    ($($small:ty),*) => {$(
        impl From<$small> for Value {
            fn from(number: $small) -> Self {
                Data::Int(i64::from(number)).into()
            }
        }
    )*};
}
from_integer!(i64, i32, u32, u16, u8);

/// Values beyond 63 bits become [`Data::Big`].
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or_else(|_| BigInt::from(number).into(), Self::from)
    }
}

/// Values beyond 63 bits become [`Data::Big`].
impl From<usize> for Value {
    fn from(number: usize) -> Self {
        (number as u64).into()
    }
}

/// Integers that fit 64 bits become [`Data::Int`].
impl From<BigInt> for Value {
    fn from(number: BigInt) -> Self {
        match i64::try_from(&number) {
            Ok(small) => Data::Int(small).into(),
            Err(_) => Data::Big(number.into()).into(),
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Data::Float(number).into()
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Data::Str(text.into()).into()
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Data::Str(text.into()).into()
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Data::Str(text).into()
    }
}

impl From<Map> for Value {
    fn from(map: Map) -> Self {
        Data::Map(map).into()
    }
}

impl<V: Into<Value>> From<Vec<V>> for Value {
    fn from(items: Vec<V>) -> Self {
        Data::List(items.into_iter().map(Into::into).collect()).into()
    }
}

impl<V: Into<Value>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::NULL, Into::into)
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        Self { data, span: Span::NONE }
    }
}

impl<V: Into<Value>> FromIterator<V> for Value {
    fn from_iter<I: IntoIterator<Item = V>>(items: I) -> Self {
        Data::List(items.into_iter().map(Into::into).collect()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_print_as_python_prints_them() {
        let cases = [
            (1.0, "1.0"),
            (1500.0, "1500.0"),
            (1e16, "1e+16"),
            (1e100, "1e+100"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.5e-7, "1.5e-07"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (number, text) in cases {
            assert_eq!(float_text(number), text);
        }
    }

    #[test]
    fn traverse_goes_through_maps_and_lists() {
        let tree = crate::json::from_text(r#"{"a":{"b":[{"c":1},{"d":2}]}}"#).unwrap();
        assert_eq!(tree.traverse("a:b:0:c", ":"), Some(&Value::from(1i64)));
        assert_eq!(tree.traverse("a:b:d", ":"), Some(&Value::from(2i64)));
        assert_eq!(tree.traverse("a:x", ":"), None);
    }
}
