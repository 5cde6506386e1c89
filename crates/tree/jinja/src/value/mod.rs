//! Values as Python has them.
//!
//! A [`Value`] is cheap to clone. Lists, dicts and sets are shared and mutable: two clones are the
//! same object, as two Python names are. Text and bytes are shared and immutable, and the text of a
//! `value::Value` is shared with it, not copied.

pub(crate) mod access;
pub(crate) mod arithmetic;
pub(crate) mod compare;
mod containers;
mod convert;
mod iterate;
mod key;
mod object;
mod printable;
pub(crate) use printable::is_printable;
pub(crate) mod release;
pub(crate) mod special;
pub(crate) mod text;
mod undefined;

use std::rc::Rc;
use std::sync::Arc;

use num_bigint::BigInt;
use num_traits::ToPrimitive;

pub use containers::{Dict, DictMap, KeySet, List, Set, Tuple};
pub use convert::ToValueError;
pub(crate) use iterate::Cursor;
pub use iterate::{Generator, Iter, Range, View, ViewKind};
pub use key::{Key, KeyRef};
pub use object::Object;
pub(crate) use special::{BlockReference, Module, Native, RecursiveLoop};
pub use special::{Namespace, Special};
pub use undefined::{Undefined, UndefinedKind};

use crate::Error;

/// A Python value.
#[derive(Clone)]
pub enum Value {
    /// What a missing name or attribute evaluates to.
    Undefined(Undefined),
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// An `int` that fits 64 bits.
    Int(i64),
    /// An `int` that does not; never one that would fit.
    Big(Arc<BigInt>),
    /// A `float`.
    Float(f64),
    /// A `str`.
    Str(Arc<str>),
    /// A `Markup`: text that is already escaped.
    Markup(Arc<str>),
    /// `bytes`
    Bytes(Arc<[u8]>),
    /// A `tuple`.
    Tuple(Tuple),
    /// A `list`: shared, mutable.
    List(List),
    /// A `dict`: shared, mutable, ordered.
    Dict(Dict),
    /// A `set`: shared, mutable.
    Set(Set),
    /// A `range`.
    Range(Rc<Range>),
    /// `dict.keys()`, `.values()`, `.items()`
    View(Rc<View>),
    /// A generator or iterator: gives its items once.
    Iterator(Iter),
    /// What the language itself makes: macros, modules, namespaces, loops, bound methods.
    Special(Rc<Special>),
    /// What the embedder brings.
    Object(Rc<dyn Object>),
}

impl Value {
    /// A list of the given items.
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(List::new(items))
    }

    /// A tuple of the given items.
    pub fn tuple(items: Vec<Value>) -> Self {
        Self::Tuple(Tuple::new(items))
    }

    /// A value of the embedder's.
    pub fn object(object: impl Object) -> Self {
        Self::Object(Rc::new(object))
    }

    /// A function: callable with positional and keyword arguments.
    pub fn function(
        name: impl Into<Arc<str>>,
        function: impl Fn(&mut crate::State<'_>, crate::Args) -> Result<Value, Error> + 'static,
    ) -> Self {
        Self::Special(Rc::new(Special::Native(Native { name: name.into(), function: Rc::new(function) })))
    }

    /// An integer of any size.
    pub fn big(number: BigInt) -> Self {
        match number.to_i64() {
            Some(small) => Self::Int(small),
            None => Self::Big(Arc::new(number)),
        }
    }

    /// The undefined value a name evaluates to that nothing defines.
    pub fn undefined(name: &str) -> Self {
        Self::Undefined(Undefined::new(UndefinedKind::Name(name.into())))
    }

    /// The text of a `str` or `Markup`.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) | Self::Markup(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an `int` or `bool` that fits 64 bits.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(flag) => Some(i64::from(*flag)),
            _ => None,
        }
    }

    /// The number of an `int`, `bool` or `float`.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            Self::Int(number) => Some(*number as f64),
            Self::Bool(flag) => Some(f64::from(u8::from(*flag))),
            Self::Big(number) => number.to_f64(),
            _ => None,
        }
    }

    /// The list, if it is one.
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The dict, if it is one.
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// Whether it is `None`.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether it is undefined.
    pub fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined(_))
    }

    /// Whether it can be called.
    pub fn is_callable(&self) -> bool {
        match self {
            Self::Special(special) => special.is_callable(),
            Self::Object(object) => object.is_callable(),
            _ => false,
        }
    }

    /// Whether it is a mapping (`is mapping`).
    pub fn is_mapping(&self) -> bool {
        match self {
            Self::Dict(_) => true,
            Self::Object(object) => object.is_mapping(),
            _ => false,
        }
    }

    /// Python's `bool()`. Asking a strict undefined value is an error.
    pub fn is_true(&self) -> Result<bool, Error> {
        Ok(match self {
            Self::Undefined(undefined) => {
                undefined.require_lenient()?;
                false
            }
            Self::None => false,
            Self::Bool(flag) => *flag,
            Self::Int(number) => *number != 0,
            Self::Big(_) => true,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) | Self::Markup(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::Tuple(tuple) => !tuple.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Dict(dict) => !dict.is_empty(),
            Self::Set(set) => !set.is_empty(),
            Self::Range(range) => !range.is_empty(),
            Self::View(view) => !view.dict.is_empty(),
            Self::Iterator(_) => true,
            Self::Special(_) => true,
            Self::Object(object) => object.is_true(),
        })
    }

    /// The name of its Python type, as error texts print it.
    pub fn type_name(&self) -> &str {
        match self {
            Self::Undefined(undefined) => undefined.type_name(),
            Self::None => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) | Self::Big(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Markup(_) => "Markup",
            Self::Bytes(_) => "bytes",
            Self::Tuple(_) => "tuple",
            Self::List(_) => "list",
            Self::Dict(_) => "dict",
            Self::Set(_) => "set",
            Self::Range(_) => "range",
            Self::View(view) => view.kind.type_name(),
            Self::Iterator(iter) => iter.type_name(),
            Self::Special(special) => special.type_name(),
            Self::Object(object) => object.type_name(),
        }
    }

    /// Python's `len()`; `None` for what has no length.
    pub fn length(&self) -> Result<Option<usize>, Error> {
        Ok(Some(match self {
            Self::Undefined(undefined) => {
                undefined.require_lenient()?;
                0
            }
            Self::Str(text) | Self::Markup(text) => text::count_characters(text),
            Self::Bytes(bytes) => bytes.len(),
            Self::Tuple(tuple) => tuple.len(),
            Self::List(list) => list.len(),
            Self::Dict(dict) => dict.len(),
            Self::Set(set) => set.len(),
            Self::Range(range) => usize::try_from(range.len()).unwrap_or(usize::MAX),
            Self::View(view) => view.dict.len(),
            Self::Object(object) => return Ok(object.length()),
            _ => return Ok(None),
        }))
    }

    /// Python's `==`. A strict undefined value is an error.
    pub fn equals(&self, other: &Value) -> Result<bool, Error> {
        compare::equal(self, other)
    }

    /// Python's `<`. Values of types that have no common order are a `TypeError`.
    pub fn is_less_than(&self, other: &Value) -> Result<bool, Error> {
        compare::ordered(self, other, compare::Order::Less)
    }

    /// Python's `is`: the same object, or the same small value.
    pub fn is_same(&self, other: &Value) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Big(a), Self::Big(b)) => Arc::ptr_eq(a, b),
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Str(a), Self::Str(b)) | (Self::Markup(a), Self::Markup(b)) => Arc::ptr_eq(a, b) || a == b,
            (Self::Bytes(a), Self::Bytes(b)) => Arc::ptr_eq(a, b),
            (Self::Tuple(a), Self::Tuple(b)) => a.is_same(b) || (a.is_empty() && b.is_empty()),
            (Self::List(a), Self::List(b)) => a.is_same(b),
            (Self::Dict(a), Self::Dict(b)) => a.is_same(b),
            (Self::Set(a), Self::Set(b)) => a.is_same(b),
            (Self::Range(a), Self::Range(b)) => Rc::ptr_eq(a, b),
            (Self::View(a), Self::View(b)) => Rc::ptr_eq(a, b),
            (Self::Iterator(a), Self::Iterator(b)) => a.is_same(b),
            (Self::Special(a), Self::Special(b)) => Rc::ptr_eq(a, b),
            (Self::Object(a), Self::Object(b)) => std::ptr::addr_eq(Rc::as_ptr(a), Rc::as_ptr(b)),
            (Self::Undefined(a), Self::Undefined(b)) => a.is_same(b),
            _ => false,
        }
    }
}

/// As Python's `repr()`; what has no text (nesting too deep) as `...`.
impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&text::repr(self).unwrap_or_else(|_| "...".into()))
    }
}
