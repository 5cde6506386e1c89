//! The pipes through which processes speak.
//!
//! A pipe is a FIFO in the home's folder, and the process holds it open for reading as well as for writing. So it
//! never gets SIGPIPE, and what it has written stays in the pipe, while no keeper is there; the next keeper opens the
//! same FIFO by its name.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, OFlags, chownat, mknodat, open};
use rustix::pipe::fcntl_setpipe_size;

/// What a pipe may hold before the process has to wait, in bytes; the kernel's own where that is not allowed.
const CAPACITY: usize = 1 << 20;

/// The two ends of a pipe.
pub(super) struct Pipe {
    /// For the process: reads and writes, waits when the pipe is full.
    pub process: OwnedFd,
    /// For the collector: reads, never waits. Taken once.
    pub collector: Option<OwnedFd>,
}

impl Pipe {
    /// A FIFO at that path, made unless it is there. Its folder has to be there.
    pub(super) fn named(path: &Path, owner: Option<(u32, u32)>) -> Result<Self, String> {
        let told = |errno: rustix::io::Errno| format!("the pipe {}: {errno}", path.display());
        match mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(errno) => return Err(told(errno)),
        }
        if let Some((uid, gid)) = owner {
            let (uid, gid) = (rustix::fs::Uid::from_raw(uid), rustix::fs::Gid::from_raw(gid));
            chownat(CWD, path, Some(uid), Some(gid), rustix::fs::AtFlags::empty()).map_err(told)?;
        }
        let flags = OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let collector = open(path, OFlags::RDONLY | OFlags::NONBLOCK | flags, Mode::empty()).map_err(told)?;
        let process = open(path, OFlags::RDWR | flags, Mode::empty()).map_err(told)?;
        Ok(Self::of(process, collector))
    }

    /// The end for one more process.
    pub(super) fn for_process(&self) -> Result<OwnedFd, String> {
        self.process.try_clone().map_err(|error| format!("no descriptor is left: {error}"))
    }

    fn of(process: OwnedFd, collector: OwnedFd) -> Self {
        let _ = fcntl_setpipe_size(&process, CAPACITY);
        Self { process, collector: Some(collector) }
    }
}
