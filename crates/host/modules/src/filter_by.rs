//! Choosing by pattern from a table: what `grains.filter_by` and `pillar.filter_by` share.

use std::borrow::Cow;

use target::Pattern;
use value::{Key, Map, Value};

use crate::Failure;
use crate::traverse::{traverse, update};

/// Salt's `salt.utils.data.filter_by`: the entry of the table whose key, a shell pattern, fits the value at
/// `path` (the first item that fits, where that is a list); else the entry `default`. It is laid over the
/// entry `base`, and `merge` over both.
///
/// Arguments are read from the bound map by reference: tables are large, and one entry of them is wanted.
pub(crate) fn filter_by(arguments: &Map, path: &str, data: &Map) -> Result<Value, Failure> {
    let table = arguments.get("lookup_dict").ok_or_else(|| {
        Failure::message("filter_by() missing 1 required positional argument: 'lookup_dict'")
            .hint("write the table as the first argument: `grains.filter_by({'Debian': {…}, 'RedHat': {…}})`")
    })?;
    let table = table.as_map().ok_or_else(|| {
        Failure::message(format!("filter_by: lookup_dict has to be a mapping, not {}", table.kind()))
            .hint("the table maps a grain's values to what belongs to them: `{'Debian': {…}, 'RedHat': {…}}`")
    })?;
    let fallback = arguments.get("default").map_or(Cow::Borrowed("default"), |name| text_of(name));
    let found = choose(table, traverse(data, path, ":")).or_else(|| table.get(&fallback));
    let found = found.filter(|found| !found.is_null());
    let base =
        arguments.get("base").filter(|name| name.is_truthy()).and_then(|name| table.get(&text_of(name)));
    let chosen = match (found, base) {
        (None, base) => base.cloned(),
        (Some(found), Some(base)) if base.as_map().is_some() => {
            if found.as_map().is_none() {
                return Err(Failure::message(
                    "filter_by default and look-up values must both be dictionaries.",
                )
                .hint("make the chosen entry of the table a mapping, as the one that `base` names"));
            }
            Some(update(base.clone(), found.clone(), false)?)
        }
        (Some(found), _) => Some(found.clone()),
    };
    match (arguments.get("merge").filter(|merge| merge.is_truthy()), chosen) {
        (None, chosen) => Ok(chosen.unwrap_or(Value::NULL)),
        (Some(merge), _) if merge.as_map().is_none() => {
            Err(Failure::message("filter_by merge argument must be a dictionary.")
                .hint("give `merge` a mapping, such as `salt['pillar.get']('web', {})`"))
        }
        (Some(merge), None) => Ok(merge.clone()),
        (Some(merge), Some(chosen)) => update(chosen, merge.clone(), false),
    }
}

/// The first entry, in the table's order, that fits the value or the first of its items that any entry fits.
fn choose<'a>(table: &'a Map, value: Option<&Value>) -> Option<&'a Value> {
    let value = value?;
    let items = value.as_list().unwrap_or(std::slice::from_ref(value));
    items.iter().find_map(|item| {
        let item = text_of(item);
        let entry = table.iter().find(|(key, _)| match key {
            Key::Str(pattern) => Pattern::fits(pattern, &item),
            key => Pattern::fits(&key.to_string(), &item),
        });
        entry.map(|(_, value)| value).filter(|value| !value.is_null())
    })
}

fn text_of(value: &Value) -> Cow<'_, str> {
    value.as_str().map_or_else(|| Cow::Owned(value.to_string()), Cow::Borrowed)
}
