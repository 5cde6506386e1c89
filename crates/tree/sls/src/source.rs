//! What a compile needs from outside.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use report::{Problem, Problems};
use value::{Map, Value};

/// The templates of a tree: which files there are, and what they render to.
///
/// The rooms of compiling (`sls`, `pillar`) know nothing else of files and renderers.
pub trait Templates {
    /// The names of the saltenvs, `base` first.
    fn saltenvs(&self) -> Vec<String>;

    /// All files of a saltenv, relative to its roots, with `/` between parts.
    fn files(&self, saltenv: &str) -> Result<Arc<Vec<String>>, Problem>;

    /// Renders a file to data. What is wrong goes to `problems`; the answer is `None` when nothing came of
    /// it. A file that renders to nothing is `Some` null.
    fn render(&self, request: &Request<'_>, problems: &mut Problems) -> Option<Value>;
}

/// One file to render.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The saltenv it is in.
    pub saltenv: &'a str,
    /// Its path below the roots (`web/init.sls`).
    pub path: &'a str,
    /// Its name as an SLS (`web`); `None` for a top file.
    pub sls: Option<&'a str>,
    /// More variables for the template (the `defaults` of a pillar include).
    pub context: &'a Map,
}

/// The SLS of a tree by name, listed once a saltenv.
pub struct Catalogue<'a> {
    templates: &'a dyn Templates,
    saltenvs: Vec<String>,
    listed: RefCell<HashMap<String, Rc<Listing>>>,
}

/// The SLS of one saltenv.
#[derive(Debug, Default)]
pub struct Listing {
    /// Their names, sorted.
    pub names: Vec<String>,
    known: HashSet<String>,
    paths: HashSet<String>,
}

impl<'a> Catalogue<'a> {
    /// A catalogue that has listed nothing yet.
    pub fn new(templates: &'a dyn Templates) -> Self {
        Self { templates, saltenvs: templates.saltenvs(), listed: RefCell::default() }
    }

    /// The saltenvs, `base` first.
    pub fn saltenvs(&self) -> &[String] {
        &self.saltenvs
    }

    /// Whether there is such a saltenv.
    pub fn has_saltenv(&self, name: &str) -> bool {
        self.saltenvs.iter().any(|saltenv| saltenv == name)
    }

    /// The SLS of a saltenv; none when it cannot be listed, which is then among the problems.
    pub fn listing(&self, saltenv: &str, problems: &mut Problems) -> Rc<Listing> {
        if let Some(listing) = self.listed.borrow().get(saltenv) {
            return Rc::clone(listing);
        }
        let listing = match self.templates.files(saltenv) {
            Ok(files) => Rc::new(Listing::new(&files)),
            Err(problem) => {
                problems.push(problem);
                Rc::default()
            }
        };
        self.listed.borrow_mut().insert(saltenv.into(), Rc::clone(&listing));
        listing
    }

    /// Renders a file.
    pub fn render(&self, request: &Request<'_>, problems: &mut Problems) -> Option<Value> {
        self.templates.render(request, problems)
    }
}

impl Listing {
    /// Reads a list of files.
    pub fn new(files: &[String]) -> Self {
        let mut names: Vec<String> = files.iter().filter_map(|path| sls_name(path)).collect();
        names.sort();
        names.dedup();
        let paths = files.iter().filter(|path| is_sls(path)).cloned().collect();
        Self { known: names.iter().cloned().collect(), names, paths }
    }

    /// Whether a path below the roots is an SLS or top file there.
    pub fn has_path(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// The path of an SLS: `name.sls` before `name/init.sls`, as Salt looks.
    pub fn path_of(&self, sls: &str) -> Option<String> {
        let stem = sls.replace('.', "/");
        [format!("{stem}.sls"), format!("{stem}/init.sls")].into_iter().find(|path| self.has_path(path))
    }

    /// The names that a name or pattern means, in order; none when nothing fits.
    pub fn matching(&self, pattern: &str) -> Vec<&str> {
        if let Some(name) = self.known.get(pattern) {
            return vec![name];
        }
        if !target::is_pattern(pattern) {
            return Vec::new();
        }
        let glob = target::Pattern::new(pattern);
        self.names.iter().map(String::as_str).filter(|name| glob.matches(name)).collect()
    }
}

/// The name under which a file can be included, if it is an SLS.
fn sls_name(path: &str) -> Option<String> {
    let stem = path.strip_suffix(".sls")?;
    Some(stem.strip_suffix("/init").unwrap_or(stem).replace('/', "."))
}

fn is_sls(path: &str) -> bool {
    path.strip_suffix(".sls").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths() {
        let files = ["top.sls", "web/init.sls", "web/nginx.sls", "web/files/a.conf", "web.sls"];
        let listing = Listing::new(&files.map(String::from));
        assert_eq!(listing.names, ["top", "web", "web.nginx"]);
        assert_eq!(listing.path_of("web").as_deref(), Some("web.sls"));
        assert_eq!(listing.path_of("web.init").as_deref(), Some("web/init.sls"));
        assert_eq!(listing.path_of("web/nginx").as_deref(), Some("web/nginx.sls"));
        assert_eq!(listing.path_of("db"), None);
        assert_eq!(listing.matching("web*"), ["web", "web.nginx"]);
        assert_eq!(listing.matching("w"), [""; 0]);
    }
}
