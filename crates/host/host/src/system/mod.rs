//! The real machine, or a directory tree that is to become one.
//!
//! Under a root the kernel resolves links and `..` as if the root were `/` ([`open`]), so that nothing a tree
//! contains leads out of it, not even while it changes.

mod commands;
mod files;
mod open;
mod running;
mod write;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use crate::{Clock, Creator, Fact, Facts, Files as _, Host, Subject, Timestamp};

/// The machine itself. What it changes it changes for good.
#[derive(Debug)]
pub struct System {
    root: Option<PathBuf>,
    environment: Vec<(String, String)>,
    start: std::time::Instant,
    accounts: files::Accounts,
    creator: OnceLock<Creator>,
}

impl System {
    /// This machine. `environment` is what commands inherit.
    pub fn new(environment: Vec<(String, String)>) -> Self {
        Self::at(None, environment)
    }

    /// A directory tree. `root` is the absolute path of an existing directory.
    pub fn rooted(root: impl Into<PathBuf>, environment: Vec<(String, String)>) -> Self {
        Self::at(Some(root.into()), environment)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the host's clock")]
    fn at(root: Option<PathBuf>, environment: Vec<(String, String)>) -> Self {
        Self {
            root,
            environment,
            start: std::time::Instant::now(),
            accounts: files::Accounts::default(),
            creator: OnceLock::new(),
        }
    }
}

impl Facts for System {
    fn fact(&self, _subject: &Subject) -> Option<Fact> {
        None
    }

    fn facts(&self, _kind: &str) -> Vec<(String, Fact)> {
        Vec::new()
    }
}

impl Clock for System {
    #[expect(clippy::disallowed_types, reason = "this is the host's clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: since.subsec_nanos(),
        }
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }
}

impl Host for System {
    fn root(&self) -> Option<&Path> {
        self.root.as_deref()
    }

    fn creator(&self) -> Creator {
        *self.creator.get_or_init(|| Creator {
            user: rustix::process::geteuid().as_raw(),
            group: rustix::process::getegid().as_raw(),
            umask: Self::umask().unwrap_or(Creator::default().umask),
        })
    }
}

impl System {
    /// The mask can be asked for only by setting it, which other threads would notice. `/proc` just tells.
    fn umask() -> Option<u32> {
        let status = Self::new(Vec::new()).read(Path::new("/proc/self/status")).ok()?;
        let status = String::from_utf8_lossy(&status);
        let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
        u32::from_str_radix(mask.trim(), 8).ok()
    }
}
