//! State and pillar trees in directories of this machine.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use render::tree_files::clean;
use render::{TreeFileError, TreeFiles};

use crate::layered::MOST_LINKS;
use crate::{FileKind, Files, HostError};

/// Larger files of a tree are refused.
const LARGEST_FILE: u64 = 64 << 20;

/// Deeper folders are not listed: links may lead round in a circle.
const DEEPEST: usize = 32;

/// Directories by saltenv, as `file_roots` and `pillar_roots` name them. The first root that has a file wins.
///
/// A path of the tree never leaves its root by `..`. Symbolic links in a tree are followed wherever they lead, as
/// Salt's `fileserver_followsymlinks` has it by default: whoever can place links in the tree can place states in it.
/// [`confined`](Self::confined), only links that stay inside their root are. A run sees one version of each file: what
/// was read once is kept.
pub struct TreeRoots<F> {
    files: F,
    confined: bool,
    roots: BTreeMap<String, Vec<PathBuf>>,
    read: Mutex<ReadFiles>,
    listed: Mutex<HashMap<String, Listing>>,
}

/// What has been read, by saltenv and path; `None` is a file that no root has.
type ReadFiles = HashMap<String, HashMap<String, Option<ReadFile>>>;

#[derive(Clone)]
struct ReadFile {
    content: Arc<[u8]>,
    /// Its path on disk, for people.
    full: Arc<str>,
}

/// Files and folders of a saltenv.
type Listing = (Arc<Vec<String>>, Arc<Vec<String>>);

impl<F: Files + Send + Sync> TreeRoots<F> {
    /// Roots by saltenv, in the order in which they are searched.
    pub fn new(files: F, roots: impl IntoIterator<Item = (String, Vec<PathBuf>)>) -> Self {
        Self {
            files,
            confined: false,
            roots: roots.into_iter().collect(),
            read: Mutex::default(),
            listed: Mutex::default(),
        }
    }

    /// The same, where no link leads out of its root (`fileserver_followsymlinks: False`).
    pub fn confined(self, confined: bool) -> Self {
        Self { confined, ..self }
    }

    fn folders(&self, saltenv: &str) -> &[PathBuf] {
        let own = self.roots.get(saltenv).or_else(|| self.roots.get("__env__"));
        own.map(Vec::as_slice).unwrap_or_default()
    }

    /// What is made of a file that was looked for before, found or not; `None` when it was not looked for.
    fn known<T>(&self, saltenv: &str, path: &str, make: impl Fn(Option<&ReadFile>) -> T) -> Option<T> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.get(saltenv)?.get(path).map(|file| make(file.as_ref()))
    }

    /// The first root's file of that path.
    fn find(&self, saltenv: &str, path: &str) -> Result<Option<PathBuf>, TreeFileError> {
        let mut led_out = None;
        for root in self.folders(saltenv) {
            let full = root.join(path);
            match self.files.metadata(&full) {
                Ok(Some(found)) if found.kind == FileKind::Directory => {}
                Ok(Some(_)) if !self.may_follow(root, &full) => led_out = Some(full),
                Ok(Some(found)) if found.size > LARGEST_FILE => {
                    let path = full.display().to_string();
                    return Err(TreeFileError::TooLarge { path, size: found.size, limit: LARGEST_FILE });
                }
                Ok(Some(_)) => return Ok(Some(full)),
                Ok(None) => {}
                Err(error) => return Err(unreadable(&full, &error)),
            }
        }
        match led_out {
            Some(full) => Err(TreeFileError::LeadsOut { path: full.display().to_string() }),
            None => Ok(None),
        }
    }

    /// Whether what a path leads to may be served: anything, or what lies beneath the root.
    fn may_follow(&self, root: &Path, path: &Path) -> bool {
        !self.confined
            || match (real(&self.files, root), real(&self.files, path)) {
                (Some(root), Some(path)) => path.starts_with(root),
                _ => false,
            }
    }

    fn listing(&self, saltenv: &str) -> Result<Listing, TreeFileError> {
        if let Some(listing) = self.listed.lock().unwrap_or_else(PoisonError::into_inner).get(saltenv) {
            return Ok(listing.clone());
        }
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for root in self.folders(saltenv) {
            self.walk(root, "", 0, &mut files, &mut folders)?;
        }
        for names in [&mut files, &mut folders] {
            names.sort();
            names.dedup();
        }
        let listing = (Arc::new(files), Arc::new(folders));
        self.listed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(saltenv.to_string(), listing.clone());
        Ok(listing)
    }

    fn walk(
        &self,
        root: &PathBuf,
        inside: &str,
        depth: usize,
        files: &mut Vec<String>,
        folders: &mut Vec<String>,
    ) -> Result<(), TreeFileError> {
        let folder = root.join(inside);
        let entries = match self.files.list(&folder) {
            Ok(entries) => entries,
            Err(HostError::NotFound(_) | HostError::NotADirectory(_)) if depth == 0 => return Ok(()),
            Err(error) => return Err(unreadable(&folder, &error)),
        };
        for entry in entries {
            let name = if inside.is_empty() { entry.name } else { format!("{inside}/{}", entry.name) };
            if name == ".git" || name.contains('\u{fffd}') {
                continue;
            }
            let kind = match entry.kind {
                FileKind::Symlink if !self.may_follow(root, &root.join(&name)) => None,
                FileKind::Symlink => {
                    self.files.metadata(&root.join(&name)).ok().flatten().map(|found| found.kind)
                }
                kind => Some(kind),
            };
            match kind {
                Some(FileKind::Directory) if depth < DEEPEST => {
                    folders.push(name.clone());
                    self.walk(root, &name, depth + 1, files, folders)?;
                }
                Some(FileKind::File) => files.push(name),
                _ => {}
            }
        }
        Ok(())
    }
}

impl<F: Files + Send + Sync> TreeFiles for TreeRoots<F> {
    fn read(&self, saltenv: &str, path: &str) -> Result<Option<Arc<[u8]>>, TreeFileError> {
        let path = clean(path)?;
        let content = |file: Option<&ReadFile>| file.map(|file| Arc::clone(&file.content));
        if let Some(known) = self.known(saltenv, &path, content) {
            return Ok(known);
        }
        let file = match self.find(saltenv, &path)? {
            Some(full) => Some(ReadFile {
                content: self.files.read(&full).map_err(|error| unreadable(&full, &error))?,
                full: full.display().to_string().into(),
            }),
            None => None,
        };
        let content = content(file.as_ref());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.entry(saltenv.to_string()).or_default().insert(path.into_owned(), file);
        Ok(content)
    }

    fn list(&self, saltenv: &str) -> Result<Arc<Vec<String>>, TreeFileError> {
        self.listing(saltenv).map(|(files, _)| files)
    }

    fn list_dirs(&self, saltenv: &str) -> Result<Arc<Vec<String>>, TreeFileError> {
        self.listing(saltenv).map(|(_, folders)| folders)
    }

    fn describe(&self, saltenv: &str, path: &str) -> String {
        let full = clean(path).ok().and_then(|path| {
            match self.known(saltenv, &path, |file| file.map(|file| file.full.to_string())) {
                Some(known) => known,
                None => self.find(saltenv, &path).ok().flatten().map(|full| full.display().to_string()),
            }
        });
        full.unwrap_or_else(|| format!("salt://{path}"))
    }

    fn saltenvs(&self) -> Vec<String> {
        let mut names: Vec<String> = self.roots.keys().filter(|name| *name != "__env__").cloned().collect();
        names.sort_by_key(|name| name != "base");
        names
    }
}

/// Where a path is once every link on the way is followed; `None` when there are too many, or one cannot be read.
fn real(files: &dyn Files, path: &Path) -> Option<PathBuf> {
    let mut left: Vec<PathBuf> = vec![path.to_path_buf()];
    let (mut at, mut links) = (PathBuf::from("/"), 0);
    while let Some(path) = left.pop() {
        let mut parts = path.components();
        match parts.next() {
            Some(Component::RootDir) => at = PathBuf::from("/"),
            Some(Component::ParentDir) => {
                at.pop();
            }
            Some(Component::Normal(name)) => {
                let next = at.join(name);
                match files.link_metadata(&next).ok()? {
                    Some(found) if found.kind == FileKind::Symlink && links < MOST_LINKS => {
                        links += 1;
                        left.push(parts.as_path().to_path_buf());
                        left.push(files.read_link(&next).ok()?);
                        continue;
                    }
                    Some(found) if found.kind == FileKind::Symlink => return None,
                    _ => at = next,
                }
            }
            Some(Component::CurDir | Component::Prefix(_)) => {}
            None => continue,
        }
        left.push(parts.as_path().to_path_buf());
    }
    Some(at)
}

fn unreadable(path: &Path, error: &HostError) -> TreeFileError {
    let hint = error.hint().unwrap_or_default();
    TreeFileError::Unreadable { path: path.display().to_string(), reason: error.to_string(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    fn roots() -> TreeRoots<Memory> {
        let files = Memory::empty()
            .file("/a/top.sls", "one")
            .file("/a/web/init.sls", "web")
            .file("/b/top.sls", "two")
            .file("/b/db.sls", "db")
            .file("/secret", "s")
            .symlink("/b/round", "/b");
        TreeRoots::new(files, [("base".to_string(), vec!["/a".into(), "/b".into()])])
    }

    #[test]
    fn the_first_root_wins_and_none_is_left() {
        let tree = roots();
        assert_eq!(tree.read("base", "top.sls").unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(tree.read("base", "db.sls").unwrap().as_deref(), Some(&b"db"[..]));
        assert_eq!(tree.read("dev", "db.sls").unwrap(), None);
        assert!(tree.read("base", "../secret").is_err());
        assert_eq!(tree.read("base", "/secret").unwrap(), None);
    }

    /// A tree with links that stay inside, and links that lead out of it.
    fn linked() -> TreeRoots<Memory> {
        let files = Memory::empty()
            .file("/outside/data", "data")
            .file("/outside/folder/f", "f")
            .file("/tree/real/f", "inside")
            .symlink("/tree/inside", "real/f")
            .symlink("/tree/round", "../tree/real/f")
            .symlink("/tree/link", "/outside/data")
            .symlink("/tree/relative", "../outside/data")
            .symlink("/tree/folder", "/outside/folder")
            .symlink("/tree/through", "link")
            .symlink("/srv", "/tree");
        TreeRoots::new(files, [("base".to_string(), vec!["/srv".into()])])
    }

    #[test]
    fn links_are_followed_out_of_the_tree_unless_it_is_confined() {
        let read = |tree: &TreeRoots<Memory>, path: &str| {
            tree.read("base", path)
                .map(|found| found.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        let (open, confined) = (linked(), linked().confined(true));
        for path in ["inside", "round", "real/f"] {
            assert_eq!(read(&open, path).unwrap().as_deref(), Some("inside"), "{path}");
            assert_eq!(read(&confined, path).unwrap().as_deref(), Some("inside"), "{path}");
        }
        for (path, content) in
            [("link", "data"), ("relative", "data"), ("through", "data"), ("folder/f", "f")]
        {
            assert_eq!(read(&open, path).unwrap().as_deref(), Some(content), "{path}");
            let refused = read(&confined, path).unwrap_err();
            assert!(matches!(refused, TreeFileError::LeadsOut { .. }), "{path}: {refused}");
            assert!(refused.hint().contains("fileserver_followsymlinks"));
        }
        assert_eq!(
            *open.list("base").unwrap(),
            ["folder/f", "inside", "link", "real/f", "relative", "round", "through"]
        );
        assert_eq!(*confined.list("base").unwrap(), ["inside", "real/f", "round"]);
    }

    #[test]
    fn links_in_a_circle_end() {
        let list = roots().list("base").unwrap();
        assert!(list.contains(&"web/init.sls".to_string()) && list.len() < 200);
    }
}
