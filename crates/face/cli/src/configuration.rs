//! The minion's configuration: defaults, `minion`, `minion.d/*.conf`, and what the command line says on top.

use std::path::{Path, PathBuf};

use host::Host;
use report::{Problem, Sources};
use value::{ListMerge, Map, Span, Strategy, Value};

/// The configuration under Salt's names.
#[derive(Clone, Debug)]
pub(crate) struct Configuration {
    /// All options, defaults filled in.
    pub options: Map,
    /// The names that somebody set: in a file or on the command line.
    pub set: Vec<String>,
}

impl Configuration {
    /// Only the defaults.
    pub(crate) fn defaults() -> Self {
        let sources = Sources::new();
        let options = read_map(&sources, "<defaults>", include_str!("defaults.yaml")).unwrap_or_default();
        Self { options, set: Vec::new() }
    }

    /// Reads `minion` and what its `default_include` names, below `folder`. A folder without a `minion`
    /// file is no error: the defaults hold.
    pub(crate) fn read(host: &dyn Host, folder: &Path, sources: &Sources) -> Result<Self, Problem> {
        let mut configuration = Self::defaults();
        let file = folder.join("minion");
        if let Some(map) = read_file(host, &file, sources)? {
            configuration.lay_over(map);
        }
        let pattern = configuration.text("default_include").unwrap_or_default();
        for file in included(host, folder, &pattern) {
            if let Some(map) = read_file(host, &file, sources)? {
                configuration.lay_over(map);
            }
        }
        Ok(configuration)
    }

    /// Sets one option.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.set.push(name.to_string());
        self.options.insert(name, value);
    }

    /// An option as text, if it is set to text.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.options.get(name)?.as_str().map(str::to_string)
    }

    /// Whether an option is on.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.options.get(name).is_some_and(Value::is_truthy)
    }

    /// The folders of `file_roots` or `pillar_roots`, by saltenv.
    pub(crate) fn roots(&self, name: &str) -> Vec<(String, Vec<PathBuf>)> {
        let Some(roots) = self.options.get(name).and_then(Value::as_map) else { return Vec::new() };
        let folders = |value: &Value| match value.as_list() {
            Some(items) => items.iter().map(|item| PathBuf::from(item.to_string())).collect(),
            None => vec![PathBuf::from(value.to_string())],
        };
        roots.iter().map(|(saltenv, value)| (saltenv.to_string(), folders(value))).collect()
    }

    /// What looks like a typing mistake: an option that is none, but nearly one. Others are the user's own, which
    /// `config.get` reads.
    pub(crate) fn doubts(&self) -> Vec<Problem> {
        let defaults = Self::defaults().options;
        let known: Vec<&str> =
            defaults.keys().filter_map(value::Key::as_str).chain(WITHOUT_DEFAULT).collect();
        let unknown = self.options.entries().filter_map(|(key, entry)| Some((key.as_str()?, entry)));
        let unknown = unknown.filter(|(name, _)| name.len() > 5 && !known.contains(name));
        let doubt = |(name, entry): (&str, &value::Entry)| {
            Problem::warning("configuration.unknown", format!("there is no option `{name}`"))
                .at(entry.key_span)
                .did_you_mean(name, known.iter().copied())
        };
        unknown.map(doubt).filter(|problem| !problem.hints.is_empty()).collect()
    }

    fn lay_over(&mut self, map: Map) {
        self.set.extend(map.keys().map(ToString::to_string));
        let base = std::mem::take(&mut self.options).into();
        let merged = value::merge(base, map.into(), Strategy::Overwrite, ListMerge::Replace);
        if let value::Data::Map(options) = merged.data {
            self.options = options;
        }
    }
}

/// Options that have no default.
const WITHOUT_DEFAULT: [&str; 12] = [
    "append_minionid_config_dirs",
    "enable_fqdns_grains",
    "env_order",
    "file_roots",
    "grains",
    "id",
    "log_file",
    "master_port",
    "mine_functions",
    "nodegroups",
    "pillar_roots",
    "schedule",
];

/// Reads a file that holds a mapping; `None` when it is not there.
pub(crate) fn read_file(host: &dyn Host, path: &Path, sources: &Sources) -> Result<Option<Map>, Problem> {
    let name = path.display().to_string();
    let bytes = match host.read(path) {
        Ok(bytes) => bytes,
        Err(host::HostError::NotFound(_) | host::HostError::NotADirectory(_)) => return Ok(None),
        Err(error) => {
            let problem = Problem::error("configuration.unreadable", error.to_string());
            return Err(error.hint().into_iter().fold(problem, Problem::hint));
        }
    };
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let at = error.valid_up_to();
        let source = sources.add(&name, String::from_utf8_lossy(&bytes));
        Problem::error("configuration.utf-8", format!("the file is not UTF-8: invalid byte at offset {at}"))
            .at(Span::new(source, at, at + char::REPLACEMENT_CHARACTER.len_utf8()))
            .hint("save the file as UTF-8")
    })?;
    read_map(sources, &name, text).map(Some)
}

fn read_map(sources: &Sources, name: &str, text: &str) -> Result<Map, Problem> {
    let source = sources.add(name, text);
    let value = render::yaml::load(text, &render::yaml::PlainText(source)).map_err(Problem::from)?;
    match value.data {
        value::Data::Map(map) => {
            check_roots(&map)?;
            Ok(map)
        }
        value::Data::Null => Ok(Map::new()),
        _ => Err(Problem::error("configuration.shape", "a configuration file holds a mapping")
            .at(value.span)
            .why(format!("this is {}", value.kind()))
            .hint("write `option: value` lines")),
    }
}

/// Roots are folders by saltenv; anything else would be a tree without files.
fn check_roots(map: &Map) -> Result<(), Problem> {
    for name in ["file_roots", "pillar_roots"] {
        let Some(value) = map.get(name).filter(|value| value.as_map().is_none() && !value.is_null()) else {
            continue;
        };
        return Err(Problem::error(
            "configuration.roots",
            format!("`{name}` is not a mapping of saltenvs to folders"),
        )
        .at(value.span)
        .why(format!("it is {}", value.kind()))
        .hint(format!("write `{name}: {{base: [/srv/salt]}}`")));
    }
    Ok(())
}

/// The files that a `default_include` pattern (`minion.d/*.conf`) names, sorted.
fn included(host: &dyn Host, folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let (inner, names) = pattern.rsplit_once('/').unwrap_or(("", pattern));
    let folder = folder.join(inner);
    let Some((before, after)) = names.split_once('*') else { return vec![folder.join(names)] };
    let fits = |name: &str| {
        name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
    };
    let entries = host.list(&folder).unwrap_or_default();
    entries.into_iter().filter(|entry| fits(&entry.name)).map(|entry| folder.join(entry.name)).collect()
}
