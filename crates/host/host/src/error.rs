//! What can go wrong with a machine.

use std::path::PathBuf;
use std::time::Duration;

/// A failed look or act. Each names the path or program it happened to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing is there.
    #[error("{}: no such file or directory", .0.display())]
    NotFound(PathBuf),
    /// Something is there already.
    #[error("{}: already exists", .0.display())]
    Exists(PathBuf),
    /// The user Pinch runs as may not.
    #[error("{}: permission denied while trying to {operation}", path.display())]
    Denied {
        /// The path.
        path: PathBuf,
        /// What was tried (`read`, `write`, `change the owner of` …).
        operation: &'static str,
    },
    /// A directory was needed and something else is there.
    #[error("{}: not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// A directory is there and something else was needed.
    #[error("{}: is a directory", .0.display())]
    IsADirectory(PathBuf),
    /// A directory that has to be empty is not.
    #[error("{}: directory is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// Symbolic links lead round in a circle.
    #[error("{}: too many levels of symbolic links", .0.display())]
    LinkLoop(PathBuf),
    /// The disk, or the quota, is full.
    #[error("{}: no space left on the device", .0.display())]
    Full(PathBuf),
    /// The file system is mounted read-only.
    #[error("{}: the file system is read-only", .0.display())]
    ReadOnly(PathBuf),
    /// Larger than Pinch reads into memory.
    #[error("{}: {size} bytes are more than the {limit} that are read", path.display())]
    TooLarge {
        /// The path.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The path is relative, contains `..` or a NUL, or leads out of the root.
    #[error("{}: {why}", path.display())]
    BadPath {
        /// The path.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// No such account on the host.
    #[error("{kind} `{name}` is not there")]
    NoAccount {
        /// `user` or `group`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A program could not be started.
    #[error("cannot run `{program}`: {why}")]
    CannotRun {
        /// The program.
        program: String,
        /// Why.
        why: String,
    },
    /// A program ran too long and was killed with everything it started.
    #[error("`{program}` was stopped after {}s without an end", .after.as_secs_f64())]
    TimedOut {
        /// The program.
        program: String,
        /// How long it was allowed to run.
        after: Duration,
    },
    /// A plan was asked for something that only the run itself can tell.
    #[error("{what} cannot be known before the run: {because}")]
    Unknown {
        /// What was asked for.
        what: String,
        /// The act on which it depends.
        because: String,
    },
    /// Any other refusal of the operating system.
    #[error("cannot {operation} {}: {why}", path.display())]
    Other {
        /// The path.
        path: PathBuf,
        /// What was tried.
        operation: &'static str,
        /// The system's words.
        why: String,
    },
}

impl HostError {
    /// Whether this says "wait for the run", not "it failed".
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// What a person can do about it; `None` for what only the run can tell, which is no failure.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotFound(_) => "correct the path, or make what is missing in a state that comes before",
            Self::Exists(_) => "look at what stands there: move it away, or choose another path",
            Self::IsADirectory(_) => "name a file in that directory, or choose another path",
            Self::NotEmpty(_) => "look at what is in it, and move it away first",
            Self::TooLarge { .. } => "files of that size are left to a command of their own: use cmd.run",
            Self::BadPath { .. } => "write the whole path, from `/` on and without `..`",
            Self::NoAccount { .. } => {
                "make the account first (user.present, group.present) and require it, or correct the name"
            }
            Self::CannotRun { .. } => "install the program in a state that comes before, or correct its name",
            Self::TimedOut { .. } => "give it longer with `timeout`, or find out what it waits for",
            Self::Other { .. } => "those are the system's own words: look at that path by hand",
            Self::Denied { .. } => "run pinch as root, or give the user it runs as access to that path",
            Self::Full(_) => "free some space and run again: nothing was half-written",
            Self::ReadOnly(_) => "remount it writable, or leave that path out of the tree",
            Self::NotADirectory(_) => {
                "a file stands where a directory should be: move it away, or choose another path"
            }
            Self::LinkLoop(_) => "look at the symbolic links on the way to that path",
            Self::Unknown { .. } => return None,
        })
    }
}
