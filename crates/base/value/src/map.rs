//! A map that keeps the order in which keys came.

use std::hash::{BuildHasher as _, Hash};

use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashTable};

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
///
/// Nearly all maps of a tree have a handful of keys, most of them one: those are a bare list that is looked
/// through. Larger ones have an index.
#[derive(Clone, Debug)]
pub struct Map {
    entries: Entries,
}

type Pair = (Key, Entry);

#[derive(Clone, Debug)]
enum Entries {
    Few(Vec<Pair>),
    Many(Box<Indexed>),
}

/// A list of pairs and where each key stands in it.
#[derive(Clone, Debug, Default)]
struct Indexed {
    list: Vec<Pair>,
    places: HashTable<usize>,
    hasher: RandomState,
}

/// Up to so many keys there is no index.
const FEW: usize = 16;

impl Map {
    /// An empty map.
    pub const fn new() -> Self {
        Self { entries: Entries::Few(Vec::new()) }
    }

    /// An empty map with room for a number of keys.
    pub fn with_capacity(keys: usize) -> Self {
        Self { entries: Entries::Few(Vec::with_capacity(keys)) }
    }

    /// How many keys.
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// The value under a text key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The value under any key.
    pub fn get_key(&self, key: &Key) -> Option<&Value> {
        self.found(key).map(|entry| &entry.value)
    }

    /// The value under a text key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let place = self.place(key)?;
        self.value_at(place)
    }

    /// The value under any key, to change it.
    pub fn get_key_mut(&mut self, key: &Key) -> Option<&mut Value> {
        let place = self.place(key)?;
        self.value_at(place)
    }

    /// Value and key span under a text key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.found(key)
    }

    /// Where a text key stands; [`Span::NONE`] when it is absent.
    pub fn key_span(&self, key: &str) -> Span {
        self.entry(key).map_or(Span::NONE, |entry| entry.key_span)
    }

    /// Whether a text key is there.
    pub fn contains(&self, key: &str) -> bool {
        self.place(key).is_some()
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
        let (key, entry) = (key.into(), Entry { value: value.into(), key_span });
        match self.place(&key).and_then(|place| self.list_mut().get_mut(place)) {
            Some((_, there)) => Some(std::mem::replace(there, entry).value),
            None => {
                self.push(key, entry);
                None
            }
        }
    }

    /// The value under a key, put there by `make` if it was absent.
    pub fn get_or_insert_with(&mut self, key: impl Into<Key>, make: impl FnOnce() -> Value) -> &mut Value {
        let key = key.into();
        let place = self.place(&key).unwrap_or_else(|| {
            self.push(key, Entry { value: make(), key_span: Span::NONE });
            self.len() - 1
        });
        &mut self.list_mut()[place].1.value
    }

    /// Takes a text key out; later keys keep their order.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.place(key).map(|place| self.take(place))
    }

    /// Takes any key out; later keys keep their order.
    pub fn remove_key(&mut self, key: &Key) -> Option<Value> {
        self.place(key).map(|place| self.take(place))
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Key, &Value)> + ExactSizeIterator {
        self.list().iter().map(|(key, entry)| (key, &entry.value))
    }

    /// Keys and values in order, values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Key, &mut Value)> {
        self.list_mut().iter_mut().map(|(key, entry)| (&*key, &mut entry.value))
    }

    /// Keys with their entries (value and key span) in order.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (&Key, &Entry)> + ExactSizeIterator {
        self.list().iter().map(|(key, entry)| (key, entry))
    }

    /// Keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Key> + ExactSizeIterator {
        self.list().iter().map(|(key, _)| key)
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
        self.list_mut().sort_by_cached_key(|(key, _)| key.to_string());
        if let Entries::Many(indexed) = &mut self.entries {
            indexed.index();
        }
    }

    fn list(&self) -> &[Pair] {
        match &self.entries {
            Entries::Few(list) => list,
            Entries::Many(indexed) => &indexed.list,
        }
    }

    /// Keys must stay where they are.
    fn list_mut(&mut self) -> &mut [Pair] {
        match &mut self.entries {
            Entries::Few(list) => list,
            Entries::Many(indexed) => &mut indexed.list,
        }
    }

    /// Where a key stands.
    fn place<Q: Hash + Equivalent<Key> + ?Sized>(&self, key: &Q) -> Option<usize> {
        match &self.entries {
            Entries::Few(list) => list.iter().position(|(there, _)| key.equivalent(there)),
            Entries::Many(indexed) => indexed.place(key),
        }
    }

    fn found<Q: Hash + Equivalent<Key> + ?Sized>(&self, key: &Q) -> Option<&Entry> {
        match &self.entries {
            Entries::Few(list) => list.iter().find(|(there, _)| key.equivalent(there)),
            Entries::Many(indexed) => indexed.list.get(indexed.place(key)?),
        }
        .map(|(_, entry)| entry)
    }

    fn value_at(&mut self, place: usize) -> Option<&mut Value> {
        self.list_mut().get_mut(place).map(|(_, entry)| &mut entry.value)
    }

    /// Adds a key that is not there.
    fn push(&mut self, key: Key, entry: Entry) {
        match &mut self.entries {
            Entries::Few(list) if list.len() < FEW => {
                if list.capacity() == 0 {
                    // Most maps have one key, and room for one is all they need.
                    list.reserve_exact(1);
                }
                list.push((key, entry));
            }
            Entries::Few(list) => {
                let mut indexed = Indexed { list: std::mem::take(list), ..Indexed::default() };
                indexed.list.push((key, entry));
                indexed.index();
                self.entries = Entries::Many(Box::new(indexed));
            }
            Entries::Many(indexed) => indexed.push(key, entry),
        }
    }

    fn take(&mut self, place: usize) -> Value {
        let (_, entry) = match &mut self.entries {
            Entries::Few(list) => list.remove(place),
            Entries::Many(indexed) => indexed.take(place),
        };
        entry.value
    }
}

impl Indexed {
    fn place<Q: Hash + Equivalent<Key> + ?Sized>(&self, key: &Q) -> Option<usize> {
        let same = |place: &usize| self.list.get(*place).is_some_and(|(there, _)| key.equivalent(there));
        self.places.find(self.hasher.hash_one(key), same).copied()
    }

    fn push(&mut self, key: Key, entry: Entry) {
        let Self { list, places, hasher } = self;
        let hash = hasher.hash_one(&key);
        list.push((key, entry));
        places.insert_unique(hash, list.len() - 1, |place| hasher.hash_one(&list[*place].0));
    }

    fn take(&mut self, place: usize) -> Pair {
        let pair = self.list.remove(place);
        if let Ok(found) = self.places.find_entry(self.hasher.hash_one(&pair.0), |at| *at == place) {
            found.remove();
        }
        for behind in self.places.iter_mut().filter(|at| **at > place) {
            *behind -= 1;
        }
        pair
    }

    /// Writes the index anew.
    fn index(&mut self) {
        let Self { list, places, hasher } = self;
        let hash = |place: &usize| hasher.hash_one(&list[*place].0);
        places.clear();
        places.reserve(list.len(), hash);
        for place in 0..list.len() {
            places.insert_unique(hash(&place), place, hash);
        }
    }
}

impl Default for Map {
    fn default() -> Self {
        Self::new()
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
    type IntoIter = std::vec::IntoIter<Pair>;

    fn into_iter(self) -> Self::IntoIter {
        match self.entries {
            Entries::Few(list) => list,
            Entries::Many(indexed) => indexed.list,
        }
        .into_iter()
    }
}

impl<K: Into<Key>, V: Into<Value>> FromIterator<(K, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        let mut map = Self::with_capacity(pairs.size_hint().0);
        for (key, value) in pairs {
            map.insert(key, value);
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Insert(u8, i64),
        Remove(u8),
        Sort,
    }

    fn act() -> impl Strategy<Value = Act> {
        prop_oneof![
            6 => (0..24u8, any::<i64>()).prop_map(|(key, value)| Act::Insert(key, value)),
            2 => (0..24u8).prop_map(Act::Remove),
            1 => Just(Act::Sort),
        ]
    }

    /// Text mostly, but other keys too.
    fn key(number: u8) -> Key {
        if number.is_multiple_of(5) { Key::Int(number.into()) } else { format!("key {number}").into() }
    }

    proptest! {
        #[test]
        fn a_map_is_a_list_of_pairs_whatever_its_size(acts in prop::collection::vec(act(), 0..120)) {
            let mut map = Map::new();
            let mut list: Vec<(Key, i64)> = Vec::new();
            for act in acts {
                match act {
                    Act::Insert(number, value) => {
                        let there = list.iter_mut().find(|(there, _)| *there == key(number));
                        let before = there.map(|(_, there)| std::mem::replace(there, value));
                        if before.is_none() {
                            list.push((key(number), value));
                        }
                        prop_assert_eq!(map.insert(key(number), value), before.map(Value::from));
                    }
                    Act::Remove(number) => {
                        let at = list.iter().position(|(there, _)| *there == key(number));
                        let before = at.map(|at| list.remove(at).1);
                        prop_assert_eq!(map.remove_key(&key(number)), before.map(Value::from));
                    }
                    Act::Sort => {
                        map.sort_keys();
                        list.sort_by_key(|(key, _)| key.to_string());
                    }
                }
                let found: Vec<_> = map.iter().map(|(key, value)| (key.clone(), value.as_int())).collect();
                let wanted: Vec<_> = list.iter().map(|(key, value)| (key.clone(), Some(*value))).collect();
                prop_assert_eq!(found, wanted);
                for number in 0..24 {
                    let wanted = list.iter().find(|(there, _)| *there == key(number)).map(|(_, value)| *value);
                    prop_assert_eq!(map.get_key(&key(number)).and_then(Value::as_int), wanted);
                }
            }
        }
    }
}
