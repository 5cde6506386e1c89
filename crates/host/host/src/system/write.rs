//! Writing a file so that its path holds the whole old or the whole new content, whatever happens.
//!
//! The new content goes into a file that has no name yet (`O_TMPFILE`), gets its owner and mode, is synced, is
//! linked beside its place and renamed onto it; then the directory is synced. A run that is killed leaves
//! nothing but, between two system calls, a file named `.NAME.pinch-PID-N` beside, which a later run neither
//! trips over nor takes for its own. Where the file system knows no nameless files (or `/proc` is missing)
//! that file is made from the start and removed when something fails.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use super::System;
use super::files::{error, metadata};
use crate::layered::refuse_special;
use crate::{Attributes, FileKind, HostError, Metadata, Owner};

/// How many names beside the place are tried: leftovers of killed runs may hold some.
const MOST_NAMES: usize = 1000;

/// See [`Files::write`](crate::Files::write).
pub(super) fn write(
    system: &System,
    path: &Path,
    content: &[u8],
    attributes: &Attributes,
) -> Result<(), HostError> {
    let (directory, name) = system.parent(path)?;
    let fail = |errno| error(errno, path, "write");
    let there = match rustix::fs::statat(&directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Some(metadata(&stat)),
        Err(Errno::NOENT) => None,
        Err(errno) => return Err(fail(errno)),
    };
    if let Some(there) = &there {
        refuse_special(path, there.kind)?;
    }
    let kept = there.filter(|there| there.kind == FileKind::File);
    let wanted = Wanted::new(system, attributes, kept.as_ref())?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    // Syncing needs a descriptor that is open for reading. A directory that may be written but not read is
    // used all the same, only not synced.
    let (directory, readable) = match rustix::fs::openat(&directory, ".", flags, Mode::empty()) {
        Ok(readable) => (readable, true),
        Err(Errno::ACCESS) => (directory, false),
        Err(errno) => return Err(fail(errno)),
    };
    let put = |nameless| {
        let mut beside = Beside::create(directory.as_fd(), &name, &wanted, nameless)?;
        beside.fill(content, &wanted)?;
        beside.put_in_place(&name)
    };
    match put(true) {
        // No nameless files here, or no /proc by which to give one a name.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL | Errno::ACCESS) => put(false),
        other => other,
    }
    .map_err(|errno| wanted.refused(errno, path))?;
    if readable { rustix::fs::fsync(&directory).map_err(fail) } else { Ok(()) }
}

/// Mode and owner of the file to come.
struct Wanted {
    mode: Option<u32>,
    user: Option<u32>,
    group: Option<u32>,
}

impl Wanted {
    fn new(system: &System, attributes: &Attributes, kept: Option<&Metadata>) -> Result<Self, HostError> {
        let number = |given: &Option<Owner>, kept: Option<&Owner>, kind| {
            given.as_ref().or(kept).map(|owner| system.number(owner, kind)).transpose()
        };
        Ok(Self {
            mode: attributes.mode.or(kept.map(|kept| kept.mode)),
            user: number(&attributes.user, kept.map(|kept| &kept.user), "user")?,
            group: number(&attributes.group, kept.map(|kept| &kept.group), "group")?,
        })
    }

    fn refused(&self, errno: Errno, path: &Path) -> HostError {
        let owner = errno == Errno::PERM && (self.user.is_some() || self.group.is_some());
        error(errno, path, if owner { "change the owner of" } else { "write" })
    }
}

/// The new file before it has its place.
struct Beside<'a> {
    directory: BorrowedFd<'a>,
    file: OwnedFd,
    /// Its name beside the place, once it has one.
    name: Option<PathBuf>,
    target: &'a Path,
}

impl<'a> Beside<'a> {
    fn create(
        directory: BorrowedFd<'a>,
        target: &'a Path,
        wanted: &Wanted,
        nameless: bool,
    ) -> Result<Self, Errno> {
        // Until it has its owner nobody else may read it; without a wish the umask decides.
        let mode = Mode::from_raw_mode(if wanted.mode.is_some() { 0o600 } else { 0o666 });
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        if nameless {
            let file = rustix::fs::openat(directory, ".", flags | OFlags::TMPFILE, mode)?;
            return Ok(Self { directory, file, name: None, target });
        }
        let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let (name, file) = with_free_name(target, |name| rustix::fs::openat(directory, name, flags, mode))?;
        Ok(Self { directory, file, name: Some(name), target })
    }

    fn fill(&self, content: &[u8], wanted: &Wanted) -> Result<(), Errno> {
        let mut rest = content;
        while !rest.is_empty() {
            match rustix::io::write(&self.file, rest) {
                Ok(0) => return Err(Errno::NOSPC),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        // What it has already is not asked for: an unprivileged user may not ask. (In a directory with the
        // set-group-id bit a new file has that directory's group.)
        let made = rustix::fs::fstat(&self.file)?;
        let user = wanted.user.filter(|user| *user != made.st_uid).map(Uid::from_raw);
        let group = wanted.group.filter(|group| *group != made.st_gid).map(Gid::from_raw);
        if user.is_some() || group.is_some() {
            rustix::fs::fchown(&self.file, user, group)?;
        }
        // After the owner: changing that takes set-user-id bits away.
        if let Some(mode) = wanted.mode {
            rustix::fs::fchmod(&self.file, Mode::from_raw_mode(mode))?;
        }
        rustix::fs::fsync(&self.file)
    }

    fn put_in_place(&mut self, target: &Path) -> Result<(), Errno> {
        if self.name.is_none() {
            let itself = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            let (name, ()) = with_free_name(self.target, |name| {
                rustix::fs::linkat(CWD, &itself, self.directory, name, AtFlags::SYMLINK_FOLLOW)
            })?;
            self.name = Some(name);
        }
        if let Some(name) = &self.name {
            rustix::fs::renameat(self.directory, name, self.directory, target)?;
        }
        self.name = None;
        Ok(())
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            // The write has failed already and says why; a file that stays beside harms nobody.
            let _ = rustix::fs::unlinkat(self.directory, name, AtFlags::empty());
        }
    }
}

/// Makes something under the first free name beside a place.
fn with_free_name<T>(
    target: &Path,
    mut make: impl FnMut(&Path) -> Result<T, Errno>,
) -> Result<(PathBuf, T), Errno> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    for _ in 0..MOST_NAMES {
        let name = name_beside(target.as_os_str(), NUMBER.fetch_add(1, Ordering::Relaxed));
        match make(&name) {
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno),
            Ok(made) => return Ok((name, made)),
        }
    }
    Err(Errno::EXIST)
}

/// `.NAME.pinch-PID-N`, the name shortened so that the whole stays one that file systems take.
fn name_beside(target: &OsStr, number: u32) -> PathBuf {
    let bytes = target.as_bytes();
    let mut name = OsString::from(".");
    name.push(OsStr::from_bytes(bytes.get(..bytes.len().min(200)).unwrap_or_default()));
    name.push(format!(".pinch-{}-{number}", std::process::id()));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beside_are_never_too_long() {
        assert!(name_beside(OsStr::new(&"x".repeat(255)), u32::MAX).as_os_str().len() <= 255);
    }
}
