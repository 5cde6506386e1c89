//! Which file of a log is read next, and when it is over.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::{GapCause, Place};
use crate::Timestamp;
use crate::log_files::{Deleted, LogFiles, Rotated, Size, first_time};
use crate::record::{Entry, entries};

/// A file of a log, open for reading.
pub(super) struct OpenFile {
    bytes: Bytes,
    /// Whether it is still written to, as far as is known.
    active: bool,
    /// Bytes before the next read.
    offset: u64,
    size: Option<Size>,
}

enum Bytes {
    Plain(File),
    Compressed(Box<MultiGzDecoder<File>>),
}

/// What follows a place in a log.
pub(super) enum Next {
    /// A file, open at that place, which may have another name by now.
    Opened(OpenFile, Place),
    /// What was there is gone; the log goes on at another place.
    Gap(GapCause, Missing, Place),
    /// Nothing at present.
    Nothing,
}

/// How much is gone, where that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) bytes: Option<u64>,
    pub(super) records: Option<u64>,
}

/// Why a file gives no more bytes.
pub(super) enum End {
    /// More may be written.
    ForNow,
    /// It is no longer written to; now all of it can be read.
    LookAgain,
    /// All of it was read.
    Over,
    /// It is shorter than what was read of it.
    Truncated,
}

/// The files of a log at one moment.
struct Listing {
    rotated: Vec<Rotated>,
    deleted: Deleted,
    active_number: u64,
}

/// How often a listing is made anew because files were renamed meanwhile.
const ATTEMPTS: usize = 8;

impl OpenFile {
    /// Opens what is at `place`, or, when that file was read to its end (`done`), what follows it. `last` is the time of the last
    /// record that was read.
    pub(super) fn next(
        files: &LogFiles,
        place: &Place,
        done: bool,
        last: Option<Timestamp>,
    ) -> io::Result<Next> {
        for _ in 0..ATTEMPTS {
            let listing = Listing::of(files)?;
            let next = if done {
                listing.after(files, place, last)
            } else if place.file == 0 {
                listing.open_first(files, 0, &listing.beginning())
            } else {
                listing.at(files, place)
            };
            match next {
                // Renamed, compressed or deleted since the listing was made.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                next => {
                    if Listing::of(files)?.active_number == listing.active_number {
                        return next;
                    }
                }
            }
        }
        // Nothing there, or it changes faster than it can be looked at: the next call looks again.
        Ok(Next::Nothing)
    }

    /// How much is in it, where that is known without reading it.
    pub(super) fn size(&self) -> Option<Size> {
        self.size
    }

    pub(super) fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        let length = match &mut self.bytes {
            Bytes::Plain(file) => file.read(room),
            Bytes::Compressed(decoder) => decoder.read(room),
        }?;
        self.offset += length as u64;
        Ok(length)
    }

    /// Why the last read gave nothing.
    pub(super) fn end(&mut self, files: &LogFiles) -> io::Result<End> {
        let Bytes::Plain(file) = &self.bytes else { return Ok(End::Over) };
        let open = file.metadata()?;
        if open.len() < self.offset {
            return Ok(End::Truncated);
        }
        if !self.active {
            return Ok(End::Over);
        }
        if is_at(&open, files.active())? {
            return Ok(End::ForNow);
        }
        self.active = false;
        Ok(End::LookAgain)
    }

    fn rotated(file: &Rotated) -> io::Result<Self> {
        let open = File::open(&file.path)?;
        let bytes = if file.compressed {
            Bytes::Compressed(Box::new(MultiGzDecoder::new(open)))
        } else {
            Bytes::Plain(open)
        };
        let size = if file.compressed { file.size()? } else { None };
        Ok(Self { bytes, active: false, offset: 0, size })
    }

    fn active(files: &LogFiles) -> io::Result<Self> {
        let open = File::open(files.active())?;
        Ok(Self { bytes: Bytes::Plain(open), active: true, offset: 0, size: None })
    }

    /// Moves on to a byte of the plain text; `false`: there are not so many.
    fn skip_to(&mut self, offset: u64) -> io::Result<bool> {
        match &mut self.bytes {
            Bytes::Plain(file) => {
                if file.metadata()?.len() < offset {
                    return Ok(false);
                }
                file.seek(SeekFrom::Start(offset))?;
            }
            Bytes::Compressed(decoder) => {
                if io::copy(&mut decoder.by_ref().take(offset), &mut io::sink())? < offset {
                    return Ok(false);
                }
            }
        }
        self.offset = offset;
        Ok(true)
    }

    /// The time of its first record.
    fn first(&mut self) -> io::Result<Option<Timestamp>> {
        let mut start = [0; 64];
        let length = match &mut self.bytes {
            Bytes::Plain(file) => file.read_at(&mut start, 0)?,
            Bytes::Compressed(decoder) => {
                // A decoder of its own: this one stays at the beginning.
                let file = decoder.get_ref().try_clone()?;
                let mut compressed = vec![0; 4096];
                let length = file.read_at(&mut compressed, 0)?;
                let mut length_read = 0;
                let mut peek = MultiGzDecoder::new(&compressed[..length]);
                while let Ok(more @ 1..) = peek.read(&mut start[length_read..]) {
                    length_read += more;
                }
                length_read
            }
        };
        Ok(first_time(&start[..length]))
    }
}

impl Listing {
    fn of(files: &LogFiles) -> io::Result<Self> {
        let rotated = files.list()?;
        let active_number = files.active_number(&rotated);
        Ok(Self { rotated, deleted: files.deleted(), active_number })
    }

    /// Where the log begins, as far as it is there.
    fn beginning(&self) -> Place {
        let Size { bytes, records } = self.deleted.size;
        Place { bytes, records: Some(records), ..Place::default() }
    }

    /// The oldest file with a number above `number`, from its beginning.
    fn open_first(&self, files: &LogFiles, number: u64, before: &Place) -> io::Result<Next> {
        let (mut file, number) = match self.rotated.iter().find(|file| file.number > number) {
            Some(file) => (OpenFile::rotated(file)?, file.number),
            None => (OpenFile::active(files)?, self.active_number),
        };
        let first = file.first()?;
        Ok(Next::Opened(file, Place { file: number, first, offset: 0, ..*before }))
    }

    /// The file of a place, wherever it is now.
    fn at(&self, files: &LogFiles, place: &Place) -> io::Result<Next> {
        if let Some((mut file, number)) = self.find(files, place)? {
            let first = file.first()?;
            if file.skip_to(place.offset)? {
                return Ok(Next::Opened(file, Place { file: number, first, ..*place }));
            }
            let start = Place { file: number, first: None, offset: 0, records: None, ..*place };
            return Ok(Next::Gap(GapCause::Removed, Missing::default(), start));
        }
        Ok(self.gap(place))
    }

    /// What was deleted from `place` on.
    fn gap(&self, place: &Place) -> Next {
        let rotated = self.deleted.file >= place.file;
        let cause = if rotated { GapCause::Rotated } else { GapCause::Removed };
        let mut missing = Missing::default();
        if rotated && self.oldest() == self.deleted.file + 1 {
            let Size { bytes, records } = self.deleted.size;
            missing.bytes = Some(bytes.saturating_sub(place.bytes));
            missing.records = place.records.map(|before| records.saturating_sub(before));
        }
        Next::Gap(cause, missing, self.beginning())
    }

    /// What follows a file that was read to its end.
    fn after(&self, files: &LogFiles, place: &Place, last: Option<Timestamp>) -> io::Result<Next> {
        if let Some((_, number)) = self.find_rotated(place)? {
            return self.open_first(files, number, place);
        }
        if self.deleted.file == place.file
            || (self.deleted.file > place.file && self.oldest() == place.file + 1)
        {
            return self.open_first(files, place.file, place);
        }
        if self.deleted.file > place.file {
            return Ok(self.gap(place));
        }
        // Somebody removed it: the log goes on in a new file, which may begin with a copy of the end of the old one.
        let next = self.open_first(files, self.active_number - 1, place)?;
        let Next::Opened(mut file, mut start) = next else { return Ok(next) };
        let copied = last.map_or(Ok(0), |last| end_of_copy(files.active(), last))?;
        file.skip_to(copied)?;
        start.offset = copied;
        Ok(Next::Opened(file, start))
    }

    fn oldest(&self) -> u64 {
        self.rotated.first().map_or(self.active_number, |file| file.number)
    }

    /// The file of a place: the one of its number, if it begins as it did, or any that does.
    fn find(&self, files: &LogFiles, place: &Place) -> io::Result<Option<(OpenFile, u64)>> {
        if let Some(found) = self.find_rotated(place)? {
            return Ok(Some(found));
        }
        let mut active = match OpenFile::active(files) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            active => active?,
        };
        let first = active.first()?;
        let same = match place.first {
            Some(_) => first == place.first,
            None => place.file == self.active_number,
        };
        Ok(same.then_some((active, self.active_number)))
    }

    fn find_rotated(&self, place: &Place) -> io::Result<Option<(OpenFile, u64)>> {
        let (named, others): (Vec<_>, Vec<_>) =
            self.rotated.iter().partition(|file| file.number == place.file);
        for candidate in named.into_iter().chain(others) {
            let mut file = OpenFile::rotated(candidate)?;
            let same = match place.first {
                Some(_) => file.first()? == place.first,
                None => candidate.number == place.file,
            };
            if same {
                return Ok(Some((file, candidate.number)));
            }
        }
        Ok(None)
    }
}

/// Whether an open file is the one of that path.
fn is_at(open: &fs::Metadata, path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Bytes at the start of a file up to the end of its first run of records of this time; 0: there are none.
///
/// A read of a process gets one time, so the copied end of a removed file ends with all records of its last time.
fn end_of_copy(path: &Path, last: Timestamp) -> io::Result<u64> {
    let mut file = io::BufReader::new(File::open(path)?);
    let (mut offset, mut end, mut line) = (0, 0, Vec::new());
    loop {
        line.clear();
        let length = io::BufRead::read_until(&mut file, b'\n', &mut line)? as u64;
        offset += length;
        match entries(&line).next() {
            Some(Entry::Record(record)) if record.time == last => end = offset,
            Some(_) if end == 0 => {}
            _ => return Ok(end),
        }
    }
}
