//! Values that the embedder brings.

use std::any::Any;
use std::sync::Arc;

use super::Value;
use crate::{Args, Error, State};

/// An object of the embedder's: `salt`, `opts`, a lazily computed pillar.
///
/// Every method has a default that behaves as a plain Python object does.
pub trait Object: Any {
    /// The name of its type, as error texts print it.
    fn type_name(&self) -> &str;

    /// `object.name`; `None` when there is no such attribute (the item is tried next).
    fn attribute(&self, state: &mut State<'_>, name: &str) -> Result<Option<Value>, Error> {
        let _ = (state, name);
        Ok(None)
    }

    /// `object[key]`; `None` when there is no such item (the attribute is tried next).
    fn item(&self, state: &mut State<'_>, key: &Value) -> Result<Option<Value>, Error> {
        let _ = (state, key);
        Ok(None)
    }

    /// `object.name(...)`; `None` when it has no such method: then attribute and item are looked up
    /// and the answer is called.
    fn call_method(&self, state: &mut State<'_>, name: &str, args: &Args) -> Result<Option<Value>, Error> {
        let _ = (state, name, args);
        Ok(None)
    }

    /// Whether `object(...)` works.
    fn is_callable(&self) -> bool {
        false
    }

    /// `object(...)`
    fn call(&self, state: &mut State<'_>, args: Args) -> Result<Value, Error> {
        let _ = (state, args);
        Err(Error::type_error(format!("'{}' object is not callable", self.type_name())))
    }

    /// `key in object`; `None` when it cannot be asked.
    fn contains(&self, state: &mut State<'_>, key: &Value) -> Result<Option<bool>, Error> {
        let _ = (state, key);
        Ok(None)
    }

    /// Its items, for `for`; `None` when it cannot be iterated.
    fn iterate(&self, state: &mut State<'_>) -> Result<Option<Vec<Value>>, Error> {
        let _ = state;
        Ok(None)
    }

    /// `len(object)`; `None` when it has none.
    fn length(&self) -> Option<usize> {
        None
    }

    /// `bool(object)`
    fn is_true(&self) -> bool {
        self.length() != Some(0)
    }

    /// Whether it is a mapping (`is mapping`).
    fn is_mapping(&self) -> bool {
        false
    }

    /// `repr(object)`
    fn repr(&self) -> String {
        format!("<{} object>", self.type_name())
    }

    /// `str(object)`
    fn text(&self) -> String {
        self.repr()
    }

    /// What it is as plain data, for conversion to `value::Value`; `None` when it is none.
    fn to_data(&self) -> Option<Value> {
        None
    }

    /// Attribute names, to suggest one after a typing mistake.
    fn known_attributes(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

impl dyn Object {
    /// The object as its own type.
    pub fn downcast_ref<T: Object>(&self) -> Option<&T> {
        (self as &dyn Any).downcast_ref()
    }
}
