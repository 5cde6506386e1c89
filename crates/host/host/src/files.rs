//! Files, directories and links.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{HostError, Timestamp};

/// What a directory entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// A user or group that owns something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Its number: what the file system knows.
    Id(u32),
    /// Its name: an account that a plan will make and that has no number yet.
    Name(String),
}

/// What is known about a path without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, `0o0000..=0o7777`.
    pub mode: u32,
    /// Owning user.
    pub user: Owner,
    /// Owning group.
    pub group: Owner,
    /// Size in bytes.
    pub size: u64,
    /// Last change of the content.
    pub modified: Timestamp,
    /// Device and inode: two paths with the same pair are the same thing. Zero where a form has none.
    pub identity: (u64, u64),
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Its name. Names that are no UTF-8 appear with replacement characters and cannot be opened.
    pub name: String,
    /// What it is (links are not followed).
    pub kind: FileKind,
}

/// What a new file or directory should have. What is `None` is kept from what stands there, or
/// left to the system (umask, effective user) for something new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owning user.
    pub user: Option<Owner>,
    /// Owning group.
    pub group: Option<Owner>,
}

/// What the system gives a new file or directory that does not say what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creator {
    /// The owner of what is made.
    pub user: u32,
    /// Its group, unless the directory it is made in has the set-group-id bit.
    pub group: u32,
    /// The bits that are taken from `0o666` for a file and `0o777` for a directory.
    pub umask: u32,
}

impl Default for Creator {
    /// Root with the usual mask.
    fn default() -> Self {
        Self { user: 0, group: 0, umask: 0o022 }
    }
}

/// Reading and writing the file system. All paths are absolute paths *on the host*.
pub trait Files {
    /// What is at a path, links followed; `None` when nothing is there (or a link leads nowhere).
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError>;

    /// What is at a path, the last link not followed; `None` when nothing is there.
    fn link_metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError>;

    /// The content of a file, links followed, up to a bound of the form (`TooLarge` beyond).
    fn read(&self, path: &Path) -> Result<Arc<[u8]>, HostError>;

    /// Where a symbolic link points, as written in it.
    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError>;

    /// The entries of a directory, sorted by name, without `.` and `..`.
    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>, HostError>;

    /// Puts a file with this content there, atomically and durably: written beside its place, synced,
    /// renamed. A link at the path is replaced, not followed. The parent has to exist.
    fn write(&self, path: &Path, content: &[u8], attributes: &Attributes) -> Result<(), HostError>;

    /// Makes one directory. The parent has to exist.
    fn create_directory(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError>;

    /// Makes a symbolic link at `link` that points at `target`. Nothing may be at `link`.
    fn create_symlink(&self, target: &Path, link: &Path) -> Result<(), HostError>;

    /// Moves within one file system, replacing what is at `to` if that is a file.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError>;

    /// Removes a file or link.
    fn remove_file(&self, path: &Path) -> Result<(), HostError>;

    /// Removes a directory and everything below it. Links inside are removed, not followed.
    fn remove_directory(&self, path: &Path) -> Result<(), HostError>;

    /// Sets permission bits, links followed.
    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), HostError>;

    /// Sets the owner; what is `None` stays. The last link is not followed.
    fn set_owner(&self, path: &Path, user: Option<&Owner>, group: Option<&Owner>) -> Result<(), HostError>;

    /// Sets the time of the last change.
    fn set_modified(&self, path: &Path, modified: Timestamp) -> Result<(), HostError>;
}
