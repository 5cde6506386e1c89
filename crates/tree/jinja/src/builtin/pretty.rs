//! `pprint`, as Python's `pprint` lays values out.

use super::sort_values;
use crate::value::text::repr;
use crate::{Dict, Error, Object, State, Value};

const WIDTH: usize = 80;

/// The value's `repr`, keys sorted, broken into lines where it is wider than 80 columns.
pub(super) fn pretty(state: &mut State<'_>, value: &Value) -> Result<String, Error> {
    let sorted = sorted_keys(state, value, &mut Vec::new())?;
    let mut out = String::new();
    write(state, &mut out, &sorted, 0, 0)?;
    state.charge_text(out.len())?;
    Ok(out)
}

/// Writes a value that `sorted_keys` has made: not cyclic, not too deep.
fn write(
    state: &mut State<'_>,
    out: &mut String,
    value: &Value,
    indent: usize,
    allowance: usize,
) -> Result<(), Error> {
    state.charge(1)?;
    let text = repr(value)?;
    state.charge(text.len() as u64 / 64)?;
    if text.chars().count() + indent + allowance <= WIDTH {
        out.push_str(&text);
        return Ok(());
    }
    match value {
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
                write(state, out, value, indent + key.chars().count() + 2, after)?;
                separate(out, last, indent);
            }
            out.push('}');
        }
        Value::List(list) => items(state, out, &list.to_vec(), ("[", "]"), indent, allowance)?,
        Value::Tuple(tuple) => {
            let close = if tuple.len() == 1 { ",)" } else { ")" };
            items(state, out, tuple.items(), ("(", close), indent, allowance)?;
        }
        Value::Set(set) => items(state, out, &set.to_vec(), ("{", "}"), indent, allowance)?,
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
) -> Result<(), Error> {
    out.push_str(open);
    for (index, item) in items.iter().enumerate() {
        let last = index + 1 == items.len();
        let after = if last { allowance + close.len() } else { 1 };
        write(state, out, item, indent + open.len(), after)?;
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

/// A copy with the keys of all dicts in it sorted, and places where it holds itself marked.
/// `open` are the containers around it, by address.
fn sorted_keys(state: &mut State<'_>, value: &Value, open: &mut Vec<usize>) -> Result<Value, Error> {
    const DEEPEST: usize = 150;
    let address = match value {
        Value::Dict(dict) => dict.address(),
        Value::List(list) => list.address(),
        value => return Ok(value.clone()),
    };
    if open.contains(&address) {
        return Ok(Value::object(Recursion { type_name: value.type_name().to_string(), address }));
    }
    if open.len() >= DEEPEST {
        return Err(Error::other("RecursionError", "maximum recursion depth exceeded"));
    }
    state.charge(1)?;
    open.push(address);
    let sorted = match value {
        Value::Dict(dict) => sorted_dict(state, dict, open),
        Value::List(list) => {
            let items: Result<Vec<Value>, Error> =
                list.to_vec().iter().map(|item| sorted_keys(state, item, open)).collect();
            items.map(Value::list)
        }
        value => Ok(value.clone()),
    };
    open.pop();
    sorted
}

fn sorted_dict(state: &mut State<'_>, dict: &Dict, open: &mut Vec<usize>) -> Result<Value, Error> {
    let pairs = dict.to_pairs();
    let mut entries = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let value = sorted_keys(state, &value, open)?;
        entries.push((key.clone(), Value::tuple(vec![key, value])));
    }
    // Keys that have no order stay as they are.
    let unsorted: Vec<Value> = entries.iter().map(|(_, pair)| pair.clone()).collect();
    let made = Dict::new();
    for pair in sort_values(state, entries, false).unwrap_or(unsorted) {
        if let Value::Tuple(pair) = &pair
            && let [key, value] = pair.items()
        {
            made.set(key.clone(), value.clone())?;
        }
    }
    Ok(Value::Dict(made))
}

/// Stands where a container holds itself.
struct Recursion {
    type_name: String,
    address: usize,
}

impl Object for Recursion {
    fn type_name(&self) -> &str {
        &self.type_name
    }

    fn repr(&self) -> String {
        format!("<Recursion on {} with id={}>", self.type_name, self.address)
    }
}
