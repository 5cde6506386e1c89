//! `pprint`, as Python's `pprint` lays values out.

use super::sort_values;
use crate::value::text::repr;
use crate::{Error, State, Value};

const WIDTH: usize = 80;

/// The value's `repr`, keys sorted, broken into lines where it is wider than 80 columns.
pub(super) fn pretty(state: &mut State<'_>, value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    write(state, &mut out, value, 0, 0, 0)?;
    state.charge_text(out.len())?;
    Ok(out)
}

fn write(
    state: &mut State<'_>,
    out: &mut String,
    value: &Value,
    indent: usize,
    allowance: usize,
    depth: u32,
) -> Result<(), Error> {
    state.charge(1)?;
    let sorted = sorted_keys(state, value, depth)?;
    let text = repr(&sorted)?;
    state.charge(text.len() as u64 / 64)?;
    if text.chars().count() + indent + allowance <= WIDTH {
        out.push_str(&text);
        return Ok(());
    }
    match &sorted {
        Value::Dict(dict) => {
            out.push('{');
            let pairs = dict.to_pairs();
            for (index, (key, value)) in pairs.iter().enumerate() {
                let last = index + 1 == pairs.len();
                let key = repr(key)?;
                out.push_str(&key);
                out.push_str(": ");
                let indent = indent + 1;
                let after = if last { allowance + 1 } else { 1 };
                write(state, out, value, indent + key.chars().count() + 2, after, depth + 1)?;
                separate(out, last, indent);
            }
            out.push('}');
        }
        Value::List(list) => items(state, out, &list.to_vec(), ("[", "]"), indent, allowance, depth)?,
        Value::Tuple(tuple) => {
            let close = if tuple.len() == 1 { ",)" } else { ")" };
            items(state, out, tuple.items(), ("(", close), indent, allowance, depth)?;
        }
        Value::Set(set) => items(state, out, &set.to_vec(), ("{", "}"), indent, allowance, depth)?,
        _ => out.push_str(&text),
    }
    Ok(())
}

fn items(
    state: &mut State<'_>,
    out: &mut String,
    items: &[Value],
    (open, close): (&str, &str),
    indent: usize,
    allowance: usize,
    depth: u32,
) -> Result<(), Error> {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        let last = index + 1 == items.len();
        let after = if last { allowance + close.len() } else { 1 };
        write(state, out, item, indent + open.len(), after, depth + 1)?;
        separate(out, last, indent + open.len());
    }
    out.push_str(close);
    Ok(())
}

fn separate(out: &mut String, last: bool, indent: usize) {
    if !last {
        out.push_str(",\n");
        out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// The value with the keys of all dicts in it sorted.
fn sorted_keys(state: &mut State<'_>, value: &Value, depth: u32) -> Result<Value, Error> {
    const DEEPEST: u32 = 100;
    if depth > DEEPEST {
        return Ok(value.clone());
    }
    state.charge(1)?;
    Ok(match value {
        Value::Dict(dict) => {
            let pairs = dict.to_pairs();
            let mut entries = Vec::with_capacity(pairs.len());
            for (key, value) in pairs {
                let value = sorted_keys(state, &value, depth + 1)?;
                entries.push((key.clone(), Value::tuple(vec![key, value])));
            }
            // Keys that have no order stay as they are.
            let unsorted: Vec<Value> = entries.iter().map(|(_, pair)| pair.clone()).collect();
            let sorted = sort_values(state, entries, false).unwrap_or(unsorted);
            let made = crate::Dict::new();
            for pair in sorted {
                if let Value::Tuple(pair) = &pair
                    && let [key, value] = pair.items()
                {
                    made.set(key.clone(), value.clone())?;
                }
            }
            Value::Dict(made)
        }
        Value::List(list) => {
            let items: Result<Vec<Value>, Error> =
                list.to_vec().iter().map(|item| sorted_keys(state, item, depth + 1)).collect();
            Value::list(items?)
        }
        value => value.clone(),
    })
}
