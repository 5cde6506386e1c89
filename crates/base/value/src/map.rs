//! A map that keeps the order in which keys came.

use indexmap::IndexMap;

use crate::{Key, Span, Value};

/// What stands under a key: the value, and where the key itself was written.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The value under the key.
    pub value: Value,
    /// Where the key stands.
    pub key_span: Span,
}

/// An ordered map. Equality compares entries without regard to order or spans, as Python does.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: Option<Box<IndexMap<Key, Entry>>>,
}

impl Map {
    /// An empty map.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.entries.as_ref().map_or(0, |entries| entries.len())
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value under a text key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.as_ref()?.get(key).map(|entry| &entry.value)
    }

    /// The value under any key.
    pub fn get_key(&self, key: &Key) -> Option<&Value> {
        self.entries.as_ref()?.get(key).map(|entry| &entry.value)
    }

    /// The value under a text key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.entries.as_mut()?.get_mut(key).map(|entry| &mut entry.value)
    }

    /// The value under any key, to change it.
    pub fn get_key_mut(&mut self, key: &Key) -> Option<&mut Value> {
        self.entries.as_mut()?.get_mut(key).map(|entry| &mut entry.value)
    }

    /// Value and key span under a text key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.as_ref()?.get(key)
    }

    /// Where a text key stands; [`Span::NONE`] when it is absent.
    pub fn key_span(&self, key: &str) -> Span {
        self.entry(key).map_or(Span::NONE, |entry| entry.key_span)
    }

    /// Whether a text key is there.
    pub fn contains(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Puts a value under a key and answers what was there. A key that exists keeps its place.
    pub fn insert(&mut self, key: impl Into<Key>, value: impl Into<Value>) -> Option<Value> {
        self.insert_at(key, Span::NONE, value)
    }

    /// [`insert`](Self::insert), with the place where the key was written.
    pub fn insert_at(
        &mut self,
        key: impl Into<Key>,
        key_span: Span,
        value: impl Into<Value>,
    ) -> Option<Value> {
        let entry = Entry { value: value.into(), key_span };
        self.entries.get_or_insert_default().insert(key.into(), entry).map(|old| old.value)
    }

    /// The value under a key, put there by `make` if it was absent.
    pub fn get_or_insert_with(&mut self, key: impl Into<Key>, make: impl FnOnce() -> Value) -> &mut Value {
        let entries = self.entries.get_or_insert_default();
        &mut entries.entry(key.into()).or_insert_with(|| Entry { value: make(), key_span: Span::NONE }).value
    }

    /// Takes a text key out; later keys keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.entries.as_mut()?.shift_remove(key).map(|entry| entry.value)
    }

    /// Takes any key out; later keys keep their order.
    pub fn remove_key(&mut self, key: &Key) -> Option<Value> {
        self.entries.as_mut()?.shift_remove(key).map(|entry| entry.value)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Key, &Value)> + ExactSizeIterator {
        self.slice().iter().map(|(key, entry)| (key, &entry.value))
    }

    /// Keys and values in order, values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Key, &mut Value)> {
        self.entries
            .iter_mut()
            .flat_map(|entries| entries.iter_mut().map(|(key, entry)| (key, &mut entry.value)))
    }

    /// Keys with their entries (value and key span) in order.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (&Key, &Entry)> + ExactSizeIterator {
        self.slice().iter()
    }

    /// Keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Key> + ExactSizeIterator {
        self.slice().keys()
    }

    /// Values in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
        self.iter().map(|(_, value)| value)
    }

    /// The first key and its value.
    pub fn first(&self) -> Option<(&Key, &Value)> {
        self.iter().next()
    }

    /// Sorts by key text.
    pub fn sort_keys(&mut self) {
        if let Some(entries) = &mut self.entries {
            entries.sort_by(|a, _, b, _| a.to_string().cmp(&b.to_string()));
        }
    }

    fn slice(&self) -> &indexmap::map::Slice<Key, Entry> {
        self.entries.as_ref().map_or_else(indexmap::map::Slice::new, |entries| entries.as_slice())
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().all(|(key, value)| other.get_key(key).is_some_and(|there| there == value))
    }
}

impl IntoIterator for Map {
    type Item = (Key, Entry);
    type IntoIter = indexmap::map::IntoIter<Key, Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.map(|entries| *entries).unwrap_or_default().into_iter()
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let mut map = Self::new();
        for (key, value) in pairs {
            map.insert(key, value);
        }
        map
    }
}
