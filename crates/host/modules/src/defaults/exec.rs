//! Execution functions.

use value::{Data, Map, Value};

use crate::traverse;
use crate::{Context, Failure};

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
        return Err(Failure::message("Can't perform in-place merge into NoneType"));
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
        return Err(Failure::message("Can't perform in-place update into NoneType"));
    }
    let span = arguments.dest.span;
    let dest = empty(arguments.dest);
    let Data::Map(mut members) = dest.data else {
        return Err(Failure::message(format!("dest has to be a mapping, not {}", dest.kind())));
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

/// See [`Copy`].
pub(super) fn copy(_: &Context<'_>, arguments: Copy) -> Result<Value, Failure> {
    Ok(arguments.source)
}
