//! Undefined values and their texts.

use std::rc::Rc;
use std::sync::Arc;

use super::Value;
use super::text::{quote, repr_short};
use crate::{Error, ErrorKind};

/// A value that is not there. Strict ones may only be asked whether they are defined; lenient ones
/// print as nothing.
#[derive(Clone)]
pub struct Undefined(Rc<Inner>);

struct Inner {
    kind: UndefinedKind,
    strict: bool,
}

/// Why it is not there.
pub enum UndefinedKind {
    /// Nothing defines the name.
    Name(Arc<str>),
    /// The object has no such attribute or key.
    Attribute {
        /// What was asked.
        object: Value,
        /// For what.
        name: Arc<str>,
    },
    /// The object has no such element (a key or index that is not text).
    Element {
        /// What was asked.
        object: Value,
        /// For what.
        index: Value,
    },
    /// Told in words.
    Hint {
        /// The words.
        text: String,
        /// What may have been meant.
        near: Option<Arc<str>>,
    },
    /// The sandbox forbids the attribute.
    Unsafe {
        /// The type of what was asked.
        type_name: String,
        /// For what.
        name: Arc<str>,
    },
}

impl Undefined {
    /// A strict undefined value.
    pub fn new(kind: UndefinedKind) -> Self {
        Self(Rc::new(Inner { kind, strict: true }))
    }

    /// One that prints as nothing: an inline `if` without `else`.
    pub fn lenient(kind: UndefinedKind) -> Self {
        Self(Rc::new(Inner { kind, strict: false }))
    }

    /// Strict or lenient.
    pub fn with_strictness(kind: UndefinedKind, strict: bool) -> Self {
        Self(Rc::new(Inner { kind, strict }))
    }

    /// Whether every use but a test for existence fails.
    pub fn is_strict(&self) -> bool {
        self.0.strict
    }

    /// Why it is not there.
    pub fn kind(&self) -> &UndefinedKind {
        &self.0.kind
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn type_name(&self) -> &'static str {
        if self.0.strict { "StrictUndefined" } else { "Undefined" }
    }

    /// An error when strict.
    pub fn require_lenient(&self) -> Result<(), Error> {
        if self.0.strict { Err(self.error()) } else { Ok(()) }
    }

    /// The error that using it raises.
    pub fn error(&self) -> Error {
        match &self.0.kind {
            UndefinedKind::Name(name) => {
                Error::new(ErrorKind::Undefined, format!("{} is undefined", quote(name))).about(name)
            }
            UndefinedKind::Attribute { object, name } => Error::new(
                ErrorKind::Undefined,
                format!("{} has no attribute {}", quote(&object_repr(object)), quote(name)),
            )
            .did_you_mean(name, known_attributes(object).iter().map(|known| &**known))
            .or_hint(instead_of(object, name)),
            UndefinedKind::Element { object, index } => Error::new(
                ErrorKind::Undefined,
                format!("{} has no element {}", object_repr(object), repr_short(index)),
            ),
            UndefinedKind::Hint { text, near } => {
                let error = Error::new(ErrorKind::Undefined, text.clone());
                near.iter().fold(error, |error, near| error.hint(format!("did you mean `{near}`?")))
            }
            UndefinedKind::Unsafe { type_name, name } => Error::new(
                ErrorKind::Security,
                format!("access to attribute {} of {} object is unsafe.", quote(name), quote(type_name)),
            ),
        }
    }
}

/// How Jinja names an object in a message: `dict object`, `None`.
fn object_repr(object: &Value) -> String {
    match object {
        Value::None => "None".into(),
        Value::Markup(_) => "markupsafe.Markup object".into(),
        Value::Undefined(undefined) => format!("jinja2.runtime.{} object", undefined.type_name()),
        Value::Special(special) => format!("{} object", special.qualified_type_name()),
        object => format!("{} object", object.type_name()),
    }
}

/// What to write instead of asking for an attribute that is not there and like none that is.
fn instead_of(object: &Value, name: &str) -> String {
    const SHOWN: usize = 8;
    match object {
        Value::Dict(_) => {
            let known = known_attributes(object);
            let shown: Vec<String> = known.iter().take(SHOWN).map(|known| format!("`{known}`")).collect();
            let has = match known.len() {
                0 => "the mapping is empty".to_string(),
                count if count > SHOWN => format!("it has {} and {} more", shown.join(", "), count - SHOWN),
                _ => format!("it has {}", shown.join(", ")),
            };
            format!("{has}; `.get('{name}', …)` says what to use where the key is missing")
        }
        Value::None => "it is none: say what to use instead, `(x or {})`, or ask first, `if x`".into(),
        _ => format!("say what to use without it: `| default('…')`, or ask first: `if x.{name} is defined`"),
    }
}

/// The text keys of a dict, to suggest one.
fn known_attributes(object: &Value) -> Vec<Arc<str>> {
    const MOST: usize = 500;
    match object {
        Value::Dict(dict) => dict.text_keys(MOST),
        Value::Special(special) => special.known_attributes(),
        Value::Object(object) => object.known_attributes(),
        _ => Vec::new(),
    }
}
