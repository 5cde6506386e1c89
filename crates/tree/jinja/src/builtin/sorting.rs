//! Sorting as Python does it, and the getters that `attribute=` arguments stand for.

use std::sync::Arc;

use crate::value::access;
use crate::value::compare::{Order, ordered};
use crate::{Error, State, Value};

/// The items in the order of their keys: stable, by `<` alone, which may fail.
pub(crate) fn sort_values(
    state: &mut State<'_>,
    mut keyed: Vec<(Value, Value)>,
    reverse: bool,
) -> Result<Vec<Value>, Error> {
    state.charge(keyed.len() as u64 * (1 + u64::from(keyed.len().max(1).ilog2())))?;
    if reverse {
        keyed.reverse();
    }
    let mut sorted = merge_sort(state, keyed)?;
    if reverse {
        sorted.reverse();
    }
    Ok(sorted.into_iter().map(|(_, item)| item).collect())
}

fn merge_sort(state: &mut State<'_>, keyed: Vec<(Value, Value)>) -> Result<Vec<(Value, Value)>, Error> {
    let mut runs: Vec<Vec<(Value, Value)>> = keyed.into_iter().map(|entry| vec![entry]).collect();
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            merged.push(match pairs.next() {
                Some(right) => merge(state, left, right)?,
                None => left,
            });
        }
        runs = merged;
    }
    Ok(runs.pop().unwrap_or_default())
}

fn merge(
    state: &mut State<'_>,
    left: Vec<(Value, Value)>,
    right: Vec<(Value, Value)>,
) -> Result<Vec<(Value, Value)>, Error> {
    state.charge((left.len() + right.len()) as u64 / 8)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let take_right = ordered(&b.0, &a.0, Order::Less)?;
        merged.extend(if take_right { right.next() } else { left.next() });
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

/// Text in lower case, anything else as it is.
pub(super) fn ignore_case(value: Value) -> Value {
    match value.as_str() {
        Some(text) => Value::from(text.to_lowercase()),
        None => value,
    }
}

/// Looks up a dotted path: `address.city`, `0.name`.
pub(super) struct Getter {
    parts: Vec<Value>,
    /// What stands in for what is missing.
    default: Option<Value>,
    fold_case: bool,
}

impl Getter {
    /// The getter of an `attribute` argument; without one it answers the item itself.
    pub(super) fn new(attribute: Option<&Value>, fold_case: bool, default: Option<Value>) -> Self {
        let parts = match attribute {
            None | Some(Value::None) => Vec::new(),
            Some(Value::Str(path) | Value::Markup(path)) => path.split('.').map(part).collect(),
            Some(other) => vec![other.clone()],
        };
        Self { parts, default: default.filter(|default| !default.is_none()), fold_case }
    }

    /// The getters of a comma separated list.
    pub(super) fn many(attribute: Option<&Value>, fold_case: bool) -> Vec<Self> {
        match attribute.and_then(Value::as_str) {
            Some(paths) => {
                paths.split(',').map(|path| Self::new(Some(&Value::from(path)), fold_case, None)).collect()
            }
            None => vec![Self::new(attribute, fold_case, None)],
        }
    }

    pub(super) fn get(&self, state: &mut State<'_>, item: &Value) -> Result<Value, Error> {
        let mut value = item.clone();
        for part in &self.parts {
            value = access::item(state, &value, part)?;
            if let (true, Some(default)) = (value.is_undefined(), &self.default) {
                value = default.clone();
            }
        }
        Ok(if self.fold_case { ignore_case(value) } else { value })
    }
}

fn part(text: &str) -> Value {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(number) if is_number => Value::Int(number),
        _ => Value::Str(Arc::from(text)),
    }
}

/// Items with their keys.
pub(super) fn with_keys(
    state: &mut State<'_>,
    items: Vec<Value>,
    getters: &[Getter],
) -> Result<Vec<(Value, Value)>, Error> {
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        state.charge(1)?;
        let key = match getters {
            [one] => one.get(state, &item)?,
            many => {
                let keys: Result<Vec<Value>, Error> =
                    many.iter().map(|getter| getter.get(state, &item)).collect();
                Value::tuple(keys?)
            }
        };
        keyed.push((key, item));
    }
    Ok(keyed)
}
