//! A log on the disk: written to, rotated, and mended when something went wrong with it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use memchr::{memchr, memrchr};
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::archiver::remove_if_there;
use super::recovery::{Recovery, first_record, recover};
use super::{Archiver, DIRECTORY_MODE, FILE_MODE, Refused, Sink};
use crate::Timestamp;
use crate::log_files::{LogFiles, Rotated, Size};
use crate::record::Stream;

/// When a log starts a new file, and how many it keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The most bytes of a file, before compression. A single record may be longer.
    pub file_bytes: u64,
    /// After which a file is rotated although it is not full, counted from its first record.
    pub age: Option<Duration>,
    /// How many files are kept beside the one that is written to.
    pub keep: usize,
    /// The most bytes that a log takes on the disk; older files are deleted first. The one that is written to counts as full.
    pub total_bytes: Option<u64>,
    /// Whether files that are no longer written to are compressed (gzip).
    pub compress: bool,
}

impl Default for Rotation {
    /// 64 MiB a file, eight of them kept, compressed, not rotated by age.
    fn default() -> Self {
        Self { file_bytes: 64 << 20, age: None, keep: 8, total_bytes: None, compress: true }
    }
}

/// The log of one process as files.
///
/// `APP/web.1.log` is written to; when it is full it becomes `APP/web.1.log.N`, then `APP/web.1.log.N.gz`. Files have mode 0640,
/// folders that have to be made 0750, less what the umask takes away.
///
/// * No record is written in part: when the disk is full half way through one, the file is cut back to the last whole one, the rest
///   is refused and taken later.
/// * A file or folder that is removed is made again within a second; what was written to the removed file since it was last seen
///   is copied to the new one.
/// * Nothing is synced line by line: a killed supervisor loses nothing that was written, a machine that loses power what the
///   kernel had not written back yet (usually the last seconds). A file is synced when it is rotated and when its process ends, by the
///   [`Archiver`].
#[derive(Debug)]
pub struct FileSink {
    files: LogFiles,
    rotation: Rotation,
    archiver: Archiver,
    active: Option<Active>,
    recovery: Recovery,
    /// Whether it was open once.
    opened: bool,
    /// What was deleted and is not counted on the disk yet.
    uncounted: Size,
    /// When it was last made sure that the file is where it should be.
    looked_at: Instant,
}

#[derive(Debug)]
struct Active {
    file: File,
    /// Its length.
    bytes: u64,
    /// Its length when it was last seen in its place.
    seen_bytes: u64,
    /// Time of its first record.
    first: Option<Timestamp>,
    /// Half a record stands at its end.
    torn: bool,
}

/// A log that cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the log {path} cannot be opened: {error}")]
pub struct FileSinkError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub error: io::Error,
}

impl FileSink {
    /// How long a file that was removed may stay away.
    const LOOK_EVERY: Duration = Duration::from_secs(1);

    /// Opens a log, or starts one; `path` ends in `.log`. A record that was cut short is cut off: see [`FileSink::recovery`].
    pub fn open(path: &Path, rotation: Rotation, archiver: &Archiver) -> Result<Self, FileSinkError> {
        let mut sink = Self::new(path, rotation, archiver);
        sink.active().map_err(|error| FileSinkError { path: path.to_owned(), error })?;
        Ok(sink)
    }

    /// A log that is opened when the first record comes, and refuses for as long as it cannot be.
    pub fn new(path: &Path, rotation: Rotation, archiver: &Archiver) -> Self {
        Self {
            files: LogFiles::new(path),
            rotation,
            archiver: archiver.clone(),
            active: None,
            recovery: Recovery::default(),
            opened: false,
            uncounted: Size::default(),
            looked_at: Instant::now(),
        }
    }

    /// What was mended when the log was opened.
    pub fn recovery(&self) -> &Recovery {
        &self.recovery
    }

    /// The open file.
    fn active(&mut self) -> io::Result<&mut Active> {
        if self.active.is_none() {
            self.active = Some(self.reopen()?);
            self.looked_at = Instant::now();
        }
        self.active.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn reopen(&mut self) -> io::Result<Active> {
        DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(self.files.directory())?;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(FILE_MODE)
            .custom_flags(OFlags::NOFOLLOW.bits() as i32)
            .open(self.files.active())?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let recovery = recover(&file)?;
        if !std::mem::replace(&mut self.opened, true) {
            self.recovery = recovery;
            // Goes on with what was cut short.
            if self.rotation.compress && !self.files.list()?.is_empty() {
                self.archiver.compress(&self.files);
            }
        }
        let bytes = file.metadata()?.len();
        Ok(Active { first: first_record(&file)?, file, bytes, seen_bytes: bytes, torn: false })
    }

    /// Makes sure that the open file is the one in its place.
    fn look(&mut self) -> io::Result<()> {
        let Some(active) = &mut self.active else { return Ok(()) };
        let open = active.file.metadata()?;
        let in_place = match fs::symlink_metadata(self.files.active()) {
            Ok(found) => (found.dev(), found.ino()) == (open.dev(), open.ino()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if in_place {
            // Somebody may have truncated it.
            active.bytes = if active.torn { active.bytes.min(open.len()) } else { open.len() };
            active.seen_bytes = active.bytes;
            self.looked_at = Instant::now();
            return Ok(());
        }
        let mut new = self.reopen()?;
        // What has a name elsewhere is not lost.
        if let Some(old) = self.active.take().filter(|_| open.nlink() == 0)
            && let Err(error) = copy_tail(&old, &mut new)
        {
            self.active = Some(old);
            return Err(error);
        }
        self.active = Some(new);
        self.looked_at = Instant::now();
        Ok(())
    }

    /// Appends whole records. How many bytes were appended before it failed.
    fn append(&mut self, records: &[u8], now: Timestamp) -> Result<(), (usize, io::Error)> {
        let mut taken = 0;
        while taken < records.len() {
            let rest = &records[taken..];
            let length = self.make_room(rest, now).map_err(|error| (taken, error))?;
            let active = self.active().map_err(|error| (taken, error))?;
            active.first = active.first.or(Some(now));
            let (written, result) = active.append(&rest[..length]);
            taken += written;
            result.map_err(|error| (taken, error))?;
        }
        Ok(())
    }

    /// How many bytes of these records go into the open file; at least one record. Starts a new file where none does.
    fn make_room(&mut self, records: &[u8], now: Timestamp) -> io::Result<usize> {
        let (most, age) = (self.rotation.file_bytes, self.rotation.age);
        let active = self.active()?;
        let room = usize::try_from(most.saturating_sub(active.bytes)).unwrap_or(usize::MAX);
        let old = age.zip(active.first).is_some_and(|(age, first)| now.since(first) >= age);
        if records.len() <= room && !old {
            return Ok(records.len());
        }
        let fits = memrchr(b'\n', &records[..records.len().min(room)]).map_or(0, |end| end + 1);
        if fits > 0 && !old {
            return Ok(fits);
        }
        if active.bytes > 0 {
            self.rotate_now()?;
        }
        let fits = memrchr(b'\n', &records[..records.len().min(usize::try_from(most).unwrap_or(usize::MAX))]);
        Ok(fits.or_else(|| memchr(b'\n', records)).map_or(records.len(), |end| end + 1))
    }

    fn rotate_now(&mut self) -> io::Result<()> {
        self.look()?;
        if self.active()?.bytes == 0 {
            return Ok(());
        }
        let mut number = self.files.active_number(&self.files.list()?);
        // What bears the name without being a file of the log is left alone.
        while let Err(errno) = self.rename_to(number) {
            if errno != Errno::EXIST {
                return Err(errno.into());
            }
            number += 1;
        }
        self.active = None;
        self.delete_old();
        if self.rotation.compress {
            self.archiver.compress(&self.files);
        }
        self.active().map(drop)
    }

    fn rename_to(&self, number: u64) -> Result<(), Errno> {
        renameat_with(CWD, self.files.active(), CWD, self.files.rotated(number), RenameFlags::NOREPLACE)
    }

    /// Deletes files that the bounds leave no room for. One that cannot be deleted is tried again with the next rotation.
    fn delete_old(&mut self) {
        let Ok(files) = self.files.list() else { return };
        let most = self.rotation.total_bytes.map(|total| total.saturating_sub(self.rotation.file_bytes));
        let mut total: u64 = files.iter().map(|file| file.disk_bytes).sum();
        for (index, file) in files.iter().enumerate() {
            if files.len() - index <= self.rotation.keep && most.is_none_or(|most| total <= most) {
                return;
            }
            total -= file.disk_bytes;
            if self.delete(file).is_err() {
                return;
            }
        }
    }

    fn delete(&mut self, file: &Rotated) -> io::Result<()> {
        let mut deleted = self.files.deleted();
        if file.number > deleted.file {
            let size = file.size().ok().flatten().unwrap_or(Size { bytes: file.disk_bytes, records: 0 });
            self.uncounted.bytes += size.bytes;
            self.uncounted.records += size.records;
            deleted.file = file.number;
            deleted.size.bytes += self.uncounted.bytes;
            deleted.size.records += self.uncounted.records;
            // On a full disk this fails; making room is what counts.
            if self.files.set_deleted(deleted).is_ok() {
                self.uncounted = Size::default();
            }
        }
        remove_if_there(&self.files.rotated(file.number))?;
        remove_if_there(&self.files.compressed(file.number))
    }

    fn refusal(&self, taken: usize, error: io::Error) -> Refused {
        let reason = format!("{}: {error}", self.files.active().display());
        Refused { taken, reason, retry_after: Refused::RETRY_AFTER }
    }
}

impl Sink for FileSink {
    fn write(&mut self, records: &[u8], now: Timestamp) -> Result<(), Refused> {
        if self.looked_at.elapsed() >= Self::LOOK_EVERY {
            self.look().map_err(|error| self.refusal(0, error))?;
        }
        self.append(records, now).map_err(|(taken, error)| self.refusal(taken, error))
    }

    fn rotate(&mut self, _now: Timestamp) -> Result<(), Refused> {
        self.rotate_now().map_err(|error| self.refusal(0, error))
    }

    fn tick(&mut self, now: Timestamp) -> Result<(), Refused> {
        self.look().map_err(|error| self.refusal(0, error))?;
        let first = self.active().map(|active| active.first).map_err(|error| self.refusal(0, error))?;
        let old = self.rotation.age.zip(first).is_some_and(|(age, first)| now.since(first) >= age);
        if old { self.rotate(now) } else { Ok(()) }
    }

    fn settle(&mut self) {
        self.archiver.sync(&self.files);
    }

    fn unfinished(&self, stream: Stream) -> bool {
        self.recovery.unfinished.contains(&stream)
    }
}

impl Active {
    /// Appends whole records. How many bytes of them are in the file afterwards: whole records.
    fn append(&mut self, records: &[u8]) -> (usize, io::Result<()>) {
        if let Err(error) = self.cut_torn() {
            return (0, Err(error));
        }
        let mut written = 0;
        let error = loop {
            match self.file.write(&records[written..]) {
                Ok(0) => break io::ErrorKind::WriteZero.into(),
                Ok(length) => written += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error,
            }
            if written == records.len() {
                self.bytes += written as u64;
                return (written, Ok(()));
            }
        };
        let whole = memrchr(b'\n', &records[..written]).map_or(0, |end| end + 1);
        self.bytes += whole as u64;
        self.torn = written > whole;
        // When even this fails now, it is done before the next record.
        let _ = self.cut_torn();
        (whole, Err(error))
    }

    fn cut_torn(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.bytes)?;
            self.torn = false;
        }
        Ok(())
    }
}

/// Copies what was written to a file after it was removed.
fn copy_tail(old: &Active, new: &mut Active) -> io::Result<()> {
    let mut offset = old.seen_bytes;
    let mut chunk = vec![0; 256 << 10];
    let before = new.bytes;
    while offset < old.bytes {
        let most = usize::try_from(old.bytes - offset).unwrap_or(usize::MAX).min(chunk.len());
        let length = old.file.read_at(&mut chunk[..most], offset)?;
        if length == 0 {
            break;
        }
        if let Err(error) = new.file.write_all(&chunk[..length]) {
            // All of it is copied again later.
            new.file.set_len(before)?;
            return Err(error);
        }
        offset += length as u64;
        new.bytes += length as u64;
    }
    new.first = first_record(&new.file)?;
    new.seen_bytes = new.bytes;
    Ok(())
}
