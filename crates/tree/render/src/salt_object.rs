//! `salt`: execution modules as templates see them.

use std::sync::Arc;

use jinja::{Args, Error, Object, State, Value};

use crate::{FunctionError, Functions};

/// `salt['module.function'](...)` and `salt.module.function(...)`.
pub(crate) struct Salt {
    functions: Arc<dyn Functions>,
}

impl Salt {
    pub(crate) fn new(functions: Arc<dyn Functions>) -> Self {
        Self { functions }
    }
}

impl Object for Salt {
    fn type_name(&self) -> &'static str {
        "salt.utils.templates.AliasedLoader"
    }

    fn item(&self, _state: &mut State<'_>, key: &Value) -> Result<Option<Value>, Error> {
        Ok(key.as_str().and_then(|name| function(&self.functions, name)))
    }

    fn attribute(&self, _state: &mut State<'_>, name: &str) -> Result<Option<Value>, Error> {
        let prefix = format!("{name}.");
        let known = self.functions.names();
        let is_module = known.is_empty() || known.iter().any(|function| function.starts_with(&prefix));
        Ok(is_module.then(|| Value::object(Module { functions: self.functions.clone(), prefix })))
    }

    fn call_method(&self, state: &mut State<'_>, name: &str, args: &Args) -> Result<Option<Value>, Error> {
        // `salt.get('module.function')`, as dicts have it.
        if name != "get" || args.positional.is_empty() {
            return Ok(None);
        }
        let found = args.positional.first().map(|key| self.item(state, key)).transpose()?.flatten();
        Ok(Some(found.or_else(|| args.positional.get(1).cloned()).unwrap_or(Value::None)))
    }

    fn contains(&self, _state: &mut State<'_>, key: &Value) -> Result<Option<bool>, Error> {
        Ok(Some(key.as_str().is_some_and(|name| self.functions.has(name))))
    }

    fn known_attributes(&self) -> Vec<Arc<str>> {
        self.functions.names().into_iter().map(Arc::from).collect()
    }
}

/// `salt.module`
struct Module {
    functions: Arc<dyn Functions>,
    /// The module's name and a dot.
    prefix: String,
}

impl Object for Module {
    fn type_name(&self) -> &'static str {
        "salt.loader.lazy.LoadedMod"
    }

    fn attribute(&self, _state: &mut State<'_>, name: &str) -> Result<Option<Value>, Error> {
        Ok(function(&self.functions, &format!("{}{name}", self.prefix)))
    }

    fn known_attributes(&self) -> Vec<Arc<str>> {
        let names = self.functions.names();
        names.iter().filter_map(|name| name.strip_prefix(&self.prefix)).map(Arc::from).collect()
    }
}

/// The function of that name, if there is one. In templates `cmd.run` goes through a shell.
fn function(functions: &Arc<dyn Functions>, name: &str) -> Option<Value> {
    let name: Arc<str> = match name {
        "cmd.run" if functions.has("cmd.shell") => "cmd.shell".into(),
        name => name.into(),
    };
    if !functions.has(&name) {
        return None;
    }
    let functions = functions.clone();
    Some(Value::function(name.clone(), move |state, args| call(&*functions, state, &name, args)))
}

fn call(functions: &dyn Functions, state: &mut State<'_>, name: &str, args: Args) -> Result<Value, Error> {
    let data = |value: &Value| value.to_data().map_err(|error| Error::type_error(format!("{name}: {error}")));
    let positional = args.positional.iter().map(data).collect::<Result<Vec<_>, _>>()?;
    let mut named = value::Map::new();
    for (key, value) in &args.keyword {
        named.insert(key.clone(), data(value)?);
    }
    state.charge(100)?;
    let answer = functions.call(name, positional, named).map_err(|error| failed(name, error))?;
    let answer = Value::from(&answer);
    if changes_first_argument(name, &args) {
        update_in_place(&args, &answer);
    }
    Ok(answer)
}

fn failed(name: &str, error: FunctionError) -> Error {
    let class = "CommandExecutionError";
    let (error, hints) = match error {
        FunctionError::Arguments { message, hints } => (Error::type_error(message), hints),
        FunctionError::Failed { message, hints } => {
            (Error::other(class, format!("{name}: {message}")), hints)
        }
        error @ FunctionError::Unknown { .. } => {
            (Error::other(class, format!("{name}: {error}")), Vec::new())
        }
    };
    hints.into_iter().fold(error, Error::hint)
}

/// Whether the function's result is its first argument, changed: templates rely on that.
fn changes_first_argument(name: &str, args: &Args) -> bool {
    let wanted = |value: Option<&Value>| value.is_none_or(|value| value.is_true().unwrap_or(true));
    match name {
        "slsutil.update" => true,
        "defaults.merge" => {
            let named = args.keyword.iter().find(|(key, _)| &**key == "in_place").map(|(_, value)| value);
            wanted(named.or_else(|| args.positional.get(3)))
        }
        _ => false,
    }
}

fn update_in_place(args: &Args, answer: &Value) {
    if let (Some(Value::Dict(first)), Value::Dict(answer)) = (args.positional.first(), answer) {
        let entries = answer.borrow().clone();
        *first.borrow_mut() = entries;
    }
}
