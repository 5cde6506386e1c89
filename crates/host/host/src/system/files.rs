//! [`Files`] on the real file system.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use rustix::fs::{AtFlags, Gid, Mode, OFlags, Stat, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use super::System;
use super::open::open_inside;
use crate::layered::check;
use crate::{Attributes, DirectoryEntry, FileKind, Files, HostError, Metadata, Owner, Timestamp, accounts};

/// Larger files are not read into memory.
const LARGEST_READ: u64 = 256 << 20;

/// The account tables as last read, each with what it was when it was read: nearly every state asks them.
pub(super) type Accounts = Mutex<HashMap<PathBuf, (Metadata, Arc<[u8]>)>>;

impl System {
    /// Opens a path on this host: beneath its root, if it has one.
    pub(super) fn open(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        match &self.root {
            None => rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()),
            Some(root) => open_inside(root, path, flags),
        }
    }

    /// The directory that holds a path, opened, and the name in it.
    pub(super) fn parent(&self, path: &Path) -> Result<(OwnedFd, PathBuf), HostError> {
        check(path)?;
        let bad = |why| HostError::BadPath { path: path.into(), why };
        let name = path.file_name().ok_or_else(|| bad("the path has no name at its end"))?;
        let above = path.parent().ok_or_else(|| bad("the path has no directory above it"))?;
        let directory = self
            .open(above, OFlags::PATH | OFlags::DIRECTORY)
            .map_err(|errno| error(errno, above, "open"))?;
        Ok((directory, PathBuf::from(name)))
    }

    fn stat(&self, path: &Path, follow: bool) -> Result<Option<Metadata>, HostError> {
        check(path)?;
        let stat = if self.root.is_none() {
            if follow { rustix::fs::stat(path) } else { rustix::fs::lstat(path) }
        } else {
            let flags = if follow { OFlags::PATH } else { OFlags::PATH | OFlags::NOFOLLOW };
            self.open(path, flags).and_then(|file| rustix::fs::fstat(&file))
        };
        match stat {
            Ok(stat) => Ok(Some(metadata(&stat))),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(error(errno, path, "look at")),
        }
    }

    fn read_bytes(&self, path: &Path) -> Result<Arc<[u8]>, HostError> {
        let fail = |errno| error(errno, path, "read");
        let file = self.open(path, OFlags::RDONLY | OFlags::NONBLOCK).map_err(fail)?;
        let stat = rustix::fs::fstat(&file).map_err(fail)?;
        match kind(&stat) {
            FileKind::Directory => return Err(HostError::IsADirectory(path.into())),
            FileKind::File | FileKind::CharacterDevice => {}
            _ => {
                let why = "it is neither a file nor a directory".into();
                return Err(HostError::Other { path: path.into(), operation: "read", why });
            }
        }
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let too_large = |size| HostError::TooLarge { path: path.into(), size, limit: LARGEST_READ };
        if size > LARGEST_READ {
            return Err(too_large(size));
        }
        read_all(file.as_fd(), size).map_err(fail)?.ok_or_else(|| too_large(LARGEST_READ + 1))
    }

    /// The number of an owner, by way of this host's own tables.
    pub(super) fn number(&self, owner: &Owner, kind: &'static str) -> Result<u32, HostError> {
        match owner {
            Owner::Id(number) => Ok(*number),
            Owner::Name(name) => {
                let number = match kind {
                    "user" => accounts::user(self, name)?.and_then(|user| user.uid),
                    _ => accounts::group(self, name)?.and_then(|group| group.gid),
                };
                number.ok_or_else(|| HostError::NoAccount { kind, name: name.clone() })
            }
        }
    }
}

impl Files for System {
    fn metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        self.stat(path, true)
    }

    fn link_metadata(&self, path: &Path) -> Result<Option<Metadata>, HostError> {
        self.stat(path, false)
    }

    fn read(&self, path: &Path) -> Result<Arc<[u8]>, HostError> {
        check(path)?;
        if path != Path::new("/etc/passwd") && path != Path::new("/etc/group") {
            return self.read_bytes(path);
        }
        let now = self.stat(path, true)?.ok_or_else(|| HostError::NotFound(path.into()))?;
        let mut kept = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((then, bytes)) = kept.get(path)
            && *then == now
        {
            return Ok(bytes.clone());
        }
        let bytes = self.read_bytes(path)?;
        kept.insert(path.to_path_buf(), (now, bytes.clone()));
        Ok(bytes)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, HostError> {
        let (directory, name) = self.parent(path)?;
        let target = rustix::fs::readlinkat(directory, &name, Vec::new())
            .map_err(|errno| error(errno, path, "read the link"))?;
        Ok(PathBuf::from(std::ffi::OsStr::from_bytes(target.to_bytes())))
    }

    fn list(&self, path: &Path) -> Result<Vec<DirectoryEntry>, HostError> {
        check(path)?;
        let fail = |errno| error(errno, path, "list");
        let directory = self.open(path, OFlags::RDONLY | OFlags::DIRECTORY).map_err(fail)?;
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&directory).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name();
            if name.to_bytes() == b"." || name.to_bytes() == b".." {
                continue;
            }
            let kind = match entry.file_type() {
                rustix::fs::FileType::Unknown => {
                    let stat =
                        rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).map_err(fail)?;
                    kind(&stat)
                }
                known => kind_of(known),
            };
            entries
                .push(DirectoryEntry { name: String::from_utf8_lossy(name.to_bytes()).into_owned(), kind });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn write(&self, path: &Path, content: &[u8], attributes: &Attributes) -> Result<(), HostError> {
        super::write::write(self, path, content, attributes)
    }

    fn create_directory(&self, path: &Path, attributes: &Attributes) -> Result<(), HostError> {
        let fail = |errno| error(errno, path, "create");
        let user = attributes.user.as_ref().map(|user| self.number(user, "user")).transpose()?;
        let group = attributes.group.as_ref().map(|group| self.number(group, "group")).transpose()?;
        let (directory, name) = self.parent(path)?;
        let first = if attributes.mode.is_some() { 0o700 } else { 0o777 };
        rustix::fs::mkdirat(&directory, &name, Mode::from_raw_mode(first)).map_err(fail)?;
        let dress = || {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let made = rustix::fs::openat(&directory, &name, flags, Mode::empty())?;
            if user.is_some() || group.is_some() {
                rustix::fs::fchown(&made, user.map(Uid::from_raw), group.map(Gid::from_raw))?;
            }
            attributes.mode.map_or(Ok(()), |mode| rustix::fs::fchmod(&made, Mode::from_raw_mode(mode)))
        };
        if attributes.mode.is_none() && user.is_none() && group.is_none() {
            return Ok(());
        }
        dress().map_err(|errno| {
            // It is not what was asked for: it does not stay.
            let _ = rustix::fs::unlinkat(&directory, &name, AtFlags::REMOVEDIR);
            error(errno, path, "change the owner of")
        })
    }

    fn create_symlink(&self, target: &Path, link: &Path) -> Result<(), HostError> {
        let (directory, name) = self.parent(link)?;
        rustix::fs::symlinkat(target, directory, &name).map_err(|errno| error(errno, link, "create"))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), HostError> {
        let (from_directory, from_name) = self.parent(from)?;
        let (to_directory, to_name) = self.parent(to)?;
        rustix::fs::renameat(from_directory, &from_name, to_directory, &to_name)
            .map_err(|errno| error(errno, if errno == Errno::NOENT { from } else { to }, "rename"))
    }

    fn remove_file(&self, path: &Path) -> Result<(), HostError> {
        let (directory, name) = self.parent(path)?;
        rustix::fs::unlinkat(directory, &name, AtFlags::empty()).map_err(|errno| error(errno, path, "remove"))
    }

    fn remove_directory(&self, path: &Path) -> Result<(), HostError> {
        let (directory, name) = self.parent(path)?;
        remove_tree(directory.as_fd(), &name, path)
    }

    fn set_mode(&self, path: &Path, mode: u32) -> Result<(), HostError> {
        check(path)?;
        let fail = |errno| error(errno, path, "change the mode of");
        if self.root.is_none() {
            return rustix::fs::chmod(path, Mode::from_raw_mode(mode)).map_err(fail);
        }
        let file = self.open(path, OFlags::PATH).map_err(fail)?;
        rustix::fs::chmod(itself(&file), Mode::from_raw_mode(mode)).map_err(fail)
    }

    fn set_owner(&self, path: &Path, user: Option<&Owner>, group: Option<&Owner>) -> Result<(), HostError> {
        let user = user.map(|user| self.number(user, "user")).transpose()?.map(Uid::from_raw);
        let group = group.map(|group| self.number(group, "group")).transpose()?.map(Gid::from_raw);
        let (directory, name) = self.parent(path)?;
        rustix::fs::chownat(directory, &name, user, group, AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| error(errno, path, "change the owner of"))
    }

    fn set_modified(&self, path: &Path, modified: Timestamp) -> Result<(), HostError> {
        check(path)?;
        let fail = |errno| error(errno, path, "set the time of");
        let time = Timespec { tv_sec: modified.seconds, tv_nsec: modified.nanoseconds.into() };
        let times = Timestamps { last_access: time, last_modification: time };
        let file = self.open(path, OFlags::PATH).map_err(fail)?;
        rustix::fs::utimensat(rustix::fs::CWD, itself(&file), &times, AtFlags::empty()).map_err(fail)
    }
}

/// A path to what a descriptor stands for, for calls that take none: it is neither opened for reading (a device
/// would notice) nor looked up a second time.
fn itself(file: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// Removes an entry with everything below it, through descriptors: a link put in its place on the way is not
/// followed.
fn remove_tree(parent: BorrowedFd<'_>, name: &Path, path: &Path) -> Result<(), HostError> {
    let fail = |errno| error(errno, path, "remove");
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(fail)?;
    let mut names = Vec::new();
    for entry in rustix::fs::Dir::read_from(&directory).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(PathBuf::from(std::ffi::OsStr::from_bytes(name)));
        }
    }
    for child in names {
        let inner = path.join(&child);
        match rustix::fs::unlinkat(&directory, &child, AtFlags::empty()) {
            Ok(()) => {}
            Err(Errno::ISDIR) => remove_tree(directory.as_fd(), &child, &inner)?,
            Err(errno) => return Err(error(errno, &inner, "remove")),
        }
    }
    rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR).map_err(fail)
}

/// Everything in a file, up to the limit; `None` beyond it. Files in `/proc` have no size, so reading goes on
/// until nothing comes.
fn read_all(file: BorrowedFd<'_>, size: u64) -> Result<Option<Arc<[u8]>>, Errno> {
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0) + 1];
    let mut filled = 0;
    loop {
        if filled == bytes.len() {
            bytes.resize(bytes.len().max(4096) * 2, 0);
        }
        match rustix::io::read(file, &mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno),
        }
        if filled as u64 > LARGEST_READ {
            return Ok(None);
        }
        // There was room for one byte more than the file has: this was its end.
        if size > 0 && filled as u64 == size {
            break;
        }
    }
    bytes.truncate(filled);
    Ok(Some(bytes.into()))
}

pub(super) fn metadata(stat: &Stat) -> Metadata {
    Metadata {
        kind: kind(stat),
        mode: stat.st_mode & 0o7777,
        user: Owner::Id(stat.st_uid),
        group: Owner::Id(stat.st_gid),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified: Timestamp {
            seconds: stat.st_mtime,
            nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
        },
        identity: (stat.st_dev, stat.st_ino),
    }
}

fn kind(stat: &Stat) -> FileKind {
    kind_of(rustix::fs::FileType::from_raw_mode(stat.st_mode))
}

fn kind_of(kind: rustix::fs::FileType) -> FileKind {
    use rustix::fs::FileType;
    match kind {
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        FileType::CharacterDevice => FileKind::CharacterDevice,
        FileType::BlockDevice => FileKind::BlockDevice,
        FileType::Fifo => FileKind::Fifo,
        FileType::Socket => FileKind::Socket,
        FileType::RegularFile | FileType::Unknown => FileKind::File,
    }
}

/// The kernel's refusal in our words.
pub(super) fn error(errno: Errno, path: &Path, operation: &'static str) -> HostError {
    let path = path.to_path_buf();
    match errno {
        Errno::NOENT => HostError::NotFound(path),
        Errno::EXIST => HostError::Exists(path),
        Errno::ACCESS | Errno::PERM => HostError::Denied { path, operation },
        Errno::NOTDIR => HostError::NotADirectory(path),
        Errno::ISDIR => HostError::IsADirectory(path),
        Errno::NOTEMPTY => HostError::NotEmpty(path),
        Errno::LOOP => HostError::LinkLoop(path),
        Errno::NOSPC | Errno::DQUOT | Errno::FBIG => HostError::Full(path),
        Errno::ROFS => HostError::ReadOnly(path),
        Errno::NAMETOOLONG => HostError::BadPath { path, why: "the path, or a part of it, is too long" },
        errno => HostError::Other { path, operation, why: std::io::Error::from(errno).to_string() },
    }
}
