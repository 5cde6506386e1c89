//! A host that keeps a journal of what is done through it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::layered::MOST_LINKS;
use crate::{
    Action, Attributes, Change, Clock, Command, Commands, Creator, DirectoryEntry, Fact, Facts, FileKind,
    FileState, Files, Host, HostError, KeptContent, Metadata, Outcome, Output, Owner, Subject, Timestamp,
};

/// Larger contents are not kept in a journal.
const LARGEST_KEPT: u64 = 4 << 20;

/// Passes everything on and notes each change with what stood there before.
///
/// An act that leaves everything as it was is not noted. Times are no part of the journal.
pub struct Journaled<H> {
    inner: H,
    journal: Mutex<Vec<Change>>,
}

impl<H: Host> Journaled<H> {
    /// A journal that is empty.
    pub fn new(inner: H) -> Self {
        Self { inner, journal: Mutex::default() }
    }

    /// The host it passes everything on to.
    pub fn inner(&self) -> &H {
        &self.inner
    }

    fn note(&self, change: Change) {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).push(change);
    }

    /// Notes what `act` does to a path.
    fn noting(&self, path: &Path, act: impl FnOnce() -> Result<(), HostError>) -> Result<(), HostError> {
        let before = self.state(path)?;
        act()?;
        let after = self.state(path)?;
        if before != after {
            self.note(Change::File { path: path.to_path_buf(), before, after });
        }
        Ok(())
    }

    /// What stands at a path, the last link not followed.
    fn state(&self, path: &Path) -> Result<FileState, HostError> {
        let Some(found) = self.inner.link_metadata(path)? else { return Ok(FileState::Absent) };
        let Metadata { kind, mode, user, group, size, .. } = found;
        Ok(match kind {
            FileKind::File if size > LARGEST_KEPT => {
                FileState::File { content: KeptContent::Nothing, mode, user, group }
            }
            FileKind::File => {
                let content = match self.inner.read(path) {
                    Ok(bytes) => KeptContent::of(path, bytes),
                    Err(HostError::Unknown { .. } | HostError::Denied { .. }) => KeptContent::Nothing,
                    Err(error) => return Err(error),
                };
                FileState::File { content, mode, user, group }
            }
            FileKind::Directory => FileState::Directory { mode, user, group },
            FileKind::Symlink => FileState::Symlink { target: self.inner.read_link(path)?, user, group },
            _ => FileState::Special,
        })
    }

    /// The path that a path is a link to, at most as many links on as the system would follow.
    fn followed(&self, path: &Path) -> Result<PathBuf, HostError> {
        let mut here = path.to_path_buf();
        for _ in 0..MOST_LINKS {
            match self.inner.link_metadata(&here)? {
                Some(Metadata { kind: FileKind::Symlink, .. }) => {
                    let target = self.inner.read_link(&here)?;
                    here = here.parent().unwrap_or(Path::new("/")).join(target);
                }
                _ => break,
            }
        }
        Ok(here)
    }

    /// What stands at a path and below it, deepest first.
    fn tree_states(&self, path: &Path) -> Result<Vec<(PathBuf, FileState)>, HostError> {
        let mut paths = Vec::new();
        match self.inner.link_metadata(path)? {
            None => {}
            Some(Metadata { kind: FileKind::Directory, .. }) => self.tree(path, &mut paths)?,
            Some(_) => paths.push(path.to_path_buf()),
        }
        paths
            .into_iter()
            .map(|path| {
                let state = self.state(&path)?;
                Ok((path, state))
            })
            .collect()
    }

    /// The paths of a tree, deepest first.
    fn tree(&self, path: &Path, paths: &mut Vec<PathBuf>) -> Result<(), HostError> {
        let entries = match self.inner.list(path) {
            Ok(entries) => entries,
            Err(error) if error.is_unknown() => Vec::new(),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let child = path.join(&entry.name);
            if entry.kind == FileKind::Directory {
                self.tree(&child, paths)?;
            } else {
                paths.push(child);
            }
        }
        paths.push(path.to_path_buf());
        Ok(())
    }
}

impl<H: Host> Files for Journaled<H> {
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        self.inner.metadata(path)
    }

    fn link_metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        self.inner.link_metadata(path)
    }

    fn read(&self, path: &Path) -> Result<Arc<[u8]>, HostError> {
        self.inner.read(path)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError> {
        self.inner.read_link(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>, HostError> {
        self.inner.list(path)
    }

    fn write(&self, path: &Path, content: &[u8], attributes: &Attributes) -> Result<(), HostError> {
        self.noting(path, || self.inner.write(path, content, attributes))
    }

    fn create_directory(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError> {
        self.noting(path, || self.inner.create_directory(path, attributes))
    }

    fn create_symlink(&self, target: &Path, link: &Path) -> Result<(), HostError> {
        self.noting(link, || self.inner.create_symlink(target, link))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        let left = self.tree_states(from)?;
        let before = self.state(to)?;
        self.inner.rename(from, to)?;
        if from == to {
            return Ok(());
        }
        let mut arrived = Vec::with_capacity(left.len());
        for (path, before) in left {
            let place = path.strip_prefix(from).map_or_else(|_| to.into(), |inside| place_in(to, inside));
            arrived.push(place);
            self.note(Change::File { path, before, after: FileState::Absent });
        }
        // What came along was not there before: only an empty directory is ever replaced by one.
        let mut before = Some(before);
        for path in arrived.into_iter().rev() {
            let before = before.take().unwrap_or(FileState::Absent);
            let after = self.state(&path)?;
            if before != after {
                self.note(Change::File { path, before, after });
            }
        }
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> Result<(), HostError> {
        self.noting(path, || self.inner.remove_file(path))
    }

    fn remove_directory(&self, path: &Path) -> Result<(), HostError> {
        let there = self.tree_states(path)?;
        self.inner.remove_directory(path)?;
        for (path, before) in there {
            self.note(Change::File { path, before, after: FileState::Absent });
        }
        Ok(())
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        // It is what the link leads to that changes.
        self.noting(&self.followed(path)?, || self.inner.set_mode(path, mode))
    }

    fn set_owner(&self, path: &Path, user: Option<&Owner>, group: Option<&Owner>) -> Result<(), HostError> {
        self.noting(path, || self.inner.set_owner(path, user, group))
    }

    fn set_modified(&self, path: &Path, modified: Timestamp) -> Result<(), HostError> {
        self.inner.set_modified(path, modified)
    }
}

impl<H: Host> Commands for Journaled<H> {
    fn probe(&self, command: &Command) -> Result<Output, HostError> {
        self.inner.probe(command)
    }

    fn act(&self, action: &Action) -> Result<Outcome, HostError> {
        let outcome = self.inner.act(action)?;
        let happened = match &outcome {
            Outcome::Ran(output) => output.succeeded() || action.effects.is_empty(),
            Outcome::Planned => true,
        };
        if !happened {
            return Ok(outcome);
        }
        if action.effects.is_empty() {
            self.note(Change::Command { command: action.command.text() });
        }
        for effect in action.effects.iter().filter(|effect| effect.before != effect.after) {
            self.note(Change::Effect(effect.clone()));
        }
        Ok(outcome)
    }

    fn which(&self, program: &str) -> Option<PathBuf> {
        self.inner.which(program)
    }

    fn environment(&self) -> &[(String, String)] {
        self.inner.environment()
    }
}

impl<H: Host> Facts for Journaled<H> {
    fn fact(&self, subject: &Subject) -> Option<Fact> {
        self.inner.fact(subject)
    }

    fn facts(&self, kind: &str) -> Vec<(String, Fact)> {
        self.inner.facts(kind)
    }
}

impl<H: Host> Clock for Journaled<H> {
    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn elapsed(&self) -> Duration {
        self.inner.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration);
    }
}

impl<H: Host> Host for Journaled<H> {
    fn mark(&self) -> usize {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn changes_since(&self, mark: usize) -> Vec<Change> {
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.get(mark..).unwrap_or_default().to_vec()
    }

    fn first_change(&self, fits: &dyn Fn(&Change) -> bool) -> Option<Change> {
        let journal = self.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.iter().find(|change| fits(change)).cloned()
    }

    fn is_plan(&self) -> bool {
        self.inner.is_plan()
    }

    fn root(&self) -> Option<&Path> {
        self.inner.root()
    }

    fn creator(&self) -> Creator {
        self.inner.creator()
    }
}

/// A path below `to`; joining nothing would leave a slash at the end.
fn place_in(to: &Path, inside: &Path) -> PathBuf {
    if inside.as_os_str().is_empty() { to.to_path_buf() } else { to.join(inside) }
}
