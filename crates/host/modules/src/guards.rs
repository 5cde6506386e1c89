//! What keeps any state from running: `onlyif`, `unless`, `creates`; and `check_cmd`, which judges it afterwards.
//!
//! The state engine asks here before and after it runs a state. Conditions are commands (lines for a shell) or
//! calls of execution functions (`fun: file.file_exists`, with arguments beside). They only look, so they are
//! looked at under a plan too: on the machine as it is, unless the plan has changed what they look at. What then
//! only the run can tell makes the state unknown.

use host::HostError;
use value::{Data, Map, Value};

use crate::cmd::{Invocation, Line, is_there};
use crate::foresight::foreseen;
use crate::traverse::traverse;
use crate::{Caller, Context, Failure, catalogue};

/// The comment to skip a state with; `None` when it has to run. `arguments` are the state's own: the guards and
/// what surrounds a command (`cwd`, `runas`, `env`, `shell`, …). The comments are Salt's.
///
/// Salt's rules: every `onlyif` has to succeed; `unless` skips when every one succeeds; `creates` skips when all
/// paths are there. A condition that is neither text nor a call keeps nothing from running.
pub fn skip(context: &Context<'_>, arguments: &Map) -> Result<Option<String>, Failure> {
    let mut comments = Vec::new();
    let mut skips = false;
    let mut unknown = None;
    let mut judge = |judged: Result<Judged, Failure>| match judged {
        Ok(judged) => {
            skips |= judged.skips;
            comments.push(judged.comment);
            Ok(())
        }
        // Another guard may skip the state all the same.
        Err(Failure::Host(error)) if error.is_unknown() => {
            unknown.get_or_insert(error);
            Ok(())
        }
        Err(failure) => Err(failure),
    };
    if let Some(conditions) = arguments.get("onlyif") {
        judge(only_if(context, listed(conditions), arguments))?;
    }
    if let Some(conditions) = arguments.get("unless") {
        judge(unless(context, listed(conditions), arguments))?;
    }
    if let Some(paths) = arguments.get("creates") {
        judge(Ok(creates(context, paths)))?;
    }
    match unknown {
        Some(error) if !skips => Err(error.into()),
        _ => Ok(skips.then(|| comments.join("\n"))),
    }
}

/// The comment with which `check_cmd` finds that a state failed; `None` when it succeeded.
pub fn check_command(context: &Context<'_>, commands: &Value, _: &Map) -> Result<Option<String>, Failure> {
    for command in listed(commands) {
        let line = Line::Shell(command.to_string());
        let invocation = Invocation::read(line, &Map::new())?.with_default_shell(context);
        if invocation.probe(context)?.retcode != 0 {
            return Ok(Some("check_cmd determined the state failed".into()));
        }
    }
    Ok(None)
}

struct Judged {
    skips: bool,
    comment: String,
}

impl Judged {
    fn new(skips: bool, comment: impl Into<String>) -> Self {
        Self { skips, comment: comment.into() }
    }
}

fn only_if(context: &Context<'_>, conditions: &[Value], arguments: &Map) -> Result<Judged, Failure> {
    let mut unknown = None;
    for condition in conditions {
        match holds(context, condition, arguments)? {
            Condition::Holds => {}
            // One that fails decides, whatever this one would say.
            Condition::Unknown(error) => unknown = unknown.or(Some(error)),
            Condition::HoldsNot | Condition::CannotRun => {
                return Ok(Judged::new(true, "onlyif condition is false"));
            }
            Condition::NoFunction => return Ok(no_function("onlyif", condition)),
            Condition::WrongType => {
                return Ok(Judged::new(false, "onlyif execution failed, bad type passed"));
            }
        }
    }
    match unknown {
        Some(error) => Err(error.into()),
        None => Ok(Judged::new(false, "onlyif condition is true")),
    }
}

fn unless(context: &Context<'_>, conditions: &[Value], arguments: &Map) -> Result<Judged, Failure> {
    let mut judged = Judged::new(false, "unless condition is false");
    let mut unknown = None;
    for condition in conditions {
        match holds(context, condition, arguments)? {
            // One that fails decides, whatever this one would say.
            Condition::Unknown(error) => unknown = unknown.or(Some(error)),
            Condition::Holds | Condition::CannotRun => judged = Judged::new(true, "unless condition is true"),
            Condition::HoldsNot => return Ok(Judged::new(false, "unless condition is false")),
            Condition::NoFunction => return Ok(no_function("unless", condition)),
            Condition::WrongType => {
                judged = Judged::new(false, "unless condition is false, bad type passed");
            }
        }
    }
    match unknown {
        Some(error) => Err(error.into()),
        None => Ok(judged),
    }
}

fn creates(context: &Context<'_>, paths: &Value) -> Judged {
    match &paths.data {
        Data::Str(path) if is_there(context, path) => Judged::new(true, format!("{path} exists")),
        Data::List(paths) if paths.iter().all(|path| is_there(context, &path.to_string())) => {
            Judged::new(true, "All files in creates exist")
        }
        _ => Judged::new(false, "Creates files not found"),
    }
}

fn no_function(guard: &str, condition: &Value) -> Judged {
    Judged::new(false, format!("no `fun` argument in {guard}: {condition}"))
}

fn listed(conditions: &Value) -> &[Value] {
    conditions.as_list().unwrap_or(std::slice::from_ref(conditions))
}

enum Condition {
    Holds,
    HoldsNot,
    /// The command could not even be started: no such user, no such directory.
    CannotRun,
    NoFunction,
    WrongType,
    /// Only the run can tell.
    Unknown(HostError),
}

fn holds(context: &Context<'_>, condition: &Value, arguments: &Map) -> Result<Condition, Failure> {
    let truth = |holds: bool| if holds { Condition::Holds } else { Condition::HoldsNot };
    match &condition.data {
        Data::Str(line) => {
            let cwd = arguments.get("cwd").and_then(Value::as_str);
            match foreseen(context.host(), line, cwd) {
                Ok(None) => {}
                Ok(Some(holds)) => return Ok(truth(holds)),
                Err(error) if error.is_unknown() => return Ok(Condition::Unknown(error)),
                // What cannot be looked at here the command tells as it will.
                Err(_) => {}
            }
            let invocation = Invocation::read(Line::Shell(line.to_string()), &surroundings(arguments))?;
            match invocation.with_default_shell(context).probe(context) {
                Ok(ran) => Ok(truth(ran.retcode == 0)),
                Err(Failure::Host(error)) if error.is_unknown() => Ok(Condition::Unknown(error)),
                Err(_) => Ok(Condition::CannotRun),
            }
        }
        Data::Map(call) => match call.get("fun") {
            Some(function) => match called(context, &function.to_string(), call) {
                Err(Failure::Host(error)) if error.is_unknown() => Ok(Condition::Unknown(error)),
                answer => answer.map(truth),
            },
            None => Ok(Condition::NoFunction),
        },
        _ => Ok(Condition::WrongType),
    }
}

/// What a guard's command shares with the state it guards, unless `cmd_opts_exclude` names it.
fn surroundings(arguments: &Map) -> Map {
    let shared =
        ["cwd", "root", "runas", "env", "prepend_path", "umask", "timeout", "success_retcodes", "shell"];
    let excluded = arguments.get("cmd_opts_exclude").map(listed).unwrap_or_default();
    shared
        .into_iter()
        .filter(|name| !excluded.iter().any(|excluded| excluded.as_str() == Some(name)))
        .filter_map(|name| Some((name, arguments.get(name)?.clone())))
        .collect()
}

/// Calls an execution function: `args` are positional, `get_return` is a path into the answer, the rest is named.
fn called(context: &Context<'_>, function: &str, call: &Map) -> Result<bool, Failure> {
    let mut named = call.clone();
    named.remove("fun");
    let path = named.remove("get_return");
    let positional = named.remove("args");
    let positional = positional.as_ref().and_then(Value::as_list).unwrap_or_default().to_vec();
    let found = catalogue::execution_function(function).ok_or_else(|| {
        Failure::message(format!("no execution function `{function}`"))
            .hint(catalogue::advice_on_function(function))
    })?;
    let context = Context { caller: Caller::Template, ..*context };
    let answer = found.call(function, &context, positional, named)?;
    Ok(match (path, answer.as_map()) {
        (Some(path), Some(map)) => traverse(map, &path.to_string(), ":").is_some_and(Value::is_truthy),
        _ => answer.is_truthy(),
    })
}
