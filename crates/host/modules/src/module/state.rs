//! State functions.

use value::{Data, Map, Span, Value};

use crate::{Context, ExecutionFunction, Failure, Outcome, Verdict, catalogue};

arguments! {
    /// Calls execution functions: each as a key with its arguments as a list (`- pkg.refresh_db: []`), or one by
    /// `name` with its arguments beside (those called `name`, `fun`, `names`, `state` or `saltenv` with `m_` in front).
    pub(super) struct Run {
        /// The function, where only one is called; else any name.
        name: String,
        /// Positional arguments for a function that takes any number.
        args: Option<Value>,
        /// Further named arguments.
        kwargs: Option<Value>,
        /// Accepted; results go where those of other states go.
        returner: Option<Value>
        ;.. others
    }
}

/// See [`Run`].
pub(super) fn run(context: &Context<'_>, map: &Map, _: Span) -> Result<Outcome, Failure> {
    let functions: Vec<(&str, &Value)> = map
        .iter()
        .filter_map(|(key, value)| Some((key.as_str()?, value)))
        .filter(|(key, _)| key.contains('.'))
        .collect();
    if functions.is_empty() { one(context, map) } else { all(context, &functions) }
}

/// Waits for a watch.
pub(super) fn wait(_: &Context<'_>, _: &Map, _: Span) -> Result<Outcome, Failure> {
    Ok(Outcome::unchanged(""))
}

/// One function with its arguments beside its name.
fn one(context: &Context<'_>, map: &Map) -> Result<Outcome, Failure> {
    let name = map.get("name").map(Value::to_string).unwrap_or_default();
    let Some(function) = catalogue::execution_function(&name) else {
        return not_available(&name, format!("Module function {name} is not available"));
    };
    let mut named = Map::new();
    let mut missing = Vec::new();
    for argument in function.arguments {
        let prefixed = format!("m_{}", argument.name);
        let beside = match argument.name {
            "name" | "fun" | "names" | "state" | "saltenv" => prefixed.as_str(),
            plain => plain,
        };
        match map.get(beside).or_else(|| argument.aliases.iter().find_map(|alias| map.get(alias))) {
            Some(value) => {
                named.insert(argument.name, value.clone());
            }
            None if argument.required => missing.push(beside.to_string()),
            None => {}
        }
    }
    for (key, value) in map.get("kwargs").and_then(flattened).iter().flat_map(Map::iter) {
        missing.retain(|name| key.as_str() != Some(name) && name.strip_prefix("m_") != key.as_str());
        named.insert(key.clone(), value.clone());
    }
    if !missing.is_empty() {
        let words = format!("The following arguments are missing: {}", missing.join(" "));
        let lines = missing.iter().map(|name| format!("`- {name}: …`")).collect::<Vec<_>>().join(", ");
        return Ok(Outcome::failed(words).hint(format!("write below it {lines}")));
    }
    match function.call(&name, context, Vec::new(), named) {
        Ok(answer) => {
            let comment = context.words(
                format!("Module function {name} executed"),
                format!("Module function {name} is set to execute"),
            );
            let held = succeeded(&answer);
            let outcome = Outcome::unchanged(comment).with("ret", answer);
            if held {
                return Ok(outcome);
            }
            let hint = format!("`{name}` answered that it failed: `ret` holds what it said");
            Ok(Outcome { verdict: Verdict::Failed, ..outcome }.hint(hint))
        }
        Err(Failure::Host(error)) if error.is_unknown() => {
            Ok(Outcome::unknown(format!("Module function {name} is set to execute")))
        }
        Err(Failure::Problems(problems)) => Err(Failure::Problems(problems)),
        Err(failure) => {
            let advice = failure.advice();
            let comment = format!("Module function {name} threw an exception. Exception: {failure}");
            Ok(Outcome { advice, ..Outcome::failed(comment) })
        }
    }
}

/// Several functions, each with its arguments in a list.
fn all(context: &Context<'_>, functions: &[(&str, &Value)]) -> Result<Outcome, Failure> {
    let plain = |name: &str| name.split(':').next().unwrap_or_default().to_string();
    let names: Vec<String> = functions.iter().map(|(name, _)| plain(name)).collect();
    let missing: Vec<&String> =
        names.iter().filter(|name| catalogue::execution_function(name).is_none()).collect();
    if let Some(first) = missing.first() {
        let list = missing.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        let plural = if missing.len() > 1 { "s" } else { "" };
        return not_available(first, format!("Unavailable function{plural}: {list}."));
    }
    let (mut failures, mut successes, mut unknown) = (Vec::new(), Vec::new(), false);
    let mut changes = Map::new();
    for ((key, arguments), name) in functions.iter().zip(&names) {
        let Some(function) = catalogue::execution_function(name) else { continue };
        let (positional, named) = taken_apart(arguments, function);
        match function.call(name, context, positional, named) {
            Ok(answer) if succeeded(&answer) => {
                let said = match answer.as_map() {
                    Some(map) => map.get("comment").map_or_else(|| "Success".into(), Value::to_string),
                    None => answer.to_string(),
                };
                successes.push(format!("{key}: {said}"));
                changes.insert(*key, answer);
            }
            Ok(answer) => failures.push(match answer.as_map() {
                Some(map) => {
                    let said = map.get("comment").map(Value::to_string);
                    format!("'{key}' failed: {}", said.unwrap_or_else(|| "(error message N/A)".into()))
                }
                None => format!("'{key}': {answer}"),
            }),
            Err(Failure::Host(error)) if error.is_unknown() => unknown = true,
            Err(failure) => failures.push(format!("'{key}' failed: {failure}")),
        }
    }
    let plural = if names.len() > 1 { "s" } else { "" };
    let planned = format!("Function{plural} {} to be executed.", names.join(", "));
    let done: Vec<String> = failures.iter().cloned().chain(successes).collect();
    let verdict = match (failures.is_empty(), unknown) {
        (false, _) => Verdict::Failed,
        (true, true) => Verdict::Unknown,
        (true, false) => Verdict::Holds,
    };
    let comment = context.words(done.join(", "), planned);
    Ok(Outcome { verdict, ..Outcome::changed(comment, changes) })
}

/// Items that are mappings are named arguments, all others positional ones.
fn taken_apart(arguments: &Value, function: &ExecutionFunction) -> (Vec<Value>, Map) {
    let items = match &arguments.data {
        Data::Null => return (Vec::new(), Map::new()),
        Data::List(items) => items.as_slice(),
        _ => std::slice::from_ref(arguments),
    };
    let (mut positional, mut named) = (Vec::new(), Map::new());
    for item in items {
        match item.as_map() {
            None => positional.push(item.clone()),
            Some(map) => {
                for (key, value) in map.iter() {
                    let rest = function.arguments.iter().find(|argument| argument.takes_rest);
                    match (rest, value.as_list()) {
                        (Some(rest), Some(values)) if key.as_str() == Some(rest.name) => {
                            positional.extend(values.iter().cloned());
                        }
                        _ => {
                            named.insert(key.clone(), value.clone());
                        }
                    }
                }
            }
        }
    }
    (positional, named)
}

/// `kwargs` as a mapping, or as a list of them.
fn flattened(value: &Value) -> Option<Map> {
    match &value.data {
        Data::Map(map) => Some(map.clone()),
        Data::List(items) => {
            let maps = items.iter().filter_map(Value::as_map).flat_map(Map::iter);
            Some(maps.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        _ => None,
    }
}

/// False, a `result` of false or a `retcode` other than 0 at any depth mean that it failed.
fn succeeded(answer: &Value) -> bool {
    fn holds(map: &Map, depth: usize) -> bool {
        map.iter().all(|(key, value)| match (key.as_str(), &value.data) {
            (Some("result"), Data::Bool(false)) => false,
            (Some("retcode"), data) => *data == Data::Int(0),
            (_, Data::Map(map)) => depth == 0 || holds(map, depth - 1),
            _ => true,
        })
    }
    match &answer.data {
        Data::Bool(flag) => *flag,
        Data::Map(map) => holds(map, 32),
        _ => true,
    }
}

/// The failure, with the nearest name there is.
fn not_available(name: &str, comment: String) -> Result<Outcome, Failure> {
    Ok(Outcome::failed(comment).hint(catalogue::advice_on_function(name)))
}
