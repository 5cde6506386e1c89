//! Work on log files that nobody waits for: compressing those that are no longer written to, and syncing.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use flate2::{Compression, GzBuilder};
use rustix::fs::{Timestamps, futimens};
use rustix::time::Timespec;

use crate::log_files::{LogFiles, Rotated, count, size_field};

/// Compresses and syncs files of logs on a thread of the lowest priority, which lives only while there is work.
///
/// A file is compressed beside itself, synced, renamed, and only then is the plain one removed. When that is cut short, the
/// plain file is still whole, and the next [`Archiver`] that is told of the log starts over. Failures (a full disk) leave the plain
/// file, which is tried again when the log rotates the next time.
///
/// Clones share the thread.
#[derive(Clone, Debug, Default)]
pub struct Archiver {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    idle: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// One entry for a log, so that no more work can wait than there are logs.
    waiting: BTreeMap<LogFiles, Work>,
    running: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Work {
    sync: bool,
    compress: bool,
}

impl Archiver {
    /// One without work.
    pub fn new() -> Self {
        Self::default()
    }

    /// Blocks until there is nothing to do.
    pub fn wait_until_idle(&self) {
        let mut state = self.shared.lock();
        while state.running {
            state = self.shared.idle.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Has the newest file of a log written to the disk.
    pub(super) fn sync(&self, files: &LogFiles) {
        self.request(files, |work| work.sync = true);
    }

    /// Has the files of a log compressed that are no longer written to.
    pub(super) fn compress(&self, files: &LogFiles) {
        self.request(files, |work| work.compress = true);
    }

    fn request(&self, files: &LogFiles, change: impl FnOnce(&mut Work)) {
        let mut state = self.shared.lock();
        change(state.waiting.entry(files.clone()).or_default());
        if !state.running {
            let shared = Arc::clone(&self.shared);
            let thread = std::thread::Builder::new().name("log-archiver".into()).spawn(move || shared.work());
            // Without a thread the work waits for the next request.
            state.running = thread.is_ok();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        // Linux applies this to the calling thread alone. Where it fails, the work is done at the usual priority.
        let _ = rustix::process::setpriority_process(None, 19);
        loop {
            let mut state = self.lock();
            let Some((files, work)) = state.waiting.pop_first() else {
                state.running = false;
                self.idle.notify_all();
                return;
            };
            drop(state);
            // What fails is left as it is and tried again with the next request for this log.
            if work.sync {
                let _ = File::open(files.active()).and_then(|file| file.sync_data());
            }
            if work.compress {
                let _ = compress_all(&files);
            }
        }
    }
}

fn compress_all(files: &LogFiles) -> io::Result<()> {
    for left_over in files.list_unfinished()? {
        fs::remove_file(left_over)?;
    }
    for file in files.list()? {
        if file.compressed {
            // Killed between renaming the compressed file and removing the plain one?
            remove_if_there(&files.rotated(file.number))?;
        } else {
            let unfinished = files.unfinished(file.number);
            let compressed = compress(files, &file, &unfinished);
            if let Err(error) = compressed {
                remove_if_there(&unfinished)?;
                // Rotation may have deleted it meanwhile: then it is not brought back.
                if error.kind() != io::ErrorKind::NotFound {
                    return Err(error);
                }
            }
        }
    }
    Ok(())
}

fn compress(files: &LogFiles, rotated: &Rotated, unfinished: &Path) -> io::Result<()> {
    let mut plain = File::open(&rotated.path)?;
    // Should the machine lose power now, the records are at least in the plain file.
    plain.sync_data()?;
    let size = count(&mut plain)?;
    io::Seek::rewind(&mut plain)?;
    let out = OpenOptions::new().write(true).create_new(true).mode(super::FILE_MODE).open(unfinished)?;
    let seconds = rotated.modified.nanoseconds() / 1_000_000_000;
    let header = GzBuilder::new().mtime(u32::try_from(seconds).unwrap_or(0)).extra(size_field(size));
    let mut encoder = header.write(out, Compression::fast());
    let mut chunk = vec![0; 64 << 10];
    loop {
        let length = plain.read(&mut chunk)?;
        if length == 0 {
            break;
        }
        encoder.write_all(&chunk[..length])?;
    }
    let out = encoder.finish()?;
    let time =
        Timespec { tv_sec: seconds as i64, tv_nsec: (rotated.modified.nanoseconds() % 1_000_000_000) as i64 };
    futimens(&out, &Timestamps { last_access: time, last_modification: time })?;
    out.sync_all()?;
    fs::symlink_metadata(&rotated.path)?;
    fs::rename(unfinished, files.compressed(rotated.number))?;
    File::open(files.directory())?.sync_all()?;
    fs::remove_file(&rotated.path)
}

pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
