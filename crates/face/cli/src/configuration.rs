//! The minion's configuration: defaults, `minion`, `minion.d/*.conf`, and what the command line says on top.

use std::path::{Path, PathBuf};

use host::Host;
use report::{Problem, Sources};
use value::{ListMerge, Map, Strategy, Value};

/// The configuration under Salt's names.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// All options, defaults filled in.
    pub options: Map,
    /// The names that somebody set: in a file or on the command line.
    pub set: Vec<String>,
}

impl Configuration {
    /// Only the defaults.
    pub fn defaults() -> Self {
        let sources = Sources::new();
        let options = read_map(&sources, "<defaults>", include_str!("defaults.yaml")).unwrap_or_default();
        Self { options, set: Vec::new() }
    }

    /// Reads `minion` and what its `default_include` names, below `folder`. A folder without a `minion`
    /// file is no error: the defaults hold.
    pub fn read(host: &dyn Host, folder: &Path, sources: &Sources) -> Result<Self, Problem> {
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
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.set.push(name.to_string());
        self.options.insert(name, value);
    }

    /// An option as text, if it is set to text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.options.get(name)?.as_str().map(str::to_string)
    }

    /// Whether an option is on.
    pub fn flag(&self, name: &str) -> bool {
        self.options.get(name).is_some_and(Value::is_truthy)
    }

    /// The folders of `file_roots` or `pillar_roots`, by saltenv.
    pub fn roots(&self, name: &str) -> Vec<(String, Vec<PathBuf>)> {
        let Some(roots) = self.options.get(name).and_then(Value::as_map) else { return Vec::new() };
        let folders = |value: &Value| match value.as_list() {
            Some(items) => items.iter().map(|item| PathBuf::from(item.to_string())).collect(),
            None => vec![PathBuf::from(value.to_string())],
        };
        roots.iter().map(|(saltenv, value)| (saltenv.to_string(), folders(value))).collect()
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

/// Reads a file that holds a mapping; `None` when it is not there.
pub fn read_file(host: &dyn Host, path: &Path, sources: &Sources) -> Result<Option<Map>, Problem> {
    let name = path.display().to_string();
    let bytes = match host.read(path) {
        Ok(bytes) => bytes,
        Err(host::HostError::NotFound(_) | host::HostError::NotADirectory(_)) => return Ok(None),
        Err(error) => {
            let problem = Problem::error("configuration.unreadable", error.to_string());
            return Err(error.hint().into_iter().fold(problem, Problem::hint));
        }
    };
    let text = std::str::from_utf8(&bytes)
        .map_err(|error| Problem::error("configuration.utf-8", format!("not UTF-8: {error}")).on(&name))?;
    read_map(sources, &name, text).map(Some)
}

fn read_map(sources: &Sources, name: &str, text: &str) -> Result<Map, Problem> {
    let source = sources.add(name, text);
    let value = render::yaml::load(text, &render::yaml::PlainText(source)).map_err(Problem::from)?;
    match value.data {
        value::Data::Map(map) => Ok(map),
        value::Data::Null => Ok(Map::new()),
        _ => Err(Problem::error("configuration.shape", "a configuration file holds a mapping")
            .at(value.span)
            .why(format!("this is {}", value.kind()))),
    }
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
