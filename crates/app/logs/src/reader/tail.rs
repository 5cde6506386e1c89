//! The log of one process as one long run of lines, whatever files it lies in at the moment.

use std::io;

use memchr::memchr;

use super::open_file::{End, Missing, Next, OpenFile};
use super::{GapCause, Place};
use crate::Timestamp;
use crate::log_files::{LogFiles, Size, first_time};
use crate::record::Record;

/// Bytes that are read at once.
const CHUNK: usize = 32 << 10;

/// What a log has next.
pub(super) enum Step<'a> {
    /// A line of a file.
    Line(Line<'a>),
    /// A part of the log that is gone.
    Gap(GapCause, Missing),
    /// Nothing at present.
    Nothing,
}

/// A line of a file, without its newline.
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    /// What it says, where it is a record.
    pub(super) record: Option<Record<'a>>,
    /// Bytes at its end that are left out.
    pub(super) cut: u64,
    /// Whether it has no newline: the file ends in the middle of it.
    pub(super) torn: bool,
    /// Where it begins.
    pub(super) place: Place,
}

pub(super) struct Tail {
    files: LogFiles,
    /// Where the next line begins.
    place: Place,
    file: Option<OpenFile>,
    /// Whether the file of `place` was read to its end.
    done: bool,
    buffer: Vec<u8>,
    /// The part of the buffer that is not given out yet.
    start: usize,
    end: usize,
    /// The longest line that is given out whole.
    longest: usize,
    /// The start of a line that is longer, and how much of it was left out so far.
    overlong: Option<(Vec<u8>, u64)>,
    /// Time of the last record of the file.
    last: Option<Timestamp>,
}

enum Found {
    /// So many bytes of the buffer.
    Line {
        length: usize,
        torn: bool,
    },
    Overlong {
        torn: bool,
    },
    Gap(GapCause, Missing),
    Nothing,
}

impl Tail {
    /// Reads from a place on; the default place is the beginning.
    pub(super) fn new(files: LogFiles, place: Place, longest: usize) -> Self {
        Self {
            files,
            place,
            file: None,
            done: false,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            longest,
            overlong: None,
            last: None,
        }
    }

    /// The files that are read.
    pub(super) fn files(&self) -> &LogFiles {
        &self.files
    }

    /// Where the next line begins.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// Whether it stands at or after a byte of a file. A place that was not looked for yet may be of a log that is gone.
    pub(super) fn has_reached(&self, end: (u64, u64)) -> bool {
        (self.file.is_some() || self.done) && self.place.key() >= end
    }

    /// The next line. `torn`: also the end of the log, where it is no whole line.
    pub(super) fn next(&mut self, torn: bool) -> io::Result<Step<'_>> {
        let (length, cut, torn, overlong) = match self.find(torn)? {
            Found::Gap(cause, missing) => return Ok(Step::Gap(cause, missing)),
            Found::Nothing => return Ok(Step::Nothing),
            Found::Line { length, torn } => (length, 0, torn, None),
            Found::Overlong { torn } => {
                let (head, cut) = self.overlong.take().unwrap_or_default();
                (head.len(), cut, torn, Some(head))
            }
        };
        let start = self.start;
        if let Some(head) = overlong {
            // Its bytes stand before those that follow it, as those of other lines do.
            self.buffer.splice(..self.start, head);
            (self.start, self.end) = (length, self.end - start + length);
            return Ok(Step::Line(self.line(0, length, cut, torn)));
        }
        self.start += length + usize::from(!torn);
        Ok(Step::Line(self.line(start, length, cut, torn)))
    }

    fn line(&mut self, start: usize, length: usize, cut: u64, torn: bool) -> Line<'_> {
        let bytes = &self.buffer[start..start + length];
        let record = Record::decode(bytes);
        if self.place.offset == 0 {
            self.place.first = first_time(bytes);
        }
        self.last = record.map(|record| record.time).or(self.last);
        let place = self.place;
        let all = length as u64 + cut + u64::from(!torn);
        self.place.offset += all;
        self.place.bytes += all;
        self.place.records = self.place.records.map(|records| records + 1);
        Line { bytes, record, cut, torn, place }
    }

    fn find(&mut self, torn: bool) -> io::Result<Found> {
        loop {
            let Some(file) = &mut self.file else {
                match OpenFile::next(&self.files, &self.place, self.done, self.last)? {
                    Next::Opened(file, place) => {
                        (self.file, self.place, self.done) = (Some(file), place, false);
                    }
                    Next::Gap(cause, missing, place) => {
                        (self.place, self.done) = (place, false);
                        // A place at the very end of a file that was deleted.
                        if missing.bytes == Some(0) {
                            continue;
                        }
                        return Ok(Found::Gap(cause, missing));
                    }
                    Next::Nothing => return Ok(Found::Nothing),
                }
                continue;
            };
            let unread = &self.buffer[self.start..self.end];
            match (memchr(b'\n', unread), &mut self.overlong) {
                (Some(length), None) => return Ok(Found::Line { length, torn: false }),
                (Some(length), Some((_, cut))) => {
                    *cut += length as u64;
                    self.start += length + 1;
                    return Ok(Found::Overlong { torn: false });
                }
                (None, Some((_, cut))) => {
                    *cut += unread.len() as u64;
                    self.start = self.end;
                }
                (None, None) if unread.len() >= self.longest => {
                    self.overlong = Some((unread.to_vec(), 0));
                    self.start = self.end;
                }
                (None, None) => {}
            }
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            self.buffer.resize(self.end + CHUNK, 0);
            match file.read(&mut self.buffer[self.end..]) {
                Ok(0) => {}
                Ok(length) => {
                    self.end += length;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    let size = file.size();
                    self.leave(size);
                    return Ok(Found::Gap(GapCause::Damaged(error.to_string()), Missing::default()));
                }
            }
            let rest = self.end - self.start;
            let (torn, over) = match file.end(&self.files)? {
                End::LookAgain => continue,
                End::Truncated => {
                    self.leave(None);
                    self.done = false;
                    self.place = Place { offset: 0, first: None, records: None, ..self.place };
                    return Ok(Found::Gap(GapCause::Removed, Missing::default()));
                }
                End::Over => (true, true),
                End::ForNow => (torn, false),
            };
            if torn && self.overlong.is_some() {
                return Ok(Found::Overlong { torn: true });
            }
            if torn && rest > 0 {
                return Ok(Found::Line { length: rest, torn: true });
            }
            if !over {
                if rest == 0 {
                    // Most logs are silent most of the time.
                    self.buffer = Vec::new();
                }
                return Ok(Found::Nothing);
            }
            self.leave(None);
        }
    }

    /// Goes on with the next file. `size`: how much is in this one, where it was not read to its end.
    fn leave(&mut self, size: Option<Size>) {
        if let Some(size) = size {
            self.place.bytes = self.place.bytes - self.place.offset + size.bytes;
            self.place.records = None;
        }
        (self.file, self.done, self.start, self.end, self.overlong) = (None, true, 0, 0, None);
    }
}
