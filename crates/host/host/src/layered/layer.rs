//! The layer itself: what has been written, by path.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Fact, FileKind, Metadata, Owner, Subject, Timestamp};

/// Nodes by their path without links in it, and declared facts.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub(crate) nodes: BTreeMap<PathBuf, Node>,
    pub(crate) facts: HashMap<Subject, Fact>,
    pub(crate) now: Timestamp,
}

/// What the layer says of a path.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Nothing is there any more.
    Gone,
    File {
        content: Content,
        mode: u32,
        user: Owner,
        group: Owner,
        modified: Timestamp,
    },
    /// `covers`: what lies below does not shine through.
    Directory {
        mode: u32,
        user: Owner,
        group: Owner,
        covers: bool,
        unknown: Option<String>,
    },
    Symlink {
        target: PathBuf,
        user: Owner,
        group: Owner,
    },
    /// A device, pipe or socket, brought up from below.
    Special {
        kind: FileKind,
        mode: u32,
        user: Owner,
        group: Owner,
    },
    /// Some act will have done something here, nobody knows what; which act.
    Unknown(String),
}

/// A file's content.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Known(Arc<[u8]>),
    /// What a file of the form below has, by its path there and its size: only read when asked for.
    Below(PathBuf, u64),
    /// Some act will write it; which.
    Unknown(String),
}

impl Layer {
    /// A layer that stands on its own: it has a root directory.
    pub(crate) fn with_root() -> Self {
        let root = Node::Directory { mode: 0o755, user: ROOT, group: ROOT, covers: true, unknown: None };
        Self { nodes: BTreeMap::from([(PathBuf::from("/"), root)]), ..Self::default() }
    }

    /// The nodes right below a directory.
    pub(crate) fn children<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = (&'a Path, &'a Node)> {
        self.under(path).filter(move |(child, _)| child.parent() == Some(path))
    }

    /// All nodes anywhere below a path.
    pub(crate) fn under<'a>(&'a self, path: &'a Path) -> impl Iterator<Item = (&'a Path, &'a Node)> {
        self.nodes
            .range(path.to_path_buf()..)
            .map(|(child, node)| (child.as_path(), node))
            .take_while(move |(child, _)| child.starts_with(path))
            .filter(move |(child, _)| *child != path)
    }

    /// Forgets all nodes below a path.
    pub(crate) fn forget_under(&mut self, path: &Path) {
        let below: Vec<PathBuf> = self.under(path).map(|(child, _)| child.to_path_buf()).collect();
        for child in below {
            self.nodes.remove(&child);
        }
    }
}

pub(crate) const ROOT: Owner = Owner::Id(0);

impl Node {
    /// What `stat` would say; `None` when nothing is there.
    pub(crate) fn metadata(&self) -> Option<Metadata> {
        let metadata = |kind, mode, user: &Owner, group: &Owner, size, modified| Metadata {
            kind,
            mode,
            user: user.clone(),
            group: group.clone(),
            size,
            modified,
            identity: (0, 0),
        };
        Some(match self {
            Self::Gone | Self::Unknown(_) => return None,
            Self::Special { kind, mode, user, group } => {
                metadata(*kind, *mode, user, group, 0, Timestamp::default())
            }
            Self::File { content, mode, user, group, modified } => {
                let size = match content {
                    Content::Known(bytes) => bytes.len() as u64,
                    Content::Below(_, size) => *size,
                    Content::Unknown(_) => 0,
                };
                metadata(FileKind::File, *mode, user, group, size, *modified)
            }
            Self::Directory { mode, user, group, .. } => {
                metadata(FileKind::Directory, *mode, user, group, 0, Timestamp::default())
            }
            Self::Symlink { target, user, group } => {
                let size = target.as_os_str().len() as u64;
                metadata(FileKind::Symlink, 0o777, user, group, size, Timestamp::default())
            }
        })
    }
}
