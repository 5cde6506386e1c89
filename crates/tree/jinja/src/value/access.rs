//! Attributes, items and slices, by the sandbox's rules.

use std::rc::Rc;
use std::sync::Arc;

use super::special::BoundMethod;
use super::{BlockReference, Range, Special, Undefined, UndefinedKind, Value};
use crate::{Error, State, methods};

/// `object.name`: the attribute, or else the item of that name.
pub(crate) fn attribute(state: &mut State<'_>, object: &Value, name: &Arc<str>) -> Result<Value, Error> {
    if let Value::Undefined(undefined) = object {
        return Err(undefined.error());
    }
    if let Some(value) = real_attribute(state, object, name)? {
        return Ok(value);
    }
    let item = match object {
        Value::Dict(dict) => dict.get(name),
        Value::Object(this) => this.item(state, &Value::Str(name.clone()))?,
        Value::Special(special) => template_block(special, name),
        _ => None,
    };
    Ok(item.unwrap_or_else(|| missing_attribute(state, object, name)))
}

fn missing_attribute(state: &State<'_>, object: &Value, name: &Arc<str>) -> Value {
    state.undefined(UndefinedKind::Attribute { object: object.clone(), name: name.clone() })
}

/// What Python's `getattr` finds, without looking at items.
pub(crate) fn real_attribute(
    state: &mut State<'_>,
    object: &Value,
    name: &Arc<str>,
) -> Result<Option<Value>, Error> {
    if name.len() > 4 && name.starts_with("__") && name.ends_with("__") {
        let kind = UndefinedKind::Unsafe { type_name: object.type_name().to_string(), name: name.clone() };
        return Ok(Some(Value::Undefined(Undefined::new(kind))));
    }
    Ok(match object {
        Value::Object(this) => this.attribute(state, name)?,
        Value::Special(special) => special_attribute(state, special, name)?,
        Value::Tuple(tuple) if tuple.field(name).is_some() => tuple.field(name).cloned(),
        Value::Range(range) => match &**name {
            "start" => Some(Value::Int(range.start)),
            "stop" => Some(Value::Int(range.stop)),
            "step" => Some(Value::Int(range.step)),
            _ => bound_method(object, name),
        },
        Value::Int(_) | Value::Bool(_) | Value::Big(_) => match &**name {
            "real" | "numerator" => Some(object.clone()),
            "imag" => Some(Value::Int(0)),
            "denominator" => Some(Value::Int(1)),
            _ => bound_method(object, name),
        },
        Value::Float(_) => match &**name {
            "real" => Some(object.clone()),
            "imag" => Some(Value::Float(0.0)),
            _ => bound_method(object, name),
        },
        _ => bound_method(object, name),
    })
}

fn bound_method(object: &Value, name: &Arc<str>) -> Option<Value> {
    methods::exists(object, name).then(|| {
        let method = BoundMethod { receiver: object.clone(), name: name.clone() };
        Value::Special(Rc::new(Special::Method(method)))
    })
}

fn special_attribute(
    state: &mut State<'_>,
    special: &Rc<Special>,
    name: &Arc<str>,
) -> Result<Option<Value>, Error> {
    Ok(match &**special {
        Special::Module(module) => module.exports.get(name).cloned(),
        Special::Namespace(namespace) => namespace.attributes.borrow().get(name).cloned(),
        Special::Loop(this) => match this.attribute(state, name)? {
            Some(value) => Some(value),
            None => LOOP_METHODS.contains(&&**name).then(|| {
                let receiver = Value::Special(special.clone());
                Value::Special(Rc::new(Special::Method(BoundMethod { receiver, name: name.clone() })))
            }),
        },
        Special::Macro(this) => {
            let function = this.unit.template.functions.get(this.function);
            match &**name {
                "name" => Some(this.name().map_or(Value::None, Value::Str)),
                "arguments" => Some(Value::tuple(
                    function
                        .map(|function| {
                            function.parameters.iter().map(|parameter| Value::Str(parameter.name.clone()))
                        })
                        .into_iter()
                        .flatten()
                        .collect(),
                )),
                "catch_kwargs" => function.map(|function| Value::Bool(function.keywords.is_some())),
                "catch_varargs" => function.map(|function| Value::Bool(function.varargs.is_some())),
                "caller" => function.map(|function| Value::Bool(function.caller.is_some())),
                _ => None,
            }
        }
        Special::Block(block) if &**name == "super" => Some(state.parent_block(block)),
        Special::Block(block) if &**name == "name" => Some(Value::Str(block.name.clone())),
        Special::Native(native) if &**name == "name" => Some(Value::Str(native.name.clone())),
        _ => None,
    })
}

const LOOP_METHODS: &[&str] = &["cycle", "changed"];

/// `object[index]`: the item, or else the attribute of that name.
pub(crate) fn item(state: &mut State<'_>, object: &Value, index: &Value) -> Result<Value, Error> {
    let found = match object {
        Value::Undefined(undefined) => return Err(undefined.error()),
        Value::Dict(dict) => match index {
            Value::List(_) | Value::Dict(_) | Value::Set(_) => None,
            index => dict.lookup(index)?,
        },
        Value::Object(this) => this.item(state, index)?,
        Value::Special(special) => index.as_str().and_then(|name| template_block(special, name)),
        object => match (index, index.as_int()) {
            (_, Some(index)) => sequence_item(object, index),
            _ => None,
        },
    };
    if let Some(value) = found {
        return Ok(value);
    }
    match index {
        Value::Str(name) | Value::Markup(name) => Ok(match real_attribute(state, object, name)? {
            Some(value) => value,
            None => missing_attribute(state, object, name),
        }),
        Value::Undefined(undefined) if undefined.is_strict() && object.as_dict().is_some() => {
            Err(undefined.error())
        }
        index => Ok(state.undefined(UndefinedKind::Element { object: object.clone(), index: index.clone() })),
    }
}

/// `self.name`: the most derived body of a block.
fn template_block(special: &Special, name: &str) -> Option<Value> {
    let Special::Template(context) = special else { return None };
    if !context.blocks.borrow().contains_key(name) {
        return None;
    }
    let block = BlockReference { name: name.into(), context: context.clone(), depth: 0 };
    Some(Value::Special(Rc::new(Special::Block(block))))
}

fn sequence_item(object: &Value, index: i64) -> Option<Value> {
    let at = |length: usize| -> Option<usize> {
        if index < 0 {
            length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
        } else {
            usize::try_from(index).ok().filter(|index| *index < length)
        }
    };
    match object {
        Value::List(list) => list.get(at(list.len())?),
        Value::Tuple(tuple) => tuple.items().get(at(tuple.len())?).cloned(),
        Value::Str(text) => Some(Value::Str(character(text, index)?)),
        Value::Markup(text) => Some(Value::Markup(character(text, index)?)),
        Value::Bytes(bytes) => Some(Value::Int(i64::from(*bytes.get(at(bytes.len())?)?))),
        Value::Range(range) => {
            let length = usize::try_from(range.len()).unwrap_or(usize::MAX);
            range.get(at(length)? as u64).map(Value::Int)
        }
        _ => None,
    }
}

fn character(text: &str, index: i64) -> Option<Arc<str>> {
    let found = if index < 0 {
        text.chars().nth_back(usize::try_from(index.unsigned_abs() - 1).ok()?)
    } else {
        text.chars().nth(usize::try_from(index).ok()?)
    }?;
    let mut buffer = [0; 4];
    Some((&*found.encode_utf8(&mut buffer)).into())
}

/// `object[start:stop:step]`; absent parts are `None`.
pub(crate) fn slice(state: &mut State<'_>, object: &Value, bounds: &[Value; 3]) -> Result<Value, Error> {
    let sliceable = match object {
        Value::Undefined(undefined) => return Err(undefined.error()),
        Value::Object(this) => match this.to_data() {
            Some(data) if !matches!(data, Value::Object(_)) => return slice(state, &data, bounds),
            _ => false,
        },
        Value::List(_)
        | Value::Tuple(_)
        | Value::Str(_)
        | Value::Markup(_)
        | Value::Bytes(_)
        | Value::Range(_) => true,
        _ => false,
    };
    if !sliceable {
        return Err(Error::type_error(match object {
            Value::Dict(_) => "unhashable type: 'slice'".to_string(),
            object => format!("'{}' object is not subscriptable", object.type_name()),
        }));
    }
    let length = object.length()?.unwrap_or(0);
    let indices = Indices::new(bounds, length)?;
    state.charge(indices.count as u64 / 16)?;
    Ok(match object {
        Value::List(list) => {
            let items = list.borrow();
            Value::list(indices.iter().filter_map(|index| items.get(index).cloned()).collect())
        }
        Value::Tuple(tuple) => {
            Value::tuple(indices.iter().filter_map(|index| tuple.items().get(index).cloned()).collect())
        }
        Value::Str(text) => Value::Str(slice_text(text, &indices)),
        Value::Markup(text) => Value::Markup(slice_text(text, &indices)),
        Value::Bytes(bytes) => {
            Value::Bytes(indices.iter().filter_map(|index| bytes.get(index).copied()).collect())
        }
        Value::Range(range) => {
            let number = |index: i64| range.start.saturating_add(range.step.saturating_mul(index));
            Value::Range(Rc::new(Range {
                start: number(indices.start),
                stop: number(indices.stop),
                step: range.step.saturating_mul(indices.step),
            }))
        }
        other => other.clone(),
    })
}

fn slice_text(text: &str, indices: &Indices) -> Arc<str> {
    if text.is_ascii() && indices.step == 1 {
        let start = usize::try_from(indices.start).unwrap_or(0);
        return text.get(start..start + indices.count).unwrap_or_default().into();
    }
    let characters: Vec<char> = text.chars().collect();
    indices.iter().filter_map(|index| characters.get(index)).collect::<String>().into()
}

/// The indices a slice takes from a sequence of a given length.
struct Indices {
    start: i64,
    stop: i64,
    step: i64,
    count: usize,
}

impl Indices {
    fn new(bounds: &[Value; 3], length: usize) -> Result<Self, Error> {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let [start, stop, step] = bounds;
        let step = bound(step)?.unwrap_or(1);
        if step == 0 {
            return Err(Error::value_error("slice step cannot be zero"));
        }
        let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
        let clamp = |index: i64| {
            let index = if index < 0 { index.saturating_add(length) } else { index };
            index.clamp(low, high)
        };
        let start = bound(start)?.map_or(if step > 0 { low } else { high }, clamp);
        let stop = bound(stop)?.map_or(if step > 0 { high } else { low }, clamp);
        let count = Range { start, stop, step }.len();
        Ok(Self { start, stop, step, count: usize::try_from(count).unwrap_or(usize::MAX) })
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        let (start, step) = (self.start, self.step);
        (0..self.count).filter_map(move |turn| {
            usize::try_from(start.saturating_add(step.saturating_mul(turn as i64))).ok()
        })
    }
}

fn bound(value: &Value) -> Result<Option<i64>, Error> {
    match value {
        Value::None => Ok(None),
        Value::Big(number) => {
            Ok(Some(if number.sign() == num_bigint::Sign::Minus { i64::MIN } else { i64::MAX }))
        }
        value => match value.as_int() {
            Some(number) => Ok(Some(number)),
            None => {
                Err(Error::type_error("slice indices must be integers or None or have an __index__ method"))
            }
        },
    }
}
