//! Arguments, declared once.
//!
//! `arguments!` turns a struct with doc comments into: the struct, its
//! [specification](ArgumentSpecification) (for documentation and checks), and a reader that takes it from a map,
//! reporting every problem at the argument's place.

use report::Problem;
use value::{Key, Map, Span, Value};

/// A type that an argument can have.
pub trait Argument: Sized {
    /// Its shape, as documentation names it: `boolean`, `text`, `list of text`.
    const SHAPE: &'static str;

    /// A value of it as a tree would write it.
    const EXAMPLE: &'static str;

    /// Whether it takes all positional arguments that are left.
    const TAKES_REST: bool = false;

    /// Whether it has to be given; false for types whose [`absent`](Self::absent) answers something.
    const REQUIRED: bool = true;

    /// Reads it.
    fn from_value(value: &Value) -> Result<Self, Mismatch>;

    /// What stands for an argument that was not given; `None` makes it required.
    fn absent() -> Option<Self> {
        None
    }
}

/// Why a value does not fit an argument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
pub struct Mismatch {
    /// What would fit.
    pub expected: String,
    /// What was there.
    pub found: String,
}

impl Mismatch {
    /// `value` is no `expected`.
    pub fn new(expected: &str, value: &Value) -> Self {
        let found = match value.as_str() {
            Some(text) if text.len() <= 40 => format!("`{text}`"),
            _ => value.kind().to_string(),
        };
        Self { expected: expected.into(), found }
    }
}

/// One argument as documentation and checks see it.
#[derive(Clone, Copy, Debug)]
pub struct ArgumentSpecification {
    /// Its name.
    pub name: &'static str,
    /// Other names it goes by.
    pub aliases: &'static [&'static str],
    /// Its doc comment.
    pub documentation: &'static str,
    /// Its [shape](Argument::SHAPE).
    pub shape: &'static str,
    /// The default as written in the declaration; empty when absence has a meaning of its own.
    pub default: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it takes all positional arguments that are left.
    pub takes_rest: bool,
}

impl ArgumentSpecification {
    /// The first line of its documentation, as the end of a sentence.
    fn summary(&self) -> String {
        let line = self.documentation.trim().lines().next().unwrap_or_default().trim_end_matches('.');
        let mut letters = line.chars();
        letters.next().map_or(String::new(), |first| first.to_lowercase().chain(letters).collect())
    }
}

/// A declared set of arguments.
pub trait Arguments: Sized {
    /// The doc comment of the set: what the function does.
    const DOCUMENTATION: &'static str;

    /// The arguments in order; positional arguments fill them in this order.
    const SPECIFICATION: &'static [ArgumentSpecification];

    /// Whether further arguments are accepted.
    const OPEN: bool;

    /// Reads the arguments. Every argument that is missing or does not fit is a problem; `place` is where
    /// the function was named.
    fn from_map(map: &Map, place: Span) -> Result<Self, Vec<Problem>>;
}

/// Names that any state accepts and the state engine itself consumes: requisites, guards, ordering.
pub const GLOBAL_ARGUMENTS: &[&str] = &[
    "require",
    "require_in",
    "require_any",
    "watch",
    "watch_in",
    "watch_any",
    "onchanges",
    "onchanges_in",
    "onchanges_any",
    "onfail",
    "onfail_in",
    "onfail_any",
    "onfail_all",
    "onfail_stop",
    "prereq",
    "prereq_in",
    "prerequired",
    "listen",
    "listen_in",
    "use",
    "use_in",
    "order",
    "fire_event",
    "retry",
    "failhard",
    "parallel",
    "reload_modules",
    "reload_grains",
    "reload_pillar",
    "aggregate",
    "check_cmd",
    "onlyif",
    "unless",
    "creates",
    "runas",
    "runas_password",
    "umask",
    "timeout",
    "state",
    "fun",
    "saltenv",
    "names",
    "__id__",
    "__sls__",
    "__env__",
    "__pub_user",
    "__pub_arg",
    "__pub_jid",
    "__pub_fun",
    "__pub_tgt",
    "__pub_ret",
    "__pub_pid",
    "__pub_tgt_type",
    "__prereq__",
];

/// Declares a function's arguments:
///
/// ```ignore
/// arguments! {
///     /// Keeps a directory there.
///     pub(super) struct Directory {
///         /// Its path.
///         name: String,
///         /// Who owns it; left alone by default.
///         user: Option<AnyText>,
///         /// Permission bits.
///         mode or dir_mode: Option<Mode>,
///         /// Make missing parents too.
///         makedirs: bool = false,
///     }
/// }
/// ```
///
/// A field is required unless it has a default or its type has a meaning for absence (`Option`).
/// `..extra` as the last field gathers all further arguments in a `Map`.
macro_rules! arguments {
    (
        $(#[doc = $documentation:literal])*
        $visibility:vis struct $name:ident {
            $(
                $(#[doc = $field_documentation:literal])*
                $field:ident $(or $alias:ident)* : $type:ty $(= $default:expr)?
            ),* $(,)?
            $(;.. $extra:ident)?
        }
    ) => {
        $(#[doc = $documentation])*
        #[derive(Clone, Debug)]
        #[allow(dead_code, reason = "several functions may share a set, and Salt's trees pass more than is used")]
        #[allow(clippy::struct_field_names, reason = "the names are Salt's")]
        $visibility struct $name {
            $(
                $(#[doc = $field_documentation])*
                $visibility $field: $type,
            )*
            $(
                /// All further arguments.
                $visibility $extra: ::value::Map,
            )?
        }

        impl $crate::Arguments for $name {
            const DOCUMENTATION: &'static str = concat!($($documentation, "\n"),*);
            const SPECIFICATION: &'static [$crate::ArgumentSpecification] = &[
                $($crate::ArgumentSpecification {
                    name: $crate::arguments::plain(stringify!($field)),
                    aliases: &[$(stringify!($alias)),*],
                    documentation: concat!("", $($field_documentation, "\n"),*),
                    shape: <$type as $crate::Argument>::SHAPE,
                    default: concat!("", $(stringify!($default))?),
                    required: arguments!(@required $type $(, $default)?),
                    takes_rest: <$type as $crate::Argument>::TAKES_REST,
                }),*
            ];
            const OPEN: bool = arguments!(@open $($extra)?);

            #[allow(unused_mut, unused_variables, reason = "a set may be empty")]
            fn from_map(map: &::value::Map, place: ::value::Span) -> Result<Self, Vec<::report::Problem>> {
                let mut problems = Vec::new();
                let mut at = 0usize..;
                let given = $crate::arguments::Given::of(map);
                $(
                    let specification = &Self::SPECIFICATION[at.next().unwrap_or_default()];
                    let argument: Option<$type> =
                        $crate::arguments::read(&given, specification, place, &mut problems);
                    let $field = arguments!(@value argument, $type $(, $default)?);
                )*
                if !problems.is_empty() {
                    return Err(problems);
                }
                $(
                    let known: &[$crate::ArgumentSpecification] = Self::SPECIFICATION;
                    let $extra = $crate::arguments::remaining(map, known);
                )?
                match ($($field,)*) {
                    ($(Some($field),)*) => Ok(Self { $($field,)* $($extra)? }),
                    #[allow(unreachable_patterns, reason = "a set without fields always matches")]
                    _ => Err(vec![::report::Problem::error("arguments.missing", "an argument is missing")
                        .at(place)
                        .hint("give all that the function needs")]),
                }
            }
        }
    };
    (@required $type:ty) => { <$type as $crate::Argument>::REQUIRED };
    (@required $type:ty, $default:expr) => { false };
    (@value $given:ident, $type:ty) => { $given.or_else(<$type as $crate::Argument>::absent) };
    (@value $given:ident, $type:ty, $default:expr) => { $given.or_else(|| Some(<$type>::from($default))) };
    (@open) => { false };
    (@open $extra:ident) => { true };
}

/// An identifier without the `r#` that keywords need.
pub(crate) const fn plain(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}

/// What a function is given. Most of what it could be given is absent, and that is told without a look through the map.
pub(crate) struct Given<'a> {
    map: &'a Map,
    /// A bit for the length and first letter of each name.
    names: u64,
}

impl<'a> Given<'a> {
    pub(crate) fn of(map: &'a Map) -> Self {
        let names = map.keys().filter_map(Key::as_str).fold(0, |names, name| names | Self::bit(name));
        Self { map, names }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        if self.names & Self::bit(name) == 0 { None } else { self.map.get(name) }
    }

    fn bit(name: &str) -> u64 {
        let first = name.bytes().next().map_or(0, usize::from);
        1 << ((name.len() * 7 + first) % 64)
    }
}

/// Reads one argument; `None` when it is absent. Problems are pushed; a required argument that is absent
/// is one.
pub(crate) fn read<T: Argument>(
    given: &Given<'_>,
    specification: &ArgumentSpecification,
    place: Span,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let mut names = std::iter::once(specification.name).chain(specification.aliases.iter().copied());
    let Some(value) = names.find_map(|name| given.get(name)) else {
        if specification.required {
            problems.push(
                Problem::error(
                    "arguments.missing",
                    format!("the argument `{}` is missing", specification.name),
                )
                .at(place)
                .hint(format!(
                    "add {}: {}",
                    written::<T>(specification, place),
                    specification.summary()
                )),
            );
        }
        return None;
    };
    match T::from_value(value) {
        Ok(argument) => Some(argument),
        Err(mismatch) => {
            problems.push(
                Problem::error("arguments.type", format!("`{}`: {mismatch}", specification.name))
                    .at(value.span.or(given.map.key_span(specification.name)).or(place))
                    .hint(format!("write {}", written::<T>(specification, place))),
            );
            None
        }
    }
}

/// An argument as it would be written: in a tree, where the function has a place, or on a command line.
fn written<T: Argument>(specification: &ArgumentSpecification, place: Span) -> String {
    let (name, example) = (specification.name, T::EXAMPLE);
    if place.is_none() { format!("`{name}={example}`") } else { format!("`- {name}: {example}`") }
}

/// The arguments that no specification and no global name covers.
pub(crate) fn remaining(map: &Map, known: &[ArgumentSpecification]) -> Map {
    let mut rest = Map::new();
    for (key, entry) in map.entries() {
        if key.as_str().is_some_and(|name| !is_known(name, known)) {
            rest.insert_at(key.clone(), entry.key_span, entry.value.clone());
        }
    }
    rest
}

/// A warning for each argument that the function does not know, at its place, with the nearest name.
pub(crate) fn unknown(map: &Map, function: &str, known: &[ArgumentSpecification]) -> Vec<Problem> {
    map.entries()
        .filter_map(|(key, entry)| Some((key.as_str()?, entry)))
        .filter(|(name, _)| !is_known(name, known) && !name.starts_with("__"))
        .map(|(name, entry)| {
            let names = known.iter().map(|argument| argument.name);
            Problem::warning("arguments.unknown", format!("`{function}` has no argument `{name}`"))
                .at(entry.key_span.or(entry.value.span))
                .did_you_mean(name, names.chain(GLOBAL_ARGUMENTS.iter().copied()))
        })
        .collect()
}

fn is_known(name: &str, known: &[ArgumentSpecification]) -> bool {
    known.iter().any(|argument| argument.name == name || argument.aliases.contains(&name))
        || GLOBAL_ARGUMENTS.contains(&name)
}

/// Lays positional arguments over the specification's names, as Python would.
pub fn bind(
    function: &str,
    specification: &[ArgumentSpecification],
    open: bool,
    positional: Vec<Value>,
    mut named: Map,
) -> Result<Map, Problem> {
    let given = positional.len();
    let mut positional = positional.into_iter();
    for argument in specification {
        if argument.takes_rest {
            named.insert(argument.name, Value::from(positional.by_ref().collect::<Vec<_>>()));
            break;
        }
        let Some(value) = positional.next() else { break };
        if named.contains(argument.name) {
            let what = format!("{function}() got multiple values for argument '{}'", argument.name);
            let hint = format!("`{}` is the argument at that position: give it once", argument.name);
            return Err(Problem::error("arguments.twice", what).hint(hint));
        }
        named.insert(argument.name, value);
    }
    if positional.next().is_some() {
        let what =
            format!("{function}() takes {} positional arguments but {given} were given", specification.len());
        return Err(Problem::error("arguments.too-many", what).hint(taken(specification)));
    }
    if !open
        && let Some(unknown) = named
            .keys()
            .filter_map(|key| key.as_str())
            .find(|name| !name.starts_with("__") && !is_known(name, specification))
    {
        let names = specification.iter().map(|argument| argument.name);
        return Err(Problem::error(
            "arguments.unknown",
            format!("{function}() got an unexpected keyword argument '{unknown}'"),
        )
        .did_you_mean(unknown, names)
        .or_hint(taken(specification)));
    }
    Ok(named)
}

/// What a function takes, in words.
fn taken(specification: &[ArgumentSpecification]) -> String {
    let names: Vec<String> = specification.iter().map(|argument| format!("`{}`", argument.name)).collect();
    if names.is_empty() {
        "it takes no arguments: leave them out".into()
    } else {
        format!("it takes {}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, Names};

    arguments! {
        /// For the tests.
        struct Sample {
            /// A path.
            name: String,
            /// Bits.
            mode or file_mode: Option<Mode>,
            /// Some names.
            pkgs: Names = Vec::new(),
            /// A switch.
            makedirs: bool = false
        }
    }

    fn map(json: &str) -> Map {
        value::json::from_text(json).unwrap().as_map().unwrap().clone()
    }

    #[test]
    fn reads_defaults_aliases_and_types() {
        let sample = Sample::from_map(&map(r#"{"name": "/x", "file_mode": "0644"}"#), Span::NONE).unwrap();
        assert_eq!(
            (sample.name.as_str(), sample.mode, sample.makedirs),
            ("/x", Some(Mode::Bits(0o644)), false)
        );
        assert!(sample.pkgs.is_empty());
        let required: Vec<_> = Sample::SPECIFICATION.iter().map(|argument| argument.required).collect();
        assert_eq!(required, [true, false, false, false]);
    }

    #[test]
    fn all_problems_come_together() {
        let problems = Sample::from_map(&map(r#"{"mode": [1], "makedirs": {}}"#), Span::NONE).unwrap_err();
        let texts: Vec<_> = problems.iter().map(|problem| problem.what.clone()).collect();
        assert_eq!(texts.len(), 3, "{texts:?}");
    }

    #[test]
    fn unknown_names_are_told_with_the_nearest() {
        let warnings =
            unknown(&map(r#"{"name": 1, "make_dirs": 1, "requires": []}"#), "x.y", Sample::SPECIFICATION);
        let hints: Vec<_> = warnings.iter().flat_map(|warning| warning.hints.clone()).collect();
        assert_eq!(hints, ["did you mean `makedirs`?", "did you mean `require`?"]);
    }

    #[test]
    fn positional_arguments_fill_in_order() {
        let bound =
            bind("f", Sample::SPECIFICATION, false, vec!["a".into(), 644i64.into()], Map::new()).unwrap();
        assert_eq!(value::json::to_text(&bound.into()), r#"{"name": "a", "mode": 644}"#);
        assert!(bind("f", Sample::SPECIFICATION, false, vec![Value::NULL; 5], Map::new()).is_err());
        assert!(bind("f", Sample::SPECIFICATION, false, vec![], map(r#"{"nam": 1}"#)).is_err());
    }
}
