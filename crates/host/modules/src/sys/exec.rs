//! Execution functions.

use std::collections::BTreeSet;

use target::Pattern;
use value::{Map, Value};

use super::describe::{Described, execution_functions, state_functions as all_state_functions};
use crate::{Context, Failure, Rest};

arguments! {
    /// Functions, chosen by module, full name or shell pattern; all of them when nothing is given.
    pub(super) struct Which {
        /// Modules (`file`), functions (`file.managed`) or patterns (`file.*`).
        args: Rest
        ;.. ignored
    }
}

impl Which {
    fn chooses(&self, name: &str) -> bool {
        let fits = |asked: &str| match asked {
            pattern if pattern.contains(['*', '?', '[']) => Pattern::fits(pattern, name),
            asked => {
                name == asked
                    || name.split_once('.').is_some_and(|(module, _)| module == asked.trim_end_matches('.'))
            }
        };
        self.args.0.is_empty() || self.args.0.iter().any(|asked| fits(&asked.to_string()))
    }

    fn names(&self, functions: Vec<Described>) -> Value {
        functions.into_iter().map(|function| function.name).filter(|name| self.chooses(name)).collect()
    }

    fn texts(&self, functions: Vec<Described>) -> Map {
        let chosen = functions.iter().filter(|function| self.chooses(&function.name));
        chosen.map(|function| (function.name.as_str(), function.text())).collect()
    }

    fn modules(&self, functions: Vec<Described>) -> Value {
        let module = |name: &str| name.split_once('.').map(|(module, _)| module.to_string());
        let chosen = functions.iter().filter(|function| self.chooses(&function.name));
        chosen.filter_map(|function| module(&function.name)).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// What execution functions do and which arguments they take.
pub(super) fn documentation(_: &Context<'_>, which: Which) -> Result<Map, Failure> {
    Ok(which.texts(execution_functions()))
}

/// What state functions bring about and which arguments they take. A module's own name is described too.
pub(super) fn state_documentation(_: &Context<'_>, which: Which) -> Result<Map, Failure> {
    Ok(which.texts(all_state_functions()))
}

/// The names of execution functions.
pub(super) fn functions(_: &Context<'_>, which: Which) -> Result<Value, Failure> {
    Ok(which.names(execution_functions()))
}

/// The names of state functions.
pub(super) fn state_functions(_: &Context<'_>, which: Which) -> Result<Value, Failure> {
    Ok(which.names(all_state_functions()))
}

/// The names of modules that have execution functions.
pub(super) fn modules(_: &Context<'_>, which: Which) -> Result<Value, Failure> {
    Ok(which.modules(execution_functions()))
}

/// The names of modules that have state functions.
pub(super) fn state_modules(_: &Context<'_>, which: Which) -> Result<Value, Failure> {
    Ok(which.modules(all_state_functions()))
}

arguments! {
    /// How functions are called.
    pub(super) struct ArgumentsOf {
        /// A module, a function or a shell pattern; all functions when empty.
        module: String = "",
    }
}

impl ArgumentsOf {
    fn which(self) -> Which {
        let asked = if self.module.is_empty() { Vec::new() } else { vec![self.module.into()] };
        Which { args: Rest(asked), ignored: Map::new() }
    }

    fn describe(self, functions: Vec<Described>, form: fn(&Described) -> Map) -> Map {
        let which = self.which();
        let chosen = functions.iter().filter(|function| which.chooses(&function.name));
        chosen.map(|function| (function.name.as_str(), form(function))).collect()
    }
}

/// The arguments of execution functions: names, defaults, whether more are taken.
pub(super) fn arguments(_: &Context<'_>, of: ArgumentsOf) -> Result<Map, Failure> {
    Ok(of.describe(execution_functions(), Described::specification))
}

/// The arguments of state functions: names, defaults, whether more are taken.
pub(super) fn state_arguments(_: &Context<'_>, of: ArgumentsOf) -> Result<Map, Failure> {
    Ok(of.describe(all_state_functions(), Described::specification))
}

/// A JSON schema of state functions, for editors and generators.
pub(super) fn state_schema(_: &Context<'_>, of: ArgumentsOf) -> Result<Map, Failure> {
    Ok(schema_of("State", of.describe(all_state_functions(), Described::schema)))
}

/// A JSON schema of execution functions, for editors and generators.
pub(super) fn schema(_: &Context<'_>, of: ArgumentsOf) -> Result<Map, Failure> {
    Ok(schema_of("Function", of.describe(execution_functions(), Described::schema)))
}

fn schema_of(title: &str, definitions: Map) -> Map {
    [
        ("$schema", Value::from("http://json-schema.org/draft-07/schema#")),
        ("title", format!("{title} Schema").into()),
        ("definitions", definitions.into()),
    ]
    .into_iter()
    .collect()
}

arguments! {
    /// Answers true: the catalogue is part of the program, there is nothing to reload.
    pub(super) struct Nothing {}
}

/// See [`Nothing`].
pub(super) fn reload(_: &Context<'_>, _: Nothing) -> Result<bool, Failure> {
    Ok(true)
}
