//! Tuples, lists, dicts and sets.

use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;
use std::sync::Arc;

use foldhash::fast::RandomState;
use indexmap::{IndexMap, IndexSet};

use super::release::release;
use super::{Key, KeyRef, Value};
use crate::Error;

/// An immutable sequence. Some have named fields as well (what `groupby` gives).
#[derive(Clone)]
pub struct Tuple(Rc<TupleCell>);

struct TupleCell {
    items: Vec<Value>,
    fields: &'static [&'static str],
}

impl Tuple {
    /// A tuple of the given items.
    pub fn new(items: Vec<Value>) -> Self {
        Self::with_fields(items, &[])
    }

    /// A tuple whose items also have names, in order.
    pub fn with_fields(items: Vec<Value>, fields: &'static [&'static str]) -> Self {
        Self(Rc::new(TupleCell { items, fields }))
    }

    /// The items.
    pub fn items(&self) -> &[Value] {
        &self.0.items
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.items.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.items.is_empty()
    }

    /// The item of that field name.
    pub fn field(&self, name: &str) -> Option<&Value> {
        let at = self.0.fields.iter().position(|field| *field == name)?;
        self.0.items.get(at)
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }
}

impl Drop for TupleCell {
    fn drop(&mut self) {
        release(std::mem::take(&mut self.items));
    }
}

/// A shared, mutable sequence.
#[derive(Clone)]
pub struct List(Rc<ListCell>);

struct ListCell {
    items: RefCell<Vec<Value>>,
}

impl List {
    /// A list of the given items.
    pub fn new(items: Vec<Value>) -> Self {
        Self(Rc::new(ListCell { items: RefCell::new(items) }))
    }

    /// The items. Do not hold this while template code may run.
    pub fn borrow(&self) -> Ref<'_, Vec<Value>> {
        self.0.items.borrow()
    }

    /// The items, to change them. Do not hold this while template code may run.
    pub fn borrow_mut(&self) -> RefMut<'_, Vec<Value>> {
        self.0.items.borrow_mut()
    }

    /// A copy of the items, safe to hold.
    pub fn to_vec(&self) -> Vec<Value> {
        self.borrow().clone()
    }

    /// The item at an index.
    pub fn get(&self, index: usize) -> Option<Value> {
        self.borrow().get(index).cloned()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.borrow().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.borrow().is_empty()
    }

    /// Adds one at the end.
    pub fn push(&self, item: Value) {
        self.borrow_mut().push(item);
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }
}

impl Drop for ListCell {
    fn drop(&mut self) {
        release(std::mem::take(self.items.get_mut()));
    }
}

/// The entries of a dict, in the order of insertion.
pub type DictMap = IndexMap<Key, Value, RandomState>;

/// The members of a set.
pub type KeySet = IndexSet<Key, RandomState>;

/// A shared, mutable, ordered mapping. Keys are equal as Python's are: `1 == 1.0 == True`.
#[derive(Clone, Default)]
pub struct Dict(Rc<DictCell>);

#[derive(Default)]
struct DictCell {
    entries: RefCell<DictMap>,
}

impl Dict {
    /// An empty dict.
    pub fn new() -> Self {
        Self::default()
    }

    /// A dict of the given entries.
    pub fn from_map(entries: DictMap) -> Self {
        Self(Rc::new(DictCell { entries: RefCell::new(entries) }))
    }

    /// The entries. Do not hold this while template code may run.
    pub fn borrow(&self) -> Ref<'_, DictMap> {
        self.0.entries.borrow()
    }

    /// The entries, to change them. Do not hold this while template code may run.
    pub fn borrow_mut(&self) -> RefMut<'_, DictMap> {
        self.0.entries.borrow_mut()
    }

    /// The value under a text key.
    pub fn get(&self, key: &str) -> Option<Value> {
        self.borrow().get(&KeyRef(key)).cloned()
    }

    /// The value under any key; an unhashable key is a `TypeError`.
    pub fn lookup(&self, key: &Value) -> Result<Option<Value>, Error> {
        match key.as_str() {
            Some(text) => Ok(self.get(text)),
            None => {
                let key = Key::new(key.clone())?;
                Ok(self.borrow().get(&key).cloned())
            }
        }
    }

    /// Puts a value under a text key.
    pub fn insert(&self, key: impl Into<Arc<str>>, value: Value) {
        self.borrow_mut().insert(Key::text(key), value);
    }

    /// Puts a value under any key; an unhashable key is a `TypeError`.
    pub fn set(&self, key: Value, value: Value) -> Result<(), Error> {
        let key = Key::new(key)?;
        self.borrow_mut().insert(key, value);
        Ok(())
    }

    /// Keys and values as pairs, safe to hold.
    pub fn to_pairs(&self) -> Vec<(Value, Value)> {
        self.borrow().iter().map(|(key, value)| (key.value().clone(), value.clone())).collect()
    }

    /// The keys, safe to hold.
    pub fn to_keys(&self) -> Vec<Value> {
        self.borrow().keys().map(|key| key.value().clone()).collect()
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.borrow().len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.borrow().is_empty()
    }

    /// The first text keys.
    pub(crate) fn text_keys(&self, most: usize) -> Vec<Arc<str>> {
        let entries = self.borrow();
        let texts = entries.keys().filter_map(|key| match key.value() {
            Value::Str(text) => Some(text.clone()),
            _ => None,
        });
        texts.take(most).collect()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn address(&self) -> usize {
        Rc::as_ptr(&self.0).addr()
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Value)> for Dict {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        Self::from_map(entries.into_iter().map(|(key, value)| (Key::text(key), value)).collect())
    }
}

impl Drop for DictCell {
    fn drop(&mut self) {
        let entries = std::mem::take(self.entries.get_mut());
        if !entries.is_empty() {
            release(entries.into_values().collect());
        }
    }
}

/// A shared, mutable set. It keeps the order of insertion, which Python leaves open.
#[derive(Clone, Default)]
pub struct Set(Rc<RefCell<KeySet>>);

impl Set {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of the given items; an unhashable item is a `TypeError`.
    pub fn from_items(items: impl IntoIterator<Item = Value>) -> Result<Self, Error> {
        let keys: Result<KeySet, Error> = items.into_iter().map(Key::new).collect();
        Ok(Self::from_keys(keys?))
    }

    /// A set of the given keys.
    pub fn from_keys(keys: KeySet) -> Self {
        Self(Rc::new(RefCell::new(keys)))
    }

    /// The items. Do not hold this while template code may run.
    pub fn borrow(&self) -> Ref<'_, KeySet> {
        self.0.borrow()
    }

    /// The items, to change them. Do not hold this while template code may run.
    pub fn borrow_mut(&self) -> RefMut<'_, KeySet> {
        self.0.borrow_mut()
    }

    /// The items, safe to hold.
    pub fn to_vec(&self) -> Vec<Value> {
        self.borrow().iter().map(|key| key.value().clone()).collect()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.borrow().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.borrow().is_empty()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}
