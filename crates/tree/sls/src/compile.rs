//! SLS names to high state: renders each SLS once and follows its includes.

use std::collections::VecDeque;
use std::sync::Arc;

use foldhash::HashSet;
use report::{Problem, Problems};
use value::{Data, Map, Value};

use crate::high::{Declaration, HighState, Home};
use crate::include::{self, Wanted};
use crate::{Catalogue, Matches, Request, Templates, read, verify};

/// How deep includes may nest.
const DEEPEST: usize = 1_000;
/// The order number of the first state that names none; the following count up.
const FIRST_ORDER: i64 = 10_000;

/// What of the configuration a compile depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether states run in the order in which they are defined (`state_auto_order`).
    pub auto_order: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { auto_order: true }
    }
}

impl HighState {
    /// Renders the SLS that are asked for and everything they include.
    ///
    /// All problems are gathered; with an error among them the high state is what could be read besides.
    pub fn compile(
        templates: &dyn Templates,
        matches: &Matches,
        settings: Settings,
        problems: &mut Problems,
    ) -> Self {
        let catalogue = Catalogue::new(templates);
        let mut compiler = Compiler {
            catalogue: &catalogue,
            matches,
            settings,
            problems,
            high: Self::default(),
            loaded: HashSet::default(),
            next_order: FIRST_ORDER,
        };
        compiler.run();
        let high = compiler.high;
        verify::mutual(&high, problems);
        high
    }
}

struct Compiler<'a, 'p> {
    catalogue: &'a Catalogue<'a>,
    matches: &'a Matches,
    settings: Settings,
    problems: &'p mut Problems,
    high: HighState,
    loaded: HashSet<(Arc<str>, Arc<str>)>,
    next_order: i64,
}

/// An SLS that is being loaded: its own ids wait for their order numbers until its includes are through.
struct Frame {
    home: Arc<Home>,
    own: Vec<Arc<str>>,
    includes: VecDeque<Wanted>,
}

impl Compiler<'_, '_> {
    fn run(&mut self) {
        for (saltenv, wanted) in self.matches.iter() {
            if !self.catalogue.has_saltenv(saltenv) {
                self.problems.push(no_saltenv(saltenv, self.catalogue));
                continue;
            }
            let listing = self.catalogue.listing(saltenv, self.problems);
            for (name, span) in wanted {
                let found = listing.matching(name);
                let names = if found.is_empty() { vec![&**name] } else { found };
                // An empty name has been told of where the top file was read.
                for sls in names.into_iter().filter(|name| !name.is_empty()) {
                    self.load(Wanted { saltenv: Arc::clone(saltenv), sls: sls.into(), span: *span });
                }
            }
        }
    }

    /// Loads an SLS and all it includes, without recursion: a tree may nest deeply.
    fn load(&mut self, wanted: Wanted) {
        let mut open: Vec<Frame> = self.open(wanted, None).into_iter().collect();
        while let Some(frame) = open.last_mut() {
            let Some(wanted) = frame.includes.pop_front() else {
                let own = std::mem::take(&mut frame.own);
                open.pop();
                self.number(&own);
                continue;
            };
            let home = Arc::clone(&frame.home);
            if open.len() >= DEEPEST {
                self.problems.push(too_deep(&wanted));
            } else if let Some(frame) = self.open(wanted, Some(&home)) {
                open.push(frame);
            }
        }
    }

    /// Renders one SLS and takes over what it declares; `None` when it was loaded before or cannot be.
    fn open(&mut self, wanted: Wanted, parent: Option<&Arc<Home>>) -> Option<Frame> {
        let key = (Arc::clone(&wanted.saltenv), Arc::clone(&wanted.sls));
        if self.loaded.contains(&key) {
            return None;
        }
        let listing = self.catalogue.listing(&wanted.saltenv, self.problems);
        let Some(path) = listing.path_of(&wanted.sls) else {
            self.problems.push(not_available(&wanted, parent, &listing.names));
            return None;
        };
        self.loaded.insert(key);
        let request =
            Request { saltenv: &wanted.saltenv, path: &path, sls: Some(&wanted.sls), context: &Map::new() };
        let rendered = self.catalogue.render(&request, self.problems)?;
        let home = Arc::new(home_of(&wanted, parent));
        let content = read::read(rendered, &home, self.problems);
        let own = self.declare(content.declarations);
        self.high.extensions.extend(content.extensions);
        self.high.exclusions.extend(content.exclusions);
        let from = include::Includer { home: &home, is_init: path.ends_with("/init.sls") };
        let includes = content
            .includes
            .into_iter()
            .flat_map(|include| from.resolve(&include, self.catalogue, self.matches, self.problems))
            .collect();
        Some(Frame { home, own, includes })
    }

    /// Adds declarations; an id that is there already is a conflict, and the first one stays.
    fn declare(&mut self, declarations: Vec<(Arc<str>, Declaration)>) -> Vec<Arc<str>> {
        let mut own = Vec::with_capacity(declarations.len());
        for (id, declaration) in declarations {
            match self.high.declarations.get(&id) {
                Some(first) => self.problems.push(conflict(&id, first, &declaration)),
                None => {
                    self.high.declarations.insert(Arc::clone(&id), declaration);
                    own.push(id);
                }
            }
        }
        own
    }

    /// Gives each state without an order the next number.
    fn number(&mut self, own: &[Arc<str>]) {
        if !self.settings.auto_order {
            return;
        }
        for id in own {
            let Some(declaration) = self.high.declarations.get_mut(id) else { continue };
            for body in declaration.states.values_mut() {
                if !body.args.iter().any(is_order) {
                    let order: Map = [("order", self.next_order)].into_iter().collect();
                    body.args.push(order.into());
                    self.next_order += 1;
                }
            }
        }
    }
}

fn is_order(arg: &Value) -> bool {
    matches!(&arg.data, Data::Map(map) if map.first().is_some_and(|(key, _)| key.as_str() == Some("order")))
}

fn home_of(wanted: &Wanted, parent: Option<&Arc<Home>>) -> Home {
    let included_from = match parent {
        Some(parent) => {
            std::iter::once(&parent.sls).chain(parent.included_from.iter()).map(Arc::clone).collect()
        }
        None => Arc::default(),
    };
    Home { sls: Arc::clone(&wanted.sls), saltenv: Arc::clone(&wanted.saltenv), included_from }
}

fn conflict(id: &str, first: &Declaration, second: &Declaration) -> Problem {
    let place = |home: &Home| format!("{}:{}", home.saltenv, home.sls);
    Problem::error(
        "sls.conflicting-id",
        format!(
            "Detected conflicting IDs: '{id}' is found in SLS '{}' and SLS '{}'",
            place(&first.home),
            place(&second.home)
        ),
    )
    .at(second.id_span)
    .label("declared again here")
    .related(first.id_span, "first declared here")
    .why("SLS IDs need to be globally unique")
    .hint("rename one of them; `- name:` says which file, package or service it means")
}

fn not_available(wanted: &Wanted, parent: Option<&Arc<Home>>, names: &[String]) -> Problem {
    let (saltenv, sls) = (&wanted.saltenv, &wanted.sls);
    let what = match parent {
        Some(_) => format!("Specified SLS {sls} in saltenv {saltenv} is not available"),
        None => format!("No matching sls found for '{sls}' in env '{saltenv}'"),
    };
    let stem = sls.replace('.', "/");
    let problem = Problem::error("sls.not-available", what)
        .at(wanted.span)
        .why(format!("neither {stem}.sls nor {stem}/init.sls is in the tree"))
        .did_you_mean(sls, names.iter().map(String::as_str))
        .or_hint("write the file, or look whether `file_roots` names the right folder");
    match parent {
        Some(parent) if wanted.span.is_none() => problem.on(format!("SLS {}", parent.sls)),
        _ => problem,
    }
}

fn no_saltenv(saltenv: &str, catalogue: &Catalogue<'_>) -> Problem {
    Problem::error(
        "sls.no-saltenv",
        format!("No matching salt environment for environment '{saltenv}' found"),
    )
    .did_you_mean(saltenv, catalogue.saltenvs().iter().map(String::as_str))
    .hint("name its folder under file_roots")
}

fn too_deep(wanted: &Wanted) -> Problem {
    Problem::error("sls.include-too-deep", format!("includes nest deeper than {DEEPEST}"))
        .at(wanted.span)
        .why(format!("while including {}", wanted.sls))
        .hint("files that include each other in a long chain: include them from one file instead")
}
