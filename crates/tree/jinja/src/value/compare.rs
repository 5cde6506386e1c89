//! `==`, `<`, `in`.

use std::cmp::Ordering;

use num_traits::FromPrimitive;

use super::{Value, ViewKind};
use crate::{Error, State};

/// How deep comparison goes.
const DEEPEST: u32 = 400;

/// Python's `==`. A strict undefined value is an error, and so is nesting without end.
pub(crate) fn equal(a: &Value, b: &Value) -> Result<bool, Error> {
    equal_within(a, b, DEEPEST)
}

fn equal_within(a: &Value, b: &Value, depth: u32) -> Result<bool, Error> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    Ok(match (a, b) {
        (Value::Undefined(undefined), other) | (other, Value::Undefined(undefined)) => {
            undefined.require_lenient()?;
            other.is_undefined()
        }
        (Value::Str(a) | Value::Markup(a), Value::Str(b) | Value::Markup(b)) => a == b,
        (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.is_same(b) || (a.len() == b.len() && all_equal(&a.to_vec(), &b.to_vec(), depth)?)
        }
        (Value::Tuple(a), Value::Tuple(b)) => {
            a.is_same(b) || (a.len() == b.len() && all_equal(a.items(), b.items(), depth)?)
        }
        (Value::Dict(a), Value::Dict(b)) => {
            if a.is_same(b) {
                return Ok(true);
            }
            if a.len() != b.len() {
                return Ok(false);
            }
            for (key, value) in a.to_pairs() {
                match b.lookup(&key)? {
                    Some(there) if value.is_same(&there) || equal_within(&value, &there, depth)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Range(a), Value::Range(b)) => {
            a.len() == b.len() && a.get(0) == b.get(0) && (a.len() < 2 || a.step == b.step)
        }
        (Value::Set(_) | Value::View(_), Value::Set(_) | Value::View(_)) => match (as_set(a), as_set(b)) {
            (Some(a), Some(b)) => a.len() == b.len() && subset(&a, &b)?,
            _ => a.is_same(b),
        },
        (a, b) => match compare_numbers(a, b) {
            Some(standing) => matches!(standing, Standing::Ordered(Ordering::Equal)),
            None => a.is_same(b),
        },
    })
}

fn all_equal(a: &[Value], b: &[Value], depth: u32) -> Result<bool, Error> {
    for (a, b) in a.iter().zip(b) {
        if !a.is_same(b) && !equal_within(a, b, depth)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn too_deep() -> Error {
    Error::other("RecursionError", "maximum recursion depth exceeded in comparison")
}

/// An ordering comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Order {
    fn symbol(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::LessEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterEqual => ordering.is_ge(),
        }
    }
}

/// Python's `<`, `<=`, `>`, `>=`. Mixed types are a `TypeError`.
pub(crate) fn ordered(a: &Value, b: &Value, order: Order) -> Result<bool, Error> {
    ordered_within(a, b, order, DEEPEST)
}

fn ordered_within(a: &Value, b: &Value, order: Order, depth: u32) -> Result<bool, Error> {
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    match (a, b) {
        (Value::Undefined(undefined), _) | (_, Value::Undefined(undefined)) => Err(undefined.error()),
        (Value::Str(a) | Value::Markup(a), Value::Str(b) | Value::Markup(b)) => Ok(order.holds(a.cmp(b))),
        (Value::Bytes(a), Value::Bytes(b)) => Ok(order.holds(a.cmp(b))),
        (Value::List(a), Value::List(b)) => ordered_items(&a.to_vec(), &b.to_vec(), order, depth),
        (Value::Tuple(a), Value::Tuple(b)) => ordered_items(a.items(), b.items(), order, depth),
        (Value::Set(_) | Value::View(_), Value::Set(_) | Value::View(_)) => match (as_set(a), as_set(b)) {
            (Some(small), Some(large)) => match order {
                Order::Less => Ok(small.len() < large.len() && subset(&small, &large)?),
                Order::LessEqual => subset(&small, &large),
                Order::Greater => Ok(small.len() > large.len() && subset(&large, &small)?),
                Order::GreaterEqual => subset(&large, &small),
            },
            _ => Err(unordered(a, b, order)),
        },
        (a, b) => match compare_numbers(a, b) {
            Some(Standing::Ordered(ordering)) => Ok(order.holds(ordering)),
            Some(Standing::Unordered) => Ok(false),
            None => Err(unordered(a, b, order)),
        },
    }
}

fn ordered_items(a: &[Value], b: &[Value], order: Order, depth: u32) -> Result<bool, Error> {
    for (a, b) in a.iter().zip(b) {
        if !a.is_same(b) && !equal_within(a, b, depth)? {
            return ordered_within(a, b, order, depth);
        }
    }
    Ok(order.holds(a.len().cmp(&b.len())))
}

fn unordered(a: &Value, b: &Value, order: Order) -> Error {
    Error::type_error(format!(
        "'{}' not supported between instances of '{}' and '{}'",
        order.symbol(),
        a.type_name(),
        b.type_name()
    ))
}

/// How two numbers stand to each other.
enum Standing {
    Ordered(Ordering),
    /// One is not a number (NaN).
    Unordered,
}

impl Standing {
    fn of(ordering: Option<Ordering>) -> Self {
        ordering.map_or(Self::Unordered, Self::Ordered)
    }

    fn reverse(self) -> Self {
        match self {
            Self::Ordered(ordering) => Self::Ordered(ordering.reverse()),
            Self::Unordered => Self::Unordered,
        }
    }
}

/// `None` when one is no number.
fn compare_numbers(a: &Value, b: &Value) -> Option<Standing> {
    if let (Some(a), Some(b)) = (a.as_int(), b.as_int()) {
        return Some(Standing::Ordered(a.cmp(&b)));
    }
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => Some(Standing::of(a.partial_cmp(b))),
        (Value::Big(a), Value::Big(b)) => Some(Standing::Ordered(a.cmp(b))),
        (Value::Big(a), b) if b.as_int().is_some() => {
            let negative = a.sign() == num_bigint::Sign::Minus;
            Some(Standing::Ordered(if negative { Ordering::Less } else { Ordering::Greater }))
        }
        (a, Value::Big(_)) if a.as_int().is_some() => compare_numbers(b, a).map(Standing::reverse),
        (Value::Float(a), b) => compare_float(*a, b),
        (a, Value::Float(b)) => compare_float(*b, a).map(Standing::reverse),
        _ => None,
    }
}

/// Exact, also where a float cannot hold the integer.
fn compare_float(a: f64, b: &Value) -> Option<Standing> {
    let b = match b {
        Value::Big(number) => (**number).clone(),
        b => b.as_int()?.into(),
    };
    if a.is_nan() {
        return Some(Standing::Unordered);
    }
    if a.is_infinite() {
        return Some(Standing::Ordered(if a > 0.0 { Ordering::Greater } else { Ordering::Less }));
    }
    let whole = num_bigint::BigInt::from_f64(a.trunc())?;
    let fraction = || a.fract().partial_cmp(&0.0).unwrap_or(Ordering::Equal);
    Some(Standing::Ordered(whole.cmp(&b).then_with(fraction)))
}

/// Sets and set-like views as their members.
fn as_set(value: &Value) -> Option<super::Set> {
    match value {
        Value::Set(set) => Some(set.clone()),
        Value::View(view) if view.kind != ViewKind::Values => super::Set::from_items(view.to_vec()).ok(),
        _ => None,
    }
}

fn subset(small: &super::Set, large: &super::Set) -> Result<bool, Error> {
    let large = large.borrow();
    Ok(small.borrow().iter().all(|key| large.contains(key)))
}

/// Python's `item in container`.
pub(crate) fn contains(state: &mut State<'_>, container: &Value, item: &Value) -> Result<bool, Error> {
    match container {
        Value::Str(text) | Value::Markup(text) => match item {
            Value::Str(part) | Value::Markup(part) => Ok(text.contains(&**part)),
            item => Err(Error::type_error(format!(
                "'in <string>' requires string as left operand, not {}",
                item.type_name()
            ))),
        },
        Value::Dict(dict) => Ok(dict.lookup(item)?.is_some()),
        Value::View(view) if view.kind == ViewKind::Keys => Ok(view.dict.lookup(item)?.is_some()),
        Value::Set(set) => {
            let key = super::Key::new(item.clone())?;
            Ok(set.borrow().contains(&key))
        }
        Value::Range(range) => match item {
            Value::Undefined(undefined) => {
                undefined.require_lenient()?;
                Ok(false)
            }
            Value::Float(number) if number.fract() == 0.0 => Ok(range.contains(*number as i64)),
            item => Ok(item.as_int().is_some_and(|number| range.contains(number))),
        },
        Value::List(_) | Value::Tuple(_) | Value::View(_) | Value::Bytes(_) | Value::Iterator(_) => {
            let mut cursor = container.cursor(state)?;
            while let Some(member) = cursor.next(state)? {
                state.charge(1)?;
                if member.is_same(item) || equal(&member, item)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        Value::Undefined(undefined) => {
            undefined.require_lenient()?;
            Ok(false)
        }
        Value::Object(object) => match object.contains(state, item)? {
            Some(answer) => Ok(answer),
            None => match object.iterate(state)? {
                Some(items) => contains(state, &Value::tuple(items), item),
                None => Err(not_a_container(container)),
            },
        },
        container => Err(not_a_container(container)),
    }
}

fn not_a_container(value: &Value) -> Error {
    Error::type_error(format!("argument of type '{}' is not iterable", value.type_name()))
}
