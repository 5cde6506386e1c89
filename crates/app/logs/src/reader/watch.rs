//! Waits until something may have changed in a folder of logs.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

pub(super) struct Watch {
    directory: PathBuf,
    inotify: Option<OwnedFd>,
}

/// How long to sleep where the kernel cannot tell of changes: the folder is not there, or there are too many watches.
const BLIND: Duration = Duration::from_millis(100);
/// Changes that follow closely on each other are told once.
const GATHER: Duration = Duration::from_millis(10);

impl Watch {
    pub(super) fn new(directory: &Path) -> Self {
        let mut watch = Self { directory: directory.to_owned(), inotify: None };
        watch.look();
        watch
    }

    fn look(&mut self) {
        let flags = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF;
        self.inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).ok();
        let added = self.inotify.as_ref().map(|inotify| inotify::add_watch(inotify, &self.directory, flags));
        if !matches!(added, Some(Ok(_))) {
            self.inotify = None;
        }
    }

    /// Blocks until something may have changed, or for so long.
    pub(super) fn wait(&mut self, most: Duration) {
        if self.inotify.is_none() {
            std::thread::sleep(most.min(BLIND));
            return self.look();
        }
        let end = Instant::now() + most;
        if self.poll(most) {
            std::thread::sleep(GATHER.min(end.saturating_duration_since(Instant::now())));
            self.drain();
        }
    }

    fn poll(&self, most: Duration) -> bool {
        let Some(inotify) = &self.inotify else { return false };
        let timeout = Timespec { tv_sec: most.as_secs() as i64, tv_nsec: i64::from(most.subsec_nanos()) };
        poll(&mut [PollFd::new(inotify, PollFlags::IN)], Some(&timeout)).is_ok_and(|ready| ready > 0)
    }

    /// Reads what changed. A folder that is gone, or whose events overflowed, is looked at anew.
    fn drain(&mut self) {
        let mut room = [std::mem::MaybeUninit::uninit(); 4096];
        let Some(inotify) = &self.inotify else { return };
        let mut events = inotify::Reader::new(inotify, &mut room);
        let mut gone = false;
        while let Ok(event) = events.next() {
            gone |= event.events().intersects(
                inotify::ReadFlags::IGNORED | inotify::ReadFlags::DELETE_SELF | inotify::ReadFlags::MOVE_SELF,
            );
        }
        if gone {
            self.look();
        }
    }
}
