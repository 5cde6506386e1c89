//! Execution functions.

use std::time::Duration;

use value::{Map, Value};

use crate::{Context, Failure, Rest};

arguments! {
    /// Answers at once.
    pub(super) struct Nothing {}
}

/// Answers true: the minion is there.
pub(super) fn ping(_: &Context<'_>, _: Nothing) -> Result<bool, Failure> {
    Ok(true)
}

/// Answers false.
pub(super) fn no(_: &Context<'_>, _: Nothing) -> Result<bool, Failure> {
    Ok(false)
}

/// The version of the Salt whose behaviour this is.
pub(super) fn version(context: &Context<'_>, _: Nothing) -> Result<String, Failure> {
    Ok(context.grain_text("saltversion"))
}

arguments! {
    /// Answers what it is given.
    pub(super) struct Echo {
        /// What to answer.
        text: Value,
    }
}

/// See [`Echo`].
pub(super) fn echo(_: &Context<'_>, arguments: Echo) -> Result<Value, Failure> {
    Ok(arguments.text)
}

arguments! {
    /// Answers all positional and named arguments.
    pub(super) struct Anything {
        /// Positional arguments.
        args: Rest
        ;.. kwargs
    }
}

/// See [`Anything`].
pub(super) fn arguments(_: &Context<'_>, arguments: Anything) -> Result<Map, Failure> {
    Ok([("args", Value::from(arguments.args.0)), ("kwargs", arguments.kwargs.into())].into_iter().collect())
}

/// The named arguments alone.
pub(super) fn named(_: &Context<'_>, arguments: Anything) -> Result<Map, Failure> {
    Ok(arguments.kwargs)
}

arguments! {
    /// A Fibonacci number, and how long it took.
    pub(super) struct Fibonacci {
        /// Which one, from 0; at most 90.
        num: i64,
    }
}

/// See [`Fibonacci`].
pub(super) fn fibonacci(context: &Context<'_>, arguments: Fibonacci) -> Result<Value, Failure> {
    if !(0..=90).contains(&arguments.num) {
        return Err(Failure::message("num must lie between 0 and 90")
            .hint("larger numbers do not fit: write 90 or less"));
    }
    let start = context.host().elapsed();
    let (mut number, mut next) = (0i64, 1i64);
    for _ in 0..arguments.num {
        (number, next) = (next, number + next);
    }
    let seconds = context.host().elapsed().saturating_sub(start).as_secs_f64();
    Ok(vec![Value::from(number), seconds.into()].into())
}

arguments! {
    /// Waits, then answers true.
    pub(super) struct Sleep {
        /// How long, in seconds.
        length: f64,
    }
}

/// See [`Sleep`].
pub(super) fn sleep(context: &Context<'_>, arguments: Sleep) -> Result<bool, Failure> {
    let wait = Duration::try_from_secs_f64(arguments.length)
        .map_err(|error| Failure::message(format!("length: {error}")).hint("write seconds, 0 or more"))?;
    context.host().sleep(wait);
    Ok(true)
}

arguments! {
    /// Fails.
    pub(super) struct Exception {
        /// With which words.
        message: String = "Test Exception",
    }
}

/// See [`Exception`].
pub(super) fn exception(_: &Context<'_>, arguments: Exception) -> Result<Value, Failure> {
    Err(Failure::message(arguments.message).hint("`test.exception` fails on purpose: call something else"))
}

arguments! {
    /// The provider behind a module name, as Salt names it (`pkg` -> `aptpkg`).
    pub(super) struct Provider {
        /// The module's name.
        module: String,
    }
}

/// See [`Provider`].
pub(super) fn provider(context: &Context<'_>, arguments: Provider) -> Result<String, Failure> {
    let family = context.grain_text("os_family");
    let systemd = context.grain_text("init") == "systemd";
    Ok(match (arguments.module.as_str(), family.as_str()) {
        ("pkg", "Debian") => "aptpkg",
        ("pkg", "RedHat") => "yumpkg",
        ("service", _) if systemd => "systemd_service",
        ("service", "Debian") => "debian_service",
        ("user", _) => "useradd",
        ("group", _) => "groupadd",
        (module, _) => module,
    }
    .to_string())
}
