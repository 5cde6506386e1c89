//! The shapes that arguments come in, read as forgivingly as Salt reads them and no more.

use value::{Data, Map, Value};

use crate::arguments::{Argument, Mismatch};

/// Text; numbers and booleans are taken as their text (`user: 0`, `version: 1.10`).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnyText(pub String);

/// Permission bits, or the wish to keep those of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Bits, `0..=0o7777`.
    Bits(u32),
    /// `keep`: as the file in the tree has it.
    Keep,
}

/// A list of names; a single name is a list of one. Items that are maps give their keys with the value
/// beside (`pkgs: [nginx: 1.2]`).
pub type Names = Vec<(String, Option<String>)>;

/// Lines of text: one text, or a list whose items are joined with line ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(pub Vec<String>);

/// All positional arguments that are left.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rest(pub Vec<Value>);

impl AnyText {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AnyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for AnyText {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Lines {
    /// The lines as one text, joined by line ends.
    pub fn text(&self) -> String {
        self.0.join("\n")
    }
}

/// Null counts as absent, as it does in Salt.
impl<T: Argument> Argument for Option<T> {
    const SHAPE: &'static str = T::SHAPE;
    const EXAMPLE: &'static str = T::EXAMPLE;
    const REQUIRED: bool = false;

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        if value.is_null() { Ok(None) } else { T::from_value(value).map(Some) }
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// Scalars only: a list or map here is a mistake in the tree.
impl Argument for String {
    const SHAPE: &'static str = "text";
    const EXAMPLE: &'static str = "TEXT";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        AnyText::from_value(value).map(|text| text.0)
    }
}

impl Argument for AnyText {
    const SHAPE: &'static str = "text";
    const EXAMPLE: &'static str = "TEXT";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match &value.data {
            Data::Str(text) => Ok(Self(text.to_string())),
            Data::Int(_) | Data::Big(_) | Data::Float(_) | Data::Bool(_) => Ok(Self(value.to_string())),
            _ => Err(Mismatch::new("text", value)),
        }
    }
}

/// Booleans, and the words YAML 1.1 has for them when quoted; numbers by being zero or not.
impl Argument for bool {
    const SHAPE: &'static str = "boolean";
    const EXAMPLE: &'static str = "True";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match &value.data {
            Data::Bool(flag) => Ok(*flag),
            Data::Int(number) => Ok(*number != 0),
            Data::Null => Ok(false),
            Data::Str(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Ok(true),
                "false" | "no" | "off" | "0" | "" => Ok(false),
                _ => Err(Mismatch::new("a boolean", value)),
            },
            _ => Err(Mismatch::new("a boolean", value)),
        }
    }
}

impl Argument for i64 {
    const SHAPE: &'static str = "integer";
    const EXAMPLE: &'static str = "5";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        let number = match &value.data {
            Data::Int(number) => Some(*number),
            Data::Str(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| Mismatch::new("an integer", value))
    }
}

impl Argument for f64 {
    const SHAPE: &'static str = "number";
    const EXAMPLE: &'static str = "0.5";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        let number = value.as_float().or_else(|| value.as_str()?.trim().parse().ok());
        number.ok_or_else(|| Mismatch::new("a number", value))
    }
}

impl Argument for Value {
    const SHAPE: &'static str = "anything";
    const EXAMPLE: &'static str = "VALUE";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        Ok(value.clone())
    }
}

/// A mapping; a list of one-key mappings is read as one, since SLS files write arguments that way.
impl Argument for Map {
    const SHAPE: &'static str = "mapping";
    const EXAMPLE: &'static str = "{NAME: VALUE}";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match &value.data {
            Data::Map(map) => Ok(map.clone()),
            Data::List(items) => {
                let mut joined = Map::new();
                for item in items {
                    let map = item.as_map().ok_or_else(|| Mismatch::new("a mapping", value))?;
                    for (key, entry) in map.entries() {
                        joined.insert_at(key.clone(), entry.key_span, entry.value.clone());
                    }
                }
                Ok(joined)
            }
            _ => Err(Mismatch::new("a mapping", value)),
        }
    }
}

impl Argument for Vec<String> {
    const SHAPE: &'static str = "list of text";
    const EXAMPLE: &'static str = "[ONE, TWO]";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match &value.data {
            Data::List(items) => items.iter().map(String::from_value).collect(),
            Data::Null => Ok(Vec::new()),
            _ => String::from_value(value).map(|one| vec![one]),
        }
    }
}

impl Argument for Vec<Value> {
    const SHAPE: &'static str = "list";
    const EXAMPLE: &'static str = "[ONE, TWO]";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match &value.data {
            Data::List(items) => Ok(items.clone()),
            Data::Null => Ok(Vec::new()),
            _ => Ok(vec![value.clone()]),
        }
    }
}

impl Argument for Names {
    const SHAPE: &'static str = "list of names, each alone or as `name: value`";
    const EXAMPLE: &'static str = "[ONE, TWO]";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        let items = match &value.data {
            Data::List(items) => items.as_slice(),
            Data::Null => &[],
            _ => std::slice::from_ref(value),
        };
        let mut names = Self::new();
        for item in items {
            match item.as_map() {
                Some(map) => {
                    for (key, beside) in map.iter() {
                        names.push((key.to_string(), Option::<String>::from_value(beside)?));
                    }
                }
                None => names.push((String::from_value(item)?, None)),
            }
        }
        Ok(names)
    }
}

impl Argument for Lines {
    const SHAPE: &'static str = "text, or list of lines";
    const EXAMPLE: &'static str = "TEXT";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        match &value.data {
            Data::List(items) => items.iter().map(String::from_value).collect::<Result<_, _>>().map(Self),
            Data::Null => Ok(Self::default()),
            Data::Map(_) => Err(Mismatch::new("text, or a list of lines", value)),
            _ => String::from_value(value).map(|text| Self(vec![text])),
        }
    }
}

impl Argument for Rest {
    const SHAPE: &'static str = "further values";
    const EXAMPLE: &'static str = "VALUE";
    const TAKES_REST: bool = true;
    const REQUIRED: bool = false;

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        Vec::from_value(value).map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self::default())
    }
}

/// Octal digits as text (`'0644'`, `644`) or as the number that YAML makes of them: Salt strips leading
/// zeros, so the *decimal* digits of the number are read as octal. `0o755` is accepted too.
impl Argument for Mode {
    const SHAPE: &'static str = "permission bits in octal, or `keep`";
    const EXAMPLE: &'static str = "'0644'";

    fn from_value(value: &Value) -> Result<Self, Mismatch> {
        let wrong = || Mismatch::new("permission bits in octal, such as '0644'", value);
        let text = match &value.data {
            Data::Str(text) if &**text == "keep" => return Ok(Self::Keep),
            Data::Str(text) => text.to_string(),
            Data::Int(number) => number.to_string(),
            _ => return Err(wrong()),
        };
        let digits = text.trim().trim_start_matches("0o");
        match u32::from_str_radix(digits, 8) {
            Ok(bits) if bits <= 0o7777 => Ok(Self::Bits(bits)),
            _ => Err(wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_however_they_are_written() {
        for (value, bits) in [
            (Value::from(644i64), 0o644),
            ("0644".into(), 0o644),
            ("0o755".into(), 0o755),
            (4755i64.into(), 0o4755),
        ] {
            assert_eq!(Mode::from_value(&value), Ok(Mode::Bits(bits)));
        }
        for wrong in [Value::from(-1i64), 888i64.into(), "rw".into(), 77777i64.into(), Value::from(1.5)] {
            assert!(Mode::from_value(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn names_take_one_many_and_pairs() {
        let value = value::json::from_text(r#"["a", {"b": "1.2"}, {"c": null}]"#).unwrap();
        let expected = vec![("a".into(), None), ("b".into(), Some("1.2".into())), ("c".into(), None)];
        assert_eq!(Names::from_value(&value), Ok(expected));
        assert_eq!(Names::from_value(&"x".into()), Ok(vec![("x".into(), None)]));
    }
}
