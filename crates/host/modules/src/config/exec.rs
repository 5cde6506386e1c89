//! Execution functions.

use target::Pattern;
use value::{Data, ListMerge, Map, Strategy, Value};

use super::defaults::DEFAULTS;
use crate::traverse::traverse;
use crate::{Context, Failure, Level};

arguments! {
    /// The setting at a path: the first found in configuration, grains, pillar, master configuration.
    pub(super) struct Get {
        /// The path: keys joined by the delimiter.
        key: String,
        /// What to answer when nothing is there.
        default: Value = "",
        /// What joins the keys.
        delimiter: String = ":",
        /// Lay the sources over each other instead (`recurse` or `overwrite`), then look.
        merge: Option<String>,
        /// Leave the minion's configuration out.
        omit_opts: bool = false,
        /// Leave pillar out.
        omit_pillar: bool = false,
        /// Leave the master's configuration out.
        omit_master: bool = false,
        /// Leave grains out.
        omit_grains: bool = false,
    }
}

/// See [`Get`].
pub(super) fn get(context: &Context<'_>, arguments: &Map) -> Result<Value, Failure> {
    let key = arguments.get("key").map(Value::to_string).unwrap_or_default();
    let delimiter = arguments.get("delimiter").and_then(Value::as_str).unwrap_or(":");
    let pillar = context.minion.pillar();
    let sources = sources(context, &pillar);
    let found = match arguments.get("merge").filter(|merge| !merge.is_null()) {
        None => {
            let omitted = ["omit_opts", "omit_grains", "omit_pillar", "omit_master"]
                .map(|name| arguments.get(name).is_some_and(Value::is_truthy));
            let mut asked =
                sources.iter().zip(omitted).filter(|(_, omitted)| !omitted).filter_map(|(map, _)| *map);
            asked
                .find_map(|map| traverse(map, &key, delimiter))
                .or_else(|| traverse(&DEFAULTS, &key, delimiter))
                .cloned()
        }
        Some(strategy) => merged(context, &sources, &key, delimiter, &strategy.to_string()),
    };
    Ok(found.or_else(|| arguments.get("default").cloned()).unwrap_or_else(|| "".into()))
}

/// Where settings are, the most important first.
fn sources<'a>(context: &'a Context<'_>, pillar: &'a Map) -> [Option<&'a Map>; 4] {
    let master = pillar.get("master").and_then(Value::as_map);
    [Some(&context.minion.options), Some(&context.minion.grains), Some(pillar), master]
}

/// Only what stands under the path's first key has to be merged.
fn merged(
    context: &Context<'_>,
    sources: &[Option<&Map>],
    key: &str,
    delimiter: &str,
    strategy: &str,
) -> Option<Value> {
    let strategy = match strategy {
        "overwrite" => Strategy::Overwrite,
        "recurse" => Strategy::Recurse,
        other => {
            let text = format!("Unsupported merge strategy '{other}'. Falling back to 'recurse'.");
            context.minion.messages.push(Level::Warning, text);
            Strategy::Recurse
        }
    };
    let joins = context.minion.options.get("pillar_merge_lists").is_some_and(Value::is_truthy);
    let lists = if joins { ListMerge::Extend } else { ListMerge::Replace };
    let first = key.split(delimiter).next()?;
    let mut whole = Value::from(Map::new());
    for source in std::iter::once(Some(&*DEFAULTS)).chain(sources.iter().rev().copied()).flatten() {
        if let Some(value) = traverse(source, first, delimiter) {
            let layer: Map = [(first, value.clone())].into_iter().collect();
            whole = value::merge(whole, layer.into(), strategy, lists);
        }
    }
    traverse(whole.as_map()?, key, delimiter).cloned()
}

arguments! {
    /// The setting of that very name; the path is not taken apart.
    pub(super) struct OptionOf {
        /// Its name, or a shell pattern with `wildcard`.
        value: String,
        /// What to answer when there is none: an empty text, or an empty mapping with `wildcard`.
        default: Option<Value>,
        /// Leave the minion's configuration out.
        omit_opts: bool = false,
        /// Leave grains out.
        omit_grains: bool = false,
        /// Leave pillar out.
        omit_pillar: bool = false,
        /// Leave the master's configuration out.
        omit_master: bool = false,
        /// Look at the defaults alone.
        omit_all: bool = false,
        /// Answer all settings whose name fits the pattern, by name.
        wildcard: bool = false,
    }
}

/// See [`OptionOf`].
pub(super) fn option(context: &Context<'_>, arguments: OptionOf) -> Result<Value, Failure> {
    let pillar = context.minion.pillar();
    let omitted = [arguments.omit_opts, arguments.omit_grains, arguments.omit_pillar, arguments.omit_master];
    let sources = sources(context, &pillar).into_iter().zip(omitted);
    let asked: Vec<&Map> = sources
        .filter_map(|(map, omitted)| map.filter(|_| !omitted && !arguments.omit_all))
        .chain([&*DEFAULTS])
        .collect();
    if !arguments.wildcard {
        let found = asked.iter().find_map(|map| map.get(&arguments.value)).cloned();
        return Ok(found.or(arguments.default).unwrap_or_else(|| "".into()));
    }
    let mut fitting = Map::new();
    for (key, value) in asked.iter().flat_map(|map| map.iter()) {
        if Pattern::fits(&arguments.value, &key.to_string()) {
            fitting.get_or_insert_with(key.clone(), || value.clone());
        }
    }
    Ok(if fitting.is_empty() { arguments.default.unwrap_or_else(|| fitting.into()) } else { fitting.into() })
}

arguments! {
    /// The setting of that very name, joined from configuration, master configuration and pillar.
    pub(super) struct Merge {
        /// Its name.
        value: String,
        /// What to answer when there is none.
        default: Value = "",
        /// Leave the minion's configuration out.
        omit_opts: bool = false,
        /// Leave the master's configuration out.
        omit_master: bool = false,
        /// Leave pillar out.
        omit_pillar: bool = false,
    }
}

/// See [`Merge`].
pub(super) fn merge(context: &Context<'_>, arguments: Merge) -> Result<Value, Failure> {
    let pillar = context.minion.pillar();
    let [options, _, pillar, master] = sources(context, &pillar);
    let asked = [
        options.filter(|_| !arguments.omit_opts),
        master.filter(|_| !arguments.omit_master),
        pillar.filter(|_| !arguments.omit_pillar),
    ];
    let mut joined: Option<Value> = None;
    for found in asked.into_iter().flatten().filter_map(|map| map.get(&arguments.value)) {
        joined = Some(match joined {
            Some(text) if text.as_str().is_some() => text,
            Some(Value { data: Data::Map(above), .. }) if found.as_map().is_some() => {
                value::merge(found.clone(), above.into(), Strategy::Overwrite, ListMerge::Replace)
            }
            Some(Value { data: Data::List(items), .. }) if found.as_list().is_some() => {
                items.into_iter().chain(found.as_list().unwrap_or_default().iter().cloned()).collect()
            }
            Some(other) => other,
            None => found.clone(),
        });
    }
    Ok(joined.or_else(|| DEFAULTS.get(&arguments.value).cloned()).unwrap_or(arguments.default))
}

arguments! {
    /// The whole configuration.
    pub(super) struct Nothing {}
}

/// See [`Nothing`].
pub(super) fn items(context: &Context<'_>, _: Nothing) -> Result<Map, Failure> {
    Ok(context.minion.options.clone())
}

arguments! {
    /// All settings of a module: those whose name starts with the module's and a dot.
    pub(super) struct DotValues {
        /// The module.
        value: String,
    }
}

/// See [`DotValues`].
pub(super) fn dot_values(context: &Context<'_>, arguments: DotValues) -> Result<Map, Failure> {
    let pillar = context.minion.pillar();
    let [options, _, _, master] = sources(context, &pillar);
    let prefix = format!("{}.", arguments.value);
    let all = [master, options].into_iter().flatten().flat_map(Map::iter);
    Ok(all
        .filter(|(key, _)| key.as_str().is_some_and(|key| key.starts_with(&prefix)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect())
}

arguments! {
    /// The backup mode in force.
    pub(super) struct BackupMode {
        /// A mode that overrides the configured one.
        backup: String = "",
    }
}

/// See [`BackupMode`].
pub(super) fn backup_mode(context: &Context<'_>, arguments: BackupMode) -> Result<Value, Failure> {
    if arguments.backup.is_empty() {
        let configured = context.minion.options.get("backup_mode").cloned();
        return Ok(configured.unwrap_or_else(|| "".into()));
    }
    Ok(arguments.backup.into())
}

arguments! {
    /// A mode as text of four digits.
    pub(super) struct ManageMode {
        /// The mode, as text or number.
        mode: Value,
    }
}

/// See [`ManageMode`].
pub(super) fn manage_mode(_: &Context<'_>, arguments: ManageMode) -> Result<Value, Failure> {
    if arguments.mode.is_null() {
        return Ok(Value::NULL);
    }
    let text = arguments.mode.to_string();
    let text = text.replace("0o", "0");
    let digits = text.trim_matches(['"', '\'']).trim_start_matches('0');
    Ok(format!("{digits:0>4}").into())
}

arguments! {
    /// Whether a URI has a protocol that files can be fetched by.
    pub(super) struct Uri {
        /// The URI.
        uri: String,
    }
}

/// See [`Uri`].
pub(super) fn valid_file_protocol(_: &Context<'_>, arguments: Uri) -> Result<bool, Failure> {
    let scheme = arguments.uri.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    let known = ["http", "https", "ftp", "s3", "swift", "salt", "file"];
    Ok(scheme.is_some_and(|scheme| known.contains(&scheme.as_str())))
}
