//! A host that fails where a test tells it to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::{
    Action, Attributes, Change, Clock, Command, Commands, Creator, DirectoryEntry, Fact, Facts, Files, Host,
    HostError, Metadata, Outcome, Output, Owner, Subject, Timestamp,
};

/// Passes everything on to another host but for what it is told to fail.
pub struct Failing {
    inner: Arc<dyn Host>,
    rule: Rule,
    count: AtomicUsize,
}

/// What fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The operation of that number, from 0, reads included.
    Nth(usize),
    /// Every write, change and action from that number on, from 0. Reads go on.
    WritesFrom(usize),
    /// Everything that concerns this path or what lies below it.
    Path(PathBuf),
}

impl Failing {
    /// A host that fails by a rule. Failed looks and writes say that the disk is full; failed commands that
    /// they cannot be run.
    pub fn new(inner: Arc<dyn Host>, rule: Rule) -> Self {
        Self { inner, rule, count: AtomicUsize::new(0) }
    }

    /// How many operations that the rule counts have been tried.
    pub fn tried(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn fails(&self, path: Option<&Path>, writes: bool) -> bool {
        match &self.rule {
            Rule::Nth(number) => self.count.fetch_add(1, Ordering::Relaxed) == *number,
            Rule::WritesFrom(number) => writes && self.count.fetch_add(1, Ordering::Relaxed) >= *number,
            Rule::Path(below) => path.is_some_and(|path| path.starts_with(below)),
        }
    }

    fn look(&self, path: &Path) -> Result<(), HostError> {
        if self.fails(Some(path), false) {
            Err(HostError::Denied { path: path.into(), operation: "read" })
        } else {
            Ok(())
        }
    }

    fn change(&self, path: &Path) -> Result<(), HostError> {
        if self.fails(Some(path), true) { Err(HostError::Full(path.into())) } else { Ok(()) }
    }

    fn run(&self, command: &Command, writes: bool) -> Result<(), HostError> {
        if self.fails(None, writes) {
            return Err(HostError::CannotRun {
                program: command.text(),
                why: "this test lets it fail".into(),
            });
        }
        Ok(())
    }
}

impl Files for Failing {
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        self.look(path)?;
        self.inner.metadata(path)
    }

    fn link_metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        self.look(path)?;
        self.inner.link_metadata(path)
    }

    fn read(&self, path: &Path) -> Result<Arc<[u8]>, HostError> {
        self.look(path)?;
        self.inner.read(path)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError> {
        self.look(path)?;
        self.inner.read_link(path)
    }

    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>, HostError> {
        self.look(path)?;
        self.inner.list(path)
    }

    fn write(&self, path: &Path, content: &[u8], attributes: &Attributes) -> Result<(), HostError> {
        self.change(path)?;
        self.inner.write(path, content, attributes)
    }

    fn create_directory(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError> {
        self.change(path)?;
        self.inner.create_directory(path, attributes)
    }

    fn create_symlink(&self, target: &Path, link: &Path) -> Result<(), HostError> {
        self.change(link)?;
        self.inner.create_symlink(target, link)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        self.change(to)?;
        self.inner.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> Result<(), HostError> {
        self.change(path)?;
        self.inner.remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> Result<(), HostError> {
        self.change(path)?;
        self.inner.remove_directory(path)
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        self.change(path)?;
        self.inner.set_mode(path, mode)
    }

    fn set_owner(&self, path: &Path, user: Option<&Owner>, group: Option<&Owner>) -> Result<(), HostError> {
        self.change(path)?;
        self.inner.set_owner(path, user, group)
    }

    fn set_modified(&self, path: &Path, modified: Timestamp) -> Result<(), HostError> {
        self.change(path)?;
        self.inner.set_modified(path, modified)
    }
}

impl Commands for Failing {
    fn probe(&self, command: &Command) -> Result<Output, HostError> {
        self.run(command, false)?;
        self.inner.probe(command)
    }

    fn act(&self, action: &Action) -> Result<Outcome, HostError> {
        self.run(&action.command, true)?;
        self.inner.act(action)
    }

    fn which(&self, program: &str) -> Option<PathBuf> {
        self.inner.which(program)
    }

    fn environment(&self) -> &[(String, String)] {
        self.inner.environment()
    }
}

impl Facts for Failing {
    fn fact(&self, subject: &Subject) -> Option<Fact> {
        self.inner.fact(subject)
    }

    fn facts(&self, kind: &str) -> Vec<(String, Fact)> {
        self.inner.facts(kind)
    }
}

impl Clock for Failing {
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

impl Host for Failing {
    fn mark(&self) -> usize {
        self.inner.mark()
    }

    fn changes_since(&self, mark: usize) -> Vec<Change> {
        self.inner.changes_since(mark)
    }

    fn first_change(&self, fits: &dyn Fn(&Change) -> bool) -> Option<Change> {
        self.inner.first_change(fits)
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
