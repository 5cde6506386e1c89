//! Execution functions.

use value::{Map, Value};

use crate::traverse::traverse;
use crate::{Context, Failure, Rest};

arguments! {
    /// The grain at a path, or a default.
    pub(super) struct Get {
        /// The path: keys joined by the delimiter (`ip_interfaces:eth0`).
        key: String,
        /// What to answer when nothing is there.
        default: Value = "",
        /// What joins the keys.
        delimiter: String = ":",
        /// Accepted; mappings keep their order.
        ordered: bool = true,
    }
}

/// See [`Get`].
pub(super) fn get(context: &Context<'_>, arguments: &Map) -> Result<Value, Failure> {
    let key = arguments.get("key").map(Value::to_string).unwrap_or_default();
    let delimiter = arguments.get("delimiter").and_then(Value::as_str).unwrap_or(":");
    let found = traverse(&context.minion.grains, &key, delimiter).or_else(|| arguments.get("default"));
    Ok(found.cloned().unwrap_or_else(|| "".into()))
}

arguments! {
    /// The entry of a table that fits a grain: the usual way to hold per-distribution values in a formula.
    pub(super) struct FilterBy {
        /// The table: shell pattern to value.
        lookup_dict: Map,
        /// The grain's path.
        grain: String = "os_family",
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
    let grains = &context.minion.grains;
    match arguments.get("grain") {
        Some(path) => crate::filter_by::filter_by(arguments, &path.to_string(), grains),
        None => crate::filter_by::filter_by(arguments, "os_family", grains),
    }
}

arguments! {
    /// Whether there is a grain at a path.
    pub(super) struct Key {
        /// The path.
        key: String,
    }
}

/// See [`Key`].
pub(super) fn has_value(context: &Context<'_>, arguments: Key) -> Result<bool, Failure> {
    Ok(traverse(&context.minion.grains, &arguments.key, ":").is_some())
}

arguments! {
    /// Whether the grain at a path reads as a value does.
    pub(super) struct Equals {
        /// The path.
        key: String,
        /// The value.
        value: Value,
    }
}

/// See [`Equals`].
pub(super) fn equals(context: &Context<'_>, arguments: Equals) -> Result<bool, Failure> {
    let found = traverse(&context.minion.grains, &arguments.key, ":").map(Value::to_string);
    Ok(found.unwrap_or_default() == arguments.value.to_string())
}

arguments! {
    /// The grains at several paths, by path.
    pub(super) struct Item {
        /// The paths.
        args: Rest,
        /// What stands for a grain that is not there.
        default: Value = "",
        /// What joins the keys.
        delimiter: String = ":",
        /// Hide what tells this machine from others: names, domain, serial number.
        sanitize: bool = false,
    }
}

/// See [`Item`].
pub(super) fn item(context: &Context<'_>, arguments: Item) -> Result<Map, Failure> {
    let found = |path: &Value| {
        let path = path.to_string();
        let grain = traverse(&context.minion.grains, &path, &arguments.delimiter);
        let value = grain.unwrap_or(&arguments.default).clone();
        (path, value)
    };
    Ok(sanitized(arguments.args.0.iter().map(found).collect(), arguments.sanitize))
}

arguments! {
    /// All grains.
    pub(super) struct Items {
        /// Hide what tells this machine from others: names, domain, serial number.
        sanitize: bool = false,
    }
}

/// See [`Items`].
pub(super) fn items(context: &Context<'_>, arguments: Items) -> Result<Map, Failure> {
    Ok(sanitized(context.minion.grains.clone(), arguments.sanitize))
}

fn sanitized(mut grains: Map, sanitize: bool) -> Map {
    if !sanitize {
        return grains;
    }
    for (key, value) in grains.iter_mut() {
        match key.as_str() {
            Some("serialnumber") => *value = without_end(&value.to_string()).into(),
            Some("domain") => *value = "DOMAINNAME".into(),
            Some("fqdn" | "id") => *value = "MINION.DOMAINNAME".into(),
            Some("host" | "localhost" | "nodename") => *value = "MINION".into(),
            _ => {}
        }
    }
    grains
}

/// The text with its last quarter crossed out.
fn without_end(text: &str) -> String {
    let keep = text.chars().count() * 3 / 4;
    text.chars().enumerate().map(|(at, letter)| if at < keep { letter } else { 'X' }).collect()
}

arguments! {
    /// The names of all grains, sorted.
    pub(super) struct Nothing {}
}

/// See [`Nothing`].
pub(super) fn list(context: &Context<'_>, _: Nothing) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = context.minion.grains.keys().map(ToString::to_string).collect();
    names.sort();
    Ok(names)
}
