//! What was, or would be, changed: the entries of a journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use value::Secret;

use crate::{Effect, Owner};

/// What a journal keeps of a file's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptContent {
    /// All of it.
    Whole(Arc<[u8]>),
    /// All of it, and it is not to be seen: the file [holds secrets](crate::holds_secrets). It prints as a mask.
    Secret(Secret<Arc<[u8]>>),
    /// Nothing: it is too large, or cannot be known.
    Nothing,
}

impl KeptContent {
    /// Keeps the content that stands at a path.
    pub(crate) fn of(path: &Path, content: Arc<[u8]>) -> Self {
        if crate::holds_secrets(path, &content) {
            Self::Secret(Secret::new(content))
        } else {
            Self::Whole(content)
        }
    }
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileState {
    /// Nothing.
    Absent,
    /// A file.
    File {
        /// Its content.
        content: KeptContent,
        /// Permission bits.
        mode: u32,
        /// Owning user.
        user: Owner,
        /// Owning group.
        group: Owner,
    },
    /// A directory (its entries are changes of their own).
    Directory {
        /// Permission bits.
        mode: u32,
        /// Owning user.
        user: Owner,
        /// Owning group.
        group: Owner,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points.
        target: PathBuf,
        /// Owning user.
        user: Owner,
        /// Owning group.
        group: Owner,
    },
    /// A device, pipe or socket.
    Special,
}

/// One change of a machine, with what stood there before.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A path. A directory that was removed comes with one change for each path below it, deepest first.
    File {
        /// The path on the host.
        path: PathBuf,
        /// Before.
        before: FileState,
        /// After.
        after: FileState,
    },
    /// A fact, by way of a command.
    Effect(Effect),
    /// A command that may have done anything: nothing can be said about before and after.
    Command {
        /// The command as a person would type it.
        command: String,
    },
}

impl Change {
    /// What it is about, for lists and comparisons: a path, `package nginx`, `command make`.
    pub fn subject(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Effect(effect) => effect.subject.to_string(),
            Self::Command { command } => format!("command {command}"),
        }
    }
}
