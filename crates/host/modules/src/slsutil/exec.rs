//! Execution functions.

use report::Problem;
use value::{Data, ListMerge, Map, Strategy, Value};

use crate::{Context, Failure, Level, traverse};

arguments! {
    /// One structure laid over another.
    pub(super) struct Merge {
        /// What lies below.
        obj_a: Value,
        /// What is laid over it.
        obj_b: Value,
        /// How: `recurse` (what `smart` means), `overwrite` (whole keys at the top), `aggregate` (lists at the top
        /// are joined), `list` (both values of a key in a list), `none`.
        strategy: String = "smart",
        /// What `smart` is decided by: `aggregate` for `yamlex`, else `recurse`.
        renderer: String = "yaml",
        /// Whether lists are joined rather than replaced.
        merge_lists: bool = false,
    }
}

/// See [`Merge`].
pub(super) fn merge(context: &Context<'_>, arguments: &Map) -> Result<Value, Failure> {
    let argument = |name: &str| {
        arguments.get(name).cloned().ok_or_else(|| {
            Failure::message(format!("merge() misses `{name}`"))
                .hint("it merges two mappings: `slsutil.merge(one, two)`")
        })
    };
    let strategy = arguments.get("strategy").map_or_else(|| "smart".to_string(), Value::to_string);
    let renderer = arguments.get("renderer").map_or_else(|| "yaml".to_string(), Value::to_string);
    let lists = arguments.get("merge_lists").is_some_and(Value::is_truthy);
    merged(context, argument("obj_a")?, argument("obj_b")?, (&strategy, &renderer), lists)
}

fn merged(
    context: &Context<'_>,
    below: Value,
    above: Value,
    (strategy, renderer): (&str, &str),
    merge_lists: bool,
) -> Result<Value, Failure> {
    let aggregates = renderer.rsplit('|').next() == Some("yamlex") || renderer.starts_with("yamlex_");
    match strategy {
        "list" => paired(below, &above),
        "aggregate" => Ok(aggregated(below, above)),
        "smart" if aggregates => Ok(aggregated(below, above)),
        "none" => traverse::update(below, above, false),
        // What both have is taken from above as a whole, so there is nothing left to merge below the top.
        "overwrite" => match (below.as_map(), above.as_map()) {
            (Some(_), Some(_)) => Ok(value::merge(below, above, Strategy::Overwrite, ListMerge::Replace)),
            _ => traverse::update(below, above, merge_lists),
        },
        "smart" | "recurse" => traverse::update(below, above, merge_lists),
        other => {
            let text = format!("Unknown merging strategy '{other}', fallback to recurse");
            context.minion.messages.push(Level::Warning, text);
            traverse::update(below, above, false)
        }
    }
}

/// Each key of the first with its value, or with both values in a list. Keys of the second alone are dropped.
fn paired(below: Value, above: &Value) -> Result<Value, Failure> {
    let wrong = || {
        Failure::message("the strategy `list` needs two mappings")
            .hint("give two mappings, or another strategy: `smart`, `aggregate`, `recurse`, `overwrite`")
    };
    let (Data::Map(below), Some(above)) = (below.data, above.as_map()) else { return Err(wrong()) };
    let pair = |key: &value::Key, value: Value| match above.get_key(key) {
        Some(other) => vec![value, other.clone()].into(),
        None => value,
    };
    Ok(below
        .into_iter()
        .map(|(key, entry)| {
            let value = pair(&key, entry.value);
            (key, value)
        })
        .collect::<Map>()
        .into())
}

/// What Salt's aggregation of one level makes of plain data: mappings are overwritten key by key at the top,
/// everything else becomes a list in which nothing is repeated.
fn aggregated(below: Value, above: Value) -> Value {
    let items = |value: Value| match value.data {
        Data::List(items) => items,
        data => vec![Value { data, span: value.span }],
    };
    match (below.as_map().is_some(), above.as_map().is_some()) {
        (true, true) => value::merge(below, above, Strategy::Overwrite, ListMerge::Replace),
        (false, false) => {
            value::merge(items(below).into(), items(above).into(), Strategy::Recurse, ListMerge::Extend)
        }
        _ => above,
    }
}

arguments! {
    /// Several structures laid over each other in order.
    pub(super) struct MergeAll {
        /// The structures.
        lst: Vec<Value>,
        /// How, as in `slsutil.merge`.
        strategy: String = "smart",
        /// What `smart` is decided by.
        renderer: String = "yaml",
        /// Whether lists are joined rather than replaced.
        merge_lists: bool = false,
    }
}

/// See [`MergeAll`].
pub(super) fn merge_all(context: &Context<'_>, arguments: MergeAll) -> Result<Value, Failure> {
    let how = (&*arguments.strategy, &*arguments.renderer);
    let mut all = Value::from(Map::new());
    for layer in arguments.lst {
        all = merged(context, all, layer, how, arguments.merge_lists)?;
    }
    Ok(all)
}

arguments! {
    /// One mapping laid over another.
    pub(super) struct Update {
        /// What lies below.
        dest: Value,
        /// What is laid over it.
        upd: Value,
        /// Go into mappings that both have.
        recursive_update: bool = true,
        /// Whether lists are joined rather than replaced.
        merge_lists: bool = false,
    }
}

/// See [`Update`].
pub(super) fn update(_: &Context<'_>, arguments: Update) -> Result<Value, Failure> {
    let (below, above) = (arguments.dest, arguments.upd);
    if !arguments.recursive_update && below.as_map().is_some() && above.as_map().is_some() {
        return Ok(value::merge(below, above, Strategy::Overwrite, ListMerge::Replace));
    }
    traverse::update(below, above, arguments.merge_lists)
}

arguments! {
    /// One of two texts, by a truth value: `yes` and `no` for a configuration file.
    pub(super) struct BoolText {
        /// What decides.
        value: Value,
        /// What to answer when it is true.
        r#true: Value = "true",
        /// What to answer when it is not.
        r#false: Value = "false",
    }
}

/// See [`BoolText`].
pub(super) fn bool_text(_: &Context<'_>, arguments: BoolText) -> Result<Value, Failure> {
    Ok(if arguments.value.is_truthy() { arguments.r#true } else { arguments.r#false })
}

arguments! {
    /// Whether the tree has something at a path.
    pub(super) struct TreePath {
        /// The path in the tree, without `salt://`.
        path: String,
        /// The saltenv to look in.
        saltenv: String = "base",
    }
}

/// Whether the tree has a file there.
pub(super) fn file_exists(context: &Context<'_>, arguments: TreePath) -> Result<bool, Failure> {
    has_file(context, &arguments.saltenv, &arguments.path)
}

/// Whether the tree has a folder there.
pub(super) fn directory_exists(context: &Context<'_>, arguments: TreePath) -> Result<bool, Failure> {
    has_directory(context, &arguments.saltenv, &arguments.path)
}

/// Whether the tree has a file or folder there.
pub(super) fn path_exists(context: &Context<'_>, arguments: TreePath) -> Result<bool, Failure> {
    has_path(context, &arguments.saltenv, &arguments.path)
}

fn has_path(context: &Context<'_>, saltenv: &str, path: &str) -> Result<bool, Failure> {
    Ok(has_file(context, saltenv, path)? || has_directory(context, saltenv, path)?)
}

/// Paths are compared as Salt does, letter by letter: `a//b` and `./a` are not in the tree.
fn has_file(context: &Context<'_>, saltenv: &str, path: &str) -> Result<bool, Failure> {
    Ok(context.minion.tree.list(saltenv)?.binary_search_by(|file| file.as_str().cmp(path)).is_ok())
}

fn has_directory(context: &Context<'_>, saltenv: &str, path: &str) -> Result<bool, Failure> {
    Ok(context.minion.tree.list_dirs(saltenv)?.binary_search_by(|file| file.as_str().cmp(path)).is_ok())
}

arguments! {
    /// The nearest of some files, from a folder of the tree upwards.
    pub(super) struct FindUp {
        /// Where to start, a path in the tree.
        startpath: String,
        /// The names to look for, the preferred first.
        filenames: Vec<String>,
        /// The saltenv to look in.
        saltenv: String = "base",
    }
}

/// See [`FindUp`].
pub(super) fn find_up(context: &Context<'_>, arguments: FindUp) -> Result<String, Failure> {
    let start = render::tree_files::clean(&arguments.startpath)?;
    if !start.is_empty() && !has_path(context, &arguments.saltenv, &start)? {
        return Err(Failure::message(format!("Starting path not found in the state tree: {start}"))
            .hint("write it from the tree's root: `web/files`"));
    }
    let mut folder = &*start;
    loop {
        for name in &arguments.filenames {
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if has_path(context, &arguments.saltenv, &path)? {
                return Ok(path);
            }
        }
        if folder.is_empty() {
            return Err(Failure::message("File pattern(s) not found in path ancestry")
                .hint(format!("put one of {} into a folder above it", arguments.filenames.join(", "))));
        }
        folder = folder.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
}

arguments! {
    /// Data as text.
    pub(super) struct Serialize {
        /// The format: `json` or `yaml`.
        serializer: String,
        /// The data.
        obj: Value
        ;.. options
    }
}

/// See [`Serialize`].
pub(super) fn serialize(_: &Context<'_>, arguments: Serialize) -> Result<String, Failure> {
    match arguments.serializer.as_str() {
        "json" => Ok(match arguments.options.get("indent").and_then(Value::as_int) {
            Some(indent) => value::json::to_pretty(&arguments.obj, usize::try_from(indent).unwrap_or(0)),
            None => value::json::to_text(&arguments.obj),
        }),
        "yaml" => Ok(render::yaml::dump(&arguments.obj, &render::yaml::DumpStyle::block())),
        other => Err(no_serializer(other)),
    }
}

arguments! {
    /// Text as data.
    pub(super) struct Deserialize {
        /// The format: `json` or `yaml`.
        serializer: String,
        /// The text.
        stream_or_string: String
        ;.. options
    }
}

fn no_serializer(name: &str) -> Failure {
    Failure::message(format!("Serializer '{name}' not found.")).hint("`json` and `yaml` are there")
}

/// See [`Deserialize`].
pub(super) fn deserialize(_: &Context<'_>, arguments: Deserialize) -> Result<Value, Failure> {
    match arguments.serializer.as_str() {
        "json" => value::json::from_text(&arguments.stream_or_string).map_err(|error| {
            Failure::message(error.to_string()).hint("look at the text there: JSON quotes every key")
        }),
        "yaml" => {
            Ok(render::yaml::load(&arguments.stream_or_string, &render::yaml::Nowhere)
                .map_err(Problem::from)?)
        }
        other => Err(no_serializer(other)),
    }
}
