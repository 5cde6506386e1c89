//! `file.accumulated`: texts gathered for a file that a later state writes.

use value::{Map, Value};

use crate::{Context, Failure, Outcome};

arguments! {
    /// Gathers text for a file. `file.managed` finds it as `accumulator` in its template, `file.blockreplace`
    /// adds it to its content.
    pub(super) struct Accumulated {
        /// The accumulator's name.
        name: String,
        /// The file that the text is for.
        filename: String,
        /// The text, or several.
        text: Vec<Value>,
    }
}

/// See [`Accumulated`].
pub(super) fn accumulated(context: &Context<'_>, arguments: Accumulated) -> Result<Outcome, Failure> {
    let charged = context.minion.accumulate(&arguments.filename, &arguments.name, arguments.text);
    let comment =
        format!("Accumulator {} for file {} was charged by text", arguments.name, arguments.filename);
    Ok(Outcome::unchanged(if charged { comment } else { String::new() }))
}

/// What has been gathered for a file: a list of texts for each accumulator.
pub(super) fn of(context: &Context<'_>, filename: &str) -> Map {
    context.minion.accumulated(filename)
}
