//! What a function may use.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use host::Host;
use render::TreeFiles;
use report::Sources;
use value::{Map, Value};

use crate::{Failure, Messages};

/// What is known about the machine a run is for, and where its tree is. One for a whole run, shared by
/// the compiler, templates and states.
pub struct Minion {
    /// The machine.
    pub host: Arc<dyn Host>,
    /// The state tree.
    pub tree: Arc<dyn TreeFiles>,
    /// All texts that spans point into.
    pub sources: Sources,
    /// The minion's id.
    pub id: String,
    /// Configuration, under Salt's names, defaults filled in.
    pub options: Map,
    /// Grains.
    pub grains: Map,
    /// What templates and functions say on the way.
    pub messages: Messages,
    /// Pillar: empty until it is compiled.
    pillar: RwLock<Arc<Map>>,
    /// What `file.accumulated` has gathered: file, then accumulator, then texts.
    accumulated: RwLock<Map>,
    /// What the states of the run manage.
    managed: RwLock<Arc<Managed>>,
}

/// Paths that states of a run manage. They are put in order when somebody first asks, which few runs do.
#[derive(Debug, Default)]
pub struct Managed {
    declared: Vec<(Arc<str>, Reach)>,
    ordered: OnceLock<Ordered>,
}

/// How much of what lies at a path a state manages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The path itself, with what leads to it.
    Path,
    /// Everything below as well: copies, checkouts, unpacked archives.
    Tree,
}

#[derive(Debug)]
struct Ordered {
    paths: BTreeSet<PathBuf>,
    trees: BTreeSet<PathBuf>,
}

impl Managed {
    /// What the states of a run declare: absolute paths, in any order.
    pub fn new(declared: Vec<(Arc<str>, Reach)>) -> Self {
        Self { declared, ordered: OnceLock::new() }
    }

    /// Whether a path, something below it, or a tree it stands in is among them.
    fn includes(&self, path: &Path) -> bool {
        let ordered = self.ordered.get_or_init(|| {
            let paths = |wanted: &[Reach]| {
                let some = self.declared.iter().filter(|(_, reach)| wanted.contains(reach));
                some.map(|(path, _)| PathBuf::from(path.trim_end_matches('/'))).collect()
            };
            Ordered { paths: paths(&[Reach::Path, Reach::Tree]), trees: paths(&[Reach::Tree]) }
        });
        let below = ordered.paths.range(path.to_path_buf()..).next();
        below.is_some_and(|below| below.starts_with(path))
            || path.ancestors().any(|above| ordered.trees.contains(above))
    }
}

impl Minion {
    /// A minion whose pillar is not compiled yet.
    pub fn new(
        host: Arc<dyn Host>,
        tree: Arc<dyn TreeFiles>,
        sources: Sources,
        id: impl Into<String>,
        options: Map,
        grains: Map,
    ) -> Self {
        let (messages, pillar) = (Messages::default(), RwLock::default());
        Self {
            host,
            tree,
            sources,
            id: id.into(),
            options,
            grains,
            messages,
            pillar,
            accumulated: RwLock::default(),
            managed: RwLock::default(),
        }
    }

    /// The same minion on another host: an overlay, to look ahead.
    pub fn on(&self, host: Arc<dyn Host>) -> Self {
        let mut minion = Self::new(
            host,
            self.tree.clone(),
            self.sources.clone(),
            self.id.clone(),
            self.options.clone(),
            self.grains.clone(),
        );
        minion.pillar = RwLock::new(self.pillar());
        minion.managed = RwLock::new(self.managed.read().unwrap_or_else(PoisonError::into_inner).clone());
        minion
    }

    /// Says what the states of a run manage, so that `clean` leaves it alone.
    pub fn set_managed(&self, managed: Managed) {
        *self.managed.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(managed);
    }

    /// Whether a state of the run manages this path, something below it, or a tree it stands in.
    pub fn manages(&self, path: &Path) -> bool {
        let managed = self.managed.read().unwrap_or_else(PoisonError::into_inner).clone();
        managed.includes(path)
    }

    /// The pillar.
    pub fn pillar(&self) -> Arc<Map> {
        self.pillar.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gathers texts for a file; false when all of them were there already.
    pub(crate) fn accumulate(&self, file: &str, accumulator: &str, texts: Vec<Value>) -> bool {
        let mut all = self.accumulated.write().unwrap_or_else(PoisonError::into_inner);
        let file = all.get_or_insert_with(file, || Map::new().into());
        let Some(list) = file
            .as_map_mut()
            .map(|map| map.get_or_insert_with(accumulator, || Vec::<Value>::new().into()))
            .and_then(Value::as_list_mut)
        else {
            return false;
        };
        let before = list.len();
        for text in texts {
            if !list.contains(&text) {
                list.push(text);
            }
        }
        list.len() > before
    }

    /// What has been gathered for a file: a list of texts for each accumulator.
    pub(crate) fn accumulated(&self, file: &str) -> Map {
        let all = self.accumulated.read().unwrap_or_else(PoisonError::into_inner);
        all.get(file).and_then(Value::as_map).cloned().unwrap_or_default()
    }

    /// Sets the pillar, once it is compiled.
    pub fn set_pillar(&self, pillar: Map) {
        *self.pillar.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pillar);
    }
}

/// Renders templates of the tree. What stands behind it is the crate `render`, with the run's own functions.
pub trait Templates: Send + Sync {
    /// Renders one; a problem points into the template.
    fn render(&self, template: &Template<'_>) -> Result<Arc<str>, Failure>;
}

/// A template to render.
#[derive(Clone, Debug)]
pub struct Template<'a> {
    /// The engine named by the state (`jinja`).
    pub engine: &'a str,
    /// The saltenv it was read from.
    pub saltenv: &'a str,
    /// Its path in the tree; for text that stands in a state itself, the SLS with the state's id.
    pub path: &'a str,
    /// Its text.
    pub text: &'a [u8],
    /// Variables besides grains, pillar and the like.
    pub variables: &'a Map,
}

/// Who calls a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A state that is being run.
    State,
    /// A person, with `call`.
    Person,
    /// A template while it renders. What it runs only looks, as far as Pinch can tell: commands are probes.
    Template,
}

/// What a function is given besides its arguments.
pub struct Context<'run> {
    /// The minion.
    pub minion: &'run Minion,
    /// Renders templates of the tree (`file.managed` with `template: jinja`).
    pub templates: &'run dyn Templates,
    /// Who calls.
    pub caller: Caller,
    /// The saltenv in which the tree is read.
    pub saltenv: &'run str,
    /// The SLS the state stands in; empty for calls.
    pub sls: &'run str,
    /// The state's id; empty for calls.
    pub id: &'run str,
}

impl<'run> Context<'run> {
    /// The machine.
    pub fn host(&self) -> &'run dyn Host {
        &*self.minion.host
    }

    /// `done` when acts are carried out, `planned` when they are only recorded.
    pub fn words<T>(&self, done: T, planned: T) -> T {
        if self.host().is_plan() { planned } else { done }
    }

    /// A grain by path (`os_family`, `ip_interfaces:eth0`).
    pub fn grain(&self, path: &str) -> Option<Value> {
        lookup(&self.minion.grains, path)
    }

    /// A grain's text, empty when it is absent.
    pub fn grain_text(&self, path: &str) -> String {
        self.grain(path).map(|value| value.to_string()).unwrap_or_default()
    }

    /// A pillar value by path.
    pub fn pillar(&self, path: &str) -> Option<Value> {
        lookup(&self.minion.pillar(), path)
    }
}

fn lookup(map: &Map, path: &str) -> Option<Value> {
    if let Some(value) = map.get(path) {
        return Some(value.clone());
    }
    let (first, rest) = path.split_once(':')?;
    map.get(first)?.traverse(rest, ":").cloned()
}
