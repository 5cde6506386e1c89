//! Map keys.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hashbrown::Equivalent;

/// What may stand left of a colon: a scalar, or (rarely) a list of scalars.
///
/// Two keys are equal when their type and content are; the loaders that follow Python's rule
/// (`1 == 1.0 == True`) check that themselves before they insert.
#[derive(Clone, Debug)]
pub enum Key {
    /// `~`, `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// An integer that fits 64 bits.
    Int(i64),
    /// A float, compared by its bits.
    Float(f64),
    /// Text: what nearly every key is.
    Str(Arc<str>),
    /// A sequence used as a key.
    List(Vec<Key>),
}

impl Key {
    /// The text, when the key is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }
}

/// As Python's `str()` prints it.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Float(number) => f.write_str(&crate::tree::float_text(*number)),
            Self::Str(text) => f.write_str(text),
            Self::List(keys) => {
                f.write_str("(")?;
                for (i, key) in keys.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{key}")?;
                }
                f.write_str(")")
            }
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Key {}

/// Text hashes exactly as `str` does, so that a map can be asked with a `&str`.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Null => state.write_u8(1),
            Self::Bool(flag) => (2u8, flag).hash(state),
            Self::Int(number) => (3u8, number).hash(state),
            Self::Float(number) => (4u8, number.to_bits()).hash(state),
            Self::Str(text) => text.hash(state),
            Self::List(keys) => (5u8, keys).hash(state),
        }
    }
}

impl Equivalent<Key> for str {
    fn equivalent(&self, key: &Key) -> bool {
        key.as_str() == Some(self)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Str(text.into())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self::Str(text.into())
    }
}

impl From<Arc<str>> for Key {
    fn from(text: Arc<str>) -> Self {
        Self::Str(text)
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Key {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}
