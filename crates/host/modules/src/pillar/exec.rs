//! Execution functions.

use value::{Data, Map, Value};

use crate::traverse::{traverse, update};
use crate::{Context, Failure, Rest};

arguments! {
    /// The value at a path, or a default.
    pub(super) struct Get {
        /// The path: keys joined by the delimiter (`web:port`).
        key: String,
        /// What to answer when nothing is there: an empty text, unless `pillar_raise_on_missing` is set.
        default: Option<Value>,
        /// Lay what is found over the default, where both are mappings or both are lists.
        merge: bool = false,
        /// Whether lists inside are joined when merging; `pillar_merge_lists` by default.
        merge_nested_lists: Option<bool>,
        /// What joins the keys.
        delimiter: String = ":",
        /// Accepted; the run has one pillar.
        pillarenv: Option<String>,
        /// Accepted; the run has one pillar.
        saltenv: Option<String>,
    }
}

/// See [`Get`].
pub(super) fn get(context: &Context<'_>, arguments: &Map) -> Result<Value, Failure> {
    let key = arguments.get("key").map(Value::to_string).unwrap_or_default();
    let delimiter = arguments.get("delimiter").and_then(Value::as_str).unwrap_or(":");
    let pillar = context.minion.pillar();
    let found = traverse(&pillar, &key, delimiter);
    let default = arguments.get("default");
    if arguments.get("merge").is_some_and(Value::is_truthy)
        && let Some(default) = default
    {
        let nested = arguments.get("merge_nested_lists").filter(|nested| !nested.is_null());
        let nested = nested.or_else(|| context.minion.options.get("pillar_merge_lists"));
        if let Some(merged) = merged(default, found, nested.is_some_and(Value::is_truthy))? {
            return Ok(merged);
        }
    }
    match (found, default) {
        (Some(found), _) => Ok(found.clone()),
        (None, Some(default)) => Ok(default.clone()),
        (None, None)
            if context.minion.options.get("pillar_raise_on_missing").is_some_and(Value::is_truthy) =>
        {
            Err(missing(&key))
        }
        (None, None) => Ok("".into()),
    }
}

/// What is found laid over the default; `None` when their kinds differ and nothing is merged.
fn merged(default: &Value, found: Option<&Value>, nested: bool) -> Result<Option<Value>, Failure> {
    match (&default.data, found.map(|found| &found.data)) {
        (Data::Map(_) | Data::List(_), None) => Ok(Some(default.clone())),
        (Data::Map(_), Some(Data::Map(over))) => {
            update(default.clone(), over.clone().into(), nested).map(Some)
        }
        (Data::List(below), Some(Data::List(above))) => {
            let fresh = above.iter().filter(|item| !below.contains(item));
            Ok(Some(below.iter().chain(fresh).cloned().collect()))
        }
        _ => Ok(None),
    }
}

fn missing(key: &str) -> Failure {
    Failure::message(format!("Pillar key not found: {key}"))
        .hint(format!("set `{key}` in pillar, or say what to use without it: `pillar.get('{key}', …)`"))
}

arguments! {
    /// The values at several paths, by path.
    pub(super) struct Item {
        /// The paths.
        args: Rest,
        /// What stands for a value that is not there.
        default: Value = "",
        /// What joins the keys.
        delimiter: String = ":",
        /// Accepted; the run has one pillar.
        pillarenv: Option<String>,
        /// Accepted; the run has one pillar.
        saltenv: Option<String>,
    }
}

/// See [`Item`].
pub(super) fn item(context: &Context<'_>, arguments: Item) -> Result<Map, Failure> {
    let pillar = context.minion.pillar();
    let default = if arguments.default.is_null() { "".into() } else { arguments.default };
    Ok(arguments
        .args
        .0
        .iter()
        .map(|path| {
            let path = path.to_string();
            let value = traverse(&pillar, &path, &arguments.delimiter).unwrap_or(&default).clone();
            (path, value)
        })
        .collect())
}

arguments! {
    /// The whole pillar, or the values at the paths given.
    pub(super) struct Items {
        /// Paths.
        args: Rest,
        /// Data laid over the pillar before answering.
        pillar: Option<Map>,
        /// Accepted; the run has one pillar.
        pillarenv: Option<String>,
        /// Accepted; the run has one pillar.
        saltenv: Option<String>,
    }
}

/// See [`Items`].
pub(super) fn items(context: &Context<'_>, arguments: Items) -> Result<Value, Failure> {
    if !arguments.args.0.is_empty() {
        let asked = Item {
            args: arguments.args,
            default: "".into(),
            delimiter: ":".into(),
            pillarenv: None,
            saltenv: None,
        };
        return item(context, asked).map(Value::from);
    }
    let pillar = Value::from((*context.minion.pillar()).clone());
    match arguments.pillar {
        Some(over) => update(pillar, over.into(), false),
        None => Ok(pillar),
    }
}

/// The keys at the top.
pub(super) fn list(context: &Context<'_>, arguments: Items) -> Result<Value, Failure> {
    let items = items(context, arguments)?;
    Ok(items.as_map().into_iter().flat_map(Map::keys).map(ToString::to_string).collect())
}

/// The pillar with each value replaced by the name of its type, as Salt names them.
pub(super) fn obfuscate(context: &Context<'_>, arguments: Items) -> Result<Value, Failure> {
    items(context, arguments).map(hidden)
}

fn hidden(value: Value) -> Value {
    let name = match value.data {
        Data::Map(map) => {
            return map.into_iter().map(|(key, entry)| (key, hidden(entry.value))).collect::<Map>().into();
        }
        Data::List(items) => return items.into_iter().map(hidden).collect(),
        Data::Null => "<NoneType>",
        Data::Bool(_) => "<bool>",
        Data::Int(_) | Data::Big(_) => "<int>",
        Data::Float(_) => "<float>",
        Data::Str(_) => "<str>",
        Data::Bytes(_) => "<bytes>",
    };
    name.into()
}

arguments! {
    /// The pillar as it stands, or what is under one key of it.
    pub(super) struct Raw {
        /// A key at the top.
        key: Option<String>,
    }
}

/// See [`Raw`].
pub(super) fn raw(context: &Context<'_>, arguments: Raw) -> Result<Value, Failure> {
    let pillar = context.minion.pillar();
    Ok(match arguments.key.filter(|key| !key.is_empty()) {
        Some(key) => pillar.get(&key).cloned().unwrap_or_else(|| Map::new().into()),
        None => (*pillar).clone().into(),
    })
}

arguments! {
    /// The keys of the mapping at a path.
    pub(super) struct Keys {
        /// The path.
        key: String,
        /// What joins the keys.
        delimiter: String = ":",
    }
}

/// See [`Keys`].
pub(super) fn keys(context: &Context<'_>, arguments: Keys) -> Result<Value, Failure> {
    let pillar = context.minion.pillar();
    let found =
        traverse(&pillar, &arguments.key, &arguments.delimiter).ok_or_else(|| missing(&arguments.key))?;
    let map = found.as_map().ok_or_else(|| {
        Failure::message(format!("Pillar value in key {} is not a dict", arguments.key))
            .hint("only a mapping has keys: name one, or take the value with `pillar.get`")
    })?;
    Ok(map.keys().map(ToString::to_string).collect())
}

arguments! {
    /// The entry of a table that fits a pillar value.
    pub(super) struct FilterBy {
        /// The table: shell pattern to value.
        lookup_dict: Map,
        /// The pillar path.
        pillar: String,
        /// A mapping laid over the entry that is found.
        merge: Option<Map>,
        /// The entry to take when none fits.
        default: String = "default",
        /// The entry that all others are laid over.
        base: Option<String>,
    }
}

/// See [`FilterBy`].
pub(super) fn filter_by(context: &Context<'_>, arguments: &Map) -> Result<Value, Failure> {
    let path = arguments.get("pillar").map(Value::to_string).unwrap_or_default();
    crate::filter_by::filter_by(arguments, &path, &context.minion.pillar())
}
