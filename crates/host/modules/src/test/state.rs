//! State functions.

use value::{Map, Value};

use crate::{Context, Failure, Outcome, Verdict};

const ON_PURPOSE: &str = "the state fails on purpose: take it out, or use `test.succeed_without_changes`";

arguments! {
    /// Holds, whatever the machine is like.
    pub(super) struct Succeed {
        /// Any name.
        name: String,
        /// What to say.
        comment: String = "Success!"
        ;.. others
    }
}

/// See [`Succeed`].
pub(super) fn succeed(_: &Context<'_>, arguments: Succeed) -> Result<Outcome, Failure> {
    Ok(Outcome::unchanged(arguments.comment))
}

/// Holds and pretends that it took a change.
pub(super) fn succeed_with_changes(context: &Context<'_>, arguments: Succeed) -> Result<Outcome, Failure> {
    let planned = "If we weren't testing, this would be successful with changes";
    Ok(Outcome::changed(context.words(&*arguments.comment, planned), pretended()))
}

/// What a watch does: says that it fired.
pub(super) fn watched(_: &Context<'_>, _: Succeed) -> Result<Outcome, Failure> {
    Ok(Outcome::unchanged("Watch statement fired.")
        .with("Requisites with changes", Value::from(Vec::<Value>::new())))
}

arguments! {
    /// Fails, whatever the machine is like.
    pub(super) struct Fail {
        /// Any name.
        name: String,
        /// What to say.
        comment: String = "Failure!"
        ;.. others
    }
}

/// See [`Fail`].
pub(super) fn fail(context: &Context<'_>, arguments: Fail) -> Result<Outcome, Failure> {
    let planned = "If we weren't testing, this would be a failure!";
    Ok(Outcome::failed(context.words(&*arguments.comment, planned)).hint(ON_PURPOSE))
}

/// Fails and pretends that something changed on the way.
pub(super) fn fail_with_changes(context: &Context<'_>, arguments: Fail) -> Result<Outcome, Failure> {
    let planned = "If we weren't testing, this would be failed with changes";
    let verdict = context.words(Verdict::Failed, Verdict::Holds);
    let outcome = Outcome::changed(context.words(&*arguments.comment, planned), pretended());
    Ok(Outcome { verdict, ..outcome }.hint(ON_PURPOSE))
}

arguments! {
    /// Ends as it is told to.
    pub(super) struct Configurable {
        /// Any name.
        name: String,
        /// Whether to pretend a change.
        changes: bool = true,
        /// Whether to hold.
        result: bool = true,
        /// What to say.
        comment: String = "",
        /// Remarks to make.
        warnings: Vec<String> = Vec::new(),
        /// Whether a failure shows under a plan too.
        allow_test_mode_failure: bool = false,
    }
}

/// See [`Configurable`].
pub(super) fn configurable(context: &Context<'_>, arguments: Configurable) -> Result<Outcome, Failure> {
    let planning = context.host().is_plan();
    let mut comment = arguments.comment;
    if planning && comment.is_empty() {
        comment = "This is a test".into();
    }
    let holds = arguments.result || (planning && !arguments.allow_test_mode_failure);
    Ok(Outcome {
        verdict: if holds { Verdict::Holds } else { Verdict::Failed },
        changes: if arguments.changes { pretended() } else { Map::new() },
        warnings: arguments.warnings,
        ..Outcome::unchanged(comment).hint("write `- result: True`").blames("result")
    })
}

arguments! {
    /// Shows a text in the result.
    pub(super) struct Notification {
        /// Any name.
        name: String,
        /// The text.
        text: String
        ;.. others
    }
}

/// See [`Notification`].
pub(super) fn notify(_: &Context<'_>, arguments: Notification) -> Result<Outcome, Failure> {
    Ok(Outcome::unchanged(arguments.text))
}

arguments! {
    /// Fails unless pillar has the keys named, each of the type it is listed under.
    pub(super) struct CheckPillar {
        /// Any name.
        name: String,
        /// Keys that have to be there.
        present: Vec<String> = Vec::new(),
        /// Keys that have to be booleans.
        boolean: Vec<String> = Vec::new(),
        /// Keys that have to be integers.
        integer: Vec<String> = Vec::new(),
        /// Keys that have to be text.
        string: Vec<String> = Vec::new(),
        /// Keys that have to be lists.
        listing: Vec<String> = Vec::new(),
        /// Keys that have to be mappings.
        dictionary: Vec<String> = Vec::new(),
        /// Report a failure in words of Salt's own; accepted and ignored.
        verbose: bool = false,
    }
}

/// See [`CheckPillar`].
pub(super) fn check_pillar(context: &Context<'_>, arguments: CheckPillar) -> Result<Outcome, Failure> {
    type Fits = fn(&Value) -> bool;
    let checks: [(&[String], &str, Fits); 6] = [
        (&arguments.present, "", |_| true),
        (&arguments.boolean, "boolean", |value| value.as_bool().is_some()),
        (&arguments.integer, "integer", |value| value.as_int().is_some()),
        (&arguments.string, "string", |value| value.as_str().is_some()),
        (&arguments.listing, "list", |value| value.as_list().is_some()),
        (&arguments.dictionary, "dictionary", |value| value.as_map().is_some()),
    ];
    let mut wrong = Vec::new();
    for (keys, shape, fits) in checks {
        for key in keys {
            match context.pillar(key) {
                None => wrong.push(format!("Pillar key \"{key}\" is missing.")),
                Some(value) if !fits(&value) => {
                    wrong.push(format!("Pillar key \"{key}\" is not a {shape}: it is {}.", value.kind()));
                }
                Some(_) => {}
            }
        }
    }
    if wrong.is_empty() {
        return Ok(Outcome::unchanged(""));
    }
    Err(Failure::message(wrong.join("\n"))
        .hint("set the keys in pillar: `pinch call pillar.items` shows what there is"))
}

fn pretended() -> Map {
    let testing: Map = [("old", "Unchanged"), ("new", "Something pretended to change")].into_iter().collect();
    [("testing", testing)].into_iter().collect()
}
