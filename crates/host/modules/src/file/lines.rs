//! `file.append`.

use std::path::Path;

use host::Attributes;
use value::{Map, Value};

use super::content::{self, Rendering};
use super::{place, text};
use crate::{Context, Failure, Outcome};

arguments! {
    /// Keeps texts in a file: what is missing is added at its end. Changes: `diff`.
    pub(super) struct Append {
        /// The path of the file.
        name: String,
        /// The text, or several.
        text: Vec<String> = Vec::new(),
        /// A file that holds the text.
        source: Option<Value>,
        /// Several files that hold it.
        sources: Vec<Value> = Vec::new(),
        /// The engine that renders the files.
        template: String = "jinja",
        /// Variables of the template.
        context: Map = Map::new(),
        /// Variables where `context` has none.
        defaults: Map = Map::new(),
        /// Make missing parent directories.
        makedirs: bool = false,
        /// Take texts that differ in white space alone for the same.
        ignore_whitespace: bool = true
        ;.. others
    }
}

/// See [`Append`].
pub(super) fn append(context: &Context<'_>, arguments: Append) -> Result<Outcome, Failure> {
    let host = context.host();
    let name = &arguments.name;
    let mut variables = arguments.defaults.clone();
    for (key, value) in arguments.context.iter() {
        variables.insert(key.clone(), value.clone());
    }
    let sources: Vec<Value> = arguments.source.iter().chain(&arguments.sources).cloned().collect();
    let rendering = Rendering { engine: &arguments.template, variables: &variables };
    let chunks = content::chunks(context, &arguments.text, &sources, Some(rendering))?;
    if chunks.is_empty() {
        return Err(Failure::message("No text found to append. Nothing appended")
            .hint("give lines with `- text:`, or a file of the state tree with `- source: salt://…`"));
    }
    let (path, found) = place::follow(host, &place::absolute(context, name)?)?;
    let (path, old) = if found.is_some() { content::existing(context, name)? } else { (path, String::new()) };
    if found.is_none() && !arguments.makedirs && !place::is_directory(host, path.parent().unwrap_or(&path))? {
        return Err(place::no_parent(format!("{name}: file not found"), path.parent().unwrap_or(&path)));
    }
    let mut added = Vec::new();
    for chunk in &chunks {
        if !contains(&old, chunk, arguments.ignore_whitespace) {
            added.extend(text::lines(chunk));
        }
    }
    if added.is_empty() && found.is_some() {
        return Ok(Outcome::unchanged(format!("File {name} is in correct state")));
    }
    place::guard(host, &path)?;
    if arguments.makedirs {
        place::make_parents(host, Path::new(&path), &Attributes::default())?;
    }
    let mut new = old.clone();
    if !new.is_empty() && !new.ends_with('\n') {
        new.push('\n');
    }
    for line in &added {
        new.push_str(line);
        new.push('\n');
    }
    host.write(&path, new.as_bytes(), &Attributes::default())?;
    let diff = if host::holds_secrets(&path, new.as_bytes()) {
        text::HIDDEN.into()
    } else {
        text::unified_lines(&text::lines(&old), &text::lines(&new), "\n", "\n")
    };
    let done = format!("Appended {} lines", added.len());
    let comment = context.words(done, format!("File {name} is set to be updated"));
    Ok(Outcome::unchanged(comment).with("diff", diff))
}

/// Whether whole lines of a text say what a chunk says.
fn contains(old: &str, chunk: &str, ignore_whitespace: bool) -> bool {
    let plain = |line: &str| {
        if ignore_whitespace { line.split_whitespace().collect::<String>() } else { line.to_string() }
    };
    let wanted: Vec<String> = text::lines(chunk).into_iter().map(plain).collect();
    let lines: Vec<String> = text::lines(old).into_iter().map(plain).collect();
    !wanted.is_empty() && lines.windows(wanted.len()).any(|window| window == wanted)
}
