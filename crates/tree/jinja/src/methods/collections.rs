//! Methods of `list`, `dict`, `set`, `tuple` and dict views.

use std::sync::Arc;

use super::arguments::{Call, integer};
use crate::builtin::sort_values;
use crate::value::compare::equal;
use crate::value::text::repr_short;
use crate::{Args, Dict, DictMap, Error, ErrorKind, Key, KeySet, List, Set, State, Value, View, ViewKind};

pub(super) const LIST_NAMES: &[&str] =
    &["append", "clear", "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort"];
pub(super) const DICT_NAMES: &[&str] = &[
    "clear",
    "copy",
    "fromkeys",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "setdefault",
    "update",
    "values",
];
pub(super) const SET_NAMES: &[&str] = &[
    "add",
    "clear",
    "copy",
    "difference",
    "difference_update",
    "discard",
    "intersection",
    "intersection_update",
    "isdisjoint",
    "issubset",
    "issuperset",
    "pop",
    "remove",
    "symmetric_difference",
    "symmetric_difference_update",
    "union",
    "update",
];

pub(super) fn list(state: &mut State<'_>, this: &List, name: &Arc<str>, args: Args) -> Result<Value, Error> {
    let call = Call { type_name: "list", name, args: &args };
    match &**name {
        "append" => {
            let item = call.one()?.clone();
            state.charge_items(this.len() / 64)?;
            this.push(item);
            if this.len() > state.limits().items {
                state.charge_items(this.len())?;
            }
        }
        "extend" => {
            let items = call.one()?.to_items(state)?;
            state.charge_items(this.len() + items.len())?;
            this.borrow_mut().extend(items);
        }
        "insert" => {
            let [index, item] = call.some(2, 2)? else { return Ok(Value::None) };
            let at = clamp_index(integer(index)?, this.len());
            state.charge_items(this.len() + 1)?;
            this.borrow_mut().insert(at, item.clone());
        }
        "pop" => {
            let index = match call.some(0, 1)? {
                [index] => integer(index)?,
                _ => -1,
            };
            let length = this.len();
            if length == 0 {
                return Err(Error::new(ErrorKind::Index, "pop from empty list"));
            }
            let Some(at) = exact_index(index, length) else {
                return Err(Error::new(ErrorKind::Index, "pop index out of range"));
            };
            state.charge((length - at) as u64 / 64)?;
            return Ok(this.borrow_mut().remove(at));
        }
        "remove" => {
            let item = call.one()?;
            let Some(at) = position(state, &this.to_vec(), item, 0, usize::MAX)? else {
                return Err(Error::value_error("list.remove(x): x not in list"));
            };
            let removed = this.borrow_mut().remove(at);
            drop(removed);
        }
        "reverse" => {
            call.none()?;
            state.charge_items(this.len())?;
            this.borrow_mut().reverse();
        }
        "sort" => {
            if !args.positional.is_empty() {
                return Err(Error::type_error("sort() takes no positional arguments"));
            }
            let [key, reverse] = call.named(["key", "reverse"])?;
            let reverse = reverse.map_or(Ok(false), |reverse| reverse.is_true())?;
            let items = this.to_vec();
            let mut keyed = Vec::with_capacity(items.len());
            for item in items {
                let key = match &key {
                    Some(key) if !key.is_none() => state.call(key, Args::new(vec![item.clone()]))?,
                    _ => item.clone(),
                };
                keyed.push((key, item));
            }
            let sorted = sort_values(state, keyed, reverse)?;
            let old = std::mem::replace(&mut *this.borrow_mut(), sorted);
            drop(old);
        }
        "clear" => {
            call.none()?;
            let old = std::mem::take(&mut *this.borrow_mut());
            drop(old);
        }
        "copy" => {
            call.none()?;
            state.charge_items(this.len())?;
            return Ok(Value::list(this.to_vec()));
        }
        _ => return sequence(state, "list", &this.to_vec(), name, &args),
    }
    Ok(Value::None)
}

/// Where `insert` puts something.
fn clamp_index(index: i64, length: usize) -> usize {
    if index < 0 {
        length.saturating_sub(usize::try_from(index.unsigned_abs()).unwrap_or(usize::MAX))
    } else {
        usize::try_from(index).unwrap_or(usize::MAX).min(length)
    }
}

fn exact_index(index: i64, length: usize) -> Option<usize> {
    if index < 0 {
        length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
    } else {
        usize::try_from(index).ok().filter(|index| *index < length)
    }
}

fn position(
    state: &mut State<'_>,
    items: &[Value],
    wanted: &Value,
    start: usize,
    stop: usize,
) -> Result<Option<usize>, Error> {
    for (at, item) in items.iter().enumerate().take(stop).skip(start) {
        state.charge(1)?;
        if item.is_same(wanted) || equal(item, wanted)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

/// `count` and `index` of any sequence.
pub(super) fn sequence(
    state: &mut State<'_>,
    type_name: &str,
    items: &[Value],
    name: &str,
    args: &Args,
) -> Result<Value, Error> {
    let call = Call { type_name, name, args };
    if name == "count" {
        let wanted = call.one()?;
        let mut count = 0;
        for item in items {
            state.charge(1)?;
            count += i64::from(item.is_same(wanted) || equal(item, wanted)?);
        }
        return Ok(Value::Int(count));
    }
    let given = call.some(1, 3)?;
    let Some(wanted) = given.first() else { return Ok(Value::None) };
    let bound = |at: usize, default: usize| match given.get(at) {
        Some(index) => integer(index).map(|index| clamp_index(index, items.len())),
        None => Ok(default),
    };
    let (start, stop) = (bound(1, 0)?, bound(2, items.len())?);
    match position(state, items, wanted, start, stop)? {
        Some(at) => Ok(Value::from(at)),
        None if type_name == "list" => {
            Err(Error::value_error(format!("{} is not in list", repr_short(wanted))))
        }
        None => Err(Error::value_error(format!("{type_name}.index(x): x not in {type_name}"))),
    }
}

pub(super) fn dict(state: &mut State<'_>, this: &Dict, name: &Arc<str>, args: Args) -> Result<Value, Error> {
    let call = Call { type_name: "dict", name, args: &args };
    let view = |kind: ViewKind| Value::View(std::rc::Rc::new(View { dict: this.clone(), kind }));
    Ok(match &**name {
        "get" => match call.some(1, 2)? {
            [key, rest @ ..] => match this.lookup(key)? {
                Some(value) => value,
                None => rest.first().cloned().unwrap_or(Value::None),
            },
            [] => Value::None,
        },
        "keys" => {
            call.none()?;
            view(ViewKind::Keys)
        }
        "values" => {
            call.none()?;
            view(ViewKind::Values)
        }
        "items" => {
            call.none()?;
            view(ViewKind::Items)
        }
        "update" => {
            if args.positional.len() > 1 {
                let given = args.positional.len();
                return Err(Error::type_error(format!("update expected at most 1 argument, got {given}")));
            }
            let entries = dict_entries(state, &args)?;
            state.charge_items(this.len() + entries.len())?;
            this.borrow_mut().extend(entries);
            Value::None
        }
        "setdefault" => {
            let [key, rest @ ..] = call.some(1, 2)? else { return Ok(Value::None) };
            match this.lookup(key)? {
                Some(value) => value,
                None => {
                    let value = rest.first().cloned().unwrap_or(Value::None);
                    this.set(key.clone(), value.clone())?;
                    state.charge_items(this.len() / 64)?;
                    value
                }
            }
        }
        "pop" => {
            let [key, rest @ ..] = call.some(1, 2)? else { return Ok(Value::None) };
            state.charge(this.len() as u64 / 64)?;
            let removed = this.borrow_mut().shift_remove(&Key::new(key.clone())?);
            match removed.or_else(|| rest.first().cloned()) {
                Some(value) => value,
                None => return Err(Error::new(ErrorKind::Key, repr_short(key))),
            }
        }
        "popitem" => {
            call.none()?;
            match this.borrow_mut().pop() {
                Some((key, value)) => Value::tuple(vec![key.into_value(), value]),
                None => return Err(Error::new(ErrorKind::Key, "'popitem(): dictionary is empty'")),
            }
        }
        "clear" => {
            call.none()?;
            let old = std::mem::take(&mut *this.borrow_mut());
            drop(old);
            Value::None
        }
        "copy" => {
            call.none()?;
            state.charge_items(this.len())?;
            Value::Dict(Dict::from_map(this.borrow().clone()))
        }
        "fromkeys" => {
            let [keys, rest @ ..] = call.some(1, 2)? else { return Ok(Value::None) };
            let value = rest.first().cloned().unwrap_or(Value::None);
            let made = Dict::new();
            for key in keys.to_items(state)? {
                made.set(key, value.clone())?;
            }
            Value::Dict(made)
        }
        name => return Err(super::no_method(&Value::Dict(this.clone()), name)),
    })
}

/// The entries that `dict(…)` and `update(…)` are given: a mapping or pairs, then keywords.
pub(crate) fn dict_entries(state: &mut State<'_>, args: &Args) -> Result<DictMap, Error> {
    let mut entries = DictMap::default();
    match args.positional.first() {
        Some(Value::Dict(dict)) => {
            state.charge_items(dict.len())?;
            entries.extend(dict.borrow().iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        Some(Value::Undefined(undefined)) => undefined.require_lenient()?,
        Some(Value::Object(object)) if object.is_mapping() => match object.to_data() {
            Some(Value::Dict(dict)) => {
                entries.extend(dict.borrow().iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            _ => {
                return Err(Error::type_error(format!("'{}' object is not iterable", object.type_name())));
            }
        },
        Some(pairs) => {
            for (index, pair) in pairs.to_items(state)?.into_iter().enumerate() {
                let members = pair.to_items(state).map_err(|_| {
                    Error::type_error(format!(
                        "cannot convert dictionary update sequence element #{index} to a sequence"
                    ))
                })?;
                let length = members.len();
                let mut members = members.into_iter();
                let (Some(key), Some(value), None) = (members.next(), members.next(), members.next()) else {
                    return Err(Error::value_error(format!(
                        "dictionary update sequence element #{index} has length {length}; 2 is required"
                    )));
                };
                entries.insert(Key::new(key)?, value);
            }
        }
        None => {}
    }
    entries.extend(args.keyword.iter().map(|(name, value)| (Key::text(name.clone()), value.clone())));
    Ok(entries)
}

pub(super) fn view(state: &mut State<'_>, receiver: &Value, name: &str, args: &Args) -> Result<Value, Error> {
    let call = Call { type_name: receiver.type_name(), name, args };
    let mine = keys(state, receiver)?;
    let other = keys(state, call.one()?)?;
    Ok(Value::Bool(mine.is_disjoint(&other)))
}

fn keys(state: &mut State<'_>, value: &Value) -> Result<KeySet, Error> {
    value.to_items(state)?.into_iter().map(Key::new).collect()
}

pub(super) fn set(state: &mut State<'_>, this: &Set, name: &Arc<str>, args: Args) -> Result<Value, Error> {
    let call = Call { type_name: "set", name, args: &args };
    let made = |keys: KeySet| Ok(Value::Set(Set::from_keys(keys)));
    let others = |state: &mut State<'_>| -> Result<Vec<KeySet>, Error> {
        call.no_keywords()?;
        args.positional.iter().map(|other| keys(state, other)).collect()
    };
    state.charge_items(this.len())?;
    match &**name {
        "add" => {
            let key = Key::new(call.one()?.clone())?;
            this.borrow_mut().insert(key);
        }
        "discard" => {
            let key = Key::new(call.one()?.clone())?;
            this.borrow_mut().shift_remove(&key);
        }
        "remove" => {
            let key = Key::new(call.one()?.clone())?;
            if !this.borrow_mut().shift_remove(&key) {
                return Err(Error::new(ErrorKind::Key, repr_short(key.value())));
            }
        }
        "pop" => {
            call.none()?;
            let first = this.borrow_mut().shift_remove_index(0);
            return match first {
                Some(key) => Ok(key.into_value()),
                None => Err(Error::new(ErrorKind::Key, "'pop from an empty set'")),
            };
        }
        "clear" => {
            call.none()?;
            let old = std::mem::take(&mut *this.borrow_mut());
            drop(old);
        }
        "copy" => {
            call.none()?;
            return made(this.borrow().clone());
        }
        "union" | "update" => {
            let mut all = this.borrow().clone();
            for other in others(state)? {
                all.extend(other);
            }
            return finish(this, all, &**name == "update");
        }
        "intersection" | "intersection_update" => {
            let others = others(state)?;
            let mine = this.borrow().clone();
            let common = mine.into_iter().filter(|key| others.iter().all(|other| other.contains(key)));
            return finish(this, common.collect(), name.ends_with("_update"));
        }
        "difference" | "difference_update" => {
            let others = others(state)?;
            let mine = this.borrow().clone();
            let rest = mine.into_iter().filter(|key| !others.iter().any(|other| other.contains(key)));
            return finish(this, rest.collect(), name.ends_with("_update"));
        }
        "symmetric_difference" | "symmetric_difference_update" => {
            let other = keys(state, call.one()?)?;
            let mine = this.borrow().clone();
            let either = mine.symmetric_difference(&other).cloned().collect();
            return finish(this, either, name.ends_with("_update"));
        }
        "isdisjoint" => return Ok(Value::Bool(this.borrow().is_disjoint(&keys(state, call.one()?)?))),
        "issubset" => return Ok(Value::Bool(this.borrow().is_subset(&keys(state, call.one()?)?))),
        "issuperset" => return Ok(Value::Bool(this.borrow().is_superset(&keys(state, call.one()?)?))),
        name => return Err(super::no_method(&Value::Set(this.clone()), name)),
    }
    Ok(Value::None)
}

/// A new set, or the changed one.
fn finish(this: &Set, keys: KeySet, in_place: bool) -> Result<Value, Error> {
    if !in_place {
        return Ok(Value::Set(Set::from_keys(keys)));
    }
    let old = std::mem::replace(&mut *this.borrow_mut(), keys);
    drop(old);
    Ok(Value::None)
}
