//! Writing a file so that its path holds the whole old or the whole new content, whatever happens.
//!
//! The new content goes into a file that has no name yet (`O_TMPFILE`), gets its mode and owner, is synced, is
//! linked beside its place and renamed onto it; then the directory is synced. A run that is killed leaves
//! nothing but, between two system calls, a file named `.NAME.pinch-PID-N` beside. Where the file system knows no
//! nameless files that file is made from the start and removed when something fails.

use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;

use super::System;
use super::files::{error, metadata};
use crate::{Attributes, FileKind, HostError, Metadata, Owner};

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
    if there.as_ref().is_some_and(|there| there.kind == FileKind::Directory) {
        return Err(HostError::IsADirectory(path.into()));
    }
    let kept = there.filter(|there| there.kind == FileKind::File);
    let wanted = Wanted::new(system, attributes, kept.as_ref())?;
    // Syncing needs a descriptor that is open for reading, which an O_PATH one is not.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory = rustix::fs::openat(&directory, ".", flags, Mode::empty()).map_err(fail)?;
    let beside = Beside::create(directory.as_fd(), &name, &wanted).map_err(fail)?;
    beside.fill(content, &wanted).map_err(fail)?;
    beside.put_in_place(&name).map_err(fail)?;
    rustix::fs::fsync(&directory).map_err(fail)
}

/// Mode and owner of the file to come.
struct Wanted {
    mode: Option<u32>,
    user: Option<u32>,
    group: Option<u32>,
}

impl Wanted {
    fn new(system: &System, attributes: &Attributes, kept: Option<&Metadata>) -> Result<Self, HostError> {
        let user = attributes.user.as_ref().or(kept.map(|kept| &kept.user));
        let group = attributes.group.as_ref().or(kept.map(|kept| &kept.group));
        let own = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
        // What the file would get anyway is not asked for: an unprivileged user may not ask.
        let number = |owner: Option<&Owner>, kind, own| {
            let number = owner.map(|owner| system.number(owner, kind)).transpose()?;
            Ok::<_, HostError>(number.filter(|number| *number != own))
        };
        Ok(Self {
            mode: attributes.mode.or(kept.map(|kept| kept.mode)),
            user: number(user, "user", own.0)?,
            group: number(group, "group", own.1)?,
        })
    }
}

/// The new file before it has its place.
struct Beside<'a> {
    directory: BorrowedFd<'a>,
    file: OwnedFd,
    /// Its name beside the place; while `nameless` it does not have it yet.
    name: PathBuf,
    nameless: bool,
    done: bool,
}

impl<'a> Beside<'a> {
    fn create(directory: BorrowedFd<'a>, target: &Path, wanted: &Wanted) -> Result<Self, Errno> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let pid = rustix::process::getpid().as_raw_nonzero();
        let mut name = std::ffi::OsString::from(".");
        name.push(target);
        name.push(format!(".pinch-{pid}-{number}"));
        let name = PathBuf::from(name);
        // Until it has its owner nobody else may read it; without a wish the umask decides.
        let mode = Mode::from_raw_mode(if wanted.mode.is_some() { 0o600 } else { 0o666 });
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let beside = |file, nameless| Self { directory, file, name: name.clone(), nameless, done: false };
        match rustix::fs::openat(directory, ".", flags | OFlags::TMPFILE, mode) {
            Ok(file) => Ok(beside(file, true)),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT | Errno::INVAL) => {
                let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
                rustix::fs::openat(directory, &name, flags, mode).map(|file| beside(file, false))
            }
            Err(errno) => Err(errno),
        }
    }

    fn fill(&self, mut content: &[u8], wanted: &Wanted) -> Result<(), Errno> {
        while !content.is_empty() {
            match rustix::io::write(&self.file, content) {
                Ok(0) => return Err(Errno::IO),
                Ok(count) => content = content.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
        if wanted.user.is_some() || wanted.group.is_some() {
            rustix::fs::fchown(&self.file, wanted.user.map(Uid::from_raw), wanted.group.map(Gid::from_raw))?;
        }
        // After the owner: changing that takes set-user-id bits away.
        if let Some(mode) = wanted.mode {
            rustix::fs::fchmod(&self.file, Mode::from_raw_mode(mode))?;
        }
        rustix::fs::fsync(&self.file)
    }

    fn put_in_place(mut self, target: &Path) -> Result<(), Errno> {
        if self.nameless {
            let itself = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            rustix::fs::linkat(CWD, &itself, self.directory, &self.name, AtFlags::SYMLINK_FOLLOW)?;
            self.nameless = false;
        }
        rustix::fs::renameat(self.directory, &self.name, self.directory, target)?;
        self.done = true;
        Ok(())
    }
}

impl Drop for Beside<'_> {
    fn drop(&mut self) {
        if !self.done && !self.nameless {
            // The write has failed already and says why; a file that stays beside harms nobody.
            let _ = rustix::fs::unlinkat(self.directory, &self.name, AtFlags::empty());
        }
    }
}
