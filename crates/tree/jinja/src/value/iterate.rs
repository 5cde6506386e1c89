//! Ranges, views of dicts, iterators.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::release::release_cursor;
use super::{Dict, List, Tuple, Value};
use crate::{Error, State};

/// A `range`: start, one past the end, step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first number.
    pub start: i64,
    /// Where it ends, exclusive.
    pub stop: i64,
    /// The distance between numbers, never 0.
    pub step: i64,
}

impl Range {
    /// How many numbers.
    pub fn len(&self) -> u64 {
        let (low, high, step) = if self.step > 0 {
            (self.start, self.stop, self.step.unsigned_abs())
        } else {
            (self.stop, self.start, self.step.unsigned_abs())
        };
        if low >= high || step == 0 {
            return 0;
        }
        (high.abs_diff(low) - 1) / step + 1
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at an index.
    pub fn get(&self, index: u64) -> Option<i64> {
        if index >= self.len() {
            return None;
        }
        self.start.checked_add(self.step.checked_mul(i64::try_from(index).ok()?)?)
    }

    /// Whether a number is in it.
    pub fn contains(&self, number: i64) -> bool {
        let (low, high) = if self.step > 0 { (self.start, number) } else { (number, self.start) };
        let inside = if self.step > 0 { number < self.stop } else { number > self.stop };
        low <= high && inside && high.abs_diff(low).is_multiple_of(self.step.unsigned_abs().max(1))
    }
}

/// What `dict.keys()`, `.values()` and `.items()` give: it follows the dict as it changes.
pub struct View {
    /// The dict.
    pub dict: Dict,
    /// Which side of it.
    pub kind: ViewKind,
}

/// Which side of a dict a view shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ViewKind {
    /// Its keys.
    Keys,
    /// Its values.
    Values,
    /// Its pairs.
    Items,
}

impl ViewKind {
    /// Python's name of the type.
    pub fn type_name(self) -> &'static str {
        match self {
            Self::Keys => "dict_keys",
            Self::Values => "dict_values",
            Self::Items => "dict_items",
        }
    }
}

impl View {
    /// Everything in it, safe to hold.
    pub fn to_vec(&self) -> Vec<Value> {
        match self.kind {
            ViewKind::Keys => self.dict.to_keys(),
            ViewKind::Values => self.dict.borrow().values().cloned().collect(),
            ViewKind::Items => {
                self.dict.to_pairs().into_iter().map(|(key, value)| Value::tuple(vec![key, value])).collect()
            }
        }
    }

    fn get(&self, index: usize) -> Option<Value> {
        let entries = self.dict.borrow();
        let (key, value) = entries.get_index(index)?;
        Some(match self.kind {
            ViewKind::Keys => key.value().clone(),
            ViewKind::Values => value.clone(),
            ViewKind::Items => Value::tuple(vec![key.value().clone(), value.clone()]),
        })
    }
}

/// Gives items one by one; may run template code for each.
pub trait Generator {
    /// The next item, or `None` at the end.
    fn next(&mut self, state: &mut State<'_>) -> Result<Option<Value>, Error>;
}

impl<F: FnMut(&mut State<'_>) -> Result<Option<Value>, Error>> Generator for F {
    fn next(&mut self, state: &mut State<'_>) -> Result<Option<Value>, Error> {
        self(state)
    }
}

/// A place in something that can be iterated. Lists and dicts are followed live, as Python does.
pub(crate) enum Cursor {
    List { list: List, index: usize },
    Tuple { tuple: Tuple, index: usize },
    Range { range: Rc<Range>, index: u64 },
    View { view: Rc<View>, index: usize, length: usize },
    Text { text: Arc<str>, offset: usize },
    Owned(std::vec::IntoIter<Value>),
    Iterator(Iter),
    Generator(Box<dyn Generator>),
}

impl Cursor {
    /// The next item, or `None` at the end.
    pub(crate) fn next(&mut self, state: &mut State<'_>) -> Result<Option<Value>, Error> {
        Ok(match self {
            Self::List { list, index } => {
                let item = list.get(*index);
                *index += 1;
                item
            }
            Self::Tuple { tuple, index } => {
                let item = tuple.items().get(*index).cloned();
                *index += 1;
                item
            }
            Self::Range { range, index } => {
                let item = range.get(*index).map(Value::Int);
                *index += 1;
                item
            }
            Self::View { view, index, length } => {
                if view.dict.len() != *length {
                    return Err(Error::other("RuntimeError", "dictionary changed size during iteration"));
                }
                let item = view.get(*index);
                *index += 1;
                item
            }
            Self::Text { text, offset } => {
                let rest = text.get(*offset..).unwrap_or_default();
                let Some(c) = rest.chars().next() else { return Ok(None) };
                *offset += c.len_utf8();
                let mut buffer = [0; 4];
                Some(Value::Str((&*c.encode_utf8(&mut buffer)).into()))
            }
            Self::Owned(items) => items.next(),
            Self::Iterator(iter) => return iter.clone().next(state),
            Self::Generator(generator) => return generator.next(state),
        })
    }

    /// How many items it started with, when that is known without taking them.
    pub(crate) fn length(&self) -> Option<usize> {
        match self {
            Self::List { list, .. } => Some(list.len()),
            Self::Tuple { tuple, .. } => Some(tuple.len()),
            Self::Range { range, .. } => usize::try_from(range.len()).ok(),
            Self::View { length, .. } => Some(*length),
            Self::Text { text, .. } => Some(super::text::count_characters(text)),
            _ => None,
        }
    }
}

/// A one-way iterator, shared by its clones.
#[derive(Clone)]
pub struct Iter(Rc<IterCell>);

struct IterCell {
    cursor: RefCell<Cursor>,
    type_name: &'static str,
    /// The function of a generator, as `repr` shows it.
    function: &'static str,
}

impl Drop for IterCell {
    fn drop(&mut self) {
        let empty = Cursor::Owned(Vec::new().into_iter());
        release_cursor(std::mem::replace(self.cursor.get_mut(), empty));
    }
}

impl Iter {
    /// A generator of a function with that name.
    pub fn generator(function: &'static str, generator: impl Generator + 'static) -> Self {
        Self(Rc::new(IterCell {
            cursor: RefCell::new(Cursor::Generator(Box::new(generator))),
            type_name: "generator",
            function,
        }))
    }

    /// An iterator over given items, of that Python type.
    pub fn over(type_name: &'static str, items: Vec<Value>) -> Self {
        Self(Rc::new(IterCell {
            cursor: RefCell::new(Cursor::Owned(items.into_iter())),
            type_name,
            function: "",
        }))
    }

    /// The next item, or `None` at the end.
    pub fn next(&self, state: &mut State<'_>) -> Result<Option<Value>, Error> {
        match self.0.cursor.try_borrow_mut() {
            Ok(mut cursor) => state.deeper(|state| cursor.next(state)),
            Err(_) => Err(Error::value_error("generator already executing")),
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        self.0.type_name
    }

    pub(crate) fn repr(&self) -> String {
        let address = Rc::as_ptr(&self.0).addr();
        if self.0.function.is_empty() {
            format!("<{} object at {address:#x}>", self.0.type_name)
        } else {
            format!("<generator object {} at {address:#x}>", self.0.function)
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Value {
    /// A cursor over the value's items; what is not iterable is a `TypeError`.
    pub(crate) fn cursor(&self, state: &mut State<'_>) -> Result<Cursor, Error> {
        Ok(match self {
            Self::List(list) => Cursor::List { list: list.clone(), index: 0 },
            Self::Tuple(tuple) => Cursor::Tuple { tuple: tuple.clone(), index: 0 },
            Self::Dict(dict) => Cursor::View {
                view: Rc::new(View { dict: dict.clone(), kind: ViewKind::Keys }),
                index: 0,
                length: dict.len(),
            },
            Self::View(view) => Cursor::View { view: view.clone(), index: 0, length: view.dict.len() },
            Self::Range(range) => Cursor::Range { range: range.clone(), index: 0 },
            Self::Str(text) | Self::Markup(text) => Cursor::Text { text: text.clone(), offset: 0 },
            Self::Bytes(bytes) => Cursor::Owned(
                bytes.iter().map(|byte| Self::Int(i64::from(*byte))).collect::<Vec<_>>().into_iter(),
            ),
            Self::Set(set) => Cursor::Owned(set.to_vec().into_iter()),
            Self::Iterator(iter) => Cursor::Iterator(iter.clone()),
            Self::Undefined(undefined) => {
                undefined.require_lenient()?;
                Cursor::Owned(Vec::new().into_iter())
            }
            Self::Object(object) => match object.iterate(state)? {
                Some(items) => Cursor::Owned(items.into_iter()),
                None => return Err(not_iterable(self)),
            },
            _ => return Err(not_iterable(self)),
        })
    }

    /// Whether `iter()` would accept it.
    pub(crate) fn is_iterable(&self, state: &mut State<'_>) -> Result<bool, Error> {
        Ok(match self {
            Self::Object(object) => object.iterate(state)?.is_some(),
            Self::None | Self::Bool(_) | Self::Int(_) | Self::Big(_) | Self::Float(_) | Self::Special(_) => {
                false
            }
            Self::Undefined(undefined) => {
                undefined.require_lenient()?;
                true
            }
            _ => true,
        })
    }

    /// All items as a vector; counts them against the limits.
    pub fn to_items(&self, state: &mut State<'_>) -> Result<Vec<Value>, Error> {
        let mut cursor = self.cursor(state)?;
        let expected = cursor.length().unwrap_or(0);
        state.charge_items(expected)?;
        let mut items = Vec::with_capacity(expected);
        while let Some(item) = cursor.next(state)? {
            items.push(item);
            if items.len() > expected {
                state.charge_items(items.len())?;
                state.charge(1)?;
            }
        }
        Ok(items)
    }
}

fn not_iterable(value: &Value) -> Error {
    Error::type_error(format!("'{}' object is not iterable", value.type_name()))
}
