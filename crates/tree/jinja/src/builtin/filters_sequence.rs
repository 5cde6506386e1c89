//! Filters for sequences and mappings.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use super::sorting::{Getter, with_keys};
use super::{flag, integer, only_input, required, sort_values};
use crate::value::arithmetic::{Operator, binary};
use crate::value::compare::{Order, equal, ordered};
use crate::{Args, Environment, Error, ErrorKind, Iter, Key, Set, Signature, State, Tuple, Value};

pub(super) fn register(environment: &mut Environment) {
    for name in ["length", "count"] {
        environment.add_filter(name, |_, args| {
            let input = only_input(args, "len", &["obj"])?;
            match input.length()? {
                Some(length) => Ok(length.into()),
                None => {
                    Err(Error::type_error(format!("object of type '{}' has no len()", input.type_name())))
                }
            }
        });
    }
    for name in ["default", "d"] {
        environment.add_filter(name, |_, args| {
            const SIGNATURE: Signature =
                Signature::new("do_default", &["value", "default_value", "boolean"], 1);
            let [input, default, boolean] = args.bind(&SIGNATURE)?;
            let input = required(input);
            if input.is_undefined() || (flag(boolean)? && !input.is_true()?) {
                return Ok(default.unwrap_or_else(|| "".into()));
            }
            Ok(input)
        });
    }
    environment.add_filter("list", |state, args| {
        let input = only_input(args, "do_list", &["value"])?;
        input.to_items(state).map(Value::list)
    });
    environment.add_filter("first", |state, args| {
        let [input] = args.bind(&Signature::new("sync_do_first", &["seq"], 1).with_context())?;
        match required(input).cursor(state)?.next(state)? {
            Some(item) => Ok(item),
            None => Ok(state.undefined_hint("No first item, sequence was empty.")),
        }
    });
    environment.add_filter("last", |state, args| {
        let [input] = args.bind(&Signature::new("do_last", &["seq"], 1).with_context())?;
        let items = reversible(state, &required(input))?;
        match items.into_iter().next_back() {
            Some(item) => Ok(item),
            None => Ok(state.undefined_hint("No last item, sequence was empty.")),
        }
    });
    environment.add_filter("random", |state, args| {
        let [input] = args.bind(&Signature::new("do_random", &["seq"], 1).with_context())?;
        let items = required(input).to_items(state)?;
        if items.is_empty() {
            return Ok(state.undefined_hint("No random item, sequence was empty."));
        }
        // The hasher's keys are random.
        let at = RandomState::new().hash_one(0) % items.len() as u64;
        Ok(items.into_iter().nth(at as usize).unwrap_or(Value::None))
    });
    environment.add_filter("join", join);
    environment.add_filter("sort", sort);
    environment.add_filter("dictsort", dictsort);
    environment.add_filter("unique", unique);
    environment.add_filter("min", |state, args| extreme(state, args, "do_min", Order::Less));
    environment.add_filter("max", |state, args| extreme(state, args, "do_max", Order::Greater));
    environment.add_filter("sum", sum);
    environment.add_filter("reverse", reverse);
    environment.add_filter("slice", slice);
    environment.add_filter("batch", batch);
    environment.add_filter("groupby", groupby);
    environment.add_filter("items", |state, args| {
        let input = only_input(args, "do_items", &["value"])?;
        let pairs = match &input {
            Value::Undefined(_) => Vec::new(),
            Value::Dict(dict) => {
                dict.to_pairs().into_iter().map(|(key, value)| Value::tuple(vec![key, value])).collect()
            }
            Value::Object(object) if object.is_mapping() => {
                let items = state.attribute(&input, "items")?;
                state.call(&items, Args::default())?.to_items(state)?
            }
            _ => return Err(Error::type_error("Can only get item pairs from a mapping.")),
        };
        Ok(Value::Iterator(generated("do_items", pairs)))
    });
}

/// A generator over items that are known already.
fn generated(function: &'static str, items: Vec<Value>) -> Iter {
    let mut items = items.into_iter();
    Iter::generator(function, move |_: &mut State<'_>| Ok(items.next()))
}

/// The items of what `reversed()` accepts.
fn reversible(state: &mut State<'_>, value: &Value) -> Result<Vec<Value>, Error> {
    match value {
        Value::Iterator(_) | Value::Set(_) => {
            Err(Error::type_error(format!("'{}' object is not reversible", value.type_name())))
        }
        value => value.to_items(state).map_err(|error| match error.kind() {
            ErrorKind::Type => Error::type_error(format!("'{}' object is not reversible", value.type_name())),
            _ => error,
        }),
    }
}

fn join(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const SIGNATURE: Signature =
        Signature::new("sync_do_join", &["value", "d", "attribute"], 1).with_context();
    let [input, separator, attribute] = args.bind(&SIGNATURE)?;
    let mut items = required(input).to_items(state)?;
    if let Some(attribute) = attribute.filter(|attribute| !attribute.is_none()) {
        let getter = Getter::new(Some(&attribute), false, None);
        for item in &mut items {
            *item = getter.get(state, item)?;
        }
    }
    let separator = separator.unwrap_or_else(|| "".into());
    let markup = state.autoescape()
        && (matches!(separator, Value::Markup(_))
            || items.iter().any(|item| matches!(item, Value::Markup(_))));
    let text = |value: &Value| {
        if markup { crate::methods::escape_value(value) } else { crate::value::text::to_text(value) }
    };
    let separator = text(&separator)?;
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            joined.push_str(&separator);
        }
        match item {
            Value::Str(text) if !markup => joined.push_str(text),
            item => joined.push_str(&text(item)?),
        }
        if joined.len() > state.limits().text {
            state.charge_text(joined.len())?;
        }
    }
    state.charge_text(joined.len())?;
    Ok(if markup { Value::Markup(joined.into()) } else { joined.into() })
}

fn sort(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const SIGNATURE: Signature =
        Signature::new("do_sort", &["value", "reverse", "case_sensitive", "attribute"], 1).with_context();
    let [input, reverse, case_sensitive, attribute] = args.bind(&SIGNATURE)?;
    let getters = Getter::many(attribute.as_ref(), !flag(case_sensitive)?);
    let items = required(input).to_items(state)?;
    let keyed = with_keys(state, items, &getters)?;
    sort_values(state, keyed, flag(reverse)?).map(Value::list)
}

fn dictsort(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const SIGNATURE: Signature =
        Signature::new("do_dictsort", &["value", "case_sensitive", "by", "reverse"], 1);
    let [input, case_sensitive, by, reverse] = args.bind(&SIGNATURE)?;
    let position = match by.as_ref().map(|by| by.as_str().unwrap_or_default()) {
        None | Some("key") => 0,
        Some("value") => 1,
        Some(_) => {
            let message = "You can only sort by either \"key\" or \"value\"";
            return Err(Error::new(ErrorKind::FilterArgument, message));
        }
    };
    let fold_case = !flag(case_sensitive)?;
    let input = required(input);
    let pairs = match &input {
        Value::Dict(dict) => {
            dict.to_pairs().into_iter().map(|(key, value)| Value::tuple(vec![key, value])).collect()
        }
        Value::Object(_) => {
            let items = state.attribute(&input, "items")?;
            state.call(&items, Args::default())?.to_items(state)?
        }
        input => return Err(super::no_attribute(input, "items")),
    };
    let getter = Getter::new(Some(&Value::Int(position)), fold_case, None);
    let keyed = with_keys(state, pairs, &[getter])?;
    sort_values(state, keyed, flag(reverse)?).map(Value::list)
}

fn unique(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const SIGNATURE: Signature =
        Signature::new("sync_do_unique", &["value", "case_sensitive", "attribute"], 1).with_context();
    let [input, case_sensitive, attribute] = args.bind(&SIGNATURE)?;
    let getter = Getter::new(attribute.as_ref(), !flag(case_sensitive)?, None);
    let mut cursor = required(input).cursor(state)?;
    let seen = Set::new();
    let generator = move |state: &mut State<'_>| -> Result<Option<Value>, Error> {
        while let Some(item) = cursor.next(state)? {
            state.charge(1)?;
            let key = Key::new(getter.get(state, &item)?)?;
            if seen.borrow_mut().insert(key) {
                return Ok(Some(item));
            }
        }
        Ok(None)
    };
    Ok(Value::Iterator(Iter::generator("sync_do_unique", generator)))
}

fn extreme(state: &mut State<'_>, args: Args, name: &'static str, order: Order) -> Result<Value, Error> {
    let signature = Signature::new(name, &["value", "case_sensitive", "attribute"], 1).with_context();
    let [input, case_sensitive, attribute] = args.bind(&signature)?;
    let getter = Getter::new(attribute.as_ref(), !flag(case_sensitive)?, None);
    let mut best: Option<(Value, Value)> = None;
    for item in required(input).to_items(state)? {
        state.charge(1)?;
        let key = getter.get(state, &item)?;
        let better = match &best {
            None => true,
            Some((best, _)) => ordered(&key, best, order)?,
        };
        if better {
            best = Some((key, item));
        }
    }
    match best {
        Some((_, item)) => Ok(item),
        None => Ok(state.undefined_hint("No aggregated item, sequence was empty.")),
    }
}

fn sum(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const SIGNATURE: Signature =
        Signature::new("sync_do_sum", &["iterable", "attribute", "start"], 1).with_context();
    let [input, attribute, start] = args.bind(&SIGNATURE)?;
    let getter = Getter::new(attribute.as_ref(), false, None);
    let mut total = start.unwrap_or(Value::Int(0));
    if total.as_str().is_some() {
        return Err(Error::type_error("sum() can't sum strings [use ''.join(seq) instead]"));
    }
    for item in required(input).to_items(state)? {
        let item = getter.get(state, &item)?;
        total = binary(state, Operator::Add, &total, &item)?;
    }
    Ok(total)
}

fn reverse(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let input = only_input(args, "do_reverse", &["value"])?;
    if let Some(text) = input.as_str() {
        return Ok(super::like(&input, text.chars().rev().collect::<String>()));
    }
    let type_name = match &input {
        Value::List(_) => "list_reverseiterator",
        Value::Dict(_) => "dict_reversekeyiterator",
        Value::Range(_) => "range_iterator",
        Value::Undefined(undefined) => return Err(undefined.error()),
        _ => "reversed",
    };
    let becomes_list = matches!(input, Value::Iterator(_) | Value::Set(_));
    let mut items = input.to_items(state).map_err(|error| match error.kind() {
        ErrorKind::Type => Error::new(ErrorKind::FilterArgument, "argument must be iterable"),
        _ => error,
    })?;
    items.reverse();
    Ok(if becomes_list { Value::list(items) } else { Value::Iterator(Iter::over(type_name, items)) })
}

fn slice(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [input, slices, fill] =
        args.bind(&Signature::new("sync_do_slice", &["value", "slices", "fill_with"], 2))?;
    let items = required(input).to_items(state)?;
    let slices = integer(slices.as_ref(), 0)?;
    if slices == 0 {
        return Err(Error::new(ErrorKind::ZeroDivision, "integer division or modulo by zero"));
    }
    let slices = usize::try_from(slices).unwrap_or(0);
    state.charge_items(slices)?;
    let fill = fill.filter(|fill| !fill.is_none());
    let each = items.len().checked_div(slices).unwrap_or(0);
    let extra = items.len() - each * slices;
    let mut items = items.into_iter();
    let mut out = Vec::with_capacity(slices);
    for number in 0..slices {
        let mut part: Vec<Value> = items.by_ref().take(each + usize::from(number < extra)).collect();
        if number >= extra {
            part.extend(fill.clone());
        }
        out.push(Value::list(part));
    }
    Ok(Value::Iterator(generated("sync_do_slice", out)))
}

fn batch(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    let [input, count, fill] =
        args.bind(&Signature::new("do_batch", &["value", "linecount", "fill_with"], 2))?;
    let items = required(input).to_items(state)?;
    let count = usize::try_from(integer(count.as_ref(), 0)?).unwrap_or(0);
    let fill = fill.filter(|fill| !fill.is_none());
    let mut out: Vec<Value> = Vec::new();
    let mut part: Vec<Value> = Vec::new();
    if count == 0 && !items.is_empty() {
        // A batch that is never full takes everything, after an empty first one.
        out.push(Value::list(Vec::new()));
        out.extend(items.into_iter().map(|item| Value::list(vec![item])));
        return Ok(Value::Iterator(generated("do_batch", out)));
    }
    for item in items {
        if part.len() == count {
            out.push(Value::list(std::mem::take(&mut part)));
        }
        part.push(item);
    }
    if !part.is_empty() {
        if let Some(fill) = fill {
            state.charge_items(count)?;
            part.resize(count.max(part.len()), fill);
        }
        out.push(Value::list(part));
    }
    Ok(Value::Iterator(generated("do_batch", out)))
}

fn groupby(state: &mut State<'_>, args: Args) -> Result<Value, Error> {
    const SIGNATURE: Signature =
        Signature::new("sync_do_groupby", &["value", "attribute", "default", "case_sensitive"], 2)
            .with_context();
    let [input, attribute, default, case_sensitive] = args.bind(&SIGNATURE)?;
    let key = Getter::new(attribute.as_ref(), !flag(case_sensitive)?, default.clone());
    let shown = Getter::new(attribute.as_ref(), false, default);
    let items = required(input).to_items(state)?;
    let key = [key];
    let keyed = with_keys(state, items, &key)?;
    let [key] = &key;
    let mut groups: Vec<(Value, Value, Vec<Value>)> = Vec::new();
    for item in sort_values(state, keyed, false)? {
        let group = key.get(state, &item)?;
        match groups.last_mut() {
            Some((last, _, items)) if last.is_same(&group) || equal(last, &group)? => items.push(item),
            _ => groups.push((group, shown.get(state, &item)?, vec![item])),
        }
    }
    let tuples = groups.into_iter().map(|(_, grouper, items)| {
        Value::Tuple(Tuple::with_fields(vec![grouper, Value::list(items)], &["grouper", "list"]))
    });
    Ok(Value::list(tuples.collect()))
}
