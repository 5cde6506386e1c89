//! Execution functions.

use render::yaml;
use report::Problem;
use value::{Data, Map, Span, Value};

use crate::traverse;
use crate::{Context, Failure};

arguments! {
    /// What a formula assumes: a value of its `defaults.yaml` or `defaults.json`.
    pub(super) struct Get {
        /// The formula, then the path in its file (`nginx:server:port`); the whole file for the formula alone.
        key: String,
        /// What to answer when nothing is there.
        default: Value = "",
    }
}

/// See [`Get`].
pub(super) fn get(context: &Context<'_>, arguments: Get) -> Result<Value, Failure> {
    let (formula, path) = match arguments.key.split_once(':') {
        Some((formula, path)) => (formula, Some(path)),
        None => (arguments.key.as_str(), None),
    };
    let defaults = load(context, formula)?;
    Ok(match path {
        None => defaults.unwrap_or(Value::NULL),
        Some(path) => {
            let found = defaults.as_ref().and_then(Value::as_map);
            found.and_then(|map| traverse::traverse(map, path, ":")).cloned().unwrap_or(arguments.default)
        }
    })
}

/// The formula's file; YAML comes first.
fn load(context: &Context<'_>, formula: &str) -> Result<Option<Value>, Failure> {
    let read = |path: &str| -> Result<Option<String>, Failure> {
        let content = context.minion.tree.read(context.saltenv, path)?;
        Ok(content.map(|content| String::from_utf8_lossy(&content).into_owned()))
    };
    let path = format!("{formula}/defaults.yaml");
    if let Some(text) = read(&path)? {
        let source = context.minion.sources.add(path.as_str(), text.as_str());
        let loaded = yaml::load(&text, &yaml::PlainText(source));
        return loaded.map(Some).map_err(|error| Problem::from(error).into());
    }
    match read(&format!("{formula}/defaults.json"))? {
        Some(text) => {
            let source = context.minion.sources.add(
                context.minion.tree.describe(context.saltenv, &format!("{formula}/defaults.json")),
                text.as_str(),
            );
            render::json_data(&text, |range| Span::new(source, range.start, range.end))
                .map(Some)
                .map_err(Failure::from)
        }
        None => Ok(None),
    }
}

arguments! {
    /// One mapping laid over another.
    pub(super) struct Merge {
        /// What lies below. Called from a template it is changed in place, unless `in_place` says otherwise.
        dest: Value,
        /// What is laid over it.
        src: Value,
        /// Whether lists are joined rather than replaced.
        merge_lists: bool = false,
        /// Whether `dest` itself is changed.
        in_place: bool = true,
        /// Take null for an empty mapping.
        convert_none: bool = true,
    }
}

/// See [`Merge`].
pub(super) fn merge(_: &Context<'_>, arguments: Merge) -> Result<Value, Failure> {
    let empty =
        |value: Value| if value.is_null() && arguments.convert_none { Map::new().into() } else { value };
    if arguments.dest.is_null() && arguments.convert_none && arguments.in_place {
        return Err(Failure::message("Can't perform in-place merge into NoneType")
            .hint("give a mapping as the first argument, or `in_place=False`"));
    }
    traverse::update(empty(arguments.dest), empty(arguments.src), arguments.merge_lists)
}

arguments! {
    /// Lays each member of a group over the group's defaults.
    pub(super) struct Update {
        /// The group: name to mapping. Called from a template it is changed in place, unless `in_place` says
        /// otherwise.
        dest: Value,
        /// The defaults.
        defaults: Value,
        /// Whether lists are joined rather than replaced.
        merge_lists: bool = true,
        /// Whether `dest` itself is changed.
        in_place: bool = true,
        /// Take null for an empty mapping.
        convert_none: bool = true,
    }
}

/// See [`Update`].
pub(super) fn update(_: &Context<'_>, arguments: Update) -> Result<Value, Failure> {
    let empty =
        |value: Value| if value.is_null() && arguments.convert_none { Map::new().into() } else { value };
    if arguments.dest.is_null() && arguments.in_place {
        return Err(Failure::message("Can't perform in-place update into NoneType")
            .hint("give a mapping as the first argument, or `in_place=False`"));
    }
    let span = arguments.dest.span;
    let dest = empty(arguments.dest);
    let Data::Map(mut members) = dest.data else {
        return Err(Failure::message(format!("dest has to be a mapping, not {}", dest.kind()))
            .hint("its values are mappings too: `{'one': {}, 'two': {}}`"));
    };
    let defaults = empty(arguments.defaults);
    for (_, member) in members.iter_mut() {
        let own = empty(std::mem::take(member));
        *member = traverse::update(defaults.clone(), own, arguments.merge_lists)?;
    }
    Ok(Value { data: Data::Map(members), span })
}

arguments! {
    /// A copy that shares nothing with what it is made of.
    pub(super) struct Copy {
        /// What to copy.
        source: Value,
    }
}

/// See [`struct@Copy`].
pub(super) fn copy(_: &Context<'_>, arguments: Copy) -> Result<Value, Failure> {
    Ok(arguments.source)
}
