//! Execution functions.
//!
//! Called by a template, a command is taken to look only: it runs under a plan too. Called by a person or a
//! state it is taken to change something.

use std::path::Path;

use host::HostError;
use value::{Data, Map, Span, Value};

use super::invocation::{Invocation, Line, Ran, without_shell};
use super::script;
use crate::{Arguments, Caller, Context, Failure, Level};

arguments! {
    /// Runs a command.
    pub(super) struct Run {
        /// The command: a line, or a list of words. A line is split into words unless a shell is asked for.
        cmd: Value,
        /// The directory to run it in; the user's home by default.
        cwd: Option<String>,
        /// Text for its standard input.
        stdin: Option<String>,
        /// The user to run it as.
        runas: Option<String>,
        /// The group to run it as.
        group: Option<String>,
        /// The shell.
        shell: Option<String>,
        /// Whether the line goes to the shell.
        python_shell: Option<bool>,
        /// Variables: a mapping, or a list of them.
        env: Option<Value>,
        /// Start without the variables that Pinch itself has.
        clean_env: bool = false,
        /// Accepted.
        template: Option<String>,
        /// Cut blanks and line ends off the end of the output.
        rstrip: bool = true,
        /// The file mode mask, in octal.
        umask: Option<String>,
        /// Leave the output out.
        hide_output: bool = false,
        /// Seconds after which it is stopped.
        timeout: Option<f64>,
        /// Set the locale to `C`.
        reset_system_locale: bool = true,
        /// Do not mind a failure.
        ignore_retcode: bool = false,
        /// Fail when the command fails.
        raise_err: bool = false,
        /// Directories to put in front of `PATH`.
        prepend_path: Option<String>,
        /// Start it and do not wait for its end.
        bg: bool = false,
        /// Exit codes that count as success too.
        success_retcodes: Option<Value>,
        /// Texts that count as success when printed.
        success_stdout: Option<Value>,
        /// Texts that count as success when printed as an error.
        success_stderr: Option<Value>
        ;.. others
    }
}

/// What it prints, errors behind.
pub(super) fn run(context: &Context<'_>, map: &Map) -> Result<Value, Failure> {
    let ran = ran(context, map, false)?;
    output(context, map, &ran)
}

/// [`run`], by a shell.
pub(super) fn shell(context: &Context<'_>, map: &Map) -> Result<Value, Failure> {
    let by_shell = map.get("shell").is_none_or(Value::is_truthy);
    let ran = ran(context, map, by_shell)?;
    output(context, map, &ran)
}

fn output(context: &Context<'_>, map: &Map, ran: &Ran) -> Result<Value, Failure> {
    let flag = |name: &str| map.get(name).is_some_and(Value::is_truthy);
    let both = match (ran.stdout.as_str(), ran.stderr.as_str()) {
        (stdout, "") => stdout.to_string(),
        ("", stderr) => stderr.to_string(),
        (stdout, stderr) => format!("{stdout}\n{stderr}"),
    };
    let shown = if flag("hide_output") { String::new() } else { both };
    if ran.retcode != 0 && !flag("ignore_retcode") {
        if flag("raise_err") {
            return Err(Failure::message(shown).hint(ran.advice()));
        }
        let program = map.get("cmd").map(Value::to_string).unwrap_or_default();
        let program = program.split_whitespace().next().unwrap_or_default().to_string();
        let text = format!("Command '{program}' failed with return code: {}", ran.retcode);
        context.minion.messages.push(Level::Error, text);
    }
    Ok(shown.into())
}

/// Process id, exit code and both outputs.
pub(super) fn run_all(context: &Context<'_>, map: &Map) -> Result<Value, Failure> {
    let ran = ran(context, map, false)?;
    Ok(ran.map(!map.get("hide_output").is_some_and(Value::is_truthy)).into())
}

/// What it prints.
pub(super) fn run_stdout(context: &Context<'_>, map: &Map) -> Result<Value, Failure> {
    let hidden = map.get("hide_output").is_some_and(Value::is_truthy);
    Ok(if hidden { "".into() } else { ran(context, map, false)?.stdout.into() })
}

/// What it prints as errors.
pub(super) fn run_stderr(context: &Context<'_>, map: &Map) -> Result<Value, Failure> {
    let hidden = map.get("hide_output").is_some_and(Value::is_truthy);
    Ok(if hidden { "".into() } else { ran(context, map, false)?.stderr.into() })
}

/// Its exit code.
pub(super) fn retcode(context: &Context<'_>, map: &Map) -> Result<Value, Failure> {
    Ok(ran(context, map, false)?.retcode.into())
}

fn ran(context: &Context<'_>, map: &Map, by_shell: bool) -> Result<Ran, Failure> {
    Run::from_map(map, Span::NONE)?;
    let cmd = map.get("cmd").unwrap_or(&Value::NULL);
    let asked = map.get("python_shell").filter(|asked| !asked.is_null()).map(Value::is_truthy);
    let by_shell = asked.unwrap_or(by_shell || map.get("shell").is_some_and(Value::is_truthy));
    let line = match &cmd.data {
        Data::List(words) => Line::Words(words.iter().map(Value::to_string).collect()),
        _ if by_shell => Line::Shell(cmd.to_string()),
        _ => without_shell(&cmd.to_string())?,
    };
    finished(context, &Invocation::read(line, map)?)
}

/// Runs it as the caller means it; a command that is only planned has no answer yet.
fn finished(context: &Context<'_>, invocation: &Invocation) -> Result<Ran, Failure> {
    if context.caller == Caller::Template {
        return invocation.probe(context);
    }
    invocation.act(context, &[])?.ok_or_else(|| {
        let (what, because) = ("the output of a command".into(), "it has not run".into());
        HostError::Unknown { what, because }.into()
    })
}

arguments! {
    /// Runs a script of the tree or of the machine.
    pub(super) struct Script {
        /// The script: `salt://path`, or an absolute path.
        source: String,
        /// Its arguments: text that is split into words, or a list of words.
        args: Option<Value>,
        /// The directory to run it in; the user's home by default.
        cwd: Option<String>,
        /// Accepted; the script has an empty standard input.
        stdin: Option<String>,
        /// The user to run it as.
        runas: Option<String>,
        /// The group to run it as.
        group: Option<String>,
        /// Accepted; the script's first line says what runs it.
        shell: Option<String>,
        /// Accepted.
        python_shell: Option<bool>,
        /// Variables: a mapping, or a list of them.
        env: Option<Value>,
        /// The engine to render it with first.
        template: Option<String>,
        /// The file mode mask, in octal.
        umask: Option<String>,
        /// Leave the output out.
        hide_output: bool = false,
        /// Seconds after which it is stopped.
        timeout: Option<f64>,
        /// The saltenv that the script is read from.
        saltenv: Option<String>
        ;.. others
    }
}

/// Process id, exit code and both outputs of a script.
pub(super) fn script(context: &Context<'_>, map: &Map) -> Result<Value, Failure> {
    let arguments = Script::from_map(map, Span::NONE)?;
    let mut as_state = map.clone();
    as_state.insert("name", arguments.source.as_str());
    let as_state = script::Script::from_map(&as_state, Span::NONE)?;
    let Some(text) = script::text_of(context, &arguments.source, &as_state)? else {
        let nothing = Ran { retcode: 1, ..Ran::default() };
        let mut map = nothing.map(true);
        map.insert("cache_error", true);
        return Ok(map.into());
    };
    let invocation = script::invocation(&arguments.source, &text, arguments.args.as_ref(), map)?;
    Ok(finished(context, &invocation)?.map(!arguments.hide_output).into())
}

/// The exit code of a script.
pub(super) fn script_retcode(context: &Context<'_>, map: &Map) -> Result<Value, Failure> {
    Ok(script(context, map)?.get("retcode").cloned().unwrap_or(Value::NULL))
}

arguments! {
    /// Runs a piece of code.
    pub(super) struct Code {
        /// What interprets it: `python3`, `ruby`, `/bin/sh`.
        lang: String,
        /// The code.
        code: String,
        /// The directory to run it in; the user's home by default.
        cwd: Option<String>,
        /// Its arguments: one, or a list.
        args: Vec<String> = Vec::new()
        ;.. others
    }
}

/// Process id, exit code and both outputs of a piece of code.
pub(super) fn code_all(context: &Context<'_>, map: &Map) -> Result<Value, Failure> {
    code_ran(context, map).map(|ran| ran.map(true).into())
}

/// What a piece of code prints.
pub(super) fn code(context: &Context<'_>, map: &Map) -> Result<Value, Failure> {
    code_ran(context, map).map(|ran| ran.stdout.into())
}

fn code_ran(context: &Context<'_>, map: &Map) -> Result<Ran, Failure> {
    let arguments = Code::from_map(map, Span::NONE)?;
    let text = arguments.code.as_bytes();
    finished(context, &script::stored(&[arguments.lang], "code", &arguments.args, text, map)?)
}

arguments! {
    /// About a program.
    pub(super) struct Program {
        /// Its name.
        cmd: String,
    }
}

/// Where a program is; nothing when it is not on the `PATH`.
pub(super) fn which(context: &Context<'_>, arguments: Program) -> Result<Value, Failure> {
    Ok(found(context, &arguments.cmd).into())
}

/// Whether a program is on the `PATH`.
pub(super) fn has(context: &Context<'_>, arguments: Program) -> Result<bool, Failure> {
    Ok(found(context, &arguments.cmd).is_some())
}

fn found(context: &Context<'_>, program: &str) -> Option<String> {
    context.host().which(program).map(|path| path.display().to_string())
}

arguments! {
    /// Where the first program of a list is that is there.
    pub(super) struct Programs {
        /// Their names.
        cmds: Vec<String>,
    }
}

/// See [`Programs`].
pub(super) fn which_of(context: &Context<'_>, arguments: Programs) -> Result<Value, Failure> {
    Ok(arguments.cmds.iter().find_map(|program| found(context, program)).into())
}

arguments! {
    /// The shells that the machine lists as such.
    pub(super) struct Nothing {}
}

/// See [`Nothing`].
pub(super) fn shells(context: &Context<'_>, _: Nothing) -> Result<Vec<String>, Failure> {
    let list = match context.host().read(Path::new("/etc/shells")) {
        Ok(list) => list,
        Err(HostError::NotFound(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let list = String::from_utf8_lossy(&list);
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(String::from).collect())
}
