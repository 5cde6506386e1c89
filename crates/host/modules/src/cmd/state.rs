//! State functions that run a command.

use value::{Map, Span, Value};

use super::invocation::{Invocation, Line, Ran, is_directory};
use super::stateful::reinterpreted;
use crate::{Arguments, Context, Failure, Outcome, Verdict};

arguments! {
    /// Runs a command, every time: say with `onlyif`, `unless`, `creates` or `onchanges` when it is needed.
    pub(super) struct Run {
        /// The command, a line for the shell.
        name: String,
        /// The directory to run it in; the user's home by default.
        cwd: Option<String>,
        /// A directory that the command sees as `/`.
        root: Option<String>,
        /// The user to run it as.
        runas or user: Option<String>,
        /// The group to run it as.
        group: Option<String>,
        /// The shell.
        shell: Option<String>,
        /// Variables: a mapping, or a list of them. Their values are not shown.
        env: Option<Value>,
        /// Start without the variables that Pinch itself has.
        clean_env: bool = false,
        /// Directories to put in front of `PATH`.
        prepend_path: Option<String>,
        /// Whether the command prints what it changed; a list with `test_name` names a command that tells a plan.
        stateful: Option<Value>,
        /// The file mode mask, in octal.
        umask: Option<String>,
        /// Seconds after which it is stopped.
        timeout: Option<f64>,
        /// Count a command that was stopped as done.
        ignore_timeout: bool = false,
        /// Start it and do not wait for its end.
        bg: bool = false,
        /// Leave what it prints out of the result.
        hide_output: bool = false,
        /// At which level its output is logged; accepted.
        output_loglevel: Option<String>,
        /// Accepted; output is always captured.
        use_vt: bool = false,
        /// Set the locale to `C`.
        reset_system_locale: bool = true,
        /// Exit codes that count as success too.
        success_retcodes: Option<Value>,
        /// Texts that count as success when printed.
        success_stdout: Option<Value>,
        /// Texts that count as success when printed as an error.
        success_stderr: Option<Value>,
        /// Text for its standard input.
        stdin: Option<String>,
        /// Paths that are there once it ran.
        creates: Vec<String> = Vec::new(),
        /// Accepted; a command of a state is always read by a shell.
        python_shell: Option<bool>,
        /// Accepted.
        ignore_retcode: Option<bool>
        ;.. others
    }
}

/// See [`Run`].
pub(super) fn run(context: &Context<'_>, map: &Map, place: Span) -> Result<Outcome, Failure> {
    let arguments = Run::from_map(map, place)?;
    let stateful = Stateful::of(arguments.stateful.as_ref());
    ran(context, &arguments, map, &stateful)
}

/// Waits for a watch.
pub(super) fn wait(_: &Context<'_>, map: &Map, place: Span) -> Result<Outcome, Failure> {
    Run::from_map(map, place)?;
    Ok(Outcome::unchanged(""))
}

fn ran(context: &Context<'_>, arguments: &Run, map: &Map, stateful: &Stateful) -> Result<Outcome, Failure> {
    let planning = context.host().is_plan();
    let name = stateful.plan_with.as_ref().filter(|_| planning).unwrap_or(&arguments.name);
    let invocation = Invocation::read(Line::Shell(name.clone()), map)?.with_default_shell(context);
    let looks = planning && stateful.plan_with.is_some();
    if !planning && let Some(cwd) = arguments.cwd.as_ref().filter(|cwd| !is_directory(context, cwd)) {
        return Ok(no_directory(cwd));
    }
    let ran =
        if looks { invocation.probe(context).map(Some) } else { invocation.act(context, &arguments.creates) };
    let outcome = match ran? {
        None => {
            let planned = Outcome::unknown(format!("Command \"{name}\" would have been executed"));
            planned.with("cmd", name.as_str())
        }
        Some(ran) => {
            judged(&ran, format!("Command \"{name}\" run"), arguments.ignore_timeout, !arguments.hide_output)
        }
    };
    Ok(if stateful.is { reinterpreted(outcome) } else { outcome })
}

/// What is said of a working directory that is not there.
pub(super) fn no_directory(cwd: &str) -> Outcome {
    Outcome::failed(format!("Desired working directory \"{cwd}\" is not available"))
        .hint(format!("add a `file.directory` state for {cwd} that this one requires, or correct `cwd`"))
        .blames("cwd")
}

/// The outcome by exit code.
pub(super) fn judged(ran: &Ran, comment: String, ignore_timeout: bool, shown: bool) -> Outcome {
    let forgiven = ignore_timeout && ran.timed_out;
    let ran = if forgiven { &Ran { retcode: 0, ..ran.clone() } } else { ran };
    let outcome = Outcome::changed(comment, ran.map(shown));
    if ran.retcode == 0 {
        outcome
    } else {
        Outcome { verdict: Verdict::Failed, ..outcome }.hint(ran.advice())
    }
}

/// Whether a command says itself what it changed, and which command tells a plan.
pub(super) struct Stateful {
    pub(super) is: bool,
    pub(super) plan_with: Option<String>,
}

impl Stateful {
    /// `True`, or a list whose first mapping may have `test_name`.
    pub(super) fn of(given: Option<&Value>) -> Self {
        let list = given.and_then(Value::as_list);
        let plan_with = list.and_then(<[_]>::first).and_then(|first| first.get("test_name"));
        Self {
            is: given.and_then(Value::as_bool).unwrap_or(false) || list.is_some_and(|list| !list.is_empty()),
            plan_with: plan_with.map(Value::to_string),
        }
    }
}
