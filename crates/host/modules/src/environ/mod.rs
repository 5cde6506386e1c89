//! `environ`: the variables that commands inherit.
//!
//! It only looks: the variables of a running Pinch do not change.

use value::{Map, Value};

use crate::{Context, Failure, Module};

arguments! {
    /// The value of a variable.
    pub(super) struct Get {
        /// Its name.
        key: String,
        /// What to answer when it is not set.
        default: Value = "",
    }
}

fn get(context: &Context<'_>, arguments: Get) -> Result<Value, Failure> {
    Ok(variable(context, &arguments.key).map_or(arguments.default, Value::from))
}

arguments! {
    /// Whether a variable is set, to a certain value if one is given.
    pub(super) struct HasValue {
        /// Its name.
        key: String,
        /// The value it should have.
        value: Option<String>,
    }
}

fn has_value(context: &Context<'_>, arguments: HasValue) -> Result<bool, Failure> {
    let set = variable(context, &arguments.key);
    Ok(set.is_some_and(|set| arguments.value.is_none_or(|value| value == set)))
}

arguments! {
    /// The values of some variables, by name.
    pub(super) struct Item {
        /// Their names.
        keys: Vec<String>,
        /// What stands for one that is not set.
        default: Value = "",
    }
}

fn item(context: &Context<'_>, arguments: Item) -> Result<Map, Failure> {
    let value = |key: &str| variable(context, key).map_or_else(|| arguments.default.clone(), Value::from);
    Ok(arguments.keys.iter().map(|key| (key.as_str(), value(key))).collect())
}

arguments! {
    /// All variables.
    pub(super) struct Nothing {}
}

fn items(context: &Context<'_>, _: Nothing) -> Result<Map, Failure> {
    Ok(context.host().environment().iter().map(|(name, value)| (name.as_str(), value)).collect())
}

fn variable<'a>(context: &Context<'a>, key: &str) -> Option<&'a str> {
    let set = context.host().environment().iter().find(|(name, _)| name == key);
    set.map(|(_, value)| value.as_str())
}

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "environ",
    documentation: "Environment variables that commands inherit.",
    states: &[],
    functions: &[
        execution!("get", get, Get),
        execution!("has_value", has_value, HasValue),
        execution!("item", item, Item),
        execution!("items", items, Nothing),
    ],
};
